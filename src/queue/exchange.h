/* queue/exchange.h - one publication's way from the trie into queues and out of them.
 *
 * A row in the trie belongs to a hop; a hop leads to a target: a session with its queue, a shared group, another shard.
 * Publishing is two passes over what matched:
 *
 *   plan    each hop adds its target, once however many of its filters match (the highest QoS, all identifiers); or
 *           the publisher's own plan does
 *   store   if a durable queue is among the targets: one record in the log for all of them, or none and a refusal
 *   deliver each target takes it: writes a frame, pushes it on a queue, hands it to the other shard */
#ifndef TAMBO_QUEUE_EXCHANGE_H
#define TAMBO_QUEUE_EXCHANGE_H

#include "queue/queue.h"
#include "queue/record.h"
#include "route/route.h"

enum { DELIVERY_IDS_MAX = 8 };

struct hop;
struct target;
struct outgoing;

/* One target's share of a publication. */
struct delivery {
    struct target *target;
    uint8_t qos; /* to be granted: the lower of published and subscribed, highest of all matching */
    bool retain; /* shown to the receiver (retain as published) */
    uint8_t id_count;
    uint32_t ids[DELIVERY_IDS_MAX]; /* subscription identifiers */
};

struct hop_ops {
    /* Adds its target by exchange_add(), or nothing (no-local). */
    void (*plan)(struct hop *hop, struct outgoing *out);
};
struct hop {
    struct route_row row;
    const struct hop_ops *ops;
};

struct target_ops {
    void (*deliver)(struct target *target, struct outgoing *out, const struct delivery *delivery);
};
struct target {
    const struct target_ops *ops;
    struct queue *queue; /* where QoS above 0 is kept; NULL: nowhere */
    uint64_t stamp;      /* the last publication that planned it, and where */
    uint32_t planned;
    bool hasty;      /* what it stores is acknowledged when it is written, before it is synced */
    bool asks_again; /* takes a repeat too: it is on another shard, or a group */
};

/* A frame encoded once and shared by a fan-out: one slot for each way a protocol version writes it. */
enum { FRAME_SLOTS = 4 };
struct frame_slot {
    uint8_t *bytes;
    size_t len, room;
    uint64_t stamp; /* of the publication it is encoded for */
};

/* A publication being published. */
struct outgoing {
    struct publication pub;
    const void *publisher; /* the session it comes from, for no-local; NULL: none */
    struct exchange *exchange;
    struct receipt receipt; /* QoS 2: what the record remembers; none: 0 */
    bool severally;         /* a queue that rejects it does not keep it from the others; else all take it, or none */
    bool rejected;          /* such a queue did */
    bool overfull;          /* from another shard, which may not be refused: limits of queues do not hold for it */
    /* Calls exchange_add() for each target, in place of the hops of env.topic in the trie; an error refuses the
     * publication.  A target may be added more than once.  NULL: the trie. */
    int (*plan)(struct outgoing *out);
    /* Asked when every queue admits it and before anything is stored; an error refuses it.  NULL: fine. */
    int (*approve)(struct outgoing *out);
    bool groups_only; /* from another shard, for shared subscriptions' groups: everyone else has it, or does not want it
                       */
    bool repeat;      /* taken in before: only for targets that ask again */
    bool stored;      /* something was appended to the log: an acknowledgement waits for the commit */
    bool hasty;       /* and only for targets that are */
    uint32_t matched; /* targets; 0: nobody is there */
};

struct exchange {
    struct mem *mem;
    struct route *route;
    struct queue_host *queues;
    uint64_t stamp;
    struct delivery *deliveries;
    uint32_t count, room;
    uint8_t *head; /* scratch for the record's head */
    size_t head_room;
    struct frame_slot frames[FRAME_SLOTS];
    bool busy;
    bool short_of_memory; /* a delivery of the present plan found no room */
};

void exchange_init(struct exchange *exchange, struct mem *mem, struct route *route, struct queue_host *queues);
void exchange_fini(struct exchange *exchange);

/* Publishes out->pub.env.  0; or, and then nobody has it: -ERR_FULL (a rejecting queue; severally: all of them),
 * -ERR_TIGHT (memory is short), -ERR_DISK_FULL, -ERR_NO_MEMORY, -ERR_TOO_LARGE, -ERR_DISK.  With out->receipt set the
 * receipt is always recorded (in the PUBLISH record, or as a RECORD_RECEIPT of its own when no durable queue took the
 * message), and out->stored says so. Not reentrant: deliver() may not publish. */
int exchange_publish(struct exchange *exchange, struct outgoing *out);
/* The same to one given target, whatever the trie says: a retained value for a new subscriber.  deliver() gets a copy
 * of `delivery`. */
int exchange_send(struct exchange *exchange, struct outgoing *out, const struct delivery *delivery);
/* Every hop in the trie that matches the message's topic, or its routing key as a topic: what plan does when the
 * publisher has none, and part of a publisher's.  0 or -err. */
int exchange_plan_topic(struct outgoing *out);
/* From a hop's plan(). */
void exchange_add(struct outgoing *out, struct target *target, uint8_t qos, bool retain, uint32_t subscription_id);

#endif
