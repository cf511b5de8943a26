/* queue/stream.c - readers of a queue whose entries stay. */
#include "queue/stream.h"

#include "base/break.h"
#include "base/err.h"
#include "base/mem.h"
#include "queue/inner.h"

void
queue_keep(struct queue *queue)
{
    queue->kept = true;
}

/* ---- reading on -------------------------------------------------------------------------------------------------- */

/* The next entry that is there, and its page; NULL: the reader is at the end, or the page is being read. */
static struct page *
find_next(struct queue *queue, struct stream_reader *reader)
{
    if (reader->next < page_first_seq(queue->first_no) && queue->page_count > 0)
        reader->next = page_first_seq(queue->first_no);
    while (reader->next < queue->next_seq) {
        uint64_t no = page_no_of(reader->next);
        struct page *page = queue_page(queue, no);
        if (page != NULL && page->stub)
            queue_fetch_page(queue, no);
        if (page != NULL && page->stub)
            return NULL;
        unsigned from = page_index_of(reader->next);
        unsigned i = page == NULL || page->body == NULL ? PAGE_ENTRIES : bit_next(page->body, BIT_READY, from);
        reader->next = page_first_seq(no) + i;
        if (i < PAGE_ENTRIES)
            return page;
        if (reader->next > queue->next_seq)
            reader->next = queue->next_seq;
    }
    return NULL;
}

static void
hand(struct stream_reader *reader, const struct page *page, struct publication *pub)
{
    uint64_t seq = reader->next++;
    uint64_t at_ms = page_expiry(page, page_index_of(seq));
    bool worthless = at_ms != 0 && at_ms <= io_wall_ms(reader->queue->host->io);
    if (worthless || pub->env.published_ms < reader->since_ms)
        return;
    reader->credit--;
    reader->ops->deliver(reader, seq, pub, entry_meta_unpack(page_entry(page, page_index_of(seq))->meta));
}

/* One entry; false when nothing more can be done now. */
static bool
read_one(struct queue *queue, struct stream_reader *reader)
{
    struct publication pub;
    struct page *page = reader->credit == 0 ? NULL : find_next(queue, reader);
    if (page == NULL)
        return false;
    switch (ahead_fetch(reader->bodies, page_entry(page, page_index_of(reader->next)), &pub)) {
    case FETCH_GOT: hand(reader, page, &pub); return true;
    case FETCH_DAMAGED:
        queue->host->damaged++;
        reader->next++;
        return true;
    case FETCH_WAIT: break;
    }
    return false;
}

/* The page was kept in memory for a reader. */
static void
let_leave(struct queue *queue, uint64_t no)
{
    if (no < queue->spill_no)
        queue->spill_no = no;
    queue_touch(queue);
}

/* Each gets a part of what it may have, so that one that is far behind does not hold up the loop. */
static void
read_some(struct queue *queue, struct stream_reader *reader)
{
    enum { READS_A_TURN = 1024 };
    uint64_t no = page_no_of(reader->next);
    unsigned n = 0;
    while (n < READS_A_TURN && read_one(queue, reader))
        n++;
    if (reader->next >= queue->next_seq)
        ahead_release(reader->bodies);
    if (no != page_no_of(reader->next))
        let_leave(queue, no);
    if (n == READS_A_TURN)
        queue_wake(queue);
}

void
queue_read_on(struct queue *queue)
{
    LIST_EACH(&queue->readers, l)
        read_some(queue, container_of(l, struct stream_reader, all));
}

bool
queue_is_read_at(const struct queue *queue, uint64_t no)
{
    for (const struct list *l = queue->readers.next; l != &queue->readers; l = l->next) {
        const struct stream_reader *reader = (const void *)((const char *)l - offsetof(struct stream_reader, all));
        if (reader->credit > 0 && page_no_of(reader->next) == no)
            return true;
    }
    return false;
}

/* ---- the life of a reader ---------------------------------------------------------------------------------------- */

static uint64_t
place(const struct queue *queue, enum stream_from from, uint64_t value)
{
    switch (from) {
    case STREAM_NEXT: return queue->next_seq;
    case STREAM_LAST: return queue->next_seq > 1 ? queue->next_seq - 1 : 1;
    case STREAM_SEQ: return value > 0 ? value : 1;
    case STREAM_FIRST:
    case STREAM_TIME: break;
    }
    return 1;
}

int
stream_attach(struct stream_reader *reader, struct queue *queue, const struct stream_reader_ops *ops,
              enum stream_from from, uint64_t value)
{
    struct ahead *bodies = MEM_NEW(queue->host->mem, struct ahead);
    if (bodies == NULL)
        return -ERR_NO_MEMORY;
    ahead_init(bodies, queue, queue_read_on);
    *reader = (struct stream_reader){ .ops = ops, .queue = queue, .bodies = bodies };
    reader->next = place(queue, from, value) + broken(BREAK_SKIP_FIRST);
    reader->since_ms = from == STREAM_TIME ? value : 0;
    list_init(&reader->all);
    list_push(&queue->readers, &reader->all);
    return 0;
}

void
stream_detach(struct stream_reader *reader)
{
    struct queue *queue = reader->queue;
    if (queue == NULL)
        return;
    list_cut(&reader->all);
    ahead_fini(reader->bodies);
    mem_free(queue->host->mem, reader->bodies);
    reader->queue = NULL;
    reader->bodies = NULL;
    reader->credit = 0;
    let_leave(queue, page_no_of(reader->next));
}

void
queue_readers_free(struct queue *queue)
{
    LIST_EACH(&queue->readers, l)
        stream_detach(container_of(l, struct stream_reader, all));
}

void
stream_credit(struct stream_reader *reader, uint32_t more)
{
    reader->credit += more;
    if (reader->queue != NULL)
        queue_touch(reader->queue);
}
