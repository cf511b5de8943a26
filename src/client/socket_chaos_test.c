/* client/socket_chaos_test.c - sockets of all patterns that do anything at any time, over a network that breaks:
 * nothing falls over, nothing is left behind.  What each pattern promises is held against it elsewhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/must.h"
#include "base/prng.h"
#include "client/socket_rig.h"
#include "wire/zmtp.h"

enum { SEEDS = 60, STEPS = 1000, SOCKETS = 12 };

struct chaos {
    uint64_t seed;
    struct rig rig;
    struct prng prng;
    struct slot {
        struct socket *socket; /* NULL: free */
        char host;
    } slots[SOCKETS];
};

static uint64_t
below(struct chaos *chaos, uint64_t n)
{
    return prng_below(&chaos->prng, n);
}

/* Patterns that fit are most of a run. */
static enum tambo_pattern
pattern_of(struct chaos *chaos)
{
    static const enum tambo_pattern families[][4] = {
        {TAMBO_PUSH,  TAMBO_PULL, TAMBO_PUSH,   TAMBO_PULL  },
        { TAMBO_REQ,  TAMBO_REP,  TAMBO_DEALER, TAMBO_ROUTER},
        { TAMBO_REQ,  TAMBO_REP,  TAMBO_REQ,    TAMBO_REP   },
        { TAMBO_PUB,  TAMBO_SUB,  TAMBO_XPUB,   TAMBO_XSUB  },
        { TAMBO_PAIR, TAMBO_PAIR, TAMBO_PAIR,   TAMBO_PAIR  },
    };
    if (below(chaos, 20) == 0)
        return (enum tambo_pattern)below(chaos, TAMBO_XSUB + 1);
    return families[chaos->seed % COUNT_OF(families)][below(chaos, 4)];
}

static void
make(struct chaos *chaos, struct slot *slot)
{
    slot->host = (char)('a' + below(chaos, 3));
    slot->socket = rig_socket(&chaos->rig, slot->host, pattern_of(chaos));
    must(socket_set(slot->socket, TAMBO_SEND_MESSAGES_MAX, 1 + (int64_t)below(chaos, 20)) == 0);
    must(socket_set(slot->socket, TAMBO_RECV_MESSAGES_MAX, 1 + (int64_t)below(chaos, 20)) == 0);
    must(socket_set(slot->socket, TAMBO_SEND_POLICY, (int64_t)below(chaos, 4) - 1) == 0);
    must(socket_set(slot->socket, TAMBO_CONFLATE, below(chaos, 10) == 0) == 0);
    must(socket_set(slot->socket, TAMBO_CONNECTED_ONLY, below(chaos, 5) == 0) == 0);
    must(socket_set(slot->socket, TAMBO_REQUEST_IDS, below(chaos, 3) == 0) == 0);
    must(socket_set(slot->socket, TAMBO_RESEND_MS, below(chaos, 2) == 0 ? 0 : 300) == 0);
    must(socket_set(slot->socket, TAMBO_ROUTER_HANDOVER, below(chaos, 2) == 0) == 0);
    must(socket_set(slot->socket, TAMBO_SUBSCRIPTIONS_MAX, 1 + (int64_t)below(chaos, 5)) == 0);
    must(socket_set(slot->socket, TAMBO_LINGER_MS, (int64_t)below(chaos, 3) * 300) == 0);
    if (below(chaos, 3) == 0)
        must(socket_set_text(slot->socket, TAMBO_ROUTING_ID, view_str(below(chaos, 2) == 0 ? "ana" : "bo")) == 0);
    if (below(chaos, 2) == 0)
        must(socket_watch(slot->socket) == 0);
}

/* Few places, so that many meet. */
static void
place(struct chaos *chaos, bool is_bound, char text[32])
{
    char host = is_bound ? '*' : (char)('a' + below(chaos, 3));
    switch (below(chaos, 5)) {
    case 0: strcpy(text, "inproc://x"); break;
    case 1: strcpy(text, "ipc://x"); break;
    case 2: snprintf(text, 32, "ws://%c:5002/x", host); break;
    default: snprintf(text, 32, "tcp://%c:500%c", host, (char)('0' + below(chaos, 2))); break;
    }
}

static void
put(struct chaos *chaos, struct slot *slot)
{
    static char big[6000];
    static const char *const texts[] = { "", "a", "ab|c", "ana|x", "ana||x", "\1a", "bo||y|z", "|", big };
    const char *text = texts[below(chaos, COUNT_OF(texts))];
    memset(big, 'a', sizeof big - 1);
    for (uint64_t n = below(chaos, 30); n > 0; n--)
        (void)rig_send(slot->socket, text);
}

/* Takes some, and gives a part of it back as it is. */
static void
take(struct chaos *chaos, struct slot *slot)
{
    struct zmtp_slice slice;
    struct tambo_event event;
    for (uint64_t n = below(chaos, 30); n > 0 && socket_recv(slot->socket, &slice) == 0; n--) {
        struct view run = slice.run;
        struct zmtp_frame frame = { .flags = ZMTP_MORE };
        while (zmtp_frame_next(&run, &frame)) {
        }
        assert_int_equal(frame.flags, 0); /* it is whole */
        if (below(chaos, 2) == 0 || socket_send(slot->socket, &slice) < 0)
            zmtp_chunk_unref(slice.chunk);
    }
    while (below(chaos, 2) == 0 && socket_event(slot->socket, &event) == 0) {
    }
}

static void
reboot(struct chaos *chaos, char host)
{
    for (size_t i = 0; i < SOCKETS; i++) {
        if (chaos->slots[i].host == host)
            chaos->slots[i].socket = NULL;
    }
    rig_reboot(&chaos->rig, host);
}

/* What happens now and then. */
static void
trouble(struct chaos *chaos, struct slot *slot)
{
    char text[32];
    switch (below(chaos, 7)) {
    case 0: reboot(chaos, slot->host); break;
    case 1:
    case 2: rig_cut(&chaos->rig, slot->host, (char)('a' + below(chaos, 3))); break;
    case 3:
    case 4:
        socket_close(slot->socket);
        slot->socket = NULL;
        break;
    case 5:
        place(chaos, true, text);
        (void)socket_unbind(slot->socket, text);
        break;
    default:
        place(chaos, false, text);
        (void)socket_disconnect(slot->socket, text);
        break;
    }
}

/* One of the next allocations of this step fails. */
static void
grow_poor(struct chaos *chaos, const struct slot *slot)
{
    struct mem *mem = &chaos->rig.hosts[slot->host - 'a'].mem;
    mem->fail_at = mem->calls + 1 + below(chaos, 20);
}

static void
step(struct chaos *chaos)
{
    struct slot *slot = &chaos->slots[below(chaos, SOCKETS)];
    struct view prefix = view_str(below(chaos, 2) == 0 ? "" : "a");
    char text[32];
    for (size_t i = 0; i < RIG_HOSTS; i++)
        chaos->rig.hosts[i].mem.fail_at = 0;
    if (slot->socket == NULL) {
        make(chaos, slot);
        place(chaos, true, text);
        (void)socket_bind(slot->socket, text);
        return;
    }
    uint64_t what = below(chaos, 40);
    if (chaos->seed % 4 == 0 && what > 0 && below(chaos, 5) == 0)
        grow_poor(chaos, slot);
    place(chaos, what == 1, text);
    switch (what) {
    case 0: trouble(chaos, slot); return;
    case 1: (void)socket_bind(slot->socket, text); break;
    case 2:
    case 3: (void)socket_connect(slot->socket, text); break;
    case 4:
    case 5: (void)socket_subscribe(slot->socket, prefix); break;
    case 6: (void)socket_unsubscribe(slot->socket, prefix); break;
    case 7: (void)socket_set(slot->socket, TAMBO_SEND_POLICY, (int64_t)below(chaos, 4) - 1); break;
    default:
        if (what % 2 == 0)
            put(chaos, slot);
        else
            take(chaos, slot);
    }
    (void)socket_ready(slot->socket);
}

/* What the world has seen, as one number. */
static uint64_t
run(uint64_t seed)
{
    static struct chaos chaos;
    memset(&chaos, 0, sizeof chaos);
    chaos.seed = seed;
    prng_init(&chaos.prng, seed);
    rig_open_with(&chaos.rig, seed, sim_profile_find(seed % 3 == 0 ? "chaos" : seed % 3 == 1 ? "lossy" : "calm"));
    for (unsigned i = 0; i < STEPS; i++) {
        step(&chaos);
        rig_run(&chaos.rig, (unsigned)(below(&chaos, 3) * below(&chaos, 50)));
    }
    for (size_t i = 0; i < SOCKETS; i++) {
        if (chaos.slots[i].socket != NULL && seed % 2 == 0)
            socket_close(chaos.slots[i].socket);
    }
    if (seed % 2 == 0) {
        rig_run(&chaos.rig, 5000);
        for (size_t i = 0; i < RIG_HOSTS; i++)
            assert_int_equal(socket_world_count(chaos.rig.hosts[i].world), 0);
    }
    uint64_t hash = sim_hash(chaos.rig.sim);
    rig_close(&chaos.rig);
    return hash;
}

static void
a_seed_is_a_run(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++)
        assert_int_equal(run(seed), run(seed));
}

static uint64_t
number_of(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

/* SEED and RUNS in the environment: others than these few. */
static void
nothing_falls_over(void **state)
{
    uint64_t seed = number_of("SEED", 1), end = seed + number_of("RUNS", SEEDS);
    (void)state;
    for (; seed < end; seed++)
        run(seed);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_falls_over),
        cmocka_unit_test(a_seed_is_a_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
