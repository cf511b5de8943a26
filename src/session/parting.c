/* What becomes of messages in flight to a client when its connection ends, or its membership in a group. */
#include "session/mqtt_inner.h"

/* The last that a member held is done with: it need not be known any more that it was one. */
void
tap_rest(struct tap *tap)
{
    struct member *member = tap->member;
    if (member == NULL || member->subscription != NULL || tap->link.flight > 0)
        return;
    struct group *group = member->group;
    member_free(member);
    group_rest(group);
}

/* For the other members. */
static void
give_back(struct session *s, struct inflight *flight)
{
    struct tap *tap = flight->tap;
    uint64_t seq = flight->seq;
    if (s->flow->reading == flight->packet_id)
        s->flow->reading = 0;
    if (flight->state == INFLIGHT_HELD)
        (void)record_complete(s, flight->packet_id); /* without it recovery finds that it is not ours any more */
    inflights_cut(&s->flow->inflights, flight);
    link_release(&tap->link, seq);
    tap_rest(tap);
}

/* Is it one of a group's? */
static bool
is_shared(const struct inflight *flight)
{
    return flight->state != INFLIGHT_RESTORED && flight->tap != NULL && flight->tap->member != NULL;
}

/* ---- the connection ----------------------------------------------------------------------------------------- */

/* A group's messages of QoS 1 are for the members that are still there; those of QoS 2 wait for this one
 * [MQTT-4.8.2-5]. */
static void
hand_back(struct session *s, struct inflight *flight)
{
    bool begun = flight->qos == 2 && flight->known;
    if (is_shared(flight) && !begun)
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

/* The session ends, and what is begun of QoS 2 with it [MQTT-4.8.2-5]; but not because the server ends. */
static void
end_one(struct session *s, struct inflight *flight)
{
    if (!is_shared(flight))
        return;
    if (s->server->restoring)
        give_back(s, flight);
    else
        flow_settle(flight, true);
}

void
flow_end(struct session *s)
{
    struct inflights *flights = &s->flow->inflights;
    flow_stop(s); /* when the server ends its client is still connected */
    uint32_t at = 0;
    for (struct inflight *f = inflights_next(flights, &at); f != NULL; f = inflights_next(flights, &at))
        end_one(s, f);
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

/* A replay settles nothing, and neither does a server that ends.  Else what the client may have seen is finished with
 * it [MQTT-3.10.4-3]. */
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
        if (f->tap == tap && !f->known)
            give_back(s, f);
    flow_hungry(s);
}

void
flow_disown(struct tap *tap)
{
    struct inflights *flights = &tap->session->flow->inflights;
    uint32_t at = 0;
    for (struct inflight *f = inflights_next(flights, &at); f != NULL; f = inflights_next(flights, &at))
        if (f->tap == tap && f->qos == 1) {
            f->tap = NULL;
            (void)link_accept(&tap->link, f->seq, true);
        }
}
