/* log/internal.h - what the files of this room share; nobody outside includes it.
 *
 *     format (segment.c) <- window, walk <- recovery, scan          reading what a former life left
 *     table, supply, writer, checkpoint, read <- log.c              this life
 *
 * A position is segment number << 32 | offset. */
#ifndef TAMBO_LOG_INTERNAL_H
#define TAMBO_LOG_INTERNAL_H

#include "base/err.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/must.h"
#include "log/log.h"

enum {
    FORMAT_VERSION = 2,               /* what is written; 1 is read too */
    SEGMENT_HEADER_BYTES = 4096,      /* a page of its own: appending never writes it again */
    SEGMENT_HEADER_COPY_BYTES = 2048, /* where the second copy lies */
    CHECKPOINT_HEADER_BYTES = 64,
    BATCH_HEADER_BYTES = 32,
    RECORD_BYTES_MAX = 1 << 29,
    RECORD_KIND_MAX = 0xf0, /* above are the log's own */
    RECORD_KIND_FOOTER = 0xff,

    SEGMENT_NUMBER_MAX = 0x7fffffff - 1, /* a position fits into an int64_t */
    SEGMENT_BYTES_MIN = 16 * 1024,
    SEGMENT_PIECES = 64,  /* a segment grows by a piece at a time, at least */
    RESERVE_PIECES = 4,   /* of the reserve of a full disk */
    SUCCESSOR_PIECES = 8, /* with fewer left in the active one, the next is made ready */
    BATCH_ROOM_BYTES = 1024 * 1024,
    BATCH_ROOM_BYTES_MIN = 16 * 1024,
    BATCH_CAP_FACTOR = 4, /* pending beyond this many batch_bytes_max: refused */
    ALLOCATE_STEP_BYTES = 8 * 1024 * 1024,
    WINDOW_BYTES = 1024 * 1024,
    PAGE_BYTES = 4096,
    READ_FIRST_BYTES = 4096, /* a read that was asked for no more than its record */
    CHECKPOINT_WRITE_BYTES = 256 * 1024,
    CHECKPOINT_BACKLOG_BYTES_MAX = 256 * 1024 * 1024,

    SPARES_MIN = 1, /* the reserve of a full disk */
    SPARES_MAX = 4,
    FILES_OPEN_MAX = 64, /* of sealed segments; others are opened for each read */
    WRITE_TRIES_MAX = 6,
    DIR_BYTES_MAX = 400,
    PATH_BYTES = 512,
    LINE_BYTES = 256,
};

#define RETRY_NS      UINT64_C(20000000) /* doubled with each try */
#define SPACE_POLL_NS UINT64_C(1000000000)
#define NEVER         UINT64_MAX
#define NO_FILE       INT64_C(-1)

enum note { NOTE_WARNING = 2, NOTE_ERROR = 3 };

/* ---- positions ------------------------------------------------------------------------------------------- */

static inline uint64_t
position_of(uint32_t segment, uint64_t offset)
{
    return (uint64_t)segment << 32 | offset;
}
static inline uint32_t
position_segment(uint64_t position)
{
    return (uint32_t)(position >> 32);
}
static inline uint32_t
position_offset(uint64_t position)
{
    return (uint32_t)position;
}
static inline uint64_t
page_up(uint64_t n)
{
    return (n + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

/* ---- format (segment.c): pure ---------------------------------------------------------------------------- */

/* How a version lays records: each begins at a multiple of `align_bytes` with a header of `head_bytes`. */
struct layout {
    unsigned head_bytes, align_bytes;
};
enum { RECORD_HEADER_BYTES = 12, ALIGN_BYTES = 4 }; /* of what is written */
static const struct layout layouts[FORMAT_VERSION + 1] = {
    [1] = {.head_bytes = 16,                   .align_bytes = 8          },
    [2] = { .head_bytes = RECORD_HEADER_BYTES, .align_bytes = ALIGN_BYTES},
};

/* What a record of `len` bytes takes on disk. */
static inline uint64_t
layout_span(unsigned version, uint64_t len)
{
    uint64_t align = layouts[version].align_bytes;
    return (layouts[version].head_bytes + len + align - 1) & ~(align - 1);
}
static inline uint64_t
record_span(uint64_t len)
{
    return layout_span(FORMAT_VERSION, len);
}

struct segment_header {
    unsigned version;
    uint32_t shard, number;
    uint64_t epoch;   /* random: tells this life of the file from the ones before */
    uint64_t follows; /* where the log ended when recovery began this segment; 0: begun by a roll-over */
    uint64_t size;
};
void segment_header_encode(const struct segment_header *header, uint8_t ret[SEGMENT_HEADER_BYTES]);
/* Either copy will do, but only one whose number is `number`.  0, -ERR_DAMAGED, -ERR_FORMAT. */
int segment_header_decode(const uint8_t page[SEGMENT_HEADER_BYTES], uint32_t number, struct segment_header *ret);
/* The seed of every checksum in the segment; the place in the file is added to it. */
uint64_t segment_seed(uint64_t epoch, uint32_t number);

enum { BATCH_CLOSED = 1 }; /* the log was closed here: nothing follows */
struct batch_header {
    uint32_t length; /* with this header, up to the end of the last record */
    uint32_t flags;
    uint64_t sequence;
};
void batch_header_encode(const struct batch_header *header, uint64_t seed, uint8_t ret[BATCH_HEADER_BYTES]);
bool batch_header_decode(unsigned version, const uint8_t *bytes, uint64_t seed, struct batch_header *ret);

struct record_header {
    uint32_t len;
    unsigned kind;
};
size_t parts_len(const struct view *parts, unsigned n);
/* A whole record, header.len == parts_len(), into record_span() bytes. */
void record_encode(uint8_t *at, struct record_header header, const struct view *parts, unsigned n, uint64_t seed);
/* Is this a header at all?  Says nothing of the payload. */
bool record_header_decode(unsigned version, const uint8_t *bytes, uint64_t seed, struct record_header *ret);
/* Header and payload are all there: does the checksum hold? */
bool record_whole(unsigned version, const uint8_t *bytes, uint32_t len, uint64_t seed);

struct checkpoint_header {
    unsigned version;
    uint32_t shard, number;
    uint64_t epoch;
    uint64_t start;    /* replay goes on from this position */
    uint64_t sequence; /* of the batch that begins there */
};
void checkpoint_header_encode(const struct checkpoint_header *header, uint8_t ret[CHECKPOINT_HEADER_BYTES]);
int checkpoint_header_decode(const uint8_t *bytes, struct checkpoint_header *ret);

/* Names in the directory. */
enum name_kind { NAME_OTHER, NAME_SEGMENT, NAME_SPARE, NAME_CHECKPOINT };
enum name_kind name_parse(const char *name, uint32_t *ret);
/* "DIR/0000000001.seg" and so on; `ret` has PATH_BYTES. */
void name_path(char *ret, const char *dir, enum name_kind kind, uint32_t number);

/* ---- segments (table.c) ---------------------------------------------------------------------------------- */

enum segment_state {
    SEGMENT_PLANNED, /* has a number, but no file yet */
    SEGMENT_READY,   /* its header is durable: batches may be written */
    SEGMENT_LOST,    /* its header is not good, or it is not there any more and only named by what was replayed */
};

struct segment {
    enum segment_state state;
    uint32_t number;
    unsigned version;
    bool sealed;  /* no more appends */
    bool empty;   /* recovery found nothing in it: needs no checkpoint to die */
    bool absent;  /* lost, and not even a file is there */
    bool limited; /* `limit` is where a recovery ended the log, not the end of the file */
    bool dying;   /* supply is taking its file */
    int64_t file;
    uint64_t epoch, seed, follows;
    uint64_t size; /* of its file; of the active one it grows */
    uint64_t used;
    uint64_t limit; /* reading back: bytes beyond it are not part of the log */
    uint64_t held_records, held_bytes;
    uint64_t dead_after; /* the position that must be committed before it may die; NEVER: next flush says */
    unsigned pins;       /* jobs under way in it */
    struct list fetches; /* reads that hold bytes of it */
};

/* Adds in order of number.  NULL: no memory. */
struct segment *table_add(struct log *log, uint32_t number);
/* NULL when there is none. */
struct segment *table_find(const struct log *log, uint32_t number);
/* The same, quicker for the one that was asked for last. */
struct segment *table_recent(struct log *log, uint32_t number);
void table_remove(struct log *log, struct segment *segment);
void table_free(struct log *log);
/* End of the turn: segments that lost their last hold in it may die once what was appended till now is committed. */
void table_stamp(struct log *log);
/* May its file be used again? */
bool table_dead(const struct log *log, const struct segment *segment);
/* A sealed one whose file is open beyond the number that may be; NULL when all is well. */
struct segment *table_idle_file(const struct log *log);

static inline uint64_t
segment_end(const struct segment *segment)
{
    return position_of(segment->number, segment->used);
}

/* ---- reading files (window.c) ---------------------------------------------------------------------------- */

/* A bounded view of a file that slides forward; blocking. */
struct window {
    struct io *io;
    struct mem *mem;
    int64_t file;
    unsigned version; /* of what is in it */
    uint64_t limit;
    uint8_t *buffer;
    size_t room, len;
    uint64_t from;
    size_t stride; /* bytes read at once */
    int rc;        /* sticky: -ERR_NO_MEMORY; what cannot be read is taken for zeros */
};
void window_init(struct window *window, struct io *io, size_t stride);
void window_fini(struct window *window);
void window_bind(struct window *window, int64_t file, unsigned version, uint64_t limit);
/* `n` contiguous bytes at `offset`; NULL past the limit, or without memory. */
const uint8_t *window_slide(struct window *window, uint64_t offset, uint64_t n);

static inline const uint8_t *
window_at(struct window *window, uint64_t offset, uint64_t n)
{
    if (offset >= window->from && offset - window->from + n <= window->len)
        return window->buffer + (offset - window->from);
    return window_slide(window, offset, n);
}

/* The whole and right record at `offset`, ending before `end`. */
bool window_record(struct window *window, uint64_t seed, uint64_t offset, uint64_t end, struct record_header *ret,
                   struct view *retrecord);

/* ---- walking a log (walk.c) ------------------------------------------------------------------------------ */

struct walk_on {
    void *arg;
    int (*record)(void *arg, unsigned kind, uint64_t position, struct view record);
    /* Damage: bytes that were durable once.  from == to: whole batches are missing. */
    int (*damaged)(void *arg, const struct segment *segment, uint64_t from, uint64_t to);
    /* The unfinished end of the log. */
    int (*torn)(void *arg, const struct segment *segment, uint64_t from, uint64_t to);
};

struct walk {
    struct io *io;
    const char *dir;
    const struct walk_on *on;
    struct segment **segments; /* in order; those that are not ready are passed over */
    size_t count;
    size_t current; /* index of the segment being read */
    uint64_t at;    /* offset in it */
    struct window window;
    size_t bound;      /* index + 1 of the segment in the window */
    uint64_t sequence; /* of the next batch; 0: not known */
    uint64_t end;      /* after the last good record */
    uint64_t last;     /* position of the last batch; 0: there is none */
    bool closed;       /* the last batch says that nothing follows */
};
/* From `start` in the segment with its number, or from the oldest segment when 0.  On success the walk's `end` and
 * `sequence` are where the log goes on. */
int walk_log(struct walk *walk, uint64_t start);

/* ---- opening (listing.c, restore.c, recovery.c) ---------------------------------------------------------- */

/* What stands in a directory: numbers in order. */
struct numbers {
    uint32_t *list;
    size_t count, room;
};
struct listing {
    struct mem *mem;
    struct numbers of[NAME_CHECKPOINT + 1];
    int rc;
};
int listing_read(struct io *io, const char *dir, struct listing *ret);
void listing_fini(struct listing *listing);

/* Reads a segment's header and size.  0, also when the header is not good: then it is SEGMENT_LOST. */
int segment_look(struct io *io, const char *dir, struct segment *segment, uint32_t *retshard);
/* Each segment that an opening began says where the log ended before it: what lies between does not count. */
void segments_limit(struct segment *const *segments, size_t count);
/* Blocking helpers.  A file handle, or -err. */
int64_t open_now(struct io *io, const char *path, unsigned flags);
void close_now(struct io *io, int64_t file); /* NO_FILE is fine */

/* Walks one checkpoint file: 0, -ERR_DAMAGED, -ERR_FORMAT, or what `record` returned.  A NULL `record` only verifies.
 */
typedef int restore_fn(void *arg, unsigned kind, uint64_t offset, struct view record);
int restore_walk(struct io *io, const char *path, restore_fn *record, void *arg, struct checkpoint_header *ret);

int recover(struct log *log, struct log_report *report);

/* ---- files (supply.c) ------------------------------------------------------------------------------------ */

struct spare {
    struct list link;
    uint32_t id;
    int64_t file;
    uint64_t size;
};
typedef void supply_fn(struct log *log, int64_t rc);
struct supply {
    struct io_job job;
    bool busy;
    supply_fn *then;
    struct segment *segment; /* the one being dressed or dying, or the active one that grows */
    struct spare *spare;     /* the one being made, worn or removed */
    uint64_t wanted_bytes;   /* of the one being made */
    uint64_t piece_bytes;    /* what is allocated ahead of the writer */
    struct list spares;
    unsigned spare_count;
    uint32_t spare_id; /* the next */
    bool removed;      /* files, and the directory is not synced since */
    bool measure;      /* the free space is to be measured */
    bool measured;
    uint64_t free_bytes;
    unsigned failures; /* in a row */
    struct io_timer timer;
    uint64_t again_ns; /* nothing is made before */
    char path[PATH_BYTES], path2[PATH_BYTES];
    uint8_t header[SEGMENT_HEADER_BYTES];
};
void supply_init(struct log *log);
void supply_fini(struct log *log);
/* Does the next thing that is to be done, unless something is under way. */
void supply_turn(struct log *log);
/* Some completion comes soon, though nothing is to be done. */
void supply_tick(struct log *log);
/* Something found no room. */
void supply_disk_full(struct log *log);
/* Nothing at all is left to write an urgent record into. */
bool supply_exhausted(const struct log *log);
void supply_submit(struct log *log, struct io_job job, supply_fn *then);
/* Nothing is made for a while. */
void supply_pause(struct log *log);
bool supply_pausing(const struct log *log);

/* ---- the active segment's file (grow.c) ------------------------------------------------------------------- */

/* What is allocated ahead at least. */
uint64_t supply_piece_min(const struct log *log);
/* The size of the reserve. */
uint64_t supply_reserve_bytes(const struct log *log);
/* The active segment gets the next piece when less than one is left in it: false when that is not so, or cannot be. */
bool supply_grow(struct log *log);
/* Is it grown up, and so full that the next should stand ready? */
bool supply_nearly_full(const struct log *log);
/* It is left: was it grown up in time? */
void supply_hurry(struct log *log);

/* ---- spare files (spare.c) ------------------------------------------------------------------------------- */

/* supply.spare is a new one without a file.  False: no memory. */
bool spare_new(struct log *log);
/* supply.spare joins the stock. */
void spare_stock(struct log *log);
/* Recovery found one.  Takes `file`. */
int spare_found(struct log *log, uint32_t id, int64_t file, uint64_t size);
/* The smallest that is large enough, or NULL. */
struct spare *spare_find(const struct log *log, uint64_t size);
/* Out of the stock. */
struct spare *spare_take(struct log *log, struct spare *spare);
/* These begin a job; supply.spare is what they are about.  False: no memory. */
bool spare_make(struct log *log, uint64_t size);
void spare_remove(struct log *log);
/* supply.spare could not be made or worn: it is removed, and nothing is made for a while. */
void spare_failed(struct log *log, int64_t rc);
/* Frees supply.spare. */
void spare_forget(struct log *log);

/* ---- batches (writer.c) ---------------------------------------------------------------------------------- */

struct batch {
    struct list link;
    struct segment *segment;
    uint32_t number; /* of that segment, which may be gone when the batch is retired */
    uint64_t seed;   /* of that segment */
    uint64_t offset; /* of its header */
    uint64_t sequence;
    bool hurried; /* it is synced by a job of its own */
    size_t used, limit, room;
    _Alignas(16) uint8_t data[];
};
void writer_init(struct log *log);
void writer_fini(struct log *log);
/* Writes the first pending batch when it can. */
void writer_turn(struct log *log);
/* Ends the open batch; the next append begins another. */
void writer_close_batch(struct log *log);
/* An empty batch that says that the log was closed. */
void writer_mark_closed(struct log *log);
/* Tells pressed() when it has changed. */
void writer_press(struct log *log);
void log_failed(struct log *log, const char *what, int rc);
/* The segment after the active one, planned when there is none; NULL: no memory. */
struct segment *writer_successor(struct log *log, uint64_t size);

/* ---- reads (read.c) -------------------------------------------------------------------------------------- */

/* Frees every fetch in the list, running or not: its log goes. */
void reads_forget(struct list *fetches);

/* ---- checkpoint ------------------------------------------------------------------------------------------ */

enum checkpoint_state {
    CHECKPOINT_IDLE,
    CHECKPOINT_WRITING, /* put* */
    CHECKPOINT_ENDING,  /* the footer is in the buffer */
    CHECKPOINT_WAITING, /* written and synced, but the log is not committed as far as it speaks of */
    CHECKPOINT_NAMING,  /* rename, sync of the directory, removal of the older one */
};
struct checkpoint {
    enum checkpoint_state state;
    bool busy, opened;
    struct io_job job;
    int64_t file;
    uint32_t number;     /* of this one */
    uint32_t number_old; /* of the one that stands; 0: none */
    uint64_t epoch, start, start_sequence, count;
    uint64_t needs;   /* position that must be committed */
    uint64_t size;    /* bytes put, with the header */
    uint64_t covered; /* start of the one that stands */
    uint64_t since;   /* bytes appended since the last one began */
    struct store {
        uint8_t *data;
        size_t used, room;
    } fill, flight;
    int rc; /* why it fails */
    void (*then)(struct log *log, int64_t rc);
    void (*done)(void *arg, int rc);
    void *arg;
    char path[PATH_BYTES], path2[PATH_BYTES];
};
/* The next step, when it can be taken. */
void checkpoint_turn(struct log *log);
void checkpoint_fini(struct log *log);

/* ---- the log ---------------------------------------------------------------------------------------------- */

struct log {
    struct io *io;
    struct mem *mem;
    struct log_owner owner;
    struct log_config config;
    char dir[DIR_BYTES_MAX];

    struct segment **segments; /* in order of number */
    size_t segment_count, segment_room;
    struct segment *active;
    struct segment *recent; /* the last that was asked for */
    bool stamp_wanted;      /* a segment lost its last hold in this turn */
    bool reap_wanted;       /* a segment may have died */

    struct list pending; /* batches in order; the first may be in flight, the last may be open */
    struct list retired; /* written in this turn: peeked views into them live till its end */
    struct list idle;    /* to be used again */
    struct batch *open;
    struct io_job write_job;
    struct io_timer retry;
    uint64_t retry_ns; /* 0: no retry is waited for */
    unsigned tries;
    bool writing;
    bool flush_wanted; /* the open batch may go when the one in flight has come back */
    uint64_t sequence; /* of the next batch */
    uint64_t committed;
    uint64_t written; /* of a batch that is hurried */
    uint64_t pending_bytes;
    uint64_t large_bytes; /* of the last record that found less than the cap pending: it may pass it */
    uint64_t appended_bytes, appended_records, syncs;

    struct supply supply;
    struct checkpoint checkpoint;
    struct list fetching; /* reads whose job runs */

    bool lost_count; /* a hold was not counted for lack of memory: the opening fails */
    bool recovering, failed, disk_full, pressed, closing;
    io_fn *on_closed;
    void *on_closed_arg;
};

__attribute__((format(printf, 3, 4))) void log_note(struct log *log, enum note severity, const char *format, ...);
/* After each completion: closes the log when that was asked for and nothing runs. */
void log_settle(struct log *log);

#endif
