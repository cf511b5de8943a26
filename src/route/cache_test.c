/* What the cache keeps, what it believes and for how long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/mem.h"
#include "route/cache.h"

/* A change tells the topics it can touch, and no others. */
static void
changes_spare_other_topics(void **state)
{
    (void)state;
    static const struct {
        const char *filter;
        bool touches;
    } rows[] = {
        {"a/b/c/d/e",  true },
        { "a/b/c/d/+", true },
        { "a/b/c/#",   true },
        { "a/+/c/d/e", true },
        { "#",         true },
        { "a/b/c/d",   false},
        { "a/b/x/+",   false},
        { "x/#",       false},
        { "a/b/c/d/x", false},
    };
    struct mem mem = { 0 };
    struct cache cache;
    struct trie trie;
    struct trail trail;
    struct matcher matcher;
    struct cache_key key = cache_key_of(ROUTE_MQTT, view_str("a/b/c/d/e"));
    cache_init(&cache, &mem);
    matcher_init(&matcher, &mem);
    assert_int_equal(trie_init(&trie, &mem), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct route_node *node;
        assert_int_equal(matcher_run(&matcher, &trie, ROUTE_MQTT, key.topic, &trail), 0);
        assert_non_null(cache_put(&cache, &key, &trail, &matcher.hits));
        assert_non_null(cache_get(&cache, &key));
        assert_int_equal(trie_grow(&trie, ROUTE_MQTT, view_str(rows[i].filter), &node), 0);
        cache_touch(&cache, trail_of_node(node));
        assert_int_equal(cache_get(&cache, &key) == NULL, rows[i].touches);
        trie_prune(&trie, node);
    }
    assert_int_equal(cache.entries.count, 1);
    cache_fini(&cache);
    matcher_fini(&matcher);
    trie_fini(&trie);
    assert_int_equal(mem.used_bytes, 0);
}

static void
cache_is_bounded(void **state)
{
    (void)state;
    struct mem mem = { 0 };
    struct cache cache;
    static struct route_row *rows[4000];
    const struct trail trail = { 0 };
    cache_init(&cache, &mem);
    struct cache_key kept = cache_key_of(ROUTE_MQTT, view_str("kept"));
    assert_non_null(cache_put(&cache, &kept, &trail, &(struct route_hits){ rows, 3 }));
    for (unsigned i = 0; i < CACHE_ENTRIES_MAX + 1000; i++) {
        char topic[32];
        snprintf(topic, sizeof(topic), "t/%u", i);
        struct cache_key key = cache_key_of(ROUTE_MQTT, view_str(topic));
        assert_non_null(cache_put(&cache, &key, &trail, &(struct route_hits){ rows, i % 4 }));
        assert_int_equal(cache_get(&cache, &key)->count, i % 4);
        assert_int_equal(cache_get(&cache, &kept)->count, 3); /* what is in use stays */
        assert_in_range(cache.entries.count, 1, CACHE_ENTRIES_MAX);
    }
    for (unsigned i = 0; i < 2000; i++) {
        char topic[32];
        snprintf(topic, sizeof(topic), "large/%u", i);
        struct cache_key key = cache_key_of(ROUTE_MQTT, view_str(topic));
        assert_non_null(cache_put(&cache, &key, &trail, &(struct route_hits){ rows, 4000 }));
        assert_in_range(cache.bytes, 1, CACHE_BYTES_MAX);
    }
    struct route_hits huge = { rows, CACHE_ENTRY_BYTES_MAX / sizeof(rows[0]) };
    struct cache_key key = cache_key_of(ROUTE_MQTT, view_str("huge"));
    assert_null(cache_put(&cache, &key, &trail, &huge));
    cache_fini(&cache);
    assert_int_equal(mem.used_bytes, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_spare_other_topics),
        cmocka_unit_test(cache_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
