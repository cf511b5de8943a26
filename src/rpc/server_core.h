/* rpc/server_core.h - the inside of a server, shared by server*.c, request.c and extra.c; see server.h.
 *
 *     link --message--> peer (server_peer.c) --> incoming (server_call.c): refused, replayed, or taken as a
 *     request (request.c) --> the owner ... rpc_request_end() --> answered into the link of its peer of then */
#ifndef TAMBO_RPC_SERVER_CORE_H
#define TAMBO_RPC_SERVER_CORE_H

#include <stdatomic.h>

#include "rpc/metric.h"
#include "rpc/replay.h"
#include "rpc/server.h"

enum {
    SERVER_GUARDS_MAX = 16,
    SERVER_SPARES_MAX = 256,             /* requests kept to be used again */
    SERVER_SPARE_ARENA_BYTES = 8 * 1024, /* with no more memory than that */
    SERVER_PEER_TEXT_BYTES = 56,         /* "[2001:db8:...]:40112" */
};

/* A program's version. */
struct rpc_served {
    const struct tambo_rpc_program *program;
    const void *handlers;
    void *arg;
    struct metric metrics[]; /* a procedure each, and one for `any` */
};

struct rpc_server {
    struct rpc_world *world;
    struct io *io;
    struct mem *mem;
    const struct rpc_server_on *on;
    void *arg;
    struct rpc_served **served; /* by program and version */
    size_t served_count;
    struct tambo_rpc_guard guards[SERVER_GUARDS_MAX];
    unsigned guard_count;
    struct list doors;
    struct list peers; /* of streams: the one that has been silent for longest first */
    unsigned peer_count;
    unsigned under_way; /* requests */
    struct list spares;
    unsigned spare_count;
    struct replay replay;
    struct io_timer upkeep;
    uint64_t upkeep_ns; /* when; UINT64_MAX: not set */
    uint64_t boot;
    uint64_t exact_ns; /* the exact clock, as it was last read */
    bool is_draining, is_dead;
    int64_t options[TAMBO_RPC_SERVER_REGISTER + 1];
};

static inline int64_t
server_option(const struct rpc_server *server, enum tambo_rpc_server_option option)
{
    return server->options[option];
}

/* ---- server_peer.c: links -------------------------------------------------------------------------------------- */

struct server_door {
    struct rpc_server *server;
    struct list link;
    struct rpc_address address;
    struct rpc_door *door; /* NULL: closed */
    struct rpc_peer *peer; /* of a datagram door: all that send to it */
};

struct rpc_peer {
    struct rpc_server *server;
    struct rpc_link *link;
    struct server_door *door; /* of datagrams; NULL: a stream */
    struct list silence;      /* in server->peers */
    struct list requests;     /* under way */
    unsigned request_count;
    bool is_paused;
    uint64_t heard_ns;
    char text[SERVER_PEER_TEXT_BYTES];
};

int server_door_open(struct rpc_server *server, const struct rpc_address *address, struct rpc_address *retbound);
void server_door_free(struct server_door *door);
/* It is left: its requests have no peer any more. */
void server_peer_free(struct rpc_peer *peer);
/* Reads on, or not, as its requests and what waits to leave say. */
void server_peer_pace(struct rpc_peer *peer);
/* Closes those that have been silent for too long. */
void server_peers_tire(struct rpc_server *server, uint64_t now_ns);
uint64_t server_peers_due_ns(const struct rpc_server *server);

/* ---- server_call.c: a call that came --------------------------------------------------------------------------- */

struct incoming {
    struct rpc_peer *peer;
    const struct io_remote *from; /* NULL: there is one peer */
    uint32_t xid;
    struct oncrpc_call call;
    struct view args;
    struct oncrpc_extra extra;
    bool has_extra;
    struct oncrpc_sys sys; /* where the flavor is that */
    const struct rpc_served *served;
    const struct tambo_rpc_procedure *procedure;
    struct metric *metric;
    uint32_t low, high; /* of -ERR_VERSION */
    uint32_t auth_stat; /* of -ERR_DENIED; 0: an unknown reason */
};

/* rpc_link_on.message of a peer. */
void server_call_came(void *peer, const struct io_remote *from, struct view message);
/* NULL: it is not served. */
struct rpc_served *server_find_served(const struct rpc_server *server, uint32_t program, uint32_t version);
/* The last of its versions. */
struct rpc_served *server_find_newest(const struct rpc_server *server, uint32_t program);
/* The first of server->served that is not before this version. */
size_t server_place(const struct rpc_server *server, uint32_t program, uint32_t version);
/* The head of a reply: ours have no verifier, or one of a word. */
enum { SERVER_HEAD_BYTES_MAX = 48 };
struct view server_head(uint8_t room[SERVER_HEAD_BYTES_MAX], uint32_t xid, const struct oncrpc_reply *reply);
/* What one-way calls are not told: to be asked before anything is answered. */
static inline bool
incoming_is_mute(const struct incoming *in)
{
    return (in->extra.flags & ONCRPC_EXTRA_ONE_WAY) != 0;
}

/* ---- extra.c: what Tambo's clients and servers say of calls ---------------------------------------------------- */

/* The call is one of TAMBO_RPC_PROGRAM.  0, or -err: it is to be refused so. */
int extra_answer(struct incoming *in);
/* Tells the client that its call is accepted. */
void extra_receipt(struct rpc_peer *peer, const struct io_remote *from, uint32_t xid);

/* ---- request.c, request_answer.c ------------------------------------------------------------------------------- */

struct rpc_request {
    struct rpc_server *server;
    struct rpc_peer *peer; /* NULL: gone */
    struct list at_peer;
    struct io_remote from; /* where `peer` has many */
    uint32_t xid;
    uint32_t flags; /* enum oncrpc_extra_flag */
    uint32_t number;
    unsigned guard_count, guards_passed;
    const struct rpc_served *served;
    const struct tambo_rpc_procedure *procedure;
    struct metric *metric;
    struct replay_entry *remembered; /* NULL: it is not */
    const struct tambo_rpc_cred *cred;
    uint64_t begun_ns, deadline_ns;
    void *args, *ret;
    struct tambo_arena arena;
    atomic_bool is_canceled;
    bool is_datagram;
    void *data;
    struct list link;        /* its owner's; among the spares ours */
    struct io_remote origin; /* who called first, and that as text once it was asked for */
    char peer_text[SERVER_PEER_TEXT_BYTES];
};

/* Arguments decoded, counted and at its peer, not yet told to anybody.  0; -ERR_ARGUMENTS, -ERR_OVERLOADED. */
int request_take(const struct incoming *in, struct rpc_request **ret);
/* It is not to be executed after all. */
void request_undo(struct rpc_request *request);
/* The call has come again while it is under way: its reply goes there. */
void request_redirect(struct rpc_request *request, const struct incoming *in);
/* Its peer is gone. */
void request_orphan(struct rpc_request *request);
/* Takes it from its peer. */
void request_leave(struct rpc_request *request);
/* It is used again, or freed. */
void request_free(struct rpc_request *request);
void request_free_spares(struct rpc_server *server);
/* The public name of the same thing. */
static inline struct tambo_rpc_request *
request_public(struct rpc_request *request)
{
    return (struct tambo_rpc_request *)request;
}

/* ---- server.c -------------------------------------------------------------------------------------------------- */

/* A request has ended. */
void server_ended(struct rpc_server *server);
/* The clock for durations: the turn's or, where that was read later in the turn, the exact one. */
uint64_t server_clock_ns(const struct rpc_server *server);
/* Sets the timer when something may become old that was not there before. */
void server_plan_upkeep(struct rpc_server *server);

#endif
