/* io/gate.h - one loop that many threads use, each as if it were its own.  In the uv house only: the simulator's
 * programs use the loop itself.
 *
 * A gate is a lock and the question of who *drives* the loop.  A thread that waits for something drives the loop
 * itself, so what arrives is read, decoded and handed over without a switch of threads; of several that wait one drives
 * and wakes the others.  While nobody waits, the gate's own thread drives: connections are made, heartbeats answered
 * and outboxes written in the background.  The lock is never held while sleeping in the system.
 *
 *     caller:   enter - call, call - leave          (outboxes written on the way out, or soon after: see below)
 *               enter - wait (drives, or sleeps until roused) - leave
 *     thread:   drives while no caller does
 *
 * Writing.  What a caller put is written when it leaves, unless the last write was only just now: then it is sending
 * many messages, and what gathers is written when it is worth a system call (GATE_FLUSH_BYTES) or GATE_FLUSH_US later
 * by the gate's thread: later still, up to a millisecond, where writing to many peers takes long itself.  One message
 * alone leaves at once; a stream of them leaves in large pieces. */
#ifndef TAMBO_IO_GATE_H
#define TAMBO_IO_GATE_H

#include "io/io.h"

enum { GATE_FLUSH_BYTES = 64 * 1024, GATE_FLUSH_US = 50 };

struct io_gate;

/* Makes a loop on `mem`, and a thread that drives it.  0 or -err (-ERR_DESCRIPTORS, -ERR_NO_MEMORY). */
int io_gate_new(struct mem *mem, struct io_gate **ret);
/* Nobody may be inside or come any more.  Ends the thread, frees the loop (io_free).  In a forked child it only lets go
 * of what is the child's.  NULL is fine. */
void io_gate_free(struct io_gate *gate);

/* 0, or it was not entered: -ERR_FORKED in a child process of the one that made it, -ERR_STATE in a call out. */
int io_gate_enter(struct io_gate *gate);
void io_gate_leave(struct io_gate *gate);
/* Around a call out, to code that is not ours, from one of the loop's callbacks: the lock stays held, and what that
 * code calls in turn is refused instead of waiting for itself for ever. */
void io_gate_call_begin(struct io_gate *gate);
void io_gate_call_end(struct io_gate *gate);
/* Only between enter and leave. */
struct io *io_gate_loop(struct io_gate *gate);
/* A further thread that runs `fn(arg)` and is deaf to signals, which are for the host's own; between enter and leave.
 * It is joined there, too, when the rest of its way needs the gate no more.  0 or -err. */
int io_gate_thread_start(struct io_gate *gate, io_fn *fn, void *arg, struct io_thread **ret);
void io_gate_thread_join(struct io_gate *gate, struct io_thread *thread);

/* One thread that waits.  The caller's memory, zeroed. */
struct io_waiter {
    struct list link;
    bool roused;
};

/* Between enter and leave: waits until it is roused, or until `deadline_ns` (on io_exact_ns's clock; UINT64_MAX: for
 * ever).  The lock is given up meanwhile.  0 or -ERR_TIMEOUT; spurious returns do not happen. */
int io_gate_wait(struct io_gate *gate, struct io_waiter *waiter, uint64_t deadline_ns);
/* Between enter and leave, or from the loop's callbacks. */
void io_gate_rouse(struct io_gate *gate, struct io_waiter *waiter);

#endif
