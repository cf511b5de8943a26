/* log/checkpoint.c - writing the owner's state into a file of its own, while appends go on.
 *
 *     put* -> fill buffer --256 KiB--> checkpoint.new ... footer, sync -> wait -> rename, sync the directory -> remove
 * the older one
 *
 * What it waits for: the owner's state speaks of records that may not be committed yet; a checkpoint that outlived them
 * would name bytes that are not there.  So it gets its name only when the log is committed up to where it ended.
 * Segments before its start may die only when its name is durable. */
#include <endian.h>

#include "log/internal.h"

typedef void step_fn(struct log *log, int64_t rc);

static void
job_done(struct io_job *job)
{
    struct log *log = job->arg;
    log->checkpoint.busy = false;
    log->checkpoint.then(log, job->rc);
    checkpoint_turn(log);
    supply_turn(log);
    log_settle(log);
}

static void
submit(struct log *log, struct io_job job, step_fn *then)
{
    struct checkpoint *c = &log->checkpoint;
    must(!c->busy);
    c->busy = true;
    c->then = then;
    c->job = job;
    c->job.done = job_done;
    c->job.arg = log;
    io_submit(log->io, &c->job);
}

/* ---- the end, good or bad -------------------------------------------------------------------------------- */

static void
finish(struct log *log)
{
    struct checkpoint *c = &log->checkpoint;
    void (*done)(void *, int) = c->done;
    mem_free(log->mem, c->fill.data);
    mem_free(log->mem, c->flight.data);
    c->fill = c->flight = (struct store){ 0 };
    c->state = CHECKPOINT_IDLE;
    c->done = NULL;
    log->reap_wanted = true;
    if (done != NULL)
        done(c->arg, c->rc);
}

static void
after_unlink(struct log *log, int64_t rc)
{
    (void)rc; /* what stays is removed by the next opening */
    log->supply.removed = true;
    finish(log);
}

static void
unlink_failed(struct log *log, int64_t rc)
{
    struct checkpoint *c = &log->checkpoint;
    (void)rc;
    c->opened = false;
    submit(log, (struct io_job){ .op = IO_UNLINK, .path = c->path }, after_unlink);
}

/* Failed or abandoned: what there is of it goes. */
static void
give_up(struct log *log)
{
    struct checkpoint *c = &log->checkpoint;
    if (c->state == CHECKPOINT_WRITING && c->done == NULL && c->rc != -ERR_CANCELED)
        return; /* the owner hears of it when it ends or abandons */
    if (c->opened)
        submit(log, (struct io_job){ .op = IO_CLOSE, .file = c->file }, unlink_failed);
    else
        unlink_failed(log, 0);
}

/* ---- naming ---------------------------------------------------------------------------------------------- */

static void
after_sync_dir(struct log *log, int64_t rc)
{
    struct checkpoint *c = &log->checkpoint;
    if (rc < 0) {
        c->rc = (int)rc;
        return;
    }
    uint32_t old = c->number_old;
    c->number_old = c->number;
    c->covered = c->start;
    if (old == 0) {
        finish(log);
        return;
    }
    name_path(c->path, log->dir, NAME_CHECKPOINT, old);
    submit(log, (struct io_job){ .op = IO_UNLINK, .path = c->path }, after_unlink);
}

static void
after_rename(struct log *log, int64_t rc)
{
    if (rc < 0)
        log->checkpoint.rc = (int)rc;
    else
        submit(log, (struct io_job){ .op = IO_SYNC_DIR, .path = log->dir }, after_sync_dir);
}

static void
after_close(struct log *log, int64_t rc)
{
    struct checkpoint *c = &log->checkpoint;
    (void)rc; /* it is synced */
    c->opened = false;
    name_path(c->path2, log->dir, NAME_CHECKPOINT, c->number);
    submit(log, (struct io_job){ .op = IO_RENAME, .path = c->path, .path2 = c->path2 }, after_rename);
}

/* ---- writing --------------------------------------------------------------------------------------------- */

static void
after_write(struct log *log, int64_t rc)
{
    struct checkpoint *c = &log->checkpoint;
    c->flight.used = 0;
    if (rc < 0)
        c->rc = (int)rc;
    else if (c->job.op == IO_WRITE_SYNC)
        c->state = CHECKPOINT_WAITING;
}

static void
write_store(struct log *log)
{
    struct checkpoint *c = &log->checkpoint;
    struct store swap = c->flight;
    c->flight = c->fill;
    c->fill = swap;
    struct io_job job = {
        .op = c->state == CHECKPOINT_ENDING ? IO_WRITE_SYNC : IO_WRITE,
        .file = c->file,
        .offset = c->size - c->flight.used,
        .view_count = 1,
    };
    job.views[0] = view_of(c->flight.data, c->flight.used);
    submit(log, job, after_write);
}

static void
after_truncate(struct log *log, int64_t rc)
{
    if (rc < 0)
        log->checkpoint.rc = (int)rc;
}

static void
after_open(struct log *log, int64_t rc)
{
    struct checkpoint *c = &log->checkpoint;
    if (rc < 0) {
        c->rc = (int)rc;
        return;
    }
    c->opened = true;
    c->file = c->job.file;
    submit(log, (struct io_job){ .op = IO_TRUNCATE, .file = c->file }, after_truncate);
}

void
checkpoint_turn(struct log *log)
{
    struct checkpoint *c = &log->checkpoint;
    if (c->busy || c->state == CHECKPOINT_IDLE)
        return;
    if (log->failed && c->rc == 0)
        c->rc = -ERR_DISK;
    if (c->rc < 0) {
        give_up(log);
        return;
    }
    bool much = c->fill.used >= CHECKPOINT_WRITE_BYTES;
    if (c->state == CHECKPOINT_ENDING || (c->state == CHECKPOINT_WRITING && much)) {
        write_store(log);
    } else if (c->state == CHECKPOINT_WAITING && log->committed >= c->needs) {
        c->state = CHECKPOINT_NAMING;
        submit(log, (struct io_job){ .op = IO_CLOSE, .file = c->file }, after_close);
    }
}

/* ---- the owner's side ------------------------------------------------------------------------------------ */

static uint8_t *
store_room(struct log *log, struct store *store, size_t n)
{
    if (store->room - store->used < n) {
        size_t room = store->room * 2 > CHECKPOINT_WRITE_BYTES ? store->room * 2 : CHECKPOINT_WRITE_BYTES;
        if (room < store->used + n)
            room = store->used + n;
        uint8_t *grown = mem_grow(log->mem, store->data, room);
        if (grown == NULL)
            return NULL;
        store->data = grown;
        store->room = room;
    }
    uint8_t *at = store->data + store->used;
    store->used += n;
    return at;
}

static int
put_record(struct log *log, unsigned kind, const struct view *parts, unsigned n)
{
    struct checkpoint *c = &log->checkpoint;
    size_t len = parts_len(parts, n);
    if (len > RECORD_BYTES_MAX)
        return -ERR_TOO_LARGE;
    uint8_t *at = store_room(log, &c->fill, (size_t)record_span(len));
    if (at == NULL)
        return -ERR_NO_MEMORY;
    struct record_header header = { .len = (uint32_t)len, .kind = kind };
    record_encode(at, header, parts, n, segment_seed(c->epoch, c->number) + c->size);
    c->size += record_span(len);
    return 0;
}

static int
put_header(struct log *log)
{
    struct checkpoint *c = &log->checkpoint;
    uint8_t *at = store_room(log, &c->fill, CHECKPOINT_HEADER_BYTES);
    if (at == NULL)
        return -ERR_NO_MEMORY;
    struct checkpoint_header header = {
        .shard = log->config.shard,
        .number = c->number,
        .epoch = c->epoch,
        .start = c->start,
        .sequence = c->start_sequence,
    };
    checkpoint_header_encode(&header, at);
    c->size = CHECKPOINT_HEADER_BYTES;
    return 0;
}

uint64_t
log_checkpoint_begin(struct log *log)
{
    struct checkpoint *c = &log->checkpoint;
    if (c->state != CHECKPOINT_IDLE || log->failed || log->closing)
        return 0;
    writer_close_batch(log); /* replay begins with a batch */
    c->start = log_end(log);
    c->start_sequence = log->sequence;
    c->count = 0;
    c->rc = 0;
    c->number++;
    io_random(log->io, &c->epoch, sizeof(c->epoch));
    if (put_header(log) < 0)
        return 0;
    c->since = 0;
    c->state = CHECKPOINT_WRITING;
    snprintf(c->path, sizeof(c->path), "%s/checkpoint.new", log->dir);
    submit(log, (struct io_job){ .op = IO_OPEN, .path = c->path, .flags = IO_FLAG_CREATE }, after_open);
    return c->start;
}

int
log_checkpoint_put(struct log *log, unsigned kind, const struct view *parts, unsigned n)
{
    struct checkpoint *c = &log->checkpoint;
    must(c->state == CHECKPOINT_WRITING && kind > 0 && kind <= RECORD_KIND_MAX);
    if (c->rc < 0)
        return c->rc;
    if (c->fill.used > CHECKPOINT_BACKLOG_BYTES_MAX)
        return -ERR_NO_MEMORY;
    int rc = put_record(log, kind, parts, n);
    if (rc < 0)
        return rc;
    c->count++;
    checkpoint_turn(log);
    return 0;
}

size_t
log_checkpoint_backlog(const struct log *log)
{
    return log->checkpoint.fill.used + log->checkpoint.flight.used;
}

void
log_checkpoint_end(struct log *log, void (*done)(void *arg, int rc), void *arg)
{
    struct checkpoint *c = &log->checkpoint;
    uint64_t count = htobe64(c->count);
    must(c->state == CHECKPOINT_WRITING);
    struct view footer = view_of(&count, sizeof(count));
    int rc = put_record(log, RECORD_KIND_FOOTER, &footer, 1);
    if (rc < 0 && c->rc == 0)
        c->rc = rc;
    c->needs = log_end(log);
    c->done = done;
    c->arg = arg;
    c->state = CHECKPOINT_ENDING;
}

void
log_checkpoint_abandon(struct log *log)
{
    struct checkpoint *c = &log->checkpoint;
    if (c->state == CHECKPOINT_IDLE || c->state == CHECKPOINT_NAMING)
        return;
    c->done = NULL;
    c->rc = -ERR_CANCELED;
    checkpoint_turn(log);
}

uint64_t
log_since_checkpoint(const struct log *log)
{
    return log->checkpoint.since;
}

void
checkpoint_fini(struct log *log)
{
    struct checkpoint *c = &log->checkpoint;
    mem_free(log->mem, c->fill.data);
    mem_free(log->mem, c->flight.data);
    if (c->opened)
        close_now(log->io, c->file);
}
