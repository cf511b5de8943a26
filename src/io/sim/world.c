/* The shared tests' stage, simulated: one machine of a calm world. */
#include "io/world.h"

#include <stdio.h>

#include "base/mem.h"
#include "base/must.h"
#include "io/sim/sim.h"

struct world {
    struct mem *mem;    /* the test's */
    struct mem sim_mem; /* the simulator's own */
    struct sim *sim;
    struct sim_machine *machine;
    struct io *sibling;
    char path[256];
};

static int
start(void *arg, struct io *io)
{
    struct world *world = arg;
    struct io_job job = { .op = IO_MKDIR, .path = world_path(world, "") };
    return (int)io_now(io, &job);
}

static bool
is_up(void *arg)
{
    const struct world *world = arg;
    return sim_machine_io(world->machine) != NULL;
}

struct world *
world_new(struct mem *mem)
{
    struct world *world = MEM_NEW(mem, struct world);
    if (world == NULL)
        return NULL;
    world->mem = mem;
    struct sim_program program = { .start = start, .arg = world, .mem = mem };
    must(sim_new(&world->sim_mem, 1, NULL, &world->sim) == 0);
    must(sim_machine_new(world->sim, "n1", &program, &world->machine) == 0);
    sim_boot(world->machine);
    if (sim_run_until(world->sim, is_up, world, SIM_NS_A_S))
        return world;
    world_free(world);
    return NULL;
}

void
world_free(struct world *world)
{
    if (world->sibling != NULL)
        io_free(world->sibling);
    sim_free(world->sim);
    must(world->sim_mem.used_bytes == 0);
    mem_free(world->mem, world);
}

struct io *
world_io(struct world *world)
{
    return sim_machine_io(world->machine);
}

struct io *
world_sibling(struct world *world, struct mem *mem)
{
    must(world->sibling == NULL);
    if (io_sibling(world_io(world), mem, &world->sibling) < 0)
        return NULL;
    return world->sibling;
}

bool
world_run_until(struct world *world, world_done_fn *done, void *arg, unsigned ms)
{
    return sim_run_until(world->sim, done, arg, ms * SIM_NS_A_MS);
}

const char *
world_path(struct world *world, const char *name)
{
    snprintf(world->path, sizeof(world->path), "/world/%s", name);
    return world->path;
}

void
world_signal(struct world *world, int signum)
{
    sim_signal(world->machine, signum);
}

bool
world_is_real(const struct world *world)
{
    (void)world;
    return false;
}
