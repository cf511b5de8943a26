/* cmd/bench.c - tambo bench: load any MQTT server and measure it.  The scenarios are rows; each has its defaults. */
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

enum {
    WINDOW_DEFAULT = 100,
    LAG_QOS0_DEFAULT = 50000,
    LAG_QUEUED_DEFAULT = 1000, /* a subscriber: servers that queue drop beyond some limit, mosquitto beyond this one */
    FILES_SPARE = 64,
};

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

void
bench_connect(struct bench *bench, const char *role, unsigned index, bool keep, struct mqtt_connect *ret)
{
    static const uint8_t forever[] = { MQTT_SESSION_EXPIRY, 0xff, 0xff, 0xff, 0xff };
    bool v5 = bench->dial.version == DIAL_V5;
    int n = snprintf(bench->client_id, sizeof bench->client_id, "tambo-bench-%x-%s-%u", bench->run, role, index);

    *ret = (struct mqtt_connect){
        .version = v5 ? MQTT_V5 : MQTT_V311,
        .clean_start = !keep,
        .has_username = bench->dial.username != NULL,
        .has_password = bench->dial.password != NULL,
        .client_id = view_of(bench->client_id, (size_t)n),
        .username = view_str(bench->dial.username == NULL ? "" : bench->dial.username),
        .password = view_str(bench->dial.password == NULL ? "" : bench->dial.password),
    };
    if (keep && v5)
        ret->properties.raw = view_of(forever, sizeof forever);
}

uint64_t
bench_cpu_ns(void)
{
    struct rusage use;

    getrusage(RUSAGE_SELF, &use);
    return (uint64_t)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * NS_A_SECOND +
           (uint64_t)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) * 1000;
}

/* ---- options ---------------------------------------------------------------------------------------------- */

#define AT(member) .offset = offsetof(struct bench, member)

/* clang-format off */
static const struct option_row load_rows[] = {
    { 0, "publishers", "N", "publishing connections", OPTION_NUMBER, AT(publishers), 1, UINT16_MAX },
    { 0, "subscribers", "N", "subscribing connections; 0 only publishes", OPTION_NUMBER, AT(subscribers), 0, 1000000 },
    { 0, "topics", "N", "topics, shared among publishers and among subscribers", OPTION_NUMBER, AT(topics), 1, 100000000 },
    { 0, "filter", "exact|plus|hash", "subscribe to PREFIX/t/N, PREFIX/+/N, or PREFIX/#", OPTION_CHOICE, AT(style),
      .choices = "exact|plus|hash" },
    { 0, "prefix", "TOPIC", "first level of all topics (bench)", OPTION_TEXT, AT(prefix) },
    { 0, "bytes", "N", "payload, at least 24 (64)", OPTION_NUMBER, AT(payload_bytes), sizeof(struct stamp), 200000000 },
    { 'q', "qos", "QOS", "of publications and subscriptions", OPTION_NUMBER, AT(qos), 0, 2 },
    { 'r', "retain", NULL, "publish retained messages", OPTION_FLAG, AT(retain) },
    { 0, "durable", NULL, "subscribers keep their sessions", OPTION_FLAG, AT(durable) },
    { 0, "window", "N", "QoS 1 and 2: messages a publisher has unacknowledged (100); QoS 0: the same as --lag",
      OPTION_NUMBER, AT(window), 1, UINT16_MAX },
    { 0, "lag", "N", "deliveries sent and not yet received, over all (QoS 0: 50000; else 1000 a subscriber)",
      OPTION_NUMBER, AT(lag), 1 },
    { 0, "rate", "N", "messages a second; 0: as many as go", OPTION_NUMBER, AT(rate), 0, 1000000000 },
    { 0, "connections", "N", "idle connections (10000)", OPTION_NUMBER, AT(connections), 1, 1000000 },
    { 0, "concurrency", "N", "connections in the making at once (100)", OPTION_NUMBER, AT(concurrency), 1, 100000 },
};

static const struct option_row length_rows[] = {
    { 'n', "messages", "N", "end after N messages", OPTION_NUMBER, AT(messages), 1, UINT32_MAX },
    { 0, "seconds", "SECONDS", "or after so long (5)", OPTION_SECONDS, AT(seconds_ns) },
    { 0, "warmup", "SECONDS", "do not measure the first ones (1; with -n 0)", OPTION_SECONDS, AT(warmup_ns) },
    { 0, "hold", "SECONDS", "hold idle connections so long (0)", OPTION_SECONDS, AT(hold_ns) },
    { 0, "grace", "SECONDS", "what does not come for so long is lost (3)", OPTION_SECONDS, AT(grace_ns) },
    { 0, "phase", "fill|drain|both", "of backlog (both)", OPTION_CHOICE, AT(phase), .choices = "fill|drain|both" },
};

static const struct option_row output_rows[] = {
    { 0, "json", NULL, "the result as one JSON object", OPTION_FLAG, AT(json) },
    { 0, "progress", NULL, "a progress line on stderr even when it is no terminal", OPTION_FLAG, AT(progress) },
};
/* clang-format on */

#define NOT_GIVEN UINT64_MAX

static void
preset(struct bench *bench, const struct scenario *scenario)
{
    dial_init(&bench->dial, &bench->mem);
    bench->dial.host = "127.0.0.1";
    bench->dial.version = DIAL_V311;
    bench->scenario = scenario->name;
    bench->publishers = scenario->publishers;
    bench->subscribers = scenario->subscribers;
    bench->topics = scenario->topics;
    bench->style = scenario->style;
    bench->qos = scenario->qos;
    bench->rate = scenario->rate;
    bench->messages = scenario->messages;
    bench->prefix = "bench";
    bench->payload_bytes = 64;
    bench->connections = 10000;
    bench->concurrency = 100;
    bench->seconds_ns = 5 * NS_A_SECOND;
    bench->grace_ns = 3 * NS_A_SECOND;
    bench->warmup_ns = bench->window = bench->lag = NOT_GIVEN;
    bench->phase = BENCH_BOTH;
    bench->progress = isatty(STDERR_FILENO);
}

static void
fill_in(struct bench *bench)
{
    uint64_t subscribers = bench->subscribers > 0 ? bench->subscribers : 1;

    if (bench->warmup_ns == NOT_GIVEN)
        bench->warmup_ns = bench->messages > 0 ? 0 : NS_A_SECOND;
    if (bench->lag == NOT_GIVEN && bench->qos == 0)
        bench->lag = bench->window != NOT_GIVEN ? bench->window : LAG_QOS0_DEFAULT;
    if (bench->lag == NOT_GIVEN)
        bench->lag = LAG_QUEUED_DEFAULT * subscribers;
    if (bench->window == NOT_GIVEN)
        bench->window = WINDOW_DEFAULT;
}

static int
check(struct bench *bench)
{
    bool no_messages = bench->messages == 0;

    if (bench->dial.version == DIAL_V31)
        return complain(&bench->complaint, "MQTT 3.1 is not for benchmarks: -V 3.1.1 or 5");
    if (strlen(bench->prefix) == 0 || strlen(bench->prefix) > TOPIC_PREFIX_MAX || strpbrk(bench->prefix, "+#") != NULL)
        return complain(&bench->complaint, "--prefix: not a topic of at most %d bytes", TOPIC_PREFIX_MAX);
    if (strcmp(bench->scenario, "backlog") == 0 && (bench->qos == 0 || no_messages || bench->subscribers == 0))
        return complain(&bench->complaint, "backlog needs QoS 1 or 2, a subscriber and a number of messages");
    if (bench->publishers + bench->subscribers > 1000000)
        return complain(&bench->complaint, "more than 1,000,000 connections");
    return 0;
}

static void
tell_parameters(struct bench *bench)
{
    struct result *result = &bench->result;

    result->scenario = bench->scenario;
    result_parameter(result, "mqtt", bench->dial.version == DIAL_V5 ? 5 : 4);
    if (bench->publishers == 0) {
        result_parameter(result, "connections", bench->connections);
        result_parameter(result, "concurrency", bench->concurrency);
        return;
    }
    result_parameter(result, "qos", bench->qos);
    result_parameter(result, "payload_bytes", bench->payload_bytes);
    result_parameter(result, "publishers", bench->publishers);
    result_parameter(result, "subscribers", bench->subscribers);
    result_parameter(result, "topics", bench->topics);
    if (bench->qos > 0)
        result_parameter(result, "window", bench->window);
    if (strcmp(bench->scenario, "backlog") != 0)
        result_parameter(result, "lag", bench->lag);
    if (bench->rate > 0)
        result_parameter(result, "rate", bench->rate);
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
    int rc = check(bench);
    if (rc == 0)
        rc = raise_files(bench);
    if (rc == 0)
        rc = dial_address(&bench->dial, &bench->address, &bench->complaint);
    if (rc < 0)
        return rc;
    fill_in(bench);
    tell_parameters(bench);
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
        "Usage: tambo bench SCENARIO [OPTION]...\n\nLoads an MQTT server and measures it; any server will do.  Every "
        "message is checked\nfor loss, duplication and order.\n\nScenarios:\n");
    for (size_t i = 0; i < COUNT_OF(scenarios); i++)
        printf("  %-14s %s\n", scenarios[i].name, scenarios[i].help);
    printf("\n'tambo bench SCENARIO --help' tells the options; see tambo-bench(1).\n");
    return 0;
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
    preset(&bench, scenario);
    struct option_group groups[] = {
        {"Load",    load_rows,   COUNT_OF(load_rows),   &bench},
        { "Length", length_rows, COUNT_OF(length_rows), &bench},
        { "Output", output_rows, COUNT_OF(output_rows), &bench},
        dial_server_options(&bench.dial),
    };
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
