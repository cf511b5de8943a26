/* queue/delayed.h - publications that are due later (a will with a delay), surviving restarts when there is a log. */
#ifndef TAMBO_QUEUE_DELAYED_H
#define TAMBO_QUEUE_DELAYED_H

#include "io/io.h"
#include "log/log.h"
#include "queue/message.h"

struct delayed;
/* Due: publish it.  `id` is the one it was put under; it is gone from here already, and may be put again. */
typedef void delayed_fn(void *arg, uint64_t id, const struct envelope *env);

int delayed_new(struct mem *mem, struct io *io, struct log *log, delayed_fn *fn, void *arg, struct delayed **ret);
void delayed_free(struct delayed *delayed);
/* Replaces what is under `id`.  `due_ms` is UTC. 0, -ERR_NO_MEMORY, or what log_append says. */
int delayed_put(struct delayed *delayed, uint64_t id, uint64_t due_ms, const struct envelope *env);
/* Harmless when there is nothing under `id`. */
void delayed_cancel(struct delayed *delayed, uint64_t id);
/* Is something under `id`? */
bool delayed_has(const struct delayed *delayed, uint64_t id);
uint64_t delayed_count(const struct delayed *delayed);
/* Replay of RECORD_DELAY and RECORD_DELAY_END; and, when replay is over, start the clock: nothing is due before that.
 * 0 or -err. */
int delayed_restore(struct delayed *delayed, unsigned kind, struct view record);
int delayed_start(struct delayed *delayed);
/* All that waits, as checkpoint records.  0 or what log_checkpoint_put says. */
int delayed_checkpoint(struct delayed *delayed);

#endif
