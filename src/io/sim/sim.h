/* io/sim/sim.h - the simulator: any number of machines in one process, on virtual time, out of one seed.
 *
 * A machine has a disk, an address (its name) and, while a program runs on it, one or many `struct io` loops.  All of
 * io.h works on them, so whatever is built on io.h runs here unchanged; this header is for who sets the stage: tests,
 * checkers, `tambo sim`.
 *
 * Everything that happens is an event at a virtual time; events of one time happen in the order in which they were
 * caused.  Chance comes from the seed, by one generator a concern (the network; each machine's disk; each machine's
 * io_random), so that a change in one does not reshuffle the others.  The same seed and the same calls give the same
 * run: sim_hash() proves it.
 *
 * The world's own memory (files, wires, events) must not run out: give it a mem without a budget.  What a program's
 * loops allocate counts against the program's mem and may be refused like anywhere. */
#ifndef TAMBO_IO_SIM_SIM_H
#define TAMBO_IO_SIM_SIM_H

#include <stdbool.h>
#include <stdio.h>

#include "base/view.h"
#include "io/io.h"

struct sim;
struct sim_machine;

#define SIM_NS_A_US UINT64_C(1000)
#define SIM_NS_A_MS UINT64_C(1000000)
#define SIM_NS_A_S  UINT64_C(1000000000)

/* ---- what may go wrong by chance ---------------------------------------------------------------------------- */

/* `once_in` is the chance 1/n, 0 is never. */
struct sim_profile {
    const char *name;

    /* Between machines; within one machine a byte takes 10 us and is never lost. */
    uint64_t latency_ns_min, latency_ns_max; /* one way */
    uint64_t net_bytes_per_s;                /* a connection and direction; 0: no limit */
    uint64_t chunk_once_in;                  /* a write arrives cut at random places */
    uint64_t reset_once_in;                  /* a write breaks its connection: both sides see a reset */
    uint64_t mute_once_in;                   /* a write is the last that passes: silence in both directions */
    uint64_t refuse_once_in;                 /* a connect is refused */
    uint64_t letter_lost_once_in;            /* a datagram */
    uint64_t letter_twice_once_in;           /* it comes twice */
    uint64_t letter_late_once_in;            /* it takes longer */
    uint64_t letter_late_ns_max;             /* by so much at most */
    uint64_t partition_every_ns;             /* two machines lose each other about this often; 0: never */
    uint64_t partition_ns_max;               /* for at most so long */

    uint64_t disk_ns_min, disk_ns_max; /* any operation */
    uint64_t sync_ns_min, sync_ns_max; /* a sync */
    uint64_t disk_bytes_per_s;         /* a write or read; 0: no limit */
    uint64_t write_error_once_in;      /* -ERR_IO after a part was written */
    uint64_t read_error_once_in;       /* -ERR_IO */
    uint64_t sync_error_once_in;       /* -ERR_IO; what it should have saved is not saved by a later sync either */
    uint64_t rot_once_in;              /* a read finds a flipped bit in synced data, and so do all later ones */
    uint64_t disk_bytes_max;           /* capacity of a new machine's disk; 0: no limit */

    uint64_t turn_ns; /* what a turn of a loop costs */
};

/* calm, lossy, slow_disk, bad_disk, full_disk, chaos; NULL when there is no such profile. */
const struct sim_profile *sim_profile_find(const char *name);
/* The i-th of them, NULL after the last. */
const struct sim_profile *sim_profile_at(size_t i);

/* ---- the world ---------------------------------------------------------------------------------------------- */

/* `profile` stays the caller's and alive; NULL is calm.  0 or -ERR_NO_MEMORY. */
int sim_new(struct mem *mem, uint64_t seed, const struct sim_profile *profile, struct sim **ret);
/* Kills every program first (they are told). */
void sim_free(struct sim *sim);
/* From now on.  Disks keep their capacity. */
void sim_profile_set(struct sim *sim, const struct sim_profile *profile);

uint64_t sim_now(const struct sim *sim);
/* The next event: false when nothing is left that could ever happen. */
bool sim_step(struct sim *sim);
/* Steps until `done(arg)`; false when time passed `for_ns` from now or nothing is left.  `done` NULL: never.
 * When nothing is left, time still passes: sim_now() is then where it was to end. */
typedef bool sim_done_fn(void *arg);
bool sim_run_until(struct sim *sim, sim_done_fn *done, void *arg, uint64_t for_ns);
void sim_run_for(struct sim *sim, uint64_t for_ns);

/* A line for the transcript: "[  12.345678] text".  The newest lines are kept; all are in the hash. */
__attribute__((format(printf, 2, 3))) void sim_note(struct sim *sim, const char *format, ...);
/* Over all notes, all delivered bytes and all disk operations so far, with their times. */
uint64_t sim_hash(const struct sim *sim);
/* Prints the kept lines. */
void sim_transcript(const struct sim *sim, FILE *to);

/* ---- machines ----------------------------------------------------------------------------------------------- */

enum sim_death {
    SIM_EXIT,  /* the program stopped its root loop, or its start failed */
    SIM_KILL,  /* the process was killed: what it wrote is in its files, its streams are closed by the system */
    SIM_POWER, /* power was cut: what was not synced is lost, torn or kept; peers hear nothing */
};

/* What runs on a machine.
 *
 * Who frees what.  The root loop and every sibling belong to the world.  `start` is called in an event of its own at
 * each boot.  When the program dies, in whichever way, nothing of it is called any more but these two, in this order:
 * first the `release` of every reference that its outboxes held (all its objects are still there), then `died`, once
 * for each start.  In `died` the owner frees its own objects, with the same xxx_free functions as ever: the loops are
 * dead by then, every call of io.h on them, their streams and listeners does nothing and never calls back (io_submit
 * drops the job, io_now is -ERR_CANCELED, io_connect and io_listen are -ERR_CANCELED), and io_free() on one frees it.
 * Loops that are left after `died`, the world frees; `mem` must live until then. */
struct sim_program {
    /* 0, or -err: the program ended at once. */
    int (*start)(void *arg, struct io *io);
    void (*died)(void *arg, enum sim_death how); /* may be NULL */
    void *arg;
    struct mem *mem; /* what the root loop counts against */
};

/* A machine with an empty disk, switched off.  Names are host names: short, and not taken. */
int sim_machine_new(struct sim *sim, const char *name, const struct sim_program *program, struct sim_machine **ret);
struct sim_machine *sim_machine_find(struct sim *sim, const char *name);
/* Another program at the next boot (a newer version, a checker). */
void sim_machine_program(struct sim_machine *machine, const struct sim_program *program);
const char *sim_machine_name(const struct sim_machine *machine);
/* Does a program run on it? */
bool sim_machine_up(const struct sim_machine *machine);
/* The root loop of the program that runs, or NULL. */
struct io *sim_machine_io(const struct sim_machine *machine);
/* Switches it on if it is off, and starts its program as the next event; nothing when it runs. */
void sim_boot(struct sim_machine *machine);
/* These take effect at once; for a machine in whose turn they are called, when its callback returns. */
void sim_kill(struct sim_machine *machine);
void sim_power_cut(struct sim_machine *machine);

/* SIGTERM, SIGINT, SIGHUP to the program's root loop; one that it does not handle kills it. */
void sim_signal(struct sim_machine *machine, int signum);
/* The wall clock jumps by so much. */
void sim_wall_jump(struct sim_machine *machine, int64_t ms);
/* Bytes on its standard input; before the first of them io_stdin is -ERR_NOT_FOUND.  An empty view ends it.
 * At most 256 KiB that are not read yet. */
void sim_stdin(struct sim_machine *machine, struct view bytes);

/* ---- the network, by script --------------------------------------------------------------------------------- */

/* While `on` nothing passes between the two; connections live on, as TCP's do, for two minutes of silence. */
void sim_partition(struct sim *sim, struct sim_machine *a, struct sim_machine *b, bool on);
/* Every connection between the two (or of `a` with itself) breaks: both sides see a reset.  How many did. */
unsigned sim_cut_streams(struct sim *sim, struct sim_machine *a, struct sim_machine *b);
/* Of the bytes that streams between machines send, the n-th (sim_sent_bytes() is then n) is the last of its connection
 * to arrive: both sides see a reset.  0: none. */
void sim_cut_byte(struct sim *sim, uint64_t n);
uint64_t sim_sent_bytes(const struct sim *sim);
/* Every connection between the two that is open now falls silent for ever: half open, seen from both. */
unsigned sim_mute_streams(struct sim *sim, struct sim_machine *a, struct sim_machine *b);

/* ---- the disk, by script ------------------------------------------------------------------------------------ */

/* How many operations that change the disk (writes, syncs, size changes, directory operations) the machine has done. */
uint64_t sim_disk_ops(const struct sim_machine *machine);

enum sim_cut {
    SIM_CUT_BEFORE, /* the operation is not done at all */
    SIM_CUT_DURING, /* a write is torn; of what a sync or a directory operation was to save, some is */
    SIM_CUT_AFTER,  /* it is done; a sync has saved, but its caller is not told */
};

/* Power is cut at the machine's n-th operation (sim_disk_ops is then n).  0: not at all. */
void sim_cut_at(struct sim_machine *machine, uint64_t n, enum sim_cut how);
/* 0: no limit. */
void sim_disk_capacity(struct sim_machine *machine, uint64_t bytes);
uint64_t sim_disk_used(const struct sim_machine *machine);
/* The machine's next `n` operations of this kind (IO_WRITE, IO_READ, IO_SYNC, IO_SYNC_DIR) fail with -ERR_IO. */
void sim_disk_fail(struct sim_machine *machine, enum io_op op, unsigned n);
/* 0, -ERR_NOT_FOUND, or -ERR_INVALID past the end of the file. */
int sim_flip_bit(struct sim_machine *machine, const char *path, uint64_t bit);
/* Looks at a file from outside: bytes read, or -ERR_NOT_FOUND.  The program notices nothing. */
int64_t sim_file_peek(struct sim_machine *machine, const char *path, uint64_t offset, void *ret, size_t n);

#endif
