/* rpcgen/types.h - all types of an interface, by their names: what types_main.c writes beside the stubs. */
#ifndef TAMBO_RPCGEN_TYPES_H
#define TAMBO_RPCGEN_TYPES_H

#include "tambo/rpc.h"

struct rpcgen_type {
    const char *name;
    size_t size;
    tambo_xdr_encode_fn *encode;
    tambo_xdr_decode_fn *decode;
};
struct rpcgen_types {
    const char *file; /* "every.x" */
    const struct rpcgen_type *types;
    size_t count;
};

/* A row for each interface; test/rpcgen/meson.build has the same list. */
extern const struct rpcgen_types every_types, date_types;

#endif
