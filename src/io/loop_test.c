/* What io.h promises of a loop: timers, turns, wakes, threads, signals, clocks.  Runs on both houses (world.h). */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "io/world.h"

enum { MS = 1000 * 1000, PATIENCE_MS = 5000 };

/* A test's loop and what it has heard of it, one letter an event. */
struct stage {
    struct mem mem, sibling_mem;
    struct world *world;
    struct io *io;
    char heard[256];
    size_t heard_len;
    struct io_timer again;
    unsigned agains;
    int64_t late_ns; /* how late the latest timer was */
};

struct bell {
    struct io_timer timer;
    struct stage *stage;
    char letter;
    uint64_t at_ns;
};

static int
set_up(void **state)
{
    struct stage *stage = test_calloc(1, sizeof(*stage));
    stage->world = world_new(&stage->mem);
    assert_non_null(stage->world);
    stage->io = world_io(stage->world);
    *state = stage;
    return 0;
}

static int
tear_down(void **state)
{
    struct stage *stage = *state;
    world_free(stage->world);
    assert_int_equal(stage->mem.used_bytes, 0);
    assert_int_equal(stage->sibling_mem.used_bytes, 0);
    test_free(stage);
    return 0;
}

static void
hear(struct stage *stage, char letter)
{
    if (stage->heard_len + 1 < sizeof(stage->heard))
        stage->heard[stage->heard_len++] = letter;
}

static void
ring(void *arg)
{
    struct bell *bell = arg;
    hear(bell->stage, bell->letter);
    bell->stage->late_ns = (int64_t)(io_now_ns(bell->stage->io) - bell->at_ns);
    assert_true(bell->stage->late_ns >= 0);
}

static void
set_bell(struct stage *stage, struct bell *bell, char letter, uint64_t after_ns)
{
    bell->stage = stage;
    bell->letter = letter;
    bell->at_ns = io_now_ns(stage->io) + after_ns;
    assert_int_equal(io_timer_set(stage->io, &bell->timer, bell->at_ns, ring, bell), 0);
}

static void
hear_hook(void *arg)
{
    hear(arg, '.');
}

static void
hear_wake(void *arg)
{
    hear(arg, 'w');
}

static bool
heard_four(void *arg)
{
    return ((struct stage *)arg)->heard_len >= 4;
}

static bool
heard_any(void *arg)
{
    return ((struct stage *)arg)->heard_len > 0;
}

/* ---- timers ------------------------------------------------------------------------------------------------ */

static void
timers_ring_by_time_then_by_arrival(void **state)
{
    struct stage *stage = *state;
    struct bell bells[4] = { 0 };
    set_bell(stage, &bells[0], 'c', 30 * MS);
    set_bell(stage, &bells[1], 'a', 10 * MS);
    set_bell(stage, &bells[2], 'd', 30 * MS);
    set_bell(stage, &bells[3], 'b', 20 * MS);
    assert_true(world_run_until(stage->world, heard_four, stage, PATIENCE_MS));
    assert_string_equal(stage->heard, "abcd");
}

static void
timers_are_moved_and_cut(void **state)
{
    struct stage *stage = *state;
    struct bell bells[3] = { 0 };
    set_bell(stage, &bells[0], 'a', 5 * MS);
    set_bell(stage, &bells[1], 'b', 10 * MS);
    set_bell(stage, &bells[2], 'c', 15 * MS);
    set_bell(stage, &bells[0], 'd', 25 * MS);
    io_timer_cut(stage->io, &bells[1].timer);
    io_timer_cut(stage->io, &bells[1].timer);
    world_run_until(stage->world, NULL, NULL, 60);
    assert_string_equal(stage->heard, "cd");
}

static void
ring_again(void *arg)
{
    struct stage *stage = arg;
    hear(stage, 'a');
    if (++stage->agains < 3)
        assert_int_equal(io_timer_set(stage->io, &stage->again, io_now_ns(stage->io), ring_again, stage), 0);
}

static void
timer_for_now_waits_for_the_next_turn(void **state)
{
    struct stage *stage = *state;
    world_run_until(stage->world, NULL, NULL, 1); /* the first turn is over */
    io_on_turn(stage->io, hear_hook, stage);
    assert_int_equal(io_timer_set(stage->io, &stage->again, 0, ring_again, stage), 0);
    world_run_until(stage->world, NULL, NULL, 20);
    assert_string_equal(stage->heard, "a.a.a.");
}

static void
timer_without_memory_is_refused(void **state)
{
    struct stage *stage = *state;
    struct bell bells[40] = { 0 };
    stage->mem.fail_at = stage->mem.calls + 1;
    unsigned refused = 0;
    for (unsigned i = 0; i < 40; i++)
        if (io_timer_set(stage->io, &bells[i].timer, UINT64_MAX - 1, ring, &bells[i]) == -ERR_NO_MEMORY)
            refused++;
    assert_int_equal(refused, 1);
    stage->mem.fail_at = 0;
    for (unsigned i = 0; i < 40; i++)
        io_timer_cut(stage->io, &bells[i].timer);
}

/* ---- turns ------------------------------------------------------------------------------------------------- */

static void
hook_runs_once_after_all_that_was_ready(void **state)
{
    struct stage *stage = *state;
    struct bell bells[3] = { 0 };
    world_run_until(stage->world, NULL, NULL, 1);
    io_on_turn(stage->io, hear_hook, stage);
    set_bell(stage, &bells[0], 'a', 10 * MS);
    set_bell(stage, &bells[1], 'b', 10 * MS);
    set_bell(stage, &bells[2], 'c', 20 * MS);
    world_run_until(stage->world, NULL, NULL, 50);
    assert_string_equal(stage->heard, "ab.c.");
}

static void
quiet_loop_takes_no_turns(void **state)
{
    struct stage *stage = *state;
    world_run_until(stage->world, NULL, NULL, 1);
    io_on_turn(stage->io, hear_hook, stage);
    world_run_until(stage->world, NULL, NULL, 30);
    assert_string_equal(stage->heard, "");
}

/* ---- wakes, threads, siblings ------------------------------------------------------------------------------ */

static void
wakes_merge_into_one(void **state)
{
    struct stage *stage = *state;
    world_run_until(stage->world, NULL, NULL, 1);
    io_on_turn(stage->io, hear_hook, stage);
    io_on_wake(stage->io, hear_wake, stage);
    io_wake(stage->io);
    io_wake(stage->io);
    io_wake(stage->io);
    assert_string_equal(stage->heard, "");
    world_run_until(stage->world, NULL, NULL, 20);
    assert_string_equal(stage->heard, "w.");
}

static void
wake_it(void *arg)
{
    io_wake(((struct stage *)arg)->io);
}

static void
another_thread_wakes(void **state)
{
    struct stage *stage = *state;
    struct io_thread *thread;
    io_on_wake(stage->io, hear_wake, stage);
    assert_int_equal(io_thread_start(stage->io, wake_it, stage, &thread), 0);
    assert_true(world_run_until(stage->world, heard_any, stage, PATIENCE_MS));
    io_thread_join(stage->io, thread);
    assert_string_equal(stage->heard, "w");
}

static void
thread_without_memory_is_refused(void **state)
{
    struct stage *stage = *state;
    struct io_thread *thread;
    stage->mem.fail_at = stage->mem.calls + 1;
    assert_int_equal(io_thread_start(stage->io, wake_it, stage, &thread), -ERR_NO_MEMORY);
}

static void
siblings_have_their_own_turns_and_memory(void **state)
{
    struct stage *stage = *state;
    size_t before = stage->mem.used_bytes;
    struct io *sibling = world_sibling(stage->world, &stage->sibling_mem);
    assert_non_null(sibling);
    assert_ptr_equal(io_mem(sibling), &stage->sibling_mem);
    assert_true(stage->sibling_mem.used_bytes > 0);
    assert_int_equal(stage->mem.used_bytes, before);
    io_on_wake(sibling, hear_wake, stage);
    io_wake(sibling);
    assert_true(world_run_until(stage->world, heard_any, stage, PATIENCE_MS));
}

static void
sibling_without_memory_is_refused(void **state)
{
    struct stage *stage = *state;
    stage->sibling_mem.fail_at = 1;
    assert_null(world_sibling(stage->world, &stage->sibling_mem));
    assert_int_equal(stage->sibling_mem.used_bytes, 0);
}

static void
stop_it(void *arg)
{
    io_stop(((struct stage *)arg)->io);
}

static void
run_ends_when_stopped(void **state)
{
    struct stage *stage = *state;
    if (!world_is_real(stage->world))
        skip(); /* there the world runs loops */
    assert_int_equal(io_timer_set(stage->io, &stage->again, 0, stop_it, stage), 0);
    assert_int_equal(io_run(stage->io), 0);
}

/* ---- the world --------------------------------------------------------------------------------------------- */

static void
hear_signal(void *arg)
{
    hear(arg, 's');
}

static void
signals_reach_their_newest_handler(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(io_on_signal(stage->io, SIGHUP, hear_wake, stage), 0);
    assert_int_equal(io_on_signal(stage->io, SIGHUP, hear_signal, stage), 0);
    assert_int_equal(io_on_signal(stage->io, SIGTERM, hear_hook, stage), 0);
    world_signal(stage->world, SIGHUP);
    assert_true(world_run_until(stage->world, heard_any, stage, PATIENCE_MS));
    world_run_until(stage->world, NULL, NULL, 10);
    assert_string_equal(stage->heard, "s");
}

static void
clocks_go_forward(void **state)
{
    struct stage *stage = *state;
    struct bell bell = { 0 };
    uint64_t wall_ms = io_wall_ms(stage->io);
    assert_true(wall_ms > UINT64_C(1600000000000));
    set_bell(stage, &bell, 'a', 20 * MS);
    assert_true(world_run_until(stage->world, heard_any, stage, PATIENCE_MS));
    assert_true(io_wall_ms(stage->io) >= wall_ms + 15);
    assert_true(io_exact_ns(stage->io) >= io_now_ns(stage->io));
}

static void
chance_does_not_repeat(void **state)
{
    struct stage *stage = *state;
    uint8_t a[32] = { 0 }, b[32] = { 0 };
    io_random(stage->io, a, sizeof(a));
    io_random(stage->io, b, sizeof(b));
    assert_memory_not_equal(a, b, sizeof(a));
}

static void
a_process_knows_who_it_is(void **state)
{
    struct stage *stage = *state;
    struct io_identity first = { .uid = UINT32_MAX }, again;
    io_identity(stage->io, &first);
    io_identity(stage->io, &again);
    assert_true(first.uid != UINT32_MAX && first.machine[0] != '\0' && first.group_count <= IO_GROUPS_MAX);
    assert_memory_equal(&first, &again, sizeof(first));
    stage->mem.fail_at = stage->mem.calls + 1; /* then it has no groups */
    io_identity(stage->io, &again);
    assert_int_equal(again.uid, first.uid);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        CASE(timers_ring_by_time_then_by_arrival),
        CASE(timers_are_moved_and_cut),
        CASE(timer_for_now_waits_for_the_next_turn),
        CASE(timer_without_memory_is_refused),
        CASE(hook_runs_once_after_all_that_was_ready),
        CASE(quiet_loop_takes_no_turns),
        CASE(wakes_merge_into_one),
        CASE(another_thread_wakes),
        CASE(thread_without_memory_is_refused),
        CASE(siblings_have_their_own_turns_and_memory),
        CASE(sibling_without_memory_is_refused),
        CASE(run_ends_when_stopped),
        CASE(signals_reach_their_newest_handler),
        CASE(clocks_go_forward),
        CASE(chance_does_not_repeat),
        CASE(a_process_knows_who_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
