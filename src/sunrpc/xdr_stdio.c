/* A stream over a FILE, which stays the program's. */
#include "sunrpc/stream.h"

static bool_t
getbytes(XDR *xdrs, char *to, u_int len)
{
    return fread(to, 1, len, xdrs->x_private) == len;
}

static bool_t
putbytes(XDR *xdrs, const char *from, u_int len)
{
    return fwrite(from, 1, len, xdrs->x_private) == len;
}

static u_int
getpos(XDR *xdrs)
{
    return (u_int)ftell(xdrs->x_private);
}

static bool_t
setpos(XDR *xdrs, u_int pos)
{
    return fseek(xdrs->x_private, (long)pos, SEEK_SET) == 0;
}

static void
destroy(XDR *xdrs)
{
    (void)fflush(xdrs->x_private);
}

static const struct xdr_ops stdio_ops = {
    sun_stream_getlong, sun_stream_putlong, getbytes, putbytes, getpos, setpos, sun_stream_no_place, destroy,
    sun_stream_control,
};

void
xdrstdio_create(XDR *xdrs, FILE *file, enum xdr_op op)
{
    *xdrs = (XDR){ op, &stdio_ops, NULL, file, NULL, 0 };
}
