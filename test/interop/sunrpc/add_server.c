/* The procedures of stubs of rpcgen -N -M. */
#include <rpc/rpc.h>
#include <stdlib.h>
#include <string.h>

#include "add.h"

bool_t
add_1_svc(int a, int b, int *result, struct svc_req *rqstp)
{
    *result = a + b;
    return TRUE;
}

bool_t
join_1_svc(char *a, char *b, char **result, struct svc_req *rqstp)
{
    *result = malloc(strlen(a) + strlen(b) + 1);
    strcpy(*result, a);
    strcat(*result, b);
    return TRUE;
}

bool_t
nothing_1_svc(void *result, struct svc_req *rqstp)
{
    return TRUE;
}

bool_t
one_1_svc(long arg, long *result, struct svc_req *rqstp)
{
    *result = arg + 1;
    return TRUE;
}

int
add_prog_1_freeresult(SVCXPRT *transp, xdrproc_t xdr_result, caddr_t result)
{
    xdr_free(xdr_result, result);
    return 1;
}
