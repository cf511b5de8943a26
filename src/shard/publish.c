/* A publication of this shard's own sessions: retained, delivered here, sent to the others. */
#include "shard/inner.h"

#include "base/err.h"

/* Milliseconds, then the shard.  Stamps never go back, even when the wall clock does, and each is later than all that
 * this shard has seen from others (Lamport): what is published after an acknowledgement is newer than what was
 * acknowledged. */
static uint64_t
next_stamp(struct shard *shard)
{
    uint64_t now = io_wall_ms(shard->host.io), seen = shard->stamp >> 8;
    shard->stamp = (now > seen ? now : seen + 1) << 8 | shard->host.shard;
    return shard->stamp;
}

/* Every queue admits the message: now its value may be retained, here and, by the frames that follow, on the other
 * shards. */
static int
retain(struct outgoing *out)
{
    struct shard *shard = container_of(out->exchange, struct shard, host.exchange);
    if (out->repeat) {
        /* When a newer value stands than this echo's, stamp 0 makes it the older one everywhere. */
        shard->retain_stamp = retained_stamp(shard->host.retained, &out->pub.env);
        return 0;
    }
    if (shard->host.queues.tight && out->pub.env.body.len > 0)
        return -ERR_FULL;
    shard->retain_stamp = next_stamp(shard);
    int rc = retained_set(shard->host.retained, &out->pub.env, shard->retain_stamp);
    if (rc == 0)
        out->stored |= shard->log != NULL;
    return rc;
}

int
shard_publish(struct session_host *host, struct outgoing *out)
{
    struct shard *shard = shard_of(host);
    shard->lane_failed = false;
    shard->retaining = out->pub.env.retain && shard->settings->mqtt.retain_available;
    if (shard->retaining)
        out->approve = retain;
    int rc = exchange_publish(&host->exchange, out);
    if (rc == 0 && shard->retaining)
        peers_publish_retained(shard, out);
    shard->retaining = false;
    return rc == 0 && shard->lane_failed ? -ERR_NO_MEMORY : rc;
}

int
shard_publish_sys(struct shard *shard, const char *topic, const char *value)
{
    struct outgoing out = {
        .pub.env = {
            .topic = view_str(topic),
            .body = view_str(value),
            .retain = true,
            .published_ms = io_wall_ms(shard->host.io),
        },
    };
    return shard_publish(&shard->host, &out);
}
