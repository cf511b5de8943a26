/* Transports and what is registered on them. */
#include "sunrpc/service.h"

#include <string.h>
#include <unistd.h>

#include "sunrpc/body.h"
#include "sunrpc/client.h"
#include "sunrpc/memory.h"

/* ---- transports ----------------------------------------------------------------------------------------------- */

static enum xprt_stat
stat_of(SVCXPRT *xprt)
{
    (void)xprt;
    return XPRT_IDLE;
}

/* Its services, which its server borrowed. */
static void
free_services(struct sun_servers *servers, const struct sun_transport *transport)
{
    struct sun_service **at = &servers->services;

    while (*at != NULL) {
        struct sun_service *service = *at;
        if (service->transport != transport) {
            at = &service->next;
            continue;
        }
        *at = service->next;
        sun_give(service);
    }
}

void
sun_transport_bury(void)
{
    struct sun_servers *servers = sun_servers();
    struct sun_transport **at = &servers->transports;

    while (*at != NULL) {
        struct sun_transport *transport = *at;
        if (!transport->is_doomed) {
            at = &transport->next;
            continue;
        }
        *at = transport->next;
        if (servers->oneliners_by == &transport->xprt)
            servers->oneliners_by = NULL;
        tambo_rpc_server_free(transport->server);
        sun_service_forget(transport);
        free_services(servers, transport);
        sun_give(transport);
    }
}

static void
destroy(SVCXPRT *xprt)
{
    ((struct sun_transport *)xprt)->is_doomed = true;
    if (!sun_servers()->is_dispatching)
        sun_transport_bury();
}

static const struct xp_ops ops = { stat_of, sun_service_getargs, sun_service_freeargs, destroy };

/* "tcp://0.0.0.0:40112": its port; 0: it has none. */
static u_short
port_of(const char *address)
{
    const char *colon = strrchr(address, ':');

    return colon != NULL && strchr(address, '/') != NULL ? (u_short)strtoul(colon + 1, NULL, 10) : 0;
}

static int
listen_at(struct sun_transport *transport, const char *address)
{
    char bound[128];
    struct tambo *context;
    int rc = sun_context(&context);

    if (rc == 0)
        rc = tambo_rpc_server(context, &transport->server);
    if (rc == 0) /* rpcbind is told what svc_register() says, and when */
        rc = tambo_rpc_server_set(transport->server, TAMBO_RPC_SERVER_REGISTER, 0);
    if (rc == 0)
        rc = tambo_rpc_listen(transport->server, address);
    if (rc == 0)
        rc = tambo_rpc_address(transport->server, bound, sizeof bound);
    if (rc == 0 && strncmp(address, "unix:", 5) != 0)
        transport->xprt.xp_port = port_of(bound);
    return rc;
}

static SVCXPRT *
create(const char *who, const char *address)
{
    struct sun_servers *servers = sun_servers();
    struct sun_transport *made = sun_take(sizeof *made);
    int rc = -TAMBO_ERR_NO_MEMORY;

    if (made != NULL) {
        made->xprt.xp_ops = &ops;
        made->xprt.xp_fd = -1;
        made->xprt.xp_addrlen = sizeof made->xprt.xp_raddr;
        made->xprt.xp_rtaddr =
            (struct netbuf){ sizeof made->xprt.xp_raddr, sizeof made->xprt.xp_raddr, &made->xprt.xp_raddr };
        rc = listen_at(made, address);
    }
    if (rc < 0) {
        fprintf(stderr, "%s: %s\n", who, tambo_error_text(rc));
        if (made != NULL)
            tambo_rpc_server_free(made->server);
        sun_give(made);
        return NULL;
    }
    made->next = servers->transports;
    servers->transports = made;
    return &made->xprt;
}

/* The port of a socket that the program brought.  The service has its own there, so that one is done with. */
static unsigned
port_of_socket(int socket)
{
    struct sockaddr_in bound = { .sin_port = 0 };
    socklen_t len = sizeof bound;

    if (socket < 0)
        return 0;
    if (getsockname(socket, (struct sockaddr *)&bound, &len) < 0)
        bound.sin_port = 0;
    close(socket);
    return ntohs(bound.sin_port);
}

static SVCXPRT *
create_at_port(const char *who, const char *scheme, int socket)
{
    char address[64];

    snprintf(address, sizeof address, "%s://0.0.0.0:%u", scheme, port_of_socket(socket));
    return create(who, address);
}

SVCXPRT *
svctcp_create(int socket, u_int sendsize, u_int recvsize)
{
    (void)sendsize, (void)recvsize; /* messages are as long as they are */
    return create_at_port("svctcp_create", "tcp", socket);
}

SVCXPRT *
svcudp_bufcreate(int socket, u_int sendsize, u_int recvsize)
{
    (void)sendsize, (void)recvsize;
    return create_at_port("svcudp_create", "udp", socket);
}

SVCXPRT *
svcudp_create(int socket)
{
    return svcudp_bufcreate(socket, 0, 0);
}

SVCXPRT *
svcunix_create(int socket, u_int sendsize, u_int recvsize, char *path)
{
    char address[sizeof "unix:" + sizeof((struct sockaddr_un *)NULL)->sun_path];

    (void)socket, (void)sendsize, (void)recvsize;
    snprintf(address, sizeof address, "unix:%s", path);
    return create("svcunix_create", address);
}

/* ---- programs ------------------------------------------------------------------------------------------------- */

static struct sun_service *
find(const struct sun_transport *transport, u_long program, u_long version)
{
    struct sun_service *s;

    for (s = sun_servers()->services; s != NULL; s = s->next)
        if (s->transport == transport && s->program.program == program && s->program.version == version)
            return s;
    return NULL;
}

static struct sun_service *
serve(struct sun_transport *transport, rpcprog_t program, rpcvers_t version)
{
    struct sun_servers *servers = sun_servers();
    struct sun_service *made = sun_take(sizeof *made);

    if (made == NULL)
        return NULL;
    snprintf(made->name, sizeof made->name, "0x%x", program);
    made->any = (struct tambo_rpc_procedure){
        .name = "",
        .encode_ret = sun_body_encode,
        .decode_args = sun_body_keep,
        .args_size = sizeof(struct tambo_bytes),
        .handle = sun_service_take,
    };
    made->program =
        (struct tambo_rpc_program){ .name = made->name, .program = program, .version = version, .any = &made->any };
    made->transport = transport;
    if (tambo_rpc_serve(transport->server, &made->program, made, transport) < 0) {
        sun_give(made);
        return NULL;
    }
    made->next = servers->services;
    servers->services = made;
    return made;
}

bool_t
svc_register(SVCXPRT *xprt, u_long program, u_long version, void (*dispatch)(struct svc_req *, SVCXPRT *), int protocol)
{
    struct sun_transport *transport = (struct sun_transport *)xprt;
    struct sun_service *service = find(transport, program, version);

    if (service != NULL && service->dispatch != NULL && service->dispatch != dispatch)
        return FALSE;
    if (service == NULL)
        service = serve(transport, (rpcprog_t)program, (rpcvers_t)version);
    if (service == NULL)
        return FALSE;
    service->dispatch = dispatch;
    return protocol == 0 || pmap_set(program, version, protocol, xprt->xp_port);
}

void
svc_unregister(u_long program, u_long version)
{
    struct sun_service *s;

    for (s = sun_servers()->services; s != NULL; s = s->next)
        if (s->program.program == program && s->program.version == version)
            s->dispatch = NULL;
    pmap_unset(program, version);
}

int
svc_create(void (*dispatch)(struct svc_req *, SVCXPRT *), rpcprog_t program, rpcvers_t version, const char *net)
{
    bool streams[2];
    int count = sun_client_nets(net, streams), made = 0;

    pmap_unset(program, version);
    for (int i = 0; i < count; i++) {
        SVCXPRT *xprt = streams[i] ? svctcp_create(RPC_ANYSOCK, 0, 0) : svcudp_create(RPC_ANYSOCK);
        if (xprt == NULL)
            continue;
        if (svc_register(xprt, program, version, dispatch, streams[i] ? IPPROTO_TCP : IPPROTO_UDP))
            made++;
        else
            svc_destroy(xprt);
    }
    return made;
}
