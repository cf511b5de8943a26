/* Recovery: records back into state.  Each is idempotent (queue/record.h), so none is asked whether it is news. */
#include "shard/inner.h"

#include "base/err.h"
#include "base/mem.h"
#include "queue/record.h"

static int
take_receipt(struct shard *shard, const struct receipt *receipt)
{
    if (receipt->session == 0)
        return 0;
    if (receipt->shard != shard->host.shard)
        return receipt_keep(shard, receipt);
    return mqtt_server_restore_receipt(shard->mqtt, receipt->session, receipt->packet_id);
}

static int
on_receipt(struct shard *shard, uint64_t position, struct view record)
{
    (void)position;
    struct cursor c = cursor_of(record);
    struct receipt receipt = record_take_receipt(&c);
    return c.torn ? -ERR_DAMAGED : take_receipt(shard, &receipt);
}

static int
on_receipt_end(struct shard *shard, uint64_t position, struct view record)
{
    (void)position;
    struct cursor c = cursor_of(record);
    struct receipt receipt = record_take_receipt(&c);
    if (c.torn)
        return -ERR_DAMAGED;
    receipt_drop(shard, &receipt);
    return 0;
}

static int
on_publish(struct shard *shard, uint64_t position, struct view record)
{
    struct record_publish publish;
    struct record_target target;
    struct envelope env;
    int rc = record_publish_parse(record, &publish, &env);
    while (rc == 0 && record_target_next(&publish, &target)) {
        struct queue *queue = rooms_queue(shard, target.queue);
        if (queue != NULL)
            rc = queue_restore(queue, target.seq, position, (uint32_t)record.len, &env, entry_meta_unpack(target.meta));
    }
    return rc < 0 ? rc : take_receipt(shard, &publish.receipt);
}

static int
on_move(struct shard *shard, uint64_t position, struct view record)
{
    struct record_publish publish;
    struct record_target target;
    struct envelope env;
    int rc = record_publish_parse(record, &publish, &env);
    while (rc == 0 && record_target_next(&publish, &target)) {
        struct queue *queue = rooms_queue(shard, target.queue);
        if (queue != NULL)
            rc = queue_restore_move(queue, target.seq, position, (uint32_t)record.len);
    }
    return rc;
}

static int
on_settle(struct shard *shard, uint64_t position, struct view record)
{
    (void)position;
    struct cursor c = cursor_of(record);
    struct queue *queue = rooms_queue(shard, take_u32(&c));
    uint64_t seq = take_u64(&c);
    uint32_t count = take_u32(&c);
    if (c.torn)
        return -ERR_DAMAGED;
    return queue == NULL ? 0 : queue_restore_settle(queue, seq, count);
}

/* Its bodies are read back; one that cannot be is damage, and the rest still counts. */
static int
commit_held(struct shard *shard, uint64_t position, uint32_t bytes)
{
    unsigned kind;
    uint8_t *room = mem_raw(shard->host.mem, bytes);
    if (room == NULL)
        return -ERR_NO_MEMORY;
    int64_t n = log_read_now(shard->log, position, room, bytes, &kind);
    int rc = n > 0 && kind == RECORD_HELD ? on_publish(shard, position, view_of(room, (size_t)n)) : 0;
    shard->host.queues.damaged += n <= 0;
    mem_free(shard->host.mem, room);
    return rc;
}

static int
on_commit(struct shard *shard, uint64_t position, struct view record)
{
    (void)position;
    struct cursor c = cursor_of(record);
    int rc = 0;
    for (uint32_t n = take_u32(&c); n > 0 && rc == 0 && !c.torn; n--) {
        uint64_t at = take_u64(&c);
        rc = commit_held(shard, at, take_u32(&c));
    }
    while (rc == 0 && !c.torn && cursor_left(&c) > 0) {
        uint64_t seq = take_u64(&c);
        struct queue *queue = rooms_queue(shard, take_u32(&c));
        rc = queue == NULL || c.torn ? 0 : queue_restore_settle(queue, seq, 1);
    }
    return c.torn ? -ERR_DAMAGED : rc;
}

static int
on_held(struct shard *shard, uint64_t position, struct view record)
{
    (void)shard, (void)position, (void)record; /* until its COMMIT comes */
    return 0;
}

static int
on_return(struct shard *shard, uint64_t position, struct view record)
{
    (void)position;
    struct cursor c = cursor_of(record);
    struct queue *queue = rooms_queue(shard, take_u32(&c));
    uint64_t seq = take_u64(&c);
    uint32_t count = take_u32(&c);
    if (c.torn)
        return -ERR_DAMAGED;
    return queue == NULL ? 0 : queue_restore_return(queue, seq, count);
}

static int
on_delivered(struct shard *shard, uint64_t position, struct view record)
{
    (void)position;
    struct cursor c = cursor_of(record);
    struct queue *queue = rooms_queue(shard, take_u32(&c));
    uint64_t seq = take_u64(&c);
    if (c.torn)
        return -ERR_DAMAGED;
    if (queue != NULL)
        queue_restore_delivered(queue, seq);
    return 0;
}

static int
on_queue(struct shard *shard, uint64_t position, struct view record)
{
    (void)position;
    struct cursor c = cursor_of(record);
    struct queue *queue = rooms_queue(shard, take_u32(&c));
    return queue == NULL ? 0 : queue_restore_pages(queue, record);
}

static int
on_retain(struct shard *shard, uint64_t position, struct view record)
{
    (void)position;
    struct cursor c = cursor_of(record);
    uint64_t stamp = take_u64(&c);
    if (stamp > shard->stamp)
        shard->stamp = stamp;
    return retained_restore(shard->host.retained, record);
}

static int
on_counters(struct shard *shard, uint64_t position, struct view record)
{
    (void)position;
    struct cursor c = cursor_of(record);
    uint32_t id = take_u32(&c);
    uint64_t stamp = take_u64(&c);
    if (c.torn)
        return -ERR_DAMAGED;
    shard->host.next_id = id > shard->host.next_id ? id : shard->host.next_id;
    shard->stamp = stamp > shard->stamp ? stamp : shard->stamp;
    return 0;
}

static int
on_page(struct shard *shard, uint64_t position, struct view record)
{
    struct queue *queue = rooms_queue(shard, record_page_queue(record));
    return queue == NULL ? 0 : queue_restore_page(queue, position, record);
}

/* Every session record starts with the id of the session or group it speaks of. */
static int
on_session(struct shard *shard, unsigned kind, struct view record)
{
    struct cursor c = cursor_of(record);
    uint32_t id = take_u32(&c);
    if (id >= shard->host.next_id)
        shard->host.next_id = id + 1;
    return mqtt_server_restore(shard->mqtt, kind, record);
}

int
recover_replay(void *arg, unsigned kind, uint64_t position, struct view record)
{
    static int (*const on[])(struct shard *, uint64_t, struct view) = {
        [RECORD_PUBLISH] = on_publish,
        [RECORD_SETTLE] = on_settle,
        [RECORD_QUEUE] = on_queue,
        [RECORD_PAGE] = on_page,
        [RECORD_MOVE] = on_move,
        [RECORD_RETAIN] = on_retain,
        [RECORD_RETURN] = on_return,
        [RECORD_HELD] = on_held,
        [RECORD_COMMIT] = on_commit,
        [RECORD_DELIVERED] = on_delivered,
        [RECORD_SHARD] = on_counters,
        [RECORD_RECEIPT] = on_receipt,
        [RECORD_RECEIPT_END] = on_receipt_end,
    };
    struct shard *shard = arg;
    if (kind == RECORD_DELAY || kind == RECORD_DELAY_END)
        return delayed_restore(shard->host.delayed, kind, record);
    if (kind >= RECORD_SESSION && kind < RECORD_SHARD)
        return on_session(shard, kind, record);
    if (kind >= RECORD_VHOST && kind <= RECORD_POLICY_END)
        return catalog_restore(shard->catalog, kind, record);
    if (kind >= COUNT_OF(on) || on[kind] == NULL)
        return -ERR_FORMAT;
    return on[kind](shard, position, record);
}
