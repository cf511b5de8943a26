/* A shared subscription's members on two shards: what waits for one of them moves to the other's shard, and whatever
 * happens meanwhile, each message comes once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "rig/notation.h"
#include "rig/rig.h"

enum { HERE, THERE, PUB, MESSAGES = 300, NS_A_STEP = 50 * 1000, STEPS = 40 };

/* Two client ids that live on different shards of two. */
#define HELLO_HERE  "10 < (MQTT) 05 00 0000 < 11 00002710 > (a) >"
#define HELLO_THERE "10 < (MQTT) 05 00 0000 < 11 00002710 > (g) >"
#define HELLO_PUB   "10 < (MQTT) 05 00 0000 < 11 00002710 > (p) >"

static void
join_and_leave(struct rig *rig, unsigned i, const char *hello)
{
    assert_true(raw_meet(rig, i, hello));
    raw_say(rig, i, "82 < 0001 <> ($share/g/t) 02 >");
    assert_true(raw_hears(rig, i, "90 < 0001 <> 02 >"));
    raw_say(rig, i, "e0 <>");
    raw_open(rig, i);
}

static void
say_at_once(struct rig *rig, unsigned i, const char *text)
{
    uint8_t bytes[64];
    raw_send(rig, i, view_of(bytes, notation_bytes(text, bytes, sizeof(bytes))));
}

/* `flags`: 34, and 3c when it is sent again. */
static void
publish_all(struct rig *rig, const char *flags)
{
    for (unsigned i = 0; i < MESSAGES; i++) {
        char text[64];
        snprintf(text, sizeof(text), "%s < (t) %04x <> [m%03u] >", flags, i + 1, i);
        say_at_once(rig, PUB, text);
    }
    rig_wait(rig, 300);
}

/* Two members that are away, and messages that wait for them: about half of them on each shard. */
static struct rig *
open_group(void)
{
    struct rig *rig = rig_new();
    rig->settings.tier = TIER_SYNCED;
    rig->settings.shards = 2;
    assert_true(rig_boot(rig));
    join_and_leave(rig, HERE, HELLO_HERE);
    join_and_leave(rig, THERE, HELLO_THERE);
    assert_true(raw_meet(rig, PUB, HELLO_PUB));
    publish_all(rig, "34");
    return rig;
}

/* How many of the messages came to the member that is here?  Each has come once, to one of the two. */
static unsigned
count_once(const struct rig *rig)
{
    unsigned here = 0;
    for (unsigned i = 0; i < MESSAGES; i++) {
        char text[8];
        snprintf(text, sizeof(text), "m%03u", i);
        assert_int_equal(raw_counts(rig, HERE, text) + raw_counts(rig, THERE, text), 1);
        here += raw_counts(rig, HERE, text);
    }
    return here;
}

/* The one that is there comes back first, and what waits here sets off to it; then, earlier or later, the one that is
 * here comes back too. */
static void
a_member_comes_back_while_messages_leave_its_shard(void **state)
{
    unsigned halved = 0;
    (void)state;
    for (unsigned step = 0; step < STEPS; step++) {
        struct rig *rig = open_group();
        say_at_once(rig, THERE, HELLO_THERE);
        sim_run_for(rig->sim, step * NS_A_STEP);
        say_at_once(rig, HERE, HELLO_HERE);
        rig_wait(rig, 500);
        unsigned here = count_once(rig);
        halved += here > 0 && here < MESSAGES / 2;
        rig_free(rig);
    }
    assert_true(halved > 0); /* or nothing was on its way */
}

/* The publisher has lost its connection with every PUBREC, and sends all of it again: no other part is picked for what
 * was taken in. */
static void
a_publisher_sends_again(void **state)
{
    (void)state;
    struct rig *rig = open_group();
    raw_open(rig, PUB);
    assert_true(raw_meet(rig, PUB, HELLO_PUB));
    rig_wait(rig, 100);
    publish_all(rig, "3c");
    say_at_once(rig, THERE, HELLO_THERE);
    say_at_once(rig, HERE, HELLO_HERE);
    rig_wait(rig, 500);
    assert_in_range(count_once(rig), 1, MESSAGES - 1);
    rig_free(rig);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_member_comes_back_while_messages_leave_its_shard),
        cmocka_unit_test(a_publisher_sends_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
