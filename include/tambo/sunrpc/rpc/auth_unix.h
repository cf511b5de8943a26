/* rpc/auth_unix.h - AUTH_SYS (RFC 5531, appendix A) as a server's programs see it (svc_req.rq_clntcred). */
#ifndef TAMBO_SUNRPC_AUTH_UNIX_H
#define TAMBO_SUNRPC_AUTH_UNIX_H

#include <rpc/xdr.h>

#ifdef __cplusplus
extern "C" {
#endif
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

#define MAX_MACHINE_NAME 255
#define NGRPS            16

struct authunix_parms {
    u_long aup_time;
    char *aup_machname;
    uid_t aup_uid;
    gid_t aup_gid;
    u_int aup_len;
    gid_t *aup_gids;
};
#define authsys_parms authunix_parms
extern bool_t xdr_authunix_parms(XDR *, struct authunix_parms *);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif
