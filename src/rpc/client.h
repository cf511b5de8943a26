/* rpc/client.h - a caller as a state machine on one loop: what include/tambo/rpc.h promises of clients, without its
 * threads.  Nothing here waits or locks; the simulator runs hundreds.
 *
 *     rpc_client   a program's version at some addresses; options
 *       line       an address of it: its link (opened for a call, closed when idle), whether it is one of ours, its
 * load call       one call: what it was encoded to (kept only where it may have to be sent again), its attempts
 *
 * Attempts.  A call is sent on a line; its xid is new for each attempt but a datagram's resending.  A reply to any of
 * its attempts ends it.  What may be tried again, and when, stands in one table (attempt.c): by semantics, by what went
 * wrong and by whether the server is ours.  Ours are told what a verifier can carry (oncrpc_extra): so a line is asked
 * first, with a call of TAMBO_RPC_HELLO (rpc/extra.h), when an option needs it; others answer PROG_UNAVAIL. */
#ifndef TAMBO_RPC_CLIENT_H
#define TAMBO_RPC_CLIENT_H

#include "base/heap.h"
#include "base/list.h"
#include "rpc/link.h"
#include "tambo/rpc.h"

struct rpc_client;
struct rpc_call;

struct rpc_call_on {
    /* 0 and the results, borrowed; or -err.  Exactly once, from the loop or inside rpc_call_cancel or rpc_client_free
     * (RPC_FORM_CAST: also inside rpc_call_begin, when the line is open), and the last call: the caller's memory is its
     * own again.  Calls may be begun and canceled here. */
    void (*done)(struct rpc_call *call, int rc, struct view results);
};

enum rpc_form {
    RPC_FORM_REPLY,   /* done when the reply comes */
    RPC_FORM_RECEIPT, /* done when the server has accepted it */
    RPC_FORM_CAST,    /* done when it was handed over */
};

/* The caller's memory. */
struct rpc_call {
    const struct rpc_call_on *on;
    struct rpc_client *client;
    struct list link;
    struct rpc_attempt *attempts;
    struct heap_node timer;
    uint64_t deadline_ns, due_ns, begun_ns;
    uint64_t sequence;
    const struct tambo_rpc_procedure *procedure;
    uint8_t *message; /* encoded, or NULL */
    size_t message_bytes;
    enum rpc_form form;
    unsigned tries;
    int last_rc;
    bool was_sent;
};

int rpc_client_new(struct rpc_world *world, const char *addresses, uint32_t program, uint32_t version,
                   struct rpc_client **ret);
/* Another one that shares its lines. */
int rpc_client_again(struct rpc_client *client, struct rpc_client **ret);
void rpc_client_free(struct rpc_client *client);
int rpc_client_set(struct rpc_client *client, enum tambo_rpc_client_option option, int64_t value);
int rpc_client_get(const struct rpc_client *client, enum tambo_rpc_client_option option, int64_t *ret);
/* See tambo_rpc_set_cred(). */
int rpc_client_set_cred(struct rpc_client *client, const struct tambo_rpc_cred *cred);
int rpc_client_guard(struct rpc_client *client, const struct tambo_rpc_client_guard *guard);
/* Why a call failed last; "" : none has. */
const char *rpc_client_why(const struct rpc_client *client);

/* Encodes and begins it.  0: `done` will be called; -err: it will not.  `why` (may be NULL) is set for
 * -ERR_ARGUMENTS.  */
int rpc_call_begin(struct rpc_client *client, const struct tambo_rpc_procedure *procedure, const void *args,
                   enum rpc_form form, const struct rpc_call_on *on, struct rpc_call *call,
                   struct tambo_xdr_fault *why);
/* Ends it, `done` is called inside. */
void rpc_call_cancel(struct rpc_call *call);

#endif
