/* sunrpc/service.h - servers as Sun has them, on libtambo's.
 *
 *     transport   what svctcp_create() and its kin return: a server of libtambo's with one address
 *     service     a program's version on a transport, and its dispatch function: a program of libtambo's that is asked
 *                 for whatever is called of it
 *     pending     a call that came
 *
 * Sun's programs know no threads: all dispatch functions run on the thread that is in svc_run(), one after the other,
 * and may make calls themselves.  So what libtambo calls, on whichever thread, within the context's lock, only puts the
 * call on a list and ends the tambo_rpc_run() that svc_run() is in; that is mostly the same thread, so nothing is
 * switched. */
#ifndef TAMBO_SUNRPC_SERVICE_H
#define TAMBO_SUNRPC_SERVICE_H

#include "sunrpc/state.h"

struct sun_transport {
    SVCXPRT xprt; /* first: a SVCXPRT is the struct's address too */
    struct tambo_rpc_server *server;
    struct sun_pending *current; /* that is dispatched and has not been answered */
    bool is_doomed;              /* destroyed while dispatch functions run; it goes when they have */
    struct sun_transport *next;
};

struct sun_service {
    struct tambo_rpc_program program;
    struct tambo_rpc_procedure any;
    char name[sizeof "0x12345678"];
    struct sun_transport *transport;
    void (*dispatch)(struct svc_req *, SVCXPRT *); /* NULL: svc_unregister() */
    struct sun_service *next;
};

/* In the request's arena, and gone with its answer. */
struct sun_pending {
    struct tambo_rpc_request *request;
    struct sun_service *service;
    struct tambo_bytes args;
    struct sun_pending *next;
};

/* A call came; a tambo_rpc_procedure's handle. */
int sun_service_take(const void *service, void *transport, struct tambo_rpc_request *request, const void *args,
                     void *ret);
/* Takes what waits for an answer: the caller answers it.  NULL: there is nothing. */
struct sun_pending *sun_service_current(SVCXPRT *xprt);

bool_t sun_service_getargs(SVCXPRT *xprt, xdrproc_t proc, void *args);
bool_t sun_service_freeargs(SVCXPRT *xprt, xdrproc_t proc, void *args);
/* Drops the calls of a transport that came and were not dispatched; its server is gone. */
void sun_service_forget(const struct sun_transport *transport);
/* Those that are doomed are freed. */
void sun_transport_bury(void);

#endif
