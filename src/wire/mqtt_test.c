/* What the writers write, the decoder reads, for random packets of every type and version; and the codec's pieces
 * against naive oracles.  What breaks the rules is in test/conformance. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/must.h"
#include "base/prng.h"
#include "wire/mqtt.h"

enum { ROUNDS = 4000, ROOM = 4096, TEXT_MAX = 40 };

static const uint8_t versions[] = { MQTT_V31, MQTT_V311, MQTT_V5 };

/* A source of random packets with the memory that their views borrow. */
struct source {
    struct prng prng;
    uint8_t bytes[ROOM];
    struct pen pen;
};

static void
source_init(struct source *source, uint64_t seed)
{
    prng_init(&source->prng, seed);
    source->pen = pen_of(source->bytes, sizeof(source->bytes));
}

static void
source_rewind(struct source *source)
{
    source->pen = pen_of(source->bytes, sizeof(source->bytes));
}

static unsigned
pick(struct source *source, unsigned n)
{
    return (unsigned)prng_below(&source->prng, n);
}

static bool
flip(struct source *source)
{
    return pick(source, 2) == 0;
}

static uint8_t
pick_version(struct source *source)
{
    return versions[pick(source, COUNT_OF(versions))];
}

/* Letters and slashes, now and then a two-byte character. */
static struct view
pick_text(struct source *source, unsigned least)
{
    const uint8_t *start = source->pen.at;
    unsigned n = least + pick(source, TEXT_MAX);
    for (unsigned i = 0; i < n; i++) {
        if (pick(source, 10) == 0)
            put_u16(&source->pen, 0xc3a4);
        else
            put_u8(&source->pen, (uint8_t) "abcdefgh/"[pick(source, 9)]);
    }
    must(!source->pen.torn);
    return view_of(start, (size_t)(source->pen.at - start));
}

static struct view
pick_data(struct source *source)
{
    const uint8_t *start = source->pen.at;
    unsigned n = pick(source, TEXT_MAX);
    for (unsigned i = 0; i < n; i++)
        put_u8(&source->pen, (uint8_t)pick(source, 256));
    must(!source->pen.torn);
    return view_of(start, (size_t)(source->pen.at - start));
}

/* Zero to three user properties and a reason string, for packets that may carry both. */
static struct view
pick_answer_properties(struct source *source)
{
    struct view why = pick_text(source, 0), name = pick_text(source, 0), value = pick_text(source, 0);
    const uint8_t *start = source->pen.at;
    for (unsigned i = pick(source, 4); i > 0; i--)
        mqtt_put_pair(&source->pen, name, value);
    if (flip(source))
        mqtt_put_text(&source->pen, MQTT_REASON_STRING, why);
    must(!source->pen.torn);
    return view_of(start, (size_t)(source->pen.at - start));
}

static void
read_back(const uint8_t *at, size_t size, uint8_t version, enum mqtt_from from, struct mqtt_packet *ret)
{
    struct mqtt_dialect dialect = { .version = version, .from = from, .packet_bytes_max = 1 << 20 };
    struct fault fault = { 0 };
    assert_true(size > 0);
    ptrdiff_t rc = mqtt_decode(view_of(at, size), &dialect, ret, &fault);
    if (rc < 0)
        fail_msg("%s: %s", fault.clause, fault.text);
    assert_int_equal(rc, size);
}

static void
assert_views(struct view a, struct view b)
{
    assert_true(view_equal(a, b));
}

static struct mqtt_publish_head
pick_publish_head(struct source *source, const uint32_t *ids)
{
    struct mqtt_publish_head head = {
        .version = pick_version(source),
        .qos = (uint8_t)pick(source, 3),
        .retain = flip(source),
        .expiry_s = flip(source) ? UINT32_MAX : pick(source, 100000),
        .alias = (uint16_t)pick(source, 3),
        .ids = ids,
        .id_count = pick(source, 4),
        .topic = pick_text(source, 1),
        .payload_bytes = pick(source, 300),
    };
    head.dup = head.qos > 0 && flip(source);
    head.packet_id = head.qos > 0 ? (uint16_t)(1 + pick(source, UINT16_MAX)) : 0;
    return head;
}

static void
check_publish_ids(const struct mqtt_publish_head *head, const struct mqtt_properties *properties)
{
    struct cursor raw = cursor_of(properties->raw);
    struct mqtt_property_item item;
    unsigned seen = 0;
    while (mqtt_property_next(&raw, &item))
        if (item.id == MQTT_SUBSCRIPTION_ID)
            assert_int_equal(item.number, head->ids[seen++]);
    assert_int_equal(seen, head->id_count);
    assert_int_equal(properties->hop_only, head->id_count > 0 || head->alias > 0 || head->expiry_s != UINT32_MAX);
}

static void
check_publish(const struct mqtt_publish_head *head, const struct mqtt_publish *p)
{
    assert_int_equal(p->dup, head->dup);
    assert_int_equal(p->retain, head->retain);
    assert_int_equal(p->qos, head->qos);
    assert_int_equal(p->packet_id, head->packet_id);
    assert_views(p->topic, head->topic);
    assert_int_equal(p->payload.len, head->payload_bytes);
    if (head->version < MQTT_V5) {
        assert_int_equal(p->properties.has, 0);
        return;
    }
    assert_int_equal(p->properties.topic_alias, head->alias);
    assert_int_equal(p->properties.message_expiry_s, head->expiry_s);
    check_publish_ids(head, &p->properties);
}

static void
publish_comes_back(void **state)
{
    (void)state;
    static const uint32_t ids[] = { 1, 127, 128, 268435455 };
    struct source source;
    source_init(&source, 1);
    for (int i = 0; i < ROUNDS; i++) {
        uint8_t room[ROOM] = { 0 };
        source_rewind(&source);
        struct mqtt_publish_head head = pick_publish_head(&source, ids);
        size_t n = mqtt_write_publish_head(room, sizeof(room), &head);
        assert_int_equal(n, mqtt_size_publish_head(&head));
        assert_int_equal(mqtt_size_publish(&head), n + head.payload_bytes);
        assert_int_equal(mqtt_write_publish_head(room, n - 1, &head), 0);
        assert_int_equal(mqtt_write_publish_head(room, n, &head), n);
        struct mqtt_packet packet;
        read_back(room, n + head.payload_bytes, head.version, MQTT_FROM_SERVER, &packet);
        assert_int_equal(packet.type, MQTT_PUBLISH);
        check_publish(&head, &packet.publish);
    }
}

static void
publish_too_large_is_not_written(void **state)
{
    (void)state;
    uint8_t room[64];
    struct mqtt_publish_head head = { .version = MQTT_V311, .topic = view_str("t"), .payload_bytes = 268435452 };
    assert_int_equal(mqtt_write_publish_head(room, sizeof(room), &head), 8);
    head.payload_bytes++;
    assert_int_equal(mqtt_write_publish_head(room, sizeof(room), &head), 0);
}

static void
acknowledgements_come_back(void **state)
{
    (void)state;
    static const enum mqtt_type types[] = { MQTT_PUBACK, MQTT_PUBREC, MQTT_PUBREL, MQTT_PUBCOMP };
    struct source source;
    source_init(&source, 2);
    for (int i = 0; i < ROUNDS; i++) {
        uint8_t room[ROOM];
        source_rewind(&source);
        enum mqtt_type type = types[pick(&source, COUNT_OF(types))];
        uint8_t version = pick_version(&source);
        uint8_t refusal = type == MQTT_PUBACK || type == MQTT_PUBREC ? MQTT_QUOTA_EXCEEDED : MQTT_PACKET_ID_NOT_FOUND;
        uint8_t reason = flip(&source) ? MQTT_SUCCESS : refusal;
        uint16_t id = (uint16_t)(1 + pick(&source, UINT16_MAX));
        struct view props = pick_answer_properties(&source);
        size_t n = mqtt_write_ack(room, sizeof(room), version, type, id, reason, props);
        assert_int_equal(mqtt_write_ack(room, n - 1, version, type, id, reason, props), 0);
        struct mqtt_packet packet;
        read_back(room, n, version, flip(&source) ? MQTT_FROM_SERVER : MQTT_FROM_CLIENT, &packet);
        assert_int_equal(packet.type, type);
        assert_int_equal(packet.ack.packet_id, id);
        assert_int_equal(packet.ack.reason, version < MQTT_V5 ? MQTT_SUCCESS : reason);
        assert_int_equal(packet.ack.properties.raw.len, version < MQTT_V5 ? 0 : props.len);
    }
}

static void
acknowledgements_are_short(void **state)
{
    (void)state;
    uint8_t room[16];
    struct view none = { 0 };
    assert_int_equal(mqtt_write_ack(room, sizeof(room), MQTT_V5, MQTT_PUBREL, 0x1234, 0, none), 4);
    assert_memory_equal(room, "\x62\x02\x12\x34", 4);
    assert_int_equal(mqtt_write_ack(room, sizeof(room), MQTT_V5, MQTT_PUBACK, 1, 0x87, none), 5);
    assert_memory_equal(room, "\x40\x03\x00\x01\x87", 5);
    assert_int_equal(mqtt_write_ack(room, sizeof(room), MQTT_V311, MQTT_PUBACK, 1, 0x87, none), 4);
    assert_int_equal(mqtt_write_bye(room, sizeof(room), MQTT_V5, MQTT_DISCONNECT, 0, none), 2);
    assert_int_equal(mqtt_write_bye(room, sizeof(room), MQTT_V5, MQTT_DISCONNECT, 0x8b, none), 3);
    assert_int_equal(mqtt_write_bye(room, sizeof(room), MQTT_V311, MQTT_DISCONNECT, 0x8b, none), 2);
}

static void
subacks_come_back(void **state)
{
    (void)state;
    static const uint8_t granted[] = { 0, 1, 2, 0x80, 0x8f, 0x97 }, old[] = { 0, 1, 2, 0x80, 0x80, 0x80 };
    struct view codes = view_of(granted, sizeof(granted)), none = { 0 };
    uint8_t room[ROOM];
    struct mqtt_packet packet;
    size_t n = mqtt_write_suback(room, sizeof(room), MQTT_V5, MQTT_SUBACK, 9, codes, none);
    read_back(room, n, MQTT_V5, MQTT_FROM_SERVER, &packet);
    assert_int_equal(packet.ack.packet_id, 9);
    assert_views(packet.ack.codes, codes);
    n = mqtt_write_suback(room, sizeof(room), MQTT_V311, MQTT_SUBACK, 9, codes, none);
    read_back(room, n, MQTT_V311, MQTT_FROM_SERVER, &packet);
    assert_views(packet.ack.codes, view_of(old, sizeof(old)));
    n = mqtt_write_suback(room, sizeof(room), MQTT_V311, MQTT_UNSUBACK, 9, codes, none);
    assert_int_equal(n, 4);
    read_back(room, n, MQTT_V311, MQTT_FROM_SERVER, &packet);
    assert_int_equal(packet.ack.codes.len, 0);
}

static void
connacks_come_back(void **state)
{
    (void)state;
    /* 5.0's reason, the return code it becomes, and the reason that is read back from it. */
    static const struct {
        uint8_t reason, code, again;
    } rows[] = {
        {0x00,  0, 0x00},
        { 0x84, 1, 0x84},
        { 0x85, 2, 0x85},
        { 0x88, 3, 0x88},
        { 0x86, 4, 0x86},
        { 0x87, 5, 0x87},
        { 0x8a, 5, 0x87},
        { 0x97, 3, 0x88},
        { 0x81, 3, 0x88},
    };
    struct view none = { 0 };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t room[16];
        struct mqtt_packet packet;
        size_t n = mqtt_write_connack(room, sizeof(room), MQTT_V311, false, rows[i].reason, none);
        assert_int_equal(n, 4);
        assert_int_equal(room[3], rows[i].code);
        read_back(room, n, MQTT_V311, MQTT_FROM_SERVER, &packet);
        assert_int_equal(packet.connack.reason, rows[i].again);
        n = mqtt_write_connack(room, sizeof(room), MQTT_V5, rows[i].reason == 0, rows[i].reason, none);
        read_back(room, n, MQTT_V5, MQTT_FROM_SERVER, &packet);
        assert_int_equal(packet.connack.reason, rows[i].reason);
        assert_int_equal(packet.connack.session_present, rows[i].reason == 0);
    }
}

static struct view
pick_will_properties(struct source *source, uint32_t delay)
{
    struct view type = pick_text(source, 0);
    const uint8_t *start = source->pen.at;
    mqtt_put_u32(&source->pen, MQTT_WILL_DELAY, delay);
    mqtt_put_text(&source->pen, MQTT_CONTENT_TYPE, type);
    return view_of(start, (size_t)(source->pen.at - start));
}

static struct mqtt_connect
pick_connect(struct source *source)
{
    struct mqtt_connect c = {
        .version = pick_version(source),
        .clean_start = flip(source),
        .keep_alive_s = (uint16_t)pick(source, 65536),
        .client_id = pick_text(source, 0),
        .has_will = flip(source),
        .has_username = flip(source),
    };
    if (c.has_will) {
        c.will_qos = (uint8_t)pick(source, 3);
        c.will_retain = flip(source);
        c.will_topic = pick_text(source, 1);
        c.will_payload = pick_data(source);
        c.will_properties.raw = pick_will_properties(source, 77);
    }
    if (c.has_username)
        c.username = pick_text(source, 0);
    c.has_password = (c.has_username || c.version == MQTT_V5) && flip(source);
    if (c.has_password)
        c.password = pick_data(source);
    return c;
}

static void
check_connect(const struct mqtt_connect *a, const struct mqtt_connect *b)
{
    assert_int_equal(a->version, b->version);
    assert_int_equal(a->clean_start, b->clean_start);
    assert_int_equal(a->keep_alive_s, b->keep_alive_s);
    assert_int_equal(a->has_will, b->has_will);
    assert_int_equal(a->will_qos, b->will_qos);
    assert_int_equal(a->will_retain, b->will_retain);
    assert_int_equal(a->has_username, b->has_username);
    assert_int_equal(a->has_password, b->has_password);
    assert_views(a->client_id, b->client_id);
    assert_views(a->will_topic, b->will_topic);
    assert_views(a->will_payload, b->will_payload);
    assert_views(a->username, b->username);
    assert_views(a->password, b->password);
    if (a->has_will && a->version == MQTT_V5) {
        assert_views(a->will_properties.raw, b->will_properties.raw);
        assert_int_equal(b->will_properties.will_delay_s, 77);
    }
}

static void
connect_comes_back(void **state)
{
    (void)state;
    struct source source;
    source_init(&source, 3);
    for (int i = 0; i < ROUNDS; i++) {
        uint8_t room[ROOM];
        source_rewind(&source);
        struct mqtt_connect connect = pick_connect(&source);
        size_t n = mqtt_write_connect(room, sizeof(room), &connect);
        assert_int_equal(mqtt_write_connect(room, n - 1, &connect), 0);
        struct mqtt_packet packet;
        read_back(room, n, 0, MQTT_FROM_CLIENT, &packet);
        assert_int_equal(mqtt_connect_version(view_of(room, n)), connect.version);
        check_connect(&connect, &packet.connect);
    }
}

static void
absent_properties_have_their_defaults(void **state)
{
    (void)state;
    uint8_t room[64];
    struct mqtt_connect connect = { .version = MQTT_V5, .client_id = view_str("c") };
    struct mqtt_packet packet;
    read_back(room, mqtt_write_connect(room, sizeof(room), &connect), 0, MQTT_FROM_CLIENT, &packet);
    const struct mqtt_properties *p = &packet.connect.properties;
    assert_int_equal(p->has, 0);
    assert_int_equal(p->receive_maximum, 65535);
    assert_int_equal(p->maximum_packet_size, UINT32_MAX);
    assert_int_equal(p->message_expiry_s, UINT32_MAX);
    assert_int_equal(p->session_expiry_s, 0);
    assert_int_equal(p->topic_alias_maximum, 0);
    assert_int_equal(p->request_problem_info, 1);
    assert_int_equal(p->request_response_info, 0);
    assert_int_equal(p->maximum_qos, 2);
    assert_true(p->retain_available && p->wildcard_available && p->subscription_ids_available && p->shared_available);
}

static void
subscribe_comes_back(void **state)
{
    (void)state;
    enum { FILTERS_MAX = 5 };
    struct source source;
    source_init(&source, 4);
    for (int i = 0; i < ROUNDS; i++) {
        uint8_t room[ROOM];
        source_rewind(&source);
        struct mqtt_filter filters[FILTERS_MAX], again;
        unsigned count = 1 + pick(&source, FILTERS_MAX);
        uint8_t version = pick_version(&source);
        bool new = version == MQTT_V5;
        for (unsigned f = 0; f < count; f++)
            filters[f] = (struct mqtt_filter){
                .filter = pick_text(&source, 1),
                .qos = (uint8_t)pick(&source, 3),
                .retain_handling = new ? (uint8_t)pick(&source, 3) : 0,
                .no_local = new &&flip(&source),
                .retain_as_published = new &&flip(&source),
            };
        size_t n = mqtt_write_subscribe(room, sizeof(room), version, 7, filters, count, (struct view){ 0 });
        assert_int_equal(mqtt_write_subscribe(room, n - 1, version, 7, filters, count, (struct view){ 0 }), 0);
        struct mqtt_packet packet;
        read_back(room, n, version, MQTT_FROM_CLIENT, &packet);
        assert_int_equal(packet.subscribe.packet_id, 7);
        assert_int_equal(packet.subscribe.count, count);
        struct cursor c = cursor_of(packet.subscribe.filters);
        for (unsigned f = 0; f < count; f++) {
            assert_true(mqtt_filter_next(&c, &packet.subscribe, &again));
            assert_views(again.filter, filters[f].filter);
            assert_int_equal(again.qos, filters[f].qos);
            assert_int_equal(again.retain_handling, filters[f].retain_handling);
            assert_int_equal(again.no_local, filters[f].no_local);
            assert_int_equal(again.retain_as_published, filters[f].retain_as_published);
        }
        assert_false(mqtt_filter_next(&c, &packet.subscribe, &again));
    }
}

static void
unsubscribe_comes_back(void **state)
{
    (void)state;
    const struct view filters[] = { view_str("a/#"), view_str("$share/g/b") };
    for (size_t i = 0; i < COUNT_OF(versions); i++) {
        uint8_t room[64];
        struct mqtt_packet packet;
        size_t n = mqtt_write_unsubscribe(room, sizeof(room), versions[i], 8, filters, 2, (struct view){ 0 });
        read_back(room, n, versions[i], MQTT_FROM_CLIENT, &packet);
        assert_int_equal(packet.type, MQTT_UNSUBSCRIBE);
        assert_true(packet.subscribe.unsubscribe);
        assert_int_equal(packet.subscribe.count, 2);
        struct cursor c = cursor_of(packet.subscribe.filters);
        struct mqtt_filter filter;
        for (int f = 0; f < 2; f++) {
            assert_true(mqtt_filter_next(&c, &packet.subscribe, &filter));
            assert_views(filter.filter, filters[f]);
        }
    }
}

static void
farewells_and_pings_come_back(void **state)
{
    (void)state;
    uint8_t room[64], props[32];
    struct mqtt_packet packet;
    struct pen p = pen_of(props, sizeof(props));
    mqtt_put_text(&p, MQTT_AUTH_METHOD, view_str("SCRAM"));
    size_t n = mqtt_write_bye(room, sizeof(room), MQTT_V5, MQTT_AUTH, MQTT_CONTINUE_AUTHENTICATION,
                              view_of(props, (size_t)(p.at - props)));
    read_back(room, n, MQTT_V5, MQTT_FROM_SERVER, &packet);
    assert_int_equal(packet.type, MQTT_AUTH);
    assert_int_equal(packet.ack.reason, MQTT_CONTINUE_AUTHENTICATION);
    assert_true(view_is(packet.ack.properties.auth_method, "SCRAM"));
    n = mqtt_write_bye(room, sizeof(room), MQTT_V5, MQTT_DISCONNECT, MQTT_SERVER_SHUTTING_DOWN, (struct view){ 0 });
    read_back(room, n, MQTT_V5, MQTT_FROM_SERVER, &packet);
    assert_int_equal(packet.ack.reason, MQTT_SERVER_SHUTTING_DOWN);
    read_back(room, mqtt_write_ping(room, sizeof(room), MQTT_PINGREQ), MQTT_V31, MQTT_FROM_CLIENT, &packet);
    assert_int_equal(packet.type, MQTT_PINGREQ);
    read_back(room, mqtt_write_ping(room, sizeof(room), MQTT_PINGRESP), MQTT_V5, MQTT_FROM_SERVER, &packet);
    assert_int_equal(packet.type, MQTT_PINGRESP);
    assert_int_equal(mqtt_write_ping(room, 1, MQTT_PINGREQ), 0);
}

static void
properties_keep_their_order(void **state)
{
    (void)state;
    uint8_t props[128], room[256], lasting[128];
    struct pen p = pen_of(props, sizeof(props));
    mqtt_put_pair(&p, view_str("a"), view_str("1"));
    mqtt_put_u16(&p, MQTT_TOPIC_ALIAS, 3);
    mqtt_put_pair(&p, view_str("b"), view_str("2"));
    mqtt_put_u32(&p, MQTT_MESSAGE_EXPIRY, 60);
    mqtt_put_u8(&p, MQTT_PAYLOAD_FORMAT, 1);
    mqtt_put_varint(&p, MQTT_SUBSCRIPTION_ID, 300);
    mqtt_put_pair(&p, view_str("a"), view_str("3"));
    struct mqtt_publish_head head = { .version = MQTT_V5,
                                      .expiry_s = UINT32_MAX,
                                      .topic = view_str("t"),
                                      .props = view_of(props, (size_t)(p.at - props)) };
    struct mqtt_packet packet;
    read_back(room, mqtt_write_publish_head(room, sizeof(room), &head), MQTT_V5, MQTT_FROM_SERVER, &packet);
    assert_true(packet.publish.properties.hop_only);
    assert_int_equal(packet.publish.properties.subscription_id, 300);

    struct pen rest = pen_of(lasting, sizeof(lasting));
    mqtt_put_lasting(&rest, packet.publish.properties.raw);
    static const uint8_t expected[] = "\x26\0\1a\0\0011\x26\0\1b\0\0012\x01\1\x26\0\1a\0\0013";
    assert_views(view_of(lasting, (size_t)(rest.at - lasting)), view_of(expected, sizeof(expected) - 1));

    struct cursor raw = cursor_of(view_of(lasting, (size_t)(rest.at - lasting)));
    struct mqtt_property_item item;
    const char *values[] = { "1", "2", NULL, "3" };
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        assert_true(mqtt_property_next(&raw, &item));
        if (values[i] != NULL)
            assert_true(view_is(item.value, values[i]));
    }
    assert_false(mqtt_property_next(&raw, &item));
}

static void
walking_damaged_properties_ends(void **state)
{
    (void)state;
    struct source source;
    source_init(&source, 5);
    for (int i = 0; i < ROUNDS; i++) {
        source_rewind(&source);
        struct view data = pick_data(&source);
        struct cursor raw = cursor_of(data);
        struct mqtt_property_item item;
        size_t items = 0;
        while (mqtt_property_next(&raw, &item))
            items++;
        assert_true(items <= data.len);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(publish_comes_back),
        cmocka_unit_test(publish_too_large_is_not_written),
        cmocka_unit_test(acknowledgements_come_back),
        cmocka_unit_test(acknowledgements_are_short),
        cmocka_unit_test(subacks_come_back),
        cmocka_unit_test(connacks_come_back),
        cmocka_unit_test(connect_comes_back),
        cmocka_unit_test(absent_properties_have_their_defaults),
        cmocka_unit_test(subscribe_comes_back),
        cmocka_unit_test(unsubscribe_comes_back),
        cmocka_unit_test(farewells_and_pings_come_back),
        cmocka_unit_test(properties_keep_their_order),
        cmocka_unit_test(walking_damaged_properties_ends),
    };
    return cmocka_run_group_tests_name("mqtt", tests, NULL, NULL);
}
