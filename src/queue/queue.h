/* queue/queue.h - a queue: messages waiting, in flight, settled; and the links that feed on it.
 *
 * Entries are numbered for ever from 1 (seq) and kept in pages of QUEUE_PAGE_ENTRIES, 16 bytes an entry.  A durable
 * queue's bodies are in the log, and the pages of its deep middle too (RECORD_PAGE), so that what waits costs next to
 * nothing in memory.  A transient queue holds references to messages.
 *
 *        head                                   next                         tail
 *         | settled, flight, settled, flight ... | ready ready (pages on disk) ... |
 *
 * Delivery is by credit: pump() hands ready entries to links that have any, in order of seq, links in turn; what is not
 * in memory is read ahead from the log, asynchronously, and the pump goes on when it has come.  Every delivery is
 * settled exactly once by its link: accepted (gone), released or returned (ready again in its old place, marked
 * redelivered), or rejected (dead).
 *
 * A queue may have an owner that wants its dead.  What dies then waits in a grave, in flight on no link, until the
 * owner has been told at the end of the turn, and has buried it.
 *
 * May not: know a protocol. */
#ifndef TAMBO_QUEUE_QUEUE_H
#define TAMBO_QUEUE_QUEUE_H

#include "base/heap.h"
#include "base/list.h"
#include "io/io.h"
#include "log/log.h"
#include "queue/message.h"

struct queue;

/* A transaction under way (tx.c). */
struct tx_list {
    uint8_t *bytes;
    uint32_t used, room;
};
struct tx {
    bool open;     /* and in the log */
    bool admitted; /* memory was asked for beforehand: nothing in it is refused because that is tight */
    struct tx_list held, settled;
};

/* What all queues of a shard share. */
struct evacuation;
struct queue_host {
    struct mem *mem;
    struct io *io;
    struct log *log; /* NULL: nothing is durable (tier memory) */
    struct list all, dirty;
    struct list mourning; /* queues with dead to tell of */
    struct heap expiries; /* of pages, by the wall clock's milliseconds */
    struct io_timer expiry, soon;
    struct evacuation *evacuation;
    struct tx tx;
    bool tight;           /* memory is in its last part: what would only wait in it is refused */
    uint64_t ahead_bytes; /* of buffers that queues read ahead into */
    /* counters */
    uint64_t entries, bytes;
    uint64_t dropped, expired; /* by a limit; by age */
    uint64_t damaged;          /* their bodies could not be read back */
    uint64_t expiries_missed;  /* no memory to remember when */
};

void queue_host_init(struct queue_host *host, struct mem *mem, struct io *io, struct log *log);
void queue_host_fini(struct queue_host *host);
/* End of the turn: tells owners of their dead, writes the turn's settlements as runs, pages out what is too much.
 * Before log_flush(). */
void queue_host_turn(struct queue_host *host);

enum queue_overflow { QUEUE_REJECT, QUEUE_DROP_OLDEST, QUEUE_DROP_NEWEST };

/* Of a queue with an owner, count_max and bytes_max bound what is ready, and the bytes of its bodies, as RabbitMQ has
 * it; of any other, what is in flight as well, and the bytes of its records. */
struct queue_limits {
    uint64_t count_max, bytes_max;
    enum queue_overflow overflow;
    uint64_t ttl_ms;         /* from env.published_ms on; 0: delivered at once or dead; UINT64_MAX: none */
    uint32_t delivery_limit; /* so many returns are forgiven, the next is death; 0: any number */
};

/* What one entry says beside where its body is. */
struct entry_meta {
    uint32_t subscription_id; /* 28 bits; 0: none; a queue with an owner does not keep it */
    uint8_t qos;              /* granted to this queue's owner: 0..2 */
    bool retain;              /* to be shown to the receiver */
    uint32_t deliveries;      /* how often it was returned; not packed: the queue remembers it apart */
};
uint32_t entry_meta_pack(struct entry_meta meta);
struct entry_meta entry_meta_unpack(uint32_t packed);

/* One publication on its way, shared by all queues that take it. */
struct publication {
    struct envelope env;
    struct message *message; /* made when the first transient queue keeps it; the publication's own reference */
    uint64_t position;       /* of its record in the log; 0: not stored */
    uint32_t bytes;          /* of that record */
};

/* A delivery to a link.  `pub` is borrowed for the call.  The link has been debited one credit. */
struct link;
struct link_ops {
    void (*deliver)(struct link *link, uint64_t seq, struct publication *pub, struct entry_meta meta, bool redelivered);
    /* An entry that this link holds in flight expired or was purged: forget it. */
    void (*revoked)(struct link *link, uint64_t seq);
};
struct link {
    const struct link_ops *ops;
    struct queue *queue;
    struct list all; /* in queue->links */
    uint32_t number; /* among the queue's links */
    uint32_t credit; /* its owner may lower it; link_credit() raises it */
    uint32_t flight; /* deliveries not yet settled */
    int32_t priority;
};

/* ---- owners and the dead ---------------------------------------------------------------------------------------- */

enum queue_death { QUEUE_DEATH_EXPIRED, QUEUE_DEATH_MAXLEN, QUEUE_DEATH_REJECTED, QUEUE_DEATH_DELIVERY_LIMIT };
enum { DEAD_A_TURN = 256 };

/* Called from queue_host_turn() only.  They may publish and settle; they may not free the queue. */
struct queue_owner;
struct queue_owner_ops {
    /* This entry died; `pub` is borrowed for the call.  It stays in its grave until the owner calls queue_bury() or
     * queue_exhume(), now or later; after a restart it is ready again, and dies once more.  At most DEAD_A_TURN a queue
     * and turn, or as many as died in this turn.  In order of seq among those that wait.  NULL: what dies is dropped.
     */
    void (*dead)(struct queue_owner *owner, uint64_t seq, struct publication *pub, struct entry_meta meta,
                 enum queue_death reason);
    /* Entries came or left in this turn.  NULL: nobody asks. */
    void (*changed)(struct queue_owner *owner);
};
struct queue_owner {
    const struct queue_owner_ops *ops;
};

/* `id` is unique in the shard for ever. `durable`: its entries are facts in the log (when the host has one). */
int queue_new(struct queue_host *host, uint32_t id, bool durable, struct queue_limits limits, struct queue **ret);
/* Forgets everything in memory, drops its holds on the log.  Links are detached.  Records nothing. */
void queue_free(struct queue *queue);

uint32_t queue_id(const struct queue *queue);
bool queue_durable(const struct queue *queue);
uint64_t queue_ready(const struct queue *queue);
uint64_t queue_flight(const struct queue *queue); /* on links; the dead do not count */
uint64_t queue_count(const struct queue *queue);  /* ready + in flight */
uint64_t queue_dead(const struct queue *queue);   /* in their graves */
uint64_t queue_bytes(const struct queue *queue);
uint64_t queue_ready_bytes(const struct queue *queue); /* of bodies; of a queue with an owner only */
/* For all queues that there are and that have no owner. */
void queue_host_limit(struct queue_host *host, struct queue_limits limits);
/* For this one, from now on: what is too much is dropped at the end of this and the next turns; ttl_ms is for what
 * comes after. */
void queue_limit(struct queue *queue, struct queue_limits limits);
/* Before the first push and before replay; may be changed later.  NULL: none. */
void queue_own(struct queue *queue, struct queue_owner *owner);
/* Its dead is done with: gone, and recorded.  False: this seq is in no grave. */
bool queue_bury(struct queue *queue, uint64_t seq);
/* The owner could not take it now: it will be told of it again a little later. */
bool queue_exhume(struct queue *queue, uint64_t seq);

/* Would it take this one more?  0 (and room for it is reserved), -ERR_FULL for a rejecting queue,
 * -ERR_TIGHT for what would only wait in memory when that is short, -ERR_NO_MEMORY. */
int queue_admits(struct queue *queue, const struct envelope *env);
/* The seq that the next push will get: for the record that is written before it. */
uint64_t queue_next_seq(const struct queue *queue);
/* Appends.  Durable: pub->position must be set.  Delivers at once, out of `pub`, when nothing waits before it and a
 * link has credit. 0, -ERR_FULL, -ERR_NO_MEMORY (durable: it is in the log and will be found again after a restart, so
 * a durable push needs no memory beyond a page now and then, and reserves that in queue_admits()). */
int queue_push(struct queue *queue, struct publication *pub, struct entry_meta meta);

void link_attach(struct link *link, struct queue *queue, const struct link_ops *ops);
/* After link_attach and before the first credit: of links with credit the one of the highest priority is served first;
 * 0 at first. */
void link_rank(struct link *link, int32_t priority);
/* What it holds in flight is released.  When that is nothing, nobody is delivered to. */
void link_detach(struct link *link);
/* More credit; pumps. */
void link_credit(struct link *link, uint32_t more);
void queue_pump(struct queue *queue);

/* Settlement by the link that holds `seq`; false: it does not (already settled or never delivered). `record` false: the
 * caller writes a record of its own that says so (RECORD_RELEASE). */
bool link_accept(struct link *link, uint64_t seq, bool record);
bool link_release(struct link *link, uint64_t seq);
/* As release, and it counts: entry_meta.deliveries is one more from now on, and beyond delivery_limit it dies. */
bool link_return(struct link *link, uint64_t seq);
/* It dies. */
bool link_reject(struct link *link, uint64_t seq);
/* After recovery: mark an entry that was ready as in flight on this link, under its old delivery.  False: it is not
 * there any more. */
bool link_adopt(struct link *link, uint64_t seq);
/* Reads one entry that the link holds in flight, to send it again: calls deliver() with redelivered, now or when it was
 * read. */
int link_again(struct link *link, uint64_t seq);

/* The oldest that is ready dies of its limit; false: there is none, or it is being read from disk. */
bool queue_drop_oldest(struct queue *queue);
/* Removes everything that is ready; returns how many. */
uint64_t queue_purge(struct queue *queue);

/* ---- transactions ----------------------------------------------------------------------------------------- */

/* How much it will be: so many publications and settlements, with so many bytes. */
struct tx_size {
    uint32_t publishes, settles;
    uint64_t bytes;
};
/* Everything that is published and settled from here to the commit is in the log whole or, after a crash, not at all.
 * In one go: no turn may end between.  0, or -ERR_DISK_FULL, -ERR_DISK, -ERR_NO_MEMORY and then nothing was begun. */
int queue_tx_begin(struct queue_host *host, const struct tx_size *size);
/* 0, or what log_append says: then a crash loses all of it, and it may not be confirmed. */
int queue_tx_commit(struct queue_host *host);

/* ---- recovery and checkpoint ------------------------------------------------------------------------------ */

/* Replay: an entry at `seq` whose body is at `position`; nothing when the queue knows it already.  The queue's limits
 * must be set: they say when it expires. */
int queue_restore(struct queue *queue, uint64_t seq, uint64_t position, uint32_t bytes, const struct envelope *env,
                  struct entry_meta meta);
/* RECORD_RETURN and RECORD_DELIVERED. */
int queue_restore_return(struct queue *queue, uint64_t seq, uint32_t count);
void queue_restore_delivered(struct queue *queue, uint64_t seq);
int queue_restore_settle(struct queue *queue, uint64_t seq, uint64_t count);
int queue_restore_move(struct queue *queue, uint64_t seq, uint64_t position, uint32_t bytes);
/* Replay of a RECORD_PAGE of this queue. */
int queue_restore_page(struct queue *queue, uint64_t position, struct view record);
/* The queue as it stands, as checkpoint records (RECORD_QUEUE): pages on disk are named by their position, entries in
 * memory are told one by one; what can leave memory does so first.  0, -ERR_NO_MEMORY, or what log_checkpoint_put says.
 */
int queue_checkpoint(struct queue *queue);
/* One of those records. */
int queue_restore_pages(struct queue *queue, struct view record);

/* Compaction: appends anew (RECORD_MOVE) what queues hold in `segment`, about `bytes` a turn; `done` when nothing is
 * left in it, or when the log refused.  One at a time a host. */
int queue_evacuate(struct queue_host *host, uint32_t segment, uint64_t bytes, io_fn *done, void *arg);

#endif
