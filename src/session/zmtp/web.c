/* session/zmtp/web.c - ZMTP over WebSocket (RFC 45, ZWS 2.0): a layer between the stream and everything else.
 *
 *     | GET ... | 101 ... |     then     | WebSocket's head | flags 1 | body |     for each frame
 *                                                            `-- masked by clients
 *
 * The upgrade tells what a greeting tells; from there on it is ZMTP 3.0.  What comes is put into ZMTP's framing, one
 * chunk a read, and read as any traffic is: a size is held against the limits at its head there.  WebSocket's own
 * frames are answered here. */
#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"
#include "session/zmtp/inner.h"
#include "wire/websocket.h"

enum {
    HTTP_BYTES_MAX = 8 * 1024, /* of a request or response, with its headers */
    HTTP_TEXT_MAX = 1024,      /* of ours */
    FLAG_MORE = 1,             /* RFC 45's */
    FLAG_COMMAND = 2,
    CODE_BYTES = 2, /* why it is closed */
};

enum stage { AWAITS_UPGRADE, AWAITS_HEAD, AWAITS_FLAGS, WITHIN_MESSAGE, WITHIN_CONTROL };

struct zmtp_web {
    bool as_client;
    bool has_closed; /* our close frame was put */
    bool is_over;    /* its has come */
    uint8_t stage;   /* enum stage */
    uint8_t head_len;
    uint8_t head_bytes[WEBSOCKET_HEAD_MAX];
    struct websocket_head head;
    uint64_t at; /* in its payload */
    uint8_t control[WEBSOCKET_CONTROL_MAX];
    char key[WEBSOCKET_KEY_CHARS + 1];
    struct zmtp_gather http;
    size_t path_len;
    char path[]; /* and behind it a client's host, with its NUL */
};

int
zmtp_web_new(struct zmtp_peer *peer, const char *host, struct view path)
{
    size_t host_bytes = host == NULL ? 0 : strlen(host) + 1;
    struct zmtp_web *web = mem_new(io_mem(peer->io), sizeof(*web) + path.len + host_bytes);
    if (web == NULL)
        return -ERR_NO_MEMORY;
    web->as_client = host != NULL;
    web->path_len = path.len;
    memcpy(web->path, path.data, path.len);
    if (host != NULL)
        memcpy(web->path + path.len, host, host_bytes);
    peer->web = web;
    return 0;
}

void
zmtp_web_free(struct zmtp_peer *peer)
{
    if (peer->web == NULL)
        return;
    zmtp_gather_clear(&peer->web->http);
    mem_free(io_mem(peer->io), peer->web);
    peer->web = NULL;
}

/* ---- what leaves ------------------------------------------------------------------------------------------------ */

static size_t
put_head(struct zmtp_peer *peer, uint8_t *at, enum websocket_opcode opcode, uint64_t size)
{
    uint8_t mask[WEBSOCKET_MASK_BYTES];
    if (!peer->web->as_client)
        return websocket_head_write(at, opcode, size, NULL);
    io_random(peer->io, mask, sizeof(mask));
    return websocket_head_write(at, opcode, size, mask);
}

size_t
zmtp_web_head_bytes(const struct zmtp_peer *peer, size_t body)
{
    return websocket_head_bytes(1 + (uint64_t)body, peer->web->as_client) + 1;
}

size_t
zmtp_web_head(struct zmtp_peer *peer, uint8_t *at, unsigned flags, size_t body)
{
    size_t n = put_head(peer, at, WEBSOCKET_BINARY, 1 + (uint64_t)body);
    at[n] = ((flags & ZMTP_MORE) != 0 ? FLAG_MORE : 0) | ((flags & ZMTP_COMMAND) != 0 ? FLAG_COMMAND : 0);
    return n + 1;
}

void
zmtp_web_mask(const struct zmtp_peer *peer, uint8_t *at, size_t len)
{
    struct websocket_head head;
    struct fault why;
    if (!peer->web->as_client)
        return;
    int n = websocket_head_parse(view_of(at, len), true, &head, &why);
    must(n > 0);
    websocket_mask(at + n, len - (size_t)n, head.mask, 0);
}

/* A stream that fails tells so itself. */
static void
put_control(struct zmtp_peer *peer, enum websocket_opcode opcode, struct view payload)
{
    uint8_t frame[WEBSOCKET_HEAD_MAX + WEBSOCKET_CONTROL_MAX];
    size_t n = put_head(peer, frame, opcode, payload.len);
    if (payload.len > 0)
        memcpy(frame + n, payload.data, payload.len);
    zmtp_web_mask(peer, frame, n + payload.len);
    (void)io_put(peer->stream, view_of(frame, n + payload.len));
}

void
zmtp_web_close(struct zmtp_peer *peer, unsigned code)
{
    const uint8_t bytes[CODE_BYTES] = { (uint8_t)(code >> 8), (uint8_t)code };
    struct zmtp_web *web = peer->web;
    if (web->stage == AWAITS_UPGRADE || web->has_closed)
        return;
    web->has_closed = true;
    put_control(peer, WEBSOCKET_CLOSE, view_of(bytes, sizeof(bytes)));
}

/* ---- the upgrade ------------------------------------------------------------------------------------------------ */

static const char *
protocol_of(const struct zmtp_peer *peer)
{
    static const char *const names[] = {
        [ZMTP_NULL] = "ZWS2.0/NULL",
        [ZMTP_PLAIN] = "ZWS2.0/PLAIN",
        [ZMTP_CURVE] = "ZWS2.0/CURVE",
    };
    return names[peer->side->mechanism];
}

static int
put_text(struct zmtp_peer *peer, const char *text, int len)
{
    must(len > 0 && len < HTTP_TEXT_MAX);
    return io_put(peer->stream, view_of(text, (size_t)len)) < 0 ? io_refusal(peer->stream) : 0;
}

void
zmtp_web_begin(struct zmtp_peer *peer)
{
    struct zmtp_web *web = peer->web;
    uint8_t nonce[WEBSOCKET_NONCE_BYTES];
    char text[HTTP_TEXT_MAX];
    if (!web->as_client)
        return;
    io_random(peer->io, nonce, sizeof(nonce));
    websocket_key(nonce, web->key);
    struct view path = view_of(web->path, web->path_len);
    int n = websocket_request_write(text, sizeof(text), web->path + path.len, path, web->key, protocol_of(peer));
    int rc = put_text(peer, text, n);
    if (rc < 0)
        zmtp_fail(peer, rc, NULL);
}

static int
refuse(struct zmtp_peer *peer, struct fault *why)
{
    char text[HTTP_TEXT_MAX];
    (void)put_text(peer, text, websocket_refusal_write(text, sizeof(text), why)); /* it is left in any case */
    why->code = 0;
    return -ERR_PROTOCOL;
}

static int
on_request(struct zmtp_peer *peer, struct view head, struct fault *why)
{
    const struct zmtp_web *web = peer->web;
    struct websocket_request request;
    char text[HTTP_TEXT_MAX];
    if (websocket_request_parse(head, protocol_of(peer), &request, why) < 0)
        return refuse(peer, why);
    if (!view_equal(request.path, view_of(web->path, web->path_len))) {
        *why = (struct fault){ HTTP_NOT_FOUND, "45/3.1", "another path than the endpoint's" };
        return refuse(peer, why);
    }
    return put_text(peer, text, websocket_response_write(text, sizeof(text), request.key, protocol_of(peer)));
}

static int
on_upgrade(struct zmtp_peer *peer, struct view head, struct fault *why)
{
    struct zmtp_web *web = peer->web;
    int rc =
        web->as_client ? websocket_response_parse(head, web->key, protocol_of(peer), why) : on_request(peer, head, why);
    if (rc < 0)
        return rc;
    zmtp_gather_clear(&web->http);
    web->stage = AWAITS_HEAD;
    peer->major = 3;
    return zmtp_shake_greeted(peer);
}

static int
too_large(struct zmtp_peer *peer, struct fault *why)
{
    *why = (struct fault){ HTTP_HEAD_TOO_LARGE, "6455/4.1", "a request or response of more than 8192 bytes" };
    return peer->web->as_client ? -ERR_PROTOCOL : refuse(peer, why);
}

static bool
ends_blank(struct view text)
{
    return text.len >= 4 && memcmp(text.data + text.len - 4, "\r\n\r\n", 4) == 0;
}

/* Byte by byte: what follows the blank line is not HTTP any more. */
static int
read_http(struct zmtp_peer *peer, struct view *in, struct fault *why)
{
    struct zmtp_gather *http = &peer->web->http;
    int rc = 0;
    while (rc == 0 && in->len > 0 && peer->web->stage == AWAITS_UPGRADE && peer->phase == ZMTP_SHAKING) {
        size_t have = zmtp_gathered(http).len;
        if (have == HTTP_BYTES_MAX)
            return too_large(peer, why);
        rc = zmtp_gather_add(http, io_mem(peer->io), in, have + 1);
        if (rc == 0 && ends_blank(zmtp_gathered(http)))
            rc = on_upgrade(peer, zmtp_gathered(http), why);
    }
    return rc;
}

/* ---- what comes ------------------------------------------------------------------------------------------------- */

static int
on_control(struct zmtp_peer *peer)
{
    struct zmtp_web *web = peer->web;
    struct view payload = view_of(web->control, (size_t)web->head.size);
    web->stage = AWAITS_HEAD;
    if (web->head.opcode == WEBSOCKET_PING && zmtp_owes_pong(peer))
        put_control(peer, WEBSOCKET_PONG, payload);
    web->is_over = web->head.opcode == WEBSOCKET_CLOSE;
    return 0;
}

static int
on_head(struct zmtp_peer *peer, struct fault *why)
{
    struct zmtp_web *web = peer->web;
    web->head_len = 0;
    web->at = 0;
    if (web->head.opcode == WEBSOCKET_BINARY) {
        *why = (struct fault){ .clause = "45/4", .text = "a WebSocket message without flags" };
        web->stage = AWAITS_FLAGS;
        return web->head.size == 0 ? -ERR_PROTOCOL : 0;
    }
    web->stage = WITHIN_CONTROL;
    return web->head.size == 0 ? on_control(peer) : 0;
}

static int
read_head(struct zmtp_peer *peer, struct view *in, struct fault *why)
{
    struct zmtp_web *web = peer->web;
    web->head_bytes[web->head_len++] = in->data[0];
    *in = view_from(*in, 1);
    int n = websocket_head_parse(view_of(web->head_bytes, web->head_len), !web->as_client, &web->head, why);
    return n <= 0 ? n : on_head(peer, why);
}

static int
read_flags(struct zmtp_peer *peer, struct view *in, struct zmtp_chunk *ret, struct fault *why)
{
    struct zmtp_web *web = peer->web;
    uint8_t flags = in->data[0] ^ web->head.mask[0];
    *in = view_from(*in, 1);
    if (flags > (FLAG_MORE | FLAG_COMMAND)) {
        *why = (struct fault){ .clause = "45/4", .text = "a reserved flag of a frame is set" };
        return -ERR_PROTOCOL;
    }
    unsigned ours = ((flags & FLAG_MORE) != 0 ? ZMTP_MORE : 0) | ((flags & FLAG_COMMAND) != 0 ? ZMTP_COMMAND : 0);
    ret->len += zmtp_frame_head(ret->bytes + ret->len, ours, web->head.size - 1);
    web->at = 1;
    web->stage = web->head.size == 1 ? AWAITS_HEAD : WITHIN_MESSAGE;
    return 0;
}

/* Some of the payload. */
static size_t
unmask(struct zmtp_web *web, struct view *in, uint8_t *to)
{
    uint64_t left = web->head.size - web->at;
    size_t n = left < in->len ? (size_t)left : in->len;
    memcpy(to, in->data, n);
    if (!web->as_client)
        websocket_mask(to, n, web->head.mask, web->at);
    web->at += n;
    *in = view_from(*in, n);
    return n;
}

static int
read_step(struct zmtp_peer *peer, struct view *in, struct zmtp_chunk *ret, struct fault *why)
{
    struct zmtp_web *web = peer->web;
    switch (web->stage) {
    case AWAITS_HEAD: return read_head(peer, in, why);
    case AWAITS_FLAGS: return read_flags(peer, in, ret, why);
    case WITHIN_MESSAGE:
        ret->len += unmask(web, in, ret->bytes + ret->len);
        if (web->at == web->head.size)
            web->stage = AWAITS_HEAD;
        return 0;
    default: unmask(web, in, web->control + web->at); return web->at == web->head.size ? on_control(peer) : 0;
    }
}

/* ZMTP's heads are longer for bodies from 256 to 65534, by 4 at most; and one frame's head has come before. */
static size_t
room_for(struct view in)
{
    return in.len + in.len / 64 + 2 * ZMTP_FRAME_HEAD_MAX;
}

static void
read_frames(struct zmtp_peer *peer, struct view in)
{
    struct fault why = { 0 };
    struct zmtp_chunk *chunk = zmtp_chunk_new(io_mem(peer->io), room_for(in));
    int rc = chunk == NULL ? -ERR_NO_MEMORY : 0;
    if (chunk != NULL)
        chunk->len = 0;
    while (rc == 0 && in.len > 0 && !peer->web->is_over)
        rc = read_step(peer, &in, chunk, &why);
    if (chunk != NULL && chunk->len > 0)
        zmtp_take(peer, view_of(chunk->bytes, chunk->len), chunk);
    zmtp_chunk_unref(chunk);
    if (rc < 0)
        zmtp_fail(peer, rc, &why);
    else if (peer->web->is_over)
        zmtp_fail(peer, -ERR_EOF, NULL);
}

void
zmtp_web_read(struct zmtp_peer *peer, struct view in)
{
    struct fault why = { 0 };
    int rc = peer->web->stage == AWAITS_UPGRADE ? read_http(peer, &in, &why) : 0;
    if (rc < 0)
        zmtp_fail(peer, rc, &why);
    else if (in.len > 0 && peer->phase != ZMTP_CLOSING)
        read_frames(peer, in);
}
