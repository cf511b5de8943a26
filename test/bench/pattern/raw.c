/* raw.c - bare sockets that block, one message a system call: the limit of what the others can do; see load.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "load.h"

enum { PAUSE_US = 1000 };

struct load_socket {
    int fd;
    size_t bytes;
    unsigned char *buffer;
};

struct address {
    union {
        struct sockaddr any;
        struct sockaddr_in tcp;
        struct sockaddr_un local;
    };
    socklen_t len;
};

static int
check(const char *what, int rc)
{
    if (rc < 0)
        load_fail(what, strerror(errno));
    return rc;
}

/* tcp://127.0.0.1:PORT or ipc://PATH */
static struct address
address_of(const char *endpoint)
{
    struct address a = { .len = sizeof a.tcp };
    unsigned port;

    if (sscanf(endpoint, "tcp://127.0.0.1:%u", &port) == 1) {
        a.tcp = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
        a.tcp.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return a;
    }
    a.local = (struct sockaddr_un){ .sun_family = AF_UNIX };
    snprintf(a.local.sun_path, sizeof a.local.sun_path, "%s", endpoint + strlen("ipc://"));
    a.len = sizeof a.local;
    return a;
}

static int
accept_one(const struct address *a)
{
    int on = 1, listener = check("socket", socket(a->any.sa_family, SOCK_STREAM, 0));

    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    check("bind", bind(listener, &a->any, a->len));
    check("listen", listen(listener, 1));
    return check("accept", accept(listener, NULL, NULL));
}

static int
dial(const struct address *a)
{
    for (;;) {
        int fd = check("socket", socket(a->any.sa_family, SOCK_STREAM, 0));
        if (connect(fd, &a->any, a->len) == 0)
            return fd;
        close(fd);
        usleep(PAUSE_US);
    }
}

void
load_begin(void)
{
}

struct load_socket *
load_open(enum load_role role, const char *endpoint, const char *prefix, size_t bytes)
{
    struct address a = address_of(endpoint);
    struct load_socket *socket = malloc(sizeof *socket);
    int on = 1;
    (void)prefix;

    if (socket == NULL || (socket->buffer = calloc(1, bytes)) == NULL)
        load_fail("socket", "out of memory");
    socket->bytes = bytes;
    socket->fd = role == LOAD_REP || role == LOAD_PULL || role == LOAD_PUB ? accept_one(&a) : dial(&a);
    setsockopt(socket->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return socket;
}

void
load_await_subscribers(struct load_socket *socket, unsigned count)
{
    (void)socket;
    (void)count;
    load_fail("pub", "bare sockets have no subscribers");
}

void
load_send(struct load_socket *socket, const void *head, size_t head_len, size_t len)
{
    memcpy(socket->buffer, head, head_len);
    for (size_t at = 0; at < len;)
        at += (size_t)check("send", (int)send(socket->fd, socket->buffer + at, len - at, MSG_NOSIGNAL));
}

size_t
load_recv(struct load_socket *socket, void *head, size_t size)
{
    int n = check("recv", (int)recv(socket->fd, socket->buffer, socket->bytes, MSG_WAITALL));

    if (n == 0)
        exit(0);
    memcpy(head, socket->buffer, (size_t)n < size ? (size_t)n : size);
    return (size_t)n;
}

void
load_recv_any(struct load_socket **sockets, unsigned count,
              void (*on)(void *arg, unsigned socket, const void *head, size_t len), void *arg)
{
    (void)sockets;
    (void)count;
    (void)on;
    (void)arg;
    load_fail("sub", "bare sockets have no subscribers");
}
