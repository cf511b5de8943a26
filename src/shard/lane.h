/* shard/lane.h - how the shards of a node talk: batches of frames over rings, without locks.
 *
 * For each ordered pair of shards there is one ring of full batches and one of empty ones going back, so that memory is
 * freed by the shard that allocated it.  A batch is closed at the end of a turn; while no empty batch has come back the
 * open one grows.
 *
 * Two things hold the sender's publishers back.  Credit: with more than LANE_PRESSED_BYTES on the way, none is read
 * from. And the receiver's word `hold`: one of its clients is behind with what came over this lane.  As no more is on
 * the way then than the credit, and the receiver takes at most LANE_TURN_BYTES before it writes to its clients, such a
 * client's outbox has room for what still comes.
 *
 * A frame is u32 length, u8 kind, body.  Bodies (big-endian, cursor.h):
 *
 *   PUBLISH     u8 flags, u64 stamp, receipt, groups, envelope  one publication for the receiver's own targets
 *   FORGET      receipt                                       a QoS 2 publication has been released
 *   DONE        u64 number                                    all publications up to this one are durable here
 *   TAKERS      u32 members, u32 online, short group, short filter
 *   VHOST       u8 word, name                                a virtual host is, or is to be, or not (vhosts.c)
 *   CONNECTION  u64 handle, u8 kind, bytes                    a connection whose client lives there
 *   COUNTERS    struct shard_stats
 *   WORD        u8 enum shard_word                            what shard 0 was told */
#ifndef TAMBO_SHARD_LANE_H
#define TAMBO_SHARD_LANE_H

#include "base/cursor.h"
#include "base/ring.h"
#include "io/io.h"

enum lane_kind {
    LANE_PUBLISH = 1,
    LANE_FORGET,
    LANE_DONE,
    LANE_TAKERS,
    LANE_CONNECTION,
    LANE_COUNTERS,
    LANE_WORD,
    LANE_VHOST
};
enum {
    LANE_FRAME_HEAD_BYTES = 5,
    LANE_RING_SLOTS = 64,
    LANE_BATCH_BYTES = 64 * 1024,
    LANE_PRESSED_BYTES = 4 * 1024 * 1024,
    LANE_TURN_BYTES = 1024 * 1024
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
    size_t unreturned_bytes;    /* and what is in them */
    struct lane_batch *reading; /* the receiver's: where a frame could not be taken yet */
    size_t read_bytes;
    atomic_bool wanting; /* the sender waits for batches to come back */
    atomic_uint hold;    /* the receiver's word: publications of a QoS below this are to be held back */
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
 * it that could not go.  While that is so, or lane_pressed(), the sender is woken when batches have come back. */
bool lane_flush(struct lane *lane, struct mem *mem);
/* Sender: bytes that the receiver has not finished with. */
size_t lane_backlog(const struct lane *lane);
static inline bool
lane_pressed(const struct lane *lane)
{
    return lane_backlog(lane) > LANE_PRESSED_BYTES;
}
/* Sender: is who publishes with this QoS to be held back? */
static inline bool
lane_holds(const struct lane *lane, unsigned qos)
{
    return atomic_load_explicit(&lane->hold, memory_order_relaxed) > qos;
}
/* Receiver: a client cannot keep up with a publication of this QoS; and: all can again (the sender is woken). */
void lane_hold(struct lane *lane, unsigned qos);
void lane_release(struct lane *lane);
/* Receiver: calls `fn` for each frame of each full batch, until `bytes_max` have been taken: then more may be there.
 * `fn` false: this frame cannot be taken now; it and all behind it wait for the next lane_drain. */
enum drained { DRAINED_ALL, DRAINED_SOME, DRAINED_REFUSED };
typedef bool lane_fn(void *arg, enum lane_kind kind, struct view body);
enum drained lane_drain(struct lane *lane, size_t bytes_max, lane_fn *fn, void *arg);
/* Frees the open batch, all that came back and all that never arrived: when no shard runs any more. */
void lane_fini(struct lane *lane, struct mem *mem);

#endif
