/* CONNECT: which shard, which session, and CONNACK. */
#include "session/mqtt_inner.h"

#include "base/must.h"

enum { CONNACK_BYTES_MAX = 1024, ASSIGNED_BYTES = 22, RESPONSE_ID_BYTES_MAX = 256 };

/* ---- refusing ----------------------------------------------------------------------------------------------- */

void
connect_refuse(struct connection *c, uint8_t reason, const char *text)
{
    uint8_t frame[CONNACK_BYTES_MAX], props[CONNACK_BYTES_MAX / 2];
    if (c->version == 0)
        return;
    if (c->version < MQTT_V5 && (reason == MQTT_MALFORMED_PACKET || reason == MQTT_PROTOCOL_ERROR))
        return; /* MQTT311-3.1.4-1: closed without a CONNACK */
    size_t n = mqtt_write_connack(frame, sizeof(frame), c->version, false, reason,
                                  reason_props(c, reason, text, props, sizeof(props)));
    if (n > 0 && n <= c->packet_bytes_max)
        connection_write(c, view_of(frame, n));
}

static int
refuse(struct connection *c, uint8_t reason, const char *text)
{
    connection_dismiss(c, reason, text);
    return 0;
}

/* ---- which shard -------------------------------------------------------------------------------------------- */

/* The CONNECT and what came behind it in one piece. */
static int
hand_over(struct connection *c, unsigned shard)
{
    struct mqtt_server *server = c->server;
    struct session_host *host = server->host;
    struct view packet = server->packet, rest = server->rest, all = { packet.data, packet.len + rest.len };
    if (rest.len > 0 && rest.data != packet.data + packet.len) {
        uint8_t *joined = server_scratch(server, all.len);
        if (joined == NULL)
            return -ERR_NO_MEMORY;
        memcpy(joined, packet.data, packet.len);
        memcpy(joined + packet.len, rest.data, rest.len);
        all.data = joined;
    }
    return host->ops->migrate(host, shard, c->stream, all);
}

static int
migrate(struct connection *c, unsigned shard)
{
    if (hand_over(c, shard) < 0)
        return refuse(c, MQTT_SERVER_UNAVAILABLE, "the connection could not be handed to its shard");
    connection_free(c);
    return HANDLER_GONE;
}

/* An identifier that this shard owns and nobody has (3.1.3.1). */
static struct view
assign_id(struct mqtt_server *server, uint8_t *room)
{
    static const char digits[] = "0123456789abcdef";
    struct session_host *host = server->host;
    struct view id = view_of(room, ASSIGNED_BYTES);
    memcpy(room, "tambo-", 6);
    do {
        uint8_t chance[(ASSIGNED_BYTES - 6) / 2];
        io_random(host->io, chance, sizeof(chance));
        for (size_t i = 0; i < sizeof(chance); i++) {
            room[6 + 2 * i] = (uint8_t)digits[chance[i] >> 4];
            room[7 + 2 * i] = (uint8_t)digits[chance[i] & 15];
        }
    } while (host->ops->owner(host, id) != host->shard || server_find(server, id) != NULL);
    return id;
}

/* ---- the session -------------------------------------------------------------------------------------------- */

static uint32_t
granted_expiry(const struct mqtt_server *server, const struct mqtt_connect *connect)
{
    uint32_t most = server->settings->session_expiry_s_max;
    if (connect->version != MQTT_V5)
        return connect->clean_start ? 0 : most;
    return connect->properties.session_expiry_s < most ? connect->properties.session_expiry_s : most;
}

static int
resume(struct session *s, const struct session_opening *opening)
{
    uint64_t until = s->timer.at_s;
    uint32_t expiry_s = s->expiry_s;
    struct will *pending = s->will;
    s->will = opening->will;
    s->expiry_s = opening->expiry_s;
    int rc = record_session(s);
    if (rc < 0) {
        s->will = pending;
        s->expiry_s = expiry_s;
        session_park(s, until);
        return rc;
    }
    wheel_disarm(&s->server->host->wheel, &s->timer);
    s->version = opening->version;
    s->will = pending;
    will_cancel(s);
    s->will = opening->will;
    return 0;
}

static int
create(struct mqtt_server *server, const struct session_opening *opening, struct session **ret)
{
    struct session *s;
    int rc = server->host->queues.tight ? -ERR_NO_MEMORY : session_new(server, opening, 0, &s);
    if (rc < 0)
        return rc;
    rc = session_enlist(s);
    if (rc < 0) {
        s->will = NULL;
        session_free(s);
        return rc;
    }
    rc = record_session(s);
    if (rc < 0) {
        s->will = NULL; /* still the caller's */
        session_delist(s);
        session_free(s);
        return rc;
    }
    *ret = s;
    return 0;
}

/* MQTT 5, 3.1.2.4 and 3.1.4: an old connection is taken over, an old session goes on or ends. */
static int
open_session(struct mqtt_server *server, const struct session_opening *opening, bool clean, struct session **ret,
             bool *retpresent)
{
    struct session *s = server_find(server, opening->client_id);
    if (s != NULL && s->connection != NULL) {
        connection_dismiss(s->connection, MQTT_SESSION_TAKEN_OVER, NULL);
        s = server_find(server, opening->client_id);
    }
    if (s != NULL && clean) {
        session_end(s);
        s = NULL;
    }
    *retpresent = s != NULL;
    if (s == NULL)
        return create(server, opening, ret);
    *ret = s;
    return resume(s, opening);
}

/* ---- the answer --------------------------------------------------------------------------------------------- */

struct greeting {
    const struct mqtt_connect *connect;
    struct view assigned, auth_data;
    bool present;
};

/* MQTT 5, 3.2.2.3.15: topics under it are for answers to this client. */
static void
put_response_info(struct pen *p, const struct session *s)
{
    uint8_t room[RESPONSE_ID_BYTES_MAX + 16];
    struct pen info = pen_of(room, sizeof(room));
    struct view id = session_client_id(s);
    if (id.len > RESPONSE_ID_BYTES_MAX || view_has_any(id, "+#/"))
        return;
    put_bytes(&info, view_str("response/"));
    put_bytes(&info, id);
    put_bytes(&info, view_str("/"));
    mqtt_put_text(p, MQTT_RESPONSE_INFO, view_of(room, (size_t)(info.at - room)));
}

static uint16_t
at_most_u16(uint32_t x)
{
    return x < UINT16_MAX ? (uint16_t)x : UINT16_MAX;
}

/* What we grant, where it is not what the client asked for or the specification presumes. */
static void
put_limits(struct pen *p, const struct connection *c, const struct mqtt_connect *connect)
{
    const struct mqtt_settings *settings = c->server->settings;
    if (settings->receive_max < UINT16_MAX)
        mqtt_put_u16(p, MQTT_RECEIVE_MAXIMUM, (uint16_t)settings->receive_max);
    if (!settings->retain_available)
        mqtt_put_u8(p, MQTT_RETAIN_AVAILABLE, 0);
    mqtt_put_u32(p, MQTT_MAXIMUM_PACKET_SIZE, settings->packet_bytes_max);
    if (settings->topic_alias_max > 0)
        mqtt_put_u16(p, MQTT_TOPIC_ALIAS_MAXIMUM, at_most_u16(settings->topic_alias_max));
    if (c->session->expiry_s != connect->properties.session_expiry_s)
        mqtt_put_u32(p, MQTT_SESSION_EXPIRY, c->session->expiry_s);
    if (c->keep_alive_s != connect->keep_alive_s)
        mqtt_put_u16(p, MQTT_SERVER_KEEP_ALIVE, c->keep_alive_s);
}

static void
put_greeting(struct pen *p, const struct connection *c, const struct greeting *g)
{
    put_limits(p, c, g->connect);
    if (g->assigned.len > 0)
        mqtt_put_text(p, MQTT_ASSIGNED_CLIENT_ID, g->assigned);
    if (g->connect->properties.request_response_info)
        put_response_info(p, c->session);
    if (c->auth != NULL)
        mqtt_put_text(p, MQTT_AUTH_METHOD, auth_method(c));
    if (g->auth_data.len > 0)
        mqtt_put_text(p, MQTT_AUTH_DATA, g->auth_data);
}

static int
greet(struct connection *c, const struct greeting *g)
{
    struct mqtt_server *server = c->server;
    size_t props_room = CONNACK_BYTES_MAX + g->auth_data.len, room = props_room + 16;
    uint8_t *frame = server_scratch(server, room + props_room);
    if (frame == NULL)
        return refuse(c, MQTT_QUOTA_EXCEEDED, "no memory");
    struct pen p = pen_of(frame + room, props_room);
    if (c->version == MQTT_V5)
        put_greeting(&p, c, g);
    must(!p.torn);
    struct view props = view_of(frame + room, (size_t)(p.at - (frame + room)));
    size_t n = mqtt_write_connack(frame, room, c->version, g->present, MQTT_SUCCESS, props);
    must(n > 0);
    if (n > c->packet_bytes_max)
        connection_close(c, true); /* MQTT-3.2.2-?: it may not be sent, and nothing else may come first */
    else
        answer_frame(c, MQTT_CONNACK, view_of(frame, n), c->session->durable);
    return 0;
}

static uint16_t
granted_keep_alive(const struct mqtt_server *server, const struct mqtt_connect *connect)
{
    uint32_t most = server->settings->keepalive_s_max;
    bool ours = connect->version == MQTT_V5 && most < UINT16_MAX; /* 3.x cannot be told */
    bool more = connect->keep_alive_s == 0 || connect->keep_alive_s > most;
    return ours && more ? (uint16_t)most : connect->keep_alive_s;
}

static void
seat(struct connection *c, struct session *s, const struct mqtt_connect *connect)
{
    struct mqtt_server *server = c->server;
    c->session = s;
    s->connection = c;
    c->phase = PHASE_ACTIVE;
    c->keep_alive_s = granted_keep_alive(server, connect);
    uint32_t window = connect->properties.receive_maximum;
    if (connect->version != MQTT_V5 || window > server->settings->inflight_max)
        window = server->settings->inflight_max;
    c->window = at_most_u16(window);
    uint16_t alias_max = connect->version == MQTT_V5 ? connect->properties.topic_alias_maximum : 0;
    if (alias_max > server->settings->topic_alias_max)
        alias_max = (uint16_t)server->settings->topic_alias_max;
    if (alias_max > 0 && connection_aliases(c) != NULL) /* without memory there are just none */
        c->aliases->out = aliases_out_new(server->host->mem, alias_max);
    connection_seated(c);
    groups_online(s, true);
    server->host->counters.connects++;
    host_say(server->host, LOG_DEBUG, "connect", "client=%.*s session=%u protocol=%u keep_alive=%u expiry=%u",
             session_name_bytes(s), s->client_id, s->kept.id, c->version, c->keep_alive_s, s->expiry_s);
}

int
connect_admit(struct connection *c, const struct mqtt_connect *connect, struct view auth_data, struct fault *why)
{
    struct mqtt_server *server = c->server;
    uint8_t assigned[ASSIGNED_BYTES];
    struct greeting greeting = { .connect = connect, .auth_data = auth_data };
    struct session_opening opening = {
        .client_id = connect->client_id,
        .expiry_s = granted_expiry(server, connect),
        .version = connect->version,
    };
    (void)why;
    if (connect->client_id.len == 0)
        opening.client_id = greeting.assigned = assign_id(server, assigned);
    if (connect->has_will && (opening.will = will_new(server, connect)) == NULL)
        return refuse(c, MQTT_QUOTA_EXCEEDED, "no memory for the will");
    struct session *s;
    int rc = open_session(server, &opening, connect->clean_start, &s, &greeting.present);
    if (rc < 0) {
        mem_free(server->host->mem, opening.will);
        return refuse(c, MQTT_QUOTA_EXCEEDED, err_text(rc));
    }
    seat(c, s, connect);
    return greet(c, &greeting);
}

/* ---- the packet --------------------------------------------------------------------------------------------- */

static void
note_wishes(struct connection *c, const struct mqtt_connect *connect)
{
    c->version = connect->version;
    if (connect->version != MQTT_V5)
        return;
    c->packet_bytes_max = connect->properties.maximum_packet_size;
    c->problem_info = connect->properties.request_problem_info;
}

/* What we refuse although it is well-formed: a reason, or MQTT_SUCCESS. */
static uint8_t
objection(const struct connection *c, const struct mqtt_connect *connect, const char **rettext)
{
    const struct mqtt_settings *settings = c->server->settings;
    *rettext = NULL;
    if (connect->client_id.len > settings->client_id_bytes_max) {
        *rettext = "the client identifier is longer than client_id_bytes_max";
        return MQTT_CLIENT_ID_NOT_VALID;
    }
    if (connect->client_id.len == 0 &&
        (connect->version == MQTT_V31 || (connect->version == MQTT_V311 && !connect->clean_start)))
        return MQTT_CLIENT_ID_NOT_VALID; /* MQTT311-3.1.3-8 */
    if (connect->has_will && connect->will_retain && !settings->retain_available)
        return MQTT_RETAIN_NOT_SUPPORTED; /* MQTT-3.2.2-13 */
    if (c->server->host->stopping)
        return MQTT_SERVER_SHUTTING_DOWN;
    return MQTT_SUCCESS;
}

int
on_connect(struct connection *c, const struct mqtt_packet *packet, struct fault *why)
{
    struct session_host *host = c->server->host;
    const struct mqtt_connect *connect = &packet->connect;
    const char *text;
    note_wishes(c, connect);
    uint8_t reason = objection(c, connect, &text);
    if (reason != MQTT_SUCCESS)
        return refuse(c, reason, text);
    unsigned owner = connect->client_id.len == 0 ? host->shard : host->ops->owner(host, connect->client_id);
    if (owner != host->shard)
        return migrate(c, owner);
    if (mqtt_has(&connect->properties, MQTT_AUTH_METHOD))
        return auth_begin(c, connect, why);
    if (!c->server->settings->allow_anonymous)
        return refuse(c, MQTT_NOT_AUTHORIZED, NULL);
    return connect_admit(c, connect, view_of(NULL, 0), why);
}
