/* What rpc/link.h promises, over every road. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/must.h"
#include "rpc/link_rig.h"

#define EACH_ROAD(road) for (unsigned road = 0; road < RIG_ROADS; road++)
/* Where nothing is lost. */
#define EACH_STREAM(road) for (unsigned road = 0; road < RIG_UDP; road++)

/* ---- there and back --------------------------------------------------------------------------------------------- */

static void
messages_go_both_ways(void **state)
{
    (void)state;
    EACH_ROAD(road)
    {
        struct rig rig;
        rig_open(&rig);
        rig_meet(&rig, road);
        rig.servers[0].echoes = true;
        assert_int_equal(rpc_link_is_datagram(rig.client.link), road == RIG_UDP);
        assert_int_equal(rig_say(&rig.client, "hello"), 0);
        assert_int_equal(rig.servers[0].messages, 0); /* never inside the call */
        rig_run(&rig, 10);
        assert_string_equal(rig.servers[0].heard, "hello,");
        assert_string_equal(rig.client.heard, "hello,");
        assert_int_equal(rig.servers[0].has_from, road == RIG_UDP);
        assert_false(rig.client.has_from);
        rig_close(&rig);
    }
}

/* Through what is encoded in place, what outgrows its place, and what was encoded before; of growing and shrinking
 * sizes, which the guess follows. */
static void
messages_of_every_size(void **state)
{
    static const size_t sizes[] = { 0, 4, 252, 256, 260, 1020, 1024, 5000, 16384, 65507, 4, 70000, 300000, 8 };
    (void)state;
    EACH_ROAD(road)
    {
        struct rig rig;
        size_t bytes = 0;
        rig_open(&rig);
        rig_meet(&rig, road);
        rig.servers[0].echoes = true;
        for (unsigned i = 0; i < COUNT_OF(sizes); i++) {
            int rc = rig_write(&rig.client, sizes[i], RIG_MESSAGE_BYTES_MAX);
            assert_int_equal(rc, road == RIG_UDP && sizes[i] > IO_DATAGRAM_BYTES_MAX ? -ERR_TOO_LARGE : 0);
            bytes += rc == 0 ? sizes[i] : 0;
            rig_run(&rig, 50);
            assert_int_equal(rig.client.bytes, bytes);
        }
        rig_close(&rig);
    }
}

static void
many_in_order(void **state)
{
    (void)state;
    EACH_STREAM(road)
    {
        struct rig rig;
        char want[512] = "";
        rig_open(&rig);
        rig_meet(&rig, road);
        for (unsigned i = 0; i < 100; i++) {
            char text[8];
            snprintf(text, sizeof(text), "%u", i);
            assert_int_equal(rig_say(&rig.client, text), 0);
            snprintf(want + strlen(want), sizeof(want) - strlen(want), "%u,", i);
        }
        rig_run(&rig, 50);
        assert_string_equal(rig.servers[0].heard, want);
        rig_close(&rig);
    }
}

static void
what_is_too_large_or_dropped_leaves_nothing(void **state)
{
    (void)state;
    EACH_ROAD(road)
    {
        struct rig rig;
        rig_open(&rig);
        rig_meet(&rig, road);
        assert_int_equal(rig_write(&rig.client, 101, 100), -ERR_TOO_LARGE);
        assert_int_equal(rig_write(&rig.client, 3001, 3000), -ERR_TOO_LARGE);
        assert_non_null(rpc_link_begin(rig.client.link, 100));
        rpc_link_drop(rig.client.link);
        rig_run(&rig, 50);
        assert_int_equal(rig.servers[0].messages, 0);
        assert_int_equal(rig_write(&rig.client, 100, 100), 0);
        assert_int_equal(rig_write(&rig.client, 3000, 3000), 0);
        rig_run(&rig, 50);
        assert_int_equal(rig.servers[0].messages, 2);
        assert_int_equal(rig.servers[0].bytes, 3100);
        rig_close(&rig);
    }
}

static void
one_door_many_links(void **state)
{
    (void)state;
    EACH_ROAD(road)
    {
        struct rig rig;
        struct rpc_link *first;
        char one[64], other[64];
        rig_open(&rig);
        rig_meet(&rig, road);
        first = rig.client.link;
        assert_int_equal(rig_connect(&rig, road), 0);
        rig_run(&rig, 50);
        assert_int_equal(rig.came, road == RIG_UDP ? 1 : 2); /* datagrams: one for all */
        rpc_link_peer(first, NULL, one, sizeof(one));
        rpc_link_peer(rig.servers[0].link, NULL, other, sizeof(other));
        assert_true(strlen(one) > 0 && (strlen(other) > 0 || road == RIG_UDP));
        assert_int_equal(rig_say(&rig.client, "x"), 0);
        rig_run(&rig, 50);
        assert_int_equal(rig.servers[road == RIG_UDP ? 0 : 1].messages, 1);
        rpc_link_close(first);
        rig_close(&rig);
    }
}

/* ---- meeting ---------------------------------------------------------------------------------------------------- */

static void
nobody_is_there(void **state)
{
    (void)state;
    EACH_STREAM(road)
    {
        struct rig rig;
        rig_open(&rig);
        assert_int_equal(rig_connect(&rig, road), 0);
        assert_int_equal(rig.client.opened, 0);
        assert_null(rpc_link_begin(rig.client.link, 100));
        assert_int_equal(rig_say(&rig.client, "x"), -ERR_STATE);
        rig_run(&rig, 100);
        assert_int_equal(rig.client.opened, 1);
        assert_true(rig.client.opened_rc < 0);
        assert_int_equal(rig.client.ended, 0);
        rig_leave(&rig.client);
        rig_run(&rig, 10);
        assert_int_equal(rpc_world_count(rig.a.world) + rpc_world_count(rig.b.world), 0);
        rig_close(&rig);
    }
}

static void
a_datagram_to_nobody_is_refused(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig);
    assert_int_equal(rig_connect(&rig, RIG_UDP), 0);
    rig_run(&rig, 10);
    assert_int_equal(rig.client.opened, 1);
    assert_int_equal(rig_say(&rig.client, "x"), 0);
    rig_run(&rig, 10);
    assert_int_equal(rig.client.ended, 1);
    assert_int_equal(rig.client.ended_rc, -ERR_REFUSED);
    rig_close(&rig);
}

static void
a_link_that_nobody_takes_is_closed(void **state)
{
    (void)state;
    EACH_STREAM(road)
    {
        struct rig rig;
        rig_open(&rig);
        rig.refuses = true;
        assert_int_equal(rig_listen(&rig, road), 0);
        assert_int_equal(rig_connect(&rig, road), 0);
        rig_run(&rig, 100);
        assert_int_equal(rig.client.opened, 1);
        assert_true(rig.client.opened_rc < 0 || rig.client.ended == 1);
        rig_leave(&rig.client);
        rpc_door_close(rig.door);
        rig_run(&rig, 2000);
        assert_int_equal(rpc_world_count(rig.a.world) + rpc_world_count(rig.b.world), 0);
        rig_close(&rig);
    }
}

static void
two_doors_at_one_place(void **state)
{
    (void)state;
    EACH_ROAD(road)
    {
        struct rig rig;
        rig_open(&rig);
        assert_int_equal(rig_listen(&rig, road), 0);
        struct rpc_door *first = rig.door;
        assert_int_equal(rig_listen(&rig, road), -ERR_ADDRESS_IN_USE);
        rpc_door_close(first);
        rig_run(&rig, 10);
        assert_int_equal(rig_listen(&rig, road), 0);
        rig_close(&rig);
    }
}

static void
a_door_tells_its_port(void **state)
{
    (void)state;
    for (unsigned road = 0; road < RIG_ROADS; road++) {
        struct rig rig;
        struct rpc_address address;
        rig_open(&rig);
        assert_int_equal(rig_listen(&rig, road), 0);
        rpc_door_address(rig.door, &address);
        assert_int_equal(address.at.port, rig_roads[road].is_local ? 0 : 5000);
        rig_close(&rig);
    }
}

/* ---- flow ------------------------------------------------------------------------------------------------------- */

static void
a_paused_link_tells_nothing(void **state)
{
    (void)state;
    EACH_STREAM(road)
    {
        struct rig rig;
        struct rig_end *server = &rig.servers[0];
        rig_open(&rig);
        rig_meet(&rig, road);
        server->at_message = RIG_PAUSES;
        for (unsigned i = 0; i < 5; i++)
            assert_int_equal(rig_say(&rig.client, "x"), 0);
        for (unsigned i = 1; i <= 5; i++) {
            rig_run(&rig, 50);
            assert_int_equal(server->messages, i);
            rpc_link_resume(server->link);
            assert_int_equal(server->messages, i);
        }
        server->at_message = RIG_STAYS;
        assert_int_equal(rig_say(&rig.client, "y"), 0);
        rig_run(&rig, 50);
        assert_string_equal(server->heard, "x,x,x,x,x,y,");
        rig_close(&rig);
    }
}

/* What has come before its peer's end is told first, though the owner was not ready for it. */
static void
the_end_comes_last(void **state)
{
    (void)state;
    EACH_STREAM(road)
    {
        struct rig rig;
        struct rig_end *server = &rig.servers[0];
        rig_open(&rig);
        rig_meet(&rig, road);
        server->at_message = RIG_PAUSES;
        for (unsigned i = 0; i < 3; i++)
            assert_int_equal(rig_say(&rig.client, "x"), 0);
        rig_leave(&rig.client);
        for (unsigned i = 1; i <= 3; i++) {
            rig_run(&rig, 50);
            assert_int_equal(server->messages, i);
            assert_true(server->ended == 0 || i == 3);
            rpc_link_resume(server->link);
        }
        rig_run(&rig, 50);
        assert_int_equal(server->ended, 1);
        assert_int_equal(server->ended_rc, -ERR_EOF);
        rig_close(&rig);
    }
}

static void
who_puts_too_much_is_told_when_it_has_left(void **state)
{
    (void)state;
    EACH_STREAM(road)
    {
        struct rig rig;
        rig_open(&rig);
        rig_meet(&rig, road);
        rpc_link_pause(rig.servers[0].link);
        for (unsigned i = 0; i < 10; i++)
            assert_int_equal(rig_write(&rig.client, 100000, RIG_MESSAGE_BYTES_MAX), 0);
        rig_run(&rig, 100);
        assert_true(rpc_link_unsent(rig.client.link) > 500000);
        assert_int_equal(rig.client.drained, 0);
        rpc_link_resume(rig.servers[0].link);
        rig_run(&rig, 100);
        assert_int_equal(rpc_link_unsent(rig.client.link), 0);
        assert_int_equal(rig.client.drained, 1);
        assert_int_equal(rig.servers[0].bytes, 1000000);
        rig_close(&rig);
    }
}

/* ---- parting ---------------------------------------------------------------------------------------------------- */

static void
what_was_put_leaves_before_a_close(void **state)
{
    (void)state;
    EACH_ROAD(road)
    {
        struct rig rig;
        rig_open(&rig);
        rig_meet(&rig, road);
        assert_int_equal(rig_say(&rig.client, "last"), 0);
        rig_leave(&rig.client);
        rig_run(&rig, 100);
        assert_string_equal(rig.servers[0].heard, "last,");
        assert_int_equal(rig.servers[0].ended, road != RIG_UDP);
        assert_int_equal(rig.servers[0].ended_rc, road != RIG_UDP ? -ERR_EOF : 0);
        rig_close(&rig);
    }
}

static void
what_was_put_is_gone_with_an_abort(void **state)
{
    (void)state;
    EACH_STREAM(road)
    {
        struct rig rig;
        rig_open(&rig);
        rig_meet(&rig, road);
        assert_int_equal(rig_say(&rig.client, "last"), 0);
        rpc_link_abort(rig.client.link);
        rig_run(&rig, 100);
        assert_int_equal(rig.servers[0].messages, 0);
        assert_int_equal(rig.servers[0].ended, 1);
        assert_int_equal(rig.servers[0].ended_rc, -ERR_RESET);
        rig_close(&rig);
    }
}

static void
nothing_is_told_after_the_end(void **state)
{
    (void)state;
    EACH_STREAM(road)
    {
        struct rig rig;
        rig_open(&rig);
        rig_meet(&rig, road);
        rig_leave(&rig.servers[0]);
        rig_run(&rig, 100);
        assert_int_equal(rig.client.ended, 1);
        (void)rig_say(&rig.client, "into the void");
        rig_run(&rig, 2000);
        assert_int_equal(rig.client.ended, 1);
        assert_int_equal(rig.servers[0].messages, 0);
        rig_leave(&rig.client);
        rig_close(&rig);
    }
}

/* However an end is left, in whichever of its callbacks, the world is empty afterwards, and says so. */
static void
an_end_may_be_left_anywhere(void **state)
{
    enum { AT_CAME, AT_OPENED, AT_MESSAGE_CLOSE, AT_MESSAGE_ABORT, AT_ENDED, PLACES };
    (void)state;
    for (unsigned i = 0; i < RIG_ROADS * PLACES; i++) {
        struct rig rig;
        struct rig_end *server = &rig.servers[0];
        unsigned road = i / PLACES, place = i % PLACES;
        rig_open(&rig);
        rig.closes_at_came = place == AT_CAME;
        rig.client.closes_at_opened = place == AT_OPENED;
        rig.client.closes_at_ended = server->closes_at_ended = true;
        server->at_message = place == AT_MESSAGE_CLOSE   ? RIG_CLOSES
                             : place == AT_MESSAGE_ABORT ? RIG_ABORTS
                                                         : RIG_STAYS;
        server->echoes = true;
        assert_int_equal(rig_listen(&rig, road), 0);
        assert_int_equal(rig_connect(&rig, road), 0);
        rig_run(&rig, 50);
        for (unsigned n = 0; n < 3 && rig.client.link != NULL; n++)
            (void)rig_say(&rig.client, "x");
        rig_run(&rig, 50);
        assert_true(place != AT_MESSAGE_CLOSE || server->messages == 1);
        rig_leave(&rig.client);
        rig_run(&rig, 50);
        rig_leave(server);
        rpc_door_close(rig.door);
        rig_run(&rig, 3000);
        assert_int_equal(rpc_world_count(rig.a.world), 0);
        assert_int_equal(rpc_world_count(rig.b.world), 0);
        assert_int_equal(rig.a.idles, 1);
        assert_int_equal(rig.b.idles, !rig_roads[road].is_local);
        rig_close(&rig);
    }
}

static void
programs_die_with_their_links(void **state)
{
    (void)state;
    for (unsigned i = 0; i < RIG_ROADS * 40; i++) {
        struct rig rig;
        unsigned road = i / 40;
        rig_open(&rig);
        rig.servers[0].echoes = true;
        assert_int_equal(rig_listen(&rig, road), 0);
        assert_int_equal(rig_connect(&rig, road), 0);
        sim_run_for(rig.sim, i % 40 * 50 * SIM_NS_A_US);
        if (rig.client.opened == 1)
            (void)rig_say(&rig.client, "x");
        sim_run_for(rig.sim, i % 7 * 50 * SIM_NS_A_US);
        sim_kill(rig.a.machine);
        rig_run(&rig, 100);
        sim_kill(rig.b.machine);
        rig_close(&rig);
    }
}

/* ---- what peers do ---------------------------------------------------------------------------------------------- */

static void
on_raw_opened(void *arg, int rc)
{
    (void)arg;
    assert_int_equal(rc, 0);
}

static void
on_raw_read(void *arg, struct view bytes)
{
    (void)arg;
    (void)bytes;
}

static void
on_raw_ended(void *arg, int rc)
{
    (void)arg;
    (void)rc;
}

/* A record that claims more than is allowed ends the link; the memory of the world shows that none was taken. */
static void
claims_end_the_link(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        int rc;
    } rows[] = {
        {"\xff\xff\xff\xff",                                                                   4,  -ERR_TOO_LARGE},
        { "\x7f\xff\xff\xff",                                                                  4,  -ERR_TOO_LARGE},
        { "\x80\x00\x00\x01x\x80\x20\x00\x00",                                                 9,  -ERR_TOO_LARGE},
        { "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
          "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 68, -ERR_PROTOCOL },
    };
    static const struct io_stream_on on = { .opened = on_raw_opened, .read = on_raw_read, .ended = on_raw_ended };
    const struct io_address a = { .kind = IO_TCP, .host = "a", .port = 5000 };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct rig rig;
        struct io_stream *stream;
        rig_open(&rig);
        assert_int_equal(rig_listen(&rig, RIG_TCP), 0);
        assert_int_equal(io_connect(rpc_world_io(rig.b.world), &a, &on, NULL, &stream), 0);
        rig_run(&rig, 50);
        size_t before = rig.a.mem.peak_bytes;
        assert_int_equal(io_put(stream, view_of(rows[i].bytes, rows[i].len)), 0);
        rig_run(&rig, 50);
        assert_int_equal(rig.servers[0].ended, 1);
        assert_int_equal(rig.servers[0].ended_rc, rows[i].rc);
        assert_true(rig.a.mem.peak_bytes <= before + 4096);
        rpc_link_resume(rig.servers[0].link); /* which reads no more */
        assert_int_equal(io_put(stream, view_str("\x80\0\0\1x")), 0);
        rig_run(&rig, 50);
        assert_int_equal(rig.servers[0].ended, 1);
        rig_close(&rig);
    }
}

/* ---- memory ----------------------------------------------------------------------------------------------------- */

/* One conversation, with the n-th allocation failing on either side: whatever comes of it, nothing is lost or broken
 * beyond it. */
static void
without_memory_nothing_breaks(void **state)
{
    (void)state;
    EACH_ROAD(road)
    {
        bool was_hit = true;
        for (uint64_t n = 1; was_hit; n++) {
            struct rig rig;
            rig_open(&rig);
            rig.a.mem.fail_at = rig.a.mem.calls + n;
            rig.b.mem.fail_at = rig.b.mem.calls + n;
            rig.client.closes_at_ended = rig.servers[0].closes_at_ended = true;
            bool listens = rig_listen(&rig, road) == 0;
            bool calls = rig_connect(&rig, road) == 0;
            rig_run(&rig, 50);
            if (calls && rig.client.link != NULL && rig.client.opened == 1 && rig.client.opened_rc == 0) {
                (void)rig_say(&rig.client, "hello");
                (void)rig_write(&rig.client, 5000, RIG_MESSAGE_BYTES_MAX);
            }
            rig_run(&rig, 50);
            if (calls)
                rig_leave(&rig.client);
            rig_leave(&rig.servers[0]);
            if (listens)
                rpc_door_close(rig.door);
            rig_run(&rig, 3000);
            was_hit = rig.a.mem.calls >= rig.a.mem.fail_at || rig.b.mem.calls >= rig.b.mem.fail_at;
            rig.a.mem.fail_at = rig.b.mem.fail_at = 0;
            assert_int_equal(rpc_world_count(rig.a.world) + rpc_world_count(rig.b.world), 0);
            rig_close(&rig);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_go_both_ways),
        cmocka_unit_test(messages_of_every_size),
        cmocka_unit_test(many_in_order),
        cmocka_unit_test(what_is_too_large_or_dropped_leaves_nothing),
        cmocka_unit_test(one_door_many_links),
        cmocka_unit_test(nobody_is_there),
        cmocka_unit_test(a_datagram_to_nobody_is_refused),
        cmocka_unit_test(a_link_that_nobody_takes_is_closed),
        cmocka_unit_test(two_doors_at_one_place),
        cmocka_unit_test(a_door_tells_its_port),
        cmocka_unit_test(a_paused_link_tells_nothing),
        cmocka_unit_test(the_end_comes_last),
        cmocka_unit_test(who_puts_too_much_is_told_when_it_has_left),
        cmocka_unit_test(what_was_put_leaves_before_a_close),
        cmocka_unit_test(what_was_put_is_gone_with_an_abort),
        cmocka_unit_test(nothing_is_told_after_the_end),
        cmocka_unit_test(an_end_may_be_left_anywhere),
        cmocka_unit_test(programs_die_with_their_links),
        cmocka_unit_test(claims_end_the_link),
        cmocka_unit_test(without_memory_nothing_breaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
