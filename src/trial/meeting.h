/* trial/meeting.h - sockets with patterns in the simulator (client/socket.h), and the promises they are held to.
 *
 * Talkers say numbered messages to listeners, over tcp, ipc or inproc, in each order of binding.  In the first act the
 * network has its faults, connections are cut and fall silent, machines die, sockets are closed and made anew.  In the
 * second all heals, everybody finds everybody, and each talker has its last words.  Held against them:
 *
 *   invented    something arrived that nobody said, or not as it was said
 *   foreign     a REQ was given the reply to another request, a DEALER that to another's message; or a ROUTER named
 *               another peer than the one that had said it
 *   twice       a message reached its listener, or its reply its talker, more than once (a request may be asked again)
 *   disorder    a subscriber saw a publisher's messages in another order than they were published
 *   unwanted    a SUB was given what it is not subscribed to, an XSUB, which takes what comes, what it never was: for a
 *               publisher that connects keeps what waits, and may find another socket at the place of the old one
 *   miscounted  an XPUB was told of a first subscription twice, or was left with what nobody wants any more
 *   lost        more of what was pushed is missing than connections took with them and `lost` counts; so what waited
 *               in a queue has survived
 *   stuck       the healed sockets do not find each other, or a last word has not arrived, been answered, or come to
 *               whom is subscribed to it */
#ifndef TAMBO_TRIAL_MEETING_H
#define TAMBO_TRIAL_MEETING_H

#include "trial/trial.h"

enum meeting_road { MEETING_TCP, MEETING_IPC, MEETING_INPROC, MEETING_ROADS };

struct meeting_plan {
    uint64_t seed;
    const struct sim_profile *profile; /* of the first act; NULL: calm */
    unsigned family;                   /* which patterns */
    enum meeting_road road;            /* all but tcp is on one machine */
    bool talkers_bind;
    unsigned talkers, listeners;
    unsigned messages, message_bytes; /* a talker, in the first act */
    unsigned deaths;                  /* of machines, at random times */
    bool restless;                    /* sockets come and go */
    bool request_ids;
    unsigned resend_ms;
};

/* Drawn from the seed, the profile among it. */
void meeting_draw(uint64_t seed, struct meeting_plan *ret);
/* As trial_run(). */
int meeting_run(const struct meeting_plan *plan, FILE *transcript, struct trial_result *ret);

#endif
