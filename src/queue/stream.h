/* queue/stream.h - queues whose entries stay when they are read.
 *
 * A stream is a queue that was told to keep (queue_keep): nobody settles its entries; they leave from its head by its
 * limits, bytes_max and count_max with QUEUE_DROP_OLDEST, and by age, ttl_ms; not by the expiry that a message brings
 * with it.  Readers go through it, each at its own pace and from its own place; what is not in memory is read ahead
 * from the log for each of them. */
#ifndef TAMBO_QUEUE_STREAM_H
#define TAMBO_QUEUE_STREAM_H

#include "queue/queue.h"

/* Before the first push and before replay.  It gets no links. */
void queue_keep(struct queue *queue);

enum stream_from {
    STREAM_FIRST, /* the oldest that is there */
    STREAM_LAST,  /* the newest that is there */
    STREAM_NEXT,  /* what comes from now on */
    STREAM_SEQ,   /* this seq, or the next that is there; it may still be to come */
    STREAM_TIME,  /* what was published at this UTC millisecond or later; reads all that is older */
};

struct stream_reader;
struct stream_reader_ops {
    /* The next entry; `pub` is borrowed for the call.  Debited one credit.  From the loop or queue_host_turn().  May
     * raise the reader's credit; may not attach or detach readers. */
    void (*deliver)(struct stream_reader *reader, uint64_t seq, struct publication *pub, struct entry_meta meta);
};
struct stream_reader {
    const struct stream_reader_ops *ops;
    struct queue *queue; /* NULL: the stream is gone */
    struct list all;
    uint64_t next; /* the seq that it stands before */
    uint64_t since_ms;
    uint32_t credit; /* its owner may set it to less */
    struct ahead *bodies;
};

/* `value`: the seq or the time.  0 or -ERR_NO_MEMORY. */
int stream_attach(struct stream_reader *reader, struct queue *queue, const struct stream_reader_ops *ops,
                  enum stream_from from, uint64_t value);
void stream_detach(struct stream_reader *reader);
/* More credit; what is ready comes at the end of this turn, or when it has been read. */
void stream_credit(struct stream_reader *reader, uint32_t more);

#endif
