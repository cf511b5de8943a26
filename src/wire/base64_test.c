/* base64: RFC 4648's own vectors, what is none, and back and forth. */
#include "wire/base64.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/must.h"
#include "base/prng.h"

/* RFC 4648, 10. */
static void
test_vectors(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"",        ""        },
        { "f",      "Zg=="    },
        { "fo",     "Zm8="    },
        { "foo",    "Zm9v"    },
        { "foob",   "Zm9vYg=="},
        { "fooba",  "Zm9vYmE="},
        { "foobar", "Zm9vYmFy"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[16];
        uint8_t bytes[16];
        size_t n = strlen(rows[i][0]);
        base64_encode(view_str(rows[i][0]), text);
        assert_int_equal(base64_chars(n), strlen(rows[i][1]));
        assert_memory_equal(text, rows[i][1], base64_chars(n));
        assert_int_equal(base64_decode(view_str(rows[i][1]), bytes), n);
        assert_memory_equal(bytes, rows[i][0], n);
    }
}

static void
test_what_is_not_base64(void **state)
{
    (void)state;
    static const char *const texts[] = { "Z",    "Zg",   "Zg=",    "Zg==Zg==", "Zh==", "Zm9=", "====",
                                         "Z===", "Zm9*", "Zm\n9v", "Zm 9",     "=g==", "Z=g=", "-_-_" };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        uint8_t bytes[16];
        assert_int_equal(base64_decode(view_str(texts[i]), bytes), -ERR_INVALID);
    }
}

static void
test_back_and_forth(void **state)
{
    (void)state;
    struct prng prng;
    prng_init(&prng, 1);
    for (size_t n = 0; n < 100; n++) {
        uint8_t bytes[100], again[100];
        char text[140];
        prng_fill(&prng, bytes, n);
        base64_encode(view_of(bytes, n), text);
        assert_int_equal(base64_decode(view_of(text, base64_chars(n)), again), n);
        assert_memory_equal(again, bytes, n);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_what_is_not_base64),
        cmocka_unit_test(test_back_and_forth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
