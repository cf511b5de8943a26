/* client/socket.c - see socket.h: the door, and the end. */
#include "client/socket.h"

#include "base/err.h"
#include "base/mem.h"
#include "client/endpoint.h"
#include "client/event.h"
#include "client/inproc.h"
#include "client/pattern.h"

enum { SCRATCH_KEPT_BYTES = 64 * 1024, LINGER_LOOK_MS = 20 };

static const struct pattern *const patterns[] = {
    [TAMBO_PAIR] = &pattern_pair,     [TAMBO_PUB] = &pattern_pub,   [TAMBO_SUB] = &pattern_sub,
    [TAMBO_REQ] = &pattern_req,       [TAMBO_REP] = &pattern_rep,   [TAMBO_DEALER] = &pattern_dealer,
    [TAMBO_ROUTER] = &pattern_router, [TAMBO_PULL] = &pattern_pull, [TAMBO_PUSH] = &pattern_push,
    [TAMBO_XPUB] = &pattern_xpub,     [TAMBO_XSUB] = &pattern_xsub,
};

/* ---- the world -------------------------------------------------------------------------------------------- */

int
socket_world_new(struct io *io, struct socket_world **ret)
{
    struct socket_world *world = MEM_NEW(io_mem(io), struct socket_world);
    if (world == NULL)
        return -ERR_NO_MEMORY;
    world->io = io;
    world->mem = io_mem(io);
    list_init(&world->sockets);
    list_init(&world->names);
    list_init(&world->callers);
    list_init(&world->severed);
    int rc = io_timer_set(io, &world->meet, NEVER_NS, inproc_meet, world);
    if (rc < 0) {
        mem_free(world->mem, world);
        return rc;
    }
    *ret = world;
    return 0;
}

static void socket_free(struct socket *socket);

void
socket_world_free(struct socket_world *world)
{
    struct list *it;
    if (world == NULL)
        return;
    while ((it = list_pop(&world->sockets)) != NULL)
        socket_free(container_of(it, struct socket, link));
    io_timer_cut(world->io, &world->meet);
    mem_free(world->mem, world);
}

unsigned
socket_world_count(const struct socket_world *world)
{
    return world->count;
}

/* ---- a socket --------------------------------------------------------------------------------------------- */

static void
drop_pipes(struct socket *socket)
{
    LIST_EACH(&socket->pipes, it) {
        struct pipe *pipe = container_of(it, struct pipe, link);
        zmtp_peer_free(pipe->peer);
        pipe->peer = NULL;
        if (pipe->other != NULL)
            pipe->other->other = NULL;
        pipe->other = NULL;
        pipe_free(pipe);
    }
}

static void
socket_free(struct socket *socket)
{
    struct list *it;
    drop_pipes(socket);
    while ((it = list_pop(&socket->endpoints)) != NULL) {
        struct endpoint *endpoint = container_of(it, struct endpoint, link);
        endpoint->pipe = NULL;
        endpoint_free(endpoint);
    }
    if (socket->pattern->close != NULL)
        socket->pattern->close(socket);
    io_timer_cut(socket->io, &socket->end);
    event_free(socket);
    list_cut(&socket->link);
    socket->world->count--;
    mem_free(socket->mem, socket->scratch);
    mem_free(socket->mem, socket);
}

/* The linger is over, or it is time to look whether all has left. */
static void
on_end(void *arg)
{
    struct socket *socket = arg;
    bool is_late = socket->linger_ns <= io_now_ns(socket->io);
    LIST_EACH(&socket->pipes, it) {
        struct pipe *pipe = container_of(it, struct pipe, link);
        if (!is_late) {
            pipe_retire(pipe);
        } else {
            pipe_lose_out(pipe);
            pipe_leave(pipe, -ERR_TIMEOUT, "the linger is over");
            pipe_end(pipe);
        }
    }
    if (!list_empty(&socket->pipes)) {
        io_timer_set(socket->io, &socket->end, socket_after(socket, LINGER_LOOK_MS), on_end, socket);
        return;
    }
    struct socket_on on = socket->on;
    void *user = socket->arg;
    socket_free(socket);
    if (on.gone != NULL)
        on.gone(user);
}

void
socket_lingered(struct socket *socket)
{
    if (list_empty(&socket->pipes))
        io_timer_set(socket->io, &socket->end, io_now_ns(socket->io), on_end, socket);
}

int
socket_new(struct socket_world *world, enum tambo_pattern pattern, const struct socket_on *on, void *arg,
           struct socket **ret)
{
    if ((size_t)pattern >= COUNT_OF(patterns))
        return -ERR_INVALID;
    struct socket *socket = MEM_NEW(world->mem, struct socket);
    if (socket == NULL)
        return -ERR_NO_MEMORY;
    socket->world = world;
    socket->io = world->io;
    socket->mem = world->mem;
    socket->kind = (enum zmtp_pattern)pattern;
    socket->pattern = patterns[pattern];
    socket->on = *on;
    socket->arg = arg;
    list_init(&socket->link);
    list_init(&socket->endpoints);
    list_init(&socket->pipes);
    list_init(&socket->senders);
    list_init(&socket->receivers);
    socket_defaults(socket);
    list_push(&world->sockets, &socket->link);
    world->count++;
    int rc = io_timer_set(socket->io, &socket->end, NEVER_NS, on_end, socket);
    if (rc == 0 && socket->pattern->open != NULL)
        rc = socket->pattern->open(socket);
    if (rc < 0) {
        socket_free(socket);
        return rc;
    }
    *ret = socket;
    return 0;
}

void
socket_close(struct socket *socket)
{
    int64_t linger_ms = socket_option(socket, TAMBO_LINGER_MS);
    socket->linger_ns = linger_ms < 0 ? UINT64_MAX : socket_after(socket, (uint64_t)linger_ms);
    socket->is_closing = true;
    LIST_EACH(&socket->endpoints, it) {
        struct endpoint *endpoint = container_of(it, struct endpoint, link);
        if (endpoint->is_bound)
            endpoint_free(endpoint);
    }
    LIST_EACH(&socket->pipes, it) {
        struct pipe *pipe = container_of(it, struct pipe, link);
        backlog_clear(&pipe->in);
        list_cut(&pipe->receiver);
        pipe_resume(pipe); /* its PONG is to be heard */
        if (pipe->peer != NULL && pipe->is_ready)
            pipe_mark(pipe);
    }
    io_timer_set(socket->io, &socket->end, io_now_ns(socket->io), on_end, socket);
}

/* ---- endpoints -------------------------------------------------------------------------------------------- */

int
socket_bind(struct socket *socket, const char *endpoint)
{
    int rc = socket_fix(socket);
    return rc < 0 ? rc : endpoint_bind(socket, endpoint);
}

int
socket_connect(struct socket *socket, const char *endpoint)
{
    int rc = socket_fix(socket);
    if (rc == 0 && socket->pattern->connecting != NULL)
        rc = socket->pattern->connecting(socket);
    return rc < 0 ? rc : endpoint_connect(socket, endpoint);
}

static int
leave(struct socket *socket, const char *text, bool is_bound)
{
    struct endpoint *endpoint = endpoint_find(socket, text, is_bound);
    if (endpoint == NULL)
        return -ERR_NOT_FOUND;
    event_endpoint(endpoint, TAMBO_CLOSED, 0, 0, "");
    endpoint_free(endpoint);
    return 0;
}

int
socket_unbind(struct socket *socket, const char *endpoint)
{
    return leave(socket, endpoint, true);
}

int
socket_disconnect(struct socket *socket, const char *endpoint)
{
    return leave(socket, endpoint, false);
}

const char *
socket_endpoint(const struct socket *socket)
{
    return socket->bound[0] == '\0' ? NULL : socket->bound;
}

/* ---- messages --------------------------------------------------------------------------------------------- */

uint8_t *
socket_scratch(struct socket *socket, size_t n)
{
    if (socket->scratch_room < n || socket->scratch_room > SCRATCH_KEPT_BYTES) {
        mem_free(socket->mem, socket->scratch);
        socket->scratch = mem_raw(socket->mem, n);
        socket->scratch_room = socket->scratch == NULL ? 0 : n;
    }
    return socket->scratch;
}

void
socket_dropped(struct socket *socket, const struct pipe *pipe)
{
    socket->stats.dropped++;
    event_count(socket, pipe, TAMBO_DROPPED, socket->stats.dropped);
}

static int
put(struct socket *socket, struct outgoing *message)
{
    if (socket->pattern->send == NULL)
        return -ERR_INVALID;
    size_t payload = outgoing_payload(message);
    int rc = socket->pattern->send(socket, message);
    if (rc == 0) {
        socket->stats.sent++;
        socket->stats.sent_bytes += payload;
    }
    return rc;
}

int
socket_send_parts(struct socket *socket, const struct tambo_part *parts, size_t count)
{
    struct outgoing message;
    int rc = outgoing_parts(&message, parts, count);
    return rc < 0 ? rc : put(socket, &message);
}

int
socket_send(struct socket *socket, struct zmtp_slice *slice)
{
    struct outgoing message;
    outgoing_slice(&message, slice);
    int rc = put(socket, &message);
    if (rc == 0)
        zmtp_chunk_unref(slice->chunk);
    return rc;
}

static int
next(struct socket *socket, struct incoming *ret)
{
    if (socket->pattern->next == NULL)
        return -ERR_INVALID;
    int rc = socket->pattern->next(socket, ret);
    if (rc == -ERR_AGAIN && socket->pattern->missed != NULL)
        socket->pattern->missed(socket);
    return rc;
}

int
socket_peek(struct socket *socket, struct view *ret)
{
    struct incoming message;
    int rc = next(socket, &message);
    if (rc == 0)
        *ret = view_from(message.message, message.skip);
    return rc;
}

int
socket_recv(struct socket *socket, struct zmtp_slice *ret)
{
    struct incoming message;
    int rc = next(socket, &message);
    if (rc == 0 && socket->pattern->taking != NULL)
        rc = socket->pattern->taking(socket, &message);
    if (rc < 0)
        return rc;
    *ret = backlog_take(message.from, message.message);
    ret->run = view_from(ret->run, message.skip);
    socket->stats.received++;
    socket->stats.received_bytes += message_payload(ret->run);
    if (message.pipe != NULL)
        pipe_taken(message.pipe);
    return 0;
}

/* ---- what it is like -------------------------------------------------------------------------------------- */

unsigned
socket_ready(const struct socket *socket)
{
    struct incoming message;
    const struct pattern *pattern = socket->pattern;
    unsigned ready = event_waits(socket) ? TAMBO_HAS_EVENT : 0;
    if (pattern->send != NULL && pattern->can_send(socket))
        ready |= TAMBO_CAN_SEND;
    /* Looking changes nothing that can be seen: it drops what nobody will get. */
    if (pattern->next != NULL && pattern->next((struct socket *)socket, &message) == 0)
        ready |= TAMBO_CAN_RECV;
    return ready;
}

unsigned
socket_peers(const struct socket *socket)
{
    return socket->peers;
}

void
socket_stats(const struct socket *socket, struct tambo_stats *ret)
{
    *ret = socket->stats;
    ret->peers = socket->peers;
    LIST_EACH(&socket->pipes, it) {
        const struct pipe *pipe = container_of(it, struct pipe, link);
        ret->waiting_send += pipe->out.messages;
        ret->waiting_recv += pipe->in.messages;
    }
}
