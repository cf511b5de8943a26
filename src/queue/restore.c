/* queue/restore.c - recovery and checkpoint.
 *
 * RECORD_QUEUE, one or more for a queue in a checkpoint:
 *
 *   u32 id, u64 next seq, u64 head seq (everything before it is settled)
 *   items until the record's end:
 *     u8 ITEM_ENTRY  u64 seq, u64 position, u32 bytes, u32 meta, u64 expires ms, u8 again
 *     u8 ITEM_PAGE   u64 page number, u64 position, u64 first expires ms, u64 all expire ms,
 *                  2 x (u32 segment, u32 records, u64 bytes), u64 bytes of bodies, of a queue with an owner
 *     u8 ITEM_GONE   u64 seq: settled since that page was written
 *     u8 ITEM_MOVED  u64 seq, u64 position, u32 bytes: moved since then
 *     u8 ITEM_RETURN u64 seq, u32 count: came back so often
 *     u8 ITEM_DELIVERED u64 seq: all up to it may have been delivered before
 *     u8 ITEM_END    after it, everything before next seq that was not told is settled
 *
 * Replay knows an entry by its sequence number: what is below the queue's next one is no news. */
#include "base/break.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"
#include "queue/inner.h"
#include "queue/record.h"

enum item { ITEM_ENTRY, ITEM_PAGE, ITEM_GONE, ITEM_MOVED, ITEM_END, ITEM_RETURN, ITEM_DELIVERED };
enum {
    HEAD_BYTES = 4 + 8 + 8,
    ENTRY_ITEM_BYTES = 1 + 8 + 8 + 4 + 4 + 8 + 1,
    PAGE_ITEM_BYTES = 1 + 8 + 8 + 8 + 8 + PAGE_SEGMENTS * 16 + 8,
    GONE_ITEM_BYTES = 1 + 8,
    MOVED_ITEM_BYTES = 1 + 8 + 8 + 4,
    RETURN_ITEM_BYTES = 1 + 8 + 4,
    DELIVERED_ITEM_BYTES = 1 + 8,
    RECORD_BYTES_MAX = 32 * 1024,
};

/* ---- replay ------------------------------------------------------------------------------------------------------ */

static int
restore_entry(struct queue *queue, uint64_t seq, const struct entry *entry, uint64_t expires_ms, bool again)
{
    struct page *page = queue_page(queue, page_no_of(seq));
    unsigned i = page_index_of(seq);
    if (seq >= queue->next_seq) {
        queue->next_seq = seq;
        int rc = queue_reserve(queue);
        if (rc < 0)
            return rc;
        queue->next_seq = seq + 1;
        page = queue_page(queue, page_no_of(seq));
    }
    if (page == NULL || !page_has(page, i) || bit_get(page->body, BIT_READY, i))
        return 0;
    log_hold(queue->host->log, entry->ref, entry->bytes);
    queue_place(queue, seq, entry);
    if (again)
        bit_set(page->body, BIT_AGAIN, i);
    page_expires(queue, page_no_of(seq), i, expires_ms);
    return 0;
}

int
queue_restore(struct queue *queue, uint64_t seq, uint64_t position, uint32_t bytes, const struct envelope *env,
              struct entry_meta meta)
{
    const struct entry entry = { .ref = position, .bytes = bytes, .meta = queue_meta(queue, meta, env) };
    if (seq < queue->next_seq || (queue->kept && seq % 2 == 0 && broken(BREAK_THIN_STREAM)))
        return 0;
    return restore_entry(queue, seq, &entry, queue_expiry(queue, env), false);
}

struct amend *
page_amend(struct queue *queue, struct page *page)
{
    if (page->amend == NULL)
        page->amend = MEM_NEW(queue->host->mem, struct amend);
    return page->amend;
}

static int
settle_in_stub(struct queue *queue, struct page *page, uint64_t seq)
{
    unsigned i = page_index_of(seq);
    struct amend *amend = page_amend(queue, page);
    if (amend == NULL)
        return -ERR_NO_MEMORY;
    if (amend->gone[i / 64] >> (i % 64) & 1)
        return 0;
    amend->gone[i / 64] |= UINT64_C(1) << (i % 64);
    page->ready--;
    queue->ready--;
    returns_forget(queue, seq);
    if (page->ready == 0)
        queue_drop_stub(queue, page);
    return 0;
}

/* An entry that is not known (settled before the checkpoint) is no news either. */
int
queue_restore_settle(struct queue *queue, uint64_t seq, uint64_t count)
{
    int rc = 0;
    for (uint64_t end = seq + count; seq < end && seq < queue->next_seq && rc == 0; seq++) {
        struct page *page = seq == 0 ? NULL : queue_page(queue, page_no_of(seq));
        unsigned i = page_index_of(seq);
        if (page == NULL)
            continue;
        if (page_is_stub(page))
            rc = settle_in_stub(queue, page, seq);
        else if (page_has(page, i) && bit_get(page->body, BIT_READY, i))
            queue_remove(queue, page, seq, false);
        queue_retire(queue, page);
    }
    return rc;
}

static int
move_in_stub(struct queue *queue, struct page *page, unsigned i, uint64_t position, uint32_t bytes)
{
    struct amend *amend = page_amend(queue, page);
    if (amend == NULL)
        return -ERR_NO_MEMORY;
    if (amend->moves[i].bytes > 0)
        log_drop(queue->host->log, amend->moves[i].position, amend->moves[i].bytes);
    amend->moves[i] = (struct amend_move){ .position = position, .bytes = bytes };
    log_hold(queue->host->log, position, bytes);
    return 0;
}

int
queue_restore_move(struct queue *queue, uint64_t seq, uint64_t position, uint32_t bytes)
{
    struct page *page = seq == 0 ? NULL : queue_page(queue, page_no_of(seq));
    unsigned i = page_index_of(seq);
    if (page == NULL)
        return 0;
    if (page_is_stub(page))
        return move_in_stub(queue, page, i, position, bytes);
    if (!page_has(page, i) || !bit_get(page->body, BIT_READY, i))
        return 0;
    page_move_entry(queue, page, i, position, bytes);
    return 0;
}

/* ---- a checkpoint's records -------------------------------------------------------------------------------------- */

struct writer {
    struct queue *queue;
    uint64_t head_seq;
    struct pen pen;
    uint8_t bytes[RECORD_BYTES_MAX];
};

static void
begin(struct writer *w)
{
    w->pen = pen_of(w->bytes, sizeof(w->bytes));
    put_u32(&w->pen, w->queue->id);
    put_u64(&w->pen, w->queue->next_seq);
    put_u64(&w->pen, w->head_seq);
}

static int
finish(struct writer *w)
{
    struct view record = view_of(w->bytes, (size_t)(w->pen.at - w->bytes));
    must(!w->pen.torn);
    return log_checkpoint_put(w->queue->host->log, RECORD_QUEUE, &record, 1);
}

static int
room_for(struct writer *w, size_t bytes)
{
    if (pen_left(&w->pen) >= bytes)
        return 0;
    int rc = finish(w);
    begin(w);
    return rc;
}

static int
put_entry(struct writer *w, const struct page *page, uint64_t seq)
{
    unsigned i = page_index_of(seq);
    const struct entry *entry = page_entry(page, i);
    int rc = room_for(w, ENTRY_ITEM_BYTES);
    put_u8(&w->pen, ITEM_ENTRY);
    put_u64(&w->pen, seq);
    put_u64(&w->pen, entry->ref);
    put_u32(&w->pen, entry->bytes);
    put_u32(&w->pen, entry->meta);
    put_u64(&w->pen, page_expiry(page, i));
    bool held = bit_get(page->body, BIT_FLIGHT, i) && !page_is_grave(page, i);
    put_u8(&w->pen, held || bit_get(page->body, BIT_AGAIN, i));
    return rc;
}

static int
put_page(struct writer *w, const struct page *page, uint64_t no)
{
    struct span span = page_span(page);
    int rc = room_for(w, PAGE_ITEM_BYTES);
    put_u8(&w->pen, ITEM_PAGE);
    put_u64(&w->pen, no);
    put_u64(&w->pen, page->position);
    put_u64(&w->pen, span.first_ms);
    put_u64(&w->pen, span.last_ms);
    for (unsigned k = 0; k < PAGE_SEGMENTS; k++) {
        put_u32(&w->pen, page->held[k].segment);
        put_u32(&w->pen, page->held[k].records);
        put_u64(&w->pen, page->held[k].bytes);
    }
    put_u64(&w->pen, page->ready_bytes);
    return rc;
}

static int
put_entries(struct writer *w, const struct page *page, uint64_t no)
{
    int rc = 0;
    for (unsigned i = 0; page->body != NULL && i < PAGE_ENTRIES && rc == 0; i++)
        if (page_lives(page, i))
            rc = put_entry(w, page, page_first_seq(no) + i);
    return rc;
}

static int
put_gone(struct writer *w, uint64_t seq)
{
    int rc = room_for(w, GONE_ITEM_BYTES);
    put_u8(&w->pen, ITEM_GONE);
    put_u64(&w->pen, seq);
    return rc;
}

static int
put_moved(struct writer *w, uint64_t seq, const struct amend_move *move)
{
    int rc = room_for(w, MOVED_ITEM_BYTES);
    put_u8(&w->pen, ITEM_MOVED);
    put_u64(&w->pen, seq);
    put_u64(&w->pen, move->position);
    put_u32(&w->pen, move->bytes);
    return rc;
}

/* What replay said of a stub that was not read since. */
static int
put_amend(struct writer *w, const struct amend *amend, uint64_t no)
{
    int rc = 0;
    for (unsigned i = 0; amend != NULL && i < PAGE_ENTRIES && rc == 0; i++) {
        if (amend->moves[i].bytes > 0)
            rc = put_moved(w, page_first_seq(no) + i, &amend->moves[i]);
        if (rc == 0 && (amend->gone[i / 64] >> (i % 64) & 1))
            rc = put_gone(w, page_first_seq(no) + i);
    }
    return rc;
}

static int
put_any(struct writer *w, uint64_t no)
{
    const struct page *page = queue_page(w->queue, no);
    if (!page->stub)
        return put_entries(w, page, no);
    int rc = put_page(w, page, no);
    return rc == 0 ? put_amend(w, page->amend, no) : rc;
}

static int
put_returns(struct writer *w)
{
    const struct map *returns = &w->queue->returns;
    size_t at = 0;
    int rc = 0;
    for (const struct returned *r = map_next(returns, &at); r != NULL && rc == 0; r = map_next(returns, &at)) {
        rc = room_for(w, RETURN_ITEM_BYTES);
        put_u8(&w->pen, ITEM_RETURN);
        put_u64(&w->pen, r->seq);
        put_u32(&w->pen, r->count);
    }
    return rc;
}

static int
put_delivered(struct writer *w)
{
    if (w->queue->owner == NULL)
        return 0;
    int rc = room_for(w, DELIVERED_ITEM_BYTES);
    put_u8(&w->pen, ITEM_DELIVERED);
    put_u64(&w->pen, w->queue->delivered);
    return rc;
}

static int
put_end(struct writer *w)
{
    int rc = room_for(w, 1);
    put_u8(&w->pen, ITEM_END);
    return rc == 0 ? finish(w) : rc;
}

/* Everything before the first page that is kept is settled. */
static uint64_t
head_seq(const struct queue *queue)
{
    uint64_t first = page_first_seq(queue->first_no);
    return queue->page_count == 0 || first > queue->next_seq ? queue->next_seq : first;
}

int
queue_checkpoint(struct queue *queue)
{
    while (queue_spill(queue))
        continue;
    struct writer *w = mem_raw(queue->host->mem, sizeof(*w));
    if (w == NULL)
        return -ERR_NO_MEMORY;
    w->queue = queue;
    w->head_seq = head_seq(queue);
    begin(w);
    int rc = 0;
    for (uint32_t n = 0; n < queue->page_count && rc == 0; n++)
        rc = put_any(w, queue->first_no + n);
    if (rc == 0)
        rc = put_returns(w);
    if (rc == 0)
        rc = put_delivered(w);
    if (rc == 0)
        rc = put_end(w);
    mem_free(queue->host->mem, w);
    return rc;
}

static int
take_entry(struct queue *queue, struct cursor *c)
{
    uint64_t seq = take_u64(c);
    struct entry entry = { .ref = take_u64(c), .bytes = take_u32(c), .meta = take_u32(c) };
    uint64_t expires_ms = take_u64(c);
    bool again = take_u8(c);
    if (c->torn || seq == 0)
        return -ERR_DAMAGED;
    return restore_entry(queue, seq, &entry, expires_ms, again);
}

static void
hold_stub(struct queue *queue, struct page *page)
{
    for (unsigned k = 0; k < PAGE_SEGMENTS; k++) {
        const struct held *held = &page->held[k];
        if (held->records == 0)
            continue;
        log_hold_many(queue->host->log, (uint64_t)held->segment << 32, held->records, held->bytes);
        queue->bytes += held->bytes;
        queue->host->bytes += held->bytes;
        queue->host->entries += held->records;
        queue->ready += held->records;
        page->ready = (uint16_t)(page->ready + held->records);
    }
    queue->ready_bytes += page->ready_bytes;
}

static int
take_page(struct queue *queue, struct cursor *c)
{
    struct page stub = { .used = PAGE_ENTRIES, .stub = true };
    uint64_t no = take_u64(c), position = take_u64(c);
    struct span span = { .first_ms = take_u64(c), .last_ms = take_u64(c) };
    for (unsigned k = 0; k < PAGE_SEGMENTS; k++) {
        stub.held[k].segment = take_u32(c);
        stub.held[k].records = take_u32(c);
        stub.held[k].bytes = take_u64(c);
    }
    stub.ready_bytes = take_u64(c);
    if (c->torn || position == 0)
        return -ERR_DAMAGED;
    if (page_first_seq(no) < queue->next_seq)
        return 0;
    int rc = queue_reach(queue, no);
    if (rc < 0)
        return rc;
    struct page *page = queue_page(queue, no);
    *page = stub;
    hold_stub(queue, page);
    page_set_record(queue, page, position);
    page_expires_whole(queue, page, no, span);
    queue->next_seq = page_first_seq(no + 1);
    return 0;
}

static int
take_moved(struct queue *queue, struct cursor *c)
{
    uint64_t seq = take_u64(c), position = take_u64(c);
    uint32_t bytes = take_u32(c);
    return c->torn ? -ERR_DAMAGED : queue_restore_move(queue, seq, position, bytes);
}

static int
take_return(struct queue *queue, struct cursor *c)
{
    uint64_t seq = take_u64(c);
    uint32_t count = take_u32(c);
    return c->torn ? -ERR_DAMAGED : queue_restore_return(queue, seq, count);
}

static int
take_item(struct queue *queue, uint64_t next_seq, struct cursor *c)
{
    switch (take_u8(c)) {
    case ITEM_ENTRY: return take_entry(queue, c);
    case ITEM_PAGE: return take_page(queue, c);
    case ITEM_GONE: return queue_restore_settle(queue, take_u64(c), 1);
    case ITEM_MOVED: return take_moved(queue, c);
    case ITEM_RETURN: return take_return(queue, c);
    case ITEM_DELIVERED: queue_restore_delivered(queue, take_u64(c)); return 0;
    case ITEM_END:
        if (queue->next_seq < next_seq)
            queue->next_seq = next_seq;
        return 0;
    default: return -ERR_DAMAGED;
    }
}

int
queue_restore_pages(struct queue *queue, struct view record)
{
    struct cursor c = cursor_of(record);
    uint32_t id = take_u32(&c);
    uint64_t next_seq = take_u64(&c);
    uint64_t head = take_u64(&c);
    if (c.torn || id != queue->id || head == 0)
        return -ERR_DAMAGED;
    if (queue->page_count == 0 && queue->next_seq < head)
        queue->next_seq = queue->cursor = head;
    int rc = 0;
    while (rc == 0 && cursor_left(&c) > 0)
        rc = take_item(queue, next_seq, &c);
    return rc == 0 && c.torn ? -ERR_DAMAGED : rc;
}
