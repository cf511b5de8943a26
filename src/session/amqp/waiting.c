/* A connection that has to wait in the middle of what it said: the rest is kept here, and read when it may go on.
 *
 *     | what it waits with | publish, publish, ...  <- looked at | not yet looked at |
 *
 * Who publishes, without confirms, what there is no room for in memory or on disk waits with that publication.  While
 * nothing but publications stands behind it, settlements among them are heard at once, because they make room; so it is
 * read on, as far as BACKLOG_BYTES.  Who asks for more messages than his outbox holds waits with that basic.get. */
#include "session/amqp/inner.h"

struct waiting {
    enum wait why;
    bool sealed; /* something stands in it that no settlement may pass */
    size_t len, room, looked;
    size_t first; /* bytes of what it waits with */
    uint8_t *bytes;
};

void
waiting_free(struct conn *c)
{
    struct waiting *w = c->waiting;
    if (w == NULL)
        return;
    c->server->waiting_count -= w->why == WAIT_ROOM;
    c->waiting = NULL;
    mem_free(c->server->host->mem, w->bytes);
    mem_free(c->server->host->mem, w);
}

/* Is there anything to be gained from reading on? */
static void
read_on(struct conn *c)
{
    const struct waiting *w = c->waiting;
    if (!w->sealed && w->len - w->first <= BACKLOG_BYTES && conn_unacked(c))
        conn_resume(c, PAUSE_WAIT);
    else
        conn_pause(c, PAUSE_WAIT);
}

/* Room for `n` more bytes, which grows with what has come. */
static int
grow(struct conn *c, size_t n)
{
    struct waiting *w = c->waiting;
    if (w->room - w->len >= n)
        return 0;
    size_t room = w->len + n + (w->len > 0 ? CARRY_BYTES : 0);
    uint8_t *bytes = mem_grow(c->server->host->mem, w->bytes, room);
    if (bytes == NULL)
        return -ERR_NO_MEMORY;
    w->bytes = bytes;
    w->room = room;
    return 0;
}

/* With room for `n` bytes of what it waits with, which the caller writes.  NULL: no memory, and it is doomed. */
static uint8_t *
begin(struct conn *c, enum wait why, size_t n)
{
    must(c->waiting == NULL && c->carry == NULL);
    c->waiting = MEM_NEW(c->server->host->mem, struct waiting);
    if (c->waiting == NULL || grow(c, n) < 0) {
        mem_free(c->server->host->mem, c->waiting);
        c->waiting = NULL;
        conn_doom(c, AMQP_RESOURCE_ERROR);
        return NULL;
    }
    struct waiting *w = c->waiting;
    w->why = why;
    w->sealed = why != WAIT_ROOM;
    c->server->waiting_count += why == WAIT_ROOM;
    return w->bytes;
}

/* The `n` bytes that it waits with have been written. */
static void
wait_with(struct conn *c, size_t n)
{
    struct waiting *w = c->waiting;
    w->first = w->len = w->looked = n;
    read_on(c);
}

void
waiting_method(struct channel *ch, const struct amqp_method *m)
{
    size_t n = amqp_method_size(m);
    uint8_t *at = begin(ch->conn, WAIT_OUTBOX, n);
    if (at == NULL)
        return;
    must(amqp_method_write(at, n, ch->number, m) == n);
    wait_with(ch->conn, n);
}

/* The frames of a body: the head of the first was written with the method. */
static void
put_body(struct pen *p, struct view body, uint16_t channel, uint32_t frame_max)
{
    while (body.len > 0) {
        size_t n = (size_t)amqp_body_part(frame_max, body.len);
        put_bytes(p, view_of(body.data, n));
        put_u8(p, AMQP_FRAME_END);
        body = view_from(body, n);
        if (body.len > 0)
            p->at += amqp_body_open(p->at, channel, (size_t)amqp_body_part(frame_max, body.len));
    }
}

void
waiting_posting(struct channel *ch, const struct posting *posting)
{
    uint32_t frame_max = ch->conn->frame_max;
    struct view body = posting->body;
    struct amqp_method m = { .id = AMQP_BASIC_PUBLISH };
    m.basic_publish = (struct amqp_basic_publish){ .exchange = posting->exchange,
                                                   .routing_key = posting->key,
                                                   .mandatory = posting->mandatory };
    size_t seams = body.len == 0 ? 0 : (size_t)((body.len - 1) / amqp_body_part(frame_max, body.len));
    size_t room = amqp_content_head_size(&m, posting->props) + body.len + 1 + seams * AMQP_FRAME_OVERHEAD;
    uint8_t *at = begin(ch->conn, WAIT_ROOM, room);
    if (at == NULL)
        return;
    struct pen p = pen_of(at, room);
    p.at += amqp_content_head(at, room, ch->number, &m, posting->props, body.len, frame_max);
    put_body(&p, body, ch->number, frame_max);
    must(!p.torn && p.at > at);
    wait_with(ch->conn, (size_t)(p.at - at));
}

/* ---- settlements pass ------------------------------------------------------------------------------------------- */

enum passing { PASSES, STAYS, SEALS };

/* One that belongs to a transaction, or breaks the protocol, keeps its place. */
static enum passing
is_passing(const struct conn *c, const struct amqp_frame *frame)
{
    const struct channel *ch = conn_channel(c, frame->channel);
    struct cursor in = cursor_of(frame->payload);
    if (frame->type != AMQP_FRAME_METHOD)
        return STAYS;
    switch (take_u32(&in)) {
    case AMQP_BASIC_PUBLISH: return STAYS;
    case AMQP_BASIC_ACK:
    case AMQP_BASIC_NACK:
    case AMQP_BASIC_REJECT: return ch != NULL && ch->tx == NULL && !content_expected(ch) ? PASSES : SEALS;
    default: return SEALS;
    }
}

static void
cut(struct waiting *w, size_t n)
{
    memmove(w->bytes + w->looked, w->bytes + w->looked + n, w->len - w->looked - n);
    w->len -= n;
}

static void
look(struct conn *c)
{
    struct waiting *w = c->waiting;
    struct amqp_frame frame;
    struct fault fault;
    size_t need;
    while (!w->sealed) {
        struct view in = view_of(w->bytes + w->looked, w->len - w->looked);
        int64_t n = amqp_frame_parse(in, c->frame_max, &frame, &need, &fault);
        if (n == 0)
            return;
        enum passing passing = n < 0 ? SEALS : is_passing(c, &frame);
        if (passing == STAYS)
            w->looked += (size_t)n;
        w->sealed = passing == SEALS;
        if (passing != PASSES)
            continue;
        if (!conn_frame(c, &frame) || c->waiting != w)
            return; /* it has failed */
        cut(w, (size_t)n);
    }
}

void
waiting_add(struct conn *c, struct view bytes)
{
    struct waiting *w = c->waiting;
    if (grow(c, bytes.len) < 0) {
        conn_doom(c, AMQP_RESOURCE_ERROR);
        return;
    }
    memcpy(w->bytes + w->len, bytes.data, bytes.len);
    w->len += bytes.len;
    look(c);
    if (c->waiting == w)
        read_on(c);
}

/* ---- going on --------------------------------------------------------------------------------------------------- */

void
waiting_go_on(struct conn *c, enum wait why)
{
    struct waiting *w = c->waiting;
    struct mem *mem = c->server->host->mem;
    if (w == NULL || w->why != why || !conn_ready(c))
        return;
    c->server->waiting_count -= why == WAIT_ROOM;
    c->waiting = NULL;
    conn_read(c, view_of(w->bytes, w->len));
    if (c->waiting == NULL)
        conn_resume(c, PAUSE_WAIT);
    mem_free(mem, w->bytes);
    mem_free(mem, w);
}
