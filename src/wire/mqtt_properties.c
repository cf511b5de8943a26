/* wire/mqtt_properties.c - properties (MQTT 5, 2.2.2): a length, then identifier and value, again and again.
 *
 * One table says of each property what its value is, which packets carry it, what values it may have, and where in
 * struct mqtt_properties it is kept. */
#include "base/must.h"
#include "wire/mqtt_body.h"

enum type { NONE, FLAG, U16, U32, VARINT, TEXT, BINARY, PAIR };

/* One bit a packet that may carry it. */
enum {
    CONNECT = 1 << MQTT_CONNECT,
    CONNACK = 1 << MQTT_CONNACK,
    PUBLISH = 1 << MQTT_PUBLISH,
    WILL = 1 << MQTT_WILL,
    MESSAGE = PUBLISH | WILL,
    SUBSCRIBE = 1 << MQTT_SUBSCRIBE,
    DISCONNECT = 1 << MQTT_DISCONNECT,
    AUTH = 1 << MQTT_AUTH,
    OPENING = CONNECT | CONNACK,
    ANSWER = CONNACK | 1 << MQTT_PUBACK | 1 << MQTT_PUBREC | 1 << MQTT_PUBREL | 1 << MQTT_PUBCOMP | 1 << MQTT_SUBACK |
             1 << MQTT_UNSUBACK | DISCONNECT | AUTH,
    ANY = ANSWER | CONNECT | MESSAGE | SUBSCRIBE | 1 << MQTT_UNSUBSCRIBE,
};

struct kind {
    uint8_t type;
    uint16_t carriers;
    uint16_t at;         /* where it is kept; a user property is not */
    uint8_t least;       /* of a number; a flag is 1 at most */
    const char *section; /* cited for a value out of range and for a second one */
};

#define KIND(id, type, carriers, field, least, section) \
    [MQTT_##id] = { type, carriers, offsetof(struct mqtt_properties, field), least, section }

/* clang-format off */
static const struct kind kinds[] = {
    /*   identifier                  value   carriers              kept in                     least  section */
    KIND(PAYLOAD_FORMAT,             FLAG,   MESSAGE,              payload_format,             0,     "3.3.2.3.2"),
    KIND(MESSAGE_EXPIRY,             U32,    MESSAGE,              message_expiry_s,           0,     "3.3.2.3.3"),
    KIND(CONTENT_TYPE,               TEXT,   MESSAGE,              content_type,               0,     "3.3.2.3.9"),
    KIND(RESPONSE_TOPIC,             TEXT,   MESSAGE,              response_topic,             0,     "3.3.2.3.5"),
    KIND(CORRELATION_DATA,           BINARY, MESSAGE,              correlation_data,           0,     "3.3.2.3.6"),
    KIND(SUBSCRIPTION_ID,            VARINT, PUBLISH | SUBSCRIBE,  subscription_id,            1,     "3.8.2.1.2"),
    KIND(SESSION_EXPIRY,             U32,    OPENING | DISCONNECT, session_expiry_s,           0,     "3.1.2.11.2"),
    KIND(ASSIGNED_CLIENT_ID,         TEXT,   CONNACK,              assigned_client_id,         0,     "3.2.2.3.7"),
    KIND(SERVER_KEEP_ALIVE,          U16,    CONNACK,              server_keep_alive_s,        0,     "3.2.2.3.14"),
    KIND(AUTH_METHOD,                TEXT,   OPENING | AUTH,       auth_method,                0,     "3.1.2.11.9"),
    KIND(AUTH_DATA,                  BINARY, OPENING | AUTH,       auth_data,                  0,     "3.1.2.11.10"),
    KIND(REQUEST_PROBLEM_INFO,       FLAG,   CONNECT,              request_problem_info,       0,     "3.1.2.11.7"),
    KIND(WILL_DELAY,                 U32,    WILL,                 will_delay_s,               0,     "3.1.3.2.2"),
    KIND(REQUEST_RESPONSE_INFO,      FLAG,   CONNECT,              request_response_info,      0,     "3.1.2.11.6"),
    KIND(RESPONSE_INFO,              TEXT,   CONNACK,              response_info,              0,     "3.2.2.3.15"),
    KIND(SERVER_REFERENCE,           TEXT,   CONNACK | DISCONNECT, server_reference,           0,     "3.2.2.3.16"),
    KIND(REASON_STRING,              TEXT,   ANSWER,               reason_string,              0,     "3.2.2.3.9"),
    KIND(RECEIVE_MAXIMUM,            U16,    OPENING,              receive_maximum,            1,     "3.1.2.11.3"),
    KIND(TOPIC_ALIAS_MAXIMUM,        U16,    OPENING,              topic_alias_maximum,        0,     "3.1.2.11.5"),
    KIND(TOPIC_ALIAS,                U16,    PUBLISH,              topic_alias,                1,     "3.3.2.3.4"),
    KIND(MAXIMUM_QOS,                FLAG,   CONNACK,              maximum_qos,                0,     "3.2.2.3.4"),
    KIND(RETAIN_AVAILABLE,           FLAG,   CONNACK,              retain_available,           0,     "3.2.2.3.5"),
    KIND(USER_PROPERTY,              PAIR,   ANY,                  raw,                        0,     "3.1.2.11.8"),
    KIND(MAXIMUM_PACKET_SIZE,        U32,    OPENING,              maximum_packet_size,        1,     "3.1.2.11.4"),
    KIND(WILDCARD_AVAILABLE,         FLAG,   CONNACK,              wildcard_available,         0,     "3.2.2.3.11"),
    KIND(SUBSCRIPTION_IDS_AVAILABLE, FLAG,   CONNACK,              subscription_ids_available, 0,     "3.2.2.3.12"),
    KIND(SHARED_AVAILABLE,           FLAG,   CONNACK,              shared_available,           0,     "3.2.2.3.13"),
};
/* clang-format on */

const struct mqtt_properties mqtt_properties_none = {
    .message_expiry_s = UINT32_MAX,
    .maximum_packet_size = UINT32_MAX,
    .receive_maximum = UINT16_MAX,
    .request_problem_info = 1,
    .maximum_qos = 2,
    .retain_available = 1,
    .wildcard_available = 1,
    .subscription_ids_available = 1,
    .shared_available = 1,
};

static uint64_t
bit(enum mqtt_property id)
{
    return UINT64_C(1) << id;
}

static bool
is_hop_only(enum mqtt_property id)
{
    return id == MQTT_TOPIC_ALIAS || id == MQTT_MESSAGE_EXPIRY || id == MQTT_SUBSCRIPTION_ID;
}

/* NULL for an identifier that the specification does not have. */
static const struct kind *
kind_of(unsigned id)
{
    return id < COUNT_OF(kinds) && kinds[id].type != NONE ? &kinds[id] : NULL;
}

/* Identifier and value; the cursor is torn when they do not end within it or the identifier is unknown. */
static const struct kind *
take_item(struct cursor *c, struct mqtt_property_item *ret)
{
    unsigned id = take_u8(c);
    const struct kind *kind = kind_of(id);
    *ret = (struct mqtt_property_item){ .id = id };
    switch (kind == NULL ? NONE : (enum type)kind->type) {
    case NONE: c->torn = true; break;
    case FLAG: ret->number = take_u8(c); break;
    case U16: ret->number = take_u16(c); break;
    case U32: ret->number = take_u32(c); break;
    case VARINT: ret->number = take_varint(c); break;
    case TEXT: ret->text = take_short(c); break;
    case BINARY: ret->value = take_short(c); break;
    case PAIR:
        ret->text = take_short(c);
        ret->value = take_short(c);
        break;
    }
    return kind;
}

bool
mqtt_property_next(struct cursor *raw, struct mqtt_property_item *ret)
{
    if (raw->torn || cursor_left(raw) == 0)
        return false;
    take_item(raw, ret);
    return !raw->torn;
}

static int
check_strings(struct mqtt_body *body, const struct mqtt_property_item *item)
{
    if (item->id == MQTT_USER_PROPERTY) {
        int rc = mqtt_check_text(body, item->text, RULE_TEXT_PAIR);
        return rc < 0 ? rc : mqtt_check_text(body, item->value, RULE_TEXT_PAIR);
    }
    if (item->id == MQTT_CONTENT_TYPE)
        return mqtt_check_text(body, item->text, RULE_TEXT_CONTENT_TYPE);
    if (item->id != MQTT_RESPONSE_TOPIC)
        return mqtt_check_text(body, item->text, RULE_TEXT);
    int rc = mqtt_check_text(body, item->text, RULE_TEXT_RESPONSE_TOPIC);
    if (rc < 0)
        return rc;
    if (item->text.len == 0)
        return mqtt_breach(body, RULE_TOPIC_EMPTY);
    return mqtt_has_wildcard(item->text) ? mqtt_breach(body, RULE_RESPONSE_WILDCARD) : 0;
}

static int
check_number(struct mqtt_body *body, const struct kind *kind, const struct mqtt_property_item *item)
{
    if (item->number >= kind->least && (kind->type != FLAG || item->number <= 1))
        return 0;
    if (item->id == MQTT_TOPIC_ALIAS)
        return mqtt_breach(body, RULE_ALIAS_ZERO);
    return mqtt_breach_at(body, kind->section, "the value of a property is out of its range");
}

static int
check_item(struct mqtt_body *body, const struct kind *kind, const struct mqtt_property_item *item)
{
    if (kind->type == TEXT || kind->type == PAIR)
        return check_strings(body, item);
    return kind->type == BINARY ? 0 : check_number(body, kind, item);
}

/* A user property has no one place, and of several subscription identifiers the first is kept. */
static void
keep(struct mqtt_properties *ret, const struct kind *kind, const struct mqtt_property_item *item)
{
    uint8_t *at = (uint8_t *)ret + kind->at;
    switch ((enum type)kind->type) {
    case FLAG: *at = (uint8_t)item->number; break;
    case U16: memcpy(at, &(uint16_t){ (uint16_t)item->number }, sizeof(uint16_t)); break;
    case U32:
    case VARINT: memcpy(at, &item->number, sizeof(item->number)); break;
    case TEXT: memcpy(at, &item->text, sizeof(item->text)); break;
    case BINARY: memcpy(at, &item->value, sizeof(item->value)); break;
    case PAIR:
    case NONE: break;
    }
    ret->has |= bit(item->id);
    ret->hop_only |= is_hop_only(item->id);
}

/* A user property, and in a PUBLISH a subscription identifier, may come again. */
static bool
may_repeat(enum mqtt_property id, unsigned carrier)
{
    return id == MQTT_USER_PROPERTY || (id == MQTT_SUBSCRIPTION_ID && carrier == MQTT_PUBLISH);
}

static int
take_one(struct mqtt_body *body, unsigned carrier, struct cursor *c, struct mqtt_properties *ret)
{
    const uint8_t *start = c->at;
    struct mqtt_property_item item;
    const struct kind *kind = take_item(c, &item);
    if (kind == NULL || !(kind->carriers >> carrier & 1))
        return mqtt_breach(body, RULE_PROPERTY_UNKNOWN);
    if (c->torn)
        return mqtt_breach(body, RULE_PROPERTY_TORN);
    if (kind->type == VARINT && c->at - start != 1 + (ptrdiff_t)varint_size(item.number))
        return mqtt_breach(body, RULE_VARINT_PADDED);
    if (mqtt_has(ret, item.id) && !may_repeat(item.id, carrier))
        return mqtt_breach_at(body, kind->section, "a property that may be there only once is there twice");
    int rc = check_item(body, kind, &item);
    if (rc == 0 && !mqtt_has(ret, item.id))
        keep(ret, kind, &item);
    return rc;
}

/* The property length is within the packet and in its shortest form. */
static int
take_extent(struct mqtt_body *body, struct view *ret)
{
    const uint8_t *start = body->in.at;
    uint32_t len = take_varint(&body->in);
    if (!body->in.torn && body->in.at - start != (ptrdiff_t)varint_size(len))
        return mqtt_breach(body, RULE_VARINT_PADDED);
    *ret = take_bytes(&body->in, len);
    return body->in.torn ? mqtt_breach(body, RULE_PROPERTIES_LENGTH) : 0;
}

static int
take_all(struct mqtt_body *body, unsigned carrier, struct view raw, struct mqtt_properties *ret)
{
    *ret = mqtt_properties_none;
    ret->raw = raw;
    struct cursor c = cursor_of(raw);
    while (cursor_left(&c) > 0) {
        int rc = take_one(body, carrier, &c, ret);
        if (rc < 0)
            return rc;
    }
    if (mqtt_has(ret, MQTT_AUTH_DATA) && !mqtt_has(ret, MQTT_AUTH_METHOD))
        return mqtt_breach(body, RULE_AUTH_DATA_ALONE);
    return 0;
}

const struct mqtt_properties *
mqtt_take_properties(struct mqtt_body *body, unsigned carrier, struct mqtt_properties *room)
{
    struct view raw;
    if (body->version < MQTT_V5)
        return &mqtt_properties_none;
    if (take_extent(body, &raw) < 0)
        return NULL;
    if (raw.len == 0)
        return &mqtt_properties_none;
    return take_all(body, carrier, raw, room) < 0 ? NULL : room;
}

/* ---- writing ---------------------------------------------------------------------------------------------- */

void
mqtt_put_u8(struct pen *p, enum mqtt_property id, uint8_t x)
{
    put_u8(p, (uint8_t)id);
    put_u8(p, x);
}

void
mqtt_put_u16(struct pen *p, enum mqtt_property id, uint16_t x)
{
    put_u8(p, (uint8_t)id);
    put_u16(p, x);
}

void
mqtt_put_u32(struct pen *p, enum mqtt_property id, uint32_t x)
{
    put_u8(p, (uint8_t)id);
    put_u32(p, x);
}

void
mqtt_put_varint(struct pen *p, enum mqtt_property id, uint32_t x)
{
    put_u8(p, (uint8_t)id);
    put_varint(p, x);
}

void
mqtt_put_text(struct pen *p, enum mqtt_property id, struct view text)
{
    put_u8(p, (uint8_t)id);
    put_short(p, text);
}

void
mqtt_put_pair(struct pen *p, struct view name, struct view value)
{
    put_u8(p, MQTT_USER_PROPERTY);
    put_short(p, name);
    put_short(p, value);
}

void
mqtt_put_lasting(struct pen *p, struct view raw)
{
    struct cursor c = cursor_of(raw);
    struct mqtt_property_item item;
    const uint8_t *start = c.at;
    while (mqtt_property_next(&c, &item)) {
        if (!is_hop_only(item.id))
            put_bytes(p, view_of(start, (size_t)(c.at - start)));
        start = c.at;
    }
}
