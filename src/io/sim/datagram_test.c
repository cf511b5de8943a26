/* Datagrams between simulated machines fail the way networks do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "io/sim/stage.h"

enum { LETTERS = 1000, PORT = 111 };

/* What each side has; the stage's actors only lend their machines. */
struct side {
    struct io_datagram *datagram;
    unsigned heard[LETTERS], all, refused;
    unsigned newest, overtaken;
};

static struct side server, client;

static void
on_read(void *arg, const struct io_remote *from, struct view bytes)
{
    struct side *side = arg;
    unsigned number;
    (void)from;
    assert_int_equal(bytes.len, sizeof(number));
    memcpy(&number, bytes.data, sizeof(number));
    assert_true(number < LETTERS);
    side->heard[number]++;
    side->all++;
    side->overtaken += number < side->newest;
    if (number > side->newest)
        side->newest = number;
}

static void
on_refused(void *arg, int rc)
{
    struct side *side = arg;
    assert_int_equal(rc, -ERR_REFUSED);
    side->refused++;
}

static void
on_closed(void *arg)
{
    ((struct side *)arg)->datagram = NULL;
}

static const struct io_datagram_on side_on = { .read = on_read, .refused = on_refused, .closed = on_closed };

static int
serve(struct actor *actor)
{
    const struct io_address any = { .kind = IO_TCP, .host = "*", .port = PORT };
    return io_datagram_open(actor->io, &any, NULL, &side_on, &server, &server.datagram);
}

static int
call(struct actor *actor)
{
    const struct io_address a = { .kind = IO_TCP, .host = "a", .port = PORT };
    return io_datagram_open(actor->io, NULL, &a, &side_on, &client, &client.datagram);
}

static void
open_stage(struct stage *stage, uint64_t seed, const char *profile)
{
    server = client = (struct side){ 0 };
    stage_open(stage, seed, profile);
    stage_play(stage, &stage->a, serve);
    stage_play(stage, &stage->b, call);
}

static void
say(unsigned number)
{
    assert_int_equal(io_datagram_put(client.datagram, NULL, view_of(&number, sizeof(number))), 0);
}

static void
say_all(struct stage *stage)
{
    for (unsigned i = 0; i < LETTERS; i++) {
        say(i);
        sim_run_for(stage->sim, SIM_NS_A_MS);
    }
    sim_run_for(stage->sim, 10 * SIM_NS_A_S);
}

static unsigned
count(unsigned times)
{
    unsigned n = 0;
    for (unsigned i = 0; i < LETTERS; i++)
        n += server.heard[i] == times;
    return n;
}

static void
on_a_calm_net_none_is_lost(void **state)
{
    struct stage stage;
    (void)state;
    open_stage(&stage, 1, "calm");
    say_all(&stage);
    assert_int_equal(count(1), LETTERS);
    stage_close(&stage);
}

static void
on_a_bad_one_they_are_lost_come_twice_and_overtake(void **state)
{
    struct stage stage;
    (void)state;
    struct sim_profile bad = *sim_profile_find("lossy");
    bad.partition_every_ns = 0;
    open_stage(&stage, 2, "calm");
    sim_profile_set(stage.sim, &bad);
    say_all(&stage);
    assert_in_range(count(0), LETTERS / 20, LETTERS / 5);
    assert_in_range(count(2), LETTERS / 100, LETTERS / 10);
    assert_int_equal(count(0) + count(1) + count(2), LETTERS);
    assert_true(server.overtaken > LETTERS / 10);
    stage_close(&stage);
}

static void
the_same_seed_is_the_same_net(void **state)
{
    uint64_t hash = 0;
    unsigned all = 0;
    (void)state;
    for (unsigned run = 0; run < 2; run++) {
        struct stage stage;
        open_stage(&stage, 3, "lossy");
        say_all(&stage);
        assert_true(run == 0 || (sim_hash(stage.sim) == hash && server.all == all));
        hash = sim_hash(stage.sim);
        all = server.all;
        stage_close(&stage);
    }
}

static void
nothing_passes_a_partition(void **state)
{
    struct stage stage;
    (void)state;
    open_stage(&stage, 4, "calm");
    sim_partition(stage.sim, stage.a.machine, stage.b.machine, true);
    say(0);
    sim_run_for(stage.sim, SIM_NS_A_S);
    sim_partition(stage.sim, stage.a.machine, stage.b.machine, false);
    sim_run_for(stage.sim, SIM_NS_A_S);
    assert_int_equal(server.all + client.refused, 0);
    say(1);
    sim_run_for(stage.sim, SIM_NS_A_S);
    assert_int_equal(server.heard[1], 1);
    stage_close(&stage);
}

/* The system of a machine whose program died says so; a machine without power says nothing. */
static void
who_is_gone_refuses_and_who_has_no_power_is_silent(void **state)
{
    struct stage stage;
    (void)state;
    open_stage(&stage, 5, "calm");
    sim_kill(stage.a.machine);
    say(0);
    sim_run_for(stage.sim, SIM_NS_A_S);
    assert_int_equal(client.refused, 1);
    sim_power_cut(stage.a.machine);
    say(1);
    sim_run_for(stage.sim, SIM_NS_A_S);
    assert_int_equal(client.refused, 1);
    stage_play(&stage, &stage.a, serve);
    say(2);
    sim_run_for(stage.sim, SIM_NS_A_S);
    assert_int_equal(server.all, 1);
    assert_int_equal(server.heard[2], 1);
    stage_close(&stage);
}

/* Under way, and just come: neither may reach a program that is no more. */
static void
letters_of_the_dead(void **state)
{
    (void)state;
    for (uint64_t us = 1; us < 700; us += 7) {
        struct stage stage;
        open_stage(&stage, 6 + us, "calm");
        for (unsigned i = 0; i < 20; i++)
            say(i);
        sim_run_for(stage.sim, us * SIM_NS_A_US);
        unsigned before = server.all;
        sim_kill(stage.a.machine);
        sim_run_for(stage.sim, SIM_NS_A_S);
        assert_int_equal(server.all, before);
        sim_kill(stage.b.machine);
        sim_run_for(stage.sim, SIM_NS_A_S);
        stage_close(&stage);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(on_a_calm_net_none_is_lost),
        cmocka_unit_test(on_a_bad_one_they_are_lost_come_twice_and_overtake),
        cmocka_unit_test(the_same_seed_is_the_same_net),
        cmocka_unit_test(nothing_passes_a_partition),
        cmocka_unit_test(who_is_gone_refuses_and_who_has_no_power_is_silent),
        cmocka_unit_test(letters_of_the_dead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
