/* queue/page.c - pages of entries and their state bits. */
#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"
#include "queue/inner.h"

unsigned
bit_next(const struct body *body, enum bit bit, unsigned from)
{
    unsigned word = from / 64;
    if (word >= PAGE_ENTRIES / 64)
        return PAGE_ENTRIES;
    uint64_t bits = body->bits[bit][word] & ~UINT64_C(0) << (from % 64);
    while (bits == 0) {
        if (++word == PAGE_ENTRIES / 64)
            return PAGE_ENTRIES;
        bits = body->bits[bit][word];
    }
    return word * 64 + (unsigned)__builtin_ctzll(bits);
}

struct page *
queue_page(const struct queue *queue, uint64_t no)
{
    uint64_t n = no - queue->first_no;
    return n < queue->page_count ? page_nth(queue, (uint32_t)n) : NULL;
}

/* ---- bodies -------------------------------------------------------------------------------------------------- */

static struct expiry *
grow_expiry(struct queue *queue, struct expiry *e, unsigned old_room, unsigned room)
{
    struct queue_host *host = queue->host;
    bool armed = wheel_timer_armed(&e->timer);
    wheel_disarm(host->wheel, &e->timer); /* it may not be moved while it is in a list */
    struct expiry *grown = mem_grow(host->mem, e, sizeof(*e) + room * sizeof(e->at_s[0]));
    struct expiry *now = grown == NULL ? e : grown;
    list_init(&now->timer.link);
    if (armed)
        wheel_arm(host->wheel, &now->timer, now->timer.at_s);
    if (grown != NULL)
        memset(&grown->at_s[old_room], 0, (room - old_room) * sizeof(grown->at_s[0]));
    return grown;
}

static int
grow_body(struct queue *queue, struct page *page, unsigned room)
{
    struct body *body = page->body;
    if (page->expiry != NULL) {
        struct expiry *e = grow_expiry(queue, page->expiry, page->room, room);
        if (e == NULL)
            return -ERR_NO_MEMORY;
        page->expiry = e;
    }
    body = mem_grow(queue->host->mem, body, sizeof(*body) + room * sizeof(body->entries[0]));
    if (body == NULL)
        return -ERR_NO_MEMORY;
    page->body = body;
    page->room = (uint16_t)room;
    return 0;
}

int
page_make_body(struct queue *queue, struct page *page, unsigned base, unsigned room)
{
    must(page->body == NULL && base + room <= PAGE_ENTRIES);
    struct body *body = mem_raw(queue->host->mem, sizeof(*body) + room * sizeof(body->entries[0]));
    if (body == NULL)
        return -ERR_NO_MEMORY;
    *body = (struct body){ 0 };
    page->body = body;
    page->base = (uint16_t)base;
    page->room = (uint16_t)room;
    queue->resident++;
    return 0;
}

void
page_free_expiry(struct queue *queue, struct page *page)
{
    if (page->expiry != NULL)
        wheel_disarm(queue->host->wheel, &page->expiry->timer);
    mem_free(queue->host->mem, page->expiry);
    page->expiry = NULL;
}

void
page_free_body(struct queue *queue, struct page *page)
{
    if (page->body == NULL)
        return;
    page_free_expiry(queue, page);
    mem_free(queue->host->mem, page->body->owners);
    mem_free(queue->host->mem, page->body);
    page->body = NULL;
    page->room = 0;
    queue->resident--;
}

void
page_wipe(struct queue *queue, struct page *page)
{
    must(page->ready == 0 && page->flight == 0 && !page->stub);
    page_free_body(queue, page);
    mem_free(queue->host->mem, page->amend);
    page->amend = NULL;
    page_set_record(queue, page, 0);
}

void
page_set_record(struct queue *queue, struct page *page, uint64_t position)
{
    if (position != 0)
        log_hold(queue->host->log, position, 0);
    if (page->position != 0)
        queue_let_go(queue, page->position, 1, 0);
    page->position = position;
    page->moved = false;
}

/* ---- the row of pages ---------------------------------------------------------------------------------------- */

static int
make_row(struct queue *queue)
{
    if (queue->page_from + queue->page_count < queue->page_room)
        return 0;
    if (queue->page_from > queue->page_count / 4) {
        memmove(queue->pages, queue->pages + queue->page_from, queue->page_count * sizeof(*queue->pages));
        queue->page_from = 0;
        return 0;
    }
    uint32_t room = queue->page_room + queue->page_room / 4 + 1;
    struct page *pages = mem_grow(queue->host->mem, queue->pages, room * sizeof(*pages));
    if (pages == NULL)
        return -ERR_NO_MEMORY;
    queue->pages = pages;
    queue->page_room = room;
    return 0;
}

int
queue_reach(struct queue *queue, uint64_t no)
{
    if (queue->page_count == 0)
        queue->first_no = no;
    while (queue->first_no + queue->page_count <= no) {
        int rc = make_row(queue);
        if (rc < 0)
            return rc;
        *page_nth(queue, queue->page_count++) = (struct page){ 0 };
    }
    return 0;
}

/* Small at first, because there are many queues with few messages; but a queue that fills pages is no small one. */
static unsigned
room_for(const struct queue *queue, const struct page *page, unsigned base, unsigned i)
{
    unsigned left = PAGE_ENTRIES - base;
    unsigned room = page->body == NULL ? PAGE_FIRST_ROOM : page->room * PAGE_GROWTH;
    while (base + room <= i)
        room *= PAGE_GROWTH;
    return queue->page_count > 1 || room > left ? left : room;
}

int
queue_reserve(struct queue *queue)
{
    unsigned i = page_index_of(queue->next_seq);
    int rc = queue_reach(queue, page_no_of(queue->next_seq));
    if (rc < 0)
        return rc;
    struct page *page = queue_page(queue, page_no_of(queue->next_seq));
    if (page_has(page, i))
        return 0;
    if (page->body == NULL)
        return page_make_body(queue, page, i, room_for(queue, page, i, i));
    return grow_body(queue, page, room_for(queue, page, page->base, i));
}

static bool
used_up(const struct queue *queue, const struct page *page)
{
    return page->ready == 0 && page->flight == 0 && !page->stub &&
           (page->used == PAGE_ENTRIES || page != page_nth(queue, queue->page_count - 1));
}

void
queue_trim(struct queue *queue)
{
    while (queue->page_count > 0 && used_up(queue, page_nth(queue, 0))) {
        page_wipe(queue, page_nth(queue, 0));
        queue->page_from++;
        queue->page_count--;
        queue->first_no++;
    }
}

void
queue_retire(struct queue *queue, struct page *page)
{
    if (!used_up(queue, page))
        return;
    if (page == page_nth(queue, 0))
        queue_trim(queue);
    else
        page_wipe(queue, page);
}

void
queue_rest(struct queue *queue)
{
    for (uint32_t n = 0; n < queue->page_count; n++)
        page_wipe(queue, page_nth(queue, n));
    mem_free(queue->host->mem, queue->pages);
    queue->pages = NULL;
    queue->page_from = queue->page_count = queue->page_room = 0;
    queue_reader_free(queue);
}

/* ---- expiry -------------------------------------------------------------------------------------------------- */

static uint32_t *
expiry_of(const struct page *page, unsigned i)
{
    return &page->expiry->at_s[i - page->base];
}

uint32_t
page_expiry(const struct page *page, unsigned i)
{
    return page->expiry == NULL ? 0 : *expiry_of(page, i);
}

static bool
is_expired(const struct queue *queue, const struct page *page, unsigned i)
{
    uint32_t at_s = page_expiry(page, i);
    return at_s != 0 && at_s <= queue->host->wheel->now_s;
}

static void
watch_all(struct queue *queue, struct page *page)
{
    for (unsigned i = bit_next(page->body, BIT_READY, 0); i < PAGE_ENTRIES; i = bit_next(page->body, BIT_READY, i + 1))
        page_watch(queue, page, i);
}

static void
expire_entries(struct queue *queue, struct page *page, uint64_t no)
{
    for (unsigned i = bit_next(page->body, BIT_READY, 0); i < PAGE_ENTRIES;
         i = bit_next(page->body, BIT_READY, i + 1)) {
        if (!is_expired(queue, page, i))
            continue;
        queue->host->expired++;
        queue_remove(queue, page, page_first_seq(no) + i, true);
    }
    watch_all(queue, page);
}

static void
expire_stub(struct queue *queue, struct page *page, uint64_t no)
{
    queue->host->expired += page->ready;
    for (unsigned i = 0; i < PAGE_ENTRIES; i++)
        queue_record_settled(queue, page_first_seq(no) + i);
    queue_drop_stub(queue, page);
    queue_touch(queue);
}

static void
on_expiry(struct wheel_timer *timer)
{
    struct expiry *e = container_of(timer, struct expiry, timer);
    struct queue *queue = e->queue;
    uint64_t no = e->page_no;
    struct page *page = queue_page(queue, no);
    if (page->stub)
        expire_stub(queue, page, no);
    else
        expire_entries(queue, page, no);
    queue_retire(queue, page);
}

static struct expiry *
make_expiry(struct queue *queue, uint64_t no, unsigned room)
{
    struct expiry *e = mem_new(queue->host->mem, sizeof(*e) + room * sizeof(e->at_s[0]));
    if (e == NULL) {
        queue->host->expiries_missed++; /* they will be found worthless when they are delivered */
        return NULL;
    }
    wheel_timer_init(&e->timer, on_expiry);
    e->queue = queue;
    e->page_no = no;
    return e;
}

void
page_expires(struct queue *queue, uint64_t no, unsigned i, uint32_t at_s)
{
    struct page *page = queue_page(queue, no);
    if (page->expiry == NULL)
        page->expiry = make_expiry(queue, no, page->room);
    if (page->expiry == NULL)
        return;
    *expiry_of(page, i) = at_s;
    page_watch(queue, page, i);
}

void
page_watch(struct queue *queue, struct page *page, unsigned i)
{
    uint32_t at_s = page_expiry(page, i);
    if (at_s == 0)
        return;
    struct wheel_timer *timer = &page->expiry->timer;
    if (!wheel_timer_armed(timer) || at_s < timer->at_s)
        wheel_arm(queue->host->wheel, timer, at_s);
}

uint32_t
page_expires_all(const struct page *page)
{
    uint32_t latest = 0;
    if (page->stub)
        return page->expiry == NULL ? 0 : (uint32_t)page->expiry->timer.at_s;
    for (unsigned i = 0; i < PAGE_ENTRIES; i++) {
        uint32_t at_s = page_expiry(page, i);
        if (at_s == 0)
            return 0;
        latest = at_s > latest ? at_s : latest;
    }
    return latest;
}

void
page_expires_whole(struct queue *queue, struct page *page, uint64_t no, uint32_t at_s)
{
    if (at_s != 0)
        page->expiry = make_expiry(queue, no, 0);
    if (page->expiry != NULL)
        wheel_arm(queue->host->wheel, &page->expiry->timer, at_s);
}
