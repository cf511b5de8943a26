/* idl/measure.c - how much a type takes on the wire, what decoding it takes from the arena, and who holds itself.
 *
 * A struct that holds another one, plain or in an array of fixed length, is measured after it.  Pointers and '<>' end
 * that: behind them sizes do not matter, and types may hold themselves. */
#include "idl/inner.h"

enum { UNSEEN, OPEN, MEASURED, VISITED }; /* marks; VISITED and above are rounds of reach() */

struct size {
    uint64_t min; /* never above LARGE */
    bool is_fixed, has_pointers;
};
static const uint64_t LARGE = (uint64_t)IDL_WIRE_BYTES_MAX + 1;

/* ---- sizes ----------------------------------------------------------------------------------------------------- */

static uint64_t
clamp(uint64_t x)
{
    return x < LARGE ? x : LARGE;
}

static struct size
size_of_def(const struct idl_def *def)
{
    return (struct size){ def->wire_bytes_min, def->wire_bytes != 0, def->has_pointers };
}

static struct size
size_of_type(const struct idl_type *type)
{
    switch (type->kind) {
    case IDL_VOID: return (struct size){ 0, true, false };
    case IDL_HYPER:
    case IDL_DOUBLE: return (struct size){ 8, true, false };
    case IDL_STRING: return (struct size){ 4, false, true };
    case IDL_NAMED: return size_of_def(type->def);
    default: return (struct size){ 4, true, false };
    }
}

static struct size
size_of_decl(const struct idl_decl *decl)
{
    struct size size = size_of_type(&decl->type);
    uint64_t n = (uint64_t)decl->bound.value;
    if (decl->shape == IDL_VECTOR || decl->shape == IDL_POINTER)
        return (struct size){ 4, false, true };
    if (decl->shape == IDL_ARRAY)
        size.min = clamp(decl->type.kind == IDL_OPAQUE ? (n + 3) / 4 * 4 : n * size.min);
    return size;
}

static struct size
size_of_struct(const struct idl_def *def)
{
    struct size all = { 0, true, false };
    for (const struct idl_decl *field = def->fields; field != NULL; field = field->next) {
        struct size size = size_of_decl(field);
        all.min = clamp(all.min + size.min);
        all.is_fixed &= size.is_fixed;
        all.has_pointers |= size.has_pointers;
    }
    return all;
}

static void
join(struct size *all, struct size arm)
{
    all->is_fixed &= arm.is_fixed && arm.min == all->min;
    all->min = arm.min < all->min ? arm.min : all->min;
    all->has_pointers |= arm.has_pointers;
}

/* The smallest arm counts; all of one size make a union of one size. */
static struct size
size_of_union(const struct idl_def *def)
{
    struct size all = size_of_decl(&def->choice.cases->arm);
    for (const struct idl_case *c = def->choice.cases->next; c != NULL; c = c->next)
        join(&all, size_of_decl(&c->arm));
    if (def->choice.otherwise != NULL)
        join(&all, size_of_decl(&def->choice.otherwise->arm));
    all.min = clamp(all.min + 4);
    return all;
}

size_t
idl_wire_bytes_min(const struct idl_decl *decl)
{
    return size_of_decl(decl).min;
}

size_t
idl_wire_bytes(const struct idl_decl *decl)
{
    struct size size = size_of_decl(decl);
    return size.is_fixed ? size.min : 0;
}

/* ---- walks ----------------------------------------------------------------------------------------------------- */

typedef void decl_fn(void *arg, const struct idl_decl *decl);

static void
each_decl(const struct idl_def *def, decl_fn *fn, void *arg)
{
    if (def->kind == IDL_STRUCT)
        for (const struct idl_decl *field = def->fields; field != NULL; field = field->next)
            fn(arg, field);
    if (def->kind == IDL_TYPEDEF)
        fn(arg, &def->alias);
    if (def->kind != IDL_UNION)
        return;
    fn(arg, &def->choice.discriminant);
    for (const struct idl_case *c = def->choice.cases; c != NULL; c = c->next)
        fn(arg, &c->arm);
    if (def->choice.otherwise != NULL)
        fn(arg, &def->choice.otherwise->arm);
}

struct measuring {
    struct idl_source *source;
    unsigned depth;
};

static void measure_def(struct measuring *m, struct idl_def *def, const struct idl_decl *by);

static void
measure_held(void *arg, const struct idl_decl *decl)
{
    struct measuring *m = arg;
    if (decl->type.kind == IDL_NAMED && (decl->shape == IDL_PLAIN || decl->shape == IDL_ARRAY))
        measure_def(m, decl->type.def, decl);
}

static struct size
sum_of_def(const struct idl_def *def)
{
    switch (def->kind) {
    case IDL_ENUM: return (struct size){ 4, true, false };
    case IDL_STRUCT: return size_of_struct(def);
    case IDL_UNION: return size_of_union(def);
    case IDL_TYPEDEF: return size_of_decl(&def->alias);
    default: return (struct size){ 0, false, true };
    }
}

/* `by` holds it; NULL: nobody. */
static void
measure_def(struct measuring *m, struct idl_def *def, const struct idl_decl *by)
{
    if (def->mark == MEASURED || m->source->rc != 0)
        return;
    if (def->mark == OPEN) {
        idl_fault_at(m->source, by->name.data, "'%.*s' would hold itself without end: put a '*' or '<>' between",
                     IDL_NAME(def->name));
        return;
    }
    if (m->depth == IDL_NEST_MAX) {
        idl_fault_at(m->source, by->name.data, "types hold types more than %d deep", IDL_NEST_MAX);
        return;
    }
    def->mark = OPEN;
    m->depth++;
    each_decl(def, measure_held, m);
    m->depth--;
    def->mark = MEASURED;
    struct size size = sum_of_def(def);
    if (size.min == LARGE && m->source->rc == 0)
        idl_fault_at(m->source, idl_anchor(m->source, def), "'%.*s' takes more than %d bytes", IDL_NAME(def->name),
                     IDL_WIRE_BYTES_MAX);
    def->wire_bytes_min = size.min;
    def->wire_bytes = size.is_fixed ? size.min : 0;
    def->has_pointers = size.has_pointers;
}

/* ---- who holds itself, by pointers too ------------------------------------------------------------------------- */

struct reach {
    struct idl_def **stack;
    size_t count;
    unsigned round;
};

static void
note_reached(void *arg, const struct idl_decl *decl)
{
    struct reach *reach = arg;
    struct idl_def *def = decl->type.kind == IDL_NAMED ? decl->type.def : NULL;
    if (def == NULL || def->mark == reach->round)
        return;
    def->mark = reach->round;
    reach->stack[reach->count++] = def;
}

/* Is there a way from it back to it? */
static bool
reaches_itself(struct reach *reach, struct idl_def *def)
{
    reach->round++;
    each_decl(def, note_reached, reach);
    while (reach->count > 0 && def->mark != reach->round)
        each_decl(reach->stack[--reach->count], note_reached, reach);
    reach->count = 0;
    return def->mark == reach->round;
}

/* A typedef that comes back to itself by typedefs alone, pointers or not, is of nothing.  `def` is recursive, so the
 * way from it, which has no forks, comes back or leaves the typedefs. */
static bool
is_of_nothing(const struct idl_def *def)
{
    const struct idl_def *at = def;
    do
        at = at->kind == IDL_TYPEDEF ? at->alias.type.def : NULL;
    while (at != NULL && at != def);
    return at == def;
}

void
idl_measure(struct idl_source *source, struct idl *idl)
{
    struct measuring m = { .source = source };
    struct reach reach = { .round = VISITED };
    size_t n = 0;
    for (struct idl_def *def = idl->defs; def != NULL && source->rc == 0; def = def->next, n++)
        if (def->kind != IDL_VERBATIM && def->kind != IDL_CONST && def->kind != IDL_PROGRAM)
            measure_def(&m, def, NULL);
    if (source->rc == 0 && n > 0)
        reach.stack = idl_take(source, n * sizeof *reach.stack);
    for (struct idl_def *def = idl->defs; def != NULL && source->rc == 0; def = def->next) {
        def->is_recursive = reaches_itself(&reach, def);
        if (def->is_recursive && is_of_nothing(def))
            idl_fault_at(source, def->name.data, "the typedef '%.*s' is of nothing but itself", IDL_NAME(def->name));
    }
}
