/* XDR's types that are made of others.  Where a pointer is NULL decoding takes memory, and freeing gives it back. */
#include <limits.h>
#include <string.h>

#include "sunrpc/memory.h"
#include "sunrpc/state.h"
#include "sunrpc/stream.h"

/* Of pointers that are followed within each other: a list from the network is a chain of them, and each takes some of
 * the thread's stack. */
enum { DEPTH_MAX = 8192 };

bool_t
xdr_opaque(XDR *xdrs, char *at, u_int len)
{
    u_int pad = -len & 3;
    char zeros[4] = "";

    switch (xdrs->x_op) {
    case XDR_ENCODE: return XDR_PUTBYTES(xdrs, at, len) && XDR_PUTBYTES(xdrs, zeros, pad);
    case XDR_DECODE: return XDR_GETBYTES(xdrs, at, len) && XDR_GETBYTES(xdrs, zeros, pad);
    case XDR_FREE: return TRUE;
    }
    return FALSE;
}

/* Memory for what is decoded, unless the program brought its own; `wire` bytes must still come for it. */
static bool
provide(XDR *xdrs, char **at, size_t bytes, size_t wire)
{
    if (*at != NULL)
        return true;
    if (!sun_stream_may_hold(xdrs, wire))
        return false;
    *at = sun_take(bytes);
    return *at != NULL;
}

static bool_t
give(char **at)
{
    sun_give(*at);
    *at = NULL;
    return TRUE;
}

bool_t
xdr_bytes(XDR *xdrs, char **at, u_int *len, u_int len_max)
{
    if (xdrs->x_op == XDR_FREE)
        return give(at);
    if (!xdr_u_int(xdrs, len) || *len > len_max)
        return FALSE;
    if (*len == 0)
        return TRUE;
    if (xdrs->x_op == XDR_DECODE && !provide(xdrs, at, *len, *len))
        return FALSE;
    return xdr_opaque(xdrs, *at, *len);
}

bool_t
xdr_string(XDR *xdrs, char **at, u_int len_max)
{
    u_int len = 0;

    if (xdrs->x_op == XDR_FREE)
        return give(at);
    if (xdrs->x_op == XDR_ENCODE) {
        size_t bytes = *at != NULL ? strlen(*at) : SIZE_MAX;
        if (bytes > len_max || bytes >= UINT_MAX)
            return FALSE;
        len = (u_int)bytes;
        return xdr_u_int(xdrs, &len) && xdr_opaque(xdrs, *at, len);
    }
    if (!xdr_u_int(xdrs, &len) || len > len_max || len == UINT_MAX || !provide(xdrs, at, (size_t)len + 1, len))
        return FALSE;
    (*at)[len] = 0;
    return xdr_opaque(xdrs, *at, len);
}

bool_t
xdr_wrapstring(XDR *xdrs, char **at)
{
    return xdr_string(xdrs, at, UINT_MAX);
}

bool_t
xdr_netobj(XDR *xdrs, struct netobj *at)
{
    return xdr_bytes(xdrs, &at->n_bytes, &at->n_len, MAX_NETOBJ_SZ);
}

bool_t
xdr_netbuf(XDR *xdrs, struct netbuf *at)
{
    return xdr_u_int(xdrs, &at->maxlen) && xdr_bytes(xdrs, (char **)&at->buf, &at->len, at->maxlen);
}

bool_t
xdr_des_block(XDR *xdrs, des_block *at)
{
    return xdr_opaque(xdrs, at->c, sizeof at->c);
}

bool_t
xdr_vector(XDR *xdrs, char *at, u_int count, u_int size, xdrproc_t element)
{
    for (u_int i = 0; i < count; i++)
        if (!element(xdrs, at + (size_t)i * size))
            return FALSE;
    return TRUE;
}

bool_t
xdr_array(XDR *xdrs, char **at, u_int *count, u_int count_max, u_int size, xdrproc_t element)
{
    if (xdrs->x_op == XDR_FREE) {
        bool_t done = *at == NULL || xdr_vector(xdrs, *at, *count, size, element);
        return give(at) && done;
    }
    if (!xdr_u_int(xdrs, count) || *count > count_max)
        return FALSE;
    if (*count == 0)
        return TRUE;
    /* Whatever an element is, it takes a unit at least. */
    if (xdrs->x_op == XDR_DECODE && !provide(xdrs, at, (size_t)*count * size, (size_t)*count * BYTES_PER_XDR_UNIT))
        return FALSE;
    return xdr_vector(xdrs, *at, *count, size, element);
}

bool_t
xdr_reference(XDR *xdrs, char **at, u_int size, xdrproc_t proc)
{
    struct sun_thread *thread = sun_thread();
    bool_t done;

    if (*at == NULL && xdrs->x_op != XDR_DECODE)
        return xdrs->x_op == XDR_FREE;
    if (xdrs->x_op != XDR_FREE && thread->depth >= DEPTH_MAX)
        return FALSE;
    if (xdrs->x_op == XDR_DECODE && !provide(xdrs, at, size, 0))
        return FALSE;
    thread->depth++;
    done = proc(xdrs, *at);
    thread->depth--;
    if (xdrs->x_op == XDR_FREE)
        give(at);
    return done;
}

bool_t
xdr_pointer(XDR *xdrs, char **at, u_int size, xdrproc_t proc)
{
    bool_t is_there = *at != NULL;

    if (!xdr_bool(xdrs, &is_there))
        return FALSE;
    if (!is_there) {
        *at = NULL;
        return TRUE;
    }
    return xdr_reference(xdrs, at, size, proc);
}

bool_t
xdr_union(XDR *xdrs, enum_t *discriminant, char *arm, const struct xdr_discrim *arms, xdrproc_t otherwise)
{
    if (!xdr_enum(xdrs, discriminant))
        return FALSE;
    for (; arms->proc != NULL_xdrproc_t; arms++)
        if (arms->value == *discriminant)
            return arms->proc(xdrs, arm);
    return otherwise != NULL_xdrproc_t && otherwise(xdrs, arm);
}

void
xdr_free(xdrproc_t proc, void *value)
{
    XDR xdrs;
    char none[1];

    xdrmem_create(&xdrs, none, 0, XDR_FREE);
    (void)proc(&xdrs, value);
}
