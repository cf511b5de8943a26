/* session/zmtp/gather.h - what straddles reads: frames that are collected until they are whole.
 *
 *     | frame frame | unfinished fra|        |
 *     bytes         frame           chunk->len  room
 *
 * The memory grows with what has really come, not with what a frame's head claims. */
#ifndef TAMBO_SESSION_ZMTP_GATHER_H
#define TAMBO_SESSION_ZMTP_GATHER_H

#include "session/zmtp/message.h"

/* Zeroed: nothing is gathered. */
struct zmtp_gather {
    struct zmtp_chunk *chunk; /* its len is what has come so far */
    size_t room;
    size_t frame;        /* where the unfinished frame begins */
    uint64_t body_bytes; /* of the finished ones */
    uint32_t parts;      /* how many those are */
};

/* What has come of the unfinished frame. */
static inline struct view
zmtp_gathered(const struct zmtp_gather *gather)
{
    if (gather->chunk == NULL)
        return view_of(NULL, 0);
    return view_of(gather->chunk->bytes + gather->frame, gather->chunk->len - gather->frame);
}

/* Moves bytes from `in` until the unfinished frame has `need` of them or `in` is empty.  0 or -ERR_NO_MEMORY. */
int zmtp_gather_add(struct zmtp_gather *gather, struct mem *mem, struct view *in, uint64_t need);
/* The unfinished frame has been dealt with and is no part of the message. */
void zmtp_gather_cut(struct zmtp_gather *gather);
/* Hands the chunk over; nothing is gathered any more. */
struct zmtp_chunk *zmtp_gather_take(struct zmtp_gather *gather);
void zmtp_gather_clear(struct zmtp_gather *gather);

#endif
