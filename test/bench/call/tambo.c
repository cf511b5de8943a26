/* tambo.c - libtambo under load; see call.h. */
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "tambo/load.h" /* of tambo rpcgen */
#include "tambo/rpc.h"

enum { TRIES_MS = 10000 };

struct call_client {
    struct tambo_rpc_client *client;
};

static const struct tambo_rpc_procedure null = { .name = "NULL" };

static void
check(const char *what, int rc)
{
    if (rc < 0)
        call_fail(what, tambo_error_text(rc));
}

static struct tambo *
new_context(void)
{
    struct tambo *context;

    check("context", tambo_new(&context));
    return context;
}

/* ---- server ------------------------------------------------------------------------------------------------ */

/* Results may lie where the arguments do. */
static int
echo(void *arg, struct tambo_rpc_request *request, const blob *bytes, blob *ret)
{
    (void)arg;
    (void)request;
    *ret = *bytes;
    return 0;
}

void
call_serve(const char *endpoint, size_t bytes)
{
    static const struct load_echoes_handlers handlers = { .echo = echo };
    struct tambo_rpc_server *server;
    (void)bytes;

    check("server", tambo_rpc_server(new_context(), &server));
    check("register", tambo_rpc_server_set(server, TAMBO_RPC_SERVER_REGISTER, 0));
    check("serve", tambo_rpc_serve(server, &load_echoes_program, &handlers, NULL));
    check(endpoint, tambo_rpc_listen(server, endpoint));
    check("run", tambo_rpc_run(server, TAMBO_FOREVER));
    exit(0);
}

/* ---- client ------------------------------------------------------------------------------------------------ */

struct call_client *
call_open(const char *endpoint, size_t bytes)
{
    static struct call_client client;
    int rc;
    (void)bytes;

    check("client", load_echoes_client(new_context(), endpoint, &client.client));
    do
        rc = tambo_rpc_ping(client.client);
    while (rc == -TAMBO_ERR_REFUSED || rc == -TAMBO_ERR_UNREACHABLE); /* the other side is being started */
    check(endpoint, rc);
    return &client;
}

void
call_once(struct call_client *client, const void *data, size_t len)
{
    static struct tambo_arena arena;
    blob sent = { data, (uint32_t)len }, got;

    if (len == 0) {
        check("ping", tambo_rpc_ping(client->client));
        return;
    }
    check("echo", load_echo(client->client, &sent, &arena, &got));
    if (got.len != len || memcmp(got.data, data, len) != 0)
        call_fail("echo", "another reply");
    tambo_arena_reset(&arena);
}

void
call_pipeline(struct call_client *client, unsigned flight, int (*on)(void *arg), void *arg)
{
    static struct tambo_rpc_call *calls[CALL_FLIGHT_MAX];

    for (unsigned i = 0; i < flight; i++)
        check("begin", tambo_rpc_begin(client->client, &null, NULL, &calls[i]));
    for (unsigned at = 0;; at = at + 1 < flight ? at + 1 : 0) {
        check("end", tambo_rpc_end(calls[at], NULL, NULL));
        if (!on(arg))
            return;
        check("begin", tambo_rpc_begin(client->client, &null, NULL, &calls[at]));
    }
}

/* ---- values -------------------------------------------------------------------------------------------------------
 */

static struct address
some_address(const char *street)
{
    return (struct address){
        .street = (char *)(uintptr_t)street,
        .city = "Leipzig",
        .country = "DE",
        .zip = 4109,
        .where = {51.34, 12.37, 113, 5}
    };
}

static struct person
some_person(const char *name)
{
    return (struct person){ .id = 1234567890123,
                            .name = (char *)(uintptr_t)name,
                            .mail = "someone@example.org",
                            .born = 1970,
                            .active = true,
                            .home = some_address("Long Lane 12"),
                            .work = some_address("Market Square 1") };
}

static struct record *
some_record(void)
{
    static struct entry entries[CALL_ENTRIES];
    static uint8_t payload[100];
    static struct record r;

    for (uint32_t i = 0; i < CALL_ENTRIES; i++)
        entries[i] =
            (struct entry){ .number = i, .what = KIND_URGENT, .at = (int64_t)i << 33, .text = "an entry of the list" };
    r = (struct record){
        .revision = 3,
        .what = KIND_LAST,
        .is_new = true,
        .made_at = 1700000000000,
        .payload = {payload,  sizeof payload},
        .from = some_person("Ada"),
        .to = some_person("Grace"),
        .day = { 1,       0.5f          },
        .entries = { entries, CALL_ENTRIES  }
    };
    return &r;
}

size_t
call_record(void)
{
    static struct record *value;
    static struct tambo_xdr_out out;
    static struct tambo_arena arena;
    struct tambo_xdr_in in;
    struct record got;

    if (value == NULL) {
        value = some_record();
        tambo_xdr_out_init(&out, CALL_BYTES_MAX);
    }
    out.at = out.start;
    tambo_xdr_out_begin(&out);
    check("encode", load_encode_record(&out, value));
    size_t len = tambo_xdr_out_len(&out);
    tambo_xdr_in_init(&in, out.start, len, &arena);
    check("decode", load_decode_record(&in, &got));
    if (got.entries.count != CALL_ENTRIES)
        call_fail("decode", "another record");
    tambo_arena_reset(&arena);
    return len;
}
