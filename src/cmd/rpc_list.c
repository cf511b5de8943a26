/* cmd/rpc_list.c - tambo rpc list: what a machine's rpcbind knows. */
#include <jansson.h>
#include <rpc/netdb.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/must.h"
#include "cmd/admin.h"
#include "cmd/rpc.h"
#include "cmd/rpc_visit.h"
#include "rpc/bind.h"

struct listing {
    struct rpc_visit visit;
    const char *host;
    bool json;
};

static const struct option_row rows[] = {
    {0, "json", NULL, "print JSON, an object a line", OPTION_FLAG, offsetof(struct listing, json)},
};

static int
take_host(void *into, char *const *words, struct complaint *complaint)
{
    struct listing *listing = into;
    if (listing->host != NULL)
        return complain(complaint, "unexpected argument '%s'", words[0]);
    listing->host = words[0];
    return 0;
}

/* ---- one row -------------------------------------------------------------------------------------------------- */

/* What /etc/rpc calls it; "" where it has no name. */
static const char *
name_of(uint32_t program)
{
    const struct rpcent *entry = program > INT32_MAX ? NULL : getrpcbynumber((int)program);
    return entry == NULL ? "" : entry->r_name;
}

static void
add_mapping(json_t *list, const struct rpcbind_mapping *m)
{
    char host[RPCBIND_HOST_MAX];
    uint16_t port;
    json_t *row = json_pack("{s:I, s:I, s:s}", "program", (json_int_t)m->program, "version", (json_int_t)m->version,
                            "netid", m->netid);

    if (rpcbind_address_parse(m->address, host, &port) == 0) {
        json_object_set_new(row, "address", json_string(host));
        json_object_set_new(row, "port", json_integer(port));
    } else {
        json_object_set_new(row, "address", json_string(m->address));
    }
    json_object_set_new(row, "name", json_string(name_of(m->program)));
    json_object_set_new(row, "owner", json_string(m->owner));
    json_array_append_new(list, row);
}

/* Version 2 tells ports only. */
static void
add_pmap(json_t *list, const struct rpcbind_pmap *m)
{
    const struct rpcbind_netid *netid = rpcbind_netid_of(4, m->protocol);
    json_t *row =
        json_pack("{s:I, s:I, s:s, s:I, s:s}", "program", (json_int_t)m->program, "version", (json_int_t)m->version,
                  "netid", netid == NULL ? "?" : netid->name, "port", (json_int_t)m->port, "name", name_of(m->program));
    json_array_append_new(list, row);
}

/* ---- asking --------------------------------------------------------------------------------------------------- */

static int
dump(struct listing *listing, uint32_t version, json_t *list)
{
    struct tambo_arena arena = { 0 };
    struct rpcbind_mappings mappings = { 0 };
    struct rpcbind_pmaps pmaps = { 0 };
    int rc = rpc_visit_meet(&listing->visit, RPCBIND_PROGRAM, version);

    if (rc < 0)
        return rc;
    rc = tambo_rpc_call(listing->visit.client, rpc_bind_procedure(version, RPCBIND_DUMP), NULL, &arena,
                        version == 2 ? (void *)&pmaps : (void *)&mappings);
    for (uint32_t i = 0; i < mappings.count; i++)
        add_mapping(list, &mappings.items[i]);
    for (uint32_t i = 0; i < pmaps.count; i++)
        add_pmap(list, &pmaps.items[i]);
    tambo_arena_free(&arena);
    return rc < 0 ? rpc_visit_failed(&listing->visit, rc) : 0;
}

static int
ask(struct listing *listing, json_t *list)
{
    int rc = -ERR_VERSION;
    for (uint32_t version = 4; version >= 2; version--) {
        rc = dump(listing, version, list);
        if (rc != -TAMBO_ERR_VERSION && rc != -TAMBO_ERR_PROGRAM && rc != -TAMBO_ERR_PROCEDURE)
            return rc;
    }
    return rc;
}

static void
print(const struct listing *listing, const json_t *list)
{
    static const struct admin_column columns[] = {
        {"program",  "PROGRAM"},
        { "version", "VERSION"},
        { "netid",   "NETID"  },
        { "address", "ADDRESS"},
        { "port",    "PORT"   },
        { "name",    "NAME"   },
        { "owner",   "OWNER"  },
    };
    const struct admin admin = { .json = listing->json };
    admin_print_list(&admin, list, columns, COUNT_OF(columns));
}

int
cmd_rpc_list(int argc, char *const *argv)
{
    struct listing listing = { 0 };
    const struct option_group groups[] = {
        {"Output", rows, COUNT_OF(rows), &listing},
        rpc_visit_options(&listing.visit)
    };
    const struct option_spec spec = {
        .usage = "tambo rpc list [OPTION]... [HOST[:PORT]]",
        .about = "Lists the programs that the rpcbind of a machine, or of this one, knows, and where they are.",
        .operand = "HOST",
        .on_operand = take_host,
        .operand_into = &listing,
        .groups = groups,
        .group_count = COUNT_OF(groups),
    };
    int code;

    rpc_visit_init(&listing.visit, "rpc list");
    if (cmd_options("rpc list", &spec, argc, argv, &code) != 0)
        return code;
    json_t *list = json_array();
    int rc = rpc_visit_at(&listing.visit, listing.host == NULL ? "127.0.0.1" : listing.host);
    if (rc == 0 && listing.visit.address.at.port == 0)
        listing.visit.address.at.port = RPCBIND_PORT;
    if (rc == 0)
        rc = ask(&listing, list);
    if (rc == 0)
        print(&listing, list);
    json_decref(list);
    return rpc_visit_finish(&listing.visit, rc);
}
