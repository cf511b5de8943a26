/* client/amqp_in.c - what the server sends: one handler a method, and when it is legal. */
#include "base/err.h"
#include "base/must.h"
#include "client/amqp_core.h"

static int
breach(struct amqp_client *client, unsigned code, const char *clause, const char *text)
{
    return amqp_client_breach(client, &(struct fault){ .code = code, .clause = clause, .text = text });
}

static int
unexpected(struct amqp_client *client)
{
    return breach(client, AMQP_COMMAND_INVALID, "4.6", "a method that may not come now");
}

/* ---- the connection --------------------------------------------------------------------------------------- */

typedef int on_method(struct amqp_client *client, struct amqp_channel *channel, const struct amqp_method *m);

static int
on_start(struct amqp_client *client, struct amqp_channel *channel, const struct amqp_method *m)
{
    (void)channel;
    return amqp_client_on_start(client, &m->connection_start);
}

static int
on_tune(struct amqp_client *client, struct amqp_channel *channel, const struct amqp_method *m)
{
    (void)channel;
    return amqp_client_on_tune(client, &m->connection_tune);
}

static int
on_open_ok(struct amqp_client *client, struct amqp_channel *channel, const struct amqp_method *m)
{
    (void)channel;
    (void)m;
    return amqp_client_on_open_ok(client);
}

static int
on_connection_close(struct amqp_client *client, struct amqp_channel *channel, const struct amqp_method *m)
{
    const struct amqp_close *close = &m->connection_close;
    struct amqp_client_end end = { .why = AMQP_CLIENT_DISMISSED, .code = close->reply_code };
    struct amqp_client_end left = { .why = AMQP_CLIENT_LEFT };
    size_t n = close->reply_text.len < sizeof end.said - 1 ? close->reply_text.len : sizeof end.said - 1;
    (void)channel;

    if (n > 0)
        memcpy(end.said, close->reply_text.data, n);
    (void)amqp_client_put(client, 0, &(struct amqp_method){ .id = AMQP_CONNECTION_CLOSE_OK });
    amqp_client_fail(client, client->phase == PHASE_LEAVING ? &left : &end);
    return -ERR_CANCELED;
}

static int
on_connection_close_ok(struct amqp_client *client, struct amqp_channel *channel, const struct amqp_method *m)
{
    (void)channel;
    (void)m;
    amqp_client_fail(client, &(struct amqp_client_end){ .why = AMQP_CLIENT_LEFT });
    return -ERR_CANCELED;
}

static int
on_blocked(struct amqp_client *client, struct amqp_channel *channel, const struct amqp_method *m)
{
    (void)channel;
    if (client->on.blocked != NULL)
        client->on.blocked(client->arg, true, m->connection_blocked.reason);
    return 0;
}

static int
on_unblocked(struct amqp_client *client, struct amqp_channel *channel, const struct amqp_method *m)
{
    (void)channel;
    (void)m;
    if (client->on.blocked != NULL)
        client->on.blocked(client->arg, false, view_of(NULL, 0));
    return 0;
}

/* ---- a channel -------------------------------------------------------------------------------------------- */

static int
on_channel_close(struct amqp_client *client, struct amqp_channel *channel, const struct amqp_method *m)
{
    int rc = amqp_client_reply(client, channel->number, &(struct amqp_method){ .id = AMQP_CHANNEL_CLOSE_OK });
    if (rc < 0)
        return rc;
    amqp_channel_end(client, channel);
    if (client->on.channel_closed != NULL)
        client->on.channel_closed(client->arg, channel->number, m->channel_close.reply_code,
                                  m->channel_close.reply_text);
    return 0;
}

static int
on_flow(struct amqp_client *client, struct amqp_channel *channel, const struct amqp_method *m)
{
    struct amqp_method ok = { .id = AMQP_CHANNEL_FLOW_OK, .channel_flow_ok = m->channel_flow };
    int rc = amqp_client_reply(client, channel->number, &ok);

    channel->stopped = !m->channel_flow.active;
    if (rc == 0 && !channel->stopped)
        amqp_client_pump(client);
    return rc;
}

static int
on_content(struct amqp_client *client, struct amqp_channel *channel, const struct amqp_method *m)
{
    const struct amqp_ask *ask = amqp_channel_asked(channel);

    if (m->id == AMQP_BASIC_GET_OK && (ask == NULL || ask->ok != m->id))
        return unexpected(client);
    return amqp_content_begin(client, channel, m);
}

static int
on_cancel(struct amqp_client *client, struct amqp_channel *channel, const struct amqp_method *m)
{
    struct amqp_method ok = { .id = AMQP_BASIC_CANCEL_OK };
    int rc = 0;

    ok.basic_cancel_ok.consumer_tag = m->basic_cancel.consumer_tag;
    if (!m->basic_cancel.no_wait)
        rc = amqp_client_reply(client, channel->number, &ok);
    if (rc == 0 && client->on.cancelled != NULL)
        client->on.cancelled(client->arg, channel->number, m->basic_cancel.consumer_tag);
    return rc;
}

static void
confirm(struct amqp_client *client, struct amqp_channel *channel, uint64_t number, bool acked)
{
    uint64_t token = confirms_settle(&channel->confirms, number);

    client->unconfirmed--;
    if (client->on.confirmed != NULL)
        client->on.confirmed(client->arg, channel->number, token, acked);
}

/* The server says "all up to"; we say each.  A callback may end it all meanwhile. */
static int
on_confirm(struct amqp_client *client, struct amqp_channel *channel, uint64_t tag, bool multiple, bool acked)
{
    struct confirms *confirms = &channel->confirms;

    if (multiple && tag == 0)
        tag = confirms->next - 1;
    if (tag >= confirms->next || (!multiple && !confirms_has(confirms, tag)))
        return breach(client, AMQP_PRECONDITION_FAILED, "1.8.3.13", "a confirm for what is not unconfirmed");
    if (!multiple)
        confirm(client, channel, tag, acked);
    while (multiple && client->phase == PHASE_OPEN && channel->confirming && confirms->first <= tag)
        confirm(client, channel, confirms->first, acked);
    amqp_client_pump(client);
    return 0;
}

static int
on_ack(struct amqp_client *client, struct amqp_channel *channel, const struct amqp_method *m)
{
    return on_confirm(client, channel, m->basic_ack.delivery_tag, m->basic_ack.multiple, true);
}

static int
on_nack(struct amqp_client *client, struct amqp_channel *channel, const struct amqp_method *m)
{
    return on_confirm(client, channel, m->basic_nack.delivery_tag, m->basic_nack.multiple, false);
}

/* ---- answers ---------------------------------------------------------------------------------------------- */

static int
on_answer(struct amqp_client *client, struct amqp_channel *channel, const struct amqp_method *m)
{
    const struct amqp_ask *ask = amqp_channel_asked(channel);
    uint32_t ok = m->id == AMQP_BASIC_GET_EMPTY ? AMQP_BASIC_GET_OK : m->id;

    if (ask == NULL || ask->ok != ok)
        return unexpected(client);
    uint64_t token = amqp_channel_answered(channel);
    if (ok == AMQP_CHANNEL_CLOSE_OK) {
        channel->state = CHANNEL_FREE;
        amqp_channel_reset(client, channel);
    }
    if (client->on.answered != NULL)
        client->on.answered(client->arg, channel->number, token, m);
    return 0;
}

/* ---- legality --------------------------------------------------------------------------------------------- */

/* What a client accepts besides answers, where and when; what comes most is first.  What is not here must be the answer
 * to the oldest method that waits for one on its channel. */
/* clang-format off */
static const struct row {
    uint32_t id;
    on_method *on;
    unsigned phases;
    bool of_channel;
} rows[] = {
    /* method                     handler                 phases                                  channel */
    { AMQP_BASIC_DELIVER,         on_content,             PHASE_OPEN,                              true  },
    { AMQP_BASIC_ACK,             on_ack,                 PHASE_OPEN,                              true  },
    { AMQP_BASIC_NACK,            on_nack,                PHASE_OPEN,                              true  },
    { AMQP_BASIC_GET_OK,          on_content,             PHASE_OPEN,                              true  },
    { AMQP_BASIC_RETURN,          on_content,             PHASE_OPEN,                              true  },
    { AMQP_BASIC_CANCEL,          on_cancel,              PHASE_OPEN,                              true  },
    { AMQP_CHANNEL_CLOSE,         on_channel_close,       PHASE_OPEN,                              true  },
    { AMQP_CHANNEL_FLOW,          on_flow,                PHASE_OPEN,                              true  },
    { AMQP_CONNECTION_START,      on_start,               PHASE_GREETED,                           false },
    { AMQP_CONNECTION_TUNE,       on_tune,                PHASE_NAMED,                             false },
    { AMQP_CONNECTION_OPEN_OK,    on_open_ok,             PHASE_TUNED,                             false },
    { AMQP_CONNECTION_BLOCKED,    on_blocked,             PHASE_OPEN,                              false },
    { AMQP_CONNECTION_UNBLOCKED,  on_unblocked,           PHASE_OPEN,                              false },
    { AMQP_CONNECTION_CLOSE,      on_connection_close,    PHASE_NAMED | PHASE_TUNED | PHASE_OPEN | PHASE_LEAVING, false },
    { AMQP_CONNECTION_CLOSE_OK,   on_connection_close_ok, PHASE_LEAVING,                           false },
};
/* clang-format on */

static const struct row *
row_of(uint32_t id)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (rows[i].id == id)
            return &rows[i];
    }
    return NULL;
}

/* A close-ok may come late: both sides closed the channel at once (1.5.2.5). */
static bool
is_late(const struct amqp_channel *channel, const struct amqp_method *m)
{
    return m->id == AMQP_CHANNEL_CLOSE_OK && channel != NULL && channel->state == CHANNEL_FREE;
}

static int
take_method(struct amqp_client *client, uint16_t number, struct view payload)
{
    struct amqp_channel *channel = amqp_channel_find(client, number);
    struct amqp_method m;
    struct fault why;

    if (amqp_method_parse(payload, &m, &why) < 0)
        return amqp_client_breach(client, &why);
    const struct row *row = row_of(m.id);
    unsigned phases = row == NULL ? PHASE_OPEN : row->phases;
    if (client->phase == PHASE_LEAVING && !(phases & PHASE_LEAVING))
        return 0;
    if (!(client->phase & phases))
        return unexpected(client);
    if (row != NULL && !row->of_channel)
        return number == 0 ? row->on(client, NULL, &m) : unexpected(client);
    if (is_late(channel, &m))
        return 0;
    if (channel == NULL || channel->state == CHANNEL_FREE)
        return breach(client, AMQP_CHANNEL_ERROR, "4.3", "a method on a channel that is not open");
    if (channel->content.method != 0)
        return breach(client, AMQP_UNEXPECTED_FRAME, "4.2.6", "a method within a message");
    return row != NULL ? row->on(client, channel, &m) : on_answer(client, channel, &m);
}

static int
take_content(struct amqp_client *client, const struct amqp_frame *frame)
{
    struct amqp_channel *channel = amqp_channel_find(client, frame->channel);

    if (client->phase == PHASE_LEAVING)
        return 0;
    if (client->phase != PHASE_OPEN || channel == NULL || channel->state == CHANNEL_FREE)
        return breach(client, AMQP_UNEXPECTED_FRAME, "4.2.6", "content on a channel that is not open");
    if (frame->type == AMQP_FRAME_HEADER)
        return amqp_content_header(client, channel, frame->payload);
    return amqp_content_body(client, channel, frame->payload);
}

static int
take_frame(struct amqp_client *client, struct view bytes)
{
    struct amqp_frame frame;
    struct fault why;
    size_t need;

    if (amqp_frame_parse(bytes, client->frame_max, &frame, &need, &why) < 0)
        return amqp_client_breach(client, &why);
    switch (frame.type) {
    case AMQP_FRAME_METHOD: return take_method(client, frame.channel, frame.payload);
    case AMQP_FRAME_HEARTBEAT: return 0;
    default: return take_content(client, &frame);
    }
}

void
amqp_client_read(struct amqp_client *client, struct view bytes)
{
    unsigned reading = PHASE_GREETED | PHASE_NAMED | PHASE_TUNED | PHASE_OPEN | PHASE_LEAVING;
    struct fault fault = { 0 };
    struct view frame;
    int rc = 0;

    /* A callback may abort: what follows in this read is then nobody's. */
    while (client->phase & reading) {
        const uint8_t *at = bytes.data;
        rc = carry_next(&client->carry, &bytes, client->frame_max, &frame, &fault);
        if (rc <= 0 || take_frame(client, frame) < 0)
            break;
        /* A carried frame lies there only until the next one. */
        if (frame.data != at && amqp_content_keep(client) < 0)
            break;
    }
    if (rc == -ERR_NO_MEMORY)
        amqp_client_lose(client, rc);
    else if (rc < 0)
        amqp_client_breach(client, &fault);
    if (client->phase == PHASE_OPEN)
        (void)amqp_content_keep(client);
}
