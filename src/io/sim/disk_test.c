/* A simulated disk keeps what was synced, and nothing else for sure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "io/sim/stage.h"

enum { SEEDS = 200 };

/* ---- files -------------------------------------------------------------------------------------------------- */

/* Four synced pages of 1; then, not synced, page 0 becomes 2, page 1 becomes 3, and page 4 is appended with 4. */
static int
write_some_unsynced(struct actor *actor)
{
    assert_int_equal(actor_open(actor, "f", IO_FLAG_CREATE), 0);
    assert_int_equal(actor_path(actor, IO_SYNC_DIR, ".", NULL), 0);
    assert_true(actor_write(actor, IO_WRITE_SYNC, 0, 1, 4 * 4096) >= 0);
    assert_true(actor_write(actor, IO_WRITE, 0, 2, 4096) >= 0);
    assert_true(actor_write(actor, IO_WRITE, 4096, 3, 4096) >= 0);
    assert_true(actor_write(actor, IO_WRITE, 4 * 4096, 4, 4096) >= 0);
    return 0;
}

enum outcome { LOST, KEPT, TORN };

/* Of `page`, whose bytes are all `before` or `after`, changing at sectors only. */
static enum outcome
look_at(const uint8_t *page, uint8_t before, uint8_t after)
{
    unsigned sectors = 0;
    for (unsigned i = 0; i < 8; i++) {
        const uint8_t *sector = page + 512 * i;
        assert_true(sector[0] == before || sector[0] == after);
        for (unsigned k = 1; k < 512; k++)
            assert_int_equal(sector[k], sector[0]);
        sectors += sector[0] == after;
    }
    return sectors == 0 ? LOST : sectors == 8 ? KEPT : TORN;
}

static void
power_cut_keeps_what_was_synced(void **state)
{
    (void)state;
    unsigned seen[3] = { 0 }, reordered = 0, sizes = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct stage stage;
        uint8_t bytes[5 * 4096] = { 0 };
        stage_open(&stage, seed, "calm");
        stage_play(&stage, &stage.a, write_some_unsynced);
        sim_power_cut(stage.a.machine);
        int64_t n = sim_file_peek(stage.a.machine, "f", 0, bytes, sizeof(bytes));
        assert_true(n >= 4 * 4096);
        assert_int_equal(look_at(bytes + 2 * 4096, 1, 9), LOST);
        assert_int_equal(look_at(bytes + 3 * 4096, 1, 9), LOST);
        enum outcome first = look_at(bytes, 1, 2), second = look_at(bytes + 4096, 1, 3);
        seen[first]++;
        seen[look_at(bytes + 4 * 4096, 0, 4)]++;
        reordered += first == LOST && second == KEPT;
        sizes += n == sizeof(bytes);
        stage_close(&stage);
    }
    assert_true(seen[LOST] > SEEDS / 10 && seen[KEPT] > SEEDS / 10 && seen[TORN] > SEEDS / 10);
    assert_true(reordered > 0);
    assert_true(sizes > SEEDS / 10 && sizes < SEEDS - SEEDS / 10);
}

static void
kill_keeps_what_was_written(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct stage stage;
        uint8_t bytes[5 * 4096];
        stage_open(&stage, seed, "calm");
        stage_play(&stage, &stage.a, write_some_unsynced);
        sim_kill(stage.a.machine);
        assert_int_equal(sim_file_peek(stage.a.machine, "f", 0, bytes, sizeof(bytes)), sizeof(bytes));
        assert_int_equal(look_at(bytes, 1, 2), KEPT);
        assert_int_equal(look_at(bytes + 4 * 4096, 0, 4), KEPT);
        stage_close(&stage);
    }
}

static int
lose_a_sync(struct actor *actor)
{
    assert_int_equal(actor_open(actor, "f", IO_FLAG_CREATE), 0);
    assert_int_equal(actor_path(actor, IO_SYNC_DIR, ".", NULL), 0);
    assert_true(actor_write(actor, IO_WRITE_SYNC, 0, 1, 2 * 4096) >= 0);
    assert_true(actor_write(actor, IO_WRITE, 0, 2, 4096) >= 0);
    sim_disk_fail(actor->machine, IO_SYNC, 1);
    assert_int_equal(actor_file(actor, IO_SYNC, 0), -ERR_IO);
    assert_true(actor_write(actor, IO_WRITE, 4096, 3, 4096) >= 0);
    assert_int_equal(actor_file(actor, IO_SYNC, 0), 0);
    return 0;
}

/* A sync that failed is not made good by one that does not. */
static void
failed_sync_loses_for_good(void **state)
{
    (void)state;
    unsigned seen[3] = { 0 };
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct stage stage;
        uint8_t bytes[2 * 4096];
        stage_open(&stage, seed, "calm");
        stage_play(&stage, &stage.a, lose_a_sync);
        sim_power_cut(stage.a.machine);
        assert_int_equal(sim_file_peek(stage.a.machine, "f", 0, bytes, sizeof(bytes)), sizeof(bytes));
        seen[look_at(bytes, 1, 2)]++;
        assert_int_equal(look_at(bytes + 4096, 1, 3), KEPT);
        stage_close(&stage);
    }
    assert_true(seen[LOST] > 0 && seen[TORN] > 0 && seen[KEPT] > 0);
}

static int
change_names(struct actor *actor)
{
    assert_int_equal(actor_path(actor, IO_MKDIR, "d", NULL), 0);
    assert_int_equal(actor_path(actor, IO_SYNC_DIR, ".", NULL), 0);
    assert_int_equal(actor_open(actor, "d/old", IO_FLAG_CREATE), 0);
    assert_true(actor_write(actor, IO_WRITE_SYNC, 0, 1, 512) >= 0);
    assert_int_equal(actor_path(actor, IO_SYNC_DIR, "d", NULL), 0);
    assert_int_equal(actor_open(actor, "d/1", IO_FLAG_CREATE), 0);
    assert_int_equal(actor_path(actor, IO_RENAME, "d/old", "d/new"), 0);
    assert_int_equal(actor_open(actor, "d/2", IO_FLAG_CREATE), 0);
    assert_int_equal(actor_path(actor, IO_UNLINK, "d/1", NULL), 0);
    return 0;
}

static bool
is_there(struct actor *actor, const char *path)
{
    uint8_t byte;
    return sim_file_peek(actor->machine, path, 0, &byte, 1) >= 0;
}

/* A power cut keeps a prefix of the directory operations since the last IO_SYNC_DIR. */
static void
directory_operations_survive_in_order(void **state)
{
    (void)state;
    unsigned seen[5] = { 0 };
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct stage stage;
        stage_open(&stage, seed, "calm");
        stage_play(&stage, &stage.a, change_names);
        sim_power_cut(stage.a.machine);
        bool old = is_there(&stage.a, "d/old"), new = is_there(&stage.a, "d/new");
        bool one = is_there(&stage.a, "d/1"), two = is_there(&stage.a, "d/2");
        assert_true(old != new);
        unsigned kept = two ? (one ? 3 : 4) : new ? 2 : one ? 1 : 0;
        assert_true(kept != 2 || one);
        assert_true(kept < 3 || new);
        seen[kept]++;
        stage_close(&stage);
    }
    for (unsigned i = 0; i < 5; i++)
        assert_true(seen[i] > 0);
}

static void
name_found(void *arg, const char *name)
{
    strcat(arg, name);
    strcat(arg, " ");
}

static int
list_names(struct actor *actor)
{
    char names[100] = "";
    assert_int_equal(actor_path(actor, IO_MKDIR, "/d", NULL), 0);
    assert_int_equal(actor_path(actor, IO_MKDIR, "/d/", NULL), 0);
    assert_int_equal(actor_path(actor, IO_MKDIR, "/d/sub", NULL), 0);
    assert_int_equal(actor_open(actor, "/d/sub/x", IO_FLAG_CREATE), 0);
    assert_int_equal(actor_open(actor, "/d/b", IO_FLAG_CREATE | IO_FLAG_EXCLUSIVE), 0);
    assert_int_equal(actor_open(actor, "/d/a", IO_FLAG_CREATE), 0);
    assert_int_equal(actor_open(actor, "/d/b", IO_FLAG_CREATE | IO_FLAG_EXCLUSIVE), -ERR_EXISTS);
    assert_int_equal(actor_open(actor, "/d/c", 0), -ERR_NOT_FOUND);
    assert_int_equal(actor_open(actor, "/e/c", IO_FLAG_CREATE), -ERR_NOT_FOUND);
    assert_int_equal(io_list(actor->io, "/d", name_found, names), 0);
    assert_string_equal(names, "a b sub ");
    assert_int_equal(io_list(actor->io, "/nowhere", name_found, names), -ERR_NOT_FOUND);
    return 0;
}

static void
names_are_listed_in_order(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, 1, "calm");
    stage_play(&stage, &stage.a, list_names);
    assert_int_equal(stage.a.deaths, 0);
    stage_close(&stage);
}

static int
fill_disk(struct actor *actor)
{
    sim_disk_capacity(actor->machine, 5 * 4096);
    assert_int_equal(actor_path(actor, IO_FREE_SPACE, ".", NULL), 5 * 4096);
    assert_int_equal(actor_open(actor, "f", IO_FLAG_CREATE), 0);
    assert_int_equal(actor_file(actor, IO_ALLOCATE, 4 * 4096), 0);
    assert_int_equal(actor_file(actor, IO_ALLOCATE, 6 * 4096), -ERR_DISK_FULL);
    assert_true(actor_write(actor, IO_WRITE, 0, 1, 4 * 4096) >= 0); /* there is room already */
    assert_int_equal(actor_write(actor, IO_WRITE, 4 * 4096, 1, 2 * 4096), -ERR_DISK_FULL);
    assert_int_equal(actor_file(actor, IO_TRUNCATE, 100), 0);
    assert_int_equal(actor_file(actor, IO_SIZE, 0), 100);
    assert_true(actor_write(actor, IO_WRITE, 100, 1, 5 * 4096 - 100) >= 0);
    assert_int_equal(actor_path(actor, IO_FREE_SPACE, ".", NULL), 0);
    assert_int_equal(actor_path(actor, IO_UNLINK, "f", NULL), 0);
    assert_int_equal(actor_path(actor, IO_FREE_SPACE, ".", NULL), 0); /* it is open still */
    assert_int_equal(actor_file(actor, IO_CLOSE, 0), 0);
    assert_int_equal(actor_path(actor, IO_SYNC_DIR, ".", NULL), 0);
    assert_int_equal(actor_path(actor, IO_FREE_SPACE, ".", NULL), 5 * 4096);
    return 0;
}

static void
full_disk_says_so(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, 1, "calm");
    stage_play(&stage, &stage.a, fill_disk);
    assert_int_equal(stage.a.deaths, 0);
    stage_close(&stage);
}

static int
write_and_read(struct actor *actor)
{
    assert_int_equal(actor_open(actor, "f", IO_FLAG_CREATE), 0);
    assert_int_equal(actor_file(actor, IO_ALLOCATE, 64 << 20), 0);
    assert_true(actor_write(actor, IO_WRITE_SYNC, (32 << 20) - 100, 7, 5000) >= 0);
    actor->job.into = actor->page;
    actor->job.len = 6000;
    memset(actor->page, 1, 6000);
    assert_int_equal(actor_file(actor, IO_READ, (32 << 20) - 200), 6000);
    for (unsigned i = 0; i < 6000; i++)
        assert_int_equal(actor->page[i], i >= 100 && i < 5100 ? 7 : 0);
    assert_int_equal(actor_file(actor, IO_READ, (64 << 20) - 5), 5);
    assert_int_equal(sim_flip_bit(actor->machine, "f", 8 * (32 << 20) + 1), 0);
    assert_int_equal(actor_file(actor, IO_READ, 32 << 20), 6000);
    assert_int_equal(actor->page[0], 7 ^ 2);
    assert_int_equal(sim_flip_bit(actor->machine, "f", UINT64_C(8) * (64 << 20)), -ERR_INVALID);
    sim_disk_fail(actor->machine, IO_READ, 1);
    assert_int_equal(actor_file(actor, IO_READ, 0), -ERR_IO);
    sim_disk_fail(actor->machine, IO_WRITE, 1);
    assert_int_equal(actor_write(actor, IO_WRITE, 0, 1, 10), -ERR_IO);
    return 0;
}

static void
files_are_sparse_and_rot(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, 1, "calm");
    stage_play(&stage, &stage.a, write_and_read);
    assert_int_equal(stage.a.deaths, 0);
    assert_true(stage.mem.peak_bytes < (4 << 20));
    stage_close(&stage);
}

static unsigned
damaged_bytes(const uint8_t *page)
{
    unsigned count = 0;
    for (unsigned i = 0; i < 4096; i++)
        count += page[i] != 7;
    return count;
}

/* Every kind of failure is seen, now and then. */
static int
suffer(struct actor *actor)
{
    unsigned writes = 0, reads = 0, syncs = 0, damaged = 0;
    assert_int_equal(actor_open(actor, "old", IO_FLAG_CREATE), 0);
    assert_true(actor_write(actor, IO_WRITE_SYNC, 0, 7, 4096) >= 0);
    int64_t old = actor->job.file;
    assert_int_equal(actor_open(actor, "new", IO_FLAG_CREATE), 0);
    int64_t new = actor->job.file;
    for (unsigned i = 0; i < 5000; i++) {
        actor->job.file = new;
        writes += actor_write(actor, IO_WRITE, 0, 7, 4096) < 0;
        syncs += actor_file(actor, IO_SYNC, 0) < 0;
        actor->job.file = old;
        actor->job.into = actor->page;
        actor->job.len = 4096;
        bool failed = actor_file(actor, IO_READ, 0) < 0;
        reads += failed;
        assert_true(failed || damaged_bytes(actor->page) >= damaged); /* it does not heal */
        if (!failed)
            damaged = damaged_bytes(actor->page);
    }
    assert_true(writes > 0 && reads > 0 && syncs > 0 && damaged > 0);
    assert_true(writes < 50 && reads < 50 && syncs < 50 && damaged < 50);
    return 0;
}

static void
bad_disk_fails_in_every_way(void **state)
{
    (void)state;
    struct stage stage;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        stage_open(&stage, seed, "bad_disk");
        stage_play(&stage, &stage.a, suffer);
        assert_int_equal(stage.a.deaths, 0);
        stage_close(&stage);
    }
}

/* ---- crash points ------------------------------------------------------------------------------------------- */

enum { STEPS = 6 };

/* Counts in `signals` how many writes of its file it knows to be synced: write k is byte k + 1 at page k. */
static void
next_step(struct io_job *job)
{
    struct actor *actor = job->arg;
    if (job->rc < 0)
        return;
    actor->jobs_done++;
    if (actor->jobs_done == STEPS)
        return;
    memset(actor->page, (int)actor->jobs_done + 1, 4096);
    job->offset = actor->jobs_done * 4096;
    io_submit(actor->io, job);
}

static int
take_steps(struct actor *actor)
{
    int rc = actor_open(actor, "f", IO_FLAG_CREATE);
    if (rc < 0 || (rc = (int)actor_path(actor, IO_SYNC_DIR, ".", NULL)) < 0)
        return rc;
    memset(actor->page, 1, 4096);
    actor->job = (struct io_job){ .op = IO_WRITE_SYNC, .file = actor->job.file, .done = next_step, .arg = actor };
    actor->job.views[0] = view_of(actor->page, 4096);
    actor->job.view_count = 1;
    io_submit(actor->io, &actor->job);
    return 0;
}

static void
check_steps(struct actor *actor, uint64_t n, enum sim_cut how)
{
    uint8_t bytes[STEPS * 4096] = { 0 };
    int64_t len = sim_file_peek(actor->machine, "f", 0, bytes, sizeof(bytes));
    if (n <= 2 && len < 0)
        return; /* the file's name was not synced */
    assert_true(len >= actor->jobs_done * 4096);
    for (unsigned i = 0; i < STEPS; i++) {
        enum outcome it = look_at(bytes + i * 4096, 0, (uint8_t)(i + 1));
        assert_true(i >= actor->jobs_done || it == KEPT);
        assert_true(i <= actor->jobs_done || it == LOST);
        bool in_write = i == actor->jobs_done && n % 2 == 1;
        assert_true(!in_write || how != SIM_CUT_BEFORE || it == LOST);
        assert_true(n == 2 || i != actor->jobs_done || n % 2 == 1 || how != SIM_CUT_AFTER || it == KEPT);
    }
}

static void
power_is_cut_at_every_operation(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, 77, "calm");
    stage_play(&stage, &stage.a, take_steps);
    assert_int_equal(stage.a.jobs_done, STEPS);
    uint64_t ops = sim_disk_ops(stage.a.machine);
    assert_int_equal(ops, 2 + 2 * STEPS); /* create, sync of the directory, then a write and a sync each */
    stage_close(&stage);

    for (uint64_t n = 1; n <= ops; n++) {
        for (enum sim_cut how = SIM_CUT_BEFORE; how <= SIM_CUT_AFTER; how++) {
            stage_open(&stage, 77, "calm");
            sim_cut_at(stage.a.machine, n, how);
            stage_play(&stage, &stage.a, take_steps);
            assert_false(sim_machine_up(stage.a.machine));
            assert_int_equal(stage.a.death, SIM_POWER);
            assert_int_equal(stage.a.deaths, 1);
            assert_int_equal(sim_disk_ops(stage.a.machine), n);
            assert_int_equal(stage.a.jobs_done, n < 3 ? 0 : (n - 3) / 2);
            check_steps(&stage.a, n, how);
            stage_close(&stage);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(power_cut_keeps_what_was_synced), cmocka_unit_test(kill_keeps_what_was_written),
        cmocka_unit_test(failed_sync_loses_for_good),      cmocka_unit_test(directory_operations_survive_in_order),
        cmocka_unit_test(names_are_listed_in_order),       cmocka_unit_test(full_disk_says_so),
        cmocka_unit_test(files_are_sparse_and_rot),        cmocka_unit_test(bad_disk_fails_in_every_way),
        cmocka_unit_test(power_is_cut_at_every_operation),
    };
    return cmocka_run_group_tests_name("sim_disk", tests, NULL, NULL);
}
