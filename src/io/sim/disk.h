/* io/sim/disk.h - the disk of one simulated machine: names, files, handles, room.
 *
 * Names are whole paths.  Every change of them is one entry in a journal; IO_SYNC_DIR of a directory saves the journal
 * up to its last entry that concerns this directory, and a power cut keeps any prefix of what is left.  All calls take
 * effect at once: time, faults and crash points are added by job.c. */
#ifndef TAMBO_IO_SIM_DISK_H
#define TAMBO_IO_SIM_DISK_H

#include "io/io.h"
#include "io/sim/file.h"

struct sim_handle {
    struct sim_file *file; /* NULL: free */
    bool read_only;
};

struct sim_disk {
    struct mem *mem;
    struct list names;   /* struct name, in byte order */
    struct list journal; /* struct entry, oldest first */
    struct sim_handle *handles;
    size_t handle_count;
    uint64_t space_used, space_max; /* space_max 0: no limit */
};

void sim_disk_init(struct sim_disk *disk, struct mem *mem, uint64_t space_max);
void sim_disk_fini(struct sim_disk *disk);

/* The file behind a path or a handle; NULL when there is none. */
struct sim_file *sim_disk_find(const struct sim_disk *disk, const char *path);
struct sim_file *sim_disk_file(const struct sim_disk *disk, int64_t handle);

/* All return what io.h says of the job's rc. */
int64_t sim_disk_open(struct sim_disk *disk, const char *path, unsigned flags);
/* Would opening create the file? */
bool sim_disk_creates(const struct sim_disk *disk, const char *path, unsigned flags);
int sim_disk_close(struct sim_disk *disk, int64_t handle);
int sim_disk_rename(struct sim_disk *disk, const char *path, const char *path2);
int sim_disk_unlink(struct sim_disk *disk, const char *path);
int sim_disk_mkdir(struct sim_disk *disk, const char *path);
int sim_disk_sync_dir(struct sim_disk *disk, const char *path);
int sim_disk_lock(struct sim_disk *disk, int64_t handle);
int sim_disk_list(const struct sim_disk *disk, const char *path, io_name_fn *fn, void *arg);
/* 0, -ERR_DENIED or -ERR_INVALID: may this handle be written? */
int sim_disk_writable(const struct sim_disk *disk, int64_t handle);
uint64_t sim_disk_space(const struct sim_disk *disk);

/* The process is gone: its handles are closed. */
void sim_disk_close_all(struct sim_disk *disk);
/* Power is cut: handles closed, directory operations and writes kept or lost by chance. */
void sim_disk_cut(struct sim_disk *disk, struct prng *chance);

#endif
