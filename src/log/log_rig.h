/* log/log_rig.h - a log on a simulated machine for the tests of this room, and an oracle of what must come back. */
#ifndef TAMBO_LOG_RIG_H
#define TAMBO_LOG_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/prng.h"
#include "io/sim/sim.h"
#include "log/internal.h"

enum { RIG_RECORDS_MAX = 20000, RIG_RECORD_BYTES_MAX = 200 * 1024 };

/* One record as it was appended or replayed. */
struct rig_record {
    unsigned kind;
    uint64_t position;
    size_t len;
    uint64_t id; /* its bytes are made of it */
};

struct rig_records {
    struct rig_record all[RIG_RECORDS_MAX];
    size_t count;
};

struct rig {
    struct mem world, mem;
    struct sim *sim;
    struct sim_machine *machine;
    struct io *io;
    struct log *log;
    struct log_config config;
    struct log_report report;
    int opened;
    uint64_t fail_at; /* the allocation of the next opening that fails; 0: none */
    bool holds_all;   /* each replayed record is held */
    struct rig_records appended, replayed, checkpoint;
    uint64_t next_id, committed;
    unsigned notes, pressed, released;
    bool died; /* since the last boot */
    bool closed, checkpointed, read_done;
    int checkpoint_rc;
};

/* A new world with one machine on which a log opens in "log" at each boot. */
void rig_init(struct rig *rig, uint64_t seed, const struct sim_profile *profile);
void rig_fini(struct rig *rig);
/* Boots and opens; the replayed records are those of this opening.  A scripted power cut may end it at once. */
void rig_boot(struct rig *rig);
void rig_close(struct rig *rig);
void rig_kill(struct rig *rig);
void rig_power_cut(struct rig *rig);
/* A record of `len` bytes made of the next id.  Its position or -err. */
int64_t rig_append(struct rig *rig, size_t len, bool urgent);
bool rig_all_committed(void *arg);
/* `n` records, committed ten by ten, each held when `hold`. */
void rig_append_many(struct rig *rig, unsigned n, size_t len, bool hold);
/* Flushes and runs until all is committed. */
void rig_commit(struct rig *rig);
void rig_run(struct rig *rig, uint64_t ms);
/* What was replayed is exactly what was appended from `first` to before `end`. */
void rig_expect(const struct rig *rig, size_t first, size_t end);
/* Are these the bytes that `id` makes? */
bool rig_is(struct view bytes, uint64_t id);
/* begin, `records` puts, end, and runs until it is done. */
void rig_checkpoint(struct rig *rig, unsigned records);
/* Has the directory a file with such a number? */
bool rig_has(const struct rig *rig, enum name_kind kind, uint32_t number);
/* Reads a whole file of the machine; the caller frees it from rig->world. */
uint8_t *rig_file(struct rig *rig, const char *path, size_t *retlen);

/* For cmocka: *state is a rig. */
int rig_set_up(void **state);
int rig_tear_down(void **state);

#endif
