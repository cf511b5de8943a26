/* shard/lane.h - how the shards of a node talk: batches of frames over rings, without locks.
 *
 * For each ordered pair of shards there is one ring of full batches and one of empty ones going back, so that memory is
 * freed by the shard that allocated it.  A batch is closed at the end of a turn; while no empty batch has come back the
 * open one grows, and beyond LANE_PRESSED_BYTES the shard holds its publishers.
 *
 * A frame is u32 length, u8 kind, body.  Bodies (big-endian, cursor.h):
 *
 *   PUBLISH     u8 flags, u64 stamp, receipt, groups, envelope  one publication for the receiver's own targets
 *   FORGET      receipt                                       a QoS 2 publication has been released
 *   DONE        u64 number                                    all publications up to this one are durable here
 *   TAKERS      u32 members, u32 online, short group, short filter
 *   CONNECTION  u64 handle, u8 kind, bytes                    a connection whose client lives there
 *   COUNTERS    struct shard_stats
 *   WORD        u8 enum shard_word                            what shard 0 was told */
#ifndef TAMBO_SHARD_LANE_H
#define TAMBO_SHARD_LANE_H

#include "base/cursor.h"
#include "base/ring.h"
#include "io/io.h"

enum lane_kind { LANE_PUBLISH = 1, LANE_FORGET, LANE_DONE, LANE_TAKERS, LANE_CONNECTION, LANE_COUNTERS, LANE_WORD };
enum {
    LANE_FRAME_HEAD_BYTES = 5,
    LANE_RING_SLOTS = 64,
    LANE_BATCH_BYTES = 64 * 1024,
    LANE_PRESSED_BYTES = 8 * 1024 * 1024
};

struct lane_batch {
    size_t len, room;
    uint8_t bytes[];
};

/* One direction between two shards. */
struct lane {
    struct ring full, empty;
    struct lane_batch *open;    /* the sender's */
    struct io *from, *to;       /* to wake; each side sets its own before any shard runs */
    unsigned unreturned;        /* the sender's: batches that have not come back */
    struct lane_batch *reading; /* the receiver's: where a frame could not be taken yet */
    size_t read_bytes;
    atomic_bool wanting; /* the sender waits for an empty batch to come back */
};

struct lanes {
    struct mem *mem;
    unsigned count;
    struct lane *all; /* count x count, [from * count + to] */
};

int lanes_new(struct mem *mem, unsigned count, struct lanes **ret);
void lanes_free(struct lanes *lanes);
static inline struct lane *
lane_between(struct lanes *lanes, unsigned from, unsigned to)
{
    return &lanes->all[from * lanes->count + to];
}

/* Sender: room for one frame's body of `n` bytes, its head written; NULL: no memory.  Counted against `mem`, the
 * sender's. */
uint8_t *lane_frame(struct lane *lane, struct mem *mem, enum lane_kind kind, size_t n);
/* Sender, end of the turn: hands the open batch over if it can, and takes empty ones back.  True when something is in
 * it that could not go. */
bool lane_flush(struct lane *lane, struct mem *mem);
size_t lane_backlog(const struct lane *lane);
/* Receiver: calls `fn` for each frame of each full batch.  `fn` false: this frame cannot be taken now; it and all
 * behind it wait for the next lane_drain, and lane_drain is false too. */
typedef bool lane_fn(void *arg, enum lane_kind kind, struct view body);
bool lane_drain(struct lane *lane, lane_fn *fn, void *arg);
/* Frees the open batch, all that came back and all that never arrived: when no shard runs any more. */
void lane_fini(struct lane *lane, struct mem *mem);

#endif
