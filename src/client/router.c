/* client/router.c - ROUTER (RFC 28): the first part of a message names the peer it comes from or goes to. */
#include "base/err.h"
#include "base/hash.h"
#include "base/mem.h"
#include "client/pattern.h"
#include "wire/zmtp.h"

enum { GENERATED_BYTES = 5, IDENTITY_BYTES_MAX = 255 };

static int
open_routes(struct socket *socket)
{
    struct routes *routes = &socket->routes;
    map_init(&routes->pipes, socket->mem);
    io_random(socket->io, &routes->next_id, sizeof routes->next_id);
    io_random(socket->io, &routes->seed, sizeof routes->seed);
    return 0;
}

static void
close_routes(struct socket *socket)
{
    map_fini(&socket->routes.pipes);
}

/* ---- identities ------------------------------------------------------------------------------------------- */

/* Without the head of the frame: an identity is a short one. */
static struct view
identity_of(const struct pipe *pipe)
{
    return view_from(pipe->identity, ZMTP_FRAME_HEAD_MIN);
}

static bool
is_named(const void *value, const void *key)
{
    return view_equal(identity_of(value), *(const struct view *)key);
}

static struct pipe *
find(const struct socket *socket, struct view identity)
{
    uint64_t hash = hash_bytes(identity, socket->routes.seed);
    return map_get(&socket->routes.pipes, hash, is_named, &identity);
}

static void
forget(struct pipe *pipe)
{
    struct socket *socket = pipe->socket;
    if (pipe->identity.len == 0)
        return;
    map_cut(&socket->routes.pipes, hash_bytes(identity_of(pipe), socket->routes.seed), pipe);
    mem_free(socket->mem, (void *)pipe->identity.data);
    pipe->identity = view_of(NULL, 0);
}

static int
name_it(struct pipe *pipe, struct view identity)
{
    struct socket *socket = pipe->socket;
    uint8_t *frame = mem_raw(socket->mem, ZMTP_FRAME_HEAD_MIN + identity.len);
    if (frame == NULL)
        return -ERR_NO_MEMORY;
    size_t n = zmtp_frame_head(frame, ZMTP_MORE, identity.len);
    memcpy(frame + n, identity.data, identity.len);
    if (map_put(&socket->routes.pipes, hash_bytes(identity, socket->routes.seed), pipe) < 0) {
        mem_free(socket->mem, frame);
        return -ERR_NO_MEMORY;
    }
    pipe->identity = view_of(frame, n + identity.len);
    return 0;
}

/* Five bytes that begin with 0, as no peer may choose them. */
static int
name_new(struct pipe *pipe)
{
    struct socket *socket = pipe->socket;
    uint8_t identity[GENERATED_BYTES] = { 0 };
    do {
        uint32_t id = socket->routes.next_id++;
        memcpy(identity + 1, &id, sizeof id);
    } while (find(socket, view_of(identity, sizeof identity)) != NULL);
    return name_it(pipe, view_of(identity, sizeof identity));
}

static int
joined(struct pipe *pipe)
{
    struct socket *socket = pipe->socket;
    struct view identity = pipe_identity(pipe);
    if (identity.len == 0 || identity.data[0] == 0)
        return name_new(pipe);
    struct pipe *old = find(socket, identity);
    if (old != NULL && socket_option(socket, TAMBO_ROUTER_HANDOVER) == 0)
        return -ERR_FULL;
    if (old != NULL)
        pipe_leave(old, -ERR_FULL, "another peer has taken over its identity"); /* it is forgotten by that */
    return name_it(pipe, identity);
}

/* What waits is for the peer that had this name; over the next connection another may come, or the same one with
 * another request. */
static void
parted(struct pipe *pipe)
{
    forget(pipe);
    pipe_lose_out(pipe);
}

/* ---- in --------------------------------------------------------------------------------------------------- */

/* The identity is put before each message while the run is copied. */
static int
came(struct pipe *pipe, struct view run, uint32_t count, struct zmtp_chunk *chunk)
{
    struct view identity = pipe->identity;
    size_t total = run.len + count * identity.len;
    uint8_t *room = backlog_room(&pipe->in, total), *at = room;
    (void)chunk;
    if (room == NULL)
        return -ERR_NO_MEMORY;
    for (uint32_t i = 0; i < count; i++) {
        size_t n = zmtp_message_bytes(run);
        memcpy(at, identity.data, identity.len);
        memcpy(at + identity.len, run.data, n);
        at += identity.len + n;
        run = view_from(run, n);
    }
    backlog_room_done(&pipe->in, total, count);
    return 0;
}

/* ---- out -------------------------------------------------------------------------------------------------- */

static int
route(struct socket *socket, struct outgoing *message)
{
    struct view identity = outgoing_first(message);
    struct pipe *pipe = find(socket, identity);
    int rc = outgoing_cut_first(message);
    if (rc < 0)
        return rc;
    if (pipe != NULL)
        return pattern_put(pipe, message);
    if (socket_option(socket, TAMBO_ROUTER_MANDATORY) != 0)
        return -ERR_UNREACHABLE;
    socket->stats.unroutable++;
    return 0;
}

/* That depends on whom it is for. */
static bool
can_send(const struct socket *socket)
{
    (void)socket;
    return true;
}

const struct pattern pattern_router = {
    .joins_ready = true,
    .refusal = "its identity is in use",
    .open = open_routes,
    .close = close_routes,
    .joined = joined,
    .parted = parted,
    .ended = forget,
    .came = came,
    .send = route,
    .can_send = can_send,
    .next = pattern_next_in_turn,
};
