/* A session's life: made, parted from its connection, parked, ended. */
#include "session/mqtt_inner.h"

#include "base/must.h"

static const struct target_ops target_ops = { .deliver = session_deliver };

static void
on_timer(struct wheel_timer *timer)
{
    struct session *s = container_of(timer, struct session, timer);
    if (s->connection != NULL) {
        connection_timer(s->connection);
        return;
    }
    s->server->host->counters.sessions_expired++;
    session_end(s);
}

static void
count_sessions(struct mqtt_server *server)
{
    server->host->counters.sessions = server->clients.count;
}

int
session_new(struct mqtt_server *server, const struct session_opening *opening, uint32_t id, struct session **ret)
{
    struct session_host *host = server->host;
    size_t bytes = offsetof(struct session, client_id) + opening->client_id.len;
    struct session *s = mem_new(host->mem, bytes > sizeof(*s) ? bytes : sizeof(*s));
    if (s == NULL)
        return -ERR_NO_MEMORY;
    s->server = server;
    s->target.ops = &target_ops;
    list_init(&s->kept.link);
    list_init(&s->subscriptions);
    wheel_timer_init(&s->timer, on_timer);
    s->kept.id = id != 0 ? id : host_new_id(host);
    s->expiry_s = opening->expiry_s;
    s->version = opening->version;
    s->client_id_bytes = (uint16_t)opening->client_id.len;
    memcpy(s->client_id, opening->client_id.data, opening->client_id.len);
    if (s->expiry_s > 0 && server_keep(server, &s->kept, KEPT_SESSION, s->kept.id) < 0) {
        mem_free(host->mem, s);
        return -ERR_NO_MEMORY;
    }
    s->durable = s->expiry_s > 0 && host->log != NULL;
    host->counters.sessions_durable += s->durable;
    s->will = opening->will;
    *ret = s;
    return 0;
}

int
session_enlist(struct session *s)
{
    int rc = map_put(&s->server->clients, hash_bytes(session_client_id(s), 0), s);
    count_sessions(s->server);
    return rc;
}

void
session_delist(struct session *s)
{
    map_cut(&s->server->clients, hash_bytes(session_client_id(s), 0), s);
    count_sessions(s->server);
}

void
session_free(struct session *s)
{
    struct mqtt_server *server = s->server;
    LIST_EACH(&s->subscriptions, l)
        subscription_free(container_of(l, struct subscription, link));
    flow_free(s);
    wheel_disarm(&server->host->wheel, &s->timer);
    if (s->kept.kind == KEPT_SESSION)
        server_unkeep(server, &s->kept);
    queue_free(s->target.queue);
    if (s->received != NULL) {
        idset_fini(&s->received->ids, server->host->mem);
        idset_fini(&s->received->restored, server->host->mem);
    }
    mem_free(server->host->mem, s->received);
    server->host->counters.sessions_durable -= s->durable;
    mem_free(server->host->mem, s->will);
    mem_free(server->host->mem, s);
}

void
session_end(struct session *s)
{
    must(s->connection == NULL);
    if (s->will != NULL)
        will_publish(s);
    int rc = record_session_end(s);
    if (rc == 0 && s->durable)
        rc = s->server->host->ops->forget(s->server->host, s->kept.id, 0);
    if (rc < 0)
        host_say(s->server->host, LOG_ERROR, "session", "the end of session %u is not recorded: %s", s->kept.id,
                 err_text(rc));
    session_delist(s);
    session_free(s);
}

uint64_t
session_until(const struct session *s)
{
    return s->expiry_s == UINT32_MAX ? UINT64_MAX : host_wall_s(s->server->host) + s->expiry_s;
}

void
session_park(struct session *s, uint64_t until_s)
{
    wheel_disarm(&s->server->host->wheel, &s->timer);
    s->timer.at_s = until_s;
    if (until_s != UINT64_MAX)
        wheel_arm(&s->server->host->wheel, &s->timer, until_s);
}

void
session_part(struct session *s, bool with_will)
{
    s->connection = NULL;
    flow_stop(s);
    groups_online(s, false);
    if (with_will)
        will_delay(s, 0);
    else
        will_cancel(s);
    if (s->expiry_s == 0) {
        session_end(s);
        return;
    }
    uint64_t until = session_until(s);
    session_park(s, until);
    int rc = record_park(s, until);
    if (rc < 0)
        host_say(s->server->host, LOG_ERROR, "session", "the parting of session %u is not recorded: %s", s->kept.id,
                 err_text(rc));
}

/* The queue is made when the first subscription asks for more than QoS 0. */
int
session_need_queue(struct session *s)
{
    struct session_host *host = s->server->host;
    if (s->target.queue != NULL)
        return 0;
    struct flow *flow = session_flow(s);
    if (flow == NULL)
        return -ERR_NO_MEMORY;
    int rc = queue_new(&host->queues, s->kept.id, s->durable, s->server->settings->queue, &s->target.queue);
    if (rc < 0)
        return rc;
    flow_tap(s, &flow->own, s->target.queue, NULL);
    return 0;
}

bool
session_has_received(const struct session *s, uint16_t packet_id)
{
    return s->received != NULL && idset_has(&s->received->ids, packet_id);
}

int
session_receive(struct session *s, uint16_t packet_id)
{
    struct mem *mem = s->server->host->mem;
    if (s->received == NULL)
        s->received = MEM_NEW(mem, struct received);
    int rc = s->received == NULL ? -ERR_NO_MEMORY : idset_add(&s->received->ids, mem, packet_id);
    return rc == 1 && s->server->restoring ? idset_add(&s->received->restored, mem, packet_id) : rc;
}

bool
session_forget(struct session *s, uint16_t packet_id)
{
    if (s->received == NULL)
        return false;
    (void)idset_cut(&s->received->restored, packet_id);
    return idset_cut(&s->received->ids, packet_id);
}
