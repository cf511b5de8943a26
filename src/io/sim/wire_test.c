/* Streams between simulated machines fail the way networks do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "io/sim/stage.h"

static void
bytes_arrive_in_order_and_split(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, 1, "calm");
    stage_meet(&stage);
    stage.a.echoes = true;
    actor_say(&stage.b, 0, 100000);
    sim_run_for(stage.sim, SIM_NS_A_S);
    assert_int_equal(stage.a.read_bytes, 100000);
    assert_int_equal(stage.b.read_bytes, 100000);
    for (unsigned i = 0; i < 50; i++) {
        actor_say(&stage.b, 100000 + i * 100, 100);
        sim_run_for(stage.sim, SIM_NS_A_S);
    }
    assert_true(stage.a.reads > 52);
    stage_close(&stage);
}

/* A reader that does not read holds its peer back: a window, and the rest waits in the outbox. */
static void
window_holds_back(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, 2, "calm");
    stage_meet(&stage);
    io_read_pause(stage.a.stream);
    actor_say(&stage.b, 0, 1000 * 1000);
    sim_run_for(stage.sim, 10 * SIM_NS_A_S);
    assert_int_equal(stage.a.read_bytes, 0);
    assert_int_equal(io_unsent(stage.b.stream), 1000 * 1000 - 256 * 1024);
    io_read_resume(stage.a.stream);
    sim_run_for(stage.sim, 10 * SIM_NS_A_S);
    assert_int_equal(stage.a.read_bytes, 1000 * 1000);
    assert_int_equal(io_unsent(stage.b.stream), 0);
    stage_close(&stage);
}

static void
partition_delays_and_heals(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, 3, "calm");
    stage_meet(&stage);
    sim_partition(stage.sim, stage.a.machine, stage.b.machine, true);
    actor_say(&stage.b, 0, 1000);
    sim_run_for(stage.sim, 60 * SIM_NS_A_S);
    assert_int_equal(stage.a.read_bytes, 0);
    assert_false(stage.b.is_ended);
    sim_partition(stage.sim, stage.a.machine, stage.b.machine, false);
    sim_run_for(stage.sim, SIM_NS_A_S);
    assert_int_equal(stage.a.read_bytes, 1000);
    stage_close(&stage);
}

static void
long_partition_times_out(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, 4, "calm");
    stage_meet(&stage);
    sim_partition(stage.sim, stage.a.machine, stage.b.machine, true);
    actor_say(&stage.b, 0, 1000);
    sim_run_for(stage.sim, 200 * SIM_NS_A_S);
    assert_true(stage.b.is_ended);
    assert_int_equal(stage.b.ended, -ERR_TIMEOUT);
    assert_false(stage.a.is_ended); /* it had nothing to say: it cannot know */
    stage_close(&stage);
}

static void
connect_across_a_partition_times_out(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, 5, "calm");
    stage_play(&stage, &stage.a, actor_listen);
    sim_partition(stage.sim, stage.a.machine, stage.b.machine, true);
    stage_play(&stage, &stage.b, actor_connect);
    sim_run_for(stage.sim, 60 * SIM_NS_A_S);
    assert_true(stage.b.is_opened);
    assert_int_equal(stage.b.opened, -ERR_TIMEOUT);
    stage_close(&stage);
}

static void
connect_to_no_listener_is_refused(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, 6, "calm");
    stage_play(&stage, &stage.a, NULL);
    stage_play(&stage, &stage.b, actor_connect);
    assert_true(stage.b.is_opened);
    assert_int_equal(stage.b.opened, -ERR_REFUSED);
    stage_close(&stage);
}

/* Without power a peer says nothing; when it is back it knows no connection. */
static void
power_cut_leaves_peers_half_open(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, 7, "calm");
    stage_meet(&stage);
    sim_power_cut(stage.b.machine);
    assert_int_equal(stage.b.deaths, 1);
    assert_int_equal(stage.b.death, SIM_POWER);
    sim_run_for(stage.sim, 60 * SIM_NS_A_S);
    assert_false(stage.a.is_ended);
    stage_play(&stage, &stage.b, NULL);
    assert_false(stage.a.is_ended);
    actor_say(&stage.a, 0, 10);
    sim_run_for(stage.sim, SIM_NS_A_S);
    assert_true(stage.a.is_ended);
    assert_int_equal(stage.a.ended, -ERR_RESET);
    stage_close(&stage);
}

static void
mute_streams_say_nothing(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, 8, "calm");
    stage_meet(&stage);
    assert_int_equal(sim_mute_streams(stage.sim, stage.a.machine, stage.b.machine), 1);
    actor_say(&stage.b, 0, 10);
    sim_run_for(stage.sim, 60 * SIM_NS_A_S);
    assert_int_equal(stage.a.read_bytes, 0);
    assert_false(stage.a.is_ended || stage.b.is_ended);
    sim_run_for(stage.sim, 100 * SIM_NS_A_S);
    assert_int_equal(stage.b.ended, -ERR_TIMEOUT);
    assert_false(stage.a.is_ended);
    stage_close(&stage);
}

static void
cut_streams_are_reset(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, 9, "calm");
    stage_meet(&stage);
    assert_int_equal(sim_cut_streams(stage.sim, stage.b.machine, stage.a.machine), 1);
    sim_run_for(stage.sim, SIM_NS_A_S);
    assert_int_equal(stage.a.ended, -ERR_RESET);
    assert_int_equal(stage.b.ended, -ERR_RESET);
    assert_true(stage.a.is_closed && stage.b.is_closed);
    stage_close(&stage);
}

static void
killed_process_closes_its_streams(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, 10, "calm");
    stage_meet(&stage);
    sim_kill(stage.b.machine);
    assert_int_equal(stage.b.death, SIM_KILL);
    sim_run_for(stage.sim, SIM_NS_A_S);
    assert_true(stage.a.is_ended);
    assert_int_equal(stage.a.ended, -ERR_EOF);
    assert_int_equal(stage.b.is_ended, false);
    stage_close(&stage);
}

/* As in real life: closing with unread bytes tells the peer a reset. */
static void
closing_unread_is_a_reset(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, 11, "calm");
    stage_meet(&stage);
    io_read_pause(stage.a.stream);
    actor_say(&stage.b, 0, 100);
    sim_run_for(stage.sim, SIM_NS_A_S);
    io_abort(stage.a.stream);
    sim_run_for(stage.sim, SIM_NS_A_S);
    assert_int_equal(stage.b.ended, -ERR_RESET);
    assert_true(stage.a.is_closed && stage.b.is_closed);
    stage_close(&stage);
}

static void
closing_sends_what_was_put(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, 12, "calm");
    stage_meet(&stage);
    actor_say(&stage.b, 0, 100 * 1000);
    io_close(stage.b.stream);
    sim_run_for(stage.sim, 5 * SIM_NS_A_S);
    assert_int_equal(stage.a.read_bytes, 100 * 1000);
    assert_int_equal(stage.a.ended, -ERR_EOF);
    assert_true(stage.a.is_closed && stage.b.is_closed);
    stage_close(&stage);
}

/* One that was given up on one side is answered with a reset from there. */
static void
late_bytes_are_answered_with_a_reset(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, 13, "calm");
    stage_meet(&stage);
    sim_partition(stage.sim, stage.a.machine, stage.b.machine, true);
    actor_say(&stage.b, 0, 10);
    sim_run_for(stage.sim, 200 * SIM_NS_A_S);
    assert_true(stage.b.is_closed);
    sim_partition(stage.sim, stage.a.machine, stage.b.machine, false);
    sim_run_for(stage.sim, SIM_NS_A_S);
    actor_say(&stage.a, 0, 10);
    sim_run_for(stage.sim, SIM_NS_A_S);
    assert_int_equal(stage.a.ended, -ERR_RESET);
    stage_close(&stage);
}

static unsigned
occurrences(const struct sim *sim, const char *what)
{
    char text[200 * 1000];
    unsigned count = 0;
    FILE *to = fmemopen(text, sizeof(text), "w");
    assert_non_null(to);
    sim_transcript(sim, to);
    fclose(to);
    for (const char *at = text; (at = strstr(at, what)) != NULL; at++)
        count++;
    return count;
}

static void
weather_partitions_and_heals(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, 14, "chaos");
    stage_play(&stage, &stage.a, NULL);
    sim_run_for(stage.sim, 1000 * SIM_NS_A_S);
    unsigned torn = occurrences(stage.sim, " | ");
    assert_true(torn > 5 && torn < 100);
    sim_profile_set(stage.sim, NULL);
    sim_run_for(stage.sim, 1000 * SIM_NS_A_S);
    assert_int_equal(occurrences(stage.sim, " | "), occurrences(stage.sim, " - "));
    stage_close(&stage);
}

/* What was sent up to there arrives; then both sides see a reset. */
static void
a_connection_may_end_behind_a_byte(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 1000; n += 111) {
        struct stage stage;
        stage_open(&stage, 30 + n, "calm");
        stage_meet(&stage);
        sim_cut_byte(stage.sim, sim_sent_bytes(stage.sim) + n);
        actor_say(&stage.b, 0, 400);
        sim_run_for(stage.sim, SIM_NS_A_S);
        if (n > 400)
            actor_say(&stage.b, 400, 600);
        sim_run_for(stage.sim, SIM_NS_A_S);
        assert_int_equal(stage.a.read_bytes, n);
        assert_int_equal(stage.a.ended, -ERR_RESET);
        assert_int_equal(stage.b.ended, -ERR_RESET);
        stage_close(&stage);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_arrive_in_order_and_split),
        cmocka_unit_test(window_holds_back),
        cmocka_unit_test(partition_delays_and_heals),
        cmocka_unit_test(long_partition_times_out),
        cmocka_unit_test(connect_across_a_partition_times_out),
        cmocka_unit_test(connect_to_no_listener_is_refused),
        cmocka_unit_test(power_cut_leaves_peers_half_open),
        cmocka_unit_test(mute_streams_say_nothing),
        cmocka_unit_test(cut_streams_are_reset),
        cmocka_unit_test(killed_process_closes_its_streams),
        cmocka_unit_test(closing_unread_is_a_reset),
        cmocka_unit_test(closing_sends_what_was_put),
        cmocka_unit_test(late_bytes_are_answered_with_a_reset),
        cmocka_unit_test(weather_partitions_and_heals),
        cmocka_unit_test(a_connection_may_end_behind_a_byte),
    };
    return cmocka_run_group_tests_name("sim_wire", tests, NULL, NULL);
}
