/* Peers that are half open, slow, or cut off from the node: it notices when it can, and the others notice nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "rig/rig.h"

#define HELLO_WILL  "10 < (MQTT) 05 06 000a <> (v) <> (will) (gone) >"
#define HELLO_KEPT  "10 < (MQTT) 05 00 0000 < 11 00002710 > (v) >"
#define HELLO_OTHER "10 < (MQTT) 05 02 0000 <> (o) >"

static struct rig *
open_rig(enum tier tier)
{
    struct rig *rig = rig_new();
    rig->settings.tier = tier;
    assert_true(rig_boot(rig));
    return rig;
}

/* Every connection there is falls silent for ever; later ones are well. */
static void
mute(struct rig *rig)
{
    assert_true(sim_mute_streams(rig->sim, rig->node_machine, rig->raw_machine) > 0);
}

static void
subscribe(struct rig *rig, unsigned i, const char *topic, const char *answer)
{
    raw_say(rig, i, topic);
    assert_true(raw_hears(rig, i, answer));
}

/* Ten seconds of keep-alive: after fifteen it is gone, and its will says so. */
static void
a_half_open_peer_with_keep_alive(void **state)
{
    struct rig *rig = open_rig(TIER_MEMORY);
    (void)state;
    assert_true(raw_meet(rig, 0, HELLO_WILL));
    mute(rig);
    assert_true(raw_meet(rig, 1, HELLO_OTHER));
    subscribe(rig, 1, "82 < 0001 <> (will) 00 >", "90 < 0001 <> 00 >");
    rig_wait(rig, 13 * 1000);
    assert_int_equal(raw_got(rig, 1).len, 0);
    rig_wait(rig, 4 * 1000);
    assert_int_equal(raw_counts(rig, 1, "gone"), 1);
    rig_free(rig);
}

/* Without keep-alive the node cannot know.  But what it sends is not acknowledged, and is there for the next
 * connection. */
static void
a_half_open_peer_loses_nothing(void **state)
{
    struct rig *rig = open_rig(TIER_SYNCED);
    (void)state;
    assert_true(raw_meet(rig, 0, HELLO_KEPT));
    subscribe(rig, 0, "82 < 0001 <> (t) 01 >", "90 < 0001 <> 01 >");
    mute(rig);
    assert_true(raw_meet(rig, 1, HELLO_OTHER));
    raw_say(rig, 1, "32 < (t) 0001 <> [one] > 32 < (t) 0002 <> [two] >");
    assert_true(raw_hears(rig, 1, "40 < 0001 > 40 < 0002 >"));
    rig_wait(rig, 200 * 1000);
    raw_open(rig, 0);
    raw_say(rig, 0, HELLO_KEPT);
    assert_int_equal(raw_got(rig, 0).data[2], 1);
    assert_int_equal(raw_counts(rig, 0, "one"), 1);
    assert_int_equal(raw_counts(rig, 0, "two"), 1);
    rig_free(rig);
}

/* Its client need not wait for anybody: it takes its session over. */
static void
a_half_open_connection_is_taken_over_at_once(void **state)
{
    struct rig *rig = open_rig(TIER_SYNCED);
    (void)state;
    assert_true(raw_meet(rig, 0, HELLO_KEPT));
    subscribe(rig, 0, "82 < 0001 <> (t) 01 >", "90 < 0001 <> 01 >");
    mute(rig);
    raw_open(rig, 2);
    raw_say(rig, 2, HELLO_KEPT);
    assert_int_equal(raw_got(rig, 2).data[2], 1);
    raw_forget(rig, 2);
    raw_say(rig, 2, "32 < (t) 0001 <> [x] >");
    assert_int_equal(raw_counts(rig, 2, "x"), 1);
    rig_free(rig);
}

/* Half-open connections give their places back. */
static void
half_open_peers_are_not_counted_for_ever(void **state)
{
    struct rig *rig = rig_new();
    (void)state;
    rig->settings.connections_max = 4;
    rig->settings.keepalive_s_max = 10;
    assert_true(rig_boot(rig));
    for (unsigned i = 0; i < 4; i++) {
        static const char *const ids[] = { "(a)", "(b)", "(c)", "(d)" };
        char hello[64];
        snprintf(hello, sizeof(hello), "10 < (MQTT) 05 02 0000 <> %s >", ids[i]);
        assert_true(raw_meet(rig, i, hello));
    }
    mute(rig);
    assert_false(raw_meet(rig, 4, HELLO_OTHER));
    rig_wait(rig, 20 * 1000);
    assert_true(raw_meet(rig, 4, HELLO_OTHER));
    rig_free(rig);
}

/* A cut network that heals within TCP's patience: nothing was lost, nothing comes twice. */
static void
a_partition_that_heals(void **state)
{
    struct rig *rig = open_rig(TIER_SYNCED);
    (void)state;
    assert_true(raw_meet(rig, 0, HELLO_KEPT));
    subscribe(rig, 0, "82 < 0001 <> (t) 01 >", "90 < 0001 <> 01 >");
    assert_true(raw_meet(rig, 1, HELLO_OTHER));
    sim_partition(rig->sim, rig->node_machine, rig->raw_machine, true);
    raw_say(rig, 1, "32 < (t) 0001 <> [one] >");
    rig_wait(rig, 30 * 1000);
    assert_int_equal(raw_got(rig, 1).len + raw_got(rig, 0).len, 0);
    sim_partition(rig->sim, rig->node_machine, rig->raw_machine, false);
    rig_wait(rig, 30 * 1000);
    assert_true(raw_hears(rig, 1, "40 < 0001 >"));
    assert_int_equal(raw_counts(rig, 0, "one"), 1);
    rig_free(rig);
}

/* Six that say their CONNECT a byte a second: connect_s_max for the bytes that name the protocol and once more for the
 * rest, then they are gone; and meanwhile a message takes no longer than ever. */
static void
slow_connects(void **state)
{
    static const uint8_t connect[] = "\x10\x7f\x00\x04MQTT\x05\x02\x00\x00\x00\x00\x20";
    struct rig *rig = open_rig(TIER_MEMORY);
    (void)state;
    assert_true(raw_meet(rig, 6, HELLO_OTHER));
    subscribe(rig, 6, "82 < 0001 <> (t) 00 >", "90 < 0001 <> 00 >");
    for (unsigned i = 0; i < 6; i++)
        raw_open(rig, i);
    for (size_t at = 0; at < 2 * rig->settings.connect_s_max + 2; at++) {
        for (unsigned i = 0; i < 6; i++)
            raw_send(rig, i, view_of(at < sizeof(connect) - 1 ? connect + at : (const uint8_t *)"x", 1));
        raw_say(rig, 6, "30 < (t) <> [x] >");
        assert_true(raw_hears(rig, 6, "30 < (t) <> [x] >"));
        rig_wait(rig, 800);
    }
    for (unsigned i = 0; i < 6; i++)
        assert_false(raw_lives(rig, i));
    rig_free(rig);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_half_open_peer_with_keep_alive),
        cmocka_unit_test(a_half_open_peer_loses_nothing),
        cmocka_unit_test(a_half_open_connection_is_taken_over_at_once),
        cmocka_unit_test(half_open_peers_are_not_counted_for_ever),
        cmocka_unit_test(a_partition_that_heals),
        cmocka_unit_test(slow_connects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
