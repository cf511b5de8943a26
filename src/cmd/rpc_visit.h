/* cmd/rpc_visit.h - what the verbs of `tambo rpc` share: a client of one program at one address, and how its failures
 * are told. */
#ifndef TAMBO_CMD_RPC_VISIT_H
#define TAMBO_CMD_RPC_VISIT_H

#include "cmd/cmd.h"
#include "rpc/link.h"
#include "tambo/rpc.h"

/* Exit codes: what became of the call. */
enum rpc_exit {
    RPC_EXIT_DONE = 0,
    RPC_EXIT_NOT_EXECUTED = 1, /* also: the command line is wrong */
    RPC_EXIT_FAILED = 2,       /* it was executed, and answered in a way that cannot be read */
    RPC_EXIT_UNKNOWN = 3,      /* perhaps it was executed */
};

struct rpc_visit {
    const char *command; /* "rpc call" */
    bool udp, auth_sys;
    uint64_t timeout_ns;
    struct rpc_address address;
    struct tambo *context;
    struct tambo_rpc_client *client;
    struct complaint complaint;
};

void rpc_visit_init(struct rpc_visit *visit, const char *command);
/* --udp, --timeout, --auth-sys. */
struct option_group rpc_visit_options(struct rpc_visit *visit);
/* HOST, HOST:PORT or an address; 0, or -ERR_INVALID with a complaint. */
int rpc_visit_at(struct rpc_visit *visit, const char *word);
/* Makes `client`, in place of the one before.  0, or -err with a complaint. */
int rpc_visit_meet(struct rpc_visit *visit, uint32_t program, uint32_t version);
/* Where it serves this program is asked of its rpcbind, if no port was said.  The same. */
int rpc_visit_find_port(struct rpc_visit *visit, uint32_t program, uint32_t version);
/* What the last call of `client` came to, as a complaint; returns `rc`. */
int rpc_visit_failed(struct rpc_visit *visit, int rc);
/* Says the complaint where rc < 0; frees all; the exit code. */
int rpc_visit_finish(struct rpc_visit *visit, int rc);

#endif
