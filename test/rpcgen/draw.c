/* rpcgen/draw.c - see draw.h. */
#include "rpcgen/draw.h"

#include "base/must.h"

enum { DEPTH_MAX = 6, COUNT_MAX = 5, BYTES_MAX = 40 };

struct drawing {
    struct prng *prng;
    struct tambo_xdr_out *out;
    unsigned depth;
};

static void draw(struct drawing *d, const struct idl_decl *decl);

static void
put(struct drawing *d, uint32_t word)
{
    must(tambo_xdr_put_u32(d->out, word) == 0);
}

/* Small numbers, and the ends of the range, are as likely as all others together. */
static uint32_t
draw_word(struct drawing *d)
{
    static const uint32_t odd[] = { 0, 1, 0x7fffffff, 0x80000000, 0xffffffff };

    if (prng_once_in(d->prng, 2))
        return odd[prng_below(d->prng, COUNT_OF(odd))];
    return (uint32_t)prng_next(d->prng);
}

static void
draw_int(struct drawing *d, const struct idl_type *type)
{
    uint32_t word = draw_word(d);

    if (type->bits < 32 && type->is_unsigned)
        word &= (1U << type->bits) - 1;
    else if (type->bits < 32)
        word = (uint32_t)((int32_t)(word << (32 - type->bits)) >> (32 - type->bits));
    put(d, word);
}

static uint32_t
draw_count(struct drawing *d, const struct idl_decl *decl, uint32_t usual_max)
{
    uint64_t max = decl->is_bounded ? (uint64_t)decl->bound.value : UINT32_MAX;

    if (d->depth >= DEPTH_MAX)
        return 0;
    return (uint32_t)prng_below(d->prng, (max < usual_max ? max : usual_max) + 1);
}

static void
draw_bytes(struct drawing *d, uint32_t len, bool is_text)
{
    uint8_t bytes[256];

    must(len <= sizeof(bytes));
    prng_fill(d->prng, bytes, len);
    for (uint32_t i = 0; is_text && i < len; i++)
        bytes[i] = bytes[i] == 0 ? 'x' : bytes[i];
    must(tambo_xdr_put_fixed(d->out, bytes, len) == 0);
}

static void
draw_enum(struct drawing *d, const struct idl_def *def)
{
    const struct idl_enumerator *e = def->enumerators;

    for (uint64_t n = prng_below(d->prng, 8); n > 0; n--)
        e = e->next == NULL ? def->enumerators : e->next;
    put(d, (uint32_t)e->number.value);
}

/* A label of an arm, or for the default any number that has no arm. */
static const struct idl_case *
draw_label(struct drawing *d, const struct idl_def *def)
{
    uint64_t skip = prng_below(d->prng, 8);
    const struct idl_case *arm = def->choice.cases;

    for (; skip > 0; skip--)
        arm = arm->next == NULL ? def->choice.cases : arm->next;
    put(d, (uint32_t)arm->labels[prng_below(d->prng, arm->label_count)].value);
    return arm;
}

static void
draw_union(struct drawing *d, const struct idl_def *def)
{
    if (def->choice.otherwise != NULL && prng_once_in(d->prng, 4)) {
        put(d, 0x7e57);
        if (def->choice.otherwise->arm.type.kind != IDL_VOID)
            draw(d, &def->choice.otherwise->arm);
        return;
    }
    const struct idl_case *arm = draw_label(d, def);
    if (arm->arm.type.kind != IDL_VOID)
        draw(d, &arm->arm);
}

static void
draw_named(struct drawing *d, const struct idl_def *def)
{
    d->depth++;
    switch (def->kind) {
    case IDL_ENUM: draw_enum(d, def); break;
    case IDL_UNION: draw_union(d, def); break;
    case IDL_TYPEDEF: draw(d, &def->alias); break;
    case IDL_STRUCT:
        for (const struct idl_decl *field = def->fields; field != NULL; field = field->next)
            draw(d, field);
        break;
    default: must(false);
    }
    d->depth--;
}

static void
draw_plain(struct drawing *d, const struct idl_decl *decl)
{
    uint32_t len;

    switch (decl->type.kind) {
    case IDL_VOID: break;
    case IDL_BOOL: put(d, (uint32_t)prng_below(d->prng, 2)); break;
    case IDL_FLOAT: put(d, (uint32_t)prng_below(d->prng, 0x7f800000)); break; /* no NaN, which need not stay as it is */
    case IDL_DOUBLE:
        put(d, (uint32_t)prng_below(d->prng, 0x7ff00000));
        put(d, draw_word(d));
        break;
    case IDL_HYPER:
        put(d, draw_word(d));
        put(d, draw_word(d));
        break;
    case IDL_STRING:
        len = draw_count(d, decl, BYTES_MAX);
        put(d, len);
        draw_bytes(d, len, true);
        break;
    case IDL_NAMED: draw_named(d, decl->type.def); break;
    default: draw_int(d, &decl->type); break;
    }
}

static void
draw_many(struct drawing *d, const struct idl_decl *decl, uint32_t count)
{
    struct idl_decl element = *decl;

    element.shape = IDL_PLAIN;
    for (uint32_t i = 0; i < count; i++)
        draw_plain(d, &element);
}

static void
draw(struct drawing *d, const struct idl_decl *decl)
{
    bool is_opaque = decl->type.kind == IDL_OPAQUE;
    uint32_t count = 1;

    switch (decl->shape) {
    case IDL_PLAIN: break;
    case IDL_ARRAY: count = (uint32_t)decl->bound.value; break;
    case IDL_VECTOR:
        count = draw_count(d, decl, is_opaque ? BYTES_MAX : COUNT_MAX);
        put(d, count);
        break;
    case IDL_POINTER:
        count = draw_count(d, decl, 1);
        put(d, count);
        break;
    }
    if (is_opaque)
        draw_bytes(d, count, false);
    else
        draw_many(d, decl, count);
}

void
draw_def(struct prng *prng, const struct idl_def *def, struct tambo_xdr_out *out)
{
    struct drawing d = { .prng = prng, .out = out };

    draw_named(&d, def);
}
