/* rig/amqp_script.h - scripted conversations between a node and raw AMQP peers on the rig: a line a deed or an answer.
 *
 *     open                               connects, and opens the connection: vhost=/ user=guest password=guest
 * can=a,b,c frame-max= channel-max= heartbeat=0 1 > channel.open                   says it (test/rig/amqp_text.h) 1 <
 * channel.open-ok                is the next it hears; * stands for anything b open                             another
 * peer, by one letter a to g; without one it is a b 1 > basic.get queue=q < closed                           the node
 * closed the connection quiet                              it has heard nothing more dial connects, and says nothing
 *     raw [AMQP] 00000901                bytes (test/rig/notation.h)
 *     cut, deaf, listen                  breaks it off; reads no more; reads on
 *     wait 1000                          milliseconds
 *     kill, power                        the node ends so, and is started again; all have to open anew
 *
 * Before something is listened for, a moment passes.  What is not listened for in a script's end is a fault, too. */
#ifndef TAMBO_RIG_AMQP_SCRIPT_H
#define TAMBO_RIG_AMQP_SCRIPT_H

#include "rig/rig.h"

struct amqp_stage;

/* On a rig that has booted. */
struct amqp_stage *amqp_stage_new(struct rig *rig);
void amqp_stage_free(struct amqp_stage *stage);
/* Every byte by itself. */
void amqp_stage_dribble(struct amqp_stage *stage, bool dribble);
/* Plays it.  False: it went otherwise, and amqp_stage_complaint() says where and how. */
bool amqp_play(struct amqp_stage *stage, const char *script);
/* Says what there is to say, and forgets what is heard; nobody minds being refused. */
void amqp_mumble(struct amqp_stage *stage, const char *script);
/* Bytes from the i-th peer, as they are. */
void amqp_say_bytes(struct amqp_stage *stage, unsigned i, struct view bytes);
/* All that the i-th peer has heard, a line each, since it was last listened to; good until it hears more. */
const char *amqp_heard(struct amqp_stage *stage, unsigned i);
const char *amqp_stage_complaint(const struct amqp_stage *stage);

#endif
