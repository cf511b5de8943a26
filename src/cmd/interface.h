/* cmd/interface.h - an interface that a command works by: a .x file through the system's preprocessor, or a text that
 * came from elsewhere, parsed. */
#ifndef TAMBO_CMD_INTERFACE_H
#define TAMBO_CMD_INTERFACE_H

#include "cmd/program.h"
#include "idl/idl.h"

enum { INTERFACE_WHY_MAX = 1024, INTERFACE_FLAGS_MAX = 64 };

struct io;

/* Zeroed memory is an empty one. */
struct interface {
    struct mem *mem;
    struct program_output text; /* what was parsed: the tree points into it */
    struct tambo_arena arena;
    struct idl idl;
    char why[INTERFACE_WHY_MAX]; /* what is wrong: one line, or those of idl_fault_print() */
};

/* `flags` are the preprocessor's: "-DNAME=VALUE", "-IDIRECTORY"; RPC_HDR is always defined, as rpcgen does for headers.
 * A file without lines that begin with # and without flags needs no preprocessor.  `path` is borrowed as long as the
 * tree is used.  0, or -err with `why`. */
int interface_read(struct interface *interface, struct io *io, const char *path, const char *const *flags,
                   unsigned flag_count);
/* A text, copied; `name` (borrowed) is what its faults call it. */
int interface_parse(struct interface *interface, struct mem *mem, struct view text, const char *name);
void interface_fini(struct interface *interface);

#endif
