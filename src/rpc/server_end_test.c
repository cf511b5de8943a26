/* rpc/server_end_test.c - draining, ends at every moment, programs that cannot be served, no memory. */
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

/* ---- ends ------------------------------------------------------------------------------------------------------ */

static void
a_server_that_drains_answers_what_it_has_and_takes_no_more(void **state)
{
    struct server_rig *rig = rig_open();
    (void)state;
    rig_connect(rig, 0);
    rig_bind(rig, 1);
    rig_say(rig, 0, LATER_CALL("00000001"));
    rig_say(rig, 1, LATER_CALL("00000002"));
    rpc_server_drain(rig->server);
    rpc_server_drain(rig->server);
    rig_say(rig, 0, LATER_CALL("00000003"));
    assert_string_equal(rig_heard(rig, 0), OVERLOADED("00000003") "\n");
    rig_connect(rig, 2);
    rig_run(rig, 50);
    assert_true(rig->raws[2].is_ended);
    assert_int_equal(rig->drained, 0);
    rig_answer(rig);
    assert_int_equal(rig->drained, 0);
    rig_answer(rig);
    assert_int_equal(rig->drained, 1);
    rig_run(rig, 50);
    assert_string_equal(rig_heard(rig, 0), OK("00000001") " 0000002a\n");
    assert_string_equal(rig_heard(rig, 1), OK("00000002") " 0000002a\n");
    rig_close(rig);
}

static void
a_server_without_calls_is_drained_at_once(void **state)
{
    struct server_rig *rig = rig_open();
    struct rpc_address address, bound;
    (void)state;
    rpc_server_drain(rig->server);
    assert_int_equal(rig->drained, 1);
    must(rpc_address_parse(view_str("tcp://*:701"), &address) == 0);
    assert_int_equal(rpc_server_listen(rig->server, &address, &bound), -ERR_STATE);
    rig_close(rig);
}

static void
what_is_answered_to_who_has_gone_goes_nowhere(void **state)
{
    struct server_rig *rig = rig_open();
    (void)state;
    rig_connect(rig, 0);
    rig_say(rig, 0, LATER_CALL("00000001"));
    rig_say(rig, 0, LATER_CALL("00000002"));
    rig_say(rig, 0, LATER_CALL("00000003"));
    rig_cut(rig, 0);
    rig_answer(rig);
    rpc_request_fail(rig->later[0], -ERR_DENIED);
    rpc_request_drop(rig->later[1]);
    rig->later_count = 0;
    assert_int_equal(rpc_server_under_way(rig->server), 0);
    rig_close(rig);
}

static void
requests_outlive_their_server(void **state)
{
    struct server_rig *rig = rig_open();
    (void)state;
    rig_connect(rig, 0);
    rig_bind(rig, 1);
    for (unsigned i = 0; i < 3; i++)
        rig_say(rig, 0, LATER_CALL("00000001"));
    rig_say(rig, 1, LATER_CALL("00000001"));
    rig_call(rig, 0, &(struct rig_extra){ "00000001", 4, "00000001", ONCRPC_EXTRA_ONCE, 0, 'a', 7, 0, 0 });
    assert_int_equal(rig->later_count, 5);
    rpc_server_free(rig->server);
    rig->server = NULL;
    rig_answer(rig);
    rpc_request_fail(rig->later[0], -ERR_DENIED);
    rpc_request_drop(rig->later[1]);
    rig->later[0] = rig->later[3];
    rig->later[1] = rig->later[2];
    rig->later_count = 2;
    assert_string_equal(rpc_request_procedure(rig->later[0])->name, "LATER");
    rig_run(rig, 50);
    assert_true(rig->raws[0].is_ended);
    rig_answer_all(rig);
    assert_string_equal(rig_heard(rig, 0), "");
    rig_close(rig);
}

static void
a_server_may_die_with_all_it_has(void **state)
{
    static void (*const deaths[])(struct sim_machine *) = { sim_kill, sim_power_cut };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(deaths); i++) {
        struct server_rig *rig = rig_open();
        rig_connect(rig, 0);
        rig_bind(rig, 1);
        rig_say(rig, 0, LATER_CALL("00000001"));
        rig_say(rig, 1, LATER_CALL("00000001"));
        rig_call(rig, 0, &(struct rig_extra){ "00000001", 4, "00000001", ONCRPC_EXTRA_ONCE, 0, 'a', 7, 0, 0 });
        deaths[i](rig->server_machine);
        rig_run(rig, 10);
        assert_int_equal(rig->server_mem.used_bytes, 0);
        rig_close(rig);
    }
}

static void
programs_that_cannot_be_served_are_refused(void **state)
{
    static const struct tambo_rpc_procedure twice[] = { { .number = 2 }, { .number = 2 } };
    static const struct tambo_rpc_procedure zero[] = { { .number = 0 } };
    static const struct tambo_rpc_program bad[] = {
        {"T",  0x20000001, 1, NULL,  0, NULL, NULL},
        { "T", 0x2074616d, 1, NULL,  0, NULL, NULL},
        { "T", 0x30000000, 1, twice, 2, NULL, NULL},
        { "T", 0x30000000, 1, zero,  1, NULL, NULL},
    };
    struct server_rig *rig = rig_open();
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(rpc_server_serve(rig->server, &bad[i], NULL, NULL), -ERR_INVALID);
    assert_int_equal(rpc_server_set(rig->server, TAMBO_RPC_SERVER_REQUESTS_MAX, 0), -ERR_INVALID);
    rig_close(rig);
}

static void
count_served(void *arg, const struct tambo_rpc_program *program, const struct rpc_address *address)
{
    unsigned *count = arg;
    assert_true(program->program >> 4 == 0x2000000);
    assert_true(address->transport != RPC_TCP || address->at.port == 700);
    ++*count;
}

static void
what_is_served_where_is_told(void **state)
{
    struct server_rig *rig = rig_open();
    unsigned count = 0;
    (void)state;
    rpc_server_each(rig->server, count_served, &count);
    assert_int_equal(count, 9);
    rig_close(rig);
}

/* ---- no memory ------------------------------------------------------------------------------------------------- */

/* Each allocation of the server's machine fails once: what is answered is what would have been, or a refusal that says
 * that nothing was executed, or nothing, and then the connection has ended. */
static void
converse(struct server_rig *rig)
{
    rig_connect(rig, 0);
    rig_bind(rig, 1);
    rig_say(rig, 0, CALL("00000001", "00000002") "00000001 00000002");
    rig_say(rig, 0, LATER_CALL("00000002"));
    rig_say(rig, 0, CALL("00000003", "00000006") "00004000");
    rig_say(rig, 1, CALL("00000004", "00000002") "00000001 00000002");
    rig_call(rig, 0, &(struct rig_extra){ "00000005", 2, "00000001 00000002", ONCRPC_EXTRA_ONCE, 0, 'a', 7, 0, 0 });
    rig_call(rig, 0, &(struct rig_extra){ "00000006", 2, "00000001 00000002", ONCRPC_EXTRA_ONCE, 0, 'a', 7, 0, 0 });
    rig_answer_all(rig);
    rig_run(rig, 20);
}

static void
every_allocation_may_fail(void **state)
{
    uint64_t calls = 0, starts = 0;
    (void)state;
    for (uint64_t fail_at = 1; fail_at == 1 || fail_at <= calls; fail_at++) {
        struct server_rig *rig = rig_open_failing(fail_at == 1 ? 0 : fail_at - 1);
        starts += rig->server != NULL;
        if (rig->server != NULL)
            converse(rig);
        if (fail_at == 1)
            calls = rig->server_mem.calls;
        /* Of ONCE's two calls one was executed at most. */
        assert_true(rig->executed <= 5);
        rig_close(rig);
    }
    assert_true(starts > 5 && starts < calls);
}

/* The arena's is malloc's (wire/xdr_arena.c), so each of its own is failed here; the linker puts this before it. */
static unsigned arena_takes, arena_fails_at;
void *__real_tambo_arena_take(struct tambo_arena *arena, size_t n);
void *__wrap_tambo_arena_take(struct tambo_arena *arena, size_t n);

void *
__wrap_tambo_arena_take(struct tambo_arena *arena, size_t n)
{
    return ++arena_takes == arena_fails_at ? NULL : __real_tambo_arena_take(arena, n);
}

static void
without_memory_for_arguments_a_call_is_not_executed(void **state)
{
    static const char *const said[] = {
        HEAD("00000001", TEST, "00000001", "00000002") SYS NONE "00000001 00000002",
        CALL("00000001", "00000007") "00000001 00000001 00000001 00000002 00000000",
    };
    struct server_rig *rig = rig_open();
    unsigned overloaded = 0;
    (void)state;
    rig_connect(rig, 0);
    for (size_t i = 0; i < COUNT_OF(said); i++) {
        for (unsigned fails_at = 1; fails_at <= 5; fails_at++) {
            unsigned executed = rig->executed;
            arena_takes = 0;
            arena_fails_at = fails_at;
            rig_say(rig, 0, said[i]);
            bool is_refused = strcmp(rig_heard(rig, 0), OVERLOADED("00000001") "\n") == 0;
            assert_int_equal(rig->executed - executed, !is_refused);
            overloaded += is_refused;
        }
    }
    arena_fails_at = 0;
    /* Credentials, machine, arguments, room for the result; arguments, two items, room. */
    assert_int_equal(overloaded, 8);
    rig_close(rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_that_drains_answers_what_it_has_and_takes_no_more),
        cmocka_unit_test(a_server_without_calls_is_drained_at_once),
        cmocka_unit_test(what_is_answered_to_who_has_gone_goes_nowhere),
        cmocka_unit_test(requests_outlive_their_server),
        cmocka_unit_test(a_server_may_die_with_all_it_has),
        cmocka_unit_test(programs_that_cannot_be_served_are_refused),
        cmocka_unit_test(what_is_served_where_is_told),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(without_memory_for_arguments_a_call_is_not_executed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
