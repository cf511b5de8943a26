/* wire/zmtp.h - ZMTP as plain values: greetings, frames, commands, metadata.
 * Pure: no I/O, no allocation, no clock, no secrets (CURVE's boxes are session/zmtp/curve.c's).  Views borrow the
 * input.
 *
 * ZMTP 3.1 (RFC 37), 3.0 (RFC 23), 2.0 (RFC 15); NULL, PLAIN (RFC 24) and CURVE (RFC 25, 26) by their commands' layout.
 * Clauses of faults are RFC and section, counted as they stand (zmtp_rule.h): "37/3.2".
 *
 *     0          10      12            32         33       64
 *     | FF..7F   | 3 | 1 | mechanism   | server   | zeros  | frames ...        3.x
 *     | FF..7F   | 1 | t | frame: identity | frames ...                        2.0 (revision 1, socket type t)
 *
 *     frame: flags u8 (1 more, 2 long, 4 command) | size u8 or u64 | body
 *     command: name length u8 | name | data
 *     metadata: (name length u8 | name | value length u32 | value)* */
#ifndef TAMBO_WIRE_ZMTP_H
#define TAMBO_WIRE_ZMTP_H

#include <endian.h>

#include "base/cursor.h"
#include "base/fault.h"
#include "base/view.h"

enum {
    ZMTP_SIGNATURE_BYTES = 10,
    ZMTP_VERSION_BYTES = 11, /* the signature and the major version */
    ZMTP_GREETING_BYTES = 64,
    ZMTP_FRAME_HEAD_MIN = 2,
    ZMTP_FRAME_HEAD_MAX = 9,
    ZMTP_NAME_MAX = 255,
    ZMTP_IDENTITY_MAX = 255,
    ZMTP_PING_CONTEXT_MAX = 16,
    ZMTP_CURVE_HELLO_BYTES = 194, /* data behind the name; RFC 26 */
    ZMTP_CURVE_WELCOME_BYTES = 160,
    ZMTP_CURVE_COOKIE_BYTES = 96,
};

/* Numbers as in ZMTP 2.0's greeting. */
enum zmtp_pattern {
    ZMTP_PAIR,
    ZMTP_PUB,
    ZMTP_SUB,
    ZMTP_REQ,
    ZMTP_REP,
    ZMTP_DEALER,
    ZMTP_ROUTER,
    ZMTP_PULL,
    ZMTP_PUSH,
    ZMTP_XPUB,
    ZMTP_XSUB,
    ZMTP_PATTERNS,
};
/* "DEALER". */
const char *zmtp_pattern_name(enum zmtp_pattern pattern);
/* -1: no such name. */
int zmtp_pattern_of(struct view name);
/* May they talk (RFC 28 to 31)? */
bool zmtp_patterns_fit(enum zmtp_pattern a, enum zmtp_pattern b);

enum zmtp_mechanism { ZMTP_NULL, ZMTP_PLAIN, ZMTP_CURVE };
const char *zmtp_mechanism_name(enum zmtp_mechanism mechanism);

/* ---- greetings -------------------------------------------------------------------------------------------- */

struct zmtp_greeting {
    unsigned major, minor;     /* what is spoken: 2.0, 3.0, or 3.1, also with versions above it */
    enum zmtp_pattern pattern; /* 2.0 */
    struct view mechanism;     /* 3.x: without the zeros behind it */
    bool as_server;            /* 3.x; libzmq never sets it, not even in servers */
};

/* Do these first bytes begin a greeting?  1 yes, 0 not enough to tell, -1 no. */
int zmtp_sniff(struct view bytes);
/* What it takes to go on with our side of the greeting: ZMTP_VERSION_BYTES, and *retmajor is 2 or 3; 0 when more bytes
 * are needed; or -ERR_PROTOCOL with *why. */
int zmtp_version_parse(struct view in, unsigned *retmajor, struct fault *why);
/* The whole of it; of 2.0 without the identity, which follows.  Bytes consumed, 0, or -ERR_PROTOCOL. */
int zmtp_greeting_parse(struct view in, struct zmtp_greeting *ret, struct fault *why);
/* What follows the greeting of 2.0. */
int zmtp_identity_parse(struct view in, struct view *retidentity, struct fault *why);
/* The 64 bytes of 3.1.  The first ZMTP_VERSION_BYTES may be sent before the rest; to a peer of 2.0 a byte with our
 * pattern and a frame with our identity follow them instead. */
void zmtp_greeting_write(uint8_t ret[ZMTP_GREETING_BYTES], enum zmtp_mechanism mechanism, bool as_server);

/* ---- frames ------------------------------------------------------------------------------------------------- */

enum zmtp_flags { ZMTP_MORE = 1, ZMTP_LONG = 2, ZMTP_COMMAND = 4 };

struct zmtp_frame {
    uint8_t flags; /* MORE and COMMAND; LONG only says how it was written */
    struct view body;
};

static inline size_t
zmtp_frame_head_bytes(uint8_t flags)
{
    return (flags & ZMTP_LONG) != 0 ? ZMTP_FRAME_HEAD_MAX : ZMTP_FRAME_HEAD_MIN;
}

/* What the head `at`, which is whole, says of its body. */
static inline uint64_t
zmtp_frame_body_bytes(const uint8_t *at)
{
    if ((at[0] & ZMTP_LONG) == 0)
        return at[1];
    uint64_t size;
    memcpy(&size, at + 1, sizeof(size));
    return be64toh(size);
}

/* zmtp_frame_parse() for all frames. */
int64_t zmtp_frame_parse_any(struct view in, uint64_t body_bytes_max, bool commands, struct zmtp_frame *ret,
                             uint64_t *retneed, struct fault *why);

/* Read one frame from the front of `in`.  Returns the bytes consumed; 0 when `in` does not yet hold a whole frame, and
 * then *retneed says how many bytes it needs in all, as far as one can know; or -ERR_PROTOCOL (*why) or -ERR_TOO_LARGE
 * when its body is larger than `body_bytes_max`. `commands`: are they allowed (3.x)? *ret is written on success only.
 * Here are the short frames of messages, which are most of all. */
static inline int64_t
zmtp_frame_parse(struct view in, uint64_t body_bytes_max, bool commands, struct zmtp_frame *ret, uint64_t *retneed,
                 struct fault *why)
{
    if (in.len < ZMTP_FRAME_HEAD_MIN || in.data[0] > ZMTP_MORE)
        return zmtp_frame_parse_any(in, body_bytes_max, commands, ret, retneed, why);
    size_t size = in.data[1];
    if (size > in.len - ZMTP_FRAME_HEAD_MIN || size > body_bytes_max)
        return zmtp_frame_parse_any(in, body_bytes_max, commands, ret, retneed, why);
    ret->flags = in.data[0];
    ret->body = view_of(in.data + ZMTP_FRAME_HEAD_MIN, size);
    return (int64_t)(ZMTP_FRAME_HEAD_MIN + size);
}

/* The head of a frame whose body of `body_bytes` follows; its size, 2 or 9. */
static inline size_t
zmtp_frame_head(uint8_t ret[ZMTP_FRAME_HEAD_MAX], unsigned flags, uint64_t body_bytes)
{
    bool is_long = body_bytes > UINT8_MAX;
    ret[0] = (uint8_t)(flags | (is_long ? ZMTP_LONG : 0));
    if (!is_long) {
        ret[1] = (uint8_t)body_bytes;
        return ZMTP_FRAME_HEAD_MIN;
    }
    uint64_t size = htobe64(body_bytes);
    memcpy(ret + 1, &size, sizeof(size));
    return ZMTP_FRAME_HEAD_MAX;
}

/* Walks a run that has been parsed before: cuts the first frame off `*run`; false at its end. */
static inline bool
zmtp_frame_next(struct view *run, struct zmtp_frame *ret)
{
    if (run->len == 0)
        return false;
    size_t head = zmtp_frame_head_bytes(run->data[0]), size = (size_t)zmtp_frame_body_bytes(run->data);
    ret->flags = run->data[0] & (ZMTP_MORE | ZMTP_COMMAND);
    ret->body = view_of(run->data + head, size);
    *run = view_from(*run, head + size);
    return true;
}

/* The first message of such a run: the bytes of its frames. */
static inline size_t
zmtp_message_bytes(struct view run)
{
    struct view rest = run;
    struct zmtp_frame frame;
    while (zmtp_frame_next(&rest, &frame) && (frame.flags & ZMTP_MORE) != 0)
        ;
    return run.len - rest.len;
}

/* ---- commands ------------------------------------------------------------------------------------------------ */

struct zmtp_command {
    struct view name, data;
};
int zmtp_command_parse(struct view body, struct zmtp_command *ret, struct fault *why);
/* A whole command frame whose data is `a` and then `b`; its bytes. `ret` has room for ZMTP_FRAME_HEAD_MAX + 1 + name +
 * a
 * + b. */
size_t zmtp_command_write(uint8_t *ret, const char *name, struct view a, struct view b);

struct zmtp_property {
    struct view name, value;
};
/* Cuts the first property off `*data`: 1, 0 at the end, -ERR_PROTOCOL. */
int zmtp_property_next(struct view *data, struct zmtp_property *ret, struct fault *why);
/* Its bytes; `ret` has room for 5 + name + value. */
size_t zmtp_property_write(uint8_t *ret, const char *name, struct view value);
/* Names are compared without regard to case (37/3.9). */
bool zmtp_property_is(struct view name, const char *what);

/* What READY and INITIATE carry, of every mechanism: the properties that mean something here.  Of a property that comes
 * twice the later one counts; an empty Identity or Resource is none. */
struct zmtp_metadata {
    int pattern; /* enum zmtp_pattern; -1: not told */
    struct view identity, resource;
};
int zmtp_metadata_parse(struct view data, struct zmtp_metadata *ret, struct fault *why);

struct zmtp_ping {
    uint16_t ttl_ds; /* tenths of a second */
    struct view context;
};
int zmtp_ping_parse(struct view data, struct zmtp_ping *ret, struct fault *why);
int zmtp_pong_parse(struct view data, struct view *retcontext, struct fault *why);
/* ERROR's reason, as far as it is text. */
int zmtp_error_parse(struct view data, struct view *retreason, struct fault *why);
/* PLAIN's HELLO and WELCOME. */
int zmtp_hello_parse(struct view data, struct view *retuser, struct view *retpassword, struct fault *why);
int zmtp_welcome_parse(struct view data, struct fault *why);

/* ---- CURVE ----------------------------------------------------------------------------------------------------- */

/* What a command of CURVE carries: a box, its nonce of 8 or (WELCOME) 16 bytes, and what stands before them in the
 * clear: HELLO the client's key, INITIATE the cookie, others nothing. */
struct zmtp_curve_box {
    struct view front, nonce, box;
};
int zmtp_curve_hello_parse(struct view data, struct zmtp_curve_box *ret, struct fault *why);
int zmtp_curve_welcome_parse(struct view data, struct zmtp_curve_box *ret, struct fault *why);
int zmtp_curve_initiate_parse(struct view data, struct zmtp_curve_box *ret, struct fault *why);
int zmtp_curve_ready_parse(struct view data, struct zmtp_curve_box *ret, struct fault *why);
int zmtp_curve_message_parse(struct view data, struct zmtp_curve_box *ret, struct fault *why);
/* What was in the box of a MESSAGE: its flags, MORE or (as libzmq sends PING, SUBSCRIBE and CANCEL) COMMAND, and its
 * body; and the first byte of such a box. */
int zmtp_curve_payload_parse(struct view payload, struct zmtp_frame *ret, struct fault *why);
uint8_t zmtp_curve_payload_flags(unsigned flags);

#endif
