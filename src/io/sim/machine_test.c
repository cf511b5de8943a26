/* The same run from the same seed; programs that start, are told of time and signals, and die in silence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>

#include "base/err.h"
#include "base/must.h"
#include "base/prng.h"
#include "io/sim/stage.h"

/* ---- chance ------------------------------------------------------------------------------------------------- */

static void
write_again(struct io_job *job)
{
    struct actor *actor = job->arg;
    actor->jobs_done++;
    actor->job_rc = job->rc;
    job->offset = (job->offset + 4096) % 65536;
    if (actor->jobs_done < 100)
        io_submit(actor->io, job);
}

static void
guest_read(void *arg, struct view bytes)
{
    assert_int_equal(io_put(((struct guest *)arg)->stream, bytes), 0);
}

static void
guest_ended(void *arg, int rc)
{
    assert_true(rc < 0);
    io_close(((struct guest *)arg)->stream);
}

static void
guest_closed(void *arg)
{
    ((struct guest *)arg)->stream = NULL;
}

static void
guest_opened(void *arg, int rc)
{
    if (rc < 0)
        io_close(((struct guest *)arg)->stream);
}

static const struct io_stream_on guest_on = {
    .opened = guest_opened, .read = guest_read, .ended = guest_ended, .closed = guest_closed
};

static void
on_guest(void *arg, struct io_stream *stream)
{
    struct actor *actor = arg;
    struct guest *guest = actor->guests;
    while (guest->stream != NULL)
        guest++;
    guest->stream = stream;
    io_accept(stream, &guest_on, guest);
}

static int
listen_and_write(struct actor *actor)
{
    memset(actor->guests, 0, sizeof(actor->guests));
    actor_open(actor, "log", IO_FLAG_CREATE);
    io_random(actor->io, actor->page, sizeof(actor->page));
    actor->job.op = IO_WRITE_SYNC;
    actor->job.views[0] = view_of(actor->page, 4096);
    actor->job.view_count = 1;
    actor->job.done = write_again;
    io_submit(actor->io, &actor->job);
    return actor_listen_for(actor, on_guest);
}

static uint64_t
lossy_run(uint64_t seed)
{
    struct stage stage;
    stage_open(&stage, seed, "lossy");
    stage_play(&stage, &stage.a, listen_and_write);
    for (unsigned i = 0; i < 20; i++) {
        stage.b.read_bytes = 0;
        stage.b.is_opened = stage.b.is_ended = false;
        stage_play(&stage, &stage.b, actor_connect);
        sim_run_for(stage.sim, SIM_NS_A_S);
        if (stage.b.stream != NULL && stage.b.is_opened && stage.b.opened == 0)
            actor_say(&stage.b, 0, 5000);
        sim_run_for(stage.sim, 5 * SIM_NS_A_S);
        sim_kill(stage.b.machine);
    }
    sim_run_for(stage.sim, 5 * SIM_NS_A_S);
    assert_int_equal(stage.a.jobs_done, 100);
    uint64_t hash = sim_hash(stage.sim);
    stage_close(&stage);
    return hash;
}

static void
same_seed_same_run(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++)
        assert_true(lossy_run(seed) == lossy_run(seed));
    assert_true(lossy_run(1) != lossy_run(2));
}

/* ---- the rest of io.h --------------------------------------------------------------------------------------- */

static void
on_signal(void *arg)
{
    ((struct actor *)arg)->signals++;
}

static int
handle_signals(struct actor *actor)
{
    return io_on_signal(actor->io, SIGHUP, on_signal, actor);
}

static void
signals_come_by_script(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, 1, "calm");
    stage_play(&stage, &stage.a, handle_signals);
    sim_signal(stage.a.machine, SIGHUP);
    sim_run_for(stage.sim, SIM_NS_A_MS);
    assert_int_equal(stage.a.signals, 1);
    sim_signal(stage.a.machine, SIGTERM); /* has no handler */
    assert_int_equal(stage.a.deaths, 1);
    stage_close(&stage);
}

static void
wall_clock_jumps_alone(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, 1, "calm");
    stage_play(&stage, &stage.a, NULL);
    uint64_t wall = io_wall_ms(stage.a.io), mono = io_now_ns(stage.a.io);
    sim_wall_jump(stage.a.machine, -3600 * 1000);
    assert_int_equal(io_wall_ms(stage.a.io), wall - 3600 * 1000);
    assert_int_equal(io_now_ns(stage.a.io), mono);
    sim_run_for(stage.sim, 5 * SIM_NS_A_S);
    assert_int_equal(io_wall_ms(stage.a.io), wall - 3595 * 1000);
    assert_int_equal(io_now_ns(stage.a.io), mono + 5 * SIM_NS_A_S);
    stage_close(&stage);
}

static int
read_input(struct actor *actor)
{
    return io_stdin(actor->io, &actor_stream_on, actor, &actor->stream);
}

static void
input_comes_by_script(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, 1, "calm");
    stage_play(&stage, &stage.b, read_input); /* none there: it exits */
    assert_int_equal(stage.b.deaths, 1);
    sim_stdin(stage.a.machine, view_of("\0\1\2", 3));
    stage_play(&stage, &stage.a, read_input);
    assert_int_equal(stage.a.read_bytes, 3);
    sim_stdin(stage.a.machine, view_of(NULL, 0));
    sim_run_for(stage.sim, SIM_NS_A_S);
    assert_int_equal(stage.a.ended, -ERR_EOF);
    stage_close(&stage);
}

static void
on_fire(void *arg)
{
    struct actor *actor = arg;
    actor->fires++;
    if (actor->fires == 3)
        io_stop(actor->io);
    else
        io_timer_set(actor->io, &actor->timer, io_now_ns(actor->io) + SIM_NS_A_S, on_fire, actor);
}

static int
tick(struct actor *actor)
{
    return io_timer_set(actor->io, &actor->timer, io_now_ns(actor->io), on_fire, actor);
}

static void
program_ends_by_itself(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, 1, "calm");
    stage_play(&stage, &stage.a, tick);
    assert_int_equal(stage.a.fires, 1);
    sim_run_for(stage.sim, SIM_NS_A_S);
    assert_int_equal(stage.a.fires, 2);
    sim_run_for(stage.sim, 10 * SIM_NS_A_S);
    assert_int_equal(stage.a.fires, 3);
    assert_int_equal(stage.a.deaths, 1);
    assert_int_equal(stage.a.death, SIM_EXIT);
    stage_close(&stage);
}

static int
set_odd_timers(struct actor *actor)
{
    actor->timer = actor->timer2 = (struct io_timer){ 0 }; /* those of the life before */
    assert_int_equal(io_timer_set(actor->io, &actor->timer, 0, on_signal, actor), 0);
    return io_timer_set(actor->io, &actor->timer2, UINT64_MAX, on_signal, actor);
}

/* What is long past is due at once; what lies at the end of time is never due. */
static void
timers_may_lie_anywhere(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, 1, "calm");
    stage_play(&stage, &stage.a, set_odd_timers);
    sim_power_cut(stage.a.machine);
    sim_run_for(stage.sim, 1000 * SIM_NS_A_S);
    stage.a.signals = 0;
    stage_play(&stage, &stage.a, set_odd_timers);
    sim_run_for(stage.sim, 1000 * SIM_NS_A_S);
    assert_int_equal(stage.a.signals, 1);
    stage_close(&stage);
}

/* ---- loops -------------------------------------------------------------------------------------------------- */

/* A machine with two loops, the second of which attaches what the first accepts. */
struct pair {
    struct actor *actor;
    struct io *first, *second;
    struct io_parcel parcel;
    bool has_parcel;
    unsigned wakes, threads, turns;
};

static void
take_parcel(void *arg)
{
    struct pair *pair = arg;
    struct actor *actor = pair->actor;
    pair->wakes++;
    if (pair->has_parcel)
        assert_int_equal(io_attach(pair->second, pair->parcel, &actor_stream_on, actor, &actor->stream), 0);
    pair->has_parcel = false;
}

static void
hand_over(void *arg, struct io_stream *stream)
{
    struct pair *pair = arg;
    assert_int_equal(io_detach(stream, &pair->parcel), 0);
    pair->has_parcel = true;
    io_wake(pair->second);
    io_wake(pair->second);
}

static void
count_turn(void *arg)
{
    ((struct pair *)arg)->turns++;
}

static void
set_up_second(void *arg)
{
    struct pair *pair = arg;
    pair->threads++;
    io_on_wake(pair->second, take_parcel, pair);
    io_on_turn(pair->second, count_turn, pair);
}

static int
start_pair(void *arg, struct io *io)
{
    struct pair *pair = arg;
    struct io_address address = { .kind = IO_TCP, .host = "*", .port = 1883 };
    struct io_thread *thread;
    pair->first = pair->actor->io = io;
    assert_int_equal(io_sibling(io, &pair->actor->mem, &pair->second), 0);
    assert_int_equal(io_thread_start(io, set_up_second, pair, &thread), 0);
    io_thread_join(io, thread);
    return io_listen(io, &address, hand_over, pair, &pair->actor->listener);
}

static void
streams_move_between_loops(void **state)
{
    (void)state;
    struct stage stage;
    struct pair pair = { .actor = &stage.a };
    struct sim_program program = { .start = start_pair, .arg = &pair, .mem = &stage.a.mem };
    stage_open(&stage, 1, "calm");
    sim_machine_program(stage.a.machine, &program);
    sim_boot(stage.a.machine);
    stage_play(&stage, &stage.b, actor_connect);
    actor_say(&stage.b, 0, 1000);
    stage.a.echoes = true;
    sim_run_for(stage.sim, SIM_NS_A_S);
    assert_int_equal(pair.threads, 1);
    assert_int_equal(pair.wakes, 1);
    assert_true(pair.turns > 1);
    assert_int_equal(stage.a.read_bytes, 1000);
    assert_int_equal(stage.b.read_bytes, 1000);
    stage_close(&stage);
}

/* A parcel that nobody takes. */
static void
discarded_parcels_reset(void **state)
{
    (void)state;
    struct stage stage;
    struct pair pair = { .actor = &stage.a };
    struct sim_program program = { .start = start_pair, .arg = &pair, .mem = &stage.a.mem };
    stage_open(&stage, 1, "calm");
    sim_machine_program(stage.a.machine, &program);
    sim_boot(stage.a.machine);
    sim_step(stage.sim);
    io_on_wake(pair.second, NULL, NULL);
    stage_play(&stage, &stage.b, actor_connect);
    assert_true(pair.has_parcel);
    io_parcel_discard(pair.second, pair.parcel);
    sim_run_for(stage.sim, SIM_NS_A_S);
    assert_int_equal(stage.b.ended, -ERR_RESET);
    stage_close(&stage);
}

static void
never_again(void *arg)
{
    (void)arg;
    fail_msg("the turn of a machine without power went on");
}

static void
cut_own_power(void *arg)
{
    struct actor *actor = arg;
    actor->fires++;
    sim_power_cut(actor->machine);
    assert_true(sim_machine_up(actor->machine)); /* until this returns */
    assert_int_equal(actor_open(actor, "f", IO_FLAG_CREATE), -ERR_CANCELED);
    io_on_turn(actor->io, never_again, actor);
}

static int
plan_own_end(struct actor *actor)
{
    return io_timer_set(actor->io, &actor->timer, io_now_ns(actor->io) + SIM_NS_A_MS, cut_own_power, actor);
}

static void
power_is_cut_in_a_callback(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, 1, "calm");
    stage_play(&stage, &stage.a, plan_own_end);
    assert_int_equal(stage.a.fires, 1);
    assert_int_equal(stage.a.deaths, 1);
    assert_int_equal(stage.a.death, SIM_POWER);
    assert_false(sim_machine_up(stage.a.machine));
    stage_play(&stage, &stage.a, NULL);
    assert_int_equal(stage.a.starts, 2);
    assert_true(sim_machine_up(stage.a.machine));
    stage_close(&stage);
}

/* ---- death -------------------------------------------------------------------------------------------------- */

static void
never(struct io_job *job)
{
    (void)job;
    fail_msg("a job of a dead program was done");
}

static void
count_release(void *arg)
{
    ++*(unsigned *)arg;
}

struct mortal {
    struct actor *actor;
    struct io *io, *sibling;
    unsigned released;
    bool after_died;
};

/* All that an owner may still try, on loops that are dead. */
static void
die_trying(void *arg, enum sim_death how)
{
    struct mortal *mortal = arg;
    struct actor *actor = mortal->actor;
    struct io_address address = { .kind = IO_TCP, .host = "b", .port = 9 };
    struct io_stream *stream;
    struct io_listener *listener;
    uint8_t bytes[8];

    actor->deaths++;
    actor->death = how;
    assert_int_equal(mortal->released, 1);
    assert_int_equal(io_timer_set(mortal->io, &actor->timer, 0, on_fire, actor), 0);
    io_timer_cut(mortal->io, &actor->timer);
    io_submit(mortal->io, &actor->job);
    assert_int_equal(io_now(mortal->io, &actor->job), -ERR_CANCELED);
    assert_int_equal(io_connect(mortal->io, &address, &actor_stream_on, actor, &stream), -ERR_CANCELED);
    assert_int_equal(io_listen(mortal->io, &address, on_guest, actor, &listener), -ERR_CANCELED);
    io_put(actor->stream, view_str("x"));
    io_flush(actor->stream);
    io_read_pause(actor->stream);
    io_close(actor->stream);
    io_abort(actor->stream);
    io_listener_close(actor->listener);
    io_wake(mortal->io);
    io_random(mortal->io, bytes, sizeof(bytes));
    io_free(mortal->sibling);
    io_free(mortal->io);
    mortal->after_died = true;
}

static int
live(void *arg, struct io *io)
{
    struct mortal *mortal = arg;
    struct actor *actor = mortal->actor;
    actor->io = mortal->io = io;
    assert_int_equal(io_sibling(io, &actor->mem, &mortal->sibling), 0);
    actor->job = (struct io_job){ .op = IO_FREE_SPACE, .path = ".", .done = never, .arg = actor };
    assert_int_equal(io_timer_set(io, &actor->timer, io_now_ns(io) + 100 * SIM_NS_A_S, on_fire, actor), 0);
    return actor_listen(actor);
}

static void
the_dead_are_silent(void **state)
{
    (void)state;
    struct stage stage;
    struct mortal mortal = { .actor = &stage.a };
    struct sim_program program = { .start = live, .died = die_trying, .arg = &mortal, .mem = &stage.a.mem };
    stage_open(&stage, 1, "calm");
    sim_machine_program(stage.a.machine, &program);
    stage_meet(&stage);
    io_read_pause(stage.b.stream);
    actor_say(&stage.a, 0, 300 * 1000);
    io_put_ref(stage.a.stream, view_str("by reference"), count_release, &mortal.released);
    io_submit(mortal.io, &stage.a.job);
    sim_power_cut(stage.a.machine);
    assert_int_equal(stage.a.deaths, 1);
    assert_int_equal(stage.a.mem.used_bytes, 0);
    assert_true(mortal.after_died);
    sim_run_for(stage.sim, 1000 * SIM_NS_A_S);
    assert_int_equal(stage.a.fires, 0);
    assert_false(stage.a.is_closed);
    stage_close(&stage);
}

/* A program that cannot have its loop does not start, and leaves nothing. */
static void
no_memory_no_start(void **state)
{
    (void)state;
    struct stage stage;
    uint64_t calls = 1;
    for (uint64_t at = 1; at <= calls; at++) {
        stage_open(&stage, 1, "calm");
        stage.a.mem.fail_at = at;
        stage_play(&stage, &stage.a, actor_listen);
        if (stage.a.mem.calls >= at)
            calls = at + 1;
        else
            assert_int_equal(stage.a.deaths, 0);
        stage_close(&stage);
    }
    assert_true(calls > 2);
}

/* ---- all of it ---------------------------------------------------------------------------------------------- */

/* Keeps a connection to a, and says something on it every 50 ms. */
static void
chat(void *arg)
{
    struct actor *actor = arg;
    struct io_address address = { .kind = IO_TCP, .host = "a", .port = 1883 };
    struct guest *guest = &actor->guests[0];
    if (guest->stream == NULL)
        assert_int_equal(io_connect(actor->io, &address, &guest_on, guest, &guest->stream), 0);
    else if (io_unsent(guest->stream) < 100000)
        io_put(guest->stream, view_of(actor->page, sizeof(actor->page)));
    io_timer_set(actor->io, &actor->timer, io_now_ns(actor->io) + 50 * SIM_NS_A_MS, chat, actor);
}

static int
chat_for_ever(struct actor *actor)
{
    actor->guests[0].stream = NULL;
    actor->timer = (struct io_timer){ 0 };
    chat(actor);
    return 0;
}

static void
do_anything(struct stage *stage, struct prng *chance)
{
    struct actor *actor = prng_once_in(chance, 2) ? &stage->a : &stage->b;
    switch (prng_below(chance, 8)) {
    case 0: sim_kill(actor->machine); break;
    case 1: sim_power_cut(actor->machine); break;
    case 2: sim_partition(stage->sim, stage->a.machine, stage->b.machine, prng_once_in(chance, 2)); break;
    case 3: sim_cut_streams(stage->sim, stage->a.machine, stage->b.machine); break;
    case 4: sim_mute_streams(stage->sim, stage->a.machine, stage->b.machine); break;
    case 5: sim_cut_at(actor->machine, sim_disk_ops(actor->machine) + prng_below(chance, 9), SIM_CUT_DURING); break;
    default: sim_boot(actor->machine); break;
    }
    sim_run_for(stage->sim, prng_below(chance, SIM_NS_A_S));
}

/* Whatever happens in whatever order: nothing is touched that is gone, nothing is left. */
static void
chaos_leaves_nothing(void **state)
{
    (void)state;
    struct stage stage;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct prng chance;
        prng_init(&chance, seed);
        stage_open(&stage, seed, "chaos");
        stage.a.script = listen_and_write;
        stage.b.script = chat_for_ever;
        for (unsigned i = 0; i < 200; i++)
            do_anything(&stage, &chance);
        assert_true(stage.a.starts > 5 && stage.b.starts > 5);
        stage_close(&stage);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_seed_same_run),         cmocka_unit_test(signals_come_by_script),
        cmocka_unit_test(wall_clock_jumps_alone),     cmocka_unit_test(input_comes_by_script),
        cmocka_unit_test(program_ends_by_itself),     cmocka_unit_test(timers_may_lie_anywhere),
        cmocka_unit_test(streams_move_between_loops), cmocka_unit_test(discarded_parcels_reset),
        cmocka_unit_test(power_is_cut_in_a_callback), cmocka_unit_test(the_dead_are_silent),
        cmocka_unit_test(no_memory_no_start),         cmocka_unit_test(chaos_leaves_nothing),
    };
    return cmocka_run_group_tests_name("sim_machine", tests, NULL, NULL);
}
