/* What dispatch functions do with a call: its arguments, and its answer. */
#include "sunrpc/body.h"
#include "sunrpc/service.h"

struct sun_pending *
sun_service_current(SVCXPRT *xprt)
{
    struct sun_transport *transport = (struct sun_transport *)xprt;
    struct sun_pending *pending = transport->current;

    transport->current = NULL;
    return pending;
}

bool_t
sun_service_getargs(SVCXPRT *xprt, xdrproc_t proc, void *args)
{
    const struct sun_pending *pending = ((struct sun_transport *)xprt)->current;
    XDR xdrs;

    if (pending == NULL)
        return FALSE;
    xdrmem_create(&xdrs, (char *)(uintptr_t)pending->args.data, pending->args.len, XDR_DECODE);
    return proc(&xdrs, args);
}

bool_t
sun_service_freeargs(SVCXPRT *xprt, xdrproc_t proc, void *args)
{
    (void)xprt;
    xdr_free(proc, args);
    return TRUE;
}

bool_t
svc_sendreply(SVCXPRT *xprt, xdrproc_t proc, void *res)
{
    struct sun_pending *pending = sun_service_current(xprt);
    bool torn = false;
    struct sun_body body = { proc, res, &torn };

    return pending != NULL && tambo_rpc_reply(pending->request, &body) == 0 && !torn;
}

static void
fail(SVCXPRT *xprt, int rc)
{
    struct sun_pending *pending = sun_service_current(xprt);

    if (pending != NULL)
        tambo_rpc_fail(pending->request, rc);
}

void
svcerr_decode(SVCXPRT *xprt)
{
    fail(xprt, -TAMBO_ERR_ARGUMENTS);
}

void
svcerr_auth(SVCXPRT *xprt, enum auth_stat why)
{
    (void)why; /* callers are told that they are refused */
    fail(xprt, -TAMBO_ERR_DENIED);
}

void
svcerr_weakauth(SVCXPRT *xprt)
{
    svcerr_auth(xprt, AUTH_TOOWEAK);
}

void
svcerr_noproc(SVCXPRT *xprt)
{
    fail(xprt, -TAMBO_ERR_PROCEDURE);
}

void
svcerr_noprog(SVCXPRT *xprt)
{
    fail(xprt, -TAMBO_ERR_PROGRAM);
}

void
svcerr_progvers(SVCXPRT *xprt, rpcvers_t low, rpcvers_t high)
{
    (void)low, (void)high; /* the server knows which versions it has */
    fail(xprt, -TAMBO_ERR_VERSION);
}

void
svcerr_systemerr(SVCXPRT *xprt)
{
    fail(xprt, -TAMBO_ERR_FAILED);
}
