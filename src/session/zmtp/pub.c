/* A PUB: its messages are published to amq.topic, as MQTT's of QoS 0 are: the first frame is the topic, the rest the
 * body.  What cannot be published is dropped and counted, as PUB sockets do. */
#include "route/key.h"
#include "route/route.h"
#include "session/zmtp/role.h"
#include "wire/mqtt.h"
#include "wire/utf8.h"

enum { PROPS_BYTES_MAX = 64 };

static int
begin(struct guest *g)
{
    return zmtp_peer_subscribe(g->peer, view_of(NULL, 0), true);
}

static int
refuse(struct guest *g, const char *why)
{
    g->server->host->counters.publishes_refused++;
    if (g->dropped++ == 0)
        host_say(g->server->host, LOG_WARNING, "zmtp", "%s %s: messages are dropped: %s", g->address, g->role->name,
                 why);
    return 0;
}

/* NULL: it may be published. */
static const char *
objection(struct view topic)
{
    if (topic.len > TOPIC_BYTES_MAX || !utf8_valid(topic) || route_topic_breach(topic) != NULL)
        return "the first frame is no topic";
    if (view_is(topic, "$SYS") || view_starts(topic, "$SYS/"))
        return "$SYS is the node's own";
    return NULL;
}

static struct view
props_of(const struct parts *parts, uint8_t room[PROPS_BYTES_MAX])
{
    struct pen p = pen_of(room, PROPS_BYTES_MAX);
    if (parts->framed)
        mqtt_put_text(&p, MQTT_CONTENT_TYPE, view_str(PARTS_CONTENT_TYPE));
    must(!p.torn);
    return view_of(room, PROPS_BYTES_MAX - pen_left(&p));
}

static int
publish(struct guest *g, struct view topic, const struct parts *parts)
{
    struct session_host *host = g->server->host;
    uint8_t room[PROPS_BYTES_MAX];
    const char *why = objection(topic);
    if (why != NULL)
        return refuse(g, why);
    struct outgoing out = {
        .pub.env = {.topic = topic,
                    .props = props_of(parts, room),
                    .body = parts->body,
                    .published_ms = io_wall_ms(host->io),
                    .encoding = ENCODING_MQTT5}
    };
    host->counters.publishes_in++;
    host->counters.publish_bytes_in += parts->body.len;
    int rc = host->ops->publish(host, &out);
    return rc < 0 ? refuse(g, err_text(rc)) : 0;
}

/* A key is a topic of up to three times its length. */
static int
publish_key(struct guest *g, struct view key, const struct parts *parts)
{
    uint8_t room[KEY_GROWTH * AMQP_SHORTSTR_MAX];
    struct pen p = pen_of(room, sizeof(room));
    if (key.len > AMQP_SHORTSTR_MAX)
        return refuse(g, "the first frame is no routing key");
    key_to_topic(&p, key);
    must(!p.torn);
    return publish(g, view_of(room, sizeof(room) - pen_left(&p)), parts);
}

static int
take(struct guest *g, struct view message)
{
    struct zmtp_frame topic;
    must(zmtp_frame_next(&message, &topic));
    struct parts parts = parts_of_frames(message);
    return g->spelling == ZMTP_AS_AMQP ? publish_key(g, topic.body, &parts) : publish(g, topic.body, &parts);
}

#define ROLE_PUB(pattern)                                                                \
    {                                                                                    \
        .name = (pattern), .own = ZMTP_SUB, .topics = true, .begin = begin, .take = take \
    }
const struct role role_pub = ROLE_PUB("PUB"), role_xpub = ROLE_PUB("XPUB");
