/* session/host.h - what a protocol's sessions ask of the shard they live in, and what they tell it.
 *
 * Sessions of all protocols on a shard share its exchange, queues, log, retained values and wheel, directly: those are
 * rooms below.  What only the shard can do (other shards, epochs, the registry of settings) it offers here.
 *
 * Epochs.  Everything a turn stores belongs to the turn's epoch; epochs are done in order, when the shard's log has
 * committed and the other shards that were sent something have too.  An answer that promises something durable is held
 * until its epoch is done: the session keeps it and lists itself with host_hold; the shard calls it when epochs are
 * done. */
#ifndef TAMBO_SESSION_HOST_H
#define TAMBO_SESSION_HOST_H

#include "base/mem.h"
#include "base/wheel.h"
#include "io/io.h"
#include "log/log.h"
#include "queue/delayed.h"
#include "queue/exchange.h"
#include "queue/retained.h"

struct session_host;

/* A session that waits for epochs.  Embedded; zeroed and holder_init()ed. */
struct holder {
    struct list link;
    /* Epochs up to `done` are durable: release what waited for them.  List again (host_hold) while more is held. */
    void (*released)(struct holder *holder, uint64_t done);
};

/* What one shard counts; the node adds them up for $SYS. */
/* clang-format off */
#define COUNTERS(COUNTER)               \
    COUNTER(connections)                \
    COUNTER(connections_refused)        \
    COUNTER(connects)                   \
    COUNTER(sessions)                   \
    COUNTER(sessions_durable)           \
    COUNTER(subscriptions)              \
    COUNTER(subscriptions_shared)       \
    COUNTER(packets_in)                 \
    COUNTER(packets_out)                \
    COUNTER(bytes_in)                   \
    COUNTER(bytes_out)                  \
    COUNTER(publishes_in)               \
    COUNTER(publishes_out)              \
    COUNTER(publish_bytes_in)           \
    COUNTER(publish_bytes_out)          \
    COUNTER(publishes_dropped)          \
    COUNTER(publishes_refused)          \
    COUNTER(sessions_expired)           \
    COUNTER(protocol_errors)
/* clang-format on */

struct counters {
#define COUNTER_FIELD(name) uint64_t name;
    COUNTERS(COUNTER_FIELD)
#undef COUNTER_FIELD
};

enum severity { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

/* What becomes of the messages that wait here in a shared subscription's group. */
enum group_fate {
    GROUP_STAYS,  /* they are for the members here */
    GROUP_LEAVES, /* nobody is here for them, but somebody is on another shard */
    GROUP_ENDS,   /* the group has no member anywhere */
};

struct session_host_ops {
    /* Which shard owns the session of this client (it may be this one). */
    unsigned (*owner)(struct session_host *host, struct view client_id);
    /* Hands a connection over to that shard, with the bytes it has sent so far (copied); the stream is gone from here.
     */
    int (*migrate)(struct session_host *host, unsigned shard, struct io_stream *stream, struct view bytes);
    /* Publishes: to this shard's targets and to the others'.  As exchange_publish; sets out->stored when an
     * acknowledgement must wait for the epoch.  With env.retain the retained value is set, everywhere, in the same
     * epoch. */
    int (*publish)(struct session_host *host, struct outgoing *out);
    /* A filter gained its first, or lost its last, taker on this shard: the other shards are told.  `group` is empty
     * but for shared subscriptions, whose members with a connection are `online`. */
    void (*filter_changed)(struct session_host *host, struct view filter, struct view group, uint32_t members,
                           uint32_t online);
    /* The other shards may forget the receipt of a QoS 2 publication (packet id 0: all of this session's).  0 or -err.
     */
    int (*forget)(struct session_host *host, uint32_t session, uint16_t packet_id);
    /* A shared subscription's group is spread over the shards that have members.  Asked by the group's hop in plan():
     * is this publication for the members here?  False: another shard's have been chosen. */
    bool (*group_here)(struct session_host *host, struct view filter, struct view group, const struct outgoing *out);
    enum group_fate (*group_fate)(struct session_host *host, struct view filter, struct view group);
    /* Hands a message that waits in the group here to another shard with members.  It is there when the epoch is done.
     * 0 or -err. */
    int (*forward)(struct session_host *host, struct view filter, struct view group, const struct envelope *env);
    /* Makes a virtual host, or ends it with everything in it, wherever it lives: done when the epoch is.  0,
     * -ERR_EXISTS, -ERR_NOT_FOUND, -ERR_INVALID (its name), -ERR_NO_MEMORY. */
    int (*vhost)(struct session_host *host, struct view name, bool wanted);
    /* The names of all that there are. */
    void (*vhosts)(struct session_host *host, void (*fn)(void *arg, struct view name), void *arg);
    /* One line for the operator: `event` a short constant name, `text` the details. */
    void (*say)(struct session_host *host, enum severity severity, const char *event, const char *text);
};

struct session_host {
    const struct session_host_ops *ops;
    unsigned shard, shards;
    struct mem *mem;
    struct io *io;
    struct log *log; /* NULL: tier memory */
    struct route *route;
    struct exchange exchange;
    struct queue_host queues;
    struct retained *retained;
    struct delayed *delayed;
    struct wheel wheel; /* UTC seconds */
    struct counters counters;
    uint64_t epoch;         /* the current turn's */
    uint64_t epoch_done;    /* all up to here are durable */
    uint64_t epoch_written; /* what all up to here stored in this shard's log is in the kernel's hands */
    struct list holders;
    uint32_t next_id; /* of sessions and queues; never used twice on this shard */
    bool pressed;     /* the log or a lane is short of room: publishers are not read from */
    bool held;        /* a receiver on another shard is behind: whoever feeds it is not read from */
    bool choked;      /* set by a delivery that met a receiver which is behind and waited for */
    bool stopping;
};

/* One line for the operator, as ops->say; as printf has it. */
void host_say(struct session_host *host, enum severity severity, const char *event, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static inline void
host_hold(struct session_host *host, struct holder *holder)
{
    list_push(&host->holders, &holder->link);
}

/* The next id of a session or queue, never used before on this shard. */
static inline uint32_t
host_new_id(struct session_host *host)
{
    return host->next_id++;
}

/* Before memory is so short that publications are refused (queues.tight), their publishers wait. */
static inline bool
host_memory_is_low(const struct session_host *host)
{
    const struct mem *mem = host->mem;
    return mem->bytes_max != 0 && mem->used_bytes > mem->bytes_max - mem->bytes_max / 4;
}

/* Are publishers to wait: for the log, for other shards, for memory? */
static inline bool
host_is_pressed(const struct session_host *host)
{
    return host->pressed || host_memory_is_low(host);
}

static inline uint64_t
host_wall_s(const struct session_host *host)
{
    return io_wall_ms(host->io) / 1000;
}

#endif
