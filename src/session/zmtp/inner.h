/* session/zmtp/inner.h - the structs behind peer.h, and which file does what. */
#ifndef TAMBO_SESSION_ZMTP_INNER_H
#define TAMBO_SESSION_ZMTP_INNER_H

#include "session/zmtp/gather.h"
#include "session/zmtp/peer.h"
#include "session/zmtp/rule.h"

enum {
    HANDSHAKE_BYTES_MAX = 16 * 1024, /* of a frame in the handshake */
    RESOURCE_BYTES_MAX = 255,
    METADATA_BYTES_MAX = 1024, /* ours: three properties */
    REFER_BYTES_MIN = 4096,    /* smaller runs are copied into the outbox */
    UNSENT_MUCH = 64 * 1024,   /* it reads little of what it is sent */
};

enum zmtp_phase { ZMTP_DIALING, ZMTP_SHAKING, ZMTP_READY, ZMTP_CLOSING };

struct zmtp_shake;
struct zmtp_box;
struct zmtp_web;

/* What the other side has told of itself: the bytes of both lie behind each other. */
struct zmtp_known {
    uint8_t identity_len;
    uint16_t resource_len;
    uint8_t bytes[];
};

struct zmtp_peer {
    struct io *io;
    struct io_stream *stream;
    const struct zmtp_side *side;
    const struct zmtp_peer_on *on;
    void *arg;
    struct io_timer timer; /* of the handshake, then of heartbeats */
    uint64_t heard_ns;     /* something came */
    uint64_t pinged_ns;    /* a PING was put */
    struct zmtp_gather gather;
    struct zmtp_shake *shake; /* NULL once it is ready */
    struct zmtp_box *box;     /* CURVE, once it is ready */
    struct zmtp_web *web;     /* over WebSocket, else NULL */
    struct zmtp_known *known; /* NULL: neither identity nor resource */
    char *said;               /* ERROR's reason, or NULL */
    struct fault fault;
    int rc;
    uint16_t ttl_ds; /* the peer's: after so much silence it wants to be left */
    uint16_t pongs;  /* put while much was unsent */
    uint8_t phase;   /* enum zmtp_phase */
    uint8_t why;     /* enum zmtp_why, when closing */
    uint8_t own;     /* our pattern towards it */
    uint8_t pattern; /* its */
    uint8_t major, minor;
    bool paused : 1;
    bool is_behind : 1; /* no PONG tells that it has read all our messages */
    bool has_said : 1;  /* messages were put since the newest PING */
    uint8_t pings;      /* put, and not answered */
};

/* ---- peer.c ---- */

/* It ends: `rc` is -ERR_PROTOCOL or -ERR_DENIED with a fault, or else it is lost by `rc`.  Harmless when it is ending
 * already. */
void zmtp_fail(struct zmtp_peer *peer, int rc, const struct fault *why);
/* The peer has sent ERROR. */
void zmtp_refused(struct zmtp_peer *peer, struct view reason);
/* Takes what is in ZMTP's framing; it lies in `chunk`, or (NULL) is borrowed. */
void zmtp_take(struct zmtp_peer *peer, struct view bytes, struct zmtp_chunk *chunk);
/* Sets or moves the timer; without memory the connection is lost. */
void zmtp_set_timer(struct zmtp_peer *peer, uint64_t at_ns);

/* ---- handshake.c: greeting and commands, until it is ready ---- */

/* 0 or -ERR_NO_MEMORY. */
int zmtp_shake_new(struct zmtp_peer *peer, struct view resource);
void zmtp_shake_free(struct zmtp_peer *peer);
/* The connection is there: signature and version leave. */
void zmtp_shake_begin(struct zmtp_peer *peer);
/* Both greetings are done, or the transport has told what they tell: commands follow.  0 or -err. */
int zmtp_shake_greeted(struct zmtp_peer *peer);
/* Takes from `in` what belongs to the handshake. */
void zmtp_shake_read(struct zmtp_peer *peer, struct view *in);
/* May ERROR be sent now? */
bool zmtp_shake_commands(const struct zmtp_peer *peer);

/* For mechanisms.  All return 0 or -err. */

/* One side's part of a mechanism: what it says when the greetings are done, and which commands it then awaits, one
 * after the other.  After the last of them it is ready. */
typedef int zmtp_begin_fn(struct zmtp_peer *peer);
typedef int zmtp_command_fn(struct zmtp_peer *peer, struct view data, struct fault *why);
struct zmtp_part {
    zmtp_begin_fn *begin; /* may be NULL */
    struct {
        const char *name;
        zmtp_command_fn *on;
    } awaits[3]; /* ends with NULL */
};
extern const struct zmtp_part zmtp_null, zmtp_plain_client, zmtp_plain_server, zmtp_curve_client, zmtp_curve_server;

/* This command with our metadata alone. */
int zmtp_shake_put_metadata(struct zmtp_peer *peer, const char *name);
/* Our metadata; `ret` has METADATA_BYTES_MAX. */
struct view zmtp_shake_metadata(const struct zmtp_peer *peer, uint8_t *ret);
/* The other side's; now it is known what both are. */
int zmtp_shake_meet(struct zmtp_peer *peer, struct view metadata, struct fault *why);

struct zmtp_curve;
/* Where CURVE keeps what it needs until it is ready. */
struct zmtp_curve **zmtp_shake_curve(struct zmtp_peer *peer);
void zmtp_curve_free(struct mem *mem, struct zmtp_curve *curve);

/* ---- reading.c: frames into messages and commands ---- */

/* `in` lies in `chunk`, or (NULL) is borrowed. */
void zmtp_read(struct zmtp_peer *peer, struct view in, struct zmtp_chunk *chunk);
/* The next frame, whole: 1, 0 when it has not come yet (then `in` is empty), or -err.  `gather` keeps it until it has
 * been dealt with. */
int zmtp_gather_frame(struct zmtp_peer *peer, struct zmtp_gather *gather, struct view *in, uint64_t body_bytes_max,
                      struct zmtp_frame *ret, struct fault *why);

/* ---- command.c: commands once it is ready ---- */

int zmtp_take_command(struct zmtp_peer *peer, struct view body, struct fault *why);
/* Shall a PING be answered? */
bool zmtp_owes_pong(struct zmtp_peer *peer);
/* ERROR, also in the handshake. */
int zmtp_take_error(struct zmtp_peer *peer, struct view data, struct fault *why);
int zmtp_take_subscription(struct zmtp_peer *peer, struct view prefix, bool on, struct fault *why);

/* ---- putting.c ---- */

/* A frame's head as this connection frames: its bytes. */
size_t zmtp_head_bytes(const struct zmtp_peer *peer, size_t body);
size_t zmtp_put_head(struct zmtp_peer *peer, uint8_t *at, unsigned flags, size_t body);
/* A command, in a box where there is one.  0 or -err. */
int zmtp_put_command(struct zmtp_peer *peer, const char *name, struct view data);

/* ---- heartbeat.c ---- */

void zmtp_beat_start(struct zmtp_peer *peer);
void zmtp_beat(struct zmtp_peer *peer);
/* Messages were put. */
static inline void
zmtp_beat_said(struct zmtp_peer *peer)
{
    peer->is_behind = peer->has_said = peer->own != ZMTP_REQ;
}

/* A PING was put; a PONG has come. */
void zmtp_beat_asked(struct zmtp_peer *peer);
void zmtp_beat_answered(struct zmtp_peer *peer);
/* The peer has told its time to live. */
void zmtp_beat_ttl(struct zmtp_peer *peer, uint16_t ttl_ds);

/* ---- box.c: CURVE's traffic ---- */

/* Both short keys are settled: their shared key, and the nonces used so far.  0 or -ERR_NO_MEMORY. */
int zmtp_box_new(struct zmtp_peer *peer, const uint8_t key[ZMTP_KEY_BYTES], uint64_t sent, uint64_t seen);
void zmtp_box_free(struct zmtp_peer *peer);
/* The bytes that stand before the body of a sealed frame. */
size_t zmtp_box_front(const struct zmtp_peer *peer, size_t body);
/* Seals the body that lies at `at` + zmtp_box_front(). */
void zmtp_box_seal(struct zmtp_peer *peer, uint8_t *at, unsigned flags, size_t body);
/* Opens what came, and hands it to zmtp_read(). */
void zmtp_box_read(struct zmtp_peer *peer, struct view in);

/* ---- web.c: ZMTP over WebSocket ---- */

/* Of a client, who asks `host`, or (NULL) of a server.  0 or -ERR_NO_MEMORY. */
int zmtp_web_new(struct zmtp_peer *peer, const char *host, struct view path);
void zmtp_web_free(struct zmtp_peer *peer);
/* The connection is there: a client asks for the upgrade. */
void zmtp_web_begin(struct zmtp_peer *peer);
void zmtp_web_read(struct zmtp_peer *peer, struct view in);
/* See zmtp_head_bytes(). */
size_t zmtp_web_head_bytes(const struct zmtp_peer *peer, size_t body);
size_t zmtp_web_head(struct zmtp_peer *peer, uint8_t *at, unsigned flags, size_t body);
/* A frame of ours lies whole at `at`: clients mask it. */
void zmtp_web_mask(const struct zmtp_peer *peer, uint8_t *at, size_t len);
/* Says goodbye, once; `code` is RFC 6455's. */
void zmtp_web_close(struct zmtp_peer *peer, unsigned code);

#endif
