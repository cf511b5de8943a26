/* client/socket_loss_test.c - sockets whose connections break, whose peers fall silent, who leave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/must.h"
#include "client/socket_rig.h"
#include "wire/zmtp.h"

/* ---- pipelines -------------------------------------------------------------------------------------------- */

static void
what_waits_survives_a_loss(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig);
    struct socket *push = rig_connected(&rig, 'b', TAMBO_PUSH, "tcp://a:5000");
    assert_int_equal(rig_send(push, "one"), 0);
    assert_int_equal(rig_send(push, "two"), 0);
    assert_int_equal(rig_stats(push).waiting_send, 2);
    rig_run(&rig, 3000);
    struct socket *pull = rig_bound(&rig, 'a', TAMBO_PULL, "tcp://*:5000");
    rig_run(&rig, 10000);
    assert_string_equal(rig_recv_all(&rig, pull), "one two");
    rig_reboot(&rig, 'a');
    assert_int_equal(socket_peers(push), 0);
    assert_int_equal(rig_send(push, "three"), 0);
    pull = rig_bound(&rig, 'a', TAMBO_PULL, "tcp://*:5000");
    rig_run(&rig, 10000);
    assert_string_equal(rig_recv_all(&rig, pull), "three");
    assert_int_equal(rig_stats(push).lost, 0);
    rig_close(&rig);
}

/* Each message is its number. */
static bool
push_number(struct socket *push, uint32_t number, size_t size)
{
    uint8_t bytes[1024] = { 0 };
    struct tambo_part part = { .data = bytes, .len = size };
    memcpy(bytes, &number, sizeof number);
    int rc = socket_send_parts(push, &part, 1);
    assert_true(rc == 0 || rc == -ERR_AGAIN);
    return rc == 0;
}

static int64_t
pull_number(struct socket *pull)
{
    struct zmtp_slice slice;
    struct zmtp_frame frame;
    uint32_t number;
    if (socket_recv(pull, &slice) < 0)
        return -1;
    must(zmtp_frame_next(&slice.run, &frame));
    memcpy(&number, frame.body.data, sizeof number);
    zmtp_chunk_unref(slice.chunk);
    return number;
}

/* Nothing comes twice, what did not come was in the connection that broke, and order is kept. */
static void
nothing_leaves_twice(void **state)
{
    struct rig rig;
    uint32_t sent = 0, received = 0, cuts = 0;
    int64_t newest = -1, number;
    (void)state;
    rig_open(&rig);
    struct socket *push = rig_connected(&rig, 'b', TAMBO_PUSH, "tcp://a:5000");
    struct socket *pull = rig_bound(&rig, 'a', TAMBO_PULL, "tcp://*:5000");
    for (unsigned round = 0; round < 200; round++) {
        while (push_number(push, sent, 200))
            sent++;
        if (round % 20 == 10) {
            rig_cut(&rig, 'a', 'b');
            cuts++;
        }
        rig_run(&rig, 20);
        for (unsigned i = 0; i < 3000 && (number = pull_number(pull)) >= 0; i++) {
            assert_true(number > newest);
            newest = number;
            received++;
        }
    }
    for (unsigned idle = 0; idle < 1000; idle++) {
        while ((number = pull_number(pull)) >= 0) {
            assert_true(number > newest);
            newest = number;
            received++;
        }
        rig_run(&rig, 20);
    }
    assert_int_equal(newest, sent - 1);
    assert_true(rig_stats(push).lost > 0);
    assert_true(received + rig_stats(push).lost <= sent + cuts);
    assert_true(received > sent / 2);
    rig_close(&rig);
}

/* ---- requests --------------------------------------------------------------------------------------------- */

static void
a_request_goes_to_another_when_its_peer_dies(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig);
    struct socket *reps[] = { rig_bound(&rig, 'a', TAMBO_REP, "tcp://*:5000"),
                              rig_bound(&rig, 'b', TAMBO_REP, "tcp://*:5000") };
    struct socket *req = rig_connected(&rig, 'c', TAMBO_REQ, "tcp://a:5000");
    must(socket_connect(req, "tcp://b:5000") == 0);
    rig_run(&rig, 1000);
    assert_int_equal(rig_send(req, "ping"), 0);
    rig_run(&rig, 100);
    unsigned first = strcmp(rig_recv(&rig, reps[0]), "ping") == 0 ? 0 : 1;
    if (first == 1)
        assert_string_equal(rig_recv(&rig, reps[1]), "ping");
    rig_cut(&rig, first == 0 ? 'a' : 'b', 'c');
    rig_run(&rig, 1000);
    assert_int_equal(rig_send(reps[first], "late"), 0);
    assert_int_equal(rig_stats(reps[first]).unroutable, 1);
    assert_string_equal(rig_recv(&rig, reps[!first]), "ping");
    assert_int_equal(rig_send(reps[!first], "pong"), 0);
    rig_run(&rig, 1000);
    assert_string_equal(rig_recv(&rig, req), "pong");
    assert_int_equal(rig_stats(req).resent, 1);
    rig_close(&rig);
}

static void
a_request_waits_for_its_peer_to_come_back(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig);
    struct socket *req = rig_connected(&rig, 'b', TAMBO_REQ, "tcp://a:5000");
    assert_int_equal(rig_send(req, "ping"), 0);
    rig_run(&rig, 1000);
    rig_bound(&rig, 'a', TAMBO_REP, "tcp://*:5000");
    rig_run(&rig, 10000);
    rig_reboot(&rig, 'a');
    struct socket *rep = rig_bound(&rig, 'a', TAMBO_REP, "tcp://*:5000");
    rig_run(&rig, 10000);
    assert_string_equal(rig_recv(&rig, rep), "ping");
    assert_int_equal(rig_send(rep, "pong"), 0);
    rig_run(&rig, 100);
    assert_string_equal(rig_recv(&rig, req), "pong");
    rig_close(&rig);
}

static void
a_request_without_a_reply_is_sent_again(void **state)
{
    (void)state;
    for (int ids = 0; ids < 2; ids++) {
        struct rig rig;
        rig_open(&rig);
        struct socket *rep = rig_bound(&rig, 'a', TAMBO_REP, "tcp://*:5000");
        struct socket *req = rig_socket(&rig, 'b', TAMBO_REQ);
        must(socket_set(req, TAMBO_REQUEST_IDS, ids) == 0);
        must(socket_set(req, TAMBO_RESEND_MS, 500) == 0);
        must(socket_connect(req, "tcp://a:5000") == 0);
        rig_run(&rig, 100);
        assert_int_equal(rig_send(req, "ping"), 0);
        rig_run(&rig, 100);
        assert_string_equal(rig_recv(&rig, rep), "ping");
        rig_run(&rig, 800);
        assert_int_equal(rig_stats(req).resent, 1);
        /* With a number any answer to it will do; else the connection is another one, and the old answer has none. */
        assert_int_equal(rig_send(rep, "slow"), 0);
        rig_run(&rig, 100);
        assert_string_equal(rig_recv(&rig, req), ids ? "slow" : "-");
        assert_string_equal(rig_recv(&rig, rep), "ping");
        assert_int_equal(rig_send(rep, "pong"), 0);
        rig_run(&rig, 100);
        assert_string_equal(rig_recv(&rig, req), ids ? "not in this state" : "pong");
        assert_int_equal(rig_stats(req).stale, ids);
        rig_close(&rig);
    }
}

static void
a_new_request_never_gets_the_old_reply(void **state)
{
    (void)state;
    for (unsigned meeting = 0; meeting < 2 * RIG_MEETINGS; meeting++) {
        struct rig rig;
        struct socket *req, *rep;
        rig_open(&rig);
        rig_pair(&rig, meeting / 2, TAMBO_REQ, TAMBO_REP, &req, &rep);
        must(socket_set(req, TAMBO_REQUEST_IDS, meeting % 2) == 0);
        rig_meet(&rig, meeting / 2, req, rep);
        assert_int_equal(rig_send(req, "old"), 0);
        rig_run(&rig, 100);
        assert_string_equal(rig_recv(&rig, rep), "old");
        assert_string_equal(rig_recv(&rig, req), "-"); /* given up on */
        assert_int_equal(rig_send(req, "new"), 0);
        assert_int_equal(rig_send(rep, "to old"), 0);
        rig_run(&rig, 1000);
        assert_string_equal(rig_recv(&rig, req), "-");
        assert_string_equal(rig_recv(&rig, rep), "new");
        assert_int_equal(rig_send(rep, "to new"), 0);
        rig_run(&rig, 100);
        assert_string_equal(rig_recv(&rig, req), "to new");
        rig_close(&rig);
    }
}

/* A ROUTER's reply is for the connection that its request came over. */
static void
a_new_request_never_gets_a_routers_old_reply(void **state)
{
    (void)state;
    for (unsigned meeting = 0; meeting < RIG_MEETINGS; meeting++) {
        struct rig rig;
        struct socket *req, *router;
        struct zmtp_slice old, new;
        rig_open(&rig);
        rig_pair(&rig, meeting, TAMBO_REQ, TAMBO_ROUTER, &req, &router);
        rig_meet(&rig, meeting, req, router);
        assert_int_equal(rig_send(req, "old"), 0);
        rig_run(&rig, 100);
        assert_int_equal(socket_recv(router, &old), 0);
        assert_string_equal(rig_recv(&rig, req), "-"); /* given up on */
        assert_int_equal(rig_send(req, "new"), 0);
        assert_int_equal(socket_send(router, &old), 0);
        rig_run(&rig, 1000);
        assert_string_equal(rig_recv(&rig, req), "-");
        assert_int_equal(socket_recv(router, &new), 0);
        assert_int_equal(socket_send(router, &new), 0);
        rig_run(&rig, 100);
        assert_string_equal(rig_recv(&rig, req), "new");
        rig_close(&rig);
    }
}

/* ---- subscriptions ---------------------------------------------------------------------------------------- */

static void
subscribes_again(void **state)
{
    (void)state;
    for (unsigned bound_sub = 0; bound_sub < 2; bound_sub++) {
        struct rig rig;
        rig_open(&rig);
        struct socket *pub = rig_socket(&rig, 'a', TAMBO_XPUB), *sub = rig_socket(&rig, 'b', TAMBO_SUB);
        must(socket_bind(bound_sub ? sub : pub, "tcp://*:5000") == 0);
        must(socket_connect(bound_sub ? pub : sub, bound_sub ? "tcp://b:5000" : "tcp://a:5000") == 0);
        must(socket_subscribe(sub, view_str("x")) == 0);
        must(socket_subscribe(sub, view_str("xy")) == 0);
        rig_run(&rig, 1000);
        assert_string_equal(rig_recv_all(&rig, pub), "1x 1xy");
        assert_int_equal(socket_peers(sub), 1);
        rig_cut(&rig, 'a', 'b');
        rig_run(&rig, 1);
        assert_int_equal(socket_peers(sub), 0);
        assert_string_equal(rig_recv_all(&rig, pub), "0x 0xy");
        rig_run(&rig, 5000);
        assert_string_equal(rig_recv_all(&rig, pub), "1x 1xy");
        assert_int_equal(socket_peers(sub), 1);
        assert_int_equal(rig_send(pub, "xyz"), 0);
        rig_run(&rig, 100);
        assert_string_equal(rig_recv(&rig, sub), "xyz");
        rig_close(&rig);
    }
}

/* What came over the old connection is received first, however late that is. */
static void
keeps_a_publishers_order(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig);
    struct socket *sub = rig_bound(&rig, 'a', TAMBO_SUB, "tcp://*:5000");
    struct socket *pub = rig_connected(&rig, 'b', TAMBO_PUB, "tcp://a:5000");
    must(socket_subscribe(sub, view_str("")) == 0);
    rig_run(&rig, 1000);
    for (char number = '1'; number <= '9'; number++) {
        const char text[2] = { number };
        assert_int_equal(rig_send(pub, text), 0);
        if (number % 3 != 0)
            continue;
        rig_run(&rig, 100);
        rig_cut(&rig, 'a', 'b');
        rig_run(&rig, 1000);
        assert_int_equal(socket_peers(pub), 1);
    }
    assert_string_equal(rig_recv_all(&rig, sub), "1 2 3 4 5 6 7 8 9");
    rig_close(&rig);
}

/* ---- what happens ----------------------------------------------------------------------------------------- */

static void
tells_what_happens(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig);
    struct socket *pull = rig_socket(&rig, 'a', TAMBO_PULL), *push = rig_socket(&rig, 'b', TAMBO_PUSH);
    must(socket_watch(pull) == 0 && socket_watch(push) == 0);
    must(socket_bind(pull, "tcp://*:5000") == 0);
    must(socket_connect(push, "tcp://a:5000") == 0);
    rig_run(&rig, 100);
    assert_true((socket_ready(push) & TAMBO_HAS_EVENT) != 0);
    assert_string_equal(rig_events(&rig, pull), "LISTENING ACCEPTED READY");
    assert_string_equal(rig_events(&rig, push), "CONNECTING CONNECTED READY");
    assert_true((socket_ready(push) & TAMBO_HAS_EVENT) == 0);
    rig_cut(&rig, 'a', 'b');
    rig_run(&rig, 500);
    assert_string_equal(rig_events(&rig, pull), "DISCONNECTED ACCEPTED READY");
    assert_string_equal(rig_events(&rig, push), "DISCONNECTED RETRY CONNECTING CONNECTED READY");
    assert_int_equal(socket_disconnect(push, "tcp://a:5000"), 0);
    assert_int_equal(socket_disconnect(push, "tcp://a:5000"), -ERR_NOT_FOUND);
    assert_int_equal(socket_unbind(pull, "tcp://127.0.0.1:5000"), 0);
    rig_run(&rig, 500);
    assert_string_equal(rig_events(&rig, push), "CLOSED DISCONNECTED");
    assert_string_equal(rig_events(&rig, pull), "CLOSED DISCONNECTED");
    rig_close(&rig);
}

static void
backs_off(void **state)
{
    struct rig rig;
    struct tambo_event event;
    int64_t waits[12];
    size_t n = 0;
    (void)state;
    rig_open(&rig);
    struct socket *push = rig_socket(&rig, 'b', TAMBO_PUSH);
    must(socket_watch(push) == 0);
    must(socket_connect(push, "tcp://a:5000") == 0);
    rig_run(&rig, 60000);
    while (socket_event(push, &event) == 0) {
        if (event.kind == TAMBO_RETRY && n < COUNT_OF(waits)) {
            assert_int_equal(event.error, -ERR_REFUSED);
            assert_string_equal(event.endpoint, "tcp://a:5000");
            waits[n++] = event.value;
        }
    }
    assert_true(n >= 10);
    for (size_t i = 0; i < 10; i++) {
        int64_t most = 100 << i < 10000 ? 100 << i : 10000;
        assert_true(waits[i] >= most / 2 && waits[i] <= most);
    }
    rig_close(&rig);
}

static void
refuses_who_does_not_fit(void **state)
{
    (void)state;
    for (unsigned inproc = 0; inproc < 2; inproc++) {
        struct rig rig;
        rig_open(&rig);
        struct socket *pub = rig_bound(&rig, 'a', TAMBO_PUB, inproc ? "inproc://x" : "tcp://*:5000");
        struct socket *push = rig_socket(&rig, 'a', TAMBO_PUSH);
        must(socket_watch(push) == 0);
        must(socket_connect(push, inproc ? "inproc://x" : "tcp://a:5000") == 0);
        rig_run(&rig, 50);
        const char *events = rig_events(&rig, push);
        assert_non_null(strstr(events, "REFUSED"));
        assert_null(strstr(events, "READY"));
        assert_true(rig_stats(push).refused + rig_stats(pub).refused > 0);
        assert_int_equal(socket_peers(pub), 0);
        rig_close(&rig);
    }
}

/* ---- the end ---------------------------------------------------------------------------------------------- */

static void
lingers_for_what_is_queued(void **state)
{
    (void)state;
    for (unsigned road = 0; road < RIG_ROADS; road++) {
        struct rig rig;
        rig_open(&rig);
        struct socket *push = rig_connected(&rig, rig_roads[road].host, TAMBO_PUSH, rig_roads[road].connect);
        assert_int_equal(rig_send(push, "one"), 0);
        assert_int_equal(rig_send(push, "two"), 0);
        socket_close(push);
        rig_run(&rig, 2000);
        assert_int_equal(rig.gone, 0);
        struct socket *pull = rig_bound(&rig, 'a', TAMBO_PULL, rig_roads[road].bind);
        rig_run(&rig, 5000);
        assert_int_equal(rig.gone, 1);
        assert_string_equal(rig_recv_all(&rig, pull), "one two");
        rig_close(&rig);
    }
}

static void
lingers_no_longer_than_told(void **state)
{
    static const int64_t lingers[] = { 0, 500 };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(lingers); i++) {
        struct rig rig;
        rig_open(&rig);
        struct socket *push = rig_connected(&rig, 'b', TAMBO_PUSH, "tcp://a:5000");
        assert_int_equal(rig_send(push, "never"), 0);
        must(socket_set(push, TAMBO_LINGER_MS, lingers[i]) == 0);
        socket_close(push);
        rig_run(&rig, 300);
        assert_int_equal(rig.gone, i == 0 ? 1 : 0);
        rig_run(&rig, 300);
        assert_int_equal(rig.gone, 1);
        rig_close(&rig);
    }
}

/* A megabyte is not gone before it is written. */
static void
lets_a_full_outbox_leave(void **state)
{
    static uint8_t big[1 << 20];
    struct tambo_part part = { .data = big, .len = sizeof big };
    struct zmtp_slice slice;
    struct rig rig;
    (void)state;
    rig_open(&rig);
    struct socket *pull = rig_bound(&rig, 'a', TAMBO_PULL, "tcp://*:5000");
    struct socket *push = rig_connected(&rig, 'b', TAMBO_PUSH, "tcp://a:5000");
    rig_run(&rig, 100);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(socket_send_parts(push, &part, 1), 0);
    socket_close(push);
    rig_run(&rig, 10000);
    assert_int_equal(rig.gone, 1);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(socket_recv(pull, &slice), 0);
        assert_int_equal(slice.run.len, sizeof big + ZMTP_FRAME_HEAD_MAX);
        zmtp_chunk_unref(slice.chunk);
    }
    rig_close(&rig);
}

/* A receiver that takes a little at a time, and says now and then that it lives: all of it arrives, long after its
 * sender has closed. */
static void
lets_a_slow_receiver_have_it_all(void **state)
{
    enum { COUNT = 640, BYTES = 16 * 1024, TAKEN_MAX = 4 };
    static uint8_t bytes[BYTES];
    struct tambo_part part = { .data = bytes, .len = BYTES };
    struct zmtp_slice slice;
    struct rig rig;
    unsigned received = 0;
    (void)state;
    rig_open(&rig);
    struct socket *pull = rig_socket(&rig, 'a', TAMBO_PULL), *push = rig_socket(&rig, 'b', TAMBO_PUSH);
    must(socket_set(pull, TAMBO_RECV_MESSAGES_MAX, TAKEN_MAX) == 0);
    must(socket_set(push, TAMBO_LINGER_MS, -1) == 0);
    must(socket_bind(pull, "tcp://*:5000") == 0);
    must(socket_connect(push, "tcp://a:5000") == 0);
    for (unsigned i = 0; i < COUNT; i++)
        assert_int_equal(socket_send_parts(push, &part, 1), 0);
    socket_close(push);
    for (unsigned minute = 0; minute < 400 && rig.gone == 0; minute++) {
        rig_run(&rig, 60000);
        for (unsigned i = 0; i < TAKEN_MAX && socket_recv(pull, &slice) == 0; i++, received++)
            zmtp_chunk_unref(slice.chunk);
    }
    assert_int_equal(rig.gone, 1);
    for (; socket_recv(pull, &slice) == 0; received++)
        zmtp_chunk_unref(slice.chunk);
    assert_int_equal(received, COUNT);
    rig_close(&rig);
}

static void
all_sockets_can_close_at_any_time(void **state)
{
    (void)state;
    for (unsigned pattern = TAMBO_PAIR; pattern <= TAMBO_XSUB; pattern++) {
        for (unsigned when = 0; when < 4; when++) {
            struct rig rig;
            rig_open(&rig);
            struct socket *one = rig_socket(&rig, 'a', (enum tambo_pattern)pattern);
            must(socket_set(one, TAMBO_LINGER_MS, 0) == 0);
            if (when > 0) {
                must(socket_bind(one, "tcp://*:5000") == 0);
                must(socket_bind(one, "inproc://x") == 0);
            }
            if (when > 1 && pattern != TAMBO_PAIR) {
                must(socket_connect(one, "tcp://b:1") == 0);
                must(socket_connect(one, "inproc://y") == 0);
            }
            if (when > 2)
                rig_run(&rig, 1000);
            socket_close(one);
            rig_run(&rig, 100);
            assert_int_equal(rig.gone, 1);
            assert_int_equal(socket_world_count(rig.hosts[0].world), 0);
            rig_close(&rig);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_waits_survives_a_loss),
        cmocka_unit_test(nothing_leaves_twice),
        cmocka_unit_test(a_request_goes_to_another_when_its_peer_dies),
        cmocka_unit_test(a_request_waits_for_its_peer_to_come_back),
        cmocka_unit_test(a_request_without_a_reply_is_sent_again),
        cmocka_unit_test(a_new_request_never_gets_the_old_reply),
        cmocka_unit_test(a_new_request_never_gets_a_routers_old_reply),
        cmocka_unit_test(subscribes_again),
        cmocka_unit_test(keeps_a_publishers_order),
        cmocka_unit_test(tells_what_happens),
        cmocka_unit_test(backs_off),
        cmocka_unit_test(refuses_who_does_not_fit),
        cmocka_unit_test(lingers_for_what_is_queued),
        cmocka_unit_test(lingers_no_longer_than_told),
        cmocka_unit_test(lets_a_full_outbox_leave),
        cmocka_unit_test(lets_a_slow_receiver_have_it_all),
        cmocka_unit_test(all_sockets_can_close_at_any_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
