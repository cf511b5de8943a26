/* queue/record.h - the kinds of records in a shard's log.  Each room writes and applies its own; the numbers are on
 * disk for ever.
 *
 * Every fact is idempotent: applied again over a state that knows it already, it changes nothing, because it sets or
 * deletes one key (last writer wins) or names its sequence number.  That is what lets a checkpoint be fuzzy
 * (log/log.h). */
#ifndef TAMBO_QUEUE_RECORD_H
#define TAMBO_QUEUE_RECORD_H

#include "queue/message.h"

#include "base/cursor.h"

enum record_kind {
    /* queue/ */
    RECORD_PUBLISH = 1,    /* receipt, n x (queue, seq, meta), envelope: one body, however many queues */
    RECORD_SETTLE = 2,     /* queue id u32, first seq u64, count u32 */
    RECORD_QUEUE = 3,      /* checkpoint: id u32, next seq u64, head seq u64, pages (queue/restore.c) */
    RECORD_PAGE = 5,       /* index page that left memory: queue, first seq, entries (queue/image.c) */
    RECORD_MOVE = 6,       /* compaction: as PUBLISH, for entries that exist; their position is now this record's */
    RECORD_RETAIN = 7,     /* stamp u64, envelope: the retained value of its topic; an empty body deletes it */
    RECORD_DELAY = 8,      /* id u64, due ms u64, envelope */
    RECORD_DELAY_END = 9,  /* id u64 */
    RECORD_RETURN = 10,    /* queue id u32, seq u64, count u32: it came back undone so often */
    RECORD_DELIVERED = 11, /* queue id u32, seq u64: all up to it may have been delivered before */
    RECORD_HELD = 12,      /* as PUBLISH, but true only when a COMMIT names it */
    RECORD_COMMIT = 13,    /* n u32, n x (position u64, bytes u32) of HELD, then (seq u64, queue id u32) settled */

    /* session/mqtt */
    RECORD_SESSION = 32,      /* id u32, client id, protocol, expiry, ... */
    RECORD_SESSION_END = 33,  /* id u32 */
    RECORD_SESSION_PARK = 34, /* id u32, expires s u64: disconnected */
    RECORD_SUBSCRIBE = 35,    /* id u32, filter, options, subscription identifier */
    RECORD_UNSUBSCRIBE = 36,  /* id u32, filter */
    RECORD_RECEIVED =
        37, /* id u32, packet id u16: QoS 2 taken in with nothing stored (else the receipt in PUBLISH says so) */
    RECORD_FORGET = 38, /* id u32, packet id u16: PUBREL came */
    RECORD_DELIVER =
        39, /* id u32, queue id u32, seq u64, packet id u16: QoS 2 is about to go out under this packet id */
    RECORD_RELEASE = 40,   /* id u32, queue id u32, seq u64, packet id u16: PUBREC came; settles the entry too */
    RECORD_COMPLETE = 41,  /* id u32, packet id u16: PUBCOMP came */
    RECORD_GROUP = 42,     /* id u32, filter ($share/NAME/FILTER): a shared subscription with a queue of that id */
    RECORD_GROUP_END = 43, /* id u32 */

    /* shard/ */
    RECORD_SHARD = 64,       /* counters that may never go back: next id u32, stamp u64 */
    RECORD_RECEIPT = 65,     /* receipt: another shard's QoS 2 publication was taken in here */
    RECORD_RECEIPT_END = 66, /* receipt: its shard has forgotten it; packet id 0: all of the session's */

    /* catalog/: durable things only (catalog/record.c) */
    RECORD_VHOST = 96,
    RECORD_VHOST_END = 97,
    RECORD_XCHG = 98,
    RECORD_XCHG_END = 99,
    RECORD_MQ = 100, /* the ids of its queues too */
    RECORD_MQ_END = 101,
    RECORD_BIND = 102,
    RECORD_UNBIND = 103,
    RECORD_POLICY = 104,
    RECORD_POLICY_END = 105,
};

struct envelope;

/* ---- RECORD_PUBLISH and RECORD_MOVE ------------------------------------------------------------------------
 *
 *   u8 flags       1 a receipt, 2 one target, 0x80 set
 *   if a receipt   u32 session, u16 packet id, u8 shard: whose QoS 2 this took in, and where that session lives
 *   unless one     targets
 *   targets x      queue * 2 + (1 if it has a meta), seq, meta if it has one: else it is RECORD_META_PLAIN
 *   envelope
 *
 * The numbers without a size are LEB128.  Version 1 of the log, which is only read, has no flags; its first byte, the
 * highest of a session's id, is below 0x80:
 *
 *   u32 session (0: no receipt), u16 packet id, u8 shard
 *   u16 targets
 *   targets x (u32 queue, u64 seq, u32 meta)
 *   envelope */

struct record_target {
    uint32_t queue;
    uint64_t seq;
    uint32_t meta;
};
enum {
    RECORD_META_PLAIN = 1 << 28, /* QoS 1 and nothing else (entry_meta_pack) */
    RECORD_PUBLISH_HEAD_BYTES_MAX = 1 + 7 + 3,
    RECORD_TARGET_BYTES_MAX = 5 + LEB128_BYTES_MAX + 5,
    RECORD_TARGETS_MAX = UINT16_MAX,
};

static inline size_t
record_publish_head_bytes_max(uint32_t targets)
{
    return RECORD_PUBLISH_HEAD_BYTES_MAX + (size_t)targets * RECORD_TARGET_BYTES_MAX;
}
/* A QoS 2 publication that was taken in: under which packet id, from which session, of which shard. */
struct receipt {
    uint32_t session; /* 0: none */
    uint16_t packet_id;
    uint8_t shard;
};
enum { RECEIPT_BYTES = 7 };
void record_put_receipt(struct pen *pen, const struct receipt *receipt);
struct receipt record_take_receipt(struct cursor *c);

void record_publish_begin(struct pen *pen, const struct receipt *receipt, uint32_t targets);
void record_put_target(struct pen *pen, struct record_target target);

struct record_publish {
    struct receipt receipt;
    uint16_t targets;
    bool version_1;
    struct cursor list; /* of the targets, for record_target_next */
};
/* 0 or what envelope_parse says. */
int record_publish_parse(struct view record, struct record_publish *ret, struct envelope *retenv);
bool record_target_next(struct record_publish *publish, struct record_target *ret);
/* The envelope's bytes alone, for copying; empty when the record is damaged. */
struct view record_envelope(struct view record);

/* Whose RECORD_PAGE it is; 0: it is damaged.  Its form: queue/image.c. */
enum { PAGE_SHORT_FORM = 0x80 };
uint32_t record_page_queue(struct view record);

#endif
