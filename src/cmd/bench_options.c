/* cmd/bench_options.c - the options of tambo bench, and what they mean together. */
#include <string.h>
#include <unistd.h>

#include "base/must.h"
#include "cmd/bench.h"

#define NS_A_SECOND UINT64_C(1000000000)

enum {
    WINDOW_DEFAULT = 100,
    LAG_QOS0_DEFAULT = 50000,
    LAG_QUEUED_DEFAULT = 1000, /* a subscriber: servers that queue drop beyond some limit, mosquitto beyond this one */
};

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
    { 'q', "qos", "QOS", "of publications and subscriptions; AMQP: 1 is persistent, confirmed and acknowledged",
      OPTION_NUMBER, AT(qos), 0, 2 },
    { 'r', "retain", NULL, "publish retained messages", OPTION_FLAG, AT(retain) },
    { 0, "durable", NULL, "subscribers keep their sessions; AMQP: their queues are durable", OPTION_FLAG, AT(durable) },
    { 0, "window", "N", "QoS 1 and 2: messages a publisher has unacknowledged (100); QoS 0: the same as --lag",
      OPTION_NUMBER, AT(window), 1, UINT16_MAX },
    { 0, "lag", "N", "deliveries sent and not yet received, over all (QoS 0: 50000; else 1000 a subscriber)",
      OPTION_NUMBER, AT(lag), 1 },
    { 0, "exchange", "NAME", "AMQP: published to and bound to (amq.direct, or amq.topic with --filter plus|hash)",
      OPTION_TEXT, AT(exchange) },
    { 0, "prefetch", "N", "AMQP, QoS 1: deliveries a subscriber has unacknowledged; 0: no limit (1000)", OPTION_NUMBER,
      AT(prefetch), 0, UINT16_MAX },
    { 0, "ack-every", "N", "AMQP, QoS 1: deliveries acknowledged together (1)", OPTION_NUMBER, AT(ack_every), 1,
      UINT16_MAX },
    { 0, "rate", "N", "messages a second; 0: as many as go", OPTION_NUMBER, AT(rate), 0, 1000000000 },
    { 0, "connections", "N", "idle connections (10000)", OPTION_NUMBER, AT(connections), 1, 1000000 },
    { 0, "concurrency", "N", "connections in the making at once (100)", OPTION_NUMBER, AT(concurrency), 1, 100000 },
};

static const struct option_row protocol_rows[] = {
    { 0, "protocol", "mqtt|amqp", "AMQP is 0-9-1, on port 5672 (mqtt)", OPTION_CHOICE, AT(protocol_choice),
      .choices = "mqtt|amqp" },
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

void
bench_preset(struct bench *bench)
{
    dial_init(&bench->dial, &bench->mem);
    bench->dial.host = "127.0.0.1";
    bench->dial.port = 0;
    bench->dial.version = DIAL_V311;
    bench->prefix = "bench";
    bench->payload_bytes = 64;
    bench->prefetch = 1000;
    bench->ack_every = 1;
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

    if (bench->exchange == NULL)
        bench->exchange = bench->style == FILTER_EXACT ? "amq.direct" : "amq.topic";
    if (bench->warmup_ns == NOT_GIVEN)
        bench->warmup_ns = bench->messages > 0 ? 0 : NS_A_SECOND;
    if (bench->lag == NOT_GIVEN && bench->qos == 0)
        bench->lag = bench->window != NOT_GIVEN ? bench->window : LAG_QOS0_DEFAULT;
    if (bench->lag == NOT_GIVEN)
        bench->lag = LAG_QUEUED_DEFAULT * subscribers;
    if (bench->window == NOT_GIVEN)
        bench->window = WINDOW_DEFAULT;
}

static bool
is_scenario(const struct bench *bench, const char *name)
{
    return strcmp(bench->scenario, name) == 0;
}

/* The protocol, and what goes with it. */
static void
choose_protocol(struct bench *bench)
{
    static const struct protocol *const protocols[] = { &bench_mqtt, &bench_amqp };

    bench->protocol = protocols[bench->protocol_choice];
    if (bench->dial.port == 0)
        bench->dial.port = bench->protocol->port;
}

static int
check_amqp(struct bench *bench)
{
    bool can_stall = bench->prefetch > 0 && bench->ack_every > bench->prefetch;

    if (bench->qos == 2)
        return complain(&bench->complaint, "AMQP has no QoS 2");
    if (bench->retain)
        return complain(&bench->complaint, "AMQP retains no messages");
    if (bench->exchange != NULL && strlen(bench->exchange) > UINT8_MAX)
        return complain(&bench->complaint, "--exchange: longer than %d bytes", UINT8_MAX);
    if (can_stall)
        return complain(&bench->complaint, "--ack-every: more than --prefetch lets come");
    return 0;
}

static int
check(struct bench *bench)
{
    bool no_messages = bench->messages == 0, declares = is_scenario(bench, "declares");

    if (declares && bench->protocol != &bench_amqp)
        return complain(&bench->complaint, "declares needs --protocol amqp");
    if (declares && no_messages)
        return complain(&bench->complaint, "declares needs a number of queues");
    if (bench->dial.version == DIAL_V31)
        return complain(&bench->complaint, "MQTT 3.1 is not for benchmarks: -V 3.1.1 or 5");
    if (strlen(bench->prefix) == 0 || strlen(bench->prefix) > TOPIC_PREFIX_MAX || strpbrk(bench->prefix, "+#") != NULL)
        return complain(&bench->complaint, "--prefix: not a topic of at most %d bytes", TOPIC_PREFIX_MAX);
    if (is_scenario(bench, "backlog") && (bench->qos == 0 || no_messages || bench->subscribers == 0))
        return complain(&bench->complaint, "backlog needs QoS 1 or 2, a subscriber and a number of messages");
    if (bench->publishers + bench->subscribers > 1000000)
        return complain(&bench->complaint, "more than 1,000,000 connections");
    return bench->protocol == &bench_amqp ? check_amqp(bench) : 0;
}

static void
tell_load(struct bench *bench)
{
    struct result *result = &bench->result;
    bool amqp = bench->protocol == &bench_amqp;

    result_parameter(result, "qos", bench->qos);
    result_parameter(result, "payload_bytes", bench->payload_bytes);
    result_parameter(result, "publishers", bench->publishers);
    result_parameter(result, "subscribers", bench->subscribers);
    result_parameter(result, "topics", bench->topics);
    if (bench->qos > 0)
        result_parameter(result, "window", bench->window);
    if (bench->qos > 0 && amqp)
        result_parameter(result, "prefetch", bench->prefetch);
    if (bench->qos > 0 && amqp)
        result_parameter(result, "ack_every", bench->ack_every);
    if (!is_scenario(bench, "backlog"))
        result_parameter(result, "lag", bench->lag);
    if (bench->rate > 0)
        result_parameter(result, "rate", bench->rate);
}

static void
tell_parameters(struct bench *bench)
{
    struct result *result = &bench->result;

    result->scenario = bench->scenario;
    if (bench->protocol == &bench_mqtt)
        result_parameter(result, "mqtt", bench->dial.version == DIAL_V5 ? 5 : 4);
    if (bench->publishers == 0) {
        result_parameter(result, "connections", bench->connections);
        result_parameter(result, "concurrency", bench->concurrency);
    } else if (is_scenario(bench, "declares")) {
        result_parameter(result, "publishers", bench->publishers);
        result_parameter(result, "window", bench->window);
    } else {
        tell_load(bench);
    }
}

int
bench_settle(struct bench *bench)
{
    choose_protocol(bench);
    int rc = check(bench);
    if (rc < 0)
        return rc;
    fill_in(bench);
    tell_parameters(bench);
    return 0;
}

void
bench_options(struct bench *bench, struct option_group groups[BENCH_OPTION_GROUPS])
{
    const struct option_group all[BENCH_OPTION_GROUPS] = {
        {"Protocol", protocol_rows, COUNT_OF(protocol_rows), bench},
        { "Load",    load_rows,     COUNT_OF(load_rows),     bench},
        { "Length",  length_rows,   COUNT_OF(length_rows),   bench},
        { "Output",  output_rows,   COUNT_OF(output_rows),   bench},
        dial_server_options(&bench->dial),
    };
    memcpy(groups, all, sizeof all);
}
