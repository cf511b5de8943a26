/* cmd/bench_result.h - what a scenario measured, and how it is told. */
#ifndef TAMBO_CMD_BENCH_RESULT_H
#define TAMBO_CMD_BENCH_RESULT_H

#include <stdbool.h>
#include <stdint.h>

struct histogram;

enum { RESULT_ROWS_MAX = 40 };

struct result_row {
    const char *key;  /* in JSON: "received_per_s" */
    const char *unit; /* in the table: "msg/s" */
    double value;
    unsigned decimals;
    bool parameter;
};

/* Zeroed memory is an empty one. */
struct result {
    const char *scenario;
    struct result_row rows[RESULT_ROWS_MAX];
    unsigned count;
};

void result_parameter(struct result *result, const char *key, uint64_t value);
void result_count(struct result *result, const char *key, const char *unit, uint64_t value);
void result_number(struct result *result, const char *key, const char *unit, double value, unsigned decimals);
/* p50_us, p90_us, p99_us, p999_us, max_us. */
void result_latency(struct result *result, const struct histogram *latency_ns);

/* On stdout: a table, or one JSON object on a line:
 * {"scenario":"throughput","parameters":{"publishers":1,...},"received_per_s":1000000,...}.  0 or -ERR_NO_MEMORY. */
void result_print(const struct result *result);
int result_print_json(const struct result *result);

#endif
