#include "wire/base64.h"

#include "base/err.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
base64_encode(struct view bytes, char *ret)
{
    for (; bytes.len > 0; ret += 4) {
        size_t n = bytes.len < 3 ? bytes.len : 3;
        uint32_t word = 0;
        for (size_t i = 0; i < 3; i++)
            word = word << 8 | (i < n ? bytes.data[i] : 0);
        for (size_t i = 0; i < 4; i++)
            ret[i] = i <= n ? digits[word >> (18 - 6 * i) & 63] : '=';
        bytes = view_from(bytes, n);
    }
}

/* The bytes of one group of four, of which the last may be padding; 0: not a group. */
static size_t
decode_group(const uint8_t *text, uint8_t ret[3])
{
    size_t chars = text[3] != '=' ? 4 : text[2] != '=' ? 3 : 2;
    uint32_t word = 0;
    for (size_t i = 0; i < chars; i++) {
        const char *digit = text[i] == '\0' ? NULL : strchr(digits, text[i]);
        if (digit == NULL)
            return 0;
        word |= (uint32_t)(digit - digits) << (18 - 6 * i);
    }
    for (size_t i = 0; i < 3; i++)
        ret[i] = (uint8_t)(word >> (16 - 8 * i));
    /* Bits that no byte has are zeros in the one form. */
    return (word & (0xffffffu >> (8 * (chars - 1))) & 0xffffffu) == 0 || chars == 4 ? chars - 1 : 0;
}

ptrdiff_t
base64_decode(struct view text, uint8_t *ret)
{
    ptrdiff_t n = 0;
    if (text.len % 4 != 0)
        return -ERR_INVALID;
    for (size_t i = 0; i < text.len; i += 4) {
        uint8_t group[3];
        size_t bytes = decode_group(text.data + i, group);
        if (bytes == 0 || (bytes < 3 && i + 4 < text.len))
            return -ERR_INVALID;
        memcpy(ret + n, group, bytes);
        n += (ptrdiff_t)bytes;
    }
    return n;
}
