/* queue/link.c - links: credit, delivery in turn, settlement. */
#include "base/break.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"
#include "queue/inner.h"

/* ---- who holds what ------------------------------------------------------------------------------------------------
 *
 * Links of a queue are numbered from 1 while it has any.  Most queues ever have one: then nothing is written down.  The
 * highest numbers are graves (dead.c). */

enum { FIRST_LINK = 1 };

uint32_t
page_owner(const struct page *page, unsigned i)
{
    return page->body->owners == NULL ? FIRST_LINK : page->body->owners[i];
}

int
page_set_owner(struct queue *queue, struct page *page, unsigned i, uint32_t owner)
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
    if (page == NULL || page->body == NULL || !bit_get(page->body, BIT_FLIGHT, i) ||
        page_owner(page, i) != link->number)
        return NULL;
    return page;
}

/* ---- delivery ---------------------------------------------------------------------------------------------------- */

/* Behind all others, or all others of its priority. */
static void
to_the_end(struct queue *queue, struct link *link)
{
    struct list *behind = &queue->links;
    list_cut(&link->all);
    if (queue->ranked) {
        LIST_EACH(&queue->links, l) {
            behind = l;
            if (container_of(l, struct link, all)->priority < link->priority)
                break;
            behind = &queue->links;
        }
    }
    list_push(behind, &link->all);
}

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
            to_the_end(queue, link);
        return link;
    }
    queue->starved = true;
    return NULL;
}

static bool
take_off(struct queue *queue, struct page *page, unsigned i, struct link *link)
{
    if (page_set_owner(queue, page, i, link->number) < 0)
        return false;
    queue_take_off(queue, page, i);
    link->flight++;
    return true;
}

/* Shown as delivered before: what was released, or may have gone out in a former life. */
static void
show(struct link *link, const struct page *page, uint64_t seq, struct publication *pub, bool again)
{
    const struct queue *queue = link->queue;
    struct entry_meta meta = entry_meta_unpack(page_entry(page, page_index_of(seq))->meta);
    if (again && queue->returns.count > 0)
        meta.deliveries = returns_of(queue, seq);
    link->ops->deliver(link, seq, pub, meta, again);
}

static bool
hand(struct queue *queue, struct page *page, uint64_t seq, struct link *link, struct publication *pub)
{
    unsigned i = page_index_of(seq);
    if (!take_off(queue, page, i, link))
        return false;
    link->credit--;
    queue->cursor = seq + 1;
    if (seq > queue->delivered) {
        queue->delivered = seq;
        if (queue->owner != NULL)
            queue_touch(queue);
    }
    bool again = bit_get(page->body, BIT_AGAIN, i) || seq <= queue->delivered_before;
    show(link, page, seq, pub, again || broken(BREAK_MARK_ALL));
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
worthless(const struct queue *queue, const struct page *page, uint64_t seq, const struct publication *pub)
{
    uint64_t at_ms = page_expiry(page, page_index_of(seq));
    if (at_ms == 0)
        at_ms = pub->env.expires_ms;
    return at_ms != 0 && at_ms <= io_wall_ms(queue->host->io);
}

static bool
damaged(struct queue *queue, struct page *page, uint64_t seq)
{
    queue->host->damaged++;
    queue_remove(queue, page, seq, true);
    queue_retire(queue, page);
    return true;
}

/* It came back more often than it may. */
static bool
is_spent(const struct queue *queue, uint32_t returns)
{
    uint32_t limit = queue->limits.delivery_limit;
    return limit > 0 && returns > limit && !broken(BREAK_FORGIVE_RETURNS);
}

static bool
die(struct queue *queue, struct page *page, uint64_t seq, enum queue_death reason)
{
    bool gone = queue_die(queue, page, seq, reason);
    if (gone)
        queue_retire(queue, page);
    return gone;
}

/* The message outlives its delivery, even when that settles it at once. */
static bool
hand_read(struct queue *queue, struct page *page, uint64_t seq, struct link *link, struct publication *pub)
{
    if (worthless(queue, page, seq, pub))
        return die(queue, page, seq, QUEUE_DEATH_EXPIRED);
    if (is_spent(queue, returns_of(queue, seq)))
        return die(queue, page, seq, QUEUE_DEATH_DELIVERY_LIMIT); /* it was in its grave when the node died */
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
    case FETCH_DAMAGED: return damaged(queue, page, seq);
    case FETCH_WAIT: break;
    }
    return false;
}

void
queue_pump(struct queue *queue)
{
    if (queue->pumping)
        return; /* the pump below us goes on by itself */
    if (queue->kept) {
        queue_read_on(queue);
        return;
    }
    queue->pumping = true;
    while (pump_one(queue))
        continue;
    queue->pumping = false;
    if (queue->ready == 0)
        queue_reader_rest(queue);
}

void
queue_deliver_fresh(struct queue *queue, uint64_t seq, struct publication *pub, uint64_t at_ms)
{
    struct link *link = queue->pumping ? NULL : next_link(queue);
    if (link == NULL)
        return;
    queue->pumping = true;
    struct page *page = queue_page(queue, page_no_of(seq));
    /* What may not wait at all is not worthless yet. */
    if (at_ms != 0 && at_ms > pub->env.published_ms && at_ms <= io_wall_ms(queue->host->io))
        (void)die(queue, page, seq, QUEUE_DEATH_EXPIRED);
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
    if (list_empty(&queue->links) && queue->flight == 0) {
        queue->links_made = 0;
        queue->ranked = false;
    }
    *link = (struct link){ .ops = ops, .queue = queue, .number = ++queue->links_made };
    list_init(&link->all);
    to_the_end(queue, link);
}

void
link_rank(struct link *link, int32_t priority)
{
    link->priority = priority;
    link->queue->ranked |= priority != 0;
    to_the_end(link->queue, link);
}

static void
put_back(struct queue *queue, struct page *page, uint64_t seq, struct link *link)
{
    unsigned i = page_index_of(seq);
    bit_clear(page->body, BIT_FLIGHT, i);
    bit_set(page->body, BIT_READY, i);
    if (!broken(BREAK_FORGET_RETURN))
        bit_set(page->body, BIT_AGAIN, i);
    page->flight--;
    page->ready++;
    queue->flight--;
    queue->ready++;
    queue->ready_bytes += entry_body(queue, page_entry(page, i));
    link->flight--;
    if (seq < queue->cursor)
        queue->cursor = seq;
    page_watch(queue, page, i);
    if (queue->owner != NULL)
        queue_touch(queue); /* it may be too much now */
}

static void
put_back_page(struct queue *queue, uint64_t no, struct link *link)
{
    struct page *page = queue_page(queue, no);
    if (page->flight == 0)
        return;
    for (unsigned i = bit_next(page->body, BIT_FLIGHT, 0); i < PAGE_ENTRIES;
         i = bit_next(page->body, BIT_FLIGHT, i + 1))
        if (page_owner(page, i) == link->number)
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
    if (queue->owner != NULL && !queue->pumping)
        queue_keep_limits(queue);
    return true;
}

/* From its link to its grave; without memory it is released. */
static void
kill_held(struct link *link, struct page *page, uint64_t seq, enum queue_death reason)
{
    struct queue *queue = link->queue;
    if (!queue_die(queue, page, seq, reason)) {
        (void)link_release(link, seq);
        return;
    }
    link->flight--;
    queue_retire(queue, page);
}

bool
link_reject(struct link *link, uint64_t seq)
{
    struct page *page = held_by(link, seq);
    if (page == NULL)
        return false;
    kill_held(link, page, seq, QUEUE_DEATH_REJECTED);
    return true;
}

bool
link_return(struct link *link, uint64_t seq)
{
    struct page *page = held_by(link, seq);
    if (page == NULL)
        return false;
    if (is_spent(link->queue, returns_add(link->queue, seq)))
        kill_held(link, page, seq, QUEUE_DEATH_DELIVERY_LIMIT);
    else
        (void)link_release(link, seq);
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
    return take_off(queue, page, page_index_of(seq), link);
}

void
link_hand_again(struct link *link, uint64_t seq, struct publication *pub)
{
    struct page *page = held_by(link, seq);
    if (page != NULL)
        show(link, page, seq, pub, true);
}

void
link_lose(struct link *link, uint64_t seq)
{
    struct page *page = held_by(link, seq);
    if (page == NULL)
        return;
    link->flight--;
    (void)damaged(link->queue, page, seq);
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
