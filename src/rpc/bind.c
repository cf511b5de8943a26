/* rpc/bind.c - asking for a port.
 *
 * Version 4 is asked first.  A rpcbind that does not speak it says so (or says that it has no such program, as some old
 * ones do), and then 3 and 2 are asked. */
#include "rpc/bind.h"

#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"
#include "rpc/client.h"

enum { VERSION_NEWEST = 4, VERSION_OLDEST = 2, WHY_MAX = 320 };

struct rpc_bind_ask {
    struct rpc_world *world;
    struct rpc_address address;
    uint32_t program, version;
    uint64_t until_ns;
    rpc_bind_fn *done; /* NULL: was called, or will not be */
    void *arg;
    uint32_t spoken; /* the version of rpcbind that is asked now */
    struct rpc_client *client;
    struct rpc_call call;
};

static struct io *
io_of(const struct rpc_bind_ask *ask)
{
    return rpc_world_io(ask->world);
}

/* ---- the end -------------------------------------------------------------------------------------------------- */

static void
finish(struct rpc_bind_ask *ask, int rc, uint16_t port, const char *why)
{
    rpc_bind_fn *done = ask->done;
    struct rpc_address found = ask->address;

    found.at.port = port;
    ask->done = NULL;
    done(ask->arg, rc, &found, why);
}

static void
fail(struct rpc_bind_ask *ask, int rc)
{
    char why[WHY_MAX];
    const char *transport = ask->address.transport == RPC_UDP ? "udp" : "tcp";

    if (rc == -ERR_PROGRAM)
        snprintf(why, sizeof(why), "rpcbind at %s has no program %u over %s", ask->address.at.host, ask->program,
                 transport);
    else
        snprintf(why, sizeof(why), "rpcbind at %s, asked over %s: %s", ask->address.at.host, transport, err_text(rc));
    finish(ask, rc, 0, why);
}

/* ---- what it answers ------------------------------------------------------------------------------------------ */

/* 0: there is none. */
static int
read_port(struct rpc_bind_ask *ask, struct view results, uint16_t *ret)
{
    struct tambo_arena arena = { .bytes_max = 4096 };
    struct tambo_xdr_in in;
    char host[RPCBIND_HOST_MAX], *text;
    uint32_t port = 0;
    int rc;

    tambo_xdr_in_init(&in, results.data, results.len, &arena);
    if (ask->spoken == 2) {
        rc = rpcbind_decode_word(&in, &port);
        *ret = port > UINT16_MAX ? 0 : (uint16_t)port;
    } else {
        *ret = 0;
        rc = rpcbind_decode_text(&in, &text);
        if (rc == 0 && text[0] != '\0')
            rc = rpcbind_address_parse(text, host, ret);
    }
    tambo_arena_free(&arena);
    return rc < 0 ? -ERR_RESULTS : 0;
}

static void
on_answer(struct rpc_bind_ask *ask, struct view results)
{
    uint16_t port;
    int rc = read_port(ask, results, &port);

    if (rc == 0 && port == 0)
        rc = -ERR_PROGRAM;
    if (rc < 0)
        fail(ask, rc);
    else
        finish(ask, 0, port, "");
}

/* ---- asking --------------------------------------------------------------------------------------------------- */

static void ask_older(struct rpc_bind_ask *ask);

static void
on_done(struct rpc_call *call, int rc, struct view results)
{
    struct rpc_bind_ask *ask = container_of(call, struct rpc_bind_ask, call);

    if (ask->done == NULL)
        return; /* it is being freed */
    if (rc == 0)
        on_answer(ask, results);
    else if ((rc == -ERR_VERSION || rc == -ERR_PROGRAM || rc == -ERR_PROCEDURE) && ask->spoken > VERSION_OLDEST)
        ask_older(ask);
    else
        fail(ask, rc);
}

static const struct rpc_call_on call_on = { .done = on_done };

static int
call(struct rpc_bind_ask *ask)
{
    const struct tambo_rpc_procedure *procedure = rpc_bind_procedure(ask->spoken, RPCBIND_GETADDR);
    uint32_t protocol = ask->address.transport == RPC_UDP ? 17 : 6;
    unsigned family = rpcbind_host_family(ask->address.at.host);
    const struct rpcbind_netid *netid = rpcbind_netid_of(family == 6 ? 6 : 4, protocol);
    const struct rpcbind_pmap pmap = { ask->program, ask->version, protocol, 0 };
    const struct rpcbind_mapping mapping = { ask->program, ask->version, (char *)netid->name, (char *)"", (char *)"" };
    const void *args = ask->spoken == 2 ? (const void *)&pmap : (const void *)&mapping;

    return rpc_call_begin(ask->client, procedure, args, RPC_FORM_REPLY, &call_on, &ask->call, NULL);
}

/* Whatever is asked may be asked twice. */
static int
open_client(struct rpc_bind_ask *ask)
{
    struct rpc_address at = ask->address;
    uint64_t now_ns = io_now_ns(io_of(ask));
    uint64_t left_ms = ask->until_ns > now_ns ? (ask->until_ns - now_ns) / 1000000 : 0;
    char text[RPCBIND_HOST_MAX + 32];

    at.at.port = RPCBIND_PORT;
    rpc_address_print(&at, text, sizeof(text));
    int rc = rpc_client_new(ask->world, text, RPCBIND_PROGRAM, ask->spoken, &ask->client);
    if (rc == 0)
        rc = rpc_client_set(ask->client, TAMBO_RPC_SEMANTICS, TAMBO_AT_LEAST_ONCE);
    return rc < 0 ? rc : rpc_client_set(ask->client, TAMBO_RPC_DEADLINE_MS, left_ms == 0 ? 1 : (int64_t)left_ms);
}

static int
begin(struct rpc_bind_ask *ask)
{
    int rc = open_client(ask);
    return rc < 0 ? rc : call(ask);
}

static void
ask_older(struct rpc_bind_ask *ask)
{
    rpc_client_free(ask->client);
    ask->client = NULL;
    ask->spoken--;
    int rc = begin(ask);
    if (rc < 0)
        fail(ask, rc);
}

/* ---- its life ------------------------------------------------------------------------------------------------- */

int
rpc_bind_ask(struct rpc_world *world, const struct rpc_address *address, uint32_t program, uint32_t version,
             uint32_t within_ms, rpc_bind_fn *done, void *arg, struct rpc_bind_ask **ret)
{
    struct io *io = rpc_world_io(world);
    struct rpc_bind_ask *ask = MEM_NEW(io_mem(io), struct rpc_bind_ask);
    if (ask == NULL)
        return -ERR_NO_MEMORY;
    *ask = (struct rpc_bind_ask){ .world = world, .address = *address, .program = program, .version = version };
    ask->until_ns = io_now_ns(io) + within_ms * UINT64_C(1000000);
    ask->done = done;
    ask->arg = arg;
    ask->spoken = VERSION_NEWEST;
    int rc = begin(ask);
    if (rc < 0) {
        ask->done = NULL;
        rpc_bind_ask_free(ask);
        return rc;
    }
    *ret = ask;
    return 0;
}

void
rpc_bind_ask_free(struct rpc_bind_ask *ask)
{
    if (ask == NULL)
        return;
    ask->done = NULL;
    rpc_client_free(ask->client);
    mem_free(io_mem(io_of(ask)), ask);
}
