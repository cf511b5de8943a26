/* session/zmtp/command.c - commands that may come at any time once it is ready. */
#include "base/cursor.h"
#include "base/err.h"
#include "base/must.h"
#include "session/zmtp/inner.h"

/* Who reads nothing of what it is sent is not owed an answer to each PING: with much unsent, only so many. */
enum { PONGS_MAX = 1000 };

bool
zmtp_owes_pong(struct zmtp_peer *peer)
{
    if (io_unsent(peer->stream) >= UNSENT_MUCH)
        return peer->pongs++ < PONGS_MAX;
    peer->pongs = 0;
    return true;
}

static int
on_ping(struct zmtp_peer *peer, struct view data, struct fault *why)
{
    struct zmtp_ping ping;
    int rc = zmtp_ping_parse(data, &ping, why);
    if (rc < 0)
        return rc;
    zmtp_beat_ttl(peer, ping.ttl_ds);
    if (zmtp_owes_pong(peer))
        (void)zmtp_put_command(peer, "PONG", ping.context); /* a stream that fails tells so itself */
    return 0;
}

/* Ours carry a number, or (heartbeats) nothing. */
static int
on_pong(struct zmtp_peer *peer, struct view data, struct fault *why)
{
    struct view context;
    int rc = zmtp_pong_parse(data, &context, why);
    if (rc == 0)
        zmtp_beat_answered(peer);
    if (rc == 0 && context.len == sizeof(uint32_t) && peer->on->ponged != NULL) {
        struct cursor in = cursor_of(context);
        peer->on->ponged(peer->arg, take_u32(&in));
    }
    return rc;
}

int
zmtp_take_subscription(struct zmtp_peer *peer, struct view prefix, bool on, struct fault *why)
{
    int rc = peer->on->subscribed == NULL ? 0 : peer->on->subscribed(peer->arg, prefix, on);
    return rc == -ERR_FULL ? zmtp_peer_breach(why, PEER_SUBSCRIPTIONS) : rc;
}

static int
subscribe(struct zmtp_peer *peer, struct view prefix, bool on, struct fault *why)
{
    if (peer->own != ZMTP_PUB && peer->own != ZMTP_XPUB)
        return zmtp_peer_breach(why, PEER_NOT_PUBLISHER);
    return zmtp_take_subscription(peer, prefix, on, why);
}

static int
on_subscribe(struct zmtp_peer *peer, struct view data, struct fault *why)
{
    return subscribe(peer, data, true, why);
}

static int
on_cancel(struct zmtp_peer *peer, struct view data, struct fault *why)
{
    return subscribe(peer, data, false, why);
}

int
zmtp_take_error(struct zmtp_peer *peer, struct view data, struct fault *why)
{
    struct view reason;
    int rc = zmtp_error_parse(data, &reason, why);
    if (rc == 0)
        zmtp_refused(peer, reason);
    return rc;
}

static int
on_late(struct zmtp_peer *peer, struct view data, struct fault *why)
{
    (void)peer;
    (void)data;
    return zmtp_peer_breach(why, PEER_LATE_COMMAND);
}

int
zmtp_take_command(struct zmtp_peer *peer, struct view body, struct fault *why)
{
    static const struct {
        const char *name;
        zmtp_command_fn *on;
    } rows[] = {
        {"SUBSCRIBE", on_subscribe   },
        { "CANCEL",   on_cancel      },
        { "PING",     on_ping        },
        { "PONG",     on_pong        },
        { "ERROR",    zmtp_take_error},
        { "READY",    on_late        },
        { "HELLO",    on_late        },
        { "WELCOME",  on_late        },
        { "INITIATE", on_late        },
    };
    struct zmtp_command command;
    int rc = zmtp_command_parse(body, &command, why);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (view_is(command.name, rows[i].name))
            return rows[i].on(peer, command.data, why);
    return zmtp_peer_breach(why, PEER_UNKNOWN_COMMAND); /* JOIN and LEAVE are of patterns that we are none of */
}
