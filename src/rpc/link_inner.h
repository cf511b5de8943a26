/* rpc/link_inner.h - how links are made.  Internal to link*.c and door.c.
 *
 * A transport embeds `struct rpc_link` at the head of its own and fills `struct rpc_link_ops`.  What is to be told, but
 * not inside an owner's own call, waits in the world's `ready` for the loop (rpc_link_soon). */
#ifndef TAMBO_RPC_LINK_INNER_H
#define TAMBO_RPC_LINK_INNER_H

#include "base/mem.h"
#include "rpc/link.h"

struct rpc_link_ops {
    size_t bytes_max; /* of a message that it can carry */
    bool is_datagram;
    /* Room for a message where it will leave; NULL: none.  No such function: messages are encoded elsewhere and put. */
    uint8_t *(*room)(struct rpc_link *link, size_t n);
    void (*room_done)(struct rpc_link *link, uint8_t *room, size_t n);
    void (*room_drop)(struct rpc_link *link);
    int (*put)(struct rpc_link *link, const struct io_remote *to, struct view message);
    void (*accepted)(struct rpc_link *link);
    /* As link->is_paused says, which has changed. */
    void (*flow)(struct rpc_link *link);
    size_t (*unsent)(const struct rpc_link *link);
    uint64_t (*unheard_ms)(const struct rpc_link *link); /* no such function: it cannot be known */
    void (*peer)(const struct rpc_link *link, const struct io_remote *from, char *ret, size_t len);
    /* After rpc_link_soon(), from the loop. */
    void (*go)(struct rpc_link *link);
    /* The owner has left it; rpc_link_gone() follows, later, from the loop. */
    void (*leave)(struct rpc_link *link, bool abort);
    /* Frees what it holds beside itself. */
    void (*fini)(struct rpc_link *link);
};

struct rpc_link {
    const struct rpc_link_ops *ops;
    struct rpc_world *world;
    const struct rpc_link_on *on; /* NULL: nobody's, not yet or no longer */
    void *arg;
    struct list link;  /* in world->links */
    struct list ready; /* in world->ready */
    size_t message_bytes_max;
    uint32_t guess; /* how large the next message will be */
    bool is_taken : 1;
    bool is_open : 1;
    bool is_paused : 1;
};

struct rpc_world {
    struct io *io;
    struct mem *mem;
    struct list links, doors;
    struct list ready;
    struct io_timer soon;
    unsigned count; /* of both */
    bool is_idle;   /* to be told */
    io_fn *idle_fn;
    void *idle_arg;
    /* The message that is being written. */
    struct rpc_link *writer;
    struct tambo_xdr_out out;
    uint8_t *scratch;
    size_t scratch_bytes;
};

struct rpc_door {
    struct rpc_world *world;
    struct list link; /* in world->doors */
    struct rpc_address address;
    size_t message_bytes_max;
    const struct rpc_door_on *on;
    void *arg;
    struct io_listener *listener; /* tcp, unix */
    struct rpc_link *datagram;    /* udp: its one link, while it is there */
};

/* ---- world.c ---- */

/* The loop is to come back: world->ready, or an end, is to be looked after. */
void rpc_world_soon(struct rpc_world *world);
/* One link or door more, or less. */
void rpc_world_add(struct rpc_world *world);
void rpc_world_sub(struct rpc_world *world);

/* ---- link.c ---- */

/* Of `size` bytes, zeroed.  NULL: no memory. */
struct rpc_link *rpc_link_new(struct rpc_world *world, size_t size, const struct rpc_link_ops *ops,
                              size_t message_bytes_max);
/* Frees it. */
void rpc_link_gone(struct rpc_link *link);
/* Calls ops->go from the loop. */
void rpc_link_soon(struct rpc_link *link);
/* Shows it to a door's owner.  False: it was not taken. */
bool rpc_link_offer(struct rpc_link *link, const struct rpc_door *door);

/* ---- one file a transport ---- */

int rpc_stream_open(struct rpc_world *world, const struct rpc_address *address, size_t message_bytes_max,
                    struct rpc_link **ret);
int rpc_stream_listen(struct rpc_door *door);
int rpc_datagram_open(struct rpc_world *world, const struct rpc_address *address, size_t message_bytes_max,
                      struct rpc_link **ret);
int rpc_datagram_listen(struct rpc_door *door);
/* The door closes: whoever's it is, it is closed. */
void rpc_datagram_shut(struct rpc_link *link);
void rpc_datagram_address(const struct rpc_link *link, struct io_address *ret);
int rpc_inproc_open(struct rpc_world *world, const struct rpc_address *address, size_t message_bytes_max,
                    struct rpc_link **ret);
int rpc_inproc_listen(struct rpc_door *door);

#endif
