#include "conformance/guard.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/must.h"

static size_t
page(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

void
guard_init(struct guard *guard, size_t bytes_max)
{
    size_t room = (bytes_max + page() - 1) / page() * page();
    guard->base = mmap(NULL, room + page(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(guard->base != MAP_FAILED);
    guard->end = guard->base + room;
    must(mprotect(guard->end, page(), PROT_NONE) == 0);
}

void
guard_fini(struct guard *guard)
{
    must(munmap(guard->base, (size_t)(guard->end - guard->base) + page()) == 0);
}

struct view
guard_place(const struct guard *guard, struct view v)
{
    must(v.len <= (size_t)(guard->end - guard->base));
    uint8_t *at = guard->end - v.len;
    if (v.len > 0)
        memcpy(at, v.data, v.len);
    return view_of(at, v.len);
}
