#include "io/sim/event.h"

#include "base/must.h"
#include "io/sim/inner.h"

void
sim_event_set(struct sim_agenda *agenda, struct sim_event *event, uint64_t at_ns, sim_event_fn *fn)
{
    if (event->agenda != agenda)
        sim_event_cut(event);
    event->agenda = agenda;
    event->fn = fn;
    must(heap_put(&agenda->heap, &event->node, at_ns) == 0);
    if (agenda->loop != NULL && heap_first(&agenda->heap) == &event->node)
        sim_loop_plan(agenda->loop);
}

void
sim_event_cut(struct sim_event *event)
{
    if (event->agenda != NULL)
        heap_cut(&event->agenda->heap, &event->node);
    event->agenda = NULL;
}

bool
sim_event_next(struct sim_agenda *agenda, uint64_t now_ns)
{
    struct heap_node *node = heap_first(&agenda->heap);
    if (node == NULL || node->at > now_ns)
        return false;
    struct sim_event *event = container_of(node, struct sim_event, node);
    sim_event_cut(event);
    event->fn(event);
    return true;
}
