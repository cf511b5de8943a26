/* rpc/request.c - a call that was taken, from its arguments to its handler; request_answer.c has the rest.
 *
 * Requests are used again, each with a block of its arena, so that a call of ordinary size allocates nothing.  The
 * owner's thread may run a handler while the loop goes on: what the loop changes of a request meanwhile (its peer,
 * where its reply goes) no handler reads, but for is_canceled. */
#include "base/err.h"
#include "base/mem.h"
#include "rpc/server_core.h"

static const uint64_t NS_A_MS = 1000 * 1000;

/* What decoded arguments may take, for so many bytes that came: an interface whose C is larger than its XDR by more
 * than that is not served to strangers. */
enum { GROWTH_MAX = 64, GROWTH_BYTES_MIN = 64 * 1024 };

/* ---- made and freed -------------------------------------------------------------------------------------------- */

static struct rpc_request *
request_new(struct rpc_server *server)
{
    struct list *spare = list_pop(&server->spares);
    if (spare == NULL)
        return MEM_NEW(server->mem, struct rpc_request);
    server->spare_count--;
    return container_of(spare, struct rpc_request, link);
}

static void
discard(struct rpc_request *request)
{
    tambo_arena_free(&request->arena);
    mem_free(request->server->mem, request);
}

void
request_free(struct rpc_request *request)
{
    struct rpc_server *server = request->server;
    request->arena.bytes_max = 0;
    tambo_arena_reset(&request->arena);
    if (server->is_dead || server->spare_count >= SERVER_SPARES_MAX || request->arena.size > SERVER_SPARE_ARENA_BYTES) {
        discard(request);
        return;
    }
    list_init(&request->link);
    list_push(&server->spares, &request->link);
    server->spare_count++;
}

void
request_free_spares(struct rpc_server *server)
{
    for (struct list *it; (it = list_pop(&server->spares)) != NULL;)
        discard(container_of(it, struct rpc_request, link));
    server->spare_count = 0;
}

/* ---- taken ----------------------------------------------------------------------------------------------------- */

static const struct tambo_rpc_cred nobody = { .machine = "" };

static int
take_cred(struct rpc_request *request, const struct incoming *in)
{
    request->cred = &nobody;
    if (in->call.cred.flavor != ONCRPC_AUTH_SYS)
        return 0;
    const struct oncrpc_sys *sys = &in->sys;
    struct tambo_rpc_cred *cred = tambo_arena_take(&request->arena, sizeof(*cred));
    char *machine = tambo_arena_take(&request->arena, sys->machine.len + 1);
    if (cred == NULL || machine == NULL)
        return -ERR_NO_MEMORY;
    memcpy(machine, sys->machine.data, sys->machine.len);
    machine[sys->machine.len] = '\0';
    *cred = (struct tambo_rpc_cred){ .flavor = ONCRPC_AUTH_SYS,
                                     .stamp = sys->stamp,
                                     .uid = sys->uid,
                                     .gid = sys->gid,
                                     .machine = machine,
                                     .group_count = sys->group_count };
    memcpy(cred->groups, sys->groups, sys->group_count * sizeof(sys->groups[0]));
    request->cred = cred;
    return 0;
}

/* Room of `size` bytes, zeroed; NULL where there are none. */
static int
take_room(struct rpc_request *request, size_t size, void **ret)
{
    *ret = NULL;
    if (size == 0)
        return 0;
    *ret = tambo_arena_take(&request->arena, size);
    if (*ret == NULL)
        return -ERR_NO_MEMORY;
    memset(*ret, 0, size);
    return 0;
}

/* What is left over behind the arguments was meant for another procedure than ours. */
static int
decode(struct rpc_request *request, struct view args)
{
    const struct tambo_rpc_procedure *procedure = request->procedure;
    struct tambo_xdr_in in;
    tambo_xdr_in_init(&in, args.data, args.len, &request->arena);
    if (procedure->decode_args != NULL) {
        int rc = procedure->decode_args(&in, request->args);
        if (rc < 0)
            return rc == -TAMBO_ERR_NO_MEMORY ? -ERR_NO_MEMORY : -ERR_ARGUMENTS;
    }
    return in.at == in.end ? 0 : -ERR_ARGUMENTS;
}

static int
fill(struct rpc_request *request, const struct incoming *in)
{
    const struct tambo_rpc_procedure *procedure = request->procedure;
    request->arena.bytes_max = procedure->args_size + in->args.len * GROWTH_MAX + GROWTH_BYTES_MIN;
    int rc = take_cred(request, in);
    if (rc == 0)
        rc = take_room(request, procedure->args_size, &request->args);
    if (rc == 0)
        rc = decode(request, in->args);
    request->arena.bytes_max = 0; /* what the handler takes is our own doing */
    return rc == 0 ? take_room(request, procedure->ret_size, &request->ret) : rc;
}

static void
join(struct rpc_request *request, struct rpc_peer *peer, const struct io_remote *from)
{
    request->peer = peer;
    if (from != NULL)
        request->from = *from;
    list_push(&peer->requests, &request->at_peer);
    peer->request_count++;
}

void
request_leave(struct rpc_request *request)
{
    list_cut(&request->at_peer);
    if (request->peer != NULL)
        request->peer->request_count--;
    request->peer = NULL;
}

static void
note_origin(struct rpc_request *request, const struct incoming *in)
{
    request->peer_text[0] = '\0';
    request->is_datagram = in->from != NULL;
    if (in->from != NULL)
        request->origin = *in->from;
    else
        memcpy(request->peer_text, in->peer->text, sizeof(request->peer_text));
}

/* All but the arena, which may have a block already. */
static void
begin(struct rpc_request *request, const struct incoming *in)
{
    struct rpc_server *server = in->peer->server;
    struct tambo_arena arena = request->arena;
    uint64_t now_ns = io_now_ns(server->io);
    memset(request, 0, offsetof(struct rpc_request, origin));
    request->server = server;
    request->arena = arena;
    request->xid = in->xid;
    request->flags = in->extra.flags;
    request->number = in->call.procedure;
    request->guard_count = server->guard_count;
    request->served = in->served;
    request->procedure = in->procedure;
    request->metric = in->metric;
    request->begun_ns = server_clock_ns(server);
    request->deadline_ns = in->extra.left_ms == 0 ? UINT64_MAX : now_ns + in->extra.left_ms * NS_A_MS;
    atomic_init(&request->is_canceled, false);
    list_init(&request->link);
    list_init(&request->at_peer);
    note_origin(request, in);
}

int
request_take(const struct incoming *in, struct rpc_request **ret)
{
    struct rpc_server *server = in->peer->server;
    struct rpc_request *request = request_new(server);
    if (request == NULL)
        return -ERR_OVERLOADED;
    begin(request, in);
    int rc = fill(request, in);
    if (rc < 0) {
        request_free(request);
        return rc == -ERR_NO_MEMORY ? -ERR_OVERLOADED : rc;
    }
    join(request, in->peer, in->from);
    server->under_way++;
    *ret = request;
    return 0;
}

void
request_undo(struct rpc_request *request)
{
    request_leave(request);
    request->server->under_way--;
    request_free(request);
}

void
request_redirect(struct rpc_request *request, const struct incoming *in)
{
    struct rpc_peer *before = request->peer;
    request_leave(request);
    join(request, in->peer, in->from);
    request->xid = in->xid;
    request->flags = in->extra.flags;
    if (before != NULL && before != in->peer)
        server_peer_pace(before);
}

/* Nobody waits for it any more, but a caller that may ask again elsewhere. */
void
request_orphan(struct rpc_request *request)
{
    request_leave(request);
    if ((request->flags & ONCRPC_EXTRA_ONCE) == 0)
        atomic_store_explicit(&request->is_canceled, true, memory_order_relaxed);
}

/* ---- its handler ----------------------------------------------------------------------------------------------- */

int
rpc_request_run(struct rpc_request *request)
{
    const struct tambo_rpc_procedure *procedure = request->procedure;
    const struct tambo_rpc_guard *guards = request->server->guards;
    for (; request->guards_passed < request->guard_count; request->guards_passed++) {
        const struct tambo_rpc_guard *guard = &guards[request->guards_passed];
        int rc = guard->before == NULL ? 0 : guard->before(guard->arg, request_public(request));
        if (rc < 0)
            return rc;
    }
    return procedure->handle(request->served->handlers, request->served->arg, request_public(request), request->args,
                             request->ret);
}

/* ---- what handlers ask ----------------------------------------------------------------------------------------- */

struct tambo_arena *
rpc_request_arena(struct rpc_request *request)
{
    return &request->arena;
}

const struct tambo_rpc_procedure *
rpc_request_procedure(const struct rpc_request *request)
{
    return request->procedure;
}

uint32_t
rpc_request_number(const struct rpc_request *request)
{
    return request->number;
}

uint64_t
rpc_request_deadline_ns(const struct rpc_request *request)
{
    return request->deadline_ns;
}

bool
rpc_request_is_canceled(const struct rpc_request *request)
{
    return atomic_load_explicit(&request->is_canceled, memory_order_relaxed);
}

bool
rpc_request_is_datagram(const struct rpc_request *request)
{
    return request->is_datagram;
}

/* A datagram's address is printed when it is asked for: few are. */
const char *
rpc_request_peer(const struct rpc_request *request)
{
    char *text = ((struct rpc_request *)(uintptr_t)request)->peer_text;
    if (text[0] == '\0')
        io_remote_print(&request->origin, text, sizeof(request->peer_text));
    return text;
}

const struct tambo_rpc_cred *
rpc_request_cred(const struct rpc_request *request)
{
    return request->cred;
}

void *
rpc_request_data(const struct rpc_request *request)
{
    return request->data;
}

void
rpc_request_set_data(struct rpc_request *request, void *data)
{
    request->data = data;
}

struct list *
rpc_request_link(struct rpc_request *request)
{
    return &request->link;
}

struct rpc_request *
rpc_request_of(struct list *link)
{
    return container_of(link, struct rpc_request, link);
}
