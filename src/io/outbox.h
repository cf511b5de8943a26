/* io/outbox.h - bytes that a stream has still to send.
 *
 * An arena of chunks that grow fourfold, from 1 KiB to OUTBOX_CHUNK_BYTES: ten thousand streams with a short answer
 * each cost little, one busy stream writes few and large pieces, and steady traffic allocates nothing.  The arena holds
 * the copied bytes and, between them, the headers of runs.  A run is a piece of what is to be sent: bytes of the arena,
 * or somebody else's, by reference.
 *
 *     | outbox | run | bytes bytes bytes | run -> elsewhere | run | bytes bytes   at|        |limit
 *
 * The outbox itself lies at the head of its first chunk; all goes back into the pool when the last byte has left. */
#ifndef TAMBO_IO_OUTBOX_H
#define TAMBO_IO_OUTBOX_H

#include "io/io.h"

enum { OUTBOX_CLASSES = 4, OUTBOX_FIRST_BYTES = 1024 };

struct outbox_chunk {
    struct outbox_chunk *next;
    uint8_t *end;
    unsigned class; /* its size; OUTBOX_CLASSES: larger than any, made for one put */
};

struct outbox_pool {
    struct mem *mem;
    struct outbox_chunk *spare[OUTBOX_CLASSES];
    unsigned spare_count[OUTBOX_CLASSES];
};

struct outbox_run;

struct outbox {
    struct outbox_chunk chunk; /* the first one */
    struct outbox_chunk *newest;
    struct outbox_run *first, *last;
    uint8_t *at, *limit; /* room in the newest chunk; none while the last run is by reference */
    size_t unsent;
    struct list dirty;        /* in io->dirty, when it has grown since it was last written */
    struct io_stream *stream; /* whose it is, while it is there */
};

void outbox_pool_init(struct outbox_pool *pool, struct mem *mem);
void outbox_pool_fini(struct outbox_pool *pool);

/* Room for `n` bytes at the end, at outbox->at.  *outbox is made when it is NULL.  NULL: no memory. */
uint8_t *outbox_room(struct outbox **outbox, struct outbox_pool *pool, size_t n);
/* A run by reference.  0 or -ERR_NO_MEMORY, and then `release` is not called. */
int outbox_refer(struct outbox **outbox, struct outbox_pool *pool, struct view bytes, io_fn *release, void *arg);
/* At most `most` views of what comes first, none of them empty; how many. */
unsigned outbox_views(struct outbox *outbox, struct view *ret, unsigned most);
/* The first `n` bytes have left.  *outbox becomes NULL with the last of them. */
void outbox_sent(struct outbox **outbox, struct outbox_pool *pool, size_t n);
/* None of it will leave.  *outbox becomes NULL; it may be NULL. */
void outbox_drop(struct outbox **outbox, struct outbox_pool *pool);

/* `n` bytes of the room were used. */
static inline void
outbox_grow(struct outbox *outbox, size_t n)
{
    must(n <= (size_t)(outbox->limit - outbox->at));
    outbox->at += n;
    outbox->unsent += n;
}

#endif
