/* idl/parser_decl.c - type specifiers and declarations (RFC 4506, 6.3).
 *
 *     void    T x    T x[N]    T x<N>    T x<>    T *x    opaque x[N]    opaque x<N>    string x<N>
 *
 * T is a word, a name, "struct x" and its likes, or a body. */
#include "idl/parser.h"

/* ---- types --------------------------------------------------------------------------------------------------- */

/* char, short, int, long, hyper, and an "int" behind the last four; false: none of them. */
static bool
integer(struct idl_parser *parser, struct idl_type *type)
{
    static const struct {
        int word;
        unsigned bits;
        enum idl_kind kind;
    } rows[] = {
        {WORD_CHAR,   8,  IDL_INT  },
        { WORD_SHORT, 16, IDL_INT  },
        { WORD_INT,   32, IDL_INT  },
        { WORD_LONG,  32, IDL_INT  },
        { WORD_HYPER, 64, IDL_HYPER},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (idl_accept(parser, rows[i].word)) {
            type->kind = rows[i].kind;
            type->bits = rows[i].bits;
            type->is_long = rows[i].word == WORD_LONG;
            if (type->is_long && idl_at(parser, WORD_LONG))
                idl_fail(parser, "'long long' is called 'hyper' here");
            if (rows[i].word != WORD_CHAR && rows[i].word != WORD_INT)
                idl_accept(parser, WORD_INT);
            return true;
        }
    return false;
}

static void
unsigned_integer(struct idl_parser *parser, struct idl_type *type)
{
    type->is_unsigned = true;
    if (!integer(parser, type)) {
        type->kind = IDL_INT;
        type->bits = 32;
    }
}

/* What is one word. */
static bool
simple(struct idl_parser *parser, struct idl_type *type)
{
    static const struct {
        int word;
        enum idl_kind kind;
    } rows[] = {
        {WORD_VOID,    IDL_VOID  },
        { WORD_BOOL,   IDL_BOOL  },
        { WORD_FLOAT,  IDL_FLOAT },
        { WORD_DOUBLE, IDL_DOUBLE},
        { WORD_STRING, IDL_STRING},
        { WORD_OPAQUE, IDL_OPAQUE},
        { TOKEN_NAME,  IDL_NAMED },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (idl_accept(parser, rows[i].word)) {
            type->kind = rows[i].kind;
            return true;
        }
    return false;
}

static const struct tagged {
    int word;
    enum idl_def_kind kind;
    int body; /* what begins one */
    void (*take_body)(struct idl_parser *, struct idl_def *);
} tagged[] = {
    {WORD_STRUCT, IDL_STRUCT, '{',         idl_struct_body},
    { WORD_ENUM,  IDL_ENUM,   '{',         idl_enum_body  },
    { WORD_UNION, IDL_UNION,  WORD_SWITCH, idl_union_body },
};

static void
body(struct idl_parser *parser, const struct tagged *row, enum idl_role role, struct idl_type *type)
{
    struct idl_def *outer = parser->outer;
    if (role == ROLE_ARGUMENT || role == ROLE_RESULT)
        idl_fail(parser, "a procedure has no room for a body: define the type before it");
    if (parser->depth == IDL_BODY_DEPTH_MAX)
        idl_fail(parser, "bodies stand in bodies more than %d deep", IDL_BODY_DEPTH_MAX);
    struct idl_def *def = idl_goes_on(parser) ? idl_def_new(parser, row->kind) : NULL;
    if (def == NULL)
        return;
    parser->depth++;
    parser->outer = def;
    row->take_body(parser, def);
    parser->outer = outer;
    parser->depth--;
    type->def = def;
}

/* "struct x", or a body without a name. */
static bool
tagged_type(struct idl_parser *parser, enum idl_role role, struct idl_type *type)
{
    for (size_t i = 0; i < COUNT_OF(tagged); i++)
        if (idl_accept(parser, tagged[i].word)) {
            type->kind = IDL_NAMED;
            if (idl_at(parser, tagged[i].body)) {
                body(parser, &tagged[i], role, type);
                return true;
            }
            idl_take_name(parser, "the name of a type, or its body");
            if (idl_at(parser, tagged[i].body))
                idl_fail(parser, "a type with a name is defined on its own, not within another");
            return true;
        }
    return false;
}

static void
type_specifier(struct idl_parser *parser, enum idl_role role, struct idl_type *type)
{
    const uint8_t *start = parser->token.text.data;
    if (idl_at(parser, WORD_QUADRUPLE))
        idl_fail(parser, "'quadruple' is not supported, C has no such type: use 'opaque x[16]'");
    if (idl_accept(parser, WORD_UNSIGNED)) {
        unsigned_integer(parser, type);
    } else if (idl_accept(parser, WORD_PROGRAM)) {
        type->kind = IDL_PROGRAM_REF;
        idl_take_name(parser, "the name of a program");
    } else if (!integer(parser, type) && !simple(parser, type) && !tagged_type(parser, role, type)) {
        idl_miss(parser, "a type");
    }
    if (idl_goes_on(parser))
        type->spelling = view_of(start, (size_t)(parser->behind_at - start));
}

/* ---- declarators --------------------------------------------------------------------------------------------- */

static void
array_suffix(struct idl_parser *parser, struct idl_decl *decl)
{
    if (decl->type.kind == IDL_STRING)
        idl_fail(parser, "a string's limit stands in '<>', not in '[]'");
    idl_step(parser);
    decl->shape = IDL_ARRAY;
    if (idl_at(parser, ']'))
        idl_fail(parser, "an array has a number in its '[]'; one of any length is declared by '<>'");
    idl_take_number(parser, &decl->bound);
    idl_expect(parser, ']', "behind the length of", decl->name);
}

static void
vector_suffix(struct idl_parser *parser, struct idl_decl *decl)
{
    idl_step(parser);
    decl->shape = decl->type.kind == IDL_STRING ? IDL_PLAIN : IDL_VECTOR;
    if (idl_accept(parser, '>'))
        return;
    decl->is_bounded = true;
    idl_take_number(parser, &decl->bound);
    idl_expect(parser, '>', "behind the limit of", decl->name);
}

/* What is around the name must fit the type. */
static void
suit(struct idl_parser *parser, enum idl_role role, struct idl_decl *decl, bool has_suffix)
{
    enum idl_kind kind = decl->type.kind;
    if (idl_at(parser, '[') || idl_at(parser, '<'))
        idl_fail(parser, "'%.*s' has one dimension only: use a typedef for the inner one", IDL_NAME(decl->name));
    if (decl->shape == IDL_POINTER && has_suffix)
        idl_fail(parser, "'%.*s' is either a pointer or an array: use a typedef for the inner one",
                 IDL_NAME(decl->name));
    if (decl->shape == IDL_POINTER && (kind == IDL_STRING || kind == IDL_OPAQUE))
        idl_fail(parser, "a string or opaque has no pointer to it: use a typedef");
    if (kind == IDL_OPAQUE && !has_suffix)
        idl_fail(parser, "expected '[' or '<' behind the opaque '%.*s': how many bytes?", IDL_NAME(decl->name));
    if (kind == IDL_STRING && !has_suffix && role != ROLE_ARGUMENT)
        idl_fail(parser, "expected '<' behind the string '%.*s': a limit, or '<>'", IDL_NAME(decl->name));
    if (role == ROLE_ARGUMENT && has_suffix && kind != IDL_STRING)
        idl_fail(parser, "an argument is no array: use a typedef for it");
}

static void
declarator(struct idl_parser *parser, enum idl_role role, struct idl_decl *decl)
{
    bool has_suffix = false;
    if (idl_accept(parser, '*'))
        decl->shape = IDL_POINTER;
    if (idl_at(parser, '*'))
        idl_fail(parser, "a pointer to a pointer is not possible: use a typedef for the inner one");
    decl->place = parser->token.place;
    if (role != ROLE_ARGUMENT || idl_at(parser, TOKEN_NAME))
        decl->name = idl_take_name(parser, "a name behind the type");
    enum idl_shape shape = decl->shape;
    if (idl_at(parser, '[')) {
        array_suffix(parser, decl);
        has_suffix = true;
    } else if (idl_at(parser, '<')) {
        vector_suffix(parser, decl);
        has_suffix = true;
    }
    if (shape == IDL_POINTER)
        decl->shape = shape;
    suit(parser, role, decl, has_suffix);
}

/* A body's name will come from what it stands in, and it is a definition of its own. */
static void
note_body(struct idl_parser *parser, enum idl_role role, struct idl_decl *decl)
{
    struct idl_body *note = idl_take(parser->source, sizeof *note);
    if (note == NULL)
        return;
    if (role != ROLE_ALIAS)
        *note = (struct idl_body){ decl->type.def, parser->outer, decl->name, parser->bodies };
    else if (decl->shape == IDL_PLAIN)
        *note = (struct idl_body){ decl->type.def, NULL, decl->name, parser->bodies };
    else
        *note = (struct idl_body){ decl->type.def, parser->outer, view_str("item"), parser->bodies };
    parser->bodies = note;
    idl_def_add(parser, decl->type.def);
}

void
idl_declaration(struct idl_parser *parser, enum idl_role role, struct idl_decl *ret)
{
    *ret = (struct idl_decl){ .place = parser->token.place };
    type_specifier(parser, role, &ret->type);
    if (role == ROLE_RESULT && ret->type.kind == IDL_OPAQUE)
        idl_fail(parser, "a result is no array: use a typedef for it");
    if (role == ROLE_RESULT)
        return;
    bool is_alone =
        !idl_at(parser, '*') && !idl_at(parser, TOKEN_NAME) && role != ROLE_ALIAS && role != ROLE_DISCRIMINANT;
    if (ret->type.kind == IDL_VOID && is_alone)
        return;
    if (ret->type.kind == IDL_VOID)
        idl_fail(parser, "nothing can be of type void, nor point to it");
    declarator(parser, role, ret);
    if (ret->type.def != NULL && idl_goes_on(parser))
        note_body(parser, role, ret);
}
