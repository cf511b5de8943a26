/* A SUB: a taker of what is published to amq.topic, by prefixes of the topic as text.
 *
 * In the trie it has a row for the whole levels of a prefix, and whatever is below; the rest is compared there.  What
 * is published is put into frames once for all of them.  For one that does not keep up it is dropped. */
#include "route/key.h"
#include "session/zmtp/role.h"

struct subscription {
    struct list link; /* in guest->subscriptions */
    struct hop hop;
    struct guest *guest;
    uint32_t times;
    uint32_t prefix_bytes, filter_bytes;
    uint8_t bytes[]; /* prefix, filter */
};

static struct view
prefix_of(const struct subscription *sub)
{
    return view_of(sub->bytes, sub->prefix_bytes);
}

static struct view
filter_of(const struct subscription *sub)
{
    return view_of(sub->bytes + sub->prefix_bytes, sub->filter_bytes);
}

/* ---- topics, spelt ---------------------------------------------------------------------------------------------- */

/* The publication's; kept for all that spell it so.  False: no memory. */
static bool
spell(struct zmtp_server *server, enum zmtp_spelling spelling, const struct outgoing *out, struct view *ret)
{
    const struct envelope *env = &out->pub.env;
    struct fan *fan = &server->fans[spelling];
    bool is_key = env->encoding == ENCODING_AMQP091;
    *ret = env->topic;
    if (is_key == (spelling == ZMTP_AS_AMQP))
        return true;
    if (fan->named != out->exchange->stamp) {
        size_t n = KEY_GROWTH * env->topic.len;
        uint8_t *room = n <= fan->topic_room ? fan->topic : mem_grow(server->host->mem, fan->topic, n);
        if (room == NULL && n > 0)
            return false;
        fan->topic = room;
        fan->topic_room = n > fan->topic_room ? n : fan->topic_room;
        struct pen p = pen_of(room, n);
        if (is_key)
            key_to_topic(&p, env->topic);
        else
            topic_to_key(&p, env->topic);
        must(!p.torn);
        fan->topic_len = n - pen_left(&p);
        fan->named = out->exchange->stamp;
    }
    *ret = view_of(fan->topic, fan->topic_len);
    return true;
}

static void
plan(struct hop *hop, struct outgoing *out)
{
    struct subscription *sub = container_of(hop, struct subscription, hop);
    struct guest *g = sub->guest;
    struct view topic, prefix = prefix_of(sub);
    if (out->groups_only)
        return;
    if (!spell(g->server, g->spelling, out, &topic)) {
        out->exchange->short_of_memory = true;
        return;
    }
    if (topic.len >= prefix.len && view_equal(view_of(topic.data, prefix.len), prefix))
        exchange_add(out, &g->target, 0, false, 0);
}

static const struct hop_ops hop_ops = { .plan = plan };

/* ---- deliveries ------------------------------------------------------------------------------------------------- */

static void
drop(struct guest *g, const char *why)
{
    g->server->host->counters.publishes_dropped++;
    if (g->dropped++ == 0)
        host_say(g->server->host, LOG_WARNING, "zmtp", "%s %s: messages are dropped: %s", g->address, g->role->name,
                 why);
}

static struct zmtp_chunk *
chunk_of(struct zmtp_server *server, enum zmtp_spelling spelling, const struct outgoing *out)
{
    struct fan *fan = &server->fans[spelling];
    struct view topic;
    if (fan->stamp == out->exchange->stamp)
        return fan->chunk;
    zmtp_chunk_unref(fan->chunk);
    fan->chunk = spell(server, spelling, out, &topic) ? delivery_chunk(server->host->mem, topic, &out->pub.env) : NULL;
    fan->stamp = out->exchange->stamp;
    return fan->chunk;
}

static void
on_deliver(struct target *target, struct outgoing *out, const struct delivery *delivery)
{
    struct guest *g = container_of(target, struct guest, target);
    (void)delivery;
    if (g->leaving)
        return;
    if (zmtp_peer_unsent(g->peer) > g->server->settings->outbox_bytes_max) {
        drop(g, "it does not keep up");
        return;
    }
    struct zmtp_chunk *chunk = chunk_of(g->server, g->spelling, out);
    if (chunk == NULL) {
        drop(g, "no memory");
        return;
    }
    struct zmtp_slice slice = { chunk, view_of(chunk->bytes, chunk->len) };
    if (zmtp_peer_put(g->peer, &slice) == 0)
        delivery_count(g, out->pub.env.body.len);
}

static const struct target_ops target_ops = { .deliver = on_deliver };

/* ---- subscriptions ------------------------------------------------------------------------------------------------
 */

struct subscription_key {
    const struct guest *guest;
    struct view prefix;
};

static uint64_t
hash_of(const struct guest *g, struct view prefix)
{
    return hash_bytes(prefix, g->serial);
}

static bool
same_subscription(const void *value, const void *key)
{
    const struct subscription *sub = value;
    const struct subscription_key *k = key;
    return sub->guest == k->guest && view_equal(prefix_of(sub), k->prefix);
}

static struct subscription *
find(const struct guest *g, struct view prefix)
{
    struct subscription_key key = { g, prefix };
    return map_get(&g->server->subscriptions, hash_of(g, prefix), same_subscription, &key);
}

static struct view
whole_levels(enum zmtp_spelling spelling, struct view prefix)
{
    char separator = spelling == ZMTP_AS_MQTT ? '/' : '.';
    while (prefix.len > 0 && prefix.data[prefix.len - 1] != separator)
        prefix.len--;
    return prefix;
}

static void
put_filter(struct pen *p, enum zmtp_spelling spelling, struct view levels)
{
    if (spelling == ZMTP_AS_AMQP)
        key_to_topic(p, levels);
    else
        put_bytes(p, levels);
    put_u8(p, '#');
}

/* Levels beyond what the trie has are compared as text alone. */
static int
join(struct subscription *sub, struct catalog *catalog)
{
    int rc = catalog_topic_join(catalog, filter_of(sub), &sub->hop);
    if (rc != -ERR_INVALID && rc != -ERR_TOO_LARGE)
        return rc;
    sub->bytes[sub->prefix_bytes] = '#';
    sub->filter_bytes = 1;
    return catalog_topic_join(catalog, filter_of(sub), &sub->hop);
}

static struct subscription *
new_subscription(struct guest *g, struct view prefix)
{
    size_t room = KEY_GROWTH * prefix.len + 1;
    struct subscription *sub = mem_new(guest_mem(g), sizeof(*sub) + prefix.len + room);
    if (sub == NULL)
        return NULL;
    struct pen p = pen_of(sub->bytes + prefix.len, room);
    if (prefix.len > 0)
        memcpy(sub->bytes, prefix.data, prefix.len);
    put_filter(&p, g->spelling, whole_levels(g->spelling, prefix));
    must(!p.torn);
    sub->prefix_bytes = (uint32_t)prefix.len;
    sub->filter_bytes = (uint32_t)(room - pen_left(&p));
    sub->hop.ops = &hop_ops;
    sub->guest = g;
    sub->times = 1;
    list_init(&sub->link);
    return sub;
}

static int
enlist(struct guest *g, struct subscription *sub)
{
    struct zmtp_server *server = g->server;
    int rc = map_put(&server->subscriptions, hash_of(g, prefix_of(sub)), sub);
    if (rc < 0)
        return rc;
    rc = join(sub, server->catalog);
    if (rc < 0) {
        map_cut(&server->subscriptions, hash_of(g, prefix_of(sub)), sub);
        return rc;
    }
    list_push(&g->subscriptions, &sub->link);
    g->subscription_count++;
    server->host->counters.subscriptions++;
    return 0;
}

static int
subscribe(struct guest *g, struct view prefix)
{
    if (g->subscription_count >= g->server->settings->subscriptions_max)
        return -ERR_FULL;
    struct subscription *sub = new_subscription(g, prefix);
    int rc = sub == NULL ? -ERR_NO_MEMORY : enlist(g, sub);
    if (rc < 0)
        mem_free(guest_mem(g), sub);
    return rc;
}

static void
unsubscribe(struct subscription *sub)
{
    struct guest *g = sub->guest;
    catalog_topic_leave(g->server->catalog, filter_of(sub), &sub->hop);
    map_cut(&g->server->subscriptions, hash_of(g, prefix_of(sub)), sub);
    list_cut(&sub->link);
    g->subscription_count--;
    g->server->host->counters.subscriptions--;
    mem_free(guest_mem(g), sub);
}

static int
on_subscribed(struct guest *g, struct view prefix, bool on)
{
    struct subscription *sub = find(g, prefix);
    if (on && sub == NULL)
        return subscribe(g, prefix);
    if (on)
        sub->times++;
    else if (sub != NULL && --sub->times == 0)
        unsubscribe(sub);
    return 0;
}

static int
begin(struct guest *g)
{
    g->target.ops = &target_ops;
    return 0;
}

static void
end(struct guest *g)
{
    LIST_EACH(&g->subscriptions, l)
        unsubscribe(container_of(l, struct subscription, link));
}

#define ROLE_SUB(pattern)                                                                                             \
    {                                                                                                                 \
        .name = (pattern), .own = ZMTP_XPUB, .topics = true, .begin = begin, .subscribed = on_subscribed, .end = end, \
    }
const struct role role_sub = ROLE_SUB("SUB"), role_xsub = ROLE_SUB("XSUB");
