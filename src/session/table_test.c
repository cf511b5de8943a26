/* The small tables of a session against naive oracles: packet identifiers, messages in flight, answers in order, topic
 * aliases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/prng.h"
#include "session/fifo.h"
#include "session/idset.h"
#include "session/inflight.h"
#include "session/topic_alias.h"

static void
fifo_keeps_the_order(void **state)
{
    (void)state;
    struct mem mem = { 0 };
    struct fifo fifo;
    struct prng prng;
    uint32_t in = 0, out = 0;
    fifo_init(&fifo, &mem, sizeof(uint32_t));
    prng_init(&prng, 1);
    for (unsigned i = 0; i < 20000; i++) {
        if (prng_below(&prng, 5) < 3) {
            assert_int_equal(fifo_push(&fifo, &in), 0);
            in++;
        } else if (out < in) {
            assert_int_equal(*(const uint32_t *)fifo_first(&fifo), out++);
            fifo_pop(&fifo);
        }
        assert_int_equal(fifo.count, in - out);
    }
    fifo_clear(&fifo);
    assert_null(fifo_first(&fifo));
    fifo_fini(&fifo);
    assert_int_equal(mem.used_bytes, 0);
}

static void
fifo_without_memory_keeps_what_it_has(void **state)
{
    (void)state;
    struct mem mem = { .fail_at = 2 };
    struct fifo fifo;
    fifo_init(&fifo, &mem, 1);
    int rc = 0;
    uint8_t n = 0;
    while ((rc = fifo_push(&fifo, &n)) == 0)
        n++;
    assert_int_equal(rc, -ERR_NO_MEMORY);
    for (uint8_t i = 0; i < n; i++, fifo_pop(&fifo))
        assert_int_equal(*(const uint8_t *)fifo_first(&fifo), i);
    fifo_fini(&fifo);
    assert_int_equal(mem.used_bytes, 0);
}

/* Identifiers as clients choose them (counting up) and as nobody should (far apart, all in one slot). */
static uint16_t
choose_id(struct prng *prng, unsigned i)
{
    switch (prng_below(prng, 3)) {
    case 0: return (uint16_t)(1 + i % 300);
    case 1: return (uint16_t)(1 + prng_below(prng, 64) * 1024);
    default: return (uint16_t)(1 + prng_below(prng, 65535));
    }
}

static void
idset_is_a_set(void **state)
{
    (void)state;
    static bool in[65536];
    struct mem mem = { 0 };
    struct idset set = { 0 };
    struct prng prng;
    uint32_t count = 0;
    prng_init(&prng, 2);
    for (unsigned i = 0; i < 200000; i++) {
        uint16_t id = choose_id(&prng, i);
        if (prng_below(&prng, 2) == 0) {
            assert_int_equal(idset_add(&set, &mem, id), !in[id]);
            count += !in[id];
            in[id] = true;
        } else {
            assert_int_equal(idset_cut(&set, id), in[id]);
            count -= in[id];
            in[id] = false;
        }
        assert_int_equal(set.count, count);
        uint16_t other = choose_id(&prng, i);
        assert_int_equal(idset_has(&set, other), in[other]);
    }
    idset_fini(&set, &mem);
    assert_int_equal(mem.used_bytes, 0);
}

static void
idset_walks_all(void **state)
{
    (void)state;
    struct mem mem = { 0 };
    struct idset set = { 0 };
    for (uint32_t id = 1; id <= 65535; id++)
        assert_int_equal(idset_add(&set, &mem, (uint16_t)id), 1);
    uint32_t at = 0, n = 0;
    while (idset_next(&set, &at) != 0)
        n++;
    assert_int_equal(n, 65535);
    idset_fini(&set, &mem);
    assert_int_equal(mem.used_bytes, 0);
}

static void
idset_without_memory_refuses(void **state)
{
    (void)state;
    struct mem mem = { .fail_at = 1 };
    struct idset set = { 0 };
    assert_int_equal(idset_add(&set, &mem, 7), -ERR_NO_MEMORY);
    assert_false(idset_has(&set, 7));
    assert_int_equal(idset_add(&set, &mem, 7), 1);
    idset_fini(&set, &mem);
    assert_int_equal(mem.used_bytes, 0);
}

/* ---- in flight ---------------------------------------------------------------------------------------------- */

static void
inflight_ids_are_never_used_twice(void **state)
{
    (void)state;
    static bool used[65536];
    struct mem mem = { 0 };
    struct inflights flights;
    struct prng prng;
    inflights_init(&flights, &mem);
    prng_init(&prng, 3);
    for (unsigned i = 0; i < 300000; i++) {
        uint16_t some = (uint16_t)(1 + prng_below(&prng, 65535));
        struct inflight *f = inflights_find(&flights, some);
        assert_int_equal(f != NULL, used[some]);
        if (f != NULL) {
            inflights_cut(&flights, f);
            used[some] = false;
        } else if (flights.count < 1000) {
            f = inflights_add(&flights);
            assert_false(used[f->packet_id]);
            used[f->packet_id] = true;
        }
    }
    inflights_fini(&flights);
    assert_int_equal(mem.used_bytes, 0);
}

static void
inflight_takes_all_65535(void **state)
{
    (void)state;
    struct mem mem = { 0 };
    struct inflights flights;
    inflights_init(&flights, &mem);
    for (unsigned i = 1; i <= 65535; i++)
        assert_int_equal(inflights_add(&flights)->packet_id, i);
    assert_null(inflights_add(&flights));
    inflights_cut(&flights, inflights_find(&flights, 777));
    assert_int_equal(inflights_add(&flights)->packet_id, 777);
    inflights_fini(&flights);
    assert_int_equal(mem.used_bytes, 0);
}

/* One slow message does not stop the others, and stays the oldest. */
static void
inflight_sorts_by_sending(void **state)
{
    (void)state;
    struct mem mem = { 0 };
    struct inflights flights;
    uint16_t ids[4];
    inflights_init(&flights, &mem);
    uint16_t slow = inflights_add(&flights)->packet_id;
    for (unsigned i = 0; i < 100000; i++)
        inflights_cut(&flights, inflights_add(&flights));
    uint16_t second = inflights_add(&flights)->packet_id, third = inflights_add(&flights)->packet_id;
    assert_int_equal(inflights_sorted(&flights, ids), 0);
    assert_int_equal(ids[0], slow);
    assert_int_equal(ids[1], second);
    assert_int_equal(ids[2], third);
    inflights_fini(&flights);
    assert_int_equal(mem.used_bytes, 0);
}

static void
inflight_puts_back_any_id(void **state)
{
    (void)state;
    struct mem mem = { 0 };
    struct inflights flights;
    static const uint16_t ids[] = { 5, 32773, 16389, 65535, 1, 5 };
    inflights_init(&flights, &mem);
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
        assert_int_equal(inflights_put(&flights, ids[i])->packet_id, ids[i]);
    assert_int_equal(flights.count, 5);
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
        assert_non_null(inflights_find(&flights, ids[i]));
    uint16_t sorted[5];
    assert_int_equal(inflights_sorted(&flights, sorted), 0);
    assert_int_equal(sorted[4], 5); /* the last to be put */
    inflights_fini(&flights);
    assert_int_equal(mem.used_bytes, 0);
}

/* ---- aliases ------------------------------------------------------------------------------------------------ */

static void
alias_in_holds_the_last_topic(void **state)
{
    (void)state;
    struct mem mem = { 0 };
    struct aliases_in *aliases = aliases_in_new(&mem, 3);
    assert_int_equal(aliases_in_get(aliases, 1).len, 0);
    assert_int_equal(aliases_in_set(aliases, 1, view_str("a/b")), 0);
    assert_int_equal(aliases_in_set(aliases, 3, view_str("c")), 0);
    assert_int_equal(aliases_in_set(aliases, 1, view_str("d")), 0);
    assert_true(view_is(aliases_in_get(aliases, 1), "d"));
    assert_true(view_is(aliases_in_get(aliases, 3), "c"));
    assert_int_equal(aliases_in_get(aliases, 4).len, 0);
    mem.fail_at = mem.calls + 1;
    assert_int_equal(aliases_in_set(aliases, 1, view_str("e")), -ERR_NO_MEMORY);
    assert_true(view_is(aliases_in_get(aliases, 1), "d"));
    aliases_in_free(aliases);
    aliases_in_free(NULL);
    assert_int_equal(mem.used_bytes, 0);
}

static void
alias_out_names_the_first_topics(void **state)
{
    (void)state;
    struct mem mem = { 0 };
    bool known;
    struct aliases_out *aliases = aliases_out_new(&mem, 2);
    assert_int_equal(aliases_out_of(aliases, view_str("a"), &known), 1);
    assert_false(known);
    assert_int_equal(aliases_out_of(aliases, view_str("b"), &known), 2);
    assert_int_equal(aliases_out_of(aliases, view_str("a"), &known), 1);
    assert_true(known);
    assert_int_equal(aliases_out_of(aliases, view_str("c"), &known), 0);
    assert_false(known);
    aliases_out_free(aliases);
    assert_int_equal(mem.used_bytes, 0);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(fifo_keeps_the_order),
        cmocka_unit_test(fifo_without_memory_keeps_what_it_has),
        cmocka_unit_test(idset_is_a_set),
        cmocka_unit_test(idset_walks_all),
        cmocka_unit_test(idset_without_memory_refuses),
        cmocka_unit_test(inflight_ids_are_never_used_twice),
        cmocka_unit_test(inflight_takes_all_65535),
        cmocka_unit_test(inflight_sorts_by_sending),
        cmocka_unit_test(inflight_puts_back_any_id),
        cmocka_unit_test(alias_in_holds_the_last_topic),
        cmocka_unit_test(alias_out_names_the_first_topics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
