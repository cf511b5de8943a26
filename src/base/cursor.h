/* base/cursor.h - reading and writing bounded bytes, big-endian, straight through.
 *
 * Both sides are sticky: once a take runs past the end, or a put past the room, `torn` is set, every later
 * call does nothing (a take returns zeros) and the caller asks once at the end instead of once a field. */
#ifndef TAMBO_BASE_CURSOR_H
#define TAMBO_BASE_CURSOR_H

#include "base/view.h"

struct cursor {
    const uint8_t *at, *end;
    bool torn;
};

static inline struct cursor
cursor_of(struct view v)
{
    return (struct cursor){ .at = v.data, .end = v.data + v.len };
}

static inline size_t
cursor_left(const struct cursor *c)
{
    return (size_t)(c->end - c->at);
}

/* The next `n` bytes as a view of the input, or an empty view and `torn`. */
static inline struct view
take_bytes(struct cursor *c, size_t n)
{
    if (c->torn || n > cursor_left(c)) {
        c->torn = true;
        return view_of(c->end, 0);
    }
    struct view v = view_of(c->at, n);
    c->at += n;
    return v;
}

static inline uint64_t
take_uint(struct cursor *c, unsigned bytes)
{
    struct view v = take_bytes(c, bytes);
    uint64_t x = 0;
    for (size_t i = 0; i < v.len; i++)
        x = x << 8 | v.data[i];
    return x;
}

static inline uint8_t
take_u8(struct cursor *c)
{
    return (uint8_t)take_uint(c, 1);
}
static inline uint16_t
take_u16(struct cursor *c)
{
    return (uint16_t)take_uint(c, 2);
}
static inline uint32_t
take_u32(struct cursor *c)
{
    return (uint32_t)take_uint(c, 4);
}
static inline uint64_t
take_u64(struct cursor *c)
{
    return take_uint(c, 8);
}

static inline struct view
take_rest(struct cursor *c)
{
    return take_bytes(c, cursor_left(c));
}

/* Bytes behind a 16-bit and behind a 32-bit length. */
static inline struct view
take_short(struct cursor *c)
{
    return take_bytes(c, take_u16(c));
}
static inline struct view
take_long(struct cursor *c)
{
    return take_bytes(c, take_u32(c));
}

/* MQTT's variable byte integer (MQTT 5, 1.5.5), also used by our own records: at most four bytes, shortest form not
 * demanded here. */
uint32_t take_varint(struct cursor *c);
/* Unsigned LEB128: seven bits a byte, the lowest first; any 64-bit number, in its shortest form only. */
uint64_t take_leb128(struct cursor *c);

struct pen {
    uint8_t *at, *end;
    bool torn;
};

static inline struct pen
pen_of(void *room, size_t len)
{
    return (struct pen){ .at = room, .end = (uint8_t *)room + len };
}

static inline size_t
pen_left(const struct pen *p)
{
    return (size_t)(p->end - p->at);
}

static inline void
put_bytes(struct pen *p, struct view v)
{
    if (p->torn || v.len > pen_left(p)) {
        p->torn = true;
        return;
    }
    if (v.len > 0)
        memcpy(p->at, v.data, v.len);
    p->at += v.len;
}

static inline void
put_uint(struct pen *p, uint64_t x, unsigned bytes)
{
    if (p->torn || bytes > pen_left(p)) {
        p->torn = true;
        return;
    }
    for (unsigned i = bytes; i-- > 0; x >>= 8)
        p->at[i] = (uint8_t)x;
    p->at += bytes;
}

static inline void
put_u8(struct pen *p, uint8_t x)
{
    put_uint(p, x, 1);
}
static inline void
put_u16(struct pen *p, uint16_t x)
{
    put_uint(p, x, 2);
}
static inline void
put_u32(struct pen *p, uint32_t x)
{
    put_uint(p, x, 4);
}
static inline void
put_u64(struct pen *p, uint64_t x)
{
    put_uint(p, x, 8);
}

static inline void
put_short(struct pen *p, struct view v)
{
    if (v.len > UINT16_MAX)
        p->torn = true;
    put_u16(p, (uint16_t)v.len);
    put_bytes(p, v);
}

static inline void
put_long(struct pen *p, struct view v)
{
    if (v.len > UINT32_MAX)
        p->torn = true;
    put_u32(p, (uint32_t)v.len);
    put_bytes(p, v);
}

/* x <= 268,435,455 */
void put_varint(struct pen *p, uint32_t x);
unsigned varint_size(uint32_t x);
void put_leb128(struct pen *p, uint64_t x);
enum { LEB128_BYTES_MAX = 10 };

#endif
