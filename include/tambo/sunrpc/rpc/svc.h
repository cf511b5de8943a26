/* rpc/svc.h - servers as Sun's programs use them. */
#ifndef TAMBO_SUNRPC_SVC_H
#define TAMBO_SUNRPC_SVC_H

#include <rpc/auth.h>
#include <rpc/rpc_msg.h>

#ifdef __cplusplus
extern "C" {
#endif
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

enum xprt_stat { XPRT_DIED, XPRT_MOREREQS, XPRT_IDLE };

/* What calls come in by.  All connections of a tcp service are one. */
struct xp_ops;
typedef struct __rpc_svcxprt {
    int xp_fd; /* none: -1 */
#define xp_sock xp_fd
    u_short xp_port;
    const struct xp_ops *xp_ops;
    int xp_addrlen;
    struct sockaddr_in xp_raddr; /* who calls */
    struct netbuf xp_rtaddr;     /* the same */
    char *xp_netid, *xp_tp;
    struct opaque_auth xp_verf;
    void *xp_p1, *xp_p2, *xp_p3;
} SVCXPRT;
struct xp_ops {
    enum xprt_stat (*xp_stat)(SVCXPRT *);
    bool_t (*xp_getargs)(SVCXPRT *, xdrproc_t, void *);
    bool_t (*xp_freeargs)(SVCXPRT *, xdrproc_t, void *);
    void (*xp_destroy)(SVCXPRT *);
};
#define SVC_STAT(xprt)                  ((*(xprt)->xp_ops->xp_stat)(xprt))
#define svc_stat(xprt)                  SVC_STAT(xprt)
#define SVC_GETARGS(xprt, xargs, args)  ((*(xprt)->xp_ops->xp_getargs)(xprt, xargs, args))
#define svc_getargs(xprt, xargs, args)  SVC_GETARGS(xprt, xargs, args)
#define SVC_FREEARGS(xprt, xargs, args) ((*(xprt)->xp_ops->xp_freeargs)(xprt, xargs, args))
#define svc_freeargs(xprt, xargs, args) SVC_FREEARGS(xprt, xargs, args)
#define SVC_DESTROY(xprt)               ((*(xprt)->xp_ops->xp_destroy)(xprt))
#define svc_destroy(xprt)               SVC_DESTROY(xprt)
#define svc_getcaller(xprt)             (&(xprt)->xp_raddr)
#define svc_getrpccaller(xprt)          (&(xprt)->xp_rtaddr)

struct svc_req {
    rpcprog_t rq_prog;
    rpcvers_t rq_vers;
    rpcproc_t rq_proc;
    struct opaque_auth rq_cred; /* its flavor; the body is in rq_clntcred */
    void *rq_clntcred;          /* AUTH_SYS: struct authunix_parms; else NULL */
    SVCXPRT *rq_xprt;
};

#ifndef RPC_ANYSOCK
#define RPC_ANYSOCK (-1)
#define RPC_ANYFD   RPC_ANYSOCK
#endif

/* ---- transports: NULL, and standard error says why.  A socket that is given (bound) names the port and is closed; the
 * service makes its own. -------------------------------------------------------------------------------------- */

extern SVCXPRT *svctcp_create(int socket, u_int, u_int);
extern SVCXPRT *svcudp_create(int socket);
extern SVCXPRT *svcudp_bufcreate(int socket, u_int, u_int);
extern SVCXPRT *svcunix_create(int socket, u_int, u_int, char *path);
/* On each transport that `net` means (see clnt_create()), registered with rpcbind; their number. */
extern int svc_create(void (*dispatch)(struct svc_req *, SVCXPRT *), rpcprog_t, rpcvers_t, const char *net);

/* ---- programs ----------------------------------------------------------------------------------------------- */

/* `protocol` is IPPROTO_TCP or IPPROTO_UDP: rpcbind is told; or 0: nobody is. */
extern bool_t svc_register(SVCXPRT *, u_long prog, u_long vers, void (*dispatch)(struct svc_req *, SVCXPRT *),
                           int protocol);
extern void svc_unregister(u_long prog, u_long vers);
/* By udp; 0, or -1 with the reason on standard error. */
extern int registerrpc(int prog, int vers, int proc, char *(*fn)(char *), xdrproc_t args, xdrproc_t res);

/* Dispatches, on the calling thread and one call after the other, until svc_exit(). */
extern void svc_run(void);
extern void svc_exit(void);

/* ---- answers.  A dispatcher that returns without one leaves its caller without one. ------------------------------ */

extern bool_t svc_sendreply(SVCXPRT *, xdrproc_t, void *res);
extern void svcerr_decode(SVCXPRT *);
extern void svcerr_weakauth(SVCXPRT *);
extern void svcerr_auth(SVCXPRT *, enum auth_stat);
extern void svcerr_noproc(SVCXPRT *);
extern void svcerr_noprog(SVCXPRT *);
extern void svcerr_progvers(SVCXPRT *, rpcvers_t low, rpcvers_t high);
extern void svcerr_systemerr(SVCXPRT *);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif
