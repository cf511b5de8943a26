#include "wire/z85.h"

#include "base/must.h"

static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

void
z85_encode(struct view bytes, char *ret)
{
    must(bytes.len % 4 == 0);
    for (size_t i = 0; i < bytes.len; i += 4, ret += 5) {
        const uint8_t *b = bytes.data + i;
        uint32_t word = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
        for (unsigned at = 5; at-- > 0; word /= 85)
            ret[at] = digits[word % 85];
    }
}

static bool
decode_word(const uint8_t *text, uint8_t *ret)
{
    uint64_t word = 0;
    for (unsigned i = 0; i < 5; i++) {
        const char *digit = text[i] == '\0' ? NULL : strchr(digits, text[i]);
        if (digit == NULL)
            return false;
        word = word * 85 + (uint64_t)(digit - digits);
    }
    for (unsigned i = 0; i < 4; i++)
        ret[i] = (uint8_t)(word >> (24 - 8 * i));
    return word <= UINT32_MAX;
}

bool
z85_decode(struct view text, uint8_t *ret)
{
    if (text.len % 5 != 0)
        return false;
    for (size_t i = 0; i < text.len; i += 5)
        if (!decode_word(text.data + i, ret + i / 5 * 4))
            return false;
    return true;
}
