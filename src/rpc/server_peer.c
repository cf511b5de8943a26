/* rpc/server_peer.c - where calls come from: doors and their links, who is read from, who is left. */
#include "base/err.h"
#include "base/mem.h"
#include "rpc/server_core.h"

static const uint64_t NS_A_MS = 1000 * 1000;

/* ---- who is read from ------------------------------------------------------------------------------------------ */

/* Half of the limit is to be answered before more is read, so that the system is not asked for each call. */
static bool
has_room(const struct rpc_peer *peer)
{
    int64_t limit = server_option(peer->server, TAMBO_RPC_SERVER_CONNECTION_REQUESTS_MAX);
    return peer->request_count <= (peer->is_paused ? limit / 2 : limit - 1);
}

void
server_peer_pace(struct rpc_peer *peer)
{
    if (peer->door != NULL) /* datagrams are nobody's in particular: those without room are lost, as on the way */
        return;
    size_t unsent = rpc_link_unsent(peer->link);
    bool reads = has_room(peer) && unsent <= (peer->is_paused ? RPC_LINK_BYTES_LOW : RPC_LINK_BYTES_HIGH);
    if (reads && peer->is_paused)
        rpc_link_resume(peer->link);
    else if (!reads && !peer->is_paused)
        rpc_link_pause(peer->link);
    peer->is_paused = !reads;
}

static void
on_drained(void *arg)
{
    server_peer_pace(arg);
}

/* ---- peers ----------------------------------------------------------------------------------------------------- */

void
server_peer_free(struct rpc_peer *peer)
{
    LIST_EACH(&peer->requests, it)
        request_orphan(container_of(it, struct rpc_request, at_peer));
    if (peer->door != NULL)
        peer->door->peer = NULL;
    else
        peer->server->peer_count--;
    list_cut(&peer->silence);
    mem_free(peer->server->mem, peer);
}

static void
on_ended(void *arg, int rc)
{
    struct rpc_peer *peer = arg;
    (void)rc;
    rpc_link_close(peer->link);
    server_peer_free(peer);
}

static void
on_message(void *arg, const struct io_remote *from, struct view message)
{
    struct rpc_peer *peer = arg;
    uint64_t now_ns = io_now_ns(peer->server->io);
    if (peer->door == NULL && peer->heard_ns != now_ns) {
        peer->heard_ns = now_ns;
        list_push(&peer->server->peers, &peer->silence);
    }
    server_call_came(peer, from, message);
}

static const struct rpc_link_on link_on = { .message = on_message, .ended = on_ended, .drained = on_drained };

static struct rpc_peer *
new_peer(struct rpc_server *server)
{
    struct rpc_peer *peer = MEM_NEW(server->mem, struct rpc_peer);
    if (peer == NULL)
        return NULL;
    peer->server = server;
    peer->heard_ns = io_now_ns(server->io);
    list_init(&peer->silence);
    list_init(&peer->requests);
    return peer;
}

static void
accept_stream(struct rpc_server *server, struct rpc_link *link)
{
    struct rpc_peer *peer = new_peer(server);
    if (peer == NULL)
        return;
    peer->link = link;
    rpc_link_accept(link, &link_on, peer);
    rpc_link_peer(link, NULL, peer->text, sizeof(peer->text));
    server->peer_count++;
    list_push(&server->peers, &peer->silence);
    server_plan_upkeep(server);
}

/* A link that is not accepted here is closed. */
static void
on_came(void *arg, struct rpc_link *link)
{
    struct server_door *door = arg;
    struct rpc_server *server = door->server;
    if (door->peer != NULL) {
        door->peer->link = link;
        rpc_link_accept(link, &link_on, door->peer);
    } else if ((int64_t)server->peer_count < server_option(server, TAMBO_RPC_SERVER_CONNECTIONS_MAX)) {
        accept_stream(server, link);
    }
}

/* ---- silence --------------------------------------------------------------------------------------------------- */

static struct rpc_peer *
most_silent(const struct rpc_server *server)
{
    return list_empty(&server->peers) ? NULL : container_of(server->peers.next, struct rpc_peer, silence);
}

static uint64_t
idle_ns(const struct rpc_server *server)
{
    return (uint64_t)server_option(server, TAMBO_RPC_SERVER_IDLE_MS) * NS_A_MS;
}

uint64_t
server_peers_due_ns(const struct rpc_server *server)
{
    const struct rpc_peer *peer = most_silent(server);
    return peer == NULL || idle_ns(server) == 0 ? UINT64_MAX : peer->heard_ns + idle_ns(server);
}

/* Who waits for a reply is silent with good reason.  Who takes none of those that wait to leave, is not. */
void
server_peers_tire(struct rpc_server *server, uint64_t now_ns)
{
    while (server_peers_due_ns(server) <= now_ns) {
        struct rpc_peer *peer = most_silent(server);
        if (peer->request_count > 0) {
            peer->heard_ns = now_ns;
            list_push(&server->peers, &peer->silence);
            continue;
        }
        rpc_link_abort(peer->link);
        server_peer_free(peer);
    }
}

/* ---- doors ----------------------------------------------------------------------------------------------------- */

/* The one peer of a datagram door is there before its link comes. */
static struct server_door *
new_door(struct rpc_server *server, bool is_datagram)
{
    struct server_door *door = MEM_NEW(server->mem, struct server_door);
    if (door == NULL)
        return NULL;
    door->server = server;
    list_init(&door->link);
    if (is_datagram) {
        door->peer = new_peer(server);
        if (door->peer == NULL) {
            mem_free(server->mem, door);
            return NULL;
        }
        door->peer->door = door;
    }
    return door;
}

int
server_door_open(struct rpc_server *server, const struct rpc_address *address, struct rpc_address *retbound)
{
    static const struct rpc_door_on on = { .came = on_came };
    struct server_door *door = new_door(server, address->transport == RPC_UDP);
    if (door == NULL)
        return -ERR_NO_MEMORY;
    size_t bytes_max = (size_t)server_option(server, TAMBO_RPC_SERVER_CALL_BYTES_MAX);
    int rc = rpc_door_open(server->world, address, bytes_max, &on, door, &door->door);
    if (rc < 0) {
        server_door_free(door);
        return rc;
    }
    list_push(&server->doors, &door->link);
    rpc_door_address(door->door, &door->address);
    *retbound = door->address;
    return 0;
}

void
server_door_free(struct server_door *door)
{
    if (door->door != NULL)
        rpc_door_close(door->door);
    if (door->peer != NULL)
        server_peer_free(door->peer);
    list_cut(&door->link);
    mem_free(door->server->mem, door);
}
