/* wire/mqtt_ack.c - the packets that answer or end: PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK, DISCONNECT,
 * AUTH, and the two pings (MQTT 5, 3.4 to 3.7, 3.9, 3.11 to 3.15). */
#include "base/err.h"
#include "wire/mqtt_body.h"

/* Reason codes come in two runs: 0x00..0x1f and 0x80..0xbf. */
struct reasons {
    uint32_t low;
    uint64_t high;
};

#define LOW(code)  (UINT32_C(1) << (code))
#define HIGH(code) (UINT64_C(1) << ((code)-0x80))

/* clang-format off */
#define SETTLED       { LOW(0x00) | LOW(0x10),                                                                      \
                        HIGH(0x80) | HIGH(0x83) | HIGH(0x87) | HIGH(0x90) | HIGH(0x91) | HIGH(0x97) | HIGH(0x99) }
#define RELEASED      { LOW(0x00), HIGH(0x92) }
#define FILTERS       (HIGH(0x80) | HIGH(0x83) | HIGH(0x87) | HIGH(0x8f) | HIGH(0x91))
#define SUBSCRIBED    { LOW(0x00) | LOW(0x01) | LOW(0x02),                                                          \
                        FILTERS | HIGH(0x97) | HIGH(0x9e) | HIGH(0xa1) | HIGH(0xa2) }
#define UNSUBSCRIBED  { LOW(0x00) | LOW(0x11), FILTERS }
#define CONNECTED     { LOW(0x00),                                                                                  \
                        HIGH(0x80) | HIGH(0x81) | HIGH(0x82) | HIGH(0x83) | HIGH(0x84) | HIGH(0x85) | HIGH(0x86) |  \
                        HIGH(0x87) | HIGH(0x88) | HIGH(0x89) | HIGH(0x8a) | HIGH(0x8c) | HIGH(0x90) | HIGH(0x95) |  \
                        HIGH(0x97) | HIGH(0x99) | HIGH(0x9a) | HIGH(0x9b) | HIGH(0x9c) | HIGH(0x9d) | HIGH(0x9f) }
#define EITHER_LEAVES (HIGH(0x80) | HIGH(0x81) | HIGH(0x82) | HIGH(0x83) | HIGH(0x90) | HIGH(0x93) | HIGH(0x94) |   \
                       HIGH(0x95) | HIGH(0x96) | HIGH(0x97) | HIGH(0x98) | HIGH(0x99))
#define CLIENT_LEAVES { LOW(0x00) | LOW(0x04), EITHER_LEAVES }
#define SERVER_LEAVES { LOW(0x00), EITHER_LEAVES |                                                                  \
                        HIGH(0x87) | HIGH(0x89) | HIGH(0x8b) | HIGH(0x8c) | HIGH(0x8d) | HIGH(0x8e) | HIGH(0x8f) |  \
                        HIGH(0x9a) | HIGH(0x9b) | HIGH(0x9c) | HIGH(0x9d) | HIGH(0x9e) | HIGH(0x9f) | HIGH(0xa0) |  \
                        HIGH(0xa1) | HIGH(0xa2) }
#define CLIENT_PROVES { LOW(0x18) | LOW(0x19), 0 }
#define SERVER_PROVES { LOW(0x00) | LOW(0x18), 0 }
#define NEVER         { 0, 0 }

/* What each packet may say, and the rule that says so. */
static const struct row {
    struct reasons from[2];
    enum mqtt_rule rule;
} rows[16] = {
    /*                      from a client  from a server */
    [MQTT_CONNACK]    = { { NEVER,         CONNECTED     }, RULE_REASON_CONNACK    },
    [MQTT_PUBACK]     = { { SETTLED,       SETTLED       }, RULE_REASON_PUBACK     },
    [MQTT_PUBREC]     = { { SETTLED,       SETTLED       }, RULE_REASON_PUBREC     },
    [MQTT_PUBREL]     = { { RELEASED,      RELEASED      }, RULE_REASON_PUBREL     },
    [MQTT_PUBCOMP]    = { { RELEASED,      RELEASED      }, RULE_REASON_PUBCOMP    },
    [MQTT_SUBACK]     = { { NEVER,         SUBSCRIBED    }, RULE_REASON_SUBACK     },
    [MQTT_UNSUBACK]   = { { NEVER,         UNSUBSCRIBED  }, RULE_REASON_UNSUBACK   },
    [MQTT_DISCONNECT] = { { CLIENT_LEAVES, SERVER_LEAVES }, RULE_REASON_DISCONNECT },
    [MQTT_AUTH]       = { { CLIENT_PROVES, SERVER_PROVES }, RULE_REASON_AUTH       },
};
/* clang-format on */

static bool
contains(const struct reasons *reasons, uint8_t code)
{
    if (code < 0x20)
        return reasons->low >> code & 1;
    return code >= 0x80 && code < 0xc0 && reasons->high >> (code - 0x80) & 1;
}

int
mqtt_check_reason(struct mqtt_body *body, uint8_t code)
{
    const struct row *row = &rows[body->type];
    return contains(&row->from[body->from], code) ? 0 : mqtt_breach(body, row->rule);
}

static void
fill(struct mqtt_ack *ret, uint16_t packet_id, uint8_t reason, struct view codes,
     const struct mqtt_properties *properties)
{
    ret->packet_id = packet_id;
    ret->reason = reason;
    ret->codes = codes;
    ret->properties = *properties;
}

/* Reason and properties, and the end.  Both may be left out, or the properties alone; 3.x has neither.  NULL after a
 * breach. */
static const struct mqtt_properties *
take_reason(struct mqtt_body *body, uint8_t *retreason, struct mqtt_properties *room)
{
    const struct mqtt_properties *properties = &mqtt_properties_none;
    *retreason = MQTT_SUCCESS;
    if (body->in.torn || body->version < MQTT_V5)
        return mqtt_check_end(body) < 0 ? NULL : properties;
    if (cursor_left(&body->in) > 0)
        *retreason = take_u8(&body->in);
    if (mqtt_check_reason(body, *retreason) < 0)
        return NULL;
    if (cursor_left(&body->in) > 0)
        properties = mqtt_take_properties(body, body->type, room);
    return properties == NULL || mqtt_check_end(body) < 0 ? NULL : properties;
}

int
mqtt_decode_ack(struct mqtt_body *body, struct mqtt_packet *ret)
{
    uint8_t reason;
    struct mqtt_properties room;
    uint16_t packet_id = take_u16(&body->in);
    const struct mqtt_properties *properties = take_reason(body, &reason, &room);
    if (properties == NULL)
        return -ERR_PROTOCOL;
    if (packet_id == 0)
        return mqtt_breach(body, RULE_ID_ZERO_ACK);
    fill(&ret->ack, packet_id, reason, view_of(NULL, 0), properties);
    return 0;
}

/* 3.1.1, 3.9.3: granted QoS or failure, and no code at all in an UNSUBACK. */
static int
check_old_codes(struct mqtt_body *body, struct view codes)
{
    if (body->type == MQTT_UNSUBACK && codes.len > 0)
        return mqtt_breach(body, RULE_SURPLUS);
    for (size_t i = 0; i < codes.len; i++)
        if (codes.data[i] > 2 && codes.data[i] != 0x80)
            return mqtt_breach(body, RULE_REASON_SUBACK);
    return 0;
}

static int
check_codes(struct mqtt_body *body, struct view codes)
{
    if (body->version < MQTT_V5)
        return check_old_codes(body, codes);
    for (size_t i = 0; i < codes.len; i++) {
        int rc = mqtt_check_reason(body, codes.data[i]);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int
mqtt_decode_suback(struct mqtt_body *body, struct mqtt_packet *ret)
{
    struct mqtt_properties room;
    uint16_t packet_id = take_u16(&body->in);
    if (body->in.torn)
        return mqtt_breach(body, RULE_TORN);
    const struct mqtt_properties *properties = mqtt_take_properties(body, body->type, &room);
    if (properties == NULL)
        return -ERR_PROTOCOL;
    struct view codes = take_rest(&body->in);
    int rc = check_codes(body, codes);
    if (rc < 0)
        return rc;
    if (packet_id == 0)
        return mqtt_breach(body, RULE_ID_ZERO_SUBACK);
    fill(&ret->ack, packet_id, MQTT_SUCCESS, codes, properties);
    return 0;
}

/* DISCONNECT and AUTH.  Only a successful AUTH may leave out everything, its method included (3.15.2.1). */
int
mqtt_decode_bye(struct mqtt_body *body, struct mqtt_packet *ret)
{
    uint8_t reason;
    struct mqtt_properties room;
    bool empty = cursor_left(&body->in) == 0;
    const struct mqtt_properties *properties = take_reason(body, &reason, &room);
    if (properties == NULL)
        return -ERR_PROTOCOL;
    if (body->type == MQTT_AUTH && !empty && !mqtt_has(properties, MQTT_AUTH_METHOD))
        return mqtt_breach(body, RULE_AUTH_METHOD_MISSING);
    if (body->from == MQTT_FROM_SERVER && mqtt_has(properties, MQTT_SESSION_EXPIRY))
        return mqtt_breach(body, RULE_SESSION_EXPIRY_SERVER);
    fill(&ret->ack, 0, reason, view_of(NULL, 0), properties);
    return 0;
}

int
mqtt_decode_ping(struct mqtt_body *body, struct mqtt_packet *ret)
{
    (void)ret;
    return mqtt_check_end(body);
}
