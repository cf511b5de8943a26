/* client/socket_turn_test.c - who is next: round robin out, fair queueing in, and what is for nobody or for a full
 * queue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/must.h"
#include "client/socket_rig.h"

enum { PEERS = 3, ROUNDS = 3 };

/* One socket in the middle, three around it, each on its machine. */
struct star {
    struct rig rig;
    struct socket *hub, *rim[PEERS];
};

static void
star_open(struct star *star, enum tambo_pattern hub, enum tambo_pattern rim)
{
    char place[] = "tcp://a:5000";
    rig_open(&star->rig);
    star->hub = rig_socket(&star->rig, 'd', hub);
    for (size_t i = 0; i < PEERS; i++) {
        place[6] = (char)('a' + i);
        star->rim[i] = rig_bound(&star->rig, place[6], rim, "tcp://*:5000");
        if (rim == TAMBO_SUB)
            must(socket_subscribe(star->rim[i], view_str("")) == 0);
        if (hub == TAMBO_SUB && i == 0)
            must(socket_subscribe(star->hub, view_str("")) == 0);
        must(socket_connect(star->hub, place) == 0);
    }
    rig_run(&star->rig, 1000);
    assert_int_equal(socket_peers(star->hub), PEERS);
}

static void
sends_in_turn(void **state)
{
    static const enum tambo_pattern pairs[][2] = {
        {TAMBO_PUSH,    TAMBO_PULL  },
        { TAMBO_DEALER, TAMBO_DEALER}
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        struct star star;
        star_open(&star, pairs[i][0], pairs[i][1]);
        for (unsigned j = 0; j < PEERS * ROUNDS; j++)
            assert_int_equal(rig_send(star.hub, "m"), 0);
        rig_run(&star.rig, 100);
        for (size_t j = 0; j < PEERS; j++)
            assert_string_equal(rig_recv_all(&star.rig, star.rim[j]), "m m m");
        rig_close(&star.rig);
    }
}

static void
asks_in_turn(void **state)
{
    struct star star;
    unsigned asked[PEERS] = { 0 };
    (void)state;
    star_open(&star, TAMBO_REQ, TAMBO_REP);
    for (unsigned i = 0; i < PEERS * ROUNDS; i++) {
        assert_int_equal(rig_send(star.hub, "?"), 0);
        rig_run(&star.rig, 100);
        for (size_t j = 0; j < PEERS; j++) {
            if (strcmp(rig_recv(&star.rig, star.rim[j]), "?") == 0) {
                asked[j]++;
                assert_int_equal(rig_send(star.rim[j], "!"), 0);
            }
        }
        rig_run(&star.rig, 100);
        assert_string_equal(rig_recv(&star.rig, star.hub), "!");
    }
    for (size_t j = 0; j < PEERS; j++)
        assert_int_equal(asked[j], ROUNDS);
    rig_close(&star.rig);
}

/* Each sends its letter three times; they are received one of each, three times. */
static void
receives_in_turn(void **state)
{
    static const struct {
        enum tambo_pattern hub, rim;
        const char *envelope;
    } rows[] = {
        {TAMBO_PULL,    TAMBO_PUSH,   "" },
        { TAMBO_DEALER, TAMBO_DEALER, "" },
        { TAMBO_ROUTER, TAMBO_DEALER, "" },
        { TAMBO_REP,    TAMBO_DEALER, "|"},
        { TAMBO_SUB,    TAMBO_PUB,    "" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct star star;
        unsigned seen[PEERS] = { 0 };
        star_open(&star, rows[i].hub, rows[i].rim);
        for (size_t j = 0; j < PEERS * ROUNDS; j++) {
            char text[3];
            snprintf(text, sizeof text, "%s%c", rows[i].envelope, (char)('0' + j % PEERS));
            assert_int_equal(rig_send(star.rim[j % PEERS], text), 0);
        }
        rig_run(&star.rig, 100);
        for (unsigned j = 0; j < PEERS * ROUNDS; j++) {
            const char *got = rig_recv(&star.rig, star.hub);
            size_t who = (size_t)(got[strlen(got) - 1] - '0');
            assert_true(who < PEERS);
            assert_int_equal(seen[who]++, j / PEERS);
            if (rows[i].hub == TAMBO_REP)
                assert_int_equal(rig_send(star.hub, "ok"), 0);
        }
        rig_close(&star.rig);
    }
}

/* ---- nobody, or a full queue ------------------------------------------------------------------------------ */

/* Fills a connection whose other side does not take.  How many were taken to be sent until a drop or a refusal. */
static unsigned
fill(struct socket *socket, const char *text, int *retrc)
{
    unsigned sent = 0;
    do
        *retrc = rig_send(socket, text);
    while (*retrc == 0 && rig_stats(socket).dropped == 0 && ++sent < 1000000);
    return sent;
}

static void
a_full_queue_waits_or_drops(void **state)
{
    static const struct {
        enum tambo_pattern from, to;
        int mandatory, rc;
        const char *head;
    } rows[] = {
        {TAMBO_PUSH,    TAMBO_PULL,   0, -ERR_AGAIN, ""    },
        { TAMBO_DEALER, TAMBO_DEALER, 0, -ERR_AGAIN, ""    },
        { TAMBO_PAIR,   TAMBO_PAIR,   0, -ERR_AGAIN, ""    },
        { TAMBO_PUB,    TAMBO_SUB,    0, 0,          ""    },
        { TAMBO_ROUTER, TAMBO_DEALER, 0, 0,          "ana|"},
        { TAMBO_ROUTER, TAMBO_DEALER, 1, -ERR_AGAIN, "ana|"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[1100];
        struct rig rig;
        int rc;
        rig_open(&rig);
        struct socket *from = rig_socket(&rig, 'a', rows[i].from), *to = rig_socket(&rig, 'b', rows[i].to);
        must(socket_set(from, TAMBO_ROUTER_MANDATORY, rows[i].mandatory) == 0);
        must(socket_set_text(to, TAMBO_ROUTING_ID, view_str("ana")) == 0);
        must(socket_set(to, TAMBO_RECV_MESSAGES_MAX, 1) == 0);
        if (rows[i].to == TAMBO_SUB)
            must(socket_subscribe(to, view_str("")) == 0);
        must(socket_bind(to, "tcp://*:5000") == 0);
        must(socket_connect(from, "tcp://b:5000") == 0);
        rig_run(&rig, 100);
        snprintf(text, sizeof text, "%s%01000d", rows[i].head, 0);
        assert_true(fill(from, text, &rc) >= 1000);
        assert_int_equal(rc, rows[i].rc);
        assert_int_equal(rig_stats(from).dropped, rc == 0);
        rig_close(&rig);
    }
}

/* A queue is there from the attempt to connect on; one of a peer that came goes with it. */
static void
queues_come_and_go_with_their_peers(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig);
    struct socket *bound = rig_bound(&rig, 'a', TAMBO_DEALER, "tcp://*:5000");
    assert_int_equal(rig_send(bound, "nobody"), -ERR_AGAIN);
    struct socket *connected = rig_connected(&rig, 'b', TAMBO_DEALER, "tcp://a:5000");
    assert_int_equal(rig_send(connected, "early"), 0);
    rig_run(&rig, 100);
    assert_string_equal(rig_recv(&rig, bound), "early");
    rig_cut(&rig, 'a', 'b');
    rig_run(&rig, 1);
    assert_int_equal(rig_send(bound, "nobody"), -ERR_AGAIN);
    assert_int_equal(rig_send(connected, "meanwhile"), 0);
    rig_run(&rig, 1000);
    assert_string_equal(rig_recv(&rig, bound), "meanwhile");
    rig_close(&rig);
}

static void
an_identity_means_nothing_but_to_a_router(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig);
    struct socket *rep = rig_bound(&rig, 'a', TAMBO_REP, "tcp://*:5000"), *reqs[2];
    for (size_t i = 0; i < COUNT_OF(reqs); i++) {
        reqs[i] = rig_socket(&rig, (char)('b' + i), TAMBO_REQ);
        must(socket_set_text(reqs[i], TAMBO_ROUTING_ID, view_str("ana")) == 0);
        must(socket_connect(reqs[i], "tcp://a:5000") == 0);
        assert_int_equal(rig_send(reqs[i], i == 0 ? "0" : "1"), 0);
    }
    rig_run(&rig, 100);
    for (size_t i = 0; i < COUNT_OF(reqs); i++) {
        const char *got = rig_recv(&rig, rep);
        size_t who = (size_t)(got[0] - '0');
        assert_int_equal(rig_send(rep, got), 0);
        rig_run(&rig, 100);
        assert_string_equal(rig_recv(&rig, reqs[who]), who == 0 ? "0" : "1");
    }
    rig_close(&rig);
}

/* A publisher hears nothing but subscriptions. */
static void
what_comes_to_a_pub_is_dropped(void **state)
{
    (void)state;
    for (unsigned meeting = 0; meeting < RIG_MEETINGS; meeting++) {
        struct rig rig;
        struct socket *pub, *xsub;
        rig_open(&rig);
        rig_pair(&rig, meeting, TAMBO_PUB, TAMBO_XSUB, &pub, &xsub);
        rig_meet(&rig, meeting, pub, xsub);
        assert_int_equal(rig_send(xsub, "up"), 0);
        assert_int_equal(rig_send(xsub, "\1x"), 0);
        rig_run(&rig, 100);
        assert_string_equal(rig_recv(&rig, pub), "invalid argument");
        assert_int_equal(rig_stats(pub).waiting_recv, 0);
        assert_int_equal(rig_send(pub, "x"), 0);
        rig_run(&rig, 100);
        assert_string_equal(rig_recv(&rig, xsub), "x");
        rig_close(&rig);
    }
}

static void
sends_upstream_to_all(void **state)
{
    struct star star;
    (void)state;
    star_open(&star, TAMBO_XSUB, TAMBO_XPUB);
    assert_int_equal(rig_send(star.hub, "up"), 0);
    rig_run(&star.rig, 100);
    for (size_t i = 0; i < PEERS; i++)
        assert_string_equal(rig_recv_all(&star.rig, star.rim[i]), "up");
    rig_close(&star.rig);
}

/* What was published before it was cancelled is not given out afterwards. */
static void
a_sub_drops_what_it_does_not_want(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig);
    struct socket *pub = rig_bound(&rig, 'a', TAMBO_PUB, "tcp://*:5000");
    struct socket *sub = rig_connected(&rig, 'b', TAMBO_SUB, "tcp://a:5000");
    must(socket_subscribe(sub, view_str("a")) == 0 && socket_subscribe(sub, view_str("b")) == 0);
    rig_run(&rig, 100);
    must(socket_unsubscribe(sub, view_str("a")) == 0);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(rig_send(pub, i == 1 ? "a" : "b"), 0);
    rig_run(&rig, 100);
    assert_string_equal(rig_recv_all(&rig, sub), "b b");
    assert_int_equal(rig_send(sub, "no"), -ERR_INVALID);
    rig_close(&rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sends_in_turn),
        cmocka_unit_test(asks_in_turn),
        cmocka_unit_test(receives_in_turn),
        cmocka_unit_test(a_full_queue_waits_or_drops),
        cmocka_unit_test(queues_come_and_go_with_their_peers),
        cmocka_unit_test(an_identity_means_nothing_but_to_a_router),
        cmocka_unit_test(what_comes_to_a_pub_is_dropped),
        cmocka_unit_test(sends_upstream_to_all),
        cmocka_unit_test(a_sub_drops_what_it_does_not_want),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
