/* A message from the client is put together: method, content header, bodies.
 *
 * Mostly all of it lies in one read: then nothing is copied (server->incoming).  What straddles reads, or is cut into
 * several bodies, is copied, and grows with what has come of it. */
#include "session/amqp/inner.h"

struct content {
    struct amqp_basic_publish publish; /* views into names */
    struct amqp_header header;         /* props is owned */
    uint8_t *names, *props, *body;
    uint64_t have, room; /* of the body */
    bool has_header;
};

static bool
has_header(const struct channel *ch)
{
    const struct incoming *incoming = &ch->conn->server->incoming;
    return incoming->channel == ch ? incoming->has_header : ch->content != NULL && ch->content->has_header;
}

void
content_drop(struct channel *ch)
{
    struct mem *mem = channel_mem(ch);
    struct incoming *incoming = &ch->conn->server->incoming;
    if (incoming->channel == ch)
        incoming->channel = NULL;
    if (ch->content == NULL)
        return;
    mem_free(mem, ch->content->names);
    mem_free(mem, ch->content->props);
    mem_free(mem, ch->content->body);
    mem_free(mem, ch->content);
    ch->content = NULL;
}

/* ---- keeping ------------------------------------------------------------------------------------------------ */

static uint8_t *
copy(struct mem *mem, struct view v)
{
    uint8_t *bytes = mem_raw(mem, v.len + 1);
    if (bytes != NULL && v.len > 0)
        memcpy(bytes, v.data, v.len);
    return bytes;
}

static int
keep_header(struct mem *mem, struct content *content, const struct amqp_header *header)
{
    content->props = copy(mem, header->props);
    if (content->props == NULL)
        return -ERR_NO_MEMORY;
    content->header = *header;
    content->header.props.data = content->props;
    content->has_header = true;
    return 0;
}

static int
keep_names(struct mem *mem, struct content *content, const struct amqp_basic_publish *publish)
{
    size_t n = publish->exchange.len;
    content->names = mem_raw(mem, n + publish->routing_key.len + 1);
    if (content->names == NULL)
        return -ERR_NO_MEMORY;
    struct pen p = pen_of(content->names, n + publish->routing_key.len);
    put_bytes(&p, publish->exchange);
    put_bytes(&p, publish->routing_key);
    content->publish = *publish;
    content->publish.exchange.data = content->names;
    content->publish.routing_key.data = content->names + n;
    return 0;
}

void
content_keep(struct amqp_server *server)
{
    struct incoming *incoming = &server->incoming;
    struct channel *ch = incoming->channel;
    struct mem *mem = server->host->mem;
    if (ch == NULL)
        return;
    incoming->channel = NULL;
    ch->content = MEM_NEW(mem, struct content);
    int rc = ch->content == NULL ? -ERR_NO_MEMORY : keep_names(mem, ch->content, &incoming->publish);
    if (rc == 0 && incoming->has_header)
        rc = keep_header(mem, ch->content, &incoming->header);
    if (rc == 0)
        return;
    content_drop(ch);
    conn_doom(ch->conn, AMQP_INTERNAL_ERROR);
}

static int
keep_body(struct channel *ch, struct content *content, struct view part)
{
    uint64_t least = content->have + part.len;
    if (least > content->room) {
        uint64_t room = content->room * 2 > CARRY_BYTES ? content->room * 2 : CARRY_BYTES;
        room = room > content->header.body_size ? content->header.body_size : room;
        room = room < least ? least : room;
        uint8_t *body = mem_grow(channel_mem(ch), content->body, room);
        if (body == NULL)
            return -ERR_NO_MEMORY;
        content->body = body;
        content->room = room;
    }
    if (part.len > 0)
        memcpy(content->body + content->have, part.data, part.len);
    content->have += part.len;
    return 0;
}

/* ---- the frames --------------------------------------------------------------------------------------------- */

int
on_basic_publish(struct channel *ch, const struct amqp_method *m, struct refusal *why)
{
    const struct amqp_basic_publish *publish = &m->basic_publish;
    if (publish->immediate)
        return deny(why, AMQP_NOT_IMPLEMENTED, "immediate=true");
    content_keep(ch->conn->server);
    ch->conn->server->incoming = (struct incoming){ .channel = ch, .publish = *publish };
    return 0;
}

static struct posting
posting_of(const struct amqp_basic_publish *publish, const struct amqp_header *header, struct view body)
{
    return (struct posting){ .exchange = publish->exchange,
                             .key = publish->routing_key,
                             .mandatory = publish->mandatory,
                             .props = header->props,
                             .body = body };
}

static int
complete_in_place(struct channel *ch, struct view body, struct refusal *why)
{
    struct incoming *incoming = &ch->conn->server->incoming;
    struct posting posting = posting_of(&incoming->publish, &incoming->header, body);
    incoming->channel = NULL;
    return publish(ch, &posting, why);
}

static int
complete_kept(struct channel *ch, struct refusal *why)
{
    struct mem *mem = channel_mem(ch);
    struct content *content = ch->content;
    struct posting posting = posting_of(&content->publish, &content->header, view_of(content->body, content->have));
    ch->content = NULL;
    int rc = publish(ch, &posting, why);
    mem_free(mem, content->names);
    mem_free(mem, content->props);
    mem_free(mem, content->body);
    mem_free(mem, content);
    return rc;
}

/* What stands where a message's next frame should, in RabbitMQ's words. */
int
content_unexpected(const struct channel *ch, struct refusal *why)
{
    if (!content_expected(ch))
        return deny(why, AMQP_UNEXPECTED_FRAME, "expected method frame, got non method frame instead");
    if (has_header(ch))
        return deny(why, AMQP_UNEXPECTED_FRAME, "expected content body, got non content body frame instead");
    return deny(why, AMQP_UNEXPECTED_FRAME,
                "expected content header for class %u, got non content header frame instead", AMQP_CLASS_BASIC);
}

static int
check_size(const struct channel *ch, const struct amqp_header *header, struct refusal *why)
{
    uint64_t most = ch->conn->server->settings->message_bytes_max;
    if (header->body_size > most)
        return deny(why, AMQP_PRECONDITION_FAILED, "message size %llu is larger than configured max size %llu",
                    (unsigned long long)header->body_size, (unsigned long long)most);
    return 0;
}

/* 4.2.6.1: the class is the method's. */
static int
check_class(struct view payload, struct refusal *why)
{
    struct cursor in = cursor_of(payload);
    uint16_t class_id = take_u16(&in);
    if (in.torn || class_id == AMQP_CLASS_BASIC)
        return 0;
    return deny(why, AMQP_UNEXPECTED_FRAME, "expected content header for class %u, got one for class %u instead",
                AMQP_CLASS_BASIC, class_id);
}

int
content_header(struct channel *ch, struct view payload, struct refusal *why)
{
    struct incoming *incoming = &ch->conn->server->incoming;
    struct amqp_header header;
    struct fault fault;
    if (!content_expected(ch) || has_header(ch))
        return content_unexpected(ch, why);
    int rc = check_class(payload, why);
    if (rc == 0 && amqp_header_parse(payload, &header, &fault) < 0)
        rc = deny_fault(why, &fault);
    if (rc == 0)
        rc = check_size(ch, &header, why);
    if (rc < 0)
        return rc;
    if (incoming->channel == ch) {
        incoming->header = header;
        incoming->has_header = true;
        return header.body_size == 0 ? complete_in_place(ch, view_of(NULL, 0), why) : 0;
    }
    if (keep_header(channel_mem(ch), ch->content, &header) < 0)
        return deny_rc(why, -ERR_NO_MEMORY);
    return header.body_size == 0 ? complete_kept(ch, why) : 0;
}

int
content_body(struct channel *ch, struct view payload, struct refusal *why)
{
    struct amqp_server *server = ch->conn->server;
    struct incoming *incoming = &server->incoming;
    if (!content_expected(ch) || !has_header(ch))
        return content_unexpected(ch, why);
    if (incoming->channel == ch && payload.len == incoming->header.body_size)
        return complete_in_place(ch, payload, why);
    if (incoming->channel == ch)
        content_keep(server);
    struct content *content = ch->content;
    if (content == NULL)
        return deny_rc(why, -ERR_NO_MEMORY);
    if (payload.len > content->header.body_size - content->have)
        return deny(why, AMQP_FRAME_ERROR, "more content than its header said");
    if (keep_body(ch, content, payload) < 0)
        return deny_rc(why, -ERR_NO_MEMORY);
    return content->have == content->header.body_size ? complete_kept(ch, why) : 0;
}
