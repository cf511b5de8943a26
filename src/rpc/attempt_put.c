/* rpc/attempt_put.c - a call's bytes: its head for each attempt, its arguments encoded into the link where that can be,
 * and kept where they may have to be sent again. */
#include "base/err.h"
#include "base/mem.h"
#include "rpc/caller.h"

/* ---- the head ---------------------------------------------------------------------------------------------------- */

static size_t
auth_bytes(const struct oncrpc_auth *auth)
{
    return 8 + ((auth->body.len + 3) & ~(size_t)3);
}

size_t
rpc_call_head_bytes(const struct oncrpc_call *call)
{
    return 24 + auth_bytes(&call->cred) + auth_bytes(&call->verf);
}

static uint32_t
left_ms(const struct rpc_call *call)
{
    uint64_t now = rpc_way_now(call->client->way);
    uint64_t left_ns = call->deadline_ns > now ? call->deadline_ns - now : 0;
    return (uint32_t)(left_ns / RPC_NS_A_MS) + 1;
}

/* Does it name the call, to a server that remembers? */
static bool
is_once(const struct rpc_attempt *attempt)
{
    const struct rpc_line *line = attempt->line;
    return !attempt->call->is_at_least_once && line->known == RPC_OURS && line->remembers_ms > 0;
}

static bool
is_remembered(const struct rpc_attempt *attempt)
{
    const struct rpc_call *call = attempt->call;
    uint64_t age_ns = rpc_way_now(call->client->way) - call->sent_ns;
    return call->boot == attempt->line->boot && age_ns < attempt->line->remembers_ms * RPC_NS_A_MS;
}

/* One that may have been executed, at most once, goes to the server that knows it, or nowhere: 0, or -err with which it
 * was lost before. */
static int
settle_boot(struct rpc_attempt *attempt)
{
    struct rpc_call *call = attempt->call;
    bool was_sent = attempt->puts > 0 || call->unsure.rc < 0;
    if (was_sent && !call->is_at_least_once)
        return is_once(attempt) && is_remembered(attempt) ? 0 : call->unsure.rc < 0 ? call->unsure.rc : -ERR_RESET;
    call->boot = is_once(attempt) ? attempt->line->boot : 0;
    return 0;
}

static struct oncrpc_extra
extra_of(const struct rpc_attempt *attempt)
{
    static const uint32_t forms[] = {
        [RPC_FORM_REPLY] = 0,
        [RPC_FORM_RECEIPT] = ONCRPC_EXTRA_RECEIPT,
        [RPC_FORM_CAST] = ONCRPC_EXTRA_ONE_WAY,
    };
    const struct rpc_call *call = attempt->call;
    const struct rpc_client *client = call->client;
    const struct rpc_call *oldest = container_of(client->calls.next, struct rpc_call, link);
    struct oncrpc_extra extra = {
        .flags = forms[call->form] | (is_once(attempt) ? (uint32_t)ONCRPC_EXTRA_ONCE : 0),
        .left_ms = left_ms(call),
        .sequence = call->sequence,
        .settled = oldest->sequence,
        .boot = call->boot,
    };
    memcpy(extra.client, client->id, sizeof extra.client);
    return extra;
}

/* Begins the message and writes its head.  0, -ERR_AGAIN, -ERR_TOO_LARGE, -ERR_NO_MEMORY, or as settle_boot(). */
static int
begin(struct rpc_attempt *attempt, struct tambo_xdr_out **ret)
{
    const struct rpc_call *call = attempt->call;
    const struct rpc_client *client = call->client;
    uint8_t body[ONCRPC_EXTRA_BYTES];
    struct oncrpc_call head = { .program = client->way->program,
                                .version = client->way->version,
                                .procedure = call->procedure->number };
    int rc = settle_boot(attempt);
    if (rc < 0)
        return rc;
    if (client->cred_flavor != ONCRPC_AUTH_NONE)
        head.cred = (struct oncrpc_auth){ client->cred_flavor, view_of(client->cred, client->cred_bytes) };
    if (attempt->line->known == RPC_OURS) {
        struct oncrpc_extra extra = extra_of(attempt);
        struct pen pen = pen_of(body, sizeof body);
        oncrpc_extra_write(&pen, &extra);
        head.verf = (struct oncrpc_auth){ ONCRPC_AUTH_TAMBO, view_of(body, sizeof body) };
    }
    struct tambo_xdr_out *out =
        rpc_link_begin(attempt->line->link, (size_t)rpc_option(client, TAMBO_RPC_CALL_BYTES_MAX));
    if (out == NULL)
        return -ERR_AGAIN;
    size_t len = rpc_call_head_bytes(&head);
    uint8_t *room = tambo_xdr_room(out, len);
    if (room == NULL) {
        rpc_link_drop(attempt->line->link);
        return out->fault.rc;
    }
    struct pen pen = pen_of(room, len);
    oncrpc_call_write(&pen, attempt->xid, &head);
    must(!pen.torn && pen.at == pen.end);
    *ret = out;
    return 0;
}

/* ---- sent -------------------------------------------------------------------------------------------------------- */

bool
rpc_attempt_resends(const struct rpc_attempt *attempt)
{
    const struct rpc_call *call = attempt->call;
    const struct rpc_line *line = attempt->line;
    if (!rpc_line_is_datagram(line) || call->form == RPC_FORM_CAST)
        return false;
    return call->is_at_least_once || is_once(attempt);
}

static void
note_sent(struct rpc_attempt *attempt)
{
    struct rpc_call *call = attempt->call;
    struct rpc_line *line = attempt->line;
    uint64_t now = rpc_way_now(line->way);
    line->used_ns = now;
    if (attempt->puts++ > 0)
        return;
    list_push(&line->sent, &attempt->link);
    if (call->unsure.rc == 0)
        call->sent_ns = now;
    if (rpc_attempt_resends(attempt)) {
        call->resend_after_ns = rpc_option_ns(call->client, TAMBO_RPC_RESEND_MS);
        call->resend_ns = now + call->resend_after_ns;
    }
}

static int
commit(struct rpc_attempt *attempt)
{
    int rc = rpc_link_commit(attempt->line->link, NULL);
    if (rc == 0)
        note_sent(attempt);
    return rc;
}

int
rpc_attempt_put(struct rpc_attempt *attempt)
{
    const struct rpc_call *call = attempt->call;
    struct tambo_xdr_out *out;
    int rc = begin(attempt, &out);
    if (rc < 0)
        return rc;
    uint8_t *room = tambo_xdr_room(out, call->args_bytes);
    if (room == NULL) {
        rpc_link_drop(attempt->line->link);
        return out->fault.rc;
    }
    memcpy(room, call->args, call->args_bytes);
    return commit(attempt);
}

/* ---- arguments --------------------------------------------------------------------------------------------------- */

static int
encode(const struct rpc_call *call, struct tambo_xdr_out *out, const void *args, struct tambo_xdr_fault *why)
{
    if (call->procedure->encode_args == NULL)
        return 0;
    int rc = call->procedure->encode_args(out, args);
    if (rc < 0 && why != NULL)
        *why = out->fault;
    return rc;
}

/* May these arguments be needed once more, when they have been sent on this line?  See the table in attempt.c. */
static bool
is_to_keep(const struct rpc_attempt *attempt)
{
    const struct rpc_call *call = attempt->call;
    const struct rpc_client *client = call->client;
    bool is_alone = client->way->line_count == 1;
    if (call->form == RPC_FORM_CAST)
        return false;
    if (rpc_attempt_resends(attempt))
        return true;
    if (call->is_at_least_once)
        return rpc_option(client, TAMBO_RPC_RETRY_MAX) > 0 || !is_alone;
    return !is_alone || (rpc_option(client, TAMBO_RPC_RETRY_MAX) > 0 && attempt->line->known != RPC_FOREIGN);
}

/* Room of the call's own for so many. */
static int
widen(struct rpc_call *call, size_t n)
{
    bool is_few = call->args == NULL || call->args == call->few;
    uint8_t *args = call->few;
    if (n > sizeof call->few) {
        args = mem_grow(call->client->way->mem, is_few ? NULL : call->args, n);
        if (args == NULL)
            return -ERR_NO_MEMORY;
        if (is_few)
            memcpy(args, call->few, sizeof call->few);
    }
    call->args = args;
    return 0;
}

void
rpc_call_unkeep(struct rpc_call *call)
{
    if (call->args != call->few)
        mem_free(call->client->way->mem, call->args);
    call->args = NULL;
}

static int
keep(struct rpc_call *call, struct view args)
{
    int rc = widen(call, args.len);
    if (rc == 0)
        memcpy(call->args, args.data, args.len);
    call->args_bytes = args.len;
    return rc;
}

int
rpc_attempt_encode(struct rpc_attempt *attempt, const void *args, struct tambo_xdr_fault *why)
{
    struct rpc_call *call = attempt->call;
    struct tambo_xdr_out *out;
    int rc = begin(attempt, &out);
    if (rc < 0)
        return rc;
    size_t head = tambo_xdr_out_len(out);
    rc = encode(call, out, args, why);
    if (rc == 0 && is_to_keep(attempt))
        rc = keep(call, view_of(out->start + head, tambo_xdr_out_len(out) - head));
    if (rc < 0) {
        rpc_link_drop(attempt->line->link);
        return rc;
    }
    return commit(attempt);
}

/* The `more` of arguments that are encoded into the call's memory: at least doubled. */
static int
more(struct tambo_xdr_out *out, size_t n)
{
    struct rpc_call *call = out->arg;
    size_t len = tambo_xdr_out_len(out), size = 2 * (size_t)(out->end - out->start);
    if (n > out->bytes_max || len > out->bytes_max - n)
        return -ERR_TOO_LARGE;
    size = size < len + n ? len + n : size;
    int rc = widen(call, size);
    if (rc < 0)
        return rc;
    out->start = call->args;
    out->at = out->start + len;
    out->end = out->start + size;
    return 0;
}

int
rpc_call_keep(struct rpc_call *call, const void *args, struct tambo_xdr_fault *why)
{
    struct tambo_xdr_out out = { .start = call->few, .at = call->few, .end = call->few + sizeof call->few };
    out.more = more;
    out.arg = call;
    out.bytes_max = (size_t)rpc_option(call->client, TAMBO_RPC_CALL_BYTES_MAX);
    call->args = call->few;
    int rc = encode(call, &out, args, why);
    call->args_bytes = tambo_xdr_out_len(&out);
    tambo_xdr_out_free(&out);
    return rc;
}
