/* client/turn.c - what several patterns do alike: round robin out, fair queueing in. */
#include "base/err.h"
#include "client/pattern.h"

struct pipe *
pattern_next_sender(struct socket *socket)
{
    if (list_empty(&socket->senders))
        return NULL;
    struct pipe *pipe = container_of(socket->senders.next, struct pipe, sender);
    pattern_rotate(&socket->senders);
    return pipe;
}

bool
pattern_can_send_in_turn(const struct socket *socket)
{
    if (!list_empty(&socket->senders))
        return true;
    if (socket_policy(socket) == TAMBO_BLOCK)
        return false;
    LIST_EACH(&socket->pipes, it) {
        if (container_of(it, struct pipe, link)->is_open)
            return true;
    }
    return false;
}

int
pattern_put(struct pipe *pipe, const struct outgoing *message)
{
    while (!pipe_has_room(pipe)) {
        switch (socket_policy(pipe->socket)) {
        case TAMBO_BLOCK: return -ERR_AGAIN;
        case TAMBO_DROP_NEW: socket_dropped(pipe->socket, pipe); return 0;
        case TAMBO_DROP_OLD: pipe_drop_oldest(pipe); break;
        }
    }
    return pipe_put(pipe, message);
}

/* Of those that are open, though full; NULL: there is none. */
static struct pipe *
next_open(struct socket *socket)
{
    LIST_EACH(&socket->pipes, it) {
        struct pipe *pipe = container_of(it, struct pipe, link);
        if (pipe->is_open) {
            list_push(&socket->pipes, &pipe->link);
            return pipe;
        }
    }
    return NULL;
}

int
pattern_send_in_turn(struct socket *socket, struct outgoing *message)
{
    struct pipe *pipe = pattern_next_sender(socket);
    if (pipe != NULL)
        return pipe_put(pipe, message);
    pipe = socket_policy(socket) == TAMBO_BLOCK ? NULL : next_open(socket);
    return pipe == NULL ? -ERR_AGAIN : pattern_put(pipe, message);
}

int
pattern_next_in_turn(struct socket *socket, struct incoming *ret)
{
    if (list_empty(&socket->receivers))
        return -ERR_AGAIN;
    struct pipe *pipe = container_of(socket->receivers.next, struct pipe, receiver);
    *ret = (struct incoming){ .from = &pipe->in, .pipe = pipe, .message = backlog_front(&pipe->in) };
    return 0;
}
