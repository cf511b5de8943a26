#include "lib/rpc_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/must.h"

/* ---- as stubs would do it ------------------------------------------------------------------------------------------
 */

static int
encode_word(struct tambo_xdr_out *out, const void *value)
{
    return tambo_xdr_put_u32(out, *(const uint32_t *)value);
}

static int
decode_word(struct tambo_xdr_in *in, void *ret)
{
    return tambo_xdr_get_u32(in, ret);
}

static int
encode_sum(struct tambo_xdr_out *out, const void *value)
{
    if (*(const uint32_t *)value == RIG_BAD)
        return tambo_xdr_fail(&out->fault, -TAMBO_ERR_ARGUMENTS, "brings bad luck");
    return encode_word(out, value);
}

static int
encode_pair(struct tambo_xdr_out *out, const void *value)
{
    const struct rig_pair *pair = value;
    if (pair->a == RIG_BAD)
        return tambo_xdr_in_field(&out->fault, tambo_xdr_fail(&out->fault, -TAMBO_ERR_ARGUMENTS, "brings bad luck"),
                                  "a", -1);
    int rc = tambo_xdr_put_u32(out, pair->a);
    return rc < 0 ? rc : tambo_xdr_put_u32(out, pair->b);
}

static int
decode_pair(struct tambo_xdr_in *in, void *ret)
{
    struct rig_pair *pair = ret;
    int rc = tambo_xdr_get_u32(in, &pair->a);
    return rc < 0 ? rc : tambo_xdr_get_u32(in, &pair->b);
}

static int
encode_bytes(struct tambo_xdr_out *out, const void *value)
{
    const struct tambo_bytes *bytes = value;
    return tambo_xdr_put_opaque(out, bytes->data, bytes->len, UINT32_MAX);
}

static int
decode_bytes(struct tambo_xdr_in *in, void *ret)
{
    return tambo_xdr_get_opaque(in, ret, UINT32_MAX);
}

static int
add(const void *handlers, void *arg, struct tambo_rpc_request *request, const void *args, void *ret)
{
    const struct rig_pair *pair = args;
    (void)handlers;
    (void)arg;
    (void)request;
    *(uint32_t *)ret = pair->a + pair->b;
    return 0;
}

static int
echo(const void *handlers, void *arg, struct tambo_rpc_request *request, const void *args, void *ret)
{
    (void)handlers;
    (void)arg;
    (void)request;
    *(struct tambo_bytes *)ret = *(const struct tambo_bytes *)args;
    return 0;
}

static int
hold(const void *handlers, void *arg, struct tambo_rpc_request *request, const void *args, void *ret)
{
    struct rpc_rig *rig = arg;
    (void)handlers;
    if (rig->hold != NULL)
        return rig->hold(rig, request, *(const uint32_t *)args, ret);
    unsigned at = atomic_load(&rig->held_count);
    must(at < RIG_HELD_MAX);
    rig->held[at] = request;
    atomic_store(&rig->held_count, at + 1);
    tambo_rpc_stop(rig->server); /* who awaits it looks */
    return TAMBO_RPC_LATER;
}

static int
fail_so(const void *handlers, void *arg, struct tambo_rpc_request *request, const void *args, void *ret)
{
    (void)handlers;
    (void)arg;
    (void)request;
    (void)ret;
    return -(int)*(const uint32_t *)args;
}

static int
count(const void *handlers, void *arg, struct tambo_rpc_request *request, const void *args, void *ret)
{
    struct rpc_rig *rig = arg;
    (void)handlers;
    (void)request;
    (void)args;
    *(uint32_t *)ret = atomic_fetch_add(&rig->counted, 1) + 1;
    return 0;
}

static const struct tambo_rpc_procedure procedures[] = {
    {"ADD",    1, encode_pair,  encode_sum,   decode_pair,  decode_word,  sizeof(struct rig_pair),    sizeof(uint32_t), add    },
    { "ECHO",  2, encode_bytes, encode_bytes, decode_bytes, decode_bytes, sizeof(struct tambo_bytes),
     sizeof(struct tambo_bytes),                                                                                        echo   },
    { "HOLD",  3, encode_word,  encode_word,  decode_word,  decode_word,  sizeof(uint32_t),           sizeof(uint32_t), hold   },
    { "FAIL",  4, encode_word,  NULL,         decode_word,  NULL,         sizeof(uint32_t),           0,                fail_so},
    { "COUNT", 5, NULL,         encode_word,  NULL,         decode_word,  0,                          sizeof(uint32_t), count  },
};

const struct tambo_rpc_program rig_program = { "RIG", RIG_PROGRAM, RIG_VERSION, procedures, 5, "program RIG {}", NULL };
const struct tambo_rpc_procedure *const rig_add = &procedures[0];
const struct tambo_rpc_procedure *const rig_echo = &procedures[1];
const struct tambo_rpc_procedure *const rig_hold = &procedures[2];
const struct tambo_rpc_procedure *const rig_fail = &procedures[3];
const struct tambo_rpc_procedure *const rig_count = &procedures[4];

/* ---- set up ------------------------------------------------------------------------------------------------ */

int
rpc_rig_open(void **state)
{
    struct mem mem = { 0 };
    struct rpc_rig *rig = MEM_NEW(&mem, struct rpc_rig);
    must(rig != NULL);
    rig->mem = mem;
    *state = rig;
    if (tambo_new(&rig->here) < 0 || tambo_new(&rig->there) < 0 || tambo_rpc_server(rig->here, &rig->server) < 0)
        return -1;
    if (tambo_rpc_server_set(rig->server, TAMBO_RPC_SERVER_REGISTER, 0) < 0)
        return -1;
    return tambo_rpc_serve(rig->server, &rig_program, NULL, rig);
}

int
rpc_rig_close(void **state)
{
    struct rpc_rig *rig = *state;
    tambo_free(rig->there);
    tambo_free(rig->here);
    struct mem mem = rig->mem;
    mem_free(&mem, rig);
    return 0;
}

struct tambo_rpc_client *
rpc_rig_client(struct rpc_rig *rig, struct tambo *context)
{
    struct tambo_rpc_client *client = NULL;
    must(tambo_rpc_client(context, rig->address, RIG_PROGRAM, RIG_VERSION, &client) == 0);
    return client;
}

void
rpc_rig_meet(struct rpc_rig *rig, const char *address)
{
    assert_int_equal(tambo_rpc_listen(rig->server, address), 0);
    assert_int_equal(tambo_rpc_address(rig->server, rig->address, sizeof(rig->address)), 0);
    rig->client = rpc_rig_client(rig, rig->there);
}

void
rpc_rig_add(struct tambo_rpc_client *client, uint32_t a, uint32_t b)
{
    struct rig_pair pair = { a, b };
    uint32_t sum = 0;
    must(tambo_rpc_call(client, rig_add, &pair, NULL, &sum) == 0);
    must(sum == a + b);
}

void
rpc_rig_await_held(struct rpc_rig *rig, unsigned count_wanted)
{
    while (atomic_load(&rig->held_count) < count_wanted)
        must(tambo_rpc_run(rig->server, RIG_PATIENCE_MS) == 0);
}
