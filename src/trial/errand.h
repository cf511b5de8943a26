/* trial/errand.h - remote procedure calls in the simulator (rpc/client.h, rpc/server.h), and the promises they are held
 * to.
 *
 * Askers send numbered errands to doers, over tcp, udp, unix or inproc, to be done at most once or at least once; they
 * wait for a reply, a receipt or nothing, and cancel some.  Doers do them at once or later, fail, refuse, or never
 * answer.  In the first act the network has its faults, connections are cut and fall silent, datagrams are lost, come
 * twice and late, machines die, askers leave and come again.  In the second all heals, and each asker has its last
 * words.  Held against them:
 *
 *   twice      an errand that is to be done at most once was done again: by the same doer, by another, or by one that
 *              was restarted
 *   untrue     an errand was said to be done or accepted, and was not; or was said not to have been done, and had been,
 *              or was later
 *   foreign    a reply was given to another errand than its own, or said otherwise than the doer had; a doer was given
 *              what nobody had asked, or not as it had been asked
 *   again      an errand came to its end a second time
 *   late       an errand had no end when its deadline had passed
 *   stuck      the healed world does no errands, or not all have come to an end
 *   left over  clients and servers are gone, and links of theirs are not */
#ifndef TAMBO_TRIAL_ERRAND_H
#define TAMBO_TRIAL_ERRAND_H

#include "trial/trial.h"

enum errand_road { ERRAND_TCP, ERRAND_UDP, ERRAND_UNIX, ERRAND_INPROC, ERRAND_ROADS };

struct errand_plan {
    uint64_t seed;
    const struct sim_profile *profile; /* of the first act; NULL: calm */
    enum errand_road road;             /* all but tcp and udp is on one machine */
    unsigned askers, doers;
    unsigned errands, bytes; /* an asker, in the first act; of arguments and of results */
    unsigned deaths;         /* of machines, at random times */
    bool is_once;            /* at most once; else at least once */
    bool is_restless;        /* askers leave and come again */
    unsigned deadline_ms, retry_max, resend_ms, hedge_ms, balance;
    /* Places in the first act, instead of chance; 0: none. */
    bool is_by_place;
    uint64_t kill_at; /* the first doer is killed at this step of the world */
    uint64_t cut_at;  /* its connection ends behind this byte of those that are sent */
};

/* Drawn from the seed, the profile among it. */
void errand_draw(uint64_t seed, struct errand_plan *ret);
/* The same of a calm world with one asker and one doer, which is done as often as there are places. */
void errand_draw_small(uint64_t seed, struct errand_plan *ret);
/* As trial_run(). */
int errand_run(const struct errand_plan *plan, FILE *transcript, struct trial_result *ret);

#endif
