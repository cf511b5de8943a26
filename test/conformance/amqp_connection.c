/* conformance/amqp_connection.c - The rules of class connection. */
#include "base/must.h"
#include "conformance/amqp_vector.h"

#define DIAL "dial\nraw [AMQP] 00000901\n0 < connection.start *\n"
#define START_OK \
    "0 > connection.start-ok mechanism=PLAIN response=\\00guest\\00guest locale=en_US\n0 < connection.tune *\n"
#define TUNE_OK "0 > connection.tune-ok frame-max=131072 channel-max=2047\n"
#define TUNED   DIAL START_OK TUNE_OK
/* 4,096 octets of a client's properties: 4,000 of one text. */
#define X40  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X400 X40 X40 X40 X40 X40 X40 X40 X40 X40 X40

/* clang-format off */
static const struct amqp_vector rows[] = {
    { "start_offers_plain_and_en_us", "connection.start.locales/required-support",
      "dial\nraw [AMQP] 00000901\n0 < connection.start version-minor=9 *mechanisms=*PLAIN*locales=en_US\n" },
    { "start_tells_product_and_version", "connection.start.server-properties/required-fields",
      "dial\nraw [AMQP] 00000901\n"
      "0 < connection.start *capabilities:F={*publisher_confirms=true*}*product=RabbitMQ version=3.10.8 platform=* information=*\n" },
    { "start_ok_plain", "connection.start-ok/plain", TUNED "0 > connection.open virtual-host=/\n0 < connection.open-ok\n" },
    { "start_ok_amqplain", "connection.start-ok/plain",
      DIAL "0 > connection.start-ok mechanism=AMQPLAIN "
      "response=\\05LOGINS\\00\\00\\00\\05guest\\08PASSWORDS\\00\\00\\00\\05guest locale=en_US\n0 < connection.tune *\n" },
    { "start_ok_without_client_properties", "connection.start-ok.client-properties/required-fields",
      DIAL START_OK },
    { "start_ok_unknown_mechanism", "connection.start-ok.mechanism/validity",
      DIAL "0 > connection.start-ok mechanism=KERBEROS_V4 response=x locale=en_US\n< closed\n" },
    { "start_ok_bad_plain", "connection.start-ok/refused",
      DIAL "0 > connection.start-ok mechanism=PLAIN response=guest locale=en_US\n< closed\n" },
    { "start_ok_bad_plain_told", "connection.start-ok/refused",
      DIAL "0 > connection.start-ok client-properties={capabilities:F={authentication_failure_close=true}} mechanism=PLAIN "
      "response=guest locale=en_US\n"
      "0 < connection.close reply-code=403 reply-text=\"ACCESS_REFUSED - Login was refused using authentication mechanism "
      "PLAIN. For details see the broker logfile.\"*\n0 > connection.close-ok\n< closed\n" },
    { "start_ok_of_frame_min_size", "connection.tune.frame-max/minimum",
      DIAL "0 > connection.start-ok client-properties={a=" X400 " b=" X400 " c=" X400 " d=" X400 "} mechanism=PLAIN "
      "response=\\00guest\\00guest locale=en_US\n0 < connection.tune *\n" },
    { "methods_out_of_order", "connection/grammar",
      DIAL "0 > connection.open virtual-host=/\n< closed\n" },
    { "open_before_tune_ok", "connection/grammar",
      DIAL START_OK "0 > connection.open virtual-host=/\n< closed\n" },
    { "channel_before_open", "connection/grammar",
      TUNED "1 > channel.open\n0 < connection.close reply-code=504 *\n0 > connection.close-ok\n< closed\n" },
    { "second_start_ok", "connection/grammar",
      OPEN "0 > connection.start-ok mechanism=PLAIN response=\\00guest\\00guest locale=en_US\n"
      CONNECTION_FAILS(504, "CHANNEL_ERROR - unexpected method in connection state running", " class-id=10 method-id=11") },
    { "tune_offers_limits", "connection.tune.channel-max/range",
      DIAL "0 > connection.start-ok mechanism=PLAIN response=\\00guest\\00guest locale=en_US\n"
      "0 < connection.tune channel-max=2047 frame-max=131072 heartbeat=60\n" },
    { "tune_ok_lower", "connection.tune-ok.frame-max/minimum",
      "open frame-max=4096 channel-max=1\n1 > channel.open\n1 < channel.open-ok\n" },
    { "tune_ok_frame_max_below_the_minimum", "connection.tune-ok.frame-max/minimum",
      DIAL START_OK "0 > connection.tune-ok frame-max=4095 channel-max=1\n"
      "0 < connection.close reply-code=530 reply-text=\"NOT_ALLOWED - negotiated frame_max = 4095 is lower than the minimum "
      "allowed value (4096)\" class-id=10 method-id=31\n0 > connection.close-ok\n< closed\n" },
    { "tune_ok_frame_max_too_high", "connection.tune-ok.frame-max/upper-limit",
      DIAL START_OK "0 > connection.tune-ok frame-max=131073 channel-max=1\n"
      "0 < connection.close reply-code=530 reply-text=\"NOT_ALLOWED - negotiated frame_max = 131073 is higher than the maximum "
      "allowed value (131072)\" class-id=10 method-id=31\n0 > connection.close-ok\n< closed\n" },
    { "tune_ok_channel_max_too_high", "connection.tune-ok.channel-max/upper-limit",
      DIAL START_OK "0 > connection.tune-ok frame-max=131072 channel-max=2048\n"
      "0 < connection.close reply-code=530 reply-text=\"NOT_ALLOWED - negotiated channel_max = 2048 is higher than the maximum "
      "allowed value (2047)\" class-id=10 method-id=31\n0 > connection.close-ok\n< closed\n" },
    { "tune_ok_no_limit_is_too_high", "connection.tune-ok.channel-max/upper-limit",
      DIAL START_OK "0 > connection.tune-ok frame-max=131072\n"
      "0 < connection.close reply-code=530 reply-text=\"NOT_ALLOWED - negotiated channel_max = 0 (no limit) is higher than the "
      "maximum allowed value (2047)\" class-id=10 method-id=31\n0 > connection.close-ok\n< closed\n" },
    { "open_of_no_virtual_host", "connection.open.virtual-host/exists",
      TUNED "0 > connection.open virtual-host=nope\n"
      "0 < connection.close reply-code=530 reply-text=\"NOT_ALLOWED - vhost nope not found\" class-id=10 method-id=40\n"
      "0 > connection.close-ok\n< closed\n" },
    { "open_twice", "connection/grammar",
      OPEN "0 > connection.open virtual-host=/\n"
      CONNECTION_FAILS(504, "CHANNEL_ERROR - unexpected method in connection state running", " class-id=10 method-id=40") },
    { "close_by_the_client", "connection.close/answered",
      OPEN "0 > connection.close reply-code=200 reply-text=bye\n0 < connection.close-ok\n< closed\n" },
    { "close_before_open", "connection.close/answered",
      TUNED "0 > connection.close reply-code=200 reply-text=bye\n0 < connection.close-ok\n< closed\n" },
    { "after_close_all_is_discarded", "connection.close/stability",
      OPEN "1 > queue.declare queue=q exclusive\n1 < queue.declare-ok queue=q\n1 > basic.qos prefetch-size=1\n"
      "1 > queue.declare queue=kept\n1 > basic.publish routing-key=kept 'x'\n0 > heartbeat\n"
      "0 < connection.close reply-code=540 *\n1 > queue.declare queue=kept\n"
      B_OPEN "b 1 > queue.declare queue=kept passive\nb 1 < channel.close reply-code=404 *\n0 > connection.close-ok\n< closed\n" },
    { "close_after_close", "connection.close/stability",
      OPEN "1 > basic.qos prefetch-size=1\n0 < connection.close reply-code=540 *\n"
      "0 > connection.close reply-code=200\n0 < connection.close-ok\n< closed\n" },
    { "close_ok_never_comes", "connection.close-ok/reporting",
      OPEN "1 > basic.qos prefetch-size=1\n0 < connection.close reply-code=540 *\nwait 12000\n< closed\n" },
    { "connection_that_vanishes_leaves_nothing", "connection.close-ok/reporting",
      OPEN "1 > queue.declare queue=q exclusive\n1 < queue.declare-ok queue=q\ncut\n"
      B_OPEN "b 1 > queue.declare queue=q exclusive\nb 1 < queue.declare-ok queue=q\n" },
    { "update_secret", "connection.update-secret/answered",
      OPEN "0 > connection.update-secret new-secret=s reason=r\n0 < connection.update-secret-ok\n" },
    { "handshake_that_stops", "connection/handshake-time",
      DIAL "wait 30000\n< closed\n" },
};
/* clang-format on */

const struct amqp_vectors amqp_vectors_connection = { rows, COUNT_OF(rows) };
