/* What io.h promises of connecting and listening.  Runs on both houses (world.h). */
#include <arpa/inet.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "io/scene.h"

/* ---- connecting --------------------------------------------------------------------------------------------- */

static void
refused(struct scene *scene, const struct io_address *address, int rc)
{
    struct peer *peer = &scene->client;
    scene_connect(scene, peer, address);
    assert_int_equal(peer->opened, 0);
    assert_true(scene_until(scene, &peer->opened, 1));
    assert_int_equal(peer->opened_rc, rc);
    assert_null(io_put_room(peer->stream, 1));
    scene_run(scene, 10);
    assert_int_equal(peer->ended + peer->closed, 0);
    io_close(peer->stream);
    assert_true(scene_until(scene, &peer->closed, 1));
    assert_int_equal(peer->opened, 1);
}

static void
nobody_listens_on_tcp(void **state)
{
    struct scene *scene = *state;
    struct io_address address;
    scene_listen(scene, "tcp");
    io_listener_address(scene->listener, &address);
    io_listener_close(scene->listener);
    refused(scene, &address, -ERR_REFUSED);
}

static void
nobody_listens_on_unix(void **state)
{
    struct scene *scene = *state;
    struct io_address address = scene_address(scene, "unix");
    refused(scene, &address, -ERR_NOT_FOUND);
}

static void
nobody_listens_on_a_name_without_a_file(void **state)
{
    struct scene *scene = *state;
    struct io_address address = scene_address(scene, "abstract");
    refused(scene, &address, world_is_real(scene->world) ? -ERR_REFUSED : -ERR_NOT_FOUND);
}

static void
closed_before_it_opened(void **state)
{
    struct scene *scene = *state;
    struct io_address address;
    scene_listen(scene, "tcp");
    io_listener_address(scene->listener, &address);
    scene_connect(scene, &scene->client, &address);
    assert_null(io_put_room(scene->client.stream, 1));
    io_close(scene->client.stream);
    assert_true(scene_until(scene, &scene->client.closed, 1));
    assert_int_equal(scene->client.opened, 0);
}

static void
names_are_looked_up(void **state)
{
    struct scene *scene = *state;
    struct io_address address;
    scene_listen(scene, "tcp");
    io_listener_address(scene->listener, &address);
    strcpy(address.host, "localhost"); /* version 6 first, perhaps, where nobody listens */
    scene_connect(scene, &scene->client, &address);
    assert_true(scene_until(scene, &scene->client.opened, 1));
    assert_int_equal(scene->client.opened_rc, 0);
}

static void
unknown_name_is_an_address_error(void **state)
{
    struct scene *scene = *state;
    const struct io_address address = { .host = "no host has spaces", .port = 1 };
    refused(scene, &address, -ERR_ADDRESS);
}

static void
closed_while_its_name_is_looked_up(void **state)
{
    struct scene *scene = *state;
    const struct io_address address = { .host = "localhost", .port = 1 };
    scene_connect(scene, &scene->client, &address);
    io_abort(scene->client.stream);
    assert_true(scene_until(scene, &scene->client.closed, 1));
    assert_int_equal(scene->client.opened, 0);
}

static void
loop_is_freed_while_connecting(void **state)
{
    struct scene *scene = *state;
    struct io_address address = { .host = "localhost", .port = 1 };
    scene_connect(scene, &scene->client, &address);
    strcpy(address.host, "127.0.0.1");
    scene_connect(scene, &scene->server, &address);
}

static void
peers_have_names(void **state)
{
    struct scene *scene = *state;
    char text[64], little[4];
    scene_meet(scene, "tcp");
    io_peer(scene->server.stream, text, sizeof(text));
    assert_memory_equal(text, "127.0.0.1:", 10);
    io_peer(scene->server.stream, little, sizeof(little));
    assert_string_equal(little, "127");
}

/* ---- listening ---------------------------------------------------------------------------------------------- */

static void
take_none(void *arg, struct io_stream *stream)
{
    (void)stream;
    ++*(unsigned *)arg;
}

static void
untaken_connection_is_closed(void **state)
{
    struct scene *scene = *state;
    struct io_address address = scene_address(scene, "tcp");
    assert_int_equal(io_listen(scene->io, &address, take_none, &scene->accepted, &scene->listener), 0);
    io_listener_address(scene->listener, &address);
    assert_int_not_equal(address.port, 0);
    scene_connect(scene, &scene->client, &address);
    assert_true(scene_until(scene, &scene->client.ended, 1));
    assert_int_equal(scene->accepted, 1);
}

static void
unix_socket_in_use_is_refused(void **state)
{
    struct scene *scene = *state;
    struct io_listener *other;
    struct io_address address = scene_address(scene, "unix");
    scene_listen(scene, "unix");
    assert_int_equal(io_listen(scene->io, &address, take_none, NULL, &other), -ERR_ADDRESS_IN_USE);
    io_listener_close(scene->listener);
    assert_int_equal(io_listen(scene->io, &address, take_none, NULL, &other), 0);
}

/* Another world is another first loop, which is what another process has. */
static void
another_process_does_not_get_in(void **state)
{
    struct scene *scene = *state;
    struct io_listener *other;
    struct io_address address;
    if (!world_is_real(scene->world))
        skip(); /* there another world is another machine */
    struct world *second = world_new(&scene->sibling_mem);
    scene_listen(scene, "tcp");
    io_listener_address(scene->listener, &address);
    int rc = io_listen(world_io(second), &address, take_none, NULL, &other);
    strcpy(address.host, "*");
    int rc_all = io_listen(world_io(second), &address, take_none, NULL, &other);
    world_free(second);
    assert_int_equal(rc, -ERR_ADDRESS_IN_USE);
    assert_int_equal(rc_all, -ERR_ADDRESS_IN_USE);
}

static void
siblings_share_an_address(void **state)
{
    struct scene *scene = *state;
    struct io_listener *listener;
    struct io_address address;
    unsigned here = 0, there = 0;
    struct io *sibling = world_sibling(scene->world, &scene->sibling_mem);
    address = scene_address(scene, "tcp");
    assert_int_equal(io_listen(scene->io, &address, take_none, &here, &listener), 0);
    io_listener_address(listener, &address);
    assert_int_equal(io_listen(sibling, &address, take_none, &there, &listener), 0);
    for (unsigned i = 0; i < SCENE_PEERS_MAX; i++)
        scene_connect(scene, &scene->guests[i], &address);
    for (unsigned i = 0; i < SCENE_PEERS_MAX; i++)
        assert_true(scene_until(scene, &scene->guests[i].ended, 1));
    assert_int_equal(here + there, SCENE_PEERS_MAX);
    assert_true(here > 0 && there > 0);
}

static void
foreign_address_cannot_be_listened_on(void **state)
{
    struct scene *scene = *state;
    const struct io_address address = { .host = "192.0.2.1", .port = 1883 };
    assert_int_equal(io_listen(scene->io, &address, take_none, NULL, &scene->listener), -ERR_ADDRESS);
}

static void
listener_without_memory_is_refused(void **state)
{
    struct scene *scene = *state;
    struct io_address address = scene_address(scene, "tcp");
    scene->mem.fail_at = scene->mem.calls + 1;
    assert_int_equal(io_listen(scene->io, &address, take_none, NULL, &scene->listener), -ERR_NO_MEMORY);
}

static void
close_listener(void *arg, struct io_stream *stream)
{
    struct scene *scene = arg;
    (void)stream;
    scene->accepted++;
    io_listener_close(scene->listener);
}

static void
listener_closes_itself_while_accepting(void **state)
{
    struct scene *scene = *state;
    struct io_address address = scene_address(scene, "tcp");
    assert_int_equal(io_listen(scene->io, &address, close_listener, scene, &scene->listener), 0);
    io_listener_address(scene->listener, &address);
    for (unsigned i = 0; i < 3; i++)
        scene_connect(scene, &scene->guests[i], &address);
    for (unsigned i = 0; i < 3; i++)
        assert_true(scene_until(scene, &scene->guests[i].opened, 1));
    scene_run(scene, 10);
    assert_int_equal(scene->accepted, 1);
}

/* ---- the real world's own ----------------------------------------------------------------------------------- */

static void
all_addresses_of_both_families(void **state)
{
    struct scene *scene = *state;
    char text[64];
    if (!world_is_real(scene->world))
        skip();
    struct io_address address = scene_address(scene, "tcp");
    strcpy(address.host, "*");
    unsigned count = 0;
    assert_int_equal(io_listen(scene->io, &address, take_none, &count, &scene->listener), 0);
    io_listener_address(scene->listener, &address);
    assert_string_equal(address.host, "*");
    strcpy(address.host, "127.0.0.1");
    scene_connect(scene, &scene->client, &address);
    assert_true(scene_until(scene, &scene->client.opened, 1));
    assert_int_equal(scene->client.opened_rc, 0);
    io_peer(scene->client.stream, text, sizeof(text));
    assert_memory_equal(text, "127.0.0.1:", 10);
}

static void
stale_socket_file_is_replaced(void **state)
{
    struct scene *scene = *state;
    if (!world_is_real(scene->world))
        skip();
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    strncpy(at.sun_path, world_path(scene->world, "socket"), sizeof(at.sun_path) - 1);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
    close(fd);
    scene_meet(scene, "unix");
}

static void
plain_file_is_not_replaced(void **state)
{
    struct scene *scene = *state;
    if (!world_is_real(scene->world))
        skip();
    struct io_address address = scene_address(scene, "unix");
    int fd = open(address.host, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(io_listen(scene->io, &address, take_none, NULL, &scene->listener), -ERR_ADDRESS_IN_USE);
    assert_int_equal(access(address.host, F_OK), 0);
}

/* Who knocks when descriptors have run out waits, and comes in when there are some again. */
static void
exhausted_descriptors_only_delay(void **state)
{
    enum { KNOCKS = 20 };
    struct scene *scene = *state;
    int fds[KNOCKS];
    struct rlimit limit, none;
    struct io_address address;
    if (!world_is_real(scene->world))
        skip();
    scene_listen(scene, "tcp");
    io_listener_address(scene->listener, &address);
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(address.port) };
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (unsigned i = 0; i < KNOCKS; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM, 0);
        assert_int_equal(connect(fds[i], (const struct sockaddr *)&to, sizeof(to)), 0);
    }
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = (struct rlimit){ .rlim_cur = (rlim_t)fds[KNOCKS - 1] + 1, .rlim_max = limit.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    scene_run(scene, 250);
    unsigned early = scene->accepted;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    bool all = scene_until(scene, &scene->accepted, KNOCKS);
    for (unsigned i = 0; i < KNOCKS; i++)
        close(fds[i]);
    assert_int_equal(early, 0);
    assert_true(all);
}

/* Handing a connection over needs a descriptor for a moment: one is kept for that. */
static void
hand_over_with_exhausted_descriptors(void **state)
{
    struct scene *scene = *state;
    struct rlimit limit, none;
    if (!world_is_real(scene->world))
        skip();
    scene_meet(scene, "tcp");
    int top = dup(0);
    close(top);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = (struct rlimit){ .rlim_cur = (rlim_t)top, .rlim_max = limit.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    int rc = io_detach(scene->server.stream, &scene->server.parcel);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(rc, 0);
    struct peer *heir = &scene->guests[0];
    assert_int_equal(io_attach(scene->io, scene->server.parcel, &peer_on, heir, &heir->stream), 0);
    peer_say(&scene->client, 10);
    assert_true(scene_until(scene, &heir->reads, 1));
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, scene_open, scene_close)
        CASE(nobody_listens_on_tcp),
        CASE(nobody_listens_on_unix),
        CASE(nobody_listens_on_a_name_without_a_file),
        CASE(closed_before_it_opened),
        CASE(names_are_looked_up),
        CASE(unknown_name_is_an_address_error),
        CASE(closed_while_its_name_is_looked_up),
        CASE(loop_is_freed_while_connecting),
        CASE(peers_have_names),
        CASE(untaken_connection_is_closed),
        CASE(unix_socket_in_use_is_refused),
        CASE(another_process_does_not_get_in),
        CASE(siblings_share_an_address),
        CASE(foreign_address_cannot_be_listened_on),
        CASE(listener_without_memory_is_refused),
        CASE(listener_closes_itself_while_accepting),
        CASE(all_addresses_of_both_families),
        CASE(stale_socket_file_is_replaced),
        CASE(plain_file_is_not_replaced),
        CASE(exhausted_descriptors_only_delay),
        CASE(hand_over_with_exhausted_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
