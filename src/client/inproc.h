/* client/inproc.h - sockets of one loop that talk without a wire: inproc://NAME.
 *
 * Both ends are pipes that know each other; what one puts is in the other's queue at once.  Meeting and parting happen
 * from the loop, as connections do, so that no pattern is called from inside another's call. */
#ifndef TAMBO_CLIENT_INPROC_H
#define TAMBO_CLIENT_INPROC_H

#include "client/endpoint.h"

/* 0 or -ERR_ADDRESS_IN_USE. */
int inproc_bind(struct endpoint *endpoint);
/* Meets whoever is bound to its name, or will be. */
void inproc_call(struct endpoint *endpoint);
/* Both ends will hear pipe_closed(). */
void inproc_sever(struct pipe *pipe);
/* The world's timer. */
void inproc_meet(void *world);

#endif
