/* rpc/world.c - what the links of one loop share. */
#include "base/err.h"
#include "rpc/link_inner.h"

static const uint64_t NEVER_NS = UINT64_MAX;

/* Links may be closed, opened and readied meanwhile, and none is freed but those that have left. */
static void
on_soon(void *arg)
{
    struct rpc_world *world = arg;
    struct list ready;
    list_init(&ready);
    list_splice(&ready, &world->ready);
    io_timer_set(world->io, &world->soon, NEVER_NS, on_soon, world);
    for (struct list *it = list_pop(&ready); it != NULL; it = list_pop(&ready)) {
        struct rpc_link *link = container_of(it, struct rpc_link, ready);
        link->ops->go(link);
    }
    bool is_idle = world->is_idle && world->count == 0;
    world->is_idle = false;
    if (is_idle && world->idle_fn != NULL)
        world->idle_fn(world->idle_arg); /* which may free the world */
}

/* The timer is in the heap from the beginning, so that setting it cannot fail. */
int
rpc_world_new(struct io *io, struct rpc_world **ret)
{
    struct rpc_world *world = MEM_NEW(io_mem(io), struct rpc_world);
    if (world == NULL)
        return -ERR_NO_MEMORY;
    world->io = io;
    world->mem = io_mem(io);
    list_init(&world->links);
    list_init(&world->doors);
    list_init(&world->ready);
    int rc = io_timer_set(io, &world->soon, NEVER_NS, on_soon, world);
    if (rc < 0) {
        mem_free(world->mem, world);
        return rc;
    }
    *ret = world;
    return 0;
}

void
rpc_world_free(struct rpc_world *world)
{
    struct list *it;
    if (world == NULL)
        return;
    world->idle_fn = NULL;
    while ((it = list_pop(&world->doors)) != NULL)
        mem_free(world->mem, container_of(it, struct rpc_door, link));
    while (!list_empty(&world->links))
        rpc_link_gone(container_of(world->links.next, struct rpc_link, link));
    io_timer_cut(world->io, &world->soon);
    tambo_xdr_out_free(&world->out);
    mem_free(world->mem, world->scratch);
    mem_free(world->mem, world);
}

struct io *
rpc_world_io(struct rpc_world *world)
{
    return world->io;
}

unsigned
rpc_world_count(const struct rpc_world *world)
{
    return world->count;
}

void
rpc_world_on_idle(struct rpc_world *world, io_fn *fn, void *arg)
{
    world->idle_fn = fn;
    world->idle_arg = arg;
}

void
rpc_world_soon(struct rpc_world *world)
{
    io_timer_set(world->io, &world->soon, io_now_ns(world->io), on_soon, world);
}

void
rpc_world_add(struct rpc_world *world)
{
    world->count++;
}

void
rpc_world_sub(struct rpc_world *world)
{
    world->count--;
    world->is_idle = world->count == 0;
    if (world->is_idle)
        rpc_world_soon(world);
}
