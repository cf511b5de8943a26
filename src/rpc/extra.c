/* rpc/extra.c - the program with which Tambo's clients and servers talk about calls, as a server answers it; see
 * extra.h. */
#include "rpc/extra.h"

#include "base/err.h"
#include "rpc/server_core.h"

/* Puts the results: 0 or -err. */
typedef int answer_fn(const struct rpc_server *server, struct tambo_xdr_in *args, struct tambo_xdr_out *out);

static int
put_text(struct tambo_xdr_out *out, const char *text)
{
    return tambo_xdr_put_string(out, text == NULL ? "" : text, UINT32_MAX);
}

static int
hello(const struct rpc_server *server, struct tambo_xdr_in *args, struct tambo_xdr_out *out)
{
    int64_t keep_ms = replay_is_on(&server->replay) ? server_option(server, TAMBO_RPC_SERVER_REPLAY_MS) : 0;
    (void)args;
    int rc = tambo_xdr_put_u32(out, TAMBO_RPC_VERSION);
    if (rc == 0)
        rc = tambo_xdr_put_u64(out, server->boot);
    return rc < 0 ? rc : tambo_xdr_put_u32(out, (uint32_t)keep_ms);
}

static int
interface(const struct rpc_server *server, struct tambo_xdr_in *args, struct tambo_xdr_out *out)
{
    uint32_t program, version;
    if (tambo_xdr_get_u32(args, &program) < 0 || tambo_xdr_get_u32(args, &version) < 0)
        return -ERR_ARGUMENTS;
    const struct rpc_served *served =
        version == 0 ? server_find_newest(server, program) : server_find_served(server, program, version);
    return put_text(out, served == NULL ? NULL : served->program->idl);
}

static int
put_metric(struct tambo_xdr_out *out, const struct tambo_rpc_metric *metric)
{
    const uint64_t counts[] = { metric->calls, metric->errors, metric->replays };
    int rc = put_text(out, metric->program->name);
    if (rc == 0)
        rc = tambo_xdr_put_u32(out, metric->program->program);
    if (rc == 0)
        rc = tambo_xdr_put_u32(out, metric->program->version);
    if (rc == 0)
        rc = put_text(out, metric->procedure->name);
    if (rc == 0)
        rc = tambo_xdr_put_u32(out, metric->procedure->number);
    for (size_t i = 0; rc == 0 && i < COUNT_OF(counts); i++)
        rc = tambo_xdr_put_u64(out, counts[i]);
    for (size_t i = 0; rc == 0 && i < TAMBO_RPC_BUCKETS; i++)
        rc = tambo_xdr_put_u64(out, metric->took_us[i]);
    return rc;
}

static int
metrics(const struct rpc_server *server, struct tambo_xdr_in *args, struct tambo_xdr_out *out)
{
    struct tambo_rpc_metric metric;
    uint32_t count = 0;
    (void)args;
    while (rpc_server_metric(server, count, &metric) == 0)
        count++;
    int rc = tambo_xdr_put_u32(out, count);
    for (uint32_t i = 0; rc == 0 && i < count; i++) {
        must(rpc_server_metric(server, i, &metric) == 0);
        rc = put_metric(out, &metric);
    }
    return rc;
}

static int
nothing(const struct rpc_server *server, struct tambo_xdr_in *args, struct tambo_xdr_out *out)
{
    (void)server;
    (void)args;
    (void)out;
    return 0;
}

/* ---- answering ------------------------------------------------------------------------------------------------- */

static int
put_head(struct tambo_xdr_out *out, uint32_t xid)
{
    const struct oncrpc_reply success = { .status = ONCRPC_SUCCESS };
    uint8_t room[SERVER_HEAD_BYTES_MAX];
    struct view head = server_head(room, xid, &success);
    return tambo_xdr_put_fixed(out, head.data, (uint32_t)head.len);
}

/* A reply that does not go into its message, a datagram's for one, is our failure; what does not fit is the caller's.
 */
static int
answer(const struct incoming *in, answer_fn *fn)
{
    const struct rpc_server *server = in->peer->server;
    struct tambo_xdr_in args;
    struct tambo_xdr_out *out =
        rpc_link_begin(in->peer->link, (size_t)server_option(server, TAMBO_RPC_SERVER_REPLY_BYTES_MAX));
    if (out == NULL)
        return 0; /* lost, as on the way */
    tambo_xdr_in_init(&args, in->args.data, in->args.len, NULL);
    int rc = put_head(out, in->xid);
    if (rc == 0)
        rc = fn(server, &args, out);
    if (rc == 0 && args.at != args.end)
        rc = -ERR_ARGUMENTS;
    if (rc < 0) {
        rpc_link_drop(in->peer->link);
        return rc == -ERR_ARGUMENTS ? rc : -ERR_FAILED;
    }
    rc = rpc_link_commit(in->peer->link, in->from);
    server_peer_pace(in->peer);
    return rc == 0 ? 0 : -ERR_FAILED;
}

static bool
same_remote(const struct rpc_request *request, const struct io_remote *from)
{
    return from == NULL || (from->len == request->from.len && memcmp(from->bytes, request->from.bytes, from->len) == 0);
}

/* One way: whatever is wrong with it, nobody is told. */
static void
cancel(const struct incoming *in)
{
    struct tambo_xdr_in args;
    uint32_t xid;
    tambo_xdr_in_init(&args, in->args.data, in->args.len, NULL);
    if (tambo_xdr_get_u32(&args, &xid) < 0)
        return;
    LIST_EACH(&in->peer->requests, it) {
        struct rpc_request *request = container_of(it, struct rpc_request, at_peer);
        if (request->xid == xid && same_remote(request, in->from))
            atomic_store_explicit(&request->is_canceled, true, memory_order_relaxed);
    }
}

int
extra_answer(struct incoming *in)
{
    static answer_fn *const by_procedure[] = {
        [RPC_EXTRA_NULL] = nothing,
        [RPC_EXTRA_HELLO] = hello,
        [RPC_EXTRA_INTERFACE] = interface,
        [RPC_EXTRA_METRICS] = metrics,
    };
    uint32_t number = in->call.procedure;
    if (in->call.version != TAMBO_RPC_VERSION) {
        in->low = in->high = TAMBO_RPC_VERSION;
        return -ERR_VERSION;
    }
    if (number == RPC_EXTRA_CANCEL) {
        cancel(in);
        return 0;
    }
    if (number >= COUNT_OF(by_procedure) || by_procedure[number] == NULL)
        return -ERR_PROCEDURE;
    return incoming_is_mute(in) ? 0 : answer(in, by_procedure[number]);
}

void
extra_receipt(struct rpc_peer *peer, const struct io_remote *from, uint32_t xid)
{
    const struct oncrpc_call call = { .program = TAMBO_RPC_PROGRAM,
                                      .version = TAMBO_RPC_VERSION,
                                      .procedure = RPC_EXTRA_RECEIPT };
    uint8_t room[ONCRPC_CALL_HEAD_BYTES_MAX];
    struct pen pen = pen_of(room, sizeof(room));
    oncrpc_call_write(&pen, xid, &call);
    put_u32(&pen, xid);
    must(!pen.torn);
    (void)rpc_link_put(peer->link, from, view_of(room, (size_t)(pen.at - room)));
    server_peer_pace(peer);
}
