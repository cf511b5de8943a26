/* rpc/call.c - a call's begin and end. */
#include "base/err.h"
#include "rpc/caller.h"

enum tambo_outcome
rpc_outcome(int rc)
{
    switch (rc) {
    case 0:
    case -ERR_RESULTS: return TAMBO_EXECUTED;
    case -ERR_TIMEOUT:
    case -ERR_RESET:
    case -ERR_EOF:
    case -ERR_ABANDONED:
    case -ERR_PROTOCOL:
    case -ERR_FAILED: return TAMBO_OUTCOME_UNKNOWN;
    default: return TAMBO_NOT_EXECUTED;
    }
}

/* ---- guards ------------------------------------------------------------------------------------------------------ */

/* How many let it pass is *retpassed. */
static int
ask_guards(const struct rpc_client *client, const struct tambo_rpc_procedure *procedure, unsigned *retpassed)
{
    for (unsigned i = 0; i < client->guard_count; i++) {
        const struct tambo_rpc_client_guard *guard = &client->guards[i];
        int rc = guard->before == NULL ? 0 : guard->before(guard->arg, procedure);
        if (rc < 0)
            return rc;
        *retpassed = i + 1;
    }
    return 0;
}

/* Those that let it pass, backwards. */
static void
tell_guards(const struct rpc_client *client, const struct rpc_call *call, unsigned passed, int rc)
{
    uint64_t took_ns = passed == 0 ? 0 : io_exact_ns(client->way->io) - call->begun_ns;
    while (passed-- > 0) {
        const struct tambo_rpc_client_guard *guard = &client->guards[passed];
        if (guard->after != NULL)
            guard->after(guard->arg, call->procedure, rc, took_ns);
    }
}

/* ---- its end ----------------------------------------------------------------------------------------------------- */

bool
rpc_call_is_tried(const struct rpc_call *call)
{
    for (size_t i = 0; i < RPC_ATTEMPTS_MAX; i++)
        if (call->attempts[i].call != NULL)
            return true;
    return false;
}

bool
rpc_call_was_sent(const struct rpc_call *call)
{
    for (size_t i = 0; i < RPC_ATTEMPTS_MAX; i++)
        if (call->attempts[i].call != NULL && call->attempts[i].puts > 0)
            return true;
    return call->unsure.rc < 0;
}

/* Servers of ours that still work on it are told; after its deadline they know. */
static void
withdraw(struct rpc_call *call, int rc)
{
    struct rpc_client *client = call->client;
    for (size_t i = 0; i < RPC_ATTEMPTS_MAX; i++) {
        struct rpc_attempt *attempt = &call->attempts[i];
        if (attempt->call == NULL)
            continue;
        if (attempt->puts > 0 && call->form != RPC_FORM_CAST && rc != -ERR_TIMEOUT)
            rpc_line_cancel(attempt->line, attempt->xid);
        rpc_attempt_cut(attempt);
    }
    heap_cut(&client->way->calls, &call->due);
    list_cut(&call->link);
    client->count--;
    rpc_call_unkeep(call);
}

void
rpc_call_end(struct rpc_call *call, int rc, struct view results)
{
    withdraw(call, rc);
    tell_guards(call->client, call, call->passed, rc);
    call->on->done(call, rc, results);
}

void
rpc_call_give_up(struct rpc_call *call)
{
    bool is_unsure = call->unsure.rc < 0 && rpc_outcome(call->last.rc) == TAMBO_NOT_EXECUTED;
    const struct rpc_failure *failure = is_unsure ? &call->unsure : &call->last;
    rpc_call_explain(call, failure);
    rpc_call_end(call, failure->rc, view_of(NULL, 0));
}

void
rpc_call_cancel(struct rpc_call *call)
{
    int rc = rpc_call_was_sent(call) ? -ERR_ABANDONED : -ERR_CANCELED;
    rpc_client_explain(call->client, rc == -ERR_CANCELED ? "canceled before it was sent" : err_text(rc));
    rpc_call_end(call, rc, view_of(NULL, 0));
}

/* ---- its beginning ----------------------------------------------------------------------------------------------- */

static int
admit(const struct rpc_client *client)
{
    if (client->is_closing)
        return -ERR_STATE;
    return client->count < rpc_option(client, TAMBO_RPC_CALLS_MAX) ? 0 : -ERR_FULL;
}

/* The call's memory is the caller's, and says nothing yet. */
static void
fill(struct rpc_call *call, struct rpc_client *client, const struct tambo_rpc_procedure *procedure, enum rpc_form form,
     const struct rpc_call_on *on)
{
    memset(call, 0, offsetof(struct rpc_call, few));
    call->on = on;
    call->client = client;
    call->procedure = procedure;
    call->form = form;
    call->is_at_least_once = rpc_option(client, TAMBO_RPC_SEMANTICS) == TAMBO_AT_LEAST_ONCE;
    list_init(&call->link);
}

/* Times are counted from now. */
static void
set_times(struct rpc_call *call)
{
    struct rpc_client *client = call->client;
    uint64_t now = rpc_way_now(client->way), hedge_ns = rpc_option_ns(client, TAMBO_RPC_HEDGE_MS);
    bool hedges = hedge_ns > 0 && call->is_at_least_once && call->form == RPC_FORM_REPLY;
    call->deadline_ns = now + rpc_option_ns(client, TAMBO_RPC_DEADLINE_MS);
    call->hedge_ns = hedges && client->way->line_count > 1 ? now + hedge_ns : RPC_NEVER_NS;
    call->resend_ns = call->retry_ns = RPC_NEVER_NS;
}

static void
save_tokens(struct rpc_client *client)
{
    client->tokens += (unsigned)rpc_option(client, TAMBO_RPC_RETRY_PERCENT);
    if (client->tokens > RPC_TOKENS_MAX)
        client->tokens = RPC_TOKENS_MAX;
}

static int
start(struct rpc_call *call, const void *args, struct tambo_xdr_fault *why)
{
    struct rpc_client *client = call->client;
    set_times(call);
    int rc = heap_put(&client->way->calls, &call->due, call->deadline_ns);
    if (rc < 0)
        return rc;
    call->sequence = ++client->sequence;
    client->count++;
    list_push(&client->calls, &call->link);
    rc = rpc_attempt_first(call, rpc_line_pick(client, 0), args, why);
    if (rc < 0) {
        withdraw(call, rc);
        return rc;
    }
    save_tokens(client);
    rpc_call_arm(call);
    return 0;
}

/* A cast that has left has come to its end. */
static bool
is_cast_off(const struct rpc_call *call)
{
    return call->form == RPC_FORM_CAST && call->attempts[0].puts > 0;
}

int
rpc_call_begin(struct rpc_client *client, const struct tambo_rpc_procedure *procedure, const void *args,
               enum rpc_form form, const struct rpc_call_on *on, struct rpc_call *call, struct tambo_xdr_fault *why)
{
    struct tambo_xdr_fault fault = { .text = NULL };
    fill(call, client, procedure, form, on);
    int rc = admit(client);
    if (rc == 0 && client->guard_count > 0) {
        call->begun_ns = io_exact_ns(client->way->io);
        rc = ask_guards(client, procedure, &call->passed);
    }
    if (rc == 0)
        rc = start(call, args, &fault);
    if (rc == 0 && !is_cast_off(call))
        return 0;
    if (rc == 0)
        withdraw(call, 0);
    else
        rpc_call_refused(call, rc, &fault);
    if (fault.text != NULL && why != NULL)
        *why = fault;
    tell_guards(client, call, call->passed, rc);
    return rc == 0 ? RPC_CALL_DONE : rc;
}
