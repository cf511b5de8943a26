/* rpcbind in the simulator: who asks for a port, who registers, and the built-in one that answers both.
 *
 * Machine 10.0.0.1 has the programs, 10.0.0.2 asks from elsewhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "io/sim/sim.h"
#include "rpc/binder_inner.h"
#include "rpc/registration.h"

enum { PROGRAM = 0x20000001, FAILURES_MAX = 2000 };

struct host {
    struct mem mem;
    struct sim_machine *machine;
    struct rpc_world *world;
};

/* A call, or a question for a port, that is under way. */
struct asked {
    struct rpc_call call;
    struct rpc_client *client;
    const struct tambo_rpc_procedure *procedure;
    struct rpc_bind_ask *ask;
    struct tambo_arena arena;
    void *ret;
    bool is_done;
    int rc;
    uint16_t port;
    char why[320];
};

struct rig {
    struct mem mem;
    struct sim *sim;
    struct host here, there;
    struct rpc_binder *binder;
    struct rpc_server *server;
    struct rpc_registration *registration;
    struct tambo_rpc_program program;
    int told;
    unsigned told_count;
    bool is_closed;
};

/* ---- the stage ------------------------------------------------------------------------------------------------ */

static int
start(void *arg, struct io *io)
{
    struct host *host = arg;
    return rpc_world_new(io, &host->world);
}

static void
died(void *arg, enum sim_death how)
{
    struct host *host = arg;
    (void)how;
    rpc_world_free(host->world);
}

static void
boot(struct rig *rig, struct host *host, const char *name)
{
    struct sim_program program = { .start = start, .died = died, .arg = host, .mem = &host->mem };
    must(sim_machine_new(rig->sim, name, &program, &host->machine) == 0);
    sim_boot(host->machine);
    sim_run_for(rig->sim, SIM_NS_A_MS);
}

static struct rpc_address
address_of(const char *text)
{
    struct rpc_address address;
    must(rpc_address_parse(view_str(text), &address) == 0);
    return address;
}

static void
start_binder(struct rig *rig)
{
    const struct rpc_address tcp = address_of("tcp://10.0.0.1:111"), udp = address_of("udp://10.0.0.1:111");
    assert_int_equal(rpc_binder_new(rig->here.world, &rig->binder), 0);
    assert_int_equal(rpc_binder_listen(rig->binder, &tcp, NULL), 0);
    assert_int_equal(rpc_binder_listen(rig->binder, &udp, NULL), 0);
}

static int
set_up(void **state)
{
    static struct rig rig;
    memset(&rig, 0, sizeof(rig));
    must(sim_new(&rig.mem, 1, NULL, &rig.sim) == 0);
    boot(&rig, &rig.here, "10.0.0.1");
    boot(&rig, &rig.there, "10.0.0.2");
    *state = &rig;
    return 0;
}

static int
tear_down(void **state)
{
    struct rig *rig = *state;
    rpc_registration_free(rig->registration);
    rpc_binder_free(rig->binder);
    rpc_server_free(rig->server);
    sim_run_for(rig->sim, SIM_NS_A_S);
    sim_free(rig->sim);
    return rig->here.mem.used_bytes + rig->there.mem.used_bytes + rig->mem.used_bytes == 0 ? 0 : -1;
}

/* ---- asking --------------------------------------------------------------------------------------------------- */

static bool
is_done(void *arg)
{
    return ((struct asked *)arg)->is_done;
}

static void
on_done(struct rpc_call *call, int rc, struct view results)
{
    struct asked *asked = container_of(call, struct asked, call);
    struct tambo_xdr_in in;
    asked->is_done = true;
    asked->rc = rc;
    if (rc < 0)
        return;
    tambo_xdr_in_init(&in, results.data, results.len, &asked->arena);
    assert_int_equal(asked->procedure->decode_ret(&in, asked->ret), 0);
}

/* Calls an rpcbind and waits for the answer; what it points to is freed with the arena. */
static int
call(struct rig *rig, struct host *from, const char *at, uint32_t version, uint32_t number, const void *args,
     struct tambo_arena *arena, void *ret)
{
    static const struct rpc_call_on on = { .done = on_done };
    struct asked asked = { .procedure = rpc_bind_procedure(version, number), .ret = ret };
    assert_int_equal(rpc_client_new(from->world, at, RPCBIND_PROGRAM, version, &asked.client), 0);
    assert_int_equal(rpc_client_set(asked.client, TAMBO_RPC_SEMANTICS, TAMBO_AT_LEAST_ONCE), 0);
    assert_int_equal(rpc_client_set(asked.client, TAMBO_RPC_DEADLINE_MS, 20000), 0);
    assert_int_equal(rpc_call_begin(asked.client, asked.procedure, args, RPC_FORM_REPLY, &on, &asked.call, NULL), 0);
    assert_true(sim_run_until(rig->sim, is_done, &asked, 30 * SIM_NS_A_S));
    rpc_client_free(asked.client);
    *arena = asked.arena;
    return asked.rc;
}

static struct rpcbind_mapping
mapping_of(uint32_t version, const char *netid, const char *address)
{
    return (struct rpcbind_mapping){ PROGRAM, version, (char *)netid, (char *)address, (char *)"" };
}

/* SET or UNSET: yes or no. */
static bool
change(struct rig *rig, struct host *from, const char *at, uint32_t number, const struct rpcbind_mapping *mapping)
{
    struct tambo_arena arena;
    bool yes = false;
    assert_int_equal(call(rig, from, at, 4, number, mapping, &arena, &yes), 0);
    tambo_arena_free(&arena);
    return yes;
}

/* What a question for an address is answered with, in `ret`. */
static const char *
look_up(struct rig *rig, const char *at, uint32_t number, const struct rpcbind_mapping *asked, char ret[256])
{
    struct tambo_arena arena;
    char *text;
    assert_int_equal(call(rig, &rig->there, at, 4, number, asked, &arena, &text), 0);
    snprintf(ret, 256, "%s", text);
    tambo_arena_free(&arena);
    return ret;
}

static void
on_port(void *arg, int rc, const struct rpc_address *address, const char *why)
{
    struct asked *asked = arg;
    asked->is_done = true;
    asked->rc = rc;
    asked->port = address->at.port;
    snprintf(asked->why, sizeof(asked->why), "%s", why);
    rpc_bind_ask_free(asked->ask);
    asked->ask = NULL;
}

static struct asked
find_port(struct rig *rig, const char *at, uint32_t version)
{
    struct rpc_address address = address_of(at);
    struct asked asked = { 0 };
    assert_int_equal(rpc_bind_ask(rig->there.world, &address, PROGRAM, version, 5000, on_port, &asked, &asked.ask), 0);
    assert_true(sim_run_until(rig->sim, is_done, &asked, 30 * SIM_NS_A_S));
    return asked;
}

/* ---- set and unset -------------------------------------------------------------------------------------------- */

static void
what_is_set_is_found_until_it_is_unset(void **state)
{
    struct rig *rig = *state;
    const struct rpcbind_mapping m = mapping_of(2, "tcp", "10.0.0.1.8.1");
    char text[256];
    start_binder(rig);
    assert_string_equal(look_up(rig, "tcp://10.0.0.1:111", RPCBIND_GETADDR, &m, text), "");
    assert_true(change(rig, &rig->here, "tcp://127.0.0.1:111", RPCBIND_SET, &m));
    assert_string_equal(look_up(rig, "tcp://10.0.0.1:111", RPCBIND_GETADDR, &m, text), "10.0.0.1.8.1");
    assert_true(change(rig, &rig->here, "udp://127.0.0.1:111", RPCBIND_UNSET, &m));
    assert_string_equal(look_up(rig, "udp://10.0.0.1:111", RPCBIND_GETADDR, &m, text), "");
    assert_false(change(rig, &rig->here, "tcp://127.0.0.1:111", RPCBIND_UNSET, &m));
}

static void
strangers_change_nothing(void **state)
{
    struct rig *rig = *state;
    const struct rpcbind_mapping m = mapping_of(1, "tcp", "10.0.0.1.8.1");
    start_binder(rig);
    assert_false(change(rig, &rig->there, "tcp://10.0.0.1:111", RPCBIND_SET, &m));
    assert_true(change(rig, &rig->here, "tcp://127.0.0.1:111", RPCBIND_SET, &m));
    assert_false(change(rig, &rig->there, "udp://10.0.0.1:111", RPCBIND_UNSET, &m));
    assert_int_equal(find_port(rig, "tcp://10.0.0.1", 1).port, 0x801);
}

static void
what_is_roots_stays(void **state)
{
    struct rig *rig = *state;
    const struct rpcbind_mapping m = mapping_of(1, "tcp", "10.0.0.1.8.1");
    const struct rpcbind_mapping own = { RPCBIND_PROGRAM, 4, (char *)"tcp", (char *)"10.0.0.1.9.9", (char *)"" };
    start_binder(rig);
    assert_int_equal(rpc_binder_set(rig->binder, &m), 0);
    assert_false(change(rig, &rig->here, "tcp://127.0.0.1:111", RPCBIND_UNSET, &m));
    assert_false(change(rig, &rig->here, "tcp://127.0.0.1:111", RPCBIND_UNSET, &own));
    assert_false(change(rig, &rig->here, "tcp://127.0.0.1:111", RPCBIND_SET, &own));
    rpc_binder_unset(rig->binder, PROGRAM, 1, "");
    assert_int_equal(find_port(rig, "tcp://10.0.0.1", 1).rc, -ERR_PROGRAM);
}

static void
a_mapping_is_not_set_anew(void **state)
{
    struct rig *rig = *state;
    const struct rpcbind_mapping m = mapping_of(1, "udp", "10.0.0.1.8.1");
    struct rpcbind_mapping other = mapping_of(1, "udp", "10.0.0.1.8.2");
    start_binder(rig);
    assert_int_equal(rpc_binder_set(rig->binder, &m), 0);
    assert_int_equal(rpc_binder_set(rig->binder, &m), 0);
    assert_int_equal(rpc_binder_set(rig->binder, &other), -ERR_EXISTS);
    other = mapping_of(1, "udp6", "10.0.0.1.8.2");
    assert_int_equal(rpc_binder_set(rig->binder, &other), -ERR_INVALID);
    other = mapping_of(1, "tcp", "nowhere");
    assert_int_equal(rpc_binder_set(rig->binder, &other), -ERR_INVALID);
    other = mapping_of(1, "", "x");
    assert_int_equal(rpc_binder_set(rig->binder, &other), -ERR_INVALID);
    other = mapping_of(1, "local", "/run/x.sock");
    assert_int_equal(rpc_binder_set(rig->binder, &other), 0);
}

static void
version_2_sets_for_all_addresses_of_IPv4(void **state)
{
    struct rig *rig = *state;
    const struct rpcbind_pmap m = { PROGRAM, 1, 17, 2049 }, tcp = { PROGRAM, 1, 6, 2050 };
    struct rpcbind_pmap nonsense = { PROGRAM, 1, 6, 70000 };
    struct tambo_arena arena;
    uint32_t port;
    bool yes;
    start_binder(rig);
    assert_int_equal(call(rig, &rig->here, "udp://127.0.0.1:111", 2, RPCBIND_SET, &m, &arena, &yes), 0);
    assert_true(yes);
    assert_int_equal(call(rig, &rig->here, "udp://127.0.0.1:111", 2, RPCBIND_SET, &tcp, &arena, &yes), 0);
    assert_true(yes);
    assert_int_equal(call(rig, &rig->here, "udp://127.0.0.1:111", 2, RPCBIND_SET, &nonsense, &arena, &yes), 0);
    assert_false(yes);
    nonsense.protocol = 132;
    nonsense.port = 5;
    assert_int_equal(call(rig, &rig->here, "udp://127.0.0.1:111", 2, RPCBIND_SET, &nonsense, &arena, &yes), 0);
    assert_false(yes);
    assert_int_equal(call(rig, &rig->there, "udp://10.0.0.1:111", 2, RPCBIND_GETADDR, &m, &arena, &port), 0);
    assert_int_equal(port, 2049);
    assert_int_equal(call(rig, &rig->here, "udp://127.0.0.1:111", 2, RPCBIND_UNSET, &m, &arena, &yes), 0);
    assert_true(yes);
    assert_int_equal(call(rig, &rig->there, "udp://10.0.0.1:111", 2, RPCBIND_GETADDR, &tcp, &arena, &port), 0);
    assert_int_equal(port, 0);
}

/* ---- lookups -------------------------------------------------------------------------------------------------- */

static void
addresses_are_those_that_the_caller_can_use(void **state)
{
    struct rig *rig = *state;
    const struct rpcbind_mapping set = mapping_of(1, "tcp", "0.0.0.0.8.1");
    struct rpcbind_mapping asked = mapping_of(1, "tcp", "10.0.0.1.0.111");
    char text[256];
    start_binder(rig);
    assert_int_equal(rpc_binder_set(rig->binder, &set), 0);
    assert_string_equal(look_up(rig, "tcp://10.0.0.1:111", RPCBIND_GETADDR, &asked, text), "10.0.0.1.8.1");
    asked.address = (char *)"";
    assert_string_equal(look_up(rig, "tcp://10.0.0.1:111", RPCBIND_GETADDR, &asked, text), "0.0.0.0.8.1");
    asked.netid = (char *)""; /* then that by which was asked */
    assert_string_equal(look_up(rig, "tcp://10.0.0.1:111", RPCBIND_GETADDR, &asked, text), "0.0.0.0.8.1");
    assert_string_equal(look_up(rig, "udp://10.0.0.1:111", RPCBIND_GETADDR, &asked, text), "");
}

static void
a_version_that_is_not_there_is_another_or_none(void **state)
{
    struct rig *rig = *state;
    const struct rpcbind_mapping first = mapping_of(1, "tcp", "10.0.0.1.1.1"),
                                 third = mapping_of(3, "tcp", "10.0.0.1.3.3");
    const struct rpcbind_mapping asked = mapping_of(2, "tcp", "");
    char text[256];
    start_binder(rig);
    assert_int_equal(rpc_binder_set(rig->binder, &third), 0);
    assert_int_equal(rpc_binder_set(rig->binder, &first), 0);
    assert_string_equal(look_up(rig, "tcp://10.0.0.1:111", RPCBIND_GETADDR, &asked, text), "10.0.0.1.3.3");
    assert_string_equal(look_up(rig, "tcp://10.0.0.1:111", RPCBIND_GETVERSADDR, &asked, text), "");
}

static void
all_of_it_is_listed(void **state)
{
    struct rig *rig = *state;
    const struct rpcbind_mapping m = mapping_of(1, "tcp6", "::.8.1");
    struct rpcbind_mappings mappings;
    struct rpcbind_pmaps pmaps;
    struct tambo_arena arena;
    start_binder(rig);
    assert_int_equal(rpc_binder_set(rig->binder, &m), 0);
    assert_int_equal(call(rig, &rig->there, "tcp://10.0.0.1:111", 3, RPCBIND_DUMP, NULL, &arena, &mappings), 0);
    assert_int_equal(mappings.count, 7);
    assert_int_equal(mappings.items[6].program, PROGRAM);
    assert_string_equal(mappings.items[6].netid, "tcp6");
    assert_string_equal(mappings.items[6].owner, "superuser");
    tambo_arena_free(&arena);
    assert_int_equal(call(rig, &rig->there, "udp://10.0.0.1:111", 2, RPCBIND_DUMP, NULL, &arena, &pmaps), 0);
    assert_int_equal(pmaps.count, 6);
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(pmaps.items[i].port, 111);
    tambo_arena_free(&arena);
}

static void
addresses_are_translated(void **state)
{
    static const char *const texts[] = { "10.1.2.3.8.1", "fe80::1.0.111" };
    struct rig *rig = *state;
    struct rpcbind_netbuf netbuf;
    struct tambo_arena arena, again;
    char *text;
    uint32_t now;
    start_binder(rig);
    for (unsigned i = 0; i < 2; i++) {
        const char *one = texts[i];
        assert_int_equal(call(rig, &rig->there, "tcp://10.0.0.1:111", 3, RPCBIND_UADDR2TADDR, &one, &arena, &netbuf),
                         0);
        assert_int_equal(netbuf.bytes.len, i == 0 ? 16 : 28);
        assert_int_equal(call(rig, &rig->there, "tcp://10.0.0.1:111", 3, RPCBIND_TADDR2UADDR, &netbuf, &again, &text),
                         0);
        assert_string_equal(text, one);
        tambo_arena_free(&arena);
        tambo_arena_free(&again);
    }
    netbuf.bytes.len = 0;
    assert_int_equal(call(rig, &rig->there, "tcp://10.0.0.1:111", 4, RPCBIND_TADDR2UADDR, &netbuf, &arena, &text), 0);
    assert_string_equal(text, "");
    tambo_arena_free(&arena);
    assert_int_equal(call(rig, &rig->there, "tcp://10.0.0.1:111", 4, RPCBIND_GETTIME, NULL, &arena, &now), 0);
    assert_int_equal(now, io_wall_ms(rpc_world_io(rig->here.world)) / 1000);
}

/* ---- forwarding ----------------------------------------------------------------------------------------------- */

static void
procedure_0_is_forwarded_for_everybody(void **state)
{
    struct rig *rig = *state;
    const struct rpcbind_call null = {
        RPCBIND_PROGRAM, 4, 0, {NULL, 0}
    };
    struct rpcbind_pmap_result pmap;
    struct rpcbind_result result;
    struct tambo_arena arena;
    start_binder(rig);
    assert_int_equal(call(rig, &rig->there, "udp://10.0.0.1:111", 4, RPCBIND_CALLIT, &null, &arena, &result), 0);
    assert_string_equal(result.address, "10.0.0.1.0.111");
    assert_int_equal(result.results.len, 0);
    tambo_arena_free(&arena);
    assert_int_equal(call(rig, &rig->there, "udp://10.0.0.1:111", 2, RPCBIND_CALLIT, &null, &arena, &pmap), 0);
    assert_int_equal(pmap.port, 111);
    tambo_arena_free(&arena);
}

static void
who_cannot_be_served_hears_nothing_unless_it_asked_to(void **state)
{
    struct rig *rig = *state;
    const struct rpcbind_call nobody = {
        PROGRAM, 1, 0, {NULL, 0}
    };
    const struct rpcbind_call dump = {
        RPCBIND_PROGRAM, 4, RPCBIND_DUMP, {NULL, 0}
    };
    struct rpcbind_result result;
    struct tambo_arena arena;
    start_binder(rig);
    assert_int_equal(call(rig, &rig->there, "udp://10.0.0.1:111", 4, RPCBIND_CALLIT, &nobody, &arena, &result),
                     -ERR_TIMEOUT);
    assert_int_equal(call(rig, &rig->there, "udp://10.0.0.1:111", 4, RPCBIND_CALLIT, &dump, &arena, &result),
                     -ERR_TIMEOUT);
    assert_int_equal(call(rig, &rig->there, "udp://10.0.0.1:111", 4, RPCBIND_INDIRECT, &nobody, &arena, &result),
                     -ERR_PROGRAM);
    assert_int_equal(call(rig, &rig->there, "udp://10.0.0.1:111", 4, RPCBIND_INDIRECT, &dump, &arena, &result),
                     -ERR_DENIED);
    assert_int_equal(call(rig, &rig->here, "udp://127.0.0.1:111", 4, RPCBIND_INDIRECT, &dump, &arena, &result),
                     -ERR_DENIED);
}

/* ---- asking for a port ---------------------------------------------------------------------------------------- */

static void
a_port_is_found(void **state)
{
    struct rig *rig = *state;
    const struct rpcbind_mapping tcp = mapping_of(1, "tcp", "10.0.0.1.8.1"), udp = mapping_of(1, "udp", "0.0.0.0.8.2");
    start_binder(rig);
    assert_int_equal(rpc_binder_set(rig->binder, &tcp), 0);
    assert_int_equal(rpc_binder_set(rig->binder, &udp), 0);
    struct asked asked = find_port(rig, "tcp://10.0.0.1", 1);
    assert_int_equal(asked.rc, 0);
    assert_int_equal(asked.port, 0x801);
    asked = find_port(rig, "udp://10.0.0.1", 1);
    assert_int_equal(asked.rc, 0);
    assert_int_equal(asked.port, 0x802);
}

static void
why_there_is_none(void **state)
{
    struct rig *rig = *state;
    struct asked asked = find_port(rig, "tcp://10.0.0.1", 1);
    assert_int_equal(asked.rc, -ERR_REFUSED);
    assert_string_equal(asked.why, "rpcbind at 10.0.0.1, asked over tcp: connection refused");
    start_binder(rig);
    asked = find_port(rig, "udp://10.0.0.1", 1);
    assert_int_equal(asked.rc, -ERR_PROGRAM);
    assert_string_equal(asked.why, "rpcbind at 10.0.0.1 has no program 536870913 over udp");
}

/* A port mapper of old: version 2 and nothing else. */
static void
an_old_one_is_asked_as_it_understands(void **state)
{
    struct rig *rig = *state;
    const struct rpcbind_mapping m = mapping_of(1, "tcp", "10.0.0.1.8.1");
    const struct rpc_address at = address_of("tcp://10.0.0.1:111");
    struct binder_version version;
    struct rpc_server *old;
    struct rpc_address bound;
    assert_int_equal(rpc_binder_new(rig->here.world, &rig->binder), 0);
    assert_int_equal(rpc_binder_set(rig->binder, &m), 0);
    version = (struct binder_version){ .binder = rig->binder, .number = 2 };
    assert_int_equal(rpc_server_new(rig->here.world, &binder_server_on, rig->binder, &old), 0);
    assert_int_equal(rpc_server_serve(old, &rpc_bind_programs[0], NULL, &version), 0);
    assert_int_equal(rpc_server_listen(old, &at, &bound), 0);
    struct asked asked = find_port(rig, "tcp://10.0.0.1", 1);
    assert_int_equal(asked.rc, 0);
    assert_int_equal(asked.port, 0x801);
    assert_int_equal(version.counts.procedures[RPCBIND_GETADDR], 1);
    rpc_server_free(old);
}

static void
a_question_may_be_taken_back(void **state)
{
    struct rig *rig = *state;
    struct rpc_address address = address_of("udp://10.0.0.1");
    struct asked asked = { 0 };
    start_binder(rig);
    assert_int_equal(rpc_bind_ask(rig->there.world, &address, PROGRAM, 1, 5000, on_port, &asked, &asked.ask), 0);
    rpc_bind_ask_free(asked.ask);
    sim_run_for(rig->sim, SIM_NS_A_S);
    assert_false(asked.is_done);
}

/* Each allocation fails in turn, until one question gets through. */
static void
a_question_without_memory(void **state)
{
    struct rig *rig = *state;
    const struct rpcbind_mapping m = mapping_of(1, "tcp", "10.0.0.1.8.1");
    struct rpc_address address = address_of("tcp://10.0.0.1");
    struct mem *mem = &rig->there.mem;
    bool is_found = false;
    start_binder(rig);
    assert_int_equal(rpc_binder_set(rig->binder, &m), 0);
    for (uint64_t i = 1; !is_found; i++) {
        struct asked asked = { 0 };
        assert_true(i < FAILURES_MAX);
        mem->calls = 0;
        mem->fail_at = i;
        if (rpc_bind_ask(rig->there.world, &address, PROGRAM, 1, 5000, on_port, &asked, &asked.ask) == 0) {
            assert_true(sim_run_until(rig->sim, is_done, &asked, 30 * SIM_NS_A_S));
            is_found = asked.rc == 0 && mem->calls < i;
        }
        mem->fail_at = 0;
        sim_run_for(rig->sim, SIM_NS_A_S);
    }
}

/* ---- registrations -------------------------------------------------------------------------------------------- */

static void
on_told(void *arg, int rc)
{
    struct rig *rig = arg;
    rig->told = rc;
    rig->told_count++;
}

static void
on_closed(void *arg)
{
    struct rig *rig = arg;
    rig->is_closed = true;
    rig->registration = NULL;
}

static bool
is_told(void *arg)
{
    return ((struct rig *)arg)->told_count > 0;
}

static bool
is_closed(void *arg)
{
    return ((struct rig *)arg)->is_closed;
}

static void
listen_at(struct rig *rig, const char *text)
{
    const struct rpc_address address = address_of(text);
    struct rpc_address bound;
    assert_int_equal(rpc_server_listen(rig->server, &address, &bound), 0);
}

static void
serve(struct rig *rig)
{
    rig->program = (struct tambo_rpc_program){ .name = "TEST", .program = PROGRAM, .version = 1 };
    assert_int_equal(rpc_server_new(rig->here.world, &binder_server_on, NULL, &rig->server), 0);
    assert_int_equal(rpc_server_serve(rig->server, &rig->program, NULL, NULL), 0);
    listen_at(rig, "tcp://10.0.0.1:700");
    listen_at(rig, "udp://10.0.0.1:701");
    listen_at(rig, "inproc:test");
}

/* 0, or what the owner was told. */
static int
enroll(struct rig *rig)
{
    static const struct rpc_registration_on on = { .told = on_told, .closed = on_closed };
    rig->told_count = 0;
    assert_int_equal(rpc_registration_open(rig->here.world, rig->server, &on, rig, &rig->registration), 0);
    assert_true(sim_run_until(rig->sim, is_told, rig, 30 * SIM_NS_A_S));
    return rig->told;
}

static void
a_server_registers_and_takes_it_back(void **state)
{
    struct rig *rig = *state;
    start_binder(rig);
    serve(rig);
    assert_int_equal(enroll(rig), 0);
    assert_int_equal(find_port(rig, "tcp://10.0.0.1", 1).port, 700);
    assert_int_equal(find_port(rig, "udp://10.0.0.1", 1).port, 701);
    rpc_registration_close(rig->registration);
    assert_true(sim_run_until(rig->sim, is_closed, rig, 2 * SIM_NS_A_S));
    assert_int_equal(find_port(rig, "tcp://10.0.0.1", 1).rc, -ERR_PROGRAM);
    assert_int_equal(find_port(rig, "udp://10.0.0.1", 1).rc, -ERR_PROGRAM);
}

static void
what_an_earlier_run_left_is_replaced(void **state)
{
    struct rig *rig = *state;
    const struct rpcbind_mapping left = mapping_of(1, "tcp", "10.0.0.1.9.9");
    start_binder(rig);
    assert_true(change(rig, &rig->here, "tcp://127.0.0.1:111", RPCBIND_SET, &left));
    serve(rig);
    assert_int_equal(enroll(rig), 0);
    assert_int_equal(find_port(rig, "tcp://10.0.0.1", 1).port, 700);
}

static void
what_is_anothers_is_not_taken(void **state)
{
    struct rig *rig = *state;
    const struct rpcbind_mapping roots = mapping_of(1, "tcp", "10.0.0.1.9.9");
    start_binder(rig);
    assert_int_equal(rpc_binder_set(rig->binder, &roots), 0);
    serve(rig);
    assert_int_equal(enroll(rig), -ERR_DENIED);
    assert_int_equal(find_port(rig, "tcp://10.0.0.1", 1).port, 0x909);
    assert_int_equal(find_port(rig, "udp://10.0.0.1", 1).port, 701);
}

static void
a_new_door_is_told(void **state)
{
    struct rig *rig = *state;
    start_binder(rig);
    rig->program = (struct tambo_rpc_program){ .name = "TEST", .program = PROGRAM, .version = 1 };
    assert_int_equal(rpc_server_new(rig->here.world, &binder_server_on, NULL, &rig->server), 0);
    assert_int_equal(rpc_server_serve(rig->server, &rig->program, NULL, NULL), 0);
    assert_int_equal(enroll(rig), 0);
    listen_at(rig, "tcp://10.0.0.1:700");
    rig->told_count = 0;
    rpc_registration_renew(rig->registration);
    listen_at(rig, "udp://10.0.0.1:701"); /* while the first is on its way */
    rpc_registration_renew(rig->registration);
    assert_true(sim_run_until(rig->sim, is_told, rig, 30 * SIM_NS_A_S));
    assert_int_equal(rig->told, 0);
    assert_int_equal(find_port(rig, "tcp://10.0.0.1", 1).port, 700);
    assert_int_equal(find_port(rig, "udp://10.0.0.1", 1).port, 701);
}

static void
a_restart_of_rpcbind_is_survived(void **state)
{
    struct rig *rig = *state;
    start_binder(rig);
    serve(rig);
    assert_int_equal(enroll(rig), 0);
    rpc_binder_free(rig->binder);
    start_binder(rig);
    assert_int_equal(find_port(rig, "tcp://10.0.0.1", 1).rc, -ERR_PROGRAM);
    sim_run_for(rig->sim, 12 * SIM_NS_A_S);
    assert_int_equal(find_port(rig, "tcp://10.0.0.1", 1).port, 700);
    assert_int_equal(find_port(rig, "udp://10.0.0.1", 1).port, 701);
}

static void
where_none_runs_a_server_is_one(void **state)
{
    struct rig *rig = *state;
    serve(rig);
    assert_int_equal(enroll(rig), 0);
    assert_int_equal(find_port(rig, "tcp://10.0.0.1", 1).port, 700);
    assert_int_equal(find_port(rig, "udp://10.0.0.1", 1).port, 701);
    rpc_registration_close(rig->registration);
    assert_true(sim_run_until(rig->sim, is_closed, rig, 2 * SIM_NS_A_S));
    assert_int_equal(find_port(rig, "tcp://10.0.0.1", 1).rc, -ERR_REFUSED);
}

/* Each allocation of the machine fails in turn, rpcbind's own too: a later round makes it good. */
static void
a_registration_without_memory(void **state)
{
    static const struct rpc_registration_on on = { .told = on_told, .closed = on_closed };
    struct rig *rig = *state;
    struct mem *mem = &rig->here.mem;
    bool is_past = false;
    start_binder(rig);
    serve(rig);
    for (uint64_t i = 1; !is_past; i++) {
        assert_true(i < FAILURES_MAX);
        mem->calls = 0;
        mem->fail_at = i;
        rig->is_closed = false;
        if (rpc_registration_open(rig->here.world, rig->server, &on, rig, &rig->registration) == 0) {
            sim_run_for(rig->sim, 2 * SIM_NS_A_S);
            is_past = mem->calls < i;
            mem->fail_at = 0;
            sim_run_for(rig->sim, 25 * SIM_NS_A_S);
            assert_int_equal(find_port(rig, "udp://10.0.0.1", 1).port, 701);
            rpc_registration_close(rig->registration);
            assert_true(sim_run_until(rig->sim, is_closed, rig, 2 * SIM_NS_A_S));
        }
        mem->fail_at = 0;
        sim_run_for(rig->sim, SIM_NS_A_S);
    }
}

static void
who_falls_silent_is_not_waited_for(void **state)
{
    struct rig *rig = *state;
    start_binder(rig);
    serve(rig);
    assert_int_equal(enroll(rig), 0);
    (void)sim_mute_streams(rig->sim, rig->here.machine, rig->here.machine);
    rpc_registration_close(rig->registration);
    assert_true(sim_run_until(rig->sim, is_closed, rig, 2 * SIM_NS_A_S));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_set_is_found_until_it_is_unset),
        TEST(strangers_change_nothing),
        TEST(what_is_roots_stays),
        TEST(a_mapping_is_not_set_anew),
        TEST(version_2_sets_for_all_addresses_of_IPv4),
        TEST(addresses_are_those_that_the_caller_can_use),
        TEST(a_version_that_is_not_there_is_another_or_none),
        TEST(all_of_it_is_listed),
        TEST(addresses_are_translated),
        TEST(procedure_0_is_forwarded_for_everybody),
        TEST(who_cannot_be_served_hears_nothing_unless_it_asked_to),
        TEST(a_port_is_found),
        TEST(why_there_is_none),
        TEST(an_old_one_is_asked_as_it_understands),
        TEST(a_question_may_be_taken_back),
        TEST(a_question_without_memory),
        TEST(a_server_registers_and_takes_it_back),
        TEST(what_an_earlier_run_left_is_replaced),
        TEST(what_is_anothers_is_not_taken),
        TEST(a_new_door_is_told),
        TEST(a_restart_of_rpcbind_is_survived),
        TEST(where_none_runs_a_server_is_one),
        TEST(a_registration_without_memory),
        TEST(who_falls_silent_is_not_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
