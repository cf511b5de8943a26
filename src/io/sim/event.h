/* io/sim/event.h - what will happen, and when.
 * An event lives inside the thing that it happens to.  It is set in one agenda at a time: the world's, or that of a
 * loop, whose events happen in the loop's turns. */
#ifndef TAMBO_IO_SIM_EVENT_H
#define TAMBO_IO_SIM_EVENT_H

#include "base/heap.h"

struct sim_event;
struct sim_loop;

typedef void sim_event_fn(struct sim_event *event);

struct sim_agenda {
    struct heap heap;
    struct sim_loop *loop; /* NULL: the world's */
};

/* Zeroed memory is an event that is not set. */
struct sim_event {
    struct heap_node node;
    struct sim_agenda *agenda;
    sim_event_fn *fn;
};

/* Moves it when it is set already. */
void sim_event_set(struct sim_agenda *agenda, struct sim_event *event, uint64_t at_ns, sim_event_fn *fn);
/* Harmless when it is not set. */
void sim_event_cut(struct sim_event *event);
/* Takes the first event that is due and makes it happen: false when none is. */
bool sim_event_next(struct sim_agenda *agenda, uint64_t now_ns);

#endif
