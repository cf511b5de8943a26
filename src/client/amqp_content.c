/* client/amqp_content.c - a message that comes as a method, a header and body frames.  It is handed out where it lies
 * when one read holds it whole, and copied when it does not. */
#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"
#include "client/amqp_core.h"

/* More than this is given back after a large message. */
enum { CONTENT_ROOM_SPARE = 64 * 1024 };

static int
breach(struct amqp_client *client, const char *text)
{
    return amqp_client_breach(client,
                              &(struct fault){ .code = AMQP_UNEXPECTED_FRAME, .clause = "4.2.6", .text = text });
}

/* ---- its method ------------------------------------------------------------------------------------------- */

static void
fill_deliver(struct amqp_content *content, const struct amqp_basic_deliver *m)
{
    content->message.consumer_tag = m->consumer_tag;
    content->message.delivery_tag = m->delivery_tag;
    content->message.redelivered = m->redelivered;
    content->message.exchange = m->exchange;
    content->message.routing_key = m->routing_key;
}

static void
fill_get_ok(struct amqp_content *content, const struct amqp_basic_get_ok *m)
{
    content->message.delivery_tag = m->delivery_tag;
    content->message.redelivered = m->redelivered;
    content->message.exchange = m->exchange;
    content->message.routing_key = m->routing_key;
    content->message.left = m->message_count;
}

static void
fill_return(struct amqp_content *content, const struct amqp_basic_return *m)
{
    content->message.exchange = m->exchange;
    content->message.routing_key = m->routing_key;
    content->code = m->reply_code;
    content->text = m->reply_text;
}

int
amqp_content_begin(struct amqp_client *client, struct amqp_channel *channel, const struct amqp_method *m)
{
    struct amqp_content *content = &channel->content;
    int rc = amqp_content_keep(client);

    if (rc < 0)
        return rc;
    content->method = m->id;
    content->headed = content->kept = false;
    content->body_got = 0;
    content->text = view_of(NULL, 0);
    content->message = (struct amqp_client_message){ .channel = channel->number };
    if (m->id == AMQP_BASIC_DELIVER)
        fill_deliver(content, &m->basic_deliver);
    else if (m->id == AMQP_BASIC_GET_OK)
        fill_get_ok(content, &m->basic_get_ok);
    else
        fill_return(content, &m->basic_return);
    client->borrowing = channel;
    return 0;
}

/* ---- what straddles reads --------------------------------------------------------------------------------- */

static void
keep_string(struct pen *p, struct view *v)
{
    uint8_t *at = p->at;

    put_bytes(p, *v);
    v->data = at;
}

/* `content->bytes` has room for `n` bytes; what is in it stays. */
static int
make_room(struct amqp_client *client, struct amqp_content *content, size_t n)
{
    if (n <= content->room)
        return 0;
    if (n < 2 * content->room)
        n = 2 * content->room;
    uint8_t *bytes = mem_grow(client->mem, content->bytes, n);
    if (bytes == NULL) {
        amqp_client_lose(client, -ERR_NO_MEMORY);
        return -ERR_NO_MEMORY;
    }
    content->bytes = bytes;
    content->room = n;
    return 0;
}

static int
keep_props(struct amqp_client *client, struct amqp_content *content)
{
    struct view *props = &content->message.props;
    int rc = make_room(client, content, props->len);

    if (rc < 0)
        return rc;
    if (props->len > 0)
        memcpy(content->bytes, props->data, props->len);
    props->data = content->bytes;
    return 0;
}

int
amqp_content_keep(struct amqp_client *client)
{
    struct amqp_channel *channel = client->borrowing;

    if (channel == NULL)
        return 0;
    struct amqp_content *content = &channel->content;
    struct pen p = pen_of(content->strings, sizeof content->strings);
    client->borrowing = NULL;
    keep_string(&p, &content->message.consumer_tag);
    keep_string(&p, &content->message.exchange);
    keep_string(&p, &content->message.routing_key);
    keep_string(&p, &content->text);
    must(!p.torn);
    content->kept = true;
    return content->headed ? keep_props(client, content) : 0;
}

static int
append(struct amqp_client *client, struct amqp_content *content, struct view part)
{
    size_t at = content->message.props.len + (size_t)content->body_got;
    int rc = make_room(client, content, at + part.len);

    if (rc < 0)
        return rc;
    memcpy(content->bytes + at, part.data, part.len);
    content->message.props.data = content->bytes;
    content->message.body = view_of(content->bytes + content->message.props.len, at + part.len);
    content->message.body.len -= content->message.props.len;
    return 0;
}

/* ---- the rest of it --------------------------------------------------------------------------------------- */

static void
hand_out(struct amqp_client *client, struct amqp_channel *channel)
{
    const struct amqp_content *content = &channel->content;
    const struct amqp_client_message *message = &content->message;

    if (content->method == AMQP_BASIC_GET_OK) {
        uint64_t token = amqp_channel_answered(channel);
        if (client->on.got != NULL)
            client->on.got(client->arg, token, message);
    } else if (content->method == AMQP_BASIC_RETURN) {
        if (client->on.returned != NULL)
            client->on.returned(client->arg, message, content->code, content->text);
    } else if (client->on.message != NULL) {
        client->on.message(client->arg, message);
    }
}

static int
complete(struct amqp_client *client, struct amqp_channel *channel)
{
    client->borrowing = NULL;
    hand_out(client, channel);
    channel->content.method = 0;
    if (channel->content.room > CONTENT_ROOM_SPARE)
        amqp_content_drop(client, channel);
    return 0;
}

void
amqp_content_drop(struct amqp_client *client, struct amqp_channel *channel)
{
    struct amqp_content *content = &channel->content;

    if (client->borrowing == channel)
        client->borrowing = NULL;
    content->method = 0;
    mem_free(client->mem, content->bytes);
    content->bytes = NULL;
    content->room = 0;
}

int
amqp_content_header(struct amqp_client *client, struct amqp_channel *channel, struct view payload)
{
    struct amqp_content *content = &channel->content;
    struct amqp_header header;
    struct fault why;

    if (content->method == 0 || content->headed)
        return breach(client, "a content header without a method");
    if (amqp_header_parse(payload, &header, &why) < 0)
        return amqp_client_breach(client, &why);
    if (header.body_size > client->settings.message_bytes_max) {
        amqp_client_lose(client, -ERR_TOO_LARGE);
        return -ERR_TOO_LARGE;
    }
    content->headed = true;
    content->body_size = header.body_size;
    content->message.props = header.props;
    int rc = content->kept ? keep_props(client, content) : 0;
    return rc == 0 && header.body_size == 0 ? complete(client, channel) : rc;
}

int
amqp_content_body(struct amqp_client *client, struct amqp_channel *channel, struct view payload)
{
    struct amqp_content *content = &channel->content;
    int rc = 0;

    if (content->method == 0 || !content->headed)
        return breach(client, "a body without a content header");
    if (payload.len > content->body_size - content->body_got)
        return breach(client, "a body larger than its content header says");
    if (payload.len == 0)
        return 0;
    bool whole = content->body_got + payload.len == content->body_size;
    if (content->body_got == 0 && whole) {
        content->message.body = payload;
    } else {
        if (client->borrowing == channel)
            rc = amqp_content_keep(client);
        if (rc == 0)
            rc = append(client, content, payload);
    }
    content->body_got += payload.len;
    return rc == 0 && whole ? complete(client, channel) : rc;
}
