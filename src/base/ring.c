#include "base/ring.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"

int
ring_init(struct ring *ring, struct mem *mem, size_t n)
{
    must(n > 0 && (n & (n - 1)) == 0);
    ring->slots = mem_new(mem, n * sizeof(*ring->slots));
    if (ring->slots == NULL)
        return -ERR_NO_MEMORY;
    ring->mask = n - 1;
    atomic_init(&ring->head, 0);
    atomic_init(&ring->tail, 0);
    return 0;
}

void
ring_fini(struct ring *ring, struct mem *mem)
{
    mem_free(mem, ring->slots);
    ring->slots = NULL;
}

bool
ring_push(struct ring *ring, void *it)
{
    size_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    if (tail - atomic_load_explicit(&ring->head, memory_order_acquire) > ring->mask)
        return false;
    ring->slots[tail & ring->mask] = it;
    atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
    return true;
}

void *
ring_pop(struct ring *ring)
{
    size_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    if (head == atomic_load_explicit(&ring->tail, memory_order_acquire))
        return NULL;
    void *it = ring->slots[head & ring->mask];
    atomic_store_explicit(&ring->head, head + 1, memory_order_release);
    return it;
}
