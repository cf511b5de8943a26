/* wire/amqp_content.c - what stands before a message's body, in one write: method frame, content header frame, and the
 * head of the first body frame (4.2.6).
 *
 * A delivery's is written by hand: it is what a broker writes most. */
#include "base/must.h"
#include "wire/amqp.h"
#include "wire/amqp_rule.h"

/* Straight stores, without a bound each: the whole size was held against the room before. */
static uint8_t *
store_u16(uint8_t *at, uint16_t x)
{
    at[0] = (uint8_t)(x >> 8);
    at[1] = (uint8_t)x;
    return at + 2;
}

static uint8_t *
store_u32(uint8_t *at, uint32_t x)
{
    return store_u16(store_u16(at, (uint16_t)(x >> 16)), (uint16_t)x);
}

static uint8_t *
store_u64(uint8_t *at, uint64_t x)
{
    return store_u32(store_u32(at, (uint32_t)(x >> 32)), (uint32_t)x);
}

static uint8_t *
store_bytes(uint8_t *at, struct view v)
{
    if (v.len > 0)
        memcpy(at, v.data, v.len);
    return at + v.len;
}

static uint8_t *
store_shortstr(uint8_t *at, struct view v)
{
    *at++ = (uint8_t)v.len;
    return store_bytes(at, v);
}

static uint8_t *
store_head(uint8_t *at, uint8_t type, uint16_t channel, size_t size)
{
    *at++ = type;
    return store_u32(store_u16(at, channel), (uint32_t)size);
}

size_t
amqp_body_open(void *room, uint16_t channel, size_t n)
{
    store_head(room, AMQP_FRAME_BODY, channel, n);
    return AMQP_FRAME_HEAD;
}

size_t
amqp_heartbeat_write(void *room, size_t len)
{
    if (len < AMQP_FRAME_OVERHEAD)
        return 0;
    *store_head(room, AMQP_FRAME_HEARTBEAT, 0, 0) = AMQP_FRAME_END;
    return AMQP_FRAME_OVERHEAD;
}

/* All behind the method frame, if there is a body at all. */
static size_t
rest_size(struct view props)
{
    return AMQP_FRAME_OVERHEAD + AMQP_HEADER_FIXED + props.len + AMQP_FRAME_HEAD;
}

static uint8_t *
store_rest(uint8_t *at, uint16_t channel, struct view props, uint64_t body_size, uint32_t frame_max)
{
    at = store_head(at, AMQP_FRAME_HEADER, channel, AMQP_HEADER_FIXED + props.len);
    at = store_u16(at, AMQP_CLASS_BASIC);
    at = store_u16(at, 0);
    at = store_u64(at, body_size);
    at = store_bytes(at, props);
    *at++ = AMQP_FRAME_END;
    if (body_size > 0)
        at += amqp_body_open(at, channel, (size_t)amqp_body_part(frame_max, body_size));
    return at;
}

size_t
amqp_content_head_size(const struct amqp_method *m, struct view props)
{
    return amqp_method_size(m) + rest_size(props);
}

size_t
amqp_content_head(void *room, size_t len, uint16_t channel, const struct amqp_method *m, struct view props,
                  uint64_t body_size, uint32_t frame_max)
{
    must(amqp_method_has_content(m->id));
    size_t n = amqp_method_write(room, len, channel, m);
    if (n == 0 || len - n < rest_size(props))
        return 0;
    uint8_t *end = store_rest((uint8_t *)room + n, channel, props, body_size, frame_max);
    return (size_t)(end - (uint8_t *)room);
}

static size_t
deliver_payload(const struct amqp_basic_deliver *m)
{
    enum { METHOD_ID = 4, TAG = 8, BITS = 1, LENGTHS = 3 };
    return METHOD_ID + TAG + BITS + LENGTHS + m->consumer_tag.len + m->exchange.len + m->routing_key.len;
}

size_t
amqp_deliver_head_size(const struct amqp_basic_deliver *m, struct view props)
{
    return AMQP_FRAME_OVERHEAD + deliver_payload(m) + rest_size(props);
}

size_t
amqp_deliver_head(void *room, size_t len, uint16_t channel, const struct amqp_basic_deliver *m, struct view props,
                  uint64_t body_size, uint32_t frame_max)
{
    bool fits = m->consumer_tag.len <= AMQP_SHORTSTR_MAX && m->exchange.len <= AMQP_SHORTSTR_MAX &&
                m->routing_key.len <= AMQP_SHORTSTR_MAX;
    if (!fits || amqp_deliver_head_size(m, props) > len)
        return 0;
    uint8_t *at = store_head(room, AMQP_FRAME_METHOD, channel, deliver_payload(m));
    at = store_u32(at, AMQP_BASIC_DELIVER);
    at = store_shortstr(at, m->consumer_tag);
    at = store_u64(at, m->delivery_tag);
    *at++ = m->redelivered;
    at = store_shortstr(at, m->exchange);
    at = store_shortstr(at, m->routing_key);
    *at++ = AMQP_FRAME_END;
    at = store_rest(at, channel, props, body_size, frame_max);
    return (size_t)(at - (uint8_t *)room);
}
