/* idl/parser_program.c - programs, versions and procedures (RFC 5531, 12.2).
 *
 *     program P { version V { T F(T, T x, ...) = 1; ... } = 1; ... } = 0x20000001; */
#include "idl/parser.h"

/* "= 1;" behind what has the name. */
static void
number(struct idl_parser *parser, const char *where, struct view name, struct idl_number *ret)
{
    idl_expect(parser, '=', where, name);
    idl_take_number(parser, ret);
}

/* A comment in a line belongs to the argument that it stands before, at its end to the one behind which it stands. */
static bool
is_on_line(const struct idl_parser *parser)
{
    return parser->token.place.line == parser->behind.line;
}

/* False: it was the last one. */
static bool
separator(struct idl_parser *parser, struct idl_decl *arg)
{
    idl_take_trail(parser, &arg->comment);
    bool more = idl_accept(parser, ',');
    if (more && !is_on_line(parser))
        idl_take_trail(parser, &arg->comment);
    return more;
}

/* (), (void), (T), (T x, U y) */
static void
arguments(struct idl_parser *parser, struct idl_procedure *procedure)
{
    struct idl_decl **last = &procedure->args, *arg;
    idl_expect(parser, '(', "behind the procedure", procedure->name);
    if (idl_accept(parser, ')'))
        return;
    do {
        arg = idl_take(parser->source, sizeof *arg);
        if (arg == NULL)
            return;
        struct view comment = parser->token.before, at = parser->token.text;
        if (is_on_line(parser))
            comment = parser->token.trail;
        idl_declaration(parser, ROLE_ARGUMENT, arg);
        arg->comment = comment;
        if (arg->type.kind == IDL_VOID && idl_at(parser, ')') && procedure->arg_count == 0)
            break;
        if (arg->type.kind == IDL_VOID && idl_goes_on(parser))
            idl_fault_at(parser->source, at.data, "'void' is the only argument, or none");
        *last = arg;
        last = &arg->next;
        procedure->arg_count++;
    } while (separator(parser, arg));
    idl_expect(parser, ')', "or ',' behind the arguments of", procedure->name);
}

static struct idl_procedure *
procedure_of(struct idl_parser *parser)
{
    struct idl_procedure *procedure = idl_take(parser->source, sizeof *procedure);
    if (procedure == NULL)
        return NULL;
    procedure->comment = parser->token.before;
    idl_declaration(parser, ROLE_RESULT, &procedure->ret);
    if (idl_at(parser, '*') || idl_at(parser, '<') || idl_at(parser, '['))
        idl_fail(parser, "a result is neither a pointer nor an array: use a typedef for it");
    procedure->place = parser->token.place;
    procedure->name = idl_take_name(parser, "the name of the procedure");
    arguments(parser, procedure);
    number(parser, "and a number behind the procedure", procedure->name, &procedure->number);
    idl_expect(parser, ';', "behind the procedure", procedure->name);
    idl_take_trail(parser, &procedure->comment);
    return procedure;
}

static void
procedures(struct idl_parser *parser, struct idl_version *version)
{
    struct idl_procedure **last = &version->procedures;
    if (idl_at(parser, '}'))
        idl_fail(parser, "the version '%.*s' has no procedures", IDL_NAME(version->name));
    while (idl_goes_on(parser) && !idl_accept(parser, '}')) {
        struct idl_procedure *procedure = procedure_of(parser);
        if (procedure == NULL)
            return;
        *last = procedure;
        last = &procedure->next;
    }
}

static struct idl_version *
version_of(struct idl_parser *parser)
{
    struct idl_version *version = idl_take(parser->source, sizeof *version);
    if (version == NULL)
        return NULL;
    version->comment = parser->token.before;
    idl_expect(parser, WORD_VERSION, "to begin a version of the program", view_of(NULL, 0));
    version->name = idl_take_name(parser, "the name of the version");
    idl_expect(parser, '{', "to begin the procedures of the version", version->name);
    idl_take_trail(parser, &version->comment);
    procedures(parser, version);
    number(parser, "and a number behind the version", version->name, &version->number);
    idl_expect(parser, ';', "behind the version", version->name);
    idl_take_trail(parser, &version->comment);
    return version;
}

void
idl_program(struct idl_parser *parser, struct idl_def *def)
{
    struct idl_version **last = &def->program.versions;
    def->name = idl_take_name(parser, "the name of the program");
    idl_expect(parser, '{', "to begin the versions of the program", def->name);
    idl_take_trail(parser, &def->comment);
    do {
        struct idl_version *version = version_of(parser);
        if (version == NULL)
            return;
        *last = version;
        last = &version->next;
    } while (idl_goes_on(parser) && !idl_at(parser, '}'));
    idl_expect(parser, '}', "or another version in the program", def->name);
    number(parser, "and a number behind the program", def->name, &def->program.number);
}
