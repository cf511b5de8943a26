/* Lanes: batches of frames from one shard to another and back. */
#include "shard/lane.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"
#include "base/prng.h"
#include "io/sim/sim.h"

/* Two loops on one machine; the first talks to the second. */
struct rig {
    struct mem world, lanes_mem, from_mem, to_mem;
    struct sim *sim;
    struct io *from, *to;
    struct lanes *lanes;
    struct lane *lane;
    unsigned from_woken, to_woken;
    uint32_t taken, refuse_at; /* frames that came; the one that is refused next, 0: none */
    uint64_t taken_bytes;
};

static void
on_from_woken(void *arg)
{
    ((struct rig *)arg)->from_woken++;
}

static void
on_to_woken(void *arg)
{
    ((struct rig *)arg)->to_woken++;
}

static int
on_start(void *arg, struct io *io)
{
    struct rig *rig = arg;
    rig->from = io;
    io_on_wake(io, on_from_woken, rig);
    int rc = io_sibling(io, &rig->to_mem, &rig->to);
    if (rc == 0)
        io_on_wake(rig->to, on_to_woken, rig);
    return rc;
}

static void
open_lane(struct rig *rig)
{
    static const char name[] = "m";
    struct sim_machine *machine;
    *rig = (struct rig){ 0 };
    const struct sim_program program = { .start = on_start, .arg = rig, .mem = &rig->from_mem };
    assert_int_equal(sim_new(&rig->world, 1, NULL, &rig->sim), 0);
    assert_int_equal(sim_machine_new(rig->sim, name, &program, &machine), 0);
    sim_boot(machine);
    sim_run_for(rig->sim, SIM_NS_A_MS);
    assert_int_equal(lanes_new(&rig->lanes_mem, 2, &rig->lanes), 0);
    rig->lane = lane_between(rig->lanes, 0, 1);
    rig->lane->from = rig->from;
    rig->lane->to = rig->to;
}

static void
close_lane(struct rig *rig)
{
    lane_fini(rig->lane, &rig->from_mem);
    lanes_free(rig->lanes);
    sim_free(rig->sim);
    assert_int_equal(rig->lanes_mem.used_bytes, 0);
    assert_int_equal(rig->from_mem.used_bytes, 0);
    assert_int_equal(rig->to_mem.used_bytes, 0);
}

/* The i-th frame: its number, and a tail that follows from it. */
static void
put_frame(struct rig *rig, uint32_t i, size_t n)
{
    uint8_t *at = lane_frame(rig->lane, &rig->from_mem, LANE_PUBLISH, n);
    assert_non_null(at);
    struct pen p = pen_of(at, n);
    put_u32(&p, i);
    memset(p.at, (int)i, pen_left(&p));
}

static bool
take_frame(void *arg, enum lane_kind kind, struct view body)
{
    struct rig *rig = arg;
    struct cursor c = cursor_of(body);
    uint32_t i = take_u32(&c);
    assert_int_equal(kind, LANE_PUBLISH);
    assert_int_equal(i, rig->taken + 1);
    if (i == rig->refuse_at)
        return false;
    for (size_t k = 0; k < cursor_left(&c); k++)
        assert_int_equal(c.at[k], (uint8_t)i);
    rig->taken = i;
    rig->taken_bytes += body.len;
    return true;
}

static bool
drain(struct rig *rig)
{
    return lane_drain(rig->lane, SIZE_MAX, take_frame, rig) == DRAINED_ALL;
}

static void
frames_arrive_in_order(void **state)
{
    struct rig rig;
    (void)state;
    open_lane(&rig);
    for (uint32_t i = 1; i <= 10; i++)
        put_frame(&rig, i, 4 + i);
    assert_true(drain(&rig));
    assert_int_equal(rig.taken, 0); /* the batch is still open */
    assert_false(lane_flush(rig.lane, &rig.from_mem));
    assert_true(lane_backlog(rig.lane) > 0); /* until it has come back */
    assert_true(drain(&rig));
    assert_int_equal(rig.taken, 10);
    sim_run_for(rig.sim, SIM_NS_A_MS);
    assert_int_equal(rig.to_woken, 1);
    close_lane(&rig);
}

static void
nothing_to_send_wakes_nobody(void **state)
{
    struct rig rig;
    (void)state;
    open_lane(&rig);
    assert_false(lane_flush(rig.lane, &rig.from_mem));
    assert_true(drain(&rig));
    sim_run_for(rig.sim, SIM_NS_A_MS);
    assert_int_equal(rig.to_woken + rig.from_woken, 0);
    close_lane(&rig);
}

/* Steady traffic takes its memory once. */
static void
batches_come_back(void **state)
{
    struct rig rig;
    (void)state;
    open_lane(&rig);
    for (uint32_t i = 1; i <= 3; i++) {
        put_frame(&rig, i, 100);
        assert_false(lane_flush(rig.lane, &rig.from_mem));
        assert_true(drain(&rig));
    }
    uint64_t calls = rig.from_mem.calls;
    for (uint32_t i = 4; i <= 1000; i++) {
        put_frame(&rig, i, 100);
        assert_false(lane_flush(rig.lane, &rig.from_mem));
        assert_true(drain(&rig));
    }
    assert_int_equal(rig.taken, 1000);
    assert_true(rig.from_mem.calls - calls <= 1);
    close_lane(&rig);
}

/* A receiver that does not keep up: the open batch grows instead, and all arrives in order once it does. */
static void
a_full_ring_keeps_the_batch_open(void **state)
{
    struct rig rig;
    uint32_t i = 0;
    (void)state;
    open_lane(&rig);
    do
        put_frame(&rig, ++i, 1000);
    while (!lane_flush(rig.lane, &rig.from_mem));
    assert_int_equal(i, LANE_RING_SLOTS + 1);
    for (unsigned k = 0; k < 500; k++) {
        put_frame(&rig, ++i, 1000);
        assert_true(lane_flush(rig.lane, &rig.from_mem));
    }
    assert_int_equal(lane_backlog(rig.lane), (LANE_RING_SLOTS + 501) * (LANE_FRAME_HEAD_BYTES + 1000));
    assert_true(drain(&rig));
    assert_int_equal(rig.taken, LANE_RING_SLOTS);
    sim_run_for(rig.sim, SIM_NS_A_MS);
    assert_int_equal(rig.from_woken, 1); /* told that there is room */
    assert_false(lane_flush(rig.lane, &rig.from_mem));
    assert_true(drain(&rig));
    assert_int_equal(rig.taken, i);
    close_lane(&rig);
}

/* Credit: what was handed over counts until it has come back, and then the sender hears of it. */
static void
too_much_on_the_way_presses(void **state)
{
    struct rig rig;
    uint32_t i = 0;
    (void)state;
    open_lane(&rig);
    while (!lane_pressed(rig.lane)) {
        put_frame(&rig, ++i, LANE_BATCH_BYTES);
        assert_false(lane_flush(rig.lane, &rig.from_mem));
    }
    assert_int_equal(i, LANE_PRESSED_BYTES / LANE_BATCH_BYTES);
    assert_true(drain(&rig));
    sim_run_for(rig.sim, SIM_NS_A_MS);
    assert_int_equal(rig.from_woken, 1);
    assert_true(lane_pressed(rig.lane));
    assert_false(lane_flush(rig.lane, &rig.from_mem));
    assert_int_equal(lane_backlog(rig.lane), 0);
    assert_true(drain(&rig));
    sim_run_for(rig.sim, SIM_NS_A_MS);
    assert_int_equal(rig.from_woken, 1);
    close_lane(&rig);
}

/* The receiver takes what it wants a turn, in the middle of a batch if need be. */
static void
a_drain_ends_where_it_is_told(void **state)
{
    struct rig rig;
    (void)state;
    open_lane(&rig);
    for (uint32_t i = 1; i <= 20; i++) {
        put_frame(&rig, i, 95);
        if (i % 10 == 0)
            assert_false(lane_flush(rig.lane, &rig.from_mem));
    }
    assert_int_equal(lane_drain(rig.lane, 250, take_frame, &rig), DRAINED_SOME);
    assert_int_equal(rig.taken, 3);
    assert_int_equal(lane_drain(rig.lane, 1000, take_frame, &rig), DRAINED_SOME);
    assert_int_equal(rig.taken, 13);
    rig.refuse_at = 15;
    assert_int_equal(lane_drain(rig.lane, 1000, take_frame, &rig), DRAINED_REFUSED);
    rig.refuse_at = 0;
    assert_int_equal(lane_drain(rig.lane, 1000, take_frame, &rig), DRAINED_ALL);
    assert_int_equal(rig.taken, 20);
    close_lane(&rig);
}

/* The receiver's word: the highest QoS counts, and only its end wakes the sender. */
static void
held_and_released(void **state)
{
    struct rig rig;
    (void)state;
    open_lane(&rig);
    lane_release(rig.lane);
    assert_false(lane_holds(rig.lane, 0));
    lane_hold(rig.lane, 1);
    lane_hold(rig.lane, 0);
    assert_true(lane_holds(rig.lane, 0));
    assert_true(lane_holds(rig.lane, 1));
    assert_false(lane_holds(rig.lane, 2));
    sim_run_for(rig.sim, SIM_NS_A_MS);
    assert_int_equal(rig.from_woken, 0);
    lane_release(rig.lane);
    lane_release(rig.lane);
    assert_false(lane_holds(rig.lane, 0));
    sim_run_for(rig.sim, SIM_NS_A_MS);
    assert_int_equal(rig.from_woken, 1);
    close_lane(&rig);
}

/* A frame that cannot be taken now, and all behind it, come again. */
static void
a_refused_frame_comes_again(void **state)
{
    struct rig rig;
    (void)state;
    open_lane(&rig);
    for (uint32_t i = 1; i <= 20; i++) {
        put_frame(&rig, i, 50);
        if (i % 5 == 0)
            assert_false(lane_flush(rig.lane, &rig.from_mem));
    }
    rig.refuse_at = 8;
    assert_false(drain(&rig));
    assert_false(drain(&rig));
    assert_int_equal(rig.taken, 7);
    rig.refuse_at = 9;
    assert_false(drain(&rig));
    assert_int_equal(rig.taken, 8);
    rig.refuse_at = 0;
    assert_true(drain(&rig));
    assert_int_equal(rig.taken, 20);
    close_lane(&rig);
}

static void
a_frame_larger_than_a_batch(void **state)
{
    struct rig rig;
    (void)state;
    open_lane(&rig);
    put_frame(&rig, 1, 4);
    put_frame(&rig, 2, 5 * LANE_BATCH_BYTES);
    put_frame(&rig, 3, 4);
    assert_false(lane_flush(rig.lane, &rig.from_mem));
    assert_true(drain(&rig));
    assert_int_equal(rig.taken, 3);
    assert_int_equal(rig.taken_bytes, 8 + 5 * LANE_BATCH_BYTES);
    put_frame(&rig, 4, 4);
    assert_false(lane_flush(rig.lane, &rig.from_mem)); /* and does not keep the large one */
    assert_true(rig.from_mem.used_bytes < 4 * LANE_BATCH_BYTES);
    close_lane(&rig);
}

/* Against the clock of a coin: any order of putting, flushing, draining and refusing. */
static void
anything_at_any_time(void **state)
{
    struct rig rig;
    struct prng prng;
    uint32_t put = 0;
    (void)state;
    open_lane(&rig);
    prng_init(&prng, 1);
    for (unsigned step = 0; step < 20000; step++) {
        uint64_t what = prng_below(&prng, 8);
        if (what < 4)
            put_frame(&rig, ++put, 4 + prng_below(&prng, prng_once_in(&prng, 50) ? 100000 : 300));
        else if (what < 6)
            (void)lane_flush(rig.lane, &rig.from_mem);
        else if (prng_once_in(&prng, 20))
            (void)drain(&rig);
        rig.refuse_at = prng_once_in(&prng, 4) ? rig.taken + 1 + (uint32_t)prng_below(&prng, 5) : 0;
    }
    rig.refuse_at = 0;
    while (rig.taken < put) {
        assert_true(drain(&rig));
        (void)lane_flush(rig.lane, &rig.from_mem);
    }
    close_lane(&rig);
}

/* What was on its way when the shards ended is freed. */
static void
ended_in_the_middle(void **state)
{
    struct rig rig;
    (void)state;
    open_lane(&rig);
    for (uint32_t i = 1; i <= 40; i++) {
        put_frame(&rig, i, 50);
        if (i % 5 == 0)
            assert_false(lane_flush(rig.lane, &rig.from_mem));
    }
    rig.refuse_at = 8;
    assert_false(drain(&rig));
    put_frame(&rig, 41, 50);
    close_lane(&rig);
}

/* A refused allocation refuses one frame; what was in the batch stays. */
static void
each_allocation_fails(void **state)
{
    (void)state;
    for (uint64_t i = 1; i <= 4; i++) {
        struct rig rig;
        uint32_t put = 0;
        open_lane(&rig);
        rig.from_mem.fail_at = rig.from_mem.calls + i;
        for (unsigned n = 0; n < 200; n++) {
            uint8_t *at = lane_frame(rig.lane, &rig.from_mem, LANE_PUBLISH, 5000);
            if (at == NULL)
                continue;
            struct pen p = pen_of(at, 5000);
            put_u32(&p, ++put);
            memset(p.at, (int)put, pen_left(&p));
        }
        assert_int_equal(put, 199);
        assert_false(lane_flush(rig.lane, &rig.from_mem));
        assert_true(drain(&rig));
        assert_int_equal(rig.taken, put);
        close_lane(&rig);
    }
}

static void
lanes_of_a_node_need_memory(void **state)
{
    struct mem mem = { 0 };
    struct lanes *lanes;
    (void)state;
    assert_int_equal(lanes_new(&mem, 3, &lanes), 0);
    uint64_t calls = mem.calls;
    lanes_free(lanes);
    assert_int_equal(mem.used_bytes, 0);
    for (uint64_t i = 1; i <= calls; i++) {
        struct mem failing = { .fail_at = i };
        assert_int_equal(lanes_new(&failing, 3, &lanes), -ERR_NO_MEMORY);
        assert_int_equal(failing.used_bytes, 0);
    }
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_arrive_in_order),      cmocka_unit_test(nothing_to_send_wakes_nobody),
        cmocka_unit_test(batches_come_back),           cmocka_unit_test(a_full_ring_keeps_the_batch_open),
        cmocka_unit_test(too_much_on_the_way_presses), cmocka_unit_test(a_drain_ends_where_it_is_told),
        cmocka_unit_test(held_and_released),           cmocka_unit_test(a_refused_frame_comes_again),
        cmocka_unit_test(a_frame_larger_than_a_batch), cmocka_unit_test(anything_at_any_time),
        cmocka_unit_test(ended_in_the_middle),         cmocka_unit_test(each_allocation_fails),
        cmocka_unit_test(lanes_of_a_node_need_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
