/* queue/queue_rig.h - queues, links and a log on a simulated machine for the tests of this room, beside a naive oracle:
 * an array that says of each sequence number what must be true of it. */
#ifndef TAMBO_QUEUE_RIG_H
#define TAMBO_QUEUE_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/prng.h"
#include "io/sim/sim.h"
#include "log/log.h"
#include "queue/inner.h"

enum { RIG_QUEUES = 3, RIG_LINKS = 3, RIG_SEQS = 60000 };

enum fact_state { FACT_NONE, FACT_READY, FACT_FLIGHT, FACT_DEAD /* in its grave */, FACT_GONE };
enum fact_again { AGAIN_NO, AGAIN_YES, AGAIN_UNKNOWN /* a restart may forget it */ };

struct fact {
    uint8_t state, link, again, len;
    uint8_t reasons;                 /* of a death: bits 1 << enum queue_death, of those that it may be */
    bool told;                       /* its owner was, and may bury it */
    bool shown;                      /* it was delivered, in this life or before */
    bool shown_now;                  /* in this life */
    uint32_t returns;                /* how often it was returned */
    uint64_t returns_end, shown_end; /* as gone_end */
    uint64_t published_ms;
    uint64_t expires_ms;
    uint32_t meta;
    uint64_t made_end, gone_end; /* of the log, when it was recorded: safe once that is committed; 0: not yet */
};

struct rig;
struct tap {
    struct link link;
    struct rig *rig;
    unsigned queue, number;
    bool attached;
    uint64_t asked; /* by link_again */
};

struct rig_queue {
    struct queue *queue;
    struct queue_owner owner;
    struct rig *rig;
    uint64_t shown_max; /* the highest that was ever delivered */
    unsigned changes;
    struct fact facts[RIG_SEQS + 1];
    uint64_t first; /* all before it are gone */
    uint64_t noted; /* all before it are gone, and that is recorded */
    uint64_t next;
    struct tap taps[RIG_LINKS];
};

struct rig {
    struct mem world, mem, queue_mem; /* of the world, the log, the queues */
    struct sim *sim;
    struct sim_machine *machine;
    struct io *io;
    struct log *log;
    struct log_config config;
    struct log_report report;
    struct queue_host host;
    struct queue_limits limits;
    struct rig_queue queues[RIG_QUEUES];
    struct prng prng;
    bool durable, up;
    bool meddling;      /* deliveries settle, release and push on the spot */
    bool mortal;        /* all that is pushed expires */
    bool drains;        /* each delivery is accepted at once */
    bool unchecked;     /* deliveries are only counted */
    bool owned;         /* the queues have owners who want their dead */
    bool learning;      /* it boots: the oracle does not know yet what came back */
    bool calm;          /* owners bury at once */
    uint64_t buried[4]; /* by reason */
    uint64_t delivered;
    int opened;
    uint64_t committed;  /* when the machine died */
    unsigned checkpoint; /* 0: none runs; else the next queue's number + 1 */
    bool checkpointing, evacuating;
    unsigned checkpoints, evacuations;
};

/* A world with RIG_QUEUES queues; durable ones on a machine that has been booted. */
struct rig *rig_new(uint64_t seed, bool durable);
void rig_free(struct rig *rig);
/* A boot after a kill or power cut; compares what came back. */
void rig_boot(struct rig *rig);
void rig_crash(struct rig *rig, bool power);
/* The turn's end, and a millisecond passes. */
void rig_turn(struct rig *rig);
/* Until everything is committed and nothing is being read. */
void rig_settle(struct rig *rig);

void rig_attach(struct rig *rig, unsigned queue, unsigned link);
void rig_detach(struct rig *rig, unsigned queue, unsigned link);
/* To the queues of `mask`, as one publication.  expires_ms 0: never. */
int rig_push(struct rig *rig, unsigned mask, unsigned len, uint64_t expires_ms);
void rig_credit(struct rig *rig, unsigned queue, unsigned link, uint32_t more);
/* A random entry that is in flight on this link; 0: none. */
uint64_t rig_held(struct rig *rig, unsigned queue, unsigned link);
void rig_accept(struct rig *rig, unsigned queue, unsigned link, uint64_t seq);
void rig_release(struct rig *rig, unsigned queue, unsigned link, uint64_t seq);
void rig_again(struct rig *rig, unsigned queue, unsigned link, uint64_t seq);
void rig_return(struct rig *rig, unsigned queue, unsigned link, uint64_t seq);
void rig_reject(struct rig *rig, unsigned queue, unsigned link, uint64_t seq);
void rig_purge(struct rig *rig, unsigned queue);
void rig_pass(struct rig *rig, uint64_t ms);
/* Begins or goes on with what the owner of a log does from time to time. */
void rig_checkpoint_step(struct rig *rig);
void rig_checkpoint_all(struct rig *rig);
void rig_evacuate(struct rig *rig, unsigned percent);
/* Waits, and is not worthless? */
bool rig_is_ready(const struct rig *rig, const struct fact *fact);
/* Gives the queues owners, now and after each boot. */
void rig_own(struct rig *rig);
void rig_limit(struct rig *rig, struct queue_limits limits);
/* Owners bury or exhume some of what they were told of. */
void rig_bury_some(struct rig *rig);
/* It was in flight or ready, and dies for this reason. */
void rig_die(struct rig *rig, struct fact *fact, enum queue_death reason);
bool rig_in_grave(const struct queue *queue, uint64_t seq);
/* What the restart must have kept of returns and flags of an entry that is there. */
void rig_learn_returns(struct rig *rig, struct rig_queue *q, uint64_t seq);
/* Ready or in flight, as the queue sees it. */
bool rig_is_there(const struct queue *queue, uint64_t seq);
/* The queue may drop what is worthless at once or later: learns what it has dropped. */
void rig_bury(struct rig *rig);
void rig_end_turn(void *rig);
/* Of what is ready, as a queue with an owner counts it. */
void rig_compare_bytes(const struct rig *rig, const struct rig_queue *q);
/* Does the queue agree with the oracle in every number? */
void rig_compare(struct rig *rig);

#endif
