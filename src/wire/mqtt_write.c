/* wire/mqtt_write.c - values to bytes.  Every writer works out the remaining length first and then writes straight
 * through; what does not fit its room tears the pen, and nothing is returned. */
#include "base/must.h"
#include "wire/mqtt_body.h"

enum { REMAINING_MAX = 268435455 };

static const struct view nothing = { 0 };

static void
put_header(struct pen *p, unsigned type, unsigned flags, size_t remaining)
{
    if (remaining > REMAINING_MAX)
        p->torn = true;
    put_u8(p, (uint8_t)(type << 4 | flags));
    put_varint(p, (uint32_t)remaining);
}

static size_t
properties_size(uint8_t version, struct view props)
{
    return version < MQTT_V5 ? 0 : varint_size((uint32_t)props.len) + props.len;
}

static void
put_properties(struct pen *p, uint8_t version, struct view props)
{
    if (version < MQTT_V5)
        return;
    put_varint(p, (uint32_t)props.len);
    put_bytes(p, props);
}

static size_t
written(const struct pen *p, const uint8_t *at)
{
    return p->torn ? 0 : (size_t)(p->at - at);
}

/* ---- PUBLISH: the hot one, so it is bounded once and written without further asking ------------------------- */

enum { ALIAS_BYTES = 3, EXPIRY_BYTES = 5 };

static size_t
publish_properties_size(const struct mqtt_publish_head *head)
{
    size_t n = head->props.len;
    n += head->alias != 0 ? ALIAS_BYTES : 0;
    n += head->expiry_s != UINT32_MAX ? EXPIRY_BYTES : 0;
    for (unsigned i = 0; i < head->id_count; i++)
        n += 1 + varint_size(head->ids[i]);
    return n;
}

static size_t
publish_remaining(const struct mqtt_publish_head *head, size_t properties)
{
    size_t n = 2 + head->topic.len + (head->qos > 0 ? 2 : 0) + head->payload_bytes;
    return head->version < MQTT_V5 ? n : n + varint_size((uint32_t)properties) + properties;
}

static uint8_t *
write_varint(uint8_t *at, uint32_t x)
{
    for (; x > 0x7f; x >>= 7)
        *at++ = (uint8_t)(x | 0x80);
    *at++ = (uint8_t)x;
    return at;
}

static uint8_t *
write_u16(uint8_t *at, unsigned x)
{
    at[0] = (uint8_t)(x >> 8);
    at[1] = (uint8_t)x;
    return at + 2;
}

static uint8_t *
write_bytes(uint8_t *at, struct view v)
{
    if (v.len > 0)
        memcpy(at, v.data, v.len);
    return at + v.len;
}

static uint8_t *
write_publish_properties(uint8_t *at, const struct mqtt_publish_head *head, size_t size)
{
    at = write_varint(at, (uint32_t)size);
    if (head->alias != 0) {
        *at++ = MQTT_TOPIC_ALIAS;
        at = write_u16(at, head->alias);
    }
    if (head->expiry_s != UINT32_MAX) {
        *at++ = MQTT_MESSAGE_EXPIRY;
        at = write_u16(at, head->expiry_s >> 16);
        at = write_u16(at, head->expiry_s & 0xffff);
    }
    for (unsigned i = 0; i < head->id_count; i++) {
        *at++ = MQTT_SUBSCRIPTION_ID;
        at = write_varint(at, head->ids[i]);
    }
    return write_bytes(at, head->props);
}

size_t
mqtt_write_publish_head(uint8_t *at, size_t room, const struct mqtt_publish_head *head)
{
    size_t properties = head->version < MQTT_V5 ? 0 : publish_properties_size(head);
    size_t remaining = publish_remaining(head, properties);
    if (remaining > REMAINING_MAX || head->topic.len > UINT16_MAX)
        return 0;
    if (1 + varint_size((uint32_t)remaining) + remaining - head->payload_bytes > room)
        return 0;
    uint8_t *start = at;
    *at++ = (uint8_t)(MQTT_PUBLISH << 4 | (unsigned)head->dup << 3 | (unsigned)head->qos << 1 | (unsigned)head->retain);
    at = write_varint(at, (uint32_t)remaining);
    at = write_u16(at, (unsigned)head->topic.len);
    at = write_bytes(at, head->topic);
    if (head->qos > 0)
        at = write_u16(at, head->packet_id);
    if (head->version >= MQTT_V5)
        at = write_publish_properties(at, head, properties);
    return (size_t)(at - start);
}

size_t
mqtt_size_publish(const struct mqtt_publish_head *head)
{
    size_t properties = head->version < MQTT_V5 ? 0 : publish_properties_size(head);
    size_t remaining = publish_remaining(head, properties);
    return 1 + varint_size((uint32_t)remaining) + remaining;
}

size_t
mqtt_size_publish_head(const struct mqtt_publish_head *head)
{
    return mqtt_size_publish(head) - head->payload_bytes;
}

/* ---- answers ---------------------------------------------------------------------------------------------- */

static unsigned
flags_of(enum mqtt_type type)
{
    return type == MQTT_PUBREL || type == MQTT_SUBSCRIBE || type == MQTT_UNSUBSCRIBE ? 2 : 0;
}

size_t
mqtt_write_ack(uint8_t *at, size_t room, uint8_t version, enum mqtt_type type, uint16_t packet_id, uint8_t reason,
               struct view props)
{
    struct pen p = pen_of(at, room);
    if (version < MQTT_V5 || (reason == MQTT_SUCCESS && props.len == 0)) {
        put_u32(&p, (uint32_t)type << 28 | flags_of(type) << 24 | 2 << 16 | packet_id);
        return written(&p, at);
    }
    put_header(&p, type, flags_of(type), 3 + (props.len > 0 ? properties_size(version, props) : 0));
    put_u16(&p, packet_id);
    put_u8(&p, reason);
    if (props.len > 0)
        put_properties(&p, version, props);
    return written(&p, at);
}

/* 3.1.1 has one code for every refusal, and none in an UNSUBACK. */
static void
put_old_codes(struct pen *p, struct view codes)
{
    for (size_t i = 0; i < codes.len; i++)
        put_u8(p, codes.data[i] >= MQTT_UNSPECIFIED_ERROR ? MQTT_UNSPECIFIED_ERROR : codes.data[i]);
}

size_t
mqtt_write_suback(uint8_t *at, size_t room, uint8_t version, enum mqtt_type type, uint16_t packet_id, struct view codes,
                  struct view props)
{
    struct pen p = pen_of(at, room);
    if (version < MQTT_V5 && type == MQTT_UNSUBACK)
        codes = nothing;
    put_header(&p, type, 0, 2 + properties_size(version, props) + codes.len);
    put_u16(&p, packet_id);
    put_properties(&p, version, props);
    if (version < MQTT_V5)
        put_old_codes(&p, codes);
    else
        put_bytes(&p, codes);
    return written(&p, at);
}

size_t
mqtt_write_connack(uint8_t *at, size_t room, uint8_t version, bool session_present, uint8_t reason, struct view props)
{
    struct pen p = pen_of(at, room);
    put_header(&p, MQTT_CONNACK, 0, 2 + properties_size(version, props));
    put_u8(&p, session_present);
    put_u8(&p, version < MQTT_V5 ? mqtt_return_code(reason) : reason);
    put_properties(&p, version, props);
    return written(&p, at);
}

size_t
mqtt_write_bye(uint8_t *at, size_t room, uint8_t version, enum mqtt_type type, uint8_t reason, struct view props)
{
    struct pen p = pen_of(at, room);
    bool bare = version < MQTT_V5 || (reason == MQTT_SUCCESS && props.len == 0);
    size_t tail = props.len > 0 ? properties_size(version, props) : 0;
    put_header(&p, type, 0, bare ? 0 : 1 + tail);
    if (!bare)
        put_u8(&p, reason);
    if (!bare && tail > 0)
        put_properties(&p, version, props);
    return written(&p, at);
}

size_t
mqtt_write_ping(uint8_t *at, size_t room, enum mqtt_type type)
{
    struct pen p = pen_of(at, room);
    put_header(&p, type, 0, 0);
    return written(&p, at);
}

/* ---- requests --------------------------------------------------------------------------------------------- */

static uint8_t
connect_flags(const struct mqtt_connect *c)
{
    unsigned will = c->has_will ? 0x04 | (unsigned)c->will_qos << 3 | (unsigned)c->will_retain << 5 : 0;
    return (uint8_t)((unsigned)c->clean_start << 1 | will | (unsigned)c->has_password << 6 |
                     (unsigned)c->has_username << 7);
}

static size_t
short_size(bool present, struct view v)
{
    return present ? 2 + v.len : 0;
}

static size_t
connect_remaining(const struct mqtt_connect *c, struct view name)
{
    size_t will = c->has_will ? properties_size(c->version, c->will_properties.raw) : 0;
    return short_size(true, name) + 4 + properties_size(c->version, c->properties.raw) +
           short_size(true, c->client_id) + will + short_size(c->has_will, c->will_topic) +
           short_size(c->has_will, c->will_payload) + short_size(c->has_username, c->username) +
           short_size(c->has_password, c->password);
}

size_t
mqtt_write_connect(uint8_t *at, size_t room, const struct mqtt_connect *c)
{
    struct pen p = pen_of(at, room);
    struct view name = view_str(c->version == MQTT_V31 ? "MQIsdp" : "MQTT");
    put_header(&p, MQTT_CONNECT, 0, connect_remaining(c, name));
    put_short(&p, name);
    put_u8(&p, c->version);
    put_u8(&p, connect_flags(c));
    put_u16(&p, c->keep_alive_s);
    put_properties(&p, c->version, c->properties.raw);
    put_short(&p, c->client_id);
    if (c->has_will) {
        put_properties(&p, c->version, c->will_properties.raw);
        put_short(&p, c->will_topic);
        put_short(&p, c->will_payload);
    }
    if (c->has_username)
        put_short(&p, c->username);
    if (c->has_password)
        put_short(&p, c->password);
    return written(&p, at);
}

static uint8_t
options_of(uint8_t version, const struct mqtt_filter *f)
{
    if (version < MQTT_V5)
        return f->qos;
    return (uint8_t)(f->qos | (unsigned)f->no_local << 2 | (unsigned)f->retain_as_published << 3 |
                     (unsigned)f->retain_handling << 4);
}

size_t
mqtt_write_subscribe(uint8_t *at, size_t room, uint8_t version, uint16_t packet_id, const struct mqtt_filter *filters,
                     unsigned count, struct view props)
{
    struct pen p = pen_of(at, room);
    size_t remaining = 2 + properties_size(version, props);
    for (unsigned i = 0; i < count; i++)
        remaining += 3 + filters[i].filter.len;
    put_header(&p, MQTT_SUBSCRIBE, flags_of(MQTT_SUBSCRIBE), remaining);
    put_u16(&p, packet_id);
    put_properties(&p, version, props);
    for (unsigned i = 0; i < count; i++) {
        put_short(&p, filters[i].filter);
        put_u8(&p, options_of(version, &filters[i]));
    }
    return written(&p, at);
}

size_t
mqtt_write_unsubscribe(uint8_t *at, size_t room, uint8_t version, uint16_t packet_id, const struct view *filters,
                       unsigned count, struct view props)
{
    struct pen p = pen_of(at, room);
    size_t remaining = 2 + properties_size(version, props);
    for (unsigned i = 0; i < count; i++)
        remaining += 2 + filters[i].len;
    put_header(&p, MQTT_UNSUBSCRIBE, flags_of(MQTT_UNSUBSCRIBE), remaining);
    put_u16(&p, packet_id);
    put_properties(&p, version, props);
    for (unsigned i = 0; i < count; i++)
        put_short(&p, filters[i]);
    return written(&p, at);
}
