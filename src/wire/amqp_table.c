/* wire/amqp_table.c - field tables and arrays: walked where they lie, checked once, composed with a pen.
 *
 *     table   u32 length   { name: short string   type: letter   value }...       4.2.5.5
 *     array   u32 length   { type: letter   value }...
 *
 * The letters are RabbitMQ's, see amqp.h. */
#include "base/err.h"
#include "wire/amqp.h"
#include "wire/amqp_rule.h"

static const char letters[] = "tbBsuIilLfdDSxFATV";

static double
take_real(struct cursor *in, char type)
{
    float narrow;
    double wide;
    if (type == 'f') {
        uint32_t bits = take_u32(in);
        memcpy(&narrow, &bits, sizeof(narrow));
        return (double)narrow;
    }
    uint64_t bits = take_u64(in);
    memcpy(&wide, &bits, sizeof(wide));
    return wide;
}

/* An item: its letter and value.  An unknown letter tears, and stays in ret->type; where there is none, 'V' does. */
static void
take_value(struct cursor *in, struct amqp_value *ret)
{
    char type = (char)take_u8(in);
    *ret = (struct amqp_value){ .type = in->torn ? 'V' : type };
    switch (ret->type) {
    case 't': ret->boolean = take_u8(in) != 0; break;
    case 'b': ret->number = (int8_t)take_u8(in); break;
    case 'B': ret->number = take_u8(in); break;
    case 's': ret->number = (int16_t)take_u16(in); break;
    case 'u': ret->number = take_u16(in); break;
    case 'I': ret->number = (int32_t)take_u32(in); break;
    case 'i': ret->number = take_u32(in); break;
    case 'l':
    case 'L': ret->number = (int64_t)take_u64(in); break;
    case 'T': ret->unsigned_number = take_u64(in); break;
    case 'f':
    case 'd': ret->real = take_real(in, ret->type); break;
    case 'D':
        ret->decimal.scale = take_u8(in);
        ret->decimal.value = (int32_t)take_u32(in);
        break;
    case 'S':
    case 'x':
    case 'F':
    case 'A': ret->bytes = take_long(in); break;
    case 'V': break;
    default: in->torn = true;
    }
}

bool
amqp_array_next(struct cursor *array, struct amqp_value *ret)
{
    if (array->torn || cursor_left(array) == 0)
        return false;
    take_value(array, ret);
    return !array->torn;
}

bool
amqp_table_next(struct cursor *table, struct view *retkey, struct amqp_value *ret)
{
    if (table->torn || cursor_left(table) == 0)
        return false;
    *retkey = take_shortstr(table);
    take_value(table, ret);
    return !table->torn;
}

/* The fields of a table ('F') or the items of an array, and all below. */
static int
check(struct view bytes, char type, unsigned depth, struct fault *why)
{
    struct cursor in = cursor_of(bytes);
    struct amqp_value v;
    struct view key;
    if (depth > AMQP_TABLE_DEPTH_MAX)
        return amqp_breach(why, AMQP_RULE_TABLE_DEPTH);
    while (type == 'F' ? amqp_table_next(&in, &key, &v) : amqp_array_next(&in, &v))
        if (v.type == 'F' || v.type == 'A') {
            int rc = check(v.bytes, v.type, depth + 1, why);
            if (rc < 0)
                return rc;
        }
    if (!in.torn)
        return 0;
    bool known = memchr(letters, v.type, strlen(letters)) != NULL;
    return amqp_breach(why, known ? AMQP_RULE_TABLE_TORN : AMQP_RULE_TABLE_TYPE);
}

int
amqp_table_check(struct view table, struct fault *why)
{
    return check(table, 'F', 1, why);
}

bool
amqp_table_find(struct view table, const char *key, struct amqp_value *ret)
{
    struct cursor in = cursor_of(table);
    struct amqp_value v;
    struct view name;
    while (amqp_table_next(&in, &name, &v))
        if (view_is(name, key)) {
            *ret = v;
            return true;
        }
    return false;
}

bool
amqp_value_integer(const struct amqp_value *v, int64_t *ret)
{
    static const char integers[] = "bBsuIilL";
    if (memchr(integers, v->type, strlen(integers)) == NULL)
        return false;
    *ret = v->number;
    return true;
}

static bool
is_real(const struct amqp_value *v)
{
    return v->type == 'f' || v->type == 'd';
}

bool
amqp_value_equal(const struct amqp_value *a, const struct amqp_value *b)
{
    int64_t x, y;
    if (amqp_value_integer(a, &x) && amqp_value_integer(b, &y))
        return x == y;
    if (is_real(a) && is_real(b))
        return a->real == b->real;
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case 't': return a->boolean == b->boolean;
    case 'T': return a->unsigned_number == b->unsigned_number;
    case 'D': return a->decimal.scale == b->decimal.scale && a->decimal.value == b->decimal.value;
    case 'V': return true;
    default: return view_equal(a->bytes, b->bytes);
    }
}

/* ---- writing ---------------------------------------------------------------------------------------------- */

static void
put_real(struct pen *p, char type, double real)
{
    float narrow = (float)real;
    uint32_t bits32;
    uint64_t bits64;
    memcpy(&bits32, &narrow, sizeof(bits32));
    memcpy(&bits64, &real, sizeof(bits64));
    if (type == 'f')
        put_u32(p, bits32);
    else
        put_u64(p, bits64);
}

/* The value behind its letter. */
static void
put_bare(struct pen *p, const struct amqp_value *v)
{
    switch (v->type) {
    case 't': put_u8(p, v->boolean); break;
    case 'b':
    case 'B': put_u8(p, (uint8_t)v->number); break;
    case 's':
    case 'u': put_u16(p, (uint16_t)v->number); break;
    case 'I':
    case 'i': put_u32(p, (uint32_t)v->number); break;
    case 'l':
    case 'L': put_u64(p, (uint64_t)v->number); break;
    case 'T': put_u64(p, v->unsigned_number); break;
    case 'f':
    case 'd': put_real(p, v->type, v->real); break;
    case 'D':
        put_u8(p, v->decimal.scale);
        put_u32(p, (uint32_t)v->decimal.value);
        break;
    case 'S':
    case 'x':
    case 'F':
    case 'A': put_long(p, v->bytes); break;
    case 'V': break;
    default: p->torn = true;
    }
}

void
amqp_put_item(struct pen *p, const struct amqp_value *v)
{
    put_u8(p, (uint8_t)v->type);
    put_bare(p, v);
}

void
amqp_put_name(struct pen *p, struct view key, char type)
{
    put_shortstr(p, key);
    put_u8(p, (uint8_t)type);
}

void
amqp_put_value(struct pen *p, struct view key, const struct amqp_value *v)
{
    amqp_put_name(p, key, v->type);
    put_bare(p, v);
}

void
amqp_put_table_open(struct pen *p, uint8_t **retmark)
{
    *retmark = p->at;
    put_u32(p, 0);
}

void
amqp_put_table_close(struct pen *p, uint8_t *mark)
{
    if (p->torn)
        return;
    struct pen at = pen_of(mark, sizeof(uint32_t));
    put_u32(&at, (uint32_t)(p->at - at.end));
}

const char *
amqp_type_name(char type)
{
    static const struct {
        char type;
        const char *name;
    } names[] = {
        {'t',  "bool"         },
        { 'b', "byte"         },
        { 'B', "unsignedbyte" },
        { 's', "short"        },
        { 'u', "unsignedshort"},
        { 'I', "signedint"    },
        { 'i', "unsignedint"  },
        { 'l', "long"         },
        { 'L', "long"         },
        { 'f', "float"        },
        { 'd', "double"       },
        { 'D', "decimal"      },
        { 'S', "longstr"      },
        { 'A', "array"        },
        { 'T', "timestamp"    },
        { 'F', "table"        },
        { 'x', "binary"       },
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].type == type)
            return names[i].name;
    return "void";
}
