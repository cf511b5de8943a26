/* client/prefix_test.c - the tree of prefixes against a list of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"
#include "base/prng.h"
#include "client/prefix.h"

enum { TAKERS = 5, WORDS = 400, STEPS = 20000, WORD_MAX = 24 };

/* A subscription as anybody would note it. */
struct wish {
    uint8_t bytes[WORD_MAX];
    size_t len;
    unsigned counts[TAKERS];
};

struct oracle {
    struct prng prng;
    struct wish wishes[WORDS];
    struct prefix_tree tree;
    struct prefix_taker takers[TAKERS];
    unsigned told;
};

static struct view
word_of(const struct wish *wish)
{
    return view_of(wish->bytes, wish->len);
}

/* Few letters and many lengths, so that most are prefixes of others. */
static void
draw_words(struct oracle *oracle)
{
    for (size_t i = 0; i < WORDS; i++) {
        struct wish *wish = &oracle->wishes[i];
        bool again;
        do {
            wish->len = (size_t)prng_below(&oracle->prng, i < WORDS / 2 ? 5 : WORD_MAX);
            for (size_t j = 0; j < wish->len; j++)
                wish->bytes[j] = (uint8_t)('a' + prng_below(&oracle->prng, 3));
            again = false;
            for (size_t j = 0; j < i && !again; j++)
                again = view_equal(word_of(&oracle->wishes[j]), word_of(wish));
        } while (again && i >= WORDS / 2);
        if (again)
            wish->bytes[0] = 'z', wish->bytes[1] = (uint8_t)i, wish->bytes[2] = (uint8_t)(i >> 8), wish->len = 3;
    }
}

static unsigned
takers_of(const struct wish *wish)
{
    unsigned count = 0;
    for (size_t i = 0; i < TAKERS; i++)
        count += wish->counts[i] > 0;
    return count;
}

static void
add_one(struct oracle *oracle, struct wish *wish, size_t taker)
{
    int want = wish->counts[taker] > 0 ? PREFIX_SAME : takers_of(wish) > 0 ? PREFIX_TAKER : PREFIX_ALL;
    assert_int_equal(prefix_add(&oracle->tree, &oracle->takers[taker], word_of(wish)), want);
    wish->counts[taker]++;
}

static void
remove_one(struct oracle *oracle, struct wish *wish, size_t taker)
{
    int want = -ERR_NOT_FOUND;
    if (wish->counts[taker] > 0) {
        wish->counts[taker]--;
        want = wish->counts[taker] > 0 ? PREFIX_SAME : takers_of(wish) > 0 ? PREFIX_TAKER : PREFIX_ALL;
    }
    assert_int_equal(prefix_remove(&oracle->tree, &oracle->takers[taker], word_of(wish)), want);
}

static void
tell(void *arg, struct view prefix)
{
    struct oracle *oracle = arg;
    for (size_t i = 0; i < WORDS; i++) {
        if (view_equal(word_of(&oracle->wishes[i]), prefix)) {
            oracle->told++;
            return;
        }
    }
    fail();
}

static void
leave(struct oracle *oracle, size_t taker)
{
    unsigned had = 0, last = 0;
    for (size_t i = 0; i < WORDS; i++) {
        struct wish *wish = &oracle->wishes[i];
        had += wish->counts[taker] > 0;
        last += wish->counts[taker] > 0 && takers_of(wish) == 1;
        wish->counts[taker] = 0;
    }
    oracle->told = 0;
    assert_int_equal(prefix_each(&oracle->tree, &oracle->takers[taker], tell, oracle), 0);
    assert_int_equal(oracle->told, had);
    oracle->told = 0;
    prefix_leave(&oracle->tree, &oracle->takers[taker], tell, oracle);
    assert_int_equal(oracle->told, last);
}

static void
search(struct oracle *oracle, struct view topic)
{
    bool want[TAKERS] = { false }, got[TAKERS] = { false };
    bool any = false;
    for (size_t i = 0; i < WORDS; i++) {
        const struct wish *wish = &oracle->wishes[i];
        if (wish->len > topic.len || memcmp(wish->bytes, topic.data, wish->len) != 0)
            continue;
        for (size_t j = 0; j < TAKERS; j++) {
            want[j] |= wish->counts[j] > 0;
            any |= wish->counts[j] > 0;
        }
    }
    for (struct prefix_taker *it = prefix_find(&oracle->tree, topic); it != NULL; it = it->next) {
        assert_false(got[it - oracle->takers]);
        got[it - oracle->takers] = true;
    }
    assert_memory_equal(got, want, sizeof got);
    assert_int_equal(prefix_wanted(&oracle->tree, topic), any);
}

static void
a_tree_finds_what_a_list_does(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct mem mem = { 0 };
        static struct oracle oracle;
        memset(&oracle, 0, sizeof oracle);
        prng_init(&oracle.prng, seed);
        draw_words(&oracle);
        must(prefix_init(&oracle.tree, &mem) == 0);
        for (size_t i = 0; i < TAKERS; i++)
            prefix_taker_init(&oracle.takers[i]);
        for (unsigned i = 0; i < STEPS; i++) {
            struct wish *wish = &oracle.wishes[prng_below(&oracle.prng, WORDS)];
            size_t taker = prng_below(&oracle.prng, TAKERS);
            switch (prng_below(&oracle.prng, 4)) {
            case 0: add_one(&oracle, wish, taker); break;
            case 1: remove_one(&oracle, wish, taker); break;
            default: search(&oracle, word_of(wish)); break;
            }
            if (prng_once_in(&oracle.prng, 1000))
                leave(&oracle, taker);
        }
        for (size_t i = 0; i < TAKERS; i++)
            leave(&oracle, i);
        prefix_fini(&oracle.tree);
        assert_int_equal(mem.used_bytes, 0);
    }
}

/* Whatever allocation fails, nothing is half done. */
static void
a_tree_survives_without_memory(void **state)
{
    static const char *const words[] = {
        "", "abcdefghijklm", "abcdefghij", "abcdefghijxyz", "abc", "abd", "b", "c", "d"
    };
    (void)state;
    for (uint64_t fail_at = 1; fail_at < 80; fail_at++) {
        struct mem mem = { .fail_at = fail_at };
        struct prefix_tree tree;
        struct prefix_taker taker;
        bool has[COUNT_OF(words)];
        prefix_taker_init(&taker);
        if (prefix_init(&tree, &mem) < 0) {
            assert_int_equal(mem.used_bytes, 0);
            continue;
        }
        for (size_t i = 0; i < COUNT_OF(words); i++)
            has[i] = prefix_add(&tree, &taker, view_str(words[i])) == PREFIX_ALL;
        for (size_t i = 0; i < COUNT_OF(words); i += 2)
            assert_int_equal(prefix_remove(&tree, &taker, view_str(words[i])), has[i] ? PREFIX_ALL : -ERR_NOT_FOUND);
        assert_int_equal(prefix_wanted(&tree, view_str("abcdefghijxyz")), has[3]);
        prefix_leave(&tree, &taker, NULL, NULL);
        prefix_fini(&tree);
        assert_int_equal(mem.used_bytes, 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tree_finds_what_a_list_does),
        cmocka_unit_test(a_tree_survives_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
