/* The log on a machine that does as it should: what is appended comes back, segments roll, die and are used again,
 * checkpoints cover, a scan tells all. */
#include "log/log_rig.h"

/* ---- round trips ----------------------------------------------------------------------------------------- */

static const size_t sizes[] = { 0,   1,   7,    8,    9,    15,   16,   17,    63,    64,    65,    100,
                                240, 241, 1000, 4000, 4096, 8000, 9999, 16384, 40000, 61440, 65536, 150000 };

static void
records_of_all_sizes_come_back(void **state)
{
    struct rig *rig = *state;
    rig_boot(rig);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < COUNT_OF(sizes); i++) {
            assert_true(rig_append(rig, sizes[i], true) > 0);
            if (i % 3 == 0)
                rig_commit(rig);
        }
        rig_commit(rig);
    }
    rig_close(rig);
    rig_boot(rig);
    rig_expect(rig, 0, 3 * COUNT_OF(sizes));
    assert_int_equal(rig->report.cut_bytes, 0);
    assert_int_equal(rig->report.quarantined_places, 0);
    assert_int_equal(rig->notes, 0);
}

static void
a_killed_process_loses_nothing_committed(void **state)
{
    struct rig *rig = *state;
    for (unsigned life = 0; life < 10; life++) {
        rig_boot(rig);
        rig_expect(rig, 0, life * 5);
        for (int i = 0; i < 5; i++)
            assert_true(rig_append(rig, 64, false) > 0);
        rig_commit(rig);
        rig_kill(rig);
    }
    assert_int_equal(rig->report.quarantined_places, 0);
}

static void
an_empty_log_opens_again(void **state)
{
    struct rig *rig = *state;
    for (int i = 0; i < 4; i++) {
        rig_boot(rig);
        rig_expect(rig, 0, 0);
        if (i % 2 == 0)
            rig_close(rig);
        else
            rig_kill(rig);
    }
}

static void
what_was_not_flushed_is_not_written(void **state)
{
    struct rig *rig = *state;
    rig_boot(rig);
    assert_true(rig_append(rig, 64, false) > 0);
    rig_run(rig, 1000);
    assert_true(log_committed(rig->log) < log_end(rig->log));
    rig_power_cut(rig);
    rig_boot(rig);
    rig_expect(rig, 0, 0);
}

static void
one_sync_for_whatever_came_meanwhile(void **state)
{
    struct rig *rig = *state;
    struct log_stats stats;
    rig_boot(rig);
    rig_append(rig, 64, false);
    rig_commit(rig);
    rig_append(rig, 64, false);
    log_flush(rig->log);
    for (int i = 0; i < 100; i++) {
        rig_append(rig, 64, false);
        log_flush(rig->log);
    }
    rig_commit(rig);
    log_stats(rig->log, &stats);
    assert_int_equal(stats.syncs, 3);
    assert_int_equal(stats.appended_records, 102);
}

static void
positions_grow_and_never_come_twice(void **state)
{
    struct rig *rig = *state;
    int64_t last = 0;
    for (int life = 0; life < 6; life++) {
        rig_boot(rig);
        for (int i = 0; i < 40; i++) {
            int64_t position = rig_append(rig, 3000, true);
            assert_true(position > last);
            last = position;
        }
        rig_commit(rig);
        if (life % 2 == 0)
            rig_power_cut(rig);
        else
            rig_close(rig);
    }
}

/* ---- rolling over and liveness --------------------------------------------------------------------------- */

static uint64_t
segment_count(struct rig *rig)
{
    struct log_stats stats;
    log_stats(rig->log, &stats);
    return stats.segments;
}

static void
segments_roll_over(void **state)
{
    struct rig *rig = *state;
    rig_boot(rig);
    rig_append_many(rig, 500, 1000, false);
    assert_true(segment_count(rig) > 8);
    rig_power_cut(rig);
    rig_boot(rig);
    rig_expect(rig, 0, 500);
}

static void
dead_segments_are_used_again(void **state)
{
    struct rig *rig = *state;
    rig_boot(rig);
    for (int round = 0; round < 20; round++) {
        rig_append_many(rig, 200, 1000, false);
        rig_checkpoint(rig, 10);
        assert_true(segment_count(rig) <= 8);
    }
    assert_true(sim_disk_used(rig->machine) < 20 * 64 * 1024);
    /* Nothing of the former lives of those files comes back. */
    size_t before = rig->appended.count;
    rig_append_many(rig, 30, 700, false);
    rig_power_cut(rig);
    rig_boot(rig);
    rig_expect(rig, before, before + 30);
    assert_int_equal(rig->checkpoint.count, 10);
    assert_int_equal(rig->report.checkpoint_records, 10);
}

static void
held_segments_live(void **state)
{
    struct rig *rig = *state;
    rig_boot(rig);
    rig_append_many(rig, 5, 1000, true);
    rig_append_many(rig, 300, 1000, false);
    rig_checkpoint(rig, 0);
    uint32_t first = position_segment(rig->appended.all[0].position);
    assert_true(rig_has(rig, NAME_SEGMENT, first));
    assert_false(rig_has(rig, NAME_SEGMENT, first + 1));
    for (int i = 0; i < 5; i++) {
        unsigned kind;
        uint8_t bytes[2000];
        assert_true(rig_has(rig, NAME_SEGMENT, first));
        assert_int_equal(log_read_now(rig->log, rig->appended.all[i].position, bytes, sizeof(bytes), &kind), 1000);
        assert_true(rig_is(view_of(bytes, 1000), rig->appended.all[i].id));
        log_drop(rig->log, rig->appended.all[i].position, 1000);
        log_flush(rig->log);
        rig_run(rig, 100);
    }
    assert_false(rig_has(rig, NAME_SEGMENT, first));
}

/* The record that makes the last hold go must be durable before the bytes are given away. */
static void
a_segment_dies_only_when_its_last_drop_is_durable(void **state)
{
    struct rig *rig = *state;
    rig_boot(rig);
    rig_append_many(rig, 1, 1000, true);
    rig_append_many(rig, 100, 1000, false);
    rig_checkpoint(rig, 0);
    uint32_t first = position_segment(rig->appended.all[0].position);
    sim_disk_fail(rig->machine, IO_SYNC, 3);
    rig_append(rig, 40, true); /* the settlement */
    log_drop(rig->log, rig->appended.all[0].position, 1000);
    log_flush(rig->log);
    rig_run(rig, 50);
    assert_true(rig_has(rig, NAME_SEGMENT, first));
    rig_run(rig, 10000);
    assert_false(rig_has(rig, NAME_SEGMENT, first));
}

static void
holds_of_a_segment_that_is_gone_are_forgiven_in_replay(void **state)
{
    struct rig *rig = *state;
    rig->holds_all = true;
    rig_boot(rig);
    rig_append_many(rig, 100, 1000, false);
    rig_kill(rig);
    rig_boot(rig);
    struct log_stats stats;
    log_stats(rig->log, &stats);
    assert_int_equal(stats.held_records, 100);
    for (size_t i = 0; i < 100; i++)
        log_drop(rig->log, rig->appended.all[i].position, 1000);
    log_flush(rig->log);
    rig_checkpoint(rig, 0);
    log_stats(rig->log, &stats);
    assert_int_equal(stats.held_records, 0);
    assert_true(stats.segments <= 3);
}

static void
a_sparse_segment_is_the_victim(void **state)
{
    struct rig *rig = *state;
    uint32_t victim = 0;
    rig_boot(rig);
    rig_append_many(rig, 60, 1000, true); /* the first is well filled */
    rig_append_many(rig, 60, 1000, false);
    rig_append_many(rig, 1, 1000, true);
    rig_append_many(rig, 120, 1000, false);
    assert_false(log_victim(rig->log, 25, &victim)); /* no checkpoint covers anything */
    rig_checkpoint(rig, 0);
    assert_true(log_victim(rig->log, 25, &victim));
    assert_int_equal(victim, position_segment(rig->appended.all[120].position));
    log_drop(rig->log, rig->appended.all[120].position, 1000);
    log_flush(rig->log);
    rig_run(rig, 100);
    assert_false(log_victim(rig->log, 25, &victim));
}

/* What is allocated ahead is small against a segment. */
static void
a_segment_grows_with_what_is_written(void **state)
{
    struct rig *rig = *state;
    struct log_stats stats;
    rig->config.segment_bytes = 1024 * 1024;
    rig_boot(rig);
    uint64_t piece = supply_piece_min(rig->log), ahead = 2 * piece + supply_reserve_bytes(rig->log);
    assert_int_equal(piece, SEGMENT_BYTES_MIN);
    for (unsigned i = 0; i < 60; i++) {
        rig_append_many(rig, 10, 1000, true);
        rig_run(rig, 20);
        assert_true(sim_disk_used(rig->machine) <= position_offset(log_end(rig->log)) + ahead);
    }
    log_stats(rig->log, &stats);
    assert_int_equal(stats.segments, 1);
    rig_power_cut(rig);
    rig_boot(rig);
    rig_expect(rig, 0, 600);
}

/* More comes in one turn than is allocated: segments are left before they are grown up, and more is allocated ahead,
 * until that is not needed any more. */
static void
a_writer_that_outruns_the_disk_gets_larger_pieces(void **state)
{
    struct rig *rig = *state;
    struct log_stats stats;
    rig->config.segment_bytes = rig->config.batch_bytes_max = 512 * 1024;
    rig_boot(rig);
    for (unsigned i = 0; i < 6; i++) {
        for (unsigned k = 0; k < 300; k++)
            log_hold(rig->log, (uint64_t)rig_append(rig, 1000, false), 1000);
        rig_commit(rig);
        rig_run(rig, 100);
    }
    log_stats(rig->log, &stats);
    assert_true(stats.segments < 12);
    assert_true(rig->log->supply.piece_bytes > 8 * supply_piece_min(rig->log));
    rig_append_many(rig, 4000, 1000, true);
    rig_run(rig, 100);
    assert_int_equal(rig->log->supply.piece_bytes, supply_piece_min(rig->log));
    rig_power_cut(rig);
    rig_boot(rig);
    rig_expect(rig, 0, 5800);
}

static void
an_oversized_record_has_a_segment_of_its_own(void **state)
{
    struct rig *rig = *state;
    rig->config.batch_bytes_max = 1024 * 1024;
    rig_boot(rig);
    rig_append(rig, 100, false);
    rig_append(rig, 200 * 1024, false);
    rig_append(rig, 100, false);
    rig_append(rig, 190 * 1024, false);
    rig_append(rig, 180 * 1024, false);
    rig_commit(rig);
    uint8_t *bytes = mem_raw(&rig->world, 300 * 1024);
    unsigned kind;
    assert_int_equal(log_read_now(rig->log, rig->appended.all[1].position, bytes, 300 * 1024, &kind), 200 * 1024);
    assert_int_equal(log_read_now(rig->log, rig->appended.all[1].position, bytes, 1024, &kind), -ERR_TOO_LARGE);
    mem_free(&rig->world, bytes);
    rig_power_cut(rig);
    rig_boot(rig);
    rig_expect(rig, 0, 5);
    rig_checkpoint(rig, 0);
    assert_true(sim_disk_used(rig->machine) <= 6 * 64 * 1024);
}

/* ---- checkpoints ----------------------------------------------------------------------------------------- */

static void
a_checkpoint_and_the_tail_come_back(void **state)
{
    struct rig *rig = *state;
    rig_boot(rig);
    rig_append_many(rig, 50, 500, false);
    assert_true(log_checkpoint_begin(rig->log) > 0);
    assert_int_equal(log_checkpoint_begin(rig->log), 0);
    rig_append_many(rig, 20, 500, false);
    log_checkpoint_abandon(rig->log);
    rig_run(rig, 100);
    assert_int_equal(log_since_checkpoint(rig->log), 20 * record_span(500));
    rig_checkpoint(rig, 3000);
    rig_append_many(rig, 20, 500, false);
    rig_power_cut(rig);
    rig_boot(rig);
    rig_expect(rig, 70, 90);
    assert_int_equal(rig->checkpoint.count, 3000);
    for (size_t i = 0; i < 3000; i++) {
        assert_int_equal(rig->checkpoint.all[i].kind, 1 + i % 7);
        assert_int_equal(rig->checkpoint.all[i].len, i % 1000);
    }
    assert_int_equal(log_since_checkpoint(rig->log), 20 * record_span(500));
}

/* It may speak of records that are not committed: then it must not be there before them. */
static void
a_checkpoint_waits_for_the_log(void **state)
{
    struct rig *rig = *state;
    rig_boot(rig);
    rig_append_many(rig, 1, 500, false);
    assert_true(log_checkpoint_begin(rig->log) > 0);
    rig_append(rig, 100, false);
    log_checkpoint_end(rig->log, NULL, NULL);
    rig_run(rig, 1000);
    assert_false(rig_has(rig, NAME_CHECKPOINT, 1));
    rig_commit(rig);
    rig_run(rig, 1000);
    assert_true(rig_has(rig, NAME_CHECKPOINT, 1));
}

static void
a_damaged_checkpoint_is_set_aside(void **state)
{
    struct rig *rig = *state;
    rig_boot(rig);
    rig_append_many(rig, 10, 500, false);
    rig_checkpoint(rig, 100);
    rig_append_many(rig, 10, 500, false);
    rig_kill(rig);
    assert_int_equal(sim_flip_bit(rig->machine, "log/checkpoint-0000000001", 8 * 3000 + 1), 0);
    rig_boot(rig);
    rig_expect(rig, 0, 20); /* all of it is still in the log */
    assert_int_equal(rig->checkpoint.count, 0);
    assert_int_equal(rig->report.quarantined_places, 1);
    assert_true(rig->notes > 0);
    uint8_t byte;
    assert_int_equal(sim_file_peek(rig->machine, "log/quarantine/checkpoint-0000000001", 0, &byte, 1), 1);
    rig_checkpoint(rig, 5);
    rig_kill(rig);
    rig_boot(rig);
    assert_int_equal(rig->checkpoint.count, 5);
    assert_int_equal(rig->replayed.count, 0);
}

static void
a_checkpoint_that_cannot_be_written_is_told(void **state)
{
    struct rig *rig = *state;
    rig_boot(rig);
    rig_append_many(rig, 10, 500, false);
    rig_checkpoint(rig, 3);
    sim_disk_fail(rig->machine, IO_SYNC_DIR, 1);
    rig_checkpoint(rig, 4);
    assert_int_equal(rig->checkpoint_rc, -ERR_IO);
    rig_checkpoint(rig, 5);
    assert_int_equal(rig->checkpoint_rc, 0);
    rig_power_cut(rig);
    rig_boot(rig);
    assert_int_equal(rig->checkpoint.count, 5);
}

/* ---- offline --------------------------------------------------------------------------------------------- */

struct seen {
    unsigned segments, records, checkpoints, checkpoint_records, torn, damaged;
};

static int
on_item(void *arg, const struct log_scan_item *item)
{
    struct seen *seen = arg;
    seen->segments += item->what == LOG_SCAN_SEGMENT;
    seen->checkpoints += item->what == LOG_SCAN_CHECKPOINT;
    seen->torn += item->what == LOG_SCAN_TORN;
    seen->damaged += item->what == LOG_SCAN_DAMAGED;
    if (item->what == LOG_SCAN_RECORD && item->in_checkpoint)
        seen->checkpoint_records++;
    else if (item->what == LOG_SCAN_RECORD)
        seen->records++;
    return 0;
}

static void
a_scan_tells_everything(void **state)
{
    struct rig *rig = *state;
    struct seen seen = { 0 };
    rig_boot(rig);
    rig_append_many(rig, 100, 1000, true);
    rig_checkpoint(rig, 12);
    rig_append_many(rig, 100, 1000, true);
    assert_int_equal(log_scan(rig->io, "log", on_item, &seen), 0);
    assert_int_equal(seen.records, 200);
    assert_int_equal(seen.checkpoints, 1);
    assert_int_equal(seen.checkpoint_records, 12);
    assert_true(seen.segments >= 4);
    assert_int_equal(seen.torn + seen.damaged, 0);

    seen = (struct seen){ 0 };
    uint64_t bit = 8 * (position_offset(rig->appended.all[3].position) + 300);
    assert_int_equal(sim_flip_bit(rig->machine, "log/0000000001.seg", bit), 0);
    assert_int_equal(log_scan(rig->io, "log", on_item, &seen), 0);
    assert_int_equal(seen.records, 199);
    assert_int_equal(seen.damaged, 1);
    assert_int_equal(log_scan(rig->io, "nowhere", on_item, &seen), -ERR_NOT_FOUND);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(records_of_all_sizes_come_back),
        CASE(a_killed_process_loses_nothing_committed),
        CASE(an_empty_log_opens_again),
        CASE(what_was_not_flushed_is_not_written),
        CASE(one_sync_for_whatever_came_meanwhile),
        CASE(positions_grow_and_never_come_twice),
        CASE(segments_roll_over),
        CASE(dead_segments_are_used_again),
        CASE(held_segments_live),
        CASE(a_segment_dies_only_when_its_last_drop_is_durable),
        CASE(holds_of_a_segment_that_is_gone_are_forgiven_in_replay),
        CASE(a_sparse_segment_is_the_victim),
        CASE(a_segment_grows_with_what_is_written),
        CASE(a_writer_that_outruns_the_disk_gets_larger_pieces),
        CASE(an_oversized_record_has_a_segment_of_its_own),
        CASE(a_checkpoint_and_the_tail_come_back),
        CASE(a_checkpoint_waits_for_the_log),
        CASE(a_damaged_checkpoint_is_set_aside),
        CASE(a_checkpoint_that_cannot_be_written_is_told),
        CASE(a_scan_tells_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
