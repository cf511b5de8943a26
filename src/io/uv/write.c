/* io/uv/write.c - writing.
 *
 * Not by libuv: its writes raise SIGPIPE, and whether a signal is ignored is for the host of a library to say.  A
 * socket that takes no more is watched for room, once, by an epoll of its own, which the loop watches like any
 * descriptor. */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "io/uv/uv.h"

enum { EVENTS_MAX = 64 };

static void
on_room(uv_poll_t *handle, int status, int what)
{
    struct uv_house *house = container_of(handle, struct uv_house, room);
    struct epoll_event events[EVENTS_MAX];
    (void)status;
    (void)what;
    uv_begin(house);
    int n = epoll_wait(house->room_fd, events, EVENTS_MAX, 0);
    for (int i = 0; i < n; i++) {
        struct uv_stream *s = events[i].data.ptr;
        if (!s->stream.gone) /* closed by one before it; it is freed at the end of the turn */
            io_event_writable(&s->stream);
    }
}

int
uv_room_open(struct uv_house *house)
{
    house->room_fd = epoll_create1(EPOLL_CLOEXEC);
    if (house->room_fd < 0)
        return uv_err(-errno);
    int rc = uv_poll_init(&house->loop, &house->room, house->room_fd);
    if (rc < 0) {
        close(house->room_fd);
        return uv_err(rc);
    }
    return uv_err(uv_poll_start(&house->room, UV_READABLE, on_room));
}

static int
wait_for_room(struct uv_stream *s, int fd)
{
    int room_fd = uv_house_of(s->stream.io)->room_fd;
    struct epoll_event once = { .events = EPOLLOUT | EPOLLONESHOT, .data.ptr = s };
    int rc = epoll_ctl(room_fd, EPOLL_CTL_MOD, fd, &once);
    if (rc < 0 && errno == ENOENT)
        rc = epoll_ctl(room_fd, EPOLL_CTL_ADD, fd, &once);
    return rc < 0 ? uv_err(-errno) : -ERR_AGAIN;
}

int64_t
uv_stream_write(struct io_stream *stream, const struct view *views, unsigned n)
{
    struct uv_stream *s = uv_stream_of(stream);
    struct iovec pieces[WRITE_VIEWS_MAX];
    struct msghdr message = { .msg_iov = pieces, .msg_iovlen = n };
    uv_os_fd_t fd;
    ssize_t rc;

    if (uv_fileno(&s->uv.handle, &fd) < 0)
        return -ERR_RESET;
    for (unsigned i = 0; i < n; i++)
        pieces[i] = (struct iovec){ .iov_base = (void *)(uintptr_t)views[i].data, .iov_len = views[i].len };
    do
        rc = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (rc < 0 && errno == EINTR);
    if (rc < 0 && (errno == EAGAIN || errno == ENOBUFS))
        return wait_for_room(s, fd);
    return rc < 0 ? uv_err(-errno) : rc;
}

/* The system forgets a descriptor that is closed, but not one that a forked child still has. */
void
uv_write_end(struct uv_stream *stream)
{
    uv_os_fd_t fd;
    if (stream->stream.blocked && uv_fileno(&stream->uv.handle, &fd) == 0)
        (void)epoll_ctl(uv_house_of(stream->stream.io)->room_fd, EPOLL_CTL_DEL, fd, NULL);
}
