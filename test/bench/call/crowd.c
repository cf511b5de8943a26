/* crowd.c - many clients of one server, a connection each: `call-crowd PORT COUNT SECONDS WARMUP`.
 *
 * Connects COUNT times, 64 under way at once, and makes one NULL call on each; says {"connect_s": ...}, rests for three
 * seconds, so that memory can be looked at; then 100 connections at a time have a call under way, one after the other,
 * for the time given, then all of them; says how many were answered.  The same for all servers: ONC RPC over tcp with
 * AUTH_NONE. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { UNDER_WAY_MAX = 64, EVENTS = 256, CALL_BYTES = 44, REPLY_BYTES = 28, REST_S = 3, FEW = 100, COUNT_MAX = 60000 };

/* By descriptor: what of its reply has come. */
static unsigned heard[1 << 16];
static int sockets[COUNT_MAX];

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

/* mark, xid, CALL, 2, program, version, NULL, AUTH_NONE twice */
static void
ask(int fd)
{
    const uint32_t words[CALL_BYTES / 4] = {
        htonl(0x80000000U | (CALL_BYTES - 4)), htonl((uint32_t)fd), 0, htonl(2), htonl(0x20000b01), htonl(1),
    };
    if (check("write", (int)write(fd, words, sizeof words)) != sizeof words) {
        fprintf(stderr, "the server does not read\n");
        exit(1);
    }
}

/* 1: a reply is whole. */
static int
hear(int fd)
{
    unsigned char bytes[REPLY_BYTES];
    ssize_t n = read(fd, bytes, REPLY_BYTES - heard[fd]);

    if (n == 0) {
        fprintf(stderr, "the server closed a connection\n");
        exit(1);
    }
    check("read", n < 0 && errno != EAGAIN ? -1 : 0);
    heard[fd] += n < 0 ? 0 : (unsigned)n;
    if (heard[fd] < REPLY_BYTES)
        return 0;
    heard[fd] = 0;
    return 1;
}

static int
open_one(int poller, const struct sockaddr_in *address)
{
    int on = 1, fd = check("socket", socket(AF_INET, SOCK_STREAM, 0));
    struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

    check("connect", connect(fd, (const struct sockaddr *)address, sizeof *address));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    check("epoll", epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event));
    ask(fd);
    return fd;
}

static void
open_all(int poller, const struct sockaddr_in *address, unsigned count)
{
    struct epoll_event events[EVENTS];
    unsigned opened = 0, there = 0;

    while (there < count) {
        for (; opened < count && opened - there < UNDER_WAY_MAX; opened++)
            sockets[opened] = open_one(poller, address);
        int n = check("wait", epoll_wait(poller, events, EVENTS, -1));
        for (int i = 0; i < n; i++)
            there += (unsigned)hear(events[i].data.fd);
    }
}

/* How the next connection is found when one was answered. */
struct turn {
    int poller;
    unsigned count, few, next; /* few: 0: the one that was answered */
};

static void
begin(struct turn *turn, unsigned few)
{
    turn->few = few;
    turn->next = few;
    for (unsigned i = 0; i < (few > 0 ? few : turn->count); i++)
        ask(sockets[i]);
}

/* Calls that were answered until then. */
static unsigned long
call_until(struct turn *turn, double end_s)
{
    struct epoll_event events[EVENTS];
    unsigned long done = 0;

    while (now_s() < end_s) {
        int n = check("wait", epoll_wait(turn->poller, events, EVENTS, 100));
        for (int i = 0; i < n; i++) {
            if (!hear(events[i].data.fd))
                continue;
            done++;
            ask(turn->few > 0 ? sockets[turn->next] : events[i].data.fd);
            turn->next = turn->next + 1 < turn->count ? turn->next + 1 : 0;
        }
    }
    return done;
}

/* What is under way is answered, and nothing more is asked. */
static void
finish(struct turn *turn)
{
    struct epoll_event events[EVENTS];

    for (unsigned left = turn->few; left > 0;) {
        int n = check("wait", epoll_wait(turn->poller, events, EVENTS, -1));
        for (int i = 0; i < n; i++)
            left -= (unsigned)hear(events[i].data.fd);
    }
}

static double
rate(struct turn *turn, double seconds, double warmup_s, unsigned long *retdone)
{
    call_until(turn, now_s() + warmup_s);
    double begin_s = now_s();
    *retdone = call_until(turn, begin_s + seconds);
    return (double)*retdone / (now_s() - begin_s);
}

int
main(int argc, char **argv)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    struct turn turn = { .poller = check("epoll", epoll_create1(0)) };
    unsigned long done, all;

    if (argc != 5 || atoi(argv[2]) < FEW || atoi(argv[2]) > COUNT_MAX) {
        fprintf(stderr, "usage: %s PORT COUNT SECONDS WARMUP\n", argv[0]);
        return 1;
    }
    turn.count = (unsigned)atoi(argv[2]);
    address.sin_port = htons((uint16_t)atoi(argv[1]));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    double begin_s = now_s();
    open_all(turn.poller, &address, turn.count);
    printf("{\"connect_s\": %.6f}\n", now_s() - begin_s);
    fflush(stdout);
    sleep(REST_S);
    begin(&turn, FEW);
    double few_rate = rate(&turn, atof(argv[3]), atof(argv[4]), &done);
    printf("{\"few\": %lu}\n", done);
    fflush(stdout);
    finish(&turn);
    begin(&turn, 0);
    double all_rate = rate(&turn, atof(argv[3]), atof(argv[4]), &all);
    printf("{\"received\": %lu, \"calls_per_s\": %.0f, \"all_per_s\": %.0f, \"lost\": 0}\n", done + all, few_rate,
           all_rate);
    return 0;
}
