/* rpc/clnt.h - clients as Sun's programs use them. */
#ifndef TAMBO_SUNRPC_CLNT_H
#define TAMBO_SUNRPC_CLNT_H

#include <rpc/auth.h>
#include <rpc/clnt_stat.h>
#include <sys/un.h>

#ifdef __cplusplus
extern "C" {
#endif
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

struct rpc_err {
    enum clnt_stat re_status;
    union {
        int RE_errno;          /* RPC_CANTSEND, RPC_CANTRECV, RPC_SYSTEMERROR */
        enum auth_stat RE_why; /* RPC_AUTHERROR */
        struct {
            rpcvers_t low, high;
        } RE_vers;
        struct {
            int32_t s1, s2;
        } RE_lb;
    } ru;
#define re_errno ru.RE_errno
#define re_why   ru.RE_why
#define re_vers  ru.RE_vers
#define re_lb    ru.RE_lb
};

struct clnt_ops;
typedef struct __rpc_client {
    AUTH *cl_auth; /* the program may put another one here, and destroys it itself */
    const struct clnt_ops *cl_ops;
    void *cl_private;
    char *cl_netid, *cl_tp;
} CLIENT;
struct clnt_ops {
    enum clnt_stat (*cl_call)(CLIENT *, rpcproc_t, xdrproc_t, void *, xdrproc_t, void *, struct timeval);
    void (*cl_abort)(CLIENT *);
    void (*cl_geterr)(CLIENT *, struct rpc_err *);
    bool_t (*cl_freeres)(CLIENT *, xdrproc_t, void *);
    void (*cl_destroy)(CLIENT *);
    bool_t (*cl_control)(CLIENT *, u_int, void *);
};

/* A time of 0 means that no reply is waited for. */
#define CLNT_CALL(cl, proc, xargs, args, xres, res, time) \
    ((*(cl)->cl_ops->cl_call)(cl, proc, xargs, args, xres, res, time))
#define clnt_call(cl, proc, xargs, args, xres, res, time) CLNT_CALL(cl, proc, xargs, args, xres, res, time)
#define CLNT_ABORT(cl)                                    ((*(cl)->cl_ops->cl_abort)(cl))
#define clnt_abort(cl)                                    CLNT_ABORT(cl)
#define CLNT_GETERR(cl, err)                              ((*(cl)->cl_ops->cl_geterr)(cl, err))
#define clnt_geterr(cl, err)                              CLNT_GETERR(cl, err)
#define CLNT_FREERES(cl, xres, res)                       ((*(cl)->cl_ops->cl_freeres)(cl, xres, res))
#define clnt_freeres(cl, xres, res)                       CLNT_FREERES(cl, xres, res)
#define CLNT_CONTROL(cl, what, with)                      ((*(cl)->cl_ops->cl_control)(cl, what, with))
#define clnt_control(cl, what, with)                      CLNT_CONTROL(cl, what, with)
#define CLNT_DESTROY(cl)                                  ((*(cl)->cl_ops->cl_destroy)(cl))
#define clnt_destroy(cl)                                  CLNT_DESTROY(cl)

/* clnt_control(): TRUE when it is done, FALSE when there is no such thing here. */
#define CLSET_TIMEOUT       1  /* struct timeval: of all calls, whatever they say themselves */
#define CLGET_TIMEOUT       2  /* struct timeval */
#define CLGET_SERVER_ADDR   3  /* struct sockaddr_in */
#define CLSET_RETRY_TIMEOUT 4  /* struct timeval, udp: when it is sent again */
#define CLGET_RETRY_TIMEOUT 5  /* struct timeval */
#define CLSET_FD_CLOSE      8  /* what clnt_destroy() does */
#define CLGET_VERS          12 /* rpcvers_t */
#define CLSET_VERS          13
#define CLGET_PROG          14 /* rpcprog_t */
#define CLSET_PROG          15

#define NULLPROC        ((rpcproc_t)0)
#define RPCSMALLMSGSIZE 400
#ifndef UDPMSGSIZE
#define UDPMSGSIZE 8800
#endif
#ifndef RPC_ANYSOCK
#define RPC_ANYSOCK (-1)
#define RPC_ANYFD   RPC_ANYSOCK
#endif

/* ---- making one: NULL, and rpc_createerr tells why --------------------------------------------------------- */

/* `net` is "tcp" or "udp"; or a name that stands for them: "netpath", "visible", "circuit_v", "circuit_n" try tcp
 * first, "datagram_v", "datagram_n" take udp. */
extern CLIENT *clnt_create(const char *host, rpcprog_t, rpcvers_t, const char *net);
extern CLIENT *clnt_create_timed(const char *host, rpcprog_t, rpcvers_t, const char *net, const struct timeval *);
/* The highest version between both that the server has. */
extern CLIENT *clnt_create_vers(const char *host, rpcprog_t, rpcvers_t *, rpcvers_t low, rpcvers_t high,
                                const char *net);
extern CLIENT *clnt_create_vers_timed(const char *host, rpcprog_t, rpcvers_t *, rpcvers_t low, rpcvers_t high,
                                      const char *net, const struct timeval *);
/* Port 0: rpcbind of that host is asked, and it is put there.  A socket that is given says who the peer is and is
 * closed; the client makes its own. */
extern CLIENT *clnttcp_create(struct sockaddr_in *, u_long prog, u_long vers, int *socket, u_int, u_int);
extern CLIENT *clntudp_create(struct sockaddr_in *, u_long prog, u_long vers, struct timeval wait, int *socket);
extern CLIENT *clntudp_bufcreate(struct sockaddr_in *, u_long prog, u_long vers, struct timeval wait, int *socket,
                                 u_int, u_int);
extern CLIENT *clntunix_create(struct sockaddr_un *, u_long prog, u_long vers, int *socket, u_int, u_int);

/* ---- what went wrong: the texts of one thread lie in one place until its next ------------------------------- */

struct rpc_createerr {
    enum clnt_stat cf_stat;
    struct rpc_err cf_error;
};
extern struct rpc_createerr *__rpc_createerr(void); /* of this thread */
#define get_rpc_createerr() (*__rpc_createerr())
#define rpc_createerr       (*__rpc_createerr())

extern void clnt_pcreateerror(const char *);
extern char *clnt_spcreateerror(const char *);
extern void clnt_perrno(enum clnt_stat);
extern char *clnt_sperrno(enum clnt_stat);
extern void clnt_perror(CLIENT *, const char *);
extern char *clnt_sperror(CLIENT *, const char *);

/* ---- a call in one line ------------------------------------------------------------------------------------- */

extern enum clnt_stat rpc_call(const char *host, rpcprog_t, rpcvers_t, rpcproc_t, xdrproc_t, const char *args,
                               xdrproc_t, char *res, const char *net);
/* By udp; an enum clnt_stat. */
extern int callrpc(const char *host, int prog, int vers, int proc, xdrproc_t, void *args, xdrproc_t, void *res);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif
