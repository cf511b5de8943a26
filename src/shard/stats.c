/* What a shard counts, and the sums over all of a node. */
#include "shard/inner.h"

#include "base/mem.h"

void
shard_stats(const struct shard *shard, struct shard_stats *ret)
{
    const struct session_host *host = &shard->host;
    struct route_stats routes;
    *ret = (struct shard_stats){
        .counters = host->counters,
        .retained = retained_count(host->retained),
        .retained_bytes = retained_bytes(host->retained),
        .queued = host->queues.entries,
        .queued_bytes = host->queues.bytes,
        .queues_dropped = host->queues.dropped,
        .memory_bytes = host->mem->used_bytes,
        .memory_peak_bytes = host->mem->peak_bytes,
    };
    route_stats(host->route, &routes);
    ret->routes = routes.rows;
    if (shard->log != NULL)
        log_stats(shard->log, &ret->log);
}

static void
add(struct shard_stats *sum, const struct shard_stats *it)
{
#define ADD_COUNTER(name) sum->counters.name += it->counters.name;
    COUNTERS(ADD_COUNTER)
#undef ADD_COUNTER
    sum->queued += it->queued;
    sum->queued_bytes += it->queued_bytes;
    sum->queues_dropped += it->queues_dropped;
    sum->memory_bytes += it->memory_bytes;
    sum->memory_peak_bytes += it->memory_peak_bytes;
    sum->log.appended_bytes += it->log.appended_bytes;
    sum->log.appended_records += it->log.appended_records;
    sum->log.syncs += it->log.syncs;
    sum->log.segment_bytes += it->log.segment_bytes;
    sum->log.held_bytes += it->log.held_bytes;
}

/* Retained values are on every shard: they are counted once. */
void
shard_stats_all(const struct shard *shard, struct shard_stats *ret)
{
    shard_stats(shard, ret);
    for (unsigned i = 0; i < shard->host.shards; i++)
        if (i != shard->host.shard)
            add(ret, &shard->peers[i].stats);
}
