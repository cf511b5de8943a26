/* wire/xdr.c - XDR (RFC 4506) to values, and what is told of a value that does not fit: the part of stubs' work that is
 * not inline in include/tambo/xdr.h.  Lengths are looked at before memory is taken for them. */
#include "tambo/xdr.h"

#include <stdio.h>

static int
refuse(struct tambo_xdr_in *in, const char *text)
{
    return tambo_xdr_fail(&in->fault, -TAMBO_ERR_PROTOCOL, text);
}

static size_t
padded(uint32_t len)
{
    return ((size_t)len + 3) & ~(size_t)3;
}

/* ---- bytes that are there --------------------------------------------------------------------------------- */

const uint8_t *
tambo_xdr_need_slow(struct tambo_xdr_in *in)
{
    refuse(in, "the input ends before it");
    return NULL;
}

int
tambo_xdr_read_bool_slow(struct tambo_xdr_in *in)
{
    return refuse(in, "neither true nor false");
}

static int
read_narrow(struct tambo_xdr_in *in, const uint8_t *p, int32_t low, int32_t high, int32_t *ret)
{
    int32_t x = (int32_t)tambo_xdr_read_u32(p);

    if (x < low || x > high)
        return refuse(in, "does not fit its type");
    *ret = x;
    return 0;
}

int
tambo_xdr_read_int8(struct tambo_xdr_in *in, const uint8_t *p, int8_t *ret)
{
    int32_t x = 0;
    int rc = read_narrow(in, p, INT8_MIN, INT8_MAX, &x);

    *ret = (int8_t)x;
    return rc;
}

int
tambo_xdr_read_uint8(struct tambo_xdr_in *in, const uint8_t *p, uint8_t *ret)
{
    int32_t x = 0;
    int rc = read_narrow(in, p, 0, UINT8_MAX, &x);

    *ret = (uint8_t)x;
    return rc;
}

int
tambo_xdr_read_int16(struct tambo_xdr_in *in, const uint8_t *p, int16_t *ret)
{
    int32_t x = 0;
    int rc = read_narrow(in, p, INT16_MIN, INT16_MAX, &x);

    *ret = (int16_t)x;
    return rc;
}

int
tambo_xdr_read_uint16(struct tambo_xdr_in *in, const uint8_t *p, uint16_t *ret)
{
    int32_t x = 0;
    int rc = read_narrow(in, p, 0, UINT16_MAX, &x);

    *ret = (uint16_t)x;
    return rc;
}

int
tambo_xdr_read_fixed(struct tambo_xdr_in *in, const uint8_t *p, void *into, size_t len)
{
    unsigned odd = len % 4;

    if (odd > 0 && tambo_xdr_read_u32(p + len - odd) << 8 * odd != 0)
        return refuse(in, "its padding is not zero");
    if (len > 0)
        memcpy(into, p, len);
    return 0;
}

/* ---- values ----------------------------------------------------------------------------------------------- */

int
tambo_xdr_get_u32(struct tambo_xdr_in *in, uint32_t *ret)
{
    const uint8_t *p = tambo_xdr_need(in, 4);

    if (p == NULL)
        return in->fault.rc;
    *ret = tambo_xdr_read_u32(p);
    return 0;
}

int
tambo_xdr_get_bool(struct tambo_xdr_in *in, bool *ret)
{
    const uint8_t *p = tambo_xdr_need(in, 4);

    return p == NULL ? in->fault.rc : tambo_xdr_read_bool(in, p, ret);
}

int
tambo_xdr_get_fixed(struct tambo_xdr_in *in, void *into, uint32_t len)
{
    const uint8_t *p = tambo_xdr_need(in, padded(len));

    return p == NULL ? in->fault.rc : tambo_xdr_read_fixed(in, p, into, len);
}

/* A length within its limit, and so many bytes with their padding: at *retbytes. */
static int
take_bytes(struct tambo_xdr_in *in, uint32_t len_max, uint32_t *retlen, const uint8_t **retbytes)
{
    int rc = tambo_xdr_get_u32(in, retlen);

    if (rc < 0)
        return rc;
    if (*retlen > len_max)
        return refuse(in, "longer than its limit");
    *retbytes = tambo_xdr_need(in, padded(*retlen));
    return *retbytes == NULL ? in->fault.rc : 0;
}

static int
take_memory(struct tambo_xdr_in *in, size_t n, void **ret)
{
    void *p = in->arena == NULL ? NULL : tambo_arena_take(in->arena, n);

    if (p == NULL)
        return tambo_xdr_fail(&in->fault, -TAMBO_ERR_NO_MEMORY, in->arena == NULL ? "no arena" : "out of memory");
    *ret = p;
    return 0;
}

int
tambo_xdr_get_opaque(struct tambo_xdr_in *in, struct tambo_bytes *ret, uint32_t len_max)
{
    const uint8_t *bytes = NULL;
    void *data = NULL;
    uint32_t len = 0;
    int rc = take_bytes(in, len_max, &len, &bytes);

    if (rc == 0)
        rc = take_memory(in, len, &data);
    if (rc == 0)
        rc = tambo_xdr_read_fixed(in, bytes, data, len);
    if (rc < 0)
        return rc;
    ret->data = data;
    ret->len = len;
    return 0;
}

int
tambo_xdr_get_string(struct tambo_xdr_in *in, char **ret, uint32_t len_max)
{
    const uint8_t *bytes = NULL;
    void *text = NULL;
    uint32_t len = 0;
    int rc = take_bytes(in, len_max, &len, &bytes);

    if (rc < 0)
        return rc;
    if (memchr(bytes, '\0', len) != NULL)
        return refuse(in, "a string has a NUL inside");
    rc = take_memory(in, (size_t)len + 1, &text);
    if (rc == 0)
        rc = tambo_xdr_read_fixed(in, bytes, text, len);
    if (rc < 0)
        return rc;
    ((char *)text)[len] = '\0';
    *ret = text;
    return 0;
}

int
tambo_xdr_get_array(struct tambo_xdr_in *in, uint32_t count_max, size_t wire_bytes, size_t size, uint32_t *retcount,
                    void *retitems)
{
    void *items = NULL;
    uint32_t count = 0;
    int rc = tambo_xdr_get_u32(in, &count);

    if (rc < 0)
        return rc;
    if (count > count_max)
        return refuse(in, "longer than its limit");
    if (count > (size_t)(in->end - in->at) / (wire_bytes > 0 ? wire_bytes : 1))
        return refuse(in, "the input ends before its elements");
    if (count > 0 && size > SIZE_MAX / count)
        return tambo_xdr_fail(&in->fault, -TAMBO_ERR_NO_MEMORY, "out of memory");
    if (count > 0)
        rc = take_memory(in, count * size, &items);
    if (rc < 0)
        return rc;
    if (count > 0)
        memset(items, 0, count * size);
    *retcount = count;
    memcpy(retitems, &items, sizeof(items));
    return 0;
}

int
tambo_xdr_in_down(struct tambo_xdr_in *in)
{
    if (in->depth >= TAMBO_XDR_DEPTH_MAX)
        return refuse(in, "nested too deeply");
    in->depth++;
    return 0;
}

int
tambo_xdr_get_pointer(struct tambo_xdr_in *in, size_t size, void *ret)
{
    void *pointer = NULL;
    bool there = false;
    int rc = tambo_xdr_get_bool(in, &there);

    if (rc == 0 && there)
        rc = take_memory(in, size, &pointer);
    if (rc == 0 && there)
        rc = tambo_xdr_in_down(in);
    if (rc < 0)
        return rc;
    if (there)
        memset(pointer, 0, size);
    memcpy(ret, &pointer, sizeof(pointer));
    return there;
}

/* ---- faults ----------------------------------------------------------------------------------------------- */

int
tambo_xdr_fail(struct tambo_xdr_fault *fault, int rc, const char *text)
{
    fault->rc = rc;
    fault->text = text;
    fault->path[0] = '\0';
    return rc;
}

/* Before the path; false: it has no room.  Three bytes are kept for the dots. */
static bool
put_before(char *path, const char *step, size_t room)
{
    size_t len = strlen(path), n = strlen(step);

    if (len + n >= room)
        return false;
    memmove(path + n, path, len + 1);
    memcpy(path, step, n);
    return true;
}

/* What has no room is left out at the outer end: the inner one tells more. */
int
tambo_xdr_in_field(struct tambo_xdr_fault *fault, int rc, const char *field, int64_t index)
{
    char step[TAMBO_XDR_PATH_MAX + 24], at[24] = "";
    char *path = fault->path;
    const char *join = path[0] == '\0' || path[0] == '[' ? "" : ".";

    if (index >= 0)
        snprintf(at, sizeof(at), "[%lld]", (long long)index);
    snprintf(step, sizeof(step), "%.*s%s%s", TAMBO_XDR_PATH_MAX, field == NULL ? "" : field, at, join);
    if (strncmp(path, "...", 3) != 0 && !put_before(path, step, sizeof(fault->path) - 3))
        put_before(path, "...", sizeof(fault->path));
    return rc;
}

void
tambo_xdr_why(const struct tambo_xdr_fault *fault, char *ret, size_t size)
{
    const char *text = fault->text == NULL ? "nothing is wrong" : fault->text;

    snprintf(ret, size, "%s%s%s", fault->path, fault->path[0] == '\0' ? "" : ": ", text);
}
