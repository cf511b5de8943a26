/* What becomes of messages in flight to a client when its connection ends, or its membership in a group. */
#include "session/mqtt_inner.h"

/* The last that a member held is done with: it need not be known any more that it was one. */
void
tap_rest(struct tap *tap)
{
    bool has_left = tap->member != NULL && tap->member->subscription == NULL;
    if (!has_left || tap->link.flight > 0)
        return;
    link_detach(&tap->link);
    member_free(tap->member);
}

/* For the other members. */
static void
give_back(struct session *s, struct inflight *flight)
{
    struct tap *tap = flight->tap;
    uint64_t seq = flight->seq;
    inflights_cut(&s->flow->inflights, flight);
    link_release(&tap->link, seq);
    tap_rest(tap);
}

/* ---- the connection ----------------------------------------------------------------------------------------- */

/* A group's messages of QoS 1 are for the members that are still there; those of QoS 2 wait for this one
 * [MQTT-4.8.2-5]. */
static void
hand_back(struct session *s, struct inflight *flight)
{
    bool keep = flight->tap == NULL || flight->tap->member == NULL || (flight->qos == 2 && flight->known);
    if (keep)
        return;
    if (flight->state == INFLIGHT_HELD)
        (void)record_complete(s, flight->packet_id); /* without it recovery finds that it is not ours any more */
    give_back(s, flight);
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

/* ---- the membership ----------------------------------------------------------------------------------------- */

static void
untap_one(struct session *s, struct inflight *flight)
{
    if (s->flow->reading == flight->packet_id)
        s->flow->reading = 0;
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
        if (f->tap == tap)
            untap_one(s, f);
    link_detach(&tap->link);
    list_cut(&tap->all);
    flow_hungry(s);
}

/* What the client may have seen is finished with it [MQTT-3.10.4-3]: of QoS 1 when it says PUBACK, of QoS 2 as far as
 * the group is concerned now. */
static void
leave_one(struct session *s, struct inflight *flight)
{
    if (!flight->known) {
        give_back(s, flight);
        return;
    }
    if (flight->qos == 1)
        return;
    if (s->flow->reading == flight->packet_id)
        s->flow->reading = 0;
    flow_settle(flight, true);
}

/* A replay settles nothing, and neither does a server that ends. */
void
flow_leave(struct session *s, struct tap *tap)
{
    struct flow *flow = s->flow;
    uint32_t at = 0;
    if (s->server->restoring) {
        flow_untap(s, tap);
        return;
    }
    list_cut(&tap->all);
    tap->link.credit = 0;
    for (struct inflight *f = inflights_next(&flow->inflights, &at); f != NULL;
         f = inflights_next(&flow->inflights, &at))
        if (f->tap == tap)
            leave_one(s, f);
    flow_hungry(s);
}
