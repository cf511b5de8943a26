/* Which filters and shared groups have takers where.
 *
 * A plain filter with takers on another shard is a hop to that shard.  A shared group is spread: each shard with
 * members keeps a queue for its part, and the shard where a message is published picks one of them, in proportion to
 * members that are online. */
#include "shard/inner.h"

#include "base/err.h"
#include "base/hash.h"
#include "base/mem.h"

/* The first plan() of a publication for this peer forgets the last one's. */
static void
start_plan(struct peer *peer, const struct outgoing *out)
{
    if (peer->target.stamp == out->exchange->stamp)
        return;
    peer->plain = false;
    peer->share_count = 0;
}

static void
plan_taker(struct hop *hop, struct outgoing *out)
{
    struct peer *peer = container_of(hop, struct taker, hop)->peer;
    if (peer->shard->arrived != NULL)
        return;
    start_plan(peer, out);
    peer->plain = true;
    exchange_add(out, &peer->target, out->pub.env.qos, out->pub.env.retain, 0);
}

static unsigned
pick(struct share *share, unsigned shards)
{
    uint64_t online = 0, members = 0;
    for (unsigned i = 0; i < shards; i++) {
        online += share->parts[i].online;
        members += share->parts[i].members;
    }
    uint64_t all = online > 0 ? online : members;
    uint64_t at = all == 0 ? 0 : share->turn++ % all;
    for (unsigned i = 0; i < shards; i++) {
        uint64_t n = online > 0 ? share->parts[i].online : share->parts[i].members;
        if (at < n)
            return i;
        at -= n;
    }
    return share->shard->host.shard;
}

static unsigned
picked(struct share *share, const struct outgoing *out)
{
    if (share->stamp != out->exchange->stamp) {
        share->stamp = out->exchange->stamp;
        share->picked = pick(share, share->shard->host.shards);
    }
    return share->picked;
}

static int
remember(struct peer *peer, struct share *share)
{
    if (peer->share_count == UINT16_MAX)
        return -ERR_FULL;
    if (peer->share_count == peer->share_room) {
        uint32_t room = peer->share_room == 0 ? 4 : peer->share_room * 2;
        struct share **shares = mem_grow(peer->shard->host.mem, peer->shares, room * sizeof(struct share *));
        if (shares == NULL)
            return -ERR_NO_MEMORY;
        peer->shares = shares;
        peer->share_room = room;
    }
    peer->shares[peer->share_count++] = share;
    return 0;
}

static void
plan_share(struct hop *hop, struct outgoing *out)
{
    struct share *share = container_of(hop, struct share, hop);
    struct shard *shard = share->shard;
    if (shard->arrived != NULL)
        return;
    unsigned to = picked(share, out);
    if (to == shard->host.shard)
        return;
    struct peer *peer = &shard->peers[to];
    start_plan(peer, out);
    if (remember(peer, share) < 0)
        shard->lane_failed = true;
    exchange_add(out, &peer->target, out->pub.env.qos, out->pub.env.retain, 0);
}

/* ---- finding and keeping them ----------------------------------------------------------------------------- */

struct share_key {
    struct view group, filter;
};

static uint64_t
hash_share(struct view group, struct view filter)
{
    return hash_bytes(filter, hash_bytes(group, 0));
}

static bool
same_share(const void *value, const void *key)
{
    const struct share *s = value;
    const struct share_key *k = key;
    return view_equal(view_of(s->name, s->group_bytes), k->group) &&
           view_equal(view_of(s->name + s->group_bytes, s->filter_bytes), k->filter);
}

static struct share *
find_share(const struct shard *shard, struct view group, struct view filter)
{
    struct share_key key = { group, filter };
    return map_get(&shard->shares, hash_share(group, filter), same_share, &key);
}

bool
share_picks_us(struct shard *shard, struct view filter, struct view group, const struct outgoing *out)
{
    struct share *share = find_share(shard, group, filter);
    return share == NULL || picked(share, out) == shard->host.shard;
}

static void
free_share(struct shard *shard, struct share *share)
{
    route_cut(shard->host.route, &share->hop.row);
    map_cut(&shard->shares, share->hash, share);
    mem_free(shard->host.mem, share->parts);
    mem_free(shard->host.mem, share);
}

static struct share *
new_share(struct shard *shard, struct view group, struct view filter)
{
    static const struct hop_ops ops = { .plan = plan_share };
    struct share *s = mem_new(shard->host.mem, sizeof(*s) + group.len + filter.len);
    if (s == NULL)
        return NULL;
    s->shard = shard;
    s->hop.ops = &ops;
    s->hash = hash_share(group, filter);
    s->group_bytes = (uint16_t)group.len;
    s->filter_bytes = (uint32_t)filter.len;
    memcpy(s->name, group.data, group.len);
    memcpy(s->name + group.len, filter.data, filter.len);
    s->parts = mem_new(shard->host.mem, shard->host.shards * sizeof(*s->parts));
    if (s->parts == NULL || route_add(shard->host.route, ROUTE_MQTT, filter, &s->hop.row) < 0 ||
        map_put(&shard->shares, s->hash, s) < 0) {
        free_share(shard, s);
        return NULL;
    }
    return s;
}

static enum group_fate
fate_of(const struct share *share)
{
    const struct shard *shard = share->shard;
    const struct share_part *mine = &share->parts[shard->host.shard];
    uint64_t members = 0, online = 0;
    for (unsigned i = 0; i < shard->host.shards; i++) {
        members += share->parts[i].members;
        online += share->parts[i].online;
    }
    if (members == 0)
        return GROUP_ENDS;
    if (mine->online > 0 || (online == 0 && mine->members > 0))
        return GROUP_STAYS;
    return GROUP_LEAVES;
}

enum group_fate
shard_group_fate(struct session_host *host, struct view filter, struct view group)
{
    const struct share *share = find_share(shard_of(host), group, filter);
    return share == NULL ? GROUP_ENDS : fate_of(share);
}

int
shard_forward(struct session_host *host, struct view filter, struct view group, const struct envelope *env)
{
    struct shard *shard = shard_of(host);
    struct share *share = find_share(shard, group, filter);
    unsigned to = share == NULL ? host->shard : pick(share, host->shards);
    if (to == host->shard)
        return -ERR_NOT_FOUND;
    struct peer *peer = &shard->peers[to];
    peer->plain = false;
    peer->share_count = 0;
    int rc = remember(peer, share);
    return rc < 0 ? rc : peer_forward(peer, env);
}

static int
share_changed(struct shard *shard, unsigned from, const struct takers *takers)
{
    struct share *share = find_share(shard, takers->group, takers->filter);
    if (share == NULL && takers->members == 0)
        return 0;
    if (share == NULL)
        share = new_share(shard, takers->group, takers->filter);
    if (share == NULL)
        return -ERR_NO_MEMORY;
    share->parts[from] = (struct share_part){ .members = takers->members, .online = takers->online };
    enum group_fate fate = fate_of(share);
    mqtt_server_group(shard->mqtt, takers->filter, takers->group, fate);
    if (fate == GROUP_ENDS)
        free_share(shard, share);
    return 0;
}

struct taker_key {
    const struct takers *takers;
    unsigned from;
};

static uint64_t
hash_taker(const struct taker_key *key)
{
    return hash_bytes(key->takers->filter, (uint64_t)key->takers->syntax << 32 | key->from);
}

static bool
same_taker(const void *value, const void *key)
{
    const struct taker *t = value;
    const struct taker_key *k = key;
    return t->peer->index == k->from && t->syntax == k->takers->syntax &&
           view_equal(view_of(t->filter, t->filter_bytes), k->takers->filter);
}

static void
free_taker(struct shard *shard, struct taker *taker)
{
    route_cut(shard->host.route, &taker->hop.row);
    map_cut(&shard->takers, taker->hash, taker);
    mem_free(shard->host.mem, taker);
}

static int
add_taker(struct shard *shard, const struct taker_key *key)
{
    static const struct hop_ops ops = { .plan = plan_taker };
    struct view filter = key->takers->filter;
    struct taker *t = mem_new(shard->host.mem, sizeof(*t) + filter.len);
    if (t == NULL)
        return -ERR_NO_MEMORY;
    t->hop.ops = &ops;
    t->peer = &shard->peers[key->from];
    t->hash = hash_taker(key);
    t->syntax = key->takers->syntax;
    t->filter_bytes = (uint32_t)filter.len;
    memcpy(t->filter, filter.data, filter.len);
    if (route_add(shard->host.route, t->syntax, filter, &t->hop.row) < 0 || map_put(&shard->takers, t->hash, t) < 0) {
        free_taker(shard, t);
        return -ERR_NO_MEMORY;
    }
    return 0;
}

int
takers_changed(struct shard *shard, unsigned from, const struct takers *takers)
{
    if (takers->group.len > 0)
        return share_changed(shard, from, takers);
    struct taker_key key = { takers, from };
    struct taker *taker = map_get(&shard->takers, hash_taker(&key), same_taker, &key);
    if (takers->members > 0 && taker == NULL)
        return add_taker(shard, &key);
    if (takers->members == 0 && taker != NULL)
        free_taker(shard, taker);
    return 0;
}

static void
tell(struct shard *shard, const struct takers *takers)
{
    if (shard->host.shards > 1 && peers_tell_takers(shard, takers) < 0)
        shard_say(shard, LOG_ERROR, "memory", "other shards could not be told of a subscription");
}

void
shard_filter_changed(struct session_host *host, struct view filter, struct view group, uint32_t members,
                     uint32_t online)
{
    struct shard *shard = shard_of(host);
    const struct takers takers = { ROUTE_MQTT, filter, group, members, online };
    if (group.len > 0 && host->shards > 1 && share_changed(shard, host->shard, &takers) < 0)
        shard_say(shard, LOG_ERROR, "memory", "a shared subscription is served on its own shard only");
    tell(shard, &takers);
}

void
shard_topic_bound(struct shard *shard, struct view filter, bool any)
{
    const struct takers takers = { .syntax = ROUTE_TOPICS_AMQP, .filter = filter, .members = any };
    tell(shard, &takers);
}

void
takers_free(struct shard *shard)
{
    size_t at = 0;
    for (struct taker *t = map_next(&shard->takers, &at); t != NULL; t = map_next(&shard->takers, &at))
        mem_free(shard->host.mem, t);
    at = 0;
    for (struct share *s = map_next(&shard->shares, &at); s != NULL; s = map_next(&shard->shares, &at)) {
        mem_free(shard->host.mem, s->parts);
        mem_free(shard->host.mem, s);
    }
    map_fini(&shard->takers);
    map_fini(&shard->shares);
}
