/* wire/mqtt_text.c - names for people, and the checks on the strings of a packet. */
#include "base/must.h"
#include "wire/mqtt_body.h"
#include "wire/utf8.h"

int
mqtt_check_text(struct mqtt_body *body, struct view text, enum mqtt_rule rule)
{
    if (utf8_valid(text))
        return 0;
    return mqtt_breach(body, memchr(text.data, 0, text.len) != NULL ? RULE_TEXT_NULL : rule);
}

/* Eight bytes at a time: a byte that is `c` becomes zero under the exclusive or, and only zero bytes borrow. */
static uint64_t
has_byte(uint64_t word, uint8_t c)
{
    const uint64_t low = UINT64_C(0x0101010101010101);
    uint64_t x = word ^ (low * c);
    return (x - low) & ~x & (low << 7);
}

bool
mqtt_has_wildcard(struct view topic)
{
    size_t i = 0;
    for (; i + 8 <= topic.len; i += 8) {
        uint64_t word;
        memcpy(&word, topic.data + i, sizeof(word));
        if (has_byte(word, '+') | has_byte(word, '#'))
            return true;
    }
    for (; i < topic.len; i++)
        if (topic.data[i] == '+' || topic.data[i] == '#')
            return true;
    return false;
}

const char *
mqtt_type_text(unsigned type)
{
    static const char *const texts[] = {
        "reserved",  "CONNECT", "CONNACK",     "PUBLISH",  "PUBACK",  "PUBREC",   "PUBREL",     "PUBCOMP",
        "SUBSCRIBE", "SUBACK",  "UNSUBSCRIBE", "UNSUBACK", "PINGREQ", "PINGRESP", "DISCONNECT", "AUTH",
    };
    return type < COUNT_OF(texts) ? texts[type] : "unknown type";
}

const char *
mqtt_reason_text(unsigned reason)
{
    static const char *const texts[] = {
        [MQTT_SUCCESS] = "success",
        [MQTT_GRANTED_QOS_1] = "granted QoS 1",
        [MQTT_GRANTED_QOS_2] = "granted QoS 2",
        [MQTT_DISCONNECT_WITH_WILL] = "disconnect with will message",
        [MQTT_NO_MATCHING_SUBSCRIBERS] = "no matching subscribers",
        [MQTT_NO_SUBSCRIPTION_EXISTED] = "no subscription existed",
        [MQTT_CONTINUE_AUTHENTICATION] = "continue authentication",
        [MQTT_REAUTHENTICATE] = "re-authenticate",
        [MQTT_UNSPECIFIED_ERROR] = "unspecified error",
        [MQTT_MALFORMED_PACKET] = "malformed packet",
        [MQTT_PROTOCOL_ERROR] = "protocol error",
        [MQTT_IMPLEMENTATION_SPECIFIC_ERROR] = "implementation specific error",
        [MQTT_UNSUPPORTED_PROTOCOL_VERSION] = "unsupported protocol version",
        [MQTT_CLIENT_ID_NOT_VALID] = "client identifier not valid",
        [MQTT_BAD_USER_NAME_OR_PASSWORD] = "bad user name or password",
        [MQTT_NOT_AUTHORIZED] = "not authorized",
        [MQTT_SERVER_UNAVAILABLE] = "server unavailable",
        [MQTT_SERVER_BUSY] = "server busy",
        [MQTT_BANNED] = "banned",
        [MQTT_SERVER_SHUTTING_DOWN] = "server shutting down",
        [MQTT_BAD_AUTHENTICATION_METHOD] = "bad authentication method",
        [MQTT_KEEP_ALIVE_TIMEOUT] = "keep alive timeout",
        [MQTT_SESSION_TAKEN_OVER] = "session taken over",
        [MQTT_TOPIC_FILTER_INVALID] = "topic filter invalid",
        [MQTT_TOPIC_NAME_INVALID] = "topic name invalid",
        [MQTT_PACKET_ID_IN_USE] = "packet identifier in use",
        [MQTT_PACKET_ID_NOT_FOUND] = "packet identifier not found",
        [MQTT_RECEIVE_MAXIMUM_EXCEEDED] = "receive maximum exceeded",
        [MQTT_TOPIC_ALIAS_INVALID] = "topic alias invalid",
        [MQTT_PACKET_TOO_LARGE] = "packet too large",
        [MQTT_MESSAGE_RATE_TOO_HIGH] = "message rate too high",
        [MQTT_QUOTA_EXCEEDED] = "quota exceeded",
        [MQTT_ADMINISTRATIVE_ACTION] = "administrative action",
        [MQTT_PAYLOAD_FORMAT_INVALID] = "payload format invalid",
        [MQTT_RETAIN_NOT_SUPPORTED] = "retain not supported",
        [MQTT_QOS_NOT_SUPPORTED] = "QoS not supported",
        [MQTT_USE_ANOTHER_SERVER] = "use another server",
        [MQTT_SERVER_MOVED] = "server moved",
        [MQTT_SHARED_SUBSCRIPTIONS_NOT_SUPPORTED] = "shared subscriptions not supported",
        [MQTT_CONNECTION_RATE_EXCEEDED] = "connection rate exceeded",
        [MQTT_MAXIMUM_CONNECT_TIME] = "maximum connect time",
        [MQTT_SUBSCRIPTION_IDS_NOT_SUPPORTED] = "subscription identifiers not supported",
        [MQTT_WILDCARDS_NOT_SUPPORTED] = "wildcard subscriptions not supported",
    };
    return reason < COUNT_OF(texts) && texts[reason] != NULL ? texts[reason] : "unknown reason";
}
