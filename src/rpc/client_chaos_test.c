/* rpc/client_chaos_test.c - callers and servers that do anything at any time, over a network that breaks, on machines
 * that die and run out of memory.  What is held against them: each call ends once; what its end says of it is true,
 * then and later; what may be executed once is executed once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/prng.h"
#include "io/sim/sim.h"
#include "rpc/client.h"
#include "rpc/server.h"

enum { SEEDS = 60, STEPS = 400, SERVERS = 2, CLIENTS = 4, CALLS = 600, PROGRAM = 0x20000001, LATER_MAX = 64 };
enum fate { AT_ONCE, LATER, FAILS, IS_BUSY, DENIES, IS_DROPPED, FATES };

struct chaos {
    uint64_t seed;
    struct mem mem;
    struct sim *sim;
    struct prng prng;
    struct place {
        struct chaos *chaos;
        struct mem mem;
        struct sim_machine *machine;
        struct rpc_world *world;
        struct rpc_server *server; /* of "a" and "b" */
        struct rpc_request *later[LATER_MAX];
        unsigned later_count;
    } places[SERVERS + 1];
    struct rpc_client *clients[CLIENTS];
    struct call {
        struct rpc_call core;
        struct chaos *chaos;
        uint32_t id;
        enum rpc_form form;
        bool at_most_once;
        bool was_begun, is_done;
        int rc;
        unsigned executed;
    } calls[CALLS];
    uint32_t call_count;
};

static uint64_t
below(struct chaos *chaos, uint64_t n)
{
    return prng_below(&chaos->prng, n);
}

/* ---- what is served ---------------------------------------------------------------------------------------------- */

struct work {
    uint32_t id, fate;
};

static int
encode_work(struct tambo_xdr_out *out, const void *value)
{
    const struct work *work = value;
    int rc = tambo_xdr_put_u32(out, work->id);
    return rc < 0 ? rc : tambo_xdr_put_u32(out, work->fate);
}

static int
decode_work(struct tambo_xdr_in *in, void *ret)
{
    struct work *work = ret;
    int rc = tambo_xdr_get_u32(in, &work->id);
    return rc < 0 ? rc : tambo_xdr_get_u32(in, &work->fate);
}

static int
encode_word(struct tambo_xdr_out *out, const void *value)
{
    return tambo_xdr_put_u32(out, *(const uint32_t *)value);
}

static int
handle(const void *handlers, void *arg, struct tambo_rpc_request *request, const void *args, void *ret)
{
    struct place *place = arg;
    const struct work *work = args;
    (void)handlers;
    if (work->fate == IS_BUSY || work->fate == DENIES)
        return work->fate == IS_BUSY ? -ERR_OVERLOADED : -ERR_DENIED;
    must(work->id < place->chaos->call_count);
    place->chaos->calls[work->id].executed++;
    *(uint32_t *)ret = work->id;
    if (work->fate == FAILS)
        return -ERR_FAILED;
    if ((work->fate == LATER || work->fate == IS_DROPPED) && place->later_count < LATER_MAX) {
        rpc_request_set_data((struct rpc_request *)request, (void *)(uintptr_t)work->fate);
        place->later[place->later_count++] = (struct rpc_request *)request;
        return TAMBO_RPC_LATER;
    }
    return 0;
}

static const struct tambo_rpc_procedure work_procedure = {
    .name = "WORK",
    .number = 1,
    .encode_args = encode_work,
    .decode_args = decode_work,
    .encode_ret = encode_word,
    .args_size = sizeof(struct work),
    .ret_size = sizeof(uint32_t),
    .handle = handle,
};
static const struct tambo_rpc_program program = {
    .name = "CHAOS", .program = PROGRAM, .version = 1, .procedures = &work_procedure, .count = 1
};

static void
on_request(void *arg, struct rpc_request *request)
{
    (void)arg;
    int rc = rpc_request_run(request);
    if (rc != TAMBO_RPC_LATER)
        rpc_request_end(request, rc);
}

/* Some of those that wait are answered, in any order. */
static void
answer_some(struct chaos *chaos, struct place *place)
{
    for (uint64_t n = below(chaos, 5); n > 0 && place->later_count > 0; n--) {
        uint64_t at = below(chaos, place->later_count);
        struct rpc_request *request = place->later[at];
        place->later[at] = place->later[--place->later_count];
        if ((uintptr_t)rpc_request_data(request) == IS_DROPPED)
            rpc_request_drop(request);
        else
            rpc_request_end(request, 0);
    }
}

/* ---- machines ---------------------------------------------------------------------------------------------------- */

static int
serve(struct place *place)
{
    static const struct rpc_server_on on = { .request = on_request };
    static const char *const addresses[] = { "tcp://*:1", "udp://*:1" };
    struct rpc_address address;
    int rc = rpc_server_new(place->world, &on, place, &place->server);
    if (rc == 0)
        rc = rpc_server_serve(place->server, &program, NULL, place);
    for (size_t i = 0; i < COUNT_OF(addresses) && rc == 0; i++) {
        must(rpc_address_parse(view_str(addresses[i]), &address) == 0);
        rc = rpc_server_listen(place->server, &address, &address);
    }
    return rc;
}

static int
start(void *arg, struct io *io)
{
    struct place *place = arg;
    int rc = rpc_world_new(io, &place->world);
    return rc < 0 || place == &place->chaos->places[SERVERS] ? rc : serve(place);
}

static void
died(void *arg, enum sim_death how)
{
    struct place *place = arg;
    struct chaos *chaos = place->chaos;
    (void)how;
    while (place->later_count > 0)
        rpc_request_drop(place->later[--place->later_count]);
    rpc_server_free(place->server);
    for (size_t i = 0; i < CLIENTS && place == &chaos->places[SERVERS]; i++) {
        rpc_client_free(chaos->clients[i]);
        chaos->clients[i] = NULL;
    }
    rpc_world_free(place->world);
    place->server = NULL;
    place->world = NULL;
}

static void
open_chaos(struct chaos *chaos, uint64_t seed)
{
    static const char *const profiles[] = { "chaos", "lossy", "calm" };
    memset(chaos, 0, sizeof *chaos);
    chaos->seed = seed;
    prng_init(&chaos->prng, seed);
    must(sim_new(&chaos->mem, seed, sim_profile_find(profiles[seed % 3]), &chaos->sim) == 0);
    for (size_t i = 0; i <= SERVERS; i++) {
        struct place *place = &chaos->places[i];
        struct sim_program at = { .start = start, .died = died, .arg = place, .mem = &place->mem };
        char name[2] = { (char)('a' + i), '\0' };
        place->chaos = chaos;
        must(sim_machine_new(chaos->sim, name, &at, &place->machine) == 0);
        sim_boot(place->machine);
    }
    sim_run_for(chaos->sim, SIM_NS_A_MS);
}

/* ---- calls ------------------------------------------------------------------------------------------------------- */

static void
on_done(struct rpc_call *core, int rc, struct view results)
{
    struct call *call = container_of(core, struct call, core);
    must(call->was_begun && !call->is_done);
    call->is_done = true;
    call->rc = rc;
    must(rc == 0 || rpc_client_why(core->client)[0] != '\0');
    if (call->form == RPC_FORM_CAST || rc < 0)
        return;
    if (call->form == RPC_FORM_REPLY) {
        must(results.len == 4 && tambo_xdr_read_u32(results.data) == call->id);
        must(call->executed > 0);
    }
}

static void
begin(struct chaos *chaos, struct rpc_client *client)
{
    static const struct rpc_call_on on = { .done = on_done };
    static const enum rpc_form forms[] = { RPC_FORM_REPLY, RPC_FORM_REPLY, RPC_FORM_REPLY, RPC_FORM_RECEIPT,
                                           RPC_FORM_CAST };
    if (chaos->call_count == CALLS)
        return;
    struct call *call = &chaos->calls[chaos->call_count];
    struct work work = { chaos->call_count++, below(chaos, 2) == 0 ? AT_ONCE : (uint32_t)below(chaos, FATES) };
    int64_t semantics;
    call->chaos = chaos;
    call->id = work.id;
    call->form = forms[below(chaos, COUNT_OF(forms))];
    call->was_begun = true;
    must(rpc_client_get(client, TAMBO_RPC_SEMANTICS, &semantics) == 0);
    call->at_most_once = semantics == TAMBO_AT_MOST_ONCE;
    int rc = rpc_call_begin(client, &work_procedure, &work, call->form, &on, &call->core, NULL);
    if (rc != 0) {
        must(rc < 0 || call->form == RPC_FORM_CAST);
        call->is_done = true;
        call->rc = rc < 0 ? rc : 0;
    }
}

static void
cancel(struct chaos *chaos)
{
    struct call *call = &chaos->calls[below(chaos, chaos->call_count + 1) % CALLS];
    if (call->was_begun && !call->is_done)
        rpc_call_cancel(&call->core);
}

/* Its options are what they are for its life: what a call's semantics was is known when it ends. */
static struct rpc_client *
make(struct chaos *chaos)
{
    static const char *const ways[] = { "tcp://a:1",           "udp://a:1",
                                        "tcp://a:1 tcp://b:1", "udp://a:1 udp://b:1",
                                        "tcp://a:1 udp://b:1", "tcp://a:1 tcp://a:2 udp://b:1 udp://a:9" };
    static const struct {
        enum tambo_rpc_client_option option;
        int64_t values[4];
    } choices[] = {
        {TAMBO_RPC_SEMANTICS,      { 0, 1, 1, 1 }            },
        { TAMBO_RPC_DEADLINE_MS,   { 300, 3000, 9000, 20000 }},
        { TAMBO_RPC_RETRY_MAX,     { 0, 2, 5, 100 }          },
        { TAMBO_RPC_RETRY_PERCENT, { 100, 100, 20, 0 }       },
        { TAMBO_RPC_HEDGE_MS,      { 0, 0, 1, 100 }          },
        { TAMBO_RPC_RESEND_MS,     { 50, 100, 500, 500 }     },
        { TAMBO_RPC_BALANCE,       { 0, 1, 2, 2 }            },
        { TAMBO_RPC_CALLS_MAX,     { 3, 100, 1000, 1000 }    },
        { TAMBO_RPC_CONNECT_MS,    { 100, 1000, 5000, 5000 } },
        { TAMBO_RPC_IDLE_MS,       { 0, 1, 300, 10000 }      },
    };
    struct place *place = &chaos->places[SERVERS];
    struct rpc_client *client;
    if (rpc_client_new(place->world, ways[below(chaos, COUNT_OF(ways))], PROGRAM, 1, &client) < 0)
        return NULL;
    for (size_t i = 0; i < COUNT_OF(choices); i++)
        must(rpc_client_set(client, choices[i].option, choices[i].values[below(chaos, 4)]) == 0);
    return client;
}

/* ---- a run ------------------------------------------------------------------------------------------------------- */

static void
trouble(struct chaos *chaos)
{
    struct place *place = &chaos->places[below(chaos, SERVERS)], *here = &chaos->places[SERVERS];
    switch (below(chaos, 8)) {
    case 0:
        sim_kill(place->machine);
        sim_run_for(chaos->sim, below(chaos, 500) * SIM_NS_A_MS);
        sim_boot(place->machine);
        break;
    case 1: sim_power_cut(place->machine); break;
    case 2: sim_mute_streams(chaos->sim, place->machine, here->machine); break;
    case 3: sim_partition(chaos->sim, place->machine, here->machine, below(chaos, 2) == 0); break;
    default: sim_cut_streams(chaos->sim, place->machine, here->machine);
    }
}

/* One of the next allocations of this step fails. */
static void
grow_poor(struct chaos *chaos)
{
    struct mem *mem = &chaos->places[below(chaos, SERVERS + 1)].mem;
    mem->fail_at = mem->calls + 1 + below(chaos, 20);
}

static void
step(struct chaos *chaos)
{
    struct rpc_client **client = &chaos->clients[below(chaos, CLIENTS)];
    for (size_t i = 0; i <= SERVERS; i++) {
        struct place *place = &chaos->places[i];
        place->mem.fail_at = 0;
        if (!sim_machine_up(place->machine) && below(chaos, 5) == 0)
            sim_boot(place->machine);
        answer_some(chaos, place);
    }
    if (chaos->places[SERVERS].world == NULL)
        return; /* it is on its way up */
    if (chaos->seed % 4 == 0 && below(chaos, 5) == 0)
        grow_poor(chaos);
    if (*client == NULL)
        *client = make(chaos);
    if (*client == NULL)
        return;
    uint64_t what = below(chaos, 30);
    if (what == 0)
        trouble(chaos);
    else if (what < 3)
        cancel(chaos);
    else if (what == 3) {
        rpc_client_free(*client);
        *client = NULL;
    } else {
        for (uint64_t n = below(chaos, 4); n > 0; n--)
            begin(chaos, *client);
    }
}

/* Long after the last of them could still be executed. */
static void
check(const struct chaos *chaos)
{
    unsigned long long seed = chaos->seed;
    for (uint32_t i = 0; i < chaos->call_count; i++) {
        const struct call *call = &chaos->calls[i];
        if (!call->is_done)
            fail_msg("seed %llu: call %u did not end", seed, i);
        if (call->at_most_once && call->executed > 1)
            fail_msg("seed %llu: call %u was executed %u times", seed, i, call->executed);
        if (rpc_outcome(call->rc) == TAMBO_NOT_EXECUTED && call->executed > 0)
            fail_msg("seed %llu: call %u was executed, but for \"%s\"", seed, i, err_text(call->rc));
        if (call->form == RPC_FORM_REPLY && rpc_outcome(call->rc) == TAMBO_EXECUTED && call->executed == 0)
            fail_msg("seed %llu: call %u was not executed", seed, i);
    }
}

static uint64_t
run(uint64_t seed)
{
    static struct chaos chaos;
    open_chaos(&chaos, seed);
    for (unsigned i = 0; i < STEPS; i++) {
        step(&chaos);
        sim_run_for(chaos.sim, below(&chaos, 3) * below(&chaos, 50) * SIM_NS_A_MS);
    }
    sim_run_for(chaos.sim, 25 * SIM_NS_A_S);
    check(&chaos);
    uint64_t hash = sim_hash(chaos.sim);
    sim_free(chaos.sim);
    check(&chaos);
    for (size_t i = 0; i <= SERVERS; i++)
        assert_int_equal(chaos.places[i].mem.used_bytes, 0);
    assert_int_equal(chaos.mem.used_bytes, 0);
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
what_is_told_is_true(void **state)
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
        cmocka_unit_test(what_is_told_is_true),
        cmocka_unit_test(a_seed_is_a_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
