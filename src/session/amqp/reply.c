/* Direct reply-to: a client that asks consumes its answers from a queue that is none.
 *
 *     consume amq.rabbitmq.reply-to      the channel gets an address, amq.rabbitmq.reply-to.TOKEN
 *     publish reply_to=amq.rabbitmq.reply-to     the property becomes the address
 *     publish to the default exchange, key = address     is delivered to the channel, at once or never */
#include "session/amqp/inner.h"

enum { ADDRESS_HEAD_BYTES = sizeof(REPLY_TO_QUEUE ".") - 1, ADDRESS_BYTES = ADDRESS_HEAD_BYTES + REPLY_TOKEN_BYTES };

struct reply {
    struct channel *channel;
    uint8_t address[ADDRESS_BYTES];
    uint8_t tag_bytes;
    uint8_t tag[];
};

static struct view
address_of(const struct reply *reply)
{
    return view_of(reply->address, ADDRESS_BYTES);
}

static bool
same_address(const void *value, const void *key)
{
    return view_equal(address_of(value), *(const struct view *)key);
}

static struct reply *
find(const struct amqp_server *server, const struct vhost *vhost, struct view address)
{
    struct reply *reply = map_get(&server->replies, hash_bytes(address, 0), same_address, &address);
    return reply != NULL && reply->channel->conn->vhost == vhost ? reply : NULL;
}

bool
amqp_is_reply_address(struct view name)
{
    return view_starts(name, REPLY_TO_QUEUE ".");
}

bool
reply_has_tag(const struct channel *ch, struct view tag)
{
    return ch->reply != NULL && view_equal(view_of(ch->reply->tag, ch->reply->tag_bytes), tag);
}

/* ---- who waits for answers ---------------------------------------------------------------------------------- */

int
reply_consume(struct channel *ch, struct view tag, bool no_ack, struct refusal *why)
{
    if (ch->reply != NULL)
        return deny(why, AMQP_PRECONDITION_FAILED, "reply consumer already set");
    if (!no_ack)
        return deny(why, AMQP_PRECONDITION_FAILED, "reply consumer cannot acknowledge");
    struct reply *reply = mem_new(channel_mem(ch), sizeof(*reply) + tag.len);
    if (reply == NULL)
        return deny_rc(why, -ERR_NO_MEMORY);
    char token[REPLY_TOKEN_BYTES];
    random_name(ch->conn->server, token);
    memcpy(reply->address, REPLY_TO_QUEUE ".", ADDRESS_HEAD_BYTES);
    memcpy(reply->address + ADDRESS_HEAD_BYTES, token, sizeof(token));
    reply->channel = ch;
    reply->tag_bytes = (uint8_t)tag.len;
    memcpy(reply->tag, tag.data, tag.len);
    if (map_put(&ch->conn->server->replies, hash_bytes(address_of(reply), 0), reply) < 0) {
        mem_free(channel_mem(ch), reply);
        return deny_rc(why, -ERR_NO_MEMORY);
    }
    ch->reply = reply;
    return 0;
}

void
reply_free(struct channel *ch)
{
    if (ch->reply == NULL)
        return;
    map_cut(&ch->conn->server->replies, hash_bytes(address_of(ch->reply), 0), ch->reply);
    mem_free(channel_mem(ch), ch->reply);
    ch->reply = NULL;
}

void
reply_cancel(struct channel *ch, struct view tag)
{
    if (reply_has_tag(ch, tag))
        reply_free(ch);
}

int
reply_declared(struct channel *ch, const struct amqp_queue_declare *declare, struct refusal *why)
{
    struct view name = declare->queue, vhost = vhost_name(ch->conn->vhost);
    if (find(ch->conn->server, ch->conn->vhost, name) == NULL)
        return deny(why, AMQP_NOT_FOUND, "no queue '%.*s' in vhost '%.*s'", (int)name.len, name.data, (int)vhost.len,
                    vhost.data);
    struct amqp_method ok = { .id = AMQP_QUEUE_DECLARE_OK };
    ok.queue_declare_ok = (struct amqp_queue_declare_ok){ .queue = name, .consumer_count = 1 };
    if (!declare->no_wait)
        channel_answer(ch, &ok, false);
    return 0;
}

/* ---- messages ----------------------------------------------------------------------------------------------- */

int
reply_address(struct channel *ch, struct amqp_properties *props, struct view *retprops, uint8_t **retowned,
              struct refusal *why)
{
    if (ch->reply == NULL)
        return deny(why, AMQP_PRECONDITION_FAILED, "fast reply consumer does not exist");
    size_t n = retprops->len + ADDRESS_BYTES;
    uint8_t *bytes = mem_raw(channel_mem(ch), n);
    if (bytes == NULL)
        return deny_rc(why, -ERR_NO_MEMORY);
    props->reply_to = address_of(ch->reply);
    struct pen p = pen_of(bytes, n);
    amqp_properties_put(&p, props);
    must(!p.torn);
    *retprops = view_of(bytes, n - pen_left(&p));
    *retowned = bytes;
    return 0;
}

/* There is no queue it could wait in: who does not read its answers loses them. */
bool
amqp_server_reply(struct amqp_server *server, const struct vhost *vhost, struct view address, struct view props,
                  struct view body)
{
    struct reply *reply = find(server, vhost, address);
    if (reply == NULL)
        return false;
    struct channel *to = reply->channel;
    if (!conn_ready(to->conn) || io_unsent(to->conn->stream) > ANSWERS_HIGH_BYTES)
        return true;
    struct amqp_method m = { .id = AMQP_BASIC_DELIVER };
    m.basic_deliver = (struct amqp_basic_deliver){ .consumer_tag = view_of(reply->tag, reply->tag_bytes),
                                                   .delivery_tag = ++to->tag,
                                                   .routing_key = address };
    struct publication pub = {
        .env = {.topic = address, .body = body}
    };
    (void)deliver_write(to, &m, &pub, props);
    return true;
}
