/* rig/amqp_babble.h - senseless conversations in AMQP with a whole node: what is said follows from some bytes.
 *
 * Whatever is said, the node must live, serve another client that behaves, and give all its memory back. */
#ifndef TAMBO_RIG_AMQP_BABBLE_H
#define TAMBO_RIG_AMQP_BABBLE_H

#include "rig/amqp_script.h"

void amqp_babble(struct view bytes);

/* Cuts everybody off and serves one who behaves. */
void amqp_probe(struct amqp_stage *stage, struct rig *rig);

#endif
