/* client/socket.h - sockets with patterns as state machines on one loop: what include/tambo/socket.h promises, without
 * its threads.
 *
 * Nothing here waits, locks, or knows of threads: a call that cannot be done now says -ERR_AGAIN, and `changed` is
 * called when asking again may bring another answer.  So the simulator runs hundreds of them, and lib/ puts one lock
 * around all of a loop.
 *
 * A socket has *endpoints* (bound or connected) and *pipes*: one for each peer, also for one that is being connected
 * to. A pipe has a queue in each direction, bounded in messages and bytes.  A pattern is a table of functions over the
 * pipes (client/pattern.h): which pipe the next message goes to, which one the next is taken from, what is added and
 * cut off on the way. */
#ifndef TAMBO_CLIENT_SOCKET_H
#define TAMBO_CLIENT_SOCKET_H

#include "io/io.h"
#include "session/zmtp/message.h"
#include "tambo/socket.h"

/* The sockets of one loop, and their inproc names. */
struct socket_world;
int socket_world_new(struct io *io, struct socket_world **ret);
/* Drops what is left of its sockets without lingering.  NULL is fine. */
void socket_world_free(struct socket_world *world);
/* Sockets that are not gone yet: open ones, and closed ones that linger. */
unsigned socket_world_count(const struct socket_world *world);

struct socket;

struct socket_on {
    /* socket_ready() may have changed, or events have come.  From the loop, or from inside a call on this or (inproc)
     * on another socket: it only takes note. */
    void (*changed)(void *arg);
    /* See tambo_on_admit().  NULL: everybody. */
    int (*admit)(void *arg, const char *mechanism, struct view name, struct view password, const char *peer);
    /* After socket_close(): it has lingered and is gone.  The last call. */
    void (*gone)(void *arg);
};

int socket_new(struct socket_world *world, enum tambo_pattern pattern, const struct socket_on *on, void *arg,
               struct socket **ret);
void socket_close(struct socket *socket);

int socket_set(struct socket *socket, enum tambo_option option, int64_t value);
int socket_get(const struct socket *socket, enum tambo_option option, int64_t *ret);
int socket_set_text(struct socket *socket, enum tambo_option option, struct view text);

int socket_bind(struct socket *socket, const char *endpoint);
int socket_connect(struct socket *socket, const char *endpoint);
int socket_unbind(struct socket *socket, const char *endpoint);
int socket_disconnect(struct socket *socket, const char *endpoint);
/* The endpoint bound last, as one can connect to it; NULL: none. */
const char *socket_endpoint(const struct socket *socket);

int socket_subscribe(struct socket *socket, struct view prefix);
int socket_unsubscribe(struct socket *socket, struct view prefix);

/* A message that is encoded where it is to lie: no chunk is made when it can leave at once. 0, -ERR_AGAIN, -ERR_STATE,
 * -ERR_UNREACHABLE, -ERR_INVALID, -ERR_NO_MEMORY.
 * A REQ may send again only when it has looked for the reply (socket_recv or socket_peek said -ERR_AGAIN): so requests
 * and replies alternate, and yet one that nobody answers can be given up on. */
int socket_send_parts(struct socket *socket, const struct tambo_part *parts, size_t count);
/* The same for a message that lies in a chunk already.  On success the slice's reference is taken over. */
int socket_send(struct socket *socket, struct zmtp_slice *message);
/* The next message, its reference handed over.  0, -ERR_AGAIN, -ERR_STATE. */
int socket_recv(struct socket *socket, struct zmtp_slice *ret);
/* The next message without taking it; borrowed until the next call.  The same errors. */
int socket_peek(struct socket *socket, struct view *ret);

/* enum tambo_ready. */
unsigned socket_ready(const struct socket *socket);
/* Peers that are ready in the sense of tambo_wait_peers(). */
unsigned socket_peers(const struct socket *socket);
/* Keeps events from now on. */
int socket_watch(struct socket *socket);
/* 0 or -ERR_AGAIN. */
int socket_event(struct socket *socket, struct tambo_event *ret);
void socket_stats(const struct socket *socket, struct tambo_stats *ret);

#endif
