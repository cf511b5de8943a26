/* call.c - see call.h. */
#include "call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { TIMES_MAX = 20 * 1000 * 1000, CHECK_EVERY = 64, RECORDS_A_LOOK = 16 };

struct plan {
    const char *role, *endpoint;
    size_t bytes;
    unsigned flight;
    double seconds, warmup_s;
};

void
call_fail(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

int
call_is_udp(const char *endpoint, unsigned *retport)
{
    if (sscanf(endpoint, "tcp://127.0.0.1:%u", retport) == 1)
        return 0;
    if (sscanf(endpoint, "udp://127.0.0.1:%u", retport) == 1)
        return 1;
    call_fail(endpoint, "not an endpoint");
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

/* ---- one after the other ----------------------------------------------------------------------------------- */

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
call_in_turn(const struct plan *plan)
{
    static unsigned char data[CALL_BYTES_MAX];
    struct call_client *client = call_open(plan->endpoint, plan->bytes);
    uint32_t *times = calloc(TIMES_MAX, sizeof *times);
    uint64_t begin = 0, number = 0, before = now_ns(), warm = before + ns_of(plan->warmup_s);
    uint64_t end = warm + ns_of(plan->seconds);
    size_t count = 0;
    double cpu = 0;

    if (times == NULL)
        call_fail("call", "out of memory");
    while (before < end && count < TIMES_MAX) {
        number++;
        memcpy(data, &number, sizeof number);
        call_once(client, data, plan->bytes);
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
}

/* ---- how many in a stretch of time ------------------------------------------------------------------------- */

struct count {
    const struct plan *plan;
    uint64_t warm_ns, begin_ns, end_ns, done;
    unsigned until_look, every;
    double cpu_s;
};

static void
begin_count(struct count *count, const struct plan *plan, unsigned every)
{
    *count = (struct count){ .plan = plan, .every = every, .until_look = every };
    count->warm_ns = now_ns() + ns_of(plan->warmup_s);
}

/* The clock is not read for each.  0: that is enough. */
static int
on_done(void *arg)
{
    struct count *count = arg;

    count->done++;
    if (--count->until_look > 0)
        return 1;
    count->until_look = count->every;
    uint64_t now = now_ns();
    if (count->begin_ns == 0 && now >= count->warm_ns) {
        count->begin_ns = now;
        count->end_ns = now + ns_of(count->plan->seconds);
        count->done = 0;
        count->cpu_s = cpu_s();
    }
    if (count->begin_ns == 0 || now < count->end_ns)
        return 1;
    printf("{\"received\": %llu, \"calls_per_s\": %.0f, \"cpu_s\": %.6f, \"lost\": 0}\n",
           (unsigned long long)count->done, (double)count->done * 1e9 / (double)(now - count->begin_ns),
           cpu_s() - count->cpu_s);
    return 0;
}

static void
pipeline(const struct plan *plan)
{
    struct call_client *client = call_open(plan->endpoint, 0);
    struct count count;

    begin_count(&count, plan, CHECK_EVERY);
    call_pipeline(client, plan->flight, on_done, &count);
}

static void
encode_and_decode(const struct plan *plan)
{
    struct count count;

    begin_count(&count, plan, RECORDS_A_LOOK);
    fprintf(stderr, "%zu bytes\n", call_record());
    do
        call_record();
    while (on_done(&count));
}

static void
serve(const struct plan *plan)
{
    call_serve(plan->endpoint, plan->bytes);
}

/* ---- the command line -------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    void (*play)(const struct plan *plan);
} roles[] = {
    {"serve",     serve            },
    { "call",     call_in_turn     },
    { "pipeline", pipeline         },
    { "xdr",      encode_and_decode},
};

static void
take_option(struct plan *plan, const char *name, const char *value)
{
    if (strcmp(name, "--bytes") == 0)
        plan->bytes = (size_t)atoll(value);
    else if (strcmp(name, "--flight") == 0)
        plan->flight = (unsigned)atoi(value);
    else if (strcmp(name, "--seconds") == 0)
        plan->seconds = atof(value);
    else if (strcmp(name, "--warmup") == 0)
        plan->warmup_s = atof(value);
    else
        call_fail(name, "unknown option");
}

int
main(int argc, char **argv)
{
    struct plan plan = { .flight = 256, .seconds = 3, .warmup_s = 1 };

    if (argc < 3)
        call_fail("usage", "ROLE ENDPOINT [OPTION VALUE]...");
    plan.role = argv[1];
    plan.endpoint = argv[2];
    for (int i = 3; i + 1 < argc; i += 2)
        take_option(&plan, argv[i], argv[i + 1]);
    if ((plan.bytes > 0 && plan.bytes < sizeof(uint64_t)) || plan.bytes > CALL_BYTES_MAX || plan.flight < 1 ||
        plan.flight > CALL_FLIGHT_MAX)
        call_fail("usage", "--bytes or --flight out of range");
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        if (strcmp(roles[i].name, plan.role) == 0) {
            roles[i].play(&plan);
            return 0;
        }
    }
    call_fail(plan.role, "unknown role");
}
