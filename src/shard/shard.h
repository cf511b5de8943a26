/* shard/shard.h - one core's share of a node: its sessions, exchange, queues and log on one loop.
 *
 * A shard is used by its loop's thread alone.  Shards of a node talk over lanes (shard/lane.h): rings of batches,
 * handed over at the end of a turn. */
#ifndef TAMBO_SHARD_SHARD_H
#define TAMBO_SHARD_SHARD_H

#include "session/amqp/amqp.h"
#include "session/mqtt.h"
#include "session/zmtp/zmtp.h"

struct shard;
struct lanes;

/* What shard 0 tells the others on the node's behalf. */
enum shard_word { SHARD_RELOAD, SHARD_STOP };

/* What the node hears from its shards, on the shard's own thread. */
struct shard_owner {
    void *arg;
    /* Another shard's shard_tell() came. */
    void (*told)(void *arg, unsigned shard, enum shard_word word);
    void (*say)(void *arg, unsigned shard, enum severity severity, const char *event, const char *text);
};

struct shard_settings {
    const char *data_dir; /* the shard's log is DATA/shard-N; NULL: nothing is durable */
    enum tier tier;
    uint64_t segment_bytes, disk_free_bytes_min, log_batch_bytes_max, checkpoint_bytes;
    uint32_t compact_percent; /* segments with less than this in use are compacted */
    uint32_t sys_interval_s;  /* how often counters are passed on; 0: never */
    struct mqtt_settings mqtt;
    struct amqp_settings amqp;
    struct zmtp_settings zmtp;
    struct catalog_settings catalog;
};

/* `lanes` connects the shards of one node (lanes_new); `settings` is read at each use and outlives the shard. */
int shard_new(struct io *io, unsigned index, struct lanes *lanes, const struct shard_settings *settings,
              const struct shard_owner *owner, struct shard **ret);
/* Opens the log and replays it: blocking, before the loop runs.  Then connections may come. */
int shard_open(struct shard *shard, struct log_report *retreport);
/* After all shards were opened and before any runs: everyone learns who has takers for what.  First flush on all, then
 * drain on all. */
void shard_lanes_flush(struct shard *shard);
void shard_lanes_drain(struct shard *shard);
/* owner->told on every other shard. */
void shard_tell(struct shard *shard, enum shard_word word);
/* Accepts connections there, of any protocol: the first bytes decide.  `retbound` has the real port. */
int shard_listen(struct shard *shard, const struct io_address *address, struct io_address *retbound);
/* Settings that queues keep copies of: on the shard's own thread. */
void shard_settings_changed(struct shard *shard);
/* Graceful end: no new connections, everyone is told, a checkpoint is written, the log closed; then `done`. */
void shard_stop(struct shard *shard, io_fn *done, void *arg);
/* Frees at once, whatever state it is in, without writing anything. */
void shard_free(struct shard *shard);

struct shard_stats {
    struct counters counters;
    struct log_stats log;
    uint64_t retained, retained_bytes, queued, queued_bytes, queues_dropped, memory_bytes, memory_peak_bytes, routes;
};
void shard_stats(const struct shard *shard, struct shard_stats *ret);
/* What the other shards last told this one, and its own: sums for $SYS. */
void shard_stats_all(const struct shard *shard, struct shard_stats *ret);
struct session_host *shard_host(struct shard *shard);
/* Publishes a retained value of the node itself ($SYS) on all shards. */
int shard_publish_sys(struct shard *shard, const char *topic, const char *value);

#endif
