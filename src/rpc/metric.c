/* rpc/metric.c - see metric.h. */
#include "rpc/metric.h"

static const uint64_t NS_A_US = 1000;

/* The first i with us < 2^i; the last one takes all that is longer. */
static unsigned
bucket_of(uint64_t us)
{
    unsigned bucket = us == 0 ? 0 : 64 - (unsigned)__builtin_clzll(us);
    return bucket < TAMBO_RPC_BUCKETS ? bucket : TAMBO_RPC_BUCKETS - 1;
}

void
metric_ended(struct metric *metric, int rc, uint64_t took_ns)
{
    metric->errors += rc < 0;
    metric->took_us[bucket_of(took_ns / NS_A_US)]++;
}

void
metric_tell(const struct metric *metric, struct tambo_rpc_metric *ret)
{
    ret->calls = metric->calls;
    ret->errors = metric->errors;
    ret->replays = metric->replays;
    for (unsigned i = 0; i < TAMBO_RPC_BUCKETS; i++)
        ret->took_us[i] = metric->took_us[i];
}
