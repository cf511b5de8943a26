/* client/mqtt_out.c - what the server is sent: packets, the window of QoS 1 and 2, and what is sent again. */
#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"
#include "client/mqtt_core.h"

/* A fixed header, a packet id, a reason, and the length of properties: enough for any small packet's fixed part. */
enum { PACKET_SLACK_BYTES = 64, FILTER_SLACK_BYTES = 3 };

static uint8_t *
room(struct mqtt_client *client, size_t n)
{
    uint8_t *at = io_put_room(client->stream, n);
    if (at == NULL)
        mqtt_client_fail(client, &(struct mqtt_client_end){ .why = MQTT_CLIENT_LOST, .rc = -ERR_NO_MEMORY });
    return at;
}

static void
done(struct mqtt_client *client, size_t n)
{
    must(n > 0);
    io_put_done(client->stream, n);
    client->sent_ns = io_now_ns(client->io);
}

/* ---- single packets --------------------------------------------------------------------------------------- */

int
mqtt_client_send_connect(struct mqtt_client *client)
{
    const struct mqtt_connect *c = &client->settings.connect;
    size_t n = PACKET_SLACK_BYTES + c->client_id.len + c->will_topic.len + c->will_payload.len + c->username.len +
               c->password.len + c->properties.raw.len + c->will_properties.raw.len;
    uint8_t *at = io_put_room(client->stream, n);

    if (at == NULL)
        return -ERR_NO_MEMORY;
    done(client, mqtt_write_connect(at, n, c));
    return 0;
}

void
mqtt_client_send_ping(struct mqtt_client *client)
{
    uint8_t *at = room(client, PACKET_SLACK_BYTES);
    if (at != NULL)
        done(client, mqtt_write_ping(at, PACKET_SLACK_BYTES, MQTT_PINGREQ));
}

void
mqtt_client_send_ack(struct mqtt_client *client, enum mqtt_type type, uint16_t packet_id, uint8_t reason)
{
    uint8_t *at = room(client, PACKET_SLACK_BYTES);
    if (at != NULL)
        done(client, mqtt_write_ack(at, PACKET_SLACK_BYTES, client->settings.connect.version, type, packet_id, reason,
                                    view_of(NULL, 0)));
}

int
mqtt_client_send_bye(struct mqtt_client *client, enum mqtt_type type, uint8_t reason, struct view props)
{
    size_t n = PACKET_SLACK_BYTES + props.len;
    uint8_t *at = io_put_room(client->stream, n);

    if (at == NULL)
        return -ERR_NO_MEMORY;
    done(client, mqtt_write_bye(at, n, client->settings.connect.version, type, reason, props));
    return 0;
}

void
mqtt_client_acknowledge(struct mqtt_client *client)
{
    const struct mqtt_publish *message = client->delivering;

    client->delivering = NULL;
    if (message == NULL || message->qos == 0)
        return;
    mqtt_client_send_ack(client, message->qos == 1 ? MQTT_PUBACK : MQTT_PUBREC, message->packet_id, MQTT_SUCCESS);
}

/* ---- requests --------------------------------------------------------------------------------------------- */

/* Registers a request; *ret is where its packet goes, `n` bytes of room. */
static int
ask(struct mqtt_client *client, unsigned filters, bool unsubscribe, size_t n, uint8_t **ret)
{
    struct flight *flight;

    if (client->phase != PHASE_OPEN || io_unsent(client->stream) > MQTT_CLIENT_UNSENT_HIGH)
        return -ERR_AGAIN;
    if (n > client->server_packet_bytes_max || n > PACKET_BYTES_MAX_HIGH)
        return -ERR_TOO_LARGE;
    int rc = flight_new(&client->flights, FLIGHT_ASKED, &flight);
    if (rc < 0)
        return rc;
    flight->filters = filters;
    flight->unsubscribe = unsubscribe;
    *ret = io_put_room(client->stream, n);
    if (*ret == NULL) {
        flight_free(&client->flights, flight);
        return -ERR_NO_MEMORY;
    }
    return flight->packet_id;
}

int
mqtt_client_subscribe(struct mqtt_client *client, const struct mqtt_filter *filters, unsigned count, struct view props)
{
    size_t n = PACKET_SLACK_BYTES + props.len;
    uint8_t *at;

    for (unsigned i = 0; i < count; i++) {
        if (filters[i].filter.len == 0 || filters[i].filter.len > TOPIC_BYTES_MAX)
            return -ERR_INVALID;
        n += FILTER_SLACK_BYTES + filters[i].filter.len;
    }
    int id = count == 0 ? -ERR_INVALID : ask(client, count, false, n, &at);
    if (id > 0)
        done(client,
             mqtt_write_subscribe(at, n, client->settings.connect.version, (uint16_t)id, filters, count, props));
    return id;
}

int
mqtt_client_unsubscribe(struct mqtt_client *client, const struct view *filters, unsigned count, struct view props)
{
    size_t n = PACKET_SLACK_BYTES + props.len;
    uint8_t *at;

    for (unsigned i = 0; i < count; i++) {
        if (filters[i].len == 0 || filters[i].len > TOPIC_BYTES_MAX)
            return -ERR_INVALID;
        n += FILTER_SLACK_BYTES + filters[i].len;
    }
    int id = count == 0 ? -ERR_INVALID : ask(client, count, true, n, &at);
    if (id > 0)
        done(client,
             mqtt_write_unsubscribe(at, n, client->settings.connect.version, (uint16_t)id, filters, count, props));
    return id;
}

/* ---- messages --------------------------------------------------------------------------------------------- */

static struct mqtt_publish_head
head_of(const struct mqtt_client *client, const struct mqtt_publish *message, uint16_t packet_id)
{
    return (struct mqtt_publish_head){
        .version = client->settings.connect.version,
        .retain = message->retain,
        .qos = message->qos,
        .packet_id = packet_id,
        .expiry_s = UINT32_MAX,
        .topic = message->topic,
        .props = message->properties.raw,
        .payload_bytes = message->payload.len,
    };
}

static size_t
write_publish(uint8_t *at, size_t n, const struct mqtt_publish_head *head, struct view payload)
{
    size_t head_bytes = mqtt_write_publish_head(at, n, head);

    must(head_bytes > 0 && head_bytes + payload.len <= n);
    if (payload.len > 0)
        memcpy(at + head_bytes, payload.data, payload.len);
    return head_bytes + payload.len;
}

static size_t
publish_room(const struct mqtt_publish_head *head)
{
    return mqtt_size_publish_head(head) + head->payload_bytes;
}

/* Into the outbox, by its alias where it has one: the topic goes along only when the server does not know it yet. */
static int
send_publish(struct mqtt_client *client, const struct mqtt_publish *message, uint16_t packet_id)
{
    struct mqtt_publish_head head = head_of(client, message, packet_id);
    unsigned alias = message->properties.topic_alias;

    if (alias != 0) {
        head.alias = (uint16_t)alias;
        if (view_equal(alias_topic(&client->aliases_out, alias), message->topic))
            head.topic = view_of(NULL, 0);
        else if (alias_set(&client->aliases_out, alias, message->topic) < 0)
            return -ERR_NO_MEMORY;
    }
    size_t n = publish_room(&head);
    uint8_t *at = io_put_room(client->stream, n);
    if (at == NULL)
        return -ERR_NO_MEMORY;
    done(client, write_publish(at, n, &head, message->payload));
    return 0;
}

/* The frame that is kept has the whole topic: an alias does not outlive the connection. */
static int
keep_publish(struct mqtt_client *client, const struct mqtt_publish *message, uint64_t token, struct flight **ret)
{
    struct flight *flight;
    int rc = flight_new(&client->flights, FLIGHT_SENT, &flight);
    if (rc < 0)
        return rc;
    struct mqtt_publish_head head = head_of(client, message, flight->packet_id);
    size_t n = publish_room(&head);

    flight->frame = mem_raw(client->mem, n);
    if (flight->frame == NULL) {
        flight_free(&client->flights, flight);
        return -ERR_NO_MEMORY;
    }
    flight->frame_bytes = write_publish(flight->frame, n, &head, message->payload);
    flight->qos = message->qos;
    flight->token = token;
    *ret = flight;
    return 0;
}

static int
publish_kept(struct mqtt_client *client, const struct mqtt_publish *message, uint64_t token)
{
    struct flight *flight;
    int rc = keep_publish(client, message, token, &flight);
    if (rc < 0)
        return rc;
    rc = send_publish(client, message, flight->packet_id);
    if (rc < 0) {
        flight_free(&client->flights, flight);
        return rc;
    }
    client->quota--;
    return 0;
}

static bool
topic_valid(struct view topic)
{
    return topic.len > 0 && topic.len <= TOPIC_BYTES_MAX && !view_has_any(topic, "+#") &&
           memchr(topic.data, '\0', topic.len) == NULL;
}

/* May this message go to this server at all? */
static int
publish_allowed(const struct mqtt_client *client, const struct mqtt_publish *message)
{
    struct mqtt_publish_head head = head_of(client, message, 1);
    size_t bytes = mqtt_size_publish(&head);

    if (message->qos > client->server_qos_max || (message->retain && !client->server_retains) ||
        message->properties.topic_alias > client->aliases_out.max)
        return -ERR_DENIED;
    return bytes > client->server_packet_bytes_max || bytes > PACKET_BYTES_MAX_HIGH ? -ERR_TOO_LARGE : 0;
}

static bool
publish_possible(const struct mqtt_client *client, unsigned qos)
{
    return client->phase == PHASE_OPEN && io_unsent(client->stream) <= MQTT_CLIENT_UNSENT_HIGH &&
           flight_first(&client->flights, FLIGHT_WAITING) == NULL &&
           (qos == 0 || (client->quota > 0 && client->flights.messages < client->flights.messages_max));
}

int
mqtt_client_publish(struct mqtt_client *client, const struct mqtt_publish *message, uint64_t token)
{
    int rc = -ERR_AGAIN;

    if (!topic_valid(message->topic) || message->qos > 2)
        return -ERR_INVALID;
    if (publish_possible(client, message->qos)) {
        rc = publish_allowed(client, message);
        if (rc == 0)
            rc = message->qos == 0 ? send_publish(client, message, 0) : publish_kept(client, message, token);
    }
    client->wants_ready |= rc == -ERR_AGAIN;
    return rc;
}

unsigned
mqtt_client_inflight(const struct mqtt_client *client)
{
    return client->flights.messages;
}

void
mqtt_client_settle(struct mqtt_client *client, struct flight *flight, int rc)
{
    uint64_t token = flight->token;

    flight_free(&client->flights, flight);
    if (client->on.settled != NULL)
        client->on.settled(client->arg, token, rc);
}

/* ---- again ------------------------------------------------------------------------------------------------ */

static void
send_waiting(struct mqtt_client *client)
{
    struct flight *flight;

    while (client->phase == PHASE_OPEN && client->quota > 0 && io_unsent(client->stream) <= MQTT_CLIENT_UNSENT_HIGH &&
           (flight = flight_first(&client->flights, FLIGHT_WAITING)) != NULL) {
        uint8_t *at = room(client, flight->frame_bytes);
        if (at == NULL)
            return;
        memcpy(at, flight->frame, flight->frame_bytes);
        done(client, flight->frame_bytes);
        flight_move(&client->flights, flight, FLIGHT_SENT);
        client->quota--;
    }
}

void
mqtt_client_resume(struct mqtt_client *client)
{
    LIST_EACH(&client->flights.stages[FLIGHT_RELEASED], it) {
        if (client->phase != PHASE_OPEN)
            return;
        mqtt_client_send_ack(client, MQTT_PUBREL, container_of(it, struct flight, link)->packet_id, MQTT_SUCCESS);
    }
    send_waiting(client);
}

void
mqtt_client_pump(struct mqtt_client *client)
{
    send_waiting(client);
    if (!client->wants_ready || !publish_possible(client, 1))
        return;
    client->wants_ready = false;
    if (client->on.ready != NULL)
        client->on.ready(client->arg);
}
