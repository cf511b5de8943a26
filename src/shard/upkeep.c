/* What the log needs from time to time, a piece a turn so that nobody waits: checkpoints, and compaction of sparse
 * segments. */
#include "shard/inner.h"

#include "base/cursor.h"
#include "queue/record.h"

enum {
    OBJECTS_A_TURN = 256,
    BACKLOG_BYTES_MAX = 1 << 20,
    EVACUATE_BYTES_A_TURN = 1 << 20,
};
static const uint64_t RETRY_NS = UINT64_C(10) * 1000 * 1000 * 1000, PAUSE_NS = 200 * 1000 * 1000;

static void
turn_soon(void *arg)
{
    (void)arg; /* the turn itself is what was wanted */
}

/* Asks for another turn even when nothing happens outside. */
static void
go_on(struct shard *shard)
{
    (void)io_timer_set(shard->host.io, &shard->soon, io_now_ns(shard->host.io), turn_soon, shard);
}

static void
on_checkpointed(void *arg, int rc)
{
    struct shard *shard = arg;
    shard->checkpoint.step = CHECKPOINT_IDLE;
    shard->checkpoint.not_before_ns = io_now_ns(shard->host.io) + (rc < 0 ? RETRY_NS : PAUSE_NS);
}

void
upkeep_checkpoint(struct shard *shard)
{
    if (shard->log == NULL || shard->checkpoint.step != CHECKPOINT_IDLE || log_checkpoint_begin(shard->log) == 0)
        return;
    shard->checkpoint.step = CHECKPOINT_SHARD;
    shard->checkpoint.at = 0;
    go_on(shard);
}

static int
put_counters(struct shard *shard)
{
    uint8_t bytes[12];
    struct pen p = pen_of(bytes, sizeof(bytes));
    put_u32(&p, shard->host.next_id);
    put_u64(&p, shard->stamp);
    struct view record = view_of(bytes, sizeof(bytes));
    int rc = log_checkpoint_put(shard->log, RECORD_SHARD, &record, 1);
    return rc < 0 ? rc : receipts_checkpoint(shard);
}

/* 1: the same step has more; 0: the next one; -err. */
static int
step(struct shard *shard)
{
    struct checkpoint *c = &shard->checkpoint;
    switch (c->step) {
    case CHECKPOINT_SHARD: return put_counters(shard);
    case CHECKPOINT_CATALOG: return catalog_checkpoint(shard->catalog, &c->at, OBJECTS_A_TURN);
    case CHECKPOINT_SESSIONS: return mqtt_server_checkpoint(shard->mqtt, &c->at, OBJECTS_A_TURN);
    case CHECKPOINT_RETAINED: return retained_checkpoint(shard->host.retained, &c->at, OBJECTS_A_TURN);
    case CHECKPOINT_DELAYED: return delayed_checkpoint(shard->host.delayed);
    case CHECKPOINT_IDLE:
    case CHECKPOINT_SYNC: break;
    }
    return 0;
}

static void
checkpoint_turn(struct shard *shard)
{
    struct checkpoint *c = &shard->checkpoint;
    if (log_checkpoint_backlog(shard->log) > BACKLOG_BYTES_MAX) {
        go_on(shard);
        return;
    }
    int rc = step(shard);
    if (rc < 0) {
        log_checkpoint_abandon(shard->log);
        on_checkpointed(shard, rc);
        return;
    }
    if (rc == 0) {
        c->step++;
        c->at = 0;
    }
    if (c->step == CHECKPOINT_SYNC)
        log_checkpoint_end(shard->log, on_checkpointed, shard);
    else
        go_on(shard);
}

static void
on_evacuated(void *arg)
{
    struct shard *shard = arg;
    shard->evacuating = false;
}

static void
compact(struct shard *shard)
{
    uint32_t segment;
    if (shard->evacuating || !log_victim(shard->log, shard->settings->compact_percent, &segment))
        return;
    shard->evacuating = queue_evacuate(&shard->host.queues, segment, EVACUATE_BYTES_A_TURN, on_evacuated, shard) == 0;
}

/* On a full disk a checkpoint is what lets segments die, however little was written since the last. */
static bool
due(const struct shard *shard)
{
    struct log_stats stats;
    uint64_t since = log_since_checkpoint(shard->log);
    if (since == 0 || io_now_ns(shard->host.io) < shard->checkpoint.not_before_ns)
        return false;
    if (since >= shard->settings->checkpoint_bytes)
        return true;
    log_stats(shard->log, &stats);
    return stats.disk_full;
}

void
upkeep_turn(struct shard *shard)
{
    struct checkpoint *c = &shard->checkpoint;
    if (shard->log == NULL)
        return;
    if (c->step != CHECKPOINT_IDLE && c->step != CHECKPOINT_SYNC)
        checkpoint_turn(shard);
    else if (c->step == CHECKPOINT_IDLE && due(shard))
        upkeep_checkpoint(shard);
    if (!shard->host.stopping)
        compact(shard);
}
