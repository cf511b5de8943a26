/* What io.h promises of streams: bytes, backpressure, ends.  Runs on both houses (world.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "io/scene.h"

enum { KIB = 1024, MIB = 1024 * 1024 };

/* ---- bytes -------------------------------------------------------------------------------------------------- */

static void
echo(struct scene *scene, const char *kind)
{
    scene_meet(scene, kind);
    scene->server.echoes = true;
    peer_say(&scene->client, 300 * KIB);
    assert_true(scene_until_bytes(scene, &scene->client.read_bytes, 300 * KIB));
    assert_int_equal(io_unsent(scene->client.stream), 0);
    assert_int_equal(io_unsent(scene->server.stream), 0);
}

static void
bytes_come_back_over_tcp(void **state)
{
    echo(*state, "tcp");
}

static void
bytes_come_back_over_unix(void **state)
{
    echo(*state, "unix");
}

static void
bytes_come_back_over_a_name_without_a_file(void **state)
{
    echo(*state, "abstract");
}

static void
copies_and_references_keep_their_order(void **state)
{
    struct scene *scene = *state;
    scene_meet(scene, "tcp");
    for (unsigned i = 0; i < 1000; i++) {
        peer_say(&scene->client, 1 + i % 7);
        peer_refer(&scene->client, 1 + i % 250);
    }
    assert_true(scene_until_bytes(scene, &scene->server.read_bytes, scene->client.said));
    assert_true(scene_until(scene, &scene->released, 1000));
}

static void
room_is_used_in_part(void **state)
{
    struct scene *scene = *state;
    scene_meet(scene, "tcp");
    for (uint8_t i = 0; i < 100; i++) {
        uint8_t *at = io_put_room(scene->client.stream, 3 * KIB);
        assert_non_null(at);
        at[0] = i;
        io_put_done(scene->client.stream, 1);
    }
    assert_int_equal(io_unsent(scene->client.stream), 100);
    assert_true(scene_until_bytes(scene, &scene->server.read_bytes, 100));
}

static void
one_turn_is_one_write(void **state)
{
    struct scene *scene = *state;
    scene_meet(scene, "tcp");
    for (unsigned i = 0; i < 100; i++)
        peer_say(&scene->client, 10);
    assert_true(scene_until_bytes(scene, &scene->server.read_bytes, 1000));
    assert_int_equal(scene->server.reads, 1);
}

static void
flush_does_not_wait_for_the_turn(void **state)
{
    struct scene *scene = *state;
    scene_meet(scene, "tcp");
    peer_say(&scene->client, 10);
    peer_refer(&scene->client, 10);
    io_flush(scene->client.stream);
    assert_int_equal(io_unsent(scene->client.stream), 0);
    assert_int_equal(scene->released, 1);
    assert_true(scene_until_bytes(scene, &scene->server.read_bytes, 20));
}

/* ---- backpressure ------------------------------------------------------------------------------------------- */

static void
paused_reader_holds_its_peer_back(void **state)
{
    struct scene *scene = *state;
    scene_meet(scene, "tcp");
    io_read_pause(scene->server.stream);
    io_read_pause(scene->server.stream);
    io_marks(scene->client.stream, 1 * MIB, 256 * KIB);
    peer_say(&scene->client, 24 * MIB);
    scene_run(scene, 50);
    assert_int_equal(scene->server.reads, 0);
    assert_true(io_unsent(scene->client.stream) > 1 * MIB);
    assert_int_equal(scene->client.drained, 0);
    assert_int_equal(io_unheard_ms(scene->client.stream), 0); /* its machine answers */
    io_read_resume(scene->server.stream);
    io_read_resume(scene->server.stream);
    assert_true(scene_until_bytes(scene, &scene->server.read_bytes, 24 * MIB));
    assert_int_equal(io_unsent(scene->client.stream), 0);
    scene_run(scene, 10);
    assert_int_equal(scene->client.drained, 1);
}

/* The mark is passed by less than what leaves first when the socket has room again. */
static void
mark_passed_while_blocked_is_drained(void **state)
{
    struct scene *scene = *state;
    scene_meet(scene, "tcp");
    io_read_pause(scene->server.stream);
    peer_say(&scene->client, 24 * MIB);
    scene_run(scene, 50);
    size_t waiting = io_unsent(scene->client.stream);
    io_marks(scene->client.stream, waiting + 10 * KIB, 4 * KIB);
    peer_say(&scene->client, 20 * KIB);
    scene_run(scene, 10);
    io_read_resume(scene->server.stream);
    assert_true(scene_until_bytes(scene, &scene->server.read_bytes, 24 * MIB + 20 * KIB));
    scene_run(scene, 10);
    assert_int_equal(scene->client.drained, 1);
}

static void
little_is_never_drained(void **state)
{
    struct scene *scene = *state;
    scene_meet(scene, "tcp");
    io_marks(scene->client.stream, 10 * KIB, 1 * KIB);
    peer_say(&scene->client, 9 * KIB);
    assert_true(scene_until_bytes(scene, &scene->server.read_bytes, 9 * KIB));
    scene_run(scene, 10);
    assert_int_equal(scene->client.drained, 0);
}

static void
drained_is_not_told_inside_a_flush(void **state)
{
    struct scene *scene = *state;
    scene_meet(scene, "tcp");
    io_marks(scene->client.stream, 100, 10);
    peer_say(&scene->client, 200);
    io_flush(scene->client.stream);
    assert_int_equal(io_unsent(scene->client.stream), 0);
    assert_int_equal(scene->client.drained, 0);
    assert_true(scene_until(scene, &scene->client.drained, 1));
}

static void
pause_inside_a_read(void **state)
{
    struct scene *scene = *state;
    scene_meet(scene, "tcp");
    scene->server.pauses_at_read = true;
    peer_say(&scene->client, 10);
    assert_true(scene_until(scene, &scene->server.reads, 1));
    peer_say(&scene->client, 10);
    scene_run(scene, 20);
    assert_int_equal(scene->server.reads, 1);
    io_read_resume(scene->server.stream);
    assert_true(scene_until(scene, &scene->server.reads, 2));
}

/* ---- ends --------------------------------------------------------------------------------------------------- */

static void
close_sends_what_was_put(void **state)
{
    struct scene *scene = *state;
    scene_meet(scene, "tcp");
    scene->server.closes_at_end = true;
    peer_say(&scene->client, 2 * MIB);
    io_close(scene->client.stream);
    io_close(scene->client.stream);
    assert_null(io_put_room(scene->client.stream, 1));
    assert_int_equal(scene->client.closed, 0);
    assert_true(scene_until(scene, &scene->client.closed, 1));
    assert_true(scene_until(scene, &scene->server.closed, 1));
    assert_int_equal(scene->server.read_bytes, 2 * MIB);
    assert_int_equal(scene->server.ended_rc, -ERR_EOF);
    assert_int_equal(scene->client.ended, 0);
    assert_int_equal(scene->client.closed, 1);
}

/* What the peer still sends must not turn our last bytes into a reset. */
static void
last_words_survive_unread_input(void **state)
{
    struct scene *scene = *state;
    scene_meet(scene, "tcp");
    scene->client.closes_at_end = true;
    io_read_pause(scene->server.stream);
    peer_say(&scene->client, 100 * KIB);
    scene_run(scene, 20);
    peer_say(&scene->server, 100);
    io_close(scene->server.stream);
    assert_true(scene_until(scene, &scene->client.closed, 1));
    assert_int_equal(scene->client.read_bytes, 100);
    assert_int_equal(scene->client.ended_rc, -ERR_EOF);
    assert_true(scene_until(scene, &scene->server.closed, 1));
    assert_int_equal(scene->server.reads, 0);
}

static void
close_does_not_wait_for_ever(void **state)
{
    struct scene *scene = *state;
    scene_meet(scene, "tcp");
    io_read_pause(scene->server.stream);
    peer_say(&scene->client, 24 * MIB);
    io_close(scene->client.stream);
    scene_run(scene, 500);
    assert_int_equal(scene->client.closed, 0);
    scene_run(scene, 700);
    assert_int_equal(scene->client.closed, 1);
}

static void
answers_leave_after_the_peers_end(void **state)
{
    struct scene *scene = *state;
    scene_meet(scene, "tcp");
    io_close(scene->client.stream);
    assert_true(scene_until(scene, &scene->server.ended, 1));
    assert_int_equal(scene->server.ended_rc, -ERR_EOF);
    peer_say(&scene->server, 10);
    peer_refer(&scene->server, 10);
    io_close(scene->server.stream);
    assert_int_equal(scene->released, 0);
    assert_true(scene_until(scene, &scene->server.closed, 1));
    assert_int_equal(scene->released, 1);
    assert_true(scene_until(scene, &scene->client.closed, 1));
}

static void
abort_drops_and_releases(void **state)
{
    struct scene *scene = *state;
    scene_meet(scene, "tcp");
    io_read_pause(scene->server.stream);
    peer_say(&scene->client, 24 * MIB);
    peer_refer(&scene->client, 10);
    scene_run(scene, 20);
    assert_int_equal(scene->released, 0);
    size_t unsent = io_unsent(scene->client.stream);
    io_abort(scene->client.stream);
    assert_int_equal(io_lost(scene->client.stream), unsent);
    assert_int_equal(scene->client.closed, 0);
    assert_true(scene_until(scene, &scene->client.closed, 1));
    assert_int_equal(scene->released, 1);
    io_read_resume(scene->server.stream);
    assert_true(scene_until(scene, &scene->server.ended, 1));
    assert_true(scene->server.read_bytes < scene->client.said);
    scene_run(scene, 20);
    assert_int_equal(scene->server.ended, 1);
    assert_int_equal(scene->client.closed, 1);
    assert_int_equal(scene->client.ended, 0);
}

/* The peer vanishes while we send: we are told once, and nothing leaks. */
static void
vanished_peer_is_told_once(void **state)
{
    struct scene *scene = *state;
    scene_meet(scene, "tcp");
    io_read_pause(scene->server.stream);
    peer_say(&scene->client, 24 * MIB);
    peer_refer(&scene->client, 10);
    scene_run(scene, 20);
    io_abort(scene->server.stream);
    assert_true(scene_until(scene, &scene->client.ended, 1));
    assert_true(scene->client.ended_rc < 0);
    scene_run(scene, 20);
    assert_int_equal(scene->client.ended, 1);
    assert_int_equal(scene->released, 1);
    assert_null(io_put_room(scene->client.stream, 1));
    assert_true(io_refusal(scene->client.stream) != -ERR_NO_MEMORY); /* the end may be told before the reset */
    assert_true(io_lost(scene->client.stream) > 0);
    io_close(scene->client.stream);
    assert_true(scene_until(scene, &scene->client.closed, 1));
}

static void
close_inside_a_read(void **state)
{
    struct scene *scene = *state;
    scene_meet(scene, "tcp");
    scene->server.closes_at_read = scene->server.echoes = true;
    scene->client.closes_at_end = true;
    peer_say(&scene->client, 1000 * KIB);
    assert_true(scene_until(scene, &scene->client.closed, 1));
    assert_true(scene_until(scene, &scene->server.closed, 1));
    assert_int_equal(scene->server.reads, 1);
    assert_int_equal(scene->server.ended, 0);
    assert_int_equal(scene->client.read_bytes, scene->server.read_bytes);
}

static void
abort_inside_a_read(void **state)
{
    struct scene *scene = *state;
    scene_meet(scene, "tcp");
    scene->server.aborts_at_read = true;
    peer_say(&scene->client, 1000 * KIB);
    assert_true(scene_until(scene, &scene->server.closed, 1));
    assert_true(scene_until(scene, &scene->client.ended, 1));
    assert_int_equal(scene->server.reads, 1);
    assert_int_equal(scene->server.ended, 0);
}

static void
abort_after_close_closes_once(void **state)
{
    struct scene *scene = *state;
    scene_meet(scene, "tcp");
    io_close(scene->client.stream);
    io_abort(scene->client.stream);
    io_abort(scene->client.stream);
    assert_true(scene_until(scene, &scene->client.closed, 1));
    scene_run(scene, 20);
    assert_int_equal(scene->client.closed, 1);
}

static void
freeing_the_loop_releases_and_tells_nobody(void **state)
{
    struct scene *scene = *state;
    scene_meet(scene, "tcp");
    peer_say(&scene->client, 10);
    peer_refer(&scene->client, 10);
    io_close(scene->server.stream);
    void *old = scene;
    struct mem *mem = &scene->mem;
    world_free(scene->world);
    assert_int_equal(scene->released, 1);
    assert_int_equal(scene->client.closed + scene->client.ended + scene->server.closed, 0);
    assert_int_equal(mem->used_bytes, 0);
    scene->world = world_new(mem);
    assert_ptr_equal(old, *state);
}

/* ---- hand-over ---------------------------------------------------------------------------------------------- */

static void
another_owner_takes_over(void **state)
{
    struct scene *scene = *state;
    scene_meet(scene, "tcp");
    io_accept(scene->server.stream, &peer_on, &scene->guests[0]);
    scene->guests[0].stream = scene->server.stream;
    peer_say(&scene->client, 10);
    assert_true(scene_until(scene, &scene->guests[0].reads, 1));
    assert_int_equal(scene->server.reads, 0);
}

static void
hand_over(struct scene *scene, const char *kind)
{
    struct peer *heir = &scene->guests[0];
    scene_meet(scene, kind);
    struct io *sibling = world_sibling(scene->world, &scene->sibling_mem);
    scene->server.parcels_at_read = true;
    peer_say(&scene->client, 100);
    assert_true(scene_until(scene, &scene->server.reads, 1));
    assert_true(scene->server.parceled);
    scene_run(scene, 10);
    heir->read_bytes = scene->server.read_bytes;
    heir->echoes = true;
    scene->client.read_bytes = 100; /* what was said before is not echoed */
    assert_int_equal(io_attach(sibling, scene->server.parcel, &peer_on, heir, &heir->stream), 0);
    peer_say(&scene->client, 1000 * KIB);
    assert_true(scene_until_bytes(scene, &scene->client.read_bytes, 100 + 1000 * KIB));
    assert_int_equal(scene->server.closed + scene->server.ended, 0);
    io_abort(scene->client.stream);
    assert_true(scene_until(scene, &heir->ended, 1));
}

static void
tcp_connection_goes_to_another_loop(void **state)
{
    hand_over(*state, "tcp");
}

static void
unix_connection_goes_to_another_loop(void **state)
{
    hand_over(*state, "unix");
}

static void
discarded_parcel_ends_the_connection(void **state)
{
    struct scene *scene = *state;
    scene_meet(scene, "tcp");
    assert_int_equal(io_detach(scene->server.stream, &scene->server.parcel), 0);
    scene_run(scene, 10);
    assert_int_equal(scene->client.ended, 0);
    io_parcel_discard(scene->io, scene->server.parcel);
    assert_true(scene_until(scene, &scene->client.ended, 1));
    assert_int_equal(scene->server.closed, 0);
}

/* ---- memory ------------------------------------------------------------------------------------------------- */

static void
refused_put_leaves_the_stream_whole(void **state)
{
    struct scene *scene = *state;
    scene_meet(scene, "tcp");
    scene->mem.fail_at = scene->mem.calls + 1;
    assert_int_equal(io_put(scene->client.stream, view_str("never")), -ERR_NO_MEMORY);
    scene->mem.fail_at = scene->mem.calls + 1;
    assert_int_equal(io_put_ref(scene->client.stream, view_str("never"), NULL, NULL), -ERR_NO_MEMORY);
    assert_int_equal(io_refusal(scene->client.stream), -ERR_NO_MEMORY);
    scene->mem.fail_at = 0;
    peer_say(&scene->client, 10);
    assert_true(scene_until_bytes(scene, &scene->server.read_bytes, 10));
    scene_run(scene, 10);
    assert_int_equal(scene->server.read_bytes, 10);
}

/* A conversation in which the n-th allocation fails: whoever it hits, nothing hangs or leaks.  False when the n-th was
 * never reached. */
static bool
stumble(struct scene *scene, uint64_t n)
{
    struct io_address address = scene_address(scene, "tcp");
    struct peer *peer = &scene->client;
    *peer = (struct peer){ .scene = scene, .closes_at_end = true };
    io_listener_address(scene->listener, &address);
    uint64_t before = scene->mem.calls;
    scene->mem.fail_at = before + n;
    if (io_connect(scene->io, &address, &peer_on, peer, &peer->stream) == 0) {
        scene_until(scene, &peer->opened, 1);
        (void)io_put(peer->stream, view_str("\0\1\2\3"));
        scene_run(scene, 5);
        if (peer->stream != NULL)
            io_close(peer->stream);
        assert_true(scene_until(scene, &peer->closed, 1));
    }
    scene->mem.fail_at = 0;
    return scene->mem.calls >= before + n;
}

static void
each_failed_allocation_is_survived(void **state)
{
    struct scene *scene = *state;
    uint64_t n = 1;
    scene_listen(scene, "tcp");
    while (stumble(scene, n)) {
        assert_true(++n < 30);
        for (unsigned i = 0; i < scene->accepted; i++) {
            struct peer *peer = i == 0 ? &scene->server : &scene->guests[i - 1];
            if (peer->stream != NULL)
                io_abort(peer->stream);
        }
        scene_run(scene, 5);
    }
    assert_true(n > 3);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, scene_open, scene_close)
        CASE(bytes_come_back_over_tcp),
        CASE(bytes_come_back_over_unix),
        CASE(bytes_come_back_over_a_name_without_a_file),
        CASE(copies_and_references_keep_their_order),
        CASE(room_is_used_in_part),
        CASE(one_turn_is_one_write),
        CASE(flush_does_not_wait_for_the_turn),
        CASE(paused_reader_holds_its_peer_back),
        CASE(mark_passed_while_blocked_is_drained),
        CASE(little_is_never_drained),
        CASE(drained_is_not_told_inside_a_flush),
        CASE(pause_inside_a_read),
        CASE(close_sends_what_was_put),
        CASE(last_words_survive_unread_input),
        CASE(close_does_not_wait_for_ever),
        CASE(answers_leave_after_the_peers_end),
        CASE(abort_drops_and_releases),
        CASE(vanished_peer_is_told_once),
        CASE(close_inside_a_read),
        CASE(abort_inside_a_read),
        CASE(abort_after_close_closes_once),
        CASE(freeing_the_loop_releases_and_tells_nobody),
        CASE(another_owner_takes_over),
        CASE(tcp_connection_goes_to_another_loop),
        CASE(unix_connection_goes_to_another_loop),
        CASE(discarded_parcel_ends_the_connection),
        CASE(refused_put_leaves_the_stream_whole),
        CASE(each_failed_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
