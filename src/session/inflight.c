#include "session/inflight.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"

enum { INFLIGHT_ROOM_MIN = 16, INFLIGHT_ROOM_MAX = 65536, PACKET_ID_MAX = 65535 };

void
inflights_init(struct inflights *flights, struct mem *mem)
{
    *flights = (struct inflights){ .mem = mem };
}

void
inflights_fini(struct inflights *flights)
{
    mem_free(flights->mem, flights->slots);
    inflights_init(flights, flights->mem);
}

static struct inflight *
slot_of(const struct inflights *flights, uint16_t packet_id)
{
    return &flights->slots[packet_id & (flights->room - 1)];
}

/* Identifiers that differ in their low bits differ in more of them too: growing makes no collisions. */
static int
grow(struct inflights *flights)
{
    uint32_t room = flights->room == 0 ? INFLIGHT_ROOM_MIN : flights->room * 2;
    if (room > INFLIGHT_ROOM_MAX)
        return -ERR_FULL;
    struct inflight *slots = mem_new(flights->mem, room * sizeof(*slots));
    if (slots == NULL)
        return -ERR_NO_MEMORY;
    uint32_t at = 0;
    for (struct inflight *f = inflights_next(flights, &at); f != NULL; f = inflights_next(flights, &at))
        slots[f->packet_id & (room - 1)] = *f;
    mem_free(flights->mem, flights->slots);
    flights->slots = slots;
    flights->room = room;
    return 0;
}

static struct inflight *
occupy(struct inflights *flights, uint16_t packet_id)
{
    struct inflight *f = slot_of(flights, packet_id);
    must(f->state == INFLIGHT_FREE);
    *f = (struct inflight){ .packet_id = packet_id, .state = INFLIGHT_SENT, .order = flights->order++ };
    flights->count++;
    return f;
}

static uint16_t
count_up(uint16_t packet_id)
{
    return packet_id == PACKET_ID_MAX ? 1 : (uint16_t)(packet_id + 1);
}

struct inflight *
inflights_add(struct inflights *flights)
{
    if (flights->count == PACKET_ID_MAX)
        return NULL;
    /* A quarter is kept free, so that a free slot is near; at full size every identifier has its own. */
    if (flights->count + flights->room / 4 >= flights->room && flights->room < INFLIGHT_ROOM_MAX && grow(flights) < 0)
        return NULL;
    uint16_t id = count_up(flights->last_id);
    while (slot_of(flights, id)->state != INFLIGHT_FREE)
        id = count_up(id);
    flights->last_id = id;
    return occupy(flights, id);
}

struct inflight *
inflights_put(struct inflights *flights, uint16_t packet_id)
{
    must(packet_id != 0);
    struct inflight *known = inflights_find(flights, packet_id);
    if (known != NULL)
        inflights_cut(flights, known);
    while (flights->room == 0 || slot_of(flights, packet_id)->state != INFLIGHT_FREE)
        if (grow(flights) < 0)
            return NULL;
    flights->last_id = packet_id;
    return occupy(flights, packet_id);
}

struct inflight *
inflights_find(const struct inflights *flights, uint16_t packet_id)
{
    if (flights->count == 0)
        return NULL;
    struct inflight *f = slot_of(flights, packet_id);
    return f->state != INFLIGHT_FREE && f->packet_id == packet_id ? f : NULL;
}

struct inflight *
inflights_seek(const struct inflights *flights, const struct tap *tap, uint64_t seq)
{
    uint32_t at = 0;
    for (struct inflight *f = inflights_next(flights, &at); f != NULL; f = inflights_next(flights, &at))
        if (f->tap == tap && f->seq == seq)
            return f;
    return NULL;
}

void
inflights_cut(struct inflights *flights, struct inflight *flight)
{
    must(flight->state != INFLIGHT_FREE);
    flight->state = INFLIGHT_FREE;
    flights->count--;
}

struct inflight *
inflights_next(const struct inflights *flights, uint32_t *at)
{
    while (*at < flights->room) {
        struct inflight *f = &flights->slots[(*at)++];
        if (f->state != INFLIGHT_FREE)
            return f;
    }
    return NULL;
}

struct sorting {
    uint32_t order;
    uint16_t packet_id;
};

/* The counter may wrap while a message waits: what matters is the distance. */
static int
compare(const void *a, const void *b)
{
    int32_t apart = (int32_t)(((const struct sorting *)a)->order - ((const struct sorting *)b)->order);
    return (apart > 0) - (apart < 0);
}

int
inflights_sorted(const struct inflights *flights, uint16_t *ret)
{
    if (flights->count == 0)
        return 0;
    struct sorting *all = mem_raw(flights->mem, flights->count * sizeof(*all));
    if (all == NULL)
        return -ERR_NO_MEMORY;
    uint32_t at = 0, n = 0;
    for (struct inflight *f = inflights_next(flights, &at); f != NULL; f = inflights_next(flights, &at))
        all[n++] = (struct sorting){ f->order, f->packet_id };
    qsort(all, n, sizeof(*all), compare);
    for (uint32_t i = 0; i < n; i++)
        ret[i] = all[i].packet_id;
    mem_free(flights->mem, all);
    return 0;
}
