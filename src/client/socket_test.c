/* client/socket_test.c - sockets in the simulator: pipelines and requests over tcp, ipc and inproc. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/must.h"
#include "client/socket_rig.h"

/* Where both sides meet: on two machines, or on one. */
static const struct road {
    const char *bind, *connect;
    char host;
} roads[] = {
    {"tcp://*:5000",   "tcp://a:5000",      'b'},
    { "tcp://*:5000",  "tcp://a:5000/jobs", 'b'},
    { "ipc://jobs",    "ipc://jobs",        'a'},
    { "inproc://jobs", "inproc://jobs",     'a'},
};

/* One of each pattern, met over a road, whoever comes first, whoever binds. */
static void
meet(struct rig *rig, const struct road *road, unsigned order, enum tambo_pattern one, enum tambo_pattern two,
     struct socket **retone, struct socket **rettwo)
{
    enum tambo_pattern bound = (order & 1) != 0 ? two : one, other = (order & 1) != 0 ? one : two;
    struct socket *a, *b;
    if ((order & 2) != 0) {
        b = rig_connected(rig, road->host, other, road->connect);
        rig_run(rig, 50);
        a = rig_bound(rig, 'a', bound, road->bind);
    } else {
        a = rig_bound(rig, 'a', bound, road->bind);
        b = rig_connected(rig, road->host, other, road->connect);
    }
    *retone = (order & 1) != 0 ? b : a;
    *rettwo = (order & 1) != 0 ? a : b;
}

#define EACH_MEETING(road, order)                         \
    for (size_t road = 0; road < COUNT_OF(roads); road++) \
        for (unsigned order = 0; order < 4; order++)

static void
pushes_to_a_puller(void **state)
{
    (void)state;
    EACH_MEETING(road, order)
    {
        struct rig rig;
        struct socket *push, *pull;
        rig_open(&rig);
        meet(&rig, &roads[road], order, TAMBO_PUSH, TAMBO_PULL, &push, &pull);
        rig_run(&rig, 1000);
        assert_int_equal(socket_peers(push), 1);
        assert_int_equal(socket_peers(pull), 1);
        assert_int_equal(rig_send(push, "one"), 0);
        assert_int_equal(rig_send(push, "two|parts"), 0);
        assert_int_equal(rig_send(push, ""), 0);
        rig_run(&rig, 100);
        assert_string_equal(rig_recv(&rig, pull), "one");
        assert_string_equal(rig_recv(&rig, pull), "two|parts");
        assert_string_equal(rig_recv(&rig, pull), "");
        assert_string_equal(rig_recv(&rig, pull), "-");
        assert_int_equal(rig_stats(push).sent, 3);
        assert_int_equal(rig_stats(push).sent_bytes, 11);
        assert_int_equal(rig_stats(pull).received_bytes, 11);
        rig_close(&rig);
    }
}

static void
asks_and_answers(void **state)
{
    (void)state;
    EACH_MEETING(road, order)
    {
        struct rig rig;
        struct socket *req, *rep;
        rig_open(&rig);
        meet(&rig, &roads[road], order, TAMBO_REQ, TAMBO_REP, &req, &rep);
        rig_run(&rig, 1000);
        assert_string_equal(rig_recv(&rig, req), "not in this state");
        assert_int_equal(rig_send(rep, "early"), -ERR_STATE);
        for (unsigned i = 0; i < 3; i++) {
            assert_int_equal(rig_send(req, "ping|1"), 0);
            assert_int_equal(rig_send(req, "again"), -ERR_STATE);
            rig_run(&rig, 100);
            assert_string_equal(rig_recv(&rig, rep), "ping|1");
            assert_string_equal(rig_recv(&rig, rep), "not in this state");
            assert_int_equal(rig_send(rep, "pong|2"), 0);
            rig_run(&rig, 100);
            assert_string_equal(rig_recv(&rig, req), "pong|2");
        }
        rig_close(&rig);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pushes_to_a_puller),
        cmocka_unit_test(asks_and_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
