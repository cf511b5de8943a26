#include "io/sim/file.h"

#include "base/mem.h"
#include "base/must.h"

enum state { DIRTY, SAVED, FAILED, TEARING };
enum fate { LOST, TORN, KEPT };

struct change {
    struct list link;
    uint64_t number;
    enum state state;
    uint64_t offset, len; /* what was written; len is 0 when only the size changed */
    uint64_t size_before, size_after;
    uint64_t page_first, page_count;
    uint8_t *pages[]; /* as they were before it; after it, once it is undone */
};

/* ---- pages -------------------------------------------------------------------------------------------------- */

static uint64_t
pages_of(uint64_t bytes)
{
    return (bytes + SIM_PAGE_BYTES - 1) / SIM_PAGE_BYTES;
}

static void
set_size(struct sim_file *file, uint64_t size)
{
    *file->space_used = *file->space_used - file->size + size;
    file->size = size;
}

static void
reserve_pages(struct sim_file *file, uint64_t count)
{
    if (count <= file->page_room)
        return;
    size_t room = file->page_room * 2 > count ? file->page_room * 2 : (size_t)count;
    file->pages = sim_sure(mem_grow(file->mem, file->pages, room * sizeof(*file->pages)));
    memset(file->pages + file->page_room, 0, (room - file->page_room) * sizeof(*file->pages));
    file->page_room = room;
}

static uint8_t *
page_to_write(struct sim_file *file, uint64_t i)
{
    reserve_pages(file, i + 1);
    if (file->pages[i] == NULL)
        file->pages[i] = sim_sure(mem_new(file->mem, SIM_PAGE_BYTES));
    return file->pages[i];
}

/* A page that starts as `old` does (NULL: as zeros). */
static uint8_t *
page_like(struct sim_file *file, const uint8_t *old)
{
    if (old == NULL)
        return sim_sure(mem_new(file->mem, SIM_PAGE_BYTES));
    uint8_t *page = sim_sure(mem_raw(file->mem, SIM_PAGE_BYTES));
    memcpy(page, old, SIM_PAGE_BYTES);
    return page;
}

/* ---- the file ----------------------------------------------------------------------------------------------- */

struct sim_file *
sim_file_new(struct mem *mem, uint64_t *space_used)
{
    struct sim_file *file = sim_sure(MEM_NEW(mem, struct sim_file));
    file->mem = mem;
    file->refs = 1;
    file->space_used = space_used;
    list_init(&file->changes);
    return file;
}

struct sim_file *
sim_file_ref(struct sim_file *file)
{
    file->refs++;
    return file;
}

static void
change_free(struct sim_file *file, struct change *change)
{
    list_cut(&change->link);
    for (uint64_t i = 0; i < change->page_count; i++)
        mem_free(file->mem, change->pages[i]);
    mem_free(file->mem, change);
}

void
sim_file_unref(struct sim_file *file)
{
    if (file == NULL || --file->refs > 0)
        return;
    LIST_EACH(&file->changes, it)
        change_free(file, container_of(it, struct change, link));
    set_size(file, 0);
    for (size_t i = 0; i < file->page_room; i++)
        mem_free(file->mem, file->pages[i]);
    mem_free(file->mem, file->pages);
    mem_free(file->mem, file);
}

/* Moves `count` pages out of the file into a new change. */
static struct change *
change_new(struct sim_file *file, uint64_t page_first, uint64_t page_count)
{
    struct change *change = sim_sure(mem_new(file->mem, sizeof(*change) + page_count * sizeof(change->pages[0])));
    list_init(&change->link);
    list_push(&file->changes, &change->link);
    change->number = ++file->change_count;
    change->size_before = file->size;
    change->page_first = page_first;
    change->page_count = page_count;
    reserve_pages(file, page_first + page_count);
    for (uint64_t i = 0; i < page_count; i++) {
        change->pages[i] = file->pages[page_first + i];
        file->pages[page_first + i] = NULL;
    }
    return change;
}

/* Copies `bytes` into pages that are there. */
static void
fill(struct sim_file *file, uint64_t offset, struct view bytes)
{
    while (bytes.len > 0) {
        size_t at = offset % SIM_PAGE_BYTES;
        size_t n = bytes.len < SIM_PAGE_BYTES - at ? bytes.len : SIM_PAGE_BYTES - at;
        memcpy(file->pages[offset / SIM_PAGE_BYTES] + at, bytes.data, n);
        bytes = view_from(bytes, n);
        offset += n;
    }
}

static struct change *
put_change(struct sim_file *file, uint64_t offset, const struct view *views, size_t n)
{
    uint64_t len = 0;
    for (size_t i = 0; i < n; i++)
        len += views[i].len;
    if (len == 0)
        return NULL;

    uint64_t first = offset / SIM_PAGE_BYTES;
    struct change *change = change_new(file, first, pages_of(offset + len) - first);
    for (uint64_t i = 0; i < change->page_count; i++)
        file->pages[first + i] = page_like(file, change->pages[i]);
    change->offset = offset;
    change->len = len;
    for (size_t i = 0; i < n; offset += views[i++].len)
        fill(file, offset, views[i]);
    if (offset > file->size)
        set_size(file, offset);
    change->size_after = file->size;
    return change;
}

void
sim_file_write(struct sim_file *file, uint64_t offset, const struct view *views, size_t n)
{
    put_change(file, offset, views, n);
}

void
sim_file_tear(struct sim_file *file, uint64_t offset, const struct view *views, size_t n)
{
    struct change *change = put_change(file, offset, views, n);
    if (change != NULL)
        change->state = TEARING;
}

/* What lies behind a new end is zeros, should the file grow again. */
static void
zero_behind(struct sim_file *file, uint64_t size)
{
    size_t at = size % SIM_PAGE_BYTES;
    uint64_t i = size / SIM_PAGE_BYTES;
    if (at > 0 && i < file->page_room && file->pages[i] != NULL)
        memset(file->pages[i] + at, 0, SIM_PAGE_BYTES - at);
}

void
sim_file_resize(struct sim_file *file, uint64_t size)
{
    if (size == file->size)
        return;
    uint64_t first = size / SIM_PAGE_BYTES;
    uint64_t cut = size < file->size && first < file->page_room ? file->page_room - first : 0;
    struct change *change = change_new(file, cut > 0 ? first : 0, cut);
    if (cut > 0 && change->pages[0] != NULL && size % SIM_PAGE_BYTES > 0)
        file->pages[first] = page_like(file, change->pages[0]);
    zero_behind(file, size);
    set_size(file, size);
    change->size_after = size;
}

size_t
sim_file_read(const struct sim_file *file, uint64_t offset, void *ret, size_t n)
{
    if (offset >= file->size)
        return 0;
    if (n > file->size - offset)
        n = (size_t)(file->size - offset);
    for (size_t done = 0; done < n;) {
        uint64_t i = (offset + done) / SIM_PAGE_BYTES;
        size_t at = (offset + done) % SIM_PAGE_BYTES;
        size_t part = n - done < SIM_PAGE_BYTES - at ? n - done : SIM_PAGE_BYTES - at;
        const uint8_t *page = i < file->page_room ? file->pages[i] : NULL;
        if (page == NULL)
            memset((uint8_t *)ret + done, 0, part);
        else
            memcpy((uint8_t *)ret + done, page + at, part);
        done += part;
    }
    return n;
}

void
sim_file_flip(struct sim_file *file, uint64_t bit)
{
    must(bit / 8 < file->size);
    uint8_t *page = page_to_write(file, bit / 8 / SIM_PAGE_BYTES);
    page[bit / 8 % SIM_PAGE_BYTES] ^= (uint8_t)(1u << bit % 8);
}

/* ---- syncing ------------------------------------------------------------------------------------------------ */

uint64_t
sim_file_mark(const struct sim_file *file)
{
    return file->change_count;
}

/* A change that is saved stays in the list while an older one is not: undoing goes through both. */
static void
forget_saved(struct sim_file *file)
{
    LIST_EACH(&file->changes, it) {
        struct change *change = container_of(it, struct change, link);
        if (change->state != SAVED)
            return;
        change_free(file, change);
    }
}

static void
sync_to(struct sim_file *file, uint64_t mark, enum state state)
{
    LIST_EACH(&file->changes, it) {
        struct change *change = container_of(it, struct change, link);
        if (change->number <= mark && change->state == DIRTY)
            change->state = state;
    }
    forget_saved(file);
}

void
sim_file_save(struct sim_file *file, uint64_t mark)
{
    sync_to(file, mark, SAVED);
}

void
sim_file_lose(struct sim_file *file, uint64_t mark)
{
    sync_to(file, mark, FAILED);
}

bool
sim_file_is_saved(const struct sim_file *file)
{
    return list_empty(&file->changes);
}

/* ---- power cut ---------------------------------------------------------------------------------------------- */

static void
undo(struct sim_file *file, struct change *change)
{
    for (uint64_t i = 0; i < change->page_count; i++) {
        uint8_t *before = change->pages[i];
        change->pages[i] = file->pages[change->page_first + i];
        file->pages[change->page_first + i] = before;
    }
    set_size(file, change->size_before);
}

/* The part of the change's sector that it wrote; returns where that part ends. */
static uint64_t
redo_sector(struct sim_file *file, const struct change *change, uint64_t sector)
{
    uint64_t from = sector * SIM_SECTOR_BYTES, end = from + SIM_SECTOR_BYTES;
    if (from < change->offset)
        from = change->offset;
    if (end > change->offset + change->len)
        end = change->offset + change->len;
    uint64_t i = from / SIM_PAGE_BYTES;
    memcpy(page_to_write(file, i) + from % SIM_PAGE_BYTES,
           change->pages[i - change->page_first] + from % SIM_PAGE_BYTES, end - from);
    return end;
}

/* Torn: a run of sectors from the front, or any of them.  The size may be that of the whole write all the same. */
static void
redo_write(struct sim_file *file, const struct change *change, enum fate fate, struct prng *chance)
{
    uint64_t first = change->offset / SIM_SECTOR_BYTES;
    uint64_t last = (change->offset + change->len - 1) / SIM_SECTOR_BYTES;
    uint64_t stop = last + 1;
    bool any = false;
    if (fate == TORN) {
        any = prng_once_in(chance, 2);
        stop = any ? stop : first + prng_below(chance, last - first + 1);
    }
    uint64_t size = fate == TORN && prng_once_in(chance, 2) ? change->size_after : file->size;
    for (uint64_t sector = first; sector < stop; sector++) {
        if (any && prng_once_in(chance, 2))
            continue;
        uint64_t end = redo_sector(file, change, sector);
        size = end > size ? end : size;
    }
    if (size > file->size)
        set_size(file, size);
}

static void
redo_resize(struct sim_file *file, uint64_t size)
{
    for (uint64_t i = pages_of(size); i < file->page_room; i++) {
        mem_free(file->mem, file->pages[i]);
        file->pages[i] = NULL;
    }
    zero_behind(file, size);
    set_size(file, size);
}

static void
redo(struct sim_file *file, const struct change *change, enum fate fate, struct prng *chance)
{
    if (fate == LOST)
        return;
    if (change->len > 0)
        redo_write(file, change, fate, chance);
    else if (fate == KEPT)
        redo_resize(file, change->size_after);
}

/* The mood of one file's cut: nothing was written back, everything was, all until some moment, or this and that. */
enum mood_kind { NOTHING, EVERYTHING, UNTIL, ANYTHING, MOODS };

struct mood {
    enum mood_kind kind;
    uint64_t until;
};

static enum fate
fate_of(const struct change *change, struct mood mood, struct prng *chance)
{
    if (change->state == SAVED)
        return KEPT;
    if (change->state == TEARING)
        return TORN;
    if (change->state == FAILED || mood.kind == ANYTHING)
        return (enum fate)prng_below(chance, KEPT + 1);
    if (mood.kind == UNTIL)
        return change->number < mood.until ? KEPT : change->number == mood.until ? TORN : LOST;
    return mood.kind == EVERYTHING ? KEPT : LOST;
}

void
sim_file_cut(struct sim_file *file, struct prng *chance)
{
    if (list_empty(&file->changes))
        return;
    uint64_t oldest = container_of(file->changes.next, struct change, link)->number;
    struct mood mood = {
        .kind = (enum mood_kind)prng_below(chance, MOODS),
        .until = oldest + prng_below(chance, file->change_count - oldest + 1),
    };
    for (struct list *it = file->changes.prev; it != &file->changes; it = it->prev)
        undo(file, container_of(it, struct change, link));
    LIST_EACH(&file->changes, it) {
        struct change *change = container_of(it, struct change, link);
        redo(file, change, fate_of(change, mood, chance), chance);
        change_free(file, change);
    }
}
