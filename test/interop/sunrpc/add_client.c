/* add_client HOST: stubs of rpcgen -N -M. */
#include <rpc/rpc.h>
#include <stdio.h>

#include "add.h"

int
main(int argc, char **argv)
{
    CLIENT *cl = clnt_create(argv[1], ADD_PROG, ADD_VERS, "tcp");
    char *joined = NULL;
    int sum = 0;
    long one = 0;

    if (cl == NULL) {
        clnt_pcreateerror(argv[1]);
        return 1;
    }
    if (add_1(2, 40, &sum, cl) != RPC_SUCCESS || join_1("to", "gether", &joined, cl) != RPC_SUCCESS ||
        nothing_1(NULL, cl) != RPC_SUCCESS || one_1(7, &one, cl) != RPC_SUCCESS) {
        clnt_perror(cl, argv[1]);
        return 1;
    }
    printf("%d %s %ld\n", sum, joined, one);
    xdr_free((xdrproc_t)xdr_wrapstring, (char *)&joined);
    clnt_destroy(cl);
    return 0;
}
