/* What AMQP clients may not do, and what they are told: RabbitMQ's codes and texts, word for word, on the channel or on
 * the connection as RabbitMQ has it. */
#include "amqp_talk.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/must.h"

/* clang-format off */
/* Each after: open; queue q durable=1; exchange x direct; exchange in direct internal=1. */
static const struct row {
    const char *say, *hear;
} rows[] = {
    /* channel errors */
    { "queue nope passive=1",
      "channel.close NOT_FOUND - no queue 'nope' in vhost '/' 50.10\n" },
    { "exchange nope direct passive=1",
      "channel.close NOT_FOUND - no exchange 'nope' in vhost '/' 40.10\n" },
    { "queue amq.mine",
      "channel.close ACCESS_REFUSED - queue name 'amq.mine' contains reserved prefix 'amq.*' 50.10\n" },
    { "exchange amq.mine direct",
      "channel.close ACCESS_REFUSED - exchange name 'amq.mine' contains reserved prefix 'amq.*' 40.10\n" },
    { "exchange - direct",
      "channel.close ACCESS_REFUSED - operation not permitted on the default exchange 40.10\n" },
    { "unexchange amq.direct",
      "channel.close ACCESS_REFUSED - deletion of system exchange 'amq.direct' in vhost '/' not allowed 40.20\n" },
    { "bind q - k",
      "channel.close ACCESS_REFUSED - operation not permitted on the default exchange 50.20\n" },
    { "bind q nope k",
      "channel.close NOT_FOUND - no exchange 'nope' in vhost '/' 50.20\n" },
    { "bind nope x k",
      "channel.close NOT_FOUND - no queue 'nope' in vhost '/' 50.20\n" },
    { "link x nope k",
      "channel.close NOT_FOUND - no exchange 'nope' in vhost '/' 40.30\n" },
    { "channel ch=2; purge - ch=2",
      "channel.close NOT_FOUND - no previously declared queue 50.30\n" },
    { "queue q durable=0",
      "channel.close PRECONDITION_FAILED - inequivalent arg 'durable' for queue 'q' in vhost '/': "
      "received 'false' but current is 'true' 50.10\n" },
    { "queue q durable=1 exclusive=1",
      "channel.close RESOURCE_LOCKED - cannot obtain exclusive access to locked queue 'q' in vhost '/'. It could be "
      "originally declared on another connection or the exclusive property value does not match that of the original "
      "declaration. 50.10\n" },
    { "exchange x fanout",
      "channel.close PRECONDITION_FAILED - inequivalent arg 'type' for exchange 'x' in vhost '/': "
      "received 'fanout' but current is 'direct' 40.10\n" },
    { "publish nope k",
      "channel.close NOT_FOUND - no exchange 'nope' in vhost '/' 60.40\n" },
    { "publish in k",
      "channel.close ACCESS_REFUSED - cannot publish to internal exchange 'in' in vhost '/' 60.40\n"},
    { "publish - q user=bob msg=x",
      "channel.close PRECONDITION_FAILED - user_id property set to 'bob' but authenticated user was 'guest' 60.40\n" },
    { "publish - q expiration=soon",
      "channel.close PRECONDITION_FAILED - invalid expiration 'soon': no_integer 60.40\n" },
    { "publish - q expiration=9s",
      "channel.close PRECONDITION_FAILED - invalid expiration '9s': {leftover_string,\"s\"} 60.40\n" },
    { "publish - q reply=amq.rabbitmq.reply-to",
      "channel.close PRECONDITION_FAILED - fast reply consumer does not exist 60.40\n" },
    { "publish - q size=200000",
      "channel.close PRECONDITION_FAILED - message size 200000 is larger than configured max size 100000 60.40\n" },
    { "consume amq.rabbitmq.reply-to",
      "channel.close PRECONDITION_FAILED - reply consumer cannot acknowledge 60.20\n" },
    { "consume nope",
      "channel.close NOT_FOUND - no queue 'nope' in vhost '/' 60.20\n" },
    { "get nope",
      "channel.close NOT_FOUND - no queue 'nope' in vhost '/' 60.70\n" },
    { "ack 7",
      "channel.close PRECONDITION_FAILED - unknown delivery tag 7 60.80\n" },
    { "nack 7 multiple=1",
      "channel.close PRECONDITION_FAILED - unknown delivery tag 7 60.120\n" },
    { "reject 0",
      "channel.close PRECONDITION_FAILED - unknown delivery tag 0 60.90\n" },
    { "commit",
      "channel.close PRECONDITION_FAILED - channel is not transactional 90.20\n" },
    { "tx; confirm",
      "channel.close PRECONDITION_FAILED - cannot switch from tx to confirm mode 85.10\n" },
    { "confirm; tx",
      "channel.close PRECONDITION_FAILED - cannot switch from confirm to tx mode 90.10\n" },
 /* A channel that failed hears nothing before its close-ok, and may be opened anew. */
    { "ack 7 & queue q durable=1 passive=1; channel; queue q passive=1",
      "channel.close PRECONDITION_FAILED - unknown delivery tag 7 60.80\nqueue.declare-ok q 0 0\n" },
    { "unqueue nope; unexchange nope; ack 0 multiple=1; cancel nobody",
      "queue.delete-ok 0\n" },
 /* connection errors */
    { "publish - q immediate=1 cut=1",
      "connection.close NOT_IMPLEMENTED - immediate=true 60.40\nCLOSED\n" },
    { "flow active=0",
      "connection.close NOT_IMPLEMENTED - active=false 20.20\nCLOSED\n" },
    { "recover requeue=0",
      "connection.close NOT_IMPLEMENTED - requeue=false 60.110\nCLOSED\n" },
    { "qos 1 bytes=9",
      "connection.close NOT_IMPLEMENTED - prefetch_size!=0 (9) 60.10\nCLOSED\n" },
    { "exchange y nosuch",
      "connection.close COMMAND_INVALID - unknown exchange type 'nosuch' 40.10\nCLOSED\n" },
    { "channel",
      "connection.close CHANNEL_ERROR - second 'channel.open' seen 20.10\nCLOSED\n" },
    { "queue q ch=9",
      "connection.close CHANNEL_ERROR - expected 'channel.open' 50.10\nCLOSED\n" },
    { "channel ch=101",
      "connection.close NOT_ALLOWED - number of channels opened (1) has reached the negotiated "
      "channel_max (100) 20.10\nCLOSED\n" },
    { "consume q tag=t & consume q tag=t",
      "connection.close NOT_ALLOWED - attempt to reuse consumer tag 't' 60.20\nCLOSED\n" },
    { "publish - q cut=1; queue q",
      "connection.close UNEXPECTED_FRAME - expected content header for class 60, got non content header frame instead "
      "60.40\nCLOSED\n" },
    { "raw 03000100000001 78 ce",
      "connection.close UNEXPECTED_FRAME - expected method frame, got non method frame instead 0.0\nCLOSED\n" },
};
/* clang-format on */

static void
small(struct settings *settings)
{
    settings->message_bytes_max = 100000;
}

static void
each_gets_its_code_and_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        amqp_forget();
        struct talk *talk = talk_open(&(struct talk_setup){ .settings = small });
        amqp_say(talk, "ana", "open; queue q durable=1; exchange x direct; exchange in direct internal=1");
        amqp_hear(talk, "ana", "queue.declare-ok q 0 0\n");
        amqp_say(talk, "ana", rows[i].say);
        amqp_hear(talk, "ana", rows[i].hear);
        amqp_say(talk, "bo", "open; get q"); /* nobody else pays */
        amqp_hear(talk, "bo", "basic.get-empty\n");
        talk_close(talk);
    }
}

static void
a_stranger_is_told_what_is_spoken_here(void **state)
{
    (void)state;
    amqp_forget();
    struct talk *talk = talk_open(&(struct talk_setup){ 0 });
    amqp_say(talk, "old", "hello 414d515003010000");
    amqp_hear(talk, "old", "AMQP 0-9-1\nCLOSED\n");
    amqp_say(talk, "lost", "open vhost=nowhere");
    amqp_hear(talk, "lost", "connection.close NOT_ALLOWED - vhost nowhere not found 10.40\nCLOSED\n");
    talk_close(talk);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_gets_its_code_and_text),
        cmocka_unit_test(a_stranger_is_told_what_is_spoken_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
