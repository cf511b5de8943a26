/* trial/tally.h - what AMQP's queues are held to: a naive model of what was put where, and what became of it.
 *
 *   lost        a confirmed message was neither acknowledged by a consumer of its queue, nor by one of the morgue where
 *               dead letters end, nor put into a queue whose messages expire and are dropped; or is not in its stream
 *   invented    a message came out of a queue that nobody put there, or that a transaction rolled back
 *   unflagged   a message came again without its redelivered flag, though the node that had delivered it lived, or had
 *               that on its disk
 *   flagged     a message that nobody can have been given before came with its redelivered flag
 *   late        a message came out of a queue after its time to live
 *   dead        a dead letter died of what it cannot have died of, or where it never was
 *   returned    a message came back more often than its queue allows
 *   overfull    a queue held more messages than it may
 *   rank        a message came before one of higher priority that had been ready for longer
 *   skipped     a stream's reader was not given the entry that it stood before
 *   rewritten   a stream holds another message at an offset than it did before
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

struct sim;

enum place {
    PLACE_WORK,   /* rejected ones die */
    PLACE_SHORT,  /* of few messages: those it has no room for die */
    PLACE_RANKED, /* by priority */
    PLACE_BRIEF,  /* messages expire, and are dropped */
    PLACE_TIMED,  /* each brings its own time to live, and dies of it */
    PLACE_TRIES,  /* those that come back too often die */
    PLACE_STREAM, /* they stay */
    PLACE_ORDERS, /* consumed in transactions */
    PLACE_MORGUE, /* dead letters */
    PLACE_LEFT,   /* both get a message from each transaction */
    PLACE_RIGHT,
    PLACE_MIXED, /* bound to amq.topic: the ledger's */
    PLACE_DEAD,  /* the way to the morgue; nobody consumes there, messages expire */
    PLACES
};
enum { SHORT_LENGTH_MAX = 4, TRIES_RETURNS_MAX = 2 };

struct view place_name(enum place place);
enum place place_of(struct view name);
uint8_t place_rank(uint32_t seq);                      /* the priority of a message */
unsigned place_ttl_ms(enum place place, uint32_t seq); /* that a message brings; 0: none */

/* Deliveries that were not flagged.  At a death those are forgiven whose mark may not be on disk: nothing was confirmed
 * that was published after them. */
struct fresh {
    uint8_t count, unsure; /* unsure: those of them that `tick` speaks of */
    uint32_t tick;
};

/* One message of a sender. */
struct item {
    uint8_t place, attempts;
    bool confirmed, settled, rejected;
    uint16_t deaths;        /* of nodes, at the first attempt */
    uint32_t stands;        /* its first offset in the stream, plus 1; 0: not known */
    uint64_t put_ns;        /* the first attempt */
    uint64_t confirmed_ns;  /* when that was heard */
    unsigned deliveries[2]; /* at its place, in the morgue */
    struct fresh fresh[2];
};

enum deal_end { DEAL_OPEN, DEAL_COMMITTED, DEAL_ROLLED_BACK, DEAL_REFUSED };

/* A transaction: it consumes one item, and puts its number left and right. */
struct deal {
    unsigned sender;
    uint32_t seq;
    enum deal_end end;
    uint16_t deaths; /* when it began */
    bool later;      /* it was seen in a later life */
    struct fresh fresh[2];
    bool seen[2];
};

/* The stream from its first offset on, as far as somebody has read in this life of the node or it is on disk. */
struct scroll {
    struct entry_seen {
        unsigned sender;
        uint32_t seq;
    } * entries;
    unsigned count, room;
    unsigned durable; /* so many stay whatever happens */
    unsigned read;    /* so many has the reader that goes through all of it been given on its connection */
};

/* What came out of a queue. */
struct arrival {
    enum place place;
    unsigned of, number; /* as the body says: sender and seq; of a transaction's: nothing, its number */
    uint16_t life;       /* deaths of nodes when the connection was opened, which may be half open for long */
    bool redelivered;
    uint64_t offset;                /* in the stream */
    uint64_t returns;               /* x-delivery-count */
    struct view dead_of, died_from; /* x-first-death-reason, -queue; empty: it is no dead letter */
};

struct tally {
    struct ledger *ledger; /* verdict, deaths, closed, damaged */
    struct mem *mem;
    const struct sim *sim; /* for the time */
    unsigned senders, messages;
    bool quiet_net;  /* what one side ends the other one hears of at once */
    bool roomy_disk; /* it takes what need not be recorded, too */
    bool one_taker;
    struct item *items; /* [sender * (messages + 1) + seq] */
    struct deal *deals; /* by number - 1 */
    unsigned deal_count, deal_room;
    struct scroll scroll;
    uint32_t tick;      /* attempts of all senders */
    uint32_t witnessed; /* the newest of them that was confirmed: what was done before it is on disk */
    uint64_t parted_ns; /* when a consumer's connection ended; 0: never */
    uint64_t room_ns;   /* when the one taker last let the ranked queue deliver one more */
};

int tally_init(struct tally *tally, struct ledger *ledger, unsigned senders, unsigned messages);
void tally_fini(struct tally *tally);

void tally_put(struct tally *tally, unsigned sender, uint32_t seq, enum place place);
void tally_confirmed(struct tally *tally, unsigned sender, uint32_t seq);
bool tally_is_confirmed(const struct tally *tally, unsigned sender, uint32_t seq);
/* What was done before the attempt of this tick is on disk: it was confirmed. */
void tally_witness(struct tally *tally, uint32_t tick);
void tally_got(struct tally *tally, const struct arrival *arrival);
/* A consumer acknowledges it; is about to reject it for good. */
void tally_settled(struct tally *tally, unsigned sender, uint32_t seq);
void tally_rejected(struct tally *tally, unsigned sender, uint32_t seq);
/* Has room for one more of the ranked. */
void tally_has_room(struct tally *tally);
/* The connection of a consumer has ended; a node has died. */
void tally_parted(struct tally *tally);
void tally_died(struct tally *tally);

/* What a reader of the stream was given. */
void tally_read(struct tally *tally, const struct arrival *arrival);

/* Its number, from 1; 0: no memory. */
unsigned tally_deal(struct tally *tally, unsigned sender, uint32_t seq);
void tally_deal_ended(struct tally *tally, unsigned deal, enum deal_end end);
void tally_got_deal(struct tally *tally, const struct arrival *arrival);

/* Is everything that was confirmed acknowledged, and every transaction whole? */
bool tally_complete(const struct tally *tally);
void tally_judge(struct tally *tally);
/* When the stream has been read again after the last restart. */
void tally_judge_stream(struct tally *tally);

/* ---- for the tally's own files */

struct item *tally_item(const struct tally *tally, unsigned sender, uint32_t seq);
bool tally_knows(const struct tally *tally, unsigned sender, uint32_t seq);
/* The fresh delivery counts.  False: more copies without the flag than there are. */
bool fresh_count(struct tally *tally, struct fresh *fresh, const struct arrival *arrival, unsigned copies);
/* It was confirmed: where it stands nothing changes any more. */
void scroll_confirmed(struct tally *tally, const struct item *item);
void scroll_died(struct tally *tally);

#endif
