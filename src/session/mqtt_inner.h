/* session/mqtt_inner.h - what the files of the MQTT server share.
 *
 *   server ---- connections: one a stream; bytes in, answers out, gone with the stream
 *          \--- sessions: by client id; subscriptions, queue, what is in flight; outlive connections
 *          \--- filters: each topic filter once, with the group behind it when it is a shared subscription
 *
 * Nobody is closed, ended or published to from inside a delivery: who fails there is doomed, and dealt with at the end
 * of the turn. */
#ifndef TAMBO_SESSION_MQTT_INNER_H
#define TAMBO_SESSION_MQTT_INNER_H

#include "base/err.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/mem.h"
#include "queue/record.h"
#include "session/fifo.h"
#include "session/idset.h"
#include "session/inflight.h"
#include "session/mqtt.h"
#include "session/topic_alias.h"

enum {
    OUTBOX_HIGH_BYTES = 1024 * 1024, /* beyond it a receiver gets no credit, and who feeds it waits */
    OUTBOX_LOW_BYTES = 256 * 1024,
    STALL_S_MAX = 1,                /* so long is waited for a receiver that does not drain */
    BY_REFERENCE_BYTES = 16 * 1024, /* payloads from here on are not copied into an outbox */
    CARRY_BYTES = 64 * 1024,        /* a partial packet's buffer grows from here with what has come of it */
    CONNECT_BYTES_MAX = 512 * 1024, /* the largest first packet: five fields of 64 KiB and some properties */
    HELD_MAX = 32768,               /* answers that wait for the disk: more are not read for */
    AUTH_BYTES_MAX = 65535,
};

/* ---- server ------------------------------------------------------------------------------------------------- */

/* What a checkpoint writes and records name by id: sessions that outlive their connection, and shared groups. */
enum kept_kind { KEPT_CURSOR, KEPT_SESSION, KEPT_GROUP };
struct kept {
    struct list link; /* in server->keeping, in order of creation */
    uint32_t id;
    uint8_t kind;
};

struct mqtt_server {
    struct session_host *host;
    const struct mqtt_settings *settings;
    const struct mqtt_auth_mechanism *mechanisms;
    unsigned mechanism_count;

    struct map clients;       /* sessions by client id */
    struct map kept;          /* struct kept by id */
    struct map filters;       /* by text */
    struct map subscriptions; /* by filter and session */
    struct list keeping;
    struct kept cursor; /* a checkpoint's place in `keeping` */

    struct list connections;
    struct list hungry; /* flows that may be given more at the end of the turn */
    unsigned connection_count, paused_count, doomed_count;
    unsigned stalled; /* receivers for whom publishers are made to wait */

    struct connection *publishing;     /* whose PUBLISH is being published */
    const struct delivery *delivering; /* that is being pushed, out of */
    const struct publication *delivered;
    struct view packet, rest; /* what is being decoded, and what came behind it */
    uint8_t *scratch;
    size_t scratch_room;
    bool restoring;
};

/* A buffer of at least `n` bytes, good until the next call.  NULL: no memory. */
uint8_t *server_scratch(struct mqtt_server *server, size_t n);
struct session *server_find(const struct mqtt_server *server, struct view client_id);
/* NULL: there is none of that id and kind. */
struct kept *server_kept(const struct mqtt_server *server, uint32_t id, enum kept_kind kind);
int server_keep(struct mqtt_server *server, struct kept *kept, enum kept_kind kind, uint32_t id);
void server_unkeep(struct mqtt_server *server, struct kept *kept);

/* ---- connection --------------------------------------------------------------------------------------------- */

enum phase { PHASE_OPENING = 1, PHASE_AUTHENTICATING = 2, PHASE_ACTIVE = 4, PHASE_CLOSED = 8 };
enum pause { PAUSE_NODE = 1, PAUSE_HELD = 2 };
enum stall { STALL_NONE, STALL_WAITED_FOR, STALL_GIVEN_UP };

/* A handler's answer beside 0 and -ERR_PROTOCOL: the connection has been freed (handed to another shard). */
enum { HANDLER_GONE = 1 };

struct connection {
    struct mqtt_server *server;
    struct io_stream *stream;
    struct session *session; /* from an accepted CONNECT on */
    struct list all;         /* in server->connections */
    struct opening *opening; /* until its CONNECT is accepted */
    struct carry *carry;     /* a partial packet */
    struct held *held;       /* answers that wait */
    struct aliases *aliases; /* NULL: none was used or may be */
    struct auth *auth;
    uint32_t last_s; /* when something came */
    uint32_t stall_until_s;
    uint32_t packet_bytes_max; /* that the client takes; UINT32_MAX: any */
    uint16_t window;           /* QoS 1 and 2 in flight to the client */
    uint16_t receiving;        /* QoS 1 and 2 from the client that are not acknowledged */
    uint16_t keep_alive_s;
    uint8_t version;
    uint8_t phase;
    uint8_t doom; /* reason */
    uint8_t paused;
    uint8_t stall;
    bool greeted : 1;      /* CONNACK has been written */
    bool doomed : 1;       /* closed at the end of the turn, and not written to by deliveries any more */
    bool broken : 1;       /* a frame went out in part: nothing may follow it */
    bool choked : 1;       /* its outbox is over the high mark */
    bool problem_info : 1; /* reason strings are welcome */
};

/* Can it be written to? */
static inline bool
connection_ready(const struct connection *c)
{
    return c != NULL && c->greeted && !c->doomed;
}

int connection_breach(struct fault *why, uint8_t reason, const char *clause, const char *text);
/* Tells the client why, as far as phase and version allow, and closes. */
void connection_dismiss(struct connection *c, uint8_t reason, const char *text);
/* Closes without a word. */
void connection_close(struct connection *c, bool with_will);
/* Dismissed at the end of the turn; nothing is written to it meanwhile. */
void connection_doom(struct connection *c, uint8_t reason);
void connection_pause(struct connection *c, enum pause why);
void connection_resume(struct connection *c, enum pause why);
void connection_arm(struct connection *c);
/* Its session's timer, or the one it has before, has fired. */
void connection_timer(struct connection *c);
/* Its CONNECT is accepted: time is the session's from here. */
void connection_seated(struct connection *c);
/* The stream is gone: closed, or handed to another shard. */
void connection_free(struct connection *c);
/* Notes that its outbox is over the high mark, and whoever publishes just now waits for it. */
void connection_stall(struct connection *c);
/* Made when there are none.  NULL: no memory. */
struct aliases *connection_aliases(struct connection *c);
const struct io_stream_on *connection_stream_on(void);

/* reading.c: cuts bytes into packets and has them handled. */
void connection_read(struct connection *c, struct view bytes);
void carry_drop(struct connection *c);

/* ---- answers (held.c) --------------------------------------------------------------------------------------- */

/* Answers leave in order.  One that `waits` is held until the present epoch is done, and all later ones behind it. */
void answer_ack(struct connection *c, enum mqtt_type type, uint16_t packet_id, uint8_t reason, bool waits);
/* A whole frame: CONNACK, SUBACK, UNSUBACK.  Copied when it must wait. */
void answer_frame(struct connection *c, enum mqtt_type type, struct view frame, bool waits);
/* A QoS 2 PUBLISH goes out under this identifier when its record is safe. */
void answer_publish(struct connection *c, uint16_t packet_id);
void held_free(struct connection *c);
/* Writes a frame, or dooms the connection. */
void connection_write(struct connection *c, struct view frame);
/* A reason string for `text` (NULL: the reason's own) as properties, when the client wants it; else empty.  `extra`
 * bytes are what the packet has beside. */
struct view reason_props(const struct connection *c, uint8_t reason, const char *text, uint8_t *room,
                         size_t room_bytes);

/* ---- handlers: one a packet --------------------------------------------------------------------------------- */

typedef int handler_fn(struct connection *c, const struct mqtt_packet *packet, struct fault *why);
handler_fn on_connect, on_publish, on_puback, on_pubrec, on_pubrel, on_pubcomp, on_subscribe, on_unsubscribe,
    on_pingreq, on_disconnect, on_auth;

/* ---- CONNECT (connect.c, auth.c) ---------------------------------------------------------------------------- */

/* The client is who it says: opens its session and answers. */
int connect_admit(struct connection *c, const struct mqtt_connect *connect, struct view auth_data, struct fault *why);
void connect_refuse(struct connection *c, uint8_t reason, const char *text);

/* Begins what the CONNECT's authentication method asks for.  0, and then the exchange goes on or has admitted. */
int auth_begin(struct connection *c, const struct mqtt_connect *connect, struct fault *why);
void auth_free(struct connection *c);
struct view auth_method(const struct connection *c);

/* ---- sessions ----------------------------------------------------------------------------------------------- */

/* A link between a session and a queue: its own or a shared group's. */
struct tap {
    struct link link;
    struct session *session;
    struct member *member; /* NULL: the session's own queue */
    struct list all;       /* in flow->taps, until its member leaves */
};

/* What a session has once messages of QoS 1 or 2 come its way. */
struct flow {
    struct tap own;
    struct list taps;
    struct list hungry; /* in server->hungry */
    struct session *session;
    struct inflights inflights;
    struct fifo due;  /* packet ids to be sent, or sent again, in order: u16 */
    uint16_t reading; /* the one whose message is being read for that; 0: none */
    uint16_t counted; /* against the client's receive maximum */
};

/* The UTC millisecond at which a message expires that lives so long. */
static inline uint64_t
expires_at(uint64_t now_ms, uint32_t expiry_s)
{
    return now_ms + (uint64_t)expiry_s * 1000;
}

struct will {
    uint32_t delay_s;
    uint32_t expiry_s; /* from being published on; UINT32_MAX: never */
    struct envelope env;
    uint8_t bytes[];
};

struct session {
    struct mqtt_server *server;
    struct connection *connection; /* NULL: parked */
    struct target target;
    struct kept kept;         /* kind 0: ends with its connection */
    struct wheel_timer timer; /* its end, or, while connected, keep-alive and stall */
    struct list subscriptions;
    struct flow *flow;
    struct will *will;
    struct received *received; /* NULL: never any */
    uint32_t expiry_s;
    uint32_t subscription_count;
    uint32_t identified; /* subscriptions with an identifier */
    uint8_t version;
    bool durable : 1;
    bool will_pending : 1; /* it is with host->delayed */
    bool retained_due : 1; /* one of the subscriptions' */
    bool parked : 1;       /* says the log, while it is replayed */
    uint16_t client_id_bytes;
    uint8_t client_id[];
};

static inline struct view
session_client_id(const struct session *s)
{
    return view_of(s->client_id, s->client_id_bytes);
}

/* For lines to the operator: not all of a long one. */
static inline int
session_name_bytes(const struct session *s)
{
    return s->client_id_bytes < 64 ? s->client_id_bytes : 64;
}

struct session_opening {
    struct view client_id;
    uint32_t expiry_s;
    uint8_t version;
    struct will *will; /* owned: taken over on success */
};

/* `id` 0: a new one.  0 or -ERR_NO_MEMORY.  Records nothing; found by client id after session_enlist(). */
int session_new(struct mqtt_server *server, const struct session_opening *opening, uint32_t id, struct session **ret);
int session_enlist(struct session *s);
void session_delist(struct session *s);
/* Memory only: records and publishes nothing.  It is no longer enlisted, or the list is not used again. */
void session_free(struct session *s);
/* Its end: records it, publishes a will that is left. */
void session_end(struct session *s);
/* Its connection is gone. */
void session_part(struct session *s, bool with_will);
/* Waits for its client till `until_s` (UTC), or for ever. */
void session_park(struct session *s, uint64_t until_s);
/* The flow, made when there is none, with the session's queue.  NULL: no memory. */
struct flow *session_flow(struct session *s);
int session_need_queue(struct session *s);
/* QoS 2 taken in from the client and not released, by packet identifier. */
struct received {
    struct idset ids;
    struct idset restored; /* those taken in before a restart, and not sent again yet */
};
/* session_receive: 1 added, 0 known already, -ERR_NO_MEMORY. */
bool session_has_received(const struct session *s, uint16_t packet_id);
int session_receive(struct session *s, uint16_t packet_id);
bool session_forget(struct session *s, uint16_t packet_id);
uint64_t session_until(const struct session *s);
void session_deliver(struct target *target, struct outgoing *out, const struct delivery *delivery);

/* ---- wills -------------------------------------------------------------------------------------------------- */

/* NULL: no memory. */
struct will *will_new(struct mqtt_server *server, const struct mqtt_connect *connect);
struct will *will_copy(struct mem *mem, uint32_t delay_s, uint32_t expiry_s, const struct envelope *env);
/* The client is gone, not by its own wish: publishes, or has it published after its delay, which is not less than
 * `delay_s_min`. */
void will_delay(struct session *s, uint32_t delay_s_min);
void will_publish(struct session *s);
/* The client is back, or left by its own wish. */
void will_cancel(struct session *s);

/* ---- out: to the client ------------------------------------------------------------------------------------- */

/* Writes one PUBLISH: `head` says flags, packet id and identifiers, the rest is taken from `pub`.  0, -ERR_TOO_LARGE
 * (the client would not take it), -ERR_NO_MEMORY (and the connection is doomed). */
int publish_write(struct connection *c, struct publication *pub, struct mqtt_publish_head *head);
/* The topic and properties as MQTT has them; in the server's scratch for a message that came by another protocol.  0 or
 * -ERR_NO_MEMORY. */
int message_names(struct mqtt_server *server, const struct envelope *env, struct view *rettopic, struct view *retprops);
/* QoS 0: to whoever is there, if there is room. */
void publish_0(struct session *s, struct outgoing *out, const struct delivery *delivery);
bool publish_has_room(struct connection *c);

void flow_free(struct session *s);
/* May be given more, at the end of the turn. */
void flow_hungry(struct session *s);
void flow_feed(struct session *s);
/* A new connection has been greeted: sends again what is in flight. */
void flow_start(struct session *s);
/* The connection is gone; the session, or the server, ends. */
void flow_stop(struct session *s);
void flow_end(struct session *s);
/* Its queue is done with the message; and the whole entry is done with. */
void flow_settle(struct inflight *flight, bool record);
void flow_retire(struct session *s, struct inflight *flight);
/* QoS 2: the message is done with, its identifier when the client has answered PUBREL.  0, or what log_append says. */
int flow_release(struct connection *c, struct inflight *flight);
/* Attaches a tap; -> flow->taps. */
void flow_tap(struct session *s, struct tap *tap, struct queue *queue, struct member *member);
/* Detaches it; what was in flight is its queue's again. */
void flow_untap(struct session *s, struct tap *tap);
/* The tap's member leaves: it gets no more, and holds what the client was sent till that is answered or the connection
 * ends; of QoS 2 till the session ends. */
void flow_leave(struct session *s, struct tap *tap);
/* What is in flight of QoS 1 is settled. */
void flow_disown(struct tap *tap);
/* Frees its member, when that has left and nothing is in flight to it, and ends a group that was kept for it. */
void tap_rest(struct tap *tap);

/* ---- subscriptions ------------------------------------------------------------------------------------------ */

/* A topic filter, once for all who subscribed to it. */
struct filter {
    uint32_t takers;
    struct group *group; /* a shared subscription's */
    uint16_t len;
    uint8_t text[]; /* as in SUBSCRIBE */
};

struct subscription {
    struct hop hop; /* not in the trie when it is shared */
    struct session *session;
    struct filter *filter;
    struct member *member; /* shared */
    struct list link;      /* in session->subscriptions */
    uint32_t id;           /* subscription identifier; 0: none */
    uint8_t qos;
    uint8_t retain_handling;
    bool no_local : 1;
    bool retain_as_published : 1;
    bool retained_due : 1; /* its retained values are sent when SUBACK has left */
};

static inline struct view
filter_text(const struct filter *f)
{
    return view_of(f->text, f->len);
}

/* The filter of this text, made when there is none (NULL: no memory); dropped when nobody uses it. */
struct filter *filter_of(struct mqtt_server *server, struct view text);
/* NULL: nobody has it. */
struct filter *filter_find(const struct mqtt_server *server, struct view text);
void filter_drop(struct mqtt_server *server, struct filter *f);
struct subscription *subscription_find(const struct session *s, struct view filter);
/* Adds or changes.  0 and *retfresh: it did not exist; or -err. */
int subscription_set(struct session *s, const struct mqtt_filter *filter, uint32_t id, bool *retfresh);
void subscription_free(struct subscription *sub);
/* The identifiers of all subscriptions of the session that match; returns how many, at most `room`. */
unsigned subscription_ids(const struct session *s, const struct envelope *env, uint32_t *ret, unsigned room);
/* Tells the other shards, after a replay. */
void filters_announce(struct mqtt_server *server);
/* The retained values for subscriptions that were made before CONNACK had left. */
void retained_send_due(struct session *s);

/* A shared subscription on this shard: a queue with its members' links. */
struct group {
    struct mqtt_server *server;
    struct hop hop;
    struct target target;
    struct kept kept;
    struct filter *filter;
    struct list members;
    struct list leavers; /* they get no more, and have not acknowledged all they got */
    uint32_t member_count, online;
    struct view name, topics; /* the parts of the filter's text */
    uint8_t qos;              /* the highest of its members */
    bool provisional;         /* a replay has met a member before it */
    struct forward *forward;  /* to another shard; NULL: members are here, or nowhere */
};

struct member {
    struct tap tap;
    struct list link; /* in group->members or group->leavers */
    struct group *group;
    struct subscription *subscription; /* NULL: it has left */
};

/* Splits $share/NAME/FILTER; false: it is no shared subscription. */
bool share_split(struct view text, struct view *retname, struct view *retfilter);
/* The group of a filter, made when there is none: `id` 0: a new one, which is recorded. */
int group_of(struct mqtt_server *server, struct filter *filter, uint32_t id, struct group **ret);
int group_join(struct group *group, struct subscription *sub);
void group_leave(struct subscription *sub);
/* The tap of a session that has left it, made when there is none.  NULL: no memory. */
struct tap *group_leaver(struct group *group, struct session *s);
void member_free(struct member *member);
/* Ends it when it has no members and nothing is waited for. */
void group_rest(struct group *group);
void group_changed(struct group *group);
/* forward.c: what waits here leaves; no more leaves (what was sent is still waited for); nothing is waited for. */
void forward_begin(struct group *group);
void forward_end(struct group *group);
void forward_free(struct group *group);
/* Connections come and go. */
void groups_online(struct session *s, bool online);
void group_free(struct group *group);
/* Replay: the group of this filter has ended and another has begun. */
int group_renew(struct group *group, uint32_t id);
/* After a replay: those without members end. */
void groups_restored(struct mqtt_server *server);

/* ---- facts in the log (record.c) ---------------------------------------------------------------------------- */

/* 0, or what log_append says.  Each does nothing for a session that is not durable. */
int record_session(struct session *s);
int record_session_end(struct session *s);
int record_park(struct session *s, uint64_t until_s);
int record_subscribe(const struct subscription *sub);
int record_unsubscribe(const struct session *s, struct view filter);
int record_forget(const struct session *s, uint16_t packet_id);
int record_deliver(const struct session *s, const struct inflight *flight);
int record_release(const struct session *s, const struct inflight *flight);
int record_complete(const struct session *s, uint16_t packet_id);
int record_group(const struct group *group);
int record_group_end(const struct group *group);

#endif
