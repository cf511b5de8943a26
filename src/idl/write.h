/* idl/write.h - from an interface to C: types, stubs and samples.  Pure: what is written goes to a sink.
 *
 *     FILE.h         types, and what clients and servers call
 *     FILE_xdr.c     each type to XDR and back (include/tambo/xdr.h)
 *     FILE_client.c  a function a procedure and a way of calling
 *     FILE_server.c  the table of procedures, from which a server calls its handlers
 *
 * What it says of C is told at the head of include/tambo/xdr.h.  Lines are broken as clang-format would with the style
 * of this repository, as long as names are not longer than lines. */
#ifndef TAMBO_IDL_WRITE_H
#define TAMBO_IDL_WRITE_H

#include "idl/idl.h"
#include "idl/text.h"

/* `base` is the files' name before its ending: "date".  0, the sink's error, -ERR_NO_MEMORY, or -ERR_INVALID with *why
 * for what has no C: types that only C knows. */
int idl_write(const struct idl *idl, const char *base, struct tambo_arena *arena, const struct idl_sink *sink,
              struct idl_fault *why);
/* FILE_client_main.c, FILE_server_main.c and FILE.mk, for whoever begins. */
int idl_write_sample(const struct idl *idl, const char *base, struct tambo_arena *arena, const struct idl_sink *sink,
                     struct idl_fault *why);

#endif
