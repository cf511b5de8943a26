/* cmd/bench_plan.c - see bench_plan.h. */
#include "cmd/bench_plan.h"

static struct plan_share
share(unsigned topics, unsigned parties, unsigned party)
{
    if (topics < parties)
        return (struct plan_share){ .first = party % topics, .stride = 1, .count = 1 };
    return (struct plan_share){ .first = party, .stride = parties, .count = (topics - party + parties - 1) / parties };
}

struct plan_share
plan_published(const struct bench_plan *plan, unsigned publisher)
{
    return share(plan->topics, plan->publishers, publisher);
}

struct plan_share
plan_subscribed(const struct bench_plan *plan, unsigned subscriber)
{
    if (plan->every)
        return (struct plan_share){ .first = 0, .stride = 1, .count = plan->topics };
    return share(plan->topics, plan->subscribers, subscriber);
}

unsigned
plan_takers(const struct bench_plan *plan, unsigned topic)
{
    if (plan->every || plan->subscribers == 0)
        return plan->subscribers;
    if (plan->topics >= plan->subscribers)
        return 1;
    return plan->subscribers / plan->topics + (topic < plan->subscribers % plan->topics);
}

struct plan_slots
plan_slots(const struct bench_plan *plan)
{
    bool own =
        !plan->every && plan->subscribers > 0 && plan->topics >= plan->subscribers && plan->topics >= plan->publishers;
    unsigned stride = own ? plan->subscribers : 1;
    unsigned flows = plan->topics >= plan->publishers ? plan->topics : plan->publishers;

    return (struct plan_slots){ .stride = stride, .count = (flows + stride - 1) / stride };
}
