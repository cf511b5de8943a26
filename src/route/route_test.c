/* The trie and its searches against a list of filters that is asked one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/prng.h"
#include "route/cache.h"
#include "route/route.h"

/* ---- an oracle -------------------------------------------------------------------------------------------- */

enum { SUBS_MAX = 200, NAME_BYTES_MAX = 48 };

struct sub {
    struct route_row row;
    enum route_syntax syntax;
    char filter[NAME_BYTES_MAX];
    bool in, found;
};

struct house {
    struct mem mem;
    struct route *route;
    struct prng prng;
    struct sub subs[SUBS_MAX];
};

static void
house_open(struct house *h, uint64_t seed)
{
    *h = (struct house){ 0 };
    prng_init(&h->prng, seed);
    assert_int_equal(route_new(&h->mem, &h->route), 0);
}

static void
house_close(struct house *h)
{
    route_free(h->route);
    assert_int_equal(h->mem.used_bytes, 0);
}

static void
house_add(struct house *h, struct sub *sub, enum route_syntax syntax, const char *filter)
{
    sub->syntax = syntax;
    snprintf(sub->filter, sizeof(sub->filter), "%s", filter);
    assert_int_equal(route_add(h->route, syntax, view_str(sub->filter), &sub->row), 0);
    sub->in = true;
}

static void
house_cut(struct house *h, struct sub *sub)
{
    route_cut(h->route, &sub->row);
    sub->in = false;
}

/* The same levels, written in `to`. */
static void
translate(const char *from, enum route_syntax syntax, enum route_syntax to, char ret[static NAME_BYTES_MAX])
{
    static const char separators[] = { [ROUTE_MQTT] = '/', [ROUTE_AMQP] = '.', [ROUTE_TOPICS_AMQP] = '/' };
    snprintf(ret, NAME_BYTES_MAX, "%s", from);
    for (char *c = ret; *c != '\0'; c++)
        if (*c == separators[syntax])
            *c = separators[to];
}

static void
mark_hits(const struct route_hits *hits)
{
    for (uint32_t i = 0; i < hits->count; i++) {
        struct sub *sub = container_of(hits->rows[i], struct sub, row);
        assert_true(sub->in);
        assert_false(sub->found); /* each once */
        sub->found = true;
    }
}

static void
check_match(struct house *h, enum route_syntax syntax, const char *topic)
{
    const struct route_hits *hits;
    assert_int_equal(route_match(h->route, syntax, view_str(topic), &hits), 0);
    mark_hits(hits);
    for (size_t i = 0; i < SUBS_MAX; i++) {
        struct sub *sub = &h->subs[i];
        char text[NAME_BYTES_MAX];
        translate(topic, syntax, sub->syntax, text);
        bool want = sub->in && route_matches(sub->syntax, view_str(sub->filter), view_str(text));
        if (want != sub->found)
            fail_msg("'%s' and '%s': %d", sub->filter, topic, sub->found);
        sub->found = false;
    }
}

/* A name out of few levels, so that much of it meets. */
static void
random_name(struct prng *prng, enum route_syntax syntax, bool wild, char ret[static NAME_BYTES_MAX])
{
    static const char *const plain[] = { "a", "b", "c", "", "$x", "dd" };
    uint64_t levels = 1 + prng_below(prng, 5);
    char *at = ret;
    *at = '\0';
    for (uint64_t i = 0; i < levels; i++) {
        const char *level = plain[prng_below(prng, sizeof(plain) / sizeof(plain[0]))];
        if (wild && prng_once_in(prng, 3))
            level = syntax == ROUTE_MQTT ? "+" : "*";
        else if (wild && prng_once_in(prng, 5) && (syntax != ROUTE_MQTT || i + 1 == levels))
            level = "#";
        else if (prng_once_in(prng, 30))
            level = syntax == ROUTE_MQTT ? "*" : "+"; /* text here, a wildcard in the other syntax */
        const char *separator = i == 0 ? "" : syntax == ROUTE_AMQP ? "." : "/";
        at += snprintf(at, NAME_BYTES_MAX - (size_t)(at - ret), "%s%s", separator, level);
    }
    if (syntax == ROUTE_MQTT && ret[0] == '\0')
        memcpy(ret, "a", 2);
}

static enum route_syntax
random_syntax(struct prng *prng)
{
    return (enum route_syntax)prng_below(prng, 3);
}

/* One subscriber comes, or goes. */
static void
random_change(struct house *h)
{
    struct sub *sub = &h->subs[prng_below(&h->prng, SUBS_MAX)];
    char filter[NAME_BYTES_MAX];
    if (sub->in) {
        house_cut(h, sub);
        return;
    }
    enum route_syntax syntax = random_syntax(&h->prng);
    random_name(&h->prng, syntax, !prng_once_in(&h->prng, 4), filter);
    house_add(h, sub, syntax, filter);
}

/* ---- matching --------------------------------------------------------------------------------------------- */

static void
random_rows_match_as_defined(void **state)
{
    (void)state;
    static struct house h;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        house_open(&h, seed);
        for (unsigned i = 0; i < 6000; i++) {
            char topic[NAME_BYTES_MAX];
            enum route_syntax syntax = random_syntax(&h.prng);
            if (prng_once_in(&h.prng, 3))
                random_change(&h);
            random_name(&h.prng, syntax, false, topic);
            check_match(&h, syntax, topic);
            check_match(&h, syntax, topic); /* out of the cache */
        }
        house_close(&h);
    }
}

/* One filter for both, whichever protocol it was written in. */
static void
syntaxes_share_rows(void **state)
{
    (void)state;
    static struct house h;
    const struct route_hits *hits;
    struct route_stats stats;
    house_open(&h, 1);
    house_add(&h, &h.subs[0], ROUTE_MQTT, "a/+/c");
    house_add(&h, &h.subs[1], ROUTE_AMQP, "a.*.c");
    route_stats(h.route, &stats);
    assert_int_equal(stats.nodes, 3);
    assert_int_equal(stats.rows, 2);
    assert_int_equal(route_match(h.route, ROUTE_AMQP, view_str("a.b.c"), &hits), 0);
    assert_int_equal(hits->count, 2);
    assert_int_equal(route_match(h.route, ROUTE_MQTT, view_str("a/b/c"), &hits), 0);
    assert_int_equal(hits->count, 2);
    assert_int_equal(route_match(h.route, ROUTE_MQTT, view_str("a.b.c"), &hits), 0);
    assert_int_equal(hits->count, 0);
    house_close(&h);
}

/* Every way to read `a.a.a...` by these filters is taken at once, not one after the other. */
static void
many_in_the_middle_is_not_exponential(void **state)
{
    (void)state;
    static struct house h;
    const struct route_hits *hits;
    char filter[256] = "#", topic[256] = "a";
    for (unsigned i = 0; i < 30; i++)
        strcat(filter, ".a.#");
    for (unsigned i = 1; i < 100; i++)
        strcat(topic, ".a");
    house_open(&h, 1);
    assert_int_equal(route_add(h.route, ROUTE_AMQP, view_str(filter), &h.subs[0].row), 0);
    assert_int_equal(route_match(h.route, ROUTE_AMQP, view_str(topic), &hits), 0);
    assert_int_equal(hits->count, 1);
    assert_true(route_matches(ROUTE_AMQP, view_str(filter), view_str(topic)));
    strcat(topic, ".b");
    strcat(filter, ".c");
    assert_int_equal(route_add(h.route, ROUTE_AMQP, view_str(filter), &h.subs[1].row), 0);
    assert_int_equal(route_match(h.route, ROUTE_AMQP, view_str(topic), &hits), 0);
    assert_int_equal(hits->count, 1);
    assert_false(route_matches(ROUTE_AMQP, view_str(filter), view_str(topic)));
    house_close(&h);
}

static void
limits_are_refused(void **state)
{
    (void)state;
    static struct house h;
    static char large[TOPIC_BYTES_MAX + 1], deep[2 * TOPIC_LEVELS_MAX + 1];
    const struct route_hits *hits;
    struct route_row row = { 0 };
    house_open(&h, 1);
    memset(large, 'a', sizeof(large));
    memset(deep, '/', sizeof(deep));
    assert_int_equal(route_add(h.route, ROUTE_MQTT, view_of(large, sizeof(large)), &row), -ERR_TOO_LARGE);
    assert_int_equal(route_add(h.route, ROUTE_MQTT, view_of(deep, TOPIC_LEVELS_MAX), &row), -ERR_TOO_LARGE);
    assert_int_equal(route_add(h.route, ROUTE_MQTT, view_str("a/#/b"), &row), -ERR_INVALID);
    assert_int_equal(route_match(h.route, ROUTE_MQTT, view_of(large, sizeof(large)), &hits), -ERR_TOO_LARGE);
    assert_int_equal(route_match(h.route, ROUTE_MQTT, view_of(deep, sizeof(deep)), &hits), -ERR_TOO_LARGE);
    assert_null(row.node);
    /* The largest that are taken. */
    assert_int_equal(route_add(h.route, ROUTE_MQTT, view_of(large, TOPIC_BYTES_MAX), &row), 0);
    assert_int_equal(route_add(h.route, ROUTE_MQTT, view_of(deep, TOPIC_LEVELS_MAX - 1), &h.subs[0].row), 0);
    assert_int_equal(route_match(h.route, ROUTE_MQTT, view_of(large, TOPIC_BYTES_MAX), &hits), 0);
    assert_int_equal(hits->count, 1);
    house_close(&h);
}

static void
cutting_leaves_nothing(void **state)
{
    (void)state;
    static struct house h;
    struct route_stats stats;
    house_open(&h, 5);
    for (unsigned i = 0; i < 2000; i++)
        random_change(&h);
    for (size_t i = 0; i < SUBS_MAX; i++)
        house_cut(&h, &h.subs[i]);
    house_cut(&h, &h.subs[0]); /* harmless */
    route_stats(h.route, &stats);
    assert_int_equal(stats.nodes, 0);
    assert_int_equal(stats.rows, 0);
    house_close(&h);
}

/* What is too large for the cache is found all the same. */
static void
wide_fan_out_is_found(void **state)
{
    (void)state;
    enum { WIDE = CACHE_ENTRY_BYTES_MAX / sizeof(void *) + 1 };
    static struct house h;
    const struct route_hits *hits;
    house_open(&h, 1);
    struct route_row *rows = calloc(WIDE, sizeof(*rows));
    assert_non_null(rows);
    for (size_t i = 0; i < WIDE; i++)
        assert_int_equal(route_add(h.route, ROUTE_MQTT, view_str("wide/+"), &rows[i]), 0);
    assert_int_equal(route_match(h.route, ROUTE_MQTT, view_str("wide/1"), &hits), 0);
    assert_int_equal(hits->count, WIDE);
    for (size_t i = 0; i < WIDE; i++)
        route_cut(h.route, &rows[i]);
    free(rows);
    house_close(&h);
}

/* ---- the other way round ---------------------------------------------------------------------------------- */

static bool
mark_row(void *arg, struct route_row *row)
{
    struct sub *sub = container_of(row, struct sub, row);
    assert_false(sub->found);
    sub->found = true;
    (*(unsigned *)arg)++;
    return true;
}

static bool
stop_at_once(void *arg, struct route_row *row)
{
    (void)row;
    (*(unsigned *)arg)++;
    return false;
}

static void
fill_with_topics(struct house *h)
{
    for (size_t i = 0; i < SUBS_MAX; i++) {
        char topic[NAME_BYTES_MAX];
        random_name(&h->prng, ROUTE_MQTT, false, topic);
        if (strchr(topic, '*') == NULL)
            house_add(h, &h->subs[i], ROUTE_MQTT, topic);
    }
}

static void
search_finds_what_matches(void **state)
{
    (void)state;
    static struct house h;
    house_open(&h, 11);
    fill_with_topics(&h);
    for (unsigned i = 0; i < 3000; i++) {
        enum route_syntax syntax = random_syntax(&h.prng);
        char filter[NAME_BYTES_MAX];
        unsigned found = 0, stopped = 0;
        random_name(&h.prng, syntax, true, filter);
        route_search(h.route, syntax, view_str(filter), mark_row, &found);
        for (size_t s = 0; s < SUBS_MAX; s++) {
            char topic[NAME_BYTES_MAX];
            translate(h.subs[s].filter, ROUTE_MQTT, syntax, topic);
            bool want = h.subs[s].in && route_matches(syntax, view_str(filter), view_str(topic));
            assert_int_equal(h.subs[s].found, want);
            h.subs[s].found = false;
        }
        route_search(h.route, syntax, view_str(filter), stop_at_once, &stopped);
        assert_int_equal(stopped, found > 0);
    }
    house_close(&h);
}

static void
search_of_no_filter_finds_nothing(void **state)
{
    (void)state;
    static struct house h;
    unsigned found = 0;
    house_open(&h, 1);
    house_add(&h, &h.subs[0], ROUTE_MQTT, "a/b");
    route_search(h.route, ROUTE_MQTT, view_str("a/#/b"), mark_row, &found);
    route_search(h.route, ROUTE_MQTT, view_str(""), mark_row, &found);
    assert_int_equal(found, 0);
    house_close(&h);
}

/* ---- walking ---------------------------------------------------------------------------------------------- */

struct listing {
    struct route *route;
    char text[16384];
};

static bool
list_row(void *arg, struct route_row *row)
{
    struct listing *listing = arg;
    size_t n = strlen(listing->text);
    char *at = listing->text + n;
    int64_t len = route_name(listing->route, row, ROUTE_MQTT, at, sizeof(listing->text) - n - 2);
    assert_in_range(len, 0, NAME_BYTES_MAX);
    memcpy(at + len, "\n", 2);
    return true;
}

static void
walk_is_by_content(void **state)
{
    (void)state;
    static struct house a, b;
    static struct listing one, two;
    house_open(&a, 3);
    house_open(&b, 4);
    for (unsigned i = 0; i < 1500; i++)
        random_change(&a);
    /* The same rows by another history: something else before, then backwards. */
    for (unsigned i = 0; i < 500; i++)
        random_change(&b);
    for (size_t i = 0; i < SUBS_MAX; i++)
        house_cut(&b, &b.subs[i]);
    for (size_t i = SUBS_MAX; i-- > 0;)
        if (a.subs[i].in)
            house_add(&b, &b.subs[i], a.subs[i].syntax, a.subs[i].filter);
    one = (struct listing){ .route = a.route };
    two = (struct listing){ .route = b.route };
    route_walk(a.route, list_row, &one);
    route_walk(b.route, list_row, &two);
    assert_true(strlen(one.text) > 100);
    assert_string_equal(one.text, two.text);
    house_close(&a);
    house_close(&b);
}

static void
walk_goes_down_in_byte_order(void **state)
{
    (void)state;
    static struct house h;
    static struct listing listing;
    static const char *const filters[] = { "b/#", "b/+/x", "b", "#", "a/b", "b/z", "b/y", "a", "+", "ab", "A" };
    house_open(&h, 1);
    for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++)
        house_add(&h, &h.subs[i], ROUTE_MQTT, filters[i]);
    listing = (struct listing){ .route = h.route };
    route_walk(h.route, list_row, &listing);
    assert_string_equal(listing.text, "A\na\na/b\nab\nb\nb/y\nb/z\nb/+/x\nb/#\n+\n#\n");
    house_close(&h);
}

static void
names_come_back(void **state)
{
    (void)state;
    static struct house h;
    house_open(&h, 9);
    for (unsigned i = 0; i < 2000; i++)
        random_change(&h);
    for (size_t i = 0; i < SUBS_MAX; i++) {
        struct sub *sub = &h.subs[i];
        char name[NAME_BYTES_MAX];
        if (!sub->in)
            continue;
        int64_t len = route_name(h.route, &sub->row, sub->syntax, name, sizeof(name));
        assert_int_equal(len, strlen(sub->filter));
        assert_memory_equal(name, sub->filter, (size_t)len);
        assert_int_equal(route_name(h.route, &sub->row, sub->syntax, name, (size_t)len), len);
        if (len > 0)
            assert_int_equal(route_name(h.route, &sub->row, sub->syntax, name, (size_t)len - 1), -ERR_TOO_LARGE);
    }
    house_close(&h);
}

/* ---- memory ----------------------------------------------------------------------------------------------- */

/* Adds and matches under whatever memory there is; every refusal is clean.  True when nothing was refused. */
static bool
play(struct route *route)
{
    static const char *const filters[] = { "a/b/c", "a/+/c", "a/#", "#", "x/y" };
    struct route_row rows[20] = { 0 };
    const struct route_hits *hits;
    bool whole = true;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int rc = route_add(route, ROUTE_MQTT, view_str(filters[i % 5]), &rows[i]);
        assert_true(rc == 0 || (rc == -ERR_NO_MEMORY && rows[i].node == NULL));
        whole = whole && rc == 0;
    }
    for (unsigned i = 0; i < 40; i++) {
        char topic[16];
        snprintf(topic, sizeof(topic), "a/%c/c%u", 'b' + i % 2, i / 2);
        int rc = route_match(route, ROUTE_MQTT, view_str(topic), &hits);
        assert_true(rc == 0 || rc == -ERR_NO_MEMORY);
        assert_true(!whole || rc < 0 || hits->count == 8);
    }
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        route_cut(route, &rows[i]);
    return whole;
}

static void
each_allocation_may_fail(void **state)
{
    (void)state;
    uint64_t calls = UINT64_MAX;
    for (uint64_t fail_at = 0; fail_at <= calls; fail_at++) {
        struct mem mem = { .fail_at = fail_at };
        struct route *route = NULL;
        struct route_stats stats;
        int rc = route_new(&mem, &route);
        if (rc == 0) {
            bool whole = play(route);
            route_stats(route, &stats);
            assert_int_equal(stats.nodes, 0);
            if (fail_at == 0) {
                assert_true(whole);
                calls = mem.calls;
            }
        } else {
            assert_int_equal(rc, -ERR_NO_MEMORY);
        }
        route_free(route);
        assert_int_equal(mem.used_bytes, 0);
    }
}

/* Nothing can be cached any more, and every match is right all the same. */
static void
matching_outlives_the_budget(void **state)
{
    (void)state;
    static struct house h;
    house_open(&h, 21);
    for (unsigned i = 0; i < 1000; i++)
        random_change(&h);
    for (unsigned i = 0; i < 3000; i++) {
        char topic[NAME_BYTES_MAX];
        random_name(&h.prng, ROUTE_MQTT, false, topic);
        check_match(&h, ROUTE_MQTT, topic);
        if (i == 200)
            h.mem.bytes_max = h.mem.used_bytes;
    }
    house_close(&h);
}

static void
hundred_thousand_subscriptions(void **state)
{
    (void)state;
    enum { N = 100000 };
    static struct house h;
    struct route_stats stats;
    const struct route_hits *hits;
    house_open(&h, 1);
    struct route_row *rows = calloc(N, sizeof(*rows));
    assert_non_null(rows);
    for (unsigned i = 0; i < N; i++) {
        char filter[32];
        snprintf(filter, sizeof(filter), i % 2 ? "b/+/%u" : "b/%u/x", i);
        assert_int_equal(route_add(h.route, ROUTE_MQTT, view_str(filter), &rows[i]), 0);
    }
    for (unsigned i = 0; i < N; i++) {
        char topic[32];
        snprintf(topic, sizeof(topic), i % 2 ? "b/q/%u" : "b/%u/x", i);
        assert_int_equal(route_match(h.route, ROUTE_MQTT, view_str(topic), &hits), 0);
        assert_int_equal(hits->count, 1);
        assert_ptr_equal(hits->rows[0], &rows[i]);
    }
    route_stats(h.route, &stats);
    assert_int_equal(stats.rows, N);
    assert_int_equal(stats.cached, CACHE_ENTRIES_MAX);
    assert_in_range(h.mem.used_bytes, 0, N * 300);
    for (unsigned i = 0; i < N; i++)
        route_cut(h.route, &rows[i]);
    route_stats(h.route, &stats);
    assert_int_equal(stats.nodes, 0);
    free(rows);
    house_close(&h);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_rows_match_as_defined),
        cmocka_unit_test(syntaxes_share_rows),
        cmocka_unit_test(many_in_the_middle_is_not_exponential),
        cmocka_unit_test(limits_are_refused),
        cmocka_unit_test(cutting_leaves_nothing),
        cmocka_unit_test(wide_fan_out_is_found),
        cmocka_unit_test(search_finds_what_matches),
        cmocka_unit_test(search_of_no_filter_finds_nothing),
        cmocka_unit_test(walk_is_by_content),
        cmocka_unit_test(walk_goes_down_in_byte_order),
        cmocka_unit_test(names_come_back),
        cmocka_unit_test(each_allocation_may_fail),
        cmocka_unit_test(matching_outlives_the_budget),
        cmocka_unit_test(hundred_thousand_subscriptions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
