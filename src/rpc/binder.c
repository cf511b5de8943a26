/* rpc/binder.c - the built-in rpcbind: a server with the handlers of rpc_bind_programs. */
#include "rpc/binder_inner.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"

/* ---- who calls ------------------------------------------------------------------------------------------------ */

static bool
is_loopback(const char *host)
{
    return strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0;
}

/* The peer is "127.0.0.1:40112", "[::1]:40112", "unix" or "inproc". */
struct binder_caller
binder_caller_of(const struct rpc_request *request)
{
    const char *peer = rpc_request_peer(request);
    const char *colon = strrchr(peer, ':');
    bool bracket = peer[0] == '[';
    char host[RPCBIND_HOST_MAX];
    unsigned port = 0;

    if (colon == NULL)
        return (struct binder_caller){ .is_local = strcmp(peer, "unix") == 0 || strcmp(peer, "inproc") == 0 };
    snprintf(host, sizeof(host), "%.*s", (int)(colon - peer) - 2 * bracket, peer + bracket);
    (void)sscanf(colon, ":%u", &port);
    bool is_local = is_loopback(host);
    return (struct binder_caller){ is_local, is_local && port > 0 && port < IPPORT_RESERVED,
                                   rpcbind_host_family(host) };
}

/* Counts the call; every handler begins with it. */
static struct rpc_binder *
enter(void *arg, unsigned procedure, struct tambo_rpc_request *request, struct rpc_request **retrequest)
{
    struct binder_version *version = arg;
    version->counts.procedures[procedure]++;
    *retrequest = (struct rpc_request *)request;
    return version->binder;
}

/* ---- set, unset ----------------------------------------------------------------------------------------------- */

static bool
set(struct binder_version *version, const struct rpc_request *request, const struct rpcbind_mapping *mapping)
{
    struct binder_caller caller = binder_caller_of(request);
    bool is_set = caller.is_local && binder_set(version->binder, mapping, caller.is_root) == 0;
    version->counts.set += is_set;
    return is_set;
}

static bool
unset(struct binder_version *version, const struct rpc_request *request, const struct rpcbind_mapping *mapping)
{
    struct binder_caller caller = binder_caller_of(request);
    bool is_unset = caller.is_local && binder_unset(version->binder, mapping->program, mapping->version, mapping->netid,
                                                    caller.is_root) > 0;
    version->counts.unset += is_unset;
    return is_unset;
}

int
binder_on_set(const void *handlers, void *arg, struct tambo_rpc_request *request, const void *args, void *ret)
{
    struct rpc_request *r;
    (void)handlers;
    (void)enter(arg, RPCBIND_SET, request, &r);
    *(bool *)ret = set(arg, r, args);
    return 0;
}

int
binder_on_unset(const void *handlers, void *arg, struct tambo_rpc_request *request, const void *args, void *ret)
{
    struct rpc_request *r;
    (void)handlers;
    (void)enter(arg, RPCBIND_UNSET, request, &r);
    *(bool *)ret = unset(arg, r, args);
    return 0;
}

/* A mapping of version 2: a port of every address of IPv4. */
static struct rpcbind_mapping
of_pmap(const struct rpcbind_pmap *pmap, char address[RPCBIND_TEXT_MAX + 1])
{
    const struct rpcbind_netid *netid = rpcbind_netid_of(4, pmap->protocol);
    (void)rpcbind_address_print("0.0.0.0", (uint16_t)pmap->port, address, RPCBIND_TEXT_MAX + 1);
    return (struct rpcbind_mapping){ pmap->program, pmap->version, netid == NULL ? (char *)"" : (char *)netid->name,
                                     address, (char *)"" };
}

int
binder_on_pmap_set(const void *handlers, void *arg, struct tambo_rpc_request *request, const void *args, void *ret)
{
    const struct rpcbind_pmap *pmap = args;
    char address[RPCBIND_TEXT_MAX + 1];
    struct rpcbind_mapping mapping = of_pmap(pmap, address);
    struct rpc_request *r;
    (void)handlers;

    (void)enter(arg, RPCBIND_SET, request, &r);
    *(bool *)ret = pmap->port <= UINT16_MAX && set(arg, r, &mapping);
    return 0;
}

/* Whatever protocol and port are said (RFC 1833, 3.2): both go. */
int
binder_on_pmap_unset(const void *handlers, void *arg, struct tambo_rpc_request *request, const void *args, void *ret)
{
    const struct rpcbind_pmap *pmap = args;
    struct rpcbind_mapping tcp = { pmap->program, pmap->version, (char *)"tcp", (char *)"", (char *)"" };
    struct rpcbind_mapping udp = tcp;
    struct rpc_request *r;
    (void)handlers;

    (void)enter(arg, RPCBIND_UNSET, request, &r);
    udp.netid = (char *)"udp";
    bool had_tcp = unset(arg, r, &tcp);
    bool had_udp = unset(arg, r, &udp);
    *(bool *)ret = had_tcp || had_udp;
    return 0;
}

/* ---- lookups -------------------------------------------------------------------------------------------------- */

/* The netid is the question's, or else that by which the question came.  The answer lies in the request's arena. */
static int
look_up(struct rpc_binder *binder, struct rpc_request *request, const struct rpcbind_mapping *asked, bool exact,
        char **ret)
{
    struct binder_caller caller = binder_caller_of(request);
    const struct rpcbind_netid *own = rpcbind_netid_of(caller.family, rpc_request_is_datagram(request) ? 17 : 6);
    const char *netid = asked->netid[0] != '\0' || own == NULL ? asked->netid : own->name;
    const struct mapping *m = binder_find(binder, asked->program, asked->version, netid, exact);
    char *address = tambo_arena_take(rpc_request_arena(request), RPCBIND_TEXT_MAX + 1);

    if (address == NULL)
        return -ERR_NO_MEMORY;
    address[0] = '\0';
    if (m != NULL)
        binder_address_for(m, &caller, asked->address, address);
    *ret = address;
    return 0;
}

int
binder_on_getaddr(const void *handlers, void *arg, struct tambo_rpc_request *request, const void *args, void *ret)
{
    struct rpc_request *r;
    struct rpc_binder *binder = enter(arg, RPCBIND_GETADDR, request, &r);
    (void)handlers;
    return look_up(binder, r, args, false, ret);
}

int
binder_on_getversaddr(const void *handlers, void *arg, struct tambo_rpc_request *request, const void *args, void *ret)
{
    struct rpc_request *r;
    struct rpc_binder *binder = enter(arg, RPCBIND_GETVERSADDR, request, &r);
    (void)handlers;
    return look_up(binder, r, args, true, ret);
}

static uint32_t
port_of(const struct mapping *m)
{
    char host[RPCBIND_HOST_MAX];
    uint16_t port;
    return rpcbind_address_parse(m->value.address, host, &port) < 0 ? 0 : port;
}

int
binder_on_pmap_getport(const void *handlers, void *arg, struct tambo_rpc_request *request, const void *args, void *ret)
{
    const struct rpcbind_pmap *asked = args;
    const struct rpcbind_netid *netid = rpcbind_netid_of(4, asked->protocol);
    const struct mapping *m = NULL;
    struct rpc_request *r;
    struct rpc_binder *binder = enter(arg, RPCBIND_GETADDR, request, &r);
    (void)handlers;

    if (netid != NULL)
        m = binder_find(binder, asked->program, asked->version, netid->name, false);
    *(uint32_t *)ret = m == NULL ? 0 : port_of(m);
    return 0;
}

/* ---- lists ---------------------------------------------------------------------------------------------------- */

/* Room for all mappings of one; at least one byte, for an empty list has an address too. */
static void *
take_room(const struct rpc_binder *binder, struct rpc_request *request, size_t size)
{
    return tambo_arena_take(rpc_request_arena(request), binder->count * size + 1);
}

int
binder_on_dump(const void *handlers, void *arg, struct tambo_rpc_request *request, const void *args, void *ret)
{
    struct rpc_request *r;
    struct rpc_binder *binder = enter(arg, RPCBIND_DUMP, request, &r);
    struct rpcbind_mappings list = { take_room(binder, r, sizeof(*list.items)), 0 };
    (void)handlers, (void)args;

    if (list.items == NULL)
        return -ERR_NO_MEMORY;
    LIST_EACH(&binder->mappings, link)
        list.items[list.count++] = container_of(link, struct mapping, link)->value;
    *(struct rpcbind_mappings *)ret = list;
    return 0;
}

/* Version 2 knows IPv4 only. */
int
binder_on_pmap_dump(const void *handlers, void *arg, struct tambo_rpc_request *request, const void *args, void *ret)
{
    struct rpc_request *r;
    struct rpc_binder *binder = enter(arg, RPCBIND_DUMP, request, &r);
    struct rpcbind_pmaps list = { take_room(binder, r, sizeof(*list.items)), 0 };
    (void)handlers, (void)args;

    if (list.items == NULL)
        return -ERR_NO_MEMORY;
    LIST_EACH(&binder->mappings, link) {
        const struct mapping *m = container_of(link, struct mapping, link);
        const struct rpcbind_netid *netid = rpcbind_netid_find(m->value.netid);
        if (netid != NULL && netid->family == 4)
            list.items[list.count++] =
                (struct rpcbind_pmap){ m->value.program, m->value.version, netid->protocol, port_of(m) };
    }
    *(struct rpcbind_pmaps *)ret = list;
    return 0;
}

/* Fills *ret; -ERR_NO_MEMORY. */
static int
describe(struct rpc_request *request, const struct mapping *m, const struct binder_caller *caller, const char *asked_at,
         struct rpcbind_entry *ret)
{
    const struct rpcbind_netid *netid = rpcbind_netid_find(m->value.netid);
    char *address = tambo_arena_take(rpc_request_arena(request), RPCBIND_TEXT_MAX + 1);

    if (address == NULL)
        return -ERR_NO_MEMORY;
    binder_address_for(m, caller, asked_at, address);
    *ret = (struct rpcbind_entry){
        .address = address, .netid = m->value.netid, .family = (char *)"-", .protocol = (char *)"-"
    };
    if (netid == NULL)
        return 0;
    ret->semantics = netid->semantics;
    ret->family = (char *)netid->family_name;
    ret->protocol = (char *)netid->protocol_name;
    return 0;
}

/* All addresses of one version of a program. */
int
binder_on_getaddrlist(const void *handlers, void *arg, struct tambo_rpc_request *request, const void *args, void *ret)
{
    const struct rpcbind_mapping *asked = args;
    struct rpc_request *r;
    struct rpc_binder *binder = enter(arg, RPCBIND_GETADDRLIST, request, &r);
    struct binder_caller caller = binder_caller_of(r);
    struct rpcbind_entries list = { take_room(binder, r, sizeof(*list.items)), 0 };
    int rc = list.items == NULL ? -ERR_NO_MEMORY : 0;
    (void)handlers;

    LIST_EACH(&binder->mappings, link) {
        const struct mapping *m = container_of(link, struct mapping, link);
        if (rc == 0 && m->value.program == asked->program && m->value.version == asked->version)
            rc = describe(r, m, &caller, asked->address, &list.items[list.count++]);
    }
    *(struct rpcbind_entries *)ret = list;
    return rc;
}

/* ---- forwarding ----------------------------------------------------------------------------------------------- */

int
binder_on_callit(const void *handlers, void *arg, struct tambo_rpc_request *request, const void *args, void *ret)
{
    struct rpc_request *r;
    (void)handlers, (void)ret;
    (void)enter(arg, RPCBIND_CALLIT, request, &r);
    return binder_forward(arg, r, args, false);
}

int
binder_on_pmap_callit(const void *handlers, void *arg, struct tambo_rpc_request *request, const void *args, void *ret)
{
    return binder_on_callit(handlers, arg, request, args, ret);
}

int
binder_on_indirect(const void *handlers, void *arg, struct tambo_rpc_request *request, const void *args, void *ret)
{
    struct rpc_request *r;
    (void)handlers, (void)ret;
    (void)enter(arg, RPCBIND_INDIRECT, request, &r);
    return binder_forward(arg, r, args, true);
}

/* ---- the rest ------------------------------------------------------------------------------------------------- */

int
binder_on_gettime(const void *handlers, void *arg, struct tambo_rpc_request *request, const void *args, void *ret)
{
    struct rpc_request *r;
    struct rpc_binder *binder = enter(arg, RPCBIND_GETTIME, request, &r);
    (void)handlers, (void)args;
    *(uint32_t *)ret = (uint32_t)(io_wall_ms(rpc_world_io(binder->world)) / 1000);
    return 0;
}

/* A universal address as the system's bytes; of one that is none, none. */
int
binder_on_uaddr2taddr(const void *handlers, void *arg, struct tambo_rpc_request *request, const void *args, void *ret)
{
    struct sockaddr_in6 *at6;
    struct sockaddr_in *at4;
    struct rpcbind_netbuf *netbuf = ret;
    char host[RPCBIND_HOST_MAX];
    struct rpc_request *r;
    uint16_t port;
    (void)handlers;

    (void)enter(arg, RPCBIND_UADDR2TADDR, request, &r);
    *netbuf = (struct rpcbind_netbuf){ 0 };
    if (rpcbind_address_parse(*(char *const *)args, host, &port) < 0)
        return 0;
    at6 = tambo_arena_take(rpc_request_arena(r), sizeof(*at6));
    if (at6 == NULL)
        return -ERR_NO_MEMORY;
    at4 = (struct sockaddr_in *)at6;
    memset(at6, 0, sizeof(*at6));
    if (inet_pton(AF_INET, host, &at4->sin_addr) == 1) {
        at4->sin_family = AF_INET;
        at4->sin_port = htons(port);
        netbuf->size = sizeof(*at4);
    } else {
        (void)inet_pton(AF_INET6, host, &at6->sin6_addr);
        at6->sin6_family = AF_INET6;
        at6->sin6_port = htons(port);
        netbuf->size = sizeof(*at6);
    }
    netbuf->bytes = (struct tambo_bytes){ (const uint8_t *)at6, netbuf->size };
    return 0;
}

int
binder_on_taddr2uaddr(const void *handlers, void *arg, struct tambo_rpc_request *request, const void *args, void *ret)
{
    const struct rpcbind_netbuf *netbuf = args;
    struct sockaddr_in6 at = { 0 };
    const struct sockaddr_in *at4 = (const struct sockaddr_in *)&at;
    char host[INET6_ADDRSTRLEN] = "";
    struct rpc_request *r;
    (void)handlers;

    (void)enter(arg, RPCBIND_TADDR2UADDR, request, &r);
    char *address = tambo_arena_take(rpc_request_arena(r), RPCBIND_TEXT_MAX + 1);
    if (address == NULL)
        return -ERR_NO_MEMORY;
    address[0] = '\0';
    if (netbuf->bytes.len <= sizeof(at) && netbuf->bytes.len > 0)
        memcpy(&at, netbuf->bytes.data, netbuf->bytes.len);
    if (at.sin6_family == AF_INET && netbuf->bytes.len >= sizeof(*at4))
        (void)inet_ntop(AF_INET, &at4->sin_addr, host, sizeof(host));
    else if (at.sin6_family == AF_INET6 && netbuf->bytes.len == sizeof(at))
        (void)inet_ntop(AF_INET6, &at.sin6_addr, host, sizeof(host));
    (void)rpcbind_address_print(host, ntohs(at.sin6_port), address, RPCBIND_TEXT_MAX + 1);
    *(char **)ret = address;
    return 0;
}

int
binder_on_getstat(const void *handlers, void *arg, struct tambo_rpc_request *request, const void *args, void *ret)
{
    struct rpc_request *r;
    struct rpc_binder *binder = enter(arg, RPCBIND_GETSTAT, request, &r);
    struct rpcbind_stat *stat = ret;
    (void)handlers, (void)args;
    for (unsigned i = 0; i < 3; i++)
        stat->versions[i] = binder->versions[i].counts;
    return 0;
}

/* ---- its life ------------------------------------------------------------------------------------------------- */

static void
on_request(void *arg, struct rpc_request *request)
{
    (void)arg;
    int rc = rpc_request_run(request);
    if (rc != TAMBO_RPC_LATER)
        rpc_request_end(request, rc);
}

const struct rpc_server_on binder_server_on = { .request = on_request };

int
rpc_binder_new(struct rpc_world *world, struct rpc_binder **ret)
{
    struct rpc_binder *binder = MEM_NEW(io_mem(rpc_world_io(world)), struct rpc_binder);
    if (binder == NULL)
        return -ERR_NO_MEMORY;
    binder->world = world;
    list_init(&binder->mappings);
    list_init(&binder->forwards);
    int rc = rpc_server_new(world, &binder_server_on, binder, &binder->server);
    for (unsigned i = 0; i < 3 && rc == 0; i++) {
        binder->versions[i] = (struct binder_version){ .binder = binder, .number = i + 2 };
        rc = rpc_server_serve(binder->server, &rpc_bind_programs[i], NULL, &binder->versions[i]);
    }
    if (rc < 0) {
        rpc_binder_free(binder);
        return rc;
    }
    *ret = binder;
    return 0;
}

/* Tells who asks that all versions are here. */
static int
map_itself(struct rpc_binder *binder, const struct rpc_address *at)
{
    bool is_all4 = strcmp(at->at.host, "*") == 0;
    const char *host = is_all4 ? "0.0.0.0" : at->at.host;
    const struct rpcbind_netid *netid = rpcbind_netid_of(rpcbind_host_family(host), at->transport == RPC_UDP ? 17 : 6);
    char address[RPCBIND_TEXT_MAX + 1];
    int rc = netid == NULL ? -ERR_ADDRESS : rpcbind_address_print(host, at->at.port, address, sizeof(address));

    for (unsigned i = 0; i < 3 && rc == 0; i++) {
        const struct rpcbind_mapping own = { RPCBIND_PROGRAM, i + 2, (char *)netid->name, address, (char *)"" };
        rc = rpc_binder_set(binder, &own);
    }
    return rc;
}

int
rpc_binder_listen(struct rpc_binder *binder, const struct rpc_address *address, struct rpc_address *retbound)
{
    struct rpc_address bound;
    int rc = rpc_server_listen(binder->server, address, &bound);
    if (rc == 0)
        rc = map_itself(binder, &bound);
    if (rc == 0 && retbound != NULL)
        *retbound = bound;
    return rc;
}

void
rpc_binder_free(struct rpc_binder *binder)
{
    if (binder == NULL)
        return;
    struct io *io = rpc_world_io(binder->world);
    binder_forward_end_all(binder);
    rpc_server_free(binder->server);
    binder_clear(binder);
    mem_free(io_mem(io), binder);
}

int
rpc_binder_set(struct rpc_binder *binder, const struct rpcbind_mapping *mapping)
{
    return binder_set(binder, mapping, true);
}

void
rpc_binder_unset(struct rpc_binder *binder, uint32_t program, uint32_t version, const char *netid)
{
    (void)binder_unset(binder, program, version, netid, true);
}
