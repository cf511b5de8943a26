/* queue/page_record.h - RECORD_PAGE: the entries of a page that left memory.  Pure. */
#ifndef TAMBO_QUEUE_PAGE_RECORD_H
#define TAMBO_QUEUE_PAGE_RECORD_H

#include "queue/inner.h"
#include "queue/record.h"

enum {
    PAGE_RECORD_ENTRY_BYTES_MAX = 5 + LEB128_BYTES_MAX + 5 + 5 + LEB128_BYTES_MAX,
    PAGE_RECORD_BYTES_MAX = 1 + 5 + LEB128_BYTES_MAX + PAGE_ENTRIES / 8 + PAGE_ENTRIES * PAGE_RECORD_ENTRY_BYTES_MAX,
};

/* What a record says: of those entries only that live. */
struct image {
    uint8_t live[PAGE_ENTRIES / 8];
    struct entry entries[PAGE_ENTRIES];
    uint64_t expires_ms[PAGE_ENTRIES]; /* 0: never */
};

static inline bool
image_has(const struct image *image, unsigned i)
{
    return image->live[i / 8] >> (i % 8) & 1;
}

/* Into `room` of PAGE_RECORD_BYTES_MAX. */
struct view page_record_draw(uint32_t queue, uint64_t no, const struct image *image, uint8_t *room);
/* 0, or -ERR_DAMAGED: also when it is of another queue or page. */
int page_record_parse(uint32_t queue, uint64_t no, struct view record, struct image *ret);
/* The sequence number that its page begins with; 0: it is damaged. */
uint64_t page_record_first(struct view record);

#endif
