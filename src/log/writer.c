/* log/writer.c - appending, and one write with one sync at a time for whatever came while the last one ran.
 *
 *     pending:  | in flight | full | full | open <- append |        retired (till the end of the turn) -> idle
 *
 * A batch is one buffer and one write, with its sync in the same job or, when it is hurried, in the next.  It lies in
 * one segment; its place is known when it is opened, so positions can be handed out long before anything is written.  A
 * buffer never moves while it is pending: views into it stay good.
 *
 * A failed sync is never trusted: the kernel may have dropped the pages it could not write.  So the same bytes are
 * written to the same place again and synced again, a few times; then the log has failed for good. */
#include "base/break.h"
#include "log/internal.h"

static struct batch *
first_pending(const struct log *log)
{
    return list_empty(&log->pending) ? NULL : container_of(log->pending.next, struct batch, link);
}

/* ---- buffers --------------------------------------------------------------------------------------------- */

static size_t
batch_room(const struct log *log)
{
    uint64_t room = log->config.batch_bytes_max;
    if (room < BATCH_ROOM_BYTES_MIN)
        return BATCH_ROOM_BYTES_MIN;
    return room < BATCH_ROOM_BYTES ? (size_t)room : BATCH_ROOM_BYTES;
}

static struct batch *
batch_new(struct log *log, uint64_t need)
{
    size_t room = batch_room(log);
    struct list *idle = need <= room ? list_pop(&log->idle) : NULL;
    if (idle != NULL)
        return container_of(idle, struct batch, link);
    if (need > room)
        room = (size_t)need;
    struct batch *batch = mem_raw(log->mem, sizeof(struct batch) + room);
    if (batch == NULL)
        return NULL;
    list_init(&batch->link);
    batch->room = room;
    return batch;
}

/* One spare buffer is kept: one is in flight and one open when the log is busy. */
static void
batch_free(struct log *log, struct batch *batch)
{
    if (batch->room == batch_room(log) && list_empty(&log->idle))
        list_push(&log->idle, &batch->link);
    else
        mem_free(log->mem, batch);
}

static void
free_retired(struct log *log)
{
    struct list *it;
    while ((it = list_pop(&log->retired)) != NULL)
        batch_free(log, container_of(it, struct batch, link));
}

/* ---- segments -------------------------------------------------------------------------------------------- */

struct segment *
writer_successor(struct log *log, uint64_t size)
{
    struct segment *last = log->segments[log->segment_count - 1];
    if (last != log->active)
        return last;
    struct segment *next = last->number < SEGMENT_NUMBER_MAX ? table_add(log, last->number + 1) : NULL;
    if (next == NULL)
        return NULL;
    io_random(log->io, &next->epoch, sizeof(next->epoch));
    next->seed = segment_seed(next->epoch, next->number);
    next->size = size;
    next->used = SEGMENT_HEADER_BYTES;
    return next;
}

static bool
has_room(const struct segment *segment, uint64_t span)
{
    return segment->used + BATCH_HEADER_BYTES + span <= segment->size;
}

/* The size with which a segment begins that takes a record of `span`. */
static uint64_t
size_for(const struct log *log, uint64_t span)
{
    uint64_t size = page_up(SEGMENT_HEADER_BYTES + BATCH_HEADER_BYTES + span);
    return size < log->supply.piece_bytes ? log->supply.piece_bytes : size;
}

/* The active segment becomes one that has room for `span`. */
static int
roll(struct log *log, uint64_t span)
{
    while (!has_room(log->active, span)) {
        struct segment *next = writer_successor(log, size_for(log, span));
        if (next == NULL)
            return -ERR_NO_MEMORY;
        if (next->state == SEGMENT_PLANNED && next != log->supply.segment && !has_room(next, span))
            next->size = size_for(log, span);
        writer_close_batch(log);
        supply_hurry(log);
        log->active->sealed = true;
        log->active = next;
        log->supply.measure = true;
    }
    return 0;
}

/* ---- appending ------------------------------------------------------------------------------------------- */

void
writer_close_batch(struct log *log)
{
    struct batch *batch = log->open;
    if (batch == NULL)
        return;
    struct batch_header header = { .length = (uint32_t)batch->used, .sequence = batch->sequence };
    batch_header_encode(&header, batch->seed + batch->offset, batch->data);
    log->open = NULL;
    log->flush_wanted = false;
}

static int
open_batch(struct log *log, uint64_t span)
{
    struct batch *batch = batch_new(log, BATCH_HEADER_BYTES + span);
    if (batch == NULL)
        return -ERR_NO_MEMORY;
    int rc = roll(log, span);
    if (rc < 0) {
        batch_free(log, batch);
        return rc;
    }
    writer_close_batch(log);
    writer_turn(log); /* that one is full: it need not wait for the end of the turn */
    struct segment *segment = log->active;
    uint64_t room = segment->size - segment->used;
    batch->segment = segment;
    batch->number = segment->number;
    batch->seed = segment->seed;
    batch->offset = segment->used;
    batch->sequence = log->sequence++;
    batch->used = BATCH_HEADER_BYTES;
    batch->hurried = false;
    batch->limit = room < batch->room ? (size_t)room : batch->room;
    segment->used += BATCH_HEADER_BYTES;
    log->pending_bytes += BATCH_HEADER_BYTES;
    list_push(&log->pending, &batch->link);
    log->open = batch;
    return 0;
}

static uint64_t
batches_cap(const struct log *log)
{
    return BATCH_CAP_FACTOR * log->config.batch_bytes_max;
}

static int
admits(const struct log *log, bool urgent, size_t len)
{
    const struct log_config *config = &log->config;
    if (log->failed || log->closing)
        return -ERR_DISK;
    if (len > RECORD_BYTES_MAX)
        return -ERR_TOO_LARGE;
    if (urgent) /* nothing left to write it into: it waits in memory, as long as that is little */
        return supply_exhausted(log) && log->pending_bytes >= config->batch_bytes_max ? -ERR_DISK_FULL : 0;
    if (log->disk_full)
        return -ERR_DISK_FULL;
    if (log->pending_bytes >= batches_cap(log) + log->large_bytes)
        return -ERR_NO_MEMORY;
    bool oversized = size_for(log, record_span(len)) > config->segment_bytes;
    if (oversized && log->supply.measured && log->supply.free_bytes < config->disk_free_bytes_min + len)
        return -ERR_DISK_FULL;
    return 0;
}

int64_t
log_append(struct log *log, unsigned kind, bool urgent, const struct view *parts, unsigned n)
{
    size_t len = parts_len(parts, n);
    must(kind > 0 && kind <= RECORD_KIND_MAX && !log->recovering);
    int rc = admits(log, urgent, len);
    if (rc < 0)
        return rc;

    size_t span = (size_t)record_span(len);
    if (log->open == NULL || log->open->limit - log->open->used < span) {
        rc = open_batch(log, span);
        if (rc < 0)
            return rc;
    }
    if (log->pending_bytes < batches_cap(log))
        log->large_bytes = span;
    struct batch *batch = log->open;
    uint64_t offset = batch->offset + batch->used;
    uint8_t *at = batch->data + batch->used;
    struct record_header header = { .len = (uint32_t)len, .kind = kind };
    record_encode(at, header, parts, n, batch->seed + offset);

    batch->used += span;
    batch->segment->used += span;
    log->pending_bytes += span;
    log->appended_bytes += span;
    log->checkpoint.since += span;
    log->appended_records++;
    return (int64_t)position_of(batch->number, offset);
}

uint64_t
log_end(const struct log *log)
{
    return segment_end(log->active);
}

uint64_t
log_committed(const struct log *log)
{
    return log->committed;
}

void
log_hurry(struct log *log)
{
    if (log->open != NULL)
        log->open->hurried = true;
}

uint64_t
log_written(const struct log *log)
{
    return log->written > log->committed ? log->written : log->committed;
}

void
writer_mark_closed(struct log *log)
{
    if (log->failed || open_batch(log, 0) < 0)
        return;
    struct batch *batch = log->open;
    struct batch_header header = { .length = BATCH_HEADER_BYTES, .flags = BATCH_CLOSED, .sequence = batch->sequence };
    batch_header_encode(&header, batch->seed + batch->offset, batch->data);
    log->open = NULL;
}

/* ---- writing --------------------------------------------------------------------------------------------- */

void
writer_press(struct log *log)
{
    uint64_t most = log->config.batch_bytes_max;
    bool pressed = log->disk_full || log->pending_bytes > (log->pressed ? most / 2 : most);
    if (pressed == log->pressed)
        return;
    log->pressed = pressed;
    log->owner.pressed(log->owner.arg, pressed);
}

void
log_failed(struct log *log, const char *what, int rc)
{
    if (log->failed)
        return;
    log->failed = true;
    log_note(log, NOTE_ERROR, "the log in %s has failed and takes nothing any more: %s: %s", log->dir, what,
             err_text(rc));
    checkpoint_turn(log);
}

static void
on_retry(void *arg)
{
    struct log *log = arg;
    log->retry_ns = 0;
    writer_turn(log);
    log_settle(log);
}

static void
write_failed(struct log *log, int rc)
{
    uint64_t pause = SPACE_POLL_NS;
    if (rc == -ERR_DISK_FULL) {
        supply_disk_full(log);
    } else if (++log->tries >= WRITE_TRIES_MAX) {
        log_failed(log, "a batch cannot be written", rc);
        return;
    } else {
        pause = RETRY_NS << log->tries;
        log_note(log, NOTE_ERROR, "a batch could not be written in %s (%s), it is written again", log->dir,
                 err_text(rc));
    }
    log->retry_ns = io_now_ns(log->io) + pause;
    (void)io_timer_set(log->io, &log->retry, log->retry_ns, on_retry, log);
}

static uint64_t
end_of(const struct batch *batch)
{
    return position_of(batch->number, batch->offset + batch->used);
}

static void
committed(struct log *log, struct batch *batch)
{
    log->tries = 0;
    log->syncs++;
    log->pending_bytes -= batch->used;
    log->committed = end_of(batch);
    list_push(&log->retired, &batch->link);
    writer_turn(log); /* the disk works while the owner answers */
    log->owner.committed(log->owner.arg, log->committed);
    writer_press(log);
}

static bool
syncs(const struct log *log)
{
    return log->config.tier == TIER_SYNCED && !broken(BREAK_CONFIRM_BEFORE_SYNC);
}

static void submit(struct log *log, struct batch *batch, enum io_op op);

static void
write_done(struct io_job *job)
{
    struct log *log = job->arg;
    struct batch *batch = first_pending(log);
    log->writing = false;
    batch->segment->pins--;
    if (job->rc >= 0 && job->op == IO_WRITE && syncs(log)) {
        log->written = end_of(batch);
        submit(log, batch, IO_SYNC);
        return;
    }
    if (job->rc < 0)
        write_failed(log, (int)job->rc);
    else
        committed(log, batch);
    checkpoint_turn(log);
    supply_turn(log);
    log_settle(log);
}

static void
submit(struct log *log, struct batch *batch, enum io_op op)
{
    log->writing = true;
    batch->segment->pins++;
    log->write_job = (struct io_job){
        .op = op,
        .file = batch->segment->file,
        .offset = batch->offset,
        .view_count = op != IO_SYNC,
        .done = write_done,
        .arg = log,
    };
    log->write_job.views[0] = view_of(batch->data, batch->used);
    io_submit(log->io, &log->write_job);
}

void
writer_turn(struct log *log)
{
    struct batch *batch = first_pending(log);
    if (batch == NULL || log->writing || log->failed || log->retry_ns > io_now_ns(log->io))
        return;
    if (batch == log->open && !log->flush_wanted)
        return;
    if (batch->segment->state != SEGMENT_READY) {
        supply_turn(log);
        return;
    }
    if (batch == log->open)
        writer_close_batch(log);
    submit(log, batch, syncs(log) && !batch->hurried ? IO_WRITE_SYNC : IO_WRITE);
}

void
log_flush(struct log *log)
{
    free_retired(log);
    table_stamp(log);
    log->flush_wanted = log->open != NULL;
    writer_turn(log);
    writer_press(log);
    checkpoint_turn(log);
    supply_turn(log);
}

void
writer_init(struct log *log)
{
    list_init(&log->pending);
    list_init(&log->retired);
    list_init(&log->idle);
}

void
writer_fini(struct log *log)
{
    struct list *it;
    io_timer_cut(log->io, &log->retry);
    list_splice(&log->idle, &log->pending);
    list_splice(&log->idle, &log->retired);
    while ((it = list_pop(&log->idle)) != NULL)
        mem_free(log->mem, container_of(it, struct batch, link));
}
