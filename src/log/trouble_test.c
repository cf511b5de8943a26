/* The log in trouble: killed, pressed, on full and failing disks, without memory. */
#include "log/log_rig.h"

/* ---- what a killed process leaves -------------------------------------------------------------------------- */

struct spot {
    struct rig *rig;
    uint64_t position;
};

/* The record has left the process, but may not be synced. */
static bool
is_in_the_file(void *arg)
{
    const struct spot *spot = arg;
    char path[PATH_BYTES];
    uint8_t bytes[RECORD_HEADER_BYTES] = { 0 };
    name_path(path, "log", NAME_SEGMENT, position_segment(spot->position));
    (void)sim_file_peek(spot->rig->machine, path, position_offset(spot->position), bytes, sizeof(bytes));
    return bytes[RECORD_HEADER_BYTES - 1] != 0;
}

static bool
has_written(void *arg)
{
    const struct rig *rig = arg;
    return log_written(rig->log) >= log_end(rig->log);
}

/* What is hurried is known to outlive the process before it outlives power; the rest is not. */
static void
what_is_hurried_is_written_before_it_is_synced(void **state)
{
    struct rig *rig = *state;
    for (int i = 0; i < 50; i++) {
        rig_boot(rig);
        rig_expect(rig, 0, (size_t)i);
        rig_append(rig, 2000, false);
        log_hurry(rig->log);
        log_flush(rig->log);
        assert_true(sim_run_until(rig->sim, has_written, rig, SIM_NS_A_S));
        assert_true(log_committed(rig->log) < log_end(rig->log));
        rig_kill(rig);
    }
    rig_boot(rig);
    rig_append(rig, 2000, false);
    log_flush(rig->log);
    assert_true(sim_run_until(rig->sim, has_written, rig, SIM_NS_A_S));
    assert_int_equal(log_committed(rig->log), log_end(rig->log));
}

static void
a_hurried_batch_is_synced_again_too(void **state)
{
    struct rig *rig = *state;
    rig_boot(rig);
    sim_disk_fail(rig->machine, IO_SYNC, 2);
    rig_append(rig, 2000, false);
    log_hurry(rig->log);
    rig_append(rig, 2000, false);
    rig_commit(rig);
    rig_power_cut(rig);
    rig_boot(rig);
    rig_expect(rig, 0, 2);
}

/* It was replayed out of the kernel's cache: the owner acts on it, so a power cut may not take it any more. */
static void
what_was_replayed_outlives_power(void **state)
{
    struct rig *rig = *state;
    for (int i = 0; i < 50; i++) {
        rig_boot(rig);
        rig_expect(rig, 0, (size_t)i);
        struct spot spot = { .rig = rig, .position = (uint64_t)rig_append(rig, 2000, false) };
        log_flush(rig->log);
        assert_true(sim_run_until(rig->sim, is_in_the_file, &spot, SIM_NS_A_S));
        assert_true(log_committed(rig->log) < log_end(rig->log));
        rig_kill(rig);
        rig_boot(rig);
        rig_expect(rig, 0, (size_t)i + 1);
        rig_power_cut(rig);
    }
}

/* ---- pressure, full disks, failing disks ------------------------------------------------------------------- */

static void
too_much_pending_presses_and_is_refused(void **state)
{
    struct rig *rig = *state;
    rig_boot(rig);
    for (int i = 0; i < 70; i++)
        assert_true(rig_append(rig, 1000, false) > 0);
    log_flush(rig->log);
    assert_int_equal(rig->pressed, 1);
    while (rig_append(rig, 1000, false) > 0)
        continue;
    assert_int_equal(rig_append(rig, 1000, false), -ERR_NO_MEMORY);
    assert_true(rig_append(rig, 1000, true) > 0);
    assert_true(rig->appended.count > 250);
    rig_commit(rig);
    assert_int_equal(rig->released, 1);
    assert_true(rig_append(rig, 1000, false) > 0);
    assert_int_equal(rig_append(rig, RECORD_BYTES_MAX / 1024, false) > 0, true);
}

/* False: there is no room for it. */
static bool
commits(struct rig *rig)
{
    log_flush(rig->log);
    return sim_run_until(rig->sim, rig_all_committed, rig, SIM_NS_A_S);
}

static void
a_full_disk_takes_only_what_is_urgent(void **state)
{
    struct rig *rig = *state;
    struct log_stats stats;
    sim_disk_capacity(rig->machine, 10 * 64 * 1024);
    rig_boot(rig);
    for (int i = 0; rig_append(rig, 1000, false) > 0; i++) {
        log_hold(rig->log, rig->appended.all[i].position, 1000);
        rig_commit(rig);
        rig_run(rig, 10);
    }
    log_stats(rig->log, &stats);
    assert_true(stats.disk_full && stats.pressed);
    assert_int_equal(rig->pressed, 1);
    assert_int_equal(rig_append(rig, 1000, false), -ERR_DISK_FULL);

    size_t urgent = 0;
    while (rig_append(rig, 100, true) > 0 && commits(rig))
        urgent++;
    assert_true(urgent > 500); /* the reserve, and what was left of the segment before it */
    while (rig_append(rig, 100, true) > 0)
        urgent++; /* these wait in memory for room */
    assert_int_equal(rig_append(rig, 100, true), -ERR_DISK_FULL);
    rig_checkpoint(rig, 1);
    assert_int_equal(rig->checkpoint_rc, -ERR_DISK_FULL);

    sim_disk_capacity(rig->machine, 0);
    rig_run(rig, 3000);
    log_stats(rig->log, &stats);
    assert_false(stats.disk_full || stats.pressed);
    assert_int_equal(rig->released, 1);
    rig_append_many(rig, 200, 1000, false);
    rig_power_cut(rig);
    rig_boot(rig);
    rig_expect(rig, 0, rig->appended.count);
}

static void
service_resumes_when_segments_die(void **state)
{
    struct rig *rig = *state;
    struct log_stats stats;
    sim_disk_capacity(rig->machine, 12 * 64 * 1024);
    rig->config.disk_free_bytes_min = 64 * 1024;
    rig_boot(rig);
    while (rig_append(rig, 1000, false) > 0) {
        rig_commit(rig);
        rig_run(rig, 10);
    }
    log_stats(rig->log, &stats);
    assert_true(stats.disk_full);
    rig_checkpoint(rig, 1); /* nothing was held: all of them die */
    assert_int_equal(rig->checkpoint_rc, 0);
    rig_run(rig, 3000);
    log_stats(rig->log, &stats);
    assert_false(stats.disk_full);
    rig_append_many(rig, 100, 1000, false);
}

static void
a_failed_sync_is_not_trusted(void **state)
{
    struct rig *rig = *state;
    rig_boot(rig);
    rig_append_many(rig, 5, 100, false);
    sim_disk_fail(rig->machine, IO_SYNC, 2);
    rig_append(rig, 100, false);
    rig_commit(rig);
    assert_int_equal(rig->notes, 2);
    rig_power_cut(rig);
    rig_boot(rig);
    rig_expect(rig, 0, 6);
}

static void
a_disk_that_fails_for_good_fails_the_log(void **state)
{
    struct rig *rig = *state;
    struct log_stats stats;
    rig_boot(rig);
    rig_append_many(rig, 5, 100, false);
    uint64_t committed = rig->committed;
    sim_disk_fail(rig->machine, IO_SYNC, 1000);
    rig_append(rig, 100, false);
    log_flush(rig->log);
    rig_run(rig, 60 * 1000);
    assert_int_equal(rig->committed, committed);
    assert_int_equal(rig_append(rig, 100, true), -ERR_DISK);
    log_stats(rig->log, &stats);
    assert_true(stats.failed);
    assert_int_equal(log_checkpoint_begin(rig->log), 0);
    rig_close(rig); /* it can be closed all the same */
}

static void
a_wrong_shard_is_noticed(void **state)
{
    struct rig *rig = *state;
    rig_boot(rig);
    rig_append_many(rig, 5, 100, false);
    rig_close(rig);
    rig->config.shard = 3;
    rig_boot(rig);
    assert_int_equal(rig->opened, -ERR_FORMAT);
}

static void
bad_settings_are_refused(void **state)
{
    struct rig *rig = *state;
    rig->config.segment_bytes = 100;
    rig_boot(rig);
    assert_int_equal(rig->opened, -ERR_INVALID);
}

static void
the_tier_written_does_not_sync(void **state)
{
    struct rig *rig = *state;
    rig->config.tier = TIER_WRITTEN;
    rig_boot(rig);
    rig_append_many(rig, 5, 100, false);
    sim_disk_fail(rig->machine, IO_SYNC, 1000);
    rig_append_many(rig, 50, 100, false);
    assert_int_equal(rig->notes, 0);
    rig_kill(rig);
    rig_boot(rig);
    rig_expect(rig, 0, 55);
    sim_disk_fail(rig->machine, IO_SYNC, 0);
}

static void
on_read(struct log_read *read)
{
    struct rig *rig = read->arg;
    rig->read_done = true;
}

/* ---- memory ---------------------------------------------------------------------------------------------- */

/* One life: opens, appends, checkpoints, reads.  0, or the first error. */
static int
a_life(struct rig *rig)
{
    rig_boot(rig);
    if (rig->opened < 0)
        return rig->opened;
    for (int i = 0; i < 100; i++) {
        int64_t position = rig_append(rig, 1000, false);
        if (position < 0)
            return (int)position;
        log_flush(rig->log);
        rig_run(rig, 1);
    }
    struct log_read read = { .position = rig->appended.all[0].position, .done = on_read, .arg = rig };
    int rc = log_read(rig->log, &read);
    rig_run(rig, 10);
    if (rc == 0)
        rc = read.rc;
    log_read_release(&read);
    return rc;
}

/* The n-th allocation of a life fails: the life ends or goes on, and the next finds all that was committed.  False:
 * there were fewer. */
static bool
fail_allocation(struct rig *rig, unsigned n)
{
    rig->fail_at = n;
    int rc = a_life(rig);
    assert_true(rc == 0 || rc == -ERR_NO_MEMORY);
    bool failed = rig->mem.calls >= rig->mem.fail_at;
    assert_true(failed || rc == 0);
    size_t promised = 0;
    for (size_t i = 0; i < rig->appended.count; i++)
        promised += rig->appended.all[i].position < rig->committed;
    rig_kill(rig);
    rig->fail_at = rig->mem.fail_at = 0;
    rig_boot(rig);
    assert_int_equal(rig->opened, 0);
    assert_true(rig->replayed.count >= promised);
    return failed;
}

static void
each_allocation_may_fail(void **state)
{
    (void)state;
    bool failed = true;
    for (unsigned n = 1; failed; n++) {
        void *rig;
        rig_set_up(&rig);
        failed = fail_allocation(rig, n);
        rig_tear_down(&rig);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_is_hurried_is_written_before_it_is_synced),
        CASE(a_hurried_batch_is_synced_again_too),
        CASE(what_was_replayed_outlives_power),
        CASE(too_much_pending_presses_and_is_refused),
        CASE(a_full_disk_takes_only_what_is_urgent),
        CASE(service_resumes_when_segments_die),
        CASE(a_failed_sync_is_not_trusted),
        CASE(a_disk_that_fails_for_good_fails_the_log),
        CASE(a_wrong_shard_is_noticed),
        CASE(bad_settings_are_refused),
        CASE(the_tier_written_does_not_sync),
        cmocka_unit_test(each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
