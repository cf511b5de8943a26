/* rpc/server.h - who answers, as a state machine on one loop: what include/tambo/rpc.h promises of servers, without its
 * threads.
 *
 *     rpc_server    programs, doors, limits
 *       peer        one link: how many of its requests are under way
 *         request   one call that was taken: where its reply goes, its arguments, its arena
 *       replay      replies kept for calls that come again: by (client, sequence), or for foreign datagrams by
 *                   (address, xid, program, procedure, checksum of the arguments); bounded in count, bytes and age
 *
 * A call that comes while its first one is under way is dropped (its reply will serve); one that was answered is
 * answered again from the replay cache; one that falls below a client's `settled` is dropped. */
#ifndef TAMBO_RPC_SERVER_H
#define TAMBO_RPC_SERVER_H

#include "rpc/link.h"
#include "tambo/rpc.h"
#include "wire/oncrpc.h"

struct rpc_server;
struct rpc_request; /* handlers and guards get it as struct tambo_rpc_request, its public name: one is cast to the other
                     */

struct rpc_server_on {
    /* A call was taken and its arguments are decoded: the owner runs the handler, here or elsewhere, and answers with
     * rpc_request_end(), rpc_request_reply() or rpc_request_fail(), now or later.  Now: the request is gone when this
     * returns, and so may be its peer. */
    void (*request)(void *arg, struct rpc_request *request);
    /* Nothing is under way any more, after rpc_server_drain(); called inside that, or when the last request is
     * answered.
     */
    void (*drained)(void *arg);
};

int rpc_server_new(struct rpc_world *world, const struct rpc_server_on *on, void *arg, struct rpc_server **ret);
/* Requests under way stay the owner's until it answers them; the answers go nowhere. */
void rpc_server_free(struct rpc_server *server);
int rpc_server_set(struct rpc_server *server, enum tambo_rpc_server_option option, int64_t value);
int rpc_server_get(const struct rpc_server *server, enum tambo_rpc_server_option option, int64_t *ret);
int rpc_server_serve(struct rpc_server *server, const struct tambo_rpc_program *program, const void *handlers,
                     void *arg);
int rpc_server_listen(struct rpc_server *server, const struct rpc_address *address, struct rpc_address *retbound);
void rpc_server_drain(struct rpc_server *server);
int rpc_server_guard(struct rpc_server *server, const struct tambo_rpc_guard *guard);
int rpc_server_metric(const struct rpc_server *server, size_t at, struct tambo_rpc_metric *ret);
unsigned rpc_server_under_way(const struct rpc_server *server);
/* Every program that is served, for rpcbind: calls fn for each (program, version) and each door. */
typedef void rpc_served_fn(void *arg, const struct tambo_rpc_program *program, const struct rpc_address *address);
void rpc_server_each(const struct rpc_server *server, rpc_served_fn *fn, void *arg);

/* Runs its handler: rpc/server.c's owner calls it on whatever thread it likes; what it returns goes to
 * rpc_request_end() on the loop, but for TAMBO_RPC_LATER: another thread may have answered it by then, so neither this
 * function nor its caller touches the request any more. */
int rpc_request_run(struct rpc_request *request);
/* 0: the result it was given room for is the reply; TAMBO_RPC_LATER: nothing yet; else the error. */
void rpc_request_end(struct rpc_request *request, int rc);
/* 0, or -ERR_RESULTS: the caller was told that we failed. */
int rpc_request_reply(struct rpc_request *request, const void *ret);
void rpc_request_fail(struct rpc_request *request, int rc);
/* Nothing is answered, now or when the call comes again. */
void rpc_request_drop(struct rpc_request *request);

/* These only read what does not change while it is under way (but for is_canceled): so any thread may call them. */
struct tambo_arena *rpc_request_arena(struct rpc_request *request);
const struct tambo_rpc_procedure *rpc_request_procedure(const struct rpc_request *request);
uint32_t rpc_request_number(const struct rpc_request *request);
/* UINT64_MAX: none is known. */
uint64_t rpc_request_deadline_ns(const struct rpc_request *request);
bool rpc_request_is_canceled(const struct rpc_request *request);
/* Printed when it is first asked for, so by one thread at a time. */
const char *rpc_request_peer(const struct rpc_request *request);
/* Did it come over udp? */
bool rpc_request_is_datagram(const struct rpc_request *request);
const struct tambo_rpc_cred *rpc_request_cred(const struct rpc_request *request);
/* The owner's word and link (initialised, in no list), from the first guard's `before` on; it is cut before the end. */
void *rpc_request_data(const struct rpc_request *request);
void rpc_request_set_data(struct rpc_request *request, void *data);
struct list *rpc_request_link(struct rpc_request *request);
struct rpc_request *rpc_request_of(struct list *link);

#endif
