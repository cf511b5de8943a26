/* rpc/binder.h - a built-in rpcbind (RFC 1833): program 100000 in versions 2, 3 and 4, on one loop.
 *
 * Only callers of its own machine may set and unset.  What a caller from a reserved port (root's) has set, only such a
 * one may unset.  Calls are forwarded (CALLIT, BCAST, INDIRECT) over udp; of callers from elsewhere only those of
 * procedure 0, for a service would take a forwarded call as one of its own machine, and never to rpcbind itself but for
 * that.  A mapping stays until it is unset: servers that died are not looked for. */
#ifndef TAMBO_RPC_BINDER_H
#define TAMBO_RPC_BINDER_H

#include "rpc/bind.h"
#include "rpc/server.h"

struct rpc_binder;

enum { RPC_BINDER_MAPPINGS_MAX = 10000, RPC_BINDER_FORWARDS_MAX = 256 };

int rpc_binder_new(struct rpc_world *world, struct rpc_binder **ret);
/* A tcp or udp address; it maps itself there.  `retbound` may be NULL. */
int rpc_binder_listen(struct rpc_binder *binder, const struct rpc_address *address, struct rpc_address *retbound);
/* NULL is fine. */
void rpc_binder_free(struct rpc_binder *binder);

/* From within the process: as a caller of root's would.  0 (also when it is mapped just so), -ERR_EXISTS when the
 * netid's address is another one, -ERR_INVALID, -ERR_FULL, -ERR_NO_MEMORY. */
int rpc_binder_set(struct rpc_binder *binder, const struct rpcbind_mapping *mapping);
/* netid "": all of them. */
void rpc_binder_unset(struct rpc_binder *binder, uint32_t program, uint32_t version, const char *netid);

#endif
