/* rpc/metric.h - what a server counts of each procedure. */
#ifndef TAMBO_RPC_METRIC_H
#define TAMBO_RPC_METRIC_H

#include "tambo/rpc.h"

struct metric {
    uint64_t calls, errors, replays;
    uint64_t took_us[TAMBO_RPC_BUCKETS];
};

/* A call has ended, with 0 or -err, after so long. */
void metric_ended(struct metric *metric, int rc, uint64_t took_ns);
void metric_tell(const struct metric *metric, struct tambo_rpc_metric *ret);

#endif
