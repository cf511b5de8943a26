/* Bytes into frames, and frames to their handlers.
 *
 * What a read holds whole is handled where it lies; only a frame that straddles reads is copied together first. */
#include "session/amqp/inner.h"

/* A frame that came in part. */
struct carry {
    size_t len, room, need;
    uint8_t *bytes;
};

/* ---- channel 0 ---------------------------------------------------------------------------------------------- */

/* clang-format off */
static const struct row {
    uint32_t id;
    conn_fn *on;
    unsigned phases;
} rows[] = {
    /* method                          handler            phases */
    { AMQP_CONNECTION_START_OK,        on_start_ok,       PHASE_START },
    { AMQP_CONNECTION_TUNE_OK,         on_tune_ok,        PHASE_TUNE },
    { AMQP_CONNECTION_OPEN,            on_open,           PHASE_OPEN },
    { AMQP_CONNECTION_CLOSE,           on_conn_close,     PHASE_START | PHASE_TUNE | PHASE_OPEN | PHASE_RUNNING | PHASE_CLOSING },
    { AMQP_CONNECTION_CLOSE_OK,        on_conn_close_ok,  PHASE_CLOSING },
    { AMQP_CONNECTION_UPDATE_SECRET,   on_update_secret,  PHASE_RUNNING },
};
/* clang-format on */

static int
handle_0(struct conn *c, const struct amqp_method *m, struct view rest, struct refusal *why)
{
    const struct row *row = NULL;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (rows[i].id == m->id)
            row = &rows[i];
    if (row != NULL && (row->phases & c->phase))
        return row->on(c, m, rest, why);
    if (c->phase == PHASE_CLOSING)
        return 0;
    return deny(why, AMQP_CHANNEL_ERROR, "unexpected method in connection state %s",
                c->phase == PHASE_RUNNING ? "running" : "starting");
}

/* ---- frames ------------------------------------------------------------------------------------------------- */

static void
log_refusal(struct conn *c, uint16_t channel, const struct refusal *why)
{
    char peer[64];
    io_peer(c->stream, peer, sizeof(peer));
    c->server->host->counters.protocol_errors++;
    host_say(c->server->host, LOG_WARNING, "breach", "%s user=%.*s channel=%u %u %s", peer, c->user_bytes, c->user,
             channel, why->code, why->text);
}

/* A hard error is the connection's, any other the channel's (1.2). */
static void
fail(struct conn *c, uint16_t number, const struct refusal *why, uint32_t id)
{
    struct channel *ch = conn_channel(c, number);
    log_refusal(c, number, why);
    if (amqp_reply_is_hard(why->code) || ch == NULL)
        conn_fail(c, why, id);
    else
        channel_fail(ch, why, id);
}

static int
on_method(struct conn *c, const struct amqp_frame *frame, struct view rest, uint32_t *retid, struct refusal *why)
{
    struct amqp_method m;
    struct fault fault;
    m.id = 0;
    int rc = amqp_method_parse(frame->payload, &m, &fault);
    *retid = m.id;
    if (rc < 0)
        return c->phase == PHASE_CLOSING ? 0 : deny_fault(why, &fault);
    if (frame->channel == 0)
        return handle_0(c, &m, rest, why);
    if (c->phase == PHASE_CLOSING)
        return 0;
    if (c->phase != PHASE_RUNNING)
        return deny(why, AMQP_CHANNEL_ERROR, "channel %u before the connection is open", frame->channel);
    struct channel *ch = conn_channel(c, frame->channel);
    if (ch != NULL)
        return channel_method(ch, &m, why);
    if (m.id == AMQP_CHANNEL_OPEN)
        return channel_open(c, frame->channel, why);
    return deny(why, AMQP_CHANNEL_ERROR, "expected 'channel.open'");
}

static int
on_content(struct conn *c, const struct amqp_frame *frame, struct refusal *why)
{
    struct channel *ch = conn_channel(c, frame->channel);
    if (c->phase == PHASE_CLOSING || (ch != NULL && ch->closing))
        return 0;
    if (ch == NULL)
        return deny(why, AMQP_CHANNEL_ERROR, "expected 'channel.open'");
    return frame->type == AMQP_FRAME_HEADER ? content_header(ch, frame->payload, why)
                                            : content_body(ch, frame->payload, why);
}

/* `rest` came behind it.  False: the connection has ended. */
static bool
on_frame(struct conn *c, const struct amqp_frame *frame, struct view rest)
{
    struct refusal why;
    uint32_t id = 0;
    int rc = 0;
    const struct channel *ch = conn_channel(c, frame->channel);
    bool in_content = ch != NULL && content_expected(ch);
    c->server->host->counters.packets_in++;
    if (frame->type == AMQP_FRAME_METHOD)
        rc = on_method(c, frame, rest, &id, &why);
    else if (frame->type != AMQP_FRAME_HEARTBEAT)
        rc = on_content(c, frame, &why);
    if (rc == HANDLER_GONE)
        return false;
    if (rc < 0)
        fail(c, frame->channel, &why, in_content ? AMQP_BASIC_PUBLISH : id);
    return c->phase != PHASE_CLOSED;
}

bool
conn_frame(struct conn *c, const struct amqp_frame *frame)
{
    return on_frame(c, frame, view_of(NULL, 0));
}

/* 4.2.2: whoever begins otherwise is told what is spoken here. */
static int64_t
consume_header(struct conn *c, struct view in, size_t *retneed)
{
    struct view header = view_of(AMQP_PROTOCOL_HEADER, AMQP_PROTOCOL_HEADER_BYTES);
    *retneed = header.len;
    if (in.len < header.len)
        return 0;
    if (memcmp(in.data, header.data, header.len) == 0) {
        handshake_start(c);
        return (int64_t)header.len;
    }
    conn_put(c, header);
    conn_close(c);
    return -1;
}

/* One frame from the front of `in`; its bytes, 0 when it is not whole, or -1 when the connection has ended. */
static int64_t
consume(struct conn *c, struct view in, size_t *retneed)
{
    if (c->phase == PHASE_HEADER)
        return consume_header(c, in, retneed);
    struct amqp_frame frame;
    struct fault fault;
    int64_t n = amqp_frame_parse(in, c->frame_max, &frame, retneed, &fault);
    if (n == 0)
        return 0;
    if (n > 0)
        return on_frame(c, &frame, view_from(in, (size_t)n)) ? n : -1;
    struct refusal why;
    deny_fault(&why, &fault);
    log_refusal(c, 0, &why);
    conn_fail(c, &why, 0);
    conn_close(c); /* where the next frame begins nobody knows */
    return -1;
}

/* ---- what came in part -------------------------------------------------------------------------------------- */

void
carry_free(struct conn *c)
{
    if (c->carry == NULL)
        return;
    mem_free(c->server->host->mem, c->carry->bytes);
    mem_free(c->server->host->mem, c->carry);
    c->carry = NULL;
}

/* The bytes of a frame grow with what has come of it, so that a size alone costs nothing. */
static int
carry_more(struct conn *c, struct view bytes)
{
    struct carry *carry = c->carry;
    size_t least = carry->len + bytes.len;
    if (least > carry->room) {
        size_t room = carry->room * 2 > CARRY_BYTES ? carry->room * 2 : CARRY_BYTES;
        room = room > carry->need ? carry->need : room;
        room = room < least ? least : room;
        uint8_t *block = mem_grow(c->server->host->mem, carry->bytes, room);
        if (block == NULL)
            return -ERR_NO_MEMORY;
        carry->bytes = block;
        carry->room = room;
    }
    memcpy(carry->bytes + carry->len, bytes.data, bytes.len);
    carry->len += bytes.len;
    return 0;
}

static void
out_of_memory(struct conn *c)
{
    struct refusal why;
    deny_rc(&why, -ERR_NO_MEMORY);
    conn_fail(c, &why, 0);
}

/* `bytes` is all there is of a frame of `need` bytes, or of its head. */
static void
begin_carry(struct conn *c, struct view bytes, size_t need)
{
    c->carry = MEM_NEW(c->server->host->mem, struct carry);
    if (c->carry != NULL)
        c->carry->need = need;
    if (c->carry == NULL || carry_more(c, bytes) < 0)
        out_of_memory(c);
}

static void
read_in_place(struct conn *c, struct view bytes)
{
    while (bytes.len > 0 && c->waiting == NULL) {
        size_t need = 0;
        int64_t n = consume(c, bytes, &need);
        if (n < 0)
            return;
        if (n == 0) {
            begin_carry(c, bytes, need);
            return;
        }
        bytes = view_from(bytes, (size_t)n);
    }
    if (bytes.len > 0)
        waiting_add(c, bytes);
}

/* The handler of a frame may be told of the bytes behind it: connection.open takes them along. */
static void
read_carried(struct conn *c, struct view *bytes)
{
    struct carry *carry = c->carry;
    size_t missing = carry->need - carry->len;
    bool opening = c->phase == PHASE_OPEN; /* all of it, then */
    struct view part = view_of(bytes->data, bytes->len < missing || opening ? bytes->len : missing);
    if (carry_more(c, part) < 0) {
        out_of_memory(c);
        return;
    }
    *bytes = view_from(*bytes, part.len);
    if (carry->len < carry->need)
        return;
    struct mem *mem = c->server->host->mem;
    struct amqp_server *server = c->server;
    c->carry = NULL;
    struct view in = view_of(carry->bytes, carry->len);
    size_t need = 0;
    int64_t n = consume(c, in, &need);
    if (n == 0) { /* it was a head: now the size is known */
        carry->need = need;
        c->carry = carry;
        return;
    }
    if (n < 0)
        *bytes = view_of(NULL, 0);
    else
        read_in_place(c, view_from(in, (size_t)n));
    content_keep(server);
    mem_free(mem, carry->bytes);
    mem_free(mem, carry);
}

void
conn_read(struct conn *c, struct view bytes)
{
    struct amqp_server *server = c->server;
    while (bytes.len > 0 && c->carry != NULL) /* c may be gone when nothing is left */
        read_carried(c, &bytes);
    read_in_place(c, bytes);
    content_keep(server);
}
