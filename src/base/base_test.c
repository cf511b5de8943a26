/* The clever structures of base/ against naive oracles on random input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cursor.h"
#include "base/err.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/prng.h"
#include "base/ring.h"
#include "base/wheel.h"

static void
view_finds_characters(void **state)
{
    (void)state;
    assert_true(view_has_any(view_str("a/+/b"), "+#"));
    assert_false(view_has_any(view_str("a/b"), "+#"));
    assert_false(view_has_any(view_of(NULL, 0), "+#"));
    assert_true(view_starts(view_str("$SYS/x"), "$SYS"));
    assert_false(view_starts(view_str("$S"), "$SYS"));
}

static void
cursor_is_sticky(void **state)
{
    (void)state;
    const uint8_t bytes[] = { 1, 2, 3 };
    struct cursor c = cursor_of(view_of(bytes, sizeof(bytes)));
    assert_int_equal(take_u16(&c), 0x0102);
    assert_int_equal(take_u16(&c), 0);
    assert_true(c.torn);
    assert_int_equal(take_u8(&c), 0); /* one byte is left, but the cursor is torn */
}

static void
pen_writes_what_cursor_reads(void **state)
{
    (void)state;
    uint8_t room[64];
    struct pen p = pen_of(room, sizeof(room));
    put_u8(&p, 7);
    put_u32(&p, 0xdeadbeef);
    put_u64(&p, 0x0123456789abcdef);
    put_short(&p, view_str("abc"));
    put_long(&p, view_str("defg"));
    assert_false(p.torn);
    struct cursor c = cursor_of(view_of(room, (size_t)(p.at - room)));
    assert_int_equal(take_u8(&c), 7);
    assert_int_equal(take_u32(&c), 0xdeadbeef);
    assert_int_equal(take_u64(&c), 0x0123456789abcdef);
    assert_true(view_is(take_short(&c), "abc"));
    assert_true(view_is(take_long(&c), "defg"));
    assert_false(c.torn);
    assert_int_equal(cursor_left(&c), 0);
}

static void
leb128_boundaries(void **state)
{
    (void)state;
    static const struct {
        uint64_t x;
        unsigned bytes;
    } rows[] = {
        {0,                        1 },
        { 1,                       1 },
        { 127,                     1 },
        { 128,                     2 },
        { 16383,                   2 },
        { 16384,                   3 },
        { UINT32_MAX,              5 },
        { (UINT64_C(1) << 56) - 1, 8 },
        { UINT64_C(1) << 56,       9 },
        { INT64_MAX,               9 },
        { UINT64_MAX,              10}
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t room[LEB128_BYTES_MAX];
        struct pen p = pen_of(room, sizeof(room));
        put_leb128(&p, rows[i].x);
        assert_false(p.torn);
        assert_int_equal(p.at - room, rows[i].bytes);
        struct cursor c = cursor_of(view_of(room, rows[i].bytes));
        assert_int_equal(take_leb128(&c), rows[i].x);
        assert_true(!c.torn && cursor_left(&c) == 0);
        for (size_t cut = 0; cut < rows[i].bytes; cut++) {
            c = cursor_of(view_of(room, cut));
            assert_int_equal(take_leb128(&c), 0);
            assert_true(c.torn);
        }
    }
}

/* Longer than need be, and more than 64 bits. */
static void
leb128_has_one_form(void **state)
{
    (void)state;
    /* clang-format off */
    static const uint8_t rows[][11] = {
        { 0x80, 0x00 },
        { 0xff, 0x80, 0x00 },
        { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02 },
        { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x81, 0x00 },
    };
    /* clang-format on */
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cursor c = cursor_of(view_of(rows[i], sizeof(rows[i])));
        assert_int_equal(take_leb128(&c), 0);
        assert_true(c.torn);
    }
}

static void
varint_boundaries(void **state)
{
    (void)state;
    static const struct {
        uint32_t x;
        unsigned bytes;
    } rows[] = {
        {0,          1},
        { 127,       1},
        { 128,       2},
        { 16383,     2},
        { 16384,     3},
        { 2097151,   3},
        { 2097152,   4},
        { 268435455, 4}
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t room[8];
        struct pen p = pen_of(room, sizeof(room));
        put_varint(&p, rows[i].x);
        assert_int_equal(p.at - room, rows[i].bytes);
        assert_int_equal(varint_size(rows[i].x), rows[i].bytes);
        struct cursor c = cursor_of(view_of(room, rows[i].bytes));
        assert_int_equal(take_varint(&c), rows[i].x);
        assert_false(c.torn);
    }
    const uint8_t too_long[] = { 0x80, 0x80, 0x80, 0x80, 0x01 };
    struct cursor c = cursor_of(view_of(too_long, sizeof(too_long)));
    take_varint(&c);
    assert_true(c.torn);
    uint8_t room[8];
    struct pen p = pen_of(room, sizeof(room));
    put_varint(&p, 268435456);
    assert_true(p.torn);
}

static void
mem_keeps_its_budget(void **state)
{
    (void)state;
    struct mem mem = { .bytes_max = 1000 };
    void *a = mem_new(&mem, 600);
    assert_non_null(a);
    assert_null(mem_new(&mem, 600));
    assert_true(mem.used_bytes <= mem.bytes_max);
    mem_free(&mem, a);
    assert_int_equal(mem.used_bytes, 0);
    mem.fail_at = mem.calls + 2;
    void *b = mem_new(&mem, 1);
    assert_non_null(b);
    assert_null(mem_raw(&mem, 1));
    mem_free(&mem, b);
}

struct keyed {
    uint64_t key;
};

static bool
same_key(const void *value, const void *key)
{
    return ((const struct keyed *)value)->key == *(const uint64_t *)key;
}

/* Few distinct hashes, so that runs are long and removal has gaps to close. */
static uint64_t
poor_hash(uint64_t key)
{
    return key % 37;
}

static void
map_against_an_array(void **state)
{
    (void)state;
    enum { KEYS = 300, STEPS = 20000 };
    struct mem mem = { 0 };
    struct map map;
    struct keyed items[KEYS];
    bool in[KEYS] = { false };
    size_t count = 0;
    struct prng prng;
    prng_init(&prng, 1);
    map_init(&map, &mem);
    for (uint64_t k = 0; k < KEYS; k++)
        items[k].key = k;
    for (int s = 0; s < STEPS; s++) {
        uint64_t k = prng_below(&prng, KEYS);
        void *got = map_get(&map, poor_hash(k), same_key, &k);
        assert_ptr_equal(got, in[k] ? &items[k] : NULL);
        if (in[k])
            assert_true(map_cut(&map, poor_hash(k), &items[k]));
        else
            assert_int_equal(map_put(&map, poor_hash(k), &items[k]), 0);
        in[k] = !in[k];
        count += in[k] ? 1 : (size_t)-1;
        assert_int_equal(map.count, count);
    }
    size_t walked = 0, at = 0;
    while (map_next(&map, &at) != NULL)
        walked++;
    assert_int_equal(walked, count);
    map_fini(&map);
    assert_int_equal(mem.used_bytes, 0);
}

static void
heap_gives_the_earliest(void **state)
{
    (void)state;
    enum { NODES = 200, STEPS = 20000 };
    struct mem mem = { 0 };
    struct heap heap;
    struct heap_node nodes[NODES] = { 0 };
    struct prng prng;
    prng_init(&prng, 2);
    heap_init(&heap, &mem);
    for (int s = 0; s < STEPS; s++) {
        struct heap_node *n = &nodes[prng_below(&prng, NODES)];
        if (prng_once_in(&prng, 3))
            heap_cut(&heap, n);
        else
            assert_int_equal(heap_put(&heap, n, prng_below(&prng, 50)), 0);
        const struct heap_node *least = NULL;
        for (int i = 0; i < NODES; i++)
            if (nodes[i].slot != 0 &&
                (least == NULL || nodes[i].at < least->at || (nodes[i].at == least->at && nodes[i].turn < least->turn)))
                least = &nodes[i];
        assert_ptr_equal(heap_first(&heap), least);
    }
    heap_fini(&heap);
    assert_int_equal(mem.used_bytes, 0);
}

static void
ring_is_first_in_first_out(void **state)
{
    (void)state;
    struct mem mem = { 0 };
    struct ring ring;
    int things[5];
    assert_int_equal(ring_init(&ring, &mem, 4), 0);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 4; i++)
            assert_true(ring_push(&ring, &things[i]));
        assert_false(ring_push(&ring, &things[4]));
        for (int i = 0; i < 4; i++)
            assert_ptr_equal(ring_pop(&ring), &things[i]);
        assert_null(ring_pop(&ring));
    }
    ring_fini(&ring, &mem);
    assert_int_equal(mem.used_bytes, 0);
}

struct alarm {
    struct wheel_timer timer;
    uint64_t fired;
};

static void
ring_alarm(struct wheel_timer *timer)
{
    container_of(timer, struct alarm, timer)->fired++;
}

static void
wheel_fires_each_at_its_second(void **state)
{
    (void)state;
    enum { ALARMS = 500, SECONDS = 20000 };
    static struct alarm alarms[ALARMS];
    struct wheel wheel;
    struct prng prng;
    prng_init(&prng, 3);
    uint64_t now = (UINT64_C(1) << 24) - 5000; /* across the carry out of the top level */
    wheel_init(&wheel, now);
    for (int i = 0; i < ALARMS; i++) {
        wheel_timer_init(&alarms[i].timer, ring_alarm);
        alarms[i].fired = 0;
        wheel_arm(&wheel, &alarms[i].timer, now + 1 + prng_below(&prng, i % 2 ? 100 : SECONDS));
    }
    for (uint64_t end = now + SECONDS + 10; now < end; now += 1 + prng_below(&prng, 3)) {
        assert_false(wheel_turn(&wheel, now, ALARMS));
        for (int i = 0; i < ALARMS; i++)
            assert_int_equal(alarms[i].fired, alarms[i].timer.at_s <= now);
    }
    assert_int_equal(wheel.count, 0);
}

static void
wheel_reaches_beyond_its_top(void **state)
{
    (void)state;
    struct wheel wheel;
    struct alarm far = { 0 };
    wheel_init(&wheel, 100);
    wheel_timer_init(&far.timer, ring_alarm);
    uint64_t at = 100 + (UINT64_C(1) << 25) + 7;
    wheel_arm(&wheel, &far.timer, at);
    assert_false(wheel_turn(&wheel, at - 1, 10));
    assert_int_equal(far.fired, 0);
    assert_false(wheel_turn(&wheel, at, 10));
    assert_int_equal(far.fired, 1);
}

static void
wheel_does_a_bounded_piece_of_work(void **state)
{
    (void)state;
    enum { ALARMS = 10 };
    struct alarm alarms[ALARMS] = { 0 };
    struct wheel wheel;
    wheel_init(&wheel, 0);
    for (int i = 0; i < ALARMS; i++) {
        wheel_timer_init(&alarms[i].timer, ring_alarm);
        wheel_arm(&wheel, &alarms[i].timer, 5);
    }
    assert_true(wheel_turn(&wheel, 5, 4));
    assert_int_equal(wheel.count, 6);
    assert_false(wheel_turn(&wheel, 5, 6));
    assert_int_equal(wheel.count, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(view_finds_characters),
        cmocka_unit_test(cursor_is_sticky),
        cmocka_unit_test(pen_writes_what_cursor_reads),
        cmocka_unit_test(leb128_boundaries),
        cmocka_unit_test(leb128_has_one_form),
        cmocka_unit_test(varint_boundaries),
        cmocka_unit_test(mem_keeps_its_budget),
        cmocka_unit_test(map_against_an_array),
        cmocka_unit_test(heap_gives_the_earliest),
        cmocka_unit_test(ring_is_first_in_first_out),
        cmocka_unit_test(wheel_fires_each_at_its_second),
        cmocka_unit_test(wheel_reaches_beyond_its_top),
        cmocka_unit_test(wheel_does_a_bounded_piece_of_work),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
