/* trial/ledger.h - who published, was confirmed and received what; and the promises as checks.
 *
 *   lost        a confirmed message did not reach a durable subscriber, or no member of a group
 *   twice       a QoS 2 message reached a QoS 2 subscriber or group more than once, except ...
 *   disorder    a publisher's messages first reached a subscriber in another order than they were published
 *   invented    something arrived that nobody published
 *   forgotten   a durable session was gone
 *   retained    a retained value is older than the last confirmed one (lost or resurrected)
 *   again       a message that was long acknowledged came again after a restart
 *   stuck       the healed world did not drain
 *
 * ... a group that is spread over shards: what was on its way between them when its node died may come twice
 * (decisions/05). */
#ifndef TAMBO_TRIAL_LEDGER_H
#define TAMBO_TRIAL_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"

struct mem;

struct verdict {
    bool violated;
    char text[256]; /* "violated: lost: ..." */
};

/* Nodes do not know each other: a receiver is owed what publishers of its own node publish. */
struct ledger_size {
    unsigned nodes;
    /* Of each node; who has an index beyond them all is on the first. */
    unsigned publishers_each, subscribers_each, groups_each;
    unsigned publishers, subscribers, groups, keepers, messages; /* messages a publisher */
};

/* One publisher's messages: sequence numbers from 1. */
struct account {
    uint8_t qos;
    uint32_t attempted; /* the highest that was handed to the client */
    bool refused;       /* the server refused one, perhaps, so that it was published again out of its order */
    bool *confirmed;    /* by sequence number */
    uint16_t *deaths;   /* by sequence number: how many there had been when it was first handed to the client */
};

/* What one receiver saw of one publisher. */
struct sight {
    uint32_t newest;       /* highest first arrival */
    uint32_t jumped, over; /* the first to arrive out of order, and after which; 0: none.  Judged at the end: that one
                            * before it was refused may be on its way to its publisher yet */
    uint8_t *times;        /* by sequence number */
};

struct ledger {
    struct mem *mem;
    struct ledger_size size;
    unsigned receivers; /* the subscribers, then the groups */
    struct account *accounts;
    uint8_t *qos;         /* of each receiver */
    struct sight *sights; /* [receiver * publishers + publisher] */
    /* Keepers of retained values: versions from 1; a multiple of VERSION_DELETES deletes the value. */
    uint32_t *kept_confirmed, *kept_attempted, *kept_seen;
    uint64_t confirmed, received;
    uint16_t deaths; /* of nodes, so far */
    bool spread;     /* a node has several shards */
    bool closed;     /* everyone has everything and acknowledged it: nothing may come any more */
    bool damaged;    /* stored bytes were damaged: what was confirmed may be gone, and that is said, not hidden */
    struct verdict verdict;
};
enum { VERSION_DELETES = 5 };

int ledger_init(struct ledger *ledger, struct mem *mem, const struct ledger_size *size);
void ledger_fini(struct ledger *ledger);

void ledger_attempted(struct ledger *ledger, unsigned publisher, uint32_t seq);
void ledger_confirmed(struct ledger *ledger, unsigned publisher, uint32_t seq);
void ledger_received(struct ledger *ledger, unsigned receiver, unsigned publisher, uint32_t seq);
/* The first violation stands; later ones follow from it. */
void ledger_violated(struct ledger *ledger, const char *promise, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Has every receiver everything that was confirmed? */
bool ledger_complete(const struct ledger *ledger);
/* The last judgement, when the world has drained; and when kept_seen holds what a new subscriber was given (0:
 * nothing).
 */
void ledger_judge(struct ledger *ledger);
void ledger_judge_retained(struct ledger *ledger);

#endif
