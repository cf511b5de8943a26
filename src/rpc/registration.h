/* rpc/registration.h - what a server tells the rpcbind of its machine, and keeps true while it lives: which program is
 * at which address.
 *
 * It is told by way of /run/rpcbind.sock, where rpcbind knows who we are, else over 127.0.0.1.  From time to time it is
 * asked whether it still knows, and told anew if not: so a restart of rpcbind is survived.  Where none runs, one is
 * started here (rpc/binder.h), if port 111 may be bound. */
#ifndef TAMBO_RPC_REGISTRATION_H
#define TAMBO_RPC_REGISTRATION_H

#include "rpc/server.h"

struct rpc_registration;

/* Both may also come from inside the calls below that lead to them. */
struct rpc_registration_on {
    /* After rpc_registration_open(), after each rpc_registration_renew(), and when it changes: 0: rpcbind knows all of
     * it; -err: it could not be told, which is tried again; -ERR_DENIED: some of it is another's, or not for us. */
    void (*told)(void *arg, int rc);
    /* After rpc_registration_close(): it is taken back, or that could not be done within a second.  Exactly once, and
     * the last call: it is freed. */
    void (*closed)(void *arg);
};

/* The server is borrowed until `closed`, or rpc_registration_free().  What it serves by unix: and inproc: is nobody's
 * business.  One program's version has one address a netid: that of the door which was opened first. */
int rpc_registration_open(struct rpc_world *world, const struct rpc_server *server,
                          const struct rpc_registration_on *on, void *arg, struct rpc_registration **ret);
/* The server serves more, or listens at one more address. */
void rpc_registration_renew(struct rpc_registration *registration);
/* Takes all back. */
void rpc_registration_close(struct rpc_registration *registration);
/* At once: nothing is taken back and nobody told.  NULL is fine. */
void rpc_registration_free(struct rpc_registration *registration);

#endif
