/* io/world.h - the stage for io_test.c, so that one suite of tests runs on both houses: uv/world.c, sim/world.c. */
#ifndef TAMBO_IO_WORLD_H
#define TAMBO_IO_WORLD_H

#include <stdbool.h>

#include "io/io.h"

struct world;

/* A machine with one loop that counts against `mem`, and an empty directory. */
struct world *world_new(struct mem *mem);
/* Frees its loops, the siblings first, and the directory. */
void world_free(struct world *world);
struct io *world_io(struct world *world);
/* A further loop of the same machine, driven by world_run_until too.  At most one. */
struct io *world_sibling(struct world *world, struct mem *mem);
/* Lets all loops take turns until `done(arg)`: false when `ms` of the world's time pass first.  `done` NULL: never. */
typedef bool world_done_fn(void *arg);
bool world_run_until(struct world *world, world_done_fn *done, void *arg, unsigned ms);
/* The path of `name` in the world's directory, alive until the next call. */
const char *world_path(struct world *world, const char *name);
/* The process gets a signal. */
void world_signal(struct world *world, int signum);
/* Do threads, descriptors and other processes exist? */
bool world_is_real(const struct world *world);

#endif
