/* A session's facts as records: appended to the log as they happen, and all together for a checkpoint.  Numbers are
 * big-endian; a text is a u16 length and bytes.
 *
 *     SESSION       id u32, version u8, will u8, expiry s u32, client id text, [delay s u32, expiry s u32, envelope]
 *     SESSION_END   id u32
 *     SESSION_PARK  id u32, until s u64, will pending u8
 *     SUBSCRIBE     id u32, subscription identifier u32, options u8 (as in the packet), filter text
 *     UNSUBSCRIBE   id u32, filter text
 *     FORGET        id u32, packet id u16                             RECEIVED and COMPLETE alike
 *     DELIVER       id u32, queue id u32, seq u64, packet id u16      RELEASE alike
 *     GROUP         id u32, filter text ($share/NAME/FILTER)
 *     GROUP_END     id u32 */
#include "session/mqtt_inner.h"

#include "base/must.h"

enum place { TO_LOG, TO_CHECKPOINT };
enum { RECORD_BYTES_MAX = 64 };

static int
put_parts(const struct mqtt_server *server, enum place place, unsigned kind, bool urgent, const struct view *parts,
          unsigned n)
{
    struct log *log = server->host->log;
    if (server->restoring)
        return 0; /* it comes from there */
    if (place == TO_CHECKPOINT)
        return log_checkpoint_put(log, kind, parts, n);
    int64_t rc = log_append(log, kind, urgent, parts, n);
    return rc < 0 ? (int)rc : 0;
}

/* A record of fixed fields in `p`, which began at `room`, and perhaps a text. */
static int
put(const struct mqtt_server *server, enum place place, unsigned kind, bool urgent, const struct pen *p,
    const uint8_t *room, struct view text)
{
    must(!p->torn);
    struct view parts[] = { view_of(room, (size_t)(p->at - room)), text };
    return put_parts(server, place, kind, urgent, parts, text.len > 0 ? 2 : 1);
}

static const struct view nothing = { NULL, 0 };

/* ---- one kind each ------------------------------------------------------------------------------------------ */

static int
put_session(const struct session *s, enum place place)
{
    uint8_t room[RECORD_BYTES_MAX], will_room[8 + ENVELOPE_HEAD_BYTES_MAX];
    struct pen p = pen_of(room, sizeof(room)), w = pen_of(will_room, sizeof(will_room));
    put_u32(&p, s->kept.id);
    put_u8(&p, s->version);
    put_u8(&p, s->will != NULL);
    put_u32(&p, s->expiry_s);
    put_u16(&p, s->client_id_bytes);
    struct view parts[6] = { view_of(room, (size_t)(p.at - room)), session_client_id(s) };
    bool urgent = s->target.queue != NULL; /* somebody comes for what waits, which makes room */
    if (s->will == NULL)
        return put_parts(s->server, place, RECORD_SESSION, urgent, parts, 2);
    put_u32(&w, s->will->delay_s);
    put_u32(&w, s->will->expiry_s);
    w.at += envelope_head(&s->will->env, w.at);
    parts[2] = view_of(will_room, (size_t)(w.at - will_room));
    parts[3] = s->will->env.topic;
    parts[4] = s->will->env.props;
    parts[5] = s->will->env.body;
    return put_parts(s->server, place, RECORD_SESSION, urgent, parts, 6);
}

static int
put_id(const struct mqtt_server *server, unsigned kind, uint32_t id)
{
    uint8_t room[RECORD_BYTES_MAX];
    struct pen p = pen_of(room, sizeof(room));
    put_u32(&p, id);
    return put(server, TO_LOG, kind, true, &p, room, nothing);
}

static int
put_park(const struct session *s, enum place place, uint64_t until_s)
{
    uint8_t room[RECORD_BYTES_MAX];
    struct pen p = pen_of(room, sizeof(room));
    put_u32(&p, s->kept.id);
    put_u64(&p, until_s);
    put_u8(&p, s->will_pending);
    return put(s->server, place, RECORD_SESSION_PARK, true, &p, room, nothing);
}

static int
put_subscribe(const struct subscription *sub, enum place place)
{
    uint8_t room[RECORD_BYTES_MAX];
    struct pen p = pen_of(room, sizeof(room));
    put_u32(&p, sub->session->kept.id);
    put_u32(&p, sub->id);
    put_u8(&p, (uint8_t)(sub->qos | sub->no_local << 2 | sub->retain_as_published << 3 | sub->retain_handling << 4));
    put_u16(&p, sub->filter->len);
    return put(sub->session->server, place, RECORD_SUBSCRIBE, false, &p, room, filter_text(sub->filter));
}

static int
put_packet_id(const struct session *s, enum place place, unsigned kind, uint16_t packet_id)
{
    uint8_t room[RECORD_BYTES_MAX];
    struct pen p = pen_of(room, sizeof(room));
    put_u32(&p, s->kept.id);
    put_u16(&p, packet_id);
    return put(s->server, place, kind, true, &p, room, nothing);
}

static int
put_inflight(const struct session *s, enum place place, unsigned kind, const struct inflight *flight)
{
    uint8_t room[RECORD_BYTES_MAX];
    struct pen p = pen_of(room, sizeof(room));
    put_u32(&p, s->kept.id);
    put_u32(&p, flight->tap == NULL ? 0 : queue_id(flight->tap->link.queue));
    put_u64(&p, flight->tap == NULL ? 0 : flight->seq);
    put_u16(&p, flight->packet_id);
    return put(s->server, place, kind, true, &p, room, nothing);
}

static int
put_group(const struct group *group, enum place place)
{
    uint8_t room[RECORD_BYTES_MAX];
    struct pen p = pen_of(room, sizeof(room));
    put_u32(&p, group->kept.id);
    put_u16(&p, group->filter->len);
    return put(group->server, place, RECORD_GROUP, false, &p, room, filter_text(group->filter));
}

/* ---- as they happen ----------------------------------------------------------------------------------------- */

int
record_session(struct session *s)
{
    return s->durable ? put_session(s, TO_LOG) : 0;
}

int
record_session_end(struct session *s)
{
    return s->durable ? put_id(s->server, RECORD_SESSION_END, s->kept.id) : 0;
}

int
record_park(struct session *s, uint64_t until_s)
{
    return s->durable ? put_park(s, TO_LOG, until_s) : 0;
}

int
record_subscribe(const struct subscription *sub)
{
    return sub->session->durable ? put_subscribe(sub, TO_LOG) : 0;
}

int
record_unsubscribe(const struct session *s, struct view filter)
{
    uint8_t room[RECORD_BYTES_MAX];
    struct pen p = pen_of(room, sizeof(room));
    if (!s->durable)
        return 0;
    put_u32(&p, s->kept.id);
    put_u16(&p, (uint16_t)filter.len);
    return put(s->server, TO_LOG, RECORD_UNSUBSCRIBE, true, &p, room, filter);
}

int
record_forget(const struct session *s, uint16_t packet_id)
{
    return s->durable ? put_packet_id(s, TO_LOG, RECORD_FORGET, packet_id) : 0;
}

int
record_deliver(const struct session *s, const struct inflight *flight)
{
    return s->durable ? put_inflight(s, TO_LOG, RECORD_DELIVER, flight) : 0;
}

int
record_release(const struct session *s, const struct inflight *flight)
{
    return s->durable ? put_inflight(s, TO_LOG, RECORD_RELEASE, flight) : 0;
}

int
record_complete(const struct session *s, uint16_t packet_id)
{
    return s->durable ? put_packet_id(s, TO_LOG, RECORD_COMPLETE, packet_id) : 0;
}

int
record_group(const struct group *group)
{
    return group->server->host->log != NULL ? put_group(group, TO_LOG) : 0;
}

int
record_group_end(const struct group *group)
{
    return group->server->host->log != NULL ? put_id(group->server, RECORD_GROUP_END, group->kept.id) : 0;
}

/* ---- all of it, for a checkpoint ---------------------------------------------------------------------------- */

/* Those of QoS 1 are simply ready again after a restart. */
static int
checkpoint_flow(const struct session *s)
{
    const struct inflights *flights = &s->flow->inflights;
    uint16_t *ids = flights->count == 0 ? NULL : mem_raw(s->server->host->mem, flights->count * sizeof(*ids));
    int rc = flights->count > 0 && ids == NULL ? -ERR_NO_MEMORY : inflights_sorted(flights, ids);
    for (uint32_t i = 0; rc == 0 && i < flights->count; i++) {
        const struct inflight *f = inflights_find(flights, ids[i]);
        if (f->qos == 2 && (f->tap != NULL || f->state == INFLIGHT_RELEASED))
            rc = put_inflight(s, TO_CHECKPOINT, f->state == INFLIGHT_RELEASED ? RECORD_RELEASE : RECORD_DELIVER, f);
    }
    mem_free(s->server->host->mem, ids);
    return rc;
}

static int
checkpoint_received(const struct session *s)
{
    uint32_t at = 0;
    int rc = 0;
    if (s->received == NULL)
        return 0;
    for (uint16_t id = idset_next(&s->received->ids, &at); rc == 0 && id != 0; id = idset_next(&s->received->ids, &at))
        rc = put_packet_id(s, TO_CHECKPOINT, RECORD_RECEIVED, id);
    return rc;
}

static int
checkpoint_subscriptions(const struct session *s)
{
    int rc = 0;
    LIST_EACH(&s->subscriptions, l)
        if (rc == 0)
            rc = put_subscribe(container_of(l, struct subscription, link), TO_CHECKPOINT);
    return rc;
}

static int
checkpoint_session(const struct session *s)
{
    int rc = put_session(s, TO_CHECKPOINT);
    if (rc == 0 && s->connection == NULL)
        rc = put_park(s, TO_CHECKPOINT, s->timer.at_s);
    if (rc == 0)
        rc = checkpoint_subscriptions(s);
    if (rc == 0)
        rc = checkpoint_received(s);
    if (rc == 0 && s->target.queue != NULL)
        rc = queue_checkpoint(s->target.queue);
    return rc == 0 && s->flow != NULL ? checkpoint_flow(s) : rc;
}

static int
checkpoint_kept(const struct kept *kept)
{
    if (kept->kind == KEPT_SESSION)
        return checkpoint_session(container_of(kept, const struct session, kept));
    const struct group *group = container_of(kept, const struct group, kept);
    int rc = put_group(group, TO_CHECKPOINT);
    return rc == 0 ? queue_checkpoint(group->target.queue) : rc;
}

/* The cursor stands before the next one, so that whatever comes and goes meanwhile cannot lose the place. */
int
mqtt_server_checkpoint(struct mqtt_server *server, uint64_t *at, unsigned most)
{
    struct list *cursor = &server->cursor.link;
    if (*at == 0) {
        list_cut(cursor);
        cursor->next = server->keeping.next;
        cursor->prev = &server->keeping;
        cursor->next->prev = cursor;
        server->keeping.next = cursor;
    }
    while (cursor->next != &server->keeping && most-- > 0) {
        struct list *next = cursor->next;
        int rc = checkpoint_kept(container_of(next, struct kept, link));
        if (rc < 0)
            return rc;
        list_cut(next);
        next->prev = cursor->prev;
        next->next = cursor;
        cursor->prev->next = next;
        cursor->prev = next;
        (*at)++;
    }
    if (cursor->next != &server->keeping)
        return 1;
    list_cut(cursor);
    return 0;
}
