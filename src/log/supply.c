/* log/supply.c - the files behind segments: which job is done next, one at a time, chosen anew after each.
 *
 *     make:   create spare-N, write it full of zeros                          -> stock        (spare.c)
 *     grow:   zeros behind the active segment's end, a piece at a time  (grow.c)
 *     dress:  stock -> write and sync a new header -> rename to M.seg -> sync the directory -> ready for batches
 *     retire: dead M.seg -> rename to spare-N -> stock, or remove
 *
 * The last spare is the reserve: it is worn only when the disk is full, and then only urgent records come. */
#include "log/internal.h"

/* ---- jobs ------------------------------------------------------------------------------------------------ */

static void
job_done(struct io_job *job)
{
    struct log *log = job->arg;
    supply_fn *then = log->supply.then;
    log->supply.busy = false;
    then(log, job->rc);
    supply_turn(log);
    log_settle(log);
}

void
supply_submit(struct log *log, struct io_job job, supply_fn *then)
{
    struct supply *s = &log->supply;
    must(!s->busy);
    s->busy = true;
    s->then = then;
    s->job = job;
    s->job.done = job_done;
    s->job.arg = log;
    io_submit(log->io, &s->job);
}

static void
on_timer(void *arg)
{
    struct log *log = arg;
    log->supply.again_ns = 0;
    log->supply.measure = true;
    supply_turn(log);
    log_settle(log);
}

/* Nothing is made for a while.  Without memory for a timer the next turn that comes after it will do. */
void
supply_pause(struct log *log)
{
    log->supply.again_ns = io_now_ns(log->io) + SPACE_POLL_NS;
    (void)io_timer_set(log->io, &log->supply.timer, log->supply.again_ns, on_timer, log);
}

bool
supply_pausing(const struct log *log)
{
    return log->supply.again_ns > io_now_ns(log->io);
}

/* ---- space ----------------------------------------------------------------------------------------------- */

/* What is still to be allocated before the log has all it wants. */
static uint64_t
missing_bytes(const struct log *log)
{
    const struct segment *last = log->segments[log->segment_count - 1];
    bool piece = last == log->active || last->state == SEGMENT_PLANNED;
    bool reserve = log->supply.spare_count < SPARES_MIN;
    return piece * log->supply.piece_bytes + reserve * supply_reserve_bytes(log);
}

static void
set_disk_full(struct log *log, bool full)
{
    if (full)
        supply_pause(log);
    if (log->disk_full == full)
        return;
    log->disk_full = full;
    if (full)
        log_note(log, NOTE_ERROR, "disk full: only settlements and acknowledgements are recorded, publishers wait");
    else
        log_note(log, NOTE_WARNING, "disk has room again");
    writer_press(log);
}

void
supply_disk_full(struct log *log)
{
    set_disk_full(log, true);
}

static void
after_measure(struct log *log, int64_t rc)
{
    struct supply *s = &log->supply;
    if (rc < 0) {
        supply_pause(log);
        return;
    }
    s->measured = true;
    s->free_bytes = (uint64_t)rc;
    set_disk_full(log, s->free_bytes < log->config.disk_free_bytes_min + missing_bytes(log));
}

static void
measure(struct log *log)
{
    log->supply.measure = false;
    supply_submit(log, (struct io_job){ .op = IO_FREE_SPACE, .path = log->dir }, after_measure);
}

bool
supply_exhausted(const struct log *log)
{
    return log->disk_full && log->active->state == SEGMENT_PLANNED && log->supply.spare_count == 0;
}

/* ---- dressing -------------------------------------------------------------------------------------------- */

/* The file is given up for another; its name may be the spare's or the segment's, so it stays where it is. */
static void
dressing_failed(struct log *log, int64_t rc)
{
    struct supply *s = &log->supply;
    s->segment = NULL;
    spare_failed(log, rc);
}

static void
after_name(struct log *log, int64_t rc)
{
    struct supply *s = &log->supply;
    if (rc < 0) {
        dressing_failed(log, rc);
        return;
    }
    s->segment->file = s->spare->file;
    s->segment->size = s->spare->size;
    s->segment->state = SEGMENT_READY;
    s->segment = NULL;
    s->failures = 0;
    spare_forget(log);
    writer_turn(log);
}

static void
after_rename(struct log *log, int64_t rc)
{
    if (rc < 0) {
        dressing_failed(log, rc);
        return;
    }
    supply_submit(log, (struct io_job){ .op = IO_SYNC_DIR, .path = log->dir }, after_name);
}

static void
after_header(struct log *log, int64_t rc)
{
    struct supply *s = &log->supply;
    if (rc < 0) {
        dressing_failed(log, rc);
        return;
    }
    name_path(s->path, log->dir, NAME_SPARE, s->spare->id);
    name_path(s->path2, log->dir, NAME_SEGMENT, s->segment->number);
    supply_submit(log, (struct io_job){ .op = IO_RENAME, .path = s->path, .path2 = s->path2 }, after_rename);
}

static void
write_header(struct log *log, int64_t rc)
{
    struct supply *s = &log->supply;
    if (rc < 0) {
        dressing_failed(log, rc);
        return;
    }
    if (s->spare->file == NO_FILE)
        s->spare->file = s->job.file;
    struct segment_header header = {
        .shard = log->config.shard,
        .number = s->segment->number,
        .epoch = s->segment->epoch,
        .follows = s->segment->follows,
        .size = s->spare->size,
    };
    segment_header_encode(&header, s->header);
    struct io_job job = { .op = IO_WRITE_SYNC, .file = s->spare->file, .view_count = 1 };
    job.views[0] = view_of(s->header, sizeof(s->header));
    supply_submit(log, job, after_header);
}

static void
dress(struct log *log, struct segment *segment, struct spare *spare)
{
    struct supply *s = &log->supply;
    s->segment = segment;
    s->spare = spare_take(log, spare);
    if (spare->file != NO_FILE) {
        write_header(log, 0);
        return;
    }
    name_path(s->path, log->dir, NAME_SPARE, spare->id);
    supply_submit(log, (struct io_job){ .op = IO_OPEN, .path = s->path }, write_header);
}

/* The oldest segment that waits for a file. */
static struct segment *
next_planned(const struct log *log)
{
    struct segment *planned = NULL;
    for (size_t i = log->segment_count; i > 0 && !(log->segments[i - 1]->state == SEGMENT_READY); i--)
        if (log->segments[i - 1]->state == SEGMENT_PLANNED)
            planned = log->segments[i - 1];
    return planned;
}

/* Has anything been appended to it? */
static bool
needed(const struct segment *segment)
{
    return segment->used > SEGMENT_HEADER_BYTES;
}

static bool
is_reserve(const struct log *log, const struct spare *spare)
{
    return spare->size >= supply_reserve_bytes(log) && log->supply.spare_count <= SPARES_MIN;
}

static bool
supply_segment(struct log *log)
{
    struct segment *segment = next_planned(log);
    if (segment == NULL || (log->disk_full && !needed(segment)))
        return false;
    struct spare *spare = spare_find(log, segment->size);
    if (spare != NULL && (log->disk_full || !is_reserve(log, spare))) {
        dress(log, segment, spare);
        return true;
    }
    return !supply_pausing(log) && spare_make(log, segment->size);
}

/* ---- retiring -------------------------------------------------------------------------------------------- */

static void
after_retire(struct log *log, int64_t rc)
{
    struct supply *s = &log->supply;
    s->spare->file = s->segment->file;
    s->spare->size = s->segment->size;
    table_remove(log, s->segment);
    s->segment = NULL;
    if (rc < 0)
        spare_remove(log);
    else
        spare_stock(log);
}

/* Its content may change only when its old name is gone for good: else a power cut would bring back a segment whose
 * header is another's. */
static void
after_unname(struct log *log, int64_t rc)
{
    if (rc >= 0) {
        supply_submit(log, (struct io_job){ .op = IO_SYNC_DIR, .path = log->dir }, after_retire);
        return;
    }
    /* It stays marked as dying: the next opening finds it again. */
    log->supply.segment = NULL;
    spare_forget(log);
    log_note(log, NOTE_WARNING, "a dead segment cannot be renamed in %s: %s", log->dir, err_text((int)rc));
}

static void
retire(struct log *log, struct segment *segment)
{
    struct supply *s = &log->supply;
    if (!spare_new(log))
        return;
    s->segment = segment;
    segment->dying = true;
    name_path(s->path, log->dir, NAME_SEGMENT, segment->number);
    name_path(s->path2, log->dir, NAME_SPARE, s->spare->id);
    supply_submit(log, (struct io_job){ .op = IO_RENAME, .path = s->path, .path2 = s->path2 }, after_unname);
}

/* The next dead segment loses its file. */
static bool
reap(struct log *log)
{
    bool waits = false;
    if (!log->reap_wanted)
        return false;
    for (size_t i = 0; i < log->segment_count; i++) {
        struct segment *segment = log->segments[i];
        if (!table_dead(log, segment)) {
            waits = waits || (segment->held_records == 0 && segment->dead_after > log->committed);
            continue;
        }
        if (segment->absent) {
            table_remove(log, segment);
            i--;
            continue;
        }
        retire(log, segment);
        return log->supply.busy;
    }
    log->reap_wanted = waits;
    return false;
}

/* ---- what next ------------------------------------------------------------------------------------------- */

static bool
useless(const struct log *log, const struct spare *spare)
{
    unsigned most = log->disk_full ? SPARES_MIN : SPARES_MAX;
    bool fits = spare->size >= supply_reserve_bytes(log) && spare->size <= log->config.segment_bytes;
    return !fits || log->supply.spare_count > most;
}

static bool
trim_stock(struct log *log)
{
    LIST_EACH(&log->supply.spares, it) {
        struct spare *spare = container_of(it, struct spare, link);
        if (!useless(log, spare))
            continue;
        log->supply.spare = spare_take(log, spare);
        spare_remove(log);
        return true;
    }
    return false;
}

static bool
fill_stock(struct log *log)
{
    if (log->supply.spare_count >= SPARES_MIN || log->disk_full || log->closing || supply_pausing(log))
        return false;
    return spare_make(log, supply_reserve_bytes(log));
}

static void
after_removals(struct log *log, int64_t rc)
{
    if (rc < 0)
        log_note(log, NOTE_WARNING, "%s cannot be synced: %s", log->dir, err_text((int)rc));
    log->supply.measure = log->disk_full;
}

/* Only a durable removal gives its space back. */
static bool
sync_removals(struct log *log)
{
    if (!log->supply.removed)
        return false;
    log->supply.removed = false;
    supply_submit(log, (struct io_job){ .op = IO_SYNC_DIR, .path = log->dir }, after_removals);
    return true;
}

static void
after_idle_close(struct log *log, int64_t rc)
{
    (void)log;
    (void)rc;
}

static bool
close_idle_file(struct log *log)
{
    struct segment *segment = table_idle_file(log);
    if (segment == NULL)
        return false;
    struct io_job job = { .op = IO_CLOSE, .file = segment->file };
    segment->file = NO_FILE;
    supply_submit(log, job, after_idle_close);
    return true;
}

void
supply_turn(struct log *log)
{
    struct supply *s = &log->supply;
    if (s->busy || log->failed)
        return;
    if (s->measure) {
        measure(log);
        return;
    }
    if (log->disk_full && !supply_pausing(log))
        s->measure = true;
    if (!log->disk_full && !log->closing && supply_nearly_full(log))
        (void)writer_successor(log, s->piece_bytes);
    if (supply_grow(log) || supply_segment(log) || reap(log) || trim_stock(log) || sync_removals(log) ||
        close_idle_file(log))
        return;
    (void)fill_stock(log);
}

void
supply_tick(struct log *log)
{
    if (!log->supply.busy)
        measure(log);
}

void
supply_init(struct log *log)
{
    list_init(&log->supply.spares);
    log->supply.spare_id = 1;
    log->supply.piece_bytes = supply_piece_min(log);
}

void
supply_fini(struct log *log)
{
    struct supply *s = &log->supply;
    io_timer_cut(log->io, &s->timer);
    struct list *it;
    while ((it = list_pop(&s->spares)) != NULL) {
        struct spare *spare = container_of(it, struct spare, link);
        close_now(log->io, spare->file);
        mem_free(log->mem, spare);
    }
    if (s->spare == NULL)
        return;
    close_now(log->io, s->spare->file);
    spare_forget(log);
}
