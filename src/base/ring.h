/* base/ring.h - a bounded ring of pointers from one thread to one other thread, without locks.
 * One producer thread, one consumer thread; each side touches only its own index and reads the other's. */
#ifndef TAMBO_BASE_RING_H
#define TAMBO_BASE_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct mem;

struct ring {
    void **slots;
    size_t mask;
    atomic_size_t head; /* consumer's */
    char apart[64];     /* on another cache line, or the two sides would slow each other down */
    atomic_size_t tail; /* producer's */
};

/* `n` is a power of two.  0 or -ERR_NO_MEMORY. */
int ring_init(struct ring *ring, struct mem *mem, size_t n);
void ring_fini(struct ring *ring, struct mem *mem);
/* Producer.  False when full. */
bool ring_push(struct ring *ring, void *it);
/* Consumer.  NULL when empty. */
void *ring_pop(struct ring *ring);

#endif
