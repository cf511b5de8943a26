/* base/map.h - a hash map of pointers to things that carry their own key.
 *
 * Open addressing with linear probing, 16 bytes a slot (hash, value), grown by doubling at 3/4, no tombstones
 * (removal shifts back).  The caller hashes the key and compares candidates by a callback; values are never NULL. */
#ifndef TAMBO_BASE_MAP_H
#define TAMBO_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mem;

struct map_slot {
    uint64_t hash;
    void *value; /* NULL: free */
};

struct map {
    struct mem *mem;
    struct map_slot *slots;
    size_t mask; /* slots - 1; 0 with slots == NULL */
    size_t count;
};

/* Does `value` carry `key`? */
typedef bool map_same(const void *value, const void *key);

void map_init(struct map *map, struct mem *mem);
/* Frees the slots, not the values. */
void map_fini(struct map *map);
/* The value under `key`, or NULL. */
void *map_get(const struct map *map, uint64_t hash, map_same *same, const void *key);
/* Adds `value`, whose key must not be in the map yet.  0 or -ERR_NO_MEMORY. */
int map_put(struct map *map, uint64_t hash, void *value);
/* Removes exactly this value.  Was it there? */
bool map_cut(struct map *map, uint64_t hash, const void *value);

/* Walks the values in no order: start with *at = 0; NULL at the end.  The map may not change meanwhile, but for
 * the walk being started again. */
void *map_next(const struct map *map, size_t *at);

#endif
