/* wire/amqp.c - framing, and reply codes.
 *
 *      0      1         3             7                  size+7 size+8
 *     +------+---------+-------------+-------- ... ------+-----+
 *     | type | channel |    size     |     payload       | end |
 *     +------+---------+-------------+-------- ... ------+-----+
 *       octet   short       long        `size` octets      0xce
 */
#include "wire/amqp.h"

#include "base/err.h"
#include "base/must.h"
#include "wire/amqp_rule.h"

static const struct fault faults[] = {
#define RULE_FAULT(name, clause, code, text) [AMQP_RULE_##name] = { code, clause, text },
    AMQP_RULES(RULE_FAULT)
#undef RULE_FAULT
};

int
amqp_breach(struct fault *why, enum amqp_rule rule)
{
    *why = faults[rule];
    return -ERR_PROTOCOL;
}

/* What the first seven bytes say may not be wrong: nobody waits for a payload that is not going to be read. */
static int
check_head(uint8_t type, uint16_t channel, size_t size, uint32_t frame_max, struct fault *why)
{
    if (type != AMQP_FRAME_METHOD && type != AMQP_FRAME_HEADER && type != AMQP_FRAME_BODY &&
        type != AMQP_FRAME_HEARTBEAT)
        return amqp_breach(why, AMQP_RULE_FRAME_TYPE);
    if (frame_max != 0 && size + AMQP_FRAME_OVERHEAD > frame_max)
        return amqp_breach(why, AMQP_RULE_FRAME_SIZE);
    if (type != AMQP_FRAME_HEARTBEAT)
        return 0;
    if (size > 0)
        return amqp_breach(why, AMQP_RULE_HEARTBEAT_PAYLOAD);
    if (channel != 0)
        return amqp_breach(why, AMQP_RULE_HEARTBEAT_CHANNEL);
    return 0;
}

int64_t
amqp_frame_parse(struct view in, uint32_t frame_max, struct amqp_frame *ret, size_t *retneed, struct fault *why)
{
    if (in.len < AMQP_FRAME_HEAD) {
        *retneed = AMQP_FRAME_OVERHEAD;
        return 0;
    }
    const uint8_t *at = in.data;
    uint8_t type = at[0];
    uint16_t channel = (uint16_t)(at[1] << 8 | at[2]);
    size_t size = (size_t)at[3] << 24 | (size_t)at[4] << 16 | (size_t)at[5] << 8 | at[6];
    int rc = check_head(type, channel, size, frame_max, why);
    if (rc < 0)
        return rc;
    if (in.len < size + AMQP_FRAME_OVERHEAD) {
        *retneed = size + AMQP_FRAME_OVERHEAD;
        return 0;
    }
    if (at[AMQP_FRAME_HEAD + size] != AMQP_FRAME_END)
        return amqp_breach(why, AMQP_RULE_FRAME_END);
    *ret = (struct amqp_frame){ .type = type, .channel = channel, .payload = view_of(at + AMQP_FRAME_HEAD, size) };
    return (int64_t)(size + AMQP_FRAME_OVERHEAD);
}

static const struct reply {
    unsigned code;
    bool hard;
    const char *name;
} replies[] = {
    {AMQP_REPLY_SUCCESS,        false, "REPLY_SUCCESS"      },
    { AMQP_CONTENT_TOO_LARGE,   false, "CONTENT_TOO_LARGE"  },
    { AMQP_NO_ROUTE,            false, "NO_ROUTE"           },
    { AMQP_NO_CONSUMERS,        false, "NO_CONSUMERS"       },
    { AMQP_CONNECTION_FORCED,   true,  "CONNECTION_FORCED"  },
    { AMQP_INVALID_PATH,        true,  "INVALID_PATH"       },
    { AMQP_ACCESS_REFUSED,      false, "ACCESS_REFUSED"     },
    { AMQP_NOT_FOUND,           false, "NOT_FOUND"          },
    { AMQP_RESOURCE_LOCKED,     false, "RESOURCE_LOCKED"    },
    { AMQP_PRECONDITION_FAILED, false, "PRECONDITION_FAILED"},
    { AMQP_FRAME_ERROR,         true,  "FRAME_ERROR"        },
    { AMQP_SYNTAX_ERROR,        true,  "SYNTAX_ERROR"       },
    { AMQP_COMMAND_INVALID,     true,  "COMMAND_INVALID"    },
    { AMQP_CHANNEL_ERROR,       true,  "CHANNEL_ERROR"      },
    { AMQP_UNEXPECTED_FRAME,    true,  "UNEXPECTED_FRAME"   },
    { AMQP_RESOURCE_ERROR,      true,  "RESOURCE_ERROR"     },
    { AMQP_NOT_ALLOWED,         true,  "NOT_ALLOWED"        },
    { AMQP_NOT_IMPLEMENTED,     true,  "NOT_IMPLEMENTED"    },
    { AMQP_INTERNAL_ERROR,      true,  "INTERNAL_ERROR"     },
};

static const struct reply *
reply_of(unsigned code)
{
    for (size_t i = 0; i < COUNT_OF(replies); i++)
        if (replies[i].code == code)
            return &replies[i];
    return NULL;
}

const char *
amqp_reply_name(unsigned code)
{
    const struct reply *reply = reply_of(code);
    return reply != NULL ? reply->name : NULL;
}

bool
amqp_reply_is_hard(unsigned code)
{
    const struct reply *reply = reply_of(code);
    return reply != NULL && reply->hard;
}
