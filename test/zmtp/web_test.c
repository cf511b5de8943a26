/* ZMTP over WebSocket (RFC 45): upgrades, frames and limits, conversations in the simulator. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/must.h"
#include "zmtp/world.h"

#define CASE(name) cmocka_unit_test_setup_teardown(name, web_setup, zmtp_world_teardown)

#define GET         "GET /jobs HTTP/1.1\r\n"
#define HOST        "Host: a:5000\r\n"
#define UPGRADE     "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
#define KEY         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define PROTOCOL    "Sec-WebSocket-Protocol: ZWS2.0, ZWS2.0/NULL\r\n"
#define VERSION     "Sec-WebSocket-Version: 13\r\n"
#define REQUEST     GET HOST UPGRADE KEY PROTOCOL VERSION "\r\n"
#define SWITCHED    "> HTTP/1.1 101 Switching Protocols\n"
#define READY_HEARD "> \\82\\1b\\02\\05READY\\0bSocket-Type\\00\\00\\00\\04PULL\n"
/* In notation; the mask is zeros. */
#define READY "82 9b 00000000 02 05 [READY] 0b [Socket-Type] 00000004 [PUSH] "

static int
web_setup(void **state)
{
    int rc = zmtp_world_setup(state);
    struct zmtp_world *world = *state;
    world->is_web = true;
    return rc;
}

static void
upgrade(struct zmtp_world *world)
{
    zmtp_world_raw(world);
    zmtp_world_say_bytes(world, view_str(REQUEST));
    zmtp_world_expect(world, SWITCHED READY_HEARD);
}

static void
upgrades_and_talks(void **state)
{
    struct zmtp_world *world = *state;
    upgrade(world);
    zmtp_world_say(world, READY);
    zmtp_world_expect(world, "a ready: PUSH .0\n");
    zmtp_world_say(world, "82 83 00000000 00 [hi] 82 82 01020304 00 63 82 81 00000000 00");
    zmtp_world_expect(world, "a < hi\na < a+\n");
}

/* ---- upgrades --------------------------------------------------------------------------------------------------- */

static void
comes_byte_by_byte(void **state)
{
    struct zmtp_world *world = *state;
    static const char request[] = REQUEST;
    static const uint8_t frames[] =
        "\x82\x9b\0\0\0\0\2\5READY\13Socket-Type\0\0\0\4PUSH\x82\x83\1\2\3\4\1\x60\x3\x82\x82\0\0\0\0\0c";
    world->a.side.handshake_ms = 600000;
    zmtp_world_raw(world);
    for (size_t i = 0; i < sizeof(request) - 1; i++)
        zmtp_world_say_bytes(world, view_of(request + i, 1));
    for (size_t i = 0; i < sizeof(frames) - 1; i++)
        zmtp_world_say_bytes(world, view_of(frames + i, 1));
    zmtp_world_expect(world, SWITCHED READY_HEARD "a ready: PUSH .0\na < b\\00\na < c\n");
}

static void
refuses_a_bad_upgrade(void **state)
{
    static const struct {
        const char *request, *status, *rule;
    } rows[] = {
        {"POST /jobs HTTP/1.1\r\n" HOST UPGRADE KEY PROTOCOL VERSION "\r\n",              "400 Bad Request",
         "no GET of HTTP/1.1 [6455/4.1]"                                                                                                                                  },
        { "GET /jobs HTTP/1.0\r\n" HOST UPGRADE KEY PROTOCOL VERSION "\r\n",              "400 Bad Request",
         "no GET of HTTP/1.1 [6455/4.1]"                                                                                                                                  },
        { GET UPGRADE KEY PROTOCOL VERSION "\r\n",                                        "400 Bad Request",
         "a header that is malformed, missing or repeated [6455/4.1]"                                                                                                     },
        { GET HOST " folded: x\r\n" UPGRADE KEY PROTOCOL VERSION "\r\n",                  "400 Bad Request",
         "a header that is malformed, missing or repeated [6455/4.1]"                                                                                                     },
        { GET HOST UPGRADE KEY KEY PROTOCOL VERSION "\r\n",                               "400 Bad Request",
         "a header that is malformed, missing or repeated [6455/4.1]"                                                                                                     },
        { GET HOST "\r\n",                                                                "426 Upgrade Required", "a request that does not ask for WebSocket [6455/4.2.1]"},
        { GET HOST UPGRADE KEY PROTOCOL "Sec-WebSocket-Version: 8\r\n\r\n",               "426 Upgrade Required",
         "another version of WebSocket than 13 [6455/4.4]"                                                                                                                },
        { GET HOST UPGRADE "Sec-WebSocket-Key: short==\r\n" PROTOCOL VERSION "\r\n",      "400 Bad Request",
         "a Sec-WebSocket-Key that is not sixteen bytes [6455/4.1]"                                                                                                       },
        { GET HOST UPGRADE KEY "Sec-WebSocket-Protocol: ZWS2.0/PLAIN\r\n" VERSION "\r\n", "400 Bad Request",
         "our Sec-WebSocket-Protocol is not offered [45/3.1]"                                                                                                             },
        { "GET /other HTTP/1.1\r\n" HOST UPGRADE KEY PROTOCOL VERSION "\r\n",             "404 Not Found",
         "another path than the endpoint's [45/3.1]"                                                                                                                      },
    };
    struct zmtp_world *world = *state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char want[256];
        zmtp_world_raw(world);
        zmtp_world_say_bytes(world, view_str(rows[i].request));
        zmtp_world_wait(world, 2000);
        const char *said = strstr(world->text, "HTTP/1.1 ");
        assert_non_null(said);
        assert_memory_equal(said + 9, rows[i].status, strlen(rows[i].status));
        snprintf(want, sizeof(want), "a closed: the peer broke the protocol: %s\n", rows[i].rule);
        assert_non_null(strstr(world->text, want));
        zmtp_world_forget(world);
    }
}

static void
a_head_has_its_limit(void **state)
{
    struct zmtp_world *world = *state;
    world->a.side.handshake_ms = 600000;
    zmtp_world_raw(world);
    zmtp_world_say_bytes(world, view_str(GET "X: "));
    for (unsigned i = 0; i < 1000; i++)
        zmtp_world_say_bytes(world, view_str("12345678"));
    zmtp_world_expect(world, "");
    for (unsigned i = 0; i < 25; i++)
        zmtp_world_say_bytes(world, view_str("12345678"));
    zmtp_world_wait(world, 2000);
    assert_non_null(strstr(world->text, "> HTTP/1.1 431 Request Header Fields Too Large\n"));
    assert_non_null(strstr(world->text, "a request or response of more than 8192 bytes [6455/4.1]\n"));
}

/* ---- frames ----------------------------------------------------------------------------------------------------- */

static void
answers_pings_and_closes(void **state)
{
    struct zmtp_world *world = *state;
    upgrade(world);
    zmtp_world_say(world, READY "89 83 01010101 60 62 64 8a 80 00000000 89 80 00000000");
    zmtp_world_expect(world, "a ready: PUSH .0\n> \\8a\\03ace\n> \\8a\\00\n");
    zmtp_world_say(world, "82 82 00000000 00 [x] 88 82 00000000 03e8 82 82 00000000 00 [y]");
    zmtp_world_wait(world, 2000);
    zmtp_world_expect(world, "a < x\n> \\88\\02\\03\\e8\na closed: connection lost: end of stream\n");
}

static void
breaches_end_it(void **state)
{
    static const struct {
        const char *said, *rule;
    } rows[] = {
        {"c2",                                  "a reserved bit of a WebSocket frame is set [6455/5.2]"                       },
        { "02 81 00000000 00",                  "a WebSocket message in several frames [45/3]"                                },
        { "80 81 00000000 00",                  "a WebSocket message in several frames [45/3]"                                },
        { "81 81 00000000 00",                  "a WebSocket message that is not binary [45/3]"                               },
        { "82 01 00",                           "a client's frame that is not masked [6455/5.1]"                              },
        { "89 fe 007e 00000000",                "a control frame of more than 125 bytes [6455/5.5]"                           },
        { "82 80 00000000",                     "a WebSocket message without flags [45/4]"                                    },
        { "82 81 00000000 04",                  "a reserved flag of a frame is set [45/4]"                                    },
        { "82 fe 007d 00000000",                "a size that is not in its shortest form, or of 2^63 bytes or more [6455/5.2]"},
        { "82 ff 8000000000000000 00000000 00",
         "a size that is not in its shortest form, or of 2^63 bytes or more [6455/5.2]"                                       },
        { "82 ff 0000000000200000 00000000 00", "a message larger than the limit [37/3.7]"                                    },
        { "82 82 00000000 03 00",               "a command frame that says that more follow [37/3.7]"                         },
    };
    struct zmtp_world *world = *state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char want[256];
        upgrade(world);
        zmtp_world_say(world, READY);
        zmtp_world_say(world, rows[i].said);
        zmtp_world_say(world, "00");
        zmtp_world_wait(world, 2000);
        snprintf(want, sizeof(want), "a closed: the peer broke the protocol: %s\n", rows[i].rule);
        if (strstr(world->text, want) == NULL || strstr(world->text, "> \\88\\02\\03\\ea\n") == NULL)
            fail_msg("%s", world->text);
        zmtp_world_forget(world);
    }
}

/* ---- both sides ours -------------------------------------------------------------------------------------------- */

static void
sizes_pass(struct zmtp_world *world)
{
    static const size_t sizes[] = { 0, 1, 124, 125, 126, 254, 255, 256, 65533, 65534, 65535, 65536, 400000 };
    uint64_t bytes = world->a.bytes;
    world->a.counts_only = world->b.counts_only = true;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        assert_int_equal(zmtp_world_put_large(&world->b, sizes[i]), 0);
        bytes += sizes[i] + (sizes[i] > UINT8_MAX ? ZMTP_FRAME_HEAD_MAX : ZMTP_FRAME_HEAD_MIN);
        zmtp_world_wait(world, 1000);
        assert_int_equal(world->a.messages, i + 1);
        assert_int_equal(world->a.bytes, bytes);
    }
    world->a.counts_only = world->b.counts_only = false;
}

static void
each_mechanism(void **state)
{
    struct zmtp_world *world = *state;
    for (unsigned mechanism = ZMTP_NULL; mechanism <= ZMTP_CURVE; mechanism++) {
        world->a.messages = 0;
        if (mechanism == ZMTP_CURVE)
            zmtp_world_curve(world);
        world->a.side.mechanism = world->b.side.mechanism = mechanism;
        zmtp_world_meet(world, false);
        zmtp_world_wait(world, 1000);
        assert_non_null(strstr(world->text, "a ready: PUSH .0\n"));
        assert_non_null(strstr(world->text, "b ready: PULL .0\n"));
        sizes_pass(world);
        zmtp_world_forget(world);
        zmtp_world_put(&world->b, "two+parts");
        zmtp_world_expect(world, "a < two+parts\n");
        zmtp_peer_close(world->b.peer);
        zmtp_world_wait(world, 2000);
        zmtp_world_forget(world);
    }
}

static void
a_denied_client_is_told(void **state)
{
    struct zmtp_world *world = *state;
    world->a.side.mechanism = world->b.side.mechanism = ZMTP_PLAIN;
    world->a.denies = true;
    zmtp_world_meet(world, false);
    zmtp_world_wait(world, 2000);
    assert_non_null(strstr(world->text, "b closed: refused by the peer: 400\n"));
}

static void
another_mechanism_is_not_upgraded(void **state)
{
    struct zmtp_world *world = *state;
    world->b.side.mechanism = ZMTP_PLAIN;
    zmtp_world_meet(world, false);
    zmtp_world_wait(world, 2000);
    assert_non_null(strstr(world->text, "a closed: the peer broke the protocol: our Sec-WebSocket-Protocol is not"));
    assert_non_null(strstr(world->text, "b closed: the peer broke the protocol: the server does not switch to"));
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(upgrades_and_talks),   CASE(comes_byte_by_byte),      CASE(refuses_a_bad_upgrade),
        CASE(a_head_has_its_limit), CASE(breaches_end_it),         CASE(answers_pings_and_closes),
        CASE(each_mechanism),       CASE(a_denied_client_is_told), CASE(another_mechanism_is_not_upgraded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
