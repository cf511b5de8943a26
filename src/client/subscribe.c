/* client/subscribe.c - SUB and XSUB (RFC 29): what we want is counted here, told to every publisher once, and told
 * again to one that comes back. */
#include "base/break.h"
#include "base/err.h"
#include "client/pattern.h"
#include "wire/zmtp.h"

static int
open_interest(struct socket *socket)
{
    prefix_taker_init(&socket->interest.own);
    return prefix_init(&socket->interest.tree, socket->mem);
}

static void
close_interest(struct socket *socket)
{
    if (socket->interest.tree.root == NULL)
        return;
    prefix_leave(&socket->interest.tree, &socket->interest.own, NULL, NULL);
    prefix_fini(&socket->interest.tree);
}

/* ---- what we want ----------------------------------------------------------------------------------------- */

static void
tell_all(struct socket *socket, struct view prefix, bool on)
{
    LIST_EACH(&socket->pipes, it) {
        struct pipe *pipe = container_of(it, struct pipe, link);
        if (!pipe->is_ready)
            continue;
        pipe_subscribe(pipe, prefix, on); /* who cannot be told for lack of memory is left, and told when it is back */
        if (on)
            pipe_settle_behind(pipe);
    }
}

static int
change(struct socket *socket, struct view prefix, bool on)
{
    struct interest *interest = &socket->interest;
    int rc = on ? prefix_add(&interest->tree, &interest->own, prefix)
                : prefix_remove(&interest->tree, &interest->own, prefix);
    if (rc > PREFIX_SAME)
        tell_all(socket, prefix, on);
    return rc < 0 ? rc : 0;
}

static bool
is_subscriber(const struct socket *socket)
{
    return socket->kind == ZMTP_SUB || socket->kind == ZMTP_XSUB;
}

int
socket_subscribe(struct socket *socket, struct view prefix)
{
    return is_subscriber(socket) ? change(socket, prefix, true) : -ERR_INVALID;
}

int
socket_unsubscribe(struct socket *socket, struct view prefix)
{
    return is_subscriber(socket) ? change(socket, prefix, false) : -ERR_INVALID;
}

static void
tell_one(void *arg, struct view prefix)
{
    pipe_subscribe(arg, prefix, true);
}

static int
joined(struct pipe *pipe)
{
    struct interest *interest = &pipe->socket->interest;
    bool is_forgotten = broken(BREAK_FORGET_RESUBSCRIPTION) && pipe->ping > 0;
    int rc = is_forgotten ? 0 : prefix_each(&interest->tree, &interest->own, tell_one, pipe);
    if (rc == 0)
        pipe_settle_behind(pipe);
    return rc;
}

/* ---- SUB: in ---------------------------------------------------------------------------------------------- */

static bool
is_wanted(const struct socket *socket, struct view message)
{
    struct zmtp_frame frame;
    return zmtp_frame_next(&message, &frame) && prefix_wanted(&socket->interest.tree, frame.body);
}

/* What was cancelled may still be under way: the rest is kept, a stretch at a time. */
static int
came(struct pipe *pipe, struct view run, uint32_t count, struct zmtp_chunk *chunk)
{
    struct view stretch = view_of(run.data, 0);
    uint32_t wanted = 0;
    int rc = 0;
    for (; count > 0 && rc == 0; count--) {
        struct view message = view_of(run.data, zmtp_message_bytes(run));
        run = view_from(run, message.len);
        if (is_wanted(pipe->socket, message)) {
            stretch.len += message.len;
            wanted++;
            continue;
        }
        if (wanted > 0)
            rc = pipe_keep(pipe, stretch, wanted, chunk);
        stretch = view_of(run.data, 0);
        wanted = 0;
    }
    return rc == 0 && wanted > 0 ? pipe_keep(pipe, stretch, wanted, chunk) : rc;
}

/* ---- XSUB: out -------------------------------------------------------------------------------------------- */

/* Upstream to all, as far as they have room. */
static void
send_all(struct socket *socket, const struct outgoing *message)
{
    LIST_EACH(&socket->pipes, it) {
        struct pipe *pipe = container_of(it, struct pipe, link);
        if (pipe->is_ready && (!pipe_has_room(pipe) || pipe_put(pipe, message) < 0))
            socket_dropped(socket, pipe);
    }
}

/* 1 or 0 and a prefix, alone in a message, is a subscription. */
static int
send_up(struct socket *socket, struct outgoing *message)
{
    struct outgoing rest = *message;
    struct view first = outgoing_first(message);
    bool is_alone = outgoing_cut_first(&rest) < 0;
    if (!is_alone || first.len == 0 || first.data[0] > 1) {
        send_all(socket, message);
        return 0;
    }
    int rc = change(socket, view_from(first, 1), first.data[0] == 1);
    return rc == -ERR_NOT_FOUND ? 0 : rc;
}

static bool
can_send(const struct socket *socket)
{
    (void)socket;
    return true;
}

const struct pattern pattern_sub = {
    .joins_ready = true,
    .settles = true,
    .open = open_interest,
    .close = close_interest,
    .joined = joined,
    .came = came,
    .next = pattern_next_in_turn,
};

const struct pattern pattern_xsub = {
    .joins_ready = true,
    .settles = true,
    .open = open_interest,
    .close = close_interest,
    .joined = joined,
    .send = send_up,
    .can_send = can_send,
    .next = pattern_next_in_turn,
};
