/* A REQ or DEALER: its requests go into its queue, and wait there until somebody answers.
 *
 * The frames before the first empty one, with that, are the envelope (RFC 28), which the answer needs: it is the
 * correlation_id, "z" and hexadecimal digits, and comes back with the answer.  Answers come to a queue of the
 * connection's own, which is the reply_to, and which is gone with it. */
#include "session/zmtp/role.h"

enum { CORRELATION_BYTES_MAX = 1 + 2 * ZMTP_ENVELOPE_BYTES_MAX };

/* ---- envelopes ----------------------------------------------------------------------------------------------------
 */

/* Cuts it off the message; a DEALER's may have none. */
static struct view
cut_envelope(struct view *message)
{
    struct view rest = *message;
    struct zmtp_frame frame;
    while (zmtp_frame_next(&rest, &frame))
        if (frame.body.len == 0) {
            struct view envelope = view_of(message->data, message->len - rest.len);
            *message = rest;
            return envelope;
        }
    return view_of(NULL, 0);
}

static struct view
print_envelope(struct view envelope, uint8_t room[CORRELATION_BYTES_MAX])
{
    static const char digits[] = "0123456789abcdef";
    size_t n = 0;
    room[n++] = 'z';
    for (size_t i = 0; i < envelope.len; i++) {
        room[n++] = (uint8_t)digits[envelope.data[i] >> 4];
        room[n++] = (uint8_t)digits[envelope.data[i] & 15];
    }
    return view_of(room, n);
}

static int
digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
read_digits(struct view text, uint8_t *ret)
{
    for (size_t i = 0; i + 1 < text.len; i += 2) {
        int high = digit(text.data[i]), low = digit(text.data[i + 1]);
        if (high < 0 || low < 0)
            return false;
        ret[i / 2] = (uint8_t)(high << 4 | low);
    }
    return text.len % 2 == 0;
}

/* Whole frames; something always follows them. */
static bool
make_front(uint8_t *bytes, size_t n)
{
    struct zmtp_frame frame;
    struct fault why;
    uint64_t need;
    for (size_t at = 0; at < n;) {
        int64_t size = zmtp_frame_parse(view_of(bytes + at, n - at), n, false, &frame, &need, &why);
        if (size <= 0)
            return false;
        bytes[at] |= ZMTP_MORE;
        at += (size_t)size;
    }
    return true;
}

/* Who answers without the correlation_id gets what a REQ awaits: an empty frame. */
static struct view
read_envelope(struct view correlation_id, uint8_t room[ZMTP_ENVELOPE_BYTES_MAX])
{
    static const uint8_t delimiter[] = { ZMTP_MORE, 0 };
    size_t n = correlation_id.len / 2;
    bool ours = correlation_id.len > 0 && correlation_id.len <= CORRELATION_BYTES_MAX && correlation_id.data[0] == 'z';
    if (ours && read_digits(view_from(correlation_id, 1), room) && make_front(room, n))
        return view_of(room, n);
    return view_of(delimiter, sizeof(delimiter));
}

/* ---- answers ------------------------------------------------------------------------------------------------------
 */

static void
on_deliver(struct mq_consumer *tap, struct link *link, uint64_t seq, struct publication *pub, struct entry_meta meta,
           bool redelivered)
{
    struct guest *g = container_of(tap, struct guest, tap);
    struct amqp_properties props;
    uint8_t room[ZMTP_ENVELOPE_BYTES_MAX];
    (void)meta;
    (void)redelivered;
    (void)posting_properties(&pub->env, &props);
    (void)delivery_put(g, read_envelope(props.correlation_id, room), &pub->env); /* or nobody awaits it any more */
    link_accept(link, seq, true);
    delivery_lower(g, ZMTP_ANSWERS_MAX);
    guest_busy(g);
}

static void
on_cancelled(struct mq_consumer *tap)
{
    guest_leave(container_of(tap, struct guest, tap), "the queue of its answers is gone");
}

static const struct mq_consumer_ops ops = { .deliver = on_deliver,
                                            .revoked = delivery_revoked,
                                            .cancelled = on_cancelled };

static int
begin(struct guest *g)
{
    struct queue_spec spec = { .exclusive = true, .owner = g };
    struct vhost *vhost = zmtp_vhost(g->server);
    struct refusal why;
    struct mq_facts facts;
    struct mq *mq;
    int rc = vhost == NULL ? -ERR_NOT_FOUND : mq_declare(vhost, &spec, &mq, NULL, NULL, &why);
    if (rc < 0)
        return rc;
    mq_facts(mq, &facts);
    must(facts.name.len <= sizeof(g->answers));
    memcpy(g->answers, facts.name.data, facts.name.len);
    g->answers_len = (uint8_t)facts.name.len;
    rc = delivery_attach(g, mq, &ops);
    if (rc == 0)
        delivery_credit(g, ZMTP_ANSWERS_MAX);
    return rc;
}

static void
turn(struct guest *g)
{
    delivery_credit(g, ZMTP_ANSWERS_MAX);
}

static void
end(struct guest *g)
{
    struct vhost *vhost = zmtp_vhost(g->server);
    mq_detach(&g->tap);
    if (vhost != NULL)
        mq_owner_gone(vhost, g);
}

/* ---- requests -----------------------------------------------------------------------------------------------------
 */

static int
take(struct guest *g, struct view message)
{
    uint8_t room[CORRELATION_BYTES_MAX];
    struct view envelope = cut_envelope(&message);
    if (envelope.len > ZMTP_ENVELOPE_BYTES_MAX) {
        guest_leave(g, "an envelope of more than %d bytes", ZMTP_ENVELOPE_BYTES_MAX);
        return 0;
    }
    struct posting posting = { .key = guest_queue(g),
                               .parts = parts_of_frames(message),
                               .persistent = g->durable,
                               .reply_to = view_of(g->answers, g->answers_len),
                               .correlation_id = print_envelope(envelope, room) };
    return posting_enqueue(g, &posting);
}

#define ROLE_REQ(pattern)                                                                                  \
    {                                                                                                      \
        .name = (pattern), .own = ZMTP_ROUTER, .queue = offsetof(struct zmtp_served, req), .begin = begin, \
        .take = take, .turn = turn, .end = end,                                                            \
    }
const struct role role_req = ROLE_REQ("REQ"), role_dealer = ROLE_REQ("DEALER");
