/* rpc/server_test.c - what a server answers, byte by byte; fragments, garbage, order, limits of what it reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/must.h"
#include "rpc/server_script.h"

/* ---- what it answers ------------------------------------------------------------------------------------------- */

/* clang-format off */
static const struct {
    const char *what, *said, *heard;
} answers[] = {
    {"NULL",                            CALL("00000001", "00000000"),                                                     OK("00000001") "\n"                              },
    {"NULL, whoever asks",              HEAD("00000001", TEST, "00000003", "00000000") "00000006 00000004 cafecafe " NONE, OK("00000001") "\n"                              },
    {"NULL of what is not there",       HEAD("00000001", "20000009", "00000001", "00000000") NONE NONE,                   ACCEPTED("00000001") " 00000001\n"               },
    {"bytes",                           CALL("00000002", "00000001") "00000003 61626300",                                 OK("00000002") " 00000003 61626300\n"            },
    {"numbers, of version 3",           HEAD("00000003", TEST, "00000003", "00000002") NONE NONE "00000002 00000003",     OK("00000003") " 00000005\n"                     },
    {"a list",                          CALL("00000003", "00000007") "00000001 00000002 00000001 00000003 00000000",      OK("00000003") " 00000005\n"                     },
    {"PROG_UNAVAIL",                    HEAD("00000004", "20000000", "00000001", "00000001") NONE NONE,                   ACCEPTED("00000004") " 00000001\n"               },
    {"PROG_MISMATCH, between",          HEAD("00000004", TEST, "00000002", "00000001") NONE NONE,                         ACCEPTED("00000004") " 00000002 00000001 00000003\n"},
    {"PROG_MISMATCH, below",            HEAD("00000004", TEST, "00000000", "00000001") NONE NONE,                         ACCEPTED("00000004") " 00000002 00000001 00000003\n"},
    {"PROG_MISMATCH, above",            HEAD("00000004", TEST, "ffffffff", "00000001") NONE NONE,                         ACCEPTED("00000004") " 00000002 00000001 00000003\n"},
    {"PROC_UNAVAIL, between",           CALL("00000005", "00000003"),                                                     ACCEPTED("00000005") " 00000003\n"               },
    {"PROC_UNAVAIL, above",             CALL("00000005", "ffffffff"),                                                     ACCEPTED("00000005") " 00000003\n"               },
    {"GARBAGE_ARGS, none",              CALL("00000006", "00000001"),                                                     ACCEPTED("00000006") " 00000004\n"               },
    {"GARBAGE_ARGS, too short",         CALL("00000006", "00000001") "00000005 61626364",                                 ACCEPTED("00000006") " 00000004\n"               },
    {"GARBAGE_ARGS, one left over",     CALL("00000006", "00000002") "00000002 00000003 00000000",                        ACCEPTED("00000006") " 00000004\n"               },
    {"GARBAGE_ARGS, for void",          CALL("00000006", "00000008") "00000000",                                          ACCEPTED("00000006") " 00000004\n"               },
    {"RPC_MISMATCH",                    "00000007 00000000 00000003 00000000",                                            "00000007 00000001 00000001 00000000 00000002 00000002\n"},
    {"AUTH_SHORT",                      HEAD("00000008", TEST, "00000001", "00000001") "00000002 00000000 " NONE,         REFUSED("00000008") " 00000002\n"                },
    {"another flavor",                  HEAD("00000008", TEST, "00000001", "00000001") "00000006 00000004 cafecafe " NONE, REFUSED("00000008") " 00000002\n"                },
    {"AUTH_SYS that is torn",           HEAD("00000008", TEST, "00000001", "00000001") "00000001 00000004 00000000 " NONE, REFUSED("00000008") " 00000001\n"                },
    {"AUTH_SYS",                        HEAD("00000008", TEST, "00000001", "00000001") SYS NONE "00000001 61000000",      OK("00000008") " 00000001 61000000\n"            },
    {"a verifier of ours that is torn", HEAD("00000008", TEST, "00000001", "00000001") NONE "2074616d 00000004 00000000", REFUSED("00000008") " 00000003\n"                },
    {"a verifier of others",            HEAD("00000008", TEST, "00000001", "00000001") NONE "00000063 00000004 00000000 00000001 61000000", OK("00000008") " 00000001 61000000\n"            },
    {"a handler's DENIED",              CALL("00000009", "00000005") "0000000e",                                          REFUSED("00000009") " 00000007\n"                },
    {"a handler's OVERLOADED",          CALL("00000009", "00000005") "00000022",                                          OVERLOADED("00000009") "\n"                      },
    {"a handler's PROGRAM",             CALL("00000009", "00000005") "0000001c",                                          ACCEPTED("00000009") " 00000001\n"               },
    {"a handler's VERSION",             CALL("00000009", "00000005") "0000001d",                                          ACCEPTED("00000009") " 00000002 00000001 00000001\n"},
    {"a handler's PROCEDURE",           CALL("00000009", "00000005") "0000001e",                                          ACCEPTED("00000009") " 00000003\n"               },
    {"a handler's ARGUMENTS",           CALL("00000009", "00000005") "0000001f",                                          ACCEPTED("00000009") " 00000004\n"               },
    {"a handler's FAILED",              CALL("00000009", "00000005") "00000021",                                          ACCEPTED("00000009") " 00000005\n"               },
    {"a handler's NO_MEMORY",           CALL("00000009", "00000005") "00000001",                                          ACCEPTED("00000009") " 00000005\n"               },
    {"a handler's nonsense",            CALL("00000009", "00000005") "00001000",                                          ACCEPTED("00000009") " 00000005\n"               },
    {"results that do not encode",      CALL("0000000a", "00000008"),                                                     ACCEPTED("0000000a") " 00000005\n"               },
    {"any procedure",                   HEAD("0000000b", ANY, "00000001", "12345678") NONE NONE "61626364 00000001",      OK("0000000b") " 12345678 61626364 00000001\n"   },
    {"any procedure, without args",     HEAD("0000000b", ANY, "00000001", "00000001") NONE NONE,                          OK("0000000b") " 00000001\n"                     },
    {"HELLO in another version",        HEAD("0000000c", OURS, "00000002", "00000001") NONE NONE,                         ACCEPTED("0000000c") " 00000002 00000001 00000001\n"},
    {"what ours has not",               HEAD("0000000c", OURS, "00000001", "00000006") NONE NONE,                         ACCEPTED("0000000c") " 00000003\n"               },
    {"RECEIPT to a server",             HEAD("0000000c", OURS, "00000001", "00000003") NONE NONE "00000001",              ACCEPTED("0000000c") " 00000003\n"               },
    {"HELLO with arguments",            HEAD("0000000c", OURS, "00000001", "00000001") NONE NONE "00000001",              ACCEPTED("0000000c") " 00000004\n"               },
    {"an interface",                    HEAD("0000000d", OURS, "00000001", "00000004") NONE NONE TEST " 00000001",        OK("0000000d") " 00000022 70726f67 72616d20 54455354 207b202e 2e2e207d 203d2030 78323030 30303030 313b0000\n"},
    {"no interface",                    HEAD("0000000d", OURS, "00000001", "00000004") NONE NONE TEST " 00000000",        OK("0000000d") " 00000000\n"                     },
    {"an interface of nothing",         HEAD("0000000d", OURS, "00000001", "00000004") NONE NONE "00000001 00000000",     OK("0000000d") " 00000000\n"                     },
};
/* clang-format on */

static void
each_call_is_answered_with_its_bytes(void **state)
{
    (void)state;
    for (unsigned udp = 0; udp < 2; udp++) {
        struct server_rig *rig = rig_open();
        if (udp != 0)
            rig_bind(rig, 0);
        else
            rig_connect(rig, 0);
        for (size_t i = 0; i < COUNT_OF(answers); i++) {
            rig_say(rig, 0, answers[i].said);
            const char *heard = rig_heard(rig, 0);
            if (strcmp(heard, answers[i].heard) != 0)
                fail_msg("%s, %s: heard %s instead of %s", answers[i].what, udp ? "udp" : "tcp", heard,
                         answers[i].heard);
            /* So that the next is not taken for the same call. */
            rig_set(rig, TAMBO_RPC_SERVER_REPLAY_MS, 1);
            rig_run(rig, 10);
        }
        rig_close(rig);
    }
}

static void
many_calls_in_one_write_are_answered_in_their_order(void **state)
{
    struct server_rig *rig = rig_open();
    (void)state;
    rig_connect(rig, 0);
    rig_put(rig, 0, CALL("00000001", "00000002") "00000001 00000001");
    rig_put(rig, 0, CALL("00000002", "00000009"));
    rig_say(rig, 0, CALL("00000003", "00000002") "00000001 00000003");
    assert_string_equal(rig_heard(rig, 0),
                        OK("00000001") " 00000002\n" ACCEPTED("00000002") " 00000003\n" OK("00000003") " 00000004\n");
    rig_close(rig);
}

static void
replies_leave_when_they_are_there(void **state)
{
    struct server_rig *rig = rig_open();
    (void)state;
    rig_connect(rig, 0);
    rig_say(rig, 0, CALL("00000001", "00000004") "00000001");
    rig_say(rig, 0, CALL("00000002", "00000004") "00000001");
    rig_say(rig, 0, CALL("00000003", "00000002") "00000001 00000003");
    assert_string_equal(rig_heard(rig, 0), OK("00000003") " 00000004\n");
    assert_int_equal(rpc_server_under_way(rig->server), 2);
    struct rpc_request *first = rig->later[0];
    rig->later[0] = rig->later[1];
    rig->later[1] = first;
    rig_answer_all(rig);
    rig_run(rig, 20);
    assert_string_equal(rig_heard(rig, 0), OK("00000002") " 0000002a\n" OK("00000001") " 0000002a\n");
    assert_int_equal(rpc_server_under_way(rig->server), 0);
    rig_close(rig);
}

/* ---- records --------------------------------------------------------------------------------------------------- */

/* One call, cut into two fragments and two writes at each byte. */
static void
fragments_are_put_together(void **state)
{
    uint8_t call[128], marked[160];
    size_t n = rig_bytes(CALL("00000001", "00000002") "00000001 00000002", call, sizeof(call));
    struct server_rig *rig = rig_open();
    (void)state;
    rig_connect(rig, 0);
    for (size_t cut = 0; cut <= n; cut++) {
        struct pen pen = pen_of(marked, sizeof(marked));
        put_u32(&pen, (uint32_t)cut);
        put_bytes(&pen, view_of(call, cut));
        put_u32(&pen, UINT32_C(0x80000000) | (uint32_t)(n - cut));
        put_bytes(&pen, view_of(call + cut, n - cut));
        size_t all = (size_t)(pen.at - marked);
        rig_send(rig, 0, view_of(marked, cut));
        rig_run(rig, 5);
        rig_send(rig, 0, view_of(marked + cut, all - cut));
        rig_run(rig, 5);
        assert_string_equal(rig_heard(rig, 0), OK("00000001") " 00000003\n");
    }
    rig_close(rig);
}

static void
what_is_no_call_ends_a_connection_and_no_socket(void **state)
{
    static const char *const rows[] = {
        "",
        "00000001",
        "00000001 00000002",
        "00000001 00000000 00000002 20000001 00000001",
        OK("00000001"),
        REFUSED("00000001") " 00000001",
        HEAD("00000001", TEST, "00000001", "00000001") "00000000 00000191 " NONE, /* 401 bytes */
    };
    struct server_rig *rig = rig_open();
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        rig_connect(rig, 0);
        rig_say(rig, 0, rows[i]);
        assert_true(rig->raws[0].is_ended);
        assert_string_equal(rig_heard(rig, 0), "");
        rig_bind(rig, 1);
        rig_put(rig, 1, rows[i]);
        rig_say(rig, 1, CALL("00000001", "00000000"));
        assert_string_equal(rig_heard(rig, 1), OK("00000001") "\n");
    }
    rig_close(rig);
}

static void
a_call_that_is_too_large_ends_its_connection_before_memory_is_taken(void **state)
{
    static const uint8_t marks[][4] = {
        {0xff,  0xff, 0xff, 0xff},
        { 0x7f, 0xff, 0xff, 0xff},
        { 0x81, 0x00, 0x00, 0x01},
    };
    struct server_rig *rig = rig_open();
    (void)state;
    for (size_t i = 0; i < COUNT_OF(marks); i++) {
        rig_connect(rig, 0);
        size_t used = rig->server_mem.used_bytes;
        rig->server_mem.peak_bytes = used;
        rig_send(rig, 0, view_of(marks[i], sizeof(marks[i])));
        rig_run(rig, 20);
        assert_true(rig->raws[0].is_ended);
        assert_true(rig->server_mem.peak_bytes - used < 4096);
    }
    rig_close(rig);
}

/* ---- who calls ------------------------------------------------------------------------------------------------- */

static void
a_handler_sees_its_caller(void **state)
{
    struct server_rig *rig = rig_open();
    (void)state;
    rig->is_kept = true;
    rig_connect(rig, 0);
    rig_bind(rig, 1);
    rig_say(rig, 0, HEAD("00000001", TEST, "00000001", "00000002") SYS NONE "00000001 00000002");
    rig_say(rig, 1, CALL("00000002", "00000002") "00000001 00000002");
    const struct tambo_rpc_cred *cred = rpc_request_cred(rig->later[0]);
    assert_int_equal(cred->flavor, 1);
    assert_int_equal(cred->stamp, 5);
    assert_string_equal(cred->machine, "ana");
    assert_int_equal(cred->uid, 1000);
    assert_int_equal(cred->gid, 100);
    assert_int_equal(cred->group_count, 2);
    assert_int_equal(cred->groups[1], 8);
    assert_int_equal(rpc_request_cred(rig->later[1])->flavor, 0);
    assert_string_equal(rpc_request_cred(rig->later[1])->machine, "");
    for (unsigned i = 0; i < 2; i++) {
        assert_string_equal(rpc_request_peer(rig->later[i]), i == 0 ? "b:40000" : "10.0.0.2:40001");
        assert_int_equal(rpc_request_is_datagram(rig->later[i]), i);
        assert_string_equal(rpc_request_procedure(rig->later[i])->name, "ADD");
        assert_int_equal(rpc_request_number(rig->later[i]), 2);
        assert_true(rpc_request_deadline_ns(rig->later[i]) == UINT64_MAX);
    }
    rig_answer_all(rig);
    rig_close(rig);
}

/* ---- guards ---------------------------------------------------------------------------------------------------- */

struct guard_log {
    char text[256];
};
struct guard_named {
    struct guard_log *log;
    const char *name;
    int rc;
};

static void
note(struct guard_log *log, const char *name, const char *what)
{
    size_t n = strlen(log->text);
    snprintf(log->text + n, sizeof(log->text) - n, "%s%s ", name, what);
}

static int
before(void *arg, struct tambo_rpc_request *request)
{
    struct guard_named *guard = arg;
    (void)request;
    note(guard->log, guard->name, "+");
    return guard->rc;
}

static void
after(void *arg, struct tambo_rpc_request *request, int rc, uint64_t took_ns)
{
    struct guard_named *guard = arg;
    (void)request, (void)took_ns;
    note(guard->log, guard->name, rc == 0 ? "-" : rc == -TAMBO_ERR_DENIED ? "-denied" : "-other");
}

static void
guards_stand_around_handlers(void **state)
{
    struct guard_log log = { "" };
    struct guard_named a = { &log, "a", 0 }, b = { &log, "b", 0 };
    struct server_rig *rig = rig_open();
    (void)state;
    must(rpc_server_guard(rig->server, &(struct tambo_rpc_guard){ before, after, &a }) == 0);
    must(rpc_server_guard(rig->server, &(struct tambo_rpc_guard){ NULL, NULL, NULL }) == 0);
    must(rpc_server_guard(rig->server, &(struct tambo_rpc_guard){ before, after, &b }) == 0);
    rig_connect(rig, 0);
    rig_say(rig, 0, CALL("00000001", "00000002") "00000001 00000002");
    assert_string_equal(rig_heard(rig, 0), OK("00000001") " 00000003\n");
    assert_string_equal(log.text, "a+ b+ b- a- ");
    log.text[0] = '\0';
    b.rc = -TAMBO_ERR_DENIED;
    rig_say(rig, 0, CALL("00000001", "00000002") "00000001 00000002");
    assert_string_equal(rig_heard(rig, 0), REFUSED("00000001") " 00000007\n");
    assert_string_equal(log.text, "a+ b+ a-denied ");
    log.text[0] = '\0';
    b.rc = 0;
    rig_say(rig, 0, CALL("00000001", "00000004") "00000001");
    assert_string_equal(log.text, "a+ b+ ");
    rig_answer(rig);
    assert_string_equal(log.text, "a+ b+ b- a- ");
    /* What never reaches a handler does not reach a guard. */
    rig_say(rig, 0, CALL("00000001", "00000000"));
    rig_say(rig, 0, CALL("00000001", "00000009"));
    assert_string_equal(log.text, "a+ b+ b- a- ");
    rig_close(rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_call_is_answered_with_its_bytes),
        cmocka_unit_test(many_calls_in_one_write_are_answered_in_their_order),
        cmocka_unit_test(replies_leave_when_they_are_there),
        cmocka_unit_test(fragments_are_put_together),
        cmocka_unit_test(what_is_no_call_ends_a_connection_and_no_socket),
        cmocka_unit_test(a_call_that_is_too_large_ends_its_connection_before_memory_is_taken),
        cmocka_unit_test(a_handler_sees_its_caller),
        cmocka_unit_test(guards_stand_around_handlers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
