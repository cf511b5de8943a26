/* io/io.h - the only door outside: time, chance, timers, streams, files, waking other shards, signals.
 *
 * A `struct io` is one loop: the world of one shard, used by one thread.  Two houses stand behind it: uv (libuv,
 * the real world) and sim (virtual time, one seed).  Nothing above can tell them apart.
 *
 * The loop works in turns.  A turn is everything that was ready at one poll: reads, completions, timers, wakes.  At its
 * end the turn hook runs (once: the owner answers and flushes its log there), then io writes every stream's outbox with
 * one vectored write a stream, then it sleeps.  No callback runs inside a call of these functions: completions always
 * come from the loop.
 *
 * Errors are -ERR_X (base/err.h). */
#ifndef TAMBO_IO_IO_H
#define TAMBO_IO_IO_H

#include "base/heap.h"
#include "base/list.h"
#include "base/view.h"

struct io;
struct mem;

typedef void io_fn(void *arg);

/* ---- the loop -------------------------------------------------------------------------------------------- */

/* Runs until io_stop().  uv only drives itself; in sim this is the world's job (io/sim/sim.h) and may not be called. */
int io_run(struct io *io);
void io_stop(struct io *io);
/* The mem that everything of this loop counts against. */
struct mem *io_mem(struct io *io);
/* Called once at the end of each turn in which anything happened, before outboxes are flushed. */
void io_on_turn(struct io *io, io_fn *fn, void *arg);
/* Called on `io`'s own thread, in a turn, after one or many io_wake()s. */
void io_on_wake(struct io *io, io_fn *fn, void *arg);
/* Tells the service manager, if there is one, that the program is ready (sd_notify's protocol). */
void io_ready(struct io *io);
/* The one function that any thread may call: makes `io` take a turn. */
void io_wake(struct io *io);
/* Starts a thread that runs `fn(arg)`: one a shard.  In sim it is run at once as the set-up of another loop of the same
 * machine. */
struct io_thread;
int io_thread_start(struct io *io, io_fn *fn, void *arg, struct io_thread **ret);
void io_thread_join(struct io *io, struct io_thread *thread);
/* A further loop beside `io`, on the same machine (in sim: of the same simulated machine).  It counts against `mem`. */
int io_sibling(struct io *io, struct mem *mem, struct io **ret);
/* Closes and frees all that is open on it; nobody is told any more (but `release`s are called, and jobs under way are
 * waited for).  NULL is fine. */
void io_free(struct io *io);

/* ---- time and chance ------------------------------------------------------------------------------------- */

uint64_t io_now_ns(const struct io *io);   /* monotonic; stands still within a turn */
uint64_t io_exact_ns(const struct io *io); /* monotonic, read now: for measuring only */
uint64_t io_wall_ms(const struct io *io);  /* since 1970, UTC; stands still within a turn; may jump */
/* Unpredictable in uv, seeded in sim. */
void io_random(struct io *io, void *ret, size_t n);

/* Zeroed memory is an idle timer.  The owner keeps it alive while it is set. */
struct io_timer {
    struct heap_node node;
    io_fn *fn;
    void *arg;
};

/* One shot.  Sets it anew when it is set already.  0 or -ERR_NO_MEMORY. */
int io_timer_set(struct io *io, struct io_timer *timer, uint64_t at_ns, io_fn *fn, void *arg);
void io_timer_cut(struct io *io, struct io_timer *timer);

/* Who this process is to its system, for credentials that say so. */
enum { IO_GROUPS_MAX = 16 };
struct io_identity {
    uint32_t uid, gid;
    uint32_t groups[IO_GROUPS_MAX]; /* beside gid; the first of them where there are more */
    unsigned group_count;
    char machine[256];
};
void io_identity(struct io *io, struct io_identity *ret);

/* SIGTERM, SIGINT, SIGHUP: `fn(arg)` in a turn.  In sim a signal comes from the world's script. */
int io_on_signal(struct io *io, int signum, io_fn *fn, void *arg);

/* ---- programs -------------------------------------------------------------------------------------------- */

struct io_program {
    char *const *argv; /* the first is looked for in PATH; NULL at the end */
    char *const *env;  /* "NAME=VALUE" on top of our own environment; NULL at the end */
    struct view input; /* what it reads as its standard input */
};
/* `status`: its exit code, or 128 + the signal that ended it. */
typedef void io_exit_fn(void *arg, int status);
/* Starts a program whose output is ours too.  All of it is borrowed for the call, but `input` until `exited`.
 * 0, or -err and then it was not started: -ERR_NOT_FOUND, -ERR_DENIED; in sim always -ERR_INVALID. */
int io_spawn(struct io *io, const struct io_program *program, io_exit_fn *exited, void *arg);

/* ---- streams --------------------------------------------------------------------------------------------- */

enum io_kind { IO_TCP, IO_UNIX };

/* "tcp://HOST:PORT" (HOST a name, an IPv4 address, an [IPv6] one, or * for all), "unix:PATH", or "unix:@NAME" for a
 * name without a file. */
struct io_address {
    enum io_kind kind;
    char host[108]; /* or the path */
    uint16_t port;  /* 0: any free one */
};

/* 0 or -ERR_ADDRESS.  A missing port is `port_default`; "HOST:PORT" without a scheme is tcp. */
int io_address_parse(const char *text, uint16_t port_default, struct io_address *ret);
/* At most `len` bytes with the terminating NUL. */
void io_address_print(const struct io_address *address, char *ret, size_t len);

struct io_stream;

/* What a stream tells its owner, always from the loop.  `arg` is the one given at accept or connect. */
struct io_stream_on {
    /* connect only: 0, or -err and then nothing else but `closed` after the owner's io_close(). */
    void (*opened)(void *arg, int rc);
    /* Bytes, borrowed for the call from the shard's one read buffer.  The owner keeps what it could not use. */
    void (*read)(void *arg, struct view bytes);
    /* The peer is gone: -ERR_EOF, -ERR_RESET, ...  No more reads.  The owner answers with io_close().  After -ERR_EOF,
     * which only says that it will send no more, what is put until then still leaves. */
    void (*ended)(void *arg, int rc);
    /* The outbox, that had passed the high mark, is down to the low mark. */
    void (*drained)(void *arg);
    /* After io_close(), exactly once, and the last call.  The stream is gone. */
    void (*closed)(void *arg);
};

/* A connection was accepted; call io_accept in this callback to take it, else it is closed. */
typedef void io_accept_fn(void *arg, struct io_stream *stream);
struct io_listener;
/* Several loops of one machine may listen on one tcp address: the system spreads connections over them (SO_REUSEPORT).
 * The loop that io_uv_new made listens first, its siblings join; another process's address is -ERR_ADDRESS_IN_USE.
 * A stale unix socket file is replaced, a live one is -ERR_ADDRESS_IN_USE. */
int io_listen(struct io *io, const struct io_address *address, io_accept_fn *fn, void *arg, struct io_listener **ret);
/* With the port that was really bound. */
void io_listener_address(const struct io_listener *listener, struct io_address *ret);
void io_listener_close(struct io_listener *listener);

/* Takes ownership in an io_accept_fn: reading starts.  Also later: another owner on the same loop takes over. */
void io_accept(struct io_stream *stream, const struct io_stream_on *on, void *arg);
/* Resolves and connects; `opened` tells.  0 or -err when not even that could be begun. */
int io_connect(struct io *io, const struct io_address *address, const struct io_stream_on *on, void *arg,
               struct io_stream **ret);
/* The process's standard input as a stream that is only read. */
int io_stdin(struct io *io, const struct io_stream_on *on, void *arg, struct io_stream **ret);

/* Stop and go on reading: the peer feels it by its window.  A stream starts reading.  Idempotent. */
void io_read_pause(struct io_stream *stream);
void io_read_resume(struct io_stream *stream);

/* The outbox: bytes are put in and leave at the end of the turn, or as the peer takes them.
 * io_put_room gives `n` contiguous bytes to write into (NULL: no memory, or the stream is not open), io_put_done says
 * how many of them were used; no other put may come between.  An idle stream owns no outbox memory. */
uint8_t *io_put_room(struct io_stream *stream, size_t n);
void io_put_done(struct io_stream *stream, size_t n);
/* Copies.  0 or -ERR_NO_MEMORY. */
int io_put(struct io_stream *stream, struct view bytes);
/* By reference: `release(arg)` is called exactly once, when the bytes have left or never will, perhaps inside io_flush,
 * io_close or io_abort, so it only lets go of memory.  0, or -ERR_NO_MEMORY and then `release` is not called. */
int io_put_ref(struct io_stream *stream, struct view bytes, io_fn *release, void *arg);
/* Bytes put that have not left. */
size_t io_unsent(const struct io_stream *stream);
/* Bytes that were put and dropped, because the stream broke or was aborted. */
size_t io_lost(const struct io_stream *stream);
/* Why a put was refused: -ERR_NO_MEMORY, or -err of a stream that is broken or closing, and then its events tell. */
int io_refusal(const struct io_stream *stream);
/* `drained` is called when unsent falls to `low` after having been above `high`. */
void io_marks(struct io_stream *stream, size_t high, size_t low);
/* Write the outbox now, without waiting for the end of the turn. */
void io_flush(struct io_stream *stream);
/* Stop reading; what is in the outbox still leaves (for at most a second), then the stream closes and `closed` is
 * called. */
void io_close(struct io_stream *stream);
/* Close at once, dropping the outbox. */
void io_abort(struct io_stream *stream);
/* The peer's address as text ("127.0.0.1:40112", "unix"); for log lines. */
void io_peer(const struct io_stream *stream, char *ret, size_t len);
/* For how long the other machine has acknowledged nothing while bytes of ours wait for that; 0: they do not, or one
 * cannot know.  Machines acknowledge, not programs: one whose program does not read still answers. */
uint64_t io_unheard_ms(const struct io_stream *stream);

/* Handing a connection to another loop of the same machine: detach here (the stream is gone, without `closed`; its
 * outbox must be empty), carry the parcel over, attach there.  Every parcel must be attached or discarded. */
struct io_parcel {
    int64_t handle;
    enum io_kind kind;
};
int io_detach(struct io_stream *stream, struct io_parcel *ret);
int io_attach(struct io *io, struct io_parcel parcel, const struct io_stream_on *on, void *arg, struct io_stream **ret);
void io_parcel_discard(struct io *io, struct io_parcel parcel);

/* ---- datagrams ------------------------------------------------------------------------------------------- */

/* UDP.  Any of them may be lost, come twice or overtake another; none is changed or joined with another. */
enum { IO_DATAGRAM_BYTES_MAX = 65507 };

/* Where one came from and another goes to: copied freely, equal when its bytes are. */
struct io_remote {
    uint8_t bytes[28]; /* a sockaddr_in or sockaddr_in6 */
    uint8_t len;
};

struct io_datagram_on {
    /* One has come; `bytes` is borrowed for the call from the loop's one read buffer. */
    void (*read)(void *arg, const struct io_remote *from, struct view bytes);
    /* Of a socket with a peer.  -ERR_REFUSED: the other machine says that nobody listens there (ICMP); -ERR_ADDRESS:
     * the peer's name cannot be resolved. */
    void (*refused)(void *arg, int rc);
    /* After io_datagram_close(), exactly once, and the last call. */
    void (*closed)(void *arg);
};
struct io_datagram;

/* Bound to `address` (its kind is IO_TCP: "tcp" names the family of the address only; port 0: any), or, to be a client,
 * to any free port with `peer` as the one to talk with (a name is resolved; what is put before that waits, up to 64 of
 * them).  Exactly one of the two is not NULL.  0 or -err. */
int io_datagram_open(struct io *io, const struct io_address *address, const struct io_address *peer,
                     const struct io_datagram_on *on, void *arg, struct io_datagram **ret);
/* With the port that was really bound. */
void io_datagram_address(const struct io_datagram *datagram, struct io_address *ret);
/* Copies; it leaves at the end of the turn, with as few system calls as the system allows (sendmmsg).  `to` is NULL
 * where a peer was given.  0, -ERR_NO_MEMORY, -ERR_TOO_LARGE; what the system has no room for is lost, as on the way.
 */
int io_datagram_put(struct io_datagram *datagram, const struct io_remote *to, struct view bytes);
/* May it send to the broadcast address? */
int io_datagram_broadcast(struct io_datagram *datagram, bool allowed);
/* What was put leaves before. */
void io_datagram_close(struct io_datagram *datagram);
/* Of an address in numbers; 0 or -ERR_ADDRESS. */
int io_remote_of(struct io *io, const struct io_address *address, struct io_remote *ret);
/* "127.0.0.1:40112"; for log lines, and rpcbind's addresses. */
void io_remote_print(const struct io_remote *remote, char *ret, size_t len);

/* ---- files ----------------------------------------------------------------------------------------------- */

/* Durability is an event that io reports: a job is submitted and done(job) comes from the loop, with job->rc.  Jobs of
 * one file given while another runs may run in any order: wait for one before the next where order matters. The job and
 * the memory it names are the owner's, alive and untouched until done. */
enum io_op {
    IO_OPEN,       /* path, flags -> file */
    IO_CLOSE,      /* file */
    IO_WRITE,      /* file, offset, views: all of them, or an error */
    IO_WRITE_SYNC, /* IO_WRITE, then IO_SYNC, as one job */
    IO_READ,       /* file, offset, into/len -> rc: bytes read, fewer only at the end of the file */
    IO_SYNC,       /* file: fdatasync */
    IO_ALLOCATE,   /* file, offset = new size: zeros are written from the old end, so that a later sync of a write there
                    * has no metadata to write; a file that is larger already stays as it is */
    IO_TRUNCATE,   /* file, offset = new size */
    IO_RENAME,     /* path, path2: replaces */
    IO_UNLINK,     /* path */
    IO_MKDIR,      /* path; an existing directory is fine */
    IO_SYNC_DIR,   /* path of a directory: creations, renames and removals in it become durable */
    IO_SIZE,       /* file -> rc: size in bytes */
    IO_FREE_SPACE, /* path -> rc: bytes an unprivileged writer can still use on its file system */
    IO_LOCK,       /* file: exclusive, for the process; -ERR_BUSY */
};

enum { IO_FLAG_CREATE = 1, IO_FLAG_EXCLUSIVE = 2, IO_FLAG_READ_ONLY = 4 };
enum { IO_VIEWS_MAX = 16 };

struct io_job;
typedef void io_job_fn(struct io_job *job);

struct io_job {
    enum io_op op;
    unsigned flags;
    int64_t file;
    uint64_t offset;
    const char *path, *path2;
    struct view views[IO_VIEWS_MAX];
    unsigned view_count;
    uint8_t *into;
    size_t len;
    int64_t rc;
    io_job_fn *done;
    void *arg;
    struct list link; /* the house's */
    void *house;      /* the house's */
};

/* Asynchronous, on a helper thread in uv. */
void io_submit(struct io *io, struct io_job *job);
/* The same, now, blocking: for start-up, tools and tests.  Returns job->rc. */
int64_t io_now(struct io *io, struct io_job *job);
/* Names in a directory, without . and .., in byte order; blocking. */
typedef void io_name_fn(void *arg, const char *name);
int io_list(struct io *io, const char *path, io_name_fn *fn, void *arg);

/* ---- the houses ------------------------------------------------------------------------------------------ */

int io_uv_new(struct mem *mem, struct io **ret);
/* For a program of our own, not for a library: ignores SIGPIPE (programs that are started may leave early), and lets
 * the process have as many descriptors as the system allows. */
void io_uv_host(void);
/* The simulator's door is io/sim/sim.h. */

#endif
