/* client/pattern.h - the inside of sockets: what their files share.
 *
 *     socket.c, socket_option.c   the door; options; statistics; the end
 *     endpoint.c                  dialing with backoff, listening
 *     pipe.c                      a peer's queues: what goes out and what comes in
 *     connection.c                a pipe's connection: from its handshake to its loss
 *     inproc.c                    the same within the process
 *     event.c                     what happened
 *     pipeline.c, pair.c, request.c, reply.c, router.c, publish.c, subscribe.c   the patterns
 *
 * A pattern may not know what a pipe's connection is, and may not end a pipe; it may drop its connection
 * (pipe_leave).  Nobody frees a pipe but connection.c, and only from the loop or when the last of its messages was
 * received. */
#ifndef TAMBO_CLIENT_PATTERN_H
#define TAMBO_CLIENT_PATTERN_H

#include "base/map.h"
#include "client/outgoing.h"
#include "client/pipe.h"
#include "client/prefix.h"
#include "client/socket.h"
#include "session/zmtp/peer.h"

/* What is to be received next. */
struct incoming {
    struct backlog *from;
    struct pipe *pipe;   /* whose it is; NULL: the socket's own word (XPUB's subscriptions) */
    struct view message; /* as it lies there */
    size_t skip;         /* bytes at its front that are not the user's */
};

/* A pattern: functions that may be NULL are marked *. */
struct pattern {
    bool joins_ready;                     /* a connected pipe is one to send to only with its handshake done */
    const char *refusal;                  /* *; why a peer is left whose joining was -ERR_FULL */
    bool settles;                         /* it tells itself when a peer is ready (pipe_settle) */
    int (*open)(struct socket *socket);   /* *; 0 or -ERR_NO_MEMORY */
    void (*close)(struct socket *socket); /* *; after all pipes; also of a half-opened one */
    /* Before an endpoint is connected to; -err: it is not. */
    int (*connecting)(struct socket *socket); /* * */
    /* The handshake is done; -err: it is left. */
    int (*joined)(struct pipe *pipe); /* * */
    /* The connection is lost or left. */
    void (*parted)(struct pipe *pipe); /* * */
    /* The pipe goes for good, its messages too. */
    void (*ended)(struct pipe *pipe); /* * */
    /* A run came in (see pipe_came).  NULL: into its backlog as it is. */
    int (*came)(struct pipe *pipe, struct view run, uint32_t count, struct zmtp_chunk *chunk); /* * */
    /* The peer subscribes.  0, -ERR_FULL, -ERR_NO_MEMORY. */
    int (*subscribed)(struct pipe *pipe, struct view prefix, bool on); /* * */
    /* 0, -ERR_AGAIN, or another error. NULL: this pattern does not send. */
    int (*send)(struct socket *socket, struct outgoing *message);
    bool (*can_send)(const struct socket *socket);
    /* 0 and *ret, -ERR_AGAIN, -ERR_STATE. NULL: it does not receive. */
    int (*next)(struct socket *socket, struct incoming *ret);
    /* It was asked for, and there is nothing yet. */
    void (*missed)(struct socket *socket); /* * */
    /* It is about to be taken.  0 or -ERR_NO_MEMORY. */
    int (*taking)(struct socket *socket, const struct incoming *message); /* * */
};

extern const struct pattern pattern_pair, pattern_pub, pattern_sub, pattern_req, pattern_rep, pattern_dealer,
    pattern_router, pattern_pull, pattern_push, pattern_xpub, pattern_xsub;

/* REQ: the one request that is not answered. */
struct request {
    struct zmtp_slice kept; /* whole, with its head; chunk NULL: none */
    bool is_asked;          /* no reply has been taken */
    bool was_looked_for;    /* its reply, in vain */
    bool was_sent;
    struct pipe *to; /* whom it went to; NULL: it waits for a peer */
    uint32_t id;
    struct io_timer resend;
};

/* REP: whom the request that was taken is to be answered to. */
struct reply {
    bool is_due;
    struct pipe *to;   /* NULL: it is gone */
    uint8_t *envelope; /* encoded frames up to the delimiter */
    size_t len, room;
};

/* ROUTER: pipes by identity. */
struct routes {
    struct map pipes;
    uint64_t seed;
    uint32_t next_id;
};

/* PUB and XPUB, SUB and XSUB. */
struct interest {
    struct prefix_tree tree;
    struct prefix_taker own; /* SUB and XSUB: what we want ourselves */
    struct backlog notices;  /* XPUB: what it is told of subscriptions */
};

enum { TEXTS = TAMBO_CURVE_SERVER_KEY - TAMBO_ROUTING_ID + 1, TEXT_BYTES_MAX = 255 };

struct text {
    uint8_t len;
    uint8_t bytes[TEXT_BYTES_MAX];
};

struct events;

struct socket {
    struct socket_world *world;
    struct list link; /* in world->sockets */
    struct io *io;
    struct mem *mem;
    enum zmtp_pattern kind;
    const struct pattern *pattern;
    struct socket_on on;
    void *arg;

    int64_t options[TAMBO_ROUTING_ID];
    struct text texts[TEXTS];
    struct zmtp_side side; /* made of them with the first endpoint */
    bool is_fixed;
    bool is_closing;

    struct list endpoints, pipes;
    struct list senders;   /* pipes one can send to, in their turn */
    struct list receivers; /* pipes that have messages */
    unsigned connections, peers;
    char bound[ENDPOINT_BYTES]; /* the endpoint bound last, or "" */
    struct io_timer end;        /* of the linger; then the socket goes */
    uint64_t linger_ns;         /* until then, once it closes */
    uint8_t *scratch;
    size_t scratch_room;
    struct events *events;
    struct tambo_stats stats;
    union {
        struct request request;
        struct reply reply;
        struct routes routes;
        struct interest interest;
    };
};

struct socket_world {
    struct io *io;
    struct mem *mem;
    struct list sockets;
    unsigned count;
    struct list names;   /* endpoints bound to inproc:// */
    struct list callers; /* endpoints that are to be connected to one */
    struct list severed; /* pipes whose other end has left */
    struct io_timer meet;
};

/* A timer's time before it is set: it is in the heap from the start, so that setting it cannot fail. */
#define NEVER_NS (UINT64_MAX / 4)
static inline uint64_t
socket_after(const struct socket *socket, uint64_t ms)
{
    return io_now_ns(socket->io) + ms * 1000000;
}

static inline int64_t
socket_option(const struct socket *socket, enum tambo_option option)
{
    return socket->options[option];
}

/* SEND_POLICY with its default resolved. */
enum tambo_policy socket_policy(const struct socket *socket);
/* socket_option.c */
void socket_defaults(struct socket *socket);
/* From the first endpoint on options are what they are.  -ERR_INVALID: they do not fit each other. */
int socket_fix(struct socket *socket);

static inline void
socket_changed(struct socket *socket)
{
    if (socket->on.changed != NULL && !socket->is_closing)
        socket->on.changed(socket->arg);
}

/* Room to encode a message in before it is copied; NULL: no memory. */
uint8_t *socket_scratch(struct socket *socket, size_t n);
/* One message was dropped by a limit. */
void socket_dropped(struct socket *socket, const struct pipe *pipe);
/* A pipe of a closing socket has nothing more to send, or is gone. */
void socket_lingered(struct socket *socket);

/* ---- what several patterns do alike ---- */

/* The first becomes the last: it had its turn. */
static inline void
pattern_rotate(struct list *pipes)
{
    if (pipes->next != pipes->prev)
        list_push(pipes, pipes->next);
}

/* The next pipe in turn. */
int pattern_send_in_turn(struct socket *socket, struct outgoing *message);
/* Who is to be sent to next; NULL: nobody has room. */
struct pipe *pattern_next_sender(struct socket *socket);
/* Would it take a message, if only to drop it? */
bool pattern_can_send_in_turn(const struct socket *socket);
/* Puts into a pipe under the policy.  -ERR_AGAIN only for TAMBO_BLOCK. */
int pattern_put(struct pipe *pipe, const struct outgoing *message);
/* The oldest message of the next pipe in turn. */
int pattern_next_in_turn(struct socket *socket, struct incoming *ret);

#endif
