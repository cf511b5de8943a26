/* The rooms below that keep a shard's state, as one: opened, turned, restored and freed in the order in which they need
 * each other. */
#include "shard/inner.h"

#include "base/err.h"
#include "base/mem.h"

/* ---- what the catalog asks ---------------------------------------------------------------------------------- */

static struct shard *
of_catalog(struct catalog_host *host)
{
    return container_of(host, struct shard, catalog_host);
}

static uint32_t
on_new_id(struct catalog_host *host)
{
    return host_new_id(&of_catalog(host)->host);
}

static void
on_seen_id(struct catalog_host *host, uint32_t id)
{
    struct shard *shard = of_catalog(host);
    if (id >= shard->host.next_id)
        shard->host.next_id = id + 1;
}

static int
on_publish(struct catalog_host *host, struct outgoing *out)
{
    return shard_publish(&of_catalog(host)->host, out);
}

static void
on_topic_bound(struct catalog_host *host, struct view filter, bool any)
{
    shard_topic_bound(of_catalog(host), filter, any);
}

static void
on_say(struct catalog_host *host, int severity, const char *event, const char *text)
{
    shard_say(of_catalog(host), (enum severity)severity, event, "%s", text);
}

static int
open_catalog(struct shard *shard)
{
    struct session_host *host = &shard->host;
    shard->catalog_host = (struct catalog_host){
        .mem = host->mem,
        .io = host->io,
        .log = host->log,
        .route = host->route,
        .queues = &host->queues,
        .delayed = host->delayed,
        .new_id = on_new_id,
        .seen_id = on_seen_id,
        .publish = on_publish,
        .topic_bound = on_topic_bound,
        .say = on_say,
    };
    return catalog_new(&shard->catalog_host, &shard->settings->catalog, &shard->catalog);
}

/* ---- as one ------------------------------------------------------------------------------------------------- */

static void
on_due(void *arg, uint64_t id, const struct envelope *env)
{
    struct shard *shard = arg;
    if (!catalog_due(shard->catalog, id, env))
        (void)mqtt_server_due(shard->mqtt, id, env);
}

int
rooms_open(struct shard *shard)
{
    struct session_host *host = &shard->host;
    queue_host_init(&host->queues, host->mem, host->io, host->log);
    exchange_init(&host->exchange, host->mem, host->route, &host->queues);
    shard->rooms_open = true;
    int rc = retained_new(host->mem, host->log, &host->wheel, &host->retained);
    if (rc == 0)
        rc = delayed_new(host->mem, host->io, host->log, on_due, shard, &host->delayed);
    if (rc == 0)
        rc = open_catalog(shard);
    if (rc == 0)
        rc = mqtt_server_new(host, &shard->settings->mqtt, NULL, 0, &shard->mqtt);
    if (rc == 0)
        rc = amqp_server_new(host, &shard->settings->amqp, shard->catalog, &shard->amqp);
    if (rc == 0)
        rc = zmtp_server_new(host, &shard->settings->zmtp, shard->catalog, shard->amqp, &shard->zmtp);
    return rc;
}

void
rooms_free(struct shard *shard)
{
    struct session_host *host = &shard->host;
    zmtp_server_free(shard->zmtp);
    amqp_server_free(shard->amqp);
    mqtt_server_free(shard->mqtt);
    catalog_free(shard->catalog);
    delayed_free(host->delayed);
    retained_free(host->retained);
    if (!shard->rooms_open)
        return;
    exchange_fini(&host->exchange);
    queue_host_fini(&host->queues);
}

void
rooms_turn(struct shard *shard)
{
    mqtt_server_turn(shard->mqtt);
    amqp_server_turn(shard->amqp);
    zmtp_server_turn(shard->zmtp);
    vhosts_turn(shard);
    catalog_turn(shard->catalog);
}

void
rooms_pressed(struct shard *shard, bool pressed)
{
    bool changed = shard->host.pressed != pressed;
    shard->host.pressed = pressed;
    mqtt_server_unpause(shard->mqtt);
    if (changed)
        amqp_server_pressed(shard->amqp);
}

void
rooms_shut(struct shard *shard)
{
    mqtt_server_shut(shard->mqtt);
    amqp_server_shut(shard->amqp);
    zmtp_server_shut(shard->zmtp);
}

unsigned
rooms_connections(const struct shard *shard)
{
    return mqtt_server_connections(shard->mqtt) + amqp_server_connections(shard->amqp) +
           zmtp_server_connections(shard->zmtp);
}

int
rooms_restored(struct shard *shard)
{
    int rc = delayed_start(shard->host.delayed);
    if (rc == 0)
        rc = catalog_restored(shard->catalog);
    if (rc == 0)
        rc = vhosts_restored(shard);
    if (rc == 0)
        zmtp_server_declare(shard->zmtp);
    return rc < 0 ? rc : mqtt_server_restored(shard->mqtt);
}

struct queue *
rooms_queue(const struct shard *shard, uint32_t id)
{
    struct queue *queue = mqtt_server_queue(shard->mqtt, id);
    return queue != NULL ? queue : catalog_queue(shard->catalog, id);
}
