/* rpc/link_stream.c - links over connections, with record marks (RFC 5531, 11).
 *
 * What was read while its owner wants no more is *held*, and told from the loop once it does, before anything else is
 * read. */
#include "base/err.h"
#include "rpc/link_inner.h"
#include "rpc/record.h"

struct stream_link {
    struct rpc_link link;
    struct io_stream *stream;
    struct rpc_record record;
    uint8_t *held;
    struct view rest; /* of it */
    int16_t end_rc;   /* its end has come, 0: it has not */
    bool is_over;     /* and was told */
};

static const struct rpc_link_ops stream_ops;

static struct stream_link *
of(struct rpc_link *link)
{
    return container_of(link, struct stream_link, link);
}

/* ---- what comes ------------------------------------------------------------------------------------------------- */

static void
tell_end(struct stream_link *s)
{
    if (s->link.on == NULL || s->is_over || s->end_rc == 0 || s->rest.len > 0)
        return;
    s->is_over = true;
    s->link.on->ended(s->link.arg, s->end_rc);
}

/* Nothing that follows can be read. */
static void
spoil(struct stream_link *s, int rc)
{
    io_read_pause(s->stream);
    s->rest = view_of(NULL, 0);
    s->end_rc = (int16_t)rc;
    tell_end(s);
}

/* Tells messages from the front of *in, for as long as the owner is there and wants them.  0 or -err. */
static int
tell(struct stream_link *s, struct view *in)
{
    struct rpc_link *link = &s->link;
    struct view message;
    int rc = 1;
    while (rc > 0 && link->on != NULL && !link->is_paused) {
        rc = rpc_record_next(&s->record, link->world->mem, link->message_bytes_max, in, &message);
        if (rc > 0)
            link->on->message(link->arg, NULL, message);
    }
    return rc < 0 ? rc : 0;
}

static int
hold(struct stream_link *s, struct view bytes)
{
    if (bytes.len == 0)
        return 0;
    must(s->held == NULL);
    s->held = mem_raw(s->link.world->mem, bytes.len);
    if (s->held == NULL)
        return -ERR_NO_MEMORY;
    memcpy(s->held, bytes.data, bytes.len);
    s->rest = view_of(s->held, bytes.len);
    return 0;
}

/* What was answered leaves at once: at the end of a turn that has read a thousand connections what the system knows of
 * each would have to be fetched anew.  Of one connection it is a write for each read either way. */
static void
on_read(void *arg, struct view bytes)
{
    struct stream_link *s = arg;
    int rc = tell(s, &bytes);
    if (s->link.on != NULL)
        io_flush(s->stream);
    if (rc == 0 && s->link.on != NULL)
        rc = hold(s, bytes);
    if (rc < 0)
        spoil(s, rc);
}

static void
go(struct rpc_link *link)
{
    struct stream_link *s = of(link);
    struct view rest = s->rest;
    int rc = tell(s, &rest);
    s->rest = rest;
    if (rc < 0) {
        spoil(s, rc);
        return;
    }
    if (rest.len > 0 || link->on == NULL || link->is_paused)
        return;
    mem_free(link->world->mem, s->held);
    s->held = NULL;
    if (s->end_rc != 0)
        tell_end(s);
    else
        io_read_resume(s->stream);
}

static void
flow(struct rpc_link *link)
{
    struct stream_link *s = of(link);
    if (link->is_paused)
        io_read_pause(s->stream);
    else if (s->held != NULL)
        rpc_link_soon(link);
    else if (s->end_rc == 0)
        io_read_resume(s->stream);
}

/* ---- the connection --------------------------------------------------------------------------------------------- */

static void
on_opened(void *arg, int rc)
{
    struct stream_link *s = arg;
    s->link.is_open = rc == 0;
    if (s->link.on != NULL)
        s->link.on->opened(s->link.arg, rc);
}

static void
on_ended(void *arg, int rc)
{
    struct stream_link *s = arg;
    if (s->end_rc != 0)
        return;
    s->end_rc = (int16_t)rc;
    tell_end(s);
}

static void
on_drained(void *arg)
{
    struct stream_link *s = arg;
    if (s->link.on != NULL && s->link.on->drained != NULL)
        s->link.on->drained(s->link.arg);
}

static void
on_closed(void *arg)
{
    struct stream_link *s = arg;
    rpc_link_gone(&s->link);
}

static const struct io_stream_on stream_on = {
    .opened = on_opened,
    .read = on_read,
    .ended = on_ended,
    .drained = on_drained,
    .closed = on_closed,
};

static void
leave(struct rpc_link *link, bool abort)
{
    struct stream_link *s = of(link);
    if (abort)
        io_abort(s->stream);
    else
        io_close(s->stream);
}

static void
fini(struct rpc_link *link)
{
    struct stream_link *s = of(link);
    rpc_record_fini(&s->record, link->world->mem);
    mem_free(link->world->mem, s->held);
}

int
rpc_stream_open(struct rpc_world *world, const struct rpc_address *address, size_t message_bytes_max,
                struct rpc_link **ret)
{
    struct rpc_link *link = rpc_link_new(world, sizeof(struct stream_link), &stream_ops, message_bytes_max);
    if (link == NULL)
        return -ERR_NO_MEMORY;
    struct stream_link *s = of(link);
    int rc = io_connect(world->io, &address->at, &stream_on, s, &s->stream);
    if (rc < 0) {
        rpc_link_gone(link);
        return rc;
    }
    io_marks(s->stream, RPC_LINK_BYTES_HIGH, RPC_LINK_BYTES_LOW);
    *ret = link;
    return 0;
}

static void
accepted(struct rpc_link *link)
{
    struct stream_link *s = of(link);
    io_accept(s->stream, &stream_on, s);
    io_marks(s->stream, RPC_LINK_BYTES_HIGH, RPC_LINK_BYTES_LOW);
}

/* Without memory, and when nobody takes it, io closes it. */
static void
on_accept(void *arg, struct io_stream *stream)
{
    struct rpc_door *door = arg;
    struct rpc_link *link = rpc_link_new(door->world, sizeof(struct stream_link), &stream_ops, door->message_bytes_max);
    if (link == NULL)
        return;
    of(link)->stream = stream;
    if (!rpc_link_offer(link, door))
        rpc_link_gone(link);
}

int
rpc_stream_listen(struct rpc_door *door)
{
    return io_listen(door->world->io, &door->address.at, on_accept, door, &door->listener);
}

/* ---- what goes -------------------------------------------------------------------------------------------------- */

static uint8_t *
room(struct rpc_link *link, size_t n)
{
    uint8_t *at = io_put_room(of(link)->stream, ONCRPC_MARK_BYTES + n);
    return at == NULL ? NULL : at + ONCRPC_MARK_BYTES;
}

static void
room_done(struct rpc_link *link, uint8_t *at, size_t n)
{
    oncrpc_mark_write(at - ONCRPC_MARK_BYTES, (struct oncrpc_mark){ true, (uint32_t)n });
    io_put_done(of(link)->stream, ONCRPC_MARK_BYTES + n);
}

/* So that memory that was taken for it is given back at the turn's end. */
static void
room_drop(struct rpc_link *link)
{
    io_put_done(of(link)->stream, 0);
}

static int
put(struct rpc_link *link, const struct io_remote *to, struct view message)
{
    uint8_t *at = room(link, message.len);
    (void)to;
    if (at == NULL)
        return io_refusal(of(link)->stream);
    memcpy(at, message.data, message.len);
    room_done(link, at, message.len);
    return 0;
}

static size_t
unsent(const struct rpc_link *link)
{
    return io_unsent(container_of(link, const struct stream_link, link)->stream);
}

static uint64_t
unheard_ms(const struct rpc_link *link)
{
    return io_unheard_ms(container_of(link, const struct stream_link, link)->stream);
}

static void
peer(const struct rpc_link *link, const struct io_remote *from, char *ret, size_t len)
{
    (void)from;
    io_peer(container_of(link, const struct stream_link, link)->stream, ret, len);
}

static const struct rpc_link_ops stream_ops = {
    .bytes_max = INT32_MAX,
    .room = room,
    .room_done = room_done,
    .room_drop = room_drop,
    .put = put,
    .accepted = accepted,
    .flow = flow,
    .unsent = unsent,
    .unheard_ms = unheard_ms,
    .peer = peer,
    .go = go,
    .leave = leave,
    .fini = fini,
};
