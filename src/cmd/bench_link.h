/* cmd/bench_link.h - one bare MQTT connection of the load generator: dials, greets, cuts the stream into packets.
 *
 * It is not client/mqtt.h: that one decodes and keeps every message, this one hands out frames as they lie in the read
 * buffer, so that a generator on one core can outrun any broker on another. */
#ifndef TAMBO_CMD_BENCH_LINK_H
#define TAMBO_CMD_BENCH_LINK_H

#include "client/carry.h"
#include "client/mqtt.h"

/* `arg` is the one given at link_open. */
struct link_on {
    /* The connection is there: fill in the CONNECT; its views are used at once. */
    void (*greet)(void *arg, struct mqtt_connect *ret);
    /* CONNACK said yes. */
    void (*opened)(void *arg, bool session_present);
    /* Any later packet, whole, borrowed for the call. */
    void (*frame)(void *arg, struct view frame);
    /* The last call.  `end` tells why; MQTT_CLIENT_LEFT when link_close() was called. */
    void (*closed)(void *arg, const struct mqtt_client_end *end);
};

struct link {
    struct io *io;
    struct io_stream *stream;
    const struct link_on *on;
    void *arg;
    struct carry carry;
    struct mqtt_client_end end;
    uint8_t version;
    bool is_open, leaving;
};

/* Zeroed memory is a link that is not open.  0 or -err. */
int link_open(struct link *link, struct io *io, const struct io_address *address, const struct link_on *on, void *arg);
/* After `closed`, or when the loop is gone. */
void link_fini(struct link *link);
/* DISCONNECT, and then the end. */
void link_close(struct link *link);
/* Something was wrong with what the server sent. */
void link_fail(struct link *link, const char *text);

#endif
