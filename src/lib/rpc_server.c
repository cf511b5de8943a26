/* lib/rpc_server.c - servers: made, set, guarded; listening, running, stopped, drained, freed. */
#include "lib/rpc.h"

/* How long tambo_rpc_listen() and tambo_rpc_serve() wait for rpcbind. */
enum { TOLD_MS_MAX = 2000 };

static int
enter(struct tambo_rpc_server *server, bool *retnested)
{
    int rc = server == NULL ? -ERR_INVALID : lib_rpc_enter(server->context, retnested);
    if (rc < 0 || !server->is_freed)
        return rc;
    lib_rpc_leave(server->context, *retnested);
    return -ERR_CANCELED;
}

/* Does `call`, which may use `server`, and returns what it returns. */
#define WITHIN(server, call)                            \
    do {                                                \
        bool nested;                                    \
        int within_rc = enter((server), &nested);       \
        if (within_rc < 0)                              \
            return within_rc;                           \
        struct tambo *within_context = server->context; \
        within_rc = (call);                             \
        lib_rpc_leave(within_context, nested);          \
        return within_rc;                               \
    } while (0)

/* ---- waiting ----------------------------------------------------------------------------------------------- */

/* Waits on the server.  -ERR_CANCELED: it was freed meanwhile, and is gone when this is the last. */
static int
wait_on(struct tambo_rpc_server *server, struct list *wishes, struct lib_patience *patience)
{
    server->inside++;
    int rc = lib_rpc_wait(server->context, wishes, patience);
    server->inside--;
    if (!server->is_freed)
        return rc;
    lib_rpc_release_server(server);
    return -ERR_CANCELED;
}

/* ---- rpcbind ------------------------------------------------------------------------------------------------------
 */

static void
on_told(void *arg, int rc)
{
    struct tambo_rpc_server *server = arg;
    (void)rc; /* it is tried again, and callers that know the port need no rpcbind */
    server->is_told = true;
    lib_rpc_rouse(server->context, &server->untold);
}

static void
on_taken_back(void *arg)
{
    struct tambo_rpc_server *server = arg;
    server->registration = NULL;
    lib_rpc_rouse(server->context, &server->untold);
}

static const struct rpc_registration_on registration_on = { .told = on_told, .closed = on_taken_back };

/* Tells rpcbind what has changed, and waits until it knows: who reads in a log that a server runs may call it then. */
static int
tell(struct tambo_rpc_server *server, bool nested)
{
    struct lib_patience patience = { .ms = TOLD_MS_MAX };
    int64_t wanted = 0;
    int rc = rpc_server_get(server->core, TAMBO_RPC_SERVER_REGISTER, &wanted);
    if (rc < 0 || wanted == 0 || !server->is_bound || server->is_draining)
        return rc;
    server->is_told = false;
    if (server->registration != NULL)
        rpc_registration_renew(server->registration);
    else
        rc = rpc_registration_open(server->context->rpc.world, server->core, &registration_on, server,
                                   &server->registration);
    while (rc == 0 && !nested && !server->is_told)
        rc = wait_on(server, &server->untold, &patience);
    return rc == -ERR_TIMEOUT ? 0 : rc;
}

/* What rpcbind was told is taken back; `untold` are roused when it is. */
static void
untell(struct tambo_rpc_server *server)
{
    if (!server->is_draining && server->registration != NULL)
        rpc_registration_close(server->registration);
    server->is_draining = true;
}

/* ---- made and freed ------------------------------------------------------------------------------------------------
 */

static void
on_drained(void *arg)
{
    struct tambo_rpc_server *server = arg;
    lib_rpc_rouse(server->context, &server->drains);
}

static const struct rpc_server_on on = { .request = lib_rpc_on_request, .drained = on_drained };

static int
open_server(struct tambo *context, struct tambo_rpc_server **ret)
{
    int rc = lib_rpc_begin(context);
    if (rc < 0)
        return rc;
    struct tambo_rpc_server *server = MEM_NEW(&context->mem, struct tambo_rpc_server);
    if (server == NULL)
        return -ERR_NO_MEMORY;
    rc = rpc_server_new(context->rpc.world, &on, server, &server->core);
    if (rc < 0) {
        mem_free(&context->mem, server);
        return rc;
    }
    server->context = context;
    server->io = io_gate_loop(context->gate);
    list_init(&server->link);
    struct list *const lists[] = { &server->untold, &server->queue, &server->taken,
                                   &server->idle,   &server->runs,  &server->drains };
    for (unsigned i = 0; i < COUNT_OF(lists); i++)
        list_init(lists[i]);
    list_push(&context->rpc.servers, &server->link);
    *ret = server;
    return 0;
}

int
tambo_rpc_server(struct tambo *context, struct tambo_rpc_server **ret)
{
    int rc = lib_enter(context);
    if (rc < 0)
        return rc;
    rc = open_server(context, ret);
    lib_leave(context);
    return rc;
}

/* A guard of the program's: it is called out to. */
struct rpc_server_watch {
    struct rpc_server_watch *next;
    struct tambo_rpc_server *server;
    struct tambo_rpc_guard guard;
};

void
lib_rpc_release_server(struct tambo_rpc_server *server)
{
    struct mem *mem = &server->context->mem;
    if (server->core != NULL || server->inside > 0 || server->working > 0 || !list_empty(&server->taken))
        return;
    list_cut(&server->link);
    while (server->watches != NULL) {
        struct rpc_server_watch *watch = server->watches;
        server->watches = watch->next;
        mem_free(mem, watch);
    }
    mem_free(mem, server);
}

/* Its requests outlive it until they are answered, and its memory outlives them. */
void
lib_rpc_close_server(struct tambo_rpc_server *server)
{
    struct tambo *context = server->context;
    struct lib_patience patience = { .ms = TAMBO_FOREVER };
    server->is_freed = true;
    server->inside++;
    list_push(&context->rpc.leaving, &server->link);
    untell(server);
    lib_rpc_rouse(context, &server->untold);
    lib_rpc_rouse(context, &server->runs);
    lib_rpc_rouse(context, &server->drains);
    while (server->registration != NULL)
        (void)lib_rpc_wait(context, &server->untold, &patience);
    rpc_server_free(server->core);
    server->core = NULL;
    lib_rpc_drop_requests(&server->queue);
    lib_rpc_dismiss(server);
    server->inside--;
    lib_rpc_release_server(server);
}

void
tambo_rpc_server_free(struct tambo_rpc_server *server)
{
    if (server == NULL || lib_enter(server->context) < 0)
        return;
    struct tambo *context = server->context;
    if (!server->is_freed)
        lib_rpc_close_server(server);
    lib_leave(context);
}

/* ---- options, programs, addresses -----------------------------------------------------------------------------------
 */

static int
set(struct tambo_rpc_server *server, enum tambo_rpc_server_option option, int64_t value)
{
    if (option == TAMBO_RPC_SERVER_WORKERS && server->workers != NULL)
        return -ERR_STATE;
    return rpc_server_set(server->core, option, value);
}

int
tambo_rpc_server_set(struct tambo_rpc_server *server, enum tambo_rpc_server_option option, int64_t value)
{
    WITHIN(server, set(server, option, value));
}

static int
serve(struct tambo_rpc_server *server, const struct tambo_rpc_program *program, const void *handlers, void *arg,
      bool nested)
{
    int rc = program == NULL ? -ERR_INVALID : rpc_server_serve(server->core, program, handlers, arg);
    return rc < 0 ? rc : tell(server, nested);
}

int
tambo_rpc_serve(struct tambo_rpc_server *server, const struct tambo_rpc_program *program, const void *handlers,
                void *arg)
{
    WITHIN(server, serve(server, program, handlers, arg, nested));
}

static int
hire(struct tambo_rpc_server *server)
{
    int64_t count = 0;
    int rc = rpc_server_get(server->core, TAMBO_RPC_SERVER_WORKERS, &count);
    return rc < 0 || count == 0 ? rc : lib_rpc_hire(server, (unsigned)count);
}

static int
listen_at(struct tambo_rpc_server *server, const char *text, bool nested)
{
    struct rpc_address address, bound;
    int rc = text == NULL ? -ERR_INVALID : rpc_address_parse(view_str(text), &address);
    if (rc == 0)
        rc = hire(server);
    if (rc == 0)
        rc = rpc_server_listen(server->core, &address, &bound);
    if (rc < 0)
        return rc;
    server->bound = bound;
    server->is_bound = true;
    return tell(server, nested);
}

int
tambo_rpc_listen(struct tambo_rpc_server *server, const char *address)
{
    WITHIN(server, listen_at(server, address, nested));
}

static int
print_address(const struct tambo_rpc_server *server, char *ret, size_t size)
{
    char text[sizeof(server->bound.at.host) + 32];
    if (!server->is_bound)
        return -ERR_NOT_FOUND;
    rpc_address_print(&server->bound, text, sizeof(text));
    size_t len = strlen(text) + 1;
    if (len > size)
        return -ERR_TOO_LARGE;
    memcpy(ret, text, len);
    return 0;
}

int
tambo_rpc_address(struct tambo_rpc_server *server, char *ret, size_t size)
{
    WITHIN(server, print_address(server, ret, size));
}

int
tambo_rpc_metric(struct tambo_rpc_server *server, size_t at, struct tambo_rpc_metric *ret)
{
    WITHIN(server, rpc_server_metric(server->core, at, ret));
}

/* ---- guards ------------------------------------------------------------------------------------------------ */

/* The request knows its server from here on, for what the guard asks of it. */
static int
before(void *arg, struct tambo_rpc_request *request)
{
    struct rpc_server_watch *watch = arg;
    struct tambo *context = watch->server->context;
    rpc_request_set_data((struct rpc_request *)request, watch->server);
    if (watch->guard.before == NULL)
        return 0;
    lib_rpc_call_begin(context);
    int rc = watch->guard.before(watch->guard.arg, request);
    lib_rpc_call_end(context);
    return rc;
}

static void
after(void *arg, struct tambo_rpc_request *request, int rc, uint64_t took_ns)
{
    struct rpc_server_watch *watch = arg;
    struct tambo *context = watch->server->context;
    if (watch->guard.after == NULL)
        return;
    lib_rpc_call_begin(context);
    watch->guard.after(watch->guard.arg, request, rc, took_ns);
    lib_rpc_call_end(context);
}

static int
add_guard(struct tambo_rpc_server *server, const struct tambo_rpc_guard *guard)
{
    struct mem *mem = &server->context->mem;
    struct rpc_server_watch *watch = MEM_NEW(mem, struct rpc_server_watch);
    if (watch == NULL)
        return -ERR_NO_MEMORY;
    const struct tambo_rpc_guard ours = { .before = before, .after = after, .arg = watch };
    *watch = (struct rpc_server_watch){ server->watches, server, *guard };
    int rc = rpc_server_guard(server->core, &ours);
    if (rc < 0)
        mem_free(mem, watch);
    else
        server->watches = watch;
    return rc;
}

int
tambo_rpc_guard(struct tambo_rpc_server *server, const struct tambo_rpc_guard *guard)
{
    WITHIN(server, guard == NULL ? -ERR_INVALID : add_guard(server, guard));
}

/* ---- running ----------------------------------------------------------------------------------------------- */

/* What is stopped is every run that is under way, or else the next. */
static int
run(struct tambo_rpc_server *server, int wait_ms)
{
    struct lib_patience patience = { .ms = wait_ms };
    int rc = server->is_stopped ? 0 : wait_on(server, &server->runs, &patience);
    if (rc == 0)
        server->is_stopped = false;
    return rc;
}

int
tambo_rpc_run(struct tambo_rpc_server *server, int wait_ms)
{
    WITHIN(server, nested ? -ERR_STATE : run(server, wait_ms));
}

void
tambo_rpc_stop(struct tambo_rpc_server *server)
{
    bool nested;
    if (enter(server, &nested) < 0)
        return;
    struct tambo *context = server->context;
    server->is_stopped = list_empty(&server->runs);
    lib_rpc_rouse(context, &server->runs);
    lib_rpc_leave(context, nested);
}

/* rpcbind first: nobody is to be sent here any more. */
static int
drain(struct tambo_rpc_server *server, int wait_ms)
{
    struct lib_patience patience = { .ms = wait_ms };
    int rc = 0;
    untell(server);
    while (rc == 0 && server->registration != NULL)
        rc = wait_on(server, &server->untold, &patience);
    if (rc == -ERR_CANCELED)
        return rc;
    rpc_server_drain(server->core);
    while (rc == 0 && rpc_server_under_way(server->core) > 0)
        rc = wait_on(server, &server->drains, &patience);
    return rc;
}

int
tambo_rpc_drain(struct tambo_rpc_server *server, int wait_ms)
{
    WITHIN(server, nested ? -ERR_STATE : drain(server, wait_ms));
}
