/* rpc/xdr.h - Sun's external data representation (RFC 4506) as its programs use it: one procedure for each type, which
 * encodes, decodes or frees, as the stream it is given says. */
#ifndef TAMBO_SUNRPC_XDR_H
#define TAMBO_SUNRPC_XDR_H

#include <rpc/types.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

enum xdr_op { XDR_ENCODE = 0, XDR_DECODE = 1, XDR_FREE = 2 };

#define BYTES_PER_XDR_UNIT 4
#define RNDUP(x)           ((((x) + BYTES_PER_XDR_UNIT - 1) / BYTES_PER_XDR_UNIT) * BYTES_PER_XDR_UNIT)

struct xdr_ops;
typedef struct __rpc_xdr {
    enum xdr_op x_op;
    const struct xdr_ops *x_ops;
    char *x_public; /* the program's own */
    /* The stream's own. */
    void *x_private;
    char *x_base;
    u_int x_handy;
} XDR;

/* A kind of stream.  A long is 4 bytes there, whatever it is here. */
struct xdr_ops {
    bool_t (*x_getlong)(XDR *, long *);
    bool_t (*x_putlong)(XDR *, const long *);
    bool_t (*x_getbytes)(XDR *, char *, u_int);
    bool_t (*x_putbytes)(XDR *, const char *, u_int);
    u_int (*x_getpostn)(XDR *);
    bool_t (*x_setpostn)(XDR *, u_int);
    /* So many bytes of the stream's buffer, passed over; NULL: they are to be got or put one by one. */
    int32_t *(*x_inline)(XDR *, u_int);
    void (*x_destroy)(XDR *);
    bool_t (*x_control)(XDR *, int, void *);
};

/* Some take a third argument. */
typedef bool_t (*xdrproc_t)(XDR *, ...);
#define NULL_xdrproc_t ((xdrproc_t)0)

#define XDR_GETLONG(xdrs, to)         (*(xdrs)->x_ops->x_getlong)(xdrs, to)
#define xdr_getlong(xdrs, to)         XDR_GETLONG(xdrs, to)
#define XDR_PUTLONG(xdrs, from)       (*(xdrs)->x_ops->x_putlong)(xdrs, from)
#define xdr_putlong(xdrs, from)       XDR_PUTLONG(xdrs, from)
#define XDR_GETBYTES(xdrs, to, len)   (*(xdrs)->x_ops->x_getbytes)(xdrs, to, len)
#define xdr_getbytes(xdrs, to, len)   XDR_GETBYTES(xdrs, to, len)
#define XDR_PUTBYTES(xdrs, from, len) (*(xdrs)->x_ops->x_putbytes)(xdrs, from, len)
#define xdr_putbytes(xdrs, from, len) XDR_PUTBYTES(xdrs, from, len)
#define XDR_GETPOS(xdrs)              (*(xdrs)->x_ops->x_getpostn)(xdrs)
#define xdr_getpos(xdrs)              XDR_GETPOS(xdrs)
#define XDR_SETPOS(xdrs, pos)         (*(xdrs)->x_ops->x_setpostn)(xdrs, pos)
#define xdr_setpos(xdrs, pos)         XDR_SETPOS(xdrs, pos)
#define XDR_INLINE(xdrs, len)         (*(xdrs)->x_ops->x_inline)(xdrs, len)
#define xdr_inline(xdrs, len)         XDR_INLINE(xdrs, len)
#define XDR_DESTROY(xdrs)             (*(xdrs)->x_ops->x_destroy)(xdrs)
#define xdr_destroy(xdrs)             XDR_DESTROY(xdrs)
#define XDR_CONTROL(xdrs, what, with) (*(xdrs)->x_ops->x_control)(xdrs, what, with)
#define xdr_control(xdrs, what, with) XDR_CONTROL(xdrs, what, with)

static __inline bool_t
xdr_getint32(XDR *xdrs, int32_t *to)
{
    long l;

    if (!XDR_GETLONG(xdrs, &l))
        return FALSE;
    *to = (int32_t)l;
    return TRUE;
}
static __inline bool_t
xdr_putint32(XDR *xdrs, const int32_t *from)
{
    long l = *from;

    return XDR_PUTLONG(xdrs, &l);
}
#define XDR_GETINT32(xdrs, to)   xdr_getint32(xdrs, to)
#define XDR_PUTINT32(xdrs, from) xdr_putint32(xdrs, from)

/* What stands at `buf`, that XDR_INLINE gave; four bytes each. */
#define IXDR_GET_INT32(buf)      ((int32_t)ntohl((uint32_t) * (buf)++))
#define IXDR_PUT_INT32(buf, v)   (*(buf)++ = (int32_t)htonl((uint32_t)(v)))
#define IXDR_GET_U_INT32(buf)    ((uint32_t)IXDR_GET_INT32(buf))
#define IXDR_PUT_U_INT32(buf, v) IXDR_PUT_INT32(buf, (int32_t)(v))
#define IXDR_GET_LONG(buf)       ((long)IXDR_GET_INT32(buf))
#define IXDR_PUT_LONG(buf, v)    IXDR_PUT_INT32(buf, v)
#define IXDR_GET_BOOL(buf)       ((bool_t)IXDR_GET_LONG(buf))
#define IXDR_PUT_BOOL(buf, v)    IXDR_PUT_LONG(buf, v)
#define IXDR_GET_ENUM(buf, type) ((type)IXDR_GET_LONG(buf))
#define IXDR_PUT_ENUM(buf, v)    IXDR_PUT_LONG(buf, v)
#define IXDR_GET_U_LONG(buf)     ((u_long)IXDR_GET_U_INT32(buf))
#define IXDR_PUT_U_LONG(buf, v)  IXDR_PUT_LONG(buf, v)
#define IXDR_GET_SHORT(buf)      ((short)IXDR_GET_LONG(buf))
#define IXDR_PUT_SHORT(buf, v)   IXDR_PUT_LONG(buf, v)
#define IXDR_GET_U_SHORT(buf)    ((u_short)IXDR_GET_LONG(buf))
#define IXDR_PUT_U_SHORT(buf, v) IXDR_PUT_LONG(buf, v)

/* ---- plain types ------------------------------------------------------------------------------------------- */

extern bool_t xdr_void(void);
extern bool_t xdr_int(XDR *, int *);
extern bool_t xdr_u_int(XDR *, u_int *);
extern bool_t xdr_long(XDR *, long *);
extern bool_t xdr_u_long(XDR *, u_long *);
extern bool_t xdr_short(XDR *, short *);
extern bool_t xdr_u_short(XDR *, u_short *);
extern bool_t xdr_char(XDR *, char *);
extern bool_t xdr_u_char(XDR *, u_char *);
extern bool_t xdr_int8_t(XDR *, int8_t *);
extern bool_t xdr_uint8_t(XDR *, uint8_t *);
extern bool_t xdr_u_int8_t(XDR *, uint8_t *);
extern bool_t xdr_int16_t(XDR *, int16_t *);
extern bool_t xdr_uint16_t(XDR *, uint16_t *);
extern bool_t xdr_u_int16_t(XDR *, uint16_t *);
extern bool_t xdr_int32_t(XDR *, int32_t *);
extern bool_t xdr_uint32_t(XDR *, uint32_t *);
extern bool_t xdr_u_int32_t(XDR *, uint32_t *);
extern bool_t xdr_int64_t(XDR *, int64_t *);
extern bool_t xdr_uint64_t(XDR *, uint64_t *);
extern bool_t xdr_u_int64_t(XDR *, uint64_t *);
extern bool_t xdr_quad_t(XDR *, quad_t *);
extern bool_t xdr_u_quad_t(XDR *, u_quad_t *);
extern bool_t xdr_hyper(XDR *, quad_t *);
extern bool_t xdr_u_hyper(XDR *, u_quad_t *);
extern bool_t xdr_longlong_t(XDR *, quad_t *);
extern bool_t xdr_u_longlong_t(XDR *, u_quad_t *);
extern bool_t xdr_bool(XDR *, bool_t *);
extern bool_t xdr_enum(XDR *, enum_t *);
extern bool_t xdr_float(XDR *, float *);
extern bool_t xdr_double(XDR *, double *);

#define xdr_rpcprog(xdrs, at) xdr_uint32_t(xdrs, at)
#define xdr_rpcvers(xdrs, at) xdr_uint32_t(xdrs, at)
#define xdr_rpcproc(xdrs, at) xdr_uint32_t(xdrs, at)
#define xdr_rpcprot(xdrs, at) xdr_uint32_t(xdrs, at)
#define xdr_rpcport(xdrs, at) xdr_uint32_t(xdrs, at)

/* ---- what is made of them.  Where a pointer is NULL, decoding takes memory (malloc) that XDR_FREE gives back. -- */

struct xdr_discrim {
    int value;
    xdrproc_t proc; /* NULL: the end of the list */
};
struct netobj {
    u_int n_len;
    char *n_bytes;
};
typedef struct netobj netobj;
#define MAX_NETOBJ_SZ 1024

extern bool_t xdr_opaque(XDR *, char *, u_int len);
extern bool_t xdr_bytes(XDR *, char **, u_int *len, u_int len_max);
extern bool_t xdr_string(XDR *, char **, u_int len_max);
extern bool_t xdr_wrapstring(XDR *, char **);
extern bool_t xdr_netobj(XDR *, struct netobj *);
extern bool_t xdr_netbuf(XDR *, struct netbuf *);
extern bool_t xdr_vector(XDR *, char *, u_int count, u_int size, xdrproc_t element);
extern bool_t xdr_array(XDR *, char **, u_int *count, u_int count_max, u_int size, xdrproc_t element);
extern bool_t xdr_reference(XDR *, char **, u_int size, xdrproc_t);
extern bool_t xdr_pointer(XDR *, char **, u_int size, xdrproc_t);
extern bool_t xdr_union(XDR *, enum_t *discriminant, char *arm, const struct xdr_discrim *, xdrproc_t otherwise);

extern void xdr_free(xdrproc_t, void *);
/* Bytes that it takes encoded; 0: it cannot be. */
extern u_long xdr_sizeof(xdrproc_t, void *);

/* ---- streams ----------------------------------------------------------------------------------------------- */

extern void xdrmem_create(XDR *, char *buffer, u_int size, enum xdr_op);
extern void xdrstdio_create(XDR *, FILE *, enum xdr_op);
/* Records with marks (RFC 5531, 11).  `get` and `put` are as read() and write() on `handle`; sizes of 0 are chosen. */
extern void xdrrec_create(XDR *, u_int put_size, u_int get_size, void *handle, int (*get)(void *, void *, int),
                          int (*put)(void *, void *, int));
extern bool_t xdrrec_endofrecord(XDR *, bool_t now);
extern bool_t xdrrec_skiprecord(XDR *);
extern bool_t xdrrec_eof(XDR *);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif
