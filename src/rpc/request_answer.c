/* rpc/request_answer.c - how a request ends: its reply is encoded where it leaves, remembered where it may be asked for
 * again, counted, and told to the guards. */
#include "base/err.h"
#include "rpc/server_core.h"

/* ---- its answer ------------------------------------------------------------------------------------------------ */

/* A one-way call, or one that its caller has had a receipt for, has no reply. */
static bool
is_mute(const struct rpc_request *request)
{
    return (request->flags & (ONCRPC_EXTRA_ONE_WAY | ONCRPC_EXTRA_RECEIPT)) != 0;
}

/* Where its reply goes to on that link. */
static const struct io_remote *
remote_of(const struct rpc_request *request)
{
    return request->peer->door != NULL ? &request->from : NULL;
}

/* It is known from now on by this reply; empty: it has none. */
static void
remember(struct rpc_request *request, struct view reply)
{
    struct rpc_server *server = request->server;
    if (request->remembered == NULL)
        return;
    replay_end(&server->replay, request->remembered, reply, io_now_ns(server->io));
    request->remembered = NULL;
    server_plan_upkeep(server);
}

/* Who is on a stream and gets no reply for want of memory would wait for it: better it learns that something broke. */
static void
lose(struct rpc_request *request)
{
    struct rpc_peer *peer = request->peer;
    if (peer == NULL || peer->door != NULL)
        return;
    rpc_link_abort(peer->link);
    server_peer_free(peer);
}

static int
encode(struct rpc_request *request, struct tambo_xdr_out *out, const void *ret)
{
    const struct oncrpc_reply success = { .status = ONCRPC_SUCCESS };
    uint8_t room[SERVER_HEAD_BYTES_MAX];
    struct view head = server_head(room, request->xid, &success);
    uint8_t *to = tambo_xdr_room(out, head.len);
    if (to == NULL)
        return -ERR_NO_MEMORY;
    memcpy(to, head.data, head.len);
    return request->procedure->encode_ret == NULL ? 0 : request->procedure->encode_ret(out, ret);
}

static size_t
reply_bytes_max(const struct rpc_request *request)
{
    return (size_t)server_option(request->server, TAMBO_RPC_SERVER_REPLY_BYTES_MAX);
}

/* Its peer is gone: a call that may be asked for again is still to be remembered with its reply. */
static int
keep_results(struct rpc_request *request, const void *ret)
{
    struct tambo_xdr_out out;
    if (request->remembered == NULL)
        return 0;
    tambo_xdr_out_init(&out, reply_bytes_max(request));
    int rc = encode(request, &out, ret);
    if (rc == 0)
        remember(request, view_of(out.start, tambo_xdr_out_len(&out)));
    tambo_xdr_out_free(&out);
    return rc < 0 ? -ERR_RESULTS : 0;
}

/* Kept before it leaves: then its bytes are the link's. */
static int
put_results(struct rpc_request *request, const void *ret)
{
    struct rpc_link *link = request->peer->link;
    struct tambo_xdr_out *out = rpc_link_begin(link, reply_bytes_max(request));
    if (out == NULL) {
        lose(request);
        return keep_results(request, ret);
    }
    int rc = encode(request, out, ret);
    if (rc < 0) {
        rpc_link_drop(link);
        return -ERR_RESULTS;
    }
    remember(request, view_of(out->start, tambo_xdr_out_len(out)));
    if (rpc_link_commit(link, remote_of(request)) < 0)
        lose(request);
    return 0;
}

/* 0, or -ERR_RESULTS and nothing is answered yet. */
static int
answer_results(struct rpc_request *request, const void *ret)
{
    if (is_mute(request)) {
        remember(request, view_of(NULL, 0));
        return 0;
    }
    return request->peer != NULL ? put_results(request, ret) : keep_results(request, ret);
}

static void
answer_error(struct rpc_request *request, int err)
{
    uint8_t room[SERVER_HEAD_BYTES_MAX];
    struct oncrpc_reply reply = oncrpc_reply_of(err);
    reply.low = reply.high = request->served->program->version;
    struct view head = is_mute(request) ? view_of(NULL, 0) : server_head(room, request->xid, &reply);
    remember(request, head);
    if (request->peer != NULL && head.len > 0 && rpc_link_put(request->peer->link, remote_of(request), head) < 0)
        lose(request);
}

/* ---- its end --------------------------------------------------------------------------------------------------- */

static void
tell_guards(struct rpc_request *request, int rc, uint64_t took_ns)
{
    const struct tambo_rpc_guard *guards = request->server->guards;
    for (unsigned i = request->guards_passed; i-- > 0;)
        if (guards[i].after != NULL)
            guards[i].after(guards[i].arg, request_public(request), rc, took_ns);
}

/* It was answered with `rc`. */
static void
finish(struct rpc_request *request, int rc)
{
    struct rpc_server *server = request->server;
    struct rpc_peer *peer = request->peer;
    if (!server->is_dead) {
        server->exact_ns = io_exact_ns(server->io);
        uint64_t took_ns = server->exact_ns - request->begun_ns;
        metric_ended(request->metric, rc, took_ns);
        tell_guards(request, rc, took_ns);
    }
    request_leave(request);
    if (peer != NULL)
        server_peer_pace(peer);
    request_free(request);
    server_ended(server);
}

int
rpc_request_reply(struct rpc_request *request, const void *ret)
{
    int rc = request->server->is_dead ? 0 : answer_results(request, ret);
    if (rc < 0)
        answer_error(request, -ERR_FAILED);
    finish(request, rc);
    return rc;
}

void
rpc_request_fail(struct rpc_request *request, int rc)
{
    if (!request->server->is_dead)
        answer_error(request, rc);
    finish(request, rc);
}

void
rpc_request_drop(struct rpc_request *request)
{
    if (!request->server->is_dead)
        remember(request, view_of(NULL, 0));
    finish(request, 0);
}

void
rpc_request_end(struct rpc_request *request, int rc)
{
    if (rc == 0)
        (void)rpc_request_reply(request, request->ret);
    else if (rc != TAMBO_RPC_LATER)
        rpc_request_fail(request, rc < 0 ? rc : -ERR_FAILED); /* a handler may say anything */
}
