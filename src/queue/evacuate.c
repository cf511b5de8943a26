/* queue/evacuate.c - compaction: what queues hold in one segment is appended anew, so that the segment can be used
 * again.
 *
 * It walks all durable queues, page by page.  A stub with something there is read first; so is one whose own
 * RECORD_PAGE lies there.  A body that several queues hold is moved once for all whose page is in memory. */
#include "base/err.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/must.h"
#include "queue/inner.h"
#include "queue/record.h"

enum { AHEAD_BYTES = 1 << 20, TARGETS_MAX = 256 };
static const uint64_t WAIT_NS = 1000 * 1000;
/* After this the segment may be tried again, when nothing could be moved. */
static const uint64_t REST_NS = UINT64_C(10) * 1000 * 1000 * 1000;

struct evacuation {
    struct queue_host *host;
    uint32_t segment;
    uint64_t bytes_a_turn;
    io_fn *done;
    void *arg;
    struct map queues;   /* by id */
    struct queue *queue; /* where it stands; NULL: at the end */
    uint64_t page_no;
    uint64_t moved;
    struct log_read read;
    bool reading;
    struct io_timer timer;
};

static bool
lies_in(uint64_t position, uint32_t segment)
{
    return (uint32_t)(position >> 32) == segment;
}

static struct queue *
queue_after(struct queue_host *host, const struct queue *queue)
{
    const struct list *next = queue == NULL ? host->all.next : queue->all.next;
    return next == &host->all ? NULL : container_of((struct list *)(uintptr_t)next, struct queue, all);
}

static uint64_t
hash_id(uint32_t id)
{
    return hash_bytes(view_of(&id, sizeof(id)), 0);
}

static bool
has_id(const void *queue, const void *id)
{
    return queue_id(queue) == *(const uint32_t *)id;
}

bool
queue_evacuating(const struct queue *queue, uint64_t no)
{
    const struct evacuation *ev = queue->host->evacuation;
    return ev != NULL && ev->queue == queue && ev->page_no == no;
}

void
queue_evacuate_forget(struct queue_host *host, const struct queue *queue)
{
    struct evacuation *ev = host->evacuation;
    if (ev == NULL)
        return;
    (void)map_cut(&ev->queues, hash_id(queue->id), queue);
    if (ev->queue != queue)
        return;
    ev->queue = queue_after(host, queue);
    ev->page_no = 0;
}

void
queue_evacuate_cancel(struct queue_host *host)
{
    struct evacuation *ev = host->evacuation;
    if (ev == NULL)
        return;
    host->evacuation = NULL;
    log_read_release(&ev->read);
    io_timer_cut(host->io, &ev->timer);
    map_fini(&ev->queues);
    mem_free(host->mem, ev);
}

static void
finish(void *arg_ev)
{
    struct evacuation *ev = arg_ev;
    io_fn *done = ev->done;
    void *arg = ev->arg;
    queue_evacuate_cancel(ev->host);
    done(arg);
}

/* ---- one entry --------------------------------------------------------------------------------------------------- */

void
page_move_entry(struct queue *queue, struct page *page, unsigned i, uint64_t position, uint32_t bytes)
{
    struct entry *entry = page_entry(page, i);
    log_hold(queue->host->log, position, bytes);
    log_drop(queue->host->log, entry->ref, entry->bytes);
    queue->bytes += bytes - (uint64_t)entry->bytes;
    queue->host->bytes += bytes - (uint64_t)entry->bytes;
    entry->ref = position;
    entry->bytes = bytes;
    page->moved = true;
}

/* An entry that holds the body which is being moved. */
struct holder {
    struct queue *queue;
    struct page *page;
    uint64_t seq;
};

static bool
holds(const struct page *page, unsigned i, uint64_t position)
{
    return page != NULL && page_has(page, i) && page_lives(page, i) && page_entry(page, i)->ref == position;
}

/* All that are in memory, `first` first. */
static unsigned
gather(const struct evacuation *ev, struct view record, uint64_t position, struct holder first, struct holder *ret)
{
    struct record_publish publish;
    struct record_target target;
    struct envelope env;
    unsigned n = 0;
    ret[n++] = first;
    if (record_publish_parse(record, &publish, &env) < 0)
        return n;
    while (n < TARGETS_MAX && record_target_next(&publish, &target)) {
        struct queue *queue = map_get(&ev->queues, hash_id(target.queue), has_id, &target.queue);
        struct page *page = queue == NULL || target.seq == 0 ? NULL : queue_page(queue, page_no_of(target.seq));
        if (page != first.page && holds(page, page_index_of(target.seq), position))
            ret[n++] = (struct holder){ .queue = queue, .page = page, .seq = target.seq };
    }
    return n;
}

static int
append_move(const struct evacuation *ev, const struct holder *holders, unsigned n, struct view envelope)
{
    uint8_t head[RECORD_PUBLISH_HEAD_BYTES_MAX + TARGETS_MAX * RECORD_TARGET_BYTES_MAX];
    struct pen p = pen_of(head, sizeof(head));
    record_publish_begin(&p, &(struct receipt){ 0 }, n);
    for (unsigned k = 0; k < n; k++) {
        uint32_t meta = page_entry(holders[k].page, page_index_of(holders[k].seq))->meta;
        record_put_target(&p,
                          (struct record_target){ .queue = holders[k].queue->id, .seq = holders[k].seq, .meta = meta });
    }
    must(!p.torn);
    struct view parts[] = { view_of(head, (size_t)(p.at - head)), envelope };
    int64_t position = log_append(ev->host->log, RECORD_MOVE, false, parts, COUNT_OF(parts));
    if (position < 0)
        return (int)position;
    for (unsigned k = 0; k < n; k++)
        page_move_entry(holders[k].queue, holders[k].page, page_index_of(holders[k].seq), (uint64_t)position,
                        (uint32_t)(parts[0].len + envelope.len));
    return 0;
}

static void step(void *arg);

static void
on_read(struct log_read *read)
{
    struct evacuation *ev = read->arg;
    ev->reading = false;
    step(ev);
}

/* 1 moved (or lost), 0 it is being read, -err. */
static int
move(struct evacuation *ev, struct page *page, uint64_t seq)
{
    struct queue *queue = ev->queue;
    const struct entry *entry = page_entry(page, page_index_of(seq));
    struct log *log = queue->host->log;
    struct view record;
    unsigned kind;
    bool here = log_read_at(&ev->read, entry->ref, &kind, &record) || log_peek(log, entry->ref, &record);
    if (!here && ev->read.position == entry->ref && ev->read.rc < 0) {
        if (ev->read.rc != -ERR_DAMAGED)
            return ev->read.rc;
        queue->host->damaged++;
        queue_remove(queue, page, seq, true);
        ev->moved++;
        return 1;
    }
    if (!here) {
        log_read_release(&ev->read);
        ev->read = (struct log_read){ .position = entry->ref, .ahead_bytes = AHEAD_BYTES, .done = on_read, .arg = ev };
        ev->reading = true;
        return log_read(log, &ev->read);
    }
    struct holder holders[TARGETS_MAX];
    struct holder first = { .queue = queue, .page = page, .seq = seq };
    int rc = append_move(ev, holders, gather(ev, record, entry->ref, first, holders), record_envelope(record));
    ev->moved += rc == 0;
    return rc < 0 ? rc : 1;
}

/* ---- pages ------------------------------------------------------------------------------------------------------- */

static bool
stub_touches(const struct page *page, uint32_t segment)
{
    bool touches = lies_in(page->position, segment);
    for (unsigned k = 0; k < PAGE_SEGMENTS; k++)
        touches |= page->held[k].records > 0 && page->held[k].segment == segment;
    for (unsigned i = 0; page->amend != NULL && !touches && i < PAGE_ENTRIES; i++)
        touches |= page->amend->moves[i].bytes > 0 && lies_in(page->amend->moves[i].position, segment);
    return touches;
}

/* 1: no entry of the page lies there any more; 0: wait; -err. */
static int
clear_entries(struct evacuation *ev, struct page *page, uint64_t *budget)
{
    for (unsigned i = 0; i < PAGE_ENTRIES; i++) {
        if (!page_lives(page, i) || !lies_in(page_entry(page, i)->ref, ev->segment))
            continue;
        if (*budget == 0)
            return 0;
        uint32_t bytes = page_entry(page, i)->bytes;
        int rc = move(ev, page, page_first_seq(ev->page_no) + i);
        if (rc <= 0)
            return rc;
        *budget -= bytes < *budget ? bytes : *budget;
    }
    return 1;
}

static int
rewrite(struct evacuation *ev, struct page *page)
{
    int rc = page_write(ev->queue, page, ev->page_no);
    ev->moved += rc == 0;
    return rc;
}

/* The same, and of its own record. */
static int
clear_page(struct evacuation *ev, uint64_t *budget)
{
    struct queue *queue = ev->queue;
    struct page *page = queue_page(queue, ev->page_no);
    if (page->stub && !stub_touches(page, ev->segment))
        return 1;
    if (page->stub)
        queue_fetch_page(queue, ev->page_no);
    if (page->stub)
        return 0;
    int rc = page->body == NULL ? 1 : clear_entries(ev, page, budget);
    if (rc <= 0)
        return rc;
    if (page->position != 0 && lies_in(page->position, ev->segment) && page->ready + page->flight > 0)
        rc = rewrite(ev, page);
    queue_touch(queue); /* what is used up is freed, and what was read leaves again */
    return rc < 0 ? rc : 1;
}

static int
clear_queue(struct evacuation *ev, uint64_t *budget)
{
    struct queue *queue = ev->queue;
    if (!queue->durable)
        return 1;
    if (ev->page_no < queue->first_no)
        ev->page_no = queue->first_no;
    for (; ev->page_no < queue->first_no + queue->page_count; ev->page_no++) {
        int rc = clear_page(ev, budget);
        if (rc <= 0)
            return rc;
    }
    return 1;
}

static void
step(void *arg)
{
    struct evacuation *ev = arg;
    uint64_t budget = ev->bytes_a_turn;
    while (ev->queue != NULL) {
        int rc = clear_queue(ev, &budget);
        if (rc < 0) {
            ev->moved = 0;
            break;
        }
        if (rc == 0) {
            if (!ev->reading)
                (void)io_timer_set(ev->host->io, &ev->timer, io_now_ns(ev->host->io) + WAIT_NS, step, ev);
            return;
        }
        ev->queue = queue_after(ev->host, ev->queue);
        ev->page_no = 0;
    }
    if (ev->moved > 0)
        finish(ev);
    else
        (void)io_timer_set(ev->host->io, &ev->timer, io_now_ns(ev->host->io) + REST_NS, finish, ev);
}

int
queue_evacuate(struct queue_host *host, uint32_t segment, uint64_t bytes, io_fn *done, void *arg)
{
    struct evacuation *ev = MEM_NEW(host->mem, struct evacuation);
    if (ev == NULL)
        return -ERR_NO_MEMORY;
    *ev = (struct evacuation){ .host = host, .segment = segment, .bytes_a_turn = bytes, .done = done, .arg = arg };
    ev->queue = queue_after(host, NULL);
    map_init(&ev->queues, host->mem);
    host->evacuation = ev;
    int rc = io_timer_set(host->io, &ev->timer, io_now_ns(host->io), step, ev);
    for (struct queue *q = ev->queue; rc == 0 && q != NULL; q = queue_after(host, q))
        rc = map_put(&ev->queues, hash_id(q->id), q);
    if (rc < 0)
        queue_evacuate_cancel(host);
    return rc;
}
