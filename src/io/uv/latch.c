#include "io/uv/latch.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { SPINS = 100 };
static const uint64_t NS_A_S = 1000 * 1000 * 1000;

void
latch_sleep(_Atomic uint32_t *word, uint32_t value, uint64_t until_ns)
{
    struct timespec until = { .tv_sec = (time_t)(until_ns / NS_A_S), .tv_nsec = (long)(until_ns % NS_A_S) };
    syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, value, until_ns == UINT64_MAX ? NULL : &until, NULL,
            FUTEX_BITSET_MATCH_ANY);
}

void
latch_wake(_Atomic uint32_t *word, int count)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

void
latch_wait(struct latch *latch)
{
    for (unsigned i = 0; i < SPINS; i++) {
        uint32_t is = LATCH_FREE;
        latch_relax();
        if (atomic_load_explicit(&latch->word, memory_order_relaxed) == LATCH_FREE &&
            atomic_compare_exchange_strong_explicit(&latch->word, &is, LATCH_HELD, memory_order_acquire,
                                                    memory_order_relaxed))
            return;
    }
    while (atomic_exchange_explicit(&latch->word, LATCH_WANTED, memory_order_acquire) != LATCH_FREE)
        latch_sleep(&latch->word, LATCH_WANTED, UINT64_MAX);
}
