/* echo.x served with rpcgen's stubs and libtirpc, on free ports of 127.0.0.1, unknown to rpcbind; or, with the word
 * "register", known to it.  Prints "tcp PORT udp PORT" when it answers. */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "echo.h"

extern void echo_prog_2(struct svc_req *request, SVCXPRT *transport);

/* ---- procedures: what they give out lives until the next call ------------------------------------------------- */

char **
reverse_2_svc(char **arg, struct svc_req *request)
{
    static char *ret;
    size_t n = strlen(*arg);
    (void)request;
    free(ret);
    ret = calloc(1, n + 1);
    for (size_t i = 0; i < n; i++)
        ret[i] = (*arg)[n - 1 - i];
    return &ret;
}

/* The arguments are freed behind the reply: they can be the reply. */
node *
twice_2_svc(node *arg, struct svc_req *request)
{
    (void)request;
    for (node *at = arg; at != NULL; at = at->next) {
        at->number *= 2;
        at->weight *= 2;
        at->last = !at->last;
        for (u_int i = 0; i < at->scores.scores_len; i++)
            at->scores.scores_val[i] *= 2;
    }
    return arg;
}

blob *
invert_2_svc(blob *arg, struct svc_req *request)
{
    (void)request;
    for (u_int i = 0; i < arg->blob_len; i++)
        arg->blob_val[i] = (char)~arg->blob_val[i];
    return arg;
}

identity *
who_2_svc(void *arg, struct svc_req *request)
{
    static identity ret;
    static char none[] = "";
    const struct authunix_parms *sys = (const void *)request->rq_clntcred;
    (void)arg;
    memset(&ret, 0, sizeof(ret));
    ret.flavor = (u_int)request->rq_cred.oa_flavor;
    ret.machine = none;
    if (ret.flavor == AUTH_SYS) {
        ret.uid = sys->aup_uid;
        ret.gid = sys->aup_gid;
        ret.machine = sys->aup_machname;
        ret.groups.groups_len = sys->aup_len;
        ret.groups.groups_val = sys->aup_gids;
    }
    return &ret;
}

/* ---- the server ----------------------------------------------------------------------------------------------- */

static int
bound(int type)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, type, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0 ||
        (type == SOCK_STREAM && listen(fd, 100) < 0))
        exit(1);
    return fd;
}

int
main(int argc, char **argv)
{
    bool registers = argc > 1 && strcmp(argv[1], "register") == 0;
    int tcp_fd = bound(SOCK_STREAM), udp_fd = bound(SOCK_DGRAM);
    SVCXPRT *tcp = svctcp_create(tcp_fd, 0, 0), *udp = svcudp_create(udp_fd);
    if (registers)
        pmap_unset(ECHO_PROG, ECHO_VERS);
    if (tcp == NULL || udp == NULL ||
        !svc_register(tcp, ECHO_PROG, ECHO_VERS, echo_prog_2, registers ? IPPROTO_TCP : 0) ||
        !svc_register(udp, ECHO_PROG, ECHO_VERS, echo_prog_2, registers ? IPPROTO_UDP : 0))
        return 1;
    printf("tcp %u udp %u\n", tcp->xp_port, udp->xp_port);
    fflush(stdout);
    svc_run();
    return 1;
}
