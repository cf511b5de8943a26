/* sunrpc/stream.h - streams of XDR beyond those of <rpc/xdr.h>. */
#ifndef TAMBO_SUNRPC_STREAM_H
#define TAMBO_SUNRPC_STREAM_H

#include <rpc/xdr.h>

#include "tambo/xdr.h"

/* Encodes into `out`, where a message is going to lie. */
void sun_stream_out(XDR *xdrs, struct tambo_xdr_out *out);
/* May `bytes` more be there?  Asked before memory is taken for them; a stream that cannot tell says yes. */
bool sun_stream_may_hold(const XDR *xdrs, size_t bytes);

/* What several kinds of streams have in common: x_getlong and x_putlong by means of their bytes, */
bool_t sun_stream_getlong(XDR *xdrs, long *to);
bool_t sun_stream_putlong(XDR *xdrs, const long *from);
/* x_getlong and x_getbytes of those that only encode, */
bool_t sun_stream_no_long(XDR *xdrs, long *to);
bool_t sun_stream_no_bytes(XDR *xdrs, char *to, u_int len);
/* x_inline of those without a buffer, x_control of those with nothing to control, x_destroy of those with nothing to
 * give back. */
int32_t *sun_stream_no_place(XDR *xdrs, u_int len);
bool_t sun_stream_control(XDR *xdrs, int what, void *with);
void sun_stream_destroy(XDR *xdrs);

#endif
