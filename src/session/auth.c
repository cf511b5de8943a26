/* Enhanced authentication: the exchange of AUTH packets, whatever the mechanism (MQTT 5, 4.12). */
#include "session/mqtt_inner.h"

#include "base/must.h"

struct auth {
    const struct mqtt_auth_mechanism *mechanism;
    void *state;
    bool running;
    uint8_t *connect; /* the CONNECT packet, while its exchange runs */
    size_t connect_bytes;
};

struct view
auth_method(const struct connection *c)
{
    return view_str(c->auth->mechanism->method);
}

static void
stop(struct connection *c)
{
    struct auth *auth = c->auth;
    if (auth->running && auth->mechanism->end != NULL)
        auth->mechanism->end(auth->mechanism->arg, auth->state);
    auth->state = NULL;
    auth->running = false;
    mem_free(c->server->host->mem, auth->connect);
    auth->connect = NULL;
}

void
auth_free(struct connection *c)
{
    if (c->auth == NULL)
        return;
    stop(c);
    mem_free(c->server->host->mem, c->auth);
    c->auth = NULL;
}

static const struct mqtt_auth_mechanism *
find_mechanism(const struct mqtt_server *server, struct view method)
{
    for (unsigned i = 0; i < server->mechanism_count; i++)
        if (view_is(method, server->mechanisms[i].method))
            return &server->mechanisms[i];
    return NULL;
}

static int
send_auth(struct connection *c, uint8_t reason, struct view data)
{
    struct mem *mem = c->server->host->mem;
    struct view method = auth_method(c);
    size_t props_room = method.len + data.len + 16, room = props_room + 16;
    uint8_t *frame = mem_raw(mem, room + props_room);
    if (frame == NULL)
        return -ERR_NO_MEMORY;
    struct pen p = pen_of(frame + room, props_room);
    mqtt_put_text(&p, MQTT_AUTH_METHOD, method);
    if (data.len > 0)
        mqtt_put_text(&p, MQTT_AUTH_DATA, data);
    must(!p.torn);
    struct view props = view_of(frame + room, (size_t)(p.at - (frame + room)));
    size_t n = mqtt_write_bye(frame, room, c->version, MQTT_AUTH, reason, props);
    must(n > 0);
    connection_write(c, view_of(frame, n));
    mem_free(mem, frame);
    return 0;
}

/* The CONNECT that the exchange was about is decoded again from its copy. */
static int
admit(struct connection *c, struct view data, struct fault *why)
{
    struct auth *auth = c->auth;
    struct mqtt_dialect dialect = { .from = MQTT_FROM_CLIENT, .packet_bytes_max = auth->connect_bytes };
    struct mqtt_packet packet;
    uint8_t *connect = auth->connect;
    struct mem *mem = c->server->host->mem;
    auth->connect = NULL;
    must(mqtt_decode(view_of(connect, auth->connect_bytes), &dialect, &packet, why) > 0);
    int rc = connect_admit(c, &packet.connect, data, why);
    mem_free(mem, connect);
    return rc;
}

static int
succeed(struct connection *c, struct view data, struct fault *why)
{
    int rc = c->phase == PHASE_ACTIVE ? send_auth(c, MQTT_SUCCESS, data) : admit(c, data, why);
    if (rc == -ERR_NO_MEMORY)
        connection_dismiss(c, MQTT_QUOTA_EXCEEDED, "no memory");
    else if (rc == 0 && c->phase == PHASE_ACTIVE)
        stop(c);
    return rc == -ERR_NO_MEMORY ? 0 : rc;
}

static int
step(struct connection *c, struct view data, struct fault *why)
{
    struct auth *auth = c->auth;
    struct mem *mem = c->server->host->mem;
    size_t answer_bytes = 0;
    uint8_t *answer = mem_raw(mem, AUTH_BYTES_MAX);
    if (answer == NULL) {
        connection_dismiss(c, MQTT_QUOTA_EXCEEDED, "no memory");
        return 0;
    }
    auth->running = true;
    uint8_t reason =
        auth->mechanism->step(auth->mechanism->arg, &auth->state, data, answer, AUTH_BYTES_MAX, &answer_bytes);
    struct view said = view_of(answer, answer_bytes);
    int rc = 0;
    if (reason == MQTT_SUCCESS)
        rc = succeed(c, said, why);
    else if (reason != MQTT_CONTINUE_AUTHENTICATION || send_auth(c, reason, said) < 0)
        connection_dismiss(c, reason >= MQTT_UNSPECIFIED_ERROR ? reason : MQTT_NOT_AUTHORIZED, NULL);
    mem_free(mem, answer);
    return rc;
}

int
auth_begin(struct connection *c, const struct mqtt_connect *connect, struct fault *why)
{
    struct mqtt_server *server = c->server;
    const struct mqtt_auth_mechanism *mechanism = find_mechanism(server, connect->properties.auth_method);
    struct view packet = server->packet;
    if (mechanism == NULL) {
        connection_dismiss(c, MQTT_BAD_AUTHENTICATION_METHOD, NULL);
        return 0;
    }
    c->auth = MEM_NEW(server->host->mem, struct auth);
    uint8_t *copy = c->auth == NULL ? NULL : mem_raw(server->host->mem, packet.len);
    if (copy == NULL) {
        connection_dismiss(c, MQTT_QUOTA_EXCEEDED, "no memory");
        return 0;
    }
    memcpy(copy, packet.data, packet.len);
    c->auth->mechanism = mechanism;
    c->auth->connect = copy;
    c->auth->connect_bytes = packet.len;
    c->phase = PHASE_AUTHENTICATING;
    return step(c, connect->properties.auth_data, why);
}

/* MQTT 5, 4.12: the client continues what we asked for, or, once it is in, begins anew, by the method of its CONNECT.
 */
int
on_auth(struct connection *c, const struct mqtt_packet *packet, struct fault *why)
{
    const struct mqtt_ack *auth = &packet->ack;
    if (c->auth == NULL)
        return connection_breach(why, MQTT_PROTOCOL_ERROR, "MQTT-4.12.0-6",
                                 "AUTH on a connection without an authentication method");
    if (!view_equal(auth->properties.auth_method, auth_method(c)))
        return connection_breach(why, MQTT_PROTOCOL_ERROR, "MQTT-4.12.0-5",
                                 "another authentication method than in CONNECT");
    bool begins = auth->reason == MQTT_REAUTHENTICATE;
    if (begins ? c->phase != PHASE_ACTIVE || c->auth->running
               : !c->auth->running || auth->reason != MQTT_CONTINUE_AUTHENTICATION)
        return connection_breach(why, MQTT_PROTOCOL_ERROR, "MQTT-4.12.0-3",
                                 "this AUTH does not continue or begin an exchange");
    return step(c, auth->properties.auth_data, why);
}
