/* client/socket_entry_test.c - who is let in, identities, what an endpoint is, options. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/must.h"
#include "client/socket_rig.h"
#include "wire/zmtp.h"

/* ---- who is let in ---------------------------------------------------------------------------------------- */

static void
too_many_subscriptions_cost_the_connection(void **state)
{
    static const char *const places[][2] = {
        {"tcp://*:5000", "tcp://a:5000"},
        { "inproc://x",  "inproc://x"  }
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        struct rig rig;
        rig_open(&rig);
        struct socket *pub = rig_socket(&rig, 'a', TAMBO_PUB);
        must(socket_set(pub, TAMBO_SUBSCRIPTIONS_MAX, 2) == 0);
        must(socket_bind(pub, places[i][0]) == 0);
        struct socket *sub = rig_connected(&rig, 'a', TAMBO_SUB, places[i][1]);
        must(socket_subscribe(sub, view_str("a")) == 0);
        must(socket_subscribe(sub, view_str("b")) == 0);
        rig_run(&rig, 50);
        assert_int_equal(socket_peers(pub), 1);
        must(socket_subscribe(sub, view_str("c")) == 0);
        rig_run(&rig, 10);
        assert_int_equal(socket_peers(pub), 0);
        assert_int_equal(rig_stats(pub).refused, 1);
        must(socket_unsubscribe(sub, view_str("c")) == 0);
        rig_run(&rig, 5000);
        assert_int_equal(socket_peers(pub), 1);
        rig_close(&rig);
    }
}

static void
too_many_connections_are_refused(void **state)
{
    static const char *const places[][2] = {
        {"tcp://*:5000", "tcp://a:5000"},
        { "inproc://x",  "inproc://x"  }
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        struct rig rig;
        struct socket *pushes[3];
        rig_open(&rig);
        struct socket *pull = rig_socket(&rig, 'a', TAMBO_PULL);
        must(socket_set(pull, TAMBO_CONNECTIONS_MAX, 2) == 0);
        must(socket_bind(pull, places[i][0]) == 0);
        for (size_t j = 0; j < 3; j++)
            pushes[j] = rig_connected(&rig, 'a', TAMBO_PUSH, places[i][1]);
        rig_run(&rig, 50);
        assert_int_equal(socket_peers(pull), 2);
        assert_true(rig_stats(pull).refused + rig_stats(pushes[2]).refused > 0);
        socket_close(pushes[0]);
        rig_run(&rig, 10000);
        assert_int_equal(socket_peers(pull), 2);
        rig_close(&rig);
    }
}

/* Who was told that it may not come in does not come again at once, but does come again: passwords are mended. */
static void
who_is_denied_takes_its_time(void **state)
{
    struct rig rig;
    struct tambo_event event;
    (void)state;
    rig_open(&rig);
    rig.password = "right";
    struct socket *pull = rig_socket(&rig, 'a', TAMBO_PULL), *push = rig_socket(&rig, 'b', TAMBO_PUSH);
    must(socket_set(pull, TAMBO_PLAIN_SERVER, 1) == 0);
    must(socket_set_text(push, TAMBO_PLAIN_USER, view_str("ana")) == 0);
    must(socket_set_text(push, TAMBO_PLAIN_PASSWORD, view_str("wrong")) == 0);
    must(socket_watch(push) == 0);
    must(socket_bind(pull, "tcp://*:5000") == 0);
    must(socket_connect(push, "tcp://a:5000") == 0);
    rig_run(&rig, 2000);
    do
        must(socket_event(push, &event) == 0);
    while (event.kind != TAMBO_RETRY);
    assert_int_equal(event.error, -ERR_DENIED);
    assert_true(event.value >= 5000);
    assert_int_equal(rig_stats(pull).refused, 1);
    rig.password = "wrong";
    rig_run(&rig, 10000);
    assert_int_equal(socket_peers(push), 1);
    rig_close(&rig);
}

static void
a_pair_is_exclusive(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig);
    struct socket *one = rig_bound(&rig, 'a', TAMBO_PAIR, "tcp://*:5000");
    struct socket *two = rig_connected(&rig, 'b', TAMBO_PAIR, "tcp://a:5000");
    rig_run(&rig, 100);
    struct socket *three = rig_connected(&rig, 'c', TAMBO_PAIR, "tcp://a:5000");
    assert_int_equal(socket_connect(three, "tcp://b:1"), -ERR_FULL);
    rig_run(&rig, 1000);
    assert_int_equal(socket_peers(one), 1);
    assert_int_equal(socket_peers(two), 1);
    assert_true(rig_stats(one).refused > 0);
    assert_int_equal(rig_send(one, "to two"), 0);
    rig_run(&rig, 100);
    assert_string_equal(rig_recv(&rig, two), "to two");
    socket_close(two);
    rig_run(&rig, 20000);
    assert_int_equal(rig_send(one, "to three"), 0);
    rig_run(&rig, 100);
    assert_string_equal(rig_recv(&rig, three), "to three");
    rig_close(&rig);
}

/* ---- identities ------------------------------------------------------------------------------------------- */

static struct socket *
named(struct rig *rig, char host, const char *name)
{
    struct socket *dealer = rig_socket(rig, host, TAMBO_DEALER);
    must(socket_set_text(dealer, TAMBO_ROUTING_ID, view_str(name)) == 0);
    must(socket_connect(dealer, "tcp://a:5000") == 0);
    return dealer;
}

static void
an_identity_is_one_peers(void **state)
{
    (void)state;
    for (int handover = 0; handover < 2; handover++) {
        struct rig rig;
        rig_open(&rig);
        struct socket *router = rig_socket(&rig, 'a', TAMBO_ROUTER);
        must(socket_set(router, TAMBO_ROUTER_HANDOVER, handover) == 0);
        must(socket_set(router, TAMBO_ROUTER_MANDATORY, 1) == 0);
        must(socket_bind(router, "tcp://*:5000") == 0);
        assert_int_equal(rig_send(router, "ana|hi"), -ERR_UNREACHABLE);
        struct socket *one = named(&rig, 'b', "ana");
        rig_run(&rig, 100);
        assert_int_equal(rig_send(one, "from one"), 0);
        rig_run(&rig, 50);
        struct socket *two = named(&rig, 'c', "ana");
        rig_run(&rig, 50);
        assert_int_equal(rig_send(router, "ana|hi"), 0);
        rig_run(&rig, 20);
        assert_string_equal(rig_recv_all(&rig, one), handover ? "" : "hi");
        assert_string_equal(rig_recv_all(&rig, two), handover ? "hi" : "");
        assert_string_equal(rig_recv(&rig, router), "ana|from one");
        rig_close(&rig);
    }
}

static void
who_has_no_identity_is_given_one(void **state)
{
    struct rig rig;
    struct zmtp_slice slice;
    struct zmtp_frame frame = { 0 };
    (void)state;
    rig_open(&rig);
    struct socket *router = rig_bound(&rig, 'a', TAMBO_ROUTER, "tcp://*:5000");
    struct socket *dealer = rig_connected(&rig, 'b', TAMBO_DEALER, "tcp://a:5000");
    rig_run(&rig, 100);
    assert_int_equal(rig_send(dealer, "hi"), 0);
    rig_run(&rig, 100);
    assert_int_equal(socket_recv(router, &slice), 0);
    struct view run = slice.run;
    assert_true(zmtp_frame_next(&run, &frame));
    assert_int_equal(frame.body.len, 5);
    assert_int_equal(frame.body.data[0], 0);
    assert_int_equal(socket_send(router, &slice), 0); /* back to where it came from, as it is */
    rig_run(&rig, 100);
    assert_string_equal(rig_recv(&rig, dealer), "hi");
    rig_close(&rig);
}

/* ---- endpoints and options -------------------------------------------------------------------------------- */

static void
knows_an_endpoint(void **state)
{
    static const char *const wrong[] = {
        "",          "tcp://",      "tcp://*",     "tcp://a",       "tcp://a:",
        "tcp://a:x", "ipc://",      "inproc://",   "ws://a/",       "ws://*:80/a b",
        "udp://a:1", "tcp://:5000", "tcp://[::1]", "tcp://a:65536", "tcp://*:5000/jobs"
    };
    struct rig rig;
    (void)state;
    rig_open(&rig);
    struct socket *pull = rig_socket(&rig, 'a', TAMBO_PULL), *push = rig_socket(&rig, 'a', TAMBO_PUSH);
    assert_null(socket_endpoint(pull));
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        assert_int_equal(socket_bind(pull, wrong[i]), -ERR_ADDRESS);
    assert_int_equal(socket_connect(push, "tcp://a:0"), -ERR_ADDRESS);
    assert_int_equal(socket_connect(push, "tcp://a:*"), -ERR_ADDRESS);
    assert_int_equal(socket_connect(push, "tcp://*:5000"), -ERR_ADDRESS);
    assert_int_equal(socket_bind(pull, "tcp://127.0.0.1:*"), 0);
    assert_non_null(strstr(socket_endpoint(pull), "tcp://127.0.0.1:"));
    assert_int_equal(socket_connect(push, socket_endpoint(pull)), 0);
    rig_run(&rig, 100);
    assert_int_equal(socket_peers(push), 1);
    assert_int_equal(socket_bind(pull, "ws://*:80/jobs"), 0);
    assert_string_equal(socket_endpoint(pull), "ws://127.0.0.1:80/jobs");
    assert_int_equal(socket_connect(push, socket_endpoint(pull)), 0);
    rig_run(&rig, 100);
    assert_int_equal(socket_peers(push), 2);
    assert_int_equal(socket_unbind(pull, "ws://127.0.0.1:80/jobs"), 0);
    assert_int_equal(socket_bind(pull, "tcp://*:5000"), 0);
    assert_string_equal(socket_endpoint(pull), "tcp://127.0.0.1:5000");
    assert_int_equal(socket_bind(push, "tcp://*:5000"), -ERR_ADDRESS_IN_USE);
    assert_int_equal(socket_bind(pull, "inproc://x"), 0);
    assert_int_equal(socket_bind(push, "inproc://x"), -ERR_ADDRESS_IN_USE);
    assert_int_equal(socket_unbind(pull, "inproc://x"), 0);
    assert_int_equal(socket_bind(push, "inproc://x"), 0);
    rig_close(&rig);
}

static void
options_have_ranges_and_their_time(void **state)
{
    struct rig rig;
    int64_t value;
    (void)state;
    rig_open(&rig);
    struct socket *push = rig_socket(&rig, 'a', TAMBO_PUSH);
    assert_int_equal(socket_get(push, TAMBO_SEND_MESSAGES_MAX, &value), 0);
    assert_int_equal(value, 1000);
    assert_int_equal(socket_set(push, TAMBO_SEND_MESSAGES_MAX, 0), -ERR_INVALID);
    assert_int_equal(socket_set(push, TAMBO_ROUTING_ID, 1), -ERR_INVALID);
    assert_int_equal(socket_set_text(push, TAMBO_ROUTING_ID, view_of("\0a", 2)), -ERR_INVALID);
    assert_int_equal(socket_set_text(push, TAMBO_CURVE_SECRET_KEY, view_str("short")), -ERR_INVALID);
    assert_int_equal(socket_set(push, TAMBO_CURVE_SERVER, 1), 0);
    assert_int_equal(socket_bind(push, "inproc://x"), -ERR_INVALID); /* it has no key */
    assert_int_equal(socket_set(push, TAMBO_CURVE_SERVER, 0), 0);
    assert_int_equal(socket_bind(push, "inproc://x"), 0);
    assert_int_equal(socket_set(push, TAMBO_SEND_MESSAGES_MAX, 5), -ERR_STATE);
    assert_int_equal(socket_set(push, TAMBO_LINGER_MS, 5), 0);
    assert_int_equal(socket_subscribe(push, view_str("")), -ERR_INVALID);
    rig_close(&rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(too_many_subscriptions_cost_the_connection),
        cmocka_unit_test(too_many_connections_are_refused),
        cmocka_unit_test(who_is_denied_takes_its_time),
        cmocka_unit_test(a_pair_is_exclusive),
        cmocka_unit_test(an_identity_is_one_peers),
        cmocka_unit_test(who_has_no_identity_is_given_one),
        cmocka_unit_test(knows_an_endpoint),
        cmocka_unit_test(options_have_ranges_and_their_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
