/* log/restore.c - reading a checkpoint file back.  It counts only as a whole: up to its footer, with every checksum
 * right. */
#include "base/cursor.h"
#include "log/internal.h"

struct restoring {
    struct window window;
    uint64_t seed, size;
    restore_fn *record;
    void *arg;
};

static int
read_header(struct restoring *r, struct checkpoint_header *ret)
{
    const uint8_t *bytes = window_at(&r->window, 0, CHECKPOINT_HEADER_BYTES);
    if (bytes == NULL)
        return r->window.rc < 0 ? r->window.rc : -ERR_DAMAGED;
    int rc = checkpoint_header_decode(bytes, ret);
    if (rc < 0)
        return rc;
    r->seed = segment_seed(ret->epoch, ret->number);
    r->window.version = ret->version;
    return 0;
}

/* Ends the walk: 0 when it says that `count` records came before it, and nothing comes after it. */
static int
check_footer(const struct restoring *r, uint64_t end, struct view footer, uint64_t count)
{
    struct cursor c = cursor_of(footer);
    bool whole = take_u64(&c) == count && !c.torn && end == r->size;
    return whole ? 0 : -ERR_DAMAGED;
}

static int
read_records(struct restoring *r)
{
    uint64_t count = 0;
    for (uint64_t at = CHECKPOINT_HEADER_BYTES;; count++) {
        struct record_header h;
        struct view record;
        if (!window_record(&r->window, r->seed, at, r->size, &h, &record))
            return r->window.rc < 0 ? r->window.rc : -ERR_DAMAGED;
        if (h.kind == RECORD_KIND_FOOTER)
            return check_footer(r, at + layout_span(r->window.version, h.len), record, count);
        int rc = r->record == NULL ? 0 : r->record(r->arg, h.kind, at, record);
        if (rc < 0)
            return rc;
        at += layout_span(r->window.version, h.len);
    }
}

int
restore_walk(struct io *io, const char *path, restore_fn *record, void *arg, struct checkpoint_header *ret)
{
    struct restoring r = { .record = record, .arg = arg };
    int64_t file = open_now(io, path, IO_FLAG_READ_ONLY);
    if (file < 0)
        return (int)file;
    struct io_job job = { .op = IO_SIZE, .file = file };
    int64_t size = io_now(io, &job);
    window_init(&r.window, io, WINDOW_BYTES);
    r.size = size < 0 ? 0 : (uint64_t)size;
    window_bind(&r.window, file, FORMAT_VERSION, r.size);
    int rc = read_header(&r, ret);
    if (rc == 0)
        rc = read_records(&r);
    window_fini(&r.window);
    close_now(io, file);
    return rc;
}
