#include "io/scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/err.h"

int
scene_open(void **state)
{
    struct scene *scene = test_calloc(1, sizeof(*scene));
    scene->world = world_new(&scene->mem);
    assert_non_null(scene->world);
    scene->io = world_io(scene->world);
    scene->client.scene = scene->server.scene = scene;
    for (unsigned i = 0; i < SCENE_PEERS_MAX; i++)
        scene->guests[i].scene = scene;
    *state = scene;
    return 0;
}

int
scene_close(void **state)
{
    struct scene *scene = *state;
    scene->mem.fail_at = 0;
    world_free(scene->world);
    assert_int_equal(scene->mem.used_bytes, 0);
    assert_int_equal(scene->sibling_mem.used_bytes, 0);
    test_free(scene);
    return 0;
}

/* ---- running ------------------------------------------------------------------------------------------------ */

struct goal {
    const unsigned *value;
    const size_t *bytes;
    size_t n;
};

static bool
is_reached(void *arg)
{
    const struct goal *goal = arg;
    return (goal->value != NULL ? *goal->value : *goal->bytes) >= goal->n;
}

bool
scene_until(struct scene *scene, const unsigned *value, unsigned n)
{
    struct goal goal = { .value = value, .n = n };
    return world_run_until(scene->world, is_reached, &goal, SCENE_PATIENCE_MS);
}

bool
scene_until_bytes(struct scene *scene, const size_t *value, size_t n)
{
    struct goal goal = { .bytes = value, .n = n };
    return world_run_until(scene->world, is_reached, &goal, SCENE_PATIENCE_MS);
}

void
scene_run(struct scene *scene, unsigned ms)
{
    world_run_until(scene->world, NULL, NULL, ms);
}

/* ---- peers -------------------------------------------------------------------------------------------------- */

static void
on_opened(void *arg, int rc)
{
    struct peer *peer = arg;
    peer->opened++;
    peer->opened_rc = rc;
}

static void
check_bytes(const struct peer *peer, struct view bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        if (bytes.data[i] != (uint8_t)(peer->read_bytes + i))
            fail_msg("byte %zu is %u", peer->read_bytes + i, bytes.data[i]);
}

static void
on_read(void *arg, struct view bytes)
{
    struct peer *peer = arg;
    assert_true(bytes.len > 0);
    assert_int_equal(peer->closed, 0);
    check_bytes(peer, bytes);
    peer->reads++;
    peer->read_bytes += bytes.len;
    if (peer->echoes)
        (void)io_put(peer->stream, bytes);
    if (peer->pauses_at_read)
        io_read_pause(peer->stream);
    if (peer->closes_at_read)
        io_close(peer->stream);
    if (peer->aborts_at_read)
        io_abort(peer->stream);
    if (peer->parcels_at_read)
        peer->parceled = io_detach(peer->stream, &peer->parcel) == 0;
}

static void
on_ended(void *arg, int rc)
{
    struct peer *peer = arg;
    peer->ended++;
    peer->ended_rc = rc;
    if (peer->closes_at_end)
        io_close(peer->stream);
}

static void
on_drained(void *arg)
{
    ((struct peer *)arg)->drained++;
}

static void
on_closed(void *arg)
{
    struct peer *peer = arg;
    peer->closed++;
    peer->stream = NULL;
}

const struct io_stream_on peer_on = { on_opened, on_read, on_ended, on_drained, on_closed };

/* Any 256 bytes of it count up. */
static const uint8_t *
counting(size_t from)
{
    static const uint8_t row[] = {
#define EIGHT(n) (n), (n) + 1, (n) + 2, (n) + 3, (n) + 4, (n) + 5, (n) + 6, (n) + 7
#define SIXTY(n)                                                                                                   \
    EIGHT(n), EIGHT((n) + 8), EIGHT((n) + 16), EIGHT((n) + 24), EIGHT((n) + 32), EIGHT((n) + 40), EIGHT((n) + 48), \
        EIGHT((n) + 56)
#define ALL SIXTY(0), SIXTY(64), SIXTY(128), SIXTY(192)
        ALL,
        ALL,
    };
    return row + from % 256;
}

static size_t
piece_of(size_t left)
{
    return left < 256 ? left : 256;
}

void
peer_say(struct peer *peer, size_t n)
{
    while (n > 0) {
        size_t piece = piece_of(n);
        assert_int_equal(io_put(peer->stream, view_of(counting(peer->said), piece)), 0);
        peer->said += piece;
        n -= piece;
    }
}

static void
count_release(void *arg)
{
    ((struct scene *)arg)->released++;
}

void
peer_refer(struct peer *peer, size_t n)
{
    assert_true(n <= 256);
    struct view bytes = view_of(counting(peer->said), n);
    assert_int_equal(io_put_ref(peer->stream, bytes, count_release, peer->scene), 0);
    peer->said += n;
}

/* ---- meeting ------------------------------------------------------------------------------------------------ */

struct io_address
scene_address(struct scene *scene, const char *kind)
{
    struct io_address address;
    char text[300];
    snprintf(text, sizeof(text), "unix:%s%s", kind[0] == 'a' ? "@" : "", world_path(scene->world, "socket"));
    assert_int_equal(io_address_parse(kind[0] == 't' ? "tcp://127.0.0.1:0" : text, 0, &address), 0);
    return address;
}

static void
on_accept(void *arg, struct io_stream *stream)
{
    struct scene *scene = arg;
    struct peer *peer = scene->accepted == 0 ? &scene->server : &scene->guests[scene->accepted - 1];
    assert_true(scene->accepted <= SCENE_PEERS_MAX);
    scene->accepted++;
    peer->stream = stream;
    io_accept(stream, &peer_on, peer);
}

void
scene_listen(struct scene *scene, const char *kind)
{
    struct io_address address = scene_address(scene, kind);
    assert_int_equal(io_listen(scene->io, &address, on_accept, scene, &scene->listener), 0);
}

void
scene_connect(struct scene *scene, struct peer *peer, const struct io_address *address)
{
    assert_int_equal(io_connect(scene->io, address, &peer_on, peer, &peer->stream), 0);
}

void
scene_meet(struct scene *scene, const char *kind)
{
    struct io_address address;
    scene_listen(scene, kind);
    io_listener_address(scene->listener, &address);
    scene_connect(scene, &scene->client, &address);
    assert_int_equal(scene->client.opened, 0);
    assert_true(scene_until(scene, &scene->client.opened, 1));
    assert_true(scene_until(scene, &scene->accepted, 1));
    assert_int_equal(scene->client.opened_rc, 0);
}
