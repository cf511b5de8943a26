#include "session/idset.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"

enum { IDSET_ROOM_MIN = 16 };

void
idset_fini(struct idset *set, struct mem *mem)
{
    mem_free(mem, set->slots);
    *set = (struct idset){ 0 };
}

/* Where `id` is, or the free slot where it would go. */
static uint32_t
find(const struct idset *set, uint16_t id)
{
    uint32_t i = id & set->mask;
    while (set->slots[i] != 0 && set->slots[i] != id)
        i = (i + 1) & set->mask;
    return i;
}

static int
grow(struct idset *set, struct mem *mem)
{
    uint32_t room = set->slots == NULL ? IDSET_ROOM_MIN : (set->mask + 1) * 2;
    uint16_t *slots = mem_new(mem, room * sizeof(*slots));
    if (slots == NULL)
        return -ERR_NO_MEMORY;
    struct idset larger = { .slots = slots, .mask = room - 1, .count = set->count };
    uint32_t at = 0;
    for (uint16_t id = idset_next(set, &at); id != 0; id = idset_next(set, &at))
        slots[find(&larger, id)] = id;
    mem_free(mem, set->slots);
    *set = larger;
    return 0;
}

int
idset_add(struct idset *set, struct mem *mem, uint16_t id)
{
    must(id != 0);
    if (idset_has(set, id))
        return 0;
    if (set->slots == NULL || (set->count + 1) * 2 > set->mask + 1) {
        int rc = grow(set, mem);
        if (rc < 0)
            return rc;
    }
    set->slots[find(set, id)] = id;
    set->count++;
    return 1;
}

bool
idset_has(const struct idset *set, uint16_t id)
{
    return set->count > 0 && set->slots[find(set, id)] == id;
}

/* Close the gap at `hole` so that every later slot of the run is still reachable from its home. */
static void
shift_back(struct idset *set, uint32_t hole)
{
    for (uint32_t i = (hole + 1) & set->mask; set->slots[i] != 0; i = (i + 1) & set->mask) {
        uint32_t home = set->slots[i] & set->mask;
        if (((i - home) & set->mask) >= ((i - hole) & set->mask)) {
            set->slots[hole] = set->slots[i];
            hole = i;
        }
    }
    set->slots[hole] = 0;
}

bool
idset_cut(struct idset *set, uint16_t id)
{
    if (!idset_has(set, id))
        return false;
    shift_back(set, find(set, id));
    set->count--;
    return true;
}

uint16_t
idset_next(const struct idset *set, uint32_t *at)
{
    while (set->slots != NULL && *at <= set->mask) {
        uint16_t id = set->slots[(*at)++];
        if (id != 0)
            return id;
    }
    return 0;
}
