/* How many matches a second among a million subscriptions, and what a subscription costs.  By hand, never a test:
 *     ninja -C build src/route/route_bench && build/src/route/route_bench [SUBSCRIPTIONS] */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/prng.h"
#include "route/route.h"

enum { SUBSCRIPTIONS_DEFAULT = 1000000, ROUNDS = 2000000, TOPIC_ROOM = 48 };

struct bench {
    struct mem mem;
    struct route *route;
    struct route_row *rows;
    unsigned subscriptions;
    uint64_t hits;
    char (*topics)[TOPIC_ROOM];
};

static double
now_s(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

/* Half exact, half with a wildcard in the middle, some hundred for whole parts of the tree. */
static void
subscribe(struct bench *b)
{
    for (unsigned i = 0; i < b->subscriptions; i++) {
        char filter[TOPIC_ROOM];
        const char *form = i % 10000 == 0 ? "b/%u/#" : i % 2 == 0 ? "b/+/%07u" : "b/%u/%07u";
        if (i % 2 == 0)
            snprintf(filter, sizeof(filter), form, i);
        else
            snprintf(filter, sizeof(filter), form, i % 1000, i);
        must(route_add(b->route, ROUTE_MQTT, view_str(filter), &b->rows[i]) == 0);
    }
}

static void
draw_topics(struct bench *b, unsigned n)
{
    struct prng prng;
    prng_init(&prng, 1);
    for (unsigned i = 0; i < n; i++) {
        unsigned id = (unsigned)prng_below(&prng, b->subscriptions);
        snprintf(b->topics[i], TOPIC_ROOM, "b/%u/%07u", id % 1000, id);
    }
}

/* Publishes to `n` topics in turn. */
static void
measure(struct bench *b, const char *what, unsigned n, unsigned change_every)
{
    struct route_row row = { 0 };
    uint64_t hits_before = b->hits;
    double start = now_s();
    for (unsigned i = 0, t = 0; i < ROUNDS; i++, t = t + 1 == n ? 0 : t + 1) {
        const struct route_hits *hits;
        if (change_every != 0 && i % change_every == 0) {
            char filter[TOPIC_ROOM];
            snprintf(filter, sizeof(filter), "b/%u/x/+", i % 1000);
            route_cut(b->route, &row);
            must(route_add(b->route, ROUTE_MQTT, view_str(filter), &row) == 0);
        }
        must(route_match(b->route, ROUTE_MQTT, view_str(b->topics[t]), &hits) == 0);
        b->hits += hits->count;
    }
    double spent = now_s() - start;
    route_cut(b->route, &row);
    printf("%-44s %10.0f matches/s, %.2f hits each\n", what, ROUNDS / spent, (double)(b->hits - hits_before) / ROUNDS);
}

int
main(int argc, char **argv)
{
    struct bench b = { .subscriptions = SUBSCRIPTIONS_DEFAULT };
    struct mem outside = { 0 };
    if (argc > 1)
        b.subscriptions = (unsigned)strtoul(argv[1], NULL, 10);
    must(b.subscriptions > 0 && route_new(&b.mem, &b.route) == 0);
    b.rows = mem_new(&outside, b.subscriptions * sizeof(*b.rows));
    b.topics = mem_new(&outside, (size_t)ROUNDS * TOPIC_ROOM);
    must(b.rows != NULL && b.topics != NULL);
    double start = now_s();
    subscribe(&b);
    printf("%u subscriptions: %.0f adds/s, %.1f bytes each and %zu in its owner\n", b.subscriptions,
           b.subscriptions / (now_s() - start), (double)b.mem.used_bytes / b.subscriptions, sizeof(*b.rows));
    draw_topics(&b, ROUNDS);
    measure(&b, "each topic new (uncached)", ROUNDS, 0);
    measure(&b, "1 topic (cached)", 1, 0);
    measure(&b, "10,000 topics (cached)", 10000, 0);
    measure(&b, "50,000 topics (cached)", 50000, 0);
    measure(&b, "10,000 topics, a change every 1,000", 10000, 1000);
    measure(&b, "1 topic, a change every 10", 1, 10);
    route_free(b.route);
    mem_free(&outside, b.rows);
    mem_free(&outside, b.topics);
    must(b.mem.used_bytes == 0 && outside.used_bytes == 0);
    return 0;
}
