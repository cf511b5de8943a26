/* The word-at-a-time check against one that decodes every number, on random bytes and on every code point. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/prng.h"
#include "wire/utf8.h"

/* RFC 3629 by the book: decode the number, then ask whether it may be and whether it was written shortest. */
static bool
naive_utf8(struct view v)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    for (size_t i = 0; i < v.len;) {
        uint8_t b = v.data[i];
        size_t n = b < 0x80 ? 1 : (b & 0xe0) == 0xc0 ? 2 : (b & 0xf0) == 0xe0 ? 3 : (b & 0xf8) == 0xf0 ? 4 : 0;
        if (n == 0 || i + n > v.len)
            return false;
        uint32_t x = n == 1 ? b : b & (0x7fU >> n);
        for (size_t k = 1; k < n; k++) {
            if ((v.data[i + k] & 0xc0) != 0x80)
                return false;
            x = x << 6 | (v.data[i + k] & 0x3f);
        }
        if (x == 0 || x < least[n] || x > 0x10ffff || (x >= 0xd800 && x <= 0xdfff))
            return false;
        i += n;
    }
    return true;
}

static void
utf8_against_the_book_on_random_bytes(void **state)
{
    (void)state;
    enum { LEN_MAX = 24, TIMES = 300000 };
    /* Bytes at which ranges begin or end come more often than by chance. */
    static const uint8_t edges[] = { 0x00, 0x01, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0,
                                     0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf7, 0xf8, 0xff };
    struct prng prng;
    prng_init(&prng, 6);
    unsigned good = 0;
    for (int i = 0; i < TIMES; i++) {
        uint8_t bytes[LEN_MAX];
        struct view v = view_of(bytes, prng_below(&prng, LEN_MAX + 1));
        memset(bytes, 'a', sizeof(bytes));
        for (uint64_t k = prng_below(&prng, 6); k > 0; k--)
            bytes[prng_below(&prng, LEN_MAX)] = edges[prng_below(&prng, sizeof(edges))];
        bool valid = naive_utf8(v);
        assert_int_equal(utf8_valid(v), valid);
        good += valid;
    }
    assert_in_range(good, TIMES / 20, TIMES - TIMES / 20);
}

static void
utf8_on_every_code_point(void **state)
{
    (void)state;
    for (uint32_t x = 0; x <= 0x1fffff; x++) {
        uint8_t bytes[4] = { (uint8_t)(0xf0 | x >> 18), (uint8_t)(0x80 | (x >> 12 & 0x3f)),
                             (uint8_t)(0x80 | (x >> 6 & 0x3f)), (uint8_t)(0x80 | (x & 0x3f)) };
        assert_int_equal(utf8_valid(view_of(bytes, 4)), x >= 0x10000 && x <= 0x10ffff);
        if (x <= 0xffff) {
            bytes[1] = (uint8_t)(0xe0 | x >> 12);
            assert_int_equal(utf8_valid(view_of(bytes + 1, 3)), x >= 0x800 && (x < 0xd800 || x > 0xdfff));
        }
        if (x <= 0x7ff) {
            bytes[2] = (uint8_t)(0xc0 | x >> 6);
            assert_int_equal(utf8_valid(view_of(bytes + 2, 2)), x >= 0x80);
        }
        if (x <= 0x7f) {
            bytes[3] = (uint8_t)x;
            assert_int_equal(utf8_valid(view_of(bytes + 3, 1)), x != 0);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_against_the_book_on_random_bytes),
        cmocka_unit_test(utf8_on_every_code_point),
    };
    return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
