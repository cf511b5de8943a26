/* idl/parser.c - the definitions of RFC 4506, 6.3, and what rpcgen takes besides. */
#include "idl/parser.h"

#include <stdio.h>

#include "base/err.h"

/* ---- tokens -------------------------------------------------------------------------------------------------- */

bool
idl_goes_on(const struct idl_parser *parser)
{
    return parser->source->rc == 0;
}

bool
idl_at(const struct idl_parser *parser, int kind)
{
    return parser->token.kind == kind && idl_goes_on(parser);
}

static void
stop(struct idl_parser *parser)
{
    parser->token.kind = TOKEN_END;
}

static void
fail_with(struct idl_parser *parser, struct idl_place place, const uint8_t *at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    idl_fault_put(parser->source, place, at, format, args);
    va_end(args);
    stop(parser);
}

void
idl_fail(struct idl_parser *parser, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    idl_fault_put(parser->source, parser->token.place, parser->token.text.data, format, args);
    va_end(args);
    stop(parser);
}

void
idl_miss(struct idl_parser *parser, const char *what)
{
    char found[80];
    idl_token_print(&parser->token, found, sizeof(found));
    idl_fail(parser, "expected %s, found %s", what, found);
}

static void
add_verbatim(struct idl_parser *parser)
{
    struct idl_def *def = idl_def_new(parser, IDL_VERBATIM);
    if (def == NULL)
        return;
    def->verbatim = parser->token.text;
    idl_def_add(parser, def);
}

/* The next token that is not a verbatim line: these become definitions wherever they stand. */
static void
pull(struct idl_parser *parser)
{
    do {
        idl_lexer_next(&parser->lexer, &parser->token);
        if (parser->token.kind == TOKEN_VERBATIM)
            add_verbatim(parser);
        if (parser->lexer.is_torn)
            parser->source->rc = -ERR_NO_MEMORY;
    } while (idl_at(parser, TOKEN_VERBATIM));
    if (idl_at(parser, TOKEN_BAD))
        idl_fail(parser, "%s", parser->token.problem);
    if (!idl_goes_on(parser))
        stop(parser);
}

void
idl_step(struct idl_parser *parser)
{
    if (!idl_goes_on(parser))
        return;
    parser->behind = parser->token.place;
    parser->behind.column += (unsigned)parser->token.text.len;
    parser->behind_at = parser->token.text.data + parser->token.text.len;
    pull(parser);
}

bool
idl_accept(struct idl_parser *parser, int kind)
{
    if (!idl_at(parser, kind))
        return false;
    idl_step(parser);
    return true;
}

/* What is missing at the end of a line is shown there, not at the beginning of the next. */
void
idl_expect(struct idl_parser *parser, int kind, const char *where, struct view name)
{
    char expected[80], found[80];
    if (idl_accept(parser, kind))
        return;
    bool is_next_line =
        parser->behind_at != NULL && parser->token.place.line != parser->behind.line && kind != TOKEN_NAME;
    struct idl_place place = is_next_line ? parser->behind : parser->token.place;
    const uint8_t *at = is_next_line ? parser->behind_at : parser->token.text.data;
    idl_kind_print(kind, expected, sizeof(expected));
    idl_token_print(&parser->token, found, sizeof(found));
    if (name.len > 0)
        fail_with(parser, place, at, "expected %s %s '%.*s', found %s", expected, where, IDL_NAME(name), found);
    else
        fail_with(parser, place, at, "expected %s %s, found %s", expected, where, found);
}

struct view
idl_take_name(struct idl_parser *parser, const char *what)
{
    struct view name = parser->token.text;
    if (idl_accept(parser, TOKEN_NAME))
        return name;
    idl_miss(parser, what);
    return view_of(NULL, 0);
}

void
idl_take_number(struct idl_parser *parser, struct idl_number *ret)
{
    struct idl_token token = parser->token;
    *ret = (struct idl_number){ .value = token.number, .text = token.text };
    if (idl_accept(parser, TOKEN_NUMBER))
        return;
    ret->name = token.text;
    if (!idl_accept(parser, TOKEN_NAME))
        idl_miss(parser, "a number or the name of a constant");
}

void
idl_take_trail(const struct idl_parser *parser, struct view *comment)
{
    if (comment->len == 0)
        *comment = parser->token.trail;
}

/* ---- bodies -------------------------------------------------------------------------------------------------- */

struct idl_def *
idl_def_new(struct idl_parser *parser, enum idl_def_kind kind)
{
    struct idl_def *def = idl_take(parser->source, sizeof *def);
    if (def == NULL)
        return NULL;
    def->kind = kind;
    def->place = parser->token.place;
    def->comment = parser->token.before;
    def->is_included = parser->token.is_included;
    return def;
}

void
idl_def_add(struct idl_parser *parser, struct idl_def *def)
{
    *parser->last = def;
    parser->last = &def->next;
    if (++parser->def_count > IDL_DEFS_MAX)
        idl_fail(parser, "there are more than %d definitions", IDL_DEFS_MAX);
}

static struct idl_enumerator *
enumerator(struct idl_parser *parser)
{
    struct idl_enumerator *e = idl_take(parser->source, sizeof *e);
    if (e == NULL)
        return NULL;
    e->place = parser->token.place;
    e->comment = parser->token.before;
    e->name = idl_take_name(parser, "the name of an enumerator");
    if (idl_accept(parser, '='))
        idl_take_number(parser, &e->number);
    idl_take_trail(parser, &e->comment);
    return e;
}

void
idl_enum_body(struct idl_parser *parser, struct idl_def *def)
{
    struct idl_enumerator **last = &def->enumerators;
    bool more = true;
    idl_expect(parser, '{', "to begin the enumerators of the enum", def->name);
    while (more) {
        struct idl_enumerator *e = enumerator(parser);
        if (e == NULL)
            return;
        *last = e;
        last = &e->next;
        more = idl_accept(parser, ',');
        idl_take_trail(parser, &e->comment);
    }
    idl_expect(parser, '}', "or ',' behind an enumerator of the enum", def->name);
}

/* A declaration that ends with ';'. */
static void
member(struct idl_parser *parser, const char *where, struct idl_decl *ret)
{
    struct view before = parser->token.before;
    idl_declaration(parser, ROLE_FIELD, ret);
    ret->comment = before;
    idl_take_trail(parser, &ret->comment);
    if (idl_at(parser, ','))
        idl_fail(parser, "expected ';' %s '%.*s', found ',': each declaration has a type of its own", where,
                 IDL_NAME(ret->name));
    idl_expect(parser, ';', where, ret->name);
    idl_take_trail(parser, &ret->comment);
}

void
idl_struct_body(struct idl_parser *parser, struct idl_def *def)
{
    struct idl_decl **last = &def->fields;
    idl_expect(parser, '{', "to begin the fields of the struct", def->name);
    idl_take_trail(parser, &def->comment);
    if (idl_at(parser, '}'))
        idl_fail(parser, "the struct '%.*s' has no fields", IDL_NAME(def->name));
    while (idl_goes_on(parser) && !idl_accept(parser, '}')) {
        struct idl_decl *field = idl_take(parser->source, sizeof *field);
        if (field == NULL)
            return;
        struct view at = parser->token.text;
        member(parser, "behind the field", field);
        if (field->type.kind == IDL_VOID && idl_goes_on(parser))
            idl_fault_at(parser->source, at.data, "a field of type void is nothing: leave it out");
        *last = field;
        last = &field->next;
    }
}

/* Room for one more label, by doubling. */
static struct idl_number *
label_add(struct idl_parser *parser, struct idl_case *c)
{
    unsigned n = c->label_count;
    if ((n & (n - 1)) == 0) {
        struct idl_number *labels = idl_take(parser->source, (n == 0 ? 1 : 2 * n) * sizeof *labels);
        if (labels == NULL)
            return NULL;
        if (n > 0)
            memcpy(labels, c->labels, n * sizeof *labels);
        c->labels = labels;
    }
    c->label_count++;
    return &c->labels[n];
}

/* case A: case B: declaration; */
static void
union_case(struct idl_parser *parser, struct idl_case ***last)
{
    struct idl_case *c = idl_take(parser->source, sizeof *c);
    if (c == NULL)
        return;
    struct view comment = parser->token.before;
    while (idl_accept(parser, WORD_CASE)) {
        struct idl_number *label = label_add(parser, c);
        if (label == NULL)
            return;
        idl_take_number(parser, label);
        idl_expect(parser, ':', "behind the case", label->text);
        idl_take_trail(parser, &comment);
    }
    member(parser, "behind the arm", &c->arm);
    if (c->arm.comment.len == 0)
        c->arm.comment = comment;
    **last = c;
    *last = &c->next;
}

static void
union_default(struct idl_parser *parser, struct idl_def *def)
{
    struct idl_case *c = idl_take(parser->source, sizeof *c);
    idl_expect(parser, ':', "behind 'default'", view_of(NULL, 0));
    if (c == NULL)
        return;
    member(parser, "behind the arm", &c->arm);
    def->choice.otherwise = c;
}

static void
union_arms(struct idl_parser *parser, struct idl_def *def)
{
    struct idl_case **last = &def->choice.cases;
    while (idl_at(parser, WORD_CASE))
        union_case(parser, &last);
    if (idl_goes_on(parser) && def->choice.cases == NULL)
        idl_miss(parser, "'case': a union has at least one");
    if (idl_accept(parser, WORD_DEFAULT))
        union_default(parser, def);
    if (idl_at(parser, WORD_CASE))
        idl_fail(parser, "'default' comes last in a union, no 'case' behind it");
    if (idl_at(parser, WORD_DEFAULT))
        idl_fail(parser, "a union has one 'default' only");
}

void
idl_union_body(struct idl_parser *parser, struct idl_def *def)
{
    idl_expect(parser, WORD_SWITCH, "behind the union", def->name);
    idl_expect(parser, '(', "behind 'switch'", view_of(NULL, 0));
    idl_declaration(parser, ROLE_DISCRIMINANT, &def->choice.discriminant);
    idl_expect(parser, ')', "behind the discriminant", def->choice.discriminant.name);
    idl_expect(parser, '{', "to begin the arms of the union", def->name);
    idl_take_trail(parser, &def->comment);
    union_arms(parser, def);
    idl_expect(parser, '}', "or 'case' or 'default' in the union", def->name);
}

/* ---- definitions --------------------------------------------------------------------------------------------- */

static void
constant(struct idl_parser *parser, struct idl_def *def)
{
    def->name = idl_take_name(parser, "the name of the constant");
    idl_expect(parser, '=', "behind the constant", def->name);
    def->constant.text = parser->token.text;
    if (idl_accept(parser, TOKEN_TEXT))
        return;
    def->constant.text.len = 0;
    idl_take_number(parser, &def->constant.number);
}

static void
enumeration(struct idl_parser *parser, struct idl_def *def)
{
    def->name = idl_take_name(parser, "the name of the enum");
    idl_enum_body(parser, def);
}

static void
structure(struct idl_parser *parser, struct idl_def *def)
{
    def->name = idl_take_name(parser, "the name of the struct");
    idl_struct_body(parser, def);
}

static void
choice(struct idl_parser *parser, struct idl_def *def)
{
    def->name = idl_take_name(parser, "the name of the union");
    idl_union_body(parser, def);
}

static void
alias(struct idl_parser *parser, struct idl_def *def)
{
    idl_declaration(parser, ROLE_ALIAS, &def->alias);
    def->name = def->alias.name;
}

static const struct production {
    int word;
    enum idl_def_kind kind;
    void (*take)(struct idl_parser *, struct idl_def *);
    const char *where; /* the ';' is missing */
} productions[] = {
    {WORD_CONST,    IDL_CONST,   constant,    "behind the constant"},
    { WORD_ENUM,    IDL_ENUM,    enumeration, "behind the enum"    },
    { WORD_STRUCT,  IDL_STRUCT,  structure,   "behind the struct"  },
    { WORD_UNION,   IDL_UNION,   choice,      "behind the union"   },
    { WORD_TYPEDEF, IDL_TYPEDEF, alias,       "behind the typedef" },
    { WORD_PROGRAM, IDL_PROGRAM, idl_program, "behind the program" },
};

/* "typedef struct x x;" and "typedef struct {...} x;" define nothing but x, which is there. */
static bool
is_alias_of_itself(const struct idl_def *def)
{
    const struct idl_decl *alias_decl = &def->alias;
    struct view spelling = alias_decl->type.spelling, name = alias_decl->name;
    if (def->kind != IDL_TYPEDEF || alias_decl->type.kind != IDL_NAMED || alias_decl->shape != IDL_PLAIN)
        return false;
    if (alias_decl->type.def != NULL)
        return true;
    return spelling.len > name.len && view_equal(view_from(spelling, spelling.len - name.len), name) &&
           strchr(" \t\r\n/", spelling.data[spelling.len - name.len - 1]) != NULL;
}

static void
definition(struct idl_parser *parser, const struct production *production)
{
    struct idl_def *def = idl_def_new(parser, production->kind);
    if (def == NULL)
        return;
    idl_step(parser);
    parser->outer = def;
    production->take(parser, def);
    idl_take_trail(parser, &def->comment);
    /* Before its ';' is taken: a verbatim line that stands behind it must come behind it. */
    if (idl_goes_on(parser) && !is_alias_of_itself(def))
        idl_def_add(parser, def);
    idl_expect(parser, ';', production->where, def->name);
    idl_take_trail(parser, &def->comment);
    if (def->kind == IDL_TYPEDEF && def->alias.type.def != NULL)
        def->alias.type.def->comment = def->comment;
}

static const struct production *
production_of(int word)
{
    for (size_t i = 0; i < COUNT_OF(productions); i++)
        if (productions[i].word == word)
            return &productions[i];
    return NULL;
}

/* ---- names of bodies ----------------------------------------------------------------------------------------- */

static struct view
join(struct idl_parser *parser, struct view a, struct view b)
{
    char *name = idl_take(parser->source, a.len + b.len + 1);
    if (name == NULL)
        return view_of(NULL, 0);
    memcpy(name, a.data, a.len);
    name[a.len] = '_';
    memcpy(name + a.len + 1, b.data, b.len);
    return view_of(name, a.len + b.len + 1);
}

/* The newest first: an inner body ended before the one around it, whose name it needs. */
static void
name_bodies(struct idl_parser *parser)
{
    for (struct idl_body *body = parser->bodies; body != NULL && idl_goes_on(parser); body = body->next)
        body->def->name = body->outer == NULL ? body->field : join(parser, body->outer->name, body->field);
    parser->bodies = NULL;
}

void
idl_parse_text(struct idl_source *source, struct idl *ret)
{
    struct idl_parser parser = { .source = source };
    *ret = (struct idl){ .text = source->text };
    parser.last = &ret->defs;
    idl_lexer_init(&parser.lexer, source->text, source->file, source->arena);
    pull(&parser);
    while (idl_goes_on(&parser) && !idl_at(&parser, TOKEN_END)) {
        const struct production *production = production_of(parser.token.kind);
        if (production == NULL)
            idl_miss(&parser, "const, enum, struct, union, typedef or program");
        else
            definition(&parser, production);
        name_bodies(&parser);
    }
}
