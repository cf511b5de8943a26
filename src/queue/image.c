/* queue/image.c - pages into the log and back: when they leave memory and come again, and what replay makes of them.
 * How a record of one looks is told in queue/page_record.c.
 *
 * A page leaves memory when all its entries are ready.  Its record is held until the page is gone or written anew. */
#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"
#include "queue/inner.h"
#include "queue/page_record.h"

/* ---- out ----------------------------------------------------------------------------------------------------- */

static void
image_of(const struct page *page, struct image *ret)
{
    memset(ret, 0, sizeof(*ret));
    for (unsigned i = 0; i < PAGE_ENTRIES; i++) {
        if (!page_lives(page, i))
            continue;
        ret->live[i / 8] |= (uint8_t)(1u << (i % 8));
        ret->entries[i] = *page_entry(page, i);
        ret->expires_ms[i] = page_expiry(page, i);
    }
}

int
page_write(struct queue *queue, struct page *page, uint64_t no)
{
    uint8_t bytes[PAGE_RECORD_BYTES_MAX];
    struct image image;
    image_of(page, &image);
    struct view record = page_record_draw(queue->id, no, &image, bytes);
    int64_t position = log_append(queue->host->log, RECORD_PAGE, false, &record, 1);
    if (position < 0)
        return (int)position;
    page_set_record(queue, page, (uint64_t)position);
    return 0;
}

/* Sums up what the page holds, a segment, and its bodies; false when it is spread over too many. */
static bool
sum_up(const struct queue *queue, struct page *page)
{
    struct held *ret = page->held;
    memset(ret, 0, PAGE_SEGMENTS * sizeof(*ret));
    page->ready_bytes = 0;
    for (unsigned i = 0; i < PAGE_ENTRIES; i++) {
        uint32_t segment = (uint32_t)(page_entry(page, i)->ref >> 32);
        unsigned k = 0;
        while (k < PAGE_SEGMENTS && ret[k].records > 0 && ret[k].segment != segment)
            k++;
        if (k == PAGE_SEGMENTS)
            return false;
        ret[k].segment = segment;
        ret[k].records++;
        ret[k].bytes += page_entry(page, i)->bytes;
        page->ready_bytes += entry_body(queue, page_entry(page, i));
    }
    return true;
}

/* A record does not say which were delivered before. */
static bool
may_leave(const struct page *page)
{
    return page->body != NULL && page->ready == PAGE_ENTRIES && bit_next(page->body, BIT_AGAIN, 0) == PAGE_ENTRIES;
}

static bool
leave(struct queue *queue, struct page *page, uint64_t no)
{
    if (!sum_up(queue, page))
        return false;
    if ((page->position == 0 || page->moved) && page_write(queue, page, no) < 0)
        return false; /* it stays in memory */
    struct span span = page_span(page);
    page_free_body(queue, page);
    page->stub = true;
    page_expires_whole(queue, page, no, span);
    return true;
}

/* Does reading stand so near that the page is needed soon? */
static bool
is_near(const struct queue *queue, uint64_t no)
{
    uint64_t cursor_no = page_no_of(queue->cursor);
    return no < (cursor_no < queue->first_no ? queue->first_no : cursor_no) + 2;
}

bool
queue_spill(struct queue *queue)
{
    uint32_t most = queue->kept ? RESIDENT_PAGES_KEPT : RESIDENT_PAGES;
    if (!queue->durable || queue->resident <= most)
        return false;
    if (queue->spill_no < queue->first_no)
        queue->spill_no = queue->first_no;
    while (queue->spill_no + 1 < queue->first_no + queue->page_count) {
        uint64_t no = queue->spill_no++;
        struct page *page = queue_page(queue, no);
        if (is_near(queue, no) || queue_is_read_at(queue, no) || !may_leave(page) || queue_evacuating(queue, no))
            continue;
        if (leave(queue, page, no))
            return true;
    }
    return false;
}

/* ---- in ------------------------------------------------------------------------------------------------------ */

/* The entry as replay has left it: moved elsewhere, perhaps; false: settled. */
static bool
amend_entry(struct queue *queue, const struct amend *amend, unsigned i, struct entry *entry)
{
    struct queue_host *host = queue->host;
    const struct amend_move *move = &amend->moves[i];
    if (move->bytes > 0) {
        log_drop(host->log, entry->ref, entry->bytes);
        queue->bytes += move->bytes - (uint64_t)entry->bytes;
        host->bytes += move->bytes - (uint64_t)entry->bytes;
        entry->ref = move->position;
        entry->bytes = move->bytes;
    }
    if (!(amend->gone[i / 64] >> (i % 64) & 1))
        return true;
    log_drop(host->log, entry->ref, entry->bytes);
    queue->bytes -= entry->bytes;
    queue->ready_bytes -= entry_body(queue, entry);
    host->bytes -= entry->bytes;
    host->entries--;
    return false;
}

static int
load_page(struct queue *queue, uint64_t no, struct view record)
{
    struct page *page = queue_page(queue, no);
    struct image image;
    int rc = page_record_parse(queue->id, no, record, &image);
    if (rc == 0)
        rc = page_make_body(queue, page, 0, PAGE_ENTRIES);
    if (rc < 0)
        return rc;
    page_free_expiry(queue, page);
    for (unsigned i = 0; i < PAGE_ENTRIES; i++) {
        if (!image_has(&image, i))
            continue;
        *page_entry(page, i) = image.entries[i];
        if (page->amend != NULL && !amend_entry(queue, page->amend, i, page_entry(page, i)))
            continue;
        bit_set(page->body, BIT_READY, i);
        page_expires(queue, no, i, image.expires_ms[i]);
    }
    page->moved = page->amend != NULL;
    mem_free(queue->host->mem, page->amend);
    page->amend = NULL;
    page->stub = false;
    page->ready_bytes = 0;
    if (no < queue->spill_no)
        queue->spill_no = no; /* it may leave again, if it is not near */
    queue_touch(queue);
    return 0;
}

/* The index of 512 messages cannot be read: they are lost to this queue, and that is counted. */
static void
lose_page(struct queue *queue, uint64_t no)
{
    struct page *page = queue_page(queue, no);
    queue->host->damaged += page->ready;
    queue_lose_stub(queue, page, no);
    queue_retire(queue, page);
}

static void
on_index(struct log_read *read)
{
    struct queue *queue = read->arg;
    struct reader *r = queue->reader;
    const struct page *page = queue_page(queue, r->page_no);
    struct view record;
    unsigned kind;
    int rc = read->rc;
    r->reading_index = false;
    if (page != NULL && page->stub && page->position == read->position) {
        if (rc == 0)
            rc =
                log_read_at(read, read->position, &kind, &record) ? load_page(queue, r->page_no, record) : -ERR_DAMAGED;
        if (rc == -ERR_DAMAGED)
            lose_page(queue, r->page_no);
    }
    log_read_release(read);
    if (rc == 0 || rc == -ERR_DAMAGED)
        queue_pump(queue);
    else
        queue_retry(queue);
}

void
queue_fetch_page(struct queue *queue, uint64_t no)
{
    struct reader *r = queue_reader(queue);
    struct view record;
    const struct page *page = queue_page(queue, no);
    if (r == NULL || r->reading_index)
        return;
    if (log_peek(queue->host->log, page->position, &record) && load_page(queue, no, record) == 0)
        return;
    r->page_no = no;
    r->index = (struct log_read){ .position = page->position, .done = on_index, .arg = queue };
    r->reading_index = true;
    if (log_read(queue->host->log, &r->index) < 0) {
        r->reading_index = false;
        queue_retry(queue);
    }
}

int
queue_load_page_now(struct queue *queue, uint64_t no)
{
    uint8_t bytes[PAGE_RECORD_BYTES_MAX];
    unsigned kind;
    int64_t n = log_read_now(queue->host->log, queue_page(queue, no)->position, bytes, sizeof(bytes), &kind);
    return n < 0 ? (int)n : load_page(queue, no, view_of(bytes, (size_t)n));
}

/* ---- replay -------------------------------------------------------------------------------------------------- */

/* Is the page in memory just what the record says?  Then it may leave without being written again. */
static bool
is_same(const struct page *page, const struct image *image)
{
    for (unsigned i = 0; i < PAGE_ENTRIES; i++) {
        if (image_has(image, i) != bit_get(page->body, BIT_READY, i))
            return false;
        if (image_has(image, i) && image->entries[i].ref != page_entry(page, i)->ref)
            return false;
    }
    return true;
}

/* The stub's older record may be gone by now, since it was not needed any more once this one was written. */
static int
replace_stub(struct queue *queue, uint64_t no, const struct image *image)
{
    struct page *page = queue_page(queue, no);
    queue_drop_stub(queue, page);
    int rc = page_make_body(queue, page, 0, PAGE_ENTRIES);
    for (unsigned i = 0; rc == 0 && i < PAGE_ENTRIES; i++) {
        if (!image_has(image, i))
            continue;
        const struct entry *entry = &image->entries[i];
        log_hold(queue->host->log, entry->ref, entry->bytes);
        queue_place(queue, page_first_seq(no) + i, entry);
        page_expires(queue, no, i, image->expires_ms[i]);
    }
    page->used = PAGE_ENTRIES;
    return rc;
}

int
queue_restore_page(struct queue *queue, uint64_t position, struct view record)
{
    uint64_t first = page_record_first(record);
    if (first == 0)
        return -ERR_DAMAGED;
    uint64_t no = page_no_of(first);
    struct page *page = queue_page(queue, no);
    struct image image;
    int rc = page_record_parse(queue->id, no, record, &image);
    if (rc < 0 || page == NULL || (page->body == NULL && !page->stub))
        return rc; /* a page that is gone stays so */
    if (page->stub)
        rc = replace_stub(queue, no, &image);
    else if (!is_same(page, &image))
        return 0;
    if (rc < 0)
        return rc;
    page_set_record(queue, page, position);
    if (!is_near(queue, no) && may_leave(page))
        (void)leave(queue, page, no);
    return 0;
}
