/* lib/proxy.c - from one socket to another. */
#include "lib/inner.h"

enum { RUN_MAX = 64 }; /* messages before others may use the context */

/* One way.  `held` is the message that was taken from one and that the other does not take yet. */
struct way {
    struct tambo_socket *from, *to;
    struct zmtp_slice held;
    bool holds;
};

/* A copy, if it takes one. */
static void
show(struct tambo_socket *capture, const struct zmtp_slice *message)
{
    if (capture == NULL)
        return;
    struct zmtp_slice copy = { .chunk = zmtp_chunk_ref(message->chunk), .run = message->run };
    if (socket_send(capture->core, &copy) < 0)
        zmtp_chunk_unref(copy.chunk);
}

/* Nothing is taken before it can be handed on.  0: one was passed; -ERR_AGAIN: not now.  A message that a pattern
 * refuses for good (an unknown peer, a reply too late) is dropped, as that pattern does by itself. */
static int
pass_one(struct way *way, struct tambo_socket *capture)
{
    if (!way->holds) {
        if ((socket_ready(way->to->core) & TAMBO_CAN_SEND) == 0)
            return -ERR_AGAIN;
        int rc = socket_recv(way->from->core, &way->held);
        if (rc < 0)
            return rc == -ERR_INVALID || rc == -ERR_STATE ? -ERR_AGAIN : rc;
        way->holds = true;
        show(capture, &way->held);
    }
    int rc = socket_send(way->to->core, &way->held);
    if (rc == -ERR_AGAIN)
        return rc;
    if (rc < 0)
        zmtp_chunk_unref(way->held.chunk);
    way->holds = false;
    return 0;
}

/* 0 when anything was passed. */
static int
pass(struct way *way, struct tambo_socket *capture)
{
    int rc = 0;
    unsigned passed = 0;
    while (passed < RUN_MAX && (rc = pass_one(way, capture)) == 0)
        passed++;
    return passed > 0 ? 0 : rc;
}

static void
pin(struct tambo_socket *socket)
{
    if (socket != NULL)
        socket->waiting++;
}

static void
unpin(struct tambo_socket *socket)
{
    if (socket == NULL)
        return;
    socket->waiting--;
    lib_release(socket);
}

static bool
is_closed(const struct tambo_socket *socket)
{
    return socket != NULL && socket->is_closed;
}

/* Passes what can be passed, and lets others in; or waits. */
static int
step(struct way ways[2], unsigned count, struct tambo_socket *capture)
{
    struct tambo *context = ways[0].from->context;
    struct lib_patience patience = { .ms = TAMBO_FOREVER };
    struct lib_wish wishes[] = { { .socket = ways[0].from }, { .socket = ways[1].from }, { .socket = capture } };
    bool passed = false;
    for (unsigned i = 0; i < count; i++) {
        int rc = pass(&ways[i], capture);
        if (rc < 0 && rc != -ERR_AGAIN)
            return rc;
        passed |= rc == 0;
    }
    if (!passed)
        return lib_wait_all(context, wishes, COUNT_OF(wishes), &patience);
    lib_leave(context);
    return lib_enter(context);
}

/* -ERR_FORKED: without the lock. */
static int
run(struct way ways[2], unsigned count, struct tambo_socket *capture)
{
    int rc = 0;
    while (rc == 0 && !is_closed(ways[0].from) && !is_closed(ways[1].from) && !is_closed(capture)) {
        lib_stir(ways[0].from);
        lib_stir(ways[1].from);
        rc = step(ways, count, capture);
    }
    return rc == 0 ? -ERR_CANCELED : rc;
}

int
tambo_proxy(struct tambo_socket *front, struct tambo_socket *back, struct tambo_socket *capture)
{
    struct way ways[2] = {
        {.from = front, .to = back },
        { .from = back, .to = front}
    };
    if (front == NULL || back == NULL || front->context != back->context ||
        (capture != NULL && capture->context != front->context))
        return -ERR_INVALID;
    struct tambo *context = front->context;
    int rc = lib_enter(context);
    if (rc < 0)
        return rc;
    pin(front);
    pin(back);
    pin(capture);
    rc = run(ways, front == back ? 1 : 2, capture);
    if (rc == -ERR_FORKED)
        return rc;
    for (unsigned i = 0; i < 2; i++)
        if (ways[i].holds)
            zmtp_chunk_unref(ways[i].held.chunk);
    unpin(front);
    unpin(back);
    unpin(capture);
    lib_leave(context);
    return rc;
}
