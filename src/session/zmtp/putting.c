/* session/zmtp/putting.c - runs and commands into the stream's outbox. */
#include "base/cursor.h"
#include "base/err.h"
#include "base/must.h"
#include "session/zmtp/inner.h"

/* A stream that broke tells so itself; without memory a part of a message may be lost, so the connection is. */
static int
doom(struct zmtp_peer *peer)
{
    int rc = io_refusal(peer->stream);
    if (rc == -ERR_NO_MEMORY)
        zmtp_fail(peer, rc, NULL);
    return rc;
}

size_t
zmtp_head_bytes(const struct zmtp_peer *peer, size_t body)
{
    if (peer->web != NULL)
        return zmtp_web_head_bytes(peer, body);
    return body > UINT8_MAX ? ZMTP_FRAME_HEAD_MAX : ZMTP_FRAME_HEAD_MIN;
}

size_t
zmtp_put_head(struct zmtp_peer *peer, uint8_t *at, unsigned flags, size_t body)
{
    return peer->web != NULL ? zmtp_web_head(peer, at, flags, body) : zmtp_frame_head(at, flags, body);
}

/* One frame whose body is these pieces, in a box where there is one. */
static int
put_frame(struct zmtp_peer *peer, unsigned flags, const struct view *pieces, size_t count)
{
    size_t body = 0;
    for (size_t i = 0; i < count; i++)
        body += pieces[i].len;
    size_t front = peer->box != NULL ? zmtp_box_front(peer, body) : zmtp_head_bytes(peer, body);
    uint8_t *at = io_put_room(peer->stream, front + body);
    if (at == NULL)
        return doom(peer);
    struct pen pen = pen_of(at + front, body);
    for (size_t i = 0; i < count; i++)
        put_bytes(&pen, pieces[i]);
    if (peer->box != NULL)
        zmtp_box_seal(peer, at, flags, body);
    else
        zmtp_put_head(peer, at, flags, body);
    if (peer->web != NULL)
        zmtp_web_mask(peer, at, front + body);
    io_put_done(peer->stream, front + body);
    return 0;
}

/* ---- runs ------------------------------------------------------------------------------------------------------- */

/* What is put is not what leaves: it goes frame by frame. */
static bool
is_reframed(const struct zmtp_peer *peer)
{
    return peer->box != NULL || peer->web != NULL;
}

static int
put_frames(struct zmtp_peer *peer, struct view run)
{
    struct zmtp_frame frame;
    int rc = 0;
    while (rc == 0 && zmtp_frame_next(&run, &frame))
        rc = put_frame(peer, frame.flags, &frame.body, 1);
    return rc;
}

int
zmtp_peer_put_copy(struct zmtp_peer *peer, struct view run)
{
    if (peer->phase != ZMTP_READY)
        return -ERR_STATE;
    zmtp_beat_said(peer);
    if (is_reframed(peer))
        return put_frames(peer, run);
    return io_put(peer->stream, run) < 0 ? doom(peer) : 0;
}

static void
release(void *arg)
{
    zmtp_chunk_unref(arg);
}

int
zmtp_peer_put(struct zmtp_peer *peer, const struct zmtp_slice *slice)
{
    if (peer->phase != ZMTP_READY || is_reframed(peer) || slice->run.len < REFER_BYTES_MIN)
        return zmtp_peer_put_copy(peer, slice->run);
    zmtp_beat_said(peer);
    if (io_put_ref(peer->stream, slice->run, release, zmtp_chunk_ref(slice->chunk)) == 0)
        return 0;
    zmtp_chunk_unref(slice->chunk);
    return doom(peer);
}

uint8_t *
zmtp_peer_room(struct zmtp_peer *peer, size_t n)
{
    return peer->phase != ZMTP_READY || is_reframed(peer) ? NULL : io_put_room(peer->stream, n);
}

void
zmtp_peer_room_done(struct zmtp_peer *peer, size_t n)
{
    zmtp_beat_said(peer);
    io_put_done(peer->stream, n);
}

/* ---- commands --------------------------------------------------------------------------------------------------- */

int
zmtp_put_command(struct zmtp_peer *peer, const char *name, struct view data)
{
    uint8_t name_bytes = (uint8_t)strlen(name);
    const struct view pieces[] = { view_of(&name_bytes, 1), view_str(name), data };
    return put_frame(peer, ZMTP_COMMAND, pieces, COUNT_OF(pieces));
}

/* Before 3.1 a subscription is a message whose first byte is 1 or 0. */
static int
put_subscription(struct zmtp_peer *peer, struct view prefix, bool on)
{
    uint8_t first = on;
    const struct view pieces[] = { view_of(&first, 1), prefix };
    return put_frame(peer, 0, pieces, COUNT_OF(pieces));
}

int
zmtp_peer_subscribe(struct zmtp_peer *peer, struct view prefix, bool on)
{
    if (peer->phase != ZMTP_READY)
        return -ERR_STATE;
    zmtp_beat_said(peer); /* an XPUB hands them to its user */
    if (peer->major < 3 || peer->minor < 1)
        return put_subscription(peer, prefix, on);
    return zmtp_put_command(peer, on ? "SUBSCRIBE" : "CANCEL", prefix);
}

bool
zmtp_peer_is_through(struct zmtp_peer *peer)
{
    if (peer->phase != ZMTP_READY || !peer->is_behind || !zmtp_peer_can_ping(peer))
        return zmtp_peer_unsent(peer) == 0;
    if (peer->has_said)
        (void)zmtp_peer_ping(peer, 0); /* without memory it is tried again, or the connection is lost */
    return false;
}

int
zmtp_peer_ping(struct zmtp_peer *peer, uint32_t number)
{
    uint8_t data[2 + 4];
    struct pen pen = pen_of(data, sizeof(data));
    if (peer->phase != ZMTP_READY || !zmtp_peer_can_ping(peer))
        return -ERR_STATE;
    put_u16(&pen, 0);
    put_u32(&pen, number);
    int rc = zmtp_put_command(peer, "PING", view_of(data, sizeof(data)));
    if (rc == 0)
        zmtp_beat_asked(peer);
    return rc;
}
