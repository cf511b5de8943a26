/* Definitions of one virtual host as RabbitMQ exports and imports them:
 *
 *     {"vhosts": [{"name"}], "policies": [...], "queues": [...], "exchanges": [...], "bindings": [...]}
 *
 * What names another virtual host is not for this one.  An import is read twice: the first time everything that can be
 * known beforehand is checked, and nothing changes.  What then fails all the same undoes what was made before it. */
#include "base/limits.h"
#include "catalog/inner.h"

/* ---- export --------------------------------------------------------------------------------------------------------
 */

/* Neither what dies with its connection, nor what a client could not declare by its name. */
static bool
is_exported(const struct mq *mq)
{
    return !mq->exclusive && !view_starts(mq_name(mq), "amq.");
}

static json_t *
export_queues(const struct vhost *vhost)
{
    json_t *list = json_array();
    LIST_EACH(&vhost->mqs, l)
        if (list != NULL && is_exported(container_of(l, struct mq, link)))
            list = json_appended(list, mq_json(container_of(l, struct mq, link)));
    return list;
}

static json_t *
export_exchanges(const struct vhost *vhost)
{
    json_t *list = json_array();
    LIST_EACH(&vhost->xchgs, l)
        if (list != NULL && !container_of(l, struct xchg, link)->predeclared)
            list = json_appended(list, xchg_json(container_of(l, struct xchg, link)));
    return list;
}

static json_t *
export_bindings(const struct vhost *vhost)
{
    json_t *list = json_array();
    LIST_EACH(&vhost->xchgs, x)
        LIST_EACH(&container_of(x, struct xchg, link)->bindings, l) {
            const struct binding *b = container_of(l, struct binding, from);
            if (list != NULL && (b->mq == NULL || is_exported(b->mq)))
                list = json_appended(list, binding_json(b));
        }
    return list;
}

json_t *
catalog_export(const struct vhost *vhost)
{
    return json_pack("{s:[{s:o}], s:o, s:o, s:o, s:o}", "vhosts", "name", text_json(vhost_name(vhost)), "policies",
                     catalog_list_policies(vhost), "queues", export_queues(vhost), "exchanges", export_exchanges(vhost),
                     "bindings", export_bindings(vhost));
}

/* ---- one item ------------------------------------------------------------------------------------------------------
 */

struct import {
    struct vhost *vhost;
    const json_t *definitions;
    const char *section;
    struct refusal *why;
    json_t *undo; /* in order of making: {"section", "item", "old": the policy that was there} */
};

static int
bad(const struct import *in, const char *key, const char *what)
{
    return refuse(in->why, AMQP_PRECONDITION_FAILED, "'%s' is not %s", key, what);
}

/* It is about to be made: noted first, so that it can be undone.  `old` is taken; NULL: none. */
static int
note(const struct import *in, const json_t *item, json_t *old)
{
    json_t *entry = json_pack("{s:s, s:O, s:o*}", "section", in->section, "item", item, "old", old);
    return entry == NULL || json_array_append_new(in->undo, entry) < 0 ? refuse_world(in->why, -ERR_NO_MEMORY) : 0;
}

static int
text(const struct import *in, const json_t *item, const char *key, struct view *ret)
{
    const json_t *value = json_object_get(item, key);
    if (!json_is_string(value) || json_string_length(value) > AMQP_SHORTSTR_MAX)
        return bad(in, key, "a text of 255 bytes at most");
    *ret = view_of(json_string_value(value), json_string_length(value));
    return 0;
}

/* What is left out is false. */
static int
flag(const struct import *in, const json_t *item, const char *key, bool *ret)
{
    const json_t *value = json_object_get(item, key);
    if (value != NULL && !json_is_boolean(value))
        return bad(in, key, "true or false");
    *ret = json_is_true(value);
    return 0;
}

/* The caller frees *retroom. */
static int
arguments(const struct import *in, const json_t *item, uint8_t **retroom, struct view *ret)
{
    size_t len;
    int rc = field_table(in->vhost->catalog->host->mem, json_object_get(item, "arguments"), retroom, &len);
    if (rc == -ERR_INVALID)
        return bad(in, "arguments", "an object of settings");
    *ret = view_of(*retroom, rc < 0 ? 0 : len);
    return rc < 0 ? refuse_world(in->why, rc) : 0;
}

static int
read_queue(const struct import *in, const json_t *item, struct queue_spec *ret, uint8_t **retroom)
{
    int rc = text(in, item, "name", &ret->name);
    if (rc == 0 && ret->name.len == 0)
        rc = bad(in, "name", "given");
    if (rc == 0)
        rc = flag(in, item, "durable", &ret->durable);
    if (rc == 0)
        rc = flag(in, item, "auto_delete", &ret->auto_delete);
    return rc == 0 ? arguments(in, item, retroom, &ret->arguments) : rc;
}

static int
on_queue(const struct import *in, const json_t *item, bool check)
{
    struct queue_spec spec = { 0 };
    struct mq_rules rules;
    uint8_t *room = NULL;
    int rc = read_queue(in, item, &spec, &room);
    struct mq *mq = rc < 0 ? NULL : mq_find(in->vhost, spec.name);
    if (rc == 0 && !check && mq == NULL)
        rc = note(in, item, NULL);
    if (rc == 0 && !check)
        rc = mq_declare(in->vhost, &spec, &mq, NULL, NULL, in->why);
    else if (rc == 0)
        rc = mq != NULL ? mq_equivalent(mq, &spec, in->why) : mq_rules_parse(in->vhost, &spec, NULL, &rules, in->why);
    mem_free(in->vhost->catalog->host->mem, room);
    return rc;
}

static int
read_exchange(const struct import *in, const json_t *item, struct exchange_spec *ret, uint8_t **retroom)
{
    int rc = text(in, item, "name", &ret->name);
    if (rc == 0)
        rc = text(in, item, "type", &ret->type);
    if (rc == 0)
        rc = flag(in, item, "durable", &ret->durable);
    if (rc == 0)
        rc = flag(in, item, "auto_delete", &ret->auto_delete);
    if (rc == 0)
        rc = flag(in, item, "internal", &ret->internal);
    return rc == 0 ? arguments(in, item, retroom, &ret->arguments) : rc;
}

static int
on_exchange(const struct import *in, const json_t *item, bool check)
{
    struct exchange_spec spec = { 0 };
    uint8_t *room = NULL;
    int rc = read_exchange(in, item, &spec, &room);
    if (rc == 0 && !check && xchg_find(in->vhost, spec.name) == NULL)
        rc = note(in, item, NULL);
    if (rc == 0)
        rc = check ? xchg_check(in->vhost, &spec, in->why) : xchg_declare(in->vhost, &spec, NULL, in->why);
    mem_free(in->vhost->catalog->host->mem, room);
    return rc;
}

/* Will it be there when the bindings are made? */
static bool
defined(const struct import *in, const char *section, struct view name)
{
    size_t i;
    const json_t *item;
    json_array_foreach(json_object_get(in->definitions, section), i, item)
    {
        const json_t *value = json_object_get(item, "name");
        if (json_is_string(value) && view_is(name, json_string_value(value)))
            return true;
    }
    return false;
}

static int
check_end(const struct import *in, struct view name, bool is_queue)
{
    const char *kind = is_queue ? "queue" : "exchange";
    bool known = is_queue ? mq_find(in->vhost, name) != NULL : xchg_find(in->vhost, name) != NULL;
    if (known || defined(in, is_queue ? "queues" : "exchanges", name))
        return 0;
    return refuse(in->why, AMQP_NOT_FOUND, "no %s '%.*s' in vhost '%.*s'", kind, VIEW_ARGS(name),
                  VIEW_ARGS(vhost_name(in->vhost)));
}

static int
read_binding(const struct import *in, const json_t *item, struct binding_spec *ret, uint8_t **retroom)
{
    struct view kind = { NULL, 0 };
    int rc = text(in, item, "source", &ret->source);
    if (rc == 0)
        rc = text(in, item, "destination", &ret->destination);
    if (rc == 0)
        rc = text(in, item, "destination_type", &kind);
    if (rc == 0)
        rc = text(in, item, "routing_key", &ret->key);
    if (rc == 0 && !view_is(kind, "queue") && !view_is(kind, "exchange"))
        rc = bad(in, "destination_type", "queue or exchange");
    ret->kind = view_is(kind, "exchange") ? BIND_XCHG : BIND_QUEUE;
    return rc == 0 ? arguments(in, item, retroom, &ret->arguments) : rc;
}

static int
on_binding(const struct import *in, const json_t *item, bool check)
{
    struct binding_spec spec = { 0 };
    uint8_t *room = NULL;
    int rc = read_binding(in, item, &spec, &room);
    if (rc == 0 && check)
        rc = check_end(in, spec.source, false);
    if (rc == 0 && check)
        rc = check_end(in, spec.destination, spec.kind == BIND_QUEUE);
    if (rc == 0 && !check && binding_find(in->vhost, &spec) == NULL)
        rc = note(in, item, NULL);
    if (rc == 0 && !check)
        rc = binding_add(in->vhost, &spec, NULL, in->why);
    mem_free(in->vhost->catalog->host->mem, room);
    return rc;
}

static int
on_policy(const struct import *in, const json_t *item, bool check)
{
    struct view name, pattern;
    int rc = text(in, item, "name", &name);
    if (rc == 0)
        rc = text(in, item, "pattern", &pattern);
    if (rc == 0 && !json_is_object(json_object_get(item, "definition")))
        rc = bad(in, "definition", "an object of settings");
    if (rc < 0 || check)
        return rc < 0 ? rc : policy_check(in->vhost, name, item, in->why);
    const struct policy *old = policy_find(in->vhost, name);
    rc = note(in, item, old == NULL ? NULL : policy_json(old));
    return rc == 0 ? policy_set(in->vhost, name, item, in->why) : rc;
}

/* ---- undone --------------------------------------------------------------------------------------------------------
 *
 * In the same turn: nobody has seen it.  The last to be noted may not have been made. */

typedef void undo_fn(const struct import *in, const json_t *item, const json_t *old);

static void
undo_policy(const struct import *in, const json_t *item, const json_t *old)
{
    struct view name;
    if (text(in, item, "name", &name) < 0)
        return;
    if (old != NULL)
        (void)policy_set(in->vhost, name, old, in->why);
    else
        (void)policy_clear(in->vhost, name, in->why);
}

static void
undo_queue(const struct import *in, const json_t *item, const json_t *old)
{
    struct view name;
    uint64_t count;
    (void)old;
    struct mq *mq = text(in, item, "name", &name) < 0 ? NULL : mq_find(in->vhost, name);
    if (mq != NULL)
        (void)mq_delete(mq, false, false, &count, NULL, in->why);
}

static void
undo_exchange(const struct import *in, const json_t *item, const json_t *old)
{
    struct view name;
    (void)old;
    if (text(in, item, "name", &name) == 0)
        (void)xchg_delete(in->vhost, name, false, NULL, in->why);
}

/* An exchange that has it as its last does not go with it: it was there before. */
static void
undo_binding(const struct import *in, const json_t *item, const json_t *old)
{
    struct binding_spec spec = { 0 };
    uint8_t *room = NULL;
    (void)old;
    struct binding *b = read_binding(in, item, &spec, &room) < 0 ? NULL : binding_find(in->vhost, &spec);
    if (b != NULL && binding_durable(b))
        (void)record_binding_end(b);
    if (b != NULL)
        binding_free(b);
    mem_free(in->vhost->catalog->host->mem, room);
}

/* ---- all of them ---------------------------------------------------------------------------------------------------
 */

static bool
is_ours(const struct import *in, const json_t *item)
{
    const json_t *vhost = json_object_get(item, "vhost");
    return vhost == NULL || (json_is_string(vhost) && view_is(vhost_name(in->vhost), json_string_value(vhost)));
}

static const struct {
    const char *name;
    int (*on)(const struct import *in, const json_t *item, bool check);
    undo_fn *undo;
} sections[] = {
    {"policies",   on_policy,   undo_policy  },
    { "queues",    on_queue,    undo_queue   },
    { "exchanges", on_exchange, undo_exchange},
    { "bindings",  on_binding,  undo_binding },
};

/* The refusal says of which item it is. */
static int
label(const struct import *in, size_t at, const json_t *item, int rc)
{
    const char *name = json_string_value(json_object_get(item, "name"));
    struct refusal said = *in->why;
    (void)refuse(in->why, said.code, "definitions: %s[%zu]%s%s%s: %s", in->section, at, name == NULL ? "" : " '",
                 name == NULL ? "" : name, name == NULL ? "" : "'", said.text);
    return rc;
}

static int
each(struct import *in, bool check)
{
    size_t at;
    const json_t *item;
    for (size_t i = 0; i < COUNT_OF(sections); i++) {
        const json_t *list = json_object_get(in->definitions, sections[i].name);
        in->section = sections[i].name;
        if (list != NULL && !json_is_array(list))
            return refuse(in->why, AMQP_PRECONDITION_FAILED, "definitions: '%s' is not an array", in->section);
        json_array_foreach(list, at, item)
        {
            int rc = is_ours(in, item) ? sections[i].on(in, item, check) : 0;
            if (rc < 0)
                return label(in, at, item, rc);
        }
    }
    return 0;
}

/* Backwards, and without a word: the refusal is told already. */
static void
undo_all(struct import *in)
{
    struct refusal unheard;
    in->why = &unheard;
    for (size_t n = json_array_size(in->undo); n-- > 0;) {
        const json_t *entry = json_array_get(in->undo, n), *section = json_object_get(entry, "section");
        for (size_t i = 0; i < COUNT_OF(sections); i++)
            if (strcmp(sections[i].name, json_string_value(section)) == 0)
                sections[i].undo(in, json_object_get(entry, "item"), json_object_get(entry, "old"));
    }
}

static int
apply(struct import *in)
{
    in->undo = json_array();
    int rc = in->undo == NULL ? refuse_world(in->why, -ERR_NO_MEMORY) : each(in, false);
    if (rc < 0)
        undo_all(in);
    json_decref(in->undo);
    return rc;
}

int
catalog_import(struct vhost *vhost, const json_t *definitions, struct refusal *why)
{
    struct import in = { .vhost = vhost, .definitions = definitions, .section = "definitions", .why = why };
    if (!json_is_object(definitions))
        return refuse(why, AMQP_PRECONDITION_FAILED, "definitions: not an object");
    int rc = each(&in, true);
    return rc == 0 ? apply(&in) : rc;
}
