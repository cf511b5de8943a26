#include "base/map.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"

enum { SLOTS_MIN = 16 };

void
map_init(struct map *map, struct mem *mem)
{
    *map = (struct map){ .mem = mem };
}

void
map_fini(struct map *map)
{
    mem_free(map->mem, map->slots);
    map_init(map, map->mem);
}

void *
map_get(const struct map *map, uint64_t hash, map_same *same, const void *key)
{
    if (map->count == 0)
        return NULL;
    for (size_t i = hash & map->mask; map->slots[i].value != NULL; i = (i + 1) & map->mask)
        if (map->slots[i].hash == hash && same(map->slots[i].value, key))
            return map->slots[i].value;
    return NULL;
}

/* There is a free slot: the map is never full. */
static void
place(struct map_slot *slots, size_t mask, struct map_slot it)
{
    size_t i = it.hash & mask;
    while (slots[i].value != NULL)
        i = (i + 1) & mask;
    slots[i] = it;
}

static int
resize(struct map *map, size_t n)
{
    struct map_slot *slots = mem_new(map->mem, n * sizeof(*slots));
    if (slots == NULL)
        return -ERR_NO_MEMORY;
    for (size_t i = 0; map->slots != NULL && i <= map->mask; i++)
        if (map->slots[i].value != NULL)
            place(slots, n - 1, map->slots[i]);
    mem_free(map->mem, map->slots);
    map->slots = slots;
    map->mask = n - 1;
    return 0;
}

int
map_put(struct map *map, uint64_t hash, void *value)
{
    must(value != NULL);
    size_t n = map->slots == NULL ? 0 : map->mask + 1;
    if ((map->count + 1) * 4 > n * 3) {
        int rc = resize(map, n == 0 ? SLOTS_MIN : n * 2);
        if (rc < 0)
            return rc;
    }
    place(map->slots, map->mask, (struct map_slot){ hash, value });
    map->count++;
    return 0;
}

/* Close the gap at `hole` so that every later slot of the run is still reachable from its home. */
static void
shift_back(struct map *map, size_t hole)
{
    for (size_t i = (hole + 1) & map->mask; map->slots[i].value != NULL; i = (i + 1) & map->mask) {
        size_t home = map->slots[i].hash & map->mask;
        if (((i - home) & map->mask) >= ((i - hole) & map->mask)) {
            map->slots[hole] = map->slots[i];
            hole = i;
        }
    }
    map->slots[hole] = (struct map_slot){ 0 };
}

bool
map_cut(struct map *map, uint64_t hash, const void *value)
{
    if (map->count == 0)
        return false;
    size_t i = hash & map->mask;
    while (map->slots[i].value != NULL && map->slots[i].value != value)
        i = (i + 1) & map->mask;
    if (map->slots[i].value == NULL)
        return false;
    shift_back(map, i);
    map->count--;
    if (map->mask + 1 > SLOTS_MIN * 4 && map->count * 8 < map->mask + 1)
        (void)resize(map, (map->mask + 1) / 2); /* no memory to shrink: it stays large */
    return true;
}

void *
map_next(const struct map *map, size_t *at)
{
    if (map->slots == NULL)
        return NULL;
    while (*at <= map->mask) {
        void *v = map->slots[(*at)++].value;
        if (v != NULL)
            return v;
    }
    return NULL;
}
