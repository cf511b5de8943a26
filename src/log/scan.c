/* log/scan.c - telling what stands in a shard's directory, without changing it: for `tambo log`. */
#include "log/internal.h"

struct scanning {
    struct io *io;
    const char *dir;
    log_scan_fn *fn;
    void *arg;
    struct listing listing;
    struct segment *segments;
    struct segment **order;
    char file[PATH_BYTES];
};

static int
tell(struct scanning *s, struct log_scan_item item)
{
    item.file = s->file;
    return s->fn(s->arg, &item);
}

static void
name_segment(struct scanning *s, uint32_t number)
{
    name_path(s->file, s->dir, NAME_SEGMENT, number);
}

/* ---- checkpoints ----------------------------------------------------------------------------------------- */

static int
on_checkpoint_record(void *arg, unsigned kind, uint64_t offset, struct view record)
{
    return tell(arg, (struct log_scan_item){ .what = LOG_SCAN_RECORD,
                                             .position = offset,
                                             .bytes = record.len,
                                             .kind = kind,
                                             .record = record,
                                             .in_checkpoint = true });
}

static int
scan_checkpoint(struct scanning *s, uint32_t number)
{
    struct checkpoint_header header = { 0 };
    name_path(s->file, s->dir, NAME_CHECKPOINT, number);
    int rc = restore_walk(s->io, s->file, NULL, NULL, &header);
    if (rc == -ERR_DAMAGED)
        return tell(s, (struct log_scan_item){ .what = LOG_SCAN_DAMAGED, .in_checkpoint = true });
    if (rc == 0)
        rc = tell(s, (struct log_scan_item){ .what = LOG_SCAN_CHECKPOINT, .position = header.start });
    if (rc >= 0)
        rc = restore_walk(s->io, s->file, on_checkpoint_record, s, &header);
    return rc;
}

/* ---- segments -------------------------------------------------------------------------------------------- */

static int
on_record(void *arg, unsigned kind, uint64_t position, struct view record)
{
    struct scanning *s = arg;
    name_segment(s, position_segment(position));
    return tell(
        s, (struct log_scan_item){
               .what = LOG_SCAN_RECORD, .position = position, .bytes = record.len, .kind = kind, .record = record });
}

static int
tell_range(struct scanning *s, unsigned what, const struct segment *segment, uint64_t from, uint64_t to)
{
    struct log_scan_item item = { .what = what, .position = position_of(segment->number, from), .bytes = to - from };
    name_segment(s, segment->number);
    return tell(s, item);
}

static int
on_damaged(void *arg, const struct segment *segment, uint64_t from, uint64_t to)
{
    return tell_range(arg, LOG_SCAN_DAMAGED, segment, from, to);
}

static int
on_torn(void *arg, const struct segment *segment, uint64_t from, uint64_t to)
{
    return tell_range(arg, LOG_SCAN_TORN, segment, from, to);
}

static const struct walk_on alone_calls = { .record = on_record, .damaged = on_damaged, .torn = on_damaged };
static const struct walk_on calls = { .record = on_record, .damaged = on_damaged, .torn = on_torn };

static int
walk(struct scanning *s, const struct walk_on *on, struct segment **segments, size_t count, uint64_t start,
     uint64_t sequence)
{
    struct walk_on mine = *on;
    mine.arg = s;
    struct walk w = {
        .io = s->io, .dir = s->dir, .on = &mine, .segments = segments, .count = count, .sequence = sequence
    };
    return walk_log(&w, start);
}

/* Before the start of the checkpoint segments have died here and there, so each stands for itself, and has no torn end:
 * what is bad there is damaged. */
static int
walk_alone(struct scanning *s, struct segment *segment, uint64_t start)
{
    uint64_t limit = segment->limit;
    if (segment->number > position_segment(start))
        return 0;
    if (segment->number == position_segment(start) && position_offset(start) < limit)
        segment->limit = position_offset(start);
    int rc = walk(s, &alone_calls, &segment, 1, 0, 0);
    segment->limit = limit;
    return rc;
}

static int
look_at(struct scanning *s, struct segment *segment, uint32_t number)
{
    uint32_t shard;
    segment->number = number;
    int rc = segment_look(s->io, s->dir, segment, &shard);
    if (rc < 0)
        return rc;
    bool good = segment->state == SEGMENT_READY;
    return tell_range(s, good ? LOG_SCAN_SEGMENT : LOG_SCAN_DAMAGED, segment, 0, segment->size);
}

static int
scan_segments(struct scanning *s, const struct checkpoint_header *checkpoint)
{
    const struct numbers *numbers = &s->listing.of[NAME_SEGMENT];
    int rc = 0;
    for (size_t i = 0; i < numbers->count && rc >= 0; i++) {
        s->order[i] = &s->segments[i];
        rc = look_at(s, &s->segments[i], numbers->list[i]);
    }
    if (rc < 0)
        return rc;
    segments_limit(s->order, numbers->count);
    for (size_t i = 0; i < numbers->count && rc >= 0; i++)
        if (s->segments[i].state == SEGMENT_READY)
            rc = walk_alone(s, &s->segments[i], checkpoint->start);
    return rc < 0 ? rc : walk(s, &calls, s->order, numbers->count, checkpoint->start, checkpoint->sequence);
}

/* ---- all of it ------------------------------------------------------------------------------------------- */

static int
scan_all(struct scanning *s)
{
    struct checkpoint_header newest = { 0 };
    const struct numbers *numbers = &s->listing.of[NAME_CHECKPOINT];
    for (size_t i = 0; i < numbers->count; i++) {
        struct checkpoint_header header = { 0 };
        int rc = scan_checkpoint(s, numbers->list[i]);
        if (rc < 0)
            return rc;
        if (restore_walk(s->io, s->file, NULL, NULL, &header) == 0)
            newest = header;
    }
    return scan_segments(s, &newest);
}

int
log_scan(struct io *io, const char *dir, log_scan_fn *fn, void *arg)
{
    struct scanning s = { .io = io, .dir = dir, .fn = fn, .arg = arg };
    if (strlen(dir) >= DIR_BYTES_MAX)
        return -ERR_INVALID;
    int rc = listing_read(io, dir, &s.listing);
    if (rc < 0)
        return rc;
    size_t count = s.listing.of[NAME_SEGMENT].count + 1;
    s.segments = mem_new(io_mem(io), count * sizeof(struct segment));
    s.order = mem_new(io_mem(io), count * sizeof(struct segment *));
    rc = s.segments == NULL || s.order == NULL ? -ERR_NO_MEMORY : scan_all(&s);
    mem_free(io_mem(io), s.segments);
    mem_free(io_mem(io), s.order);
    listing_fini(&s.listing);
    return rc < 0 ? rc : 0;
}
