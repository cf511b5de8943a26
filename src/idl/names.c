/* idl/names.c - who is called what.
 *
 * One table for types, constants, enumerators and programs, as RFC 4506, 6.4 and RFC 5531, 12.3 have one name space.
 * What the text does not define may be a type of C ("uint32_t"), something of <rpc/rpc.h>, the number of a "%#define"
 * line, or, when headers of C are included, whatever these define. */
#include "base/err.h"
#include "base/hash.h"
#include "idl/inner.h"

/* ---- the table ----------------------------------------------------------------------------------------------- */

static struct idl_entry *
slot_of(const struct idl_names *names, struct view name)
{
    size_t at = (size_t)hash_bytes(name, 0) & (names->size - 1);
    while (names->entries[at].name.len > 0 && !view_equal(names->entries[at].name, name))
        at = (at + 1) & (names->size - 1);
    return &names->entries[at];
}

struct idl_entry *
idl_names_find(const struct idl_names *names, struct view name)
{
    struct idl_entry *entry = slot_of(names, name);
    return entry->name.len == 0 ? NULL : entry;
}

static size_t
names_in(const struct idl *idl)
{
    size_t n = 0;
    for (const struct idl_def *def = idl->defs; def != NULL; def = def->next) {
        n++;
        for (const struct idl_enumerator *e = def->kind == IDL_ENUM ? def->enumerators : NULL; e != NULL; e = e->next)
            n++;
    }
    return n;
}

const uint8_t *
idl_anchor(const struct idl_source *source, const struct idl_def *def)
{
    const uint8_t *at = def->name.data, *start = source->text.data;
    if (at >= start && at < start + source->text.len)
        return at;
    if (def->kind == IDL_ENUM)
        return def->enumerators->name.data;
    return def->kind == IDL_STRUCT ? def->fields->name.data : def->choice.discriminant.name.data;
}

static void
add(struct idl_source *source, struct idl_names *names, struct idl_entry entry)
{
    struct idl_entry *slot = slot_of(names, entry.name);
    if (slot->name.len > 0) {
        struct idl_place first = slot->enumerator != NULL ? slot->enumerator->place : slot->def->place;
        const uint8_t *at = entry.enumerator != NULL ? entry.name.data : idl_anchor(source, entry.def);
        idl_fault_at(source, at, "'%.*s' is defined already, in line %u of %s", IDL_NAME(entry.name), first.line,
                     first.file);
        return;
    }
    idl_check_name(source, entry.name);
    *slot = entry;
}

static void
add_def(struct idl_source *source, struct idl_names *names, struct idl_def *def)
{
    if (def->kind == IDL_VERBATIM) {
        names->includes_c |= view_starts(def->verbatim, "#include") || view_starts(def->verbatim, "# include");
        return;
    }
    add(source, names, (struct idl_entry){ .name = def->name, .def = def });
    for (struct idl_enumerator *e = def->kind == IDL_ENUM ? def->enumerators : NULL; e != NULL; e = e->next)
        if (source->rc == 0)
            add(source, names, (struct idl_entry){ .name = e->name, .def = def, .enumerator = e });
}

void
idl_names_fill(struct idl_source *source, struct idl_names *names, struct idl *idl)
{
    size_t room = 16; /* half of it stays free, also when names join that only C knows */
    *names = (struct idl_names){ .idl = idl };
    while (room < 2 * (names_in(idl) + IDL_FOREIGN_MAX))
        room *= 2;
    names->entries = idl_take(source, room * sizeof *names->entries);
    names->size = names->entries == NULL ? 0 : room;
    for (struct idl_def *def = idl->defs; def != NULL && source->rc == 0; def = def->next)
        add_def(source, names, def);
}

/* ---- what others define -------------------------------------------------------------------------------------- */

/* Puts a definition before all others. */
static void
put_first(struct idl_source *source, struct idl_names *names, struct view name, struct idl_def *def)
{
    if (++names->foreign_count > IDL_FOREIGN_MAX) {
        idl_fault_at(source, name.data, "there are more than %d names that only C knows", IDL_FOREIGN_MAX);
        return;
    }
    def->next = names->idl->defs;
    names->idl->defs = def;
    *slot_of(names, name) = (struct idl_entry){ .name = name, .def = def, .is_known = true };
}

static struct idl_def *
add_foreign(struct idl_source *source, struct idl_names *names, struct view name)
{
    struct idl_def *def = idl_take(source, sizeof *def);
    if (def == NULL)
        return NULL;
    *def = (struct idl_def){
        .kind = IDL_FOREIGN, .name = name, .place = {source->file, 1, 1}
    };
    put_first(source, names, name, def);
    return def;
}

/* What <rpc/rpc.h> has, in our words.  Nothing here may name anything else. */
static const char builtins[] = "const MAXNETNAMELEN = 255;\n"
                               "typedef opaque netobj<1024>;\n"
                               "typedef opaque des_block[8];\n"
                               "struct netbuf { unsigned int maxlen; opaque buf<>; };\n";

/* The one of this name, if there is one. */
static bool
add_builtin(struct idl_source *source, struct idl_names *names, struct view name)
{
    struct idl_fault why;
    struct idl_source own = { .text = view_str(builtins), .file = "<rpc/rpc.h>", .arena = source->arena, .why = &why };
    struct idl idl;
    idl_parse_text(&own, &idl);
    if (source->rc == 0)
        source->rc = own.rc;
    struct idl_def *def = source->rc == 0 ? idl_find(&idl, name) : NULL;
    if (def == NULL)
        return false;
    def->is_builtin = true;
    put_first(source, names, name, def);
    return true;
}

/* The rest of a line that begins with `word`, blanks cut; false: it does not. */
static bool
take_word(struct view *line, const char *word)
{
    struct view rest = *line;
    while (rest.len > 0 && (rest.data[0] == ' ' || rest.data[0] == '\t'))
        rest = view_from(rest, 1);
    if (!view_starts(rest, word))
        return false;
    *line = view_from(rest, strlen(word));
    return true;
}

/* What "%#define NAME" has behind it. */
static bool
find_define(const struct idl_names *names, struct view name, struct view *ret)
{
    for (const struct idl_def *def = names->idl->defs; def != NULL; def = def->next) {
        struct view line = def->kind == IDL_VERBATIM ? def->verbatim : view_of(NULL, 0);
        if (!take_word(&line, "#") || !take_word(&line, "define"))
            continue;
        while (line.len > 0 && (line.data[0] == ' ' || line.data[0] == '\t'))
            line = view_from(line, 1);
        if (line.len > name.len && memcmp(line.data, name.data, name.len) == 0 &&
            (line.data[name.len] == ' ' || line.data[name.len] == '\t')) {
            *ret = view_from(line, name.len);
            return true;
        }
    }
    return false;
}

enum { DEFINE_DEPTH_MAX = 8 };

/* A sum of numbers and names, as far as we understand C: "LM_MAXSTRLEN+1". */
static bool
sum_of(struct idl_source *source, const struct idl_names *names, struct view text, unsigned depth, int64_t *ret)
{
    struct idl_lexer lexer;
    struct idl_token token;
    int64_t sum = 0;
    bool is_due = true; /* a term is */
    idl_lexer_init(&lexer, text, source->file, source->arena);
    for (idl_lexer_next(&lexer, &token); token.kind != TOKEN_END; idl_lexer_next(&lexer, &token)) {
        int64_t term = token.number;
        struct view other;
        if (token.kind == TOKEN_BAD && view_is(token.text, "+") && !is_due) {
            is_due = true;
            continue;
        }
        if (token.kind == TOKEN_NAME && (depth == DEFINE_DEPTH_MAX || !find_define(names, token.text, &other) ||
                                         !sum_of(source, names, other, depth + 1, &term)))
            return false;
        bool is_term = token.kind == TOKEN_NUMBER || token.kind == TOKEN_NAME;
        if (!is_term || (!is_due && term >= 0) || __builtin_add_overflow(sum, term, &sum))
            return false;
        is_due = false;
    }
    *ret = sum;
    return !is_due;
}

/* ---- what a name means --------------------------------------------------------------------------------------- */

/* Types that C, or <rpc/types.h>, has by a name of one word. */
static const struct scalar {
    const char *name;
    enum idl_kind kind;
    unsigned bits;
    bool is_unsigned, is_long;
} scalars[] = {
    {"bool_t",        IDL_BOOL,  0,  false, false},
    { "u_char",       IDL_INT,   8,  true,  false},
    { "u_short",      IDL_INT,   16, true,  false},
    { "u_int",        IDL_INT,   32, true,  false},
    { "u_long",       IDL_INT,   32, true,  true },
    { "int8_t",       IDL_INT,   8,  false, false},
    { "int16_t",      IDL_INT,   16, false, false},
    { "int32_t",      IDL_INT,   32, false, false},
    { "int64_t",      IDL_HYPER, 64, false, false},
    { "uint8_t",      IDL_INT,   8,  true,  false},
    { "uint16_t",     IDL_INT,   16, true,  false},
    { "uint32_t",     IDL_INT,   32, true,  false},
    { "uint64_t",     IDL_HYPER, 64, true,  false},
    { "u_int8_t",     IDL_INT,   8,  true,  false},
    { "u_int16_t",    IDL_INT,   16, true,  false},
    { "u_int32_t",    IDL_INT,   32, true,  false},
    { "u_int64_t",    IDL_HYPER, 64, true,  false},
    { "quad_t",       IDL_HYPER, 64, false, false},
    { "u_quad_t",     IDL_HYPER, 64, true,  false},
    { "longlong_t",   IDL_HYPER, 64, false, false},
    { "u_longlong_t", IDL_HYPER, 64, true,  false},
    { "rpcprog_t",    IDL_INT,   32, true,  false},
    { "rpcvers_t",    IDL_INT,   32, true,  false},
    { "rpcproc_t",    IDL_INT,   32, true,  false},
    { "rpcprot_t",    IDL_INT,   32, true,  false},
    { "rpcport_t",    IDL_INT,   32, true,  false},
};

static bool
is_scalar(struct view name, struct idl_type *type)
{
    for (size_t i = 0; i < COUNT_OF(scalars); i++)
        if (view_is(name, scalars[i].name)) {
            type->kind = scalars[i].kind;
            type->bits = scalars[i].bits;
            type->is_unsigned = scalars[i].is_unsigned;
            type->is_long = scalars[i].is_long;
            return true;
        }
    return false;
}

/* The last word of "struct x". */
static struct view
name_in(struct view spelling)
{
    size_t at = spelling.len;
    while (at > 0 && strchr(" \t\r\n\v\f/", spelling.data[at - 1]) == NULL)
        at--;
    return view_from(spelling, at);
}

/* What the text or <rpc/rpc.h> defines. */
static struct idl_entry *
look_up(struct idl_source *source, struct idl_names *names, struct view name)
{
    struct idl_entry *entry = idl_names_find(names, name);
    return entry == NULL && add_builtin(source, names, name) ? idl_names_find(names, name) : entry;
}

static void
unknown(struct idl_source *source, const struct idl_names *names, struct view name, const char *what)
{
    char like[80];
    if (idl_names_like(names, name, like, sizeof(like)))
        idl_fault_at(source, name.data, "there is no %s '%.*s': did you mean '%s'?", what, IDL_NAME(name), like);
    else
        idl_fault_at(source, name.data, "there is no %s '%.*s'", what, IDL_NAME(name));
}

void
idl_names_type(struct idl_source *source, struct idl_names *names, struct idl_type *type)
{
    struct view name = name_in(type->spelling);
    if (type->def != NULL)
        return; /* a body of its own */
    if (idl_names_find(names, name) == NULL && (is_scalar(name, type) || source->rc != 0))
        return;
    struct idl_entry *entry = look_up(source, names, name);
    struct idl_def *def = entry == NULL ? NULL : entry->def;
    if (entry == NULL && names->includes_c)
        def = add_foreign(source, names, name);
    else if (entry == NULL)
        unknown(source, names, name, "type");
    else if (entry->enumerator != NULL || def->kind == IDL_CONST || def->kind == IDL_PROGRAM)
        idl_fault_at(source, name.data, "'%.*s' is no type", IDL_NAME(name));
    type->def = def;
}

static bool
find_number(struct idl_source *source, struct idl_names *names, struct view name, int64_t *ret)
{
    struct idl_entry *entry = look_up(source, names, name);
    struct view define;
    if (entry == NULL && (view_is(name, "TRUE") || view_is(name, "FALSE"))) {
        *ret = name.data[0] == 'T';
        return true;
    }
    if (entry == NULL)
        return find_define(names, name, &define) && sum_of(source, names, define, 0, ret);
    const struct idl_def *def = entry->def;
    bool is_number = entry->enumerator != NULL || (def->kind == IDL_CONST && def->constant.text.len == 0);
    if (!is_number)
        idl_fault_at(source, name.data, "'%.*s' is no number", IDL_NAME(name));
    else if (!entry->is_known)
        idl_fault_at(source, name.data, "'%.*s' is used before it has a value", IDL_NAME(name));
    else
        *ret = entry->enumerator != NULL ? entry->enumerator->number.value : def->constant.number.value;
    return true;
}

static bool
is_plain_number(struct view called, const struct idl_number *number, struct view name, int64_t *ret)
{
    if (!view_equal(called, name) || number->name.len > 0)
        return false;
    *ret = number->value;
    return true;
}

/* rpcgen makes macros of versions and procedures, and rpcb_prot.x counts on it. */
static bool
find_procedure(const struct idl_names *names, struct view name, int64_t *ret)
{
    for (const struct idl_def *def = names->idl->defs; def != NULL; def = def->next)
        for (const struct idl_version *v = def->kind == IDL_PROGRAM ? def->program.versions : NULL; v != NULL;
             v = v->next) {
            if (is_plain_number(v->name, &v->number, name, ret))
                return true;
            for (const struct idl_procedure *p = v->procedures; p != NULL; p = p->next)
                if (is_plain_number(p->name, &p->number, name, ret))
                    return true;
        }
    return false;
}

/* A procedure's name is none that C will know: its number is taken instead. */
static bool
settle_number(struct idl_source *source, struct idl_names *names, struct idl_number *number)
{
    if (number->name.len == 0 || source->rc != 0 || find_number(source, names, number->name, &number->value))
        return true;
    if (!find_procedure(names, number->name, &number->value))
        return false;
    number->name.len = 0;
    number->text.len = 0;
    return true;
}

void
idl_names_number(struct idl_source *source, struct idl_names *names, struct idl_number *number)
{
    if (!settle_number(source, names, number))
        unknown(source, names, number->name, "constant");
}

void
idl_names_bound(struct idl_source *source, struct idl_names *names, struct idl_number *number)
{
    if (settle_number(source, names, number))
        return;
    if (names->includes_c)
        number->value = UINT32_MAX;
    else
        unknown(source, names, number->name, "constant");
}
