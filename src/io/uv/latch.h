/* io/uv/latch.h - a lock of one word: an atomic operation to take it and one to let go when nobody else wants it. Who
 * has to wait spins shortly, because it is held shortly, then sleeps in the system.  Not fair, not recursive. */
#ifndef TAMBO_IO_UV_LATCH_H
#define TAMBO_IO_UV_LATCH_H

#include <stdatomic.h>
#include <stdint.h>

struct latch {
    _Atomic uint32_t word; /* enum: free, held, held and wanted */
};

enum { LATCH_FREE, LATCH_HELD, LATCH_WANTED };

/* latch.c */
void latch_wait(struct latch *latch);
/* Sleeps while *word is `value`, until latch_wake() or `until_ns` of the monotonic clock (UINT64_MAX: for ever). */
void latch_sleep(_Atomic uint32_t *word, uint32_t value, uint64_t until_ns);
/* Wakes so many of those that sleep on `word`. */
void latch_wake(_Atomic uint32_t *word, int count);

static inline void
latch_take(struct latch *latch)
{
    uint32_t is = LATCH_FREE;
    if (!atomic_compare_exchange_strong_explicit(&latch->word, &is, LATCH_HELD, memory_order_acquire,
                                                 memory_order_relaxed))
        latch_wait(latch);
}

static inline void
latch_drop(struct latch *latch)
{
    if (atomic_exchange_explicit(&latch->word, LATCH_FREE, memory_order_release) == LATCH_WANTED)
        latch_wake(&latch->word, 1);
}

static inline void
latch_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

#endif
