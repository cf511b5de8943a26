/* session/zmtp/rule.c - see rule.h. */
#include "session/zmtp/rule.h"

#include "base/err.h"

static const struct fault faults[] = {
#define RULE_FAULT(name, clause, text) [PEER_##name] = { 0, clause, text },
    PEER_RULES(RULE_FAULT)
#undef RULE_FAULT
};

int
zmtp_peer_fault(struct fault *why, enum peer_rule rule, int rc)
{
    *why = faults[rule];
    return rc;
}

int
zmtp_peer_breach(struct fault *why, enum peer_rule rule)
{
    return zmtp_peer_fault(why, rule, -ERR_PROTOCOL);
}
