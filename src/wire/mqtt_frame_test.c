/* Framing, what a refusal leaves behind, and the names for people. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/must.h"
#include "wire/mqtt.h"

static void
frame_tells_how_much_to_wait_for(void **state)
{
    (void)state;
    static const uint32_t lengths[] = { 0, 127, 128, 16383, 16384, 2097151, 2097152, 268435455 };
    struct fault fault = { 0 };
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        uint8_t room[8] = { 0x30 };
        struct pen p = pen_of(room + 1, 7);
        put_varint(&p, lengths[i]);
        size_t header = (size_t)(p.at - room);
        for (size_t n = 0; n < header; n++)
            assert_int_equal(mqtt_frame(view_of(room, n), SIZE_MAX, &fault), 0);
        size_t size = header + lengths[i];
        assert_int_equal(mqtt_frame(view_of(room, header), size, &fault), size);
        assert_int_equal(mqtt_frame(view_of(room, header), size - 1, &fault), -ERR_TOO_LARGE);
        assert_int_equal(fault.code, MQTT_PACKET_TOO_LARGE);
    }
    assert_int_equal(mqtt_frame(view_of("\x10\xff\xff\xff\xff", 5), SIZE_MAX, &fault), -ERR_PROTOCOL);
    assert_int_equal(fault.code, MQTT_MALFORMED_PACKET);
}

static void
refused_connects_tell_their_version(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        uint8_t version;
    } rows[] = {
        {"\x10\x0c\0\4MQTT\5\3\0\0\0\0", 14, MQTT_V5  },
        { "\x10\x07\0\4MQTT\x09",        9,  MQTT_V5  },
        { "\x10\x07\0\4MQTT\4",          9,  MQTT_V311},
        { "\x10\x09\0\6MQIsdp\3",        11, MQTT_V31 },
        { "\x10\x07\0\4MQTT\0",          9,  MQTT_V311},
        { "\x10\x02\0\4",                4,  MQTT_V311},
        { "",                            0,  MQTT_V311},
        { "\x30\x07\0\4MQTT\5",          9,  MQTT_V311},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(mqtt_connect_version(view_of(rows[i].bytes, rows[i].len)), rows[i].version);
}

static void
a_refusal_leaves_the_packet_alone(void **state)
{
    (void)state;
    static const uint8_t bytes[] = { 0x30, 0x06, 0x00, 0x01, '+', 0x00, 'x', 'y' };
    struct mqtt_dialect dialect = { .version = MQTT_V5, .from = MQTT_FROM_CLIENT, .packet_bytes_max = 100 };
    struct mqtt_packet packet, before;
    struct fault fault;
    memset(&packet, 0xa5, sizeof(packet));
    memcpy(&before, &packet, sizeof(packet));
    assert_int_equal(mqtt_decode(view_of(bytes, sizeof(bytes)), &dialect, &packet, &fault), -ERR_PROTOCOL);
    assert_memory_equal(&packet, &before, sizeof(packet));
}

static void
names_for_people(void **state)
{
    (void)state;
    assert_string_equal(mqtt_reason_text(0x97), "quota exceeded");
    assert_string_equal(mqtt_reason_text(0x03), "unknown reason");
    assert_string_equal(mqtt_reason_text(1000), "unknown reason");
    assert_string_equal(mqtt_type_text(MQTT_UNSUBACK), "UNSUBACK");
    assert_string_equal(mqtt_type_text(0), "reserved");
    assert_string_equal(mqtt_type_text(16), "unknown type");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frame_tells_how_much_to_wait_for),
        cmocka_unit_test(refused_connects_tell_their_version),
        cmocka_unit_test(a_refusal_leaves_the_packet_alone),
        cmocka_unit_test(names_for_people),
    };
    return cmocka_run_group_tests_name("mqtt_frame", tests, NULL, NULL);
}
