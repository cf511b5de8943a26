/* A stream over memory: x_private is where it is, x_handy how many bytes follow, x_base where it began. */
#include <string.h>

#include "sunrpc/stream.h"

static bool_t
getbytes(XDR *xdrs, char *to, u_int len)
{
    if (xdrs->x_handy < len)
        return FALSE;
    if (len > 0)
        memcpy(to, xdrs->x_private, len);
    xdrs->x_private = (char *)xdrs->x_private + len;
    xdrs->x_handy -= len;
    return TRUE;
}

static bool_t
putbytes(XDR *xdrs, const char *from, u_int len)
{
    if (xdrs->x_handy < len)
        return FALSE;
    if (len > 0)
        memcpy(xdrs->x_private, from, len);
    xdrs->x_private = (char *)xdrs->x_private + len;
    xdrs->x_handy -= len;
    return TRUE;
}

static bool_t
getlong(XDR *xdrs, long *to)
{
    uint32_t unit;

    if (!getbytes(xdrs, (char *)&unit, sizeof unit))
        return FALSE;
    *to = (int32_t)ntohl(unit);
    return TRUE;
}

static bool_t
putlong(XDR *xdrs, const long *from)
{
    uint32_t unit = htonl((uint32_t)*from);

    return putbytes(xdrs, (const char *)&unit, sizeof unit);
}

static u_int
getpos(XDR *xdrs)
{
    return (u_int)((char *)xdrs->x_private - xdrs->x_base);
}

static bool_t
setpos(XDR *xdrs, u_int pos)
{
    u_int all = getpos(xdrs) + xdrs->x_handy;

    if (pos > all)
        return FALSE;
    xdrs->x_private = xdrs->x_base + pos;
    xdrs->x_handy = all - pos;
    return TRUE;
}

static int32_t *
in_place(XDR *xdrs, u_int len)
{
    char *at = xdrs->x_private;

    /* Who asks will use it as an array of integers. */
    if (xdrs->x_handy < len || (uintptr_t)at % sizeof(int32_t) != 0)
        return NULL;
    xdrs->x_private = at + len;
    xdrs->x_handy -= len;
    return (int32_t *)(void *)at;
}

static const struct xdr_ops mem_ops = {
    getlong, putlong, getbytes, putbytes, getpos, setpos, in_place, sun_stream_destroy, sun_stream_control,
};

void
xdrmem_create(XDR *xdrs, char *buffer, u_int size, enum xdr_op op)
{
    *xdrs = (XDR){ op, &mem_ops, NULL, buffer, buffer, size };
}

bool
sun_stream_may_hold(const XDR *xdrs, size_t bytes)
{
    return xdrs->x_ops != &mem_ops || bytes <= xdrs->x_handy;
}
