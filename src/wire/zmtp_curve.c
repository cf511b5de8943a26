/* wire/zmtp_curve.c - the commands of CURVE as they lie on the wire (26/2.6).  What is in the boxes is for others to
 * know.
 *
 *     HELLO      1 0 | 72 zeros | client key 32 | nonce 8 | box 80
 *     WELCOME    nonce 16 | box 144
 *     INITIATE   cookie 96 | nonce 8 | box of 144 and more
 *     READY      nonce 8 | box of 16 and more
 *     MESSAGE    nonce 8 | box of 17 and more: flags u8 | body
 */
#include "wire/zmtp.h"
#include "wire/zmtp_rule.h"

enum { VERSION_BYTES = 2, PADDING_BYTES = 72, SHORT_NONCE = 8, LONG_NONCE = 16, KEY_BYTES = 32, MAC_BYTES = 16 };
enum { MESSAGE_MORE = 1, MESSAGE_COMMAND = 2 };

int
zmtp_curve_hello_parse(struct view data, struct zmtp_curve_box *ret, struct fault *why)
{
    struct cursor in = cursor_of(data);
    if (data.len != ZMTP_CURVE_HELLO_BYTES)
        return zmtp_breach(why, ZMTP_RULE_CURVE_HELLO_SIZE);
    struct view version = take_bytes(&in, VERSION_BYTES), padding = take_bytes(&in, PADDING_BYTES);
    if (version.data[0] != 1 || version.data[1] != 0)
        return zmtp_breach(why, ZMTP_RULE_CURVE_VERSION);
    if (!zmtp_is_zeros(padding))
        return zmtp_breach(why, ZMTP_RULE_CURVE_PADDING);
    ret->front = take_bytes(&in, KEY_BYTES);
    ret->nonce = take_bytes(&in, SHORT_NONCE);
    ret->box = take_rest(&in);
    return 0;
}

/* What stands before the nonce, the nonce, and the box, which is at least so long. */
static bool
take_box(struct view data, size_t front, size_t nonce, size_t box_min, struct zmtp_curve_box *ret)
{
    struct cursor in = cursor_of(data);
    if (data.len < front + nonce + box_min)
        return false;
    ret->front = take_bytes(&in, front);
    ret->nonce = take_bytes(&in, nonce);
    ret->box = take_rest(&in);
    return true;
}

int
zmtp_curve_welcome_parse(struct view data, struct zmtp_curve_box *ret, struct fault *why)
{
    if (data.len != ZMTP_CURVE_WELCOME_BYTES)
        return zmtp_breach(why, ZMTP_RULE_CURVE_WELCOME_SIZE);
    take_box(data, 0, LONG_NONCE, 0, ret);
    return 0;
}

int
zmtp_curve_initiate_parse(struct view data, struct zmtp_curve_box *ret, struct fault *why)
{
    enum { VOUCHED = KEY_BYTES + LONG_NONCE + 2 * KEY_BYTES + MAC_BYTES };
    if (!take_box(data, ZMTP_CURVE_COOKIE_BYTES, SHORT_NONCE, VOUCHED + MAC_BYTES, ret))
        return zmtp_breach(why, ZMTP_RULE_CURVE_INITIATE_SIZE);
    return 0;
}

int
zmtp_curve_ready_parse(struct view data, struct zmtp_curve_box *ret, struct fault *why)
{
    if (!take_box(data, 0, SHORT_NONCE, MAC_BYTES, ret))
        return zmtp_breach(why, ZMTP_RULE_CURVE_READY_SIZE);
    return 0;
}

int
zmtp_curve_message_parse(struct view data, struct zmtp_curve_box *ret, struct fault *why)
{
    if (!take_box(data, 0, SHORT_NONCE, MAC_BYTES + 1, ret))
        return zmtp_breach(why, ZMTP_RULE_CURVE_MESSAGE_SIZE);
    return 0;
}

int
zmtp_curve_payload_parse(struct view payload, struct zmtp_frame *ret, struct fault *why)
{
    uint8_t flags = payload.len > 0 ? payload.data[0] : 0;
    if (payload.len == 0)
        return zmtp_breach(why, ZMTP_RULE_CURVE_MESSAGE_SIZE);
    if ((flags & ~(MESSAGE_MORE | MESSAGE_COMMAND)) != 0 || flags == (MESSAGE_MORE | MESSAGE_COMMAND))
        return zmtp_breach(why, ZMTP_RULE_CURVE_FLAGS);
    ret->flags = flags == MESSAGE_COMMAND ? ZMTP_COMMAND : flags;
    ret->body = view_from(payload, 1);
    return 0;
}

uint8_t
zmtp_curve_payload_flags(unsigned flags)
{
    return (flags & ZMTP_COMMAND) != 0 ? MESSAGE_COMMAND : (uint8_t)(flags & ZMTP_MORE);
}
