/* cmd/bench.h - one run of tambo bench: its options, its loop, its result; shared by the scenarios. */
#ifndef TAMBO_CMD_BENCH_H
#define TAMBO_CMD_BENCH_H

#include "base/mem.h"
#include "cmd/bench_result.h"
#include "cmd/bench_sink.h"
#include "cmd/dial.h"

enum { BENCH_NAME_MAX = 64, BENCH_OPTION_GROUPS = 5 };
enum bench_phase { BENCH_FILL, BENCH_DRAIN, BENCH_BOTH };

struct bench {
    /* Options. */
    struct dial dial;
    uint64_t publishers, subscribers, topics, payload_bytes, qos, window, lag, messages, seconds_ns, warmup_ns,
        grace_ns, rate, connections, hold_ns, concurrency, prefetch, ack_every;
    unsigned style, phase, protocol_choice;
    bool durable, retain, json, progress;
    const char *prefix, *exchange;

    const char *scenario;
    const struct protocol *protocol;
    struct mem mem;
    struct io *io;
    struct io_address address;
    struct io_timer tick;
    void (*on_tick)(void *arg);
    void *tick_arg;
    uint16_t run;              /* told apart from other runs' messages by this */
    char name[BENCH_NAME_MAX]; /* of who says hello */
    bool blamed;               /* exit code 1 */
    bool failed;               /* and the run was cut short */
    struct complaint complaint;
    struct result result;
};

/* A scenario starts and returns; the loop ends by bench_stop() or bench_fail(). */
typedef int scenario_fn(struct bench *bench, void **state);

/* The run failed its test, and goes on to its end.  The first complaint counts. */
void bench_blame(struct bench *bench, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The run cannot go on. */
void bench_fail(struct bench *bench, const char *format, ...) __attribute__((format(printf, 2, 3)));
void bench_stop(struct bench *bench);
/* `fn(arg)` four times a second. */
void bench_every_tick(struct bench *bench, void (*fn)(void *arg), void *arg);
/* A line that overwrites itself, on a terminal or with --progress. */
void bench_progress(struct bench *bench, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "tambo-bench-RUN-ROLE-INDEX" into BENCH_NAME_MAX bytes. */
struct view bench_name(uint16_t run, const char *role, unsigned index, char *ret);
/* A member of that name connects. */
void bench_hello(struct bench *bench, const char *role, unsigned index, bool keep, struct link_hello *ret);
static inline uint8_t
bench_version(const struct bench *bench)
{
    return bench->dial.version == DIAL_V5 ? MQTT_V5 : MQTT_V311;
}
/* This process's processor time so far, in ns. */
uint64_t bench_cpu_ns(void);

/* ---- the options (bench_options.c) ---- */

/* What holds before any is read, but for what the scenario says. */
void bench_preset(struct bench *bench);
void bench_options(struct bench *bench, struct option_group groups[BENCH_OPTION_GROUPS]);
/* What they mean together.  0, or -ERR_INVALID with the complaint. */
int bench_settle(struct bench *bench);

/* ---- the scenarios ---- */

struct flow;
int bench_flow_start(struct bench *bench, struct flow **ret);
void bench_flow_free(struct flow *flow);

struct backlog;
int backlog_start(struct bench *bench, struct backlog **ret);
void backlog_free(struct backlog *backlog);

struct declare;
int declare_start(struct bench *bench, struct declare **ret);
void declare_free(struct declare *declare);

struct idle;
int idle_start(struct bench *bench, struct idle **ret);
void idle_free(struct idle *idle);

#endif
