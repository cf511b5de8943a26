/* io/uv/listen.c - listening sockets.
 *
 * Connections are accepted by hand, at most ACCEPTS_A_TURN_MAX a turn: libuv would take all that wait before anybody is
 * answered, and spins when descriptors run out.
 *
 * Tcp: every loop of the process has a socket of its own on the address (SO_REUSEPORT) and the kernel spreads
 * connections over them.  That option would let a second process in as well.  So the process's first loop binds without
 * it, which fails when anybody else is there, and sets it afterwards, which lets its siblings in: they bind with it. */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/uv/uv.h"

enum { BACKLOG = 4096 };
static const uint64_t REST_NS = 100 * 1000 * 1000;

struct io_listener {
    struct io *io; /* first, as io.c finds the house by it */
    struct list link;
    int fd; /* -1: closed, and freed by the loop */
    uv_poll_t poll;
    struct io_timer rest;
    struct io_address address;
    io_accept_fn *fn;
    void *arg;
};

/* ---- accepting ---------------------------------------------------------------------------------------------- */

static void
offer(struct io_listener *l, int fd)
{
    struct io_stream *stream;
    if (uv_stream_adopt(uv_house_of(l->io), fd, l->address.kind, &stream) < 0) {
        close(fd);
        return;
    }
    l->fn(l->arg, stream);
    if (stream->on == NULL && !stream->gone)
        io_abort(stream);
}

static void on_ready(uv_poll_t *poll, int status, int events);

static void
go_on(void *arg)
{
    struct io_listener *l = arg;
    (void)uv_poll_start(&l->poll, UV_READABLE, on_ready);
}

/* Out of descriptors or memory: who knocks waits in the backlog, and the loop does not spin over it. */
static void
take_rest(struct io_listener *l)
{
    if (io_timer_set(l->io, &l->rest, l->io->now_ns + REST_NS, go_on, l) == 0)
        uv_poll_stop(&l->poll);
}

static void
on_ready(uv_poll_t *poll, int status, int events)
{
    struct io_listener *l = container_of(poll, struct io_listener, poll);
    (void)status, (void)events; /* accept knows more */
    uv_begin(uv_house_of(l->io));
    for (unsigned i = 0; i < ACCEPTS_A_TURN_MAX && l->fd >= 0; i++) {
        int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            offer(l, fd);
        } else if (errno != ECONNABORTED && errno != EINTR) {
            if (errno != EAGAIN)
                take_rest(l);
            return;
        }
    }
}

/* ---- tcp ---------------------------------------------------------------------------------------------------- */

static int
resolve(struct uv_house *house, const struct io_address *address, struct sockaddr_storage *ret)
{
    if (uv_ip4_addr(address->host, address->port, (struct sockaddr_in *)ret) == 0)
        return 0;
    if (uv_ip6_addr(address->host, address->port, (struct sockaddr_in6 *)ret) == 0)
        return 0;
    char port[8];
    uv_getaddrinfo_t req;
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
    snprintf(port, sizeof(port), "%u", address->port);
    if (uv_getaddrinfo(&house->loop, &req, NULL, address->host, port, &hints) < 0)
        return -EADDRNOTAVAIL;
    memcpy(ret, req.addrinfo->ai_addr, req.addrinfo->ai_addrlen);
    uv_freeaddrinfo(req.addrinfo);
    return 0;
}

static int
set_one(int fd, int level, int option)
{
    static const int one = 1;
    return setsockopt(fd, level, option, &one, sizeof(one));
}

/* See the head of this file. */
static int
claim(int fd, const struct sockaddr *address, socklen_t n, bool first)
{
    if (set_one(fd, SOL_SOCKET, SO_REUSEADDR) < 0 || (!first && set_one(fd, SOL_SOCKET, SO_REUSEPORT) < 0))
        return -errno;
    if (bind(fd, address, n) < 0 || set_one(fd, SOL_SOCKET, SO_REUSEPORT) < 0)
        return -errno;
    /* Accepted sockets inherit it. */
    return set_one(fd, IPPROTO_TCP, TCP_NODELAY) < 0 ? -errno : 0;
}

socklen_t
uv_address_len(const struct sockaddr_storage *address)
{
    return address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

uint16_t
uv_address_port(const struct sockaddr_storage *address)
{
    return ntohs(((const struct sockaddr_in *)address)->sin_port); /* at one place in both families */
}

static int
open_tcp(void *arg, struct sockaddr_storage *at)
{
    struct io_listener *l = arg;
    socklen_t n = uv_address_len(at);
    if (l->fd >= 0)
        close(l->fd); /* of the other family */
    l->fd = socket(at->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd < 0)
        return -errno;
    int rc = claim(l->fd, (const struct sockaddr *)at, n, uv_house_of(l->io)->first);
    if (rc < 0)
        return rc;
    if (listen(l->fd, BACKLOG) < 0 || getsockname(l->fd, (struct sockaddr *)at, &n) < 0)
        return -errno;
    l->address.port = uv_address_port(at);
    return 0;
}

int
uv_open_at(struct uv_house *house, const struct io_address *address, uv_open_fn *fn, void *arg)
{
    struct sockaddr_storage at = { 0 };
    bool all = strcmp(address->host, "*") == 0;
    const struct io_address any6 = { .host = "::", .port = address->port };
    const struct io_address any4 = { .host = "0.0.0.0", .port = address->port };
    int rc = resolve(house, all ? &any6 : address, &at);
    if (rc == 0)
        rc = fn(arg, &at);
    if (!all || (rc != -EAFNOSUPPORT && rc != -EADDRNOTAVAIL))
        return rc;
    rc = resolve(house, &any4, &at);
    return rc < 0 ? rc : fn(arg, &at);
}

/* ---- unix --------------------------------------------------------------------------------------------------- */

static bool
is_live(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return true; /* not known: it stays */
    bool refused = connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 && errno == ECONNREFUSED;
    close(fd);
    return !refused;
}

bool
uv_is_abstract(const struct io_address *address)
{
    return address->kind == IO_UNIX && address->host[0] == '@';
}

socklen_t
uv_unix_address(const struct io_address *address, struct sockaddr_un *ret)
{
    *ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
    snprintf(ret->sun_path, sizeof(ret->sun_path), "%s", address->host);
    if (!uv_is_abstract(address))
        return sizeof(*ret);
    ret->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(address->host));
}

/* A socket file that nobody listens behind any more is removed; whatever else has that name stays. */
static int
clear_stale(const struct sockaddr_un *address)
{
    struct stat st;
    if (lstat(address->sun_path, &st) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(st.st_mode) || is_live(address))
        return -EADDRINUSE;
    return unlink(address->sun_path) < 0 && errno != ENOENT ? -errno : 0;
}

static int
listen_unix(struct io_listener *l)
{
    struct sockaddr_un address;
    socklen_t len = uv_unix_address(&l->address, &address);
    int rc = uv_is_abstract(&l->address) ? 0 : clear_stale(&address);
    if (rc < 0)
        return rc;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    rc = bind(fd, (const struct sockaddr *)&address, len) < 0 || listen(fd, BACKLOG) < 0 ? -errno : 0;
    if (rc < 0)
        close(fd); /* and not the file: it may be somebody else's by now */
    else
        l->fd = fd;
    return rc;
}

/* ---- made and closed ---------------------------------------------------------------------------------------- */

static void
on_closed(uv_handle_t *handle)
{
    struct io_listener *l = container_of((uv_poll_t *)handle, struct io_listener, poll);
    mem_free(l->io->mem, l);
}

int
uv_listen_on(struct io *io, const struct io_address *address, io_accept_fn *fn, void *arg, struct io_listener **ret)
{
    struct uv_house *house = uv_house_of(io);
    struct io_listener *l = MEM_NEW(io->mem, struct io_listener);
    if (l == NULL)
        return -ERR_NO_MEMORY;
    *l = (struct io_listener){ .io = io, .fd = -1, .address = *address, .fn = fn, .arg = arg };
    int rc = address->kind == IO_TCP ? uv_open_at(house, address, open_tcp, l) : listen_unix(l);
    if (rc == 0)
        rc = uv_poll_init(&house->loop, &l->poll, l->fd);
    if (rc < 0) {
        if (l->fd >= 0)
            close(l->fd);
        mem_free(io->mem, l);
        return uv_err(rc);
    }
    (void)uv_poll_start(&l->poll, UV_READABLE, on_ready);
    list_init(&l->link);
    list_push(&house->listeners, &l->link);
    *ret = l;
    return 0;
}

void
uv_listener_where(const struct io_listener *listener, struct io_address *ret)
{
    *ret = listener->address;
}

void
uv_listener_close(struct io_listener *l)
{
    list_cut(&l->link);
    io_timer_cut(l->io, &l->rest);
    uv_close((uv_handle_t *)&l->poll, on_closed);
    close(l->fd);
    l->fd = -1;
    if (l->address.kind == IO_UNIX && !uv_is_abstract(&l->address))
        unlink(l->address.host);
}

void
uv_listeners_close(struct uv_house *house)
{
    LIST_EACH(&house->listeners, it)
        uv_listener_close(container_of(it, struct io_listener, link));
}
