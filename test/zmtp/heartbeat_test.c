/* Is the other side still there: PING, silence, time to live, in the simulator. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/must.h"
#include "io/sim/sim.h"
#include "zmtp/world.h"

static int
setup(void **state)
{
    zmtp_world_setup(state);
    struct zmtp_world *world = *state;
    world->a.side.heartbeat_ms = world->b.side.heartbeat_ms = 10000;
    world->a.side.heartbeat_timeout_ms = world->b.side.heartbeat_timeout_ms = 30000;
    return 0;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, zmtp_world_teardown)

static void
silence_is_asked_and_then_left(void **state)
{
    struct zmtp_world *world = *state;
    zmtp_world_raw_ready(world, 1, "PUSH");
    zmtp_world_wait(world, 9000);
    zmtp_world_expect(world, "");
    zmtp_world_wait(world, 2000);
    zmtp_world_expect(world, "> PING \\00\\00\n");
    zmtp_world_wait(world, 10000);
    zmtp_world_expect(world, "> PING \\00\\00\n");
    zmtp_world_wait(world, 10000);
    zmtp_world_expect(world, "a closed: connection lost: timed out\n");
}

/* Any traffic is a sign of life; where there is some, nobody asks. */
static void
whatever_comes_is_a_sign_of_life(void **state)
{
    struct zmtp_world *world = *state;
    zmtp_world_raw_ready(world, 1, "PUSH");
    for (unsigned i = 0; i < 10; i++) {
        zmtp_world_wait(world, 9000);
        zmtp_world_say(world, i % 2 == 0 ? "00 01" : "[x]");
    }
    zmtp_world_expect(world, "a < x\na < x\na < x\na < x\na < x\n");
}

static void
older_peers_are_not_asked(void **state)
{
    struct zmtp_world *world = *state;
    zmtp_world_raw_ready(world, 0, "PUSH");
    zmtp_world_wait(world, 300000);
    zmtp_world_expect(world, "");
    assert_non_null(world->a.peer);
}

static void
no_heartbeats_no_conclusions(void **state)
{
    struct zmtp_world *world = *state;
    world->a.side.heartbeat_ms = 0;
    zmtp_world_raw_ready(world, 1, "PUSH");
    zmtp_world_wait(world, 300000);
    zmtp_world_expect(world, "");
    zmtp_world_command(world, "PING", "0000");
    zmtp_world_expect(world, "> PONG \n");
}

static void
two_sides_keep_each_other(void **state)
{
    struct zmtp_world *world = *state;
    zmtp_world_meet(world, false);
    zmtp_world_forget(world);
    zmtp_world_wait(world, 600000);
    zmtp_world_expect(world, "");
    assert_true(world->a.peer != NULL && world->b.peer != NULL);
    sim_mute_streams(world->sim, world->a.machine, world->b.machine);
    zmtp_world_wait(world, 31000);
    assert_true(world->a.end.rc == -ERR_TIMEOUT && world->b.end.rc == -ERR_TIMEOUT);
    assert_true(world->a.closed == 1 && world->b.closed == 1);
}

/* The peer says how long it wants to be kept, with our heartbeats off too. */
static void
time_to_live_is_honoured(void **state)
{
    struct zmtp_world *world = *state;
    world->a.side.heartbeat_ms = 0;
    zmtp_world_raw_ready(world, 1, "PUSH");
    zmtp_world_command(world, "PING", "0032");
    zmtp_world_expect(world, "> PONG \n");
    zmtp_world_wait(world, 4000);
    zmtp_world_command(world, "PING", "0032");
    zmtp_world_wait(world, 4500);
    zmtp_world_expect(world, "> PONG \n");
    assert_non_null(world->a.peer);
    zmtp_world_wait(world, 1000);
    zmtp_world_expect(world, "a closed: connection lost: timed out\n");
}

static void
time_to_live_is_taken_back(void **state)
{
    struct zmtp_world *world = *state;
    world->a.side.heartbeat_ms = 0;
    zmtp_world_raw_ready(world, 1, "PUSH");
    zmtp_world_command(world, "PING", "0032");
    zmtp_world_command(world, "PING", "0000");
    zmtp_world_wait(world, 60000);
    assert_non_null(world->a.peer);
}

/* A side whose user cannot take more hears nothing, and is heard all the same. */
static void
who_does_not_read_is_kept(void **state)
{
    struct zmtp_world *world = *state;
    zmtp_world_meet(world, false);
    zmtp_world_forget(world);
    zmtp_peer_pause(world->a.peer);
    zmtp_world_wait(world, 600000);
    assert_true(world->a.peer != NULL && world->b.peer != NULL);
    zmtp_peer_resume(world->a.peer);
    zmtp_world_wait(world, 600000);
    zmtp_world_expect(world, "");
    assert_true(world->a.peer != NULL && world->b.peer != NULL);
}

/* At its high-water mark libzmq reads nothing and says nothing, for as long as its user likes.  When it goes on it
 * answers all PINGs, and from then on it may not be silent. */
static void
who_may_only_be_slow_is_kept(void **state)
{
    struct zmtp_world *world = *state;
    world->a.side.pattern = ZMTP_PUSH;
    zmtp_world_raw_ready(world, 1, "PULL");
    assert_int_equal(zmtp_world_put(&world->a, "job"), 0);
    zmtp_world_wait(world, 200000);
    assert_non_null(world->a.peer);
    for (unsigned i = 0; i < 20; i++)
        zmtp_world_command(world, "PONG", "");
    zmtp_world_forget(world);
    zmtp_world_wait(world, 31000);
    zmtp_world_expect(world, "> PING \\00\\00\n> PING \\00\\00\na closed: connection lost: timed out\n");
}

/* The PONG of an older PING says nothing of what was put since. */
static void
a_pong_is_for_what_was_before_its_ping(void **state)
{
    struct zmtp_world *world = *state;
    world->a.side.pattern = ZMTP_PUSH;
    zmtp_world_raw_ready(world, 1, "PULL");
    zmtp_world_wait(world, 11000);
    zmtp_world_expect(world, "> PING \\00\\00\n");
    assert_int_equal(zmtp_world_put(&world->a, "job"), 0);
    zmtp_world_command(world, "PONG", "");
    zmtp_world_wait(world, 200000);
    assert_non_null(world->a.peer);
}

/* One request cannot be too much for anybody. */
static void
silence_behind_a_request_counts(void **state)
{
    struct zmtp_world *world = *state;
    world->a.side.pattern = ZMTP_REQ;
    zmtp_world_raw_ready(world, 1, "REP");
    assert_int_equal(zmtp_world_put(&world->a, "+ask"), 0);
    zmtp_world_wait(world, 31000);
    assert_int_equal(world->a.end.rc, -ERR_TIMEOUT);
}

/* A machine that is gone acknowledges nothing. */
static void
a_dead_machine_is_left_though_messages_wait(void **state)
{
    struct zmtp_world *world = *state;
    zmtp_world_meet(world, false);
    sim_power_cut(world->a.machine);
    assert_int_equal(zmtp_world_put(&world->b, "job"), 0);
    zmtp_world_wait(world, 29000);
    assert_non_null(world->b.peer);
    zmtp_world_wait(world, 12000);
    assert_int_equal(world->b.end.rc, -ERR_TIMEOUT);
}

static void
is_through_when_all_is_read(void **state)
{
    struct zmtp_world *world = *state;
    zmtp_world_meet(world, false);
    assert_true(zmtp_peer_is_through(world->b.peer));
    zmtp_peer_pause(world->a.peer);
    assert_int_equal(zmtp_world_put(&world->b, "job"), 0);
    assert_int_equal(zmtp_peer_unsent(world->b.peer), 0);
    assert_false(zmtp_peer_is_through(world->b.peer));
    zmtp_world_wait(world, 1000);
    assert_false(zmtp_peer_is_through(world->b.peer));
    zmtp_world_forget(world);
    zmtp_peer_resume(world->a.peer);
    zmtp_world_run(world);
    zmtp_world_expect(world, "a < job\nb ponged 0\n");
    assert_true(zmtp_peer_is_through(world->b.peer));
}

static void
sealed_heartbeats(void **state)
{
    struct zmtp_world *world = *state;
    zmtp_world_curve(world);
    zmtp_world_meet(world, false);
    zmtp_world_forget(world);
    zmtp_world_wait(world, 100000);
    zmtp_world_expect(world, "");
    assert_true(world->a.peer != NULL && world->b.peer != NULL);
}

/* A black hole: the handshake's time is also that of connecting. */
static void
connecting_takes_no_longer_than_a_handshake(void **state)
{
    struct zmtp_world *world = *state;
    sim_partition(world->sim, world->a.machine, world->b.machine, true);
    zmtp_world_meet(world, false);
    zmtp_world_wait(world, 6000);
    zmtp_world_expect(world, "b closed: cannot connect: timed out\n");
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(silence_is_asked_and_then_left),
        CASE(whatever_comes_is_a_sign_of_life),
        CASE(older_peers_are_not_asked),
        CASE(no_heartbeats_no_conclusions),
        CASE(two_sides_keep_each_other),
        CASE(time_to_live_is_honoured),
        CASE(time_to_live_is_taken_back),
        CASE(who_does_not_read_is_kept),
        CASE(who_may_only_be_slow_is_kept),
        CASE(a_pong_is_for_what_was_before_its_ping),
        CASE(silence_behind_a_request_counts),
        CASE(a_dead_machine_is_left_though_messages_wait),
        CASE(is_through_when_all_is_read),
        CASE(sealed_heartbeats),
        CASE(connecting_takes_no_longer_than_a_handshake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
