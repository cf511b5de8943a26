/* Subscriptions: what a session wants, kept by filter and session, as rows in the trie. */
#include "session/mqtt_inner.h"

#include "base/must.h"

/* ---- filters ------------------------------------------------------------------------------------------------ */

static bool
same_filter(const void *value, const void *key)
{
    return view_equal(filter_text(value), *(const struct view *)key);
}

struct filter *
filter_find(const struct mqtt_server *server, struct view text)
{
    return map_get(&server->filters, hash_bytes(text, 0), same_filter, &text);
}

struct filter *
filter_of(struct mqtt_server *server, struct view text)
{
    struct filter *f = filter_find(server, text);
    if (f != NULL)
        return f;
    f = mem_new(server->host->mem, sizeof(*f) + text.len);
    if (f == NULL)
        return NULL;
    f->len = (uint16_t)text.len;
    memcpy(f->text, text.data, text.len);
    if (map_put(&server->filters, hash_bytes(text, 0), f) < 0) {
        mem_free(server->host->mem, f);
        return NULL;
    }
    return f;
}

void
filter_drop(struct mqtt_server *server, struct filter *f)
{
    if (f->takers > 0 || f->group != NULL)
        return;
    map_cut(&server->filters, hash_bytes(filter_text(f), 0), f);
    mem_free(server->host->mem, f);
}

static bool
is_shared(const struct filter *f)
{
    struct view name, topics;
    return share_split(filter_text(f), &name, &topics);
}

/* The other shards need to know of the first and of the last; groups tell them themselves. */
static void
announce(struct mqtt_server *server, const struct filter *f)
{
    static const struct view no_group = { NULL, 0 };
    uint32_t any = f->takers > 0;
    if (!server->restoring && !is_shared(f))
        server->host->ops->filter_changed(server->host, filter_text(f), no_group, any, any);
}

static void
gain_taker(struct mqtt_server *server, struct filter *f)
{
    if (f->takers++ == 0)
        announce(server, f);
}

static void
lose_taker(struct mqtt_server *server, struct filter *f)
{
    must(f->takers > 0);
    if (--f->takers == 0)
        announce(server, f);
    filter_drop(server, f);
}

void
filters_announce(struct mqtt_server *server)
{
    size_t at = 0;
    for (struct filter *f = map_next(&server->filters, &at); f != NULL; f = map_next(&server->filters, &at))
        if (f->group != NULL)
            group_changed(f->group);
        else
            announce(server, f);
}

/* ---- in the trie -------------------------------------------------------------------------------------------- */

static void
plan(struct hop *hop, struct outgoing *out)
{
    struct subscription *sub = container_of(hop, struct subscription, hop);
    const struct envelope *env = &out->pub.env;
    if (out->groups_only)
        return;
    if (sub->no_local && out->publisher == sub->session)
        return; /* MQTT-3.8.3-3 */
    uint8_t qos = env->qos < sub->qos ? env->qos : sub->qos;
    exchange_add(out, &sub->session->target, qos, env->retain && sub->retain_as_published, sub->id);
}

static const struct hop_ops hop_ops = { .plan = plan };

unsigned
subscription_ids(const struct session *s, const struct envelope *env, uint32_t *ret, unsigned room)
{
    const struct route_hits *hits;
    struct view topic, props;
    unsigned n = 0;
    if (message_names(s->server, env, &topic, &props) < 0 ||
        route_match(s->server->host->route, ROUTE_MQTT, topic, &hits) < 0)
        return 0;
    for (uint32_t i = 0; i < hits->count && n < room; i++) {
        const struct hop *hop = container_of(hits->rows[i], struct hop, row);
        if (hop->ops != &hop_ops)
            continue;
        const struct subscription *sub = container_of(hop, struct subscription, hop);
        if (sub->session == s && sub->id != 0)
            ret[n++] = sub->id;
    }
    return n;
}

/* ---- by filter and session ---------------------------------------------------------------------------------- */

struct subscription_key {
    const struct session *session;
    struct view filter;
};

static uint64_t
hash_of(const struct session *s, struct view filter)
{
    return hash_bytes(filter, s->kept.id);
}

static bool
same_subscription(const void *value, const void *key)
{
    const struct subscription *sub = value;
    const struct subscription_key *k = key;
    return sub->session == k->session && view_equal(filter_text(sub->filter), k->filter);
}

struct subscription *
subscription_find(const struct session *s, struct view filter)
{
    struct subscription_key key = { s, filter };
    return map_get(&s->server->subscriptions, hash_of(s, filter), same_subscription, &key);
}

static void
count(struct session *s, const struct subscription *sub, int by)
{
    struct counters *counters = &s->server->host->counters;
    s->subscription_count += (uint32_t)by;
    counters->subscriptions += (uint64_t)(int64_t)by;
    if (is_shared(sub->filter))
        counters->subscriptions_shared += (uint64_t)(int64_t)by;
}

void
subscription_free(struct subscription *sub)
{
    struct session *s = sub->session;
    struct mqtt_server *server = s->server;
    struct filter *f = sub->filter;
    count(s, sub, -1);
    s->identified -= sub->id != 0;
    list_cut(&sub->link);
    route_cut(server->host->route, &sub->hop.row);
    map_cut(&server->subscriptions, hash_of(s, filter_text(f)), sub);
    if (sub->member != NULL)
        group_leave(sub);
    mem_free(server->host->mem, sub);
    lose_taker(server, f);
}

static int
join(struct mqtt_server *server, struct subscription *sub)
{
    struct view name, topics;
    struct group *group;
    if (!share_split(filter_text(sub->filter), &name, &topics))
        return route_add(server->host->route, ROUTE_MQTT, filter_text(sub->filter), &sub->hop.row);
    int rc = group_of(server, sub->filter, 0, &group);
    return rc < 0 ? rc : group_join(group, sub);
}

/* A bare subscription, found by its filter, that gets nothing yet. */
static struct subscription *
new_subscription(struct session *s, struct view text)
{
    struct mqtt_server *server = s->server;
    struct subscription *sub = MEM_NEW(server->host->mem, struct subscription);
    struct filter *f = sub == NULL ? NULL : filter_of(server, text);
    if (f == NULL) {
        mem_free(server->host->mem, sub);
        return NULL;
    }
    sub->hop.ops = &hop_ops;
    sub->session = s;
    sub->filter = f;
    list_init(&sub->link);
    if (map_put(&server->subscriptions, hash_of(s, text), sub) < 0) {
        filter_drop(server, f);
        mem_free(server->host->mem, sub);
        return NULL;
    }
    return sub;
}

static void
set_options(struct subscription *sub, const struct mqtt_filter *options, uint32_t id)
{
    sub->session->identified += id != 0;
    sub->session->identified -= sub->id != 0;
    sub->id = id;
    sub->qos = options->qos;
    sub->retain_handling = options->retain_handling;
    sub->no_local = options->no_local;
    sub->retain_as_published = options->retain_as_published;
    if (sub->member != NULL)
        group_changed(sub->member->group);
}

static int
add(struct session *s, const struct mqtt_filter *options, uint32_t id, struct subscription **ret)
{
    struct subscription *sub = new_subscription(s, options->filter);
    if (sub == NULL)
        return -ERR_NO_MEMORY;
    list_push(&s->subscriptions, &sub->link);
    gain_taker(s->server, sub->filter);
    count(s, sub, 1);
    set_options(sub, options, id);
    int rc = join(s->server, sub);
    if (rc < 0) {
        subscription_free(sub);
        return rc;
    }
    *ret = sub;
    return 0;
}

static struct mqtt_filter
options_of(const struct subscription *sub)
{
    return (struct mqtt_filter){
        .filter = filter_text(sub->filter),
        .qos = sub->qos,
        .retain_handling = sub->retain_handling,
        .no_local = sub->no_local,
        .retain_as_published = sub->retain_as_published,
    };
}

static int
change(struct subscription *sub, const struct mqtt_filter *options, uint32_t id)
{
    struct mqtt_filter before = options_of(sub);
    uint32_t id_before = sub->id;
    set_options(sub, options, id);
    int rc = record_subscribe(sub);
    if (rc < 0)
        set_options(sub, &before, id_before);
    return rc;
}

int
subscription_set(struct session *s, const struct mqtt_filter *filter, uint32_t id, bool *retfresh)
{
    struct subscription *sub = subscription_find(s, filter->filter);
    int rc = filter->qos > 0 ? session_need_queue(s) : 0;
    *retfresh = sub == NULL;
    if (rc < 0)
        return rc;
    if (sub != NULL)
        return change(sub, filter, id);
    bool room = s->subscription_count < s->server->settings->subscriptions_max && !s->server->host->queues.tight;
    if (!s->server->restoring && !room)
        return -ERR_FULL;
    rc = add(s, filter, id, &sub);
    if (rc < 0)
        return rc;
    rc = record_subscribe(sub);
    if (rc < 0)
        subscription_free(sub);
    return rc;
}
