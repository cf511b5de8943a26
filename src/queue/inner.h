/* queue/inner.h - what the files of the queue share: pages of entries.
 *
 * A page covers PAGE_ENTRIES sequence numbers.  Its body (entries, state bits) is in memory, or in the log as a
 * RECORD_PAGE while all its entries are ready and wait in the deep middle; then only this stub is left.
 *
 *     page number   0          1          2          3
 *                   [ body ]   [ stub ]   [ stub ]   [ body ]
 *     seq           1..512     513..      1025..     1537.. */
#ifndef TAMBO_QUEUE_INNER_H
#define TAMBO_QUEUE_INNER_H

#include "base/limits.h"
#include "base/map.h"
#include "queue/queue.h"

enum {
    PAGE_ENTRIES = QUEUE_PAGE_ENTRIES,
    PAGE_FIRST_ROOM = 4,
    PAGE_GROWTH = 8,
    PAGE_SEGMENTS =
        2, /* a page whose bodies are spread wider stays in memory: it has few bytes of index for many of body */
    RESIDENT_PAGES = 4,       /* so many pages of a queue may be in memory before middle ones leave */
    RESIDENT_PAGES_KEPT = 12, /* of a stream, which has several readers */
};

struct entry {
    uint64_t ref; /* durable: position in the log; else a struct message * */
    uint32_t bytes;
    uint32_t meta; /* of a queue with an owner, its low bits are not a subscription identifier but the body's bytes */
};
enum { META_ID_BITS = 28, META_ID_MAX = (1 << META_ID_BITS) - 1 };

/* UTC milliseconds at which entries are worthless, for a page in which any is. */
struct expiry {
    struct heap_node node; /* in host->expiries: when to look at the page */
    struct queue *queue;
    uint64_t page_no;
    uint64_t first_ms, last_ms; /* of a stub: the earliest, and the latest when all expire, else 0 */
    uint64_t at_ms[];           /* as many as the body has room for; 0: never */
};

enum bit { BIT_READY, BIT_FLIGHT, BIT_AGAIN, BITS };

struct body {
    uint32_t *owners; /* link ids of entries in flight, [PAGE_ENTRIES]; NULL: all are link 1's */
    uint64_t bits[BITS][PAGE_ENTRIES / 64];
    struct entry entries[];
};

/* A body's holds on the log, a segment. */
struct held {
    uint32_t segment, records;
    uint64_t bytes;
};

/* What replay learned about a page that is a stub. */
struct amend {
    uint64_t gone[PAGE_ENTRIES / 64]; /* settled */
    struct amend_move {
        uint64_t position;
        uint32_t bytes; /* 0: not moved */
    } moves[PAGE_ENTRIES];
};

struct page {
    struct body *body; /* NULL: nothing is left in it, or it is a stub */
    struct amend *amend;
    struct expiry *expiry;
    /* Of the last RECORD_PAGE; 0: none.  It is held until the page is gone or written anew, not only while the page is
     * a stub: a checkpoint may name it, and recovery brings it up to date by the records that came since. */
    uint64_t position;
    uint16_t base; /* the index of entries[0] */
    uint16_t used; /* sequence numbers given out */
    uint16_t room; /* of the body: indexes from base to before base + room */
    uint16_t ready, flight;
    uint16_t waiting; /* in graves of which the owner has not been told */
    bool stub;
    bool moved;                      /* bodies lie elsewhere than the record says */
    struct held held[PAGE_SEGMENTS]; /* of a stub */
    uint64_t ready_bytes;            /* of a stub, as the queue's */
};

/* Bodies read ahead out of the log, for one who goes through the queue. */
struct ahead {
    struct queue *queue;
    void (*more)(struct queue *queue); /* they have come, or it is time to try again */
    struct log_read read;
    struct io_timer retry;
    size_t bytes;     /* asked for; 0: it has no buffer */
    uint64_t damaged; /* the position that could not be read; 0: none */
    bool reading;
};

/* For the pump. */
struct reader {
    struct ahead bodies;
    struct log_read index;
    uint64_t page_no; /* being read by `index` */
    bool reading_index;
};

/* For the dead. */
struct grave {
    struct ahead bodies;
    uint64_t from_no;        /* no page before it has any that wait */
    uint64_t waiting, fresh; /* not told of yet; died since the last telling */
    bool pausing;            /* the owner could not take one */
};

/* In queue->returns. */
struct returned {
    uint64_t seq;
    uint32_t count;
};

/* A message that is read to be sent again. */
struct again {
    struct list link; /* in queue->agains */
    struct queue_host *host;
    struct link *to;
    uint64_t seq;
    struct log_read read;
    struct io_timer timer; /* when it has to be tried again */
};

struct queue {
    struct queue_host *host;
    struct list all;   /* in host->all */
    struct list dirty; /* in host->dirty */
    struct list links;
    struct list agains;
    struct list readers; /* struct stream_reader */
    struct queue_limits limits;
    uint32_t id;
    uint32_t links_made;
    bool durable, pumping;
    bool starved;       /* no link has credit */
    bool kept;          /* it is a stream */
    bool ranked;        /* links have priorities, and stand in their order */
    struct page *pages; /* pages[page_from] is number `first_no` */
    uint32_t page_from, page_count, page_room;
    uint64_t first_no;
    uint64_t next_seq;
    uint64_t cursor; /* no ready entry is before it */
    uint64_t ready, flight, bytes;
    uint32_t resident;  /* pages with a body */
    uint64_t spill_no;  /* pages before this were looked at for spilling */
    uint64_t run_first; /* settlements of this turn that are not recorded yet */
    uint32_t run_count;
    struct queue_owner *owner;
    struct reader *reader;
    struct list mourning; /* in host->mourning */
    struct grave *grave;
    uint64_t dead;                      /* in flight in graves */
    uint64_t ready_bytes;               /* of bodies; of a queue without an owner 0 */
    uint64_t delivered, delivered_told; /* the highest seq; what the log knows of it */
    uint64_t delivered_before;          /* in a former life */
    struct map returns;
};

static inline uint64_t
page_no_of(uint64_t seq)
{
    return (seq - 1) / PAGE_ENTRIES;
}
static inline unsigned
page_index_of(uint64_t seq)
{
    return (unsigned)((seq - 1) % PAGE_ENTRIES);
}
static inline uint64_t
page_first_seq(uint64_t no)
{
    return no * PAGE_ENTRIES + 1;
}
static inline struct page *
page_nth(const struct queue *queue, uint32_t n)
{
    return &queue->pages[queue->page_from + n];
}
static inline bool
page_has(const struct page *page, unsigned i)
{
    return page->body != NULL && i >= page->base && i < (unsigned)page->base + page->room;
}
static inline struct entry *
page_entry(const struct page *page, unsigned i)
{
    return &page->body->entries[i - page->base];
}
/* Nothing waits, nothing is in flight, nothing is in a grave. */
static inline bool
queue_is_empty(const struct queue *queue)
{
    return queue->ready + queue->flight == 0;
}
static inline bool
page_is_stub(const struct page *page)
{
    return page->stub;
}

static inline bool
bit_get(const struct body *body, enum bit bit, unsigned i)
{
    return body->bits[bit][i / 64] >> (i % 64) & 1;
}
static inline void
bit_set(struct body *body, enum bit bit, unsigned i)
{
    body->bits[bit][i / 64] |= UINT64_C(1) << (i % 64);
}
static inline void
bit_clear(struct body *body, enum bit bit, unsigned i)
{
    body->bits[bit][i / 64] &= ~(UINT64_C(1) << (i % 64));
}
/* Ready or in flight. */
static inline bool
page_lives(const struct page *page, unsigned i)
{
    return bit_get(page->body, BIT_READY, i) || bit_get(page->body, BIT_FLIGHT, i);
}
/* What the entry counts against its owner's limit: a body of more than META_ID_MAX counts as that. */
static inline uint32_t
entry_body(const struct queue *queue, const struct entry *entry)
{
    return queue->owner == NULL ? 0 : entry->meta & META_ID_MAX;
}
/* From ready to in flight. */
static inline void
queue_take_off(struct queue *queue, struct page *page, unsigned i)
{
    bit_clear(page->body, BIT_READY, i);
    bit_set(page->body, BIT_FLIGHT, i);
    page->ready--;
    page->flight++;
    queue->ready--;
    queue->flight++;
    queue->ready_bytes -= entry_body(queue, page_entry(page, i));
}

static inline struct message *
entry_message(const struct entry *entry)
{
    return (struct message *)(uintptr_t)entry->ref;
}
/* The first set bit at or after `from`; PAGE_ENTRIES when there is none. */
unsigned bit_next(const struct body *body, enum bit bit, unsigned from);

/* page.c */
struct page *queue_page(const struct queue *queue, uint64_t no); /* NULL: outside */
/* The page at the tail, with room for one more entry. 0 or -ERR_NO_MEMORY. */
int queue_reserve(struct queue *queue);
/* Makes the row of pages reach to number `no`. */
int queue_reach(struct queue *queue, uint64_t no);
int page_make_body(struct queue *queue, struct page *page, unsigned base, unsigned room);
void page_free_body(struct queue *queue, struct page *page);
/* Nothing of it waits any more: frees all but its place in the row. */
void page_wipe(struct queue *queue, struct page *page);
/* Its RECORD_PAGE is now at `position` (0: it has none), and tells the truth. */
void page_set_record(struct queue *queue, struct page *page, uint64_t position);
/* Frees what is used up at the head. */
void queue_trim(struct queue *queue);
/* Frees the page, if it is used up. */
void queue_retire(struct queue *queue, struct page *page);
/* Nothing waits and nothing is in flight: frees everything but the queue itself. */
void queue_rest(struct queue *queue);

/* expiry.c */
/* The entry is worthless at `at_ms`; 0: never. */
void page_expires(struct queue *queue, uint64_t no, unsigned i, uint64_t at_ms);
/* When the page's first entry expires, and when the last of them, if all do; 0: never. */
struct span {
    uint64_t first_ms, last_ms;
};
struct span page_span(const struct page *page);
/* The page has become a stub. */
void page_expires_whole(struct queue *queue, struct page *page, uint64_t no, struct span span);
/* Forgets it. */
void page_free_expiry(struct queue *queue, struct page *page);
/* Room for more entries. 0 or -ERR_NO_MEMORY. */
int page_grow_expiry(struct queue *queue, struct page *page, unsigned room);
/* When it is worthless; 0: never. */
uint64_t page_expiry(const struct page *page, unsigned i);
/* The entry has become ready: the timer looks after it. */
void page_watch(struct queue *queue, struct page *page, unsigned i);
/* When this message is worthless in this queue; 0: never.  A stream keeps it however soon it says itself. */
static inline uint64_t
queue_expiry(const struct queue *queue, const struct envelope *env)
{
    uint64_t by_itself = queue->kept ? 0 : env->expires_ms;
    if (queue->limits.ttl_ms == UINT64_MAX)
        return by_itself;
    uint64_t by_queue = env->published_ms + queue->limits.ttl_ms;
    return by_itself != 0 && by_itself < by_queue ? by_itself : by_queue;
}

/* stream.c */
/* Readers get what they have credit for. */
void queue_read_on(struct queue *queue);
/* Does one of them stand in this page? */
bool queue_is_read_at(const struct queue *queue, uint64_t no);
void queue_readers_free(struct queue *queue);

/* dead.c */
bool queue_wants_dead(const struct queue *queue);
/* A ready entry, or one in flight that its link does not count any more, dies: it is dropped, or goes to its grave. The
 * page may be retired afterwards.  False: no memory to dig one, it is as it was. */
bool queue_die(struct queue *queue, struct page *page, uint64_t seq, enum queue_death reason);
bool page_is_grave(const struct page *page, unsigned i);
/* Tells owners of their dead. */
void queue_host_mourn(struct queue_host *host);
void queue_grave_free(struct queue *queue);

/* returns.c */
uint32_t returns_of(const struct queue *queue, uint64_t seq);
/* One more, and recorded; returns how many these are. */
uint32_t returns_add(struct queue *queue, uint64_t seq);
void returns_forget(struct queue *queue, uint64_t seq);
void returns_fini(struct queue *queue);
void queue_record_delivered(struct queue *queue);

/* tx.c */
enum { TX_ITEM_BYTES = 12 };
/* A body at this position is part of the transaction; false: no memory. */
bool tx_hold(struct queue_host *host, uint64_t position, uint32_t bytes);
/* False: there is none, or no memory, and the settlement is recorded as others are. */
bool tx_settle(struct queue_host *host, uint32_t queue, uint64_t seq);

/* queue.c */
/* What is kept of `meta` with an entry of this body. */
uint32_t queue_meta(const struct queue *queue, struct entry_meta meta, const struct envelope *env);
/* The entry leaves the queue, whatever state it is in. */
void queue_remove(struct queue *queue, struct page *page, uint64_t seq, bool record);
/* A new entry, ready; its page has room for it. */
void queue_place(struct queue *queue, uint64_t seq, const struct entry *entry);
/* A queue with an owner drops its oldest when the newcomer is in, and perhaps delivered: a bounded number at once. */
void queue_keep_limits(struct queue *queue);

/* turn.c */
void queue_record_settled(struct queue *queue, uint64_t seq);
void queue_touch(struct queue *queue); /* the turn's end has work with it */
void queue_wake(struct queue *queue);  /* the same, and there shall be a turn soon */

/* The log may be closed before the queues are freed: then nothing is held any more. */
void queue_let_go(const struct queue *queue, uint64_t position, uint64_t records, uint64_t bytes);
/* Forgets what a stub holds, and all of the stub. */
void queue_drop_stub(struct queue *queue, struct page *page);
/* The same, and of its entries whatever the queue knows. */
void queue_lose_stub(struct queue *queue, struct page *page, uint64_t no);
/* The same, and recorded. */
void queue_settle_stub(struct queue *queue, struct page *page, uint64_t no);

/* link.c */
/* A message that has just come, is worthless at `at_ms` (0: never), and nothing waits before it. */
void queue_deliver_fresh(struct queue *queue, uint64_t seq, struct publication *pub, uint64_t at_ms);
/* Who holds an entry in flight: a link's number, or a grave. */
uint32_t page_owner(const struct page *page, unsigned i);
int page_set_owner(struct queue *queue, struct page *page, unsigned i, uint32_t owner);

/* restore.c: entries that replay speaks of while their page is a stub */
struct amend *page_amend(struct queue *queue, struct page *page);

/* evacuate.c */
/* The entry's body is now at `position`. */
void page_move_entry(struct queue *queue, struct page *page, unsigned i, uint64_t position, uint32_t bytes);
/* Is this the page that is being cleared?  It stays in memory. */
bool queue_evacuating(const struct queue *queue, uint64_t no);
void queue_evacuate_forget(struct queue_host *host, const struct queue *queue);
void queue_evacuate_cancel(struct queue_host *host);

/* fetch.c: bodies and pages out of the log */
enum fetched { FETCH_GOT, FETCH_WAIT, FETCH_DAMAGED };
/* The message of an entry, borrowed until the end of the turn.  FETCH_WAIT: it is being read, and the pump goes on when
 * it has come. */
enum fetched queue_fetch(struct queue *queue, const struct entry *entry, struct publication *ret);
void ahead_init(struct ahead *ahead, struct queue *queue, void (*more)(struct queue *queue));
void ahead_fini(struct ahead *ahead);
/* As queue_fetch, for one who has a buffer of its own; more() is called when it has come. */
enum fetched ahead_fetch(struct ahead *ahead, const struct entry *entry, struct publication *ret);
/* Calls more() a little later. */
void ahead_retry(struct ahead *ahead);
/* Gives the buffer back. */
void ahead_release(struct ahead *ahead);
int publication_parse(struct view record, uint64_t position, struct publication *ret);
/* NULL: no memory. */
struct reader *queue_reader(struct queue *queue);
/* Out of memory, or the disk did not answer: what waits is tried again a little later. */
void queue_retry(struct queue *queue);
/* Nothing is to be read: gives the buffer back. */
void queue_reader_rest(struct queue *queue);
void queue_reader_free(struct queue *queue);
/* All that are for `link`; NULL: all. */
void agains_cancel(struct queue *queue, const struct link *link);
int again_read(struct link *link, uint64_t seq, uint64_t position);
/* Hands an entry in flight to its link once more. */
void link_hand_again(struct link *link, uint64_t seq, struct publication *pub);

/* Its message cannot be read any more: the entry is gone, and counted as damaged. */
void link_lose(struct link *link, uint64_t seq);

/* image.c: pages into the log and back */
/* Begins to read a stub's body, unless that goes on already. */
void queue_fetch_page(struct queue *queue, uint64_t no);
/* The same at once, blocking: at start-up. */
int queue_load_page_now(struct queue *queue, uint64_t no);
/* Writes one page of the deep middle to the log and frees its body; false when there is none to write. */
bool queue_spill(struct queue *queue);
/* Writes a page that is in memory anew, so that nobody needs its older record. */
int page_write(struct queue *queue, struct page *page, uint64_t no);

#endif
