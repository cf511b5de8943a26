/* Methods: each one's bytes, written down by the specification's grammar, against its struct, both ways; cut off at
 * each byte; and what may not be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/must.h"
#include "wire/amqp.h"
#include "wire/amqp_notation.h"

enum { ROOM = 2048, CHANNEL = 0x0102 };

#define V(text)                                                  \
    {                                                            \
        .data = (const uint8_t *)(text), .len = sizeof(text) - 1 \
    }
/* {"a": true} as a table's bytes, and as they are noted, with the length. */
#define TABLE       V("\1at\1")
#define TABLE_BYTES " 00000004 01[a] [t]01 "

/* clang-format off */
static const struct vector {
    const char *payload;
    const char *name;
    struct amqp_method m;
} vectors[] = {
    { "000a 000a 00 09" TABLE_BYTES "00000005[PLAIN] 00000005[en_US]", "connection.start",
      { AMQP_CONNECTION_START, .connection_start = { 0, 9, TABLE, V("PLAIN"), V("en_US") } } },
    { "000a 000b" TABLE_BYTES "05[PLAIN] 00000004 00[u]00[p] 05[en_US]", "connection.start-ok",
      { AMQP_CONNECTION_START_OK, .connection_start_ok = { TABLE, V("PLAIN"), V("\0u\0p"), V("en_US") } } },
    { "000a 0014 00000003[why]", "connection.secure", { AMQP_CONNECTION_SECURE, .connection_secure = { V("why") } } },
    { "000a 0015 00000002[so]", "connection.secure-ok", { AMQP_CONNECTION_SECURE_OK, .connection_secure_ok = { V("so") } } },
    { "000a 001e 07ff 00020000 003c", "connection.tune",
      { AMQP_CONNECTION_TUNE, .connection_tune = { 2047, 131072, 60 } } },
    { "000a 001f 0102 03040506 0708", "connection.tune-ok",
      { AMQP_CONNECTION_TUNE_OK, .connection_tune_ok = { 0x0102, 0x03040506, 0x0708 } } },
    { "000a 0028 01[/] 00 00", "connection.open", { AMQP_CONNECTION_OPEN, .connection_open = { V("/") } } },
    { "000a 0029 00", "connection.open-ok", { AMQP_CONNECTION_OPEN_OK } },
    { "000a 0032 0140 03[bye] 0032 000a", "connection.close",
      { AMQP_CONNECTION_CLOSE, .connection_close = { 320, V("bye"), 50, 10 } } },
    { "000a 0033", "connection.close-ok", { AMQP_CONNECTION_CLOSE_OK } },
    { "000a 003c 0b[low on disk]", "connection.blocked",
      { AMQP_CONNECTION_BLOCKED, .connection_blocked = { V("low on disk") } } },
    { "000a 003d", "connection.unblocked", { AMQP_CONNECTION_UNBLOCKED } },
    { "000a 0046 00000003[tok] 03[old]", "connection.update-secret",
      { AMQP_CONNECTION_UPDATE_SECRET, .connection_update_secret = { V("tok"), V("old") } } },
    { "000a 0047", "connection.update-secret-ok", { AMQP_CONNECTION_UPDATE_SECRET_OK } },

    { "0014 000a 00", "channel.open", { AMQP_CHANNEL_OPEN } },
    { "0014 000b 00000000", "channel.open-ok", { AMQP_CHANNEL_OPEN_OK } },
    { "0014 0014 01", "channel.flow", { AMQP_CHANNEL_FLOW, .channel_flow = { true } } },
    { "0014 0015 00", "channel.flow-ok", { AMQP_CHANNEL_FLOW_OK, .channel_flow_ok = { false } } },
    { "0014 0028 0194 0a[NOT_FOUND!] 003c 0028", "channel.close",
      { AMQP_CHANNEL_CLOSE, .channel_close = { 404, V("NOT_FOUND!"), 60, 40 } } },
    { "0014 0029", "channel.close-ok", { AMQP_CHANNEL_CLOSE_OK } },

    { "001e 000a 05[/data] 15", "access.request",
      { AMQP_ACCESS_REQUEST, .access_request = { V("/data"), true, false, true, false, true } } },
    { "001e 000b 0001", "access.request-ok", { AMQP_ACCESS_REQUEST_OK, .access_request_ok = { 1 } } },

    { "0028 000a 0000 01[x] 05[topic] 12" TABLE_BYTES, "exchange.declare",
      { AMQP_EXCHANGE_DECLARE, .exchange_declare = { V("x"), V("topic"), .durable = true, .no_wait = true, .arguments = TABLE } } },
    { "0028 000b", "exchange.declare-ok", { AMQP_EXCHANGE_DECLARE_OK } },
    { "0028 0014 0000 01[x] 01", "exchange.delete",
      { AMQP_EXCHANGE_DELETE, .exchange_delete = { V("x"), .if_unused = true } } },
    { "0028 0015", "exchange.delete-ok", { AMQP_EXCHANGE_DELETE_OK } },
    { "0028 001e 0000 02[to] 04[from] 03[key] 01" TABLE_BYTES, "exchange.bind",
      { AMQP_EXCHANGE_BIND, .exchange_bind = { V("to"), V("from"), V("key"), true, TABLE } } },
    { "0028 001f", "exchange.bind-ok", { AMQP_EXCHANGE_BIND_OK } },
    { "0028 0028 0000 02[to] 04[from] 03[key] 00" TABLE_BYTES, "exchange.unbind",
      { AMQP_EXCHANGE_UNBIND, .exchange_unbind = { V("to"), V("from"), V("key"), false, TABLE } } },
    { "0028 0033", "exchange.unbind-ok", { AMQP_EXCHANGE_UNBIND_OK } },

    { "0032 000a 0000 01[q] 0e" TABLE_BYTES, "queue.declare",
      { AMQP_QUEUE_DECLARE, .queue_declare = { V("q"), false, true, true, true, false, TABLE } } },
    { "0032 000b 01[q] 00000007 00000002", "queue.declare-ok",
      { AMQP_QUEUE_DECLARE_OK, .queue_declare_ok = { V("q"), 7, 2 } } },
    { "0032 0014 0000 01[q] 01[x] 03[a.#] 00" TABLE_BYTES, "queue.bind",
      { AMQP_QUEUE_BIND, .queue_bind = { V("q"), V("x"), V("a.#"), false, TABLE } } },
    { "0032 0015", "queue.bind-ok", { AMQP_QUEUE_BIND_OK } },
    { "0032 001e 0000 01[q] 01", "queue.purge", { AMQP_QUEUE_PURGE, .queue_purge = { V("q"), true } } },
    { "0032 001f fffffffe", "queue.purge-ok", { AMQP_QUEUE_PURGE_OK, .queue_purge_ok = { 0xfffffffe } } },
    { "0032 0028 0000 01[q] 06", "queue.delete",
      { AMQP_QUEUE_DELETE, .queue_delete = { V("q"), .if_empty = true, .no_wait = true } } },
    { "0032 0029 00000003", "queue.delete-ok", { AMQP_QUEUE_DELETE_OK, .queue_delete_ok = { 3 } } },
    { "0032 0032 0000 01[q] 01[x] 01[k]" TABLE_BYTES, "queue.unbind",
      { AMQP_QUEUE_UNBIND, .queue_unbind = { V("q"), V("x"), V("k"), TABLE } } },
    { "0032 0033", "queue.unbind-ok", { AMQP_QUEUE_UNBIND_OK } },

    { "003c 000a 00000000 03e8 01", "basic.qos", { AMQP_BASIC_QOS, .basic_qos = { 0, 1000, true } } },
    { "003c 000b", "basic.qos-ok", { AMQP_BASIC_QOS_OK } },
    { "003c 0014 0000 01[q] 02[t1] 0a" TABLE_BYTES, "basic.consume",
      { AMQP_BASIC_CONSUME, .basic_consume = { V("q"), V("t1"), .no_ack = true, .no_wait = true, .arguments = TABLE } } },
    { "003c 0015 02[t1]", "basic.consume-ok", { AMQP_BASIC_CONSUME_OK, .basic_consume_ok = { V("t1") } } },
    { "003c 001e 02[t1] 01", "basic.cancel", { AMQP_BASIC_CANCEL, .basic_cancel = { V("t1"), true } } },
    { "003c 001f 02[t1]", "basic.cancel-ok", { AMQP_BASIC_CANCEL_OK, .basic_cancel_ok = { V("t1") } } },
    { "003c 0028 0000 01[x] 03[a.b] 01", "basic.publish",
      { AMQP_BASIC_PUBLISH, .basic_publish = { V("x"), V("a.b"), .mandatory = true } } },
    { "003c 0032 0138 08[NO_ROUTE] 01[x] 01[k]", "basic.return",
      { AMQP_BASIC_RETURN, .basic_return = { 312, V("NO_ROUTE"), V("x"), V("k") } } },
    { "003c 003c 02[t1] 0102030405060708 01 01[x] 01[k]", "basic.deliver",
      { AMQP_BASIC_DELIVER, .basic_deliver = { V("t1"), 0x0102030405060708, true, V("x"), V("k") } } },
    { "003c 0046 0000 01[q] 01", "basic.get", { AMQP_BASIC_GET, .basic_get = { V("q"), true } } },
    { "003c 0047 0000000000000009 00 00 01[q] 00000004", "basic.get-ok",
      { AMQP_BASIC_GET_OK, .basic_get_ok = { 9, false, V(""), V("q"), 4 } } },
    { "003c 0048 00", "basic.get-empty", { AMQP_BASIC_GET_EMPTY } },
    { "003c 0050 00000000000000ff 01", "basic.ack", { AMQP_BASIC_ACK, .basic_ack = { 255, true } } },
    { "003c 005a 0000000000000001 00", "basic.reject", { AMQP_BASIC_REJECT, .basic_reject = { 1, false } } },
    { "003c 0064 01", "basic.recover-async", { AMQP_BASIC_RECOVER_ASYNC, .basic_recover_async = { true } } },
    { "003c 006e 01", "basic.recover", { AMQP_BASIC_RECOVER, .basic_recover = { true } } },
    { "003c 006f", "basic.recover-ok", { AMQP_BASIC_RECOVER_OK } },
    { "003c 0078 0000000000000002 02", "basic.nack", { AMQP_BASIC_NACK, .basic_nack = { 2, false, true } } },

    { "0055 000a 01", "confirm.select", { AMQP_CONFIRM_SELECT, .confirm_select = { true } } },
    { "0055 000b", "confirm.select-ok", { AMQP_CONFIRM_SELECT_OK } },

    { "005a 000a", "tx.select", { AMQP_TX_SELECT } },
    { "005a 000b", "tx.select-ok", { AMQP_TX_SELECT_OK } },
    { "005a 0014", "tx.commit", { AMQP_TX_COMMIT } },
    { "005a 0015", "tx.commit-ok", { AMQP_TX_COMMIT_OK } },
    { "005a 001e", "tx.rollback", { AMQP_TX_ROLLBACK } },
    { "005a 001f", "tx.rollback-ok", { AMQP_TX_ROLLBACK_OK } },
};
/* clang-format on */

static void
check_frame(struct view frame, struct view payload)
{
    struct amqp_frame got;
    struct fault why;
    size_t need;
    assert_int_equal(amqp_frame_parse(frame, 0, &got, &need, &why), (int64_t)frame.len);
    assert_int_equal(got.type, AMQP_FRAME_METHOD);
    assert_int_equal(got.channel, CHANNEL);
    assert_true(view_equal(got.payload, payload));
}

static void
writes_as_noted(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(vectors); i++) {
        const struct amqp_method *m = &vectors[i].m;
        uint8_t noted[ROOM], written[ROOM];
        struct view payload = noted_bytes(vectors[i].payload, noted, sizeof(noted));
        size_t n = amqp_method_write(written, sizeof(written), CHANNEL, m);
        assert_int_equal(n, payload.len + AMQP_FRAME_OVERHEAD);
        assert_int_equal(n, amqp_method_size(m));
        check_frame(view_of(written, n), payload);
        for (size_t room = 0; room < n; room++)
            assert_int_equal(amqp_method_write(written, room, CHANNEL, m), 0);
    }
}

static void
reads_what_is_noted(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(vectors); i++) {
        uint8_t noted[ROOM], again[ROOM];
        struct view payload = noted_bytes(vectors[i].payload, noted, sizeof(noted));
        struct amqp_method m;
        struct fault why;
        assert_int_equal(amqp_method_parse(payload, &m, &why), 0);
        assert_int_equal(m.id, vectors[i].m.id);
        assert_string_equal(amqp_method_name(m.id), vectors[i].name);
        size_t n = amqp_method_write(again, sizeof(again), CHANNEL, &m);
        check_frame(view_of(again, n), payload);
    }
}

/* Cut off at each byte it is no method; nor with one byte more. */
static void
torn_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(vectors); i++) {
        uint8_t noted[ROOM], tight[ROOM];
        struct view payload = noted_bytes(vectors[i].payload, noted, sizeof(noted) - 1);
        struct amqp_method m;
        struct fault why = { 0 };
        for (size_t n = 0; n < payload.len; n++) {
            struct view cut = tight_copy(view_of(payload.data, n), tight, sizeof(tight));
            assert_int_equal(amqp_method_parse(cut, &m, &why), -ERR_PROTOCOL);
            assert_int_equal(why.code, AMQP_FRAME_ERROR);
            assert_string_equal(why.clause, "4.2.4");
        }
        noted[payload.len] = 0;
        assert_int_equal(amqp_method_parse(view_of(noted, payload.len + 1), &m, &why), -ERR_PROTOCOL);
        assert_int_equal(why.code, AMQP_FRAME_ERROR);
    }
}

/* 4.2.5.2: the first of consecutive bits is the lowest. */
static void
bits_are_packed(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 32; bits++) {
        uint8_t payload[] = { 0, 30, 0, 10, 0, (uint8_t)bits };
        struct amqp_method m;
        struct fault why;
        assert_int_equal(amqp_method_parse(view_of(payload, sizeof(payload)), &m, &why), 0);
        const struct amqp_access_request *r = &m.access_request;
        assert_int_equal(r->exclusive | r->passive << 1 | r->active << 2 | r->write << 3 | r->read << 4, bits);
    }
}

/* Bits of an octet that no argument uses are not looked at, as in RabbitMQ. */
static void
spare_bits_are_free(void **state)
{
    (void)state;
    uint8_t payload[] = { 0, 20, 0, 20, 0xff };
    struct amqp_method m;
    struct fault why;
    assert_int_equal(amqp_method_parse(view_of(payload, sizeof(payload)), &m, &why), 0);
    assert_true(m.channel_flow.active);
}

static void
refuses(void **state)
{
    (void)state;
    static const struct refusal {
        const char *payload, *clause;
        unsigned code;
        uint32_t id; /* which is known all the same */
    } refusals[] = {
        {"",                                        "4.2.4",   AMQP_FRAME_ERROR,     0                 },
        { "000a 00",                                "4.2.4",   AMQP_FRAME_ERROR,     0                 },
        { "000b 000a",                              "4.2.4",   AMQP_NOT_IMPLEMENTED, 11 << 16 | 10     },
        { "ffff ffff 00",                           "4.2.4",   AMQP_NOT_IMPLEMENTED, UINT32_MAX        },
        { "003c 0001",                              "4.2.4",   AMQP_COMMAND_INVALID, 60 << 16 | 1      },
        { "000a 000c",                              "4.2.4",   AMQP_COMMAND_INVALID, 10 << 16 | 12     },
        { "005a 0020",                              "4.2.4",   AMQP_COMMAND_INVALID, 90 << 16 | 32     },
        { "003c 001e 02 ff[x] 01",                  "4.2.5.3", AMQP_FRAME_ERROR,     AMQP_BASIC_CANCEL },
        { "0032 0014 0000 00 00 01 00 00 00000000", "4.2.5.3", AMQP_FRAME_ERROR,     AMQP_QUEUE_BIND   },
        { "0032 000a 0000 00 00 00000003 01[at]",   "4.2.5.5", AMQP_SYNTAX_ERROR,    AMQP_QUEUE_DECLARE},
        { "0032 000a 0000 00 00 00000003 01[aq]",   "4.2.5.5", AMQP_SYNTAX_ERROR,    AMQP_QUEUE_DECLARE},
    };
    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        uint8_t noted[ROOM], tight[ROOM];
        struct view payload = noted_bytes(refusals[i].payload, noted, sizeof(noted));
        struct amqp_method m = { 0 };
        struct fault why = { 0 };
        payload = tight_copy(payload, tight, sizeof(tight));
        assert_int_equal(amqp_method_parse(payload, &m, &why), -ERR_PROTOCOL);
        assert_int_equal(why.code, refusals[i].code);
        assert_string_equal(why.clause, refusals[i].clause);
        assert_non_null(why.text);
        assert_int_equal(m.id, refusals[i].id);
    }
}

/* Methods with content are the fast ones: their short strings are not checked to be text, as in RabbitMQ. */
static void
content_strings_are_free(void **state)
{
    (void)state;
    uint8_t noted[ROOM];
    struct view payload = noted_bytes("003c 0028 0000 00 02 fffe 00", noted, sizeof(noted));
    struct amqp_method m;
    struct fault why;
    assert_int_equal(amqp_method_parse(payload, &m, &why), 0);
    assert_int_equal(m.basic_publish.routing_key.len, 2);
}

/* 4.2.5.3: 255 bytes at most. */
static void
short_strings_are_short(void **state)
{
    (void)state;
    static const uint8_t text[AMQP_SHORTSTR_MAX + 1];
    struct amqp_method m = { AMQP_BASIC_PUBLISH, .basic_publish = { .routing_key = view_of(text, AMQP_SHORTSTR_MAX) } };
    uint8_t room[ROOM];
    assert_int_equal(amqp_method_write(room, sizeof(room), 1, &m), amqp_method_size(&m));
    m.basic_publish.routing_key.len++;
    assert_int_equal(amqp_method_write(room, sizeof(room), 1, &m), 0);
}

static void
knows_which_have_content(void **state)
{
    (void)state;
    unsigned count = 0;
    for (size_t i = 0; i < COUNT_OF(vectors); i++)
        count += amqp_method_has_content(vectors[i].m.id);
    assert_int_equal(count, 4);
    assert_true(amqp_method_has_content(AMQP_BASIC_PUBLISH) && amqp_method_has_content(AMQP_BASIC_RETURN));
    assert_true(amqp_method_has_content(AMQP_BASIC_DELIVER) && amqp_method_has_content(AMQP_BASIC_GET_OK));
    assert_false(amqp_method_has_content(60 << 16 | 1));
    assert_null(amqp_method_name(60 << 16 | 1));
    assert_null(amqp_method_name(0));
    assert_null(amqp_method_name(UINT32_MAX));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_as_noted),
        cmocka_unit_test(reads_what_is_noted),
        cmocka_unit_test(torn_anywhere),
        cmocka_unit_test(bits_are_packed),
        cmocka_unit_test(spare_bits_are_free),
        cmocka_unit_test(refuses),
        cmocka_unit_test(content_strings_are_free),
        cmocka_unit_test(short_strings_are_short),
        cmocka_unit_test(knows_which_have_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
