/* wire/mqtt.c - framing, and the table of packets: bound the frame, wait for it, then decode straight through.
 *
 *      7 6 5 4   3 2 1 0
 *     +--------+--------+------------------+----------------------- ... -+
 *     |  type  | flags  | remaining length | body: remaining length bytes |
 *     +--------+--------+------------------+----------------------- ... -+
 *          one byte       1 to 4 bytes, seven bits each, least first
 */
#include "base/err.h"
#include "base/must.h"
#include "wire/mqtt_body.h"

enum { LENGTH_BYTES_MAX = 4, CLIENT = 1 << MQTT_FROM_CLIENT, SERVER = 1 << MQTT_FROM_SERVER, BOTH = CLIENT | SERVER };

/* What may come from whom, with which flags.  A PUBLISH's flags are its own and looked at there. */
/* clang-format off */
static const struct row {
    mqtt_decode_fn *decode;
    unsigned from;
    uint8_t flags;
    enum mqtt_rule flags_rule;
} rows[16] = {
    /*                     decoder                 from    flags  rule */
    [MQTT_CONNECT]     = { mqtt_decode_connect,    CLIENT, 0,     RULE_FLAGS             },
    [MQTT_CONNACK]     = { mqtt_decode_connack,    SERVER, 0,     RULE_FLAGS             },
    [MQTT_PUBLISH]     = { mqtt_decode_publish,    BOTH,   0,     RULE_FLAGS             },
    [MQTT_PUBACK]      = { mqtt_decode_ack,        BOTH,   0,     RULE_FLAGS             },
    [MQTT_PUBREC]      = { mqtt_decode_ack,        BOTH,   0,     RULE_FLAGS             },
    [MQTT_PUBREL]      = { mqtt_decode_ack,        BOTH,   2,     RULE_FLAGS_PUBREL      },
    [MQTT_PUBCOMP]     = { mqtt_decode_ack,        BOTH,   0,     RULE_FLAGS             },
    [MQTT_SUBSCRIBE]   = { mqtt_decode_subscribe,  CLIENT, 2,     RULE_FLAGS_SUBSCRIBE   },
    [MQTT_SUBACK]      = { mqtt_decode_suback,     SERVER, 0,     RULE_FLAGS             },
    [MQTT_UNSUBSCRIBE] = { mqtt_decode_subscribe,  CLIENT, 2,     RULE_FLAGS_UNSUBSCRIBE },
    [MQTT_UNSUBACK]    = { mqtt_decode_suback,     SERVER, 0,     RULE_FLAGS             },
    [MQTT_PINGREQ]     = { mqtt_decode_ping,       CLIENT, 0,     RULE_FLAGS             },
    [MQTT_PINGRESP]    = { mqtt_decode_ping,       SERVER, 0,     RULE_FLAGS             },
    [MQTT_DISCONNECT]  = { mqtt_decode_bye,        BOTH,   0,     RULE_FLAGS_DISCONNECT  },
    [MQTT_AUTH]        = { mqtt_decode_bye,        BOTH,   0,     RULE_FLAGS_AUTH        },
};
/* clang-format on */

static const struct fault faults[] = {
#define RULE_FAULT(name, clause, code, text) [RULE_##name] = { code, clause, text },
    MQTT_RULES(RULE_FAULT)
#undef RULE_FAULT
};

int
mqtt_breach(struct mqtt_body *body, enum mqtt_rule rule)
{
    *body->why = faults[rule];
    return -ERR_PROTOCOL;
}

int
mqtt_breach_at(struct mqtt_body *body, const char *clause, const char *text)
{
    *body->why = (struct fault){ .code = MQTT_PROTOCOL_ERROR, .clause = clause, .text = text };
    return -ERR_PROTOCOL;
}

int
mqtt_check_end(struct mqtt_body *body)
{
    if (body->in.torn)
        return mqtt_breach(body, RULE_TORN);
    if (cursor_left(&body->in) > 0)
        return mqtt_breach(body, RULE_SURPLUS);
    return 0;
}

/* As mqtt_frame, with the length of the fixed header in *retheader. */
static ptrdiff_t
measure(struct view in, size_t packet_bytes_max, unsigned *retheader, struct fault *reterr)
{
    size_t size = 0;
    for (unsigned i = 0; i < LENGTH_BYTES_MAX; i++) {
        unsigned header = i + 2;
        if (in.len < header)
            return 0;
        size |= (size_t)(in.data[i + 1] & 0x7f) << (7 * i);
        if (in.data[i + 1] & 0x80)
            continue;
        if (size + header > packet_bytes_max) {
            *reterr = faults[RULE_TOO_LARGE];
            return -ERR_TOO_LARGE;
        }
        *retheader = header;
        return (ptrdiff_t)(size + header);
    }
    *reterr = faults[RULE_VARINT_LONG];
    return -ERR_PROTOCOL;
}

ptrdiff_t
mqtt_frame(struct view in, size_t packet_bytes_max, struct fault *reterr)
{
    unsigned header;
    return measure(in, packet_bytes_max, &header, reterr);
}

/* The order of a conversation: a CONNECT first, and only one. */
static int
check_order(struct mqtt_body *body)
{
    bool is_connect = body->type == MQTT_CONNECT;
    if (body->from == MQTT_FROM_CLIENT && is_connect && body->version != 0)
        return mqtt_breach(body, RULE_CONNECT_TWICE);
    if (body->from == MQTT_FROM_CLIENT && !is_connect && body->version == 0)
        return mqtt_breach(body, RULE_CONNECT_FIRST);
    return 0;
}

static int
check_header(struct mqtt_body *body, const struct row *row)
{
    if (row->decode == NULL || (body->type == MQTT_AUTH && body->version != 0 && body->version < MQTT_V5))
        return mqtt_breach(body, RULE_TYPE_RESERVED);
    if (!(row->from >> body->from & 1))
        return mqtt_breach(body, RULE_WRONG_WAY);
    /* 3.1 let DUP be set on a SUBSCRIBE sent again, and called other unused flags ignored. */
    if (body->type != MQTT_PUBLISH && body->flags != row->flags && body->version != MQTT_V31)
        return mqtt_breach(body, row->flags_rule);
    if (body->padded && body->version == MQTT_V5)
        return mqtt_breach(body, RULE_VARINT_PADDED);
    return check_order(body);
}

ptrdiff_t
mqtt_decode(struct view in, const struct mqtt_dialect *dialect, struct mqtt_packet *ret, struct fault *reterr)
{
    unsigned header;
    ptrdiff_t size = measure(in, dialect->packet_bytes_max, &header, reterr);
    if (size < 0)
        return size;
    if (size == 0 || in.len < (size_t)size)
        return 0;
    must(dialect->from == MQTT_FROM_CLIENT || dialect->version != 0);
    struct mqtt_body body = {
        .in = cursor_of(view_of(in.data + header, (size_t)size - header)),
        .type = in.data[0] >> 4,
        .from = dialect->from,
        .version = dialect->version,
        .flags = in.data[0] & 0x0f,
        .padded = header > 2 && in.data[header - 1] == 0,
        .why = reterr,
    };
    int rc = check_header(&body, &rows[body.type]);
    if (rc == 0)
        rc = rows[body.type].decode(&body, ret);
    if (rc < 0)
        return rc;
    ret->type = body.type;
    return size;
}
