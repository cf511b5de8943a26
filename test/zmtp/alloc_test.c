/* Every allocation of a conversation fails in turn: whoever it hits, nothing hangs, leaks, or is told twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "zmtp/world.h"

/* Calls are counted from here on, on the machine of `party`. */
static bool
stumble(enum zmtp_mechanism mechanism, bool is_web, bool of_b, uint64_t n)
{
    static struct zmtp_world world;
    zmtp_world_open(&world);
    world.is_web = is_web;
    struct zmtp_party *party = of_b ? &world.b : &world.a;
    if (mechanism == ZMTP_CURVE)
        zmtp_world_curve(&world);
    world.a.side.mechanism = world.b.side.mechanism = mechanism;
    world.a.side.pattern = ZMTP_ROUTER;
    world.b.side.pattern = ZMTP_DEALER;
    world.a.side.heartbeat_ms = world.b.side.heartbeat_ms = 1000;
    world.a.side.heartbeat_timeout_ms = world.b.side.heartbeat_timeout_ms = 3000;
    world.b.side.identity = view_str("bo");
    uint64_t before = party->mem.calls;
    party->mem.fail_at = before + n;
    zmtp_world_meet(&world, false);
    (void)zmtp_world_put(&world.a, "hello+you");
    (void)zmtp_world_put_large(&world.a, 5000);
    (void)zmtp_world_put_large(&world.b, 400000);
    zmtp_world_wait(&world, 5000);
    bool reached = party->mem.calls >= before + n;
    party->mem.fail_at = 0;
    if (world.b.peer != NULL)
        zmtp_peer_close(world.b.peer);
    zmtp_world_wait(&world, 10000);
    assert_int_equal(world.a.closed, world.a.begun);
    assert_int_equal(world.b.closed, world.b.begun);
    assert_true(reached || (world.a.messages == 1 && world.b.messages == 2));
    zmtp_world_close(&world);
    return reached;
}

static void
each_in_turn(enum zmtp_mechanism mechanism, bool is_web)
{
    for (unsigned of_b = 0; of_b < 2; of_b++) {
        uint64_t n = 1;
        while (stumble(mechanism, is_web, of_b, n))
            n++;
        assert_true(n > 5);
    }
}

static void
with_null(void **state)
{
    (void)state;
    each_in_turn(ZMTP_NULL, false);
}

static void
with_plain(void **state)
{
    (void)state;
    each_in_turn(ZMTP_PLAIN, false);
}

static void
with_curve(void **state)
{
    (void)state;
    each_in_turn(ZMTP_CURVE, false);
}

static void
over_websocket(void **state)
{
    (void)state;
    each_in_turn(ZMTP_NULL, true);
    each_in_turn(ZMTP_CURVE, true);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_null),
        cmocka_unit_test(with_plain),
        cmocka_unit_test(with_curve),
        cmocka_unit_test(over_websocket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
