/* Lines for the operator, byte for byte. */
#include "node/line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>
#include <jansson.h>

enum { ROOM = 2048 };

/* 2026-11-21T04:05:06.789Z */
static const struct line example = {
    .wall_ms = UINT64_C(1795233906789), .severity = LOG_INFO, .shard = 3, .event = "event", .text = "details"
};

static const char *
print(const struct line *line, enum line_format format, char *room)
{
    size_t n = line_print(line, format, room, ROOM);
    assert_int_equal(strlen(room), n);
    return room;
}

static void
text(void **state)
{
    char room[ROOM];
    struct line line = example;
    (void)state;
    assert_string_equal(print(&line, LINE_TEXT, room), "2026-11-21T04:05:06.789Z info    shard=3 event: details\n");
    line.severity = LOG_WARNING;
    line.wall_ms = 7;
    assert_string_equal(print(&line, LINE_TEXT, room), "1970-01-01T00:00:00.007Z warning shard=3 event: details\n");
}

static void
json(void **state)
{
    char room[ROOM];
    (void)state;
    assert_string_equal(print(&example, LINE_JSON, room),
                        "{\"time\":\"2026-11-21T04:05:06.789Z\",\"level\":\"info\",\"shard\":3,\"event\":\"event\","
                        "\"text\":\"details\"}\n");
}

/* Any text that is UTF-8 comes back as it was. */
static void
json_escapes(void **state)
{
    static const char *const texts[] = { "say \"hi\"", "back\\slash", "a\nb\tc\r", "\x01\x1f", "na\xc3\xafve",
                                         "",           "{\"}",        "\\u0041" };
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char room[ROOM];
        struct line line = example;
        json_error_t error;
        line.text = texts[i];
        json_t *object = json_loads(print(&line, LINE_JSON, room), 0, &error);
        assert_non_null(object);
        assert_string_equal(json_string_value(json_object_get(object, "text")), texts[i]);
        assert_int_equal(strcspn(room, "\n"), strlen(room) - 1);
        json_decref(object);
    }
}

/* One event is one line, whatever a peer has put into its text. */
static void
a_text_line_is_one_line(void **state)
{
    char room[ROOM];
    struct line line = example;
    (void)state;
    line.text = "client=a\n2026-11-21T04:05:06.789Z info    shard=0 forged: yes";
    print(&line, LINE_TEXT, room);
    assert_int_equal(strcspn(room, "\n"), strlen(room) - 1);
}

static void
too_little_room_cuts(void **state)
{
    char want[ROOM];
    (void)state;
    print(&example, LINE_TEXT, want);
    for (size_t room = 2; room < strlen(want); room++) {
        char got[ROOM];
        memset(got, '#', sizeof(got));
        size_t n = line_print(&example, LINE_TEXT, got, room);
        assert_int_equal(n, room - 1);
        assert_memory_equal(got, want, n - 1);
        assert_int_equal(got[n - 1], '\n');
        assert_int_equal(got[room], '#');
    }
}

/* A long text is cut, and the line is JSON still. */
static void
json_is_cut_inside_its_text(void **state)
{
    char room[ROOM], text[3000];
    struct line line = example;
    json_error_t error;
    (void)state;
    memset(text, '"', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    line.text = text;
    json_t *object = json_loads(print(&line, LINE_JSON, room), 0, &error);
    assert_non_null(object);
    assert_int_equal(strspn(json_string_value(json_object_get(object, "text")), "\""),
                     strlen(json_string_value(json_object_get(object, "text"))));
    json_decref(object);
}

static void
severities_have_names(void **state)
{
    (void)state;
    assert_string_equal(severity_text(LOG_DEBUG), "debug");
    assert_string_equal(severity_text(LOG_INFO), "info");
    assert_string_equal(severity_text(LOG_WARNING), "warning");
    assert_string_equal(severity_text(LOG_ERROR), "error");
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(text),
        cmocka_unit_test(json),
        cmocka_unit_test(json_escapes),
        cmocka_unit_test(a_text_line_is_one_line),
        cmocka_unit_test(too_little_room_cuts),
        cmocka_unit_test(json_is_cut_inside_its_text),
        cmocka_unit_test(severities_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
