/* lib/inner.h - what the files of libtambo share: include/tambo/socket.h is client/socket.h behind io/gate.h.  What
 * only remote procedure calls share stands in rpc.h. */
#ifndef TAMBO_LIB_INNER_H
#define TAMBO_LIB_INNER_H

#include "base/err.h"
#include "base/mem.h"
#include "client/socket.h"
#include "io/gate.h"
#include "io/io.h"
#include "tambo/socket.h"

enum { FD_KINDS = 8, SPARE_MESSAGES_MAX = 1024 };

/* What a context has of remote procedure calls. */
struct lib_rpc {
    struct rpc_world *world;      /* NULL: there were none */
    struct list clients, servers; /* those that are not freed */
    struct list calls;            /* deferred ones that are not ended */
    struct list leaving;          /* freed servers whose requests are not answered */
    struct tambo_rpc_call *spare;
    unsigned spares;
    unsigned inside; /* calls that wait */
    unsigned depth;  /* calls out that are under way, one within the other */
};

/* All of it, but for what is never changed, is the gate's: used between lib_enter() and lib_leave(). */
struct tambo {
    struct mem mem; /* itself counts too */
    struct io_gate *gate;
    struct socket_world *world;
    struct list sockets; /* those that are not gone */
    struct list stirred; /* those whose descriptors have to be looked at */
    struct tambo_message *spare;
    unsigned spares;
    struct lib_rpc rpc;
    struct io_waiter *freer; /* tambo_free, that waits for the last socket or call to go */
};

struct tambo_socket {
    struct tambo *context;
    struct list link;
    struct socket *core; /* NULL: gone */
    struct list wishes;
    unsigned waiting; /* calls that wait on it: it is not freed before */
    bool is_closed;
    struct list stir;
    unsigned fds_made, fds_on; /* bits by enum tambo_ready's sums */
    int fds[FD_KINDS];
    tambo_admit_fn *admit;
    void *admit_arg;
};

struct tambo_message {
    struct tambo *context;
    struct zmtp_slice slice;
    struct tambo_message *next; /* a spare one */
};

/* context.c */
/* 0, or -err (io_gate_enter) and then it was not entered. */
int lib_enter(struct tambo *context);
void lib_leave(struct tambo *context);
int lib_enter_socket(struct tambo_socket *socket);

/* wait.c */
/* What of a call's `wait_ms` is left; begun with the first wait. */
struct lib_patience {
    int ms;
    bool is_begun;
    uint64_t deadline_ns;
};
/* 0, or -ERR_AGAIN when there is no time. */
int lib_begin(struct lib_patience *patience, const struct io *io);
/* One socket that a waiting call looks at. */
struct lib_wish {
    struct list link;
    struct tambo_socket *socket;
    struct io_waiter *waiter;
};
/* Waits for a change of the socket.  0: ask again.  -ERR_TIMEOUT; -ERR_AGAIN: it is not to be waited; -ERR_CANCELED,
 * and then the socket is gone. */
int lib_wait(struct tambo_socket *socket, struct lib_patience *patience);
/* The same for several of one context; `wishes` has their sockets, NULL for none. */
int lib_wait_all(struct tambo *context, struct lib_wish *wishes, size_t count, struct lib_patience *patience);
/* It has changed. */
void lib_rouse(struct tambo_socket *socket);
/* Frees it when it is gone and nobody waits on it. */
void lib_release(struct tambo_socket *socket);

/* descriptor.c */
static inline void
lib_stir(struct tambo_socket *socket)
{
    if (socket->fds_made != 0)
        list_push(&socket->context->stirred, &socket->stir);
}
/* Turns the descriptors of those that were stirred on or off. */
void lib_settle(struct tambo *context);
void lib_close_fds(struct tambo_socket *socket);

/* message.c */
void lib_free_spares(struct tambo *context);

/* rpc_context.c */
void lib_rpc_init(struct lib_rpc *rpc);
/* Frees clients and servers, waits for those who wait on them, and frees the rest. */
void lib_rpc_end(struct tambo *context);

#endif
