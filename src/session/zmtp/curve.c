/* session/zmtp/curve.c - the mechanism CURVE (RFC 25, 26): both sides' keys are proven, and all traffic is sealed.
 *
 *     client   HELLO C', Box[zeros](C'>S)       INITIATE cookie, Box[C, vouch, metadata](C'>S')
 *     server           WELCOME Box[S', cookie](S>C')                READY Box[metadata](S'>C')
 *
 *     vouch    Box[C', S](C>S')
 *
 * C and S are the long-term keys, C' and S' are made for this connection.  The nonce of a box is what it is for, and
 * then 16 random bytes or a number that only grows.  The cookie is ours alone to understand; since a connection has its
 * state anyway, it is chance that must come back. */
#include <sodium.h>

#include "base/cursor.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"
#include "session/zmtp/inner.h"

enum {
    KEY_BYTES = ZMTP_KEY_BYTES,
    MAC_BYTES = crypto_box_MACBYTES,
    SHORT_NONCE = 8,
    LONG_NONCE = 16,
    COOKIE_BYTES = ZMTP_CURVE_COOKIE_BYTES,
    HELLO_PADDING = 72,
    PROOF_BYTES = 64,                          /* HELLO's zeros; the vouch's two keys */
    WELCOMED_BYTES = KEY_BYTES + COOKIE_BYTES, /* in WELCOME's box */
    VOUCH_BYTES = LONG_NONCE + PROOF_BYTES + MAC_BYTES,
    INITIATED_MIN = KEY_BYTES + VOUCH_BYTES, /* in INITIATE's box, before the metadata */
};

struct zmtp_curve {
    uint8_t public_key[KEY_BYTES], secret_key[KEY_BYTES]; /* ours, for this connection */
    uint8_t peer_key[KEY_BYTES];                          /* its public one */
    uint8_t cookie[COOKIE_BYTES];
    uint64_t sent, seen; /* the newest short nonces */
};

static struct zmtp_curve *
curve_of(struct zmtp_peer *peer)
{
    return *zmtp_shake_curve(peer);
}

static int
curve_new(struct zmtp_peer *peer)
{
    struct zmtp_curve *curve = MEM_NEW(io_mem(peer->io), struct zmtp_curve);
    if (curve == NULL)
        return -ERR_NO_MEMORY;
    must(sodium_init() >= 0);
    io_random(peer->io, curve->secret_key, KEY_BYTES);
    crypto_scalarmult_base(curve->public_key, curve->secret_key);
    *zmtp_shake_curve(peer) = curve;
    return 0;
}

void
zmtp_curve_free(struct mem *mem, struct zmtp_curve *curve)
{
    if (curve != NULL)
        sodium_memzero(curve, sizeof(*curve));
    mem_free(mem, curve);
}

/* ---- boxes ------------------------------------------------------------------------------------------------------ */

/* `what` and `tail` make 24 bytes. */
static void
write_nonce(uint8_t ret[crypto_box_NONCEBYTES], const char *what, struct view tail)
{
    struct pen pen = pen_of(ret, crypto_box_NONCEBYTES);
    put_bytes(&pen, view_str(what));
    put_bytes(&pen, tail);
    must(!pen.torn && pen_left(&pen) == 0);
}

/* Puts the box of `plain` behind what the pen has written; the nonce's tail has been put. */
static void
put_box(struct pen *pen, const char *what, struct view tail, struct view plain, const uint8_t *to, const uint8_t *from)
{
    uint8_t nonce[crypto_box_NONCEBYTES];
    size_t size = plain.len + MAC_BYTES;
    write_nonce(nonce, what, tail);
    must(size <= pen_left(pen));
    int rc = crypto_box_easy(pen->at, plain.data, plain.len, nonce, to, from);
    if (rc < 0)
        memset(pen->at, 0, size); /* a public key that is none: nobody will open it */
    pen->at += size;
}

static void
put_short_box(struct zmtp_peer *peer, struct pen *pen, const char *what, struct view plain, const uint8_t *to)
{
    struct zmtp_curve *curve = curve_of(peer);
    const uint8_t *tail = pen->at;
    put_u64(pen, ++curve->sent);
    put_box(pen, what, view_of(tail, SHORT_NONCE), plain, to, curve->secret_key);
}

static void
put_long_box(struct zmtp_peer *peer, struct pen *pen, const char *what, struct view plain, const uint8_t *to,
             const uint8_t *from)
{
    uint8_t tail[LONG_NONCE];
    io_random(peer->io, tail, sizeof(tail));
    put_bytes(pen, view_of(tail, sizeof(tail)));
    put_box(pen, what, view_of(tail, sizeof(tail)), plain, to, from);
}

/* `ret` has room for the box without its mac. */
static bool
open_box(uint8_t *ret, const char *what, struct view tail, struct view box, const uint8_t *from, const uint8_t *to)
{
    uint8_t nonce[crypto_box_NONCEBYTES];
    write_nonce(nonce, what, tail);
    return crypto_box_open_easy(ret, box.data, box.len, nonce, from, to) == 0;
}

static int
note_nonce(struct zmtp_curve *curve, struct view nonce, struct fault *why)
{
    struct cursor in = cursor_of(nonce);
    uint64_t number = take_u64(&in);
    if (number <= curve->seen)
        return zmtp_peer_breach(why, PEER_NONCE);
    curve->seen = number;
    return 0;
}

static int
denied(struct fault *why, enum peer_rule rule)
{
    return zmtp_peer_deny(why, rule);
}

/* Both short keys are known and proven: from now on all is sealed. */
static int
seal_traffic(struct zmtp_peer *peer)
{
    struct zmtp_curve *curve = curve_of(peer);
    uint8_t key[crypto_box_BEFORENMBYTES];
    int rc = crypto_box_beforenm(key, curve->peer_key, curve->secret_key);
    must(rc == 0); /* a box was opened with both */
    rc = zmtp_box_new(peer, key, curve->sent, curve->seen);
    sodium_memzero(key, sizeof(key));
    return rc;
}

static struct view
written(const struct pen *pen, const uint8_t *from)
{
    must(!pen->torn);
    return view_of(from, (size_t)(pen->at - from));
}

/* ---- the client ------------------------------------------------------------------------------------------------- */

static int
put_hello(struct zmtp_peer *peer)
{
    static const uint8_t zeros[HELLO_PADDING];
    uint8_t hello[ZMTP_CURVE_HELLO_BYTES];
    struct pen pen = pen_of(hello, sizeof(hello));
    put_u8(&pen, 1);
    put_u8(&pen, 0);
    put_bytes(&pen, view_of(zeros, HELLO_PADDING));
    put_bytes(&pen, view_of(curve_of(peer)->public_key, KEY_BYTES));
    put_short_box(peer, &pen, "CurveZMQHELLO---", view_of(zeros, PROOF_BYTES), peer->side->server_key);
    return zmtp_put_command(peer, "HELLO", written(&pen, hello));
}

static int
client_begin(struct zmtp_peer *peer)
{
    int rc = curve_new(peer);
    return rc < 0 ? rc : put_hello(peer);
}

static void
put_vouch(struct zmtp_peer *peer, struct pen *pen)
{
    const struct zmtp_curve *curve = curve_of(peer);
    uint8_t keys[PROOF_BYTES];
    memcpy(keys, curve->public_key, KEY_BYTES);
    memcpy(keys + KEY_BYTES, peer->side->server_key, KEY_BYTES);
    put_long_box(peer, pen, "VOUCH---", view_of(keys, sizeof(keys)), curve->peer_key, peer->side->secret_key);
}

static int
put_initiate(struct zmtp_peer *peer)
{
    const struct zmtp_curve *curve = curve_of(peer);
    uint8_t plain[INITIATED_MIN + METADATA_BYTES_MAX], metadata[METADATA_BYTES_MAX];
    uint8_t initiate[COOKIE_BYTES + SHORT_NONCE + sizeof(plain) + MAC_BYTES];
    struct pen inside = pen_of(plain, sizeof(plain)), pen = pen_of(initiate, sizeof(initiate));
    put_bytes(&inside, view_of(peer->side->public_key, KEY_BYTES));
    put_vouch(peer, &inside);
    put_bytes(&inside, zmtp_shake_metadata(peer, metadata));
    put_bytes(&pen, view_of(curve->cookie, COOKIE_BYTES));
    put_short_box(peer, &pen, "CurveZMQINITIATE", written(&inside, plain), curve->peer_key);
    return zmtp_put_command(peer, "INITIATE", written(&pen, initiate));
}

static int
on_welcome(struct zmtp_peer *peer, struct view data, struct fault *why)
{
    struct zmtp_curve *curve = curve_of(peer);
    struct zmtp_curve_box sealed;
    uint8_t plain[WELCOMED_BYTES];
    int rc = zmtp_curve_welcome_parse(data, &sealed, why);
    if (rc < 0)
        return rc;
    if (!open_box(plain, "WELCOME-", sealed.nonce, sealed.box, peer->side->server_key, curve->secret_key))
        return denied(why, PEER_WELCOME_BOX);
    memcpy(curve->peer_key, plain, KEY_BYTES);
    memcpy(curve->cookie, plain + KEY_BYTES, COOKIE_BYTES);
    return put_initiate(peer);
}

static int
on_ready(struct zmtp_peer *peer, struct view data, struct fault *why)
{
    struct zmtp_curve *curve = curve_of(peer);
    struct zmtp_curve_box sealed;
    uint8_t metadata[HANDSHAKE_BYTES_MAX];
    int rc = zmtp_curve_ready_parse(data, &sealed, why);
    if (rc == 0)
        rc = note_nonce(curve, sealed.nonce, why);
    if (rc < 0)
        return rc;
    if (!open_box(metadata, "CurveZMQREADY---", sealed.nonce, sealed.box, curve->peer_key, curve->secret_key))
        return denied(why, PEER_READY_BOX);
    rc = zmtp_shake_meet(peer, view_of(metadata, sealed.box.len - MAC_BYTES), why);
    return rc < 0 ? rc : seal_traffic(peer);
}

/* ---- the server ------------------------------------------------------------------------------------------------- */

static int
put_welcome(struct zmtp_peer *peer)
{
    struct zmtp_curve *curve = curve_of(peer);
    uint8_t plain[WELCOMED_BYTES], welcome[ZMTP_CURVE_WELCOME_BYTES];
    struct pen pen = pen_of(welcome, sizeof(welcome));
    io_random(peer->io, curve->cookie, COOKIE_BYTES);
    memcpy(plain, curve->public_key, KEY_BYTES);
    memcpy(plain + KEY_BYTES, curve->cookie, COOKIE_BYTES);
    put_long_box(peer, &pen, "WELCOME-", view_of(plain, sizeof(plain)), curve->peer_key, peer->side->secret_key);
    return zmtp_put_command(peer, "WELCOME", written(&pen, welcome));
}

static int
on_hello(struct zmtp_peer *peer, struct view data, struct fault *why)
{
    struct zmtp_curve_box sealed;
    uint8_t proof[PROOF_BYTES];
    int rc = zmtp_curve_hello_parse(data, &sealed, why);
    if (rc == 0)
        rc = curve_new(peer);
    if (rc == 0)
        rc = note_nonce(curve_of(peer), sealed.nonce, why);
    if (rc < 0)
        return rc;
    if (!open_box(proof, "CurveZMQHELLO---", sealed.nonce, sealed.box, sealed.front.data, peer->side->secret_key))
        return denied(why, PEER_HELLO_BOX);
    memcpy(curve_of(peer)->peer_key, sealed.front.data, KEY_BYTES);
    return put_welcome(peer);
}

/* Whoever has the client's long-term key `C` has made the vouch for this connection's key, and for us. */
static bool
vouches(struct zmtp_peer *peer, const uint8_t *client_key, const uint8_t *vouch)
{
    const struct zmtp_curve *curve = curve_of(peer);
    uint8_t keys[PROOF_BYTES], ours[KEY_BYTES];
    struct view box = view_of(vouch + LONG_NONCE, PROOF_BYTES + MAC_BYTES);
    crypto_scalarmult_base(ours, peer->side->secret_key); /* a server need not tell its public key */
    return open_box(keys, "VOUCH---", view_of(vouch, LONG_NONCE), box, client_key, curve->secret_key) &&
           sodium_memcmp(keys, curve->peer_key, KEY_BYTES) == 0 &&
           sodium_memcmp(keys + KEY_BYTES, ours, KEY_BYTES) == 0;
}

static int
put_ready(struct zmtp_peer *peer)
{
    uint8_t metadata[METADATA_BYTES_MAX], ready[SHORT_NONCE + METADATA_BYTES_MAX + MAC_BYTES];
    struct pen pen = pen_of(ready, sizeof(ready));
    put_short_box(peer, &pen, "CurveZMQREADY---", zmtp_shake_metadata(peer, metadata), curve_of(peer)->peer_key);
    return zmtp_put_command(peer, "READY", written(&pen, ready));
}

/* `plain` is what was in INITIATE's box. */
static int
meet_client(struct zmtp_peer *peer, struct view plain, struct fault *why)
{
    struct view client_key = view_of(plain.data, KEY_BYTES);
    if (!vouches(peer, plain.data, plain.data + KEY_BYTES))
        return denied(why, PEER_VOUCH);
    if (peer->on->admit != NULL && peer->on->admit(peer->arg, client_key, view_of(NULL, 0)) < 0)
        return denied(why, PEER_KEY_NOT_ADMITTED);
    int rc = zmtp_shake_meet(peer, view_from(plain, INITIATED_MIN), why);
    if (rc == 0)
        rc = put_ready(peer);
    return rc < 0 ? rc : seal_traffic(peer);
}

static int
on_initiate(struct zmtp_peer *peer, struct view data, struct fault *why)
{
    struct zmtp_curve *curve = curve_of(peer);
    struct zmtp_curve_box sealed;
    uint8_t plain[HANDSHAKE_BYTES_MAX];
    int rc = zmtp_curve_initiate_parse(data, &sealed, why);
    if (rc < 0)
        return rc;
    if (sodium_memcmp(sealed.front.data, curve->cookie, COOKIE_BYTES) != 0)
        return denied(why, PEER_COOKIE);
    rc = note_nonce(curve, sealed.nonce, why);
    if (rc < 0)
        return rc;
    if (!open_box(plain, "CurveZMQINITIATE", sealed.nonce, sealed.box, curve->peer_key, curve->secret_key))
        return denied(why, PEER_INITIATE_BOX);
    return meet_client(peer, view_of(plain, sealed.box.len - MAC_BYTES), why);
}

const struct zmtp_part zmtp_curve_client = {
    client_begin, {{ "WELCOME", on_welcome }, { "READY", on_ready }}
};
const struct zmtp_part zmtp_curve_server = {
    NULL, {{ "HELLO", on_hello }, { "INITIATE", on_initiate }}
};
