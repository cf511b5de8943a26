/* shard/inner.h - what the files of this room share. */
#ifndef TAMBO_SHARD_INNER_H
#define TAMBO_SHARD_INNER_H

#include "base/map.h"
#include "shard/epoch.h"
#include "shard/lane.h"
#include "shard/shard.h"

/* A shared subscription's group as all shards see it: who has members.  The publisher's shard picks one of them a
 * message. */
struct share {
    struct hop hop; /* leads to whichever other shard was picked; in the trie while any other shard has members */
    struct shard *shard;
    uint64_t hash;
    uint64_t stamp; /* of the publication `picked` was chosen for */
    unsigned picked;
    uint32_t turn; /* of the round */
    struct share_part {
        uint32_t members, online;
    } * parts; /* one a shard */
    uint16_t group_bytes;
    uint32_t filter_bytes;
    uint8_t name[]; /* group, then filter */
};

/* A plain filter that another shard has takers for: MQTT's, or one of AMQP's bindings to amq.topic. */
struct taker {
    struct hop hop;
    struct peer *peer;
    uint64_t hash;
    enum route_syntax syntax;
    uint32_t filter_bytes;
    uint8_t filter[];
};

/* Whom a publication from another shard is for. */
struct arrived {
    struct receipt receipt;
    bool plain;           /* those with plain subscriptions */
    uint16_t share_count; /* and the members of these groups */
    struct cursor shares; /* short group, short filter, ... */
};

/* Who wants a filter on one shard, as it tells the others. */
struct takers {
    enum route_syntax syntax;
    struct view filter, group; /* `group` is empty but for shared subscriptions */
    uint32_t members, online;
};

/* Another shard, as this one sees it. */
struct peer {
    struct target target;
    struct shard *shard;
    unsigned index;
    struct lane *out, *in;
    uint64_t sent, confirmed;    /* numbered frames (PUBLISH, TAKERS) to it, and how many it says are durable */
    uint64_t received, answered; /* the same the other way */
    bool plain;                  /* the present publication has plain takers there */
    struct share **shares;       /* and these groups */
    uint32_t share_count, share_room;
    struct shard_stats stats; /* as it last told */
};

enum checkpoint_step {
    CHECKPOINT_IDLE,
    CHECKPOINT_SHARD,
    CHECKPOINT_CATALOG,
    CHECKPOINT_SESSIONS,
    CHECKPOINT_RETAINED,
    CHECKPOINT_DELAYED,
    CHECKPOINT_SYNC
};

struct checkpoint {
    enum checkpoint_step step;
    uint64_t at;
    uint64_t not_before_ns; /* after a failed one */
};

struct listener {
    struct list link;
    struct shard *shard;
    struct io_listener *io;
};

struct shard {
    struct session_host host;
    const struct shard_settings *settings;
    struct shard_owner owner;
    struct lanes *lanes;
    struct log *log;
    struct catalog_host catalog_host;
    struct catalog *catalog;
    struct mqtt_server *mqtt;
    struct amqp_server *amqp;
    struct zmtp_server *zmtp;

    struct peer *peers; /* one a shard, this one's unused */
    struct map takers, shares, receipts;
    struct map vhosts; /* the names of all there are, on whatever shard */
    struct list vhost_words;
    uint64_t *numbers; /* scratch: one a shard */
    struct marks epochs, dues;
    const struct arrived *arrived; /* the publication at hand came from another shard */
    bool lane_failed;              /* something for another shard found no memory */
    struct io_timer drain_again;

    uint64_t stamp; /* the last given to a retained value */
    bool retaining;
    uint64_t retain_stamp;

    struct checkpoint checkpoint;
    struct io_timer tick;
    struct io_timer soon; /* forces a turn */
    uint64_t sys_due_s, damage_told;
    bool evacuating;

    struct list listeners, doors;
    unsigned door_count;

    bool rooms_open, log_pressed;
    io_fn *stopped;
    void *stopped_arg;
    struct io_timer stop_timer;
    unsigned stop_step;
};

static inline struct shard *
shard_of(struct session_host *host)
{
    return container_of(host, struct shard, host);
}

void shard_say(struct shard *shard, enum severity severity, const char *event, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* door.c: connections before their protocol is known */
void doors_init(struct shard *shard);
void doors_free(struct shard *shard);
void doors_close_listeners(struct shard *shard);
void door_open(struct shard *shard, struct io_stream *stream);
/* Hands over a connection that came from another shard with its first bytes. */
void door_arrived(struct shard *shard, struct io_parcel parcel, struct view bytes);

/* rooms.c: what the catalog asks of the shard, and what all rooms above the queues are asked alike */
int rooms_open(struct shard *shard);
void rooms_free(struct shard *shard);
void rooms_turn(struct shard *shard);
void rooms_pressed(struct shard *shard, bool pressed);
void rooms_shut(struct shard *shard);
unsigned rooms_connections(const struct shard *shard);
/* 0 or -ERR_NO_MEMORY. */
int rooms_restored(struct shard *shard);
/* The queue of this id, whoever owns it.  NULL: it is gone. */
struct queue *rooms_queue(const struct shard *shard, uint32_t id);

/* vhosts.c */
int shard_vhost(struct session_host *host, struct view name, bool wanted);
void shard_vhosts(struct session_host *host, void (*fn)(void *arg, struct view name), void *arg);
bool vhosts_frame(struct shard *shard, struct view body);
void vhosts_turn(struct shard *shard);
/* "/" is there from the first start on; the others learn of those that live here. */
int vhosts_restored(struct shard *shard);
void vhosts_free(struct shard *shard);

/* publish.c */
int shard_publish(struct session_host *host, struct outgoing *out);

/* peer.c: what is sent to the other shards and comes from them */
int peers_init(struct shard *shard);
void peers_free(struct shard *shard);
/* At most about `bytes_max` together; the shard is woken for the rest. */
void peers_drain(struct shard *shard, size_t bytes_max);
void peers_flush(struct shard *shard);
/* Is a lane out of credit, and does another shard want publishers held back?  Tells them when nobody here needs it. */
void peers_feel(struct shard *shard, bool *retpressed, bool *retheld);
void peers_publish_retained(struct shard *shard, struct outgoing *out);
void peers_tell_counters(struct shard *shard);
int peers_tell_takers(struct shard *shard, const struct takers *takers);
/* A numbered frame about a virtual host, for its `n` bytes; NULL: no memory. */
uint8_t *peer_vhost(struct peer *peer, size_t n);
/* One message for the groups that peer->shares names. 0 or -ERR_NO_MEMORY. */
int peer_forward(struct peer *peer, const struct envelope *env);
/* Tells a peer that everything up to `number` is durable here; false: no memory, try again. */
bool peer_answer(struct peer *peer, uint64_t number);
unsigned shard_owner_of(struct session_host *host, struct view client_id);
int shard_migrate(struct session_host *host, unsigned to, struct io_stream *stream, struct view bytes);
bool shard_group_here(struct session_host *host, struct view filter, struct view group, const struct outgoing *out);

/* share.c: which filters and shared groups have takers where */
int takers_changed(struct shard *shard, unsigned from, const struct takers *takers);
void shard_topic_bound(struct shard *shard, struct view filter, bool any);
void shard_filter_changed(struct session_host *host, struct view filter, struct view group, uint32_t members,
                          uint32_t online);
bool share_picks_us(struct shard *shard, struct view filter, struct view group, const struct outgoing *out);
enum group_fate shard_group_fate(struct session_host *host, struct view filter, struct view group);
int shard_forward(struct session_host *host, struct view filter, struct view group, const struct envelope *env);
void takers_free(struct shard *shard);

/* receipt.c: QoS 2 publications of other shards' sessions that were taken in here */
bool receipt_known(const struct shard *shard, const struct receipt *receipt);
int receipt_keep(struct shard *shard, const struct receipt *receipt);
bool receipt_drop(struct shard *shard, const struct receipt *receipt);
/* Drops it, as a fact.  0 or what log_append says. */
int receipt_forget(struct shard *shard, const struct receipt *receipt);
int receipts_checkpoint(struct shard *shard);
void receipts_free(struct shard *shard);
int shard_forget(struct session_host *host, uint32_t session, uint16_t packet_id);

/* recover.c: records back into state */
int recover_replay(void *arg, unsigned kind, uint64_t position, struct view record);

/* upkeep.c: checkpoint and compaction, a piece a turn */
void upkeep_turn(struct shard *shard);
void upkeep_checkpoint(struct shard *shard);

#endif
