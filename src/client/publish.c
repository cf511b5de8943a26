/* client/publish.c - PUB and XPUB (RFC 29): a message goes to every peer that subscribed to what it begins with. */
#include "base/err.h"
#include "base/mem.h"
#include "client/pattern.h"
#include "wire/zmtp.h"

static int
open_interest(struct socket *socket)
{
    backlog_init(&socket->interest.notices, socket->mem);
    return prefix_init(&socket->interest.tree, socket->mem);
}

static void
close_interest(struct socket *socket)
{
    prefix_fini(&socket->interest.tree);
    backlog_clear(&socket->interest.notices);
}

/* ---- what peers want -------------------------------------------------------------------------------------- */

/* XPUB's user reads of it as of a message: 1 or 0, and the prefix.  While it does not read, nobody's subscriptions are:
 * what leaving peers had is all that may come on top. */
static int
notice(struct socket *socket, struct view prefix, bool on)
{
    struct backlog *notices = &socket->interest.notices;
    if (socket->pattern->next == NULL)
        return 0;
    uint8_t *room = backlog_room(notices, ZMTP_FRAME_HEAD_MAX + 1 + prefix.len);
    if (room == NULL)
        return -ERR_NO_MEMORY;
    size_t n = zmtp_frame_head(room, 0, 1 + prefix.len);
    room[n++] = on;
    if (prefix.len > 0)
        memcpy(room + n, prefix.data, prefix.len);
    backlog_room_done(notices, n + prefix.len, 1);
    socket_changed(socket);
    return 0;
}

static bool
notices_wait(const struct socket *socket)
{
    return socket->interest.notices.messages >= (uint64_t)socket_option(socket, TAMBO_RECV_MESSAGES_MAX);
}

static int
subscribe(struct pipe *pipe, struct view prefix)
{
    struct socket *socket = pipe->socket;
    if (pipe->subscriptions >= (uint64_t)socket_option(socket, TAMBO_SUBSCRIPTIONS_MAX))
        return -ERR_FULL;
    int change = prefix_add(&socket->interest.tree, &pipe->taker, prefix);
    if (change < 0)
        return change;
    pipe->subscriptions += change != PREFIX_SAME;
    pipe_settle(pipe);
    if (change == PREFIX_ALL || socket_option(socket, TAMBO_XPUB_VERBOSE) != 0)
        return notice(socket, prefix, true);
    return 0;
}

static int
subscribed(struct pipe *pipe, struct view prefix, bool on)
{
    struct socket *socket = pipe->socket;
    if (notices_wait(socket))
        pipe_pause(pipe);
    if (on)
        return subscribe(pipe, prefix);
    int change;
    do /* libzmq's SUB subscribes as often as its user does, and cancels once: when the last of them is undone */
        change = prefix_remove(&socket->interest.tree, &pipe->taker, prefix);
    while (change == PREFIX_SAME);
    if (change < 0)
        return 0; /* it never had it, and has it no less now */
    pipe->subscriptions--;
    return change == PREFIX_ALL ? notice(socket, prefix, false) : 0;
}

static void
unwanted(void *arg, struct view prefix)
{
    notice(arg, prefix, false);
}

static void
parted(struct pipe *pipe)
{
    prefix_leave(&pipe->socket->interest.tree, &pipe->taker, unwanted, pipe->socket);
    pipe->subscriptions = 0;
}

static void
ended(struct pipe *pipe)
{
    prefix_leave(&pipe->socket->interest.tree, &pipe->taker, NULL, NULL);
}

/* ---- out -------------------------------------------------------------------------------------------------- */

static struct pipe *
pipe_of(struct prefix_taker *taker)
{
    return container_of(taker, struct pipe, taker);
}

static bool
must_wait(const struct socket *socket, struct prefix_taker *takers)
{
    if (socket_policy(socket) != TAMBO_BLOCK)
        return false;
    for (; takers != NULL; takers = takers->next) {
        if (!pipe_has_room(pipe_of(takers)))
            return true;
    }
    return false;
}

/* Once for all who get it: a large one into a chunk of its own, that all refer to. */
static int
encode(struct socket *socket, struct outgoing *message, struct zmtp_chunk **retchunk)
{
    uint8_t *bytes;
    if (message->parts == NULL)
        return 0;
    if (message->len >= OUTGOING_REFER_BYTES) {
        *retchunk = zmtp_chunk_new(socket->mem, message->len);
        bytes = *retchunk == NULL ? NULL : (*retchunk)->bytes;
    } else {
        bytes = socket_scratch(socket, message->len);
    }
    if (bytes == NULL)
        return -ERR_NO_MEMORY;
    outgoing_write(message, bytes);
    *message = (struct outgoing){ .run = view_of(bytes, message->len), .chunk = *retchunk, .len = message->len };
    return 0;
}

static int
publish(struct socket *socket, struct outgoing *message)
{
    struct zmtp_chunk *chunk = NULL;
    struct prefix_taker *takers = prefix_find(&socket->interest.tree, outgoing_first(message));
    if (takers == NULL) {
        socket->stats.unroutable++;
        return 0;
    }
    if (must_wait(socket, takers))
        return -ERR_AGAIN;
    int rc = takers->next == NULL ? 0 : encode(socket, message, &chunk);
    if (rc < 0)
        return rc;
    for (; takers != NULL; takers = takers->next) {
        if (pattern_put(pipe_of(takers), message) < 0)
            socket_dropped(socket, pipe_of(takers)); /* no memory for this one */
    }
    zmtp_chunk_unref(chunk);
    return 0;
}

static bool
can_send(const struct socket *socket)
{
    (void)socket;
    return true;
}

/* ---- in: XPUB --------------------------------------------------------------------------------------------- */

static int
next(struct socket *socket, struct incoming *ret)
{
    struct backlog *notices = &socket->interest.notices;
    if (backlog_empty(notices))
        return pattern_next_in_turn(socket, ret);
    *ret = (struct incoming){ .from = notices, .message = backlog_front(notices) };
    return 0;
}

static int
taking(struct socket *socket, const struct incoming *message)
{
    if (message->pipe != NULL || socket->interest.notices.messages > 1)
        return 0;
    LIST_EACH(&socket->pipes, it)
        pipe_resume(container_of(it, struct pipe, link));
    return 0;
}

const struct pattern pattern_pub = {
    .joins_ready = true,
    .settles = true,
    .open = open_interest,
    .close = close_interest,
    .parted = parted,
    .ended = ended,
    .subscribed = subscribed,
    .send = publish,
    .can_send = can_send,
};

const struct pattern pattern_xpub = {
    .joins_ready = true,
    .settles = true,
    .open = open_interest,
    .close = close_interest,
    .parted = parted,
    .ended = ended,
    .subscribed = subscribed,
    .send = publish,
    .can_send = can_send,
    .next = next,
    .taking = taking,
};
