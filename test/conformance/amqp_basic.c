/* conformance/amqp_basic.c - The rules of class basic, but settlement: publishing, consuming, getting. */
#include "base/must.h"
#include "conformance/amqp_vector.h"

#define PUT(body)          "1 > basic.publish routing-key=q '" body "'\n"
#define CONSUME(more)      "1 > basic.consume queue=q consumer-tag=c " more "\n1 < basic.consume-ok consumer-tag=c\n"
#define DELIVERED(n, body) "1 < basic.deliver consumer-tag=c delivery-tag=" #n " routing-key=q '" body "'\n"
#define GETS(body)         "1 > basic.get queue=q no-ack\n1 < basic.get-ok * '" body "'\n"

/* clang-format off */
static const struct amqp_vector rows[] = {
    /* ---- the class ---- */
    { "persistent_messages_survive", "basic/01",
      OPEN "1 > queue.declare queue=q durable\n1 < queue.declare-ok queue=q\n1 > confirm.select\n1 < confirm.select-ok\n"
      "1 > basic.publish routing-key=q delivery-mode=2 'x'\n1 < basic.ack delivery-tag=1\npower\n"
      OPEN "1 > basic.get queue=q no-ack\n1 < basic.get-ok delivery-tag=1 * delivery-mode=2 'x'\n" },
    { "overflow_keeps_persistent_messages", "basic/02",
      OPEN "1 > queue.declare queue=q durable arguments={x-max-length=1 x-overflow=reject-publish}\n1 < queue.declare-ok queue=q\n"
      "1 > confirm.select\n1 < confirm.select-ok\n1 > basic.publish routing-key=q delivery-mode=2 '1'\n1 < basic.ack delivery-tag=1\n"
      "1 > basic.publish routing-key=q delivery-mode=2 '2'\n1 < basic.nack delivery-tag=2\n" GETS("1") },
    { "overflow_drops_the_oldest_when_asked", "basic/02",
      OPEN "1 > queue.declare queue=q arguments={x-max-length=1}\n1 < queue.declare-ok queue=q\n" PUT("1") PUT("2") "wait 100\n"
      GETS("2") },
    { "priorities", "basic/06",
      OPEN "1 > queue.declare queue=q arguments={x-max-priority=9}\n1 < queue.declare-ok queue=q\n"
      "1 > basic.publish routing-key=q priority=0 'low'\n1 > basic.publish routing-key=q priority=9 'high'\n"
      "1 > basic.get queue=q no-ack\n1 < basic.get-ok * 'high'\n" },
    { "ten_priorities", "basic/07",
      OPEN "1 > queue.declare queue=q arguments={x-max-priority=10}\n1 < queue.declare-ok queue=q\n"
      "1 > basic.publish routing-key=q priority=1 '1'\n1 > basic.publish routing-key=q priority=3 '3'\n"
      "1 > basic.publish routing-key=q priority=2 '2'\n" GETS("3") GETS("2") GETS("1") },
    { "priorities_are_kept_only_where_asked_for", "basic/06",
      OPEN QUEUE_Q "1 > basic.publish routing-key=q priority=0 'first'\n1 > basic.publish routing-key=q priority=9 'second'\n"
      GETS("first") },
    { "order_irrespective_of_persistence", "basic/08",
      OPEN QUEUE_Q "1 > basic.publish routing-key=q delivery-mode=2 '1'\n1 > basic.publish routing-key=q delivery-mode=1 '2'\n"
      "1 > basic.publish routing-key=q delivery-mode=2 '3'\n" GETS("1") GETS("2") GETS("3") },
    { "unacknowledged_delivery", "basic/09",
      OPEN QUEUE_Q PUT("x") CONSUME("no-ack") DELIVERED(1, "x") "cut\n"
      B_OPEN "b 1 > queue.declare queue=q\nb 1 < queue.declare-ok queue=q\n" },
    { "acknowledged_delivery", "basic/10",
      OPEN QUEUE_Q PUT("1") PUT("2") CONSUME("") DELIVERED(1, "1") DELIVERED(2, "2") "1 > basic.ack delivery-tag=1\nwait 50\ncut\n"
      B_OPEN "b 1 > basic.get queue=q no-ack\nb 1 < basic.get-ok delivery-tag=1 redelivered routing-key=q '2'\n" },

    /* ---- qos ---- */
    { "prefetch_count", "basic.qos.prefetch-count/01",
      OPEN QUEUE_Q "1 > basic.qos prefetch-count=2\n1 < basic.qos-ok\n" PUT("1") PUT("2") PUT("3") CONSUME("") DELIVERED(1, "1")
      DELIVERED(2, "2") "quiet\n1 > basic.ack delivery-tag=1\n" DELIVERED(3, "3") },
    { "prefetch_count_is_ignored_without_acknowledgements", "basic.qos.prefetch-count/01",
      OPEN QUEUE_Q "1 > basic.qos prefetch-count=1\n1 < basic.qos-ok\n" PUT("1") PUT("2") CONSUME("no-ack") DELIVERED(1, "1")
      DELIVERED(2, "2") },
    { "prefetch_size", "basic.qos.prefetch-size/01",
      OPEN "1 > basic.qos prefetch-size=10\n"
      CONNECTION_FAILS(540, "NOT_IMPLEMENTED - prefetch_size!=0 (10)", " class-id=60 method-id=10") },
    { "prefetch_of_each_consumer", "basic.qos.global/scope",
      OPEN QUEUE_Q "1 > basic.qos prefetch-count=1\n1 < basic.qos-ok\n" PUT("1") PUT("2") PUT("3") CONSUME("") DELIVERED(1, "1")
      "1 > basic.consume queue=q consumer-tag=d\n1 < basic.consume-ok consumer-tag=d\n"
      "1 < basic.deliver consumer-tag=d delivery-tag=2 routing-key=q '2'\nquiet\n" },
    { "prefetch_of_the_channel", "basic.qos.global/scope",
      OPEN QUEUE_Q "1 > basic.qos prefetch-count=1 global\n1 < basic.qos-ok\n" PUT("1") PUT("2") CONSUME("") DELIVERED(1, "1")
      "1 > basic.consume queue=q consumer-tag=d\n1 < basic.consume-ok consumer-tag=d\nquiet\n" },

    /* ---- consume, cancel ---- */
    { "sixteen_consumers", "basic.consume/01",
      OPEN QUEUE_Q "1 > basic.consume queue=q consumer-tag=1\n1 < basic.consume-ok consumer-tag=1\n"
      "1 > basic.consume queue=q consumer-tag=2 no-wait\n1 > basic.consume queue=q consumer-tag=3 no-wait\n"
      "1 > basic.consume queue=q consumer-tag=4 no-wait\n1 > basic.consume queue=q consumer-tag=5 no-wait\n"
      "1 > basic.consume queue=q consumer-tag=6 no-wait\n1 > basic.consume queue=q consumer-tag=7 no-wait\n"
      "1 > basic.consume queue=q consumer-tag=8 no-wait\n1 > basic.consume queue=q consumer-tag=9 no-wait\n"
      "1 > basic.consume queue=q consumer-tag=10 no-wait\n1 > basic.consume queue=q consumer-tag=11 no-wait\n"
      "1 > basic.consume queue=q consumer-tag=12 no-wait\n1 > basic.consume queue=q consumer-tag=13 no-wait\n"
      "1 > basic.consume queue=q consumer-tag=14 no-wait\n1 > basic.consume queue=q consumer-tag=15 no-wait\n"
      "1 > basic.consume queue=q consumer-tag=16 no-wait\n1 > queue.declare queue=q\n"
      "1 < queue.declare-ok queue=q consumer-count=16\n" },
    { "consumer_tag_by_the_server", "basic.consume.consumer-tag/generated",
      OPEN QUEUE_Q "1 > basic.consume queue=q\n1 < basic.consume-ok consumer-tag=amq.ctag-*\n" },
    { "consumer_tag_twice", "basic.consume.consumer-tag/01",
      OPEN QUEUE_Q CONSUME("") "1 > basic.consume queue=q consumer-tag=c\n"
      CONNECTION_FAILS(530, "NOT_ALLOWED - attempt to reuse consumer tag 'c'", " class-id=60 method-id=20") },
    { "consumer_tag_on_two_channels", "basic.consume.consumer-tag/02",
      OPEN2 QUEUE_Q CONSUME("") "2 > basic.consume queue=q consumer-tag=c\n2 < basic.consume-ok consumer-tag=c\n"
      "2 > basic.cancel consumer-tag=c\n2 < basic.cancel-ok consumer-tag=c\n" PUT("x") DELIVERED(1, "x") },
    { "consume_no_queue", "queue-name/current",
      OPEN "1 > basic.consume\n" CHANNEL_FAILS(404, "NOT_FOUND - no previously declared queue", 60, 20) },
    { "consume_the_last_queue", "queue-name/current",
      OPEN QUEUE_Q "1 > basic.consume consumer-tag=c\n1 < basic.consume-ok consumer-tag=c\n" PUT("x") DELIVERED(1, "x") },
    { "consume_a_queue_that_is_not_there", "basic.consume.queue/must-exist",
      OPEN "1 > basic.consume queue=nope\n" CHANNEL_FAILS(404, "NOT_FOUND - no queue 'nope' in vhost '/'", 60, 20) },
    { "no_local_is_ignored", "no-local/own-messages", OPEN QUEUE_Q CONSUME("no-local no-ack") PUT("x") DELIVERED(1, "x") },
    { "exclusive_consumer_beside_another", "basic.consume.exclusive/01",
      OPEN QUEUE_Q CONSUME("") B_OPEN "b 1 > basic.consume queue=q exclusive\n"
      "b 1 < channel.close reply-code=403 reply-text=\"ACCESS_REFUSED - queue 'q' in vhost '/' in exclusive use\" class-id=60 "
      "method-id=20\n" },
    { "consumer_beside_an_exclusive_one", "basic.consume.exclusive/01",
      OPEN QUEUE_Q CONSUME("exclusive") B_OPEN "b 1 > basic.consume queue=q\n"
      "b 1 < channel.close reply-code=403 reply-text=\"ACCESS_REFUSED - queue 'q' in vhost '/' in exclusive use\" class-id=60 "
      "method-id=20\n" },
    { "cancelled", "basic.cancel/answered",
      OPEN QUEUE_Q CONSUME("") PUT("1") DELIVERED(1, "1") "1 > basic.cancel consumer-tag=c\n1 < basic.cancel-ok consumer-tag=c\n"
      PUT("2") "quiet\n1 > basic.ack delivery-tag=1\n1 > queue.declare queue=q\n1 < queue.declare-ok queue=q message-count=1\n" },
    { "cancelled_after_its_queue", "basic.cancel/01",
      OPEN QUEUE_Q CONSUME("") "1 > queue.delete queue=q\n1 < basic.cancel consumer-tag=c no-wait\n1 < queue.delete-ok\n"
      "1 > basic.cancel consumer-tag=c\n1 < basic.cancel-ok consumer-tag=c\n" },
    { "cancel_of_none", "basic.cancel/01", OPEN "1 > basic.cancel consumer-tag=none\n1 < basic.cancel-ok consumer-tag=none\n" },
    { "no_wait_of_consume_and_cancel", "no-wait/answers",
      OPEN QUEUE_Q "1 > basic.consume queue=q consumer-tag=c no-wait\n1 > basic.cancel consumer-tag=c no-wait\nquiet\n"
      "1 > queue.declare queue=q\n1 < queue.declare-ok queue=q\n" },

    /* ---- publish, return ---- */
    { "publish_to_no_exchange", "basic.publish.exchange/must-exist",
      OPEN "1 > basic.publish exchange=nope routing-key=k 'x'\n"
      CHANNEL_FAILS(404, "NOT_FOUND - no exchange 'nope' in vhost '/'", 60, 40) },
    { "publish_to_the_default_exchange", "basic.publish.exchange/default-exchange", OPEN QUEUE_Q PUT("x") GETS("x") },
    { "mandatory", "basic.publish.mandatory/01",
      OPEN "1 > basic.publish routing-key=nobody mandatory delivery-mode=2 headers={a=1} 'x'\n"
      "1 < basic.return reply-code=312 reply-text=NO_ROUTE routing-key=nobody headers={a=1} delivery-mode=2 'x'\n" },
    { "not_mandatory", "basic.publish.mandatory/01", OPEN "1 > basic.publish routing-key=nobody 'x'\nquiet\n" },
    { "mandatory_and_confirmed", "basic.publish.mandatory/01",
      OPEN "1 > confirm.select\n1 < confirm.select-ok\n1 > basic.publish routing-key=nobody mandatory 'x'\n"
      "1 < basic.return * 'x'\n1 < basic.ack delivery-tag=1\n" },
    { "immediate", "basic.publish.immediate/01",
      OPEN QUEUE_Q "1 > basic.publish routing-key=q immediate 'x'\n"
      CONNECTION_FAILS(540, "NOT_IMPLEMENTED - immediate=true", " class-id=60 method-id=40") },
    { "message_too_large", "basic.publish/size",
      OPEN QUEUE_Q "1 > basic.publish routing-key=q\n1 > header body-size=4097\n"
      CHANNEL_FAILS(406, "PRECONDITION_FAILED - message size 4097 is larger than configured max size 4096", 60, 40) },
    { "expiration_is_a_number", "basic.expiration/number",
      OPEN QUEUE_Q "1 > basic.publish routing-key=q expiration=soon 'x'\n"
      "1 < channel.close reply-code=406 reply-text=\"PRECONDITION_FAILED - invalid expiration 'soon': *\" class-id=60 method-id=40\n" },
    { "user_id_is_the_users", "basic.user-id/checked",
      OPEN QUEUE_Q "1 > basic.publish routing-key=q user-id=root 'x'\n"
      CHANNEL_FAILS(406, "PRECONDITION_FAILED - user_id property set to 'root' but authenticated user was 'guest'", 60, 40) },

    /* ---- deliver, get ---- */
    { "delivered_with_its_exchange_and_key", "basic.deliver/fields",
      OPEN QUEUE_Q "1 > queue.bind queue=q exchange=amq.direct routing-key=k\n1 < queue.bind-ok\n" CONSUME("no-ack")
      "1 > basic.publish exchange=amq.direct routing-key=k 'x'\n"
      "1 < basic.deliver consumer-tag=c delivery-tag=1 exchange=amq.direct routing-key=k 'x'\n" },
    { "delivery_tags_count_up_from_1", "delivery-tag/non-zero",
      OPEN QUEUE_Q PUT("1") PUT("2") "1 > basic.get queue=q no-ack\n1 < basic.get-ok delivery-tag=1 * '1'\n"
      "1 > basic.get queue=q\n1 < basic.get-ok delivery-tag=2 * '2'\n" },
    { "redelivered_is_told", "redelivered/implementation",
      OPEN QUEUE_Q PUT("x") CONSUME("") DELIVERED(1, "x") "cut\n" B_OPEN "b 1 > basic.consume queue=q consumer-tag=c\n"
      "b 1 < basic.consume-ok consumer-tag=c\nb 1 < basic.deliver consumer-tag=c delivery-tag=1 redelivered routing-key=q 'x'\n" },
    { "delivered_too_often", "basic.deliver/01",
      OPEN "1 > queue.declare queue=d\n1 < queue.declare-ok queue=d\n1 > queue.declare queue=q durable "
      "arguments={x-queue-type=quorum x-delivery-limit=1 x-dead-letter-exchange=\"\" x-dead-letter-routing-key=d}\n"
      "1 < queue.declare-ok queue=q\n" PUT("x") "1 > basic.get queue=q\n1 < basic.get-ok delivery-tag=1 routing-key=q headers={x-delivery-count*=0} 'x'\n"
      "1 > basic.reject delivery-tag=1 requeue\n1 > basic.get queue=q\n"
      "1 < basic.get-ok delivery-tag=2 redelivered routing-key=q headers={x-delivery-count*=1} 'x'\n"
      "1 > basic.reject delivery-tag=2 requeue\nwait 200\n1 > basic.get queue=q\n1 < basic.get-empty\n"
      "1 > basic.get queue=d no-ack\n1 < basic.get-ok * 'x'\n" },
    { "nacked_too_often", "basic.deliver/01",
      OPEN "1 > queue.declare queue=d\n1 < queue.declare-ok queue=d\n1 > queue.declare queue=q durable "
      "arguments={x-queue-type=quorum x-delivery-limit=1 x-dead-letter-exchange=\"\" x-dead-letter-routing-key=d}\n"
      "1 < queue.declare-ok queue=q\n" PUT("x") "1 > basic.get queue=q\n1 < basic.get-ok delivery-tag=1 routing-key=q headers={x-delivery-count*=0} 'x'\n"
      "1 > basic.nack delivery-tag=1 requeue\n1 > basic.get queue=q\n"
      "1 < basic.get-ok delivery-tag=2 redelivered routing-key=q headers={x-delivery-count*=1} 'x'\n"
      "1 > basic.nack delivery-tag=2 requeue\nwait 200\n1 > basic.get queue=q\n1 < basic.get-empty\n"
      "1 > basic.get queue=d no-ack\n1 < basic.get-ok * 'x'\n" },
    { "get_counts", "basic.get-ok/count",
      OPEN QUEUE_Q PUT("1") PUT("2") "1 > basic.get queue=q\n1 < basic.get-ok delivery-tag=1 routing-key=q message-count=1 '1'\n" },
    { "get_empty", "basic.get/empty", OPEN QUEUE_Q "1 > basic.get queue=q\n1 < basic.get-empty\n" },
    { "get_from_no_queue", "queue-name/current",
      OPEN "1 > basic.get\n" CHANNEL_FAILS(404, "NOT_FOUND - no previously declared queue", 60, 70) },
    { "get_from_a_queue_that_is_not_there", "basic.get/queue",
      OPEN "1 > basic.get queue=nope\n" CHANNEL_FAILS(404, "NOT_FOUND - no queue 'nope' in vhost '/'", 60, 70) },
};
/* clang-format on */

const struct amqp_vectors amqp_vectors_basic = { rows, COUNT_OF(rows) };
