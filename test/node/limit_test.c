/* Limits of the node itself: each is reached, refused in the protocol's own way, and leaves room again.
 *
 * (A session's own limits: test/talk/publish_test.c, test/talk/pressure_test.c.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "rig/rig.h"

static struct rig *
open_rig(void (*choose)(struct settings *settings))
{
    struct rig *rig = rig_new();
    choose(&rig->settings);
    assert_true(rig_boot(rig));
    return rig;
}

static bool
meet(struct rig *rig, unsigned i)
{
    char hello[64];
    snprintf(hello, sizeof(hello), "10 < (MQTT) 05 02 0000 <> (%c) >", 'a' + (int)i);
    return raw_meet(rig, i, hello);
}

static bool
pings(struct rig *rig, unsigned i)
{
    raw_say(rig, i, "c0 00");
    return raw_hears(rig, i, "d0 00");
}

/* ---- connections --------------------------------------------------------------------------------------------- */

static void
three_connections(struct settings *settings)
{
    settings->connections_max = 3;
}

static void
connections_max(void **state)
{
    struct rig *rig = open_rig(three_connections);
    (void)state;
    for (unsigned i = 0; i < 3; i++)
        assert_true(meet(rig, i));
    assert_false(meet(rig, 3));
    assert_false(raw_lives(rig, 3));
    for (unsigned i = 0; i < 3; i++)
        assert_true(pings(rig, i));
    raw_cut(rig, 1);
    rig_wait(rig, 100);
    assert_true(meet(rig, 3));
    assert_true(pings(rig, 3));
    rig_free(rig);
}

/* Who connects and says nothing takes a place, but not for ever. */
static void
connections_max_of_the_silent(void **state)
{
    struct rig *rig = open_rig(three_connections);
    (void)state;
    for (unsigned i = 0; i < 3; i++)
        raw_open(rig, i);
    assert_false(meet(rig, 3));
    rig_wait(rig, rig->settings.connect_s_max * 1000 + 2000);
    for (unsigned i = 0; i < 3; i++)
        assert_false(raw_lives(rig, i));
    assert_true(meet(rig, 3));
    rig_free(rig);
}

/* Taking one's own session over gives the old place back in a moment. */
static void
connections_max_and_take_over(void **state)
{
    struct rig *rig = open_rig(three_connections);
    (void)state;
    assert_true(meet(rig, 0));
    for (unsigned n = 0; n < 10; n++) {
        assert_true(raw_meet(rig, 2 + n % 2, "10 < (MQTT) 05 02 0000 <> (same) >"));
        rig_wait(rig, 2000);
    }
    assert_true(pings(rig, 0));
    rig_free(rig);
}

/* ---- names --------------------------------------------------------------------------------------------------- */

static void
three_levels(struct settings *settings)
{
    settings->topic_levels_max = 3;
}

static void
topic_levels_max(void **state)
{
    struct rig *rig = open_rig(three_levels);
    (void)state;
    assert_true(meet(rig, 0));
    raw_say(rig, 0, "82 < 0001 <> (a/b/c) 00 (a/b/c/d) 00 (a/b/#) 00 (a/b/c/#) 00 >");
    assert_true(raw_hears(rig, 0, "90 < 0001 <> 00 8f 00 8f >"));
    raw_say(rig, 0, "30 < (a/b/c) <> [x] >");
    assert_true(raw_hears(rig, 0, "30 < (a/b/c) <> [x] >"));
    assert_true(meet(rig, 1));
    raw_say(rig, 1, "32 < (a/b/c/d) 0001 <> [x] >");
    assert_int_equal(raw_got(rig, 0).len, 0);
    assert_true(raw_counts(rig, 1, "\x90") == 1); /* topic name invalid */
    assert_true(pings(rig, 0));
    rig_free(rig);
}

static void
short_ids(struct settings *settings)
{
    settings->client_id_bytes_max = 23;
}

static void
client_id_bytes_max(void **state)
{
    struct rig *rig = open_rig(short_ids);
    (void)state;
    assert_true(raw_meet(rig, 0, "10 < (MQTT) 05 02 0000 <> (0123456789abcdefghijklm) >"));
    raw_open(rig, 1);
    raw_say(rig, 1, "10 < (MQTT) 05 02 0000 < 27 00000014 > (0123456789abcdefghijklmn) >");
    assert_true(raw_hears(rig, 1, "20 < 00 85 <> >"));
    assert_false(raw_lives(rig, 1));
    raw_open(rig, 1);
    raw_say(rig, 1, "10 < (MQTT) 04 02 0000 (0123456789abcdefghijklmn) >");
    assert_true(raw_hears(rig, 1, "20 02 00 02"));
    rig_free(rig);
}

/* ---- packets ------------------------------------------------------------------------------------------------- */

static void
small_packets(struct settings *settings)
{
    settings->packet_bytes_max = 1024;
}

/* A length that is too large is refused before its bytes have come, at any time. */
static void
packet_bytes_max(void **state)
{
    struct rig *rig = open_rig(small_packets);
    (void)state;
    assert_true(meet(rig, 0));
    raw_say(rig, 0, "30 fe07"); /* 1022 bytes and the header's three: one too many */
    assert_true(raw_counts(rig, 0, "\xe0") == 1);
    assert_true(raw_counts(rig, 0, "\x95") == 1);
    assert_false(raw_lives(rig, 0));
    raw_open(rig, 1);
    raw_say(rig, 1, "10 ffff7f 0004 [MQTT] 04");
    assert_false(raw_lives(rig, 1));
    assert_true(raw_hears(rig, 1, "20 02 00 03"));
    rig_free(rig);
}

static void
a_packet_of_just_the_maximum(void **state)
{
    uint8_t packet[1024] = { 0x30, 0xfd, 0x07, 0, 1, 't', 0 };
    struct rig *rig = open_rig(small_packets);
    (void)state;
    assert_true(meet(rig, 0));
    raw_say(rig, 0, "82 < 0001 <> (t) 00 >");
    raw_forget(rig, 0);
    assert_true(meet(rig, 1));
    raw_send(rig, 1, view_of(packet, sizeof(packet)));
    rig_wait(rig, 200);
    assert_true(raw_lives(rig, 1));
    assert_true(view_equal(raw_got(rig, 0), view_of(packet, sizeof(packet))));
    rig_free(rig);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_max),
        cmocka_unit_test(connections_max_of_the_silent),
        cmocka_unit_test(connections_max_and_take_over),
        cmocka_unit_test(topic_levels_max),
        cmocka_unit_test(client_id_bytes_max),
        cmocka_unit_test(packet_bytes_max),
        cmocka_unit_test(a_packet_of_just_the_maximum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
