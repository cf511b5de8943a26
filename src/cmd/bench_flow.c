/* cmd/bench_flow.c - messages flow from publishers through the server to subscribers: throughput, fanout, fanin, match,
 * latency and subscriptions are this scenario with different numbers.
 *
 * The loop is closed: at most `lag` deliveries are under way, so the server is kept busy and never made to drop. */
#include "base/err.h"
#include "base/must.h"
#include "cmd/bench_crew.h"

#define NS_A_SECOND UINT64_C(1000000000)

enum flow_phase { FLOW_GATHERING, FLOW_RUNNING, FLOW_DRAINING, FLOW_OVER };

/* Where the counters stood at a moment. */
struct mark {
    uint64_t at_ns, sent, received, cpu_ns;
};

struct flow {
    struct bench *bench;
    struct crew crew;
    enum flow_phase phase;
    uint64_t sent, expected; /* deliveries that what was sent makes due */
    uint64_t start_ns, subscribe_ns;
    bool measuring;
    struct mark first, last;
    struct mark tick; /* for the progress line, and to see whether anything moves */
    uint64_t moved_ns;
    struct io_timer pace;
    struct histogram *latency;
};

static struct mark
mark_now(const struct flow *flow)
{
    return (struct mark){ io_now_ns(flow->bench->io), flow->sent, flow->crew.unique, bench_cpu_ns() };
}

/* ---- the end ---------------------------------------------------------------------------------------------- */

static double
per_second(uint64_t n, uint64_t ns)
{
    return ns == 0 ? 0 : (double)n * 1e9 / (double)ns;
}

static void
tell(struct flow *flow)
{
    struct bench *bench = flow->bench;
    struct result *result = &bench->result;
    uint64_t ns = flow->last.at_ns - flow->first.at_ns;
    double received = per_second(flow->last.received - flow->first.received, ns);

    result_number(result, "sent_per_s", "msg/s", per_second(flow->last.sent - flow->first.sent, ns), 0);
    result_number(result, "received_per_s", "msg/s", received, 0);
    result_number(result, "received_mb_per_s", "MB/s", received * (double)bench->payload_bytes / 1e6, 1);
    result_number(result, "seconds", "s", (double)ns / 1e9, 3);
    result_number(result, "generator_cpu", "%", per_second(flow->last.cpu_ns - flow->first.cpu_ns, ns) / 1e7, 0);
    if (flow->crew.plan.topics > 1)
        result_number(result, "subscribe_s", "s", (double)flow->subscribe_ns / 1e9, 3);
    if (flow->latency != NULL)
        result_latency(result, flow->latency);
    crew_tell_confirms(&flow->crew);
    result_count(result, "sent", "", flow->sent);
    result_count(result, "received", "", flow->crew.unique);
    crew_verdict(&flow->crew, flow->expected);
}

static void
on_all_closed(void *arg)
{
    struct flow *flow = arg;
    bench_stop(flow->bench);
}

static void
finish(struct flow *flow)
{
    flow->phase = FLOW_OVER;
    tell(flow);
    flow->crew.keep = false;
    crew_close(&flow->crew, on_all_closed, flow);
}

/* ---- running ---------------------------------------------------------------------------------------------- */

/* How many messages may go out by now: by -n and by the rate. */
static uint64_t
allowance(const struct flow *flow)
{
    const struct bench *bench = flow->bench;
    uint64_t most = bench->messages > 0 ? bench->messages : UINT64_MAX;

    if (bench->rate > 0) {
        double elapsed_s = (double)(io_now_ns(bench->io) - flow->start_ns) / 1e9;
        uint64_t due = (uint64_t)(elapsed_s * (double)bench->rate) + 1;
        most = due < most ? due : most;
    }
    return most > flow->sent ? most - flow->sent : 0;
}

static void
send_what_fits(struct flow *flow)
{
    const struct bench *bench = flow->bench;
    uint64_t under_way = flow->expected - flow->crew.unique, due;
    uint64_t deliveries = under_way < bench->lag ? bench->lag - under_way : 0;

    flow->sent += crew_send(&flow->crew, allowance(flow), deliveries, io_exact_ns(bench->io), &due);
    flow->expected += due;
}

static void on_pace(void *arg);

/* Comes back when the next message is due. */
static void
pace(struct flow *flow)
{
    const struct bench *bench = flow->bench;
    uint64_t next_ns = flow->start_ns + (uint64_t)((double)flow->sent * 1e9 / (double)bench->rate);
    uint64_t now_ns = io_now_ns(bench->io);

    if (io_timer_set(bench->io, &flow->pace, next_ns > now_ns ? next_ns : now_ns + 1, on_pace, flow) < 0)
        bench_fail(flow->bench, "%s", err_text(-ERR_NO_MEMORY));
}

static void
on_pace(void *arg)
{
    struct flow *flow = arg;

    if (flow->phase != FLOW_RUNNING)
        return;
    send_what_fits(flow);
    pace(flow);
}

static void
begin_measuring(struct flow *flow)
{
    flow->measuring = true;
    flow->first = flow->last = mark_now(flow);
    if (flow->latency != NULL)
        *flow->latency = (struct histogram){ 0 };
    flow->crew.confirm = (struct histogram){ 0 };
}

/* By time, the measurement ends with the last message sent; by number, with the last one received. */
static void
watch(struct flow *flow)
{
    const struct bench *bench = flow->bench;
    uint64_t now_ns = io_now_ns(bench->io);

    if (!flow->measuring && now_ns >= flow->start_ns + bench->warmup_ns)
        begin_measuring(flow);
    bool timed = bench->messages == 0;
    if (flow->phase == FLOW_RUNNING &&
        (timed ? now_ns >= flow->start_ns + bench->warmup_ns + bench->seconds_ns : flow->sent == bench->messages)) {
        flow->phase = FLOW_DRAINING;
        flow->last = mark_now(flow);
    }
    if (flow->phase != FLOW_DRAINING)
        return;
    bool settled = crew_is_settled(&flow->crew);
    if (!timed && (flow->crew.unique != flow->last.received || settled))
        flow->last = mark_now(flow);
    if (settled && flow->crew.unique >= flow->expected)
        finish(flow);
}

/* Everything that was read in this turn is counted: answer it with new messages. */
static void
on_turn(void *arg)
{
    struct flow *flow = arg;

    if (flow->bench->failed)
        return;
    if (flow->phase == FLOW_RUNNING && flow->bench->rate == 0)
        send_what_fits(flow);
    if (flow->phase == FLOW_RUNNING || flow->phase == FLOW_DRAINING)
        watch(flow);
}

static uint64_t
settled_total(const struct flow *flow)
{
    uint64_t total = 0;
    for (unsigned i = 0; i < flow->crew.plan.publishers; i++)
        total += flow->crew.sources[i].settled;
    return total;
}

/* When nothing moves any more, what is missing is lost. */
static void
on_tick(void *arg)
{
    struct flow *flow = arg;
    struct bench *bench = flow->bench;
    struct mark now = mark_now(flow);
    uint64_t ns = now.at_ns - flow->tick.at_ns;

    if (flow->phase != FLOW_RUNNING && flow->phase != FLOW_DRAINING)
        return;
    bench_progress(bench, "%s: %.1f s, %.0f sent/s, %.0f received/s, %llu under way", bench->scenario,
                   (double)(now.at_ns - flow->start_ns) / 1e9, per_second(now.sent - flow->tick.sent, ns),
                   per_second(now.received - flow->tick.received, ns),
                   (unsigned long long)(flow->expected - flow->crew.unique));
    bool idle = flow->expected == flow->crew.unique && settled_total(flow) == flow->sent;
    if (now.received != flow->tick.received || now.sent != flow->tick.sent || (idle && flow->phase == FLOW_RUNNING))
        flow->moved_ns = now.at_ns;
    flow->tick = now;
    if (now.at_ns - flow->moved_ns > bench->grace_ns)
        finish(flow);
}

/* ---- the beginning ---------------------------------------------------------------------------------------- */

static void
on_subscribed(void *arg)
{
    struct flow *flow = arg;

    flow->start_ns = flow->moved_ns = io_now_ns(flow->bench->io);
    flow->subscribe_ns = flow->start_ns - flow->subscribe_ns;
    flow->tick = mark_now(flow);
    flow->phase = FLOW_RUNNING;
    crew_consume(&flow->crew);
    if (flow->bench->rate > 0)
        pace(flow);
}

static void
on_all_open(void *arg)
{
    struct flow *flow = arg;
    flow->subscribe_ns = io_now_ns(flow->bench->io);
    crew_subscribe(&flow->crew, on_subscribed, flow);
}

int
bench_flow_start(struct bench *bench, struct flow **ret)
{
    struct flow *flow = MEM_NEW(&bench->mem, struct flow);
    if (flow == NULL)
        return -ERR_NO_MEMORY;
    *ret = flow;
    flow->bench = bench;
    if (bench->rate > 0 && (flow->latency = MEM_NEW(&bench->mem, struct histogram)) == NULL)
        return -ERR_NO_MEMORY;
    int rc = crew_init(&flow->crew, bench, bench->durable, flow->latency);
    if (rc < 0)
        return rc;
    io_on_turn(bench->io, on_turn, flow);
    bench_every_tick(bench, on_tick, flow);
    crew_open(&flow->crew, CREW_ALL, on_all_open, flow);
    return 0;
}

void
bench_flow_free(struct flow *flow)
{
    if (flow == NULL)
        return;
    struct mem *mem = &flow->bench->mem;
    crew_fini(&flow->crew);
    mem_free(mem, flow->latency);
    mem_free(mem, flow);
}
