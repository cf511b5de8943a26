/* log/segment.c - the bytes on disk, version 2: what stands in DIR, and how it is checked.  Pure.
 *
 *     0000000007.seg         a segment
 *     spare-0000000003       a file that waits to become one; its content means nothing
 *     checkpoint-0000000002  the owner's state; checkpoint.new is one being written
 *     quarantine/            damaged bytes, copied aside as SEGMENT-OFFSET
 *
 * All numbers are big-endian.  Everything begins at a multiple of 4; gaps are zeros.
 *
 * A segment is a file that grows by pieces of zeros ahead of what is written, and is used again when it is dead.
 *
 *     0               2048            4096
 *     | header        | header again  | batch | batch | batch |  bytes of a former life, or zeros ...
 *
 *     header     0 "TAMBOSEG"   8 version u32   12 shard u32   16 number u32   20 zero u32   24 epoch u64
 *                32 follows u64   40 size at first u64   48 checksum u64 of bytes 0..47
 *
 *     batch      0 "TBCH"   4 length u32   8 sequence u64   16 flags u32   20 zero u32   24 checksum u64 of bytes 0..23
 *                then records, back to back; length counts from the "T" to the end of the last record
 *
 *     record     0 checksum u40 of all that follows   5 kind u8   6 check u16 of length and kind   8 length u32
 *                12 payload, then zeros up to a multiple of 4
 *
 * Version 1, which is only read, has multiples of 8, and
 *
 *     record     0 checksum u64   8 length u32   12 kind u16   14 check u16   16 payload
 *
 * Checksums are XXH3-64; of a record the low 40 bits are kept.  In a segment they are seeded with (epoch, number) +
 * offset in the file.  The epoch is drawn anew each time a file becomes a segment, so nothing of a former life, nothing
 * that was moved, and nothing that a client wrote into a payload can pass for a record or a batch.  The 16-bit check
 * makes a search for the next whole record cheap: only 1 place in 65,536 needs its payload read.
 *
 * A batch is what one write brought; the next is written only when it is durable.  Batches are numbered without gaps.
 * So:
 *   - where a bad place is followed by a batch with a later number, what was there had been durable: it is damaged;
 *   - where none follows, it is the torn end of the last write: it is cut.
 * After each opening the log goes on in a new segment, whose header says where the log ended before it (follows), so
 * that what was cut stays cut.
 *
 * A checkpoint is a header, records, and a footer record of kind 0xff (version 1: 0xffff) with their count:
 *
 *     header     0 "TAMBOCKP"   8 version u32   12 shard u32   16 number u32   20 zero u32   24 epoch u64
 *                32 start u64   40 sequence u64   48 checksum u64 of bytes 0..47   56 zero u64 */
#include <endian.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/break.h"
#include "base/cursor.h"
#include "base/hash.h"
#include "log/internal.h"

static const char segment_magic[] = "TAMBOSEG";
static const char checkpoint_magic[] = "TAMBOCKP";

enum {
    MAGIC_BYTES = 8,
    HEADER_BYTES = 56,        /* of both, with the checksum */
    CHECKED_BYTES = 48,       /* of both */
    BATCH_MAGIC = 0x54424348, /* "TBCH" */
    BATCH_CHECKED_BYTES = 24,
    RECORD_CHECKSUM_BITS = 40,
    RECORD_KIND_FOOTER_1 = 0xffff,
};

uint64_t
segment_seed(uint64_t epoch, uint32_t number)
{
    return epoch ^ number * UINT64_C(0x9e3779b97f4a7c15);
}

/* Both kinds of file begin alike: magic, version, shard, number, epoch, two numbers of their own, checksum. */
static void
header_encode(uint8_t *ret, const char *magic, uint32_t shard, uint32_t number, uint64_t epoch, uint64_t a, uint64_t b)
{
    struct pen p = pen_of(ret, HEADER_BYTES);
    put_bytes(&p, view_of(magic, MAGIC_BYTES));
    put_u32(&p, FORMAT_VERSION);
    put_u32(&p, shard);
    put_u32(&p, number);
    put_u32(&p, 0);
    put_u64(&p, epoch);
    put_u64(&p, a);
    put_u64(&p, b);
    put_u64(&p, hash_bytes(view_of(ret, CHECKED_BYTES), 0));
    must(!p.torn);
}

static int
header_decode(const uint8_t *bytes, const char *magic, unsigned *retversion, struct cursor *ret)
{
    struct cursor c = cursor_of(view_of(bytes, HEADER_BYTES));
    struct cursor sum = cursor_of(view_of(bytes + CHECKED_BYTES, HEADER_BYTES - CHECKED_BYTES));
    if (!view_equal(take_bytes(&c, MAGIC_BYTES), view_of(magic, MAGIC_BYTES)))
        return -ERR_DAMAGED;
    if (take_u64(&sum) != hash_bytes(view_of(bytes, CHECKED_BYTES), 0))
        return -ERR_DAMAGED;
    uint32_t version = take_u32(&c);
    if (version == 0 || version > FORMAT_VERSION)
        return -ERR_FORMAT;
    *retversion = version;
    *ret = c;
    return 0;
}

void
segment_header_encode(const struct segment_header *header, uint8_t ret[SEGMENT_HEADER_BYTES])
{
    memset(ret, 0, SEGMENT_HEADER_BYTES);
    header_encode(ret, segment_magic, header->shard, header->number, header->epoch, header->follows, header->size);
    memcpy(ret + SEGMENT_HEADER_COPY_BYTES, ret, HEADER_BYTES);
}

static int
segment_copy_decode(const uint8_t *bytes, uint32_t number, struct segment_header *ret)
{
    struct cursor c;
    struct segment_header h = { 0 };
    int rc = header_decode(bytes, segment_magic, &h.version, &c);
    if (rc < 0)
        return rc;
    h.shard = take_u32(&c);
    h.number = take_u32(&c);
    take_u32(&c);
    h.epoch = take_u64(&c);
    h.follows = take_u64(&c);
    h.size = take_u64(&c);
    if (h.number != number)
        return -ERR_DAMAGED;
    *ret = h;
    return 0;
}

int
segment_header_decode(const uint8_t page[SEGMENT_HEADER_BYTES], uint32_t number, struct segment_header *ret)
{
    int rc = segment_copy_decode(page, number, ret);
    return rc == -ERR_DAMAGED ? segment_copy_decode(page + SEGMENT_HEADER_COPY_BYTES, number, ret) : rc;
}

void
checkpoint_header_encode(const struct checkpoint_header *header, uint8_t ret[CHECKPOINT_HEADER_BYTES])
{
    memset(ret, 0, CHECKPOINT_HEADER_BYTES);
    header_encode(ret, checkpoint_magic, header->shard, header->number, header->epoch, header->start, header->sequence);
}

int
checkpoint_header_decode(const uint8_t *bytes, struct checkpoint_header *ret)
{
    struct cursor c;
    int rc = header_decode(bytes, checkpoint_magic, &ret->version, &c);
    if (rc < 0)
        return rc;
    ret->shard = take_u32(&c);
    ret->number = take_u32(&c);
    take_u32(&c);
    ret->epoch = take_u64(&c);
    ret->start = take_u64(&c);
    ret->sequence = take_u64(&c);
    return 0;
}

void
batch_header_encode(const struct batch_header *header, uint64_t seed, uint8_t ret[BATCH_HEADER_BYTES])
{
    struct pen p = pen_of(ret, BATCH_HEADER_BYTES);
    put_u32(&p, BATCH_MAGIC);
    put_u32(&p, header->length);
    put_u64(&p, header->sequence);
    put_u32(&p, header->flags);
    put_u32(&p, 0);
    put_u64(&p, hash_bytes(view_of(ret, BATCH_CHECKED_BYTES), seed));
    must(!p.torn);
}

bool
batch_header_decode(unsigned version, const uint8_t *bytes, uint64_t seed, struct batch_header *ret)
{
    uint32_t magic;
    memcpy(&magic, bytes, sizeof(magic));
    if (magic != htobe32(BATCH_MAGIC))
        return false;
    struct cursor c = cursor_of(view_of(bytes + sizeof(magic), BATCH_HEADER_BYTES - sizeof(magic)));
    struct batch_header h = { .length = take_u32(&c) };
    h.sequence = take_u64(&c);
    h.flags = take_u32(&c);
    take_u32(&c);
    if (take_u64(&c) != hash_bytes(view_of(bytes, BATCH_CHECKED_BYTES), seed))
        return false;
    *ret = h;
    return h.length >= BATCH_HEADER_BYTES && h.length % layouts[version].align_bytes == 0;
}

static uint16_t
record_check(uint32_t len, unsigned kind, uint64_t seed)
{
    uint64_t x = (seed ^ ((uint64_t)len << 16 | kind)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 31) * UINT64_C(0x94d049bb133111eb);
    return (uint16_t)(x >> 48);
}

size_t
parts_len(const struct view *parts, unsigned n)
{
    size_t len = 0;
    for (unsigned i = 0; i < n; i++)
        len += parts[i].len;
    return len;
}

/* The first 8 bytes of a header are one number: checksum, kind, check. */
static uint64_t
head_word(struct record_header h, uint64_t seed)
{
    return (uint64_t)h.kind << 16 | record_check(h.len, h.kind, seed);
}

enum { WORD_BITS = 64 - RECORD_CHECKSUM_BITS };

/* Of kind, check, length and payload. */
static uint64_t
record_checksum(const uint8_t *bytes, uint32_t len, uint64_t seed)
{
    size_t own = RECORD_CHECKSUM_BITS / 8;
    return hash_bytes(view_of(bytes + own, RECORD_HEADER_BYTES - own + len), seed) << WORD_BITS;
}

void
record_encode(uint8_t *at, struct record_header header, const struct view *parts, unsigned n, uint64_t seed)
{
    uint8_t *to = at + RECORD_HEADER_BYTES;
    for (unsigned i = 0; i < n; i++)
        if (parts[i].len > 0) {
            memcpy(to, parts[i].data, parts[i].len);
            to += parts[i].len;
        }
    memset(to, 0, record_span(header.len) - RECORD_HEADER_BYTES - header.len);
    uint64_t word = head_word(header, seed), head = htobe64(word);
    uint32_t len = htobe32(header.len);
    memcpy(at, &head, sizeof(head));
    memcpy(at + sizeof(head), &len, sizeof(len));
    head = htobe64(word | record_checksum(at, header.len, seed));
    memcpy(at, &head, sizeof(head));
}

static bool
head_decode(const uint8_t *bytes, uint64_t seed, struct record_header *ret)
{
    uint64_t word;
    uint32_t len;
    memcpy(&word, bytes, sizeof(word));
    memcpy(&len, bytes + sizeof(word), sizeof(len));
    word = be64toh(word) & ((UINT64_C(1) << WORD_BITS) - 1);
    *ret = (struct record_header){ .len = be32toh(len), .kind = (unsigned)(word >> 16) };
    return word == head_word(*ret, seed);
}

static bool
head_decode_1(const uint8_t *bytes, uint64_t seed, struct record_header *ret)
{
    struct cursor c = cursor_of(view_of(bytes + 8, 8));
    struct record_header h = { .len = take_u32(&c), .kind = take_u16(&c) };
    if (take_u16(&c) != record_check(h.len, h.kind, seed) || h.kind == RECORD_KIND_FOOTER)
        return false;
    if (h.kind == RECORD_KIND_FOOTER_1)
        h.kind = RECORD_KIND_FOOTER;
    *ret = h;
    return true;
}

bool
record_header_decode(unsigned version, const uint8_t *bytes, uint64_t seed, struct record_header *ret)
{
    struct record_header h;
    if (!(version == 1 ? head_decode_1 : head_decode)(bytes, seed, &h))
        return false;
    if (h.kind == 0 || (h.kind > RECORD_KIND_MAX && h.kind != RECORD_KIND_FOOTER) || h.len > RECORD_BYTES_MAX)
        return false;
    *ret = h;
    return true;
}

static bool
whole_1(const uint8_t *bytes, uint32_t len, uint64_t seed)
{
    uint64_t sum;
    memcpy(&sum, bytes, sizeof(sum));
    return be64toh(sum) == hash_bytes(view_of(bytes + sizeof(sum), layouts[1].head_bytes - sizeof(sum) + len), seed);
}

bool
record_whole(unsigned version, const uint8_t *bytes, uint32_t len, uint64_t seed)
{
    uint64_t word;
    if (broken(BREAK_SKIP_CHECKSUM))
        return true;
    if (version == 1)
        return whole_1(bytes, len, seed);
    memcpy(&word, bytes, sizeof(word));
    return be64toh(word) >> WORD_BITS == record_checksum(bytes, len, seed) >> WORD_BITS;
}

static const struct {
    const char *before, *after;
} names[] = {
    [NAME_SEGMENT] = {"",             ".seg"},
    [NAME_SPARE] = { "spare-",      ""    },
    [NAME_CHECKPOINT] = { "checkpoint-", ""    },
};

/* Ten digits that fit into 32 bits, not zero. */
static bool
parse_number(const char *text, uint32_t *ret)
{
    uint64_t n = 0;
    for (int i = 0; i < 10; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        n = n * 10 + (uint64_t)(text[i] - '0');
    }
    *ret = (uint32_t)n;
    return n > 0 && n <= UINT32_MAX;
}

enum name_kind
name_parse(const char *name, uint32_t *ret)
{
    for (enum name_kind k = NAME_SEGMENT; k <= NAME_CHECKPOINT; k++) {
        size_t before = strlen(names[k].before);
        if (strncmp(name, names[k].before, before) == 0 && parse_number(name + before, ret) &&
            strcmp(name + before + 10, names[k].after) == 0)
            return k;
    }
    return NAME_OTHER;
}

void
name_path(char *ret, const char *dir, enum name_kind kind, uint32_t number)
{
    int n = snprintf(ret, PATH_BYTES, "%s/%s%010" PRIu32 "%s", dir, names[kind].before, number, names[kind].after);
    must(n > 0 && n < PATH_BYTES);
}
