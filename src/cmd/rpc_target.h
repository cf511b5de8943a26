/* cmd/rpc_target.h - PROG.VERS.PROC as a user writes it, by names or numbers, and what it means by an interface. */
#ifndef TAMBO_CMD_RPC_TARGET_H
#define TAMBO_CMD_RPC_TARGET_H

#include "cmd/options.h"
#include "idl/idl.h"

enum { RPC_WORD_MAX = 128 };

struct rpc_target {
    char words[3][RPC_WORD_MAX]; /* program, version, procedure; "": not said */
    uint32_t program, version, number;
    const struct idl_procedure *procedure; /* NULL: number 0, which every program has */
};

/* "DATE_PROG.DATE_VERS.BIN_DATE", "0x31234567.1.1"; at least `parts_min` of the three.  0 or -ERR_INVALID. */
int rpc_target_parse(const char *text, unsigned parts_min, struct rpc_target *ret, struct complaint *complaint);
/* Is that word a number? */
bool rpc_target_number(const char *word, uint32_t *ret);
/* Finds the three numbers; a version that is not said is the newest, a procedure that is not said number 0.
 * 0 or -ERR_NOT_FOUND with a complaint that tells what there is. */
int rpc_target_find(struct rpc_target *target, const struct idl *idl, const char *file, struct complaint *complaint);

#endif
