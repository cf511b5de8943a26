/* conformance/amqp_queue.c - The rules of class queue. */
#include "base/must.h"
#include "conformance/amqp_vector.h"

#define LOCKED                                                                                                   \
    "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue 'q' in vhost '/'. It could be originally " \
    "declared on another connection or the exclusive property value does not match that of the original declara*"
#define B_IS_LOCKED_OUT(says) \
    B_OPEN "b 1 > " says "\nb 1 < channel.close reply-code=405 reply-text=\"" LOCKED " class-id=* method-id=*\n"
#define EXCLUSIVE_Q       "1 > queue.declare queue=q exclusive\n1 < queue.declare-ok queue=q\n"
#define PUT(body)         "1 > basic.publish routing-key=q '" body "'\n"
#define NOT_KNOWN(method) CHANNEL_FAILS(404, "NOT_FOUND - no previously declared queue", 50, method)
#define NO_QUEUE(method)  CHANNEL_FAILS(404, "NOT_FOUND - no queue 'nope' in vhost '/'", 50, method)
#define UNEQUAL(arg, received, current)                                                                              \
    CHANNEL_FAILS(406,                                                                                               \
                  "PRECONDITION_FAILED - inequivalent arg '" arg "' for queue 'q' in vhost '/': received '" received \
                  "' but current is '" current "'",                                                                  \
                  50, 10)

/* clang-format off */
static const struct amqp_vector rows[] = {
    /* ---- declare ---- */
    { "queue_is_bound_to_the_default_exchange", "queue.declare/default-binding",
      OPEN QUEUE_Q PUT("x") "1 > basic.get queue=q no-ack\n1 < basic.get-ok delivery-tag=1 routing-key=q 'x'\n" },
    { "queue_named_by_the_server", "queue.declare.queue/default-name",
      OPEN "1 > queue.declare\n1 < queue.declare-ok queue=amq.gen-*\n1 > queue.declare\n1 < queue.declare-ok queue=amq.gen-*\n" },
    { "queue_of_a_reserved_name", "queue.declare.queue/reserved",
      OPEN "1 > queue.declare queue=amq.mine\n"
      CHANNEL_FAILS(403, "ACCESS_REFUSED - queue name 'amq.mine' contains reserved prefix 'amq.*'", 50, 10) },
    { "queue_of_a_reserved_name_passive", "queue.declare.queue/reserved",
      OPEN "1 > queue.declare queue=amq.mine passive\n"
      CHANNEL_FAILS(404, "NOT_FOUND - no queue 'amq.mine' in vhost '/'", 50, 10) },
    { "queue_of_any_name", "queue.declare.queue/syntax",
      OPEN "1 > queue.declare queue=\"a name, with / and ?\"\n1 < queue.declare-ok queue=\"a name, with / and ?\"\n" },
    { "queue_passive", "queue.declare.passive/passive",
      OPEN QUEUE_Q PUT("x") "wait 100\n1 > queue.declare queue=q passive durable\n1 < queue.declare-ok queue=q message-count=1\n"
      "1 > queue.declare queue=nope passive\n" NO_QUEUE(10) },
    { "queue_again", "queue.declare.passive/equivalent",
      OPEN "1 > queue.declare queue=q durable arguments={x-max-length=5}\n1 < queue.declare-ok queue=q\n"
      "1 > queue.declare queue=q durable arguments={x-max-length:L=5}\n1 < queue.declare-ok queue=q\n" },
    { "queue_again_durable", "queue.declare.passive/equivalent",
      OPEN QUEUE_Q "1 > queue.declare queue=q durable\n" UNEQUAL("durable", "true", "false") },
    { "queue_again_exclusive", "queue.declare.passive/equivalent",
      OPEN QUEUE_Q "1 > queue.declare queue=q exclusive\n1 < channel.close reply-code=405 *\n" },
    { "queue_again_auto_delete", "queue.declare.auto-delete/pre-existence",
      OPEN QUEUE_Q "1 > queue.declare queue=q auto-delete\n" UNEQUAL("auto_delete", "true", "false") },
    { "queue_again_with_other_arguments", "queue.declare.passive/equivalent",
      OPEN "1 > queue.declare queue=q arguments={x-max-length=5}\n1 < queue.declare-ok queue=q\n"
      "1 > queue.declare queue=q arguments={x-max-length=6}\n" UNEQUAL("x-max-length", "6", "5") },
    { "queue_again_without_arguments", "queue.declare.passive/equivalent",
      OPEN "1 > queue.declare queue=q arguments={x-max-length=5}\n1 < queue.declare-ok queue=q\n1 > queue.declare queue=q\n"
      "1 < channel.close reply-code=406 reply-text=\"PRECONDITION_FAILED - inequivalent arg 'x-max-length' for queue 'q' in "
      "vhost '/': received none but current is the value '5' of type 'signedint'\" class-id=50 method-id=10\n" },
    { "queue_survives_a_crash", "queue.declare.durable/persistence",
      OPEN "1 > queue.declare queue=q durable\n1 < queue.declare-ok queue=q\npower\n"
      OPEN PUT("x") "1 > basic.get queue=q no-ack\n1 < basic.get-ok delivery-tag=1 routing-key=q 'x'\n" },
    { "queues_durable_and_transient", "queue.declare.durable/types",
      OPEN "1 > queue.declare queue=d durable\n1 < queue.declare-ok queue=d\n1 > queue.declare queue=t\n"
      "1 < queue.declare-ok queue=t\nkill\n" OPEN "1 > queue.declare queue=d passive\n1 < queue.declare-ok queue=d\n"
      "1 > queue.declare queue=t passive\n1 < channel.close reply-code=404 *\n" },
    { "queues_exclusive_and_shared", "queue.declare.exclusive/types",
      OPEN EXCLUSIVE_Q "1 > queue.declare queue=s\n1 < queue.declare-ok queue=s\n"
      B_OPEN "b 1 > queue.declare queue=s\nb 1 < queue.declare-ok queue=s\n" },
    { "exclusive_queue_declared_by_another", "queue.declare.exclusive/exclusive",
      OPEN EXCLUSIVE_Q B_IS_LOCKED_OUT("queue.declare queue=q exclusive") },
    { "exclusive_queue_declared_passive_by_another", "queue.declare.exclusive/exclusive",
      OPEN EXCLUSIVE_Q B_IS_LOCKED_OUT("queue.declare queue=q passive") },
    { "exclusive_queue_bound_by_another", "queue.declare.exclusive/exclusive",
      OPEN EXCLUSIVE_Q B_IS_LOCKED_OUT("queue.bind queue=q exchange=amq.fanout") },
    { "exclusive_queue_consumed_by_another", "queue.declare.exclusive/exclusive",
      OPEN EXCLUSIVE_Q B_IS_LOCKED_OUT("basic.consume queue=q") },
    { "exclusive_queue_got_from_by_another", "queue.declare.exclusive/exclusive",
      OPEN EXCLUSIVE_Q B_IS_LOCKED_OUT("basic.get queue=q") },
    { "exclusive_queue_purged_by_another", "queue.declare.exclusive/exclusive",
      OPEN EXCLUSIVE_Q B_IS_LOCKED_OUT("queue.purge queue=q") },
    { "exclusive_queue_deleted_by_another", "queue.declare.exclusive/exclusive",
      OPEN EXCLUSIVE_Q B_IS_LOCKED_OUT("queue.delete queue=q") },
    { "exclusive_queue_ends_with_its_connection", "queue.declare.exclusive/types",
      OPEN EXCLUSIVE_Q "0 > connection.close reply-code=200\n0 < connection.close-ok\n< closed\n"
      B_OPEN "b 1 > queue.declare queue=q passive\nb 1 < channel.close reply-code=404 *\n" },
    { "auto_delete_queue", "queue.declare/auto-delete",
      OPEN "1 > queue.declare queue=q auto-delete\n1 < queue.declare-ok queue=q\n1 > basic.consume queue=q consumer-tag=c\n"
      "1 < basic.consume-ok consumer-tag=c\n1 > basic.cancel consumer-tag=c\n1 < basic.cancel-ok consumer-tag=c\n"
      "1 > queue.declare queue=q passive\n1 < channel.close reply-code=404 *\n" },
    { "auto_delete_queue_before_its_first_consumer", "queue.declare/auto-delete",
      OPEN "1 > queue.declare queue=q auto-delete\n1 < queue.declare-ok queue=q\n" PUT("x")
      "1 > basic.get queue=q\n1 < basic.get-ok delivery-tag=1 routing-key=q 'x'\n1 > queue.declare queue=q passive\n"
      "1 < queue.declare-ok queue=q\n" },
    { "declare_ok_counts", "message-count/ready",
      OPEN QUEUE_Q PUT("1") PUT("2") PUT("3") "1 > basic.get queue=q\n"
      "1 < basic.get-ok delivery-tag=1 routing-key=q message-count=2 '1'\n1 > queue.declare queue=q\n"
      "1 < queue.declare-ok queue=q message-count=2\n1 > basic.qos prefetch-count=1\n1 < basic.qos-ok\n"
      "1 > basic.consume queue=q consumer-tag=c\n1 < basic.consume-ok consumer-tag=c\n1 < basic.deliver * '2'\n"
      "1 > queue.declare queue=q\n1 < queue.declare-ok queue=q message-count=1 consumer-count=1\n" },
    { "queue_no_wait", "no-wait/answers",
      OPEN "1 > queue.declare queue=q no-wait\n1 > queue.bind queue=q exchange=amq.fanout no-wait\n1 > queue.purge queue=q no-wait\n"
      "1 > queue.delete queue=q no-wait\nquiet\n1 > queue.declare queue=q passive\n1 < channel.close reply-code=404 *\n" },

    /* ---- bind, unbind ---- */
    { "bound_twice", "queue.bind/duplicates",
      OPEN QUEUE_Q "1 > queue.bind queue=q exchange=amq.direct routing-key=k\n1 < queue.bind-ok\n"
      "1 > queue.bind queue=q exchange=amq.direct routing-key=k\n1 < queue.bind-ok\n"
      "1 > basic.publish exchange=amq.direct routing-key=k 'x'\n1 > basic.get queue=q no-ack\n"
      "1 < basic.get-ok delivery-tag=1 exchange=amq.direct routing-key=k 'x'\n" },
    { "bound_by_many_matching_keys", "queue.bind/unique",
      OPEN QUEUE_Q "1 > queue.bind queue=q exchange=amq.topic routing-key=a.*\n1 < queue.bind-ok\n"
      "1 > queue.bind queue=q exchange=amq.topic routing-key=#\n1 < queue.bind-ok\n"
      "1 > basic.publish exchange=amq.topic routing-key=a.b 'x'\n1 > basic.get queue=q no-ack\n"
      "1 < basic.get-ok delivery-tag=1 exchange=amq.topic routing-key=a.b 'x'\n" },
    { "durable_queue_bound_to_a_transient_exchange", "queue.bind/transient-exchange",
      OPEN "1 > queue.declare queue=q durable\n1 < queue.declare-ok queue=q\n1 > exchange.declare exchange=x type=direct\n"
      "1 < exchange.declare-ok\n1 > queue.bind queue=q exchange=x routing-key=k\n1 < queue.bind-ok\n" },
    { "binding_survives_a_crash", "queue.bind/durable-exchange",
      OPEN "1 > queue.declare queue=q durable\n1 < queue.declare-ok queue=q\n1 > exchange.declare exchange=x type=direct durable\n"
      "1 < exchange.declare-ok\n1 > queue.bind queue=q exchange=x routing-key=k\n1 < queue.bind-ok\npower\n"
      OPEN "1 > basic.publish exchange=x routing-key=k 'x'\n1 > basic.get queue=q no-ack\n"
      "1 < basic.get-ok delivery-tag=1 exchange=x routing-key=k 'x'\n" },
    { "bound_four_times", "queue.bind/binding-count",
      OPEN QUEUE_Q "1 > queue.bind queue=q exchange=amq.direct routing-key=k\n1 < queue.bind-ok\n"
      "1 > queue.bind queue=q exchange=amq.fanout\n1 < queue.bind-ok\n1 > queue.bind queue=q exchange=amq.topic\n"
      "1 < queue.bind-ok\n1 > queue.bind queue=q exchange=amq.headers\n1 < queue.bind-ok\n"
      "1 > queue.bind queue=q exchange=amq.match\n1 < queue.bind-ok\n" },
    { "bind_no_queue", "queue.bind.queue/queue-known", OPEN "1 > queue.bind exchange=amq.direct\n" NOT_KNOWN(20) },
    { "bind_the_last_queue_by_its_name", "queue.bind.queue/queue-known",
      OPEN QUEUE_Q "1 > queue.bind exchange=amq.direct\n1 < queue.bind-ok\n1 > basic.publish exchange=amq.direct routing-key=q 'x'\n"
      "1 > basic.get no-ack\n1 < basic.get-ok delivery-tag=1 exchange=amq.direct routing-key=q 'x'\n" },
    { "bind_a_queue_that_is_not_there", "queue.bind.queue/must-exist",
      OPEN "1 > queue.bind queue=nope exchange=amq.direct\n" NO_QUEUE(20) },
    { "bind_to_an_exchange_that_is_not_there", "queue.bind.exchange/exchange-existence",
      OPEN QUEUE_Q "1 > queue.bind queue=q exchange=nope\n"
      CHANNEL_FAILS(404, "NOT_FOUND - no exchange 'nope' in vhost '/'", 50, 20) },
    { "bind_to_the_default_exchange", "queue.bind.exchange/default-exchange",
      OPEN QUEUE_Q "1 > queue.bind queue=q routing-key=k\n"
      CHANNEL_FAILS(403, "ACCESS_REFUSED - operation not permitted on the default exchange", 50, 20) },
    { "unbound", "queue.unbind/effect",
      OPEN QUEUE_Q "1 > queue.bind queue=q exchange=amq.direct routing-key=k\n1 < queue.bind-ok\n"
      "1 > queue.unbind queue=q exchange=amq.direct routing-key=k\n1 < queue.unbind-ok\n"
      "1 > basic.publish exchange=amq.direct routing-key=k mandatory 'x'\n"
      "1 < basic.return reply-code=312 reply-text=NO_ROUTE exchange=amq.direct routing-key=k 'x'\n" },
    { "unbind_what_was_not_bound", "queue.unbind/01",
      OPEN QUEUE_Q "1 > queue.unbind queue=q exchange=amq.direct routing-key=k\n1 < queue.unbind-ok\n" },
    { "unbind_no_queue", "queue.unbind.queue/queue-known", OPEN "1 > queue.unbind exchange=amq.direct\n" NOT_KNOWN(50) },
    { "unbind_a_queue_that_is_not_there", "queue.unbind.queue/must-exist",
      OPEN "1 > queue.unbind queue=nope exchange=amq.direct\n1 < queue.unbind-ok\n" },
    { "unbind_from_an_exchange_that_is_not_there", "queue.unbind.exchange/must-exist",
      OPEN QUEUE_Q "1 > queue.unbind queue=q exchange=nope\n1 < queue.unbind-ok\n" },
    { "unbind_from_the_default_exchange", "queue.unbind.exchange/default-exchange",
      OPEN QUEUE_Q "1 > queue.unbind queue=q routing-key=q\n"
      CHANNEL_FAILS(403, "ACCESS_REFUSED - operation not permitted on the default exchange", 50, 50) },

    /* ---- purge, delete ---- */
    { "purged", "queue.purge/counts",
      OPEN QUEUE_Q PUT("1") PUT("2") "1 > queue.purge queue=q\n1 < queue.purge-ok message-count=2\n"
      "1 > queue.purge queue=q\n1 < queue.purge-ok\n" },
    { "purged_but_what_was_delivered", "queue.purge/02",
      OPEN QUEUE_Q PUT("1") PUT("2") "1 > basic.get queue=q\n1 < basic.get-ok delivery-tag=1 * '1'\n1 > queue.purge queue=q\n"
      "1 < queue.purge-ok message-count=1\n1 > basic.nack delivery-tag=1 requeue\n1 > basic.get queue=q\n"
      "1 < basic.get-ok delivery-tag=2 redelivered routing-key=q '1'\n" },
    { "purge_no_queue", "queue.purge.queue/queue-known", OPEN "1 > queue.purge\n" NOT_KNOWN(30) },
    { "purge_a_queue_that_is_not_there", "queue.purge.queue/must-exist", OPEN "1 > queue.purge queue=nope\n" NO_QUEUE(30) },
    { "deleted", "queue.delete/counts",
      OPEN QUEUE_Q PUT("1") PUT("2") "1 > queue.delete queue=q\n1 < queue.delete-ok message-count=2\n"
      "1 > queue.declare queue=q passive\n1 < channel.close reply-code=404 *\n" },
    { "deleted_under_a_consumer", "queue.delete/consumers",
      OPEN QUEUE_Q "1 > basic.consume queue=q consumer-tag=c\n1 < basic.consume-ok consumer-tag=c\n"
      B_OPEN "b 1 > queue.delete queue=q\nb 1 < queue.delete-ok\n1 < basic.cancel consumer-tag=c no-wait\n" },
    { "deleted_messages_are_not_dead", "queue.delete/01",
      OPEN "1 > queue.declare queue=d\n1 < queue.declare-ok queue=d\n"
      "1 > queue.declare queue=q arguments={x-dead-letter-exchange=\"\" x-dead-letter-routing-key=d}\n1 < queue.declare-ok queue=q\n"
      PUT("x") "1 > queue.delete queue=q\n1 < queue.delete-ok message-count=1\nwait 200\n"
      "1 > basic.get queue=d\n1 < basic.get-empty\n" },
    { "delete_no_queue", "queue.delete.queue/queue-known", OPEN "1 > queue.delete\n" NOT_KNOWN(40) },
    { "delete_a_queue_that_is_not_there", "queue.delete.queue/must-exist",
      OPEN "1 > queue.delete queue=nope\n1 < queue.delete-ok\n" },
    { "deleted_if_unused", "queue.delete.if-unused/in-use",
      OPEN QUEUE_Q "1 > basic.consume queue=q consumer-tag=c\n1 < basic.consume-ok consumer-tag=c\n"
      "1 > queue.delete queue=q if-unused\n" CHANNEL_FAILS(406, "PRECONDITION_FAILED - queue 'q' in vhost '/' in use", 50, 40) },
    { "deleted_if_empty", "queue.delete.if-empty/not-empty",
      OPEN QUEUE_Q PUT("x") "1 > queue.delete queue=q if-empty\n"
      CHANNEL_FAILS(406, "PRECONDITION_FAILED - queue 'q' in vhost '/' not empty", 50, 40)
      "1 > channel.open\n1 < channel.open-ok\n1 > queue.purge queue=q\n1 < queue.purge-ok message-count=1\n"
      "1 > queue.delete queue=q if-empty\n1 < queue.delete-ok\n" },
};
/* clang-format on */

const struct amqp_vectors amqp_vectors_queue = { rows, COUNT_OF(rows) };
