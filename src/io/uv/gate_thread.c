/* io/uv/gate_thread.c - the gate's own thread: drives the loop while no caller does, and writes what callers put and
 * left behind.
 *
 * A caller that waits takes the loop over without a word.  The thread notices when something wakes it, and parks: it
 * looks once a tick whether callers still drive, and takes the loop back when for a whole tick none did.  When a caller
 * sleeps in the loop for a whole tick the thread sleeps until that one rings: so an idle context has no ticks. */
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>

#include "io/uv/gate_inner.h"

static const uint64_t NS_A_US = 1000;

/* Do callers drive? */
static bool
is_superseded(struct io_gate *gate, uint64_t now_ns)
{
    if (now_ns < gate->tick_at_ns)
        return true;
    bool driven = gate->drives != gate->drives_seen;
    gate->drives_seen = gate->drives;
    if (driven)
        gate->tick_at_ns = now_ns + GATE_TICK_US * NS_A_US;
    return driven || gate->driver != NULL;
}

/* What it does until it sleeps, and until when that is. */
static enum gate_thread_is
look_around(struct io_gate *gate, uint64_t now_ns, uint64_t *retuntil_ns)
{
    if (is_superseded(gate, now_ns)) {
        bool ticks = now_ns < gate->tick_at_ns;
        *retuntil_ns = ticks ? gate->tick_at_ns : UINT64_MAX;
        return ticks ? GATE_PARKED : GATE_OFF;
    }
    gate_turn(gate);
    *retuntil_ns = gate_is_due(gate) ? 0 : gate_alarm_ns(gate);
    return GATE_DRIVES;
}

/* Writes what has waited for too long: the caller that put it does so itself as long as it goes on, so the thread is a
 * little late.  When it wants to look next. */
static uint64_t
look_after_writing(struct io_gate *gate, uint64_t now_ns)
{
    const uint64_t late_ns = GATE_FLUSH_US * NS_A_US;
    if (gate->flush_at_ns > 0 && now_ns >= gate->flush_at_ns + late_ns)
        gate_flush(gate);
    if (gate->batches != gate->batches_seen) {
        gate->batches_seen = gate->batches;
        gate->alert_until_ns = now_ns + GATE_TICK_US * NS_A_US;
    }
    gate->alert = gate->flush_at_ns > 0 || now_ns < gate->alert_until_ns;
    if (!gate->alert)
        return UINT64_MAX;
    return (gate->flush_at_ns > 0 ? gate->flush_at_ns : now_ns) + late_ns;
}

static void
step(struct io_gate *gate)
{
    struct pollfd fds[] = {
        {.fd = gate->bell_fd,                      .events = POLLIN},
        { .fd = uv_backend_fd(&gate->house->loop), .events = POLLIN},
    };
    uint64_t now_ns = uv_hrtime(), until_ns, rung;
    gate->thread_is = look_around(gate, now_ns, &until_ns);
    gate->thread_until_ns = until_ns;
    uint64_t look_ns = look_after_writing(gate, now_ns);
    unsigned count = gate->thread_is == GATE_DRIVES ? 2 : 1;
    gate_drop(gate);
    gate_sleep(fds, count, look_ns < until_ns ? look_ns : until_ns);
    if ((fds[0].revents & POLLIN) != 0)
        (void)eventfd_read(gate->bell_fd, &rung);
    latch_take(&gate->latch);
    gate->thread_is = GATE_AWAKE;
}

static void
run(void *arg)
{
    struct io_gate *gate = arg;
    prctl(PR_SET_TIMERSLACK, 1000UL); /* GATE_FLUSH_US is about as long as the usual slack */
    latch_take(&gate->latch);
    while (!gate->ending)
        step(gate);
    gate_drop(gate);
}

int
io_gate_thread_start(struct io_gate *gate, io_fn *fn, void *arg, struct io_thread **ret)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int rc = io_thread_start(&gate->house->io, fn, arg, ret);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return rc;
}

void
io_gate_thread_join(struct io_gate *gate, struct io_thread *thread)
{
    io_thread_join(&gate->house->io, thread);
}

int
gate_thread_start(struct io_gate *gate)
{
    return io_gate_thread_start(gate, run, gate, &gate->thread);
}

void
gate_thread_end(struct io_gate *gate)
{
    latch_take(&gate->latch);
    gate->ending = true;
    gate_drop(gate);
    (void)eventfd_write(gate->bell_fd, 1);
    io_thread_join(&gate->house->io, gate->thread);
}
