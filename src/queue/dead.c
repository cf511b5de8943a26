/* queue/dead.c - entries that die: dropped, or kept in flight in a grave until the queue's owner has taken them.
 *
 * In a page's list of owners an entry in its grave has one of two numbers that no link gets, plus the reason:
 *
 *     GRAVE_WAITING + reason   its owner is to be told, at the end of a turn, when its body has been read
 *     GRAVE_TOLD + reason      it has been told, and will bury or exhume it */
#include "base/break.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"
#include "queue/inner.h"

static const uint32_t GRAVE_WAITING = UINT32_MAX - 7;
static const uint32_t GRAVE_TOLD = UINT32_MAX - 3;

bool
queue_wants_dead(const struct queue *queue)
{
    return queue->owner != NULL && queue->owner->ops->dead != NULL;
}

bool
page_is_grave(const struct page *page, unsigned i)
{
    return bit_get(page->body, BIT_FLIGHT, i) && page_owner(page, i) >= GRAVE_WAITING;
}

static bool
waits(const struct page *page, unsigned i)
{
    return page_is_grave(page, i) && page_owner(page, i) < GRAVE_TOLD;
}

/* ---- dying ----------------------------------------------------------------------------------------------------- */

/* The end of this turn, or of the next, tells of it. */
static void
mourn(struct queue *queue)
{
    struct grave *grave = queue->grave;
    if (grave->waiting > 0 && !grave->pausing && list_empty(&queue->mourning))
        list_push(&queue->host->mourning, &queue->mourning);
}

static void
on_bodies(struct queue *queue)
{
    queue->grave->pausing = false;
    mourn(queue);
}

static struct grave *
grave_of(struct queue *queue)
{
    if (queue->grave != NULL)
        return queue->grave;
    queue->grave = MEM_NEW(queue->host->mem, struct grave);
    if (queue->grave != NULL)
        ahead_init(&queue->grave->bodies, queue, on_bodies);
    return queue->grave;
}

void
queue_grave_free(struct queue *queue)
{
    list_cut(&queue->mourning);
    if (queue->grave != NULL)
        ahead_fini(&queue->grave->bodies);
    mem_free(queue->host->mem, queue->grave);
    queue->grave = NULL;
}

static void
count(struct queue_host *host, enum queue_death reason)
{
    if (reason == QUEUE_DEATH_EXPIRED)
        host->expired++;
    else
        host->dropped++;
}

static void
lay(struct queue *queue, struct page *page, uint64_t seq)
{
    struct grave *grave = queue->grave;
    uint64_t no = page_no_of(seq);
    if (grave->waiting == 0 || no < grave->from_no)
        grave->from_no = no;
    grave->waiting++;
    page->waiting++;
}

/* The caller has taken it from its link. */
bool
queue_die(struct queue *queue, struct page *page, uint64_t seq, enum queue_death reason)
{
    unsigned i = page_index_of(seq);
    if (!queue_wants_dead(queue) || (reason == QUEUE_DEATH_EXPIRED && broken(BREAK_DROP_EXPIRED))) {
        count(queue->host, reason);
        queue_remove(queue, page, seq, true);
        return true;
    }
    if (grave_of(queue) == NULL || page_set_owner(queue, page, i, GRAVE_WAITING + reason) < 0)
        return false;
    if (bit_get(page->body, BIT_READY, i))
        queue_take_off(queue, page, i);
    count(queue->host, reason);
    queue->dead++;
    queue->grave->fresh++;
    lay(queue, page, seq);
    mourn(queue);
    queue_touch(queue);
    return true;
}

/* ---- the owner is told ------------------------------------------------------------------------------------------- */

/* The first that waits, from the page `from_no` on; 0: none. */
static uint64_t
first_waiting(struct queue *queue)
{
    struct grave *grave = queue->grave;
    if (grave->from_no < queue->first_no)
        grave->from_no = queue->first_no;
    for (const struct page *page; (page = queue_page(queue, grave->from_no)) != NULL; grave->from_no++) {
        if (page->waiting == 0)
            continue;
        unsigned i = bit_next(page->body, BIT_FLIGHT, 0);
        while (i < PAGE_ENTRIES && !waits(page, i))
            i = bit_next(page->body, BIT_FLIGHT, i + 1);
        must(i < PAGE_ENTRIES);
        return page_first_seq(grave->from_no) + i;
    }
    return 0;
}

/* Nobody waits for this one any more. */
static void
rise(struct queue *queue, struct page *page)
{
    page->waiting--;
    queue->grave->waiting--;
}

static void
forget(struct queue *queue, struct page *page, uint64_t seq)
{
    if (waits(page, page_index_of(seq)))
        rise(queue, page);
    queue->dead--;
    queue_remove(queue, page, seq, true);
    queue_retire(queue, page);
}

/* The message outlives the call, even when that buries it. */
static void
tell(struct queue *queue, struct page *page, uint64_t seq, struct publication *pub)
{
    unsigned i = page_index_of(seq);
    uint32_t reason = page_owner(page, i) - GRAVE_WAITING;
    struct message *message = pub->message == NULL ? NULL : message_ref(pub->message);
    struct entry_meta meta = entry_meta_unpack(page_entry(page, i)->meta);
    meta.deliveries = returns_of(queue, seq);
    rise(queue, page);
    int rc = page_set_owner(queue, page, i, GRAVE_TOLD + reason);
    must(rc == 0); /* the page has its list of owners */
    queue->owner->ops->dead(queue->owner, seq, pub, meta, (enum queue_death)reason);
    message_unref(message);
}

/* False: its body is being read, and the queue mourns again when it has come. */
static bool
bring_out(struct queue *queue, uint64_t seq)
{
    struct page *page = queue_page(queue, page_no_of(seq));
    const struct entry *entry = page_entry(page, page_index_of(seq));
    struct publication pub;
    if (!queue_wants_dead(queue)) {
        forget(queue, page, seq);
        return true;
    }
    switch (ahead_fetch(&queue->grave->bodies, entry, &pub)) {
    case FETCH_GOT: tell(queue, page, seq, &pub); return true;
    case FETCH_DAMAGED:
        queue->host->damaged++;
        forget(queue, page, seq);
        return true;
    case FETCH_WAIT: break;
    }
    return false;
}

/* As many as died since the last time may go in any case: the work grows with what came, and graves do not. */
static void
tell_all(struct queue *queue)
{
    struct grave *grave = queue->grave;
    uint64_t budget = grave->fresh > DEAD_A_TURN ? grave->fresh : DEAD_A_TURN;
    grave->fresh = 0;
    while (budget-- > 0 && grave->waiting > 0 && !grave->pausing)
        if (!bring_out(queue, first_waiting(queue)))
            return;
    if (grave->waiting == 0)
        ahead_release(&grave->bodies);
    mourn(queue);
}

void
queue_host_mourn(struct queue_host *host)
{
    struct list queues;
    list_init(&queues);
    list_splice(&queues, &host->mourning);
    for (struct list *l = list_pop(&queues); l != NULL; l = list_pop(&queues))
        tell_all(container_of(l, struct queue, mourning));
}

/* ---- the owner answers ------------------------------------------------------------------------------------------- */

static struct page *
grave_page(const struct queue *queue, uint64_t seq)
{
    struct page *page = seq == 0 ? NULL : queue_page(queue, page_no_of(seq));
    bool there = page != NULL && page_has(page, page_index_of(seq)) && page_is_grave(page, page_index_of(seq));
    return there ? page : NULL;
}

bool
queue_bury(struct queue *queue, uint64_t seq)
{
    struct page *page = grave_page(queue, seq);
    if (page == NULL)
        return false;
    forget(queue, page, seq);
    return true;
}

bool
queue_exhume(struct queue *queue, uint64_t seq)
{
    struct page *page = grave_page(queue, seq);
    if (page == NULL || waits(page, page_index_of(seq)))
        return false;
    uint32_t reason = page_owner(page, page_index_of(seq)) - GRAVE_TOLD;
    int rc = page_set_owner(queue, page, page_index_of(seq), GRAVE_WAITING + reason);
    must(rc == 0);
    lay(queue, page, seq);
    queue->grave->pausing = true;
    ahead_retry(&queue->grave->bodies);
    return true;
}

uint64_t
queue_dead(const struct queue *queue)
{
    return queue->dead;
}

void
queue_own(struct queue *queue, struct queue_owner *owner)
{
    queue->owner = owner;
    if (queue->grave != NULL)
        mourn(queue); /* nobody may want them any more */
    queue_touch(queue);
}
