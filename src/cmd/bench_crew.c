/* cmd/bench_crew.c - see bench_crew.h. */
#include "cmd/bench_crew.h"

#include "base/err.h"
#include "base/must.h"

/* How many messages one source puts before the next one's turn. */
enum { CHUNK_MESSAGES = 512 };

static struct link *
link_of(const struct member *member)
{
    struct crew *crew = member->crew;
    return member->is_sink ? &crew->sinks[member->index].link : &crew->sources[member->index].link;
}

static void
finish(struct crew *crew)
{
    io_fn *then = crew->then;
    crew->then = NULL;
    if (then != NULL)
        then(crew->arg);
}

/* ---- what the links tell ---------------------------------------------------------------------------------- */

static void dial_on(struct crew *crew);

static void
on_greet(void *arg, struct link_hello *ret)
{
    const struct member *member = arg;
    bench_hello(member->crew->bench, member->is_sink ? "s" : "p", member->index, member->is_sink && member->crew->keep,
                ret);
}

static void
on_opened(void *arg)
{
    struct member *member = arg;
    struct crew *crew = member->crew;
    const struct protocol *protocol = crew->bench->protocol;

    if (!member->is_sink && protocol->prepare != NULL && protocol->prepare(&crew->sources[member->index]) < 0)
        bench_fail(crew->bench, "no memory to publish");
    crew->opening--;
    crew->open++;
    if (crew->open == crew->wanted)
        finish(crew);
    else
        dial_on(crew);
}

static void
on_frame(void *arg, struct view frame)
{
    struct member *member = arg;
    struct crew *crew = member->crew;
    const struct protocol *protocol = crew->bench->protocol;

    if (!member->is_sink) {
        protocol->take_ack(&crew->sources[member->index], frame);
        return;
    }
    struct sink *sink = &crew->sinks[member->index];
    bool was_subscribed = sink_is_subscribed(sink);
    protocol->take(sink, frame);
    if (!was_subscribed && sink_is_subscribed(sink) && --crew->wanted == 0)
        finish(crew);
}

static void
on_closed(void *arg, const char *why)
{
    struct member *member = arg;
    struct crew *crew = member->crew;

    crew->open--;
    if (why != NULL)
        bench_fail(crew->bench, "%s %u: %s", member->is_sink ? "subscriber" : "publisher", member->index, why);
    else if (crew->open == 0)
        finish(crew);
}

static const struct link_on link_on = {
    .greet = on_greet,
    .opened = on_opened,
    .frame = on_frame,
    .closed = on_closed,
};

/* ---- together --------------------------------------------------------------------------------------------- */

/* Keeps `concurrency` connections in the making. */
static void
dial_on(struct crew *crew)
{
    while (crew->next < crew->end && crew->opening < crew->bench->concurrency && !crew->bench->failed) {
        struct member *member = &crew->members[crew->next++];
        int rc =
            link_open(link_of(member), crew->bench->io, &crew->bench->address, crew->bench->protocol, &link_on, member);
        if (rc < 0)
            bench_fail(crew->bench, "cannot connect: %s", err_text(rc));
        crew->opening++;
    }
}

void
crew_open(struct crew *crew, enum crew_part part, io_fn *then, void *arg)
{
    unsigned sinks = crew->plan.subscribers;

    crew->then = then;
    crew->arg = arg;
    crew->closing = false;
    crew->next = part & CREW_SINKS ? 0 : sinks;
    crew->end = part & CREW_SOURCES ? crew->member_count : sinks;
    crew->wanted = crew->open + crew->end - crew->next;
    if (crew->wanted == crew->open)
        finish(crew);
    else
        dial_on(crew);
}

void
crew_subscribe(struct crew *crew, io_fn *then, void *arg)
{
    crew->then = then;
    crew->arg = arg;
    crew->wanted = crew->plan.subscribers;
    if (crew->wanted == 0)
        finish(crew);
    for (unsigned i = 0; i < crew->plan.subscribers; i++) {
        if (crew->bench->protocol->subscribe(&crew->sinks[i]) < 0)
            bench_fail(crew->bench, "no memory to subscribe");
    }
}

void
crew_consume(struct crew *crew)
{
    const struct protocol *protocol = crew->bench->protocol;

    for (unsigned i = 0; i < crew->plan.subscribers && protocol->consume != NULL; i++) {
        if (protocol->consume(&crew->sinks[i]) < 0)
            bench_fail(crew->bench, "no memory to consume");
    }
}

static void
leave(struct member *member)
{
    struct crew *crew = member->crew;
    struct link *link = link_of(member);

    if (!link->is_open)
        return;
    if (member->is_sink && crew->bench->protocol->leave != NULL)
        crew->bench->protocol->leave(&crew->sinks[member->index], crew->keep);
    link_close(link);
}

void
crew_close(struct crew *crew, io_fn *then, void *arg)
{
    crew->then = then;
    crew->arg = arg;
    crew->closing = true;
    if (crew->open == 0)
        finish(crew);
    for (unsigned i = 0; i < crew->member_count; i++)
        leave(&crew->members[i]);
}

bool
crew_is_settled(const struct crew *crew)
{
    for (unsigned i = 0; i < crew->plan.publishers; i++) {
        if (!source_is_settled(&crew->sources[i]))
            return false;
    }
    return true;
}

/* ---- sending ---------------------------------------------------------------------------------------------- */

static uint64_t
least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* One source's turn.  Where topics have different numbers of takers, message by message. */
static uint64_t
send_chunk(struct crew *crew, struct source *source, uint64_t messages, uint64_t deliveries, uint64_t now_ns,
           uint64_t *retdue)
{
    const struct bench_plan *plan = &crew->plan;
    unsigned takers = plan_takers(plan, source_topic(source));
    bool even = plan->every || plan->topics >= plan->subscribers || plan->subscribers % plan->topics == 0;
    uint64_t n = least(least(messages, source_room(source)), even ? CHUNK_MESSAGES : 1);

    if (takers > 0)
        n = least(n, deliveries / takers + (deliveries % takers != 0));
    n = n == 0 ? 0 : source_send(source, n, now_ns);
    *retdue = n * takers;
    return n;
}

uint64_t
crew_send(struct crew *crew, uint64_t messages, uint64_t deliveries, uint64_t now_ns, uint64_t *retdue)
{
    uint64_t sent = 0, due = 0;
    unsigned idle = 0;

    while (sent < messages && due < deliveries && idle < crew->plan.publishers) {
        struct source *source = &crew->sources[crew->turn++ % crew->plan.publishers];
        uint64_t chunk_due, n = send_chunk(crew, source, messages - sent, deliveries - due, now_ns, &chunk_due);
        idle = n == 0 ? idle + 1 : 0;
        sent += n;
        due += chunk_due;
    }
    *retdue = due;
    return sent;
}

/* ---- beginning and end ------------------------------------------------------------------------------------ */

static struct sink_settings
sink_settings(struct crew *crew, unsigned index, struct histogram *latency)
{
    struct bench *bench = crew->bench;

    return (struct sink_settings){
        .mem = &bench->mem,
        .protocol = bench->protocol,
        .exchange = bench->exchange,
        .prefetch = (unsigned)bench->prefetch,
        .ack_every = (unsigned)bench->ack_every,
        .durable = crew->keep,
        .version = bench_version(bench),
        .qos = (uint8_t)bench->qos,
        .run = bench->run,
        .index = index,
        .plan = &crew->plan,
        .share = plan_subscribed(&crew->plan, index),
        .form = topic_form_of(bench->prefix, bench->protocol->separator, crew->plan.topics),
        .style = bench->style,
        .latency = latency,
        .unique_total = &crew->unique,
    };
}

static struct source_settings
source_settings(struct crew *crew, unsigned index)
{
    struct bench *bench = crew->bench;

    return (struct source_settings){
        .mem = &bench->mem,
        .protocol = bench->protocol,
        .exchange = bench->exchange,
        .version = bench_version(bench),
        .qos = (uint8_t)bench->qos,
        .confirm = bench->qos > 0 ? &crew->confirm : NULL,
        .retain = bench->retain,
        .run = bench->run,
        .publisher = (uint16_t)index,
        .window = (unsigned)bench->window,
        .payload_bytes = bench->payload_bytes,
        .form = topic_form_of(bench->prefix, bench->protocol->separator, crew->plan.topics),
        .share = plan_published(&crew->plan, index),
    };
}

static int
make_members(struct crew *crew, struct histogram *latency)
{
    unsigned sinks = crew->plan.subscribers, sources = crew->plan.publishers;

    for (unsigned i = 0; i < crew->member_count; i++)
        crew->members[i] = (struct member){ crew, i < sinks ? i : i - sinks, i < sinks };
    while (crew->sinks_made < sinks) {
        struct sink_settings settings = sink_settings(crew, crew->sinks_made, latency);
        int rc = sink_init(&crew->sinks[crew->sinks_made++], &settings);
        if (rc < 0)
            return rc;
    }
    while (crew->sources_made < sources) {
        struct source_settings settings = source_settings(crew, crew->sources_made);
        int rc = source_init(&crew->sources[crew->sources_made++], &settings);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int
crew_init(struct crew *crew, struct bench *bench, bool keep, struct histogram *latency)
{
    *crew = (struct crew){ .bench = bench, .keep = keep };
    crew->plan = (struct bench_plan){
        .publishers = (unsigned)bench->publishers,
        .subscribers = (unsigned)bench->subscribers,
        .topics = (unsigned)bench->topics,
        .every = bench->style == FILTER_HASH,
    };
    crew->member_count = crew->plan.publishers + crew->plan.subscribers;
    crew->sinks = mem_new(&bench->mem, (crew->plan.subscribers + 1) * sizeof *crew->sinks);
    crew->sources = mem_new(&bench->mem, crew->plan.publishers * sizeof *crew->sources);
    crew->members = mem_new(&bench->mem, crew->member_count * sizeof *crew->members);
    if (crew->sinks == NULL || crew->sources == NULL || crew->members == NULL)
        return -ERR_NO_MEMORY;
    return make_members(crew, latency);
}

void
crew_fini(struct crew *crew)
{
    struct mem *mem = &crew->bench->mem;

    for (unsigned i = 0; i < crew->sinks_made; i++)
        sink_fini(&crew->sinks[i]);
    for (unsigned i = 0; i < crew->sources_made; i++)
        source_fini(&crew->sources[i]);
    mem_free(mem, crew->sinks);
    mem_free(mem, crew->sources);
    mem_free(mem, crew->members);
}

void
crew_tell_confirms(struct crew *crew)
{
    struct result *result = &crew->bench->result;

    if (crew->bench->qos == 0)
        return;
    result_number(result, "confirm_p50_us", "us", (double)histogram_at(&crew->confirm, 500000) / 1e3, 1);
    result_number(result, "confirm_p99_us", "us", (double)histogram_at(&crew->confirm, 990000) / 1e3, 1);
}

/* ---- the verdict ------------------------------------------------------------------------------------------ */

/* What each QoS of MQTT forbids (MQTT 5, 4.3 and 4.6): loss but for QoS 0, duplicates but for QoS 1, disorder always.
 * AMQP's queues keep what was not persistent too, and send nothing twice while connections last. */
static const struct promise {
    bool loss, duplicates, disorder;
} forbidden[] = {
    {.duplicates = true, .disorder = true},
    {            .loss = true,  .disorder = true               },
    { .loss = true,  .duplicates = true,                 .disorder = true },
};

static void
judge(struct bench *bench, const char *what, uint64_t count, bool is_forbidden)
{
    if (count > 0 && is_forbidden)
        bench_blame(bench, "%llu messages %s, which QoS %llu of %s forbids", (unsigned long long)count, what,
                    (unsigned long long)bench->qos, bench->protocol->name);
}

void
crew_verdict(struct crew *crew, uint64_t expected)
{
    struct bench *bench = crew->bench;
    uint64_t duplicated = 0, misordered = 0, foreign = 0, refused = 0;
    uint64_t lost = expected > crew->unique ? expected - crew->unique : 0;
    const struct promise *promise = &forbidden[bench->protocol->forgets ? bench->qos : 2];

    for (unsigned i = 0; i < crew->plan.subscribers; i++) {
        duplicated += crew->sinks[i].check.duplicated;
        misordered += crew->sinks[i].check.misordered;
        foreign += crew->sinks[i].foreign;
    }
    for (unsigned i = 0; i < crew->plan.publishers; i++)
        refused += crew->sources[i].refused;
    result_count(&bench->result, "lost", "", lost);
    result_count(&bench->result, "duplicated", "", duplicated);
    result_count(&bench->result, "misordered", "", misordered);
    result_count(&bench->result, "foreign", "", foreign);
    result_count(&bench->result, "refused", "", refused);
    judge(bench, "lost", lost, promise->loss);
    judge(bench, "duplicated", duplicated, promise->duplicates);
    judge(bench, "out of order", misordered, promise->disorder);
    if (refused > 0)
        bench_blame(bench, "%llu messages refused by the server", (unsigned long long)refused);
}
