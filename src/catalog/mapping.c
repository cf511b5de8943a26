#include "catalog/mapping.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/must.h"
#include "catalog/field_text.h"
#include "route/key.h"
#include "wire/amqp.h"
#include "wire/mqtt.h"
#include "wire/utf8.h"

static const char reply_header[] = "x-reply-to-topic", correlation_header[] = "x-correlation-id";
enum { FIXED_BYTES = 256, HEADER_JSON_BYTES_MAX = 16 * 1024 };

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

/* A name or value with its overhead takes at least two bytes in AMQP; a double becomes at most FIELD_CHARS_MAX, and
 * what is nested grows less. */
_Static_assert((int)FIELD_JSON_GROWTH <= (int)FIELD_CHARS_MAX / 2, "the room is for JSON too");

size_t
mapping_to_mqtt_room(const struct envelope *env)
{
    return KEY_GROWTH * env->topic.len + FIELD_CHARS_MAX / 2 * env->props.len + FIXED_BYTES;
}

static bool
is_text(struct view v)
{
    return v.len <= UINT16_MAX && utf8_valid(v);
}

/* A header's value as text, in `room` when it is not text already; false: it is none. */
static bool
text_of(const struct amqp_value *v, char room[FIELD_CHARS_MAX], struct view *ret)
{
    if (v->type != 'S' && v->type != 'x')
        return field_scalar(v, room, ret);
    *ret = v->bytes;
    return is_text(v->bytes);
}

/* A table or an array, as JSON, unless that is too long. */
static void
put_nested(struct pen *p, struct view name, const struct amqp_value *v)
{
    struct pen before = *p;
    put_u8(p, MQTT_USER_PROPERTY);
    put_u16(p, (uint16_t)name.len);
    put_bytes(p, name);
    uint8_t *length = p->at;
    put_u16(p, 0);
    field_json_text(p, v);
    size_t n = (size_t)(p->at - length) - 2;
    if (n > HEADER_JSON_BYTES_MAX) {
        *p = before;
        return;
    }
    struct pen back = pen_of(length, 2);
    put_u16(&back, (uint16_t)n);
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
    char room[FIELD_CHARS_MAX];
    struct view text;
    if (view_equal(name, view_str(reply_header)) && v->type == 'S' && v->bytes.len <= UINT16_MAX / KEY_GROWTH &&
        is_text(v->bytes))
        put_response_topic(p, v->bytes);
    else if (view_equal(name, view_str(correlation_header)) && (v->type == 'S' || v->type == 'x') &&
             v->bytes.len <= UINT16_MAX)
        mqtt_put_text(p, MQTT_CORRELATION_DATA, v->bytes);
    else if (is_text(name) && (v->type == 'F' || v->type == 'A'))
        put_nested(p, name, v);
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
    char expiration[FIELD_CHARS_MAX];
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
