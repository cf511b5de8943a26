/* How CLIENTs are made: whose address it is, and which port. */
#include <arpa/inet.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

#include "sunrpc/client.h"
#include "sunrpc/state.h"

struct sun_client *
sun_client_at(const struct sockaddr_in *server, bool is_stream, rpcprog_t program, rpcvers_t version)
{
    char host[INET_ADDRSTRLEN], address[64];
    struct sun_client *client;

    inet_ntop(AF_INET, &server->sin_addr, host, sizeof host);
    snprintf(address, sizeof address, "%s://%s:%u", is_stream ? "tcp" : "udp", host, ntohs(server->sin_port));
    client = sun_client_new(address, program, version);
    if (client != NULL)
        client->server = *server;
    return client;
}

bool
sun_client_host(const char *host, struct sockaddr_in *ret)
{
    struct addrinfo wish = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM }, *found = NULL;

    if (getaddrinfo(host, NULL, &wish, &found) != 0 || found == NULL) {
        sun_client_fail(RPC_UNKNOWNHOST, NULL);
        return false;
    }
    memcpy(ret, found->ai_addr, sizeof *ret);
    freeaddrinfo(found);
    return true;
}

int
sun_client_nets(const char *net, bool retstream[2])
{
    static const struct row {
        const char *name;
        int count;
        bool streams[2];
    } rows[] = {
        {"tcp",         1, { true }       },
        { "udp",        1, { false }      },
        { "netpath",    2, { true, false }},
        { "visible",    2, { true, false }},
        { "circuit_v",  1, { true }       },
        { "circuit_n",  1, { true }       },
        { "datagram_v", 1, { false }      },
        { "datagram_n", 1, { false }      },
    };

    if (net == NULL)
        net = "netpath";
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].name, net) == 0) {
            memcpy(retstream, rows[i].streams, sizeof rows[i].streams);
            return rows[i].count;
        }
    }
    return 0;
}

/* At the server's port, or at what its host's rpcbind says. */
static struct sun_client *
create_at(struct sockaddr_in *server, bool is_stream, u_long program, u_long version)
{
    if (server->sin_port == 0) {
        u_short port = pmap_getport(server, program, version, is_stream ? IPPROTO_TCP : IPPROTO_UDP);
        if (port == 0)
            return NULL;
        server->sin_port = htons(port);
    }
    return sun_client_at(server, is_stream, (rpcprog_t)program, (rpcvers_t)version);
}

CLIENT *
clnt_create_timed(const char *host, rpcprog_t program, rpcvers_t version, const char *net, const struct timeval *time)
{
    bool streams[2];
    int count = sun_client_nets(net, streams);
    struct sun_client *client = NULL;
    struct sockaddr_in server;

    if (count == 0)
        return sun_client_fail(RPC_UNKNOWNPROTO, NULL);
    if (!sun_client_host(host, &server))
        return NULL;
    for (int i = 0; i < count && client == NULL; i++) {
        server.sin_port = 0;
        client = create_at(&server, streams[i], program, version);
    }
    if (client == NULL)
        return NULL;
    if (time != NULL)
        clnt_control(&client->client, CLSET_TIMEOUT, (void *)(uintptr_t)time);
    return &client->client;
}

CLIENT *
clnt_create(const char *host, rpcprog_t program, rpcvers_t version, const char *net)
{
    return clnt_create_timed(host, program, version, net, NULL);
}

CLIENT *
clnt_create_vers_timed(const char *host, rpcprog_t program, rpcvers_t *retversion, rpcvers_t low, rpcvers_t high,
                       const char *net, const struct timeval *time)
{
    static const struct timeval patience = { 10, 0 };
    CLIENT *client = clnt_create_timed(host, program, high, net, time);
    enum clnt_stat stat = RPC_PROGVERSMISMATCH;
    struct rpc_err error = { .re_status = RPC_FAILED };

    if (client == NULL)
        return NULL;
    for (rpcvers_t version = high; version >= low && stat == RPC_PROGVERSMISMATCH; version--) {
        if (version != high && !clnt_control(client, CLSET_VERS, &version))
            break;
        stat = clnt_call(client, NULLPROC, (xdrproc_t)xdr_void, NULL, (xdrproc_t)xdr_void, NULL, patience);
        if (stat == RPC_SUCCESS) {
            *retversion = version;
            return client;
        }
        clnt_geterr(client, &error);
        if (version == 0)
            break;
    }
    clnt_destroy(client);
    return sun_client_fail(error.re_status, &error);
}

CLIENT *
clnt_create_vers(const char *host, rpcprog_t program, rpcvers_t *retversion, rpcvers_t low, rpcvers_t high,
                 const char *net)
{
    return clnt_create_vers_timed(host, program, retversion, low, high, net, NULL);
}

/* A socket that the program brought: its peer is whom it means.  The client has its own, so that one is done with. */
static void
take_socket(int *socket, struct sockaddr_in *server)
{
    struct sockaddr_in peer;
    socklen_t len = sizeof peer;

    if (socket == NULL || *socket < 0)
        return;
    if (getpeername(*socket, (struct sockaddr *)&peer, &len) == 0 && peer.sin_family == AF_INET)
        *server = peer;
    close(*socket);
    *socket = RPC_ANYSOCK;
}

CLIENT *
clnttcp_create(struct sockaddr_in *server, u_long program, u_long version, int *socket, u_int sendsize, u_int recvsize)
{
    struct sun_client *client;

    (void)sendsize, (void)recvsize; /* messages are as long as they are */
    take_socket(socket, server);
    client = create_at(server, true, program, version);
    return client != NULL ? &client->client : NULL;
}

CLIENT *
clntudp_bufcreate(struct sockaddr_in *server, u_long program, u_long version, struct timeval wait, int *socket,
                  u_int sendsize, u_int recvsize)
{
    struct sun_client *client;

    (void)sendsize, (void)recvsize;
    take_socket(socket, server);
    client = create_at(server, false, program, version);
    if (client == NULL)
        return NULL;
    clnt_control(&client->client, CLSET_RETRY_TIMEOUT, &wait);
    return &client->client;
}

CLIENT *
clntudp_create(struct sockaddr_in *server, u_long program, u_long version, struct timeval wait, int *socket)
{
    return clntudp_bufcreate(server, program, version, wait, socket, 0, 0);
}

CLIENT *
clntunix_create(struct sockaddr_un *server, u_long program, u_long version, int *socket, u_int sendsize, u_int recvsize)
{
    char address[sizeof "unix:" + sizeof server->sun_path];
    struct sun_client *client;

    (void)socket, (void)sendsize, (void)recvsize;
    snprintf(address, sizeof address, "unix:%.*s", (int)sizeof server->sun_path, server->sun_path);
    client = sun_client_new(address, (rpcprog_t)program, (rpcvers_t)version);
    return client != NULL ? &client->client : NULL;
}
