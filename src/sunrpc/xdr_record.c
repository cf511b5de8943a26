/* A stream of records (RFC 5531, 11) over a program's own functions for reading and writing.
 *
 *     out:  [ mark | fragment so far ........ | room ]      put when it is full, or when its record ends
 *     in:   [ got before | not yet read ..... ]             `left` bytes of the fragment have not been read */
#include <string.h>

#include "sunrpc/memory.h"
#include "sunrpc/stream.h"

enum { MARK = 4, SIZE_MIN = 100, SIZE = 4096 };
#define LAST 0x80000000u

struct record {
    void *handle;
    int (*get)(void *, void *, int);
    int (*put)(void *, void *, int);
    char *out, *in;
    u_int out_size, in_size;
    u_int out_len, mark_at; /* written, the open fragment's mark included; where that mark stands */
    u_int in_at, in_len;
    u_int left;
    bool is_last; /* the fragment that is read */
};

static bool
write_out(struct record *record, bool is_last)
{
    u_int len = record->out_len - record->mark_at - MARK;
    uint32_t mark = htonl(len | (is_last ? LAST : 0));
    u_int done = 0;

    memcpy(record->out + record->mark_at, &mark, MARK);
    while (done < record->out_len) {
        int n = record->put(record->handle, record->out + done, (int)(record->out_len - done));
        if (n <= 0)
            return false;
        done += (u_int)n;
    }
    record->mark_at = 0;
    record->out_len = MARK;
    return true;
}

static bool_t
putbytes(XDR *xdrs, const char *from, u_int len)
{
    struct record *record = xdrs->x_private;

    while (len > 0) {
        u_int room = record->out_size - record->out_len, n = len < room ? len : room;
        memcpy(record->out + record->out_len, from, n);
        record->out_len += n;
        from += n;
        len -= n;
        if (len > 0 && !write_out(record, false))
            return FALSE;
    }
    return TRUE;
}

bool_t
xdrrec_endofrecord(XDR *xdrs, bool_t now)
{
    struct record *record = xdrs->x_private;
    uint32_t mark;

    if (now || record->out_len + 2 * MARK > record->out_size)
        return write_out(record, true);
    mark = htonl((record->out_len - record->mark_at - MARK) | LAST);
    memcpy(record->out + record->mark_at, &mark, MARK);
    record->mark_at = record->out_len;
    record->out_len += MARK;
    return TRUE;
}

/* As they come, over fragments or not; NULL: they are passed over. */
static bool
read_raw(struct record *record, char *to, u_int len)
{
    while (len > 0) {
        u_int there = record->in_len - record->in_at, n = len < there ? len : there;
        if (there == 0) {
            int got = record->get(record->handle, record->in, (int)record->in_size);
            if (got <= 0)
                return false;
            record->in_at = 0;
            record->in_len = (u_int)got;
            continue;
        }
        if (to != NULL) {
            memcpy(to, record->in + record->in_at, n);
            to += n;
        }
        record->in_at += n;
        len -= n;
    }
    return true;
}

static bool
next_fragment(struct record *record)
{
    uint32_t mark;

    if (!read_raw(record, (char *)&mark, MARK))
        return false;
    mark = ntohl(mark);
    record->is_last = (mark & LAST) != 0;
    record->left = mark & ~LAST;
    return true;
}

static bool_t
getbytes(XDR *xdrs, char *to, u_int len)
{
    struct record *record = xdrs->x_private;

    while (len > 0) {
        u_int n = len < record->left ? len : record->left;
        if (n == 0) {
            if (record->is_last || !next_fragment(record))
                return FALSE;
            continue;
        }
        if (!read_raw(record, to, n))
            return FALSE;
        record->left -= n;
        to += n;
        len -= n;
    }
    return TRUE;
}

/* To the end of the record; false: the stream ended before. */
static bool
skip(struct record *record)
{
    while (record->left > 0 || !record->is_last) {
        if (!read_raw(record, NULL, record->left))
            return false;
        record->left = 0;
        if (!record->is_last && !next_fragment(record))
            return false;
    }
    return true;
}

bool_t
xdrrec_skiprecord(XDR *xdrs)
{
    struct record *record = xdrs->x_private;

    if (!skip(record))
        return FALSE;
    record->is_last = false;
    return TRUE;
}

bool_t
xdrrec_eof(XDR *xdrs)
{
    struct record *record = xdrs->x_private;

    return !skip(record) || record->in_at == record->in_len;
}

static u_int
getpos(XDR *xdrs)
{
    const struct record *record = xdrs->x_private;

    return xdrs->x_op == XDR_ENCODE ? record->out_len : record->in_at;
}

/* Only within what is buffered of the open fragment. */
static bool_t
setpos(XDR *xdrs, u_int pos)
{
    struct record *record = xdrs->x_private;

    if (xdrs->x_op == XDR_ENCODE) {
        if (pos < record->mark_at + MARK || pos > record->out_len)
            return FALSE;
        record->out_len = pos;
        return TRUE;
    }
    if (pos < record->in_at || pos > record->in_len || pos - record->in_at > record->left)
        return FALSE;
    record->left -= pos - record->in_at;
    record->in_at = pos;
    return TRUE;
}

static void
destroy(XDR *xdrs)
{
    struct record *record = xdrs->x_private;

    if (record == NULL)
        return;
    sun_give(record->out);
    sun_give(record->in);
    sun_give(record);
    xdrs->x_private = NULL;
}

static const struct xdr_ops record_ops = {
    sun_stream_getlong, sun_stream_putlong, getbytes, putbytes, getpos, setpos, sun_stream_no_place, destroy,
    sun_stream_control,
};

static u_int
size_of(u_int wanted)
{
    return wanted < SIZE_MIN ? SIZE : (wanted + 3) & ~3u;
}

void
xdrrec_create(XDR *xdrs, u_int put_size, u_int get_size, void *handle, int (*get)(void *, void *, int),
              int (*put)(void *, void *, int))
{
    struct record *record = sun_take(sizeof *record);

    *xdrs = (XDR){ XDR_ENCODE, &record_ops, NULL, record, NULL, 0 };
    if (record == NULL)
        return;
    *record = (struct record){ handle, get, put };
    record->out_size = size_of(put_size);
    record->in_size = size_of(get_size);
    record->out = sun_take(record->out_size);
    record->in = sun_take(record->in_size);
    record->out_len = MARK;
    record->is_last = true;
}
