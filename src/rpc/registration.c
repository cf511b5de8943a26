/* rpc/registration.c - what a server tells rpcbind.
 *
 * A round goes through all facts, one call at a time: the first time a fact is unset, for an earlier run of the same
 * server may have left another port behind, and then set.  Later rounds only set, which rpcbind answers with yes when
 * it knows the very same: so what was lost is restored, and what another server has taken over stays its own. */
#include "rpc/registration.h"

#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"
#include "rpc/binder.h"
#include "rpc/client.h"

enum { CALL_MS = 1000, IDLE_MS = 1000, VERSION_NEWEST = 4, VERSION_OLDEST = 2 };
static const uint64_t ROUND_NS = UINT64_C(10000000000); /* between two of them */
static const uint64_t CLOSE_NS = UINT64_C(1000000000);

/* A program's version has this address by this netid. */
struct fact {
    struct list link;
    uint32_t program, version;
    const struct rpcbind_netid *netid;
    char address[RPCBIND_TEXT_MAX + 1];
    unsigned round; /* the last one that it was done in */
    bool is_cleared, is_told;
};

struct rpc_registration {
    struct rpc_world *world;
    const struct rpc_server *server;
    const struct rpc_registration_on *on;
    void *arg;
    struct list facts;
    unsigned round;
    struct rpc_client *client; /* NULL: between rounds */
    uint32_t spoken;           /* the version of rpcbind */
    struct rpc_call call;
    struct fact *current; /* whose call is under way */
    bool is_unsetting;    /* which it is */
    struct io_timer timer;
    struct rpc_binder *binder; /* ours, where none runs */
    bool is_awaited;           /* somebody wants to hear of this round */
    bool is_closing;
    int heard; /* what `told` was told last */
    int collected;
};

static struct io *
io_of(const struct rpc_registration *r)
{
    return rpc_world_io(r->world);
}

static void go_on(struct rpc_registration *r);
static void begin_round(void *arg);

/* ---- facts ---------------------------------------------------------------------------------------------------- */

static bool
is_known(const struct rpc_registration *r, uint32_t program, uint32_t version, const struct rpcbind_netid *netid)
{
    LIST_EACH(&r->facts, link) {
        const struct fact *fact = container_of(link, struct fact, link);
        if (fact->program == program && fact->version == version && fact->netid == netid)
            return true;
    }
    return false;
}

static void
add_fact(struct rpc_registration *r, const struct tambo_rpc_program *program, const struct rpc_address *at,
         const char *host)
{
    const struct rpcbind_netid *netid = rpcbind_netid_of(rpcbind_host_family(host), at->transport == RPC_UDP ? 17 : 6);
    if (is_known(r, program->program, program->version, netid))
        return;
    struct fact *fact = MEM_NEW(io_mem(io_of(r)), struct fact);
    if (fact == NULL) {
        r->collected = -ERR_NO_MEMORY;
        return;
    }
    fact->program = program->program;
    fact->version = program->version;
    fact->netid = netid;
    (void)rpcbind_address_print(host, at->at.port, fact->address, sizeof(fact->address));
    list_init(&fact->link);
    list_push(&r->facts, &fact->link);
}

/* Every address of the machine is one of each family.  What a name stands for differs from caller to caller, and they
 * find it themselves: only the port counts. */
static void
collect_one(void *arg, const struct tambo_rpc_program *program, const struct rpc_address *address)
{
    struct rpc_registration *r = arg;
    const char *host = address->at.host;
    bool is_all = strcmp(host, "*") == 0 || strcmp(host, "::") == 0;

    if (address->transport != RPC_TCP && address->transport != RPC_UDP)
        return;
    if (is_all || rpcbind_host_family(host) == 0)
        add_fact(r, program, address, "0.0.0.0");
    else
        add_fact(r, program, address, host);
    if (is_all)
        add_fact(r, program, address, "::");
}

static int
collect(struct rpc_registration *r)
{
    r->collected = 0;
    rpc_server_each(r->server, collect_one, r);
    return r->collected;
}

/* Version 2 has no words for IPv6. */
static bool
can_say(const struct rpc_registration *r, const struct fact *fact)
{
    return r->spoken > VERSION_OLDEST || fact->netid->family == 4;
}

/* All are cleared before one is set, for version 2 unsets by tcp and udp at once. */
static struct fact *
next_to_clear(const struct rpc_registration *r)
{
    LIST_EACH(&r->facts, link) {
        struct fact *fact = container_of(link, struct fact, link);
        if (!fact->is_cleared && can_say(r, fact))
            return fact;
    }
    return NULL;
}

/* The next that this round has to set; in the last one that is what has to be taken back. */
static struct fact *
next_to_do(const struct rpc_registration *r)
{
    LIST_EACH(&r->facts, link) {
        struct fact *fact = container_of(link, struct fact, link);
        if (fact->round != r->round && can_say(r, fact) && (!r->is_closing || fact->is_told))
            return fact;
    }
    return NULL;
}

/* ---- the end of a round --------------------------------------------------------------------------------------- */

static void
tell(struct rpc_registration *r, int rc)
{
    bool is_news = r->is_awaited || rc != r->heard;
    r->is_awaited = false;
    r->heard = rc;
    if (is_news && r->on->told != NULL)
        r->on->told(r->arg, rc);
}

static void
end_closing(struct rpc_registration *r)
{
    const struct rpc_registration_on *on = r->on;
    void *arg = r->arg;
    rpc_registration_free(r);
    on->closed(arg);
}

/* Our own rpcbind forgets nothing; every other one is asked again. */
static void
end_round(struct rpc_registration *r, int rc)
{
    struct io *io = io_of(r);

    rpc_client_free(r->client);
    r->client = NULL;
    if (r->is_closing) {
        end_closing(r);
        return;
    }
    LIST_EACH(&r->facts, link) {
        const struct fact *fact = container_of(link, struct fact, link);
        if (rc == 0 && !fact->is_told && can_say(r, fact))
            rc = -ERR_DENIED;
    }
    bool is_for_good = rc == 0 && (r->binder != NULL || list_empty(&r->facts));
    if (!is_for_good)
        (void)io_timer_set(io, &r->timer, io_now_ns(io) + ROUND_NS, begin_round, r);
    tell(r, rc);
}

/* ---- being rpcbind -------------------------------------------------------------------------------------------- */

/* Are all addresses ones that only this machine sees?  Then our rpcbind is to be seen by it alone, too. */
static bool
is_private(const struct rpc_registration *r)
{
    LIST_EACH(&r->facts, link) {
        const struct fact *fact = container_of(link, struct fact, link);
        if (strncmp(fact->address, "127.", 4) != 0 && strncmp(fact->address, "::1.", 4) != 0)
            return false;
    }
    return true;
}

static int
listen_at(struct rpc_binder *binder, enum rpc_transport transport, const char *host)
{
    struct rpc_address address = {
        .transport = transport, .at = {.kind = IO_TCP, .port = RPCBIND_PORT}
    };
    snprintf(address.at.host, sizeof(address.at.host), "%s", host);
    return rpc_binder_listen(binder, &address, NULL);
}

static int
become_binder(struct rpc_registration *r)
{
    const char *host = is_private(r) ? "127.0.0.1" : "*";
    struct rpc_binder *binder;
    int rc = rpc_binder_new(r->world, &binder);

    if (rc < 0)
        return rc;
    rc = listen_at(binder, RPC_TCP, host);
    if (rc == 0)
        rc = listen_at(binder, RPC_UDP, host);
    if (rc < 0)
        rpc_binder_free(binder);
    else
        r->binder = binder;
    return rc;
}

/* ---- calls ---------------------------------------------------------------------------------------------------- */

static void
failed(struct rpc_registration *r, int rc)
{
    if (!r->is_closing && become_binder(r) == 0)
        go_on(r);
    else
        end_round(r, rc);
}

/* What a call has come to: it was `yes`, or no. */
static void
done_with(struct rpc_registration *r, struct fact *fact, bool yes)
{
    if (r->is_closing || !r->is_unsetting) {
        fact->round = r->round;
        fact->is_told = !r->is_closing && yes;
    } else {
        fact->is_cleared = true;
    }
}

static int open_client(struct rpc_registration *r);

static void
speak_older(struct rpc_registration *r)
{
    rpc_client_free(r->client);
    r->client = NULL;
    r->spoken--;
    int rc = open_client(r);
    if (rc < 0)
        end_round(r, rc);
    else
        go_on(r);
}

static void
on_done(struct rpc_call *call, int rc, struct view results)
{
    struct rpc_registration *r = container_of(call, struct rpc_registration, call);
    struct fact *fact = r->current;
    struct tambo_xdr_in in;
    bool yes = false;

    if (fact == NULL)
        return; /* it is being freed, or closed */
    r->current = NULL;
    tambo_xdr_in_init(&in, results.data, results.len, NULL);
    if (rc == 0)
        rc = rpcbind_decode_bool(&in, &yes) < 0 ? -ERR_RESULTS : 0;
    if ((rc == -ERR_VERSION || rc == -ERR_PROGRAM || rc == -ERR_PROCEDURE) && r->spoken > VERSION_OLDEST) {
        speak_older(r);
    } else if (rc < 0) {
        failed(r, rc);
    } else {
        done_with(r, fact, yes);
        go_on(r);
    }
}

/* The socket where rpcbind knows who we are comes first. */
static int
open_client(struct rpc_registration *r)
{
    static const struct {
        enum tambo_rpc_client_option option;
        int64_t value;
    } options[] = {
        {TAMBO_RPC_SEMANTICS,      TAMBO_AT_LEAST_ONCE},
        { TAMBO_RPC_DEADLINE_MS,   CALL_MS            },
        { TAMBO_RPC_IDLE_MS,       IDLE_MS            },
        { TAMBO_RPC_RETRY_PERCENT, 100                },
        { TAMBO_RPC_RETRY_MS,      1                  },
    };
    int rc =
        rpc_client_new(r->world, "unix:" RPCBIND_SOCKET " tcp://127.0.0.1:111", RPCBIND_PROGRAM, r->spoken, &r->client);
    for (size_t i = 0; i < COUNT_OF(options) && rc == 0; i++)
        rc = rpc_client_set(r->client, options[i].option, options[i].value);
    return rc;
}

static int
call(struct rpc_registration *r, struct fact *fact)
{
    static const struct rpc_call_on call_on = { .done = on_done };
    uint32_t number = r->is_unsetting ? RPCBIND_UNSET : RPCBIND_SET;
    const struct rpcbind_mapping mapping = { fact->program, fact->version, (char *)fact->netid->name, fact->address,
                                             (char *)"" };
    struct rpcbind_pmap pmap = { fact->program, fact->version, fact->netid->protocol, 0 };
    const void *args = &mapping;
    char host[RPCBIND_HOST_MAX];
    uint16_t port;

    if (r->spoken == 2 && rpcbind_address_parse(fact->address, host, &port) == 0) {
        pmap.port = port;
        args = &pmap;
    }
    r->current = fact;
    int rc = rpc_call_begin(r->client, rpc_bind_procedure(r->spoken, number), args, RPC_FORM_REPLY, &call_on, &r->call,
                            NULL);
    if (rc < 0)
        r->current = NULL;
    return rc;
}

/* ---- rounds --------------------------------------------------------------------------------------------------- */

static void
tell_own(struct rpc_registration *r)
{
    for (struct fact *fact; (fact = next_to_do(r)) != NULL;) {
        const struct rpcbind_mapping mapping = { fact->program, fact->version, (char *)fact->netid->name, fact->address,
                                                 (char *)"" };
        fact->round = r->round;
        fact->is_told = rpc_binder_set(r->binder, &mapping) == 0;
    }
}

static void
go_on(struct rpc_registration *r)
{
    struct fact *fact = NULL;
    int rc = 0;

    if (r->binder != NULL && !r->is_closing)
        tell_own(r);
    else if (!r->is_closing)
        fact = next_to_clear(r);
    r->is_unsetting = r->is_closing || fact != NULL;
    if (fact == NULL)
        fact = next_to_do(r);
    if (fact != NULL)
        rc = call(r, fact);
    if (fact == NULL || rc < 0)
        end_round(r, rc);
}

static void
begin_round(void *arg)
{
    struct rpc_registration *r = arg;
    int rc = r->is_closing ? 0 : collect(r);

    if (rc == 0 && r->binder == NULL)
        rc = open_client(r);
    r->round++;
    if (rc < 0)
        end_round(r, rc);
    else
        go_on(r);
}

/* ---- its life ------------------------------------------------------------------------------------------------- */

int
rpc_registration_open(struct rpc_world *world, const struct rpc_server *server, const struct rpc_registration_on *on,
                      void *arg, struct rpc_registration **ret)
{
    struct rpc_registration *r = MEM_NEW(io_mem(rpc_world_io(world)), struct rpc_registration);
    if (r == NULL)
        return -ERR_NO_MEMORY;
    r->world = world;
    r->server = server;
    r->on = on;
    r->arg = arg;
    r->spoken = VERSION_NEWEST;
    list_init(&r->facts);
    *ret = r;
    rpc_registration_renew(r);
    return 0;
}

void
rpc_registration_renew(struct rpc_registration *r)
{
    r->is_awaited = true;
    if (r->current != NULL) {
        (void)collect(r); /* the round that runs goes on with what is new; what had no memory is found by the next */
        return;
    }
    io_timer_cut(io_of(r), &r->timer);
    begin_round(r);
}

/* What was mapped in our own rpcbind goes with it. */
static void
out_of_time(void *arg)
{
    end_closing(arg);
}

void
rpc_registration_close(struct rpc_registration *r)
{
    struct io *io = io_of(r);
    struct fact *current = r->current;

    r->is_closing = true;
    r->current = NULL;
    if (current != NULL)
        current->is_told = true; /* perhaps */
    rpc_client_free(r->client);
    r->client = NULL;
    if (r->binder != NULL || io_timer_set(io, &r->timer, io_now_ns(io) + CLOSE_NS, out_of_time, r) < 0)
        end_closing(r);
    else
        begin_round(r);
}

void
rpc_registration_free(struct rpc_registration *r)
{
    if (r == NULL)
        return;
    struct mem *mem = io_mem(io_of(r));
    io_timer_cut(io_of(r), &r->timer);
    r->current = NULL;
    rpc_client_free(r->client);
    rpc_binder_free(r->binder);
    LIST_EACH(&r->facts, link)
        mem_free(mem, container_of(link, struct fact, link));
    mem_free(mem, r);
}
