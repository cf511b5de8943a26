/* Owners and their dead, ranks, times to live, returns: one thing at a time (queue_rig.h). */
#include "queue/queue_rig.h"

static const struct queue_limits no_limits = {
    .count_max = UINT64_MAX, .bytes_max = UINT64_MAX, .overflow = QUEUE_DROP_OLDEST, .ttl_ms = UINT64_MAX
};

static struct rig *
owned(uint64_t seed, bool durable)
{
    struct rig *rig = rig_new(seed, durable);
    rig->calm = true;
    rig_own(rig);
    rig_limit(rig, no_limits);
    return rig;
}

static struct queue *
first_queue(struct rig *rig)
{
    return rig->queues[0].queue;
}

static void
push_many(struct rig *rig, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        assert_int_equal(rig_push(rig, 1, 20, 0), 0);
        if (i % 500 == 499)
            rig_turn(rig);
    }
}

/* ---- times to live ----------------------------------------------------------------------------------------------- */

static void
expires_in_time(bool durable)
{
    struct rig *rig = owned(1, durable);
    struct queue_limits limits = no_limits;
    limits.ttl_ms = 100;
    rig_limit(rig, limits);
    push_many(rig, 3);
    assert_int_equal(rig_push(rig, 1, 20, io_wall_ms(rig->io) + 30), 0);
    rig_pass(rig, 25);
    assert_int_equal(queue_ready(first_queue(rig)), 4);
    rig_pass(rig, 15);
    assert_int_equal(queue_ready(first_queue(rig)), 3);
    rig_pass(rig, 55);
    assert_int_equal(queue_ready(first_queue(rig)), 3);
    rig_pass(rig, 20);
    assert_int_equal(queue_ready(first_queue(rig)), 0);
    rig_settle(rig);
    assert_int_equal(rig->buried[QUEUE_DEATH_EXPIRED], 4);
    rig_free(rig);
}

static void
test_messages_expire_within_ten_milliseconds(void **state)
{
    (void)state;
    expires_in_time(false);
    expires_in_time(true);
}

/* More than stays in memory: their pages are read when it is time, and the owner gets all of them. */
static void
test_the_dead_of_pages_on_disk_are_told_too(void **state)
{
    (void)state;
    enum { COUNT = 6000 };
    struct rig *rig = owned(2, true);
    struct queue_limits limits = no_limits;
    limits.ttl_ms = 1000;
    rig_limit(rig, limits);
    push_many(rig, COUNT);
    rig_settle(rig);
    assert_true(queue_page(first_queue(rig), 5)->stub);
    rig_checkpoint_all(rig);
    rig_crash(rig, true);
    rig_boot(rig);
    assert_int_equal(queue_ready(first_queue(rig)), COUNT);
    rig_pass(rig, 1100);
    for (unsigned n = 0; queue_dead(first_queue(rig)) + queue_ready(first_queue(rig)) > 0; n++) {
        assert_true(n < 2000);
        rig_turn(rig);
    }
    assert_int_equal(rig->buried[QUEUE_DEATH_EXPIRED], COUNT);
    rig_free(rig);
}

static void
test_a_time_of_zero_is_now_or_never(void **state)
{
    (void)state;
    struct rig *rig = owned(3, true);
    struct queue_limits limits = no_limits;
    limits.ttl_ms = 0;
    rig_limit(rig, limits);
    rig_attach(rig, 0, 0);
    rig_credit(rig, 0, 0, 1);
    push_many(rig, 3);
    assert_int_equal(rig->delivered, 1);
    assert_int_equal(queue_flight(first_queue(rig)), 1);
    assert_int_equal(queue_dead(first_queue(rig)), 2);
    rig_release(rig, 0, 0, 1);
    rig_settle(rig);
    assert_int_equal(rig->buried[QUEUE_DEATH_EXPIRED], 3);
    rig_free(rig);
}

/* ---- limits ------------------------------------------------------------------------------------------------------ */

static void
test_a_lower_limit_drops_the_oldest(void **state)
{
    (void)state;
    struct rig *rig = owned(4, true);
    struct queue_limits limits = no_limits;
    push_many(rig, 7000);
    rig_attach(rig, 0, 0);
    rig_credit(rig, 0, 0, 5);
    rig_settle(rig);
    limits.count_max = 10;
    rig_limit(rig, limits);
    for (unsigned n = 0; queue_ready(first_queue(rig)) > 10 || queue_dead(first_queue(rig)) > 0; n++) {
        assert_true(n < 2000);
        rig_turn(rig);
    }
    assert_int_equal(queue_ready(first_queue(rig)), 10);
    assert_int_equal(queue_flight(first_queue(rig)), 5);
    assert_int_equal(rig->buried[QUEUE_DEATH_MAXLEN], 7000 - 15);
    assert_true(rig_is_there(first_queue(rig), 7000));
    rig_free(rig);
}

/* What is in flight does not count, and a limit of none leaves what is delivered at once. */
static void
test_a_limit_is_for_what_is_ready(void **state)
{
    (void)state;
    struct rig *rig = owned(5, false);
    struct queue_limits limits = no_limits;
    limits.count_max = 0;
    rig_limit(rig, limits);
    rig_attach(rig, 0, 0);
    rig_credit(rig, 0, 0, 2);
    push_many(rig, 3);
    assert_int_equal(queue_flight(first_queue(rig)), 2);
    assert_int_equal(queue_dead(first_queue(rig)), 1);
    rig_turn(rig);
    assert_int_equal(rig->buried[QUEUE_DEATH_MAXLEN], 1);
    rig_free(rig);
}

/* Bodies only, through paging, checkpoints, restarts and compaction. */
static void
test_a_limit_of_bytes_is_for_bodies(void **state)
{
    (void)state;
    enum { COUNT = 6000, LEN = 20, KEPT = 3000 };
    struct rig *rig = owned(8, true);
    struct queue_limits limits = no_limits;
    limits.bytes_max = COUNT * LEN;
    rig_limit(rig, limits);
    push_many(rig, COUNT);
    rig_settle(rig);
    assert_true(queue_page(first_queue(rig), 5)->stub);
    assert_int_equal(queue_ready(first_queue(rig)), COUNT);
    rig_checkpoint_all(rig);
    rig_crash(rig, true);
    rig_boot(rig);
    assert_int_equal(queue_ready_bytes(first_queue(rig)), COUNT * LEN);
    limits.bytes_max = KEPT * LEN;
    rig_limit(rig, limits);
    for (unsigned n = 0; queue_ready(first_queue(rig)) > KEPT || queue_dead(first_queue(rig)) > 0; n++) {
        assert_true(n < 2000);
        rig_turn(rig);
        rig_evacuate(rig, 90);
    }
    assert_int_equal(queue_ready(first_queue(rig)), KEPT);
    limits.overflow = QUEUE_REJECT;
    rig_limit(rig, limits);
    assert_int_equal(rig_push(rig, 1, 1, 0), -ERR_FULL);
    assert_int_equal(rig_push(rig, 1, 0, 0), 0);
    rig_compare(rig);
    rig_free(rig);
}

static void
test_who_rejects_says_so_before(void **state)
{
    (void)state;
    struct rig *rig = owned(6, true);
    struct queue_limits limits = no_limits;
    limits.count_max = 2;
    limits.overflow = QUEUE_REJECT;
    rig_limit(rig, limits);
    push_many(rig, 2);
    assert_int_equal(rig_push(rig, 1, 20, 0), -ERR_FULL);
    rig_attach(rig, 0, 0);
    rig_credit(rig, 0, 0, 1);
    assert_int_equal(rig_push(rig, 1, 20, 0), 0);
    rig_free(rig);
}

/* ---- returns ----------------------------------------------------------------------------------------------------- */

static void
test_returns_are_counted_through_restarts(void **state)
{
    (void)state;
    struct rig *rig = owned(7, true);
    struct queue_limits limits = no_limits;
    limits.delivery_limit = 2;
    rig_limit(rig, limits);
    push_many(rig, 1);
    for (unsigned i = 0; i < 3; i++) {
        rig_attach(rig, 0, 0);
        rig_credit(rig, 0, 0, 1);
        rig_settle(rig);
        assert_int_equal(rig->delivered, i + 1);
        rig_return(rig, 0, 0, 1);
        rig_settle(rig);
        if (i == 1)
            rig_checkpoint_all(rig);
        rig_settle(rig);
        rig_crash(rig, true);
        rig_boot(rig);
    }
    assert_int_equal(rig->buried[QUEUE_DEATH_DELIVERY_LIMIT], 1);
    assert_int_equal(queue_count(first_queue(rig)), 0);
    rig_free(rig);
}

/* As after a restart before its owner had taken it from its grave. */
static void
test_what_came_back_too_often_is_not_delivered(void **state)
{
    (void)state;
    struct rig *rig = owned(11, true);
    struct queue_limits limits = no_limits;
    limits.delivery_limit = 2;
    rig_limit(rig, limits);
    push_many(rig, 1);
    for (unsigned i = 0; i < 2; i++) {
        rig_attach(rig, 0, 0);
        rig_credit(rig, 0, 0, 1);
        rig_settle(rig);
        rig_return(rig, 0, 0, 1);
        rig_settle(rig);
        rig_crash(rig, true);
        rig_boot(rig);
    }
    limits.delivery_limit = 1;
    rig_limit(rig, limits);
    rig_attach(rig, 0, 0);
    rig_credit(rig, 0, 0, 1);
    rig_settle(rig);
    assert_int_equal(rig->delivered, 2);
    assert_int_equal(rig->buried[QUEUE_DEATH_DELIVERY_LIMIT], 1);
    rig_free(rig);
}

/* What was in flight when the power went comes flagged, what was not does not: the oracle checks it. */
static void
test_flags_outlive_power(void **state)
{
    (void)state;
    struct rig *rig = owned(8, true);
    push_many(rig, 10);
    rig_attach(rig, 0, 0);
    rig_credit(rig, 0, 0, 4);
    rig_settle(rig);
    rig_crash(rig, true);
    rig_boot(rig);
    const struct fact *facts = rig->queues[0].facts;
    assert_int_equal(facts[4].again, AGAIN_YES);
    assert_int_equal(facts[5].again, AGAIN_NO);
    rig_attach(rig, 0, 1);
    rig_credit(rig, 0, 1, 10);
    rig_settle(rig);
    assert_int_equal(rig->delivered, 4 + 10);
    rig_free(rig);
}

/* ---- ranks ------------------------------------------------------------------------------------------------------- */

static void
test_the_higher_rank_is_served_first(void **state)
{
    (void)state;
    struct rig *rig = owned(9, false);
    static const int32_t ranks[RIG_LINKS] = { 0, 5, 5 };
    struct tap *taps = rig->queues[0].taps;
    for (unsigned i = 0; i < RIG_LINKS; i++) {
        rig_attach(rig, 0, i);
        link_rank(&taps[i].link, ranks[i]);
        rig_credit(rig, 0, i, 2);
    }
    push_many(rig, 2);
    assert_int_equal(taps[1].link.flight, 1);
    assert_int_equal(taps[2].link.flight, 1);
    push_many(rig, 3);
    assert_int_equal(taps[1].link.flight, 2);
    assert_int_equal(taps[2].link.flight, 2);
    assert_int_equal(taps[0].link.flight, 1);
    link_rank(&taps[0].link, 6);
    rig_credit(rig, 0, 2, 1);
    push_many(rig, 1);
    assert_int_equal(taps[0].link.flight, 2);
    rig_free(rig);
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

/* One life with the n-th allocation refused: nothing is lost, and the owner hears of all that died. */
static bool
live_with_failure(bool durable, uint64_t n)
{
    struct rig *rig = owned(10, durable);
    struct queue_limits limits = no_limits;
    limits.delivery_limit = 1;
    limits.ttl_ms = 5000;
    rig_limit(rig, limits);
    rig_attach(rig, 0, 0);
    rig_settle(rig);
    rig->unchecked = true;
    rig->queue_mem.calls = 0;
    rig->queue_mem.fail_at = n;
    for (unsigned i = 0; i < 20; i++)
        (void)rig_push(rig, 1, 20, 0);
    rig_settle(rig);
    rig_pass(rig, 6000);
    bool reached = rig->queue_mem.calls >= n;
    rig->queue_mem.fail_at = 0;
    rig_credit(rig, 0, 0, 100); /* finds what no timer knows of */
    for (unsigned i = 0; i < 300; i++)
        rig_turn(rig);
    assert_int_equal(queue_count(first_queue(rig)) + queue_dead(first_queue(rig)), 0);
    rig_free(rig);
    return reached;
}

static void
test_each_allocation_may_fail(void **state)
{
    (void)state;
    for (uint64_t n = 1; live_with_failure(false, n); n++)
        continue;
    for (uint64_t n = 1; live_with_failure(true, n); n++)
        continue;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_expire_within_ten_milliseconds),
        cmocka_unit_test(test_the_dead_of_pages_on_disk_are_told_too),
        cmocka_unit_test(test_a_time_of_zero_is_now_or_never),
        cmocka_unit_test(test_a_lower_limit_drops_the_oldest),
        cmocka_unit_test(test_a_limit_is_for_what_is_ready),
        cmocka_unit_test(test_a_limit_of_bytes_is_for_bodies),
        cmocka_unit_test(test_who_rejects_says_so_before),
        cmocka_unit_test(test_returns_are_counted_through_restarts),
        cmocka_unit_test(test_what_came_back_too_often_is_not_delivered),
        cmocka_unit_test(test_flags_outlive_power),
        cmocka_unit_test(test_the_higher_rank_is_served_first),
        cmocka_unit_test(test_each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
