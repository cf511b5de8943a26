/* Field tables: every type in the bytes of 4.2.5.5, values held against each other, nesting, composing, and what is
 * torn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/must.h"
#include "wire/amqp.h"
#include "wire/amqp_notation.h"

enum { ROOM = 2048 };

#define V(text)                                                  \
    {                                                            \
        .data = (const uint8_t *)(text), .len = sizeof(text) - 1 \
    }

/* Every type, its extremes, and how an item of it lies on the wire. */
/* clang-format off */
static const struct item {
    const char *bytes;
    struct amqp_value v;
} items[] = {
    { "[t]00", { 't', .boolean = false } },
    { "[t]01", { 't', .boolean = true } },
    { "[b]80", { 'b', .number = INT8_MIN } },
    { "[B]ff", { 'B', .number = UINT8_MAX } },
    { "[s]8000", { 's', .number = INT16_MIN } },
    { "[u]ffff", { 'u', .number = UINT16_MAX } },
    { "[I]80000000", { 'I', .number = INT32_MIN } },
    { "[I]ffffffff", { 'I', .number = -1 } },
    { "[i]ffffffff", { 'i', .number = UINT32_MAX } },
    { "[l]8000000000000000", { 'l', .number = INT64_MIN } },
    { "[L]ffffffffffffffff", { 'L', .number = -1 } },
    { "[f]3fc00000", { 'f', .real = 1.5 } },
    { "[d]c000000000000000", { 'd', .real = -2.0 } },
    { "[D]02fffffff6", { 'D', .decimal = { 2, -10 } } },
    { "[S]00000003[abc]", { 'S', .bytes = V("abc") } },
    { "[S]00000000", { 'S', .bytes = V("") } },
    { "[x]0000000200ff", { 'x', .bytes = V("\0\xff") } },
    { "[T]ffffffffffffffff", { 'T', .unsigned_number = UINT64_MAX } },
    { "[F]00000003 01[k][V]", { 'F', .bytes = V("\1kV") } },
    { "[A]00000003 [V][t]01", { 'A', .bytes = V("Vt\1") } },
    { "[V]", { 'V', .number = 0 } },
};
/* clang-format on */

static void
each_type_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(items); i++) {
        uint8_t noted[ROOM];
        struct cursor array = cursor_of(noted_bytes(items[i].bytes, noted, sizeof(noted)));
        struct amqp_value v;
        assert_true(amqp_array_next(&array, &v));
        assert_int_equal(v.type, items[i].v.type);
        assert_true(amqp_value_equal(&v, &items[i].v));
        assert_false(amqp_array_next(&array, &v));
        assert_false(array.torn);
    }
}

/* As items of an array, and as the fields of one table. */
static void
each_type_is_written(void **state)
{
    (void)state;
    uint8_t room[ROOM];
    struct pen table = pen_of(room, sizeof(room));
    for (size_t i = 0; i < COUNT_OF(items); i++) {
        uint8_t noted[ROOM], written[ROOM];
        struct view bytes = noted_bytes(items[i].bytes, noted, sizeof(noted));
        struct pen p = pen_of(written, sizeof(written));
        amqp_put_item(&p, &items[i].v);
        assert_true(view_equal(bytes, view_of(written, (size_t)(p.at - written))));
        amqp_put_value(&table, view_str("key"), &items[i].v);
    }
    struct cursor c = cursor_of(view_of(room, (size_t)(table.at - room)));
    struct amqp_value v;
    struct view key;
    size_t count = 0;
    for (; amqp_table_next(&c, &key, &v); count++) {
        assert_true(view_is(key, "key"));
        assert_true(amqp_value_equal(&v, &items[count].v));
    }
    assert_int_equal(count, COUNT_OF(items));
    assert_false(c.torn);
}

static void
check_refused(struct view table, const char *text)
{
    struct fault why = { 0 };
    uint8_t tight[ROOM];
    assert_int_equal(amqp_table_check(tight_copy(table, tight, sizeof(tight)), &why), -ERR_PROTOCOL);
    assert_int_equal(why.code, AMQP_SYNTAX_ERROR);
    assert_string_equal(why.clause, "4.2.5.5");
    assert_string_equal(why.text, text);
}

static void
torn_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(items); i++) {
        uint8_t room[ROOM];
        struct pen p = pen_of(room, sizeof(room));
        struct fault why;
        amqp_put_value(&p, view_str("key"), &items[i].v);
        size_t n = (size_t)(p.at - room);
        assert_int_equal(amqp_table_check(view_of(room, n), &why), 0);
        while (--n > 0)
            check_refused(view_of(room, n), "a field runs past the end of its table");
        assert_int_equal(amqp_table_check(view_of(room, 0), &why), 0);
    }
}

static void
refuses(void **state)
{
    (void)state;
    static const char torn[] = "a field runs past the end of its table", type[] = "a field of unknown type in a table";
    static const struct refusal {
        const char *bytes, *text;
    } refusals[] = {
        {"01[k][q]01",                           type},
        { "01[k]00",                             type},
        { "01[k][C]00",                          type},
        { "01[k][A]00000002 [t]01 01[k][A]0000", torn},
        { "01[k][A]00000001 [q]",                type},
        { "01[k][F]00000003 01[k][q]",           type},
        { "01[k][F]00000003 01[kt]",             torn},
        { "01[k][S]ffffffff 00",                 torn},
        { "ff[k][V]",                            torn},
        { "00",                                  torn},
    };
    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        uint8_t noted[ROOM];
        check_refused(noted_bytes(refusals[i].bytes, noted, sizeof(noted)), refusals[i].text);
    }
}

/* A table in a table in ..., `depth` in all; or arrays in a table. */
static struct view
nested(uint8_t *room, size_t len, unsigned depth, char type)
{
    struct pen p = pen_of(room, len);
    uint8_t *marks[AMQP_TABLE_DEPTH_MAX + 1];
    for (unsigned i = 0; i + 1 < depth; i++) {
        if (i == 0 || type == 'F')
            amqp_put_name(&p, view_str("k"), type);
        else
            put_u8(&p, (uint8_t)type);
        amqp_put_table_open(&p, &marks[i]);
    }
    for (unsigned i = depth - 1; i-- > 0;)
        amqp_put_table_close(&p, marks[i]);
    must(!p.torn);
    return view_of(room, (size_t)(p.at - room));
}

static void
nested_not_too_deep(void **state)
{
    (void)state;
    static const char types[] = "FA";
    for (size_t i = 0; i < 2; i++) {
        uint8_t room[ROOM];
        struct fault why;
        assert_int_equal(amqp_table_check(nested(room, sizeof(room), AMQP_TABLE_DEPTH_MAX, types[i]), &why), 0);
        check_refused(nested(room, sizeof(room), AMQP_TABLE_DEPTH_MAX + 1, types[i]), "tables are nested too deep");
    }
}

static void
finds_the_first(void **state)
{
    (void)state;
    uint8_t noted[ROOM];
    struct view table = noted_bytes("01[a][V] 02[ab][B]01 02[ab][B]02 00[B]03 01[z]", noted, sizeof(noted));
    struct amqp_value v;
    assert_true(amqp_table_find(table, "ab", &v));
    assert_int_equal(v.number, 1);
    assert_true(amqp_table_find(table, "", &v));
    assert_int_equal(v.number, 3);
    assert_false(amqp_table_find(table, "b", &v));
    assert_false(amqp_table_find(table, "z", &v));
    assert_int_equal(v.number, 3);
}

/* Integers by value whatever their width, and so are floats; nothing else has a twin. */
static void
values_are_held_against_each_other(void **state)
{
    (void)state;
    static const char integers[] = "bBsuIilL";
    for (size_t i = 0; i < strlen(integers); i++)
        for (size_t k = 0; k < strlen(integers); k++) {
            struct amqp_value a = { integers[i], .number = 7 }, b = { integers[k], .number = 7 };
            int64_t n = 0;
            assert_true(amqp_value_equal(&a, &b));
            assert_true(amqp_value_integer(&a, &n) && n == 7);
            b.number = 8;
            assert_false(amqp_value_equal(&a, &b));
        }
    struct amqp_value f = { 'f', .real = 0.5 }, d = { 'd', .real = 0.5 };
    assert_true(amqp_value_equal(&f, &d));
    for (size_t i = 0; i < COUNT_OF(items); i++)
        for (size_t k = 0; k < COUNT_OF(items); k++)
            if (i != k && items[i].v.type != items[k].v.type && items[i].v.number != -1)
                assert_false(amqp_value_equal(&items[i].v, &items[k].v));
    struct amqp_value t = { 'T', .unsigned_number = 7 };
    int64_t n;
    assert_false(amqp_value_integer(&t, &n));
    assert_false(amqp_value_integer(&(struct amqp_value){ 0 }, &n));
}

/* What cannot be written tears the pen, and it stays within its room. */
static void
pens_are_torn(void **state)
{
    (void)state;
    static const uint8_t text[AMQP_SHORTSTR_MAX + 1];
    uint8_t room[ROOM];
    struct amqp_value v = { 'V', .number = 0 }, unknown = { 'q', .number = 0 };
    struct pen p = pen_of(room, sizeof(room));
    amqp_put_value(&p, view_of(text, AMQP_SHORTSTR_MAX), &v);
    assert_false(p.torn);
    amqp_put_value(&p, view_of(text, AMQP_SHORTSTR_MAX + 1), &v);
    assert_true(p.torn);
    p = pen_of(room, sizeof(room));
    amqp_put_item(&p, &unknown);
    assert_true(p.torn);
    uint8_t *mark;
    p = pen_of(room, 3);
    amqp_put_table_open(&p, &mark);
    amqp_put_table_close(&p, mark);
    assert_true(p.torn);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_type_is_read),
        cmocka_unit_test(each_type_is_written),
        cmocka_unit_test(torn_anywhere),
        cmocka_unit_test(refuses),
        cmocka_unit_test(nested_not_too_deep),
        cmocka_unit_test(finds_the_first),
        cmocka_unit_test(values_are_held_against_each_other),
        cmocka_unit_test(pens_are_torn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
