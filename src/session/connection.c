/* A connection: its stream's events, time, holding back, and the end. */
#include "session/mqtt_inner.h"

/* What only a connection without a session needs: it is there for a moment. */
struct opening {
    struct wheel_timer timer;
    struct connection *connection;
};

/* ---- the stream's events ------------------------------------------------------------------------------------ */

static void
on_read(void *arg, struct view bytes)
{
    struct connection *c = arg;
    if (c->phase == PHASE_CLOSED)
        return;
    if (c->phase == PHASE_ACTIVE) /* before, a byte now and then does not buy time */
        c->last_s = (uint32_t)host_wall_s(c->server->host);
    c->server->host->counters.bytes_in += bytes.len;
    connection_read(c, bytes);
}

static void
on_ended(void *arg, int rc)
{
    struct connection *c = arg;
    (void)rc;
    connection_close(c, true);
}

static void
end_stall(struct connection *c, enum stall to)
{
    bool waited_for = c->stall == STALL_WAITED_FOR;
    c->stall = (uint8_t)to;
    if (!waited_for)
        return;
    c->server->stalled--;
    mqtt_server_unpause(c->server);
}

static void
on_drained(void *arg)
{
    struct connection *c = arg;
    if (c->phase == PHASE_CLOSED)
        return;
    end_stall(c, STALL_NONE);
    c->choked = false;
    if (c->session != NULL)
        flow_hungry(c->session);
}

static void
on_closed(void *arg)
{
    connection_free(arg);
}

const struct io_stream_on *
connection_stream_on(void)
{
    static const struct io_stream_on on = {
        .read = on_read, .ended = on_ended, .drained = on_drained, .closed = on_closed
    };
    return &on;
}

/* ---- time --------------------------------------------------------------------------------------------------- */

/* The second at which silence ends the connection (MQTT 5, 3.1.2.10: one and a half times keep-alive, here from the end
 * of the second in which the last packet came); 0: never. */
static uint64_t
silence_until(const struct connection *c)
{
    if (c->phase != PHASE_ACTIVE)
        return c->last_s + (uint64_t)c->server->settings->connect_s_max;
    return c->keep_alive_s == 0 ? 0 : c->last_s + 1 + (c->keep_alive_s * UINT64_C(3) + 1) / 2;
}

/* Not for each packet: when the timer fires it looks how long ago the last one came. */
void
connection_arm(struct connection *c)
{
    struct wheel_timer *timer = c->opening != NULL ? &c->opening->timer : &c->session->timer;
    uint64_t at = silence_until(c);
    if (c->stall == STALL_WAITED_FOR && (at == 0 || c->stall_until_s < at))
        at = c->stall_until_s;
    if (at == 0)
        wheel_disarm(&c->server->host->wheel, timer);
    else
        wheel_arm(&c->server->host->wheel, timer, at);
}

void
connection_timer(struct connection *c)
{
    uint64_t now = host_wall_s(c->server->host), until = silence_until(c);
    if (c->stall == STALL_WAITED_FOR && now >= c->stall_until_s)
        end_stall(c, STALL_GIVEN_UP);
    if (c->paused != 0)
        c->last_s = (uint32_t)now; /* its silence is ours */
    if (until == 0 || now < until || c->paused != 0)
        connection_arm(c);
    else if (c->phase == PHASE_ACTIVE)
        connection_dismiss(c, MQTT_KEEP_ALIVE_TIMEOUT, NULL);
    else
        connection_dismiss(c, MQTT_MAXIMUM_CONNECT_TIME, NULL);
}

static void
on_opening_timer(struct wheel_timer *timer)
{
    connection_timer(container_of(timer, struct opening, timer)->connection);
}

static void
opening_free(struct connection *c)
{
    if (c->opening == NULL)
        return;
    wheel_disarm(&c->server->host->wheel, &c->opening->timer);
    mem_free(c->server->host->mem, c->opening);
    c->opening = NULL;
}

void
connection_seated(struct connection *c)
{
    opening_free(c);
    c->last_s = (uint32_t)host_wall_s(c->server->host);
    connection_arm(c);
}

void
connection_stall(struct connection *c)
{
    struct mqtt_server *server = c->server;
    c->choked = true;
    if (c->stall == STALL_NONE) {
        c->stall = STALL_WAITED_FOR;
        c->stall_until_s = (uint32_t)host_wall_s(server->host) + STALL_S_MAX + 1;
        server->stalled++;
        connection_arm(c);
    }
    if (c->stall != STALL_WAITED_FOR)
        return;
    server->host->choked = true;
    if (server->publishing != c)
        mqtt_server_hold(server);
}

void
connection_pause(struct connection *c, enum pause why)
{
    if (c->phase == PHASE_CLOSED || (c->paused & why))
        return;
    if (c->paused == 0)
        io_read_pause(c->stream);
    c->paused |= (uint8_t)why;
    if (why != PAUSE_NODE)
        return;
    c->server->paused_count++;
    list_cut(&c->all); /* to the front, where mqtt_server_unpause() looks first */
    list_push(c->server->connections.next, &c->all);
}

void
connection_resume(struct connection *c, enum pause why)
{
    if (c->phase == PHASE_CLOSED || !(c->paused & why))
        return;
    c->paused &= (uint8_t)~why;
    c->server->paused_count -= why == PAUSE_NODE;
    if (c->paused != 0)
        return;
    c->last_s = (uint32_t)host_wall_s(c->server->host); /* its silence was ours */
    io_read_resume(c->stream);
}

/* ---- begin and end ------------------------------------------------------------------------------------------ */

int
mqtt_sniff(struct view bytes)
{
    if (bytes.len == 0)
        return 0;
    if (bytes.data[0] != MQTT_CONNECT << 4)
        return -1;
    struct fault fault;
    ptrdiff_t whole = mqtt_frame(bytes, PACKET_BYTES_MAX_HIGH, &fault);
    if (whole < 0)
        return -1;
    struct cursor c = cursor_of(view_from(bytes, 1));
    (void)take_varint(&c);
    struct view name = take_short(&c);
    if (!c.torn)
        return view_is(name, "MQTT") || view_is(name, "MQIsdp") ? 1 : -1;
    /* No name yet: more may come, unless the packet is over already. */
    return whole == 0 || bytes.len < (size_t)whole ? 0 : -1;
}

static struct connection *
connection_new(struct mqtt_server *server)
{
    struct mem *mem = server->host->mem;
    struct connection *c = MEM_NEW(mem, struct connection);
    struct opening *opening = c == NULL ? NULL : MEM_NEW(mem, struct opening);
    if (opening == NULL) {
        mem_free(mem, c);
        return NULL;
    }
    c->server = server;
    c->opening = opening;
    opening->connection = c;
    wheel_timer_init(&opening->timer, on_opening_timer);
    list_init(&c->all);
    list_push(&server->connections, &c->all);
    server->connection_count++;
    server->host->counters.connections = server->connection_count;
    return c;
}

int
mqtt_server_accept(struct mqtt_server *server, struct io_stream *stream, struct view bytes)
{
    struct connection *c = connection_new(server);
    if (c == NULL)
        return -ERR_NO_MEMORY;
    c->stream = stream;
    c->phase = PHASE_OPENING;
    c->packet_bytes_max = UINT32_MAX;
    c->problem_info = true;
    c->last_s = (uint32_t)host_wall_s(server->host);
    connection_arm(c);
    io_accept(stream, connection_stream_on(), c);
    io_marks(stream, OUTBOX_HIGH_BYTES, OUTBOX_LOW_BYTES);
    on_read(c, bytes);
    return 0;
}

/* What the connection owns beside itself. */
static void
strip(struct connection *c)
{
    opening_free(c);
    carry_drop(c);
    held_free(c);
    auth_free(c);
    aliases_free(c->server->host->mem, c->aliases);
    c->aliases = NULL;
}

void
connection_free(struct connection *c)
{
    struct mqtt_server *server = c->server;
    strip(c);
    list_cut(&c->all);
    server->connection_count--;
    server->host->counters.connections = server->connection_count;
    mem_free(server->host->mem, c);
}

struct aliases *
connection_aliases(struct connection *c)
{
    if (c->aliases == NULL)
        c->aliases = MEM_NEW(c->server->host->mem, struct aliases);
    return c->aliases;
}

void
connection_close(struct connection *c, bool with_will)
{
    if (c->phase == PHASE_CLOSED)
        return;
    c->phase = PHASE_CLOSED;
    c->greeted = false;
    c->server->doomed_count -= c->doomed;
    c->server->paused_count -= (c->paused & PAUSE_NODE) != 0;
    c->doomed = true;
    end_stall(c, STALL_NONE);
    struct session *s = c->session;
    c->session = NULL;
    strip(c);
    if (s != NULL) {
        host_say(c->server->host, LOG_DEBUG, "leave", "client=%.*s session=%u%s", session_name_bytes(s), s->client_id,
                 s->kept.id, with_will && s->will != NULL ? " with its will" : "");
        session_part(s, with_will);
    }
    io_close(c->stream);
}

/* A client that was refused hears it in CONNACK, one that is in, in 5.0, in DISCONNECT; before the version is known
 * nothing is said. */
static void
say_goodbye(struct connection *c, uint8_t reason, const char *text)
{
    uint8_t room[600], props[512];
    if (c->phase == PHASE_OPENING || c->phase == PHASE_AUTHENTICATING) {
        if (reason != MQTT_MAXIMUM_CONNECT_TIME)
            connect_refuse(c, reason, text);
        return;
    }
    if (c->version != MQTT_V5 || !c->greeted)
        return;
    struct view why = reason_props(c, reason, text, props, sizeof(props));
    size_t n = mqtt_write_bye(room, sizeof(room), c->version, MQTT_DISCONNECT, reason, why);
    if (n <= c->packet_bytes_max)
        connection_write(c, view_of(room, n));
}

void
connection_dismiss(struct connection *c, uint8_t reason, const char *text)
{
    if (c->phase == PHASE_CLOSED)
        return;
    say_goodbye(c, reason, text);
    connection_close(c, true);
}

void
connection_doom(struct connection *c, uint8_t reason)
{
    if (c->doomed)
        return;
    c->doomed = true;
    c->doom = reason;
    c->server->doomed_count++;
}

/* ---- the smallest handlers ---------------------------------------------------------------------------------- */

int
on_pingreq(struct connection *c, const struct mqtt_packet *packet, struct fault *why)
{
    (void)packet, (void)why;
    answer_ack(c, MQTT_PINGRESP, 0, 0, false);
    return 0;
}

/* MQTT 5, 3.14.2.2.2: what was 0 stays 0. */
static int
change_expiry(struct session *s, uint32_t expiry_s, struct fault *why)
{
    if (s->expiry_s == 0 && expiry_s != 0)
        return connection_breach(why, MQTT_PROTOCOL_ERROR, "3.14.2.2.2",
                                 "a session expiry interval of 0 may not be raised by DISCONNECT");
    uint32_t most = s->server->settings->session_expiry_s_max;
    s->expiry_s = expiry_s < most ? expiry_s : most;
    return 0;
}

int
on_disconnect(struct connection *c, const struct mqtt_packet *packet, struct fault *why)
{
    const struct mqtt_ack *bye = &packet->ack;
    if (c->session != NULL && mqtt_has(&bye->properties, MQTT_SESSION_EXPIRY)) {
        int rc = change_expiry(c->session, bye->properties.session_expiry_s, why);
        if (rc < 0)
            return rc;
    }
    connection_close(c, bye->reason != MQTT_SUCCESS);
    return 0;
}
