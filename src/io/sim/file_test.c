/* The bytes of simulated files against a naive oracle: a snapshot of the whole file after every change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "io/sim/file.h"

enum { ROOM = 24 * 1024, CHANGES = 24, RUNS = 300 };

struct snapshot {
    uint64_t size;
    uint8_t bytes[ROOM];
};

struct twin {
    struct mem mem;
    struct prng chance;
    uint64_t space_used;
    struct sim_file *file;
    unsigned newest; /* of the snapshots; the 0th is what is saved */
    struct snapshot was[CHANGES + 1];
};

static void
twin_open(struct twin *twin, uint64_t seed)
{
    memset(twin, 0, sizeof(*twin));
    prng_init(&twin->chance, seed);
    twin->file = sim_file_new(&twin->mem, &twin->space_used);
}

static void
twin_close(struct twin *twin)
{
    sim_file_unref(twin->file);
    assert_int_equal(twin->space_used, 0);
    assert_int_equal(twin->mem.used_bytes, 0);
}

static void
check_same(struct twin *twin, const struct snapshot *snapshot)
{
    uint8_t bytes[ROOM + 1];
    assert_int_equal(twin->file->size, snapshot->size);
    assert_int_equal(twin->space_used, snapshot->size);
    assert_int_equal(sim_file_read(twin->file, 0, bytes, sizeof(bytes)), snapshot->size);
    assert_memory_equal(bytes, snapshot->bytes, snapshot->size);
}

static void
write_both(struct twin *twin, struct snapshot *to, size_t unit)
{
    uint8_t bytes[ROOM];
    size_t at = (size_t)prng_below(&twin->chance, ROOM / unit) * unit;
    size_t len = (1 + (size_t)prng_below(&twin->chance, (ROOM - at) / unit)) * unit;
    size_t cut = (size_t)prng_below(&twin->chance, len + 1);
    prng_fill(&twin->chance, bytes, len);
    const struct view views[] = { view_of(bytes, cut), view_of(bytes + cut, len - cut) };
    sim_file_write(twin->file, at, views, 2);
    memcpy(to->bytes + at, bytes, len);
    if (to->size < at + len)
        to->size = at + len;
}

static void
resize_both(struct twin *twin, struct snapshot *to, size_t unit)
{
    uint64_t size = prng_below(&twin->chance, ROOM / unit + 1) * unit;
    sim_file_resize(twin->file, size);
    if (size < to->size)
        memset(to->bytes + size, 0, to->size - size);
    to->size = size;
}

static void
change_both(struct twin *twin, size_t unit)
{
    struct snapshot *to = &twin->was[twin->newest + 1];
    *to = twin->was[twin->newest++];
    if (prng_once_in(&twin->chance, 4))
        resize_both(twin, to, unit);
    else
        write_both(twin, to, unit);
    check_same(twin, to);
}

static void
save_both(struct twin *twin)
{
    sim_file_save(twin->file, sim_file_mark(twin->file));
    assert_true(sim_file_is_saved(twin->file));
    twin->was[0] = twin->was[twin->newest];
    twin->newest = 0;
}

static void
files_show_what_was_written(void **state)
{
    (void)state;
    static struct twin twin;
    for (uint64_t seed = 0; seed < RUNS; seed++) {
        twin_open(&twin, seed);
        while (twin.newest < CHANGES)
            change_both(&twin, 1);
        twin_close(&twin);
    }
}

static void
saved_files_outlive_power(void **state)
{
    (void)state;
    static struct twin twin;
    for (uint64_t seed = 0; seed < RUNS; seed++) {
        twin_open(&twin, seed);
        for (unsigned i = 0; i < CHANGES; i++) {
            change_both(&twin, 1);
            if (prng_once_in(&twin.chance, 3))
                save_both(&twin);
        }
        save_both(&twin);
        sim_file_cut(twin.file, &twin.chance);
        check_same(&twin, &twin.was[0]);
        twin_close(&twin);
    }
}

static bool
was_ever(const struct twin *twin, uint64_t at, const uint8_t *sector)
{
    static const uint8_t zeros[SIM_SECTOR_BYTES];
    if (memcmp(zeros, sector, SIM_SECTOR_BYTES) == 0)
        return true; /* a hole, or cut off */
    for (unsigned i = 0; i <= twin->newest; i++)
        if (memcmp(twin->was[i].bytes + at, sector, SIM_SECTOR_BYTES) == 0)
            return true;
    return false;
}

/* After a power cut each sector is what it was at some moment since the last save. */
static void
unsaved_sectors_are_of_some_moment(void **state)
{
    (void)state;
    static struct twin twin;
    uint8_t bytes[ROOM];
    for (uint64_t seed = 0; seed < RUNS; seed++) {
        twin_open(&twin, seed);
        for (unsigned i = 0; i < CHANGES; i++) {
            change_both(&twin, SIM_SECTOR_BYTES);
            if (prng_once_in(&twin.chance, 8))
                save_both(&twin);
        }
        sim_file_cut(twin.file, &twin.chance);
        assert_true(sim_file_is_saved(twin.file));
        size_t size = sim_file_read(twin.file, 0, bytes, sizeof(bytes));
        assert_int_equal(size, twin.file->size);
        assert_int_equal(size % SIM_SECTOR_BYTES, 0);
        for (size_t at = 0; at < size; at += SIM_SECTOR_BYTES)
            assert_true(was_ever(&twin, at, bytes + at));
        twin_close(&twin);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_show_what_was_written),
        cmocka_unit_test(saved_files_outlive_power),
        cmocka_unit_test(unsaved_sectors_are_of_some_moment),
    };
    return cmocka_run_group_tests_name("sim_file", tests, NULL, NULL);
}
