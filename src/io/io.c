/* io/io.c - what both houses share: dispatch, timers, turns, the life of a stream. */
#include "io/io.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"
#include "io/house.h"

enum { PART_MS = 1000 };
static const uint64_t NS_A_MS = 1000 * 1000;

/* ---- the loop ---------------------------------------------------------------------------------------------- */

void
io_init(struct io *io, const struct io_house *house, struct mem *mem)
{
    *io = (struct io){ .house = house, .mem = mem, .alarm_ns = UINT64_MAX, .ripe_bytes = SIZE_MAX };
    heap_init(&io->timers, mem);
    list_init(&io->dirty);
    list_init(&io->news);
    outbox_pool_init(&io->pool, mem);
    list_init(&io->parting);
    list_init(&io->letters);
    list_init(&io->refusals);
}

void
io_fini(struct io *io)
{
    outbox_pool_fini(&io->pool);
    heap_fini(&io->timers);
}

int
io_run(struct io *io)
{
    return io->house->run(io);
}
void
io_stop(struct io *io)
{
    io->house->stop(io);
}
void
io_free(struct io *io)
{
    if (io != NULL)
        io->house->free(io);
}
void
io_wake(struct io *io)
{
    io->house->wake(io);
}
struct mem *
io_mem(struct io *io)
{
    return io->mem;
}

int
io_sibling(struct io *io, struct mem *mem, struct io **ret)
{
    return io->house->sibling(io, mem, ret);
}

int
io_thread_start(struct io *io, io_fn *fn, void *arg, struct io_thread **ret)
{
    return io->house->thread_start(io, fn, arg, ret);
}

void
io_thread_join(struct io *io, struct io_thread *thread)
{
    io->house->thread_join(io, thread);
}

void
io_on_turn(struct io *io, io_fn *fn, void *arg)
{
    io->turn_fn = fn;
    io->turn_arg = arg;
}

void
io_on_wake(struct io *io, io_fn *fn, void *arg)
{
    io->wake_fn = fn;
    io->wake_arg = arg;
}

/* The clocks of a loop are its turn's; who comes from outside of any (io/gate.h) finds them old. */
static const struct io *
fresh(const struct io *io)
{
    if (io->stale)
        io->house->refresh((struct io *)(uintptr_t)io);
    return io;
}

uint64_t
io_now_ns(const struct io *io)
{
    return fresh(io)->now_ns;
}
uint64_t
io_wall_ms(const struct io *io)
{
    return fresh(io)->wall_ms;
}
uint64_t
io_exact_ns(const struct io *io)
{
    return io->house->exact_ns(io);
}
void
io_random(struct io *io, void *ret, size_t n)
{
    io->house->random(io, ret, n);
}
void
io_ready(struct io *io)
{
    io->house->ready(io);
}

void
io_identity(struct io *io, struct io_identity *ret)
{
    io->house->identity(io, ret);
}

int
io_spawn(struct io *io, const struct io_program *program, io_exit_fn *exited, void *arg)
{
    return io->house->spawn(io, program, exited, arg);
}

int
io_on_signal(struct io *io, int signum, io_fn *fn, void *arg)
{
    return io->house->on_signal(io, signum, fn, arg);
}

/* ---- timers ------------------------------------------------------------------------------------------------ */

static void
set_alarm(struct io *io)
{
    const struct heap_node *first = heap_first(&io->timers);
    uint64_t at = first == NULL ? UINT64_MAX : first->at;
    if (at == io->alarm_ns || io->dead)
        return;
    io->alarm_ns = at;
    io->house->set_alarm(io, at);
}

int
io_timer_set(struct io *io, struct io_timer *timer, uint64_t at_ns, io_fn *fn, void *arg)
{
    timer->fn = fn;
    timer->arg = arg;
    int rc = heap_put(&io->timers, &timer->node, at_ns);
    if (rc == 0)
        set_alarm(io);
    return rc;
}

void
io_timer_cut(struct io *io, struct io_timer *timer)
{
    heap_cut(&io->timers, &timer->node);
    set_alarm(io);
}

/* Those that are due now: what they set for now waits for the next call, or one timer could spin here for ever. */
unsigned
io_fire_timers(struct io *io)
{
    uint64_t last = io->timers.turns;
    unsigned fired = 0;
    io->alarm_ns = UINT64_MAX;
    for (struct heap_node *n = heap_first(&io->timers); n != NULL && n->at <= io->now_ns && n->turn < last;
         n = heap_first(&io->timers)) {
        struct io_timer *timer = container_of(n, struct io_timer, node);
        heap_cut(&io->timers, n);
        fired++;
        timer->fn(timer->arg);
    }
    set_alarm(io);
    return fired;
}

/* ---- turns ------------------------------------------------------------------------------------------------- */

void
io_begin_turn(struct io *io)
{
    io->busy = true;
}

static void
tell_news(struct io_stream *stream)
{
    if (stream->broken_rc != 0) {
        io_event_ended(stream, stream->broken_rc);
    } else if (stream->drained) {
        stream->drained = false;
        stream->on->drained(stream->arg);
    }
}

void
io_event_news(struct io *io)
{
    struct list news;
    list_init(&news);
    list_splice(&news, &io->news);
    for (struct list *l = list_pop(&news); l != NULL; l = list_pop(&news))
        tell_news(container_of(l, struct io_stream, aside));
    io_datagrams_tell(io);
}

void
io_event_wake(struct io *io)
{
    io_event_news(io);
    if (io->wake_fn != NULL)
        io->wake_fn(io->wake_arg);
}

void
io_end_turn(struct io *io)
{
    if (!io->busy && !io_is_dirty(io)) /* dirty: bytes were put from outside of any turn */
        return;
    io->busy = io->ripe = false;
    if (io->turn_fn != NULL)
        io->turn_fn(io->turn_arg);
    for (struct list *l = list_pop(&io->dirty); l != NULL; l = list_pop(&io->dirty))
        io_flush(container_of(l, struct outbox, dirty)->stream);
    io_datagrams_flush(io);
}

/* ---- streams: made and handed over -------------------------------------------------------------------------- */

void
io_stream_init(struct io_stream *stream, struct io *io)
{
    *stream = (struct io_stream){ .io = io, .high = UINT32_MAX };
    list_init(&stream->aside);
}

void
io_stream_drop(struct io_stream *stream)
{
    stream->lost += io_unsent(stream);
    outbox_drop(&stream->outbox, &stream->io->pool);
}

int
io_listen(struct io *io, const struct io_address *address, io_accept_fn *fn, void *arg, struct io_listener **ret)
{
    return io->house->listen(io, address, fn, arg, ret);
}

/* A listener begins with the io it listens on, in both houses. */
static const struct io_house *
house_of(const struct io_listener *listener)
{
    return (*(struct io *const *)(const void *)listener)->house;
}

void
io_listener_address(const struct io_listener *listener, struct io_address *ret)
{
    house_of(listener)->listener_address(listener, ret);
}

void
io_listener_close(struct io_listener *listener)
{
    house_of(listener)->listener_close(listener);
}

static void
start_reading(struct io_stream *stream)
{
    if (stream->reading)
        return;
    stream->reading = true;
    if (!stream->opening && !stream->ended)
        stream->io->house->read_changed(stream);
}

void
io_accept(struct io_stream *stream, const struct io_stream_on *on, void *arg)
{
    stream->on = on;
    stream->arg = arg;
    start_reading(stream);
}

/* What a house made becomes its owner's. */
static int
own(int rc, struct io_stream *stream, const struct io_stream_on *on, void *arg, struct io_stream **ret)
{
    if (rc < 0)
        return rc;
    io_accept(stream, on, arg);
    *ret = stream;
    return 0;
}

int
io_connect(struct io *io, const struct io_address *address, const struct io_stream_on *on, void *arg,
           struct io_stream **ret)
{
    struct io_stream *stream = NULL;
    int rc = io->house->connect(io, address, &stream);
    return own(rc, stream, on, arg, ret);
}

int
io_stdin(struct io *io, const struct io_stream_on *on, void *arg, struct io_stream **ret)
{
    struct io_stream *stream = NULL;
    int rc = io->house->standard_input(io, &stream);
    return own(rc, stream, on, arg, ret);
}

int
io_attach(struct io *io, struct io_parcel parcel, const struct io_stream_on *on, void *arg, struct io_stream **ret)
{
    struct io_stream *stream = NULL;
    int rc = io->house->attach(io, parcel, &stream);
    return own(rc, stream, on, arg, ret);
}

int
io_detach(struct io_stream *stream, struct io_parcel *ret)
{
    must(io_unsent(stream) == 0 && !stream->closing);
    list_cut(&stream->aside);
    io_stream_drop(stream);
    return stream->io->house->detach(stream, ret);
}

void
io_parcel_discard(struct io *io, struct io_parcel parcel)
{
    io->house->parcel_discard(io, parcel);
}

void
io_peer(const struct io_stream *stream, char *ret, size_t len)
{
    stream->io->house->peer(stream, ret, len);
}

uint64_t
io_unheard_ms(const struct io_stream *stream)
{
    return stream->opening || stream->gone ? 0 : stream->io->house->unheard_ms(stream);
}

/* ---- streams: reading --------------------------------------------------------------------------------------- */

void
io_read_pause(struct io_stream *stream)
{
    if (!stream->reading || stream->closing)
        return;
    stream->reading = false;
    if (!stream->opening && !stream->ended)
        stream->io->house->read_changed(stream);
}

void
io_read_resume(struct io_stream *stream)
{
    if (!stream->closing)
        start_reading(stream);
}

void
io_event_opened(struct io_stream *stream, int rc)
{
    if (stream->closing)
        return;
    stream->opening = false;
    stream->ended = rc < 0;
    stream->broken_rc = (int16_t)rc;
    if (rc == 0 && stream->reading)
        stream->io->house->read_changed(stream);
    stream->on->opened(stream->arg, rc);
}

void
io_event_read(struct io_stream *stream, struct view bytes)
{
    if (!stream->closing)
        stream->on->read(stream->arg, bytes);
}

/* ---- streams: the end --------------------------------------------------------------------------------------- */

/* Told in the next turn, because this may be an owner's own call. */
static void
add_news(struct io_stream *stream)
{
    list_push(&stream->io->news, &stream->aside);
    stream->io->house->kick(stream->io);
}

static void
close_now(struct io_stream *stream)
{
    if (stream->gone)
        return;
    stream->gone = true;
    list_cut(&stream->aside);
    io_stream_drop(stream);
    stream->io->house->close(stream);
}

void
io_stream_broke(struct io_stream *stream, int rc)
{
    stream->broken_rc = (int16_t)rc;
    if (stream->closing)
        close_now(stream);
    else
        add_news(stream);
    io_stream_drop(stream);
}

/* All that was put has left: the peer is told, and its own end (or the deadline) is waited for, so that what it still
 * sends does not turn our last bytes into a reset. */
static void
shut(struct io_stream *stream)
{
    if (stream->ended) {
        close_now(stream);
    } else if (!stream->shut) {
        stream->shut = true;
        stream->io->house->shutdown(stream);
    }
}

void
io_stream_settle(struct io_stream *stream)
{
    size_t unsent = io_unsent(stream);
    if (stream->closing) {
        if (unsent == 0)
            shut(stream);
    } else if (stream->above && unsent <= stream->low) {
        stream->above = false;
        stream->drained = stream->on->drained != NULL;
        if (stream->drained)
            add_news(stream);
    }
}

/* A peer that sends no more may still read, so its end by itself does not cost it our last bytes. */
void
io_event_ended(struct io_stream *stream, int rc)
{
    bool told = stream->ended;
    stream->ended = true;
    if (rc != -ERR_EOF) {
        stream->broken_rc = (int16_t)rc;
        io_stream_drop(stream);
    }
    if (stream->closing && io_unsent(stream) == 0)
        close_now(stream);
    else if (!stream->closing && !told && stream->on != NULL)
        stream->on->ended(stream->arg, rc);
}

void
io_event_gone(struct io_stream *stream)
{
    io_stream_drop(stream);
    if (stream->on != NULL && stream->on->closed != NULL && !stream->io->dead)
        stream->on->closed(stream->arg);
}

/* Those whose time is over are closed as they are. */
static void
part(void *arg)
{
    struct io *io = arg;
    uint32_t now_ms = (uint32_t)(io->now_ns / NS_A_MS);
    while (!list_empty(&io->parting)) {
        struct io_stream *stream = container_of(io->parting.next, struct io_stream, aside);
        int32_t left_ms = (int32_t)(stream->part_by_ms - now_ms);
        if (left_ms > 0) {
            int rc = io_timer_set(io, &io->parting_timer, io->now_ns + (uint64_t)left_ms * NS_A_MS, part, io);
            must(rc == 0); /* it has just left the heap, and that never shrinks */
            return;
        }
        close_now(stream);
    }
}

/* False when there is no memory to wait with. */
static bool
set_deadline(struct io_stream *stream)
{
    struct io *io = stream->io;
    stream->part_by_ms = (uint32_t)(io_now_ns(io) / NS_A_MS) + PART_MS;
    list_push(&io->parting, &stream->aside);
    return io->parting_timer.node.slot != 0 ||
           io_timer_set(io, &io->parting_timer, io->now_ns + PART_MS * NS_A_MS, part, io) == 0;
}

void
io_close(struct io_stream *stream)
{
    bool open = !stream->opening && stream->broken_rc == 0 && !stream->io->dead;
    if (stream->closing)
        return;
    start_reading(stream); /* to be dropped, until the peer's end */
    stream->closing = true;
    if (!open || !set_deadline(stream))
        close_now(stream);
    else if (io_unsent(stream) == 0)
        shut(stream);
}

void
io_abort(struct io_stream *stream)
{
    stream->closing = true;
    close_now(stream);
}

/* ---- files -------------------------------------------------------------------------------------------------- */

void
io_submit(struct io *io, struct io_job *job)
{
    io->house->submit(io, job);
}
int64_t
io_now(struct io *io, struct io_job *job)
{
    return io->house->now(io, job);
}

int
io_list(struct io *io, const char *path, io_name_fn *fn, void *arg)
{
    return io->house->list(io, path, fn, arg);
}
