/* lib/rpc_call.c - calls: those that are waited for, and deferred ones. */
#include "lib/rpc.h"

/* ---- waited for -------------------------------------------------------------------------------------------- */

/* On its caller's stack.  Results are decoded where they were read, by whoever drives the loop: their owner sleeps. */
struct waited {
    struct rpc_call core;
    struct tambo_rpc_client *client;
    const struct tambo_rpc_procedure *procedure;
    struct tambo_arena *arena;
    void *ret;
    struct io_waiter waiter;
    bool is_done;
    int rc;
};

static void
on_waited(struct rpc_call *core, int rc, struct view results)
{
    struct waited *call = container_of(core, struct waited, core);
    struct tambo_rpc_client *client = call->client;
    call->rc =
        rc < 0 ? lib_rpc_failed(client, rc) : lib_rpc_decode(client, call->procedure, results, call->arena, call->ret);
    call->is_done = true;
    io_gate_rouse(client->context->gate, &call->waiter);
}

static const struct rpc_call_on waited_on = { .done = on_waited };

/* Its time is bounded by its deadline, which is the core's. */
static int
call_and_wait(struct tambo_rpc_client *client, const struct tambo_rpc_procedure *procedure, const void *args,
              enum rpc_form form, struct tambo_arena *arena, void *ret)
{
    struct waited call = { .client = client, .procedure = procedure, .arena = arena, .ret = ret };
    struct lib_patience patience = { .ms = TAMBO_FOREVER };
    int rc = lib_rpc_call(client, procedure, args, form, &waited_on, &call.core);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    while (!call.is_done)
        (void)lib_rpc_sleep(client->context, &call.waiter, &patience);
    lib_rpc_unref_client(client);
    return call.rc;
}

static int
wait_for(struct tambo_rpc_client *client, const struct tambo_rpc_procedure *procedure, const void *args,
         enum rpc_form form, struct tambo_arena *arena, void *ret)
{
    bool nested;
    int rc = lib_rpc_enter_client(client, &nested);
    if (rc < 0)
        return rc;
    struct tambo *context = client->context;
    rc = nested ? -ERR_STATE : call_and_wait(client, procedure, args, form, arena, ret);
    lib_rpc_leave(context, nested);
    return rc;
}

int
tambo_rpc_call(struct tambo_rpc_client *client, const struct tambo_rpc_procedure *procedure, const void *args,
               struct tambo_arena *arena, void *ret)
{
    return wait_for(client, procedure, args, RPC_FORM_REPLY, arena, ret);
}

int
tambo_rpc_cast(struct tambo_rpc_client *client, const struct tambo_rpc_procedure *procedure, const void *args)
{
    return wait_for(client, procedure, args, RPC_FORM_CAST, NULL, NULL);
}

int
tambo_rpc_send(struct tambo_rpc_client *client, const struct tambo_rpc_procedure *procedure, const void *args)
{
    return wait_for(client, procedure, args, RPC_FORM_RECEIPT, NULL, NULL);
}

int
tambo_rpc_ping(struct tambo_rpc_client *client)
{
    static const struct tambo_rpc_procedure null = { .name = "NULL" };
    return wait_for(client, &null, NULL, RPC_FORM_REPLY, NULL, NULL);
}

/* ---- deferred ---------------------------------------------------------------------------------------------- */

static struct tambo_rpc_call *
take_call(struct tambo *context)
{
    struct lib_rpc *rpc = &context->rpc;
    struct tambo_rpc_call *call = rpc->spare;
    if (call == NULL)
        return mem_raw(&context->mem, sizeof(*call));
    rpc->spare = call->next;
    rpc->spares--;
    return call;
}

static void
give_back(struct tambo *context, struct tambo_rpc_call *call)
{
    struct lib_rpc *rpc = &context->rpc;
    if (rpc->spares == RPC_SPARE_CALLS_MAX) {
        mem_free(&context->mem, call);
        return;
    }
    call->next = rpc->spare;
    rpc->spare = call;
    rpc->spares++;
}

static void
drop_results(struct tambo *context, struct tambo_rpc_call *call)
{
    if (call->results != call->room)
        mem_free(&context->mem, call->results);
}

static void
free_call(struct tambo_rpc_call *call)
{
    struct tambo_rpc_client *client = call->client;
    struct tambo *context = client->context;
    list_cut(&call->link);
    drop_results(context, call);
    give_back(context, call);
    lib_rpc_unref_client(client);
}

void
lib_rpc_free_calls(struct tambo *context)
{
    struct lib_rpc *rpc = &context->rpc;
    while (!list_empty(&rpc->calls))
        free_call(container_of(rpc->calls.next, struct tambo_rpc_call, link));
    while (rpc->spare != NULL)
        mem_free(&context->mem, take_call(context));
}

/* A copy: what was read is borrowed, and its owner looks at it later.  Without memory for it the results are lost, and
 * the call was executed all the same. */
static int
keep(struct tambo_rpc_call *call, struct view results)
{
    if (results.len > sizeof(call->room)) {
        uint8_t *block = mem_raw(&call->client->context->mem, results.len);
        if (block == NULL)
            return -ERR_RESULTS;
        call->results = block;
    }
    if (results.len > 0)
        memcpy(call->results, results.data, results.len);
    call->result_bytes = results.len;
    return 0;
}

static void
call_out(struct tambo_rpc_call *call)
{
    struct tambo *context = call->client->context;
    tambo_rpc_done_fn *fn = call->fn;
    call->fn = NULL;
    lib_rpc_call_begin(context);
    fn(call->arg, call);
    lib_rpc_call_end(context);
}

static void
on_deferred(struct rpc_call *core, int rc, struct view results)
{
    struct tambo_rpc_call *call = container_of(core, struct tambo_rpc_call, core);
    if (rc == 0)
        rc = keep(call, results);
    call->rc = rc < 0 ? lib_rpc_failed(call->client, rc) : 0;
    call->is_done = true;
    lib_rpc_rouse(call->client->context, &call->wishes);
    if (call->fn != NULL)
        call_out(call);
}

static const struct rpc_call_on deferred_on = { .done = on_deferred };

static int
begin_call(struct tambo_rpc_client *client, const struct tambo_rpc_procedure *procedure, const void *args,
           struct tambo_rpc_call **ret)
{
    struct tambo *context = client->context;
    struct tambo_rpc_call *call = take_call(context);
    if (call == NULL)
        return lib_rpc_failed(client, -ERR_NO_MEMORY);
    memset(call, 0, offsetof(struct tambo_rpc_call, room));
    call->client = client;
    call->procedure = procedure;
    call->results = call->room;
    list_init(&call->link);
    list_init(&call->wishes);
    int rc = lib_rpc_call(client, procedure, args, RPC_FORM_REPLY, &deferred_on, &call->core);
    if (rc < 0) {
        give_back(context, call);
        return rc;
    }
    list_push(&context->rpc.calls, &call->link);
    *ret = call;
    return 0;
}

int
tambo_rpc_begin(struct tambo_rpc_client *client, const struct tambo_rpc_procedure *procedure, const void *args,
                struct tambo_rpc_call **ret)
{
    bool nested;
    int rc = lib_rpc_enter_client(client, &nested);
    if (rc < 0)
        return rc;
    rc = begin_call(client, procedure, args, ret);
    lib_rpc_leave(client->context, nested);
    return rc;
}

int
tambo_rpc_on_done(struct tambo_rpc_call *call, tambo_rpc_done_fn *fn, void *arg)
{
    bool nested;
    int rc = call == NULL ? -ERR_INVALID : lib_rpc_enter(call->client->context, &nested);
    if (rc < 0)
        return rc;
    struct tambo *context = call->client->context;
    call->fn = fn;
    call->arg = arg;
    if (call->is_done && fn != NULL)
        call_out(call);
    lib_rpc_leave(context, nested);
    return 0;
}

void
tambo_rpc_cancel(struct tambo_rpc_call *call)
{
    bool nested;
    if (call == NULL || lib_rpc_enter(call->client->context, &nested) < 0)
        return;
    struct tambo *context = call->client->context;
    if (!call->is_done)
        rpc_call_cancel(&call->core);
    lib_rpc_leave(context, nested);
}

/* ---- ended ----------------------------------------------------------------------------------------------------------
 */

static int
await(struct tambo_rpc_call *call, bool nested, struct lib_patience *patience)
{
    int rc = 0;
    while (!call->is_done && rc == 0)
        rc = nested && patience->ms != 0 ? -ERR_STATE : lib_rpc_wait(call->client->context, &call->wishes, patience);
    return rc;
}

int
tambo_rpc_wait(struct tambo_rpc_call *call, int wait_ms)
{
    struct lib_patience patience = { .ms = wait_ms };
    bool nested;
    int rc = call == NULL ? -ERR_INVALID : lib_rpc_enter(call->client->context, &nested);
    if (rc < 0)
        return rc;
    struct tambo *context = call->client->context;
    rc = await(call, nested, &patience);
    lib_rpc_leave(context, nested);
    return rc;
}

int
tambo_rpc_end(struct tambo_rpc_call *call, struct tambo_arena *arena, void *ret)
{
    struct lib_patience patience = { .ms = TAMBO_FOREVER };
    bool nested;
    int rc = call == NULL ? -ERR_INVALID : lib_rpc_enter(call->client->context, &nested);
    if (rc < 0)
        return rc;
    struct tambo *context = call->client->context;
    rc = await(call, nested, &patience);
    if (rc == 0) {
        rc = call->rc;
        if (rc == 0)
            rc = lib_rpc_decode(call->client, call->procedure, view_of(call->results, call->result_bytes), arena, ret);
        free_call(call);
    }
    lib_rpc_leave(context, nested);
    return rc;
}

/* ---- one of many ---------------------------------------------------------------------------------------------------
 */

enum { FEW = 16 };

static int
check(struct tambo_rpc_call *const *calls, size_t count)
{
    if (count == 0 || count > INT32_MAX || calls[0] == NULL)
        return -ERR_INVALID;
    for (size_t i = 1; i < count; i++)
        if (calls[i] == NULL || calls[i]->client->context != calls[0]->client->context)
            return -ERR_INVALID;
    return 0;
}

static int
find_done(struct tambo_rpc_call *const *calls, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (calls[i]->is_done)
            return (int)i;
    return -ERR_AGAIN;
}

static int
sleep_for_any(struct tambo *context, struct tambo_rpc_call *const *calls, size_t count, struct rpc_wish *wishes,
              struct lib_patience *patience)
{
    struct io_waiter waiter = { 0 };
    for (size_t i = 0; i < count; i++)
        lib_rpc_wish(&wishes[i], &calls[i]->wishes, &waiter);
    int rc = lib_rpc_sleep(context, &waiter, patience);
    for (size_t i = 0; i < count; i++)
        list_cut(&wishes[i].link);
    return rc;
}

static int
await_any(struct tambo *context, struct tambo_rpc_call *const *calls, size_t count, int wait_ms)
{
    struct lib_patience patience = { .ms = wait_ms };
    struct rpc_wish few[FEW], *wishes = few;
    int at = find_done(calls, count), rc = 0;
    if (at >= 0 || wait_ms == 0)
        return at;
    if (count > FEW)
        wishes = mem_raw(&context->mem, count * sizeof(*wishes));
    if (wishes == NULL)
        return -ERR_NO_MEMORY;
    while (rc == 0 && (at = find_done(calls, count)) < 0)
        rc = sleep_for_any(context, calls, count, wishes, &patience);
    if (wishes != few)
        mem_free(&context->mem, wishes);
    return rc < 0 ? rc : at;
}

int
tambo_rpc_wait_any(struct tambo_rpc_call *const *calls, size_t count, int wait_ms)
{
    bool nested;
    int rc = check(calls, count);
    if (rc < 0)
        return rc;
    struct tambo *context = calls[0]->client->context;
    rc = lib_rpc_enter(context, &nested);
    if (rc < 0)
        return rc;
    rc = nested && wait_ms != 0 ? -ERR_STATE : await_any(context, calls, count, wait_ms);
    lib_rpc_leave(context, nested);
    return rc;
}
