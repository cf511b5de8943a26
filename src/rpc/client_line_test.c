/* rpc/client_line_test.c - callers and scripted servers: connections, addresses, limits, guards, credentials, and a
 * machine without memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "rpc/binder.h"
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

/* ---- connections ------------------------------------------------------------------------------------------------- */

static unsigned
links_of(const struct rig_peer *peer)
{
    unsigned count = 0;
    for (size_t i = 0; i < RIG_LINKS; i++)
        count += peer->links[i].link != NULL;
    return count;
}

static void
an_idle_connection_is_closed(void **state)
{
    (void)state;
    struct rig_peer *peer = rig_peer(&rig, 'a', "tcp://*:1", RIG_FOREIGN, RIG_HOLD);
    struct rpc_client *client = rig_client(&rig, "tcp://a:1");
    rig_set(client, TAMBO_RPC_IDLE_MS, 1000);
    assert_int_equal(links_of(peer), 0);
    rig_call(&rig, client, 'x', "1");
    rig_run(&rig, 5000);
    assert_int_equal(links_of(peer), 1); /* it has a call */
    rig_answer(peer, "one");
    rig_run(&rig, 900);
    assert_int_equal(links_of(peer), 1);
    rig_run(&rig, 2000);
    assert_int_equal(links_of(peer), 0);
    peer->way = RIG_ECHO;
    rig_call(&rig, client, 'x', "2");
    rig_run(&rig, 100);
    EXPECT(&rig, "a<HELLO a<1#1 x=one a<HELLO a<2#2 x=2");
    rpc_client_free(client);
}

static void
handles_share_connections(void **state)
{
    struct rpc_client *again;
    (void)state;
    struct rig_peer *peer = rig_peer(&rig, 'a', "tcp://*:1", RIG_OURS, RIG_ECHO);
    struct rpc_client *client = rig_client(&rig, "tcp://a:1");
    rig_set(client, TAMBO_RPC_DEADLINE_MS, 7000);
    assert_int_equal(rpc_client_again(client, &again), 0);
    int64_t deadline_ms;
    assert_int_equal(rpc_client_get(again, TAMBO_RPC_DEADLINE_MS, &deadline_ms), 0);
    assert_int_equal(deadline_ms, 7000);
    rig_call(&rig, client, 'x', "1");
    rig_call(&rig, again, 'y', "2");
    rig_run(&rig, 100);
    EXPECT(&rig, "a<HELLO a<1#1[1/1] a<2#2[1/1] x=1 y=2"); /* each counts for itself */
    assert_int_equal(links_of(peer), 1);
    rpc_client_free(client);
    rig_call(&rig, again, 'y', "3");
    rig_run(&rig, 100);
    EXPECT(&rig, "a<3#3[2/2] y=3");
    rpc_client_free(again);
    rig_run(&rig, 100);
    assert_int_equal(links_of(peer), 0);
}

static void
a_server_that_leaves_between_calls_is_come_back_to(void **state)
{
    (void)state;
    struct rig_peer *peer = rig_peer(&rig, 'a', "tcp://*:1", RIG_FOREIGN, RIG_ECHO);
    struct rpc_client *client = rig_client(&rig, "tcp://a:1");
    rig_call(&rig, client, 'x', "1");
    rig_run(&rig, 100);
    rig_peer_close(peer);
    rig_run(&rig, 100);
    rig_peer(&rig, 'a', "tcp://*:1", RIG_FOREIGN, RIG_ECHO);
    rig_call(&rig, client, 'x', "2");
    rig_run(&rig, 100);
    EXPECT(&rig, "a<HELLO a<1#1 x=1 a<HELLO a<2#1 x=2");
    rpc_client_free(client);
}

/* ---- rpcbind ----------------------------------------------------------------------------------------------------- */

static void
an_address_without_a_port_is_asked_for(void **state)
{
    static const struct rpcbind_mapping mapping = { 1000, 2, (char *)"tcp", (char *)"0.0.0.0.0.7", (char *)"test" };
    struct rpc_binder *binder;
    struct rpc_address at;
    (void)state;
    struct rpc_client *client = rig_client(&rig, "tcp://a");
    rig_set(client, TAMBO_RPC_RETRY_MAX, 0);
    rig_call(&rig, client, 'x', "1");
    rig_run(&rig, 1000);
    EXPECT(&rig, "x!REFUSED");
    assert_string_equal(rpc_client_why(client), "rpcbind at a, asked over tcp: connection refused");
    must(rpc_address_parse(view_str("tcp://*:111"), &at) == 0);
    must(rpc_binder_new(rig_host(&rig, 'a')->world, &binder) == 0);
    must(rpc_binder_listen(binder, &at, NULL) == 0);
    rig_call(&rig, client, 'x', "2");
    rig_run(&rig, 1000);
    EXPECT(&rig, "x!PROGRAM");
    assert_string_equal(rpc_client_why(client), "rpcbind at a has no program 1000 over tcp");
    must(rpc_binder_set(binder, &mapping) == 0);
    rig_peer(&rig, 'a', "tcp://*:7", RIG_FOREIGN, RIG_ECHO);
    rig_call(&rig, client, 'x', "3");
    rig_call(&rig, client, 'y', "4");
    rig_run(&rig, 1000);
    EXPECT(&rig, "a<HELLO a<3#1 a<4#2 x=3 y=4");
    rpc_client_free(client);
    client = rig_client(&rig, "tcp://a");
    rig_call(&rig, client, 'y', "5");
    rpc_client_free(client); /* while it is asked for */
    rig_run(&rig, 1000);
    EXPECT(&rig, "y!CANCELED");
    rpc_binder_free(binder);
}

/* ---- limits ------------------------------------------------------------------------------------------------------ */

static void
limits_are_kept(void **state)
{
    char text[RIG_TEXT_MAX + 2];
    (void)state;
    rig_peer(&rig, 'a', "tcp://*:1", RIG_FOREIGN, RIG_HOLD);
    struct rpc_client *client = rig_client(&rig, "tcp://a:1");
    rig_set(client, TAMBO_RPC_CALLS_MAX, 2);
    rig_call(&rig, client, 'x', "1");
    rig_call(&rig, client, 'y', "2");
    assert_int_equal(rig_call(&rig, client, 'z', "3"), -ERR_FULL);
    assert_string_equal(rpc_client_why(client), "2 calls are under way (CALLS_MAX)");
    rig_cancel(&rig, 'x');
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (unsigned opened = 0; opened < 2; opened++) {
        assert_int_equal(rig_call(&rig, client, 'z', text), -ERR_ARGUMENTS);
        assert_string_equal(rpc_client_why(client), "longer than its limit");
        rig_run(&rig, 100);
    }
    EXPECT(&rig, "z!!FULL x!CANCELED z!!ARGUMENTS a<HELLO a<2#1 z!!ARGUMENTS");
    assert_int_equal(rpc_client_set(client, TAMBO_RPC_CALL_BYTES_MAX, 127), -ERR_INVALID);
    assert_int_equal(rpc_client_set(client, TAMBO_RPC_AUTH_SYS, 1), -ERR_STATE);
    assert_int_equal(rpc_client_set(client, (enum tambo_rpc_client_option)99, 1), -ERR_INVALID);
    rpc_client_free(client);
    EXPECT(&rig, "y!ABANDONED");
}

static int
encode_many(struct tambo_xdr_out *out, const void *value)
{
    static const uint8_t bytes[100];
    for (unsigned n = *(const unsigned *)value; n > 0; n--)
        if (tambo_xdr_put_fixed(out, bytes, sizeof bytes) < 0)
            return out->fault.rc;
    return 0;
}

static void
ignore(struct rpc_call *call, int rc, struct view results)
{
    (void)call;
    (void)rc;
    (void)results;
}

/* Waiting for a connection, and over one; a datagram has its own limit. */
static void
a_call_that_is_too_large_is_not_sent(void **state)
{
    static const struct tambo_rpc_procedure many = { .name = "MANY", .number = 7, .encode_args = encode_many };
    static const struct rpc_call_on on = { .done = ignore };
    struct rpc_call call;
    unsigned hundreds = 20;
    (void)state;
    rig_peer(&rig, 'a', "tcp://*:1", RIG_FOREIGN, RIG_ECHO);
    struct rpc_client *client = rig_client(&rig, "tcp://a:1");
    rig_set(client, TAMBO_RPC_CALL_BYTES_MAX, 1000);
    for (unsigned opened = 0; opened < 2; opened++) {
        assert_int_equal(rpc_call_begin(client, &many, &hundreds, RPC_FORM_REPLY, &on, &call, NULL), -ERR_TOO_LARGE);
        rig_call(&rig, client, 'x', "hi");
        rig_run(&rig, 100);
    }
    EXPECT(&rig, "a<HELLO a<hi#1 x=hi a<hi#2 x=hi");
    rpc_client_free(client);
}

/* Its connection is left: what was called there may have been executed. */
static void
a_reply_that_is_too_large_ends_its_connection(void **state)
{
    static char large[5000];
    (void)state;
    struct rig_peer *peer = rig_peer(&rig, 'a', "tcp://*:1", RIG_FOREIGN, RIG_HOLD);
    struct rpc_client *client = rig_client(&rig, "tcp://a:1");
    memset(large, 'x', sizeof large - 1);
    rig_set(client, TAMBO_RPC_REPLY_BYTES_MAX, 1000);
    rig_call(&rig, client, 'x', "hi");
    rig_run(&rig, 100);
    rig_answer(peer, large);
    rig_run(&rig, 100);
    EXPECT(&rig, "a<HELLO a<hi#1 x!PROTOCOL");
    assert_string_equal(rpc_client_why(client), "tcp://a:1 answers with more than 1000 bytes (REPLY_BYTES_MAX)");
    rpc_client_free(client);
}

static void
addresses_are_looked_at(void **state)
{
    static const struct {
        const char *text;
        int rc;
    } rows[] = {
        {"",                         -ERR_ADDRESS},
        { " ",                       -ERR_ADDRESS},
        { "nonsense://x",            -ERR_ADDRESS},
        { "tcp://a:1 nonsense://x",  -ERR_ADDRESS},
        { " tcp://a:1  udp://b:2\n", 0           },
    };
    char many[RPC_LINES_MAX * 10 + 20] = "";
    struct rpc_world *world = rig_host(&rig, 'd')->world;
    struct rpc_client *client;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(rpc_client_new(world, rows[i].text, 1, 1, &client), rows[i].rc);
        if (rows[i].rc == 0)
            rpc_client_free(client);
    }
    for (size_t i = 0; i <= RPC_LINES_MAX; i++)
        strcat(many, "tcp://a:1 ");
    assert_int_equal(rpc_client_new(world, many, 1, 1, &client), -ERR_FULL);
}

/* ---- guards and credentials -------------------------------------------------------------------------------------- */

static int
before(void *arg, const struct tambo_rpc_procedure *procedure)
{
    const char *name = arg;
    must(procedure == &rig_procedure);
    rig_note(&rig, "%c?", name[0]);
    return name[1] == '-' ? -ERR_DENIED : 0;
}

static void
after(void *arg, const struct tambo_rpc_procedure *procedure, int rc, uint64_t took_ns)
{
    const char *name = arg;
    (void)procedure;
    rig_note(&rig, "%c:%d,%d", name[0], rc, took_ns >= 1000000);
}

static void
guards_stand_around_calls(void **state)
{
    char first[] = "1", second[] = "2";
    struct tambo_rpc_client_guard one = { before, after, first }, two = { before, after, second }, none = { 0 };
    (void)state;
    rig_peer(&rig, 'a', "tcp://*:1", RIG_FOREIGN, RIG_ECHO);
    struct rpc_client *client = rig_client(&rig, "tcp://a:1");
    assert_int_equal(rpc_client_guard(client, &one), 0);
    assert_int_equal(rpc_client_guard(client, &none), 0);
    assert_int_equal(rpc_client_guard(client, &two), 0);
    rig_call(&rig, client, 'x', "hi");
    EXPECT(&rig, "1? 2?");
    rig_run(&rig, 100);
    EXPECT(&rig, "a<HELLO a<hi#1 2:0,1 1:0,1 x=hi");
    assert_int_equal(rig_begin(&rig, client, 'x', "hi", RPC_FORM_CAST), RPC_CALL_DONE);
    EXPECT(&rig, "1? 2? 2:0,0 1:0,0");
    strcpy(second, "-");
    second[0] = '2';
    char denies[] = "2-";
    struct tambo_rpc_client_guard last = { before, after, denies };
    assert_int_equal(rpc_client_guard(client, &last), 0);
    assert_int_equal(rig_call(&rig, client, 'x', "hi"), -ERR_DENIED);
    EXPECT(&rig, "1? 2? 2? 2:-14,0 1:-14,0 x!!DENIED");
    rpc_client_free(client);
}

static void
credentials_are_sent(void **state)
{
    struct tambo_rpc_cred cred = { .flavor = 1, .uid = 1000, .gid = 100, .machine = "d", .group_count = 1 };
    (void)state;
    struct rig_peer *peer = rig_peer(&rig, 'a', "tcp://*:1", RIG_OURS, RIG_ECHO);
    struct rpc_client *client = rig_client(&rig, "tcp://a:1"), *again;
    static const uint32_t want[] = { 1, 0, 1, 0 };
    assert_int_equal(rpc_client_set_cred(client, &cred), 0);
    for (size_t i = 0; i < COUNT_OF(want); i++) {
        if (i == 1 || i == 2)
            rig_set(client, TAMBO_RPC_AUTH_SYS, want[i]);
        cred.flavor = 0;
        if (i == 3)
            assert_int_equal(rpc_client_set_cred(client, &cred), 0);
        assert_int_equal(rpc_client_again(client, &again), 0);
        rig_call(&rig, again, 'x', "hi");
        rig_run(&rig, 100);
        assert_true(rig_is_done(&rig, 'x'));
        assert_int_equal(peer->cred, want[i]);
        rpc_client_free(again);
    }
    cred.flavor = 6;
    assert_int_equal(rpc_client_set_cred(client, &cred), -ERR_INVALID);
    cred.flavor = 1;
    cred.group_count = 17;
    assert_int_equal(rpc_client_set_cred(client, &cred), -ERR_INVALID);
    rpc_client_free(client);
}

/* ---- no memory --------------------------------------------------------------------------------------------------- */

/* However the first calls end, nothing is left behind, and all works when there is memory again. */
static void
use_poor(struct mem *mem, uint64_t fail_at, const char *addresses, int64_t semantics)
{
    static char long_text[RIG_TEXT_MAX];
    struct rpc_client *client = NULL, *again = NULL;
    struct tambo_rpc_client_guard guard = { 0 };
    struct rpc_world *world = rig_host(&rig, 'd')->world;
    memset(long_text, 'x', sizeof long_text - 1);
    mem->calls = 0;
    mem->fail_at = fail_at;
    if (rpc_client_new(world, addresses, 1000, 2, &client) < 0)
        must(rpc_client_new(world, addresses, 1000, 2, &client) == 0);
    rig_set(client, TAMBO_RPC_SEMANTICS, semantics);
    rig_set(client, TAMBO_RPC_DEADLINE_MS, 2000);
    (void)rpc_client_guard(client, &guard);
    (void)rpc_client_again(client, &again);
    for (unsigned i = 0; i < 2; i++) {
        (void)rig_call(&rig, client, 'x', "hi");
        (void)rig_call(&rig, again == NULL ? client : again, 'y', long_text);
        (void)rig_begin(&rig, client, 'z', long_text, RPC_FORM_CAST);
        rig_run(&rig, 3000);
        assert_true(rig_is_done(&rig, 'x') && rig_is_done(&rig, 'y') && rig_is_done(&rig, 'z'));
    }
    mem->fail_at = 0;
    assert_int_equal(rig_call(&rig, client, 'x', long_text), 0);
    rig_run(&rig, 3000);
    assert_int_equal(rig.calls['x' - 'a'].rc, 0);
    rpc_client_free(again);
    rpc_client_free(client);
    rig_run(&rig, 2000);
}

static void
survives_without_memory(void **state)
{
    static const char *const roads[][2] = {
        {"tcp://*:1",  "tcp://b:9 tcp://a:1"},
        { "udp://*:1", "udp://a:1"          },
    };
    char said[8192];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(roads) * 2; i++) {
        uint64_t calls = UINT64_MAX;
        for (uint64_t fail_at = 0; fail_at <= calls; fail_at++) {
            struct mem *mem = &rig_host(&rig, 'd')->mem;
            struct rig_peer *peer = rig_peer(&rig, 'a', roads[i / 2][0], RIG_OURS, RIG_ECHO);
            use_poor(mem, fail_at, roads[i / 2][1], (int64_t)(i % 2));
            if (fail_at == 0)
                calls = mem->calls;
            assert_in_range(calls, 5, 200);
            rig_peer_close(peer);
            rig_said(&rig, said);
            assert_int_equal(rpc_world_count(rig_host(&rig, 'd')->world), 0);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_idle_connection_is_closed),
        TEST(handles_share_connections),
        TEST(a_server_that_leaves_between_calls_is_come_back_to),
        TEST(an_address_without_a_port_is_asked_for),
        TEST(limits_are_kept),
        TEST(a_call_that_is_too_large_is_not_sent),
        TEST(a_reply_that_is_too_large_ends_its_connection),
        TEST(addresses_are_looked_at),
        TEST(guards_stand_around_calls),
        TEST(credentials_are_sent),
        TEST(survives_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
