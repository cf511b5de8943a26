/* lib/rpc_request.c - requests: who runs their handlers, what handlers ask of them, and how they are answered.
 *
 * Workers wait as any caller does, so one of them drives the loop: it reads a request, runs its handler itself, and
 * another drives meanwhile.  What comes while all are busy waits in the server's queue. */
#include "lib/rpc.h"

struct rpc_worker {
    struct tambo_rpc_server *server;
    struct io_thread *thread;
    struct list idle;
    struct io_waiter waiter;
};

static struct rpc_request *
of(const struct tambo_rpc_request *request)
{
    return (struct rpc_request *)(uintptr_t)request;
}

static struct tambo_rpc_server *
server_of(const struct tambo_rpc_request *request)
{
    return rpc_request_data(of(request));
}

/* ---- run ------------------------------------------------------------------------------------------------------------
 */

/* After its handler: one that is answered later may be gone already. */
static void
end(struct rpc_request *request, int rc)
{
    if (rc == TAMBO_RPC_LATER)
        return;
    list_cut(rpc_request_link(request));
    rpc_request_end(request, rc);
}

static void
run_here(struct tambo_rpc_server *server, struct rpc_request *request)
{
    list_push(&server->taken, rpc_request_link(request));
    lib_rpc_call_begin(server->context);
    int rc = rpc_request_run(request);
    lib_rpc_call_end(server->context);
    end(request, rc);
}

/* The one that has waited longest is most likely the one that drives: nobody has to be woken for it. */
void
lib_rpc_on_request(void *arg, struct rpc_request *request)
{
    struct tambo_rpc_server *server = arg;
    rpc_request_set_data(request, server);
    if (server->worker_count == 0) {
        run_here(server, request);
        return;
    }
    list_push(&server->queue, rpc_request_link(request));
    struct list *first = list_pop(&server->idle);
    if (first != NULL)
        io_gate_rouse(server->context->gate, &container_of(first, struct rpc_worker, idle)->waiter);
}

void
lib_rpc_drop_requests(struct list *requests)
{
    for (struct list *it; (it = list_pop(requests)) != NULL;)
        rpc_request_drop(rpc_request_of(it));
}

/* ---- workers ----------------------------------------------------------------------------------------------- */

/* False: this is another process now, and nothing here is its own. */
static bool
work_at(struct tambo_rpc_server *server, struct rpc_request *request)
{
    list_push(&server->taken, rpc_request_link(request));
    lib_leave(server->context);
    int rc = rpc_request_run(request);
    if (lib_enter(server->context) < 0)
        return false;
    end(request, rc);
    return true;
}

static void
rest(struct rpc_worker *worker)
{
    struct tambo *context = worker->server->context;
    list_push(&worker->server->idle, &worker->idle);
    lib_settle(context);
    (void)io_gate_wait(context->gate, &worker->waiter, UINT64_MAX);
    list_cut(&worker->idle);
}

static void
work(void *arg)
{
    struct rpc_worker *worker = arg;
    struct tambo_rpc_server *server = worker->server;
    struct tambo *context = server->context;
    if (lib_enter(context) < 0)
        return;
    while (server->core != NULL) {
        struct list *it = list_pop(&server->queue);
        if (it == NULL)
            rest(worker);
        else if (!work_at(server, rpc_request_of(it)))
            return;
    }
    server->working--;
    lib_rpc_rouse(context, &server->drains);
    lib_leave(context);
}

static void
free_workers(struct tambo_rpc_server *server)
{
    struct tambo *context = server->context;
    for (unsigned i = 0; i < server->worker_count; i++)
        io_gate_thread_join(context->gate, server->workers[i].thread);
    mem_free(&context->mem, server->workers);
    server->workers = NULL;
    server->worker_count = 0;
}

int
lib_rpc_hire(struct tambo_rpc_server *server, unsigned count)
{
    struct tambo *context = server->context;
    if (server->workers == NULL)
        server->workers = mem_new(&context->mem, count * sizeof(*server->workers));
    if (server->workers == NULL)
        return -ERR_NO_MEMORY;
    while (server->worker_count < count) {
        struct rpc_worker *worker = &server->workers[server->worker_count];
        worker->server = server;
        list_init(&worker->idle);
        int rc = io_gate_thread_start(context->gate, work, worker, &worker->thread);
        if (rc < 0)
            return rc;
        server->worker_count++;
        server->working++;
    }
    return 0;
}

/* Those at work finish what they do.  The last steps of a thread need no lock, so joining it with ours is short. */
void
lib_rpc_dismiss(struct tambo_rpc_server *server)
{
    struct lib_patience patience = { .ms = TAMBO_FOREVER };
    LIST_EACH(&server->idle, it)
        io_gate_rouse(server->context->gate, &container_of(it, struct rpc_worker, idle)->waiter);
    while (server->working > 0)
        (void)lib_rpc_wait(server->context, &server->drains, &patience);
    if (server->workers != NULL)
        free_workers(server);
}

/* ---- answered later ---------------------------------------------------------------------------------------- */

static int
enter(struct tambo_rpc_request *request, bool *retnested)
{
    return request == NULL ? -ERR_INVALID : lib_rpc_enter(server_of(request)->context, retnested);
}

/* The request is answered. */
static void
leave(struct tambo_rpc_server *server, bool nested)
{
    struct tambo *context = server->context;
    lib_rpc_release_server(server);
    lib_rpc_leave(context, nested);
}

int
tambo_rpc_reply(struct tambo_rpc_request *request, const void *ret)
{
    bool nested;
    int rc = enter(request, &nested);
    if (rc < 0)
        return rc;
    struct tambo_rpc_server *server = server_of(request);
    list_cut(rpc_request_link(of(request)));
    rc = rpc_request_reply(of(request), ret);
    leave(server, nested);
    return rc;
}

void
tambo_rpc_fail(struct tambo_rpc_request *request, int rc)
{
    bool nested;
    if (enter(request, &nested) < 0)
        return;
    struct tambo_rpc_server *server = server_of(request);
    list_cut(rpc_request_link(of(request)));
    rpc_request_fail(of(request), rc < 0 ? rc : -ERR_FAILED);
    leave(server, nested);
}

void
tambo_rpc_drop(struct tambo_rpc_request *request)
{
    bool nested;
    if (enter(request, &nested) < 0)
        return;
    struct tambo_rpc_server *server = server_of(request);
    list_cut(rpc_request_link(of(request)));
    rpc_request_drop(of(request));
    leave(server, nested);
}

/* ---- what handlers ask ------------------------------------------------------------------------------------- */

struct tambo_arena *
tambo_rpc_arena(struct tambo_rpc_request *request)
{
    return rpc_request_arena(of(request));
}

const struct tambo_rpc_procedure *
tambo_rpc_procedure_of(const struct tambo_rpc_request *request)
{
    return rpc_request_procedure(of(request));
}

uint32_t
tambo_rpc_number_of(const struct tambo_rpc_request *request)
{
    return rpc_request_number(of(request));
}

int
tambo_rpc_left_ms(const struct tambo_rpc_request *request)
{
    const uint64_t ns_a_ms = 1000 * 1000;
    uint64_t deadline_ns = rpc_request_deadline_ns(of(request));
    if (deadline_ns == UINT64_MAX)
        return TAMBO_FOREVER;
    uint64_t now_ns = io_exact_ns(server_of(request)->io);
    uint64_t ms = deadline_ns > now_ns ? (deadline_ns - now_ns) / ns_a_ms : 0;
    return ms < INT32_MAX ? (int)ms : INT32_MAX;
}

/* The loop may be taking note of it right now. */
bool
tambo_rpc_is_canceled(const struct tambo_rpc_request *request)
{
    bool nested;
    struct tambo *context = server_of(request)->context;
    if (lib_rpc_enter(context, &nested) < 0)
        return true;
    bool is_canceled = rpc_request_is_canceled(of(request));
    lib_rpc_leave(context, nested);
    return is_canceled;
}

const char *
tambo_rpc_peer(const struct tambo_rpc_request *request)
{
    return rpc_request_peer(of(request));
}

const struct tambo_rpc_cred *
tambo_rpc_cred(const struct tambo_rpc_request *request)
{
    return rpc_request_cred(of(request));
}
