/* lib/wait.c - calls that wait, and what ends with them. */
#include "lib/inner.h"

void
lib_rouse(struct tambo_socket *socket)
{
    LIST_EACH(&socket->wishes, it)
        io_gate_rouse(socket->context->gate, container_of(it, struct lib_wish, link)->waiter);
}

void
lib_release(struct tambo_socket *socket)
{
    struct tambo *context = socket->context;
    if (socket->core != NULL || socket->waiting > 0)
        return;
    list_cut(&socket->link);
    mem_free(&context->mem, socket);
    if (context->freer != NULL && list_empty(&context->sockets))
        io_gate_rouse(context->gate, context->freer);
}

int
lib_begin(struct lib_patience *patience, const struct io *io)
{
    const uint64_t ns_a_ms = 1000 * 1000;
    if (patience->ms == 0)
        return -ERR_AGAIN;
    if (!patience->is_begun)
        patience->deadline_ns = patience->ms < 0 ? UINT64_MAX : io_exact_ns(io) + (uint64_t)patience->ms * ns_a_ms;
    patience->is_begun = true;
    return 0;
}

static void
wish_for(struct lib_wish *wish, struct io_waiter *waiter)
{
    wish->waiter = waiter;
    list_init(&wish->link);
    list_push(&wish->socket->wishes, &wish->link);
    wish->socket->waiting++;
}

/* Has its socket been closed meanwhile? */
static bool
unwish(struct lib_wish *wish)
{
    struct tambo_socket *socket = wish->socket;
    bool is_closed = socket->is_closed;
    lib_stir(socket);
    list_cut(&wish->link);
    socket->waiting--;
    lib_release(socket);
    return is_closed;
}

int
lib_wait_all(struct tambo *context, struct lib_wish *wishes, size_t count, struct lib_patience *patience)
{
    struct io_waiter waiter = { 0 };
    bool is_closed = false;
    int rc = lib_begin(patience, io_gate_loop(context->gate));
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < count; i++)
        if (wishes[i].socket != NULL)
            wish_for(&wishes[i], &waiter);
    lib_settle(context);
    rc = io_gate_wait(context->gate, &waiter, patience->deadline_ns);
    for (size_t i = 0; i < count; i++)
        if (wishes[i].socket != NULL)
            is_closed |= unwish(&wishes[i]);
    return is_closed ? -ERR_CANCELED : rc;
}

int
lib_wait(struct tambo_socket *socket, struct lib_patience *patience)
{
    struct lib_wish wish = { .socket = socket };
    return lib_wait_all(socket->context, &wish, 1, patience);
}
