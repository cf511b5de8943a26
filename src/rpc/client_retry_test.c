/* rpc/client_retry_test.c - what is tried again and what is not: every row of the table of attempt.c, datagrams,
 * servers that were started anew, hedging, balance. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/err.h"
#include "rpc/client_rig.h"

static struct rig rig;

static int
open_rig(void **state)
{
    (void)state;
    rig_open(&rig);
    return 0;
}

static int
close_rig(void **state)
{
    (void)state;
    return rig_close(&rig);
}

enum who { ANY, OURS, OTHER };

static struct rpc_client *
client_of(enum who who, const char *addresses)
{
    struct rpc_client *client = rig_client(&rig, addresses);
    rig_set(client, TAMBO_RPC_SEMANTICS, who == ANY ? TAMBO_AT_LEAST_ONCE : TAMBO_AT_MOST_ONCE);
    rig_set(client, TAMBO_RPC_RETRY_MS, 100);
    return client;
}

static enum rig_hello
hello_of(enum who who)
{
    return who == OTHER ? RIG_FOREIGN : RIG_OURS;
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

/* One address, where nobody is; then somebody. */
static void
unsent_is_tried_again(void **state)
{
    (void)state;
    for (enum who who = ANY; who <= OTHER; who++) {
        char said[8192];
        struct rpc_client *client = client_of(who, "tcp://a:1");
        rig_call(&rig, client, 'x', "hi");
        rig_run(&rig, 20);
        assert_false(rig_is_done(&rig, 'x'));
        struct rig_peer *peer = rig_peer(&rig, 'a', "tcp://*:1", hello_of(who), RIG_ECHO);
        rig_run(&rig, 120); /* the first backoff is between 50 and 100 ms */
        assert_true(rig_is_done(&rig, 'x'));
        assert_int_equal(rig.calls['x' - 'a'].rc, 0);
        assert_int_equal(peer->calls, 1);
        rpc_client_free(client);
        rig_peer_close(peer);
        rig_said(&rig, said);
    }
}

static void
unsent_is_given_up_after_its_tries(void **state)
{
    (void)state;
    for (int64_t tries = 0; tries < 4; tries++) {
        struct rpc_client *client = client_of(OTHER, "tcp://a:1");
        rig_set(client, TAMBO_RPC_RETRY_MAX, tries);
        rig_set(client, TAMBO_RPC_RETRY_MS_MAX, 100);
        rig_call(&rig, client, 'x', "hi");
        rig_run(&rig, 50 * (unsigned)tries); /* each between 50 and 100 ms after the one before */
        assert_false(tries > 0 && rig_is_done(&rig, 'x'));
        rig_run(&rig, 50 * (unsigned)tries + 30);
        EXPECT(&rig, "x!REFUSED");
        assert_string_equal(rpc_client_why(client), "tcp://a:1: connection refused");
        rpc_client_free(client);
    }
}

/* Also with RETRY_MAX 0: it has not been tried anywhere yet. */
static void
unsent_goes_to_the_next_address_at_once(void **state)
{
    (void)state;
    rig_peer(&rig, 'c', "tcp://*:1", RIG_FOREIGN, RIG_ECHO);
    struct rpc_client *client = client_of(OTHER, "tcp://a:1 tcp://b:1 tcp://c:1");
    rig_set(client, TAMBO_RPC_RETRY_MAX, 0);
    rig_call(&rig, client, 'x', "hi");
    rig_run(&rig, 30);
    EXPECT(&rig, "c<HELLO c<hi#1 x=hi");
    /* And the next call goes there first, for the others rest. */
    rig_call(&rig, client, 'y', "ho");
    rig_run(&rig, 10);
    EXPECT(&rig, "c<ho#2 y=ho");
    rpc_client_free(client);
}

/* "It was not executed": where there is another address, it is asked. */
static void
refused_goes_to_the_next_address(void **state)
{
    static const struct {
        int rc;
        bool moves;
        const char *why;
    } rows[] = {
        {-ERR_PROGRAM,     true,  "tcp://a:1 has no program 1000"                            },
        { -ERR_VERSION,    true,  "tcp://a:1 has program 1000 in versions 3 to 5, not 2"     },
        { -ERR_DENIED,     true,  "tcp://a:1 denies it: AUTH_FAILED"                         },
        { -ERR_OVERLOADED, true,  "tcp://a:1: the server takes no more calls now"            },
        { -ERR_PROCEDURE,  false, "tcp://a:1 has no procedure 7 in version 2 of program 1000"},
        { -ERR_ARGUMENTS,  false, "tcp://a:1: the arguments do not fit the interface"        },
        { -ERR_FAILED,     false, "tcp://a:1: the server failed while it executed the call"  },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows) * 3; i++) {
        enum who who = (enum who)(i % 3);
        int rc = rows[i / 3].rc;
        char said[8192];
        struct rig_peer *one = rig_peer(&rig, 'a', "tcp://*:1", hello_of(who), RIG_REFUSE);
        struct rig_peer *two = rig_peer(&rig, 'b', "tcp://*:1", hello_of(who), RIG_ECHO);
        one->refusal = rig_refusal(rc);
        struct rpc_client *alone = client_of(who, "tcp://a:1"), *both = client_of(who, "tcp://a:1 tcp://b:1");
        rig_call(&rig, alone, 'x', "hi");
        rig_call(&rig, both, 'y', "hi");
        rig_run(&rig, 1000);
        assert_int_equal(rig.calls['x' - 'a'].rc, rc);
        assert_string_equal(rpc_client_why(alone), rows[i / 3].why);
        assert_int_equal(rig.calls['y' - 'a'].rc, rows[i / 3].moves ? 0 : rc);
        assert_int_equal(two->calls, rows[i / 3].moves);
        assert_int_equal(one->calls, rc == -ERR_OVERLOADED ? 4 : 2); /* only who is overloaded is asked again */
        rpc_client_free(alone);
        rpc_client_free(both);
        rig_peer_close(one);
        rig_peer_close(two);
        rig_said(&rig, said);
    }
}

/* Its connection ends after it was sent. */
static void
lost_follows_its_semantics(void **state)
{
    (void)state;
    for (enum who who = ANY; who <= OTHER; who++) {
        char said[8192];
        struct rig_peer *one = rig_peer(&rig, 'a', "tcp://*:1", hello_of(who), RIG_CLOSE);
        struct rig_peer *two = rig_peer(&rig, 'b', "tcp://*:1", hello_of(who), RIG_ECHO);
        struct rpc_client *alone = client_of(who, "tcp://a:1"), *both = client_of(who, "tcp://a:1 tcp://b:1");
        rig_call(&rig, alone, 'x', "hi");
        rig_run(&rig, 1000);
        assert_int_equal(rig.calls['x' - 'a'].rc, -ERR_EOF);
        assert_string_equal(rpc_client_why(alone), "tcp://a:1: end of stream");
        /* To another's server, once is once; else there are two more tries. */
        assert_int_equal(one->calls, who == OTHER ? 1 : 3);
        rig_call(&rig, both, 'y', "hi");
        rig_run(&rig, 1000);
        /* And never at another server, where it may be executed only once. */
        assert_int_equal(rig.calls['y' - 'a'].rc, who == ANY ? 0 : -ERR_EOF);
        assert_int_equal(two->calls, who == ANY);
        rpc_client_free(alone);
        rpc_client_free(both);
        rig_peer_close(one);
        rig_peer_close(two);
        rig_said(&rig, said);
    }
}

/* ---- at most once, across restarts ------------------------------------------------------------------------------- */

/* The connection is lost; what is there afterwards decides. */
static void
comes_again_only_to_who_remembers_it(void **state)
{
    static const struct {
        enum rig_hello hello;
        uint64_t boot;
        uint32_t remembers_ms;
        const char *said, *why;
    } rows[] = {
        {RIG_OURS,     1, 120000, "a<HELLO a<hi#1[1/1] a<HELLO a<hi#2[1/1] x=hi", ""                        },
        { RIG_OURS,    2, 120000, "a<HELLO a<hi#1[1/1] a<HELLO x!EOF",            "tcp://a:1: end of stream"},
        { RIG_OURS,    1, 10,     "a<HELLO a<hi#1[1/1] a<HELLO x!EOF",            "tcp://a:1: end of stream"},
        { RIG_OURS,    1, 0,      "a<HELLO a<hi#1[1/1] a<HELLO x!EOF",            "tcp://a:1: end of stream"},
        { RIG_FOREIGN, 0, 0,      "a<HELLO a<hi#1[1/1] a<HELLO x!EOF",            "tcp://a:1: end of stream"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct rig_peer *peer = rig_peer(&rig, 'a', "tcp://*:1", RIG_OURS, RIG_CLOSE);
        peer->boot = 1;
        struct rpc_client *client = client_of(OURS, "tcp://a:1");
        rig_call(&rig, client, 'x', "hi");
        rig_run(&rig, 20);
        peer->hello = rows[i].hello;
        peer->boot = rows[i].boot;
        peer->remembers_ms = rows[i].remembers_ms;
        peer->way = RIG_ECHO;
        rig_run(&rig, 500);
        EXPECT(&rig, rows[i].said);
        assert_string_equal(rpc_client_why(client), rows[i].why);
        rpc_client_free(client);
        rig_peer_close(peer);
    }
}

/* What it lost it with is what is told, whatever came of the new tries. */
static void
an_unknown_outcome_stays_unknown(void **state)
{
    (void)state;
    for (enum who who = ANY; who <= OURS; who++) {
        struct rig_peer *peer = rig_peer(&rig, 'a', "tcp://*:1", RIG_OURS, RIG_CLOSE);
        struct rpc_client *client = client_of(who, "tcp://a:1");
        rig_call(&rig, client, 'x', "hi");
        rig_run(&rig, 20);
        rig_peer_close(peer);
        rig_run(&rig, 1000);
        EXPECT(&rig, who == ANY ? "a<HELLO a<hi#1 x!EOF" : "a<HELLO a<hi#1[1/1] x!EOF");
        assert_string_equal(rpc_client_why(client), "tcp://a:1: end of stream");
        peer = rig_peer(&rig, 'a', "tcp://*:1", RIG_OURS, RIG_CLOSE);
        rig_call(&rig, client, 'x', "hi");
        rig_run(&rig, 20);
        peer->way = RIG_REFUSE;
        peer->refusal = rig_refusal(-ERR_DENIED);
        rig_run(&rig, 1000);
        assert_int_equal(rig.calls['x' - 'a'].rc, -ERR_EOF);
        rig_call(&rig, client, 'y', "hi");
        peer->way = RIG_CLOSE;
        rig_run(&rig, 20);
        rig_cancel(&rig, 'y'); /* while it waits for its new try */
        assert_int_equal(rig.calls['y' - 'a'].rc, -ERR_ABANDONED);
        char said[8192];
        rig_said(&rig, said);
        rpc_client_free(client);
        rig_peer_close(peer);
    }
}

/* Over udp nothing tells that the server was started anew, but the server itself. */
static void
a_datagram_server_says_that_it_was_started_anew(void **state)
{
    (void)state;
    struct rig_peer *peer = rig_peer(&rig, 'a', "udp://*:1", RIG_OURS, RIG_ECHO);
    struct rpc_client *client = client_of(OURS, "udp://a:1");
    rig_call(&rig, client, 'x', "1");
    rig_run(&rig, 100);
    peer->boot++;
    peer->way = RIG_REFUSE;
    peer->refusal = (struct oncrpc_reply){ .status = ONCRPC_AUTH_ERROR, .auth_stat = ONCRPC_AUTH_REJECTEDVERF };
    rig_call(&rig, client, 'x', "2");
    rig_run(&rig, 100);
    EXPECT(&rig, "a<HELLO a<1#1[1/1] x=1 a<2#2[2/2] x!RESET a<HELLO");
    assert_string_equal(rpc_client_why(client),
                        "udp://a:1 was started anew, and does not know whether it executed the call");
    peer->way = RIG_ECHO;
    rig_call(&rig, client, 'x', "3");
    rig_run(&rig, 100);
    EXPECT(&rig, "a<3#3[3/3] x=3");
    rpc_client_free(client);
}

/* Whatever becomes of the options meanwhile. */
static void
semantics_are_those_of_its_beginning(void **state)
{
    char said[8192];
    (void)state;
    struct rig_peer *one = rig_peer(&rig, 'a', "tcp://*:1", RIG_FOREIGN, RIG_HOLD);
    struct rig_peer *two = rig_peer(&rig, 'b', "tcp://*:1", RIG_FOREIGN, RIG_ECHO);
    struct rpc_client *client = client_of(OTHER, "tcp://a:1 tcp://b:1");
    rig_call(&rig, client, 'x', "hi");
    rig_run(&rig, 20);
    rig_set(client, TAMBO_RPC_SEMANTICS, TAMBO_AT_LEAST_ONCE);
    rig_set(client, TAMBO_RPC_HEDGE_MS, 1);
    rig_peer_close(one);
    rig_run(&rig, 1000);
    assert_int_equal(two->calls, 0);
    assert_int_equal(rig.calls['x' - 'a'].rc, -ERR_EOF);
    rig_said(&rig, said);
    rpc_client_free(client);
}

/* ---- datagrams --------------------------------------------------------------------------------------------------- */

/* The same xid; doubled each time. */
static void
a_datagram_is_sent_again_until_it_is_answered(void **state)
{
    (void)state;
    for (enum who who = ANY; who <= OTHER; who++) {
        struct rig_peer *peer = rig_peer(&rig, 'a', "udp://*:1", hello_of(who), RIG_ECHO);
        struct rpc_client *client = client_of(who, "udp://a:1");
        char said[8192];
        rig_call(&rig, client, 'w', "0"); /* it is known who is there */
        rig_run(&rig, 100);
        rig_said(&rig, said);
        peer->way = RIG_HOLD;
        rig_set(client, TAMBO_RPC_RETRY_MAX, 0); /* another matter */
        rig_call(&rig, client, 'x', "1");
        rig_run(&rig, 450);
        assert_int_equal(peer->calls, 2);
        rig_run(&rig, 100); /* at 500 */
        assert_int_equal(peer->calls, who == OTHER ? 2 : 3);
        rig_run(&rig, 900);
        assert_int_equal(peer->calls, who == OTHER ? 2 : 3);
        rig_run(&rig, 100); /* at 1500 */
        EXPECT(&rig, who == ANY    ? "a<1#2[any] a<1#2[any] a<1#2[any]"
                     : who == OURS ? "a<1#2[2/2] a<1#2[2/2] a<1#2[2/2]"
                                   : "a<1#2");
        rig_answer(peer, "one");
        rig_run(&rig, 5000);
        EXPECT(&rig, "x=one");
        rpc_client_free(client);
        rig_peer_close(peer);
    }
}

static void
nobody_at_a_datagram_address(void **state)
{
    (void)state;
    for (enum who who = ANY; who <= OTHER; who++) {
        /* Its machine says so; but of one that was sent, this may be said of a second copy. */
        struct rpc_client *client = client_of(who, "udp://a:1");
        rig_call(&rig, client, 'x', "hi");
        rig_run(&rig, 1000);
        EXPECT(&rig, who == ANY ? "x!RESET" : "x!REFUSED");
        assert_string_equal(rpc_client_why(client), "udp://a:1: connection refused");
        rpc_client_free(client);
        /* Nobody says anything. */
        sim_partition(rig.sim, rig_host(&rig, 'b')->machine, rig_host(&rig, 'd')->machine, true);
        client = client_of(who, "udp://b:1");
        rig_set(client, TAMBO_RPC_CONNECT_MS, 1000);
        rig_set(client, TAMBO_RPC_RETRY_MAX, 0);
        rig_set(client, TAMBO_RPC_DEADLINE_MS, 3000);
        rig_call(&rig, client, 'x', "hi");
        rig_run(&rig, 5000);
        EXPECT(&rig, who == ANY ? "x!TIMEOUT" : "x!UNREACHABLE");
        rpc_client_free(client);
        sim_partition(rig.sim, rig_host(&rig, 'b')->machine, rig_host(&rig, 'd')->machine, false);
    }
}

/* A second address is tried when the first does not answer, and preferred afterwards. */
static void
datagrams_fail_over(void **state)
{
    (void)state;
    rig_peer(&rig, 'b', "udp://*:1", RIG_OURS, RIG_ECHO);
    sim_partition(rig.sim, rig_host(&rig, 'a')->machine, rig_host(&rig, 'd')->machine, true);
    for (enum who who = ANY; who <= OURS; who++) {
        struct rpc_client *client = client_of(who, "udp://a:1 udp://b:1");
        rig_set(client, TAMBO_RPC_CONNECT_MS, 1000);
        rig_call(&rig, client, 'x', "hi");
        rig_run(&rig, 1500);
        assert_true(rig_is_done(&rig, 'x'));
        assert_int_equal(rig.calls['x' - 'a'].rc, 0);
        rpc_client_free(client);
    }
    char said[8192];
    rig_said(&rig, said);
}

/* ---- the budget -------------------------------------------------------------------------------------------------- */

/* Ten that were saved, and then RETRY_PERCENT of what is called. */
static void
new_tries_are_a_part_of_the_calls(void **state)
{
    char said[8192];
    (void)state;
    struct rig_peer *peer = rig_peer(&rig, 'a', "tcp://*:1", RIG_FOREIGN, RIG_REFUSE);
    struct rpc_client *client = client_of(ANY, "tcp://a:1");
    peer->refusal = rig_refusal(-ERR_OVERLOADED);
    rig_set(client, TAMBO_RPC_RETRY_MAX, 1000);
    rig_set(client, TAMBO_RPC_RETRY_MS_MAX, 100);
    for (unsigned i = 0; i < 50; i++) {
        rig_call(&rig, client, 'x', "hi");
        rig_run(&rig, 3000);
        rig_said(&rig, said);
        assert_true(rig_is_done(&rig, 'x'));
        assert_int_equal(rig.calls['x' - 'a'].rc, -ERR_OVERLOADED);
    }
    assert_in_range(peer->calls, 50 + 10 + 9, 50 + 10 + 10); /* 20 in a hundred */
    rig_set(client, TAMBO_RPC_RETRY_PERCENT, 0);
    unsigned before = peer->calls;
    rig_call(&rig, client, 'x', "hi");
    rig_run(&rig, 3000);
    assert_int_equal(peer->calls, before + 1);
    rig_said(&rig, said);
    rpc_client_free(client);
}

/* ---- several addresses ------------------------------------------------------------------------------------------- */

static void
is_hedged_where_twice_does_no_harm(void **state)
{
    (void)state;
    for (enum who who = ANY; who <= OURS; who++) {
        struct rig_peer *one = rig_peer(&rig, 'a', "tcp://*:1", RIG_OURS, RIG_HOLD);
        struct rig_peer *two = rig_peer(&rig, 'b', "tcp://*:1", RIG_OURS, RIG_HOLD);
        struct rpc_client *client = client_of(who, "tcp://a:1 tcp://b:1");
        rig_set(client, TAMBO_RPC_HEDGE_MS, 100);
        rig_call(&rig, client, 'x', "hi");
        rig_run(&rig, 90);
        assert_int_equal(two->calls, 0);
        rig_run(&rig, 100);
        assert_int_equal(two->calls, who == ANY);
        if (who == ANY) {
            rig_answer(two, "two");
            rig_run(&rig, 100);
            rig_answer(one, "one"); /* of another attempt, and too late */
            rig_run(&rig, 100);
            EXPECT(&rig, "a<HELLO a<hi#1 b<HELLO b<hi#1 x=two a<CANCEL#1");
        } else {
            rig_answer(one, "one");
            rig_run(&rig, 100);
            EXPECT(&rig, "a<HELLO a<hi#1[1/1] x=one");
        }
        rpc_client_free(client);
        rig_peer_close(one);
        rig_peer_close(two);
    }
}

/* What one of the two came to is not the call's end. */
static void
a_hedge_that_fails_is_no_end(void **state)
{
    (void)state;
    for (unsigned first = 0; first < 2; first++) {
        char said[8192];
        struct rig_peer *one = rig_peer(&rig, 'a', "tcp://*:1", RIG_OURS, RIG_HOLD);
        struct rig_peer *two = rig_peer(&rig, 'b', "tcp://*:1", RIG_OURS, RIG_HOLD);
        struct rpc_client *client = client_of(ANY, "tcp://a:1 tcp://b:1");
        rig_set(client, TAMBO_RPC_HEDGE_MS, 100);
        rig_call(&rig, client, 'x', "hi");
        rig_call(&rig, client, 'y', "hi");
        rig_run(&rig, 200);
        rig_refuse(first == 0 ? one : two, -ERR_FAILED);
        rig_refuse(first == 0 ? one : two, -ERR_ARGUMENTS);
        rig_run(&rig, 100);
        assert_false(rig_is_done(&rig, 'x') || rig_is_done(&rig, 'y'));
        rig_answer(first == 0 ? two : one, "ho");
        rig_refuse(first == 0 ? two : one, -ERR_PROCEDURE);
        rig_run(&rig, 100);
        assert_int_equal(rig.calls['x' - 'a'].rc, 0);
        assert_int_equal(rig.calls['y' - 'a'].rc, -ERR_PROCEDURE);
        rpc_client_free(client);
        rig_peer_close(one);
        rig_peer_close(two);
        rig_said(&rig, said);
    }
}

static void
calls_are_balanced(void **state)
{
    static const unsigned want[][3] = {
        [TAMBO_PICK_FIRST] = {9,  0, 0},
        [TAMBO_ROUND_ROBIN] = { 3, 3, 3},
        [TAMBO_LEAST_LOADED] = { 1, 4, 4},
    };
    char said[8192], name = 'a';
    (void)state;
    for (int64_t balance = 0; balance < 3; balance++) {
        struct rig_peer *peers[3];
        struct rpc_client *client = client_of(ANY, "tcp://a:1 tcp://b:1 tcp://c:1");
        rig_set(client, TAMBO_RPC_BALANCE, balance);
        for (size_t i = 0; i < 3; i++)
            peers[i] = rig_peer(&rig, (char)('a' + i), "tcp://*:1", RIG_FOREIGN, i == 0 ? RIG_HOLD : RIG_ECHO);
        for (unsigned i = 0; i < 9; i++, name = name == 'z' ? 'a' : (char)(name + 1)) {
            rig_call(&rig, client, name, "hi");
            rig_run(&rig, 50);
        }
        for (size_t i = 0; i < 3; i++)
            assert_int_equal(peers[i]->calls, want[balance][i]);
        rpc_client_free(client);
        for (size_t i = 0; i < 3; i++)
            rig_peer_close(peers[i]);
        rig_said(&rig, said);
    }
}

/* Who failed rests; and comes back. */
static void
a_line_that_failed_rests(void **state)
{
    char said[8192];
    (void)state;
    struct rig_peer *two = rig_peer(&rig, 'b', "tcp://*:1", RIG_FOREIGN, RIG_ECHO);
    struct rpc_client *client = client_of(ANY, "tcp://a:1 tcp://b:1");
    rig_call(&rig, client, 'x', "1");
    rig_run(&rig, 20);
    struct rig_peer *one = rig_peer(&rig, 'a', "tcp://*:1", RIG_FOREIGN, RIG_ECHO);
    rig_call(&rig, client, 'y', "2");
    rig_run(&rig, 20);
    assert_int_equal(two->calls, 2);
    rig_run(&rig, 100);
    rig_call(&rig, client, 'z', "3");
    rig_run(&rig, 20);
    assert_int_equal(one->calls, 1);
    rig_said(&rig, said);
    rpc_client_free(client);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(unsent_is_tried_again),
        TEST(unsent_is_given_up_after_its_tries),
        TEST(unsent_goes_to_the_next_address_at_once),
        TEST(refused_goes_to_the_next_address),
        TEST(lost_follows_its_semantics),
        TEST(comes_again_only_to_who_remembers_it),
        TEST(an_unknown_outcome_stays_unknown),
        TEST(a_datagram_server_says_that_it_was_started_anew),
        TEST(semantics_are_those_of_its_beginning),
        TEST(a_datagram_is_sent_again_until_it_is_answered),
        TEST(nobody_at_a_datagram_address),
        TEST(datagrams_fail_over),
        TEST(new_tries_are_a_part_of_the_calls),
        TEST(is_hedged_where_twice_does_no_harm),
        TEST(a_hedge_that_fails_is_no_end),
        TEST(calls_are_balanced),
        TEST(a_line_that_failed_rests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
