/* Programs: their input, their environment, how they end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "io/scene.h"

static char *const nothing[] = { NULL };

struct ending {
    unsigned count;
    int status;
};

static void
on_exited(void *arg, int status)
{
    struct ending *ending = arg;
    ending->count++;
    ending->status = status;
}

static int
run_shell(struct scene *scene, const char *script, char *const *env, struct view input)
{
    char *const argv[] = { (char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c", (char *)(uintptr_t)script, NULL };
    struct io_program program = { argv, env, input };
    struct ending ending = { 0 };

    assert_int_equal(io_spawn(scene->io, &program, on_exited, &ending), 0);
    assert_true(scene_until(scene, &ending.count, 1));
    return ending.status;
}

static void
program_reads_its_input(void **state)
{
    struct scene *scene = *state;
    assert_int_equal(run_shell(scene, "test \"$(cat)\" = hello", nothing, view_str("hello")), 0);
    assert_int_equal(run_shell(scene, "test -z \"$(cat)\"", nothing, view_str("")), 0);
}

static void
program_sees_its_environment(void **state)
{
    char *const env[] = { (char *)(uintptr_t) "TAMBO_X=1 2", NULL };
    assert_int_equal(run_shell(*state, "test \"$TAMBO_X\" = '1 2' && test -n \"$PATH\"", env, view_str("")), 0);
}

static void
program_tells_how_it_ended(void **state)
{
    struct scene *scene = *state;
    assert_int_equal(run_shell(scene, "exit 7", nothing, view_str("")), 7);
    assert_int_equal(run_shell(scene, "kill -9 $$", nothing, view_str("")), 128 + 9);
}

static void
program_need_not_read(void **state)
{
    static uint8_t input[1024 * 1024];
    assert_int_equal(run_shell(*state, "exit 0", nothing, view_of(input, sizeof input)), 0);
}

static void
what_is_not_there_is_not_started(void **state)
{
    struct scene *scene = *state;
    char *const argv[] = { (char *)(uintptr_t) "/no/such/program", NULL };
    struct io_program program = { argv, nothing, { 0 } };
    struct ending ending = { 0 };

    assert_int_equal(io_spawn(scene->io, &program, on_exited, &ending), -ERR_NOT_FOUND);
    scene_run(scene, 20);
    assert_int_equal(ending.count, 0);
}

static void
program_outlives_its_loop(void **state)
{
    struct scene *scene = *state;
    char *const argv[] = { (char *)(uintptr_t) "sleep", (char *)(uintptr_t) "1", NULL };
    struct io_program program = { argv, nothing, { 0 } };
    struct ending ending = { 0 };

    assert_int_equal(io_spawn(scene->io, &program, on_exited, &ending), 0);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, scene_open, scene_close)
        CASE(program_reads_its_input), CASE(program_sees_its_environment),     CASE(program_tells_how_it_ended),
        CASE(program_need_not_read),   CASE(what_is_not_there_is_not_started), CASE(program_outlives_its_loop),
    };
    io_uv_host();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
