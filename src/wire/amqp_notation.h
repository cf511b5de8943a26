/* wire/amqp_notation.h - bytes as tests write them down: hexadecimal digits in pairs, 'text' as it is, blanks between.
 * For tests only. */
#ifndef TAMBO_WIRE_AMQP_NOTATION_H
#define TAMBO_WIRE_AMQP_NOTATION_H

#include <ctype.h>

#include "base/cursor.h"
#include "base/must.h"

static inline unsigned
notation_digit(char c)
{
    must(isxdigit((unsigned char)c));
    return (unsigned)(isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10);
}

/* Into `room`, of which it uses the front. */
static inline struct view
notation_bytes(const char *text, void *room, size_t len)
{
    struct pen p = pen_of(room, len);
    bool quoted = false;
    for (; *text != '\0'; text++)
        if (*text == '\'')
            quoted = !quoted;
        else if (quoted)
            put_u8(&p, (uint8_t)*text);
        else if (*text != ' ') {
            unsigned high = notation_digit(*text++);
            put_u8(&p, (uint8_t)(high << 4 | notation_digit(*text)));
        }
    must(!p.torn && !quoted);
    return view_of(room, (size_t)(p.at - (uint8_t *)room));
}

/* A copy at the very end of `room`, so that a sanitizer sees one byte too many being read. */
static inline struct view
tight_copy(struct view v, void *room, size_t len)
{
    must(v.len <= len);
    uint8_t *copy = (uint8_t *)room + (len - v.len);
    if (v.len > 0)
        memcpy(copy, v.data, v.len);
    return view_of(copy, v.len);
}

#endif
