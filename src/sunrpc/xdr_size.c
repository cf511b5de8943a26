/* A stream that only counts: x_handy bytes so far. */
#include "sunrpc/stream.h"

static bool_t
putlong(XDR *xdrs, const long *from)
{
    (void)from;
    xdrs->x_handy += 4;
    return TRUE;
}

static bool_t
putbytes(XDR *xdrs, const char *from, u_int len)
{
    (void)from;
    xdrs->x_handy += len;
    return TRUE;
}

static u_int
getpos(XDR *xdrs)
{
    return xdrs->x_handy;
}

static bool_t
setpos(XDR *xdrs, u_int pos)
{
    (void)xdrs, (void)pos;
    return FALSE;
}

static const struct xdr_ops size_ops = {
    sun_stream_no_long, putlong, sun_stream_no_bytes, putbytes, getpos, setpos, sun_stream_no_place, sun_stream_destroy,
    sun_stream_control,
};

u_long
xdr_sizeof(xdrproc_t proc, void *value)
{
    XDR xdrs = { XDR_ENCODE, &size_ops, NULL, NULL, NULL, 0 };

    return proc(&xdrs, value) ? xdrs.x_handy : 0;
}
