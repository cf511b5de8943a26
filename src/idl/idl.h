/* idl/idl.h - the RPC and XDR language (RFC 4506, 6; RFC 5531, 12) as a tree, checked.
 * Pure: no I/O, no clock; memory comes from one arena.  The text was put through the system's preprocessor before, or
 * not; "# 12 "file.x"" lines are understood either way.
 *
 *     text --lexer--> tokens --parser--> declarations --check--> a tree in which each name points to what it means
 *
 * Who reads the tree: the writers of C (idl/write_*.c, idl/sunrpc_*.c), of JSON Schema, and idl/value.h, which turns
 * JSON into XDR and back by it. */
#ifndef TAMBO_IDL_IDL_H
#define TAMBO_IDL_IDL_H

#include "base/view.h"
#include "tambo/xdr.h"

/* Where something stands in the source; lines and columns count from 1. */
struct idl_place {
    const char *file;
    unsigned line, column;
};

/* ---- types ------------------------------------------------------------------------------------------------- */

enum idl_kind {
    IDL_VOID,
    IDL_BOOL,
    IDL_INT,   /* char, short, int, long and their likes: 4 bytes on the wire; `bits` and `is_unsigned` say more */
    IDL_HYPER, /* 8 bytes */
    IDL_FLOAT,
    IDL_DOUBLE,      /* (quadruple is refused) */
    IDL_STRING,      /* its shape is IDL_PLAIN; `is_bounded` and `bound` are its own */
    IDL_OPAQUE,      /* fixed or variable: only in a declaration with IDL_ARRAY or IDL_VECTOR */
    IDL_NAMED,       /* an enum, a struct, a union or a typedef: `def` */
    IDL_PROGRAM_REF, /* "program P": a remote reference; refused by the checker, as nothing carries them yet */
};

struct idl_def;
struct idl_type {
    enum idl_kind kind;
    bool is_unsigned;
    unsigned bits;        /* IDL_INT: 8, 16, 32; IDL_HYPER: 64; what it is in C */
    bool is_long;         /* written as `long`: 32 bits on the wire, `long` in the textbooks' C */
    struct idl_def *def;  /* IDL_NAMED, IDL_PROGRAM_REF */
    struct view spelling; /* as it was written: "unsigned int", "struct foo" */
};

/* What stands around a type. */
enum idl_shape {
    IDL_PLAIN,   /* T name */
    IDL_ARRAY,   /* T name[N] */
    IDL_VECTOR,  /* T name<N> */
    IDL_POINTER, /* T *name */
};

/* A number, by its name where it has one: so that the C that is written says the name too. */
struct idl_number {
    int64_t value;
    struct view name; /* empty: it was written as a number */
    struct view text; /* as it was written, "0x20000001"; empty: that of an enumerator without one, or of a procedure by
                         its name */
};

/* A field, an argument, an arm, the target of a typedef. */
struct idl_decl {
    struct idl_type type;
    enum idl_shape shape;
    bool is_bounded;         /* IDL_VECTOR and IDL_STRING */
    struct idl_number bound; /* IDL_ARRAY, and where it is bounded; UINT32_MAX where only C knows the name */
    struct view name;        /* empty: void, or an argument without one */
    struct idl_place place;
    struct view comment; /* that stands before it, or behind it on its line, as written, with its marks; or empty */
    struct idl_decl *next;
};

/* ---- definitions ------------------------------------------------------------------------------------------- */

enum idl_def_kind {
    IDL_CONST,
    IDL_ENUM,
    IDL_STRUCT,
    IDL_UNION,
    IDL_TYPEDEF,
    IDL_PROGRAM,
    IDL_VERBATIM, /* a "%" line: carried over into the C */
    IDL_FOREIGN,  /* a type that only C knows, from a header that a "%#include" line names */
};

struct idl_enumerator {
    struct view name;
    struct idl_number number;
    struct idl_place place;
    struct view comment;
    struct idl_enumerator *next;
};
struct idl_case {
    struct idl_number *labels; /* several may share an arm */
    unsigned label_count;      /* 0: default */
    struct idl_decl arm;       /* IDL_VOID: nothing */
    struct idl_case *next;
};
struct idl_procedure {
    struct view name;
    struct idl_number number;
    struct idl_decl ret;
    struct idl_decl *args; /* NULL: void; several become one struct on the wire, in their order */
    unsigned arg_count;
    struct idl_place place;
    struct view comment;
    struct idl_procedure *next;
};
struct idl_version {
    struct view name;
    struct idl_number number;
    struct idl_procedure *procedures; /* in the order of the source */
    struct view comment;
    struct idl_version *next;
};

struct idl_def {
    enum idl_def_kind kind;
    struct view name;
    struct idl_place place;
    struct view comment;
    bool is_included; /* comes from a file that was included: not written again */
    bool is_builtin;  /* not in the source: <rpc/rpc.h> has it (netobj, des_block, netbuf, MAXNETNAMELEN) */
    union {
        struct {
            struct idl_number number;
            struct view text; /* a const may be a string, as rpcgen allows; else empty */
        } constant;
        struct idl_enumerator *enumerators;
        struct idl_decl *fields;
        struct {
            struct idl_decl discriminant;
            struct idl_case *cases;
            struct idl_case *otherwise; /* NULL: no default */
        } choice;
        struct idl_decl alias;
        struct {
            struct idl_number number;
            struct idl_version *versions;
        } program;
        struct view verbatim; /* without the % */
    };
    /* What check finds out. */
    bool is_recursive;     /* it may hold itself */
    bool has_pointers;     /* decoding it takes memory from the arena */
    size_t wire_bytes_min; /* it takes at least so many */
    size_t wire_bytes;     /* 0: not always the same; else it takes just so many */
    unsigned mark;         /* the checker's own */
    struct idl_def *next;
};

struct idl {
    struct idl_def *defs; /* in the order of the source, included ones too */
    struct view text;     /* the source, for reflection */
};

/* ---- reading ----------------------------------------------------------------------------------------------- */

/* What is wrong, as a compiler tells it:  file.x:12:8: expected ';' behind the field 'x', found '}'
 *                                             int x }
 *                                                   ^                                                        */
struct idl_fault {
    struct idl_place place;
    char text[256];
    char line[160]; /* of the source, tabs as they are; a long one is cut on both sides */
    unsigned caret; /* the place in `line`, from 0 */
};
/* Parses and checks.  `text` is borrowed by the tree, `file` too.  0, -ERR_PROTOCOL with *why, or -ERR_NO_MEMORY.
 *
 * Where the first line is a mark of the preprocessor, the file that it names is the one that nothing is included from;
 * else `file` is.  Names that the text does not define: those of <rpc/rpc.h> come as definitions before all others
 * (is_builtin), numbers are looked for in "%#define" lines, and what is left may be C's (IDL_FOREIGN) when there is a
 * "%#include" line.  So the preprocessor is to be run with -DRPC_HDR, as rpcgen runs it for the header.
 *
 * A struct, union or enum whose body stands within a declaration is a definition before the one it stands in, by the
 * names of both: "outer_field"; behind typedef it has the typedef's name. */
int idl_parse(struct view text, const char *file, struct tambo_arena *arena, struct idl *ret, struct idl_fault *why);
/* The three lines above; at most `size` bytes with the NUL. */
void idl_fault_print(const struct idl_fault *why, char *ret, size_t size);

/* NULL: there is none. */
struct idl_def *idl_find(const struct idl *idl, struct view name);
/* What a type is under its typedefs: a declaration that is plain, or has a shape. */
struct idl_decl idl_resolve(const struct idl_decl *decl);
/* The case that this discriminant chooses, or the default; NULL: there is none. */
const struct idl_case *idl_case_of(const struct idl_def *choice, int64_t discriminant);
/* What it takes on the wire, as of a definition. */
size_t idl_wire_bytes_min(const struct idl_decl *decl);
size_t idl_wire_bytes(const struct idl_decl *decl);

#endif
