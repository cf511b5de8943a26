/* cmd/input.c - see input.h. */
#include "cmd/input.h"

#include <errno.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"

enum { ROOM_BYTES_MIN = 64 * 1024 };

void
input_init(struct input *input, struct io *io)
{
    *input = (struct input){ .io = io, .mem = io_mem(io) };
}

void
input_fini(struct input *input)
{
    mem_free(input->mem, input->bytes);
    input->bytes = NULL;
}

/* ---- a file ----------------------------------------------------------------------------------------------- */

static int
read_whole(struct input *input, int64_t file)
{
    struct io_job size = { .op = IO_SIZE, .file = file };
    int64_t bytes = io_now(input->io, &size);

    if (bytes < 0)
        return (int)bytes;
    if (bytes > INPUT_BYTES_MAX)
        return -ERR_TOO_LARGE;
    if (bytes == 0)
        return 0;
    input->bytes = mem_raw(input->mem, (size_t)bytes);
    if (input->bytes == NULL)
        return -ERR_NO_MEMORY;
    struct io_job read = { .op = IO_READ, .file = file, .into = input->bytes, .len = (size_t)bytes };
    int64_t n = io_now(input->io, &read);
    if (n < 0)
        return (int)n;
    input->len = (size_t)n;
    return 0;
}

int
input_file(struct input *input, const char *path, struct complaint *complaint)
{
    struct io_job open = { .op = IO_OPEN, .path = path, .flags = IO_FLAG_READ_ONLY };
    int rc = (int)io_now(input->io, &open);

    if (rc >= 0) {
        rc = read_whole(input, open.file);
        io_now(input->io, &(struct io_job){ .op = IO_CLOSE, .file = open.file });
    }
    if (rc < 0)
        complain(complaint, "%s: %s", path, err_text(rc));
    return rc < 0 ? rc : 0;
}

/* ---- standard input --------------------------------------------------------------------------------------- */

static void
finish(struct input *input, int rc)
{
    input->ended = true;
    input->failed = rc == -ERR_EOF ? 0 : rc;
    io_close(input->stream);
}

static int
keep(struct input *input, struct view bytes)
{
    if (input->at > 0) {
        memmove(input->bytes, input->bytes + input->at, input->len - input->at);
        input->len -= input->at;
        input->at = 0;
    }
    if (bytes.len > INPUT_BYTES_MAX - input->len)
        return -ERR_TOO_LARGE;
    if (input->len + bytes.len > input->room) {
        size_t room = 2 * (input->len + bytes.len);
        if (room < ROOM_BYTES_MIN)
            room = ROOM_BYTES_MIN;
        uint8_t *grown = mem_grow(input->mem, input->bytes, room);
        if (grown == NULL)
            return -ERR_NO_MEMORY;
        input->bytes = grown;
        input->room = room;
    }
    memcpy(input->bytes + input->len, bytes.data, bytes.len);
    input->len += bytes.len;
    return 0;
}

static void
on_read(void *arg, struct view bytes)
{
    struct input *input = arg;
    int rc = input->ended ? 0 : keep(input, bytes);

    if (rc < 0)
        finish(input, rc);
    input->on(input->arg);
}

static void
on_ended(void *arg, int rc)
{
    struct input *input = arg;

    if (input->ended)
        return;
    finish(input, rc);
    input->on(input->arg);
}

static void
on_closed(void *arg)
{
    struct input *input = arg;
    input->stream = NULL;
}

static const struct io_stream_on stream_on = { .read = on_read, .ended = on_ended, .closed = on_closed };

int
input_stdin(struct input *input, void (*on)(void *arg), void *arg)
{
    input->on = on;
    input->arg = arg;
    return io_stdin(input->io, &stream_on, input, &input->stream);
}

void
input_wait(struct input *input)
{
    uint8_t bytes[ROOM_BYTES_MIN];
    ssize_t n;
    int rc;

    do
        n = read(STDIN_FILENO, bytes, sizeof bytes);
    while (n < 0 && errno == EINTR);
    rc = n > 0 ? keep(input, view_of(bytes, (size_t)n)) : n == 0 ? -ERR_EOF : -ERR_IO;
    if (rc == 0)
        return;
    input->ended = true;
    input->failed = rc == -ERR_EOF ? 0 : rc;
}

struct view
input_all(const struct input *input)
{
    return view_of(input->bytes + input->at, input->len - input->at);
}

bool
input_line(struct input *input, struct view *ret)
{
    struct view left = input_all(input);
    const uint8_t *end = left.len == 0 ? NULL : memchr(left.data, '\n', left.len);

    if (left.len == 0 || (end == NULL && !input->ended))
        return false;
    *ret = view_of(left.data, end == NULL ? left.len : (size_t)(end - left.data));
    return true;
}

void
input_took(struct input *input, struct view line)
{
    input->at = (size_t)(line.data - input->bytes) + line.len;
    if (input->at < input->len)
        input->at++; /* the line's end */
}

void
input_pause(struct input *input, bool pause)
{
    if (input->stream == NULL || input->ended || input->paused == pause)
        return;
    input->paused = pause;
    if (pause)
        io_read_pause(input->stream);
    else
        io_read_resume(input->stream);
}
