/* What a node answers where neither one vector nor a conversation tells it: byte for byte, by raw connections. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rig/rig.h"
#include "wire/mqtt.h"

/* Leaves room for acknowledgements with a reason, but not for the text of one. */
#define HELLO_SMALL "10 < (MQTT) 05 02 003c < 27 00000014 > (c) >"
#define HELLO       "10 < (MQTT) 05 02 003c <> (c) >"
#define HELLO_311   "10 < (MQTT) 04 02 003c (d) >"

static struct rig *
open_rig(void)
{
    struct rig *rig = rig_new();
    assert_true(rig_boot(rig));
    return rig;
}

static void
pubrel_without_the_text_that_does_not_fit(void **state)
{
    struct rig *rig = open_rig();
    (void)state;
    assert_true(raw_meet(rig, 0, HELLO_SMALL));
    raw_say(rig, 0, "50 < 0007 >");
    assert_true(raw_hears(rig, 0, "62 < 0007 92 >"));
    rig_free(rig);
}

static void
pubcomp_without_the_text_that_does_not_fit(void **state)
{
    struct rig *rig = open_rig();
    (void)state;
    assert_true(raw_meet(rig, 0, HELLO_SMALL));
    raw_say(rig, 0, "62 < 0007 >");
    assert_true(raw_hears(rig, 0, "70 < 0007 92 >"));
    rig_free(rig);
}

static void
connack_without_the_text_that_does_not_fit(void **state)
{
    struct rig *rig = open_rig();
    (void)state;
    raw_open(rig, 0);
    raw_say(rig, 0, "10 < (MQTT) 05 02 003c < 27 00000014 15 (no-such-method) > (c) >");
    assert_true(raw_hears(rig, 0, "20 < 00 8c <> >"));
    assert_false(raw_lives(rig, 0));
    rig_free(rig);
}

/* [MQTT-3.1.4-6] */
static void
nothing_is_read_after_a_refused_connect(void **state)
{
    struct rig *rig = open_rig();
    (void)state;
    assert_true(raw_meet(rig, 1, HELLO_311));
    raw_say(rig, 1, "82 < 0001 (t) 00 >");
    assert_true(raw_hears(rig, 1, "90 < 0001 00 >"));
    raw_open(rig, 0);
    raw_say(rig, 0, "10 < (MQTT) 05 02 003c < 15 (no-such-method) > (c) > 30 < (t) <> [x] >");
    assert_false(raw_lives(rig, 0));
    assert_int_equal(raw_got(rig, 1).len, 0);
    rig_free(rig);
}

/* The identifier that a CONNACK assigns. */
static struct view
assigned_id(struct rig *rig, unsigned i)
{
    const struct mqtt_dialect dialect = { .version = MQTT_V5, .from = MQTT_FROM_SERVER, .packet_bytes_max = 1000 };
    struct mqtt_packet packet;
    struct fault fault;
    raw_open(rig, i);
    raw_say(rig, i, "10 < (MQTT) 05 02 003c <> () >");
    assert_true(mqtt_decode(raw_got(rig, i), &dialect, &packet, &fault) > 0);
    assert_true(mqtt_has(&packet.connack.properties, MQTT_ASSIGNED_CLIENT_ID));
    return packet.connack.properties.assigned_client_id;
}

static void
assigned_ids_are_unique(void **state)
{
    struct rig *rig = open_rig();
    (void)state;
    struct view a = assigned_id(rig, 0), b = assigned_id(rig, 1), c = assigned_id(rig, 2);
    assert_true(a.len > 0 && b.len > 0 && c.len > 0);
    assert_false(view_equal(a, b) || view_equal(b, c) || view_equal(a, c));
    rig_free(rig);
}

/* [MQTT-4.1.0-1]: an expiry interval of a second is counted from the end of the connection. */
static void
a_session_lives_as_long_as_its_connection(void **state)
{
    struct rig *rig = open_rig();
    (void)state;
    assert_true(raw_meet(rig, 0, "10 < (MQTT) 05 02 0000 < 11 00000001 > (c) >"));
    raw_say(rig, 0, "82 < 0001 <> (t) 00 >");
    assert_true(raw_hears(rig, 0, "90 < 0001 <> 00 >"));
    rig_wait(rig, 60 * 1000);
    raw_say(rig, 0, "30 < (t) <> [x] >");
    assert_true(raw_hears(rig, 0, "30 < (t) <> [x] >"));
    rig_free(rig);
}

/* [MQTT-4.3.3-9]: what was refused under this packet identifier is over. */
static void
a_refused_packet_id_is_free(void **state)
{
    struct rig *rig = open_rig();
    (void)state;
    assert_true(raw_meet(rig, 1, HELLO_311));
    raw_say(rig, 1, "82 < 0001 (t) 00 >");
    raw_forget(rig, 1);
    assert_true(raw_meet(rig, 0, HELLO_SMALL));
    raw_say(rig, 0, "34 < ($SYS/x) 0005 <> [x] >");
    assert_true(raw_hears(rig, 0, "50 < 0005 87 >"));
    raw_say(rig, 0, "34 < (t) 0005 <> [y] >");
    assert_true(raw_hears(rig, 0, "50 < 0005 >"));
    assert_true(raw_hears(rig, 1, "30 < (t) [y] >"));
    rig_free(rig);
}

/* [MQTT-3.1.2-26], [MQTT-3.1.2-27]: a client that grants no aliases is sent whole topics, however often. */
static void
no_alias_for_who_grants_none(void **state)
{
    struct rig *rig = open_rig();
    (void)state;
    assert_true(raw_meet(rig, 0, HELLO));
    raw_say(rig, 0, "82 < 0001 <> (t) 00 >");
    raw_forget(rig, 0);
    assert_true(raw_meet(rig, 1, HELLO_311));
    raw_say(rig, 1, "30 < (t) [x] > 30 < (t) [y] >");
    assert_true(raw_hears(rig, 0, "30 < (t) <> [x] > 30 < (t) <> [y] >"));
    rig_free(rig);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(pubrel_without_the_text_that_does_not_fit),
        cmocka_unit_test(pubcomp_without_the_text_that_does_not_fit),
        cmocka_unit_test(connack_without_the_text_that_does_not_fit),
        cmocka_unit_test(nothing_is_read_after_a_refused_connect),
        cmocka_unit_test(assigned_ids_are_unique),
        cmocka_unit_test(a_session_lives_as_long_as_its_connection),
        cmocka_unit_test(a_refused_packet_id_is_free),
        cmocka_unit_test(no_alias_for_who_grants_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
