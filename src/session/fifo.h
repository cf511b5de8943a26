/* session/fifo.h - a queue of small things of one size in one growing ring. */
#ifndef TAMBO_SESSION_FIFO_H
#define TAMBO_SESSION_FIFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mem;

/* An empty one owns no memory. */
struct fifo {
    struct mem *mem;
    uint8_t *items;
    uint32_t item_bytes, first, count, room; /* room is a power of two, or 0 */
};

void fifo_init(struct fifo *fifo, struct mem *mem, size_t item_bytes);
void fifo_fini(struct fifo *fifo);
/* Room for one more: the next push succeeds.  0 or -ERR_NO_MEMORY. */
int fifo_reserve(struct fifo *fifo);
/* Copies the item.  0 or -ERR_NO_MEMORY. */
int fifo_push(struct fifo *fifo, const void *item);
/* The oldest, in place until the next push; NULL when there is none. */
const void *fifo_first(const struct fifo *fifo);
/* There is one. */
void fifo_pop(struct fifo *fifo);
/* Forgets all items and keeps the room. */
void fifo_clear(struct fifo *fifo);

#endif
