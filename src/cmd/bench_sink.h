/* cmd/bench_sink.h - a subscriber of the load generator: takes PUBLISH frames apart where they lie, checks their
 * stamps, acknowledges them. */
#ifndef TAMBO_CMD_BENCH_SINK_H
#define TAMBO_CMD_BENCH_SINK_H

#include "cmd/bench_check.h"
#include "cmd/bench_link.h"
#include "cmd/bench_plan.h"
#include "cmd/bench_source.h"
#include "cmd/histogram.h"

enum filter_style {
    FILTER_EXACT, /* bench/t/0042 */
    FILTER_PLUS,  /* bench/+/0042 */
    FILTER_HASH,  /* bench/#: every topic */
};

struct sink_settings {
    struct mem *mem;
    uint8_t version, qos;
    uint16_t run;
    const struct bench_plan *plan;
    struct plan_share share;
    struct topic_form form;
    enum filter_style style;
    struct histogram *latency; /* NULL: not wanted */
    uint64_t *unique_total;    /* counted on, over all sinks: messages, without duplicates */
};

struct sink {
    struct link link;
    struct sink_settings settings;
    struct plan_slots slots;
    size_t topic_bytes;
    struct check check;
    uint64_t foreign;        /* not of this run */
    unsigned asked, granted; /* filters */
    unsigned packets_out;    /* SUBSCRIBEs without an answer */
};

/* 0 or -ERR_NO_MEMORY. */
int sink_init(struct sink *sink, const struct sink_settings *settings);
void sink_fini(struct sink *sink);
/* Sends as many SUBSCRIBEs as may be open at once.  0 or -ERR_NO_MEMORY. */
int sink_subscribe(struct sink *sink);
/* Has the server granted all of them? */
bool sink_is_subscribed(const struct sink *sink);
/* A frame from the server. */
void sink_take(struct sink *sink, struct view frame);

#endif
