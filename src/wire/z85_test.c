/* Z85: RFC 32's own example, every byte there and back, and what is none. */
#include "wire/z85.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void
the_example_of_the_rfc(void **state)
{
    static const uint8_t bytes[8] = { 0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b };
    uint8_t back[8];
    char text[10];
    (void)state;
    z85_encode(view_of(bytes, sizeof(bytes)), text);
    assert_memory_equal(text, "HelloWorld", 10);
    assert_true(z85_decode(view_str("HelloWorld"), back));
    assert_memory_equal(back, bytes, sizeof(bytes));
}

static void
every_byte_there_and_back(void **state)
{
    uint8_t bytes[256], back[256];
    char text[320];
    (void)state;
    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 37);
    z85_encode(view_of(bytes, sizeof(bytes)), text);
    assert_true(z85_decode(view_of(text, sizeof(text)), back));
    assert_memory_equal(back, bytes, sizeof(bytes));
}

static void
what_is_none(void **state)
{
    static const char *const texts[] = { "HelloWorl", "Hello World", "Hello~oo!~", "#####", "ab\"de" };
    uint8_t back[8];
    (void)state;
    for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_false(z85_decode(view_str(texts[i]), back));
    assert_false(z85_decode(view_of("ab\0de", 5), back));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_the_rfc),
        cmocka_unit_test(every_byte_there_and_back),
        cmocka_unit_test(what_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
