/* wire/amqp_properties.c - content headers, and the properties of class basic.
 *
 *      0       2        4           12               14
 *     +-------+--------+-----------+----------------+------------- ... -+
 *     | class | weight | body size | property flags | those flagged     |      4.2.6.1
 *     +-------+--------+-----------+----------------+------------- ... -+
 *
 * Bit 15 flags the first property.  Bit 0 would continue the flags with another word, bit 1 is spare: fourteen
 * properties need neither. */
#include "base/must.h"
#include "wire/amqp.h"
#include "wire/amqp_rule.h"

enum { FLAG_FIRST = 0x8000, FLAGS_UNUSED = 0x0003 };

enum kind { KIND_OCTET, KIND_LONGLONG, KIND_SHORTSTR, KIND_TABLE };

static const struct row {
    uint16_t kind, offset;
} rows[AMQP_PROPS] = {
#define ROW(kind, member)                                     \
    {                                                         \
        KIND_##kind, offsetof(struct amqp_properties, member) \
    }
    [AMQP_CONTENT_TYPE] = ROW(SHORTSTR, content_type),
    [AMQP_CONTENT_ENCODING] = ROW(SHORTSTR, content_encoding),
    [AMQP_HEADERS] = ROW(TABLE, headers),
    [AMQP_DELIVERY_MODE] = ROW(OCTET, delivery_mode),
    [AMQP_PRIORITY] = ROW(OCTET, priority),
    [AMQP_CORRELATION_ID] = ROW(SHORTSTR, correlation_id),
    [AMQP_REPLY_TO] = ROW(SHORTSTR, reply_to),
    [AMQP_EXPIRATION] = ROW(SHORTSTR, expiration),
    [AMQP_MESSAGE_ID] = ROW(SHORTSTR, message_id),
    [AMQP_TIMESTAMP] = ROW(LONGLONG, timestamp),
    [AMQP_TYPE] = ROW(SHORTSTR, type),
    [AMQP_USER_ID] = ROW(SHORTSTR, user_id),
    [AMQP_APP_ID] = ROW(SHORTSTR, app_id),
    [AMQP_CLUSTER_ID] = ROW(SHORTSTR, cluster_id),
#undef ROW
};

int
amqp_header_parse(struct view payload, struct amqp_header *ret, struct fault *why)
{
    struct cursor in = cursor_of(payload);
    if (payload.len < AMQP_HEADER_FIXED + sizeof(uint16_t))
        return amqp_breach(why, AMQP_RULE_HEADER_SHORT);
    uint16_t class_id = take_u16(&in);
    uint16_t weight = take_u16(&in);
    uint64_t body_size = take_u64(&in);
    if (weight != 0)
        return amqp_breach(why, AMQP_RULE_HEADER_WEIGHT);
    if (class_id != AMQP_CLASS_BASIC)
        return amqp_breach(why, AMQP_RULE_HEADER_CLASS);
    *ret = (struct amqp_header){ .class_id = class_id, .body_size = body_size, .props = take_rest(&in) };
    return 0;
}

static void
take_property(struct cursor *in, enum kind kind, void *ret)
{
    switch (kind) {
    case KIND_OCTET: *(uint8_t *)ret = take_u8(in); break;
    case KIND_LONGLONG: *(uint64_t *)ret = take_u64(in); break;
    case KIND_SHORTSTR: *(struct view *)ret = take_shortstr(in); break;
    case KIND_TABLE: *(struct view *)ret = take_long(in); break;
    }
}

int
amqp_properties_parse(struct view props, struct amqp_properties *ret, struct fault *why)
{
    struct cursor in = cursor_of(props);
    struct amqp_properties p = { 0 };
    unsigned flags = take_u16(&in);
    if (flags & FLAGS_UNUSED)
        return amqp_breach(why, AMQP_RULE_PROPERTY_FLAGS);
    for (unsigned i = 0; flags != 0; i++, flags = flags << 1 & UINT16_MAX)
        if (flags & FLAG_FIRST) {
            p.present |= (uint16_t)(1u << i);
            take_property(&in, rows[i].kind, (uint8_t *)&p + rows[i].offset);
        }
    if (in.torn)
        return amqp_breach(why, AMQP_RULE_PROPERTY_TORN);
    if (cursor_left(&in) > 0)
        return amqp_breach(why, AMQP_RULE_PROPERTY_SURPLUS);
    int rc = amqp_table_check(p.headers, why);
    if (rc == 0)
        *ret = p;
    return rc;
}

static void
put_property(struct pen *p, enum kind kind, const void *at)
{
    switch (kind) {
    case KIND_OCTET: put_u8(p, *(const uint8_t *)at); break;
    case KIND_LONGLONG: put_u64(p, *(const uint64_t *)at); break;
    case KIND_SHORTSTR: put_shortstr(p, *(const struct view *)at); break;
    case KIND_TABLE: put_long(p, *(const struct view *)at); break;
    }
}

void
amqp_properties_put(struct pen *p, const struct amqp_properties *props)
{
    unsigned flags = 0;
    must(props->present >> AMQP_PROPS == 0);
    for (unsigned i = 0; i < AMQP_PROPS; i++)
        if (props->present >> i & 1)
            flags |= (unsigned)FLAG_FIRST >> i;
    put_u16(p, (uint16_t)flags);
    for (unsigned i = 0; i < AMQP_PROPS; i++)
        if (props->present >> i & 1)
            put_property(p, rows[i].kind, (const uint8_t *)props + rows[i].offset);
}
