/* rpc/server.c - a server's life: options, programs, guards, draining, and what is done from time to time. */
#include "rpc/server.h"

#include "base/err.h"
#include "base/mem.h"
#include "rpc/extra.h"
#include "rpc/server_core.h"

static const uint64_t NS_A_MS = 1000 * 1000;
enum { UPKEEP_MS_MIN = 50 };

/* ---- options --------------------------------------------------------------------------------------------------- */

static const struct {
    int64_t value, low, high;
} options[] = {
#define OPTION_ROW(name, value, low, high, what) { value, low, high },
    TAMBO_RPC_SERVER_OPTIONS(OPTION_ROW)
#undef OPTION_ROW
};

static void
apply_options(struct rpc_server *server)
{
    replay_limit(&server->replay, (size_t)server_option(server, TAMBO_RPC_SERVER_REPLAY_MAX),
                 (size_t)server_option(server, TAMBO_RPC_SERVER_REPLAY_BYTES_MAX),
                 (uint64_t)server_option(server, TAMBO_RPC_SERVER_REPLAY_MS) * NS_A_MS);
    server_plan_upkeep(server);
}

int
rpc_server_set(struct rpc_server *server, enum tambo_rpc_server_option option, int64_t value)
{
    if ((size_t)option >= COUNT_OF(options) || value < options[option].low || value > options[option].high)
        return -ERR_INVALID;
    server->options[option] = value;
    apply_options(server);
    return 0;
}

int
rpc_server_get(const struct rpc_server *server, enum tambo_rpc_server_option option, int64_t *ret)
{
    if ((size_t)option >= COUNT_OF(options))
        return -ERR_INVALID;
    *ret = server->options[option];
    return 0;
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

static uint64_t
draw_boot(struct io *io)
{
    uint64_t boot = 0;
    while (boot == 0)
        io_random(io, &boot, sizeof(boot));
    return boot;
}

int
rpc_server_new(struct rpc_world *world, const struct rpc_server_on *on, void *arg, struct rpc_server **ret)
{
    struct io *io = rpc_world_io(world);
    struct rpc_server *server = MEM_NEW(io_mem(io), struct rpc_server);
    if (server == NULL)
        return -ERR_NO_MEMORY;
    server->world = world;
    server->io = io;
    server->mem = io_mem(io);
    server->on = on;
    server->arg = arg;
    server->boot = draw_boot(io);
    server->upkeep_ns = UINT64_MAX;
    list_init(&server->doors);
    list_init(&server->peers);
    list_init(&server->spares);
    replay_init(&server->replay, server->mem);
    for (size_t i = 0; i < COUNT_OF(options); i++)
        server->options[i] = options[i].value;
    apply_options(server);
    *ret = server;
    return 0;
}

/* Handlers that still run read programs and guards. */
static void
free_rest(struct rpc_server *server)
{
    for (size_t i = 0; i < server->served_count; i++)
        mem_free(server->mem, server->served[i]);
    mem_free(server->mem, server->served);
    mem_free(server->mem, server);
}

void
rpc_server_free(struct rpc_server *server)
{
    if (server == NULL)
        return;
    LIST_EACH(&server->doors, it)
        server_door_free(container_of(it, struct server_door, link));
    LIST_EACH(&server->peers, it) {
        struct rpc_peer *peer = container_of(it, struct rpc_peer, silence);
        rpc_link_close(peer->link);
        server_peer_free(peer);
    }
    io_timer_cut(server->io, &server->upkeep);
    replay_fini(&server->replay);
    request_free_spares(server);
    server->is_dead = true;
    if (server->under_way == 0)
        free_rest(server);
}

/* ---- programs -------------------------------------------------------------------------------------------------- */

static bool
is_sound(const struct tambo_rpc_program *program)
{
    uint32_t before = 0;
    for (unsigned i = 0; i < program->count; i++) {
        if (program->procedures[i].number <= before)
            return false;
        before = program->procedures[i].number;
    }
    return program->program != TAMBO_RPC_PROGRAM;
}

static struct rpc_served *
new_served(struct rpc_server *server, const struct tambo_rpc_program *program, const void *handlers, void *arg)
{
    size_t rows = (size_t)program->count + 1;
    struct rpc_served *served = mem_new(server->mem, sizeof(*served) + rows * sizeof(served->metrics[0]));
    if (served == NULL)
        return NULL;
    served->program = program;
    served->handlers = handlers;
    served->arg = arg;
    return served;
}

int
rpc_server_serve(struct rpc_server *server, const struct tambo_rpc_program *program, const void *handlers, void *arg)
{
    size_t count = server->served_count, at = server_place(server, program->program, program->version);
    if (!is_sound(program) || server_find_served(server, program->program, program->version) != NULL)
        return -ERR_INVALID;
    struct rpc_served **all = mem_grow(server->mem, server->served, (count + 1) * sizeof(*all));
    if (all == NULL)
        return -ERR_NO_MEMORY;
    server->served = all;
    struct rpc_served *served = new_served(server, program, handlers, arg);
    if (served == NULL)
        return -ERR_NO_MEMORY;
    memmove(&all[at + 1], &all[at], (count - at) * sizeof(*all));
    all[at] = served;
    server->served_count++;
    return 0;
}

/* Procedures, and `any`. */
static size_t
rows_of(const struct tambo_rpc_program *program)
{
    return (size_t)program->count + (program->any != NULL);
}

int
rpc_server_metric(const struct rpc_server *server, size_t at, struct tambo_rpc_metric *ret)
{
    for (size_t i = 0; i < server->served_count; i++) {
        const struct rpc_served *served = server->served[i];
        const struct tambo_rpc_program *program = served->program;
        if (at < rows_of(program)) {
            ret->program = program;
            ret->procedure = at < program->count ? &program->procedures[at] : program->any;
            metric_tell(&served->metrics[at], ret);
            return 0;
        }
        at -= rows_of(program);
    }
    return -ERR_NOT_FOUND;
}

int
rpc_server_guard(struct rpc_server *server, const struct tambo_rpc_guard *guard)
{
    if (server->guard_count == SERVER_GUARDS_MAX)
        return -ERR_FULL;
    server->guards[server->guard_count++] = *guard;
    return 0;
}

/* ---- doors ----------------------------------------------------------------------------------------------------- */

int
rpc_server_listen(struct rpc_server *server, const struct rpc_address *address, struct rpc_address *retbound)
{
    return server->is_draining ? -ERR_STATE : server_door_open(server, address, retbound);
}

void
rpc_server_each(const struct rpc_server *server, rpc_served_fn *fn, void *arg)
{
    for (size_t i = 0; i < server->served_count; i++)
        LIST_EACH(&server->doors, it)
            fn(arg, server->served[i]->program, &container_of(it, struct server_door, link)->address);
}

/* What came as a datagram is answered through its door. */
void
rpc_server_drain(struct rpc_server *server)
{
    if (server->is_draining)
        return;
    server->is_draining = true;
    LIST_EACH(&server->doors, it) {
        struct server_door *door = container_of(it, struct server_door, link);
        if (door->peer == NULL) {
            rpc_door_close(door->door);
            door->door = NULL;
        }
    }
    if (server->under_way == 0)
        server->on->drained(server->arg);
}

unsigned
rpc_server_under_way(const struct rpc_server *server)
{
    return server->under_way;
}

void
server_ended(struct rpc_server *server)
{
    server->under_way--;
    if (server->under_way > 0)
        return;
    if (server->is_dead)
        free_rest(server);
    else if (server->is_draining)
        server->on->drained(server->arg);
}

/* ---- time ------------------------------------------------------------------------------------------------------ */

uint64_t
server_clock_ns(const struct rpc_server *server)
{
    uint64_t now_ns = io_now_ns(server->io);
    return now_ns > server->exact_ns ? now_ns : server->exact_ns;
}

static void
upkeep(void *arg)
{
    struct rpc_server *server = arg;
    uint64_t now_ns = io_now_ns(server->io);
    server->upkeep_ns = UINT64_MAX;
    replay_expire(&server->replay, now_ns);
    server_peers_tire(server, now_ns);
    server_plan_upkeep(server);
}

/* Not for each single reply that grows old.  Without memory for the timer the next occasion tries again. */
void
server_plan_upkeep(struct rpc_server *server)
{
    uint64_t due_ns = replay_due_ns(&server->replay), peers_ns = server_peers_due_ns(server);
    if (peers_ns < due_ns)
        due_ns = peers_ns;
    if (due_ns == UINT64_MAX)
        return;
    uint64_t soonest_ns = io_now_ns(server->io) + UPKEEP_MS_MIN * NS_A_MS;
    if (due_ns < soonest_ns)
        due_ns = soonest_ns;
    if (due_ns < server->upkeep_ns && io_timer_set(server->io, &server->upkeep, due_ns, upkeep, server) == 0)
        server->upkeep_ns = due_ns;
}
