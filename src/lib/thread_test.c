/* libtambo from many threads: sockets are shared, waited on, closed meanwhile. */
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/must.h"
#include "lib/rig.h"

enum { THREADS = 4, MESSAGES = 2000, REQUESTS = 200 };

static void
nap(unsigned ms)
{
    const struct timespec span = { .tv_nsec = (long)ms * 1000 * 1000 };
    nanosleep(&span, NULL);
}

struct worker {
    struct tambo *context;
    struct tambo_socket *socket, *other;
    pthread_t thread;
    ptrdiff_t rc;
    unsigned got;
};

static void
start(struct worker *worker, void *(*fn)(void *))
{
    assert_int_equal(pthread_create(&worker->thread, NULL, fn, worker), 0);
}

static void
join(struct worker *worker)
{
    pthread_join(worker->thread, NULL);
}

/* In a thread: no assertion of cmocka's may fail there. */
static struct tambo_socket *
make(const struct worker *worker, enum tambo_pattern pattern)
{
    struct tambo_socket *socket = NULL;
    must(tambo_socket(worker->context, pattern, &socket) == 0);
    must(tambo_set(socket, TAMBO_LINGER_MS, 100) == 0);
    return socket;
}

/* ---- closing under the hands of those that wait ---------------------------------------------------------------- */

static void *
receive_for_ever(void *arg)
{
    struct worker *worker = arg;
    char got[8];
    worker->rc = tambo_recv(worker->socket, got, sizeof(got), TAMBO_FOREVER);
    return NULL;
}

static void *
poll_for_ever(void *arg)
{
    struct worker *worker = arg;
    struct tambo_poll items[] = {
        {worker->other,   TAMBO_CAN_RECV, 0},
        { worker->socket, TAMBO_CAN_RECV, 0}
    };
    worker->rc = tambo_poll(items, 2, TAMBO_FOREVER);
    return NULL;
}

static void
closing_ends_what_waits(void **state)
{
    struct rig *rig = *state;
    struct worker workers[THREADS + 1];
    rig_meet(rig, TAMBO_PULL, TAMBO_PUSH);
    for (unsigned i = 0; i <= THREADS; i++) {
        workers[i] = (struct worker){ .socket = rig->a, .other = rig_socket(rig->context, TAMBO_PULL) };
        start(&workers[i], i < THREADS ? receive_for_ever : poll_for_ever);
    }
    nap(SHORT_MS);
    tambo_close(rig->a);
    for (unsigned i = 0; i <= THREADS; i++) {
        join(&workers[i]);
        assert_int_equal(workers[i].rc, -TAMBO_ERR_CANCELED);
    }
}

static void
freeing_ends_what_waits(void **state)
{
    struct rig *rig = *state;
    struct worker workers[THREADS];
    rig_meet(rig, TAMBO_PULL, TAMBO_PUSH);
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){ .socket = rig->a, .other = rig->a };
        start(&workers[i], i % 2 == 0 ? receive_for_ever : poll_for_ever);
    }
    nap(SHORT_MS);
    tambo_free(rig->context);
    rig->context = NULL;
    for (unsigned i = 0; i < THREADS; i++) {
        join(&workers[i]);
        assert_int_equal(workers[i].rc, -TAMBO_ERR_CANCELED);
    }
}

static void
what_was_sent_still_leaves(void **state)
{
    struct rig *rig = *state;
    enum { COUNT = 500 };
    rig_meet(rig, TAMBO_PULL, TAMBO_PUSH);
    for (unsigned i = 0; i < COUNT; i++)
        rig_say(rig->b, "hello");
    tambo_close(rig->b);
    tambo_free(rig->other);
    rig->other = NULL;
    for (unsigned i = 0; i < COUNT; i++)
        rig_hear(rig->a, "hello");
}

/* ---- one socket for many threads ------------------------------------------------------------------------------ */

static void *
send_many(void *arg)
{
    struct worker *worker = arg;
    for (unsigned i = 0; i < MESSAGES; i++)
        must(tambo_send(worker->socket, "hello", 5, TAMBO_FOREVER) == 0);
    return NULL;
}

static void *
receive_many(void *arg)
{
    struct worker *worker = arg;
    char got[8];
    while ((worker->rc = tambo_recv(worker->socket, got, sizeof(got), TAMBO_FOREVER)) >= 0) {
        must(worker->rc == 5);
        if (got[0] == 'e')
            return NULL;
        worker->got++;
    }
    return NULL;
}

static void
many_threads_share_two_sockets(void **state)
{
    struct rig *rig = *state;
    struct worker senders[THREADS], receivers[THREADS];
    unsigned got = 0;
    rig_meet(rig, TAMBO_PULL, TAMBO_PUSH);
    for (unsigned i = 0; i < THREADS; i++) {
        senders[i] = (struct worker){ .socket = rig->b };
        receivers[i] = (struct worker){ .socket = rig->a };
        start(&senders[i], send_many);
        start(&receivers[i], receive_many);
    }
    for (unsigned i = 0; i < THREADS; i++)
        join(&senders[i]);
    for (unsigned i = 0; i < THREADS; i++)
        rig_say(rig->b, "ended");
    for (unsigned i = 0; i < THREADS; i++) {
        join(&receivers[i]);
        got += receivers[i].got;
    }
    assert_int_equal(got, THREADS * MESSAGES);
}

/* ---- requests through a proxy ----------------------------------------------------------------------------------- */

static const unsigned the_end = UINT_MAX;

static void
ask_one(struct tambo_socket *socket, unsigned what)
{
    unsigned got;
    must(tambo_send(socket, &what, sizeof(what), PATIENCE_MS) == 0);
    must(tambo_recv(socket, &got, sizeof(got), PATIENCE_MS) == sizeof(got));
    must(got == what);
}

static void *
ask(void *arg)
{
    struct worker *worker = arg;
    struct tambo_socket *socket = make(worker, TAMBO_REQ);
    must(tambo_connect(socket, "inproc://front") == 0);
    for (unsigned i = 0; i < REQUESTS; i++)
        ask_one(socket, i);
    tambo_close(socket);
    return NULL;
}

static void *
answer(void *arg)
{
    struct worker *worker = arg;
    struct tambo_socket *socket = make(worker, TAMBO_REP);
    struct tambo_message *message;
    bool is_end = false;
    must(tambo_connect(socket, "inproc://back") == 0);
    while (!is_end) {
        must(tambo_recv_message(socket, &message, PATIENCE_MS) == 0);
        is_end = memcmp(tambo_message_part(message, 0).data, &the_end, sizeof(the_end)) == 0;
        must(tambo_send_message(socket, message, PATIENCE_MS) == 0);
    }
    tambo_close(socket);
    return NULL;
}

static void *
pass_on(void *arg)
{
    struct worker *worker = arg;
    worker->rc = tambo_proxy(worker->socket, worker->other, NULL);
    return NULL;
}

static void
a_proxy_stands_between(void **state)
{
    struct rig *rig = *state;
    struct worker askers[THREADS], answerers[THREADS];
    struct worker proxy = { .socket = rig_socket(rig->context, TAMBO_ROUTER),
                            .other = rig_socket(rig->context, TAMBO_DEALER) };
    assert_int_equal(tambo_bind(proxy.socket, "inproc://front"), 0);
    assert_int_equal(tambo_bind(proxy.other, "inproc://back"), 0);
    start(&proxy, pass_on);
    for (unsigned i = 0; i < THREADS; i++) {
        askers[i] = answerers[i] = (struct worker){ .context = rig->context };
        start(&answerers[i], answer);
        start(&askers[i], ask);
    }
    for (unsigned i = 0; i < THREADS; i++)
        join(&askers[i]);
    rig->a = rig_socket(rig->context, TAMBO_REQ);
    assert_int_equal(tambo_connect(rig->a, "inproc://front"), 0);
    for (unsigned i = 0; i < THREADS; i++)
        ask_one(rig->a, the_end);
    for (unsigned i = 0; i < THREADS; i++)
        join(&answerers[i]);
    tambo_free(rig->context);
    rig->context = NULL;
    join(&proxy);
    assert_int_equal(proxy.rc, -TAMBO_ERR_CANCELED);
}

/* ---- contexts and sockets come and go -----------------------------------------------------------------------------
 */

static void *
come_and_go(void *arg)
{
    struct worker *worker = arg;
    for (unsigned i = 0; i < 20; i++) {
        struct tambo_socket *a = make(worker, TAMBO_PAIR), *b = make(worker, TAMBO_PAIR);
        char endpoint[128], got[8];
        must(tambo_bind(a, "tcp://127.0.0.1:*") == 0);
        must(tambo_endpoint(a, endpoint, sizeof(endpoint)) == 0);
        must(tambo_connect(b, endpoint) == 0);
        must(tambo_send(b, "hello", 5, PATIENCE_MS) == 0);
        if (i % 3 > 0)
            must(tambo_recv(a, got, sizeof(got), PATIENCE_MS) == 5);
        tambo_close(i % 2 == 0 ? a : b);
        tambo_close(i % 2 == 0 ? b : a);
    }
    return NULL;
}

static void
sockets_come_and_go(void **state)
{
    struct rig *rig = *state;
    struct worker workers[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){ .context = rig->context };
        start(&workers[i], come_and_go);
    }
    for (unsigned i = 0; i < THREADS; i++)
        join(&workers[i]);
}

int
main(void)
{
#define LIB_TEST(name) cmocka_unit_test_setup_teardown(name, rig_open, rig_close)
    const struct CMUnitTest tests[] = {
        LIB_TEST(closing_ends_what_waits),    LIB_TEST(freeing_ends_what_waits),
        LIB_TEST(what_was_sent_still_leaves), LIB_TEST(many_threads_share_two_sockets),
        LIB_TEST(a_proxy_stands_between),     LIB_TEST(sockets_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
