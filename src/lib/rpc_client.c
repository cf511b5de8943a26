/* lib/rpc_client.c - clients: made, set, guarded, freed; calls begun, and why they failed. */
#include <stdio.h>

#include "lib/rpc.h"

/* ---- made and freed ---------------------------------------------------------------------------------------- */

/* The world of links is there when a client is, so only the gate may refuse. */
int
lib_rpc_enter_client(struct tambo_rpc_client *client, bool *retnested)
{
    int rc = client == NULL ? -ERR_INVALID : lib_rpc_enter(client->context, retnested);
    if (rc < 0 || client->core != NULL)
        return rc;
    lib_rpc_leave(client->context, *retnested);
    return -ERR_CANCELED;
}

/* Does `call`, which may use `client`, and returns what it returns. */
#define WITHIN(client, call)                                            \
    do {                                                                \
        bool within_nested;                                             \
        int within_rc = lib_rpc_enter_client((client), &within_nested); \
        if (within_rc < 0)                                              \
            return within_rc;                                           \
        within_rc = (call);                                             \
        lib_rpc_leave((client)->context, within_nested);                \
        return within_rc;                                               \
    } while (0)

static struct tambo_rpc_client *
new_client(struct tambo *context)
{
    struct tambo_rpc_client *client = MEM_NEW(&context->mem, struct tambo_rpc_client);
    if (client == NULL)
        return NULL;
    client->context = context;
    client->refs = 1;
    list_init(&client->link);
    return client;
}

static int
open_client(struct tambo *context, const char *addresses, uint32_t program, uint32_t version,
            struct tambo_rpc_client **ret)
{
    int rc = lib_rpc_begin(context);
    if (rc < 0)
        return rc;
    struct tambo_rpc_client *client = new_client(context);
    if (client == NULL)
        return -ERR_NO_MEMORY;
    rc = rpc_client_new(context->rpc.world, addresses, program, version, &client->core);
    if (rc < 0) {
        mem_free(&context->mem, client);
        return rc;
    }
    list_push(&context->rpc.clients, &client->link);
    *ret = client;
    return 0;
}

int
tambo_rpc_client(struct tambo *context, const char *addresses, uint32_t program, uint32_t version,
                 struct tambo_rpc_client **ret)
{
    int rc = addresses == NULL ? -ERR_INVALID : lib_enter(context);
    if (rc < 0)
        return rc;
    rc = open_client(context, addresses, program, version, ret);
    lib_leave(context);
    return rc;
}

static int
open_again(struct tambo_rpc_client *client, struct tambo_rpc_client **ret)
{
    struct tambo *context = client->context;
    struct tambo_rpc_client *again = new_client(context);
    if (again == NULL)
        return -ERR_NO_MEMORY;
    int rc = rpc_client_again(client->core, &again->core);
    if (rc < 0) {
        mem_free(&context->mem, again);
        return rc;
    }
    list_push(&context->rpc.clients, &again->link);
    *ret = again;
    return 0;
}

int
tambo_rpc_client_again(struct tambo_rpc_client *client, struct tambo_rpc_client **ret)
{
    WITHIN(client, open_again(client, ret));
}

/* Calls that end with it look at `why`, and their guards are still there. */
void
lib_rpc_free_client(struct tambo_rpc_client *client)
{
    struct rpc_client *core = client->core;
    client->core = NULL;
    list_cut(&client->link);
    rpc_client_free(core);
    lib_rpc_unref_client(client);
}

void
tambo_rpc_client_free(struct tambo_rpc_client *client)
{
    bool nested;
    if (lib_rpc_enter_client(client, &nested) < 0)
        return;
    struct tambo *context = client->context;
    lib_rpc_free_client(client);
    lib_rpc_leave(context, nested);
}

/* ---- options ----------------------------------------------------------------------------------------------- */

/* AUTH_SYS as this process, where the program has not said who it wants to be. */
static int
name_ourselves(struct tambo_rpc_client *client)
{
    struct io *io = io_gate_loop(client->context->gate);
    struct io_identity self;
    struct tambo_rpc_cred cred = { .flavor = 1 };
    io_identity(io, &self);
    io_random(io, &cred.stamp, sizeof(cred.stamp));
    cred.uid = self.uid;
    cred.gid = self.gid;
    cred.machine = self.machine;
    cred.group_count = self.group_count;
    memcpy(cred.groups, self.groups, sizeof(cred.groups));
    return rpc_client_set_cred(client->core, &cred);
}

static int
set(struct tambo_rpc_client *client, enum tambo_rpc_client_option option, int64_t value)
{
    int rc = rpc_client_set(client->core, option, value);
    return rc == -ERR_STATE && option == TAMBO_RPC_AUTH_SYS ? name_ourselves(client) : rc;
}

int
tambo_rpc_set(struct tambo_rpc_client *client, enum tambo_rpc_client_option option, int64_t value)
{
    WITHIN(client, set(client, option, value));
}

int
tambo_rpc_get(struct tambo_rpc_client *client, enum tambo_rpc_client_option option, int64_t *ret)
{
    WITHIN(client, rpc_client_get(client->core, option, ret));
}

int
tambo_rpc_set_cred(struct tambo_rpc_client *client, const struct tambo_rpc_cred *cred)
{
    WITHIN(client, cred == NULL ? -ERR_INVALID : rpc_client_set_cred(client->core, cred));
}

/* ---- guards ------------------------------------------------------------------------------------------------ */

/* A guard of the program's: it is called out to. */
struct rpc_client_watch {
    struct rpc_client_watch *next;
    struct tambo *context;
    struct tambo_rpc_client_guard guard;
};

static int
before(void *arg, const struct tambo_rpc_procedure *procedure)
{
    struct rpc_client_watch *watch = arg;
    lib_rpc_call_begin(watch->context);
    int rc = watch->guard.before(watch->guard.arg, procedure);
    lib_rpc_call_end(watch->context);
    return rc;
}

static void
after(void *arg, const struct tambo_rpc_procedure *procedure, int rc, uint64_t took_ns)
{
    struct rpc_client_watch *watch = arg;
    lib_rpc_call_begin(watch->context);
    watch->guard.after(watch->guard.arg, procedure, rc, took_ns);
    lib_rpc_call_end(watch->context);
}

static int
add_guard(struct tambo_rpc_client *client, const struct tambo_rpc_client_guard *guard)
{
    struct mem *mem = &client->context->mem;
    struct rpc_client_watch *watch = MEM_NEW(mem, struct rpc_client_watch);
    if (watch == NULL)
        return -ERR_NO_MEMORY;
    const struct tambo_rpc_client_guard ours = {
        .before = guard->before != NULL ? before : NULL,
        .after = guard->after != NULL ? after : NULL,
        .arg = watch,
    };
    int rc = rpc_client_guard(client->core, &ours);
    if (rc < 0) {
        mem_free(mem, watch);
        return rc;
    }
    *watch = (struct rpc_client_watch){ client->watches, client->context, *guard };
    client->watches = watch;
    return 0;
}

int
tambo_rpc_client_guard(struct tambo_rpc_client *client, const struct tambo_rpc_client_guard *guard)
{
    WITHIN(client, guard == NULL ? -ERR_INVALID : add_guard(client, guard));
}

void
lib_rpc_unref_client(struct tambo_rpc_client *client)
{
    struct mem *mem = &client->context->mem;
    if (--client->refs > 0)
        return;
    while (client->watches != NULL) {
        struct rpc_client_watch *watch = client->watches;
        client->watches = watch->next;
        mem_free(mem, watch);
    }
    mem_free(mem, client);
}

/* ---- calls ------------------------------------------------------------------------------------------------- */

int
lib_rpc_failed(struct tambo_rpc_client *client, int rc)
{
    const char *why = client->core == NULL ? "" : rpc_client_why(client->core);
    snprintf(client->why, sizeof(client->why), "%s", why[0] != '\0' ? why : tambo_error_text(rc));
    return rc;
}

int
lib_rpc_fault(struct tambo_rpc_client *client, int rc, const struct tambo_xdr_fault *fault)
{
    tambo_xdr_why(fault, client->why, sizeof(client->why));
    return rc;
}

int
lib_rpc_call(struct tambo_rpc_client *client, const struct tambo_rpc_procedure *procedure, const void *args,
             enum rpc_form form, const struct rpc_call_on *on, struct rpc_call *call)
{
    struct tambo_xdr_fault fault = { 0 };
    if (procedure == NULL)
        return -ERR_INVALID;
    client->refs++;
    int rc = rpc_call_begin(client->core, procedure, args, form, on, call, &fault);
    if (rc == 0)
        return 0;
    client->refs--; /* it has its handle's */
    if (rc == RPC_CALL_DONE)
        return rc;
    return fault.text != NULL ? lib_rpc_fault(client, rc, &fault) : lib_rpc_failed(client, rc);
}

int
lib_rpc_decode(struct tambo_rpc_client *client, const struct tambo_rpc_procedure *procedure, struct view results,
               struct tambo_arena *arena, void *ret)
{
    struct tambo_xdr_in in;
    if (procedure->decode_ret == NULL || ret == NULL)
        return 0;
    tambo_xdr_in_init(&in, results.data, results.len, arena);
    return procedure->decode_ret(&in, ret) == 0 ? 0 : lib_rpc_fault(client, -ERR_RESULTS, &in.fault);
}

enum tambo_outcome
tambo_rpc_outcome(int rc)
{
    return rpc_outcome(rc);
}

int
tambo_rpc_why(struct tambo_rpc_client *client, char *ret, size_t size)
{
    bool nested;
    int rc = lib_rpc_enter_client(client, &nested);
    if (rc < 0)
        return rc;
    if (size > 0)
        snprintf(ret, size, "%s", client->why);
    lib_rpc_leave(client->context, nested);
    return 0;
}
