/* x-consistent-hash: a binding's key is its weight, the number of buckets that it has.  A message falls into a bucket
 * by the jump consistent hash of Lamping and Veach (2014), so that of n + 1 buckets the new one takes an equal share of
 * each of the others, and nothing else moves. */
#include "catalog/inner.h"

enum { WEIGHT_MAX = 10000, BUCKETS_MIN = 16 };

enum hash_on { ON_KEY, ON_HEADER, ON_CORRELATION_ID, ON_MESSAGE_ID, ON_TIMESTAMP };

struct ring {
    enum hash_on on;
    struct view header; /* into the exchange's arguments */
    uint32_t count, room;
    struct binding **buckets;
};

static enum hash_on
property_of(struct view name)
{
    if (view_is(name, "correlation_id"))
        return ON_CORRELATION_ID;
    if (view_is(name, "message_id"))
        return ON_MESSAGE_ID;
    return view_is(name, "timestamp") ? ON_TIMESTAMP : ON_KEY;
}

int
ring_new(struct xchg *x)
{
    struct view arguments = view_of(x->arguments, x->arguments_bytes);
    struct amqp_value v;
    struct ring *ring = MEM_NEW(x->vhost->catalog->host->mem, struct ring);
    if (ring == NULL)
        return -ERR_NO_MEMORY;
    if (amqp_table_find(arguments, "hash-header", &v) && v.type == 'S') {
        ring->on = ON_HEADER;
        ring->header = v.bytes;
    } else if (amqp_table_find(arguments, "hash-property", &v) && v.type == 'S') {
        ring->on = property_of(v.bytes);
    }
    x->ring = ring;
    return 0;
}

void
ring_free(struct xchg *x)
{
    struct mem *mem = x->vhost->catalog->host->mem;
    if (x->ring != NULL)
        mem_free(mem, x->ring->buckets);
    mem_free(mem, x->ring);
}

int
ring_check_arguments(struct view arguments, struct refusal *why)
{
    struct amqp_value v;
    bool by_property = amqp_table_find(arguments, "hash-property", &v);
    if (by_property && (v.type != 'S' || property_of(v.bytes) == ON_KEY)) {
        struct view name = v.type == 'S' ? v.bytes : view_of(NULL, 0);
        return refuse(why, AMQP_PRECONDITION_FAILED, "Unsupported property: %.*s", VIEW_ARGS(name));
    }
    if (by_property && amqp_table_find(arguments, "hash-header", &v))
        return refuse(why, AMQP_PRECONDITION_FAILED, "hash-header and hash-property are mutually exclusive");
    return 0;
}

/* 0: it is no weight. */
static uint32_t
weight_of(struct view key)
{
    uint32_t weight = 0;
    for (size_t i = 0; i < key.len; i++) {
        if (key.data[i] < '0' || key.data[i] > '9' || weight > WEIGHT_MAX)
            return 0;
        weight = weight * 10 + key.data[i] - '0';
    }
    return weight <= WEIGHT_MAX ? weight : 0;
}

int
ring_check(struct view key, struct refusal *why)
{
    bool number = key.len > 0;
    for (size_t i = 0; i < key.len; i++)
        number = number && key.data[i] >= '0' && key.data[i] <= '9';
    if (!number)
        return refuse(why, AMQP_PRECONDITION_FAILED, "The binding key must be an integer: <<\"%.*s\">>",
                      VIEW_ARGS(key));
    if (weight_of(key) > 0)
        return 0;
    return refuse(why, AMQP_PRECONDITION_FAILED, "The binding key must be greater than 0, and %d at most", WEIGHT_MAX);
}

int
ring_join(struct binding *b)
{
    struct ring *ring = b->source->ring;
    uint32_t weight = weight_of(binding_key(b)), room = ring->room == 0 ? BUCKETS_MIN : ring->room;
    while (room - ring->count < weight)
        room *= 2;
    if (room != ring->room) {
        struct binding **more =
            mem_grow(b->source->vhost->catalog->host->mem, ring->buckets, room * sizeof(struct binding *));
        if (more == NULL)
            return -ERR_NO_MEMORY;
        ring->buckets = more;
        ring->room = room;
    }
    for (; weight > 0; weight--)
        ring->buckets[ring->count++] = b;
    return 0;
}

void
ring_leave(struct binding *b)
{
    struct ring *ring = b->source->ring;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < ring->count; i++)
        if (ring->buckets[i] != b)
            ring->buckets[kept++] = ring->buckets[i];
    ring->count = kept;
}

static uint32_t
jump(uint64_t key, uint32_t buckets)
{
    int64_t b = -1, j = 0;
    while (j < (int64_t)buckets) {
        b = j;
        key = key * UINT64_C(2862933555777941757) + 1;
        j = (int64_t)((double)(b + 1) * ((double)(INT64_C(1) << 31) / (double)((key >> 33) + 1)));
    }
    return (uint32_t)b;
}

/* A header by its text, or by its bytes on the wire. */
static uint64_t
hash_header(struct view name, struct view headers)
{
    struct cursor c = cursor_of(headers);
    struct view key;
    struct amqp_value v;
    for (const uint8_t *from = c.at; amqp_table_next(&c, &key, &v); from = c.at)
        if (view_equal(key, name))
            return hash_bytes(v.type == 'S' ? v.bytes : view_of(from, (size_t)(c.at - from)), 0);
    return 0;
}

static uint64_t
hash_property(enum hash_on on, const struct envelope *env)
{
    struct amqp_properties p;
    struct view exchange;
    if (!envelope_properties(env, &exchange, &p))
        return 0;
    switch (on) {
    case ON_CORRELATION_ID: return hash_bytes(p.correlation_id, 0);
    case ON_MESSAGE_ID: return hash_bytes(p.message_id, 0);
    default: return hash_bytes(view_of(&p.timestamp, sizeof(p.timestamp)), 0);
    }
}

struct binding *
ring_pick(const struct xchg *x, const struct envelope *env, struct view key, struct view headers)
{
    const struct ring *ring = x->ring;
    uint64_t hash;
    if (ring->count == 0)
        return NULL;
    if (ring->on == ON_KEY)
        hash = hash_bytes(key, 0);
    else if (ring->on == ON_HEADER)
        hash = hash_header(ring->header, headers);
    else
        hash = hash_property(ring->on, env);
    return ring->buckets[jump(hash, ring->count)];
}
