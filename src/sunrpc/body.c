#include "sunrpc/body.h"

#include "sunrpc/stream.h"

int
sun_body_encode(struct tambo_xdr_out *out, const void *body)
{
    const struct sun_body *b = body;
    XDR xdrs;

    sun_stream_out(&xdrs, out);
    if (b->proc(&xdrs, b->value))
        return 0;
    *b->torn = true;
    return -TAMBO_ERR_ARGUMENTS;
}

int
sun_body_decode(struct tambo_xdr_in *in, void *body)
{
    const struct sun_body *b = body;
    size_t len = (size_t)(in->end - in->at);
    XDR xdrs;

    if (len > UINT32_MAX)
        return -TAMBO_ERR_TOO_LARGE;
    xdrmem_create(&xdrs, (char *)(uintptr_t)in->at, (u_int)len, XDR_DECODE); /* decoding only reads */
    if (!b->proc(&xdrs, b->value)) {
        *b->torn = true;
        return -TAMBO_ERR_RESULTS;
    }
    in->at = in->end;
    return 0;
}

int
sun_body_keep(struct tambo_xdr_in *in, void *bytes)
{
    size_t len = (size_t)(in->end - in->at);
    uint8_t *copy = tambo_arena_take(in->arena, len + 1);

    if (copy == NULL)
        return -TAMBO_ERR_NO_MEMORY;
    memcpy(copy, in->at, len);
    *(struct tambo_bytes *)bytes = (struct tambo_bytes){ copy, (uint32_t)len };
    in->at = in->end;
    return 0;
}
