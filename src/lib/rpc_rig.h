/* lib/rpc_rig.h - for the tests of remote procedure calls: a server in one context, a client in another, and a program
 * that both know. */
#ifndef TAMBO_LIB_RPC_RIG_H
#define TAMBO_LIB_RPC_RIG_H

#include "lib/rpc.h"

enum { RIG_PATIENCE_MS = 20000, RIG_HELD_MAX = 256, RIG_PROGRAM = 0x20001234, RIG_VERSION = 3, RIG_BAD = 0xbad0 };

struct rig_pair {
    uint32_t a, b;
};

extern const struct tambo_rpc_program rig_program;
/* Of it. */
extern const struct tambo_rpc_procedure *const rig_add;   /* pair -> its sum; encodes and refuses a sum of RIG_BAD */
extern const struct tambo_rpc_procedure *const rig_echo;  /* opaque<> -> the same */
extern const struct tambo_rpc_procedure *const rig_hold;  /* word -> word, when somebody answers it */
extern const struct tambo_rpc_procedure *const rig_fail;  /* word -> void: fails with that error */
extern const struct tambo_rpc_procedure *const rig_count; /* void -> how often it was called */

struct rpc_rig {
    struct mem mem;             /* its own */
    struct tambo *here, *there; /* the server's context, the client's */
    struct tambo_rpc_server *server;
    struct tambo_rpc_client *client;
    char address[128];
    /* Of the handlers: under the lock of `here`, or of a worker. */
    struct tambo_rpc_request *held[RIG_HELD_MAX];
    _Atomic unsigned held_count, counted;
    /* What `hold` does with a request, if not to keep it. */
    int (*hold)(struct rpc_rig *rig, struct tambo_rpc_request *request, uint32_t word, uint32_t *ret);
};

/* For cmocka: two contexts, and a server that serves. */
int rpc_rig_open(void **state);
int rpc_rig_close(void **state);

/* The server listens, and a client knows it. */
void rpc_rig_meet(struct rpc_rig *rig, const char *address);
/* A further client. */
struct tambo_rpc_client *rpc_rig_client(struct rpc_rig *rig, struct tambo *context);
/* The sum is right. */
void rpc_rig_add(struct tambo_rpc_client *client, uint32_t a, uint32_t b);
/* Waits until so many are held. */
void rpc_rig_await_held(struct rpc_rig *rig, unsigned count);

#endif
