/* client/flight.c - see flight.h. */
#include "client/flight.h"

#include "base/err.h"
#include "base/mem.h"

enum { ASKS_MAX = 256, PUBLISH_DUP = 0x08 };

int
flights_init(struct flights *flights, struct mem *mem, unsigned messages_max)
{
    unsigned slot_count = messages_max + ASKS_MAX;
    must(slot_count <= UINT16_MAX);

    *flights = (struct flights){ .mem = mem, .slot_count = slot_count, .messages_max = messages_max };
    for (unsigned i = 0; i < FLIGHT_STAGES; i++)
        list_init(&flights->stages[i]);
    flights->slots = mem_new(mem, slot_count * sizeof *flights->slots);
    return flights->slots == NULL ? -ERR_NO_MEMORY : 0;
}

void
flights_fini(struct flights *flights)
{
    for (unsigned i = 0; i < flights->slot_count && flights->slots != NULL; i++)
        flight_free(flights, flights->slots[i]);
    mem_free(flights->mem, flights->slots);
    flights->slots = NULL;
}

/* Ids go round, so that a late answer to an old one seldom meets a new one. */
static unsigned
free_slot(const struct flights *flights)
{
    for (unsigned i = 0; i < flights->slot_count; i++) {
        unsigned slot = (flights->last_slot + i) % flights->slot_count;
        if (flights->slots[slot] == NULL)
            return slot;
    }
    return flights->slot_count;
}

int
flight_new(struct flights *flights, enum flight_stage stage, struct flight **ret)
{
    if (stage != FLIGHT_ASKED && flights->messages == flights->messages_max)
        return -ERR_AGAIN;
    unsigned slot = free_slot(flights);
    if (slot == flights->slot_count)
        return -ERR_AGAIN;
    struct flight *flight = MEM_NEW(flights->mem, struct flight);
    if (flight == NULL)
        return -ERR_NO_MEMORY;

    flight->packet_id = (uint16_t)(slot + 1);
    flight->stage = stage;
    list_init(&flight->link);
    list_push(&flights->stages[stage], &flight->link);
    flights->slots[slot] = flight;
    flights->last_slot = slot + 1;
    flights->messages += stage != FLIGHT_ASKED;
    *ret = flight;
    return 0;
}

void
flight_move(struct flights *flights, struct flight *flight, enum flight_stage stage)
{
    must((stage == FLIGHT_ASKED) == (flight->stage == FLIGHT_ASKED));
    flight->stage = stage;
    list_push(&flights->stages[stage], &flight->link);
}

struct flight *
flight_find(const struct flights *flights, uint16_t packet_id)
{
    return packet_id == 0 || packet_id > flights->slot_count ? NULL : flights->slots[packet_id - 1];
}

void
flight_drop_frame(struct flights *flights, struct flight *flight)
{
    mem_free(flights->mem, flight->frame);
    flight->frame = NULL;
    flight->frame_bytes = 0;
}

void
flight_free(struct flights *flights, struct flight *flight)
{
    if (flight == NULL)
        return;
    list_cut(&flight->link);
    flights->slots[flight->packet_id - 1] = NULL;
    flights->messages -= flight->stage != FLIGHT_ASKED;
    flight_drop_frame(flights, flight);
    mem_free(flights->mem, flight);
}

struct flight *
flight_first(const struct flights *flights, enum flight_stage stage)
{
    const struct list *head = &flights->stages[stage];
    return list_empty(head) ? NULL : container_of(head->next, struct flight, link);
}

void
flights_rewind(struct flights *flights)
{
    struct list *sent = &flights->stages[FLIGHT_SENT], *waiting = &flights->stages[FLIGHT_WAITING];

    LIST_EACH(sent, it) {
        struct flight *flight = container_of(it, struct flight, link);
        flight->stage = FLIGHT_WAITING;
        flight->frame[0] |= PUBLISH_DUP;
    }
    list_splice(sent, waiting);
    list_splice(waiting, sent);
    LIST_EACH(&flights->stages[FLIGHT_ASKED], it)
        flight_free(flights, container_of(it, struct flight, link));
}
