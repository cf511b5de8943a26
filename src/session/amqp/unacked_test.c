/* The list of unacknowledged deliveries against a naive one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/prng.h"
#include "session/amqp/unacked.h"

enum { TAGS = 5000 };

static void
compare(const struct unackeds *u, const bool *live, uint64_t tags)
{
    uint32_t count = 0;
    const struct unacked *item = unackeds_first(u);
    for (uint64_t tag = 1; tag <= tags; tag++) {
        assert_int_equal(unackeds_find(u, tag) != NULL, live[tag]);
        if (!live[tag])
            continue;
        assert_non_null(item);
        assert_int_equal(item->tag, tag);
        item = unackeds_next(u, item);
        count++;
    }
    assert_null(item);
    assert_int_equal(u->live, count);
}

static void
a_random_settlements_agree(void **state)
{
    (void)state;
    static bool live[TAGS + 1];
    struct mem mem = { 0 };
    struct prng prng;
    struct unackeds u = { 0 };
    uint64_t tags = 0;
    prng_init(&prng, 7);
    for (unsigned step = 0; step < 20000 && tags < TAGS; step++) {
        uint64_t tag = tags == 0 ? 0 : 1 + prng_below(&prng, tags);
        if (prng_below(&prng, 3) == 0) {
            tags++;
            assert_int_equal(unackeds_add(&u, &mem, &(struct unacked){ .tag = tags, .seq = tags }), 0);
            live[tags] = true;
        } else if (tag != 0 && live[tag]) {
            unackeds_cut(&u, unackeds_find(&u, tag));
            live[tag] = false;
        }
        if (step % 500 == 0)
            compare(&u, live, tags);
    }
    compare(&u, live, tags);
    unackeds_fini(&u, &mem);
    assert_int_equal(mem.used_bytes, 0);
}

/* One that is never settled does not hold the memory of all that come after it. */
static void
b_a_stuck_one_costs_nothing(void **state)
{
    (void)state;
    struct mem mem = { 0 };
    struct unackeds u = { 0 };
    for (uint64_t tag = 1; tag <= 100000; tag++) {
        assert_int_equal(unackeds_add(&u, &mem, &(struct unacked){ .tag = tag }), 0);
        if (tag > 1)
            unackeds_cut(&u, unackeds_find(&u, tag));
    }
    assert_true(u.room <= 16);
    assert_int_equal(unackeds_first(&u)->tag, 1);
    unackeds_fini(&u, &mem);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_random_settlements_agree),
        cmocka_unit_test(b_a_stuck_one_costs_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
