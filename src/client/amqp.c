/* client/amqp.c - a connection's life: dialing, keeping alive, leaving, and why it ended. */
#include "client/amqp.h"

#include <stdio.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/must.h"
#include "client/amqp_core.h"

enum { CONNECT_S_DEFAULT = 10, CREDENTIAL_BYTES_MAX = 4096 };

#define NS_A_SECOND UINT64_C(1000000000)

static void on_timer(void *arg);

/* ---- the end ---------------------------------------------------------------------------------------------- */

void
amqp_client_fail(struct amqp_client *client, const struct amqp_client_end *end)
{
    if (client->phase == PHASE_CLOSING)
        return;
    /* Who has said connection.close is left in peace, once all that was put is out. */
    if (client->phase != PHASE_LEAVING || io_unsent(client->stream) > 0)
        client->end = *end;
    client->phase = PHASE_CLOSING;
    io_close(client->stream);
}

void
amqp_client_lose(struct amqp_client *client, int rc)
{
    enum amqp_client_why why = client->phase == PHASE_DIALING ? AMQP_CLIENT_UNREACHED : AMQP_CLIENT_LOST;
    amqp_client_fail(client, &(struct amqp_client_end){ .why = why, .rc = rc });
}

int
amqp_client_breach(struct amqp_client *client, const struct fault *fault)
{
    unsigned code = fault->code != 0 ? fault->code : AMQP_UNEXPECTED_FRAME;
    struct amqp_method m = { .id = AMQP_CONNECTION_CLOSE };

    m.connection_close.reply_code = (uint16_t)code;
    m.connection_close.reply_text = view_str(fault->text);
    if (client->phase == PHASE_OPEN)
        (void)amqp_client_put(client, 0, &m); /* it is left in any case */
    amqp_client_fail(client, &(struct amqp_client_end){ .why = AMQP_CLIENT_BREACH, .code = code, .fault = *fault });
    return -ERR_PROTOCOL;
}

/* What a line says about each kind of end; the detail follows. */
static const char *const end_texts[] = {
    [AMQP_CLIENT_LEFT] = "disconnected",
    [AMQP_CLIENT_UNREACHED] = "cannot connect",
    [AMQP_CLIENT_DISMISSED] = "connection closed by the server",
    [AMQP_CLIENT_LOST] = "connection lost",
    [AMQP_CLIENT_BREACH] = "the server broke the protocol",
};

void
amqp_client_end_print(const struct amqp_client_end *end, char *ret, size_t len)
{
    const char *what = end_texts[end->why];

    switch (end->why) {
    case AMQP_CLIENT_LEFT: snprintf(ret, len, "%s", what); break;
    case AMQP_CLIENT_UNREACHED:
    case AMQP_CLIENT_LOST: snprintf(ret, len, "%s: %s", what, err_text(end->rc)); break;
    case AMQP_CLIENT_DISMISSED: snprintf(ret, len, "%s: %s", what, end->said); break;
    case AMQP_CLIENT_BREACH: snprintf(ret, len, "%s: %s [%s]", what, end->fault.text, end->fault.clause); break;
    }
}

/* ---- what the stream tells -------------------------------------------------------------------------------- */

static void
on_opened(void *arg, int rc)
{
    struct amqp_client *client = arg;

    if (client->phase != PHASE_DIALING)
        return;
    if (rc < 0)
        amqp_client_lose(client, rc);
    else
        (void)amqp_client_greet(client);
}

static void
on_read(void *arg, struct view bytes)
{
    struct amqp_client *client = arg;

    client->heard_ns = io_now_ns(client->io);
    amqp_client_read(client, bytes);
    /* A server that talks and does not listen would fill the outbox with our acknowledgements. */
    if (client->phase == PHASE_OPEN && io_unsent(client->stream) > AMQP_CLIENT_UNSENT_HIGH)
        io_read_pause(client->stream);
}

static void
on_ended(void *arg, int rc)
{
    amqp_client_lose(arg, rc);
}

static void
on_drained(void *arg)
{
    struct amqp_client *client = arg;

    if (client->phase != PHASE_OPEN)
        return;
    io_read_resume(client->stream);
    amqp_client_pump(client);
}

static void
on_closed(void *arg)
{
    struct amqp_client *client = arg;

    io_timer_cut(client->io, &client->timer);
    client->stream = NULL;
    client->wants_ready = false;
    carry_clear(&client->carry);
    for (unsigned i = 0; i < client->channel_room; i++) {
        if (client->channels[i] != NULL)
            amqp_channel_end(client, client->channels[i]);
    }
    amqp_channels_free(client);
    client->phase = PHASE_IDLE;
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
set_timer(struct amqp_client *client, uint64_t at_ns)
{
    int rc = io_timer_set(client->io, &client->timer, at_ns, on_timer, client);
    if (rc < 0)
        amqp_client_lose(client, rc);
}

static uint64_t
deadline_ns(const struct amqp_client *client)
{
    return io_now_ns(client->io) + client->settings.connect_s_max * NS_A_SECOND;
}

/* 4.2.7: the server must hear from us within the heartbeat, which half of it makes sure of; it is lost when nothing has
 * come for two. */
static void
beat(struct amqp_client *client)
{
    uint64_t now_ns = io_now_ns(client->io), half_ns = client->heartbeat_ns / 2;
    uint64_t lost_ns = client->heard_ns + 2 * client->heartbeat_ns;

    if (lost_ns <= now_ns) {
        amqp_client_lose(client, -ERR_TIMEOUT);
        return;
    }
    if (client->sent_ns + half_ns <= now_ns)
        amqp_client_put_heartbeat(client);
    if (client->phase != PHASE_OPEN)
        return;
    uint64_t next_ns = client->sent_ns + half_ns;
    set_timer(client, next_ns < lost_ns ? next_ns : lost_ns);
}

void
amqp_client_keep_alive(struct amqp_client *client)
{
    io_timer_cut(client->io, &client->timer);
    if (client->heartbeat_ns > 0)
        beat(client);
}

static void
on_timer(void *arg)
{
    struct amqp_client *client = arg;

    if (client->phase == PHASE_OPEN) {
        beat(client);
    } else if (client->phase == PHASE_LEAVING) {
        client->end = (struct amqp_client_end){ .why = AMQP_CLIENT_LOST, .rc = -ERR_TIMEOUT };
        amqp_client_abort(client);
    } else {
        amqp_client_lose(client, -ERR_TIMEOUT);
    }
}

/* ---- what the user asks ----------------------------------------------------------------------------------- */

static void
fill_defaults(struct amqp_client_settings *settings)
{
    if (settings->vhost.len == 0)
        settings->vhost = view_str("/");
    if (settings->username.len == 0 && settings->password.len == 0)
        settings->username = settings->password = view_str("guest");
    if (settings->message_bytes_max == 0)
        settings->message_bytes_max = MESSAGE_BYTES_MAX_HIGH;
    if (settings->connect_s_max == 0)
        settings->connect_s_max = CONNECT_S_DEFAULT;
}

static bool
settings_valid(const struct amqp_client_settings *settings)
{
    return settings->vhost.len <= AMQP_SHORTSTR_MAX && settings->username.len <= CREDENTIAL_BYTES_MAX &&
           settings->password.len <= CREDENTIAL_BYTES_MAX &&
           (settings->frame_max == 0 || settings->frame_max >= AMQP_FRAME_MIN_SIZE) &&
           (settings->connection_name == NULL || strlen(settings->connection_name) <= AMQP_SHORTSTR_MAX);
}

/* The size of the frame at the front; its payload's is at hand when its head is. */
static ptrdiff_t
frame_size(struct view in, size_t frame_max, struct fault *reterr)
{
    struct amqp_frame frame;
    size_t need = 0;
    int64_t n = amqp_frame_parse(in, (uint32_t)frame_max, &frame, &need, reterr);

    if (n != 0)
        return (ptrdiff_t)n;
    return in.len < AMQP_FRAME_HEAD ? 0 : (ptrdiff_t)need;
}

int
amqp_client_new(struct io *io, const struct amqp_client_settings *settings, const struct amqp_client_on *on, void *arg,
                struct amqp_client **ret)
{
    if (!settings_valid(settings))
        return -ERR_INVALID;
    struct amqp_client *client = MEM_NEW(io_mem(io), struct amqp_client);
    if (client == NULL)
        return -ERR_NO_MEMORY;

    client->io = io;
    client->mem = io_mem(io);
    client->settings = *settings;
    fill_defaults(&client->settings);
    client->on = *on;
    client->arg = arg;
    client->phase = PHASE_IDLE;
    carry_init(&client->carry, client->mem, frame_size);
    *ret = client;
    return 0;
}

void
amqp_client_free(struct amqp_client *client)
{
    if (client == NULL)
        return;
    carry_clear(&client->carry);
    amqp_channels_free(client);
    mem_free(client->mem, client);
}

int
amqp_client_connect(struct amqp_client *client, const struct io_address *address)
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
    io_marks(client->stream, AMQP_CLIENT_UNSENT_HIGH, AMQP_CLIENT_UNSENT_LOW);
    client->end = (struct amqp_client_end){ .why = AMQP_CLIENT_LEFT };
    client->phase = PHASE_DIALING;
    return 0;
}

void
amqp_client_close(struct amqp_client *client)
{
    struct amqp_method m = { .id = AMQP_CONNECTION_CLOSE };

    m.connection_close.reply_code = AMQP_REPLY_SUCCESS;
    m.connection_close.reply_text = view_str("goodbye");
    if (client->phase == PHASE_LEAVING)
        return;
    if (client->phase != PHASE_OPEN || amqp_client_put(client, 0, &m) < 0) {
        amqp_client_abort(client);
        return;
    }
    client->phase = PHASE_LEAVING;
    io_read_resume(client->stream);
    set_timer(client, deadline_ns(client));
}

void
amqp_client_abort(struct amqp_client *client)
{
    if (client->phase == PHASE_IDLE || client->phase == PHASE_CLOSING)
        return;
    client->phase = PHASE_CLOSING;
    io_abort(client->stream);
}

uint64_t
amqp_client_unconfirmed(const struct amqp_client *client)
{
    return client->unconfirmed;
}
