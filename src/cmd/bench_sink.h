/* cmd/bench_sink.h - a subscriber of the load generator: messages are taken apart where they lie, their stamps checked,
 * and acknowledged. */
#ifndef TAMBO_CMD_BENCH_SINK_H
#define TAMBO_CMD_BENCH_SINK_H

#include "cmd/bench_check.h"
#include "cmd/bench_link.h"
#include "cmd/bench_plan.h"
#include "cmd/bench_source.h"
#include "cmd/histogram.h"

enum filter_style {
    FILTER_EXACT, /* bench/t/0042 */
    FILTER_PLUS,  /* bench/+/0042, with AMQP bench.*.0042 */
    FILTER_HASH,  /* bench/#: every topic */
};

struct sink_settings {
    struct mem *mem;
    const struct protocol *protocol;
    const char *exchange;         /* of AMQP, as the next three are */
    unsigned prefetch, ack_every; /* messages: not acknowledged; acknowledged together */
    bool durable;                 /* its queue */
    uint8_t version, qos;
    uint16_t run;
    unsigned index;
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
    struct check check;
    uint64_t foreign;        /* not of this run */
    unsigned asked, granted; /* filters */
    unsigned requests_out;   /* without an answer */

    /* Of AMQP: the delivery whose frames come. */
    uint64_t tag, acked;
    uint64_t body_bytes, body_left;
};

/* 0 or -ERR_NO_MEMORY. */
int sink_init(struct sink *sink, const struct sink_settings *settings);
void sink_fini(struct sink *sink);
/* Has the server granted all of its filters? */
bool sink_is_subscribed(const struct sink *sink);

/* ---- for protocols ---- */

unsigned sink_filter_count(const struct sink *sink);
/* The one to be asked for next, or the `nth` after that.  `ret` has TOPIC_ROOM bytes. */
struct view sink_filter(const struct sink *sink, unsigned nth, char *ret);
/* The payload of a message, or as much of its beginning as has a stamp. */
void sink_count(struct sink *sink, struct view payload);

#endif
