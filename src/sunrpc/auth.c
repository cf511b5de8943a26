#include "sunrpc/auth.h"

#include <limits.h>
#include <rpc/auth_unix.h>
#include <string.h>
#include <unistd.h>

#include "sunrpc/memory.h"
#include "sunrpc/state.h"

/* An AUTH of AUTH_SYS, and what it says. */
struct credential {
    AUTH auth;
    unsigned number;
    struct tambo_rpc_cred cred;
    char machine[MAX_MACHINE_NAME + 1];
};

static void
destroy(AUTH *auth)
{
    sun_give(auth);
}

static const struct auth_ops ops = { destroy };

/* AUTH_NONE says nothing and is shared: whoever destroys it does nothing. */
static void
keep(AUTH *auth)
{
    (void)auth;
}

static const struct auth_ops none_ops = { keep };
static const struct credential none = { .auth = { .ah_ops = &none_ops } };

AUTH *
authnone_create(void)
{
    return (AUTH *)(uintptr_t)&none.auth;
}

AUTH *
authunix_create(char *machine, uid_t uid, gid_t gid, int count, gid_t *groups)
{
    struct credential *made;

    if (strlen(machine) > MAX_MACHINE_NAME || count < 0 || count > NGRPS)
        return NULL;
    made = sun_take(sizeof *made);
    if (made == NULL)
        return NULL;
    made->auth.ah_ops = &ops;
    made->auth.ah_cred.oa_flavor = AUTH_SYS;
    made->number = sun_auth_number();
    made->cred.flavor = AUTH_SYS;
    made->cred.stamp = made->number;
    made->cred.machine = strcpy(made->machine, machine);
    made->cred.uid = uid;
    made->cred.gid = gid;
    made->cred.group_count = (unsigned)count;
    for (int i = 0; i < count; i++)
        made->cred.groups[i] = groups[i];
    return &made->auth;
}

AUTH *
authunix_create_default(void)
{
    char machine[MAX_MACHINE_NAME + 1] = "";
    gid_t groups[NGROUPS_MAX];
    int count = getgroups(NGROUPS_MAX, groups);

    if (count < 0 || gethostname(machine, sizeof machine - 1) < 0)
        return NULL;
    return authunix_create(machine, geteuid(), getegid(), count < NGRPS ? count : NGRPS, groups);
}

unsigned
sun_auth_cred(const AUTH *auth, const struct tambo_rpc_cred **ret)
{
    const struct credential *made = (const struct credential *)auth;

    *ret = &made->cred;
    return made->number;
}

bool_t
xdr_opaque_auth(XDR *xdrs, struct opaque_auth *at)
{
    return xdr_enum(xdrs, &at->oa_flavor) && xdr_bytes(xdrs, &at->oa_base, &at->oa_length, MAX_AUTH_BYTES);
}

bool_t
xdr_authunix_parms(XDR *xdrs, struct authunix_parms *at)
{
    return xdr_u_long(xdrs, &at->aup_time) && xdr_string(xdrs, &at->aup_machname, MAX_MACHINE_NAME) &&
           xdr_u_int(xdrs, &at->aup_uid) && xdr_u_int(xdrs, &at->aup_gid) &&
           xdr_array(xdrs, (char **)&at->aup_gids, &at->aup_len, NGRPS, sizeof(gid_t), (xdrproc_t)xdr_u_int);
}
