/* Queues and links against the naive oracle of queue_rig.h, on random operations. */
#include "queue/queue_rig.h"

/* ---- random lives -------------------------------------------------------------------------------------------- */

static uint64_t
dice(struct rig *rig, uint64_t n)
{
    return prng_below(&rig->prng, n);
}

static void
push_some(struct rig *rig)
{
    unsigned mask = 1 + (unsigned)dice(rig, (1 << RIG_QUEUES) - 1);
    uint64_t n = dice(rig, 5) == 0 ? 1 + dice(rig, 600) : 1 + dice(rig, 4);
    for (uint64_t i = 0; i < n; i++) {
        uint64_t expires_ms = dice(rig, 20) == 0 || rig->mortal ? io_wall_ms(rig->io) + 1 + dice(rig, 500) : 0;
        assert_int_equal(rig_push(rig, mask, (unsigned)dice(rig, 60), expires_ms), 0);
    }
}

static void
settle_some(struct rig *rig, unsigned queue, unsigned link)
{
    for (uint64_t n = dice(rig, 80); n > 0; n--) {
        uint64_t seq = rig_held(rig, queue, link), what = dice(rig, rig->owned ? 5 : 12);
        if (seq == 0)
            return;
        if (what == 0)
            rig_release(rig, queue, link, seq);
        else if (what == 1)
            rig_again(rig, queue, link, seq);
        else if (what == 2)
            rig_return(rig, queue, link, seq);
        else if (what == 3 && dice(rig, 2) == 0)
            rig_reject(rig, queue, link, seq);
        else
            rig_accept(rig, queue, link, seq);
    }
}

static void
live_a_turn(struct rig *rig, bool hungry)
{
    unsigned queue = (unsigned)dice(rig, RIG_QUEUES), link = (unsigned)dice(rig, RIG_LINKS);
    if (!hungry || dice(rig, 3) == 0)
        push_some(rig);
    if (dice(rig, 4) == 0)
        rig_attach(rig, queue, link);
    if (hungry || dice(rig, 6) == 0)
        rig_credit(rig, queue, link, (uint32_t)dice(rig, hungry ? 200 : 10));
    settle_some(rig, queue, link);
    if (dice(rig, 40) == 0)
        rig_detach(rig, queue, link);
    if (dice(rig, 400) == 0)
        rig_purge(rig, queue);
    if (dice(rig, 50) == 0)
        rig->mortal = !rig->mortal && dice(rig, 4) == 0;
    if (rig->owned && dice(rig, 4) == 0)
        rig_bury_some(rig);
    rig_pass(rig, dice(rig, 8) == 0 ? dice(rig, 30) : 0);
    rig_compare(rig);
    rig_turn(rig);
}

static bool
has_room(const struct rig *rig)
{
    for (unsigned i = 0; i < RIG_QUEUES; i++)
        if (rig->queues[i].next + 2000 > RIG_SEQS)
            return false;
    return true;
}

/* Everything that is left comes out in order. */
static void
drain_all(struct rig *rig)
{
    rig->meddling = false;
    rig->drains = rig->calm = true;
    rig_bury_some(rig);
    for (unsigned i = 0; i < RIG_QUEUES; i++) {
        rig_settle(rig);
        for (unsigned k = 0; k < RIG_LINKS; k++)
            rig_detach(rig, i, k);
        rig_attach(rig, i, 0);
        rig_credit(rig, i, 0, UINT32_MAX / 2);
        for (unsigned n = 0; queue_count(rig->queues[i].queue) + queue_dead(rig->queues[i].queue) > 0; n++) {
            assert_true(n < 10000);
            rig_turn(rig);
        }
    }
    rig_compare(rig);
    rig->drains = false;
}

static void
test_transient_queues_agree_with_the_oracle(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct rig *rig = rig_new(seed, false);
        rig->meddling = seed % 2;
        for (unsigned i = 0; i < 800 && has_room(rig); i++)
            live_a_turn(rig, i / 150 % 2);
        drain_all(rig);
        rig_free(rig);
    }
}

static void
upkeep(struct rig *rig)
{
    if (rig->checkpoint != 0 || dice(rig, 30) == 0)
        rig_checkpoint_step(rig);
    if (dice(rig, 10) == 0)
        rig_evacuate(rig, 90);
}

static void
live_durably(uint64_t seed, unsigned turns, unsigned crash_once_in)
{
    struct rig *rig = rig_new(seed, true);
    rig->meddling = seed % 2;
    for (unsigned i = 0; i < turns && has_room(rig); i++) {
        live_a_turn(rig, i / 150 % 2);
        upkeep(rig);
        if (crash_once_in == 0 || dice(rig, crash_once_in) != 0)
            continue;
        rig_crash(rig, dice(rig, 2));
        rig_boot(rig);
    }
    drain_all(rig);
    rig_free(rig);
}

static void
test_durable_queues_agree_with_the_oracle(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 2; seed++)
        live_durably(seed, 800, 0);
}

static void
test_durable_queues_come_back_after_crashes(void **state)
{
    (void)state;
    for (uint64_t seed = 11; seed <= 14; seed++)
        live_durably(seed, 800, 60);
}

/* Owners, dead, limits of all kinds; each seed another mixture. */
static struct queue_limits
draw_limits(struct rig *rig)
{
    static const uint64_t counts[] = { 0, 20, 3000, UINT64_MAX };
    static const uint64_t ttls[] = { UINT64_MAX, UINT64_MAX, 300, 0 };
    return (struct queue_limits){
        .count_max = counts[dice(rig, COUNT_OF(counts))],
        .bytes_max = dice(rig, 4) == 0 ? 100000 : UINT64_MAX,
        .overflow = QUEUE_DROP_OLDEST,
        .ttl_ms = ttls[dice(rig, COUNT_OF(ttls))],
        .delivery_limit = (uint32_t)dice(rig, 4),
    };
}

static void
live_owned(uint64_t seed, bool durable)
{
    struct rig *rig = rig_new(seed, durable);
    rig_own(rig);
    rig->meddling = seed % 2;
    rig_limit(rig, draw_limits(rig));
    for (unsigned i = 0; i < 400 && has_room(rig); i++) {
        live_a_turn(rig, i / 100 % 2);
        if (!durable)
            continue;
        upkeep(rig);
        if (dice(rig, 60) != 0)
            continue;
        rig_crash(rig, dice(rig, 2));
        rig_boot(rig);
    }
    drain_all(rig);
    rig_free(rig);
}

static void
test_owners_are_told_of_all_dead(void **state)
{
    (void)state;
    for (uint64_t seed = 21; seed <= 24; seed++)
        live_owned(seed, false);
}

static void
test_owners_are_told_of_all_dead_through_crashes(void **state)
{
    (void)state;
    for (uint64_t seed = 31; seed <= 36; seed++)
        live_owned(seed, true);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transient_queues_agree_with_the_oracle),
        cmocka_unit_test(test_durable_queues_agree_with_the_oracle),
        cmocka_unit_test(test_durable_queues_come_back_after_crashes),
        cmocka_unit_test(test_owners_are_told_of_all_dead),
        cmocka_unit_test(test_owners_are_told_of_all_dead_through_crashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
