/* The other shards: what is sent to them and what comes. */
#include "shard/inner.h"

#include "base/err.h"
#include "base/hash.h"
#include "base/mem.h"

enum { CLIENT_SEED = 0x7461 }; /* spreads clients over shards; may not change: a session's shard is where its log is */

/* A numbered frame: the epoch waits until the peer has it durable. */
static uint8_t *
numbered(struct peer *peer, enum lane_kind kind, size_t n)
{
    uint8_t *at = lane_frame(peer->out, peer->shard->host.mem, kind, n);
    if (at == NULL)
        peer->shard->lane_failed = true;
    else
        peer->sent++;
    return at;
}

enum { PUBLISH_PLAIN = 1, PUBLISH_RETAIN = 2, PUBLISH_DELIVER = 4 };

static size_t
shares_bytes(const struct peer *peer)
{
    size_t n = 2;
    for (uint32_t i = 0; i < peer->share_count; i++)
        n += 4 + (size_t)peer->shares[i]->group_bytes + peer->shares[i]->filter_bytes;
    return n;
}

static void
put_shares(struct pen *p, const struct peer *peer)
{
    put_u16(p, (uint16_t)peer->share_count);
    for (uint32_t i = 0; i < peer->share_count; i++) {
        const struct share *s = peer->shares[i];
        put_short(p, view_of(s->name, s->group_bytes));
        put_short(p, view_of(s->name + s->group_bytes, s->filter_bytes));
    }
}

static void
send_publish(struct peer *peer, const struct outgoing *out, uint8_t flags)
{
    const struct envelope *env = &out->pub.env;
    uint8_t head[ENVELOPE_HEAD_BYTES_MAX];
    size_t head_bytes = envelope_head(env, head);
    size_t n =
        1 + 8 + RECEIPT_BYTES + shares_bytes(peer) + head_bytes + env->topic.len + env->props.len + env->body.len;
    uint8_t *at = numbered(peer, LANE_PUBLISH, n);
    if (at == NULL)
        return;
    struct pen p = pen_of(at, n);
    put_u8(&p, flags);
    put_u64(&p, peer->shard->retain_stamp);
    record_put_receipt(&p, &out->receipt);
    put_shares(&p, peer);
    put_bytes(&p, view_of(head, head_bytes));
    put_bytes(&p, env->topic);
    put_bytes(&p, env->props);
    put_bytes(&p, env->body);
    must(!p.torn && p.at == p.end);
    if ((flags & PUBLISH_DELIVER) && lane_holds(peer->out, env->qos))
        mqtt_server_hold(peer->shard->mqtt);
}

static void
on_deliver(struct target *target, struct outgoing *out, const struct delivery *delivery)
{
    (void)delivery;
    struct peer *peer = container_of(target, struct peer, target);
    uint8_t flags = PUBLISH_DELIVER;
    flags |= peer->plain ? PUBLISH_PLAIN : 0;
    flags |= peer->shard->retaining ? PUBLISH_RETAIN : 0;
    send_publish(peer, out, flags);
    out->stored |= out->pub.env.qos > 0;
    out->hasty = false;
}

/* The retained value goes to every shard; those that deliver it have it already. */
void
peers_publish_retained(struct shard *shard, struct outgoing *out)
{
    for (unsigned i = 0; i < shard->host.shards; i++) {
        struct peer *peer = &shard->peers[i];
        if (i == shard->host.shard || peer->target.stamp == shard->host.exchange.stamp)
            continue;
        peer->share_count = 0;
        send_publish(peer, out, PUBLISH_RETAIN);
        out->stored |= out->pub.env.qos > 0;
    }
}

int
peer_forward(struct peer *peer, const struct envelope *env)
{
    const struct outgoing out = { .pub.env = *env };
    uint64_t before = peer->sent;
    send_publish(peer, &out, PUBLISH_DELIVER);
    return peer->sent == before ? -ERR_NO_MEMORY : 0;
}

static bool
in_list(struct cursor list, uint16_t count, struct view group, struct view filter)
{
    for (uint16_t i = 0; i < count; i++) {
        struct view g = take_short(&list), f = take_short(&list);
        if (view_equal(g, group) && view_equal(f, filter))
            return true;
    }
    return false;
}

bool
shard_group_here(struct session_host *host, struct view filter, struct view group, const struct outgoing *out)
{
    struct shard *shard = shard_of(host);
    if (host->shards == 1)
        return true;
    if (shard->arrived != NULL)
        return in_list(shard->arrived->shares, shard->arrived->share_count, group, filter);
    return share_picks_us(shard, filter, group, out);
}

/* What was chosen for a group here while its last member left is not lost. */
static int
keep_groups(struct shard *shard, const struct arrived *arrived)
{
    struct cursor list = arrived->shares;
    int rc = 0;
    for (uint16_t i = 0; rc == 0 && i < arrived->share_count; i++) {
        struct view group = take_short(&list), filter = take_short(&list);
        rc = mqtt_server_group_keep(shard->mqtt, filter, group);
    }
    return rc;
}

/* False: it could not be stored now, and as its publisher waits for us it may not be dropped.
 *
 * What is known already came before a node died, and comes again because another shard may have lost it.  A group's
 * copy of it may have been that other's: which part is picked does not outlive a process (decisions/05). */
static bool
deliver_arrived(struct peer *peer, const struct arrived *arrived, const struct envelope *env)
{
    struct shard *shard = peer->shard;
    struct outgoing out = { .pub.env = *env, .publisher = shard, .receipt = arrived->receipt, .overfull = true };
    bool known = out.receipt.session != 0 && receipt_known(shard, &out.receipt);
    if (known && arrived->share_count == 0)
        return true;
    out.groups_only = known || !arrived->plain;
    if (out.receipt.session != 0 && receipt_keep(shard, &out.receipt) < 0)
        return false;
    shard->arrived = arrived;
    shard->host.choked = false;
    int rc = keep_groups(shard, arrived);
    if (rc == 0)
        rc = exchange_publish(&shard->host.exchange, &out);
    shard->arrived = NULL;
    if (shard->host.choked)
        lane_hold(peer->in, env->qos);
    if (rc < 0 && env->qos > 0) {
        if (!known)
            receipt_drop(shard, &out.receipt);
        return false;
    }
    shard->host.counters.publishes_dropped += rc < 0;
    return true;
}

static bool
on_publish(struct peer *peer, struct view body)
{
    struct shard *shard = peer->shard;
    struct cursor c = cursor_of(body);
    struct arrived arrived = { 0 };
    struct envelope env;
    uint8_t flags = take_u8(&c);
    uint64_t stamp = take_u64(&c);
    arrived.receipt = record_take_receipt(&c);
    arrived.plain = flags & PUBLISH_PLAIN;
    arrived.share_count = take_u16(&c);
    arrived.shares = c;
    for (unsigned i = 0; i < 2u * arrived.share_count; i++)
        take_short(&c);
    must(envelope_parse(take_rest(&c), &env) == 0);
    if (stamp > shard->stamp)
        shard->stamp = stamp;
    if ((flags & PUBLISH_RETAIN) && retained_set(shard->host.retained, &env, stamp) < 0)
        return false;
    if ((flags & PUBLISH_DELIVER) && !deliver_arrived(peer, &arrived, &env))
        return false;
    peer->received++;
    return true;
}

static bool
on_forget(struct peer *peer, struct view body)
{
    struct cursor c = cursor_of(body);
    struct receipt receipt = record_take_receipt(&c);
    if (receipt_forget(peer->shard, &receipt) < 0)
        return false;
    peer->received++;
    return true;
}

int
shard_forget(struct session_host *host, uint32_t session, uint16_t packet_id)
{
    struct shard *shard = shard_of(host);
    const struct receipt receipt = { .session = session, .packet_id = packet_id, .shard = (uint8_t)host->shard };
    shard->lane_failed = false;
    for (unsigned i = 0; i < host->shards; i++) {
        uint8_t *at = i == host->shard ? NULL : numbered(&shard->peers[i], LANE_FORGET, RECEIPT_BYTES);
        if (at == NULL)
            continue;
        struct pen p = pen_of(at, RECEIPT_BYTES);
        record_put_receipt(&p, &receipt);
    }
    return shard->lane_failed ? -ERR_NO_MEMORY : 0;
}

static bool
on_done(struct peer *peer, struct view body)
{
    struct cursor c = cursor_of(body);
    peer->confirmed = take_u64(&c);
    must(peer->confirmed <= peer->sent);
    return true;
}

static bool
on_takers(struct peer *peer, struct view body)
{
    struct cursor c = cursor_of(body);
    struct takers takers = { .syntax = take_u8(&c), .members = take_u32(&c), .online = take_u32(&c) };
    takers.group = take_short(&c);
    takers.filter = take_short(&c);
    if (takers_changed(peer->shard, peer->index, &takers) < 0)
        return false;
    peer->received++;
    return true;
}

static bool
on_connection(struct peer *peer, struct view body)
{
    struct cursor c = cursor_of(body);
    struct io_parcel parcel = { .handle = (int64_t)take_u64(&c), .kind = take_u8(&c) };
    door_arrived(peer->shard, parcel, take_rest(&c));
    return true;
}

static bool
on_counters(struct peer *peer, struct view body)
{
    must(body.len == sizeof(peer->stats));
    memcpy(&peer->stats, body.data, sizeof(peer->stats));
    return true;
}

uint8_t *
peer_vhost(struct peer *peer, size_t n)
{
    return numbered(peer, LANE_VHOST, n);
}

static bool
on_vhost(struct peer *peer, struct view body)
{
    if (!vhosts_frame(peer->shard, body))
        return false;
    peer->received++;
    return true;
}

static bool
on_word(struct peer *peer, struct view body)
{
    struct shard *shard = peer->shard;
    must(body.len == 1);
    shard->owner.told(shard->owner.arg, shard->host.shard, (enum shard_word)body.data[0]);
    return true;
}

static bool
on_frame(void *arg, enum lane_kind kind, struct view body)
{
    static bool (*const on[])(struct peer *, struct view) = {
        [LANE_PUBLISH] = on_publish, [LANE_FORGET] = on_forget,         [LANE_DONE] = on_done,
        [LANE_TAKERS] = on_takers,   [LANE_CONNECTION] = on_connection, [LANE_COUNTERS] = on_counters,
        [LANE_WORD] = on_word,       [LANE_VHOST] = on_vhost,
    };
    must(kind < COUNT_OF(on) && on[kind] != NULL);
    return on[kind](arg, body);
}

static void
drain_again(void *arg)
{
    peers_drain(arg, LANE_TURN_BYTES);
}

void
peers_drain(struct shard *shard, size_t bytes_max)
{
    enum { AGAIN_NS = 10 * 1000 * 1000 };
    struct io *io = shard->host.io;
    bool refused = false, more = false;
    for (unsigned i = 0; i < shard->host.shards; i++) {
        struct peer *peer = &shard->peers[i];
        if (i == shard->host.shard)
            continue;
        enum drained rc = lane_drain(peer->in, bytes_max / (shard->host.shards - 1), on_frame, peer);
        refused |= rc == DRAINED_REFUSED;
        more |= rc == DRAINED_SOME;
    }
    if (refused)
        (void)io_timer_set(io, &shard->drain_again, io_now_ns(io) + AGAIN_NS, drain_again, shard);
    if (more)
        io_wake(io);
}

void
peers_flush(struct shard *shard)
{
    for (unsigned i = 0; i < shard->host.shards; i++)
        if (i != shard->host.shard)
            lane_flush(shard->peers[i].out, shard->host.mem);
}

void
peers_feel(struct shard *shard, bool *retpressed, bool *retheld)
{
    *retpressed = *retheld = false;
    bool waited_for = mqtt_server_waits(shard->mqtt);
    for (unsigned i = 0; i < shard->host.shards; i++) {
        struct peer *peer = &shard->peers[i];
        if (i == shard->host.shard)
            continue;
        *retpressed |= lane_pressed(peer->out);
        *retheld |= lane_holds(peer->out, 0);
        if (!waited_for)
            lane_release(peer->in);
    }
}

bool
peer_answer(struct peer *peer, uint64_t number)
{
    uint8_t *at = lane_frame(peer->out, peer->shard->host.mem, LANE_DONE, 8);
    if (at == NULL)
        return false;
    struct pen p = pen_of(at, 8);
    put_u64(&p, number);
    peer->answered = number;
    return true;
}

void
peers_tell_counters(struct shard *shard)
{
    struct shard_stats stats;
    shard_stats(shard, &stats);
    uint8_t *at =
        shard->host.shard == 0 ? NULL : lane_frame(shard->peers[0].out, shard->host.mem, LANE_COUNTERS, sizeof(stats));
    if (at != NULL)
        memcpy(at, &stats, sizeof(stats));
}

void
shard_tell(struct shard *shard, enum shard_word word)
{
    for (unsigned i = 0; i < shard->host.shards; i++) {
        uint8_t *at = i == shard->host.shard ? NULL : lane_frame(shard->peers[i].out, shard->host.mem, LANE_WORD, 1);
        if (at != NULL)
            *at = (uint8_t)word;
    }
}

int
peers_tell_takers(struct shard *shard, const struct takers *takers)
{
    size_t n = 1 + 4 + 4 + 2 + takers->group.len + 2 + takers->filter.len;
    for (unsigned i = 0; i < shard->host.shards; i++) {
        uint8_t *at = i == shard->host.shard ? NULL : numbered(&shard->peers[i], LANE_TAKERS, n);
        if (at == NULL)
            continue;
        struct pen p = pen_of(at, n);
        put_u8(&p, (uint8_t)takers->syntax);
        put_u32(&p, takers->members);
        put_u32(&p, takers->online);
        put_short(&p, takers->group);
        put_short(&p, takers->filter);
        must(!p.torn);
    }
    return shard->lane_failed ? -ERR_NO_MEMORY : 0;
}

unsigned
shard_owner_of(struct session_host *host, struct view client_id)
{
    return (unsigned)(hash_bytes(client_id, CLIENT_SEED) % host->shards);
}

int
shard_migrate(struct session_host *host, unsigned to, struct io_stream *stream, struct view bytes)
{
    struct shard *shard = shard_of(host);
    struct io_parcel parcel;
    int rc = io_detach(stream, &parcel);
    if (rc < 0)
        return rc;
    uint8_t *at = lane_frame(shard->peers[to].out, host->mem, LANE_CONNECTION, 9 + bytes.len);
    if (at == NULL) {
        io_parcel_discard(host->io,
                          parcel); /* no memory to tell of it: the client finds itself cut off, and comes again */
        return 0;
    }
    struct pen p = pen_of(at, 9 + bytes.len);
    put_u64(&p, (uint64_t)parcel.handle);
    put_u8(&p, (uint8_t)parcel.kind);
    put_bytes(&p, bytes);
    return 0;
}

int
peers_init(struct shard *shard)
{
    static const struct target_ops ops = { .deliver = on_deliver };
    struct mem *mem = shard->host.mem;
    unsigned self = shard->host.shard;
    shard->peers = mem_new(mem, shard->host.shards * sizeof(*shard->peers));
    shard->numbers = mem_new(mem, shard->host.shards * sizeof(*shard->numbers));
    if (shard->peers == NULL || shard->numbers == NULL)
        return -ERR_NO_MEMORY;
    for (unsigned i = 0; i < shard->host.shards; i++) {
        struct lane *out = lane_between(shard->lanes, self, i), *in = lane_between(shard->lanes, i, self);
        shard->peers[i] = (struct peer){
            .target = {.ops = &ops, .asks_again = true},
              .shard = shard, .index = i, .out = out, .in = in
        };
        out->from = in->to = shard->host.io;
    }
    return 0;
}

void
peers_free(struct shard *shard)
{
    for (unsigned i = 0; shard->peers != NULL && i < shard->host.shards && shard->peers[i].out != NULL; i++) {
        lane_fini(shard->peers[i].out, shard->host.mem);
        mem_free(shard->host.mem, shard->peers[i].shares);
    }
    mem_free(shard->host.mem, shard->peers);
    mem_free(shard->host.mem, shard->numbers);
}
