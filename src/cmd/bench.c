/* cmd/bench.c - tambo bench: load any MQTT or AMQP server and measure it.  The scenarios are rows; each has its
 * defaults. */
#include "cmd/bench.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/err.h"
#include "base/must.h"
#include "cmd/cmd.h"

#define NS_A_SECOND UINT64_C(1000000000)
#define TICK_NS     (NS_A_SECOND / 4)

enum { FILES_SPARE = 64 };

/* ---- the scenarios ---------------------------------------------------------------------------------------- */

static int
start_flow(struct bench *bench, void **state)
{
    return bench_flow_start(bench, (struct flow **)state);
}

static void
free_flow(void *state)
{
    bench_flow_free(state);
}

static int
start_backlog(struct bench *bench, void **state)
{
    return backlog_start(bench, (struct backlog **)state);
}

static void
free_backlog(void *state)
{
    backlog_free(state);
}

static int
start_idle(struct bench *bench, void **state)
{
    return idle_start(bench, (struct idle **)state);
}

static void
free_idle(void *state)
{
    idle_free(state);
}

static int
start_declare(struct bench *bench, void **state)
{
    return declare_start(bench, (struct declare **)state);
}

static void
free_declare(void *state)
{
    declare_free(state);
}

struct scenario {
    const char *name;
    scenario_fn *start;
    void (*free)(void *state);
    uint64_t publishers, subscribers, topics, qos, rate, messages;
    enum filter_style style;
    const char *help;
};

/* clang-format off */
static const struct scenario scenarios[] = {
    /* name            start          free          pubs subs  topics    qos rate  messages style */
    { "throughput",    start_flow,    free_flow,    1,   1,    1,        0,  0,    0,       FILTER_EXACT,
      "one publisher to one subscriber, or as many as you say" },
    { "fanout",        start_flow,    free_flow,    1,   50,   1,        0,  0,    0,       FILTER_EXACT,
      "one publisher to 50 subscribers of one topic" },
    { "fanin",         start_flow,    free_flow,    50,  1,    50,       0,  0,    0,       FILTER_HASH,
      "50 publishers, each on its topic, to one subscriber of all" },
    { "match",         start_flow,    free_flow,    1,   100,  10000,    0,  0,    0,       FILTER_PLUS,
      "10,000 topics, each matched by one filter with a '+' of 100 subscribers" },
    { "latency",       start_flow,    free_flow,    1,   1,    1,        0,  1000, 0,       FILTER_EXACT,
      "1,000 messages a second from one publisher to one subscriber; percentiles" },
    { "subscriptions", start_flow,    free_flow,    1,   10,   1000000,  0,  0,    0,       FILTER_EXACT,
      "10 subscribers with 1,000,000 filters together: time to subscribe, then the rate" },
    { "connections",   start_idle,    free_idle,    0,   0,    1,        0,  0,    0,       FILTER_EXACT,
      "10,000 idle connections: how fast they come, held open" },
    { "backlog",       start_backlog, free_backlog, 1,   1,    1,        1,  0,    100000,  FILTER_EXACT,
      "100,000 messages for an absent durable subscriber: filled, then drained" },
    { "declares",      start_declare, free_declare, 1,   0,   1,        1,  0,    10000,   FILTER_EXACT,
      "10,000 durable queues, declared on one connection or several, and left (AMQP)" },
};
/* clang-format on */

static const struct scenario *
find_scenario(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(scenarios); i++) {
        if (strcmp(scenarios[i].name, name) == 0)
            return &scenarios[i];
    }
    return NULL;
}

/* ---- what scenarios call ---------------------------------------------------------------------------------- */

void
bench_stop(struct bench *bench)
{
    io_timer_cut(bench->io, &bench->tick);
    io_stop(bench->io);
}

static void
blame(struct bench *bench, const char *format, va_list args)
{
    if (!bench->blamed)
        vsnprintf(bench->complaint.text, sizeof bench->complaint.text, format, args);
    bench->blamed = true;
}

void
bench_blame(struct bench *bench, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    blame(bench, format, args);
    va_end(args);
}

void
bench_fail(struct bench *bench, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    blame(bench, format, args);
    va_end(args);
    bench->failed = true;
    bench_stop(bench);
}

static void
on_tick(void *arg)
{
    struct bench *bench = arg;

    bench->on_tick(bench->tick_arg);
    if (!bench->failed)
        bench_every_tick(bench, bench->on_tick, bench->tick_arg);
}

void
bench_every_tick(struct bench *bench, void (*fn)(void *arg), void *arg)
{
    bench->on_tick = fn;
    bench->tick_arg = arg;
    if (io_timer_set(bench->io, &bench->tick, io_now_ns(bench->io) + TICK_NS, on_tick, bench) < 0)
        bench_fail(bench, "%s", err_text(-ERR_NO_MEMORY));
}

void
bench_progress(struct bench *bench, const char *format, ...)
{
    va_list args;

    if (!bench->progress)
        return;
    va_start(args, format);
    fputs("\r\033[K", stderr);
    vfprintf(stderr, format, args);
    va_end(args);
    fflush(stderr);
}

struct view
bench_name(uint16_t run, const char *role, unsigned index, char *ret)
{
    return view_of(ret, (size_t)snprintf(ret, BENCH_NAME_MAX, "tambo-bench-%x-%s-%u", run, role, index));
}

void
bench_hello(struct bench *bench, const char *role, unsigned index, bool keep, struct link_hello *ret)
{
    const struct dial *dial = &bench->dial;

    *ret = (struct link_hello){
        .name = bench_name(bench->run, role, index, bench->name),
        .username = view_str(dial->username == NULL ? "" : dial->username),
        .password = view_str(dial->password == NULL ? "" : dial->password),
        .has_username = dial->username != NULL,
        .has_password = dial->password != NULL,
        .keep = keep,
        .version = bench_version(bench),
    };
}

uint64_t
bench_cpu_ns(void)
{
    struct rusage use;

    getrusage(RUSAGE_SELF, &use);
    return (uint64_t)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * NS_A_SECOND +
           (uint64_t)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) * 1000;
}

/* ---- running ---------------------------------------------------------------------------------------------- */

/* A connection is a file: as many as the system lets us have, when the usual limit is below what is asked. */
static int
raise_files(struct bench *bench)
{
    uint64_t want =
        FILES_SPARE + (bench->publishers == 0 ? bench->connections : bench->publishers + bench->subscribers);
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= want)
        return 0;
    limit.rlim_cur = want;
    if (limit.rlim_max < want)
        limit.rlim_max = want; /* only root may */
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
        return 0;
    return complain(&bench->complaint, "%llu connections are more than this process may open files (ulimit -n)",
                    (unsigned long long)want - FILES_SPARE);
}

static void
on_signal(void *arg)
{
    bench_fail(arg, "interrupted");
}

static int
run(struct bench *bench, const struct scenario *scenario, void **state)
{
    int rc = bench_settle(bench);
    if (rc == 0)
        rc = raise_files(bench);
    if (rc == 0)
        rc = dial_address(&bench->dial, &bench->address, &bench->complaint);
    if (rc < 0)
        return rc;
    io_random(bench->io, &bench->run, sizeof bench->run);
    io_on_signal(bench->io, SIGINT, on_signal, bench);
    io_on_signal(bench->io, SIGTERM, on_signal, bench);
    rc = scenario->start(bench, state);
    if (rc < 0)
        return complain(&bench->complaint, "%s", err_text(rc));
    if (!bench->failed)
        io_run(bench->io);
    return 0;
}

static int
tell(struct bench *bench)
{
    if (bench->progress)
        fputs("\r\033[K", stderr);
    if (bench->blamed)
        cmd_fail("bench", &bench->complaint);
    if (!bench->failed && bench->json)
        result_print_json(&bench->result);
    else if (!bench->failed)
        result_print(&bench->result);
    return bench->blamed;
}

static int
bench_scenario(struct bench *bench, const struct scenario *scenario)
{
    void *state = NULL;
    int code, rc = io_uv_new(&bench->mem, &bench->io);
    if (rc < 0) {
        complain(&bench->complaint, "%s", err_text(rc));
        return cmd_fail("bench", &bench->complaint);
    }
    rc = run(bench, scenario, &state);
    code = rc < 0 ? cmd_fail("bench", &bench->complaint) : tell(bench);
    io_free(bench->io);
    scenario->free(state);
    return code;
}

static int
list_scenarios(void)
{
    printf(
        "Usage: tambo bench SCENARIO [OPTION]...\n\nLoads an MQTT or AMQP server and measures it; any will do.  Every "
        "message is checked\nfor loss, duplication and order.\n\nScenarios:\n");
    for (size_t i = 0; i < COUNT_OF(scenarios); i++)
        printf("  %-14s %s\n", scenarios[i].name, scenarios[i].help);
    printf("\n'tambo bench SCENARIO --help' tells the options; see tambo-bench(1).\n");
    return 0;
}

static void
preset(struct bench *bench, const struct scenario *scenario)
{
    bench->scenario = scenario->name;
    bench->publishers = scenario->publishers;
    bench->subscribers = scenario->subscribers;
    bench->topics = scenario->topics;
    bench->style = scenario->style;
    bench->qos = scenario->qos;
    bench->rate = scenario->rate;
    bench->messages = scenario->messages;
}

int
cmd_bench(int argc, char *const *argv)
{
    struct complaint complaint;
    const struct scenario *scenario = argc == 0 ? NULL : find_scenario(argv[0]);

    if (argc > 0 && strcmp(argv[0], "--help") == 0)
        return list_scenarios();
    if (scenario == NULL) {
        complain(&complaint, "'%s' is not a scenario: see 'tambo bench --help'", argc == 0 ? "" : argv[0]);
        return cmd_fail("bench", &complaint);
    }
    struct bench bench = { 0 };
    bench_preset(&bench);
    preset(&bench, scenario);
    struct option_group groups[BENCH_OPTION_GROUPS];
    bench_options(&bench, groups);
    struct option_spec spec = {
        .usage = "tambo bench SCENARIO [OPTION]...",
        .about = scenario->help,
        .groups = groups,
        .group_count = COUNT_OF(groups),
    };
    int code;

    if (cmd_options("bench", &spec, argc - 1, argv + 1, &code) == 0)
        code = bench_scenario(&bench, scenario);
    dial_fini(&bench.dial);
    return code;
}
