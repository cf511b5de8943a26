/* tambo/socket.h - sockets with patterns, on ZeroMQ's wire (ZMTP 3.1, 3.0 and 2.0; RFC 28 to 31), with no broker
 * between.
 *
 * A *context* is one loop with its sockets and its inproc names; as many as there are cores to use may live in one
 * process, and nothing global is shared between them.  A *socket* follows a pattern and has any number of endpoints,
 * bound and connected in any order.  Sending is asynchronous: a message is copied (or handed over) and leaves in the
 * background; connections are set up in the background and come back after a loss.
 *
 * Threads: every function may be called from any thread at any time; a context has one lock, held for the short time
 * in which nothing is waited for.  Only _free and _close end an object: a call that waits on it then returns
 * -TAMBO_ERR_CANCELED, and no further one may be made.  After a fork() the child may only leave: every call there
 * returns -TAMBO_ERR_FORKED.
 *
 * Waiting: whatever can wait takes `wait_ms` last: TAMBO_FOREVER, or so many milliseconds, 0 for not at all; when the
 * time is over it returns -TAMBO_ERR_TIMEOUT (-TAMBO_ERR_AGAIN for 0), and nothing was done.
 *
 * Errors: 0 or more is success; else -TAMBO_ERR_X (tambo/error.h).  No call aborts or raises a signal.  Outputs are
 * written on success only. */
#ifndef TAMBO_SOCKET_H
#define TAMBO_SOCKET_H

#include <stddef.h>
#include <stdint.h>

#include "tambo/error.h"

#ifdef __cplusplus
extern "C" {
#endif
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

#define TAMBO_FOREVER (-1)

struct tambo;
struct tambo_socket;
struct tambo_message;

/* Numbers as in ZMTP 2.0's greeting. */
enum tambo_pattern {
    TAMBO_PAIR = 0,
    TAMBO_PUB = 1,
    TAMBO_SUB = 2,
    TAMBO_REQ = 3,
    TAMBO_REP = 4,
    TAMBO_DEALER = 5,
    TAMBO_ROUTER = 6,
    TAMBO_PULL = 7,
    TAMBO_PUSH = 8,
    TAMBO_XPUB = 9,
    TAMBO_XSUB = 10,
};

/* ---- contexts and sockets -------------------------------------------------------------------------------- */

int tambo_new(struct tambo **ret);
/* Closes its sockets, each within its linger, and frees them.  NULL is fine.  Messages that came from it are freed
 * before. */
void tambo_free(struct tambo *context);

int tambo_socket(struct tambo *context, enum tambo_pattern pattern, struct tambo_socket **ret);
/* What was sent still leaves in the background, for at most TAMBO_LINGER_MS; then the socket is gone.  Does not wait
 * (tambo_free does).  NULL is fine. */
void tambo_close(struct tambo_socket *socket);

/* ---- options ----------------------------------------------------------------------------------------------
 * Set before the first tambo_bind() or tambo_connect() of a socket; LINGER_MS, RESEND_MS, SEND_POLICY, XPUB_VERBOSE and
 * those of ROUTER at any time. */

enum tambo_policy { TAMBO_BLOCK, TAMBO_DROP_NEW, TAMBO_DROP_OLD };

/* clang-format off */
/*  name                default      low         high    what */
#define TAMBO_OPTIONS(OPTION)                                                                                                                           \
    OPTION(SEND_MESSAGES_MAX,    1000,          1,   1 << 30, "messages that wait for one peer")                                                         \
    OPTION(SEND_BYTES_MAX,   64 << 20,          1, INT64_MAX, "bytes that wait for one peer; one message may pass it")                                   \
    OPTION(SEND_POLICY,            -1,         -1,         2, "enum tambo_policy when they are reached; -1: PUB, XPUB and ROUTER drop new, others block") \
    OPTION(RECV_MESSAGES_MAX,    1000,          1,   1 << 30, "messages of one peer that wait to be received; then it is not read from")                  \
    OPTION(RECV_BYTES_MAX,   64 << 20,          1, INT64_MAX, "bytes of them")                                                                           \
    OPTION(MESSAGE_BYTES_MAX, 1 << 30,          1, INT64_MAX, "of a message that is received; its sender is left")                                       \
    OPTION(LINGER_MS,           30000,         -1,   1 << 30, "how long tambo_close() lets messages leave; -1: for ever")                                \
    OPTION(HANDSHAKE_MS,        30000,          1,   1 << 30, "from the connection to the end of its handshake")                                         \
    OPTION(HEARTBEAT_MS,        10000,          0,   1 << 30, "a PING when nothing came for so long; 0: none")                                           \
    OPTION(HEARTBEAT_TIMEOUT_MS, 30000,         1,   1 << 30, "a peer that is silent for so long (or its machine, while messages wait there) is gone")   \
    OPTION(RECONNECT_MS,          100,          1,   1 << 30, "before the first new attempt; doubled each time, with jitter")                            \
    OPTION(RECONNECT_MS_MAX,    10000,          1,   1 << 30, "the longest")                                                                             \
    OPTION(RESEND_MS,           60000,          0,   1 << 30, "REQ: without a reply for so long the request is sent again; 0: only after a loss")        \
    OPTION(REQUEST_IDS,             0,          0,         1, "REQ: a number before the request (as ZMQ_REQ_CORRELATE); with a ROUTING_ID it is needed")  \
    OPTION(ROUTER_MANDATORY,        0,          0,         1, "ROUTER: -TAMBO_ERR_UNREACHABLE instead of dropping")                                      \
    OPTION(ROUTER_HANDOVER,         0,          0,         1, "ROUTER: a new peer takes over an identity in use")                                        \
    OPTION(CONFLATE,                0,          0,         1, "only the newest message of a peer is kept")                                               \
    OPTION(XPUB_VERBOSE,            0,          0,         1, "XPUB: every subscription is passed on, not only the first of its kind")                   \
    OPTION(CONNECTED_ONLY,          0,          0,         1, "nothing is queued for a peer whose handshake is not done")                                \
    OPTION(SUBSCRIPTIONS_MAX, 1000000,          1,   1 << 30, "of one peer; one more and it is left")                                                    \
    OPTION(CONNECTIONS_MAX,    100000,          1,   1 << 30, "of the socket; further ones are refused")                                                 \
    OPTION(CURVE_SERVER,            0,          0,         1, "with CURVE: this side is the server")                                                     \
    OPTION(PLAIN_SERVER,            0,          0,         1, "with PLAIN: this side is the server")

/*  name             bytes_max   what */
#define TAMBO_TEXTS(TEXT)                                                                                       \
    TEXT(ROUTING_ID,        255, "what a ROUTER knows this socket by; not empty, not beginning with 0")         \
    TEXT(PLAIN_USER,        255, "client: PLAIN is used")                                                       \
    TEXT(PLAIN_PASSWORD,    255, "")                                                                            \
    TEXT(CURVE_SECRET_KEY,   40, "Z85 (40 characters), or 32 bytes: CURVE is used")                             \
    TEXT(CURVE_PUBLIC_KEY,   40, "")                                                                            \
    TEXT(CURVE_SERVER_KEY,   40, "client: the server's public key")
/* clang-format on */

enum tambo_option {
#define TAMBO_OPTION_NAME(name, value, low, high, what) TAMBO_##name,
    TAMBO_OPTIONS(TAMBO_OPTION_NAME)
#undef TAMBO_OPTION_NAME
#define TAMBO_TEXT_NAME(name, bytes_max, what) TAMBO_##name,
        TAMBO_TEXTS(TAMBO_TEXT_NAME)
#undef TAMBO_TEXT_NAME
};

/* -TAMBO_ERR_INVALID: outside its range, or too late (TAMBO_ERR_STATE). */
int tambo_set(struct tambo_socket *socket, enum tambo_option option, int64_t value);
int tambo_get(struct tambo_socket *socket, enum tambo_option option, int64_t *ret);
int tambo_set_text(struct tambo_socket *socket, enum tambo_option option, const void *text, size_t len);
/* Both sides of CURVE, as Z85 with a terminating NUL. */
int tambo_curve_keypair(char retpublic[41], char retsecret[41]);

/* Who may come in, asked on a server of PLAIN or CURVE: `name` is the user or the 32 bytes of the client's public key.
 * 0 lets it in.  Called by whichever thread drives the context then, within its lock: it is to be quick, and what it
 * calls of this context in turn returns -TAMBO_ERR_STATE.  Without it PLAIN and CURVE servers let in whoever passes the
 * mechanism. */
typedef int tambo_admit_fn(void *arg, const char *mechanism, const void *name, size_t name_len, const void *password,
                           size_t password_len, const char *peer);
int tambo_on_admit(struct tambo_socket *socket, tambo_admit_fn *fn, void *arg);

/* ---- endpoints ---------------------------------------------------------------------------------------------
 * tcp://HOST:PORT (a name, IPv4, [IPv6], * for all; port 0 or * for a free one), ipc://PATH (@NAME: abstract),
 * inproc://NAME, ws://HOST:PORT/PATH.  A path behind a tcp endpoint that is connected to (tcp://HOST:PORT/jobs) goes
 * to the peer as the property Resource. */

int tambo_bind(struct tambo_socket *socket, const char *endpoint);
/* Returns at once; unreachable ones are tried again until tambo_disconnect(). */
int tambo_connect(struct tambo_socket *socket, const char *endpoint);
/* By the text that was given, or that tambo_endpoint() tells. -TAMBO_ERR_NOT_FOUND. */
int tambo_unbind(struct tambo_socket *socket, const char *endpoint);
int tambo_disconnect(struct tambo_socket *socket, const char *endpoint);
/* The endpoint bound last, as one can connect to it ("tcp://127.0.0.1:40112"), with its NUL; -TAMBO_ERR_TOO_LARGE. */
int tambo_endpoint(struct tambo_socket *socket, char *ret, size_t size);
/* Waits until at least `count` peers are ready: their handshake is done and, between PUB and SUB, their
 * subscriptions are in force. So the first message finds its subscribers.  Returns how many are. */
int tambo_wait_peers(struct tambo_socket *socket, unsigned count, int wait_ms);

/* ---- messages ----------------------------------------------------------------------------------------------
 * A message is one or more parts, sent and received as a whole. */

struct tambo_part {
    const void *data;
    size_t len;
};

/* Copies.  What a pattern asks for that cannot be done now waits: a peer to come, its queue to have room. */
int tambo_send(struct tambo_socket *socket, const void *data, size_t len, int wait_ms);
int tambo_send_parts(struct tambo_socket *socket, const struct tambo_part *parts, size_t count, int wait_ms);
/* The length of a message of one part, copied.  -TAMBO_ERR_TOO_LARGE when it is longer than `size` or has more parts:
 * then it is still there, for tambo_recv_message(). */
ptrdiff_t tambo_recv(struct tambo_socket *socket, void *into, size_t size, int wait_ms);

/* Without a copy: one part of `len` bytes to be written at *retdata before it is sent. */
int tambo_message_new(struct tambo *context, size_t len, struct tambo_message **ret, void **retdata);
/* Takes the message over on success only. */
int tambo_send_message(struct tambo_socket *socket, struct tambo_message *message, int wait_ms);
int tambo_recv_message(struct tambo_socket *socket, struct tambo_message **ret, int wait_ms);
/* NULL is fine. */
void tambo_message_free(struct tambo_message *message);
size_t tambo_message_count(const struct tambo_message *message);
/* Borrowed from the message.  `at` is less than its count. */
struct tambo_part tambo_message_part(const struct tambo_message *message, size_t at);

/* SUB and XSUB: messages whose first part begins with `prefix`; counted, each is undone once. */
int tambo_subscribe(struct tambo_socket *socket, const void *prefix, size_t len);
int tambo_unsubscribe(struct tambo_socket *socket, const void *prefix, size_t len);

/* ---- many at once ------------------------------------------------------------------------------------------ */

enum tambo_ready { TAMBO_CAN_RECV = 1, TAMBO_CAN_SEND = 2, TAMBO_HAS_EVENT = 4 };

struct tambo_poll {
    struct tambo_socket *socket; /* all of one context */
    unsigned want, is;           /* enum tambo_ready */
};
/* How many of them are ready. */
int tambo_poll(struct tambo_poll *items, size_t count, int wait_ms);
/* A descriptor for a foreign event loop: it polls readable exactly while the socket is ready for one of `ready`.  The
 * socket's; one for each `ready`. */
int tambo_fd(struct tambo_socket *socket, unsigned ready);
/* Passes messages between both, each way, copies to `capture` (NULL: none), until one of them is closed: then
 * -TAMBO_ERR_CANCELED. */
int tambo_proxy(struct tambo_socket *front, struct tambo_socket *back, struct tambo_socket *capture);

/* ---- what happens ------------------------------------------------------------------------------------------ */

/* clang-format off */
#define TAMBO_EVENTS(EVENT)                                          \
    EVENT(LISTENING,    "an endpoint is bound")                      \
    EVENT(CONNECTING,   "an attempt begins")                         \
    EVENT(CONNECTED,    "a connection is there; the handshake begins") \
    EVENT(ACCEPTED,     "a connection came in")                      \
    EVENT(READY,        "the handshake is done")                     \
    EVENT(SUBSCRIBED,   "the peer's subscriptions, or ours there, are in force") \
    EVENT(REFUSED,      "the handshake failed: error and text say why") \
    EVENT(DISCONNECTED, "the connection is lost or left")            \
    EVENT(RETRY,        "the next attempt comes in `value` ms")      \
    EVENT(DROPPED,      "a message was dropped by a limit: `value` so far") \
    EVENT(RESENT,       "REQ: the request was sent again")           \
    EVENT(CLOSED,       "an endpoint is unbound or disconnected")
/* clang-format on */

enum tambo_event_kind {
#define TAMBO_EVENT_NAME(name, what) TAMBO_##name,
    TAMBO_EVENTS(TAMBO_EVENT_NAME)
#undef TAMBO_EVENT_NAME
};

struct tambo_event {
    enum tambo_event_kind kind;
    int error; /* 0 or -TAMBO_ERR_X */
    int64_t value;
    char endpoint[128]; /* ours */
    char peer[128];     /* its address, or "" */
    char text[128];     /* why, or "" */
};
/* The next event.  The newest 1,024 are kept from the first call of this (or of tambo_poll or tambo_fd with
 * TAMBO_HAS_EVENT) on. */
int tambo_event(struct tambo_socket *socket, struct tambo_event *ret, int wait_ms);
const char *tambo_event_text(enum tambo_event_kind kind);

struct tambo_stats {
    uint64_t sent, sent_bytes;         /* messages taken to be sent, and the bytes of their parts */
    uint64_t received, received_bytes; /* messages that came */
    uint64_t dropped;                  /* by the policy of a limit */
    uint64_t unroutable;               /* that no peer was there for: PUB without subscribers, ROUTER's unknown */
    uint64_t lost;                     /* given to a connection that broke before it took them */
    uint64_t resent;                   /* REQ's requests */
    uint64_t stale;                    /* replies that were discarded */
    uint64_t refused;                  /* peers: bad greeting, security, protocol */
    uint64_t peers;                    /* ready now */
    uint64_t waiting_send, waiting_recv;
};
int tambo_stats(struct tambo_socket *socket, struct tambo_stats *ret);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif
