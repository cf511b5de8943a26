/* catalog/parts.h - messages of several parts, as ZMTP has them, in an envelope, which has one body.
 *
 *     parts          body                                        content type
 *     one            the part                                    none
 *     none, several  the frames as on ZMTP's wire (wire/zmtp.h)   application/x-zmtp
 *
 * So nothing is lost on the way through a queue, whoever takes it out; and one part, which is the usual case, is an
 * ordinary message to everybody.  Pure. */
#ifndef TAMBO_CATALOG_PARTS_H
#define TAMBO_CATALOG_PARTS_H

#include "queue/message.h"

#define PARTS_CONTENT_TYPE "application/x-zmtp"

/* `frames` are none, or a whole message's. */
struct parts {
    struct view body;
    bool framed; /* `body` is frames */
};
struct parts parts_of_frames(struct view frames);
/* Framed only when that is told by the content type, and true. */
struct parts parts_of_envelope(const struct envelope *env);

#endif
