/* conformance/amqp_channel.c - The rules of class channel. */
#include "base/must.h"
#include "conformance/amqp_vector.h"

/* clang-format off */
static const struct amqp_vector rows[] = {
    { "channel_open", "channel.open/answered", OPEN },
    { "channel_opened_twice", "channel.open/state",
      OPEN "1 > channel.open\n"
      CONNECTION_FAILS(504, "CHANNEL_ERROR - second 'channel.open' seen", " class-id=20 method-id=10") },
    { "channel_closed_and_opened_anew", "channel.close/answered",
      OPEN "1 > channel.close reply-code=200 reply-text=bye\n1 < channel.close-ok\n1 > channel.open\n1 < channel.open-ok\n" },
    { "channel_is_active_when_opened", "channel.flow/initial-state",
      OPEN QUEUE_Q "1 > basic.publish routing-key=q 'x'\n1 > basic.consume queue=q consumer-tag=c no-ack\n"
      "1 < basic.consume-ok consumer-tag=c\n1 < basic.deliver consumer-tag=c delivery-tag=1 routing-key=q 'x'\n" },
    { "flow_on", "channel.flow/expected-behaviour",
      OPEN "1 > channel.flow active\n1 < channel.flow-ok active\n" },
    { "flow_off", "channel.flow/throttling",
      OPEN "1 > channel.flow\n"
      CONNECTION_FAILS(540, "NOT_IMPLEMENTED - active=false", " class-id=20 method-id=20") },
    { "after_channel_close_all_is_discarded", "channel.close/stability",
      OPEN "1 > queue.declare queue=nope passive\n1 > queue.declare queue=kept\n1 > basic.publish routing-key=q 'x'\n"
      "1 < channel.close reply-code=404 *\n1 > queue.declare queue=kept\nquiet\n1 > channel.close-ok\n"
      "1 > channel.open\n1 < channel.open-ok\n1 > queue.declare queue=kept passive\n1 < channel.close reply-code=404 *\n" },
    { "channel_close_after_channel_close", "channel.close/stability",
      OPEN "1 > queue.declare queue=nope passive\n1 < channel.close reply-code=404 *\n"
      "1 > channel.close reply-code=200\n1 < channel.close-ok\n1 > channel.close-ok\n1 > channel.open\n1 < channel.open-ok\n" },
    { "channel_close_of_none", "channel.close/state",
      "open\n1 > channel.close reply-code=200\n"
      CONNECTION_FAILS(504, "CHANNEL_ERROR - expected 'channel.open'", " class-id=20 method-id=40") },
    { "channel_that_closes_gives_back", "channel.close/gives-back",
      OPEN2 QUEUE_Q "1 > basic.publish routing-key=q 'x'\n1 > basic.get queue=q\n"
      "1 < basic.get-ok delivery-tag=1 routing-key=q 'x'\n1 > channel.close reply-code=200\n1 < channel.close-ok\n"
      "2 > basic.get queue=q no-ack\n2 < basic.get-ok delivery-tag=1 redelivered routing-key=q 'x'\n" },
    { "connection_that_breaks_gives_back", "channel.close-ok/reporting",
      OPEN QUEUE_Q "1 > basic.publish routing-key=q 'x'\n1 > basic.get queue=q\n"
      "1 < basic.get-ok delivery-tag=1 routing-key=q 'x'\ncut\n"
      B_OPEN "b 1 > basic.get queue=q no-ack\nb 1 < basic.get-ok delivery-tag=1 redelivered routing-key=q 'x'\n" },
};
/* clang-format on */

const struct amqp_vectors amqp_vectors_channel = { rows, COUNT_OF(rows) };
