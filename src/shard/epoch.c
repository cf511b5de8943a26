#include "shard/epoch.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"

enum { MARKS_MAX = 256 };

static size_t
stride(const struct marks *marks)
{
    return sizeof(struct mark) + marks->shards * sizeof(uint64_t);
}

static struct mark *
at(const struct marks *marks, uint32_t i)
{
    return (struct mark *)(void *)(marks->ring + (marks->first + i) % MARKS_MAX * stride(marks));
}

int
marks_init(struct marks *marks, struct mem *mem, unsigned shards)
{
    *marks = (struct marks){ .mem = mem, .shards = shards };
    marks->ring = mem_new(mem, MARKS_MAX * stride(marks));
    return marks->ring == NULL ? -ERR_NO_MEMORY : 0;
}

void
marks_fini(struct marks *marks)
{
    mem_free(marks->mem, marks->ring);
    marks->ring = NULL;
}

/* Nothing new since the last mark: its turn may as well stand for this one. */
static bool
same(const struct marks *marks, const struct mark *m, uint64_t position, const uint64_t *numbers)
{
    return m->position == position && memcmp(m->numbers, numbers, marks->shards * sizeof(*numbers)) == 0;
}

void
marks_push(struct marks *marks, uint64_t epoch, uint64_t position, const uint64_t *numbers)
{
    struct mark *last = marks->count == 0 ? NULL : at(marks, marks->count - 1);
    bool fold = last != NULL && (marks->count == MARKS_MAX || same(marks, last, position, numbers));
    struct mark *m = fold ? last : at(marks, marks->count++);
    m->epoch = epoch;
    m->position = position;
    memcpy(m->numbers, numbers, marks->shards * sizeof(*numbers));
}

const struct mark *
marks_first(const struct marks *marks)
{
    return marks->count == 0 ? NULL : at(marks, 0);
}

const struct mark *
marks_upto(const struct marks *marks, uint64_t position)
{
    uint32_t n = 0;
    while (n < marks->count && at(marks, n)->position <= position)
        n++;
    return n == 0 ? NULL : at(marks, n - 1);
}

void
marks_pop(struct marks *marks)
{
    must(marks->count > 0);
    marks->first = (marks->first + 1) % MARKS_MAX;
    marks->count--;
}
