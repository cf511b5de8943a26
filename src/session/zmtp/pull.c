/* A PULL: a consumer of its queue.
 *
 * ZMTP has no acknowledgement.  A PING stands behind what a turn has delivered; when its PONG has come, the peer has
 * read all that stood before, and it is settled.  A peer before 3.1 cannot be asked: what has left the outbox is
 * settled.  What is not settled goes back when the connection ends. */
#include "session/zmtp/role.h"

static uint32_t
window(const struct guest *g)
{
    uint32_t most = g->server->settings->prefetch;
    return most > g->unsettled.count ? most - g->unsettled.count : 0;
}

static void
on_deliver(struct mq_consumer *tap, struct link *link, uint64_t seq, struct publication *pub, struct entry_meta meta,
           bool redelivered)
{
    struct guest *g = container_of(tap, struct guest, tap);
    struct unsettled unsettled = { .link = link, .seq = seq };
    (void)meta;
    (void)redelivered;
    if (fifo_push(&g->unsettled, &unsettled) < 0) {
        delivery_refuse(g, link, seq);
        return;
    }
    (void)delivery_put(g, view_of(NULL, 0), &pub->env); /* when it fails the connection ends, and it goes back */
    delivery_lower(g, window(g));
    guest_busy(g);
}

static void
on_cancelled(struct mq_consumer *tap)
{
    struct guest *g = container_of(tap, struct guest, tap);
    fifo_clear(&g->unsettled);
    guest_leave(g, "its queue '%.*s' is gone", (int)g->queue_len, g->queue);
}

static const struct mq_consumer_ops ops = { .deliver = on_deliver,
                                            .revoked = delivery_revoked,
                                            .cancelled = on_cancelled };

static int
begin(struct guest *g)
{
    return delivery_begin(g, &ops, window(g));
}

static void
settle(struct guest *g, uint32_t count)
{
    for (; count > 0 && g->unsettled.count > 0; count--) {
        struct unsettled first = *(const struct unsettled *)fifo_first(&g->unsettled);
        fifo_pop(&g->unsettled);
        if (first.link != NULL)
            link_accept(first.link, first.seq, true);
    }
    delivery_credit(g, window(g));
}

static void
ask(struct guest *g)
{
    if (g->pinged || g->unsettled.count == 0 || zmtp_peer_ping(g->peer, g->ping + 1) < 0)
        return;
    g->ping++;
    g->pinged = true;
    g->covered = g->unsettled.count;
}

static void
turn(struct guest *g)
{
    if (zmtp_peer_can_ping(g->peer)) {
        delivery_credit(g, window(g));
        ask(g);
    } else if (g->unsettled.count > 0 && zmtp_peer_unsent(g->peer) > 0) {
        guest_busy(g);
    } else {
        settle(g, g->unsettled.count);
    }
}

static void
on_ponged(struct guest *g, uint32_t number)
{
    if (!g->pinged || number != g->ping)
        return;
    g->pinged = false;
    settle(g, g->covered);
    if (g->unsettled.count > 0)
        guest_busy(g);
}

static void
end(struct guest *g)
{
    mq_cancel(&g->tap);
    for (const struct unsettled *u; (u = fifo_first(&g->unsettled)) != NULL; fifo_pop(&g->unsettled))
        if (u->link != NULL)
            link_return(u->link, u->seq);
    mq_detach(&g->tap);
    fifo_fini(&g->unsettled);
}

const struct role role_pull = {
    .name = "PULL",
    .own = ZMTP_PUSH,
    .queue = offsetof(struct zmtp_served, pull),
    .begin = begin,
    .ponged = on_ponged,
    .turn = turn,
    .end = end,
};
