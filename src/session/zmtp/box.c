/* session/zmtp/box.c - CURVE's traffic (26/2.7.5): each frame in a box of its own.
 *
 *     | head | 7 "MESSAGE" | nonce 8 | mac 16 | flags 1 | body |
 *                                              `-- sealed ----'
 *
 * What comes is opened into one chunk a read, framed as if it had come so, and read as any traffic is: it is never
 * longer than it was.  What leaves is sealed where it lies in the outbox. */
#include <sodium.h>

#include "base/cursor.h"
#include "base/err.h"
#include "base/mem.h"
#include "session/zmtp/inner.h"

enum {
    NAME_BYTES = 8, /* with its length */
    NONCE_BYTES = 8,
    MAC_BYTES = crypto_box_MACBYTES,
    SEALED_EXTRA = NAME_BYTES + NONCE_BYTES + MAC_BYTES + 1,
};

struct zmtp_box {
    uint8_t key[crypto_box_BEFORENMBYTES];
    uint64_t sent, seen; /* the newest nonces */
    bool as_server;
    struct zmtp_gather sealed; /* a frame that straddles reads */
};

int
zmtp_box_new(struct zmtp_peer *peer, const uint8_t key[ZMTP_KEY_BYTES], uint64_t sent, uint64_t seen)
{
    struct zmtp_box *box = MEM_NEW(io_mem(peer->io), struct zmtp_box);
    if (box == NULL)
        return -ERR_NO_MEMORY;
    memcpy(box->key, key, sizeof(box->key));
    box->sent = sent;
    box->seen = seen;
    box->as_server = peer->side->as_server;
    peer->box = box;
    return 0;
}

void
zmtp_box_free(struct zmtp_peer *peer)
{
    if (peer->box == NULL)
        return;
    zmtp_gather_clear(&peer->box->sealed);
    sodium_memzero(peer->box, sizeof(*peer->box));
    mem_free(io_mem(peer->io), peer->box);
    peer->box = NULL;
}

static void
write_nonce(uint8_t ret[crypto_box_NONCEBYTES], bool of_server, uint64_t number)
{
    struct pen pen = pen_of(ret, crypto_box_NONCEBYTES);
    put_bytes(&pen, view_str(of_server ? "CurveZMQMESSAGES" : "CurveZMQMESSAGEC"));
    put_u64(&pen, number);
}

/* ---- sealing ---------------------------------------------------------------------------------------------------- */

size_t
zmtp_box_front(const struct zmtp_peer *peer, size_t body)
{
    return SEALED_EXTRA + zmtp_head_bytes(peer, SEALED_EXTRA + body);
}

/* Its frame is a message's, as libzmq has it, whatever the box holds. */
void
zmtp_box_seal(struct zmtp_peer *peer, uint8_t *at, unsigned flags, size_t body)
{
    struct zmtp_box *box = peer->box;
    uint8_t nonce[crypto_box_NONCEBYTES];
    size_t head = zmtp_put_head(peer, at, 0, SEALED_EXTRA + body);
    struct pen pen = pen_of(at + head, NAME_BYTES + NONCE_BYTES);
    put_bytes(&pen, view_str("\7MESSAGE"));
    put_u64(&pen, ++box->sent);
    write_nonce(nonce, box->as_server, box->sent);
    uint8_t *mac = pen.at, *plain = mac + MAC_BYTES;
    plain[0] = zmtp_curve_payload_flags(flags);
    crypto_box_detached_afternm(plain, mac, plain, 1 + body, nonce, box->key);
}

/* ---- opening ---------------------------------------------------------------------------------------------------- */

/* The next sealed frame, in place when it is whole there.  As zmtp_gather_frame(). */
static int
next_sealed(struct zmtp_peer *peer, struct view *in, struct zmtp_frame *ret, struct fault *why)
{
    struct zmtp_gather *sealed = &peer->box->sealed;
    uint64_t need, max = peer->side->message_bytes_max + SEALED_EXTRA;
    if (zmtp_gathered(sealed).len == 0) {
        int64_t n = zmtp_frame_parse(*in, max, true, ret, &need, why);
        if (n > 0) {
            *in = view_from(*in, (size_t)n);
            return 1;
        }
    }
    return zmtp_gather_frame(peer, sealed, in, max, ret, why);
}

/* Opens a frame and puts it behind what `ret` holds. */
static int
open_frame(struct zmtp_peer *peer, const struct zmtp_frame *frame, struct zmtp_chunk *ret, struct fault *why)
{
    struct zmtp_box *box = peer->box;
    struct zmtp_command command;
    struct zmtp_curve_box sealed;
    struct zmtp_frame plain;
    uint8_t nonce[crypto_box_NONCEBYTES], *at = ret->bytes + ret->len;

    if (zmtp_command_parse(frame->body, &command, why) < 0 || !view_is(command.name, "MESSAGE"))
        return zmtp_peer_breach(why, PEER_BARE);
    int rc = zmtp_curve_message_parse(command.data, &sealed, why);
    if (rc < 0)
        return rc;
    struct cursor in = cursor_of(sealed.nonce);
    uint64_t number = take_u64(&in);
    if (number <= box->seen)
        return zmtp_peer_breach(why, PEER_NONCE);
    write_nonce(nonce, !box->as_server, number);

    /* The flags are opened onto the head's last byte, so that the body lies behind the head. */
    size_t size = sealed.box.len - MAC_BYTES, body = size - 1;
    size_t head = body > UINT8_MAX ? ZMTP_FRAME_HEAD_MAX : ZMTP_FRAME_HEAD_MIN;
    uint8_t *opened = at + head - 1;
    if (crypto_box_open_easy_afternm(opened, sealed.box.data, sealed.box.len, nonce, box->key) < 0)
        return zmtp_peer_breach(why, PEER_MESSAGE_BOX);
    box->seen = number;
    rc = zmtp_curve_payload_parse(view_of(opened, size), &plain, why);
    if (rc < 0)
        return rc;
    ret->len += zmtp_frame_head(at, plain.flags, body) + body;
    return 0;
}

/* The room for all that `in` and a first frame can hold. */
static struct zmtp_chunk *
make_chunk(struct zmtp_peer *peer, const struct zmtp_frame *first, struct view in)
{
    struct zmtp_chunk *chunk = zmtp_chunk_new(io_mem(peer->io), first->body.len + in.len);
    if (chunk != NULL)
        chunk->len = 0;
    return chunk;
}

static int
open_all(struct zmtp_peer *peer, struct view in, struct zmtp_chunk **ret, struct fault *why)
{
    struct zmtp_gather *sealed = &peer->box->sealed;
    struct zmtp_frame frame;
    int rc = 1;
    while (in.len > 0 && (rc = next_sealed(peer, &in, &frame, why)) > 0) {
        if (*ret == NULL && (*ret = make_chunk(peer, &frame, in)) == NULL)
            return -ERR_NO_MEMORY;
        rc = open_frame(peer, &frame, *ret, why);
        if (zmtp_gathered(sealed).len > 0)
            zmtp_gather_clear(sealed);
        if (rc < 0)
            return rc;
    }
    return rc < 0 ? rc : 0;
}

void
zmtp_box_read(struct zmtp_peer *peer, struct view in)
{
    struct zmtp_chunk *chunk = NULL;
    struct fault why = { 0 };
    int rc = open_all(peer, in, &chunk, &why);
    if (chunk != NULL)
        zmtp_read(peer, view_of(chunk->bytes, chunk->len), chunk);
    zmtp_chunk_unref(chunk);
    if (rc < 0)
        zmtp_fail(peer, rc, &why);
}
