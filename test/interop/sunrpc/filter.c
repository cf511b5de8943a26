/* Decodes what it is told to and encodes it again: for comparing what several libraries make of the same bytes.
 *
 *     in:   type (4 bytes), length (4), bytes          out:  length (4), or 0xffffffff: it was refused; bytes
 *
 * Numbers are in network order.  TYPES is a header made for each interface: a row TYPE(name) for each of its types. */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES_MAX = 1 << 16, REFUSED = -1 };

#ifdef NATIVE
/* The types of `tambo rpcgen`. */
#include <tambo/xdr.h>

#include TYPES_H

struct type {
    const char *name;
    size_t size;
    int (*encode)(struct tambo_xdr_out *, const void *);
    int (*decode)(struct tambo_xdr_in *, void *);
};
static const struct type types[] = {
#include TYPES
};

static int
again(const struct type *type, uint8_t *bytes, int len)
{
    struct tambo_arena arena;
    struct tambo_xdr_out out;
    struct tambo_xdr_in in;
    void *value = calloc(1, type->size);
    int rc, made = REFUSED;

    memset(&arena, 0, sizeof arena);
    tambo_xdr_in_init(&in, bytes, (size_t)len, &arena);
    tambo_xdr_out_init(&out, BYTES_MAX);
    rc = type->decode(&in, value);
    if (rc < 0) {
        char why[256];
        tambo_xdr_why(&in.fault, why, sizeof why);
        fprintf(stderr, "%s: %s\n", type->name, why);
    } else if (type->encode(&out, value) == 0) {
        made = (int)tambo_xdr_out_len(&out);
        memcpy(bytes, out.start, (size_t)made);
    }
    tambo_xdr_out_free(&out);
    tambo_arena_free(&arena);
    free(value);
    return made;
}
#else
/* The types of an rpcgen, on whichever library. */
#include TYPES_H

struct type {
    const char *name;
    size_t size;
    xdrproc_t proc;
};
static const struct type types[] = {
#include TYPES
};

static int
again(const struct type *type, uint8_t *bytes, int len)
{
    void *value = calloc(1, type->size);
    int made = REFUSED;
    XDR xdrs;

    xdrmem_create(&xdrs, (char *)bytes, (u_int)len, XDR_DECODE);
    if (type->proc(&xdrs, value)) {
        xdrmem_create(&xdrs, (char *)bytes, BYTES_MAX, XDR_ENCODE);
        if (type->proc(&xdrs, value))
            made = (int)xdr_getpos(&xdrs);
    }
    xdr_free(type->proc, value);
    free(value);
    return made;
}
#endif

int
main(void)
{
    static uint8_t bytes[BYTES_MAX];
    uint32_t head[2], len;

    while (fread(head, sizeof head, 1, stdin) == 1) {
        uint32_t at = ntohl(head[0]);
        int made;

        len = ntohl(head[1]);
        if (at >= sizeof types / sizeof types[0] || len > BYTES_MAX || fread(bytes, 1, len, stdin) != len)
            return 1;
        made = again(&types[at], bytes, (int)len);
        len = htonl((uint32_t)made);
        fwrite(&len, sizeof len, 1, stdout);
        if (made > 0)
            fwrite(bytes, 1, (size_t)made, stdout);
    }
    return 0;
}
