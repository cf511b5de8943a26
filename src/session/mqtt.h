/* session/mqtt.h - MQTT on the server's side: the sessions of one shard and their connections.
 *
 * Bytes and events in, bytes and link calls out.  A session (client id, subscriptions, queue, what is in flight)
 * outlives its connection when the client asked so, and then every part of it is a fact in the shard's log. */
#ifndef TAMBO_SESSION_MQTT_H
#define TAMBO_SESSION_MQTT_H

#include "session/host.h"
#include "wire/mqtt.h"

/* What a user may set (node/knobs.h); read at each use, so that a reload takes effect. */
struct mqtt_settings {
    uint32_t packet_bytes_max, topic_alias_max, receive_max, inflight_max, keepalive_s_max, connect_s_max,
        subscriptions_max, topic_levels_max, client_id_bytes_max;
    uint32_t session_expiry_s_max; /* UINT32_MAX: for ever */
    uint32_t connections_max;      /* this shard's share */
    uint64_t outbox_bytes_max;     /* beyond it QoS 0 is dropped and QoS 1, 2 wait in the queue */
    struct queue_limits queue;
    bool retain_available, allow_anonymous;
};

struct mqtt_server;

/* An authentication mechanism for AUTH and CONNECT with a method (MQTT 5, 4.12); none is built in yet, and a table
 * without the method asked for answers 0x8C. */
struct mqtt_auth_mechanism {
    const char *method;
    /* One step: data from the client in, data for it out (`ret`, at most `room`, length in *retlen).
     * Returns MQTT_SUCCESS, MQTT_CONTINUE_AUTHENTICATION or a refusal.  *state is the mechanism's, NULL at first; `end`
     * frees it. */
    uint8_t (*step)(void *arg, void **state, struct view data, uint8_t *ret, size_t room, size_t *retlen);
    void (*end)(void *arg, void *state);
    void *arg;
};

int mqtt_server_new(struct session_host *host, const struct mqtt_settings *settings,
                    const struct mqtt_auth_mechanism *mechanisms, unsigned mechanism_count, struct mqtt_server **ret);
/* Frees sessions and connections without recording or publishing anything. */
void mqtt_server_free(struct mqtt_server *server);

/* Does a connection that starts with `bytes` speak MQTT? 1 yes, 0 not enough to tell, -1 no. */
int mqtt_sniff(struct view bytes);
/* A connection that does: takes the stream over and reads `bytes` first (they may be a migrated CONNECT and what
 * followed it). */
int mqtt_server_accept(struct mqtt_server *server, struct io_stream *stream, struct view bytes);
const struct io_stream_on *mqtt_stream_on(void);

/* End of the turn: writes what is due, pumps sessions that got room. */
void mqtt_server_turn(struct mqtt_server *server);
/* Whoever publishes just now is not read from until nothing holds publishers back: host->pressed, host->held, or a
 * receiver here that is behind and waited for. */
void mqtt_server_hold(struct mqtt_server *server);
bool mqtt_server_waits(const struct mqtt_server *server);
/* Reads on from publishers that waited, when nothing holds them back any more. */
void mqtt_server_unpause(struct mqtt_server *server);
/* Sends DISCONNECT 0x8B to everyone and closes (5.0; 3.x is just closed). */
void mqtt_server_shut(struct mqtt_server *server);
unsigned mqtt_server_connections(const struct mqtt_server *server);

/* A delayed publication is due: true when it was a will of this server's, and is published now. */
bool mqtt_server_due(struct mqtt_server *server, uint64_t id, const struct envelope *env);

/* The other shards' part in a shared subscription's group has changed, or this one's. */
void mqtt_server_group(struct mqtt_server *server, struct view topics, struct view name, enum group_fate fate);
/* Another shard has chosen this one for a message of a group whose last member here has left meanwhile: when there are
 * members elsewhere the group takes it all the same, and sends it on.  0 or -err. */
int mqtt_server_group_keep(struct mqtt_server *server, struct view topics, struct view name);

/* Replay of RECORD_SESSION .. RECORD_COMPLETE; RECORD_PUBLISH's receipt part is given by mqtt_server_restore_receipt.
 * RECORD_QUEUE of session queues has been applied before. */
int mqtt_server_restore(struct mqtt_server *server, unsigned kind, struct view record);
int mqtt_server_restore_receipt(struct mqtt_server *server, uint32_t session, uint16_t packet_id);
/* The queue of id, while replaying: session's own or shared group's.  NULL: gone. */
struct queue *mqtt_server_queue(struct mqtt_server *server, uint32_t id);
/* Replay is over: sessions' clocks start, wills of connections that died with the process are due. */
/* 0, or -ERR_NO_MEMORY: something that was promised cannot be kept, so the node may not start. */
int mqtt_server_restored(struct mqtt_server *server);
/* And the shards have told each other who has members of shared subscriptions: groups without any end, or send on what
 * waits. */
void mqtt_server_told(struct mqtt_server *server);
/* All sessions and groups with their queues as checkpoint records, at most `most` objects a call; *at starts at 0; 1
 * while there is more, 0 at the end, or -err. */
int mqtt_server_checkpoint(struct mqtt_server *server, uint64_t *at, unsigned most);

#endif
