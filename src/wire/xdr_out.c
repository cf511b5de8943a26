/* wire/xdr_out.c - values to XDR (RFC 4506): the part of stubs' work that is not inline in include/tambo/xdr.h.
 *
 * As the arena it is used without any context, so the growing buffer and the set of pointers are malloc's. */
#include <stdlib.h>

#include "tambo/xdr.h"

enum { OUT_BYTES_MIN = 512, SEEN_MIN = 32 };

/* ---- room ------------------------------------------------------------------------------------------------- */

/* The `more` of an out of our own. */
static int
grow(struct tambo_xdr_out *out, size_t n)
{
    size_t len = tambo_xdr_out_len(out), size = (size_t)(out->end - out->start);
    uint8_t *start;

    if (n > out->bytes_max || len > out->bytes_max - n)
        return -TAMBO_ERR_TOO_LARGE;
    size = size < OUT_BYTES_MIN / 2 ? OUT_BYTES_MIN : 2 * size;
    if (size < len + n)
        size = len + n;
    if (size > out->bytes_max)
        size = out->bytes_max;
    start = realloc(out->start, size);
    if (start == NULL)
        return -TAMBO_ERR_NO_MEMORY;
    out->start = start;
    out->at = start + len;
    out->end = start + size;
    return 0;
}

void
tambo_xdr_out_init(struct tambo_xdr_out *out, size_t bytes_max)
{
    *out = (struct tambo_xdr_out){ .more = grow, .bytes_max = bytes_max };
}

uint8_t *
tambo_xdr_room_slow(struct tambo_xdr_out *out, size_t n)
{
    uint8_t *p;
    int rc = out->more(out, n);

    if (rc < 0) {
        tambo_xdr_fail(&out->fault, rc, rc == -TAMBO_ERR_TOO_LARGE ? "too large in all" : "out of memory");
        return NULL;
    }
    p = out->at;
    out->at += n;
    return p;
}

/* ---- values ----------------------------------------------------------------------------------------------- */

static int
refuse(struct tambo_xdr_out *out, const char *text)
{
    return tambo_xdr_fail(&out->fault, -TAMBO_ERR_ARGUMENTS, text);
}

int
tambo_xdr_put_u32(struct tambo_xdr_out *out, uint32_t x)
{
    uint8_t *p = tambo_xdr_room(out, 4);

    if (p == NULL)
        return out->fault.rc;
    tambo_xdr_write_u32(p, x);
    return 0;
}

int
tambo_xdr_put_u64(struct tambo_xdr_out *out, uint64_t x)
{
    uint8_t *p = tambo_xdr_room(out, 8);

    if (p == NULL)
        return out->fault.rc;
    tambo_xdr_write_u64(p, x);
    return 0;
}

int
tambo_xdr_put_fixed(struct tambo_xdr_out *out, const void *data, uint32_t len)
{
    uint8_t *p = tambo_xdr_room(out, ((size_t)len + 3) & ~(size_t)3);

    if (p == NULL)
        return out->fault.rc;
    tambo_xdr_write_fixed(p, data, len);
    return 0;
}

int
tambo_xdr_put_opaque(struct tambo_xdr_out *out, const void *data, uint32_t len, uint32_t len_max)
{
    uint8_t *p;

    if (len > len_max)
        return refuse(out, "longer than its limit");
    if (len > 0 && data == NULL)
        return refuse(out, "it is NULL");
    p = tambo_xdr_room(out, 4 + (((size_t)len + 3) & ~(size_t)3));
    if (p == NULL)
        return out->fault.rc;
    tambo_xdr_write_fixed(tambo_xdr_write_u32(p, len), data, len);
    return 0;
}

int
tambo_xdr_put_string(struct tambo_xdr_out *out, const char *text, uint32_t len_max)
{
    size_t len = text == NULL ? 0 : strlen(text);

    if (text == NULL)
        return refuse(out, "a string is never NULL");
    if (len > len_max)
        return refuse(out, "longer than its limit");
    return tambo_xdr_put_opaque(out, text, (uint32_t)len, len_max);
}

int
tambo_xdr_put_count(struct tambo_xdr_out *out, uint32_t count, uint32_t count_max, const void *items)
{
    if (count > count_max)
        return refuse(out, "longer than its limit");
    if (count > 0 && items == NULL)
        return refuse(out, "it is NULL");
    return tambo_xdr_put_u32(out, count);
}

/* ---- pointers --------------------------------------------------------------------------------------------- */

/* Open addressing, at most half full; `size` is a power of two. */
struct tambo_xdr_seen {
    size_t count, size;
    const void *slots[];
};

/* The slot that holds `pointer`, or the empty one where it belongs. */
static const void **
slot_of(struct tambo_xdr_seen *seen, const void *pointer)
{
    uint64_t hash = (uint64_t)(uintptr_t)pointer * UINT64_C(0x9e3779b97f4a7c15);

    for (size_t i = (size_t)(hash >> 32);; i++) {
        const void **slot = &seen->slots[i & (seen->size - 1)];
        if (*slot == NULL || *slot == pointer)
            return slot;
    }
}

/* Makes it, or makes it larger. */
static int
widen(struct tambo_xdr_out *out)
{
    struct tambo_xdr_seen *old = out->seen, *seen;
    size_t size = old == NULL ? SEEN_MIN : 2 * old->size;

    seen = calloc(1, sizeof(*seen) + size * sizeof(seen->slots[0]));
    if (seen == NULL)
        return tambo_xdr_fail(&out->fault, -TAMBO_ERR_NO_MEMORY, "out of memory");
    seen->size = size;
    if (old != NULL)
        seen->count = old->count;
    for (size_t i = 0; old != NULL && i < old->size; i++)
        if (old->slots[i] != NULL)
            *slot_of(seen, old->slots[i]) = old->slots[i];
    free(old);
    out->seen = seen;
    return 0;
}

static int
see_again(struct tambo_xdr_out *out)
{
    return refuse(out, "a pointer comes twice in this value: shared, or a cycle");
}

/* Into the set, which needs no memory before there are two. */
static int
see(struct tambo_xdr_out *out, const void *pointer)
{
    const void **slot;

    if (out->first == NULL) {
        out->first = pointer;
        return 0;
    }
    if (out->first == pointer)
        return see_again(out);
    if (out->seen == NULL || 2 * (out->seen->count + 1) > out->seen->size) {
        int rc = widen(out);
        if (rc < 0)
            return rc;
    }
    slot = slot_of(out->seen, pointer);
    if (*slot != NULL)
        return see_again(out);
    *slot = pointer;
    out->seen->count++;
    return 0;
}

int
tambo_xdr_down(struct tambo_xdr_out *out, const void *pointer)
{
    int rc;

    if (out->depth >= TAMBO_XDR_DEPTH_MAX)
        return refuse(out, "nested too deeply");
    rc = see(out, pointer);
    if (rc == 0)
        out->depth++;
    return rc;
}

int
tambo_xdr_put_pointer(struct tambo_xdr_out *out, const void *pointer)
{
    int rc = tambo_xdr_put_u32(out, pointer != NULL);

    if (rc < 0 || pointer == NULL)
        return rc;
    rc = tambo_xdr_down(out, pointer);
    return rc < 0 ? rc : 1;
}

/* ---- from value to value ---------------------------------------------------------------------------------- */

void
tambo_xdr_out_begin(struct tambo_xdr_out *out)
{
    out->depth = 0;
    out->first = NULL;
    out->fault.rc = 0;
    out->fault.text = NULL;
    out->fault.path[0] = '\0';
    if (out->seen != NULL && out->seen->count > 0) {
        out->seen->count = 0;
        memset(out->seen->slots, 0, out->seen->size * sizeof(out->seen->slots[0]));
    }
}

void
tambo_xdr_out_free(struct tambo_xdr_out *out)
{
    if (out->more == grow) {
        free(out->start);
        out->start = out->at = out->end = NULL;
    }
    free(out->seen);
    out->seen = NULL;
    out->first = NULL;
}
