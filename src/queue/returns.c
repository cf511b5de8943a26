/* queue/returns.c - how often entries came back undone (link_return), and up to where they were delivered.
 *
 * RECORD_RETURN: queue id u32, seq u64, count u32.  The highest count counts.
 * RECORD_DELIVERED: queue id u32, seq u64, once a turn in which more was delivered than ever.  Not waited for: it only
 * says which messages may be shown as delivered before. */
#include "base/break.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/mem.h"
#include "queue/inner.h"
#include "queue/record.h"

static uint64_t
hash_seq(uint64_t seq)
{
    return hash_bytes(view_of(&seq, sizeof(seq)), 0);
}

static bool
has_seq(const void *value, const void *key)
{
    return ((const struct returned *)value)->seq == *(const uint64_t *)key;
}

static struct returned *
find(const struct queue *queue, uint64_t seq)
{
    return queue->returns.count == 0 ? NULL : map_get(&queue->returns, hash_seq(seq), has_seq, &seq);
}

uint32_t
returns_of(const struct queue *queue, uint64_t seq)
{
    const struct returned *r = find(queue, seq);
    return r == NULL ? 0 : r->count;
}

/* 0 or -ERR_NO_MEMORY. */
static int
set(struct queue *queue, uint64_t seq, uint32_t count)
{
    struct returned *r = find(queue, seq);
    if (r == NULL) {
        r = MEM_NEW(queue->host->mem, struct returned);
        if (r == NULL)
            return -ERR_NO_MEMORY;
        r->seq = seq;
        if (map_put(&queue->returns, hash_seq(seq), r) < 0) {
            mem_free(queue->host->mem, r);
            return -ERR_NO_MEMORY;
        }
    }
    r->count = count > r->count ? count : r->count;
    return 0;
}

/* Without memory, or on a log that has failed, it is counted one too few: that is all. */
uint32_t
returns_add(struct queue *queue, uint64_t seq)
{
    uint32_t count = returns_of(queue, seq);
    count += count < UINT32_MAX;
    if (set(queue, seq, count) < 0 || !queue->durable)
        return count;
    uint8_t bytes[16];
    struct pen p = pen_of(bytes, sizeof(bytes));
    put_u32(&p, queue->id);
    put_u64(&p, seq);
    put_u32(&p, count);
    struct view record = view_of(bytes, sizeof(bytes));
    (void)log_append(queue->host->log, RECORD_RETURN, true, &record, 1);
    return count;
}

void
returns_forget(struct queue *queue, uint64_t seq)
{
    struct returned *r = find(queue, seq);
    if (r == NULL)
        return;
    (void)map_cut(&queue->returns, hash_seq(seq), r);
    mem_free(queue->host->mem, r);
}

void
returns_fini(struct queue *queue)
{
    size_t at = 0;
    for (struct returned *r = map_next(&queue->returns, &at); r != NULL; r = map_next(&queue->returns, &at))
        mem_free(queue->host->mem, r);
    map_fini(&queue->returns);
    map_init(&queue->returns, queue->host->mem);
}

/* Is the entry known, ready or in flight? */
static bool
lives(const struct queue *queue, uint64_t seq)
{
    const struct page *page = seq == 0 ? NULL : queue_page(queue, page_no_of(seq));
    unsigned i = page_index_of(seq);
    if (page == NULL)
        return false;
    if (page->stub)
        return page->amend == NULL || !(page->amend->gone[i / 64] >> (i % 64) & 1);
    return page_has(page, i) && page_lives(page, i);
}

int
queue_restore_return(struct queue *queue, uint64_t seq, uint32_t count)
{
    if (!lives(queue, seq))
        return 0;
    queue_restore_delivered(queue, seq); /* what came back had been delivered, whether that was recorded or not */
    return set(queue, seq, count);
}

void
queue_restore_delivered(struct queue *queue, uint64_t seq)
{
    if (seq > queue->delivered)
        queue->delivered = queue->delivered_told = queue->delivered_before = seq;
}

/* Nothing is written when all that was delivered is settled. */
void
queue_record_delivered(struct queue *queue)
{
    bool matters = queue->flight > 0 || queue->cursor <= queue->delivered;
    if (!queue->durable || queue->owner == NULL || queue->delivered == queue->delivered_told || !matters ||
        broken(BREAK_FORGET_DELIVERED))
        return;
    uint8_t bytes[12];
    struct pen p = pen_of(bytes, sizeof(bytes));
    put_u32(&p, queue->id);
    put_u64(&p, queue->delivered);
    queue->delivered_told = queue->delivered;
    struct view record = view_of(bytes, sizeof(bytes));
    (void)log_append(queue->host->log, RECORD_DELIVERED, false, &record, 1);
}
