/* idl/value.h - JSON to XDR and back, by the tree.
 *
 *     bool                true, false
 *     int and its likes   a number within the range of its C type
 *     hyper               a number; an unsigned one above 2^63 - 1 is a string of digits (jansson's integers are
 * signed) float, double       a number, or one of "NaN", "Infinity", "-Infinity" enum                its name, or a
 * number (which is told where no name has it) string              a string; what is not UTF-8 is {"base64": "..."}
 *     opaque              a string in base64 (RFC 4648, 4)
 *     T x[N], T x<N>      an array
 *     T *x                null, or the value
 *     struct              an object with each field under its name; an optional field may be left out
 *     union               {"discriminant": ..., "arm": ...}; a void arm may be left out, and is when decoded
 *     void                null
 *
 * What is wrong is told by tambo_xdr_why() of the stream: "points[3].x: a number was expected". */
#ifndef TAMBO_IDL_VALUE_H
#define TAMBO_IDL_VALUE_H

#include <jansson.h>

#include "idl/idl.h"

/* Structs, unions and typedefs within each other, lists linked by pointers too. */
enum { IDL_VALUE_DEPTH_MAX = 1000 };

/* 0; -ERR_ARGUMENTS: `json` does not fit; or what the stream's `more` answers. */
int idl_value_encode(const struct idl_decl *decl, const json_t *json, struct tambo_xdr_out *out);
/* 0, -ERR_PROTOCOL, -ERR_NO_MEMORY.  What follows the value stays in `in`; its arena is not needed. */
int idl_value_decode(const struct idl_decl *decl, struct tambo_xdr_in *in, json_t **ret);

/* A procedure's arguments: none: NULL, null, {} or []; one: its value; several: an array in their order, or an object
 * by their names, "arg1", "arg2" for those without.  Decoding several gives the object. */
int idl_arguments_encode(const struct idl_procedure *procedure, const json_t *json, struct tambo_xdr_out *out);
int idl_arguments_decode(const struct idl_procedure *procedure, struct tambo_xdr_in *in, json_t **ret);

#endif
