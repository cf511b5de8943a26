/* Standard input as a stream: from a file, a pipe, nothing. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "io/scene.h"

static void
put_in_place(int fd)
{
    assert_int_equal(dup2(fd, STDIN_FILENO), STDIN_FILENO);
    close(fd);
}

static void
fill_counting(int fd, size_t n)
{
    uint8_t bytes[256];
    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)i;
    for (; n > 0; n -= sizeof(bytes))
        assert_int_equal(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
}

static void
expect_input(struct scene *scene, size_t n)
{
    struct peer *peer = &scene->client;
    peer->closes_at_end = true;
    assert_int_equal(io_stdin(scene->io, &peer_on, peer, &peer->stream), 0);
    assert_true(scene_until(scene, &peer->closed, 1));
    assert_int_equal(peer->read_bytes, n);
    assert_int_equal(peer->ended_rc, -ERR_EOF);
}

static void
file_is_read_to_its_end(void **state)
{
    struct scene *scene = *state;
    const char *path = world_path(scene->world, "input");
    int out = open(path, O_CREAT | O_WRONLY, 0600);
    fill_counting(out, 1024 * 1024);
    close(out);
    put_in_place(open(path, O_RDONLY));
    expect_input(scene, 1024 * 1024);
}

static void
paused_file_waits(void **state)
{
    struct scene *scene = *state;
    struct peer *peer = &scene->client;
    const char *path = world_path(scene->world, "input");
    int out = open(path, O_CREAT | O_WRONLY, 0600);
    fill_counting(out, 1024 * 1024);
    close(out);
    put_in_place(open(path, O_RDONLY));
    peer->pauses_at_read = true;
    assert_int_equal(io_stdin(scene->io, &peer_on, peer, &peer->stream), 0);
    scene_run(scene, 20);
    assert_int_equal(peer->reads, 1);
    io_read_resume(peer->stream);
    assert_true(scene_until(scene, &peer->reads, 2));
    io_close(peer->stream);
    assert_true(scene_until(scene, &peer->closed, 1));
}

static void
pipe_is_read_to_its_end(void **state)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    put_in_place(ends[0]);
    fill_counting(ends[1], 4096);
    close(ends[1]);
    expect_input(*state, 4096);
}

static void
nothing_ends_at_once(void **state)
{
    put_in_place(open("/dev/null", O_RDONLY));
    expect_input(*state, 0);
}

static void
input_without_memory_is_refused(void **state)
{
    struct scene *scene = *state;
    put_in_place(open("/dev/null", O_RDONLY));
    scene->mem.fail_at = scene->mem.calls + 1;
    assert_int_equal(io_stdin(scene->io, &peer_on, &scene->client, &scene->client.stream), -ERR_NO_MEMORY);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, scene_open, scene_close)
        CASE(file_is_read_to_its_end),         CASE(paused_file_waits),
        CASE(pipe_is_read_to_its_end),         CASE(nothing_ends_at_once),
        CASE(input_without_memory_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
