/* catalog/length.c - how long a queue of several priorities may be: its limits bound all its levels together.
 *
 * Where the oldest are dropped, that is the head of the whole queue: of the highest level that has any.  Where what
 * comes is refused, the level that it is for is told what the others leave of the limits. */
#include "catalog/inner.h"

enum { DROPS_AT_ONCE = 1024 };

static bool
drops(const struct mq *mq)
{
    return mq->rules.priority_max > 0 && mq->rules.limits.overflow == QUEUE_DROP_OLDEST;
}

struct queue_limits
length_of_level(const struct mq *mq)
{
    struct queue_limits limits = mq->rules.limits;
    if (drops(mq))
        limits.count_max = limits.bytes_max = UINT64_MAX;
    return limits;
}

struct length {
    uint64_t count, bytes;
};

/* What waits in all levels but one; NULL: in all. */
static struct length
sum(const struct mq *mq, const struct mq_level *but)
{
    struct length n = { 0 };
    for (unsigned i = 0; i <= mq->rules.priority_max; i++) {
        const struct mq_level *level = mq->levels[i];
        if (level == NULL || level == but)
            continue;
        n.count += queue_ready(level->target.queue);
        n.bytes += queue_ready_bytes(level->target.queue);
    }
    return n;
}

static uint64_t
less(uint64_t most, uint64_t used)
{
    return most > used ? most - used : 0;
}

void
length_leave(struct mq_level *level)
{
    const struct mq *mq = level->mq;
    struct queue_limits limits = mq->rules.limits;
    if (mq->level_count < 2 || drops(mq))
        return;
    struct length others = sum(mq, level);
    limits.count_max = less(limits.count_max, others.count);
    limits.bytes_max = less(limits.bytes_max, others.bytes);
    queue_limit(level->target.queue, limits);
}

/* False: nothing waits, or it is being read from disk. */
static bool
drop_head(struct mq *mq)
{
    for (unsigned i = mq->rules.priority_max + 1; i-- > 0;)
        if (mq->levels[i] != NULL && queue_ready(mq->levels[i]->target.queue) > 0)
            return queue_drop_oldest(mq->levels[i]->target.queue);
    return false;
}

void
length_keep(struct mq *mq)
{
    const struct queue_limits *limits = &mq->rules.limits;
    if (!drops(mq))
        return;
    for (unsigned n = 0; n < DROPS_AT_ONCE; n++) {
        struct length all = sum(mq, NULL);
        bool full = all.count > limits->count_max || all.bytes > limits->bytes_max;
        if (!full || !drop_head(mq))
            return;
    }
    mq_soon(mq);
}
