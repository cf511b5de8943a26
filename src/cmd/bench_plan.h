/* cmd/bench_plan.h - who publishes on which topics and who gets them.
 *
 * Topics are numbered.  With at least as many topics as publishers, publisher p owns topics p, p+P, p+2P... and goes
 * round them; with fewer, it keeps to topic p mod T.  Subscribers share the topics in the same way, or each takes
 * `every` one.  A flow (one publisher on one topic) is numbered by whichever of the two there are more of. */
#ifndef TAMBO_CMD_BENCH_PLAN_H
#define TAMBO_CMD_BENCH_PLAN_H

#include <stdbool.h>

struct bench_plan {
    unsigned publishers, subscribers, topics;
    bool every;
};

/* The topics of one party: first, first + stride, ... (count of them). */
struct plan_share {
    unsigned first, stride, count;
};
struct plan_share plan_published(const struct bench_plan *plan, unsigned publisher);
struct plan_share plan_subscribed(const struct bench_plan *plan, unsigned subscriber);
/* How many subscribers get a message on this topic. */
unsigned plan_takers(const struct bench_plan *plan, unsigned topic);

/* A subscriber's flows are numbered densely, for its checker. */
struct plan_slots {
    unsigned stride, count;
};
struct plan_slots plan_slots(const struct bench_plan *plan);
static inline unsigned
plan_slot(const struct bench_plan *plan, struct plan_slots slots, unsigned topic, unsigned publisher)
{
    unsigned flow = plan->topics >= plan->publishers ? topic : publisher;
    return slots.stride == 1 ? flow : flow / slots.stride;
}

#endif
