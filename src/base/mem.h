/* base/mem.h - the only room that allocates.
 *
 * A `struct mem` counts what its owner (a shard, a tool, a test) holds, refuses what would pass the budget,
 * and can be told to fail the n-th allocation.  One thread uses it at a time.  Everything that allocates is
 * given the mem it counts against; what a mem gave is returned to the same mem. */
#ifndef TAMBO_BASE_MEM_H
#define TAMBO_BASE_MEM_H

#include <stddef.h>
#include <stdint.h>

struct mem {
    size_t used_bytes;
    size_t peak_bytes;
    size_t bytes_max; /* 0: no budget */
    uint64_t calls;   /* allocations asked for so far */
    uint64_t fail_at; /* the allocation with this number fails (1 is the next after a reset); 0: none */
};

/* Zeroed memory, or NULL past the budget.  n > 0. */
void *mem_new(struct mem *mem, size_t n);
/* Not zeroed: for buffers that are written before they are read. */
void *mem_raw(struct mem *mem, size_t n);
/* As realloc; on failure the old block stays.  New bytes are not zeroed. */
void *mem_grow(struct mem *mem, void *block, size_t n);
/* NULL is fine. */
void mem_free(struct mem *mem, void *block);

#define MEM_NEW(mem, type) ((type *)mem_new((mem), sizeof(type)))

#endif
