/* io/uv/input.c - standard input: a pipe, a terminal, or a regular file.
 * A file is always ready and is read a piece a turn, by an idle handle; pausing stops it. */
#include <errno.h>
#include <unistd.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/uv/uv.h"

static void
on_turn(uv_idle_t *idle)
{
    struct uv_stream *s = container_of(idle, struct uv_stream, uv.idle);
    struct uv_house *house = uv_house_of(s->stream.io);
    uv_begin(house);
    ssize_t n = read(STDIN_FILENO, house->read_buffer, READ_BUFFER_BYTES);
    if (n > 0) {
        io_event_read(&s->stream, view_of(house->read_buffer, (size_t)n));
        return;
    }
    uv_idle_stop(idle);
    io_event_ended(&s->stream, n == 0 ? -ERR_EOF : uv_err(-errno));
}

void
uv_input_changed(struct uv_stream *stream)
{
    if (stream->stream.reading)
        uv_idle_start(&stream->uv.idle, on_turn);
    else
        uv_idle_stop(&stream->uv.idle);
}

static int
open_as(struct uv_house *house, struct uv_stream *s, uv_handle_type type)
{
    if (type == UV_FILE)
        return uv_idle_init(&house->loop, &s->uv.idle);
    if (type == UV_TTY)
        return uv_tty_init(&house->loop, &s->uv.tty, STDIN_FILENO, 1);
    (void)uv_pipe_init(&house->loop, &s->uv.pipe, 0);
    return uv_pipe_open(&s->uv.pipe, STDIN_FILENO);
}

int
uv_standard_input(struct io *io, struct io_stream **ret)
{
    struct uv_house *house = uv_house_of(io);
    struct uv_stream *s = MEM_NEW(io->mem, struct uv_stream);
    if (s == NULL)
        return -ERR_NO_MEMORY;
    io_stream_init(&s->stream, io);
    uv_handle_type type = uv_guess_handle(STDIN_FILENO);
    int rc = open_as(house, s, type);
    if (rc < 0) {
        if (type == UV_TTY) /* no handle was made */
            mem_free(io->mem, s);
        else
            uv_stream_forget(s);
        return uv_err(rc);
    }
    *ret = &s->stream;
    return 0;
}
