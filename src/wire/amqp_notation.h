/* wire/amqp_notation.h - how the codec's tests write bytes down (see test/rig/notation.h), and where they put them.
 * For tests only. */
#ifndef TAMBO_WIRE_AMQP_NOTATION_H
#define TAMBO_WIRE_AMQP_NOTATION_H

#include "base/must.h"
#include "base/view.h"
#include "notation.h"

/* Into `room`, of which it uses the front. */
static inline struct view
noted_bytes(const char *text, uint8_t *room, size_t len)
{
    return view_of(room, notation_bytes(text, room, len));
}

/* A copy at the very end of `room`, so that a sanitizer sees one byte too many being read. */
static inline struct view
tight_copy(struct view v, uint8_t *room, size_t len)
{
    must(v.len <= len);
    uint8_t *copy = room + (len - v.len);
    if (v.len > 0)
        memcpy(copy, v.data, v.len);
    return view_of(copy, v.len);
}

#endif
