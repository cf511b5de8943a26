/* client/event.c - see event.h. */
#include "client/event.h"

#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"
#include "client/pattern.h"

enum { EVENTS_FIRST = 16, EVENTS_MAX = 1024 };

/* The newest, in a ring that grows. */
struct events {
    struct tambo_event *ring;
    uint32_t room, first, count;
};

int
socket_watch(struct socket *socket)
{
    if (socket->events == NULL)
        socket->events = MEM_NEW(socket->mem, struct events);
    return socket->events == NULL ? -ERR_NO_MEMORY : 0;
}

void
event_free(struct socket *socket)
{
    if (socket->events != NULL)
        mem_free(socket->mem, socket->events->ring);
    mem_free(socket->mem, socket->events);
    socket->events = NULL;
}

bool
event_waits(const struct socket *socket)
{
    return socket->events != NULL && socket->events->count > 0;
}

static bool
grow(struct socket *socket, struct events *events)
{
    uint32_t room = events->room == 0 ? EVENTS_FIRST : events->room * 2;
    struct tambo_event *ring = mem_raw(socket->mem, room * sizeof *ring);
    if (ring == NULL)
        return false;
    for (uint32_t i = 0; i < events->count; i++)
        ring[i] = events->ring[(events->first + i) % events->room];
    mem_free(socket->mem, events->ring);
    events->ring = ring;
    events->room = room;
    events->first = 0;
    return true;
}

/* The place of a new one; NULL: it is not kept. */
static struct tambo_event *
place(struct socket *socket)
{
    struct events *events = socket->events;
    if (events == NULL || socket->is_closing)
        return NULL;
    if (events->count == events->room && (events->room == EVENTS_MAX || !grow(socket, events))) {
        if (events->room == 0)
            return NULL;
        events->first = (events->first + 1) % events->room;
        events->count--;
    }
    return &events->ring[(events->first + events->count++) % events->room];
}

static void
fill(struct tambo_event *ret, enum tambo_event_kind kind, int error, int64_t value, const char *why)
{
    *ret = (struct tambo_event){ .kind = kind, .error = error, .value = value };
    snprintf(ret->text, sizeof ret->text, "%s", why);
}

static void
name(struct tambo_event *event, const struct endpoint *endpoint)
{
    if (endpoint != NULL)
        endpoint_print(endpoint, event->endpoint, sizeof event->endpoint);
}

/* It is gone with the connection, and wanted of the event that tells so. */
static void
learn_address(struct pipe *pipe)
{
    char address[PIPE_ADDRESS_BYTES];
    if (pipe->peer == NULL || pipe->address != NULL)
        return;
    zmtp_peer_address(pipe->peer, address, sizeof address);
    pipe->address = mem_raw(pipe->socket->mem, strlen(address) + 1);
    if (pipe->address != NULL)
        strcpy(pipe->address, address);
}

void
event_pipe(struct pipe *pipe, enum tambo_event_kind kind, int error, const char *why)
{
    struct tambo_event *event = place(pipe->socket);
    if (event == NULL)
        return;
    fill(event, kind, error, 0, why);
    name(event, pipe->endpoint);
    learn_address(pipe);
    if (pipe->address != NULL)
        snprintf(event->peer, sizeof event->peer, "%s", pipe->address);
    socket_changed(pipe->socket);
}

void
event_endpoint(const struct endpoint *endpoint, enum tambo_event_kind kind, int error, int64_t value, const char *why)
{
    struct tambo_event *event = place(endpoint->socket);
    if (event == NULL)
        return;
    fill(event, kind, error, value, why);
    name(event, endpoint);
    socket_changed(endpoint->socket);
}

void
event_count(struct socket *socket, const struct pipe *pipe, enum tambo_event_kind kind, uint64_t value)
{
    struct tambo_event *event = place(socket);
    if (event == NULL)
        return;
    fill(event, kind, 0, (int64_t)value, "");
    if (pipe != NULL)
        name(event, pipe->endpoint);
    socket_changed(socket);
}

int
socket_event(struct socket *socket, struct tambo_event *ret)
{
    struct events *events = socket->events;
    if (!event_waits(socket))
        return -ERR_AGAIN;
    *ret = events->ring[events->first];
    events->first = (events->first + 1) % events->room;
    events->count--;
    return 0;
}
