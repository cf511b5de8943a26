/* wire/xdr_test.c - the runtime of stubs, used as stubs use it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/must.h"
#include "guard.h"
#include "tambo/xdr.h"

/* ---- memory that runs out ------------------------------------------------------------------------------------ */

/* Allocations are counted through the linker (--wrap); the one with this number fails. */
static unsigned allocations, fail_at;

void *__real_malloc(size_t n);
void *__real_calloc(size_t count, size_t n);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t count, size_t n);
void *__wrap_realloc(void *p, size_t n);

void *
__wrap_malloc(size_t n)
{
    return ++allocations == fail_at ? NULL : __real_malloc(n);
}

void *
__wrap_calloc(size_t count, size_t n)
{
    return ++allocations == fail_at ? NULL : __real_calloc(count, n);
}

void *
__wrap_realloc(void *p, size_t n)
{
    return ++allocations == fail_at ? NULL : __real_realloc(p, n);
}

/* ---- a type as stubs have it: a tree with names ---------------------------------------------------------------- */

/* struct node { string name<20>; opaque mark[3]; bool ok; node *left; node *right; int numbers<4>; } */
struct node {
    char *name;
    uint8_t mark[3];
    bool ok;
    struct node *left, *right;
    struct {
        int32_t *items;
        uint32_t count;
    } numbers;
};

static int
encode_pointer(struct tambo_xdr_out *out, const struct node *node, const char *field,
               int (*encode)(struct tambo_xdr_out *, const struct node *))
{
    int rc = tambo_xdr_put_pointer(out, node);

    if (rc > 0) {
        rc = encode(out, node);
        tambo_xdr_up(out);
    }
    return rc < 0 ? tambo_xdr_in_field(&out->fault, rc, field, -1) : 0;
}

static int
encode_node(struct tambo_xdr_out *out, const struct node *node)
{
    uint8_t *p;
    int rc = tambo_xdr_put_string(out, node->name, 20);

    if (rc < 0)
        return tambo_xdr_in_field(&out->fault, rc, "name", -1);
    p = tambo_xdr_room(out, 8);
    if (p == NULL)
        return out->fault.rc;
    p = tambo_xdr_write_fixed(p, node->mark, 3);
    tambo_xdr_write_u32(p, node->ok);
    rc = encode_pointer(out, node->left, "left", encode_node);
    if (rc == 0)
        rc = encode_pointer(out, node->right, "right", encode_node);
    if (rc < 0)
        return rc;
    rc = tambo_xdr_put_count(out, node->numbers.count, 4, node->numbers.items);
    if (rc < 0)
        return tambo_xdr_in_field(&out->fault, rc, "numbers", -1);
    p = tambo_xdr_room(out, 4 * (size_t)node->numbers.count);
    if (p == NULL)
        return out->fault.rc;
    for (uint32_t i = 0; i < node->numbers.count; i++)
        p = tambo_xdr_write_u32(p, (uint32_t)node->numbers.items[i]);
    return 0;
}

static int
decode_pointer(struct tambo_xdr_in *in, struct node **ret, const char *field,
               int (*decode)(struct tambo_xdr_in *, struct node *))
{
    int rc = tambo_xdr_get_pointer(in, sizeof(**ret), ret);

    if (rc > 0) {
        rc = decode(in, *ret);
        tambo_xdr_in_up(in);
    }
    return rc < 0 ? tambo_xdr_in_field(&in->fault, rc, field, -1) : 0;
}

static int
decode_node(struct tambo_xdr_in *in, struct node *ret)
{
    const uint8_t *p;
    int rc = tambo_xdr_get_string(in, &ret->name, 20);

    if (rc < 0)
        return tambo_xdr_in_field(&in->fault, rc, "name", -1);
    p = tambo_xdr_need(in, 8);
    if (p == NULL)
        return in->fault.rc;
    rc = tambo_xdr_read_fixed(in, p, ret->mark, 3);
    if (rc < 0)
        return tambo_xdr_in_field(&in->fault, rc, "mark", -1);
    rc = tambo_xdr_read_bool(in, p + 4, &ret->ok);
    if (rc < 0)
        return tambo_xdr_in_field(&in->fault, rc, "ok", -1);
    rc = decode_pointer(in, &ret->left, "left", decode_node);
    if (rc == 0)
        rc = decode_pointer(in, &ret->right, "right", decode_node);
    if (rc < 0)
        return rc;
    rc = tambo_xdr_get_array(in, 4, 4, sizeof(*ret->numbers.items), &ret->numbers.count, &ret->numbers.items);
    if (rc < 0)
        return tambo_xdr_in_field(&in->fault, rc, "numbers", -1);
    p = tambo_xdr_need(in, 4 * (size_t)ret->numbers.count);
    if (p == NULL)
        return in->fault.rc;
    for (size_t i = 0; i < ret->numbers.count; i++)
        ret->numbers.items[i] = (int32_t)tambo_xdr_read_u32(p + 4 * i);
    return 0;
}

/* ---- what is asked of both -------------------------------------------------------------------------------------- */

static void
assert_why(const struct tambo_xdr_fault *fault, const char *expected)
{
    char why[256];

    tambo_xdr_why(fault, why, sizeof(why));
    assert_string_equal(why, expected);
}

/* Is refused, with these words; nothing is left. */
static void
refuses_to_encode(const struct node *node, int rc, const char *why)
{
    struct tambo_xdr_out out;

    tambo_xdr_out_init(&out, 1 << 20);
    assert_int_equal(encode_node(&out, node), rc);
    assert_why(&out.fault, why);
    tambo_xdr_out_free(&out);
}

static void
refuses_to_decode(const void *bytes, size_t len, const char *why)
{
    struct tambo_arena arena = { 0 };
    struct tambo_xdr_in in;
    struct node node;

    tambo_xdr_in_init(&in, bytes, len, &arena);
    assert_int_equal(decode_node(&in, &node), -TAMBO_ERR_PROTOCOL);
    assert_why(&in.fault, why);
    tambo_arena_free(&arena);
}

/* A tree of three with everything in it, and its bytes by RFC 4506. */
static int32_t numbers[] = { 1, -1 };
static struct node leaf = {
    .name = (char *)"", .mark = {1, 2, 3},
          .ok = true
};
static struct node other = {
    .name = (char *)"lisp", .numbers = {numbers, 2}
};
static struct node tree = {
    .name = (char *)"sillyprog", .mark = {255, 0, 9},
          .ok = true, .left = &leaf, .right = &other
};

/* clang-format off */
static const uint8_t tree_bytes[] = {
    0, 0, 0, 9, 's', 'i', 'l', 'l', 'y', 'p', 'r', 'o', 'g', 0, 0, 0,   255, 0, 9, 0,   0, 0, 0, 1,
        0, 0, 0, 1,   0, 0, 0, 0,   1, 2, 3, 0,   0, 0, 0, 1,   0, 0, 0, 0,   0, 0, 0, 0,   0, 0, 0, 0,
        0, 0, 0, 1,   0, 0, 0, 4, 'l', 'i', 's', 'p',   0, 0, 0, 0,   0, 0, 0, 0,   0, 0, 0, 0,   0, 0, 0, 0,
            0, 0, 0, 2,   0, 0, 0, 1,   255, 255, 255, 255,
    0, 0, 0, 0,
};
/* clang-format on */

/* ---- values ------------------------------------------------------------------------------------------------------ */

static void
test_a_tree_both_ways(void **state)
{
    struct tambo_arena arena = { 0 };
    struct tambo_xdr_out out;
    struct tambo_xdr_in in;
    struct node node;

    (void)state;
    tambo_xdr_out_init(&out, sizeof(tree_bytes));
    assert_int_equal(encode_node(&out, &tree), 0);
    assert_int_equal(tambo_xdr_out_len(&out), sizeof(tree_bytes));
    assert_memory_equal(out.start, tree_bytes, sizeof(tree_bytes));
    tambo_xdr_out_free(&out);

    tambo_xdr_in_init(&in, tree_bytes, sizeof(tree_bytes), &arena);
    assert_int_equal(decode_node(&in, &node), 0);
    assert_ptr_equal(in.at, in.end);
    assert_string_equal(node.name, "sillyprog");
    assert_memory_equal(node.mark, tree.mark, 3);
    assert_true(node.ok && node.left->ok && !node.right->ok);
    assert_string_equal(node.left->name, "");
    assert_null(node.left->left);
    assert_null(node.left->numbers.items);
    assert_int_equal(node.right->numbers.count, 2);
    assert_memory_equal(node.right->numbers.items, numbers, sizeof(numbers));
    tambo_arena_free(&arena);
}

/* RFC 4506, 4: what each basic type is. */
static void
test_words(void **state)
{
    uint8_t bytes[8];

    (void)state;
    assert_ptr_equal(tambo_xdr_write_u32(bytes, 0x01020304), bytes + 4);
    assert_memory_equal(bytes, "\x01\x02\x03\x04", 4);
    assert_int_equal(tambo_xdr_read_u32(bytes), 0x01020304);
    tambo_xdr_write_u64(bytes, UINT64_C(0x0102030405060708));
    assert_memory_equal(bytes, "\x01\x02\x03\x04\x05\x06\x07\x08", 8);
    assert_true(tambo_xdr_read_u64(bytes) == UINT64_C(0x0102030405060708));
    tambo_xdr_write_float(bytes, -1.5F);
    assert_memory_equal(bytes, "\xbf\xc0\x00\x00", 4);
    assert_true(tambo_xdr_read_float(bytes) == -1.5F);
    tambo_xdr_write_double(bytes, 1.0);
    assert_memory_equal(bytes, "\x3f\xf0\x00\x00\x00\x00\x00\x00", 8);
    assert_true(tambo_xdr_read_double(bytes) == 1.0);
}

static void
test_padding(void **state)
{
    static const size_t padded[] = { 0, 4, 4, 4, 4, 8 };

    (void)state;
    for (uint32_t n = 0; n < COUNT_OF(padded); n++) {
        struct tambo_xdr_out out;
        tambo_xdr_out_init(&out, 64);
        assert_int_equal(tambo_xdr_put_fixed(&out, "abcde", n), 0);
        assert_int_equal(tambo_xdr_out_len(&out), padded[n]);
        assert_int_equal(tambo_xdr_put_opaque(&out, "abcde", n, n), 0);
        assert_int_equal(tambo_xdr_out_len(&out), 2 * padded[n] + 4);
        for (size_t i = n; i < padded[n]; i++)
            assert_int_equal(out.start[i], 0);
        tambo_xdr_out_free(&out);
    }
}

static void
test_narrow_integers(void **state)
{
    static const struct {
        uint32_t word;
        bool int8, uint8, int16, uint16;
    } rows[] = {
        {0,                 true,  true,  true,  true },
        { 127,              true,  true,  true,  true },
        { 128,              false, true,  true,  true },
        { 256,              false, false, true,  true },
        { 32768,            false, false, false, true },
        { 65536,            false, false, false, false},
        { (uint32_t)-1,     true,  false, true,  false},
        { (uint32_t)-128,   true,  false, true,  false},
        { (uint32_t)-129,   false, false, true,  false},
        { (uint32_t)-32769, false, false, false, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct tambo_xdr_in in;
        uint8_t bytes[4], u8;
        int8_t i8;
        int16_t i16;
        uint16_t u16;
        tambo_xdr_write_u32(bytes, rows[i].word);
        tambo_xdr_in_init(&in, bytes, 4, NULL);
        assert_int_equal(tambo_xdr_read_int8(&in, bytes, &i8) == 0, rows[i].int8);
        assert_int_equal(tambo_xdr_read_uint8(&in, bytes, &u8) == 0, rows[i].uint8);
        assert_int_equal(tambo_xdr_read_int16(&in, bytes, &i16) == 0, rows[i].int16);
        assert_int_equal(tambo_xdr_read_uint16(&in, bytes, &u16) == 0, rows[i].uint16);
        if (rows[i].int8)
            assert_true((uint32_t)i8 == rows[i].word);
        if (rows[i].uint16)
            assert_true(u16 == rows[i].word);
    }
}

/* ---- what is refused -----------------------------------------------------------------------------------------------
 */

static void
test_cut_at_every_byte(void **state)
{
    struct guard guard;

    (void)state;
    guard_init(&guard, sizeof(tree_bytes));
    for (size_t n = 0; n < sizeof(tree_bytes); n++) {
        struct view cut = guard_place(&guard, view_of(tree_bytes, n));
        struct tambo_arena arena = { 0 };
        struct tambo_xdr_in in;
        struct node node;
        tambo_xdr_in_init(&in, cut.data, cut.len, &arena);
        assert_int_equal(decode_node(&in, &node), -TAMBO_ERR_PROTOCOL);
        assert_non_null(strstr(in.fault.text, "the input ends before"));
        tambo_arena_free(&arena);
    }
    guard_fini(&guard);
}

static void
test_each_byte_wrong(void **state)
{
    uint8_t bytes[sizeof(tree_bytes)];

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            struct tambo_arena arena = { 0 };
            struct tambo_xdr_in in;
            struct node node;
            memcpy(bytes, tree_bytes, sizeof(bytes));
            bytes[i] ^= (uint8_t)(1U << bit);
            tambo_xdr_in_init(&in, bytes, sizeof(bytes), &arena);
            if (decode_node(&in, &node) == 0 && in.at == in.end) {
                /* Then it is another value: it is written to just these bytes. */
                struct tambo_xdr_out out;
                tambo_xdr_out_init(&out, sizeof(bytes));
                assert_int_equal(encode_node(&out, &node), 0);
                assert_memory_equal(out.start, bytes, sizeof(bytes));
                tambo_xdr_out_free(&out);
            }
            tambo_arena_free(&arena);
        }
}

static void
test_bytes_that_are_refused(void **state)
{
    (void)state;
    refuses_to_decode("\0\0\0\1a\0\0\1", 8, "name: its padding is not zero");
    refuses_to_decode("\0\0\0\2a\0\0\0", 8, "name: a string has a NUL inside");
    refuses_to_decode("\0\0\0\25", 4, "name: longer than its limit");
    refuses_to_decode("\0\0\0\0\1\2\3\4\0\0\0\0", 12, "mark: its padding is not zero");
    refuses_to_decode("\0\0\0\0\1\2\3\0\0\0\0\2", 12, "ok: neither true nor false");
    refuses_to_decode("\0\0\0\0\1\2\3\0\0\0\0\0\0\0\0\2", 16, "left: neither true nor false");
    refuses_to_decode("\0\0\0\0\1\2\3\0\0\0\0\0\0\0\0\1\0\0\0\1b\0\0\1", 24, "left.name: its padding is not zero");
    refuses_to_decode("\0\0\0\0\1\2\3\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\5", 24, "numbers: longer than its limit");
    refuses_to_decode("\0\0\0\0\1\2\3\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\4\0\0\0\0", 28,
                      "numbers: the input ends before its elements");
}

/* A length that claims what is not there takes no memory. */
static void
test_limits_before_memory(void **state)
{
    static const uint8_t claims[] = { 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0 };
    struct tambo_arena arena = { 0 };
    struct tambo_xdr_in in;
    struct tambo_bytes bytes;
    uint32_t count;
    char *text;
    void *items;

    (void)state;
    allocations = 0;
    tambo_xdr_in_init(&in, claims, sizeof(claims), &arena);
    assert_int_equal(tambo_xdr_get_opaque(&in, &bytes, UINT32_MAX), -TAMBO_ERR_PROTOCOL);
    tambo_xdr_in_init(&in, claims, sizeof(claims), &arena);
    assert_int_equal(tambo_xdr_get_string(&in, &text, UINT32_MAX), -TAMBO_ERR_PROTOCOL);
    tambo_xdr_in_init(&in, claims, sizeof(claims), &arena);
    assert_int_equal(tambo_xdr_get_array(&in, UINT32_MAX, 1, 1, &count, &items), -TAMBO_ERR_PROTOCOL);
    tambo_xdr_in_init(&in, claims, sizeof(claims), &arena);
    assert_int_equal(tambo_xdr_get_array(&in, UINT32_MAX, 0, 1 << 20, &count, &items), -TAMBO_ERR_PROTOCOL);
    assert_int_equal(allocations, 0);
    assert_int_equal(arena.bytes, 0);
}

static void
test_values_that_are_refused(void **state)
{
    struct node bad = { .name = NULL };
    struct node top = { .name = (char *)"", .right = &bad };

    (void)state;
    refuses_to_encode(&top, -TAMBO_ERR_ARGUMENTS, "right.name: a string is never NULL");
    bad.name = (char *)"123456789012345678901";
    refuses_to_encode(&top, -TAMBO_ERR_ARGUMENTS, "right.name: longer than its limit");
    bad.name = (char *)"";
    bad.numbers.items = numbers;
    bad.numbers.count = 5;
    refuses_to_encode(&top, -TAMBO_ERR_ARGUMENTS, "right.numbers: longer than its limit");
    bad.numbers.items = NULL;
    bad.numbers.count = 1;
    refuses_to_encode(&top, -TAMBO_ERR_ARGUMENTS, "right.numbers: it is NULL");
}

/* ---- pointers -------------------------------------------------------------------------------------------------- */

static void
test_shared_pointers_and_cycles(void **state)
{
    static const char shared[] = "a pointer comes twice in this value: shared, or a cycle";
    struct node a = { .name = (char *)"a" }, b = { .name = (char *)"b" }, top = { .name = (char *)"top" };
    char why[200];

    (void)state;
    top.left = top.right = &a;
    snprintf(why, sizeof(why), "right: %s", shared);
    refuses_to_encode(&top, -TAMBO_ERR_ARGUMENTS, why);
    top.right = &b;
    b.left = &a;
    snprintf(why, sizeof(why), "right.left: %s", shared);
    refuses_to_encode(&top, -TAMBO_ERR_ARGUMENTS, why);
    b.left = NULL;
    a.right = &a;
    snprintf(why, sizeof(why), "left.right: %s", shared);
    refuses_to_encode(&top, -TAMBO_ERR_ARGUMENTS, why);
    a.right = &top; /* comes back to itself: the second time it is seen */
    snprintf(why, sizeof(why), "left.right.left: %s", shared);
    refuses_to_encode(&top, -TAMBO_ERR_ARGUMENTS, why);
}

/* Many pointers, and the same ones again in the next value: those of one value count. */
static void
test_many_pointers(void **state)
{
    enum { MANY = 1000 };
    static char things[MANY];
    struct tambo_xdr_out out;

    (void)state;
    tambo_xdr_out_init(&out, 1 << 20);
    for (unsigned round = 0; round < 3; round++) {
        tambo_xdr_out_begin(&out);
        for (size_t i = 0; i < MANY; i++) {
            assert_int_equal(tambo_xdr_put_pointer(&out, &things[i]), 1);
            tambo_xdr_up(&out);
        }
        for (size_t i = 0; i < MANY; i++)
            assert_int_equal(tambo_xdr_put_pointer(&out, &things[i]), -TAMBO_ERR_ARGUMENTS);
    }
    tambo_xdr_out_free(&out);
}

static void
test_depth(void **state)
{
    static struct node chain[TAMBO_XDR_DEPTH_MAX + 2];
    struct tambo_arena arena = { 0 };
    struct tambo_xdr_out out;
    struct tambo_xdr_in in;
    struct node node;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(chain); i++)
        chain[i] = (struct node){ .name = (char *)"", .left = i + 2 < COUNT_OF(chain) ? &chain[i + 1] : NULL };
    tambo_xdr_out_init(&out, 1 << 20);
    assert_int_equal(encode_node(&out, chain), 0);
    tambo_xdr_in_init(&in, out.start, tambo_xdr_out_len(&out), &arena);
    assert_int_equal(decode_node(&in, &node), 0);
    assert_int_equal(in.depth, 0);

    /* One more: as bytes it is the same with one pointer more. */
    chain[COUNT_OF(chain) - 2].left = &chain[COUNT_OF(chain) - 1];
    tambo_xdr_out_begin(&out);
    out.at = out.start;
    assert_int_equal(encode_node(&out, chain), -TAMBO_ERR_ARGUMENTS);
    assert_string_equal(out.fault.text, "nested too deeply");
    assert_memory_equal(out.fault.path, "...", 3);

    out.at = out.start;
    for (size_t i = 0; i < COUNT_OF(chain); i++) {
        assert_int_equal(tambo_xdr_put_fixed(&out, "\0\0\0\0\0\0\0\0\0\0\0\0", 12), 0);
        assert_int_equal(tambo_xdr_put_u32(&out, 1), 0);
    }
    tambo_xdr_in_init(&in, out.start, tambo_xdr_out_len(&out), &arena);
    assert_int_equal(decode_node(&in, &node), -TAMBO_ERR_PROTOCOL);
    assert_string_equal(in.fault.text, "nested too deeply");
    tambo_xdr_out_free(&out);
    tambo_arena_free(&arena);
}

/* ---- memory --------------------------------------------------------------------------------------------------------
 */

static void
test_each_allocation_fails(void **state)
{
    bool encoded = false, decoded = false;

    (void)state;
    for (fail_at = 1; !encoded || !decoded; fail_at++) {
        struct tambo_arena arena = { 0 };
        struct tambo_xdr_out out;
        struct tambo_xdr_in in;
        struct node node;
        allocations = 0;
        tambo_xdr_out_init(&out, 1 << 20);
        int rc = encode_node(&out, &tree);
        encoded = rc == 0;
        if (!encoded)
            assert_int_equal(rc, -TAMBO_ERR_NO_MEMORY);
        tambo_xdr_out_free(&out);
        allocations = 0;
        tambo_xdr_in_init(&in, tree_bytes, sizeof(tree_bytes), &arena);
        rc = decode_node(&in, &node);
        decoded = rc == 0;
        if (!decoded)
            assert_int_equal(rc, -TAMBO_ERR_NO_MEMORY);
        tambo_arena_free(&arena);
    }
    fail_at = 0;
}

static void
test_arena(void **state)
{
    struct tambo_arena arena = { .bytes_max = 100000 };
    uint8_t *last = NULL;

    (void)state;
    assert_non_null(tambo_arena_take(&arena, 0));
    for (size_t n = 1; n < 2000; n += 37) {
        uint8_t *p = tambo_arena_take(&arena, n);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
        memset(p, (int)n, n);
        assert_true(p != last);
        last = p;
    }
    assert_null(tambo_arena_take(&arena, 100000));
    assert_null(tambo_arena_take(&arena, SIZE_MAX));
    tambo_arena_reset(&arena);
    allocations = 0;
    assert_non_null(tambo_arena_take(&arena, 1000));
    assert_int_equal(allocations, 0); /* a block was kept */
    assert_non_null(tambo_arena_take(&arena, 98000));
    assert_null(tambo_arena_take(&arena, 2000));
    tambo_arena_free(&arena);
    assert_int_equal(arena.bytes_max, 100000);
    assert_non_null(tambo_arena_take(&arena, 100000));
    tambo_arena_free(&arena);
}

static void
test_no_arena(void **state)
{
    struct tambo_xdr_in in;
    char *text;

    (void)state;
    tambo_xdr_in_init(&in, "\0\0\0\0", 4, NULL);
    assert_int_equal(tambo_xdr_get_string(&in, &text, 10), -TAMBO_ERR_NO_MEMORY);
    assert_why(&in.fault, "no arena");
}

static void
test_out_grows_to_its_limit(void **state)
{
    struct tambo_xdr_out out;
    unsigned n = 0;

    (void)state;
    tambo_xdr_out_init(&out, 10000);
    while (tambo_xdr_put_u32(&out, n) == 0)
        n++;
    assert_int_equal(n, 2500);
    assert_int_equal(out.fault.rc, -TAMBO_ERR_TOO_LARGE);
    for (uint32_t i = 0; i < n; i++)
        assert_int_equal(tambo_xdr_read_u32(out.start + 4 * i), i);
    assert_null(tambo_xdr_room(&out, SIZE_MAX));
    tambo_xdr_out_free(&out);
    tambo_xdr_out_free(&out);
}

static int
no_more(struct tambo_xdr_out *out, size_t n)
{
    (void)n;
    *(int *)out->arg += 1;
    return -TAMBO_ERR_TOO_LARGE;
}

/* A buffer of somebody else is not freed, what is known of pointers is. */
static void
test_room_of_somebody_else(void **state)
{
    uint8_t room[sizeof(tree_bytes)];
    int asked = 0;
    struct tambo_xdr_out out = {
        .at = room, .start = room, .end = room + sizeof(room), .more = no_more, .arg = &asked
    };

    (void)state;
    assert_int_equal(encode_node(&out, &tree), 0);
    assert_memory_equal(room, tree_bytes, sizeof(room));
    assert_int_equal(asked, 0);
    assert_int_equal(tambo_xdr_put_u32(&out, 1), -TAMBO_ERR_TOO_LARGE);
    assert_int_equal(asked, 1);
    tambo_xdr_out_free(&out);
}

/* ---- paths ----------------------------------------------------------------------------------------------------- */

static void
test_path(void **state)
{
    struct tambo_xdr_fault fault;

    (void)state;
    assert_int_equal(tambo_xdr_fail(&fault, -TAMBO_ERR_PROTOCOL, "wrong"), -TAMBO_ERR_PROTOCOL);
    assert_why(&fault, "wrong");
    assert_int_equal(tambo_xdr_in_field(&fault, -1, "x", -1), -1);
    tambo_xdr_in_field(&fault, -1, NULL, 3);
    tambo_xdr_in_field(&fault, -1, "points", -1);
    assert_why(&fault, "points[3].x: wrong");
    tambo_xdr_in_field(&fault, -1, "shapes", 0);
    assert_why(&fault, "shapes[0].points[3].x: wrong");
    for (unsigned i = 0; i < 100; i++)
        tambo_xdr_in_field(&fault, -1, "children", i);
    assert_memory_equal(fault.path, "...children[", 12);
    assert_non_null(strstr(fault.path, ".shapes[0].points[3].x"));
    assert_true(strlen(fault.path) < sizeof(fault.path));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_padding),
        cmocka_unit_test(test_narrow_integers),
        cmocka_unit_test(test_a_tree_both_ways),
        cmocka_unit_test(test_bytes_that_are_refused),
        cmocka_unit_test(test_values_that_are_refused),
        cmocka_unit_test(test_cut_at_every_byte),
        cmocka_unit_test(test_each_byte_wrong),
        cmocka_unit_test(test_limits_before_memory),
        cmocka_unit_test(test_shared_pointers_and_cycles),
        cmocka_unit_test(test_many_pointers),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_each_allocation_fails),
        cmocka_unit_test(test_arena),
        cmocka_unit_test(test_no_arena),
        cmocka_unit_test(test_out_grows_to_its_limit),
        cmocka_unit_test(test_room_of_somebody_else),
        cmocka_unit_test(test_path),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
