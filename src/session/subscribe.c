/* SUBSCRIBE and UNSUBSCRIBE, and the retained values that a new subscription is sent. */
#include "session/mqtt_inner.h"

#include "base/must.h"

/* ---- retained values ---------------------------------------------------------------------------------------- */

static void
send_retained_0(struct subscription *sub, struct message *message)
{
    struct connection *c = sub->session->connection;
    struct publication pub = { .env = message->env, .message = message };
    struct mqtt_publish_head head = { .retain = true, .ids = &sub->id, .id_count = sub->id != 0 };
    bool sent = connection_ready(c) && io_unsent(c->stream) <= sub->session->server->settings->outbox_bytes_max &&
                publish_write(c, &pub, &head) == 0;
    sub->session->server->host->counters.publishes_dropped += !sent;
}

static void
send_retained_queued(struct subscription *sub, struct message *message, uint8_t qos)
{
    struct session *s = sub->session;
    struct delivery delivery = {
        .target = &s->target, .qos = qos, .retain = true, .ids = { sub->id }, .id_count = sub->id != 0
    };
    struct outgoing out = { .pub.env = message->env };
    int rc = exchange_send(&s->server->host->exchange, &out, &delivery);
    s->server->host->counters.publishes_dropped += rc < 0;
}

static bool
on_retained(void *arg, struct message *message)
{
    struct subscription *sub = arg;
    uint8_t qos = message->env.qos < sub->qos ? message->env.qos : sub->qos;
    if (qos == 0)
        send_retained_0(sub, message);
    else
        send_retained_queued(sub, message, qos);
    return !sub->session->connection->doomed;
}

/* Retained values follow the SUBACK, which may wait for the disk and for other shards. */
void
retained_send_due(struct session *s)
{
    if (!s->retained_due)
        return;
    s->retained_due = false;
    LIST_EACH(&s->subscriptions, l) {
        struct subscription *sub = container_of(l, struct subscription, link);
        if (!sub->retained_due)
            continue;
        sub->retained_due = false;
        retained_search(s->server->host->retained, filter_text(sub->filter), on_retained, sub);
    }
}

/* ---- SUBSCRIBE ---------------------------------------------------------------------------------------------- */

enum { SEND_RETAINED = 0x100 }; /* beside a reason code */

/* MQTT 5, 3.8.3.1: retain handling. */
static bool
wants_retained(const struct mqtt_filter *filter, bool fresh, bool shared)
{
    return !shared && (filter->retain_handling == 0 || (filter->retain_handling == 1 && fresh));
}

static unsigned
count_levels(struct view filter)
{
    unsigned n = 1;
    for (size_t i = 0; i < filter.len; i++)
        n += filter.data[i] == '/';
    return n;
}

/* The reason code for one filter, perhaps with SEND_RETAINED. */
static unsigned
subscribe_one(struct session *s, const struct mqtt_filter *filter, uint32_t id)
{
    struct view name, topics = filter->filter;
    bool fresh, shared = share_split(filter->filter, &name, &topics);
    if (route_filter_breach(topics) != NULL || count_levels(topics) > s->server->settings->topic_levels_max)
        return MQTT_TOPIC_FILTER_INVALID;
    int rc = subscription_set(s, filter, id, &fresh);
    if (rc == -ERR_INVALID || rc == -ERR_TOO_LARGE)
        return MQTT_TOPIC_FILTER_INVALID;
    if (rc < 0)
        return MQTT_QUOTA_EXCEEDED;
    return filter->qos | (wants_retained(filter, fresh, shared) ? SEND_RETAINED : 0u);
}

/* 3.x knows one refusal. */
static uint8_t
code_of(const struct connection *c, unsigned verdict)
{
    uint8_t code = (uint8_t)verdict;
    return c->version != MQTT_V5 && code > MQTT_GRANTED_QOS_2 ? MQTT_UNSPECIFIED_ERROR : code;
}

static int
answer(struct connection *c, enum mqtt_type type, uint16_t packet_id, struct view codes, bool waits)
{
    enum { HEAD_BYTES_MAX = 16 };
    uint8_t small[256], *frame = small;
    size_t room = codes.len + HEAD_BYTES_MAX;
    struct mem *mem = c->server->host->mem;
    if (room > sizeof(small) && (frame = mem_raw(mem, room)) == NULL)
        return -ERR_NO_MEMORY;
    size_t n = mqtt_write_suback(frame, room, c->version, type, packet_id, codes, view_of(NULL, 0));
    must(n > 0);
    answer_frame(c, type, view_of(frame, n), waits);
    if (frame != small)
        mem_free(mem, frame);
    return 0;
}

/* The second round over the filters: whose retained values are to follow. */
static void
mark_retained(struct session *s, const struct mqtt_subscribe *packet, const uint16_t *verdicts)
{
    struct cursor filters = cursor_of(packet->filters);
    struct mqtt_filter filter;
    for (size_t i = 0; mqtt_filter_next(&filters, packet, &filter); i++) {
        struct subscription *sub = verdicts[i] & SEND_RETAINED ? subscription_find(s, filter.filter) : NULL;
        if (sub != NULL)
            sub->retained_due = s->retained_due = true;
    }
}

/* Verdicts and codes for `count` filters in one block. */
static uint16_t *
new_verdicts(struct connection *c, uint32_t count, uint8_t **retcodes)
{
    uint16_t *verdicts = mem_raw(c->server->host->mem, count * (sizeof(*verdicts) + 1));
    *retcodes = (uint8_t *)(verdicts + count);
    return verdicts;
}

static int
no_memory(struct fault *why)
{
    return connection_breach(why, MQTT_QUOTA_EXCEEDED, "4.13.2", "no memory for the subscription");
}

int
on_subscribe(struct connection *c, const struct mqtt_packet *packet, struct fault *why)
{
    const struct mqtt_subscribe *subscribe = &packet->subscribe;
    struct session *s = c->session;
    uint8_t *codes;
    uint16_t *verdicts = new_verdicts(c, subscribe->count, &codes);
    if (verdicts == NULL)
        return no_memory(why);
    struct cursor filters = cursor_of(subscribe->filters);
    struct mqtt_filter filter;
    uint32_t n = 0;
    while (n < subscribe->count && mqtt_filter_next(&filters, subscribe, &filter)) {
        verdicts[n] = (uint16_t)subscribe_one(s, &filter, subscribe->properties.subscription_id);
        codes[n] = code_of(c, verdicts[n]);
        n++;
    }
    mark_retained(s, subscribe, verdicts);
    int rc = answer(c, MQTT_SUBACK, subscribe->packet_id, view_of(codes, n), s->durable || c->server->host->shards > 1);
    mem_free(c->server->host->mem, verdicts);
    return rc < 0 ? no_memory(why) : 0;
}

/* ---- UNSUBSCRIBE -------------------------------------------------------------------------------------------- */

static uint8_t
unsubscribe_one(struct session *s, struct view filter)
{
    struct subscription *sub = subscription_find(s, filter);
    if (sub == NULL)
        return MQTT_NO_SUBSCRIPTION_EXISTED;
    if (record_unsubscribe(s, filter) < 0)
        return MQTT_UNSPECIFIED_ERROR;
    subscription_free(sub);
    return MQTT_SUCCESS;
}

int
on_unsubscribe(struct connection *c, const struct mqtt_packet *packet, struct fault *why)
{
    const struct mqtt_subscribe *subscribe = &packet->subscribe;
    uint8_t *codes;
    uint16_t *verdicts = new_verdicts(c, subscribe->count, &codes);
    if (verdicts == NULL)
        return no_memory(why);
    struct cursor filters = cursor_of(subscribe->filters);
    struct mqtt_filter filter;
    uint32_t n = 0;
    while (n < subscribe->count && mqtt_filter_next(&filters, subscribe, &filter))
        codes[n++] = unsubscribe_one(c->session, filter.filter);
    int rc = answer(c, MQTT_UNSUBACK, subscribe->packet_id, view_of(codes, n),
                    c->session->durable || c->server->host->shards > 1);
    mem_free(c->server->host->mem, verdicts);
    return rc < 0 ? no_memory(why) : 0;
}
