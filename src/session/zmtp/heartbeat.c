/* session/zmtp/heartbeat.c - is the other side still there? (37/5)
 *
 * Whatever comes is a sign of life.  After `heartbeat_ms` without one a PING is put, after `heartbeat_timeout_ms`, or
 * the time to live that the peer has told in a PING, it is gone.  Only peers of 3.1 are pinged, and only they are held
 * to it.
 *
 * While its user does not read (zmtp_peer_pause), nothing can be heard, so nothing is concluded from silence; and
 * nobody answers the other side's PINGs, so that one is sent a PING of ours at each interval: it hears that we live.
 * Our PINGs tell no time to live, because a side that lets its peer wait does not hear it.
 *
 * Other implementations send no such PINGs: at its high-water mark libzmq reads nothing and says nothing for as long as
 * its user likes.  Therefore silence counts only while no message of ours can stand before the PING, that is, from the
 * PONG of one behind all messages until the next message.  Else it is asked whether the peer's machine still answers
 * (io_unheard_ms): one that is gone is left after the same time, or a little later.  A REQ is always strict: its one
 * request cannot be too much for anybody. */
#include "base/err.h"
#include "session/zmtp/inner.h"

#define NS_A_MS UINT64_C(1000000)
#define NS_A_DS (100 * NS_A_MS)

static uint64_t
earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* UINT64_MAX: none is sent. */
static uint64_t
next_ping_ns(const struct zmtp_peer *peer)
{
    uint64_t since = peer->paused || peer->pinged_ns > peer->heard_ns ? peer->pinged_ns : peer->heard_ns;
    if (peer->side->heartbeat_ms == 0 || !zmtp_peer_can_ping(peer))
        return UINT64_MAX;
    return since + peer->side->heartbeat_ms * NS_A_MS;
}

static bool
holds_to_it(const struct zmtp_peer *peer)
{
    return peer->side->heartbeat_ms > 0 && peer->side->heartbeat_timeout_ms > 0 && zmtp_peer_can_ping(peer);
}

/* UINT64_MAX: it may be silent for ever. */
static uint64_t
gone_ns(const struct zmtp_peer *peer)
{
    uint64_t silence_ns = UINT64_MAX;
    if (peer->paused)
        return UINT64_MAX;
    if (holds_to_it(peer) && !peer->is_behind)
        silence_ns = peer->side->heartbeat_timeout_ms * NS_A_MS;
    if (peer->ttl_ds > 0)
        silence_ns = earlier(silence_ns, peer->ttl_ds * NS_A_DS);
    return silence_ns == UINT64_MAX ? UINT64_MAX : peer->heard_ns + silence_ns;
}

static void
wait_on(struct zmtp_peer *peer)
{
    uint64_t at_ns = earlier(next_ping_ns(peer), gone_ns(peer));
    if (at_ns == UINT64_MAX)
        io_timer_cut(peer->io, &peer->timer);
    else
        zmtp_set_timer(peer, at_ns);
}

void
zmtp_beat_start(struct zmtp_peer *peer)
{
    peer->heard_ns = peer->pinged_ns = io_now_ns(peer->io);
    wait_on(peer);
}

/* With each PING there is something to be acknowledged. */
static bool
is_unheard(const struct zmtp_peer *peer)
{
    return holds_to_it(peer) && (peer->is_behind || peer->paused) &&
           io_unheard_ms(peer->stream) >= peer->side->heartbeat_timeout_ms;
}

void
zmtp_beat_asked(struct zmtp_peer *peer)
{
    peer->has_said = false;
    if (peer->pings < UINT8_MAX)
        peer->pings++;
}

void
zmtp_beat_answered(struct zmtp_peer *peer)
{
    if (peer->pings > 0)
        peer->pings--;
    if (peer->pings > 0 || peer->has_said || !peer->is_behind)
        return;
    peer->is_behind = false;
    wait_on(peer);
}

void
zmtp_beat(struct zmtp_peer *peer)
{
    static const uint8_t no_ttl[2];
    uint64_t now_ns = io_now_ns(peer->io);
    if (gone_ns(peer) <= now_ns || is_unheard(peer)) {
        zmtp_fail(peer, -ERR_TIMEOUT, NULL);
        return;
    }
    if (next_ping_ns(peer) <= now_ns) {
        peer->pinged_ns = now_ns;
        /* One that does not read what it is sent needs no more of them. */
        if (io_unsent(peer->stream) < UNSENT_MUCH &&
            zmtp_put_command(peer, "PING", view_of(no_ttl, sizeof(no_ttl))) == 0)
            zmtp_beat_asked(peer);
    }
    if (peer->phase == ZMTP_READY)
        wait_on(peer);
}

void
zmtp_beat_ttl(struct zmtp_peer *peer, uint16_t ttl_ds)
{
    if (peer->ttl_ds == ttl_ds)
        return;
    peer->ttl_ds = ttl_ds;
    wait_on(peer);
}

void
zmtp_peer_pause(struct zmtp_peer *peer)
{
    if (peer->paused || peer->phase == ZMTP_CLOSING)
        return;
    peer->paused = true;
    io_read_pause(peer->stream);
}

void
zmtp_peer_resume(struct zmtp_peer *peer)
{
    if (!peer->paused || peer->phase == ZMTP_CLOSING)
        return;
    peer->paused = false;
    peer->heard_ns = io_now_ns(peer->io);
    io_read_resume(peer->stream);
    if (peer->phase == ZMTP_READY)
        wait_on(peer);
}
