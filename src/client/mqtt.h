/* client/mqtt.h - MQTT 3.1, 3.1.1 and 5.0 from the client's side.
 *
 * A state machine on one stream of io.h: calls put packets into the outbox, the loop's events come back through a table
 * of callbacks.  It owns no thread and no loop, so a thousand of them fit beside each other in either house of io.
 *
 * The session state (messages in flight, packet ids of QoS 2 messages received) outlives a connection:
 * mqtt_client_connect() may be called again after `closed`, and when the server still has the session, what was in
 * flight is sent again in its order (MQTT 5, 4.4).
 *
 * Memory is bounded by the settings: `inflight_max` messages of QoS 1 and 2, an outbox of about MQTT_CLIENT_UNSENT_HIGH
 * bytes plus one message, one packet of at most `packet_bytes_max`. */
#ifndef TAMBO_CLIENT_MQTT_H
#define TAMBO_CLIENT_MQTT_H

#include "io/io.h"
#include "wire/mqtt.h"

enum {
    MQTT_CLIENT_UNSENT_HIGH = 1024 * 1024, /* above it publishing says -ERR_AGAIN and reading pauses */
    MQTT_CLIENT_UNSENT_LOW = 256 * 1024,
};

/* All views are borrowed and must stay until mqtt_client_free(). */
struct mqtt_client_settings {
    /* As it is to be sent.  Of `properties` and `will_properties` only `raw` counts; the client reads its own promises
     * (receive maximum, maximum packet size, topic alias maximum, authentication method) out of it. */
    struct mqtt_connect connect;
    size_t packet_bytes_max; /* of a received packet; 0: what the protocol can express */
    unsigned inflight_max;   /* messages of QoS 1 and 2, at most 65,000; the server may allow fewer.  0: 1,024 */
    unsigned connect_s_max;  /* from mqtt_client_connect() to CONNACK, and from a disconnect to its end; 0: 10 */
};

enum mqtt_client_why {
    MQTT_CLIENT_LEFT,      /* by mqtt_client_disconnect() or mqtt_client_abort() */
    MQTT_CLIENT_UNREACHED, /* there never was a connection: `rc` */
    MQTT_CLIENT_REFUSED,   /* CONNACK with `reason` */
    MQTT_CLIENT_DISMISSED, /* DISCONNECT from the server with `reason` */
    MQTT_CLIENT_LOST,      /* `rc`; -ERR_TIMEOUT: the server fell silent */
    MQTT_CLIENT_BREACH,    /* the server broke the protocol: `fault` */
};

struct mqtt_client_end {
    enum mqtt_client_why why;
    int rc;
    unsigned reason;
    struct fault fault;
    char said[160]; /* the server's reason string, perhaps cut; "" */
};
/* One line without its end: "connection refused by the server: not authorized". */
void mqtt_client_end_print(const struct mqtt_client_end *end, char *ret, size_t len);

/* Every callback is optional.  All may call anything below but mqtt_client_free(), which only `closed` may. */
struct mqtt_client_on {
    void (*connected)(void *arg, const struct mqtt_connack *connack);
    /* A message, its topic alias resolved; views are borrowed for the call.  It is acknowledged when the callback
     * returns.  A QoS 2 message comes once. */
    void (*message)(void *arg, const struct mqtt_publish *message);
    /* A message of QoS 1 or 2 is done: the server's reason, or -ERR_CANCELED when its session was lost with it. */
    void (*settled)(void *arg, uint64_t token, int rc);
    /* SUBACK or UNSUBACK, with a code for each filter that was asked for. */
    void (*granted)(void *arg, const struct mqtt_ack *ack);
    /* AUTH; without this callback an AUTH is a breach. */
    void (*challenged)(void *arg, const struct mqtt_ack *auth);
    /* mqtt_client_publish() said -ERR_AGAIN and may now be tried again. */
    void (*ready)(void *arg);
    /* The last event of a connection, exactly one for each successful mqtt_client_connect(). */
    void (*closed)(void *arg, const struct mqtt_client_end *end);
};

struct mqtt_client;

/* 0, -ERR_NO_MEMORY, -ERR_INVALID. */
int mqtt_client_new(struct io *io, const struct mqtt_client_settings *settings, const struct mqtt_client_on *on,
                    void *arg, struct mqtt_client **ret);
/* Only while there is no connection (before the first one, or from `closed` on), or when its loop is dead.  NULL is
 * fine.
 */
void mqtt_client_free(struct mqtt_client *client);

/* 0, or -err and then nothing was begun. */
int mqtt_client_connect(struct mqtt_client *client, const struct io_address *address);
bool mqtt_client_is_connected(const struct mqtt_client *client);

/* `message`'s qos, retain, topic, payload, properties.raw and properties.topic_alias count; the alias (0: none) stands
 * beside `raw`, not in it, and is assigned and used as the server allows.  `token` comes back in `settled`.
 * 0: QoS 0 is in the outbox, QoS 1 and 2 are in flight.  -ERR_AGAIN: no connection, or window or outbox are full;
 * `ready` follows.  -ERR_TOO_LARGE: for the server's maximum packet size.  -ERR_DENIED: the server does not take this
 * QoS, retained messages, or this alias.  -ERR_INVALID: a topic that no message can have. */
int mqtt_client_publish(struct mqtt_client *client, const struct mqtt_publish *message, uint64_t token);
/* Messages of QoS 1 and 2 not yet settled. */
unsigned mqtt_client_inflight(const struct mqtt_client *client);

/* The packet id, or -ERR_AGAIN (no connection, or too many unanswered), -ERR_INVALID, -ERR_TOO_LARGE, -ERR_NO_MEMORY.
 */
int mqtt_client_subscribe(struct mqtt_client *client, const struct mqtt_filter *filters, unsigned count,
                          struct view props);
int mqtt_client_unsubscribe(struct mqtt_client *client, const struct view *filters, unsigned count, struct view props);

/* 0 or -err. */
int mqtt_client_auth(struct mqtt_client *client, uint8_t reason, struct view props);

/* Sends DISCONNECT behind everything that was put, and closes when it has left.  Harmless without a connection. */
void mqtt_client_disconnect(struct mqtt_client *client, uint8_t reason, struct view props);
/* Drops the connection as if the cable were cut: the server publishes the will. */
void mqtt_client_abort(struct mqtt_client *client);

#endif
