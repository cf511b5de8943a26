/* conformance/amqp_extension.c - What RabbitMQ added to AMQP 0-9-1, by the names of its capabilities and arguments. */
#include "base/must.h"
#include "conformance/amqp_vector.h"

#define PUT(body)  "1 > basic.publish routing-key=q '" body "'\n"
#define GETS(body) "1 > basic.get queue=q no-ack\n1 < basic.get-ok * '" body "'\n"
#define EMPTY      "1 > basic.get queue=q\n1 < basic.get-empty\n"
#define CONFIRM    "1 > confirm.select\n1 < confirm.select-ok\n"
#define QUEUE_D    "1 > queue.declare queue=d\n1 < queue.declare-ok queue=d\n"
#define DYING_Q(how)                                                                    \
    QUEUE_D "1 > queue.declare queue=q arguments={" how " x-dead-letter-exchange=\"\" " \
            "x-dead-letter-routing-key=d}\n1 < queue.declare-ok queue=q\n"
#define DEAD(reason)                                                                                                \
    "1 > basic.get queue=d no-ack\n1 < basic.get-ok delivery-tag=* routing-key=d headers={x-death:A=[F={count:l=1 " \
    "reason=" reason " queue=q time:T=* exchange=\"\" routing-keys:A=[q]*}] x-first-death-reason=" reason " "       \
    "x-first-death-queue=q x-first-death-exchange=\"\"} 'x'\n"

/* clang-format off */
static const struct amqp_vector rows[] = {
    { "confirmed", "publisher_confirms", OPEN QUEUE_Q CONFIRM PUT("x") "1 < basic.ack delivery-tag=1\n" },
    { "confirmed_though_nobody_gets_it", "publisher_confirms", OPEN CONFIRM PUT("x") "1 < basic.ack delivery-tag=1\n" },
    { "refused_by_a_full_queue", "publisher_confirms",
      OPEN "1 > queue.declare queue=q arguments={x-max-length=1 x-overflow=reject-publish}\n1 < queue.declare-ok queue=q\n" CONFIRM
      PUT("1") "1 < basic.ack delivery-tag=1\n" PUT("2") "1 < basic.nack delivery-tag=2\n" PUT("3") "1 < basic.nack delivery-tag=3\n" },
    { "confirm_selected_twice", "publisher_confirms", OPEN CONFIRM CONFIRM PUT("x") "1 < basic.ack delivery-tag=1\n" },
    { "confirm_no_wait", "publisher_confirms", OPEN "1 > confirm.select no-wait\n" PUT("x") "1 < basic.ack delivery-tag=1\n" },
    { "confirm_on_a_channel_with_tx", "publisher_confirms",
      OPEN "1 > tx.select\n1 < tx.select-ok\n1 > confirm.select\n"
      CHANNEL_FAILS(406, "PRECONDITION_FAILED - cannot switch from tx to confirm mode", 85, 10) },
    { "tx_on_a_channel_with_confirms", "publisher_confirms",
      OPEN CONFIRM "1 > tx.select\n" CHANNEL_FAILS(406, "PRECONDITION_FAILED - cannot switch from confirm to tx mode", 90, 10) },
    { "exchange_bound_to_an_exchange", "exchange_exchange_bindings",
      OPEN QUEUE_Q "1 > exchange.declare exchange=x type=direct\n1 < exchange.declare-ok\n"
      "1 > exchange.bind destination=amq.fanout source=x routing-key=k\n1 < exchange.bind-ok\n"
      "1 > queue.bind queue=q exchange=amq.fanout\n1 < queue.bind-ok\n1 > basic.publish exchange=x routing-key=k 'x'\n"
      "1 > basic.get queue=q no-ack\n1 < basic.get-ok delivery-tag=1 exchange=x routing-key=k 'x'\n"
      "1 > exchange.unbind destination=amq.fanout source=x routing-key=k\n1 < exchange.unbind-ok\n"
      "1 > basic.publish exchange=x routing-key=k 'x'\n" EMPTY },
    { "exchanges_bound_in_a_circle", "exchange_exchange_bindings",
      OPEN QUEUE_Q "1 > exchange.bind destination=amq.fanout source=amq.direct routing-key=k\n1 < exchange.bind-ok\n"
      "1 > exchange.bind destination=amq.direct source=amq.fanout\n1 < exchange.bind-ok\n"
      "1 > queue.bind queue=q exchange=amq.fanout\n1 < queue.bind-ok\n1 > basic.publish exchange=amq.direct routing-key=k 'x'\n"
      GETS("x") EMPTY },
    { "exchange_bound_to_none", "exchange_exchange_bindings",
      OPEN "1 > exchange.bind destination=nope source=amq.direct routing-key=k\n"
      CHANNEL_FAILS(404, "NOT_FOUND - no exchange 'nope' in vhost '/'", 40, 30) },
    { "cancel_is_notified", "consumer_cancel_notify",
      OPEN QUEUE_Q "1 > basic.consume queue=q consumer-tag=c\n1 < basic.consume-ok consumer-tag=c\n1 > queue.delete queue=q\n"
      "1 < basic.cancel consumer-tag=c no-wait\n1 < queue.delete-ok\n" },
    { "cancel_is_not_notified_to_who_cannot_be", "consumer_cancel_notify",
      "open can=\n1 > channel.open\n1 < channel.open-ok\n" QUEUE_Q "1 > basic.consume queue=q consumer-tag=c\n"
      "1 < basic.consume-ok consumer-tag=c\n1 > queue.delete queue=q\n1 < queue.delete-ok\n" },
    { "reply_to", "direct_reply_to",
      OPEN QUEUE_Q "1 > basic.consume queue=amq.rabbitmq.reply-to consumer-tag=r no-ack\n1 < basic.consume-ok consumer-tag=r\n"
      "1 > basic.publish routing-key=q reply-to=amq.rabbitmq.reply-to 'ask'\n1 > basic.get queue=q no-ack\n"
      "1 < basic.get-ok delivery-tag=* reply-to=amq.rabbitmq.reply-to.* 'ask'\n" },
    { "reply_to_without_a_consumer", "direct_reply_to",
      OPEN QUEUE_Q "1 > basic.publish routing-key=q reply-to=amq.rabbitmq.reply-to 'ask'\n"
      CHANNEL_FAILS(406, "PRECONDITION_FAILED - fast reply consumer does not exist", 60, 40) },
    { "reply_to_consumer_that_acknowledges", "direct_reply_to",
      OPEN "1 > basic.consume queue=amq.rabbitmq.reply-to consumer-tag=r\n"
      CHANNEL_FAILS(406, "PRECONDITION_FAILED - reply consumer cannot acknowledge", 60, 20) },
    { "access_request", "access.request", OPEN "1 > access.request realm=/data active read write\n1 < access.request-ok ticket=1\n" },
    { "alternate_exchange", "alternate-exchange",
      OPEN QUEUE_Q "1 > exchange.declare exchange=x type=direct arguments={alternate-exchange=amq.fanout}\n1 < exchange.declare-ok\n"
      "1 > queue.bind queue=q exchange=amq.fanout\n1 < queue.bind-ok\n1 > basic.publish exchange=x routing-key=k mandatory 'x'\n"
      "1 > basic.get queue=q no-ack\n1 < basic.get-ok delivery-tag=1 exchange=x routing-key=k 'x'\n" },
    { "cc_and_bcc", "sender-selected distribution",
      OPEN QUEUE_Q QUEUE_D "1 > basic.publish routing-key=none headers={CC:A=[q] BCC:A=[d]} 'x'\n"
      "1 > basic.get queue=q no-ack\n1 < basic.get-ok delivery-tag=1 routing-key=none headers={CC:A=[q]} 'x'\n"
      "1 > basic.get queue=d no-ack\n1 < basic.get-ok delivery-tag=2 routing-key=none headers={CC:A=[q]} 'x'\n" },
    { "keys_that_are_no_array", "sender-selected distribution",
      OPEN "1 > basic.publish routing-key=k headers={CC=bad} 'x'\n"
      CHANNEL_FAILS(406, "PRECONDITION_FAILED - invalid message: {unacceptable_type_in_header,\"CC\",longstr}", 60, 40) },
    { "keys_that_are_no_array_in_a_transaction", "sender-selected distribution",
      OPEN "1 > tx.select\n1 < tx.select-ok\n1 > basic.publish routing-key=k headers={BCC=bad} 'x'\n"
      CHANNEL_FAILS(406, "PRECONDITION_FAILED - invalid message: {unacceptable_type_in_header,\"BCC\",longstr}", 60, 40) },
    { "dead_by_message_ttl", "x-dead-letter-exchange", OPEN DYING_Q("x-message-ttl=500") PUT("x") "wait 2000\n" EMPTY DEAD("expired") },
    { "dead_by_length", "x-dead-letter-exchange", OPEN DYING_Q("x-max-length=1") PUT("x") PUT("y") "wait 200\n" DEAD("maxlen") GETS("y") },
    { "ack_makes_room_for_what_follows", "consumer_priorities",
      OPEN QUEUE_Q "1 > basic.qos prefetch-count=1\n1 < basic.qos-ok\n"
      "1 > basic.consume queue=q consumer-tag=c arguments={x-priority=10}\n1 < basic.consume-ok consumer-tag=c\n"
      "2 > channel.open\n2 < channel.open-ok\n2 > basic.consume queue=q consumer-tag=d no-ack\n2 < basic.consume-ok consumer-tag=d\n"
      PUT("1") "1 < basic.deliver consumer-tag=c delivery-tag=1 routing-key=q '1'\n1 > basic.ack delivery-tag=1\n"
      PUT("2") "1 < basic.deliver consumer-tag=c delivery-tag=2 routing-key=q '2'\n" },
    { "requeued_is_too_much", "x-max-length",
      OPEN "1 > queue.declare queue=q arguments={x-max-length=1}\n1 < queue.declare-ok queue=q\n" PUT("a")
      "1 > basic.get queue=q\n1 < basic.get-ok * 'a'\n" PUT("b") "1 > basic.nack delivery-tag=1 requeue\n" GETS("b") EMPTY },
    { "one_that_rejects_keeps_nothing_from_the_others", "x-max-length",
      OPEN "1 > queue.declare queue=full arguments={x-max-length=0 x-overflow=reject-publish}\n1 < queue.declare-ok queue=full\n" QUEUE_Q
      "1 > queue.bind queue=full exchange=amq.fanout\n1 < queue.bind-ok\n1 > queue.bind queue=q exchange=amq.fanout\n1 < queue.bind-ok\n"
      "1 > basic.publish exchange=amq.fanout mandatory 'x'\n1 > basic.get queue=q no-ack\n1 < basic.get-ok * 'x'\n"
      CONFIRM "1 > basic.publish exchange=amq.fanout 'y'\n1 < basic.nack delivery-tag=1\n"
      "1 > basic.get queue=q no-ack\n1 < basic.get-ok * 'y'\n1 > basic.get queue=full\n1 < basic.get-empty\n" },
    { "priorities_are_limited_together", "x-max-length",
      OPEN "1 > queue.declare queue=q arguments={x-max-length=2 x-max-priority=3}\n1 < queue.declare-ok queue=q\n"
      "1 > basic.publish routing-key=q priority=3 'high'\n1 > basic.publish routing-key=q 'low'\n"
      "1 > basic.publish routing-key=q priority=2 'middle'\n" GETS("middle") GETS("low") EMPTY },
    { "priorities_are_refused_together", "x-max-length",
      OPEN "1 > queue.declare queue=q arguments={x-max-length=2 x-max-priority=3 x-overflow=reject-publish}\n1 < queue.declare-ok queue=q\n"
      CONFIRM "1 > basic.publish routing-key=q priority=3 'high'\n1 < basic.ack delivery-tag=1\n" PUT("low") "1 < basic.ack delivery-tag=2\n"
      "1 > basic.publish routing-key=q priority=2 'middle'\n1 < basic.nack delivery-tag=3\n" GETS("high") GETS("low") EMPTY },
    { "bytes_are_the_bodies'", "x-max-length-bytes",
      OPEN "1 > queue.declare queue=q arguments={x-max-length-bytes=10}\n1 < queue.declare-ok queue=q\n" PUT("12345") PUT("67890")
      "1 > basic.publish routing-key=q headers={long=to-be-passed-over} '1'\n" GETS("67890") GETS("1") EMPTY },
    { "bytes_held_are_not_ready", "x-max-length-bytes",
      OPEN "1 > queue.declare queue=q arguments={x-max-length-bytes=5 x-overflow=reject-publish}\n1 < queue.declare-ok queue=q\n" CONFIRM
      PUT("12345") "1 < basic.ack delivery-tag=1\n" PUT("6") "1 < basic.nack delivery-tag=2\n" PUT("") "1 < basic.ack delivery-tag=3\n"
      "1 > basic.get queue=q\n1 < basic.get-ok * '12345'\n" PUT("67890") "1 < basic.ack delivery-tag=4\n" },
    { "bytes_of_priorities_together", "x-max-length-bytes",
      OPEN "1 > queue.declare queue=q arguments={x-max-length-bytes=8 x-max-priority=3}\n1 < queue.declare-ok queue=q\n"
      "1 > basic.publish routing-key=q priority=3 'high'\n1 > basic.publish routing-key=q 'low'\n" GETS("high")
      "1 > basic.publish routing-key=q priority=2 'midst'\n" GETS("midst") GETS("low") EMPTY },
    { "times_to_live_of_years", "x-message-ttl",
      OPEN "1 > queue.declare queue=q arguments={x-message-ttl:l=315360000000 x-expires:l=315360000000}\n1 < queue.declare-ok queue=q\n"
      "1 > basic.publish routing-key=q expiration=315360000000 'x'\nwait 1000\n" GETS("x")
      "1 > basic.publish routing-key=q expiration=315360000001 'x'\n"
      CHANNEL_FAILS(406, "PRECONDITION_FAILED - invalid expiration '315360000001': {value_too_large,315360000001}", 60, 40) },
    { "dead_by_its_own_expiration", "x-dead-letter-exchange",
      OPEN DYING_Q("x-max-length=5") "1 > basic.publish routing-key=q expiration=300 'x'\nwait 2000\n"
      "1 > basic.get queue=d no-ack\n1 < basic.get-ok delivery-tag=1 routing-key=d headers={x-death:A=[F={count:l=1 reason=expired "
      "queue=q time:T=* exchange=\"\" routing-keys:A=[q] original-expiration=300}] *} 'x'\n" },
    { "queue_expires", "x-expires",
      OPEN "1 > queue.declare queue=q arguments={x-expires=1000}\n1 < queue.declare-ok queue=q\nwait 3000\n"
      "1 > queue.declare queue=q passive\n1 < channel.close reply-code=404 *\n" },
    { "queue_does_not_expire_under_a_consumer", "x-expires",
      OPEN "1 > queue.declare queue=q arguments={x-expires=1000}\n1 < queue.declare-ok queue=q\n"
      "1 > basic.consume queue=q consumer-tag=c\n1 < basic.consume-ok consumer-tag=c\nwait 3000\n"
      "1 > queue.declare queue=q passive\n1 < queue.declare-ok queue=q consumer-count=1\n" },
    { "single_active_consumer", "x-single-active-consumer",
      OPEN2 "1 > queue.declare queue=q arguments={x-single-active-consumer=true}\n1 < queue.declare-ok queue=q\n"
      "1 > basic.consume queue=q consumer-tag=c no-ack\n1 < basic.consume-ok consumer-tag=c\n"
      "2 > basic.consume queue=q consumer-tag=d no-ack\n2 < basic.consume-ok consumer-tag=d\n" PUT("1") PUT("2")
      "1 < basic.deliver consumer-tag=c delivery-tag=1 routing-key=q '1'\n1 < basic.deliver consumer-tag=c delivery-tag=2 routing-key=q '2'\n"
      "1 > basic.cancel consumer-tag=c\n1 < basic.cancel-ok consumer-tag=c\n" PUT("3")
      "2 < basic.deliver consumer-tag=d delivery-tag=1 routing-key=q '3'\n" },
    { "consumer_priorities", "consumer_priorities",
      OPEN2 QUEUE_Q "1 > basic.consume queue=q consumer-tag=c no-ack\n1 < basic.consume-ok consumer-tag=c\n"
      "2 > basic.consume queue=q consumer-tag=d no-ack arguments={x-priority=10}\n2 < basic.consume-ok consumer-tag=d\n" PUT("1") PUT("2")
      "2 < basic.deliver consumer-tag=d delivery-tag=1 routing-key=q '1'\n2 < basic.deliver consumer-tag=d delivery-tag=2 routing-key=q '2'\n" },
    { "bad_arguments", "arguments",
      OPEN "1 > queue.declare queue=q arguments={x-message-ttl=-1}\n"
      "1 < channel.close reply-code=406 reply-text=\"PRECONDITION_FAILED - invalid arg 'x-message-ttl' for queue 'q' in vhost '/': *\" "
      "class-id=50 method-id=10\n" },
};
/* clang-format on */

const struct amqp_vectors amqp_vectors_extension = { rows, COUNT_OF(rows) };
