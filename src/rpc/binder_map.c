/* rpc/binder_map.c - what the built-in rpcbind knows: mappings in the order in which they came. */
#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"
#include "rpc/binder_inner.h"

static struct mem *
mem_of(const struct rpc_binder *binder)
{
    return io_mem(rpc_world_io(binder->world));
}

static bool
fits(const struct mapping *m, uint32_t program, const char *netid)
{
    return m->value.program == program && (netid[0] == '\0' || strcmp(m->value.netid, netid) == 0);
}

struct mapping *
binder_find(const struct rpc_binder *binder, uint32_t program, uint32_t version, const char *netid, bool exact)
{
    struct mapping *newest = NULL;
    LIST_EACH(&binder->mappings, link) {
        struct mapping *m = container_of(link, struct mapping, link);
        if (!fits(m, program, netid))
            continue;
        if (m->value.version == version)
            return m;
        if (newest == NULL || m->value.version > newest->value.version)
            newest = m;
    }
    return exact ? NULL : newest;
}

/* ---- set and unset -------------------------------------------------------------------------------------------- */

static char *
copy_text(char **at, const char *text)
{
    size_t n = strlen(text) + 1;
    char *copy = memcpy(*at, text, n);
    *at += n;
    return copy;
}

static int
add(struct rpc_binder *binder, const struct rpcbind_mapping *value, bool is_root)
{
    const char *owner = is_root ? "superuser" : "unknown"; /* as rpcbind calls who is not known by a local socket */
    size_t n = strlen(value->netid) + strlen(value->address) + strlen(owner) + 3;

    if (binder->count == RPC_BINDER_MAPPINGS_MAX)
        return -ERR_FULL;
    struct mapping *m = mem_raw(mem_of(binder), sizeof(*m) + n);
    if (m == NULL)
        return -ERR_NO_MEMORY;
    char *at = (char *)(m + 1);
    m->is_roots = is_root;
    m->value = (struct rpcbind_mapping){ .program = value->program, .version = value->version };
    m->value.netid = copy_text(&at, value->netid);
    m->value.address = copy_text(&at, value->address);
    m->value.owner = copy_text(&at, owner);
    list_init(&m->link);
    list_push(&binder->mappings, &m->link);
    binder->count++;
    return 0;
}

/* A universal address, where the netid is one whose addresses we know. */
static bool
is_sound(const struct rpcbind_mapping *value)
{
    const struct rpcbind_netid *netid = rpcbind_netid_find(value->netid);
    char host[RPCBIND_HOST_MAX];
    uint16_t port;

    if (netid == NULL || netid->family == 0)
        return value->netid[0] != '\0' && value->address[0] != '\0';
    return rpcbind_address_parse(value->address, host, &port) == 0 && rpcbind_host_family(host) == netid->family;
}

int
binder_set(struct rpc_binder *binder, const struct rpcbind_mapping *mapping, bool is_root)
{
    if (!is_sound(mapping))
        return -ERR_INVALID;
    const struct mapping *m = binder_find(binder, mapping->program, mapping->version, mapping->netid, true);
    if (m == NULL)
        return add(binder, mapping, is_root);
    return strcmp(m->value.address, mapping->address) == 0 ? 0 : -ERR_EXISTS;
}

static void
drop(struct rpc_binder *binder, struct mapping *m)
{
    list_cut(&m->link);
    mem_free(mem_of(binder), m);
    binder->count--;
}

unsigned
binder_unset(struct rpc_binder *binder, uint32_t program, uint32_t version, const char *netid, bool is_root)
{
    unsigned before = binder->count;
    LIST_EACH(&binder->mappings, link) {
        struct mapping *m = container_of(link, struct mapping, link);
        if (fits(m, program, netid) && m->value.version == version && (is_root || !m->is_roots))
            drop(binder, m);
    }
    return before - binder->count;
}

void
binder_clear(struct rpc_binder *binder)
{
    LIST_EACH(&binder->mappings, link)
        drop(binder, container_of(link, struct mapping, link));
}

/* ---- addresses for callers ------------------------------------------------------------------------------------ */

static bool
is_all(const char *host)
{
    return strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

void
binder_address_for(const struct mapping *mapping, const struct binder_caller *caller, const char *asked_at,
                   char ret[RPCBIND_TEXT_MAX + 1])
{
    char host[RPCBIND_HOST_MAX], asked[RPCBIND_HOST_MAX];
    uint16_t port, asked_port;

    snprintf(ret, RPCBIND_TEXT_MAX + 1, "%s", mapping->value.address);
    if (rpcbind_address_parse(mapping->value.address, host, &port) < 0 || !is_all(host))
        return;
    unsigned family = rpcbind_host_family(host);
    if (rpcbind_address_parse(asked_at, asked, &asked_port) == 0 && rpcbind_host_family(asked) == family &&
        !is_all(asked))
        (void)rpcbind_address_print(asked, port, ret, RPCBIND_TEXT_MAX + 1);
    else if (caller->is_local)
        (void)rpcbind_address_print(family == 4 ? "127.0.0.1" : "::1", port, ret, RPCBIND_TEXT_MAX + 1);
}
