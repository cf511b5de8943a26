/* lib/context.c - contexts; sockets made and closed. */
#include "lib/inner.h"

/* ---- in and out --------------------------------------------------------------------------------------------- */

int
lib_enter(struct tambo *context)
{
    return context == NULL ? -ERR_INVALID : io_gate_enter(context->gate);
}

void
lib_leave(struct tambo *context)
{
    lib_settle(context);
    io_gate_leave(context->gate);
}

int
lib_enter_socket(struct tambo_socket *socket)
{
    int rc = socket == NULL ? -ERR_INVALID : io_gate_enter(socket->context->gate);
    if (rc < 0)
        return rc;
    if (socket->is_closed) {
        io_gate_leave(socket->context->gate);
        return -ERR_CANCELED;
    }
    lib_stir(socket);
    return 0;
}

/* Sockets that changed while nobody was inside. */
static void
on_turn(void *arg)
{
    lib_settle(arg);
}

/* ---- contexts ----------------------------------------------------------------------------------------------- */

static void
free_context(struct tambo *context)
{
    struct mem mem = context->mem;
    mem_free(&mem, context);
}

static int
open_world(struct tambo *context)
{
    int rc = io_gate_new(&context->mem, &context->gate);
    if (rc < 0)
        return rc;
    rc = io_gate_enter(context->gate);
    if (rc == 0) {
        io_on_turn(io_gate_loop(context->gate), on_turn, context);
        rc = socket_world_new(io_gate_loop(context->gate), &context->world);
        io_gate_leave(context->gate);
    }
    if (rc < 0)
        io_gate_free(context->gate);
    return rc;
}

int
tambo_new(struct tambo **ret)
{
    struct mem mem = { 0 };
    struct tambo *context = MEM_NEW(&mem, struct tambo);
    if (context == NULL)
        return -ERR_NO_MEMORY;
    context->mem = mem;
    list_init(&context->sockets);
    list_init(&context->stirred);
    lib_rpc_init(&context->rpc);
    int rc = open_world(context);
    if (rc < 0) {
        free_context(context);
        return rc;
    }
    *ret = context;
    return 0;
}

static void
close_socket(struct tambo_socket *socket)
{
    if (socket->is_closed)
        return;
    socket->is_closed = true;
    lib_close_fds(socket);
    lib_rouse(socket);
    socket_close(socket->core);
}

static void
end_all(struct tambo *context)
{
    struct io_waiter waiter = { 0 };
    context->freer = &waiter;
    LIST_EACH(&context->sockets, it)
        close_socket(container_of(it, struct tambo_socket, link));
    while (!list_empty(&context->sockets))
        (void)io_gate_wait(context->gate, &waiter, UINT64_MAX);
    lib_rpc_end(context);
    socket_world_free(context->world);
    lib_free_spares(context);
    io_on_turn(io_gate_loop(context->gate), NULL, NULL);
}

/* In a forked child memory stays as it is: what was going on in it at the time of the fork is not known. */
void
tambo_free(struct tambo *context)
{
    if (context == NULL)
        return;
    int rc = io_gate_enter(context->gate);
    if (rc == 0) {
        end_all(context);
        io_gate_leave(context->gate);
    }
    if (rc == 0 || rc == -ERR_FORKED)
        io_gate_free(context->gate);
    if (rc == 0)
        free_context(context);
}

/* ---- sockets ------------------------------------------------------------------------------------------------ */

static void
on_changed(void *arg)
{
    lib_stir(arg);
    lib_rouse(arg);
}

static int
on_admit(void *arg, const char *mechanism, struct view name, struct view password, const char *peer)
{
    struct tambo_socket *socket = arg;
    if (socket->admit == NULL)
        return 0;
    io_gate_call_begin(socket->context->gate);
    int rc = socket->admit(socket->admit_arg, mechanism, name.data, name.len, password.data, password.len, peer);
    io_gate_call_end(socket->context->gate);
    return rc;
}

static void
on_gone(void *arg)
{
    struct tambo_socket *socket = arg;
    socket->core = NULL;
    lib_release(socket);
}

static const struct socket_on on = { .changed = on_changed, .admit = on_admit, .gone = on_gone };

static int
make_socket(struct tambo *context, enum tambo_pattern pattern, struct tambo_socket **ret)
{
    struct tambo_socket *socket = MEM_NEW(&context->mem, struct tambo_socket);
    if (socket == NULL)
        return -ERR_NO_MEMORY;
    int rc = socket_new(context->world, pattern, &on, socket, &socket->core);
    if (rc < 0) {
        mem_free(&context->mem, socket);
        return rc;
    }
    socket->context = context;
    list_init(&socket->link);
    list_init(&socket->wishes);
    list_init(&socket->stir);
    list_push(&context->sockets, &socket->link);
    *ret = socket;
    return 0;
}

int
tambo_socket(struct tambo *context, enum tambo_pattern pattern, struct tambo_socket **ret)
{
    int rc = lib_enter(context);
    if (rc < 0)
        return rc;
    rc = context->freer != NULL ? -ERR_CANCELED : make_socket(context, pattern, ret);
    lib_leave(context);
    return rc;
}

void
tambo_close(struct tambo_socket *socket)
{
    if (lib_enter_socket(socket) < 0)
        return;
    struct tambo *context = socket->context;
    close_socket(socket);
    lib_leave(context);
}
