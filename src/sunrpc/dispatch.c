/* Calls that came, and the thread that runs dispatch functions. */
#include <arpa/inet.h>
#include <string.h>

#include "sunrpc/body.h"
#include "sunrpc/service.h"

static void
put_arrived(struct sun_servers *servers, struct sun_pending *pending)
{
    pending->next = atomic_load(&servers->arrived);
    while (!atomic_compare_exchange_weak(&servers->arrived, &pending->next, pending))
        ;
}

int
sun_service_take(const void *service, void *transport, struct tambo_rpc_request *request, const void *args, void *ret)
{
    struct sun_servers *servers = sun_servers();
    struct sun_pending *pending = tambo_arena_take(tambo_rpc_arena(request), sizeof *pending);
    struct tambo_rpc_server *runner;

    (void)transport, (void)ret;
    if (pending == NULL)
        return -TAMBO_ERR_NO_MEMORY;
    pending->request = request;
    pending->service = (struct sun_service *)(uintptr_t)service;
    pending->args = *(const struct tambo_bytes *)args;
    put_arrived(servers, pending);
    runner = atomic_load(&servers->runner);
    if (runner != NULL)
        tambo_rpc_stop(runner);
    return TAMBO_RPC_LATER;
}

/* All that came, in their order. */
static struct sun_pending *
take_arrived(struct sun_servers *servers)
{
    struct sun_pending *newest = atomic_exchange(&servers->arrived, NULL), *first = NULL;

    while (newest != NULL) {
        struct sun_pending *next = newest->next;
        newest->next = first;
        first = newest;
        newest = next;
    }
    return first;
}

void
sun_service_forget(const struct sun_transport *transport)
{
    struct sun_servers *servers = sun_servers();
    struct sun_pending *first = take_arrived(servers), *next;

    for (; first != NULL; first = next) {
        next = first->next;
        if (first->service->transport == transport)
            tambo_rpc_drop(first->request);
        else
            put_arrived(servers, first);
    }
}

/* ---- what a dispatch function is told --------------------------------------------------------------------------- */

/* "127.0.0.1:40112"; a peer without such an address is 0.0.0.0. */
static struct sockaddr_in
caller_of(const struct tambo_rpc_request *request)
{
    struct sockaddr_in at = { .sin_family = AF_INET };
    char host[128];
    char *colon;

    snprintf(host, sizeof host, "%s", tambo_rpc_peer(request));
    colon = strrchr(host, ':');
    if (colon == NULL)
        return at;
    *colon = 0;
    if (inet_pton(AF_INET, host, &at.sin_addr) == 1)
        at.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
    return at;
}

/* Points into `groups` and the request. */
static struct authunix_parms
parms_of(const struct tambo_rpc_cred *cred, gid_t groups[NGRPS])
{
    unsigned count = cred->group_count < NGRPS ? cred->group_count : NGRPS;

    for (unsigned i = 0; i < count; i++)
        groups[i] = cred->groups[i];
    return (struct authunix_parms){
        .aup_time = cred->stamp,
        .aup_machname = (char *)(uintptr_t)cred->machine,
        .aup_uid = cred->uid,
        .aup_gid = cred->gid,
        .aup_len = count,
        .aup_gids = groups,
    };
}

static void
dispatch(struct sun_pending *pending)
{
    struct sun_transport *transport = pending->service->transport;
    const struct tambo_rpc_program *program = &pending->service->program;
    const struct tambo_rpc_cred *cred = tambo_rpc_cred(pending->request);
    struct svc_req request = {
        .rq_prog = program->program,
        .rq_vers = program->version,
        .rq_proc = tambo_rpc_number_of(pending->request),
        .rq_cred.oa_flavor = (enum_t)cred->flavor,
        .rq_xprt = &transport->xprt,
    };
    struct authunix_parms parms;
    gid_t groups[NGRPS];

    if (cred->flavor == AUTH_SYS) {
        parms = parms_of(cred, groups);
        request.rq_clntcred = &parms;
    }
    transport->xprt.xp_raddr = caller_of(pending->request);
    transport->current = pending;
    if (pending->service->dispatch != NULL && !transport->is_doomed)
        pending->service->dispatch(&request, &transport->xprt);
    else
        svcerr_noprog(&transport->xprt);
    pending = sun_service_current(&transport->xprt);
    if (pending != NULL)
        tambo_rpc_drop(pending->request);
}

/* One after the other, each in whatever state the one before has left. */
static void
dispatch_all(struct sun_servers *servers, struct sun_pending *first)
{
    servers->is_dispatching = true;
    while (first != NULL) {
        struct sun_pending *next = first->next; /* it goes with its answer */
        dispatch(first);
        first = next;
    }
    servers->is_dispatching = false;
    sun_transport_bury();
}

/* ---- the thread ------------------------------------------------------------------------------------------------- */

void
svc_run(void)
{
    struct sun_servers *servers = sun_servers();
    int rc = 0;

    atomic_store(&servers->is_leaving, false);
    while (rc == 0 && !atomic_load(&servers->is_leaving) && servers->transports != NULL) {
        struct tambo_rpc_server *runner = servers->transports->server;
        struct sun_pending *first;

        /* Who comes after this is seen to end the run; who came before is seen on the list. */
        atomic_store(&servers->runner, runner);
        first = take_arrived(servers);
        if (first == NULL)
            rc = tambo_rpc_run(runner, TAMBO_FOREVER);
        atomic_store(&servers->runner, NULL); /* a dispatch function may destroy it */
        if (first != NULL)
            dispatch_all(servers, first);
    }
}

void
svc_exit(void)
{
    struct sun_servers *servers = sun_servers();
    struct tambo_rpc_server *runner;

    atomic_store(&servers->is_leaving, true);
    runner = atomic_load(&servers->runner);
    if (runner != NULL)
        tambo_rpc_stop(runner);
}
