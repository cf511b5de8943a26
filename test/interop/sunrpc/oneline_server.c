/* registerrpc(). */
#include <ctype.h>
#include <rpc/rpc.h>
#include <stdio.h>

#include "oneline.h"

static char *
twice(char *arg)
{
    static int res;

    res = 2 * *(int *)(void *)arg;
    return (char *)&res;
}

static char *
upper(char *arg)
{
    static char text[64], *res;
    char *from = *(char **)(void *)arg;
    size_t i;

    for (i = 0; from[i] != 0 && i + 1 < sizeof text; i++)
        text[i] = (char)toupper((unsigned char)from[i]);
    text[i] = 0;
    res = text;
    return (char *)&res;
}

int
main(void)
{
    if (registerrpc(ONELINE_PROG, ONELINE_VERS, TWICE_PROC, twice, (xdrproc_t)xdr_int, (xdrproc_t)xdr_int) < 0 ||
        registerrpc(ONELINE_PROG, ONELINE_VERS, UPPER_PROC, upper, (xdrproc_t)xdr_wrapstring,
                    (xdrproc_t)xdr_wrapstring) < 0)
        return 1;
    svc_run();
    fprintf(stderr, "svc_run returned\n");
    return 1;
}
