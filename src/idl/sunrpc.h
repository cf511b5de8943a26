/* idl/sunrpc.h - C as Sun's rpcgen writes it, for old programs: the same names, types and calling conventions, over
 * <rpc/rpc.h> (include/tambo/sunrpc, or anybody's).
 *
 *     F.h        types, procedure numbers, prototypes
 *     F_xdr.c    xdr_T() of each type
 *     F_clnt.c   bin_date_1(args, clnt)
 *     F_svc.c    the dispatch function date_prog_1(), which calls bin_date_1_svc(args, request); main() */
#ifndef TAMBO_IDL_SUNRPC_H
#define TAMBO_IDL_SUNRPC_H

#include "idl/idl.h"
#include "idl/text.h"

struct idl_sunrpc_style {
    bool is_new;      /* rpcgen -N: arguments as they are, any number of them; else one, by its address */
    bool is_safe;     /* rpcgen -M: results where the caller says; else static */
    bool is_mainless; /* rpcgen -m: no main() */
};
/* `base` is FILE without ".x".  0, -err of the sink or memory, or -ERR_INVALID with *why: what Sun's language has not.
 */
int idl_sunrpc_write(const struct idl *idl, const char *base, const struct idl_sunrpc_style *style,
                     struct tambo_arena *arena, const struct idl_sink *sink, struct idl_fault *why);

#endif
