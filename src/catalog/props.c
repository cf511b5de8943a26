/* Properties of an AMQP message as its container has them (queue/message.h):
 *
 *     u8 length, exchange name | property flags and list
 *
 * and, while an exchange keeps it for later, before that: u16 length, virtual host, u16 length, exchange. */
#include "catalog/inner.h"

enum { GROWN_BYTES_MAX = 64 + 2 * (2 + AMQP_SHORTSTR_MAX) };

/* Room for the headers, and then for all of it with them inside. */
static int
reserve(struct catalog *catalog, size_t n)
{
    if (n <= catalog->scratch_room)
        return 0;
    uint8_t *scratch = mem_grow(catalog->host->mem, catalog->scratch, n);
    if (scratch == NULL)
        return -ERR_NO_MEMORY;
    catalog->scratch = scratch;
    catalog->scratch_room = n;
    return 0;
}

/* A number that may become negative stays of its type where that has a sign. */
static char
signed_type(char type)
{
    return type == 'b' || type == 's' || type == 'I' ? type : 'l';
}

/* As published, but for the header that is left out, and x-delay. */
static void
put_headers(struct pen *pen, struct view headers, const char *without, bool negate)
{
    struct cursor c = cursor_of(headers);
    struct view key;
    struct amqp_value v;
    int64_t delay;
    for (const uint8_t *from = c.at; amqp_table_next(&c, &key, &v); from = c.at) {
        if (without != NULL && view_is(key, without))
            continue;
        if (negate && view_is(key, "x-delay") && amqp_value_integer(&v, &delay))
            amqp_put_value(pen, key, &(struct amqp_value){ .type = signed_type(v.type), .number = -delay });
        else
            put_bytes(pen, view_of(from, (size_t)(c.at - from)));
    }
}

static int
rewrite(struct catalog *catalog, const struct envelope *env, const struct xchg *later, struct view *ret)
{
    struct amqp_properties p;
    struct view exchange;
    size_t most = env->props.len + GROWN_BYTES_MAX;
    int rc = envelope_properties(env, &exchange, &p) ? reserve(catalog, 2 * most) : -ERR_INVALID;
    if (rc < 0)
        return rc;
    uint8_t *room = catalog->scratch, *start = room + most;
    struct pen headers = pen_of(room, most), pen = pen_of(start, most);
    put_headers(&headers, p.headers, later == NULL ? "BCC" : NULL, later != NULL);
    p.headers = view_of(room, (size_t)(headers.at - room));
    if (later != NULL) {
        put_short(&pen, vhost_name(later->vhost));
        put_short(&pen, xchg_name(later));
    }
    put_u8(&pen, (uint8_t)exchange.len);
    put_bytes(&pen, exchange);
    amqp_properties_put(&pen, &p);
    if (headers.torn || pen.torn)
        return -ERR_TOO_LARGE;
    *ret = view_of(start, (size_t)(pen.at - start));
    return 0;
}

int
props_without_bcc(struct catalog *catalog, const struct envelope *env, struct view *ret)
{
    return rewrite(catalog, env, NULL, ret);
}

int
props_delayed(const struct xchg *later, const struct envelope *env, struct view *ret)
{
    return rewrite(later->vhost->catalog, env, later, ret);
}

bool
props_resume(struct envelope *env, struct view *retvhost, struct view *retexchange)
{
    struct cursor c = cursor_of(env->props);
    *retvhost = take_short(&c);
    *retexchange = take_short(&c);
    env->props = take_rest(&c);
    return !c.torn;
}
