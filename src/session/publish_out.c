/* PUBLISH to the client: frames, and QoS 0.
 *
 * QoS 0 with nothing particular to its receiver is encoded once a version and publication and copied into each outbox;
 * with one receiver it is encoded where it leaves from.  Large payloads are not copied at all. */
#include "catalog/mapping.h"
#include "session/mqtt_inner.h"

#include "base/must.h"

/* ---- one frame ---------------------------------------------------------------------------------------------- */

static uint32_t
seconds_left(const struct connection *c, const struct envelope *env)
{
    if (env->expires_ms == 0)
        return UINT32_MAX;
    uint64_t now_ms = io_wall_ms(c->server->host->io);
    return env->expires_ms > now_ms ? (uint32_t)((env->expires_ms - now_ms + 999) / 1000) : 0;
}

int
message_names(struct mqtt_server *server, const struct envelope *env, struct view *rettopic, struct view *retprops)
{
    *rettopic = env->topic;
    *retprops = env->encoding == ENCODING_MQTT5 ? env->props : view_of(NULL, 0);
    if (env->encoding != ENCODING_AMQP091)
        return 0;
    size_t n = mapping_to_mqtt_room(env);
    uint8_t *room = server_scratch(server, n);
    if (room == NULL)
        return -ERR_NO_MEMORY;
    struct pen p = pen_of(room, n);
    mapping_to_mqtt(env, &p, rettopic, retprops);
    return 0;
}

/* What the message says, in the connection's version.  0 or -ERR_NO_MEMORY. */
static int
fill(const struct connection *c, const struct envelope *env, struct mqtt_publish_head *head)
{
    struct view props;
    head->version = c->version;
    head->payload_bytes = env->body.len;
    head->expiry_s = UINT32_MAX;
    int rc = message_names(c->server, env, &head->topic, &props);
    if (c->version != MQTT_V5)
        return rc;
    head->expiry_s = seconds_left(c, env);
    head->props = props;
    return rc;
}

static bool
takes_aliases(const struct connection *c)
{
    return c->aliases != NULL && c->aliases->out != NULL;
}

static void
use_alias(struct connection *c, struct mqtt_publish_head *head)
{
    bool known;
    head->alias = aliases_out_of(c->aliases->out, head->topic, &known);
    if (known)
        head->topic = view_of(NULL, 0);
}

static void
count(struct connection *c, const struct envelope *env, size_t frame_bytes)
{
    struct counters *counters = &c->server->host->counters;
    counters->packets_out++;
    counters->publishes_out++;
    counters->publish_bytes_out += env->body.len;
    counters->bytes_out += frame_bytes;
}

static int
write_copied(struct connection *c, const struct envelope *env, const struct mqtt_publish_head *head)
{
    size_t head_room = mqtt_size_publish_head(head);
    uint8_t *at = io_put_room(c->stream, head_room + env->body.len);
    if (at == NULL)
        return -ERR_NO_MEMORY;
    size_t n = mqtt_write_publish_head(at, head_room, head);
    must(n > 0);
    if (env->body.len > 0)
        memcpy(at + n, env->body.data, env->body.len);
    io_put_done(c->stream, n + env->body.len);
    count(c, env, n + env->body.len);
    return 0;
}

static void
release(void *message)
{
    message_unref(message);
}

/* The payload stays where it is: in a message, which is made when there is none. */
static int
write_referenced(struct connection *c, struct publication *pub, const struct mqtt_publish_head *head)
{
    struct message *message =
        pub->message != NULL ? message_ref(pub->message) : message_new(c->server->host->mem, &pub->env);
    if (message == NULL)
        return -ERR_NO_MEMORY;
    size_t room = mqtt_size_publish_head(head);
    uint8_t *at = io_put_room(c->stream, room);
    if (at == NULL) {
        message_unref(message);
        return -ERR_NO_MEMORY;
    }
    size_t n = mqtt_write_publish_head(at, room, head);
    must(n > 0);
    io_put_done(c->stream, n);
    if (io_put_ref(c->stream, message->env.body, release, message) < 0) {
        message_unref(message);
        c->broken = true;
        return -ERR_NO_MEMORY;
    }
    count(c, &pub->env, n + message->env.body.len);
    return 0;
}

int
publish_write(struct connection *c, struct publication *pub, struct mqtt_publish_head *head)
{
    if (fill(c, &pub->env, head) < 0) {
        connection_doom(c, MQTT_QUOTA_EXCEEDED);
        return -ERR_NO_MEMORY;
    }
    if (c->packet_bytes_max != UINT32_MAX) {
        enum { ALIAS_BYTES = 3 };
        if (mqtt_size_publish(head) + (takes_aliases(c) ? ALIAS_BYTES : 0) > c->packet_bytes_max)
            return -ERR_TOO_LARGE;
    }
    if (takes_aliases(c))
        use_alias(c, head);
    int rc =
        head->payload_bytes >= BY_REFERENCE_BYTES ? write_referenced(c, pub, head) : write_copied(c, &pub->env, head);
    if (rc < 0)
        connection_doom(c, MQTT_QUOTA_EXCEEDED);
    return rc;
}

/* ---- QoS 0 -------------------------------------------------------------------------------------------------- */

bool
publish_has_room(struct connection *c)
{
    size_t unsent = io_unsent(c->stream);
    if (unsent <= OUTBOX_HIGH_BYTES)
        return true;
    connection_stall(c);
    return unsent <= c->server->settings->outbox_bytes_max;
}

/* The frame in its slot, for every receiver that needs nothing of its own. */
static const struct frame_slot *
shared_frame(struct connection *c, struct outgoing *out, bool retain)
{
    struct exchange *ex = out->exchange;
    struct frame_slot *slot = &ex->frames[(c->version == MQTT_V5 ? 2 : 0) + retain];
    if (slot->stamp == ex->stamp)
        return slot;
    const struct envelope *env = &out->pub.env;
    struct mqtt_publish_head head = { .retain = retain };
    if (fill(c, env, &head) < 0)
        return NULL;
    size_t room = mqtt_size_publish_head(&head), need = room + env->body.len;
    if (need > slot->room) {
        uint8_t *bytes = mem_raw(ex->mem, need);
        if (bytes == NULL)
            return NULL;
        mem_free(ex->mem, slot->bytes);
        slot->bytes = bytes;
        slot->room = need;
    }
    size_t n = mqtt_write_publish_head(slot->bytes, room, &head);
    must(n > 0);
    if (env->body.len > 0)
        memcpy(slot->bytes + n, env->body.data, env->body.len);
    slot->len = n + env->body.len;
    slot->stamp = ex->stamp;
    return slot;
}

static int
write_shared(struct connection *c, struct outgoing *out, bool retain)
{
    const struct frame_slot *slot = shared_frame(c, out, retain);
    if (slot != NULL && slot->len > c->packet_bytes_max)
        return -ERR_TOO_LARGE;
    if (slot == NULL || io_put(c->stream, view_of(slot->bytes, slot->len)) < 0) {
        connection_doom(c, MQTT_QUOTA_EXCEEDED);
        return -ERR_NO_MEMORY;
    }
    count(c, &out->pub.env, slot->len);
    return 0;
}

/* Every version's frame shares one copy of a large payload. */
static void
keep_message(struct connection *c, struct publication *pub)
{
    if (pub->message == NULL && pub->env.body.len >= BY_REFERENCE_BYTES)
        pub->message = message_new(c->server->host->mem, &pub->env);
}

void
publish_0(struct session *s, struct outgoing *out, const struct delivery *delivery)
{
    struct connection *c = s->connection;
    if (!connection_ready(c) || !publish_has_room(c)) {
        s->server->host->counters.publishes_dropped++;
        return;
    }
    int rc;
    bool plain = delivery->id_count == 0 && !takes_aliases(c) && out->pub.env.body.len < BY_REFERENCE_BYTES;
    if (plain && out->matched > 1) {
        rc = write_shared(c, out, delivery->retain);
    } else {
        struct mqtt_publish_head head = { .retain = delivery->retain,
                                          .ids = delivery->ids,
                                          .id_count = delivery->id_count };
        keep_message(c, &out->pub);
        rc = publish_write(c, &out->pub, &head);
    }
    if (rc < 0)
        s->server->host->counters.publishes_dropped++;
}
