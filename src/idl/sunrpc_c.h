/* idl/sunrpc_c.h - what the four files of idl/sunrpc.h share: how types look in Sun's C. */
#ifndef TAMBO_IDL_SUNRPC_C_H
#define TAMBO_IDL_SUNRPC_C_H

#include "idl/sunrpc.h"

struct sun_writer {
    const struct idl *idl;
    const struct idl_sunrpc_style *style;
    const char *base;
    struct idl_text text; /* the file that is written */
};

/* Each writes its file into w->text. */
void sun_write_header(struct sun_writer *w);
void sun_write_xdr(struct sun_writer *w);
void sun_write_client(struct sun_writer *w);
void sun_write_server(struct sun_writer *w);

/* "10", "MAXNAMES", "0x31234567". */
const char *sun_number(struct sun_writer *w, const struct idl_number *number);

/* "u_int", "char *", "struct node": for a declaration, where a struct may not be known yet. */
const char *sun_type_early(struct sun_writer *w, const struct idl_type *type);
/* "u_int", "char *", "node": behind all declarations. */
const char *sun_type(struct sun_writer *w, const struct idl_type *type);
/* "xdr_u_int", "xdr_wrapstring", "xdr_node". */
const char *sun_xdr(struct sun_writer *w, const struct idl_type *type);
/* What a declaration is under its typedefs, in C. */
const struct idl_decl *sun_under(const struct idl_decl *decl);
/* Is it an array in C, which is passed by its address as it is? */
bool sun_is_array(const struct idl_decl *decl);
/* "int arr[3];" with its line. */
void sun_field(struct sun_writer *w, const struct idl_decl *decl, const char *name);
/* "if (!xdr_int(xdrs, &objp->a)) return FALSE;" for a field of that name within `within` ("objp->", "objp->u_u."). */
void sun_xdr_field(struct sun_writer *w, const struct idl_decl *decl, const char *within, const char *name);
/* The same for a typedef, of which objp is the address. */
void sun_xdr_alias(struct sun_writer *w, const struct idl_decl *decl, const char *name);

/* ---- procedures ---------------------------------------------------------------------------------------------- */

/* "bin_date_1". */
const char *sun_procedure(struct sun_writer *w, const struct idl_version *version, const struct idl_procedure *p);
/* "date_prog_1". */
const char *sun_dispatcher(struct sun_writer *w, const struct idl_def *program, const struct idl_version *version);
/* Several arguments are one struct on the wire, "add_1_argument". */
bool sun_has_struct(const struct idl_procedure *p);
/* The name of argument number `at` from 0: its own, or "arg1". */
const char *sun_arg_name(struct sun_writer *w, const struct idl_decl *arg, unsigned at);
/* What argument and result are in C, and their xdr functions: "add_1_argument", "long", "void". */
const char *sun_arg_type(struct sun_writer *w, const struct idl_version *version, const struct idl_procedure *p);
const char *sun_arg_xdr(struct sun_writer *w, const struct idl_version *version, const struct idl_procedure *p);
bool sun_has_arg(const struct idl_procedure *p);
bool sun_has_ret(const struct idl_procedure *p);
/* What the address of a type's value is: "long *", "char **"; of an array, of its elements: "inner *"; of void, "void
 * *". */
const char *sun_address_type(struct sun_writer *w, const struct idl_decl *decl);
/* The prototype, behind its name, of the client's function or of the server's: "(void *argp, CLIENT *clnt)". */
const char *sun_parameters(struct sun_writer *w, const struct idl_procedure *p, bool is_server);
/* What they return: "long *", "enum clnt_stat", "bool_t". */
const char *sun_returns(struct sun_writer *w, const struct idl_procedure *p, bool is_server);

#endif
