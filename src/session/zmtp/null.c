/* session/zmtp/null.c - the mechanism NULL (37/3.8): each side sends READY.
 *
 * Nobody has to be first, but who serves several patterns waits to hear the peer's. */
#include "session/zmtp/inner.h"

static int
begin(struct zmtp_peer *peer)
{
    return peer->on->pattern == NULL ? zmtp_shake_put_metadata(peer, "READY") : 0;
}

static int
on_ready(struct zmtp_peer *peer, struct view data, struct fault *why)
{
    int rc = zmtp_shake_meet(peer, data, why);
    return rc < 0 || peer->on->pattern == NULL ? rc : zmtp_shake_put_metadata(peer, "READY");
}

const struct zmtp_part zmtp_null = { begin, { { "READY", on_ready } } };
