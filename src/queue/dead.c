/* queue/dead.c - entries that die: dropped, or handed to the queue's owner. */
#include "queue/inner.h"

bool
queue_wants_dead(const struct queue *queue)
{
    return queue->owner != NULL && queue->owner->ops->dead != NULL;
}

static void
count(struct queue_host *host, enum queue_death reason)
{
    if (reason == QUEUE_DEATH_EXPIRED)
        host->expired++;
    else
        host->dropped++;
}

bool
queue_die(struct queue *queue, struct page *page, uint64_t seq, enum queue_death reason)
{
    count(queue->host, reason);
    queue_remove(queue, page, seq, true);
    return true;
}

uint64_t
queue_dead(const struct queue *queue)
{
    (void)queue;
    return 0;
}

bool
queue_bury(struct queue *queue, uint64_t seq)
{
    (void)queue, (void)seq;
    return false;
}

bool
queue_exhume(struct queue *queue, uint64_t seq)
{
    (void)queue, (void)seq;
    return false;
}

bool
link_reject(struct link *link, uint64_t seq)
{
    return link_accept(link, seq, true);
}

bool
link_return(struct link *link, uint64_t seq)
{
    return link_release(link, seq);
}

void
link_rank(struct link *link, int32_t priority)
{
    link->priority = priority;
}

int
queue_restore_return(struct queue *queue, uint64_t seq, uint32_t count)
{
    (void)queue, (void)seq, (void)count;
    return 0;
}

void
queue_restore_delivered(struct queue *queue, uint64_t seq)
{
    (void)queue, (void)seq;
}
