/* oneline_client HOST: callrpc(). */
#include <rpc/rpc.h>
#include <stdio.h>

#include "oneline.h"

int
main(int argc, char **argv)
{
    char *text = "textbook", *back = NULL;
    int n = 20, twice = 0, stat;

    stat = callrpc(argv[1], ONELINE_PROG, ONELINE_VERS, TWICE_PROC, (xdrproc_t)xdr_int, (char *)&n, (xdrproc_t)xdr_int,
                   (char *)&twice);
    if (stat != 0) {
        clnt_perrno(stat);
        fprintf(stderr, "\n");
        return 1;
    }
    printf("twice %d\n", twice);
    stat = callrpc(argv[1], ONELINE_PROG, ONELINE_VERS, UPPER_PROC, (xdrproc_t)xdr_wrapstring, (char *)&text,
                   (xdrproc_t)xdr_wrapstring, (char *)&back);
    printf("upper %d %s\n", stat, back);
    stat = callrpc(argv[1], ONELINE_PROG, ONELINE_VERS, 77, (xdrproc_t)xdr_void, NULL, (xdrproc_t)xdr_void, NULL);
    printf("77: %s\n", clnt_sperrno(stat));
    return 0;
}
