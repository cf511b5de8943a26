/* What the client says of messages of QoS 1 and 2 that it was sent: PUBACK, PUBREC, PUBCOMP (MQTT 5, 4.3.2, 4.3.3). */
#include "session/mqtt_inner.h"

void
flow_retire(struct session *s, struct inflight *flight)
{
    if (flight->counted)
        s->flow->counted--;
    inflights_cut(&s->flow->inflights, flight);
    flow_hungry(s);
}

/* The message is done with as far as its queue is concerned. */
void
flow_settle(struct inflight *flight, bool record)
{
    struct tap *tap = flight->tap;
    if (tap == NULL)
        return;
    flight->tap = NULL;
    (void)link_accept(&tap->link, flight->seq, record);
    tap_rest(tap);
}

static int
disk_breach(struct fault *why)
{
    return connection_breach(why, MQTT_QUOTA_EXCEEDED, "4.13.2", "the acknowledgement could not be recorded");
}

static struct inflight *
find(const struct connection *c, const struct mqtt_packet *packet)
{
    const struct flow *flow = c->session->flow;
    return flow == NULL ? NULL : inflights_find(&flow->inflights, packet->ack.packet_id);
}

int
on_puback(struct connection *c, const struct mqtt_packet *packet, struct fault *why)
{
    struct inflight *flight = find(c, packet);
    if (flight == NULL)
        return 0; /* of a message that expired meanwhile, or of an earlier life */
    if (flight->qos != 1)
        return connection_breach(why, MQTT_PROTOCOL_ERROR, "MQTT-4.3.2-2", "PUBACK answers a message of QoS 2");
    flow_settle(flight, true);
    flow_retire(c->session, flight);
    return 0;
}

/* The client does not want it: done, and there is no PUBREL (MQTT 5, 4.3.3). */
static int
reject(struct connection *c, struct inflight *flight)
{
    uint16_t packet_id = flight->packet_id;
    flow_settle(flight, true);
    flow_retire(c->session, flight);
    return record_complete(c->session, packet_id);
}

int
flow_release(struct connection *c, struct inflight *flight)
{
    int rc = record_release(c->session, flight);
    if (rc < 0)
        return rc;
    flow_settle(flight, !c->session->durable);
    flight->state = INFLIGHT_RELEASED;
    flight->order = c->session->flow->inflights.order++; /* PUBREL goes in the order of PUBREC [MQTT-4.6.0-4] */
    answer_ack(c, MQTT_PUBREL, flight->packet_id, MQTT_SUCCESS, c->session->durable);
    return 0;
}

int
on_pubrec(struct connection *c, const struct mqtt_packet *packet, struct fault *why)
{
    struct inflight *flight = find(c, packet);
    uint16_t packet_id = packet->ack.packet_id;
    if (flight != NULL && flight->qos != 2)
        return connection_breach(why, MQTT_PROTOCOL_ERROR, "MQTT-4.3.3-4", "PUBREC answers a message of QoS 1");
    if (flight == NULL || flight->state == INFLIGHT_HELD) {
        if (packet->ack.reason < MQTT_UNSPECIFIED_ERROR)
            answer_ack(c, MQTT_PUBREL, packet_id, MQTT_PACKET_ID_NOT_FOUND, false);
        return 0;
    }
    int rc = 0;
    if (packet->ack.reason >= MQTT_UNSPECIFIED_ERROR)
        rc = reject(c, flight);
    else if (flight->state == INFLIGHT_RELEASED)
        answer_ack(c, MQTT_PUBREL, packet_id, MQTT_SUCCESS, false);
    else
        rc = flow_release(c, flight);
    return rc < 0 ? disk_breach(why) : 0;
}

int
on_pubcomp(struct connection *c, const struct mqtt_packet *packet, struct fault *why)
{
    struct inflight *flight = find(c, packet);
    if (flight == NULL)
        return 0;
    if (flight->state != INFLIGHT_RELEASED)
        return connection_breach(why, MQTT_PROTOCOL_ERROR, "MQTT-4.3.3-6", "PUBCOMP without a PUBREL before it");
    flow_retire(c->session, flight);
    int rc = record_complete(c->session, packet->ack.packet_id);
    return rc < 0 ? disk_breach(why) : 0;
}
