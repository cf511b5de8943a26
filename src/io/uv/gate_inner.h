/* io/uv/gate_inner.h - what gate.c and gate_thread.c share.  All of it is used with the latch held only. */
#ifndef TAMBO_IO_UV_GATE_INNER_H
#define TAMBO_IO_UV_GATE_INNER_H

#include <poll.h>
#include <sys/types.h>

#include "io/gate.h"
#include "io/uv/latch.h"
#include "io/uv/uv.h"

enum {
    GATE_TICK_US = 1000, /* without a caller driving for so long, the thread does */
    GATE_SPIN_US = 50,
    GATE_SPIN_FAILS_MAX = 10,
    GATE_SEATS = 16,
    GATE_WRITE_SHARE = 3, /* what waits to be written waits so many times as long as the last writing took */
};

/* To be woken when the latch is let go of. */
struct gate_wakes {
    _Atomic uint32_t *words[8];
    unsigned count;
    bool any, driver, thread;
};

/* Whether looking again and again has paid of late. */
struct gate_spin {
    unsigned skips, fails;
};

enum gate_thread_is {
    GATE_AWAKE,
    GATE_DRIVES, /* asleep in the loop */
    GATE_PARKED, /* asleep for a tick: callers drive, now and then */
    GATE_OFF,    /* asleep until its bell rings: a caller sleeps in the loop */
};

struct io_gate {
    struct latch latch;
    const uint8_t *ours; /* 0 in a forked child; NULL: the system cannot do that */
    struct uv_house *house;
    struct mem *mem;
    pid_t pid;
    _Atomic pid_t caller;     /* the thread that is in a call out, or 0 */
    _Atomic unsigned leaving; /* threads that have let go of the latch, and wake others */
    struct gate_wakes wakes;

    /* callers */
    struct list waiters;
    _Atomic uint32_t seats[GATE_SEATS]; /* what they sleep on while another drives; counts wakes */
    struct io_waiter *driver;           /* the one that drives; NULL: none, and the thread does or will */
    uint64_t driver_until_ns;           /* it sleeps until then at most; 0: it is awake */
    uint64_t drives;                    /* counts what callers drive */
    bool spins;
    struct gate_spin in_loop, on_seat; /* of who drives, and of who stands by */

    /* writing */
    bool streak;       /* something was put and written since a caller last waited */
    unsigned put;      /* leaves since flush_at_ns was set */
    uint64_t wrote_ns; /* when it was last written */
    uint64_t write_took_ns;
    uint64_t flush_at_ns; /* when what was put is to be written; 0: nothing waits */
    uint64_t batches;     /* counts what waited */

    /* the thread */
    struct io_thread *thread;
    int bell_fd;
    bool ending;
    bool alert; /* it looks after flush_at_ns by itself */
    enum gate_thread_is thread_is;
    uint64_t thread_until_ns; /* GATE_DRIVES: it sleeps until then at most */
    uint64_t tick_at_ns, alert_until_ns;
    uint64_t drives_seen, batches_seen;
};

/* gate.c */
/* Lets go of the latch and wakes who is to be woken. */
void gate_drop(struct io_gate *gate);
/* Has the loop something to do without anything that comes from outside? */
bool gate_is_due(const struct io_gate *gate);
/* When the loop's next timer fires. */
uint64_t gate_alarm_ns(const struct io_gate *gate);
/* Writes what was put. */
void gate_flush(struct io_gate *gate);
/* A turn of the loop, without waiting. */
void gate_turn(struct io_gate *gate);
/* Not with the latch held. */
void gate_sleep(struct pollfd *fds, unsigned count, uint64_t until_ns);

/* gate_thread.c */
int gate_thread_start(struct io_gate *gate);
void gate_thread_end(struct io_gate *gate);

#endif
