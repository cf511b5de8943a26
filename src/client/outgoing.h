/* client/outgoing.h - one message on its way out: parts of the user's, or a run that is encoded already, and frames
 * that a pattern puts before it.  Everything is borrowed. */
#ifndef TAMBO_CLIENT_OUTGOING_H
#define TAMBO_CLIENT_OUTGOING_H

#include "session/zmtp/message.h"
#include "tambo/socket.h"

/* From here on a message is handed on by reference instead of being copied. */
enum { OUTGOING_REFER_BYTES = 4096 };

struct outgoing {
    struct view head;               /* encoded frames before it, each with MORE */
    const struct tambo_part *parts; /* NULL: it is `run` */
    size_t count;
    struct view run;
    struct zmtp_chunk *chunk; /* that `run` lies in; NULL: it can only be copied */
    size_t len;               /* encoded, without the head */
};

/* 0, or -ERR_INVALID when there is no part. */
int outgoing_parts(struct outgoing *ret, const struct tambo_part *parts, size_t count);
void outgoing_slice(struct outgoing *ret, const struct zmtp_slice *slice);
/* The body of the first frame. */
struct view outgoing_first(const struct outgoing *message);
/* Cuts it off. -ERR_INVALID when nothing would be left. */
int outgoing_cut_first(struct outgoing *message);
/* Bytes of all bodies, the head's not counted. */
size_t outgoing_payload(const struct outgoing *message);
/* Writes head and body: head.len + len bytes. */
void outgoing_write(const struct outgoing *message, uint8_t *ret);
/* Is it worth a reference, and can it be given one? */
bool outgoing_refers(const struct outgoing *message);

/* Bytes of the bodies of a message that is encoded. */
size_t message_payload(struct view message);

#endif
