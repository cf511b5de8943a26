/* lib/descriptor.c - descriptors for foreign event loops: on exactly while their socket is ready. */
#include "io/bell.h"
#include "lib/inner.h"

enum { READY_ALL = TAMBO_CAN_RECV | TAMBO_CAN_SEND | TAMBO_HAS_EVENT };

static void
level(struct tambo_socket *socket)
{
    unsigned ready = socket_ready(socket->core);
    for (unsigned kind = 1; kind < FD_KINDS; kind++) {
        unsigned bit = 1U << kind;
        bool on = (ready & kind) != 0;
        if ((socket->fds_made & bit) == 0 || on == ((socket->fds_on & bit) != 0))
            continue;
        io_bell_set(socket->fds[kind], on);
        socket->fds_on ^= bit;
    }
}

void
lib_settle(struct tambo *context)
{
    for (struct list *it; (it = list_pop(&context->stirred)) != NULL;)
        level(container_of(it, struct tambo_socket, stir));
}

void
lib_close_fds(struct tambo_socket *socket)
{
    for (unsigned kind = 1; kind < FD_KINDS; kind++)
        if ((socket->fds_made & 1U << kind) != 0)
            io_bell_free(socket->fds[kind]);
    socket->fds_made = 0;
    list_cut(&socket->stir);
}

static int
make_fd(struct tambo_socket *socket, unsigned kind)
{
    if (kind == 0 || kind > READY_ALL)
        return -ERR_INVALID;
    if ((socket->fds_made & 1U << kind) != 0)
        return socket->fds[kind];
    int rc = (kind & TAMBO_HAS_EVENT) == 0 ? 0 : socket_watch(socket->core);
    if (rc == 0)
        rc = io_bell_new();
    if (rc < 0)
        return rc;
    socket->fds[kind] = rc;
    socket->fds_made |= 1U << kind;
    lib_stir(socket);
    return rc;
}

int
tambo_fd(struct tambo_socket *socket, unsigned ready)
{
    int rc = lib_enter_socket(socket);
    if (rc < 0)
        return rc;
    rc = make_fd(socket, ready);
    lib_leave(socket->context);
    return rc;
}
