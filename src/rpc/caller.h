/* rpc/caller.h - the inside of clients: what their files share.
 *
 *     client.c, client_option.c   handles; options, credentials, guards
 *     call.c, call_due.c          a call's begin and end; what comes when its time comes
 *     call_why.c                  an error in words
 *     attempt.c, attempt_put.c    what may be tried again; a call's bytes
 *     line.c, line_hello.c        an address: its link; what is said to servers of ours
 *
 * A *way* is what the handles of rpc_client_again() share: lines, and the calls that are under way by xid and by time.
 * Calls end in callbacks, in which everything may be freed: who goes on afterwards holds the way. */
#ifndef TAMBO_RPC_CALLER_H
#define TAMBO_RPC_CALLER_H

#include "base/map.h"
#include "rpc/bind.h"
#include "rpc/client.h"
#include "rpc/extra.h"
#include "wire/oncrpc.h"

/* A time that does not come; sums with it do not overflow. */
#define RPC_NEVER_NS (UINT64_MAX / 4)
#define RPC_NS_A_MS  UINT64_C(1000000)

enum {
    RPC_CLIENT_OPTIONS = TAMBO_RPC_AUTH_SYS + 1,
    RPC_WHY_BYTES_MAX = 256,
    /* The budget: each call adds RETRY_PERCENT tokens, each new try takes a hundred; so many may be saved. */
    RPC_TRY_TOKENS = 100,
    RPC_TOKENS_MAX = 10 * RPC_TRY_TOKENS,
};

struct rpc_client {
    struct rpc_way *way;
    struct list calls;
    unsigned count; /* of them */
    uint64_t sequence;
    uint8_t id[16]; /* by which servers of ours know its calls */
    int64_t options[RPC_CLIENT_OPTIONS];
    uint32_t cred_flavor;
    size_t cred_bytes;
    uint8_t cred[ONCRPC_AUTH_BYTES_MAX];
    struct tambo_rpc_client_guard *guards;
    unsigned guard_count;
    unsigned tokens;
    unsigned turn; /* which line is next */
    bool is_closing;
    char why[RPC_WHY_BYTES_MAX];
};

enum rpc_known {
    RPC_UNASKED,
    RPC_ASKED, /* HELLO is under way */
    RPC_OURS,
    RPC_FOREIGN,
};

struct rpc_line {
    struct rpc_way *way;
    struct rpc_address address;
    struct rpc_bind_ask *ask;  /* for its port */
    struct rpc_link *link;     /* NULL: none */
    bool is_open;              /* it may be put into */
    struct list waiting, sent; /* attempts */
    unsigned load;             /* of both */
    /* Of the link: */
    enum rpc_known known;
    uint32_t hello_xid, remembers_ms;
    uint64_t boot;
    uint64_t until_ns;                      /* when opening or asking is given up */
    uint64_t hello_after_ns, hello_wait_ns; /* when HELLO is sent again, and the next time after how long */
    uint64_t used_ns;
    int broken; /* -err: it fails in the next turn */
    /* Options of the client that opened it. */
    uint64_t connect_ns, idle_ns, resend_ns, retry_ms, retry_ms_max;
    size_t reply_bytes_max;
    /* After failures others are preferred until then. */
    unsigned failures;
    uint64_t rest_ns;
    struct io_timer timer;
    char why[128]; /* what rpcbind said */
};

struct rpc_way {
    struct rpc_world *world;
    struct io *io;
    struct mem *mem;
    uint32_t program, version;
    unsigned holds; /* handles, and who goes on after a callback */
    uint32_t xid;
    struct map attempts; /* by xid */
    struct heap calls;   /* by when they are to be looked at */
    struct io_timer timer;
    uint64_t timer_ns;
    unsigned line_count;
    struct rpc_line lines[];
};

static inline int64_t
rpc_option(const struct rpc_client *client, enum tambo_rpc_client_option option)
{
    return client->options[option];
}
static inline uint64_t
rpc_option_ns(const struct rpc_client *client, enum tambo_rpc_client_option option)
{
    return (uint64_t)client->options[option] * RPC_NS_A_MS;
}

/* ---- client.c ---------------------------------------------------------------------------------------------------- */

static inline void
rpc_way_hold(struct rpc_way *way)
{
    way->holds++;
}
void rpc_way_release(struct rpc_way *way);
static inline uint64_t
rpc_way_now(const struct rpc_way *way)
{
    return io_now_ns(way->io);
}
/* `ms` doubled so many times, at most `ms_max`, anywhere in its upper half. */
uint64_t rpc_way_backoff_ns(struct rpc_way *way, uint64_t ms, uint64_t ms_max, unsigned doublings);
/* client_option.c */
void rpc_client_defaults(struct rpc_client *client);

/* ---- call.c, call_due.c, call_why.c ------------------------------------------------------------------------------ */

/* It ends so; `done` is called.  Its other attempts are canceled. */
void rpc_call_end(struct rpc_call *call, int rc, struct view results);
/* It ends with what its attempts have come to. */
void rpc_call_give_up(struct rpc_call *call);
/* Is an attempt of it under way? */
bool rpc_call_is_tried(const struct rpc_call *call);
/* May a server have executed it? */
bool rpc_call_was_sent(const struct rpc_call *call);
/* Looks at it when the first of its times has come; they may have changed. */
void rpc_call_arm(struct rpc_call *call);
/* The way's timer. */
void rpc_call_due(void *arg);
/* In words, for rpc_client_why(): what an attempt came to grief on; a deadline; a call that was not begun. */
void rpc_call_explain(struct rpc_call *call, const struct rpc_failure *failure);
void rpc_call_explain_deadline(struct rpc_call *call, int rc);
void rpc_call_refused(struct rpc_call *call, int rc, const struct tambo_xdr_fault *fault);
void rpc_client_explain(struct rpc_client *client, const char *why);

/* ---- attempt.c, attempt_put.c ------------------------------------------------------------------------------------ */

/* A new one: not 0, and of no attempt that is under way. */
uint32_t rpc_way_xid(struct rpc_way *way);

enum rpc_wrong {
    RPC_UNSENT, /* nothing has left */
    RPC_ABSENT, /* refused, not executed; another server may answer otherwise */
    RPC_BUSY,   /* not executed: the server is overloaded */
    RPC_LOST,   /* sent, and the connection ended */
    RPC_FINAL,  /* any other reply */
    RPC_WRONGS
};

/* On this line: encodes `args` and sends them at once where it may, else keeps them until the line is ready.  0,
 * -ERR_NO_MEMORY, -ERR_TOO_LARGE, -ERR_ARGUMENTS, and then there is no such attempt. */
int rpc_attempt_first(struct rpc_call *call, struct rpc_line *line, const void *args, struct tambo_xdr_fault *why);
/* The same with arguments that are kept.  The call may have ended: a cast that was sent. */
int rpc_attempt_begin(struct rpc_call *call, struct rpc_line *line);
/* Sends it.  0 (the call may have ended), -ERR_AGAIN, -err. */
int rpc_attempt_send(struct rpc_attempt *attempt);
/* No more of it. */
void rpc_attempt_cut(struct rpc_attempt *attempt);
/* It came to grief: cut, and tried again or not. */
void rpc_attempt_failed(struct rpc_attempt *attempt, enum rpc_wrong wrong, struct rpc_failure failure);
/* The call ends with these results. */
void rpc_attempt_succeeded(struct rpc_attempt *attempt, struct view results);
void rpc_attempt_replied(struct rpc_attempt *attempt, const struct oncrpc_message *message);
/* One more at another address, if there is one and the options allow it. */
void rpc_attempt_hedge(struct rpc_call *call);
/* The backoff is over.  The call may have ended. */
void rpc_attempt_again(struct rpc_call *call);
/* NULL: not under way on this line. */
struct rpc_attempt *rpc_attempt_find(const struct rpc_line *line, uint32_t xid);

/* What the head of this one takes. */
size_t rpc_call_head_bytes(const struct oncrpc_call *call);
/* Sends what is kept.  0, -ERR_AGAIN (the link takes nothing now), -err (also: nobody there remembers it). */
int rpc_attempt_put(struct rpc_attempt *attempt);
/* Encodes and sends, and keeps what may have to be sent again.  The same errors, and -ERR_ARGUMENTS. */
int rpc_attempt_encode(struct rpc_attempt *attempt, const void *args, struct tambo_xdr_fault *why);
/* Encodes into memory of the call's. */
int rpc_call_keep(struct rpc_call *call, const void *args, struct tambo_xdr_fault *why);
void rpc_call_unkeep(struct rpc_call *call);
/* May it be sent again when its server gives no answer (datagrams)? */
bool rpc_attempt_resends(const struct rpc_attempt *attempt);

/* ---- line.c, line_hello.c ---------------------------------------------------------------------------------------- */

void rpc_line_init(struct rpc_line *line, struct rpc_way *way);
void rpc_line_fini(struct rpc_line *line);
/* The next one that was not tried, by the client's balance; NULL: all were. */
struct rpc_line *rpc_line_pick(struct rpc_client *client, uint64_t tried);
static inline uint64_t
rpc_line_bit(const struct rpc_line *line)
{
    return UINT64_C(1) << (line - line->way->lines);
}
static inline bool
rpc_line_is_datagram(const struct rpc_line *line)
{
    return line->address.transport == RPC_UDP;
}
/* May this call be sent on it now? */
bool rpc_line_takes(const struct rpc_line *line, const struct rpc_call *call);
/* An attempt waits on it: opens it, asks who is there, or looks again a moment later. */
void rpc_line_want(struct rpc_line *line, const struct rpc_client *client);
/* Sends what waits and can be sent. */
void rpc_line_flush(struct rpc_line *line);
/* The link is left; what was on it came to grief. */
void rpc_line_fail(struct rpc_line *line, int rc);
/* Nobody says who is there: those who wait for that go elsewhere. */
void rpc_line_give_up(struct rpc_line *line);
/* Others are preferred for a while. */
void rpc_line_rest(struct rpc_line *line);
/* A call on it had no answer in its time: it is left, from the loop, when the other machine is not heard at all. */
void rpc_line_doubt(struct rpc_line *line);
/* Sets its timer for what is next. */
void rpc_line_watch(struct rpc_line *line);

/* HELLO. */
void rpc_line_ask(struct rpc_line *line);
void rpc_line_ask_again(struct rpc_line *line);
void rpc_line_answered(struct rpc_line *line, const struct oncrpc_message *message);
/* Its server of ours need not go on with this one. */
void rpc_line_cancel(struct rpc_line *line, uint32_t xid);

#endif
