/* idl/writer.h - what the writers of C share: names, types, parameters. */
#ifndef TAMBO_IDL_WRITER_H
#define TAMBO_IDL_WRITER_H

#include "idl/idl.h"
#include "idl/text.h"

struct idl_writer {
    const struct idl *idl;
    const char *base;   /* "date": of files */
    const char *prefix; /* "date": of names */
    struct tambo_arena *arena;
    struct idl_text *text; /* of the file that is being written */
    struct idl_fault *why;
    int rc; /* the first error */
};

/* ---- names and types (write_name.c) ---------------------------------------------------------------------------- */

/* As C writes it: a word of C or C++ gets a '_'. */
const char *idl_c_name(struct idl_writer *w, struct view name);
/* Of the functions of a type: of the file that defines it. */
const char *idl_c_prefix(struct idl_writer *w, const struct idl_def *def);
/* "int32_t", "struct point", "fhandle". */
const char *idl_c_type(struct idl_writer *w, const struct idl_type *type);
/* "struct point", "fhandle": of a definition. */
const char *idl_c_def(struct idl_writer *w, const struct idl_def *def);
/* Its name, else as it was written. */
const char *idl_c_number(struct idl_writer *w, const struct idl_number *number);
/* "UINT32_MAX" where there is no bound. */
const char *idl_c_bound(struct idl_writer *w, const struct idl_decl *decl);
/* Writes "T name[4]" with a ';' behind it; several lines for a variable array. */
void idl_c_field(struct idl_writer *w, const struct idl_decl *decl, const char *name);
/* Below typedefs, as long as the declaration itself is plain. */
const struct idl_decl *idl_under(const struct idl_decl *decl);
/* What an array or a pointer has. */
struct idl_decl idl_element(const struct idl_decl *decl);
/* Is the value an array in C, which is passed by its first element? */
bool idl_is_array(const struct idl_decl *decl);
bool idl_is_void(const struct idl_decl *decl);
/* Is memory taken to decode it? */
bool idl_has_pointers(const struct idl_decl *decl);
/* Does one of the versions of the interface have procedures? */
bool idl_has_programs(const struct idl *idl);

/* ---- runs of fields whose size is fixed (write_flat.c) ----------------------------------------------------------- */

/* Code that is being written; what it uses has to be declared before it. */
struct idl_body {
    struct idl_writer *w;
    struct idl_text *text;
    bool decodes;
    bool uses_rc, uses_p;
    unsigned loops;
};
/* Is it always as long on the wire, and without anything that would have to be called for it? */
bool idl_is_flat(const struct idl_decl *decl);
bool idl_is_flat_def(const struct idl_def *def);
size_t idl_flat_bytes(const struct idl_decl *decl);
size_t idl_flat_def_bytes(const struct idl_def *def);
/* May its bytes be refused? */
bool idl_is_checked(const struct idl_decl *decl);
/* One to `p`, which goes on; one from `at` ("p + 8"). */
void idl_write_flat(struct idl_body *b, const struct idl_decl *decl, const char *expr);
void idl_read_flat(struct idl_body *b, const struct idl_decl *decl, const char *expr, size_t offset, const char *at,
                   const char *label);
/* "return rc;", which names the field where it has a name. */
void idl_return_rc(struct idl_body *b, const char *rc, const char *label, const char *index);

/* ---- values (write_value.c) -------------------------------------------------------------------------------------- */

/* The code for the fields `first` up to before `end` of what `owner` ("value->") begins. */
void idl_write_fields(struct idl_body *b, const struct idl_decl *first, const struct idl_decl *end, const char *owner);
void idl_write_value(struct idl_body *b, const struct idl_decl *decl, const char *expr, const char *label);
/* The same where it is all that a function does. */
void idl_write_return(struct idl_body *b, const struct idl_decl *decl, const char *expr);
/* The body's declarations and the body. */
void idl_write_body(struct idl_writer *w, const struct idl_body *b);
struct idl_body idl_body_of(struct idl_writer *w, struct idl_text *text, bool decodes);

/* ---- procedures (write_call.c) ------------------------------------------------------------------------------------
 */

/* How C passes a value. */
enum idl_pass { IDL_BY_VALUE, IDL_BY_TEXT, IDL_BY_STRUCT, IDL_BY_ARRAY, IDL_BY_POINTER };
enum idl_pass idl_pass_of(const struct idl_decl *decl);

struct idl_call {
    const struct idl_def *program;
    const struct idl_version *version;
    const struct idl_procedure *procedure;
    const char *name;      /* "bin_date", with its version when there are several of the name */
    const char *arguments; /* "date_add_arguments": the struct of several; NULL: there is one, or none */
};
/* Calls fn for each procedure, in the order of the source; `arg` is the caller's. */
typedef void idl_call_fn(struct idl_writer *w, const struct idl_call *call, void *arg);
void idl_each_call(struct idl_writer *w, idl_call_fn *fn, void *arg);
void idl_each_call_of(struct idl_writer *w, const struct idl_def *program, const struct idl_version *version,
                      idl_call_fn *fn, void *arg);
typedef void idl_version_fn(struct idl_writer *w, const struct idl_def *program, const struct idl_version *version,
                            void *arg);
void idl_each_version(struct idl_writer *w, idl_version_fn *fn, void *arg);
struct idl_call idl_call_of(struct idl_writer *w, const struct idl_def *program, const struct idl_version *version,
                            const struct idl_procedure *procedure);
/* Is it procedure 0, which every runtime answers? */
bool idl_is_null_call(const struct idl_call *call);
bool idl_has_ret(const struct idl_call *call);
/* "date_vers": what is called by the version. */
const char *idl_version_name(struct idl_writer *w, const struct idl_version *version);
/* The name of an argument as a parameter. */
const char *idl_arg_name(struct idl_writer *w, const struct idl_procedure *procedure, const struct idl_decl *arg);
/* The struct of several arguments as a definition. */
struct idl_def idl_arguments_def(struct idl_writer *w, const struct idl_call *call);
/* Items of a list of parameters. */
void idl_item_args(struct idl_writer *w, const struct idl_call *call);
void idl_item_ret(struct idl_writer *w, const struct idl_call *call);
void idl_item_in(struct idl_writer *w, const struct idl_decl *decl, const char *name);
/* Items of a call: the arguments by their names. */
void idl_item_arg_names(struct idl_writer *w, const struct idl_call *call);
/* An expression as an array of arrays, whose `const` C wants to be told; all else as it is. */
const char *idl_cast_array(struct idl_writer *w, const struct idl_decl *decl, const char *expr, bool is_changed);
/* A function of the given type that passes a void pointer on, unless it is there; returns its name, or "NULL" for void.
 */
struct idl_adapters {
    const char *names[1024];
    unsigned count;
};
const char *idl_write_adapter(struct idl_writer *w, struct idl_adapters *adapters, const struct idl_call *call,
                              bool is_ret, bool decodes);

/* The members of a struct tambo_rpc_procedure for what a client, or a server, does with arguments and results. */
void idl_write_members(struct idl_writer *w, const struct idl_call *call, const char *args, const char *ret,
                       bool is_client);

/* ---- files ----------------------------------------------------------------------------------------------------------
 */

/* Head of each file; "Made by tambo rpcgen" is what tells it from a file of somebody else. */
void idl_write_head(struct idl_writer *w);
void idl_write_header(struct idl_writer *w);
void idl_write_xdr(struct idl_writer *w);
void idl_write_client(struct idl_writer *w);
void idl_write_server(struct idl_writer *w);
void idl_write_client_main(struct idl_writer *w);
void idl_write_server_main(struct idl_writer *w);
void idl_write_makefile(struct idl_writer *w);
/* Prototypes, for the header. */
void idl_write_client_header(struct idl_writer *w);
void idl_write_server_header(struct idl_writer *w);

/* Keeps the first error, with the place it is about; `format` has the words. */
void idl_refuse(struct idl_writer *w, const struct idl_place *place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
