/* session/amqp/unacked.h - deliveries that are not settled, by delivery tag.
 *
 * Tags only grow, so the entries stand in order: the one settled first is mostly the first, any other is found by
 * halving.  Those settled in between leave holes, which are closed when they are the greater part: an entry that is
 * never settled does not hold the memory of all that came after it. */
#ifndef TAMBO_SESSION_AMQP_UNACKED_H
#define TAMBO_SESSION_AMQP_UNACKED_H

#include <stdbool.h>
#include <stdint.h>

struct mem;
struct link;
struct consumer;

enum settlement { SETTLE_ACCEPT, SETTLE_REJECT, SETTLE_RETURN };

struct unacked {
    uint64_t tag;
    uint64_t seq;
    struct link *link;         /* NULL: its queue is gone, or the message from it */
    struct consumer *consumer; /* NULL: settled, or as above */
    bool settled;
    bool kept; /* to be settled by tx.commit */
};

struct unackeds {
    struct unacked *items;
    uint32_t first, end, room; /* items[first] is not settled, nor is items[end - 1], unless first == end */
    uint32_t live;
};

/* An empty one owns no memory. */
void unackeds_fini(struct unackeds *u, struct mem *mem);
/* Of a tag above all others.  0 or -ERR_NO_MEMORY. */
int unackeds_add(struct unackeds *u, struct mem *mem, const struct unacked *item);
/* NULL: there is none, or it is settled. */
struct unacked *unackeds_find(const struct unackeds *u, uint64_t tag);
/* The oldest that is not settled; NULL: none. */
struct unacked *unackeds_first(const struct unackeds *u);
/* The next after it; NULL: none.  It stays valid till the next unackeds_add or unackeds_cut of another. */
struct unacked *unackeds_next(const struct unackeds *u, const struct unacked *item);
void unackeds_cut(struct unackeds *u, struct unacked *item);

#endif
