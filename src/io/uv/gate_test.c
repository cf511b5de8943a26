/* The gate: who drives, who is woken, what is written when; many threads at once. */
#include "io/gate.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"

enum { PATIENCE_MS = 5000, SHORT_MS = 20, THREADS = 6, ROUNDS = 300 };
static const uint64_t MS = 1000 * 1000;

static void
nap(unsigned ms)
{
    const struct timespec span = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000 * MS) };
    nanosleep(&span, NULL);
}

static uint64_t
after_ms(struct io_gate *gate, unsigned ms)
{
    return io_exact_ns(io_gate_loop(gate)) + ms * MS;
}

/* ---- a gate, and a connection from it to another one that counts or echoes ----------------------------------- */

struct side {
    struct mem mem;
    struct io_gate *gate;
    struct io_stream *stream;
    struct io_listener *listener;
    struct io_waiter *waiter; /* roused by what comes */
    bool echoes, ready, lost;
    uint64_t reads, bytes;
};

struct rig {
    struct side a, b;
};

static void
tell(struct side *side)
{
    if (side->waiter != NULL)
        io_gate_rouse(side->gate, side->waiter);
}

static void
on_opened(void *arg, int rc)
{
    struct side *side = arg;
    assert_int_equal(rc, 0);
    side->ready = true;
    tell(side);
}

static void
on_read(void *arg, struct view bytes)
{
    struct side *side = arg;
    side->reads++;
    side->bytes += bytes.len;
    if (side->echoes)
        assert_int_equal(io_put(side->stream, bytes), 0);
    tell(side);
}

static void
on_ended(void *arg, int rc)
{
    struct side *side = arg;
    (void)rc;
    side->lost = true;
    io_close(side->stream);
    tell(side);
}

static void
on_closed(void *arg)
{
    struct side *side = arg;
    side->stream = NULL;
}

static const struct io_stream_on on = { .opened = on_opened, .read = on_read, .ended = on_ended, .closed = on_closed };

static void
on_accept(void *arg, struct io_stream *stream)
{
    struct side *side = arg;
    side->stream = stream;
    side->ready = true;
    io_accept(stream, &on, side);
}

/* Between enter and leave: waits until the next thing comes. */
static int
wait_for(struct side *side, unsigned ms)
{
    struct io_waiter waiter = { 0 };
    side->waiter = &waiter;
    int rc = io_gate_wait(side->gate, &waiter, after_ms(side->gate, ms));
    side->waiter = NULL;
    return rc;
}

static void
enter(struct side *side)
{
    assert_int_equal(io_gate_enter(side->gate), 0);
}

static void
leave(struct side *side)
{
    io_gate_leave(side->gate);
}

static void
meet(struct rig *rig)
{
    struct io_address at;
    assert_int_equal(io_address_parse("tcp://127.0.0.1:0", 0, &at), 0);
    enter(&rig->b);
    assert_int_equal(io_listen(io_gate_loop(rig->b.gate), &at, on_accept, &rig->b, &rig->b.listener), 0);
    io_listener_address(rig->b.listener, &at);
    leave(&rig->b);
    enter(&rig->a);
    assert_int_equal(io_connect(io_gate_loop(rig->a.gate), &at, &on, &rig->a, &rig->a.stream), 0);
    while (!rig->a.ready)
        assert_int_equal(wait_for(&rig->a, PATIENCE_MS), 0);
    leave(&rig->a);
}

static int
open_rig(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    must(rig != NULL);
    *state = rig;
    return io_gate_new(&rig->a.mem, &rig->a.gate) < 0 || io_gate_new(&rig->b.mem, &rig->b.gate) < 0;
}

static int
close_rig(void **state)
{
    struct rig *rig = *state;
    io_gate_free(rig->a.gate);
    io_gate_free(rig->b.gate);
    bool leaks = rig->a.mem.used_bytes + rig->b.mem.used_bytes > 0;
    free(rig);
    return leaks;
}

/* What `side` has got, without driving its loop. */
static uint64_t
bytes_at(struct side *side)
{
    enter(side);
    uint64_t bytes = side->bytes;
    leave(side);
    return bytes;
}

static bool
gets(struct side *side, uint64_t bytes)
{
    for (unsigned ms = 0; bytes_at(side) < bytes; ms++) {
        if (ms == PATIENCE_MS)
            return false;
        nap(1);
    }
    return true;
}

static void
say(struct side *side, size_t n)
{
    static const uint8_t bytes[1024];
    enter(side);
    assert_int_equal(io_put(side->stream, (struct view){ bytes, n }), 0);
    leave(side);
}

static size_t
unsent(struct side *side)
{
    enter(side);
    size_t n = io_unsent(side->stream);
    leave(side);
    return n;
}

/* ---- waiting -------------------------------------------------------------------------------------------------- */

static void
a_wait_ends_at_its_deadline(void **state)
{
    struct rig *rig = *state;
    enter(&rig->a);
    uint64_t until = after_ms(rig->a.gate, SHORT_MS);
    struct io_waiter waiter = { 0 };
    assert_int_equal(io_gate_wait(rig->a.gate, &waiter, until), -ERR_TIMEOUT);
    assert_true(io_exact_ns(io_gate_loop(rig->a.gate)) >= until);
    assert_int_equal(io_gate_wait(rig->a.gate, &waiter, until), -ERR_TIMEOUT); /* over already */
    leave(&rig->a);
}

struct alarm {
    struct io_timer timer;
    struct side *side;
    struct io_waiter *waiter;
    unsigned fired;
};

static void
on_alarm(void *arg)
{
    struct alarm *alarm = arg;
    alarm->fired++;
    if (alarm->waiter != NULL)
        io_gate_rouse(alarm->side->gate, alarm->waiter);
}

static void
set_alarm(struct alarm *alarm, unsigned ms)
{
    struct io *io = io_gate_loop(alarm->side->gate);
    assert_int_equal(io_timer_set(io, &alarm->timer, io_now_ns(io) + ms * MS, on_alarm, alarm), 0);
}

static unsigned
fired(struct alarm *alarm)
{
    enter(alarm->side);
    unsigned count = alarm->fired;
    leave(alarm->side);
    return count;
}

static void
a_timer_fires_though_nobody_waits(void **state)
{
    struct rig *rig = *state;
    struct alarm far = { .side = &rig->a }, near = { .side = &rig->a };
    enter(&rig->a);
    set_alarm(&far, PATIENCE_MS);
    leave(&rig->a);
    nap(SHORT_MS); /* the thread sleeps until then */
    enter(&rig->a);
    set_alarm(&near, SHORT_MS);
    leave(&rig->a);
    assert_int_equal(fired(&near), 0);
    nap(2 * SHORT_MS);
    assert_int_equal(fired(&near), 1);
    enter(&rig->a);
    io_timer_cut(io_gate_loop(rig->a.gate), &far.timer);
    leave(&rig->a);
}

static void *
set_later(void *arg)
{
    struct alarm *alarm = arg;
    nap(SHORT_MS);
    enter(alarm->side);
    set_alarm(alarm, SHORT_MS);
    leave(alarm->side);
    return NULL;
}

static void
a_nearer_timer_is_not_slept_past(void **state)
{
    struct rig *rig = *state;
    struct io_waiter waiter = { 0 };
    struct alarm alarm = { .side = &rig->a, .waiter = &waiter };
    pthread_t thread;
    pthread_create(&thread, NULL, set_later, &alarm);
    enter(&rig->a);
    assert_int_equal(io_gate_wait(rig->a.gate, &waiter, after_ms(rig->a.gate, PATIENCE_MS)), 0);
    leave(&rig->a);
    pthread_join(thread, NULL);
}

struct sleeper {
    struct rig *rig;
    struct io_waiter waiter;
    pthread_t thread;
    int rc;
};

static void *
sleep_in_gate(void *arg)
{
    struct sleeper *sleeper = arg;
    struct io_gate *gate = sleeper->rig->a.gate;
    must(io_gate_enter(gate) == 0);
    sleeper->rc = io_gate_wait(gate, &sleeper->waiter, after_ms(gate, PATIENCE_MS));
    io_gate_leave(gate);
    return NULL;
}

static void
start_sleepers(struct rig *rig, struct sleeper sleepers[THREADS])
{
    for (unsigned i = 0; i < THREADS; i++) {
        sleepers[i] = (struct sleeper){ .rig = rig, .rc = 1 };
        pthread_create(&sleepers[i].thread, NULL, sleep_in_gate, &sleepers[i]);
        nap(2);
    }
}

static void
rouse(struct sleeper *sleeper)
{
    enter(&sleeper->rig->a);
    io_gate_rouse(sleeper->rig->a.gate, &sleeper->waiter);
    leave(&sleeper->rig->a);
    pthread_join(sleeper->thread, NULL);
    assert_int_equal(sleeper->rc, 0);
}

static void
each_is_roused_for_itself_in_any_order(void **state)
{
    struct sleeper sleepers[THREADS];
    start_sleepers(*state, sleepers);
    for (unsigned i = 0; i < THREADS; i++)
        rouse(&sleepers[i]);
    start_sleepers(*state, sleepers);
    for (unsigned i = THREADS; i-- > 0;)
        rouse(&sleepers[i]);
}

static void
one_that_waits_drives_on_when_the_driver_leaves(void **state)
{
    struct rig *rig = *state;
    struct sleeper sleepers[THREADS];
    start_sleepers(rig, sleepers);
    rouse(&sleepers[0]); /* it was first, so it drove */
    struct alarm alarm = { .side = &rig->a, .waiter = &sleepers[THREADS - 1].waiter };
    enter(&rig->a);
    set_alarm(&alarm, 1);
    leave(&rig->a);
    pthread_join(sleepers[THREADS - 1].thread, NULL);
    for (unsigned i = 1; i < THREADS - 1; i++)
        rouse(&sleepers[i]);
}

static long
switches(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_nvcsw;
}

static void
an_idle_gate_sleeps(void **state)
{
    struct rig *rig = *state;
    meet(rig);
    nap(SHORT_MS);
    long before = switches();
    nap(10 * SHORT_MS);
    assert_in_range(switches() - before, 0, 8);
    struct sleeper sleeper = { .rig = rig, .rc = 1 }; /* nor does a thread tick while a caller waits */
    pthread_create(&sleeper.thread, NULL, sleep_in_gate, &sleeper);
    nap(SHORT_MS);
    before = switches();
    nap(10 * SHORT_MS);
    assert_in_range(switches() - before, 0, 8);
    rouse(&sleeper);
}

/* ---- writing --------------------------------------------------------------------------------------------------- */

static void
a_lone_message_leaves_at_once(void **state)
{
    struct rig *rig = *state;
    meet(rig);
    for (unsigned i = 1; i <= 5; i++) {
        nap(1);
        say(&rig->a, 10);
        assert_int_equal(unsent(&rig->a), 0);
        assert_true(gets(&rig->b, i * 10));
    }
}

static void
many_messages_leave_in_few_pieces(void **state)
{
    struct rig *rig = *state;
    enum { COUNT = 50000 };
    meet(rig);
    for (unsigned i = 0; i < COUNT; i++)
        say(&rig->a, 64);
    assert_true(gets(&rig->b, COUNT * 64)); /* and the last of them without a further call */
    assert_in_range(rig->b.reads, 1, COUNT / 5);
}

static void
what_a_peer_does_not_take_leaves_later(void **state)
{
    struct rig *rig = *state;
    enum { COUNT = 64 * 1024 };
    meet(rig);
    enter(&rig->b);
    while (!rig->b.ready)
        (void)wait_for(&rig->b, 1);
    io_read_pause(rig->b.stream);
    leave(&rig->b);
    for (unsigned i = 0; i < COUNT; i++)
        say(&rig->a, 1024);
    assert_true(unsent(&rig->a) > 0);
    enter(&rig->b);
    io_read_resume(rig->b.stream);
    leave(&rig->b);
    assert_true(gets(&rig->b, COUNT * 1024));
}

static void
a_peer_that_is_gone_raises_no_signal(void **state)
{
    struct rig *rig = *state;
    struct sigaction action;
    meet(rig);
    assert_int_equal(sigaction(SIGPIPE, NULL, &action), 0);
    assert_true(action.sa_handler == SIG_DFL);
    enter(&rig->b);
    while (!rig->b.ready)
        (void)wait_for(&rig->b, 1);
    io_abort(rig->b.stream);
    leave(&rig->b);
    for (unsigned i = 0; i < 100; i++) {
        enter(&rig->a);
        if (rig->a.stream != NULL)
            (void)io_put(rig->a.stream, view_str("hello"));
        leave(&rig->a);
    }
    enter(&rig->a);
    while (!rig->a.lost)
        assert_int_equal(wait_for(&rig->a, PATIENCE_MS), 0);
    leave(&rig->a);
}

static void
answers_come_to_who_waits(void **state)
{
    struct rig *rig = *state;
    rig->b.echoes = true;
    meet(rig);
    for (unsigned i = 1; i <= ROUNDS; i++) {
        enter(&rig->a);
        assert_int_equal(io_put(rig->a.stream, view_str("ping")), 0);
        while (rig->a.bytes < i * 4)
            assert_int_equal(wait_for(&rig->a, PATIENCE_MS), 0);
        leave(&rig->a);
        if (i % 100 == 0)
            nap(3); /* the thread takes the loop back, and gives it up again */
    }
}

/* ---- many threads ---------------------------------------------------------------------------------------------- */

struct worker {
    struct rig *rig;
    pthread_t thread;
    unsigned number;
};

/* Each adds to what is echoed, sets timers, waits for one or the other. */
static void *
work(void *arg)
{
    struct worker *worker = arg;
    struct side *side = &worker->rig->a;
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct io_waiter waiter = { 0 };
        struct alarm alarm = { .side = side, .waiter = &waiter };
        must(io_gate_enter(side->gate) == 0);
        struct io *io = io_gate_loop(side->gate);
        must(io_put(side->stream, view_str("12345678")) == 0);
        if ((i + worker->number) % 3 > 0) {
            must(io_timer_set(io, &alarm.timer, io_now_ns(io) + i % 5 * 100000, on_alarm, &alarm) == 0);
            must(io_gate_wait(side->gate, &waiter, after_ms(side->gate, PATIENCE_MS)) == 0);
        }
        io_gate_leave(side->gate);
    }
    return NULL;
}

static void
many_threads_use_one_loop(void **state)
{
    struct rig *rig = *state;
    struct worker workers[THREADS];
    rig->b.echoes = true;
    meet(rig);
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){ .rig = rig, .number = i };
        pthread_create(&workers[i].thread, NULL, work, &workers[i]);
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(workers[i].thread, NULL);
    assert_true(gets(&rig->a, THREADS * ROUNDS * 8));
}

/* ---- datagrams -------------------------------------------------------------------------------------------------- */

struct voice {
    struct side *side;
    struct io_datagram *datagram;
};

static void
on_datagram(void *arg, const struct io_remote *from, struct view bytes)
{
    struct voice *voice = arg;
    voice->side->reads++;
    voice->side->bytes += bytes.len;
    if (voice->side->echoes)
        assert_int_equal(io_datagram_put(voice->datagram, from, bytes), 0);
    tell(voice->side);
}

static const struct io_datagram_on voice_on = { .read = on_datagram };

/* What the one put leaves when it leaves, the other's answer from its gate's thread; and who waits hears it. */
static void
datagrams_leave_as_streams_do(void **state)
{
    struct rig *rig = *state;
    struct voice a = { .side = &rig->a }, b = { .side = &rig->b };
    struct io_address at = { .kind = IO_TCP, .host = "127.0.0.1" };
    rig->b.echoes = true;
    enter(&rig->b);
    assert_int_equal(io_datagram_open(io_gate_loop(rig->b.gate), &at, NULL, &voice_on, &b, &b.datagram), 0);
    io_datagram_address(b.datagram, &at);
    leave(&rig->b);
    enter(&rig->a);
    assert_int_equal(io_datagram_open(io_gate_loop(rig->a.gate), NULL, &at, &voice_on, &a, &a.datagram), 0);
    for (unsigned i = 0; i < ROUNDS; i++)
        assert_int_equal(io_datagram_put(a.datagram, NULL, view_str("12345678")), 0);
    leave(&rig->a);
    assert_true(gets(&rig->a, ROUNDS * 8));
    assert_int_equal(rig->a.reads, ROUNDS);
}

/* ---- fork ------------------------------------------------------------------------------------------------------- */

static void
a_child_is_told_and_may_leave(void **state)
{
    struct rig *rig = *state;
    int status;
    rig->b.echoes = true;
    meet(rig);
    enter(&rig->a);
    pid_t child = fork();
    if (child == 0) {
        bool told = io_gate_enter(rig->a.gate) == -ERR_FORKED && io_gate_enter(rig->b.gate) == -ERR_FORKED;
        io_gate_free(rig->a.gate);
        io_gate_free(rig->b.gate);
        _exit(told ? 0 : 1);
    }
    leave(&rig->a);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    say(&rig->a, 10); /* nothing is lost for the parent */
    assert_true(gets(&rig->a, 10));
}

/* ---- further threads ------------------------------------------------------------------------------------------ */

struct helper {
    struct io_gate *gate;
    struct io_waiter own, *other;
    bool is_told, is_deaf, is_gone;
};

static void
wait_for_word(void *arg)
{
    struct helper *helper = arg;
    sigset_t blocked;
    must(io_gate_enter(helper->gate) == 0);
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    helper->is_deaf = sigismember(&blocked, SIGTERM) == 1;
    while (!helper->is_told)
        (void)io_gate_wait(helper->gate, &helper->own, UINT64_MAX);
    helper->is_gone = true;
    io_gate_rouse(helper->gate, helper->other);
    io_gate_leave(helper->gate);
}

static void
a_further_thread_waits_as_callers_do(void **state)
{
    struct rig *rig = *state;
    struct io_waiter waiter = { 0 };
    struct helper helper = { .gate = rig->a.gate, .other = &waiter };
    struct io_thread *thread;
    enter(&rig->a);
    assert_int_equal(io_gate_thread_start(rig->a.gate, wait_for_word, &helper, &thread), 0);
    assert_int_equal(io_gate_wait(rig->a.gate, &waiter, after_ms(rig->a.gate, SHORT_MS)), -ERR_TIMEOUT);
    helper.is_told = true;
    io_gate_rouse(rig->a.gate, &helper.own);
    while (!helper.is_gone)
        assert_int_equal(io_gate_wait(rig->a.gate, &waiter, after_ms(rig->a.gate, PATIENCE_MS)), 0);
    io_gate_thread_join(rig->a.gate, thread);
    assert_true(helper.is_deaf);
    leave(&rig->a);
}

int
main(void)
{
#define GATE_TEST(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)
    const struct CMUnitTest tests[] = {
        GATE_TEST(a_wait_ends_at_its_deadline),
        GATE_TEST(a_timer_fires_though_nobody_waits),
        GATE_TEST(a_nearer_timer_is_not_slept_past),
        GATE_TEST(each_is_roused_for_itself_in_any_order),
        GATE_TEST(one_that_waits_drives_on_when_the_driver_leaves),
        GATE_TEST(an_idle_gate_sleeps),
        GATE_TEST(a_lone_message_leaves_at_once),
        GATE_TEST(many_messages_leave_in_few_pieces),
        GATE_TEST(what_a_peer_does_not_take_leaves_later),
        GATE_TEST(a_peer_that_is_gone_raises_no_signal),
        GATE_TEST(answers_come_to_who_waits),
        GATE_TEST(many_threads_use_one_loop),
        GATE_TEST(datagrams_leave_as_streams_do),
        GATE_TEST(a_child_is_told_and_may_leave),
        GATE_TEST(a_further_thread_waits_as_callers_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
