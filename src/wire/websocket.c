/* wire/websocket.c - the heads of WebSocket's frames. */
#include "wire/websocket.h"

#include "base/cursor.h"
#include "base/err.h"

enum { FIN = 0x80, RESERVED = 0x70, OPCODE = 0x0f, MASKED = 0x80, SIZE = 0x7f, SIZE_16 = 126, SIZE_64 = 127 };

static int
breach(struct fault *why, const char *clause, const char *text)
{
    *why = (struct fault){ .clause = clause, .text = text };
    return -ERR_PROTOCOL;
}

/* The first two bytes. */
static int
check(uint8_t first, uint8_t second, bool masked, struct fault *why)
{
    unsigned opcode = first & OPCODE;
    bool is_control = (opcode & 8) != 0;
    if ((first & RESERVED) != 0)
        return breach(why, "6455/5.2", "a reserved bit of a WebSocket frame is set");
    if ((first & FIN) == 0 || opcode == 0)
        return breach(why, "45/3", "a WebSocket message in several frames");
    if (opcode != WEBSOCKET_BINARY && (opcode < WEBSOCKET_CLOSE || opcode > WEBSOCKET_PONG))
        return breach(why, "45/3", "a WebSocket message that is not binary");
    if (((second & MASKED) != 0) != masked)
        return breach(why, "6455/5.1", masked ? "a client's frame that is not masked" : "a server's frame is masked");
    if (is_control && (second & SIZE) > WEBSOCKET_CONTROL_MAX)
        return breach(why, "6455/5.5", "a control frame of more than 125 bytes");
    return 0;
}

static size_t
size_bytes(unsigned code)
{
    return code == SIZE_64 ? 8 : code == SIZE_16 ? 2 : 0;
}

int
websocket_head_parse(struct view in, bool masked, struct websocket_head *ret, struct fault *why)
{
    if (in.len < 2)
        return 0;
    int rc = check(in.data[0], in.data[1], masked, why);
    if (rc < 0)
        return rc;
    unsigned code = in.data[1] & SIZE;
    size_t wide = size_bytes(code), all = 2 + wide + (masked ? WEBSOCKET_MASK_BYTES : 0);
    if (in.len < all)
        return 0;
    struct cursor rest = cursor_of(view_from(in, 2));
    *ret = (struct websocket_head){ .opcode = in.data[0] & OPCODE };
    ret->size = wide == 0 ? code : take_uint(&rest, (unsigned)wide);
    if (ret->size > INT64_MAX || (wide == 8 && ret->size <= UINT16_MAX) || (wide == 2 && ret->size < SIZE_16))
        return breach(why, "6455/5.2", "a size that is not in its shortest form, or of 2^63 bytes or more");
    if (masked)
        memcpy(ret->mask, rest.at, WEBSOCKET_MASK_BYTES);
    return (int)all;
}

size_t
websocket_head_bytes(uint64_t size, bool masked)
{
    size_t wide = size > UINT16_MAX ? 8 : size >= SIZE_16 ? 2 : 0;
    return 2 + wide + (masked ? WEBSOCKET_MASK_BYTES : 0);
}

size_t
websocket_head_write(uint8_t *ret, enum websocket_opcode opcode, uint64_t size, const uint8_t *mask)
{
    struct pen pen = pen_of(ret, WEBSOCKET_HEAD_MAX);
    uint8_t masked = mask != NULL ? MASKED : 0;
    put_u8(&pen, (uint8_t)(FIN | opcode));
    if (size > UINT16_MAX) {
        put_u8(&pen, masked | SIZE_64);
        put_u64(&pen, size);
    } else if (size >= SIZE_16) {
        put_u8(&pen, masked | SIZE_16);
        put_u16(&pen, (uint16_t)size);
    } else {
        put_u8(&pen, (uint8_t)(masked | size));
    }
    if (mask != NULL)
        put_bytes(&pen, view_of(mask, WEBSOCKET_MASK_BYTES));
    return (size_t)(pen.at - ret);
}

void
websocket_mask(uint8_t *bytes, size_t n, const uint8_t mask[WEBSOCKET_MASK_BYTES], uint64_t at)
{
    for (size_t i = 0; i < n; i++)
        bytes[i] ^= mask[(at + i) % WEBSOCKET_MASK_BYTES];
}
