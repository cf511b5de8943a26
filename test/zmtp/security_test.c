/* PLAIN and CURVE: conversations in the simulator. */
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

static void
serves_with_each_mechanism(void **state)
{
    struct zmtp_world *world = *state;
    world->a.on.pattern = zmtp_world_serves;
    world->a.serves = ZMTP_PULL;
    world->a.side.pattern = ZMTP_PUB;
    world->a.side.mechanism = world->b.side.mechanism = ZMTP_PLAIN;
    zmtp_world_meet(world, false);
    zmtp_world_expect(world, "b connected\na admits? ana secret\na serves? PUSH jobs/new\n"
                             "a ready: PUSH .1 resource=jobs/new\nb ready: PULL .1\n");
    zmtp_peer_abort(world->b.peer);
    zmtp_world_run(world);
    zmtp_world_forget(world);
    zmtp_world_curve(world);
    zmtp_world_meet(world, false);
    zmtp_world_expect(world, "b connected\na admits? a key \na serves? PUSH jobs/new\n"
                             "a ready: PUSH .1 resource=jobs/new\nb ready: PULL .1\n");
}

/* ---- PLAIN ------------------------------------------------------------------------------------------------------ */

static void
plain_from_both_sides(void **state)
{
    struct zmtp_world *world = *state;
    world->a.side.mechanism = world->b.side.mechanism = ZMTP_PLAIN;
    zmtp_world_meet(world, false);
    zmtp_world_expect(world, "b connected\na admits? ana secret\na ready: PUSH .1 resource=jobs/new\n"
                             "b ready: PULL .1\n");
    zmtp_world_put(&world->b, "hi");
    zmtp_world_expect(world, "a < hi\n");
}

static void
plain_denies(void **state)
{
    struct zmtp_world *world = *state;
    world->a.side.mechanism = world->b.side.mechanism = ZMTP_PLAIN;
    world->a.denies = true;
    zmtp_world_meet(world, false);
    zmtp_world_expect(world, "b connected\na admits? ana secret\nb closed: refused by the peer: 400\n"
                             "a closed: the peer was denied: user name or password is not accepted [24/3]\n");
}

/* libzmq's PLAIN up to 4.3.5 misspells ERROR. */
static void
plain_understands_libzmq(void **state)
{
    struct zmtp_world *world = *state;
    world->a.side.mechanism = ZMTP_PLAIN;
    world->a.side.as_server = false;
    zmtp_world_raw(world);
    zmtp_world_greet(world, 1, "PLAIN", 64);
    zmtp_world_expect(world, "> version 3\n> .1 PLAIN server=0\n> HELLO \\03ana\\06secret\n");
    zmtp_world_say(world, "04 09 [^RROR] 03 [400]");
    zmtp_world_expect(world, "a closed: refused by the peer: 400\n");
}

static void
breaches_of_plain(void **state)
{
    static const char *const rows[][2] = {
        {"04 08 05 [HELLO] 01 [u]",                     "a HELLO that is not just user name and password [24/3]"  },
        { "04 06 05 [READY]",                           "a command that the handshake does not await now [37/3.2]"},
        { "04 08 05 [HELLO] 00 00 04 09 08 [INITIATE]", "no socket type is told [37/3.9.1]"                       },
    };
    struct zmtp_world *world = *state;
    world->a.side.mechanism = ZMTP_PLAIN;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        zmtp_world_raw(world);
        zmtp_world_greet(world, 1, "PLAIN", 64);
        zmtp_world_say(world, rows[i][0]);
        zmtp_world_expect_breach(world, rows[i][1]);
    }
}

/* ---- CURVE ------------------------------------------------------------------------------------------------------ */

static void
curve_from_both_sides(void **state)
{
    struct zmtp_world *world = *state;
    zmtp_world_curve(world);
    world->a.side.pattern = ZMTP_XPUB;
    world->b.side.pattern = ZMTP_XSUB;
    zmtp_world_meet(world, false);
    zmtp_world_expect(world, "b connected\na admits? a key \na ready: XSUB .1 resource=jobs/new\nb ready: XPUB .1\n");
    zmtp_world_put(&world->b, "hi+there+");
    zmtp_world_put(&world->a, "yes");
    zmtp_peer_subscribe(world->b.peer, view_str("news"), true);
    zmtp_peer_ping(world->b.peer, 7);
    zmtp_world_run(world);
    zmtp_world_expect(world, "a < hi+there+\nb < yes\na subscribed news\nb ponged 7\n");
    assert_null(zmtp_peer_room(world->b.peer, 10));
    assert_int_equal(zmtp_world_put_large(&world->b, 300), 0);
    assert_int_equal(zmtp_world_put_large(&world->b, 500000), 0);
    zmtp_world_wait(world, 1000);
    zmtp_world_expect(world, "a < <300 bytes>\na < <500000 bytes>\n");
}

static void
curve_denies_a_key(void **state)
{
    struct zmtp_world *world = *state;
    zmtp_world_curve(world);
    world->a.denies = true;
    zmtp_world_meet(world, false);
    zmtp_world_expect(world, "b connected\na admits? a key \nb closed: refused by the peer: 400\n"
                             "a closed: the peer was denied: the client's key is not accepted [26/2.7.3]\n");
}

static void
curve_denies_false_proofs(void **state)
{
    struct zmtp_world *world = *state;
    zmtp_world_curve(world);
    world->b.side.server_key[5] ^= 1;
    zmtp_world_meet(world, false);
    zmtp_world_expect(world, "b connected\nb closed: refused by the peer: 400\n"
                             "a closed: the peer was denied: a HELLO that was not made with our public key "
                             "[26/2.7.1]\n");
    world->b.side.server_key[5] ^= 1;
    world->b.side.public_key[5] ^= 1; /* not the one that goes with its secret key */
    zmtp_world_meet(world, false);
    zmtp_world_expect(world, "b connected\nb closed: refused by the peer: 400\n"
                             "a closed: the peer was denied: the vouch does not prove the client's key "
                             "[26/2.7.3]\n");
}

/* Whatever is changed on the way after the greeting is noticed: nobody gets to be ready with it. */
static void
curve_notices_every_change(void **state)
{
    enum { HELLO = 64 + 2 + 6, WELCOME = 64 + 2 + 8, INITIATE = 64 + 202 + 9 + 9 };
    static const struct {
        unsigned from;
        size_t at;
        const char *why;
    } rows[] = {
        {1,  HELLO + 2 + 72 + 3,         "a HELLO that was not made with our public key [26/2.7.1]"           },
        { 1, HELLO + 120,                "a HELLO that was not made with our public key [26/2.7.1]"           },
        { 1, HELLO + 20,                 "the padding of a HELLO is not zeros [26/2.7.1]"                     },
        { 0, WELCOME + 5,                "a WELCOME that was not made with the server's secret key [26/2.7.2]"},
        { 0, WELCOME + 100,              "a WELCOME that was not made with the server's secret key [26/2.7.2]"},
        { 1, INITIATE + 10,              "another cookie than WELCOME brought [26/2.7.3]"                     },
        { 1, INITIATE + 96 + 4,          "an INITIATE that does not open [26/2.7.3]"                          },
        { 1, INITIATE + 96 + 8 + 90,     "an INITIATE that does not open [26/2.7.3]"                          },
        { 0, WELCOME + 160 + 2 + 6 + 20, "a READY that does not open [26/2.7.4]"                              },
    };
    struct zmtp_world *world = *state;
    zmtp_world_curve(world);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        world->flip[rows[i].from] = rows[i].at;
        world->flip[!rows[i].from] = SIZE_MAX;
        zmtp_world_meet(world, true);
        if (strstr(world->text, rows[i].why) == NULL)
            fail_msg("row %zu: %s", i, world->text);
        assert_null(strstr(world->text, "b ready"));
        zmtp_world_wait(world, 10000);
        assert_null(world->a.peer);
        assert_null(world->b.peer);
        zmtp_world_forget(world);
    }
}

/* And later: each message is sealed with a nonce of its own. */
static void
curve_notices_changes_of_traffic(void **state)
{
    enum { HEAD = 2, NAME = 8, NONCE = 8 };
    static const struct {
        size_t at; /* within a message's frame; SIZE_MAX: it comes twice */
        const char *why;
    } rows[] = {
        {SIZE_MAX,                  "a nonce that is not larger than the one before [26/2.6]"},
        { HEAD + 3,                 "traffic that is not in a MESSAGE [26/2.7.5]"            },
        { HEAD + NAME + 7,          "a MESSAGE that does not open [26/2.7.5]"                },
        { HEAD + NAME + NONCE,      "a MESSAGE that does not open [26/2.7.5]"                },
        { HEAD + NAME + NONCE + 16, "a MESSAGE that does not open [26/2.7.5]"                },
        { HEAD + NAME + NONCE + 18, "a MESSAGE that does not open [26/2.7.5]"                },
    };
    struct zmtp_world *world = *state;
    zmtp_world_curve(world);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        world->flip[1] = SIZE_MAX;
        world->repeats = false;
        zmtp_world_meet(world, true);
        zmtp_world_put(&world->b, "one");
        assert_non_null(strstr(world->text, "a < one\n"));
        zmtp_world_forget(world);
        world->repeats = rows[i].at == SIZE_MAX;
        world->flip[1] = rows[i].at == SIZE_MAX ? SIZE_MAX : world->passed[1] + rows[i].at;
        zmtp_world_put(&world->b, "two");
        if (strstr(world->text, rows[i].why) == NULL)
            fail_msg("row %zu: %s", i, world->text);
        assert_true((strstr(world->text, "a < two\n") != NULL) == world->repeats);
        zmtp_world_wait(world, 2000);
        zmtp_world_forget(world);
    }
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(serves_with_each_mechanism),
        CASE(plain_from_both_sides),
        CASE(plain_denies),
        CASE(plain_understands_libzmq),
        CASE(breaches_of_plain),
        CASE(curve_from_both_sides),
        CASE(curve_denies_a_key),
        CASE(curve_denies_false_proofs),
        CASE(curve_notices_every_change),
        CASE(curve_notices_changes_of_traffic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
