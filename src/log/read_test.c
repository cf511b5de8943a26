/* Reading back: out of the buffers, off the disk, ahead; released at any time. */
#include "log/log_rig.h"

static const size_t sizes[] = { 0,   1,   7,    8,    9,    15,   16,   17,    63,    64,    65,    100,
                                240, 241, 1000, 4000, 4096, 8000, 9999, 16384, 40000, 61440, 65536, 150000 };

/* ---- reading --------------------------------------------------------------------------------------------- */

static void
on_read(struct log_read *read)
{
    struct rig *rig = read->arg;
    rig->read_done = true;
}

static bool
is_read(void *arg)
{
    return ((struct rig *)arg)->read_done;
}

static int
read_it(struct rig *rig, struct log_read *read, uint64_t position, size_t ahead)
{
    read->position = position;
    read->ahead_bytes = ahead;
    read->done = on_read;
    read->arg = rig;
    rig->read_done = false;
    assert_int_equal(log_read(rig->log, read), 0);
    assert_false(rig->read_done);
    assert_true(sim_run_until(rig->sim, is_read, rig, SIM_NS_A_S));
    return read->rc;
}

static void
expect_at(struct rig *rig, const struct log_read *read, size_t i, bool there)
{
    unsigned kind;
    struct view record, peeked;
    const struct rig_record *it = &rig->appended.all[i];
    assert_int_equal(log_read_at(read, it->position, &kind, &record), there);
    if (!there)
        return;
    assert_int_equal(kind, it->kind);
    assert_true(record.len == it->len && rig_is(record, it->id));
    assert_true(log_peek(rig->log, it->position, &peeked));
    assert_true(view_equal(peeked, record));
}

static void
reads_take_along_what_follows(void **state)
{
    struct rig *rig = *state;
    struct log_read read = { 0 };
    rig_boot(rig);
    rig_append_many(rig, 200, 1000, false);
    assert_int_equal(read_it(rig, &read, rig->appended.all[10].position, 16 * 1024), 0);
    for (size_t i = 10; i < 25; i++)
        expect_at(rig, &read, i, true);
    expect_at(rig, &read, 9, false);
    expect_at(rig, &read, 40, false);
    assert_int_equal(read_it(rig, &read, rig->appended.all[40].position, 0), 0); /* lets go of the other */
    expect_at(rig, &read, 40, true);
    expect_at(rig, &read, 10, false);
    log_read_release(&read);
    log_read_release(&read);
    struct view record;
    assert_false(log_peek(rig->log, rig->appended.all[40].position, &record));
}

static void
reads_find_records_of_all_sizes(void **state)
{
    struct rig *rig = *state;
    struct log_read read = { 0 };
    rig_boot(rig);
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        rig_append(rig, sizes[i], true);
    for (int life = 0; life < 2; life++) {
        for (size_t i = 0; i < COUNT_OF(sizes); i++) { /* pending in the first round */
            assert_int_equal(read_it(rig, &read, rig->appended.all[i].position, 0), 0);
            expect_at(rig, &read, i, true);
        }
        log_read_release(&read);
        rig_commit(rig);
        rig_kill(rig);
        rig_boot(rig);
    }
}

static void
pending_records_are_peeked(void **state)
{
    struct rig *rig = *state;
    struct view record;
    rig_boot(rig);
    for (size_t i = 0; i < 100; i++) {
        rig_append(rig, 1500, false);
        for (size_t k = 0; k <= i; k++) {
            assert_true(log_peek(rig->log, rig->appended.all[k].position, &record));
            assert_true(rig_is(record, rig->appended.all[k].id));
        }
    }
    rig_commit(rig);
    assert_true(log_peek(rig->log, rig->appended.all[99].position, &record)); /* till the end of the turn */
    log_flush(rig->log);
    assert_false(log_peek(rig->log, rig->appended.all[99].position, &record));
}

static void
a_read_may_be_released_while_it_runs(void **state)
{
    struct rig *rig = *state;
    rig_boot(rig);
    rig_append_many(rig, 200, 1000, false);
    struct log_read *read = MEM_NEW(&rig->world, struct log_read);
    read->position = rig->appended.all[3].position;
    read->done = on_read;
    read->arg = rig;
    rig->read_done = false;
    assert_int_equal(log_read(rig->log, read), 0);
    log_read_release(read);
    mem_free(&rig->world, read);
    rig_run(rig, 100);
    assert_false(rig->read_done);

    struct log_read other = { .position = rig->appended.all[3].position, .done = on_read, .arg = rig };
    assert_int_equal(log_read(rig->log, &other), 0);
    rig_power_cut(rig); /* its log goes, and the read with it */
    assert_null(other.fetch);
    log_read_release(&other);
}

static void
a_damaged_record_is_not_read(void **state)
{
    struct rig *rig = *state;
    struct log_read read = { 0 };
    rig_boot(rig);
    rig_append_many(rig, 20, 1000, false);
    uint64_t position = rig->appended.all[7].position;
    assert_int_equal(sim_flip_bit(rig->machine, "log/0000000001.seg", 8 * (position_offset(position) + 500)), 0);
    assert_int_equal(read_it(rig, &read, position, 0), -ERR_DAMAGED);
    expect_at(rig, &read, 7, false);
    expect_at(rig, &read, 8, true);
    assert_int_equal(read_it(rig, &read, position_of(99, 4096), 0), -ERR_DAMAGED);
    log_read_release(&read);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(reads_take_along_what_follows), CASE(reads_find_records_of_all_sizes),
        CASE(pending_records_are_peeked),    CASE(a_read_may_be_released_while_it_runs),
        CASE(a_damaged_record_is_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
