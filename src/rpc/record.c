/* rpc/record.c - see record.h. */
#include "rpc/record.h"

#include "base/err.h"
#include "base/mem.h"

enum { GATHER_BYTES_MIN = 512 };

void
rpc_record_fini(struct rpc_record *record, struct mem *mem)
{
    mem_free(mem, record->bytes);
    *record = (struct rpc_record){ 0 };
}

static struct view
take(struct view *in, size_t n)
{
    struct view v = view_of(in->data, n);
    *in = view_from(*in, n);
    return v;
}

/* 1, 0: it has not come whole, or -err. */
static int
take_mark(struct rpc_record *r, size_t bytes_max, struct view *in)
{
    struct oncrpc_mark mark;
    size_t n = sizeof(r->mark) - r->mark_len;
    struct view v = take(in, n < in->len ? n : in->len);
    if (v.len > 0)
        memcpy(r->mark + r->mark_len, v.data, v.len);
    r->mark_len = (uint8_t)(r->mark_len + v.len);
    if (oncrpc_mark_parse(view_of(r->mark, r->mark_len), &mark) == 0)
        return 0;
    r->mark_len = 0;
    if (mark.len > bytes_max || mark.len > bytes_max - r->len)
        return -ERR_TOO_LARGE;
    if (mark.len == 0 && !mark.is_last && ++r->empty_fragments > RPC_EMPTY_FRAGMENTS_MAX)
        return -ERR_PROTOCOL;
    r->left = mark.len;
    r->is_last = mark.is_last;
    r->in_fragment = true;
    return 1;
}

/* Doubles, but never beyond what the fragment still holds. */
static int
gather(struct rpc_record *r, struct mem *mem, struct view bytes)
{
    size_t need = r->len + bytes.len, most = r->len + r->left;
    if (need > r->room) {
        size_t room = 2 * r->room > need ? 2 * r->room : need;
        if (room < GATHER_BYTES_MIN)
            room = GATHER_BYTES_MIN;
        if (room > most)
            room = most;
        uint8_t *grown = mem_grow(mem, r->bytes, room);
        if (grown == NULL)
            return -ERR_NO_MEMORY;
        r->bytes = grown;
        r->room = room;
    }
    memcpy(r->bytes + r->len, bytes.data, bytes.len);
    r->len = need;
    return 0;
}

/* 1: the record is whole, 0: there is no more input, or -err. */
static int
take_fragment(struct rpc_record *r, struct mem *mem, struct view *in)
{
    struct view v = take(in, r->left < in->len ? r->left : in->len);
    int rc = v.len > 0 ? gather(r, mem, v) : 0;
    if (rc < 0)
        return rc;
    r->left -= (uint32_t)v.len;
    r->in_fragment = r->left > 0;
    return !r->in_fragment && r->is_last;
}

int
rpc_record_next(struct rpc_record *r, struct mem *mem, size_t bytes_max, struct view *in, struct view *ret)
{
    if (r->is_told)
        rpc_record_fini(r, mem);
    for (;;) {
        int rc = r->in_fragment ? 1 : take_mark(r, bytes_max, in);
        if (rc <= 0)
            return rc;
        if (r->len == 0 && r->is_last && r->left <= in->len) {
            *ret = take(in, r->left);
            r->in_fragment = false;
            r->empty_fragments = 0;
            return 1;
        }
        rc = take_fragment(r, mem, in);
        if (rc < 0)
            return rc;
        if (rc == 1) {
            *ret = view_of(r->bytes, r->len);
            r->is_told = true;
            return 1;
        }
        if (r->in_fragment)
            return 0;
    }
}
