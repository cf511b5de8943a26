/* rpc/server_call.c - a call that came: whose it is, whether it may, whether it is known already; and its refusal.
 *
 *     read        head, verifier                    else: the stream is left, the datagram forgotten
 *     find        program, version, procedure       PROG_UNAVAIL, PROG_MISMATCH, PROC_UNAVAIL
 *     admit       credentials                       AUTH_ERROR
 *     recall      known already?                    dropped, or its reply once more; of another boot: AUTH_ERROR
 *     take        room, arguments, remembered       SYSTEM_ERR with our word OVERLOADED, GARBAGE_ARGS
 *
 * Procedure 0 is answered before credentials are looked at: it never asks for any (RFC 5531, 12.1). */
#include "base/break.h"
#include "base/err.h"
#include "rpc/extra.h"
#include "rpc/server_core.h"

/* auth_stat of RFC 5531, 9. */
enum { AUTH_BADCRED = 1, AUTH_REJECTEDCRED = 2, AUTH_BADVERF = 3 };
enum { RPC_VERSION = 2 };

/* ---- answers that are no results ------------------------------------------------------------------------------- */

struct view
server_head(uint8_t room[SERVER_HEAD_BYTES_MAX], uint32_t xid, const struct oncrpc_reply *reply)
{
    struct pen pen = pen_of(room, SERVER_HEAD_BYTES_MAX);
    oncrpc_reply_write(&pen, xid, reply);
    must(!pen.torn);
    return view_of(room, (size_t)(pen.at - room));
}

static void
send_reply(struct rpc_peer *peer, const struct io_remote *from, uint32_t xid, const struct oncrpc_reply *reply)
{
    uint8_t room[SERVER_HEAD_BYTES_MAX];
    /* One that there is no memory for is lost, as on the way. */
    (void)rpc_link_put(peer->link, from, server_head(room, xid, reply));
    server_peer_pace(peer);
}

static void
refuse(const struct incoming *in, int err)
{
    struct oncrpc_reply reply = oncrpc_reply_of(err);
    if (in->metric != NULL)
        in->metric->errors++;
    if (incoming_is_mute(in))
        return;
    reply.low = in->low;
    reply.high = in->high;
    if (in->auth_stat != 0)
        reply.auth_stat = in->auth_stat;
    send_reply(in->peer, in->from, in->xid, &reply);
}

static int
deny(struct incoming *in, uint32_t auth_stat)
{
    in->auth_stat = auth_stat;
    return -ERR_DENIED;
}

/* ---- which procedure ------------------------------------------------------------------------------------------- */

size_t
server_place(const struct rpc_server *server, uint32_t program, uint32_t version)
{
    size_t low = 0, high = server->served_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct tambo_rpc_program *it = server->served[middle]->program;
        if (it->program < program || (it->program == program && it->version < version))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct rpc_served *
at_if(const struct rpc_server *server, size_t at, uint32_t program)
{
    return at < server->served_count && server->served[at]->program->program == program ? server->served[at] : NULL;
}

struct rpc_served *
server_find_newest(const struct rpc_server *server, uint32_t program)
{
    size_t at = server_place(server, program, UINT32_MAX);
    struct rpc_served *served = at_if(server, at, program);
    return served != NULL || at == 0 ? served : at_if(server, at - 1, program);
}

struct rpc_served *
server_find_served(const struct rpc_server *server, uint32_t program, uint32_t version)
{
    struct rpc_served *served = at_if(server, server_place(server, program, version), program);
    return served != NULL && served->program->version == version ? served : NULL;
}

static int
find_version(struct incoming *in)
{
    const struct rpc_server *server = in->peer->server;
    in->served = server_find_served(server, in->call.program, in->call.version);
    if (in->served != NULL)
        return 0;
    const struct rpc_served *last = server_find_newest(server, in->call.program);
    if (last == NULL)
        return -ERR_PROGRAM;
    in->low = at_if(server, server_place(server, in->call.program, 0), in->call.program)->program->version;
    in->high = last->program->version;
    return -ERR_VERSION;
}

/* Most programs number their procedures without gaps. */
static const struct tambo_rpc_procedure *
find_procedure(const struct tambo_rpc_program *program, uint32_t number)
{
    const struct tambo_rpc_procedure *all = program->procedures;
    size_t low = 0, high = program->count;
    if (high > 0 && number >= all[0].number && number - all[0].number < high &&
        all[number - all[0].number].number == number)
        return &all[number - all[0].number];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (all[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < program->count && all[low].number == number ? &all[low] : NULL;
}

static int
find(struct incoming *in)
{
    int rc = find_version(in);
    if (rc < 0 || in->call.procedure == 0)
        return rc;
    const struct tambo_rpc_program *program = in->served->program;
    in->procedure = find_procedure(program, in->call.procedure);
    size_t row = in->procedure != NULL ? (size_t)(in->procedure - program->procedures) : program->count;
    if (in->procedure == NULL)
        in->procedure = program->any;
    if (in->procedure == NULL)
        return -ERR_PROCEDURE;
    in->metric = (struct metric *)(uintptr_t)&in->served->metrics[row];
    return 0;
}

/* ---- who calls ------------------------------------------------------------------------------------------------- */

/* We give out no AUTH_SHORT, so whoever has one is to begin anew; other flavors are not spoken here. */
static int
admit(struct incoming *in)
{
    struct fault why;
    switch (in->call.cred.flavor) {
    case ONCRPC_AUTH_NONE: return 0;
    case ONCRPC_AUTH_SYS: return oncrpc_sys_parse(in->call.cred.body, &in->sys, &why) < 0 ? deny(in, AUTH_BADCRED) : 0;
    default: return deny(in, AUTH_REJECTEDCRED);
    }
}

static int
read_extra(struct incoming *in)
{
    struct fault why;
    if (in->call.verf.flavor != ONCRPC_AUTH_TAMBO)
        return 0;
    if (oncrpc_extra_parse(in->call.verf.body, &in->extra, &why) < 0)
        return deny(in, AUTH_BADVERF);
    in->has_extra = true;
    return 0;
}

/* ---- is it known? ---------------------------------------------------------------------------------------------- */

static bool
is_once(const struct incoming *in)
{
    return (in->extra.flags & ONCRPC_EXTRA_ONCE) != 0;
}

/* Calls of ours that may be executed twice say so.  Others over datagrams may come twice without their caller's doing;
 * they are remembered as far as there is a memory. */
static bool
is_to_be_remembered(const struct incoming *in)
{
    if (broken(BREAK_FORGET_CALL))
        return false;
    return is_once(in) || (in->from != NULL && !in->has_extra && replay_is_on(&in->peer->server->replay));
}

static void
make_key(const struct incoming *in, struct replay_key *ret)
{
    if (is_once(in)) {
        replay_key_client(ret, in->extra.client, in->extra.sequence, in->extra.settled);
        return;
    }
    const struct replay_datagram datagram = { in->from,           in->xid, in->call.program, in->call.version,
                                              in->call.procedure, in->args };
    replay_key_datagram(ret, &datagram);
}

/* The xid is the call's; all else is as it was. */
static void
replay_reply(const struct incoming *in, const struct replay_entry *entry)
{
    enum { XID_BYTES = 4 };
    struct rpc_link *link = in->peer->link;
    if (entry->reply == NULL)
        return;
    struct tambo_xdr_out *out = rpc_link_begin(link, entry->reply_bytes);
    if (out == NULL)
        return;
    uint8_t *to = tambo_xdr_room(out, entry->reply_bytes);
    if (to == NULL) {
        rpc_link_drop(link);
        return;
    }
    memcpy(tambo_xdr_write_u32(to, in->xid), entry->reply + XID_BYTES, entry->reply_bytes - XID_BYTES);
    (void)rpc_link_commit(link, in->from);
    server_peer_pace(in->peer);
}

static void
come_again(const struct incoming *in, struct replay_entry *entry)
{
    in->metric->replays++;
    if ((in->extra.flags & ONCRPC_EXTRA_RECEIPT) != 0)
        extra_receipt(in->peer, in->from, in->xid);
    else if (entry->request == NULL && !incoming_is_mute(in))
        replay_reply(in, entry);
    if (entry->request != NULL)
        request_redirect(entry->request, in);
}

/* 1: it is new and `key` its name; 0: that was all; -err. */
static int
recall(struct incoming *in, struct replay_key *key)
{
    struct replay_entry *entry = NULL;
    if (is_once(in) && in->extra.boot != in->peer->server->boot && !broken(BREAK_TAKE_OTHER_BOOT))
        return deny(in, ONCRPC_AUTH_REJECTEDVERF);
    make_key(in, key);
    switch (replay_look(&in->peer->server->replay, key, &entry)) {
    case REPLAY_NEW: return 1;
    case REPLAY_FORGOTTEN: return deny(in, ONCRPC_AUTH_REJECTEDVERF);
    case REPLAY_SETTLED: return 0;
    case REPLAY_UNDER_WAY:
    case REPLAY_ANSWERED: break;
    }
    come_again(in, entry);
    return 0;
}

/* ---- taken ----------------------------------------------------------------------------------------------------- */

static int
take(const struct incoming *in, const struct replay_key *key)
{
    struct rpc_server *server = in->peer->server;
    struct rpc_request *request;
    in->metric->calls++;
    if (server->is_draining || (int64_t)server->under_way >= server_option(server, TAMBO_RPC_SERVER_REQUESTS_MAX))
        return -ERR_OVERLOADED;
    int rc = request_take(in, &request);
    if (rc < 0)
        return rc;
    if (key != NULL && replay_begin(&server->replay, key, request, io_now_ns(server->io), &request->remembered) < 0) {
        request_undo(request);
        return -ERR_OVERLOADED;
    }
    if ((in->extra.flags & ONCRPC_EXTRA_RECEIPT) != 0)
        extra_receipt(in->peer, in->from, in->xid);
    server_peer_pace(in->peer);
    server->on->request(server->arg, request); /* it may be answered and gone, and the peer with it */
    return 0;
}

static void
answer_null(const struct incoming *in)
{
    const struct oncrpc_reply success = { .status = ONCRPC_SUCCESS };
    if (incoming_is_mute(in))
        return;
    if ((in->extra.flags & ONCRPC_EXTRA_RECEIPT) != 0)
        extra_receipt(in->peer, in->from, in->xid);
    else
        send_reply(in->peer, in->from, in->xid, &success);
}

/* 0: it was seen to; or -err: it is to be refused. */
static int
serve(struct incoming *in)
{
    struct replay_key key;
    if (in->call.program == TAMBO_RPC_PROGRAM)
        return extra_answer(in);
    int rc = find(in);
    if (rc < 0)
        return rc;
    if (in->call.procedure == 0) {
        answer_null(in);
        return 0;
    }
    rc = admit(in);
    if (rc < 0)
        return rc;
    if (!is_to_be_remembered(in))
        return take(in, NULL);
    rc = recall(in, &key);
    return rc > 0 ? take(in, &key) : rc;
}

/* What is no call has no place where a server reads. */
static void
breach(struct rpc_peer *peer)
{
    if (peer->door != NULL)
        return;
    rpc_link_close(peer->link);
    server_peer_free(peer);
}

void
server_call_came(void *arg, const struct io_remote *from, struct view message)
{
    struct rpc_peer *peer = arg;
    struct oncrpc_message m;
    struct fault why;
    struct incoming in = { .peer = peer, .from = from };
    int rc = oncrpc_parse(message, &m, &why);
    if (rc == -ERR_VERSION) {
        const struct oncrpc_reply reply = { .status = ONCRPC_RPC_MISMATCH, .low = RPC_VERSION, .high = RPC_VERSION };
        send_reply(peer, from, m.xid, &reply);
        return;
    }
    if (rc < 0 || m.is_reply) {
        breach(peer);
        return;
    }
    in.xid = m.xid;
    in.call = m.call;
    in.args = m.body;
    rc = read_extra(&in);
    if (rc == 0)
        rc = serve(&in);
    if (rc < 0)
        refuse(&in, rc);
}
