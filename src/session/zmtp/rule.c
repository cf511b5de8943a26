/* session/zmtp/rule.c - see rule.h. */
#include "session/zmtp/rule.h"

#include <stddef.h>

#include "base/err.h"

enum { DENIED_CODE = 400 };

static const struct fault faults[] = {
#define RULE_FAULT(name, clause, text) [PEER_##name] = { 0, clause, text },
    PEER_RULES(RULE_FAULT)
#undef RULE_FAULT
};

int
zmtp_peer_deny(struct fault *why, enum peer_rule rule)
{
    *why = faults[rule];
    why->code = DENIED_CODE;
    return -ERR_DENIED;
}

int
zmtp_peer_not_served(struct fault *why, const char *reason)
{
    *why = faults[PEER_NOT_SERVED];
    if (reason != NULL)
        why->text = reason;
    return -ERR_DENIED;
}

int
zmtp_peer_breach(struct fault *why, enum peer_rule rule)
{
    *why = faults[rule];
    return -ERR_PROTOCOL;
}
