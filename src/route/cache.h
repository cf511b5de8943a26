/* route/cache.h - what topics found lately.
 *
 * An entry is one allocation: head, rows, topic.  It is believed while nothing that it depends on has changed: there
 * are VERSIONS counters, a change of the trie moves the one that the path it touches falls on (match.h, trail_of_node),
 * and an entry remembers the sum of those few that its topic's trail falls on.  So subscribers that come and go under
 * one part of the trie cost the topics of the others nothing, and a change costs O(1).
 *
 * Bounded by entries and by bytes; the oldest that was not used since it was last looked at goes first. */
#ifndef TAMBO_ROUTE_CACHE_H
#define TAMBO_ROUTE_CACHE_H

#include "base/list.h"
#include "base/map.h"
#include "route/match.h"

enum { CACHE_ENTRIES_MAX = 1 << 16, CACHE_BYTES_MAX = 16 << 20, CACHE_ENTRY_BYTES_MAX = CACHE_BYTES_MAX / 16 };
enum { VERSIONS = 1024 };

struct cache {
    struct mem *mem;
    struct map entries;
    struct list ages; /* oldest first */
    size_t bytes;
    uint64_t versions[VERSIONS];
};

/* A topic and its hash. */
struct cache_key {
    uint64_t hash;
    struct view topic;
    enum route_syntax syntax;
};

void cache_init(struct cache *cache, struct mem *mem);
void cache_fini(struct cache *cache);
struct cache_key cache_key_of(enum route_syntax syntax, struct view topic);
/* What is still true; NULL: nothing is known. */
const struct route_hits *cache_get(struct cache *cache, const struct cache_key *key);
/* Copies `hits`.  NULL: too large, or no memory; nothing is lost by it but time. */
const struct route_hits *cache_put(struct cache *cache, const struct cache_key *key, const struct trail *trail,
                                   const struct route_hits *hits);
/* The rows under `path` have changed. */
void cache_touch(struct cache *cache, uint64_t path);

#endif
