/* cmd/print_test.c - messages as text and as JSON; filters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"
#include "cmd/filter.h"
#include "cmd/json.h"
#include "cmd/print.h"

enum { WALL_MS = 86400500 };

/* ---- formats ---------------------------------------------------------------------------------------------- */

/* clang-format off */
static const uint8_t properties[] = {
    MQTT_PAYLOAD_FORMAT, 1,
    MQTT_MESSAGE_EXPIRY, 0, 0, 0, 60,
    MQTT_CONTENT_TYPE, 0, 4, 't', 'e', 'x', 't',
    MQTT_USER_PROPERTY, 0, 1, 'k', 0, 1, 'v',
    MQTT_USER_PROPERTY, 0, 1, 'k', 0, 1, 'w',
    MQTT_SUBSCRIPTION_ID, 5,
    MQTT_CORRELATION_DATA, 0, 2, 0xff, 0x00,
};
/* clang-format on */

static struct mqtt_publish
sample(void)
{
    struct mqtt_publish message = {
        .qos = 1,
        .retain = true,
        .packet_id = 7,
        .topic = view_str("a/b"),
        .payload = view_str("hi\xc3\xa9"),
    };
    message.properties.raw = view_of(properties, sizeof properties);
    message.properties.has = UINT64_C(1) << MQTT_MESSAGE_EXPIRY | UINT64_C(1) << MQTT_PAYLOAD_FORMAT;
    message.properties.payload_format = 1;
    message.properties.message_expiry_s = 60;
    message.properties.content_type = view_str("text");
    return message;
}

static void
expect_format(const char *format, const char *want)
{
    struct complaint complaint;
    struct mem mem = { 0 };
    struct mqtt_publish message = sample();
    char *text = NULL;
    size_t len = 0;
    struct print print = { open_memstream(&text, &len), &mem, &message, WALL_MS };

    assert_int_equal(print_check(format, &complaint), 0);
    print_format(&print, format);
    fclose(print.to);
    assert_string_equal(text, want);
    free(text);
    assert_int_equal(mem.used_bytes, 0);
}

static void
prints_every_letter(void **state)
{
    (void)state;
    expect_format("%t %p %q %r %l %m %%", "a/b hi\xc3\xa9 1 1 4 7 %");
    expect_format("%x %X", "6869c3a9 6869C3A9");
    expect_format("%E %F %C %P %S", "60 1 text k:v k:w 5");
    expect_format("%A|%R|", "||");
    expect_format("%U", "86400.500000000");
    expect_format("%@%%@%", "%%");
}

static void
prints_the_local_date(void **state)
{
    (void)state;
    setenv("TZ", "UTC", 1);
    tzset();
    expect_format("%I %@Y-%@m-%@d", "1970-01-02T00:00:00+0000 1970-01-02");
}

static void
pads_and_cuts(void **state)
{
    (void)state;
    expect_format("[%6t|%-6t|%.1t|%6.1t]", "[   a/b|a/b   |a|     a]");
    expect_format("[%03q|%-3q|%3q]", "[001|1  |  1]");
    expect_format("[%.1x|%4.1x]", "[68|  68]");
}

static void
escapes_controls(void **state)
{
    (void)state;
    expect_format("%t\\t%q\\n\\\\", "a/b\t1\n\\");
}

static void
refuses_formats(void **state)
{
    static const char *const formats[] = { "%", "%z", "%5", "\\", "\\q", "%@", "%.", "a%-" };
    (void)state;

    for (size_t i = 0; i < COUNT_OF(formats); i++) {
        struct complaint complaint = { "" };
        assert_int_equal(print_check(formats[i], &complaint), -ERR_INVALID);
        assert_memory_equal(complaint.text, "--format: ", 10);
    }
}

/* ---- JSON ------------------------------------------------------------------------------------------------- */

static void
expect_json(const struct mqtt_publish *message, enum json_payload payload, const char *want)
{
    struct mem mem = { 0 };
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);

    assert_int_equal(json_print(to, &mem, message, WALL_MS, payload), 0);
    fclose(to);
    assert_string_equal(text, want);
    free(text);
    assert_int_equal(mem.used_bytes, 0);
}

static void
json_has_everything_in_order(void **state)
{
    struct mqtt_publish message = sample();
    (void)state;

    expect_json(&message, JSON_TEXT,
                "{\"time\":\"1970-01-02T00:00:00.500Z\",\"topic\":\"a/b\",\"qos\":1,\"id\":7,\"retain\":true,"
                "\"payload\":\"hi\xc3\xa9\",\"properties\":{\"payload-format-indicator\":1,"
                "\"message-expiry-interval\":60,\"content-type\":\"text\",\"user-properties\":[[\"k\",\"v\"],[\"k\","
                "\"w\"]],\"subscription-identifiers\":[5],\"correlation-data_base64\":\"/wA=\"}}");
}

static void
json_payloads(void **state)
{
    static const struct {
        const char *payload, *text, *value;
    } rows[] = {
        {"",              "\"payload\":\"\"",               "\"payload\":\"\""           },
        { "{\"a\": 1}",   "\"payload\":\"{\\\"a\\\": 1}\"", "\"payload\":{\"a\":1}"      },
        { "17",           "\"payload\":\"17\"",             "\"payload\":17"             },
        { "no json",      "\"payload\":\"no json\"",        "\"payload\":\"no json\""    },
        { "\xff",         "\"payload_base64\":\"/w==\"",    "\"payload_base64\":\"/w==\""},
        { "\xff\xfe",     "\"payload_base64\":\"//4=\"",    "\"payload_base64\":\"//4=\""},
        { "\xff\xfe\x01", "\"payload_base64\":\"//4B\"",    "\"payload_base64\":\"//4B\""},
    };
    (void)state;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct mqtt_publish message = { .topic = view_str("t"), .payload = view_str(rows[i].payload) };
        char want[200];
        const char *head = "{\"time\":\"1970-01-02T00:00:00.500Z\",\"topic\":\"t\",\"qos\":0,\"retain\":false,";
        snprintf(want, sizeof want, "%s%s}", head, rows[i].text);
        expect_json(&message, JSON_TEXT, want);
        snprintf(want, sizeof want, "%s%s}", head, rows[i].value);
        expect_json(&message, JSON_VALUE, want);
    }
}

/* ---- filters ---------------------------------------------------------------------------------------------- */

static void
filters_match_as_the_specification_says(void **state)
{
    static const struct {
        const char *filter, *topic;
        bool matches;
    } rows[] = {
        {"sport/tennis/player1/#",  "sport/tennis/player1",                 true },
        { "sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true },
        { "sport/#",                "sport",                                true },
        { "#",                      "a/b",                                  true },
        { "sport/tennis/+",         "sport/tennis/player1",                 true },
        { "sport/tennis/+",         "sport/tennis/player1/ranking",         false},
        { "sport/+",                "sport",                                false},
        { "sport/+",                "sport/",                               true },
        { "+/+",                    "/finance",                             true },
        { "/+",                     "/finance",                             true },
        { "+",                      "/finance",                             false},
        { "#",                      "$SYS/x",                               false},
        { "+/monitor",              "$SYS/monitor",                         false},
        { "$SYS/#",                 "$SYS/x",                               true },
        { "$SYS/monitor/+",         "$SYS/monitor/Clients",                 true },
        { "a/b",                    "a/b",                                  true },
        { "a/b",                    "a",                                    false},
        { "a",                      "a/b",                                  false},
        { "A",                      "a",                                    false},
    };
    (void)state;

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(filter_matches(view_str(rows[i].filter), view_str(rows[i].topic)), rows[i].matches);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prints_every_letter), cmocka_unit_test(prints_the_local_date),
        cmocka_unit_test(pads_and_cuts),       cmocka_unit_test(escapes_controls),
        cmocka_unit_test(refuses_formats),     cmocka_unit_test(json_has_everything_in_order),
        cmocka_unit_test(json_payloads),       cmocka_unit_test(filters_match_as_the_specification_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
