/* From a queue to a peer: what goes into the frames, and how much at once. */
#include "session/zmtp/role.h"

enum { DIRECT_BYTES_MAX = 4096 }; /* written into the outbox at once; what is more goes by reference */

/* ---- frames ------------------------------------------------------------------------------------------------------ */

/* A message has a frame, also when it is of no parts. */
static bool
goes_as_it_is(const struct parts *parts)
{
    return parts->framed && parts->body.len > 0;
}

static size_t
size_of(struct view front, const struct parts *parts)
{
    uint8_t head[ZMTP_FRAME_HEAD_MAX];
    size_t head_bytes = goes_as_it_is(parts) ? 0 : zmtp_frame_head(head, 0, parts->body.len);
    return front.len + head_bytes + parts->body.len;
}

static void
write_message(uint8_t *at, struct view front, const struct parts *parts)
{
    if (front.len > 0)
        memcpy(at, front.data, front.len);
    at += front.len;
    if (!goes_as_it_is(parts))
        at += zmtp_frame_head(at, 0, parts->body.len);
    if (parts->body.len > 0)
        memcpy(at, parts->body.data, parts->body.len);
}

static struct zmtp_chunk *
new_chunk(struct mem *mem, struct view front, const struct parts *parts)
{
    struct zmtp_chunk *chunk = zmtp_chunk_new(mem, size_of(front, parts));
    if (chunk != NULL)
        write_message(chunk->bytes, front, parts);
    return chunk;
}

struct zmtp_chunk *
delivery_chunk(struct mem *mem, struct view topic, const struct envelope *env)
{
    static const struct view none;
    struct parts parts = parts_of_envelope(env), first = { .body = topic };
    bool alone = parts.framed && parts.body.len == 0;
    size_t n = size_of(none, &first);
    struct zmtp_chunk *chunk = zmtp_chunk_new(mem, n + (alone ? 0 : size_of(none, &parts)));
    if (chunk == NULL)
        return NULL;
    write_message(chunk->bytes, none, &first);
    if (alone)
        return chunk;
    chunk->bytes[0] |= ZMTP_MORE;
    write_message(chunk->bytes + n, none, &parts);
    return chunk;
}

static int
put_chunk(struct guest *g, struct view front, const struct parts *parts)
{
    struct zmtp_chunk *chunk = new_chunk(guest_mem(g), front, parts);
    if (chunk == NULL) {
        zmtp_peer_abort(g->peer);
        return -ERR_NO_MEMORY;
    }
    struct zmtp_slice slice = { chunk, view_of(chunk->bytes, chunk->len) };
    int rc = zmtp_peer_put(g->peer, &slice);
    zmtp_chunk_unref(chunk);
    return rc;
}

static int
put(struct guest *g, struct view front, const struct envelope *env)
{
    struct parts parts = parts_of_envelope(env);
    size_t n = size_of(front, &parts);
    uint8_t *at = n > DIRECT_BYTES_MAX ? NULL : zmtp_peer_room(g->peer, n);
    if (at == NULL)
        return put_chunk(g, front, &parts);
    write_message(at, front, &parts);
    zmtp_peer_room_done(g->peer, n);
    return 0;
}

void
delivery_count(struct guest *g, size_t bytes)
{
    struct counters *counters = &g->server->host->counters;
    counters->packets_out++;
    counters->publishes_out++;
    counters->publish_bytes_out += bytes;
    counters->bytes_out += bytes;
    if (zmtp_peer_unsent(g->peer) > ZMTP_OUTBOX_HIGH_BYTES)
        g->choked = true;
}

int
delivery_put(struct guest *g, struct view front, const struct envelope *env)
{
    int rc = g->leaving ? -ERR_RESET : put(g, front, env);
    if (rc == 0)
        delivery_count(g, env->body.len);
    return rc;
}

/* ---- how much ------------------------------------------------------------------------------------------------------
 */

int
delivery_attach(struct guest *g, struct mq *mq, const struct mq_consumer_ops *ops)
{
    struct refusal why;
    g->tap.ops = ops;
    int rc = mq_attach(mq, &g->tap, view_of(NULL, 0), &why);
    if (rc == -ERR_REFUSED)
        guest_leave(g, "%s", why.text);
    return rc;
}

int
delivery_begin(struct guest *g, const struct mq_consumer_ops *ops, uint32_t window)
{
    struct mq *mq = guest_mq(g);
    int rc = mq == NULL ? -ERR_NOT_FOUND : delivery_attach(g, mq, ops);
    if (rc == 0)
        delivery_credit(g, window);
    return rc;
}

static uint32_t
bounded(const struct guest *g, uint32_t window)
{
    return g->choked || g->leaving ? 0 : window;
}

void
delivery_credit(struct guest *g, uint32_t window)
{
    if (g->tap.mq != NULL && g->tap.credit != bounded(g, window))
        mq_credit(&g->tap, bounded(g, window));
}

void
delivery_lower(struct guest *g, uint32_t window)
{
    if (g->tap.credit > bounded(g, window))
        mq_credit(&g->tap, bounded(g, window));
}

void
delivery_refuse(struct guest *g, struct link *link, uint64_t seq)
{
    delivery_lower(g, 0);
    if (link != NULL)
        link_release(link, seq);
    guest_leave(g, "no memory to remember what it was given");
}

void
delivery_revoked(struct mq_consumer *tap, struct link *link, uint64_t seq)
{
    (void)tap;
    (void)link;
    (void)seq;
}
