/* log/read.c - reading records back: out of the buffers of the writer, or out of a segment with one asynchronous read
 * that takes what follows along.
 *
 *     log_read -> [open] -> read -> [read the rest of a long record] -> [close] -> done
 *
 * A fetch owns the job and the buffer, because the reader may let go of them while the job runs.  Until it has ended it
 * pins its segment, whose file therefore is not used again. */
#include "log/internal.h"

struct fetch {
    struct list link; /* log->fetching while it runs, then segment->fetches */
    struct io_job job;
    struct io_timer timer;
    struct log *log;
    struct mem *mem;
    struct log_read *read; /* NULL: released while it runs */
    struct segment *segment;
    uint64_t seed;
    unsigned version; /* of the segment */
    int64_t file;
    bool own_file; /* opened for this read alone */
    bool busy;
    int rc;
    uint64_t offset;  /* of the record asked for */
    size_t len, room; /* the buffer begins at that record */
    uint8_t *buffer;
};

static void
fetch_free(struct fetch *fetch)
{
    list_cut(&fetch->link);
    mem_free(fetch->mem, fetch->buffer);
    mem_free(fetch->mem, fetch);
}

static bool
fetch_at(const struct fetch *fetch, uint64_t offset, unsigned *retkind, struct view *ret)
{
    struct record_header h;
    unsigned version = fetch->version, head = layouts[version].head_bytes;
    if (offset < fetch->offset || offset - fetch->offset + head > fetch->len)
        return false;
    const uint8_t *at = fetch->buffer + (offset - fetch->offset);
    size_t left = fetch->len - (size_t)(offset - fetch->offset) - head;
    uint64_t seed = fetch->seed + offset;
    if (!record_header_decode(version, at, seed, &h) || h.len > left || !record_whole(version, at, h.len, seed))
        return false;
    *retkind = h.kind;
    *ret = view_of(at + head, h.len);
    return true;
}

/* ---- out of memory --------------------------------------------------------------------------------------- */

/* The batch that holds the record, and the record's place in its data. */
static const struct batch *
find_batch(const struct list *batches, uint64_t position, size_t *retat)
{
    uint64_t offset = position_offset(position);
    for (const struct list *it = batches->next; it != batches; it = it->next) {
        const struct batch *batch = container_of(it, struct batch, link);
        if (batch->number == position_segment(position) && offset >= batch->offset &&
            offset < batch->offset + batch->used) {
            *retat = (size_t)(offset - batch->offset);
            return batch;
        }
    }
    return NULL;
}

static bool
peek_batches(const struct list *batches, uint64_t position, struct view *ret)
{
    size_t at;
    struct record_header h;
    const struct batch *batch = find_batch(batches, position, &at);
    if (batch == NULL)
        return false;
    must(record_header_decode(FORMAT_VERSION, batch->data + at, batch->seed + position_offset(position), &h));
    *ret = view_of(batch->data + at + RECORD_HEADER_BYTES, h.len);
    return true;
}

/* The reader that was served goes to the front: it will most likely ask for the next record too. */
static bool
peek_fetches(struct log *log, uint64_t position, struct view *ret)
{
    unsigned kind;
    struct segment *segment = table_recent(log, position_segment(position));
    if (segment == NULL)
        return false;
    LIST_EACH(&segment->fetches, it) {
        if (!fetch_at(container_of(it, struct fetch, link), position_offset(position), &kind, ret))
            continue;
        list_cut(it);
        list_push(segment->fetches.next, it);
        return true;
    }
    return false;
}

bool
log_peek(struct log *log, uint64_t position, struct view *ret)
{
    return (position >= log->committed && peek_batches(&log->pending, position, ret)) ||
           peek_batches(&log->retired, position, ret) || peek_fetches(log, position, ret);
}

bool
log_read_at(const struct log_read *read, uint64_t position, unsigned *retkind, struct view *ret)
{
    if (read->fetch == NULL || read->fetch->busy || position_segment(position) != position_segment(read->position))
        return false;
    return fetch_at(read->fetch, position_offset(position), retkind, ret);
}

/* ---- off the disk ---------------------------------------------------------------------------------------- */

static void
tell(struct fetch *fetch)
{
    struct log *log = fetch->log;
    struct log_read *read = fetch->read;
    fetch->busy = false;
    list_cut(&fetch->link);
    if (fetch->segment != NULL) {
        fetch->segment->pins--;
        list_push(&fetch->segment->fetches, &fetch->link);
    }
    if (read == NULL) {
        fetch_free(fetch);
    } else {
        read->rc = fetch->rc;
        read->done(read);
    }
    log->reap_wanted = true; /* its segment may have waited for this */
    supply_turn(log);
    log_settle(log);
}

static void
on_timer(void *arg)
{
    tell(arg);
}

static void
on_closed(struct io_job *job)
{
    tell(job->arg);
}

static void
fetch_end(struct fetch *fetch, int rc)
{
    fetch->rc = rc;
    if (!fetch->own_file || fetch->file == NO_FILE) {
        tell(fetch);
        return;
    }
    fetch->job = (struct io_job){ .op = IO_CLOSE, .file = fetch->file, .done = on_closed, .arg = fetch };
    io_submit(fetch->log->io, &fetch->job);
}

static void fetch_read(struct fetch *fetch);

/* Once more, for a record longer than what was asked for.  False: it does not lie in the segment, or no memory. */
static bool
read_longer(struct fetch *fetch, uint64_t span)
{
    if (span <= fetch->room || span > fetch->segment->size - fetch->offset)
        return false;
    mem_free(fetch->mem, fetch->buffer);
    fetch->len = 0;
    fetch->buffer = mem_raw(fetch->mem, (size_t)span);
    fetch->room = fetch->buffer == NULL ? 0 : (size_t)span;
    return fetch->buffer != NULL;
}

static void
on_read(struct io_job *job)
{
    struct fetch *fetch = job->arg;
    struct record_header h;
    unsigned kind;
    struct view record;
    if (job->rc < 0) {
        fetch_end(fetch, (int)job->rc);
        return;
    }
    fetch->len = (size_t)job->rc;
    bool head = fetch->len >= layouts[fetch->version].head_bytes &&
                record_header_decode(fetch->version, fetch->buffer, fetch->seed + fetch->offset, &h);
    if (fetch_at(fetch, fetch->offset, &kind, &record))
        fetch_end(fetch, 0);
    else if (head && fetch->read != NULL && read_longer(fetch, layout_span(fetch->version, h.len)))
        fetch_read(fetch);
    else
        fetch_end(fetch, fetch->buffer == NULL ? -ERR_NO_MEMORY : -ERR_DAMAGED);
}

static void
fetch_read(struct fetch *fetch)
{
    fetch->job = (struct io_job){
        .op = IO_READ,
        .file = fetch->file,
        .offset = fetch->offset,
        .into = fetch->buffer,
        .len = fetch->room,
        .done = on_read,
        .arg = fetch,
    };
    io_submit(fetch->log->io, &fetch->job);
}

static void
on_open(struct io_job *job)
{
    struct fetch *fetch = job->arg;
    if (job->rc < 0) {
        fetch_end(fetch, (int)job->rc);
        return;
    }
    fetch->file = job->file;
    fetch_read(fetch);
}

static void
fetch_open(struct fetch *fetch)
{
    struct log *log = fetch->log;
    fetch->own_file = true;
    name_path((char *)fetch->buffer, log->dir, NAME_SEGMENT, fetch->segment->number);
    fetch->job = (struct io_job){
        .op = IO_OPEN, .path = (char *)fetch->buffer, .flags = IO_FLAG_READ_ONLY, .done = on_open, .arg = fetch
    };
    io_submit(log->io, &fetch->job);
}

/* ---- the reader's side ----------------------------------------------------------------------------------- */

/* Answered without the disk, but from the loop. */
static int
answer_later(struct fetch *fetch, int rc)
{
    fetch->rc = rc;
    return io_timer_set(fetch->log->io, &fetch->timer, io_now_ns(fetch->log->io), on_timer, fetch);
}

static int
copy_pending(struct fetch *fetch, const struct batch *batch, size_t at)
{
    struct record_header h;
    must(record_header_decode(FORMAT_VERSION, batch->data + at, fetch->seed + fetch->offset, &h));
    size_t span = (size_t)record_span(h.len);
    if (span > fetch->room) {
        mem_free(fetch->mem, fetch->buffer);
        fetch->buffer = mem_raw(fetch->mem, span);
        if (fetch->buffer == NULL)
            return -ERR_NO_MEMORY;
        fetch->room = span;
    }
    fetch->len = batch->used - at < fetch->room ? batch->used - at : fetch->room;
    memcpy(fetch->buffer, batch->data + at, fetch->len);
    return answer_later(fetch, 0);
}

static int
fetch_start(struct fetch *fetch, uint64_t position)
{
    size_t at;
    struct log *log = fetch->log;
    if (fetch->segment == NULL)
        return answer_later(fetch, -ERR_DAMAGED);
    const struct batch *batch = position >= log->committed ? find_batch(&log->pending, position, &at) : NULL;
    if (batch != NULL)
        return copy_pending(fetch, batch, at);
    fetch->file = fetch->segment->file;
    if (fetch->file == NO_FILE)
        fetch_open(fetch);
    else
        fetch_read(fetch);
    return 0;
}

/* A page at least, and room for a path; at most what is left of the segment. */
static size_t
room_for(const struct segment *segment, uint64_t offset, size_t ahead_bytes)
{
    uint64_t room = ahead_bytes > READ_FIRST_BYTES ? ahead_bytes : READ_FIRST_BYTES;
    uint64_t left = segment == NULL || segment->size < offset ? 0 : segment->size - offset;
    if (left < PATH_BYTES)
        left = PATH_BYTES;
    return (size_t)(room < left ? room : left);
}

static struct fetch *
fetch_new(struct log *log, struct log_read *read)
{
    struct fetch *fetch = MEM_NEW(log->mem, struct fetch);
    if (fetch == NULL)
        return NULL;
    struct segment *segment = table_recent(log, position_segment(read->position));
    if (segment != NULL && (segment->state == SEGMENT_LOST || segment->dying))
        segment = NULL;
    list_init(&fetch->link);
    fetch->log = log;
    fetch->mem = log->mem;
    fetch->read = read;
    fetch->segment = segment;
    fetch->seed = segment == NULL ? 0 : segment->seed;
    fetch->version = segment == NULL ? FORMAT_VERSION : segment->version;
    fetch->file = NO_FILE;
    fetch->offset = position_offset(read->position);
    fetch->room = room_for(segment, fetch->offset, read->ahead_bytes);
    fetch->buffer = mem_raw(log->mem, fetch->room);
    if (fetch->buffer == NULL) {
        mem_free(log->mem, fetch);
        return NULL;
    }
    return fetch;
}

int
log_read(struct log *log, struct log_read *read)
{
    log_read_release(read);
    struct fetch *fetch = fetch_new(log, read);
    if (fetch == NULL)
        return -ERR_NO_MEMORY;
    int rc = fetch_start(fetch, read->position);
    if (rc < 0) {
        fetch_free(fetch);
        return rc;
    }
    fetch->busy = true;
    if (fetch->segment != NULL)
        fetch->segment->pins++;
    list_push(&log->fetching, &fetch->link);
    read->fetch = fetch;
    return 0;
}

void
log_read_release(struct log_read *read)
{
    struct fetch *fetch = read->fetch;
    read->fetch = NULL;
    if (fetch == NULL)
        return;
    if (fetch->busy)
        fetch->read = NULL;
    else
        fetch_free(fetch);
}

void
reads_forget(struct list *fetches)
{
    struct list *it;
    while ((it = list_pop(fetches)) != NULL) {
        struct fetch *fetch = container_of(it, struct fetch, link);
        if (fetch->read != NULL)
            fetch->read->fetch = NULL;
        io_timer_cut(fetch->log->io, &fetch->timer);
        fetch_free(fetch);
    }
}

int64_t
log_read_now(struct log *log, uint64_t position, uint8_t *buffer, size_t room, unsigned *retkind)
{
    char path[PATH_BYTES];
    struct record_header h;
    struct view record;
    struct segment *segment = table_recent(log, position_segment(position));
    if (segment == NULL || segment->state != SEGMENT_READY)
        return -ERR_DAMAGED;
    struct window window;
    window_init(&window, log->io, PAGE_BYTES);
    name_path(path, log->dir, NAME_SEGMENT, segment->number);
    int64_t file = open_now(log->io, path, IO_FLAG_READ_ONLY);
    if (file < 0)
        return file;
    window_bind(&window, file, segment->version, segment->size);
    int64_t rc = -ERR_DAMAGED;
    if (window_record(&window, segment->seed, position_offset(position), segment->size, &h, &record))
        rc = record.len > room ? -ERR_TOO_LARGE : (int64_t)record.len;
    if (window.rc < 0)
        rc = window.rc;
    if (rc >= 0) {
        memcpy(buffer, record.data, record.len);
        *retkind = h.kind;
    }
    window_fini(&window);
    close_now(log->io, file);
    return rc;
}
