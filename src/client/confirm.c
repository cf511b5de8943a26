/* client/confirm.c - see confirm.h. */
#include "client/confirm.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"

enum { ROOM_MIN = 64 };

void
confirms_init(struct confirms *confirms, struct mem *mem)
{
    *confirms = (struct confirms){ .mem = mem, .first = 1, .next = 1 };
}

void
confirms_fini(struct confirms *confirms)
{
    mem_free(confirms->mem, confirms->slots);
    confirms_init(confirms, confirms->mem);
}

static struct confirm *
slot(const struct confirms *confirms, uint64_t number)
{
    return &confirms->slots[number & (confirms->room - 1)];
}

/* Numbers keep their place modulo the room, so all are laid out anew. */
static int
grow(struct confirms *confirms)
{
    struct confirms grown = *confirms;

    grown.room = confirms->room == 0 ? ROOM_MIN : 2 * confirms->room;
    grown.slots = mem_raw(confirms->mem, grown.room * sizeof *grown.slots);
    if (grown.slots == NULL)
        return -ERR_NO_MEMORY;
    for (uint64_t i = confirms->first; i < confirms->next; i++)
        *slot(&grown, i) = *slot(confirms, i);
    mem_free(confirms->mem, confirms->slots);
    *confirms = grown;
    return 0;
}

int
confirms_reserve(struct confirms *confirms)
{
    uint64_t count = confirms->next - confirms->first;

    if (count < confirms->room)
        return 0;
    return count >= CONFIRMS_MAX ? -ERR_FULL : grow(confirms);
}

void
confirms_push(struct confirms *confirms, uint64_t token)
{
    must(confirms->next - confirms->first < confirms->room);
    *slot(confirms, confirms->next++) = (struct confirm){ .token = token };
    confirms->unsettled++;
}

bool
confirms_has(const struct confirms *confirms, uint64_t number)
{
    return number >= confirms->first && number < confirms->next && !slot(confirms, number)->settled;
}

uint64_t
confirms_settle(struct confirms *confirms, uint64_t number)
{
    must(confirms_has(confirms, number));
    uint64_t token = slot(confirms, number)->token;
    slot(confirms, number)->settled = true;
    confirms->unsettled--;
    while (confirms->first < confirms->next && slot(confirms, confirms->first)->settled)
        confirms->first++;
    return token;
}
