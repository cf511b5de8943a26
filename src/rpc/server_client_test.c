/* rpc/server_client_test.c - servers and callers together: every form over every road, and at most once whatever
 * happens to the network and to the server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/must.h"
#include "base/prng.h"
#include "rpc/client.h"
#include "rpc/server_rig.h"

enum { CALLS = 200, CLIENTS = 3 };

struct caller {
    struct rpc_call core;
    struct tally *tally;
    bool is_begun, is_done;
    int rc;
    uint32_t result;
};
struct tally {
    struct server_rig *rig;
    struct rpc_world *world;
    struct rpc_client *clients[CLIENTS];
    struct caller callers[CALLS];
    unsigned done;
};

static const struct tambo_rpc_procedure *
procedure_of(const char *name)
{
    for (unsigned i = 0; i < rig_programs[0].count; i++)
        if (strcmp(rig_programs[0].procedures[i].name, name) == 0)
            return &rig_programs[0].procedures[i];
    fail_msg("no procedure %s", name);
    return NULL;
}

static void
on_done(struct rpc_call *call, int rc, struct view results)
{
    struct caller *caller = container_of(call, struct caller, core);
    must(!caller->is_done);
    caller->is_done = true;
    caller->rc = rc;
    if (rc == 0 && results.len == 4)
        caller->result = tambo_xdr_read_u32(results.data);
    caller->tally->done++;
}

static const struct rpc_call_on call_on = { .done = on_done };

static struct caller *
begin(struct tally *tally, unsigned client, unsigned number, const char *name, enum rpc_form form)
{
    struct caller *caller = &tally->callers[number];
    const uint32_t args[] = { number, 1 };
    caller->tally = tally;
    caller->is_begun = true;
    int rc = rpc_call_begin(tally->clients[client], procedure_of(name), args, form, &call_on, &caller->core, NULL);
    if (rc != 0) {
        caller->is_done = true;
        caller->rc = rc == RPC_CALL_DONE ? 0 : rc;
        tally->done++;
    }
    return caller;
}

/* Clients on the machine of the raw callers, or on the server's. */
static struct tally *
open_tally(struct server_rig *rig, const char *const addresses[CLIENTS])
{
    struct tally *tally = MEM_NEW(&rig->rig_mem, struct tally);
    must(tally != NULL);
    tally->rig = rig;
    must(rpc_world_new(rig->raw_io, &tally->world) == 0);
    for (unsigned i = 0; i < CLIENTS; i++) {
        must(rpc_client_new(tally->world, addresses[i], rig_programs[0].program, 1, &tally->clients[i]) == 0);
        must(rpc_client_set(tally->clients[i], TAMBO_RPC_RETRY_MAX, 10) == 0);
        must(rpc_client_set(tally->clients[i], TAMBO_RPC_RETRY_PERCENT, 100) == 0);
    }
    return tally;
}

static void
close_tally(struct tally *tally)
{
    struct server_rig *rig = tally->rig;
    for (unsigned i = 0; i < CLIENTS; i++)
        rpc_client_free(tally->clients[i]);
    rig_run(rig, 2000);
    rpc_world_free(tally->world);
    mem_free(&rig->rig_mem, tally);
    rig_close(rig);
}

static const char *const roads[CLIENTS] = { "tcp://a:700", "udp://a:700", "udp://a:700 tcp://a:700" };

static void
each_form_over_each_road(void **state)
{
    struct tally *tally = open_tally(rig_open(), roads);
    struct server_rig *rig = tally->rig;
    (void)state;
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct caller *add = begin(tally, i, 10 * i, "ADD", RPC_FORM_REPLY);
        struct caller *later = begin(tally, i, 10 * i + 1, "LATER", RPC_FORM_REPLY);
        rig_run(rig, 200);
        assert_true(add->is_done && add->rc == 0 && add->result == 10 * i + 1);
        assert_false(later->is_done);
        struct caller *sent = begin(tally, i, 10 * i + 2, "LATER", RPC_FORM_RECEIPT);
        struct caller *cast = begin(tally, i, 10 * i + 3, "ADD", RPC_FORM_CAST);
        rig_run(rig, 200);
        assert_true(sent->is_done && sent->rc == 0 && cast->is_done && cast->rc == 0);
        assert_int_equal(rig->ran[10 * i + 3], 1);
        rig_answer_all(rig);
        rig_run(rig, 200);
        assert_true(later->is_done && later->rc == 0 && later->result == 42);
        assert_false(rig->later_count > 0);
    }
    close_tally(tally);
}

/* Within one loop: the client is of the server's own world. */
static void
a_call_within_the_process(void **state)
{
    struct tally *tally = open_tally(rig_open(), roads);
    struct server_rig *rig = tally->rig;
    struct rpc_client *other = tally->clients[0];
    (void)state;
    must(rpc_client_new(rig->world, "inproc:test", rig_programs[0].program, 1, &tally->clients[0]) == 0);
    struct caller *add = begin(tally, 0, 0, "ADD", RPC_FORM_REPLY);
    struct caller *later = begin(tally, 0, 1, "LATER", RPC_FORM_REPLY);
    rig_run(rig, 100);
    assert_true(add->is_done && add->rc == 0 && add->result == 1);
    assert_false(later->is_done);
    assert_string_equal(rpc_request_peer(rig->later[0]), "inproc");
    rig_answer(rig);
    rig_run(rig, 100);
    assert_true(later->is_done && later->rc == 0 && later->result == 42);
    rpc_client_free(tally->clients[0]);
    tally->clients[0] = other;
    close_tally(tally);
}

static void
a_canceled_call_is_told_to_its_handler(void **state)
{
    struct tally *tally = open_tally(rig_open(), roads);
    (void)state;
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct caller *later = begin(tally, i, i, "LATER", RPC_FORM_REPLY);
        rig_run(tally->rig, 200);
        assert_false(rpc_request_is_canceled(tally->rig->later[0]));
        rpc_call_cancel(&later->core);
        assert_int_equal(later->rc, -ERR_ABANDONED);
        rig_run(tally->rig, 200);
        assert_true(rpc_request_is_canceled(tally->rig->later[0]));
        rig_answer(tally->rig);
    }
    close_tally(tally);
}

/* Of a datagram it may yet take a second copy, so nobody can know. */
static void
an_overloaded_server_says_that_it_did_not_execute(void **state)
{
    static const enum tambo_outcome outcomes[CLIENTS] = { TAMBO_NOT_EXECUTED, TAMBO_OUTCOME_UNKNOWN,
                                                          TAMBO_OUTCOME_UNKNOWN };
    struct tally *tally = open_tally(rig_open(), roads);
    (void)state;
    rig_set(tally->rig, TAMBO_RPC_SERVER_REQUESTS_MAX, 1);
    begin(tally, 0, CLIENTS, "LATER", RPC_FORM_REPLY);
    rig_run(tally->rig, 200);
    for (unsigned i = 0; i < CLIENTS; i++) {
        must(rpc_client_set(tally->clients[i], TAMBO_RPC_RETRY_MAX, 0) == 0);
        struct caller *add = begin(tally, i, i, "ADD", RPC_FORM_REPLY);
        rig_run(tally->rig, 2000);
        assert_true(add->is_done && add->rc < 0);
        assert_int_equal(rpc_outcome(add->rc), outcomes[i]);
        assert_int_equal(tally->rig->ran[i], 0);
    }
    assert_int_equal(tally->callers[0].rc, -ERR_OVERLOADED);
    rig_answer(tally->rig);
    close_tally(tally);
}

/* ---- at most once ----------------------------------------------------------------------------------------------- */

static void
disturb(struct server_rig *rig, struct prng *prng)
{
    switch (prng_below(prng, 12)) {
    case 0: sim_cut_streams(rig->sim, rig->server_machine, rig->raw_machine); break;
    case 1:
        sim_kill(rig->server_machine);
        sim_boot(rig->server_machine);
        break;
    case 2: sim_partition(rig->sim, rig->server_machine, rig->raw_machine, true); break;
    case 3:
    case 4:
    case 5: sim_partition(rig->sim, rig->server_machine, rig->raw_machine, false); break;
    case 6:
    case 7:
        if (sim_machine_up(rig->server_machine) && rig->later_count > 0)
            rig_answer(rig);
        break;
    default: break;
    }
}

static void
heal(struct server_rig *rig)
{
    sim_profile_set(rig->sim, NULL);
    sim_partition(rig->sim, rig->server_machine, rig->raw_machine, false);
    for (unsigned i = 0; i < 100; i++) {
        rig_run(rig, 1000);
        rig_answer_all(rig);
    }
}

/* What is said of a call is what became of it. */
static void
check_call(const struct tally *tally, unsigned number)
{
    const struct caller *caller = &tally->callers[number];
    unsigned ran = tally->rig->ran[number];
    assert_true(caller->is_done);
    assert_in_range(ran, 0, 1);
    if (rpc_outcome(caller->rc) == TAMBO_EXECUTED)
        assert_int_equal(ran, 1);
    if (rpc_outcome(caller->rc) == TAMBO_NOT_EXECUTED)
        assert_int_equal(ran, 0);
    if (caller->rc == 0)
        assert_true(caller->result == number + 1 || caller->result == 42);
}

static unsigned
count_good(const struct tally *tally)
{
    unsigned good = 0;
    for (unsigned i = 0; i < CALLS; i++)
        good += tally->callers[i].rc == 0;
    return good;
}

static unsigned
live_through(uint64_t seed, const char *profile)
{
    struct prng prng;
    prng_init(&prng, seed);
    struct tally *tally = open_tally(rig_open(), roads);
    struct server_rig *rig = tally->rig;
    sim_profile_set(rig->sim, sim_profile_find(profile));
    for (unsigned i = 0; i < CALLS; i++) {
        begin(tally, i % CLIENTS, i, prng_below(&prng, 3) == 0 ? "LATER" : "ADD", RPC_FORM_REPLY);
        rig_run(rig, (unsigned)prng_below(&prng, 60));
        disturb(rig, &prng);
    }
    heal(rig);
    for (unsigned i = 0; i < CALLS; i++)
        check_call(tally, i);
    unsigned good = count_good(tally);
    close_tally(tally);
    return good;
}

static void
no_call_is_executed_twice_and_none_is_misreported(void **state)
{
    static const char *const profiles[] = { "calm", "lossy", "chaos" };
    unsigned good = 0;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(profiles); i++)
        for (uint64_t seed = 1; seed <= 10; seed++)
            good += live_through(seed, profiles[i]);
    /* And many of them succeed, with a server that dies every dozen of calls. */
    assert_true(good > COUNT_OF(profiles) * 10 * CALLS / 3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_over_each_road),
        cmocka_unit_test(a_call_within_the_process),
        cmocka_unit_test(a_canceled_call_is_told_to_its_handler),
        cmocka_unit_test(an_overloaded_server_says_that_it_did_not_execute),
        cmocka_unit_test(no_call_is_executed_twice_and_none_is_misreported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
