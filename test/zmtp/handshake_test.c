/* Greetings and the mechanism NULL: conversations in the simulator. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/must.h"
#include "zmtp/world.h"

#define CASE(name) cmocka_unit_test_setup_teardown(name, zmtp_world_setup, zmtp_world_teardown)

/* ---- greetings -------------------------------------------------------------------------------------------------- */

/* Each side sends eleven bytes, and the rest when it has heard as many: nobody waits for 64. */
static void
greeting_is_staggered(void **state)
{
    struct zmtp_world *world = *state;
    zmtp_world_raw(world);
    zmtp_world_expect(world, "> version 3\n");
    zmtp_world_greet(world, 1, "NULL", 10);
    zmtp_world_expect(world, "");
    zmtp_world_say(world, "03");
    zmtp_world_expect(world, "> .1 NULL server=0\n");
    zmtp_world_say(world, "01 [NULL] 00000000 00000000 00000000 00000000 00000000 00000000");
    zmtp_world_expect(world, "");
    zmtp_world_say(world, "00000000 00000000 00000000 00000000 00000000 00");
    zmtp_world_expect(world, "");
    zmtp_world_say(world, "00 00 00");
    zmtp_world_expect(world, "> READY Socket-Type=PULL\n");
    zmtp_world_say(world, "04 1a 05 [READY] 0b [Socket-Type] 00000004 [PUSH] 00 02 [hi]");
    zmtp_world_expect(world, "a ready: PUSH .1\na < hi\n");
}

static void
byte_by_byte(struct zmtp_world *world, const uint8_t *bytes, size_t len, unsigned ms)
{
    for (size_t i = 0; i < len; i++) {
        zmtp_world_say_bytes(world, view_of(bytes + i, 1));
        zmtp_world_wait(world, ms);
    }
}

static void
greeting_comes_byte_by_byte(void **state)
{
    static const uint8_t said[] = "\xff\0\0\0\0\0\0\0\0\x7f\3\1NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                                  "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                                  "\4\x1a\5READY\13Socket-Type\0\0\0\4PUSH\1\1a\0\1b";
    struct zmtp_world *world = *state;
    world->a.side.handshake_ms = 60000;
    zmtp_world_raw(world);
    byte_by_byte(world, said, sizeof(said) - 1, 0);
    zmtp_world_expect(world, "> version 3\n> .1 NULL server=0\n> READY Socket-Type=PULL\na ready: PUSH .1\na < a+b\n");
}

/* One byte a second is too slow; what takes too long is told. */
static void
slow_greeting_is_left(void **state)
{
    static const uint8_t said[] = "\xff\0\0\0\0\0\0\0\0\x7f\3\1NULL";
    struct zmtp_world *world = *state;
    zmtp_world_raw(world);
    byte_by_byte(world, said, sizeof(said) - 1, 800);
    zmtp_world_expect(world, "> version 3\na closed: connection lost: timed out\n");
    assert_null(world->raw);
}

static void
silent_handshake_is_left(void **state)
{
    struct zmtp_world *world = *state;
    zmtp_world_raw(world);
    zmtp_world_greet(world, 1, "NULL", 64);
    zmtp_world_wait(world, 6000);
    zmtp_world_expect(world, "> version 3\n> .1 NULL server=0\n> READY Socket-Type=PULL\n"
                             "a closed: connection lost: timed out\n");
}

static void
wrong_greetings_are_refused(void **state)
{
    static const char *const rows[][2] = {
        {"[GET / HTTP/1.1]",              "no greeting of ZMTP 2.0 or later: it begins otherwise [37/3.2]"},
        { "ff 0000000000000001 00",       "no greeting of ZMTP 2.0 or later: it begins otherwise [37/3.2]"},
        { "ff 0000000000000001 7f 00",    "version 0 of ZMTP is not spoken here [37/3.3]"                 },
        { "ff 0000000000000001 7f 01 0b", "unknown socket type in a greeting of ZMTP 2.0 [15/5.1]"        },
    };
    struct zmtp_world *world = *state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        zmtp_world_raw(world);
        zmtp_world_forget(world);
        zmtp_world_say(world, rows[i][0]);
        zmtp_world_expect_breach(world, rows[i][1]);
    }
}

static void
another_mechanism_is_refused(void **state)
{
    struct zmtp_world *world = *state;
    zmtp_world_raw(world);
    zmtp_world_greet(world, 1, "PLAIN", 64);
    zmtp_world_expect(world, "> version 3\n> .1 NULL server=0\n"
                             "a closed: the peer broke the protocol: another security mechanism than ours [37/3.5]\n");
    world->a.side.mechanism = ZMTP_PLAIN;
    zmtp_world_raw(world);
    zmtp_world_say(world, "ff 0000000000000000 7f 03 01 [PLAIN] 000000 000000 000000 000000 000000 01"
                          "00000000 00000000 00000000 00000000 00000000 00000000 00000000 000000");
    zmtp_world_expect(world,
                      "> version 3\n> .1 PLAIN server=1\n"
                      "a closed: the peer broke the protocol: both sides say that they are the server [37/3.4]\n");
}

/* ---- older peers ------------------------------------------------------------------------------------------------ */

static void
peer_of_2_0(void **state)
{
    struct zmtp_world *world = *state;
    world->a.side.pattern = ZMTP_XPUB;
    world->a.side.identity = view_str("pub");
    zmtp_world_raw(world);
    zmtp_world_say(world, "ff 0000000000000001 7f 01");
    zmtp_world_expect(world, "> version 3\n> XPUB\n> pub\n");
    zmtp_world_say(world, "02 00 03 [old]");
    zmtp_world_expect(world, "a ready: SUB .0 id=old\n");
    zmtp_world_say(world, "00 03 01 [ab] 00 01 01 00 03 00 [ab] 00 02 [up]");
    zmtp_world_expect(world, "a subscribed ab\na subscribed \na cancelled ab\na < up\n");
    zmtp_world_put(&world->a, "abc+d");
    zmtp_world_expect(world, "> abc+\n> d\n");
    assert_false(zmtp_peer_can_ping(world->a.peer));
    assert_int_equal(zmtp_peer_ping(world->a.peer, 1), -ERR_STATE);
    zmtp_world_say(world, "04 05 04 [PING]");
    zmtp_world_expect(world, "a closed: the peer broke the protocol: "
                             "a reserved flag of a frame of ZMTP 2.0 is set [15/5.2]\n");
}

static void
subscribing_at_2_0_and_3_0(void **state)
{
    struct zmtp_world *world = *state;
    world->a.side.pattern = ZMTP_SUB;
    zmtp_world_raw(world);
    zmtp_world_say(world, "ff 0000000000000001 7f 01 01 00 00");
    zmtp_world_expect(world, "> version 3\na ready: PUB .0\n> SUB\n> \n");
    assert_int_equal(zmtp_peer_subscribe(world->a.peer, view_str("x"), true), 0);
    zmtp_world_run(world);
    zmtp_world_expect(world, "> \\01x\n");
    zmtp_world_hang_up(world);

    zmtp_world_raw_ready(world, 0, "PUB");
    zmtp_peer_subscribe(world->a.peer, view_str("x"), true);
    zmtp_peer_subscribe(world->a.peer, view_str("x"), false);
    zmtp_world_run(world);
    zmtp_world_expect(world, "> \\01x\n> \\00x\n");
    zmtp_world_hang_up(world);

    zmtp_world_raw_ready(world, 1, "PUB");
    zmtp_peer_subscribe(world->a.peer, view_str("x"), true);
    zmtp_peer_subscribe(world->a.peer, view_str("x"), false);
    zmtp_world_run(world);
    zmtp_world_expect(world, "> SUBSCRIBE x\n> CANCEL x\n");
}

static void
security_is_not_for_2_0(void **state)
{
    struct zmtp_world *world = *state;
    world->a.side.mechanism = ZMTP_PLAIN;
    zmtp_world_raw(world);
    zmtp_world_say(world, "ff 0000000000000001 7f 01");
    zmtp_world_expect(world, "> version 3\na closed: the peer broke the protocol: "
                             "ZMTP 2.0 has no security, which is asked for here [37/3.5]\n");
}

static void
newer_versions_are_taken_for_3_1(void **state)
{
    struct zmtp_world *world = *state;
    zmtp_world_raw(world);
    zmtp_world_say(world, "ff 0000000000000000 7f 04 07 [NULL] 00000000 00000000 00000000 00000000 00"
                          "ffffffff 00000000 00000000 00000000 00000000 00000000 00000000 000000");
    zmtp_world_command(world, "READY", "0b [socket-TYPE] 00000004 [PUSH]");
    zmtp_world_expect(world, "> version 3\n> .1 NULL server=0\n> READY Socket-Type=PULL\na ready: PUSH .1\n");
}

/* ---- NULL ------------------------------------------------------------------------------------------------------- */

static void
null_from_both_sides(void **state)
{
    struct zmtp_world *world = *state;
    world->a.side.pattern = ZMTP_ROUTER;
    world->b.side.pattern = ZMTP_DEALER;
    world->b.side.identity = view_str("bo");
    zmtp_world_meet(world, false);
    zmtp_world_expect(world, "b connected\na ready: DEALER .1 id=bo resource=jobs/new\nb ready: ROUTER .1\n");
    zmtp_world_put(&world->a, "x+yy");
    zmtp_world_put(&world->b, "z");
    zmtp_world_expect(world, "b < x+yy\na < z\n");
    zmtp_peer_close(world->b.peer);
    zmtp_world_run(world);
    zmtp_world_expect(world, "a closed: connection lost: end of stream\nb closed: disconnected\n");
}

static void
misfits_are_told(void **state)
{
    struct zmtp_world *world = *state;
    zmtp_world_raw(world);
    zmtp_world_greet(world, 1, "NULL", 64);
    zmtp_world_forget(world);
    zmtp_world_command(world, "READY", "0b [Socket-Type] 00000004 [PULL]");
    zmtp_world_expect(world, "> ERROR +socket-types-that-do-not-talk-to-each-other\n"
                             "a closed: the peer broke the protocol: socket types that do not talk to each other "
                             "[37/3.9.1]\n");
    assert_null(world->raw);
}

static void
error_is_understood(void **state)
{
    struct zmtp_world *world = *state;
    world->b.side.pattern = ZMTP_PAIR;
    zmtp_world_raw(world);
    zmtp_world_greet(world, 1, "NULL", 64);
    zmtp_world_forget(world);
    zmtp_world_command(world, "ERROR", "06 [go-off]");
    zmtp_world_expect(world, "a closed: refused by the peer: go-off\n");
    zmtp_world_raw_ready(world, 1, "PUSH");
    zmtp_world_command(world, "ERROR", "04 [late]");
    zmtp_world_expect(world, "a closed: refused by the peer: late\n");
}

static void
breaches_of_the_handshake(void **state)
{
    static const char *const rows[][2] = {
        {"00 01 [x]",                                         "a message before the handshake is done [37/3.2]"           },
        { "04 05 04 [PING]",                                  "a command that the handshake does not await now [37/3.2]"  },
        { "04 06 05 [HELLO]",                                 "a command that the handshake does not await now [37/3.2]"  },
        { "04 06 05 [READY]",                                 "no socket type is told [37/3.9.1]"                         },
        { "04 06 06 [READY]",                                 "a command whose name runs past its end [37/3.2]"           },
        { "04 08 05 [READY] 01 [A]",                          "a property runs past the end of the metadata [37/3.8]"     },
        { "06 0000000000004001",                              "a frame of more than 16384 bytes in the handshake [37/3.7]"},
        { "06 8000000000000000",                              "a frame of 2^63 bytes or more [37/3.7]"                    },
        { "08",                                               "a reserved flag of a frame is set [37/3.7]"                },
        { "04 19 05 [READY] 0b [Socket-Type] 00000003 [PUS]", "unknown socket type [37/3.9.1]"                            },
    };
    struct zmtp_world *world = *state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        zmtp_world_raw(world);
        zmtp_world_greet(world, 1, "NULL", 64);
        zmtp_world_say(world, rows[i][0]);
        assert_non_null(strstr(world->text, "> ERROR "));
        zmtp_world_expect_breach(world, rows[i][1]);
    }
}

/* ---- a server of several patterns ------------------------------------------------------------------------------- */

static void
serves_what_it_is_asked_for(void **state)
{
    struct zmtp_world *world = *state;
    world->a.on.pattern = zmtp_world_serves;
    world->a.serves = ZMTP_PUSH;
    zmtp_world_raw(world);
    zmtp_world_greet(world, 1, "NULL", 64);
    zmtp_world_expect(world, "> version 3\n> .1 NULL server=0\n");
    zmtp_world_command(world, "READY", "0b [Socket-Type] 00000004 [PULL] 08 [Resource] 00000004 [jobs]");
    zmtp_world_expect(world, "a serves? PULL jobs\na ready: PULL .1 resource=jobs\n> READY Socket-Type=PUSH\n");
    zmtp_world_hang_up(world);

    zmtp_world_raw(world);
    zmtp_world_say(world, "ff 0000000000000001 7f 01 07 00 00");
    zmtp_world_expect(world, "a closed: connection lost: connection reset by peer\n> version 3\na serves? PULL \n"
                             "a ready: PULL .0\n> PUSH\n> \n");
}

static void
refuses_what_it_does_not_serve(void **state)
{
    struct zmtp_world *world = *state;
    world->a.on.pattern = zmtp_world_serves;
    world->a.serves = -ERR_NOT_FOUND;
    zmtp_world_raw(world);
    zmtp_world_greet(world, 1, "NULL", 64);
    zmtp_world_forget(world);
    zmtp_world_command(world, "READY", "0b [Socket-Type] 00000004 [PULL]");
    zmtp_world_expect(
        world,
        "a serves? PULL \n> ERROR 1a-socket-type-or-resource-that-is-not-served-here\na closed: the peer was denied: "
        "a socket type or resource that is not served here [37/3.9.1]\n");
}

/* A server that has sniffed the first bytes hands them over. */
static int
start_late(struct zmtp_party *party, struct io_stream *stream, struct view bytes)
{
    return zmtp_peer_accept(party->io, stream, bytes, &party->side, &party->on, party, &party->peer);
}

struct sniffer {
    struct zmtp_party *party;
    struct io_stream *stream;
};

static void
on_sniffed(void *arg, struct view bytes)
{
    struct sniffer *sniffer = arg;
    assert_int_equal(start_late(sniffer->party, sniffer->stream, bytes), 0);
}

static void
on_late_accept(void *arg, struct io_stream *stream)
{
    static const struct io_stream_on on = { .read = on_sniffed };
    struct sniffer *sniffer = arg;
    sniffer->stream = stream;
    io_accept(stream, &on, sniffer);
}

static void
takes_over_what_was_read(void **state)
{
    struct zmtp_world *world = *state;
    struct sniffer sniffer = { .party = &world->a };
    struct io_address address;
    struct io_listener *listener;
    assert_int_equal(io_address_parse("tcp://*:6666", 0, &address), 0);
    assert_int_equal(io_listen(world->a.io, &address, on_late_accept, &sniffer, &listener), 0);
    assert_int_equal(io_address_parse("tcp://a:6666", 0, &address), 0);
    assert_int_equal(zmtp_peer_connect(world->b.io, &address, view_of(NULL, 0), &world->b.side, &world->b.on, &world->b,
                                       &world->b.peer),
                     0);
    zmtp_world_run(world);
    zmtp_world_put(&world->b, "hi");
    zmtp_world_expect(world, "b connected\na ready: PUSH .1\nb ready: PULL .1\na < hi\n");
    char text[64];
    zmtp_peer_address(world->a.peer, text, sizeof(text));
    assert_true(text[0] != '\0' && text[0] != '?');
}

static void
resource_has_a_limit(void **state)
{
    struct zmtp_world *world = *state;
    uint8_t resource[256] = { 0 };
    struct io_address address;
    assert_int_equal(io_address_parse("tcp://a:5555", 0, &address), 0);
    assert_int_equal(zmtp_peer_connect(world->b.io, &address, view_of(resource, sizeof(resource)), &world->b.side,
                                       &world->b.on, &world->b, &world->b.peer),
                     -ERR_TOO_LARGE);
    assert_null(world->b.peer);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(greeting_is_staggered),
        CASE(greeting_comes_byte_by_byte),
        CASE(slow_greeting_is_left),
        CASE(silent_handshake_is_left),
        CASE(wrong_greetings_are_refused),
        CASE(another_mechanism_is_refused),
        CASE(peer_of_2_0),
        CASE(subscribing_at_2_0_and_3_0),
        CASE(security_is_not_for_2_0),
        CASE(newer_versions_are_taken_for_3_1),
        CASE(null_from_both_sides),
        CASE(misfits_are_told),
        CASE(error_is_understood),
        CASE(breaches_of_the_handshake),
        CASE(serves_what_it_is_asked_for),
        CASE(refuses_what_it_does_not_serve),
        CASE(takes_over_what_was_read),
        CASE(resource_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
