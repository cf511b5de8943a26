/* session/zmtp/zmtp.h - ZMTP on the server's side: the peers of one node that live on the shard of the virtual host
 * "/".
 *
 * What a peer is says what it is served with:
 *
 *     the peer is   we are   served with
 *     PUSH          PULL     each message goes into a queue
 *     PULL          PUSH     a queue's messages
 *     REQ, DEALER   ROUTER   each request goes into a queue; the answer comes back, whoever gives it
 *     REP, ROUTER   DEALER   a queue's requests; each answer goes to where the request says
 *     PUB, XPUB     SUB      each message is published to amq.topic under its first frame
 *     SUB, XSUB     XPUB     what is published to amq.topic, by prefix of the topic
 *
 * Which queue, or how topics are spelt, is told by the peer's Resource, or else by the settings.  A queue that is
 * configured is declared, durable, where it is missing; one that a Resource names must be there.
 *
 * ZMTP acknowledges nothing.  What a peer has sent and the node has not read is lost with the connection; what the node
 * has written is settled when the peer has answered a PING sent behind it. */
#ifndef TAMBO_SESSION_ZMTP_ZMTP_H
#define TAMBO_SESSION_ZMTP_ZMTP_H

#include "catalog/catalog.h"
#include "session/amqp/amqp.h"
#include "session/host.h"

enum zmtp_spelling { ZMTP_AS_MQTT, ZMTP_AS_AMQP, ZMTP_SPELLINGS }; /* a/b, a.b */

enum { ZMTP_QUEUE_NAME_BYTES = 256 };

/* With what peers are served whose Resource is empty. */
struct zmtp_served {
    char push[ZMTP_QUEUE_NAME_BYTES], pull[ZMTP_QUEUE_NAME_BYTES]; /* queues; empty: none */
    char req[ZMTP_QUEUE_NAME_BYTES], rep[ZMTP_QUEUE_NAME_BYTES];
    enum zmtp_spelling pub, sub;
};

/* What a user may set (node/settings.h); read at each use. */
struct zmtp_settings {
    uint64_t message_bytes_max;
    uint64_t outbox_bytes_max; /* what waits for a SUB before messages are dropped */
    uint32_t subscriptions_max;
    uint32_t connect_s_max;
    uint32_t heartbeat_s; /* 0: none */
    uint32_t prefetch;    /* delivered to a PULL or ROUTER and not settled */
    bool allow_anonymous;
    struct zmtp_served served;
};

struct zmtp_server;

/* `amqp`: takes answers to those of its clients that wait for them without a queue, and lists our peers with its
 * connections. */
int zmtp_server_new(struct session_host *host, const struct zmtp_settings *settings, struct catalog *catalog,
                    struct amqp_server *amqp, struct zmtp_server **ret);
/* Before catalog_free().  NULL is fine. */
void zmtp_server_free(struct zmtp_server *server);
/* Replay is over, or settings have changed: queues that are configured are declared. */
void zmtp_server_declare(struct zmtp_server *server);

/* A connection that begins as ZMTP does (zmtp_sniff): takes the stream over, or hands it to the shard it belongs to. 0
 * or -err, and then the stream is still the caller's. */
int zmtp_server_accept(struct zmtp_server *server, struct io_stream *stream, struct view bytes);

/* End of the turn, before catalog_turn(): PINGs behind what was delivered, messages that found no room. */
void zmtp_server_turn(struct zmtp_server *server);
/* The virtual host is about to end. */
void zmtp_server_vhost_gone(struct zmtp_server *server, const struct vhost *vhost);
void zmtp_server_shut(struct zmtp_server *server);
unsigned zmtp_server_connections(const struct zmtp_server *server);

#endif
