/* The server: who is connected; the end of the turn. */
#include <stdarg.h>
#include <stdio.h>

#include "session/amqp/inner.h"

enum { SCRATCH_KEPT_BYTES = 64 * 1024 };

int
amqp_server_new(struct session_host *host, const struct amqp_settings *settings, struct catalog *catalog,
                struct amqp_server **ret)
{
    struct amqp_server *server = MEM_NEW(host->mem, struct amqp_server);
    if (server == NULL)
        return -ERR_NO_MEMORY;
    server->host = host;
    server->settings = settings;
    server->catalog = catalog;
    map_init(&server->replies, host->mem);
    list_init(&server->connections);
    list_init(&server->hungry);
    list_init(&server->busy);
    *ret = server;
    return 0;
}

/* A large message's is not kept. */
static void
shrink(struct amqp_server *server, struct scratch *scratch, size_t most)
{
    if (scratch->room <= most)
        return;
    mem_free(server->host->mem, scratch->bytes);
    *scratch = (struct scratch){ 0 };
}

void
amqp_server_free(struct amqp_server *server)
{
    if (server == NULL)
        return;
    LIST_EACH(&server->connections, l)
        conn_free(container_of(l, struct conn, all));
    map_fini(&server->replies);
    shrink(server, &server->in, 0);
    shrink(server, &server->out, 0);
    shrink(server, &server->noted, 0);
    mem_free(server->host->mem, server);
}

uint8_t *
server_buffer(struct amqp_server *server, struct scratch *scratch, size_t n)
{
    if (n <= scratch->room)
        return scratch->bytes;
    uint8_t *bytes = mem_raw(server->host->mem, n);
    if (bytes == NULL)
        return NULL;
    mem_free(server->host->mem, scratch->bytes);
    scratch->bytes = bytes;
    scratch->room = n;
    return bytes;
}

/* ---- refusals ----------------------------------------------------------------------------------------------- */

int
deny(struct refusal *why, unsigned code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(why->text, sizeof(why->text), format, args);
    va_end(args);
    why->code = code;
    return -ERR_REFUSED;
}

int
deny_fault(struct refusal *why, const struct fault *fault)
{
    return deny(why, fault->code, "%s", fault->text);
}

int
deny_rc(struct refusal *why, int rc)
{
    return deny(why, rc == -ERR_NO_MEMORY ? AMQP_INTERNAL_ERROR : AMQP_RESOURCE_ERROR, "%s", err_text(rc));
}

void
random_name(struct amqp_server *server, char ret[REPLY_TOKEN_BYTES])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint8_t bytes[REPLY_TOKEN_BYTES];
    io_random(server->host->io, bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++)
        ret[i] = digits[bytes[i] & 63];
}

/* ---- the turn ----------------------------------------------------------------------------------------------- */

/* Those who failed where nobody could be closed. */
static void
bury_doomed(struct amqp_server *server)
{
    if (server->doomed_count == 0)
        return;
    LIST_EACH(&server->connections, l) {
        struct conn *c = container_of(l, struct conn, all);
        struct refusal why;
        if (!c->doomed || c->phase == PHASE_CLOSED)
            continue;
        deny(&why, c->doom, "no memory to serve this connection");
        conn_fail(c, &why, 0);
    }
}

static const char *
alarm_of(const struct session_host *host)
{
    struct log_stats stats = { 0 };
    if (host_memory_is_low(host))
        return "low on memory";
    if (!host->pressed) /* nobody waits */
        return NULL;
    if (host->log != NULL)
        log_stats(host->log, &stats);
    return stats.disk_full ? "low on disk" : NULL;
}

static void
sound_alarm(struct amqp_server *server)
{
    const char *alarm = alarm_of(server->host);
    bool news = alarm != NULL && server->alarm == NULL;
    server->alarm = alarm;
    if (!news || server->pressed_count == 0)
        return;
    LIST_EACH(&server->connections, l)
        conn_alarm(container_of(l, struct conn, all));
}

bool
server_is_busy(const struct amqp_server *server)
{
    const struct log *log = server->host->log;
    return host_is_pressed(server->host) || (log != NULL && log_committed(log) < log_end(log));
}

bool
server_has_room(const struct amqp_server *server)
{
    return !server->host->queues.tight && !server->host->pressed;
}

/* Those whose publications there was no room for. */
static void
go_on(struct amqp_server *server)
{
    if (server->waiting_count == 0 || !server_has_room(server))
        return;
    LIST_EACH(&server->connections, l)
        waiting_go_on(container_of(l, struct conn, all), WAIT_ROOM);
}

void
amqp_server_turn(struct amqp_server *server)
{
    sound_alarm(server);
    amqp_server_pressed(server);
    go_on(server);
    for (struct list *l = list_pop(&server->busy); l != NULL; l = list_pop(&server->busy))
        confirms_turn(container_of(l, struct channel, busy));
    struct list hungry;
    list_init(&hungry);
    list_splice(&hungry, &server->hungry);
    for (struct list *l = list_pop(&hungry); l != NULL; l = list_pop(&hungry))
        consumer_feed(container_of(l, struct consumer, hungry));
    bury_doomed(server);
    shrink(server, &server->in, SCRATCH_KEPT_BYTES);
    shrink(server, &server->out, SCRATCH_KEPT_BYTES);
    shrink(server, &server->noted, SCRATCH_KEPT_BYTES);
}

void
amqp_server_pressed(struct amqp_server *server)
{
    if (server->pressed_count == 0 || host_is_pressed(server->host))
        return;
    LIST_EACH(&server->connections, l)
        conn_unpress(container_of(l, struct conn, all));
}

void
amqp_server_vhost_gone(struct amqp_server *server, const struct vhost *vhost)
{
    struct refusal why;
    struct view name = vhost_name(vhost);
    deny(&why, AMQP_CONNECTION_FORCED, "vhost '%.*s' is deleted", (int)name.len, name.data);
    LIST_EACH(&server->connections, l) {
        struct conn *c = container_of(l, struct conn, all);
        if (c->vhost == vhost)
            conn_fail(c, &why, 0);
    }
}

void
amqp_server_shut(struct amqp_server *server)
{
    struct refusal why;
    deny(&why, AMQP_CONNECTION_FORCED, "broker forced connection closure with reason 'shutdown'");
    LIST_EACH(&server->connections, l) {
        struct conn *c = container_of(l, struct conn, all);
        conn_fail(c, &why, 0);
        conn_close(c);
    }
}

unsigned
amqp_server_connections(const struct amqp_server *server)
{
    return server->connection_count;
}

void
amqp_server_list_also(struct amqp_server *server, amqp_list_fn *fn, void *arg)
{
    server->list_also = fn;
    server->list_also_arg = arg;
}

void
amqp_server_stats(const struct amqp_server *server, struct amqp_stats *ret)
{
    *ret = (struct amqp_stats){ .connections = server->connection_count,
                                .channels = server->channel_count,
                                .consumers = server->consumer_count,
                                .unacked = server->unacked_count };
}
