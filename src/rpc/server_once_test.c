/* rpc/server_once_test.c - calls that come again: executed once, answered as often as they come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rpc/server_core.h"
#include "rpc/server_script.h"

enum { ONCE = ONCRPC_EXTRA_ONCE };
enum { ADD = RIG_ADD, LATER = RIG_LATER };

/* ---- at most once ---------------------------------------------------------------------------------------------- */

static void
a_call_that_was_answered_is_answered_again(void **state)
{
    struct server_rig *rig = rig_open_connected();
    (void)state;
    rig_say_once(rig, 0, "00000001", ADD, 7);
    assert_string_equal(rig_heard(rig, 0), OK("00000001") " 00000003\n");
    rig_say_once(rig, 0, "00000002", ADD, 7);
    assert_string_equal(rig_heard(rig, 0), OK("00000002") " 00000003\n");
    rig_say_once(rig, 1, "00000009", ADD, 7);
    assert_string_equal(rig_heard(rig, 1), OK("00000009") " 00000003\n");
    assert_int_equal(rig->executed, 1);
    assert_int_equal(rig_metric(rig, 1).calls, 1);
    assert_int_equal(rig_metric(rig, 1).replays, 2);
    /* Another client's is another one. */
    rig_call(rig, 0, &(struct rig_extra){ "00000003", ADD, "00000001 00000002", ONCE, 0, 'b', 7, 0, 0 });
    assert_int_equal(rig->executed, 2);
    rig_close(rig);
}

static void
a_call_under_way_is_not_begun_again(void **state)
{
    struct server_rig *rig = rig_open_connected();
    (void)state;
    rig_say_once(rig, 0, "00000001", LATER, 7);
    rig_say_once(rig, 0, "00000002", LATER, 7);
    assert_int_equal(rig->later_count, 1);
    rig_answer(rig);
    rig_run(rig, 20);
    assert_string_equal(rig_heard(rig, 0), OK("00000002") " 0000002a\n");
    rig_close(rig);
}

static void
the_reply_goes_where_the_call_came_from_last(void **state)
{
    struct server_rig *rig = rig_open_connected();
    (void)state;
    rig_say_once(rig, 0, "00000001", LATER, 7);
    rig_say_once(rig, 1, "00000002", LATER, 7);
    assert_int_equal(rig->later_count, 1);
    rig_answer(rig);
    rig_run(rig, 20);
    assert_string_equal(rig_heard(rig, 0), "");
    assert_string_equal(rig_heard(rig, 1), OK("00000002") " 0000002a\n");
    rig_close(rig);
}

static void
a_caller_that_was_cut_off_finds_its_reply_under_way_or_answered(void **state)
{
    (void)state;
    for (unsigned answered = 0; answered < 2; answered++) {
        struct server_rig *rig = rig_open_connected();
        rig_say_once(rig, 0, "00000001", LATER, 7);
        rig_cut(rig, 0);
        assert_false(rpc_request_is_canceled(rig->later[0]));
        if (answered)
            rig_answer(rig);
        rig_say_once(rig, 1, "00000002", LATER, 7);
        if (!answered)
            rig_answer(rig);
        rig_run(rig, 20);
        assert_string_equal(rig_heard(rig, 1), OK("00000002") " 0000002a\n");
        assert_int_equal(rig->executed, 1);
        rig_close(rig);
    }
}

static void
a_failure_is_remembered_too(void **state)
{
    struct server_rig *rig = rig_open_connected();
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        rig_call(rig, 0, &(struct rig_extra){ "00000001", 5, "0000000e", ONCE, 0, 'a', 7, 0, 0 });
        assert_string_equal(rig_heard(rig, 0), REFUSED("00000001") " 00000007\n");
        rig_call(rig, 0, &(struct rig_extra){ "00000002", 8, "", ONCE, 0, 'a', 8, 0, 0 });
        assert_string_equal(rig_heard(rig, 0), ACCEPTED("00000002") " 00000005\n");
        assert_int_equal(rig->executed, 2);
    }
    rig_close(rig);
}

/* A call that was never executed may be tried again. */
static void
a_refusal_is_not_remembered(void **state)
{
    struct server_rig *rig = rig_open_connected();
    (void)state;
    rig_set(rig, TAMBO_RPC_SERVER_REQUESTS_MAX, 1);
    rig_say_once(rig, 0, "00000001", LATER, 1);
    rig_say_once(rig, 0, "00000002", ADD, 7);
    assert_string_equal(rig_heard(rig, 0), OVERLOADED("00000002") "\n");
    rig_answer(rig);
    rig_say_once(rig, 0, "00000003", ADD, 7);
    assert_string_equal(rig_heard(rig, 0), OK("00000001") " 0000002a\n" OK("00000003") " 00000003\n");
    rig_close(rig);
}

static void
what_is_settled_is_let_go_and_not_answered(void **state)
{
    struct server_rig *rig = rig_open_connected();
    (void)state;
    rig_say_once(rig, 0, "00000001", ADD, 7);
    assert_int_equal(rig->server->replay.answered_count, 1);
    rig_call(rig, 0, &(struct rig_extra){ "00000002", ADD, "00000001 00000002", ONCE, 0, 'a', 8, 8, 0 });
    assert_int_equal(rig->server->replay.answered_count, 1);
    rig_heard(rig, 0);
    rig_say_once(rig, 0, "00000003", ADD, 7);
    assert_string_equal(rig_heard(rig, 0), "");
    assert_int_equal(rig->executed, 2);
    rig_close(rig);
}

static void
what_was_forgotten_is_not_executed_again(void **state)
{
    struct server_rig *rig = rig_open_connected();
    (void)state;
    rig_set(rig, TAMBO_RPC_SERVER_REPLAY_MAX, 1);
    rig_say_once(rig, 0, "00000001", ADD, 7);
    rig_say_once(rig, 0, "00000002", ADD, 8);
    rig_heard(rig, 0);
    rig_say_once(rig, 0, "00000003", ADD, 7);
    assert_string_equal(rig_heard(rig, 0), REFUSED("00000003") " 00000004\n");
    rig_say_once(rig, 0, "00000004", ADD, 8);
    assert_string_equal(rig_heard(rig, 0), OK("00000004") " 00000003\n");
    assert_int_equal(rig->executed, 2);
    rig_close(rig);
}

static void
another_boot_is_refused(void **state)
{
    struct server_rig *rig = rig_open_connected();
    (void)state;
    rig_call(rig, 0, &(struct rig_extra){ "00000001", ADD, "00000001 00000002", ONCE, 0, 'a', 7, 0, 12345 });
    assert_string_equal(rig_heard(rig, 0), REFUSED("00000001") " 00000004\n");
    assert_int_equal(rig->executed, 0);
    rig_close(rig);
}

static void
without_a_memory_nothing_is_executed_at_most_once(void **state)
{
    static const enum tambo_rpc_server_option options[] = { TAMBO_RPC_SERVER_REPLAY_MAX,
                                                            TAMBO_RPC_SERVER_REPLAY_BYTES_MAX };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(options); i++) {
        struct server_rig *rig = rig_open_connected();
        rig_set(rig, options[i], 0);
        rig_say_once(rig, 0, "00000001", ADD, 7);
        assert_string_equal(rig_heard(rig, 0), OVERLOADED("00000001") "\n");
        assert_int_equal(rig->executed, 0);
        rig_say(rig, 0, CALL("00000002", "00000002") "00000001 00000002");
        assert_string_equal(rig_heard(rig, 0), OK("00000002") " 00000003\n");
        rig_close(rig);
    }
}

static void
replies_are_kept_for_their_time(void **state)
{
    struct server_rig *rig = rig_open_connected();
    (void)state;
    rig_set(rig, TAMBO_RPC_SERVER_REPLAY_MS, 1000);
    rig_say_once(rig, 0, "00000001", ADD, 7);
    rig_run(rig, 900);
    assert_int_equal(rig->server->replay.answered_count, 1);
    rig_run(rig, 200);
    assert_int_equal(rig->server->replay.answered_count, 0);
    rig_run(rig, 1100);
    assert_int_equal(rig->server->replay.bytes, 0);
    rig_close(rig);
}

/* ---- datagrams of others --------------------------------------------------------------------------------------- */

static void
a_datagram_that_comes_twice_is_executed_once(void **state)
{
    struct server_rig *rig = rig_open();
    (void)state;
    rig_bind(rig, 0);
    rig_bind(rig, 1);
    rig_put(rig, 0, CALL("00000001", "00000002") "00000001 00000002");
    rig_say(rig, 0, CALL("00000001", "00000002") "00000001 00000002");
    assert_string_equal(rig_heard(rig, 0), OK("00000001") " 00000003\n" OK("00000001") " 00000003\n");
    assert_int_equal(rig->executed, 1);
    /* Another caller, another xid, other arguments. */
    rig_say(rig, 1, CALL("00000001", "00000002") "00000001 00000002");
    rig_say(rig, 0, CALL("00000002", "00000002") "00000001 00000002");
    rig_say(rig, 0, CALL("00000001", "00000002") "00000001 00000003");
    assert_int_equal(rig->executed, 4);
    rig_say(rig, 0, CALL("00000003", "00000004") "00000001");
    rig_say(rig, 0, CALL("00000003", "00000004") "00000001");
    assert_int_equal(rig->later_count, 1);
    rig_heard(rig, 0);
    rig_answer(rig);
    rig_run(rig, 20);
    assert_string_equal(rig_heard(rig, 0), OK("00000003") " 0000002a\n");
    rig_close(rig);
}

static void
the_memory_of_datagrams_may_be_off(void **state)
{
    struct server_rig *rig = rig_open();
    (void)state;
    rig_set(rig, TAMBO_RPC_SERVER_REPLAY_MAX, 0);
    rig_bind(rig, 0);
    rig_put(rig, 0, CALL("00000001", "00000002") "00000001 00000002");
    rig_say(rig, 0, CALL("00000001", "00000002") "00000001 00000002");
    assert_int_equal(rig->executed, 2);
    rig_close(rig);
}

static void
calls_of_ours_over_datagrams_say_themselves_whether_they_may_come_twice(void **state)
{
    struct server_rig *rig = rig_open();
    (void)state;
    rig_bind(rig, 0);
    for (unsigned i = 0; i < 2; i++)
        rig_call(rig, 0, &(struct rig_extra){ "00000001", ADD, "00000001 00000002", 0, 0, 'a', 7, 0, 0 });
    assert_int_equal(rig->executed, 2);
    for (unsigned i = 0; i < 2; i++)
        rig_call(rig, 0, &(struct rig_extra){ "00000001", ADD, "00000001 00000002", ONCE, 0, 'a', 7, 0, 0 });
    assert_int_equal(rig->executed, 3);
    rig_close(rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_that_was_answered_is_answered_again),
        cmocka_unit_test(a_call_under_way_is_not_begun_again),
        cmocka_unit_test(the_reply_goes_where_the_call_came_from_last),
        cmocka_unit_test(a_caller_that_was_cut_off_finds_its_reply_under_way_or_answered),
        cmocka_unit_test(a_failure_is_remembered_too),
        cmocka_unit_test(a_refusal_is_not_remembered),
        cmocka_unit_test(what_is_settled_is_let_go_and_not_answered),
        cmocka_unit_test(what_was_forgotten_is_not_executed_again),
        cmocka_unit_test(another_boot_is_refused),
        cmocka_unit_test(without_a_memory_nothing_is_executed_at_most_once),
        cmocka_unit_test(replies_are_kept_for_their_time),
        cmocka_unit_test(a_datagram_that_comes_twice_is_executed_once),
        cmocka_unit_test(the_memory_of_datagrams_may_be_off),
        cmocka_unit_test(calls_of_ours_over_datagrams_say_themselves_whether_they_may_come_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
