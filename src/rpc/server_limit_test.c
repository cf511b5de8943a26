/* rpc/server_limit_test.c - limits, slow readers, silence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/must.h"
#include "rpc/server_core.h"
#include "rpc/server_script.h"

#define LATER_CALL(xid) CALL(xid, "00000004") "00000001"

/* ---- limits ---------------------------------------------------------------------------------------------------- */

static void
a_connection_is_not_read_from_while_too_much_of_it_is_under_way(void **state)
{
    struct server_rig *rig = rig_open();
    (void)state;
    rig_set(rig, TAMBO_RPC_SERVER_CONNECTION_REQUESTS_MAX, 4);
    rig_connect(rig, 0);
    rig_connect(rig, 1);
    for (unsigned i = 0; i < 20; i++)
        rig_put(rig, 0, LATER_CALL("00000001"));
    rig_run(rig, 50);
    assert_int_equal(rig->later_count, 4);
    /* Others are served. */
    rig_say(rig, 1, CALL("00000002", "00000002") "00000001 00000002");
    assert_string_equal(rig_heard(rig, 1), OK("00000002") " 00000003\n");
    rig_answer(rig);
    rig_run(rig, 50);
    assert_int_equal(rig->later_count, 3);
    rig_answer(rig);
    rig_run(rig, 50);
    assert_int_equal(rig->later_count, 4);
    while (rig->later_count > 0) {
        rig_answer(rig);
        rig_run(rig, 50);
        assert_true(rig->later_count <= 4);
    }
    assert_int_equal(rig->executed, 21);
    rig_close(rig);
}

static void
one_request_a_connection_is_a_limit_too(void **state)
{
    struct server_rig *rig = rig_open();
    (void)state;
    rig_set(rig, TAMBO_RPC_SERVER_CONNECTION_REQUESTS_MAX, 1);
    rig_connect(rig, 0);
    for (unsigned i = 0; i < 3; i++)
        rig_put(rig, 0, LATER_CALL("00000001"));
    rig_run(rig, 50);
    for (unsigned i = 1; i <= 3; i++) {
        assert_int_equal(rig->later_count, 1);
        assert_int_equal(rig->executed, i);
        rig_answer(rig);
        rig_run(rig, 50);
    }
    rig_close(rig);
}

static void
more_requests_than_the_server_takes_are_overloaded(void **state)
{
    (void)state;
    for (unsigned udp = 0; udp < 2; udp++) {
        struct server_rig *rig = rig_open();
        rig_set(rig, TAMBO_RPC_SERVER_REQUESTS_MAX, 2);
        if (udp)
            rig_bind(rig, 0);
        else
            rig_connect(rig, 0);
        rig_say(rig, 0, LATER_CALL("00000001"));
        rig_say(rig, 0, LATER_CALL("00000002"));
        rig_say(rig, 0, LATER_CALL("00000003"));
        assert_string_equal(rig_heard(rig, 0), OVERLOADED("00000003") "\n");
        rig_say(rig, 0, CALL("00000004", "00000000"));
        assert_string_equal(rig_heard(rig, 0), OK("00000004") "\n");
        rig_answer(rig);
        rig_say(rig, 0, LATER_CALL("00000003"));
        assert_string_equal(rig_heard(rig, 0), OK("00000001") " 0000002a\n");
        assert_int_equal(rig->later_count, 2);
        rig_answer_all(rig);
        rig_close(rig);
    }
}

static void
more_connections_than_the_server_takes_are_closed(void **state)
{
    struct server_rig *rig = rig_open();
    (void)state;
    rig_set(rig, TAMBO_RPC_SERVER_CONNECTIONS_MAX, 2);
    for (unsigned i = 0; i < 3; i++)
        rig_connect(rig, i);
    rig_run(rig, 50);
    assert_false(rig->raws[0].is_ended || rig->raws[1].is_ended);
    assert_true(rig->raws[2].is_ended);
    rig_cut(rig, 0);
    rig_connect(rig, 2);
    rig_say(rig, 2, CALL("00000001", "00000000"));
    assert_string_equal(rig_heard(rig, 2), OK("00000001") "\n");
    rig_close(rig);
}

static void
a_reply_that_is_too_large_is_our_failure(void **state)
{
    struct server_rig *rig = rig_open();
    (void)state;
    rig_set(rig, TAMBO_RPC_SERVER_REPLY_BYTES_MAX, 1024);
    rig_connect(rig, 0);
    rig_say(rig, 0, CALL("00000001", "00000006") "000003e4"); /* 996 + 28 */
    assert_int_equal(rig->raws[0].got_bytes, 1024 + 4);
    rig_heard(rig, 0);
    rig_say(rig, 0, CALL("00000001", "00000006") "000003e5");
    assert_string_equal(rig_heard(rig, 0), ACCEPTED("00000001") " 00000005\n");
    rig_set(rig, TAMBO_RPC_SERVER_REPLY_BYTES_MAX, 1 << 24);
    rig_bind(rig, 1);
    rig_say(rig, 1, CALL("00000001", "00000006") "0000ffc4"); /* 65476 + 28 */
    assert_int_equal(rig->raws[1].got_bytes, 65504 + 4);
    rig_heard(rig, 1);
    rig_say(rig, 1, CALL("00000002", "00000006") "0000ffc8");
    assert_string_equal(rig_heard(rig, 1), ACCEPTED("00000002") " 00000005\n");
    rig_close(rig);
}

/* A list is three times as large in C: nothing against that. */
static void
arguments_may_grow_but_not_without_bound(void **state)
{
    enum { ITEMS = 4000 };
    static uint8_t call[8 * ITEMS + 64];
    struct server_rig *rig = rig_open();
    (void)state;
    size_t n = rig_bytes(CALL("00000001", "00000007"), call + 4, sizeof(call) - 4) + 4;
    struct pen pen = pen_of(call + n, sizeof(call) - n);
    for (unsigned i = 0; i < ITEMS; i++)
        put_u64(&pen, UINT64_C(1) << 32 | 1);
    put_u32(&pen, 0);
    n = (size_t)(pen.at - call);
    struct pen mark = pen_of(call, 4);
    put_u32(&mark, UINT32_C(0x80000000) | (uint32_t)(n - 4));
    rig_connect(rig, 0);
    rig_send(rig, 0, view_of(call, n));
    rig_run(rig, 50);
    assert_string_equal(rig_heard(rig, 0), OK("00000001") " 00000fa0\n");
    /* And what it took is not kept. */
    assert_int_equal(rig->server->spare_count, 0);
    rig_close(rig);
}

/* ---- slow readers ---------------------------------------------------------------------------------------------- */

/* The other end takes nothing: what waits to leave is bounded, and so is what is read; all comes when it reads. */
static void
who_does_not_read_is_not_read_from(void **state)
{
    enum { CALLS = 400, REPLY_BYTES = 8192 + 28 + 4 };
    struct server_rig *rig = rig_open();
    (void)state;
    rig_connect(rig, 0);
    io_read_pause(rig->raws[0].stream);
    for (unsigned i = 0; i < CALLS / 8; i++)
        rig_put(rig, 0, CALL("00000001", "00000006") "00002000");
    rig_run(rig, 200);
    for (unsigned i = 0; i < CALLS - CALLS / 8; i++)
        rig_put(rig, 0, CALL("00000001", "00000006") "00002000");
    rig_run(rig, 200);
    assert_true(rig->executed < CALLS / 2);
    assert_true(rig->server_mem.used_bytes < 1024 * 1024);
    rig->raws[0].is_counted_only = true;
    io_read_resume(rig->raws[0].stream);
    rig_run(rig, 5000);
    assert_int_equal(rig->executed, CALLS);
    assert_int_equal(rig->raws[0].got_bytes, CALLS * REPLY_BYTES);
    rig_close(rig);
}

/* The same for each other thing that a server says: what it refuses, NULL, receipts, HELLO, replays. */
static void
refusals_are_not_heaped_up_either(void **state)
{
    enum { ROUNDS = 120, TIMES = 400 };
    static const struct rig_extra receipt = {
        "00000001", 2, "00000001 00000002", ONCRPC_EXTRA_RECEIPT, 0, 'a', 0, 0, 0
    };
    static const struct rig_extra again = { "00000001", 2, "00000001 00000002", ONCRPC_EXTRA_ONCE, 0, 'a', 1, 0, 0 };
    static const char *const said[] = {
        CALL("00000001", "00000009"),
        CALL("00000001", "00000000"),
        "00000001 00000000 00000003",
        HEAD("00000001", OURS, "00000001", "00000005") NONE NONE,
    };
    (void)state;
    for (size_t kind = 0; kind < COUNT_OF(said) + 2; kind++) {
        struct server_rig *rig = rig_open();
        rig_connect(rig, 0);
        io_read_pause(rig->raws[0].stream);
        for (unsigned i = 0; i < ROUNDS; i++) {
            for (unsigned k = 0; k < TIMES; k++) {
                if (kind < COUNT_OF(said))
                    rig_put(rig, 0, said[kind]);
                else
                    rig_put_call(rig, 0, kind == COUNT_OF(said) ? &receipt : &again);
            }
            rig_run(rig, 20);
        }
        assert_true(rig->server_mem.used_bytes < 512 * 1024);
        rig_close(rig);
    }
}

/* ---- silence --------------------------------------------------------------------------------------------------- */

static void
silent_connections_are_closed_but_not_those_that_wait(void **state)
{
    struct server_rig *rig = rig_open();
    (void)state;
    rig_set(rig, TAMBO_RPC_SERVER_IDLE_MS, 1000);
    for (unsigned i = 0; i < 3; i++)
        rig_connect(rig, i);
    rig_say(rig, 1, LATER_CALL("00000001"));
    rig_run(rig, 600);
    rig_say(rig, 2, CALL("00000001", "00000000"));
    rig_run(rig, 600);
    assert_true(rig->raws[0].is_ended);
    assert_false(rig->raws[1].is_ended || rig->raws[2].is_ended);
    rig_run(rig, 600);
    assert_true(rig->raws[2].is_ended);
    rig_run(rig, 5000);
    assert_false(rig->raws[1].is_ended);
    rig_answer(rig);
    rig_run(rig, 2500);
    assert_true(rig->raws[1].is_ended);
    assert_int_equal(rig->server->peer_count, 0);
    rig_close(rig);
}

static void
silence_may_be_for_ever(void **state)
{
    struct server_rig *rig = rig_open();
    (void)state;
    rig_set(rig, TAMBO_RPC_SERVER_IDLE_MS, 0);
    rig_connect(rig, 0);
    rig_run(rig, 3600 * 1000);
    assert_false(rig->raws[0].is_ended);
    rig_close(rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_is_not_read_from_while_too_much_of_it_is_under_way),
        cmocka_unit_test(one_request_a_connection_is_a_limit_too),
        cmocka_unit_test(more_requests_than_the_server_takes_are_overloaded),
        cmocka_unit_test(more_connections_than_the_server_takes_are_closed),
        cmocka_unit_test(a_reply_that_is_too_large_is_our_failure),
        cmocka_unit_test(arguments_may_grow_but_not_without_bound),
        cmocka_unit_test(who_does_not_read_is_not_read_from),
        cmocka_unit_test(refusals_are_not_heaped_up_either),
        cmocka_unit_test(silent_connections_are_closed_but_not_those_that_wait),
        cmocka_unit_test(silence_may_be_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
