/* idl/parser.h - recursive descent: what the productions share.
 *
 * Sticky: after the first fault the token is TOKEN_END and every further production does nothing, so none has to ask
 * whether the one before it went well; loops ask idl_goes_on(). */
#ifndef TAMBO_IDL_PARSER_H
#define TAMBO_IDL_PARSER_H

#include "idl/inner.h"

/* A body within a declaration: its name comes later, from what it stands in. */
struct idl_body {
    struct idl_def *def, *outer;
    struct view field;
    struct idl_body *next;
};

struct idl_parser {
    struct idl_source *source;
    struct idl_lexer lexer;
    struct idl_token token;  /* the next one */
    struct idl_place behind; /* where the last one ended */
    const uint8_t *behind_at;
    struct idl_def **last; /* where the next definition goes */
    unsigned def_count;
    struct idl_def *outer;   /* whose body this is; NULL: none's */
    struct idl_body *bodies; /* the newest first */
    unsigned depth;
};

/* What a declaration is for, which decides about its form. */
enum idl_role {
    ROLE_FIELD,
    ROLE_DISCRIMINANT,
    ROLE_ALIAS,
    ROLE_ARGUMENT, /* its name may be missing */
    ROLE_RESULT,   /* a type alone */
};

/* ---- parser.c: tokens and definitions */

bool idl_goes_on(const struct idl_parser *parser);
bool idl_at(const struct idl_parser *parser, int kind);
/* Takes the next token. */
void idl_step(struct idl_parser *parser);
/* Takes it if it is of this kind. */
bool idl_accept(struct idl_parser *parser, int kind);
/* Takes it, which must be of this kind; else: "expected ';' behind the field 'x', found '}'".  `name` may be empty. */
void idl_expect(struct idl_parser *parser, int kind, const char *where, struct view name);
/* A name; empty when there is none, which is a fault: "expected WHAT, found '}'". */
struct view idl_take_name(struct idl_parser *parser, const char *what);
/* A number, a character, or the name of a constant. */
void idl_take_number(struct idl_parser *parser, struct idl_number *ret);
/* The comment behind what was taken last, on its line, if `comment` is still empty. */
void idl_take_trail(const struct idl_parser *parser, struct view *comment);
/* At the next token. */
void idl_fail(struct idl_parser *parser, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "expected WHAT, found '}'" */
void idl_miss(struct idl_parser *parser, const char *what);

struct idl_def *idl_def_new(struct idl_parser *parser, enum idl_def_kind kind);
void idl_def_add(struct idl_parser *parser, struct idl_def *def);
/* From '{' to '}'. */
void idl_enum_body(struct idl_parser *parser, struct idl_def *def);
void idl_struct_body(struct idl_parser *parser, struct idl_def *def);
/* From "switch" to '}'. */
void idl_union_body(struct idl_parser *parser, struct idl_def *def);

/* ---- parser_decl.c: types and declarations */

void idl_declaration(struct idl_parser *parser, enum idl_role role, struct idl_decl *ret);

/* ---- parser_program.c */

void idl_program(struct idl_parser *parser, struct idl_def *def);

#endif
