/* queue/message.c - a message in one allocation, and an envelope as bytes.
 *
 * An envelope in a record, all numbers big-endian:
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
    FORMAT = 1,
    HEAD_BYTES = 32,
    FLAG_QOS = 0x3,
    FLAG_RETAIN = 0x4,
    FLAGS_KNOWN = FLAG_QOS | FLAG_RETAIN,
    ENCODING_LAST = ENCODING_AMQP091,
    QOS_LAST = 2,
};

_Static_assert((int)HEAD_BYTES <= (int)ENVELOPE_HEAD_BYTES_MAX, "the head fits the room that callers give");

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

size_t
envelope_head(const struct envelope *env, uint8_t *room)
{
    must(env->topic.len <= UINT32_MAX && env->props.len <= UINT32_MAX && env->body.len <= UINT32_MAX);
    must(env->qos <= QOS_LAST && env->encoding <= ENCODING_LAST);
    struct pen pen = pen_of(room, HEAD_BYTES);
    put_u8(&pen, FORMAT);
    put_u8(&pen, env->encoding);
    put_u8(&pen, (uint8_t)(env->qos | (env->retain ? FLAG_RETAIN : 0)));
    put_u8(&pen, 0);
    put_u32(&pen, (uint32_t)env->topic.len);
    put_u32(&pen, (uint32_t)env->props.len);
    put_u32(&pen, (uint32_t)env->body.len);
    put_u64(&pen, env->expires_ms);
    put_u64(&pen, env->published_ms);
    must(!pen.torn);
    return HEAD_BYTES;
}

size_t
envelope_bytes(const struct envelope *env)
{
    return HEAD_BYTES + env->topic.len + env->props.len + env->body.len;
}

int
envelope_parse(struct view in, struct envelope *ret)
{
    struct cursor c = cursor_of(in);
    uint8_t format = take_u8(&c);
    if (!c.torn && format != FORMAT)
        return -ERR_FORMAT;
    struct envelope env = { .encoding = take_u8(&c) };
    uint8_t flags = take_u8(&c);
    uint8_t zero = take_u8(&c);
    uint32_t topic_bytes = take_u32(&c);
    uint32_t props_bytes = take_u32(&c);
    uint32_t body_bytes = take_u32(&c);
    env.expires_ms = take_u64(&c);
    env.published_ms = take_u64(&c);
    env.topic = take_bytes(&c, topic_bytes);
    env.props = take_bytes(&c, props_bytes);
    env.body = take_bytes(&c, body_bytes);
    env.qos = flags & FLAG_QOS;
    env.retain = (flags & FLAG_RETAIN) != 0;
    if (c.torn || cursor_left(&c) > 0)
        return -ERR_DAMAGED;
    if (zero != 0 || (flags & ~FLAGS_KNOWN) != 0 || env.qos > QOS_LAST || env.encoding > ENCODING_LAST)
        return -ERR_DAMAGED;
    *ret = env;
    return 0;
}
