/* tambo.c - libtambo under load; see load.h. */
#include <string.h>

#include "load.h"
#include "tambo/socket.h"

static struct tambo *context;

static void
check(const char *what, ptrdiff_t rc)
{
    if (rc < 0)
        load_fail(what, tambo_error_text((int)rc));
}

static struct tambo_socket *
ours(struct load_socket *socket)
{
    return (struct tambo_socket *)socket;
}

void
load_begin(void)
{
    check("context", tambo_new(&context));
}

struct load_socket *
load_open(enum load_role role, const char *endpoint, const char *prefix, size_t bytes)
{
    static const enum tambo_pattern patterns[] = { TAMBO_REQ, TAMBO_REP, TAMBO_PUSH, TAMBO_PULL, TAMBO_PUB, TAMBO_SUB };
    struct tambo_socket *socket;
    (void)bytes;

    check("socket", tambo_socket(context, patterns[role], &socket));
    if (role == LOAD_SUB)
        check("subscribe", tambo_subscribe(socket, prefix, strlen(prefix)));
    if (role == LOAD_PUB) /* nothing is to be lost */
        check("policy", tambo_set(socket, TAMBO_SEND_POLICY, TAMBO_BLOCK));
    if (role == LOAD_REP || role == LOAD_PULL || role == LOAD_PUB)
        check(endpoint, tambo_bind(socket, endpoint));
    else
        check(endpoint, tambo_connect(socket, endpoint));
    return (struct load_socket *)socket;
}

void
load_await_subscribers(struct load_socket *socket, unsigned count)
{
    check("wait", tambo_wait_peers(ours(socket), count, TAMBO_FOREVER));
}

void
load_send(struct load_socket *socket, const void *head, size_t head_len, size_t len)
{
    unsigned char small[LOAD_COPY_MAX];
    struct tambo_message *message;
    void *data;

    if (len <= sizeof small) {
        memcpy(small, head, head_len);
        check("send", tambo_send(ours(socket), small, len, TAMBO_FOREVER));
        return;
    }
    check("message", tambo_message_new(context, len, &message, &data));
    memcpy(data, head, head_len);
    check("send", tambo_send_message(ours(socket), message, TAMBO_FOREVER));
}

/* One that is too large for a copy. */
static size_t
take(struct tambo_socket *socket, void *head, size_t size)
{
    struct tambo_message *message;

    check("recv", tambo_recv_message(socket, &message, TAMBO_FOREVER));
    struct tambo_part part = tambo_message_part(message, 0);
    memcpy(head, part.data, part.len < size ? part.len : size);
    tambo_message_free(message);
    return part.len;
}

size_t
load_recv(struct load_socket *socket, void *head, size_t size)
{
    unsigned char small[LOAD_COPY_MAX];
    ptrdiff_t len = tambo_recv(ours(socket), small, sizeof small, TAMBO_FOREVER);

    if (len == -TAMBO_ERR_TOO_LARGE)
        return take(ours(socket), head, size);
    check("recv", len);
    memcpy(head, small, (size_t)len < size ? (size_t)len : size);
    return (size_t)len;
}

void
load_recv_any(struct load_socket **sockets, unsigned count,
              void (*on)(void *arg, unsigned socket, const void *head, size_t len), void *arg)
{
    static struct tambo_poll items[LOAD_SOCKETS_MAX];
    unsigned char small[LOAD_COPY_MAX];

    for (unsigned i = 0; i < count; i++)
        items[i] = (struct tambo_poll){ ours(sockets[i]), TAMBO_CAN_RECV, 0 };
    check("poll", tambo_poll(items, count, TAMBO_FOREVER));
    for (unsigned i = 0; i < count; i++) {
        ptrdiff_t len = 0;
        while (items[i].is != 0 && (len = tambo_recv(items[i].socket, small, sizeof small, 0)) >= 0)
            on(arg, i, small, (size_t)len);
        if (len < 0 && len != -TAMBO_ERR_AGAIN)
            check("recv", len);
    }
}
