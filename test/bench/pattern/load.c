/* load.c - see load.h. */
#include "load.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { HEAD_BYTES = 16, TIMES_MAX = 20 * 1000 * 1000, PREFIXES = 10, CHECK_EVERY = 64 };

struct plan {
    const char *role, *endpoint;
    size_t bytes;
    double seconds, warmup_s;
    unsigned sockets;
    int cores[2]; /* -1: any */
};

/* What every message begins with: a subscriber's prefix, and a number for its place. */
struct head {
    char prefix;
    char pad[7];
    uint64_t number;
};

void
load_fail(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

static uint64_t
now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static double
cpu_s(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static uint64_t
ns_of(double seconds)
{
    return (uint64_t)(seconds * 1e9);
}

/* ---- one way: what comes in a stretch of time -------------------------------------------------------------- */

/* The first message begins the warm-up; then counting begins. */
struct count {
    const struct plan *plan;
    uint64_t begin_ns, end_ns, received, flaws;
    uint64_t next[LOAD_SOCKETS_MAX];
    unsigned until_look;
    double cpu_s;
    int counting;
};

static void
begin_counting(struct count *count, uint64_t now)
{
    count->counting = 1;
    count->begin_ns = now;
    count->end_ns = now + ns_of(count->plan->seconds);
    count->received = 0;
    count->cpu_s = cpu_s();
}

static void
end_counting(const struct count *count, uint64_t now)
{
    double seconds = (double)(now - count->begin_ns) / 1e9;

    printf("{\"received\": %llu, \"received_per_s\": %.0f, \"bytes_per_s\": %.0f, \"cpu_s\": %.6f, \"lost\": %llu}\n",
           (unsigned long long)count->received, (double)count->received / seconds,
           (double)count->received * (double)count->plan->bytes / seconds, cpu_s() - count->cpu_s,
           (unsigned long long)count->flaws);
    exit(0);
}

/* The clock is not read for each message. */
static void
look_at_clock(struct count *count)
{
    uint64_t now = now_ns();

    count->until_look = CHECK_EVERY;
    if (count->begin_ns == 0)
        count->begin_ns = now;
    else if (!count->counting && now - count->begin_ns >= ns_of(count->plan->warmup_s))
        begin_counting(count, now);
    else if (count->counting && now >= count->end_ns)
        end_counting(count, now);
}

static void
on_message(void *arg, unsigned socket, const void *bytes, size_t len)
{
    struct count *count = arg;
    struct head head;

    memcpy(&head, bytes, sizeof head);
    if (len != count->plan->bytes || (count->next[socket] != 0 && head.number < count->next[socket]))
        load_fail("received", "a message that was not sent, or out of order");
    if (count->plan->sockets == 1 && count->next[socket] != 0)
        count->flaws += head.number - count->next[socket];
    count->next[socket] = head.number + 1;
    count->received++;
    if (count->until_look-- == 0)
        look_at_clock(count);
}

static void
pull(const struct plan *plan)
{
    static struct count count;
    struct load_socket *socket = load_open(LOAD_PULL, plan->endpoint, "", plan->bytes);
    unsigned char head[LOAD_COPY_MAX];

    count.plan = plan;
    for (;;) {
        size_t len = load_recv(socket, head, sizeof head);
        on_message(&count, 0, head, len);
    }
}

static void
push(const struct plan *plan)
{
    struct load_socket *socket = load_open(LOAD_PUSH, plan->endpoint, "", plan->bytes);
    struct head head = { .prefix = '0' };

    for (;; head.number++)
        load_send(socket, &head, sizeof head, plan->bytes);
}

static void
subscribe(const struct plan *plan)
{
    static struct count count;
    static struct load_socket *sockets[LOAD_SOCKETS_MAX];

    count.plan = plan;
    for (unsigned i = 0; i < plan->sockets; i++) {
        char prefix[2] = { (char)('0' + i % PREFIXES) };
        sockets[i] = load_open(LOAD_SUB, plan->endpoint, prefix, plan->bytes);
    }
    for (;;)
        load_recv_any(sockets, plan->sockets, on_message, &count);
}

static void
publish(const struct plan *plan)
{
    struct load_socket *socket = load_open(LOAD_PUB, plan->endpoint, "", plan->bytes);
    struct head head = { .number = 0 };

    load_await_subscribers(socket, plan->sockets);
    for (;; head.number++) {
        head.prefix = (char)('0' + head.number % PREFIXES);
        load_send(socket, &head, sizeof head, plan->bytes);
    }
}

/* ---- there and back ----------------------------------------------------------------------------------------- */

static void
pin(int core)
{
    cpu_set_t set;

    if (core < 0)
        return;
    CPU_ZERO(&set);
    CPU_SET((size_t)core, &set);
    pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

static void
reply(const struct plan *plan)
{
    struct load_socket *socket = load_open(LOAD_REP, plan->endpoint, "", plan->bytes);
    unsigned char head[LOAD_COPY_MAX];

    for (;;) {
        size_t len = load_recv(socket, head, sizeof head);
        load_send(socket, head, len < sizeof head ? len : sizeof head, len);
    }
}

static int
compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void
tell_times(uint32_t *times, size_t count, double seconds, double cpu)
{
    qsort(times, count, sizeof *times, compare);
    printf("{\"received\": %zu, \"mean_us\": %.3f, \"p50_us\": %.3f, \"p99_us\": %.3f, \"cpu_s\": %.6f, \"lost\": 0}\n",
           count, seconds * 1e6 / (double)count, times[count / 2] / 1e3, times[count * 99 / 100] / 1e3, cpu);
}

static void
request(const struct plan *plan)
{
    struct load_socket *socket = load_open(LOAD_REQ, plan->endpoint, "", plan->bytes);
    uint32_t *times = calloc(TIMES_MAX, sizeof *times);
    struct head head = { .prefix = '0' }, back;
    size_t count = 0;
    uint64_t begin = 0, before = now_ns(), warm = before + ns_of(plan->warmup_s), end = warm + ns_of(plan->seconds);
    double cpu = 0;

    if (times == NULL)
        load_fail("request", "out of memory");
    while (before < end && count < TIMES_MAX) {
        head.number++;
        load_send(socket, &head, sizeof head, plan->bytes);
        if (load_recv(socket, &back, sizeof back) != plan->bytes || back.number != head.number)
            load_fail("request", "a reply to another");
        uint64_t now = now_ns();
        if (begin != 0)
            times[count++] = (uint32_t)(now - before);
        else if (now >= warm) {
            begin = now;
            cpu = cpu_s();
        }
        before = now;
    }
    tell_times(times, count, (double)(before - begin) / 1e9, cpu_s() - cpu);
    exit(0);
}

static void *
reply_in_thread(void *arg)
{
    const struct plan *plan = arg;

    pin(plan->cores[1]);
    reply(plan);
    return NULL;
}

static void
request_inproc(const struct plan *plan)
{
    pthread_t thread;

    pin(plan->cores[0]);
    if (pthread_create(&thread, NULL, reply_in_thread, (void *)(uintptr_t)plan) != 0)
        load_fail("inproc", "no thread");
    request(plan);
}

static void
idle(const struct plan *plan)
{
    unsigned char head[LOAD_COPY_MAX];
    struct load_socket *socket = load_open(LOAD_PULL, plan->endpoint, "", plan->bytes);

    for (;;)
        load_recv(socket, head, sizeof head);
}

/* ---- the command line --------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    void (*play)(const struct plan *plan);
} roles[] = {
    {"req",     request       },
    { "rep",    reply         },
    { "inproc", request_inproc},
    { "push",   push          },
    { "pull",   pull          },
    { "pub",    publish       },
    { "sub",    subscribe     },
    { "idle",   idle          },
};

static void
take_option(struct plan *plan, const char *name, const char *value)
{
    if (strcmp(name, "--bytes") == 0)
        plan->bytes = (size_t)atoll(value);
    else if (strcmp(name, "--seconds") == 0)
        plan->seconds = atof(value);
    else if (strcmp(name, "--warmup") == 0)
        plan->warmup_s = atof(value);
    else if (strcmp(name, "--sockets") == 0)
        plan->sockets = (unsigned)atoi(value);
    else if (strcmp(name, "--cores") == 0 && sscanf(value, "%d,%d", &plan->cores[0], &plan->cores[1]) == 2)
        return;
    else
        load_fail(name, "unknown option");
}

int
main(int argc, char **argv)
{
    struct plan plan = {
        .bytes = 64, .seconds = 3, .warmup_s = 1, .sockets = 1, .cores = {-1, -1}
    };

    if (argc < 3)
        load_fail("usage", "ROLE ENDPOINT [OPTION VALUE]...");
    plan.role = argv[1];
    plan.endpoint = argv[2];
    for (int i = 3; i + 1 < argc; i += 2)
        take_option(&plan, argv[i], argv[i + 1]);
    if (plan.bytes < HEAD_BYTES || plan.sockets < 1 || plan.sockets > LOAD_SOCKETS_MAX)
        load_fail("usage", "--bytes or --sockets out of range");
    load_begin();
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        if (strcmp(roles[i].name, plan.role) == 0)
            roles[i].play(&plan);
    }
    load_fail(plan.role, "unknown role");
}
