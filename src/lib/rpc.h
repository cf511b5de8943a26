/* lib/rpc.h - what the files of remote procedure calls share: include/tambo/rpc.h is rpc/client.h and rpc/server.h
 * behind io/gate.h. */
#ifndef TAMBO_LIB_RPC_H
#define TAMBO_LIB_RPC_H

#include "lib/inner.h"
#include "rpc/client.h"
#include "rpc/registration.h"
#include "rpc/server.h"
#include "tambo/rpc.h"

enum {
    RPC_WHY_BYTES = 256,
    RPC_ROOM_BYTES = 128, /* results that are no longer lie in the call itself */
    RPC_SPARE_CALLS_MAX = 1024,
};

struct tambo_rpc_client {
    struct tambo *context;
    struct list link;
    struct rpc_client *core; /* NULL: freed */
    unsigned refs;           /* its handle's, and its calls' */
    struct rpc_client_watch *watches;
    char why[RPC_WHY_BYTES];
};

/* A deferred one. */
struct tambo_rpc_call {
    struct rpc_call core;
    struct tambo_rpc_client *client;
    const struct tambo_rpc_procedure *procedure;
    struct list link; /* of the context, until it is ended */
    struct list wishes;
    tambo_rpc_done_fn *fn;
    void *arg;
    bool is_done;
    int rc;
    uint8_t *results; /* `room`, or a block of its own */
    size_t result_bytes;
    struct tambo_rpc_call *next; /* a spare one */
    uint8_t room[RPC_ROOM_BYTES];
};

struct tambo_rpc_server {
    struct tambo *context;
    const struct io *io;
    struct list link;
    struct rpc_server *core;
    struct rpc_registration *registration;
    struct list untold; /* calls that wait for rpcbind, or for its end */
    struct list queue;  /* requests that wait for a worker */
    struct list taken;  /* those whose handlers run, or that are answered later */
    struct list idle;   /* workers, the one that has waited longest first */
    struct list runs;   /* calls of tambo_rpc_run() */
    struct list drains; /* and tambo_rpc_drain() */
    struct rpc_worker *workers;
    unsigned worker_count, working; /* made, and not gone yet */
    unsigned inside;                /* calls that wait on it */
    bool is_stopped;                /* the next run ends at once */
    bool is_told, is_draining;
    bool is_freed; /* by its handle */
    struct rpc_server_watch *watches;
    struct rpc_address bound; /* last */
    bool is_bound;
};

/* ---- rpc_context.c ----------------------------------------------------------------------------------------- */

/* Makes the context's world of links with the first client or server.  0, -ERR_NO_MEMORY, -ERR_CANCELED. */
int lib_rpc_begin(struct tambo *context);
/* Someone or something is gone: who frees the context is to look again. */
void lib_rpc_part(struct tambo *context);

/* Around a call out to a handler, a callback or a guard; they may lie within each other. */
void lib_rpc_call_begin(struct tambo *context);
void lib_rpc_call_end(struct tambo *context);
/* As lib_enter(), and within such a call out too: the lock is this thread's already, and nothing may be waited for. */
int lib_rpc_enter(struct tambo *context, bool *retnested);
void lib_rpc_leave(struct tambo *context, bool nested);

/* Waits until it is roused: 0; -ERR_AGAIN, -ERR_TIMEOUT. */
int lib_rpc_sleep(struct tambo *context, struct io_waiter *waiter, struct lib_patience *patience);
/* Who waits for one of several things. */
struct rpc_wish {
    struct list link;
    struct io_waiter *waiter;
};
void lib_rpc_wish(struct rpc_wish *wish, struct list *wishes, struct io_waiter *waiter);
void lib_rpc_rouse(struct tambo *context, const struct list *wishes);
/* Sleeps for one of them. */
int lib_rpc_wait(struct tambo *context, struct list *wishes, struct lib_patience *patience);

/* ---- rpc_client.c ------------------------------------------------------------------------------------------ */

int lib_rpc_enter_client(struct tambo_rpc_client *client, bool *retnested);
void lib_rpc_free_client(struct tambo_rpc_client *client);
void lib_rpc_unref_client(struct tambo_rpc_client *client);
/* Takes note of why; returns `rc`. */
int lib_rpc_failed(struct tambo_rpc_client *client, int rc);
int lib_rpc_fault(struct tambo_rpc_client *client, int rc, const struct tambo_xdr_fault *fault);
/* Begins a call, with a reference to its client; or RPC_CALL_DONE. */
int lib_rpc_call(struct tambo_rpc_client *client, const struct tambo_rpc_procedure *procedure, const void *args,
                 enum rpc_form form, const struct rpc_call_on *on, struct rpc_call *call);
/* 0, or -ERR_RESULTS whatever the cause: the call was executed.  NULL as `ret`: nobody wants them. */
int lib_rpc_decode(struct tambo_rpc_client *client, const struct tambo_rpc_procedure *procedure, struct view results,
                   struct tambo_arena *arena, void *ret);

/* ---- rpc_call.c -------------------------------------------------------------------------------------------- */

/* Ended ones, and those that nobody will end any more. */
void lib_rpc_free_calls(struct tambo *context);

/* ---- rpc_server.c, rpc_request.c --------------------------------------------------------------------------- */

void lib_rpc_close_server(struct tambo_rpc_server *server);
/* Frees it when its handle is, and nobody waits on it or has a request of it. */
void lib_rpc_release_server(struct tambo_rpc_server *server);
void lib_rpc_on_request(void *arg, struct rpc_request *request);
/* So many workers in all.  0 or -err, and then it may be tried again. */
int lib_rpc_hire(struct tambo_rpc_server *server, unsigned count);
/* Waits until they are gone. */
void lib_rpc_dismiss(struct tambo_rpc_server *server);
/* Those that still are the program's are nobody's any more. */
void lib_rpc_drop_requests(struct list *requests);

#endif
