/* include/tambo/rpc.h as who calls sees it: one thread, a server and a client in a context each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/must.h"
#include "lib/rpc_rig.h"

/* ---- waited for -------------------------------------------------------------------------------------------- */

static void
call_all(struct rpc_rig *rig)
{
    uint8_t bytes[5000];
    struct tambo_bytes sent = { bytes, sizeof(bytes) }, got;
    struct tambo_arena arena = { 0 };
    memset(bytes, 7, sizeof(bytes));
    assert_int_equal(tambo_rpc_ping(rig->client), 0);
    for (uint32_t i = 0; i < 100; i++)
        rpc_rig_add(rig->client, i, 1000);
    assert_int_equal(tambo_rpc_call(rig->client, rig_echo, &sent, &arena, &got), 0);
    assert_int_equal(got.len, sizeof(bytes));
    assert_memory_equal(got.data, bytes, sizeof(bytes));
    tambo_arena_free(&arena);
}

static void
calls_over_tcp(void **state)
{
    rpc_rig_meet(*state, "tcp://127.0.0.1:0");
    call_all(*state);
}

static void
calls_over_udp(void **state)
{
    rpc_rig_meet(*state, "udp://127.0.0.1:0");
    call_all(*state);
}

static void
calls_over_unix(void **state)
{
    char address[64];
    snprintf(address, sizeof(address), "unix:@tambo-rpc-test-%d", (int)getpid());
    rpc_rig_meet(*state, address);
    call_all(*state);
}

static void
calls_within_a_process(void **state)
{
    struct rpc_rig *rig = *state;
    tambo_free(rig->there);
    rig->there = NULL;
    assert_int_equal(tambo_rpc_listen(rig->server, "inproc:sums"), 0);
    assert_int_equal(tambo_rpc_address(rig->server, rig->address, sizeof(rig->address)), 0);
    rig->client = rpc_rig_client(rig, rig->here);
    call_all(rig);
}

/* ---- what went wrong -----------------------------------------------------------------------------------------------
 */

static void
errors_say_what_became_of_the_call(void **state)
{
    static const struct {
        uint32_t told;
        int heard;
        enum tambo_outcome outcome;
    } rows[] = {
        {TAMBO_ERR_DENIED,      -TAMBO_ERR_DENIED,     TAMBO_NOT_EXECUTED   },
        { TAMBO_ERR_OVERLOADED, -TAMBO_ERR_OVERLOADED, TAMBO_NOT_EXECUTED   },
        { TAMBO_ERR_ARGUMENTS,  -TAMBO_ERR_ARGUMENTS,  TAMBO_NOT_EXECUTED   },
        { TAMBO_ERR_PROCEDURE,  -TAMBO_ERR_PROCEDURE,  TAMBO_NOT_EXECUTED   },
        { TAMBO_ERR_FAILED,     -TAMBO_ERR_FAILED,     TAMBO_OUTCOME_UNKNOWN},
        { TAMBO_ERR_NOT_FOUND,  -TAMBO_ERR_FAILED,     TAMBO_OUTCOME_UNKNOWN},
    };
    struct rpc_rig *rig = *state;
    char why[128] = "";
    rpc_rig_meet(rig, "tcp://127.0.0.1:0");
    assert_int_equal(tambo_rpc_set(rig->client, TAMBO_RPC_RETRY_MAX, 0), 0);
    assert_int_equal(tambo_rpc_outcome(0), TAMBO_EXECUTED);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int rc = tambo_rpc_call(rig->client, rig_fail, &rows[i].told, NULL, NULL);
        assert_int_equal(rc, rows[i].heard);
        assert_int_equal(tambo_rpc_outcome(rc), rows[i].outcome);
        assert_int_equal(tambo_rpc_why(rig->client, why, sizeof(why)), 0);
        assert_true(why[0] != '\0');
    }
}

static void
values_that_do_not_fit_are_named(void **state)
{
    struct rpc_rig *rig = *state;
    struct rig_pair bad = { RIG_BAD, 0 }, bad_sum = { RIG_BAD - 1, 1 };
    uint32_t sum;
    char why[128];
    rpc_rig_meet(rig, "tcp://127.0.0.1:0");
    assert_int_equal(tambo_rpc_call(rig->client, rig_add, &bad, NULL, &sum), -TAMBO_ERR_ARGUMENTS);
    assert_int_equal(tambo_rpc_why(rig->client, why, sizeof(why)), 0);
    assert_string_equal(why, "a: brings bad luck");
    assert_int_equal(tambo_rpc_call(rig->client, rig_add, &bad_sum, NULL, &sum), -TAMBO_ERR_FAILED);
    /* Results that are no pair: the call was executed all the same. */
    struct tambo_rpc_procedure wrong = *rig_count;
    struct rig_pair pair;
    wrong.decode_ret = rig_add->decode_args;
    assert_int_equal(tambo_rpc_call(rig->client, &wrong, NULL, NULL, &pair), -TAMBO_ERR_RESULTS);
    assert_int_equal(tambo_rpc_outcome(-TAMBO_ERR_RESULTS), TAMBO_EXECUTED);
    assert_int_equal(atomic_load(&rig->counted), 1);
}

static void
nobody_is_there(void **state)
{
    struct rpc_rig *rig = *state;
    struct rig_pair pair = { 1, 2 };
    uint32_t sum;
    rpc_rig_meet(rig, "tcp://127.0.0.1:0");
    tambo_rpc_server_free(rig->server);
    assert_int_equal(tambo_rpc_set(rig->client, TAMBO_RPC_DEADLINE_MS, 50), 0);
    int rc = tambo_rpc_call(rig->client, rig_add, &pair, NULL, &sum);
    assert_true(rc == -TAMBO_ERR_REFUSED || rc == -TAMBO_ERR_UNREACHABLE);
    assert_int_equal(tambo_rpc_outcome(rc), TAMBO_NOT_EXECUTED);
}

static void
wrong_arguments_are_refused(void **state)
{
    struct rpc_rig *rig = *state;
    struct tambo_rpc_client *client;
    struct tambo_rpc_call *call;
    int64_t value;
    rpc_rig_meet(rig, "tcp://127.0.0.1:0");
    assert_int_equal(tambo_rpc_client(NULL, "tcp://127.0.0.1:1", 1, 1, &client), -TAMBO_ERR_INVALID);
    assert_int_equal(tambo_rpc_client(rig->there, NULL, 1, 1, &client), -TAMBO_ERR_INVALID);
    assert_int_equal(tambo_rpc_client(rig->there, "nonsense", 1, 1, &client), -TAMBO_ERR_ADDRESS);
    assert_int_equal(tambo_rpc_call(NULL, rig_add, NULL, NULL, NULL), -TAMBO_ERR_INVALID);
    assert_int_equal(tambo_rpc_call(rig->client, NULL, NULL, NULL, NULL), -TAMBO_ERR_INVALID);
    assert_int_equal(tambo_rpc_begin(rig->client, NULL, NULL, &call), -TAMBO_ERR_INVALID);
    assert_int_equal(tambo_rpc_wait(NULL, 0), -TAMBO_ERR_INVALID);
    assert_int_equal(tambo_rpc_end(NULL, NULL, NULL), -TAMBO_ERR_INVALID);
    assert_int_equal(tambo_rpc_wait_any(NULL, 0, 0), -TAMBO_ERR_INVALID);
    assert_int_equal(tambo_rpc_set(rig->client, TAMBO_RPC_DEADLINE_MS, 0), -TAMBO_ERR_INVALID);
    assert_int_equal(tambo_rpc_set(rig->client, TAMBO_RPC_DEADLINE_MS, 77), 0);
    assert_int_equal(tambo_rpc_get(rig->client, TAMBO_RPC_DEADLINE_MS, &value), 0);
    assert_int_equal(value, 77);
    assert_int_equal(tambo_rpc_server_set(rig->server, TAMBO_RPC_SERVER_WORKERS, -1), -TAMBO_ERR_INVALID);
    assert_int_equal(tambo_rpc_listen(rig->server, "nonsense"), -TAMBO_ERR_ADDRESS);
    assert_int_equal(tambo_rpc_listen(rig->server, NULL), -TAMBO_ERR_INVALID);
    tambo_rpc_cancel(NULL);
    tambo_rpc_client_free(NULL);
    tambo_rpc_server_free(NULL);
}

/* ---- deferred ---------------------------------------------------------------------------------------------- */

static void
many_calls_at_once(void **state)
{
    enum { COUNT = 200 };
    struct rpc_rig *rig = *state;
    struct tambo_rpc_call *calls[COUNT];
    rpc_rig_meet(rig, "tcp://127.0.0.1:0");
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < COUNT; i++) {
            struct rig_pair pair = { i, round + 100 };
            assert_int_equal(tambo_rpc_begin(rig->client, rig_add, &pair, &calls[i]), 0);
        }
        for (uint32_t i = COUNT; i-- > 0;) {
            uint32_t sum = 0;
            assert_int_equal(tambo_rpc_end(calls[i], NULL, &sum), 0);
            assert_int_equal(sum, i + round + 100);
        }
    }
}

static void
results_wait_until_they_are_wanted(void **state)
{
    struct rpc_rig *rig = *state;
    uint8_t bytes[3000];
    struct tambo_bytes sent = { bytes, sizeof(bytes) }, got;
    struct tambo_arena arena = { 0 };
    struct tambo_rpc_call *calls[3];
    memset(bytes, 9, sizeof(bytes));
    rpc_rig_meet(rig, "tcp://127.0.0.1:0");
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(tambo_rpc_begin(rig->client, rig_echo, &sent, &calls[i]), 0);
    assert_int_equal(tambo_rpc_wait(calls[2], TAMBO_FOREVER), 0);
    rpc_rig_add(rig->client, 1, 1); /* the read buffer has other bytes now */
    assert_int_equal(tambo_rpc_wait(calls[0], 0), 0);
    assert_int_equal(tambo_rpc_end(calls[0], &arena, &got), 0);
    assert_int_equal(got.len, sizeof(bytes));
    assert_memory_equal(got.data, bytes, sizeof(bytes));
    assert_int_equal(tambo_rpc_end(calls[1], NULL, NULL), 0); /* nobody wants them */
    tambo_arena_free(&arena);                                 /* and calls[2] is freed with its context */
}

static void
one_of_many_is_done(void **state)
{
    enum { COUNT = 40 };
    struct rpc_rig *rig = *state;
    struct tambo_rpc_call *calls[COUNT];
    uint32_t word = 5, got = 0;
    rpc_rig_meet(rig, "tcp://127.0.0.1:0");
    for (unsigned i = 0; i < COUNT; i++)
        assert_int_equal(tambo_rpc_begin(rig->client, rig_hold, &word, &calls[i]), 0);
    assert_int_equal(tambo_rpc_wait(calls[0], 0), -TAMBO_ERR_AGAIN);
    assert_int_equal(tambo_rpc_wait(calls[0], 1), -TAMBO_ERR_TIMEOUT);
    assert_int_equal(tambo_rpc_wait_any(calls, COUNT, 0), -TAMBO_ERR_AGAIN);
    assert_int_equal(tambo_rpc_wait_any(calls, COUNT, 1), -TAMBO_ERR_TIMEOUT);
    rpc_rig_await_held(rig, COUNT);
    for (unsigned left = COUNT; left > 0; left--) {
        uint32_t answer = 100 + left;
        assert_int_equal(tambo_rpc_reply(rig->held[left - 1], &answer), 0);
        assert_int_equal(tambo_rpc_wait_any(calls, left, TAMBO_FOREVER), left - 1);
        assert_int_equal(tambo_rpc_end(calls[left - 1], NULL, &got), 0);
        assert_int_equal(got, answer);
    }
}

static void
canceled_calls_are_done(void **state)
{
    struct rpc_rig *rig = *state;
    struct tambo_rpc_call *call;
    uint32_t word = 5, got;
    rpc_rig_meet(rig, "tcp://127.0.0.1:0");
    assert_int_equal(tambo_rpc_ping(rig->client), 0);
    assert_int_equal(tambo_rpc_begin(rig->client, rig_hold, &word, &call), 0);
    rpc_rig_await_held(rig, 1);
    assert_false(tambo_rpc_is_canceled(rig->held[0]));
    tambo_rpc_cancel(call);
    tambo_rpc_cancel(call);
    assert_int_equal(tambo_rpc_wait(call, 0), 0);
    assert_int_equal(tambo_rpc_end(call, NULL, &got), -TAMBO_ERR_ABANDONED);
    assert_int_equal(tambo_rpc_outcome(-TAMBO_ERR_ABANDONED), TAMBO_OUTCOME_UNKNOWN);
    rpc_rig_add(rig->client, 2, 2); /* behind the word that it is canceled */
    assert_true(tambo_rpc_is_canceled(rig->held[0]));
    tambo_rpc_fail(rig->held[0], -TAMBO_ERR_CANCELED);
    rpc_rig_add(rig->client, 2, 2);
}

/* ---- callbacks --------------------------------------------------------------------------------------------- */

struct chain {
    struct tambo_rpc_client *client;
    uint32_t left;
    int refused; /* what a call that would wait was told */
    struct tambo_rpc_call *last;
};

static void
on_link(void *arg, struct tambo_rpc_call *call)
{
    struct chain *chain = arg;
    struct tambo_rpc_call *next;
    uint32_t sum = 0;
    chain->refused = tambo_rpc_ping(chain->client);
    if (--chain->left == 0) {
        chain->last = call;
        return;
    }
    must(tambo_rpc_end(call, NULL, &sum) == 0);
    struct rig_pair pair = { sum, 1 };
    must(tambo_rpc_begin(chain->client, rig_add, &pair, &next) == 0);
    must(tambo_rpc_wait(next, 1) == -TAMBO_ERR_STATE && tambo_rpc_wait(next, 0) == -TAMBO_ERR_AGAIN);
    must(tambo_rpc_on_done(next, on_link, chain) == 0);
}

static void
callbacks_begin_calls(void **state)
{
    struct rpc_rig *rig = *state;
    struct rig_pair pair = { 0, 1 };
    struct tambo_rpc_call *call;
    uint32_t sum = 0;
    rpc_rig_meet(rig, "tcp://127.0.0.1:0");
    struct chain chain = { .client = rig->client, .left = 20 };
    assert_int_equal(tambo_rpc_begin(rig->client, rig_add, &pair, &call), 0);
    assert_int_equal(tambo_rpc_on_done(call, on_link, &chain), 0);
    while (chain.last == NULL)
        rpc_rig_add(rig->client, 1, 1);
    assert_int_equal(chain.refused, -TAMBO_ERR_STATE);
    assert_int_equal(tambo_rpc_end(chain.last, NULL, &sum), 0);
    assert_int_equal(sum, 20);
}

static void
note(void *arg, struct tambo_rpc_call *call)
{
    *(int *)arg = tambo_rpc_end(call, NULL, NULL);
}

static void
callbacks_come_at_once_when_it_is_done(void **state)
{
    struct rpc_rig *rig = *state;
    struct tambo_rpc_call *call;
    uint32_t word = 1;
    int rc = 1;
    rpc_rig_meet(rig, "tcp://127.0.0.1:0");
    assert_int_equal(tambo_rpc_begin(rig->client, rig_count, NULL, &call), 0);
    assert_int_equal(tambo_rpc_wait(call, TAMBO_FOREVER), 0);
    assert_int_equal(tambo_rpc_on_done(call, note, &rc), 0);
    assert_int_equal(rc, 0);
    assert_int_equal(tambo_rpc_begin(rig->client, rig_hold, &word, &call), 0);
    assert_int_equal(tambo_rpc_on_done(call, note, &rc), 0);
    tambo_rpc_client_free(rig->client);
    assert_true(rc == -TAMBO_ERR_ABANDONED || rc == -TAMBO_ERR_CANCELED);
}

/* ---- one way ----------------------------------------------------------------------------------------------- */

static void
casts_and_sendings_do_not_wait_for_answers(void **state)
{
    struct rpc_rig *rig = *state;
    uint32_t word = 1, counted = 0;
    rpc_rig_meet(rig, "tcp://127.0.0.1:0");
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(tambo_rpc_cast(rig->client, rig_count, NULL), 0);
    assert_int_equal(tambo_rpc_call(rig->client, rig_count, NULL, NULL, &counted), 0);
    assert_int_equal(counted, 11);
    assert_int_equal(tambo_rpc_send(rig->client, rig_hold, &word), 0); /* is not answered */
    rpc_rig_await_held(rig, 1);
}

/* ---- many servers ------------------------------------------------------------------------------------------ */

enum { LEGS = 5 };

/* Two that hold what they are asked, three that count. */
static void
meet_many(struct rpc_rig *rig, struct tambo_rpc_client **clients)
{
    rpc_rig_meet(rig, "tcp://127.0.0.1:0");
    for (unsigned i = 0; i < LEGS; i++)
        clients[i] = rpc_rig_client(rig, rig->there);
}

static int
collect_two(void *arg, size_t index, const struct tambo_rpc_answer *answer)
{
    unsigned *seen = arg;
    (void)index;
    *seen += answer->rc == 0;
    return *seen == 2;
}

static void
one_call_goes_to_many(void **state)
{
    struct rpc_rig *rig = *state;
    struct tambo_rpc_client *clients[LEGS];
    struct tambo_rpc_answer answers[LEGS];
    struct tambo_rpc_policy all = { 0 }, three = { .enough = 3 }, more = { .enough = LEGS + 1 };
    unsigned seen = 0, good = 0;
    struct tambo_rpc_policy two = { .collect = collect_two, .arg = &seen };
    struct tambo_arena arena = { 0 };
    uint32_t denied = TAMBO_ERR_DENIED, sum = 0;
    meet_many(rig, clients);
    assert_int_equal(tambo_rpc_multicast(clients, LEGS, rig_count, NULL, &all, &arena, answers), 0);
    for (unsigned i = 0; i < LEGS; i++) {
        assert_int_equal(answers[i].rc, 0);
        sum += *(uint32_t *)answers[i].ret;
    }
    assert_int_equal(sum, 1 + 2 + 3 + 4 + 5);
    assert_int_equal(tambo_rpc_multicast(clients, LEGS, rig_count, NULL, &three, &arena, answers), 0);
    for (unsigned i = 0; i < LEGS; i++)
        good += answers[i].rc == 0;
    assert_in_range(good, 3, LEGS);
    assert_int_equal(tambo_rpc_multicast(clients, LEGS, rig_count, NULL, &two, &arena, answers), 0);
    assert_int_equal(seen, 2);
    assert_int_equal(tambo_rpc_multicast(clients, LEGS, rig_fail, &denied, &all, NULL, answers), -TAMBO_ERR_DENIED);
    assert_int_equal(tambo_rpc_multicast(clients, LEGS, rig_fail, &denied, &three, NULL, answers), -TAMBO_ERR_DENIED);
    assert_int_equal(tambo_rpc_multicast(clients, LEGS, rig_count, NULL, &more, &arena, answers), -TAMBO_ERR_INVALID);
    tambo_arena_free(&arena);
}

/* Who does not answer is not waited for when enough have, and told so. */
static int
hold_odd(struct rpc_rig *rig, struct tambo_rpc_request *request, uint32_t word, uint32_t *ret)
{
    (void)request;
    *ret = word;
    return atomic_fetch_add(&rig->counted, 1) % 2 == 0 ? 0 : TAMBO_RPC_LATER;
}

static void
enough_is_enough(void **state)
{
    struct rpc_rig *rig = *state;
    struct tambo_rpc_client *clients[LEGS];
    struct tambo_rpc_answer answers[LEGS];
    struct tambo_rpc_policy three = { .enough = 3 };
    struct tambo_arena arena = { 0 };
    uint32_t word = 3;
    rig->hold = hold_odd;
    meet_many(rig, clients);
    assert_int_equal(tambo_rpc_multicast(clients, LEGS, rig_hold, &word, &three, &arena, answers), 0);
    for (unsigned i = 0; i < LEGS; i++)
        assert_true(answers[i].rc == 0 ? *(uint32_t *)answers[i].ret == 3
                                       : answers[i].rc == -TAMBO_ERR_ABANDONED || answers[i].rc == -TAMBO_ERR_CANCELED);
    tambo_arena_free(&arena);
}

int
main(void)
{
#define RPC_TEST(name) cmocka_unit_test_setup_teardown(name, rpc_rig_open, rpc_rig_close)
    const struct CMUnitTest tests[] = {
        RPC_TEST(calls_over_tcp),
        RPC_TEST(calls_over_udp),
        RPC_TEST(calls_over_unix),
        RPC_TEST(calls_within_a_process),
        RPC_TEST(errors_say_what_became_of_the_call),
        RPC_TEST(values_that_do_not_fit_are_named),
        RPC_TEST(nobody_is_there),
        RPC_TEST(wrong_arguments_are_refused),
        RPC_TEST(many_calls_at_once),
        RPC_TEST(results_wait_until_they_are_wanted),
        RPC_TEST(one_of_many_is_done),
        RPC_TEST(canceled_calls_are_done),
        RPC_TEST(callbacks_begin_calls),
        RPC_TEST(callbacks_come_at_once_when_it_is_done),
        RPC_TEST(casts_and_sendings_do_not_wait_for_answers),
        RPC_TEST(one_call_goes_to_many),
        RPC_TEST(enough_is_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
