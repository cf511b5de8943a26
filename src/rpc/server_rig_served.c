/* rpc/server_rig_served.c - what the server of the rig serves; see server_rig.h. */
#include "base/must.h"
#include "rpc/server_rig.h"

enum { PROGRAM = 0x20000001, ANY_PROGRAM = 0x20000002, LARGE_BYTES_MAX = 1 << 20 };

/* ---- what is served -------------------------------------------------------------------------------------------- */

static int
decode_bytes(struct tambo_xdr_in *in, void *ret)
{
    return tambo_xdr_get_opaque(in, ret, UINT32_MAX);
}

static int
encode_bytes(struct tambo_xdr_out *out, const void *value)
{
    const struct tambo_bytes *bytes = value;
    return tambo_xdr_put_opaque(out, bytes->data, bytes->len, UINT32_MAX);
}

static int
decode_word(struct tambo_xdr_in *in, void *ret)
{
    return tambo_xdr_get_u32(in, ret);
}

static int
encode_word(struct tambo_xdr_out *out, const void *value)
{
    return tambo_xdr_put_u32(out, *(const uint32_t *)value);
}

static int
encode_words(struct tambo_xdr_out *out, const void *value)
{
    const uint32_t *words = value;
    int rc = tambo_xdr_put_u32(out, words[0]);
    return rc < 0 ? rc : tambo_xdr_put_u32(out, words[1]);
}

static int
decode_words(struct tambo_xdr_in *in, void *ret)
{
    uint32_t *words = ret;
    int rc = tambo_xdr_get_u32(in, &words[0]);
    return rc < 0 ? rc : tambo_xdr_get_u32(in, &words[1]);
}

struct node {
    uint32_t value;
    struct node *next;
};

static int
decode_list(struct tambo_xdr_in *in, void *ret)
{
    struct node **at = ret;
    int rc;
    while ((rc = tambo_xdr_get_pointer(in, sizeof(struct node), at)) > 0) {
        rc = tambo_xdr_get_u32(in, &(*at)->value);
        tambo_xdr_in_up(in);
        if (rc < 0)
            return rc;
        at = &(*at)->next;
    }
    return rc;
}

static int
encode_text(struct tambo_xdr_out *out, const void *value)
{
    return tambo_xdr_put_string(out, *(char *const *)value, UINT32_MAX);
}

static int
decode_all(struct tambo_xdr_in *in, void *ret)
{
    struct tambo_bytes *bytes = ret;
    uint32_t len = (uint32_t)(in->end - in->at);
    uint8_t *copy = tambo_arena_take(in->arena, len + 1);
    if (copy == NULL)
        return -TAMBO_ERR_NO_MEMORY;
    bytes->len = len;
    bytes->data = copy;
    return len == 0 ? 0 : tambo_xdr_get_fixed(in, copy, len);
}

struct numbered {
    uint32_t number;
    struct tambo_bytes bytes;
};

static int
encode_numbered(struct tambo_xdr_out *out, const void *value)
{
    const struct numbered *numbered = value;
    int rc = tambo_xdr_put_u32(out, numbered->number);
    return rc < 0 ? rc : tambo_xdr_put_fixed(out, numbered->bytes.data, numbered->bytes.len);
}

/* ---- handlers -------------------------------------------------------------------------------------------------- */

#define HANDLER(name) \
    static int name(const void *handlers, void *arg, struct tambo_rpc_request *request, const void *args, void *ret)

HANDLER(echo)
{
    (void)handlers, (void)arg, (void)request;
    *(struct tambo_bytes *)ret = *(const struct tambo_bytes *)args;
    return 0;
}

static void
note_run(struct server_rig *rig, uint32_t number)
{
    if (number < RIG_RAN_MAX && rig->ran[number] < UINT8_MAX)
        rig->ran[number]++;
}

HANDLER(add)
{
    const uint32_t *words = args;
    (void)handlers, (void)request;
    note_run(arg, words[0]);
    *(uint32_t *)ret = words[0] + words[1];
    return 0;
}

HANDLER(later)
{
    struct server_rig *rig = arg;
    (void)handlers, (void)ret;
    note_run(rig, *(const uint32_t *)args);
    must(rig->later_count < RIG_LATER_MAX);
    rig->later[rig->later_count++] = (struct rpc_request *)request;
    return TAMBO_RPC_LATER;
}

HANDLER(fail)
{
    (void)handlers, (void)arg, (void)request, (void)ret;
    uint32_t error = *(const uint32_t *)args;
    return error < 1000 ? -(int)error : 1000;
}

HANDLER(large)
{
    struct tambo_bytes *bytes = ret;
    uint32_t len = *(const uint32_t *)args;
    (void)handlers, (void)arg;
    if (len > LARGE_BYTES_MAX)
        return -TAMBO_ERR_TOO_LARGE;
    uint8_t *data = tambo_arena_take(rpc_request_arena((struct rpc_request *)request), len + 1);
    if (data == NULL)
        return -TAMBO_ERR_NO_MEMORY;
    memset(data, 'x', len);
    *bytes = (struct tambo_bytes){ data, len };
    return 0;
}

HANDLER(sum)
{
    (void)handlers, (void)arg, (void)request;
    for (const struct node *it = *(struct node *const *)args; it != NULL; it = it->next)
        *(uint32_t *)ret += it->value;
    return 0;
}

HANDLER(nulled)
{
    (void)handlers, (void)arg, (void)request, (void)args, (void)ret;
    return 0;
}

HANDLER(any)
{
    struct numbered *numbered = ret;
    (void)handlers, (void)arg;
    numbered->number = rpc_request_number((struct rpc_request *)request);
    numbered->bytes = *(const struct tambo_bytes *)args;
    return 0;
}

static const struct tambo_rpc_procedure procedures[] = {
    {"ECHO",    1, NULL,         encode_bytes, decode_bytes, NULL,        sizeof(struct tambo_bytes), sizeof(struct tambo_bytes), echo  },
    { "ADD",    2, encode_words, encode_word,  decode_words, decode_word, 8,                          4,                          add   },
    { "LATER",  4, encode_word,  encode_word,  decode_word,  decode_word, 4,                          4,                          later },
    { "FAIL",   5, NULL,         NULL,         decode_word,  NULL,        4,                          0,                          fail  },
    { "LARGE",  6, NULL,         encode_bytes, decode_word,  NULL,        4,                          sizeof(struct tambo_bytes), large },
    { "LIST",   7, NULL,         encode_word,  decode_list,  NULL,        sizeof(struct node *),      4,                          sum   },
    { "NULLED", 8, NULL,         encode_text,  NULL,         NULL,        0,                          sizeof(char *),             nulled},
};
static const struct tambo_rpc_procedure any_procedure = {
    "ANY", 0, NULL, encode_numbered, decode_all, NULL, sizeof(struct tambo_bytes), sizeof(struct numbered), any
};
const struct tambo_rpc_program rig_programs[RIG_PROGRAMS] = {
    {"TEST",  PROGRAM,     1, procedures, COUNT_OF(procedures), "program TEST { ... } = 0x20000001;", NULL          },
    { "TEST", PROGRAM,     3, procedures, COUNT_OF(procedures), NULL,                                 NULL          },
    { "ANY",  ANY_PROGRAM, 1, NULL,       0,                    NULL,                                 &any_procedure},
};
