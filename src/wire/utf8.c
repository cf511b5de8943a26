/* wire/utf8.c - nearly all strings on the wire are short ASCII, so eight bytes are looked at together and only a word
 * with something else in it is read byte by byte. */
#include "wire/utf8.h"

#define LOW_BITS  UINT64_C(0x0101010101010101)
#define HIGH_BITS UINT64_C(0x8080808080808080)

/* Is every byte of `word` in 0x01..0x7f?  Subtracting one from each byte borrows into its high bit exactly when that
 * byte was zero; borrows that spread further do so only from a byte that was zero itself. */
static bool
all_plain(uint64_t word)
{
    return ((word | (word - LOW_BITS)) & HIGH_BITS) == 0;
}

static uint64_t
load(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof(word));
    return word;
}

static bool
is_tail(uint8_t b)
{
    return (b & 0xc0) == 0x80;
}

/* Bytes of the well-formed sequence at `s` that starts with a byte above 0x7f; 0 when there is none.  The second byte's
 * range is what excludes overlong forms, surrogates and code points past the last (RFC 3629, section 4). */
static size_t
sequence(const uint8_t *s, size_t left)
{
    if (s[0] >= 0xc2 && s[0] <= 0xdf)
        return left >= 2 && is_tail(s[1]) ? 2 : 0;
    if (s[0] >= 0xe0 && s[0] <= 0xef) {
        uint8_t low = s[0] == 0xe0 ? 0xa0 : 0x80;
        uint8_t high = s[0] == 0xed ? 0x9f : 0xbf;
        return left >= 3 && s[1] >= low && s[1] <= high && is_tail(s[2]) ? 3 : 0;
    }
    if (s[0] >= 0xf0 && s[0] <= 0xf4) {
        uint8_t low = s[0] == 0xf0 ? 0x90 : 0x80;
        uint8_t high = s[0] == 0xf4 ? 0x8f : 0xbf;
        return left >= 4 && s[1] >= low && s[1] <= high && is_tail(s[2]) && is_tail(s[3]) ? 4 : 0;
    }
    return 0;
}

bool
utf8_valid(struct view v)
{
    const uint8_t *at = v.data, *end = v.data + v.len;
    while (at < end) {
        if (end - at >= 8 && all_plain(load(at))) {
            at += 8;
        } else if (*at < 0x80) {
            if (*at++ == 0)
                return false;
        } else {
            size_t n = sequence(at, (size_t)(end - at));
            if (n == 0)
                return false;
            at += n;
        }
    }
    return true;
}
