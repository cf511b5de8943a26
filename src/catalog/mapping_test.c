/* Every property of each protocol, through the other and back. */
#include "catalog/mapping.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/amqp.h"
#include "wire/mqtt.h"

enum { ROOM = 128 * 1024 };

struct there {
    uint8_t room[ROOM];
    struct envelope env;
};

static void
to_amqp(const struct envelope *env, struct there *ret)
{
    assert_true(mapping_to_amqp_room(env) <= ROOM);
    struct pen p = pen_of(ret->room, mapping_to_amqp_room(env));
    ret->env = *env;
    ret->env.encoding = ENCODING_AMQP091;
    mapping_to_amqp(env, &p, &ret->env.topic, &ret->env.props);
}

static void
to_mqtt(const struct envelope *env, struct there *ret)
{
    assert_true(mapping_to_mqtt_room(env) <= ROOM);
    struct pen p = pen_of(ret->room, mapping_to_mqtt_room(env));
    ret->env = *env;
    ret->env.encoding = ENCODING_MQTT5;
    mapping_to_mqtt(env, &p, &ret->env.topic, &ret->env.props);
}

static struct amqp_properties
properties_of(const struct envelope *env)
{
    struct cursor c = cursor_of(env->props);
    struct view exchange = take_bytes(&c, take_u8(&c));
    struct amqp_properties props;
    struct fault why;
    assert_true(view_equal(exchange, view_str("amq.topic")));
    assert_int_equal(amqp_properties_parse(take_rest(&c), &props, &why), 0);
    return props;
}

static void
assert_view(struct view v, const char *text)
{
    assert_int_equal(v.len, strlen(text));
    assert_memory_equal(v.data, text, v.len);
}

static struct view
all_of_mqtt(uint8_t *room)
{
    struct pen p = pen_of(room, ROOM);
    mqtt_put_text(&p, MQTT_CONTENT_TYPE, view_str("text/plain"));
    mqtt_put_text(&p, MQTT_CORRELATION_DATA, view_str("call 7"));
    mqtt_put_text(&p, MQTT_RESPONSE_TOPIC, view_str("answers/v1.2/me"));
    mqtt_put_pair(&p, view_str("b"), view_str("2"));
    mqtt_put_pair(&p, view_str("a"), view_str("1"));
    mqtt_put_pair(&p, view_str("b"), view_str("twice"));
    return view_of(room, (size_t)(p.at - room));
}

static struct envelope
full_envelope(uint8_t *room)
{
    return (struct envelope){ .topic = view_str("a/b.c/d"),
                              .body = view_str("21"),
                              .qos = 1,
                              .published_ms = 1000,
                              .expires_ms = 61000,
                              .encoding = ENCODING_MQTT5,
                              .props = all_of_mqtt(room) };
}

static void
mqtt_through_amqp(void **state)
{
    (void)state;
    uint8_t room[ROOM];
    struct there there;
    struct envelope env = full_envelope(room);
    to_amqp(&env, &there);
    assert_view(there.env.topic, "a.b%2Ec.d");
    struct amqp_properties props = properties_of(&there.env);
    assert_int_equal(props.delivery_mode, 2);
    assert_view(props.content_type, "text/plain");
    assert_view(props.correlation_id, "call 7");
    assert_view(props.expiration, "60000");
    static const struct {
        const char *name, *value;
    } headers[] = {
        {"x-reply-to-topic", "answers.v1%2E2.me"},
        { "b",               "2"                },
        { "a",               "1"                },
        { "b",               "twice"            }
    };
    struct cursor c = cursor_of(props.headers);
    struct amqp_value value;
    struct view name;
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        assert_true(amqp_table_next(&c, &name, &value));
        assert_view(name, headers[i].name);
        assert_view(value.bytes, headers[i].value);
    }
}

static void
mqtt_through_amqp_and_back(void **state)
{
    (void)state;
    uint8_t room[ROOM];
    struct there there, back;
    struct envelope env = full_envelope(room);
    to_amqp(&env, &there);
    to_mqtt(&there.env, &back);
    assert_true(view_equal(back.env.topic, env.topic));
    assert_int_equal(back.env.props.len, env.props.len);
    static const char *const pairs[] = { "2", "1", "twice" };
    struct cursor c = cursor_of(back.env.props);
    struct mqtt_property_item item;
    unsigned seen = 0, n = 0;
    for (; mqtt_property_next(&c, &item); seen++)
        switch (item.id) {
        case MQTT_USER_PROPERTY: assert_view(item.value, pairs[n++]); break;
        case MQTT_RESPONSE_TOPIC: assert_view(item.text, "answers/v1.2/me"); break;
        case MQTT_CORRELATION_DATA: assert_view(item.value, "call 7"); break;
        default: assert_view(item.text, "text/plain"); break;
        }
    assert_int_equal(seen, 6);
}

static void
correlation_that_is_no_short_text(void **state)
{
    (void)state;
    uint8_t room[ROOM], bytes[300];
    memset(bytes, 0xff, sizeof(bytes));
    struct there there, back;
    for (size_t n = 1; n <= sizeof(bytes); n += 299) {
        struct pen p = pen_of(room, ROOM);
        mqtt_put_text(&p, MQTT_CORRELATION_DATA, view_of(bytes, n));
        struct envelope env = { .topic = view_str("t"),
                                .encoding = ENCODING_MQTT5,
                                .props = view_of(room, (size_t)(p.at - room)) };
        to_amqp(&env, &there);
        struct amqp_properties props = properties_of(&there.env);
        struct amqp_value value;
        assert_false(amqp_has(&props, AMQP_CORRELATION_ID));
        assert_true(amqp_table_find(props.headers, "x-correlation-id", &value));
        assert_int_equal(value.bytes.len, n);
        to_mqtt(&there.env, &back);
        assert_true(view_equal(back.env.props, env.props));
    }
}

static void
mqtt_without_properties(void **state)
{
    (void)state;
    struct there there;
    struct envelope env = { .topic = view_str("t"), .encoding = ENCODING_NONE };
    to_amqp(&env, &there);
    struct amqp_properties props = properties_of(&there.env);
    assert_int_equal(props.present, 1 << AMQP_DELIVERY_MODE);
    assert_int_equal(props.delivery_mode, 1);
}

/* A message with this one header, as MQTT shows it; false: without. */
static bool
shown(const struct amqp_value *value, struct there *ret, struct view *rettext)
{
    uint8_t headers[ROOM], bytes[ROOM];
    struct pen h = pen_of(headers, ROOM), p = pen_of(bytes, ROOM);
    struct mqtt_property_item item;
    amqp_put_value(&h, view_str("h"), value);
    struct amqp_properties props = { .present = 1 << AMQP_HEADERS,
                                     .headers = view_of(headers, (size_t)(h.at - headers)) };
    put_u8(&p, 0);
    amqp_properties_put(&p, &props);
    struct envelope env = { .topic = view_str("k"),
                            .encoding = ENCODING_AMQP091,
                            .props = view_of(bytes, (size_t)(p.at - bytes)) };
    to_mqtt(&env, ret);
    struct cursor c = cursor_of(ret->env.props);
    if (!mqtt_property_next(&c, &item))
        return false;
    *rettext = item.value;
    return true;
}

static void
headers_of_every_type_become_text(void **state)
{
    (void)state;
    /* clang-format off */
    static const struct {
        struct amqp_value value;
        const char *text; /* NULL: stays behind */
    } rows[] = {
        { { .type = 'S', .bytes = { (const uint8_t *)"s", 1 } }, "s" },
        { { .type = 'x', .bytes = { (const uint8_t *)"x", 1 } }, "x" },
        { { .type = 'x', .bytes = { (const uint8_t *)"\xff", 1 } }, NULL },
        { { .type = 'S', .bytes = { (const uint8_t *)"\0", 1 } }, NULL },
        { { .type = 't', .boolean = true }, "true" },
        { { .type = 't', .boolean = false }, "false" },
        { { .type = 'b', .number = -128 }, "-128" },
        { { .type = 'l', .number = INT64_MIN }, "-9223372036854775808" },
        { { .type = 'I', .number = 70000 }, "70000" },
        { { .type = 'd', .real = 0.5 }, "0.5" },
        { { .type = 'd', .real = -1.7976931348623157e308 }, "-1.7976931348623157e+308" },
        { { .type = 'T', .unsigned_number = 1700000000 }, "1700000000" },
        { { .type = 'D', .decimal = { 2, 314 } }, "3.14" },
        { { .type = 'D', .decimal = { 3, -5 } }, "-0.005" },
        { { .type = 'D', .decimal = { 0, 7 } }, "7" },
        { { .type = 'D', .decimal = { 255, INT32_MIN } }, "-2147483648e-255" },
        { { .type = 'V' }, NULL },
        { { .type = 'F' }, "{}" },
        { { .type = 'A' }, "[]" },
    };
    /* clang-format on */
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct there there;
        struct view text;
        assert_int_equal(shown(&rows[i].value, &there, &text), rows[i].text != NULL);
        if (rows[i].text != NULL)
            assert_view(text, rows[i].text);
    }
}

/* Of every type, in tables and arrays. */
static size_t
nest(uint8_t room[ROOM], char type)
{
    struct pen p = pen_of(room, ROOM);
    const struct amqp_value rows[] = {
        {.type = 'S',                                  .bytes = view_str("a \"b\"\n") },
        { .type = 'x',                                           .bytes = { (const uint8_t *)"\xff\x01", 2 } },
        { .type = 'd',.real = HUGE_VAL },
        { .type = 'd',                                 .real = 0.25 },
        { .type = 't',                                           .boolean = true },
        { .type = 'D',.decimal = { 1, -15 } },
        { .type = 'V'                                },
        { .type = 'F'                                          },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (type == 'F')
            amqp_put_value(&p, view_of(&"keyandmore"[i], 1), &rows[i]);
        else
            amqp_put_item(&p, &rows[i]);
    return (size_t)(p.at - room);
}

static void
what_is_nested_becomes_json(void **state)
{
    (void)state;
    uint8_t inner[ROOM], outer[ROOM];
    struct there there;
    struct view text;
    struct amqp_value array = { .type = 'A', .bytes = view_of(inner, nest(inner, 'A')) };
    assert_true(shown(&array, &there, &text));
    assert_view(text, "[\"a \\\"b\\\"\\u000a\",\"?\\u0001\",null,0.25,true,-1.5,null,{}]");
    struct amqp_value table = { .type = 'F', .bytes = view_of(inner, nest(inner, 'F')) };
    struct pen p = pen_of(outer, ROOM);
    amqp_put_value(&p, view_str("t"), &table);
    struct amqp_value both = { .type = 'F', .bytes = view_of(outer, (size_t)(p.at - outer)) };
    assert_true(shown(&both, &there, &text));
    assert_view(text, "{\"t\":{\"k\":\"a \\\"b\\\"\\u000a\",\"e\":\"?\\u0001\",\"y\":null,\"a\":0.25,\"n\":true,"
                      "\"d\":-1.5,\"m\":null,\"o\":{}}}");
}

/* A void takes a byte in an array, and four and a comma in JSON: the room is for all of them, and what is longer than
 * 16 KiB stays behind. */
static void
what_is_nested_is_bounded(void **state)
{
    (void)state;
    static uint8_t items[4000];
    static struct there there;
    struct view text;
    memset(items, 'V', sizeof(items));
    struct amqp_value array = { .type = 'A', .bytes = view_of(items, 3276) };
    assert_true(shown(&array, &there, &text));
    assert_int_equal(text.len, 3276 * 5 + 1);
    array.bytes.len = 3277;
    assert_false(shown(&array, &there, &text));
}

static void
keys_that_are_no_topics(void **state)
{
    (void)state;
    struct there there;
    struct envelope env = { .topic = view_str("a/b.+.#"), .encoding = ENCODING_AMQP091 };
    to_mqtt(&env, &there);
    assert_view(there.env.topic, "a%2Fb/%2B/%23");
    assert_int_equal(there.env.props.len, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mqtt_through_amqp),
        cmocka_unit_test(mqtt_through_amqp_and_back),
        cmocka_unit_test(correlation_that_is_no_short_text),
        cmocka_unit_test(mqtt_without_properties),
        cmocka_unit_test(headers_of_every_type_become_text),
        cmocka_unit_test(what_is_nested_becomes_json),
        cmocka_unit_test(what_is_nested_is_bounded),
        cmocka_unit_test(keys_that_are_no_topics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
