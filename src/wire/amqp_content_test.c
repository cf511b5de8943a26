/* Frames, content headers, properties, and the head of a message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/must.h"
#include "wire/amqp.h"
#include "wire/amqp_notation.h"

enum { ROOM = 2048, FRAME_MAX = 4096 };

#define V(text)                                                  \
    {                                                            \
        .data = (const uint8_t *)(text), .len = sizeof(text) - 1 \
    }

/* ---- frames ----------------------------------------------------------------------------------------------- */

static void
frames_are_waited_for(void **state)
{
    (void)state;
    uint8_t noted[ROOM], tight[ROOM];
    struct view in = noted_bytes("03 0102 00000004 [body] ce 08", noted, sizeof(noted));
    struct amqp_frame frame;
    struct fault why;
    size_t need;
    for (size_t n = 0; n < 12; n++) {
        need = 0;
        struct view cut = tight_copy(view_of(in.data, n), tight, sizeof(tight));
        assert_int_equal(amqp_frame_parse(cut, FRAME_MAX, &frame, &need, &why), 0);
        assert_int_equal(need, n < AMQP_FRAME_HEAD ? AMQP_FRAME_OVERHEAD : 12);
    }
    assert_int_equal(amqp_frame_parse(in, FRAME_MAX, &frame, &need, &why), 12);
    assert_int_equal(frame.type, AMQP_FRAME_BODY);
    assert_int_equal(frame.channel, 0x0102);
    assert_true(view_is(frame.payload, "body"));
}

static void
frames_are_refused(void **state)
{
    (void)state;
    static const struct refusal {
        const char *bytes, *clause;
        unsigned code;
    } refusals[] = {
        {"00 0000 00000000 ce",       "4.2.3", AMQP_FRAME_ERROR     },
        { "04 0000 00000000",         "4.2.3", AMQP_FRAME_ERROR     },
        { "41 4d51 50000009",         "4.2.3", AMQP_FRAME_ERROR     },
        { "01 0000 00000001 00 cf",   "4.2.3", AMQP_FRAME_ERROR     },
        { "03 0001 00000002 [ab] 00", "4.2.3", AMQP_FRAME_ERROR     },
        { "03 0001 00000ff9",         "4.2.3", AMQP_FRAME_ERROR     },
        { "03 0001 ffffffff",         "4.2.3", AMQP_FRAME_ERROR     },
        { "08 0000 00000001 00 ce",   "4.2.7", AMQP_FRAME_ERROR     },
        { "08 0001 00000000 ce",      "4.2.7", AMQP_UNEXPECTED_FRAME},
    };
    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        uint8_t noted[ROOM];
        struct amqp_frame frame;
        struct fault why = { 0 };
        size_t need;
        struct view in = noted_bytes(refusals[i].bytes, noted, sizeof(noted));
        assert_int_equal(amqp_frame_parse(in, FRAME_MAX, &frame, &need, &why), -ERR_PROTOCOL);
        assert_int_equal(why.code, refusals[i].code);
        assert_string_equal(why.clause, refusals[i].clause);
    }
}

/* The largest frame that frame_max allows, and any with none. */
static void
frames_have_a_bound(void **state)
{
    (void)state;
    uint8_t largest[] = { AMQP_FRAME_BODY, 0, 1, 0, 0, 0x0f, 0xf8 }, any[] = { AMQP_FRAME_BODY, 0, 1, 0xff, 0, 0, 0 };
    struct amqp_frame frame;
    struct fault why;
    size_t need;
    assert_int_equal(amqp_frame_parse(view_of(largest, sizeof(largest)), FRAME_MAX, &frame, &need, &why), 0);
    assert_int_equal(need, FRAME_MAX);
    assert_int_equal(amqp_frame_parse(view_of(any, sizeof(any)), 0, &frame, &need, &why), 0);
    assert_int_equal(need, 0xff000008);
}

static void
heartbeats(void **state)
{
    (void)state;
    uint8_t room[AMQP_FRAME_OVERHEAD];
    struct amqp_frame frame;
    struct fault why;
    size_t need;
    assert_int_equal(amqp_heartbeat_write(room, sizeof(room) - 1), 0);
    assert_int_equal(amqp_heartbeat_write(room, sizeof(room)), AMQP_FRAME_OVERHEAD);
    assert_memory_equal(room, "\x08\0\0\0\0\0\0\xce", sizeof(room));
    assert_int_equal(amqp_frame_parse(view_of(room, sizeof(room)), FRAME_MAX, &frame, &need, &why), 8);
    assert_int_equal(frame.type, AMQP_FRAME_HEARTBEAT);
    assert_memory_equal(AMQP_PROTOCOL_HEADER, "AMQP\x00\x00\x09\x01", AMQP_PROTOCOL_HEADER_BYTES);
}

static void
reply_codes_have_names(void **state)
{
    (void)state;
    assert_string_equal(amqp_reply_name(406), "PRECONDITION_FAILED");
    assert_string_equal(amqp_reply_name(200), "REPLY_SUCCESS");
    assert_null(amqp_reply_name(0));
    assert_null(amqp_reply_name(404 + 65536));
    assert_true(amqp_reply_is_hard(AMQP_CONNECTION_FORCED) && amqp_reply_is_hard(AMQP_NOT_ALLOWED));
    assert_false(amqp_reply_is_hard(AMQP_NOT_FOUND) || amqp_reply_is_hard(AMQP_RESOURCE_LOCKED));
}

/* ---- content headers -------------------------------------------------------------------------------------- */

static void
headers_are_read(void **state)
{
    (void)state;
    uint8_t noted[ROOM];
    struct amqp_header h;
    struct fault why;
    struct view in = noted_bytes("003c 0000 0102030405060708 1000 02", noted, sizeof(noted));
    assert_int_equal(amqp_header_parse(in, &h, &why), 0);
    assert_int_equal(h.class_id, AMQP_CLASS_BASIC);
    assert_int_equal(h.body_size, 0x0102030405060708);
    assert_int_equal(h.props.len, 3);
    for (size_t n = 0; n < AMQP_HEADER_FIXED + 2; n++) {
        assert_int_equal(amqp_header_parse(view_of(in.data, n), &h, &why), -ERR_PROTOCOL);
        assert_int_equal(why.code, AMQP_FRAME_ERROR);
    }
    in = noted_bytes("003c 0001 0000000000000000 0000", noted, sizeof(noted));
    assert_int_equal(amqp_header_parse(in, &h, &why), -ERR_PROTOCOL);
    assert_int_equal(why.code, AMQP_UNEXPECTED_FRAME);
    in = noted_bytes("0032 0000 0000000000000000 0000", noted, sizeof(noted));
    assert_int_equal(amqp_header_parse(in, &h, &why), -ERR_PROTOCOL);
    assert_int_equal(why.code, AMQP_UNEXPECTED_FRAME);
    assert_string_equal(why.clause, "4.2.6.1");
}

/* Every property, in the order of the wire, with its flag. */
/* clang-format off */
static const struct property {
    const char *bytes;
    struct amqp_properties p;
} properties[] = {
    { "8000 04[text]", { 1 << AMQP_CONTENT_TYPE, .content_type = V("text") } },
    { "4000 04[gzip]", { 1 << AMQP_CONTENT_ENCODING, .content_encoding = V("gzip") } },
    { "2000 00000003 01[k][V]", { 1 << AMQP_HEADERS, .headers = V("\1kV") } },
    { "1000 02", { 1 << AMQP_DELIVERY_MODE, .delivery_mode = 2 } },
    { "0800 09", { 1 << AMQP_PRIORITY, .priority = 9 } },
    { "0400 01[c]", { 1 << AMQP_CORRELATION_ID, .correlation_id = V("c") } },
    { "0200 01[r]", { 1 << AMQP_REPLY_TO, .reply_to = V("r") } },
    { "0100 05[60000]", { 1 << AMQP_EXPIRATION, .expiration = V("60000") } },
    { "0080 01[m]", { 1 << AMQP_MESSAGE_ID, .message_id = V("m") } },
    { "0040 0000000060000000", { 1 << AMQP_TIMESTAMP, .timestamp = 0x60000000 } },
    { "0020 01[t]", { 1 << AMQP_TYPE, .type = V("t") } },
    { "0010 05[guest]", { 1 << AMQP_USER_ID, .user_id = V("guest") } },
    { "0008 01[a]", { 1 << AMQP_APP_ID, .app_id = V("a") } },
    { "0004 00", { 1 << AMQP_CLUSTER_ID, .cluster_id = V("") } },
    { "0000", { 0 } },
    { "fffc 01[1] 01[2] 00000000 03 04 01[5] 01[6] 01[7] 01[8] 0000000000000009 01[a] 01[b] 01[c] 01[d]",
      { 0x3fff, 3, 4, V("1"), V("2"), V(""), V("5"), V("6"), V("7"), V("8"), 9, V("a"), V("b"), V("c"), V("d") } },
};
/* clang-format on */

static void
properties_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(properties); i++) {
        uint8_t noted[ROOM], written[ROOM], again[ROOM];
        struct view bytes = noted_bytes(properties[i].bytes, noted, sizeof(noted));
        struct pen p = pen_of(written, sizeof(written)), q = pen_of(again, sizeof(again));
        struct amqp_properties got;
        struct fault why;
        amqp_properties_put(&p, &properties[i].p);
        assert_true(view_equal(bytes, view_of(written, (size_t)(p.at - written))));
        assert_int_equal(amqp_properties_parse(bytes, &got, &why), 0);
        assert_int_equal(got.present, properties[i].p.present);
        amqp_properties_put(&q, &got);
        assert_true(view_equal(bytes, view_of(again, (size_t)(q.at - again))));
    }
}

static void
properties_torn_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(properties); i++) {
        uint8_t noted[ROOM], tight[ROOM];
        struct view bytes = noted_bytes(properties[i].bytes, noted, sizeof(noted));
        struct amqp_properties got;
        struct fault why;
        for (size_t n = 0; n < bytes.len; n++) {
            struct view cut = tight_copy(view_of(bytes.data, n), tight, sizeof(tight));
            assert_int_equal(amqp_properties_parse(cut, &got, &why), -ERR_PROTOCOL);
            assert_int_equal(why.code, AMQP_SYNTAX_ERROR);
        }
    }
}

static void
properties_are_refused(void **state)
{
    (void)state;
    static const struct refusal {
        const char *bytes, *clause;
    } refusals[] = {
        {"0001 0000",             "4.2.6.1"}, /* another word of flags */
        { "1001 0000 02",         "4.2.6.1"},
        { "0002",                 "4.2.6.1"}, /* the spare one */
        { "1000 02 00",           "4.2.6.1"},
        { "0000 00",              "4.2.6.1"},
        { "2000 00000003 01[kq]", "4.2.5.5"},
        { "2000 00000002 01[k]",  "4.2.5.5"},
    };
    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        uint8_t noted[ROOM];
        struct amqp_properties got;
        struct fault why = { 0 };
        struct view bytes = noted_bytes(refusals[i].bytes, noted, sizeof(noted));
        assert_int_equal(amqp_properties_parse(bytes, &got, &why), -ERR_PROTOCOL);
        assert_int_equal(why.code, AMQP_SYNTAX_ERROR);
        assert_string_equal(why.clause, refusals[i].clause);
    }
}

static void
properties_are_short(void **state)
{
    (void)state;
    static const uint8_t text[AMQP_SHORTSTR_MAX + 1];
    uint8_t room[ROOM];
    struct amqp_properties props = { 1 << AMQP_MESSAGE_ID, .message_id = view_of(text, sizeof(text)) };
    struct pen p = pen_of(room, sizeof(room));
    amqp_properties_put(&p, &props);
    assert_true(p.torn);
}

/* ---- the head of a message -------------------------------------------------------------------------------- */

static const struct amqp_method deliver = {
    AMQP_BASIC_DELIVER, .basic_deliver = {V("ctag"), 0x1122334455667788, true, V("x"), V("a.b")}
};
#define DELIVER_FRAME "01 0007 00000018 003c003c 04[ctag] 1122334455667788 01 01[x] 03[a.b] ce"

static void
check_head(struct view props, uint64_t body_size, const char *bytes)
{
    uint8_t noted[ROOM], room[ROOM];
    struct view expected = noted_bytes(bytes, noted, sizeof(noted));
    size_t most = amqp_content_head_size(&deliver, props);
    assert_int_equal(most, amqp_deliver_head_size(&deliver.basic_deliver, props));
    size_t n = amqp_content_head(room, most, 7, &deliver, props, body_size, FRAME_MAX);
    assert_true(view_equal(view_of(room, n), expected));
    n = amqp_deliver_head(room, most, 7, &deliver.basic_deliver, props, body_size, FRAME_MAX);
    assert_true(view_equal(view_of(room, n), expected));
    for (size_t less = 0; less < most; less++) {
        assert_int_equal(amqp_content_head(room, less, 7, &deliver, props, body_size, FRAME_MAX), 0);
        assert_int_equal(amqp_deliver_head(room, less, 7, &deliver.basic_deliver, props, body_size, FRAME_MAX), 0);
    }
}

static void
heads_of_messages(void **state)
{
    (void)state;
    struct view none = view_of("\0\0", 2), mode = view_of("\x10\0\2", 3);
    /* a body, none, and one that is too large for one frame */
    check_head(mode, 5, DELIVER_FRAME "02 0007 0000000f 003c0000 0000000000000005 100002 ce 03 0007 00000005");
    check_head(none, 0, DELIVER_FRAME "02 0007 0000000e 003c0000 0000000000000000 0000 ce");
    check_head(none, 5000, DELIVER_FRAME "02 0007 0000000e 003c0000 0000000000001388 0000 ce 03 0007 00000ff8");
}

static void
heads_have_short_strings(void **state)
{
    (void)state;
    static const uint8_t text[AMQP_SHORTSTR_MAX + 1];
    struct amqp_basic_deliver m = { .routing_key = view_of(text, sizeof(text)) };
    uint8_t room[ROOM];
    struct view none = view_of("\0\0", 2);
    assert_int_equal(amqp_deliver_head(room, sizeof(room), 1, &m, none, 0, FRAME_MAX), 0);
    m.routing_key.len--;
    assert_int_equal(amqp_deliver_head(room, sizeof(room), 1, &m, none, 0, FRAME_MAX),
                     amqp_deliver_head_size(&m, none) - AMQP_FRAME_HEAD);
}

static void
bodies_are_cut(void **state)
{
    (void)state;
    uint8_t room[AMQP_FRAME_HEAD];
    assert_int_equal(amqp_body_part(FRAME_MAX, 4088), 4088);
    assert_int_equal(amqp_body_part(FRAME_MAX, 4089), 4088);
    assert_int_equal(amqp_body_part(FRAME_MAX, 0), 0);
    assert_int_equal(amqp_body_part(0, 1 << 30), 1 << 30);
    assert_int_equal(amqp_body_open(room, 0x0102, 4088), AMQP_FRAME_HEAD);
    assert_memory_equal(room, "\3\1\2\0\0\x0f\xf8", AMQP_FRAME_HEAD);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_waited_for),  cmocka_unit_test(frames_are_refused),
        cmocka_unit_test(frames_have_a_bound),    cmocka_unit_test(heartbeats),
        cmocka_unit_test(reply_codes_have_names), cmocka_unit_test(headers_are_read),
        cmocka_unit_test(properties_both_ways),   cmocka_unit_test(properties_torn_anywhere),
        cmocka_unit_test(properties_are_refused), cmocka_unit_test(properties_are_short),
        cmocka_unit_test(heads_of_messages),      cmocka_unit_test(heads_have_short_strings),
        cmocka_unit_test(bodies_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
