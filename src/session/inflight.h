/* session/inflight.h - QoS 1 and 2 messages on their way to one client, by packet identifier.
 *
 * One array in which an identifier's slot is its low bits.  A new identifier is chosen so that its slot is free: the
 * next one counting up, past those whose slot a slow message still occupies.  So finding is one load, and there are no
 * collisions to resolve. */
#ifndef TAMBO_SESSION_INFLIGHT_H
#define TAMBO_SESSION_INFLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mem;
struct tap;

enum inflight_state {
    INFLIGHT_FREE,
    INFLIGHT_HELD,     /* QoS 2 of a durable session: not sent before its RECORD_DELIVER is on disk */
    INFLIGHT_SENT,     /* PUBLISH is out, or is to go out again: awaits PUBACK or PUBREC */
    INFLIGHT_RELEASED, /* PUBREC came, or the message is no more: PUBREL awaits PUBCOMP */
    INFLIGHT_RESTORED, /* a replay has met it, and will say at its end whose it is */
};

struct inflight {
    union {
        struct tap *tap; /* whose queue holds it; NULL: no longer any */
        uint32_t queue;  /* its id, while it is being restored; 0: none */
    };
    uint64_t seq;   /* there */
    uint32_t order; /* of sending */
    uint16_t packet_id;
    unsigned state : 4;
    unsigned qos : 2;
    unsigned counted : 1; /* against the client's receive maximum: sent on the present connection */
    unsigned known : 1;   /* the client may have seen it: DUP when it is sent again */
};

/* Without entries it owns no memory. */
struct inflights {
    struct mem *mem;
    struct inflight *slots;
    uint32_t room, count; /* room is a power of two up to 65536, or 0 */
    uint32_t order;
    uint16_t last_id;
};

void inflights_init(struct inflights *flights, struct mem *mem);
void inflights_fini(struct inflights *flights);
/* A new entry under a free identifier, the last in order, its other fields zero.  NULL: no memory, or all 65,535 are
 * taken. */
struct inflight *inflights_add(struct inflights *flights);
/* The entry of this identifier, made anew at the end of the order: for recovery.  NULL: no memory. */
struct inflight *inflights_put(struct inflights *flights, uint16_t packet_id);
/* NULL when it is not in flight.  Entries move when one is added. */
struct inflight *inflights_find(const struct inflights *flights, uint16_t packet_id);
/* The one that this tap holds under `seq`, by looking at all. */
struct inflight *inflights_seek(const struct inflights *flights, const struct tap *tap, uint64_t seq);
void inflights_cut(struct inflights *flights, struct inflight *flight);
/* Walks them in no order: start with *at = 0; NULL at the end.  The one it gave may be cut meanwhile. */
struct inflight *inflights_next(const struct inflights *flights, uint32_t *at);
/* Their identifiers in order of sending; `ret` has room for count. */
int inflights_sorted(const struct inflights *flights, uint16_t *ret);

#endif
