/* cmd/bench.h - one run of tambo bench: its options, its loop, its result; shared by the scenarios. */
#ifndef TAMBO_CMD_BENCH_H
#define TAMBO_CMD_BENCH_H

#include "base/mem.h"
#include "cmd/bench_result.h"
#include "cmd/bench_sink.h"
#include "cmd/dial.h"

enum bench_phase { BENCH_FILL, BENCH_DRAIN, BENCH_BOTH };

struct bench {
    /* Options. */
    struct dial dial;
    uint64_t publishers, subscribers, topics, payload_bytes, qos, window, lag, messages, seconds_ns, warmup_ns,
        grace_ns, rate, connections, hold_ns, concurrency;
    unsigned style, phase;
    bool durable, retain, json, progress;
    const char *prefix;

    const char *scenario;
    struct mem mem;
    struct io *io;
    struct io_address address;
    struct io_timer tick;
    void (*on_tick)(void *arg);
    void *tick_arg;
    uint16_t run; /* told apart from other runs' messages by this */
    char client_id[64];
    bool blamed; /* exit code 1 */
    bool failed; /* and the run was cut short */
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

/* CONNECT of a member: "tambo-bench-RUN-ROLE-INDEX", with a clean start unless `keep`. */
void bench_connect(struct bench *bench, const char *role, unsigned index, bool keep, struct mqtt_connect *ret);
/* This process's processor time so far, in ns. */
uint64_t bench_cpu_ns(void);

/* ---- the scenarios ---- */

struct flow;
int bench_flow_start(struct bench *bench, struct flow **ret);
void bench_flow_free(struct flow *flow);

struct backlog;
int backlog_start(struct bench *bench, struct backlog **ret);
void backlog_free(struct backlog *backlog);

struct idle;
int idle_start(struct bench *bench, struct idle **ret);
void idle_free(struct idle *idle);

#endif
