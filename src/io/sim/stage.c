#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "io/sim/stage.h"

#include "base/err.h"

static int
on_start(void *arg, struct io *io)
{
    struct actor *actor = arg;
    actor->io = io;
    actor->starts++;
    return actor->script == NULL ? 0 : actor->script(actor);
}

static void
on_died(void *arg, enum sim_death how)
{
    struct actor *actor = arg;
    actor->deaths++;
    actor->death = how;
    actor->io = NULL;
    actor->stream = NULL;
    actor->listener = NULL;
}

static void
actor_init(struct stage *stage, struct actor *actor, const char *name)
{
    struct sim_program program = { .start = on_start, .died = on_died, .arg = actor, .mem = &actor->mem };
    assert_int_equal(sim_machine_new(stage->sim, name, &program, &actor->machine), 0);
}

void
stage_open(struct stage *stage, uint64_t seed, const char *profile)
{
    *stage = (struct stage){ 0 };
    const struct sim_profile *found = sim_profile_find(profile);
    assert_non_null(found);
    assert_int_equal(sim_new(&stage->mem, seed, found, &stage->sim), 0);
    actor_init(stage, &stage->a, "a");
    actor_init(stage, &stage->b, "b");
}

void
stage_close(struct stage *stage)
{
    sim_free(stage->sim);
    assert_int_equal(stage->mem.used_bytes, 0);
    assert_int_equal(stage->a.mem.used_bytes, 0);
    assert_int_equal(stage->b.mem.used_bytes, 0);
}

/* Starts `actor` with this script, and lets it run. */
void
stage_play(struct stage *stage, struct actor *actor, int (*script)(struct actor *actor))
{
    actor->script = script;
    sim_boot(actor->machine);
    sim_run_for(stage->sim, 10 * SIM_NS_A_MS);
}

/* ---- streams ------------------------------------------------------------------------------------------------ */

static void
on_opened(void *arg, int rc)
{
    struct actor *actor = arg;
    actor->is_opened = true;
    actor->opened = rc;
}

static void
on_read(void *arg, struct view bytes)
{
    struct actor *actor = arg;
    for (size_t i = 0; i < bytes.len; i++)
        assert_int_equal(bytes.data[i], (uint8_t)(actor->read_bytes + i)); /* in order, none missing */
    actor->read_bytes += bytes.len;
    actor->reads++;
    if (actor->echoes)
        assert_int_equal(io_put(actor->stream, bytes), 0);
}

static void
on_ended(void *arg, int rc)
{
    struct actor *actor = arg;
    assert_false(actor->is_ended);
    actor->is_ended = true;
    actor->ended = rc;
    actor->ended_ns = io_now_ns(actor->io);
    io_close(actor->stream);
}

static void
on_drained(void *arg)
{
    (void)arg;
}

static void
on_closed(void *arg)
{
    struct actor *actor = arg;
    actor->is_closed = true;
    actor->stream = NULL;
}

const struct io_stream_on actor_stream_on = {
    .opened = on_opened, .read = on_read, .ended = on_ended, .drained = on_drained, .closed = on_closed
};

static void
on_accept(void *arg, struct io_stream *stream)
{
    struct actor *actor = arg;
    actor->stream = stream;
    io_accept(stream, &actor_stream_on, actor);
}

int
actor_listen_for(struct actor *actor, io_accept_fn *fn)
{
    struct io_address address = { .kind = IO_TCP, .host = "*", .port = 1883 };
    return io_listen(actor->io, &address, fn, actor, &actor->listener);
}

int
actor_listen(struct actor *actor)
{
    return actor_listen_for(actor, on_accept);
}

int
actor_connect(struct actor *actor)
{
    struct io_address address = { .kind = IO_TCP, .host = "a", .port = 1883 };
    return io_connect(actor->io, &address, &actor_stream_on, actor, &actor->stream);
}

/* Bytes that count up, from `from` on. */
void
actor_say(struct actor *actor, size_t from, size_t n)
{
    uint8_t bytes[1000];
    while (n > 0) {
        size_t len = n < sizeof(bytes) ? n : sizeof(bytes);
        for (size_t i = 0; i < len; i++)
            bytes[i] = (uint8_t)(from + i);
        assert_int_equal(io_put(actor->stream, view_of(bytes, len)), 0);
        from += len;
        n -= len;
    }
    io_flush(actor->stream);
}

void
stage_meet(struct stage *stage)
{
    stage_play(stage, &stage->a, actor_listen);
    stage_play(stage, &stage->b, actor_connect);
    sim_run_for(stage->sim, SIM_NS_A_S);
    assert_true(stage->b.is_opened);
    assert_int_equal(stage->b.opened, 0);
    assert_non_null(stage->a.stream);
}

/* ---- files -------------------------------------------------------------------------------------------------- */

int
actor_open(struct actor *actor, const char *path, unsigned flags)
{
    actor->job = (struct io_job){ .op = IO_OPEN, .path = path, .flags = flags, .arg = actor };
    return (int)io_now(actor->io, &actor->job);
}

int64_t
actor_write(struct actor *actor, enum io_op op, uint64_t offset, uint8_t fill, size_t n)
{
    memset(actor->page, fill, n);
    actor->job.op = op;
    actor->job.offset = offset;
    actor->job.views[0] = view_of(actor->page, n);
    actor->job.view_count = 1;
    return io_now(actor->io, &actor->job);
}

int64_t
actor_path(struct actor *actor, enum io_op op, const char *path, const char *path2)
{
    struct io_job job = { .op = op, .path = path, .path2 = path2 };
    return io_now(actor->io, &job);
}

int64_t
actor_file(struct actor *actor, enum io_op op, uint64_t offset)
{
    actor->job.op = op;
    actor->job.offset = offset;
    return io_now(actor->io, &actor->job);
}
