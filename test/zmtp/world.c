/* zmtp/world.c - see world.h. */
#include "zmtp/world.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/err.h"
#include "base/must.h"
#include "io/sim/sim.h"

enum { BODY_SHOWN_MAX = 80 };

void
zmtp_world_note(struct zmtp_world *world, const char *format, ...)
{
    va_list args;
    size_t room = sizeof(world->text) - world->text_len;
    va_start(args, format);
    int n = vsnprintf(world->text + world->text_len, room, format, args);
    va_end(args);
    must(n >= 0 && (size_t)n < room);
    world->text_len += (size_t)n;
}

void
zmtp_world_note_bytes(struct zmtp_world *world, struct view bytes)
{
    if (bytes.len > BODY_SHOWN_MAX) {
        zmtp_world_note(world, "<%zu bytes>", bytes.len);
        return;
    }
    for (size_t i = 0; i < bytes.len; i++)
        zmtp_world_note(world, bytes.data[i] >= ' ' && bytes.data[i] < 127 ? "%c" : "\\%02x", bytes.data[i]);
}

/* ---- what a party's peer tells ---------------------------------------------------------------------------------- */

static void
on_connected(void *arg)
{
    struct zmtp_party *party = arg;
    zmtp_world_note(party->world, "%s connected\n", party->name);
}

static int
on_admit(void *arg, struct view name, struct view password)
{
    struct zmtp_party *party = arg;
    zmtp_world_note(party->world, "%s admits? ", party->name);
    zmtp_world_note_bytes(party->world, name.len == ZMTP_KEY_BYTES ? view_str("a key") : name);
    zmtp_world_note(party->world, " ");
    zmtp_world_note_bytes(party->world, password);
    zmtp_world_note(party->world, "\n");
    return party->denies ? -ERR_DENIED : 0;
}

static void
on_ready(void *arg)
{
    struct zmtp_party *party = arg;
    struct view identity = zmtp_peer_identity(party->peer), resource = zmtp_peer_resource(party->peer);
    zmtp_world_note(party->world, "%s ready: %s .%u", party->name, zmtp_pattern_name(zmtp_peer_pattern(party->peer)),
                    zmtp_peer_minor(party->peer));
    if (identity.len > 0)
        zmtp_world_note(party->world, " id=");
    zmtp_world_note_bytes(party->world, identity);
    if (resource.len > 0)
        zmtp_world_note(party->world, " resource=");
    zmtp_world_note_bytes(party->world, resource);
    zmtp_world_note(party->world, "\n");
}

static void
note_messages(struct zmtp_party *party, struct view run)
{
    struct zmtp_frame frame;
    bool more = false;
    while (zmtp_frame_next(&run, &frame)) {
        zmtp_world_note(party->world, more ? "+" : "%s < ", party->name);
        zmtp_world_note_bytes(party->world, frame.body);
        more = (frame.flags & ZMTP_MORE) != 0;
        if (!more)
            zmtp_world_note(party->world, "\n");
    }
}

static void
on_messages(void *arg, struct view run, uint32_t count, struct zmtp_chunk *chunk)
{
    struct zmtp_party *party = arg;
    struct view rest = run;
    uint32_t whole = 0;
    for (size_t n; rest.len > 0; rest = view_from(rest, n), whole++) {
        n = zmtp_message_bytes(rest);
        must(n > 0 && n <= rest.len);
    }
    must(whole == count && count > 0);
    must(chunk == NULL || (run.data >= chunk->bytes && run.data + run.len <= chunk->bytes + chunk->len));
    party->messages += count;
    party->bytes += run.len;
    party->runs++;
    party->referred += chunk != NULL;
    if (!party->counts_only)
        note_messages(party, run);
}

static int
on_subscribed(void *arg, struct view prefix, bool on)
{
    struct zmtp_party *party = arg;
    zmtp_world_note(party->world, "%s %s ", party->name, on ? "subscribed" : "cancelled");
    zmtp_world_note_bytes(party->world, prefix);
    zmtp_world_note(party->world, "\n");
    return party->denies ? -ERR_FULL : 0;
}

static void
on_ponged(void *arg, uint32_t number)
{
    struct zmtp_party *party = arg;
    zmtp_world_note(party->world, "%s ponged %u\n", party->name, number);
}

static void
on_drained(void *arg)
{
    struct zmtp_party *party = arg;
    zmtp_world_note(party->world, "%s drained\n", party->name);
}

static void
on_closed(void *arg, const struct zmtp_end *end)
{
    struct zmtp_party *party = arg;
    char text[320];
    zmtp_end_print(end, text, sizeof(text));
    zmtp_world_note(party->world, "%s closed: %s\n", party->name, text);
    party->end = *end;
    party->closed++;
    party->peer = NULL;
}

int
zmtp_world_serves(void *arg, const struct zmtp_peer *peer, const char **retreason)
{
    (void)retreason;
    struct zmtp_party *party = arg;
    zmtp_world_note(party->world, "%s serves? %s ", party->name, zmtp_pattern_name(zmtp_peer_pattern(peer)));
    zmtp_world_note_bytes(party->world, zmtp_peer_resource(peer));
    zmtp_world_note(party->world, "\n");
    return party->serves;
}

static const struct zmtp_peer_on party_on = {
    .connected = on_connected,
    .admit = on_admit,
    .ready = on_ready,
    .messages = on_messages,
    .subscribed = on_subscribed,
    .ponged = on_ponged,
    .drained = on_drained,
    .closed = on_closed,
};

/* ---- machines --------------------------------------------------------------------------------------------------- */

struct io_address
zmtp_world_address(const char *machine)
{
    struct io_address address;
    char text[64];
    snprintf(text, sizeof(text), "tcp://%s:5555", machine);
    must(io_address_parse(text, 0, &address) == 0);
    return address;
}

static void
on_accept(void *arg, struct io_stream *stream)
{
    struct zmtp_party *party = arg;
    if (party->peer != NULL)
        return;
    if (party->world->is_web)
        party->start_rc =
            zmtp_peer_accept_web(party->io, stream, view_str("/jobs"), &party->side, &party->on, party, &party->peer);
    else
        party->start_rc =
            zmtp_peer_accept(party->io, stream, view_of(NULL, 0), &party->side, &party->on, party, &party->peer);
    party->begun += party->start_rc == 0;
}

static int
start_a(void *arg, struct io *io)
{
    struct zmtp_party *party = arg;
    struct io_address address = zmtp_world_address("*");
    struct io_listener *listener;
    party->io = io;
    return io_listen(io, &address, on_accept, party, &listener);
}

static int
start_b(void *arg, struct io *io)
{
    struct zmtp_party *party = arg;
    party->io = io;
    return 0;
}

static void
party_died(void *arg, enum sim_death how)
{
    struct zmtp_party *party = arg;
    (void)how;
    zmtp_peer_free(party->peer);
    party->peer = NULL;
    io_free(party->io);
}

static void
make_party(struct zmtp_world *world, struct zmtp_party *party, const char *name, int (*start)(void *arg, struct io *io))
{
    struct sim_program program = { start, party_died, party, &party->mem };
    party->world = world;
    snprintf(party->name, sizeof(party->name), "%s", name);
    party->on = party_on;
    party->side = (struct zmtp_side){
        .pattern = *name == 'a' ? ZMTP_PULL : ZMTP_PUSH,
        .as_server = *name == 'a',
        .message_bytes_max = 1024 * 1024,
        .parts_max = 16,
        .handshake_ms = 5000,
        .user = view_str("ana"),
        .password = view_str("secret"),
    };
    must(sim_machine_new(world->sim, name, &program, &party->machine) == 0);
    sim_boot(party->machine);
}

/* ---- the world -------------------------------------------------------------------------------------------------- */

void
zmtp_world_open(struct zmtp_world *world)
{
    memset(world, 0, sizeof(*world));
    world->flip[0] = world->flip[1] = SIZE_MAX;
    must(sim_new(&world->world_mem, 1, NULL, &world->sim) == 0);
    make_party(world, &world->a, "a", start_a);
    make_party(world, &world->b, "b", start_b);
    struct sim_program raw = { zmtp_world_start_middle, NULL, world, &world->raw_mem };
    must(sim_machine_new(world->sim, "m", &raw, &world->raw_machine) == 0);
    sim_boot(world->raw_machine);
    zmtp_world_run(world);
}

void
zmtp_world_close(struct zmtp_world *world)
{
    sim_free(world->sim);
    must(world->a.mem.used_bytes == 0 && world->b.mem.used_bytes == 0);
    must(world->raw_mem.used_bytes == 0 && world->world_mem.used_bytes == 0);
}

void
zmtp_world_wait(struct zmtp_world *world, unsigned ms)
{
    sim_run_for(world->sim, ms * SIM_NS_A_MS);
}

void
zmtp_world_run(struct zmtp_world *world)
{
    zmtp_world_wait(world, 200);
}

static void
make_keys(uint8_t retpublic[ZMTP_KEY_BYTES], uint8_t retsecret[ZMTP_KEY_BYTES], uint8_t seed)
{
    memset(retsecret, seed, ZMTP_KEY_BYTES);
    crypto_scalarmult_base(retpublic, retsecret);
}

void
zmtp_world_curve(struct zmtp_world *world)
{
    struct zmtp_side *a = &world->a.side, *b = &world->b.side;
    a->mechanism = b->mechanism = ZMTP_CURVE;
    make_keys(a->public_key, a->secret_key, 1);
    make_keys(b->public_key, b->secret_key, 2);
    memcpy(b->server_key, a->public_key, ZMTP_KEY_BYTES);
}

void
zmtp_world_meet(struct zmtp_world *world, bool through_middle)
{
    struct zmtp_party *b = &world->b;
    struct io_address address = zmtp_world_address(through_middle ? "m" : "a");
    if (world->is_web)
        b->start_rc = zmtp_peer_connect_web(b->io, &address, view_str("/jobs"), &b->side, &b->on, b, &b->peer);
    else
        b->start_rc = zmtp_peer_connect(b->io, &address, view_str("jobs/new"), &b->side, &b->on, b, &b->peer);
    b->begun += b->start_rc == 0;
    zmtp_world_run(world);
}

/* ---- putting ----------------------------------------------------------------------------------------------------- */

int
zmtp_world_put(struct zmtp_party *party, const char *parts)
{
    uint8_t run[4096];
    size_t n = 0;
    for (const char *at = parts;; at++) {
        size_t len = strcspn(at, "+");
        n += zmtp_frame_head(run + n, at[len] == '+' ? ZMTP_MORE : 0, len);
        memcpy(run + n, at, len);
        n += len;
        at += len;
        if (*at == '\0')
            break;
    }
    int rc = party->peer == NULL ? -ERR_STATE : zmtp_peer_put_copy(party->peer, view_of(run, n));
    zmtp_world_run(party->world);
    return rc;
}

int
zmtp_world_put_large(struct zmtp_party *party, size_t len)
{
    struct zmtp_chunk *chunk = zmtp_chunk_new(&party->mem, ZMTP_FRAME_HEAD_MAX + len);
    if (chunk == NULL)
        return -ERR_NO_MEMORY;
    size_t head = zmtp_frame_head(chunk->bytes, 0, len);
    memset(chunk->bytes + head, 'x', len);
    struct zmtp_slice slice = { chunk, view_of(chunk->bytes, head + len) };
    int rc = party->peer == NULL ? -ERR_STATE : zmtp_peer_put(party->peer, &slice);
    zmtp_chunk_unref(chunk);
    zmtp_world_run(party->world);
    return rc;
}

/* ---- the transcript ---------------------------------------------------------------------------------------------- */

void
zmtp_world_forget(struct zmtp_world *world)
{
    world->text_len = 0;
    world->text[0] = '\0';
}

void
zmtp_world_expect(struct zmtp_world *world, const char *want)
{
    bool as_wanted = strcmp(world->text, want) == 0;
    if (!as_wanted)
        fprintf(stderr, "--- wanted\n%s--- was\n%s---\n", want, world->text);
    must(as_wanted);
    zmtp_world_forget(world);
}

void
zmtp_world_expect_breach(struct zmtp_world *world, const char *rule)
{
    char want[256];
    snprintf(want, sizeof(want), "a closed: the peer broke the protocol: %s\n", rule);
    size_t n = strlen(want);
    bool as_wanted = world->text_len >= n && strcmp(world->text + world->text_len - n, want) == 0;
    if (!as_wanted)
        fprintf(stderr, "--- wanted at its end\n%s--- was\n%s---\n", want, world->text);
    must(as_wanted && world->raw == NULL);
    zmtp_world_forget(world);
}

int
zmtp_world_setup(void **state)
{
    static struct zmtp_world world; /* large; cases run one after the other */
    zmtp_world_open(&world);
    *state = &world;
    return 0;
}

int
zmtp_world_teardown(void **state)
{
    zmtp_world_close(*state);
    return 0;
}
