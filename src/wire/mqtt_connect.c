/* wire/mqtt_connect.c - CONNECT and CONNACK (MQTT 5, 3.1 and 3.2), and telling 3.x's return codes from reason codes.
 *
 * 3.1 names itself MQIsdp and bounds client identifiers to 23 bytes; longer ones are taken, as everyone does. */
#include "base/err.h"
#include "base/must.h"
#include "wire/mqtt_body.h"

enum {
    FLAG_RESERVED = 0x01,
    FLAG_CLEAN_START = 0x02,
    FLAG_WILL = 0x04,
    FLAG_WILL_RETAIN = 0x20,
    FLAG_PASSWORD = 0x40,
    FLAG_USERNAME = 0x80,
};

static unsigned
will_qos(uint8_t flags)
{
    return flags >> 3 & 3;
}

/* Which version a protocol name and level are: 0, and the breach is noted, when none of ours. */
static uint8_t
take_version(struct mqtt_body *body)
{
    struct view name = take_short(&body->in);
    uint8_t level = take_u8(&body->in);
    bool old = view_is(name, "MQIsdp");
    if (body->in.torn)
        mqtt_breach(body, RULE_TORN);
    else if (!old && !view_is(name, "MQTT"))
        mqtt_breach(body, RULE_PROTOCOL_NAME);
    else if (old ? level == MQTT_V31 : level == MQTT_V311 || level == MQTT_V5)
        return level;
    else
        mqtt_breach(body, RULE_PROTOCOL_VERSION);
    return 0;
}

static int
check_flags(struct mqtt_body *body, uint8_t flags)
{
    if (body->version != MQTT_V31 && flags & FLAG_RESERVED)
        return mqtt_breach(body, RULE_CONNECT_RESERVED);
    if (flags & FLAG_WILL)
        return will_qos(flags) == 3 ? mqtt_breach(body, RULE_WILL_QOS_3) : 0;
    if (body->version == MQTT_V31)
        return 0;
    if (will_qos(flags) != 0)
        return mqtt_breach(body, RULE_WILL_QOS_ALONE);
    if (flags & FLAG_WILL_RETAIN)
        return mqtt_breach(body, RULE_WILL_RETAIN_ALONE);
    return 0;
}

static int
check_password(struct mqtt_body *body, uint8_t flags)
{
    bool alone = flags & FLAG_PASSWORD && !(flags & FLAG_USERNAME);
    return alone && body->version < MQTT_V5 ? mqtt_breach(body, RULE_PASSWORD_ALONE) : 0;
}

static int
copy_properties(struct mqtt_body *body, unsigned carrier, struct mqtt_properties *ret)
{
    const struct mqtt_properties *properties = mqtt_take_properties(body, carrier, ret);
    if (properties == NULL)
        return -ERR_PROTOCOL;
    if (properties != ret)
        *ret = *properties;
    return 0;
}

static int
take_will(struct mqtt_body *body, uint8_t flags, struct mqtt_connect *ret)
{
    ret->will_properties = mqtt_properties_none;
    if (!(flags & FLAG_WILL))
        return 0;
    int rc = copy_properties(body, MQTT_WILL, &ret->will_properties);
    if (rc < 0)
        return rc;
    ret->has_will = true;
    ret->will_retain = flags & FLAG_WILL_RETAIN;
    ret->will_qos = (uint8_t)will_qos(flags);
    ret->will_topic = take_short(&body->in);
    ret->will_payload = take_short(&body->in);
    if (body->in.torn)
        return mqtt_breach(body, RULE_TORN);
    if (ret->will_topic.len == 0)
        return mqtt_breach(body, RULE_TOPIC_EMPTY);
    if (mqtt_has_wildcard(ret->will_topic))
        return mqtt_breach(body, RULE_WILL_TOPIC_WILDCARD);
    return mqtt_check_text(body, ret->will_topic, RULE_TEXT_WILL_TOPIC);
}

/* In 3.1 the remaining length has precedence over the flags: a packet may end before the strings they announce. */
static bool
take_credential(struct mqtt_body *body, bool announced, struct view *ret)
{
    if (!announced || (body->version == MQTT_V31 && cursor_left(&body->in) == 0))
        return false;
    *ret = take_short(&body->in);
    return true;
}

static int
take_payload(struct mqtt_body *body, uint8_t flags, struct mqtt_connect *ret)
{
    ret->client_id = take_short(&body->in);
    int rc = mqtt_check_text(body, ret->client_id, RULE_TEXT_CLIENT_ID);
    if (rc == 0)
        rc = take_will(body, flags, ret);
    if (rc < 0)
        return rc;
    ret->has_username = take_credential(body, flags & FLAG_USERNAME, &ret->username);
    ret->has_password = take_credential(body, flags & FLAG_PASSWORD, &ret->password);
    rc = mqtt_check_end(body);
    return rc < 0 ? rc : mqtt_check_text(body, ret->username, RULE_TEXT_USERNAME);
}

int
mqtt_decode_connect(struct mqtt_body *body, struct mqtt_packet *ret)
{
    body->version = take_version(body);
    if (body->version == 0)
        return -ERR_PROTOCOL;
    if (body->padded && body->version == MQTT_V5)
        return mqtt_breach(body, RULE_VARINT_PADDED);
    uint8_t flags = take_u8(&body->in);
    struct mqtt_connect connect = {
        .version = body->version,
        .clean_start = flags & FLAG_CLEAN_START,
        .keep_alive_s = take_u16(&body->in),
    };
    int rc = check_flags(body, flags);
    if (rc == 0)
        rc = check_password(body, flags);
    if (rc == 0)
        rc = copy_properties(body, MQTT_CONNECT, &connect.properties);
    if (rc == 0)
        rc = take_payload(body, flags, &connect);
    if (rc == 0)
        ret->connect = connect;
    return rc;
}

uint8_t
mqtt_connect_version(struct view in)
{
    struct cursor c = cursor_of(in);
    unsigned type = take_u8(&c) >> 4;
    take_varint(&c);
    take_short(&c);
    uint8_t level = take_u8(&c);
    if (c.torn || type != MQTT_CONNECT || level < MQTT_V31)
        return MQTT_V311;
    return level > MQTT_V5 ? MQTT_V5 : level;
}

/* ---- CONNACK ---------------------------------------------------------------------------------------------- */

/* 3.1.1, table 3.1: the return codes, as the reason codes that took their place. */
static const uint8_t return_codes[] = {
    MQTT_SUCCESS,
    MQTT_UNSUPPORTED_PROTOCOL_VERSION,
    MQTT_CLIENT_ID_NOT_VALID,
    MQTT_SERVER_UNAVAILABLE,
    MQTT_BAD_USER_NAME_OR_PASSWORD,
    MQTT_NOT_AUTHORIZED,
};

uint8_t
mqtt_return_code(uint8_t reason)
{
    for (uint8_t i = 0; i < COUNT_OF(return_codes); i++)
        if (return_codes[i] == reason)
            return i;
    return reason == MQTT_BANNED ? 5 : 3;
}

static int
take_reason(struct mqtt_body *body, uint8_t *ret)
{
    uint8_t code = take_u8(&body->in);
    if (body->in.torn)
        return mqtt_breach(body, RULE_TORN);
    if (body->version < MQTT_V5 && code >= COUNT_OF(return_codes))
        return mqtt_breach(body, RULE_REASON_CONNACK);
    *ret = body->version < MQTT_V5 ? return_codes[code] : code;
    return mqtt_check_reason(body, *ret);
}

int
mqtt_decode_connack(struct mqtt_body *body, struct mqtt_packet *ret)
{
    struct mqtt_connack connack;
    uint8_t flags = take_u8(&body->in);
    int rc = take_reason(body, &connack.reason);
    if (rc == 0)
        rc = copy_properties(body, MQTT_CONNACK, &connack.properties);
    if (rc == 0)
        rc = mqtt_check_end(body);
    if (rc < 0)
        return rc;
    if (flags & ~1)
        return mqtt_breach(body, RULE_CONNACK_FLAGS);
    if (flags & 1 && connack.reason != MQTT_SUCCESS)
        return mqtt_breach(body, RULE_CONNACK_SESSION);
    connack.session_present = flags & 1;
    ret->connack = connack;
    return 0;
}
