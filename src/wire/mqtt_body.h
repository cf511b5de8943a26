/* wire/mqtt_body.h - what the decoders of single packets share.  Internal to wire/.
 *
 * A decoder is given a body: one whole packet without its fixed header.  It takes the fields in order from the sticky
 * cursor, asks once whether any was torn, then checks, and fills its part of *ret last, so that a breach leaves *ret as
 * it was. */
#ifndef TAMBO_WIRE_MQTT_BODY_H
#define TAMBO_WIRE_MQTT_BODY_H

#include "wire/mqtt.h"
#include "wire/mqtt_rule.h"

struct mqtt_body {
    struct cursor in;
    enum mqtt_type type;
    enum mqtt_from from;
    uint8_t version; /* 0 while a CONNECT has not told it yet */
    uint8_t flags;   /* of the fixed header */
    bool padded;     /* the remaining length is longer than need be: a breach in 5.0 only */
    struct fault *why;
};

/* Properties travel in packets and in a CONNECT's will, which is counted as one more packet type. */
enum { MQTT_WILL = 0 };

/* Notes the fault and returns -ERR_PROTOCOL. */
int mqtt_breach(struct mqtt_body *body, enum mqtt_rule rule);
int mqtt_breach_at(struct mqtt_body *body, const char *clause, const char *text);

/* 0, or the breach of `rule` (a null character has its own). */
int mqtt_check_text(struct mqtt_body *body, struct view text, enum mqtt_rule rule);
/* Nothing torn, nothing left. */
int mqtt_check_end(struct mqtt_body *body);
bool mqtt_has_wildcard(struct view topic);
/* May this packet, from this side, carry this reason code? */
int mqtt_check_reason(struct mqtt_body *body, uint8_t code);
/* 3.x's return code of a CONNACK for a reason code: the nearest. */
uint8_t mqtt_return_code(uint8_t reason);

extern const struct mqtt_properties mqtt_properties_none;
/* The length and the properties of `carrier` (a packet type or MQTT_WILL), read into `room`; nearly always there are
 * none, as always in 3.x, and then mqtt_properties_none is returned and `room` not touched.  NULL after a breach. */
const struct mqtt_properties *mqtt_take_properties(struct mqtt_body *body, unsigned carrier,
                                                   struct mqtt_properties *room);

typedef int mqtt_decode_fn(struct mqtt_body *body, struct mqtt_packet *ret);
mqtt_decode_fn mqtt_decode_connect, mqtt_decode_connack, mqtt_decode_publish, mqtt_decode_ack, mqtt_decode_suback,
    mqtt_decode_subscribe, mqtt_decode_ping, mqtt_decode_bye;

#endif
