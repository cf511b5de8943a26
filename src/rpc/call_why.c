/* rpc/call_why.c - what became of a call in words, for whoever looks for the cause: at which address, and why. */
#include <inttypes.h>
#include <stdio.h>

#include "base/err.h"
#include "rpc/caller.h"

enum { ADDRESS_BYTES_MAX = 128 };

void
rpc_client_explain(struct rpc_client *client, const char *why)
{
    snprintf(client->why, sizeof client->why, "%s", why);
}

/* ---- what an attempt came to grief on ---------------------------------------------------------------------------- */

static void
say_version(const struct rpc_call *call, const struct rpc_failure *failure, const char *at, char *ret, size_t n)
{
    const struct rpc_way *way = call->client->way;
    snprintf(ret, n, "%s has program %" PRIu32 " in versions %" PRIu32 " to %" PRIu32 ", not %" PRIu32, at,
             way->program, failure->low, failure->high, way->version);
}

static void
say_denied(const struct rpc_call *call, const struct rpc_failure *failure, const char *at, char *ret, size_t n)
{
    (void)call;
    if (failure->rc == -ERR_DENIED && failure->cause == -ERR_DENIED)
        snprintf(ret, n, "%s denies it: %s", at, oncrpc_auth_stat_name(failure->low));
    else
        snprintf(ret, n, "%s was started anew, and does not know whether it executed the call", at);
}

static void
say_program(const struct rpc_call *call, const struct rpc_failure *failure, const char *at, char *ret, size_t n)
{
    (void)failure;
    snprintf(ret, n, "%s has no program %" PRIu32, at, call->client->way->program);
}

static void
say_procedure(const struct rpc_call *call, const struct rpc_failure *failure, const char *at, char *ret, size_t n)
{
    const struct rpc_way *way = call->client->way;
    (void)failure;
    snprintf(ret, n, "%s has no procedure %" PRIu32 " in version %" PRIu32 " of program %" PRIu32, at,
             call->procedure->number, way->version, way->program);
}

static void
say_too_large(const struct rpc_call *call, const struct rpc_failure *failure, const char *at, char *ret, size_t n)
{
    int64_t reply_bytes_max = rpc_option(call->client, TAMBO_RPC_REPLY_BYTES_MAX);
    if (failure->rc == -ERR_TOO_LARGE)
        snprintf(ret, n, "%s: the call is larger than CALL_BYTES_MAX, or than a datagram", at);
    else
        snprintf(ret, n, "%s answers with more than %" PRId64 " bytes (REPLY_BYTES_MAX)", at, reply_bytes_max);
}

typedef void say_fn(const struct rpc_call *, const struct rpc_failure *, const char *at, char *ret, size_t n);
static const struct {
    int cause;
    say_fn *say;
} causes[] = {
    {-ERR_PROGRAM,    say_program  },
    { -ERR_VERSION,   say_version  },
    { -ERR_PROCEDURE, say_procedure},
    { -ERR_DENIED,    say_denied   },
    { -ERR_TOO_LARGE, say_too_large},
};

static void
say(const struct rpc_call *call, const struct rpc_failure *failure, char *ret, size_t n)
{
    char at[ADDRESS_BYTES_MAX];
    rpc_address_print(&failure->line->address, at, sizeof at);
    if (failure->line->why[0] != '\0') {
        snprintf(ret, n, "%s", failure->line->why); /* rpcbind's; the line was never opened since */
        return;
    }
    for (size_t i = 0; i < COUNT_OF(causes); i++) {
        if (causes[i].cause == failure->cause) {
            causes[i].say(call, failure, at, ret, n);
            return;
        }
    }
    snprintf(ret, n, "%.*s: %s", (int)(n / 2), at, err_text(failure->cause)); /* the cause is never cut off */
}

void
rpc_call_explain(struct rpc_call *call, const struct rpc_failure *failure)
{
    say(call, failure, call->client->why, sizeof call->client->why);
}

/* ---- other ends -------------------------------------------------------------------------------------------------- */

/* Whom it waited for last. */
static const struct rpc_line *
line_of(const struct rpc_call *call)
{
    for (size_t i = 0; i < RPC_ATTEMPTS_MAX; i++)
        if (call->attempts[i].call != NULL)
            return call->attempts[i].line;
    return call->last.line;
}

void
rpc_call_explain_deadline(struct rpc_call *call, int rc)
{
    struct rpc_client *client = call->client;
    char at[ADDRESS_BYTES_MAX], before[RPC_WHY_BYTES_MAX / 2] = "";
    rpc_address_print(&line_of(call)->address, at, sizeof at);
    if (call->last.rc < 0)
        say(call, &call->last, before, sizeof before);
    snprintf(client->why, sizeof client->why, "%s %s within %" PRId64 " ms%s%s", at,
             rc == -ERR_TIMEOUT ? "did not answer" : "could not be reached", rpc_option(client, TAMBO_RPC_DEADLINE_MS),
             before[0] == '\0' ? "" : "; before that, ", before);
}

void
rpc_call_refused(struct rpc_call *call, int rc, const struct tambo_xdr_fault *fault)
{
    struct rpc_client *client = call->client;
    if (fault->text != NULL)
        snprintf(client->why, sizeof client->why, "%s%s%s", fault->path, fault->path[0] == '\0' ? "" : ": ",
                 fault->text);
    else if (rc == -ERR_FULL)
        snprintf(client->why, sizeof client->why, "%u calls are under way (CALLS_MAX)", client->count);
    else
        rpc_client_explain(client, err_text(rc));
}
