/* queue/expiry.c - when entries are worthless: a heap of pages by the earliest entry of each, one timer of the loop for
 * the first of them.  Queues in which nothing expires cost nothing.
 *
 * Times are the wall clock's, because they must be true after a restart; the loop's timers run by the monotonic one.
 * The wall clock may be set, so the timer looks again at least every RECHECK_MS. */
#include "base/err.h"
#include "base/mem.h"
#include "queue/inner.h"

enum {
    GRAIN_MS = 8, /* what expires within it goes together */
    RECHECK_MS = 60 * 1000,
    PAGES_A_TURN = 64,
};

static uint64_t *
expiry_of(const struct page *page, unsigned i)
{
    return &page->expiry->at_ms[i - page->base];
}

uint64_t
page_expiry(const struct page *page, unsigned i)
{
    return page->expiry == NULL ? 0 : *expiry_of(page, i);
}

/* ---- the timer ----------------------------------------------------------------------------------------------- */

static void time_is_up(void *arg);

static void
set_timer(struct queue_host *host, uint64_t now_ms)
{
    const struct heap_node *first = heap_first(&host->expiries);
    if (first == NULL)
        return;
    uint64_t left_ms = first->at > now_ms ? first->at - now_ms : 0;
    if (left_ms > RECHECK_MS)
        left_ms = RECHECK_MS;
    if (io_timer_set(host->io, &host->expiry, io_now_ns(host->io) + left_ms * 1000000, time_is_up, host) < 0)
        host->expiries_missed++;
}

/* Looks at the page at `at_ms`; what is not remembered for want of memory is found when it would be delivered. */
static void
watch(struct queue_host *host, struct expiry *e, uint64_t at_ms)
{
    if (heap_put(&host->expiries, &e->node, at_ms | (GRAIN_MS - 1)) < 0)
        host->expiries_missed++;
    else if (heap_first(&host->expiries) == &e->node || host->expiry.node.slot == 0)
        set_timer(host, io_wall_ms(host->io));
}

static void
watch_all(struct queue *queue, struct page *page)
{
    for (unsigned i = bit_next(page->body, BIT_READY, 0); i < PAGE_ENTRIES; i = bit_next(page->body, BIT_READY, i + 1))
        page_watch(queue, page, i);
}

/* False: something that is worthless could not go now. */
static bool
expire_entries(struct queue *queue, struct page *page, uint64_t no, uint64_t now_ms)
{
    bool gone = true;
    for (unsigned i = bit_next(page->body, BIT_READY, 0); i < PAGE_ENTRIES;
         i = bit_next(page->body, BIT_READY, i + 1)) {
        uint64_t at_ms = *expiry_of(page, i);
        if (at_ms != 0 && at_ms <= now_ms)
            gone &= queue_die(queue, page, page_first_seq(no) + i, QUEUE_DEATH_EXPIRED);
    }
    return gone;
}

static void
drop_stub(struct queue *queue, struct page *page, uint64_t no)
{
    queue->host->expired += page->ready;
    queue_settle_stub(queue, page, no);
    queue_touch(queue);
}

/* A stub whose dead are wanted is read first; its entries then have timers of their own. */
static void
expire_page(struct queue *queue, struct page *page, uint64_t no, uint64_t now_ms)
{
    struct expiry *e = page->expiry;
    if (page->stub && queue_wants_dead(queue)) {
        watch(queue->host, e, now_ms + GRAIN_MS);
        queue_fetch_page(queue, no);
    } else if (page->stub) {
        drop_stub(queue, page, no);
    } else if (expire_entries(queue, page, no, now_ms)) {
        watch_all(queue, page);
    } else {
        watch(queue->host, e, now_ms + GRAIN_MS);
    }
    queue_retire(queue, page);
}

static void
time_is_up(void *arg)
{
    struct queue_host *host = arg;
    uint64_t now_ms = io_wall_ms(host->io);
    for (unsigned n = 0; n < PAGES_A_TURN; n++) {
        struct heap_node *first = heap_first(&host->expiries);
        if (first == NULL || first->at > now_ms)
            break;
        struct expiry *e = container_of(first, struct expiry, node);
        heap_cut(&host->expiries, first);
        expire_page(e->queue, queue_page(e->queue, e->page_no), e->page_no, now_ms);
    }
    set_timer(host, now_ms);
}

/* ---- pages --------------------------------------------------------------------------------------------------- */

static struct expiry *
make_expiry(struct queue *queue, uint64_t no, unsigned room)
{
    struct expiry *e = mem_new(queue->host->mem, sizeof(*e) + room * sizeof(e->at_ms[0]));
    if (e == NULL) {
        queue->host->expiries_missed++;
        return NULL;
    }
    e->queue = queue;
    e->page_no = no;
    return e;
}

int
page_grow_expiry(struct queue *queue, struct page *page, unsigned room)
{
    struct queue_host *host = queue->host;
    struct expiry *e = page->expiry;
    if (e == NULL)
        return 0;
    bool armed = e->node.slot != 0;
    heap_cut(&host->expiries, &e->node); /* it may not be moved while it is in the heap */
    struct expiry *grown = mem_grow(host->mem, e, sizeof(*e) + room * sizeof(e->at_ms[0]));
    if (grown != NULL) {
        memset(&grown->at_ms[page->room], 0, (room - page->room) * sizeof(grown->at_ms[0]));
        page->expiry = grown;
    }
    if (armed)
        watch(host, page->expiry, page->expiry->node.at);
    return grown == NULL ? -ERR_NO_MEMORY : 0;
}

void
page_expires(struct queue *queue, uint64_t no, unsigned i, uint64_t at_ms)
{
    struct page *page = queue_page(queue, no);
    if (at_ms == 0)
        return;
    if (page->expiry == NULL)
        page->expiry = make_expiry(queue, no, page->room);
    if (page->expiry == NULL)
        return;
    *expiry_of(page, i) = at_ms;
    page_watch(queue, page, i);
}

void
page_watch(struct queue *queue, struct page *page, unsigned i)
{
    uint64_t at_ms = page_expiry(page, i);
    if (at_ms == 0)
        return;
    struct expiry *e = page->expiry;
    if (e->node.slot == 0 || at_ms < e->node.at)
        watch(queue->host, e, at_ms);
}

struct span
page_span(const struct page *page)
{
    struct span span = { 0 };
    if (page->stub && page->expiry != NULL)
        return (struct span){ .first_ms = page->expiry->first_ms, .last_ms = page->expiry->last_ms };
    if (page->expiry == NULL)
        return span;
    bool all = true;
    for (unsigned i = 0; i < PAGE_ENTRIES; i++) {
        uint64_t at_ms = page_expiry(page, i);
        all &= at_ms != 0;
        if (at_ms != 0 && (span.first_ms == 0 || at_ms < span.first_ms))
            span.first_ms = at_ms;
        span.last_ms = at_ms > span.last_ms ? at_ms : span.last_ms;
    }
    span.last_ms = all ? span.last_ms : 0;
    return span;
}

/* It is looked at when all of it is worthless: it then goes without being read.  But if its dead are wanted, at once.
 */
void
page_expires_whole(struct queue *queue, struct page *page, uint64_t no, struct span span)
{
    uint64_t at_ms = queue_wants_dead(queue) ? span.first_ms : span.last_ms;
    if (at_ms != 0)
        page->expiry = make_expiry(queue, no, 0);
    if (page->expiry == NULL)
        return;
    page->expiry->first_ms = span.first_ms;
    page->expiry->last_ms = span.last_ms;
    watch(queue->host, page->expiry, at_ms);
}

void
page_free_expiry(struct queue *queue, struct page *page)
{
    if (page->expiry != NULL)
        heap_cut(&queue->host->expiries, &page->expiry->node);
    mem_free(queue->host->mem, page->expiry);
    page->expiry = NULL;
}
