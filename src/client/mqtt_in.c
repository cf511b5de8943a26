/* client/mqtt_in.c - what the server sends: one handler a packet, and when it is legal. */
#include "base/err.h"
#include "base/mem.h"
#include "client/mqtt_core.h"

enum { RECEIVED_BYTES = (UINT16_MAX + 1) / 8 };

static int
breach(struct mqtt_client *client, unsigned code, const char *clause, const char *text)
{
    mqtt_client_breach(client, &(struct fault){ .code = code, .clause = clause, .text = text });
    return -ERR_PROTOCOL;
}

static int
fail(struct mqtt_client *client, int rc)
{
    mqtt_client_fail(client, &(struct mqtt_client_end){ .why = MQTT_CLIENT_LOST, .rc = rc });
    return rc;
}

static void
keep_text(struct mqtt_client_end *end, struct view text)
{
    size_t n = text.len < sizeof end->said - 1 ? text.len : sizeof end->said - 1;
    if (n > 0)
        memcpy(end->said, text.data, n);
    end->said[n] = '\0';
}

/* ---- QoS 2 messages received and not yet released --------------------------------------------------------- */

bool
mqtt_client_was_received(const struct mqtt_client *client, uint16_t packet_id)
{
    return client->received != NULL && (client->received[packet_id / 8] >> packet_id % 8 & 1);
}

static int
mark_received(struct mqtt_client *client, uint16_t packet_id)
{
    if (client->received == NULL)
        client->received = mem_new(client->mem, RECEIVED_BYTES);
    if (client->received == NULL)
        return -ERR_NO_MEMORY;
    client->received[packet_id / 8] |= (uint8_t)(1 << packet_id % 8);
    client->received_count++;
    return 0;
}

static void
unmark_received(struct mqtt_client *client, uint16_t packet_id)
{
    client->received[packet_id / 8] &= (uint8_t) ~(1 << packet_id % 8);
    client->received_count--;
}

/* ---- the connection --------------------------------------------------------------------------------------- */

static void
forget_session(struct mqtt_client *client)
{
    struct flight *flight;

    for (unsigned stage = FLIGHT_WAITING; stage <= FLIGHT_RELEASED; stage++) {
        while ((flight = flight_first(&client->flights, stage)) != NULL)
            mqtt_client_settle(client, flight, -ERR_CANCELED);
    }
    mem_free(client->mem, client->received);
    client->received = NULL;
    client->received_count = 0;
}

static int
keep_assigned_id(struct mqtt_client *client, struct view id)
{
    uint8_t *copy = mem_raw(client->mem, id.len + 1);
    if (copy == NULL)
        return -ERR_NO_MEMORY;
    if (id.len > 0)
        memcpy(copy, id.data, id.len);
    mem_free(client->mem, client->assigned_id);
    client->assigned_id = copy;
    client->settings.connect.client_id = view_of(copy, id.len);
    return 0;
}

/* The server's limits; 3.x has none and no properties. */
static void
read_limits(struct mqtt_client *client, const struct mqtt_properties *p)
{
    client->quota_max = mqtt_has(p, MQTT_RECEIVE_MAXIMUM) ? p->receive_maximum : UINT16_MAX;
    client->quota = client->quota_max;
    client->server_qos_max = mqtt_has(p, MQTT_MAXIMUM_QOS) ? p->maximum_qos : 2;
    client->server_retains = !mqtt_has(p, MQTT_RETAIN_AVAILABLE) || p->retain_available;
    client->server_packet_bytes_max = mqtt_has(p, MQTT_MAXIMUM_PACKET_SIZE) ? p->maximum_packet_size : SIZE_MAX;
    aliases_init(&client->aliases_out, client->mem, mqtt_has(p, MQTT_TOPIC_ALIAS_MAXIMUM) ? p->topic_alias_maximum : 0);
}

static int
refuse(struct mqtt_client *client, const struct mqtt_connack *connack)
{
    struct mqtt_client_end end = { .why = MQTT_CLIENT_REFUSED, .reason = connack->reason };
    keep_text(&end, connack->properties.reason_string);
    mqtt_client_fail(client, &end);
    return -ERR_REFUSED;
}

static int
on_connack(struct mqtt_client *client, const struct mqtt_packet *packet)
{
    const struct mqtt_connack *connack = &packet->connack;
    const struct mqtt_properties *p = &connack->properties;
    const struct mqtt_connect *connect = &client->settings.connect;

    if (connack->reason != MQTT_SUCCESS)
        return refuse(client, connack);
    if (connack->session_present && connect->clean_start)
        return breach(client, MQTT_PROTOCOL_ERROR, "MQTT-3.2.2-2", "a clean start has no session present");
    if (mqtt_has(p, MQTT_ASSIGNED_CLIENT_ID) && keep_assigned_id(client, p->assigned_client_id) < 0)
        return fail(client, -ERR_NO_MEMORY);

    read_limits(client, p);
    if (!connack->session_present)
        forget_session(client);
    if (client->phase != PHASE_GREETED)
        return -ERR_CANCELED; /* a callback has had enough */
    client->phase = PHASE_OPEN;
    mqtt_client_keep_alive(client,
                           mqtt_has(p, MQTT_SERVER_KEEP_ALIVE) ? p->server_keep_alive_s : connect->keep_alive_s);
    mqtt_client_resume(client);
    if (client->on.connected != NULL)
        client->on.connected(client->arg, connack);
    mqtt_client_pump(client);
    return 0;
}

static int
on_pingresp(struct mqtt_client *client, const struct mqtt_packet *packet)
{
    (void)packet;
    client->pinged = false;
    return 0;
}

static int
on_disconnect(struct mqtt_client *client, const struct mqtt_packet *packet)
{
    struct mqtt_client_end end = { .why = MQTT_CLIENT_DISMISSED, .reason = packet->ack.reason };
    keep_text(&end, packet->ack.properties.reason_string);
    mqtt_client_fail(client, &end);
    return 0;
}

static int
on_auth(struct mqtt_client *client, const struct mqtt_packet *packet)
{
    if (!client->has_auth_method || client->on.challenged == NULL)
        return breach(client, MQTT_PROTOCOL_ERROR, "MQTT-4.12.0-6", "AUTH without an authentication method");
    client->on.challenged(client->arg, &packet->ack);
    return 0;
}

/* ---- messages to us --------------------------------------------------------------------------------------- */

/* Puts the topic behind an alias into `message`, or notes the alias of its topic. */
static int
resolve_alias(struct mqtt_client *client, struct mqtt_publish *message)
{
    bool aliased = mqtt_has(&message->properties, MQTT_TOPIC_ALIAS);
    unsigned alias = message->properties.topic_alias;

    if (aliased && (alias == 0 || alias > client->aliases_in.max))
        return breach(client, MQTT_TOPIC_ALIAS_INVALID, "MQTT-3.1.2-26", "a topic alias beyond our maximum");
    if (aliased && message->topic.len > 0)
        return alias_set(&client->aliases_in, alias, message->topic) < 0 ? fail(client, -ERR_NO_MEMORY) : 0;
    if (aliased)
        message->topic = alias_topic(&client->aliases_in, alias);
    if (message->topic.len == 0)
        return breach(client, MQTT_PROTOCOL_ERROR, "3.3.2.3.4", "a PUBLISH with neither a topic nor a known alias");
    return 0;
}

static void
deliver(struct mqtt_client *client, const struct mqtt_publish *message)
{
    client->delivering = message;
    if (client->on.message != NULL)
        client->on.message(client->arg, message);
    if (client->phase == PHASE_OPEN)
        mqtt_client_acknowledge(client);
    client->delivering = NULL;
}

static int
on_publish(struct mqtt_client *client, const struct mqtt_packet *packet)
{
    struct mqtt_publish message = packet->publish;
    int rc = resolve_alias(client, &message);

    if (rc < 0)
        return rc;
    if (message.qos == 2) {
        if (mqtt_client_was_received(client, message.packet_id)) {
            mqtt_client_send_ack(client, MQTT_PUBREC, message.packet_id, MQTT_SUCCESS);
            return 0;
        }
        if (client->received_count >= client->receive_max)
            return breach(client, MQTT_RECEIVE_MAXIMUM_EXCEEDED, "MQTT-3.3.4-9",
                          "more messages than our receive maximum");
        if (mark_received(client, message.packet_id) < 0)
            return fail(client, -ERR_NO_MEMORY);
    }
    deliver(client, &message);
    return 0;
}

static int
on_pubrel(struct mqtt_client *client, const struct mqtt_packet *packet)
{
    uint16_t packet_id = packet->ack.packet_id;
    bool known = mqtt_client_was_received(client, packet_id);

    if (known)
        unmark_received(client, packet_id);
    mqtt_client_send_ack(client, MQTT_PUBCOMP, packet_id, known ? MQTT_SUCCESS : MQTT_PACKET_ID_NOT_FOUND);
    return 0;
}

/* ---- answers to ours -------------------------------------------------------------------------------------- */

static int
wrong_answer(struct mqtt_client *client)
{
    return breach(client, MQTT_PROTOCOL_ERROR, "4.3", "an acknowledgement that does not fit the packet it names");
}

static void
settle(struct mqtt_client *client, struct flight *flight, unsigned reason)
{
    if (client->quota < client->quota_max)
        client->quota++;
    mqtt_client_settle(client, flight, (int)reason);
    mqtt_client_pump(client);
}

/* An id that is not in flight (any more) is no breach: the answer may have been on its way when the session ended. */
static int
on_puback(struct mqtt_client *client, const struct mqtt_packet *packet)
{
    struct flight *flight = flight_find(&client->flights, packet->ack.packet_id);

    if (flight == NULL)
        return 0;
    if (flight->stage != FLIGHT_SENT || flight->qos != 1)
        return wrong_answer(client);
    settle(client, flight, packet->ack.reason);
    return 0;
}

static int
on_pubrec(struct mqtt_client *client, const struct mqtt_packet *packet)
{
    const struct mqtt_ack *ack = &packet->ack;
    struct flight *flight = flight_find(&client->flights, ack->packet_id);

    if (flight == NULL) {
        mqtt_client_send_ack(client, MQTT_PUBREL, ack->packet_id, MQTT_PACKET_ID_NOT_FOUND);
        return 0;
    }
    if (flight->qos != 2 || (flight->stage != FLIGHT_SENT && flight->stage != FLIGHT_RELEASED))
        return wrong_answer(client);
    if (ack->reason >= MQTT_UNSPECIFIED_ERROR) {
        settle(client, flight, ack->reason);
        return 0;
    }
    if (flight->stage == FLIGHT_SENT) {
        flight_drop_frame(&client->flights, flight);
        flight_move(&client->flights, flight, FLIGHT_RELEASED);
    }
    mqtt_client_send_ack(client, MQTT_PUBREL, ack->packet_id, MQTT_SUCCESS);
    return 0;
}

static int
on_pubcomp(struct mqtt_client *client, const struct mqtt_packet *packet)
{
    struct flight *flight = flight_find(&client->flights, packet->ack.packet_id);

    if (flight == NULL)
        return 0;
    if (flight->stage != FLIGHT_RELEASED)
        return wrong_answer(client);
    settle(client, flight, packet->ack.reason);
    return 0;
}

/* 3.x's UNSUBACK has no codes. */
static int
on_granted(struct mqtt_client *client, const struct mqtt_packet *packet)
{
    const struct mqtt_ack *ack = &packet->ack;
    bool unsubscribe = packet->type == MQTT_UNSUBACK;
    bool coded = !unsubscribe || client->settings.connect.version == MQTT_V5;
    struct flight *flight = flight_find(&client->flights, ack->packet_id);

    if (flight == NULL || flight->stage != FLIGHT_ASKED || flight->unsubscribe != unsubscribe ||
        (coded && ack->codes.len != flight->filters))
        return breach(client, MQTT_PROTOCOL_ERROR, "MQTT-3.8.4-6", "an answer that fits no request, filter by filter");
    flight_free(&client->flights, flight);
    if (client->on.granted != NULL)
        client->on.granted(client->arg, ack);
    return 0;
}

/* ---- legality --------------------------------------------------------------------------------------------- */

/* What a client accepts, and when.  A packet that is not here is a breach. */
/* clang-format off */
static const struct row {
    int (*on)(struct mqtt_client *client, const struct mqtt_packet *packet);
    unsigned phases;
} rows[16] = {
    /*                     handler        phases */
    [MQTT_CONNACK]    = { on_connack,    PHASE_GREETED              },
    [MQTT_PUBLISH]    = { on_publish,    PHASE_OPEN                 },
    [MQTT_PUBACK]     = { on_puback,     PHASE_OPEN                 },
    [MQTT_PUBREC]     = { on_pubrec,     PHASE_OPEN                 },
    [MQTT_PUBREL]     = { on_pubrel,     PHASE_OPEN                 },
    [MQTT_PUBCOMP]    = { on_pubcomp,    PHASE_OPEN                 },
    [MQTT_SUBACK]     = { on_granted,    PHASE_OPEN                 },
    [MQTT_UNSUBACK]   = { on_granted,    PHASE_OPEN                 },
    [MQTT_PINGRESP]   = { on_pingresp,   PHASE_OPEN                 },
    [MQTT_DISCONNECT] = { on_disconnect, PHASE_OPEN                 },
    [MQTT_AUTH]       = { on_auth,       PHASE_GREETED | PHASE_OPEN },
};
/* clang-format on */

static int
take_packet(struct mqtt_client *client, struct view frame)
{
    struct mqtt_dialect dialect = {
        .version = client->settings.connect.version,
        .from = MQTT_FROM_SERVER,
        .packet_bytes_max = client->packet_bytes_max,
    };
    struct mqtt_packet packet;
    struct fault fault = { 0 };
    ptrdiff_t n = mqtt_decode(frame, &dialect, &packet, &fault);

    if (n < 0) {
        mqtt_client_breach(client, &fault);
        return (int)n;
    }
    if (!(rows[packet.type].phases & client->phase))
        return breach(client, MQTT_PROTOCOL_ERROR, "MQTT-3.2.0-1", "a packet that may not come now");
    return rows[packet.type].on(client, &packet);
}

void
mqtt_client_read(struct mqtt_client *client, struct view bytes)
{
    struct fault fault = { 0 };
    struct view frame;
    int rc = 0;

    /* A callback may disconnect: what follows in this read is then nobody's. */
    while (client->phase & (PHASE_GREETED | PHASE_OPEN)) {
        rc = carry_next(&client->carry, &bytes, client->packet_bytes_max, &frame, &fault);
        if (rc <= 0 || take_packet(client, frame) < 0)
            break;
    }
    if (rc == -ERR_NO_MEMORY)
        fail(client, rc);
    else if (rc < 0)
        mqtt_client_breach(client, &fault);
}
