/* rpcgen/draw.h - the bytes of a value that is drawn at random, by the tree of its type alone: what generated code is
 * held against.  Every value that a type can have may come, but deep and long ones seldom. */
#ifndef TAMBO_RPCGEN_DRAW_H
#define TAMBO_RPCGEN_DRAW_H

#include "base/prng.h"
#include "idl/idl.h"

void draw_def(struct prng *prng, const struct idl_def *def, struct tambo_xdr_out *out);

#endif
