/* queue/page_record.c - RECORD_PAGE as bytes, and back.
 *
 * RECORD_PAGE, whose numbers without a size are LEB128:
 *
 *     | flags u8 | queue | first seq | unless all live, live: 512 bits |
 *     | for each that lives: step, position if step / 2 is 0, bytes and meta if step is odd |
 *     | if any expires, for each that lives: UTC millisecond, 0: never |
 *
 * flags: 1 not all live, 2 some expire, 0x80 set.  The bit of the page's entry i is bit i % 8 (from the lowest) of byte
 * i / 8.  A step tells an entry from the one that lives before it: odd when its bytes or meta are others; step / 2 is 1
 * more than the position less that one's position and bytes, or 0 when that is not 0 to 2^32 - 1.
 * Before the first stands one at position 0 of 0 bytes and RECORD_META_PLAIN.
 *
 * Version 1, which is only read, and whose first byte is below 0x80:
 *
 *     | queue id u32 | first seq u64 | live: 512 bits | for each that lives: position u64, bytes u32, meta u32 |
 *     | if any expires, for each that lives: UTC millisecond u64, 0: never | */
#include "queue/page_record.h"

#include "base/err.h"
#include "base/must.h"

enum {
    LIVE_BYTES = PAGE_ENTRIES / 8,
    FLAG_LIVE = 1,
    FLAG_EXPIRES = 2,
};

static const struct entry before_first = { .meta = RECORD_META_PLAIN };

/* ---- out ----------------------------------------------------------------------------------------------------- */

static uint64_t
gap(const struct entry *before, const struct entry *entry)
{
    return entry->ref - before->ref - before->bytes;
}

static void
put_entry(struct pen *p, const struct entry *before, const struct entry *entry)
{
    bool other = entry->bytes != before->bytes || entry->meta != before->meta;
    bool near = gap(before, entry) <= UINT32_MAX;
    put_leb128(p, (near ? gap(before, entry) + 1 : 0) << 1 | other);
    if (!near)
        put_leb128(p, entry->ref);
    if (other) {
        put_leb128(p, entry->bytes);
        put_leb128(p, entry->meta);
    }
}

static size_t
image_count(const struct image *image)
{
    size_t count = 0;
    for (size_t i = 0; i < LIVE_BYTES; i++)
        count += (size_t)__builtin_popcount(image->live[i]);
    return count;
}

static bool
image_expires(const struct image *image)
{
    for (unsigned i = 0; i < PAGE_ENTRIES; i++)
        if (image_has(image, i) && image->expires_ms[i] != 0)
            return true;
    return false;
}

struct view
page_record_draw(uint32_t queue, uint64_t no, const struct image *image, uint8_t *room)
{
    struct pen p = pen_of(room, PAGE_RECORD_BYTES_MAX);
    const struct entry *before = &before_first;
    bool whole = image_count(image) == PAGE_ENTRIES, expires = image_expires(image);
    put_u8(&p, (uint8_t)(PAGE_SHORT_FORM | (whole ? 0 : FLAG_LIVE) | (expires ? FLAG_EXPIRES : 0)));
    put_leb128(&p, queue);
    put_leb128(&p, page_first_seq(no));
    if (!whole)
        put_bytes(&p, view_of(image->live, LIVE_BYTES));
    for (unsigned i = 0; i < PAGE_ENTRIES; i++) {
        if (!image_has(image, i))
            continue;
        put_entry(&p, before, &image->entries[i]);
        before = &image->entries[i];
    }
    for (unsigned i = 0; expires && i < PAGE_ENTRIES; i++)
        if (image_has(image, i))
            put_leb128(&p, image->expires_ms[i]);
    must(!p.torn);
    return view_of(room, (size_t)(p.at - room));
}

/* ---- back ---------------------------------------------------------------------------------------------------- */

static uint32_t
take_32(struct cursor *c)
{
    uint64_t x = take_leb128(c);
    c->torn |= x > UINT32_MAX;
    return (uint32_t)x;
}

static struct entry
take_entry(struct cursor *c, const struct entry *before)
{
    uint64_t step = take_leb128(c), between = (step >> 1) - 1;
    struct entry entry = { .bytes = before->bytes, .meta = before->meta };
    entry.ref = step >> 1 == 0 ? take_leb128(c) : before->ref + before->bytes + between;
    if (step & 1) {
        entry.bytes = take_32(c);
        entry.meta = take_32(c);
    }
    bool near = gap(before, &entry) <= UINT32_MAX;
    bool other = entry.bytes != before->bytes || entry.meta != before->meta;
    c->torn |= near != (step >> 1 != 0) || other != (step & 1);
    return entry;
}

static bool
take_image(struct cursor *c, uint8_t flags, struct image *ret)
{
    const struct entry *before = &before_first;
    bool good = (flags & ~(PAGE_SHORT_FORM | FLAG_LIVE | FLAG_EXPIRES)) == 0;
    memset(ret->live, 0xff, sizeof(ret->live));
    if (flags & FLAG_LIVE) {
        struct view live = take_bytes(c, LIVE_BYTES);
        memcpy(ret->live, live.data, live.len);
        good &= image_count(ret) < PAGE_ENTRIES;
    }
    for (unsigned i = 0; i < PAGE_ENTRIES; i++) {
        if (!image_has(ret, i))
            continue;
        ret->entries[i] = take_entry(c, before);
        before = &ret->entries[i];
    }
    for (unsigned i = 0; (flags & FLAG_EXPIRES) && i < PAGE_ENTRIES; i++)
        if (image_has(ret, i))
            ret->expires_ms[i] = take_leb128(c);
    good &= image_expires(ret) == ((flags & FLAG_EXPIRES) != 0);
    return good && !c->torn && cursor_left(c) == 0;
}

static bool
take_image_1(struct cursor *c, struct image *ret)
{
    struct view live = take_bytes(c, LIVE_BYTES);
    if (c->torn)
        return false;
    memcpy(ret->live, live.data, live.len);
    for (unsigned i = 0; i < PAGE_ENTRIES; i++)
        if (image_has(ret, i))
            ret->entries[i] = (struct entry){ .ref = take_u64(c), .bytes = take_u32(c), .meta = take_u32(c) };
    bool expires = cursor_left(c) > 0;
    for (unsigned i = 0; expires && i < PAGE_ENTRIES; i++)
        if (image_has(ret, i))
            ret->expires_ms[i] = take_u64(c);
    return !c->torn && cursor_left(c) == 0;
}

/* What stands before the live ones. */
struct head {
    bool version_1;
    uint8_t flags;
    uint64_t id, first;
};

static struct head
take_head(struct cursor *c)
{
    struct head head = { .version_1 = cursor_left(c) > 0 && !(*c->at & PAGE_SHORT_FORM) };
    if (!head.version_1)
        head.flags = take_u8(c);
    head.id = head.version_1 ? take_u32(c) : take_leb128(c);
    head.first = head.version_1 ? take_u64(c) : take_leb128(c);
    return head;
}

int
page_record_parse(uint32_t queue, uint64_t no, struct view record, struct image *ret)
{
    struct cursor c = cursor_of(record);
    struct head head = take_head(&c);
    memset(ret->expires_ms, 0, sizeof(ret->expires_ms));
    if (c.torn || head.id != queue || head.first != page_first_seq(no))
        return -ERR_DAMAGED;
    return (head.version_1 ? take_image_1(&c, ret) : take_image(&c, head.flags, ret)) ? 0 : -ERR_DAMAGED;
}

uint64_t
page_record_first(struct view record)
{
    struct cursor c = cursor_of(record);
    struct head head = take_head(&c);
    return c.torn ? 0 : head.first;
}
