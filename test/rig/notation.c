#include "rig/notation.h"

#include <ctype.h>

#include "base/cursor.h"
#include "base/must.h"

enum { VARINT_BYTES_MAX = 4 };

static unsigned
digit(char c)
{
    must(isxdigit((unsigned char)c));
    if (c <= '9')
        return (unsigned)(c - '0');
    return (unsigned)(tolower((unsigned char)c) - 'a' + 10);
}

/* Text up to `close`, which is stepped over. */
static struct view
take_text(const char **at, char close)
{
    const char *start = *at;
    const char *end = strchr(start, close);
    must(end != NULL);
    *at = end + 1;
    return view_of(start, (size_t)(end - start));
}

static void put_run(struct pen *p, const char **at, char close);

/* The inside is written past the widest length there can be, and moved up to its real one. */
static void
put_nested(struct pen *p, const char **at)
{
    uint8_t *start = p->at, *inside = start + VARINT_BYTES_MAX;
    must(pen_left(p) >= VARINT_BYTES_MAX);
    p->at = inside;
    put_run(p, at, '>');
    size_t len = (size_t)(p->at - inside);
    p->at = start;
    put_varint(p, (uint32_t)len);
    memmove(p->at, inside, len);
    p->at += len;
}

static void
put_run(struct pen *p, const char **at, char close)
{
    while (**at != close) {
        char c = *(*at)++;
        must(c != '\0');
        if (isspace((unsigned char)c))
            continue;
        if (c == '<')
            put_nested(p, at);
        else if (c == '(')
            put_short(p, take_text(at, ')'));
        else if (c == '[')
            put_bytes(p, take_text(at, ']'));
        else
            put_u8(p, (uint8_t)(digit(c) << 4 | digit(*(*at)++)));
    }
    if (close != '\0')
        ++*at;
}

size_t
notation_bytes(const char *text, uint8_t *ret, size_t room)
{
    struct pen p = pen_of(ret, room);
    put_run(&p, &text, '\0');
    must(!p.torn);
    return (size_t)(p.at - ret);
}
