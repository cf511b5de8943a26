/* client/world.c - see world.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client/world.h"
#include "io/sim/sim.h"

#include <stdio.h>

#include "base/err.h"
#include "base/must.h"

enum { SAY_ROOM = 1024 };

__attribute__((format(printf, 2, 3))) static void
note(struct client_world *world, const char *format, ...)
{
    va_list args;
    size_t room = sizeof world->text - world->text_len;
    va_start(args, format);
    int n = vsnprintf(world->text + world->text_len, room, format, args);
    va_end(args);
    must(n >= 0 && (size_t)n < room);
    world->text_len += (size_t)n;
}

/* ---- the client ------------------------------------------------------------------------------------------- */

static void
on_connected(void *arg, const struct mqtt_connack *connack)
{
    note(arg, "connected%s\n", connack->session_present ? ", session present" : "");
}

static void
note_message(struct client_world *world, const char *mark, const struct mqtt_publish *m)
{
    note(world, "%s %.*s qos=%u", mark, (int)m->topic.len, (const char *)m->topic.data, m->qos);
    if (m->packet_id != 0)
        note(world, " id=%u", m->packet_id);
    if (mqtt_has(&m->properties, MQTT_TOPIC_ALIAS))
        note(world, " alias=%u", m->properties.topic_alias);
    note(world, "%s%s '%.*s'\n", m->dup ? " dup" : "", m->retain ? " retain" : "", (int)m->payload.len,
         (const char *)m->payload.data);
}

static void
on_message(void *arg, const struct mqtt_publish *message)
{
    struct client_world *world = arg;
    note_message(world, "message", message);
    if (world->on_message != NULL)
        world->on_message(world);
}

static void
on_settled(void *arg, uint64_t token, int rc)
{
    note(arg, "settled %u: %s\n", (unsigned)token, rc < 0 ? err_text(rc) : mqtt_reason_text((unsigned)rc));
}

static void
on_granted(void *arg, const struct mqtt_ack *ack)
{
    note(arg, "granted id=%u codes=%zu\n", ack->packet_id, ack->codes.len);
}

static void
on_challenged(void *arg, const struct mqtt_ack *auth)
{
    note(arg, "challenged: %s\n", mqtt_reason_text(auth->reason));
}

static void
on_ready(void *arg)
{
    note(arg, "ready\n");
}

static void
on_closed(void *arg, const struct mqtt_client_end *end)
{
    struct client_world *world = arg;
    char text[256];

    mqtt_client_end_print(end, text, sizeof text);
    note(world, "closed: %s\n", text);
    world->is_closed = true;
    world->end = *end;
}

static const struct mqtt_client_on client_on = {
    .connected = on_connected,
    .message = on_message,
    .settled = on_settled,
    .granted = on_granted,
    .challenged = on_challenged,
    .ready = on_ready,
    .closed = on_closed,
};

static int
start_client(void *arg, struct io *io)
{
    struct client_world *world = arg;
    world->io = io;
    return 0;
}

static void
client_died(void *arg, enum sim_death how)
{
    struct client_world *world = arg;
    (void)how;
    mqtt_client_free(world->client);
    world->client = NULL;
    io_free(world->io);
}

/* ---- the server ------------------------------------------------------------------------------------------- */

static void
note_packet(struct client_world *world, const struct mqtt_packet *p)
{
    const char *type = mqtt_type_text(p->type);

    switch (p->type) {
    case MQTT_CONNECT:
        note(world, "> CONNECT v%u id=%.*s%s\n", p->connect.version, (int)p->connect.client_id.len,
             (const char *)p->connect.client_id.data, p->connect.clean_start ? " clean" : "");
        break;
    case MQTT_PUBLISH: note_message(world, "> PUBLISH", &p->publish); break;
    case MQTT_SUBSCRIBE:
    case MQTT_UNSUBSCRIBE:
        note(world, "> %s id=%u count=%u\n", type, p->subscribe.packet_id, p->subscribe.count);
        break;
    case MQTT_PINGREQ: note(world, "> %s\n", type); break;
    case MQTT_DISCONNECT:
    case MQTT_AUTH: note(world, "> %s %02x\n", type, p->ack.reason); break;
    default: note(world, "> %s id=%u%s\n", type, p->ack.packet_id, p->ack.reason == 0 ? "" : " refused"); break;
    }
}

static void
server_read(void *arg, struct view bytes)
{
    struct client_world *world = arg;
    struct mqtt_dialect dialect = { world->dialect_version, MQTT_FROM_CLIENT, SIZE_MAX };
    struct mqtt_packet packet;
    struct fault fault;
    struct view frame;

    while (carry_next(&world->carry, &bytes, SIZE_MAX, &frame, &fault) > 0) {
        assert_int_equal(mqtt_decode(frame, &dialect, &packet, &fault), frame.len);
        if (packet.type == MQTT_CONNECT)
            world->dialect_version = dialect.version = packet.connect.version;
        note_packet(world, &packet);
    }
}

static void
server_ended(void *arg, int rc)
{
    struct client_world *world = arg;
    (void)rc;
    io_close(world->server);
}

static void
server_closed(void *arg)
{
    struct client_world *world = arg;
    world->server = NULL;
    carry_clear(&world->carry);
}

static const struct io_stream_on server_on = { .read = server_read, .ended = server_ended, .closed = server_closed };

static void
on_accept(void *arg, struct io_stream *stream)
{
    struct client_world *world = arg;
    world->server = stream;
    world->dialect_version = 0;
    io_accept(stream, &server_on, world);
}

static int
start_server(void *arg, struct io *io)
{
    struct client_world *world = arg;
    struct io_address address;
    must(io_address_parse("tcp://*:1883", 1883, &address) == 0);
    return io_listen(io, &address, on_accept, world, &world->listener);
}

static void
server_died(void *arg, enum sim_death how)
{
    struct client_world *world = arg;
    (void)how;
    world->server = NULL;
    carry_clear(&world->carry);
}

/* ---- the world -------------------------------------------------------------------------------------------- */

void
world_open(struct client_world *world, const struct mqtt_client_settings *settings)
{
    *world = (struct client_world){ 0 };
    world->settings.connect =
        (struct mqtt_connect){ .version = MQTT_V5, .clean_start = true, .client_id = view_str("c") };
    if (settings != NULL)
        world->settings = *settings;
    carry_init(&world->carry, &world->server_mem, mqtt_frame);
    must(sim_new(&world->world_mem, 1, NULL, &world->sim) == 0);
    struct sim_program client = { start_client, client_died, world, &world->client_mem };
    struct sim_program server = { start_server, server_died, world, &world->server_mem };
    must(sim_machine_new(world->sim, "client", &client, &world->client_machine) == 0);
    must(sim_machine_new(world->sim, "server", &server, &world->server_machine) == 0);
    sim_boot(world->server_machine);
    sim_boot(world->client_machine);
    world_run(world);
}

void
world_close(struct client_world *world)
{
    sim_free(world->sim);
    assert_int_equal(world->client_mem.used_bytes, 0);
    assert_int_equal(world->server_mem.used_bytes, 0);
    assert_int_equal(world->world_mem.used_bytes, 0);
}

void
world_run(struct client_world *world)
{
    sim_run_for(world->sim, SIM_NS_A_S / 2);
}

void
world_connect(struct client_world *world)
{
    struct io_address address;

    must(io_address_parse("tcp://server:1883", 1883, &address) == 0);
    world->is_closed = false;
    world->start_rc = 0;
    if (world->client == NULL)
        world->start_rc = mqtt_client_new(world->io, &world->settings, &client_on, world, &world->client);
    if (world->start_rc == 0)
        world->start_rc = mqtt_client_connect(world->client, &address);
    world_run(world);
}

void
world_meet(struct client_world *world, bool session_present, struct view connack_props)
{
    uint8_t packet[SAY_ROOM];

    world_connect(world);
    size_t n = mqtt_write_connack(packet, sizeof packet, world->settings.connect.version, session_present, MQTT_SUCCESS,
                                  connack_props);
    must(n > 0);
    world_say(world, view_of(packet, n));
}

void
world_say(struct client_world *world, struct view bytes)
{
    if (world->server != NULL)
        must(io_put(world->server, bytes) == 0);
    world_run(world);
}

void
world_ack(struct client_world *world, enum mqtt_type type, uint16_t packet_id, uint8_t reason)
{
    uint8_t packet[SAY_ROOM];
    size_t n = mqtt_write_ack(packet, sizeof packet, world->settings.connect.version, type, packet_id, reason,
                              view_of(NULL, 0));
    must(n > 0);
    world_say(world, view_of(packet, n));
}

void
world_publish(struct client_world *world, uint8_t qos, uint16_t packet_id, const char *topic, const char *payload)
{
    uint8_t packet[SAY_ROOM];
    struct mqtt_publish_head head = {
        .version = world->settings.connect.version,
        .qos = qos,
        .packet_id = packet_id,
        .expiry_s = UINT32_MAX,
        .topic = view_str(topic),
        .payload_bytes = strlen(payload),
    };
    size_t n = mqtt_write_publish_head(packet, sizeof packet, &head);
    must(n > 0 && n + head.payload_bytes <= sizeof packet);
    memcpy(packet + n, payload, head.payload_bytes);
    world_say(world, view_of(packet, n + head.payload_bytes));
}

void
world_cut(struct client_world *world)
{
    sim_cut_streams(world->sim, world->client_machine, world->server_machine);
    world_run(world);
}

int
world_put(struct client_world *world, uint8_t qos, const char *topic, const char *payload, uint64_t token)
{
    struct mqtt_publish message = { .qos = qos, .topic = view_str(topic), .payload = view_str(payload) };
    int rc = mqtt_client_publish(world->client, &message, token);
    world_run(world);
    return rc;
}

void
world_forget(struct client_world *world)
{
    world->text_len = 0;
    world->text[0] = '\0';
}

void
world_expect(struct client_world *world, const char *want)
{
    assert_string_equal(world->text, want);
    world_forget(world);
}
