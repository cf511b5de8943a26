/* session/amqp/inner.h - what the files of the AMQP server share.
 *
 *   server ---- conn: one a stream; frames in, frames out
 *                 \---- channel: by number; its own errors, confirms, transaction, window
 *                         |---- consumer: feeds on a queue of the catalog's, as a getter does for basic.get
 *                         \---- unacked: what was delivered and is not settled, by delivery tag
 *
 * Nothing is closed, declared, deleted or published from inside a delivery: who fails there is doomed, and dealt with
 * at the end of the turn. */
#ifndef TAMBO_SESSION_AMQP_INNER_H
#define TAMBO_SESSION_AMQP_INNER_H

#include "base/err.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/must.h"
#include "session/amqp/amqp.h"
#include "session/amqp/unacked.h"
#include "session/fifo.h"
#include "wire/amqp.h"

enum {
    OUTBOX_HIGH_BYTES = 1024 * 1024, /* beyond it consumers get no credit */
    OUTBOX_LOW_BYTES = 256 * 1024,
    ANSWERS_HIGH_BYTES = 4 * 1024 * 1024, /* beyond it, by answers to one who does not read, it is not read from */
    BY_REFERENCE_BYTES = 16 * 1024,       /* bodies from here on are not copied into an outbox */
    CARRY_BYTES = 64 * 1024,              /* a partial frame's or body's buffer grows from here with what has come */
    OPENING_FRAME_MAX = 8192,             /* before connection.tune-ok: start-ok with a client's properties */
    CLOSING_S_MAX = 10,                   /* so long is waited for connection.close-ok */
    BACKLOG_BYTES = 256 * 1024,           /* behind a publication that waits for room: more is not read */
    HELD_MAX = 32768,                     /* answers that wait for the disk: more are not read for */
    UNACKED_MAX = 1024 * 1024,            /* a channel: prefetch 0 means no more than this */
    CREDIT_STEP = 65536,                  /* given at once to who has no prefetch limit */
    GETTERS_MAX = 16,                     /* queues that a channel has got from and may again, kept attached */
    TX_BYTES_MAX = 64 * 1024 * 1024,      /* published in a transaction that is not committed */
    REPLY_TOKEN_BYTES = 22,
};

#define REPLY_TO_QUEUE "amq.rabbitmq.reply-to"

/* ---- server ------------------------------------------------------------------------------------------------- */

/* The message that is just being read: its parts lie in the read buffer. */
struct incoming {
    struct channel *channel; /* NULL: none */
    struct amqp_basic_publish publish;
    struct amqp_header header;
    bool has_header;
};

struct scratch {
    uint8_t *bytes;
    size_t room;
};

struct amqp_server {
    struct session_host *host;
    const struct amqp_settings *settings;
    struct catalog *catalog;
    struct list connections;
    struct list hungry; /* consumers that may be given more at the end of the turn */
    struct list busy;   /* channels with confirms to write at the end of the turn */
    struct map replies; /* channels with a reply consumer, by token */
    unsigned connection_count, pressed_count, doomed_count;
    unsigned waiting_count; /* connections with a publication that there was no room for */
    const char *alarm;      /* what the node is really short of; NULL: nothing */
    uint64_t channel_count, consumer_count, unacked_count;
    amqp_list_fn *list_also;
    void *list_also_arg;
    struct incoming incoming;
    struct scratch in, out; /* a publication's properties; frames and what goes into them */
    struct scratch noted;   /* a delivery's properties with one header more */
};

/* A buffer of at least `n` bytes, good until the next call with the same scratch.  NULL: no memory. */
uint8_t *server_buffer(struct amqp_server *server, struct scratch *scratch, size_t n);
/* Is there hope that what found no memory finds some later? */
bool server_is_busy(const struct amqp_server *server);
/* Is what they publish taken, for all that is known of memory and disk? */
bool server_has_room(const struct amqp_server *server);
/* A refusal as printf has it; returns -ERR_REFUSED. */
int deny(struct refusal *why, unsigned code, const char *format, ...) __attribute__((format(printf, 3, 4)));
int deny_fault(struct refusal *why, const struct fault *fault);
/* What could not be done for want of memory or disk. */
int deny_rc(struct refusal *why, int rc);
/* 22 characters that nobody can guess, base64 of 128 bits. */
void random_name(struct amqp_server *server, char ret[REPLY_TOKEN_BYTES]);

/* ---- connection --------------------------------------------------------------------------------------------- */

enum phase {
    PHASE_HEADER = 1,
    PHASE_START = 2, /* connection.start was sent */
    PHASE_TUNE = 4,
    PHASE_OPEN = 8,
    PHASE_RUNNING = 16,
    PHASE_CLOSING = 32, /* connection.close was sent */
    PHASE_CLOSED = 64
};
enum pause { PAUSE_NODE = 1, PAUSE_HELD = 2, PAUSE_UNREAD = 4, PAUSE_WAIT = 8 };
enum capability { CAN_BLOCK = 1, CAN_CANCEL_NOTIFY = 2, CAN_CLOSE_ON_AUTH_FAILURE = 4 };

/* A handler's answer beside 0 and -err: the connection has been handed to another shard and freed. */
enum { HANDLER_GONE = 1 };

struct conn {
    struct amqp_server *server;
    struct io_stream *stream;
    struct vhost *vhost; /* from connection.open on */
    struct list all;     /* in server->connections */
    struct wheel_timer timer;
    struct carry *carry;     /* a partial frame */
    struct held *held;       /* answers that wait */
    struct waiting *waiting; /* what is not to be handled yet; NULL: it does not wait */
    struct channel **channels;
    uint8_t *user; /* user_bytes of it */
    uint64_t since_s;
    uint64_t large_bytes; /* of the last message that found the outbox within its bounds: it may pass them */
    uint32_t frame_max;
    uint16_t channel_room, channel_count, channel_max;
    uint16_t heartbeat_s;
    uint16_t doom; /* reply code */
    uint8_t user_bytes;
    uint8_t phase;
    uint8_t paused;
    uint8_t can;      /* enum capability */
    uint8_t silent;   /* ticks of the timer in which nothing came */
    bool heard : 1;   /* since the last tick */
    bool spoke : 1;   /* since the last tick */
    bool doomed : 1;  /* closed at the end of the turn, and not written to by deliveries any more */
    bool broken : 1;  /* a frame went out in part: nothing may follow it */
    bool choked : 1;  /* its outbox is over the high mark */
    bool pressed : 1; /* it published while the node was short of room */
    bool told : 1;    /* connection.blocked */
};

static inline bool
conn_ready(const struct conn *c)
{
    return c->phase == PHASE_RUNNING && !c->doomed;
}
static inline struct view
conn_user(const struct conn *c)
{
    return view_of(c->user, c->user_bytes);
}

/* Sends connection.close, and closes when it is answered, or soon. `id`: the method that failed, or 0. */
void conn_fail(struct conn *c, const struct refusal *why, uint32_t id);
/* Closes without a word. */
void conn_close(struct conn *c);
/* Failed with this code at the end of the turn; nothing is written to it meanwhile. */
void conn_doom(struct conn *c, unsigned code);
void conn_pause(struct conn *c, enum pause why);
void conn_resume(struct conn *c, enum pause why);
/* Has it deliveries to settle? */
bool conn_unacked(const struct conn *c);
/* A message was published by it while the node is short of room: it waits. */
void conn_press(struct conn *c);
/* The server's alarm has come: it is told, if it waits and asked to be. */
void conn_alarm(struct conn *c);
void conn_unpress(struct conn *c);
/* The stream is gone: closed, or handed to another shard. */
void conn_free(struct conn *c);
/* NULL: no memory. */
struct conn *conn_new(struct amqp_server *server, struct io_stream *stream, enum phase phase);
void conn_take(struct conn *c, struct io_stream *stream);
void conn_arm(struct conn *c);
/* The method's frame leaves at once. */
void conn_write(struct conn *c, uint16_t channel, const struct amqp_method *m);
/* Bytes that have been put together already. */
void conn_put(struct conn *c, struct view bytes);
/* After bytes were put: notes when there are too many. */
void conn_weigh(struct conn *c);

/* connection.close or channel.close (`kind`), its text in `text`: the code's name, and why, cut where it must be. */
enum { CLOSE_TEXT_BYTES = AMQP_SHORTSTR_MAX + 1 };
struct amqp_method close_method(uint32_t kind, const struct refusal *why, uint32_t id, char text[CLOSE_TEXT_BYTES]);

/* reading.c: cuts bytes into frames and has them handled. */
void conn_read(struct conn *c, struct view bytes);
void carry_free(struct conn *c);
/* One whole frame.  False: the connection has ended. */
bool conn_frame(struct conn *c, const struct amqp_frame *frame);

/* ---- waiting (waiting.c) ------------------------------------------------------------------------------------ */

enum wait { WAIT_ROOM /* in memory or on disk */, WAIT_OUTBOX };
/* The connection goes no further than this basic.get, for its outbox; than this publication, for room.  It is doomed
 * when there is no memory to wait with. */
struct posting;
void waiting_method(struct channel *ch, const struct amqp_method *m);
void waiting_posting(struct channel *ch, const struct posting *posting);
/* What came behind it. */
void waiting_add(struct conn *c, struct view bytes);
/* Goes on, if that is what it waits for. */
void waiting_go_on(struct conn *c, enum wait why);
void waiting_free(struct conn *c);

/* handshake.c */
void handshake_start(struct conn *c);
typedef int conn_fn(struct conn *c, const struct amqp_method *m, struct view rest, struct refusal *why);
conn_fn on_start_ok, on_tune_ok, on_open, on_conn_close, on_conn_close_ok, on_update_secret;

/* ---- answers (answer.c) ------------------------------------------------------------------------------------- */

/* Answers leave in order.  One that `waits` is held until the present epoch is done, and all later ones behind it. */
void answer(struct conn *c, uint16_t channel, const struct amqp_method *m, bool waits);
/* consume-ok: when it has left, the consumer `serial` of that channel is fed. */
void answer_consume(struct conn *c, uint16_t channel, const struct amqp_method *m, uint32_t serial);
/* basic.get must find what stands before it answered. */
bool answer_later(const struct conn *c);
void answer_get(struct conn *c, uint16_t channel, const struct amqp_method *get);
/* Published by the channel to the default exchange when its turn comes. */
void answer_posting(struct conn *c, uint16_t channel, const struct posting *posting, bool waits);
/* The outbox has room again: what basic.get waits for may go. */
void answers_go_on(struct conn *c);
void answers_free(struct conn *c);

/* ---- channels ----------------------------------------------------------------------------------------------- */

struct channel {
    struct conn *conn;
    struct list busy;      /* in server->busy */
    struct list consumers; /* struct consumer, those that were cancelled and still hold something among them */
    struct list getters;
    struct content *content;   /* a message that came in part */
    struct confirms *confirms; /* after confirm.select */
    struct transaction *tx;    /* after tx.select */
    struct reply *reply;       /* it consumes from the reply-to pseudo queue */
    struct unackeds unacked;
    uint64_t tag;        /* of the last delivery */
    uint8_t *last_queue; /* declared on it; last_queue_bytes */
    uint32_t serial;     /* of its consumers */
    uint32_t consumer_count, getter_count;
    uint32_t delivered; /* to consumers that acknowledge, and not settled */
    uint16_t number;
    uint16_t prefetch;     /* of each new consumer */
    uint16_t prefetch_all; /* of all together */
    uint8_t last_queue_bytes;
    bool closing : 1;  /* channel.close was sent: all but its answer is passed over */
    bool relieved : 1; /* settlements have made room that its consumers were not given yet */
};

typedef int channel_fn(struct channel *ch, const struct amqp_method *m, struct refusal *why);
channel_fn on_channel_flow, on_access_request, on_exchange_declare, on_exchange_delete, on_exchange_bind,
    on_exchange_unbind, on_queue_declare, on_queue_bind, on_queue_unbind, on_queue_purge, on_queue_delete, on_basic_qos,
    on_basic_consume, on_basic_cancel, on_basic_publish, on_basic_get, on_basic_ack, on_basic_nack, on_basic_reject,
    on_basic_recover, on_basic_recover_async, on_confirm_select, on_tx_select, on_tx_commit, on_tx_rollback;

static inline struct channel *
conn_channel(const struct conn *c, uint16_t number)
{
    return number < c->channel_room ? c->channels[number] : NULL;
}
static inline struct session_host *
channel_host(const struct channel *ch)
{
    return ch->conn->server->host;
}
static inline struct mem *
channel_mem(const struct channel *ch)
{
    return ch->conn->server->host->mem;
}

int channel_open(struct conn *c, uint16_t number, struct refusal *why);
int channel_method(struct channel *ch, const struct amqp_method *m, struct refusal *why);
/* Sends channel.close and forgets all but the number. */
void channel_fail(struct channel *ch, const struct refusal *why, uint32_t id);
void channel_free(struct channel *ch);
void channel_answer(struct channel *ch, const struct amqp_method *m, bool waits);
/* The answer without arguments to what was asked, unless it was not wanted. */
void channel_done(struct channel *ch, uint32_t id, bool no_wait, bool waits);
/* The queue a method names: the last one declared when it names none.  0, or -ERR_REFUSED: 404. */
int channel_queue_name(const struct channel *ch, struct view named, struct view *ret, struct refusal *why);
/* ... and found: 404, or 405 when it is another connection's own. */
int channel_queue(const struct channel *ch, struct view named, struct mq **ret, struct refusal *why);
int queue_lock_check(const struct channel *ch, const struct mq *mq, struct refusal *why);
int exchange_default_check(struct view name, struct refusal *why);

/* ---- a message from the client (content.c, publish.c, confirm.c, tx.c) --------------------------------------- */

/* What is published: views, wherever they lie. */
struct posting {
    struct view exchange, key;
    bool mandatory;
    struct view props; /* from the property flags on */
    struct view body;
};

/* A header or body frame. */
int content_header(struct channel *ch, struct view payload, struct refusal *why);
int content_body(struct channel *ch, struct view payload, struct refusal *why);
static inline bool
content_expected(const struct channel *ch)
{
    return ch->content != NULL || ch->conn->server->incoming.channel == ch;
}
/* -ERR_REFUSED: another frame stands where that one should. */
int content_unexpected(const struct channel *ch, struct refusal *why);
/* The read buffer is about to change: what lies in it and is still wanted is copied, or its connection doomed. */
void content_keep(struct amqp_server *server);
void content_drop(struct channel *ch);

int publish(struct channel *ch, const struct posting *posting, struct refusal *why);
/* What became of it. */
struct published {
    int rc;
    bool unrouted;
    bool waits; /* its confirm, for the disk */
    bool hasty; /* for the write only, not for the sync */
};
/* One that publish() has kept for tx.commit, now. */
void publish_posting(struct channel *ch, const struct posting *posting, struct published *ret);

/* The next publish sequence number is settled. */
void confirm(struct channel *ch, const struct published *published);
void confirms_turn(struct channel *ch);
void confirms_free(struct channel *ch);

int transaction_keep(struct channel *ch, const struct posting *posting, struct refusal *why);
/* Settlements are kept till the commit. */
int transaction_settle(struct channel *ch, uint64_t tag, bool multiple, enum settlement how, struct refusal *why);
void transaction_free(struct channel *ch);

/* ---- to the client (consume.c, deliver.c, settle.c, get.c) --------------------------------------------------- */

struct consumer {
    struct mq_consumer tap;
    struct channel *channel;
    struct list link;   /* in channel->consumers or getters */
    struct list hungry; /* in server->hungry */
    uint32_t unacked;
    uint32_t serial;
    uint32_t wants;    /* a getter: so many basic.get wait for their answers */
    uint16_t prefetch; /* 0: no limit */
    bool no_ack : 1;
    bool announced : 1; /* consume-ok has left */
    bool getter : 1;
    bool cancelled : 1; /* by the client; it still holds something */
    uint8_t tag_bytes;
    uint8_t tag[];
};

static inline struct view
consumer_tag(const struct consumer *consumer)
{
    return view_of(consumer->tag, consumer->tag_bytes);
}

/* NULL: no memory. */
struct consumer *consumer_new(struct channel *ch, struct view tag);
struct consumer *consumer_find(const struct channel *ch, struct view tag);
void consumer_free(struct consumer *consumer);
void consumer_announced(struct channel *ch, uint32_t serial);
void consumer_hungry(struct consumer *consumer);
/* Raises its credit to what its windows leave. */
void consumer_feed(struct consumer *consumer);
/* One of its deliveries is settled. */
void consumer_relieve(struct consumer *consumer);
/* All consumers of the channel may be given more, or less. */
void channel_hungry(struct channel *ch);
void conn_hungry(struct conn *c);
/* What it settled counts for what it publishes next: its consumers are fed before the turn's end. */
void channel_feed(struct channel *ch);
/* Nobody is given more, until its outbox has drained. */
void conn_sated(struct conn *c);
/* Everything goes: what is in flight goes back and counts as delivered. */
void consumers_free(struct channel *ch);
void consumer_deliver(struct mq_consumer *tap, struct link *link, uint64_t seq, struct publication *pub,
                      struct entry_meta meta, bool redelivered);
void consumer_cancelled(struct mq_consumer *tap);
void consumer_revoked(struct mq_consumer *tap, struct link *link, uint64_t seq);

/* What of a stored message goes into AMQP's frames. */
struct parcel {
    struct view exchange, key, props;
};
/* A header that a delivery has beside the message's own; NULL: none. */
struct note {
    const char *header;
    int64_t number;
};
/* 0 or -ERR_NO_MEMORY; views are good until server->out or ->noted is used again. */
int parcel_of(struct amqp_server *server, const struct envelope *env, const struct note *note, struct parcel *ret);
/* deliver, get-ok or return, with its content, out of `pub`.  0 or -err, and then the connection is doomed. */
int deliver_write(struct channel *ch, const struct amqp_method *m, struct publication *pub, struct view props);

/* What is not there is passed over.  Tag 0 with `multiple` is all. */
void settle(struct channel *ch, uint64_t tag, bool multiple, enum settlement how);

/* basic.get; `m` as it came. */
int get_now(struct channel *ch, const struct amqp_method *m, struct refusal *why);
/* A getter whose message is being read, at the end of the turn. */
void get_wait(struct consumer *getter);
void get_cancelled(struct consumer *getter);

/* ---- what is not for streams (stream.c) ---------------------------------------------------------------------- */

/* Each returns 0, or -ERR_REFUSED when the queue is a stream; `what`: basic.get, queue.purge ... */
int stream_refuses(const struct mq *mq, const char *what, struct refusal *why);
/* ... and it would be consumed from without a prefetch limit of this consumer's, or without acknowledgements. */
int stream_check_consumer(const struct consumer *consumer, const struct mq *mq, struct refusal *why);
/* ... and these deliveries have come from it: they can only be acknowledged. */
int stream_check_return(const struct channel *ch, uint64_t tag, bool multiple, struct refusal *why);

/* ---- direct reply-to (reply.c), requests (management.c) ------------------------------------------------------ */

int reply_consume(struct channel *ch, struct view tag, bool no_ack, struct refusal *why);
bool reply_has_tag(const struct channel *ch, struct view tag);
void reply_cancel(struct channel *ch, struct view tag);
/* queue.declare passive of a reply address: is somebody there? */
int reply_declared(struct channel *ch, const struct amqp_queue_declare *declare, struct refusal *why);
/* The property reply_to names the pseudo queue: it becomes the channel's address, and *retprops the list with it, in
 * memory of the caller's to free.  0, or -ERR_REFUSED 406, or -ERR_NO_MEMORY. */
int reply_address(struct channel *ch, struct amqp_properties *props, struct view *retprops, uint8_t **retowned,
                  struct refusal *why);
void reply_free(struct channel *ch);

#define MANAGEMENT_KEY "$tambo"
/* 0, or -ERR_REFUSED. */
int manage(struct channel *ch, const struct posting *posting, const struct amqp_properties *props);

#endif
