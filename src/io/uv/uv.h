/* io/uv/uv.h - what the files of the libuv house share. */
#ifndef TAMBO_IO_UV_UV_H
#define TAMBO_IO_UV_UV_H

#include <uv.h>

#include "io/house.h"

struct uv_house {
    struct io io;
    uv_loop_t loop;
    uv_prepare_t prepare; /* the end of a turn: just before the loop sleeps */
    uv_async_t async;     /* io_wake */
    uv_idle_t kick;       /* active: there is news for a further turn */
    uv_timer_t alarm;
    uv_poll_t room; /* sockets that have room again: the epoll they are watched by */
    int room_fd;
    uint64_t alarm_ns;
    bool alarm_moved;
    bool first; /* the process's first loop: it sees to it that nobody else has an address */
    struct list listeners, datagrams, signals, programs;
    struct list done;     /* jobs that were run inline for want of memory */
    int spare_fd;         /* so that a connection can be handed over when descriptors have run out; or -1 */
    uint8_t *read_buffer; /* the one that all connections read into */
    uv_handle_t *full;    /* the connection that has just filled it: others come first */
};

/* `uv` is last because a stream is allocated only as long as its kind of handle. */
struct uv_stream {
    struct io_stream stream;
    union {
        uv_handle_t handle; /* its `data`: the struct uv_dial, while connecting */
        uv_stream_t any;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
        uv_tty_t tty;
        uv_idle_t idle; /* standard input from a file */
    } uv;
};

static inline struct uv_house *
uv_house_of(const struct io *io)
{
    return container_of((struct io *)(uintptr_t)io, struct uv_house, io);
}

static inline struct uv_stream *
uv_stream_of(const struct io_stream *stream)
{
    return container_of((struct io_stream *)(uintptr_t)stream, struct uv_stream, stream);
}

/* err.c: libuv's and the system's errors (both negative errno on Linux) as ours. */
int uv_err(int64_t err);
/* The end of a turn; the loop's own is the last thing before it sleeps. */
void uv_end(struct uv_house *house);
/* Any event of libuv begins a turn, or goes on with it. */
void uv_begin(struct uv_house *house);
/* A further turn follows at once, with io_event_news and uv_jobs_done in it. */
void uv_kick(struct io *io);

/* process.c */
int uv_on_signal(struct io *io, int signum, io_fn *fn, void *arg);
void uv_signals_close(struct uv_house *house);
int uv_house_thread_start(struct io *io, io_fn *fn, void *arg, struct io_thread **ret);
void uv_house_thread_join(struct io *io, struct io_thread *thread);
void uv_ready(struct io *io);
void uv_identity(struct io *io, struct io_identity *ret);

/* spawn.c */
int uv_program_spawn(struct io *io, const struct io_program *what, io_exit_fn *exited, void *arg);
void uv_programs_close(struct uv_house *house);

/* stream.c */
struct uv_stream *uv_stream_make(struct uv_house *house, enum io_kind kind);
void uv_stream_free(struct uv_stream *stream);
/* A stream that nobody will hear of: its handle is closed, and its memory freed from the loop. */
void uv_stream_forget(struct uv_stream *stream);
/* A connection becomes a stream.  On failure `fd` stays open. */
int uv_stream_adopt(struct uv_house *house, int fd, enum io_kind kind, struct io_stream **ret);
void uv_read_changed(struct io_stream *stream);
void uv_stream_shutdown(struct io_stream *stream);
void uv_stream_close(struct io_stream *stream);
void uv_stream_peer(const struct io_stream *stream, char *ret, size_t len);
uint64_t uv_stream_unheard_ms(const struct io_stream *stream);
int uv_stream_detach(struct io_stream *stream, struct io_parcel *ret);
int uv_stream_attach(struct io *io, struct io_parcel parcel, struct io_stream **ret);
void uv_parcel_discard(struct io *io, struct io_parcel parcel);

/* Opens the descriptor that is kept in reserve, if it was used. */
void uv_spare_renew(struct uv_house *house);

/* write.c */
int uv_room_open(struct uv_house *house);
int64_t uv_stream_write(struct io_stream *stream, const struct view *views, unsigned n);
void uv_write_end(struct uv_stream *stream);

/* dial.c */
int uv_dial_begin(struct io *io, const struct io_address *address, struct io_stream **ret);
void uv_dial_end(struct uv_stream *stream);

/* listen.c */
int uv_listen_on(struct io *io, const struct io_address *address, io_accept_fn *fn, void *arg,
                 struct io_listener **ret);
void uv_listener_where(const struct io_listener *listener, struct io_address *ret);
void uv_listener_close(struct io_listener *listener);
void uv_listeners_close(struct uv_house *house);
/* "@NAME" is a name without a file (Linux's abstract sockets), which libuv does not know. */
bool uv_is_abstract(const struct io_address *address);
/* Its length. */
struct sockaddr_un;
socklen_t uv_unix_address(const struct io_address *address, struct sockaddr_un *ret);

/* Gives each address that `address` stands for to `fn`, until one is opened: 0 or -errno.  `*` is every address of both
 * families, or of version 4 where there is no version 6. */
struct sockaddr_storage;
typedef int uv_open_fn(void *arg, struct sockaddr_storage *at);
int uv_open_at(struct uv_house *house, const struct io_address *address, uv_open_fn *fn, void *arg);
socklen_t uv_address_len(const struct sockaddr_storage *address);
uint16_t uv_address_port(const struct sockaddr_storage *address);

/* datagram.c */
int uv_datagram_open(struct io *io, const struct io_address *address, const struct io_address *peer,
                     struct io_datagram **ret);
void uv_datagram_address(const struct io_datagram *datagram, struct io_address *ret);
int uv_datagram_broadcast(struct io_datagram *datagram, bool allowed);
void uv_datagram_send(struct io_datagram *datagram, const struct io_letter *letters, unsigned n);
void uv_datagram_close(struct io_datagram *datagram);
int uv_remote_of(struct io *io, const struct io_address *address, struct io_remote *ret);
void uv_datagrams_close(struct uv_house *house);

/* input.c */
int uv_standard_input(struct io *io, struct io_stream **ret);
/* For a file; the other kinds are read as any stream. */
void uv_input_changed(struct uv_stream *stream);

/* job.c */
void uv_job_submit(struct io *io, struct io_job *job);
int64_t uv_job_now(struct io *io, struct io_job *job);
void uv_jobs_done(struct uv_house *house);
int uv_list(struct io *io, const char *path, io_name_fn *fn, void *arg);

#endif
