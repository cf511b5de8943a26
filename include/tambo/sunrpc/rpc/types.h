/* rpc/types.h - the types of Sun RPC's programs; see tambo-sunrpc(7). */
#ifndef TAMBO_SUNRPC_TYPES_H
#define TAMBO_SUNRPC_TYPES_H

#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/param.h>
#include <sys/time.h>
#include <sys/types.h>

/* A strict language standard hides them in <sys/types.h>. */
#ifndef __u_char_defined
typedef unsigned char u_char;
typedef unsigned short u_short;
typedef unsigned int u_int;
typedef unsigned long u_long;
typedef __quad_t quad_t;
typedef __u_quad_t u_quad_t;
#define __u_char_defined
#endif
#ifndef __daddr_t_defined
typedef int daddr_t;
typedef char *caddr_t;
#define __daddr_t_defined
#endif

typedef int32_t bool_t;
typedef int32_t enum_t;
typedef uint32_t rpcprog_t;
typedef uint32_t rpcvers_t;
typedef uint32_t rpcproc_t;
typedef uint32_t rpcprot_t;
typedef uint32_t rpcport_t;
typedef int32_t rpc_inline_t;

#ifndef FALSE
#define FALSE 0
#endif
#ifndef TRUE
#define TRUE 1
#endif
#define __dontcare__ (-1)

/* What xdr procedures take and give back. */
#define mem_alloc(bytes)      calloc(1, bytes)
#define mem_free(area, bytes) free(area)

struct netbuf {
    unsigned maxlen, len;
    void *buf;
};

#endif
