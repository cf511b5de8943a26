/* cmd/bench_check.h - did every message come once and in order?
 *
 * A flow is what one publisher puts on one topic, numbered from 0.  A checker watches one subscriber's flows.  It
 * remembers which of the last 64 numbers of a flow have come: within them a late message and a duplicate are told apart
 * exactly; beyond them a message counts as late while some of its flow are missing, else as a duplicate. */
#ifndef TAMBO_CMD_BENCH_CHECK_H
#define TAMBO_CMD_BENCH_CHECK_H

#include <stdint.h>

struct mem;

struct check_flow {
    uint64_t seen; /* bit i: number next - 1 - i has come */
    uint32_t next, missing;
};

struct check {
    struct mem *mem;
    struct check_flow *flows;
    unsigned flow_count;
    uint64_t unique, duplicated, misordered;
};

/* 0 or -ERR_NO_MEMORY. */
int check_init(struct check *check, struct mem *mem, unsigned flow_count);
void check_fini(struct check *check);
/* flow < flow_count. */
void check_take(struct check *check, unsigned flow, uint64_t number);

#endif
