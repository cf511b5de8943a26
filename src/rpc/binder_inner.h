/* rpc/binder_inner.h - what the files of the built-in rpcbind share. */
#ifndef TAMBO_RPC_BINDER_INNER_H
#define TAMBO_RPC_BINDER_INNER_H

#include "rpc/binder.h"
#include "rpc/client.h"

/* What a version's handlers are given: versions 2, 3 and 4. */
struct binder_version {
    struct rpc_binder *binder;
    uint32_t number;
    struct rpcbind_counts counts;
};

struct rpc_binder {
    struct rpc_world *world;
    struct rpc_server *server;
    struct list mappings;
    unsigned count;
    struct list forwards;
    unsigned forward_count;
    struct binder_version versions[3];
};

/* One mapping; its texts lie behind it. */
struct mapping {
    struct list link;
    struct rpcbind_mapping value;
    bool is_roots;
};

/* Who calls. */
struct binder_caller {
    bool is_local; /* on this machine */
    bool is_root;  /* and from a port that only root may bind */
    unsigned family;
};
struct binder_caller binder_caller_of(const struct rpc_request *request);

/* binder_map.c */
/* By netid ("": any); `exact`: this version only, else the newest will do.  NULL: none. */
struct mapping *binder_find(const struct rpc_binder *binder, uint32_t program, uint32_t version, const char *netid,
                            bool exact);
int binder_set(struct rpc_binder *binder, const struct rpcbind_mapping *mapping, bool is_root);
/* How many. */
unsigned binder_unset(struct rpc_binder *binder, uint32_t program, uint32_t version, const char *netid, bool is_root);
void binder_clear(struct rpc_binder *binder);
/* Where a caller finds it: an address of all (0.0.0.0, ::) becomes the one that the caller says it has asked at. */
void binder_address_for(const struct mapping *mapping, const struct binder_caller *caller, const char *asked_at,
                        char ret[RPCBIND_TEXT_MAX + 1]);

/* binder_forward.c */
/* Forwards it; answers later, or now and never.  `is_patient`: failures are answered too.  What a handler returns. */
int binder_forward(struct binder_version *version, struct rpc_request *request, const struct rpcbind_call *call,
                   bool is_patient);
void binder_forward_end_all(struct rpc_binder *binder);

/* binder.c */
/* Runs handlers at once. */
extern const struct rpc_server_on binder_server_on;
/* The handlers of rpc_bind_programs. */
typedef int binder_handle_fn(const void *handlers, void *arg, struct tambo_rpc_request *request, const void *args,
                             void *ret);
binder_handle_fn binder_on_pmap_set, binder_on_pmap_unset, binder_on_pmap_getport, binder_on_pmap_dump,
    binder_on_pmap_callit;
binder_handle_fn binder_on_set, binder_on_unset, binder_on_getaddr, binder_on_dump, binder_on_callit, binder_on_gettime,
    binder_on_uaddr2taddr, binder_on_taddr2uaddr, binder_on_getversaddr, binder_on_indirect, binder_on_getaddrlist,
    binder_on_getstat;

#endif
