/* XDR's plain types: one unit of four bytes, or two.  Freeing them is nothing. */
#include <rpc/xdr.h>
#include <string.h>

bool_t
xdr_void(void)
{
    return TRUE;
}

bool_t
xdr_long(XDR *xdrs, long *at)
{
    switch (xdrs->x_op) {
    case XDR_ENCODE: return XDR_PUTLONG(xdrs, at);
    case XDR_DECODE: return XDR_GETLONG(xdrs, at);
    case XDR_FREE: return TRUE;
    }
    return FALSE;
}

bool_t
xdr_u_long(XDR *xdrs, u_long *at)
{
    long l = xdrs->x_op == XDR_ENCODE ? (long)*at : 0;

    if (!xdr_long(xdrs, &l))
        return FALSE;
    if (xdrs->x_op == XDR_DECODE)
        *at = (uint32_t)l;
    return TRUE;
}

/* A type that is one unit, whatever its size here: as a long and back.  Its first value is not looked at when it is
 * decoded, since nobody has set it. */
#define UNIT(name, type)                                   \
    bool_t name(XDR *xdrs, type *at)                       \
    {                                                      \
        long l = xdrs->x_op == XDR_ENCODE ? (long)*at : 0; \
                                                           \
        if (!xdr_long(xdrs, &l))                           \
            return FALSE;                                  \
        if (xdrs->x_op == XDR_DECODE)                      \
            *at = (type)l;                                 \
        return TRUE;                                       \
    }

UNIT(xdr_int, int)
UNIT(xdr_u_int, u_int)
UNIT(xdr_short, short)
UNIT(xdr_u_short, u_short)
UNIT(xdr_char, char)
UNIT(xdr_u_char, u_char)
UNIT(xdr_int8_t, int8_t)
UNIT(xdr_uint8_t, uint8_t)
UNIT(xdr_u_int8_t, uint8_t)
UNIT(xdr_int16_t, int16_t)
UNIT(xdr_uint16_t, uint16_t)
UNIT(xdr_u_int16_t, uint16_t)
UNIT(xdr_int32_t, int32_t)
UNIT(xdr_uint32_t, uint32_t)
UNIT(xdr_u_int32_t, uint32_t)
UNIT(xdr_enum, enum_t)

bool_t
xdr_bool(XDR *xdrs, bool_t *at)
{
    long l = xdrs->x_op == XDR_ENCODE && *at ? 1 : 0;

    if (!xdr_long(xdrs, &l))
        return FALSE;
    if (xdrs->x_op == XDR_DECODE)
        *at = l != 0;
    return TRUE;
}

bool_t
xdr_uint64_t(XDR *xdrs, uint64_t *at)
{
    long high, low;

    switch (xdrs->x_op) {
    case XDR_ENCODE:
        high = (int32_t)(*at >> 32);
        low = (int32_t)*at;
        return XDR_PUTLONG(xdrs, &high) && XDR_PUTLONG(xdrs, &low);
    case XDR_DECODE:
        if (!XDR_GETLONG(xdrs, &high) || !XDR_GETLONG(xdrs, &low))
            return FALSE;
        *at = (uint64_t)(uint32_t)high << 32 | (uint32_t)low;
        return TRUE;
    case XDR_FREE: return TRUE;
    }
    return FALSE;
}

#define DOUBLE_UNIT(name, type)                    \
    bool_t name(XDR *xdrs, type *at)               \
    {                                              \
        return xdr_uint64_t(xdrs, (uint64_t *)at); \
    }

DOUBLE_UNIT(xdr_int64_t, int64_t)
DOUBLE_UNIT(xdr_u_int64_t, uint64_t)
DOUBLE_UNIT(xdr_quad_t, quad_t)
DOUBLE_UNIT(xdr_u_quad_t, u_quad_t)
DOUBLE_UNIT(xdr_hyper, quad_t)
DOUBLE_UNIT(xdr_u_hyper, u_quad_t)
DOUBLE_UNIT(xdr_longlong_t, quad_t)
DOUBLE_UNIT(xdr_u_longlong_t, u_quad_t)

bool_t
xdr_float(XDR *xdrs, float *at)
{
    uint32_t bits = 0;

    if (xdrs->x_op == XDR_ENCODE)
        memcpy(&bits, at, sizeof bits);
    if (!xdr_uint32_t(xdrs, &bits))
        return FALSE;
    if (xdrs->x_op == XDR_DECODE)
        memcpy(at, &bits, sizeof bits);
    return TRUE;
}

bool_t
xdr_double(XDR *xdrs, double *at)
{
    uint64_t bits = 0;

    if (xdrs->x_op == XDR_ENCODE)
        memcpy(&bits, at, sizeof bits);
    if (!xdr_uint64_t(xdrs, &bits))
        return FALSE;
    if (xdrs->x_op == XDR_DECODE)
        memcpy(at, &bits, sizeof bits);
    return TRUE;
}
