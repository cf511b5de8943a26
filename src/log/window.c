/* log/window.c - a bounded view of a file that slides over it, for reading a log of any size in a megabyte.
 * Blocking: start-up and tools only. */
#include "log/internal.h"

void
window_init(struct window *window, struct io *io, size_t stride)
{
    *window = (struct window){ .io = io, .mem = io_mem(io), .file = NO_FILE, .stride = stride };
}

void
window_fini(struct window *window)
{
    mem_free(window->mem, window->buffer);
    window->buffer = NULL;
    window->room = window->len = 0;
}

void
window_bind(struct window *window, int64_t file, unsigned version, uint64_t limit)
{
    window->file = file;
    window->version = version;
    window->limit = limit;
    window->len = 0;
}

static int64_t
read_now(struct window *window, uint64_t offset, uint8_t *into, size_t len)
{
    struct io_job job = { .op = IO_READ, .file = window->file, .offset = offset, .into = into, .len = len };
    return io_now(window->io, &job);
}

/* A disk that fails once may answer the next time. */
static int64_t
read_stubbornly(struct window *window, uint64_t offset, uint8_t *into, size_t len)
{
    enum { TRIES = 4 };
    int64_t got = -ERR_IO;
    for (unsigned i = 0; i < TRIES && got < 0; i++)
        got = read_now(window, offset, into, len);
    return got;
}

/* A place that cannot be read is taken for zeros, page by page: it fails its checksums, the rest does not. */
static void
read_patchily(struct window *window, size_t len)
{
    for (size_t at = 0; at < len; at += PAGE_BYTES) {
        size_t n = len - at < PAGE_BYTES ? len - at : PAGE_BYTES;
        int64_t got = read_stubbornly(window, window->from + at, window->buffer + at, n);
        size_t good = got < 0 ? 0 : (size_t)got;
        memset(window->buffer + at + good, 0, n - good);
    }
}

static int
make_room(struct window *window, uint64_t n)
{
    if (n <= window->room)
        return 0;
    size_t room = n < window->stride ? window->stride : (size_t)n;
    window_fini(window);
    window->buffer = mem_raw(window->mem, room);
    if (window->buffer == NULL)
        return -ERR_NO_MEMORY;
    window->room = room;
    return 0;
}

const uint8_t *
window_slide(struct window *window, uint64_t offset, uint64_t n)
{
    if (offset > window->limit || n > window->limit - offset || window->rc < 0)
        return NULL;
    window->rc = make_room(window, n);
    if (window->rc < 0)
        return NULL;
    size_t len = window->limit - offset < window->room ? (size_t)(window->limit - offset) : window->room;
    window->from = offset;
    window->len = len;
    int64_t got = read_now(window, offset, window->buffer, len);
    if (got < 0)
        read_patchily(window, len);
    else
        memset(window->buffer + got, 0, len - (size_t)got);
    return window->buffer;
}

bool
window_record(struct window *window, uint64_t seed, uint64_t offset, uint64_t end, struct record_header *ret,
              struct view *retrecord)
{
    struct record_header h;
    unsigned version = window->version, head = layouts[version].head_bytes;
    if (end < head || offset > end - head)
        return false;
    const uint8_t *bytes = window_at(window, offset, head);
    if (bytes == NULL || !record_header_decode(version, bytes, seed + offset, &h) ||
        layout_span(version, h.len) > end - offset)
        return false;
    bytes = window_at(window, offset, head + h.len);
    if (bytes == NULL || !record_whole(version, bytes, h.len, seed + offset))
        return false;
    *ret = h;
    *retrecord = view_of(bytes + head, h.len);
    return true;
}
