/* libFuzzer target: decoders and encoders that tambo rpcgen made, of each type of the interfaces in test/rpcgen.
 *
 * The first byte is the type, all else its value.  What decodes is encoded to the bytes that it came from. */
#include <stdlib.h>

#include "base/must.h"
#include "rpcgen/types.h"

enum { ARENA_BYTES_MAX = 1 << 22, OUT_BYTES_MAX = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct rpcgen_types *const tables[] = { &every_types, &date_types };

static const struct rpcgen_type *
type_at(size_t at)
{
    size_t count = 0;

    for (size_t i = 0; i < COUNT_OF(tables); i++)
        count += tables[i]->count;
    at %= count;
    for (size_t i = 0;; i++) {
        if (at < tables[i]->count)
            return &tables[i]->types[at];
        at -= tables[i]->count;
    }
}

static void
encode_again(const struct rpcgen_type *type, const void *value, const uint8_t *bytes, size_t len)
{
    struct tambo_xdr_out out;

    tambo_xdr_out_init(&out, OUT_BYTES_MAX);
    must(type->encode(&out, value) == 0);
    must(tambo_xdr_out_len(&out) == len && (len == 0 || memcmp(out.start, bytes, len) == 0));
    tambo_xdr_out_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tambo_arena arena = { .bytes_max = ARENA_BYTES_MAX };
    struct tambo_xdr_in in;
    char why[256];

    if (size == 0)
        return 0;
    const struct rpcgen_type *type = type_at(data[0]);
    void *value = calloc(1, type->size);
    must(value != NULL);
    tambo_xdr_in_init(&in, data + 1, size - 1, &arena);
    int rc = type->decode(&in, value);
    must(rc == 0 || rc == -TAMBO_ERR_PROTOCOL || rc == -TAMBO_ERR_NO_MEMORY);
    tambo_xdr_why(&in.fault, why, sizeof(why));
    if (rc == 0)
        encode_again(type, value, data + 1, (size_t)(in.at - data) - 1);
    tambo_arena_free(&arena);
    free(value);
    return 0;
}
