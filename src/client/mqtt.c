/* client/mqtt.c - a connection's life: dialing, keeping alive, leaving, and why it ended. */
#include "client/mqtt.h"

#include <stdio.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"
#include "client/mqtt_core.h"

enum { CONNECT_S_DEFAULT = 10, MESSAGES_MAX = 65000 };

#define NS_A_SECOND UINT64_C(1000000000)

static void on_timer(void *arg);

/* ---- the end ---------------------------------------------------------------------------------------------- */

void
mqtt_client_fail(struct mqtt_client *client, const struct mqtt_client_end *end)
{
    if (client->phase == PHASE_CLOSING)
        return;
    /* Who has said DISCONNECT is left in peace, once all that was put is out. */
    if (client->phase != PHASE_LEAVING || io_unsent(client->stream) > 0)
        client->end = *end;
    client->phase = PHASE_CLOSING;
    io_close(client->stream);
}

void
mqtt_client_breach(struct mqtt_client *client, const struct fault *fault)
{
    uint8_t reason = (uint8_t)(fault->code != 0 ? fault->code : MQTT_PROTOCOL_ERROR);

    if (client->phase == PHASE_OPEN && client->settings.connect.version == MQTT_V5)
        mqtt_client_send_bye(client, MQTT_DISCONNECT, reason, view_of(NULL, 0));
    mqtt_client_fail(client, &(struct mqtt_client_end){ .why = MQTT_CLIENT_BREACH, .reason = reason, .fault = *fault });
}

static void
lose(struct mqtt_client *client, int rc)
{
    enum mqtt_client_why why = client->phase == PHASE_DIALING ? MQTT_CLIENT_UNREACHED : MQTT_CLIENT_LOST;
    mqtt_client_fail(client, &(struct mqtt_client_end){ .why = why, .rc = rc });
}

/* What a line says about each kind of end; the detail follows. */
static const char *const end_texts[] = {
    [MQTT_CLIENT_LEFT] = "disconnected",
    [MQTT_CLIENT_UNREACHED] = "cannot connect",
    [MQTT_CLIENT_REFUSED] = "connection refused by the server",
    [MQTT_CLIENT_DISMISSED] = "disconnected by the server",
    [MQTT_CLIENT_LOST] = "connection lost",
    [MQTT_CLIENT_BREACH] = "the server broke the protocol",
};

void
mqtt_client_end_print(const struct mqtt_client_end *end, char *ret, size_t len)
{
    const char *what = end_texts[end->why];

    switch (end->why) {
    case MQTT_CLIENT_LEFT: snprintf(ret, len, "%s", what); break;
    case MQTT_CLIENT_UNREACHED:
    case MQTT_CLIENT_LOST: snprintf(ret, len, "%s: %s", what, err_text(end->rc)); break;
    case MQTT_CLIENT_REFUSED:
    case MQTT_CLIENT_DISMISSED:
        snprintf(ret, len, "%s: %s%s%s%s", what, mqtt_reason_text(end->reason), end->said[0] ? " (" : "", end->said,
                 end->said[0] ? ")" : "");
        break;
    case MQTT_CLIENT_BREACH: snprintf(ret, len, "%s: %s [%s]", what, end->fault.text, end->fault.clause); break;
    }
}

/* ---- what the stream tells -------------------------------------------------------------------------------- */

static void
on_opened(void *arg, int rc)
{
    struct mqtt_client *client = arg;

    if (client->phase != PHASE_DIALING)
        return;
    if (rc == 0) {
        client->phase = PHASE_GREETED;
        rc = mqtt_client_send_connect(client);
    }
    if (rc < 0)
        lose(client, rc);
}

static void
on_read(void *arg, struct view bytes)
{
    struct mqtt_client *client = arg;

    mqtt_client_read(client, bytes);
    /* A server that talks and does not listen would fill the outbox with our acknowledgements. */
    if (client->phase == PHASE_OPEN && io_unsent(client->stream) > MQTT_CLIENT_UNSENT_HIGH)
        io_read_pause(client->stream);
}

static void
on_ended(void *arg, int rc)
{
    lose(arg, rc);
}

static void
on_drained(void *arg)
{
    struct mqtt_client *client = arg;

    if (client->phase == PHASE_LEAVING) {
        client->phase = PHASE_CLOSING;
        io_close(client->stream);
    } else if (client->phase == PHASE_OPEN) {
        io_read_resume(client->stream);
        mqtt_client_pump(client);
    }
}

static void
on_closed(void *arg)
{
    struct mqtt_client *client = arg;

    io_timer_cut(client->io, &client->timer);
    client->stream = NULL;
    client->phase = PHASE_IDLE;
    client->wants_ready = false;
    carry_clear(&client->carry);
    aliases_fini(&client->aliases_in);
    aliases_fini(&client->aliases_out);
    flights_rewind(&client->flights);
    if (client->on.closed != NULL)
        client->on.closed(client->arg, &client->end);
}

static const struct io_stream_on stream_on = {
    .opened = on_opened,
    .read = on_read,
    .ended = on_ended,
    .drained = on_drained,
    .closed = on_closed,
};

/* ---- time ------------------------------------------------------------------------------------------------- */

static void
set_timer(struct mqtt_client *client, uint64_t at_ns)
{
    int rc = io_timer_set(client->io, &client->timer, at_ns, on_timer, client);
    if (rc < 0)
        lose(client, rc);
}

static uint64_t
deadline_ns(const struct mqtt_client *client)
{
    return io_now_ns(client->io) + client->settings.connect_s_max * NS_A_SECOND;
}

void
mqtt_client_keep_alive(struct mqtt_client *client, unsigned seconds)
{
    client->keepalive_ns = seconds * NS_A_SECOND;
    client->pinged = false;
    if (seconds == 0)
        io_timer_cut(client->io, &client->timer);
    else
        set_timer(client, client->sent_ns + client->keepalive_ns);
}

/* The server must hear from us within the keep-alive, and answer a PINGREQ within another one. */
static void
keep_alive(struct mqtt_client *client)
{
    uint64_t now_ns = io_now_ns(client->io);

    if (client->pinged) {
        lose(client, -ERR_TIMEOUT);
        return;
    }
    if (client->sent_ns + client->keepalive_ns <= now_ns) {
        client->pinged = true;
        mqtt_client_send_ping(client);
    }
    set_timer(client, client->sent_ns + client->keepalive_ns);
}

static void
on_timer(void *arg)
{
    struct mqtt_client *client = arg;

    if (client->phase == PHASE_OPEN) {
        keep_alive(client);
    } else if (client->phase == PHASE_LEAVING) {
        client->end = (struct mqtt_client_end){ .why = MQTT_CLIENT_LOST, .rc = -ERR_TIMEOUT };
        mqtt_client_abort(client);
    } else {
        lose(client, -ERR_TIMEOUT);
    }
}

/* ---- what the user asks ----------------------------------------------------------------------------------- */

/* Our own promises stand in the properties that the user composed. */
static void
read_promises(struct mqtt_client *client, struct view raw)
{
    struct cursor at = cursor_of(raw);
    struct mqtt_property_item item;

    while (mqtt_property_next(&at, &item)) {
        switch (item.id) {
        case MQTT_RECEIVE_MAXIMUM: client->receive_max = item.number; break;
        case MQTT_TOPIC_ALIAS_MAXIMUM: client->alias_in_max = item.number; break;
        case MQTT_AUTH_METHOD: client->has_auth_method = true; break;
        case MQTT_MAXIMUM_PACKET_SIZE:
            if (item.number < client->packet_bytes_max)
                client->packet_bytes_max = item.number;
            break;
        default: break;
        }
    }
}

static void
fill_defaults(struct mqtt_client_settings *settings)
{
    if (settings->packet_bytes_max == 0)
        settings->packet_bytes_max = PACKET_BYTES_MAX_HIGH;
    if (settings->inflight_max == 0)
        settings->inflight_max = INFLIGHT_MAX_DEFAULT;
    if (settings->connect_s_max == 0)
        settings->connect_s_max = CONNECT_S_DEFAULT;
}

static bool
settings_valid(const struct mqtt_client_settings *settings)
{
    const struct mqtt_connect *connect = &settings->connect;

    return connect->version >= MQTT_V31 && connect->version <= MQTT_V5 && settings->inflight_max <= MESSAGES_MAX &&
           connect->client_id.len <= CLIENT_ID_BYTES_MAX && connect->will_topic.len <= TOPIC_BYTES_MAX &&
           connect->will_payload.len <= UINT16_MAX && connect->username.len <= UINT16_MAX &&
           connect->password.len <= UINT16_MAX;
}

int
mqtt_client_new(struct io *io, const struct mqtt_client_settings *settings, const struct mqtt_client_on *on, void *arg,
                struct mqtt_client **ret)
{
    if (!settings_valid(settings))
        return -ERR_INVALID;
    struct mqtt_client *client = MEM_NEW(io_mem(io), struct mqtt_client);
    if (client == NULL)
        return -ERR_NO_MEMORY;

    client->io = io;
    client->mem = io_mem(io);
    client->settings = *settings;
    fill_defaults(&client->settings);
    client->on = *on;
    client->arg = arg;
    client->phase = PHASE_IDLE;
    client->packet_bytes_max = client->settings.packet_bytes_max;
    client->receive_max = UINT16_MAX;
    if (settings->connect.version == MQTT_V5)
        read_promises(client, settings->connect.properties.raw);
    carry_init(&client->carry, client->mem, mqtt_frame);
    aliases_init(&client->aliases_in, client->mem, client->alias_in_max);
    aliases_init(&client->aliases_out, client->mem, 0);
    int rc = flights_init(&client->flights, client->mem, client->settings.inflight_max);
    if (rc < 0) {
        mqtt_client_free(client);
        return rc;
    }
    *ret = client;
    return 0;
}

void
mqtt_client_free(struct mqtt_client *client)
{
    if (client == NULL)
        return;
    carry_clear(&client->carry);
    aliases_fini(&client->aliases_in);
    aliases_fini(&client->aliases_out);
    flights_fini(&client->flights);
    mem_free(client->mem, client->received);
    mem_free(client->mem, client->assigned_id);
    mem_free(client->mem, client);
}

int
mqtt_client_connect(struct mqtt_client *client, const struct io_address *address)
{
    must(client->phase == PHASE_IDLE);
    int rc = io_timer_set(client->io, &client->timer, deadline_ns(client), on_timer, client);
    if (rc < 0)
        return rc;
    rc = io_connect(client->io, address, &stream_on, client, &client->stream);
    if (rc < 0) {
        io_timer_cut(client->io, &client->timer);
        return rc;
    }
    io_marks(client->stream, MQTT_CLIENT_UNSENT_HIGH, MQTT_CLIENT_UNSENT_LOW);
    client->end = (struct mqtt_client_end){ .why = MQTT_CLIENT_LEFT };
    client->phase = PHASE_DIALING;
    return 0;
}

bool
mqtt_client_is_connected(const struct mqtt_client *client)
{
    return client->phase == PHASE_OPEN;
}

void
mqtt_client_disconnect(struct mqtt_client *client, uint8_t reason, struct view props)
{
    if (client->phase != PHASE_OPEN) {
        mqtt_client_abort(client);
        return;
    }
    mqtt_client_acknowledge(client);
    /* The end of the outbox is told by `drained`: everything above nothing is high. */
    io_marks(client->stream, 0, 0);
    if (mqtt_client_send_bye(client, MQTT_DISCONNECT, reason, props) < 0) {
        mqtt_client_abort(client);
        return;
    }
    client->phase = PHASE_LEAVING;
    set_timer(client, deadline_ns(client));
}

void
mqtt_client_abort(struct mqtt_client *client)
{
    if (client->phase == PHASE_IDLE || client->phase == PHASE_CLOSING)
        return;
    client->phase = PHASE_CLOSING;
    io_abort(client->stream);
}

int
mqtt_client_auth(struct mqtt_client *client, uint8_t reason, struct view props)
{
    if (!(client->phase & (PHASE_GREETED | PHASE_OPEN)))
        return -ERR_AGAIN;
    return mqtt_client_send_bye(client, MQTT_AUTH, reason, props);
}
