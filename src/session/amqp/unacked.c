#include "session/amqp/unacked.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"

enum { UNACKED_ROOM_MIN = 8 };

void
unackeds_fini(struct unackeds *u, struct mem *mem)
{
    mem_free(mem, u->items);
    *u = (struct unackeds){ 0 };
}

/* Closes the holes: what is live moves to the front. */
static void
compact(struct unackeds *u)
{
    uint32_t n = 0;
    for (uint32_t i = u->first; i < u->end; i++)
        if (!u->items[i].settled)
            u->items[n++] = u->items[i];
    u->first = 0;
    u->end = n;
}

/* When the room is at its end: a half that is free is used again before more is asked for. */
static int
make_room(struct unackeds *u, struct mem *mem)
{
    if (u->end < u->room)
        return 0;
    if (u->live <= u->room / 2 && u->room > 0) {
        compact(u);
        return 0;
    }
    uint32_t room = u->room == 0 ? UNACKED_ROOM_MIN : u->room * 2;
    struct unacked *items = mem_grow(mem, u->items, room * sizeof(*items));
    if (items == NULL)
        return -ERR_NO_MEMORY;
    u->items = items;
    u->room = room;
    return 0;
}

int
unackeds_add(struct unackeds *u, struct mem *mem, const struct unacked *item)
{
    int rc = make_room(u, mem);
    if (rc < 0)
        return rc;
    must(u->first == u->end || u->items[u->end - 1].tag < item->tag);
    u->items[u->end++] = *item;
    u->live++;
    return 0;
}

struct unacked *
unackeds_find(const struct unackeds *u, uint64_t tag)
{
    uint32_t low = u->first, high = u->end;
    if (low < high && u->items[low].tag == tag)
        return &u->items[low];
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (u->items[middle].tag < tag)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < u->end && u->items[low].tag == tag && !u->items[low].settled;
    return found ? &u->items[low] : NULL;
}

struct unacked *
unackeds_first(const struct unackeds *u)
{
    return u->first < u->end ? &u->items[u->first] : NULL;
}

struct unacked *
unackeds_next(const struct unackeds *u, const struct unacked *item)
{
    for (uint32_t i = (uint32_t)(item - u->items) + 1; i < u->end; i++)
        if (!u->items[i].settled)
            return &u->items[i];
    return NULL;
}

void
unackeds_cut(struct unackeds *u, struct unacked *item)
{
    must(!item->settled);
    item->settled = true;
    item->link = NULL;
    item->consumer = NULL;
    u->live--;
    while (u->first < u->end && u->items[u->first].settled)
        u->first++;
    while (u->end > u->first && u->items[u->end - 1].settled)
        u->end--;
    if (u->first == u->end)
        u->first = u->end = 0;
}
