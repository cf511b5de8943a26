/* test/talk/amqp_talk.h - AMQP clients in a conversation (talk.h), beside those that speak MQTT.
 *
 *     amqp_say(talk, "ana", "open; queue q durable=1; publish - q msg=hi; get q");
 *     amqp_hear(talk, "ana", "queue.declare-ok q 0 0\n"
 *                            "basic.get-ok 1 - q 'hi' left=0\n");
 *
 * Commands; ch=1 says on which channel, `;` lets the answer come before the next, `&` does not; `-` is empty:
 *
 *     open vhost=/ user=guest can=1 beats=0     up to connection.open, and opens channel 1;    hello HEX: a protocol
 * header channel, close, bye, beat, flow active=1, deaf (reads no more) exchange NAME TYPE durable= internal= passive=
 * auto=       unexchange NAME queue NAME durable= exclusive= auto= passive= ARGUMENT:NUMBER...     unqueue NAME unused=
 * empty=, purge NAME bind QUEUE EXCHANGE KEY, unbind QUEUE EXCHANGE KEY, link DESTINATION SOURCE KEY publish EXCHANGE
 * KEY msg= size= mode= mandatory= immediate= expiration= user= reply= corr= cut= consume QUEUE tag= noack= exclusive=,
 * cancel TAG, qos N global= bytes= get QUEUE noack=, ack TAG multiple=, nack TAG multiple= requeue=, reject TAG
 * requeue=, recover requeue= confirm, tx, commit, rollback, raw HEX...
 *
 * What the server closes is answered; what succeeds without a word to say (open-ok, bind-ok, ...) is not noted. */
#ifndef TAMBO_TEST_AMQP_TALK_H
#define TAMBO_TEST_AMQP_TALK_H

#include "talk.h"

void amqp_say(struct talk *talk, const char *who, const char *line);
void amqp_hear(struct talk *talk, const char *who, const char *want);
/* What it heard since the last time, forgotten then; valid until it hears more. */
const char *amqp_heard(struct talk *talk, const char *who);
/* Before another talk_open(): all clients are forgotten. */
void amqp_forget(void);

#endif
