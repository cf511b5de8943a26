/* client/request.c - REQ (RFC 28): one request at a time, and the reply to it and no other.
 *
 * The request is kept until its reply is taken.  It goes to one peer whose handshake is done, never into the queue of
 * one that may not come; when that connection is lost, or no reply came for RESEND_MS, it goes to the next.
 *
 * Which request a reply belongs to, only the connection can tell, for without REQUEST_IDS nothing in it does.  So what
 * is given up on is dropped together with its connection: whatever still comes there will not be read.  A ROUTER sends
 * by name, though, over whatever connection its owner has by then: with a ROUTING_ID a REQ needs REQUEST_IDS. */
#include "base/break.h"
#include "base/err.h"
#include "base/mem.h"
#include "client/event.h"
#include "client/pattern.h"
#include "wire/zmtp.h"

enum { ID_BYTES = 4, HEAD_BYTES_MAX = 2 + ID_BYTES + ZMTP_FRAME_HEAD_MAX };

static void resend(void *arg);

static int
open_request(struct socket *socket)
{
    struct request *request = &socket->request;
    io_random(socket->io, &request->id, sizeof request->id);
    return io_timer_set(socket->io, &request->resend, NEVER_NS, resend, socket);
}

static void
close_request(struct socket *socket)
{
    io_timer_cut(socket->io, &socket->request.resend);
    zmtp_chunk_unref(socket->request.kept.chunk);
}

/* Its reply lies in the backlog of the one it went to. */
static bool
is_answered(const struct request *request)
{
    return request->to != NULL && !backlog_empty(&request->to->in);
}

/* To the next peer that is there; when there is none, it waits for one.  0 or -ERR_NO_MEMORY. */
static int
deliver(struct socket *socket)
{
    struct request *request = &socket->request;
    struct outgoing message;
    struct pipe *pipe = pattern_next_sender(socket);
    int64_t resend_ms = socket_option(socket, TAMBO_RESEND_MS);
    if (pipe == NULL)
        return 0;
    outgoing_slice(&message, &request->kept);
    request->to = pipe;
    if (request->was_sent) {
        socket->stats.resent++;
        event_count(socket, pipe, TAMBO_RESENT, socket->stats.resent);
    }
    request->was_sent = true;
    if (resend_ms > 0)
        io_timer_set(socket->io, &request->resend, socket_after(socket, (uint64_t)resend_ms), resend, socket);
    return pipe_put(pipe, &message);
}

/* Takes it away from whom it went to, whose late reply must not be taken for another's. */
static void
take_away(struct socket *socket, const char *why)
{
    struct request *request = &socket->request;
    struct pipe *pipe = request->to;
    request->to = NULL;
    if (pipe == NULL)
        return;
    if (!backlog_empty(&pipe->in)) {
        socket->stats.stale++;
        backlog_drop(&pipe->in);
        pipe_taken(pipe);
    } else if (socket_option(socket, TAMBO_REQUEST_IDS) == 0 && !broken(BREAK_ACCEPT_STALE_REPLY)) {
        pipe_lose_out(pipe);
        pipe_leave(pipe, -ERR_TIMEOUT, why);
    }
}

static void
resend(void *arg)
{
    struct socket *socket = arg;
    struct request *request = &socket->request;
    io_timer_set(socket->io, &request->resend, NEVER_NS, resend, socket);
    if (!request->is_asked || request->to == NULL || is_answered(request))
        return;
    take_away(socket, "no reply came in time");
    /* Without memory it is kept, and the next to join gets it. */
    if (deliver(socket) < 0)
        take_away(socket, "no memory");
}

/* ---- out -------------------------------------------------------------------------------------------------- */

static bool
has_dialed(const struct socket *socket)
{
    LIST_EACH(&socket->pipes, it) {
        if (container_of(it, struct pipe, link)->is_dialed)
            return true;
    }
    return false;
}

/* Is there somebody to ask, or one to wait for? */
static bool
has_peer(const struct socket *socket)
{
    return !list_empty(&socket->senders) || (socket_option(socket, TAMBO_CONNECTED_ONLY) == 0 && has_dialed(socket));
}

static bool
may_ask(const struct request *request)
{
    return !request->is_asked || request->was_looked_for;
}

static bool
can_send(const struct socket *socket)
{
    return may_ask(&socket->request) && has_peer(socket);
}

/* The number and the delimiter; its length. */
static size_t
write_head(struct socket *socket, uint8_t ret[HEAD_BYTES_MAX])
{
    size_t n = 0;
    if (socket_option(socket, TAMBO_REQUEST_IDS) != 0) {
        uint32_t id = socket->request.id + 1;
        n = zmtp_frame_head(ret, ZMTP_MORE, ID_BYTES);
        memcpy(ret + n, &id, ID_BYTES);
        n += ID_BYTES;
    }
    return n + zmtp_frame_head(ret + n, ZMTP_MORE, 0);
}

/* The chunk of the request before is used again when nobody refers to it. */
static int
keep(struct socket *socket, struct outgoing *message)
{
    struct request *request = &socket->request;
    struct zmtp_chunk *chunk = request->kept.chunk;
    uint8_t head[HEAD_BYTES_MAX];
    message->head = view_of(head, write_head(socket, head));
    size_t n = message->head.len + message->len;
    if (chunk == NULL || chunk->refs > 1 || chunk->len < n || chunk->len / 4 > n) {
        chunk = zmtp_chunk_new(socket->mem, n);
        if (chunk == NULL)
            return -ERR_NO_MEMORY;
        zmtp_chunk_unref(request->kept.chunk);
    }
    outgoing_write(message, chunk->bytes);
    request->id++;
    request->kept = (struct zmtp_slice){ .chunk = chunk, .run = view_of(chunk->bytes, n) };
    return 0;
}

static int
ask(struct socket *socket, struct outgoing *message)
{
    struct request *request = &socket->request;
    if (!may_ask(request))
        return -ERR_STATE;
    if (!has_peer(socket))
        return -ERR_AGAIN;
    int rc = keep(socket, message);
    if (rc < 0)
        return rc;
    request->is_asked = false; /* so that it is not sent again */
    take_away(socket, "another request was made");
    request->is_asked = true;
    request->was_looked_for = request->was_sent = false;
    rc = deliver(socket);
    request->is_asked = rc == 0;
    return rc;
}

/* ---- in --------------------------------------------------------------------------------------------------- */

/* What lies before the reply; 0 when it is not one. */
static size_t
head_of(const struct socket *socket, struct view message)
{
    struct view rest = message;
    struct zmtp_frame frame = { 0 };
    zmtp_frame_next(&rest, &frame);
    if (socket_option(socket, TAMBO_REQUEST_IDS) != 0) {
        bool is_ours = view_equal(frame.body, view_of(&socket->request.id, ID_BYTES));
        if (!is_ours || (frame.flags & ZMTP_MORE) == 0)
            return 0;
        zmtp_frame_next(&rest, &frame);
    }
    return frame.body.len == 0 && (frame.flags & ZMTP_MORE) != 0 ? message.len - rest.len : 0;
}

static int
came(struct pipe *pipe, struct view run, uint32_t count, struct zmtp_chunk *chunk)
{
    struct socket *socket = pipe->socket;
    struct request *request = &socket->request;
    (void)chunk;
    for (; count > 0; count--) {
        struct view message = view_of(run.data, zmtp_message_bytes(run));
        bool is_due = request->is_asked && request->to == pipe && !is_answered(request);
        size_t head = is_due ? head_of(socket, message) : 0;
        run = view_from(run, message.len);
        if (head == 0) {
            socket->stats.stale++;
            continue;
        }
        int rc = backlog_copy(&pipe->in, view_from(message, head), 1);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int
next(struct socket *socket, struct incoming *ret)
{
    struct request *request = &socket->request;
    if (!request->is_asked)
        return -ERR_STATE;
    if (!is_answered(request))
        return -ERR_AGAIN;
    *ret = (struct incoming){
        .from = &request->to->in,
        .pipe = request->to,
        .message = backlog_front(&request->to->in),
    };
    return 0;
}

static void
missed(struct socket *socket)
{
    socket->request.was_looked_for = true;
}

static int
taking(struct socket *socket, const struct incoming *message)
{
    (void)message;
    socket->request.is_asked = false;
    socket->request.to = NULL;
    return 0;
}

/* ---- peers ------------------------------------------------------------------------------------------------ */

static int
joined(struct pipe *pipe)
{
    struct request *request = &pipe->socket->request;
    pipe_open(pipe);
    if (request->is_asked && request->to == NULL && deliver(pipe->socket) < 0)
        take_away(pipe->socket, "no memory");
    return 0;
}

static void
parted(struct pipe *pipe)
{
    struct request *request = &pipe->socket->request;
    backlog_clear(&pipe->out); /* nothing but the request, which is kept */
    if (request->to != pipe || is_answered(request))
        return;
    request->to = NULL;
    if (request->is_asked && deliver(pipe->socket) < 0)
        take_away(pipe->socket, "no memory");
}

static void
ended(struct pipe *pipe)
{
    if (pipe->socket->request.to == pipe)
        pipe->socket->request.to = NULL;
}

const struct pattern pattern_req = {
    .joins_ready = true,
    .open = open_request,
    .close = close_request,
    .joined = joined,
    .parted = parted,
    .ended = ended,
    .came = came,
    .send = ask,
    .can_send = can_send,
    .next = next,
    .missed = missed,
    .taking = taking,
};
