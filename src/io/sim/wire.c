#include "io/sim/wire.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"
#include "io/sim/inner.h"

enum what { BYTES, FIN, RESET };

struct chunk {
    struct list link;
    uint64_t at_ns; /* when it arrives */
    enum what what;
    size_t len;
    uint8_t bytes[];
};

#define LOCAL_NS   (10 * SIM_NS_A_US)
#define GIVE_UP_NS (120 * SIM_NS_A_S)

static struct sim_end *
peer_of(struct sim_end *end)
{
    return end == &end->wire->ends[0] ? &end->wire->ends[1] : &end->wire->ends[0];
}

static bool
blocked(const struct sim_wire *wire)
{
    return wire->mute || (!wire->local && !sim_reachable(wire->sim, wire->ends[0].machine, wire->ends[1].machine));
}

uint64_t
sim_wire_latency(const struct sim_wire *wire)
{
    struct sim *sim = wire->sim;
    if (wire->local)
        return LOCAL_NS;
    return sim_between(&sim->net, sim->profile->latency_ns_min, sim->profile->latency_ns_max);
}

/* ---- arriving ----------------------------------------------------------------------------------------------- */

static struct chunk *
first_chunk(const struct sim_end *end)
{
    return list_empty(&end->inbox) ? NULL : container_of(end->inbox.next, struct chunk, link);
}

static void
chunk_free(struct sim_end *end, struct chunk *chunk)
{
    list_cut(&chunk->link);
    mem_free(end->wire->sim->mem, chunk);
}

static void
drop_inbox(struct sim_end *end)
{
    LIST_EACH(&end->inbox, it)
        chunk_free(end, container_of(it, struct chunk, link));
    end->unread = 0;
}

static void arrive(struct sim_event *event);

/* Nobody takes its bytes any more: what comes is answered with a reset. */
static bool
is_deaf(const struct sim_end *end)
{
    return end->gone || (end->broken != 0 && end->told);
}

/* Sets the event for the next chunk.  One chunk an event, so that the owner may do what it likes in each. */
static void
arm(struct sim_end *end)
{
    struct sim *sim = end->wire->sim;
    const struct chunk *chunk = first_chunk(end);
    bool deaf = is_deaf(end);
    if (end->opening || end->listener != NULL || (end->broken != 0 && !deaf))
        return; /* the event stands for the opening, the acceptance or the telling still */
    if (chunk == NULL || (!deaf && (end->paused || end->loop == NULL)) || blocked(end->wire)) {
        sim_event_cut(&end->arrival);
        return;
    }
    sim_event_set(deaf ? &sim->agenda : sim_loop_agenda(end->loop), &end->arrival,
                  chunk->at_ns > sim->now_ns ? chunk->at_ns : sim->now_ns, arrive);
}

/* Puts a chunk into `end`'s inbox; it arrives at `at_ns`, but never before an older one. */
static void
post(struct sim_end *end, struct chunk *chunk, uint64_t at_ns)
{
    chunk->at_ns = at_ns > end->last_at ? at_ns : end->last_at;
    end->last_at = chunk->at_ns;
    end->unread += chunk->len;
    list_push(&end->inbox, &chunk->link);
    if (end->inbox.next == &chunk->link)
        arm(end);
}

static struct chunk *
chunk_new(struct sim *sim, enum what what, size_t len)
{
    struct chunk *chunk = sim_sure(mem_raw(sim->mem, sizeof(*chunk) + len));
    list_init(&chunk->link);
    chunk->what = what;
    chunk->len = len;
    return chunk;
}

/* Tells the peer that `end` is done sending. */
static void
post_last(struct sim_end *end, enum what what)
{
    struct sim_end *peer = peer_of(end);
    if (peer->machine == NULL || peer->gone)
        return;
    struct sim *sim = end->wire->sim;
    uint64_t leaves = end->line_free_at > sim->now_ns ? end->line_free_at : sim->now_ns;
    post(peer, chunk_new(sim, what, 0), leaves + sim_wire_latency(end->wire));
}

static void
has_room(struct sim_event *event)
{
    struct sim_end *end = container_of(event, struct sim_end, room);
    if (end->gone || !end->wants_room)
        return;
    end->wants_room = false;
    end->on->room(end->owner);
}

/* The window opens for the peer, who learns of it a little later. */
static void
give_room(struct sim_end *end)
{
    struct sim_end *peer = peer_of(end);
    if (peer->gone || peer->loop == NULL || !peer->wants_room || peer->room.node.slot != 0)
        return;
    uint64_t at = end->wire->sim->now_ns + sim_wire_latency(end->wire);
    sim_event_set(sim_loop_agenda(peer->loop), &peer->room, at, has_room);
}

static void
tell_broken(struct sim_event *event)
{
    struct sim_end *end = container_of(event, struct sim_end, arrival);
    end->told = true;
    arm(end);
    end->on->ended(end->owner, end->broken);
}

/* Plans to tell the owner that the end is broken, once there is one who listens. */
static void
plan_telling(struct sim_end *end)
{
    if (end->told || end->loop == NULL || end->listener != NULL || end->opening || end->paused)
        return;
    sim_event_set(sim_loop_agenda(end->loop), &end->arrival, end->wire->sim->now_ns, tell_broken);
}

/* Nothing more comes or goes. */
static void
break_end(struct sim_end *end, int rc)
{
    if (end->gone || end->broken != 0)
        return;
    end->broken = rc;
    drop_inbox(end);
    if (end->opening || end->listener != NULL)
        return; /* who opens or accepts it will be told then */
    sim_event_cut(&end->arrival);
    plan_telling(end);
}

static void
bounce(struct sim_end *end, enum what what)
{
    if (what == BYTES && !peer_of(end)->gone)
        post_last(end, RESET);
}

static void
deliver(struct sim_end *end, const struct chunk *chunk)
{
    struct sim *sim = end->wire->sim;
    sim_mix(sim, (uint64_t)end->wire->id << 8 | chunk->what, view_of(chunk->bytes, chunk->len));
    if (chunk->what == RESET) {
        end->broken = -ERR_RESET;
        end->told = true;
    }
    if (chunk->what == BYTES)
        end->on->bytes(end->owner, view_of(chunk->bytes, chunk->len));
    else
        end->on->ended(end->owner, chunk->what == RESET ? -ERR_RESET : -ERR_EOF);
}

static void
arrive(struct sim_event *event)
{
    struct sim_end *end = container_of(event, struct sim_end, arrival);
    struct mem *mem = end->wire->sim->mem;
    struct chunk *chunk = first_chunk(end);
    list_cut(&chunk->link);
    end->unread -= chunk->len;
    give_room(end);
    arm(end);
    if (is_deaf(end))
        bounce(end, chunk->what);
    else
        deliver(end, chunk);
    mem_free(mem, chunk); /* the end may be gone by now */
}

/* ---- sending ------------------------------------------------------------------------------------------------ */

static void
give_up(struct sim_event *event)
{
    struct sim_end *end = container_of(event, struct sim_end, give_up);
    if (blocked(end->wire) && peer_of(end)->unread > 0)
        break_end(end, -ERR_TIMEOUT);
}

/* Unanswered bytes on a blocked wire are not waited for without end. */
static void
watch(struct sim_end *end)
{
    struct sim *sim = end->wire->sim;
    if (!blocked(end->wire))
        sim_event_cut(&end->give_up);
    else if (!end->gone && end->give_up.node.slot == 0 && peer_of(end)->unread > 0)
        sim_event_set(&sim->agenda, &end->give_up, sim->now_ns + GIVE_UP_NS, give_up);
}

uint64_t
sim_end_unheard_ms(const struct sim_end *end)
{
    uint64_t at_ns = end->give_up.node.at;
    return end->give_up.node.slot == 0 ? 0 : (end->wire->sim->now_ns + GIVE_UP_NS - at_ns) / SIM_NS_A_MS;
}

/* Has the peer's reset arrived, unseen by an owner that does not read? */
static bool
is_reset(const struct sim_end *end)
{
    if (list_empty(&end->inbox) || blocked(end->wire))
        return false;
    const struct chunk *last = container_of(end->inbox.prev, struct chunk, link);
    return last->what == RESET && last->at_ns <= end->wire->sim->now_ns;
}

/* Chance may break or mute the wire before this write.  0 or -err. */
static int
misfortune(struct sim_end *end)
{
    struct sim_wire *wire = end->wire;
    struct sim *sim = wire->sim;
    if (wire->local)
        return 0;
    if (prng_once_in(&sim->net, sim->profile->reset_once_in)) {
        sim_note(sim, "%s x %s reset", end->machine->name, peer_of(end)->machine->name);
        sim_wire_reset(wire);
        return -ERR_RESET;
    }
    if (prng_once_in(&sim->net, sim->profile->mute_once_in)) {
        sim_note(sim, "%s x %s mute", end->machine->name, peer_of(end)->machine->name);
        sim_wire_mute(wire);
    }
    return 0;
}

/* Copies the next `len` bytes of `views`, from `*at` in the first of them on, and moves on. */
static void
gather(uint8_t *ret, size_t len, const struct view **views, size_t *at)
{
    while (len > 0) {
        size_t n = (*views)->len - *at < len ? (*views)->len - *at : len;
        memcpy(ret, (*views)->data + *at, n);
        ret += n;
        len -= n;
        *at += n;
        if (*at == (*views)->len) {
            ++*views;
            *at = 0;
        }
    }
}

static size_t
chunk_len(struct sim *sim, size_t left)
{
    return prng_once_in(&sim->net, sim->profile->chunk_once_in) ? 1 + (size_t)prng_below(&sim->net, left) : left;
}

static void
send_chunks(struct sim_end *end, const struct view *views, size_t left)
{
    struct sim *sim = end->wire->sim;
    uint64_t bytes_per_s = end->wire->local ? 0 : sim->profile->net_bytes_per_s;
    uint64_t leaves = end->line_free_at > sim->now_ns ? end->line_free_at : sim->now_ns;
    size_t at = 0;
    while (left > 0) {
        size_t len = chunk_len(sim, left);
        struct chunk *chunk = chunk_new(sim, BYTES, len);
        gather(chunk->bytes, len, &views, &at);
        leaves += sim_transfer_ns(len, bytes_per_s);
        post(peer_of(end), chunk, leaves + sim_wire_latency(end->wire));
        left -= len;
    }
    end->line_free_at = leaves;
}

/* Is the byte among these after which all ends?  Then they are fewer. */
static bool
is_cut(struct sim_end *end, size_t *len)
{
    struct sim *sim = end->wire->sim;
    if (end->wire->local)
        return false;
    uint64_t before = sim->sent_bytes;
    sim->sent_bytes += *len;
    if (sim->cut_byte <= before || sim->cut_byte > sim->sent_bytes)
        return false;
    *len = (size_t)(sim->cut_byte - before);
    sim_note(sim, "%s x %s cut behind byte %llu", end->machine->name, peer_of(end)->machine->name,
             (unsigned long long)sim->cut_byte);
    return true;
}

void
sim_cut_byte(struct sim *sim, uint64_t n)
{
    sim->cut_byte = n;
}

uint64_t
sim_sent_bytes(const struct sim *sim)
{
    return sim->sent_bytes;
}

int64_t
sim_end_send(struct sim_end *end, const struct view *views, size_t n)
{
    if (end->broken == 0 && is_reset(end))
        end->broken = -ERR_RESET;
    if (end->broken != 0)
        return end->broken;
    size_t len = 0;
    for (size_t i = 0; i < n; i++)
        len += views[i].len;
    if (len > 0 && misfortune(end) < 0)
        return -ERR_RESET;
    size_t unread = peer_of(end)->unread;
    size_t room = unread < SIM_WINDOW_BYTES ? SIM_WINDOW_BYTES - unread : 0;
    end->wants_room = len > room;
    if (len > room)
        len = room;
    bool cut = is_cut(end, &len);
    send_chunks(end, views, len);
    if (cut) {
        post_last(end, RESET);
        end->told = true; /* by what this call returns */
        break_end(end, -ERR_RESET);
        return -ERR_RESET;
    }
    watch(end);
    return (int64_t)len;
}

void
sim_end_pause(struct sim_end *end, bool paused)
{
    end->paused = paused;
    if (end->broken == 0)
        arm(end);
    else
        plan_telling(end);
}

/* ---- the ends of an end ------------------------------------------------------------------------------------- */

static void
leave(struct sim_end *end)
{
    end->gone = true;
    end->paused = end->wants_room = end->opening = false;
    end->loop = NULL;
    end->listener = NULL;
    sim_event_cut(&end->arrival);
    sim_event_cut(&end->room);
    sim_event_cut(&end->give_up);
    struct sim_end *peer = peer_of(end);
    if (peer->gone || peer->machine == NULL)
        sim_wire_free(end->wire);
    else
        arm(end);
}

static bool
has_unread(const struct sim_end *end)
{
    const struct chunk *chunk = first_chunk(end);
    return chunk != NULL && chunk->what == BYTES && chunk->at_ns <= end->wire->sim->now_ns;
}

void
sim_end_finish(struct sim_end *end)
{
    end->finished = true;
    if (end->broken == 0)
        post_last(end, FIN);
}

void
sim_end_close(struct sim_end *end)
{
    if (end->broken == 0 && has_unread(end))
        post_last(end, RESET);
    else if (!end->finished)
        sim_end_finish(end);
    leave(end);
}

void
sim_end_reset(struct sim_end *end)
{
    if (end->broken == 0)
        post_last(end, RESET);
    leave(end);
}

/* Of what was under way from it, a part at the end had not left the machine. */
static void
lose_unsent(struct sim_end *end)
{
    struct sim *sim = end->wire->sim;
    struct sim_end *peer = peer_of(end);
    while (!list_empty(&peer->inbox) && prng_once_in(&sim->net, 2)) {
        struct chunk *chunk = container_of(peer->inbox.prev, struct chunk, link);
        if (chunk->at_ns <= sim->now_ns)
            return;
        peer->unread -= chunk->len;
        chunk_free(peer, chunk);
    }
}

void
sim_end_vanish(struct sim_end *end)
{
    lose_unsent(end);
    arm(peer_of(end));
    leave(end);
}

void
sim_end_detach(struct sim_end *end)
{
    end->loop = NULL;
    sim_event_cut(&end->arrival);
    sim_event_cut(&end->room);
}

void
sim_end_attach(struct sim_end *end, struct sim_loop *loop, const struct sim_end_on *on, void *owner)
{
    end->listener = NULL;
    end->loop = loop;
    end->on = on;
    end->owner = owner;
    sim_end_pause(end, true);
}

void
sim_wire_free(struct sim_wire *wire)
{
    struct sim *sim = wire->sim;
    for (int i = 0; i < 2; i++) {
        struct sim_end *end = &wire->ends[i];
        drop_inbox(end);
        sim_event_cut(&end->arrival);
        sim_event_cut(&end->room);
        sim_event_cut(&end->give_up);
    }
    sim_event_cut(&wire->knock);
    list_cut(&wire->link);
    mem_free(sim->mem, wire);
}

/* ---- weather ------------------------------------------------------------------------------------------------ */

/* What had come while nothing passed is sent again. */
static void
send_again(struct sim_end *end)
{
    struct sim *sim = end->wire->sim;
    uint64_t at = sim->now_ns + sim_wire_latency(end->wire);
    LIST_EACH(&end->inbox, it) {
        struct chunk *chunk = container_of(it, struct chunk, link);
        if (chunk->at_ns < at)
            chunk->at_ns = at;
    }
    if (end->last_at < at)
        end->last_at = at;
}

void
sim_wire_rethink(struct sim_wire *wire)
{
    for (int i = 0; i < 2; i++) {
        struct sim_end *end = &wire->ends[i];
        bool was_blocked = !list_empty(&end->inbox) && end->arrival.node.slot == 0 && !end->paused;
        if (end->machine == NULL)
            continue;
        if (was_blocked && !blocked(wire))
            send_again(end);
        arm(end);
        watch(end);
    }
}

void
sim_wire_mute(struct sim_wire *wire)
{
    wire->mute = true;
    sim_wire_rethink(wire);
}

void
sim_wire_reset(struct sim_wire *wire)
{
    for (int i = 0; i < 2; i++)
        if (wire->ends[i].machine != NULL)
            break_end(&wire->ends[i], -ERR_RESET);
}
