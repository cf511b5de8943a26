/* wire/sha1.c - see sha1.h. */
#include "wire/sha1.h"

#include "base/cursor.h"

enum { BLOCK_BYTES = 64, LENGTH_AT = 56, ROUNDS = 80 };

static uint32_t
rotate(uint32_t x, unsigned n)
{
    return x << n | x >> (32 - n);
}

static uint32_t
mix(unsigned round, uint32_t b, uint32_t c, uint32_t d)
{
    switch (round / 20) {
    case 0: return ((b & c) | (~b & d)) + 0x5a827999;
    case 1: return (b ^ c ^ d) + 0x6ed9eba1;
    case 2: return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
    default: return (b ^ c ^ d) + 0xca62c1d6;
    }
}

static void
add_block(uint32_t h[5], const uint8_t *block)
{
    struct cursor in = cursor_of(view_of(block, BLOCK_BYTES));
    uint32_t w[ROUNDS];
    for (unsigned i = 0; i < ROUNDS; i++)
        w[i] = i < 16 ? take_u32(&in) : rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint32_t next = rotate(a, 5) + mix(i, b, c, d) + e + w[i];
        e = d;
        d = c;
        c = rotate(b, 30);
        b = a;
        a = next;
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
    h[4] += e;
}

void
sha1(struct view bytes, uint8_t ret[SHA1_BYTES])
{
    uint32_t h[5] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0 };
    uint8_t last[2 * BLOCK_BYTES] = { 0 };
    struct view rest = bytes;
    for (; rest.len >= BLOCK_BYTES; rest = view_from(rest, BLOCK_BYTES))
        add_block(h, rest.data);
    if (rest.len > 0)
        memcpy(last, rest.data, rest.len);
    last[rest.len] = 0x80;
    size_t len = rest.len < LENGTH_AT ? BLOCK_BYTES : 2 * BLOCK_BYTES;
    struct pen pen = pen_of(last + len - 8, 8);
    put_u64(&pen, (uint64_t)bytes.len * 8);
    for (size_t i = 0; i < len; i += BLOCK_BYTES)
        add_block(h, last + i);
    pen = pen_of(ret, SHA1_BYTES);
    for (unsigned i = 0; i < 5; i++)
        put_u32(&pen, h[i]);
}
