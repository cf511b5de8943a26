/* io/sim/wire.h - connections between machines: two ends, and in each direction chunks under way.
 *
 * Reliable and in order within a direction, as TCP; a bounded window holds a sender back until its peer's owner has
 * read.  What goes wrong: resets, silence (a muted wire, a partition, a machine without power), and closing with
 * unread bytes, which is a reset as in real life. */
#ifndef TAMBO_IO_SIM_WIRE_H
#define TAMBO_IO_SIM_WIRE_H

#include "io/io.h"
#include "io/sim/event.h"

struct sim;
struct sim_loop;
struct sim_machine;
struct sim_wire;
struct sim_listener;
struct sim_end;

enum { SIM_WINDOW_BYTES = 256 * 1024, SIM_PEER_NAME_BYTES = 64 };

/* What an end tells its owner, in a turn of its loop; the owner may close the end in it. */
struct sim_end_on {
    void (*opened)(void *owner, int rc);
    void (*bytes)(void *owner, struct view bytes);
    void (*ended)(void *owner, int rc);
    void (*room)(void *owner); /* after a send that was not taken whole */
};

struct sim_end {
    struct sim_wire *wire;
    struct sim_machine *machine;
    struct sim_loop *loop; /* NULL: nobody's, between two loops, or gone */
    const struct sim_end_on *on;
    void *owner;
    struct sim_listener *listener; /* not accepted yet */
    bool gone;                     /* closed, or its machine died */
    bool opening;                  /* the answer to its connect is not here yet */
    bool paused;
    bool finished; /* it has sent its end */
    bool wants_room;
    int broken; /* 0, or why nothing can be sent any more */
    bool told;  /* the owner knows that it is broken */
    struct list inbox;
    size_t unread;         /* bytes in the inbox */
    uint64_t last_at;      /* when the newest chunk of the inbox arrives */
    uint64_t line_free_at; /* when what this end sends next can leave */
    uint16_t port;
    struct sim_event arrival, room, give_up;
};

struct sim_wire {
    struct sim *sim;
    struct list link;
    int64_t id;
    enum io_kind kind;
    bool local; /* within one machine */
    bool mute;
    struct sim_end ends[2]; /* who connected, who listened */
    struct sim_event knock;
    uint64_t knock_until_ns;
    struct io_address address;
};

struct sim_listener {
    struct list link; /* its machine's */
    struct sim_machine *machine;
    struct sim_loop *loop;
    struct io_address address;
    bool loopback_only;
    void (*accepted)(struct sim_listener *listener, struct sim_end *end); /* attaches or closes it */
};

/* The kernel's side of connect: the end is the owner's until it closes it. */
struct sim_end *sim_wire_connect(struct sim_loop *loop, const struct io_address *address, const struct sim_end_on *on,
                                 void *owner);
/* Gives the listener its port and puts it up.  0 or -ERR_ADDRESS_IN_USE. */
int sim_wire_listen(struct sim_listener *listener, struct sim_loop *loop, const struct io_address *address);
/* What waits to be accepted is reset. */
void sim_wire_unlisten(struct sim_listener *listener);

/* Bytes taken, fewer than there are when the window is full (`room` follows), or -err. */
int64_t sim_end_send(struct sim_end *end, const struct view *views, size_t n);
void sim_end_pause(struct sim_end *end, bool paused);
/* Sends the end of the stream, and stays. */
void sim_end_finish(struct sim_end *end);
/* The ends of an owner that is done with it; the end may be freed. */
void sim_end_close(struct sim_end *end);
void sim_end_reset(struct sim_end *end);
void sim_end_vanish(struct sim_end *end);
/* From one loop to another. */
void sim_end_detach(struct sim_end *end);
void sim_end_attach(struct sim_end *end, struct sim_loop *loop, const struct sim_end_on *on, void *owner);
/* The detached end with this handle on `machine`, or NULL. */
struct sim_end *sim_end_find(struct sim_machine *machine, int64_t handle);
int64_t sim_end_handle(const struct sim_end *end);
void sim_end_peer(const struct sim_end *end, char *ret, size_t len);
/* How long its bytes have waited on a wire that nothing passes. */
uint64_t sim_end_unheard_ms(const struct sim_end *end);

/* The machine's standard input, made at the first call. */
struct sim_end *sim_wire_stdin(struct sim_machine *machine);

/* Something between the machines has changed (partition, power): what waits may flow, what flows may wait. */
void sim_wire_rethink(struct sim_wire *wire);
/* Nothing passes any more. */
void sim_wire_mute(struct sim_wire *wire);
/* Both ends see a reset. */
void sim_wire_reset(struct sim_wire *wire);

/* Between wire.c and net.c. */
uint64_t sim_wire_latency(const struct sim_wire *wire);
void sim_wire_free(struct sim_wire *wire);

#endif
