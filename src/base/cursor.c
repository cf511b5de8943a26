#include "base/cursor.h"

enum { VARINT_BYTES_MAX = 4, VARINT_MAX = 268435455 };

uint32_t
take_varint(struct cursor *c)
{
    uint32_t x = 0;
    for (unsigned i = 0; i < VARINT_BYTES_MAX; i++) {
        uint8_t b = take_u8(c);
        x |= (uint32_t)(b & 0x7f) << (7 * i);
        if (!(b & 0x80))
            return c->torn ? 0 : x;
    }
    c->torn = true;
    return 0;
}

uint64_t
take_leb128(struct cursor *c)
{
    uint64_t x = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t b = take_u8(c);
        x |= (uint64_t)(b & 0x7f) << shift;
        if (b & 0x80)
            continue;
        if (c->torn || (b == 0 && shift > 0) || (shift == 63 && b > 1))
            break;
        return x;
    }
    c->torn = true;
    return 0;
}

void
put_leb128(struct pen *p, uint64_t x)
{
    for (; x > 0x7f; x >>= 7)
        put_u8(p, (uint8_t)(x | 0x80));
    put_u8(p, (uint8_t)x);
}

void
put_varint(struct pen *p, uint32_t x)
{
    if (x > VARINT_MAX) {
        p->torn = true;
        return;
    }
    for (; x > 0x7f; x >>= 7)
        put_u8(p, (uint8_t)(x | 0x80));
    put_u8(p, (uint8_t)x);
}

unsigned
varint_size(uint32_t x)
{
    unsigned n = 1;
    for (; x > 0x7f; x >>= 7)
        n++;
    return n;
}
