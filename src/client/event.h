/* client/event.h - what happened to a socket, kept for tambo_event(). */
#ifndef TAMBO_CLIENT_EVENT_H
#define TAMBO_CLIENT_EVENT_H

#include "client/endpoint.h"
#include "tambo/socket.h"

/* Nothing is kept before socket_watch(), nor when memory is short. */
void event_pipe(struct pipe *pipe, enum tambo_event_kind kind, int error, const char *why);
void event_endpoint(const struct endpoint *endpoint, enum tambo_event_kind kind, int error, int64_t value,
                    const char *why);
/* `pipe` may be NULL. */
void event_count(struct socket *socket, const struct pipe *pipe, enum tambo_event_kind kind, uint64_t value);
bool event_waits(const struct socket *socket);
void event_free(struct socket *socket);

#endif
