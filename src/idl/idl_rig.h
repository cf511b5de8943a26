/* idl/idl_rig.h - for tests: an interface read, and a tree as one text that can be read again. */
#ifndef TAMBO_IDL_IDL_RIG_H
#define TAMBO_IDL_IDL_RIG_H

#include "base/cursor.h"
#include "idl/idl.h"

struct idl_rig {
    struct tambo_arena arena;
    struct idl idl;
    struct idl_fault why;
    int rc;
};

/* From "f.x". */
void idl_rig_read(struct idl_rig *rig, const char *text);
void idl_rig_fini(struct idl_rig *rig);

/* A definition a line, in one form of spelling; what C or <rpc/rpc.h> has is not among them. */
void idl_rig_print(const struct idl *idl, struct pen *to);
/* The definition of this name. */
struct idl_def *idl_rig_def(const struct idl_rig *rig, const char *name);

#endif
