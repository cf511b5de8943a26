/* Exchanges: declared, found, deleted.  Checks and texts are RabbitMQ's (rabbit_channel, rabbit_exchange). */
#include <stdio.h>

#include "catalog/inner.h"

/* ---- types -------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum xchg_type type;
} types[] = {
    {"direct",             XCHG_DIRECT },
    { "fanout",            XCHG_FANOUT },
    { "topic",             XCHG_TOPIC  },
    { "headers",           XCHG_HEADERS},
    { "x-consistent-hash", XCHG_HASH   },
};
enum { TYPES = sizeof(types) / sizeof(types[0]) };
static const char delayed_type[] = "x-delayed-message";

static bool
type_of(struct view name, enum xchg_type *ret)
{
    for (size_t i = 0; i < TYPES; i++)
        if (view_is(name, types[i].name)) {
            *ret = types[i].type;
            return true;
        }
    return false;
}

static bool
delays(const struct exchange_spec *spec)
{
    return view_is(spec->type, delayed_type);
}

/* What routes: its own type, or the one that it delays for. */
static bool
routing_type(const struct exchange_spec *spec, enum xchg_type *ret)
{
    struct amqp_value v;
    if (!delays(spec))
        return type_of(spec->type, ret);
    return amqp_table_find(spec->arguments, "x-delayed-type", &v) && v.type == 'S' && type_of(v.bytes, ret);
}

struct view
xchg_type_name(const struct xchg *x)
{
    if (x->delays)
        return view_str(delayed_type);
    for (size_t i = 0; i < TYPES; i++)
        if (types[i].type == x->type)
            return view_str(types[i].name);
    return view_str("direct"); /* the default exchange */
}

/* ---- found -------------------------------------------------------------------------------------------------- */

static bool
same_xchg(const void *value, const void *key)
{
    return view_equal(xchg_name(value), *(const struct view *)key);
}

struct xchg *
xchg_find(const struct vhost *vhost, struct view name)
{
    return map_get(&vhost->exchanges, hash_bytes(name, 0), same_xchg, &name);
}

bool
xchg_internal(const struct xchg *x)
{
    return x->internal;
}

/* ---- checked ------------------------------------------------------------------------------------------------ */

static struct view
arguments_of(const struct xchg *x)
{
    return view_of(x->arguments, x->arguments_bytes);
}

static const char alternate_key[] = "alternate-exchange";

static struct view
alternate_of(struct view arguments)
{
    struct amqp_value v;
    return amqp_table_find(arguments, alternate_key, &v) && v.type == 'S' ? v.bytes : view_of(NULL, 0);
}

static int
same_type(const struct xchg *x, struct view type, const struct label *l, struct refusal *why)
{
    char received[AMQP_SHORTSTR_MAX + 4], current[AMQP_SHORTSTR_MAX + 4];
    struct view has = xchg_type_name(x);
    if (view_equal(type, has))
        return 0;
    (void)snprintf(received, sizeof(received), "'%.*s'", VIEW_ARGS(type));
    (void)snprintf(current, sizeof(current), "'%.*s'", VIEW_ARGS(has));
    return inequivalent(why, l, "type", received, current);
}

static int
same_alternate(const struct xchg *x, struct view arguments, const struct label *l, struct refusal *why)
{
    struct amqp_value received, current;
    bool has_received = amqp_table_find(arguments, alternate_key, &received);
    bool has_current = amqp_table_find(arguments_of(x), alternate_key, &current);
    return same_argument(why, l, alternate_key, has_received ? &received : NULL, has_current ? &current : NULL);
}

/* In RabbitMQ's order: rabbit_exchange:assert_equivalence. */
static int
check_same(const struct xchg *x, const struct exchange_spec *spec, struct refusal *why)
{
    struct label l = label_of("exchange", x->vhost, xchg_name(x));
    int rc = same_type(x, spec->type, &l, why);
    if (rc == 0)
        rc = same_flag(why, &l, "durable", spec->durable, x->durable);
    if (rc == 0)
        rc = same_flag(why, &l, "auto_delete", spec->auto_delete, x->auto_delete);
    if (rc == 0)
        rc = same_flag(why, &l, "internal", spec->internal, x->internal);
    return rc == 0 ? same_alternate(x, spec->arguments, &l, why) : rc;
}

bool
xchg_is(const struct xchg *x, const struct exchange_spec *spec)
{
    return view_equal(xchg_type_name(x), spec->type) && x->durable == spec->durable &&
           x->auto_delete == spec->auto_delete && x->internal == spec->internal &&
           view_equal(arguments_of(x), spec->arguments);
}

static const char default_text[] = "operation not permitted on the default exchange";

static int
check_arguments(const struct vhost *vhost, const struct exchange_spec *spec, struct refusal *why)
{
    struct amqp_value v;
    struct view in = vhost_name(vhost);
    enum xchg_type type;
    if (amqp_table_find(spec->arguments, alternate_key, &v) && v.type != 'S')
        return refuse(why, AMQP_PRECONDITION_FAILED, "invalid type '%s' for arg '%s' in %s", amqp_type_name(v.type),
                      alternate_key, label_of("exchange", vhost, spec->name).text);
    if (!routing_type(spec, &type))
        return refuse(why, AMQP_PRECONDITION_FAILED,
                      "Invalid argument, 'x-delayed-type' must be an existing exchange type");
    if (vhost->exchanges.count >= vhost->catalog->settings->exchanges_max)
        return refuse(why, AMQP_PRECONDITION_FAILED,
                      "cannot declare exchange '%.*s' in vhost '%.*s': exchange limit of %u is reached",
                      VIEW_ARGS(spec->name), VIEW_ARGS(in), vhost->catalog->settings->exchanges_max);
    return type == XCHG_HASH ? ring_check_arguments(spec->arguments, why) : 0;
}

int
xchg_check(const struct vhost *vhost, const struct exchange_spec *spec, struct refusal *why)
{
    enum xchg_type type;
    if (!type_of(spec->type, &type) && !delays(spec))
        return refuse(why, AMQP_COMMAND_INVALID, "unknown exchange type '%.*s'", VIEW_ARGS(spec->type));
    if (spec->name.len == 0)
        return refuse(why, AMQP_ACCESS_REFUSED, "%s", default_text);
    const struct xchg *x = xchg_find(vhost, spec->name);
    if (x != NULL)
        return check_same(x, spec, why);
    if (view_starts(spec->name, "amq."))
        return refuse(why, AMQP_ACCESS_REFUSED, "exchange name '%.*s' contains reserved prefix 'amq.*'",
                      VIEW_ARGS(spec->name));
    return check_arguments(vhost, spec, why);
}

/* ---- made and freed ----------------------------------------------------------------------------------------- */

static int
copy_arguments(struct xchg *x, struct view arguments)
{
    if (arguments.len == 0)
        return 0;
    x->arguments = mem_raw(x->vhost->catalog->host->mem, arguments.len);
    if (x->arguments == NULL)
        return -ERR_NO_MEMORY;
    memcpy(x->arguments, arguments.data, arguments.len);
    x->arguments_bytes = (uint32_t)arguments.len;
    return 0;
}

static bool
is_trie(const struct xchg *x)
{
    return x->vhost->shares_trie && view_is(xchg_name(x), "amq.topic");
}

static int
make_state(struct xchg *x)
{
    struct catalog_host *host = x->vhost->catalog->host;
    if (x->type == XCHG_HASH)
        return ring_new(x);
    if (x->type != XCHG_TOPIC)
        return 0;
    if (!is_trie(x))
        return route_new(host->mem, &x->route);
    x->route = host->route;
    return 0;
}

static struct xchg *
bare(struct vhost *vhost, const struct exchange_spec *spec)
{
    struct mem *mem = vhost->catalog->host->mem;
    struct xchg *x = mem_new(mem, sizeof(*x) + spec->name.len);
    if (x == NULL)
        return NULL;
    x->vhost = vhost;
    x->durable = spec->durable;
    x->auto_delete = spec->auto_delete;
    x->internal = spec->internal;
    x->delays = delays(spec);
    x->name_bytes = (uint16_t)spec->name.len;
    if (spec->name.len > 0)
        memcpy(x->name, spec->name.data, spec->name.len);
    map_init(&x->keys, mem);
    list_init(&x->bindings);
    list_init(&x->feeds);
    list_init(&x->walk);
    list_init(&x->link);
    list_push(&vhost->xchgs, &x->link);
    kept_add(vhost->catalog, &x->kept, KEPT_XCHG);
    return x;
}

int
xchg_make(struct vhost *vhost, const struct exchange_spec *spec, struct xchg **ret)
{
    enum xchg_type type;
    if (spec->name.len > AMQP_SHORTSTR_MAX || !routing_type(spec, &type))
        return -ERR_INVALID;
    struct xchg *x = bare(vhost, spec);
    if (x == NULL)
        return -ERR_NO_MEMORY;
    x->type = type;
    int rc = copy_arguments(x, spec->arguments);
    if (rc == 0)
        rc = make_state(x);
    if (rc == 0)
        rc = map_put(&vhost->exchanges, hash_bytes(spec->name, 0), x);
    if (rc < 0) {
        xchg_free(x);
        return rc;
    }
    xchg_policy(x);
    *ret = x;
    return 0;
}

void
xchg_free(struct xchg *x)
{
    struct mem *mem = x->vhost->catalog->host->mem;
    while (!list_empty(&x->bindings))
        binding_free(container_of(x->bindings.next, struct binding, from));
    while (!list_empty(&x->feeds))
        binding_free(container_of(x->feeds.next, struct binding, to));
    map_cut(&x->vhost->exchanges, hash_bytes(xchg_name(x), 0), x);
    map_fini(&x->keys);
    if (x->route != NULL && x->route != x->vhost->catalog->host->route)
        route_free(x->route);
    ring_free(x);
    mem_free(mem, x->arguments);
    list_cut(&x->walk);
    list_cut(&x->kept.link);
    list_cut(&x->link);
    mem_free(mem, x);
}

/* An argument says more than a policy (rabbit_policy). */
void
xchg_policy(struct xchg *x)
{
    const json_t *alternate = NULL;
    x->policy = policy_of(x->vhost, xchg_name(x), POLICY_XCHGS);
    x->alternate = alternate_of(arguments_of(x));
    if (x->policy != NULL && x->alternate.len == 0)
        alternate = json_object_get(x->policy->definition, alternate_key);
    if (json_is_string(alternate))
        x->alternate = view_of(json_string_value(alternate), json_string_length(alternate));
}

/* ---- declared and deleted ----------------------------------------------------------------------------------- */

static void
tell_stored(bool *ret, const struct xchg *x)
{
    if (ret != NULL)
        *ret = x->durable && !x->predeclared && x->vhost->catalog->host->log != NULL;
}

int
xchg_declare(struct vhost *vhost, const struct exchange_spec *spec, bool *retstored, struct refusal *why)
{
    int rc = xchg_check(vhost, spec, why);
    if (rc < 0)
        return rc;
    struct xchg *x = xchg_find(vhost, spec->name);
    if (x == NULL) {
        rc = xchg_make(vhost, spec, &x);
        if (rc < 0)
            return refuse_world(why, rc);
        rc = record_xchg(x);
    }
    if (rc < 0) {
        xchg_free(x);
        return refuse_world(why, rc);
    }
    tell_stored(retstored, x);
    return 0;
}

int
xchg_delete(struct vhost *vhost, struct view name, bool if_unused, bool *retstored, struct refusal *why)
{
    struct view in = vhost_name(vhost);
    struct xchg *x = xchg_find(vhost, name);
    if (retstored != NULL)
        *retstored = false;
    if (name.len == 0)
        return refuse(why, AMQP_ACCESS_REFUSED, "%s", default_text);
    if (view_starts(name, "amq."))
        return refuse(why, AMQP_ACCESS_REFUSED, "deletion of system exchange '%.*s' in vhost '%.*s' not allowed",
                      VIEW_ARGS(name), VIEW_ARGS(in));
    if (x == NULL)
        return 0; /* as RabbitMQ since 3.2 */
    if (if_unused && !list_empty(&x->bindings))
        return refuse(why, AMQP_PRECONDITION_FAILED, "exchange '%.*s' in vhost '%.*s' in use", VIEW_ARGS(name),
                      VIEW_ARGS(in));
    int rc = record_xchg_end(x);
    if (rc < 0)
        return refuse_world(why, rc);
    tell_stored(retstored, x);
    xchg_drop(x);
    return 0;
}
