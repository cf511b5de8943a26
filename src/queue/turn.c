/* queue/turn.c - the end of the turn: the dead are told of, settlements recorded as runs, pages that are too many
 * leave, readers of streams get what they may have. */
#include "base/break.h"
#include "queue/inner.h"
#include "queue/record.h"

enum { SPILLS_A_TURN = 64 };

/* ---- settlements a turn ---------------------------------------------------------------------------------------- */

static void
write_run(struct queue *queue)
{
    uint8_t bytes[16];
    struct pen p = pen_of(bytes, sizeof(bytes));
    if (queue->run_count == 0)
        return;
    put_u32(&p, queue->id);
    put_u64(&p, queue->run_first);
    put_u32(&p, queue->run_count);
    queue->run_count = 0;
    if (broken(BREAK_FORGET_SETTLEMENT))
        return;
    struct view record = view_of(bytes, sizeof(bytes));
    /* Refused only by a log that has failed: then the entry comes again after a restart, which at-least-once allows. */
    (void)log_append(queue->host->log, RECORD_SETTLE, true, &record, 1);
}

void
queue_touch(struct queue *queue)
{
    if (list_empty(&queue->dirty))
        list_push(&queue->host->dirty, &queue->dirty);
}

void
queue_record_settled(struct queue *queue, uint64_t seq)
{
    if (tx_settle(queue->host, queue->id, seq))
        return;
    if (queue->run_count > 0 && seq == queue->run_first + queue->run_count) {
        queue->run_count++;
        return;
    }
    write_run(queue);
    queue->run_first = seq;
    queue->run_count = 1;
    queue_touch(queue);
}

static void
spill_some(struct queue *queue)
{
    unsigned n = 0;
    while (n < SPILLS_A_TURN && queue_spill(queue))
        n++;
    if (n == SPILLS_A_TURN)
        queue_touch(queue);
}

/* ---- the end of the turn --------------------------------------------------------------------------------------- */

static void
end_turn(struct queue *queue)
{
    if (queue->owner != NULL)
        queue_keep_limits(queue);
    write_run(queue);
    queue_record_delivered(queue);
    queue_read_on(queue);
    if (queue_is_empty(queue))
        queue_rest(queue);
    else
        spill_some(queue);
    if (queue->owner != NULL && queue->owner->ops->changed != NULL)
        queue->owner->ops->changed(queue->owner);
}

static void
on_soon(void *arg)
{
    (void)arg; /* its turn's end is what counts */
}

static void
have_turn(struct queue_host *host)
{
    (void)io_timer_set(host->io, &host->soon, io_now_ns(host->io), on_soon, host);
}

void
queue_wake(struct queue *queue)
{
    queue_touch(queue);
    have_turn(queue->host);
}

void
queue_host_turn(struct queue_host *host)
{
    struct list dirty;
    queue_host_mourn(host);
    list_init(&dirty);
    list_splice(&dirty, &host->dirty);
    for (struct list *l = list_pop(&dirty); l != NULL; l = list_pop(&dirty))
        end_turn(container_of(l, struct queue, dirty));
    /* More died than could be told of, or because others had. */
    if (!list_empty(&host->mourning))
        have_turn(host);
}
