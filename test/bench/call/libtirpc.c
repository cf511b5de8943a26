/* libtirpc.c - Debian's Sun RPC under load; see call.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <rpc/rpc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "call.h"
#include "tirpc/load.h" /* of rpcgen */

enum { PAUSE_US = 1000 };

struct call_client {
    CLIENT *handle;
};

static char echoed[CALL_BYTES_MAX];

static struct sockaddr_in
address_of(unsigned port)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}

/* ---- server ------------------------------------------------------------------------------------------------ */

static void
dispatch(struct svc_req *request, SVCXPRT *transport)
{
    blob bytes = { 0, NULL };

    switch (request->rq_proc) {
    case NULLPROC: svc_sendreply(transport, (xdrproc_t)xdr_void, NULL); return;
    case ECHO:
        if (!svc_getargs(transport, (xdrproc_t)xdr_blob, (caddr_t)&bytes)) {
            svcerr_decode(transport);
            return;
        }
        svc_sendreply(transport, (xdrproc_t)xdr_blob, (caddr_t)&bytes);
        svc_freeargs(transport, (xdrproc_t)xdr_blob, (caddr_t)&bytes);
        return;
    default: svcerr_noproc(transport);
    }
}

void
call_serve(const char *endpoint, size_t bytes)
{
    unsigned port;
    int on = 1, udp = call_is_udp(endpoint, &port);
    struct sockaddr_in a = address_of(port);
    int fd = socket(AF_INET, udp ? SOCK_DGRAM : SOCK_STREAM, 0);
    (void)bytes;

    if (fd < 0)
        call_fail("socket", strerror(errno));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (const struct sockaddr *)&a, sizeof a) < 0 || (!udp && listen(fd, SOMAXCONN) < 0))
        call_fail(endpoint, strerror(errno));
    SVCXPRT *transport = udp ? svcudp_create(fd) : svctcp_create(fd, 0, 0);
    if (transport == NULL || !svc_register(transport, LOAD_PROG, ECHOES, dispatch, 0))
        call_fail(endpoint, "cannot be served");
    svc_run();
    call_fail("svc_run", "returned");
}

/* ---- client ------------------------------------------------------------------------------------------------ */

struct call_client *
call_open(const char *endpoint, size_t bytes)
{
    static struct call_client client;
    const struct timeval again = { .tv_sec = 1 };
    unsigned port;
    int udp = call_is_udp(endpoint, &port);
    (void)bytes;

    while (client.handle == NULL) {
        struct sockaddr_in a = address_of(port);
        int fd = RPC_ANYSOCK;
        client.handle =
            udp ? clntudp_create(&a, LOAD_PROG, ECHOES, again, &fd) : clnttcp_create(&a, LOAD_PROG, ECHOES, &fd, 0, 0);
        if (client.handle == NULL)
            usleep(PAUSE_US);
    }
    /* A datagram that nobody listens for yet is refused. */
    while (clnt_call(client.handle, NULLPROC, (xdrproc_t)xdr_void, NULL, (xdrproc_t)xdr_void, NULL, again) !=
           RPC_SUCCESS)
        usleep(PAUSE_US);
    return &client;
}

void
call_once(struct call_client *client, const void *data, size_t len)
{
    const struct timeval patience = { .tv_sec = 10 };
    blob sent = { (u_int)len, (char *)(uintptr_t)data }, got = { 0, echoed };
    enum clnt_stat stat;

    if (len == 0)
        stat = clnt_call(client->handle, NULLPROC, (xdrproc_t)xdr_void, NULL, (xdrproc_t)xdr_void, NULL, patience);
    else
        stat = clnt_call(client->handle, ECHO, (xdrproc_t)xdr_blob, (caddr_t)&sent, (xdrproc_t)xdr_blob, (caddr_t)&got,
                         patience);
    if (stat != RPC_SUCCESS)
        call_fail("call", clnt_sperrno(stat));
    if (got.blob_len != len || memcmp(echoed, data, len) != 0)
        call_fail("call", "another reply");
}

/* It cannot: one call after the other is what it has. */
void
call_pipeline(struct call_client *client, unsigned flight, int (*on)(void *arg), void *arg)
{
    (void)flight;
    do
        call_once(client, NULL, 0);
    while (on(arg));
}

/* ---- values -------------------------------------------------------------------------------------------------------
 */

static address
some_address(const char *street)
{
    return (address){
        .street = (char *)(uintptr_t)street,
        .city = "Leipzig",
        .country = "DE",
        .zip = 4109,
        .where = {51.34, 12.37, 113, 5}
    };
}

static person
some_person(const char *name)
{
    return (person){ .id = 1234567890123,
                     .name = (char *)(uintptr_t)name,
                     .mail = "someone@example.org",
                     .born = 1970,
                     .active = TRUE,
                     .home = some_address("Long Lane 12"),
                     .work = some_address("Market Square 1") };
}

static record *
some_record(void)
{
    static entry entries[CALL_ENTRIES];
    static char payload[100];
    static record r;

    for (unsigned i = 0; i < CALL_ENTRIES; i++)
        entries[i] = (entry){ .number = i, .what = KIND_URGENT, .at = (quad_t)i << 33, .text = "an entry of the list" };
    r = (record){
        .revision = 3,
        .what = KIND_LAST,
        .is_new = TRUE,
        .made_at = 1700000000000,
        .payload = {sizeof payload, payload},
        .from = some_person("Ada"),
        .to = some_person("Grace"),
        .day = { 1,             0.5f   },
        .entries = { CALL_ENTRIES,  entries}
    };
    return &r;
}

size_t
call_record(void)
{
    static record *value;
    static char bytes[CALL_BYTES_MAX];
    record got = { 0 };
    XDR out, in;

    if (value == NULL)
        value = some_record();
    xdrmem_create(&out, bytes, sizeof bytes, XDR_ENCODE);
    if (!xdr_record(&out, value))
        call_fail("xdr", "cannot be encoded");
    u_int len = xdr_getpos(&out);
    xdrmem_create(&in, bytes, len, XDR_DECODE);
    if (!xdr_record(&in, &got) || got.entries.entries_len != CALL_ENTRIES)
        call_fail("xdr", "cannot be decoded");
    xdr_free((xdrproc_t)xdr_record, (char *)&got);
    return len;
}
