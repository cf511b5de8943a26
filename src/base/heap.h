/* base/heap.h - an intrusive binary min-heap by time.  Ties leave in the order they came. */
#ifndef TAMBO_BASE_HEAP_H
#define TAMBO_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mem;

struct heap_node {
    uint64_t at;   /* set by heap_put */
    uint64_t turn; /* order of arrival */
    size_t slot;   /* 1-based place in the heap; 0: not in it, so a zeroed node is ready for use */
};

struct heap {
    struct mem *mem;
    struct heap_node **nodes;
    size_t count, room;
    uint64_t turns;
};

void heap_init(struct heap *heap, struct mem *mem);
void heap_fini(struct heap *heap);
/* 0 or -ERR_NO_MEMORY.  A node that is in already is moved (never fails). */
int heap_put(struct heap *heap, struct heap_node *node, uint64_t at);
/* Harmless when it is not in. */
void heap_cut(struct heap *heap, struct heap_node *node);

static inline struct heap_node *
heap_first(const struct heap *heap)
{
    return heap->count == 0 ? NULL : heap->nodes[0];
}

#endif
