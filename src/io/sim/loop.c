/* A loop's turns on virtual time. */
#include "base/must.h"
#include "io/sim/inner.h"

static bool
is_ready(const struct sim_loop *loop)
{
    uint64_t now_ns = loop->machine->sim->now_ns;
    const struct heap_node *first = heap_first(&loop->agenda.heap);
    return (first != NULL && first->at <= now_ns) || sim_house_timer_ns(loop) <= now_ns;
}

/* Everything that is ready at this instant, and what comes of it. */
static void
take_turn(struct sim_loop *loop)
{
    struct sim_machine *machine = loop->machine;
    uint64_t now_ns = machine->sim->now_ns;
    loop->free_at_ns = now_ns + machine->sim->profile->turn_ns;
    sim_house_begin_turn(loop);
    sim_house_fire(loop);
    while (!machine->doomed && sim_event_next(&loop->agenda, now_ns))
        continue;
    if (!machine->doomed)
        sim_house_end_turn(loop);
    loop->stopped = loop->stopping;
    if (loop->stopped && loop == machine->root)
        sim_machine_die(machine, SIM_EXIT);
}

static void
turn(struct sim_event *event)
{
    struct sim_loop *loop = container_of(event, struct sim_loop, turn);
    struct sim_machine *machine = loop->machine;
    struct sim *sim = machine->sim;

    must(sim->running == NULL);
    sim->running = machine;
    loop->in_turn = true;
    if (is_ready(loop))
        take_turn(loop);
    loop->in_turn = false;
    sim->running = NULL;
    sim_loop_plan(loop);
    sim_machine_settle(machine);
}

static uint64_t
later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

void
sim_loop_plan(struct sim_loop *loop)
{
    struct sim *sim = loop->machine->sim;
    const struct heap_node *first = heap_first(&loop->agenda.heap);
    uint64_t at = sim_house_timer_ns(loop);
    if (loop->in_turn)
        return; /* its end plans the next */
    if (first != NULL && first->at < at)
        at = first->at;
    at = later(at, later(loop->free_at_ns, sim->now_ns));
    if (at == UINT64_MAX || loop->dead || loop->stopped)
        sim_event_cut(&loop->turn);
    else if (loop->turn.agenda == NULL || loop->turn.node.at != at)
        sim_event_set(&sim->agenda, &loop->turn, at, turn);
}

void
sim_loop_init(struct sim_loop *loop, struct sim_machine *machine)
{
    *loop = (struct sim_loop){ .machine = machine };
    heap_init(&loop->agenda.heap, machine->sim->mem);
    loop->agenda.loop = loop;
    list_init(&loop->link);
    list_push(&machine->loops, &loop->link);
}

void
sim_loop_fini(struct sim_loop *loop)
{
    must(loop->agenda.heap.count == 0 && !loop->in_turn);
    sim_event_cut(&loop->turn);
    heap_fini(&loop->agenda.heap);
    list_cut(&loop->link);
}
