/* wire/zmtp_rule.h - every rule of ZMTP whose breach the codec can see, in one list: name, clause, what it says.
 * Internal to wire/.
 *
 * A clause is the RFC and the section.  The RFCs do not number their sections; they are counted here as they stand, so
 * that in all of them but 15 the first is the preamble: 37/3 is "Implementation", 37/3.2 its "Formal Grammar". */
#ifndef TAMBO_WIRE_ZMTP_RULE_H
#define TAMBO_WIRE_ZMTP_RULE_H

#include "wire/zmtp.h"

#define ZMTP_RULES(RULE)                                                                           \
    /* greeting */                                                                                 \
    RULE(SIGNATURE, "37/3.2", "no greeting of ZMTP 2.0 or later: it begins otherwise")             \
    RULE(VERSION, "37/3.3", "version 0 of ZMTP is not spoken here")                                \
    RULE(MECHANISM, "37/3.2", "the mechanism is not a name padded with zeros")                     \
    RULE(AS_SERVER, "37/3.2", "as-server is neither 0 nor 1")                                      \
    RULE(FILLER, "37/3.2", "the greeting is not filled with zeros")                                \
    RULE(PATTERN_2, "15/5.1", "unknown socket type in a greeting of ZMTP 2.0")                     \
    RULE(IDENTITY_2, "15/5.1", "the identity of ZMTP 2.0 is not one short frame")                  \
    /* frames */                                                                                   \
    RULE(FLAGS, "37/3.7", "a reserved flag of a frame is set")                                     \
    RULE(FLAGS_2, "15/5.2", "a reserved flag of a frame of ZMTP 2.0 is set")                       \
    RULE(COMMAND_MORE, "37/3.7", "a command frame that says that more follow")                     \
    RULE(SIZE, "37/3.7", "a frame of 2^63 bytes or more")                                          \
    /* commands */                                                                                 \
    RULE(COMMAND_TORN, "37/3.2", "a command whose name runs past its end")                         \
    RULE(COMMAND_NAME, "37/3.2", "a command whose name is not one or more letters")                \
    RULE(PROPERTY_TORN, "37/3.8", "a property runs past the end of the metadata")                  \
    RULE(PROPERTY_NAME, "37/3.8", "a property's name is empty or has a character it may not have") \
    RULE(PROPERTY_SIZE, "37/3.8", "a property's value of 2^31 bytes or more")                      \
    RULE(PATTERN, "37/3.9.1", "unknown socket type")                                               \
    RULE(IDENTITY, "37/3.9.2", "an identity of more than 255 bytes, or one that begins with 0")    \
    RULE(RESOURCE, "37/3.9.3", "a resource that is not names with slashes between them")           \
    RULE(PING_TORN, "37/5", "a PING without its time to live")                                     \
    RULE(PING_CONTEXT, "37/5", "a context of more than 16 bytes in a PING or PONG")                \
    RULE(ERROR_SIZE, "37/3.8", "an ERROR that is not just its reason")                             \
    /* PLAIN */                                                                                    \
    RULE(HELLO_SIZE, "24/3", "a HELLO that is not just user name and password")                    \
    RULE(WELCOME_SIZE, "24/3", "a WELCOME with data")                                              \
    /* CURVE */                                                                                    \
    RULE(CURVE_HELLO_SIZE, "26/2.7.1", "a HELLO that is not 200 bytes long")                       \
    RULE(CURVE_VERSION, "26/2.7.1", "a HELLO of another version of CurveZMQ than 1.0")             \
    RULE(CURVE_PADDING, "26/2.7.1", "the padding of a HELLO is not zeros")                         \
    RULE(CURVE_WELCOME_SIZE, "26/2.7.2", "a WELCOME that is not 168 bytes long")                   \
    RULE(CURVE_INITIATE_SIZE, "26/2.7.3", "an INITIATE of less than 257 bytes")                    \
    RULE(CURVE_READY_SIZE, "26/2.7.4", "a READY of less than 30 bytes")                            \
    RULE(CURVE_MESSAGE_SIZE, "26/2.7.5", "a MESSAGE of less than 33 bytes")                        \
    RULE(CURVE_FLAGS, "26/2.7.5", "a reserved flag in a MESSAGE is set")

enum zmtp_rule {
#define RULE_NAME(name, clause, text) ZMTP_RULE_##name,
    ZMTP_RULES(RULE_NAME)
#undef RULE_NAME
};

/* Returns -ERR_PROTOCOL. */
int zmtp_breach(struct fault *why, enum zmtp_rule rule);

/* RFC 37's, also of 2.0. */
int zmtp_identity_check(struct view identity, struct fault *why);

/* What fills the greeting and CURVE's HELLO. */
static inline bool
zmtp_is_zeros(struct view v)
{
    for (size_t i = 0; i < v.len; i++)
        if (v.data[i] != 0)
            return false;
    return true;
}

#endif
