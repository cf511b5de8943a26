/* Where programs are served, as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/must.h"
#include "rpc/link.h"

static void
addresses_are_printed_as_they_are_read(void **state)
{
    static const struct {
        const char *text;
        enum rpc_transport transport;
        const char *host;
        uint16_t port;
    } rows[] = {
        {"tcp://localhost:111",   RPC_TCP,    "localhost",      111  },
        { "tcp://10.0.0.1",       RPC_TCP,    "10.0.0.1",       0    },
        { "tcp://*:5000",         RPC_TCP,    "*",              5000 },
        { "tcp://[::1]:65535",    RPC_TCP,    "::1",            65535},
        { "udp://[fe80::1]",      RPC_UDP,    "fe80::1",        0    },
        { "udp://example.org:53", RPC_UDP,    "example.org",    53   },
        { "unix:/run/date.sock",  RPC_UNIX,   "/run/date.sock", 0    },
        { "unix:@date",           RPC_UNIX,   "@date",          0    },
        { "inproc:date",          RPC_INPROC, "date",           0    },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct rpc_address address;
        char text[128];
        assert_int_equal(rpc_address_parse(view_str(rows[i].text), &address), 0);
        assert_int_equal(address.transport, rows[i].transport);
        assert_string_equal(address.at.host, rows[i].host);
        assert_int_equal(address.at.port, rows[i].port);
        rpc_address_print(&address, text, sizeof(text));
        assert_string_equal(text, rows[i].text);
    }
}

static void
what_is_none(void **state)
{
    static const char *const texts[] = {
        "",
        "localhost:111",
        "tcp://",
        "tcp://:111",
        "tcp://host:",
        "tcp://host:x",
        "tcp://h:65536",
        "udp://[::1",
        "tcp://unix:/run/x",
        "tcp://tcp://host",
        "udp://host/path",
        "unix:",
        "inproc:",
        "http://host",
        "TCP://host",
    };
    struct rpc_address address;
    char long_text[300] = "inproc:";
    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        assert_int_equal(rpc_address_parse(view_str(texts[i]), &address), -ERR_ADDRESS);
    memset(long_text + 7, 'x', sizeof(long_text) - 8);
    assert_int_equal(rpc_address_parse(view_str(long_text), &address), -ERR_ADDRESS);
    memcpy(long_text, "tcp://", 6);
    assert_int_equal(rpc_address_parse(view_str(long_text), &address), -ERR_ADDRESS);
    assert_int_equal(rpc_address_parse(view_of("tcp://a\0b", 9), &address), -ERR_ADDRESS);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_printed_as_they_are_read),
        cmocka_unit_test(what_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
