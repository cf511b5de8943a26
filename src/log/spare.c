/* log/spare.c - the stock of files that wait to become segments: made full of zeros, so that neither wearing one nor
 * syncing a batch in it needs space or metadata; removed when they are too many or of the wrong size. */
#include "log/internal.h"

/* ---- stock ----------------------------------------------------------------------------------------------- */

bool
spare_new(struct log *log)
{
    struct supply *s = &log->supply;
    s->spare = MEM_NEW(log->mem, struct spare);
    if (s->spare == NULL)
        return false;
    list_init(&s->spare->link);
    s->spare->id = s->spare_id++;
    s->spare->file = NO_FILE;
    return true;
}

void
spare_stock(struct log *log)
{
    struct supply *s = &log->supply;
    list_push(&s->spares, &s->spare->link);
    s->spare_count++;
    s->spare = NULL;
}

int
spare_found(struct log *log, uint32_t id, int64_t file, uint64_t size)
{
    struct supply *s = &log->supply;
    if (id >= s->spare_id)
        s->spare_id = id;
    if (!spare_new(log))
        return -ERR_NO_MEMORY;
    s->spare->id = id;
    s->spare->file = file;
    s->spare->size = size;
    spare_stock(log);
    return 0;
}

struct spare *
spare_take(struct log *log, struct spare *spare)
{
    list_cut(&spare->link);
    log->supply.spare_count--;
    return spare;
}

/* The smallest that is large enough. */
struct spare *
spare_find(const struct log *log, uint64_t size)
{
    struct spare *best = NULL;
    for (struct list *it = log->supply.spares.next; it != &log->supply.spares; it = it->next) {
        struct spare *spare = container_of(it, struct spare, link);
        if (spare->size >= size && (best == NULL || spare->size < best->size))
            best = spare;
    }
    return best;
}

/* ---- removing -------------------------------------------------------------------------------------------- */

void
spare_forget(struct log *log)
{
    mem_free(log->mem, log->supply.spare);
    log->supply.spare = NULL;
}

static void
after_unlink(struct log *log, int64_t rc)
{
    (void)rc; /* what stays is found by the next opening */
    log->supply.removed = true;
    spare_forget(log);
}

static void
unlink_spare(struct log *log, int64_t rc)
{
    (void)rc;
    name_path(log->supply.path, log->dir, NAME_SPARE, log->supply.spare->id);
    supply_submit(log, (struct io_job){ .op = IO_UNLINK, .path = log->supply.path }, after_unlink);
}

/* supply.spare is in no list. */
void
spare_remove(struct log *log)
{
    struct supply *s = &log->supply;
    if (s->spare->file == NO_FILE) {
        unlink_spare(log, 0);
        return;
    }
    supply_submit(log, (struct io_job){ .op = IO_CLOSE, .file = s->spare->file }, unlink_spare);
}

/* ---- making ---------------------------------------------------------------------------------------------- */

void
spare_failed(struct log *log, int64_t rc)
{
    struct supply *s = &log->supply;
    s->failures++;
    supply_pause(log);
    if (rc == -ERR_DISK_FULL)
        supply_disk_full(log);
    else if (rc != -ERR_NO_MEMORY)
        log_note(log, NOTE_ERROR, "a segment file cannot be made in %s: %s", log->dir, err_text((int)rc));
    if (s->failures >= WRITE_TRIES_MAX && rc != -ERR_DISK_FULL && rc != -ERR_NO_MEMORY)
        log_failed(log, "segment files cannot be made", (int)rc);
    if (s->spare != NULL)
        spare_remove(log);
}

static void
after_allocate(struct log *log, int64_t rc)
{
    struct supply *s = &log->supply;
    if (rc < 0) {
        spare_failed(log, rc);
        return;
    }
    s->spare->size = s->job.offset;
    if (s->spare->size < s->wanted_bytes) {
        uint64_t step = s->wanted_bytes - s->spare->size;
        uint64_t size = s->spare->size + (step < ALLOCATE_STEP_BYTES ? step : ALLOCATE_STEP_BYTES);
        supply_submit(log, (struct io_job){ .op = IO_ALLOCATE, .file = s->spare->file, .offset = size },
                      after_allocate);
        return;
    }
    s->failures = 0;
    spare_stock(log);
}

static void
after_create(struct log *log, int64_t rc)
{
    struct supply *s = &log->supply;
    if (rc < 0) {
        spare_forget(log);
        spare_failed(log, rc);
        return;
    }
    s->spare->file = s->job.file;
    s->job.offset = 0;
    after_allocate(log, 0);
}

bool
spare_make(struct log *log, uint64_t size)
{
    struct supply *s = &log->supply;
    if (!spare_new(log)) {
        supply_pause(log);
        return false;
    }
    s->wanted_bytes = size;
    name_path(s->path, log->dir, NAME_SPARE, s->spare->id);
    supply_submit(log, (struct io_job){ .op = IO_OPEN, .path = s->path, .flags = IO_FLAG_CREATE }, after_create);
    return true;
}
