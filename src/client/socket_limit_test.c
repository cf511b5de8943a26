/* client/socket_limit_test.c - limits and policies, turns, publishing to many, no memory. */
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
        cmocka_unit_test(survives_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
