/* client/outgoing.c - see outgoing.h. */
#include "client/outgoing.h"

#include "base/err.h"
#include "wire/zmtp.h"

enum { SHORT_MAX = 255, SHORT_HEAD = 2 };

static size_t
frame_bytes(size_t body)
{
    return body + (body <= SHORT_MAX ? SHORT_HEAD : ZMTP_FRAME_HEAD_MAX);
}

int
outgoing_parts(struct outgoing *ret, const struct tambo_part *parts, size_t count)
{
    if (count == 0)
        return -ERR_INVALID;
    *ret = (struct outgoing){ .parts = parts, .count = count };
    for (size_t i = 0; i < count; i++)
        ret->len += frame_bytes(parts[i].len);
    return 0;
}

void
outgoing_slice(struct outgoing *ret, const struct zmtp_slice *slice)
{
    *ret = (struct outgoing){ .run = slice->run, .chunk = slice->chunk, .len = slice->run.len };
}

struct view
outgoing_first(const struct outgoing *message)
{
    struct zmtp_frame frame = { 0 };
    struct view run = message->run;
    if (message->parts != NULL)
        return view_of(message->parts[0].data, message->parts[0].len);
    zmtp_frame_next(&run, &frame);
    return frame.body;
}

int
outgoing_cut_first(struct outgoing *message)
{
    struct zmtp_frame frame;
    if (message->parts == NULL) {
        zmtp_frame_next(&message->run, &frame);
        message->len = message->run.len;
        return message->len == 0 ? -ERR_INVALID : 0;
    }
    if (message->count == 1)
        return -ERR_INVALID;
    message->len -= frame_bytes(message->parts[0].len);
    message->parts++;
    message->count--;
    return 0;
}

size_t
message_payload(struct view message)
{
    struct zmtp_frame frame;
    size_t payload = 0;
    while (zmtp_frame_next(&message, &frame))
        payload += frame.body.len;
    return payload;
}

size_t
outgoing_payload(const struct outgoing *message)
{
    size_t payload = 0;
    if (message->parts == NULL)
        return message_payload(message->run);
    for (size_t i = 0; i < message->count; i++)
        payload += message->parts[i].len;
    return payload;
}

static void
copy(uint8_t **at, const void *data, size_t n)
{
    if (n > 0)
        memcpy(*at, data, n);
    *at += n;
}

void
outgoing_write(const struct outgoing *message, uint8_t *at)
{
    copy(&at, message->head.data, message->head.len);
    if (message->parts == NULL) {
        copy(&at, message->run.data, message->run.len);
        return;
    }
    for (size_t i = 0; i < message->count; i++) {
        const struct tambo_part *part = &message->parts[i];
        at += zmtp_frame_head(at, i + 1 < message->count ? ZMTP_MORE : 0, part->len);
        copy(&at, part->data, part->len);
    }
}

bool
outgoing_refers(const struct outgoing *message)
{
    return message->chunk != NULL && message->len >= OUTGOING_REFER_BYTES;
}
