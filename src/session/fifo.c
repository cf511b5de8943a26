#include "session/fifo.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"

enum { FIFO_ROOM_MIN = 8 };

void
fifo_init(struct fifo *fifo, struct mem *mem, size_t item_bytes)
{
    *fifo = (struct fifo){ .mem = mem, .item_bytes = (uint32_t)item_bytes };
}

void
fifo_fini(struct fifo *fifo)
{
    mem_free(fifo->mem, fifo->items);
    fifo_init(fifo, fifo->mem, fifo->item_bytes);
}

static uint8_t *
at(const struct fifo *fifo, uint32_t i)
{
    return fifo->items + (size_t)((fifo->first + i) & (fifo->room - 1)) * fifo->item_bytes;
}

static int
grow(struct fifo *fifo)
{
    uint32_t room = fifo->room == 0 ? FIFO_ROOM_MIN : fifo->room * 2;
    uint8_t *items = mem_raw(fifo->mem, (size_t)room * fifo->item_bytes);
    if (items == NULL)
        return -ERR_NO_MEMORY;
    for (uint32_t i = 0; i < fifo->count; i++)
        memcpy(items + (size_t)i * fifo->item_bytes, at(fifo, i), fifo->item_bytes);
    mem_free(fifo->mem, fifo->items);
    fifo->items = items;
    fifo->first = 0;
    fifo->room = room;
    return 0;
}

int
fifo_reserve(struct fifo *fifo)
{
    return fifo->count == fifo->room ? grow(fifo) : 0;
}

int
fifo_push(struct fifo *fifo, const void *item)
{
    int rc = fifo_reserve(fifo);
    if (rc < 0)
        return rc;
    memcpy(at(fifo, fifo->count++), item, fifo->item_bytes);
    return 0;
}

const void *
fifo_first(const struct fifo *fifo)
{
    return fifo->count == 0 ? NULL : at(fifo, 0);
}

void
fifo_pop(struct fifo *fifo)
{
    must(fifo->count > 0);
    fifo->first = (fifo->first + 1) & (fifo->room - 1);
    fifo->count--;
}

void
fifo_clear(struct fifo *fifo)
{
    fifo->first = fifo->count = 0;
}
