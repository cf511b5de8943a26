/* log/recovery.c - opening: what the former life left is checked, replayed and told, and the log goes on in a new
 * segment.
 *
 *     list -> heads of the segments -> newest whole checkpoint, replayed -> the log from its start on, replayed
 *          -> sync what was replayed -> plan the segment in which it goes on
 *
 * What was replayed is made durable, because it may be in the kernel's cache only: the owner will act on it, and a
 * power cut must not take it back then.  Nothing that was found is changed but that damaged checkpoints go to
 * quarantine. */
#include <inttypes.h>

#include "log/internal.h"

struct recovery {
    struct log *log;
    struct log_report *report;
    struct listing listing;
    struct checkpoint_header checkpoint;
};

/* ---- quarantine ------------------------------------------------------------------------------------------ */

static void
quarantine_dir(struct log *log, char *ret)
{
    snprintf(ret, PATH_BYTES, "%s/quarantine", log->dir);
    struct io_job job = { .op = IO_MKDIR, .path = ret };
    (void)io_now(log->io, &job);
}

/* Copies [from, to) of one file to another, where it begins at `at`, by pages; what cannot be read is left out. */
static int
copy_range(struct log *log, int64_t in, uint64_t from, uint64_t to, int64_t out, uint64_t at)
{
    uint8_t page[PAGE_BYTES];
    for (; from < to; from += PAGE_BYTES, at += PAGE_BYTES) {
        size_t n = to - from < PAGE_BYTES ? (size_t)(to - from) : PAGE_BYTES;
        struct io_job get = { .op = IO_READ, .file = in, .offset = from, .into = page, .len = n };
        int64_t got = io_now(log->io, &get);
        if (got <= 0)
            continue;
        struct io_job put = { .op = IO_WRITE, .file = out, .offset = at, .view_count = 1 };
        put.views[0] = view_of(page, (size_t)got);
        int64_t rc = io_now(log->io, &put);
        if (rc < 0)
            return (int)rc;
    }
    struct io_job sync = { .op = IO_SYNC, .file = out };
    return (int)io_now(log->io, &sync);
}

/* A copy of the damaged bytes as quarantine/SEGMENT-OFFSET. */
static int
set_aside(struct log *log, const struct segment *segment, uint64_t from, uint64_t to)
{
    char dir[PATH_BYTES], path[PATH_BYTES], source[PATH_BYTES];
    quarantine_dir(log, dir);
    int n = snprintf(path, sizeof(path), "%.480s/%010" PRIu32 "-%010" PRIu64, dir, segment->number, from);
    must(n < (int)sizeof(path));
    name_path(source, log->dir, NAME_SEGMENT, segment->number);
    int64_t in = open_now(log->io, source, IO_FLAG_READ_ONLY);
    int64_t out = open_now(log->io, path, IO_FLAG_CREATE);
    int rc = in < 0 ? (int)in : (int)out;
    if (in >= 0 && out >= 0)
        rc = copy_range(log, in, from, to, out, 0);
    close_now(log->io, in);
    close_now(log->io, out);
    return rc < 0 ? rc : 0;
}

static int
on_damaged(void *arg, const struct segment *segment, uint64_t from, uint64_t to)
{
    struct recovery *r = arg;
    r->report->quarantined_places++;
    r->report->quarantined_bytes += to - from;
    if (from == to) {
        log_note(r->log, NOTE_ERROR, "damage: records are missing after segment %" PRIu32 " in %s", segment->number,
                 r->log->dir);
        return 0;
    }
    int rc = set_aside(r->log, segment, from, to);
    log_note(r->log, NOTE_ERROR, "damage: %" PRIu64 " bytes at %" PRIu64 " of segment %" PRIu32 " in %s, %s", to - from,
             from, segment->number, r->log->dir, rc < 0 ? err_text(rc) : "copied to quarantine");
    return 0;
}

/* ---- the checkpoint -------------------------------------------------------------------------------------- */

static int
on_checkpoint_record(void *arg, unsigned kind, uint64_t offset, struct view record)
{
    struct recovery *r = arg;
    (void)offset;
    r->report->checkpoint_records++;
    return r->log->owner.replay(r->log->owner.arg, kind, 0, record);
}

static void
set_checkpoint_aside(struct recovery *r, uint32_t number)
{
    char path[PATH_BYTES], dir[PATH_BYTES], path2[PATH_BYTES];
    name_path(path, r->log->dir, NAME_CHECKPOINT, number);
    quarantine_dir(r->log, dir);
    name_path(path2, dir, NAME_CHECKPOINT, number);
    struct io_job job = { .op = IO_RENAME, .path = path, .path2 = path2 };
    (void)io_now(r->log->io, &job);
    r->report->quarantined_places++;
    log_note(r->log, NOTE_ERROR, "damage: checkpoint %" PRIu32 " in %s fails its checksums, moved to quarantine",
             number, r->log->dir);
}

static void
remove_checkpoint(struct recovery *r, uint32_t number)
{
    char path[PATH_BYTES];
    name_path(path, r->log->dir, NAME_CHECKPOINT, number);
    struct io_job job = { .op = IO_UNLINK, .path = path };
    (void)io_now(r->log->io, &job);
}

/* The newest whole one, read twice: nothing of a damaged one may be replayed. */
static int
replay_checkpoint(struct recovery *r)
{
    struct log *log = r->log;
    struct numbers *numbers = &r->listing.of[NAME_CHECKPOINT];
    bool found = false;
    for (size_t i = numbers->count; i > 0; i--) {
        uint32_t number = numbers->list[i - 1];
        char path[PATH_BYTES];
        name_path(path, log->dir, NAME_CHECKPOINT, number);
        int rc = found ? 0 : restore_walk(log->io, path, NULL, NULL, &r->checkpoint);
        if (found)
            remove_checkpoint(r, number);
        else if (rc == 0)
            rc = restore_walk(log->io, path, on_checkpoint_record, r, &r->checkpoint);
        else if (rc == -ERR_DAMAGED)
            set_checkpoint_aside(r, number);
        if (rc < 0 && rc != -ERR_DAMAGED)
            return rc;
        found = found || rc == 0;
    }
    if (!found)
        r->checkpoint = (struct checkpoint_header){ 0 };
    return 0;
}

/* ---- the segments ---------------------------------------------------------------------------------------- */

static int
look_at_segments(struct recovery *r)
{
    struct log *log = r->log;
    const struct numbers *numbers = &r->listing.of[NAME_SEGMENT];
    for (size_t i = 0; i < numbers->count; i++) {
        uint32_t shard = log->config.shard;
        struct segment *segment = table_add(log, numbers->list[i]);
        if (segment == NULL)
            return -ERR_NO_MEMORY;
        segment->sealed = true;
        int rc = segment_look(log->io, log->dir, segment, &shard);
        if (rc < 0)
            return rc;
        if (shard != log->config.shard) {
            log_note(log, NOTE_ERROR, "%s holds a segment of shard %u", log->dir, shard);
            return -ERR_FORMAT;
        }
        r->report->segments++;
    }
    segments_limit(log->segments, log->segment_count);
    return 0;
}

static int
look_at_spares(struct recovery *r)
{
    const struct numbers *numbers = &r->listing.of[NAME_SPARE];
    for (size_t i = 0; i < numbers->count; i++) {
        char path[PATH_BYTES];
        name_path(path, r->log->dir, NAME_SPARE, numbers->list[i]);
        int64_t file = open_now(r->log->io, path, 0);
        if (file < 0)
            continue;
        struct io_job job = { .op = IO_SIZE, .file = file };
        int64_t size = io_now(r->log->io, &job);
        int rc = spare_found(r->log, numbers->list[i], file, size < 0 ? 0 : (uint64_t)size);
        if (rc < 0) {
            close_now(r->log->io, file);
            return rc;
        }
    }
    return 0;
}

/* Those without a good header, where the log should be read: they are damaged as a whole.  Before that, in a file that
 * was about to be used again, it means nothing. */
static void
tell_lost_segments(struct recovery *r)
{
    for (size_t i = 0; i < r->log->segment_count; i++) {
        struct segment *segment = r->log->segments[i];
        if (segment->state == SEGMENT_LOST && !segment->absent &&
            segment->number >= position_segment(r->checkpoint.start))
            on_damaged(r, segment, 0, segment->size);
    }
}

/* ---- the log --------------------------------------------------------------------------------------------- */

static int
on_record(void *arg, unsigned kind, uint64_t position, struct view record)
{
    struct recovery *r = arg;
    r->report->records++;
    r->report->bytes += record.len;
    r->log->checkpoint.since += record_span(record.len);
    return r->log->owner.replay(r->log->owner.arg, kind, position, record);
}

static int
on_torn(void *arg, const struct segment *segment, uint64_t from, uint64_t to)
{
    struct recovery *r = arg;
    r->report->cut_bytes += to - from;
    log_note(r->log, NOTE_WARNING, "torn end: %" PRIu64 " bytes at %" PRIu64 " of segment %" PRIu32 " in %s, cut",
             to - from, from, segment->number, r->log->dir);
    return 0;
}

static int
replay_log(struct recovery *r, struct walk *walk)
{
    static const struct walk_on calls = { .record = on_record, .damaged = on_damaged, .torn = on_torn };
    struct walk_on on = calls;
    struct log *log = r->log;
    on.arg = r;
    /* The table may grow while it is walked, by holds of what is gone: the walk has its own. */
    size_t bytes = log->segment_count * sizeof(struct segment *);
    struct segment **segments = mem_raw(log->mem, bytes + 1);
    if (segments == NULL)
        return -ERR_NO_MEMORY;
    if (bytes > 0)
        memcpy(segments, log->segments, bytes);
    *walk = (struct walk){
        .io = log->io,
        .dir = log->dir,
        .on = &on,
        .segments = segments,
        .count = log->segment_count,
        .sequence = r->checkpoint.sequence == 0 ? 1 : r->checkpoint.sequence,
    };
    int rc = walk_log(walk, r->checkpoint.start);
    mem_free(log->mem, segments);
    return rc;
}

/* Writes [from, to) over itself, and syncs; a few times when that fails. */
static int
write_again(struct log *log, const struct segment *segment, uint64_t from, uint64_t to)
{
    char path[PATH_BYTES];
    name_path(path, log->dir, NAME_SEGMENT, segment->number);
    int64_t file = open_now(log->io, path, 0);
    if (file < 0)
        return (int)file;
    int rc = -ERR_IO;
    for (int tries = 0; rc < 0 && tries < WRITE_TRIES_MAX; tries++)
        rc = copy_range(log, file, from, to, file, from);
    close_now(log->io, file);
    return rc;
}

/* What was replayed may be in the kernel's cache only.  If the last batch's sync failed, no other sync will save it: so
 * it is written again.  Those before it were synced before it was begun. */
static int
sync_replayed(struct recovery *r, const struct walk *walk)
{
    struct log *log = r->log;
    for (size_t i = 0; i < log->segment_count; i++) {
        const struct segment *segment = log->segments[i];
        if (segment->state != SEGMENT_READY || segment->number < position_segment(r->checkpoint.start))
            continue;
        bool last = segment->number == position_segment(walk->last);
        uint64_t from = last ? position_offset(walk->last) : 0;
        int rc = write_again(log, segment, from, last ? position_offset(walk->end) : 0);
        if (rc < 0)
            return rc;
    }
    struct io_job job = { .op = IO_SYNC_DIR, .path = log->dir };
    int64_t rc = io_now(log->io, &job);
    return rc < 0 ? (int)rc : 0;
}

/* ---- going on -------------------------------------------------------------------------------------------- */

/* A new segment, after all that ever were: its header, which waits for the first flush, says where the log ended. */
static int
plan_active(struct recovery *r, const struct walk *walk)
{
    struct log *log = r->log;
    uint32_t number = position_segment(r->checkpoint.start);
    size_t count = log->segment_count; /* with those that are only named by what was replayed */
    if (count > 0 && log->segments[count - 1]->number > number)
        number = log->segments[count - 1]->number;
    if (++number > SEGMENT_NUMBER_MAX)
        return -ERR_FULL;
    struct segment *active = table_add(log, number);
    if (active == NULL)
        return -ERR_NO_MEMORY;
    active->size = log->supply.piece_bytes;
    active->used = SEGMENT_HEADER_BYTES;
    active->follows = walk->end;
    io_random(log->io, &active->epoch, sizeof(active->epoch));
    active->seed = segment_seed(active->epoch, number);
    log->active = active;
    log->sequence = walk->sequence;
    log->committed = log_end(log);
    return 0;
}

static void
tell_lost_holds(struct log *log)
{
    for (size_t i = 0; i < log->segment_count; i++) {
        const struct segment *segment = log->segments[i];
        if (segment->state == SEGMENT_LOST && segment->held_records > 0)
            log_note(log, NOTE_ERROR, "damage: %" PRIu64 " records are needed, but segment %" PRIu32 " is not in %s",
                     segment->held_records, segment->number, log->dir);
    }
}

static void
measure_space(struct log *log)
{
    struct io_job job = { .op = IO_FREE_SPACE, .path = log->dir };
    int64_t rc = io_now(log->io, &job);
    log->supply.measured = rc >= 0;
    log->supply.free_bytes = rc < 0 ? 0 : (uint64_t)rc;
    log->supply.measure = true;
}

static int
replay_all(struct recovery *r)
{
    struct log *log = r->log;
    struct walk walk;
    int rc = look_at_segments(r);
    if (rc == 0)
        rc = look_at_spares(r);
    if (rc == 0)
        rc = replay_checkpoint(r);
    if (rc < 0)
        return rc;
    tell_lost_segments(r);
    rc = replay_log(r, &walk);
    if (rc == 0 && log->lost_count)
        rc = -ERR_NO_MEMORY;
    if (rc == 0 && log->config.tier == TIER_SYNCED)
        rc = sync_replayed(r, &walk);
    return rc < 0 ? rc : plan_active(r, &walk);
}

int
recover(struct log *log, struct log_report *report)
{
    struct recovery r = { .log = log, .report = report };
    struct io_job mkdir = { .op = IO_MKDIR, .path = log->dir };
    int rc = (int)io_now(log->io, &mkdir);
    if (rc < 0)
        return rc;
    rc = listing_read(log->io, log->dir, &r.listing);
    if (rc < 0)
        return rc;
    log->recovering = true;
    rc = replay_all(&r);
    log->recovering = false;
    struct numbers *checkpoints = &r.listing.of[NAME_CHECKPOINT];
    log->checkpoint.number = checkpoints->count > 0 ? checkpoints->list[checkpoints->count - 1] : 0;
    log->checkpoint.number_old = r.checkpoint.number;
    log->checkpoint.covered = r.checkpoint.start;
    listing_fini(&r.listing);
    if (rc < 0)
        return rc;
    tell_lost_holds(log);
    measure_space(log);
    log->reap_wanted = true;
    return 0;
}
