/* The shared tests' stage, real: loops of this process that take turns without sleeping, and a temporary directory. */
#include "io/world.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/must.h"
#include "io/uv/uv.h"

struct world {
    struct mem *mem;
    struct io *io, *sibling;
    char directory[64];
    char path[256];
};

struct world *
world_new(struct mem *mem)
{
    struct world *world = MEM_NEW(mem, struct world);
    if (world == NULL)
        return NULL;
    world->mem = mem;
    if (io_uv_new(mem, &world->io) < 0) {
        mem_free(mem, world);
        return NULL;
    }
    snprintf(world->directory, sizeof(world->directory), "/tmp/tambo-io-XXXXXX");
    must(mkdtemp(world->directory) != NULL);
    return world;
}

static void
remove_name(void *arg, const char *name)
{
    const char *path = world_path(arg, name);
    if (unlink(path) < 0)
        (void)rmdir(path);
}

void
world_free(struct world *world)
{
    io_free(world->sibling);
    io_free(world->io);
    (void)uv_list(NULL, world->directory, remove_name, world);
    rmdir(world->directory);
    mem_free(world->mem, world);
}

struct io *
world_io(struct world *world)
{
    return world->io;
}

struct io *
world_sibling(struct world *world, struct mem *mem)
{
    must(world->sibling == NULL);
    return io_sibling(world->io, mem, &world->sibling) < 0 ? NULL : world->sibling;
}

static void
turn(struct io *io)
{
    if (io != NULL)
        uv_run(&uv_house_of(io)->loop, UV_RUN_NOWAIT);
}

bool
world_run_until(struct world *world, world_done_fn *done, void *arg, unsigned ms)
{
    const struct timespec nap = { .tv_nsec = 50 * 1000 };
    uint64_t until_ns = uv_hrtime() + (uint64_t)ms * 1000 * 1000;
    while (done == NULL || !done(arg)) {
        if (uv_hrtime() > until_ns)
            return false;
        turn(world->io);
        turn(world->sibling);
        nanosleep(&nap, NULL);
    }
    return true;
}

const char *
world_path(struct world *world, const char *name)
{
    snprintf(world->path, sizeof(world->path), "%s/%s", world->directory, name);
    return world->path;
}

void
world_signal(struct world *world, int signum)
{
    (void)world;
    raise(signum);
}

bool
world_is_real(const struct world *world)
{
    (void)world;
    return true;
}
