/* queue/link.c - links: credit, delivery in turn, settlement. */
#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"
#include "queue/inner.h"

/* ---- who holds what ------------------------------------------------------------------------------------------------
 *
 * Links of a queue are numbered from 1 while it has any.  Most queues ever have one: then nothing is written down. */

enum { FIRST_LINK = 1 };

static uint32_t
owner_of(const struct page *page, unsigned i)
{
    return page->body->owners == NULL ? FIRST_LINK : page->body->owners[i];
}

static int
set_owner(struct queue *queue, struct page *page, unsigned i, uint32_t owner)
{
    if (page->body->owners == NULL && owner == FIRST_LINK)
        return 0;
    if (page->body->owners == NULL) {
        uint32_t *owners = mem_raw(queue->host->mem, PAGE_ENTRIES * sizeof(*owners));
        if (owners == NULL)
            return -ERR_NO_MEMORY;
        for (unsigned k = 0; k < PAGE_ENTRIES; k++)
            owners[k] = FIRST_LINK;
        page->body->owners = owners;
    }
    page->body->owners[i] = owner;
    return 0;
}

/* The page of an entry that `link` holds in flight; NULL when it does not. */
static struct page *
held_by(const struct link *link, uint64_t seq)
{
    if (link->queue == NULL || seq == 0)
        return NULL;
    struct page *page = queue_page(link->queue, page_no_of(seq));
    unsigned i = page_index_of(seq);
    if (page == NULL || page->body == NULL || !bit_get(page->body, BIT_FLIGHT, i) || owner_of(page, i) != link->number)
        return NULL;
    return page;
}

/* ---- delivery ---------------------------------------------------------------------------------------------------- */

/* The next link in turn that has credit.  A group of thousands that wait is not asked again for each message. */
static struct link *
next_link(struct queue *queue)
{
    if (queue->starved)
        return NULL;
    LIST_EACH(&queue->links, l) {
        struct link *link = container_of(l, struct link, all);
        if (link->credit == 0)
            continue;
        if (queue->links.next != queue->links.prev)
            list_push(&queue->links, &link->all);
        return link;
    }
    queue->starved = true;
    return NULL;
}

static bool
take_off(struct queue *queue, struct page *page, uint64_t seq, struct link *link)
{
    unsigned i = page_index_of(seq);
    if (set_owner(queue, page, i, link->number) < 0)
        return false;
    bit_clear(page->body, BIT_READY, i);
    bit_set(page->body, BIT_FLIGHT, i);
    page->ready--;
    page->flight++;
    queue->ready--;
    queue->flight++;
    link->flight++;
    return true;
}

static bool
hand(struct queue *queue, struct page *page, uint64_t seq, struct link *link, struct publication *pub)
{
    unsigned i = page_index_of(seq);
    if (!take_off(queue, page, seq, link))
        return false;
    link->credit--;
    queue->cursor = seq + 1;
    link->ops->deliver(link, seq, pub, entry_meta_unpack(page_entry(page, i)->meta), bit_get(page->body, BIT_AGAIN, i));
    return true;
}

/* The first ready entry's page; NULL when it is on disk (then it is being read). */
static struct page *
first_ready(struct queue *queue, uint64_t *retseq)
{
    uint64_t no = page_no_of(queue->cursor);
    if (no < queue->first_no)
        no = queue->first_no;
    for (struct page *page = queue_page(queue, no); page != NULL; page = queue_page(queue, ++no)) {
        if (page->ready == 0)
            continue;
        if (page_is_stub(page))
            queue_fetch_page(queue, no);
        if (page_is_stub(page))
            return NULL;
        if (page->ready == 0)
            continue; /* it was settled before it was read */
        unsigned from = no == page_no_of(queue->cursor) ? page_index_of(queue->cursor) : 0;
        unsigned i = bit_next(page->body, BIT_READY, from);
        if (i == PAGE_ENTRIES)
            continue;
        *retseq = queue->cursor = page_first_seq(no) + i;
        struct page *next = queue_page(queue, no + 1);
        if (next != NULL && page_is_stub(next))
            queue_fetch_page(queue, no + 1);
        return page;
    }
    must(queue->ready == 0);
    return NULL;
}

static bool
worthless(const struct queue *queue, const struct publication *pub)
{
    return pub->env.expires_s != 0 && pub->env.expires_s <= queue->host->wheel->now_s;
}

static bool
dropped(struct queue *queue, struct page *page, uint64_t seq, uint64_t *count)
{
    (*count)++;
    queue_remove(queue, page, seq, true);
    queue_retire(queue, page);
    return true;
}

/* The message outlives its delivery, even when that settles it at once. */
static bool
hand_read(struct queue *queue, struct page *page, uint64_t seq, struct link *link, struct publication *pub)
{
    if (worthless(queue, pub))
        return dropped(queue, page, seq, &queue->host->expired);
    struct message *message = pub->message == NULL ? NULL : message_ref(pub->message);
    bool handed = hand(queue, page, seq, link, pub);
    message_unref(message);
    return handed;
}

/* One entry to one link; false when nothing more can be done now. */
static bool
pump_one(struct queue *queue)
{
    struct publication pub;
    uint64_t seq;
    struct link *link = queue->ready == 0 ? NULL : next_link(queue);
    struct page *page = link == NULL ? NULL : first_ready(queue, &seq);
    if (page == NULL)
        return false;
    switch (queue_fetch(queue, page_entry(page, page_index_of(seq)), &pub)) {
    case FETCH_GOT: return hand_read(queue, page, seq, link, &pub);
    case FETCH_DAMAGED: return dropped(queue, page, seq, &queue->host->damaged);
    case FETCH_WAIT: break;
    }
    return false;
}

void
queue_pump(struct queue *queue)
{
    if (queue->pumping)
        return; /* the pump below us goes on by itself */
    queue->pumping = true;
    while (pump_one(queue))
        continue;
    queue->pumping = false;
    if (queue->ready == 0)
        queue_reader_rest(queue);
}

void
queue_deliver_fresh(struct queue *queue, uint64_t seq, struct publication *pub)
{
    struct link *link = queue->pumping ? NULL : next_link(queue);
    if (link == NULL)
        return;
    queue->pumping = true;
    struct page *page = queue_page(queue, page_no_of(seq));
    if (worthless(queue, pub))
        (void)dropped(queue, page, seq, &queue->host->expired);
    else
        (void)hand(queue, page, seq, link, pub);
    queue->pumping = false;
    /* The delivery may have released it, or brought credit. */
    if (queue->ready > 0)
        queue_pump(queue);
}

/* ---- the life of a link ------------------------------------------------------------------------------------------ */

void
link_attach(struct link *link, struct queue *queue, const struct link_ops *ops)
{
    if (list_empty(&queue->links) && queue->flight == 0)
        queue->links_made = 0;
    *link = (struct link){ .ops = ops, .queue = queue, .number = ++queue->links_made };
    list_init(&link->all);
    list_push(&queue->links, &link->all);
}

static void
put_back(struct queue *queue, struct page *page, uint64_t seq, struct link *link)
{
    unsigned i = page_index_of(seq);
    bit_clear(page->body, BIT_FLIGHT, i);
    bit_set(page->body, BIT_READY, i);
    bit_set(page->body, BIT_AGAIN, i);
    page->flight--;
    page->ready++;
    queue->flight--;
    queue->ready++;
    link->flight--;
    if (seq < queue->cursor)
        queue->cursor = seq;
    page_watch(queue, page, i);
}

static void
put_back_page(struct queue *queue, uint64_t no, struct link *link)
{
    struct page *page = queue_page(queue, no);
    if (page->flight == 0)
        return;
    for (unsigned i = bit_next(page->body, BIT_FLIGHT, 0); i < PAGE_ENTRIES;
         i = bit_next(page->body, BIT_FLIGHT, i + 1))
        if (owner_of(page, i) == link->number)
            put_back(queue, page, page_first_seq(no) + i, link);
}

void
link_detach(struct link *link)
{
    struct queue *queue = link->queue;
    if (queue == NULL)
        return;
    bool held = link->flight > 0;
    agains_cancel(queue, link);
    for (uint32_t n = 0; n < queue->page_count && link->flight > 0; n++)
        put_back_page(queue, queue->first_no + n, link);
    list_cut(&link->all);
    link->queue = NULL;
    link->credit = 0;
    if (held)
        queue_pump(queue);
}

void
link_credit(struct link *link, uint32_t more)
{
    link->credit += more;
    if (link->queue == NULL)
        return;
    link->queue->starved = false;
    queue_pump(link->queue);
}

/* ---- settlement -------------------------------------------------------------------------------------------------- */

bool
link_accept(struct link *link, uint64_t seq, bool record)
{
    struct page *page = held_by(link, seq);
    if (page == NULL)
        return false;
    queue_remove(link->queue, page, seq, record);
    link->flight--;
    queue_retire(link->queue, page);
    return true;
}

bool
link_release(struct link *link, uint64_t seq)
{
    struct page *page = held_by(link, seq);
    if (page == NULL)
        return false;
    struct queue *queue = link->queue;
    put_back(queue, page, seq, link);
    queue_pump(queue);
    return true;
}

bool
link_adopt(struct link *link, uint64_t seq)
{
    struct queue *queue = link->queue;
    struct page *page = seq == 0 ? NULL : queue_page(queue, page_no_of(seq));
    if (page != NULL && page_is_stub(page) && queue_load_page_now(queue, page_no_of(seq)) < 0)
        return false;
    if (page == NULL || page->body == NULL || !bit_get(page->body, BIT_READY, page_index_of(seq)))
        return false;
    bit_set(page->body, BIT_AGAIN, page_index_of(seq));
    return take_off(queue, page, seq, link);
}

void
link_hand_again(struct link *link, uint64_t seq, struct publication *pub)
{
    struct page *page = held_by(link, seq);
    if (page != NULL)
        link->ops->deliver(link, seq, pub, entry_meta_unpack(page_entry(page, page_index_of(seq))->meta), true);
}

void
link_lose(struct link *link, uint64_t seq)
{
    struct page *page = held_by(link, seq);
    if (page == NULL)
        return;
    link->flight--;
    (void)dropped(link->queue, page, seq, &link->queue->host->damaged);
    if (link->ops->revoked != NULL)
        link->ops->revoked(link, seq);
}

int
link_again(struct link *link, uint64_t seq)
{
    struct page *page = held_by(link, seq);
    struct publication pub = { 0 };
    struct view record;
    if (page == NULL)
        return -ERR_NOT_FOUND;
    const struct entry *entry = page_entry(page, page_index_of(seq));
    if (!link->queue->durable) {
        pub.message = entry_message(entry);
        pub.env = pub.message->env;
    } else if (!log_peek(link->queue->host->log, entry->ref, &record)) {
        return again_read(link, seq, entry->ref);
    } else if (publication_parse(record, entry->ref, &pub) < 0) {
        return -ERR_DAMAGED;
    }
    link_hand_again(link, seq, &pub);
    return 0;
}
