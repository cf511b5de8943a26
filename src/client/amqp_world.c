/* client/amqp_world.c - see amqp_world.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client/amqp_world.h"
#include "io/sim/sim.h"

#include <stdio.h>

#include "base/err.h"
#include "base/must.h"

enum { SAY_ROOM = 4096 };

__attribute__((format(printf, 2, 3))) static void
note(struct amqp_world *world, const char *format, ...)
{
    va_list args;
    size_t room = sizeof world->text - world->text_len;
    va_start(args, format);
    int n = vsnprintf(world->text + world->text_len, room, format, args);
    va_end(args);
    must(n >= 0 && (size_t)n < room);
    world->text_len += (size_t)n;
}

#define TEXT(v) (int)(v).len, (const char *)(v).data

/* ---- the client ------------------------------------------------------------------------------------------- */

static void
tell_test(struct amqp_world *world, const char *what)
{
    if (world->on_event != NULL)
        world->on_event(world, what);
}

static void
on_opened(void *arg)
{
    note(arg, "opened\n");
}

static void
on_answered(void *arg, uint16_t channel, uint64_t token, const struct amqp_method *m)
{
    note(arg, "answered %u on %u: %s\n", (unsigned)token, channel, m == NULL ? "never" : amqp_method_name(m->id));
    tell_test(arg, "answered");
}

/* Bodies that are long are told by their length. */
static void
note_message(struct amqp_world *world, const char *what, const struct amqp_client_message *m)
{
    note(world, "%s '%.*s'/%.*s tag=%u%s", what, TEXT(m->exchange), TEXT(m->routing_key), (unsigned)m->delivery_tag,
         m->redelivered ? " again" : "");
    if (m->body.len <= 32)
        note(world, " '%.*s'\n", TEXT(m->body));
    else
        note(world, " %zu bytes\n", m->body.len);
    for (size_t i = 0; m->body.len > 32 && i < m->body.len; i++)
        assert_int_equal(m->body.data[i], (uint8_t)i);
}

static void
on_message(void *arg, const struct amqp_client_message *m)
{
    note(arg, "[%.*s] ", TEXT(m->consumer_tag));
    note_message(arg, "message", m);
    tell_test(arg, "message");
}

static void
on_got(void *arg, uint64_t token, const struct amqp_client_message *m)
{
    note(arg, "%u: ", (unsigned)token);
    note_message(arg, "got", m);
}

static void
on_returned(void *arg, const struct amqp_client_message *m, unsigned code, struct view text)
{
    note(arg, "%u %.*s: ", code, TEXT(text));
    note_message(arg, "returned", m);
}

static void
on_confirmed(void *arg, uint16_t channel, uint64_t token, bool acked)
{
    note(arg, "confirmed %u on %u%s\n", (unsigned)token, channel, acked ? "" : ": refused");
    tell_test(arg, "confirmed");
}

static void
on_cancelled(void *arg, uint16_t channel, struct view tag)
{
    note(arg, "cancelled %.*s on %u\n", TEXT(tag), channel);
}

static void
on_channel_closed(void *arg, uint16_t channel, unsigned code, struct view text)
{
    note(arg, "channel %u closed: %u %.*s\n", channel, code, TEXT(text));
}

static void
on_blocked(void *arg, bool blocked, struct view reason)
{
    note(arg, "%s%.*s\n", blocked ? "blocked: " : "unblocked", TEXT(reason));
}

static void
on_ready(void *arg)
{
    note(arg, "ready\n");
}

static void
on_closed(void *arg, const struct amqp_client_end *end)
{
    struct amqp_world *world = arg;
    char text[320];

    amqp_client_end_print(end, text, sizeof text);
    note(world, "closed: %s\n", text);
    world->is_closed = true;
    world->end = *end;
}

static const struct amqp_client_on client_on = {
    .opened = on_opened,
    .answered = on_answered,
    .message = on_message,
    .got = on_got,
    .returned = on_returned,
    .confirmed = on_confirmed,
    .cancelled = on_cancelled,
    .channel_closed = on_channel_closed,
    .blocked = on_blocked,
    .ready = on_ready,
    .closed = on_closed,
};

static int
start_client(void *arg, struct io *io)
{
    struct amqp_world *world = arg;
    world->io = io;
    return 0;
}

static void
client_died(void *arg, enum sim_death how)
{
    struct amqp_world *world = arg;
    (void)how;
    amqp_client_free(world->client);
    world->client = NULL;
    io_free(world->io);
}

/* ---- the server ------------------------------------------------------------------------------------------- */

/* The sizes that decide something are told; a heartbeat is only its name. */
static void
server_frame(struct amqp_world *world, const struct amqp_frame *frame)
{
    struct amqp_method m;
    struct amqp_header header;
    struct fault why;

    switch (frame->type) {
    case AMQP_FRAME_HEARTBEAT: note(world, "> heartbeat\n"); break;
    case AMQP_FRAME_HEADER:
        assert_int_equal(amqp_header_parse(frame->payload, &header, &why), 0);
        note(world, "> header %u\n", (unsigned)header.body_size);
        break;
    case AMQP_FRAME_BODY: note(world, "> body %zu\n", frame->payload.len); break;
    default:
        assert_int_equal(amqp_method_parse(frame->payload, &m, &why), 0);
        note(world, "> %s on %u\n", amqp_method_name(m.id), frame->channel);
        if (m.id == AMQP_CONNECTION_TUNE_OK)
            note(world, "    %u %u %u\n", m.connection_tune_ok.channel_max, m.connection_tune_ok.frame_max,
                 m.connection_tune_ok.heartbeat);
        break;
    }
}

static ptrdiff_t
frame_size(struct view in, size_t frame_max, struct fault *reterr)
{
    struct amqp_frame frame;
    size_t need = 0;
    int64_t n = amqp_frame_parse(in, (uint32_t)frame_max, &frame, &need, reterr);
    return n != 0 ? (ptrdiff_t)n : in.len < AMQP_FRAME_HEAD ? 0 : (ptrdiff_t)need;
}

static void
server_read(void *arg, struct view bytes)
{
    struct amqp_world *world = arg;
    struct amqp_frame frame;
    struct fault why;
    struct view one;
    size_t need;

    size_t left = AMQP_PROTOCOL_HEADER_BYTES - world->greeted;
    size_t n = left < bytes.len ? left : bytes.len;
    assert_memory_equal(bytes.data, &AMQP_PROTOCOL_HEADER[world->greeted], n);
    world->greeted += n;
    bytes = view_from(bytes, n);
    while (carry_next(&world->carry, &bytes, 0, &one, &why) > 0) {
        assert_true(amqp_frame_parse(one, 0, &frame, &need, &why) > 0);
        server_frame(world, &frame);
    }
}

static void
server_ended(void *arg, int rc)
{
    struct amqp_world *world = arg;
    (void)rc;
    io_close(world->server);
}

static void
server_closed(void *arg)
{
    struct amqp_world *world = arg;
    world->server = NULL;
    carry_clear(&world->carry);
}

static const struct io_stream_on server_on = { .read = server_read, .ended = server_ended, .closed = server_closed };

static void
on_accept(void *arg, struct io_stream *stream)
{
    struct amqp_world *world = arg;
    world->server = stream;
    world->greeted = 0;
    io_accept(stream, &server_on, world);
}

static int
start_server(void *arg, struct io *io)
{
    struct amqp_world *world = arg;
    struct io_address address;
    must(io_address_parse("tcp://*:5672", 5672, &address) == 0);
    return io_listen(io, &address, on_accept, world, &world->listener);
}

static void
server_died(void *arg, enum sim_death how)
{
    struct amqp_world *world = arg;
    (void)how;
    world->server = NULL;
    carry_clear(&world->carry);
}

/* ---- the world -------------------------------------------------------------------------------------------- */

void
amqp_world_open(struct amqp_world *world, const struct amqp_client_settings *settings)
{
    *world = (struct amqp_world){ .frame_max = AMQP_FRAME_MIN_SIZE, .channel_max = 8 };
    if (settings != NULL)
        world->settings = *settings;
    carry_init(&world->carry, &world->server_mem, frame_size);
    must(sim_new(&world->world_mem, 1, NULL, &world->sim) == 0);
    struct sim_program client = { start_client, client_died, world, &world->client_mem };
    struct sim_program server = { start_server, server_died, world, &world->server_mem };
    must(sim_machine_new(world->sim, "client", &client, &world->client_machine) == 0);
    must(sim_machine_new(world->sim, "server", &server, &world->server_machine) == 0);
    sim_boot(world->server_machine);
    sim_boot(world->client_machine);
    amqp_world_run(world);
}

void
amqp_world_close(struct amqp_world *world)
{
    sim_free(world->sim);
    assert_int_equal(world->client_mem.used_bytes, 0);
    assert_int_equal(world->server_mem.used_bytes, 0);
    assert_int_equal(world->world_mem.used_bytes, 0);
}

void
amqp_world_run(struct amqp_world *world)
{
    sim_run_for(world->sim, SIM_NS_A_S / 2);
}

void
amqp_world_connect(struct amqp_world *world)
{
    struct io_address address;

    must(io_address_parse("tcp://server:5672", 5672, &address) == 0);
    world->is_closed = false;
    world->start_rc = 0;
    if (world->client == NULL)
        world->start_rc = amqp_client_new(world->io, &world->settings, &client_on, world, &world->client);
    if (world->start_rc == 0)
        world->start_rc = amqp_client_connect(world->client, &address);
    amqp_world_run(world);
}

void
amqp_world_meet(struct amqp_world *world)
{
    struct amqp_method start = { .id = AMQP_CONNECTION_START }, tune = { .id = AMQP_CONNECTION_TUNE };
    struct amqp_method open = { .id = AMQP_CHANNEL_OPEN };

    start.connection_start = (struct amqp_connection_start){ 0, 9, { 0 }, view_str("PLAIN"), view_str("en_US") };
    tune.connection_tune = (struct amqp_connection_tune){ world->channel_max, world->frame_max, world->heartbeat_s };
    amqp_world_connect(world);
    amqp_world_tell(world, 0, &start);
    amqp_world_tell(world, 0, &tune);
    amqp_world_tell(world, 0, &(struct amqp_method){ .id = AMQP_CONNECTION_OPEN_OK });
    if (world->client == NULL || amqp_world_call(world, &open, 0) < 0)
        return;
    amqp_world_tell(world, 1, &(struct amqp_method){ .id = AMQP_CHANNEL_OPEN_OK });
}

void
amqp_world_say(struct amqp_world *world, struct view bytes)
{
    if (world->server != NULL)
        must(io_put(world->server, bytes) == 0);
    amqp_world_run(world);
}

void
amqp_world_tell(struct amqp_world *world, uint16_t channel, const struct amqp_method *m)
{
    uint8_t frame[SAY_ROOM];
    size_t n = amqp_method_write(frame, sizeof frame, channel, m);
    must(n > 0);
    amqp_world_say(world, view_of(frame, n));
}

size_t
amqp_world_content(uint8_t *ret, size_t len, const struct amqp_method *m, struct view body, uint32_t frame_max)
{
    static const uint8_t no_props[2];
    size_t part = (size_t)amqp_body_part(frame_max, body.len);
    size_t n = amqp_content_head(ret, len, 1, m, view_of(no_props, sizeof no_props), body.len, frame_max);

    while (body.len > 0) {
        must(n > 0 && n + part + AMQP_FRAME_OVERHEAD <= len);
        memcpy(ret + n, body.data, part);
        n += part;
        ret[n++] = AMQP_FRAME_END;
        body = view_from(body, part);
        part = (size_t)amqp_body_part(frame_max, body.len);
        if (part > 0)
            n += amqp_body_open(ret + n, 1, part);
    }
    return n;
}

void
amqp_world_cut(struct amqp_world *world)
{
    sim_cut_streams(world->sim, world->client_machine, world->server_machine);
    amqp_world_run(world);
}

int
amqp_world_call(struct amqp_world *world, const struct amqp_method *m, uint64_t token)
{
    int rc = amqp_client_call(world->client, 1, m, token);
    amqp_world_run(world);
    return rc;
}

int
amqp_world_publish(struct amqp_world *world, const char *key, struct view body, uint64_t token)
{
    struct amqp_basic_publish publish = { .routing_key = view_str(key) };
    int rc = amqp_client_publish(world->client, 1, &publish, view_of(NULL, 0), body, token);
    amqp_world_run(world);
    return rc;
}

void
amqp_world_forget(struct amqp_world *world)
{
    world->text_len = 0;
    world->text[0] = '\0';
}

void
amqp_world_expect(struct amqp_world *world, const char *want)
{
    assert_string_equal(world->text, want);
    amqp_world_forget(world);
}
