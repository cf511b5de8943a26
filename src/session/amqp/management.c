/* Requests to the node, as messages: published to the default exchange under the key `$tambo`, answered under reply_to.
 *
 *     {"do": "list-queues"}                                    -> {"ok": [ ... ]}
 *     {"do": "set-policy", "name": "p", "policy": { ... }}     -> {"ok": true}
 *     {"do": "nonsense"}                                       -> {"error": {"code": 540, "text": "..."}} */
#include "session/amqp/inner.h"

typedef int request_fn(struct channel *ch, const json_t *request, json_t **ret, struct refusal *why);

/* ---- requests ----------------------------------------------------------------------------------------------- */

static struct view
text_of(const json_t *request, const char *key)
{
    const char *text = json_string_value(json_object_get(request, key));
    return text == NULL ? view_of(NULL, 0) : view_str(text);
}

static int
listed(json_t *list, json_t **ret, struct refusal *why)
{
    *ret = list;
    return list == NULL ? deny_rc(why, -ERR_NO_MEMORY) : 0;
}

static int
list_queues(struct channel *ch, const json_t *request, json_t **ret, struct refusal *why)
{
    (void)request;
    return listed(catalog_list_queues(ch->conn->vhost), ret, why);
}

static int
list_exchanges(struct channel *ch, const json_t *request, json_t **ret, struct refusal *why)
{
    (void)request;
    return listed(catalog_list_exchanges(ch->conn->vhost), ret, why);
}

static int
list_bindings(struct channel *ch, const json_t *request, json_t **ret, struct refusal *why)
{
    (void)request;
    return listed(catalog_list_bindings(ch->conn->vhost), ret, why);
}

static int
list_policies(struct channel *ch, const json_t *request, json_t **ret, struct refusal *why)
{
    (void)request;
    return listed(catalog_list_policies(ch->conn->vhost), ret, why);
}

static int
export_definitions(struct channel *ch, const json_t *request, json_t **ret, struct refusal *why)
{
    (void)request;
    return listed(catalog_export(ch->conn->vhost), ret, why);
}

static json_t *
connection_json(const struct conn *c)
{
    char peer[64];
    io_peer(c->stream, peer, sizeof(peer));
    return json_pack("{s:s, s:s%, s:s, s:i, s:i, s:i, s:i, s:b}", "peer_host", peer, "user", c->user,
                     (size_t)c->user_bytes, "protocol", "AMQP 0-9-1", "channels", (int)c->channel_count, "frame_max",
                     (int)c->frame_max, "channel_max", (int)c->channel_max, "timeout", (int)c->heartbeat_s, "blocked",
                     (int)c->told);
}

static int
append_connections(const struct amqp_server *server, const struct vhost *vhost, json_t *list)
{
    LIST_EACH(&server->connections, l) {
        const struct conn *c = container_of(l, struct conn, all);
        if (c->vhost == vhost && json_array_append_new(list, connection_json(c)) < 0)
            return -ERR_NO_MEMORY;
    }
    return server->list_also == NULL || !view_is(vhost_name(vhost), "/")
               ? 0
               : server->list_also(server->list_also_arg, list);
}

static int
list_connections(struct channel *ch, const json_t *request, json_t **ret, struct refusal *why)
{
    (void)request;
    json_t *list = json_array();
    int rc = append_connections(ch->conn->server, ch->conn->vhost, list);
    if (rc < 0) {
        json_decref(list);
        return deny_rc(why, rc);
    }
    return listed(list, ret, why);
}

/* One queue's entry of the list. */
static int
show(struct channel *ch, const json_t *request, json_t **ret, struct refusal *why)
{
    struct view name = text_of(request, "queue");
    json_t *list = catalog_list_queues(ch->conn->vhost), *one;
    size_t i;
    *ret = NULL;
    json_array_foreach(list, i, one) if (view_equal(text_of(one, "name"), name)) *ret = json_incref(one);
    json_decref(list);
    if (*ret != NULL)
        return 0;
    struct view vhost = vhost_name(ch->conn->vhost);
    return deny(why, AMQP_NOT_FOUND, "no queue '%.*s' in vhost '%.*s'", (int)name.len, name.data, (int)vhost.len,
                vhost.data);
}

static int
set_policy(struct channel *ch, const json_t *request, json_t **ret, struct refusal *why)
{
    *ret = json_true();
    return policy_set(ch->conn->vhost, text_of(request, "name"), json_object_get(request, "policy"), why);
}

static int
clear_policy(struct channel *ch, const json_t *request, json_t **ret, struct refusal *why)
{
    *ret = json_true();
    return policy_clear(ch->conn->vhost, text_of(request, "name"), why);
}

static int
import_definitions(struct channel *ch, const json_t *request, json_t **ret, struct refusal *why)
{
    *ret = json_true();
    return catalog_import(ch->conn->vhost, json_object_get(request, "definitions"), why);
}

static void
add_name(void *arg, struct view name)
{
    json_t *list = arg;
    json_array_append_new(list, json_pack("{s:s%}", "name", name.data, name.len));
}

static int
list_vhosts(struct channel *ch, const json_t *request, json_t **ret, struct refusal *why)
{
    (void)request;
    struct session_host *host = channel_host(ch);
    json_t *list = json_array();
    if (list != NULL)
        host->ops->vhosts(host, add_name, list);
    return listed(list, ret, why);
}

static int
want_vhost(struct channel *ch, const json_t *request, bool wanted, struct refusal *why)
{
    struct session_host *host = channel_host(ch);
    struct view name = text_of(request, "name");
    int rc = host->ops->vhost(host, name, wanted);
    if (rc == -ERR_EXISTS)
        return deny(why, AMQP_PRECONDITION_FAILED, "vhost '%.*s' exists already", (int)name.len, name.data);
    if (rc == -ERR_NOT_FOUND)
        return deny(why, AMQP_NOT_FOUND, "no vhost '%.*s'", (int)name.len, name.data);
    if (rc == -ERR_INVALID)
        return deny(why, AMQP_PRECONDITION_FAILED, "the name of a vhost has 1 to %d bytes", VHOST_NAME_BYTES_MAX);
    return rc < 0 ? deny_rc(why, rc) : 0;
}

static int
add_vhost(struct channel *ch, const json_t *request, json_t **ret, struct refusal *why)
{
    *ret = json_true();
    return want_vhost(ch, request, true, why);
}

static int
delete_vhost(struct channel *ch, const json_t *request, json_t **ret, struct refusal *why)
{
    *ret = json_true();
    if (view_is(text_of(request, "name"), "/"))
        return deny(why, AMQP_ACCESS_REFUSED, "vhost '/' stays");
    return want_vhost(ch, request, false, why);
}

static const struct row {
    const char *name;
    request_fn *on;
    bool changes; /* its answer waits for the disk */
} rows[] = {
    {"list-queues",       list_queues,        false},
    { "list-exchanges",   list_exchanges,     false},
    { "list-bindings",    list_bindings,      false},
    { "list-policies",    list_policies,      false},
    { "list-connections", list_connections,   false},
    { "list-vhosts",      list_vhosts,        false},
    { "show",             show,               false},
    { "export",           export_definitions, false},
    { "set-policy",       set_policy,         true },
    { "clear-policy",     clear_policy,       true },
    { "import",           import_definitions, true },
    { "add-vhost",        add_vhost,          true },
    { "delete-vhost",     delete_vhost,       true },
};

/* ---- answers ------------------------------------------------------------------------------------------------ */

static json_t *
handle(struct channel *ch, struct view body, bool *retchanges)
{
    struct refusal why;
    json_t *request = json_loadb((const char *)body.data, body.len, 0, NULL), *result = NULL;
    struct view what = text_of(request, "do");
    int rc = deny(&why, AMQP_NOT_IMPLEMENTED, "unknown request '%.*s'", (int)(what.len < 64 ? what.len : 64),
                  what.len == 0 ? (const uint8_t *)"" : what.data);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (view_is(what, rows[i].name)) {
            rc = rows[i].on(ch, request, &result, &why);
            *retchanges = rows[i].changes;
        }
    json_decref(request);
    if (rc == 0)
        return json_pack("{s:o}", "ok", result);
    return json_pack("{s:{s:i, s:s}}", "error", "code", (int)why.code, "text", why.text);
}

static void
send(struct channel *ch, const struct amqp_properties *asked, struct view body, bool waits)
{
    uint8_t room[AMQP_SHORTSTR_MAX + 64];
    struct amqp_properties props = { .present = 1 << AMQP_CONTENT_TYPE | (asked->present & 1 << AMQP_CORRELATION_ID),
                                     .content_type = view_str("application/json"),
                                     .correlation_id = asked->correlation_id };
    struct pen p = pen_of(room, sizeof(room));
    amqp_properties_put(&p, &props);
    must(!p.torn);
    struct posting posting = { .exchange = view_of(room, 0),
                               .key = asked->reply_to,
                               .props = view_of(room, sizeof(room) - pen_left(&p)),
                               .body = body };
    struct published published;
    if (waits || answer_later(ch->conn))
        answer_posting(ch->conn, ch->number, &posting, waits);
    else
        publish_posting(ch, &posting, &published);
}

int
manage(struct channel *ch, const struct posting *posting, const struct amqp_properties *props)
{
    bool changes = false;
    if (!amqp_has(props, AMQP_REPLY_TO) || view_is(props->reply_to, MANAGEMENT_KEY))
        return 0;
    json_t *answer = handle(ch, posting->body, &changes);
    size_t n = json_dumpb(answer, NULL, 0, JSON_COMPACT);
    char *text = answer == NULL ? NULL : mem_raw(channel_mem(ch), n + 1);
    if (text != NULL) {
        json_dumpb(answer, text, n, JSON_COMPACT);
        send(ch, props, view_of(text, n), changes);
    }
    json_decref(answer);
    int rc = text == NULL ? -ERR_NO_MEMORY : 0;
    mem_free(channel_mem(ch), text);
    return rc;
}
