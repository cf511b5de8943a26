/* Recovery: facts back into sessions.
 *
 * While records are replayed sessions are known by their id only: one that ended and its successor under the same
 * client id may both be there for a while.  What names a session or group that is unknown speaks of one that has ended.
 */
#include "session/mqtt_inner.h"

static struct session *
session_of(const struct mqtt_server *server, uint32_t id)
{
    struct kept *kept = server_kept(server, id, KEPT_SESSION);
    return kept == NULL ? NULL : container_of(kept, struct session, kept);
}

static struct group *
group_by_id(const struct mqtt_server *server, uint32_t id)
{
    struct kept *kept = server_kept(server, id, KEPT_GROUP);
    return kept == NULL ? NULL : container_of(kept, struct group, kept);
}

struct queue *
mqtt_server_queue(struct mqtt_server *server, uint32_t id)
{
    struct group *group = group_by_id(server, id);
    struct session *s = session_of(server, id);
    if (group != NULL)
        return group->target.queue;
    return s == NULL || session_need_queue(s) < 0 ? NULL : s->target.queue;
}

/* ---- records ------------------------------------------------------------------------------------------------ */

static int
take_will(struct mqtt_server *server, struct cursor *c, struct will **ret)
{
    uint32_t delay_s = take_u32(c), expiry_s = take_u32(c);
    struct envelope env;
    int rc = c->torn ? -ERR_DAMAGED : envelope_parse(take_rest(c), &env);
    if (rc < 0)
        return rc;
    *ret = will_copy(server->host->mem, delay_s, expiry_s, &env);
    return *ret == NULL ? -ERR_NO_MEMORY : 0;
}

/* It is known: only what may change does. */
static void
renew(struct session *s, const struct session_opening *opening)
{
    mem_free(s->server->host->mem, s->will);
    s->will = opening->will;
    s->will_pending = false;
    s->expiry_s = opening->expiry_s;
    s->version = opening->version;
    s->parked = false;
}

static int
on_session(struct mqtt_server *server, uint32_t id, struct cursor *c)
{
    struct session_opening opening = { .version = take_u8(c) };
    bool has_will = take_u8(c);
    uint32_t expiry_s = take_u32(c);
    opening.client_id = take_short(c);
    int rc = c->torn ? -ERR_DAMAGED : 0;
    if (rc == 0 && has_will)
        rc = take_will(server, c, &opening.will);
    if (rc < 0)
        return rc;
    struct session *s = session_of(server, id);
    opening.expiry_s = UINT32_MAX; /* it is kept till the replay is over, whatever its last connection asked for */
    if (s == NULL)
        rc = session_new(server, &opening, id, &s);
    else
        renew(s, &opening);
    if (rc == 0)
        s->expiry_s = expiry_s;
    else
        mem_free(server->host->mem, opening.will);
    return rc;
}

static int
on_session_end(struct mqtt_server *server, uint32_t id, struct cursor *c)
{
    (void)c;
    struct session *s = session_of(server, id);
    if (s != NULL)
        session_free(s);
    return 0;
}

static int
on_park(struct mqtt_server *server, uint32_t id, struct cursor *c)
{
    struct session *s = session_of(server, id);
    uint64_t until_s = take_u64(c);
    bool will_pending = take_u8(c);
    if (c->torn)
        return -ERR_DAMAGED;
    if (s == NULL)
        return 0;
    s->parked = true;
    s->timer.at_s = until_s;
    s->will_pending = will_pending && s->will != NULL;
    if (!s->will_pending) {
        mem_free(server->host->mem, s->will);
        s->will = NULL;
    }
    return 0;
}

static int
on_subscribed(struct mqtt_server *server, uint32_t id, struct cursor *c)
{
    struct session *s = session_of(server, id);
    uint32_t subscription_id = take_u32(c);
    uint8_t options = take_u8(c);
    bool fresh;
    struct mqtt_filter filter = {
        .filter = take_short(c),
        .qos = options & 3,
        .no_local = options >> 2 & 1,
        .retain_as_published = options >> 3 & 1,
        .retain_handling = options >> 4 & 3,
    };
    if (c->torn)
        return -ERR_DAMAGED;
    return s == NULL ? 0 : subscription_set(s, &filter, subscription_id, &fresh);
}

static int
on_unsubscribed(struct mqtt_server *server, uint32_t id, struct cursor *c)
{
    struct session *s = session_of(server, id);
    struct view filter = take_short(c);
    if (c->torn)
        return -ERR_DAMAGED;
    struct subscription *sub = s == NULL ? NULL : subscription_find(s, filter);
    if (sub != NULL)
        subscription_free(sub);
    return 0;
}

static int
on_received(struct mqtt_server *server, uint32_t id, struct cursor *c)
{
    uint16_t packet_id = take_u16(c);
    return c->torn || packet_id == 0 ? -ERR_DAMAGED : mqtt_server_restore_receipt(server, id, packet_id);
}

static int
on_forget(struct mqtt_server *server, uint32_t id, struct cursor *c)
{
    struct session *s = session_of(server, id);
    uint16_t packet_id = take_u16(c);
    if (c->torn)
        return -ERR_DAMAGED;
    if (s != NULL)
        (void)session_forget(s, packet_id);
    return 0;
}

static int
put_inflight(struct session *s, uint32_t queue, uint64_t seq, uint16_t packet_id, enum inflight_state state)
{
    struct flow *flow = session_flow(s);
    struct inflight *flight = flow == NULL ? NULL : inflights_put(&flow->inflights, packet_id);
    if (flight == NULL)
        return -ERR_NO_MEMORY;
    flight->state = state & 15;
    flight->qos = 2;
    flight->known = true;
    flight->seq = seq;
    if (state == INFLIGHT_RESTORED)
        flight->queue = queue;
    return 0;
}

static int
restore_inflight(struct mqtt_server *server, uint32_t id, struct cursor *c, enum inflight_state state)
{
    struct session *s = session_of(server, id);
    uint32_t queue_number = take_u32(c);
    uint64_t seq = take_u64(c);
    uint16_t packet_id = take_u16(c);
    if (c->torn || packet_id == 0)
        return -ERR_DAMAGED;
    struct queue *queue =
        state == INFLIGHT_RELEASED && queue_number != 0 ? mqtt_server_queue(server, queue_number) : NULL;
    int rc = queue == NULL ? 0 : queue_restore_settle(queue, seq, 1);
    if (rc < 0)
        return rc;
    return s == NULL ? 0 : put_inflight(s, queue_number, seq, packet_id, state);
}

static int
on_delivered(struct mqtt_server *server, uint32_t id, struct cursor *c)
{
    return restore_inflight(server, id, c, INFLIGHT_RESTORED);
}

static int
on_released(struct mqtt_server *server, uint32_t id, struct cursor *c)
{
    return restore_inflight(server, id, c, INFLIGHT_RELEASED);
}

static int
on_complete(struct mqtt_server *server, uint32_t id, struct cursor *c)
{
    struct session *s = session_of(server, id);
    uint16_t packet_id = take_u16(c);
    if (c->torn)
        return -ERR_DAMAGED;
    struct inflight *flight = s == NULL || s->flow == NULL ? NULL : inflights_find(&s->flow->inflights, packet_id);
    if (flight != NULL)
        inflights_cut(&s->flow->inflights, flight);
    return 0;
}

static int
on_group(struct mqtt_server *server, uint32_t id, struct cursor *c)
{
    struct view text = take_short(c), name, topics;
    struct group *group;
    if (c->torn || !share_split(text, &name, &topics))
        return -ERR_DAMAGED;
    struct filter *filter = filter_of(server, text);
    if (filter == NULL)
        return -ERR_NO_MEMORY;
    if (filter->group == NULL)
        return group_of(server, filter, id, &group);
    /* Ids count up: a lower one is of a group that ended before the one we know began. */
    return filter->group->provisional || filter->group->kept.id < id ? group_renew(filter->group, id) : 0;
}

static int
on_group_end(struct mqtt_server *server, uint32_t id, struct cursor *c)
{
    (void)c;
    struct group *group = group_by_id(server, id);
    /* Where records were damaged somebody may seem to have left with a message in flight: it is wound up later. */
    if (group != NULL && group->member_count == 0 && list_empty(&group->leavers))
        group_free(group);
    return 0;
}

int
mqtt_server_restore(struct mqtt_server *server, unsigned kind, struct view record)
{
    static int (*const on[])(struct mqtt_server *, uint32_t, struct cursor *) = {
        [RECORD_SESSION - RECORD_SESSION] = on_session,
        [RECORD_SESSION_END - RECORD_SESSION] = on_session_end,
        [RECORD_SESSION_PARK - RECORD_SESSION] = on_park,
        [RECORD_SUBSCRIBE - RECORD_SESSION] = on_subscribed,
        [RECORD_UNSUBSCRIBE - RECORD_SESSION] = on_unsubscribed,
        [RECORD_RECEIVED - RECORD_SESSION] = on_received,
        [RECORD_FORGET - RECORD_SESSION] = on_forget,
        [RECORD_DELIVER - RECORD_SESSION] = on_delivered,
        [RECORD_RELEASE - RECORD_SESSION] = on_released,
        [RECORD_COMPLETE - RECORD_SESSION] = on_complete,
        [RECORD_GROUP - RECORD_SESSION] = on_group,
        [RECORD_GROUP_END - RECORD_SESSION] = on_group_end,
    };
    struct cursor c = cursor_of(record);
    uint32_t id = take_u32(&c);
    if (kind < RECORD_SESSION || kind - RECORD_SESSION >= COUNT_OF(on))
        return -ERR_FORMAT;
    return c.torn || id == 0 ? -ERR_DAMAGED : on[kind - RECORD_SESSION](server, id, &c);
}

int
mqtt_server_restore_receipt(struct mqtt_server *server, uint32_t session, uint16_t packet_id)
{
    struct session *s = session_of(server, session);
    int rc = s == NULL ? 0 : session_receive(s, packet_id);
    return rc < 0 ? rc : 0;
}

/* ---- the end of a replay ------------------------------------------------------------------------------------ */

/* 0 and *ret: the session's own, a group's, one of a group that it has left, or NULL: the queue is no more; or
 * -ERR_NO_MEMORY. */
static int
tap_of(struct session *s, uint32_t queue, struct tap **ret)
{
    *ret = NULL;
    LIST_EACH(&s->flow->taps, l) {
        struct tap *tap = container_of(l, struct tap, all);
        if (queue_id(tap->link.queue) == queue)
            *ret = tap;
    }
    struct group *group = *ret != NULL ? NULL : group_by_id(s->server, queue);
    if (group != NULL)
        *ret = group_leaver(group, s);
    return group != NULL && *ret == NULL ? -ERR_NO_MEMORY : 0;
}

/* What was in flight is marked so in its queue again.  Of what is not there any more the client may know the
 * identifier: that is in flight without a message. */
static int
adopt_one(struct session *s, struct inflight *flight)
{
    struct tap *tap;
    int rc = tap_of(s, flight->queue, &tap);
    if (rc < 0)
        return rc;
    bool adopted = tap != NULL && link_adopt(&tap->link, flight->seq);
    flight->tap = adopted ? tap : NULL;
    flight->state = INFLIGHT_SENT;
    if (tap != NULL)
        tap_rest(tap);
    return 0;
}

static int
adopt_inflight(struct session *s)
{
    uint32_t at = 0;
    int rc = 0;
    if (s->flow == NULL)
        return 0;
    struct inflights *flights = &s->flow->inflights;
    for (struct inflight *f = inflights_next(flights, &at); rc == 0 && f != NULL; f = inflights_next(flights, &at))
        if (f->state == INFLIGHT_RESTORED)
            rc = adopt_one(s, f);
    return rc;
}

static int
enlist(struct session *s)
{
    struct mqtt_server *server = s->server;
    struct session *other = server_find(server, session_client_id(s));
    if (other != NULL) /* its end was not recorded, for want of room on the disk */
        session_end(other);
    int rc = session_enlist(s);
    return rc == 0 ? adopt_inflight(s) : rc;
}

/* Its connection died with the process.  The other shards need a moment to say who takes what before a will is
 * published. */
static void
part(struct session *s)
{
    enum { MOMENT_S = 1 };
    uint64_t until_s = session_until(s);
    if (s->expiry_s < MOMENT_S) {
        session_park(s, until_s + MOMENT_S); /* its end publishes the will */
        return;
    }
    will_delay(s, MOMENT_S);
    session_park(s, until_s);
    int rc = record_park(s, until_s);
    if (rc < 0)
        host_say(s->server->host, LOG_ERROR, "session", "the parting of session %u is not recorded: %s", s->kept.id,
                 err_text(rc));
}

int
mqtt_server_restored(struct mqtt_server *server)
{
    LIST_EACH(&server->keeping, l) {
        struct kept *kept = container_of(l, struct kept, link);
        int rc = kept->kind == KEPT_SESSION ? enlist(container_of(kept, struct session, kept)) : 0;
        if (rc < 0)
            return rc;
    }
    server->restoring = false;
    groups_restored(server);
    filters_announce(server);
    LIST_EACH(&server->keeping, l) {
        struct kept *kept = container_of(l, struct kept, link);
        struct session *s = kept->kind == KEPT_SESSION ? container_of(kept, struct session, kept) : NULL;
        if (s != NULL && s->parked)
            session_park(s, s->timer.at_s);
        else if (s != NULL)
            part(s);
    }
    return 0;
}
