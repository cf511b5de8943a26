/* client/world.h - for the client's own tests: a client and a scripted server on two simulated machines.
 *
 * Everything that happens is written into one transcript: "> CONNECT ..." is a packet of the client's, a line without a
 * mark is an event of the client's.  The server says only what the test tells it to. */
#ifndef TAMBO_CLIENT_WORLD_H
#define TAMBO_CLIENT_WORLD_H

#include "base/mem.h"
#include "client/carry.h"
#include "client/mqtt.h"

struct sim;
struct sim_machine;

struct client_world {
    struct mem world_mem, client_mem, server_mem;
    struct sim *sim;
    struct sim_machine *client_machine, *server_machine;

    struct mqtt_client_settings settings;
    struct mqtt_client *client;
    struct io *io;
    void (*on_message)(struct client_world *world); /* the test's own reaction; may be NULL */
    bool is_closed;
    struct mqtt_client_end end;
    int start_rc; /* of the last attempt to make the client and connect it */

    struct io_stream *server; /* the accepted connection, or NULL */
    struct io_listener *listener;
    struct carry carry;
    uint8_t dialect_version;

    char text[8192];
    size_t text_len;
};

/* A client with `settings` (NULL: 5.0, a clean start, id "c", no keep-alive) that has not begun to connect. */
void world_open(struct client_world *world, const struct mqtt_client_settings *settings);
/* Frees all; nothing may be left in any mem. */
void world_close(struct client_world *world);
/* A client_mem->fail_at set before it counts from here. */
void world_connect(struct client_world *world);
/* Connects and has the server accept, with these properties of CONNACK. */
void world_meet(struct client_world *world, bool session_present, struct view connack_props);
void world_run(struct client_world *world);
/* The server sends bytes, and all is let happen. */
void world_say(struct client_world *world, struct view bytes);
#define WORLD_SAY(world, literal) world_say((world), view_of((literal), sizeof(literal) - 1))
/* An acknowledgement, or a PUBLISH. */
void world_ack(struct client_world *world, enum mqtt_type type, uint16_t packet_id, uint8_t reason);
void world_publish(struct client_world *world, uint8_t qos, uint16_t packet_id, const char *topic, const char *payload);
/* The connection breaks. */
void world_cut(struct client_world *world);

int world_put(struct client_world *world, uint8_t qos, const char *topic, const char *payload, uint64_t token);

/* What was written since the last call; compared with `want`. */
void world_expect(struct client_world *world, const char *want);
/* Forgets it. */
void world_forget(struct client_world *world);

#endif
