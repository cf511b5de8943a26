/* session/zmtp/rule.h - every rule of ZMTP that a connection can see broken, beyond those the codec sees
 * (wire/zmtp_rule.h): name, clause, what it says.  A clause is the RFC and the section, counted as there. */
#ifndef TAMBO_SESSION_ZMTP_RULE_H
#define TAMBO_SESSION_ZMTP_RULE_H

#include "base/fault.h"

/* clang-format off */
#define PEER_RULES(RULE)                                                                            \
    /* greeting */                                                                                  \
    RULE(MECHANISM,       "37/3.5",   "another security mechanism than ours")                       \
    RULE(TWO_SERVERS,     "37/3.4",   "both sides say that they are the server")                    \
    RULE(NO_SECURITY,     "37/3.5",   "ZMTP 2.0 has no security, which is asked for here")          \
    /* handshake */                                                                                 \
    RULE(EARLY_MESSAGE,   "37/3.2",   "a message before the handshake is done")                     \
    RULE(UNAWAITED,       "37/3.2",   "a command that the handshake does not await now")            \
    RULE(HANDSHAKE_SIZE,  "37/3.7",   "a frame of more than 16384 bytes in the handshake")          \
    RULE(NO_PATTERN,      "37/3.9.1", "no socket type is told")                                     \
    RULE(MISFIT,          "37/3.9.1", "socket types that do not talk to each other")                \
    RULE(NOT_SERVED,      "37/3.9.1", "a socket type or resource that is not served here")          \
    RULE(NOT_ADMITTED,    "24/3",     "user name or password is not accepted")                      \
    RULE(KEY_NOT_ADMITTED, "26/2.7.3", "the client's key is not accepted")                          \
    /* traffic */                                                                                   \
    RULE(MESSAGE_SIZE,    "37/3.7",   "a message larger than the limit")                            \
    RULE(PARTS,           "37/3.7",   "a message of more frames than the limit")                    \
    RULE(LATE_COMMAND,    "37/3.2",   "a command of the handshake after its end")                   \
    RULE(UNKNOWN_COMMAND, "37/3.2",   "a command that ZMTP 3.1 does not have")                      \
    RULE(NOT_PUBLISHER,   "37/4.2",   "SUBSCRIBE or CANCEL to another than PUB or XPUB")            \
    RULE(SUBSCRIPTIONS,   "37/4.2",   "more subscriptions than the limit")                          \
    /* CURVE */                                                                                     \
    RULE(HELLO_BOX,       "26/2.7.1", "a HELLO that was not made with our public key")              \
    RULE(WELCOME_BOX,     "26/2.7.2", "a WELCOME that was not made with the server's secret key")   \
    RULE(COOKIE,          "26/2.7.3", "another cookie than WELCOME brought")                        \
    RULE(INITIATE_BOX,    "26/2.7.3", "an INITIATE that does not open")                             \
    RULE(VOUCH,           "26/2.7.3", "the vouch does not prove the client's key")                  \
    RULE(READY_BOX,       "26/2.7.4", "a READY that does not open")                                 \
    RULE(MESSAGE_BOX,     "26/2.7.5", "a MESSAGE that does not open")                               \
    RULE(BARE,            "26/2.7.5", "traffic that is not in a MESSAGE")                           \
    RULE(NONCE,           "26/2.6",   "a nonce that is not larger than the one before")
/* clang-format on */

enum peer_rule {
#define RULE_NAME(name, clause, text) PEER_##name,
    PEER_RULES(RULE_NAME)
#undef RULE_NAME
};

/* Credentials that are not accepted, which libzmq knows as "400": its code.  Returns -ERR_DENIED. */
int zmtp_peer_deny(struct fault *why, enum peer_rule rule);
/* Something that is not served here, because of `reason`, a constant; NULL: as the rule says.  Returns -ERR_DENIED. */
int zmtp_peer_not_served(struct fault *why, const char *reason);
/* Returns -ERR_PROTOCOL. */
int zmtp_peer_breach(struct fault *why, enum peer_rule rule);

#endif
