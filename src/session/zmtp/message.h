/* session/zmtp/message.h - messages of ZMTP, as they travel.
 *
 * A message is kept in ZMTP's own framing (RFC 37, 3): one or more frames, all but the last with MORE.  So it is
 * encoded once, however many peers it goes to, and forwarded without being touched.  A *run* is one or more whole
 * messages behind each other.
 *
 *     | flags size body | flags size body | flags size body |
 *      `---- message of two frames ------' `-- and of one -'
 *
 * A chunk holds a run in one allocation and is shared by reference; a slice is a part of it.  Everything that came in
 * one read lies in one chunk. */
#ifndef TAMBO_SESSION_ZMTP_MESSAGE_H
#define TAMBO_SESSION_ZMTP_MESSAGE_H

#include "base/view.h"

struct mem;

struct zmtp_chunk {
    struct mem *mem;
    uint32_t refs;
    size_t len;
    uint8_t bytes[];
};

/* One message, or a run of them; one reference on its chunk. */
struct zmtp_slice {
    struct zmtp_chunk *chunk;
    struct view run;
};

/* Not written yet, with one reference.  NULL: no memory. */
struct zmtp_chunk *zmtp_chunk_new(struct mem *mem, size_t len);
struct zmtp_chunk *zmtp_chunk_ref(struct zmtp_chunk *chunk);
/* NULL is fine. */
void zmtp_chunk_unref(struct zmtp_chunk *chunk);

#endif
