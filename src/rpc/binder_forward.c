/* rpc/binder_forward.c - CALLIT, BCAST and INDIRECT: calls that rpcbind makes for others, over udp.
 *
 * One datagram goes to the service; whoever gets no answer asks again, and so does the caller here.  A failure is not
 * answered unless by INDIRECT: hundreds of machines that do not have the program would all say so to a broadcast. */
#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"
#include "rpc/binder_inner.h"

enum { WITHIN_MS = 5000 };

struct forward {
    struct rpc_binder *binder;
    struct list link;
    struct rpc_request *request;
    uint32_t version;
    bool is_patient;
    char address[RPCBIND_TEXT_MAX + 1]; /* of the service, as the caller is told */
    uint32_t port;
    struct tambo_rpc_procedure procedure;
    struct rpc_client *client;
    struct rpc_call call;
};

static struct io *
io_of(const struct rpc_binder *binder)
{
    return rpc_world_io(binder->world);
}

static int
encode_raw(struct tambo_xdr_out *out, const void *value)
{
    const struct tambo_bytes *args = value;
    return tambo_xdr_put_fixed(out, args->data, args->len);
}

/* ---- the end -------------------------------------------------------------------------------------------------- */

static void
forward_free(struct forward *f)
{
    list_cut(&f->link);
    rpc_client_free(f->client);
    mem_free(io_mem(io_of(f->binder)), f);
}

static void
answer(struct forward *f, int rc, struct view results)
{
    struct tambo_bytes bytes = { results.data, (uint32_t)results.len };
    const struct rpcbind_pmap_result pmap = { f->port, bytes };
    const struct rpcbind_result rpcb = { f->address, bytes };

    if (rc == 0)
        (void)rpc_request_reply(f->request, f->version == 2 ? (const void *)&pmap : (const void *)&rpcb);
    else if (f->is_patient)
        rpc_request_fail(f->request, rc);
    else
        rpc_request_drop(f->request);
}

static void
on_done(struct rpc_call *call, int rc, struct view results)
{
    struct forward *f = container_of(call, struct forward, call);

    answer(f, rc, results);
    f->binder->forward_count--;
    forward_free(f);
}

void
binder_forward_end_all(struct rpc_binder *binder)
{
    LIST_EACH(&binder->forwards, link)
        rpc_call_cancel(&container_of(link, struct forward, link)->call);
}

/* ---- the beginning -------------------------------------------------------------------------------------------- */

static const struct rpc_call_on call_on = { .done = on_done };

/* The service's own udp socket, where it has bound itself. */
static int
open_client(struct forward *f, const struct mapping *m, const struct rpcbind_call *call)
{
    const struct binder_caller from_here = { .is_local = true };
    char address[RPCBIND_TEXT_MAX + 1], host[RPCBIND_HOST_MAX], text[RPCBIND_HOST_MAX + 32];
    uint16_t port;

    binder_address_for(m, &from_here, "", address);
    if (rpcbind_address_parse(address, host, &port) < 0)
        return -ERR_ADDRESS;
    f->port = port;
    snprintf(text, sizeof(text), "udp://%s:%u", host, port);
    int rc = rpc_client_new(f->binder->world, text, call->program, call->version, &f->client);
    if (rc == 0)
        rc = rpc_client_set(f->client, TAMBO_RPC_SEMANTICS, TAMBO_AT_LEAST_ONCE);
    if (rc == 0)
        rc = rpc_client_set(f->client, TAMBO_RPC_DEADLINE_MS, WITHIN_MS);
    if (rc == 0)
        rc = rpc_client_set(f->client, TAMBO_RPC_RESEND_MS, 2 * WITHIN_MS);
    return rc < 0 ? rc : rpc_client_set(f->client, TAMBO_RPC_RETRY_MAX, 0);
}

static int
start(struct forward *f, const struct mapping *m, const struct rpcbind_call *call)
{
    int rc = open_client(f, m, call);
    f->procedure =
        (struct tambo_rpc_procedure){ .name = "forwarded", .number = call->procedure, .encode_args = encode_raw };
    if (rc == 0)
        rc = rpc_call_begin(f->client, &f->procedure, &call->args, RPC_FORM_REPLY, &call_on, &f->call, NULL);
    if (rc < 0)
        return rc;
    list_push(&f->binder->forwards, &f->link);
    f->binder->forward_count++;
    return 0;
}

static int
begin(struct binder_version *version, struct rpc_request *request, const struct rpcbind_call *call, bool is_patient)
{
    struct rpc_binder *binder = version->binder;
    struct binder_caller caller = binder_caller_of(request);
    const struct mapping *m = binder_find(binder, call->program, call->version, "udp", true);

    if (m == NULL)
        return -ERR_PROGRAM;
    if (call->procedure != 0 && (!caller.is_local || call->program == RPCBIND_PROGRAM))
        return -ERR_DENIED;
    if (binder->forward_count == RPC_BINDER_FORWARDS_MAX)
        return -ERR_OVERLOADED;
    struct forward *f = MEM_NEW(io_mem(io_of(binder)), struct forward);
    if (f == NULL)
        return -ERR_NO_MEMORY;
    list_init(&f->link);
    f->binder = binder;
    f->request = request;
    f->version = version->number;
    f->is_patient = is_patient;
    binder_address_for(m, &caller, "", f->address);
    int rc = start(f, m, call);
    if (rc < 0)
        forward_free(f);
    return rc;
}

int
binder_forward(struct binder_version *version, struct rpc_request *request, const struct rpcbind_call *call,
               bool is_patient)
{
    int rc = begin(version, request, call, is_patient);
    if (rc < 0 && is_patient)
        return rc;
    if (rc < 0)
        rpc_request_drop(request);
    return TAMBO_RPC_LATER;
}
