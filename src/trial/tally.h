/* trial/tally.h - what AMQP's queues are held to: a naive model of what was put where, and what became of it.
 *
 *   lost        a confirmed message was neither acknowledged by a consumer of its queue, nor by one of the morgue where
 *               dead letters end, nor put into a queue whose messages expire and are dropped
 *   invented    a message came out of a queue that nobody put there, or that a transaction rolled back
 *   unflagged   a message came again without its redelivered flag, and no node had died
 *   torn        a transaction was done by half
 *   undone      what a transaction consumed was consumed by another too
 *   again       a message that was long acknowledged came again after a restart
 *
 * A message that was not confirmed is put once more, so there may be as many copies of it as attempts.  What a
 * transaction wrote may be seen before it is on disk; it is held to its word when it was told commit-ok, or was seen in
 * a later life of the node than it began in. */
#ifndef TAMBO_TRIAL_TALLY_H
#define TAMBO_TRIAL_TALLY_H

#include "trial/ledger.h"

enum place {
    PLACE_WORK,   /* rejected ones die */
    PLACE_SHORT,  /* of few messages: those it has no room for die */
    PLACE_RANKED, /* by priority */
    PLACE_BRIEF,  /* messages expire, and are dropped */
    PLACE_ORDERS, /* consumed in transactions */
    PLACE_MORGUE, /* dead letters */
    PLACE_LEFT,   /* both get a message from each transaction */
    PLACE_RIGHT,
    PLACE_MIXED, /* bound to amq.topic: the ledger's */
    PLACE_DEAD,  /* the way to the morgue; nobody consumes there, messages expire */
    PLACES
};

/* One message of a sender. */
struct item {
    uint8_t place, attempts;
    bool confirmed, settled;
    uint16_t deaths;  /* of nodes, at the first attempt */
    uint8_t fresh[2]; /* deliveries that were not flagged: at its place, in the morgue */
};

enum deal_end { DEAL_OPEN, DEAL_COMMITTED, DEAL_ROLLED_BACK, DEAL_REFUSED };

/* A transaction: it consumes one item, and puts its number left and right. */
struct deal {
    unsigned sender;
    uint32_t seq;
    enum deal_end end;
    uint16_t deaths; /* when it began */
    bool later;      /* it was seen in a later life */
    uint8_t fresh[2];
    bool seen[2];
};

struct tally {
    struct ledger *ledger; /* verdict, deaths, closed, damaged */
    struct mem *mem;
    unsigned senders, messages;
    struct item *items; /* [sender * (messages + 1) + seq] */
    struct deal *deals; /* by number - 1 */
    unsigned deal_count, deal_room;
};

int tally_init(struct tally *tally, struct ledger *ledger, unsigned senders, unsigned messages);
void tally_fini(struct tally *tally);

void tally_put(struct tally *tally, unsigned sender, uint32_t seq, enum place place);
void tally_confirmed(struct tally *tally, unsigned sender, uint32_t seq);
bool tally_is_confirmed(const struct tally *tally, unsigned sender, uint32_t seq);
void tally_got(struct tally *tally, enum place place, unsigned sender, uint32_t seq, bool redelivered);
/* A consumer has acknowledged it. */
void tally_settled(struct tally *tally, unsigned sender, uint32_t seq);

/* Its number, from 1; 0: no memory. */
unsigned tally_deal(struct tally *tally, unsigned sender, uint32_t seq);
void tally_deal_ended(struct tally *tally, unsigned deal, enum deal_end end);
/* `life`: the deaths of nodes when the consumer's connection was opened, which may be half open for long. */
void tally_got_deal(struct tally *tally, enum place place, unsigned deal, uint16_t life, bool redelivered);

/* Is everything that was confirmed acknowledged, and every transaction whole? */
bool tally_complete(const struct tally *tally);
void tally_judge(struct tally *tally);

#endif
