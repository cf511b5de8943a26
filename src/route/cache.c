#include "route/cache.h"

#include "base/mem.h"

/* How many entries in use are spared before one is dropped all the same. */
enum { SPARED_MAX = 8 };
/* All prefixes of a trail, and the whole. */
enum { COUNTERS = PREFIX_LEVELS + 2 };

struct entry {
    struct list age;
    uint64_t hash;
    uint64_t versions; /* the sum of `counters` when it was true; they only grow */
    struct route_hits hits;
    uint32_t rows_room;
    uint16_t counters[COUNTERS];
    uint16_t topic_bytes;
    uint8_t syntax;
    bool used;
    struct route_row *rows[]; /* rows_room of them, then the topic */
};

_Static_assert(CACHE_ENTRY_BYTES_MAX *(SPARED_MAX + 1) < CACHE_BYTES_MAX,
               "the newest entry is never the one that is dropped for it");

void
cache_init(struct cache *cache, struct mem *mem)
{
    *cache = (struct cache){ .mem = mem };
    map_init(&cache->entries, mem);
    list_init(&cache->ages);
}

static size_t
entry_bytes(size_t rows, size_t topic_bytes)
{
    return sizeof(struct entry) + rows * sizeof(struct route_row *) + topic_bytes;
}

static struct view
entry_topic(const struct entry *e)
{
    return view_of(&e->rows[e->rows_room], e->topic_bytes);
}

static void
drop(struct cache *cache, struct entry *e)
{
    map_cut(&cache->entries, e->hash, e);
    list_cut(&e->age);
    cache->bytes -= entry_bytes(e->rows_room, e->topic_bytes);
    mem_free(cache->mem, e);
}

void
cache_fini(struct cache *cache)
{
    while (!list_empty(&cache->ages))
        drop(cache, container_of(cache->ages.next, struct entry, age));
    map_fini(&cache->entries);
}

struct cache_key
cache_key_of(enum route_syntax syntax, struct view topic)
{
    return (struct cache_key){ hash_bytes(topic, syntax), topic, syntax };
}

static bool
is_entry(const void *value, const void *key)
{
    const struct entry *e = value;
    const struct cache_key *k = key;
    return e->syntax == k->syntax && view_equal(entry_topic(e), k->topic);
}

static uint64_t
sum_versions(const struct cache *cache, const struct entry *e)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < COUNTERS; i++)
        sum += cache->versions[e->counters[i]];
    return sum;
}

const struct route_hits *
cache_get(struct cache *cache, const struct cache_key *key)
{
    struct entry *e = map_get(&cache->entries, key->hash, is_entry, key);
    if (e == NULL || e->versions != sum_versions(cache, e))
        return NULL;
    e->used = true;
    return &e->hits;
}

static uint16_t
counter_of(uint64_t path)
{
    return (uint16_t)(path % VERSIONS);
}

void
cache_touch(struct cache *cache, uint64_t path)
{
    cache->versions[counter_of(path)]++;
}

static struct entry *
entry_new(struct cache *cache, const struct cache_key *key, uint32_t rows)
{
    size_t n = entry_bytes(rows, key->topic.len);
    struct entry *e = n <= CACHE_ENTRY_BYTES_MAX ? mem_raw(cache->mem, n) : NULL;
    if (e == NULL)
        return NULL;
    *e = (struct entry){ .hash = key->hash, .rows_room = rows, .topic_bytes = (uint16_t)key->topic.len };
    e->syntax = (uint8_t)key->syntax;
    e->hits.rows = e->rows;
    if (key->topic.len > 0)
        memcpy(&e->rows[rows], key->topic.data, key->topic.len);
    if (map_put(&cache->entries, key->hash, e) < 0) {
        mem_free(cache->mem, e);
        return NULL;
    }
    list_init(&e->age);
    list_push(&cache->ages, &e->age);
    cache->bytes += n;
    return e;
}

/* The oldest entry that was not used since the last time goes; used ones get a second turn. */
static void
drop_oldest(struct cache *cache)
{
    for (unsigned spared = 0;; spared++) {
        struct entry *e = container_of(cache->ages.next, struct entry, age);
        if (!e->used || spared == SPARED_MAX) {
            drop(cache, e);
            return;
        }
        e->used = false;
        list_push(&cache->ages, &e->age);
    }
}

/* An entry with room for `rows` under `key`: the one that has become untrue, or a new one. */
static struct entry *
entry_for(struct cache *cache, const struct cache_key *key, uint32_t rows)
{
    struct entry *e = map_get(&cache->entries, key->hash, is_entry, key);
    if (e != NULL && e->rows_room >= rows)
        return e;
    if (e != NULL)
        drop(cache, e);
    e = entry_new(cache, key, rows);
    while (e != NULL && (cache->entries.count > CACHE_ENTRIES_MAX || cache->bytes > CACHE_BYTES_MAX))
        drop_oldest(cache);
    return e;
}

const struct route_hits *
cache_put(struct cache *cache, const struct cache_key *key, const struct trail *trail, const struct route_hits *hits)
{
    struct entry *e = entry_for(cache, key, hits->count);
    if (e == NULL)
        return NULL;
    for (unsigned i = 0; i <= PREFIX_LEVELS; i++)
        e->counters[i] = counter_of(trail->prefix[i]);
    e->counters[PREFIX_LEVELS + 1] = counter_of(trail->whole);
    e->versions = sum_versions(cache, e);
    e->hits.count = hits->count;
    if (hits->count > 0)
        memcpy(e->rows, hits->rows, hits->count * sizeof(struct route_row *));
    return &e->hits;
}
