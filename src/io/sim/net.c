/* Who reaches whom: connecting, listening, partitions, standard input. */
#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"
#include "io/sim/inner.h"

#define KNOCK_AGAIN_NS (1 * SIM_NS_A_S)
#define KNOCK_LONG_NS  (20 * SIM_NS_A_S)

enum { PORT_FIRST = 40000 };

static struct sim_wire *
wire_new(struct sim *sim, enum io_kind kind)
{
    struct sim_wire *wire = sim_sure(MEM_NEW(sim->mem, struct sim_wire));
    wire->sim = sim;
    wire->id = ++sim->wire_ids;
    wire->kind = kind;
    for (int i = 0; i < 2; i++) {
        wire->ends[i].wire = wire;
        list_init(&wire->ends[i].inbox);
    }
    list_init(&wire->link);
    list_push(&sim->wires, &wire->link);
    return wire;
}

uint16_t
sim_next_port(struct sim_machine *machine)
{
    if (machine->port_next < PORT_FIRST)
        machine->port_next = PORT_FIRST;
    return machine->port_next++;
}

/* ---- connecting --------------------------------------------------------------------------------------------- */

static bool
is_self(const char *host)
{
    static const char *const names[] = { "127.0.0.1", "localhost", "::1", "*", "0.0.0.0", "::" };
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (strcmp(host, names[i]) == 0)
            return true;
    return false;
}

struct sim_machine *
sim_host_of(struct sim_machine *from, const struct io_address *address)
{
    if (address->kind == IO_UNIX || is_self(address->host))
        return from;
    return sim_machine_find(from->sim, address->host);
}

static void
opened(struct sim_event *event)
{
    struct sim_end *end = container_of(event, struct sim_end, arrival);
    end->opening = false;
    end->told = end->broken != 0;
    if (end->broken == 0)
        sim_end_pause(end, end->paused);
    end->on->opened(end->owner, end->broken);
}

/* The connect's answer, `rc`, reaches its caller. */
static void
answer(struct sim_wire *wire, int rc)
{
    struct sim_end *end = &wire->ends[0];
    if (end->broken == 0)
        end->broken = rc;
    sim_event_set(sim_loop_agenda(end->loop), &end->arrival, wire->sim->now_ns + sim_wire_latency(wire), opened);
}

static bool
serves(const struct sim_listener *listener, const struct sim_wire *wire)
{
    if (listener->address.kind != wire->kind)
        return false;
    if (wire->kind == IO_UNIX)
        return strcmp(listener->address.host, wire->address.host) == 0;
    return listener->address.port == wire->address.port && (wire->local || !listener->loopback_only);
}

/* One of the machine's listeners on the address, each as likely as any other. */
static struct sim_listener *
pick_listener(struct sim_machine *machine, const struct sim_wire *wire)
{
    struct sim_listener *picked = NULL;
    uint64_t seen = 0;
    LIST_EACH(&machine->listeners, it) {
        struct sim_listener *listener = container_of(it, struct sim_listener, link);
        if (serves(listener, wire) && prng_below(&machine->sim->net, ++seen) == 0)
            picked = listener;
    }
    return picked;
}

static void
accepted(struct sim_event *event)
{
    struct sim_end *end = container_of(event, struct sim_end, arrival);
    end->listener->accepted(end->listener, end);
}

static void
let_in(struct sim_wire *wire, struct sim_listener *listener)
{
    struct sim_end *end = &wire->ends[1];
    end->machine = listener->machine;
    end->listener = listener;
    end->loop = listener->loop;
    end->port = listener->address.port;
    sim_event_set(sim_loop_agenda(end->loop), &end->arrival, wire->sim->now_ns, accepted);
    answer(wire, 0);
}

static void
knock(struct sim_event *event)
{
    struct sim_wire *wire = container_of(event, struct sim_wire, knock);
    struct sim *sim = wire->sim;
    struct sim_machine *from = wire->ends[0].machine;
    struct sim_machine *to = sim_host_of(from, &wire->address);
    if (to == NULL) {
        answer(wire, -ERR_ADDRESS);
        return;
    }
    if (!sim_reachable(sim, from, to)) {
        if (sim->now_ns < wire->knock_until_ns)
            sim_event_set(&sim->agenda, &wire->knock, sim->now_ns + KNOCK_AGAIN_NS, knock);
        else
            answer(wire, -ERR_TIMEOUT);
        return;
    }
    struct sim_listener *listener = pick_listener(to, wire);
    bool refused = !wire->local && prng_once_in(&sim->net, sim->profile->refuse_once_in);
    if (listener == NULL || refused)
        answer(wire, wire->kind == IO_UNIX && !refused ? -ERR_NOT_FOUND : -ERR_REFUSED);
    else
        let_in(wire, listener);
}

struct sim_end *
sim_wire_connect(struct sim_loop *loop, const struct io_address *address, const struct sim_end_on *on, void *owner)
{
    struct sim_machine *machine = sim_loop_machine(loop);
    struct sim *sim = machine->sim;
    struct sim_wire *wire = wire_new(sim, address->kind);
    wire->address = *address;
    wire->local = sim_host_of(machine, address) == machine;
    wire->knock_until_ns = sim->now_ns + KNOCK_LONG_NS;
    struct sim_end *end = &wire->ends[0];
    end->machine = machine;
    end->loop = loop;
    end->on = on;
    end->owner = owner;
    end->opening = true;
    end->port = sim_next_port(machine);
    sim_event_set(&sim->agenda, &wire->knock, sim->now_ns + sim_wire_latency(wire), knock);
    return end;
}

/* ---- listening ---------------------------------------------------------------------------------------------- */

static bool
is_any(const char *host)
{
    return strcmp(host, "*") == 0 || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

static bool
overlap(const struct io_address *a, const struct io_address *b)
{
    bool same_host = strcmp(a->host, b->host) == 0;
    if (a->kind != b->kind || a->kind == IO_UNIX)
        return a->kind == b->kind && same_host;
    return a->port == b->port && (same_host || is_any(a->host) || is_any(b->host));
}

/* A tcp address that is in use its first loop may not take again; siblings join. */
static bool
is_taken(const struct sim_loop *loop, const struct io_address *address)
{
    if (address->kind == IO_TCP && loop != loop->machine->root)
        return false;
    LIST_EACH(&loop->machine->listeners, it) {
        if (overlap(&container_of(it, struct sim_listener, link)->address, address))
            return true;
    }
    return false;
}

bool
sim_is_loopback(const char *host)
{
    return strcmp(host, "127.0.0.1") == 0 || strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0;
}

int
sim_wire_listen(struct sim_listener *listener, struct sim_loop *loop, const struct io_address *address)
{
    struct sim_machine *machine = sim_loop_machine(loop);
    list_init(&listener->link);
    if (is_taken(loop, address))
        return -ERR_ADDRESS_IN_USE;
    if (sim_host_of(machine, address) != machine)
        return -ERR_ADDRESS;
    listener->machine = machine;
    listener->loop = loop;
    listener->address = *address;
    listener->loopback_only = sim_is_loopback(address->host);
    if (address->kind == IO_TCP && address->port == 0)
        listener->address.port = sim_next_port(machine);
    list_push(&machine->listeners, &listener->link);
    return 0;
}

void
sim_wire_unlisten(struct sim_listener *listener)
{
    LIST_EACH(&listener->machine->sim->wires, it) {
        struct sim_end *end = &container_of(it, struct sim_wire, link)->ends[1];
        if (end->listener == listener)
            sim_end_reset(end);
    }
    list_cut(&listener->link);
}

/* ---- names of ends ------------------------------------------------------------------------------------------ */

struct sim_end *
sim_end_find(struct sim_machine *machine, int64_t handle)
{
    LIST_EACH(&machine->sim->wires, it) {
        struct sim_wire *wire = container_of(it, struct sim_wire, link);
        struct sim_end *end = &wire->ends[handle & 1];
        if (wire->id == handle >> 1)
            return end->machine == machine && end->loop == NULL && !end->gone ? end : NULL;
    }
    return NULL;
}

int64_t
sim_end_handle(const struct sim_end *end)
{
    return end->wire->id << 1 | (end == &end->wire->ends[1]);
}

void
sim_end_peer(const struct sim_end *end, char *ret, size_t len)
{
    const struct sim_wire *wire = end->wire;
    const struct sim_end *peer = end == &wire->ends[0] ? &wire->ends[1] : &wire->ends[0];
    if (wire->kind == IO_UNIX)
        snprintf(ret, len, "unix");
    else if (peer->machine == NULL)
        snprintf(ret, len, "%s:%u", wire->address.host, wire->address.port);
    else
        snprintf(ret, len, "%s:%u", wire->local ? "127.0.0.1" : peer->machine->name, peer->port);
}

/* ---- standard input ----------------------------------------------------------------------------------------- */

void
sim_stdin(struct sim_machine *machine, struct view bytes)
{
    struct sim *sim = machine->sim;
    if (machine->input == NULL) {
        machine->input = wire_new(sim, IO_UNIX);
        machine->input->local = true;
        machine->input->ends[0].machine = machine->input->ends[1].machine = machine;
    }
    struct sim_end *end = &machine->input->ends[1];
    if (bytes.len > 0)
        must(sim_end_send(end, &bytes, 1) == (int64_t)bytes.len);
    else
        sim_end_finish(end);
}

struct sim_end *
sim_wire_stdin(struct sim_machine *machine)
{
    return machine->input == NULL ? NULL : &machine->input->ends[0];
}

/* ---- partitions --------------------------------------------------------------------------------------------- */

static struct sim_partition *
partition_find(struct sim *sim, const struct sim_machine *a, const struct sim_machine *b)
{
    LIST_EACH(&sim->partitions, it) {
        struct sim_partition *p = container_of(it, struct sim_partition, link);
        if ((p->a == a && p->b == b) || (p->a == b && p->b == a))
            return p;
    }
    return NULL;
}

bool
sim_reachable(struct sim *sim, const struct sim_machine *a, const struct sim_machine *b)
{
    if (a->phase == SIM_OFF || b->phase == SIM_OFF)
        return false;
    return list_empty(&sim->partitions) || partition_find(sim, a, b) == NULL;
}

/* Calls `fn` for every wire between the two; how many there were. */
static unsigned
each_wire(struct sim *sim, const struct sim_machine *a, const struct sim_machine *b, void (*fn)(struct sim_wire *wire))
{
    unsigned count = 0;
    LIST_EACH(&sim->wires, it) {
        struct sim_wire *wire = container_of(it, struct sim_wire, link);
        const struct sim_machine *x = wire->ends[0].machine, *y = wire->ends[1].machine;
        if ((x != a || y != b) && (x != b || y != a))
            continue;
        fn(wire);
        count++;
    }
    return count;
}

static void
heal(struct sim_event *event)
{
    struct sim_partition *p = container_of(event, struct sim_partition, heal);
    sim_partition(p->a->sim, p->a, p->b, false);
}

void
sim_partition(struct sim *sim, struct sim_machine *a, struct sim_machine *b, bool on)
{
    struct sim_partition *p = partition_find(sim, a, b);
    if (on == (p != NULL))
        return;
    sim_note(sim, "%s %s %s", a->name, on ? "|" : "-", b->name);
    if (on) {
        p = sim_sure(MEM_NEW(sim->mem, struct sim_partition));
        p->a = a;
        p->b = b;
        list_init(&p->link);
        list_push(&sim->partitions, &p->link);
    } else {
        sim_event_cut(&p->heal);
        list_cut(&p->link);
        mem_free(sim->mem, p);
    }
    each_wire(sim, a, b, sim_wire_rethink);
}

static struct sim_machine *
any_machine(struct sim *sim)
{
    size_t count = 0;
    LIST_EACH(&sim->machines, it)
        count++;
    if (count == 0)
        return NULL;
    struct list *at = sim->machines.next;
    for (uint64_t i = prng_below(&sim->weather, count); i > 0; i--)
        at = at->next;
    return container_of(at, struct sim_machine, link);
}

static void
storm(struct sim_event *event)
{
    struct sim *sim = container_of(event, struct sim, storm);
    struct sim_machine *a = any_machine(sim), *b = any_machine(sim);
    if (a != b && partition_find(sim, a, b) == NULL) {
        sim_partition(sim, a, b, true);
        uint64_t until = sim->now_ns + 1 + prng_below(&sim->weather, sim->profile->partition_ns_max);
        sim_event_set(&sim->agenda, &partition_find(sim, a, b)->heal, until, heal);
    }
    sim_net_storms(sim);
}

void
sim_net_storms(struct sim *sim)
{
    uint64_t every = sim->profile->partition_every_ns;
    if (every == 0)
        sim_event_cut(&sim->storm);
    else
        sim_event_set(&sim->agenda, &sim->storm, sim->now_ns + 1 + prng_below(&sim->weather, 2 * every), storm);
}

void
sim_net_free(struct sim *sim)
{
    sim_letters_free(sim);
    LIST_EACH(&sim->wires, it)
        sim_wire_free(container_of(it, struct sim_wire, link));
    LIST_EACH(&sim->partitions, it) {
        list_cut(it);
        mem_free(sim->mem, container_of(it, struct sim_partition, link));
    }
}

unsigned
sim_cut_streams(struct sim *sim, struct sim_machine *a, struct sim_machine *b)
{
    sim_note(sim, "%s x %s reset by script", a->name, b->name);
    return each_wire(sim, a, b, sim_wire_reset);
}

unsigned
sim_mute_streams(struct sim *sim, struct sim_machine *a, struct sim_machine *b)
{
    sim_note(sim, "%s x %s mute by script", a->name, b->name);
    return each_wire(sim, a, b, sim_wire_mute);
}

/* ---- death and power ---------------------------------------------------------------------------------------- */

void
sim_net_died(struct sim_machine *machine, bool power)
{
    LIST_EACH(&machine->sim->wires, it) {
        struct sim_wire *wire = container_of(it, struct sim_wire, link);
        bool mine[2] = { wire->ends[0].machine == machine && !wire->ends[0].gone,
                         wire->ends[1].machine == machine && !wire->ends[1].gone };
        if (mine[0] && mine[1])
            sim_wire_free(wire);
        else if (mine[0] || mine[1])
            (power ? sim_end_vanish : sim_end_close)(&wire->ends[mine[1]]);
    }
    machine->input = NULL;
}

void
sim_net_power(struct sim_machine *machine)
{
    LIST_EACH(&machine->sim->wires, it) {
        struct sim_wire *wire = container_of(it, struct sim_wire, link);
        if (wire->ends[0].machine == machine || wire->ends[1].machine == machine)
            sim_wire_rethink(wire);
    }
}
