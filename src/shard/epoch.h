/* shard/epoch.h - which turns are durable.
 *
 * At the end of each turn a mark is pushed: how far the log must be committed, and for each other shard up to which
 * number what was sent to it (or came from it) counts to the turn.  Marks leave in order.  The ring is bounded: when it
 * is full a mark is folded into the last one, which only makes its answers wait a little longer. */
#ifndef TAMBO_SHARD_EPOCH_H
#define TAMBO_SHARD_EPOCH_H

#include <stdbool.h>
#include <stdint.h>

struct mem;

struct mark {
    uint64_t epoch;
    uint64_t position;  /* the log's end at the end of the turn */
    uint64_t numbers[]; /* one a shard */
};

struct marks {
    struct mem *mem;
    unsigned shards;
    uint8_t *ring;
    uint32_t first, count;
};

int marks_init(struct marks *marks, struct mem *mem, unsigned shards);
void marks_fini(struct marks *marks);
void marks_push(struct marks *marks, uint64_t epoch, uint64_t position, const uint64_t *numbers);
/* The oldest; NULL when there is none. */
const struct mark *marks_first(const struct marks *marks);
/* The newest whose position is not beyond this one, whatever others have confirmed; NULL: there is none. */
const struct mark *marks_upto(const struct marks *marks, uint64_t position);
void marks_pop(struct marks *marks);

#endif
