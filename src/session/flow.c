/* Messages of QoS 1 and 2 on their way to the client: credit, packet identifiers, settlement, sending again.
 *
 * A session feeds on taps: its own queue's link and one for each shared group it is in.  All share one window (the
 * client's receive maximum); every tap's credit is what is free of it. */
#include "session/mqtt_inner.h"

#include "base/must.h"

static const struct link_ops tap_ops;

struct flow *
session_flow(struct session *s)
{
    if (s->flow != NULL)
        return s->flow;
    struct mem *mem = s->server->host->mem;
    struct flow *flow = MEM_NEW(mem, struct flow);
    if (flow == NULL)
        return NULL;
    flow->session = s;
    list_init(&flow->taps);
    list_init(&flow->hungry);
    list_init(&flow->own.all);
    inflights_init(&flow->inflights, mem);
    fifo_init(&flow->due, mem, sizeof(uint16_t));
    s->flow = flow;
    return flow;
}

void
flow_free(struct session *s)
{
    struct flow *flow = s->flow;
    if (flow == NULL)
        return;
    flow_end(s);
    if (s->target.queue != NULL)
        link_detach(&flow->own.link);
    list_cut(&flow->hungry);
    inflights_fini(&flow->inflights);
    fifo_fini(&flow->due);
    mem_free(s->server->host->mem, flow);
    s->flow = NULL;
}

void
flow_tap(struct session *s, struct tap *tap, struct queue *queue, struct member *member)
{
    tap->session = s;
    tap->member = member;
    list_init(&tap->all);
    list_push(&s->flow->taps, &tap->all);
    link_attach(&tap->link, queue, &tap_ops);
    flow_hungry(s);
}

/* ---- credit ------------------------------------------------------------------------------------------------- */

void
flow_hungry(struct session *s)
{
    if (s->flow != NULL && connection_ready(s->connection))
        list_push(&s->server->hungry, &s->flow->hungry);
}

/* How many more messages the client may be sent. */
static uint32_t
window_left(const struct session *s)
{
    const struct connection *c = s->connection;
    const struct flow *flow = s->flow;
    if (!connection_ready(c) || c->choked || flow->due.count > 0 || flow->reading != 0)
        return 0;
    return c->window > flow->inflights.count ? c->window - flow->inflights.count : 0;
}

/* Takes back what one tap has used from the credit of the others. */
static void
lower_credit(struct session *s)
{
    uint32_t left = window_left(s);
    LIST_EACH(&s->flow->taps, l) {
        struct tap *tap = container_of(l, struct tap, all);
        if (tap->link.credit > left)
            tap->link.credit = left;
    }
}

static void
raise_credit(struct session *s)
{
    LIST_EACH(&s->flow->taps, l) {
        struct tap *tap = container_of(l, struct tap, all);
        uint32_t left = window_left(s);
        if (tap->link.credit < left)
            link_credit(&tap->link, left - tap->link.credit);
    }
}

/* ---- delivery ----------------------------------------------------------------------------------------------- */

/* NULL: the session's own queue, or a group's that it has left. */
static const struct subscription *
shared_subscription(const struct tap *tap)
{
    return tap->member == NULL ? NULL : tap->member->subscription;
}

static unsigned
collect_ids(const struct tap *tap, const struct publication *pub, struct entry_meta meta, uint32_t *ret, unsigned room)
{
    const struct mqtt_server *server = tap->session->server;
    const struct subscription *shared = shared_subscription(tap);
    uint32_t id = shared != NULL ? shared->id : meta.subscription_id;
    if (tap->member == NULL && server->delivered == pub) {
        memcpy(ret, server->delivering->ids, server->delivering->id_count * sizeof(*ret));
        return server->delivering->id_count;
    }
    if (id == 0)
        return 0;
    if (tap->member == NULL && tap->session->identified > 1) /* the queue remembers one, and more may have matched */
        return subscription_ids(tap->session, &pub->env, ret, room);
    ret[0] = id;
    return 1;
}

static int
write(struct tap *tap, struct publication *pub, struct entry_meta meta, struct mqtt_publish_head *head)
{
    uint32_t ids[DELIVERY_IDS_MAX];
    struct connection *c = tap->session->connection;
    const struct subscription *shared = shared_subscription(tap);
    head->retain = meta.retain && (shared != NULL ? shared->retain_as_published : tap->member == NULL);
    head->ids = ids;
    head->id_count = c->version == MQTT_V5 ? collect_ids(tap, pub, meta, ids, COUNT_OF(ids)) : 0;
    int rc = publish_write(c, pub, head);
    if (rc == 0 && io_unsent(c->stream) > OUTBOX_HIGH_BYTES)
        c->choked = true;
    return rc;
}

static int
forget(struct session *s, struct inflight *flight)
{
    uint16_t packet_id = flight->packet_id;
    bool recorded = flight->qos == 2;
    flow_settle(flight, true);
    flow_retire(s, flight);
    return recorded ? record_complete(s, packet_id) : 0;
}

/* There is nothing to send of it, now or again.  A client that has had it of QoS 2 must be told to forget its
 * identifier, or it would take the next message under that for the same [MQTT-4.3.3-10]. */
static void
abandon(struct session *s, struct inflight *flight)
{
    bool may_wait = flight->qos == 2 && flight->known;
    int rc = may_wait ? flow_release(s->connection, flight) : forget(s, flight);
    if (rc < 0)
        connection_doom(s->connection, MQTT_QUOTA_EXCEEDED);
}

/* Too large for the client: as if it had been sent and acknowledged [MQTT-3.1.2-25]. */
static void
skip(struct session *s, struct inflight *flight)
{
    s->server->host->counters.publishes_dropped++;
    abandon(s, flight);
}

static void
send_publish(struct session *s, struct inflight *flight, struct publication *pub, struct entry_meta meta)
{
    struct mqtt_publish_head head = { .dup = flight->known, .qos = flight->qos, .packet_id = flight->packet_id };
    int rc = write(flight->tap, pub, meta, &head);
    if (rc == -ERR_TOO_LARGE) {
        skip(s, flight);
        return;
    }
    flight->state = INFLIGHT_SENT;
    flight->known = true;
    if (!flight->counted)
        s->flow->counted++;
    flight->counted = true;
}

/* Nothing more for now: what was just handed out goes back. */
static void
give_back(struct session *s, struct tap *tap, uint64_t seq)
{
    if (s->connection != NULL)
        connection_doom(s->connection, MQTT_QUOTA_EXCEEDED);
    lower_credit(s);
    link_release(&tap->link, seq);
}

/* A member of a shared group may have asked for less than others. */
static uint8_t
granted_qos(const struct tap *tap, struct entry_meta meta)
{
    if (tap->member == NULL || meta.qos < tap->member->subscription->qos)
        return meta.qos;
    return tap->member->subscription->qos;
}

static void
deliver_0(struct tap *tap, uint64_t seq, struct publication *pub, struct entry_meta meta)
{
    struct mqtt_publish_head head = { 0 };
    if (write(tap, pub, meta, &head) < 0)
        tap->session->server->host->counters.publishes_dropped++;
    link_accept(&tap->link, seq, true);
    flow_hungry(tap->session);
}

/* QoS 2 to a durable session leaves when it is on disk under which identifier. */
static void
deliver_held(struct session *s, struct inflight *flight)
{
    struct tap *tap = flight->tap;
    uint64_t seq = flight->seq;
    flight->state = INFLIGHT_HELD;
    if (record_deliver(s, flight) < 0) {
        inflights_cut(&s->flow->inflights, flight);
        give_back(s, tap, seq);
        return;
    }
    answer_publish(s->connection, flight->packet_id);
}

static void
deliver_new(struct tap *tap, uint64_t seq, struct publication *pub, struct entry_meta meta)
{
    struct session *s = tap->session;
    uint8_t qos = granted_qos(tap, meta);
    if (!connection_ready(s->connection)) {
        give_back(s, tap, seq);
        return;
    }
    if (qos == 0) {
        deliver_0(tap, seq, pub, meta);
        return;
    }
    struct inflight *flight = inflights_add(&s->flow->inflights);
    if (flight == NULL) {
        give_back(s, tap, seq);
        return;
    }
    flight->tap = tap;
    flight->seq = seq;
    flight->qos = qos & 3u;
    if (qos == 2 && s->durable)
        deliver_held(s, flight);
    else
        send_publish(s, flight, pub, meta);
    lower_credit(s);
    if (s->server->host->pressed && s->connection != NULL)
        connection_resume(s->connection, PAUSE_NODE); /* its acknowledgement must be read */
}

/* What was asked for by link_again(), or a message that came back to its queue and is new to us. */
static struct inflight *
find_delivered(const struct flow *flow, const struct tap *tap, uint64_t seq)
{
    struct inflight *flight = flow->reading == 0 ? NULL : inflights_find(&flow->inflights, flow->reading);
    if (flight != NULL && flight->tap == tap && flight->seq == seq)
        return flight;
    return inflights_seek(&flow->inflights, tap, seq);
}

static void
on_deliver(struct link *link, uint64_t seq, struct publication *pub, struct entry_meta meta, bool redelivered)
{
    struct tap *tap = container_of(link, struct tap, link);
    struct session *s = tap->session;
    struct flow *flow = s->flow;
    struct inflight *flight = redelivered ? find_delivered(flow, tap, seq) : NULL;
    if (flight == NULL) {
        deliver_new(tap, seq, pub, meta);
        return;
    }
    if (flight->packet_id != flow->reading)
        return; /* asked for by an earlier connection */
    flow->reading = 0;
    if (connection_ready(s->connection))
        send_publish(s, flight, pub, meta);
    flow_hungry(s);
}

/* Its identifier stays taken till the client has answered: at once when it was to be sent again. */
static void
on_revoked(struct link *link, uint64_t seq)
{
    struct tap *tap = container_of(link, struct tap, link);
    struct session *s = tap->session;
    struct flow *flow = s->flow;
    struct inflight *flight = inflights_seek(&flow->inflights, tap, seq);
    if (flight == NULL) {
        tap_rest(tap);
        return;
    }
    bool was_read = flow->reading == flight->packet_id;
    if (was_read)
        flow->reading = 0;
    flight->tap = NULL;
    if (was_read && connection_ready(s->connection))
        abandon(s, flight);
    else if (!flight->known)
        flow_retire(s, flight);
    flow_hungry(s);
    tap_rest(tap);
}

static const struct link_ops tap_ops = { .deliver = on_deliver, .revoked = on_revoked };

/* ---- sending again ------------------------------------------------------------------------------------------ */

/* Asks for the message of one that is due; it comes through on_deliver(), now or later. */
static void
read_again(struct session *s, struct inflight *flight)
{
    struct flow *flow = s->flow;
    uint16_t packet_id = flight->packet_id;
    flow->reading = packet_id;
    int rc = link_again(&flight->tap->link, flight->seq);
    if (rc == 0)
        return;
    flow->reading = 0;
    flight = inflights_find(&flow->inflights, packet_id);
    if (rc == -ERR_NO_MEMORY) {
        connection_doom(s->connection, MQTT_QUOTA_EXCEEDED);
    } else if (flight != NULL) {
        host_say(s->server->host, LOG_ERROR, "lost", "a message in flight to session %u cannot be read: %s", s->kept.id,
                 err_text(rc));
        abandon(s, flight);
    }
}

/* The next one in order: false when it must wait. */
static bool
send_due(struct session *s)
{
    struct flow *flow = s->flow;
    struct connection *c = s->connection;
    const uint16_t *first = fifo_first(&flow->due);
    if (first == NULL || flow->reading != 0 || c->choked || !connection_ready(c))
        return false;
    struct inflight *flight = inflights_find(&flow->inflights, *first);
    bool is_publish = flight != NULL && flight->state != INFLIGHT_RELEASED;
    if (is_publish && !flight->counted && flow->counted >= c->window)
        return false;
    fifo_pop(&flow->due);
    if (flight == NULL)
        return true; /* done meanwhile */
    if (!is_publish)
        answer_ack(c, MQTT_PUBREL, flight->packet_id, MQTT_SUCCESS, false);
    else if (flight->tap == NULL)
        abandon(s, flight);
    else
        read_again(s, flight);
    return true;
}

void
flow_feed(struct session *s)
{
    if (s->flow == NULL || !connection_ready(s->connection))
        return;
    while (send_due(s))
        continue;
    raise_credit(s);
}

/* MQTT-4.4.0-1, MQTT-4.6.0-1: all of them, in the order of sending. */
void
flow_start(struct session *s)
{
    struct flow *flow = s->flow;
    if (flow == NULL)
        return;
    uint32_t n = flow->inflights.count;
    uint16_t *ids = n == 0 ? NULL : mem_raw(s->server->host->mem, n * sizeof(*ids));
    int rc = n == 0 ? 0 : ids == NULL ? -ERR_NO_MEMORY : inflights_sorted(&flow->inflights, ids);
    for (uint32_t i = 0; rc == 0 && i < n; i++)
        rc = fifo_push(&flow->due, &ids[i]);
    mem_free(s->server->host->mem, ids);
    if (rc < 0)
        connection_doom(s->connection, MQTT_QUOTA_EXCEEDED);
    flow_hungry(s);
}

/* ---- pushing ------------------------------------------------------------------------------------------------ */

void
session_deliver(struct target *target, struct outgoing *out, const struct delivery *delivery)
{
    struct session *s = container_of(target, struct session, target);
    struct mqtt_server *server = s->server;
    if (delivery->qos == 0) {
        publish_0(s, out, delivery);
        return;
    }
    struct entry_meta meta = { .subscription_id = delivery->id_count > 0 ? delivery->ids[0] : 0,
                               .qos = delivery->qos,
                               .retain = delivery->retain };
    server->delivering = delivery;
    server->delivered = &out->pub;
    if (queue_push(target->queue, &out->pub, meta) < 0)
        server->host->counters.publishes_dropped++;
    server->delivering = NULL;
    server->delivered = NULL;
}
