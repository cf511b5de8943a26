/* The server: whose peers there are; the end of the turn. */
#include "session/zmtp/role.h"

#define AGAIN_NS UINT64_C(10000000)

enum { HEARTBEATS_TIMEOUT = 3 };

static int
list_guests(void *arg, json_t *list)
{
    const struct zmtp_server *server = arg;
    LIST_EACH(&server->guests, l)
        if (json_array_append_new(list, guest_json(container_of(l, struct guest, all))) < 0)
            return -ERR_NO_MEMORY;
    return 0;
}

int
zmtp_server_new(struct session_host *host, const struct zmtp_settings *settings, struct catalog *catalog,
                struct amqp_server *amqp, struct zmtp_server **ret)
{
    struct zmtp_server *server = MEM_NEW(host->mem, struct zmtp_server);
    if (server == NULL)
        return -ERR_NO_MEMORY;
    server->host = host;
    server->settings = settings;
    server->catalog = catalog;
    server->amqp = amqp;
    list_init(&server->guests);
    list_init(&server->waiting);
    list_init(&server->busy);
    map_init(&server->subscriptions, host->mem);
    amqp_server_list_also(amqp, list_guests, server);
    *ret = server;
    return 0;
}

void
zmtp_server_free(struct zmtp_server *server)
{
    if (server == NULL)
        return;
    LIST_EACH(&server->guests, l)
        guest_free(container_of(l, struct guest, all));
    io_timer_cut(server->host->io, &server->again);
    map_fini(&server->subscriptions);
    for (unsigned i = 0; i < ZMTP_SPELLINGS; i++) {
        mem_free(server->host->mem, server->fans[i].topic);
        zmtp_chunk_unref(server->fans[i].chunk);
    }
    mem_free(server->host->mem, server);
}

struct vhost *
zmtp_vhost(const struct zmtp_server *server)
{
    return catalog_vhost(server->catalog, view_str("/"));
}

/* ---- queues that are configured ----------------------------------------------------------------------------- */

struct mq *
zmtp_declare(struct zmtp_server *server, struct view name)
{
    struct queue_spec spec = { .name = name, .durable = true };
    struct refusal why;
    struct vhost *vhost = zmtp_vhost(server);
    struct mq *mq = vhost == NULL ? NULL : mq_find(vhost, name);
    if (mq != NULL || vhost == NULL)
        return mq;
    if (mq_declare(vhost, &spec, &mq, NULL, NULL, &why) == 0)
        return mq;
    host_say(server->host, LOG_WARNING, "zmtp", "queue '%.*s' cannot be declared: %s", (int)name.len, name.data,
             why.text);
    return NULL;
}

void
zmtp_server_declare(struct zmtp_server *server)
{
    const struct zmtp_served *s = &server->settings->served;
    const char *const names[] = { s->push, s->pull, s->req, s->rep };
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (names[i][0] != '\0')
            (void)zmtp_declare(server, view_str(names[i]));
}

/* ---- connections ---------------------------------------------------------------------------------------------- */

static void
renew_side(struct zmtp_server *server)
{
    const struct zmtp_settings *s = server->settings;
    server->side = (struct zmtp_side){
        .pattern = ZMTP_DEALER,
        .mechanism = ZMTP_NULL,
        .message_bytes_max = s->message_bytes_max,
        .parts_max = ZMTP_PARTS_MAX,
        .subscriptions_max = s->subscriptions_max,
        .handshake_ms = s->connect_s_max * 1000,
        .heartbeat_ms = s->heartbeat_s * 1000,
        .heartbeat_timeout_ms = s->heartbeat_s * 1000 * HEARTBEATS_TIMEOUT,
    };
}

int
zmtp_server_accept(struct zmtp_server *server, struct io_stream *stream, struct view bytes)
{
    struct session_host *host = server->host;
    unsigned home = host->ops->owner(host, view_str("/"));
    if (home != host->shard)
        return host->ops->migrate(host, home, stream, bytes);
    renew_side(server);
    return guest_new(server, stream, bytes);
}

void
zmtp_server_vhost_gone(struct zmtp_server *server, const struct vhost *vhost)
{
    if (vhost != zmtp_vhost(server))
        return;
    LIST_EACH(&server->guests, l)
        guest_leave(container_of(l, struct guest, all), "its virtual host is deleted");
}

void
zmtp_server_shut(struct zmtp_server *server)
{
    LIST_EACH(&server->guests, l)
        guest_shut(container_of(l, struct guest, all));
}

unsigned
zmtp_server_connections(const struct zmtp_server *server)
{
    return server->guest_count;
}

/* ---- the turn --------------------------------------------------------------------------------------------------- */

/* That there is a turn is all that is wanted. */
static void
on_again(void *arg)
{
    (void)arg;
}

void
zmtp_server_turn(struct zmtp_server *server)
{
    struct io *io = server->host->io;
    struct list busy;
    LIST_EACH(&server->waiting, l)
        guest_retry(container_of(l, struct guest, waiting));
    list_init(&busy);
    list_splice(&busy, &server->busy);
    for (struct list *l = list_pop(&busy); l != NULL; l = list_pop(&busy)) {
        struct guest *g = container_of(l, struct guest, busy);
        g->role->turn(g);
    }
    if (!list_empty(&server->waiting) || !list_empty(&server->busy))
        (void)io_timer_set(io, &server->again, io_now_ns(io) + AGAIN_NS, on_again, server); /* or the next turn */
}
