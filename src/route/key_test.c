#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/prng.h"
#include "route/key.h"
#include "route/route.h"

enum { NAME_BYTES_MAX = 40, ROOM = 1024 };

typedef void convert_fn(struct pen *pen, struct view name);

static struct view
convert(convert_fn *fn, struct view name, char *room, size_t len)
{
    struct pen pen = pen_of(room, len);
    fn(&pen, name);
    assert_false(pen.torn);
    return view_of(room, len - pen_left(&pen));
}

static void
expect(convert_fn *fn, const char *from, const char *to)
{
    char room[ROOM];
    assert_true(view_is(convert(fn, view_str(from), room, sizeof(room)), to));
}

static void
names_of_each_kind(void **state)
{
    (void)state;
    static const struct {
        const char *key, *topic;
    } rows[] = {
        {"",         ""         },
        { "a.b.c",   "a/b/c"    },
        { "..a.",    "//a/"     },
        { "a%2Eb.c", "a.b/c"    },
        { "a/b.c",   "a%2Fb/c"  },
        { "a.+.#",   "a/%2B/%23"},
        { "a.*",     "a/*"      },
        { "50%",     "50%"      },
        { "%2",      "%2"       },
        { "%2f",     "%2f"      },
        { "%2F",     "%252F"    },
        { "%252F",   "%25252F"  },
        { "%252E",   "%2E"      },
        { "%25252E", "%252E"    },
        { "%25",     "%25"      },
        { "%%2E2F",  "%.2F"     },
        { "$SYS.x",  "$SYS/x"   },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        expect(key_to_topic, rows[i].key, rows[i].topic);
        expect(topic_to_key, rows[i].topic, rows[i].key);
    }
}

static void
wildcards_of_binding_keys_stay(void **state)
{
    (void)state;
    expect(key_to_filter, "a.*.#", "a/*/#");
    expect(key_to_filter, "#.a.*", "#/a/*");
    expect(key_to_filter, "a#.*b.+", "a%23/*b/%2B");
}

/* Characters that mean something, in any order. */
static size_t
random_name(struct prng *prng, const char *alphabet, char ret[static NAME_BYTES_MAX])
{
    size_t n = prng_below(prng, NAME_BYTES_MAX), letters = strlen(alphabet) + 1; /* its NUL too */
    for (size_t i = 0; i < n; i++)
        ret[i] = alphabet[prng_below(prng, letters)];
    return n;
}

static void
go_and_return(convert_fn *go, convert_fn *back, struct view name)
{
    char there[ROOM], again[ROOM];
    struct view other = convert(go, name, there, name.len * KEY_GROWTH);
    assert_true(view_equal(convert(back, other, again, sizeof(again)), name));
}

/* Every key comes back, is a topic that MQTT allows on its way; and so does every topic. */
static void
both_ways_are_the_identity(void **state)
{
    (void)state;
    struct prng prng;
    prng_init(&prng, 1);
    for (unsigned i = 0; i < 200000; i++) {
        char name[NAME_BYTES_MAX], topic[ROOM];
        struct view key = view_of(name, random_name(&prng, "%%%2222555FEB03+#./a", name));
        go_and_return(key_to_topic, topic_to_key, key);
        struct view as_topic = convert(key_to_topic, key, topic, sizeof(topic));
        assert_true(key.len == 0 || route_topic_breach(as_topic) == NULL);
        struct view other = view_of(name, random_name(&prng, "%%%2222555FEB03./a", name));
        if (route_topic_breach(other) == NULL)
            go_and_return(topic_to_key, key_to_topic, other);
    }
}

/* A converted binding key matches the converted routing key when the one matches the other. */
static void
filters_match_as_keys_do(void **state)
{
    (void)state;
    struct prng prng;
    prng_init(&prng, 2);
    unsigned matched = 0;
    for (unsigned i = 0; i < 200000; i++) {
        char binding[NAME_BYTES_MAX], key[NAME_BYTES_MAX], filter[ROOM], topic[ROOM];
        struct view b = view_of(binding, random_name(&prng, "*#..a+", binding) % 8);
        struct view k = view_of(key, random_name(&prng, "/#..a+", key) % 8);
        struct view f = convert(key_to_filter, b, filter, sizeof(filter));
        struct view t = convert(key_to_topic, k, topic, sizeof(topic));
        bool want = route_matches(ROUTE_AMQP, b, k);
        assert_int_equal(route_matches(ROUTE_TOPICS_AMQP, f, t), want);
        matched += want;
    }
    assert_true(matched > 1000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_each_kind),
        cmocka_unit_test(wildcards_of_binding_keys_stay),
        cmocka_unit_test(both_ways_are_the_identity),
        cmocka_unit_test(filters_match_as_keys_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
