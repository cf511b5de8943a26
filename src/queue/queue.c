/* queue/queue.c - pushing, settling, limits. */
#include "queue/queue.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"
#include "queue/inner.h"

enum { DROPS_AT_ONCE = 1024 };

uint32_t
entry_meta_pack(struct entry_meta meta)
{
    return meta.subscription_id | (uint32_t)meta.qos << META_ID_BITS | (uint32_t)meta.retain << (META_ID_BITS + 2);
}

struct entry_meta
entry_meta_unpack(uint32_t packed)
{
    return (struct entry_meta){
        .subscription_id = packed & META_ID_MAX,
        .qos = packed >> META_ID_BITS & 3,
        .retain = packed >> (META_ID_BITS + 2) & 1,
    };
}

uint32_t
queue_meta(const struct queue *queue, struct entry_meta meta, const struct envelope *env)
{
    if (queue->owner != NULL)
        meta.subscription_id = env->body.len < META_ID_MAX ? (uint32_t)env->body.len : META_ID_MAX;
    return entry_meta_pack(meta);
}

void
queue_host_init(struct queue_host *host, struct mem *mem, struct io *io, struct log *log)
{
    *host = (struct queue_host){ .mem = mem, .io = io, .log = log };
    heap_init(&host->expiries, mem);
    list_init(&host->mourning);
    list_init(&host->all);
    list_init(&host->dirty);
}

void
queue_host_fini(struct queue_host *host)
{
    must(list_empty(&host->all));
    queue_evacuate_cancel(host);
    io_timer_cut(host->io, &host->expiry);
    io_timer_cut(host->io, &host->soon);
    heap_fini(&host->expiries);
}

/* ---- made and freed --------------------------------------------------------------------------------------------- */

int
queue_new(struct queue_host *host, uint32_t id, bool durable, struct queue_limits limits, struct queue **ret)
{
    struct queue *queue = MEM_NEW(host->mem, struct queue);
    if (queue == NULL)
        return -ERR_NO_MEMORY;
    queue->host = host;
    queue->id = id;
    queue->durable = durable && host->log != NULL;
    queue->limits = limits;
    queue->next_seq = queue->cursor = 1;
    list_init(&queue->all);
    list_init(&queue->dirty);
    list_init(&queue->links);
    list_init(&queue->agains);
    list_init(&queue->readers);
    list_init(&queue->mourning);
    map_init(&queue->returns, host->mem);
    list_push(&host->all, &queue->all);
    *ret = queue;
    return 0;
}

void
queue_let_go(const struct queue *queue, uint64_t position, uint64_t records, uint64_t bytes)
{
    if (queue->host->log != NULL)
        log_drop_many(queue->host->log, position, records, bytes);
}

static void
drop_entry(struct queue *queue, const struct entry *entry)
{
    queue->bytes -= entry->bytes;
    queue->host->bytes -= entry->bytes;
    queue->host->entries--;
    if (queue->durable)
        queue_let_go(queue, entry->ref, 1, entry->bytes);
    else
        message_unref(entry_message(entry));
}

/* A stub's bodies are only known a segment. */
void
queue_drop_stub(struct queue *queue, struct page *page)
{
    struct queue_host *host = queue->host;
    for (unsigned i = 0; i < PAGE_SEGMENTS; i++) {
        const struct held *h = &page->held[i];
        if (h->records == 0)
            continue;
        queue_let_go(queue, (uint64_t)h->segment << 32, h->records, h->bytes);
        queue->bytes -= h->bytes;
        host->bytes -= h->bytes;
        host->entries -= h->records;
    }
    for (unsigned i = 0; page->amend != NULL && i < PAGE_ENTRIES; i++)
        if (page->amend->moves[i].bytes > 0)
            queue_let_go(queue, page->amend->moves[i].position, 1, page->amend->moves[i].bytes);
    mem_free(host->mem, page->amend);
    page->amend = NULL;
    page_free_expiry(queue, page);
    queue->ready -= page->ready;
    queue->ready_bytes -= page->ready_bytes;
    page->ready = 0;
    page->ready_bytes = 0;
    page->stub = false;
    page_set_record(queue, page, 0);
}

void
queue_settle_stub(struct queue *queue, struct page *page, uint64_t no)
{
    for (unsigned i = 0; i < PAGE_ENTRIES; i++)
        queue_record_settled(queue, page_first_seq(no) + i);
    queue_lose_stub(queue, page, no);
}

void
queue_lose_stub(struct queue *queue, struct page *page, uint64_t no)
{
    for (unsigned i = 0; queue->returns.count > 0 && i < PAGE_ENTRIES; i++)
        returns_forget(queue, page_first_seq(no) + i);
    queue_drop_stub(queue, page);
}

static void
drop_page(struct queue *queue, struct page *page)
{
    if (page_is_stub(page))
        queue_drop_stub(queue, page);
    for (enum bit bit = BIT_READY; page->body != NULL && bit <= BIT_FLIGHT; bit++)
        for (unsigned i = bit_next(page->body, bit, 0); i < PAGE_ENTRIES; i = bit_next(page->body, bit, i + 1))
            drop_entry(queue, page_entry(page, i));
    page->ready = page->flight = 0;
    page_wipe(queue, page);
}

void
queue_free(struct queue *queue)
{
    if (queue == NULL)
        return;
    struct queue_host *host = queue->host;
    LIST_EACH(&queue->links, l) {
        struct link *link = container_of(l, struct link, all);
        list_cut(&link->all);
        link->queue = NULL;
    }
    agains_cancel(queue, NULL);
    queue_evacuate_forget(host, queue);
    queue_readers_free(queue);
    queue_reader_free(queue);
    queue_grave_free(queue);
    returns_fini(queue);
    for (uint32_t i = 0; i < queue->page_count; i++)
        drop_page(queue, page_nth(queue, i));
    list_cut(&queue->all);
    list_cut(&queue->dirty);
    mem_free(host->mem, queue->pages);
    mem_free(host->mem, queue);
}

uint32_t
queue_id(const struct queue *queue)
{
    return queue->id;
}
bool
queue_durable(const struct queue *queue)
{
    return queue->durable;
}
uint64_t
queue_ready(const struct queue *queue)
{
    return queue->ready;
}
uint64_t
queue_flight(const struct queue *queue)
{
    return queue->flight - queue->dead;
}
uint64_t
queue_count(const struct queue *queue)
{
    return queue->ready + queue_flight(queue);
}
uint64_t
queue_bytes(const struct queue *queue)
{
    return queue->bytes;
}
uint64_t
queue_ready_bytes(const struct queue *queue)
{
    return queue->ready_bytes;
}
uint64_t
queue_next_seq(const struct queue *queue)
{
    return queue->next_seq;
}
void
queue_host_limit(struct queue_host *host, struct queue_limits limits)
{
    LIST_EACH(&host->all, l) {
        struct queue *queue = container_of(l, struct queue, all);
        if (queue->owner == NULL)
            queue->limits = limits;
    }
}

void
queue_limit(struct queue *queue, struct queue_limits limits)
{
    queue->limits = limits;
    queue_touch(queue);
}

/* ---- in and out -------------------------------------------------------------------------------------------------- */

void
queue_remove(struct queue *queue, struct page *page, uint64_t seq, bool record)
{
    unsigned i = page_index_of(seq);
    if (bit_get(page->body, BIT_READY, i)) {
        page->ready--;
        queue->ready--;
        queue->ready_bytes -= entry_body(queue, page_entry(page, i));
    } else {
        must(bit_get(page->body, BIT_FLIGHT, i));
        page->flight--;
        queue->flight--;
    }
    bit_clear(page->body, BIT_READY, i);
    bit_clear(page->body, BIT_FLIGHT, i);
    drop_entry(queue, page_entry(page, i));
    if (queue->returns.count > 0)
        returns_forget(queue, seq);
    if (queue->durable && record)
        queue_record_settled(queue, seq);
    if (queue_is_empty(queue) || queue->owner != NULL)
        queue_touch(queue);
}

/* Would it be too much with this one more? */
static bool
over(const struct queue *queue, const struct envelope *env)
{
    const struct queue_limits *limits = &queue->limits;
    if (queue->owner != NULL)
        return queue->ready >= limits->count_max || queue->ready_bytes + env->body.len > limits->bytes_max;
    return queue_count(queue) >= limits->count_max || queue->bytes + envelope_bytes(env) > limits->bytes_max;
}

int
queue_admits(struct queue *queue, const struct envelope *env)
{
    bool waits_in_memory = !queue->durable && queue->ready > 0 && !queue->host->tx.admitted;
    if (queue->limits.overflow == QUEUE_REJECT && over(queue, env))
        return -ERR_FULL;
    if (queue->host->tight && waits_in_memory)
        return -ERR_TIGHT;
    return queue_reserve(queue);
}

/* The page of the oldest entry that nobody holds; NULL when there is none, or it is on disk (then it is being read). */
static struct page *
oldest_ready(struct queue *queue, uint64_t *retno)
{
    uint64_t no = page_no_of(queue->cursor);
    if (no < queue->first_no)
        no = queue->first_no;
    struct page *page = queue_page(queue, no);
    while (page != NULL && page->ready == 0)
        page = queue_page(queue, ++no);
    if (page != NULL && page->stub)
        queue_fetch_page(queue, no);
    *retno = no;
    return page == NULL || page->stub || page->ready == 0 ? NULL : page;
}

bool
queue_drop_oldest(struct queue *queue)
{
    uint64_t no;
    struct page *page = oldest_ready(queue, &no);
    if (page == NULL)
        return false;
    if (!queue_die(queue, page, page_first_seq(no) + bit_next(page->body, BIT_READY, 0), QUEUE_DEATH_MAXLEN))
        return false;
    queue_retire(queue, page);
    return true;
}

/* A queue with an owner drops its oldest when the newcomer is in, and perhaps delivered: a bounded number at once. */
void
queue_keep_limits(struct queue *queue)
{
    const struct queue_limits *limits = &queue->limits;
    if (limits->overflow != QUEUE_DROP_OLDEST)
        return;
    for (unsigned n = 0; n < DROPS_AT_ONCE; n++) {
        bool full = queue->ready > limits->count_max || queue->ready_bytes > limits->bytes_max;
        if (!full || !queue_drop_oldest(queue))
            return;
    }
    queue_touch(queue);
}

/* Is there room for it, perhaps made by dropping others?  A rejecting queue was asked before.  While the oldest are
 * read from disk, to be dropped, the limit is passed by what comes meanwhile. */
static bool
make_room(struct queue *queue, const struct envelope *env)
{
    if (queue->limits.overflow == QUEUE_REJECT || queue->owner != NULL)
        return true;
    if (queue->limits.overflow == QUEUE_DROP_OLDEST)
        while (over(queue, env) && queue_drop_oldest(queue))
            continue;
    return !over(queue, env) || (queue->limits.overflow == QUEUE_DROP_OLDEST && queue->ready > 0);
}

void
queue_place(struct queue *queue, uint64_t seq, const struct entry *entry)
{
    struct page *page = queue_page(queue, page_no_of(seq));
    unsigned i = page_index_of(seq);
    *page_entry(page, i) = *entry;
    bit_set(page->body, BIT_READY, i);
    page->used = (uint16_t)(i + 1);
    page->ready++;
    queue->ready++;
    queue->ready_bytes += entry_body(queue, entry);
    queue->bytes += entry->bytes;
    queue->host->bytes += entry->bytes;
    queue->host->entries++;
    if (queue->owner != NULL || queue->kept || (page->used == PAGE_ENTRIES && queue->resident > RESIDENT_PAGES))
        queue_touch(queue);
}

/* The newcomer itself is what the limit drops.  A durable one is in the log already: its settlement follows it there.
 */
static void
drop_newcomer(struct queue *queue)
{
    uint64_t seq = queue->next_seq++;
    struct page *page = queue_page(queue, page_no_of(seq));
    page->used = (uint16_t)(page_index_of(seq) + 1);
    queue->host->dropped++;
    if (queue->durable)
        queue_record_settled(queue, seq);
    queue_trim(queue);
}

static int
make_entry(struct queue *queue, struct publication *pub, struct entry_meta meta, struct entry *ret)
{
    ret->meta = queue_meta(queue, meta, &pub->env);
    if (queue->durable) {
        must(pub->position != 0);
        ret->ref = pub->position;
        ret->bytes = pub->bytes;
        log_hold(queue->host->log, ret->ref, ret->bytes);
        return 0;
    }
    if (pub->message == NULL)
        pub->message = message_new(queue->host->mem, &pub->env);
    if (pub->message == NULL)
        return -ERR_NO_MEMORY;
    ret->ref = (uintptr_t)message_ref(pub->message);
    ret->bytes = (uint32_t)envelope_bytes(&pub->env);
    return 0;
}

/* It may not wait, and was not taken. */
static void
expire_at_once(struct queue *queue, uint64_t seq)
{
    struct page *page = queue_page(queue, page_no_of(seq));
    if (page == NULL || !page_has(page, page_index_of(seq)) || !bit_get(page->body, BIT_READY, page_index_of(seq)))
        return;
    if (queue_die(queue, page, seq, QUEUE_DEATH_EXPIRED))
        queue_retire(queue, page);
}

int
queue_push(struct queue *queue, struct publication *pub, struct entry_meta meta)
{
    struct entry entry;
    int rc = queue_reserve(queue);
    if (rc < 0) {
        queue->next_seq += queue->durable; /* the record has this number; recovery will find it */
        return rc;
    }
    if (!make_room(queue, &pub->env)) {
        drop_newcomer(queue);
        return 0;
    }
    rc = make_entry(queue, pub, meta, &entry);
    if (rc < 0)
        return rc;
    uint64_t seq = queue->next_seq++;
    queue_place(queue, seq, &entry);
    uint64_t at_ms = queue_expiry(queue, &pub->env);
    if (at_ms != 0)
        page_expires(queue, page_no_of(seq), page_index_of(seq), at_ms);
    if (queue->ready == 1)
        queue_deliver_fresh(queue, seq, pub, at_ms);
    if (at_ms != 0 && at_ms <= pub->env.published_ms)
        expire_at_once(queue, seq);
    if (queue->owner != NULL)
        queue_keep_limits(queue);
    return 0;
}

static void
purge_page(struct queue *queue, struct page *page, uint64_t first)
{
    if (page->stub)
        queue_settle_stub(queue, page, page_no_of(first));
    if (page->ready == 0)
        return;
    for (unsigned i = bit_next(page->body, BIT_READY, 0); i < PAGE_ENTRIES; i = bit_next(page->body, BIT_READY, i + 1))
        queue_remove(queue, page, first + i, true);
}

uint64_t
queue_purge(struct queue *queue)
{
    uint64_t before = queue->ready;
    for (uint32_t n = 0; n < queue->page_count; n++)
        purge_page(queue, page_nth(queue, n), page_first_seq(queue->first_no + n));
    queue_trim(queue);
    queue_touch(queue);
    return before - queue->ready;
}
