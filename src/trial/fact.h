/* trial/fact.h - what a clerk makes and ends, each of them known by its number. */
#ifndef TAMBO_TRIAL_FACT_H
#define TAMBO_TRIAL_FACT_H

#include "trial/hand.h"

/* What a method's views look into. */
struct fact_room {
    char file[24], cabinet[24], request[192];
    uint8_t arguments[32];
};

/* Another one that must be made before it, or itself. */
unsigned fact_needs(const enum belief *beliefs, unsigned fact);
/* What hangs on it ends with it. */
void fact_set(enum belief *beliefs, unsigned fact, enum belief belief);
/* Is it asked for by a message? */
bool fact_is_policy(unsigned fact);
/* The method that makes or ends it; of a policy, the request. */
void fact_method(unsigned clerk, unsigned fact, bool make, struct fact_room *room, struct amqp_method *ret);
struct view fact_request(unsigned clerk, enum asking asking, struct fact_room *room);
/* False: no message shows it.  One that is published so must come back when it should not be routed, and only then. */
bool fact_route(unsigned clerk, unsigned fact, struct fact_room *room, struct view *retexchange, struct view *retkey);
enum belief fact_routed(const enum belief *beliefs, unsigned fact);

#endif
