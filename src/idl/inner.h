/* idl/inner.h - what the parser and the checker share. */
#ifndef TAMBO_IDL_INNER_H
#define TAMBO_IDL_INNER_H

#include <stdarg.h>

#include "base/must.h"
#include "idl/lexer.h"

enum {
    IDL_BODY_DEPTH_MAX = 32, /* bodies within bodies */
    IDL_NEST_MAX = 200,      /* types within types, without a pointer between them */
    IDL_DEFS_MAX = 20000,    /* definitions, verbatim lines too */
    IDL_FOREIGN_MAX = 200,   /* names that only C knows */
    IDL_WIRE_BYTES_MAX = INT32_MAX,
};

/* For "%.*s" within "'%.*s'"; long names are cut. */
#define IDL_NAME(v) ((v).len < 60 ? (int)(v).len : 60), (const char *)(v).data

/* The text that is read, and where its first fault goes.  Sticky: once `rc` is set, nothing is to be done any more. */
struct idl_source {
    struct view text;
    const char *file;
    struct tambo_arena *arena;
    struct idl_fault *why;
    int rc;
};

/* ---- fault.c */

/* The fault at `at`, which lies in the text. */
void idl_fault_at(struct idl_source *source, const uint8_t *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same with its place known already. */
void idl_fault_put(struct idl_source *source, struct idl_place place, const uint8_t *at, const char *format,
                   va_list args);
/* Zeroed memory; NULL: there is none, and that is the source's fault now. */
void *idl_take(struct idl_source *source, size_t n);

/* ---- parser.c */

/* The definitions as they stand there, names not looked up. */
void idl_parse_text(struct idl_source *source, struct idl *ret);

/* ---- names.c: who is called what */

/* A name of the text, or of <rpc/rpc.h>: a definition, or an enumerator of it. */
struct idl_entry {
    struct view name;
    struct idl_def *def;
    struct idl_enumerator *enumerator; /* NULL: the definition itself */
    bool is_known;                     /* a number: its value stands */
};
struct idl_names {
    struct idl_entry *entries; /* a hash table, NULL names are free */
    size_t size;
    struct idl *idl;
    unsigned foreign_count;
    bool includes_c; /* there is a "%#include" line */
};

/* Where a definition's name stands: that of a body was put together, but what is in it stands there. */
const uint8_t *idl_anchor(const struct idl_source *source, const struct idl_def *def);
void idl_names_fill(struct idl_source *source, struct idl_names *names, struct idl *idl);
/* NULL: there is none. */
struct idl_entry *idl_names_find(const struct idl_names *names, struct view name);
/* The type's definition, or what it is by itself ("uint32_t", "netobj"). */
void idl_names_type(struct idl_source *source, struct idl_names *names, struct idl_type *type);
/* The value of a number that has a name. */
void idl_names_number(struct idl_source *source, struct idl_names *names, struct idl_number *number);
/* The same for a bound: that of a name that only C knows is UINT32_MAX. */
void idl_names_bound(struct idl_source *source, struct idl_names *names, struct idl_number *number);

/* ---- like.c */

/* The name, or word of the language, that is spelled most like it; false: none is. */
bool idl_names_like(const struct idl_names *names, struct view name, char *ret, size_t size);

/* ---- check*.c */

void idl_check(struct idl_source *source, struct idl *idl);
/* Unions and programs: with the names in them looked up. */
void idl_check_union(struct idl_source *source, struct idl_names *names, struct idl_def *def);
void idl_check_program(struct idl_source *source, struct idl_names *names, struct idl_def *def);
/* Names, types and bounds of declarations. */
void idl_check_decl(struct idl_source *source, struct idl_names *names, struct idl_decl *decl);
void idl_check_name(struct idl_source *source, struct view name);
/* Sizes, and who holds whom. */
void idl_measure(struct idl_source *source, struct idl *idl);

#endif
