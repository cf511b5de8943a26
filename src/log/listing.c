/* log/listing.c - what stands in a log's directory, and what the heads of its files say.  Blocking. */
#include <stdlib.h>

#include "log/internal.h"

int64_t
open_now(struct io *io, const char *path, unsigned flags)
{
    struct io_job job = { .op = IO_OPEN, .path = path, .flags = flags };
    int64_t rc = io_now(io, &job);
    return rc < 0 ? rc : job.file;
}

void
close_now(struct io *io, int64_t file)
{
    struct io_job job = { .op = IO_CLOSE, .file = file };
    if (file >= 0)
        (void)io_now(io, &job);
}

static int
add_number(struct mem *mem, struct numbers *numbers, uint32_t number)
{
    if (numbers->count == numbers->room) {
        size_t room = numbers->room == 0 ? 16 : numbers->room * 2;
        uint32_t *grown = mem_grow(mem, numbers->list, room * sizeof(uint32_t));
        if (grown == NULL)
            return -ERR_NO_MEMORY;
        numbers->list = grown;
        numbers->room = room;
    }
    numbers->list[numbers->count++] = number;
    return 0;
}

/* Ten digits each, so that the byte order of the names is the order of the numbers. */
static void
on_name(void *arg, const char *name)
{
    struct listing *listing = arg;
    uint32_t number;
    enum name_kind kind = name_parse(name, &number);
    if (kind != NAME_OTHER && listing->rc == 0)
        listing->rc = add_number(listing->mem, &listing->of[kind], number);
}

int
listing_read(struct io *io, const char *dir, struct listing *ret)
{
    *ret = (struct listing){ .mem = io_mem(io) };
    int rc = io_list(io, dir, on_name, ret);
    rc = rc < 0 ? rc : ret->rc;
    if (rc < 0)
        listing_fini(ret);
    return rc;
}

void
listing_fini(struct listing *listing)
{
    for (size_t i = 0; i < COUNT_OF(listing->of); i++) {
        mem_free(listing->mem, listing->of[i].list);
        listing->of[i] = (struct numbers){ 0 };
    }
}

static int64_t
size_now(struct io *io, int64_t file)
{
    struct io_job job = { .op = IO_SIZE, .file = file };
    return io_now(io, &job);
}

/* Short and unreadable files have zeros for a header, which is none. */
static void
read_page(struct io *io, int64_t file, uint8_t *page)
{
    struct io_job job = { .op = IO_READ, .file = file, .into = page, .len = SEGMENT_HEADER_BYTES };
    int64_t got = io_now(io, &job);
    size_t good = got < 0 ? 0 : (size_t)got;
    memset(page + good, 0, SEGMENT_HEADER_BYTES - good);
}

static int
look_into(struct io *io, int64_t file, struct segment *segment, uint32_t *retshard)
{
    uint8_t page[SEGMENT_HEADER_BYTES];
    struct segment_header header;
    int64_t size = size_now(io, file);
    if (size < 0)
        return (int)size;
    segment->size = segment->used = segment->limit = (uint64_t)size;
    read_page(io, file, page);
    int rc = segment_header_decode(page, segment->number, &header);
    segment->state = rc < 0 ? SEGMENT_LOST : SEGMENT_READY;
    if (rc < 0)
        return rc == -ERR_DAMAGED ? 0 : rc;
    segment->version = header.version;
    segment->epoch = header.epoch;
    segment->seed = segment_seed(header.epoch, header.number);
    segment->follows = header.follows;
    *retshard = header.shard;
    return 0;
}

int
segment_look(struct io *io, const char *dir, struct segment *segment, uint32_t *retshard)
{
    char path[PATH_BYTES];
    name_path(path, dir, NAME_SEGMENT, segment->number);
    int64_t file = open_now(io, path, IO_FLAG_READ_ONLY);
    if (file < 0)
        return (int)file;
    int rc = look_into(io, file, segment, retshard);
    close_now(io, file);
    return rc;
}

static void
limit_before(struct segment *const *segments, size_t later)
{
    uint64_t end = segments[later]->follows;
    for (size_t i = 0; i < later; i++) {
        struct segment *segment = segments[i];
        uint64_t limit = segment->limit;
        if (segment->number > position_segment(end))
            limit = 0;
        else if (segment->number == position_segment(end))
            limit = position_offset(end);
        if (limit >= segment->limit)
            continue;
        segment->limit = limit;
        segment->limited = true;
    }
}

void
segments_limit(struct segment *const *segments, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (segments[i]->state == SEGMENT_READY && segments[i]->follows != 0)
            limit_before(segments, i);
}
