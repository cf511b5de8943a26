/* rpc/auth.h - who calls: credentials of a client's calls (AUTH_NONE and AUTH_SYS). */
#ifndef TAMBO_SUNRPC_AUTH_H
#define TAMBO_SUNRPC_AUTH_H

#include <rpc/clnt_stat.h>
#include <rpc/xdr.h>
#include <sys/socket.h>

#ifdef __cplusplus
extern "C" {
#endif
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

#define MAX_AUTH_BYTES 400
#define MAXNETNAMELEN  255

#define AUTH_NONE  0
#define AUTH_NULL  0
#define AUTH_SYS   1
#define AUTH_UNIX  AUTH_SYS
#define AUTH_SHORT 2
#define AUTH_DH    3
#define AUTH_DES   AUTH_DH

enum auth_stat {
    AUTH_OK = 0,
    AUTH_BADCRED = 1,
    AUTH_REJECTEDCRED = 2,
    AUTH_BADVERF = 3,
    AUTH_REJECTEDVERF = 4,
    AUTH_TOOWEAK = 5,
    AUTH_INVALIDRESP = 6,
    AUTH_FAILED = 7,
};

/* Of interfaces that speak of keys (key_prot.x). */
union des_block {
    struct {
        uint32_t high, low;
    } key;
    char c[8];
};
typedef union des_block des_block;
extern bool_t xdr_des_block(XDR *, des_block *);

struct opaque_auth {
    enum_t oa_flavor;
    caddr_t oa_base;
    u_int oa_length; /* at most MAX_AUTH_BYTES */
};
extern struct opaque_auth _null_auth;
extern bool_t xdr_opaque_auth(XDR *, struct opaque_auth *);

struct auth_ops;
typedef struct __auth {
    struct opaque_auth ah_cred, ah_verf;
    const struct auth_ops *ah_ops;
    void *ah_private;
} AUTH;
struct auth_ops {
    void (*ah_destroy)(AUTH *);
};
#define AUTH_DESTROY(auth) ((*(auth)->ah_ops->ah_destroy)(auth))
#define auth_destroy(auth) AUTH_DESTROY(auth)

extern AUTH *authnone_create(void);
/* At most 16 groups, a machine's name of at most 255 bytes; NULL: they are not, or there is no memory. */
extern AUTH *authunix_create(char *machine, uid_t, gid_t, int count, gid_t *groups);
extern AUTH *authunix_create_default(void);
#define authsys_create(machine, uid, gid, count, groups) authunix_create(machine, uid, gid, count, groups)
#define authsys_create_default()                         authunix_create_default()

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif
