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

static int
grow_body(struct queue *queue, struct page *page, unsigned room)
{
    struct body *body = page->body;
    int rc = page_grow_expiry(queue, page, room);
    if (rc < 0)
        return rc;
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
    queue_grave_free(queue);
    returns_fini(queue);
}
