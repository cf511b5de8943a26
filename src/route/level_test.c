/* What a filter matches and what is no filter: the examples of MQTT 5, section 4.7, those of AMQP's topic exchange, and
 * the definition itself on random input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/must.h"
#include "base/prng.h"
#include "route/level.h"

struct example {
    const char *where; /* the section that says so */
    const char *filter, *topic;
    bool matches;
};

static void
check_examples(enum route_syntax syntax, const struct example *examples, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct example *e = &examples[i];
        if (route_matches(syntax, view_str(e->filter), view_str(e->topic)) != e->matches)
            fail_msg("%s: '%s' and '%s' should %smatch", e->where, e->filter, e->topic, e->matches ? "" : "not ");
    }
}

static const struct example mqtt_examples[] = {
    {"4.7.1.2",  "sport/tennis/player1/#", "sport/tennis/player1",                 true },
    { "4.7.1.2", "sport/tennis/player1/#", "sport/tennis/player1/ranking",         true },
    { "4.7.1.2", "sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true },
    { "4.7.1.2", "sport/tennis/player1/#", "sport/tennis/player2",                 false},
    { "4.7.1.2", "sport/#",                "sport",                                true },
    { "4.7.1.2", "sport/#",                "sports",                               false},
    { "4.7.1.2", "#",                      "sport/tennis",                         true },
    { "4.7.1.2", "#",                      "/",                                    true },
    { "4.7.1.3", "sport/tennis/+",         "sport/tennis/player1",                 true },
    { "4.7.1.3", "sport/tennis/+",         "sport/tennis/player2",                 true },
    { "4.7.1.3", "sport/tennis/+",         "sport/tennis/player1/ranking",         false},
    { "4.7.1.3", "sport/+",                "sport",                                false},
    { "4.7.1.3", "sport/+",                "sport/",                               true },
    { "4.7.1.3", "+",                      "sport",                                true },
    { "4.7.1.3", "+/tennis/#",             "sport/tennis",                         true },
    { "4.7.1.3", "+/tennis/#",             "sport/tennis/a/b",                     true },
    { "4.7.1.3", "sport/+/player1",        "sport/tennis/player1",                 true },
    { "4.7.1.3", "sport/+/player1",        "sport/tennis/x/player1",               false},
    { "4.7.1.3", "+/+",                    "/finance",                             true },
    { "4.7.1.3", "/+",                     "/finance",                             true },
    { "4.7.1.3", "+",                      "/finance",                             false},
    { "4.7.2",   "#",                      "$SYS/monitor/Clients",                 false},
    { "4.7.2",   "+/monitor/Clients",      "$SYS/monitor/Clients",                 false},
    { "4.7.2",   "$SYS/#",                 "$SYS/monitor/Clients",                 true },
    { "4.7.2",   "$SYS/#",                 "$SYS",                                 true },
    { "4.7.2",   "$SYS/monitor/+",         "$SYS/monitor/Clients",                 true },
    { "4.7.2",   "+/$SYS",                 "a/$SYS",                               true },
    { "4.7.2",   "a/+",                    "a/$SYS",                               true },
    { "4.7.3",   "ACCOUNTS",               "Accounts",                             false},
    { "4.7.3",   "Accounts payable",       "Accounts payable",                     true },
    { "4.7.3",   "/finance",               "finance",                              false},
    { "4.7.3",   "/",                      "/",                                    true },
    { "4.7.3",   "a/",                     "a",                                    false},
    { "4.7.3",   "a//b",                   "a//b",                                 true },
    { "4.7.3",   "a/+/b",                  "a//b",                                 true },
    { "4.7.3",   "a//b",                   "a/b",                                  false},
    { "4.7.1",   "a.*.b",                  "a.x.b",                                false},
    { "4.7.1",   "*/b",                    "a/b",                                  false},
};

static void
examples_of_mqtt(void **state)
{
    (void)state;
    check_examples(ROUTE_MQTT, mqtt_examples, COUNT_OF(mqtt_examples));
}

static const struct example amqp_examples[] = {
    {"topic exchange",  "*.orange.*",    "quick.orange.rabbit",     true },
    { "topic exchange", "*.orange.*",    "lazy.orange.elephant",    true },
    { "topic exchange", "*.orange.*",    "quick.orange.new.rabbit", false},
    { "topic exchange", "*.orange.*",    "orange",                  false},
    { "topic exchange", "*.*.rabbit",    "lazy.pink.rabbit",        true },
    { "topic exchange", "*.*.rabbit",    "lazy.brown.fox",          false},
    { "topic exchange", "lazy.#",        "lazy.brown.fox",          true },
    { "topic exchange", "lazy.#",        "lazy.orange.new.rabbit",  true },
    { "topic exchange", "lazy.#",        "lazy",                    true },
    { "topic exchange", "lazy.#",        "quick.brown.fox",         false},
    { "topic exchange", "#",             "",                        true },
    { "topic exchange", "#.#",           "",                        true },
    { "topic exchange", "",              "",                        true },
    { "topic exchange", "",              "a",                       false},
    { "topic exchange", "*",             "",                        false},
    { "topic exchange", "*.#",           "",                        false},
    { "topic exchange", "#.*.#",         "",                        false},
    { "topic exchange", "#.*.#",         "a",                       true },
    { "topic exchange", "a.#.b",         "a.b",                     true },
    { "topic exchange", "a.#.b",         "a.b.b",                   true },
    { "topic exchange", "a.#.b",         "a.x.y.b",                 true },
    { "topic exchange", "a.#.b",         "a.x.y.c",                 false},
    { "topic exchange", "a.#.b",         "a",                       false},
    { "topic exchange", "#.b",           "b",                       true },
    { "topic exchange", "#.b.#",         "a.b.c",                   true },
    { "topic exchange", "#.b.#.c",       "b.x.b.c.c",               true },
    { "topic exchange", "#.a.#.a",       "a",                       false},
    { "topic exchange", "#.$a",          "$a",                      false},
    { "topic exchange", "x.#",           "x..y",                    true },
    { "topic exchange", "x.*.y",         "x..y",                    true },
    { "topic exchange", "a/+",           "a/x",                     false},
    { "topic exchange", "stock.#.nyse*", "stock.usd.nyse*",         true },
};

static void
examples_of_amqp(void **state)
{
    (void)state;
    check_examples(ROUTE_AMQP, amqp_examples, COUNT_OF(amqp_examples));
}

static void
breaches_of_filters(void **state)
{
    (void)state;
    static const struct {
        const char *filter, *clause;
    } rows[] = {
        {"sport/tennis/player1/#",  NULL          },
        { "#",                      NULL          },
        { "sport/tennis#",          "MQTT-4.7.1-1"},
        { "sport/tennis/#/ranking", "MQTT-4.7.1-1"},
        { "#/a",                    "MQTT-4.7.1-1"},
        { "##",                     "MQTT-4.7.1-1"},
        { "#+",                     "MQTT-4.7.1-1"},
        { "+",                      NULL          },
        { "+/tennis/#",             NULL          },
        { "/+/",                    NULL          },
        { "sport+",                 "MQTT-4.7.1-2"},
        { "a/+b/c",                 "MQTT-4.7.1-2"},
        { "++",                     "MQTT-4.7.1-2"},
        { "",                       "MQTT-4.7.3-1"},
        { "/",                      NULL          },
        { "$SYS/#",                 NULL          },
        { "a.*",                    NULL          },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *clause = route_filter_breach(view_str(rows[i].filter));
        if (rows[i].clause == NULL)
            assert_null(clause);
        else
            assert_string_equal(clause, rows[i].clause);
    }
    assert_string_equal(route_filter_breach(view_of("a\0b", 3)), "MQTT-4.7.3-2");
}

static void
breaches_of_topics(void **state)
{
    (void)state;
    static char large[TOPIC_BYTES_MAX + 1];
    memset(large, 'a', sizeof(large));
    assert_null(route_topic_breach(view_str("a/b//$c ")));
    assert_null(route_topic_breach(view_of(large, TOPIC_BYTES_MAX)));
    assert_string_equal(route_topic_breach(view_of(large, sizeof(large))), "MQTT-4.7.3-3");
    assert_string_equal(route_filter_breach(view_of(large, sizeof(large))), "MQTT-4.7.3-3");
    assert_string_equal(route_topic_breach(view_str("")), "MQTT-4.7.3-1");
    assert_string_equal(route_topic_breach(view_of("\0", 1)), "MQTT-4.7.3-2");
    assert_string_equal(route_topic_breach(view_str("a/+")), "MQTT-4.7.0-1");
    assert_string_equal(route_topic_breach(view_str("a#")), "MQTT-4.7.0-1");
}

static void
limits_of_filters(void **state)
{
    (void)state;
    static char deep[2 * TOPIC_LEVELS_MAX];
    for (size_t i = 0; i < sizeof(deep); i++)
        deep[i] = i % 2 == 0 ? 'a' : '/';
    struct view most = view_of(deep, 2 * TOPIC_LEVELS_MAX - 1);
    assert_int_equal(level_check_filter(ROUTE_MQTT, most), 0);
    assert_int_equal(level_check_filter(ROUTE_MQTT, view_of(deep, sizeof(deep))), -ERR_TOO_LARGE);
    assert_int_equal(level_check_filter(ROUTE_MQTT, view_str("a#")), -ERR_INVALID);
    assert_int_equal(level_check_filter(ROUTE_AMQP, view_str("a#")), 0);
    assert_int_equal(level_check_filter(ROUTE_AMQP, view_str("")), 0);
}

/* The definition, word for word: `#` takes nothing, or one level and then again `#`. */
static bool
by_definition(enum route_syntax syntax, struct levels filter, struct levels topic)
{
    struct view want, level = { 0 };
    struct levels filter_after = filter, topic_after = topic;
    bool left = level_next(&topic_after, &level);
    if (!level_next(&filter_after, &want))
        return !left;
    switch (level_kind_of(syntax, want)) {
    case LEVEL_MANY:
        return by_definition(syntax, filter_after, topic) || (left && by_definition(syntax, filter, topic_after));
    case LEVEL_ONE: return left && by_definition(syntax, filter_after, topic_after);
    case LEVEL_PLAIN: return left && view_equal(want, level) && by_definition(syntax, filter_after, topic_after);
    }
    return false;
}

static struct view
random_name(struct prng *prng, const char *characters, char *room)
{
    size_t n = (size_t)prng_below(prng, 12);
    for (size_t i = 0; i < n; i++)
        room[i] = characters[prng_below(prng, strlen(characters))];
    return view_of(room, n);
}

static void
matching_is_as_defined(void **state)
{
    (void)state;
    struct prng prng;
    char a[16], b[16];
    unsigned matched = 0;
    prng_init(&prng, 7);
    for (unsigned i = 0; i < 200000; i++) {
        enum route_syntax syntax = i % 2 == 0 ? ROUTE_MQTT : ROUTE_AMQP;
        struct view filter = random_name(&prng, syntax == ROUTE_MQTT ? "a//++#" : "a..**##", a);
        struct view topic = random_name(&prng, syntax == ROUTE_MQTT ? "ab//" : "ab..", b);
        bool want = by_definition(syntax, levels_of(syntax, filter), levels_of(syntax, topic));
        assert_int_equal(route_matches(syntax, filter, topic), want);
        matched += want;
    }
    assert_in_range(matched, 5000, 195000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_of_mqtt),    cmocka_unit_test(examples_of_amqp),
        cmocka_unit_test(breaches_of_filters), cmocka_unit_test(breaches_of_topics),
        cmocka_unit_test(limits_of_filters),   cmocka_unit_test(matching_is_as_defined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
