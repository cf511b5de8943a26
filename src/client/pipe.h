/* client/pipe.h - what lies between a socket and one peer: a queue in each direction, and the connection, if there is
 * one just now.
 *
 *     send -> out -> peer's outbox -> wire        what is in `out` survives a loss, what is in the outbox does not
 *     recv <- in  <- a run that was read          over its limits the peer is not read from
 *
 * The pipe of an endpoint that is connected to is there from tambo_connect() on; that of an accepted connection comes
 * and goes with it, but stays for as long as something of it is to be received. */
#ifndef TAMBO_CLIENT_PIPE_H
#define TAMBO_CLIENT_PIPE_H

#include "client/backlog.h"
#include "client/prefix.h"
#include "session/zmtp/peer.h"

struct socket;
struct endpoint;
struct outgoing;

enum { ENDPOINT_BYTES = 256 }; /* an endpoint as text, with its NUL */
enum { PIPE_ADDRESS_BYTES = 128 };

struct pipe {
    struct socket *socket;
    struct endpoint *endpoint; /* NULL: it was left */
    struct list link;          /* in socket->pipes */
    struct list sender;        /* in socket->senders, while it has room */
    struct list receiver;      /* in socket->receivers, while something is to be received */
    struct backlog out, in;

    struct zmtp_peer *peer;           /* a connection, or an attempt */
    struct pipe *other;               /* inproc: its other end */
    struct list severed;              /* in world->severed */
    uint64_t put_messages, put_bytes; /* since the outbox was empty */
    char *address;                    /* the peer's, while somebody watches; owned */
    uint32_t ping;                    /* the number of the newest */

    bool is_dialed;  /* the endpoint dials for it */
    bool is_ready;   /* its handshake is done */
    bool is_open;    /* one can send to it */
    bool is_settled; /* ready as tambo_wait_peers() means it */
    bool is_pinging; /* to learn when our subscriptions are in force */
    bool must_ping;  /* once more */
    bool is_paused;  /* not read from */
    bool is_leaving; /* we have left, its last word has not come */
    bool is_over;    /* gone for good; only its messages are left */

    struct view identity;      /* ROUTER: of the peer, as an encoded frame; owned */
    struct prefix_taker taker; /* PUB: its subscriptions */
    uint32_t subscriptions;
};

/* NULL: no memory. */
struct pipe *pipe_new(struct socket *socket, struct endpoint *endpoint);
/* Its connection must be gone. */
void pipe_free(struct pipe *pipe);

/* ---- pipe.c: out ---- */

/* Below its limits? */
bool pipe_has_room(const struct pipe *pipe);
/* One can send to it from now on, or no longer. */
void pipe_open(struct pipe *pipe);
void pipe_shut(struct pipe *pipe);
/* Whatever its limits are.  0 or -ERR_NO_MEMORY. */
int pipe_put(struct pipe *pipe, const struct outgoing *message);
/* Moves what waits to the connection, as far as that takes it. */
void pipe_feed(struct pipe *pipe);
/* The same, however much that is. */
void pipe_feed_all(struct pipe *pipe);
/* Has the connection tell when it takes more. */
void pipe_mark(struct pipe *pipe);
/* Nothing of it is left here, nor on its way: a peer that reads slowly would lose with the connection what it has not
 * read, as soon as it says something to us. */
bool pipe_is_drained(struct pipe *pipe);
/* Drops the oldest that waits. */
void pipe_drop_oldest(struct pipe *pipe);
/* What waits there will not leave. */
void pipe_lose_out(struct pipe *pipe);

/* ---- pipe.c: in ---- */

/* A run of `count` messages, to be referred to when it lies in `chunk` (else NULL).  0 or -ERR_NO_MEMORY. */
int pipe_came(struct pipe *pipe, struct view run, uint32_t count, struct zmtp_chunk *chunk);
/* Puts it into `in`, or only its newest message when it conflates. */
int pipe_keep(struct pipe *pipe, struct view run, uint32_t count, struct zmtp_chunk *chunk);
/* Something was added to `in`. */
void pipe_has_come(struct pipe *pipe);
/* No reads until pipe_resume(), which does nothing while `in` holds too much. */
void pipe_pause(struct pipe *pipe);
void pipe_resume(struct pipe *pipe);
/* Something was taken from `in`.  It may be gone afterwards. */
void pipe_taken(struct pipe *pipe);

/* ---- connection.c ---- */

extern const struct zmtp_peer_on pipe_peer_on;
/* The handshake is done (also inproc.c's). */
void pipe_ready(struct pipe *pipe);
/* Its connection, or its attempt, has come to its end (also inproc.c's); `unsent`: bytes that were given to it and
 * never left.  It may be gone afterwards. */
void pipe_closed(struct pipe *pipe, size_t unsent, int error, const char *why);
/* Drops its connection, as if it had been lost.  An endpoint that is connected to dials again. */
void pipe_leave(struct pipe *pipe, int error, const char *why);
/* The peer is not wanted; also counts and tells it. */
void pipe_refuse(struct pipe *pipe, int error, const char *why);
/* It goes for good: what waits leaves with the connection, as far as it can. */
void pipe_end(struct pipe *pipe);
/* The socket closes: goes when all has left. */
void pipe_retire(struct pipe *pipe);
/* Tells the peer; 0 or -ERR_NO_MEMORY. */
int pipe_subscribe(struct pipe *pipe, struct view prefix, bool on);
/* All our subscriptions were sent: it is settled when the peer has seen them. */
void pipe_settle_behind(struct pipe *pipe);
void pipe_settle(struct pipe *pipe);
/* The routing id it has given itself; may be empty.  Only when ready. */
struct view pipe_identity(const struct pipe *pipe);

#endif
