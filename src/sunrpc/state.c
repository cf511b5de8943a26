#include "sunrpc/state.h"

#include <unistd.h>

struct opaque_auth _null_auth;

static struct {
    _Atomic(struct tambo *) context;
    atomic_int process; /* that made it */
    atomic_uint auths;
    struct sun_servers servers;
} state;

static _Thread_local struct sun_thread thread;

struct sun_thread *
sun_thread(void)
{
    return &thread;
}

struct sun_servers *
sun_servers(void)
{
    return &state.servers;
}

unsigned
sun_auth_number(void)
{
    return atomic_fetch_add(&state.auths, 1) + 1;
}

struct rpc_createerr *
__rpc_createerr(void)
{
    return &thread.createerr;
}

int
sun_context(struct tambo **ret)
{
    struct tambo *had = atomic_load(&state.context), *made;
    int rc;

    if (had != NULL && atomic_load(&state.process) == getpid()) {
        *ret = had;
        return 0;
    }
    rc = tambo_new(&made);
    if (rc < 0)
        return rc;
    if (!atomic_compare_exchange_strong(&state.context, &had, made)) {
        tambo_free(made); /* another thread was first */
        *ret = had;
        return 0;
    }
    /* A parent's context is left as it is: a child may only leave it. */
    atomic_store(&state.process, getpid());
    *ret = made;
    return 0;
}
