#include "catalog/mapping.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/must.h"
#include "route/key.h"
#include "wire/amqp.h"
#include "wire/mqtt.h"
#include "wire/utf8.h"

static const char reply_header[] = "x-reply-to-topic", correlation_header[] = "x-correlation-id";
enum { NUMBER_CHARS_MAX = 32, FIXED_BYTES = 256 };

static struct view
since(const uint8_t *from, const struct pen *p)
{
    return view_of(from, (size_t)(p->at - from));
}

/* ---- names -------------------------------------------------------------------------------------------------- */

typedef void name_fn(struct pen *p, struct view name);

/* Behind its length, which is known afterwards. */
static void
put_counted_name(struct pen *p, unsigned length_bytes, struct view name, name_fn *convert)
{
    uint8_t *length = p->at;
    put_uint(p, 0, length_bytes);
    convert(p, name);
    struct pen back = pen_of(length, length_bytes);
    put_uint(&back, (uint64_t)(p->at - length) - length_bytes, length_bytes);
}

/* ---- to MQTT ------------------------------------------------------------------------------------------------ */

/* A name or value with its overhead takes at least two bytes in AMQP; a double becomes at most NUMBER_CHARS_MAX. */
size_t
mapping_to_mqtt_room(const struct envelope *env)
{
    return KEY_GROWTH * env->topic.len + NUMBER_CHARS_MAX / 2 * env->props.len + FIXED_BYTES;
}

static bool
is_text(struct view v)
{
    return v.len <= UINT16_MAX && utf8_valid(v);
}

/* 10^-scale of a whole number: its digits, with the point among them. */
static int
print_decimal(char room[NUMBER_CHARS_MAX], int32_t value, uint8_t scale)
{
    enum { DIGITS_MAX = 10 };
    if (scale > DIGITS_MAX)
        return snprintf(room, NUMBER_CHARS_MAX, "%" PRId32 "e-%u", value, scale);
    uint64_t unit = 1;
    for (unsigned i = 0; i < scale; i++)
        unit *= 10;
    uint64_t all = value < 0 ? (uint64_t)(-(int64_t)value) : (uint64_t)value;
    const char *sign = value < 0 ? "-" : "";
    if (scale == 0)
        return snprintf(room, NUMBER_CHARS_MAX, "%s%" PRIu64, sign, all);
    return snprintf(room, NUMBER_CHARS_MAX, "%s%" PRIu64 ".%0*" PRIu64, sign, all / unit, scale, all % unit);
}

/* A header's value as text, in `room` when it is not text already; false: MQTT cannot hold it. */
static bool
text_of(const struct amqp_value *v, char room[NUMBER_CHARS_MAX], struct view *ret)
{
    int n = 0;
    switch (v->type) {
    case 'S':
    case 'x': *ret = v->bytes; return is_text(v->bytes);
    case 't': n = snprintf(room, NUMBER_CHARS_MAX, "%s", v->boolean ? "true" : "false"); break;
    case 'f':
    case 'd': n = snprintf(room, NUMBER_CHARS_MAX, "%.17g", v->real); break;
    case 'D': n = print_decimal(room, v->decimal.value, v->decimal.scale); break;
    case 'T': n = snprintf(room, NUMBER_CHARS_MAX, "%" PRIu64, v->unsigned_number); break;
    default: {
        int64_t x;
        if (!amqp_value_integer(v, &x))
            return false;
        n = snprintf(room, NUMBER_CHARS_MAX, "%" PRId64, x);
    }
    }
    *ret = view_of(room, (size_t)n);
    return true;
}

static void
put_response_topic(struct pen *p, struct view key)
{
    put_u8(p, MQTT_RESPONSE_TOPIC);
    put_counted_name(p, 2, key, key_to_topic);
}

static void
put_header(struct pen *p, struct view name, const struct amqp_value *v)
{
    char room[NUMBER_CHARS_MAX];
    struct view text;
    if (view_equal(name, view_str(reply_header)) && v->type == 'S' && v->bytes.len <= UINT16_MAX / KEY_GROWTH &&
        is_text(v->bytes))
        put_response_topic(p, v->bytes);
    else if (view_equal(name, view_str(correlation_header)) && (v->type == 'S' || v->type == 'x') &&
             v->bytes.len <= UINT16_MAX)
        mqtt_put_text(p, MQTT_CORRELATION_DATA, v->bytes);
    else if (is_text(name) && text_of(v, room, &text))
        mqtt_put_pair(p, name, text);
}

static void
put_mqtt_properties(struct pen *p, const struct amqp_properties *props)
{
    struct cursor headers = cursor_of(props->headers);
    struct amqp_value value;
    struct view name;
    if (props->content_type.len > 0 && is_text(props->content_type))
        mqtt_put_text(p, MQTT_CONTENT_TYPE, props->content_type);
    if (props->present >> AMQP_CORRELATION_ID & 1)
        mqtt_put_text(p, MQTT_CORRELATION_DATA, props->correlation_id);
    while (amqp_table_next(&headers, &name, &value))
        put_header(p, name, &value);
}

void
mapping_to_mqtt(const struct envelope *env, struct pen *room, struct view *rettopic, struct view *retprops)
{
    const uint8_t *at = room->at;
    key_to_topic(room, env->topic);
    *rettopic = since(at, room);
    at = room->at;
    struct cursor c = cursor_of(env->props);
    (void)take_bytes(&c, take_u8(&c)); /* the exchange */
    struct amqp_properties props;
    struct fault why;
    if (!c.torn && amqp_properties_parse(take_rest(&c), &props, &why) == 0)
        put_mqtt_properties(room, &props);
    must(!room->torn);
    *retprops = since(at, room);
}

/* ---- to AMQP ------------------------------------------------------------------------------------------------ */

/* A user property costs a byte more in a table than in MQTT, a response topic may grow as a key; headers are written
 * twice, alone and among the properties. */
size_t
mapping_to_amqp_room(const struct envelope *env)
{
    return KEY_GROWTH * (env->topic.len + 2 * env->props.len) + FIXED_BYTES;
}

static void
put_text(struct pen *p, struct view name, char type, struct view bytes)
{
    struct amqp_value v = { .type = type, .bytes = bytes };
    amqp_put_value(p, name, &v);
}

static void
put_reply_header(struct pen *p, struct view topic)
{
    put_u8(p, sizeof(reply_header) - 1);
    put_bytes(p, view_str(reply_header));
    put_u8(p, 'S');
    put_counted_name(p, 4, topic, topic_to_key);
}

static bool
is_correlation_id(struct view data)
{
    return data.len <= AMQP_SHORTSTR_MAX && is_text(data);
}

/* What becomes headers. */
static void
put_headers(struct pen *p, struct view mqtt_props)
{
    struct cursor c = cursor_of(mqtt_props);
    struct mqtt_property_item item;
    while (mqtt_property_next(&c, &item))
        if (item.id == MQTT_USER_PROPERTY && item.text.len <= AMQP_SHORTSTR_MAX)
            put_text(p, item.text, 'S', item.value);
        else if (item.id == MQTT_RESPONSE_TOPIC)
            put_reply_header(p, item.text);
        else if (item.id == MQTT_CORRELATION_DATA && !is_correlation_id(item.value))
            put_text(p, view_str(correlation_header), 'x', item.value);
}

/* What becomes properties. */
static void
read_props(struct view mqtt_props, struct amqp_properties *props)
{
    struct cursor c = cursor_of(mqtt_props);
    struct mqtt_property_item item;
    while (mqtt_property_next(&c, &item))
        if (item.id == MQTT_CONTENT_TYPE && item.text.len <= AMQP_SHORTSTR_MAX) {
            props->content_type = item.text;
            props->present |= 1 << AMQP_CONTENT_TYPE;
        } else if (item.id == MQTT_CORRELATION_DATA && is_correlation_id(item.value)) {
            props->correlation_id = item.value;
            props->present |= 1 << AMQP_CORRELATION_ID;
        }
}

void
mapping_to_amqp(const struct envelope *env, struct pen *room, struct view *retkey, struct view *retprops)
{
    struct amqp_properties props = { .delivery_mode = env->qos > 0 ? 2 : 1, .present = 1 << AMQP_DELIVERY_MODE };
    char expiration[NUMBER_CHARS_MAX];
    struct view theirs = env->encoding == ENCODING_MQTT5 ? env->props : view_of(NULL, 0);
    const uint8_t *at = room->at;
    topic_to_key(room, env->topic);
    *retkey = since(at, room);
    at = room->at;
    put_headers(room, theirs);
    props.headers = since(at, room);
    props.present |= props.headers.len > 0 ? 1 << AMQP_HEADERS : 0;
    read_props(theirs, &props);
    if (env->expires_ms != 0) {
        uint64_t lives = env->expires_ms > env->published_ms ? env->expires_ms - env->published_ms : 0;
        int n = snprintf(expiration, sizeof(expiration), "%" PRIu64, lives);
        props.expiration = view_of(expiration, (size_t)n);
        props.present |= 1 << AMQP_EXPIRATION;
    }
    at = room->at;
    put_u8(room, sizeof("amq.topic") - 1);
    put_bytes(room, view_str("amq.topic"));
    amqp_properties_put(room, &props);
    must(!room->torn);
    *retprops = since(at, room);
}
