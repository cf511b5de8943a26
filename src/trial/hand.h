/* trial/hand.h - the clients that speak AMQP: senders, takers, readers, traders, clerks.
 *
 * Each is on a machine of its own, connects again whenever it has lost its connection, and declares the queues of
 * tally.h at its first connection; at later ones it asks whether they are still there. */
#ifndef TAMBO_TRIAL_HAND_H
#define TAMBO_TRIAL_HAND_H

#include "client/amqp.h"
#include "trial/stage.h"

enum { HAND_CHANNEL = 1, HAND_WINDOW = 8, HAND_PREFETCH = 4, TAKER_HOLDS = HAND_PREFETCH * PLACES, CLERK_FACTS = 13 };

enum trade { TRADER, SENDER, TAKER, CLERK, READER };

/* Publishes with confirms: with an even index to amq.topic, for the ledger, else to queues, for the tally. */
struct sender {
    uint32_t next_seq;
    struct attempt {
        uint32_t seq, tick;
    } attempts[HAND_WINDOW]; /* at seq % HAND_WINDOW: the newest ones */
    bool rewind;             /* one was refused: all that is not confirmed is sent again */
};

/* Not settled yet. */
struct holding {
    uint64_t tag;
    enum place place;
    unsigned of, number; /* as the body says */
};

/* Consumes, and settles a little later. */
struct taker {
    struct holding holds[TAKER_HOLDS];
    unsigned count;
};

/* Consumes one order, publishes two messages and acknowledges it in a transaction. */
struct trader {
    struct holding orders[HAND_PREFETCH];
    unsigned count;
    unsigned deal;  /* 0: none */
    uint64_t tag;   /* of its order */
    bool returning; /* the deal was rolled back: its order goes back */
};

/* Goes through the stream, from its first offset or from elsewhere. */
struct reader {
    uint64_t next; /* the offset it stands before */
    bool anywhere; /* and may be given a later one */
    uint64_t tag;  /* the newest that is not acknowledged; 0: none */
};

/* Makes and ends queues, exchanges, bindings and policies, and asks whether they are as it left them. */
struct clerk {
    enum belief { ABSENT, PRESENT, UNKNOWN } facts[CLERK_FACTS], was; /* was: the one asked about, before that */
    unsigned at;
    enum asking { ASKED_NOTHING, ASKED_TO_MAKE, ASKED_TO_END, ASKED_TO_SHOW } asked;
    bool returned;
    unsigned checked;            /* so many facts, since the world is at rest, on this connection */
    uint64_t asked_ns, wound_ns; /* when that was asked; when the clocks of queues were wound last, at latest */
    uint64_t fleeting_ns[2];     /* when the queue that ends by itself was asked for, and was there */
};

struct hand;
struct hand_ops {
    const char *name;
    int (*begin)(struct hand *hand);   /* the channel is open, the queues are there */
    void (*prompt)(struct hand *hand); /* now and then, while it is ready */
    bool (*done)(const struct hand *hand);
    void (*ended)(struct hand *hand); /* the connection */
    void (*answered)(struct hand *hand, const struct amqp_method *method);
    void (*message)(struct hand *hand, const struct amqp_client_message *message);
    void (*confirmed)(struct hand *hand, uint32_t seq, bool acked);
    void (*returned)(struct hand *hand);
    void (*refused)(struct hand *hand, unsigned code); /* the channel was closed by the server */
};
extern const struct hand_ops sender_ops, taker_ops, reader_ops, trader_ops, clerk_ops;

struct hand {
    struct trial *trial;
    struct station *station;
    struct sim_machine *machine;
    struct mem mem;
    struct io *io;
    struct amqp_client *client;
    struct amqp_client_settings settings;
    struct io_timer timer;
    struct prng prng;
    const struct hand_ops *ops;
    unsigned index; /* among those of its trade */
    char name[24];
    bool met;      /* the queues were declared once */
    bool ready;    /* connected, and has begun */
    uint16_t life; /* deaths of nodes when its connection was opened */
    union {
        struct sender sender;
        struct taker taker;
        struct reader reader;
        struct trader trader;
        struct clerk clerk;
    };
};

int hand_init(struct hand *hand, struct trial *trial, enum trade trade, unsigned index);
bool hand_done(const struct hand *hand);
void hand_prompt(struct hand *hand);

/* For the trades.  Any failure drops the connection. */
int hand_call(struct hand *hand, const struct amqp_method *method);
/* The same before the channel is in use: the answer is for nobody. */
int hand_prepare(struct hand *hand, const struct amqp_method *method);
int hand_prefetch(struct hand *hand, uint16_t count);
int hand_consume(struct hand *hand, enum place place, struct view arguments);
struct hand_message {
    unsigned of, number; /* the body is "OF NUMBER " and filler; the number is the token of its confirm, too */
    uint8_t priority;
    unsigned ttl_ms; /* 0: none */
};
/* Persistent and mandatory. */
int hand_publish(struct hand *hand, struct view exchange, struct view key, const struct hand_message *message);
int hand_settle(struct hand *hand, uint64_t tag, uint32_t method, bool flag); /* flag: multiple of ack, else requeue */
/* False, and a violation: the body is nobody's. */
bool hand_read(struct hand *hand, const struct amqp_client_message *message, struct arrival *ret);

/* The queues of tally.h with their exchanges; passive: they must be there. */
int layout_declare(struct hand *hand, bool passive);

#endif
