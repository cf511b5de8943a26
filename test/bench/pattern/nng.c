/* nng.c - nng under load; see load.h.  Its PUB drops what a subscriber does not take in time, and sends everything to
 * everybody: the prefix is looked at by the receiver. */
#include <nng/nng.h>
#include <nng/protocol/pipeline0/pull.h>
#include <nng/protocol/pipeline0/push.h>
#include <nng/protocol/pubsub0/pub.h>
#include <nng/protocol/pubsub0/sub.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/protocol/reqrep0/req.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "load.h"

enum { BUFFER_MESSAGES = 1000, PAUSE_US = 1000 };

struct load_socket {
    nng_socket socket;
};

static atomic_uint peers;

static void
check(const char *what, int error)
{
    if (error != 0)
        load_fail(what, nng_strerror(error));
}

static void
on_pipe(nng_pipe pipe, nng_pipe_ev event, void *arg)
{
    (void)pipe;
    (void)event;
    (void)arg;
    atomic_fetch_add(&peers, 1);
}

/* As libzmq's high-water marks, where a pattern has a buffer. */
static void
set_up(nng_socket socket, enum load_role role, const char *prefix)
{
    nng_socket_set_int(socket, NNG_OPT_SENDBUF, BUFFER_MESSAGES);
    nng_socket_set_int(socket, NNG_OPT_RECVBUF, BUFFER_MESSAGES);
    check("size", nng_socket_set_size(socket, NNG_OPT_RECVMAXSZ, 0));
    nng_pipe_notify(socket, NNG_PIPE_EV_ADD_POST, on_pipe, NULL);
    if (role == LOAD_SUB)
        check("subscribe", nng_socket_set(socket, NNG_OPT_SUB_SUBSCRIBE, prefix, strlen(prefix)));
}

void
load_begin(void)
{
}

struct load_socket *
load_open(enum load_role role, const char *endpoint, const char *prefix, size_t bytes)
{
    static int (*const opens[])(nng_socket *) = { nng_req0_open,  nng_rep0_open, nng_push0_open,
                                                  nng_pull0_open, nng_pub0_open, nng_sub0_open };
    struct load_socket *socket = malloc(sizeof *socket);
    (void)bytes;

    check("socket", socket == NULL ? NNG_ENOMEM : opens[role](&socket->socket));
    set_up(socket->socket, role, prefix);
    if (role == LOAD_REP || role == LOAD_PULL || role == LOAD_PUB)
        check(endpoint, nng_listen(socket->socket, endpoint, NULL, 0));
    else
        check(endpoint, nng_dial(socket->socket, endpoint, NULL, NNG_FLAG_NONBLOCK));
    return socket;
}

void
load_await_subscribers(struct load_socket *socket, unsigned count)
{
    (void)socket;
    while (atomic_load(&peers) < count)
        usleep(PAUSE_US);
}

void
load_send(struct load_socket *socket, const void *head, size_t head_len, size_t len)
{
    nng_msg *message;

    check("message", nng_msg_alloc(&message, len));
    memcpy(nng_msg_body(message), head, head_len);
    check("send", nng_sendmsg(socket->socket, message, 0));
}

size_t
load_recv(struct load_socket *socket, void *head, size_t size)
{
    nng_msg *message;

    check("recv", nng_recvmsg(socket->socket, &message, 0));
    size_t len = nng_msg_len(message);
    memcpy(head, nng_msg_body(message), len < size ? len : size);
    nng_msg_free(message);
    return len;
}

static void
take_all(nng_socket socket, unsigned number, void (*on)(void *arg, unsigned socket, const void *head, size_t len),
         void *arg)
{
    nng_msg *message;
    int error;

    while ((error = nng_recvmsg(socket, &message, NNG_FLAG_NONBLOCK)) == 0) {
        on(arg, number, nng_msg_body(message), nng_msg_len(message));
        nng_msg_free(message);
    }
    check("recv", error == NNG_EAGAIN ? 0 : error);
}

void
load_recv_any(struct load_socket **sockets, unsigned count,
              void (*on)(void *arg, unsigned socket, const void *head, size_t len), void *arg)
{
    static struct pollfd fds[LOAD_SOCKETS_MAX];

    for (unsigned i = 0; i < count && fds[i].events == 0; i++) {
        check("fd", nng_socket_get_int(sockets[i]->socket, NNG_OPT_RECVFD, &fds[i].fd));
        fds[i].events = POLLIN;
    }
    if (poll(fds, count, -1) < 0)
        load_fail("poll", "failed");
    for (unsigned i = 0; i < count; i++) {
        if (fds[i].revents != 0)
            take_all(sockets[i]->socket, i, on, arg);
    }
}
