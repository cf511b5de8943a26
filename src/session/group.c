/* Shared subscriptions: a queue whose members' links take turns (MQTT 5, 4.8.2).
 *
 * QoS 0 goes to one member that is there, or is lost, as it would be to a single client.  QoS 1 and 2 wait in the queue
 * for whoever has credit; what a member has not acknowledged when its connection ends
 * goes to the others. */
#include "session/mqtt_inner.h"

#include "base/must.h"

static const char share_prefix[] = "$share/";
enum { SHARE_PREFIX_BYTES = sizeof(share_prefix) - 1 };

bool
share_split(struct view text, struct view *retname, struct view *retfilter)
{
    if (!view_starts(text, share_prefix))
        return false;
    struct view rest = view_from(text, SHARE_PREFIX_BYTES);
    const uint8_t *slash = rest.len == 0 ? NULL : memchr(rest.data, '/', rest.len);
    if (slash == NULL)
        return false;
    size_t n = (size_t)(slash - rest.data);
    *retname = view_of(rest.data, n);
    *retfilter = view_from(rest, n + 1);
    return true;
}

/* ---- on a publication's way --------------------------------------------------------------------------------- */

static void
plan(struct hop *hop, struct outgoing *out)
{
    struct group *group = container_of(hop, struct group, hop);
    struct session_host *host = group->server->host;
    bool passes = group->member_count == 0; /* it came too late, and goes to members elsewhere */
    if ((passes && group->forward == NULL) || !host->ops->group_here(host, group->topics, group->name, out))
        return;
    const struct envelope *env = &out->pub.env;
    exchange_add(out, &group->target, passes || env->qos < group->qos ? env->qos : group->qos, env->retain, 0);
}

/* The members that are there take turns. */
static struct member *
next_online(struct group *group)
{
    LIST_EACH(&group->members, l) {
        struct member *member = container_of(l, struct member, link);
        if (!connection_ready(member->tap.session->connection))
            continue;
        list_push(&group->members, l);
        return member;
    }
    return NULL;
}

static void
deliver_0(struct group *group, struct outgoing *out, const struct delivery *delivery)
{
    struct member *member = next_online(group);
    if (member == NULL) {
        group->server->host->counters.publishes_dropped++;
        return;
    }
    const struct subscription *sub = member->subscription;
    struct delivery own = {
        .target = &sub->session->target,
        .retain = delivery->retain && sub->retain_as_published,
        .ids = { sub->id },
        .id_count = sub->id != 0,
    };
    publish_0(sub->session, out, &own);
}

static void
deliver(struct target *target, struct outgoing *out, const struct delivery *delivery)
{
    struct group *group = container_of(target, struct group, target);
    struct entry_meta meta = { .qos = delivery->qos, .retain = delivery->retain };
    if (delivery->qos == 0)
        deliver_0(group, out, delivery);
    else if (queue_push(target->queue, &out->pub, meta) < 0)
        group->server->host->counters.publishes_dropped++;
}

static const struct hop_ops hop_ops = { .plan = plan };
static const struct target_ops target_ops = { .deliver = deliver };

/* ---- life --------------------------------------------------------------------------------------------------- */

void
group_free(struct group *group)
{
    struct mqtt_server *server = group->server;
    struct filter *f = group->filter;
    must(list_empty(&group->members));
    LIST_EACH(&group->leavers, l) /* of sessions that know nothing of it any more: their records were damaged */
        member_free(container_of(l, struct member, link));
    forward_free(group);
    route_cut(server->host->route, &group->hop.row);
    server_unkeep(server, &group->kept);
    queue_free(group->target.queue);
    mem_free(server->host->mem, group);
    f->group = NULL;
    filter_drop(server, f);
}

static int
open_queue(struct group *group, uint32_t id)
{
    struct mqtt_server *server = group->server;
    struct session_host *host = server->host;
    int rc = server_keep(server, &group->kept, KEPT_GROUP, id);
    return rc < 0 ? rc : queue_new(&host->queues, id, host->log != NULL, server->settings->queue, &group->target.queue);
}

int
group_renew(struct group *group, uint32_t id)
{
    LIST_EACH(&group->members, l) {
        struct tap *tap = &container_of(l, struct member, link)->tap;
        flow_untap(tap->session, tap);
    }
    server_unkeep(group->server, &group->kept);
    queue_free(group->target.queue);
    group->target.queue = NULL;
    int rc = open_queue(group, id);
    if (rc < 0)
        return rc;
    group->provisional = false;
    LIST_EACH(&group->members, l) {
        struct member *member = container_of(l, struct member, link);
        flow_tap(member->tap.session, &member->tap, group->target.queue, member);
    }
    return 0;
}

int
group_of(struct mqtt_server *server, struct filter *filter, uint32_t id, struct group **ret)
{
    if (filter->group != NULL) {
        *ret = filter->group;
        return 0;
    }
    struct group *group = MEM_NEW(server->host->mem, struct group);
    if (group == NULL) {
        filter_drop(server, filter);
        return -ERR_NO_MEMORY;
    }
    group->server = server;
    group->hop.ops = &hop_ops;
    group->target.ops = &target_ops;
    group->target.asks_again = true;
    group->filter = filter;
    group->provisional = id == 0 && server->restoring;
    filter->group = group;
    list_init(&group->kept.link);
    list_init(&group->members);
    list_init(&group->leavers);
    must(share_split(filter_text(filter), &group->name, &group->topics));
    int rc = route_add(server->host->route, ROUTE_MQTT, group->topics, &group->hop.row);
    if (rc == 0)
        rc = open_queue(group, id != 0 ? id : host_new_id(server->host));
    if (rc == 0 && id == 0)
        rc = record_group(group);
    if (rc < 0) {
        group_free(group);
        return rc;
    }
    *ret = group;
    return 0;
}

/* $share/NAME/FILTER in the server's scratch; empty: no memory. */
static struct view
share_text(struct mqtt_server *server, struct view topics, struct view name)
{
    size_t room = SHARE_PREFIX_BYTES + name.len + 1 + topics.len;
    uint8_t *text = server_scratch(server, room);
    if (text == NULL)
        return view_of(NULL, 0);
    struct pen p = pen_of(text, room);
    put_bytes(&p, view_str(share_prefix));
    put_bytes(&p, name);
    put_u8(&p, '/');
    put_bytes(&p, topics);
    return view_of(text, room);
}

static struct group *
find(struct mqtt_server *server, struct view topics, struct view name)
{
    struct view text = share_text(server, topics, name);
    struct filter *f = text.len == 0 ? NULL : filter_find(server, text);
    return f == NULL ? NULL : f->group;
}

static void
end(struct group *group)
{
    int rc = record_group_end(group);
    if (rc < 0)
        host_say(group->server->host, LOG_ERROR, "group", "the end of shared subscription %u is not recorded: %s",
                 group->kept.id, err_text(rc));
    group_free(group);
}

/* Nobody is here for what waits, or for what clients that left do not acknowledge.  But those are sent what has begun
 * of QoS 2 until they have it, or their sessions end. */
static void
wind_up(struct group *group)
{
    LIST_EACH(&group->leavers, l) {
        struct member *member = container_of(l, struct member, link);
        flow_disown(&member->tap);
        if (member->tap.link.flight == 0)
            member_free(member);
    }
    if (list_empty(&group->leavers)) {
        end(group);
        return;
    }
    forward_free(group);
    (void)queue_purge(group->target.queue);
}

/* Nobody is left.  With one shard that is the end; else the shard says whether somebody elsewhere takes what still
 * waits (mqtt_server_group), and a group that stays without members is empty. */
static void
settle_empty(struct group *group)
{
    struct session_host *host = group->server->host;
    enum group_fate fate = host->shards == 1 ? GROUP_ENDS : host->ops->group_fate(host, group->topics, group->name);
    if (fate == GROUP_ENDS)
        wind_up(group);
    else if (queue_count(group->target.queue) == 0 && list_empty(&group->leavers))
        end(group);
}

void
group_rest(struct group *group)
{
    if (group->member_count == 0 && !group->server->restoring)
        settle_empty(group);
}

void
mqtt_server_group(struct mqtt_server *server, struct view topics, struct view name, enum group_fate fate)
{
    struct group *group = find(server, topics, name);
    if (group == NULL || server->restoring)
        return;
    if (fate == GROUP_LEAVES)
        forward_begin(group);
    else
        forward_end(group);
    if (group->member_count == 0 && fate == GROUP_ENDS)
        wind_up(group);
}

int
mqtt_server_group_keep(struct mqtt_server *server, struct view topics, struct view name)
{
    struct session_host *host = server->host;
    struct group *group = find(server, topics, name);
    if (group != NULL && group->member_count > 0)
        return 0;
    if (host->ops->group_fate(host, topics, name) != GROUP_LEAVES)
        return 0;
    struct view text = share_text(server, topics, name);
    struct filter *f = text.len == 0 ? NULL : filter_of(server, text);
    int rc = f == NULL ? -ERR_NO_MEMORY : group_of(server, f, 0, &group);
    if (rc == 0)
        forward_begin(group);
    return rc == 0 && group->forward == NULL ? -ERR_NO_MEMORY : rc;
}

static void
confirm(struct group *group)
{
    int rc = record_group(group);
    group->provisional = false;
    if (rc < 0)
        host_say(group->server->host, LOG_ERROR, "group", "shared subscription %u is not recorded: %s", group->kept.id,
                 err_text(rc));
}

void
groups_restored(struct mqtt_server *server)
{
    LIST_EACH(&server->keeping, l) {
        struct kept *kept = container_of(l, struct kept, link);
        struct group *group = kept->kind == KEPT_GROUP ? container_of(kept, struct group, kept) : NULL;
        if (group != NULL && group->member_count == 0 && server->host->shards == 1)
            settle_empty(group); /* else the others have yet to say who has members: mqtt_server_told() */
        else if (group != NULL && group->member_count > 0 && group->provisional)
            confirm(group);
    }
}

void
mqtt_server_told(struct mqtt_server *server)
{
    LIST_EACH(&server->keeping, l) {
        struct kept *kept = container_of(l, struct kept, link);
        if (kept->kind == KEPT_GROUP)
            group_rest(container_of(kept, struct group, kept));
    }
}

/* ---- members ------------------------------------------------------------------------------------------------ */

void
group_changed(struct group *group)
{
    struct mqtt_server *server = group->server;
    group->qos = 0;
    LIST_EACH(&group->members, l) {
        const struct subscription *sub = container_of(l, struct member, link)->subscription;
        group->qos = sub->qos > group->qos ? sub->qos : group->qos;
    }
    if (!server->restoring)
        server->host->ops->filter_changed(server->host, group->topics, group->name, group->member_count, group->online);
}

int
group_join(struct group *group, struct subscription *sub)
{
    struct session *s = sub->session;
    struct member *member = session_flow(s) == NULL ? NULL : MEM_NEW(group->server->host->mem, struct member);
    if (member == NULL) {
        group_rest(group);
        return -ERR_NO_MEMORY;
    }
    list_init(&member->link);
    member->group = group;
    member->subscription = sub;
    sub->member = member;
    group->member_count++;
    group->online += s->connection != NULL;
    list_push(&group->members, &member->link);
    flow_tap(s, &member->tap, group->target.queue, member);
    group_changed(group);
    return 0;
}

struct tap *
group_leaver(struct group *group, struct session *s)
{
    LIST_EACH(&group->leavers, l) {
        struct tap *tap = &container_of(l, struct member, link)->tap;
        if (tap->session == s)
            return tap;
    }
    struct member *member = MEM_NEW(group->server->host->mem, struct member);
    if (member == NULL)
        return NULL;
    list_init(&member->link);
    member->group = group;
    list_push(&group->leavers, &member->link);
    flow_tap(s, &member->tap, group->target.queue, member);
    list_cut(&member->tap.all);
    return &member->tap;
}

void
member_free(struct member *member)
{
    link_detach(&member->tap.link);
    list_cut(&member->link);
    mem_free(member->group->server->host->mem, member);
}

void
group_leave(struct subscription *sub)
{
    struct member *member = sub->member;
    struct group *group = member->group;
    flow_leave(sub->session, &member->tap);
    sub->member = NULL;
    member->subscription = NULL;
    list_push(&group->leavers, &member->link);
    tap_rest(&member->tap);
    group->member_count--;
    group->online -= sub->session->connection != NULL;
    group_changed(group); /* an empty one may be ended by this */
    if (sub->filter->group != NULL)
        group_rest(group);
}

void
groups_online(struct session *s, bool online)
{
    if (s->flow == NULL)
        return;
    LIST_EACH(&s->flow->taps, l) {
        struct member *member = container_of(l, struct tap, all)->member;
        if (member == NULL)
            continue;
        member->group->online += online ? 1u : UINT32_MAX;
        group_changed(member->group);
    }
}
