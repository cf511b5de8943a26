/* Particular cases of queues: limits, want of memory, damage, restarts, depth (queue_rig.h). */
#include "log/internal.h"
#include "queue/queue_rig.h"

static struct queue *
first_queue(struct rig *rig)
{
    return rig->queues[0].queue;
}

static void
push_many(struct rig *rig, unsigned n, unsigned len)
{
    for (unsigned i = 0; i < n; i++) {
        assert_int_equal(rig_push(rig, 1, len, 0), 0);
        if (i % 500 == 499)
            rig_turn(rig);
    }
}

/* What was dropped is gone for the oracle too. */
static void
bury_facts(struct rig *rig, uint64_t from, uint64_t before)
{
    for (uint64_t seq = from; seq < before; seq++)
        rig->queues[0].facts[seq].state = FACT_GONE;
}

/* Everything that waits comes, in order. */
static void
drain(struct rig *rig)
{
    rig->drains = true;
    rig_attach(rig, 0, 0);
    rig_credit(rig, 0, 0, UINT32_MAX / 2);
    for (unsigned n = 0; queue_count(first_queue(rig)) > 0; n++) {
        assert_true(n < 20000);
        rig_turn(rig);
    }
    rig->drains = false;
    rig_detach(rig, 0, 0);
}

/* ---- limits -------------------------------------------------------------------------------------------------- */

static void
limit(struct rig *rig, uint64_t count, uint64_t bytes, enum queue_overflow overflow)
{
    queue_host_limit(
        &rig->host,
        (struct queue_limits){ .count_max = count, .bytes_max = bytes, .overflow = overflow, .ttl_ms = UINT64_MAX });
}

static void
test_full_queue_rejects(void **state)
{
    (void)state;
    struct rig *rig = rig_new(1, true);
    limit(rig, 10, UINT64_MAX, QUEUE_REJECT);
    push_many(rig, 10, 20);
    assert_int_equal(rig_push(rig, 1, 20, 0), -ERR_FULL);
    limit(rig, 100, queue_bytes(first_queue(rig)) + 30, QUEUE_REJECT);
    assert_int_equal(rig_push(rig, 1, 31, 0), -ERR_FULL);
    drain(rig);
    assert_int_equal(rig_push(rig, 1, 20, 0), 0);
    rig_free(rig);
}

static void
drop_oldest(bool durable, unsigned most, unsigned n)
{
    struct rig *rig = rig_new(2, durable);
    limit(rig, most, UINT64_MAX, QUEUE_DROP_OLDEST);
    push_many(rig, n, 10);
    if (durable) {
        rig_settle(rig);
        push_many(rig, 1, 10); /* what was read from disk meanwhile is dropped now */
        n++;
    }
    uint64_t count = queue_count(first_queue(rig));
    assert_true(count <= most);
    assert_int_equal(rig->host.dropped, n - count);
    bury_facts(rig, 1, n - count + 1);
    drain(rig);
    assert_int_equal(rig->delivered, count);
    rig_free(rig);
}

static void
test_oldest_are_dropped(void **state)
{
    (void)state;
    drop_oldest(false, 1000, 5000);
    drop_oldest(true, 1000, 5000);
}

static void
test_oldest_are_dropped_from_disk_too(void **state)
{
    (void)state;
    drop_oldest(true, 6000, 12000);
}

static void
test_newest_is_dropped_for_good(void **state)
{
    (void)state;
    struct rig *rig = rig_new(3, true);
    limit(rig, 700, UINT64_MAX, QUEUE_DROP_NEWEST);
    push_many(rig, 1500, 10);
    assert_int_equal(queue_count(first_queue(rig)), 700);
    assert_int_equal(rig->host.dropped, 800);
    bury_facts(rig, 701, 1501);
    rig_settle(rig);
    rig_crash(rig, false);
    rig_boot(rig);
    assert_int_equal(queue_count(first_queue(rig)), 700);
    assert_int_equal(queue_next_seq(first_queue(rig)), 1501);
    drain(rig);
    rig_free(rig);
}

/* Nothing is dropped that a link holds. */
static void
test_flight_is_never_dropped(void **state)
{
    (void)state;
    struct rig *rig = rig_new(4, false);
    limit(rig, 5, UINT64_MAX, QUEUE_DROP_OLDEST);
    rig_attach(rig, 0, 0);
    rig_credit(rig, 0, 0, 5);
    push_many(rig, 6, 10);
    assert_int_equal(queue_flight(first_queue(rig)), 5);
    assert_int_equal(queue_ready(first_queue(rig)), 0);
    assert_int_equal(rig->host.dropped, 1);
    bury_facts(rig, 6, 7);
    rig_detach(rig, 0, 0);
    drain(rig);
    rig_free(rig);
}

/* ---- memory -------------------------------------------------------------------------------------------------- */

static void
test_idle_queue_owns_nothing(void **state)
{
    (void)state;
    struct rig *rig = rig_new(5, true);
    size_t before = rig->queue_mem.used_bytes;
    push_many(rig, 5000, 10);
    drain(rig);
    rig_settle(rig);
    assert_int_equal(rig->queue_mem.used_bytes, before);
    rig_free(rig);
}

static void
test_deep_queue_takes_little_memory(void **state)
{
    (void)state;
    enum { DEPTH = 200000, BOUND = DEPTH / PAGE_ENTRIES * 110 + 64 * 1024 };
    struct rig *rig = rig_new(6, true);
    rig->unchecked = true;
    size_t before = rig->queue_mem.used_bytes;
    push_many(rig, DEPTH, 64);
    rig_settle(rig);
    assert_true(rig->queue_mem.used_bytes - before < BOUND);
    rig_attach(rig, 0, 0);
    rig_credit(rig, 0, 0, 100);
    for (unsigned n = 0; queue_count(first_queue(rig)) > 0; n++) {
        assert_true(n < 20000);
        assert_true(rig->queue_mem.used_bytes - before < BOUND);
        rig_turn(rig);
    }
    assert_int_equal(rig->delivered, DEPTH);
    rig_free(rig);
}

/* One life with the n-th allocation refused: what fails, fails clean.  True: it was reached. */
static bool
live_with_failure(bool durable, bool of_log, uint64_t n)
{
    struct rig *rig = rig_new(7, durable);
    rig_settle(rig);
    rig_attach(rig, 0, 0);
    rig_attach(rig, 0, 1);
    rig->unchecked = true;
    struct mem *mem = of_log ? &rig->mem : &rig->queue_mem;
    mem->calls = 0;
    mem->fail_at = n;
    unsigned pushed = 0;
    for (unsigned i = 0; i < 40; i++)
        pushed += rig_push(rig, 1, 20, i % 3 == 0 ? io_wall_ms(rig->io) + 3600 * 1000 : 0) == 0;
    rig_settle(rig); /* from here on they are read from disk */
    rig_credit(rig, 0, 0, 10);
    rig_credit(rig, 0, 1, 10);
    bool reached = mem->calls >= n;
    mem->fail_at = 0;
    for (unsigned i = 0; i < 200; i++) {
        rig_credit(rig, 0, i % 2, 1);
        rig_turn(rig);
    }
    assert_int_equal(queue_count(first_queue(rig)), 0);
    assert_true(rig->delivered >= pushed);
    rig_free(rig);
    return reached;
}

static void
test_each_allocation_may_fail(void **state)
{
    (void)state;
    for (uint64_t n = 1; live_with_failure(false, false, n); n++)
        continue;
    for (uint64_t n = 1; live_with_failure(true, false, n); n++)
        continue;
    for (uint64_t n = 1; live_with_failure(true, true, n); n++)
        continue;
}

/* ---- disk ---------------------------------------------------------------------------------------------------- */

static void
test_disk_that_does_not_answer_is_asked_again(void **state)
{
    (void)state;
    struct rig *rig = rig_new(8, true);
    push_many(rig, 6000, 20);
    rig_settle(rig);
    rig_crash(rig, false);
    rig_boot(rig);
    sim_disk_fail(rig->machine, IO_READ, 3);
    drain(rig);
    assert_int_equal(rig->delivered, 6000);
    rig_free(rig);
}

static void
flip(struct rig *rig, uint64_t position)
{
    char path[PATH_BYTES];
    name_path(path, rig->config.dir, NAME_SEGMENT, (uint32_t)(position >> 32));
    assert_int_equal(sim_flip_bit(rig->machine, path, ((position & UINT32_MAX) + RECORD_HEADER_BYTES + 3) * 8), 0);
}

static void
test_damaged_message_is_passed_over(void **state)
{
    (void)state;
    struct rig *rig = rig_new(9, true);
    push_many(rig, 50, 20);
    rig_settle(rig);
    uint64_t position = page_entry(queue_page(first_queue(rig), 0), 6)->ref;
    flip(rig, position);
    bury_facts(rig, 7, 8);
    drain(rig);
    assert_int_equal(rig->delivered, 49);
    assert_int_equal(rig->host.damaged, 1);
    rig_free(rig);
}

static void
test_damaged_page_is_passed_over(void **state)
{
    (void)state;
    struct rig *rig = rig_new(10, true);
    push_many(rig, 6000, 20);
    rig_settle(rig);
    const struct page *page = queue_page(first_queue(rig), 3);
    assert_true(page->stub);
    flip(rig, page->position);
    bury_facts(rig, page_first_seq(3), page_first_seq(4));
    drain(rig);
    assert_int_equal(rig->delivered, 6000 - PAGE_ENTRIES);
    assert_int_equal(rig->host.damaged, PAGE_ENTRIES);
    rig_free(rig);
}

/* The segment that is cleared is needed by nobody afterwards, and everything is still there. */
static void
test_evacuation_keeps_everything(void **state)
{
    (void)state;
    struct rig *rig = rig_new(11, true);
    for (unsigned i = 0; i < 9000; i++) {
        assert_int_equal(rig_push(rig, i % 10 == 0 ? 7 : 2, 50, 0), 0);
        if (i % 500 == 499)
            rig_turn(rig);
    }
    rig_checkpoint_all(rig);
    rig->drains = true;
    rig_attach(rig, 1, 0);
    rig_credit(rig, 1, 0, UINT32_MAX / 2);
    rig_settle(rig);
    rig->drains = false;
    uint32_t segment;
    for (unsigned i = 0; i < 200; i++) {
        rig_evacuate(rig, 60);
        rig_turn(rig);
    }
    assert_true(rig->evacuations > 2);
    rig_checkpoint_all(rig);
    rig_settle(rig);
    assert_false(log_victim(rig->log, 20, &segment));
    rig_crash(rig, true);
    rig_boot(rig);
    assert_int_equal(queue_ready(rig->queues[2].queue), 900);
    rig->delivered = 0;
    drain(rig);
    assert_int_equal(rig->delivered, 900);
    rig_free(rig);
}

/* ---- sessions ------------------------------------------------------------------------------------------------ */

static void
test_flight_is_adopted_after_a_restart(void **state)
{
    (void)state;
    struct rig *rig = rig_new(12, true);
    push_many(rig, 6000, 20);
    rig_settle(rig);
    rig_checkpoint_all(rig);
    rig_crash(rig, false);
    rig_boot(rig);
    rig_attach(rig, 0, 0);
    struct tap *tap = &rig->queues[0].taps[0];
    uint64_t in_stub = page_first_seq(4) + 7;
    assert_true(queue_page(first_queue(rig), 4)->stub);
    assert_true(link_adopt(&tap->link, 3));
    assert_true(link_adopt(&tap->link, in_stub));
    assert_false(link_adopt(&tap->link, 3));
    assert_false(link_adopt(&tap->link, 6001));
    rig->queues[0].facts[3].state = rig->queues[0].facts[in_stub].state = FACT_FLIGHT;
    assert_int_equal(tap->link.flight, 2);
    rig_again(rig, 0, 0, in_stub);
    rig_settle(rig);
    assert_int_equal(rig->delivered, 1);
    rig_accept(rig, 0, 0, in_stub);
    rig_detach(rig, 0, 0);
    drain(rig);
    assert_int_equal(rig->delivered, 1 + 5999);
    rig_free(rig);
}

static void
test_numbers_are_never_used_twice(void **state)
{
    (void)state;
    struct rig *rig = rig_new(13, true);
    push_many(rig, 100, 20);
    drain(rig);
    rig_settle(rig);
    rig_checkpoint_all(rig);
    rig_crash(rig, true);
    rig_boot(rig);
    assert_int_equal(queue_next_seq(first_queue(rig)), 101);
    rig_free(rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_full_queue_rejects),
        cmocka_unit_test(test_oldest_are_dropped),
        cmocka_unit_test(test_oldest_are_dropped_from_disk_too),
        cmocka_unit_test(test_newest_is_dropped_for_good),
        cmocka_unit_test(test_flight_is_never_dropped),
        cmocka_unit_test(test_idle_queue_owns_nothing),
        cmocka_unit_test(test_deep_queue_takes_little_memory),
        cmocka_unit_test(test_each_allocation_may_fail),
        cmocka_unit_test(test_disk_that_does_not_answer_is_asked_again),
        cmocka_unit_test(test_damaged_message_is_passed_over),
        cmocka_unit_test(test_damaged_page_is_passed_over),
        cmocka_unit_test(test_evacuation_keeps_everything),
        cmocka_unit_test(test_flight_is_adopted_after_a_restart),
        cmocka_unit_test(test_numbers_are_never_used_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
