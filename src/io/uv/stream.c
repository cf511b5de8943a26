/* io/uv/stream.c - streams: reading into the shared buffer, writing, closing, handing over. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/must.h"
#include "io/uv/uv.h"

struct uv_stream *
uv_stream_make(struct uv_house *house, enum io_kind kind)
{
    size_t handle = kind == IO_TCP ? sizeof(uv_tcp_t) : sizeof(uv_pipe_t);
    struct uv_stream *s = mem_new(house->io.mem, offsetof(struct uv_stream, uv) + handle);
    if (s == NULL)
        return NULL;
    io_stream_init(&s->stream, &house->io);
    int rc = kind == IO_TCP ? uv_tcp_init(&house->loop, &s->uv.tcp) : uv_pipe_init(&house->loop, &s->uv.pipe, 0);
    must(rc == 0);
    return s;
}

void
uv_stream_free(struct uv_stream *stream)
{
    mem_free(stream->stream.io->mem, stream);
}

static void
on_forgotten(uv_handle_t *handle)
{
    uv_stream_free(container_of(handle, struct uv_stream, uv.handle));
}

void
uv_stream_forget(struct uv_stream *stream)
{
    stream->stream.closing = stream->stream.gone = true;
    uv_close(&stream->uv.handle, on_forgotten);
}

int
uv_stream_adopt(struct uv_house *house, int fd, enum io_kind kind, struct io_stream **ret)
{
    struct uv_stream *s = uv_stream_make(house, kind);
    if (s == NULL)
        return -ERR_NO_MEMORY;
    int rc = kind == IO_TCP ? uv_tcp_open(&s->uv.tcp, fd) : uv_pipe_open(&s->uv.pipe, fd);
    if (rc < 0) {
        uv_stream_forget(s);
        return uv_err(rc);
    }
    *ret = &s->stream;
    return 0;
}

/* ---- reading ------------------------------------------------------------------------------------------------ */

/* libuv reads a connection that fills the buffer again and again, up to 32 times.  The others come first: without a
 * buffer it gives up, and finds the bytes in the next turn. */
static void
on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
    struct uv_house *house = container_of(handle->loop, struct uv_house, loop);
    (void)suggested;
    *ret = uv_buf_init((char *)house->read_buffer, house->full == handle ? 0 : READ_BUFFER_BYTES);
}

static void
on_read(uv_stream_t *handle, ssize_t n, const uv_buf_t *buf)
{
    struct uv_stream *s = container_of(handle, struct uv_stream, uv.any);
    struct uv_house *house = uv_house_of(s->stream.io);
    if (n == 0 || n == UV_ENOBUFS)
        return;
    uv_begin(house);
    if (n > 0) {
        house->full = n == READ_BUFFER_BYTES ? &s->uv.handle : NULL;
        io_event_read(&s->stream, view_of(buf->base, (size_t)n));
        return;
    }
    uv_read_stop(handle);
    io_event_ended(&s->stream, uv_err(n));
}

void
uv_read_changed(struct io_stream *stream)
{
    struct uv_stream *s = uv_stream_of(stream);
    if (s->uv.handle.type == UV_IDLE)
        uv_input_changed(s);
    else if (!stream->reading)
        uv_read_stop(&s->uv.any);
    else
        must(uv_read_start(&s->uv.any, on_alloc, on_read) != UV_EINVAL);
}

/* ---- the end ------------------------------------------------------------------------------------------------ */

void
uv_stream_shutdown(struct io_stream *stream)
{
    struct uv_stream *s = uv_stream_of(stream);
    uv_os_fd_t fd;
    if (uv_fileno(&s->uv.handle, &fd) < 0 || shutdown(fd, SHUT_WR) < 0)
        io_event_ended(stream, -ERR_EOF);
}

static void
on_closed(uv_handle_t *handle)
{
    struct uv_stream *s = container_of(handle, struct uv_stream, uv.handle);
    uv_begin(uv_house_of(s->stream.io));
    io_event_gone(&s->stream);
    uv_stream_free(s);
}

void
uv_stream_close(struct io_stream *stream)
{
    struct uv_stream *s = uv_stream_of(stream);
    if (uv_is_closing(&s->uv.handle))
        return; /* connecting to a name's next address: it will notice */
    uv_write_end(s);
    uv_dial_end(s);
    uv_close(&s->uv.handle, on_closed);
}

static const char *
text_of(const struct sockaddr_storage *address, char *host, size_t len)
{
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
    if (address->ss_family == AF_INET)
        uv_ip4_name((const struct sockaddr_in *)address, host, len);
    else
        uv_ip6_name(in6, host, len);
    bool mapped = address->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr);
    return mapped ? strrchr(host, ':') + 1 : host;
}

void
uv_stream_peer(const struct io_stream *stream, char *ret, size_t len)
{
    const struct uv_stream *s = uv_stream_of(stream);
    struct sockaddr_storage address;
    int n = sizeof(address);
    char room[64];
    if (s->uv.handle.type != UV_TCP) {
        snprintf(ret, len, "unix");
    } else if (uv_tcp_getpeername(&s->uv.tcp, (struct sockaddr *)&address, &n) < 0) {
        snprintf(ret, len, "?");
    } else {
        const char *host = text_of(&address, room, sizeof(room));
        unsigned port = ntohs(((const struct sockaddr_in *)&address)->sin_port); /* at one place in both families */
        snprintf(ret, len, strchr(host, ':') != NULL ? "[%s]:%u" : "%s:%u", host, port);
    }
}

/* The system's own judgement would come too late (after 15 attempts), or, with TCP_USER_TIMEOUT, meet those as well
 * who only do not read.  So it is asked what it knows: since the last acknowledgement a retransmission, or two looks
 * whether the window has opened, went without one. */
uint64_t
uv_stream_unheard_ms(const struct io_stream *stream)
{
    const struct uv_stream *s = uv_stream_of(stream);
    struct tcp_info info;
    socklen_t n = sizeof(info);
    uv_os_fd_t fd;
    if (s->uv.handle.type != UV_TCP || uv_fileno(&s->uv.handle, &fd) < 0 ||
        getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) < 0)
        return 0;
    bool is_owed =
        (info.tcpi_retransmits > 0 && info.tcpi_last_ack_recv > info.tcpi_rto / 1000) || info.tcpi_probes > 1;
    return is_owed ? info.tcpi_last_ack_recv : 0;
}

/* ---- from loop to loop --------------------------------------------------------------------------------------- */

void
uv_spare_renew(struct uv_house *house)
{
    if (house->spare_fd < 0)
        house->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* A further descriptor of the connection: libuv cannot let go of the one it has without closing it. */
static int
duplicate(struct uv_house *house, int fd)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy >= 0 || errno != EMFILE || house->spare_fd < 0)
        return copy;
    copy = dup3(fd, house->spare_fd, O_CLOEXEC);
    house->spare_fd = -1;
    return copy;
}

int
uv_stream_detach(struct io_stream *stream, struct io_parcel *ret)
{
    struct uv_stream *s = uv_stream_of(stream);
    uv_os_fd_t fd;
    int rc = uv_fileno(&s->uv.handle, &fd);
    int copy = rc < 0 ? -1 : duplicate(uv_house_of(stream->io), fd);
    if (copy < 0)
        return rc < 0 ? uv_err(rc) : uv_err(-errno);
    *ret = (struct io_parcel){ .handle = copy, .kind = s->uv.handle.type == UV_TCP ? IO_TCP : IO_UNIX };
    uv_stream_forget(s);
    uv_spare_renew(uv_house_of(stream->io));
    return 0;
}

int
uv_stream_attach(struct io *io, struct io_parcel parcel, struct io_stream **ret)
{
    return uv_stream_adopt(uv_house_of(io), (int)parcel.handle, parcel.kind, ret);
}

void
uv_parcel_discard(struct io *io, struct io_parcel parcel)
{
    (void)io;
    close((int)parcel.handle);
}
