/* Which queues a publication reaches.
 *
 * An exchange that it comes to is passed once: what its bindings match are queues, and exchanges that are passed after
 * it; when nothing matched, its alternate exchange is.  They wait in catalog->walk, so that a chain of exchanges, or a
 * circle, costs no depth.  CC and BCC headers are further routing keys.  Nothing is allocated. */
#include "catalog/inner.h"
#include "route/key.h"

enum { KEY_ROOM = 4096 };

/* A publication on its way. */
struct trip {
    struct catalog *catalog;
    struct outgoing *out;
    struct view key, headers;
    struct view cc, bcc; /* arrays of further keys */
    bool delayed;
};

/* The keys that it goes by, one after the other; zeroed before the first. */
struct keys {
    unsigned list;
    struct cursor at;
};

static bool
next_key(const struct trip *trip, struct keys *keys, struct view *ret)
{
    const struct view lists[] = { trip->cc, trip->bcc };
    struct amqp_value v;
    if (keys->list == 0) {
        keys->list = 1;
        keys->at = cursor_of(trip->cc);
        *ret = trip->key;
        return true;
    }
    for (;;) {
        while (amqp_array_next(&keys->at, &v))
            if (v.type == 'S') {
                *ret = v.bytes;
                return true;
            }
        if (keys->list == 2)
            return false;
        keys->at = cursor_of(lists[keys->list++]);
    }
}

static void
enter(struct catalog *catalog, const struct outgoing *out, struct xchg *x)
{
    if (x->stamp == out->exchange->stamp)
        return;
    x->stamp = out->exchange->stamp;
    list_push(&catalog->walk, &x->walk);
}

static void
follow(const struct trip *trip, const struct binding *b)
{
    if (b->mq != NULL)
        mq_plan(b->mq, trip->out);
    else
        enter(trip->catalog, trip->out, b->xchg);
}

/* ---- one type each: 1 when something matched, 0, or -err ------------------------------------------------------ */

static int
pass_default(struct trip *trip, struct xchg *x)
{
    struct keys keys = { 0 };
    struct view key;
    int any = 0;
    while (next_key(trip, &keys, &key)) {
        struct mq *mq = mq_find(x->vhost, key);
        if (mq == NULL)
            continue;
        mq_plan(mq, trip->out);
        any = 1;
    }
    return any;
}

static int
pass_direct(struct trip *trip, struct xchg *x)
{
    struct keys keys = { 0 };
    struct view key;
    int any = 0;
    while (next_key(trip, &keys, &key))
        for (struct binding *b = binding_by_key(x, key); b != NULL; b = b->next_same) {
            follow(trip, b);
            any = 1;
        }
    return any;
}

static int
pass_fanout(struct trip *trip, struct xchg *x)
{
    LIST_EACH(&x->bindings, l)
        follow(trip, container_of(l, struct binding, from));
    return !list_empty(&x->bindings);
}

static int
pass_headers(struct trip *trip, struct xchg *x)
{
    int any = 0;
    LIST_EACH(&x->bindings, l) {
        struct binding *b = container_of(l, struct binding, from);
        if (!headers_match(binding_arguments(b), trip->headers))
            continue;
        follow(trip, b);
        any = 1;
    }
    return any;
}

static int
pass_hash(struct trip *trip, struct xchg *x)
{
    struct binding *b = ring_pick(x, &trip->out->pub.env, trip->key, trip->headers);
    if (b != NULL)
        follow(trip, b);
    return b != NULL;
}

/* In the shard's trie are subscriptions of MQTT and other shards as well: they are hops like ours. */
static int
match(struct trip *trip, struct xchg *x, struct view key)
{
    uint8_t room[KEY_ROOM];
    const struct route_hits *hits;
    bool shared = x->route == trip->catalog->host->route;
    if (shared) {
        struct pen pen = pen_of(room, sizeof(room));
        key_to_topic(&pen, key);
        if (pen.torn)
            return -ERR_TOO_LARGE;
        key = view_of(room, (size_t)(pen.at - room));
    }
    int rc = route_match(x->route, shared ? ROUTE_TOPICS_AMQP : ROUTE_AMQP, key, &hits);
    if (rc < 0)
        return rc;
    for (uint32_t i = 0; i < hits->count; i++) {
        struct hop *hop = container_of(hits->rows[i], struct hop, row);
        hop->ops->plan(hop, trip->out);
    }
    return hits->count > 0;
}

static int
pass_topic(struct trip *trip, struct xchg *x)
{
    struct keys keys = { 0 };
    struct view key;
    int any = 0, rc = 0;
    while (rc >= 0 && next_key(trip, &keys, &key)) {
        rc = match(trip, x, key);
        any |= rc > 0;
    }
    return rc < 0 ? rc : any;
}

/* ---- the way --------------------------------------------------------------------------------------------------- */

static int
pass(struct trip *trip, struct xchg *x)
{
    static int (*const by_type[])(struct trip *, struct xchg *) = {
        [XCHG_DEFAULT] = pass_default, [XCHG_DIRECT] = pass_direct,   [XCHG_FANOUT] = pass_fanout,
        [XCHG_TOPIC] = pass_topic,     [XCHG_HEADERS] = pass_headers, [XCHG_HASH] = pass_hash,
    };
    uint32_t delay_ms = delay_of(x, trip->headers);
    if (delay_ms > 0) {
        trip->delayed = true;
        return delay_put(x, delay_ms, trip->out);
    }
    int rc = by_type[x->type](trip, x);
    struct xchg *alternate = rc == 0 && x->alternate.len > 0 ? xchg_find(x->vhost, x->alternate) : NULL;
    if (alternate != NULL)
        enter(trip->catalog, trip->out, alternate);
    return rc < 0 ? rc : 0;
}

static int
go(struct trip *trip)
{
    int rc = 0;
    for (struct list *l = list_pop(&trip->catalog->walk); l != NULL; l = list_pop(&trip->catalog->walk))
        if (rc == 0)
            rc = pass(trip, container_of(l, struct xchg, walk));
    return rc;
}

/* The further keys of a message (rabbit_basic:header_routes). */
static int
read_keys(struct trip *trip)
{
    struct {
        const char *name;
        struct view *ret;
    } const lists[] = {
        {"CC",   &trip->cc },
        { "BCC", &trip->bcc}
    };
    struct amqp_value v;
    for (unsigned i = 0; i < 2; i++) {
        if (!amqp_table_find(trip->headers, lists[i].name, &v))
            continue;
        if (v.type != 'A')
            return -ERR_INVALID;
        *lists[i].ret = v.bytes;
    }
    return 0;
}

static int
plan(struct outgoing *out)
{
    struct catalog_publish *publish = container_of(out, struct catalog_publish, out);
    struct trip trip = {
        .catalog = publish->vhost->catalog,
        .out = out,
        .key = out->pub.env.topic,
        .headers = publish->headers,
    };
    int rc = trip.headers.len == 0 ? 0 : read_keys(&trip);
    if (rc < 0)
        return rc;
    enter(trip.catalog, out, publish->xchg);
    rc = go(&trip);
    publish->delayed = trip.delayed;
    if (rc == 0 && trip.bcc.data != NULL)
        rc = props_without_bcc(trip.catalog, &out->pub.env, &out->pub.env.props);
    return rc;
}

struct catalog_publish *
catalog_publish_of(struct outgoing *out)
{
    return out->plan == plan ? container_of(out, struct catalog_publish, out) : NULL;
}

void
catalog_publish_init(struct catalog_publish *publish, struct vhost *vhost, struct xchg *xchg)
{
    *publish = (struct catalog_publish){ .out.plan = plan, .vhost = vhost, .xchg = xchg };
}

int
catalog_send(struct vhost *vhost, struct view exchange, const struct envelope *env, struct view headers, bool automatic)
{
    struct catalog_publish publish;
    struct xchg *x = xchg_find(vhost, exchange);
    if (x == NULL)
        return 0;
    catalog_publish_init(&publish, vhost, x);
    publish.out.pub.env = *env;
    publish.headers = headers;
    publish.automatic = automatic;
    return vhost->catalog->host->publish(vhost->catalog->host, &publish.out);
}

/* ---- from the shard's trie ------------------------------------------------------------------------------------- */

/* A publication of MQTT goes on into an exchange that is bound to amq.topic.  One whose topic is no routing key, being
 * longer than any, does not. */
static void
pass_on(const struct binding *b, struct outgoing *out)
{
    uint8_t room[KEY_ROOM];
    struct pen pen = pen_of(room, sizeof(room));
    struct trip trip = { .catalog = b->source->vhost->catalog, .out = out };
    topic_to_key(&pen, out->pub.env.topic);
    if (pen.torn)
        return;
    trip.key = view_of(room, (size_t)(pen.at - room));
    b->source->stamp = out->exchange->stamp; /* amq.topic is being passed: not again */
    enter(trip.catalog, out, b->xchg);
    if (go(&trip) < 0)
        out->exchange->short_of_memory = true;
}

static void
plan_hop(struct hop *hop, struct outgoing *out)
{
    struct binding *b = container_of(hop, struct binding, hop);
    if (out->groups_only)
        return;
    if (b->mq != NULL)
        mq_plan(b->mq, out);
    else if (catalog_publish_of(out) != NULL)
        enter(b->source->vhost->catalog, out, b->xchg); /* the trip under way comes by */
    else
        pass_on(b, out);
}

const struct hop_ops binding_hop_ops = { .plan = plan_hop };
