/* session/zmtp/peer.h - one ZMTP connection: greeting, mechanism, heartbeats, frames.  The same on both sides and for
 * all patterns; what a pattern does with its messages is its user's (client/socket.h, session/zmtp/zmtp.h).
 *
 * ZMTP 3.1 (RFC 37), 3.0 (RFC 23) and 2.0 (RFC 15).  The greeting is staggered: a side sends its signature and major
 * version, and the rest when it knows the other's version; nobody waits for all 64 bytes.
 *
 * What comes in is whole messages only, counted and bounded; what goes out is put into the stream's outbox and leaves
 * with the turn.  The peer keeps nothing of what it sent: a connection that breaks loses what its outbox held. */
#ifndef TAMBO_SESSION_ZMTP_PEER_H
#define TAMBO_SESSION_ZMTP_PEER_H

#include "io/io.h"
#include "session/zmtp/message.h"
#include "wire/zmtp.h"

enum { ZMTP_KEY_BYTES = 32, ZMTP_PATH_MAX = 127 };

/* Our side.  Views are borrowed for as long as any peer of it lives. */
struct zmtp_side {
    enum zmtp_pattern pattern; /* what we are; with on->pattern only what we are by default */
    enum zmtp_mechanism mechanism;
    bool as_server;             /* of PLAIN or CURVE */
    struct view identity;       /* our routing id; may be empty */
    struct view user, password; /* PLAIN, as client */
    uint8_t public_key[ZMTP_KEY_BYTES], secret_key[ZMTP_KEY_BYTES];
    uint8_t server_key[ZMTP_KEY_BYTES]; /* CURVE, as client */
    uint64_t message_bytes_max;         /* all its frames; one more and the peer is left */
    uint32_t parts_max;                 /* frames of a message */
    uint32_t subscriptions_max;         /* from this peer: counted by the user, who answers -ERR_FULL */
    uint32_t handshake_ms;
    uint32_t heartbeat_ms, heartbeat_timeout_ms; /* PING after so much silence, gone after so much; 0: none */
};

enum zmtp_why {
    ZMTP_LEFT,      /* by zmtp_peer_close() or _abort() */
    ZMTP_UNREACHED, /* there never was a connection: `rc` */
    ZMTP_LOST,      /* `rc`; -ERR_TIMEOUT: silent, or its handshake took too long */
    ZMTP_REFUSED,   /* ERROR from the peer: `said` */
    ZMTP_DENIED,    /* by our admit, or its proof is false: it got an ERROR */
    ZMTP_BREACH,    /* it broke the protocol: `fault` */
};

struct zmtp_end {
    enum zmtp_why why;
    int rc;
    struct fault fault;
    char said[128];
    size_t unsent; /* bytes put that never left */
};
/* One line without its end. */
void zmtp_end_print(const struct zmtp_end *end, char *ret, size_t len);

struct zmtp_peer;

/* Every callback comes from the loop (or from inside zmtp_peer_accept(), with bytes), and is optional but for
 * `messages` and `closed`.  All may call anything below but zmtp_peer_free(). */
struct zmtp_peer_on {
    /* The connection is there and the greeting begins (connect only). */
    void (*connected)(void *arg);
    /* A server that serves several patterns says, once it knows the peer's, as which it answers: zmtp_peer_pattern(),
     * _identity() and _resource() tell.  >= 0: enum zmtp_pattern; -ERR_X: refused with an ERROR, whose reason it may
     * tell in *retreason. */
    int (*pattern)(void *arg, const struct zmtp_peer *peer, const char **retreason);
    /* Server of PLAIN or CURVE: 0 lets it in. */
    int (*admit)(void *arg, struct view name, struct view password);
    /* The handshake is done. */
    void (*ready)(void *arg);
    /* A run of `count` whole messages.  It lies in `chunk`, which may be referred to instead of copied (a large message
     * that came in pieces, what was decrypted), or, when that is NULL, is borrowed for the call.  What was read before
     * zmtp_peer_pause() still comes. */
    void (*messages)(void *arg, struct view run, uint32_t count, struct zmtp_chunk *chunk);
    /* PUB and XPUB: SUBSCRIBE and CANCEL, as a command or as a message.  -ERR_FULL: too many, it is left. */
    int (*subscribed)(void *arg, struct view prefix, bool on);
    /* The answer to the zmtp_peer_ping() with this number. */
    void (*ponged)(void *arg, uint32_t number);
    /* zmtp_peer_unsent() has fallen to the low mark after having been above the high one. */
    void (*drained)(void *arg);
    /* The last call; the peer is gone. */
    void (*closed)(void *arg, const struct zmtp_end *end);
};

/* Takes an accepted stream over; `bytes` is what was read of it already: it is taken in here, with *ret set, as if it
 * had just come.  0 or -ERR_NO_MEMORY and then the stream is still the caller's. */
int zmtp_peer_accept(struct io *io, struct io_stream *stream, struct view bytes, const struct zmtp_side *side,
                     const struct zmtp_peer_on *on, void *arg, struct zmtp_peer **ret);
/* `resource`: goes to the peer as that property (copied); at most 255 bytes, may be empty.  0 or -err and then nothing
 * was begun. */
int zmtp_peer_connect(struct io *io, const struct io_address *address, struct view resource,
                      const struct zmtp_side *side, const struct zmtp_peer_on *on, void *arg, struct zmtp_peer **ret);

/* The same over WebSocket (RFC 45): the greeting is an HTTP request for `path` (copied; it begins with "/"), and all
 * speak ZMTP 3.0 behind it.  The server's path is the only one it has. */
int zmtp_peer_accept_web(struct io *io, struct io_stream *stream, struct view path, const struct zmtp_side *side,
                         const struct zmtp_peer_on *on, void *arg, struct zmtp_peer **ret);
/* -ERR_TOO_LARGE: a path of more than ZMTP_PATH_MAX. */
int zmtp_peer_connect_web(struct io *io, const struct io_address *address, struct view path,
                          const struct zmtp_side *side, const struct zmtp_peer_on *on, void *arg,
                          struct zmtp_peer **ret);

/* What we know of the other side once it is ready. */
enum zmtp_pattern zmtp_peer_pattern(const struct zmtp_peer *peer);
struct view zmtp_peer_identity(const struct zmtp_peer *peer);
struct view zmtp_peer_resource(const struct zmtp_peer *peer);
unsigned zmtp_peer_minor(const struct zmtp_peer *peer); /* ZMTP 3.x: x; 2.0: 0 */
bool zmtp_peer_can_ping(const struct zmtp_peer *peer);  /* ZMTP 3.1 */
void zmtp_peer_address(const struct zmtp_peer *peer, char *ret, size_t len);

/* Puts a run; only when ready.  Copied when small, by reference to the slice's chunk when large; encrypted frame by
 * frame with CURVE.  0 or -err, and then the peer is doomed: `closed` comes. */
int zmtp_peer_put(struct zmtp_peer *peer, const struct zmtp_slice *slice);
/* The same with bytes that are copied at once. */
int zmtp_peer_put_copy(struct zmtp_peer *peer, struct view run);
/* Room for `n` bytes of a run to be written in place, where that can be done (no CURVE), else NULL: use the above. */
uint8_t *zmtp_peer_room(struct zmtp_peer *peer, size_t n);
void zmtp_peer_room_done(struct zmtp_peer *peer, size_t n);
int zmtp_peer_subscribe(struct zmtp_peer *peer, struct view prefix, bool on);
/* PING now, with this number in its context; on->ponged follows.  Only with zmtp_peer_can_ping(). */
int zmtp_peer_ping(struct zmtp_peer *peer, uint32_t number);
size_t zmtp_peer_unsent(const struct zmtp_peer *peer);
/* Nothing is unsent, and as far as one can know the peer has read it all: one of 3.1 has answered a PING that was put
 * behind it, which this puts when there was none (on->ponged follows, with the number 0). */
bool zmtp_peer_is_through(struct zmtp_peer *peer);
void zmtp_peer_marks(struct zmtp_peer *peer, size_t high, size_t low);

/* Its user cannot take more: no reads.  Commands and heartbeats stand still with it; silence is not held against it. */
void zmtp_peer_pause(struct zmtp_peer *peer);
void zmtp_peer_resume(struct zmtp_peer *peer);
/* What was put still leaves (io_close). */
void zmtp_peer_close(struct zmtp_peer *peer);
void zmtp_peer_abort(struct zmtp_peer *peer);
/* At once and without `closed`, when the loop will not run any more.  NULL is fine. */
void zmtp_peer_free(struct zmtp_peer *peer);

#endif
