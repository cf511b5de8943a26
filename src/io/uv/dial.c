/* io/uv/dial.c - connecting: a name is resolved, its addresses are tried in order. */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "io/uv/uv.h"

struct uv_dial {
    uv_getaddrinfo_t resolve;
    uv_connect_t connect;
    struct uv_stream *stream; /* NULL: it was closed meanwhile */
    struct mem *mem;
    struct addrinfo *all, *next;
    struct io_timer soon; /* for what is connected, or not, at once */
    int rc;
    bool resolving, connecting;
};

static void
free_dial(struct uv_dial *dial)
{
    if (dial->resolving || dial->connecting)
        return; /* libuv still holds it: its last callback frees it */
    if (dial->all != NULL)
        uv_freeaddrinfo(dial->all);
    mem_free(dial->mem, dial);
}

void
uv_dial_end(struct uv_stream *stream)
{
    struct uv_dial *dial = stream->uv.handle.data;
    if (dial == NULL)
        return;
    stream->uv.handle.data = NULL;
    dial->stream = NULL;
    io_timer_cut(stream->stream.io, &dial->soon);
    if (dial->resolving)
        (void)uv_cancel((uv_req_t *)&dial->resolve);
    free_dial(dial);
}

static void
opened(struct uv_stream *stream, int rc)
{
    uv_begin(uv_house_of(stream->stream.io));
    uv_dial_end(stream);
    io_event_opened(&stream->stream, rc);
}

static void try_next(struct uv_dial *dial, int rc);

/* A socket that failed to connect cannot be used again: the handle is closed, and begins anew for the next address. */
static void
on_socket_closed(uv_handle_t *handle)
{
    struct uv_stream *s = container_of(handle, struct uv_stream, uv.handle);
    struct uv_house *house = uv_house_of(s->stream.io);
    if (s->stream.gone || s->stream.io->dead) { /* its owner closed it meanwhile */
        uv_dial_end(s);
        uv_begin(house);
        io_event_gone(&s->stream);
        uv_stream_free(s);
        return;
    }
    uv_tcp_init(&house->loop, &s->uv.tcp);
    try_next(handle->data, UV_ECONNREFUSED);
}

static void
on_connect(uv_connect_t *req, int status)
{
    struct uv_dial *dial = container_of(req, struct uv_dial, connect);
    dial->connecting = false;
    if (dial->stream == NULL)
        free_dial(dial);
    else if (status < 0 && dial->next != NULL)
        uv_close(&dial->stream->uv.handle, on_socket_closed);
    else
        opened(dial->stream, uv_err(status));
}

static int
connect_to(struct uv_dial *dial, const struct sockaddr *address)
{
    struct uv_stream *s = dial->stream;
    int rc = uv_tcp_connect(&dial->connect, &s->uv.tcp, address, on_connect);
    dial->connecting = rc == 0;
    if (rc == 0)
        (void)uv_tcp_nodelay(&s->uv.tcp, 1);
    return rc;
}

static void
try_next(struct uv_dial *dial, int rc)
{
    struct addrinfo *at = dial->next;
    if (at != NULL) {
        dial->next = at->ai_next;
        rc = connect_to(dial, at->ai_addr);
    }
    if (rc < 0)
        opened(dial->stream, uv_err(rc));
}

static void
on_resolved(uv_getaddrinfo_t *req, int status, struct addrinfo *all)
{
    struct uv_dial *dial = container_of(req, struct uv_dial, resolve);
    dial->resolving = false;
    dial->all = dial->next = all;
    if (dial->stream == NULL)
        free_dial(dial);
    else if (status < 0)
        opened(dial->stream, -ERR_ADDRESS);
    else
        try_next(dial, UV_EAI_NODATA);
}

static int
resolve(struct uv_house *house, struct uv_dial *dial, const struct io_address *address)
{
    char port[8];
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC };
    snprintf(port, sizeof(port), "%u", address->port);
    int rc = uv_getaddrinfo(&house->loop, &dial->resolve, on_resolved, address->host, port, &hints);
    dial->resolving = rc == 0;
    return rc;
}

static void
on_soon(void *arg)
{
    struct uv_dial *dial = arg;
    opened(dial->stream, dial->rc);
}

static int
connect_abstract(struct uv_dial *dial, const struct io_address *address)
{
    struct uv_stream *s = dial->stream;
    struct io *io = s->stream.io;
    struct sockaddr_un at;
    socklen_t len = uv_unix_address(address, &at);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int rc = connect(fd, (const struct sockaddr *)&at, len) < 0 ? -errno : uv_pipe_open(&s->uv.pipe, fd);
    if (rc < 0)
        close(fd);
    dial->rc = uv_err(rc);
    rc = io_timer_set(io, &dial->soon, io_now_ns(io), on_soon, dial);
    return rc < 0 ? UV_ENOMEM : 0;
}

static int
begin(struct uv_house *house, struct uv_dial *dial, const struct io_address *address)
{
    struct sockaddr_storage at = { 0 };
    if (uv_is_abstract(address))
        return connect_abstract(dial, address);
    if (address->kind == IO_UNIX) {
        uv_pipe_connect(&dial->connect, &dial->stream->uv.pipe, address->host, on_connect);
        dial->connecting = true;
        return 0;
    }
    if (uv_ip4_addr(address->host, address->port, (struct sockaddr_in *)&at) == 0 ||
        uv_ip6_addr(address->host, address->port, (struct sockaddr_in6 *)&at) == 0)
        return connect_to(dial, (const struct sockaddr *)&at);
    return resolve(house, dial, address);
}

int
uv_dial_begin(struct io *io, const struct io_address *address, struct io_stream **ret)
{
    struct uv_dial *dial = MEM_NEW(io->mem, struct uv_dial);
    struct uv_stream *s = dial == NULL ? NULL : uv_stream_make(uv_house_of(io), address->kind);
    if (s == NULL) {
        mem_free(io->mem, dial);
        return -ERR_NO_MEMORY;
    }
    dial->stream = s;
    dial->mem = io->mem;
    s->uv.handle.data = dial;
    s->stream.opening = true;
    int rc = begin(uv_house_of(io), dial, address);
    if (rc < 0) {
        uv_dial_end(s);
        uv_stream_forget(s);
        return uv_err(rc);
    }
    *ret = &s->stream;
    return 0;
}
