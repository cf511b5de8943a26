/* io/uv/loop.c - the loop of the libuv house: turns, clocks, wakes. */
#include <signal.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/must.h"
#include "io/uv/uv.h"

static const uint64_t NS_A_MS = 1000 * 1000;

/* ---- turns -------------------------------------------------------------------------------------------------- */

static void
read_clocks(struct uv_house *house)
{
    struct timespec t;
    house->io.now_ns = uv_hrtime();
    clock_gettime(CLOCK_REALTIME, &t);
    house->io.wall_ms = (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / NS_A_MS;
    house->io.stale = false;
}

static void
refresh(struct io *io)
{
    read_clocks(uv_house_of(io));
}

void
uv_begin(struct uv_house *house)
{
    if (house->io.busy)
        return;
    read_clocks(house);
    io_begin_turn(&house->io);
}

static void
on_alarm(uv_timer_t *handle)
{
    struct uv_house *house = container_of(handle, struct uv_house, alarm);
    uv_begin(house);
    io_fire_timers(&house->io);
}

/* libuv counts in whole milliseconds of the same clock: rounded up, so that the alarm is late rather than early. */
static void
start_alarm(struct uv_house *house)
{
    house->alarm_moved = false;
    if (house->alarm_ns == UINT64_MAX) {
        uv_timer_stop(&house->alarm);
        return;
    }
    uv_update_time(&house->loop);
    uint64_t now_ms = uv_now(&house->loop);
    uint64_t at_ms = house->alarm_ns / NS_A_MS + (house->alarm_ns % NS_A_MS > 0);
    uv_timer_start(&house->alarm, on_alarm, at_ms > now_ms ? at_ms - now_ms : 0, 0);
}

/* The timer itself is set once a turn, however often the earliest changes. */
static void
set_alarm(struct io *io, uint64_t at_ns)
{
    struct uv_house *house = uv_house_of(io);
    house->alarm_ns = at_ns;
    house->alarm_moved = true;
}

void
uv_end(struct uv_house *house)
{
    io_end_turn(&house->io);
    house->full = NULL;
    if (house->alarm_moved)
        start_alarm(house);
}

static void
on_prepare(uv_prepare_t *handle)
{
    uv_end(container_of(handle, struct uv_house, prepare));
}

static void
on_async(uv_async_t *handle)
{
    struct uv_house *house = container_of(handle, struct uv_house, async);
    uv_begin(house);
    io_event_wake(&house->io);
}

static void
wake(struct io *io)
{
    uv_async_send(&uv_house_of(io)->async);
}

static void
on_kick(uv_idle_t *handle)
{
    struct uv_house *house = container_of(handle, struct uv_house, kick);
    uv_idle_stop(handle);
    uv_begin(house);
    uv_jobs_done(house);
    io_event_news(&house->io);
}

/* While an idle handle is active the loop does not sleep. */
void
uv_kick(struct io *io)
{
    uv_idle_start(&uv_house_of(io)->kick, on_kick);
}

static int
run(struct io *io)
{
    struct uv_house *house = uv_house_of(io);
    uv_begin(house);
    return uv_err(uv_run(&house->loop, UV_RUN_DEFAULT));
}

static void
stop(struct io *io)
{
    uv_stop(&uv_house_of(io)->loop);
}

static uint64_t
exact_ns(const struct io *io)
{
    (void)io;
    return uv_hrtime();
}

static void
fill_random(struct io *io, void *ret, size_t n)
{
    (void)io;
    must(uv_random(NULL, NULL, ret, n, 0, NULL) == 0);
}

/* ---- made and freed --------------------------------------------------------------------------------------------- */

/* What is left in the loop when everything else is closing: streams, and their owners are gone. */
static void
close_stream(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (uv_is_closing(handle))
        return;
    struct uv_stream *s = container_of(handle, struct uv_stream, uv.handle);
    s->stream.on = NULL;
    io_abort(&s->stream);
}

static void
close_own(struct uv_house *house)
{
    uv_close((uv_handle_t *)&house->prepare, NULL);
    uv_close((uv_handle_t *)&house->async, NULL);
    uv_close((uv_handle_t *)&house->kick, NULL);
    uv_close((uv_handle_t *)&house->alarm, NULL);
    uv_close((uv_handle_t *)&house->room, NULL);
}

static void
free_house(struct io *io)
{
    struct uv_house *house = uv_house_of(io);
    io->dead = true;
    uv_listeners_close(house);
    uv_datagrams_close(house);
    uv_signals_close(house);
    uv_programs_close(house);
    close_own(house);
    uv_walk(&house->loop, close_stream, NULL);
    while (uv_run(&house->loop, UV_RUN_DEFAULT) != 0)
        continue;
    must(uv_loop_close(&house->loop) == 0);
    io_fini(io);
    close(house->room_fd);
    if (house->spare_fd >= 0)
        close(house->spare_fd);
    mem_free(io->mem, house->read_buffer);
    mem_free(io->mem, house);
}

static int make(struct mem *mem, bool first, struct io **ret);

static int
sibling(struct io *io, struct mem *mem, struct io **ret)
{
    (void)io;
    return make(mem, false, ret);
}

static const struct io_house house_uv = {
    .run = run,
    .stop = stop,
    .free = free_house,
    .wake = wake,
    .sibling = sibling,
    .thread_start = uv_house_thread_start,
    .thread_join = uv_house_thread_join,
    .refresh = refresh,
    .exact_ns = exact_ns,
    .random = fill_random,
    .ready = uv_ready,
    .identity = uv_identity,
    .on_signal = uv_on_signal,
    .spawn = uv_program_spawn,
    .set_alarm = set_alarm,
    .kick = uv_kick,
    .listen = uv_listen_on,
    .listener_address = uv_listener_where,
    .listener_close = uv_listener_close,
    .connect = uv_dial_begin,
    .standard_input = uv_standard_input,
    .read_changed = uv_read_changed,
    .write = uv_stream_write,
    .shutdown = uv_stream_shutdown,
    .close = uv_stream_close,
    .peer = uv_stream_peer,
    .unheard_ms = uv_stream_unheard_ms,
    .detach = uv_stream_detach,
    .attach = uv_stream_attach,
    .parcel_discard = uv_parcel_discard,
    .datagram_open = uv_datagram_open,
    .datagram_address = uv_datagram_address,
    .datagram_broadcast = uv_datagram_broadcast,
    .datagram_send = uv_datagram_send,
    .datagram_close = uv_datagram_close,
    .remote_of = uv_remote_of,
    .submit = uv_job_submit,
    .now = uv_job_now,
    .list = uv_list,
};

/* None of the others can fail. */
static int
open_handles(struct uv_house *house)
{
    int rc = uv_room_open(house);
    if (rc < 0)
        return rc;
    rc = uv_async_init(&house->loop, &house->async, on_async);
    if (rc < 0) {
        uv_close((uv_handle_t *)&house->room, NULL);
        uv_run(&house->loop, UV_RUN_DEFAULT);
        close(house->room_fd);
        return uv_err(rc);
    }
    uv_prepare_init(&house->loop, &house->prepare);
    uv_prepare_start(&house->prepare, on_prepare);
    uv_idle_init(&house->loop, &house->kick);
    uv_timer_init(&house->loop, &house->alarm);
    return 0;
}

static int
open_loop(struct uv_house *house)
{
    int rc = uv_loop_init(&house->loop);
    if (rc < 0)
        return uv_err(rc);
    rc = open_handles(house);
    if (rc < 0)
        uv_loop_close(&house->loop);
    return rc;
}

static int
make(struct mem *mem, bool first, struct io **ret)
{
    struct uv_house *house = MEM_NEW(mem, struct uv_house);
    if (house == NULL)
        return -ERR_NO_MEMORY;
    house->first = first;
    list_init(&house->listeners);
    list_init(&house->datagrams);
    list_init(&house->signals);
    list_init(&house->programs);
    list_init(&house->done);
    io_init(&house->io, &house_uv, mem);
    house->read_buffer = mem_raw(mem, READ_BUFFER_BYTES);
    int rc = house->read_buffer == NULL ? -ERR_NO_MEMORY : open_loop(house);
    if (rc < 0) {
        mem_free(mem, house->read_buffer);
        mem_free(mem, house);
        return rc;
    }
    house->spare_fd = -1;
    uv_spare_renew(house);
    read_clocks(house);
    *ret = &house->io;
    return 0;
}

/* As many descriptors as the system allows: a broker's connections are its trade. */
static void
raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

void
io_uv_host(void)
{
    signal(SIGPIPE, SIG_IGN);
    raise_descriptors();
}

int
io_uv_new(struct mem *mem, struct io **ret)
{
    return make(mem, true, ret);
}
