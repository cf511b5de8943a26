/* io/sim/file.h - the bytes of one simulated file: what the system shows, and what a power cut may leave of it.
 *
 * Contents are pages; a missing page is zeros.  What was not synced is a list of changes, oldest first, each of which
 * keeps the pages as they were before it (copy on write).  So a sync costs nothing but freeing them, and a power cut
 * swaps the old pages back in, newest change first, and then does again whatever chance lets survive, sector by
 * sector. */
#ifndef TAMBO_IO_SIM_FILE_H
#define TAMBO_IO_SIM_FILE_H

#include <stdbool.h>

#include "base/list.h"
#include "base/must.h"
#include "base/prng.h"
#include "base/view.h"

struct mem;

enum { SIM_PAGE_BYTES = 4096, SIM_SECTOR_BYTES = 512 };

/* The world's memory does not run out (sim.h). */
static inline void *
sim_sure(void *block)
{
    must(block != NULL);
    return block;
}

struct sim_file {
    struct mem *mem;
    unsigned refs; /* names, handles, and directory operations that a power cut may undo */
    bool is_directory;
    int64_t locked_by; /* a handle; 0: none */
    uint64_t size;
    uint64_t *space_used; /* of its disk: counts every file's size */
    uint8_t **pages;
    size_t page_room;
    struct list changes;
    uint64_t change_count; /* ever */
};

/* With one reference. */
struct sim_file *sim_file_new(struct mem *mem, uint64_t *space_used);
struct sim_file *sim_file_ref(struct sim_file *file);
/* NULL is fine. */
void sim_file_unref(struct sim_file *file);

void sim_file_write(struct sim_file *file, uint64_t offset, const struct view *views, size_t n);
/* As sim_file_write, and a power cut now will find it torn. */
void sim_file_tear(struct sim_file *file, uint64_t offset, const struct view *views, size_t n);
void sim_file_resize(struct sim_file *file, uint64_t size);
/* Bytes read: fewer than `n` at the end of the file. */
size_t sim_file_read(const struct sim_file *file, uint64_t offset, void *ret, size_t n);
/* Damage on the medium: no change that a power cut would undo.  `bit` lies inside the file. */
void sim_file_flip(struct sim_file *file, uint64_t bit);

/* A sync covers the changes that were there when it began: mark then, and save or lose when it ends. */
uint64_t sim_file_mark(const struct sim_file *file);
void sim_file_save(struct sim_file *file, uint64_t mark);
/* The sync failed: the system shows these changes still, but no later sync will save them. */
void sim_file_lose(struct sim_file *file, uint64_t mark);
bool sim_file_is_saved(const struct sim_file *file);

/* Power is cut: each change that is not saved is kept, torn or lost. */
void sim_file_cut(struct sim_file *file, struct prng *chance);

#endif
