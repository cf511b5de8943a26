/* crowd.c - opens many idle connections and holds them: `crowd zmtp|sp PORT COUNT`.
 *
 * Each has shaken hands (as a PUSH socket) when it counts.  So many are under way at once that the server never waits,
 * and no more than its backlog holds (100, with libzmq). Says {"connect_s": ...} when all are there, and holds them
 * until it is killed. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { UNDER_WAY_MAX = 64, EVENTS = 64, GREETING_BYTES = 64, READ_BYTES = 4096 };

/* What is said at once, and how the other side's answer is known to be whole. */
struct protocol {
    const char *name;
    unsigned char hello[128];
    size_t hello_len;
};

/* clang-format off */
static const struct protocol protocols[] = {
    { "zmtp",
      { 0xff, [8] = 1, 0x7f, 3, 1, 'N', 'U', 'L', 'L',
        [GREETING_BYTES] = 4, 26, 5, 'R', 'E', 'A', 'D', 'Y',
        11, 'S', 'o', 'c', 'k', 'e', 't', '-', 'T', 'y', 'p', 'e', 0, 0, 0, 4, 'P', 'U', 'S', 'H' },
      GREETING_BYTES + 2 + 26 },
    { "sp", { 0, 'S', 'P', 0, 0, 0x50, 0, 0 }, 8 },
};
/* clang-format on */

/* By descriptor. */
static unsigned heard[1 << 16];
static unsigned char frame_len[1 << 16];

static int
check(const char *what, int rc)
{
    if (rc >= 0)
        return rc;
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

static double
now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
open_one(int poller, const struct protocol *protocol, const struct sockaddr_in *address)
{
    int fd = check("socket", socket(AF_INET, SOCK_STREAM, 0));
    struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

    check("connect", connect(fd, (const struct sockaddr *)address, sizeof *address));
    check("hello", (int)write(fd, protocol->hello, protocol->hello_len));
    fcntl(fd, F_SETFL, O_NONBLOCK);
    check("epoll", epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event));
}

/* A greeting of 64 bytes and a READY, whose length is its second byte; or 8 bytes. */
static int
is_whole(const struct protocol *protocol, int fd, const unsigned char *bytes, unsigned n)
{
    unsigned length_at = GREETING_BYTES + 1;

    if (strcmp(protocol->name, "sp") == 0)
        return heard[fd] + n >= protocol->hello_len;
    if (heard[fd] <= length_at && heard[fd] + n > length_at)
        frame_len[fd] = bytes[length_at - heard[fd]];
    return heard[fd] + n > length_at && heard[fd] + n >= length_at + 1 + frame_len[fd];
}

/* 1: that one is there now. */
static int
hear(const struct protocol *protocol, int fd)
{
    unsigned char bytes[READ_BYTES];
    ssize_t n = read(fd, bytes, sizeof bytes);

    if (n == 0) {
        fprintf(stderr, "the server closed a connection\n");
        exit(1);
    }
    check("read", n < 0 && errno != EAGAIN ? -1 : 0);
    if (n < 0)
        return 0;
    int whole = is_whole(protocol, fd, bytes, (unsigned)n);
    heard[fd] += (unsigned)n;
    return whole;
}

static void
open_all(const struct protocol *protocol, const struct sockaddr_in *address, unsigned count)
{
    int poller = check("epoll", epoll_create1(0));
    struct epoll_event events[EVENTS];
    unsigned opened = 0, there = 0;

    while (there < count) {
        for (; opened < count && opened - there < UNDER_WAY_MAX; opened++)
            open_one(poller, protocol, address);
        int n = check("wait", epoll_wait(poller, events, EVENTS, -1));
        for (int i = 0; i < n; i++) {
            if (!hear(protocol, events[i].data.fd))
                continue;
            there++;
            epoll_ctl(poller, EPOLL_CTL_DEL, events[i].data.fd, NULL);
        }
    }
}

int
main(int argc, char **argv)
{
    const struct protocol *protocol = &protocols[argc > 1 && strcmp(argv[1], "sp") == 0];

    if (argc < 4)
        return 1;
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[2])) };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    double began = now_s();
    open_all(protocol, &address, (unsigned)atoi(argv[3]));
    printf("{\"connect_s\": %.6f}\n", now_s() - began);
    fflush(stdout);
    pause();
    return 0;
}
