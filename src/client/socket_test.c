/* client/socket_test.c - what every pattern does, over every road, whoever binds and whoever comes first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/must.h"
#include "client/socket_rig.h"

typedef void play_fn(struct rig *rig, struct socket *one, struct socket *two);

/* Sets options before they meet; may be NULL. */
typedef void set_fn(struct socket *one, struct socket *two);

static void
play_all(enum tambo_pattern one, enum tambo_pattern two, set_fn *set, play_fn *play)
{
    for (unsigned meeting = 0; meeting < RIG_MEETINGS; meeting++) {
        struct rig rig;
        struct socket *a, *b;
        rig_open(&rig);
        rig_pair(&rig, meeting, one, two, &a, &b);
        if (set != NULL)
            set(a, b);
        rig_meet(&rig, meeting, a, b);
        play(&rig, a, b);
        rig_close(&rig);
    }
}

/* What one sends, the other gets. */
static void
passes(struct rig *rig, struct socket *from, struct socket *to, const char *text)
{
    assert_int_equal(rig_send(from, text), 0);
    rig_run(rig, 100);
    assert_string_equal(rig_recv(rig, to), text);
}

/* ---- pipelines -------------------------------------------------------------------------------------------- */

static void
push_pull(struct rig *rig, struct socket *push, struct socket *pull)
{
    assert_int_equal(socket_peers(push), 1);
    assert_int_equal(socket_peers(pull), 1);
    passes(rig, push, pull, "one");
    passes(rig, push, pull, "two|parts");
    passes(rig, push, pull, "");
    assert_string_equal(rig_recv(rig, pull), "-");
    assert_string_equal(rig_recv(rig, push), "invalid argument");
    assert_int_equal(rig_send(pull, "no"), -ERR_INVALID);
    assert_int_equal(rig_stats(push).sent, 3);
    assert_int_equal(rig_stats(push).sent_bytes, 11);
    assert_int_equal(rig_stats(pull).received, 3);
    assert_int_equal(rig_stats(pull).received_bytes, 11);
}

static void
pushes_to_a_puller(void **state)
{
    (void)state;
    play_all(TAMBO_PUSH, TAMBO_PULL, NULL, push_pull);
}

static void
both_ways(struct rig *rig, struct socket *one, struct socket *two)
{
    passes(rig, one, two, "there");
    passes(rig, two, one, "and|back");
}

static void
a_pair_talks(void **state)
{
    (void)state;
    play_all(TAMBO_PAIR, TAMBO_PAIR, NULL, both_ways);
}

static void
dealers_talk(void **state)
{
    (void)state;
    play_all(TAMBO_DEALER, TAMBO_DEALER, NULL, both_ways);
}

/* ---- requests --------------------------------------------------------------------------------------------- */

static void
req_rep(struct rig *rig, struct socket *req, struct socket *rep)
{
    assert_string_equal(rig_recv(rig, req), "not in this state");
    assert_int_equal(rig_send(rep, "early"), -ERR_STATE);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(socket_ready(req), TAMBO_CAN_SEND);
        assert_int_equal(rig_send(req, "ping|1"), 0);
        assert_int_equal(socket_ready(req), 0);
        assert_int_equal(rig_send(req, "again"), -ERR_STATE);
        rig_run(rig, 100);
        assert_string_equal(rig_recv(rig, rep), "ping|1");
        assert_int_equal(socket_ready(rep), TAMBO_CAN_SEND);
        assert_string_equal(rig_recv(rig, rep), "not in this state");
        assert_int_equal(rig_send(rep, "pong|2"), 0);
        rig_run(rig, 100);
        assert_string_equal(rig_recv(rig, req), "pong|2");
    }
}

static void
asks_and_answers(void **state)
{
    (void)state;
    play_all(TAMBO_REQ, TAMBO_REP, NULL, req_rep);
}

static void
set_request_ids(struct socket *req, struct socket *rep)
{
    (void)rep;
    must(socket_set(req, TAMBO_REQUEST_IDS, 1) == 0);
}

static void
asks_with_numbers(void **state)
{
    (void)state;
    play_all(TAMBO_REQ, TAMBO_REP, set_request_ids, req_rep);
}

static void
set_name(struct socket *req, struct socket *router)
{
    (void)router;
    must(socket_set_text(req, TAMBO_ROUTING_ID, view_str("ana")) == 0);
}

static void
req_router(struct rig *rig, struct socket *req, struct socket *router)
{
    assert_int_equal(rig_send(req, "ping"), 0);
    rig_run(rig, 100);
    assert_string_equal(rig_recv(rig, router), "ana||ping");
    assert_int_equal(rig_send(router, "bob||lost"), 0);
    assert_int_equal(rig_stats(router).unroutable, 1);
    assert_int_equal(rig_send(router, "ana"), -ERR_INVALID);
    assert_int_equal(rig_send(router, "ana||pong"), 0);
    rig_run(rig, 100);
    assert_string_equal(rig_recv(rig, req), "pong");
}

static void
a_router_answers_by_name(void **state)
{
    (void)state;
    play_all(TAMBO_REQ, TAMBO_ROUTER, set_name, req_router);
}

static void
dealer_rep(struct rig *rig, struct socket *dealer, struct socket *rep)
{
    assert_int_equal(rig_send(dealer, "malformed"), 0);
    assert_int_equal(rig_send(dealer, "x|y||1"), 0);
    assert_int_equal(rig_send(dealer, "|2"), 0);
    rig_run(rig, 100);
    assert_string_equal(rig_recv(rig, rep), "1");
    assert_int_equal(rig_send(rep, "one"), 0);
    assert_string_equal(rig_recv(rig, rep), "2");
    assert_int_equal(rig_send(rep, "two"), 0);
    rig_run(rig, 100);
    assert_string_equal(rig_recv_all(rig, dealer), "x|y||one |two");
}

static void
a_replier_keeps_the_envelope(void **state)
{
    (void)state;
    play_all(TAMBO_DEALER, TAMBO_REP, NULL, dealer_rep);
}

/* ---- subscriptions ---------------------------------------------------------------------------------------- */

static void
pub_sub(struct rig *rig, struct socket *pub, struct socket *sub)
{
    assert_int_equal(socket_peers(pub), 0); /* it has said nothing yet */
    assert_int_equal(rig_send(pub, "eur.fx early"), 0);
    assert_int_equal(rig_stats(pub).unroutable, 1);
    assert_int_equal(socket_subscribe(sub, view_str("eur")), 0);
    assert_int_equal(socket_subscribe(sub, view_str("eur")), 0);
    assert_int_equal(socket_subscribe(sub, view_str("eur.fx")), 0);
    rig_run(rig, 100);
    assert_int_equal(socket_peers(pub), 1);
    assert_int_equal(socket_peers(sub), 1);
    passes(rig, pub, sub, "eur.fx|1.1");
    passes(rig, pub, sub, "euro");
    assert_int_equal(rig_send(pub, "us"), 0);
    assert_int_equal(socket_unsubscribe(sub, view_str("eur")), 0);
    rig_run(rig, 100);
    passes(rig, pub, sub, "eur still");
    assert_int_equal(socket_unsubscribe(sub, view_str("eur")), 0);
    assert_int_equal(socket_unsubscribe(sub, view_str("eur")), -ERR_NOT_FOUND);
    assert_int_equal(rig_send(pub, "eur on its way"), 0);
    rig_run(rig, 100);
    assert_string_equal(rig_recv(rig, sub), "-");
    passes(rig, pub, sub, "eur.fx|last");
}

static void
publishes_by_prefix(void **state)
{
    (void)state;
    play_all(TAMBO_PUB, TAMBO_SUB, NULL, pub_sub);
}

static void
xpub_xsub(struct rig *rig, struct socket *xpub, struct socket *xsub)
{
    assert_int_equal(rig_send(xsub, "\1a"), 0);
    assert_int_equal(rig_send(xsub, "\1a"), 0);
    assert_int_equal(socket_subscribe(xsub, view_str("b")), 0);
    assert_int_equal(rig_send(xsub, "up|stream"), 0);
    rig_run(rig, 100);
    assert_string_equal(rig_recv_all(rig, xpub), "1a 1b up|stream");
    passes(rig, xpub, xsub, "a|x");
    passes(rig, xpub, xsub, "b|y");
    assert_int_equal(socket_unsubscribe(xsub, view_str("b")), 0);
    rig_run(rig, 100);
    assert_string_equal(rig_recv(rig, xpub), "0b");
}

static void
subscriptions_reach_the_xpub(void **state)
{
    (void)state;
    play_all(TAMBO_XPUB, TAMBO_XSUB, NULL, xpub_xsub);
}

/* ---- security --------------------------------------------------------------------------------------------- */

static void
set_plain(struct socket *one, struct socket *two)
{
    must(socket_set(one, TAMBO_PLAIN_SERVER, 1) == 0);
    must(socket_set_text(two, TAMBO_PLAIN_USER, view_str("ana")) == 0);
    must(socket_set_text(two, TAMBO_PLAIN_PASSWORD, view_str("secret")) == 0);
}

static void
speaks_plain(void **state)
{
    (void)state;
    play_all(TAMBO_PUSH, TAMBO_PULL, set_plain, push_pull);
}

/* The key pairs of RFC 26's implementers. */
static void
set_curve(struct socket *one, struct socket *two)
{
    must(socket_set(one, TAMBO_CURVE_SERVER, 1) == 0);
    must(socket_set_text(one, TAMBO_CURVE_SECRET_KEY, view_str("JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6")) == 0);
    must(socket_set_text(two, TAMBO_CURVE_SERVER_KEY, view_str("rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7")) == 0);
    must(socket_set_text(two, TAMBO_CURVE_PUBLIC_KEY, view_str("Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID")) == 0);
    must(socket_set_text(two, TAMBO_CURVE_SECRET_KEY, view_str("D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs")) == 0);
}

static void
speaks_curve(void **state)
{
    (void)state;
    play_all(TAMBO_PUSH, TAMBO_PULL, set_curve, push_pull);
    play_all(TAMBO_PUB, TAMBO_SUB, set_curve, pub_sub);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pushes_to_a_puller),
        cmocka_unit_test(a_pair_talks),
        cmocka_unit_test(dealers_talk),
        cmocka_unit_test(asks_and_answers),
        cmocka_unit_test(asks_with_numbers),
        cmocka_unit_test(a_router_answers_by_name),
        cmocka_unit_test(a_replier_keeps_the_envelope),
        cmocka_unit_test(publishes_by_prefix),
        cmocka_unit_test(subscriptions_reach_the_xpub),
        cmocka_unit_test(speaks_plain),
        cmocka_unit_test(speaks_curve),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
