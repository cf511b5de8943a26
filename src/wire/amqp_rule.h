/* wire/amqp_rule.h - every rule of AMQP 0-9-1 whose breach the codec can see, in one list: name, clause, reply code,
 * what it says.  Internal to wire/.
 *
 * Clauses are sections of the specification.  Codes and words are RabbitMQ's where it answers: 501 where the
 * specification asks for 502 when arguments do not fit, 505 for a heartbeat on a channel.  Where it only drops the
 * connection (a method that there is not, a table or properties that cannot be read), they are the specification's. */
#ifndef TAMBO_WIRE_AMQP_RULE_H
#define TAMBO_WIRE_AMQP_RULE_H

#include "wire/amqp.h"

#define AMQP_RULES(RULE)                                                                                      \
    /* frames */                                                                                              \
    RULE(FRAME_TYPE, "4.2.3", AMQP_FRAME_ERROR, "unknown_frame")                                              \
    RULE(FRAME_SIZE, "4.2.3", AMQP_FRAME_ERROR, "frame_too_large")                                            \
    RULE(FRAME_END, "4.2.3", AMQP_FRAME_ERROR, "invalid_frame_end_marker")                                    \
    RULE(HEARTBEAT_PAYLOAD, "4.2.7", AMQP_FRAME_ERROR, "a heartbeat with a payload")                          \
    RULE(HEARTBEAT_CHANNEL, "4.2.7", AMQP_UNEXPECTED_FRAME, "a heartbeat on another channel than 0")          \
    /* methods */                                                                                             \
    RULE(METHOD_SHORT, "4.2.4", AMQP_FRAME_ERROR, "a method frame without class and method")                  \
    RULE(METHOD_CLASS, "4.2.4", AMQP_NOT_IMPLEMENTED, "unknown class")                                        \
    RULE(METHOD_UNKNOWN, "4.2.4", AMQP_COMMAND_INVALID, "unknown method")                                     \
    RULE(METHOD_TORN, "4.2.4", AMQP_FRAME_ERROR, "cannot decode: an argument runs past the end of the frame") \
    RULE(METHOD_SURPLUS, "4.2.4", AMQP_FRAME_ERROR, "cannot decode: bytes are left behind the last argument") \
    RULE(SHORTSTR_TEXT, "4.2.5.3", AMQP_FRAME_ERROR, "Malformed UTF-8 in shortstr")                           \
    /* field tables */                                                                                        \
    RULE(TABLE_TORN, "4.2.5.5", AMQP_SYNTAX_ERROR, "a field runs past the end of its table")                  \
    RULE(TABLE_TYPE, "4.2.5.5", AMQP_SYNTAX_ERROR, "a field of unknown type in a table")                      \
    RULE(TABLE_DEPTH, "4.2.5.5", AMQP_SYNTAX_ERROR, "tables are nested too deep")                             \
    /* content */                                                                                             \
    RULE(HEADER_SHORT, "4.2.6.1", AMQP_FRAME_ERROR, "a content header that is too short")                     \
    RULE(HEADER_WEIGHT, "4.2.6.1", AMQP_UNEXPECTED_FRAME, "a content header whose weight is not 0")           \
    RULE(HEADER_CLASS, "4.2.6.1", AMQP_UNEXPECTED_FRAME, "expected content header for class 60, got another") \
    RULE(PROPERTY_FLAGS, "4.2.6.1", AMQP_SYNTAX_ERROR, "a property flag that class basic does not have")      \
    RULE(PROPERTY_TORN, "4.2.6.1", AMQP_SYNTAX_ERROR, "a property runs past the end of the content header")   \
    RULE(PROPERTY_SURPLUS, "4.2.6.1", AMQP_SYNTAX_ERROR, "bytes are left behind the last property")

enum amqp_rule {
#define RULE_NAME(name, clause, code, text) AMQP_RULE_##name,
    AMQP_RULES(RULE_NAME)
#undef RULE_NAME
};

/* Returns -ERR_PROTOCOL. */
int amqp_breach(struct fault *why, enum amqp_rule rule);

/* 4.2.5.3: bytes behind an 8-bit length; too long a string tears the pen. */
static inline struct view
take_shortstr(struct cursor *c)
{
    return take_bytes(c, take_u8(c));
}
static inline void
put_shortstr(struct pen *p, struct view v)
{
    if (v.len > AMQP_SHORTSTR_MAX)
        p->torn = true;
    put_u8(p, (uint8_t)v.len);
    put_bytes(p, v);
}

#endif
