/* Streams and listeners of a simulated machine's loop: the owner's side of io/sim/wire.h. */
#include "base/err.h"
#include "base/mem.h"
#include "io/sim/house.h"

struct sim_stream {
    struct io_stream base;
    struct list link;
    struct sim_end *end; /* NULL: closed, or dead */
    struct sim_event gone;
};

struct listener {
    struct io *io; /* first: io.c asks it for its house */
    struct list link;
    struct sim_listener wire;
    io_accept_fn *fn;
    void *arg;
};

static struct sim_stream *
stream_of(const struct io_stream *stream)
{
    return container_of(stream, struct sim_stream, base);
}

static void
on_opened(void *owner, int rc)
{
    io_event_opened(owner, rc);
}

static void
on_bytes(void *owner, struct view bytes)
{
    io_event_read(owner, bytes);
}

static void
on_ended(void *owner, int rc)
{
    io_event_ended(owner, rc);
}

static void
on_room(void *owner)
{
    io_event_writable(owner);
}

static const struct sim_end_on end_on = { on_opened, on_bytes, on_ended, on_room };

static struct sim_stream *
stream_new(struct io *io)
{
    struct sim_stream *stream = sim_house_lives(io) ? MEM_NEW(io->mem, struct sim_stream) : NULL;
    if (stream == NULL)
        return NULL;
    io_stream_init(&stream->base, io);
    list_init(&stream->link);
    list_push(&sim_house_of(io)->streams, &stream->link);
    return stream;
}

static void
stream_free(struct sim_stream *stream)
{
    struct sim_house *house = sim_house_of(stream->base.io);
    if (house->accepting == stream)
        house->accepting = NULL;
    sim_event_cut(&stream->gone);
    list_cut(&stream->link);
    mem_free(stream->base.io->mem, stream);
}

static int
why_no_stream(const struct io *io)
{
    return sim_house_lives(io) ? -ERR_NO_MEMORY : -ERR_CANCELED;
}

int
sim_stream_connect(struct io *io, const struct io_address *address, struct io_stream **ret)
{
    struct sim_stream *stream = stream_new(io);
    if (stream == NULL)
        return why_no_stream(io);
    stream->base.opening = true;
    stream->end = sim_wire_connect(&sim_house_of(io)->loop, address, &end_on, &stream->base);
    *ret = &stream->base;
    return 0;
}

/* A stream of an end that is nobody's; it does not read yet. */
static int
adopt(struct io *io, struct sim_end *end, struct io_stream **ret)
{
    struct sim_stream *stream = stream_new(io);
    if (stream == NULL)
        return why_no_stream(io);
    stream->end = end;
    sim_end_attach(end, &sim_house_of(io)->loop, &end_on, &stream->base);
    *ret = &stream->base;
    return 0;
}

int
sim_stream_input(struct io *io, struct io_stream **ret)
{
    struct sim_end *end = sim_wire_stdin(sim_house_machine(io));
    if (end == NULL)
        return -ERR_NOT_FOUND;
    return end->loop != NULL || end->gone ? -ERR_BUSY : adopt(io, end, ret);
}

void
sim_stream_read_changed(struct io_stream *stream)
{
    if (sim_house_lives(stream->io) && stream_of(stream)->end != NULL)
        sim_end_pause(stream_of(stream)->end, !stream->reading);
}

int64_t
sim_stream_write(struct io_stream *stream, const struct view *views, unsigned n)
{
    if (!sim_house_lives(stream->io))
        return -ERR_AGAIN;
    int64_t rc = sim_end_send(stream_of(stream)->end, views, n);
    return rc == 0 ? -ERR_AGAIN : rc;
}

void
sim_stream_shutdown(struct io_stream *stream)
{
    if (sim_house_lives(stream->io))
        sim_end_finish(stream_of(stream)->end);
}

static void
gone(struct sim_event *event)
{
    struct sim_stream *stream = container_of(event, struct sim_stream, gone);
    io_event_gone(&stream->base);
    stream_free(stream);
}

void
sim_stream_close(struct io_stream *base)
{
    struct sim_stream *stream = stream_of(base);
    struct sim_loop *loop = &sim_house_of(base->io)->loop;
    if (!sim_house_lives(base->io))
        return;
    if (base->shut || base->ended)
        sim_end_close(stream->end);
    else
        sim_end_reset(stream->end);
    stream->end = NULL;
    sim_event_set(&loop->agenda, &stream->gone, loop->machine->sim->now_ns, gone);
}

void
sim_stream_peer(const struct io_stream *stream, char *ret, size_t len)
{
    if (stream_of(stream)->end != NULL)
        sim_end_peer(stream_of(stream)->end, ret, len);
    else
        snprintf(ret, len, "gone");
}

uint64_t
sim_stream_unheard_ms(const struct io_stream *stream)
{
    return stream_of(stream)->end == NULL ? 0 : sim_end_unheard_ms(stream_of(stream)->end);
}

static enum io_kind
kind_of(const struct sim_end *end)
{
    return end->wire->kind;
}

int
sim_stream_detach(struct io_stream *base, struct io_parcel *ret)
{
    struct sim_stream *stream = stream_of(base);
    if (!sim_house_lives(base->io))
        return -ERR_CANCELED;
    sim_end_detach(stream->end);
    *ret = (struct io_parcel){ .handle = sim_end_handle(stream->end), .kind = kind_of(stream->end) };
    stream_free(stream);
    return 0;
}

int
sim_stream_attach(struct io *io, struct io_parcel parcel, struct io_stream **ret)
{
    struct sim_end *end = sim_house_lives(io) ? sim_end_find(sim_house_machine(io), parcel.handle) : NULL;
    return end == NULL ? -ERR_CANCELED : adopt(io, end, ret);
}

void
sim_parcel_discard(struct io *io, struct io_parcel parcel)
{
    struct sim_end *end = sim_house_lives(io) ? sim_end_find(sim_house_machine(io), parcel.handle) : NULL;
    if (end != NULL)
        sim_end_reset(end);
}

/* ---- listeners ---------------------------------------------------------------------------------------------- */

static void
accepted(struct sim_listener *wire, struct sim_end *end)
{
    struct listener *listener = container_of(wire, struct listener, wire);
    struct sim_house *house = sim_house_of(listener->io);
    struct io_stream *stream;
    if (adopt(listener->io, end, &stream) < 0) {
        sim_end_reset(end);
        return;
    }
    house->accepting = stream_of(stream);
    listener->fn(listener->arg, stream);
    if (house->accepting != NULL && stream->on == NULL)
        io_abort(stream);
    house->accepting = NULL;
}

int
sim_listen(struct io *io, const struct io_address *address, io_accept_fn *fn, void *arg, struct io_listener **ret)
{
    struct listener *listener = sim_house_lives(io) ? MEM_NEW(io->mem, struct listener) : NULL;
    if (listener == NULL)
        return why_no_stream(io);
    *listener = (struct listener){ .io = io, .wire.accepted = accepted, .fn = fn, .arg = arg };
    int rc = sim_wire_listen(&listener->wire, &sim_house_of(io)->loop, address);
    if (rc < 0) {
        mem_free(io->mem, listener);
        return rc;
    }
    list_init(&listener->link);
    list_push(&sim_house_of(io)->listeners, &listener->link);
    *ret = (struct io_listener *)listener;
    return 0;
}

void
sim_listener_address(const struct io_listener *listener, struct io_address *ret)
{
    *ret = ((const struct listener *)listener)->wire.address;
}

void
sim_listener_close(struct io_listener *it)
{
    struct listener *listener = (struct listener *)it;
    if (listener->io->dead)
        return;
    sim_wire_unlisten(&listener->wire);
    list_cut(&listener->link);
    mem_free(listener->io->mem, listener);
}

/* ---- all at once -------------------------------------------------------------------------------------------- */

void
sim_streams_close(struct sim_house *house)
{
    LIST_EACH(&house->listeners, it)
        sim_wire_unlisten(&container_of(it, struct listener, link)->wire);
    LIST_EACH(&house->streams, it) {
        struct sim_end *end = container_of(it, struct sim_stream, link)->end;
        if (end != NULL)
            sim_end_close(end);
    }
}

void
sim_streams_still(struct sim_house *house)
{
    LIST_EACH(&house->streams, it) {
        struct sim_stream *stream = container_of(it, struct sim_stream, link);
        stream->end = NULL;
        sim_event_cut(&stream->gone);
        io_stream_drop(&stream->base);
    }
}

void
sim_streams_free(struct sim_house *house)
{
    LIST_EACH(&house->streams, it)
        stream_free(container_of(it, struct sim_stream, link));
    LIST_EACH(&house->listeners, it)
        mem_free(house->io.mem, container_of(it, struct listener, link));
}
