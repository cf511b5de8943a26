/* The log on the real house: written, closed, opened again; checkpoint and reads too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"
#include "log/log.h"

enum { RECORDS = 2000, RECORD_BYTES = 300, CHECKPOINT_RECORDS = 500 };

struct life {
    struct mem mem;
    struct io *io;
    struct log *log;
    const char *dir;
    struct log_report report;
    uint64_t positions[RECORDS];
    unsigned appended, replayed, restored;
    struct log_read read;
    bool ended;
    struct io_timer timer;
};

static void
print_record(uint8_t *ret, unsigned i)
{
    memset(ret, (int)(i % 251), RECORD_BYTES);
    ret[0] = (uint8_t)(i >> 8);
    ret[1] = (uint8_t)i;
}

static bool
is_record(struct view record, unsigned i)
{
    uint8_t wanted[RECORD_BYTES];
    print_record(wanted, i);
    return view_equal(record, view_of(wanted, sizeof(wanted)));
}

/* ---- the owner ------------------------------------------------------------------------------------------- */

static void
on_committed(void *arg, uint64_t position)
{
    struct life *life = arg;
    assert_true(position <= log_end(life->log));
}

static int
on_replay(void *arg, unsigned kind, uint64_t position, struct view record)
{
    struct life *life = arg;
    if (position == 0) {
        life->restored++;
        return 0;
    }
    assert_int_equal(kind, 7);
    assert_true(is_record(record, life->restored > 0 ? life->replayed + RECORDS / 2 : life->replayed));
    life->replayed++;
    return 0;
}

static void
on_note(void *arg, int severity, const char *line)
{
    (void)arg;
    fail_msg("severity %d: %s", severity, line);
}

static void
on_pressed(void *arg, bool short_of_room)
{
    (void)arg;
    (void)short_of_room;
}

static void
life_open(struct life *life)
{
    struct log_config config = {
        .dir = life->dir, .tier = TIER_SYNCED, .segment_bytes = 128 * 1024, .batch_bytes_max = 256 * 1024
    };
    struct log_owner owner = {
        .arg = life, .committed = on_committed, .replay = on_replay, .note = on_note, .pressed = on_pressed
    };
    life->replayed = life->restored = 0;
    assert_int_equal(io_uv_new(&life->mem, &life->io), 0);
    assert_int_equal(log_new(life->io, &config, &owner, &life->log), 0);
    assert_int_equal(log_open(life->log, &life->report), 0);
}

static void
on_closed(void *arg)
{
    struct life *life = arg;
    life->log = NULL;
    io_stop(life->io);
}

static void
life_end(struct life *life)
{
    io_timer_cut(life->io, &life->timer);
    io_free(life->io);
    assert_int_equal(life->mem.used_bytes, 0);
}

/* ---- a life that writes ------------------------------------------------------------------------------------ */

static void
on_checkpointed(void *arg, int rc)
{
    struct life *life = arg;
    assert_int_equal(rc, 0);
    life->ended = true;
}

static void
put_checkpoint(struct life *life)
{
    static const uint8_t bytes[1000];
    struct view part = view_of(bytes, sizeof(bytes));
    assert_true(log_checkpoint_begin(life->log) > 0);
    for (unsigned i = 0; i < CHECKPOINT_RECORDS; i++)
        assert_int_equal(log_checkpoint_put(life->log, 1, &part, 1), 0);
    log_checkpoint_end(life->log, on_checkpointed, life);
}

static void
append_some(struct life *life)
{
    for (int i = 0; i < 100 && life->appended < RECORDS; i++) {
        uint8_t bytes[RECORD_BYTES];
        print_record(bytes, life->appended);
        struct view part = view_of(bytes, sizeof(bytes));
        int64_t position = log_append(life->log, 7, false, &part, 1);
        assert_true(position > 0);
        log_hold(life->log, (uint64_t)position, RECORD_BYTES);
        life->positions[life->appended++] = (uint64_t)position;
        if (life->appended == RECORDS / 2)
            put_checkpoint(life);
    }
}

static void
on_tick(void *arg)
{
    (void)arg;
}

/* Each turn appends some; when all is written and covered the log is closed. */
static void
on_turn(void *arg)
{
    struct life *life = arg;
    if (life->log == NULL)
        return;
    append_some(life);
    log_flush(life->log);
    if (life->appended == RECORDS && life->ended && log_committed(life->log) == log_end(life->log)) {
        log_close(life->log, on_closed, life);
        io_on_turn(life->io, on_tick, NULL);
        return;
    }
    assert_int_equal(io_timer_set(life->io, &life->timer, io_now_ns(life->io), on_tick, life), 0);
}

/* ---- a life that reads ------------------------------------------------------------------------------------- */

static void
on_read(struct log_read *read)
{
    struct life *life = read->arg;
    unsigned kind;
    struct view record;
    assert_int_equal(read->rc, 0);
    for (unsigned i = 100; i < 110; i++) {
        assert_true(log_read_at(read, life->positions[i], &kind, &record));
        assert_true(is_record(record, i));
    }
    log_read_release(read);
    log_close(life->log, on_closed, life);
}

static void
unlink_it(void *arg, const char *name)
{
    struct life *life = arg;
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", life->dir, name);
    struct io_job job = { .op = IO_UNLINK, .path = path };
    assert_true(io_now(life->io, &job) >= 0);
}

static void
empty_dir(struct life *life)
{
    assert_int_equal(io_uv_new(&life->mem, &life->io), 0);
    (void)io_list(life->io, life->dir, unlink_it, life);
    io_free(life->io);
}

static int
set_up(void **state)
{
    struct mem none = { 0 };
    struct life *life = MEM_NEW(&none, struct life);
    assert_non_null(life);
    life->dir = "log_uv_test.dir"; /* in the directory of the build */
    empty_dir(life);
    *state = life;
    return 0;
}

static int
tear_down(void **state)
{
    struct mem mem = { .used_bytes = SIZE_MAX / 2 };
    empty_dir(*state);
    mem_free(&mem, *state);
    return 0;
}

static void
a_log_is_written_and_read_back(void **state)
{
    struct life *life = *state;
    life_open(life);
    io_on_turn(life->io, on_turn, life);
    assert_int_equal(io_timer_set(life->io, &life->timer, 0, on_tick, life), 0);
    assert_int_equal(io_run(life->io), 0);
    life_end(life);

    life_open(life);
    assert_int_equal(life->restored, CHECKPOINT_RECORDS);
    assert_int_equal(life->replayed, RECORDS / 2);
    assert_int_equal(life->report.cut_bytes + life->report.quarantined_places, 0);
    /* Its segments are covered by the checkpoint, and held by nobody: the first flush would let them go. */
    life->read =
        (struct log_read){ .position = life->positions[100], .ahead_bytes = 64 * 1024, .done = on_read, .arg = life };
    assert_int_equal(log_read(life->log, &life->read), 0);
    assert_int_equal(io_run(life->io), 0);
    life_end(life);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_log_is_written_and_read_back, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
