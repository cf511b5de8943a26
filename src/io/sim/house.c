/* io.h on a loop of a simulated machine. */
#include "io/sim/house.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"

#define WALL_BEGINS_MS UINT64_C(1700000000000) /* November 2023 */

static struct sim_house *
of_loop(const struct sim_loop *loop)
{
    return container_of(loop, struct sim_house, loop);
}

/* In sim a thread has run before it could be joined. */
struct io_thread {
    io_fn *fn;
};

/* ---- clocks and chance -------------------------------------------------------------------------------------- */

/* A machine's monotonic clock shows one second when power comes. */
static uint64_t
world_to_loop_ns(const struct sim_loop *loop, uint64_t at_ns)
{
    return at_ns - loop->machine->born_ns + SIM_NS_A_S;
}

/* Long ago is when power came; UINT64_MAX stays never. */
static uint64_t
loop_to_world_ns(const struct sim_loop *loop, uint64_t at_ns)
{
    uint64_t since_ns = at_ns > SIM_NS_A_S ? at_ns - SIM_NS_A_S : 0;
    uint64_t born_ns = loop->machine->born_ns;
    return since_ns < UINT64_MAX - SIM_NS_A_S - born_ns ? born_ns + since_ns : UINT64_MAX;
}

void
sim_house_set_clocks(struct sim_loop *loop)
{
    struct io *io = &of_loop(loop)->io;
    uint64_t now_ns = loop->machine->sim->now_ns;
    io->now_ns = world_to_loop_ns(loop, now_ns);
    io->wall_ms = WALL_BEGINS_MS + now_ns / SIM_NS_A_MS + (uint64_t)loop->machine->wall_ms;
}

static uint64_t
exact_ns(const struct io *io)
{
    return io->now_ns;
}

static void
draw(struct io *io, void *ret, size_t n)
{
    prng_fill(&sim_house_machine(io)->chance, ret, n);
}

uint64_t
sim_house_timer_ns(const struct sim_loop *loop)
{
    const struct heap_node *first = heap_first(&of_loop(loop)->io.timers);
    return first == NULL ? UINT64_MAX : loop_to_world_ns(loop, first->at);
}

static void
set_alarm(struct io *io, uint64_t at_ns)
{
    (void)at_ns;
    sim_loop_plan(&sim_house_of(io)->loop);
}

/* ---- turns -------------------------------------------------------------------------------------------------- */

void
sim_house_begin_turn(struct sim_loop *loop)
{
    sim_house_set_clocks(loop);
    io_begin_turn(&of_loop(loop)->io);
}

void
sim_house_fire(struct sim_loop *loop)
{
    io_fire_timers(&of_loop(loop)->io);
}

void
sim_house_end_turn(struct sim_loop *loop)
{
    io_end_turn(&of_loop(loop)->io);
}

static void
kicked(struct sim_event *event)
{
    struct sim_house *house = container_of(event, struct sim_house, kick);
    bool woken = house->woken;
    house->woken = false;
    (woken ? io_event_wake : io_event_news)(&house->io);
}

/* Not in the turn that runs, but in one after it. */
static void
kick(struct io *io)
{
    struct sim_house *house = sim_house_of(io);
    if (!io->dead && house->kick.agenda == NULL)
        sim_event_set(&house->loop.agenda, &house->kick, house->loop.machine->sim->now_ns + 1, kicked);
}

static void
wake(struct io *io)
{
    sim_house_of(io)->woken = true;
    kick(io);
}

void
sim_house_look(struct sim_loop *loop)
{
    struct io *io = &of_loop(loop)->io;
    if (io_is_dirty(io))
        kick(io);
}

static int
run(struct io *io)
{
    (void)io; /* the world runs it */
    return 0;
}

static void
stop(struct io *io)
{
    struct sim_loop *loop = &sim_house_of(io)->loop;
    if (io->dead)
        return;
    loop->stopping = true;
    kick(io);
}

static void
ready(struct io *io)
{
    if (sim_house_lives(io))
        sim_note(sim_house_machine(io)->sim, "%s is ready", sim_house_machine(io)->name);
}

/* A program of the simulated world is its machine's only user. */
static void
identity(struct io *io, struct io_identity *ret)
{
    *ret = (struct io_identity){ .uid = 1000, .gid = 1000 };
    snprintf(ret->machine, sizeof(ret->machine), "%s", sim_house_machine(io)->name);
}

static int
thread_start(struct io *io, io_fn *fn, void *arg, struct io_thread **ret)
{
    struct io_thread *thread = MEM_NEW(io->mem, struct io_thread);
    if (thread == NULL)
        return -ERR_NO_MEMORY;
    thread->fn = fn;
    *ret = thread;
    fn(arg);
    return 0;
}

static void
thread_join(struct io *io, struct io_thread *thread)
{
    mem_free(io->mem, thread);
}

static int
sibling(struct io *io, struct mem *mem, struct io **ret)
{
    struct sim_loop *loop;
    if (!sim_house_lives(io))
        return -ERR_CANCELED;
    int rc = sim_house_new(sim_house_machine(io), mem, &loop);
    if (rc == 0)
        *ret = sim_house_io(loop);
    return rc;
}

/* ---- signals ------------------------------------------------------------------------------------------------ */

static struct sim_handler *
handler_of(struct sim_house *house, int signum)
{
    for (size_t i = 0; i < SIM_SIGNALS_MAX; i++)
        if (house->handlers[i].signum == signum)
            return &house->handlers[i];
    return NULL;
}

static int
on_signal(struct io *io, int signum, io_fn *fn, void *arg)
{
    struct sim_house *house = sim_house_of(io);
    struct sim_handler *handler = handler_of(house, signum);
    if (handler == NULL)
        handler = handler_of(house, 0);
    if (handler == NULL)
        return -ERR_FULL;
    handler->signum = signum;
    handler->fn = fn;
    handler->arg = arg;
    return 0;
}

static void
signalled(struct sim_event *event)
{
    struct sim_handler *handler = container_of(event, struct sim_handler, event);
    handler->fn(handler->arg);
}

bool
sim_house_signal(struct sim_loop *loop, int signum)
{
    struct sim_handler *handler = handler_of(of_loop(loop), signum);
    if (handler == NULL)
        return false;
    sim_event_set(&loop->agenda, &handler->event, loop->machine->sim->now_ns, signalled);
    return true;
}

/* ---- files -------------------------------------------------------------------------------------------------- */

static void
submit(struct io *io, struct io_job *job)
{
    sim_job_submit(&sim_house_of(io)->loop, job);
}

static int64_t
job_now(struct io *io, struct io_job *job)
{
    return sim_job_now(&sim_house_of(io)->loop, job);
}

static int
list_names(struct io *io, const char *path, io_name_fn *fn, void *arg)
{
    return sim_house_lives(io) ? sim_disk_list(&sim_house_machine(io)->disk, path, fn, arg) : -ERR_CANCELED;
}

/* ---- from new to free --------------------------------------------------------------------------------------- */

static void
still(struct sim_house *house)
{
    house->io.dead = true;
    sim_event_cut(&house->kick);
    for (size_t i = 0; i < SIM_SIGNALS_MAX; i++)
        sim_event_cut(&house->handlers[i].event);
    sim_streams_still(house);
    sim_datagrams_still(&house->sockets);
}

struct list *
sim_house_sockets(struct sim_loop *loop)
{
    return &of_loop(loop)->sockets;
}

void
sim_house_died(struct sim_loop *loop)
{
    still(of_loop(loop));
}

static void
free_house(struct io *io)
{
    if (io != NULL)
        sim_house_free(&sim_house_of(io)->loop);
}

void
sim_house_free(struct sim_loop *loop)
{
    struct sim_house *house = of_loop(loop);
    if (!house->io.dead) {
        sim_jobs_finish(loop);
        sim_streams_close(house);
        still(house);
    }
    if (loop->machine->root == loop)
        loop->machine->root = NULL;
    sim_streams_free(house);
    sim_datagrams_free(&house->sockets);
    sim_loop_fini(loop);
    io_fini(&house->io);
    mem_free(house->io.mem, house);
}

/* A simulated machine has no other programs. */
static int
spawn(struct io *io, const struct io_program *program, io_exit_fn *exited, void *arg)
{
    (void)io;
    (void)program;
    (void)exited;
    (void)arg;
    return -ERR_INVALID;
}

static const struct io_house sim_house = {
    .run = run,
    .stop = stop,
    .free = free_house,
    .wake = wake,
    .sibling = sibling,
    .thread_start = thread_start,
    .thread_join = thread_join,
    .exact_ns = exact_ns,
    .random = draw,
    .ready = ready,
    .identity = identity,
    .on_signal = on_signal,
    .spawn = spawn,
    .set_alarm = set_alarm,
    .kick = kick,
    .listen = sim_listen,
    .listener_address = sim_listener_address,
    .listener_close = sim_listener_close,
    .connect = sim_stream_connect,
    .standard_input = sim_stream_input,
    .read_changed = sim_stream_read_changed,
    .write = sim_stream_write,
    .shutdown = sim_stream_shutdown,
    .close = sim_stream_close,
    .peer = sim_stream_peer,
    .unheard_ms = sim_stream_unheard_ms,
    .detach = sim_stream_detach,
    .attach = sim_stream_attach,
    .parcel_discard = sim_parcel_discard,
    .datagram_open = sim_datagram_open,
    .datagram_address = sim_datagram_address,
    .datagram_broadcast = sim_datagram_broadcast,
    .datagram_send = sim_datagram_send,
    .datagram_close = sim_datagram_close,
    .remote_of = sim_remote_of,
    .submit = submit,
    .now = job_now,
    .list = list_names,
};

int
sim_house_new(struct sim_machine *machine, struct mem *mem, struct sim_loop **ret)
{
    struct sim_house *house = MEM_NEW(mem, struct sim_house);
    if (house == NULL)
        return -ERR_NO_MEMORY;
    io_init(&house->io, &sim_house, mem);
    list_init(&house->streams);
    list_init(&house->listeners);
    list_init(&house->sockets);
    sim_loop_init(&house->loop, machine);
    sim_house_set_clocks(&house->loop);
    *ret = &house->loop;
    return 0;
}

struct io *
sim_house_io(struct sim_loop *loop)
{
    return &of_loop(loop)->io;
}
