/* test/talk/zmtp_talk.h - peers of ZMTP in a conversation (talk.h), beside those that speak MQTT and AMQP.
 *
 *     zmtp_say(talk, "ana", "PUSH jobs");          connects as that socket type, with that Resource
 *     zmtp_say(talk, "ana", "send a+b; send c");   messages, their parts by '+'; `-` is an empty part
 *     zmtp_hear(talk, "ana", "ready\n");
 *
 * Commands: PATTERN RESOURCE, send PARTS, answer PARTS (of a REP, to what it heard last), many TOPIC COUNT (of 60 KB),
 * sub PREFIX, unsub PREFIX, deaf, listen, cut. What is heard: a line a message, `ready`, `subscribed PREFIX`, `closed:
 * WHY`; with `counts` only how many, by zmtp_count(). Nothing is heard of PING. */
#ifndef TAMBO_TEST_ZMTP_TALK_H
#define TAMBO_TEST_ZMTP_TALK_H

#include "talk.h"

void zmtp_say(struct talk *talk, const char *who, const char *line);
void zmtp_hear(struct talk *talk, const char *who, const char *want);
/* Messages that it got in all. */
unsigned zmtp_count(const char *who);
/* Before talk_close(): all peers leave. */
void zmtp_hang_up(struct talk *talk);

#endif
