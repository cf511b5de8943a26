/* Messages and commands once a connection is ready: conversations in the simulator. */
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

/* ---- messages --------------------------------------------------------------------------------------------------- */

static void
a_read_is_one_run(void **state)
{
    struct zmtp_world *world = *state;
    zmtp_world_raw_ready(world, 1, "PUSH");
    zmtp_world_say(world, "00 01 [a] 01 00 00 01 [b] 02 0000000000000001 [c] 03 0000000000000000 00 00");
    zmtp_world_expect(world, "a < a\na < +b\na < c\na < +\n");
    assert_int_equal(world->a.runs, 1);
    assert_int_equal(world->a.messages, 4);
    assert_int_equal(world->a.referred, 0);
}

/* Cut anywhere, the same comes out; and a command may stand between two frames of a message. */
static void
cut_at_every_byte(void **state)
{
    static const uint8_t said[] =
        "\0\1a\1\0\0\1b\4\5\4PONG\2\0\0\0\0\0\0\0\3ccc\1\1d\4\14\4PING\0\0night\1\1e\0\1f\0\0";
    struct zmtp_world *world = *state;
    zmtp_world_raw_ready(world, 1, "PUSH");
    for (size_t cut = 1; cut < sizeof(said) - 1; cut++) {
        zmtp_world_say_bytes(world, view_of(said, cut));
        zmtp_world_say_bytes(world, view_of(said + cut, sizeof(said) - 1 - cut));
        const char *pong = strstr(world->text, "> PONG night\n");
        assert_non_null(pong);
        char heard[256];
        snprintf(heard, sizeof(heard), "%.*s%s", (int)(pong - world->text), world->text,
                 pong + strlen("> PONG night\n"));
        assert_string_equal(heard, "a < a\na < +b\na < ccc\na < d+e+f\na < \n");
        zmtp_world_forget(world);
    }
    for (size_t i = 0; i < sizeof(said) - 1; i++)
        zmtp_world_say_bytes(world, view_of(said + i, 1));
    zmtp_world_expect(world, "a < a\na < +b\na < ccc\n> PONG night\na < d+e+f\na < \n");
}

/* What comes in pieces lies in a chunk, and is handed over with it. */
static void
large_message_is_gathered_once(void **state)
{
    struct zmtp_world *world = *state;
    zmtp_world_meet(world, false);
    zmtp_world_forget(world);
    for (size_t len = 60000; len < 1000000; len = len * 2 + 1) {
        assert_int_equal(zmtp_world_put_large(&world->b, len), 0);
        zmtp_world_wait(world, 2000);
    }
    zmtp_world_expect(world, "a < <60000 bytes>\na < <120001 bytes>\na < <240003 bytes>\na < <480007 bytes>\n"
                             "a < <960015 bytes>\n");
    assert_true(world->a.referred >= 3);
}

/* 2^62 bytes are refused by their head; and what is within the limit costs what has come of it. */
static void
claims_cost_nothing(void **state)
{
    struct zmtp_world *world = *state;
    world->a.side.message_bytes_max = UINT64_C(1) << 62;
    zmtp_world_raw_ready(world, 1, "PUSH");
    size_t before = world->a.mem.used_bytes;
    zmtp_world_say(world, "02 2000000000000000 [abc]");
    assert_true(world->a.mem.used_bytes - before < 256);
    zmtp_world_say(world, "[def]");
    assert_non_null(world->a.peer);
    assert_true(world->a.mem.used_bytes - before < 256);
    zmtp_world_hang_up(world);
    zmtp_world_forget(world);
    world->a.side.message_bytes_max = 1024 * 1024;
    zmtp_world_raw_ready(world, 1, "PUSH");
    zmtp_world_say(world, "02 2000000000000000");
    zmtp_world_expect(world, "a closed: the peer broke the protocol: a message larger than the limit [37/3.7]\n");
}

static void
breaches_of_traffic(void **state)
{
    static const char *const rows[][2] = {
        {"00 0a [0123456789] 00 0b [0123456789a]", "a message larger than the limit [37/3.7]"                },
        { "01 06 [012345] 00 05 [6789a]",          "a message larger than the limit [37/3.7]"                },
        { "01 00 01 00 01 00 00 00",               "a message of more frames than the limit [37/3.7]"        },
        { "02 8000000000000000",                   "a frame of 2^63 bytes or more [37/3.7]"                  },
        { "08 00",                                 "a reserved flag of a frame is set [37/3.7]"              },
        { "05 06 05 [READY]",                      "a command frame that says that more follow [37/3.7]"     },
        { "04 06 05 [READY]",                      "a command of the handshake after its end [37/3.2]"       },
        { "04 06 05 [HELLO]",                      "a command of the handshake after its end [37/3.2]"       },
        { "04 06 05 [DANCE]",                      "a command that ZMTP 3.1 does not have [37/3.2]"          },
        { "04 02 05 [R]",                          "a command whose name runs past its end [37/3.2]"         },
        { "04 06 04 [PING] 00",                    "a PING without its time to live [37/5]"                  },
        { "04 0a 09 [SUBSCRIBE]",                  "SUBSCRIBE or CANCEL to another than PUB or XPUB [37/4.2]"},
    };
    struct zmtp_world *world = *state;
    world->a.side.message_bytes_max = 10;
    world->a.side.parts_max = 3;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        zmtp_world_raw_ready(world, 1, "PUSH");
        zmtp_world_say(world, rows[i][0]);
        zmtp_world_expect_breach(world, rows[i][1]);
    }
}

static void
limits_are_met_exactly(void **state)
{
    struct zmtp_world *world = *state;
    world->a.side.message_bytes_max = 10;
    world->a.side.parts_max = 3;
    zmtp_world_raw_ready(world, 1, "PUSH");
    zmtp_world_say(world, "01 06 [012345] 01 00 00 04 [6789] 02 000000000000000a [0123456789]");
    zmtp_world_expect(world, "a < 012345++6789\na < 0123456789\n");
}

/* ---- commands --------------------------------------------------------------------------------------------------- */

static void
ping_is_answered(void **state)
{
    struct zmtp_world *world = *state;
    zmtp_world_raw_ready(world, 0, "PUSH"); /* whatever it says it speaks, and without heartbeats of our own */
    zmtp_world_command(world, "PING", "0000");
    zmtp_world_command(world, "PING", "0000 [0123456789abcdef]");
    zmtp_world_expect(world, "> PONG \n> PONG 0123456789abcdef\n");
    zmtp_world_command(world, "PING", "0000 [0123456789abcdef!]");
    zmtp_world_expect(world, "a closed: the peer broke the protocol: a context of more than 16 bytes in a PING or PONG "
                             "[37/5]\n");
}

static void
own_ping_has_a_number(void **state)
{
    struct zmtp_world *world = *state;
    zmtp_world_raw_ready(world, 1, "PUSH");
    assert_int_equal(zmtp_peer_ping(world->a.peer, 0x41424344), 0);
    zmtp_world_run(world);
    zmtp_world_expect(world, "> PING \\00\\00ABCD\n");
    zmtp_world_command(world, "PONG", "");
    zmtp_world_command(world, "PONG", "[x]");
    zmtp_world_expect(world, "");
    zmtp_world_command(world, "PONG", "00000009");
    zmtp_world_expect(world, "a ponged 9\n");
}

/* It sends PINGs and reads nothing: the answers do not fill our memory. */
static void
flood_of_pings_is_bounded(void **state)
{
    static uint8_t pings[32000 * 9];
    struct zmtp_world *world = *state;
    for (size_t i = 0; i < sizeof(pings); i += 9)
        memcpy(pings + i, "\4\7\4PING\0\0", 9);
    zmtp_world_raw_ready(world, 1, "PUSH");
    io_read_pause(world->raw);
    for (unsigned i = 0; i < 20; i++)
        zmtp_world_say_bytes(world, view_of(pings, sizeof(pings)));
    zmtp_world_wait(world, 5000);
    assert_non_null(world->a.peer);
    assert_true(zmtp_peer_unsent(world->a.peer) < 1024 * 1024);
}

static void
subscriptions_as_commands_and_messages(void **state)
{
    struct zmtp_world *world = *state;
    world->a.side.pattern = ZMTP_XPUB;
    zmtp_world_raw_ready(world, 1, "XSUB");
    zmtp_world_command(world, "SUBSCRIBE", "[ab]");
    zmtp_world_command(world, "SUBSCRIBE", "");
    zmtp_world_command(world, "CANCEL", "[ab]");
    zmtp_world_say(world, "00 03 01 [cd] 00 02 [up] 00 03 00 [cd] 01 02 01 [e] 00 01 01 00 00");
    zmtp_world_expect(world, "a subscribed ab\na subscribed \na cancelled ab\na subscribed cd\na < up\na cancelled cd\n"
                             "a < \\01e+\\01\na < \n");
    world->a.denies = true;
    zmtp_world_say(world, "00 02 01 [x]");
    zmtp_world_expect(world, "a subscribed x\n"
                             "a closed: the peer broke the protocol: more subscriptions than the limit [37/4.2]\n");
}

static void
first_byte_means_nothing_to_others(void **state)
{
    struct zmtp_world *world = *state;
    zmtp_world_raw_ready(world, 1, "PUSH");
    zmtp_world_say(world, "00 02 01 [x]");
    zmtp_world_expect(world, "a < \\01x\n");
}

/* ---- putting ---------------------------------------------------------------------------------------------------- */

static void
room_is_written_in_place(void **state)
{
    struct zmtp_world *world = *state;
    world->a.side.pattern = ZMTP_PUSH;
    zmtp_world_raw_ready(world, 1, "PULL");
    uint8_t *at = zmtp_peer_room(world->a.peer, 100);
    assert_non_null(at);
    memcpy(at, "\0\2hi\0\3you", 9);
    zmtp_peer_room_done(world->a.peer, 9);
    assert_int_equal(zmtp_peer_unsent(world->a.peer), 9);
    zmtp_world_run(world);
    zmtp_world_expect(world, "> hi\n> you\n");
}

static void
large_runs_go_by_reference(void **state)
{
    struct zmtp_world *world = *state;
    world->a.side.pattern = ZMTP_PUSH;
    zmtp_world_raw_ready(world, 1, "PULL");
    struct zmtp_chunk *chunk = zmtp_chunk_new(&world->a.mem, 9 + 5000);
    struct zmtp_slice slice = { chunk, view_of(chunk->bytes, chunk->len) };
    memset(chunk->bytes, 'x', chunk->len);
    zmtp_frame_head(chunk->bytes, 0, 5000);
    assert_int_equal(zmtp_peer_put(world->a.peer, &slice), 0);
    assert_int_equal(chunk->refs, 2);
    zmtp_world_run(world);
    assert_int_equal(chunk->refs, 1);
    zmtp_world_expect(world, "> <5000 bytes>\n");
    slice.run = view_of("\0\2hi", 4);
    assert_int_equal(zmtp_peer_put(world->a.peer, &slice), 0);
    assert_int_equal(chunk->refs, 1);
    zmtp_world_run(world);
    zmtp_world_expect(world, "> hi\n");
    zmtp_chunk_unref(chunk);
}

/* What never left is told with the end. */
static void
loss_is_told(void **state)
{
    struct zmtp_world *world = *state;
    world->a.side.pattern = ZMTP_PUSH;
    zmtp_world_raw_ready(world, 1, "PULL");
    io_read_pause(world->raw);
    zmtp_peer_marks(world->a.peer, 1000, 500);
    for (unsigned i = 0; i < 8; i++)
        zmtp_world_put_large(&world->a, 1000000);
    size_t unsent = zmtp_peer_unsent(world->a.peer);
    assert_true(unsent > 1000000);
    zmtp_world_hang_up(world);
    zmtp_world_wait(world, 1000);
    assert_int_equal(world->a.closed, 1);
    assert_int_equal(world->a.end.why, ZMTP_LOST);
    assert_true(world->a.end.unsent > 0);
}

static void
drained_at_the_low_mark(void **state)
{
    struct zmtp_world *world = *state;
    zmtp_world_meet(world, false);
    zmtp_world_forget(world);
    world->a.counts_only = true;
    zmtp_peer_marks(world->b.peer, 1000, 500);
    zmtp_world_put_large(&world->b, 900000);
    zmtp_world_wait(world, 2000);
    zmtp_world_expect(world, "b drained\n");
    assert_int_equal(world->a.messages, 1);
}

static void
pause_and_resume(void **state)
{
    struct zmtp_world *world = *state;
    zmtp_world_raw_ready(world, 1, "PUSH");
    zmtp_peer_pause(world->a.peer);
    zmtp_world_say(world, "00 01 [x]");
    zmtp_world_expect(world, "");
    zmtp_peer_resume(world->a.peer);
    zmtp_world_run(world);
    zmtp_world_expect(world, "a < x\n");
}

/* ---- the end ---------------------------------------------------------------------------------------------------- */

static void
close_lets_it_leave(void **state)
{
    struct zmtp_world *world = *state;
    zmtp_world_meet(world, false);
    zmtp_world_forget(world);
    struct zmtp_peer *peer = world->b.peer;
    assert_int_equal(zmtp_peer_put_copy(peer, view_of("\0\3bye", 5)), 0);
    zmtp_peer_close(peer);
    assert_int_equal(zmtp_peer_put_copy(peer, view_of("\0\3bye", 5)), -ERR_STATE);
    assert_null(zmtp_peer_room(peer, 1));
    zmtp_world_run(world);
    zmtp_world_expect(world, "a < bye\na closed: connection lost: end of stream\nb closed: disconnected\n");
}

static void
nobody_there(void **state)
{
    struct zmtp_world *world = *state;
    struct io_address address;
    assert_int_equal(io_address_parse("tcp://a:1", 0, &address), 0);
    assert_int_equal(zmtp_peer_connect(world->b.io, &address, view_of(NULL, 0), &world->b.side, &world->b.on, &world->b,
                                       &world->b.peer),
                     0);
    zmtp_world_wait(world, 10000);
    zmtp_world_expect(world, "b closed: cannot connect: connection refused\n");
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(a_read_is_one_run),
        CASE(cut_at_every_byte),
        CASE(large_message_is_gathered_once),
        CASE(claims_cost_nothing),
        CASE(breaches_of_traffic),
        CASE(limits_are_met_exactly),
        CASE(ping_is_answered),
        CASE(own_ping_has_a_number),
        CASE(flood_of_pings_is_bounded),
        CASE(subscriptions_as_commands_and_messages),
        CASE(first_byte_means_nothing_to_others),
        CASE(room_is_written_in_place),
        CASE(large_runs_go_by_reference),
        CASE(loss_is_told),
        CASE(drained_at_the_low_mark),
        CASE(pause_and_resume),
        CASE(close_lets_it_leave),
        CASE(nobody_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
