/* client/pair.c - PAIR (RFC 31): one peer, and no other. */
#include "base/err.h"
#include "client/pattern.h"

static bool
has_other(const struct socket *socket, const struct pipe *pipe)
{
    LIST_EACH(&socket->pipes, it) {
        const struct pipe *one = container_of(it, struct pipe, link);
        if (one != pipe && !one->is_over && (one->is_open || one->is_dialed))
            return true;
    }
    return false;
}

static int
connecting(struct socket *socket)
{
    return has_other(socket, NULL) ? -ERR_FULL : 0;
}

static int
joined(struct pipe *pipe)
{
    return has_other(pipe->socket, pipe) ? -ERR_FULL : 0;
}

const struct pattern pattern_pair = {
    .refusal = "there is a peer already",
    .connecting = connecting,
    .joined = joined,
    .send = pattern_send_in_turn,
    .can_send = pattern_can_send_in_turn,
    .next = pattern_next_in_turn,
};
