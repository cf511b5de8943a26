/* include/tambo/rpc.h as who serves sees it, and how clients, servers and contexts end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/must.h"
#include "lib/rpc_rig.h"

/* ---- servers ----------------------------------------------------------------------------------------------- */

static int
reply_now(struct rpc_rig *rig, struct tambo_rpc_request *request, uint32_t word, uint32_t *ret)
{
    (void)rig;
    *ret = word + 1;
    must(tambo_rpc_procedure_of(request) == rig_hold && tambo_rpc_number_of(request) == 3);
    must(tambo_rpc_left_ms(request) == TAMBO_FOREVER || tambo_rpc_left_ms(request) > 0);
    must(tambo_rpc_peer(request) != NULL && !tambo_rpc_is_canceled(request));
    must(tambo_arena_take(tambo_rpc_arena(request), 100) != NULL);
    must(tambo_rpc_run(rig->server, 1) == -TAMBO_ERR_STATE);
    if (word == 0)
        tambo_rpc_fail(request, -TAMBO_ERR_DENIED);
    else
        must(tambo_rpc_reply(request, ret) == 0);
    return TAMBO_RPC_LATER;
}

static void
handlers_may_answer_by_themselves(void **state)
{
    struct rpc_rig *rig = *state;
    uint32_t word = 5, got = 0;
    rig->hold = reply_now;
    rpc_rig_meet(rig, "tcp://127.0.0.1:0");
    assert_int_equal(tambo_rpc_call(rig->client, rig_hold, &word, NULL, &got), 0);
    assert_int_equal(got, 6);
    word = 0;
    assert_int_equal(tambo_rpc_call(rig->client, rig_hold, &word, NULL, &got), -TAMBO_ERR_DENIED);
}

static void
a_run_ends_when_it_is_stopped(void **state)
{
    struct rpc_rig *rig = *state;
    assert_int_equal(tambo_rpc_run(rig->server, 0), -TAMBO_ERR_AGAIN);
    assert_int_equal(tambo_rpc_run(rig->server, 1), -TAMBO_ERR_TIMEOUT);
    tambo_rpc_stop(rig->server);
    tambo_rpc_stop(rig->server);
    assert_int_equal(tambo_rpc_run(rig->server, TAMBO_FOREVER), 0);
    assert_int_equal(tambo_rpc_run(rig->server, 1), -TAMBO_ERR_TIMEOUT);
}

static void
a_drained_server_answers_what_it_has(void **state)
{
    struct rpc_rig *rig = *state;
    struct tambo_rpc_call *call;
    uint32_t word = 1, answer = 8, got = 0;
    rpc_rig_meet(rig, "tcp://127.0.0.1:0");
    assert_int_equal(tambo_rpc_begin(rig->client, rig_hold, &word, &call), 0);
    rpc_rig_await_held(rig, 1);
    assert_int_equal(tambo_rpc_drain(rig->server, 1), -TAMBO_ERR_TIMEOUT);
    assert_int_equal(tambo_rpc_reply(rig->held[0], &answer), 0);
    assert_int_equal(tambo_rpc_drain(rig->server, TAMBO_FOREVER), 0);
    assert_int_equal(tambo_rpc_end(call, NULL, &got), 0);
    assert_int_equal(got, 8);
}

/* Whether rpcbind runs on this machine or not, and whether one may be. */
static void
a_server_tells_rpcbind_and_takes_it_back(void **state)
{
    struct rpc_rig *rig = *state;
    struct tambo_rpc_server *other;
    assert_int_equal(tambo_rpc_server_set(rig->server, TAMBO_RPC_SERVER_REGISTER, 1), 0);
    rpc_rig_meet(rig, "tcp://127.0.0.1:0");
    rpc_rig_add(rig->client, 1, 1);
    assert_int_equal(tambo_rpc_server(rig->here, &other), 0);
    assert_int_equal(tambo_rpc_listen(other, "udp://127.0.0.1:0"), 0);
    assert_int_equal(tambo_rpc_drain(rig->server, TAMBO_FOREVER), 0);
    assert_int_equal(tambo_rpc_drain(rig->server, 0), 0);
    tambo_rpc_server_free(other);
}

static void
answers_after_the_end_go_nowhere(void **state)
{
    struct rpc_rig *rig = *state;
    struct tambo_rpc_call *calls[3];
    uint32_t word = 1;
    rpc_rig_meet(rig, "tcp://127.0.0.1:0");
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(tambo_rpc_begin(rig->client, rig_hold, &word, &calls[i]), 0);
    rpc_rig_await_held(rig, 3);
    tambo_rpc_server_free(rig->server);
    tambo_rpc_reply(rig->held[0], &word);
    tambo_rpc_drop(rig->held[1]); /* and the third goes with its context */
    assert_int_equal(tambo_rpc_set(rig->client, TAMBO_RPC_RETRY_MAX, 0), 0);
}

/* ---- guards, credentials, metrics -------------------------------------------------------------------------- */

struct log {
    char text[64];
    uint32_t uid;
};

static void
say(struct log *log, char what)
{
    size_t len = strlen(log->text);
    must(len + 1 < sizeof(log->text));
    log->text[len] = what;
}

static int
before_request(void *arg, struct tambo_rpc_request *request)
{
    struct log *log = arg;
    const struct tambo_rpc_cred *cred = tambo_rpc_cred(request);
    say(log, 'b');
    log->uid = cred->flavor == 1 ? cred->uid : UINT32_MAX;
    must(tambo_rpc_left_ms(request) != 0);
    return tambo_rpc_procedure_of(request) == rig_count ? -TAMBO_ERR_DENIED : 0;
}

static void
after_request(void *arg, struct tambo_rpc_request *request, int rc, uint64_t took_ns)
{
    (void)request;
    (void)took_ns;
    say(arg, rc == 0 ? 'a' : 'f');
}

static int
before_call(void *arg, const struct tambo_rpc_procedure *procedure)
{
    say(arg, 'b');
    return procedure == rig_echo ? -TAMBO_ERR_DENIED : 0;
}

static void
after_call(void *arg, const struct tambo_rpc_procedure *procedure, int rc, uint64_t took_ns)
{
    (void)procedure;
    (void)took_ns;
    say(arg, rc == 0 ? 'a' : 'f');
}

static void
guards_stand_on_both_sides(void **state)
{
    struct rpc_rig *rig = *state;
    struct log served = { .uid = 0 }, called = { .uid = 0 };
    const struct tambo_rpc_guard guard = { before_request, after_request, &served };
    const struct tambo_rpc_client_guard client_guard = { before_call, after_call, &called };
    struct tambo_bytes bytes = { NULL, 0 };
    uint32_t counted;
    assert_int_equal(tambo_rpc_guard(rig->server, &guard), 0);
    rpc_rig_meet(rig, "tcp://127.0.0.1:0");
    assert_int_equal(tambo_rpc_client_guard(rig->client, &client_guard), 0);
    rpc_rig_add(rig->client, 1, 1);
    assert_string_equal(served.text, "ba");
    assert_string_equal(called.text, "ba");
    assert_int_equal(tambo_rpc_call(rig->client, rig_count, NULL, NULL, &counted), -TAMBO_ERR_DENIED);
    assert_int_equal(atomic_load(&rig->counted), 0);
    assert_string_equal(called.text, "babf");
    assert_int_equal(tambo_rpc_call(rig->client, rig_echo, &bytes, NULL, NULL), -TAMBO_ERR_DENIED);
    assert_true(strncmp(served.text, "bab", 3) == 0 && strlen(served.text) <= 4);
}

static void
credentials_reach_the_handler(void **state)
{
    struct rpc_rig *rig = *state;
    struct log served = { .uid = 0 };
    const struct tambo_rpc_guard guard = { before_request, NULL, &served };
    const struct tambo_rpc_cred other = { .flavor = 1, .uid = 4711, .gid = 1, .machine = "elsewhere" };
    assert_int_equal(tambo_rpc_guard(rig->server, &guard), 0);
    rpc_rig_meet(rig, "tcp://127.0.0.1:0");
    rpc_rig_add(rig->client, 1, 1);
    assert_int_equal(served.uid, UINT32_MAX);
    assert_int_equal(tambo_rpc_set(rig->client, TAMBO_RPC_AUTH_SYS, 1), 0);
    rpc_rig_add(rig->client, 1, 1);
    assert_int_equal(served.uid, geteuid());
    assert_int_equal(tambo_rpc_set_cred(rig->client, &other), 0);
    rpc_rig_add(rig->client, 1, 1);
    assert_int_equal(served.uid, 4711);
}

static void
calls_are_counted(void **state)
{
    struct rpc_rig *rig = *state;
    struct tambo_rpc_metric metric = { 0 };
    uint32_t denied = TAMBO_ERR_DENIED;
    size_t at = 0;
    rpc_rig_meet(rig, "tcp://127.0.0.1:0");
    for (unsigned i = 0; i < 5; i++)
        rpc_rig_add(rig->client, i, i);
    (void)tambo_rpc_call(rig->client, rig_fail, &denied, NULL, NULL);
    uint64_t calls = 0, errors = 0;
    while (tambo_rpc_metric(rig->server, at++, &metric) == 0) {
        calls += metric.procedure == rig_add ? metric.calls : 0;
        errors += metric.procedure == rig_fail ? metric.errors : 0;
    }
    assert_int_equal(calls, 5);
    assert_true(errors >= 1);
    assert_true(at > 5);
}

/* ---- ends -------------------------------------------------------------------------------------------------- */

static void
freed_clients_end_their_calls(void **state)
{
    struct rpc_rig *rig = *state;
    struct tambo_rpc_client *again;
    struct tambo_rpc_call *call, *other;
    uint32_t word = 1, answer = 2, got = 0;
    rpc_rig_meet(rig, "tcp://127.0.0.1:0");
    assert_int_equal(tambo_rpc_client_again(rig->client, &again), 0);
    assert_int_equal(tambo_rpc_begin(rig->client, rig_hold, &word, &call), 0);
    rpc_rig_await_held(rig, 1);
    assert_int_equal(tambo_rpc_begin(again, rig_hold, &word, &other), 0);
    rpc_rig_await_held(rig, 2);
    tambo_rpc_client_free(rig->client);
    assert_int_equal(tambo_rpc_end(call, NULL, &got), -TAMBO_ERR_ABANDONED);
    assert_int_equal(tambo_rpc_reply(rig->held[1], &answer), 0);
    assert_int_equal(tambo_rpc_end(other, NULL, &got), 0);
    assert_int_equal(got, 2);
}

static void
contexts_end_with_calls_under_way(void **state)
{
    struct rpc_rig *rig = *state;
    struct tambo_rpc_call *call;
    uint32_t word = 1;
    rpc_rig_meet(rig, "tcp://127.0.0.1:0");
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(tambo_rpc_begin(rig->client, rig_hold, &word, &call), 0);
    rpc_rig_await_held(rig, 10);
    tambo_free(rig->here);
    rig->here = NULL;
    tambo_free(rig->there);
    rig->there = NULL;
}

static void
a_forked_child_may_only_leave(void **state)
{
    struct rpc_rig *rig = *state;
    int status;
    rpc_rig_meet(rig, "tcp://127.0.0.1:0");
    rpc_rig_add(rig->client, 1, 1);
    pid_t pid = fork();
    if (pid == 0) {
        struct tambo_rpc_call *call;
        bool ok = tambo_rpc_ping(rig->client) == -TAMBO_ERR_FORKED &&
                  tambo_rpc_begin(rig->client, rig_count, NULL, &call) == -TAMBO_ERR_FORKED &&
                  tambo_rpc_run(rig->server, 1) == -TAMBO_ERR_FORKED;
        tambo_rpc_client_free(rig->client);
        tambo_rpc_server_free(rig->server);
        tambo_free(rig->there);
        tambo_free(rig->here);
        /* Into another program, as children do; memory that is the parent's is nothing that valgrind should look at. */
        execl(ok ? "/bin/true" : "/bin/false", "child", NULL);
        _exit(1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    rpc_rig_add(rig->client, 1, 1);
}

/* Each allocation of the client's side fails once: what was asked for fails, and what follows works. */
static void
memory_runs_out(void **state)
{
    struct rpc_rig *rig = *state;
    uint8_t bytes[500] = { 1 };
    struct tambo_bytes sent = { bytes, sizeof(bytes) }, got;
    unsigned failed = 0;
    rpc_rig_meet(rig, "tcp://127.0.0.1:0");
    for (uint64_t at = 1; at < 60; at++) {
        struct tambo_rpc_client *client = NULL;
        struct tambo_rpc_call *call = NULL;
        struct tambo_arena arena = { 0 };
        must(lib_enter(rig->there) == 0);
        rig->there->mem.fail_at = rig->there->mem.calls + at;
        lib_leave(rig->there);
        int rc = tambo_rpc_client(rig->there, rig->address, RIG_PROGRAM, RIG_VERSION, &client);
        if (rc == 0)
            rc = tambo_rpc_begin(client, rig_echo, &sent, &call);
        if (rc == 0)
            rc = tambo_rpc_end(call, &arena, &got);
        must(lib_enter(rig->there) == 0);
        rig->there->mem.fail_at = 0;
        lib_leave(rig->there);
        failed += rc < 0;
        if (client != NULL)
            rpc_rig_add(client, 1, 1);
        tambo_rpc_client_free(client);
        tambo_arena_free(&arena);
    }
    assert_true(failed > 3);
}

int
main(void)
{
#define RPC_TEST(name) cmocka_unit_test_setup_teardown(name, rpc_rig_open, rpc_rig_close)
    const struct CMUnitTest tests[] = {
        RPC_TEST(handlers_may_answer_by_themselves),    RPC_TEST(a_run_ends_when_it_is_stopped),
        RPC_TEST(a_drained_server_answers_what_it_has), RPC_TEST(a_server_tells_rpcbind_and_takes_it_back),
        RPC_TEST(answers_after_the_end_go_nowhere),     RPC_TEST(guards_stand_on_both_sides),
        RPC_TEST(credentials_reach_the_handler),        RPC_TEST(calls_are_counted),
        RPC_TEST(freed_clients_end_their_calls),        RPC_TEST(contexts_end_with_calls_under_way),
        RPC_TEST(a_forked_child_may_only_leave),        RPC_TEST(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
