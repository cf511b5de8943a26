/* catalog/field_text.c - a field of a table as text: a number as its digits, what is nested as JSON. */
#include "catalog/field_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "wire/utf8.h"

/* ---- one number ------------------------------------------------------------------------------------------------ */

/* 10^-scale of a whole number: its digits, with the point among them. */
static int
print_decimal(char room[FIELD_CHARS_MAX], int32_t value, uint8_t scale)
{
    enum { DIGITS_MAX = 10 };
    if (scale > DIGITS_MAX)
        return snprintf(room, FIELD_CHARS_MAX, "%" PRId32 "e-%u", value, scale);
    uint64_t unit = 1;
    for (unsigned i = 0; i < scale; i++)
        unit *= 10;
    uint64_t all = value < 0 ? (uint64_t)(-(int64_t)value) : (uint64_t)value;
    const char *sign = value < 0 ? "-" : "";
    if (scale == 0)
        return snprintf(room, FIELD_CHARS_MAX, "%s%" PRIu64, sign, all);
    return snprintf(room, FIELD_CHARS_MAX, "%s%" PRIu64 ".%0*" PRIu64, sign, all / unit, scale, all % unit);
}

bool
field_scalar(const struct amqp_value *v, char room[FIELD_CHARS_MAX], struct view *ret)
{
    int n = 0;
    int64_t x;
    switch (v->type) {
    case 't': n = snprintf(room, FIELD_CHARS_MAX, "%s", v->boolean ? "true" : "false"); break;
    case 'f':
    case 'd': n = snprintf(room, FIELD_CHARS_MAX, "%.17g", v->real); break;
    case 'D': n = print_decimal(room, v->decimal.value, v->decimal.scale); break;
    case 'T': n = snprintf(room, FIELD_CHARS_MAX, "%" PRIu64, v->unsigned_number); break;
    default:
        if (!amqp_value_integer(v, &x))
            return false;
        n = snprintf(room, FIELD_CHARS_MAX, "%" PRId64, x);
    }
    *ret = view_of(room, (size_t)n);
    return true;
}

/* ---- JSON ------------------------------------------------------------------------------------------------------ */

/* What is no UTF-8 has everything beyond ASCII as `?`. */
static void
put_text(struct pen *p, struct view text)
{
    bool whole = utf8_valid(text);
    put_u8(p, '"');
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = text.data[i];
        char escape[8];
        if (byte == '"' || byte == '\\') {
            put_u8(p, '\\');
            put_u8(p, byte);
        } else if (byte < 0x20 || byte == 0x7f) {
            snprintf(escape, sizeof(escape), "\\u%04x", byte);
            put_bytes(p, view_str(escape));
        } else {
            put_u8(p, byte >= 0x80 && !whole ? '?' : byte);
        }
    }
    put_u8(p, '"');
}

static void
put_object(struct pen *p, struct view table)
{
    struct cursor c = cursor_of(table);
    struct amqp_value v;
    struct view key;
    put_u8(p, '{');
    for (bool first = true; amqp_table_next(&c, &key, &v); first = false) {
        if (!first)
            put_u8(p, ',');
        put_text(p, key);
        put_u8(p, ':');
        field_json_text(p, &v);
    }
    put_u8(p, '}');
}

static void
put_array(struct pen *p, struct view items)
{
    struct cursor c = cursor_of(items);
    struct amqp_value v;
    put_u8(p, '[');
    for (bool first = true; amqp_array_next(&c, &v); first = false) {
        if (!first)
            put_u8(p, ',');
        field_json_text(p, &v);
    }
    put_u8(p, ']');
}

void
field_json_text(struct pen *p, const struct amqp_value *v)
{
    char room[FIELD_CHARS_MAX];
    struct view text = view_str("null");
    bool countable = (v->type != 'f' && v->type != 'd') || isfinite(v->real);
    switch (v->type) {
    case 'S':
    case 'x': put_text(p, v->bytes); break;
    case 'F': put_object(p, v->bytes); break;
    case 'A': put_array(p, v->bytes); break;
    default:
        if (countable)
            (void)field_scalar(v, room, &text);
        put_bytes(p, text);
    }
}
