/* rpc/client.h - a caller as a state machine on one loop: what include/tambo/rpc.h promises of clients, without its
 * threads.  Nothing here waits or locks; the simulator runs hundreds.
 *
 *     rpc_client   a program's version at some addresses; options, credentials, guards
 *       line       an address of it: its link (opened for a call, closed when idle), whether its server is one of ours
 *       call       what is to be sent (kept only where it may have to be sent again), until when
 *         attempt  one sending of it, on one line, under one xid
 *
 * Attempts.  A call is sent on a line; its xid is new for each attempt but a datagram's resending.  A reply to any of
 * its attempts ends it.  What may be tried again, and when, stands in one table (attempt.c): by semantics, by what went
 * wrong and by whether the server is ours.  Ours are told what a verifier can carry (oncrpc_extra): so a line is asked
 * first, with a call of HELLO (rpc/extra.h), where an option needs it; others answer PROG_UNAVAIL.
 *
 * What an error says of a call is true: "not executed" only where no server can have had it. */
#ifndef TAMBO_RPC_CLIENT_H
#define TAMBO_RPC_CLIENT_H

#include "base/heap.h"
#include "base/list.h"
#include "rpc/link.h"
#include "tambo/rpc.h"

struct rpc_client;
struct rpc_call;
struct rpc_line;

struct rpc_call_on {
    /* 0 and the results, borrowed; or -err, and rpc_client_why() of the call's client tells more.  Exactly once, from
     * the loop or inside rpc_call_cancel or rpc_client_free, and the last call: the caller's memory is its own again.
     * Calls may be begun and canceled here, and the client freed. */
    void (*done)(struct rpc_call *call, int rc, struct view results);
};

enum rpc_form {
    RPC_FORM_REPLY,   /* done when the reply comes */
    RPC_FORM_RECEIPT, /* done when the server has accepted it; of a server that is not ours the reply is waited for */
    RPC_FORM_CAST,    /* done when it was handed over */
};

struct rpc_attempt {
    struct list link;      /* of its line: to be sent, or sent */
    struct rpc_call *call; /* NULL: there is none */
    struct rpc_line *line;
    uint32_t xid;
    unsigned puts; /* how often it was sent: 0, 1, or a datagram's resendings */
};

/* What an attempt came to grief on. */
struct rpc_failure {
    int rc;
    int cause;          /* as it was told: more precise than `rc`, which says what became of the call */
    uint32_t low, high; /* of a mismatch; or the auth_stat */
    struct rpc_line *line;
};

enum {
    RPC_ATTEMPTS_MAX = 2,    /* at once: the second is a hedge */
    RPC_LINES_MAX = 64,      /* addresses of a client */
    RPC_CALL_FEW_BYTES = 40, /* arguments that need no memory of their own to be kept */
};

/* The caller's memory; all of it is the client's until `done`. */
struct rpc_call {
    const struct rpc_call_on *on;
    struct rpc_client *client;
    const struct tambo_rpc_procedure *procedure;
    struct list link; /* of its client's, by rising sequence */
    struct heap_node due;
    struct rpc_attempt attempts[RPC_ATTEMPTS_MAX];
    uint64_t sequence;
    uint64_t deadline_ns, retry_ns, resend_ns, hedge_ns;
    uint64_t resend_after_ns;
    uint64_t begun_ns, sent_ns;
    uint64_t tried; /* lines, as bits */
    uint64_t boot;  /* of the server that remembers it; 0: none does */
    uint8_t *args;  /* encoded; NULL: they are not kept */
    size_t args_bytes;
    struct rpc_failure last;   /* why it is tried again */
    struct rpc_failure unsure; /* rc < 0: with this an attempt was lost that may have been executed */
    unsigned tries;
    unsigned passed; /* guards that hear of its end */
    enum rpc_form form;
    bool is_at_least_once; /* its semantics are what they were when it was begun */
    uint8_t few[RPC_CALL_FEW_BYTES];
};

/* `addresses` are one or several, with spaces between: -ERR_ADDRESS, -ERR_FULL (more than RPC_LINES_MAX),
 * -ERR_NO_MEMORY. */
int rpc_client_new(struct rpc_world *world, const char *addresses, uint32_t program, uint32_t version,
                   struct rpc_client **ret);
/* Another one that shares its lines; it begins with the same options and credentials, and without guards. */
int rpc_client_again(struct rpc_client *client, struct rpc_client **ret);
/* Its calls are canceled.  May be called in any callback.  NULL is fine. */
void rpc_client_free(struct rpc_client *client);
/* 0 or -ERR_INVALID; -ERR_STATE: AUTH_SYS without credentials, which rpc_client_set_cred() gives. */
int rpc_client_set(struct rpc_client *client, enum tambo_rpc_client_option option, int64_t value);
int rpc_client_get(const struct rpc_client *client, enum tambo_rpc_client_option option, int64_t *ret);
/* See tambo_rpc_set_cred(); it sets AUTH_SYS too.  0 or -ERR_INVALID. */
int rpc_client_set_cred(struct rpc_client *client, const struct tambo_rpc_cred *cred);
/* 0 or -ERR_NO_MEMORY. */
int rpc_client_guard(struct rpc_client *client, const struct tambo_rpc_client_guard *guard);
/* Why a call failed last; "": none has. */
const char *rpc_client_why(const struct rpc_client *client);

/* What an error says of a call. */
enum tambo_outcome rpc_outcome(int rc);

enum { RPC_CALL_DONE = 1 };
/* Encodes and begins it.  0: `done` will be called; RPC_CALL_DONE: a cast that was handed over, `done` will not be
 * called; -err: nor then, and nothing was sent.  `why` (may be NULL) is set for -ERR_ARGUMENTS. */
int rpc_call_begin(struct rpc_client *client, const struct tambo_rpc_procedure *procedure, const void *args,
                   enum rpc_form form, const struct rpc_call_on *on, struct rpc_call *call,
                   struct tambo_xdr_fault *why);
/* Ends it with -ERR_CANCELED or -ERR_ABANDONED; `done` is called inside. */
void rpc_call_cancel(struct rpc_call *call);

#endif
