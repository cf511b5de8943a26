/* tambo/rpc.h - remote procedure calls on ONC RPC's wire (RFC 5531): the runtime that stubs of `tambo rpcgen` call.
 *
 * A *client* is a way to one version of one program: at one address, at several, or at whoever a name stands for.  A
 * *server* answers the calls of any number of programs at any number of addresses.  Both belong to a context (struct
 * tambo, tambo/socket.h), and threads, waiting and errors are as there: any function from any thread, `wait_ms` last,
 * 0 or -TAMBO_ERR_X.
 *
 * A remote call is not a local one: it may fail after it was executed.  So each error says what became of the call, and
 * tambo_rpc_outcome() tells: executed, not executed, or unknown.
 *
 * Addresses: tcp://HOST:PORT (record marking), udp://HOST:PORT (sent again until answered), unix:PATH, inproc:NAME.
 * Without a port (tcp://HOST) the host's rpcbind is asked; a server without a port takes any free one. */
#ifndef TAMBO_RPC_H
#define TAMBO_RPC_H

#include "tambo/socket.h"
#include "tambo/xdr.h"

#ifdef __cplusplus
extern "C" {
#endif
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

struct tambo_rpc_client;
struct tambo_rpc_call;
struct tambo_rpc_server;
struct tambo_rpc_request;

/* ---- what stubs are made of: all of it static ------------------------------------------------------------- */

typedef int tambo_xdr_encode_fn(struct tambo_xdr_out *out, const void *value);
typedef int tambo_xdr_decode_fn(struct tambo_xdr_in *in, void *ret);

struct tambo_rpc_procedure {
    const char *name; /* "BIN_DATE" */
    uint32_t number;
    tambo_xdr_encode_fn *encode_args, *encode_ret; /* NULL: void */
    tambo_xdr_decode_fn *decode_args, *decode_ret;
    size_t args_size, ret_size; /* of what they decode into */
    /* Calls the handler of `handlers` (F_V_handlers), with the arguments and the room for the results. */
    int (*handle)(const void *handlers, void *arg, struct tambo_rpc_request *request, const void *args, void *ret);
};

struct tambo_rpc_program {
    const char *name; /* "DATE_PROG" */
    uint32_t program, version;
    const struct tambo_rpc_procedure *procedures; /* by rising number, without NULL's 0 */
    unsigned count;
    const char *idl; /* the interface's text, which the server tells whoever asks; NULL: none */
    /* Who is asked for each number that is not in the list (tambo_rpc_number_of() tells it); NULL:
     * -TAMBO_ERR_PROCEDURE. For programs whose procedures are not known before they are called. */
    const struct tambo_rpc_procedure *any;
};

/* ---- what became of a call ---------------------------------------------------------------------------------- */

/*  -TAMBO_ERR_...                                                 the call was
 *  (0), RESULTS                                                   executed
 *  UNREACHABLE, REFUSED, ADDRESS, DENIED, PROGRAM, VERSION,       not executed
 *  PROCEDURE, ARGUMENTS, OVERLOADED, CANCELED, TOO_LARGE,
 *  NO_MEMORY, FULL, INVALID, STATE, NOT_FOUND, FORKED, DESCRIPTORS
 *  TIMEOUT, RESET, END, ABANDONED, PROTOCOL, FAILED               perhaps executed
 *
 * A deadline that passes before the call could be sent is -TAMBO_ERR_UNREACHABLE, one after that -TAMBO_ERR_TIMEOUT.
 * Over udp a second copy of a call may be on its way: so a server that is overloaded, or gone when it was sent to, is
 * -TAMBO_ERR_RESET, and tambo_rpc_why() says which. */
enum tambo_outcome { TAMBO_EXECUTED, TAMBO_NOT_EXECUTED, TAMBO_OUTCOME_UNKNOWN };
enum tambo_outcome tambo_rpc_outcome(int rc);

/* ---- options ------------------------------------------------------------------------------------------------ */

enum tambo_semantics {
    /* Sent again whenever it may help: over udp until it is answered; over streams up to RETRY_MAX times. */
    TAMBO_AT_LEAST_ONCE,
    /* Our servers know a call that comes again by its client and number, and replay its reply.  To other servers it is
     * sent once; what could not be sent at all may be tried again. */
    TAMBO_AT_MOST_ONCE,
};
enum tambo_balance { TAMBO_PICK_FIRST, TAMBO_ROUND_ROBIN, TAMBO_LEAST_LOADED };

/* clang-format off */
/*  name                   default      low        high   what */
#define TAMBO_RPC_CLIENT_OPTIONS(OPTION)                                                                                                          \
    OPTION(DEADLINE_MS,          25000,        1,    1 << 30, "a call's time in all; our servers are told what is left of it")                     \
    OPTION(SEMANTICS,                1,        0,          1, "enum tambo_semantics")                                                             \
    OPTION(RETRY_MAX,                2,        0,       1000, "how often a call is tried again, at another address where there is one")           \
    OPTION(RETRY_MS,                50,        1,    1 << 30, "before the first new try; doubled each time, anywhere in its upper half")          \
    OPTION(RETRY_MS_MAX,          5000,        1,    1 << 30, "the longest")                                                                      \
    OPTION(RETRY_PERCENT,           20,        0,        100, "the budget: new tries for a hundred calls")                                        \
    OPTION(HEDGE_MS,                 0,        0,    1 << 30, "without a reply for so long it is also sent to the next address; 0: never; only where twice does no harm (AT_LEAST_ONCE)") \
    OPTION(RESEND_MS,              500,        1,    1 << 30, "udp: without an answer for so long it is sent again; doubled each time")           \
    OPTION(BALANCE,                  0,        0,          2, "enum tambo_balance, between several addresses")                                    \
    OPTION(CALLS_MAX,            65536,        1,    1 << 24, "in flight; one more is -TAMBO_ERR_FULL")                                           \
    OPTION(CALL_BYTES_MAX,     1 << 24,      128,    1 << 30, "of a call's message")                                                              \
    OPTION(REPLY_BYTES_MAX,    1 << 24,      128,    1 << 30, "of a reply's message; the connection is left")                                     \
    OPTION(CONNECT_MS,            5000,        1,    1 << 30, "to connect")                                                                       \
    OPTION(IDLE_MS,             300000,        0,    1 << 30, "a connection without calls is closed; 0: never")                                   \
    OPTION(AUTH_SYS,                 0,        0,          1, "credentials of AUTH_SYS: this process's user and groups")

#define TAMBO_RPC_SERVER_OPTIONS(OPTION)                                                                                                          \
    OPTION(WORKERS,                  0,        0,       1024, "threads that run handlers; 0: the thread that drives the context does")            \
    OPTION(CONNECTIONS_MAX,     100000,        1,    1 << 30, "further ones are closed")                                                          \
    OPTION(REQUESTS_MAX,         65536,        1,    1 << 24, "under way; further calls are answered with -TAMBO_ERR_OVERLOADED")                 \
    OPTION(CONNECTION_REQUESTS_MAX, 1024,      1,    1 << 24, "of one connection; then it is not read from")                                      \
    OPTION(CALL_BYTES_MAX,     1 << 24,      128,    1 << 30, "of a call's message; the connection is left before memory is taken")               \
    OPTION(REPLY_BYTES_MAX,    1 << 24,      128,    1 << 30, "of a reply's message; -TAMBO_ERR_FAILED to the caller")                            \
    OPTION(REPLAY_MAX,           10000,        0,    1 << 24, "replies kept for calls that come again")                                           \
    OPTION(REPLAY_BYTES_MAX,  64 << 20,        0,  INT64_MAX, "bytes of them")                                                                    \
    OPTION(REPLAY_MS,           120000,        1,    1 << 30, "how long")                                                                         \
    OPTION(IDLE_MS,             600000,        0,    1 << 30, "a connection without calls is closed; 0: never")                                   \
    OPTION(REGISTER,                 1,        0,          1, "tell rpcbind of this machine what is served where; where none runs, be one (port 111 where allowed)")
/* clang-format on */

enum tambo_rpc_client_option {
#define TAMBO_RPC_OPTION_NAME(name, value, low, high, what) TAMBO_RPC_##name,
    TAMBO_RPC_CLIENT_OPTIONS(TAMBO_RPC_OPTION_NAME)
#undef TAMBO_RPC_OPTION_NAME
};
enum tambo_rpc_server_option {
#define TAMBO_RPC_OPTION_NAME(name, value, low, high, what) TAMBO_RPC_SERVER_##name,
    TAMBO_RPC_SERVER_OPTIONS(TAMBO_RPC_OPTION_NAME)
#undef TAMBO_RPC_OPTION_NAME
};

/* ---- clients ------------------------------------------------------------------------------------------------ */

/* `addresses` are one or several, with spaces between.  Returns at once; connections are made when there are calls. */
int tambo_rpc_client(struct tambo *context, const char *addresses, uint32_t program, uint32_t version,
                     struct tambo_rpc_client **ret);
/* Another handle on the same connections, for other options; freed by itself. */
int tambo_rpc_client_again(struct tambo_rpc_client *client, struct tambo_rpc_client **ret);
/* Its calls end as canceled ones do.  NULL is fine. */
void tambo_rpc_client_free(struct tambo_rpc_client *client);
int tambo_rpc_set(struct tambo_rpc_client *client, enum tambo_rpc_client_option option, int64_t value);
int tambo_rpc_get(struct tambo_rpc_client *client, enum tambo_rpc_client_option option, int64_t *ret);
/* Credentials of its calls from now on, copied; flavor 0 or 1 (struct tambo_rpc_cred, below). */
struct tambo_rpc_cred;
int tambo_rpc_set_cred(struct tambo_rpc_client *client, const struct tambo_rpc_cred *cred);

/* ---- calls: what stubs do ----------------------------------------------------------------------------------- */

/* Synchronous.  `arena` is where results that point to something lie; NULL where they do not. */
int tambo_rpc_call(struct tambo_rpc_client *client, const struct tambo_rpc_procedure *procedure, const void *args,
                   struct tambo_arena *arena, void *ret);
/* Deferred: returns at once; args are encoded before that. */
int tambo_rpc_begin(struct tambo_rpc_client *client, const struct tambo_rpc_procedure *procedure, const void *args,
                    struct tambo_rpc_call **ret);
/* 0: it is done, -TAMBO_ERR_TIMEOUT or, for wait_ms 0, -TAMBO_ERR_AGAIN: not yet. */
int tambo_rpc_wait(struct tambo_rpc_call *call, int wait_ms);
/* The index of one that is done. */
int tambo_rpc_wait_any(struct tambo_rpc_call *const *calls, size_t count, int wait_ms);
/* Waits until it is done, decodes, and frees the call: its result, as tambo_rpc_call's. */
int tambo_rpc_end(struct tambo_rpc_call *call, struct tambo_arena *arena, void *ret);
/* `fn` is called once when it is done, by whichever thread drives the context (see tambo_on_admit), or at once when it
 * is done already; it may call tambo_rpc_end(), tambo_rpc_begin() and tambo_rpc_cancel(), which do not wait then. */
typedef void tambo_rpc_done_fn(void *arg, struct tambo_rpc_call *call);
int tambo_rpc_on_done(struct tambo_rpc_call *call, tambo_rpc_done_fn *fn, void *arg);
/* It is done now, with -TAMBO_ERR_CANCELED (it had not been sent) or -TAMBO_ERR_ABANDONED; our servers are told, so
 * that a handler may look (tambo_rpc_is_canceled).  tambo_rpc_end() is still to be called. */
void tambo_rpc_cancel(struct tambo_rpc_call *call);
/* One-way: 0 when it was handed over: to the connection, once there is one, or over udp to the system.  Nobody ever
 * tells what became of it. */
int tambo_rpc_cast(struct tambo_rpc_client *client, const struct tambo_rpc_procedure *procedure, const void *args);
/* Asynchronous: 0 when the server has accepted it, that is before it executes.  Of a server that is not ours the reply
 * is waited for. */
int tambo_rpc_send(struct tambo_rpc_client *client, const struct tambo_rpc_procedure *procedure, const void *args);
/* Calls procedure 0, which does nothing. */
int tambo_rpc_ping(struct tambo_rpc_client *client);
/* Of the last failed call of this handle: "rpcbind at 10.0.0.1 has no program 100003".  Threads that want to tell
 * theirs apart have a handle each (tambo_rpc_client_again).  Copied; at most `size` bytes with the NUL. */
int tambo_rpc_why(struct tambo_rpc_client *client, char *ret, size_t size);

/* ---- one call, many servers ----------------------------------------------------------------------------------- */

struct tambo_rpc_answer {
    int rc;    /* as tambo_rpc_call's; -TAMBO_ERR_ABANDONED or, unsent, _CANCELED: the others had decided it */
    void *ret; /* the results, in the arena; NULL: none, or void */
};
/* 1: that is enough, the others are canceled; 0: go on. */
typedef int tambo_rpc_collect_fn(void *arg, size_t index, const struct tambo_rpc_answer *answer);
/* Which answers it takes: all of them, one, so many; or whatever `collect` says, asked for each that comes. */
struct tambo_rpc_policy {
    size_t enough; /* successful answers; 0: wait for all */
    tambo_rpc_collect_fn *collect;
    void *arg;
};
/* 0: enough have answered (for `enough` 0: all, without an error); else the error of the first that failed, and so many
 * could not be had.  `answers` has `count` places, and each tells what became of its call. */
int tambo_rpc_multicast(struct tambo_rpc_client *const *clients, size_t count,
                        const struct tambo_rpc_procedure *procedure, const void *args,
                        const struct tambo_rpc_policy *policy, struct tambo_arena *arena,
                        struct tambo_rpc_answer *answers);

/* ---- servers --------------------------------------------------------------------------------------------------- */

int tambo_rpc_server(struct tambo *context, struct tambo_rpc_server **ret);
/* Stops at once: connections are closed, what handlers answer later goes nowhere.  Waits for handlers that run on its
 * workers, so it is not for them to call.  NULL is fine. */
void tambo_rpc_server_free(struct tambo_rpc_server *server);
int tambo_rpc_server_set(struct tambo_rpc_server *server, enum tambo_rpc_server_option option, int64_t value);
/* `handlers` is the stubs' table (F_V_handlers) and is borrowed, as `program`.  A procedure without a handler is
 * -TAMBO_ERR_PROCEDURE to its caller. */
int tambo_rpc_serve(struct tambo_rpc_server *server, const struct tambo_rpc_program *program, const void *handlers,
                    void *arg);
int tambo_rpc_listen(struct tambo_rpc_server *server, const char *address);
/* The address bound last, with its port, and its NUL. */
int tambo_rpc_address(struct tambo_rpc_server *server, char *ret, size_t size);
/* 0: the server was stopped; -TAMBO_ERR_TIMEOUT.  (Servers answer in the background too; whoever waits here answers
 * without a switch of threads.) */
int tambo_rpc_run(struct tambo_rpc_server *server, int wait_ms);
/* Ends the tambo_rpc_run() that is under way, or else the next one, and only that.  A handler may call it too. */
void tambo_rpc_stop(struct tambo_rpc_server *server);
/* Takes no more calls, takes back what rpcbind was told, and waits until what is under way is answered. */
int tambo_rpc_drain(struct tambo_rpc_server *server, int wait_ms);

/* ---- handlers --------------------------------------------------------------------------------------------------
 *     int handler(void *arg, struct tambo_rpc_request *request, const ARGS *args, RET *ret);
 * 0: *ret is the result; -TAMBO_ERR_X: the call fails (a caller sees DENIED, OVERLOADED, ARGUMENTS, PROCEDURE, VERSION
 * or PROGRAM, for each other error FAILED); TAMBO_RPC_LATER: it is answered once by tambo_rpc_reply(), tambo_rpc_fail()
 * or tambo_rpc_drop(), now or later, from any thread, and the request, its arguments and its arena live until then.
 * What was not answered when its context is freed goes with it.  Without workers a handler runs within the context's
 * lock: it is to be quick, and may not wait on the same context (-TAMBO_ERR_STATE). */
enum { TAMBO_RPC_LATER = 1 };

/* Encodes before it returns; -TAMBO_ERR_RESULTS: they could not be, and the caller is told that the server FAILED. */
int tambo_rpc_reply(struct tambo_rpc_request *request, const void *ret);
void tambo_rpc_fail(struct tambo_rpc_request *request, int rc);
/* It will never be answered: what procedures want whose callers do not wait. */
void tambo_rpc_drop(struct tambo_rpc_request *request);
/* For what results point to; freed when the reply is encoded. */
struct tambo_arena *tambo_rpc_arena(struct tambo_rpc_request *request);
const struct tambo_rpc_procedure *tambo_rpc_procedure_of(const struct tambo_rpc_request *request);
/* The number that was called. */
uint32_t tambo_rpc_number_of(const struct tambo_rpc_request *request);
/* What is left of the caller's deadline; TAMBO_FOREVER: none is known. */
int tambo_rpc_left_ms(const struct tambo_rpc_request *request);
bool tambo_rpc_is_canceled(const struct tambo_rpc_request *request);
/* "127.0.0.1:40112"; borrowed. */
const char *tambo_rpc_peer(const struct tambo_rpc_request *request);

/* Credentials as the caller says them, which proves nothing by itself. */
struct tambo_rpc_cred {
    uint32_t flavor; /* 0 AUTH_NONE, 1 AUTH_SYS */
    uint32_t stamp, uid, gid;
    const char *machine;
    uint32_t groups[16];
    unsigned group_count;
};
const struct tambo_rpc_cred *tambo_rpc_cred(const struct tambo_rpc_request *request);

/* Around every call of a server: `before` may refuse it (-TAMBO_ERR_DENIED, ...), `after` hears what came of it. Either
 * may be NULL.  Several are called in the order in which they were added, `after`s backwards. */
struct tambo_rpc_guard {
    int (*before)(void *arg, struct tambo_rpc_request *request);
    void (*after)(void *arg, struct tambo_rpc_request *request, int rc, uint64_t took_ns);
    void *arg;
};
int tambo_rpc_guard(struct tambo_rpc_server *server, const struct tambo_rpc_guard *guard);
/* The same around a client's calls. */
struct tambo_rpc_client_guard {
    int (*before)(void *arg, const struct tambo_rpc_procedure *procedure);
    void (*after)(void *arg, const struct tambo_rpc_procedure *procedure, int rc, uint64_t took_ns);
    void *arg;
};
int tambo_rpc_client_guard(struct tambo_rpc_client *client, const struct tambo_rpc_client_guard *guard);

/* ---- what happened --------------------------------------------------------------------------------------------- */

enum { TAMBO_RPC_BUCKETS = 32 };
struct tambo_rpc_metric {
    const struct tambo_rpc_program *program;
    const struct tambo_rpc_procedure *procedure;
    uint64_t calls, errors, replays;
    uint64_t took_us[TAMBO_RPC_BUCKETS]; /* calls that took less than 2^i us, and not less than the bucket before */
};
/* Of the procedure number `at` of all that are served, counted through; -TAMBO_ERR_NOT_FOUND past the last. */
int tambo_rpc_metric(struct tambo_rpc_server *server, size_t at, struct tambo_rpc_metric *ret);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif
