/* cmd/bench_declare.c - durable queues of AMQP: how fast they are declared.
 *
 * Each connection declares its share, --window of them without an answer.  They stay, so that the server's memory can
 * be looked at. */
#include <stdio.h>

#include "base/err.h"
#include "base/must.h"
#include "cmd/bench.h"

struct declarer {
    struct link link;
    struct declare *declare;
    unsigned index;
    uint64_t asked, answered, wanted;
};

struct declare {
    struct bench *bench;
    struct declarer *declarers;
    unsigned count, open;
    uint64_t start_ns, answered;
};

/* ---- the end ---------------------------------------------------------------------------------------------- */

static void
on_closed(void *arg, const char *why)
{
    struct declarer *declarer = arg;
    struct declare *declare = declarer->declare;

    declare->open--;
    if (why != NULL)
        bench_fail(declare->bench, "connection %u: %s", declarer->index, why);
    else if (declare->open == 0)
        bench_stop(declare->bench);
}

static void
finish(struct declare *declare)
{
    struct result *result = &declare->bench->result;
    double s = (double)(io_exact_ns(declare->bench->io) - declare->start_ns) / 1e9;

    result_count(result, "declared", "", declare->answered);
    result_number(result, "declares_per_s", "1/s", s == 0 ? 0 : (double)declare->answered / s, 0);
    result_number(result, "seconds", "s", s, 3);
    for (unsigned i = 0; i < declare->count; i++)
        link_close(&declare->declarers[i].link);
}

/* ---- declaring -------------------------------------------------------------------------------------------- */

static void
ask_on(struct declarer *declarer)
{
    struct bench *bench = declarer->declare->bench;
    char name[BENCH_NAME_MAX];

    while (declarer->asked < declarer->wanted && declarer->asked - declarer->answered < bench->window) {
        unsigned number = (unsigned)(declarer->asked++ * declarer->declare->count + declarer->index);
        if (amqp_declare(&declarer->link, bench_name(bench->run, "q", number, name), true) < 0)
            link_fail(&declarer->link, "no memory to declare");
    }
}

static void
on_frame(void *arg, struct view frame)
{
    struct declarer *declarer = arg;
    struct declare *declare = declarer->declare;

    if (!amqp_is_declared(frame)) {
        link_fail(&declarer->link, "a frame that is no queue.declare-ok");
        return;
    }
    declarer->answered++;
    declare->answered++;
    ask_on(declarer);
    if (declare->answered == declare->bench->messages)
        finish(declare);
}

/* All begin together. */
static void
on_opened(void *arg)
{
    struct declarer *declarer = arg;
    struct declare *declare = declarer->declare;

    if (++declare->open < declare->count)
        return;
    declare->start_ns = io_exact_ns(declare->bench->io);
    for (unsigned i = 0; i < declare->count; i++)
        ask_on(&declare->declarers[i]);
}

static void
on_greet(void *arg, struct link_hello *ret)
{
    const struct declarer *declarer = arg;
    bench_hello(declarer->declare->bench, "d", declarer->index, false, ret);
}

static const struct link_on link_on = {
    .greet = on_greet,
    .opened = on_opened,
    .frame = on_frame,
    .closed = on_closed,
};

/* ---- the beginning ---------------------------------------------------------------------------------------- */

static void
on_tick(void *arg)
{
    struct declare *declare = arg;
    bench_progress(declare->bench, "declares: %llu of %llu", (unsigned long long)declare->answered,
                   (unsigned long long)declare->bench->messages);
}

int
declare_start(struct bench *bench, struct declare **ret)
{
    struct declare *declare = MEM_NEW(&bench->mem, struct declare);
    if (declare == NULL)
        return -ERR_NO_MEMORY;
    *ret = declare;
    declare->bench = bench;
    declare->count = (unsigned)bench->publishers;
    declare->declarers = mem_new(&bench->mem, declare->count * sizeof *declare->declarers);
    if (declare->declarers == NULL)
        return -ERR_NO_MEMORY;
    bench_every_tick(bench, on_tick, declare);
    for (unsigned i = 0; i < declare->count; i++) {
        struct declarer *declarer = &declare->declarers[i];
        declarer->declare = declare;
        declarer->index = i;
        declarer->wanted = (bench->messages - i + declare->count - 1) / declare->count;
        int rc = link_open(&declarer->link, bench->io, &bench->address, bench->protocol, &link_on, declarer);
        if (rc < 0)
            return rc;
    }
    return 0;
}

void
declare_free(struct declare *declare)
{
    if (declare == NULL)
        return;
    struct mem *mem = &declare->bench->mem;
    for (unsigned i = 0; i < declare->count && declare->declarers != NULL; i++)
        link_fini(&declare->declarers[i].link);
    mem_free(mem, declare->declarers);
    mem_free(mem, declare);
}
