/* client/pipe.c - see pipe.h: the queues of a pipe. */
#include "client/pipe.h"

#include "base/break.h"
#include "base/err.h"
#include "base/mem.h"
#include "client/pattern.h"
#include "wire/zmtp.h"

/* How much of a pipe's queue is given to its connection at a time: enough that a write is worth its system call. What
 * is there already is lost with the connection, so no more than that. */
enum { OUTBOX_BYTES_HIGH = 256 * 1024, OUTBOX_BYTES_LOW = 64 * 1024 };

struct pipe *
pipe_new(struct socket *socket, struct endpoint *endpoint)
{
    struct pipe *pipe = MEM_NEW(socket->mem, struct pipe);
    if (pipe == NULL)
        return NULL;
    pipe->socket = socket;
    pipe->endpoint = endpoint;
    list_init(&pipe->link);
    list_init(&pipe->sender);
    list_init(&pipe->receiver);
    list_init(&pipe->severed);
    backlog_init(&pipe->out, socket->mem);
    backlog_init(&pipe->in, socket->mem);
    prefix_taker_init(&pipe->taker);
    list_push(&socket->pipes, &pipe->link);
    socket->connections++;
    return pipe;
}

void
pipe_free(struct pipe *pipe)
{
    must(pipe->peer == NULL && pipe->other == NULL);
    if (pipe->socket->pattern->ended != NULL)
        pipe->socket->pattern->ended(pipe);
    pipe->socket->connections--;
    backlog_clear(&pipe->out);
    backlog_clear(&pipe->in);
    list_cut(&pipe->link);
    list_cut(&pipe->sender);
    list_cut(&pipe->receiver);
    list_cut(&pipe->severed);
    mem_free(pipe->socket->mem, (void *)pipe->identity.data);
    mem_free(pipe->socket->mem, pipe->address);
    mem_free(pipe->socket->mem, pipe);
}

/* ---- out -------------------------------------------------------------------------------------------------- */

static bool
conflates(const struct pipe *pipe)
{
    return socket_option(pipe->socket, TAMBO_CONFLATE) != 0;
}

bool
pipe_has_room(const struct pipe *pipe)
{
    const struct backlog *out = &pipe->out;
    return backlog_empty(out) || conflates(pipe) ||
           (out->messages < (uint64_t)socket_option(pipe->socket, TAMBO_SEND_MESSAGES_MAX) &&
            out->bytes < (uint64_t)socket_option(pipe->socket, TAMBO_SEND_BYTES_MAX));
}

static bool
in_is_full(const struct pipe *pipe)
{
    const struct backlog *in = &pipe->in;
    return !conflates(pipe) && (in->messages >= (uint64_t)socket_option(pipe->socket, TAMBO_RECV_MESSAGES_MAX) ||
                                in->bytes >= (uint64_t)socket_option(pipe->socket, TAMBO_RECV_BYTES_MAX));
}

/* A socket that closes wants to know when all has left; one that conflates gives on nothing that may be replaced. */
static bool
wants_empty(const struct pipe *pipe)
{
    return pipe->socket->is_closing || conflates(pipe);
}

void
pipe_mark(struct pipe *pipe)
{
    if (wants_empty(pipe))
        zmtp_peer_marks(pipe->peer, 0, 0);
    else
        zmtp_peer_marks(pipe->peer, OUTBOX_BYTES_HIGH, OUTBOX_BYTES_LOW);
}

/* Both ends take messages. */
static bool
is_joined(const struct pipe *pipe)
{
    const struct pipe *other = pipe->other;
    return pipe->is_ready && !pipe->is_leaving &&
           (pipe->peer != NULL || (other != NULL && other->is_ready && !other->socket->is_closing));
}

/* Its connection takes more. */
static bool
flows(const struct pipe *pipe)
{
    if (!is_joined(pipe))
        return false;
    if (pipe->other != NULL)
        return !in_is_full(pipe->other);
    return zmtp_peer_unsent(pipe->peer) <= (conflates(pipe) ? 0 : OUTBOX_BYTES_HIGH);
}

/* Stands among the senders exactly while it has room. */
static void
note_room(struct pipe *pipe)
{
    bool was = !list_empty(&pipe->sender);
    bool is = pipe->is_open && pipe_has_room(pipe);
    if (is == was)
        return;
    if (is)
        list_push(&pipe->socket->senders, &pipe->sender);
    else
        list_cut(&pipe->sender);
    if (is)
        socket_changed(pipe->socket);
}

void
pipe_open(struct pipe *pipe)
{
    pipe->is_open = true;
    note_room(pipe);
}

void
pipe_shut(struct pipe *pipe)
{
    pipe->is_open = false;
    note_room(pipe);
}

static void
count_put(struct pipe *pipe, uint64_t messages, uint64_t bytes)
{
    if (zmtp_peer_unsent(pipe->peer) == 0)
        pipe->put_messages = pipe->put_bytes = 0;
    pipe->put_messages += messages;
    pipe->put_bytes += bytes;
}

/* Where it cannot be written in place: encrypted, or there is no memory. */
static int
put_scratch(struct pipe *pipe, const struct outgoing *message)
{
    struct view run = message->run;
    if (message->parts != NULL || message->head.len > 0) {
        run.len = message->head.len + message->len;
        uint8_t *scratch = socket_scratch(pipe->socket, run.len);
        if (scratch == NULL)
            return -ERR_NO_MEMORY;
        outgoing_write(message, scratch);
        run.data = scratch;
    }
    return pipe->other != NULL ? pipe_came(pipe->other, run, 1, NULL) : zmtp_peer_put_copy(pipe->peer, run);
}

static int
put_peer(struct pipe *pipe, const struct outgoing *message)
{
    size_t n = message->head.len + message->len;
    count_put(pipe, 1, n);
    if (outgoing_refers(message)) {
        struct zmtp_slice slice = { .chunk = message->chunk, .run = message->run };
        int rc = message->head.len > 0 ? zmtp_peer_put_copy(pipe->peer, message->head) : 0;
        return rc < 0 ? rc : zmtp_peer_put(pipe->peer, &slice);
    }
    uint8_t *room = zmtp_peer_room(pipe->peer, n);
    if (room == NULL)
        return put_scratch(pipe, message);
    outgoing_write(message, room);
    zmtp_peer_room_done(pipe->peer, n);
    return 0;
}

static int
keep(struct backlog *to, const struct outgoing *message)
{
    size_t n = message->head.len + message->len;
    if (outgoing_refers(message) && message->head.len == 0)
        return backlog_refer(to, message->chunk, message->run, 1);
    uint8_t *room = backlog_room(to, n);
    if (room == NULL)
        return -ERR_NO_MEMORY;
    outgoing_write(message, room);
    backlog_room_done(to, n, 1);
    return 0;
}

/* To the other socket of this process. */
static int
put_other(struct pipe *pipe, const struct outgoing *message)
{
    struct pipe *other = pipe->other;
    const struct pattern *pattern = other->socket->pattern;
    if (pattern->came != NULL || pattern->next == NULL || conflates(other))
        return put_scratch(pipe, message);
    int rc = keep(&other->in, message);
    if (rc == 0)
        pipe_has_come(other);
    return rc;
}

static int
put_later(struct pipe *pipe, const struct outgoing *message)
{
    uint64_t before = pipe->out.messages;
    int rc = keep(&pipe->out, message);
    if (rc < 0)
        return rc;
    if (conflates(pipe) && before > 0)
        backlog_drop(&pipe->out);
    note_room(pipe);
    return 0;
}

int
pipe_put(struct pipe *pipe, const struct outgoing *message)
{
    if (!backlog_empty(&pipe->out) || !flows(pipe))
        return put_later(pipe, message);
    int rc = pipe->other != NULL ? put_other(pipe, message) : put_peer(pipe, message);
    if (broken(BREAK_RESEND_PUSHED) && rc == 0 && pipe->put_messages % 4 == 3)
        return put_peer(pipe, message);
    /* A connection that broke unnoticed took nothing. */
    return rc < 0 && rc != -ERR_NO_MEMORY ? put_later(pipe, message) : rc;
}

/* One piece of what waits.  False: it was not given on. */
static bool
feed_piece(struct pipe *pipe)
{
    uint32_t count;
    const struct zmtp_slice *slice = backlog_first(&pipe->out, &count);
    int rc;
    if (pipe->other != NULL) {
        rc = pipe_came(pipe->other, slice->run, count, slice->chunk);
    } else {
        count_put(pipe, count, slice->run.len);
        rc = zmtp_peer_put(pipe->peer, slice);
        if (rc == -ERR_NO_MEMORY) /* a part of it may be on its way, and it must not leave twice */
            pipe->socket->stats.lost += count;
    }
    if (rc == 0 || (rc == -ERR_NO_MEMORY && pipe->other == NULL))
        backlog_drop_first(&pipe->out);
    return rc == 0;
}

void
pipe_feed(struct pipe *pipe)
{
    while (!backlog_empty(&pipe->out) && flows(pipe) && feed_piece(pipe)) {
    }
    note_room(pipe);
}

void
pipe_feed_all(struct pipe *pipe)
{
    while (!backlog_empty(&pipe->out) && is_joined(pipe) && feed_piece(pipe)) {
    }
}

bool
pipe_is_drained(struct pipe *pipe)
{
    return backlog_empty(&pipe->out) && (pipe->peer == NULL || !pipe->is_ready || zmtp_peer_is_through(pipe->peer));
}

void
pipe_drop_oldest(struct pipe *pipe)
{
    backlog_drop(&pipe->out);
    socket_dropped(pipe->socket, pipe);
    note_room(pipe);
}

void
pipe_lose_out(struct pipe *pipe)
{
    pipe->socket->stats.lost += pipe->out.messages;
    backlog_clear(&pipe->out);
    note_room(pipe);
}

/* ---- in --------------------------------------------------------------------------------------------------- */

/* Only the newest is kept. */
static int
conflate(struct pipe *pipe, struct view run, uint32_t count)
{
    for (; count > 1; count--)
        run = view_from(run, zmtp_message_bytes(run));
    int rc = backlog_copy(&pipe->in, run, 1);
    if (rc == 0 && pipe->in.messages > 1)
        backlog_drop(&pipe->in);
    return rc;
}

int
pipe_keep(struct pipe *pipe, struct view run, uint32_t count, struct zmtp_chunk *chunk)
{
    if (conflates(pipe))
        return conflate(pipe, run, count);
    if (chunk != NULL && run.len >= OUTGOING_REFER_BYTES)
        return backlog_refer(&pipe->in, chunk, run, count);
    return backlog_copy(&pipe->in, run, count);
}

int
pipe_came(struct pipe *pipe, struct view run, uint32_t count, struct zmtp_chunk *chunk)
{
    const struct pattern *pattern = pipe->socket->pattern;
    if (pipe->socket->is_closing || pattern->next == NULL)
        return 0;
    int rc = (pattern->came != NULL ? pattern->came : pipe_keep)(pipe, run, count, chunk);
    if (rc == 0)
        pipe_has_come(pipe);
    return rc;
}

void
pipe_has_come(struct pipe *pipe)
{
    if (backlog_empty(&pipe->in))
        return;
    if (list_empty(&pipe->receiver))
        list_push(&pipe->socket->receivers, &pipe->receiver);
    if (in_is_full(pipe))
        pipe_pause(pipe);
    socket_changed(pipe->socket);
}

void
pipe_pause(struct pipe *pipe)
{
    if (pipe->peer == NULL || pipe->is_paused)
        return;
    pipe->is_paused = true;
    zmtp_peer_pause(pipe->peer);
}

/* Half of its limits is free again. */
static bool
has_drained(const struct pipe *pipe)
{
    const struct backlog *in = &pipe->in;
    return in->messages <= (uint64_t)socket_option(pipe->socket, TAMBO_RECV_MESSAGES_MAX) / 2 &&
           in->bytes <= (uint64_t)socket_option(pipe->socket, TAMBO_RECV_BYTES_MAX) / 2;
}

void
pipe_resume(struct pipe *pipe)
{
    if (!pipe->is_paused || !has_drained(pipe))
        return;
    pipe->is_paused = false;
    zmtp_peer_resume(pipe->peer);
}

void
pipe_taken(struct pipe *pipe)
{
    if (backlog_empty(&pipe->in))
        list_cut(&pipe->receiver);
    else if (pipe->socket->receivers.next == &pipe->receiver && !pipe->is_over)
        pattern_rotate(&pipe->socket->receivers);
    pipe_resume(pipe);
    if (pipe->other != NULL && !backlog_empty(&pipe->other->out))
        pipe_feed(pipe->other);
    if (pipe->is_over && backlog_empty(&pipe->in))
        pipe_free(pipe);
}
