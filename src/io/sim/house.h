/* io/sim/house.h - io.h on a loop of a simulated machine, as house.c and stream.c share it.
 *
 * The calls are those of struct io_house (io/house.h), which says what they mean. */
#ifndef TAMBO_IO_SIM_HOUSE_H
#define TAMBO_IO_SIM_HOUSE_H

#include "io/house.h"
#include "io/sim/inner.h"

enum { SIM_SIGNALS_MAX = 4 };

struct sim_handler {
    int signum; /* 0: free */
    io_fn *fn;
    void *arg;
    struct sim_event event;
};

struct sim_stream;

struct sim_house {
    struct io io;
    struct sim_loop loop;
    struct list streams, listeners, sockets;
    struct sim_event kick;
    bool woken; /* by io_wake, since the latest kick */
    struct sim_handler handlers[SIM_SIGNALS_MAX];
    struct sim_stream *accepting; /* whose io_accept_fn runs */
};

static inline struct sim_house *
sim_house_of(const struct io *io)
{
    return container_of(io, struct sim_house, io);
}

static inline struct sim_machine *
sim_house_machine(const struct io *io)
{
    return sim_house_of(io)->loop.machine;
}

/* Neither dead nor about to die: what it does still counts. */
static inline bool
sim_house_lives(const struct io *io)
{
    return !io->dead && !sim_house_machine(io)->doomed;
}

/* ---- stream.c ---- */

int sim_listen(struct io *io, const struct io_address *address, io_accept_fn *fn, void *arg, struct io_listener **ret);
void sim_listener_address(const struct io_listener *listener, struct io_address *ret);
void sim_listener_close(struct io_listener *listener);
int sim_stream_connect(struct io *io, const struct io_address *address, struct io_stream **ret);
int sim_stream_input(struct io *io, struct io_stream **ret);
void sim_stream_read_changed(struct io_stream *stream);
int64_t sim_stream_write(struct io_stream *stream, const struct view *views, unsigned n);
void sim_stream_shutdown(struct io_stream *stream);
void sim_stream_close(struct io_stream *stream);
void sim_stream_peer(const struct io_stream *stream, char *ret, size_t len);
uint64_t sim_stream_unheard_ms(const struct io_stream *stream);
int sim_stream_detach(struct io_stream *stream, struct io_parcel *ret);
int sim_stream_attach(struct io *io, struct io_parcel parcel, struct io_stream **ret);
void sim_parcel_discard(struct io *io, struct io_parcel parcel);

/* The system closes all that a loop had which is freed while its machine lives. */
void sim_streams_close(struct sim_house *house);
/* Outboxes are dropped, ends forgotten: nothing is told any more. */
void sim_streams_still(struct sim_house *house);
void sim_streams_free(struct sim_house *house);

/* ---- datagram.c ---- */

int sim_datagram_open(struct io *io, const struct io_address *address, const struct io_address *peer,
                      struct io_datagram **ret);
void sim_datagram_address(const struct io_datagram *datagram, struct io_address *ret);
int sim_datagram_broadcast(struct io_datagram *datagram, bool allowed);
void sim_datagram_send(struct io_datagram *datagram, const struct io_letter *letters, unsigned n);
void sim_datagram_close(struct io_datagram *datagram);
int sim_remote_of(struct io *io, const struct io_address *address, struct io_remote *ret);
/* Nothing is told any more; and then they are freed. */
void sim_datagrams_still(struct list *sockets);
void sim_datagrams_free(struct list *sockets);

#endif
