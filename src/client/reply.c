/* client/reply.c - REP (RFC 28): a request is taken, its envelope is kept, and what is sent then goes back to who
 * asked.
 *
 * Requests of a connection that is lost are dropped with it: their asker sends them again, and would take the reply
 * to an old one for that to a newer. */
#include "base/err.h"
#include "base/mem.h"
#include "client/pattern.h"
#include "wire/zmtp.h"

static void
close_reply(struct socket *socket)
{
    mem_free(socket->mem, socket->reply.envelope);
}

/* The frames up to the first empty one; 0 when there is none. */
static size_t
envelope_of(struct view message)
{
    struct view rest = message;
    struct zmtp_frame frame;
    while (zmtp_frame_next(&rest, &frame) && (frame.flags & ZMTP_MORE) != 0) {
        if (frame.body.len == 0)
            return message.len - rest.len;
    }
    return 0;
}

static int
next(struct socket *socket, struct incoming *ret)
{
    if (socket->reply.is_due)
        return -ERR_STATE;
    while (pattern_next_in_turn(socket, ret) == 0) {
        ret->skip = envelope_of(ret->message);
        if (ret->skip > 0)
            return 0;
        backlog_drop(ret->from); /* not a request */
        pipe_taken(ret->pipe);
    }
    return -ERR_AGAIN;
}

static int
taking(struct socket *socket, const struct incoming *message)
{
    struct reply *reply = &socket->reply;
    if (reply->room < message->skip) {
        uint8_t *envelope = mem_grow(socket->mem, reply->envelope, message->skip);
        if (envelope == NULL)
            return -ERR_NO_MEMORY;
        reply->envelope = envelope;
        reply->room = message->skip;
    }
    memcpy(reply->envelope, message->message.data, message->skip);
    reply->len = message->skip;
    reply->to = message->pipe;
    reply->is_due = true;
    return 0;
}

static bool
can_send(const struct socket *socket)
{
    const struct reply *reply = &socket->reply;
    return reply->is_due && (reply->to == NULL || pipe_has_room(reply->to) || socket_policy(socket) != TAMBO_BLOCK);
}

static int
answer(struct socket *socket, struct outgoing *message)
{
    struct reply *reply = &socket->reply;
    int rc = 0;
    if (!reply->is_due)
        return -ERR_STATE;
    message->head = view_of(reply->envelope, reply->len);
    if (reply->to == NULL)
        socket->stats.unroutable++;
    else
        rc = pattern_put(reply->to, message);
    reply->is_due = rc < 0;
    return rc;
}

static void
forget(struct pipe *pipe)
{
    if (pipe->socket->reply.to == pipe)
        pipe->socket->reply.to = NULL;
}

static void
parted(struct pipe *pipe)
{
    forget(pipe);
    backlog_clear(&pipe->in);
    list_cut(&pipe->receiver);
    pipe_lose_out(pipe);
}

const struct pattern pattern_rep = {
    .joins_ready = true,
    .close = close_reply,
    .parted = parted,
    .ended = forget,
    .send = answer,
    .can_send = can_send,
    .next = next,
    .taking = taking,
};
