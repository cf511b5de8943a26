/* rpc/bind_table.c - program 100000 as a table: what each procedure takes and gives, for clients, and who handles it,
 * for the built-in server. */
#include "base/must.h"
#include "rpc/binder_inner.h"

#define TAKES(noun, type) \
    .encode_args = rpcbind_encode_##noun, .decode_args = rpcbind_decode_##noun, .args_size = sizeof(type)
#define GIVES(noun, type) \
    .encode_ret = rpcbind_encode_##noun, .decode_ret = rpcbind_decode_##noun, .ret_size = sizeof(type)
/* What nothing of ours asks for. */
#define TELLS(noun, type) .encode_ret = rpcbind_encode_##noun, .ret_size = sizeof(type)

/* clang-format off */
static const struct tambo_rpc_procedure pmap[] = {
    { "SET",     RPCBIND_SET,     TAKES(pmap, struct rpcbind_pmap), GIVES(bool, bool),                              .handle = binder_on_pmap_set },
    { "UNSET",   RPCBIND_UNSET,   TAKES(pmap, struct rpcbind_pmap), GIVES(bool, bool),                              .handle = binder_on_pmap_unset },
    { "GETPORT", RPCBIND_GETADDR, TAKES(pmap, struct rpcbind_pmap), GIVES(word, uint32_t),                          .handle = binder_on_pmap_getport },
    { "DUMP",    RPCBIND_DUMP,                                      GIVES(pmaps, struct rpcbind_pmaps),             .handle = binder_on_pmap_dump },
    { "CALLIT",  RPCBIND_CALLIT,  TAKES(call, struct rpcbind_call), GIVES(pmap_result, struct rpcbind_pmap_result), .handle = binder_on_pmap_callit },
};
static const struct tambo_rpc_procedure rpcb[] = {
    { "SET",         RPCBIND_SET,         TAKES(mapping, struct rpcbind_mapping), GIVES(bool, bool),                        .handle = binder_on_set },
    { "UNSET",       RPCBIND_UNSET,       TAKES(mapping, struct rpcbind_mapping), GIVES(bool, bool),                        .handle = binder_on_unset },
    { "GETADDR",     RPCBIND_GETADDR,     TAKES(mapping, struct rpcbind_mapping), GIVES(text, char *),                      .handle = binder_on_getaddr },
    { "DUMP",        RPCBIND_DUMP,                                                GIVES(mappings, struct rpcbind_mappings), .handle = binder_on_dump },
    { "CALLIT",      RPCBIND_CALLIT,      TAKES(call, struct rpcbind_call),       GIVES(result, struct rpcbind_result),     .handle = binder_on_callit },
    { "GETTIME",     RPCBIND_GETTIME,                                             GIVES(word, uint32_t),                    .handle = binder_on_gettime },
    { "UADDR2TADDR", RPCBIND_UADDR2TADDR, TAKES(text, char *),                    GIVES(netbuf, struct rpcbind_netbuf),     .handle = binder_on_uaddr2taddr },
    { "TADDR2UADDR", RPCBIND_TADDR2UADDR, TAKES(netbuf, struct rpcbind_netbuf),   GIVES(text, char *),                      .handle = binder_on_taddr2uaddr },
    /* From here on of version 4. */
    { "GETVERSADDR", RPCBIND_GETVERSADDR, TAKES(mapping, struct rpcbind_mapping), GIVES(text, char *),                      .handle = binder_on_getversaddr },
    { "INDIRECT",    RPCBIND_INDIRECT,    TAKES(call, struct rpcbind_call),       GIVES(result, struct rpcbind_result),     .handle = binder_on_indirect },
    { "GETADDRLIST", RPCBIND_GETADDRLIST, TAKES(mapping, struct rpcbind_mapping), TELLS(entries, struct rpcbind_entries),   .handle = binder_on_getaddrlist },
    { "GETSTAT",     RPCBIND_GETSTAT,                                             TELLS(stat, struct rpcbind_stat),         .handle = binder_on_getstat },
};
/* clang-format on */

const struct tambo_rpc_program rpc_bind_programs[3] = {
    {"rpcbind",  RPCBIND_PROGRAM, 2, pmap, COUNT_OF(pmap)     },
    { "rpcbind", RPCBIND_PROGRAM, 3, rpcb, RPCBIND_TADDR2UADDR},
    { "rpcbind", RPCBIND_PROGRAM, 4, rpcb, COUNT_OF(rpcb)     },
};

const struct tambo_rpc_procedure *
rpc_bind_procedure(uint32_t version, uint32_t number)
{
    const struct tambo_rpc_program *program = &rpc_bind_programs[version - 2];
    must(number >= 1 && number <= program->count);
    return &program->procedures[number - 1];
}
