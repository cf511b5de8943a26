/* wire/mqtt.h - MQTT 3.1, 3.1.1 and 5.0 packets as plain values.
 * Pure: no I/O, no allocation, no clock.  Views borrow the input.
 *
 * Clauses cite MQTT 5.0 (OASIS, 7 March 2019) as [MQTT-x.y.z-n]; where 3.1.1 differs its clause is named
 * MQTT311-x.y.z-n. */
#ifndef TAMBO_WIRE_MQTT_H
#define TAMBO_WIRE_MQTT_H

#include "base/cursor.h"
#include "base/fault.h"
#include "base/view.h"

enum mqtt_type {
    MQTT_CONNECT = 1,
    MQTT_CONNACK,
    MQTT_PUBLISH,
    MQTT_PUBACK,
    MQTT_PUBREC,
    MQTT_PUBREL,
    MQTT_PUBCOMP,
    MQTT_SUBSCRIBE,
    MQTT_SUBACK,
    MQTT_UNSUBSCRIBE,
    MQTT_UNSUBACK,
    MQTT_PINGREQ,
    MQTT_PINGRESP,
    MQTT_DISCONNECT,
    MQTT_AUTH,
};

/* The protocol level byte of CONNECT. */
enum mqtt_version { MQTT_V31 = 3, MQTT_V311 = 4, MQTT_V5 = 5 };

/* Who sent it: some packets are legal one way only. */
enum mqtt_from { MQTT_FROM_CLIENT, MQTT_FROM_SERVER };

/* MQTT 5, 2.4. */
enum mqtt_reason {
    MQTT_SUCCESS = 0x00,
    MQTT_GRANTED_QOS_1 = 0x01,
    MQTT_GRANTED_QOS_2 = 0x02,
    MQTT_DISCONNECT_WITH_WILL = 0x04,
    MQTT_NO_MATCHING_SUBSCRIBERS = 0x10,
    MQTT_NO_SUBSCRIPTION_EXISTED = 0x11,
    MQTT_CONTINUE_AUTHENTICATION = 0x18,
    MQTT_REAUTHENTICATE = 0x19,
    MQTT_UNSPECIFIED_ERROR = 0x80,
    MQTT_MALFORMED_PACKET = 0x81,
    MQTT_PROTOCOL_ERROR = 0x82,
    MQTT_IMPLEMENTATION_SPECIFIC_ERROR = 0x83,
    MQTT_UNSUPPORTED_PROTOCOL_VERSION = 0x84,
    MQTT_CLIENT_ID_NOT_VALID = 0x85,
    MQTT_BAD_USER_NAME_OR_PASSWORD = 0x86,
    MQTT_NOT_AUTHORIZED = 0x87,
    MQTT_SERVER_UNAVAILABLE = 0x88,
    MQTT_SERVER_BUSY = 0x89,
    MQTT_BANNED = 0x8a,
    MQTT_SERVER_SHUTTING_DOWN = 0x8b,
    MQTT_BAD_AUTHENTICATION_METHOD = 0x8c,
    MQTT_KEEP_ALIVE_TIMEOUT = 0x8d,
    MQTT_SESSION_TAKEN_OVER = 0x8e,
    MQTT_TOPIC_FILTER_INVALID = 0x8f,
    MQTT_TOPIC_NAME_INVALID = 0x90,
    MQTT_PACKET_ID_IN_USE = 0x91,
    MQTT_PACKET_ID_NOT_FOUND = 0x92,
    MQTT_RECEIVE_MAXIMUM_EXCEEDED = 0x93,
    MQTT_TOPIC_ALIAS_INVALID = 0x94,
    MQTT_PACKET_TOO_LARGE = 0x95,
    MQTT_MESSAGE_RATE_TOO_HIGH = 0x96,
    MQTT_QUOTA_EXCEEDED = 0x97,
    MQTT_ADMINISTRATIVE_ACTION = 0x98,
    MQTT_PAYLOAD_FORMAT_INVALID = 0x99,
    MQTT_RETAIN_NOT_SUPPORTED = 0x9a,
    MQTT_QOS_NOT_SUPPORTED = 0x9b,
    MQTT_USE_ANOTHER_SERVER = 0x9c,
    MQTT_SERVER_MOVED = 0x9d,
    MQTT_SHARED_SUBSCRIPTIONS_NOT_SUPPORTED = 0x9e,
    MQTT_CONNECTION_RATE_EXCEEDED = 0x9f,
    MQTT_MAXIMUM_CONNECT_TIME = 0xa0,
    MQTT_SUBSCRIPTION_IDS_NOT_SUPPORTED = 0xa1,
    MQTT_WILDCARDS_NOT_SUPPORTED = 0xa2,
};
/* "quota exceeded"; "unknown reason" for a code the specification does not have. */
const char *mqtt_reason_text(unsigned reason);
const char *mqtt_type_text(unsigned type);

/* MQTT 5, 2.2.2.2. */
enum mqtt_property {
    MQTT_PAYLOAD_FORMAT = 0x01,
    MQTT_MESSAGE_EXPIRY = 0x02,
    MQTT_CONTENT_TYPE = 0x03,
    MQTT_RESPONSE_TOPIC = 0x08,
    MQTT_CORRELATION_DATA = 0x09,
    MQTT_SUBSCRIPTION_ID = 0x0b,
    MQTT_SESSION_EXPIRY = 0x11,
    MQTT_ASSIGNED_CLIENT_ID = 0x12,
    MQTT_SERVER_KEEP_ALIVE = 0x13,
    MQTT_AUTH_METHOD = 0x15,
    MQTT_AUTH_DATA = 0x16,
    MQTT_REQUEST_PROBLEM_INFO = 0x17,
    MQTT_WILL_DELAY = 0x18,
    MQTT_REQUEST_RESPONSE_INFO = 0x19,
    MQTT_RESPONSE_INFO = 0x1a,
    MQTT_SERVER_REFERENCE = 0x1c,
    MQTT_REASON_STRING = 0x1f,
    MQTT_RECEIVE_MAXIMUM = 0x21,
    MQTT_TOPIC_ALIAS_MAXIMUM = 0x22,
    MQTT_TOPIC_ALIAS = 0x23,
    MQTT_MAXIMUM_QOS = 0x24,
    MQTT_RETAIN_AVAILABLE = 0x25,
    MQTT_USER_PROPERTY = 0x26,
    MQTT_MAXIMUM_PACKET_SIZE = 0x27,
    MQTT_WILDCARD_AVAILABLE = 0x28,
    MQTT_SUBSCRIPTION_IDS_AVAILABLE = 0x29,
    MQTT_SHARED_AVAILABLE = 0x2a,
};

/* The properties of one packet, checked and read out.  `has` has bit (1 << id) (as uint64_t) for each one present.
 * Absent ones hold the specification's default: receive_maximum 65535, maximum_qos 2, request_problem_info and the
 * "available"s 1; no message expiry and no maximum packet size are UINT32_MAX; all others 0 or empty.  User properties
 * and repeated subscription identifiers are walked in `raw`. */
struct mqtt_properties {
    uint64_t has;
    struct view raw; /* all of them as they came, without the length */
    uint32_t message_expiry_s, session_expiry_s, will_delay_s, maximum_packet_size, subscription_id;
    uint16_t server_keep_alive_s, receive_maximum, topic_alias_maximum, topic_alias;
    uint8_t payload_format, request_problem_info, request_response_info, maximum_qos, retain_available,
        wildcard_available, subscription_ids_available, shared_available;
    struct view content_type, response_topic, correlation_data, assigned_client_id, auth_method, auth_data,
        response_info, server_reference, reason_string;
    /* A topic alias, expiry or subscription identifier is among them: raw cannot be passed on as it is. */
    bool hop_only;
};

static inline bool
mqtt_has(const struct mqtt_properties *p, enum mqtt_property id)
{
    return p->has >> id & 1;
}

/* One property out of `raw`.  Start with a cursor over it; false at the end. */
struct mqtt_property_item {
    enum mqtt_property id;
    uint32_t number;
    struct view text, value; /* a string, binary, or the name and value of a user property */
};
bool mqtt_property_next(struct cursor *raw, struct mqtt_property_item *ret);

struct mqtt_connect {
    uint8_t version;
    bool clean_start, has_will, will_retain, has_username, has_password;
    uint8_t will_qos;
    uint16_t keep_alive_s;
    struct view client_id, will_topic, will_payload, username, password;
    struct mqtt_properties properties, will_properties;
};

struct mqtt_connack {
    bool session_present;
    uint8_t reason; /* 5.0's; 3.x's return code is translated both ways */
    struct mqtt_properties properties;
};

struct mqtt_publish {
    bool dup, retain;
    uint8_t qos;
    uint16_t packet_id; /* 0 with QoS 0 */
    struct view topic, payload;
    struct mqtt_properties properties;
};

/* PUBACK, PUBREC, PUBREL, PUBCOMP; SUBACK and UNSUBACK with their codes; DISCONNECT and AUTH without packet id. */
struct mqtt_ack {
    uint16_t packet_id;
    uint8_t reason;
    struct view codes; /* SUBACK, UNSUBACK: a byte a filter */
    struct mqtt_properties properties;
};

/* SUBSCRIBE and UNSUBSCRIBE: the filters are checked by decode and walked by mqtt_filter_next. */
struct mqtt_subscribe {
    uint16_t packet_id;
    struct view filters;
    uint32_t count;
    bool unsubscribe;
    uint8_t version;
    struct mqtt_properties properties;
};
struct mqtt_filter {
    struct view filter; /* as sent, with $share/NAME/ */
    uint8_t qos, retain_handling;
    bool no_local, retain_as_published;
};
bool mqtt_filter_next(struct cursor *filters, const struct mqtt_subscribe *packet, struct mqtt_filter *ret);

struct mqtt_packet {
    enum mqtt_type type;
    union {
        struct mqtt_connect connect;
        struct mqtt_connack connack;
        struct mqtt_publish publish;
        struct mqtt_ack ack;
        struct mqtt_subscribe subscribe;
    };
};

/* How a connection is to be read. `version` 0 before CONNECT. */
struct mqtt_dialect {
    uint8_t version;
    enum mqtt_from from;
    size_t packet_bytes_max;
};

/* The length of the packet at the front of `in`: whole size with its header; 0 when not even the header is there;
 * -ERR_PROTOCOL, -ERR_TOO_LARGE.  For framing: how much to wait for. */
ptrdiff_t mqtt_frame(struct view in, size_t packet_bytes_max, struct fault *reterr);

/* Read one packet from the front of `in`.
 * Returns the bytes consumed; 0 when `in` does not yet hold a whole packet; or -err, and then *reterr names the broken
 * rule, with the reason code that the specification asks for.  *ret is written on success only.  Strings are checked
 * for UTF-8 (1.5.4), properties for being allowed in this packet, unique and in range. */
ptrdiff_t mqtt_decode(struct view in, const struct mqtt_dialect *dialect, struct mqtt_packet *ret,
                      struct fault *reterr);

/* In which version to answer first bytes that mqtt_decode refused: the one that a CONNECT names, the nearest when we do
 * not have it, and 3.1.1 (whose refusals are mostly silent) when they are no CONNECT. */
uint8_t mqtt_connect_version(struct view in);

/* ---- writing ---------------------------------------------------------------------------------------------- */

/* All writers: returns bytes written, or 0 when they do not fit in `room` bytes.  mqtt_size_* give an upper bound of
 * what is needed. */

/* PUBLISH: `props` is encoded properties without length (or empty); `expiry_s` UINT32_MAX: none; ids: subscription
 * identifiers; alias 0: none. With an alias already known to the peer, `topic` is empty.  The payload is not written:
 * it follows, by copy or by reference. */
struct mqtt_publish_head {
    uint8_t version;
    bool dup, retain;
    uint8_t qos;
    uint16_t packet_id, alias;
    uint32_t expiry_s;
    struct view topic, props;
    const uint32_t *ids;
    unsigned id_count;
    size_t payload_bytes;
};
size_t mqtt_write_publish_head(uint8_t *at, size_t room, const struct mqtt_publish_head *head);
size_t mqtt_size_publish_head(const struct mqtt_publish_head *head);
/* The whole packet's size on the wire, payload included: to be held against the peer's maximum packet size. */
size_t mqtt_size_publish(const struct mqtt_publish_head *head);

/* PUBACK, PUBREC, PUBREL, PUBCOMP in their shortest form; 3.x writes no reason.  `props` may be empty. */
size_t mqtt_write_ack(uint8_t *at, size_t room, uint8_t version, enum mqtt_type type, uint16_t packet_id,
                      uint8_t reason, struct view props);
size_t mqtt_write_suback(uint8_t *at, size_t room, uint8_t version, enum mqtt_type type, uint16_t packet_id,
                         struct view codes, struct view props);
size_t mqtt_write_connack(uint8_t *at, size_t room, uint8_t version, bool session_present, uint8_t reason,
                          struct view props);
size_t mqtt_write_connect(uint8_t *at, size_t room, const struct mqtt_connect *connect);
size_t mqtt_write_subscribe(uint8_t *at, size_t room, uint8_t version, uint16_t packet_id,
                            const struct mqtt_filter *filters, unsigned count, struct view props);
size_t mqtt_write_unsubscribe(uint8_t *at, size_t room, uint8_t version, uint16_t packet_id, const struct view *filters,
                              unsigned count, struct view props);
/* DISCONNECT and AUTH. */
size_t mqtt_write_bye(uint8_t *at, size_t room, uint8_t version, enum mqtt_type type, uint8_t reason,
                      struct view props);
size_t mqtt_write_ping(uint8_t *at, size_t room, enum mqtt_type type);

/* Properties are composed with a pen: one call a property, in any order. */
void mqtt_put_u8(struct pen *p, enum mqtt_property id, uint8_t x);
void mqtt_put_u16(struct pen *p, enum mqtt_property id, uint16_t x);
void mqtt_put_u32(struct pen *p, enum mqtt_property id, uint32_t x);
void mqtt_put_varint(struct pen *p, enum mqtt_property id, uint32_t x);
void mqtt_put_text(struct pen *p, enum mqtt_property id, struct view text);
void mqtt_put_pair(struct pen *p, struct view name, struct view value);
/* `raw` without what belongs to the hop (topic alias, expiry, subscription identifiers), in order. */
void mqtt_put_lasting(struct pen *p, struct view raw);

#endif
