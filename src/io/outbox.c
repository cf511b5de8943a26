#include "io/outbox.h"

#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/house.h"

struct outbox_run {
    struct outbox_run *next;
    const uint8_t *at, *end; /* what is unsent of it; the end of an open run is outbox->at */
    io_fn *release;
    void *arg;
    bool referred; /* the bytes are not the arena's */
};

/* How many chunks of each class a pool keeps: what the streams that are written in one turn may well need. */
static const unsigned spare_max[OUTBOX_CLASSES] = { 1024, 256, 64, 64 };

static size_t
class_bytes(unsigned class)
{
    return (size_t)OUTBOX_FIRST_BYTES << 2 * class;
}

/* ---- chunks ------------------------------------------------------------------------------------------------- */

void
outbox_pool_init(struct outbox_pool *pool, struct mem *mem)
{
    _Static_assert(OUTBOX_FIRST_BYTES << 2 * (OUTBOX_CLASSES - 1) == OUTBOX_CHUNK_BYTES, "the largest class");
    *pool = (struct outbox_pool){ .mem = mem };
}

void
outbox_pool_fini(struct outbox_pool *pool)
{
    for (unsigned class = 0; class < OUTBOX_CLASSES; class ++)
        for (struct outbox_chunk *c = pool->spare[class], *next; c != NULL; c = next) {
            next = c->next;
            mem_free(pool->mem, c);
        }
    outbox_pool_init(pool, pool->mem);
}

/* A chunk of `n` bytes or more, of this class or a larger one. */
static struct outbox_chunk *
take(struct outbox_pool *pool, unsigned class, size_t n)
{
    while (class < OUTBOX_CLASSES && class_bytes(class) < n)
        class ++;
    size_t size = class < OUTBOX_CLASSES ? class_bytes(class) : n;
    struct outbox_chunk *chunk = class < OUTBOX_CLASSES ? pool->spare[class] : NULL;
    if (chunk != NULL) {
        pool->spare[class] = chunk->next;
        pool->spare_count[class]--;
    } else {
        chunk = mem_raw(pool->mem, size);
    }
    if (chunk != NULL)
        *chunk = (struct outbox_chunk){ .end = (uint8_t *)chunk + size, .class = class };
    return chunk;
}

static void
give_back(struct outbox_pool *pool, struct outbox_chunk *chunk)
{
    unsigned class = chunk->class;
    if (class == OUTBOX_CLASSES || pool->spare_count[class] >= spare_max[class]) {
        mem_free(pool->mem, chunk);
        return;
    }
    chunk->next = pool->spare[class];
    pool->spare[class] = chunk;
    pool->spare_count[class]++;
}

static bool
holds(const struct outbox_chunk *chunk, const void *at)
{
    return (uintptr_t)at >= (uintptr_t)chunk && (uintptr_t)at < (uintptr_t)chunk->end;
}

/* ---- filling ------------------------------------------------------------------------------------------------ */

static uint8_t *
aligned(uint8_t *at)
{
    return at + (-(uintptr_t)at & (_Alignof(struct outbox_run) - 1));
}

static struct outbox *
make(struct outbox_pool *pool, size_t n)
{
    struct outbox_chunk *chunk = take(pool, 0, sizeof(struct outbox) + n);
    if (chunk == NULL)
        return NULL;
    struct outbox *outbox = container_of(chunk, struct outbox, chunk);
    *outbox = (struct outbox){ .chunk = *chunk, .newest = chunk };
    outbox->at = outbox->limit = (uint8_t *)(outbox + 1);
    list_init(&outbox->dirty);
    return outbox;
}

/* Makes room for `n` bytes in the newest chunk, or in a new one of the next class. */
static bool
reserve(struct outbox *outbox, struct outbox_pool *pool, size_t n)
{
    if ((uintptr_t)aligned(outbox->at) + n <= (uintptr_t)outbox->newest->end)
        return true;
    unsigned class = outbox->newest->class + 1 < OUTBOX_CLASSES ? outbox->newest->class + 1 : OUTBOX_CLASSES - 1;
    struct outbox_chunk *chunk = take(pool, class, sizeof(*chunk) + n);
    if (chunk == NULL)
        return false;
    outbox->newest = outbox->newest->next = chunk;
    outbox->at = (uint8_t *)(chunk + 1);
    return true;
}

/* The last run ends where `at` stands: as long as it was open it grew with it. */
static void
seal(struct outbox *outbox)
{
    if (outbox->last != NULL && !outbox->last->referred)
        outbox->last->end = outbox->at;
}

/* A new last run, empty, with `n` bytes behind it.  An outbox that was just made and stays empty is given back. */
static struct outbox_run *
add_run(struct outbox **outbox, struct outbox_pool *pool, size_t n)
{
    size_t need = sizeof(struct outbox_run) + n;
    if (*outbox == NULL && (*outbox = make(pool, need)) == NULL)
        return NULL;
    struct outbox *o = *outbox;
    seal(o);
    if (!reserve(o, pool, need))
        return NULL;
    struct outbox_run *run = (struct outbox_run *)(void *)aligned(o->at);
    o->at = o->limit = (uint8_t *)(run + 1);
    *run = (struct outbox_run){ .at = o->at, .end = o->at };
    if (o->last == NULL)
        o->first = run;
    else
        o->last->next = run;
    return o->last = run;
}

uint8_t *
outbox_room(struct outbox **outbox, struct outbox_pool *pool, size_t n)
{
    if (*outbox != NULL && (size_t)((*outbox)->limit - (*outbox)->at) >= n)
        return (*outbox)->at;
    if (add_run(outbox, pool, n) == NULL)
        return NULL;
    (*outbox)->limit = (*outbox)->newest->end;
    return (*outbox)->at;
}

int
outbox_refer(struct outbox **outbox, struct outbox_pool *pool, struct view bytes, io_fn *release, void *arg)
{
    struct outbox_run *run = add_run(outbox, pool, 0);
    if (run == NULL)
        return -ERR_NO_MEMORY;
    run->at = bytes.data;
    run->end = bytes.data + bytes.len;
    run->release = release;
    run->arg = arg;
    run->referred = true;
    (*outbox)->unsent += bytes.len;
    return 0;
}

/* ---- emptying ----------------------------------------------------------------------------------------------- */

unsigned
outbox_views(struct outbox *outbox, struct view *ret, unsigned most)
{
    unsigned n = 0;
    seal(outbox);
    for (const struct outbox_run *run = outbox->first; run != NULL && n < most; run = run->next)
        if (run->at < run->end)
            ret[n++] = view_of(run->at, (size_t)(run->end - run->at));
    return n;
}

static void
let_go(const struct outbox_run *run)
{
    if (run->release != NULL)
        run->release(run->arg);
}

void
outbox_drop(struct outbox **outbox, struct outbox_pool *pool)
{
    struct outbox *o = *outbox;
    if (o == NULL)
        return;
    *outbox = NULL;
    list_cut(&o->dirty);
    for (const struct outbox_run *run = o->first; run != NULL; run = run->next)
        let_go(run);
    for (struct outbox_chunk *c = &o->chunk, *next; c != NULL; c = next) {
        next = c->next;
        give_back(pool, c);
    }
}

/* Chunks before that of the first run hold nothing unsent; the outbox's own stays. */
static void
free_passed(struct outbox *outbox, struct outbox_pool *pool)
{
    while (outbox->chunk.next != NULL && !holds(&outbox->chunk, outbox->first) &&
           !holds(outbox->chunk.next, outbox->first)) {
        struct outbox_chunk *chunk = outbox->chunk.next;
        outbox->chunk.next = chunk->next;
        give_back(pool, chunk);
    }
}

void
outbox_sent(struct outbox **outbox, struct outbox_pool *pool, size_t n)
{
    struct outbox *o = *outbox;
    must(n <= o->unsent);
    o->unsent -= n;
    if (o->unsent == 0) {
        outbox_drop(outbox, pool);
        return;
    }
    seal(o);
    for (size_t len = (size_t)(o->first->end - o->first->at); n >= len && o->first != o->last;
         len = (size_t)(o->first->end - o->first->at)) {
        struct outbox_run *run = o->first;
        n -= len;
        o->first = run->next;
        let_go(run);
    }
    o->first->at += n;
    free_passed(o, pool);
}

/* ---- a stream puts and writes ----------------------------------------------------------------------------- */

static bool
takes(const struct io_stream *stream)
{
    return !stream->closing && !stream->opening && stream->broken_rc == 0 && !stream->io->dead;
}

static void
added(struct io_stream *stream)
{
    struct outbox *outbox = stream->outbox;
    if (stream->blocked)
        return;
    if (outbox->unsent >= stream->io->ripe_bytes)
        stream->io->ripe = true;
    if (!list_empty(&outbox->dirty))
        return;
    outbox->stream = stream;
    list_push(&stream->io->dirty, &outbox->dirty);
}

/* An outbox exists only while its stream takes bytes, so the usual put asks nothing else. */
uint8_t *
io_put_room(struct io_stream *stream, size_t n)
{
    struct outbox *outbox = stream->outbox;
    if (outbox != NULL && (size_t)(outbox->limit - outbox->at) >= n && !stream->closing)
        return outbox->at;
    return takes(stream) ? outbox_room(&stream->outbox, &stream->io->pool, n) : NULL;
}

void
io_put_done(struct io_stream *stream, size_t n)
{
    outbox_grow(stream->outbox, n);
    added(stream);
}

int
io_put(struct io_stream *stream, struct view bytes)
{
    if (bytes.len == 0)
        return 0;
    uint8_t *at = io_put_room(stream, bytes.len);
    if (at == NULL)
        return -ERR_NO_MEMORY;
    memcpy(at, bytes.data, bytes.len);
    io_put_done(stream, bytes.len);
    return 0;
}

int
io_put_ref(struct io_stream *stream, struct view bytes, io_fn *release, void *arg)
{
    if (!takes(stream) || outbox_refer(&stream->outbox, &stream->io->pool, bytes, release, arg) < 0)
        return -ERR_NO_MEMORY;
    added(stream);
    return 0;
}

size_t
io_unsent(const struct io_stream *stream)
{
    return stream->outbox == NULL ? 0 : stream->outbox->unsent;
}

size_t
io_lost(const struct io_stream *stream)
{
    return stream->lost;
}

int
io_refusal(const struct io_stream *stream)
{
    if (stream->broken_rc != 0)
        return stream->broken_rc;
    return takes(stream) ? -ERR_NO_MEMORY : -ERR_STATE;
}

void
io_marks(struct io_stream *stream, size_t high, size_t low)
{
    stream->high = high > UINT32_MAX ? UINT32_MAX : (uint32_t)high;
    stream->low = low > UINT32_MAX ? UINT32_MAX : (uint32_t)low;
}

/* The outbox only grows between two writes, so before each is time enough to see that it is over the mark. */
static void
note_high(struct io_stream *stream)
{
    if (io_unsent(stream) > stream->high)
        stream->above = true;
}

void
io_flush(struct io_stream *stream)
{
    struct view views[WRITE_VIEWS_MAX];
    if (stream->gone || stream->blocked)
        return;
    if (stream->outbox != NULL)
        list_cut(&stream->outbox->dirty);
    note_high(stream);
    while (io_unsent(stream) > 0 && !stream->blocked) {
        unsigned n = outbox_views(stream->outbox, views, WRITE_VIEWS_MAX);
        int64_t rc = stream->io->house->write(stream, views, n);
        if (rc == -ERR_AGAIN) {
            stream->blocked = true;
        } else if (rc < 0) {
            io_stream_broke(stream, (int)rc);
            return;
        } else {
            outbox_sent(&stream->outbox, &stream->io->pool, (size_t)rc);
        }
    }
    if (io_unsent(stream) == 0)
        io_stream_drop(stream); /* of bytes that were asked for and not used */
    io_stream_settle(stream);
}

void
io_event_written(struct io_stream *stream, size_t n)
{
    stream->blocked = false;
    note_high(stream);
    if (stream->outbox != NULL)
        outbox_sent(&stream->outbox, &stream->io->pool, n);
    io_flush(stream);
}

void
io_event_writable(struct io_stream *stream)
{
    stream->blocked = false;
    io_flush(stream);
}
