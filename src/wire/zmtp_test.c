/* What is written is read back; runs are walked as they were parsed; names, patterns, first bytes.  What may not be,
 * and each vector cut at every byte: test/conformance/zmtp_*.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/must.h"
#include "base/prng.h"
#include "wire/zmtp.h"

enum { ROOM = 2048, RUNS = 20000 };

/* Of frames. */
static const unsigned all_flags[] = { 0, ZMTP_MORE, ZMTP_COMMAND };

/* ---- greetings -------------------------------------------------------------------------------------------------- */

static void
greetings_are_written_as_they_are_read(void **state)
{
    (void)state;
    static const enum zmtp_mechanism mechanisms[] = { ZMTP_NULL, ZMTP_PLAIN, ZMTP_CURVE };
    for (size_t i = 0; i < 2 * COUNT_OF(mechanisms); i++) {
        uint8_t bytes[ZMTP_GREETING_BYTES];
        struct zmtp_greeting g;
        struct fault why;
        zmtp_greeting_write(bytes, mechanisms[i / 2], i % 2);
        assert_int_equal(zmtp_greeting_parse(view_of(bytes, sizeof(bytes)), &g, &why), sizeof(bytes));
        assert_int_equal(g.major, 3);
        assert_int_equal(g.minor, 1);
        assert_true(view_is(g.mechanism, zmtp_mechanism_name(mechanisms[i / 2])));
        assert_int_equal(g.as_server, i % 2);
    }
}

static void
greetings_do_not_tell_anything_in_the_signature(void **state)
{
    (void)state;
    uint8_t bytes[ZMTP_GREETING_BYTES];
    zmtp_greeting_write(bytes, ZMTP_NULL, false);
    assert_memory_equal(bytes, "\xff\0\0\0\0\0\0\0\0\x7f\3\1NULL", 16);
    for (size_t i = 16; i < sizeof(bytes); i++)
        assert_int_equal(bytes[i], 0);
}

static void
first_bytes_tell_a_greeting(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        int is;
    } rows[] = {
        {"",                            0,  0 },
        { "\xff",                       1,  0 },
        { "\xff\0\0\0\0\0\0\0\0",       9,  0 },
        { "\xff\0\0\0\0\0\0\0\0\x7f",   10, 1 },
        { "\xff\0\0\0\0\0\0\0\1\x7f\3", 11, 1 },
        { "\xff\0\0\0\0\0\0\0\1\0",     10, -1},
        { "\x10",                       1,  -1},
        { "AMQP",                       4,  -1},
        { "\x16\3\1",                   3,  -1},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(zmtp_sniff(view_of(rows[i].bytes, rows[i].len)), rows[i].is);
}

/* ---- patterns --------------------------------------------------------------------------------------------------- */

static void
patterns_have_names(void **state)
{
    (void)state;
    for (enum zmtp_pattern p = 0; p < ZMTP_PATTERNS; p++)
        assert_int_equal(zmtp_pattern_of(view_str(zmtp_pattern_name(p))), p);
    assert_int_equal(zmtp_pattern_of(view_str("")), -1);
    assert_int_equal(zmtp_pattern_of(view_str("pub")), -1);
    assert_int_equal(zmtp_pattern_of(view_str("CLIENT")), -1);
}

/* The table of 37/3.9.1. */
static void
patterns_talk_to_those_that_the_table_says(void **state)
{
    (void)state;
    static const char *const pairs =
        " REQ-REP REQ-ROUTER REP-DEALER DEALER-DEALER DEALER-ROUTER ROUTER-ROUTER PUB-SUB PUB-XSUB "
        "XPUB-SUB XPUB-XSUB PUSH-PULL PAIR-PAIR ";
    for (enum zmtp_pattern a = 0; a < ZMTP_PATTERNS; a++)
        for (enum zmtp_pattern b = 0; b < ZMTP_PATTERNS; b++) {
            char one[24], other[24];
            snprintf(one, sizeof(one), " %s-%s ", zmtp_pattern_name(a), zmtp_pattern_name(b));
            snprintf(other, sizeof(other), " %s-%s ", zmtp_pattern_name(b), zmtp_pattern_name(a));
            bool fit = strstr(pairs, one) != NULL || strstr(pairs, other) != NULL;
            assert_int_equal(zmtp_patterns_fit(a, b), fit);
        }
}

/* ---- frames ----------------------------------------------------------------------------------------------------- */

static void
heads_are_as_short_as_can_be(void **state)
{
    (void)state;
    static const struct {
        uint64_t body;
        size_t bytes;
    } rows[] = {
        {0,          2},
        { 1,         2},
        { 255,       2},
        { 256,       9},
        { 65536,     9},
        { INT64_MAX, 9}
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        for (size_t j = 0; j < COUNT_OF(all_flags); j++) {
            uint8_t head[ZMTP_FRAME_HEAD_MAX];
            assert_int_equal(zmtp_frame_head(head, all_flags[j], rows[i].body), rows[i].bytes);
            assert_int_equal(head[0], all_flags[j] | (rows[i].bytes > 2 ? ZMTP_LONG : 0));
            assert_int_equal(zmtp_frame_head_bytes(head[0]), rows[i].bytes);
            assert_int_equal(zmtp_frame_body_bytes(head), rows[i].body);
        }
}

static void
frames_say_how_much_to_wait_for(void **state)
{
    (void)state;
    static const size_t bodies[] = { 0, 1, 255, 256, 1000 };
    static uint8_t room[ROOM];
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        struct zmtp_frame frame;
        struct fault why;
        size_t head = zmtp_frame_head(room, 0, bodies[i]), size = head + bodies[i];
        for (size_t n = 0; n < size; n++) {
            uint64_t need = 0;
            assert_int_equal(zmtp_frame_parse(view_of(room, n), ROOM, true, &frame, &need, &why), 0);
            assert_int_equal(need, n == 0 ? ZMTP_FRAME_HEAD_MIN : n < head ? head : size);
        }
        uint64_t need;
        assert_int_equal(zmtp_frame_parse(view_of(room, size), bodies[i], true, &frame, &need, &why), size);
        assert_int_equal(frame.body.len, bodies[i]);
        if (bodies[i] > 0) {
            struct view head_only = view_of(room, head);
            assert_int_equal(zmtp_frame_parse(head_only, bodies[i] - 1, true, &frame, &need, &why), -ERR_TOO_LARGE);
        }
    }
}

/* The way of short frames against the way of all. */
static void
both_ways_of_parsing_agree(void **state)
{
    (void)state;
    struct prng prng;
    prng_init(&prng, 1);
    for (unsigned i = 0; i < RUNS; i++) {
        uint8_t bytes[24];
        prng_fill(&prng, bytes, sizeof(bytes));
        bytes[0] &= 0xf;
        bytes[1] &= 0x1f;
        struct view in = view_of(bytes, prng_below(&prng, sizeof(bytes) + 1));
        struct zmtp_frame one = { 0 }, other = { 0 };
        struct fault why = { 0 }, because = { 0 };
        uint64_t need = 0, needed = 0, max = prng_below(&prng, 32);
        int64_t n = zmtp_frame_parse(in, max, i % 2, &one, &need, &why);
        assert_int_equal(zmtp_frame_parse_any(in, max, i % 2, &other, &needed, &because), n);
        assert_int_equal(need, needed);
        assert_ptr_equal(why.clause, because.clause);
        assert_int_equal(one.flags, other.flags);
        assert_true(one.body.data == other.body.data && one.body.len == other.body.len);
    }
}

/* Frames at random, behind each other; how many messages they are. */
static struct view
write_run(struct prng *prng, uint8_t *room, size_t *retmessages)
{
    size_t len = 0, frames = 1 + prng_below(prng, 6);
    *retmessages = 0;
    while (frames-- > 0) {
        size_t body = prng_below(prng, 8) == 0 ? 250 + prng_below(prng, 12) : prng_below(prng, 20);
        bool more = frames > 0 && prng_below(prng, 2) == 0;
        len += zmtp_frame_head(room + len, more ? ZMTP_MORE : 0, body);
        memset(room + len, (int)body, body);
        len += body;
        *retmessages += !more;
    }
    return view_of(room, len);
}

static void
runs_are_walked_as_they_were_parsed(void **state)
{
    (void)state;
    struct prng prng;
    prng_init(&prng, 2);
    for (unsigned i = 0; i < RUNS; i++) {
        uint8_t room[ROOM];
        size_t messages;
        struct view run = write_run(&prng, room, &messages), rest = run, walked = run;
        struct zmtp_frame parsed, next;
        struct fault why;
        uint64_t need;
        while (zmtp_frame_next(&walked, &next)) {
            int64_t n = zmtp_frame_parse(rest, ROOM, true, &parsed, &need, &why);
            assert_true(n > 0);
            rest = view_from(rest, (size_t)n);
            assert_true(rest.data == walked.data && rest.len == walked.len);
            assert_true(parsed.body.data == next.body.data && parsed.body.len == next.body.len);
            assert_int_equal(parsed.flags, next.flags);
        }
        assert_int_equal(rest.len, 0);
        for (rest = run; rest.len > 0; messages--)
            rest = view_from(rest, zmtp_message_bytes(rest));
        assert_int_equal(messages, 0);
    }
}

/* ---- commands --------------------------------------------------------------------------------------------------- */

static void
commands_are_written_as_they_are_read(void **state)
{
    (void)state;
    static uint8_t long_data[300];
    static const struct view datas[] = {
        {NULL,                   0                },
        { (const uint8_t *)"ab", 2                },
        { long_data,             sizeof(long_data)}
    };
    for (size_t i = 0; i < COUNT_OF(datas); i++) {
        uint8_t room[ROOM];
        struct zmtp_frame frame;
        struct zmtp_command c;
        struct fault why;
        uint64_t need;
        size_t n = zmtp_command_write(room, "SUBSCRIBE", view_str("x"), datas[i]);
        assert_int_equal(zmtp_frame_parse(view_of(room, n), ROOM, true, &frame, &need, &why), n);
        assert_int_equal(room[0], ZMTP_COMMAND | (frame.body.len > UINT8_MAX ? ZMTP_LONG : 0));
        assert_int_equal(frame.flags, ZMTP_COMMAND);
        assert_int_equal(zmtp_command_parse(frame.body, &c, &why), 0);
        assert_true(view_is(c.name, "SUBSCRIBE"));
        assert_int_equal(c.data.data[0], 'x');
        assert_true(view_equal(view_from(c.data, 1), datas[i]));
    }
}

static void
properties_are_written_as_they_are_read(void **state)
{
    (void)state;
    uint8_t room[ROOM];
    struct zmtp_property p;
    struct fault why;
    size_t n = zmtp_property_write(room, "Socket-Type", view_str("ROUTER"));
    n += zmtp_property_write(room + n, "Identity", view_of(NULL, 0));
    struct view data = view_of(room, n);
    assert_int_equal(zmtp_property_next(&data, &p, &why), 1);
    assert_true(zmtp_property_is(p.name, "socket-type") && view_is(p.value, "ROUTER"));
    assert_int_equal(zmtp_property_next(&data, &p, &why), 1);
    assert_true(zmtp_property_is(p.name, "IDENTITY") && p.value.len == 0);
    assert_false(zmtp_property_is(p.name, "Identit") || zmtp_property_is(p.name, "Identity2"));
    assert_int_equal(zmtp_property_next(&data, &p, &why), 0);
}

/* Only success writes. */
static void
refusals_write_nothing(void **state)
{
    (void)state;
    static const uint8_t bytes[] = { 4, 'n', 'a', 'm', 'e', 0, 0, 0, 9, 'v' };
    struct view data = view_of(bytes, sizeof(bytes)), context = { NULL, 7 };
    struct zmtp_property p = {
        .name = {NULL, 7}
    };
    struct zmtp_metadata m = { .pattern = 7 };
    struct zmtp_frame frame = { .flags = 7 };
    struct fault why = { 0 };
    uint64_t need;
    assert_int_equal(zmtp_property_next(&data, &p, &why), -ERR_PROTOCOL);
    assert_true(data.data == bytes && data.len == sizeof(bytes) && p.name.len == 7);
    assert_int_equal(zmtp_metadata_parse(data, &m, &why), -ERR_PROTOCOL);
    assert_int_equal(m.pattern, 7);
    assert_int_equal(zmtp_pong_parse(view_str("longer than sixteen"), &context, &why), -ERR_PROTOCOL);
    assert_int_equal(context.len, 7);
    assert_int_equal(zmtp_frame_parse(view_str("\xff"), ROOM, true, &frame, &need, &why), -ERR_PROTOCOL);
    assert_int_equal(zmtp_frame_parse(view_of("\0\2a", 3), ROOM, true, &frame, &need, &why), 0);
    assert_int_equal(frame.flags, 7);
}

static void
flags_of_a_box_are_told_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(all_flags); i++) {
        uint8_t payload[] = { zmtp_curve_payload_flags(all_flags[i]), 'x' };
        struct zmtp_frame frame;
        struct fault why;
        assert_int_equal(zmtp_curve_payload_parse(view_of(payload, sizeof(payload)), &frame, &why), 0);
        assert_int_equal(frame.flags, all_flags[i]);
        assert_true(view_is(frame.body, "x"));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(greetings_are_written_as_they_are_read),
        cmocka_unit_test(greetings_do_not_tell_anything_in_the_signature),
        cmocka_unit_test(first_bytes_tell_a_greeting),
        cmocka_unit_test(patterns_have_names),
        cmocka_unit_test(patterns_talk_to_those_that_the_table_says),
        cmocka_unit_test(heads_are_as_short_as_can_be),
        cmocka_unit_test(frames_say_how_much_to_wait_for),
        cmocka_unit_test(both_ways_of_parsing_agree),
        cmocka_unit_test(runs_are_walked_as_they_were_parsed),
        cmocka_unit_test(commands_are_written_as_they_are_read),
        cmocka_unit_test(properties_are_written_as_they_are_read),
        cmocka_unit_test(refusals_write_nothing),
        cmocka_unit_test(flags_of_a_box_are_told_apart),
    };
    return cmocka_run_group_tests_name("zmtp", tests, NULL, NULL);
}
