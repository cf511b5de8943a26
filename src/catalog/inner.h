/* catalog/inner.h - what the files of this room share. */
#ifndef TAMBO_CATALOG_INNER_H
#define TAMBO_CATALOG_INNER_H

#include <regex.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/must.h"
#include "base/wheel.h"
#include "catalog/catalog.h"
#include "queue/stream.h"
#include "wire/amqp.h"

/* What a checkpoint walks, in order of making: nothing is told before what it needs. */
enum kept_kind { KEPT_CURSOR, KEPT_VHOST, KEPT_XCHG, KEPT_MQ, KEPT_BINDING, KEPT_POLICY };
struct kept {
    struct list link; /* in catalog->keeping */
    enum kept_kind kind;
};

struct catalog {
    struct catalog_host *host;
    const struct catalog_settings *settings;
    struct map vhosts;   /* by name */
    struct map queues;   /* struct mq_level by queue id */
    struct list all;     /* of struct vhost, in order of making */
    struct list due;     /* struct mq: something is to be done with it at the end of the turn (mq_soon) */
    struct list spurned; /* what full queues have refused and dead-letter nevertheless, until the turn's end (dead.c) */
    struct list keeping; /* struct kept */
    struct kept cursor;  /* of the checkpoint */
    struct map filters;  /* amq.topic of "/": struct bound_filter, what the other shards know of */
    struct list walk;    /* struct xchg: still to be passed by the publication being planned */
    uint8_t *scratch;    /* a message's properties written anew; good for one publication */
    size_t scratch_room;
    uint64_t delay_id;    /* the last one given out */
    struct io_timer wake; /* there are some due: the loop is to turn once more */
    bool restoring;
};

struct vhost {
    struct catalog *catalog;
    struct list link; /* in catalog->all */
    struct kept kept;
    struct map exchanges, queues;
    struct map bindings;    /* by all that tells one from another */
    struct list xchgs, mqs; /* in order of making */
    struct list exclusives; /* of struct mq, by mq->exclusives */
    struct list policies;   /* highest priority first */
    struct xchg *fallback;  /* the default exchange "" */
    bool durable;
    bool shares_trie; /* it is "/": amq.topic is the shard's trie */
    uint16_t name_bytes;
    uint8_t name[];
};

/* With its predeclared exchanges; records nothing.  0, -ERR_INVALID (the name), -ERR_EXISTS, -ERR_NO_MEMORY. */
int vhost_make(struct catalog *catalog, struct view name, bool durable, struct vhost **ret);
/* Forgets it with all that is in it. */
void vhost_free(struct vhost *vhost);

/* ---- exchanges and bindings (xchg.c, binding.c, plan.c, one file a type where it has state) -------------------- */

enum xchg_type { XCHG_DEFAULT, XCHG_DIRECT, XCHG_FANOUT, XCHG_TOPIC, XCHG_HEADERS, XCHG_HASH };

struct xchg {
    struct vhost *vhost;
    struct list link; /* in vhost->xchgs */
    struct list walk; /* in catalog->walk */
    struct kept kept;
    uint64_t stamp;        /* of the last publication that came through: each exchange once */
    struct list bindings;  /* from here, in order of making */
    struct list feeds;     /* bindings that lead here */
    struct map keys;       /* direct: struct binding by key */
    struct route *route;   /* topic: its own trie, or the shard's */
    struct ring *ring;     /* x-consistent-hash */
    struct view alternate; /* name, into arguments or its policy's definition; empty: none */
    const struct policy *policy;
    enum xchg_type type;
    bool durable, auto_delete, internal, predeclared, delays /* x-delayed-message */;
    bool had_bindings; /* auto-delete waits for the first */
    uint8_t *arguments;
    uint32_t arguments_bytes;
    uint16_t name_bytes;
    uint8_t name[];
};

struct binding {
    struct hop hop; /* topic: its row in the trie; plan() routes on to the destination */
    struct xchg *source;
    struct mq *mq; /* destination: one of the two */
    struct xchg *xchg;
    struct list from; /* in source->bindings */
    struct list to;   /* in mq->bindings or xchg->feeds */
    struct kept kept;
    struct binding *next_same; /* direct: of the same key */
    uint32_t key_bytes, arguments_bytes;
    uint8_t bytes[]; /* key, arguments */
};

/* What the definitions of RabbitMQ call it. */
struct view xchg_type_name(const struct xchg *xchg);
/* Would a declaration of this be fine?  Changes nothing. */
int xchg_check(const struct vhost *vhost, const struct exchange_spec *spec, struct refusal *why);
/* Is it just this? */
bool xchg_is(const struct xchg *xchg, const struct exchange_spec *spec);
/* Makes one that was checked, and records nothing: for a declaration, for a virtual host's birth, and for replay. */
int xchg_make(struct vhost *vhost, const struct exchange_spec *spec, struct xchg **ret);
/* Forgets it with its bindings, and auto-delete exchanges that led to it only.  Records those, and not itself. */
void xchg_drop(struct xchg *xchg);

/* Checked against its source, and made: records nothing.  The one that exists when there is one. */
int binding_make(struct vhost *vhost, const struct binding_spec *spec, struct binding **ret, struct refusal *why);
/* NULL: there is none. */
struct binding *binding_find(const struct vhost *vhost, const struct binding_spec *spec);
/* A direct exchange's first of this key; the others follow by next_same.  NULL: none. */
struct binding *binding_by_key(const struct xchg *xchg, struct view key);
bool binding_durable(const struct binding *binding);
/* Nothing else happens. */
void binding_free(struct binding *binding);
static inline struct view
binding_key(const struct binding *b)
{
    return view_of(b->bytes, b->key_bytes);
}
static inline struct view
binding_arguments(const struct binding *b)
{
    return view_of(b->bytes + b->key_bytes, b->arguments_bytes);
}

/* In the trie of its exchange (topic.c), or in the ring of hashes (ring.c); a hop's plan (plan.c). */
int topic_join(struct binding *binding);
void topic_leave(struct binding *binding);
void topics_announce(struct catalog *catalog);
int ring_new(struct xchg *xchg);
void ring_free(struct xchg *xchg);
int ring_check_arguments(struct view arguments, struct refusal *why);
int ring_check(struct view key, struct refusal *why);
int ring_join(struct binding *binding);
void ring_leave(struct binding *binding);
/* Where this publication belongs; NULL: nothing is bound. */
struct binding *ring_pick(const struct xchg *xchg, const struct envelope *env, struct view key, struct view headers);
extern const struct hop_ops binding_hop_ops;

/* Headers exchanges (headers.c). */
int headers_check(struct view arguments, struct refusal *why);
bool headers_match(struct view arguments, struct view headers);

/* The message's properties with their headers written anew into the catalog's scratch: without BCC, or with x-delay
 * negated and the names of a virtual host and an exchange before. */
int props_without_bcc(struct catalog *catalog, const struct envelope *env, struct view *ret);
int props_delayed(const struct xchg *xchg, const struct envelope *env, struct view *ret);
/* The latter, taken apart; false: it is none. */
bool props_resume(struct envelope *env, struct view *retvhost, struct view *retexchange);

/* Later (delay.c): how long this exchange keeps a message with these headers; 0: it does not. */
uint32_t delay_of(const struct xchg *xchg, struct view headers);
int delay_put(const struct xchg *xchg, uint32_t delay_ms, struct outgoing *out);

/* A queue is going: its bindings go, and auto-delete exchanges with them. Records nothing: RECORD_MQ_END says it all.
 */
void bindings_drop(struct list *to);
/* The publication takes this queue: the right level's target is added (mq.c).  `out` may be MQTT's as well. */
void mq_plan(struct mq *mq, struct outgoing *out);
/* What a plan of this room is part of; NULL: `out` is not such a one, it came by the shard's trie. */
struct catalog_publish *catalog_publish_of(struct outgoing *out);
/* Publishes to an exchange by name from inside the house (dead letters); what is gone is 0 and nothing happens.
 * `automatic`: as in struct catalog_publish. */
int catalog_send(struct vhost *vhost, struct view exchange, const struct envelope *env, struct view headers,
                 bool automatic);

/* ---- named queues (mq.c, mq_arguments.c, consumer.c, dead.c) ---------------------------------------------------- */

/* One priority: made when it is first used, but for the lowest. */
struct mq_level {
    struct target target; /* target.queue */
    struct queue_owner owner;
    struct mq *mq;
    uint8_t priority;
};

/* What arguments and policy together say. */
struct mq_rules {
    struct queue_limits limits;
    uint64_t expires_ms;                 /* of the queue itself, unused; 0: never */
    struct view dead_exchange, dead_key; /* into the queue's own copy */
    bool dead_letters, dead_key_set;     /* x-dead-letter-exchange / -routing-key were given (they may be "") */
    bool dead_at_least_once;
    bool reject_dlx; /* x-overflow reject-publish-dlx */
    bool single_active, quorum, stream;
    uint8_t priority_max;
    enum tier tier;
};

struct mq {
    struct vhost *vhost;
    struct list link; /* in vhost->mqs */
    struct list due;  /* in catalog->due */
    struct list exclusives;
    struct kept kept;
    struct mq_level **levels; /* rules.priority_max + 1, NULL: not made */
    struct list bindings;     /* that lead here */
    struct list consumers;    /* struct mq_consumer, in order of attaching */
    uint32_t consumer_count;
    struct io_timer timer; /* x-expires */
    uint64_t used_ns;      /* when it was last used, for x-expires */
    struct mq_rules rules;
    const struct policy *policy;
    const void *owner;
    bool durable, exclusive, auto_delete;
    bool taken;  /* by an exclusive consumer */
    bool ending; /* its last consumer has gone: mq_turn() deletes it, and nobody finds it before */
    bool untold; /* a level was made, and the log has refused the record that says so */
    uint16_t level_count;
    uint8_t *arguments;
    uint32_t arguments_bytes;
    uint16_t name_bytes;
    uint8_t name[];
};

/* A consumer at one level of its queue. */
struct mq_tap {
    struct link link;
    struct mq_consumer *consumer;
    struct mq_tap *next; /* of its consumer, a lower level */
    uint8_t priority;
};

/* A consumer of a stream. */
struct mq_reader {
    struct stream_reader reader;
    struct mq_consumer *consumer;
};

static inline struct view
mq_name(const struct mq *mq)
{
    return view_of(mq->name, mq->name_bytes);
}
static inline struct view
xchg_name(const struct xchg *x)
{
    return view_of(x->name, x->name_bytes);
}

/* Is it still there after a restart?  What is exclusive dies with its connection. */
static inline bool
mq_is_kept(const struct mq *mq)
{
    return mq->durable && !mq->exclusive;
}
/* For catalog->queues. */
static inline uint64_t
mq_id_hash(uint32_t id)
{
    return hash_bytes(view_of(&id, sizeof(id)), 0);
}

/* Checked and taken apart (mq_arguments.c): 0, or -ERR_REFUSED and 406 with RabbitMQ's text.  `policy` may be NULL. */
int mq_rules_parse(const struct vhost *vhost, const struct queue_spec *spec, const struct policy *policy,
                   struct mq_rules *ret, struct refusal *why);
/* Is `spec` what the queue was declared as?  0, or -ERR_REFUSED: 405 for another's exclusive queue, 406. */
int mq_equivalent(const struct mq *mq, const struct queue_spec *spec, struct refusal *why);

/* "classic", "quorum" or "stream": what a queue with these arguments is. */
const char *mq_type(struct view arguments);
/* "7D", a number and one of the units YMDhms; what is beyond all time is taken for the end of it. */
bool age_parse(struct view text, uint64_t *retms);

/* The names of the arguments that RabbitMQ compares when a queue is declared again.  NULL: beyond the last. */
const char *mq_argument(size_t nth);
/* Is this a policy's key for queues, and does it say something that can be done? */
bool mq_policy_knows(const char *key);
int mq_policy_check(json_t *definition, struct refusal *why);

/* Makes a queue without levels, and records nothing: for a declaration, which then makes level 0, and for replay. */
int mq_make(struct vhost *vhost, const struct queue_spec *spec, struct mq **ret, struct refusal *why);
/* Its level of this priority, made when it is not there, with the queue `id` (0: a new one).  Records nothing. */
int mq_make_level(struct mq *mq, uint8_t priority, uint32_t id, struct mq_level **ret);
/* Replay is over: its policy is applied, its clock starts. */
void mq_restored(struct mq *mq);
/* Policies changed: the queue's rules are made anew and applied. */
void mq_policy(struct mq *mq);
/* consumer.c: its consumers reach the new level too; one of them is asked again which levels it may have; all are told
 * that the queue is gone, out of `consumers`, which was cut from it. */
int mq_tap_level(struct mq *mq, struct mq_level *level);
void mq_feed(struct mq *mq);
void mq_consumers_free(struct mem *mem, struct list *consumers);
/* stream.c: it gets a reader that begins where `arguments` say: 0, or -ERR_REFUSED 406, -ERR_NO_MEMORY as a refusal;
 * the reader may have what the consumer's credit says now. */
int mq_reader_make(const struct mq *mq, struct mq_consumer *consumer, struct view arguments, struct refusal *why);
void mq_reader_feed(struct mq_consumer *consumer);
void mq_reader_lower(const struct mq_consumer *consumer);
void mq_reader_free(struct mem *mem, struct mq_consumer *consumer);
/* Asks for a mq_turn() from catalog_turn(), which pops catalog->due. */
void mq_soon(struct mq *mq);
/* Of a single active consumer, when it has gone. */
void mq_succeed(struct mq *mq);
void mq_turn(struct mq *mq);
/* Forgets it with its messages and bindings; consumers are told.  Records nothing. */
void mq_free(struct mq *mq);
void xchg_free(struct xchg *xchg);

/* ---- limits of a queue of several levels (length.c) -------------------------------------------------------------- */

/* What a level is made with. */
struct queue_limits length_of_level(const struct mq *mq);
/* Before something is admitted to it: what the other levels leave of the limits. */
void length_leave(struct mq_level *level);
/* What is too much is dropped. */
void length_keep(struct mq *mq);

/* ---- dead letters (dead.c) --------------------------------------------------------------------------------------- */

/* A message's properties, whatever its encoding: false, and *ret is empty, when it has none that AMQP knows. */
bool envelope_properties(const struct envelope *env, struct view *retexchange, struct amqp_properties *ret);
/* Does the automatic dead letter with these headers come round a cycle in which nobody rejected it? */
bool dead_cycles(const struct mq *mq, struct view headers);
/* A publication that its limit refuses, for its dead letter exchange. */
void dead_spurn(struct mq *mq, const struct envelope *env);
/* What a level tells queue/ to do with its dead. */
void dead_own(struct mq_level *level);
/* From catalog_turn(), and from catalog_free() with `publish` false: what was spurned is dead-lettered, or dropped. */
void dead_turn(struct catalog *catalog, bool publish);

/* ---- policies (policy.c) ---------------------------------------------------------------------------------------- */

enum policy_reach { POLICY_QUEUES = 1, POLICY_XCHGS = 2, POLICY_ALL = 3 };
struct policy {
    struct list link;
    struct kept kept;
    struct vhost *vhost;
    int32_t priority;
    enum policy_reach reach;
    json_t *definition;
    struct view name, pattern;
    regex_t regex;
    uint8_t bytes[]; /* name, pattern with its zero */
};
/* As it was given to policy_set(), with its name; NULL: no memory. */
json_t *policy_json(const struct policy *policy);
void policy_free(struct policy *policy);
/* NULL: there is none. */
const struct policy *policy_find(const struct vhost *vhost, struct view name);
/* Policies changed: what the exchange takes from its own is made anew (xchg.c). */
void xchg_policy(struct xchg *xchg);
/* The one of highest priority that matches; NULL: none. */
const struct policy *policy_of(const struct vhost *vhost, struct view name, enum policy_reach reach);

/* ---- declarations of what there is already (equivalence.c) ------------------------------------------------------- */

/* "queue 'NAME' in vhost 'NAME'" */
struct label {
    char text[2 * AMQP_SHORTSTR_MAX + 32];
};
struct label label_of(const char *kind, const struct vhost *vhost, struct view name);
/* Each returns 0, or -ERR_REFUSED and 406 with RabbitMQ's text.  NULL: not given. */
int inequivalent(struct refusal *why, const struct label *l, const char *key, const char *received,
                 const char *current);
int same_flag(struct refusal *why, const struct label *l, const char *key, bool received, bool current);
int same_argument(struct refusal *why, const struct label *l, const char *key, const struct amqp_value *received,
                  const struct amqp_value *current);

/* ---- JSON (field.c: field tables) ------------------------------------------------------------------------------ */

/* One object each, with what a definition of it says (listing.c). */
json_t *mq_json(const struct mq *mq);
json_t *xchg_json(const struct xchg *xchg);
json_t *binding_json(const struct binding *binding);
/* Returns the array, or NULL and it is gone: no memory. */
json_t *json_appended(json_t *array, json_t *item);
json_t *text_json(struct view text);   /* NULL: no memory; what is not UTF-8 has its bytes replaced by `?` */
json_t *field_json(struct view table); /* NULL: no memory */
/* A table out of a JSON object, into memory of `mem` that the caller frees (NULL when it is empty).  0, -ERR_NO_MEMORY,
 * -ERR_INVALID. */
int field_table(struct mem *mem, const json_t *object, uint8_t **ret, size_t *retlen);

/* ---- facts in the log (record.c writes, restore.c reads) -------------------------------------------------------- */

/* Is listed for checkpoints, which ask what is durable; undone by list_cut(&kept->link). */
static inline void
kept_add(struct catalog *catalog, struct kept *kept, enum kept_kind kind)
{
    kept->kind = kind;
    list_init(&kept->link);
    list_push(&catalog->keeping, &kept->link);
}

enum { RECORD_FLAG_AUTO_DELETE = 1, RECORD_FLAG_INTERNAL = 2 };

/* 0 or what log_append says; nothing for what is not durable, nor while restoring (but for a virtual host, which is
 * made by the shard before that is over).  Ends are urgent. */
int record_vhost(const struct vhost *vhost);
int record_vhost_end(const struct vhost *vhost);
int record_xchg(const struct xchg *xchg);
int record_xchg_end(const struct xchg *xchg);
int record_mq(const struct mq *mq); /* again when a level was made: it tells the ids of its queues */
int record_mq_end(const struct mq *mq);
int record_binding(const struct binding *binding);
int record_binding_end(const struct binding *binding);
int record_policy(const struct policy *policy);
int record_policy_end(const struct policy *policy);

/* For printf's %.*s. */
#define VIEW_ARGS(v) (int)(v).len, (const char *)(v).data
/* A refusal as printf has it; returns -ERR_REFUSED. */
int refuse(struct refusal *why, unsigned code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The world's error as a refusal: 506 for what is short, else 541; returns `rc`. */
int refuse_world(struct refusal *why, int rc);

#endif
