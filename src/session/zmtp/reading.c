/* session/zmtp/reading.c - frames into messages and commands.
 *
 * The usual case is a buffer full of whole messages: they are counted where they lie and handed over in one call.  What
 * is not that simple (a message that straddles reads, a command, whatever is against the rules) is gathered frame by
 * frame, and only there looked at closely. */
#include "base/err.h"
#include "base/must.h"
#include "session/zmtp/inner.h"

/* ---- whole messages --------------------------------------------------------------------------------------------- */

/* The message at the front; 0 when it is not whole, or not simple. */
static size_t
whole_message(struct view in, const struct zmtp_side *side)
{
    uint64_t bytes_left = side->message_bytes_max;
    size_t n = 0;
    for (uint32_t parts = 1; parts <= side->parts_max && in.len - n >= ZMTP_FRAME_HEAD_MIN; parts++) {
        uint8_t flags = in.data[n];
        size_t head = zmtp_frame_head_bytes(flags);
        if (flags > (ZMTP_MORE | ZMTP_LONG) || in.len - n < head)
            return 0;
        uint64_t body = zmtp_frame_body_bytes(in.data + n);
        if (body > bytes_left || body > in.len - n - head)
            return 0;
        bytes_left -= body;
        n += head + (size_t)body;
        if ((flags & ZMTP_MORE) == 0)
            return n;
    }
    return 0;
}

/* The run of whole messages at the front. */
static size_t
whole_run(struct view in, const struct zmtp_side *side, uint32_t *retcount)
{
    unsigned short_max = side->message_bytes_max < UINT8_MAX ? (unsigned)side->message_bytes_max : UINT8_MAX;
    uint32_t count = 0;
    size_t n = 0, whole;
    do {
        /* Short messages of one frame: a head, and the next. */
        while (in.len - n >= ZMTP_FRAME_HEAD_MIN && in.data[n] == 0) {
            size_t body = in.data[n + 1];
            if (body > in.len - n - ZMTP_FRAME_HEAD_MIN || body > short_max)
                break;
            n += ZMTP_FRAME_HEAD_MIN + body;
            count++;
        }
        whole = whole_message(view_from(in, n), side);
        n += whole;
        count += whole > 0;
    } while (whole > 0);
    *retcount = count;
    return n;
}

/* ---- subscriptions as messages ---------------------------------------------------------------------------------- */

static bool
publishes(const struct zmtp_peer *peer)
{
    return peer->own == ZMTP_PUB || peer->own == ZMTP_XPUB;
}

/* Peers before 3.1 subscribe so, and users of XSUB. */
static bool
is_subscription(struct view message, struct zmtp_frame *ret)
{
    bool alone = zmtp_frame_next(&message, ret) && (ret->flags & ZMTP_MORE) == 0;
    return alone && ret->body.len > 0 && ret->body.data[0] <= 1;
}

/* ---- handing over ----------------------------------------------------------------------------------------------- */

static int
hand_over(struct zmtp_peer *peer, struct view run, uint32_t count, struct zmtp_chunk *chunk, struct fault *why)
{
    struct zmtp_frame frame;
    int rc = 0;
    if (!publishes(peer)) {
        peer->on->messages(peer->arg, run, count, chunk);
        return 0;
    }
    for (; rc == 0 && count > 0 && peer->phase == ZMTP_READY; count--) {
        struct view message = view_of(run.data, zmtp_message_bytes(run));
        run = view_from(run, message.len);
        if (is_subscription(message, &frame))
            rc = zmtp_take_subscription(peer, view_from(frame.body, 1), frame.body.data[0] == 1, why);
        else
            peer->on->messages(peer->arg, message, 1, chunk);
    }
    return rc;
}

/* ---- frame by frame --------------------------------------------------------------------------------------------- */

int
zmtp_gather_frame(struct zmtp_peer *peer, struct zmtp_gather *gather, struct view *in, uint64_t body_bytes_max,
                  struct zmtp_frame *ret, struct fault *why)
{
    for (;;) {
        uint64_t need = 0;
        int64_t n = zmtp_frame_parse(zmtp_gathered(gather), body_bytes_max, peer->major >= 3, ret, &need, why);
        if (n == -ERR_TOO_LARGE)
            return zmtp_peer_breach(why, PEER_MESSAGE_SIZE);
        if (n != 0)
            return n < 0 ? (int)n : 1;
        if (in->len == 0)
            return 0;
        int rc = zmtp_gather_add(gather, io_mem(peer->io), in, need);
        if (rc < 0)
            return rc;
    }
}

/* The gathered frames are a message. */
static int
complete(struct zmtp_peer *peer, struct fault *why)
{
    struct zmtp_chunk *chunk = zmtp_gather_take(&peer->gather);
    int rc = hand_over(peer, view_of(chunk->bytes, chunk->len), 1, chunk, why);
    zmtp_chunk_unref(chunk);
    return rc;
}

static int
take_frame(struct zmtp_peer *peer, const struct zmtp_frame *frame, struct fault *why)
{
    struct zmtp_gather *gather = &peer->gather;
    if ((frame->flags & ZMTP_COMMAND) != 0) {
        int rc = zmtp_take_command(peer, frame->body, why);
        zmtp_gather_cut(gather);
        return rc;
    }
    if (++gather->parts > peer->side->parts_max)
        return zmtp_peer_breach(why, PEER_PARTS);
    gather->body_bytes += frame->body.len;
    gather->frame = gather->chunk->len;
    return (frame->flags & ZMTP_MORE) != 0 ? 0 : complete(peer, why);
}

/* Whatever stands at the front: one frame more, or -err, or 0 and `in` is used up. */
static int
gather(struct zmtp_peer *peer, struct view *in, struct fault *why)
{
    struct zmtp_frame frame;
    uint64_t left = peer->side->message_bytes_max - peer->gather.body_bytes;
    int rc = zmtp_gather_frame(peer, &peer->gather, in, left, &frame, why);
    return rc <= 0 ? rc : take_frame(peer, &frame, why);
}

static bool
within_message(const struct zmtp_peer *peer)
{
    return peer->gather.chunk != NULL && peer->gather.chunk->len > 0;
}

static int
run(struct zmtp_peer *peer, struct view *in, struct zmtp_chunk *chunk, struct fault *why)
{
    uint32_t count = 0;
    size_t n = within_message(peer) ? 0 : whole_run(*in, peer->side, &count);
    if (n == 0)
        return gather(peer, in, why);
    struct view whole = view_of(in->data, n);
    *in = view_from(*in, n);
    return hand_over(peer, whole, count, chunk, why);
}

void
zmtp_read(struct zmtp_peer *peer, struct view in, struct zmtp_chunk *chunk)
{
    struct fault why = { 0 };
    int rc = 0;
    while (rc == 0 && in.len > 0 && peer->phase == ZMTP_READY)
        rc = run(peer, &in, chunk, &why);
    if (rc < 0)
        zmtp_fail(peer, rc, &why);
    if (!within_message(peer))
        zmtp_gather_clear(&peer->gather);
}
