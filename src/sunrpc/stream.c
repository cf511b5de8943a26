#include "sunrpc/stream.h"

bool_t
sun_stream_getlong(XDR *xdrs, long *to)
{
    uint32_t unit;

    if (!XDR_GETBYTES(xdrs, (char *)&unit, sizeof unit))
        return FALSE;
    *to = (int32_t)ntohl(unit);
    return TRUE;
}

bool_t
sun_stream_putlong(XDR *xdrs, const long *from)
{
    uint32_t unit = htonl((uint32_t)*from);

    return XDR_PUTBYTES(xdrs, (const char *)&unit, sizeof unit);
}

bool_t
sun_stream_no_long(XDR *xdrs, long *to)
{
    (void)xdrs, (void)to;
    return FALSE;
}

bool_t
sun_stream_no_bytes(XDR *xdrs, char *to, u_int len)
{
    (void)xdrs, (void)to, (void)len;
    return FALSE;
}

int32_t *
sun_stream_no_place(XDR *xdrs, u_int len)
{
    (void)xdrs, (void)len;
    return NULL;
}

bool_t
sun_stream_control(XDR *xdrs, int what, void *with)
{
    (void)xdrs, (void)what, (void)with;
    return FALSE;
}

void
sun_stream_destroy(XDR *xdrs)
{
    (void)xdrs;
}
