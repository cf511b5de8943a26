/* One publication: plan, store, deliver (queue/exchange.h). */
#include "queue/exchange.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"
#include "queue/inner.h"
#include "queue/record.h"
#include "route/key.h"

void
exchange_init(struct exchange *exchange, struct mem *mem, struct route *route, struct queue_host *queues)
{
    *exchange = (struct exchange){ .mem = mem, .route = route, .queues = queues };
}

void
exchange_fini(struct exchange *exchange)
{
    for (unsigned i = 0; i < FRAME_SLOTS; i++)
        mem_free(exchange->mem, exchange->frames[i].bytes);
    mem_free(exchange->mem, exchange->deliveries);
    mem_free(exchange->mem, exchange->head);
}

/* ---- plan -------------------------------------------------------------------------------------------------- */

static bool
grow_deliveries(struct exchange *ex)
{
    uint32_t room = ex->room == 0 ? 16 : ex->room * 2;
    struct delivery *more = mem_grow(ex->mem, ex->deliveries, room * sizeof(*more));
    if (more == NULL)
        return false;
    ex->deliveries = more;
    ex->room = room;
    return true;
}

static void
add_id(struct delivery *d, uint32_t id)
{
    if (id != 0 && d->id_count < DELIVERY_IDS_MAX)
        d->ids[d->id_count++] = id;
}

/* A further filter of the same target matched: one copy, with the most that any of them grants (MQTT 5, 3.3.4). */
static void
merge(struct delivery *d, uint8_t qos, bool retain, uint32_t id)
{
    d->qos = qos > d->qos ? qos : d->qos;
    d->retain |= retain;
    add_id(d, id);
}

void
exchange_add(struct outgoing *out, struct target *target, uint8_t qos, bool retain, uint32_t subscription_id)
{
    struct exchange *ex = out->exchange;
    if (out->repeat && !target->asks_again)
        return;
    if (target->stamp == ex->stamp) {
        merge(&ex->deliveries[target->planned], qos, retain, subscription_id);
        return;
    }
    if (ex->count == ex->room && !grow_deliveries(ex)) {
        ex->short_of_memory = true;
        return;
    }
    target->stamp = ex->stamp;
    target->planned = ex->count;
    struct delivery *d = &ex->deliveries[ex->count++];
    d->target = target;
    d->qos = qos;
    d->retain = retain;
    d->id_count = 0;
    add_id(d, subscription_id);
}

int
exchange_plan_topic(struct outgoing *out)
{
    struct exchange *ex = out->exchange;
    uint8_t room[KEY_GROWTH * UINT8_MAX];
    struct view topic = out->pub.env.topic;
    const struct route_hits *hits;
    if (out->pub.env.encoding == ENCODING_AMQP091) {
        struct pen p = pen_of(room, sizeof(room));
        key_to_topic(&p, topic);
        must(!p.torn);
        topic = view_of(room, (size_t)(p.at - room));
    }
    int rc = route_match(ex->route, ROUTE_MQTT, topic, &hits);
    if (rc < 0)
        return rc;
    for (uint32_t i = 0; i < hits->count; i++) {
        struct hop *hop = container_of(hits->rows[i], struct hop, row);
        hop->ops->plan(hop, out);
    }
    return 0;
}

static int
plan(struct exchange *ex, struct outgoing *out)
{
    int rc = out->plan == NULL ? exchange_plan_topic(out) : out->plan(out);
    return rc == 0 && ex->short_of_memory ? -ERR_NO_MEMORY : rc;
}

/* ---- store ------------------------------------------------------------------------------------------------- */

static bool
is_stored(const struct exchange *ex, const struct delivery *d)
{
    return d->qos > 0 && d->target->queue != NULL && ex->queues->log != NULL && queue_durable(d->target->queue);
}

static int
ask_queue(const struct delivery *d, const struct outgoing *out)
{
    if (d->qos == 0 || d->target->queue == NULL)
        return 0;
    int rc = queue_admits(d->target->queue, &out->pub.env);
    return (rc == -ERR_FULL || rc == -ERR_TIGHT) && out->overfull ? 0 : rc;
}

/* All queues take it, or none; or each for itself, and who rejects it is left out.  Counts those that are durable, and
 * sees whether all of them are hasty. */
static int
ask_queues(struct exchange *ex, struct outgoing *out, uint32_t *retstored)
{
    uint32_t taken = 0;
    *retstored = 0;
    out->hasty = !out->stored; /* what its plan put off waits for the sync */
    for (uint32_t i = 0; i < ex->count; i++) {
        const struct delivery *d = &ex->deliveries[i];
        int rc = ask_queue(d, out);
        if (rc == -ERR_FULL && out->severally) {
            out->rejected = true;
            continue;
        }
        if (rc < 0)
            return rc;
        if (is_stored(ex, d)) {
            ++*retstored;
            out->hasty &= d->target->hasty;
        }
        if (taken != i)
            ex->deliveries[taken] = *d;
        taken++;
    }
    ex->count = taken;
    return taken == 0 && out->rejected ? -ERR_FULL : 0;
}

static uint32_t
pack_meta(const struct delivery *d)
{
    return entry_meta_pack(
        (struct entry_meta){ .subscription_id = d->id_count > 0 ? d->ids[0] : 0, .qos = d->qos, .retain = d->retain });
}

/* Room for the record's head with `targets` targets; kept for the next publication. */
static int
reserve_head(struct exchange *ex, uint32_t targets)
{
    size_t n = record_publish_head_bytes_max(targets);
    if (n <= ex->head_room)
        return 0;
    uint8_t *head = mem_grow(ex->mem, ex->head, n);
    if (head == NULL)
        return -ERR_NO_MEMORY;
    ex->head = head;
    ex->head_room = n;
    return 0;
}

static int
append(struct exchange *ex, struct outgoing *out, uint32_t targets)
{
    const struct envelope *env = &out->pub.env;
    int rc = reserve_head(ex, targets);
    if (rc < 0)
        return rc;
    struct pen p = pen_of(ex->head, ex->head_room);
    record_publish_begin(&p, &out->receipt, targets);
    for (uint32_t i = 0; i < ex->count; i++) {
        const struct delivery *d = &ex->deliveries[i];
        if (is_stored(ex, d))
            record_put_target(&p, (struct record_target){ .queue = queue_id(d->target->queue),
                                                          .seq = queue_next_seq(d->target->queue),
                                                          .meta = pack_meta(d) });
    }
    must(!p.torn);
    uint8_t fixed[ENVELOPE_HEAD_BYTES_MAX];
    struct view parts[] = { view_of(ex->head, (size_t)(p.at - ex->head)), view_of(fixed, envelope_head(env, fixed)),
                            env->topic, env->props, env->body };
    bool held = ex->queues->tx.open;
    int64_t position = log_append(ex->queues->log, held ? RECORD_HELD : RECORD_PUBLISH, held, parts, COUNT_OF(parts));
    if (position < 0)
        return (int)position;
    out->pub.position = (uint64_t)position;
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        out->pub.bytes += (uint32_t)parts[i].len;
    return held && !tx_hold(ex->queues, out->pub.position, out->pub.bytes) ? -ERR_NO_MEMORY : 0;
}

/* Nothing is stored but that it was taken in. */
static int
append_receipt(struct exchange *ex, const struct outgoing *out)
{
    uint8_t bytes[RECEIPT_BYTES];
    struct pen p = pen_of(bytes, sizeof(bytes));
    record_put_receipt(&p, &out->receipt);
    struct view record = view_of(bytes, sizeof(bytes));
    int64_t position = log_append(ex->queues->log, RECORD_RECEIPT, false, &record, 1);
    return position < 0 ? (int)position : 0;
}

static int
store(struct exchange *ex, struct outgoing *out)
{
    uint32_t targets;
    int rc = ask_queues(ex, out, &targets);
    if (rc == 0 && out->approve != NULL)
        rc = out->approve(out);
    if (rc == 0 && targets > 0)
        rc = append(ex, out, targets);
    else if (rc == 0 && out->receipt.session != 0 && !out->repeat && ex->queues->log != NULL)
        rc = append_receipt(ex, out);
    else
        return rc;
    out->stored |= rc == 0;
    return rc;
}

/* ---- deliver ----------------------------------------------------------------------------------------------- */

static void
deliver(struct exchange *ex, struct outgoing *out)
{
    for (uint32_t i = 0; i < ex->count; i++) {
        const struct delivery *d = &ex->deliveries[i];
        d->target->ops->deliver(d->target, out, d);
    }
}

static void
begin(struct exchange *ex, struct outgoing *out)
{
    must(!ex->busy);
    ex->busy = true;
    ex->short_of_memory = false;
    ex->stamp++;
    ex->count = 0;
    out->exchange = ex;
}

static int
finish(struct exchange *ex, struct outgoing *out, int rc)
{
    out->matched = ex->count;
    if (rc == 0)
        rc = store(ex, out);
    if (rc == 0)
        deliver(ex, out);
    message_unref(out->pub.message);
    out->pub.message = NULL;
    ex->busy = false;
    return rc;
}

int
exchange_publish(struct exchange *exchange, struct outgoing *out)
{
    begin(exchange, out);
    return finish(exchange, out, plan(exchange, out));
}

int
exchange_send(struct exchange *exchange, struct outgoing *out, const struct delivery *delivery)
{
    begin(exchange, out);
    exchange_add(out, delivery->target, delivery->qos, delivery->retain, delivery->id_count > 0 ? delivery->ids[0] : 0);
    for (unsigned i = 1; i < delivery->id_count && exchange->count > 0; i++)
        add_id(&exchange->deliveries[0], delivery->ids[i]);
    return finish(exchange, out, exchange->short_of_memory ? -ERR_NO_MEMORY : 0);
}
