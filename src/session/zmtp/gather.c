/* session/zmtp/gather.c - see gather.h. */
#include "session/zmtp/gather.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"

/* Up to EAGER_BYTES a claimed size is believed: most frames are not that large, and then nothing is moved. */
enum { FIRST_BYTES = 64, EAGER_BYTES = 256 * 1024 };

static size_t
larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Room for `now` bytes, and if it is not much for the `end` that will be needed. */
static int
make_room(struct zmtp_gather *gather, struct mem *mem, size_t now, uint64_t end)
{
    if (now <= gather->room)
        return 0;
    size_t room = larger(now, 2 * gather->room);
    if (end <= EAGER_BYTES)
        room = larger(room, (size_t)end);
    else if (room > end + end / 8)
        room = (size_t)(end + end / 8); /* more than is needed, or many small frames would each move all before them */
    room = larger(room, FIRST_BYTES);
    struct zmtp_chunk *chunk = mem_grow(mem, gather->chunk, sizeof(*chunk) + room);
    if (chunk == NULL)
        return -ERR_NO_MEMORY;
    if (gather->chunk == NULL)
        *chunk = (struct zmtp_chunk){ .mem = mem, .refs = 1 };
    gather->chunk = chunk;
    gather->room = room;
    return 0;
}

int
zmtp_gather_add(struct zmtp_gather *gather, struct mem *mem, struct view *in, uint64_t need)
{
    size_t have = zmtp_gathered(gather).len, len = gather->frame + have;
    must(need > have);
    size_t n = need - have < in->len ? (size_t)(need - have) : in->len;
    int rc = make_room(gather, mem, len + n, gather->frame + need);
    if (rc < 0)
        return rc;
    memcpy(gather->chunk->bytes + len, in->data, n);
    gather->chunk->len = len + n;
    *in = view_from(*in, n);
    return 0;
}

void
zmtp_gather_cut(struct zmtp_gather *gather)
{
    gather->chunk->len = gather->frame;
}

struct zmtp_chunk *
zmtp_gather_take(struct zmtp_gather *gather)
{
    struct zmtp_chunk *chunk = gather->chunk;
    *gather = (struct zmtp_gather){ 0 };
    return chunk;
}

void
zmtp_gather_clear(struct zmtp_gather *gather)
{
    zmtp_chunk_unref(zmtp_gather_take(gather));
}
