/* client/connection.c - a pipe's connection, from its handshake to its loss, over a wire or within the process. */
#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"
#include "client/endpoint.h"
#include "client/event.h"
#include "client/inproc.h"
#include "client/pattern.h"

/* ---- ready ------------------------------------------------------------------------------------------------ */

struct view
pipe_identity(const struct pipe *pipe)
{
    return pipe->other != NULL ? pipe->other->socket->side.identity : zmtp_peer_identity(pipe->peer);
}

void
pipe_settle(struct pipe *pipe)
{
    if (pipe->is_settled || !pipe->is_ready)
        return;
    pipe->is_settled = true;
    pipe->socket->peers++;
    if (pipe->socket->pattern->settles)
        event_pipe(pipe, TAMBO_SUBSCRIBED, 0, "");
    socket_changed(pipe->socket);
}

static void
unsettle(struct pipe *pipe)
{
    if (!pipe->is_settled)
        return;
    pipe->is_settled = false;
    pipe->socket->peers--;
    socket_changed(pipe->socket);
}

void
pipe_settle_behind(struct pipe *pipe)
{
    unsettle(pipe);
    if (pipe->other == NULL && pipe->peer == NULL)
        return; /* it is being severed */
    if (pipe->other != NULL || !zmtp_peer_can_ping(pipe->peer)) {
        pipe_settle(pipe);
    } else if (pipe->is_pinging) {
        pipe->must_ping = true; /* one at a time, however many subscriptions */
    } else {
        pipe->must_ping = false;
        pipe->is_pinging = zmtp_peer_ping(pipe->peer, ++pipe->ping) == 0;
    }
}

static int
on_subscribed(void *arg, struct view prefix, bool on)
{
    struct pipe *pipe = arg;
    const struct pattern *pattern = pipe->socket->pattern;
    if (pattern->subscribed == NULL || pipe->is_leaving || pipe->socket->is_closing)
        return 0;
    return pattern->subscribed(pipe, prefix, on);
}

int
pipe_subscribe(struct pipe *pipe, struct view prefix, bool on)
{
    if (pipe->other == NULL)
        return pipe->peer == NULL ? 0 : zmtp_peer_subscribe(pipe->peer, prefix, on);
    int rc = on_subscribed(pipe->other, prefix, on);
    if (rc == -ERR_FULL)
        pipe_refuse(pipe->other, rc, "too many subscriptions");
    return rc;
}

void
pipe_ready(struct pipe *pipe)
{
    struct socket *socket = pipe->socket;
    pipe->is_ready = true;
    pipe->put_messages = pipe->put_bytes = 0;
    if (pipe->peer != NULL)
        pipe_mark(pipe);
    if (socket->is_closing) {
        pipe_retire(pipe);
        return;
    }
    int rc = socket->pattern->joined == NULL ? 0 : socket->pattern->joined(pipe);
    if (rc < 0) {
        pipe->is_ready = false; /* for it never was */
        pipe_refuse(pipe, rc, rc == -ERR_FULL ? socket->pattern->refusal : err_text(rc));
        return;
    }
    if (pipe->is_dialed)
        endpoint_reached(pipe->endpoint);
    event_pipe(pipe, TAMBO_READY, 0, "");
    pipe_feed(pipe);
    if (pipe->other != NULL)
        pipe_feed(pipe->other);
    pipe_open(pipe);
    pipe_has_come(pipe); /* what is left of an earlier connection may be too much already */
    if (!socket->pattern->settles || pipe->subscriptions > 0)
        pipe_settle(pipe);
    socket_changed(socket);
}

/* ---- lost ------------------------------------------------------------------------------------------------- */

/* How many of the messages that were put were among the last `unsent` bytes: by their average size. */
static uint64_t
lost_of(const struct pipe *pipe, uint64_t unsent)
{
    if (unsent >= pipe->put_bytes)
        return pipe->put_messages;
    uint64_t each = pipe->put_bytes / pipe->put_messages;
    return (unsent + each - 1) / each;
}

/* An endpoint that is connected to keeps its pipe. */
static bool
stays_open(const struct pipe *pipe)
{
    const struct socket *socket = pipe->socket;
    return pipe->is_dialed && !socket->pattern->joins_ready && socket_option(socket, TAMBO_CONNECTED_ONLY) == 0;
}

/* It is not connected any more; `unsent`: bytes that were given to the connection and never left.  Once more, when it
 * was left and then closed, does nothing. */
static void
lose(struct pipe *pipe, size_t unsent, int error, const char *why)
{
    const struct pattern *pattern = pipe->socket->pattern;
    bool was_ready = pipe->is_ready;
    unsettle(pipe);
    pipe->is_ready = pipe->is_pinging = pipe->is_paused = false;
    if (was_ready && unsent > 0)
        pipe->socket->stats.lost += lost_of(pipe, unsent);
    if (was_ready)
        event_pipe(pipe, TAMBO_DISCONNECTED, error, why);
    if (!stays_open(pipe))
        pipe_shut(pipe);
    if (pattern->parted != NULL)
        pattern->parted(pipe);
    socket_changed(pipe->socket);
}

/* What has come over it is received before what a newer connection, perhaps of the same peer, has brought. */
static void
receive_first(struct pipe *pipe)
{
    struct list *at = pipe->socket->receivers.next;
    if (list_empty(&pipe->receiver))
        return;
    while (at != &pipe->socket->receivers && container_of(at, struct pipe, receiver)->is_over)
        at = at->next;
    if (at != &pipe->receiver)
        list_push(at, &pipe->receiver);
}

static void
end_over(struct pipe *pipe)
{
    struct socket *socket = pipe->socket;
    receive_first(pipe);
    pipe->is_over = true;
    pipe_shut(pipe);
    pipe_lose_out(pipe);
    if (backlog_empty(&pipe->in))
        pipe_free(pipe);
    if (socket->is_closing)
        socket_lingered(socket);
}

void
pipe_closed(struct pipe *pipe, size_t unsent, int error, const char *why)
{
    lose(pipe, unsent, error, why);
    mem_free(pipe->socket->mem, pipe->address);
    pipe->address = NULL;
    pipe->is_leaving = false;
    if (pipe->is_dialed && !(pipe->socket->is_closing && backlog_empty(&pipe->out)))
        endpoint_retry(pipe->endpoint, error, why);
    else
        end_over(pipe);
}

void
pipe_leave(struct pipe *pipe, int error, const char *why)
{
    if (pipe->is_leaving || (pipe->peer == NULL && pipe->other == NULL))
        return;
    pipe->is_leaving = true;
    size_t unsent = pipe->peer != NULL && pipe->is_ready ? zmtp_peer_unsent(pipe->peer) : 0;
    if (pipe->other != NULL)
        inproc_sever(pipe);
    else
        zmtp_peer_abort(pipe->peer);
    lose(pipe, unsent, error, why);
}

void
pipe_refuse(struct pipe *pipe, int error, const char *why)
{
    pipe->socket->stats.refused++;
    event_pipe(pipe, TAMBO_REFUSED, error, why);
    pipe_leave(pipe, error, why);
}

/* ---- left ------------------------------------------------------------------------------------------------- */

/* Leaves a connection so that what was put into it still leaves. */
static void
finish(struct pipe *pipe)
{
    if (pipe->other != NULL || !pipe->is_ready) {
        pipe_leave(pipe, 0, "");
        return;
    }
    pipe->is_leaving = true;
    zmtp_peer_close(pipe->peer);
    lose(pipe, 0, 0, "");
}

void
pipe_end(struct pipe *pipe)
{
    pipe_feed_all(pipe);
    if (pipe->is_dialed)
        endpoint_rest(pipe->endpoint);
    pipe->endpoint = NULL;
    pipe->is_dialed = false;
    if (pipe->peer == NULL && pipe->other == NULL && !pipe->is_leaving)
        end_over(pipe);
    else if (!pipe->is_leaving)
        finish(pipe);
}

void
pipe_retire(struct pipe *pipe)
{
    pipe_feed(pipe);
    if (pipe_is_drained(pipe))
        pipe_end(pipe);
}

/* ---- what the connection tells ---------------------------------------------------------------------------- */

static void
on_connected(void *arg)
{
    event_pipe(arg, TAMBO_CONNECTED, 0, "");
}

static int
on_admit(void *arg, struct view name, struct view password)
{
    const struct pipe *pipe = arg;
    const struct socket *socket = pipe->socket;
    char peer[PIPE_ADDRESS_BYTES];
    if (socket->on.admit == NULL)
        return 0;
    zmtp_peer_address(pipe->peer, peer, sizeof peer);
    return socket->on.admit(socket->arg, zmtp_mechanism_name(socket->side.mechanism), name, password, peer);
}

static void
on_ready(void *arg)
{
    pipe_ready(arg);
}

static void
on_messages(void *arg, struct view run, uint32_t count, struct zmtp_chunk *chunk)
{
    struct pipe *pipe = arg;
    if (!pipe->is_leaving && pipe_came(pipe, run, count, chunk) < 0)
        pipe_leave(pipe, -ERR_NO_MEMORY, "no memory for its messages");
}

static void
on_ponged(void *arg, uint32_t number)
{
    struct pipe *pipe = arg;
    if (pipe->socket->is_closing && !pipe->is_leaving)
        pipe_retire(pipe);
    if (!pipe->is_pinging || number != pipe->ping)
        return;
    pipe->is_pinging = false;
    if (pipe->must_ping)
        pipe_settle_behind(pipe);
    else
        pipe_settle(pipe);
}

static void
on_drained(void *arg)
{
    struct pipe *pipe = arg;
    pipe_feed(pipe);
    if (pipe->socket->is_closing && !pipe->is_leaving)
        pipe_retire(pipe);
}

static int
error_of(const struct zmtp_end *end)
{
    switch (end->why) {
    case ZMTP_LEFT: return 0;
    case ZMTP_UNREACHED:
    case ZMTP_LOST: return end->rc;
    case ZMTP_REFUSED:
    case ZMTP_DENIED: return -ERR_DENIED;
    case ZMTP_BREACH: return -ERR_PROTOCOL;
    }
    return end->rc;
}

static void
on_closed(void *arg, const struct zmtp_end *end)
{
    struct pipe *pipe = arg;
    int error = error_of(end);
    char why[128];
    bool is_refused = end->why == ZMTP_REFUSED || end->why == ZMTP_DENIED || end->why == ZMTP_BREACH ||
                      (!pipe->is_ready && end->why == ZMTP_LOST);
    zmtp_end_print(end, why, sizeof why);
    pipe->peer = NULL;
    pipe->socket->stats.refused += is_refused;
    if (!pipe->is_ready && is_refused)
        event_pipe(pipe, TAMBO_REFUSED, error, why);
    pipe_closed(pipe, end->unsent, error, why);
}

const struct zmtp_peer_on pipe_peer_on = {
    .connected = on_connected,
    .admit = on_admit,
    .ready = on_ready,
    .messages = on_messages,
    .subscribed = on_subscribed,
    .ponged = on_ponged,
    .drained = on_drained,
    .closed = on_closed,
};
