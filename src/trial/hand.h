/* trial/hand.h - the clients that speak AMQP: senders, takers, traders, clerks.
 *
 * Each is on a machine of its own, connects again whenever it has lost its connection, and declares the queues of
 * tally.h at its first connection; at later ones it asks whether they are still there. */
#ifndef TAMBO_TRIAL_HAND_H
#define TAMBO_TRIAL_HAND_H

#include "client/amqp.h"
#include "trial/stage.h"

enum { HAND_CHANNEL = 1, HAND_WINDOW = 8, TAKER_PREFETCH = 4, TAKER_HOLDS = TAKER_PREFETCH * PLACES, CLERK_QUEUES = 4 };

enum trade { TRADER, SENDER, TAKER, CLERK };

/* Publishes with confirms: with an even index to amq.topic, for the ledger, else to queues, for the tally. */
struct sender {
    uint32_t next_seq;
    bool rewind; /* one was refused: all that is not confirmed is sent again */
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
    struct holding orders[TAKER_PREFETCH];
    unsigned count;
    unsigned deal;  /* 0: none */
    uint64_t tag;   /* of its order */
    bool returning; /* the deal was rolled back: its order goes back */
};

/* Makes and ends queues and bindings, and asks whether they are as it left them. */
struct clerk {
    enum belief { ABSENT, PRESENT, UNKNOWN } queues[CLERK_QUEUES], bound[CLERK_QUEUES];
    unsigned at;
    uint32_t asked; /* the method; 0: none */
    bool returned;
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
extern const struct hand_ops sender_ops, taker_ops, trader_ops, clerk_ops;

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
        struct trader trader;
        struct clerk clerk;
    };
};

int hand_init(struct hand *hand, struct trial *trial, enum trade trade, unsigned index);
bool hand_done(const struct hand *hand);
void hand_prompt(struct hand *hand);

/* For the trades.  Any failure drops the connection. */
int hand_call(struct hand *hand, const struct amqp_method *method);
int hand_consume(struct hand *hand, enum place place);
/* A persistent message, its body "OF NUMBER " and filler. */
int hand_publish(struct hand *hand, struct view exchange, struct view key, unsigned of, unsigned number,
                 uint8_t priority, bool mandatory);
int hand_settle(struct hand *hand, uint64_t tag, uint32_t method, bool flag); /* flag: multiple of ack, else requeue */
struct view place_name(enum place place);
/* False, and a violation: the body is nobody's. */
bool hand_read(struct hand *hand, const struct amqp_client_message *message, unsigned *retof, unsigned *retnumber);

#endif
