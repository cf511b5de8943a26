/* wire/mqtt_subscribe.c - SUBSCRIBE and UNSUBSCRIBE (MQTT 5, 3.8 and 3.10): filters, each with its options or without.
 *
 * What a filter may look like within (where wildcards stand) is the route's to say; here are the rules about the packet
 * and about $share/NAME/. */
#include "base/err.h"
#include "wire/mqtt_body.h"

/* The options byte.  3.x has the QoS alone. */
enum { QOS = 0x03, NO_LOCAL = 0x04, RETAIN_AS_PUBLISHED = 0x08, RESERVED = 0xc0, RESERVED_3X = 0xfc };

static uint8_t
take_filter(struct cursor *c, bool unsubscribe, struct view *ret)
{
    *ret = take_short(c);
    return unsubscribe ? 0 : take_u8(c);
}

static unsigned
retain_handling(uint8_t options)
{
    return options >> 4 & 3;
}

bool
mqtt_filter_next(struct cursor *filters, const struct mqtt_subscribe *packet, struct mqtt_filter *ret)
{
    if (filters->torn || cursor_left(filters) == 0)
        return false;
    uint8_t options = take_filter(filters, packet->unsubscribe, &ret->filter);
    ret->qos = options & QOS;
    ret->no_local = options & NO_LOCAL;
    ret->retain_as_published = options & RETAIN_AS_PUBLISHED;
    ret->retain_handling = (uint8_t)retain_handling(options);
    return !filters->torn;
}

static int
check_options(struct mqtt_body *body, uint8_t options, bool shared)
{
    if (options & (body->version < MQTT_V5 ? RESERVED_3X : RESERVED))
        return mqtt_breach(body, RULE_OPTIONS_RESERVED);
    if ((options & QOS) == 3)
        return mqtt_breach(body, RULE_OPTIONS_QOS_3);
    if (retain_handling(options) == 3)
        return mqtt_breach(body, RULE_OPTIONS_RETAIN_3);
    if (shared && options & NO_LOCAL)
        return mqtt_breach(body, RULE_SHARED_NO_LOCAL);
    return 0;
}

/* `rest` is what follows "$share/": NAME/FILTER, neither empty, no wildcard in NAME. */
static int
check_share(struct mqtt_body *body, struct view rest)
{
    const uint8_t *slash = rest.len > 0 ? memchr(rest.data, '/', rest.len) : NULL;
    size_t name = slash == NULL ? rest.len : (size_t)(slash - rest.data);
    if (name == 0)
        return mqtt_breach(body, RULE_SHARE_NAME_EMPTY);
    if (slash == NULL || name + 1 == rest.len || mqtt_has_wildcard(view_of(rest.data, name)))
        return mqtt_breach(body, RULE_SHARE_FILTER);
    return 0;
}

static int
check_filter(struct mqtt_body *body, struct view filter, uint8_t options)
{
    bool shared = view_starts(filter, "$share/");
    if (filter.len == 0)
        return mqtt_breach(body, RULE_TOPIC_EMPTY);
    int rc = mqtt_check_text(body, filter, body->type == MQTT_SUBSCRIBE ? RULE_TEXT_SUBSCRIBE : RULE_TEXT_UNSUBSCRIBE);
    if (rc == 0 && shared)
        rc = check_share(body, view_from(filter, strlen("$share/")));
    return rc < 0 ? rc : check_options(body, options, shared);
}

static int
check_filters(struct mqtt_body *body, struct mqtt_subscribe *ret)
{
    struct cursor c = cursor_of(ret->filters);
    for (ret->count = 0; cursor_left(&c) > 0; ret->count++) {
        struct view filter;
        uint8_t options = take_filter(&c, ret->unsubscribe, &filter);
        if (c.torn)
            return mqtt_breach(body, RULE_TORN);
        int rc = check_filter(body, filter, options);
        if (rc < 0)
            return rc;
    }
    if (ret->count == 0)
        return mqtt_breach(body, ret->unsubscribe ? RULE_UNSUBSCRIBE_EMPTY : RULE_SUBSCRIBE_EMPTY);
    return 0;
}

int
mqtt_decode_subscribe(struct mqtt_body *body, struct mqtt_packet *ret)
{
    struct mqtt_subscribe s = {
        .packet_id = take_u16(&body->in),
        .unsubscribe = body->type == MQTT_UNSUBSCRIBE,
        .version = body->version,
    };
    if (body->in.torn)
        return mqtt_breach(body, RULE_TORN);
    if (s.packet_id == 0)
        return mqtt_breach(body, RULE_ID_ZERO_CLIENT);
    struct mqtt_properties room;
    const struct mqtt_properties *properties = mqtt_take_properties(body, body->type, &room);
    if (properties == NULL)
        return -ERR_PROTOCOL;
    s.filters = take_rest(&body->in);
    int rc = check_filters(body, &s);
    if (rc < 0)
        return rc;
    s.properties = *properties;
    ret->subscribe = s;
    return 0;
}
