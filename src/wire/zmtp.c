/* wire/zmtp.c - patterns and mechanisms by name, and frames.
 *
 *      0       1      2                       0       1              9
 *     +-------+------+------- ... ------+    +-------+---- ... -----+------- ... ------+
 *     | flags | size | body: 0 to 255   |    | flags |     size     | body             |
 *     +-------+------+------- ... ------+    +-------+---- ... -----+------- ... ------+
 *       without LONG                           with LONG, eight bytes
 */
#include "wire/zmtp.h"

#include "base/err.h"
#include "base/must.h"
#include "wire/zmtp_rule.h"

static const struct fault faults[] = {
#define RULE_FAULT(name, clause, text) [ZMTP_RULE_##name] = { 0, clause, text },
    ZMTP_RULES(RULE_FAULT)
#undef RULE_FAULT
};

int
zmtp_breach(struct fault *why, enum zmtp_rule rule)
{
    *why = faults[rule];
    return -ERR_PROTOCOL;
}

/* ---- patterns and mechanisms ---------------------------------------------------------------------------------- */

#define WITH(x) (1U << ZMTP_##x)

/* clang-format off */
static const struct pattern {
    const char *name;
    unsigned fits;
} patterns[ZMTP_PATTERNS] = {
    /*                name      whom it talks to */
    [ZMTP_PAIR]   = { "PAIR",   WITH(PAIR)                              },
    [ZMTP_PUB]    = { "PUB",    WITH(SUB) | WITH(XSUB)                  },
    [ZMTP_SUB]    = { "SUB",    WITH(PUB) | WITH(XPUB)                  },
    [ZMTP_REQ]    = { "REQ",    WITH(REP) | WITH(ROUTER)                },
    [ZMTP_REP]    = { "REP",    WITH(REQ) | WITH(DEALER)                },
    [ZMTP_DEALER] = { "DEALER", WITH(REP) | WITH(DEALER) | WITH(ROUTER) },
    [ZMTP_ROUTER] = { "ROUTER", WITH(REQ) | WITH(DEALER) | WITH(ROUTER) },
    [ZMTP_PULL]   = { "PULL",   WITH(PUSH)                              },
    [ZMTP_PUSH]   = { "PUSH",   WITH(PULL)                              },
    [ZMTP_XPUB]   = { "XPUB",   WITH(SUB) | WITH(XSUB)                  },
    [ZMTP_XSUB]   = { "XSUB",   WITH(PUB) | WITH(XPUB)                  },
};
/* clang-format on */

const char *
zmtp_pattern_name(enum zmtp_pattern pattern)
{
    return patterns[pattern].name;
}

int
zmtp_pattern_of(struct view name)
{
    for (int i = 0; i < ZMTP_PATTERNS; i++)
        if (view_is(name, patterns[i].name))
            return i;
    return -1;
}

bool
zmtp_patterns_fit(enum zmtp_pattern a, enum zmtp_pattern b)
{
    return (patterns[a].fits & 1U << b) != 0;
}

const char *
zmtp_mechanism_name(enum zmtp_mechanism mechanism)
{
    static const char *const names[] = { [ZMTP_NULL] = "NULL", [ZMTP_PLAIN] = "PLAIN", [ZMTP_CURVE] = "CURVE" };
    return names[mechanism];
}

/* ---- frames --------------------------------------------------------------------------------------------------- */

/* The first byte alone may show it: nobody waits for what is not going to be read. */
static int
check_flags(uint8_t flags, bool commands, struct fault *why)
{
    unsigned known = commands ? ZMTP_MORE | ZMTP_LONG | ZMTP_COMMAND : ZMTP_MORE | ZMTP_LONG;
    if ((flags & ~known) != 0)
        return zmtp_breach(why, commands ? ZMTP_RULE_FLAGS : ZMTP_RULE_FLAGS_2);
    if ((flags & ZMTP_COMMAND) != 0 && (flags & ZMTP_MORE) != 0)
        return zmtp_breach(why, ZMTP_RULE_COMMAND_MORE);
    return 0;
}

int64_t
zmtp_frame_parse_any(struct view in, uint64_t body_bytes_max, bool commands, struct zmtp_frame *ret, uint64_t *retneed,
                     struct fault *why)
{
    size_t head = in.len > 0 ? zmtp_frame_head_bytes(in.data[0]) : ZMTP_FRAME_HEAD_MIN;
    int rc = in.len > 0 ? check_flags(in.data[0], commands, why) : 0;
    if (rc < 0)
        return rc;
    if (in.len < head) {
        *retneed = head;
        return 0;
    }
    uint64_t size = zmtp_frame_body_bytes(in.data);
    if (size > INT64_MAX)
        return zmtp_breach(why, ZMTP_RULE_SIZE);
    if (size > body_bytes_max || size > INT64_MAX - ZMTP_FRAME_HEAD_MAX)
        return -ERR_TOO_LARGE;
    if (in.len - head < size) {
        *retneed = head + size;
        return 0;
    }
    *ret = (struct zmtp_frame){ .flags = in.data[0] & (ZMTP_MORE | ZMTP_COMMAND),
                                .body = view_of(in.data + head, (size_t)size) };
    return (int64_t)(head + size);
}
