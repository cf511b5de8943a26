/* square_client HOST tcp|udp: structs, unions, lists, batches, credentials, errors. */
#include <math.h>
#include <rpc/rpc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "square.h"

static void
squares(CLIENT *cl)
{
    square_in in = { -12 };
    square_out *out = squareproc_1(&in, cl);
    double four = 4, negative = -1;
    square_root *root;

    if (out == NULL) {
        clnt_perror(cl, "squareproc");
        exit(1);
    }
    printf("square %ld\n", out->res1);
    root = rootproc_1(&four, cl);
    printf("root %d %g\n", root->errno_, root->square_root_u.root);
    root = rootproc_1(&negative, cl);
    printf("root of -1: %s\n", root->errno_ != 0 ? "error" : "?");
}

static void
list(CLIENT *cl)
{
    square_list c = { 3, NULL }, b = { 2, &c }, a = { 1, &b };
    square_list *back = sumproc_1(&a, cl);

    for (square_list *at = back; at != NULL; at = at->next)
        printf("squared %ld\n", at->value);
    clnt_freeres(cl, (xdrproc_t)xdr_square_list, (caddr_t)back);
}

/* Calls that nobody waits for, and one that tells that they came. */
static void
batch(CLIENT *cl)
{
    struct timeval none = { 0, 0 };
    long *noted;

    for (long i = 1; i <= 10; i++)
        if (clnt_call(cl, NOTEPROC, (xdrproc_t)xdr_long, (caddr_t)&i, NULL, NULL, none) != RPC_SUCCESS)
            clnt_perror(cl, "batch");
    noted = notedproc_1(NULL, cl);
    printf("noted %ld\n", noted != NULL ? *noted : -1);
}

static void
credentials(CLIENT *cl)
{
    gid_t groups[2] = { 7, 8 };
    long *who = callerproc_1(NULL, cl);

    printf("nobody %d\n", (int)*who);
    auth_destroy(cl->cl_auth);
    cl->cl_auth = authunix_create("some.machine", 1234, 5, 2, groups);
    who = callerproc_1(NULL, cl);
    printf("user %ld\n", *who);
    auth_destroy(cl->cl_auth);
    cl->cl_auth = authnone_create();
    who = callerproc_1(NULL, cl);
    printf("nobody %d\n", (int)*who);
}

static void
errors(CLIENT *cl)
{
    struct timeval patience = { 25, 0 }, impatience = { 0, 300000 };
    struct rpc_err error;
    rpcvers_t wrong = 9, right = SQUARE_VERS;
    enum clnt_stat stat;

    stat = clnt_call(cl, 99, (xdrproc_t)xdr_void, NULL, (xdrproc_t)xdr_void, NULL, patience);
    clnt_geterr(cl, &error);
    printf("99: %s (%d)\n", clnt_sperrno(stat), error.re_status == stat);
    clnt_control(cl, CLSET_VERS, (char *)&wrong);
    stat = clnt_call(cl, NULLPROC, (xdrproc_t)xdr_void, NULL, (xdrproc_t)xdr_void, NULL, patience);
    printf("version 9: %s\n", clnt_sperrno(stat));
    clnt_control(cl, CLSET_VERS, (char *)&right);
    clnt_control(cl, CLSET_TIMEOUT, (char *)&impatience);
    stat = clnt_call(cl, SILENTPROC, (xdrproc_t)xdr_void, NULL, (xdrproc_t)xdr_void, NULL, patience);
    printf("silence: %s\n", clnt_sperrno(stat));
    clnt_control(cl, CLSET_TIMEOUT, (char *)&patience);
}

/* Over udp libtirpc reads on in what it got before. */
static void
no_arguments(CLIENT *cl)
{
    struct timeval patience = { 25, 0 };
    enum clnt_stat stat;

    stat = clnt_call(cl, SUMPROC, (xdrproc_t)xdr_void, NULL, (xdrproc_t)xdr_void, NULL, patience);
    printf("no arguments: %s\n", clnt_sperrno(stat));
}

/* Over tcp libtirpc waits for the rest until a day that does not come. */
static void
misfit(CLIENT *cl)
{
    struct timeval patience = { 25, 0 };
    square_list none = { 0, NULL };
    enum clnt_stat stat;

    stat = clnt_call(cl, NOTEDPROC, (xdrproc_t)xdr_void, NULL, (xdrproc_t)xdr_square_list, (caddr_t)&none, patience);
    printf("results that do not fit: %s\n", clnt_sperrno(stat));
}

int
main(int argc, char **argv)
{
    CLIENT *cl;

    setlinebuf(stdout);
    cl = clnt_create(argv[1], SQUARE_PROG, 77, "appletalk");
    printf("%s\n", cl == NULL && rpc_createerr.cf_stat != RPC_SUCCESS ? "no such net" : "?");
    if (clnt_create(argv[1], 0x3abcdef0, 1, argv[2]) == NULL)
        printf("%s\n", clnt_spcreateerror("unregistered"));
    cl = clnt_create(argv[1], SQUARE_PROG, SQUARE_VERS, argv[2]);
    if (cl == NULL) {
        clnt_pcreateerror(argv[1]);
        return 1;
    }
    squares(cl);
    list(cl);
    if (strcmp(argv[2], "tcp") == 0) {
        batch(cl);
        no_arguments(cl);
    }
    credentials(cl);
    errors(cl);
    if (strcmp(argv[2], "udp") == 0)
        misfit(cl);
    clnt_destroy(cl);
    return 0;
}
