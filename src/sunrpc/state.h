/* sunrpc/state.h - what Sun RPC has one of in a process, or in a thread.  Its functions take no handle (svc_run(), the
 * transports that svc_unregister() means, rpc_createerr), so there is state that is nobody's; all of it is here. */
#ifndef TAMBO_SUNRPC_STATE_H
#define TAMBO_SUNRPC_STATE_H

#include <rpc/rpc.h>
#include <stdatomic.h>

#include "tambo/rpc.h"

#undef rpc_createerr /* the struct has the same name; here it is get_rpc_createerr() */

enum { SUN_TEXT_MAX = 512 };

/* What one thread has. */
struct sun_thread {
    struct rpc_createerr createerr;
    char text[SUN_TEXT_MAX]; /* that clnt_sperror() and its kin return */
    unsigned depth;          /* of pointers that are being followed (xdr_reference) */
};
struct sun_thread *sun_thread(void);

/* This process's servers (sunrpc/service.h).  They are made, changed and run by one thread, as Sun's are; only what is
 * atomic is touched by the thread that drives the context. */
struct sun_servers {
    struct sun_transport *transports;
    struct sun_service *services;
    struct sun_oneliner *oneliners; /* of registerrpc() */
    SVCXPRT *oneliners_by;
    bool is_dispatching;
    _Atomic(struct sun_pending *) arrived;     /* the newest first */
    _Atomic(struct tambo_rpc_server *) runner; /* whose tambo_rpc_run() svc_run() is in */
    atomic_bool is_leaving;
};
struct sun_servers *sun_servers(void);

/* The context of this process's clients and servers: made when it is first asked for, and anew in a child process. */
int sun_context(struct tambo **ret);
/* A number that no other AUTH of this process has; never 0. */
unsigned sun_auth_number(void);

#endif
