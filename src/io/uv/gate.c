/* io/uv/gate.c - the gate on libuv: what callers do.  Its thread is thread.c. */
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "io/uv/gate_inner.h"

/* ---- waking ------------------------------------------------------------------------------------------------- */

static void
wake_all(struct io_gate *gate, const struct gate_wakes *wakes)
{
    for (unsigned i = 0; i < wakes->count; i++)
        latch_wake(wakes->words[i], INT_MAX);
    if (wakes->driver)
        uv_async_send(&gate->house->async);
    if (wakes->thread)
        (void)eventfd_write(gate->bell_fd, 1);
}

/* Those to be woken are woken when the latch is free: else they would only queue for it. */
void
gate_drop(struct io_gate *gate)
{
    if (!gate->wakes.any) {
        latch_drop(&gate->latch);
        return;
    }
    struct gate_wakes wakes = gate->wakes;
    gate->wakes = (struct gate_wakes){ 0 };
    atomic_fetch_add(&gate->leaving, 1);
    latch_drop(&gate->latch);
    wake_all(gate, &wakes);
    atomic_fetch_sub(&gate->leaving, 1);
}

/* Not the waiter's own memory: that may be gone before it is woken.  Two that share a seat are woken together, and
 * look. */
static _Atomic uint32_t *
seat_of(struct io_gate *gate, const struct io_waiter *waiter)
{
    return &gate->seats[((uintptr_t)waiter >> 6) * UINT64_C(0x9e3779b97f4a7c15) >> 60];
}

static void
wake_waiter(struct io_gate *gate, const struct io_waiter *waiter)
{
    struct gate_wakes *wakes = &gate->wakes;
    _Atomic uint32_t *seat = seat_of(gate, waiter);
    atomic_fetch_add_explicit(seat, 1, memory_order_relaxed);
    if (wakes->count == COUNT_OF(wakes->words))
        latch_wake(seat, INT_MAX);
    else
        wakes->words[wakes->count++] = seat;
    wakes->any = true;
}

static void
nudge_driver(struct io_gate *gate)
{
    gate->wakes.any = gate->wakes.driver = true;
}

static void
ring(struct io_gate *gate)
{
    gate->wakes.any = gate->wakes.thread = true;
}

void
io_gate_rouse(struct io_gate *gate, struct io_waiter *waiter)
{
    if (waiter->roused)
        return;
    waiter->roused = true;
    if (gate->driver != waiter)
        wake_waiter(gate, waiter);
    else if (gate->driver_until_ns > 0)
        nudge_driver(gate);
}

/* ---- driving ------------------------------------------------------------------------------------------------ */

bool
gate_is_due(const struct io_gate *gate)
{
    return uv_backend_timeout(&gate->house->loop) == 0;
}

uint64_t
gate_alarm_ns(const struct io_gate *gate)
{
    const uint64_t ns_a_ms = 1000 * 1000;
    uint64_t at_ns = gate->house->io.alarm_ns;
    return at_ns > UINT64_MAX - ns_a_ms ? UINT64_MAX : (at_ns + ns_a_ms - 1) / ns_a_ms * ns_a_ms;
}

void
gate_flush(struct io_gate *gate)
{
    uint64_t began_ns = uv_hrtime();
    uv_end(gate->house);
    gate->wrote_ns = uv_hrtime();
    gate->write_took_ns = gate->wrote_ns - began_ns;
    gate->flush_at_ns = 0;
    gate->put = 0;
}

void
gate_turn(struct io_gate *gate)
{
    uv_run(&gate->house->loop, UV_RUN_NOWAIT);
    uv_end(gate->house);
    if (gate->flush_at_ns > 0)
        gate_flush(gate); /* it has been written; only takes note */
    gate->house->io.stale = true;
}

void
gate_sleep(struct pollfd *fds, unsigned count, uint64_t until_ns)
{
    const uint64_t ns_a_s = 1000 * 1000 * 1000;
    uint64_t now_ns = uv_hrtime();
    uint64_t ns = until_ns > now_ns ? until_ns - now_ns : 0;
    struct timespec span = { .tv_sec = (time_t)(ns / ns_a_s), .tv_nsec = (long)(ns % ns_a_s) };
    (void)ppoll(fds, count, until_ns == UINT64_MAX ? NULL : &span, NULL);
}

/* Looks again and again before it sleeps.  It pays where an answer comes sooner than the system would wake us, and
 * costs GATE_SPIN_US where it does not: then the next waits do not try it, ever more of them.  One success takes back
 * one failure only.  Round trips of 64 bytes, median and mean in us: on two cores 39 and 46 without, 11 and 12 with it;
 * both processes on one core 20 and 23, with and without. */
static bool
may_spin(const struct io_gate *gate, struct gate_spin *spin)
{
    bool may = gate->spins && spin->skips == 0;
    spin->skips -= spin->skips > 0;
    return may;
}

static void
learn(struct gate_spin *spin, bool paid)
{
    if (paid) {
        spin->fails -= spin->fails > 0;
        return;
    }
    spin->fails += spin->fails < GATE_SPIN_FAILS_MAX;
    spin->skips = (1U << spin->fails) - 1;
}

static bool
spin_in_loop(struct io_gate *gate, const struct io_waiter *waiter, uint64_t now_ns)
{
    uint64_t until_ns = now_ns + GATE_SPIN_US * 1000;
    if (!may_spin(gate, &gate->in_loop))
        return false;
    for (; now_ns < until_ns; now_ns = uv_hrtime()) {
        gate_drop(gate);
        latch_relax();
        latch_take(&gate->latch);
        gate_turn(gate);
        if (waiter->roused) {
            learn(&gate->in_loop, true);
            return true;
        }
    }
    learn(&gate->in_loop, false);
    return false;
}

/* Without the latch: has the seat been woken? */
static bool
spin_on_seat(const _Atomic uint32_t *seat, uint32_t wakes)
{
    enum { LOOKS = 32 }; /* for each at the clock */
    uint64_t until_ns = uv_hrtime() + GATE_SPIN_US * 1000;
    do {
        for (unsigned i = 0; i < LOOKS; i++) {
            if (atomic_load_explicit(seat, memory_order_relaxed) != wakes)
                return true;
            latch_relax();
        }
    } while (uv_hrtime() < until_ns);
    return false;
}

static void
sleep_in_loop(struct io_gate *gate, uint64_t deadline_ns)
{
    struct pollfd fd = { .fd = uv_backend_fd(&gate->house->loop), .events = POLLIN };
    uint64_t alarm_ns = gate_alarm_ns(gate), until_ns = alarm_ns < deadline_ns ? alarm_ns : deadline_ns;
    gate->driver_until_ns = until_ns;
    gate_drop(gate);
    gate_sleep(&fd, 1, until_ns);
    latch_take(&gate->latch);
    gate->driver_until_ns = 0;
    gate->drives++;
}

static int
drive(struct io_gate *gate, const struct io_waiter *waiter, uint64_t deadline_ns)
{
    uint64_t now_ns = uv_hrtime();
    if (now_ns >= deadline_ns)
        return -ERR_TIMEOUT;
    gate->drives++;
    if (!gate_is_due(gate) && !spin_in_loop(gate, waiter, now_ns) && !gate_is_due(gate))
        sleep_in_loop(gate, deadline_ns);
    if (!waiter->roused)
        gate_turn(gate);
    return 0;
}

/* Watchers have changed, or there is news: whoever caused it sees to it. */
static void
catch_up(struct io_gate *gate)
{
    enum { TURNS_MAX = 4 };
    for (unsigned i = 0; i < TURNS_MAX && gate_is_due(gate); i++)
        gate_turn(gate);
}

/* Who sleeps in the loop must not sleep past what has come up meanwhile; and the nudge of one that was roused may have
 * been taken for its own by another's turn. */
static void
mind_sleeper(struct io_gate *gate)
{
    bool sleeps = gate->driver != NULL ? gate->driver_until_ns > 0 : gate->thread_is == GATE_DRIVES;
    if (!sleeps)
        return;
    uint64_t at_ns = gate_is_due(gate) ? 0 : gate_alarm_ns(gate);
    if (gate->driver != NULL) {
        if (at_ns < gate->driver_until_ns || gate->driver->roused)
            nudge_driver(gate);
    } else if (at_ns < gate->thread_until_ns) {
        ring(gate);
    }
}

/* While another drives. */
static int
stand_by(struct io_gate *gate, const struct io_waiter *waiter, uint64_t deadline_ns)
{
    if (uv_hrtime() >= deadline_ns)
        return -ERR_TIMEOUT;
    _Atomic uint32_t *seat = seat_of(gate, waiter);
    uint32_t wakes = atomic_load_explicit(seat, memory_order_relaxed);
    bool spins = may_spin(gate, &gate->on_seat);
    gate_drop(gate);
    bool woken = spins && spin_on_seat(seat, wakes);
    if (!woken)
        latch_sleep(seat, wakes, deadline_ns);
    latch_take(&gate->latch);
    if (spins)
        learn(&gate->on_seat, woken);
    return 0;
}

/* Another that waits drives on.  If there is none the thread will, when it has seen for a tick that nobody does. */
static void
step_down(struct io_gate *gate)
{
    gate->driver = NULL;
    LIST_EACH(&gate->waiters, it) {
        struct io_waiter *next = container_of(it, struct io_waiter, link);
        if (!next->roused) {
            wake_waiter(gate, next);
            return;
        }
    }
    if (gate->thread_is == GATE_OFF)
        ring(gate);
}

int
io_gate_wait(struct io_gate *gate, struct io_waiter *waiter, uint64_t deadline_ns)
{
    int rc = 0;
    gate->streak = false;
    catch_up(gate);
    if (io_is_dirty(&gate->house->io))
        gate_flush(gate);
    mind_sleeper(gate);
    list_init(&waiter->link);
    list_push(&gate->waiters, &waiter->link);
    while (!waiter->roused && rc == 0) {
        if (gate->driver == NULL)
            gate->driver = waiter;
        rc = gate->driver == waiter ? drive(gate, waiter, deadline_ns) : stand_by(gate, waiter, deadline_ns);
    }
    list_cut(&waiter->link);
    if (gate->driver == waiter || gate->driver == NULL)
        step_down(gate);
    if (waiter->roused)
        rc = 0;
    waiter->roused = false;
    gate->house->io.stale = true;
    return rc;
}

/* ---- entering and leaving ----------------------------------------------------------------------------------- */

static bool
is_forked(const struct io_gate *gate)
{
    return gate->ours != NULL ? *gate->ours == 0 : gate->pid != getpid();
}

int
io_gate_enter(struct io_gate *gate)
{
    if (is_forked(gate))
        return -ERR_FORKED;
    pid_t caller = atomic_load_explicit(&gate->caller, memory_order_relaxed);
    if (caller != 0 && caller == gettid())
        return -ERR_STATE;
    latch_take(&gate->latch);
    gate->house->io.stale = true;
    return 0;
}

/* The first of a batch that waits asks for the thread to look after it, which it does by itself for as long as batches
 * follow each other. */
static void
defer(struct io_gate *gate, uint64_t now_ns)
{
    /* Writing to a hundred peers takes far longer than GATE_FLUSH_US: most of the time is to go by without it. */
    uint64_t wait_ns = GATE_WRITE_SHARE * gate->write_took_ns;
    if (wait_ns < GATE_FLUSH_US * 1000)
        wait_ns = GATE_FLUSH_US * 1000;
    else if (wait_ns > GATE_TICK_US * 1000)
        wait_ns = GATE_TICK_US * 1000;
    gate->flush_at_ns = now_ns + wait_ns;
    gate->batches++;
    if (!gate->alert)
        ring(gate);
    gate->alert = true;
}

/* Something was put.  The clock is asked for the first of a batch and every eighth. */
static void
write_or_defer(struct io_gate *gate)
{
    enum { RECENT_US = 20, EVERY = 8 };
    bool first = gate->flush_at_ns == 0;
    if (!gate->streak || gate->house->io.ripe) {
        gate->streak = true;
        gate_flush(gate);
        return;
    }
    if (!first && ++gate->put % EVERY > 0)
        return;
    uint64_t now_ns = uv_hrtime();
    if (first && now_ns - gate->wrote_ns < RECENT_US * 1000)
        defer(gate, now_ns);
    else if (first || now_ns >= gate->flush_at_ns)
        gate_flush(gate);
}

void
io_gate_leave(struct io_gate *gate)
{
    catch_up(gate);
    if (io_is_dirty(&gate->house->io))
        write_or_defer(gate);
    mind_sleeper(gate);
    gate_drop(gate);
}

void
io_gate_call_begin(struct io_gate *gate)
{
    atomic_store_explicit(&gate->caller, gettid(), memory_order_relaxed);
}

void
io_gate_call_end(struct io_gate *gate)
{
    atomic_store_explicit(&gate->caller, 0, memory_order_relaxed);
}

struct io *
io_gate_loop(struct io_gate *gate)
{
    return &gate->house->io;
}

/* ---- made and freed ----------------------------------------------------------------------------------------- */

/* Of the machine, not of this thread: it may be pinned, and its peers elsewhere.  If they are not, spinning fails. */
static bool
has_cores(void)
{
    return sysconf(_SC_NPROCESSORS_ONLN) > 1;
}

/* A page that reads as zeros in a forked child. */
static const uint8_t *
make_mark(void)
{
    void *page = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return NULL;
    if (madvise(page, 1, MADV_WIPEONFORK) < 0) {
        munmap(page, 1);
        return NULL;
    }
    *(uint8_t *)page = 1;
    return page;
}

static void
free_gate(struct io_gate *gate)
{
    if (gate->ours != NULL)
        munmap((void *)(uintptr_t)gate->ours, 1);
    if (gate->bell_fd >= 0)
        close(gate->bell_fd);
    mem_free(gate->mem, gate);
}

int
io_gate_new(struct mem *mem, struct io_gate **ret)
{
    struct io *io = NULL;
    struct io_gate *gate = MEM_NEW(mem, struct io_gate);
    if (gate == NULL)
        return -ERR_NO_MEMORY;
    gate->mem = mem;
    gate->spins = has_cores();
    gate->pid = getpid();
    gate->ours = make_mark();
    list_init(&gate->waiters);
    gate->bell_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int rc = gate->bell_fd < 0 ? -ERR_DESCRIPTORS : io_uv_new(mem, &io);
    if (rc == 0) {
        gate->house = uv_house_of(io);
        io->ripe_bytes = GATE_FLUSH_BYTES;
        rc = gate_thread_start(gate);
    }
    if (rc < 0) {
        io_free(io);
        free_gate(gate);
        return rc;
    }
    *ret = gate;
    return 0;
}

static void
close_copy(uv_handle_t *handle, void *arg)
{
    uv_os_fd_t fd;
    (void)arg;
    if (uv_fileno(handle, &fd) == 0)
        close(fd);
}

/* The child's copies of descriptors are closed, past libuv: it would tell the epoll, which both share, to forget them.
 * Memory stays as it is, and all of it when another thread was inside at the time of the fork. */
static void
forsake(struct io_gate *gate)
{
    if (atomic_load(&gate->latch.word) != LATCH_FREE)
        return;
    uv_walk(&gate->house->loop, close_copy, NULL);
    close(uv_backend_fd(&gate->house->loop));
    close(gate->bell_fd);
    atomic_store(&gate->latch.word, LATCH_HELD); /* only once */
}

void
io_gate_free(struct io_gate *gate)
{
    if (gate == NULL)
        return;
    if (is_forked(gate)) {
        forsake(gate);
        return;
    }
    gate_thread_end(gate);
    while (atomic_load(&gate->leaving) > 0)
        sched_yield();
    io_free(&gate->house->io);
    free_gate(gate);
}
