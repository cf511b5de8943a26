/* Channels: which methods there are, opening, closing, and the channel's own errors. */
#include "session/amqp/inner.h"

/* ---- methods ------------------------------------------------------------------------------------------------ */

/* Everything a client may send on a channel beside channel.open, close and close-ok. */
/* clang-format off */
static const struct row {
    uint32_t id;
    channel_fn *on;
} rows[] = {
    { AMQP_BASIC_PUBLISH,       on_basic_publish },
    { AMQP_BASIC_ACK,           on_basic_ack },
    { AMQP_BASIC_NACK,          on_basic_nack },
    { AMQP_BASIC_REJECT,        on_basic_reject },
    { AMQP_BASIC_GET,           on_basic_get },
    { AMQP_BASIC_QOS,           on_basic_qos },
    { AMQP_BASIC_CONSUME,       on_basic_consume },
    { AMQP_BASIC_CANCEL,        on_basic_cancel },
    { AMQP_BASIC_RECOVER,       on_basic_recover },
    { AMQP_BASIC_RECOVER_ASYNC, on_basic_recover_async },
    { AMQP_QUEUE_DECLARE,       on_queue_declare },
    { AMQP_QUEUE_BIND,          on_queue_bind },
    { AMQP_QUEUE_UNBIND,        on_queue_unbind },
    { AMQP_QUEUE_PURGE,         on_queue_purge },
    { AMQP_QUEUE_DELETE,        on_queue_delete },
    { AMQP_EXCHANGE_DECLARE,    on_exchange_declare },
    { AMQP_EXCHANGE_DELETE,     on_exchange_delete },
    { AMQP_EXCHANGE_BIND,       on_exchange_bind },
    { AMQP_EXCHANGE_UNBIND,     on_exchange_unbind },
    { AMQP_CHANNEL_FLOW,        on_channel_flow },
    { AMQP_ACCESS_REQUEST,      on_access_request },
    { AMQP_CONFIRM_SELECT,      on_confirm_select },
    { AMQP_TX_SELECT,           on_tx_select },
    { AMQP_TX_COMMIT,           on_tx_commit },
    { AMQP_TX_ROLLBACK,         on_tx_rollback },
};
/* clang-format on */

static void
close_number(struct conn *c, uint16_t number, bool answered)
{
    struct channel *ch = c->channels[number];
    channel_free(ch);
    if (answered)
        answer(c, number, &(struct amqp_method){ .id = AMQP_CHANNEL_CLOSE_OK }, false);
}

static int
on_closing_channel(struct channel *ch, const struct amqp_method *m)
{
    struct conn *c = ch->conn;
    if (m->id == AMQP_CHANNEL_CLOSE_OK)
        close_number(c, ch->number, false);
    else if (m->id == AMQP_CHANNEL_CLOSE) /* both at once: its close-ok is still to come */
        channel_answer(ch, &(struct amqp_method){ .id = AMQP_CHANNEL_CLOSE_OK }, false);
    return 0;
}

int
channel_method(struct channel *ch, const struct amqp_method *m, struct refusal *why)
{
    if (ch->closing)
        return on_closing_channel(ch, m);
    if (content_expected(ch))
        return content_unexpected(ch, why);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (rows[i].id == m->id)
            return rows[i].on(ch, m, why);
    if (m->id == AMQP_CHANNEL_CLOSE) {
        close_number(ch->conn, ch->number, true);
        return 0;
    }
    if (m->id == AMQP_CHANNEL_CLOSE_OK)
        return 0;
    if (m->id == AMQP_CHANNEL_OPEN)
        return deny(why, AMQP_CHANNEL_ERROR, "second 'channel.open' seen");
    return deny(why, AMQP_COMMAND_INVALID, "unimplemented method");
}

/* 4.1.8 wants the reverse too, a client that may be stopped; nobody does that to it here. */
int
on_channel_flow(struct channel *ch, const struct amqp_method *m, struct refusal *why)
{
    if (!m->channel_flow.active)
        return deny(why, AMQP_NOT_IMPLEMENTED, "active=false");
    struct amqp_method ok = { .id = AMQP_CHANNEL_FLOW_OK };
    ok.channel_flow_ok.active = true;
    channel_answer(ch, &ok, false);
    return 0;
}

/* Of AMQP 0-8; some clients ask still. */
int
on_access_request(struct channel *ch, const struct amqp_method *m, struct refusal *why)
{
    (void)m, (void)why;
    struct amqp_method ok = { .id = AMQP_ACCESS_REQUEST_OK };
    ok.access_request_ok.ticket = 1;
    channel_answer(ch, &ok, false);
    return 0;
}

void
channel_answer(struct channel *ch, const struct amqp_method *m, bool waits)
{
    answer(ch->conn, ch->number, m, waits);
}

void
channel_done(struct channel *ch, uint32_t id, bool no_wait, bool waits)
{
    if (!no_wait)
        channel_answer(ch, &(struct amqp_method){ .id = id }, waits);
}

/* ---- open and close ----------------------------------------------------------------------------------------- */

static int
make_room(struct conn *c, uint16_t number)
{
    if (number < c->channel_room)
        return 0;
    unsigned room = c->channel_room == 0 ? 2 : c->channel_room;
    while (room <= number)
        room *= 2;
    room = room > UINT16_MAX ? UINT16_MAX : room;
    struct channel **channels = mem_grow(c->server->host->mem, c->channels, room * sizeof(struct channel *));
    if (channels == NULL)
        return -ERR_NO_MEMORY;
    memset(channels + c->channel_room, 0, (room - c->channel_room) * sizeof(struct channel *));
    c->channels = channels;
    c->channel_room = (uint16_t)room;
    return 0;
}

int
channel_open(struct conn *c, uint16_t number, struct refusal *why)
{
    if (number > c->channel_max || number == UINT16_MAX)
        return deny(why, AMQP_NOT_ALLOWED, "number of channels opened (%u) has reached the negotiated channel_max (%u)",
                    c->channel_count, c->channel_max);
    int rc = make_room(c, number);
    struct channel *ch = rc < 0 ? NULL : MEM_NEW(c->server->host->mem, struct channel);
    if (ch == NULL)
        return deny_rc(why, -ERR_NO_MEMORY);
    ch->conn = c;
    ch->number = number;
    list_init(&ch->busy);
    list_init(&ch->consumers);
    list_init(&ch->getters);
    c->channels[number] = ch;
    c->channel_count++;
    c->server->channel_count++;
    channel_answer(ch, &(struct amqp_method){ .id = AMQP_CHANNEL_OPEN_OK }, false);
    return 0;
}

/* All that it has and is not only its number. */
static void
strip(struct channel *ch)
{
    struct mem *mem = channel_mem(ch);
    content_drop(ch);
    consumers_free(ch);
    confirms_free(ch);
    transaction_free(ch);
    reply_free(ch);
    unackeds_fini(&ch->unacked, mem);
    mem_free(mem, ch->last_queue);
    ch->last_queue = NULL;
    list_cut(&ch->busy);
}

void
channel_free(struct channel *ch)
{
    struct conn *c = ch->conn;
    strip(ch);
    c->channels[ch->number] = NULL;
    c->channel_count--;
    c->server->channel_count--;
    mem_free(c->server->host->mem, ch);
}

void
channel_fail(struct channel *ch, const struct refusal *why, uint32_t id)
{
    char text[CLOSE_TEXT_BYTES];
    struct amqp_method m = close_method(AMQP_CHANNEL_CLOSE, why, id, text);
    channel_answer(ch, &m, false);
    strip(ch);
    ch->closing = true;
}
