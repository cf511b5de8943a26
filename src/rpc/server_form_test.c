/* rpc/server_form_test.c - one-way calls, receipts, cancellation, deadlines, and what is told of the server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rpc/server_core.h"
#include "rpc/server_script.h"

enum { ONE_WAY = ONCRPC_EXTRA_ONE_WAY, RECEIVED = ONCRPC_EXTRA_RECEIPT, ONCE = ONCRPC_EXTRA_ONCE };
enum { ADD = RIG_ADD, LATER = RIG_LATER };

/* ---- other forms of calls -------------------------------------------------------------------------------------- */

static void
one_way_calls_are_never_answered(void **state)
{
    static const struct rig_extra rows[] = {
        {"00000001",  ADD, "00000001 00000002", ONE_WAY,        0, 'a', 0, 0, 0},
        { "00000001", ADD, "00000001",          ONE_WAY,        0, 'a', 0, 0, 0},
        { "00000001", 9,   "",                  ONE_WAY,        0, 'a', 0, 0, 0},
        { "00000001", 0,   "",                  ONE_WAY,        0, 'a', 0, 0, 0},
        { "00000001", 5,   "0000000e",          ONE_WAY,        0, 'a', 0, 0, 0},
        { "00000001", 8,   "",                  ONE_WAY,        0, 'a', 0, 0, 0},
        { "00000001", ADD, "00000001 00000002", ONE_WAY | ONCE, 0, 'a', 7, 0, 0},
        { "00000001", ADD, "00000001 00000002", ONE_WAY | ONCE, 0, 'a', 7, 0, 0},
    };
    struct server_rig *rig = rig_open_connected();
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        rig_call(rig, 0, &rows[i]);
        assert_string_equal(rig_heard(rig, 0), "");
    }
    assert_int_equal(rig->executed, 4);
    rig_say(rig, 0, CALL("00000002", "00000000"));
    assert_string_equal(rig_heard(rig, 0), OK("00000002") "\n");
    rig_close(rig);
}

static void
a_receipt_comes_before_the_call_is_executed_and_instead_of_a_reply(void **state)
{
    struct server_rig *rig = rig_open_connected();
    (void)state;
    rig_call(rig, 0, &(struct rig_extra){ "00000001", LATER, "00000001", RECEIVED, 0, 'a', 0, 0, 0 });
    assert_int_equal(rig->later_count, 1);
    assert_string_equal(rig_heard(rig, 0), RECEIPT("00000001") "\n");
    rig_answer(rig);
    rig_run(rig, 20);
    assert_string_equal(rig_heard(rig, 0), "");
    rig_call(rig, 0, &(struct rig_extra){ "00000002", ADD, "00000001 00000002", RECEIVED, 0, 'a', 0, 0, 0 });
    assert_string_equal(rig_heard(rig, 0), RECEIPT("00000002") "\n");
    rig_call(rig, 0, &(struct rig_extra){ "00000003", 0, "", RECEIVED, 0, 'a', 0, 0, 0 });
    assert_string_equal(rig_heard(rig, 0), RECEIPT("00000003") "\n");
    /* What is not accepted is answered. */
    rig_call(rig, 0, &(struct rig_extra){ "00000004", ADD, "00000001", RECEIVED, 0, 'a', 0, 0, 0 });
    assert_string_equal(rig_heard(rig, 0), ACCEPTED("00000004") " 00000004\n");
    rig_close(rig);
}

static void
a_receipt_is_given_again(void **state)
{
    struct server_rig *rig = rig_open_connected();
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        if (i == 2)
            rig_answer(rig);
        rig_call(rig, i % 2, &(struct rig_extra){ "00000001", LATER, "00000001", RECEIVED | ONCE, 0, 'a', 7, 0, 0 });
        assert_string_equal(rig_heard(rig, i % 2), RECEIPT("00000001") "\n");
    }
    assert_int_equal(rig->executed, 1);
    rig_close(rig);
}

static void
a_handler_that_drops_its_request_never_answers(void **state)
{
    struct server_rig *rig = rig_open_connected();
    (void)state;
    rig_say_once(rig, 0, "00000001", LATER, 7);
    rpc_request_drop(rig->later[0]);
    rig->later_count = 0;
    rig_say_once(rig, 0, "00000002", LATER, 7);
    assert_string_equal(rig_heard(rig, 0), "");
    assert_int_equal(rig->executed, 1);
    rig_close(rig);
}

static void
the_callers_deadline_is_known(void **state)
{
    struct server_rig *rig = rig_open_connected();
    (void)state;
    rig_call(rig, 0, &(struct rig_extra){ "00000001", LATER, "00000001", 0, 1500, 'a', 0, 0, 0 });
    uint64_t deadline_ns = rpc_request_deadline_ns(rig->later[0]);
    uint64_t now_ns = io_now_ns(rig->server->io);
    assert_in_range(deadline_ns, now_ns + 1400 * SIM_NS_A_MS, now_ns + 1500 * SIM_NS_A_MS);
    rig_answer(rig);
    rig_close(rig);
}

static void
a_caller_may_cancel(void **state)
{
    struct server_rig *rig = rig_open_connected();
    (void)state;
    rig_say(rig, 0, CALL("00000001", "00000004") "00000001");
    rig_say(rig, 0, CALL("00000002", "00000004") "00000001");
    rig_say(rig, 1, CALL("00000001", "00000004") "00000001");
    rig_say(rig, 0, HEAD("00000003", OURS, "00000001", "00000002") NONE NONE "00000001");
    assert_true(rpc_request_is_canceled(rig->later[0]));
    assert_false(rpc_request_is_canceled(rig->later[1]));
    assert_false(rpc_request_is_canceled(rig->later[2]));
    /* Nobody reads what is answered to who has left. */
    rig_cut(rig, 1);
    assert_true(rpc_request_is_canceled(rig->later[2]));
    rig_say(rig, 0, HEAD("00000003", OURS, "00000001", "00000002") NONE NONE);
    assert_string_equal(rig_heard(rig, 0), "");
    rig_answer_all(rig);
    rig_close(rig);
}

static void
of_many_that_send_to_one_socket_each_cancels_its_own(void **state)
{
    struct server_rig *rig = rig_open();
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        rig_bind(rig, i);
        rig_say(rig, i, CALL("00000001", "00000004") "00000001");
    }
    rig_say(rig, 1, HEAD("00000003", OURS, "00000001", "00000002") NONE NONE "00000001");
    assert_false(rpc_request_is_canceled(rig->later[0]));
    assert_true(rpc_request_is_canceled(rig->later[1]));
    rig_answer_all(rig);
    rig_run(rig, 20);
    assert_string_equal(rig_heard(rig, 0), OK("00000001") " 0000002a\n");
    assert_string_equal(rig_heard(rig, 1), OK("00000001") " 0000002a\n");
    rig_close(rig);
}

/* ---- what is told of the server -------------------------------------------------------------------------------- */

static void
hello_tells_the_boot_and_how_long_is_remembered(void **state)
{
    struct server_rig *rig = rig_open_connected();
    char want[128];
    (void)state;
    for (unsigned is_off = 0; is_off < 2; is_off++) {
        if (is_off)
            rig_set(rig, TAMBO_RPC_SERVER_REPLAY_MAX, 0);
        rig_say(rig, 0, HEAD("00000001", OURS, "00000001", "00000001") NONE NONE);
        snprintf(want, sizeof(want), OK("00000001") " 00000001 %08x %08x %08x\n", (unsigned)(rig->server->boot >> 32),
                 (unsigned)rig->server->boot, is_off ? 0U : 120000U);
        assert_string_equal(rig_heard(rig, 0), want);
    }
    rig_close(rig);
}

/* Counts each procedure: of LATER, that took between 2^15 and 2^16 us, the 16th bucket. */
static void
metrics_are_counted(void **state)
{
    struct server_rig *rig = rig_open_connected();
    struct tambo_rpc_metric metric;
    (void)state;
    rig_say(rig, 0, CALL("00000001", "00000004") "00000001");
    rig_run(rig, 20);
    rig_answer(rig);
    rig_say(rig, 0, CALL("00000001", "00000005") "00000001");
    rig_say(rig, 0, CALL("00000001", "00000005"));
    assert_int_equal(rig_metric(rig, 2).calls, 1);
    assert_int_equal(rig_metric(rig, 2).errors, 0);
    assert_int_equal(rig_metric(rig, 2).took_us[16], 1);
    assert_string_equal(rig_metric(rig, 3).procedure->name, "FAIL");
    assert_int_equal(rig_metric(rig, 3).calls, 2);
    assert_int_equal(rig_metric(rig, 3).errors, 2);
    assert_string_equal(rig_metric(rig, 14).procedure->name, "ANY");
    assert_int_equal(rpc_server_metric(rig->server, 15, &metric), -TAMBO_ERR_NOT_FOUND);
    rig_heard(rig, 0);
    rig_say(rig, 0, HEAD("00000009", OURS, "00000001", "00000005") NONE NONE);
    const char *first = OK("00000009") " 0000000f 00000004 54455354 20000001 00000001 00000004 4543484f 00000001 "
                                       "00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000";
    assert_int_equal(strncmp(rig_heard(rig, 0), first, strlen(first)), 0);
    rig_close(rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_way_calls_are_never_answered),
        cmocka_unit_test(a_receipt_comes_before_the_call_is_executed_and_instead_of_a_reply),
        cmocka_unit_test(a_receipt_is_given_again),
        cmocka_unit_test(a_handler_that_drops_its_request_never_answers),
        cmocka_unit_test(the_callers_deadline_is_known),
        cmocka_unit_test(a_caller_may_cancel),
        cmocka_unit_test(of_many_that_send_to_one_socket_each_cancels_its_own),
        cmocka_unit_test(hello_tells_the_boot_and_how_long_is_remembered),
        cmocka_unit_test(metrics_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
