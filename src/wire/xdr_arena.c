/* wire/xdr_arena.c - memory for what is decoded: blocks that are filled one after the other and freed together.
 *
 * It belongs to programs that have no context whose memory it could be, so it is malloc's. */
#include <stdlib.h>

#include "tambo/xdr.h"

enum { ALIGN = _Alignof(max_align_t), BLOCK_BYTES_MIN = 1024, BLOCK_BYTES_MAX = 64 * 1024 };

struct tambo_arena_block {
    struct tambo_arena_block *next;
    size_t size; /* of what follows */
    _Alignas(max_align_t) uint8_t bytes[];
};

/* Each block is twice the one before, so that few are made for much, and little is taken for little. */
static bool
add_block(struct tambo_arena *arena, size_t n)
{
    size_t size = arena->first == NULL ? BLOCK_BYTES_MIN : 2 * arena->first->size;
    struct tambo_arena_block *block;

    if (size > BLOCK_BYTES_MAX)
        size = BLOCK_BYTES_MAX;
    if (size < n)
        size = n;
    block = malloc(sizeof(*block) + size);
    if (block == NULL)
        return false;
    block->next = arena->first;
    block->size = size;
    arena->first = block;
    arena->used = 0;
    arena->size = size;
    return true;
}

void *
tambo_arena_take(struct tambo_arena *arena, size_t n)
{
    size_t left = SIZE_MAX / 2;
    void *p;

    if (arena->bytes_max > 0) /* which may be set later, to less than was taken */
        left = arena->bytes < arena->bytes_max ? arena->bytes_max - arena->bytes : 0;
    if (n > left)
        return NULL;
    n = (n + ALIGN - 1) / ALIGN * ALIGN;
    if ((arena->first == NULL || n > arena->size - arena->used) && !add_block(arena, n))
        return NULL;
    p = arena->first->bytes + arena->used;
    arena->used += n;
    arena->bytes += n < left ? n : left;
    return p;
}

static void
free_blocks(struct tambo_arena_block *block)
{
    while (block != NULL) {
        struct tambo_arena_block *next = block->next;
        free(block);
        block = next;
    }
}

/* The newest is kept: it is the largest, but for one that a single thing was too large for. */
void
tambo_arena_reset(struct tambo_arena *arena)
{
    if (arena->first != NULL) {
        free_blocks(arena->first->next);
        arena->first->next = NULL;
    }
    arena->used = 0;
    arena->bytes = 0;
}

void
tambo_arena_free(struct tambo_arena *arena)
{
    free_blocks(arena->first);
    *arena = (struct tambo_arena){ .bytes_max = arena->bytes_max };
}
