/* PUBLISH and PUBREL from the client. */
#include "session/mqtt_inner.h"

#include "route/route.h"

/* ---- what may not be published ------------------------------------------------------------------------------ */

static unsigned
count_levels(struct view topic)
{
    unsigned n = 1;
    for (size_t i = 0; i < topic.len; i++)
        n += topic.data[i] == '/';
    return n;
}

/* A refusal that ends the connection. */
static int
check(const struct connection *c, const struct mqtt_publish *publish, struct fault *why)
{
    const struct mqtt_settings *settings = c->server->settings;
    if (publish->retain && !settings->retain_available && c->version == MQTT_V5)
        return connection_breach(why, MQTT_RETAIN_NOT_SUPPORTED, "MQTT-3.2.2-14",
                                 "retained messages are not available here");
    bool known = publish->qos == 2 && session_has_received(c->session, publish->packet_id);
    if (publish->qos > 0 && !known && c->version == MQTT_V5 && c->receiving >= settings->receive_max)
        return connection_breach(why, MQTT_RECEIVE_MAXIMUM_EXCEEDED, "MQTT-3.3.4-7",
                                 "more messages in flight than the receive maximum allows");
    return 0;
}

/* What nobody may publish: a reason, or MQTT_SUCCESS. */
static uint8_t
objection(const struct connection *c, struct view topic)
{
    if (view_is(topic, "$SYS") || view_starts(topic, "$SYS/"))
        return MQTT_NOT_AUTHORIZED;
    if (topic.len > c->server->settings->topic_levels_max &&
        count_levels(topic) > c->server->settings->topic_levels_max)
        return MQTT_TOPIC_NAME_INVALID;
    return MQTT_SUCCESS;
}

/* ---- envelope ----------------------------------------------------------------------------------------------- */

/* MQTT 5, 3.3.2.3.4: an alias with a topic is set, one without is looked up. */
static int
resolve_topic(struct connection *c, const struct mqtt_publish *publish, struct view *ret, struct fault *why)
{
    uint16_t alias = publish->properties.topic_alias;
    uint32_t most = c->server->settings->topic_alias_max;
    *ret = publish->topic;
    if (alias == 0)
        return 0;
    if (alias > most)
        return connection_breach(why, MQTT_TOPIC_ALIAS_INVALID, "MQTT-3.3.2-9",
                                 "the topic alias is above the topic alias maximum");
    struct aliases *aliases = connection_aliases(c);
    if (aliases != NULL && aliases->in == NULL)
        aliases->in = aliases_in_new(c->server->host->mem, (uint16_t)(most < UINT16_MAX ? most : UINT16_MAX));
    if (aliases == NULL || aliases->in == NULL || (ret->len > 0 && aliases_in_set(aliases->in, alias, *ret) < 0))
        return connection_breach(why, MQTT_QUOTA_EXCEEDED, "4.13.2", "no memory for the topic alias");
    *ret = aliases_in_get(aliases->in, alias);
    if (ret->len == 0)
        return connection_breach(why, MQTT_PROTOCOL_ERROR, "3.3.2.3.4", "the topic alias has not been set");
    return 0;
}

/* The properties that travel with the message. */
static int
lasting_props(struct connection *c, const struct mqtt_properties *props, struct view *ret)
{
    *ret = props->raw;
    if (!props->hop_only)
        return 0;
    uint8_t *lasting = server_scratch(c->server, props->raw.len);
    if (lasting == NULL)
        return -ERR_NO_MEMORY;
    struct pen p = pen_of(lasting, props->raw.len);
    mqtt_put_lasting(&p, props->raw);
    *ret = view_of(lasting, (size_t)(p.at - lasting));
    return 0;
}

static int
fill(struct connection *c, const struct mqtt_publish *publish, struct view topic, struct envelope *ret)
{
    uint64_t now_ms = io_wall_ms(c->server->host->io);
    *ret = (struct envelope){
        .topic = topic, .body = publish->payload, .published_ms = now_ms, .qos = publish->qos, .retain = publish->retain
    };
    if (c->version != MQTT_V5)
        return 0;
    if (publish->properties.message_expiry_s != UINT32_MAX)
        ret->expires_ms = expires_at(now_ms, publish->properties.message_expiry_s);
    int rc = lasting_props(c, &publish->properties, &ret->props);
    ret->encoding = ret->props.len > 0 ? ENCODING_MQTT5 : ENCODING_NONE;
    return rc;
}

/* ---- publishing --------------------------------------------------------------------------------------------- */

static void
answer(struct connection *c, const struct mqtt_publish *publish, uint8_t reason, bool waits)
{
    if (publish->qos == 0)
        return;
    answer_ack(c, publish->qos == 1 ? MQTT_PUBACK : MQTT_PUBREC, publish->packet_id, reason, waits);
}

static uint8_t
reason_of(int rc)
{
    return rc == -ERR_TOO_LARGE ? MQTT_PACKET_TOO_LARGE : MQTT_QUOTA_EXCEEDED;
}

/* 5.0 says why in the acknowledgement.  3.x has no words for it: it loses the connection, or, where the client's fault
 * is only that it may not, is acknowledged all the same (MQTT311 3.3.5). */
static int
refuse(struct connection *c, const struct mqtt_publish *publish, uint8_t reason, struct fault *why)
{
    c->server->host->counters.publishes_refused++;
    bool denied = reason == MQTT_NOT_AUTHORIZED;
    if (publish->qos > 0 && c->version != MQTT_V5 && !denied)
        return connection_breach(why, reason, "MQTT311 4.8", "a message could not be stored");
    answer(c, publish, c->version == MQTT_V5 ? reason : MQTT_SUCCESS, false);
    return 0;
}

static struct receipt
receipt_of(const struct session *s, uint16_t packet_id)
{
    const struct session_host *host = s->server->host;
    return s->durable ? (struct receipt){ .session = s->kept.id, .packet_id = packet_id, .shard = (uint8_t)host->shard }
                      : (struct receipt){ 0 };
}

static int
publish_it(struct connection *c, const struct mqtt_publish *publish, struct outgoing *out)
{
    struct mqtt_server *server = c->server;
    struct session *s = c->session;
    out->publisher = s;
    if (publish->qos == 2) {
        int rc = session_receive(s, publish->packet_id);
        if (rc < 0)
            return rc;
        out->receipt = receipt_of(s, publish->packet_id);
    }
    server->publishing = c;
    int rc = server->host->ops->publish(server->host, out);
    server->publishing = NULL;
    if (rc < 0 && publish->qos == 2)
        (void)session_forget(s, publish->packet_id);
    return rc;
}

static void
count(struct connection *c, const struct mqtt_publish *publish)
{
    struct counters *counters = &c->server->host->counters;
    counters->publishes_in++;
    counters->publish_bytes_in += publish->payload.len;
    if (publish->qos > 0)
        c->receiving++;
    /* Who has messages to acknowledge is read from: its acknowledgements make room. */
    const struct flow *flow = c->session->flow;
    if (c->server->host->pressed && (flow == NULL || flow->inflights.count == 0))
        connection_pause(c, PAUSE_NODE);
}

/* Other shards, that were to take their part of what was taken in here before a restart, may have lost it. */
static bool
may_be_lost(const struct session *s, uint16_t packet_id)
{
    return s->durable && s->server->host->shards > 1 && idset_has(&s->received->restored, packet_id);
}

/* It has been taken in already [MQTT-4.3.3-10]; its answer waits for what its first arrival waits for. */
static int
take_again(struct connection *c, const struct mqtt_publish *publish, struct view topic, struct fault *why)
{
    struct session_host *host = c->server->host;
    struct session *s = c->session;
    if (may_be_lost(s, publish->packet_id)) {
        struct outgoing out = { .repeat = true, .publisher = s, .receipt = receipt_of(s, publish->packet_id) };
        int rc = fill(c, publish, topic, &out.pub.env);
        if (rc == 0)
            rc = host->ops->publish(host, &out);
        if (rc < 0)
            return refuse(c, publish, reason_of(rc), why);
        (void)idset_cut(&s->received->restored, publish->packet_id);
    }
    answer(c, publish, MQTT_SUCCESS, s->durable);
    return 0;
}

int
on_publish(struct connection *c, const struct mqtt_packet *packet, struct fault *why)
{
    const struct mqtt_publish *publish = &packet->publish;
    struct outgoing out = { 0 };
    struct view topic;
    int rc = check(c, publish, why);
    if (rc == 0)
        rc = resolve_topic(c, publish, &topic, why);
    if (rc < 0)
        return rc;
    if (publish->qos == 2 && session_has_received(c->session, publish->packet_id))
        return take_again(c, publish, topic, why);
    count(c, publish);
    uint8_t reason = objection(c, topic);
    if (reason != MQTT_SUCCESS)
        return refuse(c, publish, reason, why);
    rc = fill(c, publish, topic, &out.pub.env);
    if (rc == 0)
        rc = publish_it(c, publish, &out);
    if (rc < 0)
        return refuse(c, publish, reason_of(rc), why);
    answer(c, publish, out.matched == 0 ? MQTT_NO_MATCHING_SUBSCRIBERS : MQTT_SUCCESS, out.stored);
    return 0;
}

int
on_pubrel(struct connection *c, const struct mqtt_packet *packet, struct fault *why)
{
    struct session *s = c->session;
    struct session_host *host = c->server->host;
    uint16_t packet_id = packet->ack.packet_id;
    bool known = session_forget(s, packet_id);
    int rc = known ? record_forget(s, packet_id) : 0;
    if (rc == 0 && s->durable)
        rc = host->ops->forget(host, s->kept.id, packet_id);
    if (rc < 0)
        return connection_breach(why, MQTT_QUOTA_EXCEEDED, "4.13.2", "the release could not be recorded");
    answer_ack(c, MQTT_PUBCOMP, packet_id, known ? MQTT_SUCCESS : MQTT_PACKET_ID_NOT_FOUND, s->durable);
    return 0;
}
