/* trial/trial.h - nodes and clients in the simulator, and the promises they are held to.
 *
 * A trial has three acts.  In the first, on a calm world, durable subscribers and members of groups subscribe.  In the
 * second the fault profile rules, nodes are killed and lose power, publishers publish with QoS 1 and 2 and set retained
 * values, members come and go.  In the third everything heals, everyone reconnects and drains.  Then the ledger
 * (trial/ledger.h) holds what was confirmed against what arrived. */
#ifndef TAMBO_TRIAL_TRIAL_H
#define TAMBO_TRIAL_TRIAL_H

#include <stdio.h>

#include "io/sim/sim.h"
#include "trial/ledger.h"

struct trial_plan {
    uint64_t seed;
    const struct sim_profile *profile; /* of the second act; NULL: calm */
    unsigned nodes, shards;
    unsigned publishers, subscribers, groups, keepers;  /* a node; keepers are of retained values */
    unsigned members;                                   /* a group, that is, a shared subscription */
    unsigned messages;                                  /* a publisher or sender */
    unsigned senders, takers, readers, traders, clerks; /* they speak AMQP (trial/hand.h), with the first node */
    unsigned deaths; /* power cuts and kills a node in the second act, at random times */
    uint64_t cut_at; /* instead: power is cut at this disk operation of the second act; 0: not */
    enum sim_cut cut_how;
};

struct trial_result {
    struct verdict verdict;
    uint64_t hash;
    uint64_t disk_ops;          /* of the first node in the second act */
    uint64_t steps, sent_bytes; /* of remote procedure calls in the first act */
    uint64_t confirmed, received, deaths;
    uint64_t virtual_ns;
};

/* Small and mixed, drawn from the seed, the profile among them. */
void trial_draw(uint64_t seed, struct trial_plan *ret);
/* 0, or -err when the trial itself could not be run.  `transcript` gets the newest lines; NULL: none. */
int trial_run(const struct trial_plan *plan, FILE *transcript, struct trial_result *ret);

#endif
