/* rpcbind in version 2 of its protocol, as Sun's programs ask it. */
#include "sunrpc/client.h"
#include "sunrpc/state.h"

/* Calls rpcbind of a host. */
static enum clnt_stat
ask(const struct sockaddr_in *host, bool is_stream, u_long proc, xdrproc_t xargs, void *args, xdrproc_t xres, void *res,
    struct timeval time)
{
    struct sockaddr_in at = *host;
    struct sun_client *client;
    enum clnt_stat stat;

    at.sin_port = htons(PMAPPORT);
    client = sun_client_at(&at, is_stream, PMAPPROG, PMAPVERS);
    if (client == NULL)
        return get_rpc_createerr().cf_stat;
    stat = clnt_call(&client->client, (rpcproc_t)proc, xargs, args, xres, res, time);
    if (stat != RPC_SUCCESS)
        sun_client_fail(RPC_PMAPFAILURE, &client->error);
    clnt_destroy(&client->client);
    return stat;
}

static const struct timeval patience = { 60, 0 };

u_short
pmap_getport(struct sockaddr_in *host, u_long program, u_long version, u_int protocol)
{
    struct pmap what = { program, version, protocol, 0 };
    u_int port = 0;

    if (ask(host, protocol == IPPROTO_TCP, PMAPPROC_GETPORT, (xdrproc_t)xdr_pmap, &what, (xdrproc_t)xdr_u_int, &port,
            patience) != RPC_SUCCESS)
        return 0;
    if (port == 0 || port > UINT16_MAX) {
        sun_client_fail(RPC_PROGNOTREGISTERED, NULL);
        return 0;
    }
    return (u_short)port;
}

int
getrpcport(char *host, int program, int version, int protocol)
{
    struct sockaddr_in at;

    return sun_client_host(host, &at) ? pmap_getport(&at, (u_long)program, (u_long)version, (u_int)protocol) : 0;
}

/* This machine's: only who calls from it may change what it knows. */
static bool_t
tell(u_long proc, struct pmap *what)
{
    struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    bool_t done = FALSE;

    return ask(&here, true, proc, (xdrproc_t)xdr_pmap, what, (xdrproc_t)xdr_bool, &done, patience) == RPC_SUCCESS &&
           done;
}

bool_t
pmap_set(u_long program, u_long version, int protocol, int port)
{
    struct pmap what = { program, version, (u_long)protocol, (u_long)port };

    return tell(PMAPPROC_SET, &what);
}

bool_t
pmap_unset(u_long program, u_long version)
{
    struct pmap what = { program, version, 0, 0 };

    return tell(PMAPPROC_UNSET, &what);
}

struct pmaplist *
pmap_getmaps(struct sockaddr_in *host)
{
    struct pmaplist *list = NULL;

    if (ask(host, true, PMAPPROC_DUMP, (xdrproc_t)xdr_void, NULL, (xdrproc_t)xdr_pmaplist, &list, patience) !=
        RPC_SUCCESS) {
        xdr_free((xdrproc_t)xdr_pmaplist, &list);
        return NULL;
    }
    return list;
}

/* ---- a call that rpcbind makes (RFC 1833, 3.2: PMAPPROC_CALLIT) ------------------------------------------------- */

struct errand {
    u_long program, version, proc;
    xdrproc_t xargs, xres;
    void *args, *res;
    u_long port;
};

static bool_t
xdr_errand_args(XDR *xdrs, struct errand *at)
{
    u_int len = (u_int)xdr_sizeof(at->xargs, at->args);

    return xdr_u_long(xdrs, &at->program) && xdr_u_long(xdrs, &at->version) && xdr_u_long(xdrs, &at->proc) &&
           xdr_u_int(xdrs, &len) && at->xargs(xdrs, at->args);
}

static bool_t
xdr_errand_res(XDR *xdrs, struct errand *at)
{
    u_int len;

    return xdr_u_long(xdrs, &at->port) && xdr_u_int(xdrs, &len) && at->xres(xdrs, at->res);
}

enum clnt_stat
pmap_rmtcall(struct sockaddr_in *host, u_long program, u_long version, u_long proc, xdrproc_t xargs, caddr_t args,
             xdrproc_t xres, caddr_t res, struct timeval time, u_long *retport)
{
    struct errand errand = { program, version, proc, xargs, xres, args, res, 0 };
    enum clnt_stat stat = ask(host, false, PMAPPROC_CALLIT, (xdrproc_t)xdr_errand_args, &errand,
                              (xdrproc_t)xdr_errand_res, &errand, time);

    if (stat == RPC_SUCCESS)
        *retport = errand.port;
    return stat;
}
