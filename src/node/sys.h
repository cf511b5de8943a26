/* node/sys.h - $SYS/broker/...: what the node counts, as retained topics under Mosquitto's names. */
#ifndef TAMBO_NODE_SYS_H
#define TAMBO_NODE_SYS_H

#include "shard/shard.h"

enum { SYS_LOADS = 12, SYS_SPANS = 3, SYS_VALUES_MAX = 96, SYS_VALUE_BYTES = 40 };

struct sys {
    struct shard *shard; /* 0 */
    struct io *io;
    uint64_t started_ns, before_ns;
    struct io_timer timer;
    const uint64_t *interval_s;
    struct counters before;
    double loads[SYS_LOADS][SYS_SPANS];
    uint64_t clients_max;
    char last[SYS_VALUES_MAX][SYS_VALUE_BYTES]; /* published values: only changes are published again */
    unsigned at;
};

/* Publishes now and every *interval_s seconds; 0: never. */
void sys_start(struct sys *sys, struct shard *shard, struct io *io, const uint64_t *interval_s);
void sys_stop(struct sys *sys);

#endif
