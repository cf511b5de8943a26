/* queue/message.c - a message in one allocation, and an envelope as bytes.
 *
 * An envelope ends its record, and has exactly one form:
 *
 *     flags u8 | published | expires, if it does | topic bytes | props bytes | topic ... | props ... | body ...
 *
 * flags: bits 0 and 1 the QoS, 2 retain, 3 and 4 the encoding, 5 it expires, 6 times are wide, 7 set.  Lengths are
 * LEB128; the body is the rest.  A time is 5 bytes of milliseconds since 2020, or, when one of them does not fit there,
 * 8 bytes of milliseconds since 1970.
 *
 * Format 1, which is only read:
 *
 *     0       1          2       3      4             8             12           16            24              32
 *     | format | encoding | flags | zero | topic bytes | props bytes | body bytes | expires, ms | published, ms |
 *     | topic ... | props ... | body ... |
 *
 * flags: bits 0 and 1 the QoS, bit 2 retain.  The lengths add up to exactly what the record holds. */
#include "queue/message.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"

enum {
    FORMAT_1 = 1,
    FLAG_QOS = 0x03,
    FLAG_RETAIN = 0x04,
    FLAGS_KNOWN_1 = FLAG_QOS | FLAG_RETAIN,
    FLAG_ENCODING = 0x18,
    FLAG_ENCODING_SHIFT = 3,
    FLAG_EXPIRES = 0x20,
    FLAG_WIDE = 0x40,
    FLAG_SHORT_FORM = 0x80,
    TIME_BYTES = 5,
    TIME_WIDE_BYTES = 8,
    HEAD_BYTES_MAX = 1 + 2 * TIME_WIDE_BYTES + 2 * LEB128_BYTES_MAX,
    ENCODING_LAST = ENCODING_AMQP091,
    QOS_LAST = 2,
};

static const uint64_t TIME_BASE_MS = UINT64_C(1577836800000); /* 2020-01-01 */

_Static_assert((int)HEAD_BYTES_MAX <= (int)ENVELOPE_HEAD_BYTES_MAX, "the head fits the room that callers give");

/* A copy of `v` at the pen. */
static struct view
copy(struct pen *pen, struct view v)
{
    struct view mine = view_of(pen->at, v.len);
    put_bytes(pen, v);
    return mine;
}

struct message *
message_new(struct mem *mem, const struct envelope *env)
{
    size_t n = env->topic.len + env->props.len + env->body.len;
    struct message *m = mem_raw(mem, sizeof(*m) + n);
    if (m == NULL)
        return NULL;
    struct pen pen = pen_of(m->bytes, n);
    m->refs = 1;
    m->mem = mem;
    m->env = *env;
    m->env.topic = copy(&pen, env->topic);
    m->env.props = copy(&pen, env->props);
    m->env.body = copy(&pen, env->body);
    return m;
}

struct message *
message_ref(struct message *message)
{
    must(message->refs > 0 && message->refs < UINT32_MAX);
    message->refs++;
    return message;
}

void
message_unref(struct message *message)
{
    if (message == NULL)
        return;
    must(message->refs > 0);
    if (--message->refs == 0)
        mem_free(message->mem, message);
}

static bool
is_wide(uint64_t ms)
{
    return (ms - TIME_BASE_MS) >> (8 * TIME_BYTES) != 0; /* also of what is earlier */
}

static uint8_t
flags_of(const struct envelope *env)
{
    bool expires = env->expires_ms != 0;
    unsigned flags = FLAG_SHORT_FORM | env->qos | (unsigned)env->encoding << FLAG_ENCODING_SHIFT;
    if (env->retain)
        flags |= FLAG_RETAIN;
    if (expires)
        flags |= FLAG_EXPIRES;
    if (is_wide(env->published_ms) || (expires && is_wide(env->expires_ms)))
        flags |= FLAG_WIDE;
    return (uint8_t)flags;
}

static void
put_time(struct pen *pen, uint64_t ms, bool wide)
{
    if (wide)
        put_u64(pen, ms);
    else
        put_uint(pen, ms - TIME_BASE_MS, TIME_BYTES);
}

size_t
envelope_head(const struct envelope *env, uint8_t *room)
{
    must(env->qos <= QOS_LAST && env->encoding <= ENCODING_LAST);
    struct pen pen = pen_of(room, HEAD_BYTES_MAX);
    uint8_t flags = flags_of(env);
    put_u8(&pen, flags);
    put_time(&pen, env->published_ms, flags & FLAG_WIDE);
    if (flags & FLAG_EXPIRES)
        put_time(&pen, env->expires_ms, flags & FLAG_WIDE);
    put_leb128(&pen, env->topic.len);
    put_leb128(&pen, env->props.len);
    must(!pen.torn);
    return (size_t)(pen.at - room);
}

size_t
envelope_bytes(const struct envelope *env)
{
    return ENVELOPE_HEAD_BYTES_NOMINAL + env->topic.len + env->props.len + env->body.len;
}

static uint64_t
take_time(struct cursor *c, bool wide)
{
    return wide ? take_u64(c) : take_uint(c, TIME_BYTES) + TIME_BASE_MS;
}

static int
parse(struct cursor *c, struct envelope *ret)
{
    uint8_t flags = take_u8(c);
    struct envelope env = {
        .qos = flags & FLAG_QOS,
        .retain = (flags & FLAG_RETAIN) != 0,
        .encoding = (uint8_t)((flags & FLAG_ENCODING) >> FLAG_ENCODING_SHIFT),
    };
    env.published_ms = take_time(c, flags & FLAG_WIDE);
    if (flags & FLAG_EXPIRES)
        env.expires_ms = take_time(c, flags & FLAG_WIDE);
    uint64_t topic_bytes = take_leb128(c);
    uint64_t props_bytes = take_leb128(c);
    env.topic = take_bytes(c, topic_bytes);
    env.props = take_bytes(c, props_bytes);
    env.body = take_rest(c);
    if (c->torn || env.qos > QOS_LAST || env.encoding > ENCODING_LAST || flags_of(&env) != flags)
        return -ERR_DAMAGED;
    *ret = env;
    return 0;
}

static int
parse_1(struct cursor *c, struct envelope *ret)
{
    (void)take_u8(c); /* the format */
    struct envelope env = { .encoding = take_u8(c) };
    uint8_t flags = take_u8(c);
    uint8_t zero = take_u8(c);
    uint32_t topic_bytes = take_u32(c);
    uint32_t props_bytes = take_u32(c);
    uint32_t body_bytes = take_u32(c);
    env.expires_ms = take_u64(c);
    env.published_ms = take_u64(c);
    env.topic = take_bytes(c, topic_bytes);
    env.props = take_bytes(c, props_bytes);
    env.body = take_bytes(c, body_bytes);
    env.qos = flags & FLAG_QOS;
    env.retain = (flags & FLAG_RETAIN) != 0;
    if (c->torn || cursor_left(c) > 0)
        return -ERR_DAMAGED;
    if (zero != 0 || (flags & ~FLAGS_KNOWN_1) != 0 || env.qos > QOS_LAST || env.encoding > ENCODING_LAST)
        return -ERR_DAMAGED;
    *ret = env;
    return 0;
}

int
envelope_parse(struct view in, struct envelope *ret)
{
    struct cursor c = cursor_of(in);
    if (in.len == 0)
        return -ERR_DAMAGED;
    if (in.data[0] & FLAG_SHORT_FORM)
        return parse(&c, ret);
    return in.data[0] == FORMAT_1 ? parse_1(&c, ret) : -ERR_FORMAT;
}
