/* client/endpoint.c - see endpoint.h. */
#include "client/endpoint.h"

#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"
#include "client/event.h"
#include "client/inproc.h"
#include "client/pattern.h"

enum { ATTEMPTS_MAX = 31 }; /* beyond which the interval does not grow */

/* ---- text ------------------------------------------------------------------------------------------------- */

/* HOST:PORT, with * for any free port when bound, up to the slash, if there is one. */
static int
parse_host(struct endpoint *endpoint, const char *text)
{
    char plain[sizeof endpoint->address.host + 8];
    size_t n = strcspn(text, "/");
    const char *end = text + n;
    bool any_port = n > 2 && text[n - 1] == '*' && text[n - 2] == ':';
    if (n == 0 || n >= sizeof plain || end[-1] == ':' || (any_port && !endpoint->is_bound))
        return -ERR_ADDRESS;
    memcpy(plain, text, n);
    plain[n] = '\0';
    if (any_port)
        plain[n - 1] = '0';
    const char *behind = strrchr(plain, ']'); /* an IPv6 address is full of colons */
    if (strchr(behind == NULL ? plain : behind, ':') == NULL)
        return -ERR_ADDRESS;
    int rc = io_address_parse(plain, 0, &endpoint->address);
    if (rc == 0 && !endpoint->is_bound && (endpoint->address.port == 0 || plain[0] == '*'))
        return -ERR_ADDRESS;
    return rc;
}

/* A /PATH behind it when connected. */
static int
parse_tcp(struct endpoint *endpoint, const char *text)
{
    const char *path = strchr(text, '/');
    if (path != NULL && endpoint->is_bound)
        return -ERR_ADDRESS;
    if (path != NULL)
        endpoint->resource = view_str(path + 1);
    return parse_host(endpoint, text);
}

/* As it may stand in a request line. */
static bool
is_path(struct view path)
{
    for (size_t i = 0; i < path.len; i++)
        if (path.data[i] <= ' ' || path.data[i] >= 0x7f || path.data[i] == '#')
            return false;
    return path.len <= ZMTP_PATH_MAX;
}

static int
parse_ws(struct endpoint *endpoint, const char *text)
{
    const char *path = strchr(text, '/');
    endpoint->is_web = true;
    endpoint->path = view_str(path == NULL ? "/" : path);
    return is_path(endpoint->path) ? parse_host(endpoint, text) : -ERR_ADDRESS;
}

static int
parse_ipc(struct endpoint *endpoint, const char *path)
{
    if (path[0] == '\0' || strlen(path) >= sizeof endpoint->address.host)
        return -ERR_ADDRESS;
    endpoint->address.kind = IO_UNIX;
    memcpy(endpoint->address.host, path, strlen(path) + 1);
    return 0;
}

static int
parse_inproc(struct endpoint *endpoint, const char *name)
{
    endpoint->is_inproc = true;
    return name[0] == '\0' ? -ERR_ADDRESS : 0;
}

static int
parse(struct endpoint *endpoint)
{
    static const struct scheme {
        const char *name;
        int (*parse)(struct endpoint *, const char *);
    } schemes[] = {
        {"tcp://",     parse_tcp   },
        { "ipc://",    parse_ipc   },
        { "inproc://", parse_inproc},
        { "ws://",     parse_ws    },
    };
    for (size_t i = 0; i < COUNT_OF(schemes); i++) {
        size_t n = strlen(schemes[i].name);
        if (strncmp(endpoint->text, schemes[i].name, n) == 0)
            return schemes[i].parse(endpoint, endpoint->text + n);
    }
    return -ERR_ADDRESS;
}

/* Over what is printed there, which begins with "tcp://". */
static void
print_web(const struct endpoint *endpoint, char *ret, size_t len)
{
    static const char web[] = "ws://";
    const char *host = ret + strlen("tcp://");
    size_t begun = strlen(web) + strlen(host);
    memmove(ret + strlen(web), host, strlen(host) + 1);
    memcpy(ret, web, strlen(web));
    snprintf(ret + begun, len - begun, "%.*s", (int)endpoint->path.len, (const char *)endpoint->path.data);
}

void
endpoint_print(const struct endpoint *endpoint, char *ret, size_t len)
{
    struct io_address address = endpoint->address;
    if (endpoint->is_inproc || address.kind == IO_UNIX || endpoint->listener == NULL) {
        snprintf(ret, len, "%s", endpoint->text);
        return;
    }
    io_listener_address(endpoint->listener, &address);
    if (strcmp(address.host, "*") == 0 || strcmp(address.host, "0.0.0.0") == 0)
        strcpy(address.host, "127.0.0.1");
    else if (strcmp(address.host, "::") == 0)
        strcpy(address.host, "::1");
    io_address_print(&address, ret, len);
    if (endpoint->is_web)
        print_web(endpoint, ret, len);
}

struct endpoint *
endpoint_find(struct socket *socket, const char *text, bool is_bound)
{
    char told[ENDPOINT_BYTES];
    LIST_EACH(&socket->endpoints, it) {
        struct endpoint *endpoint = container_of(it, struct endpoint, link);
        endpoint_print(endpoint, told, sizeof told);
        if (endpoint->is_bound == is_bound && (strcmp(endpoint->text, text) == 0 || strcmp(told, text) == 0))
            return endpoint;
    }
    return NULL;
}

static void dial(void *arg);

static int
endpoint_new(struct socket *socket, const char *text, bool is_bound, struct endpoint **ret)
{
    size_t n = strlen(text) + 1;
    struct endpoint *endpoint = mem_new(socket->mem, sizeof *endpoint + n);
    if (endpoint == NULL)
        return -ERR_NO_MEMORY;
    endpoint->socket = socket;
    endpoint->is_bound = is_bound;
    memcpy(endpoint->text, text, n);
    list_init(&endpoint->link);
    list_init(&endpoint->name);
    int rc = parse(endpoint);
    if (rc == 0)
        rc = io_timer_set(socket->io, &endpoint->retry, NEVER_NS, dial, endpoint);
    if (rc < 0) {
        endpoint_free(endpoint);
        return rc;
    }
    list_push(&socket->endpoints, &endpoint->link);
    *ret = endpoint;
    return 0;
}

void
endpoint_free(struct endpoint *endpoint)
{
    struct socket *socket = endpoint->socket;
    if (endpoint->pipe != NULL)
        pipe_end(endpoint->pipe);
    LIST_EACH(&socket->pipes, it) {
        struct pipe *pipe = container_of(it, struct pipe, link);
        if (pipe->endpoint == endpoint)
            pipe->endpoint = NULL;
    }
    if (endpoint->listener != NULL)
        io_listener_close(endpoint->listener);
    io_timer_cut(socket->io, &endpoint->retry);
    list_cut(&endpoint->name);
    list_cut(&endpoint->link);
    mem_free(socket->mem, endpoint);
}

/* ---- bound ------------------------------------------------------------------------------------------------ */

static int
accept_peer(struct endpoint *endpoint, struct io_stream *stream, struct pipe *pipe)
{
    struct socket *socket = endpoint->socket;
    if (endpoint->is_web)
        return zmtp_peer_accept_web(socket->io, stream, endpoint->path, &socket->side, &pipe_peer_on, pipe,
                                    &pipe->peer);
    return zmtp_peer_accept(socket->io, stream, view_of(NULL, 0), &socket->side, &pipe_peer_on, pipe, &pipe->peer);
}

static void
on_accept(void *arg, struct io_stream *stream)
{
    struct endpoint *endpoint = arg;
    struct socket *socket = endpoint->socket;
    struct pipe *pipe = NULL;
    int rc = -ERR_FULL;
    if (socket->connections < (uint64_t)socket_option(socket, TAMBO_CONNECTIONS_MAX)) {
        pipe = pipe_new(socket, endpoint);
        rc = pipe == NULL ? -ERR_NO_MEMORY : accept_peer(endpoint, stream, pipe);
    }
    if (rc == 0) {
        event_pipe(pipe, TAMBO_ACCEPTED, 0, "");
        return;
    }
    if (pipe != NULL)
        pipe_free(pipe);
    socket->stats.refused++;
    event_endpoint(endpoint, TAMBO_REFUSED, rc, 0, rc == -ERR_FULL ? "CONNECTIONS_MAX is reached" : "no memory");
}

int
endpoint_bind(struct socket *socket, const char *text)
{
    struct endpoint *endpoint;
    int rc = endpoint_new(socket, text, true, &endpoint);
    if (rc < 0)
        return rc;
    if (endpoint->is_inproc)
        rc = inproc_bind(endpoint);
    else
        rc = io_listen(socket->io, &endpoint->address, on_accept, endpoint, &endpoint->listener);
    if (rc < 0) {
        endpoint_free(endpoint);
        return rc;
    }
    endpoint_print(endpoint, socket->bound, sizeof socket->bound);
    event_endpoint(endpoint, TAMBO_LISTENING, 0, 0, "");
    return 0;
}

/* ---- connected -------------------------------------------------------------------------------------------- */

static int
connect_peer(struct endpoint *endpoint, struct pipe *pipe)
{
    struct socket *socket = endpoint->socket;
    if (endpoint->is_web)
        return zmtp_peer_connect_web(socket->io, &endpoint->address, endpoint->path, &socket->side, &pipe_peer_on, pipe,
                                     &pipe->peer);
    return zmtp_peer_connect(socket->io, &endpoint->address, endpoint->resource, &socket->side, &pipe_peer_on, pipe,
                             &pipe->peer);
}

static void
dial(void *arg)
{
    struct endpoint *endpoint = arg;
    struct pipe *pipe = endpoint->pipe;
    if (pipe == NULL)
        return;
    event_endpoint(endpoint, TAMBO_CONNECTING, 0, 0, "");
    if (endpoint->is_inproc) {
        inproc_call(endpoint);
        return;
    }
    int rc = connect_peer(endpoint, pipe);
    if (rc < 0)
        endpoint_retry(endpoint, rc, "");
}

int
endpoint_connect(struct socket *socket, const char *text)
{
    struct endpoint *endpoint;
    int rc = endpoint_new(socket, text, false, &endpoint);
    if (rc < 0)
        return rc;
    endpoint->pipe = pipe_new(socket, endpoint);
    if (endpoint->pipe == NULL) {
        endpoint_free(endpoint);
        return -ERR_NO_MEMORY;
    }
    endpoint->pipe->is_dialed = true;
    if (!socket->pattern->joins_ready && socket_option(socket, TAMBO_CONNECTED_ONLY) == 0)
        pipe_open(endpoint->pipe);
    dial(endpoint);
    socket_changed(socket);
    return 0;
}

void
endpoint_reached(struct endpoint *endpoint)
{
    endpoint->attempts = 0;
}

/* Doubled each time; anywhere in its upper half, so that many who lost one peer do not come back at once. */
static uint64_t
backoff_ms(const struct endpoint *endpoint)
{
    uint64_t first = (uint64_t)socket_option(endpoint->socket, TAMBO_RECONNECT_MS);
    uint64_t most = (uint64_t)socket_option(endpoint->socket, TAMBO_RECONNECT_MS_MAX);
    uint64_t ms = first << endpoint->attempts;
    uint32_t chance;
    if (ms > most)
        ms = most < first ? first : most;
    io_random(endpoint->socket->io, &chance, sizeof chance);
    return ms - chance % (ms / 2 + 1);
}

void
endpoint_retry(struct endpoint *endpoint, int error, const char *why)
{
    if (error == -ERR_DENIED) /* it will hardly be let in the next time, and has been told */
        endpoint->attempts = ATTEMPTS_MAX;
    uint64_t ms = backoff_ms(endpoint);
    endpoint->attempts += endpoint->attempts < ATTEMPTS_MAX;
    event_endpoint(endpoint, TAMBO_RETRY, error, (int64_t)ms, why);
    io_timer_set(endpoint->socket->io, &endpoint->retry, socket_after(endpoint->socket, ms), dial, endpoint);
}

void
endpoint_rest(struct endpoint *endpoint)
{
    endpoint->pipe = NULL;
    list_cut(&endpoint->name);
    io_timer_cut(endpoint->socket->io, &endpoint->retry);
}
