/* lib/socket.c - options, endpoints, subscriptions, statistics: what needs no more than the lock. */
#include <stdio.h>

#include "lib/inner.h"

/* Does `call`, which may use `socket`, and returns what it returns. */
#define WITHIN(socket, call)                      \
    do {                                          \
        int within_rc = lib_enter_socket(socket); \
        if (within_rc < 0)                        \
            return within_rc;                     \
        within_rc = (call);                       \
        lib_leave((socket)->context);             \
        return within_rc;                         \
    } while (0)

int
tambo_set(struct tambo_socket *socket, enum tambo_option option, int64_t value)
{
    WITHIN(socket, socket_set(socket->core, option, value));
}

int
tambo_get(struct tambo_socket *socket, enum tambo_option option, int64_t *ret)
{
    WITHIN(socket, socket_get(socket->core, option, ret));
}

int
tambo_set_text(struct tambo_socket *socket, enum tambo_option option, const void *text, size_t len)
{
    WITHIN(socket, socket_set_text(socket->core, option, view_of(text, len)));
}

int
tambo_bind(struct tambo_socket *socket, const char *endpoint)
{
    WITHIN(socket, endpoint == NULL ? -ERR_INVALID : socket_bind(socket->core, endpoint));
}

int
tambo_connect(struct tambo_socket *socket, const char *endpoint)
{
    WITHIN(socket, endpoint == NULL ? -ERR_INVALID : socket_connect(socket->core, endpoint));
}

int
tambo_unbind(struct tambo_socket *socket, const char *endpoint)
{
    WITHIN(socket, endpoint == NULL ? -ERR_INVALID : socket_unbind(socket->core, endpoint));
}

int
tambo_disconnect(struct tambo_socket *socket, const char *endpoint)
{
    WITHIN(socket, endpoint == NULL ? -ERR_INVALID : socket_disconnect(socket->core, endpoint));
}

int
tambo_subscribe(struct tambo_socket *socket, const void *prefix, size_t len)
{
    WITHIN(socket, socket_subscribe(socket->core, view_of(prefix, len)));
}

int
tambo_unsubscribe(struct tambo_socket *socket, const void *prefix, size_t len)
{
    WITHIN(socket, socket_unsubscribe(socket->core, view_of(prefix, len)));
}

static int
copy_endpoint(const struct tambo_socket *socket, char *ret, size_t size)
{
    const char *endpoint = socket_endpoint(socket->core);
    if (endpoint == NULL)
        return -ERR_NOT_FOUND;
    if (strlen(endpoint) >= size)
        return -ERR_TOO_LARGE;
    memcpy(ret, endpoint, strlen(endpoint) + 1);
    return 0;
}

int
tambo_endpoint(struct tambo_socket *socket, char *ret, size_t size)
{
    WITHIN(socket, copy_endpoint(socket, ret, size));
}

static int
set_admit(struct tambo_socket *socket, tambo_admit_fn *fn, void *arg)
{
    socket->admit = fn;
    socket->admit_arg = arg;
    return 0;
}

int
tambo_on_admit(struct tambo_socket *socket, tambo_admit_fn *fn, void *arg)
{
    WITHIN(socket, set_admit(socket, fn, arg));
}

static int
copy_stats(const struct tambo_socket *socket, struct tambo_stats *ret)
{
    socket_stats(socket->core, ret);
    return 0;
}

int
tambo_stats(struct tambo_socket *socket, struct tambo_stats *ret)
{
    WITHIN(socket, copy_stats(socket, ret));
}

int
tambo_wait_peers(struct tambo_socket *socket, unsigned count, int wait_ms)
{
    struct lib_patience patience = { .ms = wait_ms };
    unsigned peers = 0;
    int rc = lib_enter_socket(socket);
    if (rc < 0)
        return rc;
    struct tambo *context = socket->context;
    while (rc == 0 && (peers = socket_peers(socket->core)) < count)
        rc = lib_wait(socket, &patience);
    lib_leave(context);
    return rc < 0 ? rc : (int)peers;
}
