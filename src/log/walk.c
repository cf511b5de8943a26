/* log/walk.c - reading a log from one end to the other, as the head of segment.c tells: every whole record in order,
 * every damaged place, and the torn end.  Changes nothing. */
#include "log/internal.h"

enum step { GO_ON = 0, THE_END = 1 };

/* Where a batch was found. */
struct place {
    size_t index;
    uint64_t offset;
    struct batch_header batch;
};

static struct segment *
here(const struct walk *w)
{
    return w->segments[w->current];
}

/* The window shows the segment `index`.  A file that cannot be opened reads as zeros. */
static void
bind(struct walk *w, size_t index)
{
    char path[PATH_BYTES];
    if (w->bound == index + 1)
        return;
    close_now(w->io, w->window.file);
    name_path(path, w->dir, NAME_SEGMENT, w->segments[index]->number);
    window_bind(&w->window, open_now(w->io, path, IO_FLAG_READ_ONLY), w->segments[index]->version,
                w->segments[index]->limit);
    w->bound = index + 1;
}

/* The first batch of the segment `index` at or after `offset` whose number is not below `sequence`. */
static bool
find_in_segment(struct walk *w, size_t index, uint64_t offset, uint64_t sequence, struct place *ret)
{
    const struct segment *segment = w->segments[index];
    unsigned version = segment->version;
    bind(w, index);
    for (uint64_t at = offset; at + BATCH_HEADER_BYTES <= segment->limit; at += layouts[version].align_bytes) {
        const uint8_t *bytes = window_at(&w->window, at, BATCH_HEADER_BYTES);
        if (bytes == NULL)
            return false;
        if (!batch_header_decode(version, bytes, segment->seed + at, &ret->batch) || ret->batch.sequence < sequence)
            continue;
        ret->index = index;
        ret->offset = at;
        return true;
    }
    return false;
}

/* The next batch from `offset` of the current segment on, there or in a later one. */
static bool
find_batch(struct walk *w, uint64_t offset, struct place *ret)
{
    for (size_t i = w->current; i < w->count; i++) {
        if (w->segments[i]->state != SEGMENT_READY)
            continue;
        if (find_in_segment(w, i, i == w->current ? offset : SEGMENT_HEADER_BYTES, w->sequence, ret))
            return true;
    }
    return false;
}

/* The owner is told of the whole record at `at`, if one is there and ends before `end`: 1, and *retnext behind it. */
static int
tell_record(struct walk *w, uint64_t at, uint64_t end, uint64_t *retnext)
{
    struct record_header h;
    struct view record;
    bind(w, w->current);
    if (!window_record(&w->window, here(w)->seed, at, end, &h, &record))
        return w->window.rc;
    *retnext = at + layout_span(here(w)->version, h.len);
    int rc = w->on->record(w->on->arg, h.kind, position_of(here(w)->number, at), record);
    return rc < 0 ? rc : 1;
}

static int
tell_damage(struct walk *w, uint64_t from, uint64_t to)
{
    return w->on->damaged(w->on->arg, here(w), from, to);
}

/* Tells the records that are whole in the damaged [from, to), and what lies between them as damage. */
static int
salvage(struct walk *w, uint64_t from, uint64_t to)
{
    uint64_t bad = from, step = layouts[here(w)->version].align_bytes;
    for (uint64_t at = from, next; at < to; at += step) {
        struct record_header h;
        struct view record;
        bind(w, w->current);
        if (!window_record(&w->window, here(w)->seed, at, to, &h, &record))
            continue;
        int rc = bad < at ? tell_damage(w, bad, at) : 0;
        if (rc >= 0)
            rc = tell_record(w, at, to, &next);
        if (rc < 0)
            return rc;
        bad = next;
        at = next - step;
    }
    if (w->window.rc < 0)
        return w->window.rc;
    return bad < to || from == to ? tell_damage(w, bad, to) : 0;
}

/* The end of the last whole record of this life from `at` on, though no batch says that it counts; 0: none. */
static uint64_t
last_remains(struct walk *w, uint64_t at)
{
    uint64_t last = 0;
    const struct layout *layout = &layouts[here(w)->version];
    bind(w, w->current);
    while (at + layout->head_bytes <= here(w)->limit) {
        struct record_header h;
        struct view record;
        if (window_record(&w->window, here(w)->seed, at, here(w)->limit, &h, &record))
            last = at += layout_span(here(w)->version, h.len);
        else
            at += layout->align_bytes;
    }
    return last;
}

/* No batch is at the place reached, or later: what remains of unfinished ones is told as torn. */
static int
walk_end(struct walk *w)
{
    for (; w->current < w->count; w->current++, w->at = SEGMENT_HEADER_BYTES) {
        if (here(w)->state != SEGMENT_READY)
            continue;
        uint64_t last = last_remains(w, w->at);
        here(w)->empty = last == 0 && w->at == SEGMENT_HEADER_BYTES;
        int rc = last == 0 ? 0 : w->on->torn(w->on->arg, here(w), w->at, last);
        if (rc < 0)
            return rc;
    }
    return w->window.rc < 0 ? w->window.rc : THE_END;
}

/* The batch cannot be read beyond `bad`: it was damaged when a later one is there, else it is the torn end. */
static int
walk_bad_batch(struct walk *w, uint64_t bad, uint64_t end)
{
    struct place later;
    if (find_batch(w, end, &later)) {
        w->end = position_of(here(w)->number, end);
        return salvage(w, bad, end);
    }
    int rc = w->on->torn(w->on->arg, here(w), bad, end);
    w->at = here(w)->limit;
    return rc < 0 ? rc : walk_end(w);
}

/* The records of the batch at the place reached. */
static int
walk_batch(struct walk *w, const struct batch_header *batch)
{
    uint64_t next = w->at + BATCH_HEADER_BYTES;
    uint64_t end = w->at + batch->length;
    if (here(w)->limited && end > here(w)->limit)
        end = here(w)->limit; /* it was torn, and cut, in a former life */

    w->last = position_of(here(w)->number, w->at);
    w->sequence = batch->sequence + 1;
    w->closed = batch->flags & BATCH_CLOSED;
    w->at = end;
    while (next < end) {
        int rc = tell_record(w, next, end, &next);
        if (rc < 0)
            return rc;
        w->end = position_of(here(w)->number, next);
        if (rc == 0)
            return walk_bad_batch(w, next, end);
    }
    w->end = position_of(here(w)->number, end);
    return GO_ON;
}

/* Batches are missing somewhere between the place reached and a later segment: whole records in between are told, and
 * so is at least one damaged place. */
static int
salvage_segments(struct walk *w, const struct place *next)
{
    struct segment *from = here(w);
    uint64_t at = w->at;
    uint64_t limit = from->limit > at ? from->limit : at;
    bool told = false;
    for (; w->current <= next->index; w->current++, w->at = SEGMENT_HEADER_BYTES) {
        bool last = w->current == next->index;
        if (here(w)->state != SEGMENT_READY)
            continue;
        uint64_t end = last ? next->offset : last_remains(w, w->at);
        int rc = end > w->at ? salvage(w, w->at, end) : 0;
        if (rc < 0)
            return rc;
        told = told || end > w->at;
    }
    return told ? 0 : w->on->damaged(w->on->arg, from, at, limit);
}

/* To the batch that was found; anything between here and there had been durable. */
static int
pass_gap(struct walk *w, const struct place *next)
{
    bool same = next->index == w->current;
    bool missing = w->sequence != 0 && next->batch.sequence != w->sequence;
    int rc = 0;
    if (same && (next->offset != w->at || missing))
        rc = salvage(w, w->at, next->offset);
    else if (!same && (missing || next->offset != SEGMENT_HEADER_BYTES))
        rc = salvage_segments(w, next);
    w->current = next->index;
    w->at = next->offset;
    return rc;
}

/* The log was closed here, so it goes on, if at all, in a segment that an opening began. */
static void
pass_closed(struct walk *w)
{
    w->closed = false;
    w->at = SEGMENT_HEADER_BYTES;
    for (w->current++; w->current < w->count && here(w)->follows == 0; w->current++)
        here(w)->empty = here(w)->state == SEGMENT_READY;
}

static int
walk_step(struct walk *w)
{
    struct place next;
    if (w->closed)
        pass_closed(w);
    if (!find_batch(w, w->at, &next))
        return walk_end(w);
    int rc = pass_gap(w, &next);
    return rc < 0 ? rc : walk_batch(w, &next.batch);
}

/* The first segment that may hold `start`. */
static void
place_start(struct walk *w, uint64_t start)
{
    w->at = SEGMENT_HEADER_BYTES;
    w->current = 0;
    while (w->current < w->count && here(w)->number < position_segment(start))
        w->current++;
    if (w->current < w->count && here(w)->number == position_segment(start))
        w->at = position_offset(start);
    w->end = start;
    if (start == 0 && w->count > 0)
        w->end = position_of(here(w)->number, SEGMENT_HEADER_BYTES);
}

int
walk_log(struct walk *w, uint64_t start)
{
    int rc = GO_ON;
    window_init(&w->window, w->io, WINDOW_BYTES);
    place_start(w, start);
    while (rc == GO_ON)
        rc = walk_step(w);
    close_now(w->io, w->window.file);
    window_fini(&w->window);
    return rc < 0 ? rc : 0;
}
