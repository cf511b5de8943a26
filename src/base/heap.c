#include "base/heap.h"

#include "base/err.h"
#include "base/mem.h"

void
heap_init(struct heap *heap, struct mem *mem)
{
    *heap = (struct heap){ .mem = mem };
}

void
heap_fini(struct heap *heap)
{
    mem_free(heap->mem, heap->nodes);
    heap_init(heap, heap->mem);
}

static bool
earlier(const struct heap_node *a, const struct heap_node *b)
{
    return a->at != b->at ? a->at < b->at : a->turn < b->turn;
}

static void
set(struct heap *heap, size_t i, struct heap_node *node)
{
    heap->nodes[i] = node;
    node->slot = i + 1;
}

static void
sift_up(struct heap *heap, struct heap_node *node)
{
    size_t i = node->slot - 1;
    while (i > 0 && earlier(node, heap->nodes[(i - 1) / 2])) {
        set(heap, i, heap->nodes[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    set(heap, i, node);
}

static void
sift_down(struct heap *heap, struct heap_node *node)
{
    size_t i = node->slot - 1;
    for (;;) {
        size_t kid = 2 * i + 1;
        if (kid + 1 < heap->count && earlier(heap->nodes[kid + 1], heap->nodes[kid]))
            kid++;
        if (kid >= heap->count || !earlier(heap->nodes[kid], node))
            break;
        set(heap, i, heap->nodes[kid]);
        i = kid;
    }
    set(heap, i, node);
}

static int
reserve(struct heap *heap)
{
    if (heap->count < heap->room)
        return 0;
    size_t room = heap->room == 0 ? 16 : heap->room * 2;
    struct heap_node **nodes = mem_grow(heap->mem, heap->nodes, room * sizeof(*nodes));
    if (nodes == NULL)
        return -ERR_NO_MEMORY;
    heap->nodes = nodes;
    heap->room = room;
    return 0;
}

int
heap_put(struct heap *heap, struct heap_node *node, uint64_t at)
{
    if (node->slot == 0) {
        int rc = reserve(heap);
        if (rc < 0)
            return rc;
        node->slot = ++heap->count;
    }
    node->at = at;
    node->turn = heap->turns++;
    heap->nodes[node->slot - 1] = node;
    sift_up(heap, node);
    sift_down(heap, node);
    return 0;
}

void
heap_cut(struct heap *heap, struct heap_node *node)
{
    if (node->slot == 0)
        return;
    struct heap_node *last = heap->nodes[--heap->count];
    if (last != node) {
        last->slot = node->slot;
        heap->nodes[last->slot - 1] = last;
        sift_up(heap, last);
        sift_down(heap, last);
    }
    node->slot = 0;
}
