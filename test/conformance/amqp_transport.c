/* conformance/amqp_transport.c - Chapter 4 of the specification: protocol header, frames, fields, content, heartbeats,
 * channels, order, errors. */
#include "base/must.h"
#include "conformance/amqp_vector.h"

/* An empty content of class basic. */
#define HEADER_0 "02 0001 0000000e 003c0000 0000000000000000 0000 ce"

/* clang-format off */
static const struct amqp_vector rows[] = {
    /* ---- 4.2.2 protocol header ---- */
    { "header_of_0_9_1", "4.2.2/header",
      "dial\nraw [AMQP] 00000901\n0 < connection.start *\n" },
    { "header_of_0_8", "4.2.2/version",
      "dial\nraw [AMQP] 01010800\n< AMQP 0-0-9-1\n< closed\n" },
    { "header_of_0_9", "4.2.2/version",
      "dial\nraw [AMQP] 01010009\n< AMQP 0-0-9-1\n< closed\n" },
    { "header_of_1_0", "4.2.2/version",
      "dial\nraw [AMQP] 00010000\n< AMQP 0-0-9-1\n< closed\n" },
    { "header_of_1_0_with_sasl", "4.2.2/version",
      "dial\nraw [AMQP] 03010000\n< AMQP 0-0-9-1\n< closed\n" },
    { "header_in_pieces", "4.2.2/header",
      "dial\nraw [AM]\nwait 10\nraw [QP]\nwait 10\nraw 0000\nwait 10\nraw 0901\n0 < connection.start *\n" },

    /* ---- 4.2.3 frames ---- */
    { "frame_type_unknown", "4.2.3/type",
      OPEN "raw 04 0001 00000000 ce\n0 < connection.close reply-code=501 reply-text=\"FRAME_ERROR - *\"\n< closed\n" },
    { "frame_end_wrong", "4.2.3/end",
      OPEN "raw 01 0001 00000004 005a000a cd\n"
      "0 < connection.close reply-code=501 reply-text=\"FRAME_ERROR - *\"*\n< closed\n" },
    { "frame_too_large", "4.2.3/size",
      "open frame-max=4096\n1 > channel.open\n1 < channel.open-ok\n"
      "raw 03 0001 00000ff9 00\n0 < connection.close reply-code=501 reply-text=\"FRAME_ERROR - *\"*\n< closed\n" },
    { "frame_of_just_the_maximum", "4.2.3/size",
      "open frame-max=4096\n1 > channel.open\n1 < channel.open-ok\n" QUEUE_Q
      "1 > basic.publish routing-key=q size=4088\n1 > basic.get queue=q no-ack\n"
      "1 < basic.get-ok delivery-tag=1 routing-key=q size=4088\n" },
    { "frames_sent_are_not_too_large", "4.2.3/size-sent",
      "open frame-max=4096\n1 > channel.open\n1 < channel.open-ok\n" QUEUE_Q
      "b open\nb 1 > channel.open\nb 1 < channel.open-ok\nb 1 > basic.publish routing-key=q size=4096\nwait 100\n"
      "1 > basic.get queue=q no-ack\n1 < basic.get-ok delivery-tag=1 routing-key=q size=4096\n" },
    { "connection_method_on_a_channel", "4.2.3/channel-zero",
      OPEN "1 > connection.open virtual-host=/\n"
      "0 < connection.close reply-code=503 reply-text=\"COMMAND_INVALID - unimplemented method\" class-id=10 method-id=40\n"
      "0 > connection.close-ok\n< closed\n" },
    { "heartbeat_on_a_channel", "4.2.7/channel-zero",
      OPEN "1 > heartbeat\n0 < connection.close reply-code=505 *\n< closed\n" },
    { "channel_method_on_channel_0", "4.2.3/channel-zero",
      OPEN "0 > queue.declare queue=q\n"
      CONNECTION_FAILS(504, "CHANNEL_ERROR - unexpected method in connection state running", " class-id=50 method-id=10") },

    /* ---- 4.2.4 methods ---- */
    { "method_unknown", "4.2.4/method",
      OPEN "raw 01 0001 00000004 003c00ff ce\n0 < connection.close reply-code=503 * class-id=60 method-id=255\n"
      "0 > connection.close-ok\n< closed\n" },
    { "class_unknown", "4.2.4/method",
      OPEN "raw 01 0001 00000004 00ff000a ce\n0 < connection.close reply-code=540 * class-id=255 method-id=10\n"
      "0 > connection.close-ok\n< closed\n" },
    { "method_cut", "4.2.4/arguments",
      OPEN "raw 01 0001 00000007 0032001e 000003 ce\n0 < connection.close reply-code=501 * class-id=50 method-id=30\n"
      "0 > connection.close-ok\n< closed\n" },
    { "method_surplus", "4.2.4/arguments",
      OPEN "raw 01 0001 00000005 005a000a 00 ce\n0 < connection.close reply-code=501 * class-id=90 method-id=10\n"
      "0 > connection.close-ok\n< closed\n" },
    { "method_shorter_than_its_number", "4.2.4/arguments",
      OPEN "raw 01 0001 00000002 005a ce\n0 < connection.close reply-code=501 *\n0 > connection.close-ok\n< closed\n" },

    /* ---- 4.2.5 fields ---- */
    { "table_with_every_type", "4.2.5.5/types",
      OPEN QUEUE_Q
      "1 > basic.publish routing-key=q headers={t=true b:b=-1 B:B=255 s:s=-2 u:u=65535 I=-3 i:i=4 l:l=5 L:L=-6 f:f=0.5 "
      "d:d=1.5 D:D=2/150 S=text x:x=bytes T:T=7 V:V= F:F={n=1} A:A=[1 a L=2 F={m=2}]} 'x'\n"
      "1 > basic.get queue=q no-ack\n"
      "1 < basic.get-ok delivery-tag=1 routing-key=q headers={t=true b:b=-1 B:B=255 s:s=-2 u:u=65535 I=-3 i:i=4 l:l=5 "
      "L:L=-6 f:f=0.5 d:d=1.5 D:D=2/150 S=text x:x=bytes T:T=7 V:V= F:F={n=1} A:A=[1 a L=2 F={m=2}]} 'x'\n" },
    { "table_torn", "4.2.5.5/types",
      OPEN "raw 01 0001 00000013 0032000a 0000 01[q] 02 00000006 01[kS] 000000 ce\n"
      "0 < connection.close reply-code=502 * class-id=50 method-id=10\n0 > connection.close-ok\n< closed\n" },
    { "table_of_unknown_type", "4.2.5.5/types",
      OPEN "raw 01 0001 00000011 0032000a 0000 01[q] 02 00000004 01[kZ] 00 ce\n"
      "0 < connection.close reply-code=502 * class-id=50 method-id=10\n0 > connection.close-ok\n< closed\n" },
    { "table_field_twice", "4.2.5.5/duplicates",
      OPEN "1 > queue.declare queue=q arguments={x-max-length=1 x-max-length=2}\n1 < queue.declare-ok queue=q\n"
      "1 > confirm.select\n1 < confirm.select-ok\n"
      "1 > basic.publish routing-key=q 'a'\n1 > basic.publish routing-key=q 'b'\nskip 1 basic.ack *\nwait 100\n"
      "1 > queue.declare queue=q passive\n1 < queue.declare-ok queue=q message-count=1\n" },
    { "table_field_name_is_any", "4.2.5.5/names",
      OPEN QUEUE_Q "1 > basic.publish routing-key=q headers={0-x=1} ''\n1 > basic.get queue=q no-ack\n"
      "1 < basic.get-ok delivery-tag=1 routing-key=q headers={0-x=1} ''\n" },
    { "short_string_of_255", "4.2.5.3/short",
      OPEN "1 > queue.declare queue=0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"
      "123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"
      "12345678901234567890123456789012345678901234\n1 < queue.declare-ok queue=0123456789*\n" },
    { "short_string_is_no_utf8", "4.2.5.3/short",
      OPEN "1 > queue.declare queue=\\ff\n0 < connection.close reply-code=501 * class-id=50 method-id=10\n"
      "0 > connection.close-ok\n< closed\n" },

    /* ---- 4.2.6 content ---- */
    { "content_in_pieces", "4.2.6/bodies",
      OPEN QUEUE_Q "1 > basic.publish routing-key=q\n1 > header body-size=5\n1 > body 'h'\n1 > body 'ell'\n1 > body 'o'\n"
      "1 > basic.get queue=q no-ack\n1 < basic.get-ok delivery-tag=1 routing-key=q 'hello'\n" },
    { "content_with_an_empty_piece", "4.2.6/bodies",
      OPEN QUEUE_Q "1 > basic.publish routing-key=q\n1 > header body-size=2\n1 > body 'h'\n1 > body ''\n1 > body 'i'\n"
      "1 > basic.get queue=q no-ack\n1 < basic.get-ok delivery-tag=1 routing-key=q 'hi'\n" },
    { "content_between_other_channels_frames", "4.2.6/interleaved",
      OPEN2 QUEUE_Q "1 > basic.publish routing-key=q\n2 > basic.publish routing-key=q\n2 > header body-size=2\n"
      "1 > header body-size=2\n2 > body 'b'\n1 > body 'a'\n2 > body 'B'\n1 > body 'A'\n"
      "1 > basic.get queue=q no-ack\n1 < basic.get-ok delivery-tag=1 routing-key=q message-count=1 'bB'\n"
      "2 > basic.get queue=q no-ack\n2 < basic.get-ok delivery-tag=1 routing-key=q 'aA'\n" },
    { "method_instead_of_header", "4.2.6/incomplete",
      OPEN QUEUE_Q "1 > basic.publish routing-key=q\n1 > queue.declare queue=q\n"
      CONNECTION_FAILS(505, "UNEXPECTED_FRAME - expected content header for class 60, got non content header frame instead",
                       " class-id=60 method-id=40") },
    { "body_instead_of_header", "4.2.6/incomplete",
      OPEN QUEUE_Q "1 > basic.publish routing-key=q\n1 > body 'x'\n"
      CONNECTION_FAILS(505, "UNEXPECTED_FRAME - expected content header for class 60, got non content header frame instead",
                       " class-id=60 method-id=40") },
    { "method_instead_of_body", "4.2.6/incomplete",
      OPEN QUEUE_Q "1 > basic.publish routing-key=q\n1 > header body-size=2\n1 > queue.declare queue=q\n"
      CONNECTION_FAILS(505, "UNEXPECTED_FRAME - expected content body, got non content body frame instead",
                       " class-id=60 method-id=40") },
    { "header_instead_of_body", "4.2.6/incomplete",
      OPEN QUEUE_Q "1 > basic.publish routing-key=q\n1 > header body-size=2\n1 > header body-size=2\n"
      CONNECTION_FAILS(505, "UNEXPECTED_FRAME - expected content body, got non content body frame instead",
                       " class-id=60 method-id=40") },
    { "header_without_method", "4.2.6/incomplete",
      OPEN "1 > header body-size=2\n"
      CONNECTION_FAILS(505, "UNEXPECTED_FRAME - expected method frame, got non method frame instead", "") },
    { "body_without_method", "4.2.6/incomplete",
      OPEN "1 > body 'x'\n"
      CONNECTION_FAILS(505, "UNEXPECTED_FRAME - expected method frame, got non method frame instead", "") },
    { "more_body_than_announced", "4.2.6/incomplete",
      OPEN QUEUE_Q "1 > basic.publish routing-key=q\n1 > header body-size=2\n1 > body 'abc'\n"
      "0 < connection.close reply-code=501 *\n0 > connection.close-ok\n< closed\n" },
    { "header_of_another_class", "4.2.6.1/class",
      OPEN QUEUE_Q "1 > basic.publish routing-key=q\n1 > header body-size=0 class=50\n"
      CONNECTION_FAILS(505, "UNEXPECTED_FRAME - expected content header for class 60, got one for class 50 instead",
                       " class-id=60 method-id=40") },
    { "header_with_weight", "4.2.6.1/weight",
      OPEN QUEUE_Q "1 > basic.publish routing-key=q\n1 > header body-size=0 weight=1\n"
      "0 < connection.close reply-code=505 *\n0 > connection.close-ok\n< closed\n" },
    { "header_cut", "4.2.6.1/properties",
      OPEN QUEUE_Q "1 > basic.publish routing-key=q\nraw 02 0001 00000004 003c0000 ce\n"
      "0 < connection.close reply-code=501 *\n0 > connection.close-ok\n< closed\n" },
    { "properties_cut", "4.2.6.1/properties",
      OPEN QUEUE_Q "1 > basic.publish routing-key=q\nraw 02 0001 0000000e 003c0000 0000000000000000 8000 ce\n"
      "0 < connection.close reply-code=502 *\n0 > connection.close-ok\n< closed\n" },
    { "every_property", "4.2.6.1/properties",
      OPEN QUEUE_Q
      "1 > basic.publish routing-key=q content-type=text/plain content-encoding=gzip headers={a=b} delivery-mode=2 priority=3 "
      "correlation-id=c reply-to=r expiration=60000 message-id=m timestamp=9 type=t user-id=guest app-id=a cluster-id=x 'hi'\n"
      "1 > basic.get queue=q no-ack\n1 < basic.get-ok delivery-tag=1 routing-key=q content-type=text/plain "
      "content-encoding=gzip headers={a=b} delivery-mode=2 priority=3 correlation-id=c reply-to=r expiration=60000 "
      "message-id=m timestamp=9 type=t user-id=guest app-id=a cluster-id=x 'hi'\n" },
    { "empty_content", "4.2.6.1/properties",
      OPEN QUEUE_Q "1 > basic.publish routing-key=q\nraw " HEADER_0 "\n"
      "1 > basic.get queue=q no-ack\n1 < basic.get-ok delivery-tag=1 routing-key=q ''\n" },
    { "content_on_channel_0", "4.2.6/channel",
      OPEN "0 > header body-size=1\n0 < connection.close reply-code=504 *\n0 > connection.close-ok\n< closed\n" },

    /* ---- 4.2.7 heartbeats ---- */
    { "heartbeats_are_sent", "4.2.7/sending",
      "open heartbeat=10\nwait 11500\n0 < heartbeat\nskip 0 heartbeat\n0 > heartbeat\nwait 10000\n0 < heartbeat\nskip 0 heartbeat\n" },
    { "heartbeats_are_taken_always", "4.2.7/discarding",
      OPEN "0 > heartbeat\nquiet\n1 > tx.select\n1 < tx.select-ok\n" },
    { "silence_for_two_intervals", "4.2.7/missing",
      "open heartbeat=4\nwait 15000\nskip 0 heartbeat\n< closed\n" },
    { "no_heartbeats_when_not_wanted", "4.2.7/sending",
      OPEN "wait 300000\nquiet\n1 > tx.select\n1 < tx.select-ok\n" },

    /* ---- 4.3 channels, 4.6 and 4.7 order, 4.8 errors ---- */
    { "channels_are_independent", "4.3/independent",
      OPEN2 "1 > queue.declare queue=nope passive\n"
      CHANNEL_FAILS(404, "NOT_FOUND - no queue 'nope' in vhost '/'", 50, 10)
      "2 > tx.select\n2 < tx.select-ok\n1 > channel.open\n1 < channel.open-ok\n" },
    { "channel_not_open", "4.3/open",
      "open\n5 > queue.declare queue=q\n"
      CONNECTION_FAILS(504, "CHANNEL_ERROR - expected 'channel.open'", " class-id=50 method-id=10") },
    { "channel_beyond_the_maximum", "4.3/maximum",
      "open channel-max=3\n3 > channel.open\n3 < channel.open-ok\n4 > channel.open\n"
      "0 < connection.close reply-code=5* reply-text=*\n0 > connection.close-ok\n< closed\n" },
    { "order_from_a_channel_to_a_queue", "4.7/order",
      OPEN QUEUE_Q "1 > basic.publish routing-key=q '1'\n1 > basic.publish routing-key=q delivery-mode=2 '2'\n"
      "1 > basic.publish exchange=amq.direct routing-key=none '3'\n1 > basic.publish routing-key=q '4'\n"
      "1 > basic.consume queue=q consumer-tag=c no-ack\n1 < basic.consume-ok consumer-tag=c\n"
      "1 < basic.deliver consumer-tag=c delivery-tag=1 routing-key=q '1'\n"
      "1 < basic.deliver consumer-tag=c delivery-tag=2 routing-key=q delivery-mode=2 '2'\n"
      "1 < basic.deliver consumer-tag=c delivery-tag=3 routing-key=q '4'\n" },
    { "a_method_takes_effect_before_the_next", "4.4/visibility",
      OPEN "1 > queue.declare queue=v no-wait\n1 > queue.bind queue=v exchange=amq.fanout no-wait\n"
      "1 > basic.publish exchange=amq.fanout 'x'\n1 > basic.get queue=v no-ack\n"
      "1 < basic.get-ok delivery-tag=1 exchange=amq.fanout 'x'\n" },
    { "channel_failure_leaves_the_connection", "4.8/channel",
      OPEN "1 > basic.ack delivery-tag=9\n"
      CHANNEL_FAILS(406, "PRECONDITION_FAILED - unknown delivery tag 9", 60, 80)
      "1 > channel.open\n1 < channel.open-ok\n" },
    { "connection_failure_ends_all", "4.8/connection",
      OPEN2 "1 > basic.qos prefetch-size=9\n2 > tx.select\n"
      CONNECTION_FAILS(540, "NOT_IMPLEMENTED - prefetch_size!=0 (9)", " class-id=60 method-id=10") },
};
/* clang-format on */

const struct amqp_vectors amqp_vectors_transport = { rows, COUNT_OF(rows) };
