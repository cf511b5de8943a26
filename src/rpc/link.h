/* rpc/link.h - what carries messages between two ends: a stream with record marks, a datagram socket, or a pair within
 * the process.  Neither caller nor server knows which.
 *
 * A link carries whole messages, both ways, in turns of the loop.  One that comes is told where it lies when one
 * read holds it whole in one fragment; fragments are copied together up to `message_bytes_max`, and a mark that
 * claims more ends the link before any memory is taken.  One that goes is encoded where it will lie: */
#ifndef TAMBO_RPC_LINK_H
#define TAMBO_RPC_LINK_H

#include "io/io.h"
#include "tambo/xdr.h"

/* What all clients and servers of one loop share: scratch memory, inproc names. */
struct rpc_world;
int rpc_world_new(struct io *io, struct rpc_world **ret);
/* Frees what is left of its links and doors, too: those that are still being closed, and in the simulator those of a
 * program that died.  NULL is fine. */
void rpc_world_free(struct rpc_world *world);
struct io *rpc_world_io(struct rpc_world *world);
/* Links and doors that are not gone: also closed ones whose last bytes still leave. */
unsigned rpc_world_count(const struct rpc_world *world);
/* Called from the loop when the last of them is gone. */
void rpc_world_on_idle(struct rpc_world *world, io_fn *fn, void *arg);

/* "tcp://HOST:PORT", "udp://...", "unix:PATH", "inproc:NAME"; port 0: none was said. */
enum rpc_transport { RPC_TCP, RPC_UDP, RPC_UNIX, RPC_INPROC };
struct rpc_address {
    enum rpc_transport transport;
    struct io_address at; /* `at.host` is the path or the name, where it is one */
};
/* 0 or -ERR_ADDRESS. */
int rpc_address_parse(struct view text, struct rpc_address *ret);
/* At most `len` bytes with the NUL. */
void rpc_address_print(const struct rpc_address *address, char *ret, size_t len);

struct rpc_link;

/* The marks of what waits to leave: `drained` is called when it is down to LOW after it was above HIGH. */
enum { RPC_LINK_BYTES_HIGH = 256 * 1024, RPC_LINK_BYTES_LOW = 64 * 1024 };

struct rpc_link_on {
    /* Messages may be put; rc < 0: it could not be connected.  For links that were opened. */
    void (*opened)(void *arg, int rc);
    /* One message, borrowed for the call.  `from` is who sent it, for an answer to a datagram; NULL: there is one peer.
     */
    void (*message)(void *arg, const struct io_remote *from, struct view message);
    /* The peer is gone, or broke the framing (-ERR_PROTOCOL, -ERR_TOO_LARGE).  The owner answers with rpc_link_close().
     */
    void (*ended)(void *arg, int rc);
    /* What waits to leave is below the low mark again. */
    void (*drained)(void *arg);
};

/* To one peer. */
int rpc_link_open(struct rpc_world *world, const struct rpc_address *address, size_t message_bytes_max,
                  const struct rpc_link_on *on, void *arg, struct rpc_link **ret);
/* From one that came; to be called in the door's `came`. */
void rpc_link_accept(struct rpc_link *link, const struct rpc_link_on *on, void *arg);
/* The link is gone for its owner, and nothing of it is told any more; may be called in any of its callbacks. */
void rpc_link_close(struct rpc_link *link); /* what was put still leaves */
void rpc_link_abort(struct rpc_link *link);
/* May a message be lost or come twice? */
bool rpc_link_is_datagram(const struct rpc_link *link);
void rpc_link_pause(struct rpc_link *link);
void rpc_link_resume(struct rpc_link *link);
size_t rpc_link_unsent(const struct rpc_link *link);
/* See io_unheard_ms(); 0 where it cannot be known. */
uint64_t rpc_link_unheard_ms(const struct rpc_link *link);
void rpc_link_peer(const struct rpc_link *link, const struct io_remote *from, char *ret, size_t len);

/* Writes one message: begin, encode into *out (of at most `bytes_max`), commit.  No other may come between.  `to` as
 * `from` above.  begin: NULL: the link is not open, or no memory.  commit: 0 or -err, and then nothing leaves. */
struct tambo_xdr_out *rpc_link_begin(struct rpc_link *link, size_t bytes_max);
int rpc_link_commit(struct rpc_link *link, const struct io_remote *to);
/* Nothing leaves. */
void rpc_link_drop(struct rpc_link *link);
/* One that was encoded before. */
int rpc_link_put(struct rpc_link *link, const struct io_remote *to, struct view message);

/* Where links come from: a listening stream or name; or a bound datagram socket, which is one link for all peers. */
struct rpc_door;
struct rpc_door_on {
    /* A link came; rpc_link_accept() takes it in this call, else it is closed. */
    void (*came)(void *arg, struct rpc_link *link);
};
int rpc_door_open(struct rpc_world *world, const struct rpc_address *address, size_t message_bytes_max,
                  const struct rpc_door_on *on, void *arg, struct rpc_door **ret);
/* With the port that was bound. */
void rpc_door_address(const struct rpc_door *door, struct rpc_address *ret);
/* Its links stay, but that of a datagram door, which is closed. */
void rpc_door_close(struct rpc_door *door);

#endif
