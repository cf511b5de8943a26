/* client/socket_limit_test.c - limits and policies; identities; who is let in; what an endpoint is; no memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/must.h"
#include "client/socket_rig.h"
#include "wire/zmtp.h"

/* ---- limits ----------------------------------------------------------------------------------------------- */

/* What is queued for a peer that is not there yet: of `limit`, under `policy`. */
static struct socket *
queue_four(struct rig *rig, enum tambo_option limit, int64_t value, int64_t policy, int want_fourth)
{
    struct socket *push = rig_socket(rig, 'b', TAMBO_PUSH);
    must(socket_set(push, limit, value) == 0);
    must(socket_set(push, TAMBO_SEND_POLICY, policy) == 0);
    must(socket_connect(push, "tcp://a:5000") == 0);
    assert_int_equal(rig_send(push, "1"), 0);
    assert_int_equal(rig_send(push, "2"), 0);
    assert_int_equal(rig_send(push, "3"), 0);
    assert_int_equal(socket_ready(push), policy == TAMBO_BLOCK ? 0 : TAMBO_CAN_SEND);
    assert_int_equal(rig_send(push, "4"), want_fourth);
    return push;
}

static void
a_full_queue_follows_its_policy(void **state)
{
    static const struct {
        int64_t policy;
        int rc;
        const char *got;
    } rows[] = {
        {TAMBO_BLOCK,     -ERR_AGAIN, "1 2 3"},
        { TAMBO_DROP_NEW, 0,          "1 2 3"},
        { TAMBO_DROP_OLD, 0,          "2 3 4"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows) * 2; i++) {
        bool bytes = i >= COUNT_OF(rows);
        size_t row = i % COUNT_OF(rows);
        struct rig rig;
        rig_open(&rig);
        struct socket *push = queue_four(&rig, bytes ? TAMBO_SEND_BYTES_MAX : TAMBO_SEND_MESSAGES_MAX, bytes ? 9 : 3,
                                         rows[row].policy, rows[row].rc);
        assert_int_equal(rig_stats(push).dropped, rows[row].rc == 0);
        struct socket *pull = rig_bound(&rig, 'a', TAMBO_PULL, "tcp://*:5000");
        rig_run(&rig, 10000);
        assert_string_equal(rig_recv_all(&rig, pull), rows[row].got);
        assert_int_equal(rig_send(push, "5"), 0);
        rig_close(&rig);
    }
}

static void
only_the_newest_is_kept(void **state)
{
    (void)state;
    for (unsigned sub = 0; sub < 2; sub++) {
        for (unsigned inproc = 0; inproc < 2; inproc++) {
            struct rig rig;
            rig_open(&rig);
            struct socket *from = rig_bound(&rig, 'a', sub ? TAMBO_PUB : TAMBO_PUSH, inproc ? "inproc://x" : "ipc://x");
            struct socket *to = rig_socket(&rig, 'a', sub ? TAMBO_SUB : TAMBO_PULL);
            must(socket_set(to, TAMBO_CONFLATE, 1) == 0);
            must(socket_connect(to, inproc ? "inproc://x" : "ipc://x") == 0);
            if (sub)
                must(socket_subscribe(to, view_str("")) == 0);
            rig_run(&rig, 100);
            for (unsigned i = 0; i < 5; i++) {
                char text[2] = { (char)('0' + i), '\0' };
                assert_int_equal(rig_send(from, text), 0);
            }
            rig_run(&rig, 100);
            assert_string_equal(rig_recv_all(&rig, to), "4");
            rig_close(&rig);
        }
    }
}

static void
nobody_is_queued_for_when_told_so(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig);
    struct socket *push = rig_socket(&rig, 'b', TAMBO_PUSH);
    must(socket_set(push, TAMBO_CONNECTED_ONLY, 1) == 0);
    must(socket_connect(push, "tcp://a:5000") == 0);
    assert_int_equal(rig_send(push, "no"), -ERR_AGAIN);
    struct socket *pull = rig_bound(&rig, 'a', TAMBO_PULL, "tcp://*:5000");
    rig_run(&rig, 5000);
    assert_int_equal(rig_send(push, "yes"), 0);
    rig_run(&rig, 100);
    assert_string_equal(rig_recv_all(&rig, pull), "yes");
    rig_close(&rig);
}

static void
inproc_has_both_limits(void **state)
{
    struct rig rig;
    unsigned sent = 0;
    (void)state;
    rig_open(&rig);
    struct socket *push = rig_socket(&rig, 'a', TAMBO_PUSH), *pull = rig_socket(&rig, 'a', TAMBO_PULL);
    must(socket_set(push, TAMBO_SEND_MESSAGES_MAX, 3) == 0);
    must(socket_set(pull, TAMBO_RECV_MESSAGES_MAX, 2) == 0);
    must(socket_bind(pull, "inproc://x") == 0);
    must(socket_connect(push, "inproc://x") == 0);
    rig_run(&rig, 1);
    while (rig_send(push, "m") == 0)
        sent++;
    assert_int_equal(sent, 5);
    assert_string_equal(rig_recv(&rig, pull), "m");
    assert_int_equal(socket_ready(push), TAMBO_CAN_SEND);
    assert_string_equal(rig_recv_all(&rig, pull), "m m m m");
    rig_close(&rig);
}

/* A receiver that does not take is not read from, and the sender feels it. */
static void
a_slow_receiver_holds_its_sender_back(void **state)
{
    struct rig rig;
    uint64_t sent = 0, got = 0;
    struct zmtp_slice slice;
    (void)state;
    rig_open(&rig);
    struct socket *pull = rig_socket(&rig, 'a', TAMBO_PULL);
    must(socket_set(pull, TAMBO_RECV_MESSAGES_MAX, 10) == 0);
    must(socket_bind(pull, "tcp://*:5000") == 0);
    struct socket *push = rig_connected(&rig, 'b', TAMBO_PUSH, "tcp://a:5000");
    rig_run(&rig, 100);
    for (unsigned i = 0; i < 100; i++) {
        while (rig_send(push, "0123456789012345678901234567890123456789") == 0)
            sent++;
        rig_run(&rig, 10);
    }
    assert_true(sent < 40000);
    assert_true(rig_stats(pull).waiting_recv <= rig_stats(push).sent);
    for (unsigned i = 0; i < 2000 && got < sent; i++) {
        while (socket_recv(pull, &slice) == 0) {
            zmtp_chunk_unref(slice.chunk);
            got++;
        }
        rig_run(&rig, 1);
    }
    assert_int_equal(got, sent);
    rig_close(&rig);
}

/* ---- turns ------------------------------------------------------------------------------------------------ */

static void
takes_turns(void **state)
{
    static const char *const places[] = { "tcp://a:5000", "tcp://b:5000", "tcp://c:5000" };
    struct rig rig;
    (void)state;
    rig_open(&rig);
    struct socket *push = rig_socket(&rig, 'd', TAMBO_PUSH), *pulls[3];
    for (size_t i = 0; i < 3; i++) {
        pulls[i] = rig_bound(&rig, (char)('a' + i), TAMBO_PULL, "tcp://*:5000");
        must(socket_connect(push, places[i]) == 0);
    }
    rig_run(&rig, 100);
    for (unsigned i = 0; i < 9; i++)
        assert_int_equal(rig_send(push, "m"), 0);
    rig_run(&rig, 100);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(rig_recv_all(&rig, pulls[i]), "m m m");

    struct socket *pull = rig_bound(&rig, 'd', TAMBO_PULL, "inproc://x");
    for (size_t i = 0; i < 3; i++) {
        struct socket *one = rig_connected(&rig, 'd', TAMBO_PUSH, "inproc://x");
        char text[2] = { (char)('0' + i), '\0' };
        for (unsigned j = 0; j < 3; j++)
            assert_int_equal(rig_send(one, text), 0);
    }
    rig_run(&rig, 100);
    assert_string_equal(rig_recv_all(&rig, pull), "0 1 2 0 1 2 0 1 2");
    rig_close(&rig);
}

static void
publishes_to_whom_it_concerns(void **state)
{
    static const char *const wants[] = { "a", "ab", "" };
    struct rig rig;
    (void)state;
    rig_open(&rig);
    struct socket *pub = rig_bound(&rig, 'a', TAMBO_PUB, "tcp://*:5000"), *subs[3];
    must(socket_bind(pub, "inproc://pub") == 0);
    for (size_t i = 0; i < 3; i++) {
        subs[i] = rig_connected(&rig, i == 1 ? 'a' : 'b', TAMBO_SUB, i == 1 ? "inproc://pub" : "tcp://a:5000");
        must(socket_subscribe(subs[i], view_str(wants[i])) == 0);
    }
    rig_run(&rig, 100);
    assert_int_equal(socket_peers(pub), 3);
    static char big[20000];
    memset(big, 'a', sizeof big - 1);
    assert_int_equal(rig_send(pub, "abc|1"), 0);
    assert_int_equal(rig_send(pub, "ac"), 0);
    assert_int_equal(rig_send(pub, "b"), 0);
    assert_int_equal(rig_send(pub, big), 0);
    rig_run(&rig, 100);
    assert_string_equal(rig_recv(&rig, subs[0]), "abc|1");
    assert_string_equal(rig_recv(&rig, subs[0]), "ac");
    assert_string_equal(rig_recv_all(&rig, subs[1]), "abc|1");
    assert_string_equal(rig_recv(&rig, subs[2]), "abc|1");
    assert_string_equal(rig_recv(&rig, subs[2]), "ac");
    assert_string_equal(rig_recv(&rig, subs[2]), "b");
    for (size_t i = 0; i < 3; i += 2) {
        struct zmtp_slice slice;
        assert_int_equal(socket_recv(subs[i], &slice), 0);
        assert_int_equal(slice.run.len, sizeof big - 1 + ZMTP_FRAME_HEAD_MAX);
        zmtp_chunk_unref(slice.chunk);
    }
    rig_close(&rig);
}

static void
xpub_may_hear_every_subscription(void **state)
{
    (void)state;
    for (int verbose = 0; verbose < 2; verbose++) {
        struct rig rig;
        rig_open(&rig);
        struct socket *pub = rig_bound(&rig, 'a', TAMBO_XPUB, "tcp://*:5000"), *subs[2];
        must(socket_set(pub, TAMBO_XPUB_VERBOSE, verbose) == 0);
        for (size_t i = 0; i < 2; i++) {
            subs[i] = rig_connected(&rig, 'b', TAMBO_SUB, "tcp://a:5000");
            must(socket_subscribe(subs[i], view_str("x")) == 0);
        }
        rig_run(&rig, 100);
        assert_string_equal(rig_recv_all(&rig, pub), verbose ? "1x 1x" : "1x");
        socket_close(subs[0]);
        rig_run(&rig, 100);
        assert_string_equal(rig_recv_all(&rig, pub), "");
        socket_close(subs[1]);
        rig_run(&rig, 100);
        assert_string_equal(rig_recv_all(&rig, pub), "0x");
        rig_close(&rig);
    }
}

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
    struct zmtp_frame frame;
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
        "",          "tcp://",     "tcp://*",   "tcp://a",     "tcp://a:",    "tcp://a:x",     "ipc://",
        "inproc://", "ws://a:80/", "udp://a:1", "tcp://:5000", "tcp://[::1]", "tcp://a:65536", "tcp://*:5000/jobs"
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

/* ---- no memory -------------------------------------------------------------------------------------------- */

/* However the first calls end, nothing is left behind, and all works when there is memory again. */
static void
use_poor(struct rig *rig, enum tambo_pattern one, enum tambo_pattern two, const char *const places[2])
{
    static const struct socket_on on = { 0 };
    static char big[10000];
    struct socket_world *world = rig->hosts[0].world;
    struct socket *a = NULL, *b = NULL;
    memset(big, 'x', sizeof big - 1);
    (void)socket_new(world, one, &on, NULL, &a);
    (void)socket_new(world, two, &on, NULL, &b);
    if (a != NULL)
        (void)socket_bind(a, places[0]);
    if (b != NULL)
        (void)socket_connect(b, places[1]);
    if (b != NULL && two == TAMBO_SUB)
        (void)socket_subscribe(b, view_str("x"));
    rig_run(rig, 1000);
    for (unsigned i = 0; i < 3; i++) {
        if (a != NULL)
            (void)rig_send(a, i == 1 ? big : "x|small");
        if (b != NULL)
            (void)rig_send(b, i == 1 ? big : "x|small");
        rig_run(rig, 1000);
        if (a != NULL && two != TAMBO_SUB)
            (void)rig_send(a, "x");
    }
    struct zmtp_slice slice;
    for (unsigned i = 0; i < 2; i++) {
        struct socket *socket = i == 0 ? a : b;
        while (socket != NULL && socket_recv(socket, &slice) == 0)
            zmtp_chunk_unref(slice.chunk);
        if (socket != NULL)
            socket_close(socket);
    }
    rig_run(rig, 31000);
    assert_int_equal(socket_world_count(world), 0);
}

static void
survives_without_memory(void **state)
{
    static const enum tambo_pattern pairs[][2] = {
        {TAMBO_PULL,    TAMBO_PUSH},
        { TAMBO_ROUTER, TAMBO_REQ },
        { TAMBO_REP,    TAMBO_REQ },
        { TAMBO_XPUB,   TAMBO_SUB },
        { TAMBO_PAIR,   TAMBO_PAIR},
    };
    static const char *const places[][2] = {
        {"ipc://x",     "ipc://x"   },
        { "inproc://x", "inproc://x"}
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(pairs) * COUNT_OF(places); i++) {
        const enum tambo_pattern *pair = pairs[i / COUNT_OF(places)];
        uint64_t calls = UINT64_MAX;
        for (uint64_t fail_at = 0; fail_at <= calls && fail_at < 300; fail_at++) {
            struct rig rig;
            rig_open(&rig);
            struct mem *mem = &rig.hosts[0].mem;
            mem->calls = 0;
            mem->fail_at = fail_at;
            use_poor(&rig, pair[0], pair[1], places[i % COUNT_OF(places)]);
            if (fail_at == 0)
                calls = mem->calls;
            rig_close(&rig);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_queue_follows_its_policy),
        cmocka_unit_test(only_the_newest_is_kept),
        cmocka_unit_test(nobody_is_queued_for_when_told_so),
        cmocka_unit_test(inproc_has_both_limits),
        cmocka_unit_test(a_slow_receiver_holds_its_sender_back),
        cmocka_unit_test(takes_turns),
        cmocka_unit_test(publishes_to_whom_it_concerns),
        cmocka_unit_test(xpub_may_hear_every_subscription),
        cmocka_unit_test(too_many_subscriptions_cost_the_connection),
        cmocka_unit_test(too_many_connections_are_refused),
        cmocka_unit_test(who_is_denied_takes_its_time),
        cmocka_unit_test(a_pair_is_exclusive),
        cmocka_unit_test(an_identity_is_one_peers),
        cmocka_unit_test(who_has_no_identity_is_given_one),
        cmocka_unit_test(knows_an_endpoint),
        cmocka_unit_test(options_have_ranges_and_their_time),
        cmocka_unit_test(survives_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
