/* client/inproc.c - see inproc.h. */
#include "client/inproc.h"

#include "base/err.h"
#include "client/event.h"
#include "client/pattern.h"

static void
soon(struct socket_world *world)
{
    io_timer_set(world->io, &world->meet, io_now_ns(world->io), inproc_meet, world);
}

static struct endpoint *
find(const struct socket_world *world, const char *name)
{
    LIST_EACH(&world->names, it) {
        struct endpoint *endpoint = container_of(it, struct endpoint, name);
        if (strcmp(endpoint->text, name) == 0)
            return endpoint;
    }
    return NULL;
}

int
inproc_bind(struct endpoint *endpoint)
{
    struct socket_world *world = endpoint->socket->world;
    if (find(world, endpoint->text) != NULL)
        return -ERR_ADDRESS_IN_USE;
    list_push(&world->names, &endpoint->name);
    soon(world);
    return 0;
}

void
inproc_call(struct endpoint *endpoint)
{
    struct socket_world *world = endpoint->socket->world;
    list_push(&world->callers, &endpoint->name);
    soon(world);
}

void
inproc_sever(struct pipe *pipe)
{
    struct socket_world *world = pipe->socket->world;
    struct pipe *other = pipe->other;
    pipe->other = other->other = NULL;
    list_push(&world->severed, &pipe->severed);
    list_push(&world->severed, &other->severed);
    soon(world);
}

static const char *
why_not(const struct socket *a, const struct socket *b)
{
    if (!zmtp_patterns_fit(a->kind, b->kind))
        return "the patterns do not fit";
    if (b->connections >= (uint64_t)socket_option(b, TAMBO_CONNECTIONS_MAX))
        return "CONNECTIONS_MAX is reached";
    return NULL;
}

/* `caller` is connected to `bound`. */
static void
meet(struct endpoint *caller, struct endpoint *bound)
{
    struct pipe *a = caller->pipe;
    const char *why = why_not(caller->socket, bound->socket);
    struct pipe *b = why == NULL ? pipe_new(bound->socket, bound) : NULL;
    list_cut(&caller->name);
    if (b == NULL) {
        caller->socket->stats.refused++;
        event_pipe(a, TAMBO_REFUSED, -ERR_REFUSED, why == NULL ? "no memory" : why);
        endpoint_retry(caller, -ERR_REFUSED, why == NULL ? "no memory" : why);
        return;
    }
    a->other = b;
    b->other = a;
    event_pipe(a, TAMBO_CONNECTED, 0, "");
    event_pipe(b, TAMBO_ACCEPTED, 0, "");
    pipe_ready(b);
    if (a->other == b) /* or it has refused */
        pipe_ready(a);
}

void
inproc_meet(void *arg)
{
    struct socket_world *world = arg;
    struct list *it;
    io_timer_set(world->io, &world->meet, NEVER_NS, inproc_meet, world);
    while ((it = list_pop(&world->severed)) != NULL)
        pipe_closed(container_of(it, struct pipe, severed), 0, -ERR_RESET, "the other side has left");
    LIST_EACH(&world->callers, caller) {
        struct endpoint *endpoint = container_of(caller, struct endpoint, name);
        struct endpoint *bound = find(world, endpoint->text);
        if (bound != NULL)
            meet(endpoint, bound);
    }
}
