/* session/zmtp/message.c - see message.h. */
#include "session/zmtp/message.h"

#include "base/mem.h"
#include "base/must.h"

struct zmtp_chunk *
zmtp_chunk_new(struct mem *mem, size_t len)
{
    struct zmtp_chunk *chunk = len > SIZE_MAX - sizeof(*chunk) ? NULL : mem_raw(mem, sizeof(*chunk) + len);
    if (chunk != NULL)
        *chunk = (struct zmtp_chunk){ .mem = mem, .refs = 1, .len = len };
    return chunk;
}

struct zmtp_chunk *
zmtp_chunk_ref(struct zmtp_chunk *chunk)
{
    must(chunk->refs > 0);
    chunk->refs++;
    return chunk;
}

void
zmtp_chunk_unref(struct zmtp_chunk *chunk)
{
    if (chunk == NULL)
        return;
    must(chunk->refs > 0);
    if (--chunk->refs == 0)
        mem_free(chunk->mem, chunk);
}
