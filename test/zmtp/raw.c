/* zmtp/raw.c - the raw end of world.h: what it hears, and what it says. */
#include <stdio.h>

#include "base/must.h"
#include "rig/notation.h"
#include "wire/websocket.h"
#include "zmtp/world.h"

enum { SAY_ROOM = 64 * 1024 };

/* ---- what it hears ---------------------------------------------------------------------------------------------- */

static void
note_command(struct zmtp_world *world, struct view body)
{
    struct zmtp_command command;
    struct zmtp_property property;
    struct fault why;
    must(zmtp_command_parse(body, &command, &why) == 0);
    zmtp_world_note(world, "> %.*s", (int)command.name.len, (const char *)command.name.data);
    if (!view_is(command.name, "READY") && !view_is(command.name, "INITIATE")) {
        zmtp_world_note(world, " ");
        zmtp_world_note_bytes(world, command.data);
    } else {
        while (zmtp_property_next(&command.data, &property, &why) > 0) {
            zmtp_world_note(world, " %.*s=", (int)property.name.len, (const char *)property.name.data);
            zmtp_world_note_bytes(world, property.value);
        }
    }
    zmtp_world_note(world, "\n");
}

static size_t
note_greeting(struct zmtp_world *world)
{
    struct view in = view_of(world->raw_bytes, world->raw_len);
    size_t rest = world->raw_major >= 3 ? ZMTP_GREETING_BYTES - ZMTP_VERSION_BYTES : 1;
    if (world->raw_at == 0 && in.len >= ZMTP_VERSION_BYTES) {
        zmtp_world_note(world, "> version %u\n", in.data[ZMTP_SIGNATURE_BYTES]);
        world->raw_at = ZMTP_VERSION_BYTES;
        return ZMTP_VERSION_BYTES;
    }
    if (world->raw_at == 0 || in.len < rest)
        return 0;
    if (rest == 1)
        zmtp_world_note(world, "> %s\n", zmtp_pattern_name(in.data[0]));
    else
        zmtp_world_note(world, "> .%u %s server=%u\n", in.data[0], (const char *)in.data + 1, in.data[21]);
    world->raw_at = ZMTP_GREETING_BYTES;
    return rest;
}

static size_t
note_frame(struct zmtp_world *world)
{
    struct zmtp_frame frame;
    struct fault why;
    uint64_t need;
    struct view in = view_of(world->raw_bytes, world->raw_len);
    int64_t n = zmtp_frame_parse(in, SIZE_MAX, world->raw_major >= 3, &frame, &need, &why);
    must(n >= 0);
    if (n > 0 && (frame.flags & ZMTP_COMMAND) != 0) {
        note_command(world, frame.body);
    } else if (n > 0) {
        zmtp_world_note(world, "> ");
        zmtp_world_note_bytes(world, frame.body);
        zmtp_world_note(world, (frame.flags & ZMTP_MORE) != 0 ? "+\n" : "\n");
    }
    return (size_t)n;
}

/* Of an HTTP response only its first line. */
static size_t
note_web(struct zmtp_world *world)
{
    struct view in = view_of(world->raw_bytes, world->raw_len);
    struct websocket_head head;
    struct fault why;
    if (view_starts(in, "HTTP/")) {
        const uint8_t *end = memmem(in.data, in.len, "\r\n\r\n", 4);
        if (end == NULL)
            return 0;
        zmtp_world_note(world, "> %.*s\n", (int)strcspn((const char *)in.data, "\r"), (const char *)in.data);
        return (size_t)(end - in.data) + 4;
    }
    int n = websocket_head_parse(in, false, &head, &why);
    if (n <= 0 || head.size > in.len - (size_t)n)
        return 0;
    zmtp_world_note(world, "> ");
    zmtp_world_note_bytes(world, view_of(in.data, (size_t)n + head.size));
    zmtp_world_note(world, "\n");
    return (size_t)n + head.size;
}

static void
note_heard(struct zmtp_world *world)
{
    size_t n;
    do {
        if (world->is_web)
            n = note_web(world);
        else
            n = world->raw_at < ZMTP_GREETING_BYTES ? note_greeting(world) : note_frame(world);
        memmove(world->raw_bytes, world->raw_bytes + n, world->raw_len - n);
        world->raw_len -= n;
    } while (n > 0 && world->raw_len > 0);
}

/* ---- its stream ------------------------------------------------------------------------------------------------- */

static void
on_raw_opened(void *arg, int rc)
{
    (void)arg;
    must(rc == 0);
}

static void
on_raw_read(void *arg, struct view bytes)
{
    struct zmtp_world *world = arg;
    must(bytes.len <= sizeof(world->raw_bytes) - world->raw_len);
    memcpy(world->raw_bytes + world->raw_len, bytes.data, bytes.len);
    world->raw_len += bytes.len;
    note_heard(world);
}

static void
on_raw_ended(void *arg, int rc)
{
    struct zmtp_world *world = arg;
    (void)rc;
    io_close(world->raw);
}

static void
on_raw_closed(void *arg)
{
    struct zmtp_world *world = arg;
    world->raw = NULL;
}

static const struct io_stream_on raw_on = { on_raw_opened, on_raw_read, on_raw_ended, NULL, on_raw_closed };

/* ---- what it says ----------------------------------------------------------------------------------------------- */

void
zmtp_world_raw(struct zmtp_world *world)
{
    struct io_address address = zmtp_world_address("a");
    must(io_connect(world->raw_io, &address, &raw_on, world, &world->raw) == 0);
    world->raw_at = world->raw_said = world->raw_len = 0;
    zmtp_world_run(world);
}

/* The version that it says is the one that a then speaks with it. */
static void
note_said(struct zmtp_world *world, struct view bytes)
{
    size_t at = ZMTP_SIGNATURE_BYTES - world->raw_said;
    if (world->raw_said <= ZMTP_SIGNATURE_BYTES && at < bytes.len)
        world->raw_major = bytes.data[at] >= 3 ? 3 : 2;
    world->raw_said += bytes.len;
}

void
zmtp_world_say_bytes(struct zmtp_world *world, struct view bytes)
{
    if (world->raw != NULL) {
        note_said(world, bytes);
        must(io_put(world->raw, bytes) == 0);
    }
    zmtp_world_run(world);
}

void
zmtp_world_say(struct zmtp_world *world, const char *notation)
{
    uint8_t bytes[SAY_ROOM];
    zmtp_world_say_bytes(world, view_of(bytes, notation_bytes(notation, bytes, sizeof(bytes))));
}

void
zmtp_world_greet(struct zmtp_world *world, unsigned minor, const char *mechanism, size_t len)
{
    uint8_t bytes[ZMTP_GREETING_BYTES] = { 0xff, [9] = 0x7f, [10] = 3, [11] = (uint8_t)minor };
    memcpy(bytes + 12, mechanism, strlen(mechanism));
    zmtp_world_say_bytes(world, view_of(bytes, len));
}

void
zmtp_world_command(struct zmtp_world *world, const char *name, const char *data)
{
    uint8_t bytes[SAY_ROOM], frame[SAY_ROOM + 32];
    size_t n = notation_bytes(data, bytes, sizeof(bytes));
    n = zmtp_command_write(frame, name, view_of(bytes, n), view_of(NULL, 0));
    zmtp_world_say_bytes(world, view_of(frame, n));
}

void
zmtp_world_raw_ready(struct zmtp_world *world, unsigned minor, const char *pattern)
{
    char data[64];
    snprintf(data, sizeof(data), "0b [Socket-Type] 000000%02zx [%s]", strlen(pattern), pattern);
    zmtp_world_raw(world);
    zmtp_world_greet(world, minor, "NULL", ZMTP_GREETING_BYTES);
    zmtp_world_command(world, "READY", data);
    zmtp_world_forget(world);
}

void
zmtp_world_hang_up(struct zmtp_world *world)
{
    if (world->raw != NULL)
        io_abort(world->raw);
    zmtp_world_run(world);
}
