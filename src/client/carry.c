/* client/carry.c - see carry.h. */
#include "client/carry.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"

void
carry_init(struct carry *carry, struct mem *mem, carry_size_fn *size)
{
    *carry = (struct carry){ .mem = mem, .size = size };
}

void
carry_clear(struct carry *carry)
{
    mem_free(carry->mem, carry->bytes);
    carry_init(carry, carry->mem, carry->size);
}

/* Moves bytes from the read to what is carried, until it has `want` of them or the read is empty. */
static int
take(struct carry *carry, struct view *in, size_t want)
{
    size_t n = want - carry->len < in->len ? want - carry->len : in->len;

    if (carry->room < want) {
        uint8_t *bytes = mem_grow(carry->mem, carry->bytes, want);
        if (bytes == NULL)
            return -ERR_NO_MEMORY;
        carry->bytes = bytes;
        carry->room = want;
    }
    memcpy(carry->bytes + carry->len, in->data, n);
    carry->len += n;
    *in = view_from(*in, n);
    return 0;
}

/* The size of the packet that is carried in part, its header completed byte by byte from the read. */
static ptrdiff_t
carried_size(struct carry *carry, struct view *in, size_t packet_bytes_max, struct fault *reterr)
{
    ptrdiff_t size;

    while ((size = carry->size(view_of(carry->bytes, carry->len), packet_bytes_max, reterr)) == 0) {
        if (in->len == 0)
            return 0;
        must(carry->len < CARRY_HEADER_BYTES_MAX);
        int rc = take(carry, in, carry->len + 1);
        if (rc < 0)
            return rc;
    }
    return size;
}

static int
next_carried(struct carry *carry, struct view *in, size_t packet_bytes_max, struct view *ret, struct fault *reterr)
{
    ptrdiff_t size = carried_size(carry, in, packet_bytes_max, reterr);
    if (size <= 0)
        return (int)size;
    int rc = take(carry, in, (size_t)size);
    if (rc < 0)
        return rc;
    if (carry->len < (size_t)size)
        return 0;

    *ret = view_of(carry->bytes, carry->len);
    carry->len = 0;
    return 1;
}

int
carry_next(struct carry *carry, struct view *in, size_t packet_bytes_max, struct view *ret, struct fault *reterr)
{
    if (carry->len > 0)
        return next_carried(carry, in, packet_bytes_max, ret, reterr);
    if (carry->bytes != NULL)
        carry_clear(carry);
    if (in->len == 0)
        return 0;

    ptrdiff_t size = carry->size(*in, packet_bytes_max, reterr);
    if (size < 0)
        return (int)size;
    if (size == 0 || (size_t)size > in->len)
        return take(carry, in, size == 0 ? in->len : (size_t)size);
    *ret = view_of(in->data, (size_t)size);
    *in = view_from(*in, (size_t)size);
    return 1;
}
