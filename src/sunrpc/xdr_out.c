/* A stream that encodes into a message: x_private is the message, x_handy how much of it was there before. */
#include <string.h>

#include "sunrpc/stream.h"

static bool_t
putlong(XDR *xdrs, const long *from)
{
    uint8_t *room = tambo_xdr_room(xdrs->x_private, 4);

    if (room == NULL)
        return FALSE;
    tambo_xdr_write_u32(room, (uint32_t)*from);
    return TRUE;
}

static bool_t
putbytes(XDR *xdrs, const char *from, u_int len)
{
    uint8_t *room = tambo_xdr_room(xdrs->x_private, len);

    if (room == NULL)
        return FALSE;
    if (len > 0)
        memcpy(room, from, len);
    return TRUE;
}

static u_int
getpos(XDR *xdrs)
{
    return (u_int)(tambo_xdr_out_len(xdrs->x_private) - xdrs->x_handy);
}

/* Back to what was written, and no further on than that. */
static bool_t
setpos(XDR *xdrs, u_int pos)
{
    struct tambo_xdr_out *out = xdrs->x_private;

    if (pos > getpos(xdrs))
        return FALSE;
    out->at = out->start + xdrs->x_handy + pos;
    return TRUE;
}

static int32_t *
in_place(XDR *xdrs, u_int len)
{
    struct tambo_xdr_out *out = xdrs->x_private;

    /* See xdr_mem.c.  What has no room now is put one by one, and that makes room. */
    if ((size_t)(out->end - out->at) < len || (uintptr_t)out->at % sizeof(int32_t) != 0)
        return NULL;
    return (int32_t *)(void *)tambo_xdr_room(out, len);
}

static const struct xdr_ops out_ops = {
    sun_stream_no_long, putlong, sun_stream_no_bytes, putbytes, getpos, setpos, in_place, sun_stream_destroy,
    sun_stream_control,
};

void
sun_stream_out(XDR *xdrs, struct tambo_xdr_out *out)
{
    *xdrs = (XDR){ XDR_ENCODE, &out_ops, NULL, out, NULL, (u_int)tambo_xdr_out_len(out) };
}
