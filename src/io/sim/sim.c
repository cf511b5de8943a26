/* The world: time, chance, transcript. */
#include "io/sim/sim.h"

#include <stdarg.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/must.h"
#include "io/sim/inner.h"

uint64_t
sim_between(struct prng *chance, uint64_t min, uint64_t max)
{
    return max > min ? min + prng_below(chance, max - min + 1) : min;
}

uint64_t
sim_transfer_ns(uint64_t bytes, uint64_t bytes_per_s)
{
    return bytes_per_s == 0 ? 0 : bytes * SIM_NS_A_S / bytes_per_s;
}

int
sim_new(struct mem *mem, uint64_t seed, const struct sim_profile *profile, struct sim **ret)
{
    struct sim *sim = MEM_NEW(mem, struct sim);
    if (sim == NULL)
        return -ERR_NO_MEMORY;
    sim->lines = mem_raw(mem, SIM_LINES_KEPT * sizeof(*sim->lines));
    if (sim->lines == NULL) {
        mem_free(mem, sim);
        return -ERR_NO_MEMORY;
    }
    sim->mem = mem;
    sim->seed = sim->hash = seed;
    sim->profile = profile != NULL ? profile : sim_profile_at(0);
    heap_init(&sim->agenda.heap, mem);
    list_init(&sim->machines);
    list_init(&sim->wires);
    list_init(&sim->partitions);
    list_init(&sim->letters);
    prng_init(&sim->net, hash_bytes(view_str("net"), seed));
    prng_init(&sim->weather, hash_bytes(view_str("weather"), seed));
    sim_net_storms(sim);
    *ret = sim;
    return 0;
}

void
sim_free(struct sim *sim)
{
    if (sim == NULL)
        return;
    must(sim->running == NULL);
    LIST_EACH(&sim->machines, it)
        sim_kill(container_of(it, struct sim_machine, link));
    sim_net_free(sim);
    LIST_EACH(&sim->machines, it)
        sim_machine_free(container_of(it, struct sim_machine, link));
    heap_fini(&sim->agenda.heap);
    mem_free(sim->mem, sim->lines);
    mem_free(sim->mem, sim);
}

void
sim_profile_set(struct sim *sim, const struct sim_profile *profile)
{
    sim->profile = profile != NULL ? profile : sim_profile_at(0);
    sim_net_storms(sim);
}

/* ---- time --------------------------------------------------------------------------------------------------- */

uint64_t
sim_now(const struct sim *sim)
{
    return sim->now_ns;
}

static void
each_loop(struct sim *sim, void (*fn)(struct sim_loop *loop))
{
    LIST_EACH(&sim->machines, m) {
        LIST_EACH(&container_of(m, struct sim_machine, link)->loops, l)
            fn(container_of(l, struct sim_loop, link));
    }
}

/* The next event, if it is not later than `until_ns`. */
static bool
step(struct sim *sim, uint64_t until_ns)
{
    struct heap_node *first = heap_first(&sim->agenda.heap);
    if (first == NULL || first->at > until_ns)
        return false;
    sim->now_ns = first->at;
    return sim_event_next(&sim->agenda, sim->now_ns);
}

bool
sim_step(struct sim *sim)
{
    must(sim->running == NULL);
    each_loop(sim, sim_house_look);
    bool any = step(sim, UINT64_MAX - 1);
    each_loop(sim, sim_house_set_clocks);
    return any;
}

bool
sim_run_until(struct sim *sim, sim_done_fn *done, void *arg, uint64_t for_ns)
{
    must(sim->running == NULL);
    uint64_t until_ns = sim->now_ns + for_ns;
    bool is_done;
    each_loop(sim, sim_house_look);
    do
        is_done = done != NULL && done(arg);
    while (!is_done && step(sim, until_ns));
    if (!is_done)
        sim->now_ns = until_ns;
    each_loop(sim, sim_house_set_clocks);
    return is_done;
}

void
sim_run_for(struct sim *sim, uint64_t for_ns)
{
    sim_run_until(sim, NULL, NULL, for_ns);
}

/* ---- transcript --------------------------------------------------------------------------------------------- */

void
sim_mix(struct sim *sim, uint64_t what, struct view bytes)
{
    const uint64_t where[] = { sim->hash, sim->now_ns, what };
    sim->hash = hash_bytes(view_of(where, sizeof(where)), bytes.len > 0 ? hash_bytes(bytes, 0) : 0);
}

void
sim_note(struct sim *sim, const char *format, ...)
{
    char *line = sim->lines[sim->line_count++ % SIM_LINES_KEPT];
    uint64_t us = sim->now_ns / SIM_NS_A_US;
    int n =
        snprintf(line, SIM_LINE_BYTES, "[%4llu.%06u] ", (unsigned long long)(us / 1000000), (unsigned)(us % 1000000));
    va_list args;
    va_start(args, format);
    vsnprintf(line + n, SIM_LINE_BYTES - (size_t)n, format, args);
    va_end(args);
    sim_mix(sim, 0, view_str(line));
}

uint64_t
sim_hash(const struct sim *sim)
{
    return sim->hash;
}

void
sim_transcript(const struct sim *sim, FILE *to)
{
    uint64_t i = sim->line_count > SIM_LINES_KEPT ? sim->line_count - SIM_LINES_KEPT : 0;
    for (; i < sim->line_count; i++)
        fprintf(to, "%s\n", sim->lines[i % SIM_LINES_KEPT]);
}
