/* client/amqp_core.h - the inside of an AMQP client, shared by amqp.c (a connection's life), amqp_greet.c (the
 * handshake), amqp_channel.c, amqp_in.c (what the server sends), amqp_content.c (messages in pieces) and amqp_out.c
 * (what it is sent).  Nobody else includes it. */
#ifndef TAMBO_CLIENT_AMQP_CORE_H
#define TAMBO_CLIENT_AMQP_CORE_H

#include "client/amqp.h"
#include "client/carry.h"
#include "client/confirm.h"

/* One bit each, so that legality is a mask. */
enum amqp_client_phase {
    PHASE_IDLE = 1,     /* no stream */
    PHASE_DIALING = 2,  /* the stream is being opened */
    PHASE_GREETED = 4,  /* the protocol header is out: start is to come */
    PHASE_NAMED = 8,    /* start-ok is out: tune is to come */
    PHASE_TUNED = 16,   /* open is out: open-ok is to come */
    PHASE_OPEN = 32,    /* all is legal */
    PHASE_LEAVING = 64, /* close is in the outbox: close-ok is to come, all else is not read any more */
    PHASE_CLOSING = 128 /* the stream is being closed */
};

/* A synchronous method that is not answered yet. */
struct amqp_ask {
    uint32_t ok; /* the method that answers it */
    uint64_t token;
};

/* A message that is coming in: a method, a header, body frames until the size is reached.
 *
 * As long as all of it lies in one read its views look there; what straddles reads is kept: the method's strings in
 * `strings`, properties and body behind each other in `bytes`. */
struct amqp_content {
    uint32_t method; /* 0: none is coming */
    bool headed, kept;
    uint64_t body_size, body_got;
    struct amqp_client_message message;
    unsigned code;    /* basic.return's */
    struct view text; /* and its words */
    uint8_t strings[4 * AMQP_SHORTSTR_MAX];
    uint8_t *bytes;
    size_t room;
};

enum amqp_channel_state {
    CHANNEL_FREE,    /* never opened, or closed */
    CHANNEL_OPEN,    /* channel.open is put, perhaps not answered yet */
    CHANNEL_CLOSING, /* channel.close is put */
};

struct amqp_channel {
    uint16_t number;
    enum amqp_channel_state state;
    bool confirming; /* confirm.select is put */
    bool stopped;    /* channel.flow: nothing is published */
    struct amqp_ask *asks;
    unsigned ask_first, ask_count, ask_room;
    struct confirms confirms;
    struct amqp_content content;
};

struct amqp_client {
    struct io *io;
    struct mem *mem;
    struct io_stream *stream;
    struct amqp_client_settings settings;
    struct amqp_client_on on;
    void *arg;
    enum amqp_client_phase phase;
    struct amqp_client_end end;

    /* This connection. */
    struct carry carry;
    struct amqp_channel **channels; /* by number - 1; they stay until the connection is closed */
    unsigned channel_room;
    struct amqp_channel *borrowing; /* the one whose message in pieces looks into the read */
    uint64_t unconfirmed;
    bool wants_ready;
    struct io_timer timer;
    uint64_t sent_ns, heard_ns, heartbeat_ns;

    /* What both sides agreed on. */
    uint32_t frame_max; /* 0: none */
    uint16_t channel_max;
};

/* ---- amqp.c ---- */

/* Ends the connection for this cause; the first cause counts. */
void amqp_client_fail(struct amqp_client *client, const struct amqp_client_end *end);
void amqp_client_lose(struct amqp_client *client, int rc);
/* The server broke a rule: it is told and left. */
int amqp_client_breach(struct amqp_client *client, const struct fault *fault);
/* open-ok came: heartbeats take over the timer. */
void amqp_client_keep_alive(struct amqp_client *client);

/* ---- amqp_greet.c: 0 or -err, and then the connection is ending ---- */

int amqp_client_greet(struct amqp_client *client);
int amqp_client_on_start(struct amqp_client *client, const struct amqp_connection_start *m);
int amqp_client_on_tune(struct amqp_client *client, const struct amqp_connection_tune *m);
int amqp_client_on_open_ok(struct amqp_client *client);

/* ---- amqp_channel.c ---- */

/* NULL: never used. */
struct amqp_channel *amqp_channel_find(const struct amqp_client *client, uint16_t number);
/* Finds or makes it.  0 or -ERR_NO_MEMORY. */
int amqp_channel_make(struct amqp_client *client, uint16_t number, struct amqp_channel **ret);
/* Opened anew: nothing is left of what it was. */
void amqp_channel_reset(struct amqp_client *client, struct amqp_channel *channel);
/* What was asked will not be answered; what was not confirmed never will be. */
void amqp_channel_end(struct amqp_client *client, struct amqp_channel *channel);
void amqp_channels_free(struct amqp_client *client);
/* 0 or -ERR_NO_MEMORY. */
int amqp_channel_ask(struct amqp_client *client, struct amqp_channel *channel, uint32_t ok, uint64_t token);
/* The youngest was never put. */
void amqp_channel_unask(struct amqp_channel *channel);
/* The oldest, or NULL. */
const struct amqp_ask *amqp_channel_asked(const struct amqp_channel *channel);
/* Takes the oldest away and returns its token. */
uint64_t amqp_channel_answered(struct amqp_channel *channel);

/* ---- amqp_in.c ---- */

void amqp_client_read(struct amqp_client *client, struct view bytes);

/* ---- amqp_content.c: 0 or -err, and then the connection is ending ---- */

/* basic.deliver, get-ok or return has come. */
int amqp_content_begin(struct amqp_client *client, struct amqp_channel *channel, const struct amqp_method *m);
int amqp_content_header(struct amqp_client *client, struct amqp_channel *channel, struct view payload);
int amqp_content_body(struct amqp_client *client, struct amqp_channel *channel, struct view payload);
/* The memory that the views of a message in pieces look into is about to go. */
int amqp_content_keep(struct amqp_client *client);
void amqp_content_drop(struct amqp_client *client, struct amqp_channel *channel);

/* ---- amqp_out.c ---- */

/* 0 or -ERR_NO_MEMORY, -ERR_INVALID (a string that is too long). */
int amqp_client_put(struct amqp_client *client, uint16_t channel, const struct amqp_method *m);
/* The same; without memory the connection is lost. */
int amqp_client_reply(struct amqp_client *client, uint16_t channel, const struct amqp_method *m);
void amqp_client_put_heartbeat(struct amqp_client *client);
/* Says `ready` to who asked for it. */
void amqp_client_pump(struct amqp_client *client);

#endif
