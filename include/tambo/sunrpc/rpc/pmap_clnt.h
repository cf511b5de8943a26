/* rpc/pmap_clnt.h - asking rpcbind, and telling this machine's. */
#ifndef TAMBO_SUNRPC_PMAP_CLNT_H
#define TAMBO_SUNRPC_PMAP_CLNT_H

#include <rpc/clnt.h>
#include <rpc/pmap_prot.h>

#ifdef __cplusplus
extern "C" {
#endif
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

extern bool_t pmap_set(u_long prog, u_long vers, int protocol, int port);
/* FALSE: there was none. */
extern bool_t pmap_unset(u_long prog, u_long vers);
/* 0, and rpc_createerr tells why. */
extern u_short pmap_getport(struct sockaddr_in *, u_long prog, u_long vers, u_int protocol);
/* To be freed by xdr_free(xdr_pmaplist, &list). */
extern struct pmaplist *pmap_getmaps(struct sockaddr_in *);
/* That host's rpcbind makes the call, by udp; nothing comes back when it fails. */
extern enum clnt_stat pmap_rmtcall(struct sockaddr_in *, u_long prog, u_long vers, u_long proc, xdrproc_t, caddr_t args,
                                   xdrproc_t, caddr_t res, struct timeval time, u_long *port);
/* As pmap_getport(), by the host's name; 0: none. */
extern int getrpcport(char *host, int prog, int vers, int protocol);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif
