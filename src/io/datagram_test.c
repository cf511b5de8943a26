/* What io.h promises of datagrams.  Runs on both houses (world.h).
 *
 * On one machine none is lost, so what was put may be waited for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/err.h"
#include "io/scene.h"

enum { MANY = 200 };

/* One socket, and what it has heard. */
struct mouth {
    struct io_datagram *datagram;
    unsigned heard, refused, closed;
    int refused_rc;
    struct io_remote from; /* of the newest */
    size_t len;
    uint8_t bytes[IO_DATAGRAM_BYTES_MAX];
    uint64_t sum; /* of the first bytes */
    bool echoes, closes_at_read;
};

static void
on_read(void *arg, const struct io_remote *from, struct view bytes)
{
    struct mouth *mouth = arg;
    assert_int_equal(mouth->closed, 0);
    mouth->heard++;
    mouth->from = *from;
    mouth->len = bytes.len;
    if (bytes.len > 0) {
        memcpy(mouth->bytes, bytes.data, bytes.len);
        mouth->sum += bytes.data[0];
    }
    if (mouth->echoes)
        assert_int_equal(io_datagram_put(mouth->datagram, from, bytes), 0);
    if (mouth->closes_at_read)
        io_datagram_close(mouth->datagram);
}

static void
on_refused(void *arg, int rc)
{
    struct mouth *mouth = arg;
    mouth->refused++;
    mouth->refused_rc = rc;
}

static void
on_closed(void *arg)
{
    struct mouth *mouth = arg;
    mouth->closed++;
    mouth->datagram = NULL;
}

static const struct io_datagram_on mouth_on = { .read = on_read, .refused = on_refused, .closed = on_closed };

static struct mouth *
mouth_new(void)
{
    return test_calloc(1, sizeof(struct mouth));
}

static void
bind_to(struct scene *scene, struct mouth *mouth, const char *text)
{
    struct io_address address;
    assert_int_equal(io_address_parse(text, 0, &address), 0);
    assert_int_equal(io_datagram_open(scene->io, &address, NULL, &mouth_on, mouth, &mouth->datagram), 0);
}

/* To the port of `other`, which is bound. */
static void
turn_to(struct scene *scene, struct mouth *mouth, const char *host, const struct mouth *other)
{
    struct io_address at, peer = { .kind = IO_TCP };
    io_datagram_address(other->datagram, &at);
    snprintf(peer.host, sizeof(peer.host), "%s", host);
    peer.port = at.port;
    assert_int_equal(io_datagram_open(scene->io, NULL, &peer, &mouth_on, mouth, &mouth->datagram), 0);
}

static void
put(struct mouth *mouth, const char *text)
{
    assert_int_equal(io_datagram_put(mouth->datagram, NULL, view_str(text)), 0);
}

static bool
has_heard(const struct mouth *mouth, const char *text)
{
    return view_is(view_of(mouth->bytes, mouth->len), text);
}

static void
hang_up(struct scene *scene, struct mouth *mouth)
{
    if (mouth->datagram != NULL)
        io_datagram_close(mouth->datagram);
    assert_true(scene_until(scene, &mouth->closed, 1));
    scene_run(scene, 1);
    assert_int_equal(mouth->closed, 1);
    test_free(mouth);
}

/* ---- there and back --------------------------------------------------------------------------------------------- */

static void
talk(struct scene *scene, const char *bound, const char *host)
{
    struct mouth *a = mouth_new(), *b = mouth_new();
    b->echoes = true;
    bind_to(scene, b, bound);
    turn_to(scene, a, host, b);
    put(a, "hello");
    assert_int_equal(b->heard, 0);
    assert_true(scene_until(scene, &a->heard, 1));
    assert_true(has_heard(a, "hello"));
    assert_true(has_heard(b, "hello"));
    hang_up(scene, a);
    hang_up(scene, b);
}

static void
there_and_back(void **state)
{
    talk(*state, "tcp://127.0.0.1:0", "127.0.0.1");
    talk(*state, "tcp://*:0", "127.0.0.1");
}

static void
there_and_back_by_name(void **state)
{
    talk(*state, "tcp://*:0", "localhost");
}

static void
there_and_back_by_version_6(void **state)
{
    struct scene *scene = *state;
    struct mouth *probe = mouth_new();
    struct io_address loopback = { .kind = IO_TCP, .host = "::1" };
    int rc = io_datagram_open(scene->io, &loopback, NULL, &mouth_on, probe, &probe->datagram);
    if (rc < 0) {
        test_free(probe);
        skip(); /* a machine without version 6 */
    }
    hang_up(scene, probe);
    talk(scene, "tcp://[::1]:0", "::1");
    talk(scene, "tcp://*:0", "::1");
}

static void
each_is_itself(void **state)
{
    static const size_t sizes[] = { 0, 1, 1472, 1473, 9000, IO_DATAGRAM_BYTES_MAX };
    struct scene *scene = *state;
    struct mouth *a = mouth_new(), *b = mouth_new();
    uint8_t *bytes = test_malloc(IO_DATAGRAM_BYTES_MAX + 1);
    for (size_t i = 0; i <= IO_DATAGRAM_BYTES_MAX; i++)
        bytes[i] = (uint8_t)(i * 7);
    bind_to(scene, b, "tcp://127.0.0.1:0");
    turn_to(scene, a, "127.0.0.1", b);
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        assert_int_equal(io_datagram_put(a->datagram, NULL, view_of(bytes, sizes[i])), 0);
        assert_true(scene_until(scene, &b->heard, i + 1));
        assert_true(view_equal(view_of(b->bytes, b->len), view_of(bytes, sizes[i])));
    }
    assert_int_equal(io_datagram_put(a->datagram, NULL, view_of(bytes, IO_DATAGRAM_BYTES_MAX + 1)), -ERR_TOO_LARGE);
    test_free(bytes);
    hang_up(scene, a);
    hang_up(scene, b);
}

/* More than one system call carries, and than the memory that is kept from turn to turn. */
static void
many_in_one_turn(void **state)
{
    struct scene *scene = *state;
    struct mouth *a = mouth_new(), *b = mouth_new();
    uint8_t bytes[200] = { 0 };
    uint64_t sum = 0;
    bind_to(scene, b, "tcp://127.0.0.1:0");
    turn_to(scene, a, "127.0.0.1", b);
    for (unsigned i = 0; i < MANY; i++) {
        bytes[0] = (uint8_t)i;
        sum += bytes[0];
        assert_int_equal(io_datagram_put(a->datagram, NULL, view_of(bytes, sizeof(bytes))), 0);
    }
    assert_true(scene_until(scene, &b->heard, MANY));
    assert_int_equal(b->sum, sum);
    hang_up(scene, a);
    hang_up(scene, b);
}

static void
one_socket_many_peers(void **state)
{
    struct scene *scene = *state;
    struct mouth *a = mouth_new(), *b = mouth_new(), *c = mouth_new();
    char one[64], other[64];
    c->echoes = true;
    bind_to(scene, c, "tcp://127.0.0.1:0");
    turn_to(scene, a, "127.0.0.1", c);
    turn_to(scene, b, "127.0.0.1", c);
    put(a, "a");
    assert_true(scene_until(scene, &a->heard, 1));
    io_remote_print(&c->from, one, sizeof(one));
    put(b, "b");
    assert_true(scene_until(scene, &b->heard, 1));
    io_remote_print(&c->from, other, sizeof(other));
    assert_true(has_heard(a, "a"));
    assert_true(has_heard(b, "b"));
    assert_int_equal(memcmp(one, "127.0.0.1:", 10), 0);
    assert_string_not_equal(one, other);
    hang_up(scene, a);
    hang_up(scene, b);
    hang_up(scene, c);
}

static void
addresses_in_numbers_can_be_sent_to(void **state)
{
    struct scene *scene = *state;
    struct mouth *a = mouth_new(), *b = mouth_new();
    struct io_address at, name = { .kind = IO_TCP, .host = "no such host", .port = 1 };
    struct io_remote to;
    bind_to(scene, a, "tcp://*:0");
    bind_to(scene, b, "tcp://127.0.0.1:0");
    io_datagram_address(b->datagram, &at);
    assert_int_equal(io_remote_of(scene->io, &at, &to), 0);
    assert_int_equal(io_datagram_put(a->datagram, &to, view_str("out of the blue")), 0);
    assert_true(scene_until(scene, &b->heard, 1));
    assert_true(has_heard(b, "out of the blue"));
    assert_int_equal(io_remote_of(scene->io, &name, &to), -ERR_ADDRESS);
    assert_int_equal(io_datagram_broadcast(a->datagram, true), 0);
    hang_up(scene, a);
    hang_up(scene, b);
}

/* ---- what goes wrong -------------------------------------------------------------------------------------------- */

static void
nobody_is_there(void **state)
{
    struct scene *scene = *state;
    struct mouth *a = mouth_new(), *b = mouth_new();
    bind_to(scene, b, "tcp://127.0.0.1:0");
    turn_to(scene, a, "127.0.0.1", b);
    hang_up(scene, b);
    put(a, "anybody?");
    assert_int_equal(a->refused, 0);
    assert_true(scene_until(scene, &a->refused, 1));
    assert_int_equal(a->refused_rc, -ERR_REFUSED);
    put(a, "still nobody?"); /* it goes on */
    assert_true(scene_until(scene, &a->refused, 2));
    hang_up(scene, a);
}

static void
a_name_that_is_none(void **state)
{
    struct scene *scene = *state;
    struct mouth *a = mouth_new();
    struct io_address peer = { .kind = IO_TCP, .host = "no-such-host.invalid", .port = 1 };
    assert_int_equal(io_datagram_open(scene->io, NULL, &peer, &mouth_on, a, &a->datagram), 0);
    put(a, "lost");
    assert_true(scene_until(scene, &a->refused, 1));
    assert_int_equal(a->refused_rc, -ERR_ADDRESS);
    put(a, "lost too");
    scene_run(scene, 1);
    hang_up(scene, a);
}

static void
what_waits_for_a_name_is_bounded(void **state)
{
    struct scene *scene = *state;
    struct mouth *a = mouth_new(), *b = mouth_new();
    bind_to(scene, b, "tcp://*:0");
    turn_to(scene, a, "localhost", b);
    for (unsigned i = 0; i < 100; i++)
        put(a, "x");
    assert_true(scene_until(scene, &b->heard, 64));
    scene_run(scene, 5);
    assert_int_equal(b->heard, 64);
    hang_up(scene, a);
    hang_up(scene, b);
}

static void
a_port_that_is_taken(void **state)
{
    struct scene *scene = *state;
    struct mouth *a = mouth_new();
    struct io_address at, path = scene_address(scene, "unix");
    struct io_datagram *other;
    bind_to(scene, a, "tcp://127.0.0.1:0");
    io_datagram_address(a->datagram, &at);
    assert_true(at.port != 0);
    assert_int_equal(io_datagram_open(scene->io, &at, NULL, &mouth_on, a, &other), -ERR_ADDRESS_IN_USE);
    assert_int_equal(io_datagram_open(scene->io, &path, NULL, &mouth_on, a, &other), -ERR_ADDRESS);
    hang_up(scene, a);
}

/* ---- the end ---------------------------------------------------------------------------------------------------- */

static void
closing_while_it_is_told(void **state)
{
    struct scene *scene = *state;
    struct mouth *a = mouth_new(), *b = mouth_new();
    b->closes_at_read = true;
    bind_to(scene, b, "tcp://127.0.0.1:0");
    turn_to(scene, a, "127.0.0.1", b);
    for (unsigned i = 0; i < 10; i++)
        put(a, "x");
    assert_true(scene_until(scene, &b->closed, 1));
    assert_int_equal(b->heard, 1);
    hang_up(scene, a);
    test_free(b);
}

static void
what_was_put_leaves_before_the_end(void **state)
{
    struct scene *scene = *state;
    struct mouth *a = mouth_new(), *b = mouth_new();
    bind_to(scene, b, "tcp://127.0.0.1:0");
    turn_to(scene, a, "127.0.0.1", b);
    put(a, "first");
    assert_true(scene_until(scene, &b->heard, 1)); /* the name is known */
    put(a, "last");
    hang_up(scene, a);
    assert_true(scene_until(scene, &b->heard, 2));
    assert_true(has_heard(b, "last"));
    hang_up(scene, b);
}

static void
closed_before_its_peer_is_known(void **state)
{
    struct scene *scene = *state;
    struct mouth *a = mouth_new(), *b = mouth_new();
    bind_to(scene, b, "tcp://*:0");
    turn_to(scene, a, "localhost", b);
    put(a, "never");
    hang_up(scene, a);
    hang_up(scene, b);
}

/* scene_close() frees the loop with all of them open, and sees whether anything is left. */
static void
freed_with_the_loop(void **state)
{
    struct scene *scene = *state;
    static struct mouth a, b, c;
    bind_to(scene, &a, "tcp://*:0");
    turn_to(scene, &b, "127.0.0.1", &a);
    turn_to(scene, &c, "localhost", &a);
    put(&b, "x");
    put(&c, "x");
}

static void
no_memory(void **state)
{
    struct scene *scene = *state;
    struct mouth *a = mouth_new();
    struct io_address any = { .kind = IO_TCP, .host = "127.0.0.1" },
                      peer = { .kind = IO_TCP, .host = "localhost", .port = 1 };
    scene->mem.fail_at = scene->mem.calls + 1;
    assert_int_equal(io_datagram_open(scene->io, &any, NULL, &mouth_on, a, &a->datagram), -ERR_NO_MEMORY);
    scene->mem.fail_at = scene->mem.calls + 1;
    assert_int_equal(io_datagram_open(scene->io, NULL, &peer, &mouth_on, a, &a->datagram), -ERR_NO_MEMORY);
    scene->mem.fail_at = 0;
    bind_to(scene, a, "tcp://127.0.0.1:0");
    struct io_address at;
    struct io_remote to;
    io_datagram_address(a->datagram, &at);
    assert_int_equal(io_remote_of(scene->io, &at, &to), 0);
    scene->mem.fail_at = scene->mem.calls + 1;
    assert_int_equal(io_datagram_put(a->datagram, &to, view_str("x")), -ERR_NO_MEMORY);
    scene->mem.fail_at = 0;
    assert_int_equal(io_datagram_put(a->datagram, &to, view_str("to myself")), 0);
    assert_true(scene_until(scene, &a->heard, 1));
    assert_true(has_heard(a, "to myself"));
    hang_up(scene, a);
}

int
main(void)
{
#define DATAGRAM_TEST(name) cmocka_unit_test_setup_teardown(name, scene_open, scene_close)
    const struct CMUnitTest tests[] = {
        DATAGRAM_TEST(there_and_back),
        DATAGRAM_TEST(there_and_back_by_name),
        DATAGRAM_TEST(there_and_back_by_version_6),
        DATAGRAM_TEST(each_is_itself),
        DATAGRAM_TEST(many_in_one_turn),
        DATAGRAM_TEST(one_socket_many_peers),
        DATAGRAM_TEST(addresses_in_numbers_can_be_sent_to),
        DATAGRAM_TEST(nobody_is_there),
        DATAGRAM_TEST(a_name_that_is_none),
        DATAGRAM_TEST(what_waits_for_a_name_is_bounded),
        DATAGRAM_TEST(a_port_that_is_taken),
        DATAGRAM_TEST(closing_while_it_is_told),
        DATAGRAM_TEST(what_was_put_leaves_before_the_end),
        DATAGRAM_TEST(closed_before_its_peer_is_known),
        DATAGRAM_TEST(freed_with_the_loop),
        DATAGRAM_TEST(no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
