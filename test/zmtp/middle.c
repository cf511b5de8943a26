/* zmtp/middle.c - the machine between a and b in world.h: it passes on what comes, or something else. */
#include "base/must.h"
#include "zmtp/world.h"

/* Which of the two: 0 came from a. */
static void
pass(struct zmtp_world *world, unsigned from, struct view bytes)
{
    uint8_t copy[256 * 1024];
    must(bytes.len <= sizeof(copy));
    memcpy(copy, bytes.data, bytes.len);
    size_t at = world->flip[from] - world->passed[from];
    if (world->flip[from] >= world->passed[from] && at < bytes.len)
        copy[at] ^= 0x10;
    world->passed[from] += bytes.len;
    for (unsigned times = world->repeats ? 2 : 1; times > 0 && world->middle[!from] != NULL; times--)
        (void)io_put(world->middle[!from], view_of(copy, bytes.len));
}

static void
on_middle_opened(void *arg, int rc)
{
    struct zmtp_world *world = arg;
    must(rc == 0);
    if (world->middle[1] != NULL)
        io_read_resume(world->middle[1]);
}

static void
on_read_a(void *arg, struct view bytes)
{
    pass(arg, 0, bytes);
}

static void
on_read_b(void *arg, struct view bytes)
{
    pass(arg, 1, bytes);
}

static void
on_middle_ended(void *arg, int rc)
{
    struct zmtp_world *world = arg;
    (void)rc;
    for (unsigned i = 0; i < 2; i++)
        if (world->middle[i] != NULL)
            io_close(world->middle[i]);
}

static void
on_closed_a(void *arg)
{
    struct zmtp_world *world = arg;
    world->middle[0] = NULL;
}

static void
on_closed_b(void *arg)
{
    struct zmtp_world *world = arg;
    world->middle[1] = NULL;
}

static const struct io_stream_on on_a = { on_middle_opened, on_read_a, on_middle_ended, NULL, on_closed_a };
static const struct io_stream_on on_b = { NULL, on_read_b, on_middle_ended, NULL, on_closed_b };

static void
on_accept_b(void *arg, struct io_stream *stream)
{
    struct zmtp_world *world = arg;
    struct io_address address = zmtp_world_address("a");
    world->passed[0] = world->passed[1] = 0;
    world->middle[1] = stream;
    io_accept(stream, &on_b, world);
    io_read_pause(stream);
    must(io_connect(world->raw_io, &address, &on_a, world, &world->middle[0]) == 0);
}

int
zmtp_world_start_middle(void *arg, struct io *io)
{
    struct zmtp_world *world = arg;
    struct io_address address = zmtp_world_address("*");
    struct io_listener *listener;
    world->raw_io = io;
    return io_listen(io, &address, on_accept_b, world, &listener);
}
