/* sunrpc/client.h - a CLIENT: one of libtambo's clients and what Sun's programs set on it. */
#ifndef TAMBO_SUNRPC_CLIENT_H
#define TAMBO_SUNRPC_CLIENT_H

#include <rpc/rpc.h>

#include "tambo/rpc.h"

struct sun_procedure {
    struct tambo_rpc_procedure procedure;
    struct sun_procedure *next;
};

struct sun_client {
    CLIENT client; /* first: a CLIENT is the struct's address too */
    struct tambo_rpc_client *rpc;
    char address[sizeof "unix:" + sizeof(struct sockaddr_un)];
    rpcprog_t program;
    rpcvers_t version;
    struct sockaddr_in server;
    bool is_stream;
    bool has_time; /* CLSET_TIMEOUT: `time` counts, not what a call says */
    struct timeval time, retry;
    struct rpc_err error; /* of the last call */
    /* What `rpc` was told last. */
    int64_t deadline_ms;
    unsigned auth;
    struct sun_procedure *procedures; /* that were called, since a call may name one after it has returned */
};

enum { SUN_RETRY_S = 5 };

/* At an address of libtambo's.  NULL, and rpc_createerr tells why. */
struct sun_client *sun_client_new(const char *address, rpcprog_t program, rpcvers_t version);
/* At a host's port. */
struct sun_client *sun_client_at(const struct sockaddr_in *server, bool is_stream, rpcprog_t program,
                                 rpcvers_t version);
/* A host's first address of IPv4, port 0.  false, and rpc_createerr tells why. */
bool sun_client_host(const char *host, struct sockaddr_in *ret);
/* "tcp", "udp" and the names that stand for them: the transports to try, in order; their number, 0: no such name. */
int sun_client_nets(const char *net, bool retstream[2]);

/* Sets rpc_createerr; NULL. */
CLIENT *sun_client_fail(enum clnt_stat stat, const struct rpc_err *why);
/* What an error of libtambo's is to Sun's programs. */
struct rpc_err sun_client_error(int rc, bool torn_args);

#endif
