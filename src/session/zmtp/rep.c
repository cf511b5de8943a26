/* A REP or ROUTER: it is given its queue's requests, and its answers go to their reply_to.
 *
 *     to it      | tag (4 bytes) | empty | request ... |
 *     from it    | tag           | empty | answer ...  |
 *
 * The two frames before are its envelope (RFC 28), which it gives back.  A request is settled when its answer has come;
 * the others go to the next worker when this one is gone.  A REP has one at a time, a ROUTER as many as `prefetch`
 * says. */
#include "session/zmtp/role.h"

struct request {
    struct list link; /* in guest->requests */
    struct link *from;
    uint64_t seq;
    uint32_t tag;
    uint8_t reply_to_len, correlation_id_len;
    uint8_t bytes[];
};

enum { FRONT_BYTES = 2 + 4 + 2 };

static uint32_t
window(const struct guest *g)
{
    uint32_t most = g->role == &role_rep ? 1 : g->server->settings->prefetch;
    return most > g->request_count ? most - g->request_count : 0;
}

/* ---- requests ------------------------------------------------------------------------------------------------------
 */

static struct request *
new_request(struct guest *g, struct link *link, uint64_t seq, const struct envelope *env)
{
    struct amqp_properties props;
    (void)posting_properties(env, &props);
    struct view reply_to = props.reply_to, id = props.correlation_id;
    struct request *r = mem_new(guest_mem(g), sizeof(*r) + reply_to.len + id.len);
    if (r == NULL)
        return NULL;
    r->from = link;
    r->seq = seq;
    r->tag = ++g->delivered;
    r->reply_to_len = (uint8_t)reply_to.len;
    r->correlation_id_len = (uint8_t)id.len;
    if (reply_to.len > 0)
        memcpy(r->bytes, reply_to.data, reply_to.len);
    if (id.len > 0)
        memcpy(r->bytes + reply_to.len, id.data, id.len);
    list_init(&r->link);
    list_push(&g->requests, &r->link);
    g->request_count++;
    return r;
}

static void
free_request(struct guest *g, struct request *r)
{
    list_cut(&r->link);
    g->request_count--;
    mem_free(guest_mem(g), r);
}

static void
on_deliver(struct mq_consumer *tap, struct link *link, uint64_t seq, struct publication *pub, struct entry_meta meta,
           bool redelivered)
{
    struct guest *g = container_of(tap, struct guest, tap);
    struct request *r = new_request(g, link, seq, &pub->env);
    uint8_t front[FRONT_BYTES];
    (void)meta;
    (void)redelivered;
    if (r == NULL) {
        delivery_refuse(g, link, seq);
        return;
    }
    struct pen p = pen_of(front, sizeof(front));
    put_u8(&p, ZMTP_MORE);
    put_u8(&p, sizeof(r->tag));
    put_u32(&p, r->tag);
    put_u8(&p, ZMTP_MORE);
    put_u8(&p, 0);
    (void)delivery_put(g, view_of(front, sizeof(front)), &pub->env); /* when it fails the connection ends */
    delivery_lower(g, window(g));
    guest_busy(g);
}

static void
on_cancelled(struct mq_consumer *tap)
{
    struct guest *g = container_of(tap, struct guest, tap);
    LIST_EACH(&g->requests, l)
        container_of(l, struct request, link)->from = NULL;
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
turn(struct guest *g)
{
    delivery_credit(g, window(g));
}

static void
end(struct guest *g)
{
    mq_cancel(&g->tap);
    LIST_EACH(&g->requests, l) {
        struct request *r = container_of(l, struct request, link);
        if (r->from != NULL)
            link_return(r->from, r->seq);
        free_request(g, r);
    }
    mq_detach(&g->tap);
}

/* ---- answers -------------------------------------------------------------------------------------------------------
 */

/* Cuts the envelope off; NULL: it is of no request that is open. */
static struct request *
find(const struct guest *g, struct view *message)
{
    struct zmtp_frame tag, delimiter;
    bool whole = zmtp_frame_next(message, &tag) && zmtp_frame_next(message, &delimiter);
    if (!whole || tag.body.len != sizeof(uint32_t) || delimiter.body.len != 0)
        return NULL;
    struct cursor in = cursor_of(tag.body);
    uint32_t wanted = take_u32(&in);
    LIST_EACH(&g->requests, l) {
        struct request *r = container_of(l, struct request, link);
        if (r->tag == wanted)
            return r;
    }
    return NULL;
}

/* To whom nobody listens any more, or has no room for it, it is lost. */
static int
answer(struct guest *g, const struct request *r, struct view message)
{
    struct posting posting = { .key = view_of(r->bytes, r->reply_to_len),
                               .parts = parts_of_frames(message),
                               .persistent = g->durable,
                               .correlation_id = view_of(r->bytes + r->reply_to_len, r->correlation_id_len) };
    bool routed = false;
    int rc = r->reply_to_len == 0 ? 0 : posting_publish(g, &posting, &routed);
    if (rc < 0 && rc != -ERR_FULL)
        return rc;
    g->server->host->counters.publishes_dropped += r->reply_to_len > 0 && !routed;
    return 0;
}

static int
take(struct guest *g, struct view message)
{
    struct request *r = find(g, &message);
    if (r == NULL) {
        g->server->host->counters.publishes_dropped++;
        return 0;
    }
    int rc = answer(g, r, message);
    if (rc < 0)
        return rc;
    if (r->from != NULL)
        link_accept(r->from, r->seq, true);
    free_request(g, r);
    delivery_credit(g, window(g));
    return 0;
}

#define ROLE_REP(pattern)                                                                                  \
    {                                                                                                      \
        .name = (pattern), .own = ZMTP_DEALER, .queue = offsetof(struct zmtp_served, rep), .begin = begin, \
        .take = take, .turn = turn, .end = end,                                                            \
    }
const struct role role_rep = ROLE_REP("REP"), role_router = ROLE_REP("ROUTER");
