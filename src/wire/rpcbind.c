/* wire/rpcbind.c - values of rpcbind to bytes and back; RFC 1833, 2.1 and 3.1, has the structures. */
#include "wire/rpcbind.h"

/* ---- single values ------------------------------------------------------------------------------------------- */

int
rpcbind_encode_word(struct tambo_xdr_out *out, const void *value)
{
    return tambo_xdr_put_u32(out, *(const uint32_t *)value);
}

int
rpcbind_decode_word(struct tambo_xdr_in *in, void *ret)
{
    return tambo_xdr_get_u32(in, ret);
}

int
rpcbind_encode_bool(struct tambo_xdr_out *out, const void *value)
{
    return tambo_xdr_put_u32(out, *(const bool *)value);
}

int
rpcbind_decode_bool(struct tambo_xdr_in *in, void *ret)
{
    return tambo_xdr_get_bool(in, ret);
}

int
rpcbind_encode_text(struct tambo_xdr_out *out, const void *value)
{
    return tambo_xdr_put_string(out, *(char *const *)value, RPCBIND_TEXT_MAX);
}

int
rpcbind_decode_text(struct tambo_xdr_in *in, void *ret)
{
    return tambo_xdr_get_string(in, ret, RPCBIND_TEXT_MAX);
}

/* ---- rows of values ------------------------------------------------------------------------------------------- */

static int
put_words(struct tambo_xdr_out *out, const uint32_t *words, unsigned count)
{
    uint8_t *p = tambo_xdr_room(out, 4 * (size_t)count);
    if (p == NULL)
        return tambo_xdr_put_u32(out, 0); /* its error is why there is no room */
    for (unsigned i = 0; i < count; i++)
        p = tambo_xdr_write_u32(p, words[i]);
    return 0;
}

static int
get_words(struct tambo_xdr_in *in, uint32_t *ret, unsigned count)
{
    int rc = 0;
    for (unsigned i = 0; i < count && rc == 0; i++)
        rc = tambo_xdr_get_u32(in, &ret[i]);
    return rc;
}

static int
put_texts(struct tambo_xdr_out *out, char *const *texts, unsigned count)
{
    int rc = 0;
    for (unsigned i = 0; i < count && rc == 0; i++)
        rc = tambo_xdr_put_string(out, texts[i], RPCBIND_TEXT_MAX);
    return rc;
}

/* ---- mappings ------------------------------------------------------------------------------------------------- */

int
rpcbind_encode_mapping(struct tambo_xdr_out *out, const void *value)
{
    const struct rpcbind_mapping *m = value;
    const uint32_t words[] = { m->program, m->version };
    char *const texts[] = { m->netid, m->address, m->owner };
    int rc = put_words(out, words, 2);
    return rc < 0 ? rc : put_texts(out, texts, 3);
}

int
rpcbind_decode_mapping(struct tambo_xdr_in *in, void *ret)
{
    struct rpcbind_mapping *m = ret;
    uint32_t words[2];
    char **const texts[] = { &m->netid, &m->address, &m->owner };
    int rc = get_words(in, words, 2);

    for (unsigned i = 0; i < 3 && rc == 0; i++)
        rc = tambo_xdr_get_string(in, texts[i], RPCBIND_TEXT_MAX);
    if (rc == 0) {
        m->program = words[0];
        m->version = words[1];
    }
    return rc;
}

int
rpcbind_encode_pmap(struct tambo_xdr_out *out, const void *value)
{
    const struct rpcbind_pmap *m = value;
    const uint32_t words[] = { m->program, m->version, m->protocol, m->port };
    return put_words(out, words, 4);
}

int
rpcbind_decode_pmap(struct tambo_xdr_in *in, void *ret)
{
    struct rpcbind_pmap *m = ret;
    uint32_t words[4];
    int rc = get_words(in, words, 4);
    if (rc == 0)
        *m = (struct rpcbind_pmap){ words[0], words[1], words[2], words[3] };
    return rc;
}

/* ---- lists ---------------------------------------------------------------------------------------------------- */

/* `items` are `count` values of `size` bytes. */
static int
put_list(struct tambo_xdr_out *out, const void *items, uint32_t count, size_t size, tambo_xdr_encode_fn *encode)
{
    int rc = 0;
    for (uint32_t i = 0; i < count && rc == 0; i++) {
        rc = tambo_xdr_put_u32(out, 1);
        if (rc == 0)
            rc = tambo_xdr_in_field(&out->fault, encode(out, (const uint8_t *)items + i * size), NULL, i);
    }
    return rc < 0 ? rc : tambo_xdr_put_u32(out, 0);
}

struct growing {
    uint8_t *items;
    uint32_t count, room;
    size_t size;
};

static int
grow(struct tambo_xdr_in *in, struct growing *list)
{
    uint32_t room = list->room == 0 ? 8 : list->room * 2;
    uint8_t *items = tambo_arena_take(in->arena, room * list->size);
    if (items == NULL)
        return tambo_xdr_fail(&in->fault, -TAMBO_ERR_NO_MEMORY, "no memory");
    if (list->count > 0)
        memcpy(items, list->items, list->count * list->size);
    list->items = items;
    list->room = room;
    return 0;
}

static int
get_item(struct tambo_xdr_in *in, struct growing *list, tambo_xdr_decode_fn *decode)
{
    int rc = list->count == list->room ? grow(in, list) : 0;
    if (list->count == RPCBIND_LIST_MAX)
        rc = tambo_xdr_fail(&in->fault, -TAMBO_ERR_PROTOCOL, "longer than its limit");
    if (rc == 0)
        rc = tambo_xdr_in_field(&in->fault, decode(in, list->items + list->count * list->size), NULL, list->count);
    list->count++;
    return rc;
}

/* `list->size` is set. */
static int
get_list(struct tambo_xdr_in *in, struct growing *list, tambo_xdr_decode_fn *decode)
{
    bool more;
    int rc;
    do {
        rc = tambo_xdr_get_bool(in, &more);
        if (rc == 0 && more)
            rc = get_item(in, list, decode);
    } while (rc == 0 && more);
    return rc;
}

int
rpcbind_encode_mappings(struct tambo_xdr_out *out, const void *value)
{
    const struct rpcbind_mappings *list = value;
    return put_list(out, list->items, list->count, sizeof(list->items[0]), rpcbind_encode_mapping);
}

int
rpcbind_decode_mappings(struct tambo_xdr_in *in, void *ret)
{
    struct growing list = { .size = sizeof(struct rpcbind_mapping) };
    int rc = get_list(in, &list, rpcbind_decode_mapping);
    if (rc == 0)
        *(struct rpcbind_mappings *)ret = (struct rpcbind_mappings){ (void *)list.items, list.count };
    return rc;
}

int
rpcbind_encode_pmaps(struct tambo_xdr_out *out, const void *value)
{
    const struct rpcbind_pmaps *list = value;
    return put_list(out, list->items, list->count, sizeof(list->items[0]), rpcbind_encode_pmap);
}

int
rpcbind_decode_pmaps(struct tambo_xdr_in *in, void *ret)
{
    struct growing list = { .size = sizeof(struct rpcbind_pmap) };
    int rc = get_list(in, &list, rpcbind_decode_pmap);
    if (rc == 0)
        *(struct rpcbind_pmaps *)ret = (struct rpcbind_pmaps){ (void *)list.items, list.count };
    return rc;
}

static int
encode_entry(struct tambo_xdr_out *out, const void *value)
{
    const struct rpcbind_entry *entry = value;
    char *const where[] = { entry->address, entry->netid };
    char *const what[] = { entry->family, entry->protocol };
    int rc = put_texts(out, where, 2);
    if (rc == 0)
        rc = tambo_xdr_put_u32(out, entry->semantics);
    return rc < 0 ? rc : put_texts(out, what, 2);
}

int
rpcbind_encode_entries(struct tambo_xdr_out *out, const void *value)
{
    const struct rpcbind_entries *list = value;
    return put_list(out, list->items, list->count, sizeof(list->items[0]), encode_entry);
}

/* ---- forwarded calls ------------------------------------------------------------------------------------------ */

int
rpcbind_encode_call(struct tambo_xdr_out *out, const void *value)
{
    const struct rpcbind_call *call = value;
    const uint32_t words[] = { call->program, call->version, call->procedure };
    int rc = put_words(out, words, 3);
    return rc < 0 ? rc : tambo_xdr_put_opaque(out, call->args.data, call->args.len, RPCBIND_BYTES_MAX);
}

int
rpcbind_decode_call(struct tambo_xdr_in *in, void *ret)
{
    struct rpcbind_call *call = ret;
    uint32_t words[3];
    int rc = get_words(in, words, 3);
    if (rc == 0)
        rc = tambo_xdr_get_opaque(in, &call->args, RPCBIND_BYTES_MAX);
    if (rc == 0) {
        call->program = words[0];
        call->version = words[1];
        call->procedure = words[2];
    }
    return rc;
}

int
rpcbind_encode_pmap_result(struct tambo_xdr_out *out, const void *value)
{
    const struct rpcbind_pmap_result *result = value;
    int rc = tambo_xdr_put_u32(out, result->port);
    return rc < 0 ? rc : tambo_xdr_put_opaque(out, result->results.data, result->results.len, RPCBIND_BYTES_MAX);
}

int
rpcbind_decode_pmap_result(struct tambo_xdr_in *in, void *ret)
{
    struct rpcbind_pmap_result *result = ret;
    int rc = tambo_xdr_get_u32(in, &result->port);
    return rc < 0 ? rc : tambo_xdr_get_opaque(in, &result->results, RPCBIND_BYTES_MAX);
}

int
rpcbind_encode_result(struct tambo_xdr_out *out, const void *value)
{
    const struct rpcbind_result *result = value;
    int rc = tambo_xdr_put_string(out, result->address, RPCBIND_TEXT_MAX);
    return rc < 0 ? rc : tambo_xdr_put_opaque(out, result->results.data, result->results.len, RPCBIND_BYTES_MAX);
}

int
rpcbind_decode_result(struct tambo_xdr_in *in, void *ret)
{
    struct rpcbind_result *result = ret;
    int rc = tambo_xdr_get_string(in, &result->address, RPCBIND_TEXT_MAX);
    return rc < 0 ? rc : tambo_xdr_get_opaque(in, &result->results, RPCBIND_BYTES_MAX);
}

/* ---- the rest ------------------------------------------------------------------------------------------------- */

int
rpcbind_encode_netbuf(struct tambo_xdr_out *out, const void *value)
{
    const struct rpcbind_netbuf *netbuf = value;
    int rc = tambo_xdr_put_u32(out, netbuf->size);
    return rc < 0 ? rc : tambo_xdr_put_opaque(out, netbuf->bytes.data, netbuf->bytes.len, RPCBIND_TEXT_MAX);
}

int
rpcbind_decode_netbuf(struct tambo_xdr_in *in, void *ret)
{
    struct rpcbind_netbuf *netbuf = ret;
    int rc = tambo_xdr_get_u32(in, &netbuf->size);
    return rc < 0 ? rc : tambo_xdr_get_opaque(in, &netbuf->bytes, RPCBIND_TEXT_MAX);
}

int
rpcbind_encode_stat(struct tambo_xdr_out *out, const void *value)
{
    const struct rpcbind_stat *stat = value;
    int rc = 0;
    for (unsigned i = 0; i < 3 && rc == 0; i++) {
        const struct rpcbind_counts *counts = &stat->versions[i];
        const uint32_t rest[] = { counts->set, counts->unset, 0, 0 }; /* and the ends of two lists */
        rc = put_words(out, counts->procedures, RPCBIND_PROCEDURES);
        if (rc == 0)
            rc = put_words(out, rest, 4);
    }
    return rc;
}
