/* log/table.c - the segments of a log and what is still needed in them.
 *
 * A segment may die when it is sealed, nothing in it is held, a checkpoint covers it, and the records that made the
 * last hold go are themselves committed: else a power cut would bring the hold back and find the bytes gone. */
#include "log/internal.h"

/* The place of the first segment whose number is not below `number`. */
static size_t
place_of(const struct log *log, uint32_t number)
{
    size_t low = 0, high = log->segment_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (log->segments[middle]->number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int
make_room(struct log *log)
{
    if (log->segment_count < log->segment_room)
        return 0;
    size_t room = log->segment_room == 0 ? 16 : log->segment_room * 2;
    struct segment **grown = mem_grow(log->mem, log->segments, room * sizeof(struct segment *));
    if (grown == NULL)
        return -ERR_NO_MEMORY;
    log->segments = grown;
    log->segment_room = room;
    return 0;
}

struct segment *
table_add(struct log *log, uint32_t number)
{
    size_t at = place_of(log, number);
    must(at == log->segment_count || log->segments[at]->number != number);
    if (make_room(log) < 0)
        return NULL;
    struct segment *segment = MEM_NEW(log->mem, struct segment);
    if (segment == NULL)
        return NULL;
    segment->number = number;
    segment->version = FORMAT_VERSION;
    segment->file = NO_FILE;
    list_init(&segment->fetches);
    memmove(log->segments + at + 1, log->segments + at, (log->segment_count - at) * sizeof(struct segment *));
    log->segments[at] = segment;
    log->segment_count++;
    return segment;
}

struct segment *
table_find(const struct log *log, uint32_t number)
{
    size_t at = place_of(log, number);
    if (at == log->segment_count || log->segments[at]->number != number)
        return NULL;
    return log->segments[at];
}

void
table_remove(struct log *log, struct segment *segment)
{
    size_t at = place_of(log, segment->number);
    must(at < log->segment_count && log->segments[at] == segment);
    must(segment->pins == 0 && segment != log->active);
    LIST_EACH(&segment->fetches, it)
        list_cut(it); /* their buffers are their own; only log_peek does not know them any more */
    log->segment_count--;
    memmove(log->segments + at, log->segments + at + 1, (log->segment_count - at) * sizeof(struct segment *));
    if (log->recent == segment)
        log->recent = NULL;
    mem_free(log->mem, segment);
}

void
table_free(struct log *log)
{
    for (size_t i = 0; i < log->segment_count; i++) {
        reads_forget(&log->segments[i]->fetches);
        close_now(log->io, log->segments[i]->file);
        mem_free(log->mem, log->segments[i]);
    }
    mem_free(log->mem, log->segments);
    log->segments = NULL;
    log->segment_count = log->segment_room = 0;
}

struct segment *
table_recent(struct log *log, uint32_t number)
{
    if (log->recent == NULL || log->recent->number != number)
        log->recent = table_find(log, number);
    return log->recent;
}

void
log_hold_many(struct log *log, uint64_t position, uint64_t records, uint64_t bytes)
{
    struct segment *segment = table_recent(log, position_segment(position));
    if (segment == NULL) {
        /* A checkpoint is older than the log's end: what it names may have been settled, and its segment used again,
         * before the end.  The replay of that settlement will drop what is held here. */
        must(log->recovering);
        segment = table_add(log, position_segment(position));
        if (segment == NULL) {
            log->lost_count = true;
            return;
        }
        segment->state = SEGMENT_LOST;
        segment->sealed = segment->absent = true;
    }
    segment->held_records += records;
    segment->held_bytes += bytes;
}

void
log_hold(struct log *log, uint64_t position, uint64_t bytes)
{
    log_hold_many(log, position, 1, bytes);
}

void
log_drop_many(struct log *log, uint64_t position, uint64_t records, uint64_t bytes)
{
    struct segment *segment = table_recent(log, position_segment(position));
    if (segment == NULL && log->lost_count)
        return;
    must(segment != NULL && segment->held_records >= records && segment->held_bytes >= bytes);
    segment->held_records -= records;
    segment->held_bytes -= bytes;
    if (segment->held_records > 0)
        return;
    segment->dead_after = NEVER;
    log->stamp_wanted = true;
}

void
log_drop(struct log *log, uint64_t position, uint64_t bytes)
{
    log_drop_many(log, position, 1, bytes);
}

void
table_stamp(struct log *log)
{
    if (!log->stamp_wanted)
        return;
    log->stamp_wanted = false;
    log->reap_wanted = true;
    for (size_t i = 0; i < log->segment_count; i++)
        if (log->segments[i]->dead_after == NEVER)
            log->segments[i]->dead_after = log_end(log);
}

bool
table_dead(const struct log *log, const struct segment *segment)
{
    if (!segment->sealed || segment->dying || segment->held_records > 0 || segment->pins > 0)
        return false;
    if (segment->dead_after > log->committed)
        return false;
    return segment->absent || segment->empty || segment_end(segment) <= log->checkpoint.covered;
}

struct segment *
table_idle_file(const struct log *log)
{
    size_t open = 0;
    struct segment *oldest = NULL;
    for (size_t i = 0; i < log->segment_count; i++) {
        struct segment *segment = log->segments[i];
        if (!segment->sealed || segment->file == NO_FILE || segment->dying)
            continue;
        open++;
        if (oldest == NULL && segment->pins == 0 && segment_end(segment) <= log->committed)
            oldest = segment;
    }
    return open > FILES_OPEN_MAX ? oldest : NULL;
}

bool
log_victim(struct log *log, unsigned ratio_percent, uint32_t *retsegment)
{
    for (size_t i = 0; i < log->segment_count; i++) {
        const struct segment *segment = log->segments[i];
        if (!segment->sealed || segment->state != SEGMENT_READY || segment->held_records == 0)
            continue;
        if (segment_end(segment) > log->checkpoint.covered)
            return false;
        if (segment->held_bytes < segment->size / 100 * ratio_percent) {
            *retsegment = segment->number;
            return true;
        }
    }
    return false;
}
