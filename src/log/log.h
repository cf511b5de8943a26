/* log/log.h - the durable log of one shard.
 *
 * One append-only sequence of records in segment files that are allocated ahead, one write and one sync for whatever
 * came while the last one ran.  A record is opaque here: a kind and bytes.  Its position (segment number << 32 |
 * offset) grows with every append, and so is also its place in time.
 *
 *     append, append ... -> pending batch --log_flush--> write + sync --> owner->committed(up to)
 *
 * A record stays readable while its segment lives.  A segment dies when nothing in it is held (log_hold/log_drop) and a
 * checkpoint covers it; its file is then used again, so that its blocks stay allocated.
 *
 * May not: know what a record means; block the loop after log_open(); confirm what is not on disk.
 * The format on disk is drawn at the head of log/segment.c and in docs/disk-format.md. */
#ifndef TAMBO_LOG_LOG_H
#define TAMBO_LOG_LOG_H

#include <stdio.h>

#include "base/view.h"
#include "io/io.h"

struct log;

/* What an acknowledgement means. */
enum tier {
    TIER_MEMORY,  /* nothing is waited for */
    TIER_WRITTEN, /* handed to the kernel: outlives the process */
    TIER_SYNCED,  /* on the device: outlives power */
};

/* What recovery found, for the operator. */
struct log_report {
    uint64_t segments, records, bytes;
    uint64_t checkpoint_records;
    uint64_t cut_bytes;         /* torn tail */
    uint64_t quarantined_bytes; /* damage in the middle, copied aside */
    uint64_t quarantined_places;
};

struct log_owner {
    void *arg;
    /* Everything before `position` is now safe in the log's tier.  From the loop, in order. */
    void (*committed)(void *arg, uint64_t position);
    /* Recovery, during log_open(): first the checkpoint's records (position 0), then the tail's, in order.
     * -err aborts the opening. */
    int (*replay)(void *arg, unsigned kind, uint64_t position, struct view record);
    /* Something an operator should read: damage found, disk full, sync failed.  `severity` is 2 for a warning, 3 for
     * an error.  One line without newline. */
    void (*note)(void *arg, int severity, const char *line);
    /* The room became short (true) or is fine again (false): publishers should wait.  From the loop or log_flush(). */
    void (*pressed)(void *arg, bool short_of_room);
};

struct log_config {
    const char *dir; /* "DATA/shard-0"; made when missing */
    enum tier tier;
    uint64_t segment_bytes;       /* SEGMENT_BYTES_DEFAULT: up to which a segment grows */
    uint64_t disk_free_bytes_min; /* below it only urgent records are taken */
    uint64_t batch_bytes_max;     /* pending beyond it: pressed() */
    unsigned shard;               /* written into every segment: a file in the wrong place is noticed */
};

/* A log that is not open yet: so that the owner can build what replay will fill (and hold its records).  `config` and
 * its strings are copied. */
int log_new(struct io *io, const struct log_config *config, const struct log_owner *owner, struct log **ret);
/* Opens or creates the files and replays.  Blocking (io_now).  On failure *retreport still says what was found, and
 * log_free is all that may follow. */
int log_open(struct log *log, struct log_report *retreport);
/* Everything appended is written and synced first; `done` from the loop.  The log is freed then. */
void log_close(struct log *log, io_fn *done, void *arg);
/* Frees without writing: for a half-built node and for the simulator's power cut. */
void log_free(struct log *log);

/* Appends one record out of `parts`; copies.  Returns its position, or -ERR_DISK_FULL, -ERR_TOO_LARGE, -ERR_NO_MEMORY,
 * -ERR_DISK (the log has failed for good) and then nothing was appended.  `urgent` records (settlements,
 * acknowledgements: what makes room or keeps promises made) may use the reserve of a full disk. */
int64_t log_append(struct log *log, unsigned kind, bool urgent, const struct view *parts, unsigned n);
/* The position after the last appended record: what committed() must reach for all of it to be safe. */
uint64_t log_end(const struct log *log);
uint64_t log_committed(const struct log *log);
/* What has just been appended is wanted in the kernel's hands: its batch is written and synced as two jobs, and between
 * them log_written() says so, which nobody is told.  Never less than what is committed. */
void log_hurry(struct log *log);
uint64_t log_written(const struct log *log);
/* The end of a turn: begins to write what is pending, unless a write runs (then it follows by itself). */
void log_flush(struct log *log);

/* ---- reading back ---------------------------------------------------------------------------------------- */

/* The record at `position`, while it is still in a buffer of the log (pending, being written, or read ahead); false
 * when only the disk has it.  Borrowed until the end of the turn. */
bool log_peek(struct log *log, uint64_t position, struct view *ret);
/* Reads at least the record at `position`, and what follows it in the segment up to `ahead_bytes` (0: just the record),
 * into a buffer that log_peek then serves too until log_read_release.  `done` from the loop; check read->rc: 0,
 * -ERR_DAMAGED (also: its segment is gone), -ERR_IO, -ERR_NO_MEMORY.  The struct is zeroed before its first use. */
struct fetch;
struct log_read {
    uint64_t position;
    size_t ahead_bytes;
    void (*done)(struct log_read *read);
    void *arg;
    int rc;
    struct fetch *fetch; /* the log's */
};
/* 0, or -ERR_NO_MEMORY and then done() does not come.  One that holds a buffer or runs is released first. */
int log_read(struct log *log, struct log_read *read);
/* The record at `position` out of this read's buffer; false when it does not hold it whole or it is damaged. */
bool log_read_at(const struct log_read *read, uint64_t position, unsigned *retkind, struct view *ret);
/* Gives the buffer back; cancels a read under way (no done() then).  Harmless on a zeroed or released one. */
void log_read_release(struct log_read *read);
/* The same, blocking: start-up and tools. `buffer` of `room` bytes takes the record. */
int64_t log_read_now(struct log *log, uint64_t position, uint8_t *buffer, size_t room, unsigned *retkind);

/* ---- liveness -------------------------------------------------------------------------------------------- */

/* Something still needs the record at `position` (`bytes` as a measure of how much).  Counted a segment: one hold, one
 * drop. */
void log_hold(struct log *log, uint64_t position, uint64_t bytes);
void log_drop(struct log *log, uint64_t position, uint64_t bytes);
/* The same for `records` of them in the segment of `position`. */
void log_hold_many(struct log *log, uint64_t position, uint64_t records, uint64_t bytes);
void log_drop_many(struct log *log, uint64_t position, uint64_t records, uint64_t bytes);

struct log_stats {
    uint64_t segments, segment_bytes, held_records, held_bytes, appended_bytes, appended_records, syncs;
    uint64_t free_segments;
    bool pressed, failed, disk_full;
};
void log_stats(const struct log *log, struct log_stats *ret);

/* The oldest sealed segment whose held bytes are under `ratio_percent` of it and that a checkpoint covers: worth
 * compacting (the owner appends what it holds in it anew, and drops the old).  Returns false when there is none. */
bool log_victim(struct log *log, unsigned ratio_percent, uint32_t *retsegment);

/* ---- checkpoint ------------------------------------------------------------------------------------------ */

/* A checkpoint is the owner's state as records in a file of its own, written over many turns while appends go on
 * (fuzzy): recovery replays it, then the log from where it began.  Each record of it is true at the position the owner
 * writes into it. begin .. put* .. end; `done(arg, rc)` from the loop once it is durable and the older one is gone. */
/* The position that replay will start from; 0: one runs already, the log has failed, or no memory.  On a full disk it
 * is worth trying: it is what lets segments die. */
uint64_t log_checkpoint_begin(struct log *log);
int log_checkpoint_put(struct log *log, unsigned kind, const struct view *parts, unsigned n);
/* Bytes put that are not written yet: wait a turn when it is much. */
size_t log_checkpoint_backlog(const struct log *log);
void log_checkpoint_end(struct log *log, void (*done)(void *arg, int rc), void *arg);
void log_checkpoint_abandon(struct log *log);
/* Bytes appended, or replayed, since the last checkpoint began. */
uint64_t log_since_checkpoint(const struct log *log);

/* ---- offline --------------------------------------------------------------------------------------------- */

/* Reads a shard's directory without changing it, telling every record, tear and damage; for `tambo log`.
 * `kind` is LOG_SCAN_* or the record's. */
struct log_scan_item {
    enum { LOG_SCAN_SEGMENT, LOG_SCAN_RECORD, LOG_SCAN_TORN, LOG_SCAN_DAMAGED, LOG_SCAN_CHECKPOINT } what;
    const char *file;
    uint64_t position;
    uint64_t bytes;
    unsigned kind;
    struct view record;
    bool in_checkpoint;
};
typedef int log_scan_fn(void *arg, const struct log_scan_item *item);
int log_scan(struct io *io, const char *dir, log_scan_fn *fn, void *arg);

#endif
