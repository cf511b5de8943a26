/* queue/record.c - the layout of RECORD_PUBLISH and RECORD_MOVE (queue/record.h). */
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

enum { FLAG_RECEIPT = 0x01, FLAG_ONE = 0x02, FLAG_SHORT_FORM = 0x80, TARGET_BYTES_1 = 16, TARGET_BYTES_MIN = 2 };

void
record_publish_begin(struct pen *pen, const struct receipt *receipt, uint32_t targets)
{
    must(targets <= RECORD_TARGETS_MAX);
    bool has_receipt = receipt->session != 0;
    put_u8(pen, (uint8_t)(FLAG_SHORT_FORM | (has_receipt ? FLAG_RECEIPT : 0) | (targets == 1 ? FLAG_ONE : 0)));
    if (has_receipt)
        record_put_receipt(pen, receipt);
    if (targets != 1)
        put_leb128(pen, targets);
}

void
record_put_target(struct pen *pen, struct record_target target)
{
    bool plain = target.meta == RECORD_META_PLAIN;
    put_leb128(pen, (uint64_t)target.queue << 1 | !plain);
    put_leb128(pen, target.seq);
    if (!plain)
        put_leb128(pen, target.meta);
}

static struct record_target
take_target(struct cursor *c)
{
    uint64_t queue = take_leb128(c), seq = take_leb128(c);
    bool plain = !(queue & 1);
    uint64_t meta = plain ? RECORD_META_PLAIN : take_leb128(c);
    if (queue >> 1 > UINT32_MAX || meta > UINT32_MAX || plain != (meta == RECORD_META_PLAIN))
        c->torn = true;
    return (struct record_target){ .queue = (uint32_t)(queue >> 1), .seq = seq, .meta = (uint32_t)meta };
}

static struct record_target
take_target_1(struct cursor *c)
{
    return (struct record_target){ .queue = take_u32(c), .seq = take_u64(c), .meta = take_u32(c) };
}

/* Its targets lie between `list` and where the cursor stands afterwards: at the envelope. */
static void
take_head_1(struct cursor *c, struct record_publish *ret)
{
    ret->version_1 = true;
    ret->receipt = record_take_receipt(c);
    ret->targets = take_u16(c);
    ret->list = cursor_of(take_bytes(c, (size_t)ret->targets * TARGET_BYTES_1));
}

static void
take_head(struct cursor *c, struct record_publish *ret)
{
    *ret = (struct record_publish){ 0 };
    if (cursor_left(c) > 0 && !(*c->at & FLAG_SHORT_FORM)) {
        take_head_1(c, ret);
        return;
    }
    uint8_t flags = take_u8(c);
    if (flags & FLAG_RECEIPT)
        ret->receipt = record_take_receipt(c);
    uint64_t targets = flags & FLAG_ONE ? 1 : take_leb128(c);
    bool known = (flags & ~(FLAG_SHORT_FORM | FLAG_RECEIPT | FLAG_ONE)) == 0;
    bool two_forms =
        (targets == 1) != ((flags & FLAG_ONE) != 0) || ((flags & FLAG_RECEIPT) && ret->receipt.session == 0);
    if (!known || two_forms || targets > cursor_left(c) / TARGET_BYTES_MIN || targets > RECORD_TARGETS_MAX)
        c->torn = true;
    ret->targets = (uint16_t)targets;
    ret->list = *c;
    for (uint64_t i = 0; i < targets && !c->torn; i++)
        (void)take_target(c);
    ret->list.end = c->at;
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
    *ret = publish->version_1 ? take_target_1(&publish->list) : take_target(&publish->list);
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

uint32_t
record_page_queue(struct view record)
{
    struct cursor c = cursor_of(record);
    if (record.len == 0 || !(record.data[0] & PAGE_SHORT_FORM))
        return take_u32(&c);
    (void)take_u8(&c);
    uint64_t queue = take_leb128(&c);
    return queue <= UINT32_MAX ? (uint32_t)queue : 0;
}
