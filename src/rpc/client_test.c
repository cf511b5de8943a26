/* rpc/client_test.c - callers and scripted servers: a call's life, its forms, its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "rpc/caller.h"
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

/* ---- a call ------------------------------------------------------------------------------------------------------ */

static void
is_answered_over_every_transport(void **state)
{
    static const struct {
        char host;
        const char *bind, *connect;
    } roads[] = {
        {'a',  "tcp://*:1", "tcp://a:1"},
        { 'a', "udp://*:1", "udp://a:1"},
        { 'd', "unix:x",    "unix:x"   },
        { 'd', "inproc:x",  "inproc:x" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(roads); i++) {
        char want[64];
        struct rig_peer *peer = rig_peer(&rig, roads[i].host, roads[i].bind, RIG_FOREIGN, RIG_ECHO);
        struct rpc_client *client = rig_client(&rig, roads[i].connect);
        assert_int_equal(rig_call(&rig, client, 'x', "hi"), 0);
        rig_run(&rig, 100);
        assert_int_equal(rig_call(&rig, client, 'y', "ho"), 0);
        rig_run(&rig, 100);
        char a = peer->name;
        snprintf(want, sizeof want, "%c<HELLO %c<hi#1 x=hi %c<ho#2 y=ho", a, a, a);
        EXPECT(&rig, want);
        assert_string_equal(rpc_client_why(client), "");
        rpc_client_free(client);
        rig_peer_close(peer);
    }
}

static void
is_answered_out_of_order(void **state)
{
    (void)state;
    struct rig_peer *peer = rig_peer(&rig, 'a', "tcp://*:1", RIG_FOREIGN, RIG_HOLD);
    struct rpc_client *client = rig_client(&rig, "tcp://a:1");
    rig_call(&rig, client, 'x', "1");
    rig_call(&rig, client, 'y', "2");
    rig_run(&rig, 100);
    EXPECT(&rig, "a<HELLO a<1#1 a<2#2");
    struct rig_held first = peer->held[0];
    peer->held[0] = peer->held[1];
    peer->held[1] = first;
    rig_answer(peer, "two");
    rig_answer(peer, "one");
    rig_run(&rig, 100);
    EXPECT(&rig, "y=two x=one");
    rpc_client_free(client);
}

/* Its number, and below which all are settled. */
static void
names_itself_to_servers_of_ours(void **state)
{
    (void)state;
    struct rig_peer *peer = rig_peer(&rig, 'a', "tcp://*:1", RIG_OURS, RIG_HOLD);
    struct rpc_client *client = rig_client(&rig, "tcp://a:1");
    rig_call(&rig, client, 'x', "1");
    rig_call(&rig, client, 'y', "2");
    rig_run(&rig, 100);
    rig_answer(peer, "one");
    rig_run(&rig, 100);
    rig_call(&rig, client, 'z', "3");
    rig_run(&rig, 100);
    rig_answer(peer, "two");
    rig_answer(peer, "three");
    rig_run(&rig, 100);
    EXPECT(&rig, "a<HELLO a<1#1[1/1] a<2#2[2/1] x=one a<3#3[3/2] y=two z=three");
    rig_set(client, TAMBO_RPC_SEMANTICS, TAMBO_AT_LEAST_ONCE);
    peer->way = RIG_ECHO;
    rig_call(&rig, client, 'x', "4");
    rig_run(&rig, 100);
    EXPECT(&rig, "a<4#4[any] x=4");
    rpc_client_free(client);
}

/* Twice does no harm: so it does not wait until it is known who is there. */
static void
goes_at_once_when_twice_does_no_harm(void **state)
{
    static const char *const addresses[] = { "tcp://a:1", "udp://a:1" };
    static const char *const binds[] = { "tcp://*:1", "udp://*:1" };
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct rig_peer *peer = rig_peer(&rig, 'a', binds[i], RIG_SILENT, RIG_ECHO);
        struct rpc_client *client = rig_client(&rig, addresses[i]);
        rig_set(client, TAMBO_RPC_SEMANTICS, TAMBO_AT_LEAST_ONCE);
        rig_call(&rig, client, 'x', "hi");
        rig_run(&rig, 100);
        if (i == 0)
            EXPECT(&rig, "a<HELLO a<hi#1 x=hi");
        else
            EXPECT(&rig, "a<hi#1 x=hi a<HELLO"); /* who answers is asked who it is */
        rpc_client_free(client);
        rig_peer_close(peer);
    }
}

/* One that has nothing to remember, because nothing will be tried again, does not wait either. */
static void
goes_at_once_when_it_is_tried_once(void **state)
{
    (void)state;
    rig_peer(&rig, 'a', "tcp://*:1", RIG_SILENT, RIG_ECHO);
    struct rpc_client *client = rig_client(&rig, "tcp://a:1");
    rig_set(client, TAMBO_RPC_RETRY_MAX, 0);
    rig_call(&rig, client, 'x', "hi");
    rig_run(&rig, 100);
    EXPECT(&rig, "a<HELLO a<hi#1 x=hi");
    rpc_client_free(client);
}

/* A server that does one thing after the other may be busy: it is taken for another's. */
static void
waits_for_hello_no_longer_than_to_connect(void **state)
{
    (void)state;
    rig_peer(&rig, 'a', "tcp://*:1", RIG_SILENT, RIG_ECHO);
    struct rpc_client *client = rig_client(&rig, "tcp://a:1");
    rig_set(client, TAMBO_RPC_CONNECT_MS, 1000);
    rig_call(&rig, client, 'x', "hi");
    rig_run(&rig, 900);
    EXPECT(&rig, "a<HELLO");
    rig_run(&rig, 200);
    EXPECT(&rig, "a<hi#1 x=hi");
    rpc_client_free(client);
}

/* A datagram may come twice: so it is not sent to who may be one of ours, and does not say so. */
static void
is_not_sent_where_nobody_says_who_is_there(void **state)
{
    (void)state;
    struct rig_peer *peer = rig_peer(&rig, 'a', "udp://*:1", RIG_SILENT, RIG_ECHO);
    struct rpc_client *client = rig_client(&rig, "udp://a:1");
    rig_set(client, TAMBO_RPC_CONNECT_MS, 1000);
    rig_set(client, TAMBO_RPC_RETRY_MAX, 0);
    rig_call(&rig, client, 'x', "hi");
    rig_run(&rig, 2000);
    EXPECT(&rig, "a<HELLO a<HELLO x!UNREACHABLE");
    assert_string_equal(rpc_client_why(client), "udp://a:1: timed out");
    peer->hello = RIG_OURS;
    rig_call(&rig, client, 'x', "hi");
    rig_run(&rig, 2000);
    EXPECT(&rig, "a<HELLO a<hi#1[2/2] x=hi");
    rpc_client_free(client);
}

/* ---- forms ------------------------------------------------------------------------------------------------------- */

static void
is_cast_and_not_answered(void **state)
{
    (void)state;
    struct rig_peer *ours = rig_peer(&rig, 'a', "tcp://*:1", RIG_OURS, RIG_HOLD);
    struct rig_peer *foreign = rig_peer(&rig, 'b', "tcp://*:1", RIG_FOREIGN, RIG_ECHO);
    struct rpc_client *one = rig_client(&rig, "tcp://a:1"), *two = rig_client(&rig, "tcp://b:1");
    /* It is done when it is handed over, and that is when there is a connection. */
    assert_int_equal(rig_begin(&rig, one, 'x', "hi", RPC_FORM_CAST), 0);
    rig_run(&rig, 100);
    EXPECT(&rig, "x= a<HELLO a<hi#1");
    assert_int_equal(rig_begin(&rig, one, 'x', "ho", RPC_FORM_CAST), RPC_CALL_DONE);
    rig_run(&rig, 100);
    EXPECT(&rig, "a<ho#2[cast 2/2]");
    assert_int_equal(rig_begin(&rig, two, 'y', "hi", RPC_FORM_CAST), 0);
    rig_run(&rig, 100);
    EXPECT(&rig, "y= b<HELLO b<hi#1");
    assert_int_equal(rig_begin(&rig, two, 'y', "ho", RPC_FORM_CAST), RPC_CALL_DONE);
    rig_run(&rig, 100);
    EXPECT(&rig, "b<ho#2");
    assert_int_equal(ours->calls + foreign->calls, 4);
    rpc_client_free(one);
    rpc_client_free(two);
}

static void
cast_to_nobody_says_so(void **state)
{
    (void)state;
    struct rpc_client *client = rig_client(&rig, "tcp://a:1");
    assert_int_equal(rig_begin(&rig, client, 'x', "hi", RPC_FORM_CAST), 0);
    rig_run(&rig, 1000);
    EXPECT(&rig, "x!REFUSED");
    rpc_client_free(client);
}

static void
ends_with_its_receipt(void **state)
{
    (void)state;
    struct rig_peer *ours = rig_peer(&rig, 'a', "tcp://*:1", RIG_OURS, RIG_HOLD);
    struct rig_peer *foreign = rig_peer(&rig, 'b', "tcp://*:1", RIG_FOREIGN, RIG_HOLD);
    struct rpc_client *one = rig_client(&rig, "tcp://a:1"), *two = rig_client(&rig, "tcp://b:1");
    rig_begin(&rig, one, 'x', "hi", RPC_FORM_RECEIPT);
    rig_begin(&rig, one, 'y', "ho", RPC_FORM_RECEIPT);
    rig_run(&rig, 100);
    EXPECT(&rig, "a<HELLO a<hi#1[receipt 1/1] a<ho#2[receipt 2/1]");
    rig_receipt(ours);
    rig_refuse(ours, -ERR_ARGUMENTS);
    rig_run(&rig, 100);
    EXPECT(&rig, "x= y!ARGUMENTS");
    rig_begin(&rig, two, 'z', "hi", RPC_FORM_RECEIPT);
    rig_run(&rig, 100);
    EXPECT(&rig, "b<HELLO b<hi#1");
    rig_answer(foreign, "");
    rig_run(&rig, 100);
    EXPECT(&rig, "z=");
    rpc_client_free(one);
    rpc_client_free(two);
}

/* ---- deadlines and cancelling ------------------------------------------------------------------------------------ */

static void
its_deadline_tells_whether_it_was_sent(void **state)
{
    (void)state;
    rig_peer(&rig, 'a', "tcp://*:1", RIG_OURS, RIG_HOLD);
    struct rpc_client *sent = rig_client(&rig, "tcp://a:1"), *unsent = rig_client(&rig, "tcp://b:1");
    sim_partition(rig.sim, rig_host(&rig, 'b')->machine, rig_host(&rig, 'd')->machine, true);
    rig_set(sent, TAMBO_RPC_DEADLINE_MS, 500);
    rig_set(unsent, TAMBO_RPC_DEADLINE_MS, 500);
    rig_call(&rig, sent, 'x', "hi");
    rig_call(&rig, unsent, 'y', "hi");
    rig_run(&rig, 499);
    EXPECT(&rig, "a<HELLO a<hi#1[1/1]");
    rig_run(&rig, 2);
    EXPECT(&rig, "x!TIMEOUT y!UNREACHABLE");
    assert_string_equal(rpc_client_why(sent), "tcp://a:1 did not answer within 500 ms");
    assert_string_equal(rpc_client_why(unsent), "tcp://b:1 could not be reached within 500 ms");
    assert_int_equal(rpc_outcome(-ERR_TIMEOUT), TAMBO_OUTCOME_UNKNOWN);
    assert_int_equal(rpc_outcome(-ERR_UNREACHABLE), TAMBO_NOT_EXECUTED);
    rpc_client_free(sent);
    rpc_client_free(unsent);
}

static void
a_late_reply_is_nobodys(void **state)
{
    (void)state;
    struct rig_peer *peer = rig_peer(&rig, 'a', "tcp://*:1", RIG_OURS, RIG_HOLD);
    struct rpc_client *client = rig_client(&rig, "tcp://a:1");
    rig_set(client, TAMBO_RPC_DEADLINE_MS, 100);
    rig_call(&rig, client, 'x', "hi");
    rig_run(&rig, 200);
    EXPECT(&rig, "a<HELLO a<hi#1[1/1] x!TIMEOUT");
    rig_call(&rig, client, 'y', "ho");
    rig_run(&rig, 20);
    rig_answer(peer, "late");
    rig_answer(peer, "ho");
    rig_run(&rig, 20);
    EXPECT(&rig, "a<ho#2[2/2] y=ho");
    rpc_client_free(client);
}

/* Numbers come round while a call waits. */
static void
a_number_that_is_in_use_is_not_taken(void **state)
{
    (void)state;
    struct rig_peer *peer = rig_peer(&rig, 'a', "tcp://*:1", RIG_FOREIGN, RIG_HOLD);
    struct rpc_client *client = rig_client(&rig, "tcp://a:1");
    client->way->xid = UINT32_MAX - 1;
    rig_call(&rig, client, 'x', "1");
    rig_run(&rig, 100);
    client->way->xid = peer->held[0].xid - 1;
    rig_call(&rig, client, 'y', "2");
    rig_run(&rig, 100);
    EXPECT(&rig, "a<HELLO a<1#1 a<2#2");
    assert_int_equal(peer->held[0].xid, UINT32_MAX);
    assert_int_equal(peer->held[1].xid, 1);
    rig_answer(peer, "one");
    rig_answer(peer, "two");
    rig_run(&rig, 100);
    EXPECT(&rig, "x=one y=two");
    rpc_client_free(client);
}

static void
a_reply_from_elsewhere_is_nobodys(void **state)
{
    (void)state;
    struct rig_peer *one = rig_peer(&rig, 'a', "tcp://*:1", RIG_FOREIGN, RIG_HOLD);
    struct rig_peer *two = rig_peer(&rig, 'b', "tcp://*:1", RIG_FOREIGN, RIG_HOLD);
    struct rpc_client *client = rig_client(&rig, "tcp://a:1 tcp://b:1");
    rig_set(client, TAMBO_RPC_BALANCE, TAMBO_ROUND_ROBIN);
    rig_call(&rig, client, 'x', "1");
    rig_run(&rig, 100);
    rig_call(&rig, client, 'y', "2");
    rig_run(&rig, 100);
    EXPECT(&rig, "a<HELLO a<1#1 b<HELLO b<2#1");
    two->held[1] = two->held[0];
    two->held_count = 2;
    two->held[0].xid = one->held[0].xid;
    rig_answer(two, "not yours");
    rig_run(&rig, 100);
    EXPECT(&rig, "");
    rig_answer(two, "two");
    rig_answer(one, "one");
    rig_run(&rig, 100);
    EXPECT(&rig, "y=two x=one");
    rpc_client_free(client);
}

/* A connection on which something comes that is no message is left; datagrams are forgotten. */
static void
what_is_no_message_is_not_believed(void **state)
{
    static const char *const roads[][2] = {
        {"tcp://*:1",  "tcp://a:1"},
        { "udp://*:1", "udp://a:1"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(roads); i++) {
        struct rig_peer *peer = rig_peer(&rig, 'a', roads[i][0], RIG_FOREIGN, RIG_HOLD);
        struct rpc_client *client = rig_client(&rig, roads[i][1]);
        rig_call(&rig, client, 'x', "1");
        rig_run(&rig, 100);
        const struct rig_held *to = &peer->held[0];
        must(rpc_link_put(to->link, to->has_from ? &to->from : NULL, view_str("nonsense")) == 0);
        rig_run(&rig, 100);
        if (i == 0) {
            EXPECT(&rig, "a<HELLO a<1#1 x!PROTOCOL");
            assert_string_equal(rpc_client_why(client), "tcp://a:1: peer broke the protocol");
        } else {
            rig_answer(peer, "one");
            rig_run(&rig, 100);
            EXPECT(&rig, "a<HELLO a<1#1 x=one");
        }
        rpc_client_free(client);
        rig_peer_close(peer);
    }
}

static void
canceling_tells_whether_it_was_sent(void **state)
{
    (void)state;
    rig_peer(&rig, 'a', "tcp://*:1", RIG_OURS, RIG_HOLD);
    struct rpc_client *client = rig_client(&rig, "tcp://a:1");
    rig_call(&rig, client, 'x', "1");
    rig_cancel(&rig, 'x');
    EXPECT(&rig, "x!CANCELED");
    rig_call(&rig, client, 'x', "1");
    rig_call(&rig, client, 'y', "2");
    rig_run(&rig, 100);
    rig_cancel(&rig, 'x');
    rig_run(&rig, 100);
    EXPECT(&rig, "a<HELLO a<1#1[2/2] a<2#2[3/2] x!ABANDONED a<CANCEL#1");
    rpc_client_free(client);
    rig_run(&rig, 100);
    EXPECT(&rig, "y!ABANDONED a<CANCEL#2");
}

static void
a_client_may_be_freed_where_its_call_ends(void **state)
{
    (void)state;
    rig_peer(&rig, 'a', "tcp://*:1", RIG_FOREIGN, RIG_ECHO);
    rig_peer(&rig, 'b', "tcp://*:1", RIG_FOREIGN, RIG_CLOSE);
    struct rpc_client *client = rig_client(&rig, "tcp://a:1");
    rig_call(&rig, client, 'x', "1");
    rig_call(&rig, client, 'y', "2");
    rig.freed_in_done = client;
    rig_run(&rig, 100);
    EXPECT(&rig, "a<HELLO a<1#1 a<2#2 x=1 y!ABANDONED");
    client = rig_client(&rig, "tcp://b:1");
    rig_call(&rig, client, 'x', "1");
    rig_call(&rig, client, 'y', "2");
    rig.freed_in_done = client;
    rig_run(&rig, 100);
    EXPECT(&rig, "b<HELLO b<1#1 x!EOF y!ABANDONED");
    client = rig_client(&rig, "tcp://c:1");
    rig_set(client, TAMBO_RPC_RETRY_MAX, 0);
    rig_call(&rig, client, 'x', "1");
    rig_call(&rig, client, 'y', "2");
    rig.freed_in_done = client;
    rig_run(&rig, 100);
    EXPECT(&rig, "x!REFUSED y!CANCELED");
    client = rig_client(&rig, "tcp://a:1");
    rig_set(client, TAMBO_RPC_DEADLINE_MS, 1);
    rig_call(&rig, client, 'x', "1");
    rig_call(&rig, client, 'y', "2");
    rig.freed_in_done = client;
    sim_partition(rig.sim, rig_host(&rig, 'a')->machine, rig_host(&rig, 'd')->machine, true);
    rig_run(&rig, 100);
    EXPECT(&rig, "x!UNREACHABLE y!CANCELED");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(is_answered_over_every_transport),
        TEST(is_answered_out_of_order),
        TEST(names_itself_to_servers_of_ours),
        TEST(goes_at_once_when_twice_does_no_harm),
        TEST(goes_at_once_when_it_is_tried_once),
        TEST(waits_for_hello_no_longer_than_to_connect),
        TEST(is_not_sent_where_nobody_says_who_is_there),
        TEST(is_cast_and_not_answered),
        TEST(cast_to_nobody_says_so),
        TEST(ends_with_its_receipt),
        TEST(its_deadline_tells_whether_it_was_sent),
        TEST(a_late_reply_is_nobodys),
        TEST(a_number_that_is_in_use_is_not_taken),
        TEST(a_reply_from_elsewhere_is_nobodys),
        TEST(what_is_no_message_is_not_believed),
        TEST(canceling_tells_whether_it_was_sent),
        TEST(a_client_may_be_freed_where_its_call_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
