/* raw.c - bare sockets that block, with messages as large as ONC RPC's: the limit of what the others can do; see
 * call.h.
 *
 * One call at a time is one system call each way on each side.  Of many under way as many are read, and as many are
 * written, as there are. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "call.h"

/* Heads with AUTH_NONE; a stream's have a mark before them, an echo its length. */
enum { CALL_BYTES = 40, REPLY_BYTES = 24, MARK_BYTES = 4, LENGTH_BYTES = 4, PAUSE_US = 1000, MANY_BYTES = 1 << 18 };

struct call_client {
    int fd;
    size_t call_bytes, reply_bytes;
};

static unsigned char buffer[MANY_BYTES + CALL_BYTES_MAX];

static size_t
check(const char *what, ssize_t rc)
{
    if (rc < 0)
        call_fail(what, strerror(errno));
    return (size_t)rc;
}

static struct sockaddr_in
address_of(unsigned port)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}

static size_t
message_bytes(size_t head, int udp, size_t bytes)
{
    return head + (udp ? 0 : MARK_BYTES) + (bytes > 0 ? LENGTH_BYTES + bytes : 0);
}

static void
send_all(int fd, size_t len)
{
    for (size_t at = 0; at < len;)
        at += check("send", send(fd, buffer + at, len - at, MSG_NOSIGNAL));
}

static void
serve_stream(int listener, size_t call_bytes, size_t reply_bytes)
{
    int on = 1, fd = (int)check("accept", accept(listener, NULL, NULL));
    size_t have = 0;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    for (;;) {
        size_t n = check("recv", recv(fd, buffer, MANY_BYTES, 0));
        if (n == 0)
            exit(0);
        have += n;
        send_all(fd, have / call_bytes * reply_bytes);
        have %= call_bytes;
    }
}

static _Noreturn void
serve_datagrams(int fd, size_t reply_bytes)
{
    for (;;) {
        struct sockaddr_in from;
        socklen_t len = sizeof from;
        check("recvfrom", recvfrom(fd, buffer, MANY_BYTES, 0, (struct sockaddr *)&from, &len));
        check("sendto", sendto(fd, buffer, reply_bytes, 0, (const struct sockaddr *)&from, len));
    }
}

void
call_serve(const char *endpoint, size_t bytes)
{
    unsigned port;
    int on = 1, udp = call_is_udp(endpoint, &port);
    struct sockaddr_in a = address_of(port);
    int fd = (int)check("socket", socket(AF_INET, udp ? SOCK_DGRAM : SOCK_STREAM, 0));

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    check("bind", bind(fd, (const struct sockaddr *)&a, sizeof a));
    if (udp)
        serve_datagrams(fd, message_bytes(REPLY_BYTES, udp, bytes));
    check("listen", listen(fd, 1));
    for (;;)
        serve_stream(fd, message_bytes(CALL_BYTES, udp, bytes), message_bytes(REPLY_BYTES, udp, bytes));
}

static int
dial(const struct sockaddr_in *a, int type)
{
    for (;;) {
        int fd = (int)check("socket", socket(AF_INET, type, 0));
        if (connect(fd, (const struct sockaddr *)a, sizeof *a) == 0)
            return fd;
        close(fd);
        usleep(PAUSE_US);
    }
}

struct call_client *
call_open(const char *endpoint, size_t bytes)
{
    static struct call_client client;
    unsigned port;
    int on = 1, udp = call_is_udp(endpoint, &port);
    struct sockaddr_in a = address_of(port);

    client.fd = dial(&a, udp ? SOCK_DGRAM : SOCK_STREAM);
    if (!udp)
        setsockopt(client.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    client.call_bytes = message_bytes(CALL_BYTES, udp, bytes);
    client.reply_bytes = message_bytes(REPLY_BYTES, udp, bytes);
    return &client;
}

void
call_once(struct call_client *client, const void *data, size_t len)
{
    if (len > 0)
        memcpy(buffer + client->call_bytes - len, data, len);
    /* A datagram that nobody listens for yet is refused. */
    while (send(client->fd, buffer, client->call_bytes, MSG_NOSIGNAL) < 0 ||
           recv(client->fd, buffer, client->reply_bytes, MSG_WAITALL) < 0) {
        if (errno != ECONNREFUSED)
            call_fail("call", strerror(errno));
        usleep(PAUSE_US);
    }
}

void
call_pipeline(struct call_client *client, unsigned flight, int (*on)(void *arg), void *arg)
{
    size_t have = 0;

    send_all(client->fd, flight * client->call_bytes);
    for (;;) {
        size_t n = check("recv", recv(client->fd, buffer, MANY_BYTES, 0));
        if (n == 0)
            call_fail("recv", "the server is gone");
        have += n;
        size_t done = have / client->reply_bytes;
        have %= client->reply_bytes;
        for (size_t i = 0; i < done; i++)
            if (!on(arg))
                return;
        send_all(client->fd, done * client->call_bytes);
    }
}

size_t
call_record(void)
{
    call_fail("xdr", "bare sockets know no records");
}
