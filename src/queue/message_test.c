/* Messages keep what they were given, and envelopes come back from their bytes or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/prng.h"
#include "queue/message.h"

enum { RECORD_ROOM = 256 };

static struct envelope
sample(void)
{
    return (struct envelope){
        .topic = view_str("a/b"),
        .props = view_of("\x03\x00\x01t", 4),
        .body = view_str("hello"),
        .published_ms = UINT64_C(0x0123456789abcdef),
        .expires_ms = UINT64_C(0xfedcba9876543210),
        .encoding = ENCODING_MQTT5,
        .qos = 2,
        .retain = true,
    };
}

/* The whole record as a writer of the log makes it. */
static size_t
write_record(const struct envelope *env, uint8_t room[static RECORD_ROOM])
{
    uint8_t head[ENVELOPE_HEAD_BYTES_MAX];
    struct pen pen = pen_of(room, RECORD_ROOM);
    put_bytes(&pen, view_of(head, envelope_head(env, head)));
    put_bytes(&pen, env->topic);
    put_bytes(&pen, env->props);
    put_bytes(&pen, env->body);
    assert_false(pen.torn);
    return (size_t)(pen.at - room);
}

static void
assert_same(const struct envelope *a, const struct envelope *b)
{
    assert_true(view_equal(a->topic, b->topic));
    assert_true(view_equal(a->props, b->props));
    assert_true(view_equal(a->body, b->body));
    assert_int_equal(a->published_ms, b->published_ms);
    assert_int_equal(a->expires_ms, b->expires_ms);
    assert_int_equal(a->encoding, b->encoding);
    assert_int_equal(a->qos, b->qos);
    assert_int_equal(a->retain, b->retain);
}

static void
message_owns_its_bytes(void **state)
{
    (void)state;
    struct mem mem = { 0 };
    char topic[] = "t/1", body[] = "body";
    struct envelope env = sample();
    env.topic = view_str(topic);
    env.body = view_str(body);
    struct message *m = message_new(&mem, &env);
    assert_non_null(m);
    topic[0] = body[0] = 'X';
    assert_true(view_is(m->env.topic, "t/1"));
    assert_true(view_equal(m->env.props, env.props));
    assert_true(view_is(m->env.body, "body"));
    assert_int_equal(m->env.published_ms, env.published_ms);
    assert_int_equal(mem.calls, 1);
    message_unref(m);
    assert_int_equal(mem.used_bytes, 0);
}

static void
message_lives_as_long_as_a_reference(void **state)
{
    (void)state;
    struct mem mem = { 0 };
    struct envelope env = sample();
    struct message *m = message_new(&mem, &env);
    assert_ptr_equal(message_ref(m), m);
    message_unref(m);
    assert_true(view_is(m->env.body, "hello"));
    message_unref(m);
    assert_int_equal(mem.used_bytes, 0);
    message_unref(NULL);
}

static void
message_may_be_empty(void **state)
{
    (void)state;
    struct mem mem = { 0 };
    struct message *m = message_new(&mem, &(struct envelope){ 0 });
    assert_non_null(m);
    assert_int_equal(m->env.topic.len + m->env.props.len + m->env.body.len, 0);
    message_unref(m);
    assert_int_equal(mem.used_bytes, 0);
}

static void
message_without_memory_is_null(void **state)
{
    (void)state;
    struct mem mem = { .fail_at = 1 };
    struct envelope env = sample();
    assert_null(message_new(&mem, &env));
    assert_int_equal(mem.used_bytes, 0);
}

/* From the heap, so that a read past the end is seen. */
static int
parse_exact(const uint8_t *bytes, size_t n)
{
    struct envelope back;
    uint8_t *exact = malloc(n + 1);
    assert_non_null(exact);
    memcpy(exact + 1, bytes, n);
    int rc = envelope_parse(view_of(exact + 1, n), &back);
    free(exact);
    return rc;
}

static void
envelope_comes_back(void **state)
{
    (void)state;
    struct envelope back;
    uint8_t room[RECORD_ROOM];
    for (unsigned qos = 0; qos <= 2; qos++) {
        for (unsigned retain = 0; retain <= 1; retain++) {
            struct envelope env = sample();
            env.qos = (uint8_t)qos;
            env.retain = retain != 0;
            size_t n = write_record(&env, room);
            assert_int_equal(envelope_bytes(&env), ENVELOPE_HEAD_BYTES_NOMINAL + 3 + 4 + 5);
            assert_int_equal(envelope_parse(view_of(room, n), &back), 0);
            assert_same(&env, &back);
        }
    }
    struct envelope nothing = { 0 };
    size_t n = write_record(&nothing, room);
    assert_int_equal(envelope_parse(view_of(room, n), &back), 0);
    assert_same(&nothing, &back);
}

/* The format on disk: these bytes must be readable for ever. */
static const uint8_t disk_1[] = {
    1,    1,    6,    0,                            /* format, encoding, flags */
    0,    0,    0,    3,    0,    0,    0,    4,    /* topic, props */
    0,    0,    0,    5,                            /* body */
    0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10, /* expires */
    1,    0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, /* published */
    'a',  '/',  'b',  3,    0,    1,    't',  'h',  'e', 'l', 'l', 'o',
};

static void
envelope_of_format_1(void **state)
{
    (void)state;
    struct envelope env = sample(), back;
    assert_int_equal(envelope_parse(view_of(disk_1, sizeof(disk_1)), &back), 0);
    assert_same(&env, &back);
}

static void
envelope_of_format_1_cut_anywhere_is_damaged(void **state)
{
    (void)state;
    struct envelope back;
    uint8_t longer[sizeof(disk_1) + 1] = { 0 };
    for (size_t cut = 0; cut < sizeof(disk_1); cut++)
        assert_int_equal(parse_exact(disk_1, cut), -ERR_DAMAGED);
    memcpy(longer, disk_1, sizeof(disk_1));
    assert_int_equal(envelope_parse(view_of(longer, sizeof(longer)), &back), -ERR_DAMAGED);
}

static void
envelope_on_disk(void **state)
{
    (void)state;
    static const struct {
        uint64_t published_ms, expires_ms;
        uint8_t bytes[32];
        size_t len;
    } rows[] = {
        {1577836800000 + 0x0102030405,   0,             { 0x8e, 1, 2, 3, 4, 5 },                                              6 },
        { 1577836800000,                 1577836800001, { 0xae, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 },                               11},
        { 1577836799999,                 0,             { 0xce, 0, 0, 1, 0x6f, 0x5e, 0x66, 0xe7, 0xff },                      9 },
        { 1577836800000,                 7,             { 0xee, 0, 0, 1, 0x6f, 0x5e, 0x66, 0xe8, 0, 0, 0, 0, 0, 0, 0, 0, 7 }, 17},
        { 1577836800000 + 0xffffffffff,  0,             { 0x8e, 0xff, 0xff, 0xff, 0xff, 0xff },                               6 },
        { 1577836800000 + 0x10000000000, 0,             { 0xce, 0, 0, 2, 0x6f, 0x5e, 0x66, 0xe8, 0 },                         9 },
    };
    static const uint8_t rest[] = { 3, 4, 'a', '/', 'b', 3, 0, 1, 't', 'h', 'e', 'l', 'l', 'o' };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct envelope env = sample(), back;
        uint8_t room[RECORD_ROOM];
        env.published_ms = rows[i].published_ms;
        env.expires_ms = rows[i].expires_ms;
        assert_int_equal(write_record(&env, room), rows[i].len + sizeof(rest));
        assert_memory_equal(room, rows[i].bytes, rows[i].len);
        assert_memory_equal(room + rows[i].len, rest, sizeof(rest));
        assert_int_equal(envelope_parse(view_of(room, rows[i].len + sizeof(rest)), &back), 0);
        assert_same(&env, &back);
    }
}

/* The body is the rest: how long it is, the record knows, whose checksum covers it. */
static void
envelope_cut_before_its_body_is_damaged(void **state)
{
    (void)state;
    struct envelope env = sample(), back;
    uint8_t room[RECORD_ROOM];
    size_t n = write_record(&env, room), body = n - env.body.len;
    for (size_t cut = 0; cut < body; cut++)
        assert_int_equal(parse_exact(room, cut), -ERR_DAMAGED);
    for (size_t cut = body; cut <= n; cut++) {
        assert_int_equal(parse_exact(room, cut), 0);
        assert_int_equal(envelope_parse(view_of(room, cut), &back), 0);
        assert_int_equal(back.body.len, cut - body);
    }
}

struct spoilt {
    size_t at;
    uint8_t value;
    int rc;
};

static void
assert_refused(const uint8_t *bytes, size_t n, struct spoilt spoilt)
{
    uint8_t room[RECORD_ROOM];
    struct envelope back = { .expires_ms = 77 };
    memcpy(room, bytes, n);
    room[spoilt.at] = spoilt.value;
    assert_int_equal(envelope_parse(view_of(room, n), &back), spoilt.rc);
    assert_int_equal(back.expires_ms, 77);
}

static void
envelope_refuses_what_it_does_not_know(void **state)
{
    (void)state;
    static const struct spoilt rows[] = {
        {0,   0,    -ERR_FORMAT },
        { 0,  2,    -ERR_FORMAT },
        { 1,  3,    -ERR_DAMAGED}, /* encoding */
        { 2,  3,    -ERR_DAMAGED}, /* QoS 3 */
        { 2,  8,    -ERR_DAMAGED}, /* unknown flag */
        { 3,  1,    -ERR_DAMAGED},
        { 4,  0xff, -ERR_DAMAGED}, /* topic far too long */
        { 7,  4,    -ERR_DAMAGED},
        { 8,  0xff, -ERR_DAMAGED}, /* props */
        { 11, 3,    -ERR_DAMAGED},
        { 12, 0xff, -ERR_DAMAGED}, /* body */
        { 15, 6,    -ERR_DAMAGED},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_refused(disk_1, sizeof(disk_1), rows[i]);
}

static void
envelope_has_one_form(void **state)
{
    (void)state;
    static const struct spoilt rows[] = {
        {0,   0x7f, -ERR_FORMAT },
        { 0,  0xef, -ERR_DAMAGED}, /* QoS 3 */
        { 0,  0xfe, -ERR_DAMAGED}, /* encoding 3 */
        { 17, 0xff, -ERR_DAMAGED}, /* a topic too long, or a number without end */
        { 17, 0x83, -ERR_DAMAGED}, /* a number that swallows the next */
        { 18, 0x7f, -ERR_DAMAGED}, /* props */
    };
    struct envelope env = sample();
    uint8_t room[RECORD_ROOM];
    size_t n = write_record(&env, room);
    assert_int_equal(room[0], 0xee);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_refused(room, n, rows[i]);
    static const uint8_t narrow_times_wide[] = { 0xc0, 0, 0, 1, 0x6f, 0x5e, 0x66, 0xe8, 0, 0, 0 };
    static const uint8_t expires_never[] = { 0xe0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
    static const uint8_t long_number[] = { 0x80, 0, 0, 0, 0, 0, 0x81, 0, 0, 'a' };
    assert_int_equal(parse_exact(narrow_times_wide, sizeof(narrow_times_wide)), -ERR_DAMAGED);
    assert_int_equal(parse_exact(expires_never, sizeof(expires_never)), -ERR_DAMAGED);
    assert_int_equal(parse_exact(long_number, sizeof(long_number)), -ERR_DAMAGED);
}

/* Whatever is accepted is written again as the very same bytes: there is one form of an envelope only. */
static void
envelope_survives_random_damage(void **state)
{
    (void)state;
    struct prng prng;
    prng_init(&prng, 20260301);
    struct envelope env = sample(), back;
    unsigned accepted = 0;
    for (unsigned i = 0; i < 20000; i++) {
        uint8_t room[RECORD_ROOM], again[RECORD_ROOM];
        size_t n = write_record(&env, room);
        for (uint64_t hits = 1 + prng_below(&prng, 3); hits > 0; hits--)
            room[prng_below(&prng, n)] = (uint8_t)prng_next(&prng);
        if (envelope_parse(view_of(room, n), &back) < 0)
            continue;
        accepted++;
        assert_int_equal(write_record(&back, again), n);
        assert_memory_equal(room, again, n);
    }
    assert_true(accepted > 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(message_owns_its_bytes),
        cmocka_unit_test(message_lives_as_long_as_a_reference),
        cmocka_unit_test(message_may_be_empty),
        cmocka_unit_test(message_without_memory_is_null),
        cmocka_unit_test(envelope_comes_back),
        cmocka_unit_test(envelope_of_format_1),
        cmocka_unit_test(envelope_of_format_1_cut_anywhere_is_damaged),
        cmocka_unit_test(envelope_on_disk),
        cmocka_unit_test(envelope_cut_before_its_body_is_damaged),
        cmocka_unit_test(envelope_refuses_what_it_does_not_know),
        cmocka_unit_test(envelope_has_one_form),
        cmocka_unit_test(envelope_survives_random_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
