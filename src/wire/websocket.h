/* wire/websocket.h - WebSocket (RFC 6455) as far as ZeroMQ's transport over it (RFC 45) needs it: the upgrade of
 * HTTP/1.1, and the heads of frames.  Pure; views borrow the input.  Clauses of faults are RFC and section.
 *
 *     | fin 1, opcode 4 | masked 1, size 7 | size u16 or u64 | mask u32 | payload ... */
#ifndef TAMBO_WIRE_WEBSOCKET_H
#define TAMBO_WIRE_WEBSOCKET_H

#include "base/fault.h"
#include "base/view.h"

enum {
    WEBSOCKET_HEAD_MAX = 14,
    WEBSOCKET_MASK_BYTES = 4,
    WEBSOCKET_CONTROL_MAX = 125, /* the payload of a close, ping or pong */
    WEBSOCKET_NONCE_BYTES = 16,
    WEBSOCKET_KEY_CHARS = 24,
    WEBSOCKET_ACCEPT_CHARS = 28,
};

enum websocket_opcode { WEBSOCKET_BINARY = 2, WEBSOCKET_CLOSE = 8, WEBSOCKET_PING = 9, WEBSOCKET_PONG = 10 };

/* ---- frames ------------------------------------------------------------------------------------------------- */

struct websocket_head {
    enum websocket_opcode opcode;
    uint8_t mask[WEBSOCKET_MASK_BYTES]; /* zeros: not masked */
    uint64_t size;                      /* of the payload */
};

/* The head at the front: its bytes; 0 when more are needed; -ERR_PROTOCOL.  `masked`: clients mask, servers do not.
 * A message that is text or in several frames is a breach: ZeroMQ sends none. */
int websocket_head_parse(struct view in, bool masked, struct websocket_head *ret, struct fault *why);
size_t websocket_head_bytes(uint64_t size, bool masked);
/* `mask` NULL: not masked.  Its bytes. */
size_t websocket_head_write(uint8_t *ret, enum websocket_opcode opcode, uint64_t size, const uint8_t *mask);
/* Masks, or unmasks, these bytes of a payload that begin at `at` in it. */
void websocket_mask(uint8_t *bytes, size_t n, const uint8_t mask[WEBSOCKET_MASK_BYTES], uint64_t at);

/* ---- the upgrade -------------------------------------------------------------------------------------------- */

enum { HTTP_BAD_REQUEST = 400, HTTP_NOT_FOUND = 404, HTTP_UPGRADE_REQUIRED = 426, HTTP_HEAD_TOO_LARGE = 431 };

/* Both with their NUL. */
void websocket_key(const uint8_t nonce[WEBSOCKET_NONCE_BYTES], char ret[WEBSOCKET_KEY_CHARS + 1]);
/* What the server answers to this key. */
void websocket_accept(struct view key, char ret[WEBSOCKET_ACCEPT_CHARS + 1]);

struct websocket_request {
    struct view path, key;
};
/* `text` ends with the blank line.  It must offer `protocol`.  0; or -ERR_PROTOCOL, and why->code is the status to be
 * answered. */
int websocket_request_parse(struct view text, const char *protocol, struct websocket_request *ret, struct fault *why);
/* What a server answers to `key`: 0, or -ERR_PROTOCOL. */
int websocket_response_parse(struct view text, const char *key, const char *protocol, struct fault *why);

/* Text with its NUL, as snprintf. */
int websocket_request_write(char *ret, size_t room, const char *host, struct view path, const char *key,
                            const char *protocol);
int websocket_response_write(char *ret, size_t room, struct view key, const char *protocol);
int websocket_refusal_write(char *ret, size_t room, const struct fault *why);

#endif
