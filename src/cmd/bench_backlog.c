/* cmd/bench_backlog.c - a durable subscriber is absent while its queue fills, then comes back and drains it.
 *
 *   fill:   subscribe with a kept session, leave; publish -n messages, wait for every acknowledgement
 *   drain:  come back, take them all; then delete the session
 *
 * With --phase the two can be two runs, with a restart of the server in between. */
#include "base/err.h"
#include "base/must.h"
#include "cmd/bench_crew.h"

enum backlog_phase { BACKLOG_GATHERING, BACKLOG_FILLING, BACKLOG_DRAINING, BACKLOG_OVER };

struct backlog {
    struct bench *bench;
    struct crew crew;
    enum backlog_phase phase;
    uint64_t sent, expected;
    uint64_t start_ns;
    uint64_t seen, seen_tick_ns, moved_ns; /* progress as of the last tick */
};

static void
start_clock(struct backlog *backlog, enum backlog_phase phase)
{
    backlog->phase = phase;
    backlog->start_ns = backlog->moved_ns = backlog->seen_tick_ns = io_now_ns(backlog->bench->io);
    backlog->seen = 0;
}

static void
tell_rate(struct backlog *backlog, const char *per_second, const char *seconds, uint64_t messages)
{
    struct result *result = &backlog->bench->result;
    double s = (double)(io_now_ns(backlog->bench->io) - backlog->start_ns) / 1e9;

    result_number(result, per_second, "msg/s", s == 0 ? 0 : (double)messages / s, 0);
    result_number(result, seconds, "s", s, 3);
}

/* ---- the end ---------------------------------------------------------------------------------------------- */

static void
on_session_gone(void *arg)
{
    struct backlog *backlog = arg;
    bench_stop(backlog->bench);
}

static void
on_clean(void *arg)
{
    struct backlog *backlog = arg;
    crew_close(&backlog->crew, on_session_gone, backlog);
}

/* A connection with a clean start deletes MQTT's kept session, one that leaves without keeping AMQP's queue. */
static void
on_drainer_left(void *arg)
{
    struct backlog *backlog = arg;
    backlog->crew.keep = false;
    crew_open(&backlog->crew, CREW_SINKS, on_clean, backlog);
}

static void
finish(struct backlog *backlog)
{
    backlog->phase = BACKLOG_OVER;
    tell_rate(backlog, "drained_per_s", "drain_s", backlog->crew.unique);
    result_count(&backlog->bench->result, "received", "", backlog->crew.unique);
    crew_verdict(&backlog->crew, backlog->expected);
    crew_close(&backlog->crew, on_drainer_left, backlog);
}

/* ---- draining --------------------------------------------------------------------------------------------- */

static void
on_back(void *arg)
{
    struct backlog *backlog = arg;
    crew_consume(&backlog->crew);
}

static void
drain(void *arg)
{
    struct backlog *backlog = arg;

    start_clock(backlog, BACKLOG_DRAINING);
    backlog->crew.keep = true;
    crew_open(&backlog->crew, CREW_SINKS, on_back, backlog);
}

/* ---- filling ---------------------------------------------------------------------------------------------- */

static void
on_fillers_left(void *arg)
{
    struct backlog *backlog = arg;

    if (backlog->bench->phase == BENCH_FILL)
        bench_stop(backlog->bench);
    else
        drain(backlog);
}

static void
fill_on(struct backlog *backlog)
{
    struct bench *bench = backlog->bench;
    uint64_t due;

    backlog->sent +=
        crew_send(&backlog->crew, bench->messages - backlog->sent, UINT64_MAX, io_exact_ns(bench->io), &due);
    if (backlog->sent < bench->messages || !crew_is_settled(&backlog->crew))
        return;
    backlog->phase = BACKLOG_GATHERING;
    tell_rate(backlog, "filled_per_s", "fill_s", backlog->sent);
    crew_tell_confirms(&backlog->crew);
    result_count(&bench->result, "sent", "", backlog->sent);
    crew_close(&backlog->crew, on_fillers_left, backlog);
}

static void
on_fillers_open(void *arg)
{
    start_clock(arg, BACKLOG_FILLING);
}

static void
on_subscriber_left(void *arg)
{
    struct backlog *backlog = arg;
    crew_open(&backlog->crew, CREW_SOURCES, on_fillers_open, backlog);
}

static void
on_subscribed(void *arg)
{
    struct backlog *backlog = arg;
    crew_close(&backlog->crew, on_subscriber_left, backlog);
}

static void
on_subscriber_open(void *arg)
{
    struct backlog *backlog = arg;
    crew_subscribe(&backlog->crew, on_subscribed, backlog);
}

/* ---- the loop --------------------------------------------------------------------------------------------- */

static void
on_turn(void *arg)
{
    struct backlog *backlog = arg;

    if (backlog->bench->failed)
        return;
    if (backlog->phase == BACKLOG_FILLING)
        fill_on(backlog);
    else if (backlog->phase == BACKLOG_DRAINING && backlog->crew.unique >= backlog->expected)
        finish(backlog);
}

static uint64_t
moved_so_far(const struct backlog *backlog)
{
    uint64_t n = backlog->crew.unique;

    for (unsigned i = 0; i < backlog->crew.plan.publishers && backlog->phase == BACKLOG_FILLING; i++)
        n += backlog->crew.sources[i].settled;
    return n;
}

static void
on_tick(void *arg)
{
    struct backlog *backlog = arg;
    struct bench *bench = backlog->bench;
    uint64_t now_ns = io_now_ns(bench->io), moved = moved_so_far(backlog);
    bool filling = backlog->phase == BACKLOG_FILLING;

    if (!filling && backlog->phase != BACKLOG_DRAINING)
        return;
    bench_progress(bench, "backlog: %s, %llu of %llu, %.0f/s", filling ? "filling" : "draining",
                   (unsigned long long)moved, (unsigned long long)(filling ? bench->messages : backlog->expected),
                   (double)(moved - backlog->seen) * 1e9 / (double)(now_ns - backlog->seen_tick_ns + 1));
    if (moved != backlog->seen)
        backlog->moved_ns = now_ns;
    backlog->seen = moved;
    backlog->seen_tick_ns = now_ns;
    if (now_ns - backlog->moved_ns <= bench->grace_ns)
        return;
    if (filling)
        bench_fail(bench, "the server stopped acknowledging after %llu messages", (unsigned long long)moved);
    else
        finish(backlog);
}

/* A second run must know the messages and the session of the first one. */
static void
name_the_run(struct bench *bench)
{
    enum { BACKLOG_RUN = 1 };
    bench->run = BACKLOG_RUN;
}

/* Every message has all its takers before the first one goes out, so what is due can be counted ahead. */
static uint64_t
count_due(const struct backlog *backlog)
{
    const struct bench_plan *plan = &backlog->crew.plan;
    return plan->topics >= plan->subscribers && !plan->every ? backlog->bench->messages
                                                             : backlog->bench->messages * plan->subscribers;
}

int
backlog_start(struct bench *bench, struct backlog **ret)
{
    struct backlog *backlog = MEM_NEW(&bench->mem, struct backlog);
    if (backlog == NULL)
        return -ERR_NO_MEMORY;
    *ret = backlog;
    backlog->bench = bench;
    name_the_run(bench);
    int rc = crew_init(&backlog->crew, bench, true, NULL);
    if (rc < 0)
        return rc;
    backlog->expected = count_due(backlog);
    io_on_turn(bench->io, on_turn, backlog);
    bench_every_tick(bench, on_tick, backlog);
    if (bench->phase == BENCH_DRAIN)
        drain(backlog);
    else
        crew_open(&backlog->crew, CREW_SINKS, on_subscriber_open, backlog);
    return 0;
}

void
backlog_free(struct backlog *backlog)
{
    if (backlog == NULL)
        return;
    struct mem *mem = &backlog->bench->mem;
    crew_fini(&backlog->crew);
    mem_free(mem, backlog);
}
