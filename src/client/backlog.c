/* client/backlog.c - see backlog.h. */
#include "client/backlog.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"
#include "wire/zmtp.h"

enum { CHUNK_BYTES_MAX = 64 * 1024 };

struct piece {
    struct list link;
    struct zmtp_slice slice; /* what of it still waits */
    uint32_t count;          /* messages in it */
    bool is_open;            /* the chunk is ours to write on behind the run */
};

void
backlog_init(struct backlog *backlog, struct mem *mem)
{
    *backlog = (struct backlog){ .mem = mem };
    list_init(&backlog->pieces);
}

static struct piece *
first_of(const struct backlog *backlog)
{
    must(!list_empty(&backlog->pieces));
    return container_of(backlog->pieces.next, struct piece, link);
}

static struct piece *
last_of(const struct backlog *backlog)
{
    return container_of(backlog->pieces.prev, struct piece, link);
}

void
backlog_drop_first(struct backlog *backlog)
{
    struct piece *piece = first_of(backlog);
    backlog->messages -= piece->count;
    backlog->bytes -= piece->slice.run.len;
    list_cut(&piece->link);
    zmtp_chunk_unref(piece->slice.chunk);
    mem_free(backlog->mem, piece);
}

void
backlog_clear(struct backlog *backlog)
{
    while (!list_empty(&backlog->pieces))
        backlog_drop_first(backlog);
}

/* Takes over the caller's reference. */
static int
add(struct backlog *backlog, struct zmtp_slice slice, uint32_t count, bool is_open)
{
    struct piece *piece = MEM_NEW(backlog->mem, struct piece);
    if (piece == NULL) {
        zmtp_chunk_unref(slice.chunk);
        return -ERR_NO_MEMORY;
    }
    piece->slice = slice;
    piece->count = count;
    piece->is_open = is_open;
    list_init(&piece->link);
    list_push(&backlog->pieces, &piece->link);
    backlog->messages += count;
    backlog->bytes += slice.run.len;
    return 0;
}

/* Where the newest chunk can be written on; NULL when it has no room for `n`. */
static uint8_t *
room_behind(const struct backlog *backlog, size_t n)
{
    if (list_empty(&backlog->pieces) || !last_of(backlog)->is_open)
        return NULL;
    const struct zmtp_slice *slice = &last_of(backlog)->slice;
    size_t at = (size_t)(slice->run.data - slice->chunk->bytes) + slice->run.len;
    return slice->chunk->len - at >= n ? slice->chunk->bytes + at : NULL;
}

uint8_t *
backlog_room(struct backlog *backlog, size_t n)
{
    uint8_t *at = room_behind(backlog, n);
    if (at != NULL)
        return at;
    /* The more waits already, the more is likely to come. */
    size_t size = backlog->bytes * 2 < CHUNK_BYTES_MAX ? backlog->bytes * 2 : CHUNK_BYTES_MAX;
    struct zmtp_chunk *chunk = zmtp_chunk_new(backlog->mem, n > size ? n : size);
    if (chunk == NULL)
        return NULL;
    struct zmtp_slice slice = { .chunk = chunk, .run = view_of(chunk->bytes, 0) };
    return add(backlog, slice, 0, true) == 0 ? chunk->bytes : NULL;
}

void
backlog_room_done(struct backlog *backlog, size_t n, uint32_t count)
{
    struct piece *piece = last_of(backlog);
    piece->slice.run.len += n;
    piece->count += count;
    backlog->bytes += n;
    backlog->messages += count;
    if (piece->count == 0) /* nothing came into a new chunk */
        backlog_drop_first(backlog);
}

int
backlog_copy(struct backlog *backlog, struct view run, uint32_t count)
{
    uint8_t *at = backlog_room(backlog, run.len);
    if (at == NULL)
        return -ERR_NO_MEMORY;
    memcpy(at, run.data, run.len);
    backlog_room_done(backlog, run.len, count);
    return 0;
}

int
backlog_refer(struct backlog *backlog, struct zmtp_chunk *chunk, struct view run, uint32_t count)
{
    return add(backlog, (struct zmtp_slice){ .chunk = zmtp_chunk_ref(chunk), .run = run }, count, false);
}

struct view
backlog_front(const struct backlog *backlog)
{
    const struct piece *piece = first_of(backlog);
    size_t len = piece->count == 1 ? piece->slice.run.len : zmtp_message_bytes(piece->slice.run);
    return view_of(piece->slice.run.data, len);
}

/* The first message, of `len` bytes, no longer waits. */
static void
cut_front(struct backlog *backlog, size_t len)
{
    struct piece *piece = first_of(backlog);
    if (piece->count == 1) {
        backlog_drop_first(backlog);
        return;
    }
    piece->slice.run = view_from(piece->slice.run, len);
    piece->count--;
    backlog->bytes -= len;
    backlog->messages--;
}

struct zmtp_slice
backlog_take(struct backlog *backlog, struct view message)
{
    struct zmtp_slice ret = { .chunk = zmtp_chunk_ref(first_of(backlog)->slice.chunk), .run = message };
    cut_front(backlog, message.len);
    return ret;
}

void
backlog_drop(struct backlog *backlog)
{
    cut_front(backlog, backlog_front(backlog).len);
}

const struct zmtp_slice *
backlog_first(const struct backlog *backlog, uint32_t *retcount)
{
    *retcount = first_of(backlog)->count;
    return &first_of(backlog)->slice;
}
