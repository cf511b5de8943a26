#include "sunrpc/client.h"

#include <errno.h>

#include "sunrpc/auth.h"
#include "sunrpc/body.h"
#include "sunrpc/memory.h"
#include "sunrpc/state.h"

/* clang-format off */
static const struct row {
    int rc;
    enum clnt_stat stat;
    int number; /* errno, where there is one to tell */
} rows[] = {
    { 0,                      RPC_SUCCESS,           0 },
    { TAMBO_ERR_TIMEOUT,      RPC_TIMEDOUT,          0 },
    { TAMBO_ERR_PROGRAM,      RPC_PROGUNAVAIL,       0 },
    { TAMBO_ERR_VERSION,      RPC_PROGVERSMISMATCH,  0 },
    { TAMBO_ERR_PROCEDURE,    RPC_PROCUNAVAIL,       0 },
    { TAMBO_ERR_ARGUMENTS,    RPC_CANTDECODEARGS,    0 },
    { TAMBO_ERR_RESULTS,      RPC_CANTDECODERES,     0 },
    { TAMBO_ERR_DENIED,       RPC_AUTHERROR,         0 },
    { TAMBO_ERR_FAILED,       RPC_SYSTEMERROR,       EIO },
    { TAMBO_ERR_OVERLOADED,   RPC_SYSTEMERROR,       EAGAIN },
    { TAMBO_ERR_NO_MEMORY,    RPC_SYSTEMERROR,       ENOMEM },
    { TAMBO_ERR_FORKED,       RPC_SYSTEMERROR,       ECHILD },
    { TAMBO_ERR_ADDRESS,      RPC_UNKNOWNHOST,       0 },
    { TAMBO_ERR_UNREACHABLE,  RPC_CANTSEND,          EHOSTUNREACH },
    { TAMBO_ERR_REFUSED,      RPC_CANTSEND,          ECONNREFUSED },
    { TAMBO_ERR_TOO_LARGE,    RPC_CANTSEND,          EMSGSIZE },
    { TAMBO_ERR_FULL,         RPC_CANTSEND,          ENOBUFS },
    { TAMBO_ERR_RESET,        RPC_CANTRECV,          ECONNRESET },
    { TAMBO_ERR_END,          RPC_CANTRECV,          ECONNRESET },
    { TAMBO_ERR_PROTOCOL,     RPC_CANTRECV,          EPROTO },
};
/* clang-format on */

struct rpc_err
sun_client_error(int rc, bool torn_args)
{
    struct rpc_err error = { .re_status = RPC_FAILED };

    if (torn_args) {
        error.re_status = RPC_CANTENCODEARGS;
        return error;
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].rc == -rc) {
            error.re_status = rows[i].stat;
            error.re_errno = rows[i].number;
        }
    }
    if (error.re_status == RPC_AUTHERROR)
        error.re_why = AUTH_FAILED; /* which of them is not told */
    return error;
}

CLIENT *
sun_client_fail(enum clnt_stat stat, const struct rpc_err *why)
{
    get_rpc_createerr().cf_stat = stat;
    get_rpc_createerr().cf_error = why != NULL ? *why : (struct rpc_err){ .re_status = stat };
    return NULL;
}

/* ---- a call -------------------------------------------------------------------------------------------------- */

/* Its entry for a number. */
static const struct tambo_rpc_procedure *
procedure_of(struct sun_client *client, rpcproc_t number)
{
    struct sun_procedure *p;

    for (p = client->procedures; p != NULL; p = p->next)
        if (p->procedure.number == number)
            return &p->procedure;
    p = sun_take(sizeof *p);
    if (p == NULL)
        return NULL;
    p->procedure = (struct tambo_rpc_procedure){
        .name = "", .number = number, .encode_args = sun_body_encode, .decode_ret = sun_body_decode
    };
    p->next = client->procedures;
    client->procedures = p;
    return &p->procedure;
}

static int64_t
ms_of(struct timeval time)
{
    int64_t ms = (int64_t)time.tv_sec * 1000 + (time.tv_usec + 999) / 1000;

    return ms < 1 ? 1 : ms > 1 << 30 ? 1 << 30 : ms;
}

/* Tells libtambo's client what has changed since its last call. */
static int
prepare(struct sun_client *client, struct timeval time)
{
    int64_t deadline_ms = ms_of(time);
    const struct tambo_rpc_cred *cred;
    unsigned auth = sun_auth_cred(client->client.cl_auth, &cred);
    int rc = 0;

    if (deadline_ms != client->deadline_ms)
        rc = tambo_rpc_set(client->rpc, TAMBO_RPC_DEADLINE_MS, deadline_ms);
    if (rc < 0)
        return rc;
    client->deadline_ms = deadline_ms;
    if (auth != client->auth)
        rc = tambo_rpc_set_cred(client->rpc, cred);
    if (rc < 0)
        return rc;
    client->auth = auth;
    return 0;
}

/* A call without time is one that nobody waits for: a batch of them, when nothing is to come back. */
static enum clnt_stat
cast(struct sun_client *client, const struct tambo_rpc_procedure *procedure, const struct sun_body *args,
     bool has_results)
{
    int rc = tambo_rpc_cast(client->rpc, procedure, args);

    client->error = sun_client_error(rc, *args->torn);
    if (rc == 0 && (has_results || !client->is_stream))
        client->error.re_status = RPC_TIMEDOUT;
    return client->error.re_status;
}

static enum clnt_stat
call(CLIENT *handle, rpcproc_t number, xdrproc_t xargs, void *args, xdrproc_t xres, void *res, struct timeval said)
{
    struct sun_client *client = (struct sun_client *)handle;
    const struct tambo_rpc_procedure *procedure = procedure_of(client, number);
    struct timeval time = client->has_time ? client->time : said;
    bool torn_args = false, torn_res = false;
    struct sun_body in = { xargs, args, &torn_args }, out = { xres, res, &torn_res };
    int rc = procedure != NULL ? prepare(client, time) : -TAMBO_ERR_NO_MEMORY;

    if (rc == 0 && time.tv_sec == 0 && time.tv_usec == 0)
        return cast(client, procedure, &in, xres != NULL_xdrproc_t);
    if (rc == 0)
        rc = tambo_rpc_call(client->rpc, procedure, &in, NULL, &out);
    client->error = sun_client_error(rc, torn_args);
    return client->error.re_status;
}

/* ---- the other operations ------------------------------------------------------------------------------------ */

static void
abort_call(CLIENT *handle)
{
    (void)handle; /* a call has ended when it returns */
}

static void
geterr(CLIENT *handle, struct rpc_err *ret)
{
    *ret = ((struct sun_client *)handle)->error;
}

static bool_t
freeres(CLIENT *handle, xdrproc_t proc, void *res)
{
    (void)handle;
    xdr_free(proc, res);
    return TRUE;
}

static void
destroy(CLIENT *handle)
{
    struct sun_client *client = (struct sun_client *)handle;

    tambo_rpc_client_free(client->rpc);
    while (client->procedures != NULL) {
        struct sun_procedure *first = client->procedures;
        client->procedures = first->next;
        sun_give(first);
    }
    sun_give(client);
}

/* Another client in its place, for another program. */
static int
dial(struct sun_client *client)
{
    struct tambo_rpc_client *made;
    struct tambo *context;
    int rc = sun_context(&context);

    if (rc == 0)
        rc = tambo_rpc_client(context, client->address, client->program, client->version, &made);
    if (rc < 0)
        return rc;
    /* As Sun's: over udp a call is sent again, over tcp it is not; a connection stays. */
    tambo_rpc_set(made, TAMBO_RPC_SEMANTICS, TAMBO_AT_LEAST_ONCE);
    tambo_rpc_set(made, TAMBO_RPC_RETRY_MAX, 0);
    tambo_rpc_set(made, TAMBO_RPC_IDLE_MS, 0);
    tambo_rpc_set(made, TAMBO_RPC_RESEND_MS, ms_of(client->retry));
    tambo_rpc_client_free(client->rpc);
    client->rpc = made;
    client->deadline_ms = 0;
    client->auth = 0;
    return 0;
}

static bool_t
control(CLIENT *handle, u_int what, void *with)
{
    struct sun_client *client = (struct sun_client *)handle;

    switch (what) {
    case CLSET_TIMEOUT:
        client->time = *(const struct timeval *)with;
        client->has_time = true;
        return TRUE;
    case CLGET_TIMEOUT: *(struct timeval *)with = client->time; return TRUE;
    case CLGET_SERVER_ADDR: *(struct sockaddr_in *)with = client->server; return client->server.sin_family == AF_INET;
    case CLSET_RETRY_TIMEOUT:
        client->retry = *(const struct timeval *)with;
        return tambo_rpc_set(client->rpc, TAMBO_RPC_RESEND_MS, ms_of(client->retry)) == 0;
    case CLGET_RETRY_TIMEOUT: *(struct timeval *)with = client->retry; return TRUE;
    case CLSET_FD_CLOSE: return TRUE;
    case CLGET_VERS: *(rpcvers_t *)with = client->version; return TRUE;
    case CLSET_VERS: client->version = *(const rpcvers_t *)with; return dial(client) == 0;
    case CLGET_PROG: *(rpcprog_t *)with = client->program; return TRUE;
    case CLSET_PROG: client->program = *(const rpcprog_t *)with; return dial(client) == 0;
    default: return FALSE;
    }
}

static const struct clnt_ops ops = { call, abort_call, geterr, freeres, destroy, control };

struct sun_client *
sun_client_new(const char *address, rpcprog_t program, rpcvers_t version)
{
    struct sun_client *client = sun_take(sizeof *client);
    struct rpc_err error;
    int rc = -TAMBO_ERR_NO_MEMORY;

    if (client != NULL) {
        client->client.cl_ops = &ops;
        client->client.cl_auth = authnone_create();
        client->is_stream = strncmp(address, "udp:", 4) != 0;
        client->program = program;
        client->version = version;
        client->retry.tv_sec = SUN_RETRY_S;
        client->time.tv_sec = 25;
        snprintf(client->address, sizeof client->address, "%s", address);
        rc = dial(client);
    }
    if (rc == 0)
        return client;
    sun_give(client);
    error = sun_client_error(rc, false);
    sun_client_fail(error.re_status, &error);
    return NULL;
}
