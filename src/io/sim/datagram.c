/* Datagrams between simulated machines: sockets, and letters under way.
 *
 * Each letter takes its own time, so they overtake each other; and by the profile it is lost, comes twice, or late.
 * Within one machine it takes its 10 us.  Machines have addresses for this: 10.0.x.y by their number. */
#include <netinet/in.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"
#include "io/sim/house.h"

enum { QUEUED_MAX = 256 }; /* that have come to a socket and were not read */
static const uint64_t LOCAL_NS = 10 * SIM_NS_A_US;

struct sim_socket {
    struct io_datagram datagram;
    struct list link; /* its house's */
    struct io_address address;
    struct io_address peer; /* its name; host "": none */
    struct sim_event resolve, gone;
    unsigned queued;
    bool loopback_only;
};

struct place {
    struct sim_machine *machine; /* NULL: nowhere */
    uint16_t port;
};

struct letter {
    struct sim_event event;
    struct list link; /* the world's */
    struct sim *sim;
    struct place from, to;
    struct sim_socket *socket; /* it has come */
    bool is_refusal;           /* of one that was sent the other way */
    size_t len;
    uint8_t bytes[];
};

static struct sim_socket *
of(const struct io_datagram *datagram)
{
    return container_of((struct io_datagram *)(uintptr_t)datagram, struct sim_socket, datagram);
}

static struct sim_loop *
loop_of(const struct sim_socket *s)
{
    return &sim_house_of(s->datagram.io)->loop;
}

static struct sim_machine *
machine_of(const struct sim_socket *s)
{
    return loop_of(s)->machine;
}

/* ---- addresses -------------------------------------------------------------------------------------------------- */

static const uint32_t LOOPBACK = 0x7f000001, NETWORK = 0x0a000000, NUMBERS = 0xffff;

/* From 1 on, in the order in which they were made. */
static uint32_t
number_of(const struct sim_machine *machine)
{
    uint32_t n = 1;
    for (const struct list *it = machine->sim->machines.next; it != &machine->link; it = it->next)
        n++;
    return n;
}

static struct sim_machine *
numbered(struct sim *sim, uint32_t number)
{
    LIST_EACH(&sim->machines, it)
        if (number-- == 1)
            return container_of(it, struct sim_machine, link);
    return NULL;
}

static struct io_remote
remote_at(uint32_t address, uint16_t port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(address) };
    struct io_remote remote = { .len = sizeof(at) };
    memcpy(remote.bytes, &at, sizeof(at));
    return remote;
}

/* As the machine `by` sees it. */
static struct io_remote
remote_of(const struct place *place, const struct sim_machine *by)
{
    return remote_at(place->machine == by ? LOOPBACK : NETWORK + number_of(place->machine), place->port);
}

static struct place
place_of(const struct io_remote *remote, struct sim_machine *by)
{
    struct sockaddr_in at;
    memcpy(&at, remote->bytes, sizeof(at));
    uint32_t address = ntohl(at.sin_addr.s_addr);
    struct sim_machine *machine = NULL;
    if (address == LOOPBACK)
        machine = by;
    else if ((address & ~NUMBERS) == NETWORK)
        machine = numbered(by->sim, address & NUMBERS);
    return (struct place){ machine, ntohs(at.sin_port) };
}

static struct place
peer_of(const struct sim_socket *s)
{
    return (struct place){ sim_host_of(machine_of(s), &s->peer), s->peer.port };
}

int
sim_remote_of(struct io *io, const struct io_address *address, struct io_remote *ret)
{
    struct sim_machine *by = sim_house_machine(io), *machine = sim_host_of(by, address);
    if (machine == NULL)
        return -ERR_ADDRESS;
    *ret = remote_of(&(struct place){ machine, address->port }, by);
    return 0;
}

/* ---- letters ---------------------------------------------------------------------------------------------------- */

static void
letter_free(struct letter *letter)
{
    if (letter->socket != NULL)
        letter->socket->queued--;
    sim_event_cut(&letter->event);
    list_cut(&letter->link);
    mem_free(letter->sim->mem, letter);
}

static uint64_t
takes_ns(struct sim *sim, bool local, size_t len)
{
    const struct sim_profile *profile = sim->profile;
    if (local)
        return LOCAL_NS;
    uint64_t ns = sim_between(&sim->net, profile->latency_ns_min, profile->latency_ns_max);
    if (prng_once_in(&sim->net, profile->letter_late_once_in))
        ns += prng_below(&sim->net, profile->letter_late_ns_max);
    return ns + sim_transfer_ns(len, profile->net_bytes_per_s);
}

static void arrive(struct sim_event *event);

static void
launch(struct sim *sim, struct place from, struct place to, bool is_refusal, struct view bytes)
{
    struct letter *letter = sim_sure(mem_new(sim->mem, sizeof(*letter) + bytes.len));
    letter->sim = sim;
    letter->from = from;
    letter->to = to;
    letter->is_refusal = is_refusal;
    letter->len = bytes.len;
    if (bytes.len > 0)
        memcpy(letter->bytes, bytes.data, bytes.len);
    list_init(&letter->link);
    list_push(&sim->letters, &letter->link);
    uint64_t at_ns = sim->now_ns + takes_ns(sim, from.machine == to.machine, bytes.len);
    sim_event_set(&sim->agenda, &letter->event, at_ns, arrive);
}

static void
post(struct sim *sim, struct place from, struct place to, bool is_refusal, struct view bytes)
{
    const struct sim_profile *profile = sim->profile;
    bool local = from.machine == to.machine;
    if (!local && prng_once_in(&sim->net, profile->letter_lost_once_in))
        return;
    launch(sim, from, to, is_refusal, bytes);
    if (!local && prng_once_in(&sim->net, profile->letter_twice_once_in))
        launch(sim, from, to, is_refusal, bytes);
}

/* One with a peer hears nobody else. */
static bool
hears(const struct sim_socket *s, const struct letter *letter)
{
    if (s->datagram.closing || s->address.port != letter->to.port)
        return false;
    if (!s->datagram.has_peer)
        return !letter->is_refusal && (!s->loopback_only || letter->from.machine == letter->to.machine);
    struct place peer = peer_of(s);
    return peer.machine == letter->from.machine && peer.port == letter->from.port;
}

static struct sim_socket *
addressee(const struct letter *letter)
{
    LIST_EACH(&letter->to.machine->loops, loop)
        LIST_EACH(sim_house_sockets(container_of(loop, struct sim_loop, link)), it) {
            struct sim_socket *s = container_of(it, struct sim_socket, link);
            if (hears(s, letter))
                return s;
        }
    return NULL;
}

static void
deliver(struct sim_event *event)
{
    struct letter *letter = container_of(event, struct letter, event);
    struct io_datagram *datagram = &letter->socket->datagram;
    struct io_remote from = remote_of(&letter->from, letter->to.machine);
    letter->socket->queued--;
    letter->socket = NULL; /* it may be closed meanwhile */
    list_cut(&letter->link);
    sim_mix(letter->sim, letter->from.port, view_of(letter->bytes, letter->len));
    if (letter->is_refusal)
        io_event_datagram_refused(datagram, -ERR_REFUSED);
    else
        io_event_datagram_read(datagram, &from, view_of(letter->bytes, letter->len));
    letter_free(letter);
}

/* A machine with power says that nobody is there; one without says nothing. */
static void
arrive(struct sim_event *event)
{
    struct letter *letter = container_of(event, struct letter, event);
    struct sim *sim = letter->sim;
    bool passes = sim_reachable(sim, letter->from.machine, letter->to.machine);
    struct sim_socket *s = passes ? addressee(letter) : NULL;
    if (s != NULL && s->queued < QUEUED_MAX) {
        letter->socket = s;
        s->queued++;
        sim_event_set(sim_loop_agenda(loop_of(s)), &letter->event, sim->now_ns, deliver);
        return;
    }
    if (passes && s == NULL && !letter->is_refusal)
        post(sim, letter->to, letter->from, true, view_of(NULL, 0));
    letter_free(letter);
}

void
sim_letters_free(struct sim *sim)
{
    LIST_EACH(&sim->letters, it)
        letter_free(container_of(it, struct letter, link));
}

/* What has come to it is lost with it. */
static void
drop_letters(const struct sim_socket *s)
{
    LIST_EACH(&machine_of(s)->sim->letters, it) {
        struct letter *letter = container_of(it, struct letter, link);
        if (letter->socket == s)
            letter_free(letter);
    }
}

/* ---- sockets ---------------------------------------------------------------------------------------------------- */

static bool
is_port_free(const struct sim_machine *machine, uint16_t port)
{
    LIST_EACH(&machine->loops, loop)
        LIST_EACH(sim_house_sockets(container_of(loop, struct sim_loop, link)), it) {
            const struct sim_socket *s = container_of(it, struct sim_socket, link);
            if (s->address.port == port && !s->datagram.closing)
                return false;
        }
    return true;
}

static void
resolved(struct sim_event *event)
{
    struct sim_socket *s = container_of(event, struct sim_socket, resolve);
    bool known = sim_host_of(machine_of(s), &s->peer) != NULL;
    io_event_datagram_opened(&s->datagram, known ? 0 : -ERR_ADDRESS);
}

static int
open_bound(struct sim_socket *s, const struct io_address *address)
{
    struct sim_machine *machine = machine_of(s);
    if (sim_host_of(machine, address) != machine)
        return -ERR_ADDRESS;
    if (address->port != 0 && !is_port_free(machine, address->port))
        return -ERR_ADDRESS_IN_USE;
    s->address = *address;
    s->loopback_only = sim_is_loopback(address->host);
    if (address->port == 0)
        s->address.port = sim_next_port(machine);
    return 0;
}

static void
open_to(struct sim_socket *s, const struct io_address *peer)
{
    struct sim_machine *machine = machine_of(s);
    s->peer = *peer;
    s->address = (struct io_address){ .kind = IO_TCP, .host = "0.0.0.0", .port = sim_next_port(machine) };
    s->datagram.opening = !sim_is_loopback(peer->host) || strcmp(peer->host, "localhost") == 0;
    if (!s->datagram.opening)
        return;
    sim_event_set(sim_loop_agenda(loop_of(s)), &s->resolve, machine->sim->now_ns + LOCAL_NS, resolved);
}

static void
socket_free(struct sim_socket *s)
{
    sim_event_cut(&s->resolve);
    sim_event_cut(&s->gone);
    io_datagram_fini(&s->datagram);
    list_cut(&s->link);
    mem_free(s->datagram.io->mem, s);
}

int
sim_datagram_open(struct io *io, const struct io_address *address, const struct io_address *peer,
                  struct io_datagram **ret)
{
    struct sim_socket *s = sim_house_lives(io) ? MEM_NEW(io->mem, struct sim_socket) : NULL;
    int rc = 0;
    if (s == NULL)
        return sim_house_lives(io) ? -ERR_NO_MEMORY : -ERR_CANCELED;
    io_datagram_init(&s->datagram, io);
    list_init(&s->link);
    if (address != NULL)
        rc = open_bound(s, address);
    else
        open_to(s, peer);
    if (rc < 0) {
        socket_free(s);
        return rc;
    }
    list_push(sim_house_sockets(&sim_house_of(io)->loop), &s->link);
    *ret = &s->datagram;
    return 0;
}

void
sim_datagram_address(const struct io_datagram *datagram, struct io_address *ret)
{
    *ret = of(datagram)->address;
}

int
sim_datagram_broadcast(struct io_datagram *datagram, bool allowed)
{
    (void)datagram;
    (void)allowed; /* no address here is one to all */
    return 0;
}

void
sim_datagram_send(struct io_datagram *datagram, const struct io_letter *letters, unsigned n)
{
    struct sim_socket *s = of(datagram);
    struct sim_machine *machine = machine_of(s);
    if (!sim_house_lives(datagram->io))
        return;
    for (unsigned i = 0; i < n; i++) {
        struct place to = letters[i].to == NULL ? peer_of(s) : place_of(letters[i].to, machine);
        if (to.machine != NULL)
            post(machine->sim, (struct place){ machine, s->address.port }, to, false, letters[i].bytes);
    }
}

static void
gone(struct sim_event *event)
{
    struct sim_socket *s = container_of(event, struct sim_socket, gone);
    io_event_datagram_gone(&s->datagram);
    socket_free(s);
}

void
sim_datagram_close(struct io_datagram *datagram)
{
    struct sim_socket *s = of(datagram);
    if (!sim_house_lives(datagram->io))
        return;
    drop_letters(s);
    sim_event_cut(&s->resolve);
    sim_event_set(sim_loop_agenda(loop_of(s)), &s->gone, machine_of(s)->sim->now_ns, gone);
}

void
sim_datagrams_still(struct list *sockets)
{
    LIST_EACH(sockets, it) {
        struct sim_socket *s = container_of(it, struct sim_socket, link);
        s->datagram.closing = true;
        drop_letters(s);
        sim_event_cut(&s->resolve);
        sim_event_cut(&s->gone);
    }
}

void
sim_datagrams_free(struct list *sockets)
{
    LIST_EACH(sockets, it)
        socket_free(container_of(it, struct sim_socket, link));
}
