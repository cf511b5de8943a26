/* Remote procedure calls from many threads: clients and calls are shared, canceled, freed meanwhile; requests are
 * answered by workers, and later by whoever likes to. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/must.h"
#include "lib/rpc_rig.h"

enum { THREADS = 4, CALLS = 300, WORKERS = 3 };

struct thread {
    struct rpc_rig *rig;
    struct tambo_rpc_client *client;
    struct tambo_rpc_call *call;
    pthread_t id;
    int rc;
};

static void
start(struct thread *thread, void *(*fn)(void *))
{
    assert_int_equal(pthread_create(&thread->id, NULL, fn, thread), 0);
}

static void
start_all(struct thread *threads, struct rpc_rig *rig, void *(*fn)(void *))
{
    for (unsigned i = 0; i < THREADS; i++) {
        threads[i] = (struct thread){ .rig = rig, .client = rig->client };
        start(&threads[i], fn);
    }
}

static void
join_all(struct thread *threads)
{
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i].id, NULL);
}

/* ---- many callers -------------------------------------------------------------------------------------------------
 */

static void *
call_many(void *arg)
{
    struct thread *thread = arg;
    for (uint32_t i = 0; i < CALLS; i++)
        rpc_rig_add(thread->client, i, 3);
    return NULL;
}

static void *
defer_many(void *arg)
{
    enum { AT_ONCE = 20 };
    struct thread *thread = arg;
    struct tambo_rpc_call *calls[AT_ONCE];
    for (uint32_t i = 0; i < CALLS / AT_ONCE; i++) {
        for (uint32_t j = 0; j < AT_ONCE; j++) {
            struct rig_pair pair = { i, j };
            must(tambo_rpc_begin(thread->client, rig_add, &pair, &calls[j]) == 0);
        }
        for (uint32_t j = 0; j < AT_ONCE; j++) {
            uint32_t sum = 0;
            must(tambo_rpc_end(calls[j], NULL, &sum) == 0);
            must(sum == i + j);
        }
    }
    return NULL;
}

static void
many_threads_share_a_client(void **state)
{
    struct thread waiting[THREADS], deferring[THREADS];
    rpc_rig_meet(*state, "tcp://127.0.0.1:0");
    start_all(waiting, *state, call_many);
    start_all(deferring, *state, defer_many);
    join_all(waiting);
    join_all(deferring);
}

static void
many_threads_within_a_process(void **state)
{
    struct rpc_rig *rig = *state;
    struct thread waiting[THREADS], deferring[THREADS];
    assert_int_equal(tambo_rpc_listen(rig->server, "inproc:sums"), 0);
    assert_int_equal(tambo_rpc_address(rig->server, rig->address, sizeof(rig->address)), 0);
    rig->client = rpc_rig_client(rig, rig->here);
    start_all(waiting, rig, call_many);
    start_all(deferring, rig, defer_many);
    join_all(waiting);
    join_all(deferring);
}

/* ---- callbacks --------------------------------------------------------------------------------------------- */

static void
count_sum(void *arg, struct tambo_rpc_call *call)
{
    uint32_t sum = 0;
    must(tambo_rpc_end(call, NULL, &sum) == 0);
    atomic_fetch_add((_Atomic unsigned *)arg, sum);
}

static void *
begin_many(void *arg)
{
    struct thread *thread = arg;
    const struct rig_pair pair = { 1, 1 };
    for (uint32_t i = 0; i < CALLS; i++) {
        struct tambo_rpc_call *call;
        must(tambo_rpc_begin(thread->client, rig_add, &pair, &call) == 0);
        must(tambo_rpc_on_done(call, count_sum, &thread->rig->counted) == 0);
    }
    return NULL;
}

static void
callbacks_come_on_any_thread(void **state)
{
    struct rpc_rig *rig = *state;
    struct thread threads[THREADS];
    rpc_rig_meet(rig, "tcp://127.0.0.1:0");
    start_all(threads, rig, begin_many);
    join_all(threads);
    while (atomic_load(&rig->counted) < 2 * THREADS * CALLS)
        rpc_rig_add(rig->client, 1, 1);
    assert_int_equal(atomic_load(&rig->counted), 2 * THREADS * CALLS);
}

/* ---- ended under the hands of those that wait -------------------------------------------------------------- */

static void *
wait_for_answer(void *arg)
{
    struct thread *thread = arg;
    uint32_t word = 1, got;
    thread->rc = tambo_rpc_call(thread->client, rig_hold, &word, NULL, &got);
    return NULL;
}

static void *
wait_for_any(void *arg)
{
    struct thread *thread = arg;
    struct tambo_rpc_call *calls[] = { thread->call, thread->call };
    thread->rc = tambo_rpc_wait_any(calls, 2, TAMBO_FOREVER);
    return NULL;
}

static void
another_thread_cancels(void **state)
{
    struct rpc_rig *rig = *state;
    struct thread threads[THREADS];
    struct tambo_rpc_call *call;
    uint32_t word = 1;
    rpc_rig_meet(rig, "tcp://127.0.0.1:0");
    assert_int_equal(tambo_rpc_begin(rig->client, rig_hold, &word, &call), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        threads[i] = (struct thread){ .call = call, .rc = 1 };
        start(&threads[i], wait_for_any);
    }
    rpc_rig_await_held(rig, 1);
    tambo_rpc_cancel(call);
    join_all(threads);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(threads[i].rc, 0);
    assert_int_equal(tambo_rpc_end(call, NULL, &word), -TAMBO_ERR_ABANDONED);
}

static void
freeing_a_client_ends_what_waits(void **state)
{
    struct rpc_rig *rig = *state;
    struct thread threads[THREADS];
    rpc_rig_meet(rig, "tcp://127.0.0.1:0");
    start_all(threads, rig, wait_for_answer);
    rpc_rig_await_held(rig, THREADS);
    tambo_rpc_client_free(rig->client);
    join_all(threads);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(threads[i].rc, -TAMBO_ERR_ABANDONED);
}

static void
freeing_a_context_ends_what_waits(void **state)
{
    struct rpc_rig *rig = *state;
    struct thread threads[THREADS];
    rpc_rig_meet(rig, "tcp://127.0.0.1:0");
    start_all(threads, rig, wait_for_answer);
    rpc_rig_await_held(rig, THREADS);
    tambo_free(rig->there);
    rig->there = NULL;
    join_all(threads);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(threads[i].rc, -TAMBO_ERR_ABANDONED);
}

static void *
run_for_ever(void *arg)
{
    struct thread *thread = arg;
    thread->rc = tambo_rpc_run(thread->rig->server, TAMBO_FOREVER);
    return NULL;
}

static void
await_run(struct rpc_rig *rig)
{
    for (bool runs = false; !runs; sched_yield()) {
        must(lib_enter(rig->here) == 0);
        runs = !list_empty(&rig->server->runs);
        lib_leave(rig->here);
    }
}

static int
say_that_it_came(struct rpc_rig *rig, struct tambo_rpc_request *request, uint32_t word, uint32_t *ret)
{
    (void)request;
    *ret = word;
    tambo_rpc_stop(rig->server);
    return 0;
}

static void
freeing_a_server_ends_its_runs(void **state)
{
    struct rpc_rig *rig = *state;
    struct thread thread = { .rig = rig }, stopped = { .rig = rig };
    uint32_t word = 1, got;
    rig->hold = say_that_it_came;
    rpc_rig_meet(rig, "tcp://127.0.0.1:0");
    start(&stopped, run_for_ever);
    assert_int_equal(tambo_rpc_call(rig->client, rig_hold, &word, NULL, &got), 0);
    pthread_join(stopped.id, NULL);
    assert_int_equal(stopped.rc, 0);
    start(&thread, run_for_ever);
    await_run(rig);
    tambo_rpc_server_free(rig->server);
    pthread_join(thread.id, NULL);
    assert_int_equal(thread.rc, -TAMBO_ERR_CANCELED);
}

/* ---- workers ----------------------------------------------------------------------------------------------- */

static void
hire(struct rpc_rig *rig)
{
    assert_int_equal(tambo_rpc_server_set(rig->server, TAMBO_RPC_SERVER_WORKERS, WORKERS), 0);
    rpc_rig_meet(rig, "tcp://127.0.0.1:0");
    assert_int_equal(tambo_rpc_server_set(rig->server, TAMBO_RPC_SERVER_WORKERS, 1), -TAMBO_ERR_STATE);
}

static void
workers_answer(void **state)
{
    struct rpc_rig *rig = *state;
    struct thread waiting[THREADS], deferring[THREADS];
    hire(rig);
    start_all(waiting, rig, call_many);
    start_all(deferring, rig, defer_many);
    join_all(waiting);
    join_all(deferring);
}

/* A handler of a worker may wait, here for a call of its own to the same server. */
static int
ask_again(struct rpc_rig *rig, struct tambo_rpc_request *request, uint32_t word, uint32_t *ret)
{
    struct tambo_rpc_client *client = rpc_rig_client(rig, rig->here);
    uint32_t less = word - 1, sum = 0;
    int rc = word == 0 ? 0 : tambo_rpc_call(client, rig_hold, &less, NULL, &sum);
    *ret = sum + word;
    tambo_rpc_client_free(client);
    must(!tambo_rpc_is_canceled(request));
    return rc;
}

static void
handlers_of_workers_may_wait(void **state)
{
    struct rpc_rig *rig = *state;
    uint32_t word = WORKERS - 1, sum = 0;
    rig->hold = ask_again;
    hire(rig);
    assert_int_equal(tambo_rpc_call(rig->client, rig_hold, &word, NULL, &sum), 0);
    assert_int_equal(sum, WORKERS * (WORKERS - 1) / 2);
}

/* A server is freed while its workers are busy and more waits for them. */
static void *
cast_many(void *arg)
{
    struct thread *thread = arg;
    struct tambo_rpc_call *call;
    for (unsigned i = 0; i < CALLS; i++)
        if (tambo_rpc_begin(thread->client, rig_count, NULL, &call) == 0)
            tambo_rpc_cancel(call);
    return NULL;
}

static void
busy_servers_are_freed(void **state)
{
    struct rpc_rig *rig = *state;
    struct thread threads[THREADS];
    hire(rig);
    assert_int_equal(tambo_rpc_ping(rig->client), 0);
    start_all(threads, rig, cast_many);
    tambo_rpc_server_free(rig->server);
    join_all(threads);
}

static void
contexts_with_workers_are_freed(void **state)
{
    struct rpc_rig *rig = *state;
    struct thread threads[THREADS];
    hire(rig);
    assert_int_equal(tambo_rpc_ping(rig->client), 0);
    start_all(threads, rig, cast_many);
    tambo_free(rig->here);
    rig->here = NULL;
    join_all(threads);
}

/* ---- later ------------------------------------------------------------------------------------------------- */

/* What handlers put, a thread of the program's takes and answers: perhaps before the handler has returned. */
struct desk {
    pthread_mutex_t mutex;
    pthread_cond_t came;
    struct tambo_rpc_request *requests[RIG_HELD_MAX];
    unsigned count, seen;
    uint32_t answered;
};

static struct desk desk = { .mutex = PTHREAD_MUTEX_INITIALIZER, .came = PTHREAD_COND_INITIALIZER };

static int
put_on_desk(struct rpc_rig *rig, struct tambo_rpc_request *request, uint32_t word, uint32_t *ret)
{
    (void)rig;
    (void)word;
    (void)ret;
    pthread_mutex_lock(&desk.mutex);
    must(desk.count < RIG_HELD_MAX);
    desk.requests[desk.count++] = request;
    pthread_cond_signal(&desk.came);
    pthread_mutex_unlock(&desk.mutex);
    return TAMBO_RPC_LATER;
}

static void
answer(struct tambo_rpc_request *request)
{
    uint32_t word = ++desk.answered;
    if (word % 3 == 0)
        tambo_rpc_fail(request, -TAMBO_ERR_DENIED);
    else
        must(tambo_rpc_reply(request, &word) == 0);
}

static void *
answer_desk(void *arg)
{
    (void)arg;
    for (unsigned left = THREADS * 30; left > 0; left--) {
        pthread_mutex_lock(&desk.mutex);
        while (desk.count == 0)
            pthread_cond_wait(&desk.came, &desk.mutex);
        struct tambo_rpc_request *request = desk.requests[--desk.count];
        pthread_mutex_unlock(&desk.mutex);
        answer(request);
    }
    return NULL;
}

static void *
ask_desk(void *arg)
{
    struct thread *thread = arg;
    uint32_t word = 0;
    for (unsigned i = 0; i < 30; i++) {
        int rc = tambo_rpc_call(thread->client, rig_hold, &word, NULL, &word);
        must(rc == 0 || rc == -TAMBO_ERR_DENIED);
    }
    return NULL;
}

static void
ask_at_desk(struct rpc_rig *rig)
{
    struct thread threads[THREADS], clerk = { .rig = rig };
    rig->hold = put_on_desk;
    desk.answered = 0;
    start(&clerk, answer_desk);
    start_all(threads, rig, ask_desk);
    join_all(threads);
    pthread_join(clerk.id, NULL);
    assert_int_equal(desk.answered, THREADS * 30);
}

static void
other_threads_answer_later(void **state)
{
    rpc_rig_meet(*state, "tcp://127.0.0.1:0");
    ask_at_desk(*state);
}

static void
other_threads_answer_for_workers(void **state)
{
    hire(*state);
    ask_at_desk(*state);
}

/* ---- clients and servers come and go ----------------------------------------------------------------------- */

static void *
come_and_go(void *arg)
{
    struct thread *thread = arg;
    for (uint32_t i = 0; i < 20; i++) {
        struct tambo_rpc_client *client = rpc_rig_client(thread->rig, thread->rig->there), *again;
        struct tambo_rpc_call *call;
        uint32_t word = i;
        must(tambo_rpc_client_again(client, &again) == 0);
        rpc_rig_add(client, i, 1);
        must(tambo_rpc_begin(again, rig_count, NULL, &call) == 0);
        tambo_rpc_client_free(i % 2 == 0 ? client : again);
        (void)tambo_rpc_end(call, NULL, &word);
        tambo_rpc_client_free(i % 2 == 0 ? again : client);
    }
    return NULL;
}

static void
clients_come_and_go(void **state)
{
    struct thread threads[THREADS];
    rpc_rig_meet(*state, "tcp://127.0.0.1:0");
    start_all(threads, *state, come_and_go);
    join_all(threads);
}

int
main(void)
{
#define RPC_TEST(name) cmocka_unit_test_setup_teardown(name, rpc_rig_open, rpc_rig_close)
    const struct CMUnitTest tests[] = {
        RPC_TEST(many_threads_share_a_client),      RPC_TEST(many_threads_within_a_process),
        RPC_TEST(callbacks_come_on_any_thread),     RPC_TEST(another_thread_cancels),
        RPC_TEST(freeing_a_client_ends_what_waits), RPC_TEST(freeing_a_context_ends_what_waits),
        RPC_TEST(freeing_a_server_ends_its_runs),   RPC_TEST(workers_answer),
        RPC_TEST(handlers_of_workers_may_wait),     RPC_TEST(busy_servers_are_freed),
        RPC_TEST(contexts_with_workers_are_freed),  RPC_TEST(other_threads_answer_later),
        RPC_TEST(other_threads_answer_for_workers), RPC_TEST(clients_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
