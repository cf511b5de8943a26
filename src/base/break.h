/* base/break.h - promises that a test build may break, to prove that the checkers notice.
 * `meson setup -Dbreak=true` builds it; the environment variable TAMBO_BREAK names the one promise to break.  In every
 * other build all of them are kept, and the compiler sees that. */
#ifndef TAMBO_BASE_BREAK_H
#define TAMBO_BASE_BREAK_H

#include <stdbool.h>

#ifdef TAMBO_BREAK
#include <stdlib.h>
#include <string.h>
#endif

/* clang-format off */
#define BREAKS(BREAK)                                                                                        \
    BREAK(CONFIRM_BEFORE_SYNC,      "the log says committed when a write was begun, not when it was synced") \
    BREAK(SKIP_CHECKSUM,            "recovery takes records whose checksum fails")                           \
    BREAK(FORGET_SETTLEMENT,        "a settlement is not recorded")                                          \
    BREAK(CONFIRM_AMQP_BEFORE_SYNC, "a publication over AMQP is confirmed at the end of its turn")           \
    BREAK(COMMIT_WITHOUT_RECORD,    "a transaction is committed, and not recorded")                          \
    BREAK(FORGET_BINDING,           "a binding of a durable queue is not recorded")                          \
    BREAK(FORGET_DELETE,            "the end of a queue is not recorded")                                    \
    BREAK(FORGET_UNBIND,            "the end of a binding is not recorded")                                  \
    BREAK(FORGET_POLICY,            "a policy is not recorded")                                              \
    BREAK(FORGET_DELIVERED,         "up to where a queue has delivered is not recorded")                     \
    BREAK(FORGET_RETURN,            "what comes back is not marked as delivered before")                     \
    BREAK(MARK_ALL,                 "every message is marked as delivered before")                           \
    BREAK(SKIP_FIRST,               "a stream's reader passes over the entry that it begins at")             \
    BREAK(THIN_STREAM,              "every other entry of a stream is not there after a restart")            \
    BREAK(NEVER_EXPIRE,             "the time to live that a message brings is not looked at")               \
    BREAK(DROP_EXPIRED,             "what expires is dropped, dead letter exchange or not")                  \
    BREAK(KEEP_UNUSED,              "a queue that nobody uses does not expire")                              \
    BREAK(FORGIVE_RETURNS,          "a message may come back any number of times")                           \
    BREAK(FORGET_RANK,              "consumers are fed from all priorities of a queue alike")                \
    BREAK(ACCEPT_STALE_REPLY,       "a REQ takes any reply for that to its request")                         \
    BREAK(RESEND_PUSHED,            "a message is given to a connection twice, now and then")                \
    BREAK(FORGET_RESUBSCRIPTION,    "a publisher that comes back is not told our subscriptions")             \
    BREAK(FORGET_CALL,              "a call that is to be executed at most once is not remembered")          \
    BREAK(TAKE_OTHER_BOOT,          "a server takes calls that one before it may have executed")             \
    BREAK(CLAIM_UNSENT,             "a call whose deadline has passed is said not to have been sent")
/* clang-format on */

enum breakable {
#define BREAK(NAME, WHAT) BREAK_##NAME,
    BREAKS(BREAK)
#undef BREAK
};

static inline bool
broken(enum breakable promise)
{
#ifdef TAMBO_BREAK
#define BREAK(NAME, WHAT) #NAME,
    static const char *const names[] = { BREAKS(BREAK) };
#undef BREAK
    const char *name = getenv("TAMBO_BREAK");
    return name != NULL && strcmp(name, names[promise]) == 0;
#else
    (void)promise;
    return false;
#endif
}

#endif
