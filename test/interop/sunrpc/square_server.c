/* A dispatch function by hand, both transports. */
#include <math.h>
#include <rpc/pmap_clnt.h>
#include <rpc/rpc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "square.h"

static long noted;

static long
caller(struct svc_req *rqstp)
{
    struct authunix_parms *parms;

    if (rqstp->rq_cred.oa_flavor != AUTH_UNIX)
        return -1;
    parms = (struct authunix_parms *)rqstp->rq_clntcred;
    if (strcmp(parms->aup_machname, "some.machine") != 0 || parms->aup_len != 2 || parms->aup_gids[1] != 8)
        return -2;
    return (long)parms->aup_uid;
}

static void
reply(SVCXPRT *transp, xdrproc_t proc, void *res)
{
    if (!svc_sendreply(transp, proc, res))
        svcerr_systemerr(transp);
}

static void
dispatch(struct svc_req *rqstp, SVCXPRT *transp)
{
    square_list sum;
    square_in in;
    square_out out;
    square_root root;
    double d;
    long l;

    switch (rqstp->rq_proc) {
    case NULLPROC: reply(transp, (xdrproc_t)xdr_void, NULL); return;
    case SQUAREPROC:
        if (!svc_getargs(transp, (xdrproc_t)xdr_square_in, (caddr_t)&in))
            break;
        out.res1 = in.arg1 * in.arg1;
        reply(transp, (xdrproc_t)xdr_square_out, &out);
        return;
    case ROOTPROC:
        if (!svc_getargs(transp, (xdrproc_t)xdr_double, (caddr_t)&d))
            break;
        root.errno_ = d < 0 ? 33 : 0;
        root.square_root_u.root = d < 0 ? 0 : sqrt(d);
        reply(transp, (xdrproc_t)xdr_square_root, &root);
        return;
    case SUMPROC:
        memset(&sum, 0, sizeof sum);
        if (!svc_getargs(transp, (xdrproc_t)xdr_square_list, (caddr_t)&sum))
            break;
        for (square_list *at = &sum; at != NULL; at = at->next)
            at->value *= at->value;
        reply(transp, (xdrproc_t)xdr_square_list, &sum);
        svc_freeargs(transp, (xdrproc_t)xdr_square_list, (caddr_t)&sum);
        return;
    case NOTEPROC:
        if (!svc_getargs(transp, (xdrproc_t)xdr_long, (caddr_t)&l))
            break;
        noted += l;
        return; /* no answer */
    case NOTEDPROC: reply(transp, (xdrproc_t)xdr_long, &noted); return;
    case CALLERPROC:
        l = caller(rqstp);
        reply(transp, (xdrproc_t)xdr_long, &l);
        return;
    case SILENTPROC: return;
    default: svcerr_noproc(transp); return;
    }
    svcerr_decode(transp);
}

int
main(void)
{
    SVCXPRT *udp, *tcp;

    pmap_unset(SQUARE_PROG, SQUARE_VERS);
    udp = svcudp_create(RPC_ANYSOCK);
    tcp = svctcp_create(RPC_ANYSOCK, 0, 0);
    if (udp == NULL || tcp == NULL || !svc_register(udp, SQUARE_PROG, SQUARE_VERS, dispatch, IPPROTO_UDP) ||
        !svc_register(tcp, SQUARE_PROG, SQUARE_VERS, dispatch, IPPROTO_TCP)) {
        fprintf(stderr, "cannot register\n");
        exit(1);
    }
    svc_run();
    fprintf(stderr, "svc_run returned\n");
    return 1;
}
