/* x-delayed-message: a message with a header x-delay (milliseconds) passes its exchange that much later.  Until then it
 * is a delayed publication (queue/delayed.h) under an id with its top bit set; its headers say -x-delay from then on,
 * as the plugin of RabbitMQ has it. */
#include <inttypes.h>
#include <stdio.h>

#include "catalog/inner.h"

enum { DELAY_RETRY_MS = 1000, SEVERITY_WARNING = 2 };
static const uint64_t OURS = UINT64_C(1) << 63;

uint32_t
delay_of(const struct xchg *x, struct view headers)
{
    struct amqp_value v;
    int64_t ms;
    if (!x->delays || !amqp_table_find(headers, "x-delay", &v) || !amqp_value_integer(&v, &ms))
        return 0;
    return ms > 0 && ms <= UINT32_MAX ? (uint32_t)ms : 0;
}

/* Ids begin with the clock, so that those of an earlier life are seldom met. */
static uint64_t
new_id(struct catalog *catalog)
{
    uint64_t start = io_wall_ms(catalog->host->io) << 20;
    if (catalog->delay_id < start)
        catalog->delay_id = start;
    do
        catalog->delay_id++;
    while (delayed_has(catalog->host->delayed, OURS | catalog->delay_id));
    return OURS | catalog->delay_id;
}

int
delay_put(const struct xchg *x, uint32_t delay_ms, struct outgoing *out)
{
    struct catalog *catalog = x->vhost->catalog;
    struct catalog_host *host = catalog->host;
    struct envelope env = out->pub.env;
    if (host->queues->tight)
        return -ERR_TIGHT;
    int rc = props_delayed(x, &out->pub.env, &env.props);
    if (rc == 0)
        rc = delayed_put(host->delayed, new_id(catalog), io_wall_ms(host->io) + delay_ms, &env);
    if (rc == 0)
        out->stored |= host->log != NULL;
    return rc;
}

/* Nobody has it yet, and it is not given up: it is due again, a little later. */
static void
put_again(struct catalog *catalog, uint64_t id, const struct envelope *env, int why)
{
    struct catalog_host *host = catalog->host;
    char text[128];
    int rc = delayed_put(host->delayed, id, io_wall_ms(host->io) + DELAY_RETRY_MS, env);
    snprintf(text, sizeof(text), "delayed message %" PRIu64 " %s: %s", id & ~OURS, rc < 0 ? "is lost" : "waits",
             err_text(why));
    host->say(host, SEVERITY_WARNING, "delayed", text);
}

bool
catalog_due(struct catalog *catalog, uint64_t id, const struct envelope *stored)
{
    struct envelope env = *stored;
    struct view in, exchange, published_to;
    struct amqp_properties props;
    if ((id & OURS) == 0)
        return false;
    if (!props_resume(&env, &in, &exchange) || !envelope_properties(&env, &published_to, &props))
        return true;
    struct vhost *vhost = catalog_vhost(catalog, in);
    if (vhost == NULL || (env.expires_ms != 0 && env.expires_ms <= io_wall_ms(catalog->host->io)))
        return true;
    int rc = catalog_send(vhost, exchange, &env, props.headers, false);
    if (rc == -ERR_DISK_FULL || rc == -ERR_NO_MEMORY)
        put_again(catalog, id, stored, rc);
    return true;
}
