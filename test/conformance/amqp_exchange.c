/* conformance/amqp_exchange.c - The rules of class exchange. */
#include "base/must.h"
#include "conformance/amqp_vector.h"

#define DECLARE(name, type) "1 > exchange.declare exchange=" name " type=" type "\n1 < exchange.declare-ok\n"
#define BIND(name, more)    "1 > queue.bind queue=q exchange=" name " " more "\n1 < queue.bind-ok\n"
#define GET(exchange, more) \
    "1 > basic.get queue=q no-ack\n1 < basic.get-ok delivery-tag=* exchange=" exchange " " more "\n"

/* clang-format off */
static const struct amqp_vector rows[] = {
    { "types_direct_and_fanout", "exchange/required-types", OPEN DECLARE("d", "direct") DECLARE("f", "fanout") },
    { "types_topic_and_headers", "exchange/recommended-types", OPEN DECLARE("t", "topic") DECLARE("h", "headers") },
    { "types_hash_and_delayed", "exchange/extensions",
      OPEN DECLARE("c", "x-consistent-hash")
      "1 > exchange.declare exchange=l type=x-delayed-message arguments={x-delayed-type=direct}\n1 < exchange.declare-ok\n" },
    { "delayed_by_a_header_that_keeps_its_type", "exchange/extensions",
      OPEN QUEUE_Q "1 > exchange.declare exchange=l type=x-delayed-message arguments={x-delayed-type=direct}\n1 < exchange.declare-ok\n"
      BIND("l", "routing-key=k") "1 > basic.publish exchange=l routing-key=k headers={x-delay=400} 'x'\n"
      "1 > basic.get queue=q\n1 < basic.get-empty\nwait 1500\n1 > basic.get queue=q no-ack\n"
      "1 < basic.get-ok delivery-tag=* exchange=l routing-key=k headers={x-delay=-400} 'x'\n" },
    { "pre_declared_exchanges", "exchange/required-instances",
      OPEN QUEUE_Q BIND("amq.direct", "routing-key=k") BIND("amq.fanout", "") BIND("amq.topic", "routing-key=k")
      BIND("amq.headers", "arguments={x-match=all a=1}") BIND("amq.match", "arguments={x-match=any a=1}")
      "1 > exchange.declare exchange=amq.direct type=direct durable\n1 < exchange.declare-ok\n" },
    { "default_exchange", "exchange/default-exchange",
      OPEN QUEUE_Q "1 > basic.publish routing-key=q 'x'\n1 > basic.get queue=q no-ack\n"
      "1 < basic.get-ok delivery-tag=1 routing-key=q 'x'\n" },
    { "default_exchange_declared", "exchange/default-access",
      OPEN "1 > exchange.declare type=direct\n"
      CHANNEL_FAILS(403, "ACCESS_REFUSED - operation not permitted on the default exchange", 40, 10) },
    { "default_exchange_deleted", "exchange/default-access",
      OPEN "1 > exchange.delete\n"
      CHANNEL_FAILS(403, "ACCESS_REFUSED - operation not permitted on the default exchange", 40, 20) },
    { "default_exchange_bound", "exchange/default-access",
      OPEN "1 > exchange.bind destination=amq.fanout\n"
      CHANNEL_FAILS(403, "ACCESS_REFUSED - operation not permitted on the default exchange", 40, 30) },
    { "sixteen_exchanges", "exchange.declare/minimum",
      OPEN DECLARE("1", "direct") DECLARE("2", "direct") DECLARE("3", "direct") DECLARE("4", "direct") DECLARE("5", "direct")
      DECLARE("6", "direct") DECLARE("7", "direct") DECLARE("8", "direct") DECLARE("9", "direct") DECLARE("10", "direct")
      DECLARE("11", "direct") DECLARE("12", "direct") DECLARE("13", "direct") DECLARE("14", "direct") DECLARE("15", "direct")
      DECLARE("16", "direct") DECLARE("17", "direct") },
    { "exchange_of_a_reserved_name", "exchange.declare.exchange/reserved",
      OPEN "1 > exchange.declare exchange=amq.mine type=direct\n"
      CHANNEL_FAILS(403, "ACCESS_REFUSED - exchange name 'amq.mine' contains reserved prefix 'amq.*'", 40, 10) },
    { "exchange_of_a_reserved_name_that_is_there", "exchange.declare.exchange/reserved",
      OPEN "1 > exchange.declare exchange=amq.topic type=topic durable\n1 < exchange.declare-ok\n"
      "1 > exchange.declare exchange=amq.topic passive\n1 < exchange.declare-ok\n" },
    { "exchange_of_any_name", "exchange.declare.exchange/syntax",
      OPEN "1 > exchange.declare exchange=\"a name, with / and ?\" type=direct\n1 < exchange.declare-ok\n" },
    { "exchange_of_another_type", "exchange.declare.type/typed",
      OPEN DECLARE("x", "direct") "1 > exchange.declare exchange=x type=fanout\n"
      CHANNEL_FAILS(406, "PRECONDITION_FAILED - inequivalent arg 'type' for exchange 'x' in vhost '/': received 'fanout' but "
                         "current is 'direct'", 40, 10) },
    { "exchange_of_no_type", "exchange.declare.type/support",
      OPEN "1 > exchange.declare exchange=x type=nope\n"
      CONNECTION_FAILS(503, "COMMAND_INVALID - unknown exchange type 'nope'", " class-id=40 method-id=10") },
    { "exchange_passive", "exchange.declare.passive/not-found",
      OPEN DECLARE("x", "direct") "1 > exchange.declare exchange=x passive\n1 < exchange.declare-ok\n"
      "1 > exchange.declare exchange=y passive\n"
      CHANNEL_FAILS(404, "NOT_FOUND - no exchange 'y' in vhost '/'", 40, 10) },
    { "exchange_again", "exchange.declare.passive/equivalent",
      OPEN "1 > exchange.declare exchange=x type=direct durable arguments={alternate-exchange=y}\n1 < exchange.declare-ok\n"
      "1 > exchange.declare exchange=x type=direct durable arguments={alternate-exchange=y}\n1 < exchange.declare-ok\n" },
    { "exchange_again_not_durable", "exchange.declare.passive/equivalent",
      OPEN "1 > exchange.declare exchange=x type=direct durable\n1 < exchange.declare-ok\n"
      "1 > exchange.declare exchange=x type=direct\n"
      CHANNEL_FAILS(406, "PRECONDITION_FAILED - inequivalent arg 'durable' for exchange 'x' in vhost '/': received 'false' but "
                         "current is 'true'", 40, 10) },
    { "exchange_again_with_other_arguments", "exchange.declare.passive/equivalent",
      OPEN DECLARE("x", "direct") "1 > exchange.declare exchange=x type=direct arguments={alternate-exchange=y}\n"
      "1 < channel.close reply-code=406 reply-text=\"PRECONDITION_FAILED - inequivalent arg 'alternate-exchange' for exchange "
      "'x' in vhost '/': received*\" class-id=40 method-id=10\n" },
    { "exchange_durable_and_transient", "exchange.declare.durable/support",
      OPEN "1 > exchange.declare exchange=d type=direct durable\n1 < exchange.declare-ok\n" DECLARE("t", "direct") "kill\n" OPEN
      "1 > exchange.declare exchange=d passive\n1 < exchange.declare-ok\n"
      "1 > exchange.declare exchange=t passive\n1 < channel.close reply-code=404 *\n" },
    { "exchange_no_wait", "no-wait/answers",
      OPEN "1 > exchange.declare exchange=x type=direct no-wait\n1 > exchange.delete exchange=x no-wait\nquiet\n"
      "1 > exchange.declare exchange=x passive\n1 < channel.close reply-code=404 *\n" },
    { "exchange_no_wait_that_fails", "no-wait/answers",
      OPEN "1 > exchange.declare exchange=amq.x type=direct no-wait\n1 < channel.close reply-code=403 *\n" },
    { "exchange_deleted_that_is_not_there", "exchange.delete.exchange/exists",
      OPEN "1 > exchange.delete exchange=nope\n1 < exchange.delete-ok\n" },
    { "exchange_deleted_with_its_bindings", "exchange.delete/bindings",
      OPEN DECLARE("x", "fanout") QUEUE_Q BIND("x", "") "1 > exchange.delete exchange=x\n1 < exchange.delete-ok\n"
      DECLARE("x", "fanout") "1 > basic.publish exchange=x mandatory 'm'\n"
      "1 < basic.return reply-code=312 reply-text=NO_ROUTE exchange=x 'm'\n" },
    { "exchange_deleted_if_unused", "exchange.delete.if-unused/in-use",
      OPEN DECLARE("x", "fanout") QUEUE_Q BIND("x", "") "1 > exchange.delete exchange=x if-unused\n"
      CHANNEL_FAILS(406, "PRECONDITION_FAILED - exchange 'x' in vhost '/' in use", 40, 20)
      "1 > channel.open\n1 < channel.open-ok\n1 > queue.unbind queue=q exchange=x\n1 < queue.unbind-ok\n"
      "1 > exchange.delete exchange=x if-unused\n1 < exchange.delete-ok\n" },
    { "exchange_deleted_of_a_reserved_name", "exchange/default-access",
      OPEN "1 > exchange.delete exchange=amq.direct\n"
      CHANNEL_FAILS(403, "ACCESS_REFUSED - deletion of system exchange 'amq.direct' in vhost '/' not allowed", 40, 20) },
    { "direct_routes_by_equal_keys", "queue.bind.routing-key/direct-exchange-key-matching",
      OPEN DECLARE("x", "direct") QUEUE_Q BIND("x", "routing-key=k") "1 > basic.publish exchange=x routing-key=kk 'no'\n"
      "1 > basic.publish exchange=x routing-key=k 'yes'\n" GET("x", "routing-key=k 'yes'") },
    { "fanout_routes_to_all", "exchange/required-types",
      OPEN DECLARE("x", "fanout") QUEUE_Q BIND("x", "routing-key=k") "1 > basic.publish exchange=x routing-key=other 'yes'\n"
      GET("x", "routing-key=other 'yes'") },
    { "topic_routes_by_pattern", "exchange/recommended-types",
      OPEN DECLARE("x", "topic") QUEUE_Q BIND("x", "routing-key=a.*.#") "1 > basic.publish exchange=x routing-key=a 'no'\n"
      "1 > basic.publish exchange=x routing-key=a.b '1'\n1 > basic.publish exchange=x routing-key=a.b.c.d '2'\n"
      GET("x", "routing-key=a.b message-count=1 '1'") GET("x", "routing-key=a.b.c.d '2'") },
    { "headers_route_by_match", "exchange/recommended-types",
      OPEN DECLARE("x", "headers") QUEUE_Q BIND("x", "arguments={x-match=all a=1 b=text}")
      "1 > basic.publish exchange=x headers={a=1} 'no'\n1 > basic.publish exchange=x headers={a:L=1 b=text c=2} 'yes'\n"
      GET("x", "headers={a:L=1 b=text c=2} 'yes'") },
    { "internal_exchange_takes_no_publications", "basic.publish.exchange/02",
      OPEN "1 > exchange.declare exchange=i type=fanout internal\n1 < exchange.declare-ok\n1 > basic.publish exchange=i 'x'\n"
      CHANNEL_FAILS(403, "ACCESS_REFUSED - cannot publish to internal exchange 'i' in vhost '/'", 60, 40) },
    { "auto_delete_exchange", "exchange.declare/auto-delete",
      OPEN "1 > exchange.declare exchange=x type=fanout auto-delete\n1 < exchange.declare-ok\n" QUEUE_Q BIND("x", "")
      "1 > queue.unbind queue=q exchange=x\n1 < queue.unbind-ok\n1 > exchange.declare exchange=x passive\n"
      "1 < channel.close reply-code=404 *\n" },
};
/* clang-format on */

const struct amqp_vectors amqp_vectors_exchange = { rows, COUNT_OF(rows) };
