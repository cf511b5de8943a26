/* libzmq.c - libzmq under load; see load.h. */
#include <errno.h>
#include <string.h>
#include <zmq.h>

#include "load.h"

static void *context;

static void
check(const char *what, int rc)
{
    if (rc < 0)
        load_fail(what, zmq_strerror(errno));
}

/* A PUB that loses nothing, and that hears of its subscribers, is an XPUB here. */
static void
set_up_pub(void *socket)
{
    int on = 1;
    check("nodrop", zmq_setsockopt(socket, ZMQ_XPUB_NODROP, &on, sizeof on));
    check("verbose", zmq_setsockopt(socket, ZMQ_XPUB_VERBOSE, &on, sizeof on));
}

void
load_begin(void)
{
    context = zmq_ctx_new();
    zmq_ctx_set(context, ZMQ_MAX_SOCKETS, 2 * LOAD_SOCKETS_MAX);
}

struct load_socket *
load_open(enum load_role role, const char *endpoint, const char *prefix, size_t bytes)
{
    static const int patterns[] = { ZMQ_REQ, ZMQ_REP, ZMQ_PUSH, ZMQ_PULL, ZMQ_XPUB, ZMQ_SUB };
    (void)bytes;

    void *socket = zmq_socket(context, patterns[role]);
    check("socket", socket == NULL ? -1 : 0);
    if (role == LOAD_SUB)
        check("subscribe", zmq_setsockopt(socket, ZMQ_SUBSCRIBE, prefix, strlen(prefix)));
    if (role == LOAD_PUB)
        set_up_pub(socket);
    if (role == LOAD_REP || role == LOAD_PULL || role == LOAD_PUB)
        check(endpoint, zmq_bind(socket, endpoint));
    else
        check(endpoint, zmq_connect(socket, endpoint));
    return socket;
}

void
load_await_subscribers(struct load_socket *socket, unsigned count)
{
    char subscription[16];

    for (unsigned i = 0; i < count; i++)
        check("wait", zmq_recv(socket, subscription, sizeof subscription, 0));
}

void
load_send(struct load_socket *socket, const void *head, size_t head_len, size_t len)
{
    unsigned char small[LOAD_COPY_MAX];
    zmq_msg_t message;

    if (len <= sizeof small) {
        memcpy(small, head, head_len);
        check("send", zmq_send(socket, small, len, 0));
        return;
    }
    check("message", zmq_msg_init_size(&message, len));
    memcpy(zmq_msg_data(&message), head, head_len);
    check("send", zmq_msg_send(&message, socket, 0));
}

size_t
load_recv(struct load_socket *socket, void *head, size_t size)
{
    zmq_msg_t message;

    zmq_msg_init(&message);
    int n = zmq_msg_recv(&message, socket, 0);
    check("recv", n);
    memcpy(head, zmq_msg_data(&message), (size_t)n < size ? (size_t)n : size);
    zmq_msg_close(&message);
    return (size_t)n;
}

void
load_recv_any(struct load_socket **sockets, unsigned count,
              void (*on)(void *arg, unsigned socket, const void *head, size_t len), void *arg)
{
    static zmq_pollitem_t items[LOAD_SOCKETS_MAX];
    unsigned char small[LOAD_COPY_MAX];

    for (unsigned i = 0; i < count; i++)
        items[i] = (zmq_pollitem_t){ .socket = sockets[i], .events = ZMQ_POLLIN };
    check("poll", zmq_poll(items, (int)count, -1));
    for (unsigned i = 0; i < count; i++) {
        int n = 0;
        while (items[i].revents != 0 && (n = zmq_recv(sockets[i], small, sizeof small, ZMQ_DONTWAIT)) >= 0)
            on(arg, i, small, (size_t)n);
        if (n < 0 && errno != EAGAIN)
            check("recv", n);
    }
}
