/* Addresses as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "io/io.h"

static void
addresses_are_parsed(void **state)
{
    static const struct {
        const char *text;
        enum io_kind kind;
        const char *host;
        uint16_t port;
    } rows[] = {
        {"tcp://127.0.0.1:1884",  IO_TCP,  "127.0.0.1",       1884 },
        { "tcp://broker.example", IO_TCP,  "broker.example",  1883 },
        { "broker:1",             IO_TCP,  "broker",          1    },
        { "broker",               IO_TCP,  "broker",          1883 },
        { "tcp://[::1]:65535",    IO_TCP,  "::1",             65535},
        { "[fe80::1]",            IO_TCP,  "fe80::1",         1883 },
        { "tcp://*:0",            IO_TCP,  "*",               0    },
        { "unix:/run/tambo.sock", IO_UNIX, "/run/tambo.sock", 0    },
        { "unix:a:b",             IO_UNIX, "a:b",             0    },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct io_address a;
        assert_int_equal(io_address_parse(rows[i].text, 1883, &a), 0);
        assert_int_equal(a.kind, rows[i].kind);
        assert_string_equal(a.host, rows[i].host);
        assert_int_equal(a.port, rows[i].port);
    }
}

static void
nonsense_is_refused_and_nothing_is_written(void **state)
{
    static const char *const rows[] = {
        "",
        "tcp://",
        ":1883",
        "tcp://:1883",
        "host:",
        "host:65536",
        "host:-1",
        "host:1x",
        "host:1:2",
        "tcp://[::1",
        "[::1]x",
        "[]:1",
        "unix:",
        "host:+1",
        "host: 1",
        "[::1]:",
        "tcp://h:99999999999999999999",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct io_address a = { .port = 7 };
        assert_int_equal(io_address_parse(rows[i], 1883, &a), -ERR_ADDRESS);
        assert_int_equal(a.port, 7);
    }
}

static void
longest_names_fit_and_longer_ones_do_not(void **state)
{
    char text[160] = "unix:";
    struct io_address a;
    (void)state;
    memset(text + 5, 'x', sizeof(a.host));
    assert_int_equal(io_address_parse(text, 0, &a), -ERR_ADDRESS);
    assert_int_equal(io_address_parse(text + 5, 0, &a), -ERR_ADDRESS);
    text[5 + sizeof(a.host) - 1] = '\0';
    assert_int_equal(io_address_parse(text, 0, &a), 0);
    assert_int_equal(strlen(a.host), sizeof(a.host) - 1);
    assert_int_equal(io_address_parse(text + 5, 0, &a), 0);
}

static void
addresses_are_printed_as_they_are_read(void **state)
{
    static const char *const rows[] = { "tcp://127.0.0.1:1884", "tcp://[::1]:1", "tcp://*:0", "unix:/run/x" };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct io_address a;
        char text[160], little[6];
        assert_int_equal(io_address_parse(rows[i], 9, &a), 0);
        io_address_print(&a, text, sizeof(text));
        assert_string_equal(text, rows[i]);
        io_address_print(&a, little, sizeof(little));
        assert_int_equal(strlen(little), 5);
    }
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_parsed),
        cmocka_unit_test(nonsense_is_refused_and_nothing_is_written),
        cmocka_unit_test(longest_names_fit_and_longer_ones_do_not),
        cmocka_unit_test(addresses_are_printed_as_they_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
