/* rpc/client_option.c - what may be set of a client: options, credentials, guards. */
#include "base/err.h"
#include "base/mem.h"
#include "rpc/caller.h"

static const struct option {
    int64_t value, low, high;
} options[RPC_CLIENT_OPTIONS] = {
#define OPTION_ROW(name, value, low, high, what) [TAMBO_RPC_##name] = { value, low, high },
    TAMBO_RPC_CLIENT_OPTIONS(OPTION_ROW)
#undef OPTION_ROW
};

void
rpc_client_defaults(struct rpc_client *client)
{
    for (size_t i = 0; i < RPC_CLIENT_OPTIONS; i++)
        client->options[i] = options[i].value;
    client->tokens = RPC_TOKENS_MAX;
}

int
rpc_client_set(struct rpc_client *client, enum tambo_rpc_client_option option, int64_t value)
{
    if ((size_t)option >= RPC_CLIENT_OPTIONS || value < options[option].low || value > options[option].high)
        return -ERR_INVALID;
    if (option == TAMBO_RPC_AUTH_SYS && value == 0)
        client->cred_flavor = ONCRPC_AUTH_NONE;
    if (option == TAMBO_RPC_AUTH_SYS && value == 1) {
        if (client->cred_bytes == 0)
            return -ERR_STATE;
        client->cred_flavor = ONCRPC_AUTH_SYS;
    }
    client->options[option] = value;
    return 0;
}

int
rpc_client_get(const struct rpc_client *client, enum tambo_rpc_client_option option, int64_t *ret)
{
    if ((size_t)option >= RPC_CLIENT_OPTIONS)
        return -ERR_INVALID;
    *ret = client->options[option];
    return 0;
}

int
rpc_client_set_cred(struct rpc_client *client, const struct tambo_rpc_cred *cred)
{
    struct oncrpc_sys sys = {
        .stamp = cred->stamp, .uid = cred->uid, .gid = cred->gid, .group_count = cred->group_count
    };
    if (cred->flavor == ONCRPC_AUTH_NONE)
        return rpc_client_set(client, TAMBO_RPC_AUTH_SYS, 0);
    sys.machine = view_str(cred->machine == NULL ? "" : cred->machine);
    if (cred->flavor != ONCRPC_AUTH_SYS || cred->group_count > ONCRPC_GROUPS_MAX ||
        sys.machine.len > ONCRPC_MACHINE_MAX)
        return -ERR_INVALID;
    memcpy(sys.groups, cred->groups, cred->group_count * sizeof sys.groups[0]);
    struct pen pen = pen_of(client->cred, sizeof client->cred);
    oncrpc_sys_write(&pen, &sys);
    must(!pen.torn);
    client->cred_bytes = sizeof client->cred - pen_left(&pen);
    return rpc_client_set(client, TAMBO_RPC_AUTH_SYS, 1);
}

int
rpc_client_guard(struct rpc_client *client, const struct tambo_rpc_client_guard *guard)
{
    struct mem *mem = client->way->mem;
    void *grown = mem_grow(mem, client->guards, (client->guard_count + 1) * sizeof *guard);
    if (grown == NULL)
        return -ERR_NO_MEMORY;
    client->guards = grown;
    client->guards[client->guard_count++] = *guard;
    return 0;
}
