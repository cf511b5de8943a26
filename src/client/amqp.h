/* client/amqp.h - AMQP 0-9-1 from the client's side.
 *
 * A state machine on one stream of io.h, like client/mqtt.h: calls put frames into the outbox, the loop's events come
 * back through a table of callbacks.  It owns no thread and no loop.
 *
 * Channels are numbered by the caller from 1.  Synchronous methods (declare, bind, consume ...) may be put one after
 * the other; their answers come in order through `answered`, with the caller's token.  Publications may be confirmed
 * (amqp_client_confirm_select); confirms come back one by one, whatever the server coalesced.
 *
 * Memory is bounded: an outbox of about AMQP_CLIENT_UNSENT_HIGH bytes plus one message, one incoming message of at most
 * `message_bytes_max`. */
#ifndef TAMBO_CLIENT_AMQP_H
#define TAMBO_CLIENT_AMQP_H

#include "io/io.h"
#include "wire/amqp.h"

enum {
    AMQP_CLIENT_UNSENT_HIGH = 1024 * 1024, /* above it publishing says -ERR_AGAIN and reading pauses */
    AMQP_CLIENT_UNSENT_LOW = 256 * 1024,
};

/* All views are borrowed and must stay until amqp_client_free(). */
struct amqp_client_settings {
    struct view vhost;              /* empty: "/" */
    struct view username, password; /* both empty: guest, guest */
    const char *connection_name;    /* in the client properties; NULL: none */
    size_t message_bytes_max;       /* of a received message; 0: 512 MiB */
    uint32_t frame_max;             /* offered; 0: the server's */
    uint16_t heartbeat_s;           /* offered; the lower of both counts; 0: none */
    unsigned connect_s_max;         /* from amqp_client_connect() to open-ok; 0: 10 */
};

enum amqp_client_why {
    AMQP_CLIENT_LEFT,      /* by amqp_client_close() or amqp_client_abort() */
    AMQP_CLIENT_UNREACHED, /* there never was a connection: `rc` */
    AMQP_CLIENT_DISMISSED, /* connection.close from the server: `code`, `said` */
    AMQP_CLIENT_LOST,      /* `rc`; -ERR_TIMEOUT: the server fell silent */
    AMQP_CLIENT_BREACH,    /* the server broke the protocol: `fault` */
};

struct amqp_client_end {
    enum amqp_client_why why;
    int rc;
    unsigned code;
    struct fault fault;
    char said[256];
};
/* One line without its end. */
void amqp_client_end_print(const struct amqp_client_end *end, char *ret, size_t len);

/* A message that came: views are borrowed for the call. */
struct amqp_client_message {
    uint16_t channel;
    struct view consumer_tag; /* empty: a basic.get's, or returned */
    uint64_t delivery_tag;
    bool redelivered;
    struct view exchange, routing_key;
    struct view props; /* from the property flags on: amqp_properties_parse() */
    struct view body;
    uint32_t left; /* basic.get: how many more are there */
};

/* Every callback is optional.  All may call anything below but amqp_client_free(), which only `closed` may. */
struct amqp_client_on {
    void (*opened)(void *arg); /* the connection; channels are opened by the caller */
    /* The answer to a synchronous method: `method` is the -ok (basic.get-empty too), or NULL when the channel or the
     * connection was closed before it came. */
    void (*answered)(void *arg, uint16_t channel, uint64_t token, const struct amqp_method *method);
    void (*message)(void *arg, const struct amqp_client_message *message);
    /* The answer to basic.get when there was a message; `answered` does not come then. */
    void (*got)(void *arg, uint64_t token, const struct amqp_client_message *message);
    /* basic.return: not routed. */
    void (*returned)(void *arg, const struct amqp_client_message *message, unsigned code, struct view text);
    /* A publication on a channel in confirm mode is settled: `acked` or refused (basic.nack).  With channel or
     * connection it ends unsettled: only `channel_closed` or `closed` tells. */
    void (*confirmed)(void *arg, uint16_t channel, uint64_t token, bool acked);
    /* The server cancelled a consumer. */
    void (*cancelled)(void *arg, uint16_t channel, struct view consumer_tag);
    /* channel.close from the server, answered already. */
    void (*channel_closed)(void *arg, uint16_t channel, unsigned code, struct view text);
    void (*blocked)(void *arg, bool blocked, struct view reason);
    /* amqp_client_publish() said -ERR_AGAIN and may now be tried again. */
    void (*ready)(void *arg);
    /* The last event of a connection, exactly one for each successful amqp_client_connect(). */
    void (*closed)(void *arg, const struct amqp_client_end *end);
};

struct amqp_client;

int amqp_client_new(struct io *io, const struct amqp_client_settings *settings, const struct amqp_client_on *on,
                    void *arg, struct amqp_client **ret);
/* Only while there is no connection (before the first one, or from `closed` on), or when its loop is dead. */
void amqp_client_free(struct amqp_client *client);
int amqp_client_connect(struct amqp_client *client, const struct io_address *address);

/* Any synchronous method on a channel (channel.open first): its answer comes through `answered` or `got` with `token`.
 * With no_wait set there is none.  0, -ERR_AGAIN (no connection, outbox full), -ERR_INVALID, -ERR_TOO_LARGE. */
int amqp_client_call(struct amqp_client *client, uint16_t channel, const struct amqp_method *method, uint64_t token);
/* A method that has no answer: basic.ack, nack, reject. */
int amqp_client_tell(struct amqp_client *client, uint16_t channel, const struct amqp_method *method);

/* `props`: from the property flags on, as amqp_properties_put() writes them.  `token` comes back in `confirmed` when
 * the channel is in confirm mode (confirm.select by amqp_client_call). 0, -ERR_AGAIN, -ERR_INVALID, -ERR_TOO_LARGE. */
int amqp_client_publish(struct amqp_client *client, uint16_t channel, const struct amqp_basic_publish *publish,
                        struct view props, struct view body, uint64_t token);
/* Publications not confirmed yet, on all channels. */
uint64_t amqp_client_unconfirmed(const struct amqp_client *client);

/* connection.close behind everything that was put. */
void amqp_client_close(struct amqp_client *client);
/* Drops the connection as if the cable were cut. */
void amqp_client_abort(struct amqp_client *client);

#endif
