/* Damage: each byte of a small log flipped, and cut off, one after the other.  What comes back is a record that was
 * appended, in order; what is missing is reported. */
#include "base/hash.h"
#include "log/log_rig.h"

static struct mem none;

static struct rig *
rig_new(uint64_t seed)
{
    struct rig *rig = MEM_NEW(&none, struct rig);
    assert_non_null(rig);
    rig_init(rig, seed, NULL);
    rig->config.segment_bytes = SEGMENT_BYTES_MIN;
    return rig;
}

static void
rig_free(struct rig *rig)
{
    rig_fini(rig);
    mem_free(&none, rig);
}

/* A log of a few batches in two segments, closed or killed. */
static struct rig *
small_log(bool closed)
{
    struct rig *rig = rig_new(1);
    rig_boot(rig);
    for (int i = 0; i < 24; i++) {
        assert_true(rig_append(rig, (size_t)(i * 37 % 200), false) > 0);
        if (i % 4 == 3)
            rig_commit(rig);
    }
    rig_append(rig, 10000, false);
    rig_commit(rig);
    rig_append(rig, 50, false);
    rig_append(rig, 51, false);
    rig_commit(rig);
    if (closed)
        rig_close(rig);
    else
        rig_kill(rig);
    return rig;
}

static bool
reported(const struct rig *rig)
{
    return rig->report.cut_bytes + rig->report.quarantined_places > 0;
}

/* Every replayed record was recognised in the rig.  None before the damage is missing, and what is missing is told. */
static void
check_damage(struct rig *rig, uint64_t position)
{
    assert_int_equal(rig->opened, 0);
    size_t next = 0;
    for (size_t i = 0; i < rig->appended.count; i++) {
        const struct rig_record *it = &rig->appended.all[i];
        bool there = next < rig->replayed.count && rig->replayed.all[next].id == it->id;
        next += there;
        if (it->position + record_span(it->len) <= position)
            assert_true(there);
    }
    assert_int_equal(next, rig->replayed.count);
    if (rig->replayed.count < rig->appended.count)
        assert_true(reported(rig));
}

static uint64_t
used_bytes(const struct rig *rig, uint32_t number)
{
    uint64_t end = SEGMENT_HEADER_BYTES;
    for (size_t i = 0; i < rig->appended.count; i++) {
        const struct rig_record *it = &rig->appended.all[i];
        if (position_segment(it->position) == number)
            end = position_offset(it->position) + record_span(it->len);
    }
    return end + BATCH_HEADER_BYTES;
}

/* Of the big record's payload, and of the header's padding, one byte in a hundred will do. */
static uint64_t
stride(const struct rig *rig, uint32_t number, uint64_t offset)
{
    const struct rig_record *big = &rig->appended.all[24];
    uint64_t position = position_of(number, offset);
    bool dull = position > big->position + 100 && position < big->position + big->len - 200;
    bool padding = offset > 64 && offset < SEGMENT_HEADER_BYTES - 64 && (offset < 2000 || offset > 2100);
    return dull || padding ? 97 : 1;
}

static void
flip_each_byte(bool closed)
{
    struct rig *rig = small_log(closed);
    for (uint32_t number = 1; number <= 2; number++) {
        char path[PATH_BYTES];
        name_path(path, "log", NAME_SEGMENT, number);
        for (uint64_t at = 0; at < used_bytes(rig, number); at += stride(rig, number, at)) {
            uint64_t bit = 8 * at + at % 8;
            assert_int_equal(sim_flip_bit(rig->machine, path, bit), 0);
            rig_boot(rig);
            check_damage(rig, position_of(number, at));
            if (closed && rig->replayed.count < rig->appended.count)
                assert_true(rig->report.quarantined_places > 0);
            rig_kill(rig); /* nothing was flushed: the log is as it was */
            assert_int_equal(sim_flip_bit(rig->machine, path, bit), 0);
        }
    }
    rig_boot(rig);
    rig_expect(rig, 0, rig->appended.count);
    rig_free(rig);
}

static void
each_byte_flipped_is_found(void **state)
{
    (void)state;
    flip_each_byte(false);
}

/* A log that was closed has no torn end: all damage is told as such. */
static void
each_byte_flipped_in_a_closed_log_is_damage(void **state)
{
    (void)state;
    flip_each_byte(true);
}

/* ---- files that change from outside -------------------------------------------------------------------------- */

/* Runs a file job on the machine while its log is open but idle. */
static void
do_job(struct rig *rig, struct io_job job)
{
    assert_true(io_now(rig->io, &job) >= 0);
}

static void
resize(struct rig *rig, const char *path, uint64_t size)
{
    int64_t file = open_now(rig->io, path, 0);
    assert_true(file >= 0);
    do_job(rig, (struct io_job){ .op = IO_TRUNCATE, .file = file, .offset = size });
    do_job(rig, (struct io_job){ .op = IO_SYNC, .file = file });
    close_now(rig->io, file);
}

static void
overwrite(struct rig *rig, const char *path, uint64_t offset, const uint8_t *bytes, size_t len)
{
    int64_t file = open_now(rig->io, path, 0);
    assert_true(file >= 0);
    struct io_job job = { .op = IO_WRITE, .file = file, .offset = offset, .view_count = 1 };
    job.views[0] = view_of(bytes, len);
    do_job(rig, job);
    do_job(rig, (struct io_job){ .op = IO_SYNC, .file = file });
    close_now(rig->io, file);
}

static void
cut_off_anywhere_keeps_what_is_before(void **state)
{
    (void)state;
    static uint8_t bytes[SEGMENT_BYTES_MIN];
    struct rig *rig = small_log(false);
    rig_boot(rig);
    const char *path = "log/0000000001.seg";
    assert_int_equal(sim_file_peek(rig->machine, path, 0, bytes, sizeof(bytes)), sizeof(bytes));
    for (uint64_t size = 0; size < sizeof(bytes); size += size < 4000 ? 97 : stride(rig, 1, size)) {
        resize(rig, path, size);
        rig_kill(rig);
        rig_boot(rig);
        check_damage(rig, position_of(1, size));
        overwrite(rig, path, 0, bytes, sizeof(bytes));
    }
    rig_kill(rig);
    rig_boot(rig);
    rig_expect(rig, 0, rig->appended.count);
    rig_free(rig);
}

static void
a_missing_segment_is_told(void **state)
{
    (void)state;
    struct rig *rig = small_log(true);
    rig_boot(rig);
    do_job(rig, (struct io_job){ .op = IO_UNLINK, .path = "log/0000000001.seg" });
    rig_kill(rig);
    rig_boot(rig);
    assert_int_equal(rig->opened, 0);
    assert_true(rig->replayed.count >= 2 && rig->replayed.count < rig->appended.count);
    assert_true(rig->report.quarantined_places > 0);
    rig_free(rig);
}

static void
damage_is_copied_aside(void **state)
{
    (void)state;
    struct rig *rig = small_log(true);
    const struct rig_record *it = &rig->appended.all[10];
    uint32_t offset = position_offset(it->position);
    uint8_t before[64], after[64];
    char path[PATH_BYTES];
    sim_file_peek(rig->machine, "log/0000000001.seg", offset, before, sizeof(before));
    assert_int_equal(sim_flip_bit(rig->machine, "log/0000000001.seg", 8 * (offset + 20)), 0);
    rig_boot(rig);
    assert_int_equal(rig->replayed.count, rig->appended.count - 1);
    assert_int_equal(rig->report.quarantined_bytes, record_span(it->len));
    snprintf(path, sizeof(path), "log/quarantine/0000000001-%010u", offset);
    assert_true(sim_file_peek(rig->machine, path, 0, after, sizeof(after)) > 32);
    before[20] ^= 1;
    assert_memory_equal(before, after, 32);
    rig_free(rig);
}

/* A batch that was cut must stay cut, though the log goes on behind it. */
static void
what_was_cut_stays_cut(void **state)
{
    (void)state;
    struct rig *rig = small_log(false);
    size_t count = rig->appended.count;
    uint64_t bit = 8 * (position_offset(rig->appended.all[count - 2].position) + 20);
    assert_int_equal(sim_flip_bit(rig->machine, "log/0000000002.seg", bit), 0);
    rig_boot(rig);
    assert_true(rig->report.cut_bytes > 0);
    rig_expect(rig, 0, count - 2);
    rig_append(rig, 70, false);
    rig_commit(rig);
    assert_int_equal(sim_flip_bit(rig->machine, "log/0000000002.seg", bit), 0); /* the old bytes are good again */
    rig_kill(rig);
    rig_boot(rig);
    assert_int_equal(rig->replayed.count, count - 1);
    assert_int_equal(rig->replayed.all[count - 2].id, rig->appended.all[count].id);
    assert_false(reported(rig));
    rig_free(rig);
}

/* A segment is used again, and holds little when the log rolls over: behind its end lie whole records of its former
 * life. They must not come back, even when the search for what is whole passes over them. */
static void
former_lives_are_not_resurrected(void **state)
{
    (void)state;
    struct rig *rig = rig_new(1);
    rig_boot(rig);
    for (int i = 0; i < 300; i++) {
        rig_append(rig, 500, false);
        rig_commit(rig);
    }
    rig_checkpoint(rig, 0);
    uint32_t segment;
    do {
        rig_append(rig, 500, false);
        rig_commit(rig);
        segment = position_segment(rig->appended.all[rig->appended.count - 1].position);
    } while (segment == position_segment(rig->appended.all[rig->appended.count - 2].position));
    size_t first = rig->appended.count - 1;
    rig_append(rig, 14000, false); /* does not fit */
    rig_commit(rig);
    rig_close(rig);

    char path[PATH_BYTES];
    name_path(path, "log", NAME_SEGMENT, segment);
    uint32_t offset = position_offset(rig->appended.all[first].position);
    assert_int_equal(sim_flip_bit(rig->machine, path, 8 * (offset - 20)), 0); /* its batch's header */
    rig_boot(rig);
    assert_int_equal(rig->replayed.all[rig->replayed.count - 2].id, rig->appended.all[first].id); /* salvaged */
    assert_int_equal(rig->replayed.all[rig->replayed.count - 1].id, rig->appended.all[first + 1].id);
    assert_true(rig->report.quarantined_places > 0);
    rig_free(rig);
}

static void
an_unknown_version_is_refused(void **state)
{
    (void)state;
    static uint8_t page[SEGMENT_HEADER_BYTES];
    struct rig *rig = small_log(true);
    rig_boot(rig);
    sim_file_peek(rig->machine, "log/0000000001.seg", 0, page, sizeof(page));
    page[11] = 99;
    uint64_t sum = hash_bytes(view_of(page, 48), 0);
    for (int i = 0; i < 8; i++)
        page[48 + i] = (uint8_t)(sum >> (56 - 8 * i));
    overwrite(rig, "log/0000000001.seg", 0, page, 56);
    rig_kill(rig);
    rig_boot(rig);
    assert_int_equal(rig->opened, -ERR_FORMAT);
    rig_free(rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_byte_flipped_is_found),
        cmocka_unit_test(each_byte_flipped_in_a_closed_log_is_damage),
        cmocka_unit_test(cut_off_anywhere_keeps_what_is_before),
        cmocka_unit_test(a_missing_segment_is_told),
        cmocka_unit_test(damage_is_copied_aside),
        cmocka_unit_test(what_was_cut_stays_cut),
        cmocka_unit_test(former_lives_are_not_resurrected),
        cmocka_unit_test(an_unknown_version_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
