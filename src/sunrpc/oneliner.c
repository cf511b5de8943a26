/* Sun's simplest layer: a function is a procedure, a call is one line. */
#include <string.h>

#include "sunrpc/client.h"
#include "sunrpc/memory.h"
#include "sunrpc/service.h"

/* ---- calling ------------------------------------------------------------------------------------------------- */

enum clnt_stat
rpc_call(const char *host, rpcprog_t program, rpcvers_t version, rpcproc_t proc, xdrproc_t xargs, const char *args,
         xdrproc_t xres, char *res, const char *net)
{
    static const struct timeval patience = { 25, 0 };
    CLIENT *client = clnt_create(host, program, version, net);
    enum clnt_stat stat;

    if (client == NULL)
        return get_rpc_createerr().cf_stat;
    stat = clnt_call(client, proc, xargs, (void *)(uintptr_t)args, xres, res, patience);
    clnt_destroy(client);
    return stat;
}

int
callrpc(const char *host, int program, int version, int proc, xdrproc_t xargs, void *args, xdrproc_t xres, void *res)
{
    return (int)rpc_call(host, (rpcprog_t)program, (rpcvers_t)version, (rpcproc_t)proc, xargs, args, xres, res, "udp");
}

/* ---- being called --------------------------------------------------------------------------------------------- */

struct sun_oneliner {
    rpcprog_t program;
    rpcvers_t version;
    rpcproc_t proc;
    char *(*fn)(char *);
    xdrproc_t xargs, xres;
    struct sun_oneliner *next;
};

static void
dispatch(struct svc_req *request, SVCXPRT *xprt)
{
    /* What arguments are decoded into: nobody says how large they are, and this is what Sun gives them. */
    union {
        char bytes[UDPMSGSIZE];
        max_align_t aligned;
    } args = { "" };
    struct sun_oneliner *o;
    char *res;

    for (o = sun_servers()->oneliners; o != NULL; o = o->next)
        if (o->program == request->rq_prog && o->version == request->rq_vers && o->proc == request->rq_proc)
            break;
    if (o == NULL) {
        svcerr_noproc(xprt);
        return;
    }
    if (!svc_getargs(xprt, o->xargs, args.bytes)) {
        svcerr_decode(xprt);
        return;
    }
    res = o->fn(args.bytes);
    /* Without a result there is no answer, unless none is what it returns. */
    if (res != NULL || o->xres == (xdrproc_t)xdr_void)
        svc_sendreply(xprt, o->xres, res);
    svc_freeargs(xprt, o->xargs, args.bytes);
}

int
registerrpc(int program, int version, int proc, char *(*fn)(char *), xdrproc_t xargs, xdrproc_t xres)
{
    struct sun_servers *servers = sun_servers();
    struct sun_oneliner *made;

    if (servers->oneliners_by == NULL)
        servers->oneliners_by = svcudp_create(RPC_ANYSOCK);
    if (servers->oneliners_by == NULL)
        return -1;
    pmap_unset((u_long)program, (u_long)version);
    if (!svc_register(servers->oneliners_by, (u_long)program, (u_long)version, dispatch, IPPROTO_UDP)) {
        fprintf(stderr, "registerrpc: program 0x%x version %d cannot be registered\n", (unsigned)program, version);
        return -1;
    }
    made = sun_take(sizeof *made);
    if (made == NULL)
        return -1;
    *made = (struct sun_oneliner){ (rpcprog_t)program, (rpcvers_t)version, (rpcproc_t)proc, fn, xargs, xres,
                                   servers->oneliners };
    servers->oneliners = made;
    return 0;
}
