/* client/message_test.c - messages both ways: the window, what is sent again, QoS 2 once, aliases, limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/must.h"
#include "client/world.h"
#include "io/sim/sim.h"

static const struct view none = { 0 };

/* A client that keeps its session, connected, its transcript empty. */
static void
open_kept(struct client_world *world, struct view connack_props)
{
    struct mqtt_client_settings settings = {
        .connect = {.version = MQTT_V5, .client_id = view_str("c")}
    };
    world_open(world, &settings);
    world_meet(world, false, connack_props);
    world_forget(world);
}

/* ---- out -------------------------------------------------------------------------------------------------- */

static void
publishes_with_every_qos(void **state)
{
    struct client_world world;
    (void)state;

    open_kept(&world, none);
    assert_int_equal(world_put(&world, 0, "t", "zero", 10), 0);
    assert_int_equal(world_put(&world, 1, "t", "one", 11), 0);
    assert_int_equal(world_put(&world, 2, "t", "two", 12), 0);
    assert_int_equal(mqtt_client_inflight(world.client), 2);
    world_ack(&world, MQTT_PUBREC, 2, 0);
    world_ack(&world, MQTT_PUBACK, 1, MQTT_NO_MATCHING_SUBSCRIBERS);
    world_ack(&world, MQTT_PUBCOMP, 2, 0);
    assert_int_equal(mqtt_client_inflight(world.client), 0);
    world_expect(&world, "> PUBLISH t qos=0 'zero'\n"
                         "> PUBLISH t qos=1 id=1 'one'\n"
                         "> PUBLISH t qos=2 id=2 'two'\n"
                         "> PUBREL id=2\n"
                         "settled 11: no matching subscribers\n"
                         "settled 12: success\n");
    world_close(&world);
}

static void
a_refused_message_is_done(void **state)
{
    struct client_world world;
    (void)state;

    open_kept(&world, none);
    world_put(&world, 2, "t", "", 1);
    world_ack(&world, MQTT_PUBREC, 1, MQTT_QUOTA_EXCEEDED);
    world_expect(&world, "> PUBLISH t qos=2 id=1 ''\n"
                         "settled 1: quota exceeded\n");
    world_close(&world);
}

static void
answers_that_fit_nothing(void **state)
{
    struct client_world world;
    (void)state;

    open_kept(&world, none);
    world_ack(&world, MQTT_PUBACK, 9, 0);
    world_ack(&world, MQTT_PUBCOMP, 9, 0);
    world_ack(&world, MQTT_PUBREC, 9, 0);
    world_expect(&world, "> PUBREL id=9 refused\n");
    world_put(&world, 1, "t", "", 1);
    world_ack(&world, MQTT_PUBREC, 1, 0); /* QoS 1 has no PUBREC */
    assert_int_equal(world.end.why, MQTT_CLIENT_BREACH);
    world_close(&world);
}

static void
keeps_to_the_servers_window(void **state)
{
    static const uint8_t two[] = { MQTT_RECEIVE_MAXIMUM, 0, 2 };
    struct client_world world;
    (void)state;

    open_kept(&world, view_of(two, sizeof two));
    assert_int_equal(world_put(&world, 1, "t", "a", 1), 0);
    assert_int_equal(world_put(&world, 2, "t", "b", 2), 0);
    assert_int_equal(world_put(&world, 1, "t", "c", 3), -ERR_AGAIN);
    assert_int_equal(world_put(&world, 0, "t", "d", 4), 0);
    world_forget(&world);
    world_ack(&world, MQTT_PUBREC, 2, 0); /* the window opens with PUBCOMP, not before */
    assert_int_equal(world_put(&world, 1, "t", "c", 3), -ERR_AGAIN);
    world_ack(&world, MQTT_PUBCOMP, 2, 0);
    world_expect(&world, "> PUBREL id=2\n"
                         "settled 2: success\n"
                         "ready\n");
    assert_int_equal(world_put(&world, 1, "t", "c", 3), 0);
    world_close(&world);
}

static void
keeps_to_its_own_window(void **state)
{
    struct mqtt_client_settings settings = { .connect = { .version = MQTT_V311 }, .inflight_max = 1 };
    struct client_world world;
    (void)state;

    settings.connect.client_id = view_str("c");
    world_open(&world, &settings);
    world_meet(&world, false, none);
    assert_int_equal(world_put(&world, 1, "t", "a", 1), 0);
    assert_int_equal(world_put(&world, 1, "t", "b", 2), -ERR_AGAIN);
    world_close(&world);
}

static void
waits_when_the_outbox_is_full(void **state)
{
    static uint8_t large[MQTT_CLIENT_UNSENT_HIGH];
    struct mqtt_publish message = { .topic = view_str("t"), .payload = view_of(large, sizeof large) };
    struct client_world world;
    (void)state;

    open_kept(&world, none);
    io_read_pause(world.server);
    unsigned sent = 0;
    while (mqtt_client_publish(world.client, &message, 0) == 0 && sent < 100)
        sent++;
    assert_in_range(sent, 1, 99);
    assert_true(world.client_mem.used_bytes < 4 * sizeof large);
    io_read_resume(world.server);
    world.text_len = 0;
    sim_run_for(world.sim, SIM_NS_A_MS);
    mqtt_client_abort(world.client);
    world.carry.len = 0;
    world_close(&world);
}

static void
limits_of_the_server_are_kept(void **state)
{
    static const uint8_t limits[] = {
        MQTT_MAXIMUM_QOS, 1, MQTT_RETAIN_AVAILABLE, 0, MQTT_MAXIMUM_PACKET_SIZE, 0, 0, 0, 30,
    };
    struct mqtt_publish retained = { .retain = true, .topic = view_str("t") };
    struct mqtt_publish aliased = { .topic = view_str("t"), .properties = { .topic_alias = 1 } };
    struct client_world world;
    (void)state;

    open_kept(&world, view_of(limits, sizeof limits));
    assert_int_equal(world_put(&world, 2, "t", "", 1), -ERR_DENIED);
    assert_int_equal(mqtt_client_publish(world.client, &retained, 1), -ERR_DENIED);
    assert_int_equal(mqtt_client_publish(world.client, &aliased, 1), -ERR_DENIED);
    assert_int_equal(world_put(&world, 0, "t", "1234567890123456789012345", 1), -ERR_TOO_LARGE);
    assert_int_equal(world_put(&world, 0, "t", "123456789012345678901234", 1), 0);
    world_expect(&world, "> PUBLISH t qos=0 '123456789012345678901234'\n");
    world_close(&world);
}

static void
topics_that_no_message_can_have(void **state)
{
    static const char *const topics[] = { "", "a/+", "#" };
    struct mqtt_publish zero = { .topic = view_of("a\0b", 3) };
    struct client_world world;
    (void)state;

    open_kept(&world, none);
    for (size_t i = 0; i < COUNT_OF(topics); i++)
        assert_int_equal(world_put(&world, 0, topics[i], "", 0), -ERR_INVALID);
    assert_int_equal(mqtt_client_publish(world.client, &zero, 0), -ERR_INVALID);
    world_close(&world);
}

static void
an_alias_replaces_its_topic(void **state)
{
    static const uint8_t four[] = { MQTT_TOPIC_ALIAS_MAXIMUM, 0, 4 };
    struct mqtt_publish message = { .topic = view_str("long"), .properties = { .topic_alias = 4 } };
    struct client_world world;
    (void)state;

    open_kept(&world, view_of(four, sizeof four));
    assert_int_equal(mqtt_client_publish(world.client, &message, 0), 0);
    assert_int_equal(mqtt_client_publish(world.client, &message, 0), 0);
    message.topic = view_str("other");
    assert_int_equal(mqtt_client_publish(world.client, &message, 0), 0);
    world_run(&world);
    world_expect(&world, "> PUBLISH long qos=0 alias=4 ''\n"
                         "> PUBLISH  qos=0 alias=4 ''\n"
                         "> PUBLISH other qos=0 alias=4 ''\n");
    world_close(&world);
}

/* ---- again ------------------------------------------------------------------------------------------------ */

static void
resumes_in_order(void **state)
{
    struct client_world world;
    (void)state;

    open_kept(&world, none);
    world_put(&world, 1, "t", "a", 1);
    world_put(&world, 2, "t", "b", 2);
    world_put(&world, 2, "t", "c", 3);
    world_ack(&world, MQTT_PUBREC, 2, 0);
    world_cut(&world);
    world_forget(&world);
    assert_int_equal(world_put(&world, 1, "t", "d", 4), -ERR_AGAIN);
    world_meet(&world, true, none);
    world_expect(&world, "> CONNECT v5 id=c\n"
                         "connected, session present\n"
                         "ready\n"
                         "> PUBREL id=2\n"
                         "> PUBLISH t qos=1 id=1 dup 'a'\n"
                         "> PUBLISH t qos=2 id=3 dup 'c'\n");
    world_ack(&world, MQTT_PUBACK, 1, 0);
    world_ack(&world, MQTT_PUBCOMP, 2, 0);
    world_expect(&world, "settled 1: success\nsettled 2: success\n");
    world_close(&world);
}

/* The new connection's window is smaller: what does not fit waits, in front of anything new. */
static void
resumes_within_a_smaller_window(void **state)
{
    static const uint8_t one[] = { MQTT_RECEIVE_MAXIMUM, 0, 1 };
    struct client_world world;
    (void)state;

    open_kept(&world, none);
    world_put(&world, 1, "t", "a", 1);
    world_put(&world, 1, "t", "b", 2);
    world_cut(&world);
    world_meet(&world, true, view_of(one, sizeof one));
    world_forget(&world);
    assert_int_equal(world_put(&world, 0, "t", "new", 0), -ERR_AGAIN);
    world_ack(&world, MQTT_PUBACK, 1, 0);
    world_expect(&world, "settled 1: success\n"
                         "> PUBLISH t qos=1 id=2 dup 'b'\n");
    world_ack(&world, MQTT_PUBACK, 2, 0);
    world_expect(&world, "settled 2: success\nready\n");
    world_close(&world);
}

static void
a_lost_session_takes_its_messages_along(void **state)
{
    struct client_world world;
    (void)state;

    open_kept(&world, none);
    world_put(&world, 1, "t", "a", 1);
    world_put(&world, 2, "t", "b", 2);
    world_ack(&world, MQTT_PUBREC, 2, 0);
    world_cut(&world);
    world_forget(&world);
    world_meet(&world, false, none);
    world_expect(&world, "> CONNECT v5 id=c\n"
                         "settled 1: canceled\n"
                         "settled 2: canceled\n"
                         "connected\n");
    assert_int_equal(mqtt_client_inflight(world.client), 0);
    world_close(&world);
}

/* ---- in --------------------------------------------------------------------------------------------------- */

static void
acknowledges_what_it_was_given(void **state)
{
    struct client_world world;
    (void)state;

    open_kept(&world, none);
    world_publish(&world, 0, 0, "t", "zero");
    world_publish(&world, 1, 7, "t", "one");
    world_publish(&world, 2, 8, "t", "two");
    world_ack(&world, MQTT_PUBREL, 8, 0);
    world_expect(&world, "message t qos=0 'zero'\n"
                         "message t qos=1 id=7 'one'\n"
                         "> PUBACK id=7\n"
                         "message t qos=2 id=8 'two'\n"
                         "> PUBREC id=8\n"
                         "> PUBCOMP id=8\n");
    world_close(&world);
}

static void
qos_2_comes_once(void **state)
{
    struct client_world world;
    (void)state;

    open_kept(&world, none);
    world_publish(&world, 2, 8, "t", "once");
    world_publish(&world, 2, 8, "t", "once");
    world_cut(&world);
    world_meet(&world, true, none);
    world_forget(&world);
    world_publish(&world, 2, 8, "t", "once");
    world_ack(&world, MQTT_PUBREL, 8, 0);
    world_ack(&world, MQTT_PUBREL, 8, 0);
    world_publish(&world, 2, 8, "t", "another");
    world_expect(&world, "> PUBREC id=8\n"
                         "> PUBCOMP id=8\n"
                         "> PUBCOMP id=8 refused\n"
                         "message t qos=2 id=8 'another'\n"
                         "> PUBREC id=8\n");
    world_close(&world);
}

static void
takes_no_more_than_its_receive_maximum(void **state)
{
    static const uint8_t one[] = { MQTT_RECEIVE_MAXIMUM, 0, 1 };
    struct mqtt_client_settings settings = {
        .connect = {.version = MQTT_V5, .clean_start = true}
    };
    struct client_world world;
    (void)state;

    settings.connect.properties.raw = view_of(one, sizeof one);
    world_open(&world, &settings);
    world_meet(&world, false, none);
    world_publish(&world, 2, 1, "t", "");
    world_forget(&world);
    world_publish(&world, 2, 2, "t", "");
    world_expect(&world,
                 "> DISCONNECT 93\n"
                 "closed: the server broke the protocol: more messages than our receive maximum [MQTT-3.3.4-9]\n");
    world_close(&world);
}

static void
resolves_aliases(void **state)
{
    static const uint8_t two[] = { MQTT_TOPIC_ALIAS_MAXIMUM, 0, 2 };
    struct mqtt_client_settings settings = {
        .connect = {.version = MQTT_V5, .clean_start = true}
    };
    struct client_world world;
    (void)state;

    settings.connect.properties.raw = view_of(two, sizeof two);
    world_open(&world, &settings);
    world_meet(&world, false, none);
    world_forget(&world);
    WORLD_SAY(&world, "\x30\x07\x00\x01t\x03\x23\x00\x02");
    WORLD_SAY(&world, "\x30\x07\x00\x00\x03\x23\x00\x02x");
    WORLD_SAY(&world, "\x30\x07\x00\x00\x03\x23\x00\x01x");
    world_expect(&world, "message t qos=0 alias=2 ''\n"
                         "message t qos=0 alias=2 'x'\n"
                         "> DISCONNECT 82\n"
                         "closed: the server broke the protocol: a PUBLISH with neither a topic nor a known alias "
                         "[3.3.2.3.4]\n");
    world_close(&world);
}

static void
leave_at_once(struct client_world *world)
{
    mqtt_client_disconnect(world->client, MQTT_SUCCESS, none);
}

/* Who leaves on a message has taken it: it is acknowledged first, and nothing else is delivered. */
static void
leaving_takes_the_message_along(void **state)
{
    struct client_world world;
    (void)state;

    open_kept(&world, none);
    world.on_message = leave_at_once;
    WORLD_SAY(&world, "\x32\x06\x00\x01t\x00\x05\x00\x32\x06\x00\x01t\x00\x06\x00");
    world_expect(&world, "message t qos=1 id=5 ''\n"
                         "> PUBACK id=5\n"
                         "> DISCONNECT 00\n"
                         "closed: disconnected\n");
    world_close(&world);
}

static void
abort_at_once(struct client_world *world)
{
    mqtt_client_abort(world->client);
}

static void
aborting_does_not(void **state)
{
    struct client_world world;
    (void)state;

    open_kept(&world, none);
    world.on_message = abort_at_once;
    world_publish(&world, 1, 5, "t", "");
    world_expect(&world, "message t qos=1 id=5 ''\n"
                         "closed: disconnected\n");
    world_close(&world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(publishes_with_every_qos),
        cmocka_unit_test(a_refused_message_is_done),
        cmocka_unit_test(answers_that_fit_nothing),
        cmocka_unit_test(keeps_to_the_servers_window),
        cmocka_unit_test(keeps_to_its_own_window),
        cmocka_unit_test(waits_when_the_outbox_is_full),
        cmocka_unit_test(limits_of_the_server_are_kept),
        cmocka_unit_test(topics_that_no_message_can_have),
        cmocka_unit_test(an_alias_replaces_its_topic),
        cmocka_unit_test(resumes_in_order),
        cmocka_unit_test(resumes_within_a_smaller_window),
        cmocka_unit_test(a_lost_session_takes_its_messages_along),
        cmocka_unit_test(acknowledges_what_it_was_given),
        cmocka_unit_test(qos_2_comes_once),
        cmocka_unit_test(takes_no_more_than_its_receive_maximum),
        cmocka_unit_test(resolves_aliases),
        cmocka_unit_test(leaving_takes_the_message_along),
        cmocka_unit_test(aborting_does_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
