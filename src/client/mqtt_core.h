/* client/mqtt_core.h - the inside of a client, shared by mqtt.c (a connection's life), mqtt_in.c (what the server
 * sends) and mqtt_out.c (what it is sent).  Nobody else includes it. */
#ifndef TAMBO_CLIENT_MQTT_CORE_H
#define TAMBO_CLIENT_MQTT_CORE_H

#include "client/alias.h"
#include "client/carry.h"
#include "client/flight.h"
#include "client/mqtt.h"

/* One bit each, so that legality is a mask. */
enum mqtt_client_phase {
    PHASE_IDLE = 1,     /* no stream */
    PHASE_DIALING = 2,  /* the stream is being opened */
    PHASE_GREETED = 4,  /* CONNECT is out */
    PHASE_OPEN = 8,     /* CONNACK said yes */
    PHASE_LEAVING = 16, /* DISCONNECT is in the outbox */
    PHASE_CLOSING = 32, /* the stream is being closed */
};

struct mqtt_client {
    struct io *io;
    struct mem *mem;
    struct io_stream *stream;
    struct mqtt_client_settings settings;
    struct mqtt_client_on on;
    void *arg;
    enum mqtt_client_phase phase;
    struct mqtt_client_end end;

    /* The session. */
    struct flights flights;
    uint8_t *received; /* a bit for each packet id of a QoS 2 message not yet released; NULL before the first one */
    unsigned received_count;
    uint8_t *assigned_id; /* the server's choice, kept for the next connect */

    /* This connection. */
    struct carry carry;
    struct aliases aliases_in, aliases_out;
    const struct mqtt_publish *delivering; /* in the message callback and not acknowledged yet */
    bool wants_ready, pinged;
    struct io_timer timer;
    uint64_t sent_ns, keepalive_ns;

    /* What we promised in CONNECT. */
    size_t packet_bytes_max;
    unsigned receive_max, alias_in_max;
    bool has_auth_method;

    /* What the server allows. */
    size_t server_packet_bytes_max;
    unsigned quota, quota_max; /* PUBLISH of QoS 1 and 2 that may still be sent */
    uint8_t server_qos_max;
    bool server_retains;
};

/* ---- mqtt.c ---- */

/* Ends the connection for this cause; the first cause counts. */
void mqtt_client_fail(struct mqtt_client *client, const struct mqtt_client_end *end);
/* The server broke a rule: it is told (MQTT 5) and left. */
void mqtt_client_breach(struct mqtt_client *client, const struct fault *fault);
/* CONNACK was taken: the keep-alive starts. */
void mqtt_client_keep_alive(struct mqtt_client *client, unsigned seconds);

/* ---- mqtt_in.c ---- */

void mqtt_client_read(struct mqtt_client *client, struct view bytes);
bool mqtt_client_was_received(const struct mqtt_client *client, uint16_t packet_id);

/* ---- mqtt_out.c ---- */

/* 0 or -err; CONNECT may be larger than any other packet we send by itself. */
int mqtt_client_send_connect(struct mqtt_client *client);
void mqtt_client_send_ping(struct mqtt_client *client);
void mqtt_client_send_ack(struct mqtt_client *client, enum mqtt_type type, uint16_t packet_id, uint8_t reason);
/* DISCONNECT or AUTH.  0 or -err. */
int mqtt_client_send_bye(struct mqtt_client *client, enum mqtt_type type, uint8_t reason, struct view props);
/* Acknowledges the message that is being delivered, once. */
void mqtt_client_acknowledge(struct mqtt_client *client);
/* A new connection goes on with the old session: PUBRELs first, then what fits the window. */
void mqtt_client_resume(struct mqtt_client *client);
/* Sends what waits and fits; then says `ready` to who asked for it. */
void mqtt_client_pump(struct mqtt_client *client);
void mqtt_client_settle(struct mqtt_client *client, struct flight *flight, int rc);

#endif
