/* session/zmtp/role.h - what the files of the ZMTP server share.
 *
 *   server ---- guest: one a peer, with a role by the peer's pattern (one file each)
 *                 |---- kept: runs that found no room yet; the peer is not read from
 *                 |---- tap: its consumer (PULL, REP), or that of the queue of its answers (REQ)
 *                 \---- target: its place among the takers of topics (SUB)
 *
 * Nothing is declared or published from inside a delivery. */
#ifndef TAMBO_SESSION_ZMTP_ROLE_H
#define TAMBO_SESSION_ZMTP_ROLE_H

#include "base/err.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/must.h"
#include "catalog/parts.h"
#include "session/fifo.h"
#include "session/zmtp/peer.h"
#include "session/zmtp/zmtp.h"
#include "wire/amqp.h"

enum {
    ZMTP_OUTBOX_HIGH_BYTES = 1024 * 1024, /* beyond it consumers get no credit */
    ZMTP_OUTBOX_LOW_BYTES = 256 * 1024,
    ZMTP_PARTS_MAX = 1024,         /* frames of a message */
    ZMTP_ANSWERS_MAX = 1000,       /* credit of a queue of answers */
    ZMTP_ENVELOPE_BYTES_MAX = 127, /* of the frames before a request: they are its correlation_id */
};

struct guest;

/* How peers of one pattern are served. */
struct role {
    const char *name; /* of the peer's pattern */
    enum zmtp_pattern own;
    bool topics;  /* served with amq.topic, not with a queue */
    size_t queue; /* in struct zmtp_served: which one when it names none */
    int (*begin)(struct guest *g);
    /* One message came.  0, or -ERR_FULL and the like: it is tried again later, and nothing is read meanwhile.
     * NULL: whatever it says is passed over. */
    int (*take)(struct guest *g, struct view message);
    int (*subscribed)(struct guest *g, struct view prefix, bool on);
    void (*ponged)(struct guest *g, uint32_t number);
    /* It was listed by guest_busy(). */
    void (*turn)(struct guest *g);
    void (*end)(struct guest *g);
};
/* NULL: peers of that pattern are not served. */
const struct role *role_of(enum zmtp_pattern pattern);
extern const struct role role_push, role_pull, role_req, role_dealer, role_rep, role_router, role_pub, role_xpub,
    role_sub, role_xsub;

/* A publication as it goes to all takers of topics that spell it so. */
struct fan {
    uint64_t stamp; /* of the publication */
    uint64_t named; /* of the publication whose topic this is */
    uint8_t *topic;
    size_t topic_len, topic_room;
    struct zmtp_chunk *chunk;
};

struct zmtp_server {
    struct session_host *host;
    const struct zmtp_settings *settings;
    struct catalog *catalog;
    struct amqp_server *amqp;
    struct zmtp_side side;
    struct list guests;
    struct list waiting;      /* guests with kept runs */
    struct map subscriptions; /* of SUBs, by guest and prefix */
    struct list busy;         /* guests with something to be done at the end of the turn */
    struct io_timer again;
    struct fan fans[ZMTP_SPELLINGS];
    unsigned guest_count;
    uint64_t serial; /* of the last guest */
};

/* A delivery that is not settled. */
struct unsettled {
    struct link *link; /* NULL: of a stream, where there is nothing to settle */
    uint64_t seq;
};

struct guest {
    struct zmtp_server *server;
    uint64_t serial;
    struct zmtp_peer *peer;
    const struct role *role; /* NULL: not known yet */
    struct list all, waiting, busy;
    struct list kept; /* struct kept_run */
    enum zmtp_spelling spelling;
    bool ready, leaving;
    bool told;       /* that it waited: once */
    bool configured; /* its queue is the settings' */
    bool durable;    /* its queue was, when it came */
    bool choked;     /* its outbox is over the high mark */
    bool pinged;     /* PING `ping` is not answered */
    uint32_t ping;
    uint32_t covered;       /* PULL: so many of `unsettled` stand before that PING */
    uint32_t delivered;     /* REP: tag of the last request */
    struct mq_consumer tap; /* PULL, REP; REQ: of its answers */
    struct fifo unsettled;  /* PULL: struct unsettled */
    struct list requests;   /* REP: struct request */
    uint32_t request_count;
    struct target target; /* SUB */
    struct list subscriptions;
    uint32_t subscription_count;
    uint64_t dropped; /* SUB: what it was too slow for; PUB: what is no topic */
    char address[64];
    uint8_t queue_len;
    uint8_t queue[AMQP_SHORTSTR_MAX];
    uint8_t answers_len; /* REQ */
    uint8_t answers[AMQP_SHORTSTR_MAX];
};

static inline struct view
guest_queue(const struct guest *g)
{
    return view_of(g->queue, g->queue_len);
}
static inline struct mem *
guest_mem(const struct guest *g)
{
    return g->server->host->mem;
}

/* ---- server.c ---- */

/* NULL: it was deleted. */
struct vhost *zmtp_vhost(const struct zmtp_server *server);
/* The queue of this name, made durable when it is missing; NULL: that cannot be, and has been told. */
struct mq *zmtp_declare(struct zmtp_server *server, struct view name);

/* ---- guest.c: a peer's life ---- */

int guest_new(struct zmtp_server *server, struct io_stream *stream, struct view bytes);
/* Its peer is gone, or goes with it. */
void guest_free(struct guest *g);
/* Something is to be done at the end of the turn. */
void guest_busy(struct guest *g);
/* Leaves the peer, and says why. */
void guest_leave(struct guest *g, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* What found no room is tried again. */
void guest_retry(struct guest *g);
/* No more of it, without a word. */
void guest_shut(struct guest *g);
/* NULL: no memory. */
json_t *guest_json(const struct guest *g);
/* The queue, declared when it is configured and missing; NULL: there is none. */
struct mq *guest_mq(const struct guest *g);

/* ---- posting.c: from a peer into a queue ---- */

struct posting {
    struct view key; /* of the default exchange */
    struct parts parts;
    bool persistent;
    struct view reply_to, correlation_id; /* empty: none */
};
/* 0 and whether anybody was there, or what publishing says. */
int posting_publish(struct guest *g, const struct posting *posting, bool *retrouted);
/* The same to its own queue, which is declared again when it is configured and gone; else the guest is left. */
int posting_enqueue(struct guest *g, const struct posting *posting);
/* Of a message that is in a queue; false: it has none that AMQP knows. */
bool posting_properties(const struct envelope *env, struct amqp_properties *ret);

/* ---- delivery.c: from a queue to a peer ---- */

/* `front`, which is frames with MORE, and the message.  0 or -err, and then the connection ends. */
int delivery_put(struct guest *g, struct view front, const struct envelope *env);
/* As many know it: the topic's frame, and the message; NULL: no memory. */
struct zmtp_chunk *delivery_chunk(struct mem *mem, struct view topic, const struct envelope *env);
/* A message of `bytes` was put. */
void delivery_count(struct guest *g, size_t bytes);
/* Attaches to a queue with these callbacks. */
int delivery_attach(struct guest *g, struct mq *mq, const struct mq_consumer_ops *ops);
/* The same to its own queue, with so much credit. */
int delivery_begin(struct guest *g, const struct mq_consumer_ops *ops, uint32_t window);
/* So many more, unless too much waits to be written. */
void delivery_credit(struct guest *g, uint32_t window);
/* From inside a delivery: so many at most. */
void delivery_lower(struct guest *g, uint32_t window);
/* From inside a delivery: there is no memory to remember it, it goes back, and the guest is left. */
void delivery_refuse(struct guest *g, struct link *link, uint64_t seq);
/* An entry in flight is gone: link_accept() will say so when it comes to that. */
void delivery_revoked(struct mq_consumer *tap, struct link *link, uint64_t seq);

#endif
