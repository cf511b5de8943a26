#include "io/sim/disk.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"

#define SPACE_NO_LIMIT (UINT64_C(1) << 50)

/* A path that is there. */
struct name {
    struct list link;
    struct sim_file *file;
    char path[];
};

/* What one directory operation does to one path; NULL is "no such name". */
struct renaming {
    char *path;
    struct sim_file *before, *after;
};

/* One directory operation that is not saved. */
struct entry {
    struct list link;
    unsigned count;
    struct renaming of[2];
};

/* ---- paths -------------------------------------------------------------------------------------------------- */

/* Without a slash at the end. */
static struct view
path_view(const char *path)
{
    struct view v = view_str(path);
    while (v.len > 1 && v.data[v.len - 1] == '/')
        v.len--;
    return v;
}

static struct view
parent_of(struct view path)
{
    size_t n = path.len;
    while (n > 0 && path.data[n - 1] != '/')
        n--;
    if (n == 0)
        return view_str(".");
    return n == 1 ? view_str("/") : view_of(path.data, n - 1);
}

static bool
is_root(struct view path)
{
    return view_is(path, ".") || view_is(path, "/");
}

static int
compare(struct view a, struct view b)
{
    int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static char *
path_copy(struct sim_disk *disk, struct view path)
{
    char *copy = sim_sure(mem_raw(disk->mem, path.len + 1));
    memcpy(copy, path.data, path.len);
    copy[path.len] = '\0';
    return copy;
}

/* ---- names -------------------------------------------------------------------------------------------------- */

/* The first name at or behind `path`; the head of the list when there is none. */
static struct list *
name_place(const struct sim_disk *disk, struct view path)
{
    LIST_EACH(&disk->names, it) {
        if (compare(view_str(container_of(it, struct name, link)->path), path) >= 0)
            return it;
    }
    return (struct list *)&disk->names;
}

static struct sim_file *
find(const struct sim_disk *disk, struct view path)
{
    struct list *place = name_place(disk, path);
    if (place == &disk->names)
        return NULL;
    struct name *name = container_of(place, struct name, link);
    return view_equal(view_str(name->path), path) ? name->file : NULL;
}

static bool
is_directory(const struct sim_disk *disk, struct view path)
{
    const struct sim_file *file = find(disk, path);
    return is_root(path) || (file != NULL && file->is_directory);
}

static void
name_cut(struct sim_disk *disk, struct name *name)
{
    list_cut(&name->link);
    sim_file_unref(name->file);
    mem_free(disk->mem, name);
}

/* Makes `path` name `file` (NULL: nothing). */
static void
set_name(struct sim_disk *disk, const char *path, struct sim_file *file)
{
    struct view v = view_str(path);
    struct list *place = name_place(disk, v);
    struct name *old = place == &disk->names ? NULL : container_of(place, struct name, link);
    if (file != NULL) {
        struct name *name = sim_sure(mem_new(disk->mem, sizeof(*name) + v.len + 1));
        memcpy(name->path, path, v.len + 1);
        name->file = sim_file_ref(file);
        list_init(&name->link);
        list_push(place, &name->link);
    }
    if (old != NULL && view_is(v, old->path))
        name_cut(disk, old);
}

/* ---- the journal -------------------------------------------------------------------------------------------- */

static void
entry_add(struct sim_disk *disk, struct entry *entry, struct view path, struct sim_file *after)
{
    struct renaming *it = &entry->of[entry->count++];
    struct sim_file *before = find(disk, path);
    it->path = path_copy(disk, path);
    it->before = before == NULL ? NULL : sim_file_ref(before);
    it->after = after == NULL ? NULL : sim_file_ref(after);
}

static void
entry_free(struct sim_disk *disk, struct entry *entry)
{
    list_cut(&entry->link);
    for (unsigned i = 0; i < entry->count; i++) {
        mem_free(disk->mem, entry->of[i].path);
        sim_file_unref(entry->of[i].before);
        sim_file_unref(entry->of[i].after);
    }
    mem_free(disk->mem, entry);
}

static void
entry_undo(struct sim_disk *disk, struct entry *entry)
{
    for (unsigned i = entry->count; i-- > 0;)
        set_name(disk, entry->of[i].path, entry->of[i].before);
}

static struct entry *
entry_new(struct sim_disk *disk)
{
    struct entry *entry = sim_sure(MEM_NEW(disk->mem, struct entry));
    list_init(&entry->link);
    list_push(&disk->journal, &entry->link);
    return entry;
}

static void
entry_apply(struct sim_disk *disk, struct entry *entry)
{
    for (unsigned i = 0; i < entry->count; i++)
        set_name(disk, entry->of[i].path, entry->of[i].after);
}

static void
change_name(struct sim_disk *disk, struct view path, struct sim_file *after)
{
    struct entry *entry = entry_new(disk);
    entry_add(disk, entry, path, after);
    entry_apply(disk, entry);
}

static bool
concerns(const struct entry *entry, struct view directory)
{
    for (unsigned i = 0; i < entry->count; i++)
        if (view_equal(parent_of(view_str(entry->of[i].path)), directory))
            return true;
    return false;
}

int
sim_disk_sync_dir(struct sim_disk *disk, const char *path)
{
    struct view directory = path_view(path);
    if (!is_directory(disk, directory))
        return -ERR_NOT_FOUND;
    struct list *last = disk->journal.prev;
    while (last != &disk->journal && !concerns(container_of(last, struct entry, link), directory))
        last = last->prev;
    if (last == &disk->journal)
        return 0;
    struct list *stop = last->next;
    while (disk->journal.next != stop)
        entry_free(disk, container_of(disk->journal.next, struct entry, link));
    return 0;
}

/* ---- operations --------------------------------------------------------------------------------------------- */

struct sim_file *
sim_disk_find(const struct sim_disk *disk, const char *path)
{
    return find(disk, path_view(path));
}

struct sim_file *
sim_disk_file(const struct sim_disk *disk, int64_t handle)
{
    if (handle < 1 || (uint64_t)handle > disk->handle_count)
        return NULL;
    return disk->handles[handle - 1].file;
}

static int64_t
handle_new(struct sim_disk *disk, struct sim_file *file, bool read_only)
{
    size_t i = 0;
    while (i < disk->handle_count && disk->handles[i].file != NULL)
        i++;
    if (i == disk->handle_count) {
        size_t count = i == 0 ? 16 : i * 2;
        disk->handles = sim_sure(mem_grow(disk->mem, disk->handles, count * sizeof(*disk->handles)));
        memset(disk->handles + i, 0, (count - i) * sizeof(*disk->handles));
        disk->handle_count = count;
    }
    disk->handles[i] = (struct sim_handle){ .file = sim_file_ref(file), .read_only = read_only };
    return (int64_t)i + 1;
}

bool
sim_disk_creates(const struct sim_disk *disk, const char *path, unsigned flags)
{
    return (flags & IO_FLAG_CREATE) != 0 && sim_disk_find(disk, path) == NULL;
}

int64_t
sim_disk_open(struct sim_disk *disk, const char *path, unsigned flags)
{
    struct view v = path_view(path);
    struct sim_file *file = find(disk, v);
    if (file != NULL && (flags & IO_FLAG_CREATE) != 0 && (flags & IO_FLAG_EXCLUSIVE) != 0)
        return -ERR_EXISTS;
    if (is_directory(disk, v))
        return -ERR_INVALID;
    if (file == NULL) {
        if ((flags & IO_FLAG_CREATE) == 0 || !is_directory(disk, parent_of(v)))
            return -ERR_NOT_FOUND;
        file = sim_file_new(disk->mem, &disk->space_used);
        change_name(disk, v, file);
        sim_file_unref(file);
    }
    return handle_new(disk, file, (flags & IO_FLAG_READ_ONLY) != 0);
}

int
sim_disk_close(struct sim_disk *disk, int64_t handle)
{
    struct sim_file *file = sim_disk_file(disk, handle);
    if (file == NULL)
        return -ERR_INVALID;
    if (file->locked_by == handle)
        file->locked_by = 0;
    disk->handles[handle - 1].file = NULL;
    sim_file_unref(file);
    return 0;
}

int
sim_disk_rename(struct sim_disk *disk, const char *path, const char *path2)
{
    struct view from = path_view(path), to = path_view(path2);
    struct sim_file *file = find(disk, from);
    if (file == NULL || !is_directory(disk, parent_of(to)))
        return -ERR_NOT_FOUND;
    if (file->is_directory || is_directory(disk, to))
        return -ERR_INVALID;
    if (view_equal(from, to))
        return 0;
    struct entry *entry = entry_new(disk);
    entry_add(disk, entry, from, NULL);
    entry_add(disk, entry, to, file);
    entry_apply(disk, entry);
    return 0;
}

int
sim_disk_unlink(struct sim_disk *disk, const char *path)
{
    struct view v = path_view(path);
    struct sim_file *file = find(disk, v);
    if (file == NULL)
        return -ERR_NOT_FOUND;
    if (file->is_directory)
        return -ERR_INVALID;
    change_name(disk, v, NULL);
    return 0;
}

int
sim_disk_mkdir(struct sim_disk *disk, const char *path)
{
    struct view v = path_view(path);
    if (is_directory(disk, v))
        return 0;
    if (find(disk, v) != NULL)
        return -ERR_EXISTS;
    if (!is_directory(disk, parent_of(v)))
        return -ERR_NOT_FOUND;
    struct sim_file *file = sim_file_new(disk->mem, &disk->space_used);
    file->is_directory = true;
    change_name(disk, v, file);
    sim_file_unref(file);
    return 0;
}

int
sim_disk_lock(struct sim_disk *disk, int64_t handle)
{
    struct sim_file *file = sim_disk_file(disk, handle);
    if (file == NULL)
        return -ERR_INVALID;
    if (file->locked_by != 0 && file->locked_by != handle)
        return -ERR_BUSY;
    file->locked_by = handle;
    return 0;
}

int
sim_disk_list(const struct sim_disk *disk, const char *path, io_name_fn *fn, void *arg)
{
    struct view directory = path_view(path);
    if (!is_directory(disk, directory))
        return -ERR_NOT_FOUND;
    LIST_EACH(&disk->names, it) {
        const char *name = container_of(it, struct name, link)->path;
        const char *slash = strrchr(name, '/');
        if (view_equal(parent_of(view_str(name)), directory))
            fn(arg, slash == NULL ? name : slash + 1);
    }
    return 0;
}

int
sim_disk_writable(const struct sim_disk *disk, int64_t handle)
{
    if (sim_disk_file(disk, handle) == NULL)
        return -ERR_INVALID;
    return disk->handles[handle - 1].read_only ? -ERR_DENIED : 0;
}

uint64_t
sim_disk_space(const struct sim_disk *disk)
{
    if (disk->space_max == 0)
        return SPACE_NO_LIMIT;
    return disk->space_used < disk->space_max ? disk->space_max - disk->space_used : 0;
}

/* ---- from empty to cut -------------------------------------------------------------------------------------- */

void
sim_disk_init(struct sim_disk *disk, struct mem *mem, uint64_t space_max)
{
    *disk = (struct sim_disk){ .mem = mem, .space_max = space_max };
    list_init(&disk->names);
    list_init(&disk->journal);
}

void
sim_disk_close_all(struct sim_disk *disk)
{
    for (size_t i = 0; i < disk->handle_count; i++)
        if (disk->handles[i].file != NULL)
            sim_disk_close(disk, (int64_t)i + 1);
}

static void
journal_clear(struct sim_disk *disk)
{
    LIST_EACH(&disk->journal, it)
        entry_free(disk, container_of(it, struct entry, link));
}

void
sim_disk_fini(struct sim_disk *disk)
{
    sim_disk_close_all(disk);
    journal_clear(disk);
    LIST_EACH(&disk->names, it)
        name_cut(disk, container_of(it, struct name, link));
    mem_free(disk->mem, disk->handles);
}

static void
cut_journal(struct sim_disk *disk, struct prng *chance)
{
    size_t count = 0;
    LIST_EACH(&disk->journal, it)
        count++;
    for (size_t lost = prng_below(chance, count + 1); lost > 0; lost--) {
        struct entry *entry = container_of(disk->journal.prev, struct entry, link);
        entry_undo(disk, entry);
        entry_free(disk, entry);
    }
    journal_clear(disk);
}

void
sim_disk_cut(struct sim_disk *disk, struct prng *chance)
{
    sim_disk_close_all(disk);
    cut_journal(disk, chance);
    LIST_EACH(&disk->names, it)
        sim_file_cut(container_of(it, struct name, link)->file, chance);
}
