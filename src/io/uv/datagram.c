/* io/uv/datagram.c - datagrams.
 *
 * Not by libuv: it sends each with a system call of its own and looks once more after the last that came.  Here a
 * turn's datagrams leave with one sendmmsg, and come with one recvmmsg when there are fewer than it takes. */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/must.h"
#include "io/uv/uv.h"

enum {
    SLOT_BYTES = 64 * 1024,
    SLOTS = READ_BUFFER_BYTES / SLOT_BYTES, /* read at once */
    READS_A_TURN_MAX = 16,
    SENDS_MAX = 64,
    SYSTEM_BYTES = 1024 * 1024, /* asked for, for what has come and was not read */
};

struct uv_ask;

struct uv_datagram {
    struct io_datagram datagram;
    struct list link; /* the house's */
    int fd;           /* -1: none yet, or closed */
    bool is_6;
    struct uv_ask *ask;
    struct io_address address;
    struct io_timer end; /* of one that has no descriptor: set from the beginning, so that it cannot fail */
    uv_poll_t poll;
};

/* For a peer's name; it outlives a socket that is closed meanwhile. */
struct uv_ask {
    uv_getaddrinfo_t req;
    struct mem *mem;
    struct uv_datagram *datagram; /* NULL: closed */
};

static struct uv_datagram *
of(const struct io_datagram *datagram)
{
    return container_of((struct io_datagram *)(uintptr_t)datagram, struct uv_datagram, datagram);
}

/* ---- what comes ------------------------------------------------------------------------------------------------- */

struct slots {
    struct mmsghdr heads[SLOTS];
    struct iovec pieces[SLOTS];
    struct sockaddr_storage from[SLOTS];
};

static int
receive(int fd, uint8_t *buffer, struct slots *slots)
{
    int n;
    for (unsigned i = 0; i < SLOTS; i++) {
        slots->pieces[i] = (struct iovec){ buffer + (size_t)i * SLOT_BYTES, SLOT_BYTES };
        slots->heads[i].msg_hdr = (struct msghdr){ .msg_name = &slots->from[i],
                                                   .msg_namelen = sizeof(slots->from[i]),
                                                   .msg_iov = &slots->pieces[i],
                                                   .msg_iovlen = 1 };
    }
    do
        n = recvmmsg(fd, slots->heads, SLOTS, MSG_DONTWAIT, NULL);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

static void
tell(struct uv_datagram *d, const struct slots *slots, unsigned i)
{
    struct io_remote from = { .len = (uint8_t)slots->heads[i].msg_hdr.msg_namelen };
    if (from.len > sizeof(from.bytes))
        return;
    memcpy(from.bytes, &slots->from[i], from.len);
    io_event_datagram_read(&d->datagram, &from, view_of(slots->pieces[i].iov_base, slots->heads[i].msg_len));
}

/* A socket may be closed while it is told; it is freed at the end of the turn. */
static void
on_ready(uv_poll_t *poll, int status, int events)
{
    struct uv_datagram *d = container_of(poll, struct uv_datagram, poll);
    struct uv_house *house = uv_house_of(d->datagram.io);
    struct slots slots;
    (void)events; /* recvmmsg knows more */
    uv_begin(house);
    if (status < 0) /* of an error libuv only says that it has stopped */
        (void)uv_poll_start(poll, UV_READABLE, on_ready);
    for (unsigned reads = 0; reads < READS_A_TURN_MAX && d->fd >= 0; reads++) {
        int n = receive(d->fd, house->read_buffer, &slots);
        if (n == -EAGAIN)
            return;
        for (int i = 0; i < n && d->fd >= 0; i++)
            tell(d, &slots, (unsigned)i);
        if (n < 0)
            io_event_datagram_refused(&d->datagram, uv_err(n)); /* others may have come behind it */
        else if (n < SLOTS)
            return;
    }
}

/* ---- what goes -------------------------------------------------------------------------------------------------- */

/* A socket of version 6 takes addresses of version 4 in version 6's clothes. */
static socklen_t
destination(const struct uv_datagram *d, const struct io_remote *to, struct sockaddr_storage *ret)
{
    memcpy(ret, to->bytes, to->len);
    if (!d->is_6 || ret->ss_family == AF_INET6)
        return to->len;
    struct sockaddr_in plain;
    memcpy(&plain, to->bytes, sizeof(plain));
    struct sockaddr_in6 mapped = { .sin6_family = AF_INET6, .sin6_port = plain.sin_port };
    mapped.sin6_addr.s6_addr[10] = mapped.sin6_addr.s6_addr[11] = 0xff;
    memcpy(&mapped.sin6_addr.s6_addr[12], &plain.sin_addr, sizeof(plain.sin_addr));
    memcpy(ret, &mapped, sizeof(mapped));
    return sizeof(mapped);
}

/* How many of them are done with; a refusal is of one that was sent before, and takes none. */
static unsigned
transmit(struct uv_datagram *d, struct mmsghdr *heads, unsigned n)
{
    int rc = sendmmsg(d->fd, heads, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (rc > 0)
        return (unsigned)rc;
    if (errno == EAGAIN || errno == ENOBUFS)
        return n; /* there is no room: lost */
    if (errno == EINTR)
        return 0;
    if (errno != ECONNREFUSED)
        return 1; /* this one cannot leave */
    io_datagram_broke(&d->datagram, -ERR_REFUSED);
    return 0;
}

void
uv_datagram_send(struct io_datagram *datagram, const struct io_letter *letters, unsigned n)
{
    struct uv_datagram *d = of(datagram);
    struct mmsghdr heads[SENDS_MAX];
    struct iovec pieces[SENDS_MAX];
    struct sockaddr_storage to[SENDS_MAX];
    must(n <= SENDS_MAX);
    for (unsigned i = 0; i < n; i++) {
        struct view bytes = letters[i].bytes;
        pieces[i] = (struct iovec){ (void *)(uintptr_t)bytes.data, bytes.len };
        heads[i].msg_hdr = (struct msghdr){ .msg_iov = &pieces[i], .msg_iovlen = 1 };
        if (letters[i].to == NULL)
            continue;
        heads[i].msg_hdr.msg_namelen = destination(d, letters[i].to, &to[i]);
        heads[i].msg_hdr.msg_name = &to[i];
    }
    for (unsigned done = 0; done < n && d->fd >= 0;)
        done += transmit(d, heads + done, n - done);
}

/* ---- opening ---------------------------------------------------------------------------------------------------- */

static int
watch(struct uv_datagram *d)
{
    int rc = uv_poll_init(&uv_house_of(d->datagram.io)->loop, &d->poll, d->fd);
    if (rc == 0)
        rc = uv_poll_start(&d->poll, UV_READABLE, on_ready);
    return rc;
}

static int
make_socket(struct uv_datagram *d, const struct sockaddr_storage *at)
{
    const int bytes = SYSTEM_BYTES;
    if (d->fd >= 0)
        close(d->fd); /* of the other family */
    d->is_6 = at->ss_family == AF_INET6;
    d->fd = socket(at->ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (d->fd < 0)
        return -errno;
    (void)setsockopt(d->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
    return 0;
}

static int
note_port(struct uv_datagram *d)
{
    struct sockaddr_storage at;
    socklen_t n = sizeof(at);
    if (getsockname(d->fd, (struct sockaddr *)&at, &n) < 0)
        return -errno;
    d->address.port = uv_address_port(&at);
    return 0;
}

static int
open_bound(void *arg, struct sockaddr_storage *at)
{
    struct uv_datagram *d = arg;
    int rc = make_socket(d, at);
    if (rc < 0)
        return rc;
    return bind(d->fd, (const struct sockaddr *)at, uv_address_len(at)) < 0 ? -errno : note_port(d);
}

static int
open_connected(struct uv_datagram *d, const struct sockaddr_storage *at)
{
    int rc = make_socket(d, at);
    if (rc < 0)
        return rc;
    if (connect(d->fd, (const struct sockaddr *)at, uv_address_len(at)) < 0)
        return -errno;
    snprintf(d->address.host, sizeof(d->address.host), "%s", d->is_6 ? "::" : "0.0.0.0");
    return note_port(d);
}

static void
drop_socket(struct uv_datagram *d)
{
    if (d->fd >= 0)
        close(d->fd);
    d->fd = -1;
}

static void
on_resolved(uv_getaddrinfo_t *req, int status, struct addrinfo *all)
{
    struct uv_ask *ask = container_of(req, struct uv_ask, req);
    struct uv_datagram *d = ask->datagram;
    int rc = status < 0 ? UV_EAI_NONAME : UV_EAI_NODATA;
    if (d != NULL) {
        for (const struct addrinfo *at = all; at != NULL && rc < 0; at = at->ai_next) {
            struct sockaddr_storage address = { 0 };
            memcpy(&address, at->ai_addr, at->ai_addrlen);
            rc = open_connected(d, &address);
        }
        if (rc == 0)
            rc = watch(d);
        if (rc < 0)
            drop_socket(d);
        d->ask = NULL;
        uv_begin(uv_house_of(d->datagram.io));
        io_event_datagram_opened(&d->datagram, uv_err(rc));
    }
    uv_freeaddrinfo(all);
    mem_free(ask->mem, ask);
}

static void on_end(void *arg);

static int
resolve(struct uv_datagram *d, const struct io_address *peer)
{
    struct io *io = d->datagram.io;
    const struct addrinfo hints = { .ai_socktype = SOCK_DGRAM, .ai_family = AF_UNSPEC };
    char port[8];
    struct uv_ask *ask = MEM_NEW(io->mem, struct uv_ask);
    if (ask == NULL || io_timer_set(io, &d->end, UINT64_MAX, on_end, d) < 0) {
        mem_free(io->mem, ask);
        return UV_ENOMEM;
    }
    ask->mem = io->mem;
    ask->datagram = d;
    snprintf(port, sizeof(port), "%u", peer->port);
    int rc = uv_getaddrinfo(&uv_house_of(io)->loop, &ask->req, on_resolved, peer->host, port, &hints);
    if (rc < 0) {
        io_timer_cut(io, &d->end);
        mem_free(io->mem, ask);
        return rc;
    }
    d->ask = ask;
    d->datagram.opening = true;
    return 0;
}

static bool
in_numbers(const struct io_address *address, struct sockaddr_storage *ret)
{
    return uv_ip4_addr(address->host, address->port, (struct sockaddr_in *)ret) == 0 ||
           uv_ip6_addr(address->host, address->port, (struct sockaddr_in6 *)ret) == 0;
}

int
uv_remote_of(struct io *io, const struct io_address *address, struct io_remote *ret)
{
    struct sockaddr_storage at = { 0 };
    (void)io;
    if (!in_numbers(address, &at))
        return -ERR_ADDRESS;
    ret->len = (uint8_t)uv_address_len(&at);
    memcpy(ret->bytes, &at, ret->len);
    return 0;
}

static int
open_any(struct uv_datagram *d, const struct io_address *address, const struct io_address *peer)
{
    struct sockaddr_storage at = { 0 };
    if (address == NULL && !in_numbers(peer, &at))
        return resolve(d, peer);
    int rc = address != NULL ? uv_open_at(uv_house_of(d->datagram.io), address, open_bound, d) : open_connected(d, &at);
    return rc < 0 ? rc : watch(d);
}

int
uv_datagram_open(struct io *io, const struct io_address *address, const struct io_address *peer,
                 struct io_datagram **ret)
{
    struct uv_house *house = uv_house_of(io);
    struct uv_datagram *d = MEM_NEW(io->mem, struct uv_datagram);
    if (d == NULL)
        return -ERR_NO_MEMORY;
    io_datagram_init(&d->datagram, io);
    d->fd = -1;
    if (address != NULL)
        d->address = *address;
    int rc = open_any(d, address, peer);
    if (rc < 0) {
        drop_socket(d);
        mem_free(io->mem, d);
        return uv_err(rc);
    }
    list_init(&d->link);
    list_push(&house->datagrams, &d->link);
    *ret = &d->datagram;
    return 0;
}

void
uv_datagram_address(const struct io_datagram *datagram, struct io_address *ret)
{
    *ret = of(datagram)->address;
}

int
uv_datagram_broadcast(struct io_datagram *datagram, bool allowed)
{
    const int on = allowed;
    int fd = of(datagram)->fd;
    if (fd < 0)
        return -ERR_STATE;
    return setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on)) < 0 ? uv_err(-errno) : 0;
}

/* ---- the end ---------------------------------------------------------------------------------------------------- */

static void
gone(struct uv_datagram *d)
{
    struct io *io = d->datagram.io;
    io_timer_cut(io, &d->end);
    io_event_datagram_gone(&d->datagram);
    mem_free(io->mem, d);
}

static void
on_end(void *arg)
{
    gone(arg);
}

static void
on_closed(uv_handle_t *handle)
{
    struct uv_datagram *d = container_of((uv_poll_t *)handle, struct uv_datagram, poll);
    uv_begin(uv_house_of(d->datagram.io));
    gone(d);
}

void
uv_datagram_close(struct io_datagram *datagram)
{
    struct uv_datagram *d = of(datagram);
    list_cut(&d->link);
    if (d->ask != NULL) {
        d->ask->datagram = NULL;
        (void)uv_cancel((uv_req_t *)&d->ask->req);
    }
    if (d->fd >= 0) {
        uv_close((uv_handle_t *)&d->poll, on_closed);
        drop_socket(d);
    } else if (datagram->io->dead) {
        gone(d);
    } else {
        io_timer_set(datagram->io, &d->end, io_now_ns(datagram->io), on_end, d);
    }
}

void
uv_datagrams_close(struct uv_house *house)
{
    LIST_EACH(&house->datagrams, it) {
        struct uv_datagram *d = container_of(it, struct uv_datagram, link);
        d->datagram.closing = true;
        uv_datagram_close(&d->datagram);
    }
}
