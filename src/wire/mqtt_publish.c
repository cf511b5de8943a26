/* wire/mqtt_publish.c - PUBLISH (MQTT 5, 3.3): topic, packet identifier with QoS above 0, properties, payload. */
#include "base/err.h"
#include "wire/mqtt_body.h"

enum { DUP = 8, RETAIN = 1 };

static unsigned
qos_of(const struct mqtt_body *body)
{
    return body->flags >> 1 & 3;
}

static int
check_head(struct mqtt_body *body, uint16_t packet_id)
{
    unsigned qos = qos_of(body);
    if (qos == 3)
        return mqtt_breach(body, RULE_QOS_3);
    if (qos == 0 && body->flags & DUP)
        return mqtt_breach(body, RULE_DUP_QOS_0);
    if (body->in.torn)
        return mqtt_breach(body, RULE_TORN);
    if (qos > 0 && packet_id == 0)
        return mqtt_breach(body, body->from == MQTT_FROM_CLIENT ? RULE_ID_ZERO_CLIENT : RULE_ID_ZERO_SERVER);
    return 0;
}

/* An empty name stands for a topic alias, which only 5.0 has. */
static int
check_topic(struct mqtt_body *body, struct view topic, const struct mqtt_properties *properties)
{
    if (topic.len == 0 && body->version < MQTT_V5)
        return mqtt_breach(body, RULE_TOPIC_EMPTY);
    if (topic.len == 0 && !mqtt_has(properties, MQTT_TOPIC_ALIAS))
        return mqtt_breach(body, RULE_TOPIC_MISSING);
    if (mqtt_has_wildcard(topic))
        return mqtt_breach(body, RULE_TOPIC_WILDCARD);
    return mqtt_check_text(body, topic, RULE_TEXT_TOPIC);
}

int
mqtt_decode_publish(struct mqtt_body *body, struct mqtt_packet *ret)
{
    struct view topic = take_short(&body->in);
    uint16_t packet_id = qos_of(body) > 0 ? take_u16(&body->in) : 0;
    int rc = check_head(body, packet_id);
    if (rc < 0)
        return rc;
    struct mqtt_properties room;
    const struct mqtt_properties *properties = mqtt_take_properties(body, MQTT_PUBLISH, &room);
    if (properties == NULL)
        return -ERR_PROTOCOL;
    rc = check_topic(body, topic, properties);
    if (rc < 0)
        return rc;
    if (body->from == MQTT_FROM_CLIENT && mqtt_has(properties, MQTT_SUBSCRIPTION_ID))
        return mqtt_breach(body, RULE_SUBSCRIPTION_ID_CLIENT);
    struct mqtt_publish *p = &ret->publish;
    p->dup = body->flags & DUP;
    p->retain = body->flags & RETAIN;
    p->qos = (uint8_t)qos_of(body);
    p->packet_id = packet_id;
    p->topic = topic;
    p->payload = take_rest(&body->in);
    p->properties = *properties;
    return 0;
}
