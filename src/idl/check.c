/* idl/check.c - from what stands there to what it means: numbers, names, then sizes, then what rests on both. */
#include "base/err.h"
#include "idl/inner.h"

void
idl_check_name(struct idl_source *source, struct view name)
{
    /* Those of the language cannot come as names. */
    static const char *const words[] = {
        "auto",   "break",    "continue", "do",     "else",   "extern", "for",      "goto",  "if",    "inline",
        "return", "register", "restrict", "signed", "sizeof", "static", "volatile", "while", "_Bool",
    };
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (view_is(name, words[i]))
            idl_fault_at(source, name.data, "'%s' cannot be a name: it is a word of C", words[i]);
}

void
idl_check_decl(struct idl_source *source, struct idl_names *names, struct idl_decl *decl)
{
    idl_check_name(source, decl->name);
    if (decl->type.kind == IDL_PROGRAM_REF)
        idl_fault_at(source, decl->type.spelling.data,
                     "a program cannot be passed: remote references are not supported in this version");
    if (decl->type.kind == IDL_NAMED)
        idl_names_type(source, names, &decl->type);
    if (decl->shape != IDL_ARRAY && !decl->is_bounded)
        return;
    if (decl->shape == IDL_ARRAY)
        idl_names_number(source, names, &decl->bound);
    else
        idl_names_bound(source, names, &decl->bound);
    if (decl->bound.value < 1 || decl->bound.value > UINT32_MAX)
        idl_fault_at(source, decl->bound.text.data, "the length of '%.*s' must be from 1 to 4294967295",
                     IDL_NAME(decl->name));
}

/* ---- numbers, in the order of the text ------------------------------------------------------------------------ */

static void
settle(const struct idl_names *names, struct view name)
{
    idl_names_find(names, name)->is_known = true;
}

static void
number_constant(struct idl_source *source, struct idl_names *names, struct idl_def *def)
{
    if (def->constant.text.len == 0)
        idl_names_number(source, names, &def->constant.number);
    settle(names, def->name);
}

static void
number_enum(struct idl_source *source, struct idl_names *names, struct idl_def *def)
{
    int64_t next = 0;
    for (struct idl_enumerator *e = def->enumerators; e != NULL && source->rc == 0; e = e->next) {
        if (e->number.text.len == 0)
            e->number.value = next;
        else
            idl_names_number(source, names, &e->number);
        if (e->number.value < INT32_MIN || e->number.value > INT32_MAX)
            idl_fault_at(source, e->name.data, "the value of '%.*s' does not fit into 32 bits", IDL_NAME(e->name));
        next = e->number.value + 1;
        settle(names, e->name);
    }
}

static void
number_all(struct idl_source *source, struct idl_names *names)
{
    for (struct idl_def *def = names->idl->defs; def != NULL && source->rc == 0; def = def->next)
        if (def->kind == IDL_CONST)
            number_constant(source, names, def);
        else if (def->kind == IDL_ENUM)
            number_enum(source, names, def);
}

/* ---- names in declarations ------------------------------------------------------------------------------------ */

static void
check_struct(struct idl_source *source, struct idl_names *names, struct idl_def *def)
{
    for (struct idl_decl *field = def->fields; field != NULL && source->rc == 0; field = field->next) {
        idl_check_decl(source, names, field);
        for (const struct idl_decl *before = def->fields; before != field; before = before->next)
            if (view_equal(before->name, field->name))
                idl_fault_at(source, field->name.data, "the struct '%.*s' has a field '%.*s' already",
                             IDL_NAME(def->name), IDL_NAME(field->name));
    }
}

static void
check_arms(struct idl_source *source, struct idl_names *names, struct idl_def *def)
{
    idl_check_decl(source, names, &def->choice.discriminant);
    for (struct idl_case *c = def->choice.cases; c != NULL && source->rc == 0; c = c->next)
        idl_check_decl(source, names, &c->arm);
    if (def->choice.otherwise != NULL)
        idl_check_decl(source, names, &def->choice.otherwise->arm);
}

/* The definitions that <rpc/rpc.h> or C have are put before the first one, so this comes by none of them. */
static void
check_decls(struct idl_source *source, struct idl_names *names)
{
    for (struct idl_def *def = names->idl->defs; def != NULL && source->rc == 0; def = def->next)
        if (def->kind == IDL_STRUCT)
            check_struct(source, names, def);
        else if (def->kind == IDL_UNION)
            check_arms(source, names, def);
        else if (def->kind == IDL_TYPEDEF)
            idl_check_decl(source, names, &def->alias);
        else if (def->kind == IDL_PROGRAM)
            idl_check_program(source, names, def);
}

void
idl_check(struct idl_source *source, struct idl *idl)
{
    struct idl_names names;
    idl_names_fill(source, &names, idl);
    number_all(source, &names);
    check_decls(source, &names);
    if (source->rc == 0)
        idl_measure(source, idl);
    for (struct idl_def *def = idl->defs; def != NULL && source->rc == 0; def = def->next)
        if (def->kind == IDL_UNION)
            idl_check_union(source, &names, def);
}

/* ---- the door -------------------------------------------------------------------------------------------------- */

int
idl_parse(struct view text, const char *file, struct tambo_arena *arena, struct idl *ret, struct idl_fault *why)
{
    struct idl_source source = { .text = text, .file = file, .arena = arena, .why = why };
    struct idl idl;
    idl_parse_text(&source, &idl);
    if (source.rc == 0)
        idl_check(&source, &idl);
    if (source.rc == 0)
        *ret = idl;
    return source.rc;
}

struct idl_def *
idl_find(const struct idl *idl, struct view name)
{
    for (struct idl_def *def = idl->defs; def != NULL; def = def->next)
        if (def->kind != IDL_VERBATIM && view_equal(def->name, name))
            return def;
    return NULL;
}

struct idl_decl
idl_resolve(const struct idl_decl *decl)
{
    struct idl_decl resolved = *decl;
    while (resolved.shape == IDL_PLAIN && resolved.type.kind == IDL_NAMED && resolved.type.def->kind == IDL_TYPEDEF)
        resolved = resolved.type.def->alias;
    resolved.name = decl->name;
    resolved.place = decl->place;
    resolved.comment = decl->comment;
    resolved.next = decl->next;
    return resolved;
}

const struct idl_case *
idl_case_of(const struct idl_def *choice, int64_t discriminant)
{
    for (const struct idl_case *c = choice->choice.cases; c != NULL; c = c->next)
        for (unsigned i = 0; i < c->label_count; i++)
            if (c->labels[i].value == discriminant)
                return c;
    return choice->choice.otherwise;
}
