/* log/grow.c - the active segment's file grows by pieces of zeros ahead of what is written, so that a sync of a batch
 * in it has no metadata to write, and yet little is allocated that is not used.
 *
 * A piece is 1/64 of a segment as long as that keeps ahead of the writer.  When it does not, the segment is left before
 * it is grown up, and pieces become larger, up to a whole segment; each segment that was grown up in time makes them
 * smaller again.  A segment begins with one piece; the reserve of a full disk is four, and a whole batch at least. */
#include "log/internal.h"

static uint64_t
bytes_left(const struct segment *segment)
{
    return segment->size - segment->used;
}

/* It is not synced: the next batch's sync writes these zeros too, once a piece.  A sync of its own could be told of a
 * failure that the batch in flight must hear of. */
static void
after_grow(struct log *log, int64_t rc)
{
    struct supply *s = &log->supply;
    struct segment *segment = s->segment;
    s->segment = NULL;
    if (rc < 0) {
        supply_pause(log);
        if (rc == -ERR_DISK_FULL)
            supply_disk_full(log);
        return;
    }
    segment->size = s->job.offset;
    s->measure = true;
}

bool
supply_grow(struct log *log)
{
    struct segment *segment = log->active;
    uint64_t most = log->config.segment_bytes, piece = log->supply.piece_bytes;
    if (segment->state != SEGMENT_READY || segment->size >= most || bytes_left(segment) >= piece)
        return false;
    if (log->disk_full || log->closing || supply_pausing(log))
        return false;
    uint64_t size = segment->size + (piece < ALLOCATE_STEP_BYTES ? piece : ALLOCATE_STEP_BYTES);
    log->supply.segment = segment;
    supply_submit(log, (struct io_job){ .op = IO_ALLOCATE, .file = segment->file, .offset = size < most ? size : most },
                  after_grow);
    return true;
}

bool
supply_nearly_full(const struct log *log)
{
    const struct segment *segment = log->active;
    return segment->size >= log->config.segment_bytes &&
           bytes_left(segment) < SUCCESSOR_PIECES * log->supply.piece_bytes;
}

uint64_t
supply_piece_min(const struct log *log)
{
    uint64_t piece = page_up(log->config.segment_bytes / SEGMENT_PIECES);
    return piece < SEGMENT_BYTES_MIN ? SEGMENT_BYTES_MIN : piece;
}

uint64_t
supply_reserve_bytes(const struct log *log)
{
    uint64_t piece = log->supply.piece_bytes, bytes = RESERVE_PIECES * piece,
             batch = log->config.batch_bytes_max + piece;
    if (bytes < batch) /* what was admitted while there was room finds it here, or acknowledgements stand behind it */
        bytes = batch;
    return bytes < log->config.segment_bytes ? bytes : log->config.segment_bytes;
}

void
supply_hurry(struct log *log)
{
    uint64_t *piece = &log->supply.piece_bytes;
    if (log->disk_full)
        return;
    if (log->active->size >= log->config.segment_bytes)
        *piece = page_up(*piece / 2);
    else
        *piece *= 2;
    if (*piece < supply_piece_min(log))
        *piece = supply_piece_min(log);
    if (*piece > log->config.segment_bytes)
        *piece = log->config.segment_bytes;
}
