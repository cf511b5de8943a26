/* sunrpc/body.h - arguments and results between xdr procedures and libtambo's calls. */
#ifndef TAMBO_SUNRPC_BODY_H
#define TAMBO_SUNRPC_BODY_H

#include <rpc/xdr.h>

#include "tambo/xdr.h"

/* A value, and who knows how it is encoded. */
struct sun_body {
    xdrproc_t proc;
    void *value;
    bool *torn; /* set when it cannot be: so that our own arguments can be told from those that a server refuses */
};
/* tambo_xdr_encode_fn of a struct sun_body. */
int sun_body_encode(struct tambo_xdr_out *out, const void *body);
/* tambo_xdr_decode_fn: all that is left is given to its procedure, and what that leaves is passed over, since an old
 * program may know less than its server. */
int sun_body_decode(struct tambo_xdr_in *in, void *body);
/* tambo_xdr_decode_fn of a struct tambo_bytes: all that is left, as it is; in the arena. */
int sun_body_keep(struct tambo_xdr_in *in, void *bytes);

#endif
