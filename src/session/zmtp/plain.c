/* session/zmtp/plain.c - the mechanism PLAIN (RFC 24): a user name and a password, in the clear.
 *
 *     client   HELLO user password    INITIATE metadata
 *     server                WELCOME                READY metadata */
#include "base/cursor.h"
#include "base/err.h"
#include "base/must.h"
#include "session/zmtp/inner.h"

/* ---- the client ------------------------------------------------------------------------------------------------- */

static void
put_tiny(struct pen *pen, struct view v)
{
    must(v.len <= UINT8_MAX);
    put_u8(pen, (uint8_t)v.len);
    put_bytes(pen, v);
}

static int
client_begin(struct zmtp_peer *peer)
{
    uint8_t hello[2 * (1 + UINT8_MAX)];
    struct pen pen = pen_of(hello, sizeof(hello));
    put_tiny(&pen, peer->side->user);
    put_tiny(&pen, peer->side->password);
    return zmtp_put_command(peer, "HELLO", view_of(hello, (size_t)(pen.at - hello)));
}

static int
on_welcome(struct zmtp_peer *peer, struct view data, struct fault *why)
{
    int rc = zmtp_welcome_parse(data, why);
    return rc < 0 ? rc : zmtp_shake_put_metadata(peer, "INITIATE");
}

/* ---- the server ------------------------------------------------------------------------------------------------- */

static int
on_hello(struct zmtp_peer *peer, struct view data, struct fault *why)
{
    struct view user, password;
    int rc = zmtp_hello_parse(data, &user, &password, why);
    if (rc < 0)
        return rc;
    if (peer->on->admit != NULL && peer->on->admit(peer->arg, user, password) < 0)
        return zmtp_peer_deny(why, PEER_NOT_ADMITTED);
    return zmtp_put_command(peer, "WELCOME", view_of(NULL, 0));
}

static int
on_initiate(struct zmtp_peer *peer, struct view data, struct fault *why)
{
    int rc = zmtp_shake_meet(peer, data, why);
    return rc < 0 ? rc : zmtp_shake_put_metadata(peer, "READY");
}

const struct zmtp_part zmtp_plain_client = {
    client_begin, {{ "WELCOME", on_welcome }, { "READY", zmtp_shake_meet }}
};
const struct zmtp_part zmtp_plain_server = {
    NULL, {{ "HELLO", on_hello }, { "INITIATE", on_initiate }}
};
