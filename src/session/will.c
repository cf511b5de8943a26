/* Wills: published when the client goes without saying so, after their delay or at the session's end (MQTT
 * 5, 3.1.2.5, 3.1.3.2.2). */
#include "session/mqtt_inner.h"

static struct view
place(uint8_t **at, struct view v)
{
    uint8_t *here = *at;
    if (v.len > 0)
        memcpy(here, v.data, v.len);
    *at += v.len;
    return view_of(here, v.len);
}

struct will *
will_copy(struct mem *mem, uint32_t delay_s, uint32_t expiry_s, const struct envelope *env)
{
    struct will *will = mem_raw(mem, sizeof(*will) + env->topic.len + env->props.len + env->body.len);
    if (will == NULL)
        return NULL;
    uint8_t *at = will->bytes;
    will->delay_s = delay_s;
    will->expiry_s = expiry_s;
    will->env = *env;
    will->env.topic = place(&at, env->topic);
    will->env.props = place(&at, env->props);
    will->env.body = place(&at, env->body);
    return will;
}

/* The properties that travel with the message: not its delay, and not its expiry, which counts from being published. */
static struct view
lasting(struct view raw, uint8_t *room)
{
    struct cursor c = cursor_of(raw);
    struct pen p = pen_of(room, raw.len);
    struct mqtt_property_item item;
    for (const uint8_t *from = c.at; mqtt_property_next(&c, &item); from = c.at)
        if (item.id != MQTT_WILL_DELAY && item.id != MQTT_MESSAGE_EXPIRY)
            put_bytes(&p, view_of(from, (size_t)(c.at - from)));
    return view_of(room, (size_t)(p.at - room));
}

struct will *
will_new(struct mqtt_server *server, const struct mqtt_connect *connect)
{
    const struct mqtt_properties *props = &connect->will_properties;
    struct envelope env = { .topic = connect->will_topic,
                            .body = connect->will_payload,
                            .qos = connect->will_qos,
                            .retain = connect->will_retain };
    if (props->raw.len > 0) {
        uint8_t *room = server_scratch(server, props->raw.len);
        if (room == NULL)
            return NULL;
        env.props = lasting(props->raw, room);
        env.encoding = env.props.len > 0 ? ENCODING_MQTT5 : ENCODING_NONE;
    }
    return will_copy(server->host->mem, props->will_delay_s, props->message_expiry_s, &env);
}

/* The will as it is to be published at `ms`. */
static struct envelope
dated(const struct will *will, uint64_t ms)
{
    struct envelope env = will->env;
    env.published_ms = ms;
    if (will->expiry_s != UINT32_MAX)
        env.expires_ms = expires_at(ms, will->expiry_s);
    return env;
}

static void
publish(struct session *s, const struct envelope *env)
{
    struct session_host *host = s->server->host;
    struct outgoing out = { .pub.env = *env, .publisher = s };
    int rc = host->ops->publish(host, &out);
    if (rc == 0)
        return;
    host->counters.publishes_refused++;
    host_say(s->server->host, LOG_WARNING, "will", "the will of session %u could not be published: %s", s->kept.id,
             err_text(rc));
}

static void
forget(struct session *s)
{
    mem_free(s->server->host->mem, s->will);
    s->will = NULL;
    s->will_pending = false;
}

void
will_cancel(struct session *s)
{
    if (s->will_pending)
        delayed_cancel(s->server->host->delayed, s->kept.id);
    forget(s);
}

void
will_publish(struct session *s)
{
    struct envelope env = dated(s->will, io_wall_ms(s->server->host->io));
    publish(s, &env);
    will_cancel(s);
}

void
will_delay(struct session *s, uint32_t delay_s_min)
{
    struct session_host *host = s->server->host;
    if (s->will == NULL)
        return;
    uint32_t delay_s = s->will->delay_s < s->expiry_s ? s->will->delay_s : s->expiry_s;
    delay_s = delay_s > delay_s_min ? delay_s : delay_s_min;
    uint64_t due_ms = io_wall_ms(host->io) + delay_s * UINT64_C(1000);
    struct envelope env = dated(s->will, due_ms);
    s->will_pending = delay_s > 0 && delayed_put(host->delayed, s->kept.id, due_ms, &env) == 0;
    if (!s->will_pending)
        will_publish(s);
}

bool
mqtt_server_due(struct mqtt_server *server, uint64_t id, const struct envelope *env)
{
    struct kept *kept = id > UINT32_MAX ? NULL : server_kept(server, (uint32_t)id, KEPT_SESSION);
    struct session *s = kept == NULL ? NULL : container_of(kept, struct session, kept);
    if (s == NULL || !s->will_pending)
        return false;
    publish(s, env);
    forget(s);
    int rc = record_park(s, s->timer.at_s);
    if (rc < 0)
        host_say(server->host, LOG_ERROR, "will", "that the will of session %u is published is not recorded: %s",
                 s->kept.id, err_text(rc));
    return true;
}
