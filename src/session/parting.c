/* What becomes of messages in flight to a client when its connection ends, or its membership in a group. */
#include "session/mqtt_inner.h"

/* A group's messages of QoS 1 are for the members that are still there; those of QoS 2 wait for this one
 * [MQTT-4.8.2-5]. */
static void
hand_back(struct session *s, struct inflight *flight)
{
    bool keep = flight->tap == NULL || flight->tap->member == NULL || (flight->qos == 2 && flight->known);
    if (keep)
        return;
    link_release(&flight->tap->link, flight->seq);
    if (flight->state == INFLIGHT_HELD)
        (void)record_complete(s, flight->packet_id); /* without it recovery finds that it is not ours any more */
    inflights_cut(&s->flow->inflights, flight);
}

void
flow_stop(struct session *s)
{
    struct flow *flow = s->flow;
    if (flow == NULL)
        return;
    LIST_EACH(&flow->taps, l)
        container_of(l, struct tap, all)->link.credit = 0;
    list_cut(&flow->hungry);
    fifo_clear(&flow->due);
    flow->reading = 0;
    flow->counted = 0;
    uint32_t at = 0;
    for (struct inflight *f = inflights_next(&flow->inflights, &at); f != NULL;
         f = inflights_next(&flow->inflights, &at)) {
        f->counted = false;
        hand_back(s, f);
    }
}

static void
untap_one(struct session *s, struct inflight *flight)
{
    bool seen = flight->qos == 2 && flight->known;
    if (seen && !s->server->restoring)
        flow_settle(flight, true);
    flight->tap = NULL;
    if (!flight->known)
        inflights_cut(&s->flow->inflights, flight);
}

void
flow_untap(struct session *s, struct tap *tap)
{
    struct flow *flow = s->flow;
    uint32_t at = 0;
    for (struct inflight *f = inflights_next(&flow->inflights, &at); f != NULL;
         f = inflights_next(&flow->inflights, &at))
        if (f->tap == tap) {
            if (flow->reading == f->packet_id)
                flow->reading = 0;
            untap_one(s, f);
        }
    link_detach(&tap->link);
    list_cut(&tap->all);
    flow_hungry(s);
}
