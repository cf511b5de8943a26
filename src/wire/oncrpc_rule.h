/* wire/oncrpc_rule.h - every rule of ONC RPC whose breach the codec can see: name, clause, what it says.  Internal to
 * wire/.
 *
 * Clauses are sections of RFC 5531; what Tambo's own verifiers break is a rule of ours. */
#ifndef TAMBO_WIRE_ONCRPC_RULE_H
#define TAMBO_WIRE_ONCRPC_RULE_H

#include "wire/oncrpc.h"

#define ONCRPC_RULES(RULE)                                                               \
    RULE(TORN, "5531/9", "a message that ends within its head")                          \
    RULE(MSG_TYPE, "5531/9", "neither a call nor a reply")                               \
    RULE(REPLY_STAT, "5531/9", "a reply that is neither accepted nor denied")            \
    RULE(ACCEPT_STAT, "5531/9", "an unknown accept_stat")                                \
    RULE(REJECT_STAT, "5531/9", "an unknown reject_stat")                                \
    RULE(AUTH_SIZE, "5531/8.2", "a credential or verifier of more than 400 bytes")       \
    RULE(SYS_MACHINE, "5531/A", "AUTH_SYS with a machine's name of more than 255 bytes") \
    RULE(SYS_GROUPS, "5531/A", "AUTH_SYS with more than 16 groups")                      \
    RULE(SYS_SIZE, "5531/A", "AUTH_SYS that is shorter or longer than what it says")     \
    RULE(EXTRA_SIZE, "Tambo", "a verifier of ours that is not 48 bytes long")            \
    RULE(EXTRA_FLAGS, "Tambo", "a verifier of ours with a flag that this version does not know")

enum oncrpc_rule {
#define RULE_NAME(name, clause, text) ONCRPC_RULE_##name,
    ONCRPC_RULES(RULE_NAME)
#undef RULE_NAME
};

/* Returns -ERR_PROTOCOL. */
int oncrpc_breach(struct fault *why, enum oncrpc_rule rule);

#endif
