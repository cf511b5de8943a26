/* queue/record.c - the layout of RECORD_PUBLISH and RECORD_MOVE. */
#include "queue/record.h"

#include "base/err.h"
#include "base/must.h"
#include "queue/message.h"

void
record_put_receipt(struct pen *pen, const struct receipt *receipt)
{
    put_u32(pen, receipt->session);
    put_u16(pen, receipt->packet_id);
    put_u8(pen, receipt->shard);
}

struct receipt
record_take_receipt(struct cursor *c)
{
    return (struct receipt){ .session = take_u32(c), .packet_id = take_u16(c), .shard = take_u8(c) };
}

void
record_publish_begin(struct pen *pen, const struct receipt *receipt, uint32_t targets)
{
    must(targets <= RECORD_TARGETS_MAX);
    record_put_receipt(pen, receipt);
    put_u16(pen, (uint16_t)targets);
}

void
record_put_target(struct pen *pen, struct record_target target)
{
    put_u32(pen, target.queue);
    put_u64(pen, target.seq);
    put_u32(pen, target.meta);
}

/* Stands at the envelope afterwards. */
static void
take_head(struct cursor *c, struct record_publish *ret)
{
    ret->receipt = record_take_receipt(c);
    ret->targets = take_u16(c);
    ret->list = cursor_of(take_bytes(c, (size_t)ret->targets * RECORD_TARGET_BYTES));
}

int
record_publish_parse(struct view record, struct record_publish *ret, struct envelope *retenv)
{
    struct cursor c = cursor_of(record);
    struct record_publish publish;
    take_head(&c, &publish);
    if (c.torn)
        return -ERR_DAMAGED;
    int rc = envelope_parse(take_rest(&c), retenv);
    if (rc == 0)
        *ret = publish;
    return rc;
}

bool
record_target_next(struct record_publish *publish, struct record_target *ret)
{
    if (cursor_left(&publish->list) == 0)
        return false;
    ret->queue = take_u32(&publish->list);
    ret->seq = take_u64(&publish->list);
    ret->meta = take_u32(&publish->list);
    return true;
}

struct view
record_envelope(struct view record)
{
    struct cursor c = cursor_of(record);
    struct record_publish publish;
    take_head(&c, &publish);
    return take_rest(&c);
}
