/* lib/rpc_context.c - what a context has of remote procedure calls: begun, entered, waited on, ended. */
#include "lib/rpc.h"

void
lib_rpc_init(struct lib_rpc *rpc)
{
    list_init(&rpc->clients);
    list_init(&rpc->servers);
    list_init(&rpc->calls);
    list_init(&rpc->leaving);
}

static void
on_idle(void *arg)
{
    lib_rpc_part(arg);
}

int
lib_rpc_begin(struct tambo *context)
{
    struct lib_rpc *rpc = &context->rpc;
    if (context->freer != NULL)
        return -ERR_CANCELED;
    if (rpc->world != NULL)
        return 0;
    int rc = rpc_world_new(io_gate_loop(context->gate), &rpc->world);
    if (rc == 0)
        rpc_world_on_idle(rpc->world, on_idle, context);
    return rc;
}

void
lib_rpc_part(struct tambo *context)
{
    if (context->freer != NULL)
        io_gate_rouse(context->gate, context->freer);
}

/* ---- in and out -------------------------------------------------------------------------------------------- */

void
lib_rpc_call_begin(struct tambo *context)
{
    if (context->rpc.depth++ == 0)
        io_gate_call_begin(context->gate);
}

void
lib_rpc_call_end(struct tambo *context)
{
    if (--context->rpc.depth == 0)
        io_gate_call_end(context->gate);
}

/* That the gate refuses this thread says that it has the lock: so `depth` may be read. */
int
lib_rpc_enter(struct tambo *context, bool *retnested)
{
    int rc = lib_enter(context);
    *retnested = rc == -ERR_STATE && context->rpc.depth > 0;
    return *retnested ? 0 : rc;
}

void
lib_rpc_leave(struct tambo *context, bool nested)
{
    if (!nested)
        lib_leave(context);
}

/* ---- waiting ----------------------------------------------------------------------------------------------- */

void
lib_rpc_rouse(struct tambo *context, const struct list *wishes)
{
    LIST_EACH(wishes, it)
        io_gate_rouse(context->gate, container_of(it, struct rpc_wish, link)->waiter);
}

int
lib_rpc_sleep(struct tambo *context, struct io_waiter *waiter, struct lib_patience *patience)
{
    int rc = lib_begin(patience, io_gate_loop(context->gate));
    if (rc < 0)
        return rc;
    context->rpc.inside++;
    lib_settle(context);
    rc = io_gate_wait(context->gate, waiter, patience->deadline_ns);
    if (--context->rpc.inside == 0)
        lib_rpc_part(context);
    return rc;
}

void
lib_rpc_wish(struct rpc_wish *wish, struct list *wishes, struct io_waiter *waiter)
{
    wish->waiter = waiter;
    list_init(&wish->link);
    list_push(wishes, &wish->link);
}

int
lib_rpc_wait(struct tambo *context, struct list *wishes, struct lib_patience *patience)
{
    struct io_waiter waiter = { 0 };
    struct rpc_wish wish;
    lib_rpc_wish(&wish, wishes, &waiter);
    int rc = lib_rpc_sleep(context, &waiter, patience);
    list_cut(&wish.link);
    return rc;
}

/* ---- the end ----------------------------------------------------------------------------------------------- */

static bool
is_busy(const struct lib_rpc *rpc)
{
    return rpc->inside > 0 || rpc_world_count(rpc->world) > 0;
}

static void
close_all(struct tambo *context)
{
    struct lib_rpc *rpc = &context->rpc;
    while (!list_empty(&rpc->clients))
        lib_rpc_free_client(container_of(rpc->clients.next, struct tambo_rpc_client, link));
    while (!list_empty(&rpc->servers))
        lib_rpc_close_server(container_of(rpc->servers.next, struct tambo_rpc_server, link));
}

void
lib_rpc_end(struct tambo *context)
{
    struct lib_rpc *rpc = &context->rpc;
    if (rpc->world == NULL)
        return;
    close_all(context);
    while (is_busy(rpc))
        (void)io_gate_wait(context->gate, context->freer, UINT64_MAX);
    lib_rpc_free_calls(context);
    while (!list_empty(&rpc->leaving)) {
        struct tambo_rpc_server *server = container_of(rpc->leaving.next, struct tambo_rpc_server, link);
        lib_rpc_drop_requests(&server->taken);
        lib_rpc_release_server(server);
    }
    rpc_world_free(rpc->world);
}
