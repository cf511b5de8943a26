/* ONC RPC: messages, marks and credentials as RFC 5531 draws them, both ways; cut off at each byte, where the address
 * space ends; and what may not be, rule by rule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/must.h"
#include "guard.h"
#include "notation.h"
#include "wire/oncrpc.h"
#include "wire/oncrpc_rule.h"

enum { ROOM = 2048 };

#define V(text)                                                  \
    {                                                            \
        .data = (const uint8_t *)(text), .len = sizeof(text) - 1 \
    }
#define NONE      "00000000 00000000 "
#define CALL_HEAD "12345678 00000000 00000002 000186a3 00000003 00000006 "
#define ACCEPTED  "12345678 00000001 00000000 "
#define DENIED    "12345678 00000001 00000001 "
#define HUNDRED                                                                                                 \
    "00112233445566778899 00112233445566778899 00112233445566778899 00112233445566778899 00112233445566778899 " \
    "00112233445566778899 00112233445566778899 00112233445566778899 00112233445566778899 00112233445566778899 "

static struct view
bytes_of(const char *notation, uint8_t room[ROOM])
{
    return view_of(room, notation_bytes(notation, room, ROOM));
}

/* ---- messages --------------------------------------------------------------------------------------------------- */

/* clang-format off */
static const struct vector {
    const char *name, *bytes;
    struct oncrpc_message m;
} vectors[] = {
    { "a call (9)", CALL_HEAD NONE NONE,
      { 0x12345678, false, .call = { 100003, 3, 6 } } },
    { "a call with arguments", CALL_HEAD NONE NONE "[args]",
      { 0x12345678, false, .call = { 100003, 3, 6 }, V("args") } },
    { "a call with a credential, padded (8.2)", CALL_HEAD "00000001 00000005 [creds]000000" NONE "[args]",
      { 0x12345678, false, .call = { 100003, 3, 6, { 1, V("creds") } }, V("args") } },
    { "a call with a verifier of an unknown flavor", CALL_HEAD NONE "ffffffff 00000004 [verf]" "[args]",
      { 0x12345678, false, .call = { 100003, 3, 6, { 0 }, { 0xffffffff, V("verf") } }, V("args") } },
    { "SUCCESS (9)", ACCEPTED NONE "00000000 [results]",
      { 0x12345678, true, .reply = { ONCRPC_SUCCESS }, V("results") } },
    { "SUCCESS with AUTH_SHORT (A)", ACCEPTED "00000002 00000008 [shorthan]" "00000000",
      { 0x12345678, true, .reply = { ONCRPC_SUCCESS, .verf = { 2, V("shorthan") } } } },
    { "PROG_UNAVAIL (9)", ACCEPTED NONE "00000001",
      { 0x12345678, true, .reply = { ONCRPC_PROG_UNAVAIL } } },
    { "PROG_MISMATCH (9)", ACCEPTED NONE "00000002 00000002 00000004",
      { 0x12345678, true, .reply = { ONCRPC_PROG_MISMATCH, 2, 4 } } },
    { "PROC_UNAVAIL (9)", ACCEPTED NONE "00000003",
      { 0x12345678, true, .reply = { ONCRPC_PROC_UNAVAIL } } },
    { "GARBAGE_ARGS (9)", ACCEPTED NONE "00000004",
      { 0x12345678, true, .reply = { ONCRPC_GARBAGE_ARGS } } },
    { "SYSTEM_ERR (9)", ACCEPTED NONE "00000005",
      { 0x12345678, true, .reply = { ONCRPC_SYSTEM_ERR } } },
    { "RPC_MISMATCH (9)", DENIED "00000000 00000002 00000003",
      { 0x12345678, true, .reply = { ONCRPC_RPC_MISMATCH, 2, 3 } } },
    { "AUTH_ERROR (9)", DENIED "00000001 00000005",
      { 0x12345678, true, .reply = { ONCRPC_AUTH_ERROR, .auth_stat = 5 } } },
    { "the longest credential (8.2)", CALL_HEAD "00000006 00000190" HUNDRED HUNDRED HUNDRED HUNDRED NONE,
      { 0x12345678, false, .call = { 100003, 3, 6, { 6 } } } },
};
/* clang-format on */

static void
assert_auth(const struct oncrpc_auth *is, const struct oncrpc_auth *should)
{
    assert_int_equal(is->flavor, should->flavor);
    if (should->flavor != 6)
        assert_true(view_equal(is->body, should->body));
    else
        assert_int_equal(is->body.len, ONCRPC_AUTH_BYTES_MAX);
}

static void
assert_message(const struct oncrpc_message *is, const struct oncrpc_message *should)
{
    assert_int_equal(is->xid, should->xid);
    assert_int_equal(is->is_reply, should->is_reply);
    assert_true(view_equal(is->body, should->body));
    if (is->is_reply) {
        assert_int_equal(is->reply.status, should->reply.status);
        assert_int_equal(is->reply.low, should->reply.low);
        assert_int_equal(is->reply.high, should->reply.high);
        assert_int_equal(is->reply.auth_stat, should->reply.auth_stat);
        assert_auth(&is->reply.verf, &should->reply.verf);
    } else {
        assert_int_equal(is->call.program, should->call.program);
        assert_int_equal(is->call.version, should->call.version);
        assert_int_equal(is->call.procedure, should->call.procedure);
        assert_auth(&is->call.cred, &should->call.cred);
        assert_auth(&is->call.verf, &should->call.verf);
    }
}

static size_t
message_write(const struct oncrpc_message *m, uint8_t *room, size_t size)
{
    struct pen pen = pen_of(room, size);
    if (m->is_reply)
        oncrpc_reply_write(&pen, m->xid, &m->reply);
    else
        oncrpc_call_write(&pen, m->xid, &m->call);
    put_bytes(&pen, m->body);
    return pen.torn ? 0 : (size_t)(pen.at - room);
}

static void
messages_are_read_and_written_as_they_are_drawn(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(vectors); i++) {
        uint8_t room[ROOM], again[ROOM];
        struct view in = bytes_of(vectors[i].bytes, room);
        struct oncrpc_message m;
        struct fault why;
        print_message("%s\n", vectors[i].name);
        assert_int_equal(oncrpc_parse(in, &m, &why), 0);
        assert_message(&m, &vectors[i].m);
        assert_true(view_equal(view_of(again, message_write(&m, again, sizeof(again))), in));
        for (size_t n = 0; n < in.len; n++)
            assert_int_equal(message_write(&m, again, n), 0);
    }
}

/* Where the head ends, and not before, a message is whole: what follows is its body, however long. */
static void
messages_cut_anywhere(void **state)
{
    struct guard guard;
    (void)state;
    guard_init(&guard, ROOM);
    for (size_t i = 0; i < COUNT_OF(vectors); i++) {
        uint8_t room[ROOM];
        struct view in = bytes_of(vectors[i].bytes, room);
        size_t head = in.len - vectors[i].m.body.len;
        for (size_t n = 0; n <= in.len; n++) {
            struct oncrpc_message m;
            struct fault why = { 0 };
            int rc = oncrpc_parse(guard_place(&guard, view_of(in.data, n)), &m, &why);
            assert_int_equal(rc, n < head ? -ERR_PROTOCOL : 0);
            if (rc < 0)
                assert_string_equal(why.clause, "5531/9");
            else
                assert_int_equal(m.body.len, n - head);
        }
    }
    guard_fini(&guard);
}

/* RFC 4506 says zeros; old programs send what lay there. */
static void
padding_may_be_anything(void **state)
{
    uint8_t room[ROOM];
    struct oncrpc_message m;
    struct fault why;
    (void)state;
    struct view in = bytes_of(CALL_HEAD "00000001 00000001 [c]ffffff" NONE, room);
    assert_int_equal(oncrpc_parse(in, &m, &why), 0);
    assert_true(view_is(m.call.cred.body, "c"));
}

/* The layout behind the version is that version's own. */
static void
another_version_is_known_by_its_number_alone(void **state)
{
    uint8_t room[ROOM];
    struct oncrpc_message m = { 0 };
    struct fault why;
    (void)state;
    assert_int_equal(oncrpc_parse(bytes_of("0000002a 00000000 00000003", room), &m, &why), -ERR_VERSION);
    assert_int_equal(m.xid, 42);
    assert_int_equal(oncrpc_parse(bytes_of("0000002b 00000000 00000001 ffff", room), &m, &why), -ERR_VERSION);
    assert_int_equal(m.xid, 43);
}

static void
messages_that_may_not_be(void **state)
{
    static const struct {
        const char *bytes;
        enum oncrpc_rule rule;
    } rows[] = {
        {"00000001 00000002",                                                            ONCRPC_RULE_MSG_TYPE   },
        { "00000001 ffffffff 00000002",                                                  ONCRPC_RULE_MSG_TYPE   },
        { "00000001 00000001 00000002 00000000",                                         ONCRPC_RULE_REPLY_STAT },
        { ACCEPTED NONE "00000006",                                                      ONCRPC_RULE_ACCEPT_STAT},
        { ACCEPTED NONE "80000000",                                                      ONCRPC_RULE_ACCEPT_STAT},
        { DENIED "00000002 00000000 00000000",                                           ONCRPC_RULE_REJECT_STAT},
        { CALL_HEAD "00000001 00000191" HUNDRED HUNDRED HUNDRED HUNDRED "00000000" NONE, ONCRPC_RULE_AUTH_SIZE  },
        { CALL_HEAD "00000001 ffffffff",                                                 ONCRPC_RULE_AUTH_SIZE  },
        { CALL_HEAD NONE "00000001 00000194",                                            ONCRPC_RULE_AUTH_SIZE  },
        { ACCEPTED "00000001 7fffffff",                                                  ONCRPC_RULE_AUTH_SIZE  },
        { "",                                                                            ONCRPC_RULE_TORN       },
        { CALL_HEAD "00000001 00000004 [cre]",                                           ONCRPC_RULE_TORN       },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t room[ROOM];
        struct oncrpc_message m;
        struct fault why = { 0 }, should;
        oncrpc_breach(&should, rows[i].rule);
        assert_int_equal(oncrpc_parse(bytes_of(rows[i].bytes, room), &m, &why), -ERR_PROTOCOL);
        assert_string_equal(why.text, should.text);
    }
}

/* ---- records ---------------------------------------------------------------------------------------------------- */

static void
marks(void **state)
{
    static const struct {
        const char *bytes;
        struct oncrpc_mark mark;
    } rows[] = {
        {"00000000",  { false, 0 }         },
        { "80000000", { true, 0 }          },
        { "00000028", { false, 40 }        },
        { "80000028", { true, 40 }         },
        { "7fffffff", { false, 0x7fffffff }},
        { "ffffffff", { true, 0x7fffffff } },
    };
    struct guard guard;
    (void)state;
    guard_init(&guard, ONCRPC_MARK_BYTES);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t room[ROOM], again[ONCRPC_MARK_BYTES];
        struct oncrpc_mark mark;
        struct view in = bytes_of(rows[i].bytes, room);
        for (size_t n = 0; n < ONCRPC_MARK_BYTES; n++)
            assert_int_equal(oncrpc_mark_parse(guard_place(&guard, view_of(in.data, n)), &mark), 0);
        assert_int_equal(oncrpc_mark_parse(guard_place(&guard, in), &mark), ONCRPC_MARK_BYTES);
        assert_int_equal(mark.is_last, rows[i].mark.is_last);
        assert_int_equal(mark.len, rows[i].mark.len);
        oncrpc_mark_write(again, mark);
        assert_memory_equal(again, in.data, ONCRPC_MARK_BYTES);
    }
    guard_fini(&guard);
}

/* ---- AUTH_SYS ---------------------------------------------------------------------------------------------------- */

#define SYS_HEAD "0000002a 00000005 [krill]000000 000003e8 000003e9 "

static void
credentials_of_auth_sys(void **state)
{
    struct guard guard;
    uint8_t room[ROOM], again[ROOM];
    struct oncrpc_sys sys;
    struct fault why;
    (void)state;
    guard_init(&guard, ROOM);
    struct view in = bytes_of(SYS_HEAD "00000002 00000004 00000018", room);
    for (size_t n = 0; n < in.len; n++)
        assert_int_equal(oncrpc_sys_parse(guard_place(&guard, view_of(in.data, n)), &sys, &why), -ERR_PROTOCOL);
    assert_int_equal(oncrpc_sys_parse(in, &sys, &why), 0);
    assert_int_equal(sys.stamp, 42);
    assert_int_equal(sys.uid, 1000);
    assert_int_equal(sys.gid, 1001);
    assert_true(view_is(sys.machine, "krill"));
    assert_int_equal(sys.group_count, 2);
    assert_int_equal(sys.groups[0], 4);
    assert_int_equal(sys.groups[1], 24);
    struct pen pen = pen_of(again, sizeof(again));
    oncrpc_sys_write(&pen, &sys);
    assert_true(view_equal(view_of(again, (size_t)(pen.at - again)), in));
    guard_fini(&guard);
}

static void
credentials_of_auth_sys_that_may_not_be(void **state)
{
    static const struct {
        const char *bytes;
        enum oncrpc_rule rule;
    } rows[] = {
        {SYS_HEAD "00000011" HUNDRED,                  ONCRPC_RULE_SYS_GROUPS },
        { SYS_HEAD "ffffffff",                         ONCRPC_RULE_SYS_GROUPS },
        { SYS_HEAD "00000001 00000004 00000018",       ONCRPC_RULE_SYS_SIZE   },
        { "0000002a 00000100" HUNDRED HUNDRED HUNDRED, ONCRPC_RULE_SYS_MACHINE},
        { "0000002a ffffffff",                         ONCRPC_RULE_SYS_MACHINE},
        { "0000002a 000000ff [k]",                     ONCRPC_RULE_SYS_SIZE   },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t room[ROOM];
        struct oncrpc_sys sys;
        struct fault why = { 0 }, should;
        oncrpc_breach(&should, rows[i].rule);
        assert_int_equal(oncrpc_sys_parse(bytes_of(rows[i].bytes, room), &sys, &why), -ERR_PROTOCOL);
        assert_string_equal(why.text, should.text);
    }
}

/* ---- what Tambo's own say ---------------------------------------------------------------------------------------- */

#define EXTRA_TAIL "000102030405060708090a0b0c0d0e0f 0000000100000002 0000000000000003 fedcba9876543210"

static void
verifiers_of_ours(void **state)
{
    struct guard guard;
    uint8_t room[ROOM], again[ONCRPC_EXTRA_BYTES];
    struct oncrpc_extra extra;
    struct fault why;
    (void)state;
    guard_init(&guard, ROOM);
    struct view in = bytes_of("00000006 000003e8" EXTRA_TAIL "00", room);
    for (size_t n = 0; n <= in.len; n++) {
        int rc = oncrpc_extra_parse(guard_place(&guard, view_of(in.data, n)), &extra, &why);
        assert_int_equal(rc, n == ONCRPC_EXTRA_BYTES ? 0 : -ERR_PROTOCOL);
    }
    assert_int_equal(extra.flags, ONCRPC_EXTRA_RECEIPT | ONCRPC_EXTRA_ONCE);
    assert_int_equal(extra.left_ms, 1000);
    assert_int_equal(extra.client[15], 15);
    assert_int_equal(extra.sequence, 0x100000002);
    assert_int_equal(extra.settled, 3);
    assert_true(extra.boot == 0xfedcba9876543210);
    struct pen pen = pen_of(again, sizeof(again));
    oncrpc_extra_write(&pen, &extra);
    assert_false(pen.torn);
    assert_memory_equal(again, in.data, ONCRPC_EXTRA_BYTES);
    assert_int_equal(oncrpc_extra_parse(bytes_of("00000008 00000000" EXTRA_TAIL, room), &extra, &why), -ERR_PROTOCOL);
    assert_string_equal(why.clause, "Tambo");
    guard_fini(&guard);
}

/* ---- errors ------------------------------------------------------------------------------------------------------ */

static void
errors_reach_the_other_side(void **state)
{
    static const struct {
        int server, client;
        enum oncrpc_status status;
    } rows[] = {
        {0,                0,               ONCRPC_SUCCESS      },
        { -ERR_PROGRAM,    -ERR_PROGRAM,    ONCRPC_PROG_UNAVAIL },
        { -ERR_VERSION,    -ERR_VERSION,    ONCRPC_PROG_MISMATCH},
        { -ERR_PROCEDURE,  -ERR_PROCEDURE,  ONCRPC_PROC_UNAVAIL },
        { -ERR_ARGUMENTS,  -ERR_ARGUMENTS,  ONCRPC_GARBAGE_ARGS },
        { -ERR_FAILED,     -ERR_FAILED,     ONCRPC_SYSTEM_ERR   },
        { -ERR_OVERLOADED, -ERR_OVERLOADED, ONCRPC_SYSTEM_ERR   },
        { -ERR_DENIED,     -ERR_DENIED,     ONCRPC_AUTH_ERROR   },
        { -ERR_DISK_FULL,  -ERR_FAILED,     ONCRPC_SYSTEM_ERR   },
        { -ERR_PROTOCOL,   -ERR_FAILED,     ONCRPC_SYSTEM_ERR   },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t room[ROOM];
        struct oncrpc_message m = { .xid = 7, .is_reply = true, .reply = oncrpc_reply_of(rows[i].server) };
        struct oncrpc_message heard;
        struct fault why;
        assert_int_equal(m.reply.status, rows[i].status);
        size_t n = message_write(&m, room, sizeof(room));
        assert_int_equal(oncrpc_parse(view_of(room, n), &heard, &why), 0);
        assert_int_equal(oncrpc_reply_err(&heard.reply), rows[i].client);
    }
    assert_int_equal(oncrpc_reply_err(&(struct oncrpc_reply){ .status = ONCRPC_RPC_MISMATCH }), -ERR_VERSION);
}

static void
statuses_have_names(void **state)
{
    (void)state;
    assert_string_equal(oncrpc_status_name(ONCRPC_SUCCESS), "SUCCESS");
    assert_string_equal(oncrpc_status_name(ONCRPC_RPC_MISMATCH), "RPC_MISMATCH");
    assert_string_equal(oncrpc_status_name((enum oncrpc_status)9), "an unknown status");
    assert_string_equal(oncrpc_auth_stat_name(5), "AUTH_TOOWEAK");
    assert_string_equal(oncrpc_auth_stat_name(14), "RPCSEC_GSS_CTXPROBLEM");
    assert_string_equal(oncrpc_auth_stat_name(15), "an unknown auth_stat");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_read_and_written_as_they_are_drawn),
        cmocka_unit_test(messages_cut_anywhere),
        cmocka_unit_test(padding_may_be_anything),
        cmocka_unit_test(another_version_is_known_by_its_number_alone),
        cmocka_unit_test(messages_that_may_not_be),
        cmocka_unit_test(marks),
        cmocka_unit_test(credentials_of_auth_sys),
        cmocka_unit_test(credentials_of_auth_sys_that_may_not_be),
        cmocka_unit_test(verifiers_of_ours),
        cmocka_unit_test(errors_reach_the_other_side),
        cmocka_unit_test(statuses_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
