/* client/mqtt_test.c - a client's conversations with a scripted server, in the simulator. */
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

/* ---- connecting ------------------------------------------------------------------------------------------- */

static void
greets_and_leaves(void **state)
{
    struct client_world world;
    (void)state;

    world_open(&world, NULL);
    world_meet(&world, false, none);
    assert_true(mqtt_client_is_connected(world.client));
    mqtt_client_disconnect(world.client, MQTT_SUCCESS, none);
    world_run(&world);
    world_expect(&world, "> CONNECT v5 id=c clean\n"
                         "connected\n"
                         "> DISCONNECT 00\n"
                         "closed: disconnected\n");
    world_close(&world);
}

static void
speaks_older_versions(void **state)
{
    static const uint8_t versions[] = { MQTT_V31, MQTT_V311 };
    (void)state;

    for (size_t i = 0; i < COUNT_OF(versions); i++) {
        struct client_world world;
        struct mqtt_client_settings settings = {
            .connect = {.version = versions[i], .clean_start = true, .client_id = view_str("old")},
        };
        world_open(&world, &settings);
        world_meet(&world, false, none);
        world_forget(&world);
        assert_int_equal(world_put(&world, 1, "t", "hi", 7), 0);
        world_ack(&world, MQTT_PUBACK, 1, 0);
        world_expect(&world, "> PUBLISH t qos=1 id=1 'hi'\n"
                             "settled 7: success\n");
        world_close(&world);
    }
}

static void
tells_why_it_was_refused(void **state)
{
    struct client_world world;
    (void)state;

    world_open(&world, NULL);
    world_connect(&world);
    WORLD_SAY(&world, "\x20\x0a\x00\x87\x07\x1f\x00\x04room");
    world_expect(&world, "> CONNECT v5 id=c clean\n"
                         "closed: connection refused by the server: not authorized (room)\n");
    assert_int_equal(world.end.why, MQTT_CLIENT_REFUSED);
    assert_int_equal(world.end.reason, MQTT_NOT_AUTHORIZED);
    world_close(&world);
}

static void
gives_up_on_a_silent_server(void **state)
{
    struct client_world world;
    (void)state;

    world_open(&world, NULL);
    world_connect(&world);
    world_forget(&world);
    sim_run_for(world.sim, 11 * SIM_NS_A_S);
    world_expect(&world, "closed: connection lost: timed out\n");
    world_close(&world);
}

static void
tells_that_nobody_is_there(void **state)
{
    struct client_world world;
    (void)state;

    world_open(&world, NULL);
    sim_kill(world.server_machine);
    world_connect(&world);
    sim_run_for(world.sim, 20 * SIM_NS_A_S);
    assert_true(world.is_closed);
    assert_int_equal(world.end.why, MQTT_CLIENT_UNREACHED);
    world_close(&world);
}

static void
can_be_aborted_at_any_time(void **state)
{
    (void)state;
    for (unsigned when = 0; when < 3; when++) {
        struct client_world world;
        world_open(&world, NULL);
        if (when == 0) {
            struct io_address address;
            world_connect(&world);
            mqtt_client_abort(world.client);
            world_run(&world);
            world_forget(&world);
            must(io_address_parse("tcp://server:1883", 1883, &address) == 0);
            assert_int_equal(mqtt_client_connect(world.client, &address), 0);
        } else if (when == 1) {
            world_connect(&world);
        } else {
            world_meet(&world, false, none);
        }
        world_forget(&world);
        mqtt_client_abort(world.client);
        mqtt_client_abort(world.client);
        world_run(&world);
        world_expect(&world, "closed: disconnected\n");
        world_close(&world);
    }
}

static void
hears_the_servers_goodbye(void **state)
{
    struct client_world world;
    (void)state;

    world_open(&world, NULL);
    world_meet(&world, false, none);
    world_forget(&world);
    WORLD_SAY(&world, "\xe0\x02\x8e\x00");
    world_expect(&world, "closed: disconnected by the server: session taken over\n");
    world_close(&world);
}

static void
uses_the_id_it_was_given(void **state)
{
    struct mqtt_client_settings settings = { .connect = { .version = MQTT_V5 } };
    static const uint8_t assigned[] = { MQTT_ASSIGNED_CLIENT_ID, 0, 3, 'z', 'o', 'e' };
    struct client_world world;
    (void)state;

    world_open(&world, &settings);
    world_meet(&world, false, view_of(assigned, sizeof assigned));
    world_cut(&world);
    world_forget(&world);
    world_connect(&world);
    world_expect(&world, "> CONNECT v5 id=zoe\n");
    world_close(&world);
}

/* ---- keeping alive ---------------------------------------------------------------------------------------- */

static void
open_with_keepalive(struct client_world *world, struct view connack_props)
{
    struct mqtt_client_settings settings = {
        .connect = {.version = MQTT_V5, .clean_start = true, .client_id = view_str("c"), .keep_alive_s = 10},
    };
    world_open(world, &settings);
    world_meet(world, false, connack_props);
    world_forget(world);
}

static void
pings_when_it_has_nothing_to_say(void **state)
{
    struct client_world world;
    (void)state;

    open_with_keepalive(&world, none);
    sim_run_for(world.sim, 6 * SIM_NS_A_S);
    world_put(&world, 0, "t", "", 0);
    sim_run_for(world.sim, 6 * SIM_NS_A_S);
    world_expect(&world, "> PUBLISH t qos=0 ''\n");
    sim_run_for(world.sim, 5 * SIM_NS_A_S);
    world_expect(&world, "> PINGREQ\n");
    WORLD_SAY(&world, "\xd0\x00");
    sim_run_for(world.sim, 10 * SIM_NS_A_S);
    world_expect(&world, "> PINGREQ\n");
    sim_run_for(world.sim, 11 * SIM_NS_A_S);
    world_expect(&world, "closed: connection lost: timed out\n");
    world_close(&world);
}

static void
keeps_to_the_servers_keep_alive(void **state)
{
    static const uint8_t keep_alive[] = { MQTT_SERVER_KEEP_ALIVE, 0, 2 };
    struct client_world world;
    (void)state;

    open_with_keepalive(&world, view_of(keep_alive, sizeof keep_alive));
    sim_run_for(world.sim, 3 * SIM_NS_A_S);
    world_expect(&world, "> PINGREQ\n");
    world_close(&world);
}

/* ---- requests --------------------------------------------------------------------------------------------- */

static int
subscribe(struct client_world *world, unsigned count)
{
    struct mqtt_filter filters[2] = {
        {.filter = view_str("a/#"), .qos = 1 },
        { .filter = view_str("b")                       }
    };
    int id = mqtt_client_subscribe(world->client, filters, count, none);
    world_run(world);
    return id;
}

static void
subscribes_and_unsubscribes(void **state)
{
    struct view filter = view_str("b");
    struct client_world world;
    (void)state;

    world_open(&world, NULL);
    world_meet(&world, false, none);
    world_forget(&world);
    assert_int_equal(subscribe(&world, 2), 1);
    WORLD_SAY(&world, "\x90\x05\x00\x01\x00\x01\x87");
    assert_int_equal(mqtt_client_unsubscribe(world.client, &filter, 1, none), 2);
    world_run(&world);
    WORLD_SAY(&world, "\xb0\x04\x00\x02\x00\x00");
    world_expect(&world, "> SUBSCRIBE id=1 count=2\n"
                         "granted id=1 codes=2\n"
                         "> UNSUBSCRIBE id=2 count=1\n"
                         "granted id=2 codes=1\n");
    world_close(&world);
}

static void
wants_a_code_for_each_filter(void **state)
{
    struct client_world world;
    (void)state;

    world_open(&world, NULL);
    world_meet(&world, false, none);
    subscribe(&world, 2);
    WORLD_SAY(&world, "\x90\x04\x00\x01\x00\x01");
    assert_int_equal(world.end.why, MQTT_CLIENT_BREACH);
    assert_string_equal(world.end.fault.clause, "MQTT-3.8.4-6");
    world_close(&world);
}

static void
refuses_requests_that_cannot_be(void **state)
{
    struct mqtt_filter empty = { .filter = none };
    struct client_world world;
    (void)state;

    world_open(&world, NULL);
    world_meet(&world, false, none);
    assert_int_equal(mqtt_client_subscribe(world.client, &empty, 1, none), -ERR_INVALID);
    assert_int_equal(mqtt_client_subscribe(world.client, &empty, 0, none), -ERR_INVALID);
    assert_int_equal(mqtt_client_unsubscribe(world.client, &none, 1, none), -ERR_INVALID);
    world_cut(&world);
    assert_int_equal(subscribe(&world, 1), -ERR_AGAIN);
    world_close(&world);
}

/* ---- breaches --------------------------------------------------------------------------------------------- */

static void
tells_a_server_what_it_broke(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        unsigned reason;
    } rows[] = {
        {"\x20\x03\x00\x00\x00",               5, MQTT_PROTOCOL_ERROR     }, /* a second CONNACK */
        { "\x82\x06\x00\x01\x00\x00\x01t",     8, MQTT_PROTOCOL_ERROR     }, /* a SUBSCRIBE from a server */
        { "\x90\x04\x00\x09\x00\x00",          6, MQTT_PROTOCOL_ERROR     }, /* a SUBACK for nothing */
        { "\xf0\x02\x18\x00",                  4, MQTT_PROTOCOL_ERROR     }, /* an AUTH without a method */
        { "\x30\x07\x00\x00\x03\x23\x00\x01x", 9, MQTT_TOPIC_ALIAS_INVALID}, /* an alias: our maximum is 0 */
    };
    (void)state;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct client_world world;
        world_open(&world, NULL);
        world_meet(&world, false, none);
        world_forget(&world);
        world_say(&world, view_of(rows[i].bytes, rows[i].len));
        assert_true(world.is_closed);
        assert_int_equal(world.end.why, MQTT_CLIENT_BREACH);
        assert_int_equal(world.text[0], '>'); /* DISCONNECT */
        world_close(&world);
    }
}

static void
wants_connack_first(void **state)
{
    struct client_world world;
    (void)state;

    world_open(&world, NULL);
    world_connect(&world);
    world_publish(&world, 0, 0, "t", "");
    assert_int_equal(world.end.why, MQTT_CLIENT_BREACH);
    world_close(&world);
}

static void
believes_no_session_after_a_clean_start(void **state)
{
    struct client_world world;
    (void)state;

    world_open(&world, NULL);
    world_meet(&world, true, none);
    assert_int_equal(world.end.why, MQTT_CLIENT_BREACH);
    assert_string_equal(world.end.fault.clause, "MQTT-3.2.2-2");
    world_close(&world);
}

static void
takes_no_larger_packet_than_it_said(void **state)
{
    static const uint8_t size[] = { MQTT_MAXIMUM_PACKET_SIZE, 0, 0, 0, 20 };
    struct mqtt_client_settings settings = {
        .connect = {.version = MQTT_V5, .clean_start = true}
    };
    struct client_world world;
    (void)state;

    settings.connect.properties.raw = view_of(size, sizeof size);
    world_open(&world, &settings);
    world_meet(&world, false, none);
    world_publish(&world, 0, 0, "t", "12345678901234");
    world_forget(&world);
    world_publish(&world, 0, 0, "t", "123456789012345");
    world_expect(&world, "> DISCONNECT 95\n"
                         "closed: the server broke the protocol: the packet is larger than the maximum packet size "
                         "[MQTT-3.2.2-15]\n");
    world_close(&world);
}

static void
exchanges_auth_when_it_has_a_method(void **state)
{
    static const uint8_t method[] = { MQTT_AUTH_METHOD, 0, 1, 'm' };
    struct mqtt_client_settings settings = {
        .connect = {.version = MQTT_V5, .clean_start = true}
    };
    struct client_world world;
    (void)state;

    settings.connect.properties.raw = view_of(method, sizeof method);
    world_open(&world, &settings);
    world_connect(&world);
    world_forget(&world);
    WORLD_SAY(&world, "\xf0\x06\x18\x04\x15\x00\x01m");
    assert_int_equal(mqtt_client_auth(world.client, MQTT_CONTINUE_AUTHENTICATION, view_of(method, sizeof method)), 0);
    world_run(&world);
    world_expect(&world, "challenged: continue authentication\n"
                         "> AUTH 18\n");
    world_close(&world);
}

/* ---- cutting and memory ----------------------------------------------------------------------------------- */

/* A whole conversation of the server's, given in one piece, then a byte at a time: the same events. */
static void
reads_a_stream_cut_anywhere(void **state)
{
    static const char talk[] = "\x20\x03\x00\x00\x00"             /* CONNACK */
                               "\x32\x08\x00\x01t\x00\x05\x00hi"  /* PUBLISH QoS 1 */
                               "\x34\x09\x00\x01t\x00\x06\x00you" /* PUBLISH QoS 2 */
                               "\x62\x02\x00\x06"                 /* PUBREL */
                               "\x30\x04\x00\x01t\x00";           /* PUBLISH QoS 0 */
    char whole[sizeof((struct client_world *)0)->text];
    (void)state;

    for (size_t step = 0; step < sizeof talk; step++) {
        struct client_world world;
        world_open(&world, NULL);
        world_connect(&world);
        if (step == 0) {
            world_say(&world, view_of(talk, sizeof talk - 1));
            strcpy(whole, world.text);
        } else {
            world_say(&world, view_of(talk, step));
            for (size_t i = step; i + 1 < sizeof talk; i++)
                world_say(&world, view_of(talk + i, 1));
        }
        assert_true(strstr(world.text, "message t qos=2 id=6 'you'") != NULL);
        assert_int_equal(strlen(world.text), strlen(whole));
        world_close(&world);
    }
}

/* One conversation with everything that allocates; returns whether it went well. */
static bool
converse(uint64_t fail_at, uint64_t *retcalls)
{
    static const uint8_t aliases[] = { MQTT_TOPIC_ALIAS_MAXIMUM, 0, 4 };
    struct mqtt_client_settings settings = {
        .connect = {.version = MQTT_V5, .client_id = view_str("c"), .keep_alive_s = 100},
    };
    struct client_world world;

    settings.connect.properties.raw = view_of(aliases, sizeof aliases);
    world_open(&world, &settings);
    world.client_mem.calls = 0;
    world.client_mem.fail_at = fail_at;
    world_meet(&world, false, view_of(aliases, sizeof aliases));
    bool well = world.client != NULL && mqtt_client_is_connected(world.client);
    if (well) {
        struct mqtt_publish message = { .qos = 2, .topic = view_str("t"), .properties = { .topic_alias = 1 } };
        well = mqtt_client_publish(world.client, &message, 1) == 0 && subscribe(&world, 1) > 0;
    }
    world_publish(&world, 2, 1, "t", "a message that comes in two pieces");
    WORLD_SAY(&world, "\x30\x08\x00\x01t\x03\x23");
    WORLD_SAY(&world, "\x00\x01x");
    *retcalls = world.client_mem.calls;
    well = well && !world.is_closed;
    world.client_mem.fail_at = 0;
    world_close(&world);
    return well;
}

/* Each allocation fails in turn: the client may fail, but cleanly, and nothing leaks. */
static void
bears_the_loss_of_each_allocation(void **state)
{
    uint64_t calls, ignored;
    (void)state;

    assert_true(converse(0, &calls));
    assert_true(calls > 5);
    for (uint64_t i = 1; i <= calls; i++)
        converse(i, &ignored);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(greets_and_leaves),
        cmocka_unit_test(speaks_older_versions),
        cmocka_unit_test(tells_why_it_was_refused),
        cmocka_unit_test(gives_up_on_a_silent_server),
        cmocka_unit_test(tells_that_nobody_is_there),
        cmocka_unit_test(can_be_aborted_at_any_time),
        cmocka_unit_test(hears_the_servers_goodbye),
        cmocka_unit_test(uses_the_id_it_was_given),
        cmocka_unit_test(pings_when_it_has_nothing_to_say),
        cmocka_unit_test(keeps_to_the_servers_keep_alive),
        cmocka_unit_test(subscribes_and_unsubscribes),
        cmocka_unit_test(wants_a_code_for_each_filter),
        cmocka_unit_test(refuses_requests_that_cannot_be),
        cmocka_unit_test(tells_a_server_what_it_broke),
        cmocka_unit_test(wants_connack_first),
        cmocka_unit_test(believes_no_session_after_a_clean_start),
        cmocka_unit_test(takes_no_larger_packet_than_it_said),
        cmocka_unit_test(exchanges_auth_when_it_has_a_method),
        cmocka_unit_test(reads_a_stream_cut_anywhere),
        cmocka_unit_test(bears_the_loss_of_each_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
