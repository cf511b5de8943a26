/* io/house.h - the wall between io.h and the two houses behind it.
 *
 * io.c and outbox.c hold what both houses share: timers, turns, streams, outboxes.  A house embeds `struct io` and
 * `struct io_stream` at the head of its own and fills `struct io_house`.  What the house must tell is at the end
 * (io_event_*). */
#ifndef TAMBO_IO_HOUSE_H
#define TAMBO_IO_HOUSE_H

#include "io/io.h"
#include "io/outbox.h"

enum { WRITE_VIEWS_MAX = 64 };

/* A datagram on its way out. */
struct io_letter {
    const struct io_remote *to; /* NULL: the peer */
    struct view bytes;
};

struct io_house {
    int (*run)(struct io *io);
    void (*stop)(struct io *io);
    void (*free)(struct io *io);
    void (*wake)(struct io *io);
    int (*sibling)(struct io *io, struct mem *mem, struct io **ret);
    int (*thread_start)(struct io *io, io_fn *fn, void *arg, struct io_thread **ret);
    void (*thread_join)(struct io *io, struct io_thread *thread);
    /* Reads the clocks anew, outside of any turn. */
    void (*refresh)(struct io *io);
    uint64_t (*exact_ns)(const struct io *io);
    void (*random)(struct io *io, void *ret, size_t n);
    void (*ready)(struct io *io);
    void (*identity)(struct io *io, struct io_identity *ret);
    int (*on_signal)(struct io *io, int signum, io_fn *fn, void *arg);
    int (*spawn)(struct io *io, const struct io_program *program, io_exit_fn *exited, void *arg);
    /* The earliest timer is now due at `at_ns` (UINT64_MAX: none). */
    void (*set_alarm)(struct io *io, uint64_t at_ns);
    /* There is news: makes the loop take a turn, with io_event_news or io_event_wake in it.  This thread's. */
    void (*kick)(struct io *io);

    int (*listen)(struct io *io, const struct io_address *address, io_accept_fn *fn, void *arg,
                  struct io_listener **ret);
    void (*listener_address)(const struct io_listener *listener, struct io_address *ret);
    void (*listener_close)(struct io_listener *listener);
    int (*connect)(struct io *io, const struct io_address *address, struct io_stream **ret);
    int (*standard_input)(struct io *io, struct io_stream **ret);
    /* Reading on or off, as stream->reading says. */
    void (*read_changed)(struct io_stream *stream);
    /* Bytes that left, perhaps fewer; -ERR_AGAIN: none so far, and io_event_writable or _written follows; else the
     * stream is broken. */
    int64_t (*write)(struct io_stream *stream, const struct view *views, unsigned n);
    /* The outbox is empty and nothing will follow: the peer sees the end after all bytes.  A house that cannot do this
     * calls io_event_ended. */
    void (*shutdown)(struct io_stream *stream);
    /* The end: io_event_gone follows, later, from the loop. */
    void (*close)(struct io_stream *stream);
    void (*peer)(const struct io_stream *stream, char *ret, size_t len);
    uint64_t (*unheard_ms)(const struct io_stream *stream);
    int (*detach)(struct io_stream *stream, struct io_parcel *ret);
    int (*attach)(struct io *io, struct io_parcel parcel, struct io_stream **ret);
    void (*parcel_discard)(struct io *io, struct io_parcel parcel);

    int (*datagram_open)(struct io *io, const struct io_address *address, const struct io_address *peer,
                         struct io_datagram **ret);
    void (*datagram_address)(const struct io_datagram *datagram, struct io_address *ret);
    int (*datagram_broadcast)(struct io_datagram *datagram, bool allowed);
    /* Those that cannot leave are lost. */
    void (*datagram_send)(struct io_datagram *datagram, const struct io_letter *letters, unsigned n);
    /* The end: io_event_datagram_gone follows, later, from the loop. */
    void (*datagram_close)(struct io_datagram *datagram);
    int (*remote_of)(struct io *io, const struct io_address *address, struct io_remote *ret);

    void (*submit)(struct io *io, struct io_job *job);
    int64_t (*now)(struct io *io, struct io_job *job);
    int (*list)(struct io *io, const char *path, io_name_fn *fn, void *arg);
};

struct io {
    const struct io_house *house;
    struct mem *mem;
    struct heap timers;
    uint64_t now_ns, wall_ms; /* of the turn; the house sets them when one begins */
    uint64_t alarm_ns;
    bool stale; /* its owner has come from outside of any turn: the clocks are read when they are asked for */
    bool ripe;  /* an outbox has grown to ripe_bytes since the last turn's end */
    size_t ripe_bytes;
    bool busy; /* something happened since the last turn's end */
    bool dead; /* the machine is gone: nothing here does anything any more */
    io_fn *turn_fn, *wake_fn;
    void *turn_arg, *wake_arg;
    struct list dirty;    /* outboxes with something to write */
    struct list news;     /* streams that broke or were drained in an owner's own call: told in the next turn */
    struct list parting;  /* streams that are closing, by deadline */
    struct list letters;  /* datagram sockets with something to send */
    struct list refusals; /* and those that were refused in an owner's own call: told in the next turn */
    struct io_timer parting_timer;
    struct outbox_pool pool;
};

struct io_stream {
    struct io *io;
    const struct io_stream_on *on; /* NULL: nobody's */
    void *arg;
    struct list aside;     /* in news or parting */
    struct outbox *outbox; /* NULL: nothing is unsent */
    size_t lost;           /* bytes of it that were dropped */
    uint32_t high, low;
    uint32_t part_by_ms; /* of the loop's clock */
    int16_t broken_rc;   /* why nothing can be sent any more, or 0 */
    bool reading : 1;    /* the owner wants bytes */
    bool opening : 1;    /* not connected yet */
    bool blocked : 1;    /* waits for io_event_writable or _written */
    bool above : 1;      /* has been over the high mark */
    bool drained : 1;    /* and is down again, which is news */
    bool ended : 1;      /* its end has come; `ended` was told or will be */
    bool closing : 1;    /* the owner has closed it: only `closed` is still told */
    bool shut : 1;       /* shutdown was sent */
    bool gone : 1;       /* house->close was called */
};

struct io_datagram {
    struct io *io;
    const struct io_datagram_on *on;
    void *arg;
    struct list dirty;  /* in io->letters */
    struct list aside;  /* in io->refusals */
    uint8_t *outgoing;  /* what was put (datagram.c) */
    size_t len, room;   /* of it */
    unsigned waiting;   /* datagrams in it */
    int16_t refused_rc; /* to be told */
    bool has_peer : 1;
    bool opening : 1; /* its peer's name is being resolved */
    bool closing : 1; /* the owner has closed it: only `closed` is still told */
};

/* ---- for houses ------------------------------------------------------------------------------------------- */

void io_init(struct io *io, const struct io_house *house, struct mem *mem);
/* Frees what io.c holds; streams are gone by then. */
void io_fini(struct io *io);
void io_stream_init(struct io_stream *stream, struct io *io);
/* Releases what its outbox refers to, and frees it. */
void io_stream_drop(struct io_stream *stream);
/* outbox.c to io.c: some of it has left; the peer takes no more. */
void io_stream_settle(struct io_stream *stream);
void io_stream_broke(struct io_stream *stream, int rc);

/* The first event after a turn's end begins a new one: the house has set the clocks. */
void io_begin_turn(struct io *io);
/* Timers that are due; how many. */
unsigned io_fire_timers(struct io *io);
/* The owner's hook, then the outboxes. */
void io_end_turn(struct io *io);
void io_event_wake(struct io *io);
void io_event_news(struct io *io);

void io_event_opened(struct io_stream *stream, int rc);
void io_event_read(struct io_stream *stream, struct view bytes);
void io_event_ended(struct io_stream *stream, int rc);
void io_event_writable(struct io_stream *stream);
/* After -ERR_AGAIN, by a house that writes on its own: so many of the first bytes have left. */
void io_event_written(struct io_stream *stream, size_t n);
/* After house->close: tells `closed`.  The house frees the stream afterwards. */
void io_event_gone(struct io_stream *stream);

/* ---- for houses: datagrams (datagram.c) --------------------------------------------------------------------- */

void io_datagram_init(struct io_datagram *datagram, struct io *io);
/* Frees what it holds; for one that nobody will hear of. */
void io_datagram_fini(struct io_datagram *datagram);
/* Sends what was put. */
void io_datagram_flush(struct io_datagram *datagram);
/* Refused in an owner's own call: told in the next turn. */
void io_datagram_broke(struct io_datagram *datagram, int rc);

/* The peer's name is resolved, or it is not. */
void io_event_datagram_opened(struct io_datagram *datagram, int rc);
void io_event_datagram_read(struct io_datagram *datagram, const struct io_remote *from, struct view bytes);
void io_event_datagram_refused(struct io_datagram *datagram, int rc);
/* After house->datagram_close: tells `closed`.  The house frees it afterwards. */
void io_event_datagram_gone(struct io_datagram *datagram);

/* io.c's: at a turn's end, and in io_event_news. */
void io_datagrams_flush(struct io *io);
void io_datagrams_tell(struct io *io);

/* Has anybody put what has not been written? */
static inline bool
io_is_dirty(const struct io *io)
{
    return !list_empty(&io->dirty) || !list_empty(&io->letters);
}

#endif
