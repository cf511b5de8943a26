/* client/amqp_world.h - for the client's own tests: an AMQP client and a scripted server on two simulated machines.
 *
 * As client/world.h: everything goes into one transcript; "> queue.declare" is what the client sends, a line without a
 * mark is an event of the client's.  The server says only what the test tells it to, but for the handshake. */
#ifndef TAMBO_CLIENT_AMQP_WORLD_H
#define TAMBO_CLIENT_AMQP_WORLD_H

#include "base/mem.h"
#include "client/amqp.h"
#include "client/carry.h"

struct sim;
struct sim_machine;

struct amqp_world {
    struct mem world_mem, client_mem, server_mem;
    struct sim *sim;
    struct sim_machine *client_machine, *server_machine;

    struct amqp_client_settings settings;
    struct amqp_client *client;
    struct io *io;
    void (*on_event)(struct amqp_world *world, const char *what); /* the test's own reaction; may be NULL */
    bool is_closed;
    struct amqp_client_end end;
    int start_rc;

    struct io_stream *server;
    struct io_listener *listener;
    struct carry carry;
    size_t greeted; /* bytes of the protocol header that have come */

    /* What the server tunes to. */
    uint32_t frame_max;
    uint16_t channel_max, heartbeat_s;

    char text[16384];
    size_t text_len;
};

void amqp_world_open(struct amqp_world *world, const struct amqp_client_settings *settings);
/* Frees all; nothing may be left in any mem. */
void amqp_world_close(struct amqp_world *world);
void amqp_world_connect(struct amqp_world *world);
/* Connects, shakes hands, opens channel 1; the transcript is empty after it. */
void amqp_world_meet(struct amqp_world *world);
void amqp_world_run(struct amqp_world *world);

/* The server sends bytes, and all is let happen. */
void amqp_world_say(struct amqp_world *world, struct view bytes);
void amqp_world_tell(struct amqp_world *world, uint16_t channel, const struct amqp_method *m);
/* A delivery (or whatever `m` is) with its body in frames of at most `frame_max`; the bytes are written to `ret`. */
size_t amqp_world_content(uint8_t *ret, size_t len, const struct amqp_method *m, struct view body, uint32_t frame_max);
void amqp_world_cut(struct amqp_world *world);

int amqp_world_call(struct amqp_world *world, const struct amqp_method *m, uint64_t token);
int amqp_world_publish(struct amqp_world *world, const char *key, struct view body, uint64_t token);

void amqp_world_expect(struct amqp_world *world, const char *want);
void amqp_world_forget(struct amqp_world *world);

#endif
