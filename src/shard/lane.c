#include "shard/lane.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"

int
lanes_new(struct mem *mem, unsigned count, struct lanes **ret)
{
    struct lanes *lanes = MEM_NEW(mem, struct lanes);
    if (lanes == NULL)
        return -ERR_NO_MEMORY;
    lanes->mem = mem;
    lanes->count = count;
    lanes->all = mem_new(mem, count * count * sizeof(*lanes->all));
    if (lanes->all == NULL)
        goto fail;
    for (unsigned i = 0; i < count * count; i++)
        if (ring_init(&lanes->all[i].full, mem, LANE_RING_SLOTS) < 0 ||
            ring_init(&lanes->all[i].empty, mem, LANE_RING_SLOTS) < 0)
            goto fail;
    *ret = lanes;
    return 0;

fail:
    lanes_free(lanes);
    return -ERR_NO_MEMORY;
}

void
lanes_free(struct lanes *lanes)
{
    if (lanes == NULL)
        return;
    for (unsigned i = 0; lanes->all != NULL && i < lanes->count * lanes->count; i++) {
        ring_fini(&lanes->all[i].full, lanes->mem);
        ring_fini(&lanes->all[i].empty, lanes->mem);
    }
    mem_free(lanes->mem, lanes->all);
    mem_free(lanes->mem, lanes);
}

static void
take_back(struct lane *lane, struct mem *mem)
{
    for (struct lane_batch *b = ring_pop(&lane->empty); b != NULL; b = ring_pop(&lane->empty)) {
        lane->unreturned--;
        lane->unreturned_bytes -= b->len;
        /* One batch of the usual size is kept for the next turn, so that steady traffic allocates nothing. */
        if (lane->open == NULL && b->room == LANE_BATCH_BYTES) {
            b->len = 0;
            lane->open = b;
        } else {
            mem_free(mem, b);
        }
    }
}

/* The open batch with at least `n` bytes of room. */
static struct lane_batch *
make_room(struct lane *lane, struct mem *mem, size_t n)
{
    if (lane->open == NULL)
        take_back(lane, mem);
    struct lane_batch *b = lane->open;
    if (b != NULL && b->room - b->len >= n)
        return b;
    size_t len = b == NULL ? 0 : b->len;
    size_t room = b == NULL ? LANE_BATCH_BYTES : b->room * 2;
    while (room - len < n)
        room *= 2;
    b = mem_grow(mem, b, sizeof(*b) + room);
    if (b == NULL)
        return NULL;
    b->len = len;
    b->room = room;
    lane->open = b;
    return b;
}

uint8_t *
lane_frame(struct lane *lane, struct mem *mem, enum lane_kind kind, size_t n)
{
    struct lane_batch *b = make_room(lane, mem, LANE_FRAME_HEAD_BYTES + n);
    if (b == NULL)
        return NULL;
    struct pen p = pen_of(b->bytes + b->len, LANE_FRAME_HEAD_BYTES);
    put_u32(&p, (uint32_t)n);
    put_u8(&p, (uint8_t)kind);
    b->len += LANE_FRAME_HEAD_BYTES + n;
    return p.at;
}

/* False: what is in the open batch cannot go. */
static bool
hand_over(struct lane *lane)
{
    struct lane_batch *b = lane->open;
    if (b == NULL || b->len == 0)
        return true;
    size_t len = b->len;
    /* The way back must have room for everything that is out. */
    if (lane->unreturned >= LANE_RING_SLOTS || !ring_push(&lane->full, b))
        return false;
    lane->unreturned++;
    lane->unreturned_bytes += len;
    lane->open = NULL;
    io_wake(lane->to);
    return true;
}

bool
lane_flush(struct lane *lane, struct mem *mem)
{
    for (;;) {
        take_back(lane, mem);
        bool gone = hand_over(lane);
        if (gone && !lane_pressed(lane))
            return false;
        /* What came back before the receiver could see the wish, wakes nobody: look once more. */
        if (atomic_exchange(&lane->wanting, true))
            return !gone;
    }
}

size_t
lane_backlog(const struct lane *lane)
{
    return lane->unreturned_bytes + (lane->open == NULL ? 0 : lane->open->len);
}

void
lane_hold(struct lane *lane, unsigned qos)
{
    if (!lane_holds(lane, qos))
        atomic_store_explicit(&lane->hold, qos + 1, memory_order_relaxed);
}

void
lane_release(struct lane *lane)
{
    if (lane_holds(lane, 0)) {
        atomic_store(&lane->hold, 0);
        io_wake(lane->from);
    }
}

/* The frames of the present batch, as long as `*left` lasts; false: one was refused. */
static bool
walk(struct lane *lane, size_t *left, lane_fn *fn, void *arg)
{
    const struct lane_batch *b = lane->reading;
    while (lane->read_bytes<b->len && * left> 0) {
        struct cursor c = cursor_of(view_of(b->bytes + lane->read_bytes, b->len - lane->read_bytes));
        uint32_t n = take_u32(&c);
        enum lane_kind kind = take_u8(&c);
        struct view body = take_bytes(&c, n);
        must(!c.torn);
        if (!fn(arg, kind, body))
            return false;
        size_t frame_bytes = LANE_FRAME_HEAD_BYTES + n;
        lane->read_bytes += frame_bytes;
        *left -= frame_bytes < *left ? frame_bytes : *left;
    }
    return true;
}

static enum drained
take_batches(struct lane *lane, size_t left, lane_fn *fn, void *arg)
{
    while (left > 0) {
        if (lane->reading == NULL)
            lane->reading = ring_pop(&lane->full);
        if (lane->reading == NULL)
            return DRAINED_ALL;
        if (!walk(lane, &left, fn, arg))
            return DRAINED_REFUSED;
        if (lane->read_bytes < lane->reading->len)
            break;
        must(ring_push(&lane->empty, lane->reading));
        lane->reading = NULL;
        lane->read_bytes = 0;
    }
    return DRAINED_SOME;
}

enum drained
lane_drain(struct lane *lane, size_t bytes_max, lane_fn *fn, void *arg)
{
    enum drained rc = take_batches(lane, bytes_max, fn, arg);
    if (rc != DRAINED_REFUSED && atomic_exchange(&lane->wanting, false))
        io_wake(lane->from);
    return rc;
}

/* Both threads have ended, or never ran: what is still on its way to the receiver is the sender's too. */
void
lane_fini(struct lane *lane, struct mem *mem)
{
    take_back(lane, mem);
    for (struct lane_batch *b = ring_pop(&lane->full); b != NULL; b = ring_pop(&lane->full))
        mem_free(mem, b);
    mem_free(mem, lane->reading);
    mem_free(mem, lane->open);
    lane->reading = lane->open = NULL;
}
