/* rpc/line_hello.c - what a client says to servers of ours, by the program of rpc/extra.h: HELLO, CANCEL.
 *
 * HELLO is a call like any other, so whoever is not ours refuses it and nothing is lost.  A server that does not answer
 * it within CONNECT_MS is taken for another's when it is connected: it may do one thing after the other, and what a
 * connection carries comes once.  Of datagrams it is taken for gone: one of ours would execute a second copy of a call
 * that does not name itself. */
#include "base/err.h"
#include "rpc/caller.h"

enum { EXTRA_ARG_BYTES = 4 };

/* The arguments are one number, or none.  Was it put? */
static bool
put_extra(struct rpc_line *line, uint32_t xid, uint32_t procedure, uint32_t flags, const uint32_t *arg)
{
    uint8_t body[ONCRPC_EXTRA_BYTES];
    struct oncrpc_extra extra = { .flags = flags };
    struct oncrpc_call call = { .program = TAMBO_RPC_PROGRAM, .version = TAMBO_RPC_VERSION, .procedure = procedure };
    struct pen pen = pen_of(body, sizeof body);
    if (flags != 0) {
        oncrpc_extra_write(&pen, &extra);
        call.verf = (struct oncrpc_auth){ ONCRPC_AUTH_TAMBO, view_of(body, sizeof body) };
    }
    size_t len = rpc_call_head_bytes(&call) + (arg == NULL ? 0 : EXTRA_ARG_BYTES);
    struct tambo_xdr_out *out = rpc_link_begin(line->link, len);
    uint8_t *room = out == NULL ? NULL : tambo_xdr_room(out, len);
    if (room == NULL) {
        if (out != NULL)
            rpc_link_drop(line->link);
        return false;
    }
    pen = pen_of(room, len);
    oncrpc_call_write(&pen, xid, &call);
    if (arg != NULL)
        put_u32(&pen, *arg);
    must(!pen.torn);
    return rpc_link_commit(line->link, NULL) == 0;
}

void
rpc_line_cancel(struct rpc_line *line, uint32_t xid)
{
    if (line->is_open && line->known == RPC_OURS)
        put_extra(line, rpc_way_xid(line->way), RPC_EXTRA_CANCEL, ONCRPC_EXTRA_ONE_WAY, &xid);
}

/* ---- HELLO ------------------------------------------------------------------------------------------------------- */

static void
say_hello(struct rpc_line *line)
{
    bool was_put = put_extra(line, line->hello_xid, RPC_EXTRA_HELLO, 0, NULL);
    uint64_t again_ns = rpc_line_is_datagram(line) ? line->hello_wait_ns : RPC_NEVER_NS;
    if (!was_put)
        again_ns = line->resend_ns;
    line->hello_after_ns = rpc_way_now(line->way) + again_ns;
    line->hello_wait_ns *= 2;
}

void
rpc_line_ask(struct rpc_line *line)
{
    line->known = RPC_ASKED;
    line->hello_xid = rpc_way_xid(line->way);
    line->until_ns = rpc_way_now(line->way) + line->connect_ns;
    line->hello_wait_ns = line->resend_ns;
    say_hello(line);
    rpc_line_watch(line);
}

void
rpc_line_ask_again(struct rpc_line *line)
{
    uint64_t now = rpc_way_now(line->way);
    if (line->until_ns <= now && rpc_line_is_datagram(line)) {
        rpc_line_give_up(line);
    } else if (line->until_ns <= now) {
        line->known = RPC_FOREIGN; /* unless it says otherwise later */
        rpc_line_flush(line);
    } else if (line->hello_after_ns <= now) {
        say_hello(line);
    }
}

static enum rpc_known
learn(struct rpc_line *line, const struct oncrpc_message *message)
{
    struct cursor c = cursor_of(message->body);
    if (oncrpc_reply_err(&message->reply) < 0)
        return RPC_FOREIGN;
    uint32_t version = take_u32(&c);
    line->boot = take_u64(&c);
    line->remembers_ms = take_u32(&c);
    return c.torn || version == 0 || line->boot == 0 ? RPC_FOREIGN : RPC_OURS;
}

void
rpc_line_answered(struct rpc_line *line, const struct oncrpc_message *message)
{
    line->hello_xid = 0;
    line->known = learn(line, message);
    rpc_line_flush(line);
}
