/* client/amqp_out.c - what the server is sent: methods, messages, heartbeats. */
#include "base/err.h"
#include "base/must.h"
#include "client/amqp_core.h"

static void
done(struct amqp_client *client, size_t n)
{
    io_put_done(client->stream, n);
    client->sent_ns = io_now_ns(client->io);
}

int
amqp_client_put(struct amqp_client *client, uint16_t channel, const struct amqp_method *m)
{
    size_t n = amqp_method_size(m);
    uint8_t *at = io_put_room(client->stream, n);

    if (at == NULL)
        return -ERR_NO_MEMORY;
    n = amqp_method_write(at, n, channel, m);
    done(client, n);
    return n == 0 ? -ERR_INVALID : 0;
}

int
amqp_client_reply(struct amqp_client *client, uint16_t channel, const struct amqp_method *m)
{
    int rc = amqp_client_put(client, channel, m);

    if (rc < 0)
        amqp_client_lose(client, rc);
    return rc;
}

void
amqp_client_put_heartbeat(struct amqp_client *client)
{
    uint8_t *at = io_put_room(client->stream, AMQP_FRAME_OVERHEAD);

    if (at == NULL)
        amqp_client_lose(client, -ERR_NO_MEMORY);
    else
        done(client, amqp_heartbeat_write(at, AMQP_FRAME_OVERHEAD));
}

/* ---- methods ---------------------------------------------------------------------------------------------- */

/* What may be called and what answers it. */
static const struct callable {
    uint32_t id, ok;
} callables[] = {
    {AMQP_CHANNEL_OPEN,      AMQP_CHANNEL_OPEN_OK    },
    { AMQP_CHANNEL_FLOW,     AMQP_CHANNEL_FLOW_OK    },
    { AMQP_CHANNEL_CLOSE,    AMQP_CHANNEL_CLOSE_OK   },
    { AMQP_ACCESS_REQUEST,   AMQP_ACCESS_REQUEST_OK  },
    { AMQP_EXCHANGE_DECLARE, AMQP_EXCHANGE_DECLARE_OK},
    { AMQP_EXCHANGE_DELETE,  AMQP_EXCHANGE_DELETE_OK },
    { AMQP_EXCHANGE_BIND,    AMQP_EXCHANGE_BIND_OK   },
    { AMQP_EXCHANGE_UNBIND,  AMQP_EXCHANGE_UNBIND_OK },
    { AMQP_QUEUE_DECLARE,    AMQP_QUEUE_DECLARE_OK   },
    { AMQP_QUEUE_BIND,       AMQP_QUEUE_BIND_OK      },
    { AMQP_QUEUE_PURGE,      AMQP_QUEUE_PURGE_OK     },
    { AMQP_QUEUE_DELETE,     AMQP_QUEUE_DELETE_OK    },
    { AMQP_QUEUE_UNBIND,     AMQP_QUEUE_UNBIND_OK    },
    { AMQP_BASIC_QOS,        AMQP_BASIC_QOS_OK       },
    { AMQP_BASIC_CONSUME,    AMQP_BASIC_CONSUME_OK   },
    { AMQP_BASIC_CANCEL,     AMQP_BASIC_CANCEL_OK    },
    { AMQP_BASIC_GET,        AMQP_BASIC_GET_OK       }, /* or get-empty */
    { AMQP_BASIC_RECOVER,    AMQP_BASIC_RECOVER_OK   },
    { AMQP_CONFIRM_SELECT,   AMQP_CONFIRM_SELECT_OK  },
    { AMQP_TX_SELECT,        AMQP_TX_SELECT_OK       },
    { AMQP_TX_COMMIT,        AMQP_TX_COMMIT_OK       },
    { AMQP_TX_ROLLBACK,      AMQP_TX_ROLLBACK_OK     },
};

/* 0: it may not be called. */
static uint32_t
answer_of(uint32_t id)
{
    for (size_t i = 0; i < COUNT_OF(callables); i++) {
        if (callables[i].id == id)
            return callables[i].ok;
    }
    return 0;
}

static bool
no_wait(const struct amqp_method *m)
{
    switch (m->id) {
    case AMQP_EXCHANGE_DECLARE: return m->exchange_declare.no_wait;
    case AMQP_EXCHANGE_DELETE: return m->exchange_delete.no_wait;
    case AMQP_EXCHANGE_BIND:
    case AMQP_EXCHANGE_UNBIND: return m->exchange_bind.no_wait;
    case AMQP_QUEUE_DECLARE: return m->queue_declare.no_wait;
    case AMQP_QUEUE_BIND: return m->queue_bind.no_wait;
    case AMQP_QUEUE_PURGE: return m->queue_purge.no_wait;
    case AMQP_QUEUE_DELETE: return m->queue_delete.no_wait;
    case AMQP_BASIC_CONSUME: return m->basic_consume.no_wait;
    case AMQP_BASIC_CANCEL: return m->basic_cancel.no_wait;
    case AMQP_CONFIRM_SELECT: return m->confirm_select.no_wait;
    default: return false;
    }
}

/* What a channel is from the moment the method is put. */
static void
become(struct amqp_client *client, struct amqp_channel *channel, uint32_t id)
{
    if (id == AMQP_CHANNEL_OPEN) {
        amqp_channel_reset(client, channel);
        channel->state = CHANNEL_OPEN;
    } else if (id == AMQP_CHANNEL_CLOSE) {
        channel->state = CHANNEL_CLOSING;
    } else if (id == AMQP_CONFIRM_SELECT) {
        channel->confirming = true;
    }
}

static int
put_call(struct amqp_client *client, struct amqp_channel *channel, const struct amqp_method *m, uint64_t token)
{
    bool waits = !no_wait(m);
    int rc = waits ? amqp_channel_ask(client, channel, answer_of(m->id), token) : 0;

    if (rc < 0)
        return rc;
    rc = amqp_client_put(client, channel->number, m);
    if (rc < 0 && waits)
        amqp_channel_unask(channel);
    if (rc == 0)
        become(client, channel, m->id);
    return rc;
}

int
amqp_client_call(struct amqp_client *client, uint16_t channel, const struct amqp_method *m, uint64_t token)
{
    struct amqp_channel *at;

    if (client->phase != PHASE_OPEN || io_unsent(client->stream) > AMQP_CLIENT_UNSENT_HIGH)
        return -ERR_AGAIN;
    if (channel == 0 || channel > client->channel_max || answer_of(m->id) == 0)
        return -ERR_INVALID;
    if (client->frame_max != 0 && amqp_method_size(m) > client->frame_max)
        return -ERR_TOO_LARGE;
    int rc = amqp_channel_make(client, channel, &at);
    if (rc < 0)
        return rc;
    if (at->state != (m->id == AMQP_CHANNEL_OPEN ? CHANNEL_FREE : CHANNEL_OPEN))
        return -ERR_INVALID;
    return put_call(client, at, m, token);
}

int
amqp_client_tell(struct amqp_client *client, uint16_t channel, const struct amqp_method *m)
{
    const struct amqp_channel *at = amqp_channel_find(client, channel);

    if (client->phase != PHASE_OPEN)
        return -ERR_AGAIN;
    if (at == NULL || at->state != CHANNEL_OPEN ||
        (m->id != AMQP_BASIC_ACK && m->id != AMQP_BASIC_NACK && m->id != AMQP_BASIC_REJECT))
        return -ERR_INVALID;
    return amqp_client_put(client, channel, m);
}

/* ---- messages --------------------------------------------------------------------------------------------- */

/* Body frames behind the first one.  The message is begun: without room for all of it the connection is lost. */
static int
put_rest(struct amqp_client *client, uint16_t channel, struct view body)
{
    while (body.len > 0) {
        size_t part = (size_t)amqp_body_part(client->frame_max, body.len);
        uint8_t *at = io_put_room(client->stream, part + AMQP_FRAME_OVERHEAD);
        if (at == NULL) {
            amqp_client_lose(client, -ERR_NO_MEMORY);
            return -ERR_NO_MEMORY;
        }
        size_t n = amqp_body_open(at, channel, part);
        memcpy(at + n, body.data, part);
        at[n + part] = AMQP_FRAME_END;
        done(client, n + part + 1);
        body = view_from(body, part);
    }
    return 0;
}

static int
put_message(struct amqp_client *client, uint16_t channel, const struct amqp_method *m, struct view props,
            struct view body)
{
    size_t part = (size_t)amqp_body_part(client->frame_max, body.len);
    size_t room = amqp_content_head_size(m, props) + part + 1;
    uint8_t *at = io_put_room(client->stream, room);

    if (at == NULL)
        return -ERR_NO_MEMORY;
    size_t n = amqp_content_head(at, room, channel, m, props, body.len, client->frame_max);
    must(n > 0);
    if (part > 0) {
        memcpy(at + n, body.data, part);
        at[n + part] = AMQP_FRAME_END;
        n += part + 1;
    }
    done(client, n);
    return put_rest(client, channel, view_from(body, part));
}

static int
publish_allowed(const struct amqp_client *client, const struct amqp_channel *channel,
                const struct amqp_basic_publish *publish, struct view props)
{
    if (client->phase != PHASE_OPEN)
        return -ERR_AGAIN;
    if (channel == NULL || channel->state != CHANNEL_OPEN || publish->exchange.len > AMQP_SHORTSTR_MAX ||
        publish->routing_key.len > AMQP_SHORTSTR_MAX)
        return -ERR_INVALID;
    if (client->frame_max != 0 && props.len + AMQP_HEADER_FIXED + AMQP_FRAME_OVERHEAD > client->frame_max)
        return -ERR_TOO_LARGE;
    return channel->stopped || io_unsent(client->stream) > AMQP_CLIENT_UNSENT_HIGH ? -ERR_AGAIN : 0;
}

static int
publish_on(struct amqp_client *client, struct amqp_channel *channel, const struct amqp_method *m, struct view props,
           struct view body, uint64_t token)
{
    static const uint8_t no_props[2];
    int rc = channel->confirming ? confirms_reserve(&channel->confirms) : 0;

    if (rc < 0)
        return rc == -ERR_FULL ? -ERR_AGAIN : rc;
    if (props.len == 0)
        props = view_of(no_props, sizeof no_props);
    rc = put_message(client, channel->number, m, props, body);
    if (rc == 0 && channel->confirming) {
        confirms_push(&channel->confirms, token);
        client->unconfirmed++;
    }
    return rc;
}

int
amqp_client_publish(struct amqp_client *client, uint16_t channel, const struct amqp_basic_publish *publish,
                    struct view props, struct view body, uint64_t token)
{
    struct amqp_channel *at = amqp_channel_find(client, channel);
    struct amqp_method m = { .id = AMQP_BASIC_PUBLISH, .basic_publish = *publish };
    int rc = publish_allowed(client, at, publish, props);

    if (rc == 0)
        rc = publish_on(client, at, &m, props, body, token);
    client->wants_ready |= rc == -ERR_AGAIN;
    return rc;
}

void
amqp_client_pump(struct amqp_client *client)
{
    if (!client->wants_ready || client->phase != PHASE_OPEN || io_unsent(client->stream) > AMQP_CLIENT_UNSENT_HIGH)
        return;
    client->wants_ready = false;
    if (client->on.ready != NULL)
        client->on.ready(client->arg);
}
