/* rpc/bind.h - rpcbind (RFC 1833) as a client on one loop: who wants to know a port asks the host's rpcbind, by version
 * 4, and where that is not spoken by 3 and 2.  What a server tells its own machine's is rpc/registration.h; a built-in
 * rpcbind is rpc/binder.h. */
#ifndef TAMBO_RPC_BIND_H
#define TAMBO_RPC_BIND_H

#include "rpc/link.h"
#include "tambo/rpc.h"
#include "wire/rpcbind.h"

struct rpc_bind_ask;

/* 0 and `address` is the one that was asked for, with its port; or -err and `why` says it in a sentence's words:
 * -ERR_PROGRAM: "rpcbind at 10.0.0.1 has no program 100003 over tcp"; -ERR_REFUSED, -ERR_UNREACHABLE, -ERR_TIMEOUT: it
 * could not be asked.  Exactly once, from the loop, and not after rpc_bind_ask_free(), which may be called inside. */
typedef void rpc_bind_fn(void *arg, int rc, const struct rpc_address *address, const char *why);

/* `address` is a tcp or udp one without a port; rpcbind is asked over the same transport.  0: `done` will be called;
 * -err: it will not. */
int rpc_bind_ask(struct rpc_world *world, const struct rpc_address *address, uint32_t program, uint32_t version,
                 uint32_t within_ms, rpc_bind_fn *done, void *arg, struct rpc_bind_ask **ret);
/* Also before it is done.  NULL is fine. */
void rpc_bind_ask_free(struct rpc_bind_ask *ask);

/* Versions 2, 3 and 4 with their procedures, for clients and servers alike. */
extern const struct tambo_rpc_program rpc_bind_programs[3];
/* One that is there. */
const struct tambo_rpc_procedure *rpc_bind_procedure(uint32_t version, uint32_t number);

#endif
