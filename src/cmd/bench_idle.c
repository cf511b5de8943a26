/* cmd/bench_idle.c - connections that do nothing: how fast they come, and whether they stay. */
#include "base/err.h"
#include "base/must.h"
#include "cmd/bench.h"

#define NS_A_SECOND UINT64_C(1000000000)

struct idler {
    struct link link;
    struct idle *idle;
    unsigned index;
    uint64_t dialed_ns;
};

struct idle {
    struct bench *bench;
    struct idler *idlers;
    unsigned wanted, dialed, opening, open;
    bool leaving;
    uint64_t start_ns;
    struct io_timer hold;
    struct histogram connect_ns;
};

/* ---- the end ---------------------------------------------------------------------------------------------- */

static void
on_held(void *arg)
{
    struct idle *idle = arg;

    idle->leaving = true;
    for (unsigned i = 0; i < idle->wanted; i++)
        link_close(&idle->idlers[i].link);
}

static void
on_closed(void *arg, const char *why)
{
    struct idler *idler = arg;
    struct idle *idle = idler->idle;

    idle->open--;
    if (!idle->leaving)
        bench_fail(idle->bench, "connection %u of %u: %s", idler->index + 1, idle->wanted, why);
    else if (idle->open == 0)
        bench_stop(idle->bench);
}

static void
on_all_open(struct idle *idle)
{
    struct bench *bench = idle->bench;
    uint64_t now_ns = io_now_ns(bench->io);
    double s = (double)(now_ns - idle->start_ns) / 1e9;

    result_count(&bench->result, "connected", "", idle->open);
    result_number(&bench->result, "connects_per_s", "1/s", s == 0 ? 0 : idle->open / s, 0);
    result_number(&bench->result, "seconds", "s", s, 3);
    result_latency(&bench->result, &idle->connect_ns);
    bench_progress(bench, "connections: %u open, held for %.0f s", idle->open, (double)bench->hold_ns / 1e9);
    if (io_timer_set(bench->io, &idle->hold, now_ns + bench->hold_ns, on_held, idle) < 0)
        bench_fail(bench, "%s", err_text(-ERR_NO_MEMORY));
}

/* ---- the beginning ---------------------------------------------------------------------------------------- */

static void dial_on(struct idle *idle);

static void
on_greet(void *arg, struct link_hello *ret)
{
    const struct idler *idler = arg;
    bench_hello(idler->idle->bench, "c", idler->index, false, ret);
}

static void
on_opened(void *arg)
{
    struct idler *idler = arg;
    struct idle *idle = idler->idle;

    idle->opening--;
    histogram_add(&idle->connect_ns, io_exact_ns(idle->bench->io) - idler->dialed_ns);
    if (++idle->open == idle->wanted)
        on_all_open(idle);
    else
        dial_on(idle);
}

static void
on_frame(void *arg, struct view frame)
{
    struct idler *idler = arg;

    (void)frame;
    link_fail(&idler->link, "a packet that an idle client does not get");
}

static const struct link_on link_on = {
    .greet = on_greet,
    .opened = on_opened,
    .frame = on_frame,
    .closed = on_closed,
};

static void
dial_on(struct idle *idle)
{
    struct bench *bench = idle->bench;

    while (idle->dialed < idle->wanted && idle->opening < bench->concurrency && !bench->failed) {
        struct idler *idler = &idle->idlers[idle->dialed];
        idler->idle = idle;
        idler->index = idle->dialed++;
        idler->dialed_ns = io_exact_ns(bench->io);
        int rc = link_open(&idler->link, bench->io, &bench->address, bench->protocol, &link_on, idler);
        if (rc < 0)
            bench_fail(bench, "connection %u of %u: %s", idler->index + 1, idle->wanted, err_text(rc));
        idle->opening++;
    }
}

static void
on_tick(void *arg)
{
    struct idle *idle = arg;

    if (idle->open < idle->wanted)
        bench_progress(idle->bench, "connections: %u of %u", idle->open, idle->wanted);
}

int
idle_start(struct bench *bench, struct idle **ret)
{
    struct idle *idle = MEM_NEW(&bench->mem, struct idle);
    if (idle == NULL)
        return -ERR_NO_MEMORY;
    *ret = idle;
    idle->bench = bench;
    idle->wanted = (unsigned)bench->connections;
    idle->idlers = mem_new(&bench->mem, idle->wanted * sizeof *idle->idlers);
    if (idle->idlers == NULL)
        return -ERR_NO_MEMORY;
    bench_every_tick(bench, on_tick, idle);
    idle->start_ns = io_now_ns(bench->io);
    dial_on(idle);
    return 0;
}

void
idle_free(struct idle *idle)
{
    if (idle == NULL)
        return;
    struct mem *mem = &idle->bench->mem;
    for (unsigned i = 0; i < idle->wanted && idle->idlers != NULL; i++)
        link_fini(&idle->idlers[i].link);
    mem_free(mem, idle->idlers);
    mem_free(mem, idle);
}
