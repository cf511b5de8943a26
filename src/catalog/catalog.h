/* catalog/catalog.h - what a virtual host is made of: exchanges, named queues, bindings, policies; and a message's way
 * from an exchange into queues.
 *
 * A virtual host lives on one shard, whole.  Every protocol that knows named queues meets here: a session declares,
 * binds, attaches consumers, and publishes through catalog_plan().  What is durable is a fact in the shard's log, and
 * answers about it wait for the epoch, which is the session's matter.
 *
 *     publish -> xchg --binding--> mq -> its levels, one struct queue a priority -> consumers' links
 *                     \--binding--> xchg ...
 *
 * The exchange `amq.topic` of the virtual host "/" is the trie that MQTT subscribes in.
 * Refusals carry the reply codes and texts of RabbitMQ, which clients have learned to read.
 *
 * May not: know a connection, a frame, a channel. */
#ifndef TAMBO_CATALOG_CATALOG_H
#define TAMBO_CATALOG_CATALOG_H

#include <jansson.h>

#include "queue/delayed.h"
#include "queue/exchange.h"

struct catalog;
struct vhost;
struct xchg;
struct mq;

/* What the catalog asks of its shard; lives as long as it does. */
struct catalog_host {
    struct mem *mem;
    struct io *io;
    struct log *log; /* NULL: nothing is durable */
    struct route *route;
    struct queue_host *queues;
    struct delayed *delayed;
    /* The next id of a queue, never used before on this shard. */
    uint32_t (*new_id)(struct catalog_host *host);
    /* Replay met the id of a queue. */
    void (*seen_id)(struct catalog_host *host, uint32_t id);
    /* As session_host_ops.publish, for dead letters and delayed messages: never from inside a delivery or a plan. */
    int (*publish)(struct catalog_host *host, struct outgoing *out);
    /* amq.topic of "/" gained its first, or lost its last, binding of this filter (MQTT's separators, AMQP's
     * wildcards): the other shards are told. */
    void (*topic_bound)(struct catalog_host *host, struct view filter, bool any);
    /* One line for the operator; severity as in enum severity (session/host.h). */
    void (*say)(struct catalog_host *host, int severity, const char *event, const char *text);
};

/* What a user may set (node/knobs.h); read at each use. */
struct catalog_settings {
    uint32_t queues_max, exchanges_max, bindings_max; /* a virtual host */
    struct queue_limits queue;                        /* of a queue that says nothing itself */
};

/* Why not: a reply code and a text without the code's name. */
struct refusal {
    unsigned code; /* AMQP_NOT_FOUND ... (wire/amqp.h) */
    char text[384];
};

int catalog_new(struct catalog_host *host, const struct catalog_settings *settings, struct catalog **ret);
/* Frees everything in memory; records nothing. */
void catalog_free(struct catalog *catalog);
/* The end of the turn, before queue_host_turn(): what came due in it. */
void catalog_turn(struct catalog *catalog);
/* A delayed publication is due: true when it was this catalog's (its id's top bit is set), and is published now. */
bool catalog_due(struct catalog *catalog, uint64_t id, const struct envelope *env);

/* ---- virtual hosts ------------------------------------------------------------------------------------------ */

enum { VHOST_NAME_BYTES_MAX = 255 };

/* NULL: there is none here. */
struct vhost *catalog_vhost(const struct catalog *catalog, struct view name);
/* Makes it, with its predeclared exchanges; recorded when `durable`.  0, -ERR_EXISTS, -ERR_NO_MEMORY, log_append's. */
int catalog_vhost_new(struct catalog *catalog, struct view name, bool durable, struct vhost **ret);
int catalog_vhost_end(struct vhost *vhost);
/* All of them: after `vhost`, from NULL to NULL. */
struct vhost *catalog_vhost_next(const struct catalog *catalog, const struct vhost *vhost);
struct view vhost_name(const struct vhost *vhost);

/* ---- exchanges ---------------------------------------------------------------------------------------------- */

struct exchange_spec {
    struct view name, type;
    bool durable, auto_delete, internal;
    struct view arguments; /* a field table without its length */
};
/* Each returns 0, or -err: -ERR_REFUSED with `why` filled; -ERR_NO_MEMORY, or what log_append says, with `why` as 541
 * or 506. *retstored (may be NULL): a fact was recorded, the answer waits for the epoch. */
int xchg_declare(struct vhost *vhost, const struct exchange_spec *spec, bool *retstored, struct refusal *why);
struct xchg *xchg_find(const struct vhost *vhost, struct view name); /* NULL: none */
bool xchg_internal(const struct xchg *xchg);
int xchg_delete(struct vhost *vhost, struct view name, bool if_unused, bool *retstored, struct refusal *why);

enum binding_kind { BIND_QUEUE, BIND_XCHG };
struct binding_spec {
    struct view source, destination, key, arguments;
    enum binding_kind kind; /* what `destination` names */
};
int binding_add(struct vhost *vhost, const struct binding_spec *spec, bool *retstored, struct refusal *why);
/* Unbinding what is not bound is fine, as RabbitMQ has it. */
int binding_cut(struct vhost *vhost, const struct binding_spec *spec, bool *retstored, struct refusal *why);

/* ---- named queues ------------------------------------------------------------------------------------------- */

struct queue_spec {
    struct view name; /* empty: the server names it amq.gen-... */
    bool durable, exclusive, auto_delete;
    struct view arguments;
    const void *owner; /* exclusive: whose, opaque */
};
/* Existing and equivalent: that one.  *retfresh (may be NULL): it was made now. */
int mq_declare(struct vhost *vhost, const struct queue_spec *spec, struct mq **ret, bool *retfresh, bool *retstored,
               struct refusal *why);
struct mq *mq_find(const struct vhost *vhost, struct view name);
/* *retcount: ready messages that went with it. */
int mq_delete(struct mq *mq, bool if_unused, bool if_empty, uint64_t *retcount, bool *retstored, struct refusal *why);
uint64_t mq_purge(struct mq *mq);
/* All exclusive queues of this owner are deleted: its connection is gone. */
void mq_owner_gone(struct vhost *vhost, const void *owner);

/* What a queue is, for sessions and listings.  Views are good until it changes. */
struct mq_facts {
    struct view name, vhost, arguments;
    bool durable, exclusive, auto_delete, stream, single_active;
    bool spurns; /* what it refuses, being full, is dead-lettered all the same (reject-publish-dlx) */
    const void *owner;
    uint64_t ready, unacked, ready_bytes; /* of bodies */
    uint32_t consumers;
    enum tier tier;     /* what a confirm means */
    struct view policy; /* the name of the one applied; empty: none */
    uint8_t priorities; /* levels beyond 0 */
};
void mq_facts(const struct mq *mq, struct mq_facts *ret);
/* Are its consumers told how often a message came back?  Those of quorum queues are, and of
 * queues with x-delivery-limit. */
bool mq_counts(const struct mq *mq);
/* Asked for a message it does not have: that is a use too, for x-expires. */
void mq_used(struct mq *mq);

/* ---- consumers ---------------------------------------------------------------------------------------------- */

struct mq_consumer;
struct mq_consumer_ops {
    /* A message for it; settle by link_accept(), link_release(), link_return() or link_reject() with this link and seq.
     * Of a stream: link is NULL, there is nothing to settle, and its offset is seq - 1.  Debited one of its credit. May
     * not attach, detach, declare, delete or publish. */
    void (*deliver)(struct mq_consumer *consumer, struct link *link, uint64_t seq, struct publication *pub,
                    struct entry_meta meta, bool redelivered);
    /* An entry it holds in flight is gone (purged with its queue, damaged). */
    void (*revoked)(struct mq_consumer *consumer, struct link *link, uint64_t seq);
    /* The queue is gone: the consumer is detached already. */
    void (*cancelled)(struct mq_consumer *consumer);
};
/* Embedded by the session; zeroed.  One struct tap a level of the queue is the catalog's. */
struct mq_consumer {
    const struct mq_consumer_ops *ops;
    struct mq *mq; /* NULL: not attached */
    struct list all;
    struct mq_tap *taps;
    struct mq_reader *reader; /* of a stream, in place of taps */
    uint32_t credit;
    int32_t priority;
    bool exclusive, active;
    bool counted;  /* the catalog's: it is one of the queue's consumers */
    bool browsing; /* it is a basic.get: does not count as a consumer */
};
/* Priority and exclusiveness are set in `consumer` before.  0, -ERR_REFUSED (403 exclusive use), -ERR_NO_MEMORY.
 * `arguments`: x-stream-offset and what else the queue wants to know. */
int mq_attach(struct mq *mq, struct mq_consumer *consumer, struct view arguments, struct refusal *why);
/* It gets no more and is none of the queue's consumers from now on, but goes on holding what it has in flight:
 * basic.cancel. mq_detach() is still to follow. */
void mq_cancel(struct mq_consumer *consumer);
/* What it holds in flight goes back, flagged.  Whose connection was lost calls link_return() for each before. */
void mq_detach(struct mq_consumer *consumer);
/* So many more may be delivered to it from now on, over all levels; lower takes back.  Pumps. */
void mq_credit(struct mq_consumer *consumer, uint32_t credit);

/* ---- a message's way ---------------------------------------------------------------------------------------- */

/* A publication to an exchange.  `out` first: out.plan finds the rest by container_of. */
struct catalog_publish {
    struct outgoing out;
    struct vhost *vhost;
    struct xchg *xchg;
    struct view headers; /* the message's headers table, set by the caller; empty: none */
    bool delayed;        /* an x-delayed-message exchange has taken it for later: it is not unroutable */
    bool automatic;      /* a dead letter that nobody rejected: queues that it has died in already are passed by */
};
/* Sets out.plan and the rest; out.pub.env is filled by the caller (encoding AMQP 0-9-1: queue/message.h), its topic
 * being the routing key.  Publishing may say -ERR_INVALID: a CC or BCC header is not an array.  When the message has a
 * BCC header it is taken out of it: out.pub.env.props then looks into the catalog's memory, till the next publication.
 */
void catalog_publish_init(struct catalog_publish *publish, struct vhost *vhost, struct xchg *xchg);

/* A row of a session's own in amq.topic of "/", beside its bindings: `filter` as ROUTE_TOPICS_AMQP has them.  The other
 * shards are told.  0, or what route_add() says. */
int catalog_topic_join(struct catalog *catalog, struct view filter, struct hop *hop);
void catalog_topic_leave(struct catalog *catalog, struct view filter, struct hop *hop);

/* ---- policies and definitions ------------------------------------------------------------------------------- */

/* Would it be set?  Changes nothing. */
int policy_check(struct vhost *vhost, struct view name, const json_t *policy, struct refusal *why);
int policy_set(struct vhost *vhost, struct view name, const json_t *policy, struct refusal *why);
int policy_clear(struct vhost *vhost, struct view name, struct refusal *why);
/* As RabbitMQ's definitions of one virtual host; NULL: no memory. */
json_t *catalog_export(const struct vhost *vhost);
int catalog_import(struct vhost *vhost, const json_t *definitions, struct refusal *why);
/* Lists for people and tools: arrays of objects with RabbitMQ's management API's field names. */
json_t *catalog_list_queues(const struct vhost *vhost);
json_t *catalog_list_exchanges(const struct vhost *vhost);
json_t *catalog_list_bindings(const struct vhost *vhost);
json_t *catalog_list_policies(const struct vhost *vhost);

/* ---- recovery and checkpoint -------------------------------------------------------------------------------- */

/* Replay of RECORD_VHOST .. RECORD_POLICY_END.  0 or -err. */
int catalog_restore(struct catalog *catalog, unsigned kind, struct view record);
/* The queue of id, while replaying.  NULL: it is gone, or none of the catalog's. */
struct queue *catalog_queue(const struct catalog *catalog, uint32_t id);
/* Replay is over: clocks start, other shards are told of amq.topic's bindings.  0 or -ERR_NO_MEMORY. */
int catalog_restored(struct catalog *catalog);
/* As mqtt_server_checkpoint(): 1 while there is more, 0 at the end, or -err. */
int catalog_checkpoint(struct catalog *catalog, uint64_t *at, unsigned most);

struct catalog_stats {
    uint64_t vhosts, exchanges, queues, bindings, consumers;
};
void catalog_stats(const struct catalog *catalog, struct catalog_stats *ret);

#endif
