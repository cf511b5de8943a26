#include "log/log_rig.h"

/* ---- records that tell who they are ------------------------------------------------------------------------- */

static void
fill(uint8_t *bytes, size_t len, uint64_t id)
{
    struct prng prng;
    prng_init(&prng, id);
    prng_fill(&prng, bytes, len);
    if (len >= sizeof(id))
        memcpy(bytes, &id, sizeof(id));
}

bool
rig_is(struct view bytes, uint64_t id)
{
    static const size_t most = RIG_RECORD_BYTES_MAX;
    struct mem mem = { 0 };
    uint8_t *wanted = mem_raw(&mem, bytes.len + 1);
    assert_true(bytes.len <= most);
    fill(wanted, bytes.len, id);
    bool same = view_equal(bytes, view_of(wanted, bytes.len));
    mem_free(&mem, wanted);
    return same;
}

static void
keep(struct rig_records *records, struct rig_record record)
{
    assert_true(records->count < RIG_RECORDS_MAX);
    records->all[records->count++] = record;
}

int64_t
rig_append(struct rig *rig, size_t len, bool urgent)
{
    uint8_t *bytes = mem_raw(&rig->world, len + 1);
    uint64_t id = rig->next_id + 1;
    fill(bytes, len, id);
    struct view parts[2] = { view_of(bytes, len / 3), view_of(bytes + len / 3, len - len / 3) };
    unsigned kind = 1 + (unsigned)(id % 60);
    int64_t position = log_append(rig->log, kind, urgent, parts, 2);
    mem_free(&rig->world, bytes);
    if (position < 0)
        return position;
    rig->next_id = id;
    keep(&rig->appended, (struct rig_record){ .kind = kind, .position = (uint64_t)position, .len = len, .id = id });
    return position;
}

/* ---- the owner ------------------------------------------------------------------------------------------- */

static void
on_committed(void *arg, uint64_t position)
{
    struct rig *rig = arg;
    assert_true(position > rig->committed);
    rig->committed = position;
}

/* A replayed record must be one that was appended, with its own bytes: nothing is invented. */
static struct rig_record
recognise(const struct rig *rig, unsigned kind, uint64_t position, struct view record)
{
    for (size_t i = rig->appended.count; i > 0; i--) {
        const struct rig_record *it = &rig->appended.all[i - 1];
        if (it->position == position && it->kind == kind && it->len == record.len && rig_is(record, it->id))
            return *it;
    }
    fail_msg("a record at %llx was never appended", (unsigned long long)position);
    return (struct rig_record){ 0 };
}

static int
on_replay(void *arg, unsigned kind, uint64_t position, struct view record)
{
    struct rig *rig = arg;
    if (position == 0) {
        keep(&rig->checkpoint, (struct rig_record){ .kind = kind, .len = record.len });
        return 0;
    }
    struct rig_record it = recognise(rig, kind, position, record);
    if (rig->replayed.count > 0)
        assert_true(position > rig->replayed.all[rig->replayed.count - 1].position);
    keep(&rig->replayed, it);
    if (rig->holds_all)
        log_hold(rig->log, position, record.len);
    return 0;
}

static void
on_note(void *arg, int severity, const char *line)
{
    struct rig *rig = arg;
    assert_true(severity == NOTE_WARNING || severity == NOTE_ERROR);
    sim_note(rig->sim, "%s", line);
    rig->notes++;
}

static void
on_pressed(void *arg, bool short_of_room)
{
    struct rig *rig = arg;
    if (short_of_room)
        rig->pressed++;
    else
        rig->released++;
}

/* ---- the machine ----------------------------------------------------------------------------------------- */

static int
on_start(void *arg, struct io *io)
{
    struct rig *rig = arg;
    struct log_owner owner = {
        .arg = rig, .committed = on_committed, .replay = on_replay, .note = on_note, .pressed = on_pressed
    };
    rig->io = io;
    if (rig->fail_at > 0)
        rig->mem.fail_at = rig->mem.calls + rig->fail_at;
    rig->replayed.count = rig->checkpoint.count = 0;
    rig->opened = log_new(io, &rig->config, &owner, &rig->log);
    if (rig->opened == 0)
        rig->opened = log_open(rig->log, &rig->report);
    if (rig->opened == 0)
        rig->committed = log_committed(rig->log);
    return 0;
}

static void
on_died(void *arg, enum sim_death how)
{
    struct rig *rig = arg;
    (void)how;
    rig->died = true;
    log_free(rig->log);
    rig->log = NULL;
    rig->io = NULL;
}

void
rig_init(struct rig *rig, uint64_t seed, const struct sim_profile *profile)
{
    memset(rig, 0, sizeof(*rig));
    rig->config = (struct log_config){
        .dir = "log", .tier = TIER_SYNCED, .segment_bytes = 64 * 1024, .batch_bytes_max = 64 * 1024
    };
    assert_int_equal(sim_new(&rig->world, seed, profile, &rig->sim), 0);
    struct sim_program program = { .start = on_start, .died = on_died, .arg = rig, .mem = &rig->mem };
    assert_int_equal(sim_machine_new(rig->sim, "n1", &program, &rig->machine), 0);
}

void
rig_fini(struct rig *rig)
{
    sim_free(rig->sim);
    assert_int_equal(rig->mem.used_bytes, 0);
    assert_int_equal(rig->world.used_bytes, 0);
}

static bool
is_up(void *arg)
{
    const struct rig *rig = arg;
    return rig->io != NULL || rig->died;
}

void
rig_boot(struct rig *rig)
{
    rig->died = false;
    sim_boot(rig->machine);
    assert_true(sim_run_until(rig->sim, is_up, rig, 60 * SIM_NS_A_S));
}

static void
on_closed(void *arg)
{
    struct rig *rig = arg;
    rig->closed = true;
    rig->log = NULL;
}

static bool
is_closed(void *arg)
{
    return ((struct rig *)arg)->closed;
}

void
rig_close(struct rig *rig)
{
    rig->closed = false;
    log_close(rig->log, on_closed, rig);
    assert_true(sim_run_until(rig->sim, is_closed, rig, 60 * SIM_NS_A_S));
    sim_kill(rig->machine);
}

void
rig_kill(struct rig *rig)
{
    sim_kill(rig->machine);
}

void
rig_power_cut(struct rig *rig)
{
    sim_power_cut(rig->machine);
}

void
rig_run(struct rig *rig, uint64_t ms)
{
    sim_run_for(rig->sim, ms * SIM_NS_A_MS);
}

bool
rig_all_committed(void *arg)
{
    const struct rig *rig = arg;
    return rig->log != NULL && log_committed(rig->log) >= log_end(rig->log);
}

void
rig_commit(struct rig *rig)
{
    log_flush(rig->log);
    assert_true(sim_run_until(rig->sim, rig_all_committed, rig, 60 * SIM_NS_A_S));
}

void
rig_expect(const struct rig *rig, size_t first, size_t end)
{
    assert_int_equal(rig->opened, 0);
    assert_int_equal(rig->replayed.count, end - first);
    for (size_t i = first; i < end; i++)
        assert_int_equal(rig->replayed.all[i - first].id, rig->appended.all[i].id);
}

static void
on_checkpointed(void *arg, int rc)
{
    struct rig *rig = arg;
    rig->checkpointed = true;
    rig->checkpoint_rc = rc;
}

static bool
is_checkpointed(void *arg)
{
    return ((struct rig *)arg)->checkpointed;
}

void
rig_checkpoint(struct rig *rig, unsigned records)
{
    static const uint8_t bytes[1000];
    assert_true(log_checkpoint_begin(rig->log) > 0);
    for (unsigned i = 0; i < records; i++) {
        struct view part = view_of(bytes, i % sizeof(bytes));
        assert_int_equal(log_checkpoint_put(rig->log, 1 + i % 7, &part, 1), 0);
    }
    rig->checkpointed = false;
    log_checkpoint_end(rig->log, on_checkpointed, rig);
    log_flush(rig->log);
    assert_true(sim_run_until(rig->sim, is_checkpointed, rig, 60 * SIM_NS_A_S));
    rig_run(rig, 100);
}

bool
rig_has(const struct rig *rig, enum name_kind kind, uint32_t number)
{
    char path[PATH_BYTES];
    uint8_t byte;
    name_path(path, rig->config.dir, kind, number);
    return sim_file_peek(rig->machine, path, 0, &byte, 1) >= 0;
}

void
rig_append_many(struct rig *rig, unsigned n, size_t len, bool hold)
{
    for (unsigned i = 0; i < n; i++) {
        int64_t position = rig_append(rig, len, false);
        assert_true(position > 0);
        if (hold)
            log_hold(rig->log, (uint64_t)position, len);
        if (i % 10 == 9)
            rig_commit(rig);
    }
    rig_commit(rig);
}

int
rig_set_up(void **state)
{
    static const struct mem none;
    struct mem mem = none;
    struct rig *rig = MEM_NEW(&mem, struct rig);
    assert_non_null(rig);
    rig_init(rig, 1, NULL);
    *state = rig;
    return 0;
}

int
rig_tear_down(void **state)
{
    struct rig *rig = *state;
    rig_fini(rig);
    struct mem mem = { .used_bytes = SIZE_MAX / 2 };
    mem_free(&mem, rig);
    return 0;
}
