/* session/amqp/amqp.h - AMQP 0-9-1 on the server's side: the connections of one shard.
 *
 * Bytes and events in, bytes and catalog calls out.  Nothing here outlives its connection: what is durable is the
 * catalog's and the queues'.  A connection lives on the shard of its virtual host; who opens one elsewhere is handed
 * over with the result of the handshake. */
#ifndef TAMBO_SESSION_AMQP_H
#define TAMBO_SESSION_AMQP_H

#include "catalog/catalog.h"
#include "session/host.h"

/* What a user may set (node/knobs.h); read at each use, so that a reload takes effect. */
struct amqp_settings {
    uint16_t channel_max;     /* a connection */
    uint16_t heartbeat_s;     /* offered; 0: none */
    uint32_t frame_max;       /* offered */
    uint32_t consumers_max;   /* a channel */
    uint32_t connections_max; /* this shard's share */
    uint32_t connect_s_max;   /* from accept to connection.open */
    uint64_t message_bytes_max;
    uint64_t outbox_bytes_max; /* what a connection that does not read may owe before it is closed */
    bool allow_anonymous;
};

struct amqp_server;

int amqp_server_new(struct session_host *host, const struct amqp_settings *settings, struct catalog *catalog,
                    struct amqp_server **ret);
/* Frees connections without recording or publishing anything; before catalog_free().  NULL is fine. */
void amqp_server_free(struct amqp_server *server);

/* Does a connection that starts with `bytes` speak AMQP, of whatever version? 1 yes, 0 not enough to tell, -1 no. */
int amqp_sniff(struct view bytes);
/* A connection that does: takes the stream over and reads `bytes` first.  0 or -ERR_NO_MEMORY. */
int amqp_server_accept(struct amqp_server *server, struct io_stream *stream, struct view bytes);

/* What host->ops->migrate() carried: does it begin as this server's record of a handshake does?  No protocol's first
 * bytes do.  Only for what came by a lane from another shard, never for what came from the network. */
bool amqp_handed_over(struct view bytes);
/* Takes such a connection over, answers its connection.open, and reads on.  0 or -err, and then the stream is still the
 * caller's. */
int amqp_server_adopt(struct amqp_server *server, struct io_stream *stream, struct view bytes);
const struct io_stream_on *amqp_stream_on(void);

/* End of the turn, before catalog_turn(): confirms that are due, receivers that got room, the doomed. */
void amqp_server_turn(struct amqp_server *server);
/* Publishers may be read from again, or not (host->pressed changed): connection.blocked, connection.unblocked. */
void amqp_server_pressed(struct amqp_server *server);
/* The virtual host is about to end: its connections are closed with 320. */
void amqp_server_vhost_gone(struct amqp_server *server, const struct vhost *vhost);
/* Sends connection.close 320 to everyone and closes. */
void amqp_server_shut(struct amqp_server *server);
unsigned amqp_server_connections(const struct amqp_server *server);

/* Does the name begin as the addresses of direct reply-to do? */
bool amqp_is_reply_address(struct view name);
/* Published to the default exchange under such an address; `props`: from the property flags on.  False: nobody is
 * there. */
bool amqp_server_reply(struct amqp_server *server, const struct vhost *vhost, struct view address, struct view props,
                       struct view body);

/* Another protocol's connections, for who asks for the list of all; it appends objects: 0 or -ERR_NO_MEMORY. */
typedef int amqp_list_fn(void *arg, json_t *list);
void amqp_server_list_also(struct amqp_server *server, amqp_list_fn *fn, void *arg);

struct amqp_stats {
    uint64_t connections, channels, consumers, unacked;
};
void amqp_server_stats(const struct amqp_server *server, struct amqp_stats *ret);

#endif
