/* Each allocation of a start fails in turn: with an empty disk, and with one that a busy life has left behind.  The
 * node starts, or says why it can't; nothing leaks; nothing that was promised is lost; and the next start works.
 *
 * (The allocations of clients at work: test/talk/memory_test.c.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/err.h"
#include "rig/rig.h"

#define HELLO_SUB  "10 < (MQTT) 05 00 0000 < 11 00002710 > (s) >"
#define HELLO_PUB  "10 < (MQTT) 05 00 0000 < 11 00002710 > (p) >"
#define HELLO_WILL "10 < (MQTT) 05 2c 0000 < 11 00002710 > (w) < 18 00000005 > (a/w) (last) >"

static void
still_works(struct rig *rig)
{
    assert_true(raw_meet(rig, 7, "10 < (MQTT) 04 02 0000 (probe) >"));
    raw_say(rig, 7, "82 < 0001 (probe) 01 > 32 < (probe) 0002 [alive] >");
    assert_int_equal(raw_counts(rig, 7, "alive"), 1);
    raw_cut(rig, 7);
}

/* Starts with the i-th allocation failing, and without when that was too little. */
static bool
boot_failing(struct rig *rig, uint64_t i)
{
    rig->node_mem.fail_at = rig->node_mem.calls + i;
    bool up = rig_boot(rig);
    rig->node_mem.fail_at = 0;
    if (up)
        return true;
    assert_true(rig->started == -ERR_NO_MEMORY || rig->started == -ERR_CANCELED);
    assert_int_equal(rig->node_mem.used_bytes, 0);
    assert_true(rig_boot(rig));
    return false;
}

/* How many allocations this start takes. */
static uint64_t
count_boot(struct rig *rig)
{
    uint64_t before = rig->node_mem.calls;
    assert_true(rig_boot(rig));
    return rig->node_mem.calls - before;
}

/* ---- an empty disk ------------------------------------------------------------------------------------------- */

static struct rig *
new_rig(enum tier tier, unsigned shards)
{
    struct rig *rig = rig_new();
    rig->settings.tier = tier;
    rig->settings.shards = shards;
    rig->settings.sys_interval_s = 10;
    return rig;
}

static void
each_boot_fails(enum tier tier, unsigned shards)
{
    struct rig *rig = new_rig(tier, shards);
    uint64_t n = count_boot(rig);
    unsigned refused = 0;
    rig_free(rig);
    assert_true(n > 10);
    for (uint64_t i = 1; i <= n; i++) {
        rig = new_rig(tier, shards);
        refused += !boot_failing(rig, i);
        still_works(rig);
        rig_free(rig);
    }
    assert_true(refused > 10);
}

static void
boot_in_memory(void **state)
{
    (void)state;
    each_boot_fails(TIER_MEMORY, 1);
}

static void
boot_on_the_log(void **state)
{
    (void)state;
    each_boot_fails(TIER_SYNCED, 1);
}

static void
boot_of_two_shards(void **state)
{
    (void)state;
    each_boot_fails(TIER_SYNCED, 2);
}

/* ---- a life's disk ------------------------------------------------------------------------------------------- */

enum { MESSAGES = 40 };

/* A durable session with a shared and a plain subscription and a backlog of all kinds, a retained value, a QoS 2
 * exchange in the middle, and a will that waits. */
static void
live(struct rig *rig)
{
    assert_true(raw_meet(rig, 0, HELLO_SUB));
    raw_say(rig, 0, "82 < 0001 <> (a/+) 02 ($share/g/b) 01 >");
    assert_true(raw_hears(rig, 0, "90 < 0001 <> 02 01 >"));
    raw_cut(rig, 0);
    assert_true(raw_meet(rig, 1, HELLO_PUB));
    raw_say(rig, 1, "33 < (r) 0001 <> [kept] > 32 < (b) 0002 < 02 00002710 26 (k) (v) > [shared] >");
    for (unsigned i = 0; i < MESSAGES; i++) {
        raw_say(rig, 1, i % 2 ? "32 < (a/x) 0003 <> [one] >" : "34 < (a/y) 0004 < 02 00002710 > [two] > 62 < 0004 >");
        raw_forget(rig, 1);
    }
    raw_say(rig, 1, "34 < (a/z) 0009 <> [half] >");
    assert_true(raw_hears(rig, 1, "50 < 0009 >"));
    assert_true(raw_meet(rig, 2, HELLO_WILL));
    raw_cut(rig, 2);
    rig_wait(rig, 1000);
}

static void
expect_all(struct rig *rig)
{
    rig_wait(rig, 6000); /* the will's delay */
    raw_open(rig, 0);
    raw_say(rig, 0, HELLO_SUB);
    rig_wait(rig, 1000);
    assert_int_equal(raw_got(rig, 0).data[2], 1); /* session present */
    assert_int_equal(raw_counts(rig, 0, "one"), MESSAGES / 2);
    assert_int_equal(raw_counts(rig, 0, "two"), MESSAGES / 2);
    assert_int_equal(raw_counts(rig, 0, "half"), 1);
    assert_int_equal(raw_counts(rig, 0, "shared"), 1);
    assert_int_equal(raw_counts(rig, 0, "last"), 1);
    raw_say(rig, 0, "82 < 0002 <> (r) 00 >");
    assert_int_equal(raw_counts(rig, 0, "kept"), 1);
    raw_open(rig, 1);
    raw_say(rig, 1, HELLO_PUB);
    assert_int_equal(raw_got(rig, 1).data[2], 1);
    raw_forget(rig, 1);
    raw_say(rig, 1, "3c < (a/z) 0009 <> [half] > 62 < 0009 >");
    assert_true(raw_hears(rig, 1, "50 < 0009 > 70 < 0009 >"));
    assert_int_equal(raw_counts(rig, 0, "half"), 1);
}

static struct rig *
lived(unsigned shards)
{
    struct rig *rig = new_rig(TIER_SYNCED, shards);
    assert_true(rig_boot(rig));
    live(rig);
    rig_die(rig, SIM_KILL);
    assert_int_equal(rig->node_mem.used_bytes, 0);
    return rig;
}

/* At most so many of the allocations are failed, evenly chosen: all of them would take minutes under a sanitizer. */
enum { SAMPLES = 1000 };

static void
each_restart_fails(unsigned shards)
{
    struct rig *rig = lived(shards);
    uint64_t n = count_boot(rig), step = n / SAMPLES + 1;
    unsigned refused = 0;
    expect_all(rig);
    rig_free(rig);
    assert_true(n > 20);
    for (uint64_t i = 1; i <= n; i += step) {
        rig = lived(shards);
        refused += !boot_failing(rig, i);
        expect_all(rig);
        still_works(rig);
        rig_free(rig);
    }
    assert_true(refused > 10);
}

static void
restart(void **state)
{
    (void)state;
    each_restart_fails(1);
}

static void
restart_of_two_shards(void **state)
{
    (void)state;
    each_restart_fails(2);
}

/* ---- publishers at work -------------------------------------------------------------------------------------- */

enum { WORK = 24 };

/* Message i: QoS 1, QoS 2, or retained. */
static void
say_message(struct rig *rig, unsigned i)
{
    static const char *const notations[] = {
        "32 < (a/%02u) %04x <> [body%02u] >",
        "34 < (a/%02u) %04x <> [body%02u] >",
        "33 < (r/%02u) %04x <> [body%02u] >",
    };
    char notation[100];
    if (!raw_lives(rig, 1))
        (void)raw_meet(rig, 1, HELLO_PUB);
    raw_forget(rig, 1);
    snprintf(notation, sizeof(notation), notations[i % 3], i, i + 1, i);
    raw_say(rig, 1, notation);
}

/* Was it taken?  Then a QoS 2 exchange is finished, too. */
static bool
is_confirmed(struct rig *rig, unsigned i)
{
    struct view got = raw_got(rig, 1);
    bool taken = got.len >= 4 && got.data[0] == (i % 3 == 1 ? 0x50 : 0x40) && (got.len == 4 || got.data[4] < 0x80);
    if (taken && i % 3 == 1) {
        char notation[32];
        snprintf(notation, sizeof(notation), "62 < %04x >", i + 1);
        raw_say(rig, 1, notation);
    }
    return taken;
}

static struct rig *
subscribed(unsigned shards)
{
    struct rig *rig = new_rig(TIER_SYNCED, shards);
    rig->settings.sys_interval_s = 0;
    assert_true(rig_boot(rig));
    assert_true(raw_meet(rig, 0, HELLO_SUB));
    raw_say(rig, 0, "82 < 0001 <> (a/+) 02 >");
    assert_true(raw_hears(rig, 0, "90 < 0001 <> 02 >"));
    raw_cut(rig, 0);
    rig_wait(rig, 100);
    return rig;
}

/* Returns how many were confirmed. */
static unsigned
work(struct rig *rig, bool *confirmed)
{
    unsigned n = 0;
    for (unsigned i = 0; i < WORK; i++) {
        say_message(rig, i);
        confirmed[i] = is_confirmed(rig, i);
        n += confirmed[i];
    }
    return n;
}

/* What was confirmed is there once, and nothing twice. */
static void
expect_confirmed(struct rig *rig, const bool *confirmed)
{
    raw_open(rig, 0);
    raw_say(rig, 0, HELLO_SUB);
    rig_wait(rig, 1000);
    assert_int_equal(raw_got(rig, 0).data[2], 1);
    raw_say(rig, 0, "82 < 0002 <> (r/+) 00 >");
    for (unsigned i = 0; i < WORK; i++) {
        char body[16];
        snprintf(body, sizeof(body), "body%02u", i);
        unsigned times = raw_counts(rig, 0, body);
        if (times > 1 || (confirmed[i] && times == 0))
            fail_msg("message %u was %sconfirmed and came %u times", i, confirmed[i] ? "" : "not ", times);
    }
}

static void
each_publication_fails(unsigned shards)
{
    bool confirmed[WORK];
    struct rig *rig = subscribed(shards);
    uint64_t before = rig->node_mem.calls;
    assert_int_equal(work(rig, confirmed), WORK);
    uint64_t n = rig->node_mem.calls - before;
    expect_confirmed(rig, confirmed);
    rig_free(rig);
    assert_true(n > 20);
    for (uint64_t i = 1; i <= n; i++) {
        rig = subscribed(shards);
        rig->node_mem.fail_at = rig->node_mem.calls + i;
        assert_true(work(rig, confirmed) >= WORK - 3);
        rig_die(rig, SIM_POWER);
        assert_true(rig_boot(rig));
        expect_confirmed(rig, confirmed);
        still_works(rig);
        rig_free(rig);
    }
}

static void
publications(void **state)
{
    (void)state;
    each_publication_fails(1);
}

static void
publications_of_two_shards(void **state)
{
    (void)state;
    each_publication_fails(2);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(boot_in_memory),
        cmocka_unit_test(boot_on_the_log),
        cmocka_unit_test(boot_of_two_shards),
        cmocka_unit_test(restart),
        cmocka_unit_test(restart_of_two_shards),
        cmocka_unit_test(publications),
        cmocka_unit_test(publications_of_two_shards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
