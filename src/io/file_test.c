/* What io.h promises of files.  Runs on both houses (world.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "io/scene.h"

enum { KIB = 1024 };

static const char *
path(struct scene *scene, const char *name, char *ret)
{
    snprintf(ret, 200, "%s", world_path(scene->world, name));
    return ret;
}

static int64_t
on_path(struct scene *scene, enum io_op op, const char *name, const char *name2)
{
    char a[200], b[200];
    struct io_job job = { .op = op, .path = path(scene, name, a) };
    if (name2 != NULL)
        job.path2 = path(scene, name2, b);
    return io_now(scene->io, &job);
}

/* The file, or -err. */
static int64_t
open_file(struct scene *scene, const char *name, unsigned flags)
{
    char room[200];
    struct io_job job = { .op = IO_OPEN, .path = path(scene, name, room), .flags = flags };
    int64_t rc = io_now(scene->io, &job);
    return rc < 0 ? rc : job.file;
}

static int64_t
on_file(struct scene *scene, enum io_op op, int64_t file, uint64_t offset)
{
    struct io_job job = { .op = op, .file = file, .offset = offset };
    return io_now(scene->io, &job);
}

static int64_t
write_text(struct scene *scene, enum io_op op, int64_t file, uint64_t offset, const char *text)
{
    struct io_job job = { .op = op, .file = file, .offset = offset, .view_count = 1 };
    job.views[0] = view_str(text);
    return io_now(scene->io, &job);
}

static void
expect_text(struct scene *scene, int64_t file, uint64_t offset, const char *text, size_t len)
{
    char room[200] = { 0 };
    struct io_job job = { .op = IO_READ, .file = file, .offset = offset, .into = (uint8_t *)room, .len = sizeof(room) };
    assert_int_equal(io_now(scene->io, &job), len);
    assert_memory_equal(room, text, len);
}

/* ---- one after the other ------------------------------------------------------------------------------------ */

static void
files_are_made_and_opened(void **state)
{
    struct scene *scene = *state;
    assert_int_equal(open_file(scene, "f", 0), -ERR_NOT_FOUND);
    int64_t file = open_file(scene, "f", IO_FLAG_CREATE | IO_FLAG_EXCLUSIVE);
    assert_true(file >= 0);
    assert_int_equal(on_file(scene, IO_SIZE, file, 0), 0);
    assert_int_equal(open_file(scene, "f", IO_FLAG_CREATE | IO_FLAG_EXCLUSIVE), -ERR_EXISTS);
    int64_t again = open_file(scene, "f", IO_FLAG_CREATE);
    assert_true(again >= 0 && again != file);
    assert_int_equal(on_file(scene, IO_CLOSE, again, 0), 0);
    assert_int_equal(on_file(scene, IO_CLOSE, file, 0), 0);
    assert_int_equal(open_file(scene, "missing/f", IO_FLAG_CREATE), -ERR_NOT_FOUND);
}

static void
views_are_written_one_after_the_other(void **state)
{
    struct scene *scene = *state;
    int64_t file = open_file(scene, "f", IO_FLAG_CREATE);
    struct io_job job = { .op = IO_WRITE, .file = file, .view_count = IO_VIEWS_MAX };
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
    for (unsigned i = 0; i < IO_VIEWS_MAX; i++)
        job.views[i] = view_of(&letters[i], i % 3);
    assert_true(io_now(scene->io, &job) >= 0);
    expect_text(scene, file, 0, "bcdefghijklmnop", 15);
    assert_true(write_text(scene, IO_WRITE_SYNC, file, 2, "XY") >= 0);
    assert_int_equal(on_file(scene, IO_SYNC, file, 0), 0);
    expect_text(scene, file, 0, "bcXYfghijklmnop", 15);
    expect_text(scene, file, 13, "op", 2);
    expect_text(scene, file, 15, "", 0);
    expect_text(scene, file, 1000, "", 0);
    on_file(scene, IO_CLOSE, file, 0);
}

static void
sizes_grow_and_shrink(void **state)
{
    struct scene *scene = *state;
    int64_t file = open_file(scene, "f", IO_FLAG_CREATE);
    write_text(scene, IO_WRITE, file, 0, "data");
    assert_int_equal(on_file(scene, IO_ALLOCATE, file, 300 * KIB), 0);
    assert_int_equal(on_file(scene, IO_SIZE, file, 0), 300 * KIB);
    expect_text(scene, file, 300 * KIB - 3, "\0\0\0", 3);
    assert_int_equal(on_file(scene, IO_ALLOCATE, file, 100), 0);
    assert_int_equal(on_file(scene, IO_SIZE, file, 0), 300 * KIB);
    assert_int_equal(on_file(scene, IO_TRUNCATE, file, 6), 0);
    expect_text(scene, file, 0, "data\0\0", 6);
    assert_int_equal(on_file(scene, IO_TRUNCATE, file, 8), 0);
    expect_text(scene, file, 0, "data\0\0\0\0", 8);
    on_file(scene, IO_CLOSE, file, 0);
}

static void
read_only_files_are_not_written(void **state)
{
    struct scene *scene = *state;
    int64_t file = open_file(scene, "f", IO_FLAG_CREATE);
    write_text(scene, IO_WRITE, file, 0, "data");
    on_file(scene, IO_CLOSE, file, 0);
    file = open_file(scene, "f", IO_FLAG_READ_ONLY);
    assert_true(file >= 0);
    assert_true(write_text(scene, IO_WRITE, file, 0, "atad") < 0);
    expect_text(scene, file, 0, "data", 4);
    on_file(scene, IO_CLOSE, file, 0);
}

static void
names_are_replaced_and_removed(void **state)
{
    struct scene *scene = *state;
    int64_t a = open_file(scene, "a", IO_FLAG_CREATE), b = open_file(scene, "b", IO_FLAG_CREATE);
    write_text(scene, IO_WRITE, a, 0, "from a");
    on_file(scene, IO_CLOSE, a, 0);
    on_file(scene, IO_CLOSE, b, 0);
    assert_int_equal(on_path(scene, IO_RENAME, "a", "b"), 0);
    assert_int_equal(open_file(scene, "a", 0), -ERR_NOT_FOUND);
    b = open_file(scene, "b", 0);
    expect_text(scene, b, 0, "from a", 6);
    on_file(scene, IO_CLOSE, b, 0);
    assert_int_equal(on_path(scene, IO_RENAME, "a", "b"), -ERR_NOT_FOUND);
    assert_int_equal(on_path(scene, IO_UNLINK, "b", NULL), 0);
    assert_int_equal(on_path(scene, IO_UNLINK, "b", NULL), -ERR_NOT_FOUND);
}

static void
directories_are_made_once(void **state)
{
    struct scene *scene = *state;
    assert_int_equal(on_path(scene, IO_MKDIR, "d", NULL), 0);
    assert_int_equal(on_path(scene, IO_MKDIR, "d", NULL), 0);
    assert_int_equal(on_path(scene, IO_MKDIR, "missing/d", NULL), -ERR_NOT_FOUND);
    assert_int_equal(on_path(scene, IO_SYNC_DIR, "d", NULL), 0);
    assert_int_equal(on_path(scene, IO_SYNC_DIR, "missing", NULL), -ERR_NOT_FOUND);
    assert_true(on_path(scene, IO_FREE_SPACE, "d", NULL) > 0);
}

static void
collect(void *arg, const char *name)
{
    strcat(strcat(arg, name), " ");
}

static void
names_are_listed_in_byte_order(void **state)
{
    static const char *const names[] = { "d/b", "d/a10", "d/a2", "d/B", "d/.x" };
    struct scene *scene = *state;
    char listed[200] = "", room[200];
    on_path(scene, IO_MKDIR, "d", NULL);
    for (size_t i = 0; i < COUNT_OF(names); i++)
        on_file(scene, IO_CLOSE, open_file(scene, names[i], IO_FLAG_CREATE), 0);
    assert_int_equal(io_list(scene->io, path(scene, "d", room), collect, listed), 0);
    assert_string_equal(listed, ".x B a10 a2 b ");
    assert_int_equal(io_list(scene->io, path(scene, "missing", room), collect, listed), -ERR_NOT_FOUND);
    for (size_t i = 0; i < COUNT_OF(names); i++)
        on_path(scene, IO_UNLINK, names[i], NULL);
}

static void
locks_exclude(void **state)
{
    struct scene *scene = *state;
    int64_t a = open_file(scene, "f", IO_FLAG_CREATE), b = open_file(scene, "f", 0);
    assert_int_equal(on_file(scene, IO_LOCK, a, 0), 0);
    assert_int_equal(on_file(scene, IO_LOCK, b, 0), -ERR_BUSY);
    on_file(scene, IO_CLOSE, a, 0);
    assert_int_equal(on_file(scene, IO_LOCK, b, 0), 0);
    on_file(scene, IO_CLOSE, b, 0);
}

static void
closed_files_are_refused(void **state)
{
    struct scene *scene = *state;
    int64_t file = open_file(scene, "f", IO_FLAG_CREATE);
    on_file(scene, IO_CLOSE, file, 0);
    assert_true(on_file(scene, IO_SIZE, file, 0) < 0);
    assert_true(on_file(scene, IO_SYNC, file, 0) < 0);
    assert_true(write_text(scene, IO_WRITE, file, 0, "x") < 0);
}

/* ---- at the same time --------------------------------------------------------------------------------------- */

static void
count_done(struct io_job *job)
{
    ++*(unsigned *)job->arg;
}

static void
jobs_are_done_from_the_loop(void **state)
{
    enum { JOBS = 50 };
    struct scene *scene = *state;
    struct io_job jobs[JOBS];
    uint8_t bytes[JOBS];
    unsigned done = 0;
    int64_t file = open_file(scene, "f", IO_FLAG_CREATE);
    for (unsigned i = 0; i < JOBS; i++) {
        bytes[i] = (uint8_t)i;
        jobs[i] = (struct io_job){ .op = i % 2 ? IO_WRITE : IO_WRITE_SYNC, .file = file, .offset = i, .view_count = 1 };
        jobs[i].views[0] = view_of(&bytes[i], 1);
        jobs[i].done = count_done;
        jobs[i].arg = &done;
        io_submit(scene->io, &jobs[i]);
    }
    assert_int_equal(done, 0);
    assert_true(scene_until(scene, &done, JOBS));
    for (unsigned i = 0; i < JOBS; i++)
        assert_true(jobs[i].rc >= 0);
    expect_text(scene, file, 0, (const char *)bytes, JOBS);
    on_file(scene, IO_CLOSE, file, 0);
}

static void
failures_are_told_like_successes(void **state)
{
    struct scene *scene = *state;
    unsigned done = 0;
    char room[200];
    struct io_job job = { .op = IO_OPEN, .path = path(scene, "missing", room), .done = count_done, .arg = &done };
    io_submit(scene->io, &job);
    assert_true(scene_until(scene, &done, 1));
    assert_int_equal(job.rc, -ERR_NOT_FOUND);
}

static void
job_is_done_without_memory(void **state)
{
    struct scene *scene = *state;
    unsigned done = 0;
    char room[200];
    struct io_job job = { .op = IO_MKDIR, .path = path(scene, "d", room), .done = count_done, .arg = &done };
    scene->mem.fail_at = scene->mem.calls + 1;
    io_submit(scene->io, &job);
    assert_int_equal(done, 0);
    assert_true(scene_until(scene, &done, 1));
    assert_int_equal(job.rc, 0);
}

static void
loop_is_freed_while_a_job_runs(void **state)
{
    struct scene *scene = *state;
    unsigned done = 0;
    char room[200];
    struct io_job job = { .op = IO_MKDIR, .path = path(scene, "d", room), .done = count_done, .arg = &done };
    io_submit(scene->io, &job);
    world_free(scene->world);
    assert_int_equal(done, 0);
    assert_int_equal(scene->mem.used_bytes, 0);
    scene->world = world_new(&scene->mem);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, scene_open, scene_close)
        CASE(files_are_made_and_opened),
        CASE(views_are_written_one_after_the_other),
        CASE(sizes_grow_and_shrink),
        CASE(read_only_files_are_not_written),
        CASE(names_are_replaced_and_removed),
        CASE(directories_are_made_once),
        CASE(names_are_listed_in_byte_order),
        CASE(locks_exclude),
        CASE(closed_files_are_refused),
        CASE(jobs_are_done_from_the_loop),
        CASE(failures_are_told_like_successes),
        CASE(job_is_done_without_memory),
        CASE(loop_is_freed_while_a_job_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
