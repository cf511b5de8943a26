#include "base/mem.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"

static int
refused(struct mem *mem, size_t n)
{
    mem->calls++;
    if (mem->fail_at != 0 && mem->calls == mem->fail_at)
        return 1;
    return mem->bytes_max != 0 && (n > mem->bytes_max || mem->used_bytes > mem->bytes_max - n);
}

static void
account(struct mem *mem, size_t n)
{
    mem->used_bytes += n;
    if (mem->used_bytes > mem->peak_bytes)
        mem->peak_bytes = mem->used_bytes;
}

void *
mem_raw(struct mem *mem, size_t n)
{
    must(n > 0);
    if (refused(mem, n))
        return NULL;
    void *p = malloc(n);
    if (p != NULL)
        account(mem, malloc_usable_size(p));
    return p;
}

void *
mem_new(struct mem *mem, size_t n)
{
    must(n > 0);
    if (refused(mem, n))
        return NULL;
    void *p = calloc(1, n);
    if (p != NULL)
        account(mem, malloc_usable_size(p));
    return p;
}

void *
mem_grow(struct mem *mem, void *block, size_t n)
{
    must(n > 0);
    if (block == NULL)
        return mem_raw(mem, n);
    size_t old = malloc_usable_size(block);
    if (refused(mem, n > old ? n - old : 0))
        return NULL;
    void *p = realloc(block, n);
    if (p == NULL)
        return NULL;
    mem->used_bytes -= old;
    account(mem, malloc_usable_size(p));
    return p;
}

void
mem_free(struct mem *mem, void *block)
{
    if (block == NULL)
        return;
    size_t n = malloc_usable_size(block);
    must(mem->used_bytes >= n);
    mem->used_bytes -= n;
    free(block);
}
